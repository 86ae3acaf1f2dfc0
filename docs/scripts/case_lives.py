"""What becomes of a case over time: its facts, the stretches of each clock, its due times, what was said."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from case_notation import Case, begin, book, read_for, take_step
from core_runs import SUBJECT, Engine, at, minutes

from engine.core import state
from engine.core.cadences import RUNNING as CADENCE_RUNNING
from engine.core.cadences import Cadence
from engine.core.clocks import PAUSED, RUNNING, Clock
from engine.core.deadlines import OPEN, Deadline
from engine.core.facts import Fact, in_order
from engine.core.instants import MINUTE, NEVER, Instant
from engine.core.outcomes import Outcome
from engine.core.policy import AROUND_THE_CLOCK, Calendar
from engine.core.recurrence import plan_of
from engine.core.rules import CadencePlan, Plan, rules_of


class Happening(NamedTuple):
    """A fact as the picture names it."""

    minute: float
    text: str
    arrives: float | None
    """When it came, if later than others that happened after it."""
    refused: str
    """Why it was not taken; empty where it was."""


class Stretch(NamedTuple):
    start: float
    end: float
    kind: str
    """running, paused, closed, over (past a due time that was missed)."""


class Saying(NamedTuple):
    """One outcome: what it says, and whether a later one took it back."""

    minute: float
    name: str
    text: str
    taken_back: bool


@dataclass
class Lane:
    """One clock, cadence or commitment."""

    name: str
    calendar: Calendar
    budgets: list[str] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    dues: list[float] = field(default_factory=list)
    """Every due time that it ever had, the last one last."""
    sayings: list[Saying] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    """When each of its cycles began."""


@dataclass
class Life:
    happenings: list[Happening]
    lanes: list[Lane]
    now: float
    """The last instant that the case speaks of."""


def life(case: Case) -> Life:
    """The case, played in the order of arrival; its stretches are those of all facts as known in the end."""
    engine = begin(case)
    happenings: list[Happening] = []
    known: list[Fact] = []
    now = at(-(10**9))
    for step in case.steps:
        minute, verb, *words = step.split()
        late = at(float(minute), case.shift) < now and verb != "opened"
        now = max(now, at(float(minute), case.shift))
        before = len(engine.refusals)
        refused = take_step(engine, case, step, now) or "".join(r.reason for r in engine.refusals[before:])
        if verb in ("now", "reload"):
            if verb == "reload":
                happenings.append(Happening(float(minute), "new calendars and policies", None, ""))
            continue
        text = " ".join([verb, *(_shown(word) for word in words if word[0] not in ":/^")])
        arrives = minutes(now, case.shift) if late else None
        happenings.append(Happening(float(minute), text, arrives, refused))
        if not refused:
            known.append(read_for(engine, step, case.shift))
    lanes = _lanes(case, known, now)
    for outcome in engine.said:
        if outcome.name == "retracted":
            continue  # what it takes back says so
        name = f"{outcome.metric}/{outcome.key}" if outcome.key else outcome.metric
        lane = lanes.setdefault(name, Lane(name, engine.book.calendars[AROUND_THE_CLOCK]))  # it is no clock
        lane.sayings.append(_saying(case, outcome, engine.said))
    for lane in lanes.values():
        lane.stretches = _joined(_overrun(lane))
    return Life(happenings, list(lanes.values()), minutes(now, case.shift))


def _shown(word: str) -> str:
    """A word of a step as a reader reads it: `next_update_at=@90` is `next_update_at 1 h 30 min`."""
    name, given, value = word.partition("=")
    if value.startswith("@"):
        minute = float(value[1:])
        value = words_of(minute) if minute >= 0 else f"\N{MINUS SIGN}{words_of(-minute)}"
    return f"{name} {value}" if given else word


def _saying(case: Case, o: Outcome, said: list[Outcome]) -> Saying:
    correction = next((other for other in said if other.corrects == o.id and other.seq > o.seq), None)
    name = o.outcome or o.name
    text = [name.replace("_", " ") if o.name != "amended" else f"amended: {name.replace('_', ' ')}"]
    text += [o.threshold] if o.threshold else []
    if o.classification is not None:
        text.append(o.classification.severity or "undecided")
        text += [f"but {o.severity} holds"] if o.classification.disagrees else []
    text += [f"{o.in_a_row} in a row"] if o.in_a_row > 1 else []
    text += [f"({o.reason.replace('_', ' ')})"] if o.reason else []
    text += [f"owes {o.credit_percent:g} %"] if o.credit_percent is not None else []
    text += ["→ " + ", ".join(o.notify)] if o.notify else []
    text += [f"{', '.join(o.people)}; {o.at_most} at most"] if o.people else []
    if correction is not None:
        text.append(f"({correction.name})")
    return Saying(minutes(o.effective_at, case.shift), name, " ".join(text), correction is not None)


def _overrun(lane: Lane) -> Iterator[Stretch]:
    """The stretches, cut where the clock was breached or an interval missed, until it is met or ends."""
    late = [
        s.minute
        for s in lane.sayings
        if s.name in ("breached", "cadence_missed", "commitment_missed") and not s.taken_back
    ]
    ends = [
        s.minute for s in lane.sayings if s.name in ("stopped_late", "cancelled", "met") and not s.taken_back
    ]
    ends += lane.begun
    spans = [(start, min((end for end in ends if end > start), default=float("inf"))) for start in late]
    for stretch in lane.stretches:
        cut = next((s for s, e in spans if s < stretch.end and e > stretch.start), None)
        if cut is None or stretch.kind != "running":
            yield stretch
            continue
        if cut > stretch.start:
            yield Stretch(stretch.start, cut, "running")
        yield Stretch(max(cut, stretch.start), stretch.end, "over")


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Neighbours of one kind as one."""
    joined: list[Stretch] = []
    for stretch in stretches:
        if joined and joined[-1].kind == stretch.kind and joined[-1].end == stretch.start:
            joined[-1] = Stretch(joined[-1].start, stretch.end, stretch.kind)
        else:
            joined.append(stretch)
    return joined


