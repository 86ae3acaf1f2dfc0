"""Outcomes on the wire: `sla.NAME.v1` in binary mode, written fast, described by one pydantic model."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Struct
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from engine.contract.records import Record
from engine.core.instants import SECOND, Instant, Span, format_instant, parse_instant
from engine.core.outcomes import NAMES, Classification, Known, Outcome, PolicyRef, Versions
from engine.core.segments import Segment, stands_paused

SOURCE = "vigil"
TYPES = {name: f"sla.{name}.v1" for name in NAMES}
_MOST = 2**63 - 1
_MOST_COUNTED = 2**31 - 1
_LONGEST_KEY = 2_000
"""Bytes of a text that is in an index: PostgreSQL takes no much larger one."""
_NAME_OF = {kind.encode(): name for name, kind in TYPES.items()}


class _Customer(Struct, frozen=True, omit_defaults=True, gc=False):
    id: str = ""
    tier: str = ""


class _Segment(Struct, frozen=True, omit_defaults=True, gc=False):
    """One part of the way to a verdict."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    state: str
    elapsed_seconds: float
    share: float | None = None
    reason: str = ""
    calendar: str = ""
    team: str = ""
    owner: str = ""


class _Proof(Struct, frozen=True, omit_defaults=True, gc=False):
    calendar: str
    calendar_version: str
    tzdata: str
    holidays: str
    segments: tuple[_Segment, ...] = ()
    hash: str = ""


class _Classification(Struct, frozen=True, omit_defaults=True, gc=False):
    """What the severity rules say."""

    disagrees: bool
    inputs: dict[str, Known]
    severity: str = ""
    unknown: tuple[str, ...] = ()


class _Wire(Struct, omit_defaults=True, gc=False):
    """The data of an outcome in the order in which it is written; what is empty is left out."""

    seq: int
    subject: str
    metric: str
    cycle: int
    policy: PolicyRef
    effective_at: str
    detected_at: str
    elapsed_seconds: float
    elapsed_calendar_seconds: float
    severity: str = ""
    started_at: str | None = None
    due_at: str | None = None
    target_seconds: float | None = None
    remaining_seconds: float | None = None
    consumed_ratio: float | None = None
    key: str = ""
    customer: _Customer | None = None
    service: str = ""
    team: str = ""
    owner: str = ""
    threshold: str = ""
    probability: float | None = None
    cases: int = 0
    notify: tuple[str, ...] = ()
    in_a_row: int = 0
    reason: str = ""
    proof: _Proof | None = None
    caused_by: str = ""
    corrects: str = ""
    outcome: str = ""
    provisional: bool = False
    credit_percent: float | None = None
    people: tuple[str, ...] = ()
    at_most: int = 0
    members: tuple[str, ...] = ()
    occurrences: int = 0
    classification: _Classification | None = None
    fingerprint: str = ""


class _Proven(Struct, gc=False):
    """Of the data of an outcome its proof alone."""

    proof: _Proof | None = None


