"""Drops, offers, releases and destruction at real modules, also when the power is cut at every write."""

from itertools import count

import pytest

from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.safe import wake
from keystead.core.domain import destruction, domain_token, offer, release
from keystead.core.domain.change_request import (
    APPROVED_CODEC,
    Abandon,
    AddDomainKey,
    AddMember,
    ApprovedRequest,
    DropDomainKey,
    RecordDestruction,
    ReinstateDomainKey,
    RemoveMember,
    RenewHolder,
)
from keystead.core.domain.release import Death
from keystead.core.domain.state import Fate, Role
from keystead.core.protocols.module_session import messages
from keystead.core.protocols.module_session.messages import Answer, Refused, Request
from keystead.errors import (
    Abandoned,
    NoDomain,
    NotAMember,
    OfferMissing,
    PromiseBroken,
    QuorumNotMet,
    Refusal,
    SealError,
    StateMismatch,
    StillMember,
    TooEarly,
    WrongPredecessor,
)
from keystead.primitives.digest import sha256
from tests.simulators.modules import ModuleDomain, ModuleHost
from tests.simulators.world import PowerCut

MOST_WRITES = 12


def refused(host: ModuleHost, request: Request, error: type[Refusal]) -> bool:
    """Whether the module refuses with this very error."""
    answer = host.ask(request)
    return isinstance(answer, Refused) and answer.number == error.number


def granted(host: ModuleHost, request: Request) -> Answer:
    """Return the answer, which is no refusal."""
    answer = host.ask(request)
    assert not isinstance(answer, Refused), answer
    return answer


def dropping(domain: ModuleDomain) -> bytes:
    """Return a token that drops the old domain key of a domain that has retired it."""
    old = domain.with_retired_key()
    return domain.propose(DropDomainKey(old, domain.offers(old), ()))


@pytest.mark.requirement("P21-15", "P21-16", "P21-17", "P20-06")
def test_a_drop_takes_the_domain_key_and_every_way_to_it() -> None:
    """Nothing that a module has afterwards opens an earlier token: neither its sealing key nor what its disk holds."""
    domain = ModuleDomain().with_key()
    before = [(host.module.identity, host.disk.snapshot()) for host in domain.hosts]
    earlier = domain.propose(AddDomainKey())
    token = dropping(domain)
    old = domain.hosts[0].module.installed.current.keys[domain.state.domain_keys[0].id]  # type: ignore[index]
    domain.install(token)
    assert len(domain.state.domain_keys) == len(domain.state.dropped) == 1
    with pytest.raises(ValueError, match="released"):
        old.view[0]
    body = domain_token.BODY_CODEC.decode(domain_token.CODEC.decode(earlier).body)
    for host, (identity, disk) in zip(domain.hosts, before, strict=True):
        renewed = host.module.identity
        assert renewed.id == identity.id
        assert renewed.sealing.public == domain.state.members_by_id[renewed.id].sealing != identity.sealing.public
        (package,) = [one for one in body.packages if one.member == renewed.id]
        with pytest.raises(SealError):
            renewed.sealing.open(
                domain_token.package_info(domain.state.domain_id, body.state.version, renewed.id),
                package.sealed_random_key,
            )
        former = {name: content for name, content in disk.items() if name.startswith("root-slot")}
        now = {name: content for name, content in host.disk.snapshot().items() if name.startswith("root-slot")}
        assert len(former) == len(now) == 1
        assert former.keys().isdisjoint(now)
        with pytest.raises(ValueError, match="released"):
            identity.sealing.secret().view[0]
        host.start()
        assert host.module.installed.current.state == domain.state


def test_an_offer_is_made_once_for_each_predecessor() -> None:
    """Asked again, after a restart too, a module answers with the same offer; for what follows later with another."""
    domain = ModuleDomain().with_key()
    (first, second), again = domain.offers(), domain.offers()
    assert (first, second) == again
    host = domain.hosts[0]
    host.start()
    assert domain.offers() == again
    domain.change(AddDomainKey())
    later = [offer.CODEC.decode(one) for one in domain.offers()]
    assert [one.number for one in later] == [2, 2]
    assert {one.predecessor for one in later} == {domain.hash}
    assert {one.sealing for one in later}.isdisjoint(offer.CODEC.decode(one).sealing for one in again)


def test_an_offer_is_for_one_change() -> None:
    """For another change another key takes its place, unless what is sealed to the first may be installed."""
    domain = ModuleDomain().with_key()
    host, old = domain.hosts[0], domain.state.newest
    first, second = granted(host, messages.MakeOffer()), granted(host, messages.MakeOffer(old))
    assert isinstance(first, messages.Offered)
    assert isinstance(second, messages.Offered)
    assert offer.CODEC.decode(first.offer).sealing != offer.CODEC.decode(second.offer).sealing
    assert refused(host, messages.PromiseSuccessor(domain.propose(RenewHolder(first.offer))), OfferMissing)
    _promise(host, domain.propose(AddDomainKey()))
    assert granted(host, messages.MakeOffer(old)) == second
    assert refused(host, messages.MakeOffer(), PromiseBroken)


