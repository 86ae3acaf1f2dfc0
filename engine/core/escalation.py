"""One escalation: opened by its first fact, stepped by each fact after it, advanced by time."""

from collections.abc import Callable

from msgspec import Struct

from engine.core import attributes as attrs
from engine.core.cadences import Cadence, Cadencer
from engine.core.clocks import IDLE, LIVE, PAUSED, RUNNING, STOPPED, SUSPENDED, Clock, Runner
from engine.core.commitments import Keeper, Promise
from engine.core.facts import QUALIFIER, Fact, Order, Value
from engine.core.instants import NEVER, Instant
from engine.core.policy import SEVERITIES
from engine.core.rules import OWNED, Plan
from engine.core.statements import Statement, Voice

WAITING, OPEN, RESOLVED, CLOSED, CANCELLED, MERGED = range(6)

_GONE = frozenset({CANCELLED, MERGED})
_ANCHORS = ("occurred", "detected", "reported")


class Escalation(Struct, array_like=True):
    """Everything that judging the next fact needs. Its facts and what was said of it lie in its history."""

    subject: str = ""
    policy: str = ""
    policy_version: str = ""
    policy_hash: str = ""
    status: int = WAITING
    opened: Instant = Instant(0)
    severity: str = ""
    gravest: str = ""
    """The highest severity ever held."""
    attributes: dict[str, Value] = {}
    reasons: list[str] = []
    """The pause reasons in force."""
    answered: bool = False
    """Whether a public answer was ever given."""
    clocks: list[Clock] = []
    cadences: list[Cadence] = []
    promises: list[Promise] = []
    last: Order = (0, "", 0, "", "")
    """The order of the last fact."""
    judged: Instant = Instant(0)
    """Everything due before this instant has been judged."""
    fired: Instant = Instant(-1)
    """When the last alarm fired that has: a fact at or before it is late."""
    ended: Instant = NEVER
    """When nothing was owed any more; it leaves the state a correction window later."""
    alarm: Instant = NEVER
    """The soonest alarm of all that is owed."""


