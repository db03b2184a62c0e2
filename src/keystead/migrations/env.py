"""What Alembic runs to render revisions to SQL."""

from alembic import context

context.configure(dialect_name=context.config.get_main_option("dialect"), literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
