"""Opening hours by stepping through the minutes of a window: slow, independent, easy to believe."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from engine.core.instants import MINUTE, Instant, Span, from_datetime

_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MINUTE = timedelta(minutes=1)


class MinuteOracle:
    """Whether each minute of [start, start + days) is open, by what the local clock shows in that minute."""

    def __init__(
        self,
        zone: str,
        hours: Mapping[str, Sequence[str]],
        dates: Mapping[date, Sequence[str]],
        start: datetime,
        days: int,
    ) -> None:
        self.start = start
        count = days * 24 * 60
        utc = [start.replace(tzinfo=UTC) + step * _MINUTE for step in range(count)]
        local = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in utc]
        self.open = [False] * count
        day = local[0].date() - timedelta(days=2)
        while day <= local[-1].date():
            for text in dates.get(day, hours.get(_WEEKDAYS[day.weekday()], ())):
                first, last = self._minutes(local, day, text)
                for minute in range(first, last):
                    self.open[minute] = True
            day += timedelta(days=1)
        self.total = [0, *accumulate(self.open)]

    @staticmethod
    def _minutes(local: Sequence[datetime], day: date, text: str) -> tuple[int, int]:
        """From the first minute that shows the opening or later to the last that shows the close.

        A close that no minute shows comes after the last minute that shows an earlier time.
        """
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # what a wall clock shows
        opens, closes = (
            midnight + timedelta(hours=int(part[:2]), minutes=int(part[3:])) for part in text.split("-")
        )
        if closes <= opens:
            closes += timedelta(days=1)
        first = next((minute for minute, shown in enumerate(local) if shown >= opens), len(local))
        shown_at = [minute for minute, shown in enumerate(local) if shown == closes]
        before = [minute for minute, shown in enumerate(local) if shown < closes]
        return first, shown_at[-1] if shown_at else before[-1] + 1 if before else 0

    def at(self, minute: int) -> Instant:
        return from_datetime(self.start.replace(tzinfo=UTC) + minute * _MINUTE)

    def elapsed(self, start: int, end: int) -> Span:
        """Open time between two minutes of the window."""
        return Span((self.total[end] - self.total[start]) * MINUTE)

    def due(self, start: int, budget: int) -> int | None:
        """The minute at which `budget` open minutes have passed; None where that is past the window."""
        minute = start
        while budget > 0:
            if minute == len(self.open):
                return None
            budget -= self.open[minute]
            minute += 1
        return minute
