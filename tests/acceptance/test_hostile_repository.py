"""Who can write to the key repository can stop the use of a key, and nothing else: each altered row fails closed."""

# ruff: noqa: S608 -- the statements are the attack
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.acceptance.service import Service

pytestmark = pytest.mark.slow

REFUSED = {"KMSInternalException", "ThrottlingException"}
"""An internal failure without detail; or, for a change that never finds the row as it was read, to try again later."""
PATIENCE = 15.0
"""Seconds in which what was altered must be noticed; records are kept for one."""
SECRET = b"a secret of the customer"


@dataclass(frozen=True)
class Scene:
    """Two keys, the first with an alias, tags and two versions, and ciphertexts of both versions and of the second."""

    kms: Any
    one: str
    other: str
    alias: str
    old: bytes
    new: bytes
    of_other: bytes

    def encrypt(self) -> Any:
        """Encrypt under the first key."""
        return self.kms.encrypt(KeyId=self.one, Plaintext=SECRET)

    def encrypt_by_alias(self) -> Any:
        """Encrypt under the alias."""
        return self.kms.encrypt(KeyId=self.alias, Plaintext=SECRET)

    def encrypt_by_forged_alias(self) -> Any:
        """Encrypt under an alias that nobody made."""
        return self.kms.encrypt(KeyId="alias/forged", Plaintext=SECRET)

    def all_aliases(self) -> Any:
        """List all aliases."""
        return self.kms.list_aliases()

    def decrypt_old(self) -> Any:
        """Decrypt what the first version made."""
        return self.kms.decrypt(CiphertextBlob=self.old)

    def decrypt_new(self) -> Any:
        """Decrypt what the second version made."""
        return self.kms.decrypt(CiphertextBlob=self.new)

    def describe(self) -> Any:
        """Describe the first key."""
        return self.kms.describe_key(KeyId=self.one)

    def tags(self) -> Any:
        """List the tags of the first key."""
        return self.kms.list_resource_tags(KeyId=self.one)

    def policy(self) -> Any:
        """Return the policy of the first key."""
        return self.kms.get_key_policy(KeyId=self.one)

    def aliases(self) -> Any:
        """List the aliases."""
        return self.kms.list_aliases(KeyId=self.one)

    def keys(self) -> Any:
        """List the keys."""
        return self.kms.list_keys()

    def disable(self) -> Any:
        """Disable the first key."""
        return self.kms.disable_key(KeyId=self.one)


