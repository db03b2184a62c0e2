"""The root slot of files: what is destroyed stays destroyed, wherever the process died."""

from pathlib import Path

import pytest

from keystead.bootstrap.host import HostDisk
from keystead.components.security_module.root_slot import FileRootSlot
from keystead.components.security_module.sealed_file import SealedFile
from keystead.core.failpoints import Failpoint, Side, Step, arm
from tests.simulators.world import SeededRandomness

CONTENT = b"who the module is"


class Died(BaseException):
    """The process was killed."""


def die_at(side: Side, step: Step) -> None:
    """Die at a place from now on."""

    def reached(point: Failpoint) -> None:
        if point == Failpoint(side, step):
            raise Died

    arm(reached)


@pytest.mark.parametrize("renewals", [1, 2])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("step", [Step.SLOT_DESTRUCTION, Step.FILE_REMOVAL])
def test_a_module_that_dies_while_it_destroys_a_generation_starts_again_and_again(
    tmp_path: Path, step: Step, side: Side, renewals: int
) -> None:
    """Also with the former file overwritten and not yet removed, the present generation stays and no other does."""
    disk, randomness = HostDisk(tmp_path), SeededRandomness(1, "module")
    file = SealedFile(FileRootSlot(disk, randomness), disk, randomness)
    for _ in range(renewals):
        file.write(CONTENT)
        file.renew(CONTENT)
    die_at(side, step)
    try:
        with pytest.raises(Died):
            file.renew(CONTENT)
    finally:
        arm(None)
    for _ in range(2):
        opened = SealedFile(FileRootSlot(disk, randomness), disk, randomness).read()
        assert opened is not None
        assert bytes(opened.view) == CONTENT
        assert len(list(tmp_path.glob("root-slot-*"))) == 1
