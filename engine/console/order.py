"""All rows in the board's order: sorted anew as rows go and come, and cut where groups begin."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta, tzinfo
from operator import attrgetter

from engine.console.rows import AT_RISK, BREACHED, CLOSED, PLACES, RUNNING, Row
from engine.core.instants import HOUR, MINUTE, NEVER, Instant, from_datetime, to_datetime

SOON = 15 * MINUTE
_FEW = 100
_of = attrgetter("order")


class Order:
    """Never changed: who looks at it may go on while the board makes the next one."""

    def __init__(self, rows: Sequence[Row] = (), states: Counter[str] | None = None) -> None:
        self.rows = rows
        self.states: Counter[str] = states or Counter()
        """How many are in which."""
        self._wakes: Instant | None = None
        self._provisional: int | None = None

    def after(self, gone: Collection[Row], fresh: Collection[Row]) -> "Order":
        """The order without some rows and with others."""
        rows = [row for row in self.rows if row not in gone] if gone else list(self.rows)
        if len(fresh) > _FEW:  # two sorted runs: sorting them merges them
            rows += sorted(fresh, key=_of)
            rows.sort(key=_of)
        else:
            for row in fresh:
                insort(rows, row, key=_of)
        states = self.states.copy()
        states.subtract(row.state for row in gone)
        states.update(row.state for row in fresh)
        return Order(rows, states)

    def soon(self, now: Instant) -> int:
        """How many run and are due within 15 minutes."""
        start, end = (bisect_left(self.rows, one, key=_of) for one in (_AHEAD, _due_after(now, SOON)))
        return sum(self.rows[at].state in (AT_RISK, RUNNING) for at in range(start, end))

    @property
    def provisional(self) -> int:
        """How many of those breached, which come first, are not so for sure."""
        if self._provisional is None:
            self._provisional = sum(row.is_provisional for row in self.rows[: self.states[BREACHED]])
        return self._provisional

    @property
    def wakes_at(self) -> Instant:
        """When the next of those asleep outside their hours goes on; NEVER where none does."""
        if self._wakes is None:
            asleep = self.rows if self.states[CLOSED] else ()
            self._wakes = min((row.wakes_at for row in asleep if row.wakes_at is not None), default=NEVER)
        return self._wakes


_AHEAD = (PLACES[RUNNING],)


def _due_after(now: Instant, ahead: int) -> tuple[int, int]:
    """Before every row that is due later than that."""
    return PLACES[RUNNING], now + ahead + 1


def grouped(rows: Sequence[Row], zone: tzinfo, now: Instant) -> Iterator[tuple[str, int, int]]:
    """The name of a group, where it begins and where it ends; of rows in the board's order, and in it."""
    today = max(_due_after(now, HOUR), (PLACES[RUNNING], _midnight(now, zone)))
    bounds: Iterable[tuple[str, tuple[int, ...]]] = (
        ("breached", (1,)),
        ("unknown", _AHEAD),
        ("soon", _due_after(now, SOON)),
        ("hour", _due_after(now, HOUR)),
        ("today", today),
        ("later", (PLACES[RUNNING], NEVER)),
        ("asleep", (len(PLACES),)),
    )
    start = 0
    for name, bound in bounds:
        end = bisect_left(rows, bound, start, key=_of)
        if end > start:
            yield name, start, end
        start = end


def _midnight(now: Instant, zone: tzinfo) -> Instant:
    """The next one there."""
    tomorrow = to_datetime(now).astimezone(zone).date() + timedelta(days=1)
    return from_datetime(datetime.combine(tomorrow, time(), zone))
