"""What an escalation passes on: customer updates, whom the merged one answers, that it is an occurrence.

A relay is a fact of the other escalation, under an id that follows from the event that it is made of. What is
wanted is a function of the facts; each difference to what was sent is sent under the next version, and of an
id the highest version stands: in whatever order the versions come, the last one said wins.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.core.facts import CONTACT_INHERITED, OCCURRENCE, RELAYED_UPDATE, Fact, Value
from engine.core.instants import MICROSECOND, Instant

SOURCE = "vigil"
"""Of every relay."""
_FOR_PEOPLE = 100
"""Characters of an id that the relay's begins with, for people; the hash behind is its identity."""


class Relay(Struct, frozen=True, array_like=True, tag=2, gc=False):
    """One command to another escalation; in a history, the last that was sent of its id."""

    target: str
    fact: Fact


class Settled(NamedTuple):
    """What became of the relays that are wanted."""

    to_send: list[Relay]
    sent: list[Relay]
    """The last of each id, these included."""


def relayed_update(subject: str, target: str, update: Fact) -> Relay:
    """An update for the customers of `subject` counts for `target` at its time (Cadence 6)."""
    stated = update.instant("next_update_at")
    said: dict[str, Value] = {} if stated is None else {"next_update_at": stated}
    return _relay(subject, target, RELAYED_UPDATE, update, update.at, said)


def contact_inherited(subject: str, into: str, merged: Fact, contact: Instant, *, answered: bool) -> Relay:
    """The customer first came at `contact`, and was `answered` there or not (Clock 11).

    It is inherited just after the merge: what is passed on then depends on earlier facts alone, and merges in
    a circle come to rest.
    """
    at = Instant(merged.at + MICROSECOND)
    said: dict[str, Value] = {"contact_at": contact}
    return _relay(
        subject, into, CONTACT_INHERITED, merged, at, said | {"answered": True} if answered else said
    )


def occurrence(subject: str, pattern: str, event: Fact, opened: Instant, said: dict[str, Value]) -> Relay:
    """`subject` is one of the pattern's occurrences, of when it opened (Recurrence 4).

    It is under one id whichever event told so: whoever leaves a pattern and comes back is one member.
    """
    known = _relay(subject, pattern, OCCURRENCE, event, opened, said).fact
    identity = f"{subject[:_FOR_PEOPLE]} {_digest(subject, OCCURRENCE)}"
    return Relay(pattern, replace(known, id=identity, sequence=""))


def no_occurrence(subject: str, pattern: str, event: Fact, opened: Instant) -> Relay:
    """`subject` is none of the pattern's occurrences any more."""
    return _versioned(occurrence(subject, pattern, event, opened, {}), 1, withdrawn=True)


def settle(wanted: Iterable[Relay], sent: Iterable[Relay]) -> Settled:
    """Compare what is wanted with the last that was sent of each id; what is wanted no more is withdrawn.

    Of two that are wanted under one id the later stands: it may be that nothing is.
    """
    known = {key_of(relay): relay for relay in sent}
    to_send: list[Relay] = []
    kept: list[Relay] = []
    for relay in {key_of(relay): relay for relay in wanted}.values():
        if is_withdrawn(relay.fact):
            continue
        last = known.pop(key_of(relay), None)
        if last is not None:
            if _versioned(relay, version(last.fact)).fact.same_content(last.fact):
                kept.append(last)
                continue
            relay = _versioned(relay, version(last.fact) + 1)
        to_send.append(relay)
    for last in known.values():
        if is_withdrawn(last.fact):
            kept.append(last)
        else:
            to_send.append(_versioned(last, version(last.fact) + 1, withdrawn=True))
    return Settled(to_send, [*kept, *to_send])


def key_of(relay: Relay) -> tuple[str, str]:
    """What its versions share."""
    return relay.target, relay.fact.id


def version(fact: Fact) -> int:
    """Of a relay; the highest of an id stands."""
    found = fact.data.get("version")
    return found if isinstance(found, int) else 0


def is_withdrawn(fact: Fact) -> bool:
    """Whether it only says that an earlier version counts no more."""
    return fact.data.get("withdrawn") is True


def _relay(subject: str, target: str, kind: str, event: Fact, at: Instant, said: dict[str, Value]) -> Relay:
    data: dict[str, Value] = {
        "version": 1, "from": subject, "event_source": event.source, "event_id": event.id, **said,
    }  # fmt: skip
    identity = f"{event.id[:_FOR_PEOPLE]} {_digest(subject, event.source, event.id)}"
    return Relay(target, Fact(SOURCE, identity, kind, at, event.recorded, event.sequence, data))


def _digest(*origin: str) -> str:
    return blake2b(msgspec.msgpack.encode(origin), digest_size=16).hexdigest()


def _versioned(relay: Relay, number: int, *, withdrawn: bool = False) -> Relay:
    data = {**relay.fact.data, "version": number}
    if withdrawn:
        data["withdrawn"] = True
    return replace(relay, fact=replace(relay.fact, data=data))
