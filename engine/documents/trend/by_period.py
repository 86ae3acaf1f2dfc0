"""Each period beside the one before it."""

from collections.abc import Callable
from itertools import chain, pairwise
from typing import NamedTuple

from engine.documents.trend import charts, wording
from engine.documents.trend.charts import Column, Said
from engine.documents.trend.figures import Figures
from engine.documents.trend.markup import Part, table
from engine.documents.trend.report import Trend
from engine.documents.trend.wording import Names, length, number, share


class _Question(NamedTuple):
    """A column of the table."""

    name: str
    answer: Callable[[Figures], float | None]
    shown: Callable[[float | None], str]
    change: Callable[[float], str]

    def cell(self, now: Figures, then: Figures | None) -> str:
        """The answer, and below it how it changed."""
        here, there = self.answer(now), self.answer(then) if then else None
        if here is None or there is None:
            return self.shown(here)
        return f"{self.shown(here)}\n{wording.sign(here - there)}{self.change(abs(here - there))}"


def _points(change: float) -> str:
    return f"{change * 100:.1f}"


def _number(value: float | None) -> str:
    return number(int(value or 0))


def _updates(figures: Figures) -> float | None:
    kept, due = (sum(getattr(one, field) for one in figures.cadence.values()) for field in ("kept", "due"))
    return kept / due if due else None


_QUESTIONS = (
    _Question("Opened", lambda one: one.opened["all"], _number, _number),
    _Question("MTTA, median", lambda one: one.median("acknowledge"), length, length),
    _Question("MTTR, median", lambda one: one.median("resolve"), length, length),
    _Question("Breached", lambda one: one.judged.breached_share, share, _points),
    _Question("Updates kept", _updates, share, _points),
    _Question("Promises kept", lambda one: one.promises.share, share, _points),
    _Question("Recurrence", lambda one: one.recurrence.share, share, _points),
)


def by_period(trend: Trend, names: Names) -> Part:
    """A row a period, and how many were opened."""
    title = f"{trend.by.capitalize()} by {trend.by}"
    given = [
        Column(names.short(one), one.opened["all"], number(one.opened["all"]), one in trend.periods)
        for one in names.drawn
    ]
    before = trend.earlier[-1] if trend.earlier else None
    rows = [
        (
            names.full(now) + ("" if now.complete else " (incomplete)"),
            *(question.cell(now, then) for question in _QUESTIONS),
        )
        for then, now in pairwise(chain([before], trend.periods))
        if now
    ]
    said = Said(
        "periods", f"Escalations opened by {trend.by}", "Grey is what is compared with; the table has all."
    )
    return Part(
        title,
        f"Escalations opened by {trend.by}; each {trend.by} is compared with the one before it.",
        charts.columns(said, given),
        table(title, (trend.by.capitalize(), *(question.name for question in _QUESTIONS)), rows),
        f"Below each figure its change since the {trend.by} before, of shares in points. A dash: nothing was "
        "judged, or nothing is known.",
        wide=True,
    )
