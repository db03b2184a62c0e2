"""The life of keys against a model that is too simple to be wrong (``docs/reference/key-states.md``)."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from keystead.errors import ServiceError
from keystead.identifiers import KeyId
from tests.simulators.operations import SimulatedService

ALIASES = st.sampled_from(("alias/a", "alias/b", "alias/c"))
CONTEXTS = st.sampled_from((None, {"a": "1"}, {"a": "2"}))
SECOND = 1_000


@dataclass
class ModelKey:
    """What the model knows of one key."""

    state: str = "Enabled"
    versions: int = 1
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    changes: int = 1


@dataclass(frozen=True)
class Sealed:
    """A ciphertext, and what it must give back."""

    key_id: KeyId
    version: int
    context: dict[str, str] | None
    plaintext: bytes
    ciphertext: bytes


class KeyLife(RuleBasedStateMachine):
    """Requests in any order; the service and the model must agree on each outcome."""

    keys: Bundle[KeyId] = Bundle("keys")
    ciphertexts: Bundle[Sealed] = Bundle("ciphertexts")

    def __init__(self) -> None:
        super().__init__()
        self.service = SimulatedService()
        self.model: dict[KeyId, ModelKey] = {}
        self.names: dict[str, KeyId] = {}

    def outcome(self, operation: str, **members: Any) -> str:
        """Return the error that the service answers with, or ``ok``."""
        self.service.clock += SECOND
        try:
            self.service.call(operation, **members)
        except ServiceError as error:
            return error.code
        return "ok"

    def usable(self, key_id: KeyId) -> str:
        """Return what a use of the key comes to."""
        errors = {"Disabled": "DisabledException", "PendingDeletion": "KMSInvalidStateException"}
        return errors.get(self.model[key_id].state, "ok")

    def alive(self, key_id: KeyId) -> str:
        """Return what a change of the key comes to."""
        return "KMSInvalidStateException" if self.model[key_id].state == "PendingDeletion" else "ok"

    @rule(target=keys)
    def create(self) -> KeyId:
        """Every key is a new one."""
        key_id = self.service.create()
        assert key_id not in self.model
        self.model[key_id] = ModelKey()
        return key_id

    @rule(target=ciphertexts, key_id=keys, context=CONTEXTS, plaintext=st.binary(min_size=1, max_size=8))
    def encrypt(self, key_id: KeyId, context: dict[str, str] | None, plaintext: bytes) -> Any:
        """Under the newest version, if the key is enabled."""
        expected = self.usable(key_id)
        members: dict[str, Any] = {"key_id": key_id, "plaintext": plaintext, "encryption_context": context}
        if expected != "ok":
            assert self.outcome("Encrypt", **members) == expected
            return Sealed(key_id, 0, context, plaintext, b"")
        ciphertext = self.service.encrypt(key_id, plaintext, encryption_context=context)
        return Sealed(key_id, self.model[key_id].versions, context, plaintext, ciphertext)

    @rule(sealed=ciphertexts, context=CONTEXTS)
    def decrypt(self, sealed: Sealed, context: dict[str, str] | None) -> None:
        """Whatever was encrypted opens as long as its key is enabled, with its context only."""
        if not sealed.ciphertext:
            return
        members: dict[str, Any] = {"ciphertext_blob": sealed.ciphertext, "encryption_context": context}
        expected = self.usable(sealed.key_id)
        if expected == "ok" and context == sealed.context:
            answer = self.service.call("Decrypt", **members)
            versions = self.service.head(sealed.key_id).versions
            assert answer.plaintext == sealed.plaintext
            assert answer.key_material_id == versions[sealed.version - 1].material_id.hex()
        else:
            assert self.outcome("Decrypt", **members) == (
                "InvalidCiphertextException" if expected == "ok" else expected
            )

    @rule(key_id=keys)
    def rotate(self, key_id: KeyId) -> None:
        """One version more, 25 times at most."""
        model, expected = self.model[key_id], self.usable(key_id)
        if expected == "ok" and model.versions > 25:
            expected = "LimitExceededException"
        assert self.outcome("RotateKeyOnDemand", key_id=key_id) == expected
        if expected == "ok":
            model.versions += 1
            model.changes += 1

    @rule(key_id=keys, state=st.sampled_from(("Enabled", "Disabled")))
    def switch(self, key_id: KeyId, state: str) -> None:
        """On and off, unless the key is pending deletion."""
        model, expected = self.model[key_id], self.alive(key_id)
        assert self.outcome("EnableKey" if state == "Enabled" else "DisableKey", key_id=key_id) == expected
        if expected == "ok":
            model.state = state
            model.changes += 1

    @rule(key_id=keys, days=st.sampled_from((6, 7, 30, 31, None)))
    def schedule_deletion(self, key_id: KeyId, days: int | None) -> None:
        """Once, with a window that is allowed."""
        expected = self.alive(key_id)
        if expected == "ok" and days in (6, 31):
            expected = "ValidationException"
        assert self.outcome("ScheduleKeyDeletion", key_id=key_id, pending_window_in_days=days) == expected
        if expected == "ok":
            self.model[key_id].state = "PendingDeletion"
            self.model[key_id].changes += 1

    @rule(key_id=keys)
    def cancel_deletion(self, key_id: KeyId) -> None:
        """Leaves the key disabled."""
        expected = "ok" if self.model[key_id].state == "PendingDeletion" else "KMSInvalidStateException"
        assert self.outcome("CancelKeyDeletion", key_id=key_id) == expected
        if expected == "ok":
            self.model[key_id].state = "Disabled"
            self.model[key_id].changes += 1

    @rule(key_id=keys, description=st.sampled_from(("", "one", "other")))
    def describe(self, key_id: KeyId, description: str) -> None:
        """Any text replaces any other."""
        expected = self.alive(key_id)
        assert self.outcome("UpdateKeyDescription", key_id=key_id, description=description) == expected
        if expected == "ok":
            self.model[key_id].description = description
            self.model[key_id].changes += 1

    @rule(name=ALIASES, key_id=keys)
    def create_alias(self, name: str, key_id: KeyId) -> None:
        """A name is taken once."""
        expected = self.alive(key_id)
        if expected == "ok" and name in self.names:
            expected = "AlreadyExistsException"
        assert self.outcome("CreateAlias", alias_name=name, target_key_id=key_id) == expected
        if expected == "ok":
            self.names[name] = key_id
            self.model[key_id].changes += 1

    @rule(name=ALIASES, key_id=keys)
    def update_alias(self, name: str, key_id: KeyId) -> None:
        """A name that is taken can go elsewhere."""
        expected = self.alive(key_id) if name in self.names else "NotFoundException"
        assert self.outcome("UpdateAlias", alias_name=name, target_key_id=key_id) == expected
        if expected == "ok":
            for changed in {self.names[name], key_id}:
                self.model[changed].changes += 1
            self.names[name] = key_id

    @rule(name=ALIASES)
    def delete_alias(self, name: str) -> None:
        """A name that is taken can be given up, whatever the state of its key."""
        expected = "ok" if name in self.names else "NotFoundException"
        assert self.outcome("DeleteAlias", alias_name=name) == expected
        if expected == "ok":
            self.model[self.names.pop(name)].changes += 1

    @rule(sealed=consumes(ciphertexts), key_id=keys)
    def reencrypt(self, sealed: Sealed, key_id: KeyId) -> None:
        """Both keys must be usable; what comes out opens under the other key."""
        if not sealed.ciphertext:
            return
        members: dict[str, Any] = {
            "ciphertext_blob": sealed.ciphertext,
            "source_encryption_context": sealed.context,
            "destination_key_id": key_id,
        }
        refusals = [code for code in (self.usable(sealed.key_id), self.usable(key_id)) if code != "ok"]
        if refusals:
            assert self.outcome("ReEncrypt", **members) == refusals[0]
        else:
            moved = self.service.call("ReEncrypt", **members).ciphertext_blob
            assert self.service.decrypt(moved, key_id=key_id) == sealed.plaintext

    @invariant()
    def told_is_what_happened(self) -> None:
        """Listings, descriptions, aliases and generations agree with the model, for every key."""
        assert [entry.key_id for entry in self.service.call("ListKeys").keys] == sorted(self.model)
        aliases = {entry.alias_name: entry.target_key_id for entry in self.service.call("ListAliases").aliases}
        assert aliases == self.names
        for key_id, model in self.model.items():
            told = self.service.call("DescribeKey", key_id=key_id).key_metadata
            assert (told.key_state, told.enabled) == (model.state, model.state == "Enabled")
            assert told.description == model.description
            assert (told.deletion_date is None) == (model.state != "PendingDeletion")
            head = self.service.head(key_id)
            assert (len(head.versions), head.generation) == (model.versions, model.changes)


TestKeyLife = KeyLife.TestCase
TestKeyLife.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestKeyLife = pytest.mark.requirement("ABS-01", "ABS-02", "ABS-03")(TestKeyLife)
