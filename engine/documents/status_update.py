"""Status updates: what an audience is told at each moment of an escalation, drawn from its facts."""

from collections.abc import Callable, Sequence

from engine.core.deadlines import ACTION, COMMITMENT
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.documents.obligations import texts_of, what_counts
from engine.documents.rendering import Plain
from engine.documents.situation import Data, Situation
from engine.documents.told import hands, worded
from engine.documents.words import unended
from engine.documents.writing import Document

FIRST, PROGRESS, NO_NEWS = "first", "progress", "no_news"
WORKAROUND, RESOLVED, AFTER_RCA = "workaround", "resolved", "after_rca"

_WORKAROUND = "There is a workaround."
_WHILE_OPEN = frozenset({FIRST, NO_NEWS, WORKAROUND})
"""They say that it is not solved."""


class NoUpdate(Exception):
    """Nothing true can be told: it was cancelled or merged into another, or it is not as the moment that was
    asked for would say."""


def status_update(
    situation: Situation,
    audience: str,
    moment: str | None = None,
    note: str | None = None,
    next_update: Instant | None = None,
) -> Document:
    """An update to the audience. `moment` None: found from the facts. `note` is the news in one's own words;
    `next_update` the time that is stated for the next one, where it is not what the policy owes.

    NoUpdate where it was cancelled or merged, and for a moment that its facts contradict.
    """
    end = situation.end
    if situation.is_gone and end is not None:
        into, reason = end.text("into"), end.text("reason")
        why = f" into {into}: write the update of that one" if into else f" ({reason})" if reason else ""
        raise NoUpdate(f"{situation.subject} was {end.kind}{why}")
    _refuse(situation, moment)
    found, because = _moment(situation, audience, note)
    told = situation.last_told(audience)
    confirmed = [fact for fact in situation.since(end) if fact.kind == "resolution_confirmed"] if end else []
    head = situation.head()
    data: Data = {
        **head,
        "audience": audience,
        "moment": moment or found,
        "moment_because": because if moment in (None, found) else "as asked for",
        "note": note,
        "last_update": situation.moment(told.at if told else None),
        "changes": _changes(situation, audience, told, moment or found),
        "people": _people(situation),
        "acknowledged": _when(situation, situation.last("acknowledged")),
        "confirmed": _when(situation, confirmed[-1] if confirmed else None),
        "confirm_due": situation.due("confirm"),
        "rca": _rca(situation),
        "promises": _promises(situation, audience, told),
        "actions": situation.actions(),
        "due": situation.due_next()[:6],
        "cadence": situation.cadence(audience),
        "next_update": situation.next_update(audience, next_update),
        "unknown": _unknown(situation),
    }
    place = f"customer-{data['moment']}" if audience == "customer" else audience
    title = head["title"] or situation.subject
    return Document(f"status-update/{place}.md", f"{head['severity']} {title}: update", data)


def _refuse(situation: Situation, moment: str | None) -> None:
    """A letter that says it is solved while it is open, or the other way round, or tells of an RCA that was
    never published."""
    if moment in (RESOLVED, AFTER_RCA) and situation.end is None:
        raise NoUpdate(f"{situation.subject} is open: there is no update {moment!r} before its resolution")
    if moment == AFTER_RCA and situation.last("rca_published") is None:
        raise NoUpdate(f"no root cause analysis of {situation.subject} was published")
    if moment in _WHILE_OPEN and situation.is_over:
        status = situation.head()["status"]
        raise NoUpdate(f"{situation.subject} is {status}: the update {moment!r} says that it is not solved")


