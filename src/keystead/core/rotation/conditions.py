"""What must have happened before old domain keys may be retired or dropped (design: retire before the drop)."""

from keystead.core.domain.state import DomainState
from keystead.core.rotation.rotation import Rotation
from keystead.core.rotation.stages import Stage
from keystead.identifiers import DomainKeyId


def obstacles(rotation: Rotation, state: DomainState, live: int, newest_backup: int, now: int) -> tuple[str, ...]:
    """Return what must still happen before the old domain keys may be dropped; nothing if nothing must."""
    due = rotation.retired + state.parameters.retirement
    told = {
        "all keys must be sealed anew, and the old domain keys retired": rotation.stage is not Stage.RETIRED,
        f"{live} keys rest under the old domain keys": live > 0,
        f"the old domain keys must be retired for {_seconds(due - now)} s more": rotation.stage is Stage.RETIRED
        and now < due,
        "no backup is newer than the last key that was sealed anew": not rotation.waived
        and newest_backup <= rotation.last_reseal,
    }
    return tuple([words for words, stands in told.items() if stands])


def taken_away(before: DomainState, after: DomainState) -> frozenset[DomainKeyId]:
    """Return the domain keys that members lose from one state to the next."""
    return _ids(before) - _ids(after)


def retired_between(before: DomainState, after: DomainState) -> frozenset[DomainKeyId]:
    """Return the domain keys that members begin to refuse from one state to the next."""
    return after.retired - before.retired


def _ids(state: DomainState) -> frozenset[DomainKeyId]:
    return frozenset(DomainKeyId(entry.id) for entry in state.domain_keys)


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
