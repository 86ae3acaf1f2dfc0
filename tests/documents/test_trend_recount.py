"""The figures of random archives equal a plain count that shares nothing with the queries."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from small_archives import archive, escalation, outcome, row_of, segment

from engine.core.instants import DAY, HOUR, MINUTE, SECOND, Instant, parse_instant, to_datetime
from engine.core.outcomes import Outcome, Versions
from engine.documents.trend import Asked, trend
from engine.documents.trend.figures import Figures

pytestmark = pytest.mark.slow

ZONES = ("UTC", "Europe/Oslo", "Pacific/Auckland", "America/Sao_Paulo")
START = parse_instant("2026-01-01T00:00:00Z")
SEVERITIES = ("P0", "P1", "P2", "")
METRICS = ("acknowledge", "resolve", "rca_summary", "action", "flag_recurrence")
UPDATES = ("customer_update", "internal_update")
VERSIONS = Versions("", "1", "2026a", "0.1")
MISSED = ("breached", "cadence_missed", "commitment_missed")


class World(NamedTuple):
    escalations: list[dict[str, Any]]
    said: list[tuple[Outcome, bool]]
    """With whether it stands."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row_of(one, stands) for one, stands in self.said]


def world(seed: int) -> World:
    """Half a year of a few dozen escalations, with everything that may be said of one."""
    rng = random.Random(seed)  # noqa: S311  # a repeatable world
    found = World([], [])
    for number in range(rng.randrange(1, 60)):
        subject = rng.choice(("desk:", "desk:", "desk:", "pattern:")) + str(number)
        opened = None if rng.random() < 0.05 else START + rng.randrange(180 * 24 * 4) * 15 * MINUTE
        found.escalations.append(
            escalation(
                subject, opened,
                status=rng.choice(("open", "resolved", "closed", "closed", "cancelled", "merged")),
                gravest=rng.choice(SEVERITIES), fingerprint=rng.choice(("", "disk", "net", "dns")),
                customer=rng.choice(("", "a", "b")),
                resolved=None if opened is None or rng.random() < 0.3 else opened + rng.randrange(100) * HOUR,
            )
        )  # fmt: skip
        found.said.extend(_said(rng, subject))
    if all(one["opened"] is None for one in found.escalations):
        found.escalations.append(escalation("desk:first", START))
    return found


def _said(rng: random.Random, subject: str) -> Iterator[tuple[Outcome, bool]]:
    for seq in range(1, rng.randrange(1, 14)):
        metric = rng.choice((*METRICS, *UPDATES, "commitment"))
        miss = (
            "cadence_missed"
            if metric in UPDATES
            else "commitment_missed"
            if metric == "commitment"
            else "breached"
        )
        name = rng.choice(
            ("met", "met", "stopped_late", miss, "cancelled", "waived", "source_behind", "breach_risk",
             "amended", "retracted", "recurrence_detected")
        )  # fmt: skip
        at = START + rng.randrange(180 * 24 * 60) * MINUTE
        parts = tuple(
            segment(at - n * HOUR, at - (n - 1) * HOUR, rng.choice(("", "paused:vendor", "resolved")),
                    rng.randrange(60) * MINUTE, rng.choice(("", "red", "blue")), rng.choice(("", "kim")))
            for n in range(rng.randrange(4), 0, -1)
        )  # fmt: skip
        yield (
            outcome(
                subject, seq, name, at, metric=metric, severity=rng.choice(SEVERITIES),
                key=rng.choice(("", "x")), cycle=rng.choice((1, 2)), outcome=rng.choice(("met", miss)) if
                name in ("amended", "retracted") else "",
                elapsed=rng.randrange(10_000) * MINUTE, elapsed_calendar=rng.randrange(20_000) * MINUTE,
                provisional=rng.random() < 0.2, segments=parts, hash="0",
                versions=VERSIONS,
            ),
            rng.random() < 0.85,
        )  # fmt: skip


