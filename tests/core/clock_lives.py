"""Random lives of a clock, told to the core as facts, and what it then says in the oracle's words."""

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from calendar_comparison import Mismatch, calendar_of, every, random_hours
from calendar_oracle import MINUTES_A_DAY, MinuteOracle, Schedule
from clock_oracle import ClockOracle, Event, Life, Said, Target, Terms
from core_runs import Engine

from engine.core import policy as rules
from engine.core.calendars import AlwaysOpen
from engine.core.facts import Fact, Value
from engine.core.hours import WEEKDAYS, usual_day, weekly
from engine.core.instants import HOUR, MINUTE, Instant, Span
from engine.core.outcomes import Outcome
from engine.core.policy import AROUND_THE_CLOCK, Book, ClockRule, Level, Policy, Threshold
from engine.core.standing import standing

DAYS, AHEAD = 5, 30
"""How long a life is watched, and how far the oracle's calendars reach after it."""
SEVERITIES = ("P0", "P1", "P2", "P3")
REASONS = ("pending_customer", "pending_vendor", "lunch")
DST = [
    # zone, a day on which its clocks change, in a week that a life is led in
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Asia/Kathmandu", date(2026, 6, 10)),
]
_EPOCH = date(1970, 1, 1)


class World:
    """One policy with two business calendars, drawn by a seed, and random lives under it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        chance = random.Random(f"world {seed}")  # noqa: S311  # a seed, so that a failure comes back
        zone, day = chance.choice(DST)
        first_day = day - timedelta(days=5)
        self.opened = (first_day - _EPOCH).days * MINUTES_A_DAY + 2 * MINUTES_A_DAY
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
        self.terms = _terms(chance)
        self.book = book_of(self.terms, zone, schedules)

    def life(self, seed: int) -> Life:
        """A life whose events lie where something is due as often as anywhere else."""
        chance = random.Random(f"life {self.seed} {seed}")  # noqa: S311
        opened = self.opened + chance.randrange(0, MINUTES_A_DAY, 10)
        started = opened - chance.choice([0, 0, 0, 10, 60, 100, 200, 1000])
        life = Life(opened, started, chance.choice(SEVERITIES), [])
        if chance.random() < 0.3:  # a change at the very time at which the new budget is used up
            severity = chance.choice(list(self.terms.targets))
            at = started + self.terms.targets[severity].budget
            life = life._replace(events=[Event(at, "updated", severity)])
        for _ in range(chance.randint(1, 3)):
            near = [one.due or one.minute for one in self.by_the_minutes(life)] or [opened]
            for _ in range(chance.randint(0, 4)):
                minute = chance.choice(
                    [
                        chance.choice(near) + chance.choice([0, 0, 0, -1, 1]),
                        opened + chance.randrange(0, 300, 10),
                        started + chance.randrange(-30, 300, 10),
                        opened + chance.randrange(0, (DAYS - 2) * MINUTES_A_DAY),
                    ]
                )
                life = life._replace(events=[*life.events, _event(chance, minute)])
        return life

    def until(self, life: Life) -> int:
        return life.opened + (DAYS - 1) * MINUTES_A_DAY

    def compare(self, seed: int) -> tuple[Life, list[Said]]:
        """The life and what is said of it. Mismatch where the core says anything else, in order or not."""
        life = self.life(seed)
        expected = self.by_the_minutes(life)
        for order, chance in (("in order", None), ("shuffled", random.Random(seed))):  # noqa: S311
            found = self.by_the_core(life, chance)
            if found != expected:
                raise Mismatch(
                    f"VIGIL_ORACLE_ONLY='{self.seed} {seed}' shows only this life; told {order}\n"
                    f"{self.terms}\n{self._shown(life, expected, found)}"
                )
        return life, expected

    def _shown(self, life: Life, expected: list[Said], found: list[Said]) -> str:
        """In minutes after the opening."""
        lines = [f"0 opened {life.severity} started {life.started - life.opened}"]
        lines += [f"{e.minute - life.opened} {e.verb} {e.value}" for e in sorted(life.events)]
        for name, list_of in (
            ("only by the minutes", (expected, found)),
            ("only by the core", (found, expected)),
        ):
            for one in list_of[0]:
                if one not in list_of[1]:
                    due = None if one.due is None else one.due - life.opened
                    lines.append(f"{name}: {one._replace(minute=one.minute - life.opened, due=due)}")
        return "\n".join(lines)

    def by_the_minutes(self, life: Life) -> list[Said]:
        return sorted(ClockOracle(self.terms, life, self.calendars).run(self.until(life)), key=str)

    def by_the_core(self, life: Life, chance: random.Random | None = None) -> list[Said]:
        """What stands after the core was told: in order, or as `chance` shuffles it, with ticks between."""
        engine = Engine(self.book)
        facts = facts_of(life)
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
        return sorted(map(said, standing(engine.said)), key=str)


def facts_of(life: Life) -> list[Fact]:
    """The opening first, then by the minute."""
    data: dict[str, Value] = {"severity": life.severity, "occurred_at": life.started * MINUTE}
    facts = [_fact(0, life.opened, "opened", data)]
    for number, event in enumerate(sorted(life.events), start=1):
        field = "severity" if event.verb == "updated" else "reason"
        facts.append(_fact(number, event.minute, event.verb, {field: event.value} if event.value else {}))
    return facts


def _fact(number: int, minute: int, verb: str, data: dict[str, Value]) -> Fact:
    at = Instant(minute * MINUTE)
    return Fact("oracle", f"e{number:03}", verb, at, at, "", data)


def said(outcome: Outcome) -> Said:
    has_due = outcome.name in ("breached", "met") and outcome.due_at is not None
    return Said(
        outcome.name,
        _minutes(outcome.effective_at),
        _minutes(outcome.elapsed),
        _minutes(outcome.due_at) if has_due and outcome.due_at is not None else None,
        outcome.threshold or outcome.reason,
    )


def _minutes(micros: int) -> int:
    assert not micros % MINUTE, f"{micros} us are no whole minutes"
    return micros // MINUTE


def _enough_hours(chance: random.Random) -> dict[str, list[str]]:
    """Eight hours a week at least, so that every budget ends where the oracle can see it."""
    while True:
        hours = random_hours(chance)
        if usual_day(weekly(hours)) * len(hours) >= 8 * HOUR:
            return hours


def _terms(chance: random.Random) -> Terms:
    """Budgets of which 75 % and 90 % are whole minutes; a severity may owe nothing."""
    calendars = chance.choice(
        [[AROUND_THE_CLOCK], ["office"], ["office", "nights"], [AROUND_THE_CLOCK, "office", "nights"]]
    )
    budgets = [20, 40, 60, 60, 100, 120, 240, 480, 960]
    targets = {
        severity: Target(chance.choice(budgets), chance.choice(calendars))
        for severity in SEVERITIES
        if chance.random() < 0.85
    }
    pausing = frozenset(chance.sample(REASONS, chance.choice([1, 1, 2])))
    levels = chance.choice([(), (50, 100), (80, 150)])
    return Terms(
        targets or {"P1": Target(60, "office")}, pausing, chance.choice([(), (75,), (75, 90)]), levels
    )


def _event(chance: random.Random, minute: int) -> Event:
    verb = chance.choice(
        [
            "resolved",
            "resolved",
            "closed",
            *["paused", "resumed"] * 3,
            "reopened",
            "reopened",
            *["updated"] * 3,
        ]
    )
    if verb == "updated":
        return Event(minute, verb, chance.choice(SEVERITIES))
    if verb == "paused":
        return Event(minute, verb, chance.choice(REASONS))
    return Event(minute, verb, chance.choice([*REASONS, ""]) if verb == "resumed" else "")


def book_of(terms: Terms, zone: str, schedules: Mapping[str, Schedule]) -> Book:
    clock = ClockRule(
        metric="resolve",
        targets={
            severity: rules.Target(Span(target.budget * MINUTE), target.calendar)
            for severity, target in terms.targets.items()
        },
        anchor="occurred",
        pause=terms.pausing,
        risk=_thresholds(terms.warnings),
        escalate=tuple(Level(threshold, ("lead",)) for threshold in _thresholds(terms.levels)),
    )
    policy = Policy("oracle", "1", "1", Instant(0), default_severity="P2", clocks=(clock,))
    calendars = {name: calendar_of(zone, [schedule]) for name, schedule in schedules.items()}
    return Book((policy,), {AROUND_THE_CLOCK: AlwaysOpen(), **calendars})


def _thresholds(percents: Iterable[int]) -> tuple[Threshold, ...]:
    return tuple(Threshold(f"{percent}%", percent) for percent in percents)
