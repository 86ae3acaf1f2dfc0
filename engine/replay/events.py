"""A contract event as importers make it, and its line: structured CloudEvents JSON."""

from typing import NamedTuple

import orjson

from engine.core.instants import Instant, format_instant


class Event(NamedTuple):
    """One inbound event. Its identity is (source, id)."""

    at: Instant
    subject: str
    sequence: str
    """Orders the events of one subject at the same time."""
    type: str
    """`incident.opened.v1`."""
    source: str
    id: str
    data: dict[str, object]
    recorded: Instant | None = None
    """When the source's log shows it, where that is not when it happened."""

    def line(self) -> bytes:
        """The event as one line, its end included; the same event gives the same bytes."""
        attributes: dict[str, object] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": format_instant(self.at),
        }
        if self.recorded is not None and self.recorded != self.at:
            attributes["recordedtime"] = format_instant(self.recorded)
        attributes["sequence"] = self.sequence
        attributes["datacontenttype"] = "application/json"
        attributes["data"] = self.data
        return orjson.dumps(attributes, option=orjson.OPT_APPEND_NEWLINE)

    @property
    def order(self) -> tuple[Instant, str, str]:
        """By time; then whole subjects, each in its own order."""
        return self.at, self.subject, self.sequence
