"""What a review that was filled in tells the engine: the RCA published, the review held, the actions opened.

Each event's id follows from what it says, so that the same file sent again changes nothing.
"""

from hashlib import blake2b
from typing import Any

import msgspec

from engine.contract.codec import Unreadable, read_line, structured_event
from engine.contract.events import VERSION
from engine.core.facts import Fact, Value
from engine.core.instants import Instant
from engine.documents.review_check import Action, Answers, Problem

SOURCE = "urn:vigil:pir"

_encode = msgspec.msgpack.Encoder().encode


def events_of(answers: Answers, family: str) -> list[dict[str, Any]]:
    """Structured CloudEvents of the family (ticket or incident), in order of their time.

    An action is opened when the review was held, else when it was published; one that the log has already,
    with another owner or date, at the publication: told again, it is moved.
    """
    by: dict[str, Value] = {"by": answers.published_by} if answers.published_by else {}
    url: dict[str, Value] = {"url": answers.url} if answers.url else {}
    told: list[tuple[str, Instant, dict[str, Value]]] = []
    if answers.held_at is not None:
        told.append(("pir_held", answers.held_at, url))
    if answers.published_at is not None:
        at = answers.published_at
        told.append(("rca_published", at, {"stage": answers.stage, **url, **by}))
        for action in answers.actions:
            if action.is_new:
                begins = at if action.is_logged or answers.held_at is None else answers.held_at
                told.append(("action_opened", begins, _opened(action)))
    return [_event(answers.subject, family, *one) for one in sorted(told, key=lambda one: one[1])]


def refused(events: list[dict[str, Any]]) -> list[Problem]:
    """What the engine would not take of them: a title that is too long, an id with a line break."""
    read = [(event, read_line(msgspec.json.encode(event))) for event in events]
    return [
        Problem(0, "wrong", f"{event['type']} would be refused: {said}")
        for event, said in read
        if isinstance(said, Unreadable)
    ]


def _opened(action: Action) -> dict[str, Value]:
    said: dict[str, Value] = {"action_id": action.id, "title": action.title, "owner": action.owner}
    return said if action.due is None else {**said, "due_at": action.due}


def _event(subject: str, family: str, verb: str, at: Instant, data: dict[str, Value]) -> dict[str, Any]:
    identity = blake2b(_encode((subject, verb, at, sorted(data.items()))), digest_size=16).hexdigest()
    fact = Fact(SOURCE, f"{verb}-{identity}", verb, at, at, data=data)
    event = structured_event(f"{family}.{verb}.{VERSION}", subject, fact)
    del event["recordedtime"]  # Kafka says when it was recorded; a file, when it happened
    return event