def test_a_recovery_member_keeps_what_it_offered_first() -> None:
    """Nobody waits for its promise, so what is sealed to its offer may be installed without its knowing."""
    domain = ModuleDomain()
    domain.recovery = {domain.hosts[1].name}
    domain.with_key()
    granted(domain.hosts[1], messages.MakeOffer())
    assert refused(domain.hosts[1], messages.MakeOffer(domain.state.newest), PromiseBroken)


def test_a_module_outside_of_the_domain_makes_no_offer() -> None:
    """A blank one has no domain, one that was removed is no member."""
    domain = ModuleDomain().with_key()
    assert refused(ModuleHost("blank", domain, 9), messages.MakeOffer(), NoDomain)
    _remove(domain, domain.hosts[1])
    assert refused(domain.hosts[1], messages.MakeOffer(), NotAMember)


def test_a_key_is_dropped_only_after_its_retirement() -> None:
    """A member counts by its own clock from when it installed the retirement, over a restart; reinstating ends it."""
    domain = ModuleDomain().with_key()
    old = domain.with_retired_key()
    domain.clock.time -= 1
    host = domain.hosts[1]
    host.start()
    early = domain.propose(DropDomainKey(old, domain.offers(old), ()))
    assert refused(host, messages.PromiseSuccessor(early), TooEarly)
    domain.clock.time += 1
    assert isinstance(granted(host, messages.PromiseSuccessor(early)), messages.Promised)


def test_a_reinstated_key_begins_its_retirement_anew() -> None:
    """The time that it was retired before does not count."""
    domain = ModuleDomain().with_key()
    old = domain.with_retired_key()
    domain.change(ReinstateDomainKey(old))
    assert domain.with_retired_key() != old
    domain.clock.time -= 1
    again = domain.state.domain_keys[1].id
    again = domain.propose(DropDomainKey(again, domain.offers(again), ()))
    assert refused(domain.hosts[0], messages.PromiseSuccessor(again), TooEarly)


def test_a_module_promises_only_what_is_sealed_to_a_key_that_it_has() -> None:
    """An offer that it signed but whose key it lost, as a restored disk would, is not promised."""
    domain = ModuleDomain().with_key()
    host = domain.hosts[1]
    before = host.disk.snapshot()
    token = dropping(domain)
    safe = wake(FileRootSlot(host.disk, host.randomness), host.disk, host.randomness)
    safe.offered = None
    safe.found()
    host.start()
    assert before.keys() == host.disk.snapshot().keys()
    assert refused(host, messages.PromiseSuccessor(token), OfferMissing)


@pytest.mark.parametrize("write", range(1, MOST_WRITES))
def test_a_power_cut_at_any_write_of_a_renewal_loses_nothing(write: int) -> None:
    """Whatever write is cut, the module starts again as it was or as it will be, with one generation, and goes on."""
    domain = ModuleDomain(seed=write).with_key()
    token = dropping(domain)
    promises = domain.promises(token)
    host = domain.hosts[0]
    host.disk.cut_power_at(write)
    try:
        host.ask(messages.Ingest(token, promises))
    except PowerCut:
        host.start()
    assert len([name for name in host.disk.snapshot() if name.startswith("root-slot")]) == 1
    granted(host, messages.Ingest(token, promises))
    host.start()
    assert host.module.installed.current.state.dropped
    assert len(host.module.installed.current.keys) == 1
    domain.hosts[1].ask(messages.Ingest(token, promises))


def test_every_write_of_a_renewal_was_cut() -> None:
    """A renewal has fewer writes than the test above cuts: the next generation, the file, and the former one's end."""
    domain = ModuleDomain().with_key()
    token = dropping(domain)
    promises = domain.promises(token)
    host = domain.hosts[0]
    for write in count(1):
        host.disk.cut_power_at(write)
        try:
            granted(host, messages.Ingest(token, promises))
            break
        except PowerCut:
            host.start()
    assert 1 < write <= MOST_WRITES


def _remove(domain: ModuleDomain, leaving: ModuleHost) -> None:
    """Remove a module, which follows."""
    token = domain.propose(RemoveMember(leaving.member.id, lost=True))
    staying = [host for host in domain.hosts if host is not leaving]
    promises = tuple(_promise(host, token) for host in staying)
    for host in domain.hosts:
        granted(host, messages.Ingest(token, promises))
    current = staying[0].module.installed.current
    domain.founded = current.state, current.hash


