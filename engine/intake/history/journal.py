"""How far a door's history has been loaded: a file that is whole at any moment, and held by one process."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import Struct

from engine.core.instants import Instant, format_instant
from engine.intake.history.access import Access
from engine.intake.history.failures import HistoryRefused


class Standing(Struct, frozen=True):
    """Where a load stands. All before it is acknowledged."""

    door: str
    url: str
    jql: str
    since: Instant
    """What was asked for at first."""
    start: Instant
    """Of the window that is being read; all before it is loaded."""
    until: Instant | None = None
    """Its end; None: none has begun."""
    cursor: str = ""
    """Of the page to read next; empty with a window: its first."""
    said: dict[str, Instant] = {}
    """Ids that the next window may tell again, and their times."""
    pages: int = 0
    events: int = 0
    refused: int = 0
    """Dead letters."""
    ignored: int = 0
    output: str = ""
    """The file that it is written to; empty: Kafka."""
    written: int = 0
    """Bytes of that file."""
    written_dead: int = 0
    """The same of what could not be mapped."""


class Journal:
    """The file. Use it as a context: a second process is refused by name (`in_use`)."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock: int | None = None

    def __enter__(self) -> "Journal":
        """OSError where its folder is not there or may not be written to."""
        self._lock = os.open(self.file.with_name(self.file.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise HistoryRefused("in_use", f"{self.file}: another process loads by it") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def read(self) -> Standing | None:
        """None where nothing was loaded by it yet. HistoryRefused names what is none of ours."""
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(content, type=Standing)
        except msgspec.MsgspecError as error:
            raise HistoryRefused("state_unreadable", f"{self.file}: {error}") from None

    def write(self, standing: Standing) -> None:
        """Durable when it returns; the one before it until then."""
        new = self.file.with_name(self.file.name + ".new")
        with new.open("wb") as out:
            out.write(msgspec.json.encode(standing))
            out.flush()
            os.fsync(out.fileno())
        new.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def begin(
    found: Standing | None, door: str, access: Access, since: Instant | None, output: str = ""
) -> Standing:
    """Where to go on, or the beginning. HistoryRefused where the file is of another load."""
    if found is None:
        if since is None:
            raise HistoryRefused("no_beginning", "nothing is loaded yet: the first start needs --since")
        return Standing(door, access.url, access.jql, since, since, output=output)
    for name, ours in (("door", door), ("url", access.url), ("jql", access.jql), ("output", output)):
        theirs = getattr(found, name)
        if theirs != ours:
            raise HistoryRefused("state_of_another", f"the state is of {name} {theirs!r}, not of {ours!r}")
    if since is not None and since != found.since:
        begun = format_instant(found.since)
        detail = f"the state is of a load since {begun}; another one needs another file"
        raise HistoryRefused("state_of_another", detail)
    return found
