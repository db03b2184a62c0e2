"""The handshake: a session for the right operator at the right module, and each reason for refusing one, alone."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.protocols.module_session.handshake import FRESHNESS, Admitted, Offer, Session, admit, offer
from keystead.core.protocols.module_session.messages import Greeting, Negotiate
from keystead.errors import (
    FormatError,
    HelloRefused,
    NoDomain,
    NotAMember,
    Refusal,
    SealError,
    SessionExpired,
    SignatureError,
    UnknownOperator,
    WrongConnection,
    WrongDomain,
    WrongIncarnation,
    WrongModule,
)
from keystead.identifiers import DomainId, ModuleId
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.openssh import OperatorKey
from tests.unit.core.protocols.module_session.peers import NOW, Peers, Wire

PEERS = Peers()


def admitted(offered: Offer, greeting: Greeting, now: int = NOW) -> Admitted:
    """Let the module judge the hello."""
    return admit(offered.hello, greeting, PEERS.modules[0].operators, now)


@pytest.mark.requirement("CONS-26", "P24-03", "P24-05", "P24-06", "P24-07")
def test_both_ends_have_the_session_key_and_the_token_holds_it() -> None:
    """The operator opens the very key that any module finds in the operator key token, with operator and expiry."""
    wire = PEERS.connect()
    session = PEERS.negotiate(wire)
    for module in PEERS.modules:
        tenure, key = module.opened(session.operator_key_token)
        assert bytes(session.key.view) == key
        assert tenure.operator == session.operator == PEERS.domain.identity.operator
        assert tenure.expires == session.expires == NOW + PEERS.domain.lifetime
    other = PEERS.negotiate(wire)
    assert not session.key.same_as(other.key)


def test_a_session_shows_neither_key_nor_token() -> None:
    """The repr of a session names who and how long, and no secret."""
    session = PEERS.negotiate(PEERS.connect())
    assert bytes(session.key.view).hex() not in repr(session)
    assert "token" not in repr(session)


def test_a_session_is_due_at_two_thirds_of_its_life() -> None:
    """Renewal begins ahead of expiry."""
    session = PEERS.negotiate(PEERS.connect())
    assert session.due == NOW + PEERS.domain.lifetime * 2 // 3


def test_a_blank_module_gets_no_hello() -> None:
    """There is nothing to agree on before a domain is installed."""
    wire = PEERS.connect()
    blank = msgspec.structs.replace(wire.far.greeting, domain=None)
    with pytest.raises(NoDomain):
        _offer(blank, PEERS.domain.domain)


def test_a_module_of_another_domain_gets_no_hello() -> None:
    """The operator asks only modules of the domain that it is pinned to."""
    with pytest.raises(WrongDomain):
        _offer(PEERS.connect().far.greeting, DomainId(bytes(32)))


def _offer(greeting: Greeting, domain: DomainId) -> Offer:
    identity = PEERS.domain.identity
    ephemeral = RecipientKey.generate(PEERS.randomness)
    return offer(identity.key, identity.operator, domain, greeting, ephemeral, bytes(16), NOW)


def _other(field: str, value: bytes) -> Callable[[Greeting], Greeting]:
    return lambda greeting: msgspec.structs.replace(greeting, **{field: value})


@pytest.mark.parametrize(
    ("bend", "error"),
    [
        pytest.param(_other("domain", bytes(32)), WrongDomain, id="another domain"),
        pytest.param(_other("module", bytes(16)), WrongModule, id="another module"),
        pytest.param(_other("incarnation", bytes(16)), WrongIncarnation, id="another incarnation"),
        pytest.param(_other("connection_nonce", bytes(16)), WrongConnection, id="a replay on another connection"),
    ],
)
def test_a_hello_is_of_use_on_one_connection(bend: Callable[[Greeting], Greeting], error: type[Refusal]) -> None:
    """A hello that answers another greeting is refused, with the error for what differs."""
    greeting = PEERS.connect().far.greeting
    offered = PEERS.offer(_greeted(greeting))
    admitted(offered, greeting)
    with pytest.raises(error):
        admitted(offered, bend(greeting))


def _greeted(greeting: Greeting) -> Wire:
    wire = PEERS.connect()
    wire.far.greeting = greeting
    return wire


@pytest.mark.parametrize("late", [FRESHNESS + 1, -FRESHNESS - 1])
def test_a_stale_hello_is_refused(late: int) -> None:
    """Within FRESHNESS either way it is taken, one millisecond beyond it is not."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    admitted(offered, wire.far.greeting, NOW + late + (-1 if late > 0 else 1))
    with pytest.raises(HelloRefused):
        admitted(offered, wire.far.greeting, NOW + late)


