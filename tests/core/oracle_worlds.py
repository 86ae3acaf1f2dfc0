"""Random lives of an escalation, told to the core as facts and to an oracle that steps the minutes."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from calendar_comparison import Mismatch, calendar_of, every, random_hours
from calendar_oracle import MINUTES_A_DAY, MinuteOracle, Schedule
from clock_oracle import Event, Life, Target
from core_runs import Engine

from engine.core import policy as rules
from engine.core.calendars import AlwaysOpen
from engine.core.facts import Fact, Value
from engine.core.hours import WEEKDAYS
from engine.core.instants import MINUTE, Instant, Span
from engine.core.outcomes import Outcome
from engine.core.policy import AROUND_THE_CLOCK, SEVERITIES, Book, Policy
from engine.core.standing import standing
from plain_calendars import weekly

A_WORLD = 20
"""Lives in a world."""
DAYS, AHEAD = 5, 30
"""How long a life is watched, and how far the oracle's calendars reach after it."""
PLACES = [
    # zone, a day on which its clocks change, or which is odd otherwise, in a week that a life is led in
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Asia/Kathmandu", date(2026, 6, 10)),
    ("Asia/Almaty", date(2024, 3, 1)),  # for good: another standard time, the day after a leap day
    ("Europe/Berlin", date(2028, 2, 29)),
    ("America/St_Johns", date(2026, 12, 31)),
]
OVERRUNS = (0, 20, 60, 120, 480)
_EPOCH = date(1970, 1, 1)


class World(ABC):
    """One policy with two business calendars, drawn by a seed, and random lives under it.

    Whatever is said of a life, by the minutes or by the core, is a tuple with a `minute` and a `due`.
    """

    kind: str
    """Its name in VIGIL_ORACLE_ONLY."""
    terms: Any

    def __init__(self, seed: int) -> None:
        self.seed = seed
        chance = random.Random(f"world {seed}")  # noqa: S311  # a seed, so that a failure comes back
        zone, day = chance.choice(PLACES)
        first_day = day - timedelta(days=5)
        self.first = (first_day - _EPOCH).days * MINUTES_A_DAY + 2 * MINUTES_A_DAY
        schedules = {
            "office": Schedule(_enough_hours(chance), holidays=frozenset([day + timedelta(days=1)])),
            "nights": Schedule(every(WEEKDAYS, [chance.choice(["20:00-04:00", "22:00-02:30"])])),
        }
        oracles = {
            name: MinuteOracle(zone, [schedule], first_day, 2 + DAYS + AHEAD)
            for name, schedule in schedules.items()
        }
        self.calendars: dict[str, Callable[[int], bool]] = {
            AROUND_THE_CLOCK: lambda minute: True,
            **{name: oracle.is_open for name, oracle in oracles.items()},
        }
        names = [[AROUND_THE_CLOCK], ["office"], ["office", "nights"], [AROUND_THE_CLOCK, "office", "nights"]]
        self.terms = self.draw_terms(chance, chance.choice(names))
        indexes = {name: calendar_of(zone, [schedule]) for name, schedule in schedules.items()}
        self.book = Book((self.policy(),), {AROUND_THE_CLOCK: AlwaysOpen(), **indexes})

    @abstractmethod
    def draw_terms(self, chance: random.Random, calendars: Sequence[str]) -> Any: ...

    @abstractmethod
    def policy(self) -> Policy:
        """The same terms for the core."""

    @abstractmethod
    def draw(self, chance: random.Random) -> Life: ...

    @abstractmethod
    def tell(self, life: Life) -> list[Any]:
        """What stepping through the minutes says."""

    @abstractmethod
    def data(self, event: Event) -> dict[str, Value]:
        """What the event's fact says."""

    @abstractmethod
    def said(self, outcome: Outcome, life: Life) -> Any:
        """The outcome in the oracle's words."""

    def compare(self, seed: int) -> tuple[Life, list[Any]]:
        """The life and what is said of it. Mismatch where the core says anything else, in order or not."""
        life = self.draw(random.Random(f"life {self.seed} {seed}"))  # noqa: S311
        life = life._replace(events=[one for one in life.events if one.minute < self.until(life)])
        expected = sorted(self.tell(life), key=str)
        for order, chance in (("in order", None), ("shuffled", random.Random(seed))):  # noqa: S311
            found = self.by_the_core(life, chance)
            if found != expected:
                raise Mismatch(
                    f"VIGIL_ORACLE_ONLY='{self.kind} {self.seed} {seed}' shows only this life; told {order}\n"
                    f"{self.terms}\n{_shown(life, expected, found)}"
                )
        return life, expected

    def until(self, life: Life) -> int:
        return life.opened + (DAYS - 1) * MINUTES_A_DAY

    def by_the_core(self, life: Life, chance: random.Random | None = None) -> list[Any]:
        """What stands after the core was told: in order, or as `chance` shuffles it, with ticks between."""
        engine = Engine(self.book)
        facts = self._facts(life)
        if chance is not None:
            chance.shuffle(facts)
        now = Instant(0)
        for fact in facts:
            if chance is not None:
                now = max(now, fact.at)
                engine.tick_until(now)
            engine.take(fact)
        engine.tick_until(Instant(self.until(life) * MINUTE))
        assert not engine.refusals
        return sorted((self.said(outcome, life) for outcome in standing(engine.said)), key=str)

    def _facts(self, life: Life) -> list[Fact]:
        """The opening first, then by the minute."""
        data: dict[str, Value] = {"severity": life.severity, "occurred_at": life.started * MINUTE}
        facts = [_fact(0, life.opened, "opened", data)]
        for number, event in enumerate(sorted(life.events), start=1):
            facts.append(_fact(number, event.minute, event.verb, self.data(event)))
        return facts


