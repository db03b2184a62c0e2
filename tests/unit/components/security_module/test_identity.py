"""A module's identity rests under its root slot, is made once, and is never replaced in silence."""

import pytest

from keystead.components.security_module.identity import wake
from keystead.components.security_module.root_slot import FileRootSlot
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
    FileRootSlot(disk, SeededRandomness(2, "slot")).renew()
    assert _wake(disk) == _wake(disk)


@pytest.mark.parametrize(
    "damage", ["root slot gone", "root slot truncated", "root slot changed", "identity changed", "another format"]
)
def test_what_is_damaged_is_not_replaced(damage: str) -> None:
    """A lost or changed root slot or identity stops the module with advice; nothing is made anew."""
    disk = _disk()
    _wake(disk)
    files = disk.snapshot()
    root, identity = files["root-slot"], files["identity.sealed"]
    if damage == "root slot gone":
        disk.remove("root-slot")
    elif damage == "root slot truncated":
        disk.write("root-slot", root[:-1])
    elif damage == "root slot changed":
        disk.write("root-slot", root[:-1] + bytes((root[-1] ^ 1,)))
    elif damage == "another format":
        disk.write("identity.sealed", b"\x02" + identity[1:])
    else:
        disk.write("identity.sealed", identity[:-1] + bytes((identity[-1] ^ 1,)))
    before = disk.snapshot()
    with pytest.raises(OperatorError):
        _wake(disk)
    assert disk.snapshot() == before


def test_a_file_does_not_open_under_another_name() -> None:
    """A sealed file is bound to its name."""
    disk = _disk()
    _wake(disk)
    disk.write("domain.sealed", disk.snapshot()["identity.sealed"])
    randomness = SeededRandomness(1, "module")
    files = wake(FileRootSlot(disk, randomness), disk, randomness).files
    with pytest.raises(OperatorError):
        files.read("domain.sealed")
    assert files.read("never written") is None


def test_a_member_that_lost_its_identity_does_not_take_another() -> None:
    """With a domain installed a missing identity is damage, not a first start."""
    disk = _disk()
    _wake(disk)
    disk.remove("identity.sealed")
    disk.write("domain.sealed", b"where it stands")
    before = disk.snapshot()
    with pytest.raises(OperatorError, match="identity is not there"):
        _wake(disk)
    assert disk.snapshot() == before
