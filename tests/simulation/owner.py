"""A client who has one of two keys ended for good, and an attacker who plunders everything in the end."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from keystead.components.security_module.sealed_file import NAME
from keystead.identifiers import KeyId, root_arn
from tests.simulation.client import Client
from tests.simulation.installation import ACCOUNT, MODULES, Installation
from tests.simulators.attacker import Attacker
from tests.simulators.history import Answer, Opening
from tests.simulators.workload import Asked

SECRET = b"attack at dawn"
PAUSE = 0.3
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": root_arn(ACCOUNT)},
                "Action": ["kms:*", "keystead:ShredKey"],
                "Resource": "*",
            }
        ],
    }
)


@dataclass
class Owner:
    """Whoever shreds ``doomed``, and goes on with ``kept``."""

    at: Installation
    client: Client
    blobs: dict[str, bytes] = field(default_factory=dict)
    doomed: str = ""
    kept: str = ""

    async def shred(self) -> None:
        """Make both keys and use them; return when the end of one is acknowledged."""
        self.doomed, self.kept = [await self._made() for _ in range(2)]
        await self._insist(Asked("Keystead.ShredKey", {"KeyId": self.doomed}))
        self.at.history.ended[self.doomed] = self.at.loop.time()

    async def go_on(self) -> None:
        """Try both keys, again and again."""
        while True:
            await self.read_again()
            await asyncio.sleep(PAUSE)

    async def read_again(self) -> None:
        """Try both keys once."""
        for key in (self.doomed, self.kept):
            await self.client.call(Asked("Decrypt", {"CiphertextBlob": self.blobs[key]}))

    def plunder(self) -> None:
        """Record which of both opens to who has all that was ever seen, and all disks and memories as they are now."""
        attacker = Attacker()
        for image in self.at.images:
            attacker.take_disk(_of_module(image), with_root_slots=False)
        for name in MODULES:
            attacker.take_disk(_of_module(self.at.disks[name].snapshot()), with_root_slots=True)
            attacker.take_memory(self.at.modules[name])
        for token in (*self.at.proposed, *(one.token for one in self.at.tokens.submissions.values())):
            attacker.take_token(token)
        mine = [change for change in self.at.written if change.key_id in self.blobs]
        for change in mine:
            heads = {one.head for one in mine if one.key_id == change.key_id}
            attacker.records.update((head, token.token) for token in change.tokens for head in heads)
        attacker.attack()
        for key, blob in self.blobs.items():
            if attacker.decrypts(blob) is not None:
                self.at.history.openings.append(Opening(KeyId(key), self.at.loop.time()))

    async def _made(self) -> str:
        created = await self._insist(Asked("CreateKey", {"Policy": POLICY}))
        encrypted = await self._insist(Asked("Encrypt", {"KeyId": created.key_id, "Plaintext": SECRET}))
        self.blobs[created.key_id] = encrypted.ciphertext
        return created.key_id

    async def _insist(self, asked: Asked) -> Answer:
        while True:
            if (answer := await self.client.call(asked)) is not None:
                return answer
            await asyncio.sleep(PAUSE)


def _of_module(image: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that a module is meant to have."""
    return {name: content for name, content in image.items() if name == NAME or name.startswith("root-slot")}
