"""One line of the deadline board: a running clock, its state, its place in the order, what to do next."""

from hashlib import blake2b
from typing import NamedTuple

from engine.console.sources import Late
from engine.core.instants import NEVER, Instant, Span
from engine.core.recurrence import PREFIX
from engine.core.view import ClockView, Source, view_of
from engine.documents.words import length, ordinal, owed

BREACHED, UNKNOWN, AT_RISK, RUNNING, CLOSED, PAUSED = (
    "breached", "unknown", "at_risk", "running", "closed", "paused",
)  # fmt: skip
STATES = (BREACHED, UNKNOWN, AT_RISK, RUNNING, CLOSED, PAUSED)
ASLEEP = frozenset({CLOSED, PAUSED})
PLACES = {BREACHED: 0, UNKNOWN: 1, AT_RISK: 2, RUNNING: 2, CLOSED: 2, PAUSED: 3}
"""What stands before what, whatever is due when."""
UPDATES = frozenset({"customer_update", "internal_update", "executive_update"})

SIGNS = {
    BREACHED: ("breach", "Breached"),
    UNKNOWN: ("unknown", "Due, verdict unknown"),
    AT_RISK: ("risk", "At risk"),
    RUNNING: ("run", "Running"),
    CLOSED: ("moon", "Asleep: outside its hours"),
    PAUSED: ("pause", "Asleep: paused"),
}
"""Icon and word of a state: never colour alone."""

LOOKS = {
    BREACHED: "breach",
    UNKNOWN: "unknown",
    AT_RISK: "risk",
    RUNNING: "run",
    CLOSED: "sleep",
    PAUSED: "sleep",
}

_WAITS_FOR = {
    "pending_customer": "Waiting for the customer",
    "pending_vendor": "Waiting for a vendor",
    "pending_change": "Waiting for a change window",
}
_WAKE = {
    "pending_customer": "Ask the customer again",
    "pending_vendor": "Chase the vendor",
    "pending_change": "Confirm the window",
}


class Step(NamedTuple):
    """What to do next: a phrase that begins with a verb, and the verb of the event that says it was done."""

    say: str
    verb: str = ""
    fills: str = ""
    """The field of its form that the clock's key fills in."""
    given: tuple[tuple[str, str], ...] = ()
    """Other fields that the clock knows."""


_NEXT = {
    "triage": Step("Triage now", "triaged"),
    "acknowledge": Step("Acknowledge", "acknowledged"),
    "first_response": Step("Answer", "message_sent"),
    "next_response": Step("Answer", "message_sent"),
    "contact": Step("Name the contact", "assigned"),
    "resolve": Step("Record the fix", "resolved"),
    "confirm": Step("Record their word", "resolution_confirmed"),
    "customer_update": Step("Send the update", "update_published", given=(("audience", "customer"),)),
    "internal_update": Step("Post the update", "update_published", given=(("audience", "internal"),)),
    "executive_update": Step("Brief the executives", "update_published", given=(("audience", "executive"),)),
    "commitment": Step("Keep it or move it", "commitment_kept", "commitment_id"),
    "role": Step("Name a person", "role_assigned", "role"),
    "rca_summary": Step("Publish the summary", "rca_published", given=(("stage", "summary"),)),
    "rca_final": Step("Publish the report", "rca_published", given=(("stage", "final"),)),
    "pir": Step("Hold the review", "pir_held"),
    "action": Step("Finish it", "action_completed", "action_id"),
    "flag_recurrence": Step("Tell product and ops", "recurrence_flagged", "pattern"),
}
_LOOK = Step("Look into it")


def next_step(metric: str) -> Step:
    """What ends a clock of it, as the board says it."""
    return _NEXT.get(metric, _LOOK)


