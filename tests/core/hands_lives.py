"""Random lives of what is handed on and worked at, or is not: over pauses, reopenings, other severities."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from calendar_oracle import MINUTES_A_DAY
from clock_lives import BUDGETS, REASONS, said_with
from clock_oracle import Event, Life, Said, Terms
from hands_oracle import WORK, HandsOracle
from oracle_worlds import DAYS, World, draw_targets, targets_of

from engine.core.facts import Value
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.policy import SEVERITIES, ClockRule, Policy, Threshold

VERBS = [
    *[*WORK, "assigned", "assigned", "assigned", "paused", "resumed"] * 2,
    *["updated", "updated", "resolved", "closed", "reopened", "reopened"],
]
HANDS = ("owner=ann", "owner=bo", "owner=cy", "team=blue", "team=red", "owner=")


class Owed(NamedTuple):
    stall: Terms
    handover: Terms


class HandsWorld(World):
    kind = "hands"

    def draw_terms(self, chance: random.Random, calendars: Sequence[str]) -> Owed:
        return Owed(*(_terms(chance, calendars) for _ in Owed._fields))

    def policy(self) -> Policy:
        clocks = (
            ClockRule(
                metric=metric,
                targets=targets_of(terms.targets),
                pause=terms.pausing,
                risk=tuple(Threshold(f"{percent}%", percent) for percent in terms.warnings),
            )
            for metric, terms in zip(Owed._fields, self.terms, strict=True)
        )
        return Policy("hands", "1", "1", Instant(0), clocks=tuple(clocks))

    def draw(self, chance: random.Random) -> Life:
        opened = self.first + chance.randrange(0, MINUTES_A_DAY, 10)
        life = Life(opened, opened, chance.choice(SEVERITIES), [])
        for _ in range(chance.randint(1, 3)):
            near = [one.due or one.minute for one in self.tell(life)] or [opened]
            for _ in range(chance.randint(1, 5)):
                minute = chance.choice(
                    [
                        max(opened, chance.choice(near) + chance.choice([0, 0, 0, -1, 1])),
                        opened + chance.randrange(0, 300, 10),
                        opened + chance.randrange(0, (DAYS - 2) * MINUTES_A_DAY),
                    ]
                )
                life = life._replace(events=[*life.events, _event(chance, minute)])
        return life

    def tell(self, life: Life) -> list[Said]:
        until, found = self.until(life), []
        for metric, terms in zip(Owed._fields, self.terms, strict=True):
            found += HandsOracle(metric, terms, life, self.calendars).run(until)
        return found

    def data(self, event: Event) -> dict[str, Value]:
        data: dict[str, dict[str, Value]] = {
            "message_sent": {"public": event.value == "public"},
            "role_assigned": {"role": "commander", "person": "ann"},
            "update_published": {"audience": "internal"},
            "waived": {"metric": event.value, "reason": "agreed"},
            "merged": {"into": "desk:2"},
        }
        if event.verb == "assigned":
            whose, who = event.value.split("=")
            return {whose: who or None}
        if event.verb in ("updated", "triaged"):
            return {"severity": event.value} if event.value else {}
        return data.get(event.verb, {"reason": event.value} if event.value else {})

    def said(self, outcome: Outcome, life: Life) -> Said:
        detail = f"{outcome.metric} #{outcome.cycle} {outcome.threshold}{outcome.reason}"
        return said_with(outcome, detail.strip())


def _terms(chance: random.Random, calendars: Sequence[str]) -> Terms:
    return Terms(
        draw_targets(chance, calendars, BUDGETS, share=0.75),
        frozenset(chance.sample(REASONS, chance.choice([0, 1, 2]))),
        chance.choice([(), (75,), (75, 90)]),
    )


def _event(chance: random.Random, minute: int) -> Event:
    drawn = chance.random()
    if drawn < 0.02:
        return Event(minute, "merged", "merged")
    if drawn < 0.05:
        return Event(minute, "cancelled", "spam")
    if drawn < 0.08:
        return Event(minute, "waived", chance.choice(Owed._fields))
    verb = chance.choice(VERBS)
    values: dict[str, Sequence[str]] = {
        "assigned": HANDS,
        "updated": SEVERITIES,
        "triaged": [*SEVERITIES, ""],
        "message_sent": ["public", ""],
        "paused": REASONS,
        "resumed": [*REASONS, ""],
    }
    return Event(minute, verb, chance.choice(values.get(verb, [""])))
