"""What the rules want said, as it is stored with the facts."""

from msgspec import Struct

from engine.core.instants import Instant, Span
from engine.core.outcomes import Classification, PolicyRef
from engine.core.segments import Segment


class Context(Struct, frozen=True, array_like=True, gc=False):
    """Whom and what an outcome concerns, as known when it took effect."""

    severity: str
    customer_id: str
    customer_tier: str
    service: str
    team: str
    owner: str
    policy: PolicyRef | None = None
    """By which version it was judged, once that is not the opening's any more."""


class Statement(Struct, frozen=True, array_like=True, gc=False):
    """One thing to say, without the identity that saying it gives it (seq, id, detected_at)."""

    name: str
    metric: str
    key: str
    cycle: int
    at: Instant
    due: Instant | None
    started: Instant
    elapsed: Span
    target: Span | None
    calendar: str
    threshold: str
    notify: tuple[str, ...]
    in_a_row: int
    reason: str
    context: Context
    segments: tuple[Segment, ...] = ()
    """Of a verdict: where its time went."""
    credit_percent: float | None = None
    """credit_exposed: what is owed now, of the customer's monthly fee."""
    people: tuple[str, ...] = ()
    """room_too_large: who is in the war room."""
    at_most: int = 0
    """room_too_large: how many the policy allows."""
    members: tuple[str, ...] = ()
    """recurrence_detected: the escalations that are its occurrences, the latest of them."""
    occurrences: int = 0
    """recurrence_detected: how many there are in the window."""
    classification: Classification | None = None
    """classified: what the severity rules say."""
