"""A real PostgreSQL for tests: a server of its own in a temporary folder, on a free port of this machine."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg

from engine.demo.broker import free_port
from engine.demo.child import Child, remove
from servers import missing, unique

_START_SECONDS = 60.0


class Postgres:
    """A running server. It trusts whoever connects from here."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of a database that no other test uses."""
        name = unique("archive").replace("-", "_")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres_or_skip() -> Iterator[Postgres]:
    """A running server; where there can be none, the test is skipped, or fails if it is required."""
    programs = _programs()
    if programs is None:
        missing("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(mkdtemp(prefix="vigil-postgres-"))
    as_user = _as_another(folder)
    initdb = [*as_user, f"{programs}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust"]
    initdb += ["-E", "UTF8", "--locale=C", "--no-sync"]
    port = free_port()
    command = [*as_user, f"{programs}/postgres", "-D", f"{folder}/data", "-p", str(port)]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    try:
        subprocess.run(initdb, cwd=folder, check=True, capture_output=True, timeout=120)
        server = Postgres(port)
        child = Child(command, log=folder / "log", leftovers=folder, cwd=folder)
        try:
            child.wait_until(server.answers, seconds=_START_SECONDS, what="PostgreSQL")
            yield server
        finally:
            if child.running:
                os.kill(child.pid, signal.SIGQUIT)  # at once: what it would still write is removed next
            child.stop()
    finally:
        remove(folder)


def _programs() -> Path | None:
    """The folder of its programs: Debian keeps them out of the PATH, by version."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((one for one in reversed(folders) if (one / "initdb").exists()), None)


def _as_another(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: what to put before a command, which may use the folder."""
    if os.geteuid() != 0:
        return []
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
