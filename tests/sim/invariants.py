"""What must hold after every run, whatever was done to the workers in it."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Iterator

from accounts import Accounts, Stored, place_of, reason_of, refused_facts, stored_in
from independent_count import Counter
from independent_matching import Matching
from independent_patterns import Recurrence, members_of, recurrences
from msgspec.structs import replace
from random_changes import metrics_on, without_editions
from random_rebases import is_nowhere
from simulation import World

from comparing import canonical
from engine.core.case import precedence
from engine.core.clocks import LIVE, PAUSED, STOPPED
from engine.core.decide import Alarms, Round
from engine.core.escalation import WAITING, Escalation
from engine.core.facts import REBASED, VERBS, Fact, in_order, opening
from engine.core.instants import NEVER, Instant
from engine.core.outcomes import BEHIND, VERDICTS, Outcome
from engine.core.recurrence import is_pattern, plan_of
from engine.core.rules import rules_of
from engine.core.standing import CorrectionOfNothing, standing
from engine.core.state import deadline


def problems(world: World) -> list[str]:
    """Everything that does not hold; nothing where all is well."""
    accounts = Accounts(world)
    stored = accounts.stored()
    checks = (
        _nothing_unexpected(world),
        _nothing_is_lost(accounts, stored),
        _memory_is_what_the_changelog_holds(accounts),
        _standing_is_what_replay_says(accounts, stored),
        _nothing_is_said_twice(accounts),
        _the_state_is_what_was_said(accounts, stored),
        _nothing_is_overdue(accounts, stored),
        _deriving_is_stepping(accounts, stored),
        _elapsed_never_falls(accounts),
        _a_stop_at_the_due_time_is_in_time(accounts, stored),
        _an_independent_count_agrees(accounts, stored),
        _the_recurrences_are_those_of_the_events(accounts, stored),
        _the_policy_is_that_of_the_opening(accounts, stored),
    )
    return [problem for check in checks for problem in check]


def _nothing_unexpected(world: World) -> Iterator[str]:
    for error in world.unexpected:
        yield f"unexpected: {error}"


def _nothing_is_lost(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    """Every record is in the state, a known duplicate, or a dead letter; everything is committed."""
    world = accounts.world
    for tp, log in world.broker.logs.items():
        if tp.topic in world.settings.input_topics and world.broker.offsets.get(tp, 0) != log.end:
            committed = world.broker.offsets.get(tp)
            yield f"lost: {tp.topic}-{tp.partition} is committed to {committed} of {log.end}"
    refused = refused_facts(accounts.dead_letters)
    for subject, facts in accounts.events.items():
        kept = {(fact.source, fact.id): fact for fact in stored[subject].facts} if subject in stored else {}
        for identity, alike in _by_identity(facts).items():
            if is_nowhere(alike[0], world.book):
                unknown = [r for r in refused if r.subject == subject and r.fact.same_content(alike[0])]
                if identity in kept or not unknown:
                    yield f"lost: {subject} {alike[0]} is among {len(unknown)} dead letters"
                continue
            winner = min(alike, key=precedence)
            if identity not in kept or not kept[identity].same_content(winner):
                yield f"lost: {subject} {winner} is not in the state; there is {kept.get(identity)}"
            dead = [
                r.fact for r in refused if r.subject == subject and (r.fact.source, r.fact.id) == identity
            ]
            for fact in alike:
                is_dead = any(fact.same_content(other) for other in dead)
                if fact.same_content(winner):
                    # Read a second time it may win back the place that it had lost to another content.
                    if is_dead and sum(fact.same_content(other) for other in alike) == 1:
                        yield f"lost: {subject} {fact} stands, and is among the dead letters"
                elif not is_dead:
                    yield f"lost: {subject} {fact} is not among the dead letters"
    letters = Tally(place_of(letter) for letter in accounts.dead_letters)
    for broken in accounts.broken:
        if (letters[broken.place] > 0) is broken.unreadable.ignored:
            yield f"lost: {broken} has {letters[broken.place]} dead letters"
    for place, count in letters.items():
        if place is not None and count > 1 and world.transactional:
            yield f"dead-lettered {count} times: {place}"
    known = {
        "conflicting_duplicate",
        "unknown_policy_version",
        *(broken.unreadable.reason for broken in accounts.broken),
    }
    for letter in accounts.dead_letters:
        if reason_of(letter) not in known:
            yield f"a dead letter for nothing: {letter}"


def _by_identity(facts: list[Fact]) -> dict[tuple[str, str], list[Fact]]:
    found: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.source, fact.id].append(fact)
    return found


def _memory_is_what_the_changelog_holds(accounts: Accounts) -> Iterator[str]:
    for worker in accounts.world.workers:
        for number in worker.owned if worker is not None else ():
            held = worker.table.held(number) if worker is not None else {}
            if held != accounts.state[number]:
                yield f"memory: partition {number} differs from what the changelog holds"


def _standing_is_what_replay_says(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    """By the topic for transactions; and by the ledger in the state, each entry of which the topic has."""
    if accounts.replayed_backwards != accounts.replayed:
        yield "replay: the same events in another order give other bytes"
    judged = _JudgedByReplay(accounts.world, stored)
    expected = judged.canonical(accounts.standing_by_replay)
    if not may_say_again(accounts.world):
        yield from _differences_of_the_topic(accounts, judged, expected)
    last_said = {outcome.id: outcome for outcome in accounts.outcomes}
    said: list[Outcome] = []
    for subject, one in stored.items():
        for entry in one.ledger:
            outcome = last_said.get(entry.id)
            if outcome is None:
                yield f"unsaid: {subject} {entry} stands in the state, and nobody was told"
            else:
                name = outcome.outcome if outcome.name == "amended" else outcome.name
                said.append(replace(outcome, name=name, corrects="", outcome=""))
    yield from _differences("ledger", judged.canonical(standing(said)), expected)


class _JudgedByReplay:
    """What a replay can tell: it knows the calendars of now alone.

    Where calendars have changed after something was said of an escalation, the verdicts that were given stay
    (Calendars 4): of what hangs on the changed hours, and of nothing else, the replay may say others. Where
    nothing had been said the verdicts are its own, but a warning that the change overtook is not said in the
    past.
    """

    def __init__(self, world: World, stored: dict[str, Stored]) -> None:
        self._change = world.change
        name = world.change.calendar if world.change is not None else ""
        policies = (*world.book.policies, *world.book.withdrawn)
        on_it = {(one.name, one.hash): metrics_on(one, name) if name else set[str]() for one in policies}
        almanac = rules_of(world.book).almanac
        self.moved = {
            subject: {metric for pin in pins_of(one.escalation) for metric in on_it.get(pin, ())}
            for subject, one in stored.items()
        }
        """By subject the metrics that hang on the changed hours."""
        self._given = {
            subject
            for subject, one in stored.items()
            if one.recounted or (one.has_said and one.almanac != almanac)
        }

    def canonical(self, outcomes: Iterable[Outcome]) -> list[bytes]:
        """Of those that it can tell, what must be equal."""
        told = (outcome for outcome in outcomes if outcome.name != BEHIND and self._is_told(outcome))
        return [canonical(o if self._change is None else without_editions(o)) for o in told]

    def _is_told(self, outcome: Outcome) -> bool:
        if outcome.metric not in self.moved.get(outcome.subject, ()):
            return True
        return outcome.subject not in self._given and outcome.name in VERDICTS


def pins_of(escalation: Escalation) -> list[tuple[str, str]]:
    """Name and hash of every version of a policy that it was judged by."""
    return [(escalation.policy, escalation.policy_hash), *((n, h) for _, n, _, h in escalation.pins)]


def may_say_again(world: World) -> bool:
    """Whether a worker may have told what it then could not store. The next one may take the records of
    several topics in another order, and then say other things (docs/reliability.md, known limits)."""
    return not world.transactional and world.ended > 0


def strays(world: World) -> list[str]:
    """By how much the topic alone misleads after that."""
    accounts = Accounts(world)
    judged = _JudgedByReplay(world, accounts.stored())
    return list(_differences_of_the_topic(accounts, judged, judged.canonical(accounts.standing_by_replay)))


def _differences_of_the_topic(
    accounts: Accounts, judged: _JudgedByReplay, expected: list[bytes]
) -> Iterator[str]:
    try:
        yield from _differences("topic", judged.canonical(standing(accounts.outcomes)), expected)
    except CorrectionOfNothing as error:
        yield f"topic: {error}"


def _differences(where: str, found: list[bytes], expected: list[bytes]) -> Iterator[str]:
    more, less = Tally(found), Tally(expected)
    for outcome in (more - less).elements():
        yield f"standing by the {where} only: {outcome.decode()}"
    for outcome in (less - more).elements():
        yield f"standing by replay, not by the {where}: {outcome.decode()}"
    if more == less and found != expected:
        yield f"standing by the {where}: in another order than by replay"


def _nothing_is_said_twice(accounts: Accounts) -> Iterator[str]:
    said: dict[str, Outcome] = {}
    numbered: set[tuple[str, int]] = set()
    for outcome in accounts.outcomes:
        plain = replace(outcome, detected_at=Instant(0), seq=0)
        other = said.setdefault(outcome.id, plain)
        # Resolved, reopened and resolved at one instant: two equal stops, told apart by their seq alone.
        if (outcome.id, outcome.seq) in numbered and accounts.world.transactional:
            yield f"said twice: {outcome}"
        numbered.add((outcome.id, outcome.seq))
        if other != plain and not may_say_again(accounts.world):
            yield f"said twice with different content: {plain} and {other}"


def _the_state_is_what_was_said(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    """Whatever calendars did: no clock is breached twice in a cycle, and one is breached or stopped if and
    only if that stands; the time of a verdict is the sum of its segments."""
    for subject, one in stored.items():
        plan = plan_of(rules_of(accounts.world.book), one.escalation)
        if plan is None or one.escalation.status == WAITING:
            continue
        said = Tally((s.metric, s.key, s.cycle, s.name) for s in (entry.statement for entry in one.ledger))
        for of, count in said.items():
            if of[3] == "breached" and count > 1:
                yield f"said: {subject} {of} {count} times"
        # What a rebase finds in the new version has its state, and nothing was said of it before.
        clocks = [] if one.escalation.pins else one.escalation.clocks
        for clock_plan, clock in zip(plan.clocks, clocks, strict=False):
            of = clock_plan.metric, clock_plan.key, clock.cycle
            if clock.breached is not bool(said[*of, "breached"]) and clock.cycle:
                yield f"said: {subject} {of} is breached: {clock.breached}"
            if clock.phase == STOPPED and not (said[*of, "met"] or said[*of, "stopped_late"]):
                yield f"said: {subject} {of} is stopped, and nobody was told"
        for statement in (entry.statement for entry in one.ledger):
            if statement.segments and sum(s.elapsed for s in statement.segments) != statement.elapsed:
                yield f"said: {subject} {statement} does not add up"


def _nothing_is_overdue(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    until = accounts.world.until
    for subject, one in stored.items():
        if one.alarm < until:
            yield f"overdue: {subject} has an alarm at {one.alarm}, {until} was judged"
        if one.escalation.status != WAITING and deadline(one.escalation) < until:
            yield f"overdue: {subject} is due at {deadline(one.escalation)} and nothing was said"
    for worker in accounts.world.workers:
        for number in worker.owned if worker is not None else ():
            alarms = worker.shell.timers.of(number) if worker is not None else Alarms()
            waiting = sorted(
                one.alarm for one in stored_in(accounts.state[number]).values() if one.alarm < NEVER
            )
            if alarms.next() != min(waiting, default=NEVER):
                at = alarms.next()
                yield f"overdue: partition {number} is to be looked at {at}, the state says {waiting[:1]}"


def _deriving_is_stepping(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    moved = _JudgedByReplay(accounts.world, stored).moved
    for subject, one in stored.items():
        ordered = in_order(one.facts)
        if moved.get(subject):
            continue
        for way, facts in (("stepped in order", ordered), ("derived at once", [*ordered[1:], *ordered[:1]])):
            records = accounts.judged_anew(subject, facts)
            anew = stored_in(records)[subject]
            if _plain(anew.escalation) != _plain(one.escalation):
                yield f"{way}: {subject} {_plain(anew.escalation)}, stored is {_plain(one.escalation)}"
            said, kept = (
                [entry.statement for entry in ledger if entry.statement.name != BEHIND]
                for ledger in (anew.ledger, one.ledger)
            )
            if Tally(said) != Tally(kept):
                yield f"{way}: {subject} stands for {said}, the stored ledger for {kept}"


def _plain(escalation: Escalation) -> Escalation:
    """Less what tells when it was judged."""
    ended = NEVER if escalation.ended >= NEVER else Instant(0)
    return replace(escalation, judged=Instant(0), fired=Instant(0), ended=ended)


def _elapsed_never_falls(accounts: Accounts) -> Iterator[str]:
    """Fact by fact in order: what was counted stays counted, and nothing is while a clock is paused."""
    world = accounts.world
    for subject, facts in accounts.events.items():
        standing_facts = [min(alike, key=precedence) for alike in _by_identity(facts).values()]
        store: dict[bytes, bytes] = {}
        before: dict[tuple[str, str, int], tuple[int, bool]] = {}
        ordered = in_order(standing_facts)
        for fact in ordered:
            this = Round(world.book, store.get, Alarms(), world.options, world.until)
            this.fact(subject, fact)
            store.update((key, value) for key, value in this.close().records if value is not None)
            escalation = stored_in(store)[subject].escalation
            plan = plan_of(rules_of(world.book), escalation)
            if plan is None or fact.at <= ordered[0].at:
                continue  # it waits for its opening, or what was before that is still to be told
            # Not strict: of roles, each has the clocks that its severities asked for.
            for clock_plan, clock in zip(plan.clocks, escalation.clocks, strict=False):
                if clock.phase in LIVE:
                    known = (clock_plan.metric, clock_plan.key, clock.cycle)
                    elapsed = clock.elapsed_at(plan.calendars[clock.calendar], fact.at)
                    was, paused = before.get(known, (0, False))
                    if elapsed < was or (paused and elapsed != was):
                        held = " and was paused" if paused else ""
                        yield f"elapsed: {subject} {known} had {was}{held}, has {elapsed} at {fact}"
                    before[known] = (elapsed, clock.phase == PAUSED)


def _a_stop_at_the_due_time_is_in_time(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    """Of every clock. A severity or a policy that changes may move a due time to the stop: those are left
    out."""
    for outcome in accounts.standing_by_replay:
        if outcome.name == "stopped_late" and outcome.effective_at == outcome.due_at:
            facts = stored[outcome.subject].facts
            if not any(_may_retarget(fact) for fact in facts if fact is not opening(facts)):
                yield f"tie: {outcome}"


def _may_retarget(fact: Fact) -> bool:
    return fact.kind in ("triaged", REBASED) or not {"severity", "impact", "customer"}.isdisjoint(fact.data)


def _an_independent_count_agrees(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    world = accounts.world
    policies = {(policy.name, policy.hash): policy for policy in world.book.policies}
    said: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in accounts.standing_by_replay:
        if outcome.metric == "resolve":
            said[outcome.subject].append(outcome)
    for subject, one in stored.items():
        policy = policies.get((one.escalation.policy, one.escalation.policy_hash))
        if (
            is_pattern(subject)
            or policy is None
            or one.escalation.pins  # it counts by one policy
            or (opening(one.facts) is None and not world.options.open_on_first_event)
        ):
            continue
        count = Counter(policy, world.book.calendars, world.book.severity_rules).count(one.facts, world.until)
        found = {
            (o.effective_at, o.name, o.elapsed) for o in said[subject] if o.name in ("met", "stopped_late")
        }
        breached = any(o.name == "breached" for o in said[subject])
        if not count.is_sure:
            found = {(at, "", elapsed) for at, _, elapsed in found}
            count = count._replace(stops={(at, "", elapsed) for at, _, elapsed in count.stops})
        credit = max((o.credit_percent or 0 for o in said[subject]), default=0)
        differs = (breached, credit) != (count.breached, count.credit)
        if found != count.stops or (count.is_sure and differs):
            yield f"counted anew: {subject} {count}; said {sorted(found)}, breached {breached}, {credit} %"


def _the_recurrences_are_those_of_the_events(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    """Of every pattern whose occurrences are of different instants, when and with which members it recurs."""
    policies = {(policy.name, policy.hash): policy for policy in accounts.world.book.policies}
    policies["", ""] = rules_of(accounts.world.book).unclassified.policy
    escalations = {subject: one.escalation for subject, one in stored.items() if not is_pattern(subject)}
    pins = {subject: e.pins or [(e.opened, *e.opened_by)] for subject, e in escalations.items()}
    pinned = {
        subject: [(at, policies[name, content]) for at, name, _, content in had]
        for subject, had in pins.items()
        if all((name, content) in policies for _, name, _, content in had)
    }
    facts = {
        subject: [fact for fact in stored[subject].facts if fact.kind in VERBS] for subject in escalations
    }
    members = members_of(facts, pinned, {subject: e.status for subject, e in escalations.items()})
    said: defaultdict[str, set[Recurrence]] = defaultdict(set)
    for o in accounts.standing_by_replay:
        if o.name == "recurrence_detected":
            said[o.subject].add(Recurrence(o.subject, o.cycle, o.effective_at, frozenset(o.members)))
    for pattern in members.keys() | said.keys():
        mine = members.get(pattern, [])
        if mine and len({at for at, _, _ in mine}) < len(mine):
            continue  # which of two at one instant is the first, their ids decide
        told = stored[pattern].facts if pattern in stored else []
        counted = recurrences(pattern, mine, told) if mine else set()
        if counted != said[pattern]:
            yield f"recurs: {pattern} {sorted(counted)}; said {sorted(said[pattern])}"


def _the_policy_is_that_of_the_opening(accounts: Accounts, stored: dict[str, Stored]) -> Iterator[str]:
    """Of every escalation that an `opened` opens."""
    matching = Matching(accounts.world.policies)
    for subject, one in stored.items():
        first = opening(one.facts)
        if is_pattern(subject) or first is None:
            continue
        expected, found = matching.of(first), one.escalation.opened_by[:2]
        if found != expected:
            yield f"matched: {subject} {first} has {found}; by the documents {expected}"
