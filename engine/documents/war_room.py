"""The war-room guide: who has which role since when, who is missing, the cadence, and who decides what."""

from collections import defaultdict

from engine.core.rooms import RoleTenure, tenures_of_roles
from engine.core.rules import ROLE
from engine.documents.lateness import late_by
from engine.documents.situation import Data, Situation, in_words
from engine.documents.words import length
from engine.documents.writing import Document

_RIGHTS: dict[str, tuple[str, ...]] = {
    "incident_commander": (
        "Decides what is tried next, by whom, and when it is stopped.",
        "Calls people into the room and sends them out of it.",
        "Proposes the severity, and declares the incident resolved.",
        "Works on no fix: whoever commands has hands free for nothing else.",
    ),
    "communications": (
        "Decides the wording and the moment of every update, and publishes it.",
        "Only this role promises anything to a customer; the incident commander agrees to each date first.",
        "Reports back what customers answer.",
    ),
    "subject_expert": (
        "Decides how the work is done that the incident commander has asked for.",
        "Says what a step risks before it is taken; may refuse one that loses data.",
        "Says so at once when another specialist is needed.",
    ),
    "executive_sponsor": (
        "Decides on money, contracts, and on people of other departments.",
        "Speaks with the customer's executives.",
        "Removes obstacles; leaves the technical decisions to the incident commander.",
    ),
    "scribe": ("Writes down who decided what, and when.", "Asks whenever a decision was not clear."),
}
"""What the standard roles decide. What other roles do is the company's own to say."""


def war_room_guide(situation: Situation) -> Document:
    """The guide at the situation's time; it says so where the severity asks for no room."""
    e = situation.escalation
    room = situation.plan.policy.war_room.get(e.severity)
    asked = room.roles if room else ()
    tenures = _tenures(situation)
    roles = [_role(situation, role, tenures.get(role, []), role in asked) for role in (
        *asked, *(role for role in tenures if role not in asked)
    )]  # fmt: skip
    open_roles = [role for role in roles if role["is_asked_for"] and role["person"] is None]
    people = sorted(set(e.staff.values()))
    head = situation.head()
    data: Data = {
        **head,
        "is_asked_for": room is not None,
        "staffed_within": in_words(room.staffed_within) if room else None,
        "at_most": room.at_most if room else None,
        "roles": roles,
        "open_roles": open_roles,
        "people": people,
        "too_large_by": max(0, len(people) - room.at_most) if room else 0,
        "cadences": situation.cadences(),
        "due": situation.due_next()[:8],
        "promises": situation.promises(),
        "unknown": [
            *(f"Who has the role {role['name']}" for role in open_roles),
            *(f"What the role {role['name']} decides" for role in roles if not role["rights"]),
            *situation.unknown("owner", "cause"),
        ],
    }  # fmt: skip
    return Document("war-room.md", f"War room: {head['title'] or situation.subject}", data)


def _tenures(situation: Situation) -> dict[str, list[RoleTenure]]:
    """Of each role all who had it, in order: a handover keeps the record."""
    found: defaultdict[str, list[RoleTenure]] = defaultdict(list)
    for tenure in tenures_of_roles(situation.facts):
        found[tenure.role].append(tenure)
    return found


def _role(situation: Situation, role: str, tenures: list[RoleTenure], is_asked_for: bool) -> Data:
    clock = next((view for view in situation.clocks if view.metric == ROLE and view.key == role), None)
    verdicts = [o for o in situation.outcomes if o.metric == ROLE and o.key == role]
    filled = next((o for o in reversed(verdicts) if o.name in ("met", "stopped_late")), None)
    late = late_by(filled, []) if filled else None
    holder = tenures[-1] if tenures and tenures[-1].end is None else None
    return {
        "role": role,
        "name": role.replace("_", " "),
        "is_asked_for": is_asked_for,
        "person": holder.person if holder else None,
        "since": situation.moment(holder.start) if holder else None,
        "due": situation.moment(clock.due_at) if clock else None,
        "is_overdue": clock is not None and clock.state == "breached",
        "late_by": length(late) if late else None,
        "before": [
            {"person": one.person, "since": situation.moment(one.start), "until": situation.moment(one.end)}
            for one in tenures
            if one is not holder
        ],
        "rights": list(_RIGHTS.get(role, ())),
    }
