"""What an honest coordinator and a quorum do with a domain in any state, so that a change is installed in the end."""

from dataclasses import replace
from typing import Final

from tests.model.no_fork import Abandon, Case, Domain, NoFork, Token

ADDED: Final = "z"
"""Name of the token that is made last of all: nobody has heard of it before."""


class Frozen(AssertionError):
    """No change can be installed any more."""


def ended(case: Case, state: Domain) -> tuple[str, ...]:
    """Return the steps after which all who are left have installed the same; raises Frozen if a step is refused."""
    return _Ending(case, state).run()


class _Ending:
    def __init__(self, case: Case, state: Domain) -> None:
        destroyed = case.modules[state.destroyed] if state.destroyed >= 0 else ""
        self._lost = destroyed
        self._last = len(case.tokens)
        last = Token(ADDED, case.members.replace(destroyed, "") if destroyed else case.members, lost=destroyed)
        asked = tuple(Abandon(token, destroyed) for token in range(self._last))
        self._offset = len(case.abandons)
        self._model = NoFork(replace(case, tokens=(*case.tokens, last), abandons=(*case.abandons, *asked)))
        self._state = state._replace(signatures=(*state.signatures, last.signatures))
        self._living = [module for module in range(len(self._model.modules)) if module != state.destroyed]
        self._steps: list[str] = []

    def run(self) -> tuple[str, ...]:
        """End it: follow what one has, or what all promised; else give up what was promised and begin anew."""
        token = self._installed()
        if token is None:
            token = self._installable()
        if token is None:
            self._abandon()
            token = self._last
            self._promise(token)
        self._spread(token)
        return tuple(self._steps)

    def _installed(self) -> int | None:
        found = {self._state.locals[module].installed for module in self._living} - {-1}
        return found.pop() if found else None

    def _installable(self) -> int | None:
        for token in range(self._last):
            for module in self._living:
                if self._model.install(self._state, module, token) is not None:
                    return token
        return None

    def _abandon(self) -> None:
        for token in sorted({self._state.locals[module].promised for module in self._living} - {-1}):
            abandon = self._offset + token
            for module in self._living:
                if module in self._model.concerned[token]:
                    self._take("release", module, abandon)
            if not self._model.is_dead(self._state, token):
                raise Frozen(f"token {token} is bound and neither installed nor dead after {self._steps}")

    def _promise(self, token: int) -> None:
        for module in self._model.promisers[token]:
            self._take("promise", module, token)

    def _spread(self, token: int) -> None:
        waiting = [one for one in self._living if one in self._model.concerned[token]]
        waiting = [one for one in waiting if self._state.locals[one].installed != token]
        # whoever may go first: one that released the token follows only behind another
        while waiting:
            ready = [one for one in waiting if self._model.install(self._state, one, token) is not None]
            if not ready:
                raise Frozen(f"token {token} is installed by some and refused by {waiting} after {self._steps}")
            self._take("install", ready[0], token)
            waiting.remove(ready[0])

    def _take(self, action: str, module: int, argument: int) -> None:
        does = {"promise": self._model.promise, "release": self._model.release, "install": self._model.install}[action]
        after = does(self._state, module, argument)
        if after is None:
            if action == "install" or module == self._state.destroyed:
                raise Frozen(f"{action} {module} {argument} is refused after {self._steps}")
            return
        self._steps.append(f"{action} {module} {argument}")
        self._state = after
