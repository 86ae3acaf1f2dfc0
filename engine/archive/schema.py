"""The archive's schema."""

from engine.archive.tables import metadata
from engine.sql.schema import Schema

SCHEMA = Schema("archive", metadata, "engine.archive:migrations")
