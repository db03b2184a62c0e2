"""Genesis, promises and ingestion at a module: verified by itself, durable before it is told, never behind."""

from collections.abc import Callable

import msgspec
import pytest

from keystead.components.security_module import issuing
from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.safe import wake
from keystead.core.domain import domain_token, genesis, promise
from keystead.core.domain.change_request import AddDomainKey, RemoveMember, RemoveOperator
from keystead.core.domain.domain_token import DomainToken
from keystead.core.protocols.module_session import messages
from keystead.core.protocols.module_session.messages import Answer, Refused
from keystead.errors import OperatorError, SealError
from keystead.identifiers import DomainId, ModuleId
from keystead.primitives.labels import Label
from tests.simulators.modules import ModuleDomain, ModuleHost
from tests.simulators.world import PowerCut

NUMBERS = {
    "FormatError": 2,
    "SealError": 3,
    "SignatureError": 4,
    "WrongDomain": 61,
    "WrongPredecessor": 62,
    "WrongVersion": 63,
    "NotAMember": 66,
    "NotPinned": 67,
    "PromiseBroken": 68,
    "PromiseMissing": 69,
    "NoDomain": 72,
}


def _refusal(answer: Answer) -> str:
    assert isinstance(answer, Refused), answer
    return next(name for name, number in NUMBERS.items() if number == answer.number)


def _standing(host: ModuleHost) -> tuple[int, bytes, dict[str, bytes]]:
    current = host.module.installed.current
    return current.state.version, current.hash, host.disk.snapshot()


@pytest.mark.requirement("P20-01", "P20-02", "P20-03", "P20-06", "CONS-14", "CONS-01")
def test_a_token_that_all_promised_is_installed_everywhere() -> None:
    """Both modules hold the same state and domain key, after a restart too, from the token on their own disk."""
    domain = ModuleDomain().with_key()
    one, other = domain.hosts
    assert one.module.installed.current.state == other.module.installed.current.state
    (key,) = one.module.installed.current.keys.values()
    (same,) = other.module.installed.current.keys.values()
    assert key.same_as(same)
    before = _standing(other)
    other.start()
    assert _standing(other) == before
    assert other.module.installed.current.keys.popitem()[1].same_as(key)  # type: ignore[attr-defined]


def test_a_blank_module_signs_and_adopts_only_what_its_configuration_pins() -> None:
    """Without a pin, and with another, genesis is neither signed nor adopted."""
    domain = ModuleDomain().found()
    for pinned in (None, DomainId(bytes(32))):
        stranger = ModuleHost("stranger", domain, 9)
        stranger.pinned = pinned
        assert _refusal(stranger.ask(messages.SignGenesis(domain.drafted))) == "NotPinned"
        assert _refusal(stranger.ask(messages.AdoptGenesis(domain.genesis))) == "NotPinned"
        assert stranger.module.installed.blank
        assert (
            wake(FileRootSlot(stranger.disk, stranger.randomness), stranger.disk, stranger.randomness).position is None
        )


def test_a_module_signs_only_a_genesis_that_lists_it_and_that_all_operators_signed() -> None:
    """A module that is not listed, or a missing operator's signature, is refused."""
    domain = ModuleDomain().found()
    stranger = ModuleHost("stranger", domain, 9)
    document = genesis.CODEC.decode(domain.drafted)
    stranger.pinned = genesis.domain_id(document.body)
    assert _refusal(stranger.ask(messages.SignGenesis(domain.drafted))) == "NotAMember"
    unsigned = genesis.CODEC.encode(msgspec.structs.replace(document, operators=document.operators[1:]))
    assert _refusal(stranger.ask(messages.SignGenesis(unsigned))) == "SignatureError"
    assert _refusal(stranger.ask(messages.AdoptGenesis(domain.drafted))) == "SignatureError"


