"""The algorithms of customers' keys by the names of the service model, as the library takes them.

RSASSA and RSAES of PKCS #1 v2.2, ECDSA of FIPS 186-5, HMAC of FIPS 198-1. PSS has salt as long as the digest, MGF1 the
hash of the message, OAEP no label.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA224, SHA256, SHA384, SHA512, HashAlgorithm

_HASHES: Final[dict[str, HashAlgorithm]] = {
    "SHA_1": SHA1(),  # noqa: S303 - what RSAES_OAEP_SHA_1 is; OAEP does not rest on collisions
    "SHA_224": SHA224(),
    "SHA_256": SHA256(),
    "SHA_384": SHA384(),
    "SHA_512": SHA512(),
}


def hash_of(algorithm: str) -> HashAlgorithm:
    """Return the hash that the name of an algorithm ends with."""
    return _HASHES[algorithm[algorithm.rindex("SHA_") :]]


def digest_size(algorithm: str) -> int:
    """Return the bytes of the digest that the algorithm signs."""
    return hash_of(algorithm).digest_size


def oaep(algorithm: str) -> padding.OAEP:
    """Return the padding of an encryption algorithm."""
    chosen = hash_of(algorithm)
    return padding.OAEP(padding.MGF1(chosen), chosen, None)


def signing(algorithm: str, *, digested: bool) -> tuple[object, ...]:
    """Return what the library's ``sign`` and ``verify`` take beside the message; ``digested`` if it is a digest."""
    if not algorithm.startswith(("RSASSA", "ECDSA")):
        return ()
    chosen = hash_of(algorithm)
    hashing = Prehashed(chosen) if digested else chosen
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashing),)
    if algorithm.startswith("RSASSA_PSS"):
        return padding.PSS(padding.MGF1(chosen), chosen.digest_size), hashing
    return padding.PKCS1v15(), hashing
