"""Runs the steps on the connection that `engine.archive.schema` gives; Alembic imports this by its place."""

from alembic import context

from engine.archive.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
)
context.run_migrations()
