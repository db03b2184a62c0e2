"""What happened: every call that clients made and every fact that was seen at modules, in one record.

The simulation and the tests with real processes write the same record, and ``tests.simulators.invariants`` judges it.
Times are seconds on one clock that never goes back. A call whose result is not known may have happened or not, now or
later; that is never taken for a refusal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import sha256
from math import inf

import msgspec


class Fate(Enum):
    """How a call ended for its client."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation that a client asked for, and what it was told."""

    client: str
    operation: str
    invoked: float
    key_id: str = ""
    """The key that was asked for; empty where the ciphertext alone names it, or for CreateKey."""
    ciphertext: bytes = b""
    """What was to be decrypted."""
    plaintext: bytes = b""
    """What was to be encrypted."""
    context: Mapping[str, str] = field(default_factory=dict)
    """The encryption context that the ciphertext was, or is to be, made with."""
    new_context: Mapping[str, str] = field(default_factory=dict)
    """ReEncrypt: the context of the new ciphertext."""
    fate: Fate = Fate.UNKNOWN
    returned: float = inf
    """When the client was told; never, if it was not."""
    code: str = ""
    """Name of the error, if it was refused."""
    answer: "Answer | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call that was done returned."""

    key_id: str = ""
    ciphertext: bytes = b""
    plaintext: bytes = b""
    version: int = 0
    """The key version that made the ciphertext; 0 where that was not looked at."""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A module was seen with this domain state."""

    module: str
    at: float
    version: int
    token: bytes
    """Hash of the domain token; of the genesis document for version 0."""
    predecessor: bytes
    """Hash that the token names as its predecessor; empty for version 0."""
    signers: frozenset[str]
    """Operators whose signatures over the change were found good by whoever recorded this."""
    governors: frozenset[str]
    """Operators whose signatures this state asks for in the next change."""
    needed: int
    """How many of them."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Something was seen that was sealed under a key with a nonce."""

    key: bytes
    """Names the key."""
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Exposure:
    """Bytes that were seen outside the modules: on a disk, on a wire, in a log."""

    place: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """What a key had encrypted opened to an attacker, with all that is left and all that was ever seen."""

    key_id: str
    at: float


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One durable record of the use of a key."""

    request_id: str
    durable: float
    """When it was acknowledged as durable."""


@dataclass(slots=True)
class History:
    """The record; each list only grows. What was not looked at stays empty, or None, and is reported as that."""

    calls: list[Call] = field(default_factory=list)
    ended: dict[str, float] = field(default_factory=dict)
    """Keys that were deleted or shredded for good, and when that was acknowledged."""
    installed: list[Installed] = field(default_factory=list)
    sealings: list[Sealing] = field(default_factory=list)
    secrets: dict[str, bytes] = field(default_factory=dict)
    """Key material that only modules may hold, by a name for the report."""
    exposures: list[Exposure] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    audit: list[AuditRecord] | None = None
    closing: float | None = None
    """From here on, faults were over and everything that was acknowledged was read again."""

    def done(self, call: Call, returned: float, answer: Answer) -> None:
        """Record that the call was acknowledged."""
        self.calls.append(replace(call, fate=Fate.DONE, returned=returned, answer=answer))

    def refused(self, call: Call, returned: float, code: str) -> None:
        """Record that the call was answered with an error that says that nothing was done."""
        self.calls.append(replace(call, fate=Fate.REFUSED, returned=returned, code=code))

    def unknown(self, call: Call, code: str) -> None:
        """Record that the client cannot know what became of the call."""
        self.calls.append(replace(call, fate=Fate.UNKNOWN, code=code))

    def expose(self, exposures: Iterable[Exposure]) -> None:
        """Record bytes that were seen outside the modules."""
        self.exposures.extend(exposures)

    def trace(self) -> bytes:
        """Return a digest of what clients and modules were seen to do, in order: equal for two runs that were the same.

        Hashes of tokens, and what is made from them, are left out: signatures and encapsulations are random whatever
        the seed.
        """
        installed = [replace(seen, token=b"", predecessor=b"") for seen in self.installed]
        facts = [self.calls, self.ended, installed, self.audit, self.closing]
        return sha256(msgspec.msgpack.encode(facts, enc_hook=_plain)).digest()


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(type(value))
