"""Promise, release, abandon and install at one state of a domain: may two of its successors ever be installed?

Modules are honest and everyone else is not: every statement that a module ever signed is at hand for ever, for whoever
wants to show it to any module in any order, twice, late or never. So coordinators and networks need no state of their
own here: whatever one or two of them do, crash and restore included, is some order of these actions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

QUORUM = 2
"""Of three operators, one of whom signs whatever there is."""


@dataclass(frozen=True)
class Token:
    """A successor of the one state that is looked at."""

    name: str
    members: str
    """After it."""
    lost: str = ""
    """Those whom its request declares destroyed."""
    signatures: int = QUORUM
    """Of operators, at first; fewer than a quorum needs honest ones."""
    offered: bool = True
    """Whether honest operators would sign it."""


@dataclass(frozen=True)
class Abandon:
    """A quorum's word that a token is to be given up, and who is destroyed."""

    token: int
    lost: str = ""


@dataclass(frozen=True)
class Guards:
    """The rules of the protocol; a test takes away one at a time."""

    quorum_for_promises: bool = True
    one_promise: bool = True
    released_is_never_promised: bool = True
    released_is_never_installed: bool = True
    all_promises: bool = True
    installed_never_releases: bool = True
    releases_of_one_request: bool = True
    release_by_all_concerned: bool = True
    unpromised_by_a_promiser: bool = True
    no_word_of_the_lost: bool = True
    promisers_meet: bool = True
    lost_are_destroyed: bool = True
    """Not a rule but what the quorum takes upon itself."""
    late_ones_may_follow: bool = True
    """Who need not promise a token follows it, whatever else it promised."""
    seen_elsewhere_is_followed: bool = True
    """Who released a token follows it all the same if another has it."""
    any_who_has_it_is_believed: bool = True
    """Not only those who had to promise it: a newcomer, or who is removed, never releases what it has either."""
    dead_is_refused: bool = True
    """A second lock: what is dead could not be installed anyway."""
    own_promise: bool = True
    """Likewise: what all promised was promised by oneself, and given up only when it was dead."""


@dataclass(frozen=True)
class Case:
    """What is looked at: a domain, the tokens that compete, and what may go wrong."""

    members: str
    tokens: tuple[Token, ...]
    abandons: tuple[Abandon, ...] = ()
    destroyed: str = ""
    """Any one of these may be destroyed."""
    restored: str = ""
    """Any one of these may be put back, once, to where it stood at some moment."""
    guards: Guards = field(default_factory=Guards)

    @property
    def modules(self) -> str:
        """Return all modules that take part."""
        return "".join(sorted({*self.members, *(name for token in self.tokens for name in token.members)}))

    def promisers(self, token: Token) -> frozenset[str]:
        """Return who must promise a token: those who remain; if they are no majority, all whom nobody declares lost."""
        remaining = frozenset(self.members) & frozenset(token.members)
        if 2 * len(remaining) > len(self.members) or not self.guards.promisers_meet:
            return remaining
        return frozenset(self.members) - frozenset(token.lost)


class Local(NamedTuple):
    """What is durable at one module; sets of tokens and of abandonments are bits."""

    promised: int = -1
    released: int = 0
    """Abandonments under which it released."""
    dead: int = 0
    installed: int = -1


class Said(NamedTuple):
    """What one module ever signed."""

    promised: int = 0
    released_promised: int = 0
    """Abandonments under which it released a token that it had promised."""
    released_unpromised: int = 0
    installed: int = 0


class Domain(NamedTuple):
    """One state of the model."""

    locals: tuple[Local, ...]
    said: tuple[Said, ...]
    signatures: tuple[int, ...]
    destroyed: int = -1
    snapshot: tuple[int, Local] | None = None
    restored: bool = False