def _moment(situation: Situation, audience: str, note: str | None) -> tuple[str, str]:
    """The moment that the facts show, and why."""
    told = situation.last_told(audience)
    since = situation.since(told)
    if situation.end is not None:
        if any(fact.kind == "rca_published" for fact in situation.since(situation.end)):
            return AFTER_RCA, "the root cause analysis was published"
        return RESOLVED, f"it is {situation.head()['status']}"
    if told is None:
        return FIRST, f"nothing was published for this audience ({audience}) yet"
    if situation.attribute("workaround") is True and any(_gives_workaround(fact) for fact in since):
        return WORKAROUND, "a workaround was found since the last update"
    if note is not None or _changes(situation, audience, told):
        return PROGRESS, "there is news since the last update"
    return NO_NEWS, "nothing has happened since the last update that this audience could be told"


def _gives_workaround(fact: Fact) -> bool:
    impact = fact.data.get("impact")
    return isinstance(impact, dict) and impact.get("workaround") is True


# -- what has changed ---------------------------------------------------------------------------------


def _changes(situation: Situation, audience: str, told: Fact | None, moment: str = PROGRESS) -> list[Plain]:
    """What has happened since the last update, a sentence each; customers are told no names of ours, and what
    happened again only as it last did: without the names it reads the same. Nor are they told twice what
    their letter is about."""
    is_said = moment == WORKAROUND and audience == "customer"
    tellers = _FOR_CUSTOMERS if audience == "customer" else _FOR_US
    counts, late = _what_counts(situation), _kept_late(situation)
    texts = texts_of(situation.facts)
    said: list[tuple[str, Fact]] = []
    for fact in situation.since(told):
        teller = tellers.get(fact.kind)
        is_named = fact.kind.startswith(("commitment_", "action_"))
        if teller is None or (is_named and (fact.source, fact.id) not in counts):
            continue  # what was said of a promise or an action item that was settled before it
        text = teller(worded(fact, texts))
        if not text or (is_said and text == _WORKAROUND):
            continue
        is_late = fact.kind == "commitment_kept" and fact.text("commitment_id") in late
        said.append((_DONE_LATE if is_late and audience == "customer" else text, fact))
    last = dict(said)
    return [
        {"at": situation.moment(fact.at), "text": text}
        for text, fact in said
        if audience != "customer" or last[text] is fact
    ]


def _what_counts(situation: Situation) -> set[tuple[str, str]]:
    """Source and id of what counts of all that was said of promises and action items."""
    return {
        (fact.source, fact.id)
        for metric in (COMMITMENT, ACTION)
        for told in what_counts(situation.facts, metric).values()
        for fact in told
    }


def _kept_late(situation: Situation) -> set[str]:
    return {
        str(one["id"])
        for one in situation.promises()
        if isinstance(one, dict) and one["state"] == "kept late"
    }


_DONE_LATE = "What we had promised you is done, later than we had said; see below."


def _severity(fact: Fact) -> str:
    severity = fact.text("severity")
    return f"The severity was set to {severity}." if severity else "The impact was assessed."


def _updated(fact: Fact) -> str:
    impact = fact.data.get("impact")
    if fact.text("severity"):
        return _severity(fact)
    if isinstance(impact, dict):
        return _WORKAROUND if impact.get("workaround") is True else "The impact was assessed anew."
    return ""


def _ours(text: str, *fields: str) -> Callable[[Fact], str]:
    """The text with the fields put in; empty where one of them is not told."""

    def tell(fact: Fact) -> str:
        values = [unended(fact.text(field).replace("_", " ")) for field in fields]
        return text.format(*values) if all(values) else ""

    return tell


def _about(what: str, field: str) -> Callable[[Fact], str]:
    """What came of a promise or an action item, in its own words."""
    return lambda fact: f"{what}: {unended(fact.text(field))}."