def lead(world: Callable[[int], World], lives: int) -> list[tuple[Life, list[Any]]]:
    """So many lives, and what was said of each. Mismatch at the first that the core tells otherwise."""
    worlds = map(world, range(lives // A_WORLD))
    return [one.compare(seed) for one in worlds for seed in range(A_WORLD)]


def draw_targets(
    chance: random.Random, calendars: Sequence[str], budgets: Sequence[int], share: float
) -> dict[str, Target]:
    """For each severity a budget, or with the chance 1 - `share` none."""
    targets = {
        severity: Target(chance.choice(budgets), chance.choice(calendars))
        for severity in SEVERITIES
        if chance.random() < share
    }
    return targets or {"P1": Target(60, calendars[0])}


def targets_of(targets: Mapping[str, Target]) -> dict[str, rules.Target]:
    return {severity: target_of(target) for severity, target in targets.items()}


def target_of(target: Target) -> rules.Target:
    return rules.Target(Span(target.budget * MINUTE), target.calendar)


def draw_credits(
    chance: random.Random, targets: Mapping[str, Target]
) -> dict[str, tuple[tuple[int, int], ...]]:
    """For some severities that are owed anything: minutes of overrun, and what they cost, in percent."""
    return {
        severity: tuple((overrun, chance.choice((5, 10, 25, 50))) for overrun in chance.sample(OVERRUNS, 2))
        for severity in targets
        if chance.random() < 0.5
    }


def credits_of(metric: str, told: Mapping[str, Sequence[tuple[int, int]]]) -> tuple[rules.CreditTier, ...]:
    return tuple(
        rules.CreditTier(metric, (severity,), Span(overrun * MINUTE), float(percent))
        for severity, tiers in told.items()
        for overrun, percent in tiers
    )


def credit_of(outcome: Outcome) -> str:
    """`10%`; empty for what says no credit."""
    return "" if outcome.credit_percent is None else f"{outcome.credit_percent:g}%"


def minutes(micros: int) -> int:
    assert not micros % MINUTE, f"{micros} us are no whole minutes"
    return micros // MINUTE


def _enough_hours(chance: random.Random) -> dict[str, list[str]]:
    """Eight hours a week at least, so that every budget ends where the oracle can see it."""
    while True:
        hours = random_hours(chance)
        if sum(opening.closes - opening.opens for day in weekly(hours) for opening in day) >= 8 * 60:
            return hours


def _fact(number: int, minute: int, verb: str, data: dict[str, Value]) -> Fact:
    at = Instant(minute * MINUTE)
    return Fact("oracle", f"e{number:03}", verb, at, at, "", data)


def _shown(life: Life, expected: Sequence[Any], found: Sequence[Any]) -> str:
    """In minutes after the opening."""
    lines = [f"0 opened {life.severity} started {life.started - life.opened}"]
    lines += [f"{e.minute - life.opened} {e.verb} {e.value}" for e in sorted(life.events)]
    for name, these, others in (("minutes", expected, found), ("core", found, expected)):
        for one in these:
            if one not in others:
                due = None if one.due is None else one.due - life.opened
                lines.append(f"only by the {name}: {one._replace(minute=one.minute - life.opened, due=due)}")
    return "\n".join(lines)
