"""Which clocks a reader wants to see: read from the address, so that a view can be sent to somebody."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.console.rows import ASLEEP, AT_RISK, BREACHED, RUNNING, UNKNOWN, UPDATES, Row
from engine.core.instants import MINUTE, Instant
from engine.core.policy import SEVERITIES

SOON = 15 * MINUTE
_STATES = {
    "breached": {BREACHED},
    "at-risk": {AT_RISK},
    "unknown": {UNKNOWN},
    "running": {AT_RISK, RUNNING},
    "asleep": ASLEEP,
}
KINDS = {"updates": UPDATES, "promises": frozenset({"commitment"}), "actions": frozenset({"action"}),
          "rca": frozenset({"rca_summary", "rca_final", "pir"})}  # fmt: skip
_LONGEST = 200


class BadFilter(ValueError):
    """The address asks for what there is not; the message names the field and what was expected."""


class Filter(NamedTuple):
    """Every field narrows; an empty one does not."""

    state: str = ""
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
        if given.state and given.state not in _STATES:
            raise BadFilter(f"state: expected {', '.join(_STATES)}, not {given.state!r}")
        if given.due not in ("", "15m"):
            raise BadFilter(f"due: expected 15m, not {given.due!r}")
        for one in given.severities:
            if one not in SEVERITIES:
                raise BadFilter(f"sev: expected some of {', '.join(SEVERITIES)}, not {one!r}")
        return given

    @property
    def severities(self) -> list[str]:
        return [one for one in self.sev.split(",") if one]

    def shows(self, row: Row, me: str, now: Instant) -> bool:
        """Whether a clock is wanted; `me` is the reader's name."""
        view = row.view
        return (
            (not self.state or row.state in _STATES[self.state])
            and (not self.due or is_soon(row, now))
            and (not self.sev or view.severity in self.severities)
            and (not self.metric or view.metric in KINDS.get(self.metric, (self.metric,)))
            and (not self.team or view.team == self.team)
            and (not self.owner or _is_owned(view.owner, self.owner, me))
            and (not self.q or self._finds(row))
        )

    def _finds(self, row: Row) -> bool:
        view, sought = row.view, self.q.casefold()
        return any(
            sought in text.casefold()
            for text in (view.customer_name, view.title, view.subject, view.owner, view.text)
        )


def is_soon(row: Row, now: Instant) -> bool:
    """Runs, and is due within 15 minutes."""
    due = row.view.due_at
    return row.state in (AT_RISK, RUNNING) and due is not None and due - now <= SOON


def _is_owned(owner: str, wanted: str, me: str) -> bool:
    if wanted == "none":
        return not owner
    return bool(owner) and owner == (me if wanted == "me" else wanted)
