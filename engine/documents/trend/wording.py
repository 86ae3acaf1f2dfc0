"""How the report says numbers, shares, spans and changes."""

from collections.abc import Sequence
from datetime import date

from engine.core.instants import HOUR, SECOND, Span
from engine.documents import words
from engine.documents.trend.figures import Figures
from engine.documents.trend.report import Trend

UNKNOWN = "\N{EN DASH}"
_DRAWN = 36
"""Periods that have room in a chart, the last ones."""
_PLURAL = {"commitment": "Promises", "action": "Action items", "role": "Roles filled", "all": "All"}


def owed(metric: str) -> str:
    """A metric as people say it of many."""
    return _PLURAL.get(metric) or words.was_owed(metric)


def listed(names: Sequence[str]) -> str:
    """`P0`, `P0 and P1`, `P0, P1 and P2`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def number(value: int) -> str:
    """`7 266`."""
    return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")


def share(value: float | None) -> str:
    """`3.7 %`."""
    return UNKNOWN if value is None else f"{value * 100:.1f}\N{NO-BREAK SPACE}%"


def length(seconds: float | None) -> str:
    """`5 h 12 min`."""
    return UNKNOWN if seconds is None else words.length(Span(round(seconds * SECOND)))


def hours(seconds: float) -> str:
    """`2 380 h`."""
    return f"{number(round(seconds * SECOND / HOUR))}\N{NO-BREAK SPACE}h"


def signed(change: int) -> str:
    """`+25`, `0`, or with a minus."""
    return f"{sign(change)}{number(abs(change))}"


def sign(change: float) -> str:
    """Plus, a minus as wide as it, or nothing of nothing."""
    return "+" if change > 0 else "\N{MINUS SIGN}" if change else ""


def more(now: int, then: int) -> str:
    """`13 more than`, `as many as`."""
    if now == then:
        return "as many as"
    return f"{number(abs(now - then))} {'more' if now > then else 'fewer'} than"


def points(now: float | None, then: float | None) -> str:
    """How a share changed; empty where one of them is not known."""
    if now is None or then is None:
        return ""
    change = round((now - then) * 100, 1)
    return "as before" if not change else f"{abs(change):.1f} points {'higher' if change > 0 else 'lower'}"


def longer(now: float | None, then: float | None) -> str:
    """How a length changed; empty where one of them is not known."""
    if now is None or then is None:
        return ""
    return (
        "as before" if now == then else f"{length(abs(now - then))} {'longer' if now > then else 'shorter'}"
    )


class Names:
    """What the spans of one report are called, and which periods are drawn."""

    def __init__(self, trend: Trend) -> None:
        self._by, many = trend.by, len(trend.periods)
        self.drawn = [*trend.earlier, *trend.periods][-_DRAWN:]
        self.one = many == 1
        first, last = (date.fromisoformat(day) for day in (trend.whole.day, trend.whole.last_day))
        if trend.by == "month":
            self.title = f"{first:%B %Y}" if self.one else f"{first:%B %Y} to {last:%B %Y}"
        else:
            self.title = f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
        self.now = self.short(trend.whole) if self.one else f"{many} {trend.by}s"
        self.then = self.short(trend.before) if self.one and trend.before else "before"
        self.before = f"the {trend.by if self.one else f'{many} {trend.by}s'} before"

    def short(self, period: Figures) -> str:
        """`Oct`, or the first day of a week: `5 Oct`."""
        day = date.fromisoformat(period.day)
        return f"{day:%b}" if self._by == "month" else f"{day.day} {day:%b}"

    def full(self, period: Figures) -> str:
        """`Oct 2026`, `5 Oct 2026`."""
        day = date.fromisoformat(period.day)
        return f"{day:%b %Y}" if self._by == "month" else f"{day.day} {day:%b %Y}"
