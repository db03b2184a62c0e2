"""What a handler is given beside the request and the keys, and what it gives back."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

import msgspec

from keystead.core.domain.state import DomainState
from keystead.core.keys.opened import OpenedKey
from keystead.core.operations.recipients import Attestation, Attested, NothingBelieved
from keystead.core.operations.vault_port import Vault
from keystead.core.policy.grants import Grant, NewGrant
from keystead.core.policy.variables import Values
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.proof import Claims
from keystead.core.records import Change
from keystead.identifiers import AccountId, AliasName, Region

Terms: TypeAlias = tuple[Mapping[str, str], NewGrant | None]
"""The encryption context, and for ``kms:CreateGrant`` what the new grant would allow."""


class Access(msgspec.Struct, frozen=True, gc=False):
    """One permission that a request needs."""

    action: str
    """Such as ``kms:Encrypt``."""
    resource: str
    """ARN of the key or alias; ``*`` where the operation is on neither."""
    key: OpenedKey | None
    """The key whose policy is asked; None where identity policies alone decide."""
    conditions: Callable[[], Mapping[str, Values]]
    """What policies may ask about this request and key; made only when a policy asks."""
    terms: Callable[[], Terms] = lambda: ({}, None)
    """What the constraints of grants are held against; made only for a key that has grants."""


class Judge(Protocol):
    """Decides by policies. Refuses unless something allows."""

    def authorize(self, context: "Context", access: Access) -> None:
        """Return if the caller may; AccessDeniedException if not, RecordError for a stored policy that is none."""

    def admit_retirement(self, context: "Context", access: Access, grant: Grant, issuer: AccountId) -> None:
        """Return if the caller may retire this grant, made in that account; AccessDeniedException if not."""

    def admit_policy(self, context: "Context", access: Access, policy: str, *, bypass_lockout_check: bool) -> None:
        """Return if this text may become the policy of the key that ``access`` names as its resource.

        Raises:
            ServiceError: LimitExceededException for text that is too long; MalformedPolicyDocumentException for what is
                no key policy, or would keep the caller from ever changing it again, unless he insists.
        """


class Context(msgspec.Struct, frozen=True, gc=False):
    """One verified request's surroundings."""

    now: int
    claims: Claims
    vault: Vault
    judge: Judge
    domain: DomainState
    """The domain as it is installed: what is told about the end of a key follows from it."""
    names: tuple[AliasName, ...] = ()
    """The alias names of a page of aliases, in the order of its keys."""
    attestation: Attestation = NothingBelieved()
    recipient: Attested | None = None
    """Who gets what is secret of the answer; the caller if None."""

    @property
    def account(self) -> AccountId:
        """The caller's account."""
        return AccountId(self.claims.account)

    @property
    def region(self) -> Region:
        """The region that the request was signed for."""
        return Region(self.claims.region)


class Done(msgspec.Struct, frozen=True, gc=False):
    """What came of a request that succeeded."""

    answer: Shape | None
    """None where the operation's answer has no body."""
    change: Change | None = None
    secrets: tuple[bytearray, ...] = ()
    """Buffers that the answer refers to; whoever encodes the answer wipes them then."""
