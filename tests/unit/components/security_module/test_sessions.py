"""Sessions at real modules: negotiated at one, used at every one, and no longer than they may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.domain.change_request import AddDomainKey, RemoveMember, RemoveOperator
from keystead.core.protocols.module_session import messages
from keystead.core.protocols.module_session.handshake import LIFETIME
from keystead.core.protocols.module_session.messages import Answer, Refused
from keystead.core.protocols.module_session.work import Work, encode_work
from keystead.errors import (
    FormatError,
    NoDomain,
    NotAMember,
    NotPermitted,
    Refusal,
    ReplayedFrame,
    SealError,
    SessionExpired,
    UnknownOperator,
    WrongOperator,
)
from keystead.primitives.digest import sha256
from tests.simulators.modules import FrontEnd, ModuleDomain, ModuleHost


def _is(answer: Answer | bytes, error: type[Refusal]) -> bool:
    return isinstance(answer, Refused) and answer.number == error.number


@pytest.mark.requirement("CONS-26", "CONS-27", "CONS-29", "P24-01", "P24-03", "P24-05", "P24-06", "P25-01", "DOM-01")
def test_a_session_of_one_module_is_used_at_the_other() -> None:
    """The session key and operator key token that one module granted do work at the other, with its own frames."""
    domain = ModuleDomain().with_key()
    front_end = FrontEnd(domain, host=0)
    key_id = front_end.create()
    front_end.peer = front_end.connect(1)
    answer = front_end.answer("DescribeKey", {"KeyId": key_id}, front_end.records[key_id])
    assert answer["KeyMetadata"]["KeyId"] == key_id


def test_the_session_key_is_not_in_the_token() -> None:
    """The operator key token that travels does not show the session key."""
    session = ModuleDomain().with_key().session("front-end")
    assert bytes(session.key.view) not in session.operator_key_token


@pytest.mark.requirement("P25-04", "P25-11")
def test_a_session_ends() -> None:
    """After its expiry a session is neither attached nor are its frames opened."""
    domain = ModuleDomain().with_key()
    front_end = FrontEnd(domain)
    frame = front_end.peer.connection.seal(encode_work(Work((), ())))
    domain.clock.time += LIFETIME
    assert _is(front_end.peer.exchange(frame), SessionExpired)
    assert not front_end.peer.open
    assert _is(domain.hosts[1].peer().attach(front_end.session, bytes(16)), SessionExpired)


@pytest.mark.requirement("P25-04", "P25-05")
def test_a_session_is_its_operators() -> None:
    """Another operator cannot attach it; a token that was changed, or of another domain, does not open."""
    domain, other = ModuleDomain().with_key(), ModuleDomain(seed=1).with_key()
    session, peer = domain.session("front-end"), domain.hosts[0].peer()
    stolen = messages.Attach(domain.operators["other-front-end"].id, session.operator_key_token, bytes(16))
    calls = {
        WrongOperator: stolen,
        SealError: messages.Attach(session.operator, other.session("front-end").operator_key_token, bytes(16)),
        FormatError: messages.Attach(session.operator, session.operator_key_token[:20], bytes(16)),
    }
    for number, (error, attach) in enumerate(calls.items(), 1):
        peer.handler.received(messages.encode_call(number, attach))
        reply = messages.decode_reply(bytes(peer.raw[-1]))
        assert isinstance(reply.answer, Refused)
        assert reply.answer.number == error.number


@pytest.mark.requirement("P25-02", "CONS-28")
def test_a_frame_is_served_once() -> None:
    """The same frame again is refused as replayed, and the connection is closed."""
    front_end = FrontEnd(ModuleDomain(1).with_key())
    frame = front_end.peer.connection.seal(encode_work(Work((), ())))
    assert isinstance(front_end.peer.exchange(frame), bytes)
    assert _is(front_end.peer.exchange(frame), ReplayedFrame)
    assert not front_end.peer.open


def test_a_removed_operator_is_refused_at_once() -> None:
    """The next frame after the switch is refused, though its session has not expired; so is a new hello."""
    domain = ModuleDomain().with_key()
    front_end = FrontEnd(domain, name="other-front-end")
    domain.install(domain.propose(RemoveOperator(front_end.session.operator)))
    frame = front_end.peer.connection.seal(encode_work(Work((), ())))
    assert _is(front_end.peer.exchange(frame), UnknownOperator)
    with pytest.raises(AssertionError, match=f"number={UnknownOperator.number}"):
        domain.session("other-front-end")


def test_a_removed_module_refuses_frames_whole() -> None:
    """Who asked it can ask another: no item has an outcome that says it was refused. Nor is a session attached."""
    domain = ModuleDomain().with_key()
    front_end = FrontEnd(domain, host=1)
    leaving, staying = domain.hosts[1], domain.hosts[0]
    token = domain.propose(RemoveMember(leaving.member.id, lost=True))
    promised = staying.ask(messages.PromiseSuccessor(token))
    assert isinstance(promised, messages.Promised)
    for host in (leaving, staying):
        assert isinstance(host.ask(messages.Ingest(token, (promised.promise,))), messages.Ingested)
    frame = front_end.peer.connection.seal(encode_work(Work((), ())))
    assert _is(front_end.peer.exchange(frame), NotAMember)
    assert not front_end.peer.open
    assert _is(leaving.peer().attach(front_end.session, bytes(16)), NotAMember)
    assert isinstance(staying.peer().attach(front_end.session, bytes(16)), messages.Attached)


@pytest.mark.parametrize("name", ["voucher", "carrier", "officer"])
def test_who_may_not_serve_has_no_work_done(name: str) -> None:
    """An installed operator without the permission has a session but no work done."""
    domain = ModuleDomain(1).with_key()
    front_end = FrontEnd(domain, name=name)
    frame = front_end.peer.connection.seal(encode_work(Work((), ())))
    assert _is(front_end.peer.exchange(frame), NotPermitted)


@pytest.mark.requirement("P24-04")
def test_sessions_outlive_a_new_domain_key_and_a_restart() -> None:
    """A session sealed under the older domain key is still opened, after a restart of the module too."""
    domain = ModuleDomain().with_key()
    session = domain.session("front-end")
    domain.install(domain.propose(AddDomainKey()))
    host = domain.hosts[1]
    assert isinstance(host.peer().attach(session, bytes(16)), messages.Attached)
    host.start()
    assert isinstance(host.peer().attach(session, bytes(16)), messages.Attached)


def test_hostile_messages_close_the_connection_with_a_typed_refusal() -> None:
    """Garbage of either kind is answered with a refusal, and the connection is closed."""
    host = ModuleDomain(1).with_key().hosts[0]
    for garbage in (b"", b"\x00", b"\x01", b"\x01\x01\xff", b"\x02" + bytes(100), b"\x03abc", sha256(b"x")):
        peer = host.peer()
        peer.handler.received(garbage)
        assert not peer.open
        assert isinstance(messages.decode_reply(peer.raw[-1]).answer, Refused)
        peer.handler.received(garbage)


def test_content_of_an_unknown_kind_is_refused() -> None:
    """A frame that is no work is refused, and so is one without content."""
    for content in (b"", b"\x09work"):
        front_end = FrontEnd(ModuleDomain(1).with_key())
        assert _is(front_end.peer.exchange(front_end.peer.connection.seal(content)), FormatError)
        assert not front_end.peer.open


def test_a_blank_module_opens_no_session() -> None:
    """Without a domain no operator key token opens."""
    domain = ModuleDomain(1).with_key()
    session = domain.session("front-end")
    blank = ModuleHost("blank", domain, 9)
    peer = blank.peer()
    attach = messages.Attach(session.operator, session.operator_key_token, bytes(16))
    peer.handler.received(messages.encode_call(1, attach))
    answer = messages.decode_reply(peer.raw[-1]).answer
    assert isinstance(answer, Refused)
    assert answer.number == NoDomain.number


SHARED = ModuleDomain(1).with_key()


@given(st.binary(max_size=300))
def test_arbitrary_documents_are_refused_and_change_nothing(garbage: bytes) -> None:
    """Every call that carries a document answers garbage with a typed refusal, and goes on."""
    host = SHARED.hosts[0]
    before = host.disk.snapshot()
    peer = host.peer()
    for request in (
        messages.SignGenesis(garbage),
        messages.AdoptGenesis(garbage),
        messages.Propose(garbage),
        messages.PromiseSuccessor(garbage),
        messages.Ingest(garbage, (garbage,)),
        messages.Negotiate(garbage),
    ):
        assert isinstance(peer.call(request), Refused)
    assert peer.open
    assert host.disk.snapshot() == before
