"""Where the time went: in whose hands, or waiting for what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.core.instants import HOUR, SECOND
from engine.documents.trend import charts
from engine.documents.trend.charts import Bar, Said
from engine.documents.trend.figures import Figures, Place
from engine.documents.trend.markup import Part, table
from engine.documents.trend.report import Trend
from engine.documents.trend.wording import UNKNOWN, Names, hours, share, signed

_PLACES = 9
"""Places that are drawn; the rest is one."""

_WAITING = {
    "pending_customer": "Waiting for the customer",
    "pending_vendor": "Waiting for a vendor",
    "pending_change": "Waiting for a change",
    "pending_problem": "Waiting for a problem",
    "pending_evidence": "Waiting for evidence",
}
_STATES = {
    "resolved": "Resolved, then reopened",
    "no_target": "Nothing was owed",
    "several": "Many short stretches",
}


class _Row(NamedTuple):
    name: str
    now: float
    """Calendar seconds, as the next two."""
    then: float | None
    counted: float
    kind: str
    """Of its bar."""

    @property
    def change(self) -> str:
        return UNKNOWN if self.then is None else signed(round((self.now - self.then) * SECOND / HOUR))


def time_went(trend: Trend, names: Names) -> Part:
    """Calendar time of the resolve clocks, by team and by reason to wait."""
    title, places = "Where the time went", trend.whole.time_spent
    if not any(place.calendar_seconds for place in places):
        return Part(title, "Unknown: no resolution with a proof.")
    spent = trend.before.time_spent if trend.before else []
    then = {(place.kind, place.name): place.calendar_seconds for place in spent}
    rows = list(_rows(places, then))
    if not trend.before:
        rows = [row._replace(then=None) for row in rows]
    whole = _Row(
        "All",
        sum(row.now for row in rows),
        sum(then.values()) if trend.before else None,
        sum(row.counted for row in rows),
        "",
    )
    said = Said("spent", "Hours to the resolution, by team and reason to wait", f"Against {names.before}.")
    bars = [Bar(row.name, row.now, hours(row.now), row.then, row.kind) for row in rows]
    listed = [
        (
            row.name,
            hours(row.now),
            share(row.now / whole.now),
            hours(row.counted),
            row.change,
        )
        for row in [*rows, whole]
    ]
    heads = ("Where", "Hours", "Share", "Counted", "Change")
    return Part(
        title,
        f"{hours(whole.now)} from the start to the last resolution{_unowned(trend.whole)}.",
        charts.bars(said, bars, names.then),
        table(title, heads, listed[:-1], listed[-1]),
        "Calendar hours, closed ones too; counted: what counted of the budget. Blue: in a team's hands. "
        "Grey-violet: waiting for others, or it is not known whose. Red: in no team's.",
    )


def _unowned(figures: Figures) -> str:
    """How long nobody had it, where anybody is known."""
    by_owner = figures.time_spent_by_owner
    return f"; in {hours(by_owner.get('', 0.0))} of them nobody owned it" if any(by_owner) else ""


def _rows(places: Sequence[Place], then: Mapping[tuple[str, str], float]) -> Iterator[_Row]:
    """The largest places, and the rest as one."""
    teams = any(place.kind == "team" and place.name for place in places)
    for one in places[:_PLACES]:
        before = then.get((one.kind, one.name), 0.0)
        kind = "rest" if one.kind != "team" or not teams else "cur" if one.name else "bad"
        yield _Row(_name(one, teams), one.calendar_seconds, before, one.counted_seconds, kind)
    rest = places[_PLACES:]
    if rest:
        drawn = {(one.kind, one.name) for one in places[:_PLACES]}
        yield _Row(
            f"{len(rest)} others",
            sum(one.calendar_seconds for one in rest),
            sum(seconds for place, seconds in then.items() if place not in drawn),
            sum(one.counted_seconds for one in rest),
            "cur",
        )


def _name(place: Place, teams: bool) -> str:
    if place.kind == "team":
        return place.name or ("No team" if teams else "Whose is not known")
    if place.kind == "pause":
        return _WAITING.get(place.name) or f"Paused: {place.name.replace('_', ' ') or 'no reason given'}"
    return _STATES.get(place.kind, place.kind)
