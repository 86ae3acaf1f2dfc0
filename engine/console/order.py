"""All rows in the board's order: sorted anew as rows go and come, and cut where groups begin."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, time, timedelta, tzinfo
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from engine.console.rows import AT_RISK, BREACHED, PLACES, RUNNING, Row
from engine.core.instants import HOUR, MINUTE, NEVER, Instant, from_datetime, to_datetime

SOON = 15 * MINUTE
_FEW = 100
_KEPT = 20
"""Orders after which a part that nobody asks for is made anew when somebody does: a few seconds' worth."""
_MOST_PARTS = 50
"""That are kept: who tries out searches does not fill the memory."""
Choose: TypeAlias = Callable[[Iterable[Row]], Sequence[Row]]
_of = attrgetter("order")


class Order:
    """Never changed: who looks at it may go on while the board makes the next one."""

    def __init__(
        self,
        rows: Sequence[Row] = (),
        states: Counter[str] | None = None,
        wakes: Counter[Instant] | None = None,
    ) -> None:
        self.rows = rows
        self.states: Counter[str] = states or Counter()
        """How many are in which."""
        self._wakes: Counter[Instant] = wakes or Counter()
        """How many of those asleep outside their hours go on when."""
        self._parts: dict[Hashable, _Part] = {}
        self._provisional: int | None = None

    def after(self, gone: Collection[Row], fresh: Collection[Row]) -> "Order":
        """The order without some rows and with others."""
        rows = _merged(self.rows, gone, fresh)
        states, wakes = self.states.copy(), self._wakes.copy()
        states.subtract(row.state for row in gone)
        states.update(row.state for row in fresh)
        wakes.subtract(row.wakes_at for row in gone if row.wakes_at is not None)
        wakes.update(row.wakes_at for row in fresh if row.wakes_at is not None)
        new = Order(rows, states, +wakes)
        left, come = set(gone), set(fresh)
        for name, part in list(self._parts.items()):  # whoever looks meanwhile may add one
            if part.unasked < _KEPT:
                new._parts[name] = part.after(left, come)
        return new

    def part(self, name: Hashable, choose: Choose) -> Sequence[Row]:
        """Those of the rows that `choose` chooses, in their order. It must go by the rows alone: who asks
        again is given the same, brought up to date by what has gone and come. `name`: equal for equal
        choices."""
        known = self._parts.get(name)
        part = _Part(choose, choose(self.rows)) if known is None else known.now()
        if known is not None or len(self._parts) < _MOST_PARTS:
            self._parts[name] = part
        return part.rows

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
        return min(self._wakes, default=NEVER)


class _Part(NamedTuple):
    """Rows that somebody looks at."""

    choose: Choose
    rows: Sequence[Row]
    gone: AbstractSet[Row] = frozenset()
    """What has gone, of all rows, since somebody asked."""
    fresh: AbstractSet[Row] = frozenset()
    """What has come since, and is there."""
    unasked: int = 0
    """For how many orders nobody has asked."""

    def after(self, gone: set[Row], fresh: set[Row]) -> "_Part":
        return _Part(
            self.choose, self.rows, self.gone | gone, (self.fresh - gone) | fresh, self.unasked + 1
        )  # fmt: skip

    def now(self) -> "_Part":
        """Up to date."""
        if not self.gone and not self.fresh:
            return _Part(self.choose, self.rows)
        return _Part(self.choose, _merged(self.rows, self.gone, self.choose(self.fresh)))


def _merged(rows: Sequence[Row], gone: Collection[Row], fresh: Collection[Row]) -> list[Row]:
    """Sorted rows without some and with others."""
    left = [row for row in rows if row not in gone] if gone else list(rows)
    if len(fresh) > _FEW:  # two sorted runs: sorting them merges them
        left += sorted(fresh, key=_of)
        left.sort(key=_of)
    else:
        for row in fresh:
            insort(left, row, key=_of)
    return left


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