class Judge:
    """Moves one escalation by the rules of its plan. `said` collects what there is to say."""

    __slots__ = ("cadencer", "escalation", "keeper", "past_updates", "plan", "runner", "voice")

    def __init__(self, plan: Plan, escalation: Escalation, movements: bool) -> None:
        self.plan = plan
        self.escalation = escalation
        self.voice = Voice(escalation.severity, escalation.attributes, movements)
        self.runner = Runner(plan.calendars, self.voice)
        self.cadencer = Cadencer(plan.calendars, self.voice)
        self.keeper = Keeper(plan.commitment_risk, self.voice)
        self.past_updates = 0
        """How many stated next-update times lay in the past."""

    @property
    def said(self) -> list[Statement]:
        """What there is to say, in order."""
        return self.voice.said

    def take(self) -> tuple[list[Statement], int]:
        """What there is to say since the last time, and how many stated times lay in the past."""
        said, past = self.voice.said, self.past_updates
        self.voice.said = []
        self.past_updates = 0
        return said, past

    # -- the three moves: open, step, advance -------------------------------------------------

    def open_(self, fact: Fact) -> None:
        """Begin with the opening. `fact.data` may state a severity; else the policy's default holds."""
        e = self.escalation
        severity = fact.text("severity") or self.plan.policy.default_severity
        e.policy, e.policy_version, e.policy_hash = (
            self.plan.ref.name,
            self.plan.ref.version,
            self.plan.ref.hash,
        )
        e.status = OPEN
        e.opened = fact.at
        e.severity = e.gravest = severity
        e.clocks = [Clock() for _ in self.plan.clocks]
        e.cadences = [Cadence() for _ in self.plan.cadences]
        attrs.merge(e.attributes, fact.data)
        self.voice.changed(severity)
        opened = self.plan.moves.get("opened")
        for index in opened.of("").starts if opened else ():
            plan = self.plan.clocks[index]
            start = fact.at if plan.anchor == "opened" else self._anchor(plan.anchor, fact)
            self.runner.start(plan, e.clocks[index], start, fact.at, severity, e.reasons)
        for cadence_plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            if cadence_plan.rule.start == "opened":
                self.cadencer.start(cadence_plan, cadence, fact.at, fact.at, severity)
        if e.attributes.get("owner"):
            self._trigger(OWNED, "", fact.at)
        self._settle(fact.order)

    def step(self, fact: Fact, order: Order | None = None) -> None:
        """Take the next fact in order (`order`: the fact's own). What is due before it is judged first."""
        e = self.escalation
        if e.alarm < fact.at:
            self.advance(fact.at)
        kind = fact.kind
        if kind == "opened":
            kind = "updated"
        if e.status not in _GONE:
            needed = _NEEDS.get(kind)
            if needed is None or e.status in needed:
                move = _MOVES.get(kind)
                if move is not None:
                    move(self, fact)
                if kind in _TELLING:
                    self._attributes(kind, fact)
                # Stops come before starts, so that one fact may end a cycle and begin the next.
                if kind in self.plan.moves:
                    self._trigger(kind, _qualifier(kind, fact), fact.at)
                if kind == "closed":
                    self._cancel_left_over(fact.at)
        self._settle(order or fact.order)

    def advance(self, now: Instant) -> None:
        """Judge what is due before `now`: at the very instant of its due time a fact is still in time."""
        e = self.escalation
        while e.alarm < now:
            e.fired = max(e.fired, e.alarm)
            self._fire(e.alarm)
            e.alarm = self._soonest()
            self._rest()
        if now > e.judged:
            e.judged = now

    # -- attributes and severity --------------------------------------------------------------

    def _attributes(self, kind: str, fact: Fact) -> None:
        e = self.escalation
        owner = e.attributes.get("owner")
        attrs.merge(e.attributes, fact.data)
        self.voice.changed(e.severity)
        if e.attributes.get("owner") and e.attributes.get("owner") != owner:
            self._trigger(OWNED, "", fact.at)
        if kind != "assigned":
            severity = fact.text("severity")
            if severity and severity != e.severity:
                self._severity(severity, fact.at)

    def _severity(self, severity: str, at: Instant) -> None:
        e = self.escalation
        up = _rank(severity) < _rank(e.severity)
        e.severity = severity
        if _rank(severity) < _rank(e.gravest):
            e.gravest = severity
        self.voice.changed(severity)
        floor = self._floor(at)
        for plan, clock in zip(self.plan.clocks, e.clocks, strict=True):
            self.runner.retarget(plan, clock, at, floor, severity, e.reasons)
        for cadence_plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            self.cadencer.retarget(cadence_plan, cadence, floor, severity, up)

    # -- clocks -------------------------------------------------------------------------------

    def _trigger(self, verb: str, qualifier: str, at: Instant) -> None:
        moves = self.plan.moves.get(verb)
        if moves is None:
            return
        plans, clocks = self.plan.clocks, self.escalation.clocks
        stops, starts = moves.of(qualifier)
        for index in stops:
            self.runner.stop(plans[index], clocks[index], at)
        for index in starts:
            self._start(index, at)

    def _start(self, index: int, at: Instant) -> None:
        e = self.escalation
        plan, clock = self.plan.clocks[index], e.clocks[index]
        if clock.phase in LIVE or clock.phase == SUSPENDED:
            return
        if e.status == CLOSED and not plan.outlives_closing:
            return  # closing would have cancelled it
        if plan.metric == "next_response" and not (e.answered and e.status == OPEN):
            return
        self.runner.start(plan, clock, at, self._floor(at), e.severity, e.reasons)

    def _floor(self, at: Instant) -> Instant:
        """Before the opening nothing warns, whatever happened there."""
        return max(at, self.escalation.opened)

    def _anchor(self, anchor: str, fact: Fact) -> Instant:
        """The start that the policy asks for; what is unknown falls back, in the end to the opening."""
        if anchor in _ANCHORS:
            for name in _ANCHORS[_ANCHORS.index(anchor) :]:
                at = fact.instant(f"{name}_at")
                if at is not None:
                    return min(at, fact.at)
        return fact.at

    def _end_with_resolution(self, at: Instant) -> None:
        e = self.escalation
        for plan, clock in zip(self.plan.clocks, e.clocks, strict=True):
            if plan.ends_with_resolution:
                self.runner.stop(plan, clock, at, "resolved")

    # -- verbs --------------------------------------------------------------------------------

    def _triaged(self, fact: Fact) -> None:
        e = self.escalation
        for index in self.plan.triaged:
            self.runner.stop(self.plan.clocks[index], e.clocks[index], fact.at)
        for cadence_plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            if cadence_plan.rule.start == "triaged" and cadence.phase == IDLE and e.status == OPEN:
                start = self._floor(fact.at)
                self.cadencer.start(cadence_plan, cadence, start, start, e.severity)

    def _paused(self, fact: Fact) -> None:
        e = self.escalation
        reason = fact.text("reason")
        if reason in e.reasons:
            return
        e.reasons = [*e.reasons, reason]
        for plan, clock in zip(self.plan.clocks, e.clocks, strict=True):
            if clock.phase == RUNNING and plan.is_held(e.reasons):
                self.runner.hold(plan, clock, fact.at, reason)

    def _resumed(self, fact: Fact) -> None:
        """Without a reason, all that are in force go."""
        e = self.escalation
        reason = fact.text("reason")
        e.reasons = [r for r in e.reasons if reason and r != reason]
        for plan, clock in zip(self.plan.clocks, e.clocks, strict=True):
            if clock.phase == PAUSED and not plan.is_held(e.reasons):
                self.runner.release(plan, clock, fact.at, reason)

    def _message_sent(self, fact: Fact) -> None:
        if fact.data.get("public") is not True:
            return
        e = self.escalation
        e.answered = True
        for plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            if plan.audience == "customer" and plan.rule.message_counts:
                self.cadencer.update(plan, cadence, fact.at, e.severity, None)

    def _update_published(self, fact: Fact) -> None:
        e = self.escalation
        audience = fact.text("audience")
        if audience == "customer":
            e.answered = True
        stated = fact.instant("next_update_at")
        self.past_updates += stated is not None and stated <= fact.at
        for plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            if plan.audience == audience:
                self.cadencer.update(plan, cadence, fact.at, e.severity, stated)

    def _resolved(self, fact: Fact) -> None:
        e = self.escalation
        e.status = RESOLVED
        self._end_with_resolution(fact.at)
        for cadence in e.cadences:
            self.cadencer.resolved(cadence, fact.at)

    def _closed(self, fact: Fact) -> None:
        e = self.escalation
        if e.status == OPEN:
            self._end_with_resolution(fact.at)
        e.status = CLOSED
        for cadence in e.cadences:
            self.cadencer.end(cadence)

    def _reopened(self, fact: Fact) -> None:
        e = self.escalation
        e.status = OPEN
        for plan, clock in zip(self.plan.clocks, e.clocks, strict=True):
            if plan.metric == "resolve":
                self.runner.reopen(plan, clock, fact.at, self._floor(fact.at), e.severity, e.reasons)
            elif plan.metric == "confirm":
                self.runner.cancel(plan, clock, fact.at, "reopened")
        for cadence_plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            self.cadencer.reopen(cadence_plan, cadence, self._floor(fact.at), e.severity)

    def _cancelled(self, fact: Fact) -> None:
        self._gone(CANCELLED, fact.at, fact.text("reason") or "cancelled")

    def _merged(self, fact: Fact) -> None:
        self._gone(MERGED, fact.at, "merged")

    def _gone(self, status: int, at: Instant, reason: str) -> None:
        """Out of denominators: all that is open is cancelled, breached or not (semantics.md, Clock 11)."""
        e = self.escalation
        e.status = status
        for plan, clock in zip(self.plan.clocks, e.clocks, strict=True):
            self.runner.cancel(plan, clock, at, reason)
        for cadence_plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            self.cadencer.cancel(cadence_plan, cadence, at, reason, e.severity)
        for promise in e.promises:
            self.keeper.cancel(promise, at, reason)

    def _promise(self, fact: Fact) -> Promise | None:
        name = fact.text("commitment_id")
        return next((p for p in self.escalation.promises if p.id == name), None)

    def _commitment_made(self, fact: Fact) -> None:
        promise, due = self._promise(fact), fact.instant("due_at")
        if due is None:
            return
        if promise is None:
            promise = Promise(fact.text("commitment_id"))
            self.escalation.promises = [*self.escalation.promises, promise]
        promise.text, promise.to, promise.by = fact.text("text"), fact.text("to"), fact.text("by")
        self.keeper.make(promise, fact.at, self._floor(fact.at), due)

    def _commitment_renegotiated(self, fact: Fact) -> None:
        promise, due = self._promise(fact), fact.instant("due_at")
        if promise is not None and due is not None:
            self.keeper.renegotiate(promise, fact.at, self._floor(fact.at), due)

    def _commitment_kept(self, fact: Fact) -> None:
        promise = self._promise(fact)
        if promise is not None:
            self.keeper.keep(promise, fact.at)

    def _commitment_withdrawn(self, fact: Fact) -> None:
        promise = self._promise(fact)
        if promise is not None:
            self.keeper.cancel(promise, fact.at, fact.text("reason") or "withdrawn")

    # -- alarms -------------------------------------------------------------------------------

    def _soonest(self) -> Instant:
        e = self.escalation
        alarm = NEVER
        for clock in e.clocks:
            if clock.alarm < alarm:
                alarm = clock.alarm
        for cadence in e.cadences:
            if cadence.alarm < alarm:
                alarm = cadence.alarm
        for promise in e.promises:
            if promise.alarm < alarm:
                alarm = promise.alarm
        return alarm

    def _fire(self, at: Instant) -> None:
        """Fire what is due at `at`, one after the other in the order of the policy."""
        e = self.escalation
        for plan, clock in zip(self.plan.clocks, e.clocks, strict=True):
            while clock.alarm == at:
                self.runner.fire(plan, clock)
        for cadence_plan, cadence in zip(self.plan.cadences, e.cadences, strict=True):
            while cadence.alarm == at:
                self.cadencer.fire(cadence_plan, cadence, e.severity)
        for promise in e.promises:
            while promise.alarm == at:
                self.keeper.fire(promise)

    def _settle(self, order: Order) -> None:
        """After each fact: where the escalation stands, and when it must be looked at next."""
        e = self.escalation
        if order > e.last:
            e.last = order
        e.alarm = self._soonest()
        at = Instant(order[0])
        if at > e.judged:
            e.judged = at
        self._rest()

    def _rest(self) -> None:
        """Whether anything is owed still; what is over leaves the state a correction window later."""
        e = self.escalation
        if e.status >= RESOLVED and e.alarm >= NEVER:
            e.ended = max(Instant(e.last[0]), e.fired, e.opened)
        else:
            e.ended = NEVER

    def _cancel_left_over(self, at: Instant) -> None:
        """Nothing ends silently: a clock of one's own that closing leaves open is cancelled."""
        for plan, clock in zip(self.plan.clocks, self.escalation.clocks, strict=True):
            if clock.phase != STOPPED and not plan.outlives_closing:
                self.runner.cancel(plan, clock, at, "closed")


