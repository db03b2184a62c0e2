"""Keys that rotate by themselves, against a model too simple to be wrong: clocks jump, and modules disagree."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from keystead.core.keys.automatic_rotation import DAY, rotated
from keystead.core.records import Change
from keystead.errors import ConflictError, RotationNotDue, ServiceError
from keystead.identifiers import KeyId
from tests.simulators.operations import START, SimulatedService

MODULES = 2
PERIODS = st.sampled_from((None, 90, 91, 2560))
JUMPS = st.sampled_from((-400, -90, -1, 0, 1, 89, 90, 400, 3000))


@dataclass
class ModelKey:
    """What the model knows of one key."""

    state: str = "Enabled"
    period: int = 0
    due: int = 0
    kinds: list[str] = field(default_factory=lambda: ["CREATED"])
    days: list[int] = field(default_factory=list)
    """The days that it was rotated for."""


class RotationLife(RuleBasedStateMachine):
    """Requests, sweeps and clocks in any order; what a module made may be stored late, or never."""

    keys: Bundle[KeyId] = Bundle("keys")
    made: Bundle[tuple[KeyId, int, Change, int]] = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.service = SimulatedService()
        self.clocks = [START + 4000 * DAY] * MODULES
        self.model: dict[KeyId, ModelKey] = {}
        self.ciphertexts: list[tuple[KeyId, int, bytes]] = []

    def ask(self, operation: str, key_id: KeyId, module: int, **members: object) -> str:
        """Return the error that a module answers with, or ``ok``."""
        self.service.clock = self.clocks[module]
        try:
            self.service.call(operation, key_id=key_id, **members)
        except ServiceError as error:
            return error.code
        return "ok"

    @rule(target=keys)
    def create(self) -> KeyId:
        """A key that does not rotate."""
        self.service.clock = self.clocks[0]
        key_id = self.service.create()
        self.model[key_id] = ModelKey()
        return key_id

    @rule(module=st.integers(0, MODULES - 1), days=JUMPS)
    def jump(self, module: int, days: int) -> None:
        """A module's clock goes on, or back."""
        self.clocks[module] = max(START + DAY, self.clocks[module] + days * DAY)

    @rule(key_id=keys, module=st.integers(0, MODULES - 1), period=PERIODS)
    def enable(self, key_id: KeyId, module: int, period: int | None) -> None:
        """The days count from the clock of the module that is asked."""
        model = self.model[key_id]
        outcome = self.ask("EnableKeyRotation", key_id, module, rotation_period_in_days=period)
        assert outcome == ("ok" if model.state == "Enabled" else "DisabledException")
        if outcome == "ok":
            model.period = period or 365
            model.due = self.clocks[module] + model.period * DAY

    @rule(key_id=keys)
    def disable(self, key_id: KeyId) -> None:
        """No day is left."""
        model = self.model[key_id]
        outcome = self.ask("DisableKeyRotation", key_id, 0)
        assert outcome == ("ok" if model.state == "Enabled" else "DisabledException")
        if outcome == "ok":
            model.period = model.due = 0

    @rule(key_id=keys, state=st.sampled_from(("Enabled", "Disabled")))
    def switch(self, key_id: KeyId, state: str) -> None:
        """A key that is disabled keeps its day."""
        assert self.ask("EnableKey" if state == "Enabled" else "DisableKey", key_id, 0) == "ok"
        self.model[key_id].state = state

    @rule(key_id=keys, module=st.integers(0, MODULES - 1))
    def rotate_on_demand(self, key_id: KeyId, module: int) -> None:
        """Neither moved by a day nor moving it; refused when that is near or over."""
        model = self.model[key_id]
        if model.state != "Enabled":
            expected = "DisabledException"
        elif model.kinds.count("ON_DEMAND") == 25:
            expected = "LimitExceededException"
        else:
            expected = "ConflictException" if 0 < model.due <= self.clocks[module] + DAY // 72 else "ok"
        assert self.ask("RotateKeyOnDemand", key_id, module) == expected
        if expected == "ok":
            model.kinds.append("ON_DEMAND")

    @rule(target=made, key_id=keys, module=st.integers(0, MODULES - 1))
    def find(self, key_id: KeyId, module: int) -> tuple[KeyId, int, Change, int]:
        """A module makes a version exactly if the key is due by its clock; nothing is stored yet."""
        model, now = self.model[key_id], self.clocks[module]
        due = model.state == "Enabled" and 0 < model.due <= now
        key = self.service.open(self.service.records[key_id])
        try:
            change = rotated(self.service.vault, key, now)
        except RotationNotDue:
            assert not due
            return key_id, 0, Change(()), now
        assert due
        return key_id, key.head.generation, change, now

    @rule(found=made)
    def store(self, found: tuple[KeyId, int, Change, int]) -> None:
        """It is taken once at most, and only of the key as it was read."""
        key_id, generation, change, now = found
        if not change.keys:
            return
        model, fresh = self.model[key_id], self.service.head(key_id).generation == generation
        try:
            self.service.apply(change)
        except ConflictError:
            assert not fresh
            return
        assert fresh
        model.kinds.append("AUTOMATIC")
        model.days.append(model.due)
        kept = model.due + model.period * DAY
        model.due = kept if kept > now else now + model.period * DAY

    @rule(key_id=keys)
    def encrypt(self, key_id: KeyId) -> None:
        """Under the newest version, due or not."""
        if self.model[key_id].state == "Enabled":
            ciphertext = self.service.encrypt(key_id)
            self.ciphertexts.append((key_id, len(self.model[key_id].kinds), ciphertext))

    @invariant()
    def told_is_what_happened(self) -> None:
        """Status, rotations and every ciphertext agree with the model, and no key was rotated twice for one day."""
        for key_id, model in self.model.items():
            told = self.service.call("GetKeyRotationStatus", key_id=key_id)
            assert told.key_rotation_enabled is bool(model.period)
            assert told.rotation_period_in_days == (model.period or None)
            assert told.next_rotation_date == (model.due / 1000 if model.due else None)
            listed = self.service.call("ListKeyRotations", key_id=key_id).rotations
            assert [one.rotation_type for one in listed] == model.kinds[1:]
        for key_id, version, ciphertext in self.ciphertexts[-3:]:
            if self.model[key_id].state == "Enabled":
                answer = self.service.call("Decrypt", ciphertext_blob=ciphertext)
                material = self.service.head(key_id).versions[version - 1].material_id.hex()
                assert (answer.plaintext, answer.key_material_id) == (b"attack at dawn", material)


TestRotationLife = RotationLife.TestCase
TestRotationLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRotationLife = pytest.mark.requirement("ABS-01", "ABS-02", "ABS-03")(TestRotationLife)
