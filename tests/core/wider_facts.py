"""Random lives that know more than those of `generated_facts`: all verbs, all anchors, what is taken back."""

import random

from core_runs import OFFICE, at, book_of, policy
from generated_facts import LATER_VERSIONS, MINUTES, SEVERITY_RULES, VERBS, data_of

from engine.core.facts import CONTACT_INHERITED, RELAYED_UPDATE, RELAYS, Fact, Value
from engine.core.policy import Book

NIGHTS = """\
calendar: nights
zone: Europe/Berlin
hours:
  mon-sun: ["22:00-06:00"]
holidays: {dates: {2026-11-03: closed, 2026-11-04: ["22:00-23:00"]}}
business_day: 8h
"""
_GOLD = """\
risk: [25%, 75%, "10m before due"]
match: {tier: gold}
clocks:
  triage: {budget: {P0: 15m, P1: 15m @nights}, anchor: detected}
  acknowledge:
    budget: {P0: 5m, P1: 15m}
    anchor: occurred
    escalate: [{at: 50%, notify: [a], ack_within: 5m}, {at: 100% + 20m, notify: [b]}]
  first_response: {budget: {P0: 15m, P1: 30m, P2: 4h @office}, pause: [other], anchor: detected}
  next_response: {budget: {P0: 30m, P1: 60m, P3: 4h @office}, pause: [any]}
  contact: {budget: {P0: 15m, P1: 30m}, anchor: reported, pause: [any]}
  resolve: {budget: {P0: 2h, P1: 8h @office, P2: 8h @nights}, anchor: detected, pause: [pending_customer]}
  confirm: {budget: {P0: 2h, P1: 4h @office}, pause: [other]}
  rca_summary: {budget: {P0: 24h}, pause: [any]}
  rca_final: {budget: {P1: 2d}}
  pir: {budget: {P0: 2h @nights, P1: 8h @office}}
  handover: {budget: {P0: 15m, P1: 30m @nights}, pause: [any]}
  stall: {budget: {P0: 30m, P2: 4h @office}}
  vendor: {start: [{paused: pending_vendor}, role_assigned], stop: [{resumed: pending_vendor}, closed],
    budget: {P0: 1h, P1: 2h @office}}
  after: {start: resolved, stop: [commitment_kept, {update_published: customer}], budget: {P0: 1h, P1: 2h}}
  again: {start: [reopened, closed], stop: [acknowledged, resolution_confirmed],
    budget: {P0: 1h, P1: 2h @nights, P3: 20m}}
  seat: {start: [opened, {role_released: commander}], stop: [{role_assigned: commander}, {waived: stall}],
    budget: {P0: 1h, P3: 20m}}
  linking: {start: linked, stop: unlinked, budget: {P0: 1h, P1: 10m}}
cadence:
  customer: {every: {P0: 30m, P1: 2h @office, P2: 4h @nights}, first: {P2: 30m, P0: 20m @office},
    message_counts: true, start: triaged, loosen_up_to: 3h}
  internal: {every: {P0: 45m @nights, P2: 3h @office}}
  executive: {every: {P0: 60m @office, P1: 2h}, loosen_up_to: 4h, risk: []}
commitments: {risk: [50%, "15m before due"]}
actions: {budget: {P0: 1d, P1: 8h @nights}}
war_room:
  P0: {roles: [commander, comms], staffed_within: 15m @nights, at_most: 2}
  P2: {roles: [scribe, commander], staffed_within: 30m @office, at_most: 2}
credits:
  - {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
  - {metric: resolve, severity: [P0, P2], overrun: {at_least: 1h}, credit: 25%}
  - {metric: customer_update, severity: [P0, P2], overrun: {at_least: 30m}, credit: 5%}
  - {metric: rca_summary, severity: [P0], overrun: {at_least: 10h}, credit: 7%}
recurrence: {fingerprint: [service, team], window: 2d, flag_within: 10h, notify: [p]}
"""
_STANDARD = """\
default_severity: P0
clocks:
  first_response: {budget: {P0: 20m, P1: 30m, P3: 60m}}
  resolve: {budget: {P0: 60m, P1: 120m, P2: 240m @office, P3: 240m}, pause: [pending_customer]}
  handover: {budget: {P0: 15m, P1: 30m}}
cadence:
  customer: {every: {P0: 30m, P1: 60m, P2: 120m @office}}
"""
_METRICS = [
    *["resolve", "rca_final", "customer_update", "role", "commitment", "action", "nothing", "stall"],
    *["war_room", "again", "confirm", "executive_update", "first_response"],
]
_ALL = [
    *VERBS,
    *["linked", "unlinked", "resumed", "closed", "reopened", "role_released", "cancelled", "updated"],
    *["assigned", RELAYED_UPDATE, CONTACT_INHERITED],
]


