"""What modules were seen to have installed: I5 and I6."""

from collections import defaultdict
from collections.abc import Iterator

from tests.simulators.checks.timeline import Timeline
from tests.simulators.history import History, Installed


def without_quorum(history: History, _timeline: Timeline) -> Iterator[str]:
    """I5: every state was signed by as many operators as its predecessor asks for; the first one by all."""
    states = {seen.token: seen for seen in history.installed}
    for seen in states.values():
        judge = seen if seen.version == 0 else states.get(seen.predecessor)
        if judge is None:
            yield f"{_told(seen)}: follows a state that nobody was seen with"
        elif len(seen.signers & judge.governors) < max(judge.needed, 1):
            yield f"{_told(seen)}: {len(seen.signers & judge.governors)} of {judge.needed} signatures that it needed"


def forked(history: History, _timeline: Timeline) -> Iterator[str]:
    """I6: one state for each version, each naming the one before, and no module ever goes back."""
    tokens: dict[int, set[bytes]] = defaultdict(set)
    reached: dict[str, int] = {}
    for seen in history.installed:
        tokens[seen.version].add(seen.token)
    for version, found in tokens.items():
        if len(found) > 1:
            yield f"version {version}: {len(found)} different states were installed"
    for seen in sorted(history.installed, key=lambda seen: seen.at):
        if seen.version < reached.get(seen.module, 0):
            yield f"{_told(seen)}: went back from version {reached[seen.module]}"
        reached[seen.module] = seen.version
        before = tokens.get(seen.version - 1, set())
        if seen.version > 0 and before and seen.predecessor not in before:
            yield f"{_told(seen)}: its predecessor is no state of version {seen.version - 1}"


def _told(seen: Installed) -> str:
    return f"{seen.module} at {seen.at:.3f} with version {seen.version}"
