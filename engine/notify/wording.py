"""How an alert is told, once for all receivers: title, text, fields, links. Plain text; each escapes it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from engine.core.deadlines import RENEGOTIATED
from engine.core.instants import Span
from engine.core.outcomes import BEHIND, CREDIT, ROOM, Outcome
from engine.documents.moments import Zone
from engine.documents.words import length, ordinal, owed, percent, was_owed
from engine.notify.alert import NOTE, RESOLVED, Alert
from engine.notify.conditions import LABELS, SETTLES, name_of

LONGEST_TITLE, LONGEST_TEXT, LONGEST_FIELD, LONGEST_LINK = 250, 1_000, 200, 450
"""In characters. A ticket's title may have 10,000: the alert says which ticket, not all of it."""
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

_SAID = {
    "breach_risk": "at risk",
    "breached": "breached",
    "cadence_missed": "missed",
    "commitment_missed": "missed",
    "overdue": "still missing",
    "escalated": "escalated",
    "met": "met",
    "stopped_late": "stopped late",
    "cancelled": "no longer owed",
    "waived": "waived",
    "recurrence_detected": "recurs",
    "classified": "classified",
    CREDIT: "costs credits",
    BEHIND: "not known yet",
    ROOM: "war room too large",
}
_NEXT = {
    "triage": "Set severity and impact, and name an owner.",
    "acknowledge": "Acknowledge it, or hand it to somebody who can.",
    "first_response": "Answer the customer: say that it is seen, who works on it, and when they hear more.",
    "next_response": "Answer the customer's last message.",
    "contact": "Name one person whom the customer can reach.",
    "resolve": "Bring it to a fix or a workaround; if hands are missing, escalate now.",
    "confirm": "Ask the customer whether the fix holds, and record the answer.",
    "customer_update": "Send the customer an update that says when the next comes; a holding update counts.",
    "internal_update": "Post an internal update, with what is known and what is next.",
    "executive_update": "Brief the executives: impact, plan, next update.",
    "rca_summary": "Publish the summary of the root cause.",
    "rca_final": "Publish the final root cause analysis.",
    "pir": "Hold the post-incident review.",
    "action": "Complete the action item, or cancel it with a reason.",
    "commitment": "Keep the promise, or renegotiate it before the customer asks.",
    "role": "Assign the role.",
    "handover": "Let the new owner take it up visibly, or hand it to somebody who will.",
    "stall": "Touch it: say what blocks it, or who takes it over.",
    "flag_recurrence": "Flag the pattern to product and operations.",
}
_NEXT_OF_NOTES = {
    "classified": "See who is right, and correct the severity or what is known of the impact.",
    "recurrence_detected": "Find the cause that they share, and flag the pattern to those who can end it.",
    CREDIT: "Tell whoever answers for the contract; a resolution now avoids the next tier.",
    BEHIND: "See whether the source's events arrive; the verdict follows when they do.",
    ROOM: "Let those leave the war room who are not needed.",
}


class Words(NamedTuple):
    """One alert as people read it."""

    title: str
    """`P1 breached: Resolution, zendesk:acme:4711 (Acme Corp)`."""
    text: str
    """One to three sentences: why, how late, what to do next."""
    fields: tuple[tuple[str, str], ...]
    """Name and value, the most important first."""
    links: tuple[tuple[str, str], ...]
    """Name and URL."""


def must_be_template(template: str) -> None:
    """ValueError where a link's template is none: an http(s) URL with labels in braces."""
    if not re.match(r"https?://[^{}\s]", template) or any(c.isspace() for c in template):
        raise ValueError("expected a URL such as https://desk.example/tickets/{subject}")
    unknown = [name for name in _PLACEHOLDER.findall(template) if name not in LABELS]
    if unknown or "{" in _PLACEHOLDER.sub("", template) or "}" in _PLACEHOLDER.sub("", template):
        raise ValueError(f"expected only {', '.join('{' + name + '}' for name in LABELS)}")


def cut(text: str, longest: int) -> str:
    """At most so many characters, the last of them an ellipsis where something is missing."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


class Wording:
    """Tells alerts in one zone, with one set of links."""

    def __init__(self, zone: str, links: Mapping[str, str]) -> None:
        self._zone, self._links = Zone(zone), links

    failures = 0
    """How often words of one's own could not be made, and these were told instead."""
    why = ""
    """… the last time."""

    async def prepare(self, alerts: Sequence[Alert]) -> "Wording":
        """What tells these. Words that take time are made now, and for who asks alone: other groups of the
        receiver may be told meanwhile."""
        return self

    def of(self, alert: Alert) -> Words:
        sentences = [_correction(alert)]
        if not is_taken_back(alert):  # else all of these would say what no longer stands
            sentences += [_why(alert.outcome), _measure(alert), _next(alert)]
        text = " ".join(filter(None, sentences))
        return Words(
            title(alert), cut(text, LONGEST_TEXT), tuple(self._fields(alert)), tuple(self._linked(alert))
        )

    def _fields(self, alert: Alert) -> Iterable[tuple[str, str]]:
        o = alert.outcome
        found = (
            ("Owed", _owed(alert)),
            ("Due", self._at(o.due_at)),
            _left(o),
            ("As of", self._at(o.effective_at)),
            ("Target", length(o.target) if o.target else ""),
            ("Used", percent(o.consumed_ratio) if o.consumed_ratio is not None else ""),
            ("Paused", _pauses(o)),
            ("Owner", o.owner or ("" if alert.state == RESOLVED else "nobody")),
            ("Team", o.team),
            ("To be told", ", ".join(o.notify)),
            ("Customer", " ".join(filter(None, (alert.customer_name or o.customer_id, _tier(o))))),
            ("Service", o.service),
            ("Escalation", o.subject),
            ("Title", alert.title),
            ("Policy", f"{o.policy.name} of {o.policy.version}"),
            ("Corrects", o.corrects),
        )
        return ((name, cut(value, LONGEST_FIELD)) for name, value in found if value)

    def _at(self, at: int | None) -> str:
        moment = self._zone.moment(at)  # type: ignore[arg-type]  # an Instant
        return moment["text"] if moment else ""

    def _linked(self, alert: Alert) -> Iterable[tuple[str, str]]:
        for name, template in self._links.items():
            url = _PLACEHOLDER.sub(lambda m: quote(alert.labels.get(m[1], ""), safe=""), template)
            if len(url) <= LONGEST_LINK:  # a part of one leads nowhere
                yield name, url


