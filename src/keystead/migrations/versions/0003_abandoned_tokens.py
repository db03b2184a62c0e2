"""What frees promises: requests to abandon an accepted token, and the releases that modules gave for them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "domain_abandonments",
        sa.Column("token", sa.LargeBinary, sa.ForeignKey("domain_tokens.hash"), primary_key=True),
        sa.Column("approved", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "domain_releases",
        sa.Column("token", sa.LargeBinary, sa.ForeignKey("domain_tokens.hash"), nullable=False),
        sa.Column("member", sa.LargeBinary, nullable=False),
        sa.Column("release", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("token", "member"),
        sqlite_with_rowid=False,
    )