# -- the stretches ----------------------------------------------------------------------------


class _Owed(NamedTuple):
    """What one obligation looks like between two facts."""

    name: str
    kind: str
    """running or paused; empty: it does not count."""
    begun: Instant
    due: Instant
    budget: str
    """As the picture tells it; empty where it has none."""
    calendar: Calendar


def _lanes(case: Case, known: list[Fact], now: Instant) -> dict[str, Lane]:
    """Step the facts in their order, and look at the state after each."""
    lanes: dict[str, Lane] = {}
    engine = begin(case)
    ordered = in_order(known)
    reloads = [at(float(s.split()[0]), case.shift) for s in case.steps if s.split()[1] == "reload"]
    begun: dict[str, Instant] = {}
    for fact, upto in zip(ordered, [*(f.at for f in ordered[1:]), now], strict=True):
        engine.tick_until(max(fact.at, _judged(engine)))
        if reloads and fact.at >= reloads[0]:
            engine.book = book(case.later)
        engine.take(fact)
        for owed in _owed(engine):
            lane = lanes.setdefault(owed.name, Lane(owed.name, owed.calendar))
            lane.calendar = owed.calendar
            if owed.budget and owed.budget not in lane.budgets:
                lane.budgets.append(owed.budget)
            _due(lane, owed, case)
            if owed.kind and minutes(owed.begun, case.shift) not in lane.begun:
                lane.begun.append(minutes(owed.begun, case.shift))
            start = owed.begun if begun.get(owed.name) != owed.begun else max(fact.at, owed.begun)
            begun[owed.name] = owed.begun
            if owed.kind:
                lane.stretches += _stretches(owed, start, upto, case)
        engine.tick_until(upto)
        for owed in _owed(engine):
            _due(lanes[owed.name], owed, case)
    return lanes


def _judged(engine: Engine) -> Instant:
    record = engine.store.get(SUBJECT.encode())
    return Instant(0) if record is None else state.decode(record)[0].judged


def _due(lane: Lane, owed: _Owed, case: Case) -> None:
    if owed.kind and owed.due < NEVER:
        due = minutes(owed.due, case.shift)
        if due in lane.dues:
            lane.dues.remove(due)
        lane.dues.append(due)


def _owed(engine: Engine) -> Iterator[_Owed]:
    record = engine.store.get(SUBJECT.encode())
    if record is None:
        return
    escalation, _ = state.decode(record)
    plan = plan_of(rules_of(engine.book), escalation)
    if plan is None or not escalation.opened:
        return
    for clock_plan, clock in zip(plan.clocks, escalation.clocks, strict=False):
        if clock.cycle:
            name = f"{clock_plan.metric}/{clock_plan.key}" if clock_plan.key else clock_plan.metric
            yield _of_clock(name, clock, plan)
    for cadence_plan, cadence in zip(plan.cadences, escalation.cadences, strict=False):
        if cadence.cycle:
            yield _of_cadence(cadence_plan, cadence, escalation.severity)
    for commitment in escalation.commitments:
        yield _of_deadline("commitment", commitment, plan)
    for action in escalation.actions:
        yield _of_deadline("action", action, plan)


def _of_clock(name: str, clock: Clock, plan: Plan) -> _Owed:
    kind = {RUNNING: "running", PAUSED: "paused"}.get(clock.phase, "")
    calendar = plan.calendars[clock.calendar]
    return _Owed(name, kind, clock.started, clock.due, _told(clock.budget, calendar), calendar)


def _told(budget: int, calendar: Calendar) -> str:
    return words_of(budget / MINUTE) + (f" @{calendar.name}" if calendar.name != AROUND_THE_CLOCK else "")


def _of_cadence(plan: CadencePlan, cadence: Cadence, severity: str) -> _Owed:
    kind = "running" if cadence.phase == CADENCE_RUNNING else ""
    terms = plan.terms(severity)
    every = f"every {_told(terms.every.budget, terms.calendar)}" if terms.every else ""
    return _Owed(plan.metric, kind, cadence.started, cadence.due, every, terms.calendar)


def _of_deadline(metric: str, deadline: Deadline, plan: Plan) -> _Owed:
    kind = "running" if deadline.phase == OPEN else ""
    always = plan.calendars[AROUND_THE_CLOCK]
    return _Owed(f"{metric}/{deadline.id}", kind, deadline.made, deadline.due, "", always)


def _stretches(owed: _Owed, start: Instant, end: Instant, case: Case) -> Iterator[Stretch]:
    for begins, ends, is_open in openings(owed.calendar, start, end):
        kind = owed.kind if is_open else "closed"
        yield Stretch(minutes(begins, case.shift), minutes(ends, case.shift), kind)


def openings(calendar: Calendar, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, bool]]:
    """The open and closed times between two instants, in turn."""
    while start < end:
        is_open = calendar.is_open(start)
        change = calendar.closes(start) if is_open else calendar.next_opening(start)
        yield start, Instant(min(change, end)), is_open
        start = Instant(min(change, end))


def words_of(length: float) -> str:
    """A length in minutes, as people say it: 45 min, 4 h, 3 d 2 h."""
    if length != int(length):
        return f"{length:g} min"
    days, rest = divmod(int(length), 1440)
    hours, left = divmod(rest, 60)
    if days > 3:
        return f"{days} d" + (f" {hours} h" if hours else "")
    hours += days * 24
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{left} min" if left or not hours else ""]))
