"""A module's identity rests under its root slot, is made once, and is never replaced in silence."""

import pytest

from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.safe import wake
from keystead.components.security_module.sealed_file import SealedFile
from keystead.errors import OperatorError
from tests.simulators.world import MemoryDisk, SeededRandomness


def _disk() -> MemoryDisk:
    return MemoryDisk(SeededRandomness(0, "disk"))


def _wake(disk: MemoryDisk, name: str = "module") -> str:
    randomness = SeededRandomness(1, name)
    return wake(FileRootSlot(disk, randomness), disk, randomness).identity.fingerprint


def test_the_identity_is_made_at_the_first_start_and_stays() -> None:
    """A restart finds the same keys; another module has others."""
    disk = _disk()
    first = _wake(disk)
    assert first.startswith("SHA256:")
    assert _wake(disk, "after a restart") == first
    assert _wake(_disk(), "another") != first


def test_no_key_rests_in_clear() -> None:
    """Neither seed is found in any file of the disk."""
    disk = _disk()
    randomness = SeededRandomness(1, "module")
    identity = wake(FileRootSlot(disk, randomness), disk, randomness).identity
    resting = b"".join(disk.snapshot().values())
    for secret in (identity.signing.secret(), identity.sealing.secret()):
        for start in range(0, len(secret), 32):
            assert bytes(secret.view[start : start + 32]) not in resting


def test_an_interrupted_first_start_is_begun_again() -> None:
    """A root slot without an identity is used for a new identity."""
    disk = _disk()
    FileRootSlot(disk, SeededRandomness(2, "slot")).prepare(0)
    assert _wake(disk) == _wake(disk)


@pytest.mark.parametrize(
    "damage", ["root slot gone", "root slot truncated", "root slot changed", "identity changed", "another format"]
)
def test_what_is_damaged_is_not_replaced(damage: str) -> None:
    """A lost or changed root slot or identity stops the module with advice; nothing is made anew."""
    disk = _disk()
    _wake(disk)
    files = disk.snapshot()
    root, identity = files["root-slot-1"], files["module.sealed"]
    if damage == "root slot gone":
        disk.remove("root-slot-1")
    elif damage == "root slot truncated":
        disk.write("root-slot-1", root[:-1])
    elif damage == "root slot changed":
        disk.write("root-slot-1", root[:-1] + bytes((root[-1] ^ 1,)))
    elif damage == "another format":
        disk.write("module.sealed", b"\x02" + identity[1:])
    else:
        disk.write("module.sealed", identity[:-1] + bytes((identity[-1] ^ 1,)))
    before = disk.snapshot()
    with pytest.raises(OperatorError):
        _wake(disk)
    assert disk.snapshot() == before


def test_a_file_of_one_generation_does_not_open_as_one_of_another() -> None:
    """The generation that the header names is authenticated."""
    disk = _disk()
    _wake(disk)
    files = disk.snapshot()
    disk.write("root-slot-0", (2).to_bytes(8, "big") + files["root-slot-1"][8:])
    disk.write("module.sealed", b"\x01" + (2).to_bytes(8, "big") + files["module.sealed"][9:])
    before = disk.snapshot()
    with pytest.raises(OperatorError, match="was changed"):
        _wake(disk)
    assert disk.snapshot() == before


def test_a_file_of_another_version_is_told_apart() -> None:
    """What opens but is no position of this version stops the module with advice."""
    disk = _disk()
    randomness = SeededRandomness(1, "module")
    wake(FileRootSlot(disk, randomness), disk, randomness)
    file = SealedFile(FileRootSlot(disk, randomness), disk, randomness)
    content = file.read()
    assert content is not None
    file.write(bytes(content.view) + b"no position")
    with pytest.raises(OperatorError, match="another version"):
        _wake(disk)
