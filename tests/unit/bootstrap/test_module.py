"""What a module tells its operator when its roots of trust cannot be used."""

from pathlib import Path

import pytest

from keystead.bootstrap.module import attestation
from keystead.core.operations.recipients import NothingBelieved
from keystead.errors import OperatorError
from keystead.primitives.randomness import SystemRandomness
from tests.simulators.attestation import Platform

NOW = 1_790_000_000_000


def test_without_a_root_nothing_is_believed() -> None:
    """That is the default."""
    assert isinstance(attestation([], SystemRandomness()), NothingBelieved)


def test_roots_of_several_files_are_believed(tmp_path: Path) -> None:
    """Each of them."""
    platforms, files = (Platform(), Platform()), []
    for number, platform in enumerate(platforms):
        file = tmp_path / f"{number}.pem"
        file.write_bytes(platform.root.pem)
        files.append(str(file))
    believed = attestation(files, SystemRandomness())
    for platform in platforms:
        assert believed.attested(platform.document(NOW), NOW).conditions


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """A file that is not there, and one that holds no certificate."""
    with pytest.raises(OperatorError, match="cannot read the root of trust nowhere"):
        attestation(["nowhere"], SystemRandomness())
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(OperatorError, match="the roots of trust cannot be used: not certificates in PEM"):
        attestation([str(empty)], SystemRandomness())
