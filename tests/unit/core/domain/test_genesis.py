"""The beginning of a domain: everyone signs, the hash is the id, and nothing less is accepted."""

from collections.abc import Callable

import msgspec
import pytest

from keystead.core.domain import genesis
from keystead.core.domain.genesis import Genesis
from keystead.core.domain.quorum import Rules
from keystead.core.domain.state import Permission
from keystead.errors import FormatError, Refusal, SignatureError, UnsatisfiableRule
from keystead.primitives.digest import sha256
from tests.simulators.parties import NOW, Parties, k_of, member, person

ADA, BEN, FRONT_END = person("ada"), person("ben"), person("front-end", Permission.SERVE)
PARTIES = Parties([ADA, BEN, FRONT_END], ["module-1", "module-2"], Rules(k_of(2, ADA, BEN)))
DOCUMENT = genesis.CODEC.decode(PARTIES.genesis)


def test_the_hash_of_the_body_is_the_id_of_the_domain() -> None:
    """Version 0 has everyone who signed, and no domain key."""
    state = genesis.verify_genesis(PARTIES.genesis)
    assert state.domain == sha256(DOCUMENT.body)
    assert (state.version, state.domain_keys, state.former) == (0, (), ())
    assert {one.name for one in state.members} == {"module-1", "module-2"}
    assert {one.name for one in state.operators} == {"ada", "ben", "front-end"}


REPLACE = msgspec.structs.replace
WRONG: dict[str, tuple[type[Refusal], Callable[[Genesis], Genesis]]] = {
    "an operator did not sign": (SignatureError, lambda one: REPLACE(one, operators=one.operators[1:])),
    "a member did not sign": (SignatureError, lambda one: REPLACE(one, members=one.members[1:])),
    "nobody signed": (SignatureError, lambda one: REPLACE(one, operators=(), members=())),
    "an operator signed twice": (SignatureError, lambda one: REPLACE(one, operators=one.operators[:1] * 3)),
    "signatures out of order": (SignatureError, lambda one: REPLACE(one, members=one.members[::-1])),
    "an operator's signature for another": (
        SignatureError,
        lambda one: REPLACE(
            one, operators=(REPLACE(one.operators[0], signature=one.operators[1].signature), *one.operators[1:])
        ),
    ),
    "a member's signature for another": (
        SignatureError,
        lambda one: REPLACE(one, members=(REPLACE(one.members[0], signature=one.members[1].signature), one.members[1])),
    ),
    "another body": (SignatureError, lambda one: REPLACE(one, body=_changed(one.body, created=NOW + 1))),
    "members out of order": (
        FormatError,
        lambda one: REPLACE(one, body=_changed(one.body, members=PARTIES.state.members[::-1])),
    ),
    "an operator listed twice": (
        FormatError,
        lambda one: REPLACE(one, body=_changed(one.body, operators=PARTIES.state.operators * 2)),
    ),
    "no member": (FormatError, lambda one: REPLACE(one, body=_changed(one.body, members=()))),
    "rules that nobody can keep": (
        UnsatisfiableRule,
        lambda one: REPLACE(one, body=_changed(one.body, rules=Rules(k_of(3, ADA, BEN)))),
    ),
    "rules that name who may not govern": (
        UnsatisfiableRule,
        lambda one: REPLACE(one, body=_changed(one.body, rules=Rules(k_of(1, FRONT_END)))),
    ),
    "no body": (FormatError, lambda one: REPLACE(one, body=b"")),
}


def _changed(body: bytes, **changed: object) -> bytes:
    return genesis.BODY_CODEC.encode(REPLACE(genesis.BODY_CODEC.decode(body), **changed))


@pytest.mark.parametrize("name", WRONG)
def test_less_than_everyone_is_refused(name: str) -> None:
    """Each way in which not everyone signed this very document, or it could not work, has its error."""
    error, change = WRONG[name]
    with pytest.raises(error):
        genesis.verify_genesis(genesis.CODEC.encode(change(DOCUMENT)))


def test_rules_are_judged_before_anyone_signs() -> None:
    """A body that could not work is not drafted."""
    with pytest.raises(UnsatisfiableRule):
        genesis.body(
            nonce=bytes(32),
            created=NOW,
            members=[member("module-1")],
            operators=[ADA.operator],
            rules=Rules(k_of(1, BEN)),
        )
