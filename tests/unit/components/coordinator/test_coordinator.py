"""The coordinator brings every accepted token to every member, whatever fails, and accepts no other (FIG. 17, 19)."""

import asyncio

import pytest

from keystead.core.domain.change_request import AddDomainKey, AddOperator, RemoveMember
from keystead.core.domain.coordination import Decision
from keystead.core.domain.state import Operator, Permission
from keystead.core.protocols.coordination import Install, submit
from keystead.errors import (
    FormatError,
    InstallationDenied,
    NotPermitted,
    RequestExpired,
    SignatureError,
    UnknownOperator,
)
from keystead.primitives.openssh import OperatorKey
from tests.simulators.coordination import CoordinationWorld, in_coordination
from tests.simulators.modules import ModuleDomain

STEPS = [
    "record ACCEPTED",
    "keep promise",
    "keep promise",
    "admit",
    "set stage SPREADING",
    "keep installation",
    "keep installation",
    "set stage INSTALLED",
]


@pytest.mark.requirement("P19-01", "P19-07", "CHG-13", "CHG-14", "CHG-22", "CHG-23", "CONS-11", "CONS-12", "DOM-03")
def test_a_token_is_brought_to_every_member() -> None:
    """The module that made the token and the others stand at its version; everyone may read it."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        request = world.request()
        installed = await world.install(request)
        assert (installed.version, world.versions) == (1, [1, 1])
        assert world.published == {1: request.token}
        assert world.steps == STEPS

    in_coordination(story)


@pytest.mark.requirement("DOM-07")
def test_the_repository_knows_who_submitted_what_was_decided_and_who_has_it() -> None:
    """Submitter, decision and the members that installed a token are kept with it."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        await world.install(world.request(by="carrier"))
        (kept,) = await world.tokens.accepted()
        (submission,) = world.tokens.submissions.values()
        assert kept.submitter == submission.submitter == world.domain.operators["carrier"].id
        assert submission.decision is Decision.ACCEPTED
        assert kept.installed.keys() == {host.module.identity.id for host in world.hosts}

    in_coordination(story)


def test_the_key_repository_takes_the_new_key_before_any_module_has_it() -> None:
    """No module can seal under a key whose records would be refused."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        await world.install(world.request())
        assert world.admitted == {world.state.newest: [0, 0]}

    in_coordination(story)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=[f"{n}: {name}" for n, name in enumerate(STEPS)])
def test_a_coordinator_that_dies_at_any_step_goes_on(step: int, moment: str) -> None:
    """Killed before or after each durable step, the next start ends right; who asked again is answered the same."""

    async def story(world: CoordinationWorld) -> None:
        request = world.request()
        world.fatal = (step, moment)
        coordinator = await world.start_coordinator()
        asking = asyncio.ensure_future(world.install(request))
        await world.until(lambda: not coordinator.alive)
        asking.cancel()
        world.fatal = None
        await world.start_coordinator()
        if step == 0 and moment == "before":
            assert (await world.status()).in_flight is None
            await world.install(request)
        await world.until(lambda: world.published == {1: request.token})
        assert world.versions == [1, 1]
        assert len(world.admitted) == 1

    in_coordination(story)


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_module_that_dies_at_any_step_goes_on(step: int) -> None:
    """A member that is killed meanwhile, and started later, gets what it needs; the installation waits for it."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        asking = asyncio.ensure_future(world.install(world.request()))
        await world.until(lambda: len(world.steps) > step)
        world.modules["module-2"].kill()
        await asyncio.sleep(3)
        await world.start_module(1)
        assert (await asking).version == 1
        assert world.versions == [1, 1]

    in_coordination(story)