def test_a_module_belongs_to_one_domain() -> None:
    """It signs no second genesis, adopts no other, and adopting its own again changes nothing."""
    domain, other = ModuleDomain().with_key(), ModuleDomain(seed=1).found()
    host = domain.hosts[0]
    before = _standing(host)
    host.pinned = other.state.domain_id
    assert _refusal(host.ask(messages.SignGenesis(other.drafted))) == "WrongDomain"
    assert _refusal(host.ask(messages.AdoptGenesis(other.genesis))) == "WrongDomain"
    assert isinstance(host.ask(messages.AdoptGenesis(domain.genesis)), messages.Ingested)
    assert _standing(host) == before


def test_a_blank_module_does_nothing_else() -> None:
    """Requests that need a domain are refused with NoDomain."""
    host = ModuleHost("blank", ModuleDomain(), 9)
    for request in (messages.Propose(b""), messages.PromiseSuccessor(b""), messages.Ingest(b"", ())):
        assert _refusal(host.ask(request)) == "NoDomain"


def test_one_promise_for_each_predecessor() -> None:
    """The same token is promised again with the same words, after a restart too; another is refused."""
    domain = ModuleDomain().found()
    host = domain.hosts[0]
    first, second = domain.propose(AddDomainKey()), domain.propose(AddDomainKey())
    given = host.ask(messages.PromiseSuccessor(first))
    host.start()
    assert host.ask(messages.PromiseSuccessor(first)) == given
    assert _refusal(host.ask(messages.PromiseSuccessor(second))) == "PromiseBroken"
    assert _refusal(host.ask(messages.Ingest(second, ()))) == "PromiseBroken"


@pytest.mark.requirement("CHG-07", "CONS-06")
def test_nothing_is_installed_without_every_promise() -> None:
    """A missing promise, or one for another token, leaves the module as it was."""
    domain = ModuleDomain().found()
    host = domain.hosts[0]
    token = domain.propose(AddDomainKey())
    promises = domain.promises(token)
    before = _standing(host)
    assert host.module.installed.current.state.version == 0
    for given in ((), promises[:1], promises[1:]):
        assert _refusal(host.ask(messages.Ingest(token, given))) == "PromiseMissing"
    assert _standing(host) == before
    domain.install(token)


def test_what_is_installed_is_not_left_for_what_was_before() -> None:
    """An earlier token, and a second successor of an earlier state, are refused."""
    domain = ModuleDomain().found()
    first, fork = domain.propose(AddDomainKey()), domain.propose(AddDomainKey())
    promises = domain.promises(first)
    domain.install(first)
    domain.with_key()
    host = domain.hosts[0]
    before = _standing(host)
    for token in (first, fork):
        assert _refusal(host.ask(messages.Ingest(token, promises))) == "WrongVersion"
        assert _refusal(host.ask(messages.PromiseSuccessor(token))) == "WrongVersion"
    assert _standing(host) == before


def _resigned(domain: ModuleDomain, token: bytes, change: Callable[[domain_token.Body], domain_token.Body]) -> bytes:
    """Return the token as its own issuer might forge it: changed, with the old MAC, and signed again."""
    parts = domain_token.CODEC.decode(token)
    body = domain_token.BODY_CODEC.encode(change(domain_token.BODY_CODEC.decode(parts.body)))
    signing = domain.hosts[0].module.identity.signing
    signature = signing.sign(Label.DOMAIN_TOKEN, domain_token.signed_part(body, parts.mac))
    return domain_token.CODEC.encode(DomainToken(body, parts.mac, signature))


def _flipped(value: bytes) -> bytes:
    return value[:-1] + bytes((value[-1] ^ 1,))


def _other_package(body: domain_token.Body) -> domain_token.Body:
    one, other = body.packages
    swapped = (
        msgspec.structs.replace(one, sealed_random_key=other.sealed_random_key),
        msgspec.structs.replace(other, sealed_random_key=one.sealed_random_key),
    )
    return msgspec.structs.replace(body, packages=swapped)


def _other_sealed_key(body: domain_token.Body) -> domain_token.Body:
    (key,) = body.sealed_keys
    return msgspec.structs.replace(body, sealed_keys=(msgspec.structs.replace(key, sealed=_flipped(key.sealed)),))


def _other_commitment(body: domain_token.Body) -> domain_token.Body:
    (entry,) = body.state.domain_keys
    keys = (msgspec.structs.replace(entry, commitment=_flipped(entry.commitment)),)
    return msgspec.structs.replace(body, state=msgspec.structs.replace(body.state, domain_keys=keys))