class Row:
    """A clock as the board shows it. `order` sorts the whole board; `turns_at`: when it must be made anew."""

    __slots__ = ("_sought", "at", "drawn", "id", "late", "order", "source", "state", "turns_at", "view")

    def __init__(
        self,
        source: Source,
        now: Instant,
        patience: Span,
        before: "Row | None" = None,
        late: Late | None = None,
    ) -> None:
        """`patience`: how long a verdict may be on its way before it counts as unknown. `before`: the row of
        the same clock until now. `late`: what holds back the verdicts of its partition."""
        self.source = source
        view = self.view = view_of(source, now)
        self.at = now
        """When `view.left` was true."""
        self.id: str = row_id(view) if before is None else before.id
        self.state, self.turns_at = _state(view, now, patience)
        self.late = self.held_by(late)
        """The source that holds its verdict back; empty: none, or there is no verdict to hold."""
        self.order = _order(view, self.state)
        self.drawn: dict[tuple[str, bool], str] = {}
        """By zone and whether one may act, once somebody has seen it so."""
        self._sought = ""

    def held_by(self, late: Late | None) -> str:
        """What `late` is while that is behind."""
        if late is None or self.state not in (BREACHED, UNKNOWN):
            return ""
        return late.topic if self.state == UNKNOWN or self._judged_at > late.until else ""

    @property
    def _judged_at(self) -> Instant:
        """When what it is breached by was due; NEVER where the state does not tell: it was paused since."""
        view = self.view
        return view.missed_at if view.missed_at < NEVER else view.due_at or NEVER

    @property
    def is_provisional(self) -> bool:
        """Breached as far as is known: what would have stopped it may not have been read."""
        return self.state == BREACHED and self.late != ""

    @property
    def sought(self) -> str:
        """What a search looks into, case folded."""
        if not self._sought:
            view = self.view
            texts = (view.customer_name, view.title, view.subject, view.owner, view.text)
            self._sought = "\0".join(texts).casefold()
        return self._sought

    def changed(self, other: "Row") -> bool:
        """Whether it says another thing than `other` did, passing time apart."""
        mine, theirs = self.view, other.view
        return (self.state, self.late) != (other.state, other.late) or mine._replace(
            left=theirs.left, closes_at=theirs.closes_at, turns_at=theirs.turns_at
        ) != theirs

    @property
    def sign(self) -> tuple[str, str]:
        return SIGNS[self.state]

    @property
    def look(self) -> str:
        return LOOKS[self.state]

    @property
    def wakes_at(self) -> Instant | None:
        """When its hours open next, of one that sleeps outside them; None of any other."""
        return self.view.turns_at if self.state == CLOSED and self.view.turns_at < NEVER else None

    @property
    def drains(self) -> bool:
        """Whether time counts now, until its calendar closes."""
        return self.state not in ASLEEP and self.view.due_at is not None and self.at < self.view.closes_at

    def left_at(self, now: Instant) -> Span:
        """What is left of the budget; negative: the overrun."""
        counted = min(now, self.view.closes_at) - self.at if self.drains else 0
        return Span(self.view.left - max(0, counted))

    @property
    def owed(self) -> str:
        return owed(self.view.metric, self.view.key, self.view.text)

    @property
    def why(self) -> str:
        """Why it stands as it does; empty where there is nothing to say."""
        if self.state == PAUSED:
            return _WAITS_FOR.get(self.view.why) or f"Paused: {self.view.why.replace('_', ' ')}"
        if self.late:
            return "its source is behind"
        if self.state == UNKNOWN:
            return "not judged yet"
        if self.view.in_a_row > 1:
            return f"{ordinal(self.view.in_a_row)} missed in a row"
        return ""

    @property
    def step(self) -> Step:
        if self.state == UNKNOWN:
            return Step("Check the ticket itself")
        if self.state == PAUSED:
            return Step(_WAKE.get(self.view.why, "Wake it"), "resumed")
        return next_step(self.view.metric)

    @property
    def given(self) -> dict[str, str]:
        """What the form of the next step has in it from the beginning."""
        step, view = self.step, self.view
        if step.verb == "recurrence_flagged":
            to = ", ".join(self.source.notify)
            return {step.fills: view.subject.removeprefix(PREFIX)} | ({"to": to} if to else {})
        return dict(step.given) | ({step.fills: view.key} if step.fills else {})

    def cap(self, now: Instant) -> str:
        """`12 min of 48 min`, `4 min past its 30 min`: on its own hours."""
        left, target = self.left_at(now), length(self.view.target)
        if self.state == UNKNOWN:
            return f"{target} budget"
        return f"{length(left)} of {target}" if left >= 0 else f"{length(left)} past its {target}"

    def share(self, now: Instant) -> float:
        """0 to 1: what is left of the budget, or how much of it the overrun is."""
        left, target = self.left_at(now), self.view.target
        return min(1.0, abs(left) / target) if target > 0 else float(left < 0)

    def gap(self) -> float | None:
        """Where its calendar closes before it is due, as a share of the bar; None where it does not."""
        view = self.view
        if not self.drains or view.due_at is None or view.closes_at >= view.due_at or view.target <= 0:
            return None
        return max(0.0, (view.left - (view.closes_at - self.at)) / view.target)


def row_id(view: ClockView) -> str:
    """The same for the life of a clock, fit for an id in a page."""
    content = f"{view.subject}\0{view.metric}\0{view.key}".encode()
    return f"c{blake2b(content, digest_size=8).hexdigest()}"


def _state(view: ClockView, now: Instant, patience: Span) -> tuple[str, Instant]:
    if view.state == BREACHED and not view.is_judged and view.due_at is not None:
        doubtful = Instant(view.due_at + patience)
        return (UNKNOWN, NEVER) if now >= doubtful else (AT_RISK, doubtful)
    return view.state, view.turns_at


def _order(view: ClockView, state: str) -> tuple[int, int, int, str, str, str]:
    """Breached oldest first, then what is due and unknown, then by due time; paused last, the least left
    first."""
    due = NEVER if view.due_at is None else view.due_at
    return PLACES[state], due, view.left if state == PAUSED else 0, view.subject, view.metric, view.key
