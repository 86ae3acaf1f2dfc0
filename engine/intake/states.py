"""What a source calls the state of a ticket, and what a change of it says in the contract's verbs."""

from typing import NamedTuple

from msgspec import Struct

from engine.core.facts import Value


class State(Struct, frozen=True):
    """What a source's status means: open, paused (why), resolved, closed or cancelled (why)."""

    kind: str
    reason: str = ""


KINDS = ("open", "paused", "resolved", "closed", "cancelled")
OPEN, RESOLVED, CLOSED = State("open"), State("resolved"), State("closed")


class Move(NamedTuple):
    verb: str
    data: dict[str, Value]


def parse_state(text: str) -> State:
    """`open`, `resolved`, `closed`, `paused: pending_customer`, `cancelled: spam`. ValueError for more."""
    kind, _, reason = (part.strip() for part in text.partition(":"))
    if kind not in KINDS or bool(reason) != (kind in ("paused", "cancelled")):
        raise ValueError("open, resolved, closed, paused: REASON or cancelled: REASON")
    return State(kind, reason)


def moves(before: State | None, after: State) -> list[Move]:
    """What happened between two states; `before` is None where the source does not say it.

    Then whatever the new state rules out is said to be over: it changes nothing where it was not so.
    """
    if before == after:
        return []
    said: list[Move] = []
    if before is None:
        if after.kind in ("open", "paused"):
            said += [Move("reopened", {}), Move("resumed", {})]
    else:
        if before.kind in ("resolved", "closed", "cancelled") and after.kind in ("open", "paused"):
            said.append(Move("reopened", {}))
        if before.kind == "paused":
            said.append(Move("resumed", {"reason": before.reason}))
    if after.kind in ("paused", "cancelled"):
        said.append(Move(after.kind, {"reason": after.reason}))
    elif after.kind in ("resolved", "closed"):
        said.append(Move(after.kind, {}))
    return said
