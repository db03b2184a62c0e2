"""Believes attestation documents that lead to the roots of trust in the module's own configuration."""

from functools import partial

from keystead.core.operations.recipients import Attested, measurements
from keystead.core.ports import Randomness
from keystead.core.protocols.attestation import FRESH_MS, decode
from keystead.errors import SignatureError
from keystead.primitives.attestation import Roots, verify
from keystead.primitives.enveloped_data import envelop, recipient_key


class RootedAttestation:
    """The ``Attestation`` of operations."""

    def __init__(self, roots: Roots, randomness: Randomness) -> None:
        """Take the roots of trust, and the randomness of envelopes."""
        self._roots = roots
        self._randomness = randomness

    def attested(self, document: bytes, now: int) -> Attested:
        """Return the environment that a document attests now; raises FormatError, SignatureError."""
        said = decode(document)
        if abs(now - said.timestamp) > FRESH_MS:
            raise SignatureError("the attestation document is not of these five minutes")
        recipient_key(said.public_key)
        verify(said.signed, said.signature, said.certificate, said.bundle, self._roots, now)
        return Attested(partial(envelop, said.public_key, source=self._randomness), measurements(said))
