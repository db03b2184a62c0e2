"""How an operator and a module agree on a session (FIG. 24; ``spec/module-session.md``, section 3).

The operator's *hello* answers one greeting and carries a fresh public key; it is signed with the operator's key. The
module's *accept* carries the session key, sealed to that fresh key (hybrid HPKE, so that a recording stays closed to
a quantum computer), and the operator key token, which every module of the domain can open; it is signed with the
module's identity key over the whole exchange. Each stage has a type of its own: Offer → (hello) → Admitted → (accept)
→ Session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from keystead.core.protocols.module_session.fields import (
    Bytes16,
    DomainIdField,
    Milliseconds,
    ModuleIdField,
    OperatorIdField,
)
from keystead.core.protocols.module_session.messages import Greeting
from keystead.core.strict import StrictCodec
from keystead.errors import (
    FormatError,
    HelloRefused,
    NoDomain,
    NotAMember,
    SessionExpired,
    UnknownOperator,
    WrongConnection,
    WrongDomain,
    WrongIncarnation,
    WrongModule,
)
from keystead.identifiers import DomainId, ModuleId, OperatorId
from keystead.primitives.digest import labelled_digest
from keystead.primitives.hpke import RecipientKey, seal_to
from keystead.primitives.labels import Label
from keystead.primitives.openssh import OperatorKey
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import IdentityKey, verify_handshake

VERSION: Final = 1
FRESHNESS: Final = 30_000
"""Milliseconds by which the time in a hello may differ from the module's."""
LIFETIME: Final = 600_000
"""Milliseconds that a session lives, unless the module is configured otherwise."""
SESSION_KEY_SIZE: Final = 32
_PREFIX: Final = bytes((VERSION,))
_SIGNATURE_SIZE: Final = 64


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """What an operator states when it asks for a session."""

    operator: OperatorIdField
    domain: DomainIdField
    module: ModuleIdField
    incarnation: Bytes16
    connection_nonce: Bytes16
    """As greeted, with module and incarnation: so a hello is of use on one connection only."""
    ephemeral: bytes
    """HPKE public key made for this hello alone."""
    nonce: Bytes16
    issued: Milliseconds


class Accept(msgspec.Struct, frozen=True, array_like=True):
    """What a module states when it grants a session."""

    module: ModuleIdField
    operator_key_token: bytes
    sealed_key: bytes
    """The session key, HPKE-sealed to the hello's public key."""
    expires: Milliseconds


