"""The hash of a verdict: over what was judged, by which rules, and where the time went."""

from hashlib import blake2b

import msgspec

from engine.core.instants import Instant, Span
from engine.core.outcomes import VERDICTS, Outcome, Versions
from engine.core.segments import Segment

_encode = msgspec.msgpack.Encoder().encode


def seal(
    subject: str,
    name: str,
    metric: str,
    key: str,
    cycle: int,
    policy_hash: str,
    severity: str,
    started: Instant | None,
    due: Instant | None,
    effective: Instant,
    elapsed: Span,
    target: Span | None,
    in_a_row: int,
    reason: str,
    versions: Versions | None,
    segments: tuple[Segment, ...],
) -> str:
    """32 hex digits of BLAKE2b over the msgpack array of these, in this order; times in microseconds.

    What depends on when the engine ran (detected_at, seq) is not in it: a replay gives the same.
    """
    content = (
        subject, name, metric, key, cycle, policy_hash, severity, started, due, effective, elapsed, target,
        in_a_row, reason, versions, segments,
    )  # fmt: skip
    return blake2b(_encode(content), digest_size=16).hexdigest()


def hash_of(o: Outcome) -> str:
    """The hash that the outcome must carry; of a correction that of the verdict as corrected."""
    return seal(
        o.subject, o.outcome or o.name, o.metric, o.key, o.cycle, o.policy.hash, o.severity, o.started_at,
        o.due_at, o.effective_at, o.elapsed, o.target, o.in_a_row, o.reason, o.versions, o.segments,
    )  # fmt: skip


def is_intact(o: Outcome) -> bool:
    """Whether a verdict says what its hash was made over; True for what carries none and need not."""
    if o.name == "retracted" or (o.outcome or o.name) not in VERDICTS:
        return True
    return o.hash == hash_of(o)