def _promise(host: ModuleHost, token: bytes) -> bytes:
    answer = granted(host, messages.PromiseSuccessor(token))
    assert isinstance(answer, messages.Promised)
    return answer.promise


def test_a_module_that_left_destroys_its_key_and_attests() -> None:
    """An active member refuses; one that left has another sealing key afterwards, says so again, and may return."""
    domain = ModuleDomain(3).with_key()
    leaving = domain.hosts[2]
    assert refused(leaving, messages.AttestDestruction(), StillMember)
    _remove(domain, leaving)
    before = leaving.module.identity
    answer = granted(leaving, messages.AttestDestruction())
    assert isinstance(answer, messages.Attested)
    assert destruction.verified(domain.state.domain, answer.attestation) == (before.id, domain.state.version)
    after = leaving.module.identity
    assert after.sealing.public != before.sealing.public
    with pytest.raises(ValueError, match="released"):
        before.sealing.secret().view[0]
    leaving.start()
    assert leaving.module.identity.sealing.public == after.sealing.public
    granted(leaving, messages.AttestDestruction())
    assert leaving.module.identity.sealing.public == after.sealing.public
    domain.hosts.remove(leaving)
    domain.change(RecordDestruction(answer.attestation))
    assert [one.fate for one in domain.state.holders if one.module == before.id] == [Fate.DESTROYED]
    token = domain.propose(AddMember(leaving.member))
    promises = domain.promises(token)
    _catch_up(leaving, domain)
    for host in (*domain.hosts, leaving):
        granted(host, messages.Ingest(token, promises))
    assert leaving.module.installed.current.keys.keys() == domain.hosts[0].module.installed.current.keys.keys()


def _catch_up(host: ModuleHost, domain: ModuleDomain) -> None:
    """Bring a module the newest version."""
    safe = wake(FileRootSlot(domain.hosts[1].disk, host.randomness), domain.hosts[1].disk, host.randomness)
    assert safe.position is not None
    granted(host, messages.Ingest(safe.position.token, safe.position.promises))


def test_one_holder_is_renewed_without_a_drop() -> None:
    """The quorum may renew a single member's sealing key; the others keep theirs."""
    domain = ModuleDomain().with_key()
    mine = domain.hosts[1].module.identity
    theirs = domain.hosts[0].module.identity
    answer = granted(domain.hosts[1], messages.MakeOffer())
    assert isinstance(answer, messages.Offered)
    domain.change(RenewHolder(answer.offer))
    assert domain.hosts[0].module.identity.sealing is theirs.sealing
    assert domain.hosts[1].module.identity.sealing is not mine.sealing
    fates = {one.sealing: one.fate for one in domain.state.holders}
    assert fates[sha256(mine.sealing.public)] is Fate.RENEWED


def test_a_recovery_member_serves_nobody() -> None:
    """It has the domain keys, and neither opens nor seals for anyone: it is there to make the token of a recovery."""
    domain = ModuleDomain()
    domain.recovery = {domain.hosts[1].name}
    domain.with_key()
    host = domain.hosts[1]
    assert domain.state.members_by_id[host.module.identity.id].role is Role.RECOVERY
    assert host.module.installed.current.keys
    with pytest.raises(AssertionError, match=f"number={NoDomain.number}"):
        domain.session("front-end", 1)


def abandoned(domain: ModuleDomain, token: bytes, *lost: bytes) -> bytes:
    """Return the quorum's request to abandon a token."""
    return domain.approved(Abandon(domain_token.token_hash(token), tuple(sorted(lost))))


def released(host: ModuleHost, request: bytes) -> bytes:
    """Return the module's release."""
    answer = granted(host, messages.ReleaseSuccessor(request))
    assert isinstance(answer, messages.Released)
    return answer.release


def rivals(domain: ModuleDomain) -> tuple[bytes, bytes]:
    """Return two tokens of one predecessor."""
    return domain.propose(AddDomainKey()), domain.propose(AddDomainKey())


def test_who_promised_is_freed_by_one_who_never_will() -> None:
    """One release of a member that had not promised shows that the token is dead; then another is promised."""
    domain = ModuleDomain().with_key()
    one, other = domain.hosts
    first, second = rivals(domain)
    _promise(one, first)
    request = abandoned(domain, first)
    assert refused(one, messages.PromiseSuccessor(second, Death(first, request, ())), PromiseBroken)
    mine = released(one, request)
    assert release.CODEC.decode(mine).had_promised
    assert refused(one, messages.PromiseSuccessor(second, Death(first, request, (mine,))), PromiseBroken)
    death = Death(first, request, (released(other, request),))
    assert isinstance(granted(one, messages.PromiseSuccessor(second, death)), messages.Promised)
    one.start()
    for host in domain.hosts:
        assert refused(host, messages.PromiseSuccessor(first), Abandoned)
    domain.install(second)


