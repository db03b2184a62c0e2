"""What a change request would change, in words: read from the very bytes that are signed, before and after."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from keystead.core.domain.change_request import (
    Abandon,
    AddDomainKey,
    AddMember,
    AddOperator,
    ChangeParameters,
    ChangeRequest,
    ChangeRules,
    DomainChange,
    DropDomainKey,
    RecordDestruction,
    Recover,
    ReinstateDomainKey,
    RemoveMember,
    RemoveOperator,
    RenewHolder,
    RetireDomainKey,
)
from keystead.core.domain.changes import new_key_id
from keystead.core.domain.quorum import RequestKind, Rules, fewest
from keystead.core.domain.rule_words import in_words, operator_in_words
from keystead.core.domain.state import (
    DomainKeyEntry,
    DomainState,
    Holder,
    Member,
    Operator,
    Permission,
    module_fingerprint,
)
from keystead.core.domain.succession import apply
from keystead.identifiers import ModuleId
from keystead.primitives.digest import sha256

_SHORT: Final = 16
_COMMITMENT_TO_COME: Final = bytes(32)


class Section(msgspec.Struct, frozen=True):
    """One part of the domain's state that the request changes."""

    title: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


class Difference(msgspec.Struct, frozen=True):
    """All that a request changes."""

    what: str
    """The change in one line."""
    sections: tuple[Section, ...]
    warnings: tuple[str, ...]
    """What cannot be undone, and what becomes weaker."""


def kind_in_words(kind: RequestKind) -> str:
    """Return the name of a kind of request as the command line has it."""
    return kind.name.lower().replace("_", "-")


def difference(before: DomainState, request: ChangeRequest) -> Difference:
    """Return what the request makes of the state before.

    Raises StateMismatch, UnsatisfiableRule and what else ``succession.apply`` raises if it makes nothing of it.
    """
    warnings = tuple(_warnings(before, request.change))
    what = _summary(before, request.change)
    if isinstance(request.change, Abandon):
        return Difference(what, (), warnings)
    return Difference(what, tuple(_sections(before, foreseen(before, request))), warnings)


def foreseen(before: DomainState, request: ChangeRequest) -> DomainState:
    """Return the state that the request leads to, but for the commitment of a key that is yet to be made.

    Raises what ``succession.apply`` raises.
    """
    return apply(before, request, {new_key_id(request): _COMMITMENT_TO_COME})


def described(state: DomainState) -> dict[str, tuple[str, ...]]:
    """Return the whole state as titled lines; two states are equal if and only if all lines are."""
    return {
        "members": tuple(member_in_words(member) for member in state.members),
        "operators": tuple(operator_described(operator) for operator in state.operators),
        "rules": tuple(_rules(state)),
        "domain keys": tuple(key_in_words(entry, state) for entry in state.domain_keys),
        "parameters": (
            f"a domain key is retired for {duration(state.parameters.retirement)} before it may be dropped",
        ),
        "dropped domain keys": tuple(
            f"{one.id.hex()[:_SHORT]}  of versions {one.since} to {one.dropped - 1}" for one in state.dropped
        ),
        "removed operators": tuple(one.hex()[:_SHORT] for one in state.former),
        "holders of sealing keys": tuple(holder_in_words(holder, state) for holder in state.holders),
    }


def member_in_words(member: Member) -> str:
    """Return a member in one line: name, role, slot, id and the fingerprint of its keys."""
    fingerprint = module_fingerprint(member.identity, member.sealing, member.slot)
    return (
        f"{member.name}  {member.role.name.lower()}  slot {member.slot.name.lower()}  {short(member.id)}  {fingerprint}"
    )


def operator_described(operator: Operator) -> str:
    """Return an operator in one line: name, permissions, and the fingerprint of its key as ssh-keygen -l prints it."""
    permissions = ", ".join(one.name.lower() for one in operator.permissions) or "no permission"
    digest = base64.b64encode(sha256(operator.key)).decode().rstrip("=")
    return f"{operator.name}  may {permissions}  {short(operator.id)}  SHA256:{digest}"


def key_in_words(entry: DomainKeyEntry, state: DomainState) -> str:
    """Return a domain key in one line: id, since when, and how it stands."""
    newest = ", seals what is new" if entry.id == state.newest else ""
    return f"{short(entry.id)}  since version {entry.since}  {entry.standing.name.lower()}{newest}"


def holder_in_words(holder: Holder, state: DomainState) -> str:
    """Return who has a sealing key in one line: module, digest, slot, versions and fate."""
    name = module_in_words(holder.module, state)
    until = f" to {holder.until - 1}" if holder.until else ""
    versions = f"versions {holder.since}{until}" if until else f"since version {holder.since}"
    return f"{name}  {short(holder.sealing)}  slot {holder.slot.name.lower()}  {versions}  {holder.fate.name.lower()}"


def module_in_words(module: bytes, state: DomainState) -> str:
    """Return a module's name, or the first digits of its id if it is no member."""
    member = state.member(ModuleId(module))
    return short(module) if member is None else member.name


