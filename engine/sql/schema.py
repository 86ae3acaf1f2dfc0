"""A schema's version: brought up to date by the migrations of its package, refused where it is newer."""

from alembic import command, context
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect

from engine.sql.database import NotThere, shown


class SchemaRefused(Exception):
    """The database holds something else than what this release can use."""


class Schema:
    """The tables of one room, and the migrations that make them.

    `what` is said in errors ("archive"); `table` has the version, another for each of those that may share a
    database.
    """

    def __init__(
        self, what: str, metadata: MetaData, migrations: str, table: str = "alembic_version"
    ) -> None:
        """`migrations`: the package's folder, as `engine.archive:migrations`."""
        self.what, self.metadata, self.table = what, metadata, table
        self._place = migrations

    def newest(self) -> str:
        """The version that this release writes."""
        return str(self._steps().get_current_head())

    def version(self, connection: Connection) -> str | None:
        """What the database has; None where there is nothing yet. SchemaRefused where it is a newer
        release's, or where tables of our names are not ours."""
        options = {"version_table": self.table}
        found = MigrationContext.configure(connection, opts=options).get_current_revision()
        if found is None:
            others = sorted(self.metadata.tables.keys() & set(inspect(connection).get_table_names()))
            if others:
                raise SchemaRefused(
                    f"the database has tables {', '.join(others)} and no version of the {self.what}'s "
                    "schema: they are somebody else's; choose another database or schema"
                )
            return None
        known = {step.revision for step in self._steps().walk_revisions()}
        if found not in known:
            raise SchemaRefused(
                f"the {self.what}'s schema is {found}, of a newer release; this one knows up to "
                f"{self.newest()}: run the newer release, or take another database"
            )
        return found

    def upgrade(self, connection: Connection, *, must_exist: bool = False) -> tuple[str | None, str]:
        """Bring it to the newest version, in the transaction of the connection; the versions before and
        after. NotThere where there must be something and is nothing yet."""
        before = self.version(connection)
        if must_exist and before is None:
            raise NotThere(f"{shown(connection.engine)} holds no {self.what}")
        if before != self.newest():
            command.upgrade(self._config(connection), "head")
        return before, self.newest()

    def stamp(self, connection: Connection, version: str) -> None:
        """Say that the tables there are of a version, for those that were made before versions were kept."""
        command.stamp(self._config(connection), version)

    def _config(self, connection: Connection | None = None) -> Config:
        config = Config()
        config.set_main_option("script_location", self._place)
        config.attributes.update(connection=connection, metadata=self.metadata, table=self.table)
        return config

    def _steps(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(self._config())


def migrate() -> None:
    """Run the steps: for the `env.py` of a package of migrations, which Alembic imports by its place."""
    given = context.config.attributes
    context.configure(
        connection=given["connection"],
        target_metadata=given["metadata"],
        version_table=given["table"],
        render_as_batch=True,  # SQLite alters a table by making it anew
    )
    context.run_migrations()
