"""What each kind of change makes of a domain: one row of a table for each, and nothing beside it."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from keystead.core.domain import destruction
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
from keystead.core.domain.holders import with_destroyed, with_left, with_listed, with_renewed
from keystead.core.domain.offer import renewed_member
from keystead.core.domain.state import DomainKeyEntry, DomainState, DroppedKey, Member, Role, Standing
from keystead.errors import StateMismatch
from keystead.identifiers import DomainKeyId, ModuleId, OperatorId
from keystead.primitives.digest import labelled_digest
from keystead.primitives.labels import Label

Commitments: TypeAlias = Mapping[bytes, bytes]
"""Of a key that is added, by its id."""
_DOMAIN_KEY_ID: Final = 16
_replace = msgspec.structs.replace


def new_key_id(request: ChangeRequest) -> DomainKeyId:
    """Return the id of the domain key that a request adds: it follows from the request."""
    digest = labelled_digest(Label.DOMAIN_KEY_ID, request.domain, request.predecessor, request.nonce)
    return DomainKeyId(digest[:_DOMAIN_KEY_ID])


def changed(before: DomainState, request: ChangeRequest, commitments: Commitments) -> DomainState:
    """Return the next version, with the change made and nothing else; raises StateMismatch if it cannot be made."""
    if isinstance(request.change, AddDomainKey):
        return _with_key(before, request, commitments)
    after = _MADE[type(request.change)](before, request.change, request.predecessor)
    if not after.active:
        raise StateMismatch("the domain would be left without an active member: the last one stays")
    return _replace(after, version=before.version + 1)


def _with_key(before: DomainState, request: ChangeRequest, commitments: Commitments) -> DomainState:
    added = new_key_id(request)
    commitment = commitments.get(added)
    if commitment is None or before.domain_key(added) is not None:
        raise StateMismatch("the key that the request adds is not there, or was there before")
    version = before.version + 1
    keys = (*before.domain_keys, DomainKeyEntry(added, commitment, version))
    return _replace(before, version=version, domain_keys=keys)


def _with_member(before: DomainState, change: AddMember, _: bytes) -> DomainState:
    if before.member(change.member.id) is not None:
        raise StateMismatch("the module is a member already")
    members = tuple(sorted((*before.members, change.member), key=lambda one: one.id))
    return _replace(before, members=members, holders=with_listed(before.holders, (change.member,), before.version + 1))


def _without_member(before: DomainState, change: RemoveMember, _: bytes) -> DomainState:
    return _without(before, ModuleId(change.member))


def _without(before: DomainState, module: ModuleId) -> DomainState:
    if before.member(module) is None:
        raise StateMismatch("the module is no member")
    return _replace(
        before,
        members=tuple(member for member in before.members if member.id != module),
        holders=with_left(before.holders, module, before.version + 1),
    )


def _with_operator(before: DomainState, change: AddOperator, _: bytes) -> DomainState:
    added = change.operator
    if added == before.operator(added.id) or added.id in before.former:
        raise StateMismatch("the operator is listed so already, or was removed for good")
    others = (one for one in before.operators if one.id != added.id)
    return _replace(before, operators=tuple(sorted((*others, added), key=lambda one: one.id)))


def _without_operator(before: DomainState, change: RemoveOperator, _: bytes) -> DomainState:
    removed = change.operator
    if before.operator(OperatorId(removed)) is None:
        raise StateMismatch("there is no such operator")
    return _replace(
        before,
        operators=tuple(one for one in before.operators if one.id != removed),
        former=tuple(sorted((*before.former, removed))),
    )


def _with_rules(before: DomainState, change: ChangeRules, _: bytes) -> DomainState:
    if change.rules == before.rules:
        raise StateMismatch("the rules are these already")
    return _replace(before, rules=change.rules)


def _with_parameters(before: DomainState, change: ChangeParameters, _: bytes) -> DomainState:
    if change.parameters == before.parameters:
        raise StateMismatch("the parameters are these already")
    return _replace(before, parameters=change.parameters)


def _with_key_retired(before: DomainState, change: RetireDomainKey, _: bytes) -> DomainState:
    if before.domain_keys and change.key == before.newest:
        raise StateMismatch("the newest domain key cannot be retired: add another first")
    return _with_standing(before, DomainKeyId(change.key), Standing.RETIRED)


def _with_key_reinstated(before: DomainState, change: ReinstateDomainKey, _: bytes) -> DomainState:
    return _with_standing(before, DomainKeyId(change.key), Standing.ACTIVE)


def _with_standing(before: DomainState, key: DomainKeyId, standing: Standing) -> DomainState:
    entry = before.domain_key(key)
    if entry is None or entry.standing is standing:
        raise StateMismatch("there is no such domain key, or it stands so already")
    keys = tuple(_replace(one, standing=standing) if one is entry else one for one in before.domain_keys)
    return _replace(before, domain_keys=keys)


def _with_key_dropped(before: DomainState, change: DropDomainKey, predecessor: bytes) -> DomainState:
    entry = before.domain_key(DomainKeyId(change.key))
    if entry is None or entry.standing is not Standing.RETIRED:
        raise StateMismatch("there is no such domain key, or it was not retired first")
    if list(change.parked) != sorted(set(change.parked)):
        raise StateMismatch("parked members are listed in order of their ids, each once")
    after = before
    for parked in change.parked:
        after = _without(after, ModuleId(parked))
    if 2 * len(after.active) <= len(before.active):
        raise StateMismatch("a drop leaves most of the active members: remove those who are lost first")
    renewed = [renewed_member(after, predecessor, change.key, offer) for offer in change.offers]
    _check_offering(after, renewed)
    for member in renewed:
        after = _with_renewed(after, member)
    dropped = DroppedKey(entry.id, entry.since, before.version + 1)
    return _replace(
        after,
        domain_keys=tuple(one for one in before.domain_keys if one is not entry),
        dropped=(*before.dropped, dropped),
    )


def _check_offering(after: DomainState, renewed: list[Member]) -> None:
    offering = [member.id for member in renewed]
    if offering != sorted(set(offering)):
        raise StateMismatch("offers are listed in order of the members' ids, one of each")
    if any(member.role is Role.ACTIVE and member.id not in offering for member in after.members):
        raise StateMismatch("a member that stays made no offer: it makes one, or is parked")


def _with_holder_renewed(before: DomainState, change: RenewHolder, predecessor: bytes) -> DomainState:
    return _with_renewed(before, renewed_member(before, predecessor, b"", change.offer))


def _with_renewed(before: DomainState, renewed: Member) -> DomainState:
    members = tuple(renewed if member.id == renewed.id else member for member in before.members)
    return _replace(before, members=members, holders=with_renewed(before.holders, renewed, before.version + 1))


def _recovered(before: DomainState, change: Recover, _: bytes) -> DomainState:
    listed = [member.id for member in change.members]
    if listed != sorted(set(listed)) or change.members == before.members:
        raise StateMismatch("the members are these already, or not listed in order of their ids, each once")
    after = before
    for member in before.members:
        if member.id not in listed:
            after = _without(after, member.id)
    joining = [member for member in change.members if not _keeps_its_keys(before, member)]
    holders = with_listed(after.holders, joining, before.version + 1)
    after = _replace(after, members=change.members, holders=holders)
    if not any(member.role is Role.ACTIVE and before.member(member.id) for member in after.members):
        raise StateMismatch("nobody who has the domain keys would go on as an active member")
    return after


def _keeps_its_keys(before: DomainState, member: Member) -> bool:
    known = before.member(member.id)
    if known is None:
        return False
    if (known.sealing, known.slot) != (member.sealing, member.slot):
        raise StateMismatch("a member that stays keeps its sealing key in a recovery")
    return True


def _with_destruction(before: DomainState, change: RecordDestruction, _: bytes) -> DomainState:
    module, version = destruction.verified(before.domain, change.attestation)
    if version > before.version:
        raise StateMismatch("an attestation from a version that is still to come")
    return _replace(before, holders=with_destroyed(before.holders, module, version))


def _abandoned(before: DomainState, change: Abandon, _: bytes) -> DomainState:
    del before, change
    raise StateMismatch("a request to abandon a successor makes no token: it is shown to the members")


_MADE: Final[Mapping[type[DomainChange], Callable[[DomainState, Any, bytes], DomainState]]] = {
    AddMember: _with_member,
    RemoveMember: _without_member,
    AddOperator: _with_operator,
    RemoveOperator: _without_operator,
    ChangeRules: _with_rules,
    RetireDomainKey: _with_key_retired,
    DropDomainKey: _with_key_dropped,
    Abandon: _abandoned,
    Recover: _recovered,
    ReinstateDomainKey: _with_key_reinstated,
    RenewHolder: _with_holder_renewed,
    RecordDestruction: _with_destruction,
    ChangeParameters: _with_parameters,
}
"""Each takes the state before, the change, and the hash of the token that is changed. Adding a key takes more."""
