"""What a module that reads a source's history exposes: pages of deliveries, and where the next one begins."""

from typing import Any, NamedTuple, Protocol

from engine.core.instants import Instant, Span
from engine.intake.arrival import NotMapped
from engine.intake.payloads import Node


class Window(NamedTuple):
    """What is asked for: the facts of [since, until)."""

    since: Instant
    until: Instant

    def __contains__(self, at: object) -> bool:
        return isinstance(at, int) and self.since <= at < self.until


class Delivery(NamedTuple):
    """One fact, as the webhook that tells it has it."""

    body: Any
    at: Instant
    """When it happened, to the microsecond or not: the window is asked with it."""
    why: NotMapped | None = None
    """Why it stands for no webhook: then the body is what the source said."""


def unread(item: Node, window: Window, why: NotMapped) -> Delivery:
    """What is in no shape that we know: a dead letter, and the page goes on."""
    return Delivery(item.value, Instant(window.until - 1), why)


class Page(NamedTuple):
    deliveries: list[Delivery]
    """Those of one escalation in the order of time."""
    cursor: str
    """Of the next page; empty: the window has been read."""


class Reader(Protocol):
    """One source's history."""

    settle: Span
    """What is younger is not asked for yet: the source may still add to it."""
    overlap: Span
    """How far before its start a window is asked again: the source may have shown it late."""

    async def page(self, window: Window, cursor: str) -> Page:
        """The page at the cursor, empty: the first. CursorExpired; HistoryFailed by its name."""
        ...
