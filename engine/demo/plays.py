"""Turns the story, or a file of real events, into a play: records in order of arrival, and how fast."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import orjson

from engine.bench.standard import standard_policies
from engine.contract.codec import Record, Unreadable, encode_event, read_line
from engine.core.facts import Fact
from engine.core.instants import SECOND, Instant, Span
from engine.demo.feed import real_now
from engine.demo.playing import Arrival, Play, ahead
from engine.demo.story import Step, load_story
from engine.replay.files import read_lines

STORY_SPEED = 120.0
DATA_SECONDS = 60.0
FASTEST = 1e6
_SHORTEST = Span(60 * SECOND)


class NothingToPlay(Exception):
    """The file holds no event that can be read; the message says what is wrong with the first that cannot."""


def story_policies() -> Path:
    """The folder of the demo's own policies."""
    return Path(str(resources.files("engine.demo").joinpath("policies")))


def story_play(
    policies: Path | None = None, speed: float | None = None, seconds: float | None = None
) -> Play:
    """The demo's story."""
    story = load_story(real_now())
    timing = _timing(story.length, speed, seconds, Span(int(story.length / STORY_SPEED)))
    return Play(
        start=story.start,
        end=Instant(story.start + timing.shown),
        speed=timing.speed,
        zone=story.zone,
        policies=policies or story_policies(),
        arrivals=[story_arrival(step) for step in story.steps],
        events=len(story.steps),
        picture=story.picture,
        dated=False,
        ahead=ahead(timing.speed),
    )


def story_arrival(step: Step) -> Arrival:
    """A step of the story as the record that a producer would send."""
    record = encode_event(f"{step.family}.{step.fact.kind}.v1", step.subject, step.fact)
    return _arrival(step.family, step.subject, step.fact, record, step.caption)


def data_play(path: Path, policies: Path | None, speed: float | None, seconds: float | None) -> Play:
    """A file of recorded events (structured CloudEvents as JSON Lines, .gz too), in order of their recording.

    Lines that cannot be read are left out. NothingToPlay where none can be read.
    """
    arrivals = sorted(_read(path), key=lambda arrival: arrival.at)
    if not arrivals:
        raise NothingToPlay(f"{path}: no line of it can be read as an event; `vigil replay` says why")
    start, end = arrivals[0].at, arrivals[-1].at
    length = max(Span(end - start), _SHORTEST)
    timing = _timing(length, speed, seconds, Span(int(DATA_SECONDS * SECOND)))
    return Play(
        start=start,
        end=Instant(start + timing.shown),
        speed=timing.speed,
        zone=datetime.now().astimezone().tzinfo or UTC,
        policies=policies or standard_policies(),
        arrivals=arrivals,
        events=len(arrivals),
        picture=None,
        dated=True,
        ahead=ahead(timing.speed),
    )


def _read(path: Path) -> Iterator[Arrival]:
    for _, line in read_lines(str(path)):
        received = read_line(line)
        if isinstance(received, Unreadable):
            continue
        family = orjson.loads(line)["type"].partition(".")[0]
        record = Record(received.subject.encode(), line, [("content-type", b"application/cloudevents+json")])
        yield _arrival(family, received.subject, received.fact, record, "")


def _arrival(family: str, subject: str, fact: Fact, record: Record, caption: str) -> Arrival:
    customer = fact.data.get("customer")
    names: tuple[tuple[str, str], ...] = ()
    if (
        isinstance(customer, dict)
        and isinstance(customer.get("id"), str)
        and isinstance(customer.get("name"), str)
    ):
        names = ((str(customer["id"]), str(customer["name"])),)
    key = fact.data.get("commitment_id") or fact.data.get("action_id")
    text = fact.data.get("text") or fact.data.get("title")
    texts = (((subject, str(key)), str(text)),) if key and text else ()
    return Arrival(fact.recorded, family, record, caption, names, texts)


class _Timing(NamedTuple):
    speed: float
    shown: Span
    """How much of the play is shown."""


def _timing(length: Span, speed: float | None, seconds: float | None, usual: Span) -> _Timing:
    """Speed and length from what is given: either one gives the other; both show only a part."""
    if speed is None:
        real = Span(int(seconds * SECOND)) if seconds is not None else usual
        return _Timing(min(FASTEST, max(1.0, length / real)), length)
    shown = length if seconds is None else min(length, Span(int(seconds * SECOND * speed)))
    return _Timing(speed, Span(shown))