@pytest.mark.requirement("P20-04", "P20-07")
@pytest.mark.parametrize(
    ("forge", "error"),
    [
        (_other_package, "SealError"),
        (_other_sealed_key, "SignatureError"),
        (_other_commitment, "SignatureError"),
    ],
    ids=["another's package", "another sealed key", "another commitment"],
)
def test_a_token_that_its_issuer_forged_is_denied(
    forge: Callable[[domain_token.Body], domain_token.Body], error: str
) -> None:
    """Nobody promises it; even with a valid signature of a member and all promises, parameters remain unchanged."""
    domain = ModuleDomain().found()
    proposed = domain.propose(AddDomainKey())
    token = _resigned(domain, proposed, forge)
    promises = tuple(_promised_blindly(host, token) for host in domain.hosts)
    for host in domain.hosts:
        before = _standing(host)
        assert _refusal(host.ask(messages.PromiseSuccessor(token))) == error
        assert _refusal(host.ask(messages.Ingest(token, promises))) == error
        assert _standing(host) == before
        host.start()
        assert _standing(host) == before
    domain.install(proposed)


def _promised_blindly(host: ModuleHost, token: bytes) -> bytes:
    """Return the promise that the module would give if it did not look into the token."""
    current, identity = host.module.installed.current, host.module.identity
    successor = domain_token.token_hash(token)
    word = promise.promise(current.state.domain, current.hash, successor, identity.id, identity.signing)
    return promise.CODEC.encode(word)


def test_a_token_that_was_changed_on_the_way_is_refused() -> None:
    """A flipped bit in body, MAC or signature is refused with a typed error."""
    domain = ModuleDomain().found()
    token = domain.propose(AddDomainKey())
    parts = domain_token.CODEC.decode(token)
    forged = [
        DomainToken(_flipped(parts.body), parts.mac, parts.signature),
        DomainToken(parts.body, _flipped(parts.mac), parts.signature),
        DomainToken(parts.body, parts.mac, _flipped(parts.signature)),
    ]
    for one in forged:
        answer = domain.hosts[0].ask(messages.PromiseSuccessor(domain_token.CODEC.encode(one)))
        assert _refusal(answer) in {"SignatureError", "FormatError"}


def test_a_power_cut_leaves_the_old_or_the_new() -> None:
    """Whatever write is cut, the module starts again on a token that it installed, and can go on."""
    domain = ModuleDomain().found()
    token = domain.propose(AddDomainKey())
    promises = domain.promises(token)
    host = domain.hosts[1]
    host.disk.cut_power_at(1)
    with pytest.raises(PowerCut):
        host.ask(messages.Ingest(token, promises))
    host.start()
    assert host.module.installed.current.state.version in {0, 1}
    assert isinstance(host.ask(messages.Ingest(token, promises)), messages.Ingested)
    assert host.module.installed.current.state.version == 1


def test_a_changed_position_on_disk_stops_the_module() -> None:
    """A module does not start on a state that it did not write."""
    domain = ModuleDomain().with_key()
    host = domain.hosts[0]
    host.disk.write("module.sealed", _flipped(host.disk.snapshot()["module.sealed"]))
    with pytest.raises(OperatorError):
        host.start()


def test_a_removed_member_holds_no_domain_key() -> None:
    """Who installs the token that removes it is left without keys, and makes no tokens any more."""
    domain = ModuleDomain().with_key()
    leaving = domain.hosts[1]
    token = domain.propose(RemoveMember(leaving.member.id, lost=True))
    promises = (promise_of(domain.hosts[0], token),)
    assert _refusal(leaving.ask(messages.PromiseSuccessor(token))) == "NotAMember"
    for host in domain.hosts:
        assert isinstance(host.ask(messages.Ingest(token, promises)), messages.Ingested)
    assert not leaving.module.installed.current.keys
    assert domain.hosts[0].module.installed.current.keys
    removal = domain.approved(RemoveOperator(domain.operators["carrier"].id))
    assert _refusal(leaving.ask(messages.Propose(removal))) == "NotAMember"


