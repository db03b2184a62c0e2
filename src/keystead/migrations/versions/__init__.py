"""The revisions of the schema; Alembic runs them as files, to render them."""
