"""The one error tree.

    KeysteadError
    ├── ServiceError            the caller's request is answered with an error of the service model
    ├── Refusal                 bytes or a wish from outside that a rule forbids; nothing was changed
    │   ├── FormatError         not the one accepted form (truncated, trailing bytes, unknown version, non-canonical)
    │   ├── SealError           does not open: other key, other purpose, changed bytes
    │   ├── SignatureError      a signature or MAC does not verify
    │   ├── SessionError        HelloRefused, SessionExpired, UnknownOperator, NotPermitted, ReplayedFrame,
    │   │                       ReorderedFrame, ReflectedFrame, WrongModule, WrongIncarnation, WrongConnection,
    │   │                       ForgedFrame, NotAttached
    │   ├── ProofError          ProofExpired, ProofForged, WrongAudience, WrongBody, UnknownVoucher, ProofReplayed
    │   ├── DomainError         WrongDomain, WrongPredecessor, WrongVersion, QuorumNotMet, RequestExpired, NotAMember,
    │   │                       NotPinned, PromiseBroken, PromiseMissing, StateMismatch, UnsatisfiableRule, NoDomain,
    │   │                       RemovedOperator, InstallationDenied
    │   ├── RecordError         a stored record is not the one that its sealed head names
    │   ├── RotationError       MayNotReseal, RotationDenied, DropDenied
    │   ├── ShreddingError      NotShredded, ReceiptRefused, DeletionNotDue, NotAgreed
    │   └── RotationNotDue      it is not the day of a key's rotation
    ├── RepositoryError         ConflictError, DuplicateError, FencedError, RepositoryUnavailable
    ├── PeerUnavailable         another process cannot be reached or did not answer in time
    └── OperatorError           told to the person at the terminal; ends with what to do next

Inside, a kind and a cause; outside, ``core.protocols.aws_json.rendering`` turns a ServiceError into the service's
answer, and ``keystead.interfaces.cli`` prints an OperatorError. Whatever else reaches an edge becomes an internal
failure without detail. Every Refusal has a number that goes over the wire; numbers are never reused.
"""

from typing import ClassVar


class KeysteadError(Exception):
    """Root of everything that Keystead raises on purpose."""


class ServiceError(KeysteadError):
    """An error of the service model, as the caller will see it.

    ``code`` is the error's name in the service model ("ValidationException"), ``message`` its text, or None where the
    service sends none.
    """

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code if message is None else f"{code}: {message}")
        self.code = code
        self.message = message


class Refusal(KeysteadError):
    """Something from outside broke a rule; nothing was changed."""

    number: ClassVar[int] = 1


class FormatError(Refusal):
    """The bytes are not in the one accepted form."""

    number = 2


class SealError(Refusal):
    """The sealed bytes do not open under this key for this purpose."""

    number = 3


class SignatureError(Refusal):
    """A signature or MAC does not verify."""

    number = 4


class SessionError(Refusal):
    """A session, or a frame of one, is not acceptable."""

    number = 20


class HelloRefused(SessionError):
    """The hello of an operator is stale or from the future."""

    number = 21


class SessionExpired(SessionError):
    """The operator key token is past its expiry."""

    number = 22


class UnknownOperator(SessionError):
    """The operator is not listed in the domain token that is installed now."""

    number = 23


class NotPermitted(SessionError):
    """The operator is listed, without the permission that this needs."""

    number = 24


class ReplayedFrame(SessionError):
    """The sequence number was used before."""

    number = 25


class ReorderedFrame(SessionError):
    """The sequence number is not the next one."""

    number = 26


class ReflectedFrame(SessionError):
    """The frame was made for the other direction."""

    number = 27


class WrongModule(SessionError):
    """The frame was made for another module."""

    number = 28


class WrongIncarnation(SessionError):
    """The frame was made for another start of this module."""

    number = 29


class WrongConnection(SessionError):
    """The frame was made for another connection."""

    number = 30


class ForgedFrame(SessionError):
    """The frame does not open under the session's key."""

    number = 31


class NotAttached(SessionError):
    """A frame came before an operator key token was attached to the connection."""

    number = 32


class AlreadyAttached(SessionError):
    """A connection is attached to a session once."""

    number = 33


class WrongOperator(SessionError):
    """Who attaches is not the operator that the session was given to."""

    number = 34


class ProofError(Refusal):
    """A proof of authentication is not acceptable."""

    number = 40


class ProofExpired(ProofError):
    """The proof is past its expiry, or from the future."""

    number = 41


class ProofForged(ProofError):
    """The proof was not made with the voucher's proof key."""

    number = 42


class WrongAudience(ProofError):
    """The proof was given to another front end."""

    number = 43


