"""Parties to a domain, with their keys, for judging requests and tokens without any module that runs.

Tokens are made by the module's own code from whatever state and request a test hands in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from keystead.components.security_module.identity import ModuleIdentity
from keystead.components.security_module.ingestion import open_domain_keys
from keystead.components.security_module.issuing import issue
from keystead.core.domain import change_request, genesis
from keystead.core.domain.change_request import ApprovedRequest, ChangeRequest, DomainChange
from keystead.core.domain.genesis import Genesis
from keystead.core.domain.quorum import KOfOperators, Rules
from keystead.core.domain.state import DomainState, Member, Operator, Permission, SlotKind
from keystead.core.domain.succession import Successor, accept
from keystead.identifiers import DomainKeyId
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import IdentityKey
from tests.simulators.world import SeededRandomness

NOW = 1_800_000_000_000
LATER = NOW + 3_600_000


@dataclass(frozen=True)
class Person:
    """An operator with its key."""

    key: OperatorKey
    operator: Operator


@cache
def person(name: str, *permissions: Permission) -> Person:
    """Return the operator of this name; it may govern if nothing else is said."""
    key = OperatorKey.generate(SeededRandomness(0, f"person {name}"), name)
    return Person(key, Operator.of(name, key.public, frozenset(permissions or {Permission.GOVERN})))


@cache
def module(name: str) -> ModuleIdentity:
    """Return the module of this name."""
    dice = SeededRandomness(0, f"module {name}")
    return ModuleIdentity(signing=IdentityKey.generate(dice), sealing=RecipientKey.generate(dice), slot=SlotKind.FILE)


def member(name: str) -> Member:
    """Return the module of this name as a state lists it."""
    identity = module(name)
    return Member.of(name, identity.signing.public, identity.sealing.public)


def k_of(count: int, *people: Person) -> KOfOperators:
    """Return the rule that so many of these must sign."""
    return KOfOperators(count, tuple(sorted(one.operator.id for one in people)))


class Parties:
    """A domain at its newest version, and all who can make the next."""

    def __init__(self, people: Sequence[Person], modules: Sequence[str], rules: Rules, seed: int = 0) -> None:
        """Found the domain."""
        self.dice = SeededRandomness(seed, "parties")
        self.modules = tuple(modules)
        body = genesis.body(
            nonce=self.dice.token(32),
            created=NOW,
            members=[member(name) for name in modules],
            operators=[one.operator for one in people],
            rules=rules,
        )
        self.genesis = genesis.CODEC.encode(
            Genesis(
                body,
                tuple(
                    genesis.sign_as_operator(body, one.operator.id, one.key)
                    for one in sorted(people, key=lambda one: one.operator.id)
                ),
                tuple(
                    genesis.sign_as_member(body, identity.id, identity.signing)
                    for identity in sorted(map(module, modules), key=lambda one: one.id)
                ),
            )
        )
        self.state: DomainState = genesis.verify_genesis(self.genesis)
        self.hash: bytes = self.state.domain
        self.keys: dict[DomainKeyId, Secret] = {}

    def request(self, change: DomainChange, **changed: object) -> bytes:
        """Return a request for a change of the newest state; ``changed`` replaces fields of it."""
        fields: dict[str, object] = {
            "domain": self.state.domain,
            "predecessor": self.hash,
            "change": change,
            "expires": LATER,
            "nonce": self.dice.token(16),
        }
        return change_request.CODEC.encode(ChangeRequest(**fields | changed))  # type: ignore[arg-type]

    def token(self, request: bytes, *signers: Person, by: str | None = None, now: int = NOW) -> bytes:
        """Return the token that a module makes of a request that these signed; raises what it refuses with."""
        approved = change_request.APPROVED_CODEC.encode(signed(request, *signers))
        issuer = module(by or self.modules[0])
        return issue(self.state, self.hash, approved, self.keys, issuer, self.dice, now)

    def judged(self, token: bytes, now: int | None = NOW) -> Successor:
        """Return the token as judged to follow the newest state."""
        return accept(self.state, self.hash, token, now)

    def follow(self, token: bytes) -> None:
        """Go on to the state that a token makes."""
        successor = self.judged(token)
        opener = module(self.modules[0])
        self.keys = dict(open_domain_keys(successor, opener.id, opener.sealing))
        self.state, self.hash = successor.state, successor.hash


def signed(request: bytes, *signers: Person) -> ApprovedRequest:
    """Return a request with the signatures of these, in this order."""
    return ApprovedRequest(request, tuple(change_request.sign(request, one.operator.id, one.key) for one in signers))