@pytest.fixture
def scene(service: Service) -> Scene:
    """Return fresh keys of the running service."""
    kms = service.client(retries={"total_max_attempts": 1})
    one, other = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    alias = f"alias/{one}"
    kms.create_alias(AliasName=alias, TargetKeyId=one)
    kms.tag_resource(KeyId=one, Tags=[{"TagKey": "owner", "TagValue": "research"}])
    old = kms.encrypt(KeyId=one, Plaintext=SECRET)["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=one)
    new = kms.encrypt(KeyId=one, Plaintext=SECRET)["CiphertextBlob"]
    of_other = kms.encrypt(KeyId=other, Plaintext=SECRET)["CiphertextBlob"]
    return Scene(kms, one, other, alias, old, new, of_other)


def altered(service: Service, *statements: str, **values: str) -> None:
    """Write to the repository as its administrator can."""
    with closing(sqlite3.connect(service.data / "repository.sqlite", timeout=30)) as database:
        database.create_function("flipped", 1, lambda content: bytes([*content[:-1], content[-1] ^ 1]))
        for statement in statements:
            database.execute(statement, values)
        database.commit()


def swapped(table: str, column: str) -> tuple[str, ...]:
    """Return the statements that exchange a column of the two keys' rows."""
    other = f"(SELECT {column} FROM {table} AS them WHERE them.key_id = :other LIMIT 1)"
    mine = f"(SELECT {column} FROM kept LIMIT 1)"
    return (
        f"CREATE TEMP TABLE kept AS SELECT {column} FROM {table} WHERE key_id = :one",
        f"UPDATE {table} SET {column} = {other} WHERE key_id = :one",
        f"UPDATE {table} SET {column} = {mine} WHERE key_id = :other",
    )


def exchanged(table: str) -> tuple[str, ...]:
    """Return the statements that give each key the other's rows."""
    return (
        f"UPDATE {table} SET key_id = 'nobody' WHERE key_id = :one",
        f"UPDATE {table} SET key_id = :one WHERE key_id = :other",
        f"UPDATE {table} SET key_id = :other WHERE key_id = 'nobody'",
    )


OF_VERSION = "(SELECT token FROM key_tokens AS them WHERE them.key_id = :one AND them.version = {})"
Use = Callable[[Scene], Any]

CASES: dict[str, tuple[tuple[str, ...], Use]] = {
    "keys.head: of another key": (swapped("keys", "head"), Scene.encrypt),
    "keys.head: of another key, to decrypt": (swapped("keys", "head"), Scene.decrypt_new),
    "keys.head: of another key, to describe": (swapped("keys", "head"), Scene.describe),
    "keys.head: of another key, to list": (("UPDATE keys SET head = flipped(head) WHERE key_id = :one",), Scene.keys),
    "keys.head: a flipped bit": (("UPDATE keys SET head = flipped(head) WHERE key_id = :one",), Scene.encrypt),
    "keys.head: empty": (("UPDATE keys SET head = x'' WHERE key_id = :one",), Scene.encrypt),
    "keys.head: a token": (
        ("UPDATE keys SET head = " + OF_VERSION.format(1) + " WHERE key_id = :one",),
        Scene.encrypt,
    ),
    "keys.head_hash: another": (("UPDATE keys SET head_hash = zeroblob(32) WHERE key_id = :one",), Scene.disable),
    "keys and all that hangs on them: exchanged": (
        (*exchanged("keys"), *exchanged("key_tokens"), *exchanged("key_attachments")),
        Scene.encrypt,
    ),
    "key_tokens: exchanged": (exchanged("key_tokens"), Scene.encrypt),
    "key_tokens.token: of another key": (swapped("key_tokens", "token"), Scene.decrypt_old),
    "key_tokens.token: of another version": (
        ("UPDATE key_tokens SET token = " + OF_VERSION.format(1) + " WHERE key_id = :one AND version = 2",),
        Scene.encrypt,
    ),
    "key_tokens.token: of a newer version": (
        ("UPDATE key_tokens SET token = " + OF_VERSION.format(2) + " WHERE key_id = :one AND version = 1",),
        Scene.decrypt_old,
    ),
    "key_tokens.token: a flipped bit": (
        ("UPDATE key_tokens SET token = flipped(token) WHERE key_id = :one",),
        Scene.encrypt,
    ),
    "key_tokens.token: empty": (("UPDATE key_tokens SET token = x'' WHERE key_id = :one",), Scene.encrypt),
    "key_tokens.version: another": (
        ("UPDATE key_tokens SET version = version + 7 WHERE key_id = :one",),
        Scene.encrypt,
    ),
    "key_tokens: a row is missing": (
        ("DELETE FROM key_tokens WHERE key_id = :one AND version = 2",),
        Scene.encrypt,
    ),
    "key_attachments.content: another policy": (
        ("UPDATE key_attachments SET content = x'7b7d' WHERE key_id = :one AND kind = 'policy'",),
        Scene.encrypt,
    ),
    "key_attachments.content: another policy, to read": (
        ("UPDATE key_attachments SET content = x'7b7d' WHERE key_id = :one AND kind = 'policy'",),
        Scene.policy,
    ),
    "key_attachments.content: other tags": (
        ("UPDATE key_attachments SET content = flipped(content) WHERE key_id = :one AND kind = 'tags'",),
        Scene.tags,
    ),
    "key_attachments.content: other aliases": (
        ("UPDATE key_attachments SET content = flipped(content) WHERE key_id = :one AND kind = 'aliases'",),
        Scene.encrypt_by_alias,
    ),
    "key_attachments.kind: another": (
        ("UPDATE key_attachments SET kind = 'grants' WHERE key_id = :one AND kind = 'policy'",),
        Scene.encrypt,
    ),
    "key_attachments: a row is missing": (
        ("DELETE FROM key_attachments WHERE key_id = :one AND kind = 'policy'",),
        Scene.encrypt,
    ),
    "aliases.key_id: another key": (
        ("UPDATE aliases SET key_id = :other WHERE key_id = :one",),
        Scene.encrypt_by_alias,
    ),
    "aliases.name: another name": (
        ("UPDATE aliases SET name = 'alias/forged' WHERE key_id = :one",),
        Scene.encrypt_by_forged_alias,
    ),
    "aliases.name: another name, to list": (
        ("UPDATE aliases SET name = 'alias/forged' WHERE key_id = :one",),
        Scene.all_aliases,
    ),
    "aliases: a row is added": (
        ("INSERT INTO aliases SELECT account, region, 'alias/forged', key_id FROM aliases WHERE key_id = :one",),
        Scene.encrypt_by_forged_alias,
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.requirement("CONS-15", "ENV-20")
def test_an_altered_row(service: Service, scene: Scene, name: str) -> None:
    """What the row decides fails from then on, and until that is noticed it is answered as before."""
    statements, use = CASES[name]
    with service_restored(service):
        altered(service, *statements, one=scene.one, other=scene.other)
        assert until_refused(lambda: use(scene)) in REFUSED


def until_refused(use: Callable[[], Any]) -> str:
    """Return the error of a use once there is one; fails if there is none for too long."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        try:
            use()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
    return "it was never refused"


class service_restored:  # noqa: N801 -- reads as what it does
    """Keeps a copy of all rows and puts it back, for the tests that share the service."""

    TABLES = ("keys", "key_tokens", "key_attachments", "aliases", "domain_keys")

    def __init__(self, service: Service) -> None:
        self._service = service
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def __enter__(self) -> None:
        """Copy."""
        with closing(sqlite3.connect(self._service.data / "repository.sqlite", timeout=30)) as database:
            self._rows = {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in self.TABLES}

    def __exit__(self, *_: object) -> None:
        """Put back."""
        with closing(sqlite3.connect(self._service.data / "repository.sqlite", timeout=30)) as database:
            for table, rows in self._rows.items():
                database.execute(f"DELETE FROM {table}")
                if rows:
                    places = ", ".join("?" * len(rows[0]))
                    database.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
            database.commit()


def test_an_untouched_repository_serves(scene: Scene) -> None:
    """What the cases begin with works: otherwise their failure would say nothing."""
    assert scene.encrypt()["KeyId"].endswith(scene.one)
    assert scene.encrypt_by_alias()["KeyId"].endswith(scene.one)
    assert scene.decrypt_old()["Plaintext"] == scene.decrypt_new()["Plaintext"] == SECRET
    assert scene.tags()["Tags"] == [{"TagKey": "owner", "TagValue": "research"}]
    assert [alias["AliasName"] for alias in scene.aliases()["Aliases"]] == [scene.alias]
    assert scene.policy()["PolicyName"] == "default"
    assert scene.describe()["KeyMetadata"]["KeyId"] == scene.one


def test_a_fenced_domain_key_takes_no_writes(service: Service, scene: Scene) -> None:
    """Where the domain key is closed to new records nothing is changed, and keys are used as before."""
    with service_restored(service):
        altered(service, "UPDATE domain_keys SET writable = 0")
        assert until_refused(scene.disable) in REFUSED
        assert scene.encrypt()["KeyId"].endswith(scene.one)
        assert scene.describe()["KeyMetadata"]["KeyState"] == "Enabled"


def test_whose_a_key_is_stands_in_its_head(service: Service, scene: Scene) -> None:
    """The columns with account, region and domain key are an index: a key can be hidden by them, and not given away."""
    columns = "account = '999999999999', region = 'eu-west-9', head_domain_key = zeroblob(16)"
    before = scene.describe()["KeyMetadata"]
    with service_restored(service):
        altered(service, f"UPDATE keys SET {columns} WHERE key_id = :one", one=scene.one)
        altered(service, "UPDATE key_tokens SET domain_key = zeroblob(16) WHERE key_id = :one", one=scene.one)
        assert scene.one not in {key["KeyId"] for key in scene.keys()["Keys"]}
        assert scene.describe()["KeyMetadata"] == before
        assert scene.decrypt_old()["Plaintext"] == scene.decrypt_new()["Plaintext"] == SECRET
        altered(service, "UPDATE aliases SET account = '999999999999' WHERE key_id = :one", one=scene.one)
        assert until_refused(scene.encrypt_by_alias) == "NotFoundException"


def test_a_key_that_is_gone(service: Service, scene: Scene) -> None:
    """A row that was removed makes the key unknown, and the others are served."""
    with service_restored(service):
        removed = [f"DELETE FROM {table} WHERE key_id = :one" for table in ("keys", "key_tokens", "key_attachments")]
        altered(service, *removed, one=scene.one)
        assert until_refused(scene.encrypt) == "NotFoundException"
        assert scene.kms.decrypt(CiphertextBlob=scene.of_other)["Plaintext"] == SECRET
