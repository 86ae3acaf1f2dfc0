"""What would have happened: backtests of the archive, one at a time, each in a process of its own, kept."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Literal, NamedTuple, TypeAlias

import msgspec
import structlog
from pydantic import Field
from sqlalchemy import Engine, func, select

from engine.archive.tables import escalations, offsets
from engine.console.answers import Answer, Moment
from engine.console.backtest_process import MOST_SECONDS, Done, Job, Progress, Refused
from engine.console.backtested import Found, SideTold
from engine.console.filters import BadFilter
from engine.console.ledgers import Mark, removed
from engine.console.sides import Candidate, Side, chosen, course, sides
from engine.core.decide import Options
from engine.core.instants import DAY, Instant, Span, format_instant, from_datetime, to_datetime
from engine.core.policy import Book
from engine.sql.offsets import stands

log = structlog.stdlib.get_logger("vigil.console")

DEFAULT = Span(30 * DAY)
LONGEST = Span(366 * DAY)
"""Of a period."""
KEPT = 32
"""Backtests that are remembered, until the process ends."""

RUNNING, DONE, CANCELLED, FAILED = "running", "done", "cancelled", "failed"
State: TypeAlias = Literal["running", "done", "cancelled", "failed"]
_decode = msgspec.json.Decoder(Progress | Done | Refused).decode


class Busy(Exception):
    """Another one is running."""


class NoSuchBacktest(Exception):
    """This console has not run it, or has forgotten it."""


class Wanted(NamedTuple):
    """What is asked: keys of sides, and when the escalations opened."""

    before: str
    after: str
    start: Instant
    end: Instant | None
    """None: until now."""

    @property
    def line(self) -> dict[str, str]:
        """As a log has it."""
        end = "" if self.end is None else format_instant(self.end)
        return {"before": self.before, "after": self.after, "from": format_instant(self.start), "to": end}


def wanted(
    before: str, after: str, start: Instant | None, end: Instant | None, zone: tzinfo, now: Instant
) -> Wanted:
    """Without a start the last 30 days before the end, from midnight of a zone on."""
    if start is None:
        day = to_datetime(Instant((now if end is None else end) - DEFAULT)).astimezone(zone)
        start = from_datetime(day.replace(hour=0, minute=0, second=0, microsecond=0))
    return Wanted(before, after, start, end)


class BacktestTold(Answer):
    """One backtest."""

    id: str
    state: State
    by: str = Field(description="Who started it.")
    started_at: Moment
    before: SideTold
    after: SideTold
    start: Moment = Field(alias="from", description="Judged are the escalations that opened at or after it")
    end: Moment = Field(alias="to", description="and before it.")
    events_read: int
    events_judged: int
    events: int = Field(description="To read and to judge; 0: not counted yet.")
    why: str = Field(description="failed: what happened; cancelled: by whom.")
    found: Found | None


@dataclass
class _Run:
    told: BacktestTold
    removed: Mark
    """What had been erased and pruned when it began."""
    process: subprocess.Popen[bytes]
    follower: Thread = field(default_factory=Thread)
    """Ends behind the process."""


class Backtests:
    """Safe to share between threads. SQLAlchemy's errors come through where the database is away."""

    def __init__(
        self,
        archive: Engine,
        book: Book,
        policies: Path,
        candidate: Path | None,
        options: Options,
        now: Callable[[], Instant],
    ) -> None:
        """`policies`: the folder that `book` was read from."""
        self._archive, self._book, self._options, self._now = archive, book, options, now
        self._policies, self._candidate = policies, Candidate(candidate)
        self._runs: dict[str, _Run] = {}
        """The latest last."""
        self._lock = Lock()

    # -- looking ----------------------------------------------------------------------------------------

    def sides(self) -> tuple[list[Side], str]:
        """What can be chosen now, and what is wrong with the candidate, if anything."""
        candidate, wrong = self._candidate.read()
        return sides(self._book, candidate, self._now()), wrong

    def course(self) -> dict[str, tuple[str, str]]:
        """Of the versions known (`engine.console.sides.course`)."""
        return course(self._book, self._now())

    def all(self) -> list[BacktestTold]:
        """The latest first."""
        self._forget()
        with self._lock:
            return [one.told for one in reversed(self._runs.values())]

    def get(self, identity: str) -> BacktestTold:
        """NoSuchBacktest."""
        self._forget()
        with self._lock:
            return self._known(identity).told

    # -- doing ------------------------------------------------------------------------------------------

    def start(self, wanted: Wanted, by: str) -> BacktestTold:
        """Begin it, unless the same is known or runs. Busy; BadFilter for what cannot be asked."""
        now = self._now()
        before, after = chosen(wanted.before, wanted.after, self._book, self._candidate, now)
        marks = before.mark, after.mark
        if marks[0] == marks[1]:
            raise BadFilter("after: expected other policies than before: nothing can differ between these")
        end = _end(wanted, now)
        until, read, gone = self._archived(now)
        parts = (before.key, after.key, marks, wanted.start, wanted.end, until, read, gone)
        identity = sha256(repr(parts).encode()).hexdigest()[:16]
        job = Job(
            archive=self._archive.url.render_as_string(hide_password=False),
            policies=str(self._policies), candidate=str(self._candidate.folder or "") or None,
            before=before.key, after=after.key, marks=marks, at=now, start=wanted.start, end=end, until=until,
            open_on_first_event=self._options.open_on_first_event,
        )  # fmt: skip
        told = BacktestTold(
            id=identity, state=RUNNING, by=by, started_at=now,
            before=side_told(before), after=side_told(after), **{"from": wanted.start, "to": end},
            events_read=0, events_judged=0, events=0, why="", found=None,
        )  # fmt: skip
        with self._lock:
            same = self._runs.get(identity)
            if same is not None and same.told.state in (RUNNING, DONE):
                return same.told
            for one in self._runs.values():
                if one.told.state == RUNNING:
                    raise Busy(
                        f"one runs at a time, and {one.told.by} has started one: wait for it, or cancel it"
                    )
            self._runs.pop(identity, None)
            while len(self._runs) >= KEPT:
                del self._runs[next(iter(self._runs))]
            run = self._runs[identity] = _Run(told, gone, _process(job))
            run.follower = Thread(target=self._follow, args=(run,), name="console-backtest", daemon=True)
            run.follower.start()
        return told

    def cancel(self, identity: str, by: str) -> BacktestTold:
        """End it, if it runs. NoSuchBacktest."""
        with self._lock:
            run = self._known(identity)
            if run.told.state == RUNNING:
                run.told = run.told.model_copy(update={"state": CANCELLED, "why": f"cancelled by {by}"})
                run.process.kill()
        return run.told

    def stop(self) -> None:
        """With the console."""
        with self._lock:
            runs = list(self._runs.items())
        for identity, run in runs:
            self.cancel(identity, "the console, which ended")
            run.follower.join(10)

    # -- the process --------------------------------------------------------------------------------------

    def _follow(self, run: _Run) -> None:
        """Take what it says until it ends."""
        process = run.process
        assert process.stdout is not None  # noqa: S101  # a pipe
        with process.stdout:
            for line in process.stdout:
                if line.endswith(b"\n"):  # else it was ended while it said it
                    self._take(run, line)
        code = process.wait()
        with self._lock:
            if run.told.state == RUNNING:
                why = _WHY.get(code, "it ended before its time; the console's log says more")
                run.told = run.told.model_copy(update={"state": FAILED, "why": why})
            state = run.told.state
        log.info("backtest_ended", id=run.told.id, state=state, why=run.told.why, code=code)

    def _take(self, run: _Run, line: bytes) -> None:
        said = _decode(line)
        changes: dict[str, object]
        if isinstance(said, Progress):
            changes = {"events_read": said.read, "events_judged": said.judged, "events": said.of}
        elif isinstance(said, Refused):
            changes = {"state": FAILED, "why": said.why}
        else:
            changes = {"state": DONE, "found": Found.model_validate_json(bytes(said.found))}
        with self._lock:
            if run.told.state == RUNNING:
                run.told = run.told.model_copy(update=changes)

    # -- the archive ------------------------------------------------------------------------------------

    def _archived(self, now: Instant) -> tuple[Instant, object, Mark]:
        """Its latest event, how far it has read, and what is gone from it: with all of these the same, it
        tells the same."""
        with self._archive.connect() as connection:
            last = connection.scalar(select(func.max(escalations.c.last)).where(escalations.c.last <= now))
            read = sorted(stands(connection, offsets).items())
            return Instant(last or now), read, removed(connection)

    def _forget(self) -> None:
        """What was found before something was erased may show it."""
        with self._archive.connect() as connection:
            gone = removed(connection)
        with self._lock:
            for identity, run in list(self._runs.items()):
                if run.removed != gone and run.told.state != RUNNING:
                    del self._runs[identity]

    def _known(self, identity: str) -> _Run:
        run = self._runs.get(identity)
        if run is None:
            raise NoSuchBacktest(
                "This console has not run it, or has forgotten it: another one runs it, this one was started"
                " again since, or something was erased from the archive. Ask again here."
            )
        return run


_WHY = {-14: f"it took more than {MOST_SECONDS // 60} minutes: choose a shorter period"}
"""By how the process ended: an alarm ends it in time."""


def _end(wanted: Wanted, now: Instant) -> Instant:
    """BadFilter for a period that makes no sense."""
    end = Instant(now + 1) if wanted.end is None else wanted.end
    if wanted.start >= end:
        raise BadFilter("from: expected a time before to, and before now")
    if end - wanted.start > LONGEST:
        raise BadFilter(f"from: expected a period of at most {LONGEST // DAY} days")
    return end


def side_told(side: Side) -> SideTold:
    return SideTold(key=side.key, label=side.label, policies=side.policies)


def _process(job: Job) -> subprocess.Popen[bytes]:
    """It has begun, and knows its job."""
    command = [sys.executable, "-m", "engine.console.backtest_process"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  # ours
    _give(process.stdin, job)
    return process


def _give(to: IO[bytes] | None, job: Job) -> None:
    assert to is not None  # noqa: S101  # a pipe
    with to:
        to.write(msgspec.json.encode(job) + b"\n")
