"""Random lives of a cadence: updates in time, at the due time, late, with stated times, over reopenings."""

import random
from collections.abc import Sequence

from cadence_oracle import CadenceOracle, Owed, Told
from calendar_oracle import MINUTES_A_DAY
from clock_oracle import Event, Life
from oracle_worlds import DAYS, World, credit_of, credits_of, draw_credits, draw_targets, minutes, targets_of

from engine.core.facts import Value
from engine.core.instants import MINUTE, Instant, Span
from engine.core.outcomes import Outcome
from engine.core.policy import SEVERITIES, CadenceRule, Policy

INTERVALS = (60, 120, 180, 240, 480, 600)
VERBS = [*["update_published"] * 6, *["updated"] * 3, "resolved", "closed", "reopened", "reopened"]


class CadenceWorld(World):
    kind = "cadence"

    def draw_terms(self, chance: random.Random, calendars: Sequence[str]) -> Owed:
        every = draw_targets(chance, calendars, INTERVALS, share=0.85)
        first = draw_targets(chance, calendars, (20, 30, 60), share=0.4)
        return Owed(
            every,
            {severity: target for severity, target in first.items() if severity in every},
            chance.choice([None, None, 300]),
            draw_credits(chance, every),
        )

    def policy(self) -> Policy:
        loosen = self.terms.stated_up_to
        cadence = CadenceRule(
            audience="customer",
            every=targets_of(self.terms.every),
            first=targets_of(self.terms.first),
            loosen_up_to=None if loosen is None else Span(loosen * MINUTE),
        )
        credits_ = credits_of("customer_update", self.terms.credits)
        return Policy("cadence", "1", "1", Instant(0), cadences=(cadence,), credits=credits_)

    def draw(self, chance: random.Random) -> Life:
        opened = self.first + chance.randrange(0, MINUTES_A_DAY, 10)
        life = Life(opened, opened, chance.choice(SEVERITIES), [])
        for _ in range(chance.randint(1, 3)):
            near = [one.due or one.minute for one in self.tell(life)][:5] or [opened]
            for _ in range(chance.randint(0, 4)):
                minute = chance.choice(
                    [
                        chance.choice(near) + chance.choice([0, 0, 0, -1, 1]),
                        opened + chance.randrange(-30, 300, 10),
                        opened + chance.randrange(0, (DAYS - 2) * MINUTES_A_DAY),
                    ]
                )
                life = life._replace(events=[*life.events, _event(chance, minute)])
        return life

    def tell(self, life: Life) -> list[Told]:
        told = CadenceOracle(self.terms, life, self.calendars).run(self.until(life))
        return [_comparable(one, life) for one in told]

    def data(self, event: Event) -> dict[str, Value]:
        if event.verb == "updated":
            return {"severity": event.value}
        if event.verb != "update_published":
            return {}
        stated: dict[str, Value] = {"next_update_at": int(event.value) * MINUTE} if event.value else {}
        return {"audience": "customer", **stated}

    def said(self, outcome: Outcome, life: Life) -> Told:
        due = None if outcome.due_at is None else minutes(outcome.due_at)
        at, owed = minutes(outcome.effective_at), credit_of(outcome)
        told = Told(outcome.name, at, due, outcome.in_a_row, outcome.cycle, owed)
        return _comparable(told, life)


def _comparable(told: Told, life: Life) -> Told:
    """Without the cycle where it was reopened: how to count there is said nowhere."""
    return told._replace(cycle=0) if any(event.verb == "reopened" for event in life.events) else told


def _event(chance: random.Random, minute: int) -> Event:
    verb = chance.choice(VERBS)
    if verb == "updated":
        return Event(minute, verb, chance.choice(SEVERITIES))
    if verb == "update_published":
        stated = minute + chance.choice([-10, 5, 30, 60, 200, 1000])
        return Event(minute, verb, chance.choice(["", str(stated)]))
    return Event(minute, verb)