class Recount:
    """Counts one period by going through everything, period by the name of its local month or week."""

    def __init__(self, world: World, named: Callable[[int], Any], wanted: set[Any]) -> None:
        self.world = world
        self.within = lambda at: at is not None and named(at) in wanted
        self.stands = [one for one, stands in world.said if stands and one.name != "retracted"]

    def said(self, *names: str, metric: str = "", severity: str | None = None) -> list[Outcome]:
        return [
            one
            for one in self.stands
            if (one.outcome if one.name == "amended" else one.name) in names
            and self.within(one.effective_at)
            and metric in ("", one.metric)
            and severity in (None, one.severity)
        ]

    def counting(self) -> list[dict[str, Any]]:
        return [
            one
            for one in self.world.escalations
            if one["opened"] is not None
            and one["status"] not in ("cancelled", "merged")
            and not one["subject"].startswith("pattern:")
        ]

    def opened(self, severity: str | None = None) -> int:
        return sum(
            self.within(one["opened"]) and severity in (None, one["gravest"]) for one in self.counting()
        )

    def recurrence(self) -> tuple[int, int]:
        known = again = 0
        for one in self.counting():
            if one["fingerprint"] and self.within(one["opened"]):
                known += 1
                again += any(
                    other is not one
                    and other["fingerprint"] == one["fingerprint"]
                    and (other["opened"], other["subject"]) < (one["opened"], one["subject"])
                    and one["opened"] - other["opened"] <= 90 * DAY
                    for other in self.counting()
                )
        return known, again

    def unknown(self) -> int:
        verdicts = {"met", "stopped_late", "cancelled", "waived", *MISSED}

        def settled(of: Outcome) -> bool:
            return any(
                (o.subject, o.metric, o.key, o.cycle) == (of.subject, of.metric, of.key, of.cycle)
                and o.seq > of.seq
                and (o.outcome if o.name == "amended" else o.name) in verdicts
                for o in self.stands
            )

        return sum(not settled(one) for one in self.said("source_behind"))

    def spent(self) -> dict[tuple[str, str], int]:
        last: dict[tuple[str, str, int], Outcome] = {}
        for one in sorted(
            self.said("met", "stopped_late", metric="resolve"), key=lambda o: (o.effective_at, o.seq)
        ):
            last[one.subject, one.key, one.cycle] = one
        places: defaultdict[tuple[str, str], int] = defaultdict(int)
        for one in last.values():
            for part in one.segments:
                if part.why == "":
                    places["team", part.team] += part.end - part.start
                elif part.why.startswith("paused:"):
                    places["pause", part.why[7:]] += part.end - part.start
                else:
                    places[part.why, ""] += part.end - part.start
        return dict(places)


def _ranked(values: list[int], share: float) -> float:
    return sorted(values)[math.ceil(round(share * len(values), 9)) - 1] / SECOND


def _is_the_same(figures: Figures, plain: Recount) -> None:
    assert figures.opened["all"] == plain.opened()
    for severity in SEVERITIES:
        assert figures.opened.get(severity or "none", 0) == plain.opened(severity)
    for metric, by_severity in figures.clocks.items():
        for severity, got in by_severity.items():
            where = {
                "metric": "" if metric == "all" else metric,
                "severity": None if severity == "all" else severity.replace("none", ""),
            }
            met, missed = len(plain.said("met", **where)), len(plain.said(*MISSED, **where))
            assert (got.met, got.breached, got.judged) == (met, missed, met + missed)
            assert got.breached_share == (None if not met + missed else round(missed / (met + missed), 6))
            for number, name in (
                (got.late, "stopped_late"),
                (got.cancelled, "cancelled"),
                (got.waived, "waived"),
            ):
                assert number == len(plain.said(name, **where))
    judged = plain.said("met", *MISSED)
    assert {one.metric for one in judged} <= set(figures.clocks)
    whole = figures.clocks.get("all", {}).get("all")
    assert (whole.judged if whole else 0) == len(judged)
    assert (whole.unknown if whole else 0) == plain.unknown()
    every = ("met", "stopped_late", "cancelled", "waived", *MISSED)
    assert figures.provisional == sum(one.provisional for one in plain.said(*every))
    _times_are_the_same(figures, plain)
    _kept_is_the_same(figures, plain)
    recurrence = figures.recurrence
    assert (recurrence.known, recurrence.again) == plain.recurrence()
    assert recurrence.detected == len(plain.said("recurrence_detected"))
    spent = {(one.kind, one.name): one.calendar_seconds for one in figures.time_spent}
    assert spent == {place: time / SECOND for place, time in plain.spent().items()}
    for name, got in (("amended", figures.amended), ("retracted", figures.retracted)):
        assert got == sum(one.name == name and plain.within(one.effective_at) for one, _ in plain.world.said)