_FOR_CUSTOMERS: dict[str, Callable[[Fact], str]] = {
    "acknowledged": lambda _: "Our team took it up.",
    "triaged": _severity,
    "updated": _updated,
    "assigned": lambda fact: "It has an owner who stays with it to the end." if fact.text("owner") else "",
    "paused": lambda fact: {
        "pending_vendor": "We are waiting for a supplier of ours.",
        "pending_customer": "We are waiting for an answer from you.",
        "pending_change": "We are waiting for the window of a change.",
    }.get(fact.text("reason"), ""),
    "resumed": lambda _: "What we were waiting for has come.",
    "commitment_kept": lambda _: "We have kept what we had promised you; see below.",
    "resolved": lambda _: "Service was restored.",
    "reopened": lambda _: "It came back, and is open again.",
}
_FOR_US: dict[str, Callable[[Fact], str]] = {
    "acknowledged": lambda fact: f"Acknowledged{_by(fact)}.",
    "triaged": lambda fact: f"{_severity(fact)[:-1]}{_by(fact)}.",
    "updated": _updated,
    "assigned": lambda fact: "Assigned to "
    + (hands(fact.text("team"), fact.text("owner")) or "nobody") + ".",
    "role_assigned": _ours("{} has the role {}.", "person", "role"),
    "role_released": _ours("{} gave back the role {}.", "person", "role"),
    "paused": _ours("Waiting: {}.", "reason"),
    "resumed": lambda _: "The wait is over.",
    "message_received": lambda fact: "The customer wrote." if fact.data.get("public") is True else "",
    "linked": _ours("Linked to {}.", "to"),
    "commitment_made": _about("Promised", "text"),
    "commitment_kept": _about("Promise kept", "text"),
    "commitment_withdrawn": _about("Promise withdrawn", "text"),
    "commitment_renegotiated": _about("Another date for the promise", "text"),
    "resolved": lambda fact: f"Resolved{_by(fact)}.",
    "resolution_confirmed": lambda fact: f"The customer confirmed the resolution{_by(fact)}.",
    "reopened": lambda fact: f"Reopened{_by(fact)}.",
    "rca_published": _ours("RCA published: {}.", "stage"),
    "pir_held": lambda _: "The post-incident review was held.",
    "action_opened": _about("Action item", "title"),
    "action_completed": _about("Action item completed", "title"),
}  # fmt: skip


def _by(fact: Fact) -> str:
    return f" by {fact.text('by')}" if fact.text("by") else ""


# -- what is asked besides ------------------------------------------------------------------------------


def _promises(situation: Situation, audience: str, told: Fact | None) -> list[Plain]:
    """All of them, each as a part of a sentence; to customers what is open, and what has come of others since
    they were told last."""
    settled = {f.text("commitment_id") for f in situation.since(told) if f.kind.startswith("commitment_")}
    return [
        {**promise, "text": unended(str(promise["text"]))}
        for promise in situation.promises()
        if isinstance(promise, dict)
        and (audience != "customer" or promise["id"] in settled or promise["state"] in _OWED)
    ]


_OWED = frozenset({"open", "missed, still owed"})


def _people(situation: Situation) -> list[Plain]:
    staff = situation.escalation.staff
    return [{"role": role.replace("_", " "), "person": person} for role, person in staff.items()]


def _when(situation: Situation, fact: Fact | None) -> Plain:
    return None if fact is None else {"at": situation.moment(fact.at), "by": fact.text("by") or None}


def _rca(situation: Situation) -> Data:
    published = _published(situation.facts)
    return {
        **{
            stage: {"at": situation.moment(fact.at), "url": fact.text("url") or None} if fact else None
            for stage, fact in published.items()
        },
        "summary_due": situation.due("rca_summary"),
        "final_due": situation.due("rca_final"),
        "summary_within": situation.target("rca_summary"),
    }


def _published(facts: Sequence[Fact]) -> dict[str, Fact | None]:
    found: dict[str, Fact | None] = {"summary": None, "final": None}
    for fact in facts:
        if fact.kind == "rca_published" and fact.text("stage") in found:
            found[fact.text("stage")] = fact
    return found


def _unknown(situation: Situation) -> list[Plain]:
    if situation.is_over:
        return situation.unknown("resolution", "cause")
    asked = ("service", "region", "scope", "affected_customers", "workaround", "cause")
    return [*situation.unknown(*asked), "When service will be restored"]