_HEADERS = {
    name: [
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.encode()),
        ("ce_source", SOURCE.encode()),
        ("content-type", b"application/json"),
    ]
    for name, kind in TYPES.items()
}
"""What the headers of all outcomes of one name share."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Wire)
_proof_decoder = msgspec.json.Decoder(_Proven)


class _Stamps(dict[Instant, str]):
    """Instants as texts: nearly all are asked for again, in the same outcome or soon after."""

    def __missing__(self, at: Instant) -> str:
        if len(self) >= 16_384:
            self.clear()  # a cache that keeps an order of use takes three times as long to ask
        text = self[at] = format_instant(at)
        return text


_stamps = _Stamps()
_customer = lru_cache(maxsize=4_096)(_Customer)


def encode_outcome(outcome: Outcome) -> Record:
    """The record of an outcome: key and ce_subject the subject, ce_time its effective time."""
    key = outcome.subject.encode()
    time = _stamps[outcome.effective_at].encode()
    own = ("ce_id", outcome.id.encode()), ("ce_subject", key), ("ce_time", time)
    return Record(key, outcome_data(outcome), [*_HEADERS[outcome.name], *own])


def outcome_data(outcome: Outcome) -> bytes:
    """The data of an outcome as JSON."""
    o = outcome
    started, due, target, elapsed = o.started_at, o.due_at, o.target, o.elapsed
    ratio = _share(elapsed, target)
    # By position: thirty keyword arguments would cost a microsecond.
    wire = _Wire(
        o.seq,
        o.subject,
        o.metric,
        o.cycle,
        o.policy,
        _stamps[o.effective_at],
        _stamps[o.detected_at],
        elapsed / SECOND,
        o.elapsed_calendar / SECOND,
        o.severity,
        None if started is None else _stamps[started],
        None if due is None else _stamps[due],
        None if target is None else target / SECOND,
        None if target is None else (target - elapsed) / SECOND,
        ratio,
        o.key,
        _customer(o.customer_id, o.customer_tier) if o.customer_id or o.customer_tier else None,
        o.service,
        o.team,
        o.owner,
        o.threshold,
        o.probability,
        o.cases,
        o.notify,
        o.in_a_row,
        o.reason,
        _proof(o, ratio),
        o.caused_by,
        o.corrects,
        o.outcome,
        o.provisional,
        o.credit_percent,
        o.people,
        o.at_most,
        o.members,
        o.occurrences,
        None if o.classification is None else _classification(o.classification),
        o.fingerprint,
    )
    return _encoder.encode(wire)


def _classification(c: Classification) -> _Classification:
    return _Classification(c.disagrees, dict(c.inputs), c.severity, c.unknown)


def _share(elapsed: Span, target: Span | None) -> float | None:
    """To a millionth."""
    return (elapsed * 1_000_000 + target // 2) // target / 1_000_000 if target else None  # round() is slow


def _proof(o: Outcome, ratio: float | None) -> _Proof | None:
    """`ratio`: of all that has elapsed."""
    versions = o.versions
    if versions is None:
        return None
    if not o.hash:
        return _bare(versions)
    target, total = o.target, o.elapsed
    segments = []
    for s in o.segments:
        elapsed = s.elapsed
        state, reason = (s.state, s.reason) if s.why else ("running", "")  # nearly all ran
        segments.append(
            _Segment(
                _stamps[s.start],
                _stamps[s.end],
                state,
                elapsed / SECOND,
                ratio if elapsed == total else _share(elapsed, target),
                reason,
                s.calendar,
                s.team,
                s.owner,
            )
        )
    return _Proof(
        versions.calendar,
        versions.calendar_version,
        versions.tzdata,
        versions.holidays,
        tuple(segments),
        o.hash,
    )


@lru_cache(maxsize=256)
def _bare(versions: Versions) -> _Proof:
    """The proof of what is no verdict."""
    return _Proof(versions.calendar, versions.calendar_version, versions.tzdata, versions.holidays)


def decode_outcome(value: bytes, headers: Sequence[tuple[str, bytes]]) -> Outcome:
    """The outcome of a record of the outcomes topic. ValueError for anything else."""
    found = dict(headers)
    name = _NAME_OF.get(found.get("ce_type", b""))
    if name is None:
        kind = found.get("ce_type", b"").decode(errors="replace")
        raise ValueError(f"{kind!r} is no outcome; expected a type such as sla.met.v1")
    identity = found.get("ce_id")
    if not identity:
        raise ValueError(f"outcome {name} has no ce_id")
    try:
        return _outcome(name, identity.decode(), _decoder.decode(value))
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"outcome {name} {identity!r}: {error}") from None


def _outcome(name: str, identity: str, w: _Wire) -> Outcome:
    p = w.proof
    return Outcome(
        name=name,
        id=identity,
        seq=w.seq,
        subject=w.subject,
        metric=w.metric,
        key=w.key,
        cycle=w.cycle,
        policy=w.policy,
        severity=w.severity,
        customer_id=w.customer.id if w.customer else "",
        customer_tier=w.customer.tier if w.customer else "",
        service=w.service,
        team=w.team,
        owner=w.owner,
        started_at=None if w.started_at is None else parse_instant(w.started_at),
        due_at=None if w.due_at is None else parse_instant(w.due_at),
        effective_at=parse_instant(w.effective_at),
        detected_at=parse_instant(w.detected_at),
        elapsed=_span(w.elapsed_seconds),
        elapsed_calendar=_span(w.elapsed_calendar_seconds),
        target=None if w.target_seconds is None else _span(w.target_seconds),
        threshold=w.threshold,
        probability=w.probability,
        cases=w.cases,
        notify=w.notify,
        in_a_row=w.in_a_row,
        reason=w.reason,
        versions=Versions(p.calendar, p.calendar_version, p.tzdata, p.holidays) if p else None,
        segments=tuple(_read_segment(segment) for segment in p.segments) if p else (),
        hash=p.hash if p else "",
        caused_by=w.caused_by,
        corrects=w.corrects,
        outcome=w.outcome,
        provisional=w.provisional,
        credit_percent=w.credit_percent,
        people=w.people,
        at_most=w.at_most,
        members=w.members,
        occurrences=w.occurrences,
        classification=None if w.classification is None else _read_classification(w.classification),
        fingerprint=w.fingerprint,
    )


def _read_classification(c: _Classification) -> Classification:
    return Classification(c.severity, c.disagrees, tuple(c.inputs.items()), c.unknown)


def decode_segments(data: str) -> tuple[Segment, ...]:
    """Where the time of a verdict went, of the JSON of its data: half the cost of the whole outcome."""
    proof = _proof_decoder.decode(data).proof
    return tuple(_read_segment(segment) for segment in proof.segments) if proof else ()


def _read_segment(s: _Segment) -> Segment:
    why = "" if s.state == "running" else stands_paused(s.reason) if s.state == "paused" else s.state
    start, end = parse_instant(s.start), parse_instant(s.end)
    return Segment(start, end, why, s.calendar, _span(s.elapsed_seconds), s.team, s.owner)


def _span(seconds: float) -> Span:
    return Span(round(seconds * SECOND))


# -- the published model ----------------------------------------------------------------------


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyModel(_Model):
    name: str
    version: str = Field(description="Its effective_from")
    hash: str = Field(description="Of its content")


class CustomerModel(_Model):
    id: str | None = None
    tier: str | None = None


Seconds = Annotated[float, Field(description="Seconds")]


class SegmentModel(_Model):
    """One part of the way to a verdict, all of it in one state and in one pair of hands."""

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    state: Literal["running", "paused", "resolved", "no_target", "several"] = Field(
        description="several: what was folded of a verdict with more than 100 segments"
    )
    elapsed_seconds: Seconds = Field(description="Counted of the budget: open time of a run, else 0")
    share: float | None = Field(None, description="Of the budget")
    reason: str | None = Field(None, description="Of a pause")
    calendar: str | None = Field(None, description="That counts it; absent: around the clock")
    team: str | None = None
    owner: str | None = None


class ProofModel(_Model):
    calendar: str = Field(description="Its name; empty: around the clock")
    calendar_version: str
    tzdata: str
    holidays: str
    segments: list[SegmentModel] | None = Field(None, description="Of a verdict: where its time went")
    hash: str | None = Field(None, description="Of a verdict: over all that it says, see docs/proofs.md")


class ClassificationModel(_Model):
    """What the severity rules say of what is known."""

    disagrees: bool = Field(description="Somebody gave another severity, and that one holds")
    inputs: dict[str, bool | float | str | list[str]] = Field(
        description="What is known of the fields that the rules asked for, in the order of asking"
    )
    severity: Literal["P0", "P1", "P2", "P3"] | None = Field(
        None, description="By the rules; absent where they do not decide (any more)"
    )
    unknown: list[str] | None = Field(None, description="The fields that may still make it another")


class OutcomeData(_Model):
    """What is said of one clock of one escalation. What is empty is left out."""

    seq: int = Field(ge=1, description="Counts what has been said of the subject")
    subject: str = Field(description="The escalation")
    metric: str = Field(description="The clock: resolve, first_response, customer_update, …")
    cycle: int = Field(description="Counts the repetitions of a clock, from 1")
    policy: PolicyModel = Field(description="That was in force")
    effective_at: AwareDatetime = Field(description="When it came about, whenever it was found")
    detected_at: AwareDatetime = Field(description="When the engine found it; in no comparison")
    elapsed_seconds: Seconds = Field(description="On the clock's calendar, pauses excluded")
    elapsed_calendar_seconds: Seconds = Field(
        description="From started_at to effective_at, nothing subtracted"
    )
    severity: Literal["P0", "P1", "P2", "P3"] | None = Field(None, description="As known when it took effect")
    started_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = Field(None, description="Absent while the clock is paused")
    target_seconds: Seconds | None = Field(None, description="The budget")
    remaining_seconds: Seconds | None = Field(None, description="Negative: overrun")
    consumed_ratio: float | None = Field(None, description="Elapsed of the budget")
    key: str | None = Field(None, description="The commitment's or action's id")
    customer: CustomerModel | None = None
    service: str | None = None
    team: str | None = None
    owner: str | None = Field(None, description="As known when it took effect")
    threshold: str | None = Field(
        None,
        description="breach_risk, escalated, credit_exposed: which one was passed;"
        " pace: the one that history gives",
    )
    probability: float | None = Field(
        None, ge=0, le=1, description="breach_risk: of a breach, as history has it of clocks at this stage"
    )
    cases: int | None = Field(None, description="breach_risk: how many clocks the probability stands on")
    notify: list[str] | None = Field(None, description="escalated, recurrence_detected: the roles to notify")
    in_a_row: int | None = Field(
        None, description="cadence_missed: intervals that passed in silence; overdue: days"
    )
    reason: str | None = Field(
        None,
        description="cancelled: why; breached: retarget, rebased; paused: for what;"
        " escalated: not_acknowledged; classified: the rule's `because`",
    )
    proof: ProofModel | None = Field(None, description="What it was computed with; of a verdict, how")
    caused_by: str | None = Field(None, description="amended, retracted: the event that changed the answer")
    corrects: str | None = Field(None, description="amended, retracted: the id of the outcome it corrects")
    outcome: str | None = Field(None, description="amended, retracted: the name of the outcome it corrects")
    provisional: bool | None = Field(
        None, description="true: said while the reader was behind; it stands unless it is corrected"
    )
    credit_percent: float | None = Field(
        None,
        gt=0,
        le=100,
        description="credit_exposed: what is owed now, of the customer's monthly fee; not in addition to"
        " what was said of this clock and cycle before",
    )
    people: list[str] | None = Field(None, description="room_too_large: who is in the war room")
    at_most: int | None = Field(None, description="room_too_large: how many people the policy allows in it")
    members: list[str] | None = Field(
        None, description="recurrence_detected: the escalations that are its occurrences, the latest of them"
    )
    occurrences: int | None = Field(
        None, description="recurrence_detected: how many there are in the window; at most 100 are counted"
    )
    classification: ClassificationModel | None = Field(
        None, description="classified: what the severity rules say, beside the `severity` that holds"
    )
    fingerprint: str | None = Field(
        None, description="What the escalation is an occurrence of, as known then; see `pattern:` subjects"
    )


def unstorable(o: Outcome) -> str:
    """Why no database takes the outcome; empty where all do. The worker says none that is so."""
    keys = (o.subject, o.id, o.name, o.metric, o.customer_id)
    if any(len(text.encode("utf-8", "surrogatepass")) > _LONGEST_KEY for text in keys):
        return f"an id of more than {_LONGEST_KEY:,} bytes"
    texts = (*keys, o.corrects, o.outcome, o.key, o.severity, o.customer_tier, o.service, o.team, o.owner)
    if any("\0" in text for text in (*texts, o.fingerprint, o.policy.name, o.threshold, *o.notify)):
        return "a text with a NUL"
    if not (0 <= o.seq <= _MOST_COUNTED and 0 <= o.cycle <= _MOST_COUNTED):
        return "seq or cycle is no count"
    spans = (o.elapsed, o.elapsed_calendar, o.target or 0, *(one.elapsed for one in o.segments))
    known = [] if o.classification is None else [value for _, value in o.classification.inputs]
    counts = (o.in_a_row, o.cases, o.at_most, o.occurrences, *(one for one in known if isinstance(one, int)))
    return "" if all(abs(number) <= _MOST for number in (*spans, *counts)) else "a number beyond 64 bits"
