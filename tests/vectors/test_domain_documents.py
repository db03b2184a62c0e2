"""Genesis, change requests and domain tokens answer each vector of their pages as the vector says."""

import json
from pathlib import Path
from typing import Any

import pytest

from keystead.components.security_module.identity import ModuleIdentity
from keystead.components.security_module.ingestion import open_domain_keys
from keystead.core.domain import change_request, genesis, succession
from keystead.core.domain.promise import require_promises
from keystead.core.domain.state import SlotKind
from keystead.errors import Refusal
from keystead.primitives.hpke import RecipientKey
from keystead.primitives.secret import Secret
from keystead.primitives.signatures import IdentityKey

Vector = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "spec" / "vectors"
REQUESTS: Vector = json.loads((FOLDER / "change-request.json").read_text())
TOKENS: Vector = json.loads((FOLDER / "domain-token.json").read_text())
GENESES: Vector = json.loads((FOLDER / "genesis.json").read_text())


def name_of(vector: Vector) -> str:
    """Return what a vector is called."""
    name: str = vector["name"]
    return name


@pytest.mark.parametrize("vector", GENESES["vectors"], ids=name_of)
def test_each_genesis_has_its_outcome(vector: Vector) -> None:
    """A genesis that everyone signed is accepted; every other is refused with the error that the vector names."""
    outcome = "ok"
    try:
        genesis.verify_genesis(edited(GENESES["genesis"], vector))
    except Refusal as refusal:
        outcome = type(refusal).__name__
    assert outcome == vector["outcome"]


@pytest.mark.requirement("CHG-04", "CHG-05")
@pytest.mark.parametrize("vector", REQUESTS["vectors"], ids=name_of)
def test_each_change_request_has_its_outcome(vector: Vector) -> None:
    """A request that enough operators signed for this state is approved; every other is refused."""
    body = bytes.fromhex(REQUESTS["genesis_body"])
    outcome = "ok"
    try:
        approved = change_request.APPROVED_CODEC.decode(bytes.fromhex(vector["approved"]))
        state = genesis.initial_state(body)
        succession.approve(state, state.domain, approved, REQUESTS["now"])
    except Refusal as refusal:
        outcome = type(refusal).__name__
    assert outcome == vector["outcome"]


@pytest.mark.requirement("TOK-01", "TOK-02", "TOK-03", "TOK-04", "TOK-05", "TOK-16", "CONS-04", "CONS-05")
@pytest.mark.parametrize("vector", TOKENS["vectors"], ids=name_of)
def test_each_domain_token_has_its_outcome(vector: Vector) -> None:
    """A member opens its package and finds the domain keys; every other token or recipient is refused."""
    token = edited(TOKENS["token"], vector)
    outcome = "ok"
    try:
        state = genesis.verify_genesis(bytes.fromhex(TOKENS["genesis"]))
        successor = succession.accept(state, state.domain, token, TOKENS["now"])
        recipient = module(vector["recipient"])
        opened = open_domain_keys(successor, recipient.id, recipient.sealing)
        assert {key.hex(): secret.view.hex() for key, secret in opened.items()} == TOKENS["domain_keys"]
    except Refusal as refusal:
        outcome = type(refusal).__name__
    assert outcome == vector["outcome"]


def test_the_promises_of_the_vectors_suffice() -> None:
    """Both members have promised the token."""
    state = genesis.verify_genesis(bytes.fromhex(TOKENS["genesis"]))
    successor = succession.accept(state, state.domain, bytes.fromhex(TOKENS["token"]), TOKENS["now"])
    promises = map(bytes.fromhex, TOKENS["promises"].values())
    require_promises(state, state.domain, successor, promises)


def edited(base: str, vector: Vector) -> bytes:
    """Return the document of a vector."""
    document = bytes.fromhex(base)
    for position, taken, put in vector["edits"]:
        document = document[:position] + bytes.fromhex(put) + document[position + taken :]
    return document


def module(name: str) -> ModuleIdentity:
    """Return a module of the vectors, with its private keys."""
    secrets = TOKENS["modules"][name]
    return ModuleIdentity(
        signing=IdentityKey.from_secret(Secret.taken(bytearray.fromhex(secrets["signing"]))),
        sealing=RecipientKey.from_secret(Secret.taken(bytearray.fromhex(secrets["sealing"]))),
        slot=SlotKind.FILE,
    )
