"""The schema's version: brought up to date by the migrations that ship here, refused where it is newer."""

import logging

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from engine.archive.tables import metadata


class SchemaRefused(Exception):
    """The database holds something else than an archive that this release can use."""


def newest() -> str:
    """The version that this release writes."""
    return str(_steps().get_current_head())


def version(connection: Connection) -> str | None:
    """What the database has; None where there is no archive yet. SchemaRefused where it is a newer release's,
    or where tables of our names are not ours."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        others = sorted(metadata.tables.keys() & set(inspect(connection).get_table_names()))
        if others:
            raise SchemaRefused(
                f"the database has tables {', '.join(others)} and no version of an archive's schema: "
                "they are not an archive's; choose another database or schema"
            )
        return None
    known = {step.revision for step in _steps().walk_revisions()}
    if found not in known:
        raise SchemaRefused(
            f"the archive's schema is {found}, of a newer release; this one knows up to {newest()}: "
            "run the newer release, or rebuild into another database"
        )
    return found


def upgrade(connection: Connection) -> tuple[str | None, str]:
    """Bring it to the newest version, in the transaction of the connection; the versions before and after."""
    before = version(connection)
    if before != newest():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, newest()


def _config() -> Config:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", "engine.archive:migrations")
    return config


def _steps() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
