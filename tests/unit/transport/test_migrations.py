"""The chain of revisions, its rendered form, and the way from one to the next."""

import re
import sqlite3
from pathlib import Path

import pytest

from keystead.errors import OperatorError, RepositoryUnavailable
from keystead.transport import sql
from keystead.transport.sql import connect_to_read, connect_to_write, upgrade
from tools.render_migrations import MIGRATIONS, rendered

STORED = {path.stem: path.read_text() for path in (MIGRATIONS / "sqlite").iterdir()}


def test_the_stored_sql_is_what_the_revisions_render_to() -> None:
    """Whoever changes a revision runs ``python tools/render_migrations.py``."""
    assert rendered("sqlite") == STORED


def test_every_revision_renders_for_postgresql() -> None:
    """The same chain serves both engines; text is ordered by bytes on both."""
    script = "\n".join(rendered("postgresql").values())
    assert len(re.findall(r" TEXT ", script)) == len(re.findall(r' TEXT COLLATE "C" ', script)) > 0


def test_the_ids_of_revisions_stand_in_the_order_of_the_chain() -> None:
    """The runner sorts by name, so names must follow descent."""
    ids = list(rendered("sqlite"))
    assert ids == sorted(ids)
    assert all(re.fullmatch("[0-9]{4}", each) for each in ids)


def test_an_upgrade_makes_a_database_and_then_changes_nothing(tmp_path: Path) -> None:
    """The second run finds nothing to do."""
    path = tmp_path / "repository.sqlite"
    upgrade(path)
    schema = connect_to_read(path).execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    upgrade(path)
    assert connect_to_read(path).execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == schema
    assert connect_to_read(path).execute("SELECT version_num FROM alembic_version").fetchall() == [(max(STORED),)]


def _chain(folder: Path, **scripts: str) -> None:
    (folder / "sqlite").mkdir()
    for name, script in (STORED | scripts).items():
        (folder / "sqlite" / f"{name}.sql").write_text(script)


NEXT = "CREATE TABLE more (id INTEGER);\nUPDATE alembic_version SET version_num = '9999';\n"


def test_a_populated_database_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later revision is applied to a database that is in use, once."""
    path = tmp_path / "repository.sqlite"
    upgrade(path)
    user = connect_to_write(path)
    user.execute("INSERT INTO domain_keys VALUES (zeroblob(16), 1, 1)")
    _chain(tmp_path, **{"9999": NEXT})
    monkeypatch.setattr(sql, "files", lambda package: tmp_path)
    upgrade(path)
    upgrade(path)
    assert user.execute("SELECT count(*) FROM domain_keys").fetchone() == (1,)
    assert user.execute("SELECT count(*) FROM more").fetchone() == (0,)


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole chain is one transaction."""
    path = tmp_path / "repository.sqlite"
    upgrade(path)
    _chain(tmp_path, **{"9999": f"{NEXT}INSERT INTO nowhere VALUES (1);\n"})  # noqa: S608 - text of ours
    monkeypatch.setattr(sql, "files", lambda package: tmp_path)
    with pytest.raises(RepositoryUnavailable):
        upgrade(path)
    connection = connect_to_read(path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(max(STORED),)]
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'more'").fetchall() == []


def test_the_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """The operator is told what to do."""
    path = tmp_path / "repository.sqlite"
    upgrade(path)
    connect_to_write(path).execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OperatorError, match="install a newer keystead"):
        upgrade(path)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    path = tmp_path / "repository.sqlite"
    path.write_text("somebody's notes, long enough to be no empty file" * 100)
    with pytest.raises(RepositoryUnavailable, match="SQLITE_NOTADB"):
        upgrade(path)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT 1 FROM sqlite_master")
    assert path.read_text().startswith("somebody's notes")
