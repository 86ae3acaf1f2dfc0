"""What Vigil said, one line an outcome (pure)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson
from rich.text import Text

from engine.core.instants import SECOND, Instant, Span, parse_instant, to_datetime
from engine.demo.board import Look
from engine.demo.words import outcome_sign
from engine.documents.words import clock_time, length, ordinal, owed

_SIGN_WIDTH = 12
_SEVERITY_WIDTH = 3
_REASONS = {
    "retarget": "severity raised",
    "rebased": "another policy version",
    "reopened": "reopened",
    "no_target": "no target",
    "merged": "merged",
}


class Names(NamedTuple):
    """Names for what outcomes carry only the id of."""

    customers: dict[str, str]
    """Customer id → name."""
    texts: dict[tuple[str, str], str]
    """(subject, commitment or action id) → what was promised."""


class Said(NamedTuple):
    """One outcome as read from the topic: the fields that a line shows, and the whole of it for programs."""

    name: str
    id: str
    subject: str
    metric: str
    key: str
    cycle: int
    severity: str
    customer: str
    due_at: Instant | None
    effective_at: Instant
    elapsed: Span
    target: Span | None
    threshold: str
    in_a_row: int
    reason: str
    notify: tuple[str, ...]
    by_rules: str
    """classified: the severity that the rules give."""
    corrected: str
    envelope: dict[str, object]


def read_said(headers: Sequence[tuple[str, bytes]], value: bytes) -> Said:
    """An outcome record (binary CloudEvents). ValueError, KeyError: it is none."""
    said = {name.removeprefix("ce_"): raw.decode() for name, raw in headers if name.startswith("ce_")}
    data = orjson.loads(value)
    name = said["type"].removeprefix("sla.").rsplit(".v", 1)[0]
    customer = data.get("customer") or {}
    return Said(
        name=name,
        id=said["id"],
        subject=said["subject"],
        metric=data.get("metric", ""),
        key=data.get("key") or "",
        cycle=data.get("cycle") or 0,
        severity=data.get("severity") or "",
        customer=customer.get("id") or "",
        due_at=_instant(data.get("due_at")),
        effective_at=parse_instant(data.get("effective_at") or said["time"]),
        elapsed=_span(data.get("elapsed_seconds")) or Span(0),
        target=_span(data.get("target_seconds")),
        threshold=data.get("threshold") or "",
        in_a_row=data.get("in_a_row") or 0,
        reason=data.get("reason") or "",
        notify=tuple(data.get("notify") or ()),
        by_rules=(data.get("classification") or {}).get("severity") or "",
        corrected=data.get("outcome") or "",
        envelope={**said, "datacontenttype": "application/json", "data": data},
    )


def _instant(text: str | None) -> Instant | None:
    return parse_instant(text) if text else None


def _span(seconds: float | None) -> Span | None:
    return None if seconds is None else Span(round(seconds * SECOND))


def line(said: Said, names: Names, look: Look, *, dated: bool = False, cut: bool = True) -> Text:
    """`14:16  ! missed      P0  Next customer update, 1st in a row        Tessarine Bank     note`.

    `dated` puts the day before the time. Not `cut`, nothing is shortened, only padded: for logs.
    """
    sign = outcome_sign(said.name, said.metric)
    fixed = (12 if dated else 5) + 2 + _SIGN_WIDTH + 1 + _SEVERITY_WIDTH + 1
    left = max(30, look.width - 1 - fixed)
    note_width = 16 if look.width >= 92 else 0
    what_width = round((left - note_width) * 0.66)
    customer_width = left - note_width - what_width - 2

    def fit(text: str, width: int) -> str:
        return look.glyphs.fit(text, width) if cut or len(text) < width else text

    text = Text(" ")
    text.append(_stamp(said.effective_at, look, dated) + "  ")
    text.append(fit(f"{sign.sign} {sign.word}", _SIGN_WIDTH) + " ", sign.style)
    text.append(fit(said.severity, _SEVERITY_WIDTH) + " ")
    what = what_words(said, names.texts)
    note = note_words(said, look)
    if not cut or not note_width:
        what, note = (what, note) if not cut else (what, "")
    text.append(fit(what, what_width) + " ")
    text.append(fit(names.customers.get(said.customer, said.customer), customer_width) + " ")
    text.append(look.glyphs.fit(note, note_width).rstrip() if cut else note)
    text.rstrip()
    return text


def _stamp(at: Instant, look: Look, dated: bool) -> str:
    moment = to_datetime(at).astimezone(look.zone)
    return f"{moment:%d %b %H:%M}" if dated else f"{moment:%H:%M}"


def what_words(said: Said, texts: Mapping[tuple[str, str], str]) -> str:
    """What it is about, and the one figure that matters."""
    what = owed(said.metric, said.key, texts.get((said.subject, said.key), ""))
    match said.name:
        case "met" if said.due_at is not None:
            return f"{what}, {length(Span(said.due_at - said.effective_at))} early"
        case "stopped_late" if said.target is not None and said.elapsed > said.target:
            return f"{what}, {length(Span(said.elapsed - said.target))} late"
        case "breach_risk" if said.threshold.endswith("%") and said.target:
            return f"{what}, {said.threshold[:-1]} % of {length(said.target)} used"
        case "breach_risk" if said.threshold:
            return f"{what}, {said.threshold}"
        case "escalated" if said.notify:
            return f"{what}: tell {', '.join(role.replace('_', ' ') for role in said.notify)}"
        case "cadence_missed" if said.in_a_row:
            return f"{what}, {ordinal(said.in_a_row)} in a row"
        case "classified" if said.by_rules and said.by_rules != said.severity:
            return f"{what}: the rules say {said.by_rules}"
        case "classified":
            return f"{what}: {said.by_rules or 'not decided'}"
        case "retracted" | "amended" if said.corrected:
            return f"{what}: {outcome_sign(said.corrected, said.metric).word}"
    return what


def note_words(said: Said, look: Look) -> str:
    """Why, or by when: the last column."""
    match said.name:
        case "breach_risk" if said.due_at is not None:
            return f"due {clock_time(said.due_at, look.now, look.zone)}"
        case "escalated" | "credit_exposed" if said.threshold:
            return f"at {said.threshold}"
        case "retracted" | "amended":
            return "late event"
    return _REASONS.get(said.reason, said.reason.replace("_", " "))