def promise_of(host: ModuleHost, token: bytes) -> bytes:
    """Return the module's promise."""
    answer = host.ask(messages.PromiseSuccessor(token))
    assert isinstance(answer, messages.Promised), answer
    return answer.promise


def test_stopping_wipes_the_domain_keys() -> None:
    """After close no domain key can be used."""
    module = ModuleDomain().with_key().hosts[0].module
    (key,) = module.installed.current.keys.values()
    module.close()
    with pytest.raises(ValueError, match="released"):
        key.view[0]


def test_a_module_whose_disk_fails_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed write is no promise: nothing is answered, the connection is closed and the process is ended."""
    domain = ModuleDomain().found()
    token = domain.propose(AddDomainKey())
    host = domain.hosts[0]

    def fail(name: str, content: bytes) -> None:
        raise OSError(5, "input/output error")

    monkeypatch.setattr(host.disk, "write", fail)
    peer = host.peer()
    heard = len(peer.raw)
    peer.handler.received(peer.connection.call(messages.PromiseSuccessor(token)))
    assert (len(peer.raw), peer.open, host.halted) == (heard, False, 1)
    assert host.journal.events("disk failed")[0]["number"] == 5


@pytest.mark.requirement("TOK-01", "TOK-02", "TOK-03", "TOK-04", "TOK-05", "TOK-06", "TOK-07", "TOK-16", "TOK-17")
def test_a_token_is_whole_and_shows_no_key() -> None:
    """It has a package for each member, which that member alone opens, and names members, operators and version."""
    domain = ModuleDomain().found()
    token = domain.propose(AddDomainKey())
    body = domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(token).body)
    assert [package.member for package in body.packages] == [member.id for member in body.state.members]
    assert body.state.members == domain.state.members
    assert body.state.operators == domain.state.operators
    assert body.state.version == 1
    domain.install(token)
    (key,) = domain.hosts[0].module.installed.current.keys.values()
    assert bytes(key.view) not in token
    for package in body.packages:
        for host in domain.hosts:
            identity = host.module.identity
            info = domain_token.package_info(body.state.domain_id, 1, ModuleId(package.member))
            if identity.id == package.member:
                assert len(identity.sealing.open(info, package.sealed_random_key)) == domain_token.RANDOM_KEY
            else:
                with pytest.raises(SealError):
                    identity.sealing.open(info, package.sealed_random_key)


@pytest.mark.parametrize("name", ["RANDOM_KEY", "DOMAIN_KEY"])
def test_keys_of_another_size_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that issues a token with a shorter key is refused by the others, whatever else is right."""
    domain = ModuleDomain().found()
    monkeypatch.setattr(issuing, name, 31)
    token = domain.propose(AddDomainKey())
    promises = tuple(_promised_blindly(host, token) for host in domain.hosts)
    for host in domain.hosts:
        before = _standing(host)
        assert _refusal(host.ask(messages.PromiseSuccessor(token))) == "FormatError"
        assert _refusal(host.ask(messages.Ingest(token, promises))) == "FormatError"
        assert _standing(host) == before


def test_a_domain_without_a_key_grants_no_session() -> None:
    """At version 0 nothing can be sealed, so an operator is told that there is no domain key."""
    with pytest.raises(AssertionError, match=f"number={NUMBERS['NoDomain']}"):
        ModuleDomain(1).found().session("front-end")


def test_a_position_that_is_not_acceptable_any_more_stops_the_module() -> None:
    """What the module itself sealed is judged again: a position without its promises is not resumed."""
    domain = ModuleDomain().with_key()
    host = domain.hosts[0]
    safe = wake(FileRootSlot(host.disk, host.randomness), host.disk, host.randomness)
    position = safe.position
    assert position is not None
    other = ModuleDomain(seed=5).found()
    for changed in (
        msgspec.structs.replace(position, promises=()),
        msgspec.structs.replace(position, genesis=other.genesis),
        msgspec.structs.replace(position, token=position.token[:-1]),
    ):
        safe.keep(changed)
        with pytest.raises(OperatorError):
            host.start()
    safe.keep(position)
    host.start()
