"""The parts of a domain's state: ids, lists in order, and what is no party."""

from collections.abc import Callable

import msgspec
import pytest

from keystead.core.domain import change_request
from keystead.core.domain.change_request import AddMember, AddOperator, DomainChange
from keystead.core.domain.quorum import Rules
from keystead.core.domain.state import Operator, Permission
from keystead.core.domain.succession import apply
from keystead.errors import FormatError, NoDomain
from tests.simulators.parties import Parties, k_of, member, module, person

ADA = person("ada")
PARTIES = Parties([ADA], ["module-1"], Rules(k_of(1, ADA)))
MEMBER = member("module-2")


def test_an_id_follows_from_the_identity_and_outlives_the_sealing_key() -> None:
    """A member that renews its sealing key stays the same member."""
    renewed = msgspec.structs.replace(MEMBER, sealing=member("module-3").sealing, name="renamed")
    assert renewed.id == MEMBER.id == module("module-2").id
    assert member("module-3").id != MEMBER.id


def test_a_state_without_domain_keys_has_no_newest_one() -> None:
    """Nothing can be sealed under version 0."""
    with pytest.raises(NoDomain):
        _ = PARTIES.state.newest


def test_parties_are_found_by_their_ids() -> None:
    """Whoever is not listed is None."""
    state = PARTIES.state
    assert state.member(module("module-1").id) == member("module-1")
    assert state.member(MEMBER.id) is None
    assert state.operator(ADA.operator.id) == ADA.operator
    assert state.operators_who(Permission.GOVERN).keys() == {ADA.operator.id}
    assert not state.operators_who(Permission.SERVE)


WRONG: dict[str, Callable[[], DomainChange]] = {
    "permissions out of order": lambda: _operator([Permission.SERVE, Permission.GOVERN]),
    "a permission twice": lambda: _operator([Permission.SERVE, Permission.SERVE]),
    "an unknown permission": lambda: _operator([99]),
    "a name with a space": lambda: AddMember(msgspec.structs.replace(MEMBER, name="module 2")),
    "a name in two lines": lambda: AddMember(msgspec.structs.replace(MEMBER, name="module-2\n")),
    "no name": lambda: AddMember(msgspec.structs.replace(MEMBER, name="")),
    "a short sealing key": lambda: AddMember(msgspec.structs.replace(MEMBER, sealing=MEMBER.sealing[:-1])),
    "a short identity key": lambda: AddMember(msgspec.structs.replace(MEMBER, mldsa65=MEMBER.mldsa65[:-1])),
}


def _operator(permissions: list[int]) -> DomainChange:
    operator = Operator.of("ben", ADA.key.public, frozenset())
    msgspec.structs.force_setattr(operator, "permissions", tuple(permissions))
    return AddOperator(operator)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_party_is_refused_where_it_is_read(name: str) -> None:
    """A request for it is not in the one form, whoever signed it."""
    with pytest.raises(FormatError):
        change_request.CODEC.decode(PARTIES.request(WRONG[name]()))


def test_an_operator_with_a_key_of_another_kind_is_refused() -> None:
    """Only keys of OpenSSH's Ed25519 kinds are listed."""
    request = change_request.CODEC.decode(PARTIES.request(AddOperator(Operator("ben", b"ssh-rsa", ()))))
    with pytest.raises(FormatError):
        apply(PARTIES.state, request, {})
