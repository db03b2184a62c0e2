"""AWS Signature Version 4, header form: what a client signed, rebuilt from what will be executed and compared.

``authorization`` reads what the client claims, ``canonical`` rebuilds the bytes that it must have signed,
``verification`` puts both together with the clock and the signing key. Query-string ("presigned") and chunked forms are
refused: the key management service has no use for either.
"""
