"""One running service for the tests that do not harm it."""

from collections.abc import Iterator

import pytest

from tests.acceptance.service import Service, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service that many tests share."""
    with running(tmp_path_factory.mktemp("keystead") / "data") as started:
        yield started
