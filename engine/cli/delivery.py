"""Examines the delivery record of `vigil notify`: who sends from it, how far it has read, and what waits."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.drawing import many
from engine.cli.findings import Finding, fail, ok, warn
from engine.cli.lag import Reader, examine_lag

if TYPE_CHECKING:
    from engine.notify.record import Record, State
    from engine.settings import Settings


def examine_record(
    settings: "Settings", record: "Record", receivers: Collection[str], timeout: float
) -> Iterator[Finding]:
    """`receivers`: those of the file; empty where it is not known. `timeout`: seconds that the broker has.
    SchemaRefused and SQLAlchemy's errors."""
    from engine.sql.database import shown

    state = record.state()
    yield _schema(state, shown(record.engine))
    if state.schema is not None:
        yield _sender(record)
        topics, stands = [settings.outcomes_topic], record.offsets()
        ids = record.topic_ids() if state.schema == state.newest else {}  # an older one has none
        yield examine_lag(settings, _READER, topics, stands, ids, timeout)
        yield from _receivers(state, receivers)


def _schema(state: "State", where: str) -> Finding:
    alerts = many(sum(state.shown.values()), "alert", "alerts")
    firing = f"{alerts} shown at {many(len(state.shown), 'receiver', 'receivers')}"
    found = f"delivery record: {where}: schema {state.schema or 'none'}, {firing}"
    if state.schema == state.newest:
        return ok("notify", found)
    return warn("notify", found, f"`vigil notify upgrade` makes it {state.newest}; so does `run`")


def _sender(record: "Record") -> Finding:
    """Whether a process holds the lock of the one who sends; we let go of it at once if it was free."""
    file = Path(f"{record.engine.url.database}.lock")
    if record.engine.dialect.name == "sqlite" and not file.is_file():
        free = True
    else:
        with record.alone() as held:
            free = held is not None
    if free:
        return warn("notify process", "no process tells anybody from this record", "start `vigil notify run`")
    return ok("notify process", "a process tells from this record")


_READER = Reader(
    "notify lag",
    "record",
    ("outcome is", "outcomes are"),
    "is it running, and does `vigil_notify_lag_records` fall?",
    "it was away for longer than the topic keeps them; what they said is told to nobody",
    "`vigil notify reread`, or name the topic that this record is of",
)


def _receivers(state: "State", receivers: Collection[str]) -> Iterator[Finding]:
    from engine.core.instants import format_instant
    from engine.notify.circuit import FAILURES

    for one in state.failing:
        since = format_instant(one.since)
        failures = many(one.attempts, "failure", "failures")
        found = f"{one.receiver}: {failures} since {since}; the last: {one.why}"
        advice = f"`vigil notify test {one.receiver}`; nothing is lost, it is told when it answers"
        opened = one.attempts >= FAILURES
        yield fail("notify circuit", found, advice) if opened else warn("notify circuit", found, advice)
    for receiver, number in sorted(state.shown.items()):
        if receivers and receiver not in receivers:
            advice = "put it back until they are over, or end them there by hand"
            alerts = many(number, "alert", "alerts")
            found = f"{receiver} is no more in the file and shows {alerts} that nobody ends"
            yield warn("notify receivers", found, advice)
    if state.letters:
        advice = "`vigil notify dead list` says why; once that is mended, `vigil notify dead resend --all`"
        waiting = many(state.letters, "dead letter waits", "dead letters wait")
        yield fail("notify dead", f"{waiting}, refused by receivers", advice)
