"""What a backtest of the archive found, as one typed answer: sums, kinds of change, and its limits."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, TypeAlias, cast

from pydantic import Field

from engine.console.answers import Answer, Moment, PolicyOf
from engine.core.recurrence import is_pattern
from engine.replay.backtesting import Backtest
from engine.replay.changes import FAILED, Change, Verdicts, in_json
from engine.replay.summing import Affected, Sums

BEFORE, AFTER = "before", "after"
BETTER, WORSE, OTHER = "better", "worse", "other"
Way: TypeAlias = Literal["better", "worse", "other"]
MOST_KINDS, MOST_CUSTOMERS, MOST_VERDICTS = 200, 50, 10
"""What is kept: of each way, of all, of each side of an example."""


class SideTold(Answer):
    """Policies that were judged by, as if they had always been in force."""

    key: str = Field(description="in-force, candidate, or NAME@VERSION: that version, all else as in force.")
    label: str
    policies: list[PolicyOf]


class Verdict(Answer):
    outcome: str
    effective_at: Moment
    elapsed_seconds: float
    due_at: Moment | None = None
    target_seconds: float | None = None
    reason: str = ""


class Example(Answer):
    """One clock by both sides: the first verdicts of each; a side without one is empty."""

    subject: str
    metric: str
    cycle: int
    severity: str
    key: str = ""
    customer: str = ""
    team: str = ""
    before: list[Verdict]
    after: list[Verdict]


class ChangeKind(Answer):
    """From which verdicts to which, for how many clocks."""

    metric: str
    severity: str
    before: list[str] = Field(
        description="The verdicts in the order of time, of equals in a row one; none: nothing is settled."
    )
    after: list[str]
    way: Way = Field(description="better: fewer of them are breaches and misses; worse: more; else other.")
    clocks: int
    missed_before: int = Field(description="Breaches and misses of these clocks.")
    missed_after: int
    example: Example


class Said(Answer):
    """How often each side says an outcome, warnings among them."""

    metric: str
    severity: str
    outcome: str
    before: int
    after: int


class Changed(Answer):
    """Clocks with another verdict, of a metric and severity."""

    metric: str
    severity: str
    clocks: int
    better: int
    worse: int
    other: int
    missed_before: int = Field(description="Breaches and misses in all, by the policies before.")
    missed_after: int


class Customer(Answer):
    """Clocks with another verdict, of one customer."""

    customer: str
    clocks: int
    better: int
    worse: int
    other: int
    missed_before: int = Field(description="Breaches and misses of these clocks.")
    missed_after: int


class Limits(Answer):
    """What the numbers do not cover."""

    before_period: int = Field(description="Escalations that opened earlier and went on in the period.")
    without_opening: int = Field(description="Escalations whose opening the archive does not have.")
    removed: int = Field(description="Escalations that retention took out of the archive, ever.")
    archive_from: Moment | None = Field(description="The earliest opening of the archive.")
    still_open: int = Field(description="Judged escalations with clocks that may yet run: no verdict there.")
    unused_facts: dict[str, int] = Field(description="Events that changed nothing, by reason.")
    unclassified_before: int = Field(description="Escalations that no policy takes.")
    unclassified_after: int
    only_before: list[str] = Field(description="Metrics that only the policies before owe.")
    only_after: list[str]


class Found(Answer):
    """All that came of it."""

    events: int
    escalations: int = Field(description="Opened in the period.")
    until: Moment = Field(description="Judged as of then: the latest event that the archive has.")
    differ: int = Field(description="Clocks with another verdict.")
    better: int
    worse: int
    same_verdict_other_figures: int = Field(description="Clocks with the same verdict and another due time.")
    said: list[Said]
    changed: list[Changed]
    kinds: list[ChangeKind] = Field(description=f"The commonest {MOST_KINDS} of each way, worse first.")
    kinds_in_all: int
    customers: list[Customer] = Field(description=f"The {MOST_CUSTOMERS} with most of these clocks.")
    customers_in_all: int
    limits: Limits


class Ways:
    """Counts, while changes go by, in which direction the clocks of each customer went, and how many of their
    verdicts are misses."""

    def __init__(self) -> None:
        self.customers: dict[str, Counter[str]] = {}

    def watch(self, changes: Iterable[Change]) -> None:
        """Take all of them."""
        for change in changes:
            if change.is_verdict and change.who.customer_id:
                before, after = change.says
                counted = self.customers.setdefault(change.who.customer_id, Counter())
                counted[way(before, after)] += 1
                counted[BEFORE] += missed(before)
                counted[AFTER] += missed(after)


def missed(verdicts: Verdicts) -> int:
    """How many of them are breaches and misses."""
    return sum(one in FAILED for one in verdicts)


def way(before: Verdicts, after: Verdicts) -> Way:
    """Whether more or fewer of the verdicts are breaches and misses."""
    more = missed(after) - missed(before)
    if more == 0:
        return "other"
    return "worse" if more > 0 else "better"


def found(backtest: Backtest, ways: Ways, limits: Limits) -> Found:
    """Of a backtest that has run."""
    sums = backtest.sums
    kinds = sorted(_kinds(sums), key=lambda one: (_ORDER[one.way], -one.clocks, one.metric))
    total = Counter[str]()
    for one in kinds:
        total[one.way] += one.clocks
    return Found(
        events=backtest.counts.events,
        escalations=sum(not is_pattern(one) for one in backtest.counts.subjects),
        until=backtest.until,
        differ=sums.changed,
        better=total[BETTER],
        worse=total[WORSE],
        same_verdict_other_figures=sums.moved.total(),
        said=[
            Said(metric=metric, severity=severity, outcome=name, before=before, after=after)
            for metric, severity, name, before, after in sums.said()
        ],
        changed=list(_changed(kinds, sums)),
        kinds=[one for name in _ORDER for one in [each for each in kinds if each.way == name][:MOST_KINDS]],
        kinds_in_all=len(kinds),
        customers=[_customer(one, ways) for one in sums.customers[:MOST_CUSTOMERS]],
        customers_in_all=len(sums.customers),
        limits=limits,
    )


_ORDER = {WORSE: 0, BETTER: 1, OTHER: 2}


def _kinds(sums: Sums) -> Iterator[ChangeKind]:
    """One for 200 and for 201 misses in a row: how many there were is counted."""
    counted: dict[tuple[str, str, Verdicts, Verdicts, Way], Counter[str]] = {}
    examples: dict[tuple[str, str, Verdicts, Verdicts, Way], Change] = {}
    for kind, clocks in sorted(sums.kinds.items(), key=lambda pair: -pair[1]):
        metric, severity, before, after = kind
        key = metric, severity, _in_a_row(before), _in_a_row(after), way(before, after)
        examples.setdefault(key, sums.examples[kind])
        counted.setdefault(key, Counter()).update(
            {"clocks": clocks, BEFORE: clocks * missed(before), AFTER: clocks * missed(after)}
        )
    for key, numbers in counted.items():
        metric, severity, before, after, direction = key
        yield ChangeKind(
            metric=metric, severity=severity, before=list(before), after=list(after), way=direction,
            clocks=numbers["clocks"], missed_before=numbers[BEFORE], missed_after=numbers[AFTER],
            example=_example(examples[key]),
        )  # fmt: skip


def _in_a_row(verdicts: Verdicts) -> Verdicts:
    return tuple(name for name, _ in groupby(verdicts))


def _example(change: Change) -> Example:
    told = in_json(change, BEFORE, AFTER)
    return Example.model_validate(
        told | {side: cast(list[object], told[side])[:MOST_VERDICTS] for side in (BEFORE, AFTER)}
    )


def _changed(kinds: Iterable[ChangeKind], sums: Sums) -> Iterator[Changed]:
    counted: dict[tuple[str, str], Counter[str]] = {}
    for one in kinds:
        counted.setdefault((one.metric, one.severity), Counter())[one.way] += one.clocks
    for (metric, severity), ways in sorted(counted.items()):
        before, after = (
            sum(side[metric, severity, one] for one in FAILED) for side in (sums.left, sums.right)
        )
        yield Changed(
            metric=metric, severity=severity, clocks=ways.total(),
            better=ways[BETTER], worse=ways[WORSE], other=ways[OTHER],
            missed_before=before, missed_after=after,
        )  # fmt: skip


def _customer(one: Affected, ways: Ways) -> Customer:
    counted = ways.customers[one.name]
    return Customer(
        customer=one.name, clocks=one.clocks,
        better=counted[BETTER], worse=counted[WORSE], other=counted[OTHER],
        missed_before=counted[BEFORE], missed_after=counted[AFTER],
    )  # fmt: skip