def test_an_unreachable_member_keeps_the_change_open_and_visible() -> None:
    """The token is accepted, not installed, and status says which member is missing and why."""

    async def story(world: CoordinationWorld) -> None:
        world.modules["module-2"].kill()
        await world.start_coordinator()
        asking = asyncio.ensure_future(world.install(world.request()))
        await asyncio.sleep(10)
        status = await world.status()
        assert not asking.done()
        assert (status.version, status.in_flight, status.stage) == (0, 1, "accepted")
        assert [(one.name, one.reachable) for one in status.modules if not one.reachable] == [("module-2", False)]
        assert ("module_troubled", "module-2") in [(event, fields.get("address")) for event, fields in world.events]
        assert world.versions == [0, 0]
        await world.start_module(1)
        assert (await asking).version == 1

    in_coordination(story)


def test_a_member_without_any_answer_does_not_stop_the_status_of_the_others() -> None:
    """A module that was never reached is listed, by the name that the domain has for it."""

    async def story(world: CoordinationWorld) -> None:
        world.modules["module-1"].kill()
        await world.start_coordinator()
        await asyncio.sleep(1)
        (first, second) = (await world.status()).modules
        assert (first.name, first.trouble) == ("module-1", "the module was never reached")
        assert (second.name, second.reachable, second.version, second.trouble) == ("module-2", True, 0, "")
        assert second.incarnation == world.hosts[1].module.incarnation

    in_coordination(story)


@pytest.mark.requirement("CHG-19", "CONS-09", "P19-08")
def test_another_token_is_refused_while_one_is_in_flight() -> None:
    """The first token of a version is installed; the second is denied, and kept as denied."""

    async def story(world: CoordinationWorld) -> None:
        world.modules["module-2"].kill()
        await world.start_coordinator()
        first, second = world.request(), world.request()
        asking = asyncio.ensure_future(world.install(first))
        await world.until(lambda: "keep promise" in world.steps)
        with pytest.raises(InstallationDenied, match="another token is being installed"):
            await world.install(second)
        await world.start_module(1)
        await asking
        assert world.published == {1: first.token}
        decisions = [submission.decision for submission in world.tokens.submissions.values()]
        assert decisions == [Decision.ACCEPTED, Decision.IN_FLIGHT]

    in_coordination(story)


def test_asking_twice_for_the_same_token_installs_it_once() -> None:
    """A duplicated request waits for the same installation, or is told that it is done."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        request = world.request()
        answers = [*await asyncio.gather(world.install(request), world.install(request)), await world.install(request)]
        assert [answer.version for answer in answers] == [1, 1, 1]
        assert world.steps == STEPS

    in_coordination(story)


@pytest.mark.requirement("P19-05", "P19-06", "P19-08", "CHG-16", "CHG-21")
def test_a_token_of_an_installed_version_or_of_another_predecessor_is_refused() -> None:
    """Neither an equal version nor a token made elsewhere follows what is installed."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        stale = world.request()
        await world.install(world.request())
        with pytest.raises(InstallationDenied, match="not greater"):
            await world.install(stale)
        elsewhere = ModuleDomain(1, seed=9).with_key()
        foreign = elsewhere.propose(AddDomainKey())
        officer = world.domain.operators["officer"].id
        with pytest.raises(InstallationDenied, match="was not made from"):
            await world.install(submit(foreign, officer, world.domain.keys["officer"]))
        assert world.versions == [1, 1]

    in_coordination(story)


@pytest.mark.requirement("CHG-15", "DOM-13")
def test_only_an_operator_that_may_govern_or_carry_submits() -> None:
    """A stranger, an operator without the permission, and a signature over another token are refused and not kept."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        domain = world.domain
        token, officer = world.request().token, domain.operators["officer"]
        with pytest.raises(UnknownOperator):
            await world.install(submit(token, type(officer.id)(bytes(16)), domain.keys["officer"]))
        with pytest.raises(NotPermitted):
            await world.install(world.request(by="front-end"))
        with pytest.raises(SignatureError):
            await world.install(Install(world.request().token, officer.id, world.request().signature))
        with pytest.raises(FormatError):
            await world.install(submit(b"no token", officer.id, domain.keys["officer"]))
        assert not world.tokens.submissions

    in_coordination(story)


def test_a_token_that_the_modules_would_refuse_is_refused_here() -> None:
    """A request that expired before the installation was asked for is denied, and so kept."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        request = world.request()
        world.domain.clock.time += 3_600_001
        with pytest.raises(RequestExpired):
            await world.install(request)
        assert [one.decision for one in world.tokens.submissions.values()] == [Decision.INVALID]
        assert world.versions == [0, 0]

    in_coordination(story)


