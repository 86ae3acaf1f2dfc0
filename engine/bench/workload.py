"""The events that are measured with: escalations with ordinary lives, the same every run."""

import random
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from engine.core.instants import DAY, MINUTE, Instant, Span, format_instant, parse_instant

START = parse_instant("2026-03-02T00:00:00Z")
WINDOW = Span(60 * DAY)
"""The openings are spread over this time."""
SOURCE = b"urn:vigil:bench"
_SEVERITIES, _WEIGHTS = ("P0", "P1", "P2", "P3"), (2, 10, 40, 48)
_IMPACT = {"scope": "some", "workaround": True}
_TIERS = ("platinum", "gold", "silver", "bronze")
_HEADERS = [("ce_specversion", b"1.0"), ("ce_source", SOURCE), ("content-type", b"application/json")]


class Event(NamedTuple):
    """One event before it is a record."""

    at: Instant
    subject: str
    number: int
    """Of its subject, from 0."""
    verb: str
    data: dict[str, object]


class Record(NamedTuple):
    """As it lies on the topic: a CloudEvent in binary mode."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def life(subject: str, opened: Instant, length: int, chance: random.Random) -> Iterator[Event]:
    """One escalation: opened, worked on for as many events as are left, resolved and closed."""
    severity = chance.choices(_SEVERITIES, _WEIGHTS)[0]
    pace = {"P0": 0.4, "P1": 0.7, "P2": 2.0, "P3": 4.0}[severity] * chance.lognormvariate(0, 0.5)
    first: list[tuple[int, str, dict[str, object]]] = [
        (0, "opened", _opening(severity, subject, chance)),
        (3, "acknowledged", {"by": "agent-7"}),
        (9, "triaged", {"severity": severity, "impact": _IMPACT, "by": "agent-7"}),
        (10, "assigned", {"owner": f"agent-{chance.randrange(50)}", "team": "support"}),
        (14, "message_sent", {"by": "agent-7", "public": True}),
    ]
    middle: list[tuple[int, str, dict[str, object]]] = [
        (55, "message_received", {"public": True}),
        (35, "message_sent", {"by": "agent-7", "public": True}),
        (40, "update_published", {"audience": "customer"}),
        (20, "update_published", {"audience": "internal"}),
    ]
    last: list[tuple[int, str, dict[str, object]]] = [
        (60, "resolved", {"by": "agent-7", "resolution": "restarted the worker"}),
        (60, "closed", {"by": "reporter-3"}),
    ]
    steps = first[:length]
    while len(steps) < length - len(last):
        steps.append(middle[(len(steps) - len(first)) % len(middle)])
    steps += last[: length - len(steps)]
    at = opened
    for number, (minutes, verb, data) in enumerate(steps):
        gap = minutes if number < len(first) else minutes * pace
        at = Instant(at + int(gap * MINUTE * chance.uniform(0.5, 1.5)))
        yield Event(at, subject, number, verb, data)


def _opening(severity: str, subject: str, chance: random.Random) -> dict[str, object]:
    customer = chance.randrange(1000)
    return {
        "title": f"Checkout answers slowly ({subject})",
        "severity": severity,
        "customer": {
            "id": f"customer-{customer}",
            "name": f"Customer {customer}",
            "tier": _TIERS[customer % 4],
        },
        "service": f"service-{chance.randrange(40)}",
        "component": "checkout",
        "region": "eu-central",
        "affected_customers": chance.randrange(100),
        "channel": "email",
        "tags": ["billing", "login"],
    }


def events(escalations: int, count: int, *, seed: int = 1) -> list[Event]:
    """`count` events of so many escalations, in order of time."""
    chance = random.Random(seed)  # noqa: S311  (a workload, no secret)
    length, longer = divmod(count, escalations)
    made = [
        event
        for number in range(escalations)
        for event in life(
            f"bench:{number:06}",
            Instant(START + int(chance.random() * WINDOW)),
            length + (number < longer),
            chance,
        )
    ]
    made.sort(key=lambda event: (event.at, event.subject, event.number))
    return made


def record(event: Event) -> Record:
    """The event as a producer would send it."""
    subject = event.subject.encode()
    headers = [
        *_HEADERS,
        ("ce_id", b"%s-%d" % (subject, event.number)),
        ("ce_type", b"ticket.%s.v1" % event.verb.encode()),
        ("ce_subject", subject),
        ("ce_time", format_instant(event.at).encode()),
    ]
    return Record(subject, orjson.dumps(event.data), headers)


def promises(count: int, now: Instant, first: Span, spread: Span) -> Iterator[Event]:
    """So many escalations opened now, each with a promise that comes due once, spread evenly in time."""
    for number in range(count):
        subject = f"promise:{number:06}"
        due = Instant(now + first + spread * number // max(1, count - 1))
        yield Event(now, subject, 0, "opened", {"title": "Promised", "severity": "P2"})
        data: dict[str, object] = {"commitment_id": "c1", "text": "a fix", "due_at": format_instant(due)}
        yield Event(Instant(now + 1), subject, 1, "commitment_made", data)
