"""The one registry of domain-separation labels.

Every derivation, MAC, signature and seal names what it is for, so that nothing made for one purpose can serve another.
A label is never reused for something else; a changed meaning takes a new one (``v2``).
"""

from enum import Enum


class Label(bytes, Enum):
    """What a key, MAC, signature or sealed thing is for."""

    AUTHENTICATION_CHALLENGE = b"keystead/v1/authentication-challenge"
    CREDENTIALS = b"keystead/v1/credentials"
    CUSTOMER_CIPHERTEXT = b"keystead/v1/customer-ciphertext"
    DELETION_DUE = b"keystead/v1/deletion-due"
    DESTRUCTION = b"keystead/v1/destruction"
    DOMAIN_KEY = b"keystead/v1/domain-key"
    DOMAIN_KEY_COMMITMENT = b"keystead/v1/domain-key-commitment"
    DOMAIN_KEY_ID = b"keystead/v1/domain-key-id"
    DOMAIN_TOKEN = b"keystead/v1/domain-token"
    DOMAIN_TOKEN_MAC = b"keystead/v1/domain-token-mac"
    FOLLOWED = b"keystead/v1/followed"
    FRAME_REQUEST = b"keystead/v1/frame-request"
    FRAME_RESPONSE = b"keystead/v1/frame-response"
    GENESIS = b"keystead/v1/genesis"
    GRANT_ID = b"keystead/v1/grant-id"
    GRANT_TOKEN = b"keystead/v1/grant-token"
    KEY_HEAD = b"keystead/v1/key-head"
    KEY_ID = b"keystead/v1/key-id"
    KEY_MATERIAL_ID = b"keystead/v1/key-material-id"
    KEY_TOKEN = b"keystead/v1/key-token"
    MODULE_FINGERPRINT = b"keystead/v1/module-fingerprint"
    MODULE_ID = b"keystead/v1/module-id"
    OFFER = b"keystead/v1/offer"
    OPERATOR_ID = b"keystead/v1/operator-id"
    OPERATOR_KEY_TOKEN = b"keystead/v1/operator-key-token"
    PROMISE = b"keystead/v1/promise"
    PROOF = b"keystead/v1/proof"
    RELEASE = b"keystead/v1/release"
    ROOT_SLOT = b"keystead/v1/root-slot"
    SELF_TEST = b"keystead/v1/self-test"
    SESSION_ACCEPT = b"keystead/v1/session-accept"
    SESSION_HELLO = b"keystead/v1/session-hello"
    SESSION_KEY = b"keystead/v1/session-key"
    SHREDDING_RECEIPT = b"keystead/v1/shredding-receipt"
