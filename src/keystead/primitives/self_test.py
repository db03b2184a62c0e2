"""Known answers, checked when a process that relies on them starts; a primitive that answers otherwise stops it.

The answers of SHA-256 and HMAC are those of FIPS 180-2 (appendix B.1) and RFC 4231 (section 4.3); the others follow
from the seeds here and were confirmed by independent implementations in the tests. Asymmetric keys are also tried at
generation.
"""

import hmac
from collections.abc import Callable
from typing import Final

from keystead.errors import OperatorError, Refusal
from keystead.primitives.authentication import Mac
from keystead.primitives.channel import FrameCipher
from keystead.primitives.derivation import derive
from keystead.primitives.digest import sha256
from keystead.primitives.hpke import SECRET_SIZE as RECIPIENT_SECRET_SIZE
from keystead.primitives.hpke import RecipientKey, seal_to
from keystead.primitives.labels import Label
from keystead.primitives.sealing import NONCE, seal, unseal
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import SECRET_SIZE as IDENTITY_SECRET_SIZE
from keystead.primitives.signatures import IdentityKey, verify, verify_handshake

_KEY: Final = bytes(range(32))
_NONCE: Final = bytes(NONCE)
_MESSAGE: Final = b"abc"
_AAD: Final = b"aad"
_DERIVED: Final = (
    "e43a3fc20fba11d09c7b0c7da68781d3807a047bf214dfb63c9aa3d309bef55a"
    "058d8861906ca6f19df31c6014977f51440bfaa6652357ef114bb52c8a3b4038"
)
_SEALED: Final = "eb2b421420053fddde504adf53f6f11ae9e20d" + _DERIVED[64:]
_FRAME: Final = "74b4dc4f8ad16a8801e3f82b1495454283cd38"
_ED25519_PUBLIC: Final = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
_ED25519_SIGNATURE: Final = (
    "60df09f445cb4d15a3b6bf7ae46a1a2cbefd0bd82c4071291789877782f02494"
    "241209dbe0b0900dc489e936cab919b41537ebd93f3b9c665e51e45ce38ea80b"
)
_MLDSA65_PUBLIC: Final = "408071bcaf4fe051b0b68f8e5b2a9dbbc15dabd9440757bf197a677bbca50b9b"
_RECIPIENT_PUBLIC: Final = "d99e4496af749b54ee4a2d270c8057450624ecc5dc0866295ffc504a26134ad4"


def run() -> None:
    """Return if every primitive gives its known answer; raises OperatorError naming the first that does not."""
    for name, gives_known_answer in _TESTS.items():
        try:
            if gives_known_answer():
                continue
        except Refusal:
            pass
        raise OperatorError(
            f"the self test of {name} failed",
            "do not use this host: check the installed libraries against requirements/run.lock, then the hardware",
        )


def _digest() -> bool:
    return sha256(b"a", b"bc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def _mac() -> bool:
    mac = Mac(b"Jefe")
    known = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    mac.verify(known, b"what do ya want ", b"for nothing?")
    return mac.tag(b"what do ya want for nothing?") == known


def _derivation() -> bool:
    out = bytearray(64)
    derive(_KEY, Label.SELF_TEST, _NONCE, out)
    return out.hex() == _DERIVED


def _sealing() -> bool:
    sealed = bytes.fromhex(_SEALED)
    return (
        seal(_KEY, Label.SELF_TEST, _NONCE, _MESSAGE, _AAD) == sealed
        and unseal(_KEY, Label.SELF_TEST, _NONCE, sealed, _AAD) == _MESSAGE
    )


def _frames() -> bool:
    cipher = FrameCipher(_KEY)
    frame = bytes.fromhex(_FRAME)
    return cipher.seal(1, b"h", _MESSAGE) == frame and cipher.open(1, b"h", frame) == _MESSAGE


def _signatures() -> bool:
    key = IdentityKey.from_secret(_counting(IDENTITY_SECRET_SIZE))
    verify(key.public, Label.SELF_TEST, _MESSAGE, key.sign(Label.SELF_TEST, _MESSAGE))
    verify_handshake(key.public.ed25519, Label.SELF_TEST, _MESSAGE, bytes.fromhex(_ED25519_SIGNATURE))
    return (
        key.sign_handshake(Label.SELF_TEST, _MESSAGE).hex() == _ED25519_SIGNATURE
        and key.public.ed25519.hex() == _ED25519_PUBLIC
        and sha256(key.public.mldsa65).hex() == _MLDSA65_PUBLIC
    )


def _hpke() -> bool:
    key = RecipientKey.from_secret(_counting(RECIPIENT_SECRET_SIZE))
    with key.open(_AAD, seal_to(key.public, _AAD, _MESSAGE)) as opened:
        return sha256(key.public).hex() == _RECIPIENT_PUBLIC and hmac.compare_digest(opened.view, _MESSAGE)


def _counting(size: int) -> Secret:
    return Secret.taken(bytearray(range(size)))


_TESTS: Final[dict[str, Callable[[], bool]]] = {
    "SHA-256": _digest,
    "HMAC-SHA-256": _mac,
    "key derivation": _derivation,
    "sealing": _sealing,
    "frames": _frames,
    "signatures": _signatures,
    "HPKE": _hpke,
}
