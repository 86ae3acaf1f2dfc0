"""What the archive was told, as the events that it came in."""

from collections.abc import Iterable, Iterator

import msgspec

from engine.archive.account import Account
from engine.contract.codec import structured_event
from engine.contract.events import VERSION

_ERASED = "erased"
_SENTENCES = ("reason", "title", "text")
"""What an erasure leaves empty, and an event has to have."""


def lines(accounts: Iterable[Account]) -> Iterator[bytes]:
    """A structured CloudEvent a fact, as lines, each escalation's in the order in which they are judged.

    A fact does not say whether a ticket's event or an incident's brought it; their verbs are the same.
    """
    encode = msgspec.json.Encoder().encode
    for account in accounts:
        for fact in account.facts:
            event = structured_event(f"ticket.{fact.kind}.{VERSION}", account.subject, fact)
            event["data"] |= {name: _ERASED for name in _SENTENCES if event["data"].get(name) == ""}
            yield encode(event) + b"\n"
