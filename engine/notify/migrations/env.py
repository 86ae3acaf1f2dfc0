"""Alembic imports this by its place."""

from engine.sql.schema import migrate

migrate()