def test_an_operator_that_is_not_installed_is_refused() -> None:
    """The operators of the domain token that is installed now decide."""
    wire = PEERS.connect()
    with pytest.raises(UnknownOperator):
        admit(PEERS.offer(wire).hello, wire.far.greeting, {}, NOW)


def test_a_hello_signed_with_another_key_is_refused() -> None:
    """Naming an operator is not being it."""
    wire = PEERS.connect()
    stranger = OperatorKey.generate(PEERS.randomness, "stranger")
    identity = PEERS.domain.identity
    ephemeral = RecipientKey.generate(PEERS.randomness)
    offered = offer(stranger, identity.operator, PEERS.domain.domain, wire.far.greeting, ephemeral, bytes(16), NOW)
    with pytest.raises(SignatureError):
        admitted(offered, wire.far.greeting)


def _accept(wire: Wire, offered: Offer) -> bytes:
    return wire.module.negotiate(Negotiate(offered.hello), wire.far.greeting).accept


def _session(offered: Offer, accept: bytes, now: int = NOW) -> Session:
    return offered.accepted(accept, PEERS.members, now)


def test_an_accept_of_a_stranger_is_refused() -> None:
    """Who greeted must be a member of the domain."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    accept = _accept(wire, offered)
    with pytest.raises(NotAMember):
        offered.accepted(accept, {}, NOW)


def test_an_accept_signed_by_another_member_is_refused() -> None:
    """The member that greeted must have signed."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    wire.module.identity = PEERS.domain.identities[1]
    try:
        accept = _accept(wire, offered)
    finally:
        wire.module.identity = PEERS.domain.identities[0]
    with pytest.raises(SignatureError):
        _session(offered, accept)


def test_an_accept_that_names_another_module_is_refused() -> None:
    """What is signed must name who signed."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    member = wire.module.member
    wire.module.member = PEERS.domain.members[1]
    try:
        accept = _accept(wire, offered)
    finally:
        wire.module.member = member
    with pytest.raises(WrongModule):
        _session(offered, accept)


def test_an_accept_of_another_hello_is_refused() -> None:
    """A recorded accept answers no other hello, although all else is the same."""
    wire = PEERS.connect()
    recorded = _accept(wire, PEERS.offer(wire))
    with pytest.raises(SignatureError):
        _session(PEERS.offer(wire), recorded)


def test_a_session_that_is_over_is_refused() -> None:
    """An accept whose expiry has come gives no session."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    accept = _accept(wire, offered)
    _session(offered, accept, NOW + PEERS.domain.lifetime - 1)
    with pytest.raises(SessionExpired):
        _session(offered, accept, NOW + PEERS.domain.lifetime)


def test_a_session_key_opens_with_the_hello_s_own_key_only() -> None:
    """Who replays the hello of another cannot open what the module answers."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    thief = Offer(
        hello=offered.hello,
        operator=offered.operator,
        module=ModuleId(offered.module),
        ephemeral=RecipientKey.generate(PEERS.randomness),
    )
    with pytest.raises(SealError):
        _session(thief, _accept(wire, offered))


def test_a_hello_with_no_public_key_is_refused() -> None:
    """The module seals to nothing that is not a public key."""
    wire = PEERS.connect()
    ephemeral = RecipientKey.generate(PEERS.randomness)
    ephemeral.public = b"no key"
    identity = PEERS.domain.identity
    offered = offer(identity.key, identity.operator, PEERS.domain.domain, wire.far.greeting, ephemeral, bytes(16), NOW)
    with pytest.raises(FormatError):
        _accept(wire, offered)


@given(st.data())
def test_a_flipped_bit_is_refused(data: st.DataObject) -> None:
    """Wherever a bit flips, in hello or accept, there is no session."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    accept = bytearray(_accept(wire, offered))
    hello = bytearray(offered.hello)
    target = data.draw(st.sampled_from([hello, accept]))
    bit = data.draw(st.integers(0, len(target) * 8 - 1))
    target[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refusal):
        _both(wire, offered, bytes(hello), bytes(accept))


def _both(wire: Wire, offered: Offer, hello: bytes, accept: bytes) -> None:
    admit(hello, wire.far.greeting, PEERS.modules[0].operators, NOW)
    _session(offered, accept)


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    """Bytes that are no hello and no accept give typed refusals only."""
    wire = PEERS.connect()
    with pytest.raises(Refusal):
        admit(garbage, wire.far.greeting, PEERS.modules[0].operators, NOW)
    with pytest.raises(Refusal):
        _session(PEERS.offer(wire), garbage)


def test_another_version_is_refused() -> None:
    """The first byte says the version; no other is guessed at."""
    wire = PEERS.connect()
    offered = PEERS.offer(wire)
    with pytest.raises(FormatError):
        admit(b"\x02" + offered.hello[1:], wire.far.greeting, PEERS.modules[0].operators, NOW)
