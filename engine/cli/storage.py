"""Examines what `vigil archive` and `vigil notify` stand on: their databases, and the receivers' file."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.drawing import many
from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, fail, ok, warn
from engine.cli.lag import Reader, examine_lag

if TYPE_CHECKING:
    from pydantic import SecretStr
    from sqlalchemy import Engine

    from engine.archive.archive import Archive
    from engine.notify.record import Record
    from engine.settings import Settings

ROOM_WARN, ROOM_FAIL = 2 * 1024**3, 200 * 1024**2
"""Bytes that are free where a SQLite database lies. A full disk stops what follows, and loses nothing."""


_READERS = ("console", "reader")
"""The roles that write nothing into an archive."""


def examine_archive(settings: "Settings", timeout: float, role: str = "worker") -> Iterator[Finding]:
    """The archive's database, where one is named; unless `role` only reads it, whether it can be written; and
    how far one has read that follows the topics. `timeout`: seconds that the broker has to say how far they
    go."""
    from sqlalchemy.exc import DBAPIError

    from engine.archive.archive import Archive
    from engine.sql.database import NoDatabase, connect, reason, shown
    from engine.sql.schema import SchemaRefused

    if not {"archive_url", "archive_url_file"} & settings.model_fields_set:
        return
    try:
        engine = connect(settings.archive_url.get_secret_value())
        if role not in _READERS:
            yield from _room("archive", engine, "; to look as who only reads it: --role console")
        file = _file(engine)
        if file is not None and not file.exists():
            yield ok("archive", f"{shown(engine)}: `vigil archive run` makes it")
            return
        url = settings.archive_url.get_secret_value()
        with Archive(connect(url, must_exist=True, only_reads=True)) as archive:
            found = archive.state()
            where = shown(archive.engine)
            is_current = found.schema == found.newest
            stands, ids = (archive.offsets(), archive.topic_ids()) if is_current else ({}, {})
    except (NoDatabase, SchemaRefused) as error:
        yield fail("archive", str(error), "set VIGIL_ARCHIVE_URL to the archive's database")
        return
    except DBAPIError as error:
        yield fail("archive", reason(error), _DATABASE_AWAY)
        return
    held = f"{where}: schema {found.schema or 'none'}, "
    held += f"{many(found.facts, 'fact', 'facts')}, {many(found.outcomes, 'outcome', 'outcomes')}"
    if is_current:
        yield ok("archive", held)
    else:
        yield warn("archive", held, f"`vigil archive upgrade` makes it {found.newest}; so does `run`")
    if stands:
        topics = (settings.tickets_topic, settings.incidents_topic, settings.outcomes_topic)
        yield examine_lag(settings, _ARCHIVE_READER, topics, stands, ids, timeout)


_ARCHIVE_READER = Reader(
    "archive lag",
    "archive",
    ("record is", "records are"),
    "is `vigil archive run` running, and does `vigil_archive_lag_records` fall?",
    "it was away for longer than they are kept; `vigil archive load` adds events that are kept elsewhere",
    "`vigil archive rebuild --keep`, or name the topics that this archive is of",
)


def examine_erasures(settings: "Settings") -> Iterator[Finding]:
    """Whether who is erased from one of archive and delivery record is erased from the other, where both are
    named: each has a command of its own, and a backup of before the erasure has the customer again."""
    from engine.archive.archive import Archive
    from engine.notify.record import Record

    named = settings.model_fields_set
    if not ({"archive_url", "archive_url_file"} & named and {"notify_url", "notify_url_file"} & named):
        return
    archive = _erased_from(Archive, settings.archive_url)
    record = None if archive is None else _erased_from(Record, settings.notify_url)
    if archive is None or record is None:
        return
    for others, lacks, command in (
        (archive - record, "delivery record", "notify"),
        (record - archive, "archive", "archive"),
    ):
        if others:
            number = many(len(others), "customer is", "customers are")
            advice = (
                f"`vigil {command} forget` with the id; was it forgotten, or a backup of before restored?"
            )
            yield warn("erasures", f"{number} erased elsewhere, and not from the {lacks}", advice)


def _erased_from(room: "type[Archive | Record]", url: "SecretStr") -> set[str] | None:
    """None where it is not there; what is wrong with it `examine_archive` and `examine_notify` say."""
    from sqlalchemy.exc import DBAPIError

    from engine.sql.database import NoDatabase, connect

    try:
        with room(connect(url.get_secret_value(), must_exist=True, only_reads=True)) as one:
            return one.erasures()
    except (NoDatabase, DBAPIError, OSError):
        return None


_DATABASE_AWAY = "is the database there, and does it let us in?"


def examine_notify(settings: "Settings", timeout: float) -> Iterator[Finding]:
    """The file of receivers and the delivery record, where one of them is named. `timeout`: seconds that the
    broker has, to say how far its topic goes."""
    from sqlalchemy.exc import DBAPIError

    from engine.cli.delivery import examine_record
    from engine.notify.configuration import NotifyErrors, configuration
    from engine.notify.record import Record
    from engine.policies import load
    from engine.sql.database import NoDatabase, connect, reason, shown
    from engine.sql.schema import SchemaRefused

    named, receivers = settings.model_fields_set, list[str]()
    if "notify_config" in named:
        try:
            said = configuration(settings.notify_config, lambda: load(settings.policies).calendars)
        except NotifyErrors as error:
            found = str(error.problems[0])
            yield fail("notify", found, "`vigil notify check` lists all", ExitCode.REFUSED)
        except OSError as error:
            yield fail("notify", f"{error.filename}: {error.strerror}", _NO_FILE, ExitCode.REFUSED)
        else:
            receivers += said.receivers
            yield ok("notify", f"{settings.notify_config}: {', '.join(receivers)}")
    if not {"notify_url", "notify_url_file"} & named:
        return
    try:
        engine = connect(settings.notify_url.get_secret_value())
        yield from _room("notify", engine)
        file = _file(engine)
        if file is None or file.is_file():
            with Record(engine) as record:
                yield from examine_record(settings, record, receivers, timeout)
        else:
            yield ok("notify", f"delivery record: {shown(engine)}: `vigil notify run` makes it")
    except (NoDatabase, SchemaRefused) as error:
        yield fail("notify", str(error), "set VIGIL_NOTIFY_URL to the delivery record's database")
    except DBAPIError as error:
        yield fail("notify", reason(error), _DATABASE_AWAY)


_NO_FILE = "set VIGIL_NOTIFY_CONFIG to the file of receivers and routes"


def _file(engine: "Engine") -> Path | None:
    """Of a SQLite database."""
    name = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(name).absolute() if name else None


def _room(check: str, engine: "Engine", more: str = "") -> Iterator[Finding]:
    """Whether a SQLite database may grow where it is to lie. `more`: of the advice where it may not."""
    file = _file(engine)
    if file is None:
        return
    folder, ours = file.parent, f"give it to the user who runs `vigil {check} run`{more}"
    try:
        there = folder.is_dir()
        # SQLite writes its journal beside the file: the folder as well must be ours to write.
        barred = [place for place in (folder, file) if place.exists() and not os.access(place, os.W_OK)]
        free = shutil.disk_usage(folder).free if there else 0
    except OSError as error:
        yield fail(check, f"{folder}: {error.strerror}", ours)
        return
    if not there:
        yield fail(check, f"{folder}: there is no such folder", "make it, for the user who runs this")
    elif barred:
        yield fail(check, f"{barred[0]} cannot be written", ours)
    elif free < ROOM_WARN:
        found = f"{folder}: {free / 1024**2:,.0f} MiB are free"
        yield (fail if free < ROOM_FAIL else warn)(check, found, "make room: a full disk stops it")