@pytest.mark.parametrize("seed", range(12))
def test_of_two_coordinators_that_race_one_wins(seed: int) -> None:
    """Two coordinators are given two tokens of one version: every member and both coordinators follow one of them."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator("one")
        await world.start_coordinator("other")
        asked = [world.install(world.request(), "one"), world.install(world.request(), "other")]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await world.until(lambda: world.versions == [1, 1])
        won = [answer for answer in answers if not isinstance(answer, BaseException)]
        lost = [answer for answer in answers if isinstance(answer, BaseException)]
        assert [type(one) for one in lost] == [InstallationDenied]
        assert {host.module.installed.current.hash for host in world.hosts} == {won[0].token_hash}
        await world.until(lambda: len(world.published) == 1)
        assert len(await world.tokens.accepted()) == 1

    in_coordination(story, seed)


def test_a_coordinator_learns_what_another_one_installed() -> None:
    """A module that is further than it knows makes a coordinator look into the repository that both share."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator("one")
        await world.start_coordinator("other")
        await world.install(world.request(), "one")
        world.modules["module-1"].kill()
        await world.start_module(0)
        await asyncio.sleep(1)
        status = await world.status("other")
        assert (status.version, status.in_flight) == (1, None)
        assert [one.trouble for one in status.modules] == ["", ""]
        assert (await world.install(world.request(), "other")).version == 2

    in_coordination(story)


def test_a_coordinator_restored_from_an_old_backup_installs_nothing_over_what_the_modules_have() -> None:
    """The modules say that they are further: a token of their version or below is not sent to anyone."""

    async def story(world: CoordinationWorld) -> None:
        old = world.request()
        coordinator = await world.start_coordinator()
        await world.install(world.request())
        coordinator.kill()
        world.tokens = type(world.tokens)()
        await world.start_coordinator()
        await asyncio.sleep(1)
        with pytest.raises(InstallationDenied, match="not greater"):
            await world.install(old)
        status = await world.status()
        assert {one.trouble for one in status.modules} == {
            "the module stands where the tokens that are known here do not lead"
        }
        assert world.versions == [1, 1]

    in_coordination(story)


@pytest.mark.requirement("CHG-08", "CONS-13")
def test_a_member_that_is_removed_learns_it_and_forgets_the_keys() -> None:
    """The token is ingested by the members before and after; the removed one holds no key any more."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        await world.install(world.request())
        removed = world.hosts[2].module
        await world.install(world.request(RemoveMember(removed.identity.id)))
        await world.until(lambda: world.versions == [2, 2, 2])
        assert not removed.installed.current.keys
        assert all(host.module.installed.current.keys for host in world.hosts[:2])

    in_coordination(story, modules=3)


def test_a_dead_member_is_removed_without_its_word() -> None:
    """Neither its promise nor its ingestion is waited for."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        world.modules["module-3"].kill()
        installed = await world.install(world.request(RemoveMember(world.hosts[2].module.identity.id)))
        assert (installed.version, world.versions) == (1, [1, 1, 0])

    in_coordination(story, modules=3)


@pytest.mark.requirement("DOM-05")
def test_operators_change_as_domain_keys_do() -> None:
    """A new operator stands in the state of every member, after the same steps."""

    async def story(world: CoordinationWorld) -> None:
        await world.start_coordinator()
        key = OperatorKey.generate(world.domain.randomness, "auditor")
        auditor = Operator.of("auditor", key.public, frozenset({Permission.GOVERN}))
        await world.install(world.request(AddOperator(auditor)))
        assert all(host.module.installed.current.state.operator(auditor.id) == auditor for host in world.hosts)

    in_coordination(story)