class WrongBody(ProofError):
    """The body is not the one that was signed."""

    number = 44


class UnknownVoucher(ProofError):
    """Who vouches is not an installed operator with that permission."""

    number = 46


class ProofReplayed(ProofError):
    """The proof changed this key before."""

    number = 47


class DomainError(Refusal):
    """A change of the domain is not acceptable."""

    number = 60


class WrongDomain(DomainError):
    """Made for another domain."""

    number = 61


class WrongPredecessor(DomainError):
    """Not a successor of what is installed."""

    number = 62


class WrongVersion(DomainError):
    """Not the next version."""

    number = 63


class QuorumNotMet(DomainError):
    """The signatures do not satisfy the rule for this kind of request."""

    number = 64


class RequestExpired(DomainError):
    """The change request is past its expiry."""

    number = 65


class NotAMember(DomainError):
    """The module is not a member of the proposed domain."""

    number = 66


class NotPinned(DomainError):
    """A blank module was shown a genesis or domain that its configuration does not pin."""

    number = 67


class PromiseBroken(DomainError):
    """Another successor of the same predecessor was promised before."""

    number = 68


class PromiseMissing(DomainError):
    """Not all remaining members have promised this successor."""

    number = 69


class StateMismatch(DomainError):
    """The proposed state is not what the request makes of its predecessor."""

    number = 70


class UnsatisfiableRule(DomainError):
    """A quorum rule could never be met, or is weaker than the constitutional rule allows."""

    number = 71


class NoDomain(DomainError):
    """The module holds no domain token yet."""

    number = 72


class RemovedOperator(DomainError):
    """The signer was an operator of the domain, and was removed."""

    number = 73


class InstallationDenied(DomainError):
    """The coordinator does not install the token; the text says why."""

    number = 74


class TooEarly(DomainError):
    """The domain key has not been retired for long enough to be dropped."""

    number = 75


class OfferMissing(DomainError):
    """The token is sealed to a key that this module did not offer for it, or does not have any more."""

    number = 76


class Abandoned(DomainError):
    """The module released this successor, or was shown that it can never be installed."""

    number = 77


class StillMember(DomainError):
    """The module is a member of the domain, which needs its sealing key."""

    number = 78


class RetiredKey(SealError):
    """Sealed under a domain key that is retired: it is kept, and opens nothing."""

    number = 81


class RecordError(Refusal):
    """A stored record is not the one that its sealed head names, or not the one asked for."""

    number = 80


class RotationError(Refusal):
    """Something that belongs to the rotation of domain keys is not acceptable."""

    number = 90


class MayNotReseal(RotationError):
    """The operator is listed, without the permission to carry, and asked for what the coordinator alone may ask."""

    number = 91


class RotationDenied(RotationError):
    """The coordinator does not do what was ordered; the text says why."""

    number = 92


class DropDenied(RotationError):
    """A domain key is not taken away yet; the text says why."""

    number = 93


class ShreddingError(Refusal):
    """Something that belongs to the end of a key is not acceptable."""

    number = 95


class NotShredded(ShreddingError):
    """The key is not marked, or a domain key that it rests under is not dropped: there is nothing to sign yet."""

    number = 96


class ReceiptRefused(ShreddingError):
    """The domain's own documents do not bear the receipt out."""

    number = 97


class DeletionNotDue(ShreddingError):
    """The head of a key names no moment for its deletion, or one that has not come by the module's clock."""

    number = 98


class NotAgreed(DeletionNotDue):
    """No other active member says that the deletion of this very head is due."""

    number = 99


class RotationNotDue(Refusal):
    """The head of a key names no day for its rotation, or one that is still to come, or the key is not enabled."""

    number = 155


class RepositoryError(KeysteadError):
    """A repository did not do what it was asked; nothing was changed."""


class ConflictError(RepositoryError):
    """The row is not the one that was read (compare and swap failed)."""


class DuplicateError(RepositoryError):
    """The name is taken already."""


class FencedError(RepositoryError):
    """The domain key named in the write takes no new records."""


class RepositoryUnavailable(RepositoryError):
    """The repository cannot be reached now."""


class PeerUnavailable(KeysteadError):
    """Another process cannot be reached or did not answer in time."""


class OperatorError(KeysteadError):
    """Told to the person at the terminal; ``next_step`` says what to do about it."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"{problem}; {next_step}")
        self.problem = problem
        self.next_step = next_step


def _tree(root: type[Refusal]) -> dict[int, type[Refusal]]:
    found = {root.number: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


REFUSALS: dict[int, type[Refusal]] = _tree(Refusal)
"""Every kind of refusal by its number on the wire."""
