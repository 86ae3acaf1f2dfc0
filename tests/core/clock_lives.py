"""Random lives of a clock: paused, retargeted, stopped and reopened, often where something is due."""

import random
from collections.abc import Iterable, Sequence

from calendar_oracle import MINUTES_A_DAY
from clock_oracle import ClockOracle, Event, Life, Said, Target, Terms
from oracle_worlds import (
    DAYS,
    World,
    credit_of,
    credits_of,
    draw_credits,
    draw_targets,
    minutes,
    target_of,
    targets_of,
)

from engine.core.facts import Value
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.policy import SEVERITIES, ClockRule, Level, Policy, Threshold

REASONS = ("pending_customer", "pending_vendor", "lunch")
BUDGETS = (20, 40, 60, 60, 100, 120, 240, 480, 960)  # 75 % and 90 % of them are whole minutes
WAITS = (5, 10, 30, 60)
VERBS = [
    *["resolved", "resolved", "closed", "reopened", "reopened"],
    *["paused", "resumed", "updated"] * 3,
    *["acknowledged"] * 2,
    *["cancelled", "waived"],
]


class ClockWorld(World):
    kind = "clock"

    def draw_terms(self, chance: random.Random, calendars: Sequence[str]) -> Terms:
        targets = draw_targets(chance, calendars, BUDGETS, share=0.75)
        levels = chance.choice([(), (50, 100), (80, 150), (25, 50, 75, 150)])
        return Terms(
            targets,
            frozenset(chance.sample(REASONS, chance.choice([1, 1, 2]))),
            chance.choice([(), (75,), (75, 90)]),
            levels,
            draw_credits(chance, targets),
            [_wait(chance, calendars) for _ in levels],
        )

    def policy(self) -> Policy:
        clock = ClockRule(
            metric="resolve",
            targets=targets_of(self.terms.targets),
            anchor="occurred",
            pause=self.terms.pausing,
            risk=_thresholds(self.terms.warnings),
            escalate=tuple(
                Level(threshold, ("lead",), wait and target_of(wait))
                for threshold, wait in zip(_thresholds(self.terms.levels), self.terms.waits, strict=True)
            ),
        )
        return Policy(
            "clock", "1", "1", Instant(0), clocks=(clock,), credits=credits_of("resolve", self.terms.credits)
        )

    def draw(self, chance: random.Random) -> Life:
        opened = self.first + chance.randrange(0, MINUTES_A_DAY, 10)
        started = opened - chance.choice([0, 0, 0, 10, 60, 100, 200, 1000])
        life = Life(opened, started, chance.choice(SEVERITIES), [])
        if chance.random() < 0.3:  # a change at the very time at which the new budget is used up
            severity = chance.choice(list(self.terms.targets))
            at = started + self.terms.targets[severity].budget
            life = life._replace(events=[Event(at, "updated", severity)])
        if any(self.terms.waits) and chance.random() < 0.5:
            life = life._replace(events=[*life.events, *self._while_it_waits(chance, life)])
        for _ in range(chance.randint(1, 3)):
            near = [one.due or one.minute for one in self.tell(life)] or [opened]
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

    def _while_it_waits(self, chance: random.Random, life: Life) -> list[Event]:
        """What may hold or end the waiting of a level, or not; a moment after it was said."""
        said = [one.minute for one in self.tell(life) if one.name == "escalated"]
        if not said:
            return []
        minute = chance.choice(said) + chance.choice([0, 1, 3])
        reason = chance.choice(sorted(self.terms.pausing))
        return chance.choice(
            [
                [Event(minute, "paused", reason), Event(minute + chance.choice([0, 5, 50]), "resumed")],
                [Event(minute, "resolved"), Event(minute + chance.choice([0, 5, 50]), "reopened")],
                [Event(minute, "acknowledged")],
            ]
        )

    def tell(self, life: Life) -> list[Said]:
        return ClockOracle(self.terms, life, self.calendars).run(self.until(life))

    def data(self, event: Event) -> dict[str, Value]:
        if event.verb == "waived":
            return {"metric": "resolve", "reason": "agreed"}
        field = "severity" if event.verb == "updated" else "reason"
        return {field: event.value} if event.value else {}

    def said(self, outcome: Outcome, life: Life) -> Said:
        detail = credit_of(outcome) or " ".join(filter(None, (outcome.threshold, outcome.reason)))
        return said_with(outcome, detail)


def said_with(outcome: Outcome, detail: str) -> Said:
    """In the words of an oracle of clocks."""
    due = outcome.due_at if outcome.name in ("breached", "met") else None
    return Said(
        outcome.name,
        minutes(outcome.effective_at),
        minutes(outcome.elapsed),
        None if due is None else minutes(due),
        detail,
    )


def _wait(chance: random.Random, calendars: Sequence[str]) -> Target | None:
    return Target(chance.choice(WAITS), chance.choice(calendars)) if chance.random() < 0.6 else None


def _event(chance: random.Random, minute: int) -> Event:
    verb = chance.choice(VERBS)
    if verb == "updated":
        return Event(minute, verb, chance.choice(SEVERITIES))
    if verb == "paused":
        return Event(minute, verb, chance.choice(REASONS))
    if verb == "cancelled":
        return Event(minute, verb, "spam")
    return Event(minute, verb, chance.choice([*REASONS, ""]) if verb == "resumed" else "")


def _thresholds(percents: Iterable[int]) -> tuple[Threshold, ...]:
    return tuple(Threshold(f"{percent}%", percent) for percent in percents)
