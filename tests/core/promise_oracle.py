"""The lives of promises and action items, minute by minute: slow, easy to believe.

It follows the rules as they are told in words, and imports nothing of the engine.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from clock_oracle import Event, Life, Target, as_heard

A_DAY = 1_440
GRAVEST_FIRST = ("P0", "P1", "P2", "P3")


class Promised(NamedTuple):
    """What is owed."""

    percents: Sequence[int]
    """When a promise is at risk: of the time from when it was made to when it is due."""
    leads: Sequence[int]
    """The same, in minutes before it is due."""
    action_leads: Sequence[int]
    budgets: Mapping[str, Target]
    """Of action items that name no date, by severity."""


class Kept(NamedTuple):
    """What is said of a promise or an item."""

    name: str
    minute: int
    due: int
    of: str
    cycle: int
    elapsed: int
    detail: str = ""
    """The threshold, the reason, or how many days in a row."""


class Deadline:
    """One promise or item, under its id."""

    def __init__(self, oracle: "PromiseOracle", of: str) -> None:
        self.oracle = oracle
        self.of = of
        self.is_action = of.startswith("action")
        self.open = False
        self.missed = False
        self.made = self.due = self.floor = self.cycle = 0
        self.warnings: list[tuple[int, str]] = []

    def say(self, name: str, minute: int, detail: str = "") -> None:
        elapsed = max(0, minute - self.made)
        self.oracle.said.append(Kept(name, minute, self.due, self.of, self.cycle, elapsed, detail))

    def make(self, minute: int, due: int) -> None:
        """Made again while it is open, it is given another time."""
        if self.open:
            self.move(minute, due)
        else:
            self.open = True
            self.begin(minute)
            self.aim(minute, due)

    def move(self, minute: int, due: int) -> None:
        """Before it is due, it moves; after that the miss stays, its cycle is over, and the new time is the
        next one."""
        if self.open and due != self.due:
            if self.missed:
                self.say("cancelled", minute, "renegotiated")
                self.begin(minute)
            self.aim(minute, due)

    def begin(self, minute: int) -> None:
        self.cycle += 1
        self.made = minute
        self.missed = False

    def aim(self, minute: int, due: int) -> None:
        self.due = due
        self.floor = max(minute, self.oracle.opened)
        self.warnings = self.oracle.warnings_of(self)

    def settle(self, name: str, minute: int, detail: str = "") -> None:
        if self.open:
            self.open = False
            self.say(name, minute, detail)

    def miss(self, by: int) -> None:
        """Where it was due at `by` or before."""
        if self.open and not self.missed and by >= self.due:
            self.missed = True
            self.say("breached" if self.is_action else "commitment_missed", self.due)

    def judge(self, minute: int) -> None:
        """After all that happened at this minute."""
        if not self.open:
            return
        self.miss(minute)
        days, rest = divmod(minute - self.due, A_DAY)
        if self.missed and self.is_action and days > 0 and not rest and minute > self.floor:
            self.say("overdue", minute, str(days))
        if not self.missed and minute >= self.floor:
            reached = [label for at, label in self.warnings if at <= minute]
            self.warnings = [one for one in self.warnings if one[0] > minute]
            for label in reached[-1:] if minute == self.floor else reached:
                self.say("breach_risk", minute, label)


class PromiseOracle:
    def __init__(self, terms: Promised, life: Life, calendars: Mapping[str, Callable[[int], bool]]) -> None:
        self.terms = terms
        self.opened = life.opened
        self.events = as_heard(sorted(life.events, key=lambda e: (e.minute, _PLACE[e.verb], e)))
        self.calendars = calendars
        self.gravest = self.severity = life.severity
        self.status = "open"
        self.deadlines: dict[str, Deadline] = {}
        self.said: list[Kept] = []

    def run(self, until: int) -> list[Kept]:
        events = iter(self.events)
        event = next(events, None)
        for minute in range(min([self.opened, *(e.minute for e in self.events)]), until):
            while event is not None and event.minute == minute:
                if self.status != "merged":
                    self._happens(event)
                event = next(events, None)
            for deadline in self.deadlines.values():
                deadline.judge(minute)
        return self.said

    def warnings_of(self, deadline: Deadline) -> list[tuple[int, str]]:
        terms, whole = self.terms, deadline.due - deadline.made
        percents = () if deadline.is_action else terms.percents
        leads = terms.action_leads if deadline.is_action else terms.leads
        found = [(whole * p // 100, f"{p}%") for p in percents]
        found += [(whole - lead, f"{lead}m before due") for lead in leads]
        return sorted((deadline.made + after, label) for after, label in found if 0 < after < whole)

    def _happens(self, event: Event) -> None:
        minute, verb = event.minute, event.verb
        for deadline in self.deadlines.values():
            deadline.miss(minute - 1)  # due before it was made, it is over at the next of one instant
        of, _, stated = event.value.partition(" ")
        if verb == "updated":
            self.severity = event.value
            if self.status != "cancelled":
                self._grade()
        elif verb in ("cancelled", "merged"):
            self.status = verb
            for deadline in self.deadlines.values():
                deadline.settle("cancelled", minute, "merged" if verb == "merged" else "spam")
        elif verb == "waived":
            for deadline in self.deadlines.values():
                if deadline.of.startswith(of):
                    deadline.settle("waived", minute, "agreed")
        elif verb in ("reopened", "resolved", "closed"):
            self.status = "open"
            self._grade()
        elif verb != "paused":
            self._told(minute, verb, of, int(stated) if stated else None)

    def _grade(self) -> None:
        self.gravest = min(self.gravest, self.severity, key=GRAVEST_FIRST.index)

    def _told(self, minute: int, verb: str, of: str, due: int | None) -> None:
        deadline = self.deadlines.get(of)
        if verb in ("commitment_made", "action_opened"):
            is_open = deadline is not None and deadline.open
            if due is None and not is_open and (target := self.terms.budgets.get(self.gravest)):
                due = self._reached(minute, target)
            elif due is None and not is_open and deadline is not None:
                due = deadline.due  # done, and opened again
            if due is not None:
                self.deadlines.setdefault(of, Deadline(self, of)).make(minute, due)
        elif deadline is None:
            return
        elif verb == "commitment_renegotiated" and due is not None:
            deadline.move(minute, due)
        elif verb in ("commitment_kept", "action_completed"):
            deadline.settle("stopped_late" if deadline.missed else "met", minute)
        elif verb in ("commitment_withdrawn", "action_cancelled"):
            reason = "cancelled" if deadline.is_action else "withdrawn"
            deadline.settle("cancelled", minute, reason)

    def _reached(self, minute: int, target: Target) -> int:
        left, is_open = target.budget, self.calendars[target.calendar]
        while left > 0:
            left -= is_open(minute)
            minute += 1
        return minute


_PLACE = {
    **dict.fromkeys(
        [
            *("resolved", "closed", "cancelled", "merged", "waived", "commitment_kept"),
            *("commitment_withdrawn", "action_completed", "action_cancelled"),
        ],
        0,
    ),
    "paused": 1,
    **dict.fromkeys(["reopened", "commitment_made", "action_opened"], 2),
    **dict.fromkeys(["updated", "commitment_renegotiated"], 3),
}
"""Of what happens at one instant: what stops, what pauses, what starts, all else."""
