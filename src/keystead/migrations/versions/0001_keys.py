"""Customers' keys: sealed heads, key tokens, attachments, indexes of aliases and grants, the fence of domain keys.

The columns beside what is sealed are indexes and decide nothing; what a key is, its head says.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text() -> TypeEngine[str]:
    """Text in order of its bytes, as SQLite has it anyway: pages follow that order on every engine."""
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "domain_keys",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("writable", sa.Integer, nullable=False),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.CheckConstraint("writable IN (0, 1)", name="writable_is_truth"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "keys",
        sa.Column("key_id", _text(), primary_key=True),
        sa.Column("account", _text(), nullable=False),
        sa.Column("region", _text(), nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("head_hash", sa.LargeBinary, nullable=False),
        sa.Column("head_domain_key", sa.LargeBinary, sa.ForeignKey("domain_keys.id"), nullable=False),
        sa.CheckConstraint("length(head_hash) = 32", name="head_hash_is_sha256"),
        sqlite_with_rowid=False,
    )
    op.create_index("keys_by_domain_key", "keys", ["head_domain_key", "key_id"])
    op.create_index("keys_by_owner", "keys", ["account", "region", "key_id"])
    op.create_table(
        "key_tokens",
        sa.Column("key_id", _text(), sa.ForeignKey("keys.key_id"), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("domain_key", sa.LargeBinary, sa.ForeignKey("domain_keys.id"), nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "version"),
        sqlite_with_rowid=False,
    )
    op.create_index("key_tokens_by_domain_key", "key_tokens", ["domain_key", "key_id", "version"])
    op.create_table(
        "key_attachments",
        sa.Column("key_id", _text(), sa.ForeignKey("keys.key_id"), nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "kind"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "aliases",
        sa.Column("account", _text(), nullable=False),
        sa.Column("region", _text(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("key_id", _text(), sa.ForeignKey("keys.key_id"), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "grant_retirers",
        sa.Column("region", _text(), nullable=False),
        sa.Column("principal", _text(), nullable=False),
        sa.Column("key_id", _text(), sa.ForeignKey("keys.key_id"), nullable=False),
        sa.PrimaryKeyConstraint("region", "principal", "key_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("grant_retirers_by_key", "grant_retirers", ["key_id"])
