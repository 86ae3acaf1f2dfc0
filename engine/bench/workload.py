"""The events that are measured with: escalations with ordinary lives, the same every run."""

import random
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import orjson

from engine.core.instants import DAY, MINUTE, Instant, Span, format_instant, parse_instant

START = parse_instant("2026-03-02T00:00:00Z")
WINDOW = Span(60 * DAY)
"""The openings are spread over this time."""
SOURCE = b"urn:vigil:bench"
_SEVERITIES, _WEIGHTS = ("P0", "P1", "P2", "P3"), (2, 10, 40, 48)
_IMPACT = {"scope": "some", "workaround": True}
_TIERS = ("platinum", "gold", "silver", "bronze")
_PACE = {"P0": 6.0, "P1": 12.0, "P2": 40.0, "P3": 120.0}
"""Minutes from one event to the next, on average."""
_AGAIN = 0.25
"""The share of escalations with the title of one of their service's usual troubles."""
_TROUBLES = ("checkout", "login", "search", "export", "mail", "reports")
_SYMPTOMS = ("answers slowly", "fails", "shows nothing", "hangs")
_SYLLABLES = ("ka", "lo", "mi", "ne", "ro", "sa", "ti", "vu", "be", "do", "fa", "gi")
_BY: dict[str, object] = {"by": "agent-7"}
Step: TypeAlias = tuple[float, str, dict[str, object]]
"""How long after the one before (minutes, then in paces), verb, data."""
_WORK: tuple[Step, ...] = (
    (1, "update_published", {"audience": "internal"}),
    (1, "message_received", {"public": True}),
    (1, "message_sent", {"public": True, **_BY}),
    (1, "updated", {"component": "checkout-api", "affected_customers": 7}),
    (1, "update_published", {"audience": "internal"}),
    (1, "update_published", {"audience": "customer"}),
    (1, "message_sent", {"public": False, **_BY}),
)
_COMMAND: tuple[Step, ...] = tuple(
    (0.5, "role_assigned", {"role": role, "person": "agent-7"})
    for role in ("incident_commander", "communications", "subject_expert", "executive_sponsor")
)
_RCA: Step = (1, "rca_published", {"stage": "final"})
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
    """One escalation as a desk that keeps its word works on it: most updates in time, some not.

    Opened, taken up, worked on for as many events as are left, resolved and closed; what is grave has its war
    room staffed and its RCA written, too.
    """
    severity = chance.choices(_SEVERITIES, _WEIGHTS)[0]
    pace = _PACE[severity] * chance.lognormvariate(0, 0.4)
    owner: dict[str, object] = {"owner": f"agent-{chance.randrange(50)}", "team": "support"}
    first: list[Step] = [
        (0, "opened", _opening(severity, subject, chance)),
        (2, "acknowledged", _BY),
        (4, "triaged", {"severity": severity, "impact": _IMPACT, **_BY}),
        (2, "assigned", owner),
        (5, "message_sent", {"public": True, **_BY}),
    ]
    resolved: Step = (1, "resolved", {"resolution": "restarted the worker", **_BY})
    closed: Step = (1, "closed", {"by": "reporter-3"})
    last = [resolved, closed]
    if severity in ("P0", "P1"):  # ten events are its share as well: it is opened with its owner
        first[0][2].update(owner)
        del first[3]
        first += _COMMAND if severity == "P0" else _COMMAND[:3]
        last = [closed, _RCA] if severity == "P0" else [resolved, _RCA, closed]
    steps = first[:length]
    while len(steps) < length - len(last):
        steps.append(_WORK[(len(steps) - len(first)) % len(_WORK)])
    steps += last[: length - len(steps)]
    at = opened
    for number, (gap, verb, data) in enumerate(steps):
        minutes = gap if number < len(first) else gap * pace
        at = Instant(at + int(minutes * MINUTE * chance.uniform(0.5, 1.5)))
        yield Event(at, subject, number, verb, data)


def _opening(severity: str, subject: str, chance: random.Random) -> dict[str, object]:
    customer = chance.randrange(1000)
    return {
        "title": f"{_trouble(subject)} ({subject})",
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


def _trouble(subject: str) -> str:
    """By chances of its own: what titles there are changes no life."""
    chance = random.Random(subject)  # noqa: S311  (a workload, no secret)
    what = f"{chance.choice(_TROUBLES)} {chance.choice(_SYMPTOMS)}"
    if chance.random() < _AGAIN:
        return what
    return f"{what} for {''.join(chance.choices(_SYLLABLES, k=4))}"


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
