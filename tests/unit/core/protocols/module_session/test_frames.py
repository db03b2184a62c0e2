"""Frames between a real operator and a real module: what opens, and each refusal, one condition falsified at a time."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.protocols.module_session import connection, operator_connection
from keystead.core.protocols.module_session.connection import ModuleConnection
from keystead.core.protocols.module_session.frame import (
    FRAMES_PER_CONNECTION,
    HEADER_SIZE,
    Direction,
    FrameSender,
    Route,
    module_end,
)
from keystead.core.protocols.module_session.messages import (
    GREETING_CALL,
    Attach,
    Attached,
    Identify,
    Refused,
    decode_call,
    encode_reply,
)
from keystead.core.protocols.module_session.operator_connection import FrameRefused, OperatorConnection
from keystead.errors import (
    AlreadyAttached,
    ForgedFrame,
    FormatError,
    NotAttached,
    ReflectedFrame,
    Refusal,
    ReorderedFrame,
    ReplayedFrame,
    SealError,
    SessionExpired,
    UnknownOperator,
    WrongConnection,
    WrongIncarnation,
    WrongModule,
    WrongOperator,
)
from keystead.identifiers import OperatorId
from tests.unit.core.protocols.module_session.peers import Peers, Wire


def keeping(seen: list[bytes]) -> Callable[[bytes], bytes]:
    """Return a wire that is listened to."""

    def keep(frame: bytes) -> bytes:
        seen.append(frame)
        return frame

    return keep


@pytest.mark.requirement("CONS-27", "CONS-29", "P25-02", "P25-03", "P25-05", "P25-09")
def test_content_passes_both_ways_at_every_module() -> None:
    """One session, negotiated at one module, carries sealed requests and responses at each; none travels in clear."""
    peers = Peers()
    session = peers.negotiate(peers.connect())
    for module in peers.modules:
        wire = peers.attached(module, session)
        seen: list[bytes] = []
        wire.bend = keeping(seen)
        for number in range(3):
            assert wire.request(b"request %d" % number) == b"request %d" % number
            assert wire.respond(b"response %d" % number) == b"response %d" % number
        assert not any(b"request" in frame or b"response" in frame for frame in seen)


@pytest.mark.requirement("CONS-28")
def test_a_connection_carries_the_encrypted_session_key_and_requests_sealed_under_it() -> None:
    """Nothing but what the operator sends is needed: the token opens to the key that authenticates the request."""
    peers = Peers()
    wire = peers.connect()
    session = peers.negotiate(wire)
    attach = decode_call(wire.near.attach(session, bytes(16)))
    assert isinstance(attach.request, Attach)
    tenure, key = peers.modules[1].opened(attach.request.operator_key_token)
    wire.near.receive(encode_reply(attach.number, Attached(tenure.expires)))
    frame = wire.near.seal(b"request")
    far = module_end(key, Route.of(wire.far.greeting, attach.request.client_nonce))
    assert far.receiver.open(frame) == b"request"


def _replayed(wire: Wire) -> None:
    frame = wire.near.seal(b"once")
    wire.deliver(frame)
    wire.deliver(frame)


def _reordered(wire: Wire) -> None:
    wire.near.seal(b"first")
    wire.deliver(wire.near.seal(b"second"))


def _reflected(wire: Wire) -> None:
    wire.deliver(wire.far.seal(b"to the operator"))


def _of_another_module(wire: Wire) -> None:
    peers, session = wire.peers, wire.session
    wire.deliver(peers.attached(peers.modules[1], session).near.seal(b"for another"))


def _of_another_incarnation(wire: Wire) -> None:
    peers = wire.peers
    wire.deliver(peers.attached(peers.domain.module(0, peers.randomness), wire.session).near.seal(b"for another"))


def _of_another_connection(wire: Wire) -> None:
    wire.deliver(wire.peers.attached(wire.module, wire.session).near.seal(b"for another"))


def _forged(wire: Wire) -> None:
    frame = bytearray(wire.near.seal(b"true"))
    frame[-1] ^= 1
    wire.deliver(bytes(frame))


def _under_another_session(wire: Wire) -> None:
    peers = wire.peers
    other = peers.negotiate(wire)
    greeting = wire.far.greeting
    near = OperatorConnection()
    near.receive(encode_reply(GREETING_CALL, greeting))
    call = decode_call(near.attach(other, wire.client_nonce))
    near.receive(encode_reply(call.number, Attached(other.expires)))
    wire.deliver(near.seal(b"same place, other key"))


def _expired(wire: Wire) -> None:
    wire.peers.clock.time = wire.session.expires
    wire.request(b"late")


def _removed(wire: Wire) -> None:
    wire.module.operators.clear()
    wire.request(b"from a removed operator")


def _of_another_version(wire: Wire) -> None:
    frame = wire.near.seal(b"new")
    wire.deliver(frame[:1] + b"\x02" + frame[2:])


def _of_no_direction(wire: Wire) -> None:
    frame = wire.near.seal(b"sideways")
    wire.deliver(frame[:2] + b"\x03" + frame[3:])


def _truncated(wire: Wire) -> None:
    wire.deliver(wire.near.seal(b"whole")[: HEADER_SIZE - 1])


def _header_only(wire: Wire) -> None:
    wire.deliver(wire.near.seal(b"whole")[:HEADER_SIZE])


REFUSALS: list[tuple[str, Callable[[Wire], None], type[Refusal]]] = [
    ("replay", _replayed, ReplayedFrame),
    ("reordering", _reordered, ReorderedFrame),
    ("reflection", _reflected, ReflectedFrame),
    ("another module's frame", _of_another_module, WrongModule),
    ("another incarnation's frame", _of_another_incarnation, WrongIncarnation),
    ("another connection's frame", _of_another_connection, WrongConnection),
    ("forgery", _forged, ForgedFrame),
    ("another session's key", _under_another_session, ForgedFrame),
    ("expired session", _expired, SessionExpired),
    ("removed operator", _removed, UnknownOperator),
    ("another version", _of_another_version, FormatError),
    ("no direction", _of_no_direction, FormatError),
    ("truncated header", _truncated, FormatError),
    ("no content", _header_only, ForgedFrame),
]


@pytest.mark.requirement("P25-04", "P25-11")
@pytest.mark.parametrize(("break_it", "error"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_each_wrong_frame_is_refused_with_its_own_error(break_it: Callable[[Wire], None], error: type[Refusal]) -> None:
    """Everything but one condition holds; the module says which one does not, and opens nothing more on the wire."""
    wire = Peers().attached()
    with pytest.raises(error) as refusal:
        break_it(wire)
    assert type(refusal.value) is error
    assert wire.far.state is connection.State.CLOSED
    with pytest.raises(NotAttached):
        wire.request(b"after all")


def test_a_session_serves_until_the_last_millisecond() -> None:
    """The moment before its expiry a session is good."""
    wire = Peers().attached()
    wire.peers.clock.time = wire.session.expires - 1
    assert wire.request(b"in time") == b"in time"


def test_the_operator_refuses_wrong_responses_likewise() -> None:
    """Replay, reflection and another connection's response are refused at the operator's end too."""
    peers = Peers()
    wire = peers.attached()
    response = wire.far.seal(b"answer")
    wire.near.receive(response)
    with pytest.raises(ReplayedFrame):
        wire.near.receive(response)
    with pytest.raises(ReflectedFrame):
        wire.near.receive(wire.near.seal(b"own"))
    with pytest.raises(WrongConnection):
        wire.near.receive(peers.attached(wire.module, wire.session).far.seal(b"answer"))


def test_a_refused_frame_changes_nothing_at_the_receiver() -> None:
    """After a forged frame the true one with the same number still opens (where the connection was not closed)."""
    wire = Peers().attached()
    true = wire.far.seal(b"true")
    forged = true[:-1] + bytes((true[-1] ^ 1,))
    with pytest.raises(ForgedFrame):
        wire.near.receive(forged)
    assert wire.near.receive(true) == operator_connection.Responded(bytearray(b"true"))


@pytest.mark.requirement("P25-04")
def test_only_whose_session_it_is_attaches_it() -> None:
    """An operator that shows the token of another is refused, although the token opens and is in time."""
    peers = Peers()
    wire = peers.connect()
    session = peers.negotiate(wire)
    tenure, key = wire.module.opened(session.operator_key_token)
    stranger = Attach(OperatorId(bytes(16)), session.operator_key_token, bytes(16))
    with pytest.raises(WrongOperator):
        wire.far.attach(stranger, tenure, key, peers.clock.time)
    wire.attach(session, bytes(16))


def test_an_expired_token_is_not_attached() -> None:
    """The expiry in the token is checked when it is attached, too."""
    peers = Peers()
    wire = peers.connect()
    session = peers.negotiate(wire)
    peers.clock.time = session.expires
    with pytest.raises(SessionExpired):
        wire.attach(session, bytes(16))
    assert wire.far.state is connection.State.GREETED


def test_a_forged_token_is_not_attached() -> None:
    """A token that no module of the domain sealed does not open."""
    peers = Peers()
    with pytest.raises(SealError):
        peers.modules[0].opened(bytes(120))


def test_a_connection_is_attached_once() -> None:
    """A second attach would be a second key for one connection; it is refused at both ends."""
    peers = Peers()
    wire = peers.attached()
    again = Attach(wire.session.operator, wire.session.operator_key_token, bytes(16))
    tenure, key = wire.module.opened(wire.session.operator_key_token)
    with pytest.raises(AlreadyAttached):
        wire.far.attach(again, tenure, key, peers.clock.time)
    with pytest.raises(FormatError):
        wire.near.attach(wire.session, bytes(16))


def test_a_frame_before_the_attach_is_refused_at_both_ends() -> None:
    """Nothing is opened, and nothing sealed, before a session is attached."""
    peers = Peers()
    frame = peers.attached().near.seal(b"early")
    wire = peers.connect()
    with pytest.raises(NotAttached):
        wire.far.seal(b"early")
    with pytest.raises(NotAttached):
        wire.near.seal(b"early")
    with pytest.raises(NotAttached):
        wire.near.receive(frame)
    with pytest.raises(NotAttached):
        wire.deliver(frame)


@pytest.mark.parametrize("replayed", ["greeting", "client nonce"])
def test_no_key_meets_a_nonce_twice(replayed: str) -> None:
    """If one side's random bytes are replayed, the other's make the keys differ: equal content seals differently."""
    peers = Peers()
    session = peers.negotiate(peers.connect())
    first, second = peers.connect(), peers.connect()
    if replayed == "greeting":
        second.near = OperatorConnection()
        second.near.receive(encode_reply(GREETING_CALL, first.far.greeting))
        second.far = ModuleConnection(first.far.greeting)
        nonces = [bytes(16), bytes(range(16))]
    else:
        nonces = [bytes(16), bytes(16)]
    for wire, nonce in zip((first, second), nonces, strict=True):
        wire.attach(session, nonce)
    one, other = first.near.seal(b"same"), second.near.seal(b"same")
    assert one[HEADER_SIZE:] != other[HEADER_SIZE:]
    with pytest.raises(WrongConnection):
        second.deliver(one)


def test_directions_have_different_keys() -> None:
    """The same content under the same number seals differently each way."""
    wire = Peers().attached()
    assert wire.near.seal(b"same")[HEADER_SIZE:] != wire.far.seal(b"same")[HEADER_SIZE:]


def test_numbers_are_never_used_up_twice() -> None:
    """After FRAMES_PER_CONNECTION frames the connection must be made anew."""
    peers = Peers()
    wire = peers.attached()
    session = wire.session
    route = Route.of(wire.far.greeting, wire.client_nonce)
    cipher = route.cipher(session.key.view, Direction.REQUEST)
    sender = FrameSender(cipher, route.header(Direction.REQUEST), FRAMES_PER_CONNECTION - 1)
    sender.seal(b"last")
    with pytest.raises(SessionExpired):
        sender.seal(b"too many")


PEERS = Peers(2)
SESSION = PEERS.negotiate(PEERS.connect())


@given(st.data())
def test_a_flipped_bit_never_opens(data: st.DataObject) -> None:
    """On a wire that flips one bit of a frame, either way, nothing opens, and only refusals come out."""
    wire = PEERS.attached(session=SESSION)
    towards_module = data.draw(st.booleans())

    def flip(frame: bytes) -> bytes:
        bit = data.draw(st.integers(0, len(frame) * 8 - 1))
        return frame[: bit // 8] + bytes((frame[bit // 8] ^ 1 << bit % 8,)) + frame[bit // 8 + 1 :]

    wire.bend = flip
    with pytest.raises(Refusal):
        (wire.request if towards_module else wire.respond)(b"content")


@given(st.binary(max_size=300), st.booleans())
def test_garbage_is_refused(garbage: bytes, framed: bool) -> None:  # noqa: FBT001 -- hypothesis draws it
    """Whatever comes instead of a message, only refusals come out."""
    wire = PEERS.attached(session=SESSION)
    with pytest.raises(Refusal):
        wire.deliver(b"\x02\x01" + garbage if framed else garbage)
    with pytest.raises(Refusal):
        wire.near.receive(b"\x02\x01" + garbage if framed else garbage)


def test_answers_come_in_the_order_of_calls() -> None:
    """An answer with another number, or to no call, breaks the protocol."""
    wire = Peers().connect()
    first = decode_call(wire.near.call(Identify()))
    second = decode_call(wire.near.call(Identify()))
    with pytest.raises(FormatError):
        wire.near.receive(encode_reply(second.number, Refused(1, "")))
    wire.near.receive(encode_reply(first.number, Refused(1, "")))
    wire.near.receive(encode_reply(second.number, Refused(1, "")))
    with pytest.raises(FormatError):
        wire.near.receive(encode_reply(second.number, Refused(1, "")))


def test_a_refused_attach_leaves_the_connection_greeted() -> None:
    """The operator may attach another session on it."""
    peers = Peers()
    wire = peers.connect()
    session = peers.negotiate(wire)
    call = decode_call(wire.near.attach(session, bytes(16)))
    wire.near.receive(encode_reply(call.number, Refused(SessionExpired.number, "")))
    assert wire.near.state is operator_connection.State.GREETED
    wire.attach(session, bytes(16))


def test_only_a_greeting_or_a_refusal_comes_uncalled() -> None:
    """A second greeting, or any other answer with the number of none, breaks the protocol."""
    wire = Peers().connect()
    with pytest.raises(FormatError):
        wire.near.receive(encode_reply(GREETING_CALL, wire.far.greeting))
    with pytest.raises(FormatError):
        wire.near.receive(encode_reply(GREETING_CALL, Attached(1)))
    refused = Refused(ForgedFrame.number, "")
    assert wire.near.receive(encode_reply(GREETING_CALL, refused)) == FrameRefused(refused)


def test_nothing_is_attached_before_the_greeting() -> None:
    """There is no connection to name yet."""
    with pytest.raises(FormatError):
        OperatorConnection().attach(SESSION, bytes(16))


def test_every_state_can_end() -> None:
    """Whatever the state, the transport may be lost; and nothing leads out of closed."""
    for far in connection.State:
        assert connection.TRANSITIONS[far, connection.Event.END] is connection.State.CLOSED
    for near in operator_connection.State:
        assert operator_connection.TRANSITIONS[near, operator_connection.Event.END] is operator_connection.State.CLOSED
    out_of_far = {after for (state, _), after in connection.TRANSITIONS.items() if state.value == "closed"}
    out_of_near = {after for (state, _), after in operator_connection.TRANSITIONS.items() if state.value == "closed"}
    assert (out_of_far, out_of_near) == ({connection.State.CLOSED}, {operator_connection.State.CLOSED})


def test_an_ended_connection_has_no_keys() -> None:
    """After the end nothing is sealed or opened."""
    wire = Peers().attached()
    wire.near.end()
    wire.far.end()
    for seal in (wire.near.seal, wire.far.seal):
        with pytest.raises(NotAttached):
            seal(b"after the end")
