"""The demo's story: what happens when, and what Vigil must say because of it. Read from `story.yaml`."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from importlib import resources
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import yaml
from msgspec import Struct

from engine.core.facts import Fact, Value
from engine.core.instants import MINUTE, Instant, Span, from_datetime

_EVENT_FIELDS = frozenset({"at", "arrives", "say"})
_MARGIN = Span(10 * MINUTE)


class Step(NamedTuple):
    """One event, and when it reaches Kafka: `fact.recorded`."""

    family: str
    """ticket or incident."""
    subject: str
    fact: Fact
    caption: str


class Promise(NamedTuple):
    """An outcome that the story promises."""

    subject: str
    name: str
    metric: str
    """For a correction the metric that it corrects."""
    at: Instant | None
    """When it takes effect; None: not promised."""
    about: str


class Story(NamedTuple):
    start: Instant
    end: Instant
    picture: Instant
    """A moment at which the board shows every state."""
    zone: ZoneInfo
    steps: tuple[Step, ...]
    """In order of arrival."""
    promises: tuple[Promise, ...]
    never: tuple[tuple[str, str], ...]
    """(subject, outcome) that must not stand at the end."""
    abouts: tuple[tuple[str, str], ...]
    """(subject, what it shows)."""

    @property
    def length(self) -> Span:
        return Span(self.end - self.start)


class _Escalation(Struct, forbid_unknown_fields=True):
    subject: str
    title: str
    severity: str
    customer: str
    service: str
    events: list[dict[str, Any]]
    about: str = ""
    expect: list[dict[str, str]] = []
    never: list[str] = []


class _File(Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    day: date
    zone: str
    start: str
    end: str
    picture: str
    customers: dict[str, dict[str, str]]
    escalations: list[_Escalation]


class _Times:
    """Times of day as instants of the story's day."""

    def __init__(self, day: date, zone: ZoneInfo) -> None:
        self._day, self._zone = day, zone

    def __call__(self, text: str) -> Instant:
        return from_datetime(datetime.combine(self._day, time.fromisoformat(text), self._zone))


def load_story(now: Instant) -> Story:
    """The story on its day, or whole weeks earlier while that is not over: Kafka refuses the future."""
    text = resources.files("engine.demo").joinpath("story.yaml").read_text("utf-8")
    file = msgspec.convert(yaml.safe_load(text), _File)
    day, zone = file.day, ZoneInfo(file.zone)
    while (times := _Times(day, zone))(file.end) + _MARGIN > now:
        day -= timedelta(weeks=1)
    told = file.escalations
    steps = [step for each in told for step in _steps(each, file.customers[each.customer], times)]
    return Story(
        start=times(file.start),
        end=times(file.end),
        picture=times(file.picture),
        zone=zone,
        steps=tuple(sorted(steps, key=lambda step: (step.fact.recorded, step.subject, step.fact.id))),
        promises=tuple(promise for each in told for promise in _promises(each, times)),
        never=tuple((each.subject, name) for each in told for name in each.never),
        abouts=tuple((each.subject, each.about) for each in told if each.about),
    )


def _steps(told: _Escalation, customer: dict[str, str], times: _Times) -> Iterator[Step]:
    opening: dict[str, Value] = {
        "title": told.title,
        "severity": told.severity,
        "service": told.service,
        "customer": {"id": told.customer, **customer},
    }
    for number, event in enumerate(told.events, 1):
        (verb,) = event.keys() - _EVENT_FIELDS
        said = {name: times(value) if name.endswith("_at") else value for name, value in event[verb].items()}
        at = times(event["at"])
        fact = Fact(
            source=f"/demo/{told.subject.partition(':')[0]}",
            id=f"{told.subject}/{number:02}",
            kind=verb,
            at=at,
            recorded=times(event["arrives"]) if "arrives" in event else at,
            data={**opening, **said} if verb == "opened" else said,
        )
        family = "incident" if told.subject.startswith("incidents:") else "ticket"
        yield Step(family, told.subject, fact, event.get("say", ""))


def _promises(told: _Escalation, times: _Times) -> Iterator[Promise]:
    for expected in told.expect:
        (name,) = expected.keys() - {"at"}
        at = times(expected["at"]) if "at" in expected else None
        yield Promise(told.subject, name, expected[name], at, told.about)
