"""What the model says would go wrong without a rule is tried at real modules: they have the rule."""

from dataclasses import replace
from typing import Final

import pytest

from keystead.core.domain.change_request import AddDomainKey, AddMember, DomainChange, Recover, RemoveMember
from tests.model.explorer import Breach
from tests.model.no_fork import Case, Guards
from tests.model.test_no_fork import CASES, CAUGHT, LARGE, shown
from tests.simulators.domain_life import DomainLife, Known
from tests.simulators.modules import ModuleHost

FREEZING: Final = {"late_ones_may_follow", "seen_elsewhere_is_followed", "any_who_has_it_is_believed"}
"""Without these a domain stands still; the others keep it from forking."""
FORKING: Final = CAUGHT.keys() - FREEZING - {"lost_are_destroyed", "quorum_for_promises"}
"""That the lost are destroyed is no rule but the quorum's word, and no module makes a token that no quorum signed."""


class Telling:
    """Tells a story of the model at real modules."""

    def __init__(self, case: Case) -> None:
        self.life = DomainLife(len(case.members))
        if "D" in case.modules:
            self.life.join("newcomer")
        self.hosts = dict(zip(case.modules, self.life.domain.hosts, strict=True))
        self.tokens = {token.name: self._proposed(token.name, token.members) for token in case.tokens}
        self.requests: dict[tuple[str, str], bytes] = {}

    def tell(self, story: tuple[str, ...]) -> list[str]:
        """Return the actions that the modules refused."""
        return [line for line in story if not self._done(*line.split())]

    def _done(self, action: str, name: str, *rest: str) -> bool:
        host = self.hosts[name]
        if action == "destroy":
            self.life.destroyed = host
            return True
        known = self.tokens[rest[0]]
        if action == "promise":
            return any(self.life.promise(host, known, death) for death in (None, *self.life.deaths(host)))
        if action == "install":
            return self.life.install(host, known)
        return self.life.release(host, known, self._request(rest[0], rest[1].removeprefix("lost=").strip("-")))

    def _request(self, token: str, lost: str) -> bytes:
        if (token, lost) not in self.requests:
            named = tuple(sorted(self.hosts[one].module.identity.id for one in lost))
            self.requests[token, lost] = self.life.abandon(self.tokens[token], named)
        return self.requests[token, lost]

    def _proposed(self, token: str, members: str) -> Known:
        known = self.life.propose(self.life.domain.hosts[0], self._change(token, members))
        assert known is not None
        return known

    def _change(self, token: str, members: str) -> DomainChange:
        if token.startswith("only-"):
            staying = sorted((self.hosts[one].member for one in members), key=lambda one: one.id)
            return Recover(tuple(staying))
        if token.startswith("without-"):
            return RemoveMember(self._named(token).module.identity.id)
        return AddMember(self._named(token).member) if token.startswith("with-") else AddDomainKey()

    def _named(self, token: str) -> ModuleHost:
        return self.hosts[token[-1]]


def told(rule: str) -> tuple[Telling, list[str]]:
    """Return the telling of what goes wrong without a rule, and what was refused of it."""
    case = (CASES | LARGE)[CAUGHT[rule]]
    with pytest.raises(Breach) as breach:
        shown(replace(case, guards=replace(Guards(), **{rule: False})), 60_000)
    telling = Telling(case)
    return telling, telling.tell(breach.value.story)


@pytest.mark.requirement("CONS-10")
@pytest.mark.parametrize("rule", sorted(FORKING))
def test_modules_refuse_what_would_fork_the_domain(rule: str) -> None:
    """Some step of the story is refused, nobody forks, and a change can still be installed."""
    telling, refused = told(rule)
    assert refused
    telling.life.look()
    telling.life.end()


@pytest.mark.parametrize("rule", sorted(FREEZING))
def test_a_domain_gets_on_where_it_would_stand_still(rule: str) -> None:
    """Every step of the story is taken, and a change can be installed afterwards."""
    telling, refused = told(rule)
    assert not refused
    telling.life.end()
