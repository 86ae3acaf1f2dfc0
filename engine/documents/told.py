"""What happened, in words: a sentence for a fact or an outcome, beside what people themselves wrote."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from engine.core.deadlines import ACTION, COMMITMENT
from engine.core.facts import CONTACT_INHERITED, REBASED, RELAYED_UPDATE, Fact, Value
from engine.core.instants import Instant
from engine.core.outcomes import CREDIT, ROOM, Classification, Outcome
from engine.documents.moments import UTC
from engine.documents.words import length, ordinal, percent, unended, was_owed

Say: TypeAlias = Callable[[Instant], str]
"""How times are told."""

moment: Say = UTC.minute
"""Where nothing else is asked for."""


class Told(NamedTuple):
    """A sentence of ours, and the words of whoever wrote the event; both may hold names that they chose."""

    what: str
    quote: str = ""


def tell(fact: Fact, say: Say = moment, texts: Mapping[str, str] | None = None) -> Told:
    """What a fact says, times in it by `say`; a kind that is not known here says its own name.

    `texts`: of promises and action items, by their id.
    """
    teller = _TELLERS.get(fact.kind)
    if teller is None:
        return Told(fact.kind.replace("_", " ").capitalize())
    return teller(worded(fact, texts or {}), say)


def worded(fact: Fact, texts: Mapping[str, str]) -> Fact:
    """A fact about a promise or an action item with its words, where it does not have them itself; its id
    where it has none."""
    metric = fact.kind.partition("_")[0]
    if metric not in WORDS:
        return fact
    key = fact.text(f"{metric}_id")
    words = fact.text(WORDS[metric]) or texts.get(key) or key
    return replace(fact, data={**fact.data, WORDS[metric]: words})


WORDS = {COMMITMENT: "text", ACTION: "title"}
"""The field that has them."""


def tell_outcome(o: Outcome, text: str = "") -> str:
    """What an outcome says that no fact of its time tells; `text` is the promise or the action's title."""
    name = was_owed(o.metric, o.key, text)
    if o.name == "breached":
        return f"{name}: not done within {length(o.target)}" if o.target else f"{name}: not done in time"
    if o.name == "commitment_missed":
        return f"{name}: not kept in time"
    if o.name == "cadence_missed":
        return f"{name}: none given" + (f", {ordinal(o.in_a_row)} in a row" if o.in_a_row > 1 else "")
    if o.name == "overdue":
        return f"{name}: still missing after {o.in_a_row} day" + ("s" if o.in_a_row > 1 else "")
    if o.name == "escalated":
        whom = ", ".join(role.replace("_", " ") for role in o.notify)
        return f"{name}: {o.threshold} reached, escalated to {whom or 'nobody'}"
    if o.name == "breach_risk":
        if o.probability is not None and o.cases:
            return f"{name}: at risk, {percent(o.probability)} of {o.cases:,} such clocks were breached"
        return f"{name}: at risk, {o.threshold} reached"
    if o.name == CREDIT:
        credit = f"a credit of {o.credit_percent or 0:g} % of the monthly fee is owed"
        return f"{name}: {o.threshold} reached, {credit}"
    if o.name == ROOM:
        return f"{name}: {len(o.people)} people, the policy allows {o.at_most}"
    if o.classification is not None:
        return _classified(o, o.classification)
    reason = f" ({o.reason.replace('_', ' ')})" if o.reason else ""
    return f"{name}: {o.name.replace('_', ' ')}{reason}"


def _classified(o: Outcome, said: Classification) -> str:
    if not said.severity:
        return "Severity: the rules do not decide any more"
    because = f", because: {o.reason}" if o.reason else ""
    held = f"; {o.severity}, which was stated, holds" if said.disagrees else ""
    return f"Severity by the rules: {said.severity}{because}{held}"


def hands(team: str, owner: str) -> str:
    """In whose hands something was."""
    return " / ".join(part for part in (team, owner) if part)


# -- of each kind ---------------------------------------------------------------------------------

_Teller: TypeAlias = Callable[[Fact, Say], Told]


