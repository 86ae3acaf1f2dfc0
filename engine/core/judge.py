"""Judges one escalation: opened by its first fact, stepped by each fact after it, advanced by time."""

from collections.abc import Iterator

from msgspec.structs import replace

from engine.core import attributes as attrs
from engine.core.cadencer import Cadencer
from engine.core.cadences import Cadence
from engine.core.clocks import ENDED, HALTED, LIVE, PAUSED, STOPPED, SUSPENDED, Clock
from engine.core.deadlines import ACTION, COMMITMENT
from engine.core.escalation import CANCELLED, CLOSED, OPEN, RESOLVED, Escalation
from engine.core.facts import CONTACT_INHERITED, QUALIFIER, Fact, Order
from engine.core.instants import NEVER, Instant, Span
from engine.core.keeper import Keeper
from engine.core.outcomes import ROOM
from engine.core.policy import AROUND_THE_CLOCK, rank
from engine.core.recurrence import reckon, rest_of_pattern
from engine.core.relays import Relay
from engine.core.rules import HANDED_OVER, OWNED, RESOLUTION, ROLE, WAR_ROOM, CadencePlan, ClockPlan, Plan
from engine.core.runner import Runner
from engine.core.statements import Statement
from engine.core.verbs import MOVES, NEEDS, TELLING, THERE, waits
from engine.core.voice import NOBODYS, Voice

_ANCHORS = ("occurred", "detected", "reported")


