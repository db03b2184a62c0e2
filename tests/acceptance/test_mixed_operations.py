"""boto3 with its default retries, from many threads: nothing fails, and nobody gets another's answer."""

import hashlib
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.acceptance.service import Service

THREADS = 16
OPERATIONS = 20_000

pytestmark = pytest.mark.slow


class Worker:
    """One thread's client, keys and memory of what it did."""

    def __init__(self, client: Any, number: int) -> None:
        """Make the thread's own key; the dice are seeded by its number."""
        self.client = client
        self.dice = random.Random(number)
        self.number = number
        self.key = client.create_key(Description=f"worker {number}")["KeyMetadata"]
        self.alias = f"alias/worker-{number}"
        client.create_alias(AliasName=self.alias, TargetKeyId=self.key["KeyId"])
        self.done: Counter[str] = Counter()

    def step(self, count: int) -> None:
        """Do one operation and check that the answer belongs to it."""
        name = self.dice.choice(["encrypt", "encrypt", "data_key", "re_encrypt", "describe", "random", "list_aliases"])
        getattr(self, f"_{name}")(f"{self.number}/{count}")
        self.done[name] += 1

    def _encrypt(self, mark: str) -> None:
        context = {"mark": mark}
        plaintext = hashlib.sha256(mark.encode()).digest() * self.dice.randint(1, 20)
        named = self.dice.choice([self.key["KeyId"], self.key["Arn"], self.alias])
        sealed = self.client.encrypt(KeyId=named, Plaintext=plaintext, EncryptionContext=context)
        assert sealed["KeyId"] == self.key["Arn"]
        opened = self.client.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
        assert opened["Plaintext"] == plaintext
        assert opened["KeyId"] == self.key["Arn"]

    def _data_key(self, mark: str) -> None:
        context = {"mark": mark}
        made = self.client.generate_data_key(KeyId=self.alias, KeySpec="AES_256", EncryptionContext=context)
        opened = self.client.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
        assert opened["Plaintext"] == made["Plaintext"]
        assert len(made["Plaintext"]) == 32

    def _re_encrypt(self, mark: str) -> None:
        sealed = self.client.encrypt(KeyId=self.alias, Plaintext=mark.encode())
        moved = self.client.re_encrypt(
            CiphertextBlob=sealed["CiphertextBlob"],
            DestinationKeyId=self.alias,
            DestinationEncryptionContext={"mark": mark},
        )
        opened = self.client.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"mark": mark})
        assert opened["Plaintext"] == mark.encode()

    def _describe(self, _mark: str) -> None:
        metadata = self.client.describe_key(KeyId=self.alias)["KeyMetadata"]
        assert metadata["Description"] == f"worker {self.number}"
        assert metadata["KeyId"] == self.key["KeyId"]

    def _random(self, _mark: str) -> None:
        size = self.dice.randint(1, 1024)
        assert len(self.client.generate_random(NumberOfBytes=size)["Plaintext"]) == size

    def _list_aliases(self, _mark: str) -> None:
        aliases = self.client.list_aliases(KeyId=self.key["KeyId"])["Aliases"]
        assert [alias["AliasName"] for alias in aliases] == [self.alias]


@pytest.mark.timeout(600)
@pytest.mark.requirement("ENV-02", "ENV-03", "ENV-05", "ENV-28", "P23-01", "P23-04")
def test_twenty_thousand_operations_from_sixteen_threads(service: Service) -> None:
    """Twenty thousand mixed operations all succeed, and every answer belongs to the request of its thread."""
    local = threading.local()

    def work(number: int) -> int:
        local.worker = Worker(service.client(), number)
        for count in range(OPERATIONS // THREADS):
            local.worker.step(count)
        done: Counter[str] = local.worker.done
        return done.total()

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(work, range(THREADS))) == OPERATIONS
