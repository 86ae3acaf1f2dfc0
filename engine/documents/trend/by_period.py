"""Each period beside the one before it."""

from collections.abc import Callable

from engine.documents.trend import charts, wording
from engine.documents.trend.charts import Column, Said
from engine.documents.trend.figures import Figures
from engine.documents.trend.markup import Part, table
from engine.documents.trend.report import Trend
from engine.documents.trend.wording import Names, length, number, share, signed


def by_period(trend: Trend, names: Names) -> Part:
    """A row a period, and how many were opened."""
    title = f"{trend.by.capitalize()} by {trend.by}"
    given = [
        Column(names.short(one), one.opened["all"], number(one.opened["all"]), one in trend.periods)
        for one in names.drawn
    ]
    questions: tuple[tuple[str, Callable[[Figures], str]], ...] = (
        ("Opened", lambda one: number(one.opened["all"])),
        ("MTTA, median", lambda one: _median(one, "acknowledge")),
        ("MTTR, median", lambda one: _median(one, "resolve")),
        ("Breached", lambda one: share(_breached(one))),
        ("Updates", lambda one: share(_updates(one))),
        ("Promises", lambda one: share(one.promises.share)),
        ("Recurrence", lambda one: share(one.recurrence.share)),
    )
    before = [trend.earlier[-1], *trend.periods]
    rows = [
        (
            names.full(now) + ("" if now.complete else " (incomplete)"),
            *(answer(now) for _, answer in questions[:1]),
            signed(now.opened["all"] - then.opened["all"]),
            *(answer(now) for _, answer in questions[1:4]),
            _points(_breached(now), _breached(then)),
            *(answer(now) for _, answer in questions[4:]),
        )
        for then, now in zip(before, trend.periods, strict=False)
    ]
    heads = [name for name, _ in questions]
    heads[1:1], heads[5:5] = ["Change"], ["Points"]
    said = Said(
        "periods", f"Escalations opened by {trend.by}", "Grey is what is compared with; the table has all."
    )
    return Part(
        title,
        f"Escalations opened by {trend.by}; each {trend.by} is compared with the one before it.",
        charts.columns(said, given),
        table(title, (trend.by.capitalize(), *heads), rows),
        "Updates and promises: the share in time. No share: nothing was judged, or is known.",
        wide=True,
    )


def _median(figures: Figures, metric: str) -> str:
    found = figures.time_to.get(metric)
    return length(found["all"].calendar.median if found else None)


def _breached(figures: Figures) -> float | None:
    found = figures.clocks.get("all")
    return found["all"].breached_share if found else None


def _updates(figures: Figures) -> float | None:
    kept, due = (sum(getattr(one, field) for one in figures.cadence.values()) for field in ("kept", "due"))
    return kept / due if due else None


def _points(now: float | None, then: float | None) -> str:
    if now is None or then is None:
        return wording.UNKNOWN
    change = round((now - then) * 100, 1)
    return f"{wording.sign(change)}{abs(change):.1f}"
