"""The executive brief: impact, risk, what was promised, what is due next, what was missed, what is asked."""

from engine.core.deadlines import COMMITMENT
from engine.core.outcomes import CREDIT, Outcome
from engine.documents.lateness import late_by
from engine.documents.rendering import Plain
from engine.documents.situation import Data, Situation
from engine.documents.words import length, owed, unended
from engine.documents.writing import Document

MOST_DUE = 8


def executive_brief(situation: Situation) -> Document:
    """The brief at the situation's time."""
    head = situation.head()
    promises, credits_ = situation.promises(), _credits(situation)
    data: Data = {
        **head,
        "credits": credits_,
        "promises": promises,
        "due": situation.due_next()[:MOST_DUE],
        "due_more": max(0, len(situation.clocks) - MOST_DUE),
        "missed": _missed(situation, promises),
        "escalated": _escalated(situation),
        "asks": _asks(situation, promises),
        "next_update": _next_update(situation),
        "unknown": [
            *situation.unknown(
                "affected_customers", "scope", "revenue_at_risk", "workaround", "data_loss", "owner", "cause"
            ),
            *(["The customer's monthly fee: credits are told in percent of it"] if credits_ else []),
        ],
    }
    return Document("brief.md", f"Brief: {head['title'] or situation.subject}", data)


def _next_update(situation: Situation) -> Data:
    """As it is owed now: a brief that somebody asks for is no update, and moves nothing."""
    owed_now = situation.cadence("executive")
    every = (
        f"every {owed_now['every']} at {situation.escalation.severity}" if owed_now["every"] else "as stated"
    )
    return {"due": owed_now["due"], "because": every, "is_over": situation.is_over and not owed_now["due"]}


def _credits(situation: Situation) -> list[Plain]:
    """The service credits of the policy at this severity, and whether each has been reached."""
    severity = situation.escalation.severity
    exposed: dict[str, float] = {}
    for one in situation.verdicts(CREDIT):
        exposed[one.metric] = max(exposed.get(one.metric, 0), one.credit_percent or 0)
    return [
        {
            "owed": owed(tier.metric),
            "percent": f"{tier.credit_percent:g} %",
            "overrun": length(tier.overrun_at_least) if tier.overrun_at_least else None,
            "is_reached": exposed.get(tier.metric, 0) >= tier.credit_percent,
            "due": None if tier.overrun_at_least else situation.due(tier.metric),
        }
        for tier in situation.plan.policy.credits
        if severity in tier.severity
    ]


def _missed(situation: Situation, promises: list[Plain]) -> list[Plain]:
    """What was not done in time, the intervals of a cadence as one line."""
    breached = situation.verdicts("breached", "commitment_missed")
    kept_late = {str(one["id"]) for one in promises if isinstance(one, dict) and one["state"] == "kept late"}
    rows: list[Plain] = [
        {
            "owed": owed(o.metric, o.key, situation.text_of(o.metric, o.key)),
            "due": situation.moment(o.due_at or o.effective_at),
            "since": _since(situation, o, kept_late),
        }
        for o in breached
    ]
    for audience in ("customer", "internal", "executive"):
        silent = [o for o in situation.verdicts("cadence_missed") if o.metric == f"{audience}_update"]
        if silent:
            times = "once" if len(silent) == 1 else f"{len(silent)} times"
            told = f"{times}, last {_short(situation, silent[-1])}"
            rows.append({"owed": f"{audience.capitalize()} update", "due": None, "since": told})
    return rows


def _short(situation: Situation, outcome: Outcome) -> str:
    moment = situation.zone.moment(outcome.effective_at)
    return moment["short"] if moment else ""


def _since(situation: Situation, breach: Outcome, kept_late: set[str]) -> str:
    """What came of it after it was missed, at last: what was reopened may be done again, or be open."""
    which = (breach.metric, breach.key, breach.cycle)
    if any((v.metric, v.key, v.cycle) == which for v in situation.clocks):
        return "still owed"
    late = situation.verdicts("stopped_late")
    done = next((o for o in reversed(late) if (o.metric, o.key, o.cycle) == which), None)
    if done is not None and done.target is not None:
        over = late_by(done, [breach])
        return f"done {length(over)} late" if over else "done late"  # by the target that it had then
    if breach.metric == COMMITMENT and breach.key in kept_late:
        return "kept by a later time"
    still = any((v.metric, v.key) == (breach.metric, breach.key) for v in situation.clocks)
    return "still owed" if still else "no longer owed"


def _escalated(situation: Situation) -> list[Plain]:
    return [
        {
            "owed": owed(o.metric, o.key, situation.text_of(o.metric, o.key)),
            "level": o.threshold,
            "notify": [role.replace("_", " ") for role in o.notify],
            "at": situation.moment(o.effective_at),
        }
        for o in situation.verdicts("escalated")
    ]


def _asks(situation: Situation, promises: list[Plain]) -> list[Plain]:
    """What somebody must do that nobody does yet, as far as the record shows it."""
    asks: list[Plain] = []
    if not situation.is_over and not situation.attribute("owner"):
        asks.append("Name an owner: nobody has it.")
    for view in situation.clocks:
        if view.metric == "role":
            late = " It is overdue." if view.state == "breached" else ""
            asks.append(f"Name who has the role {view.key.replace('_', ' ')}.{late}")
    for promise in promises:
        if isinstance(promise, dict) and promise["is_overdue"]:
            asks.append(f"Decide on the promise that was missed: {unended(str(promise['text']))}.")
    if "pending_vendor" in situation.escalation.reasons:
        asks.append("Help with the vendor: the work waits for it.")
    return asks