def _times_are_the_same(figures: Figures, plain: Recount) -> None:
    for metric in METRICS:
        stops = plain.said("met", "stopped_late", metric=metric)
        got = figures.time_to.get(metric)
        assert (got["all"].calendar.cases if got else 0) == len(stops)
        for severity, one in (got or {}).items():
            of_it = [o for o in stops if severity in ("all", o.severity or "none")]
            for lengths, values in (
                (one.calendar, [o.elapsed_calendar for o in of_it]),
                (one.business, [o.elapsed for o in of_it]),
            ):
                assert lengths.sum == sum(values) / SECOND
                assert lengths.median == _ranked(list(values), 0.5)
                assert lengths.p90 == (_ranked(list(values), 0.9) if len(values) >= 10 else None)
                assert lengths.each == ([v / SECOND for v in sorted(values)] if len(values) < 10 else [])
    assert not set(figures.time_to) & {*UPDATES, "commitment"}


def _kept_is_the_same(figures: Figures, plain: Recount) -> None:
    for metric, kept in {**figures.cadence, **figures.rca}.items():
        met = len(plain.said("met", metric=metric))
        assert (kept.kept, kept.due) == (met, met + len(plain.said(*MISSED, metric=metric)))
    met = len(plain.said("met", metric="commitment"))
    assert (figures.promises.kept, figures.promises.due) == (
        met,
        met + len(plain.said("commitment_missed", metric="commitment")),
    )
    assert figures.promises.withdrawn == len(plain.said("cancelled", metric="commitment"))
    assert figures.actions.done == len(plain.said("met", "stopped_late", metric="action"))


def _month(zone: str) -> Callable[[int], Any]:
    return lambda at: f"{to_datetime(Instant(at)).astimezone(ZoneInfo(zone)):%Y-%m}"


def _week(zone: str) -> Callable[[int], Any]:
    return lambda at: to_datetime(Instant(at)).astimezone(ZoneInfo(zone)).isocalendar()[:2]


def _names(by: str, days: Iterable[str]) -> set[Any]:
    dates = [date.fromisoformat(day) for day in days]
    return {day.isocalendar()[:2] if by == "week" else f"{day:%Y-%m}" for day in dates}


@pytest.mark.parametrize("seed", range(25))
def test_the_figures_of_a_random_archive_equal_a_plain_count(seed: int) -> None:
    rng, made = random.Random(-seed), world(seed)  # noqa: S311
    by, zone = rng.choice(("month", "week")), rng.choice(ZONES)
    asked = Asked(by, zone, date(2026, rng.randrange(1, 5), 5), date(2026, rng.randrange(5, 8), 17))
    if rng.random() < 0.3:
        asked = Asked(by, zone)
    with archive(made.escalations, made.rows) as connection:
        got = trend(connection, asked)
    named = _week(zone) if by == "week" else _month(zone)
    for figures in [*got.earlier, *got.periods]:
        _is_the_same(figures, Recount(made, named, _names(by, [figures.day])))
    _is_the_same(got.whole, Recount(made, named, _names(by, [one.day for one in got.periods])))
    assert (got.before is None) == (got.earlier == [])
    if got.before is not None and len(got.earlier) == len(got.periods):
        _is_the_same(got.before, Recount(made, named, _names(by, [one.day for one in got.earlier])))


def test_the_count_bites_where_a_breach_is_left_out() -> None:
    made = World(
        [escalation("desk:1", START)],
        [(outcome("desk:1", 1, "breached", START), True), (outcome("desk:1", 2, "met", START + DAY), True)],
    )
    with archive(made.escalations, made.rows) as connection:
        got = trend(connection, Asked())
    blind = World(made.escalations, made.said[1:])
    with pytest.raises(AssertionError):
        _is_the_same(got.whole, Recount(blind, _month("UTC"), {"2026-01"}))
