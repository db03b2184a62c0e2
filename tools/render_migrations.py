"""Renders every revision of the database's schema to SQL: ``python tools/render_migrations.py``.

``keystead.transport.sql`` runs what is written here; ``tests/unit/transport/test_migrations.py`` renders it again.
"""

from io import StringIO
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

MIGRATIONS: Final = Path(__file__).parents[1] / "src" / "keystead" / "migrations"


def rendered(dialect: str) -> dict[str, str]:
    """Return the SQL of each revision by its id, oldest first."""
    revisions = reversed(list(ScriptDirectory.from_config(_configuration(dialect)).walk_revisions()))
    return {each.revision: _render(dialect, each.down_revision or "base", each.revision) for each in revisions}


def _render(dialect: str, before: object, revision: str) -> str:
    configuration = _configuration(dialect)
    configuration.output_buffer = StringIO()
    command.upgrade(configuration, f"{before}:{revision}", sql=True)
    return configuration.output_buffer.getvalue()


def _configuration(dialect: str) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    configuration.set_main_option("dialect", dialect)
    return configuration


if __name__ == "__main__":
    for name, sql in rendered("sqlite").items():
        (MIGRATIONS / "sqlite" / f"{name}.sql").write_text(sql)