def test_when_all_had_promised_all_must_release() -> None:
    """Each says that it did not install the token; what was released is not installed, though all had promised it."""
    domain = ModuleDomain().with_key()
    first, second = rivals(domain)
    promises = domain.promises(first)
    request = abandoned(domain, first)
    releases = tuple(released(host, request) for host in domain.hosts)
    for host in domain.hosts:
        host.start()
        assert released(host, request) in releases
        assert refused(host, messages.Ingest(first, promises), Abandoned)
        assert refused(host, messages.PromiseSuccessor(second, Death(first, request, releases[:1])), PromiseBroken)
        granted(host, messages.PromiseSuccessor(second, Death(first, request, releases)))
        assert refused(host, messages.Ingest(first, promises), PromiseBroken)
    domain.install(second)


def test_who_is_declared_lost_need_not_release() -> None:
    """The quorum takes it upon itself that the lost member never installs the token."""
    domain = ModuleDomain(3).with_key()
    *others, lost = domain.hosts
    first, second = rivals(domain)
    domain.promises(first)
    request = abandoned(domain, first, lost.member.id)
    releases = tuple(released(host, request) for host in others)
    for host in others:
        granted(host, messages.PromiseSuccessor(second, Death(first, request, releases)))


def test_releases_for_another_request_do_not_count() -> None:
    """Who released while nobody was lost still follows a member that another request declares lost."""
    domain = ModuleDomain(3).with_key()
    *others, lost = domain.hosts
    first, second = rivals(domain)
    domain.promises(first)
    releases = tuple(released(host, abandoned(domain, first)) for host in others)
    request = abandoned(domain, first, lost.member.id)
    assert refused(others[0], messages.PromiseSuccessor(second, Death(first, request, releases)), StateMismatch)


def test_what_is_installed_somewhere_is_installed_by_who_released_it() -> None:
    """A member that has the token never releases it; shown its word the others follow, unless it was declared lost."""
    domain = ModuleDomain(3).with_key()
    one, two, three = domain.hosts
    first, _ = rivals(domain)
    promises = domain.promises(first)
    answer = granted(three, messages.Ingest(first, promises))
    assert isinstance(answer, messages.Ingested)
    request = abandoned(domain, first)
    assert refused(three, messages.ReleaseSuccessor(request), WrongPredecessor)
    released(one, request)
    released(two, abandoned(domain, first, three.member.id))
    assert refused(one, messages.Ingest(first, promises), Abandoned)
    assert refused(two, messages.Ingest(first, promises, answer.statement), Abandoned)
    granted(one, messages.Ingest(first, promises, answer.statement))
    own = granted(one, messages.Ingest(first, promises))
    assert isinstance(own, messages.Ingested)
    granted(two, messages.Ingest(first, promises, own.statement))


def test_only_a_quorum_abandons() -> None:
    """A request that too few signed, and one for something else, frees nobody."""
    domain = ModuleDomain().with_key()
    host = domain.hosts[0]
    token = domain.propose(AddDomainKey())
    _promise(host, token)
    assert refused(host, messages.ReleaseSuccessor(domain.approved(AddDomainKey())), StateMismatch)
    assert refused(host, messages.ReleaseSuccessor(_unsigned(domain, token)), QuorumNotMet)


def _unsigned(domain: ModuleDomain, token: bytes) -> bytes:
    approved = APPROVED_CODEC.decode(abandoned(domain, token))
    return APPROVED_CODEC.encode(ApprovedRequest(approved.request, ()))


def test_a_majority_that_stays_is_enough_to_remove_and_less_is_not() -> None:
    """Of three, two remove the third; of two, one removes the other only if the quorum declares that lost."""
    domain = ModuleDomain(3).with_key()
    one, two, three = domain.hosts
    token = domain.propose(RemoveMember(three.member.id))
    promises = (_promise(one, token), _promise(two, token))
    granted(three, messages.Ingest(token, promises))
    assert not three.module.installed.current.keys
    pair = ModuleDomain(2).with_key()
    first, second = pair.hosts
    token = pair.propose(RemoveMember(second.member.id))
    mine = _promise(first, token)
    answer = first.ask(messages.Ingest(token, (mine,)))
    assert isinstance(answer, Refused)
    granted(first, messages.Ingest(token, (mine, _promise(second, token))))


def test_a_removed_member_that_promised_a_rival_follows_all_the_same() -> None:
    """Its promise was not asked for, so it does not keep it from learning that it is out."""
    domain = ModuleDomain(3).with_key()
    one, two, three = domain.hosts
    _promise(three, domain.propose(AddDomainKey()))
    token = domain.propose(RemoveMember(three.member.id))
    promises = (_promise(one, token), _promise(two, token))
    granted(three, messages.Ingest(token, promises))
    assert not three.module.installed.current.keys
