"""A coordinator that cannot begin says why, and what to do next."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from keystead.bootstrap.configuration import dump
from keystead.bootstrap.coordinator import serve
from keystead.bootstrap.role_configuration import CoordinatorConfiguration
from keystead.components.token_repository.sqlite import SqliteTokenRepository
from keystead.core.domain.coordination import Decision, Position
from keystead.core.domain.quorum import Rules
from keystead.core.domain.token_repository import Submission
from keystead.errors import OperatorError
from keystead.identifiers import OperatorId
from keystead.transport.sql import WriterThread, connect_to_read, upgrade
from tests.simulators.parties import Parties, k_of, person

ADA = person("ada")
PARTIES = Parties([ADA], ["module-1"], Rules(k_of(1, ADA)))


def configured(folder: Path, domain: str) -> Path:
    """Return the configuration of a coordinator in this folder."""
    (folder / "domain").mkdir()
    configuration = CoordinatorConfiguration(
        listen=f"unix:{folder}/c.sock",
        operator_key="none",
        domain_directory=str(folder / "domain"),
        domain=domain,
        modules=[],
        repository=str(folder / "repository.sqlite"),
    )
    (folder / "coordinator.toml").write_text(dump(configuration))
    return folder / "coordinator.toml"


def test_without_a_genesis(tmp_path: Path) -> None:
    """There is nothing that a domain could be proved from."""
    with pytest.raises(OperatorError, match="no genesis"):
        serve(configured(tmp_path, PARTIES.state.domain.hex()))


@pytest.mark.parametrize("domain", ["00" * 32, "no hexadecimal number"])
def test_with_the_genesis_of_another_domain(tmp_path: Path, domain: str) -> None:
    """The pin decides, not what lies in the folder."""
    config = configured(tmp_path, domain)
    (tmp_path / "domain" / "genesis").write_bytes(PARTIES.genesis)
    with pytest.raises(OperatorError, match="does not prove"):
        serve(config)


def test_with_a_repository_of_something_else(tmp_path: Path) -> None:
    """What the repository calls accepted is judged again, and no token is carried that does not follow."""
    config = configured(tmp_path, PARTIES.state.domain.hex())
    (tmp_path / "domain" / "genesis").write_bytes(PARTIES.genesis)
    forged = Submission(
        token=b"forged",
        position=Position(1, bytes(32)),
        predecessor=PARTIES.hash,
        submitter=OperatorId(bytes(16)),
        decision=Decision.ACCEPTED,
        decided=0,
    )
    upgrade(tmp_path / "repository.sqlite")
    _keep(tmp_path / "repository.sqlite", forged)
    with pytest.raises(OperatorError, match="does not continue"):
        serve(config)


def test_the_repository_is_brought_up_to_date_first(tmp_path: Path) -> None:
    """Whatever else is wrong: it has the schema of this version, so that front ends can read."""
    with pytest.raises(OperatorError, match="no genesis"):
        serve(configured(tmp_path, PARTIES.state.domain.hex()))
    upgrade(tmp_path / "newest.sqlite")
    assert _schema(tmp_path / "repository.sqlite") == _schema(tmp_path / "newest.sqlite")


def test_with_a_repository_that_cannot_be_written(tmp_path: Path) -> None:
    """The person at the terminal is told which file it is."""
    (tmp_path / "repository.sqlite").mkdir()
    with pytest.raises(OperatorError, match=r"cannot write the repository .*repository\.sqlite"):
        serve(configured(tmp_path, PARTIES.state.domain.hex()))


def _schema(path: Path) -> list[tuple[str, ...]]:
    with closing(connect_to_read(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def _keep(path: Path, submission: Submission) -> None:
    asyncio.run(_recorded(path, submission))


async def _recorded(path: Path, submission: Submission) -> None:
    writer = WriterThread(path)
    await SqliteTokenRepository(writer).record(submission)
    writer.close()
