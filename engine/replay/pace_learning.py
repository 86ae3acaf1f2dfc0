"""Learns from recorded verdicts what becomes of open clocks, and holds that against what came later."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.core.deadlines import ACTION, COMMITMENT
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.pace import STAGES, Kind, KindName, Pace, stages_passed
from engine.core.policy import AUDIENCES
from engine.replay.changes import by_clock
from engine.replay.recorded_outcomes import Recorded
from engine.replay.verdicts import verdicts

PLAIN_PERCENT = 75
"""What pace is held against: a threshold that takes every clock past this share for one that will breach."""

NO_CLOCKS = frozenset({COMMITMENT, ACTION, *(f"{audience}_update" for audience in AUDIENCES)})
"""Metrics that a pace does not know: their budgets are each another, by a date or a time that was stated."""


class Ending(NamedTuple):
    """One cycle of a clock that is over."""

    metric: str
    severity: str
    started: Instant
    due: Instant
    """When it is due; stopped in a pause, when it would at the earliest have been."""
    stages: int
    """At how many of STAGES it was open."""
    name: str
    """met, breached, or left_out."""


def endings(verdicts: Iterable[Outcome]) -> Iterator[Ending]:
    """The cycles of one escalation that its standing verdicts tell of.

    A cycle counts once: by its breach, where one stands; else by its last verdict, since a reopened clock
    goes on in its cycle. Cancelled and waived ones are left out.
    """
    for said in by_clock(verdicts).values():
        in_order = sorted(said, key=lambda one: (one.effective_at, one.elapsed))
        last = next((one for one in in_order if one.name == "breached"), in_order[-1])
        stages = stages_passed(last)
        if last.metric in NO_CLOCKS or stages is None or last.started_at is None or last.target is None:
            continue
        name = {"met": "met", "breached": "breached", "stopped_late": "breached"}.get(last.name, "left_out")
        left = max(0, last.target - last.elapsed)
        due = last.effective_at + left if last.due_at is None else last.due_at
        yield Ending(last.metric, last.severity, last.started_at, Instant(due), stages, name)


class Lesson:
    """Counts what became of the clocks of a span of time. Complete when `take` has ended."""

    def __init__(self, since: Instant | None = None, until: Instant | None = None) -> None:
        """Clocks that started at or after `since`, as known at `until` (None: at the last outcome)."""
        self.first: Instant | None = None
        """When the first of the cases started."""
        self.until = Instant(0) if until is None else until
        self.too_young = 0
        """Clocks that are due after `until`: of their time only those that ended soon are known."""
        self.recorded = Recorded(None)
        self._since = since
        self._is_open_ended = until is None
        self._counts: dict[KindName, list[int]] = {}

    def take(self, outcomes: Iterable[Outcome]) -> None:
        """Count them, in whatever order they come."""
        for answers in self.recorded.run(self._in_time(outcomes)):  # has read all before it answers
            for ending in endings(verdicts(answers.known)):
                self._count(ending)

    def kinds(self) -> dict[KindName, Kind]:
        """What was counted, by metric and severity."""
        return {
            name: Kind(cases, breached, left_out, tuple(opened))
            for name, (cases, breached, left_out, *opened) in sorted(self._counts.items())
        }

    def _in_time(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        for one in outcomes:
            if self._is_open_ended:
                self.until = max(self.until, one.effective_at)
            if one.effective_at <= self.until:
                yield one

    def _count(self, ending: Ending) -> None:
        """Only what is due by `until`, not all that ended by then: of the clocks that began shortly before it
        those that were met are known, and those that will breach are not."""
        if self._since is not None and ending.started < self._since:
            return
        if ending.due > self.until:
            self.too_young += 1
            return
        counts = self._counts.setdefault((ending.metric, ending.severity), [0] * (3 + len(STAGES)))
        if ending.name == "left_out":
            counts[2] += 1
            return
        if self.first is None or ending.started < self.first:
            self.first = ending.started
        breached = ending.name == "breached"
        counts[0] += 1
        counts[1] += breached
        for stage in range(len(STAGES) if breached else ending.stages):
            counts[3 + stage] += 1


class Score(NamedTuple):
    """Three forecasters over the same later clocks. A Brier score is the mean squared error of a probability:
    0 for a prophet, 0.25 for who always says one half."""

    cases: int
    breached: int
    forecasts: int
    """One a clock and stage at which it was open, where the pace claims something."""
    pace: float
    threshold: float
    """Of who says at PLAIN_PERCENT, and from there on, that it will breach, and before that it will not."""
    base_rate: float
    """Of who says at every stage what share of all earlier cases breached."""
    warns_at: int | None
    """Percent; None where the pace never warns."""
    warned: int
    """Clocks that the pace warned of, as many as were open there; all that breached are among them."""
    warned_plainly: int
    """Clocks that the threshold warned of."""


def score(pace: Pace, learned: Kind, later: Kind) -> Score | None:
    """A kind held against later cases of it; None where no forecast can be judged."""
    forecasts, by_pace, by_threshold, by_base_rate = 0, 0.0, 0.0, 0.0

    def error(probability: float, opened: int) -> float:
        """Squared, over all that were open; `later.breached` of them breached."""
        return later.breached * (1 - probability) ** 2 + (opened - later.breached) * probability**2

    for stage, percent in enumerate(STAGES):
        chance = pace.at_stage(learned, stage)
        if chance is None:
            continue
        opened = later.open[stage]
        forecasts += opened
        by_pace += error(chance.probability, opened)
        by_threshold += error(float(percent >= PLAIN_PERCENT), opened)
        by_base_rate += error(learned.breached / learned.cases, opened)
    if not forecasts:
        return None
    warns_at = pace.warns_at(learned)
    return Score(
        later.cases,
        later.breached,
        forecasts,
        by_pace / forecasts,
        by_threshold / forecasts,
        by_base_rate / forecasts,
        warns_at,
        0 if warns_at is None else later.open[STAGES.index(warns_at)],
        later.open[STAGES.index(PLAIN_PERCENT)],
    )


def scores(pace: Pace, later: dict[KindName, Kind]) -> dict[KindName, Score]:
    """Of every kind of which the pace claims something."""
    found = {name: score(pace, pace.kinds[name], kind) for name, kind in later.items() if name in pace.kinds}
    return {name: one for name, one in found.items() if one is not None}