_MOVES: dict[str, Callable[[Judge, Fact], None]] = {
    "triaged": Judge._triaged,
    "paused": Judge._paused,
    "resumed": Judge._resumed,
    "message_sent": Judge._message_sent,
    "update_published": Judge._update_published,
    "resolved": Judge._resolved,
    "closed": Judge._closed,
    "reopened": Judge._reopened,
    "cancelled": Judge._cancelled,
    "merged": Judge._merged,
    "commitment_made": Judge._commitment_made,
    "commitment_renegotiated": Judge._commitment_renegotiated,
    "commitment_kept": Judge._commitment_kept,
    "commitment_withdrawn": Judge._commitment_withdrawn,
}


_TELLING = frozenset({"updated", "assigned", "triaged"})
"""The verbs whose data say what the escalation is about."""

_NEEDS = {"resolved": (OPEN,), "closed": (OPEN, RESOLVED), "reopened": (RESOLVED, CLOSED)}
"""The states in which a verb changes anything: a second `resolved` starts and stops nothing."""


def _rank(severity: str) -> int:
    """0 for the gravest; an unknown severity is graver than none."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _qualifier(kind: str, fact: Fact) -> str:
    if kind in ("message_sent", "message_received"):
        return "public" if fact.data.get("public") is True else "internal"
    field = QUALIFIER.get(kind)
    return fact.text(field) if field else ""