class NoFork:
    """The model of one case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.guards = case.guards
        self.modules = case.modules
        self.tokens = range(len(case.tokens))
        self.promisers = [self._places(case.promisers(token)) for token in case.tokens]
        self.concerned = [self._places(frozenset(case.members) | frozenset(token.members)) for token in case.tokens]
        self._lost = [self._places(frozenset(abandon.lost)) for abandon in case.abandons]
        self._abandons = [
            sum(1 << number for number, abandon in enumerate(case.abandons) if abandon.token == token)
            for token in self.tokens
        ]

    def initial(self) -> Domain:
        """Return the domain before anyone promised anything."""
        count = len(self.modules)
        return Domain((Local(),) * count, (Said(),) * count, tuple(token.signatures for token in self.case.tokens))

    def steps(self, state: Domain) -> Iterator[tuple[str, Domain]]:
        """Return what may happen next."""
        yield from self._of_operators(state)
        for module in range(len(self.modules)):
            if module != state.destroyed:
                yield from self._of_module(state, module)
        yield from self._of_nature(state)

    def _of_module(self, state: Domain, module: int) -> Iterator[tuple[str, Domain]]:
        name = self.modules[module]
        for token in self.tokens:
            label = f"{name} {self.case.tokens[token].name}"
            if (after := self.promise(state, module, token)) is not None:
                yield f"promise {label}", after
            if (after := self.install(state, module, token)) is not None:
                yield f"install {label}", after
        for abandon, asked in enumerate(self.case.abandons):
            if (after := self.release(state, module, abandon)) is not None:
                yield f"release {name} {self.case.tokens[asked.token].name} lost={asked.lost or '-'}", after

    def breaches(self, state: Domain) -> Iterator[str]:
        """Return whether two successors were ever installed by modules that still exist, or one without a quorum."""
        seen = 0
        for module, said in enumerate(state.said):
            if module != state.destroyed:
                seen |= said.installed
        if seen & (seen - 1):
            yield "two parameter sets under one version"
        for token in self.tokens:
            if seen >> token & 1 and state.signatures[token] < QUORUM:
                yield "installed without a quorum"

    def promise(self, state: Domain, module: int, token: int) -> Domain | None:
        """Let a module promise a token; None if it refuses, or has."""
        local = state.locals[module]
        if local.installed >= 0 or module not in self.promisers[token] or local.promised == token:
            return None
        if not self._approved(state, token) or (self.guards.dead_is_refused and local.dead >> token & 1):
            return None
        if self.guards.released_is_never_promised and local.released & self._abandons[token]:
            return None
        dead = local.dead
        if local.promised >= 0:
            if self.guards.one_promise and not self.is_dead(state, local.promised):
                return None
            dead |= 1 << local.promised
        said = state.said[module]
        return self._after(
            state,
            module,
            local._replace(promised=token, dead=dead),
            said._replace(promised=said.promised | 1 << token),
        )

    def release(self, state: Domain, module: int, abandon: int) -> Domain | None:
        """Let a module release the token of an abandonment; None if it refuses, or has."""
        local, said, token = state.locals[module], state.said[module], self.case.abandons[abandon].token
        if local.released >> abandon & 1 or not self._abandonable(state, abandon):
            return None
        if local.installed >= 0 and self.guards.installed_never_releases:
            return None
        had = local.promised == token or local.dead >> token & 1
        return self._after(
            state,
            module,
            local._replace(released=local.released | 1 << abandon),
            said._replace(released_promised=said.released_promised | 1 << abandon)
            if had
            else said._replace(released_unpromised=said.released_unpromised | 1 << abandon),
        )

    def install(self, state: Domain, module: int, token: int) -> Domain | None:
        """Let a module install a token; None if it refuses."""
        local = state.locals[module]
        if local.installed >= 0 or module not in self.concerned[token]:
            return None
        if not self._installable(state, local, module, token):
            return None
        said = state.said[module]
        return self._after(
            state, module, local._replace(installed=token), said._replace(installed=said.installed | 1 << token)
        )

    def is_dead(self, state: Domain, token: int) -> bool:
        """Whether it can be shown that nobody will ever install a token."""
        asked = self._abandons[token]
        believed = self.promisers[token] if self.guards.unpromised_by_a_promiser else self.concerned[token]
        if any(state.said[module].released_unpromised & asked for module in believed):
            return True
        return any(
            asked >> abandon & 1 and self._released_by_all(state, token, abandon)
            for abandon in range(len(self.case.abandons))
        )

    def _released_by_all(self, state: Domain, token: int, abandon: int) -> bool:
        needed = self.concerned[token] if self.guards.release_by_all_concerned else self.promisers[token]
        counted = 1 << abandon if self.guards.releases_of_one_request else self._abandons[token]
        return self._abandonable(state, abandon) and all(
            (state.said[module].released_promised | state.said[module].released_unpromised) & counted
            for module in needed - self._lost[abandon]
        )

    def _installable(self, state: Domain, local: Local, module: int, token: int) -> bool:
        if self.guards.dead_is_refused and local.dead >> token & 1:
            return False
        if not self._approved(state, token) or not self.promised_by_all(state, token):
            return False
        bound = module in self.promisers[token] or not self.guards.late_ones_may_follow
        if self.guards.own_promise and bound and local.promised not in {-1, token}:
            return False
        given = local.released & self._abandons[token]
        return not given or not self.guards.released_is_never_installed or self._seen_elsewhere(state, token, given)

    def promised_by_all(self, state: Domain, token: int) -> bool:
        """Whether every promiser once promised a token."""
        needed = self.promisers[token]
        found = sum(state.said[module].promised >> token & 1 for module in needed)
        return found == len(needed) or (not self.guards.all_promises and found == len(needed) - 1)

    def _seen_elsewhere(self, state: Domain, token: int, given: int) -> bool:
        """Whether another has it, whom no abandonment under which the token was released declares lost."""
        if not self.guards.seen_elsewhere_is_followed:
            return False
        lost = {
            module
            for abandon, modules in enumerate(self._lost)
            if given >> abandon & 1 and self.guards.no_word_of_the_lost
            for module in modules
        }
        if not self.guards.any_who_has_it_is_believed:
            lost |= self.concerned[token] - self.promisers[token]
        return any(said.installed >> token & 1 and module not in lost for module, said in enumerate(state.said))

    def _approved(self, state: Domain, token: int) -> bool:
        return state.signatures[token] >= QUORUM or not self.guards.quorum_for_promises

    def _abandonable(self, state: Domain, abandon: int) -> bool:
        """Whether a quorum signed the abandonment: it does whenever what it says is true, and as early as it can."""
        if not self.guards.lost_are_destroyed:
            return True
        return self._lost[abandon] <= {state.destroyed}

    def _of_operators(self, state: Domain) -> Iterator[tuple[str, Domain]]:
        for token, count in enumerate(state.signatures):
            if count < QUORUM and self.case.tokens[token].offered:
                signatures = (*state.signatures[:token], count + 1, *state.signatures[token + 1 :])
                yield f"sign {self.case.tokens[token].name}", state._replace(signatures=signatures)

    def _of_nature(self, state: Domain) -> Iterator[tuple[str, Domain]]:
        if state.destroyed < 0:
            for name in self.case.destroyed:
                yield f"destroy {name}", state._replace(destroyed=self.modules.index(name))
        if state.restored:
            return
        if state.snapshot is None:
            for name in self.case.restored:
                module = self.modules.index(name)
                yield f"copy {name}", state._replace(snapshot=(module, state.locals[module]))
            return
        module, local = state.snapshot
        if module != state.destroyed and local != state.locals[module]:
            after = self._after(state, module, local, state.said[module])
            yield f"restore {self.modules[module]}", after._replace(snapshot=None, restored=True)

    def _after(self, state: Domain, module: int, local: Local, said: Said) -> Domain:
        return state._replace(
            locals=(*state.locals[:module], local, *state.locals[module + 1 :]),
            said=(*state.said[:module], said, *state.said[module + 1 :]),
        )

    def _places(self, names: frozenset[str]) -> frozenset[int]:
        return frozenset(place for place, name in enumerate(self.modules) if name in names)
