"""What an operator and the coordinator say to each other (paragraph 122): installation requests and status.

Every message is one MessagePack array with its kind first (``spec/coordination.md``). The coordinator answers the
requests of a connection in order. A request to install is signed by the operator that submits it; nothing else that is
said here needs belief.
"""

from typing import Annotated, Final, TypeAlias

import msgspec

from keystead.core.protocols.module_session.fields import (
    Bytes16,
    Bytes32,
    DomainIdField,
    Milliseconds,
    ModuleIdField,
    OperatorIdField,
)
from keystead.core.protocols.rotation import OrderRotation, ReadRotation, RotationStatus
from keystead.core.strict import StrictCodec
from keystead.errors import REFUSALS, Refusal
from keystead.identifiers import OperatorId
from keystead.primitives.openssh import OperatorKey, OperatorPublic, verify_sshsig

NAMESPACE: Final = "keystead.installation.v1"
Version = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Install(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Asks for the installation of a domain token; answered by Accepted."""

    token: bytes
    submitter: OperatorIdField
    signature: bytes
    """The submitter's SSHSIG over the token."""


class AwaitInstallation(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Asks to be answered, by Installed, when every member has this version or a later one."""

    version: Version


class ReadStatus(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Asks how the domain is; answered by Status."""


class AbandonInstallation(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Asks to give up what is being installed; answered by Accepted, with the version that is given up."""

    approved: bytes
    """An approved change request, to abandon it."""


class Accepted(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The token will be installed, whatever fails meanwhile."""

    version: Version


class Installed(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """What every member has."""

    version: Version
    token_hash: Bytes32


class Denied(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Nothing was changed; the number is that of a Refusal."""

    number: int
    detail: str

    def error(self) -> Refusal:
        """Return the refusal that the coordinator raised."""
        return REFUSALS.get(self.number, Refusal)(self.detail)


class ModuleStatus(msgspec.Struct, frozen=True, array_like=True):
    """What the coordinator knows of one member, or of one module that is no member."""

    module: ModuleIdField
    name: str
    """As the domain lists it; empty for a module that is no member."""
    reachable: bool
    incarnation: Bytes16 | None = None
    version: Version | None = None
    """As the module said last; None if it is blank or was not heard."""
    trouble: str = ""
    """Why it cannot go on; empty while nothing is wrong."""
    promised: bool = False
    """Whether its promise of what is being installed is kept."""
    installed: bool = False
    """Whether it is known to have what is being installed."""
    waited_for: bool = False
    """Whether the installation stands still until it answers."""
    since: Milliseconds | None = None
    """Since when it is in trouble."""
    retry: Milliseconds | None = None
    """When it is tried again; nil while it is being tried, or nothing is wrong."""


class Status(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """How the domain is."""

    domain: DomainIdField
    version: Version
    """What every member has."""
    token_hash: Bytes32
    in_flight: Version | None
    """The version that is being installed."""
    stage: str
    """How far that is, in lower case; empty if there is none."""
    modules: tuple[ModuleStatus, ...]
    begun: Milliseconds | None = None
    """When what is being installed was accepted."""
    in_flight_hash: Bytes32 | None = None
    """Hash of the token that is being installed."""


Request: TypeAlias = Install | AwaitInstallation | ReadStatus | OrderRotation | ReadRotation | AbandonInstallation
Answer: TypeAlias = Accepted | Installed | Denied | Status | RotationStatus

REQUESTS: Final[StrictCodec[Request]] = StrictCodec(Request, "a request to the coordinator")
ANSWERS: Final[StrictCodec[Answer]] = StrictCodec(Answer, "an answer of the coordinator")


def submit(token: bytes, submitter: OperatorId, key: OperatorKey) -> Install:
    """Return the operator's signed request to install a token."""
    return Install(token, submitter, key.sign(NAMESPACE, token))


def verify_submission(install: Install, public: OperatorPublic) -> None:
    """Return if the operator with this key asked for the installation; raises SignatureError."""
    verify_sshsig(public, NAMESPACE, install.token, install.signature)
