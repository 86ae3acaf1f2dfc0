"""Random lives of promises and action items: moved again and again, kept at the due time, due in the past."""

import random
from collections.abc import Sequence

from calendar_oracle import MINUTES_A_DAY
from clock_oracle import Event, Life
from oracle_worlds import DAYS, World, draw_targets, minutes, targets_of
from promise_oracle import Kept, Promised, PromiseOracle

from engine.core.facts import Value
from engine.core.instants import MINUTE, Instant, Span
from engine.core.outcomes import Outcome
from engine.core.policy import SEVERITIES, Policy, Threshold

VERBS = [
    *["commitment_made", "commitment_renegotiated", "commitment_renegotiated", "action_opened"] * 4,
    *["commitment_kept", "action_completed"] * 4,
    *["updated", "waived"] * 2,
    *["commitment_withdrawn", "action_cancelled", "resolved", "closed", "reopened", "paused"],
]
LENGTHS = (20, 20, 40, 100, 200, 480, 960)
"""Whose halves, three quarters and nine tenths are whole minutes."""


class PromiseWorld(World):
    kind = "promise"

    def draw_terms(self, chance: random.Random, calendars: Sequence[str]) -> Promised:
        return Promised(
            chance.choice([(), (50,), (75, 90), (75, 90)]),
            chance.choice([(), (10,), (15, 60)]),
            chance.choice([(), (30,)]),
            draw_targets(chance, calendars, (60, 120, 480), share=0.6),
        )

    def policy(self) -> Policy:
        terms = self.terms
        return Policy(
            "promise",
            "1",
            "1",
            Instant(0),
            risk=_leads(terms.action_leads),
            commitment_risk=(*(Threshold(f"{p}%", p) for p in terms.percents), *_leads(terms.leads)),
            action_budget=targets_of(terms.budgets),
        )

    def draw(self, chance: random.Random) -> Life:
        opened = self.first + chance.randrange(0, MINUTES_A_DAY, 20)
        life = Life(opened, opened, chance.choice(SEVERITIES), [])
        for _ in range(chance.randint(1, 3)):
            near = [one.due for one in self.tell(life)][:5] or [opened]
            for _ in range(chance.randint(1, 5)):
                minute = chance.choice(
                    [
                        chance.choice(near) + chance.choice([0, 0, 0, -20, 20, MINUTES_A_DAY]),
                        opened + chance.randrange(-60, 300, 20),
                        opened + chance.randrange(0, (DAYS - 2) * MINUTES_A_DAY, 20),
                    ]
                )
                life = life._replace(events=[*life.events, self._event(chance, minute, life)])
        return life

    def _event(self, chance: random.Random, minute: int, life: Life) -> Event:
        if chance.random() < 0.03:
            return Event(minute, *chance.choice([("cancelled", "spam"), ("merged", "desk:2")]))
        verb = chance.choice(VERBS)
        if verb.startswith("commitment"):  # so that what is at risk is so at a whole minute
            minute -= minute % 20
        if verb == "updated":
            return Event(minute, verb, chance.choice(SEVERITIES))
        if verb == "waived":
            return Event(minute, verb, chance.choice(["commitment", "action"]))
        if verb in ("resolved", "closed", "reopened", "paused"):
            return Event(minute, verb)
        value = verb.partition("_")[0] + chance.choice(["/a", "/a", "/a", "/a", "/b"])
        due = minute + chance.choice([*LENGTHS, *LENGTHS, -100, 0])
        told_before = [one.value.partition(" ")[2] for one in life.events if one.value.startswith(value)]
        if verb == "action_opened" and chance.random() < 0.4:
            return Event(minute, verb, value)
        if verb in ("commitment_made", "commitment_renegotiated", "action_opened"):
            same = [one for one in told_before if one]
            stated = chance.choice(same) if same and chance.random() < 0.2 else str(due)
            return Event(minute, verb, f"{value} {stated}")
        return Event(minute, verb, value)

    def tell(self, life: Life) -> list[Kept]:
        return PromiseOracle(self.terms, life, self.calendars).run(self.until(life))

    def data(self, event: Event) -> dict[str, Value]:
        if event.verb == "updated":
            return {"severity": event.value}
        if event.verb == "merged":
            return {"into": event.value}
        if event.verb == "waived":
            return {"metric": event.value, "reason": "agreed"}
        if event.verb in ("cancelled", "paused"):
            return {"reason": event.value or "pending_customer"}
        of, _, due = event.value.partition(" ")
        kind, _, name = of.partition("/")
        return {f"{kind}_id": name, **({"due_at": int(due) * MINUTE} if due else {})} if kind else {}

    def said(self, outcome: Outcome, life: Life) -> Kept:
        assert outcome.due_at is not None
        days = str(outcome.in_a_row) if outcome.name == "overdue" else ""
        return Kept(
            outcome.name,
            minutes(outcome.effective_at),
            minutes(outcome.due_at),
            f"{outcome.metric}/{outcome.key}",
            outcome.cycle,
            minutes(outcome.elapsed),
            days or outcome.threshold or outcome.reason,
        )


def _leads(leads: Sequence[int]) -> tuple[Threshold, ...]:
    return tuple(Threshold(f"{lead}m before due", 100, Span(-lead * MINUTE)) for lead in leads)