class Judge:
    """Moves one escalation by the rules of its plan. `said` collects what there is to say."""

    __slots__ = (
        "actions", "begun", "cadencer", "commitments", "ended", "escalation", "past_updates", "plan",
        "relays", "runner", "voice", "waiting",
    )  # fmt: skip

    def __init__(self, plan: Plan, escalation: Escalation, movements: bool) -> None:
        self.plan = plan
        self.escalation = escalation
        self.voice = Voice(
            escalation.severity,
            escalation.attributes,
            movements,
            escalation.tenures,
            escalation.gravest,
            plan.ref if escalation.pins else None,
        )
        self.runner = Runner(plan.calendars, self.voice)
        self.cadencer = Cadencer(plan.calendars, self.voice)
        self.commitments = Keeper(
            COMMITMENT, "commitment_missed", plan.commitment_risk, plan.calendars, self.voice
        )
        self.actions = Keeper(ACTION, "breached", plan.policy.risk, plan.calendars, self.voice, reminds=True)
        self.past_updates = 0
        """How many stated next-update times lay in the past."""
        self.relays: list[Relay] = []
        """What other escalations are to be told."""
        self.waiting: list[Fact] = []
        """What was stepped since the cancellation, and is heard with its reopening."""
        self.begun: dict[int, None] = {}
        self.ended: dict[int, None] = {}
        """Of that, the clocks that it begins and nothing in it ends; those that go on which it ends."""

    @property
    def said(self) -> list[Statement]:
        """What there is to say, in order."""
        return self.voice.said

    def take(self) -> tuple[list[Statement], int, list[Relay]]:
        """Since the last time: what there is to say, how many stated times lay in the past, the relays."""
        taken = self.voice.said, self.past_updates, self.relays
        self.voice.said, self.past_updates, self.relays = [], 0, []
        return taken

    # -- the three moves: open, step, advance -------------------------------------------------

    def open_(self, fact: Fact) -> None:
        """Begin with the opening. `fact.data` may state a severity; else the rules decide, or the default."""
        e = self.escalation
        e.policy, e.policy_version, e.policy_hash = (
            self.plan.ref.name,
            self.plan.ref.version,
            self.plan.ref.hash,
        )
        e.status = OPEN
        e.opened = fact.at
        e.contact = self._anchor("reported", fact)
        attrs.merge(e.attributes, fact.data)
        e.stated = fact.text("severity")
        e.severity = e.gravest = self.voice.gravest = severity = self.classify(fact.at)
        e.clocks = [Clock() for _ in range(self.plan.without_roles)]
        e.cadences = [Cadence() for _ in self.plan.cadences]
        self.voice.changed(severity)
        self._in_hands(fact.at)
        for index in self.plan.moved_by("opened").starts:
            plan = self.plan.clocks[index]
            start = fact.at if plan.anchor == "opened" else self._anchor(plan.anchor, fact)
            self.runner.start(plan, e.clocks[index], start, fact.at, severity, e.reasons)
        for cadence_plan, cadence in self.cadences():
            if cadence_plan.rule.start == "opened":
                self.cadencer.start(cadence_plan, cadence, fact.at, fact.at, severity)
        if e.attributes.get("owner"):
            for index in self.plan.moved_by(OWNED).stops:
                while e.clocks[index].alarm < fact.at:  # an anchor makes it due before the opening
                    self.runner.fire(self.plan.clocks[index], e.clocks[index])
            self.trigger(OWNED, "", fact.at)
        self.ask_for_roles(fact.at)
        reckon(self, fact)
        self._settle(fact.order)

    def step(self, fact: Fact, order: Order | None = None) -> None:
        """Take the next fact in order (`order`: the fact's own). What is due before it is judged first."""
        e = self.escalation
        if e.alarm < fact.at:
            self.advance(fact.at)
        if e.status in NEEDS.get(fact.kind, THERE):
            if self.waiting:
                self._take_back(fact)
            else:
                self._hear(fact)
        elif waits(fact, e.status):
            self.waiting.append(fact)
        self._settle(order or fact.order)

    def _take_back(self, reopened: Fact) -> None:
        """What came since the cancellation is heard first, where nothing runs: said is only what it comes to
        in the end (Clock 11)."""
        e, at = self.escalation, reopened.at
        waiting, self.waiting = [replace(one, at=at) for one in self.waiting], []
        for one in waiting:
            self._hear(one)
        self._hear(reopened)
        ended, self.ended = self.ended, {}
        for index in ended:
            self.stop(index, at)
        if any(map(self._may_grade, waiting)) and (severity := self.classify(at)) != e.severity:
            self._severity(severity, at)
        for one in waiting:
            if one.kind == CONTACT_INHERITED:  # which dates back what runs
                self._hear(one)
        begun, self.begun = self.begun, {}
        for index in begun:
            self.start(index, at)

    def _hear(self, fact: Fact) -> None:
        kind = fact.kind
        if kind == "opened":
            kind = "updated"
        move = MOVES.get(kind)
        if move is not None:
            move(self, fact)
        if kind in TELLING:
            self._attributes(kind, fact)
        # Stops come before starts, so that one fact may end a cycle and begin the next.
        if kind in self.plan.moves:
            self.trigger(kind, _qualifier(kind, fact), fact.at)
        if kind == "closed":
            self._cancel_left_over(fact.at)

    def advance(self, now: Instant) -> None:
        """Judge what is due before `now`: at the very instant of its due time a fact is still in time."""
        e = self.escalation
        while e.alarm < now:
            e.fired = max(e.fired, e.alarm)
            self._fire(e.alarm)
            self.rest()
        if now > e.judged:
            e.judged = now

    def recount(self) -> None:
        """The calendars changed since it was judged: what is open goes on by those of now (Calendars 4)."""
        e = self.escalation
        floor = self.floor(e.judged)
        for plan, clock in self.clocks():
            self.runner.recount(plan, clock, floor)
        for cadence_plan, cadence in self.cadences():
            self.cadencer.recount(cadence_plan, cadence, e.severity, floor)
        self.rest()

    def tell_behind(self, until: Instant) -> None:
        """Say of all that is due by then that it is not known yet, and judge nothing."""
        e = self.escalation
        for plan, clock in self.clocks():
            self.runner.tell_behind(plan, clock, until)
        for cadence_plan, cadence in self.cadences():
            self.cadencer.tell_behind(cadence_plan, cadence, e.severity, until)
        for commitment in e.commitments:
            self.commitments.tell_behind(commitment, until)
        for action in e.actions:
            self.actions.tell_behind(action, until)

    # -- attributes and severity --------------------------------------------------------------

    def _attributes(self, kind: str, fact: Fact) -> None:
        e = self.escalation
        owner = e.attributes.get("owner")
        attrs.merge(e.attributes, fact.data)
        self.voice.changed(e.severity)
        if self._in_hands(fact.at):
            self.trigger(HANDED_OVER, "", fact.at)
        if e.attributes.get("owner") and e.attributes.get("owner") != owner:
            self.trigger(OWNED, "", fact.at)
        if _states_severity(fact):
            e.stated = fact.text("severity")
        if e.status != CANCELLED and self._may_grade(fact):
            severity = self.classify(fact.at)
            if severity != e.severity:
                self._severity(severity, fact.at)
        if not self.plan.tells_of_pattern.isdisjoint(fact.data):
            reckon(self, fact)

    def _may_grade(self, fact: Fact) -> bool:
        """Whether it states a severity, or the severity rules may come to something else after it."""
        if _states_severity(fact):
            return True
        matrix = self.plan.severities.at(fact.at)
        return matrix is not None and (fact.kind == "triaged" or not matrix.said_in.isdisjoint(fact.data))

    def classify(self, at: Instant) -> str:
        """The severity that holds: somebody's, else that of the rules in force at the time, else the default.

        Said is what the rules come to, where that or somebody's agreement has changed.
        """
        e, matrix = self.escalation, self.plan.severities.at(at)
        otherwise = e.stated or self.plan.policy.default_severity
        if matrix is None:
            return otherwise
        answer = matrix.answer(e.attributes, triaged=e.triaged, otherwise=otherwise)
        severity = e.stated or answer.severity or otherwise
        disagrees = answer.severity not in ("", severity)
        if e.classified != (answer.severity, answer.because, disagrees):
            e.classified = (answer.severity, answer.because, disagrees)
            e.classifications += 1
            self.voice.changed(severity)
            self.voice.classified(e.classifications, at, answer, disagrees)
        return severity

    def _in_hands(self, at: Instant) -> bool:
        """Note since when which team and owner have it, where they changed; whether it was handed over.

        A team's escalation that one of them takes is not, nor is one that nobody had.
        """
        e = self.escalation
        team, owner = attrs.text(e.attributes, "team"), attrs.text(e.attributes, "owner")
        _, was_team, was_owner = e.tenures[-1] if e.tenures else NOBODYS[0]
        if e.tenures and (was_team, was_owner) == (team, owner):
            return False
        self.voice.tenures = e.tenures = [*e.tenures, (at, team, owner)]
        return bool((owner and was_owner and owner != was_owner) or (team and was_team and team != was_team))

    def _severity(self, severity: str, at: Instant) -> None:
        e = self.escalation
        up = rank(severity) < rank(e.severity)
        e.severity = severity
        if rank(severity) < rank(e.gravest):
            e.gravest = self.voice.gravest = severity
        self.voice.changed(severity)
        floor = self.floor(at)
        self.ask_for_roles(at)
        self.count_people(at)
        for plan, clock in self.clocks():
            if plan.metric != ROLE or e.status == OPEN:
                self.runner.retarget(plan, clock, at, floor, self.severity_for(plan), e.reasons)
        for cadence_plan, cadence in self.cadences():
            self.cadencer.retarget(cadence_plan, cadence, floor, severity, up)

    # -- clocks -------------------------------------------------------------------------------

    def clocks(self) -> Iterator[tuple[ClockPlan, Clock]]:
        """Those that there are, each with its plan."""
        return zip(self.plan.clocks, self.escalation.clocks, strict=False)

    def cadences(self) -> Iterator[tuple[CadencePlan, Cadence]]:
        """All, each with its plan."""
        return zip(self.plan.cadences, self.escalation.cadences, strict=True)

    def trigger(self, verb: str, qualifier: str, at: Instant) -> None:
        stops, starts = self.plan.moved_by(verb, qualifier)
        for index in stops:
            self.stop(index, at)
        for index in starts:
            self.start(index, at)

    def stop(self, index: int, at: Instant) -> None:
        e = self.escalation
        clock = e.clocks[index]
        if e.status == CANCELLED:
            self.begun.pop(index, None)
            if clock.phase == HALTED:
                self.ended[index] = None
        self.runner.stop(self.plan.clocks[index], clock, at)

    def start(self, index: int, at: Instant) -> None:
        e = self.escalation
        if e.status == CANCELLED:
            self.begun[index] = None
            return
        plan, clock = self.plan.clocks[index], e.clocks[index]
        if clock.phase in LIVE or clock.phase == SUSPENDED or plan.metric in e.waivers:
            return
        if e.status == CLOSED and not plan.outlives_closing:
            return  # closing would have cancelled it
        if (plan.ends_with_resolution or plan.metric == ROLE) and e.status != OPEN:
            return  # the resolution would have ended it
        if plan.metric == "next_response" and not e.answered:
            return
        self.runner.start(plan, clock, at, self.floor(at), self.severity_for(plan), e.reasons)

    def severity_for(self, plan: ClockPlan) -> str:
        """The one whose budget the clock has."""
        return self.escalation.gravest if plan.by_gravest else self.escalation.severity

    def ask_for_roles(self, at: Instant) -> None:
        """From when a severity first asks for roles, each of them has a clock; nobody has them twice."""
        e, plans = self.escalation, self.plan.clocks
        if len(e.clocks) == len(plans) or e.severity not in self.plan.policy.war_room or e.status != OPEN:
            return
        first = len(e.clocks)
        # A rebase may have left it out: asked for again, it begins the next cycle.
        told = (e.left.get(f"{plan.metric}/{plan.key}", 0) for plan in plans[first:])
        e.clocks = [*e.clocks, *(Clock(cycle=cycle) for cycle in told)]
        for place in range(first, len(plans)):
            if plans[place].key in e.staff:
                e.clocks[place].phase = ENDED
            else:
                self.start(place, at)

    def count_people(self, at: Instant) -> None:
        """Say it each time that more people come to be in the war room than its severity allows.

        It ends with the resolution, as the room does.
        """
        e, rooms = self.escalation, self.plan.policy.war_room
        if not rooms:
            return
        room = rooms.get(e.severity) if e.status == OPEN else None
        people = tuple(sorted(set(e.staff.values())))
        was_crowded = e.is_crowded
        e.is_crowded = room is not None and len(people) > room.at_most
        if room is None or not e.is_crowded or was_crowded or WAR_ROOM in e.waivers:
            return
        e.crowds += 1
        at = self.floor(at)
        self.voice.say(
            ROOM, WAR_ROOM, "", e.crowds, at, None, at, Span(0), None, AROUND_THE_CLOCK,
            people=people, at_most=room.at_most,
        )  # fmt: skip

    def floor(self, at: Instant) -> Instant:
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

    def end_with_resolution(self, at: Instant) -> None:
        """What only an open escalation owes is over; what a resolution begins, begins."""
        self.escalation.answered = True
        self.count_people(at)
        for plan, clock in self.clocks():
            if plan.ends_with_resolution:
                self.runner.stop(plan, clock, at, "resolved")
            elif plan.metric == ROLE:
                self.runner.cancel(plan, clock, at, "resolved")
        self.trigger(RESOLUTION, "", at)

    # -- alarms -------------------------------------------------------------------------------

    def _fire(self, at: Instant) -> None:
        """Fire what is due at `at`, one after the other in the order of the policy."""
        e = self.escalation
        for plan, clock in self.clocks():
            while clock.alarm == at:
                self.runner.fire(plan, clock)
        for cadence_plan, cadence in self.cadences():
            while cadence.alarm == at:
                self.cadencer.fire(cadence_plan, cadence, e.severity)
        for commitment in e.commitments:
            while commitment.alarm == at:
                self.commitments.fire(commitment)
        for action in e.actions:
            while action.alarm == at:
                self.actions.fire(action)

    def _settle(self, order: Order) -> None:
        """After each fact: where the escalation stands, and when it must be looked at next."""
        e = self.escalation
        if order > e.last:
            e.last = order
        at = Instant(order[0])
        if at > e.judged:
            e.judged = at
        self.rest()

    def rest(self) -> None:
        """When it must be looked at next; what owes nothing leaves the state a correction window later."""
        e = self.escalation
        alarm = NEVER
        for clock in e.clocks:
            if clock.alarm < alarm:
                alarm = clock.alarm
        for cadence in e.cadences:
            if cadence.alarm < alarm:
                alarm = cadence.alarm
        for deadlines in (e.commitments, e.actions):
            for one in deadlines:
                if one.alarm < alarm:
                    alarm = one.alarm
        e.alarm = alarm
        rule = self.plan.pattern
        in_window = e.opened if rule is None else rest_of_pattern(e, rule)
        if e.status >= RESOLVED and alarm >= NEVER and not any(map(_is_held, e.clocks)):
            e.ended = max(Instant(e.last[0]), e.fired, in_window)
        else:
            e.ended = NEVER

    def _cancel_left_over(self, at: Instant) -> None:
        """Nothing ends silently: a clock of one's own that closing leaves open is cancelled."""
        for plan, clock in self.clocks():
            if clock.phase != STOPPED and not plan.outlives_closing:
                self.runner.cancel(plan, clock, at, "closed")


def _is_held(clock: Clock) -> bool:
    """Whether it stands still in a pause, and has its verdict before it."""
    return clock.phase == PAUSED and not clock.breached


def _states_severity(fact: Fact) -> bool:
    return "severity" in fact.data and fact.kind != "assigned"


def _qualifier(kind: str, fact: Fact) -> str:
    if kind in ("message_sent", "message_received"):
        return "public" if fact.data.get("public") is True else "internal"
    field = QUALIFIER.get(kind)
    return fact.text(field) if field else ""
