"""Random lives of an escalation: every verb that moves something, ties, times that fall on due times."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from core_runs import at, book_of, policy

from engine.core.facts import Fact, Value

Pick: TypeAlias = Callable[[Sequence[object]], object]
"""Chooses one of several: a seeded generator's choice, or what Hypothesis draws."""

SEVERITY_RULES = """\
severity:
  - {severity: P0, when: {data_loss: true}, because: data lost}
  - {severity: P1, when: {affected_customers: {at_least: 20}, tier: gold}}
  - {severity: P2, when: {workaround: false}, because: no workaround}
  - {severity: P3}
"""
POLICIES = (
    policy(
        """\
risk: [50%, 75%, "10m before due"]
match: {tier: gold}
clocks:
  triage: {budget: {P0: 15m, P1: 15m, P2: 1h @office}}
  acknowledge: {budget: {P0: 5m, P1: 15m}}
  first_response: {budget: {P0: 15m, P1: 30m, P2: 4h @office, P3: 8h @office}}
  next_response: {budget: {P0: 30m, P1: 60m, P2: 4h @office}}
  contact: {budget: {P0: 15m, P1: 30m}}
  resolve:
    budget: {P0: 2h, P1: 4h, P2: 8h @office, P3: 3bd @office}
    anchor: reported
    pause: [any]
    escalate:
      - {at: 25%, notify: [owner], ack_within: 20m}
      - {at: 75%, notify: [lead], ack_within: 1h @office}
      - {at: 100%, notify: [manager]}
      - {at: 100% + 2h, notify: [director]}
  confirm: {budget: {P0: 2h, P1: 4h}}
  rca_summary: {budget: {P0: 24h, P1: 48h}}
  rca_final: {budget: {P0: 2d}, pause: [other]}
  pir: {budget: {P1: 8h @office}}
  handover: {budget: {P0: 15m, P1: 30m}}
  stall: {budget: {P0: 30m, P1: 60m, P2: 4h @office}, pause: [any]}
  vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P0: 1h, P1: 2h}}
  reply: {start: message_received, stop: message_sent, pause: [pending_customer], budget: {P0: 30m, P2: 2h}}
cadence:
  customer: {every: {P0: 30m, P1: 60m, P2: 4h @office}, first: {P0: 15m, P1: 30m}, message_counts: true}
  internal: {every: {P0: 45m, P1: 45m}, start: triaged}
  executive: {every: {P0: 60m}, loosen_up_to: 4h}
commitments: {risk: [50%, "15m before due"]}
actions: {budget: {P0: 1d, P1: 8h @office}}
war_room:
  P0: {roles: [commander, comms], staffed_within: 15m, at_most: 4}
  P1: {roles: [commander], staffed_within: 30m, at_most: 1}
""",
        name="gold",
    ),
    policy(
        """\
risk: [75%]
clocks:
  acknowledge: {budget: {P0: 10m, P1: 30m, P2: 60m, P3: 60m}}
  resolve: {budget: {P0: 60m, P1: 120m, P2: 240m, P3: 240m}, pause: [pending_customer], anchor: occurred}
cadence:
  customer: {every: {P0: 30m, P1: 60m, P2: 120m}}
"""
    ),
)
LATER = "2030-01-01T00:00:00Z"
"""When versions begin that nothing is opened by: a rebase alone leads there."""
LATER_VERSIONS = (
    policy(
        """\
risk: [50%, 90%]
default_severity: P1
match: {tier: gold}
clocks:
  resolve:
    budget: {P0: 1h, P1: 4h, P2: 16h @office}
    pause: [pending_customer]
    risk: [25%, 75%]
    escalate:
      - {at: 25%, notify: [owner]}
      - {at: 60%, notify: [lead], ack_within: 30m}
      - {at: 100%, notify: [manager], ack_within: 1h @office}
      - {at: 100% + 4h, notify: [director]}
  stall: {budget: {P0: 30m, P1: 60m, P2: 4h @office}, risk: [80%]}
  acknowledge: {budget: {P0: 5m, P1: 45m, P2: 1h}}
  next_response: {budget: {P0: 60m, P1: 60m, P3: 4h @office}, pause: [any]}
  vendor_reply: {start: rebased, stop: {resumed: pending_vendor}, budget: {P0: 1h, P1: 2h}}
  rca_summary: {budget: {P0: 12h, P1: 48h}}
  reply: {start: message_received, stop: message_sent, pause: [other], budget: {P0: 30m, P1: 20m}}
cadence:
  executive: {every: {P0: 60m, P2: 3h}}
  internal: {every: {P0: 30m, P1: 90m}, risk: []}
  customer: {every: {P0: 45m, P1: 60m, P2: 4h @office}, first: {P0: 15m}}
commitments: {risk: [25%, "5m before due"]}
war_room:
  P0: {roles: [scribe, commander], staffed_within: 10m, at_most: 2}
credits:
  - {metric: resolve, severity: [P0, P1], overrun: {at_least: 0s}, credit: 10%}
  - {metric: resolve, severity: [P0], overrun: {at_least: 1h}, credit: 25%}
""",
        "gold",
        LATER,
    ),
    policy("clocks: {resolve: {budget: {P1: 60m, P3: 60m}}, confirm: {budget: {P1: 90m}}}\n", begins=LATER),
)
DOCUMENTS = (SEVERITY_RULES, *POLICIES, *LATER_VERSIONS)
BOOK = book_of(*DOCUMENTS)

