"""The vectors of the specification are what their generators make."""

from pathlib import Path

import pytest

from tools.generate_vectors import VECTORS, generated

FILES = dict(generated())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vectors_are_as_generated(path: Path) -> None:
    """Running the generator again gives the very file."""
    assert path.read_text() == FILES[path]


def test_every_file_of_vectors_has_a_generator() -> None:
    """No file of vectors is made by hand."""
    assert set(VECTORS.glob("*.json")) == set(FILES)
