"""The life of a domain of real modules under hostile coordinators, networks and power cuts, in any order.

``tests/model`` visits every order of these actions on a small model; here the modules' own code is driven through
histories of them, with offers, retirement and drops. A failing history is printed as a program that tells it again.
"""

import os
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from keystead.core.domain.change_request import (
    AddDomainKey,
    AddMember,
    DomainChange,
    DropDomainKey,
    ReinstateDomainKey,
    RemoveMember,
    RenewHolder,
    RetireDomainKey,
)
from keystead.core.domain.state import Standing
from tests.simulators.domain_life import DomainLife, Known
from tests.simulators.modules import ModuleHost

HISTORIES: Final = int(os.environ.get("KEYSTEAD_DOMAIN_HISTORIES", "40"))
"""How many the slow suite tells; thousands on request."""
HOSTS: Final = st.integers(0, 3)
SOME: Final = st.sets(HOSTS, min_size=1).map(sorted)
TOKENS: Final = st.integers(0, 2)
CHANGES: Final = st.sampled_from(("add", "remove", "join", "retire", "reinstate", "drop"))


class HostileCoordinator(RuleBasedStateMachine):
    """Whatever was said is shown to whomever; modules die, write half, and one is destroyed."""

    @initialize()
    def found(self) -> None:
        """Found the domain, with a module that waits to be let in."""
        self.life = DomainLife()
        self.life.join("newcomer")

    @rule(host=HOSTS, change=CHANGES, whom=HOSTS)
    def sign(self, host: int, change: str, whom: int) -> None:
        """Let a quorum sign a request, and a module make the token."""
        issuer = self._host(host)
        self.life.propose(issuer, self._change(issuer, change, self._host(whom)))

    @rule(host=HOSTS)
    def forge(self, host: int) -> None:
        """Ask a module for a token that no quorum signed."""
        self.life.propose(self._host(host), AddDomainKey(), asked=False)

    @precondition(lambda self: self.life.tokens)
    @rule(hosts=SOME, token=TOKENS)
    def promise(self, hosts: list[int], token: int) -> None:
        """Ask some for promises, with whatever shows that an earlier one is void."""
        known = self._token(token)
        for one in map(self._host, hosts):
            any(self.life.promise(one, known, death) for death in (*self.life.deaths(one), None))

    @precondition(lambda self: self.life.tokens)
    @rule(token=TOKENS)
    def abandon(self, token: int) -> None:
        """Let a quorum sign that a token is given up."""
        self.life.abandon(self._token(token))

    @precondition(lambda self: self.life.requests)
    @rule(hosts=SOME, request=TOKENS)
    def release(self, hosts: list[int], request: int) -> None:
        """Ask some for releases."""
        known, asked = self.life.requests[-1 - request % len(self.life.requests)]
        for one in map(self._host, hosts):
            self.life.release(one, known, asked)

    @precondition(lambda self: self.life.tokens)
    @rule(hosts=SOME, token=TOKENS)
    def install(self, hosts: list[int], token: int) -> None:
        """Show some what was promised."""
        known = self._token(token)
        for one in map(self._host, hosts):
            self.life.install(one, known)

    @rule(host=HOSTS, change=CHANGES, whom=HOSTS)
    def change(self, host: int, change: str, whom: int) -> None:
        """Install a change as an honest coordinator does, as far as everyone can."""
        issuer = self._host(host)
        asked = self._change(issuer, change, self._host(whom))
        if (known := self.life.propose(issuer, asked)) is not None:
            self.life.domain.clock.time += known.predecessor.parameters.retirement
            self.promise([0, 1, 2, 3], 0)
            self.install([0, 1, 2, 3], 0)

    @rule(host=HOSTS, write=st.integers(0, 4))
    def crash(self, host: int, write: int) -> None:
        """Kill a module now, or let the power fail in one of its next writes; it starts again."""
        if write:
            self._host(host).disk.cut_power_at(write)
        else:
            self._host(host).start()

    @precondition(lambda self: self.life.destroyed is None)
    @rule(host=st.integers(1, 3))
    def destroy(self, host: int) -> None:
        """Destroy a module for good; once in a history."""
        self.life.destroyed = self._host(host)

    @invariant()
    def one_history(self) -> None:
        """Nobody ever has another token of a version, and nobody goes back."""
        self.life.look()

    def teardown(self) -> None:
        """Whatever happened, an honest coordinator and a quorum install a change; what was dropped stays closed."""
        if hasattr(self, "life"):
            for host in self.life.living:
                host.disk.cut_power_at(1_000_000)
            self.life.end()
            self.life.look_behind()

    def _host(self, number: int) -> ModuleHost:
        return self.life.living[number % len(self.life.living)]

    def _token(self, number: int) -> Known:
        return self.life.tokens[-1 - number % len(self.life.tokens)]

    def _change(self, issuer: ModuleHost, change: str, whom: ModuleHost) -> DomainChange:
        state = issuer.module.installed.current.state
        old = state.domain_keys[0]
        match change:
            case "remove":
                return RemoveMember(whom.module.identity.id)
            case "join":
                return AddMember(whom.member)
            case "retire":
                return RetireDomainKey(old.id)
            case "reinstate":
                return ReinstateDomainKey(old.id)
            case "drop" if old.standing is Standing.RETIRED:
                return DropDomainKey(old.id, self._offers(issuer, old.id), ())
            case _:
                return AddDomainKey()

    def _offers(self, issuer: ModuleHost, dropping: bytes) -> tuple[bytes, ...]:
        members = issuer.module.installed.current.state.members
        made = {host.module.identity.id: self.life.offer(host, dropping) for host in self.life.living}
        return tuple(offer for member in members if (offer := made.get(member.id)) is not None)