def title(alert: Alert) -> str:
    """What happened to what, of whom, in one line of at most LONGEST_TITLE characters."""
    o = alert.outcome
    whom = alert.customer_name or o.customer_id
    state = _state(o)
    if alert.state == RESOLVED:
        state = f"resolved ({'taken back' if is_taken_back(alert) else state})"
    head = f"{o.severity} {state}" if o.severity else state.capitalize()
    line = f"{head}: {_owed(alert)}, {o.subject}{f' ({whom})' if whom else ''}"
    return cut(" ".join(line.split()), LONGEST_TITLE)


def is_taken_back(alert: Alert) -> bool:
    """Resolved though nothing settled it: what fired no longer stands."""
    return alert.state == RESOLVED and name_of(alert.outcome) not in SETTLES


def _owed(alert: Alert) -> str:
    tell = was_owed if alert.state == RESOLVED else owed
    return tell(alert.outcome.metric, alert.outcome.key)


def _tier(o: Outcome) -> str:
    return f"({o.customer_tier})" if o.customer_tier else ""


def _correction(alert: Alert) -> str:
    if is_taken_back(alert):
        return "Taken back: what was said before no longer stands."
    o = alert.outcome
    if not o.corrects:
        return "Provisional: not all events have been read." if o.provisional else ""
    return f"Correction of what was said before, because of the event {o.caused_by}."


def _why(o: Outcome) -> str:
    name, what = name_of(o), was_owed(o.metric, o.key)
    if name == "breach_risk":
        if o.probability is not None and o.cases:
            odds = f"of {o.cases} such clocks {percent(o.probability)} were breached"
            return f"{what} is at risk: {odds}."
        return f"{what} has passed {o.threshold} of its budget." if o.threshold else f"{what} is at risk."
    if name == "breached" and o.reason in ("retarget", "rebased"):
        return f"{what} has a shorter target now, and it has passed already."
    if name in ("breached", "commitment_missed"):
        return f"{what} was due and has not come."
    if name == "cadence_missed":
        return f"{what}: the {ordinal(max(o.in_a_row, 1))} interval in a row has passed in silence."
    if name == "overdue":
        return f"{what} is missing still, the {ordinal(max(o.in_a_row, 1))} day after its breach."
    if name == "escalated":
        reason = ", for nobody acknowledged the level before" if o.reason == "not_acknowledged" else ""
        return f"The level {o.threshold} of {what} is reached{reason}."
    if name == CREDIT:
        return f"{what}: {o.credit_percent:g} % of the customer's monthly fee is owed now."
    if name == ROOM:
        people = ", ".join(o.people)
        return f"{len(o.people)} people are in the war room, and {o.at_most} at most are meant: {people}."
    if o.classification is not None:
        because = f" ({o.reason})" if o.reason else ""
        return f"The rules come to {o.classification.severity}{because}; somebody gave {o.severity}."
    if name == "recurrence_detected":
        return f"It has come {o.occurrences} times in the window, the latest in {', '.join(o.members[-3:])}."
    if name == BEHIND:
        return f"{what} came due, and what would have stopped it may not have been read."
    reason = f" ({o.reason})" if o.reason else ""
    return f"{what} is {_state(o)}{reason}."


def _state(o: Outcome) -> str:
    name = name_of(o)
    if name == "cancelled" and o.reason == RENEGOTIATED:
        return "moved to another time"  # and owed by that one
    return _SAID.get(name, name.replace("_", " "))


def _measure(alert: Alert) -> str:
    """How much is left or how late, by the clock's own hours."""
    if alert.level == NOTE or (found := _left(alert.outcome)) == ("", ""):
        return ""
    name, amount = found
    if alert.state == RESOLVED:
        return f"It ended {amount} {'late' if name == 'Late' else 'before its time'}."
    return f"{amount} {'late' if name == 'Late' else 'left'}."


def _left(o: Outcome) -> tuple[str, str]:
    """(`Left` or `Late`, how much); two empty texts where there is no budget, where it has just ended, and of
    what was late by a target that it has no more."""
    if o.target is None or o.elapsed == o.target or (o.elapsed < o.target and name_of(o) == "stopped_late"):
        return "", ""
    left = Span(o.target - o.elapsed)
    calendar = o.versions.calendar if o.versions else ""
    return "Left" if left > 0 else "Late", length(left) + (f" (hours of {calendar})" if calendar else "")


def _pauses(o: Outcome) -> str:
    """`1 h pending_customer, 20 min pending_vendor`, of a verdict that says where its time went."""
    spent: dict[str, int] = {}
    for segment in o.segments:
        if segment.state == "paused":
            spent[segment.reason] = spent.get(segment.reason, 0) + segment.end - segment.start
    return ", ".join(f"{length(Span(amount))} {reason}" for reason, amount in spent.items())


def _next(alert: Alert) -> str:
    if alert.state == RESOLVED:
        return ""
    o = alert.outcome
    return _NEXT_OF_NOTES.get(name_of(o)) or _NEXT.get(o.metric, "")