_hellos: Final[StrictCodec[Hello]] = StrictCodec(Hello, "a hello")
_accepts: Final[StrictCodec[Accept]] = StrictCodec(Accept, "an accept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An operator's session, usable at every module of its domain until it expires."""

    operator: OperatorId
    key: Secret = field(repr=False, compare=False)
    operator_key_token: bytes = field(repr=False)
    begun: int
    expires: int

    @property
    def due(self) -> int:
        """Milliseconds since the epoch at which it is time to negotiate the next one: two thirds of the life."""
        return self.begun + (self.expires - self.begun) * 2 // 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The operator's side between hello and accept."""

    hello: bytes
    operator: OperatorId
    module: ModuleId
    ephemeral: RecipientKey = field(repr=False, compare=False)

    def accepted(self, accept: bytes, members: Mapping[ModuleId, bytes], now: int) -> Session:
        """Return the session that the module grants.

        ``members`` are the Ed25519 public keys of the domain's members. Raises NotAMember if the greeter is not a
        member, WrongModule if another module answered, SignatureError if the member did not sign this very exchange,
        SessionExpired, SealError, FormatError.
        """
        stated, signature = _split(accept)
        member = members.get(self.module)
        if member is None:
            raise NotAMember("who greeted is not a member of the domain")
        verify_handshake(member, Label.SESSION_ACCEPT, _transcript(self.hello, stated), signature)
        granted = _accepts.decode(stated[len(_PREFIX) :])
        if granted.module != self.module:
            raise WrongModule("another module than the one that greeted accepts")
        if granted.expires <= now:
            raise SessionExpired("the session that the module grants is past its expiry")
        info = _sealing_info(self.hello, granted.operator_key_token, granted.expires)
        return Session(
            operator=self.operator,
            key=self.ephemeral.open(info, granted.sealed_key),
            operator_key_token=granted.operator_key_token,
            begun=now,
            expires=granted.expires,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A hello that the module verified; only ``admit`` makes it."""

    operator: OperatorId
    hello: bytes
    ephemeral: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the module gives: a new random session key, that key in an operator key token, and when both expire."""

    session_key: Secret = field(repr=False, compare=False)
    operator_key_token: bytes = field(repr=False)
    expires: int


def offer(
    key: OperatorKey,
    operator: OperatorId,
    domain: DomainId,
    greeting: Greeting,
    ephemeral: RecipientKey,
    nonce: bytes,
    now: int,
) -> Offer:
    """Return the hello that answers a greeting, and what is needed to open the accept.

    ``ephemeral`` and the 16-byte ``nonce`` are made for this offer alone. Raises NoDomain if the module is blank and
    WrongDomain if it serves another domain.
    """
    if greeting.domain is None:
        raise NoDomain("the module holds no domain token yet")
    if greeting.domain != domain:
        raise WrongDomain("the module serves another domain")
    stated = _PREFIX + _hellos.encode(
        Hello(
            operator=operator,
            domain=domain,
            module=greeting.module,
            incarnation=greeting.incarnation,
            connection_nonce=greeting.connection_nonce,
            ephemeral=ephemeral.public,
            nonce=nonce,
            issued=now,
        )
    )
    hello = stated + key.sign_handshake(Label.SESSION_HELLO, stated)
    return Offer(hello=hello, operator=operator, module=greeting.module, ephemeral=ephemeral)


def admit(hello: bytes, greeting: Greeting, operators: Mapping[OperatorId, bytes], now: int) -> Admitted:
    """Return the hello as admitted on the connection that began with this greeting.

    ``operators`` are the Ed25519 public keys of the operators installed now. Raises, in this order: FormatError,
    UnknownOperator, SignatureError, WrongDomain, WrongModule, WrongIncarnation, WrongConnection, and HelloRefused if
    it is stale or from the future.
    """
    stated, signature = _split(hello)
    asked = _hellos.decode(stated[len(_PREFIX) :])
    operator = operators.get(asked.operator)
    if operator is None:
        raise UnknownOperator("the operator is not installed")
    verify_handshake(operator, Label.SESSION_HELLO, stated, signature)
    if asked.domain != greeting.domain:
        raise WrongDomain("the hello is for another domain")
    if asked.module != greeting.module:
        raise WrongModule("the hello is for another module")
    if asked.incarnation != greeting.incarnation:
        raise WrongIncarnation("the hello is for another start of this module")
    if asked.connection_nonce != greeting.connection_nonce:
        raise WrongConnection("the hello is for another connection")
    if abs(now - asked.issued) > FRESHNESS:
        raise HelloRefused("the hello is stale or from the future: compare the clocks of both hosts")
    return Admitted(operator=asked.operator, hello=hello, ephemeral=asked.ephemeral)


def accept(admitted: Admitted, grant: Grant, module: ModuleId, identity: IdentityKey) -> bytes:
    """Return the answer that grants a session; raises FormatError if the hello's public key is none."""
    info = _sealing_info(admitted.hello, grant.operator_key_token, grant.expires)
    stated = _PREFIX + _accepts.encode(
        Accept(
            module=module,
            operator_key_token=grant.operator_key_token,
            sealed_key=seal_to(admitted.ephemeral, info, grant.session_key.view),
            expires=grant.expires,
        )
    )
    return stated + identity.sign_handshake(Label.SESSION_ACCEPT, _transcript(admitted.hello, stated))


def _split(signed: bytes) -> tuple[bytes, bytes]:
    stated, signature = signed[:-_SIGNATURE_SIZE], signed[-_SIGNATURE_SIZE:]
    if stated[: len(_PREFIX)] != _PREFIX or len(signature) != _SIGNATURE_SIZE:
        raise FormatError("not a handshake message of this version")
    return stated, signature


def _transcript(hello: bytes, stated: bytes) -> bytes:
    return labelled_digest(Label.SESSION_ACCEPT, hello, stated)


def _sealing_info(hello: bytes, operator_key_token: bytes, expires: int) -> bytes:
    return labelled_digest(Label.SESSION_KEY, hello, operator_key_token, expires.to_bytes(8, "big"))