_WAIVABLE = ["resolve", "rca_final", "customer_update", "role", "commitment", "action", "nothing"]
_IMPACTS = [
    *({"data_loss": True}, {"data_loss": False}, {"workaround": False}, {"workaround": True}),
    *({"affected_customers": 3, "data_loss": None}, {"affected_customers": 40}, None),
]
SEVERITIES = ["P0", "P1", "P2", "P3"]
VERBS = [
    *["message_received", "message_sent", "update_published"] * 3,
    *["paused", "resumed", "updated", "commitment_made"] * 2,
    *["acknowledged", "triaged", "assigned", "resolved", "reopened", "resolution_confirmed", "closed"],
    *["commitment_kept", "commitment_withdrawn", "commitment_renegotiated", "opened"],
    *["role_assigned", "role_released", "rca_published", "pir_held", "waived", "rebased"],
    *["action_opened", "action_completed", "action_cancelled"],
]
MINUTES = [
    -90,
    -30,
    -5,
    0,
    0,
    5,
    10,
    15,
    20,
    30,
    31,
    45,
    60,
    75,
    90,
    119,
    120,
    240,
    420,
    1380,
    1500,
    3000,
    4320,
]


def facts(pick: Pick, count: int) -> list[Fact]:
    """An opening and `count` more facts, in no order of time; a few share their identity with another."""
    made = [_fact(pick, "opened", pick([0, 0, 0, 10]), 0)]
    for number in range(1, count + 1):
        verb = pick([*VERBS, "cancelled", "merged"]) if number % 7 == 0 else pick(VERBS)
        made.append(_fact(pick, str(verb), pick(MINUTES), number))
    return made


def _fact(pick: Pick, verb: str, minute: object, number: int) -> Fact:
    assert isinstance(minute, int)
    when = at(minute)
    recorded = at(5000 + number)
    identity = pick([number] * 30 + [max(1, number - 1)]) if number else 0
    sequence = str(pick(["", "", "", "2", "10"]))
    return Fact("test", f"e{identity}", verb, when, recorded, sequence, data_of(pick, verb, minute))


def data_of(pick: Pick, verb: str, minute: int) -> dict[str, Value]:
    data: dict[str, object] = {}
    if verb == "opened":
        data = {"title": "x", "customer": {"id": "c", "tier": pick(["gold", "gold", "silver"])}}
        data |= pick([{}, {}, {"reported_at": int(at(minute - 20))}, {"occurred_at": int(at(minute - 200))}])  # type: ignore
    if verb in ("opened", "updated", "triaged"):
        data |= pick([{}, {"severity": pick(SEVERITIES)}, {"severity": pick(SEVERITIES)}])  # type: ignore
        data |= pick([{}, {}, {"impact": pick(_IMPACTS)}])  # type: ignore
    if verb in ("opened", "updated", "assigned"):
        data |= pick([{}, {}, {"owner": pick(["ann", "bo", None])}])  # type: ignore
    if verb in ("paused", "resumed"):
        data = {"reason": pick(["pending_customer", "pending_vendor", "other"])}
    if verb in ("message_received", "message_sent"):
        data = {"public": pick([True, True, True, False])}
    if verb == "update_published":
        data = {"audience": pick(["customer", "customer", "internal", "executive"])}
        data |= pick([{}, {"next_update_at": int(at(minute + int(str(pick([-5, 15, 40, 200])))))}])  # type: ignore
    if verb.startswith("commitment"):
        data = {
            "commitment_id": pick(["a", "b"]),
            "due_at": int(at(minute + int(str(pick([-5, 20, 60, 400]))))),
        }
    if verb.startswith("action"):
        data = {"action_id": pick(["a", "b"]), "title": "x"}
        data |= pick([{}, {"due_at": int(at(minute + int(str(pick([-5, 20, 2000])))))}])  # type: ignore
    if verb.startswith("role"):
        data = {"role": pick(["commander", "comms"]), "person": pick(["ann", "bo"])}
    if verb == "rca_published":
        data = {"stage": pick(["summary", "final"])}
    if verb == "waived":
        data = {"metric": pick(_WAIVABLE), "reason": "agreed"}
    if verb == "rebased":
        data = {
            "policy": pick(["gold", "gold", "standard"]),
            "version": pick([LATER, LATER, "2020-01-01T00:00:00Z"]),
            "reason": "a new contract",
        }
    if verb == "cancelled":
        data = {"reason": "spam"}
    return data  # type: ignore[return-value]  # what is picked from are JSON values


def first_recorded(given_facts: list[Fact]) -> list[Fact]:
    """Of facts with one identity the one recorded first: the others are refused."""
    kept: dict[str, Fact] = {}
    for one in given_facts:
        if one.id not in kept or one.recorded < kept[one.id].recorded:
            kept[one.id] = one
    return list(kept.values())
