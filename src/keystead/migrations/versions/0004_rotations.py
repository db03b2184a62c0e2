"""Rotations of domain keys: how far each is, what was left behind for shredding, and what they are begun by.

At most one rotation is open. A key is left behind as long as its head is the one that said so. A backup has a row once
it is finished.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _text() -> TypeEngine[str]:
    """Text in order of its bytes, as in revision 0001."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rotations",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cause", sa.Integer, nullable=False),
        _number("begun"),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("paused", sa.Integer, nullable=False),
        _number("pace"),
        _number("orders"),
        sa.Column("waived", sa.Integer, nullable=False),
        _number("retired"),
        _number("resealed"),
        _number("last_reseal"),
        _number("revision"),
        sa.Column("is_open", sa.Integer, unique=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rotation_keys",
        sa.Column("rotation", sa.BigInteger, sa.ForeignKey("rotations.number"), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("domain_key", sa.LargeBinary, sa.ForeignKey("domain_keys.id"), nullable=False),
        sa.PrimaryKeyConstraint("rotation", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "keys_left_behind",
        sa.Column("domain_key", sa.LargeBinary, sa.ForeignKey("domain_keys.id"), nullable=False),
        sa.Column("key_id", _text(), sa.ForeignKey("keys.key_id"), nullable=False),
        sa.Column("head_hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("domain_key", "key_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "domain_key_usage",
        sa.Column("domain_key", sa.LargeBinary, nullable=False),
        sa.Column("module", sa.LargeBinary, nullable=False),
        sa.Column("incarnation", sa.LargeBinary, nullable=False),
        _number("operations"),
        _number("refusals"),
        sa.PrimaryKeyConstraint("domain_key", "module", "incarnation"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "backups",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        _number("taken"),
        _number("version"),
        sqlite_with_rowid=False,
    )
