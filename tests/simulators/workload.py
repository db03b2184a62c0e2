"""What one client does with keys of its own, as a script: it yields requests and is sent what became of them.

The same script runs against real processes, with boto3, and in the simulation.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.simulators.history import Answer

KEYS_AT_MOST = 12
ROTATIONS_AT_MOST = 5
ONCE = frozenset({"EnableKey", "DisableKey", "RotateKeyOnDemand"})
"""What is not asked again when no answer came: a second effect, or a late one, could not be told from the first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, in the members of the service model."""

    operation: str
    parameters: dict[str, Any] = field(default_factory=dict)


Script: TypeAlias = Generator[Asked, Answer | None, None]
"""Is sent the answer, or None if there was none."""


class Workload:
    """Makes keys and ciphertexts, closes and opens keys, and reads what was made."""

    def __init__(self, name: str, seed: int) -> None:
        """Take what decides everything that follows."""
        self._dice = random.Random(f"{name}/{seed}")
        self._keys: list[str] = []
        self._made: list[tuple[bytes, dict[str, str]]] = []
        self._rotations = 0
        self._count = 0
        self._weights: dict[Callable[[], Script], float] = {
            self._encrypt: 6,
            self._decrypt: 8,
            self._data_key: 3,
            self._move: 2,
            self._close_and_open: 1,
            self._rotate: 0.3,
            self._create: 0.5,
        }

    def steps(self) -> Script:
        """Do one thing after another, for ever."""
        while True:
            self._count += 1
            step = self._dice.choices(list(self._weights), list(self._weights.values()))[0]
            yield from step() if self._keys else self._create()

    def read_again(self) -> Script:
        """Open every key, use it, and decrypt all that was made."""
        for key in self._keys:
            yield Asked("EnableKey", {"KeyId": key})
            yield from self._encrypt_under(key)
        for blob, context in list(self._made):
            yield Asked("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": context})

    def _create(self) -> Script:
        if len(self._keys) < KEYS_AT_MOST:
            created = yield Asked("CreateKey", {"Description": f"key {self._count}"})
            if created is not None:
                self._keys.append(created.key_id)

    def _encrypt(self) -> Script:
        return self._encrypt_under(self._dice.choice(self._keys))

    def _encrypt_under(self, key: str) -> Script:
        context = {"count": str(self._count)}
        plaintext = self._dice.randbytes(self._dice.choice((1, 32, 700, 4096)))
        yield from self._kept("Encrypt", context, KeyId=key, Plaintext=plaintext, EncryptionContext=context)

    def _data_key(self) -> Script:
        context = {"count": str(self._count)}
        key = self._dice.choice(self._keys)
        yield from self._kept("GenerateDataKey", context, KeyId=key, KeySpec="AES_256", EncryptionContext=context)

    def _decrypt(self) -> Script:
        if self._made:
            blob, context = self._dice.choice(self._made)
            yield Asked("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": context})

    def _move(self) -> Script:
        if self._made:
            blob, context = self._dice.choice(self._made)
            moved = {"moved": str(self._count)}
            yield from self._kept(
                "ReEncrypt",
                moved,
                CiphertextBlob=blob,
                SourceEncryptionContext=context,
                DestinationKeyId=self._dice.choice(self._keys),
                DestinationEncryptionContext=moved,
            )

    def _close_and_open(self) -> Script:
        key = self._dice.choice(self._keys)
        yield Asked("DisableKey", {"KeyId": key})
        yield from self._encrypt_under(key)
        yield Asked("EnableKey", {"KeyId": key})

    def _rotate(self) -> Script:
        if self._rotations < ROTATIONS_AT_MOST:
            self._rotations += 1
            yield Asked("RotateKeyOnDemand", {"KeyId": self._keys[0]})

    def _kept(self, operation: str, context: dict[str, str], **parameters: Any) -> Script:
        answer = yield Asked(operation, parameters)
        if answer is not None:
            self._made.append((answer.ciphertext, context))
