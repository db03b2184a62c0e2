"""Secrets do not leave by accident and are gone when they are done with."""

import copy
import os
import pickle  # noqa: TID251 - shown to be refused
import subprocess
import sys

import pytest

from keystead.primitives.randomness import SystemRandomness
from keystead.primitives.secret import Secret, memory, wipe

MATERIAL = bytes(range(1, 33))


def test_it_shows_its_size_alone() -> None:
    """Neither repr nor str nor format shows a byte."""
    secret = Secret.taken(bytearray(MATERIAL))
    assert repr(secret) == str(secret) == f"{secret}" == "<Secret of 32 bytes>"
    assert len(secret) == 32


def test_it_does_not_compare_hash_copy_or_pickle() -> None:
    """Every way to leak or copy it by accident raises TypeError."""
    secret = Secret.blank(32)
    with pytest.raises(TypeError):
        assert secret == Secret.blank(32)
    with pytest.raises(TypeError):
        hash(secret)
    for accident in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            accident(secret)
    with pytest.raises(TypeError):
        bytes(secret)  # type: ignore[call-overload]


def test_taking_wipes_the_source() -> None:
    """The buffer that a secret was taken from holds zeros."""
    source = bytearray(MATERIAL)
    secret = Secret.taken(source)
    assert source == bytes(32)
    assert secret.view == MATERIAL


def test_absorbing_wipes_what_the_library_returned() -> None:
    """The bytes object that a secret was absorbed from holds zeros."""
    result = bytes(bytearray(MATERIAL))
    secret = Secret.absorbed(result)
    assert result == bytes(32)
    assert secret.view == MATERIAL


def test_wiped_memory_is_zero_and_the_view_is_gone() -> None:
    """After the with block the bytes are zeros, and using the secret raises ValueError."""
    with Secret.taken(bytearray(MATERIAL)) as secret:
        piece = secret.view[:]
    assert piece == bytes(32)
    with pytest.raises(ValueError, match="released"):
        secret.view[0]
    secret.wipe()


def test_a_forgotten_secret_is_wiped() -> None:
    """A secret that nobody refers to is wiped."""
    secret = Secret.taken(bytearray(MATERIAL))
    piece = secret.view[:]
    del secret
    assert piece == bytes(32)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 96, 4096, 100_000])
def test_a_new_secret_is_zero_whatever_was_there(size: int) -> None:
    """Memory is handed out zeroed, in the size asked for, and used again."""
    for _ in range(3):
        with Secret.random(size, SystemRandomness()) as secret:
            assert len(secret.view) == size
        with Secret.blank(size) as secret:
            assert secret.view == bytes(size)


def test_two_secrets_share_no_memory() -> None:
    """Writing one changes none of its neighbours."""
    secrets = [Secret.blank(48) for _ in range(100)]
    for number, secret in enumerate(secrets):
        secret.view[:] = bytes([number]) * 48
    assert all(secret.view == bytes([number]) * 48 for number, secret in enumerate(secrets))


def test_same_as_compares_content() -> None:
    """Equal content is the same, other content or length is not."""
    secret = Secret.taken(bytearray(MATERIAL))
    assert secret.same_as(Secret.taken(bytearray(MATERIAL)))
    assert not secret.same_as(Secret.blank(32))
    assert not secret.same_as(Secret.blank(31))


def test_wipe_overwrites_in_place() -> None:
    """Bytearrays and memoryviews of them are overwritten."""
    buffer = bytearray(MATERIAL)
    wipe(memoryview(buffer)[:16])
    assert buffer == bytes(16) + MATERIAL[16:]
    wipe(buffer)
    assert buffer == bytes(32)


def test_a_forked_child_does_not_inherit_secrets() -> None:
    """In a child the parent's secret may be dropped without harm, and new ones can be made and wiped."""
    secret = Secret.taken(bytearray(MATERIAL))
    child = os.fork()
    if child == 0:
        try:
            secret.wipe()
            with Secret.taken(bytearray(MATERIAL)) as own:
                os._exit(0 if own.view == MATERIAL else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert secret.view == MATERIAL


def test_memory_is_at_least_locked() -> None:
    """What the arena achieved on this host is told."""
    Secret.blank(32)
    assert memory().locked


_LOCKED = """
from keystead.primitives import arena
arena._secret_mapping = lambda size: None
from keystead.primitives.secret import Secret, memory
with Secret.taken(bytearray(b"x" * 100)) as secret:
    assert secret.view == b"x" * 100
print(memory().secret, memory().locked)
"""


def test_without_memfd_secret_memory_is_locked() -> None:
    """On a kernel without memfd_secret secrets work in locked memory, and the arena says so."""
    done = subprocess.run([sys.executable, "-c", _LOCKED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