def short(identifier: bytes) -> str:
    """Return the digits by which people tell ids apart."""
    return identifier.hex()[:_SHORT]


def duration(milliseconds: int) -> str:
    """Return a time span in the largest unit that says it exactly."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds} ms"


def _rules(state: DomainState) -> Iterator[str]:
    yield f"constitutional: {in_words(state.rules.constitutional, state)}"
    for one in state.rules.routine:
        yield f"{kind_in_words(one.kind)}: {in_words(one.rule, state)}"


def _sections(before: DomainState, after: DomainState) -> Iterator[Section]:
    old, new = described(before), described(after)
    for title, lines in old.items():
        removed = tuple(line for line in lines if line not in new[title])
        added = tuple(line for line in new[title] if line not in lines)
        if removed or added:
            yield Section(title, removed, added)


def _summary(before: DomainState, change: DomainChange) -> str:
    return SUMMARIES[type(change)](before, change)


def _operator_summary(before: DomainState, change: AddOperator) -> str:
    known = before.operator(change.operator.id) is not None
    return f"{'change' if known else 'add'} the operator {change.operator.name}"


SUMMARIES: Final[Mapping[type[DomainChange], Callable[[DomainState, Any], str]]] = {
    AddDomainKey: lambda _, __: "add a fresh domain key, which seals all that is new",
    AddMember: lambda _, change: f"add the security module {change.member.name}",
    RemoveMember: lambda before, change: f"remove the security module {module_in_words(change.member, before)}",
    AddOperator: _operator_summary,
    RemoveOperator: lambda before, change: f"remove the operator {operator_in_words(change.operator, before)}",
    ChangeRules: lambda _, __: "replace the quorum rules",
    RetireDomainKey: lambda _, change: (
        f"retire the domain key {short(change.key)}: members keep it, none opens with it"
    ),
    DropDomainKey: lambda _, change: f"drop the domain key {short(change.key)}",
    Abandon: lambda _, change: f"abandon the domain token {short(change.successor)}, promised but not installed",
    Recover: lambda _, change: f"go on with these members: {', '.join(one.name for one in change.members)}",
    ReinstateDomainKey: lambda _, change: f"reinstate the domain key {short(change.key)}: members open with it again",
    RenewHolder: lambda _, __: "seal to a fresh key of one member",
    RecordDestruction: lambda _, __: "record that a module destroyed its former sealing keys",
    ChangeParameters: lambda _, __: "replace the parameters",
}


def _warnings(before: DomainState, change: DomainChange) -> Iterator[str]:
    fixed = _WARNINGS.get(type(change))
    if fixed is not None:
        yield fixed
    if isinstance(change, AddOperator):
        yield from _permission_warnings(before, change.operator)
    if isinstance(change, DropDomainKey) and change.parked:
        names = ", ".join(module_in_words(one, before) for one in change.parked)
        yield f"these members leave, and what they hold stays outstanding: {names}"
    if isinstance(change, RemoveMember) and change.lost:
        yield "you state that the module is destroyed and will never run again: if it does, the domain may fork"
    if isinstance(change, ChangeRules):
        yield from _rule_warnings(before.rules, change.rules)
    if isinstance(change, Abandon) and change.lost:
        names = ", ".join(module_in_words(one, before) for one in change.lost)
        yield f"you state that these members are destroyed and will never run again: {names}"


def _rule_warnings(before: Rules, after: Rules) -> Iterator[str]:
    listed = {one.kind for rules in (before, after) for one in rules.routine}
    for kind in (None, *sorted(listed)):
        old, new = (one.constitutional if kind is None else one.for_kind(kind) for one in (before, after))
        if fewest(new) < fewest(old):
            what = "what the constitution governs" if kind is None else kind_in_words(kind)
            yield f"weaker: {fewest(new)} may decide about {what} where {fewest(old)} had to"


def _permission_warnings(before: DomainState, operator: Operator) -> Iterator[str]:
    known = before.operator(operator.id)
    had = frozenset(() if known is None else known.permissions)
    if Permission.GOVERN in operator.permissions and Permission.GOVERN not in had:
        yield "the operator may sign changes of the domain, as far as the rules name it"
    if Permission.VOUCH in operator.permissions and Permission.VOUCH not in had:
        yield "the operator may vouch for every customer"


_WARNINGS: Final[dict[type[DomainChange], str]] = {
    AddMember: "the module will hold every domain key: compare its fingerprint with the one in its log on its own host",
    RemoveMember: "the module's sealing key stays outstanding until its destruction is recorded: no shredding that it "
    "could undo is complete before",
    RemoveOperator: "cannot be undone: a removed operator is never listed again",
    ChangeRules: "decides who may decide from now on",
    DropDomainKey: "cannot be undone: nobody can open what still rests under this key",
    Abandon: "cannot be undone: what is abandoned is refused for ever",
    Recover: "cannot be undone: members that are not listed are out, and what they hold stays outstanding",
    RecordDestruction: "from now on receipts say that these sealing keys are destroyed, as the module attested",
    ChangeParameters: "a shorter retirement leaves less time to notice that a key is still needed",
}