def wider_book(office: str = OFFICE) -> Book:
    return book_of(
        NIGHTS, SEVERITY_RULES, policy(_GOLD, "gold"), policy(_STANDARD), *LATER_VERSIONS, office=office
    )


def wider_life(seed: int) -> list[Fact]:
    """An opening and up to two dozen more, in no order of time; mostly of a few verbs, so that they meet."""
    rng = random.Random(f"wider {seed}")  # noqa: S311  # a seed makes it repeatable
    verbs = rng.sample(_ALL, rng.randrange(3, 10)) if rng.random() < 0.6 else _ALL
    facts = [_fact(rng, "opened", rng.choice([0, 0, 0, 10]), 0)]
    for number in range(1, rng.randrange(2, 25)):
        verb = rng.choice([*verbs, "cancelled", "merged"] if number % 9 == 0 else verbs)
        facts.append(_fact(rng, verb, rng.choice(MINUTES), number))
    return facts


def _fact(rng: random.Random, verb: str, minute: int, number: int) -> Fact:
    is_relay = verb in RELAYS
    identity = number if is_relay or rng.random() < 0.97 else max(0, number - 1)
    source, name = ("vigil", "r") if is_relay else ("test", "e")
    sequence = rng.choice(["", "", "", "2", "10"])
    return Fact(
        source, f"{name}{identity}", verb, at(minute), at(5000 + number), sequence, _data(rng, verb, minute)
    )


def _data(rng: random.Random, verb: str, minute: int) -> dict[str, Value]:
    def later(*minutes: int) -> int:
        return int(at(minute + rng.choice(minutes)))

    data = data_of(rng.choice, verb, minute)
    if verb in ("opened", "updated", "triaged"):
        data |= rng.choice([{}] * 4 + [{"severity": None}])
    if verb in ("opened", "updated", "assigned"):
        data |= rng.choice([{}, {"team": rng.choice(["blue", "red", None])}])
    if verb in ("opened", "updated"):
        data |= rng.choice([{}] * 3 + [{"service": rng.choice(["s", "t", None])}])
    if verb == "updated":
        customer: Value = {"id": rng.choice(["c", "d"]), "tier": rng.choice(["gold", "silver", None])}
        data |= rng.choice([{}, {}, {"customer": customer}, {"customer": None}])
    if verb == "opened":
        data |= rng.choice([{}, {}, {"detected_at": later(0, -45, -100, 20)}])
    if verb == "resumed":
        data = rng.choice([data, {}])
    if verb in ("linked", "unlinked", "merged"):
        data = {"into" if verb == "merged" else "to": rng.choice(["desk:7", "desk:1"])}
    if verb == RELAYED_UPDATE:
        stated: list[dict[str, Value]] = [{}, {"next_update_at": later(-5, 15, 100)}, {"withdrawn": True}]
        data = {"version": 1, "from": "x", **rng.choice(stated)}
    if verb == CONTACT_INHERITED:
        known: list[dict[str, Value]] = [{}, {"answered": True}, {"withdrawn": True}]
        data = {"version": 1, "from": "x", "contact_at": later(-5, -60, -500), **rng.choice(known)}
    if verb.startswith("role"):
        data = {
            "role": rng.choice(["commander", "comms", "scribe"]),
            "person": rng.choice(["ann", "bo", "cy"]),
        }
    if verb == "waived":
        data["metric"] = rng.choice(_METRICS)
    return data
