"""Random escalations as the records that producers send: delayed, doubled, shuffled, contradicted, broken."""

from random import Random
from typing import NamedTuple

from msgspec.structs import replace
from random_books import BUDGETS, REASONS, SEVERITIES
from random_known import random_known, told
from random_patterns import random_patterns
from random_rebases import random_rebases
from random_wide import detected, random_wide

from engine.contract.codec import encode_event
from engine.contract.records import Record
from engine.core.facts import Fact, Value
from engine.core.instants import MINUTE, Instant
from engine.core.policy import Book

VERBS = [
    *["message_received", "message_sent", "paused", "resumed", "updated"] * 2,
    *["acknowledged", "triaged", "assigned", "resolved", "resolved", "reopened", "resolution_confirmed"],
    *["linked", "unlinked", "update_published", "commitment_made", "commitment_kept"],
    *["commitment_renegotiated"],
    *["commitment_withdrawn", "opened", "closed", "role_assigned"],
]
AUDIENCES = ["customer", "customer", "internal"]
OTHERS = ["desk:0", "desk:1", "desk:1", "desk:2", "desk:9"]
"""Whom a link or a merge names: mostly one of the run, now and then itself or one that is never opened."""
EVENTS_END = 2_000
"""Minute after which nothing happens any more."""


class Sent(NamedTuple):
    """A record on its way to an input topic; `family` is the topic's."""

    arrives: Instant
    family: str
    record: Record
    note: str
    """For the trace, and what the record is: an event, or broken."""


def random_lives(
    rng: Random,
    start: Instant,
    recurring: Random,
    rebasing: Random,
    wide: Random | None,
    knowing: Random | None,
    book: Book,
) -> list[Sent]:
    """What producers send during a run, in the order of its arrival."""
    sent: list[Sent] = []
    subjects = [f"desk:{number}" for number in range(rng.choice([1, 2, 2, 3]))]
    for subject in subjects:
        sent += _life(rng, start, subject, wide, knowing)
    late = recurring.random() < 0.3
    for subject, fact in random_patterns(recurring, start, subjects):
        for _ in range(recurring.choice([1] * 9 + [2])):
            sent.append(_sent(recurring, start, late, "ticket", subject, fact))
    for subject, fact in random_rebases(rebasing, start, book, subjects):
        for _ in range(rebasing.choice([1] * 9 + [2])):
            sent.append(_sent(rebasing, start, late, "incident", subject, fact))
    for subject, fact in random_wide(wide, start, book, subjects) if wide is not None else ():
        for _ in range(wide.choice([1] * 9 + [2])):
            sent.append(_sent(wide, start, late, wide.choice(["ticket", "incident"]), subject, fact))
    for subject, fact in random_known(knowing, start, book, subjects) if knowing is not None else ():
        for _ in range(knowing.choice([1] * 9 + [2])):
            sent.append(_sent(knowing, start, late, knowing.choice(["ticket", "incident"]), subject, fact))
    for number in range(rng.choice([0, 0, 1, 2])):
        sent.append(_broken(rng, start, number))
    return sorted(sent, key=lambda s: s.arrives)


def _life(
    rng: Random, start: Instant, subject: str, wide: Random | None, knowing: Random | None
) -> list[Sent]:
    family, other = rng.sample(["ticket", "incident"], 2)
    late = rng.random() < 0.3  # a life whose events come in any order
    sent: list[Sent] = []
    facts = [_fact(rng, start, "opened", rng.choice([0, 0, 0, 10, 600]), 0)]
    if wide is not None:
        facts[0] = detected(wide, facts[0])
    if knowing is not None:
        facts[0] = told(knowing, facts[0])
    severity = facts[0].text("severity") or rng.choice(SEVERITIES)
    count = rng.randrange(2, 16)
    while len(facts) < count:
        verb = rng.choice(["cancelled", "merged", "merged"]) if rng.random() < 0.03 else rng.choice(VERBS)
        minute = _minute(rng, severity)
        facts.append(_fact(rng, start, verb, minute, len(facts)))
        if verb == "cancelled" and len(facts) % 2:  # by mistake
            facts.append(_fact(rng, start, "reopened", minute + 30, len(facts)))
        if verb == "paused" and rng.random() < 0.7:
            after = minute + rng.choice([5, 15, 30, 60])
            resumed = _fact(rng, start, "resumed", after, len(facts))
            facts.append(replace(resumed, data=facts[-1].data))
    if rng.random() < 0.6:
        facts += _passing_on(rng, start, len(facts))
    contradicted = [_contradiction(rng, start, fact) for fact in facts if rng.random() < 0.06]
    for fact in [*facts, *contradicted]:
        for _ in range(rng.choice([1] * 9 + [2])):
            by = family if rng.random() < 0.9 else other
            sent.append(_sent(rng, start, late, by, subject, fact))
    return sent


def _sent(rng: Random, start: Instant, late: bool, family: str, subject: str, fact: Fact) -> Sent:
    return sent_at(Instant(max(start, fact.at) + _delay(rng, late)), start, family, subject, fact)


def sent_at(arrives: Instant, start: Instant, family: str, subject: str, fact: Fact) -> Sent:
    """An event and when its record arrives."""
    record = encode_event(f"{family}.{fact.kind}.v1", subject, fact)
    return Sent(arrives, family, record, f"{fact.kind} at {_shown(start, fact.at)} ({fact.id})")