TestDomainLife = HostileCoordinator.TestCase
TestDomainLife.settings = settings(max_examples=6, stateful_step_count=40, deadline=None)
TestDomainLife = pytest.mark.requirement("CONS-10")(TestDomainLife)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_many_histories_of_a_domain() -> None:
    """As many as there is time for; the invariants are looked at after every step."""
    run_state_machine_as_test(
        HostileCoordinator,
        settings=settings(max_examples=HISTORIES, stateful_step_count=60, deadline=None),
    )


def test_a_rival_of_a_drop_does_not_keep_what_is_dropped() -> None:
    """A token that was sealed to an offered key and never installed is not opened once another offer was taken up."""
    life = DomainLife()
    one, other, _ = life.living
    old = life.domain.state.newest
    for change in (AddDomainKey(), RetireDomainKey(old)):
        _installed(life, life.propose(one, change))
    life.domain.clock.time += life.domain.state.parameters.retirement
    offer = life.offer(other)
    assert offer is not None
    assert life.propose(one, RenewHolder(offer)) is not None
    offers = {host.module.identity.id: life.offer(host, old) or b"" for host in life.living}
    drop = life.propose(one, DropDomainKey(old, tuple(made for _, made in sorted(offers.items())), ()))
    _installed(life, drop)
    life.look_behind()
    assert "closed" in life.took_place


def _installed(life: DomainLife, known: Known | None) -> None:
    assert known is not None
    assert all(life.promise(host, known) for host in life.living)
    assert all(life.install(host, known) for host in life.living)
    life.look()


def test_a_token_that_nobody_installed_stays_open_for_whom_it_names() -> None:
    """A limit that is told (threat model, L14): the account of holders is of installed versions alone."""
    life = DomainLife()
    one, old = life.living[0], life.domain.state.newest
    newcomer = ModuleHost("newcomer", life.domain, 1)
    for change in (AddDomainKey(), RetireDomainKey(old)):
        _installed(life, life.propose(one, change))
    never = life.propose(one, AddMember(newcomer.member))
    assert never is not None
    life.domain.clock.time += life.domain.state.parameters.retirement
    offers = {host.module.identity.id: life.offer(host, old) or b"" for host in life.living}
    _installed(life, life.propose(one, DropDomainKey(old, tuple(made for _, made in sorted(offers.items())), ())))
    holders = one.module.installed.current.state.holders_of(old)
    assert life.opens(newcomer, never)
    assert newcomer.module.identity.id not in {holder.module for holder in holders}
    assert not any(life.opens(host, never) for host in life.living)
