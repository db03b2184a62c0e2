"""Visits every state that a model can reach, breadth first, so that the story of a breach is a shortest one."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

State = TypeVar("State", bound=Hashable)


class Model(Protocol[State]):
    """Actions on states, as pure functions."""

    def initial(self) -> State:
        """Return where every story begins."""

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        """Return what may happen next: the name of each action, and the state after it."""

    def breaches(self, state: State) -> Iterator[str]:
        """Return what is wrong with a state."""


class Breach(AssertionError):
    """An invariant does not hold: ``story`` is a shortest way to where it does not."""

    def __init__(self, what: str, story: tuple[str, ...]) -> None:
        super().__init__("\n  ".join([what, *story]))
        self.what = what
        self.story = story


class TooMany(AssertionError):
    """The model has more states than the test has time for: nothing was shown."""


@dataclass(frozen=True)
class Explored(Generic[State]):
    """All reachable states: each with where it was first reached from, and by which action."""

    reached: dict[State, tuple[State, str] | None]

    def story(self, state: State) -> tuple[str, ...]:
        """Return the actions that lead to a state."""
        names = []
        while (step := self.reached[state]) is not None:
            state, name = step
            names.append(name)
        return tuple(reversed(names))

    def actions(self) -> frozenset[str]:
        """Return the kinds of actions that were ever the first to reach a state."""
        return frozenset(step[1].split(" ", 1)[0] for step in self.reached.values() if step is not None)


def explore(
    model: Model[State], limit: int, canonical: Callable[[State], State] = lambda state: state
) -> Explored[State]:
    """Return all reachable states; raises Breach at the first that is wrong, TooMany beyond ``limit``.

    ``canonical`` names the one of several states that differ only by who is called what.
    """
    first = canonical(model.initial())
    explored = Explored[State]({first: None})
    layer: Iterable[State] = [first]
    while layer:
        following = []
        for state in layer:
            for what in model.breaches(state):
                raise Breach(what, explored.story(state))
            for name, after in model.steps(state):
                reached = canonical(after)
                if reached not in explored.reached:
                    explored.reached[reached] = (state, name)
                    following.append(reached)
        if len(explored.reached) > limit:
            raise TooMany(f"more than {limit} states")
        layer = following
    return explored


def stuck(model: Model[State], explored: Explored[State], done: Callable[[State], bool]) -> State | None:
    """Return a reachable state from which none that is ``done`` can be reached, or None."""
    before: dict[State, list[State]] = {}
    for state in explored.reached:
        for _, after in model.steps(state):
            before.setdefault(after, []).append(state)
    ending = {state for state in explored.reached if done(state)}
    waiting = list(ending)
    while waiting:
        for state in before.get(waiting.pop(), ()):
            if state not in ending:
                ending.add(state)
                waiting.append(state)
    return next((state for state in explored.reached if state not in ending), None)
