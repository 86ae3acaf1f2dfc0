"""Lines of events and a small book of policies, with all that does not matter filled in."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import parse_instant
from engine.core.policy import Book
from engine.core.refusals import Refusal
from engine.policies import load
from engine.replay.gather import Rejected
from engine.replay.replaying import Hearing, Replay, Wish

RECURRING = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  resolve: {budget: {P1: 12h}}
recurrence: {fingerprint: [service, component, title], window: 4h, flag_within: 2h, notify: [product]}
"""
POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
risk: [50%]
clocks:
  resolve: {budget: {P0: 1h, P1: 4h}}
cadence:
  customer: {every: {P0: 30m, P1: 1h}}
"""

_ids = count(1)


def event(
    verb: str,
    at: str,
    subject: str = "desk:1",
    *,
    recorded: str | None = None,
    identity: str | None = None,
    **data: Any,
) -> bytes:
    """A ticket event at a time of 2026-03-02, such as 09:30."""
    said: dict[str, object] = {
        "specversion": "1.0",
        "id": identity or f"e{next(_ids)}",
        "source": "urn:test",
        "type": f"ticket.{verb}.v1",
        "subject": subject,
        "time": f"2026-03-02T{at}:00Z",
        "datacontenttype": "application/json",
        "data": {"title": "Down", "severity": "P1", **data} if verb == "opened" else data,
    }
    if recorded is not None:
        said["recordedtime"] = f"2026-03-02T{recorded}:00Z"
    return orjson.dumps(said)


def book(folder: Path, policy: str = POLICY) -> Book:
    (folder / "test.yaml").write_text(policy)
    return load(folder)


class Heard:
    """What a replay had to report."""

    def __init__(self) -> None:
        self.rejected: list[Rejected] = []
        self.refused: list[tuple[str, str, str]] = []

    def refuse(self, subject: str, fact: Fact, why: Refusal) -> None:
        self.refused.append((subject, fact.id, why.reason))


def replayed(
    book: Book,
    lines: Iterable[bytes],
    *,
    until: str | None = None,
    as_reported: bool = False,
    options: Options = Options(),  # noqa: B008  # frozen
) -> tuple[list[dict[str, Any]], Replay, Heard]:
    """The outcomes, and the replay that gave them."""
    heard = Heard()
    end = None if until is None else parse_instant(f"2026-03-02T{until}:00Z")
    wish = Wish(until=end, as_reported=as_reported, options=options)
    replay = Replay(book, wish, Hearing(heard.rejected.append, heard.refuse, lambda _: None))
    placed = ((f"events:{number}", line) for number, line in enumerate(lines, 1))
    return [orjson.loads(line) for line in replay.run(placed)], replay, heard


def names(outcomes: Iterable[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(time, metric, what is said) of each outcome."""
    return [
        (one["time"][11:16], one["data"]["metric"], one["type"].removeprefix("sla.").removesuffix(".v1"))
        for one in outcomes
    ]
