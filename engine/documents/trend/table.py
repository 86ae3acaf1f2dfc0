"""The report as one long table: a figure a line."""

import csv
import io
from collections.abc import Iterator
from typing import TypeAlias

from engine.documents.sheets import cell
from engine.documents.trend.figures import Actions, Figures, Kept, Lengths, Promises
from engine.documents.trend.report import Trend

COLUMNS = ("period", "figure", "breakdown", "part", "value")

Value: TypeAlias = "str | int | float | bool | None"
Line: TypeAlias = tuple[str, str, str, Value]
"""Figure, what it is broken down by, which part, and how much; None is unknown."""


def table(trend: Trend) -> str:
    """CSV with a header, unknown values empty; the same report gives the same bytes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    spans = [("whole", trend.whole), *([("before", trend.before)] if trend.before else [])]
    spans += [(one.day, one) for one in [*trend.earlier, *trend.periods]]
    for period, figures in spans:
        for figure, breakdown, part, value in _lines(figures):
            writer.writerow((period, figure, breakdown, cell(part), _plain(value)))
    for pattern in trend.patterns:
        for figure, value in (
            ("pattern_times", pattern.times),
            ("pattern_customers", pattern.customers),
            ("pattern_hours", pattern.hours),
            ("pattern_unresolved", pattern.unresolved),
        ):
            writer.writerow(("whole", figure, "fingerprint", cell(pattern.fingerprint), value))
    return out.getvalue()


def _plain(value: Value) -> str | float:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value


def _lines(f: Figures) -> Iterator[Line]:
    yield "start", "", "", f.start
    yield "end", "", "", f.end
    yield "complete", "", "", f.complete
    for severity, number in f.opened.items():
        yield "opened", "severity", severity, number
    yield "not_counted", "status", "cancelled", f.cancelled
    yield "not_counted", "status", "merged", f.merged
    yield from _times(f)
    yield from _clocks(f)
    yield from _kept(f)
    yield from _recurrence(f)
    for place in f.time_spent:
        yield "time_spent_calendar_seconds", place.kind, place.name, place.calendar_seconds
        yield "time_spent_counted_seconds", place.kind, place.name, place.counted_seconds
    for owner, seconds in f.time_spent_by_owner.items():
        yield "time_spent_calendar_seconds", "owner", owner, seconds
    yield "verdicts", "provisional", "", f.provisional
    yield "corrections", "outcome", "amended", f.amended
    yield "corrections", "outcome", "retracted", f.retracted


def _times(f: Figures) -> Iterator[Line]:
    for metric, by_severity in f.time_to.items():
        for severity, one in by_severity.items():
            for clock, lengths in (("calendar", one.calendar), ("business", one.business)):
                for part, value in _statistics(lengths):
                    yield f"time_to_{metric}_{clock}_seconds", "severity", f"{severity}/{part}", value


def _statistics(lengths: Lengths) -> Iterator[tuple[str, Value]]:
    yield "cases", lengths.cases
    yield "sum", lengths.sum
    yield "mean", lengths.mean
    yield "median", lengths.median
    yield "p90", lengths.p90


def _clocks(f: Figures) -> Iterator[Line]:
    for metric, by_severity in f.clocks.items():
        for severity, one in by_severity.items():
            part = f"{metric}/{severity}"
            yield "judged", "metric/severity", part, one.judged
            yield "met", "metric/severity", part, one.met
            yield "breached", "metric/severity", part, one.breached
            yield "breached_share", "metric/severity", part, one.breached_share
            yield "stopped_late", "metric/severity", part, one.late
            yield "cancelled", "metric/severity", part, one.cancelled
            yield "waived", "metric/severity", part, one.waived
            yield "unknown", "metric/severity", part, one.unknown


def _kept(f: Figures) -> Iterator[Line]:
    for figure, by_metric in (("cadence_kept", f.cadence), ("rca_on_time", f.rca)):
        for metric, one in by_metric.items():
            yield from ((figure, "metric", f"{metric}/{part}", value) for part, value in _parts(one))
    yield from (("promises_kept", "", part, value) for part, value in _parts(f.promises))
    yield "promises_withdrawn", "", "", f.promises.withdrawn
    yield "actions_done", "", "", f.actions.done
    yield from (("actions_on_time", "", part, value) for part, value in _parts(f.actions))


def _recurrence(f: Figures) -> Iterator[Line]:
    one = f.recurrence
    yield "recurrence", "", "known", one.known
    yield "recurrence", "", "again", one.again
    yield "recurrence", "", "share", one.share
    yield "recurrence", "", "at_least", one.at_least
    yield "patterns_detected", "", "", one.detected
    yield from (("patterns_flagged_on_time", "", part, value) for part, value in _parts(one.flagged))


def _parts(one: Kept | Promises | Actions) -> Iterator[tuple[str, Value]]:
    yield "kept", one.kept
    yield "due", one.due
    yield "share", one.share
