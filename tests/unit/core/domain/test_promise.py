"""Promises: all remaining members must have promised this very successor."""

import msgspec
import pytest

from keystead.core.domain import promise
from keystead.core.domain.change_request import AddDomainKey, AddMember, RemoveMember
from keystead.core.domain.promise import require_promises
from keystead.core.domain.quorum import Rules
from keystead.core.domain.succession import Successor
from keystead.errors import FormatError, PromiseMissing, SignatureError
from tests.simulators.parties import Parties, k_of, member, module, person

ADA = person("ada")
NAMES = ["module-1", "module-2", "module-3"]
PARTIES = Parties([ADA], NAMES, Rules(k_of(1, ADA)))
SUCCESSOR = PARTIES.judged(PARTIES.token(PARTIES.request(AddDomainKey()), ADA))


def promised(name: str, successor: Successor = SUCCESSOR) -> bytes:
    """Return a module's promise."""
    identity = module(name)
    word = promise.promise(PARTIES.state.domain, PARTIES.hash, successor.hash, identity.id, identity.signing)
    return promise.CODEC.encode(word)


def judge(*promises: bytes, successor: Successor = SUCCESSOR) -> None:
    """Judge whether these suffice to switch."""
    require_promises(PARTIES.state, PARTIES.hash, successor, promises)


def test_the_promises_of_all_suffice() -> None:
    """In any order, and also when one came twice."""
    judge(*map(promised, NAMES))
    judge(*map(promised, reversed(NAMES)), promised(NAMES[0]))


@pytest.mark.parametrize("missing", NAMES)
def test_a_missing_promise_is_missed(missing: str) -> None:
    """No majority counts: without any one of them nobody switches."""
    with pytest.raises(PromiseMissing):
        judge(*(promised(name) for name in NAMES if name != missing))


def test_only_who_remains_must_promise() -> None:
    """Neither a member that goes nor one that comes is asked; one that goes may still have promised."""
    going = PARTIES.judged(PARTIES.token(PARTIES.request(RemoveMember(module("module-3").id)), ADA))
    judge(promised("module-1", going), promised("module-2", going), successor=going)
    coming = PARTIES.judged(PARTIES.token(PARTIES.request(AddMember(member("module-4"))), ADA))
    judge(*(promised(name, coming) for name in NAMES), successor=coming)
    with pytest.raises(PromiseMissing):
        judge(*(promised(name, coming) for name in (*NAMES, "module-4")), successor=coming)


def test_a_promise_of_another_successor_is_none() -> None:
    """A member that promised a rival cannot be counted for this one."""
    rival = PARTIES.judged(PARTIES.token(PARTIES.request(AddDomainKey()), ADA))
    with pytest.raises(PromiseMissing):
        judge(promised("module-1"), promised("module-2"), promised("module-3", rival))


@pytest.mark.parametrize("field", ["domain", "predecessor", "successor", "member"])
def test_a_promise_that_was_edited_is_refused(field: str) -> None:
    """What a promise names is what its member signed."""
    word = promise.CODEC.decode(promised("module-1"))
    edited = msgspec.structs.replace(word, **{field: module("module-2").id if field == "member" else bytes(32)})
    with pytest.raises((PromiseMissing, SignatureError)):
        judge(promise.CODEC.encode(edited), promised("module-2"), promised("module-3"))


def test_what_is_no_promise_is_refused() -> None:
    """Bytes of another kind are refused as such."""
    with pytest.raises(FormatError):
        judge(SUCCESSOR.encoded)