def _words(value: Value) -> str:
    if isinstance(value, Mapping):
        amount = value.get("amount")
        if isinstance(amount, int | float):
            return f"{amount:,.0f} {value.get('currency', '')}"
        return ", ".join(f"{name.replace('_', ' ')} {_words(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


_MOMENTS = frozenset({"occurred_at", "detected_at", "reported_at"})


def _changes(data: Mapping[str, Value], say: Say, without: frozenset[str]) -> str:
    return "; ".join(
        f"{name.replace('_', ' ')}: {_moment_or_words(name, value, say)}"
        for name, value in data.items()
        if name not in without
    )


def _moment_or_words(name: str, value: Value, say: Say) -> str:
    return say(Instant(value)) if name in _MOMENTS and isinstance(value, int) else _words(value)


def _opened(f: Fact, _: Say) -> Told:
    severity = f.text("severity")
    return Told(f"Opened as {severity}" if severity else "Opened", f.text("title"))


def _updated(f: Fact, say: Say) -> Told:
    return Told("Changed", _changes(f.data, say, frozenset({"by"})))


def _triaged(f: Fact, say: Say) -> Told:
    severity = f.text("severity")
    found = _changes(f.data, say, frozenset({"by", "severity"}))
    return Told(f"Triaged as {severity}" if severity else "Triaged", found)


def _assigned(f: Fact, _: Say) -> Told:
    whose = hands(f.text("team"), f.text("owner"))
    return Told(f"Assigned to {whose}" if whose else "Assigned to nobody")


def _message(sent: str, internal: str) -> _Teller:
    return lambda f, _: Told(sent if f.data.get("public") is True else internal)


def _update(f: Fact, say: Say) -> Told:
    return Told(f"{_UPDATES.get(f.text('audience'), 'Update')}{_next(f, say)}")


def _relayed(f: Fact, say: Say) -> Told:
    return Told(f"Update to the customer, published on {f.text('from')}{_next(f, say)}")


def _next(f: Fact, say: Say) -> str:
    stated = f.instant("next_update_at")
    return "" if stated is None else f"; the next one announced for {say(stated)}"


def _promised(f: Fact, say: Say) -> Told:
    due = f.instant("due_at")
    whom = f" to {f.text('to')}" if f.text("to") else ""
    return Told(f"Promised{whom}" + (f", by {say(due)}" if due is not None else ""), f.text("text"))


def _commitment(what: str) -> _Teller:
    def told(f: Fact, say: Say) -> Told:
        due = f.instant("due_at")
        until = f", now by {say(due)}" if due is not None else ""
        return Told(f"Promise {what}{until}: {unended(f.text('text'))}", f.text("reason"))

    return told


def _action_opened(f: Fact, say: Say) -> Told:
    due, owner = f.instant("due_at"), f.text("owner")
    parts = ["Action item opened"]
    parts += [f"owner {owner}"] if owner else []
    parts += [f"due {say(due)}"] if due is not None else []
    return Told(", ".join(parts), f.text("title"))


def _action(what: str) -> _Teller:
    return lambda f, _: Told(f"Action item {what}: {unended(f.text('title'))}", f.text("reason"))


def _field(what: str, field: str, quote: str = "") -> _Teller:
    """`what`, a colon and the field; `what` alone where the field is not there."""

    def told(f: Fact, _: Say) -> Told:
        value = f.text(field).replace("_", " ")
        said = f"{what}: {value}" if value else what
        return Told(said, f.text(quote) if quote else "")

    return told


def _quoted(what: str, field: str) -> _Teller:
    return lambda f, _: Told(what, f.text(field))


def _role(what: str) -> _Teller:
    return lambda f, _: Told(f"{f.text('person')} {what} the role {f.text('role').replace('_', ' ')}")


_UPDATES = {
    "customer": "Update to the customer", "internal": "Internal update", "executive": "Update to executives",
}  # fmt: skip

_TELLERS: dict[str, _Teller] = {
    "opened": _opened,
    "updated": _updated,
    "triaged": _triaged,
    "assigned": _assigned,
    "role_assigned": _role("takes"),
    "role_released": _role("gives back"),
    "paused": _field("Paused", "reason"),
    "resumed": _field("Resumed", "reason"),
    "message_received": _message("The customer wrote", "A message came in, not for the customer's eyes"),
    "message_sent": _message("Answer to the customer", "Internal note"),
    "update_published": _update,
    RELAYED_UPDATE: _relayed,
    CONTACT_INHERITED: _field("Its customer first came by one that was merged into it", "from"),
    "resolved": _quoted("Resolved", "resolution"),
    "resolution_confirmed": lambda *_: Told("The customer confirmed the resolution"),
    "reopened": _quoted("Reopened", "reason"),
    "closed": _quoted("Closed", "reason"),
    "cancelled": _field("Cancelled", "reason"),
    "merged": _field("Merged into", "into"),
    "linked": _field("Linked", "to"),
    "unlinked": _field("Unlinked", "to"),
    "commitment_made": _promised,
    "commitment_kept": _commitment("kept"),
    "commitment_withdrawn": _commitment("withdrawn"),
    "commitment_renegotiated": _commitment("renegotiated"),
    "rca_published": _field("Root cause analysis published", "stage", "url"),
    "pir_held": _quoted("Post-incident review held", "url"),
    "action_opened": _action_opened,
    "action_completed": _action("completed"),
    "action_cancelled": _action("cancelled"),
    "recurrence_flagged": _field("Recurrence flagged", "pattern"),
    "waived": _field("Waived", "metric", "reason"),
    REBASED: _field("Moved to another version of its policy", "version", "reason"),
}
