"""Domain tokens: what was submitted and decided, the members' promises, and which members installed what.

A token has a stage if it was accepted, and no two accepted tokens have the same predecessor.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "domain_tokens",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("predecessor", sa.LargeBinary, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.Column("submitter", sa.LargeBinary, nullable=False),
        sa.Column("decision", sa.Integer, nullable=False),
        sa.Column("decided", sa.BigInteger, nullable=False),
        sa.Column("stage", sa.Integer),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "domain_tokens_accepted",
        "domain_tokens",
        ["predecessor"],
        unique=True,
        sqlite_where=sa.text("stage IS NOT NULL"),
        postgresql_where=sa.text("stage IS NOT NULL"),
    )
    op.create_index("domain_tokens_by_version", "domain_tokens", ["version"])
    for table, column, kind in (
        ("domain_promises", "promise", sa.LargeBinary),
        ("domain_installations", "installed", sa.BigInteger),
    ):
        op.create_table(
            table,
            sa.Column("token", sa.LargeBinary, sa.ForeignKey("domain_tokens.hash"), nullable=False),
            sa.Column("member", sa.LargeBinary, nullable=False),
            sa.Column(column, kind, nullable=False),
            sa.PrimaryKeyConstraint("token", "member"),
            sqlite_with_rowid=False,
        )
