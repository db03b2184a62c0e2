"""The schema of the SQL database: a chain of Alembic revisions, and the same chain rendered to SQL.

``versions`` holds the revisions, one linear chain with the ids ``0001``, ``0002``, ...; ``tools/render_migrations.py``
renders each to ``sqlite/ID.sql``, and a test renders them again and compares. ``keystead.transport.sql.upgrade`` runs
the rendered files, so that a service starts without loading SQLAlchemy and Alembic, which would take longer than the
rest of its start. So a revision must render without a database at hand. What needs more than SQL is sealed, and only
security modules can rewrite it.
"""
