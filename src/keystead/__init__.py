"""Keystead: a key management service that an organisation runs itself and that speaks the AWS KMS protocol."""

__version__ = "0.1.0"
