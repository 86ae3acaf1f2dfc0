"""Which clocks a reader wants to see: read from the address, so that a view can be sent to somebody."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.console.order import SOON, Order
from engine.console.rows import ASLEEP, AT_RISK, BREACHED, RUNNING, UNKNOWN, UPDATES, Row
from engine.core.instants import NEVER, Instant
from engine.core.policy import SEVERITIES

PROVISIONAL = "provisional"
_STATES = {
    "breached": {BREACHED},
    "at-risk": {AT_RISK},
    "unknown": {UNKNOWN},
    "running": {AT_RISK, RUNNING},
    "asleep": ASLEEP,
    PROVISIONAL: frozenset(),
}
KINDS = {"updates": UPDATES, "promises": frozenset({"commitment"}), "actions": frozenset({"action"}),
          "rca": frozenset({"rca_summary", "rca_final", "pir"})}  # fmt: skip
_LONGEST = 200


class BadFilter(ValueError):
    """The address asks for what there is not; the message names the field and what was expected."""


class Filter(NamedTuple):
    """Every field narrows; an empty one does not."""

    state: str = ""
    """Separated by commas."""
    due: str = ""
    """`15m`: within 15 minutes."""
    owner: str = ""
    """`me`, `none`, or a name."""
    sev: str = ""
    """Separated by commas."""
    metric: str = ""
    """updates, promises, actions, rca, or a clock's name."""
    team: str = ""
    q: str = ""
    """In the customer's name, the title, the subject or the owner."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filter":
        """Of an address; what else is in it is not for us. BadFilter."""
        given = cls(**{name: query[name].strip() for name in cls._fields if name in query})
        for name, value in zip(cls._fields, given, strict=True):
            if len(value) > _LONGEST:
                raise BadFilter(f"{name}: at most {_LONGEST} characters")
        for one in given.states:
            if one not in _STATES:
                raise BadFilter(f"state: expected some of {', '.join(_STATES)}, not {one!r}")
        if given.due not in ("", "15m"):
            raise BadFilter(f"due: expected 15m, not {given.due!r}")
        for one in given.severities:
            if one not in SEVERITIES:
                raise BadFilter(f"sev: expected some of {', '.join(SEVERITIES)}, not {one!r}")
        return given

    @property
    def states(self) -> list[str]:
        return [one for one in self.state.split(",") if one]

    @property
    def severities(self) -> list[str]:
        return [one for one in self.sev.split(",") if one]

    def part_of(self, order: Order, me: str, now: Instant) -> Sequence[Row]:
        """Those of the board that are wanted, as `among`, kept for who looks again: only `due` goes by the
        time."""
        lasting, rows = self._replace(due=""), order.rows
        if any(lasting):
            name = lasting, me if self.owner == "me" else ""
            rows = order.part(name, lambda some: lasting.among(some, me, NEVER))  # no time is asked for
        return rows if not self.due else [row for row in rows if is_soon(row, now)]

    def among(self, rows: Iterable[Row], me: str, now: Instant) -> list[Row]:
        """Those that are wanted, in their order; `me` is the reader's name."""
        for check in self._checks(me, now):
            rows = filter(check, rows)
        return list(rows)

    def _checks(self, me: str, now: Instant) -> Iterator[Callable[[Row], bool]]:
        """One a field that narrows."""
        if self.state:
            states = {state for one in self.states for state in _STATES[one]}
            doubts = PROVISIONAL in self.states
            yield lambda row: row.state in states or (doubts and row.is_provisional)
        if self.sev:
            severities = set(self.severities)
            yield lambda row: row.view.severity in severities
        if self.metric:
            metrics = KINDS.get(self.metric, (self.metric,))
            yield lambda row: row.view.metric in metrics
        if self.team:
            yield lambda row: row.view.team == self.team
        if self.owner:
            yield lambda row: _is_owned(row.view.owner, self.owner, me)
        if self.due:
            yield lambda row: is_soon(row, now)
        if sought := self.q.casefold():
            yield lambda row: sought in row.sought


def is_soon(row: Row, now: Instant) -> bool:
    """Runs, and is due within 15 minutes."""
    due = row.view.due_at
    return row.state in (AT_RISK, RUNNING) and due is not None and due - now <= SOON


def _is_owned(owner: str, wanted: str, me: str) -> bool:
    if wanted == "none":
        return not owner
    return bool(owner) and owner == (me if wanted == "me" else wanted)