def _passing_on(rng: Random, start: Instant, number: int) -> list[Fact]:
    """An incident with a linked ticket, or one that is merged away; its end may come before the rest."""
    verbs = [*["update_published"] * rng.randrange(1, 4), *rng.choice([["unlinked"], ["merged"], []])]
    rng.shuffle(verbs)
    target = rng.choice(OTHERS)
    minutes = sorted(rng.choice([0, 5, 10, 15, 30, 60, 61, 120, 240]) for _ in verbs)
    facts = [_fact(rng, start, "linked", rng.choice([-5, 0, 10]), number)]
    for verb, minute in zip(verbs, minutes, strict=True):
        facts.append(_fact(rng, start, verb, minute, number + len(facts)))
    named = {"linked": {"to": target}, "unlinked": {"to": target}, "merged": {"into": target}}
    audience: dict[str, Value] = {"audience": "customer"}
    return [replace(f, data={**f.data, **named.get(f.kind, audience)}) for f in facts]


def _minute(rng: Random, severity: str) -> int:
    """Around the opening mostly, and often where something may be due."""
    budget = rng.choice(BUDGETS[severity])
    drawn = rng.random()
    if drawn < 0.4:
        return budget * rng.choice([1, 1, 1, 2])
    if drawn < 0.5:
        return budget + rng.choice([-20, -1, 1, 15])
    if drawn < 0.75:
        return rng.randrange(0, budget)
    if drawn < 0.8:
        return rng.choice([-90, -20, -5, 0])
    return rng.randrange(0, EVENTS_END)


def _delay(rng: Random, late: bool) -> int:
    """From the event to its record, in microseconds; a record may be up to five minutes early."""
    drawn = rng.random()
    if late or drawn < 0.1:
        return rng.randrange(0, 1_500) * MINUTE
    return rng.randrange(0, 20 * MINUTE) if drawn < 0.9 else -rng.randrange(0, 4 * MINUTE)


def _fact(rng: Random, start: Instant, verb: str, minute: int, number: int) -> Fact:
    at = Instant(start + minute * MINUTE)
    sequence = rng.choice(["", "", "", "2", "10"])
    return Fact("test", f"e{number}", verb, at, at, sequence, _data(rng, start, verb, minute))


def _contradiction(rng: Random, start: Instant, fact: Fact) -> Fact:
    """Another content of the same identity: another time, or another verb altogether."""
    verb = rng.choice([fact.kind, fact.kind, rng.choice(VERBS)])
    minute = (fact.at - start) // MINUTE + rng.choice([0, 7, 30])
    at = Instant(start + minute * MINUTE)
    return Fact(fact.source, fact.id, verb, at, at, fact.sequence, _data(rng, start, verb, minute))


def _data(rng: Random, start: Instant, verb: str, minute: int) -> dict[str, Value]:
    data: dict[str, Value] = {}
    if verb == "opened":
        data = {"title": "x", "customer": {"id": "c", "tier": rng.choice(["gold", "gold", "silver"])}}
        if rng.random() < 0.3:
            data["reported_at"] = int(start + (minute - 20) * MINUTE)
        if rng.random() < 0.2:
            data["occurred_at"] = int(start + (minute - 200) * MINUTE)
    if verb in ("opened", "updated", "triaged") and rng.random() < 0.7:
        data["severity"] = rng.choice(SEVERITIES)
    if verb in ("opened", "updated", "triaged"):
        data |= _impact(Random(f"{verb} {minute} {data}"))  # noqa: S311  # so that lives stay what they are
    if verb == "assigned" or (verb in ("opened", "updated") and rng.random() < 0.3):
        data["owner"] = rng.choice(["ann", "bo"])
    if verb in ("paused", "resumed"):
        data = {"reason": rng.choice(REASONS)}
    if verb in ("message_received", "message_sent"):
        data = {"public": rng.random() < 0.8}
    if verb == "update_published":
        data = {"audience": rng.choice(AUDIENCES)}
        if rng.random() < 0.3:
            data["next_update_at"] = int(start + (minute + rng.choice([-5, 40, 200])) * MINUTE)
    if verb.startswith("commitment"):
        data = {"commitment_id": rng.choice(["a", "b"])}
    if verb in ("commitment_made", "commitment_renegotiated"):
        data["due_at"] = int(start + (minute + rng.choice([-5, 20, 60, 400])) * MINUTE)
    if verb == "commitment_made":
        data["text"] = "by then"
    if verb == "role_assigned":
        data = {"role": "incident_commander", "person": "kim"}
    if verb == "cancelled":
        data = {"reason": "spam"}
    if verb == "merged":
        data = {"into": rng.choice(OTHERS)}
    if verb in ("linked", "unlinked"):
        data = {"to": rng.choice(OTHERS)}
    return data


def _impact(rng: Random) -> dict[str, Value]:
    impact: dict[str, Value] = {}
    for field, values in (
        ("data_loss", [True, False, None]),
        ("workaround", [True, False, None]),
        ("affected_customers", [3, 19, 20, 400]),
    ):
        if rng.random() < 0.4:
            impact[field] = rng.choice(values)
    return {"impact": impact} if impact else {}


def _broken(rng: Random, start: Instant, number: int) -> Sent:
    """A record that is none of a good event."""
    arrives = Instant(start + rng.randrange(0, EVENTS_END) * MINUTE)
    at = Instant(arrives + rng.choice([0, 60]) * MINUTE)
    fact = Fact("test", f"broken{number}", "acknowledged", at, at)
    record = encode_event("ticket.acknowledged.v1", f"desk:{rng.randrange(3)}", fact)
    if at == arrives:
        broken = rng.choice(
            [Record(b"desk:7", record.value, record.headers), Record(record.key, b"\xff", record.headers)]
        )
    else:
        broken = record
    return Sent(arrives, rng.choice(["ticket", "incident"]), broken, f"broken record {number}")


def _shown(start: Instant, at: Instant) -> str:
    return f"minute {(at - start) / MINUTE:g}"
