"""Sums what differs between two sides: by metric and severity, by customer and team, with an example each."""

from collections import Counter
from typing import NamedTuple, TypeAlias

from engine.core.outcomes import Outcome
from engine.replay.changes import FAILED, Change, Verdicts
from engine.replay.tally import Cell
from engine.replay.verdicts import answer

Kind: TypeAlias = tuple[str, str, Verdicts, Verdicts]
"""Metric, severity, the verdicts of both sides."""


class Affected(NamedTuple):
    """A customer or a team, and how many of its clocks differ."""

    name: str
    clocks: int
    failed_left: int
    """Of these clocks: breached, or missed, by the left side."""
    failed_right: int


class Sums:
    """Grows with kinds of change, customers and teams, never with events."""

    def __init__(self) -> None:
        self.left: Counter[Cell] = Counter()
        """What was said, by metric, severity and name."""
        self.right: Counter[Cell] = Counter()
        self.changed = 0
        """Clocks whose verdicts differ."""
        self.moved: Counter[tuple[str, str, str]] = Counter()
        """Clocks with the same verdicts and other figures, by metric, severity and the first such figure."""
        self.kinds: Counter[Kind] = Counter()
        self.examples: dict[Kind, Change] = {}
        """The first of each kind, in the order of subjects."""
        self._customers: dict[str, list[int]] = {}
        self._teams: dict[str, list[int]] = {}

    def count(self, left: list[Outcome], right: list[Outcome]) -> None:
        """What both sides said of one escalation."""
        self.left.update((one.metric, one.severity, answer(one)) for one in left)
        self.right.update((one.metric, one.severity, answer(one)) for one in right)

    def add(self, change: Change) -> None:
        who = change.who
        if not change.is_verdict:
            self.moved[who.metric, who.severity, change.figures[0]] += 1
            return
        left, right = change.says
        self.changed += 1
        kind = (who.metric, who.severity, left, right)
        self.kinds[kind] += 1
        self.examples.setdefault(kind, change)
        failed = (1, not FAILED.isdisjoint(left), not FAILED.isdisjoint(right))
        for names, name in ((self._customers, who.customer_id), (self._teams, who.team)):
            if name:
                sums = names.setdefault(name, [0, 0, 0])
                for place, number in enumerate(failed):
                    sums[place] += number

    @property
    def customers(self) -> list[Affected]:
        """The most affected first."""
        return _ranked(self._customers)

    @property
    def teams(self) -> list[Affected]:
        return _ranked(self._teams)

    def said(self) -> list[tuple[str, str, str, int, int]]:
        """Metric, severity, name, and how often each side said it."""
        cells = sorted(self.left.keys() | self.right.keys())
        return [(*cell, self.left[cell], self.right[cell]) for cell in cells]

    def ranked(self) -> list[tuple[Kind, int]]:
        """The kinds of change, of each metric the commonest first."""
        return sorted(self.kinds.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0]))


def _ranked(sums: dict[str, list[int]]) -> list[Affected]:
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1][0], pair[0]))
    return [Affected(name, *numbers) for name, numbers in ranked]
