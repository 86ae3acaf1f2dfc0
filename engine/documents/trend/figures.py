"""The figures of one span of time, and how each follows from what was counted (docs/trend.md)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from engine.core.instants import SECOND, Instant, format_instant
from engine.documents.trend.counted import TIMELESS, UPDATES, Counted, Hands, Times

ALL = "all"
"""The sum over the parts."""

CASES_FOR_P90 = 10
"""Of fewer, a ninetieth percentile is the slowest case or next to it, and each can be shown instead."""

_RCA = ("rca_summary", "rca_final")
_MISSED = ("breached", "cadence_missed", "commitment_missed")


class Lengths(Struct, frozen=True):
    """Lengths of time in seconds; percentiles by nearest rank."""

    cases: int
    sum: float
    mean: float
    median: float
    p90: float | None
    """None of fewer than ten cases."""
    each: list[float]
    """Of fewer than ten cases all of them, in order; else empty."""


class TimeTo(Struct, frozen=True):
    calendar: Lengths
    business: Lengths


class Verdicts(Struct, frozen=True):
    judged: int
    """met + breached."""
    met: int
    breached: int
    breached_share: float | None
    late: int
    """Stopped after the breach: told beside, in no share, as what follows."""
    cancelled: int
    waived: int
    unknown: int


class Kept(Struct, frozen=True):
    kept: int
    due: int
    share: float | None


class Promises(Struct, frozen=True):
    kept: int
    due: int
    share: float | None
    withdrawn: int


class Actions(Struct, frozen=True):
    done: int
    kept: int
    """Of those judged, done in time."""
    due: int
    share: float | None


class Recurrence(Struct, frozen=True):
    known: int
    """Escalations whose fingerprint is known."""
    again: int
    """Of them, those whose fingerprint had come in the 90 days before."""
    share: float | None
    at_least: bool
    """The archive does not reach back far enough to know."""
    detected: int
    flagged: Kept


class Place(Struct, frozen=True):
    """Where time went."""

    kind: str
    """team, pause, resolved, no_target or several."""
    name: str
    calendar_seconds: float
    counted_seconds: float


class Figures(Struct, frozen=True):
    """All that the report says of one span. What is keyed by severity has `all` too."""

    day: str
    """The first day, local."""
    last_day: str
    start: str
    end: str
    complete: bool
    """Whether the archive knows of something after its end."""
    opened: dict[str, int]
    cancelled: int
    merged: int
    time_to: dict[str, dict[str, TimeTo]]
    clocks: dict[str, dict[str, Verdicts]]
    provisional: int
    cadence: dict[str, Kept]
    promises: Promises
    rca: dict[str, Kept]
    actions: Actions
    recurrence: Recurrence
    time_spent: list[Place]
    time_spent_by_owner: dict[str, float]
    amended: int
    retracted: int

    @property
    def judged(self) -> Verdicts:
        """Of all clocks."""
        return _all(self.clocks, ALL)

    def median(self, metric: str) -> float | None:
        """Calendar seconds to the stop, of all severities."""
        found = self.time_to.get(metric)
        return found[ALL].calendar.median if found else None


class Bounds(Struct, frozen=True):
    """Of which span the figures are."""

    day: str
    last_day: str
    start: Instant
    end: Instant
    complete: bool
    reaches_back: bool
    """Whether the archive knows the 90 days before."""


def figures(bounds: Bounds, counted: Counted) -> Figures:
    """What was counted in a span, as the report says it."""
    clocks = _clocks(counted)
    promises = _kept(clocks, "commitment")
    return Figures(
        day=bounds.day,
        last_day=bounds.last_day,
        start=format_instant(bounds.start),
        end=format_instant(bounds.end),
        complete=bounds.complete,
        opened=_with_all(counted.opened),
        cancelled=counted.left_out["cancelled"],
        merged=counted.left_out["merged"],
        time_to=_times_to(counted.times),
        clocks=clocks,
        provisional=counted.provisional,
        cadence={metric: _kept(clocks, metric) for metric in UPDATES if metric in clocks},
        promises=Promises(promises.kept, promises.due, promises.share, _all(clocks, "commitment").cancelled),
        rca={metric: _kept(clocks, metric) for metric in _RCA if metric in clocks},
        actions=_actions(clocks),
        recurrence=Recurrence(
            known=counted.known,
            again=counted.again,
            share=share(counted.again, counted.known),
            at_least=counted.known > 0 and not bounds.reaches_back,
            detected=counted.detected,
            flagged=_kept(clocks, "flag_recurrence"),
        ),
        time_spent=_places(counted.hands),
        time_spent_by_owner=_owners(counted.hands),
        amended=counted.corrections["amended"],
        retracted=counted.corrections["retracted"],
    )


def share(part: int, whole: int) -> float | None:
    """To a millionth; None of nothing."""
    return round(part / whole, 6) if whole else None


def nearest_rank(ordered: Sequence[int], tenths: int) -> int:
    """The value at ⌈tenths/10 · n⌉ of n values in order, counted from 1."""
    return ordered[-(-len(ordered) * tenths // 10) - 1]


def lengths(spans: Iterable[int]) -> Lengths:
    """Of at least one span, in microseconds."""
    ordered = sorted(spans)
    number, total = len(ordered), sum(ordered)
    many = number >= CASES_FOR_P90
    return Lengths(
        cases=number,
        sum=total / SECOND,
        mean=round(total / number / SECOND, 6),
        median=nearest_rank(ordered, 5) / SECOND,
        p90=nearest_rank(ordered, 9) / SECOND if many else None,
        each=[] if many else [one / SECOND for one in ordered],
    )


def _times_to(times: Mapping[tuple[str, str], Times]) -> dict[str, dict[str, TimeTo]]:
    found: dict[str, dict[str, TimeTo]] = {}
    for metric in sorted({metric for metric, _ in times} - TIMELESS):
        by_severity = {
            severity: times[each] for each in sorted(times) for severity in each[1:] if each[0] == metric
        }
        whole = Times([], [])
        for one in by_severity.values():
            whole.calendar.extend(one.calendar)
            whole.business.extend(one.business)
        found[metric] = {
            severity: TimeTo(lengths(one.calendar), lengths(one.business))
            for severity, one in {ALL: whole, **by_severity}.items()
        }
    return found


def _clocks(counted: Counted) -> dict[str, dict[str, Verdicts]]:
    cells: dict[tuple[str, str], Counter[str]] = {}
    for (metric, severity, name), number in counted.verdicts.items():
        for of_metric in (metric, ALL):
            for of_severity in (severity, ALL):
                cells.setdefault((of_metric, of_severity), Counter())[name] += number
    found: dict[str, dict[str, Verdicts]] = {}
    for (metric, severity), names in sorted(cells.items()):
        found.setdefault(metric, {})[severity] = _verdicts(names)
    return found


def _verdicts(names: Counter[str]) -> Verdicts:
    breached = sum(names[name] for name in _MISSED)
    judged = names["met"] + breached
    return Verdicts(
        judged=judged,
        met=names["met"],
        breached=breached,
        breached_share=share(breached, judged),
        late=names["stopped_late"],
        cancelled=names["cancelled"],
        waived=names["waived"],
        unknown=names["unknown"],
    )


_NOTHING = _verdicts(Counter())


def _all(clocks: Mapping[str, Mapping[str, Verdicts]], metric: str) -> Verdicts:
    return clocks.get(metric, {}).get(ALL, _NOTHING)


def _kept(clocks: Mapping[str, Mapping[str, Verdicts]], metric: str) -> Kept:
    found = _all(clocks, metric)
    return Kept(found.met, found.judged, share(found.met, found.judged))


def _actions(clocks: Mapping[str, Mapping[str, Verdicts]]) -> Actions:
    found, kept = _all(clocks, "action"), _kept(clocks, "action")
    return Actions(found.met + found.late, kept.kept, kept.due, kept.share)


def _with_all(numbers: Counter[str]) -> dict[str, int]:
    return {ALL: numbers.total(), **dict(sorted(numbers.items()))}


def _places(hands: Mapping[Hands, list[int]]) -> list[Place]:
    """The largest first."""
    sums: dict[tuple[str, str], list[int]] = {}
    for (kind, name, _), (calendar, counted) in hands.items():
        place = sums.setdefault((kind, name), [0, 0])
        place[0] += calendar
        place[1] += counted
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1][0], pair[0]))
    return [Place(kind, name, both[0] / SECOND, both[1] / SECOND) for (kind, name), both in ordered]


def _owners(hands: Mapping[Hands, list[int]]) -> dict[str, float]:
    """Seconds of calendar time in which the clocks ran, the largest first."""
    sums: Counter[str] = Counter()
    for (kind, _, owner), (calendar, _) in hands.items():
        if kind == "team":
            sums[owner] += calendar
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    return {owner: seconds / SECOND for owner, seconds in ordered}
