"""One escalation during a round: its state, its history, and the way each fact takes through them."""

from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from engine.core import attributes as attrs
from engine.core import state
from engine.core.escalation import CANCELLED, OPEN, WAITING, Escalation, Pin
from engine.core.facts import OCCURRENCE, OPENS_NOTHING, REBASED, RELAYS, Fact, Value, in_order, opening
from engine.core.given import Derived, keep_given, obligation_of
from engine.core.history import History
from engine.core.instants import DAY, NEVER, Instant
from engine.core.judge import Judge
from engine.core.ledger import Correction, difference
from engine.core.matching import match_policy
from engine.core.outcomes import BEHIND, PolicyRef
from engine.core.publishing import Publisher, Settings
from engine.core.rebasing import is_moved_by, rebase, without_obligations
from engine.core.recurrence import MOST_FACTS, PREFIX, is_pattern, plan_of
from engine.core.refusals import Refusal
from engine.core.relays import Relay, key_of, settle, version
from engine.core.rules import Plan
from engine.core.shelf import Said, Shelf
from engine.core.statements import Statement
from engine.core.verbs import heard


class PolicyVanished(Exception):
    """An escalation pins a policy version that the book does not hold any more."""

    def __init__(self, subject: str, name: str, version: str, content: str) -> None:
        super().__init__(
            f"{subject} pins policy {name} of {version} ({content}), which the policies given do not hold; "
            "put that version back beside the new one"
        )
        self.subject, self.name, self.version, self.hash = subject, name, version, content


class Ledger(NamedTuple):
    """What an escalation has said and passed on."""

    said: list[Said]
    """What the facts come to, and stands."""
    notes: list[Said]
    """What was told to be unknown: the facts have no part in it, so none of them takes it back."""
    sent: list[Relay]
    """What was passed on, the last of each id."""


class Case:
    """Takes facts and ticks of one subject; `changes` tells what to store."""

    __slots__ = (
        "_escalation",
        "_gone",
        "_history",
        "_kept",
        "_publisher",
        "_read",
        "_settings",
        "_touched",
        "_until",
        "armed",
        "key",
        "subject",
    )

    def __init__(self, subject: str, read: Callable[[bytes], bytes | None], settings: Settings) -> None:
        self.subject = subject
        self.key = subject.encode()
        self._read = read
        self._settings = settings
        stored = read(self.key)
        if stored is None:
            self._escalation, shelf = Escalation(subject), Shelf()
            self.armed: Instant | None = NEVER
        else:
            self._escalation, shelf = state.decode(stored)
            self.armed = state.alarm_of(stored)
        self._history = History(self.key, shelf, read)
        self._kept: Judge | None = None
        self._publisher = Publisher(subject, settings, self._history)
        self._touched = False
        self._gone = False
        self._until = settings.now
        if stored is not None and state.almanac_of(stored) != settings.rules.almanac:
            self._recount()

    # -- facts --------------------------------------------------------------------------------

    def take(self, fact: Fact) -> Refusal | None:
        """In order it is stepped; else everything is derived again and the difference said."""
        if self._gone:
            self._begin_again()
        e, history = self._escalation, self._history
        shelf = history.shelf
        if fact.kind == REBASED and (refusal := self._unknown_version(fact)):
            return refusal
        if shelf.facts:
            earlier = history.find(fact)
            if earlier is not None:
                refusal = self._settle_duplicate(earlier, fact)
                if self._settings.relay_again:
                    self._relay_again(fact)
                return refusal
        if e.status == WAITING:
            return self._take_waiting(fact)
        order = fact.order
        if fact.at > e.fired and order > e.last and not self._opens_anew(fact):
            self._touched = True
            judge = self._judge()
            if fact.kind == REBASED:
                judge = self._move(judge, fact, self._ordered(self._facts()), e.pins)
            if e.status == CANCELLED and fact.kind == "reopened":
                judge.waiting = self._waiting_for(fact)
            history.append(fact)
            judged, is_tied = e.judged, fact.at == e.last[0]
            judge.step(fact, order)
            if judged > fact.at:
                judge.advance(judged)
            if judge.voice.said or judge.past_updates or judge.relays:
                self._say(judge, is_tied=is_tied)
        else:
            if self._is_folded_past(fact):
                return self._too_late(fact)
            self._settings.counts["late"] += 1
            self._derive([*self._facts(), fact], fact)
        if shelf.facts > self._limit():
            self._fold()
        return None

    def _waiting_for(self, reopening: Fact) -> list[Fact]:
        """What came since the cancellation that it takes back: an earlier round stepped it."""
        base = self._history.base()
        status = OPEN if base is None else state.decode_base(base).escalation.status
        waiting: list[Fact] = []
        for fact, before in heard([*self._ordered(self._facts()), reopening], status):
            if before == CANCELLED:
                waiting.append(fact)
            else:
                waiting.clear()
        return waiting[:-1]

    def _limit(self) -> int:
        limit = self._settings.fact_limit
        return min(limit, MOST_FACTS) if self._escalation.occurrences else limit

    def _too_late(self, fact: Fact) -> Refusal:
        """Of an occurrence that is no loss: nobody counts on the members of a pattern that has so many."""
        detail = f"older than the {self._history.shelf.facts} facts that are kept"
        return Refusal("too_late", detail, fact.kind != OCCURRENCE)

    def judge_known(self, due: Instant, complete: Instant, waits: bool) -> Instant:
        """Judge what is due at or before `due`, where events recorded after `complete` may be unread.

        What lies behind `complete` is said provisionally or, with `waits`, is told to be unknown yet. When to
        look again.
        """
        self._until = max(self._until, due)
        if waits:
            self.judge(min(due, complete))
            if self.alarm <= due and self._escalation.status != WAITING:
                return self._tell_behind(due)
        self._publisher.complete = complete
        self.judge(due)
        self._publisher.complete = NEVER
        return self.alarm

    def _tell_behind(self, due: Instant) -> Instant:
        """What is due by then is unknown; when the next is due that is not told yet."""
        judge = self._judge()
        judge.tell_behind(due)
        told = {_what(said.statement) for said in self._ledger().notes}
        publisher, policy = self._publishing()
        for statement in judge.take()[0]:
            if _what(statement) not in told:
                self._touched = True
                self._history.append(Said(publisher.publish(statement, policy), statement))
        return state.deadline(self._escalation, due)

    def judge(self, due: Instant) -> None:
        """Judge what is due at or before `due`: of a backlog the first, for what ends it may lie unread."""
        e = self._escalation
        self._until = max(self._until, due)
        if self._gone or self.alarm > due:
            return
        self._touched = True
        if e.status == WAITING:
            if e.fired < 0:
                e.fired = due
                # A pattern whose occurrences were all withdrawn has been opened.
                is_expected = any(fact.kind != OCCURRENCE for fact in self._facts())
                self._settings.counts["never_opened"] += is_expected
            else:
                self._forget()
            return
        if e.alarm <= due:
            judge = self._judge()
            judge.advance(Instant(due + 1))
            self._say(judge)
        if self.alarm <= due:
            self._forget()

    @property
    def alarm(self) -> Instant:
        """When this escalation must be looked at next; behind now and what was judged that may be early."""
        if self._gone:
            return NEVER
        e, window = self._escalation, self._settings.correction_window
        if e.alarm < NEVER:
            return e.alarm
        if e.status == WAITING:
            if not self._history.shelf.facts:
                return NEVER
            return self._with_the_rest(Instant(e.opened + (DAY if e.fired < 0 else window)))
        if e.ended >= NEVER:
            return NEVER
        return self._with_the_rest(Instant(e.ended + window))

    def _with_the_rest(self, at: Instant) -> Instant:
        """When it is given up that would be at `at`: not within a day of what was told of it last.

        History that is loaded was over long ago, and the rest of it is yet to come. Where time comes from the
        events, it comes in their order. The history is read only where it is time to decide: each fact of
        what has ended asks for the alarm.
        """
        if self._settings.event_time or at > self._until:
            return at
        told = self._history.last_recorded()
        return max(at, Instant(told + min(DAY, self._settings.correction_window)))

    def changes(self) -> list[tuple[bytes, bytes | None]]:
        """What has to be stored; the main record last."""
        if not self._touched:
            return []
        records = self._history.changes()
        e, shelf, almanac = self._escalation, self._history.shelf, self._settings.rules.almanac
        main = None if self._gone else state.encode(e, shelf, self.alarm, almanac)
        if main is not None or self._read(self.key) is not None:
            records.append((self.key, main))
        return records

    def _recount(self) -> None:
        """The calendars are others than when it was last stored: open clocks go by those of now."""
        shelf = self._history.shelf
        self._touched = True
        self.armed = None  # what was asked for was this very look
        shelf.recounted = shelf.recounted or shelf.seq > 0
        if self._escalation.status != WAITING:
            self._judge().recount()

    # -- waiting and opening ------------------------------------------------------------------

    def _take_waiting(self, fact: Fact) -> Refusal | None:
        """Facts before their opening wait for it."""
        e, history = self._escalation, self._history
        opens = self._opens([fact])
        if not opens and history.shelf.facts >= self._settings.fact_limit:
            return Refusal(
                "too_many_waiting", f"{history.shelf.facts} facts wait for an opening already", True
            )
        self._touched = True
        if not opens:
            e.opened = min(e.opened, fact.at) if history.shelf.facts else fact.at
            e.judged = max(e.judged, fact.at)
            history.append(fact)
        elif history.shelf.facts:
            self._derive([*self._facts(), fact], fact)
        else:
            history.append(fact)
            judge = self._open(fact)
            judge.advance(Instant(fact.at))
            self._say(judge)
        return None

    def _open(self, fact: Fact) -> Judge:
        """Match the policy and open; with `open_on_first_event` any fact may be the opening."""
        plan = self._match(fact)
        if plan is self._settings.rules.unclassified:
            self._settings.counts["unclassified"] += 1
        return self._open_by(plan, fact)

    def _open_by(self, plan: Plan, fact: Fact) -> Judge:
        self._escalation = e = Escalation(self.subject)
        self._kept = judge = Judge(plan, e, self._settings.say_movements)
        judge.open_(_as_opening(fact))
        if fact.kind != "opened":
            judge.step(fact)
        return judge

    def _match(self, fact: Fact) -> Plan:
        """The policy in force at the opening whose conditions hold (Matching 1)."""
        rules = self._settings.rules
        if fact.kind == OCCURRENCE:
            name, version, content = _policy_of(fact)
            plan = rules.pattern_plan(name, content)
            if plan is None:
                raise PolicyVanished(self.subject, name, version, content)
            return plan
        attributes: dict[str, Value] = {}
        attrs.merge(attributes, fact.data)
        severity = fact.text("severity")
        if not severity and (matrix := rules.severities.at(fact.at)) is not None:
            answer = matrix.answer(attributes, triaged=False, otherwise="")
            severity = "" if answer.undecided else answer.severity
        if severity:
            attributes["severity"] = severity
        policy = match_policy(rules.book, attributes, fact.at)
        if policy is None:
            return rules.unclassified
        return rules.plan(policy.name, policy.hash) or rules.unclassified

    def _judge(self) -> Judge:
        """The judge of the escalation as it is; kept for the next fact of the round."""
        e, judge = self._escalation, self._kept
        if judge is None or judge.escalation is not e:
            judge = self._kept = Judge(self._plan(e), e, self._settings.say_movements)
        return judge

    def _plan_of_opening(self) -> Plan:
        e = self._escalation
        if not e.pins:
            return self._plan(e)
        name, version, content = e.opened_by
        plan = self._settings.rules.plan(name, content)
        if plan is None:
            raise PolicyVanished(self.subject, name, version, content)
        return plan

    def _plan(self, e: Escalation) -> Plan:
        plan = plan_of(self._settings.rules, e)
        if plan is None:
            raise PolicyVanished(self.subject, e.policy, e.policy_version, e.policy_hash)
        return plan

    # -- deriving again -----------------------------------------------------------------------

    def _facts(self) -> list[Fact]:
        return [item for item in self._history.items() if isinstance(item, Fact)]

    def _ledger(self) -> Ledger:
        items = self._history.items()
        said = [item for item in items if isinstance(item, Said)]
        return Ledger(
            [one for one in said if one.statement.name != BEHIND],
            [one for one in said if one.statement.name == BEHIND],
            [item for item in items if isinstance(item, Relay)],
        )

    def _derive(self, facts: list[Fact], cause: Fact) -> None:
        """Judge all facts as if they had come in order, and say the difference (Clock 9)."""
        self._touched = True
        ledger, given, sent = self._ledger()
        was = self._escalation
        judged = max(was.judged, *(fact.at for fact in facts))
        before = self._without(judged) if self._history.shelf.recounted else None
        ordered, judge = self._replay(facts)
        judge.advance(judged)
        e = self._escalation
        is_same_policy = e.opened_by == was.opened_by
        wanted, past_updates, relays = judge.take()
        if before is not None and is_same_policy:
            stays = keep_given(self._plan(was), was, before, judge.plan, Derived(e, wanted))
            judge.rest()
            e.fired = max(e.fired, was.fired)
            wanted = [statement for statement in wanted if obligation_of(statement) not in stays]
            given += [said for said in ledger if obligation_of(said.statement) in stays]
            ledger = [said for said in ledger if obligation_of(said.statement) not in stays]
        changed, kept = difference(wanted, ledger, is_same_policy)
        if any(correction.said for correction in changed):
            self._history.shelf.corrected_until = judged
        publisher, policy = self._publishing()
        held = {said.id for said in (*ledger, *given)}
        corrected: list[Said] = []
        for correction in changed:
            said = publisher.correct(correction, policy, cause, held.__contains__)
            if said is not None:
                corrected.append(said)
                held.add(said.id)
        entries = iter(corrected)
        stands = [said or next(entries) for said in kept]
        self._history.rewrite([*ordered, *given, *stands, *self._pass_on(relays, sent)])
        # What was counted when it was taken is not counted again.
        past = past_updates if was.status == WAITING else _states_the_past(cause)
        self._settings.counts["past_next_update"] += past

    def _without(self, judged: Instant) -> Derived | None:
        """What the facts that are known come to by the calendars of now; None where it was not open."""
        was = self._escalation
        if was.status == WAITING:
            return None
        _, judge = self._replay(self._facts())
        judge.advance(judged)
        before, self._escalation = self._escalation, was
        return Derived(before, judge.take()[0])

    def _replay(self, facts: list[Fact]) -> tuple[list[Fact], Judge]:
        """A fresh escalation with all its facts stepped, in order."""
        base, pins = self._history.base(), self._escalation.pins
        rest = ordered = self._ordered(facts)
        if base is not None:
            self._escalation = e = state.decode_base(base).escalation
            judge = Judge(self._plan(e), e, self._settings.say_movements)
            judge.relays += self._occurrence_of(e)
            if self._history.shelf.recounted:
                judge.recount()
        else:
            first, rest = ordered[0], ordered[1:]
            is_pinned = self._is_opening(first)
            judge = self._open_by(self._plan_of_opening(), first) if is_pinned else self._open(first)
        for place, fact in enumerate(rest, start=len(ordered) - len(rest)):
            if fact.kind == REBASED:
                judge = self._move(judge, fact, ordered[:place], pins)
            judge.step(fact)
        return ordered, judge

    # -- other versions of the policy ---------------------------------------------------------

    def _unknown_version(self, fact: Fact) -> Refusal | None:
        """Of a rebase that names a version which the policies given do not hold."""
        name, version, content = (fact.text(field) for field in ("policy", "version", "hash"))
        plan = self._settings.rules.version(name, version)
        if plan is None:
            return Refusal("unknown_policy_version", f"no policy {name!r} begins at {version}", True)
        if content not in ("", plan.ref.hash):
            detail = f"policy {name!r} of {version} has the hash {plan.ref.hash}, not {content[:64]!r}"
            return Refusal("unknown_policy_version", detail, True)
        return None

    def _move(self, judge: Judge, fact: Fact, earlier: list[Fact], pins: list[Pin]) -> Judge:
        """Who judges the escalation from a rebase on, which is yet to be stepped; `earlier`: the facts before
        it, in order. The rebase's version is known: it was when the fact was taken."""
        e = judge.escalation
        if e.alarm < fact.at:
            judge.advance(fact.at)
        plan = self._meant(fact, pins)
        if plan is None:
            name, version, content = (fact.text(field) for field in ("policy", "version", "hash"))
            raise PolicyVanished(self.subject, name, version, content)
        if not is_moved_by(e, plan):
            return judge
        self._kept = judge = rebase(judge, plan, self._twin(plan, earlier, fact.at), fact)
        return judge

    def _meant(self, fact: Fact, pins: list[Pin]) -> Plan | None:
        """The version that a rebase names. By its content, where it says that or has moved something to it:
        what was in force then may be withdrawn since."""
        name, version, content = (fact.text(field) for field in ("policy", "version", "hash"))
        rules = self._settings.rules
        if not content:
            content = next((pin[3] for pin in pins[1:] if pin[:3] == (fact.at, name, version)), "")
        return (rules.plan(name, content) if content else None) or rules.version_ever(name, version)

    def _twin(self, plan: Plan, facts: list[Fact], until: Instant) -> Escalation:
        """What the facts would have come to by the plan, all that is due before `until` judged."""
        base = self._history.base()
        if base is None:
            judge = Judge(plan, Escalation(self.subject), movements=False)
            judge.open_(_as_opening(facts[0]))
            facts = facts if facts[0].kind != "opened" else facts[1:]
        else:
            stored = state.decode_base(base)
            e = stored.twins.get(plan.ref.hash) or without_obligations(stored.escalation, plan)
            judge = Judge(plan, e, movements=False)
            if self._history.shelf.recounted:
                judge.recount()
        for fact in facts:
            judge.step(fact)
        judge.advance(until)
        judge.ask_for_roles(until)  # of a base that was folded without it, no fact has
        return judge.escalation

    def _twins(self, facts: list[Fact], later: list[Fact], pins: list[Pin]) -> dict[str, Escalation]:
        """What the facts would have come to by the versions that the `later` ones move it to."""
        until = facts[-1].at
        plans = (self._meant(fact, pins) for fact in later if fact.kind == REBASED)
        named = {plan.ref.hash: plan for plan in plans if plan is not None}
        return {content: self._twin(plan, facts, until) for content, plan in sorted(named.items())}

    def _occurrence_of(self, base: Escalation) -> list[Relay]:
        """That it is an occurrence of its pattern, as the folded facts have passed it on."""
        if not base.fingerprint:
            return []
        sent = {key_of(relay): relay for relay in self._ledger().sent if relay.fact.kind == OCCURRENCE}
        return [one for one in sent.values() if one.target == PREFIX + base.fingerprint]

    def _ordered(self, facts: list[Fact]) -> list[Fact]:
        """As they are judged. Once facts are folded, the opening lies in the base: no `opened` opens."""
        if self._history.shelf.folded:
            return sorted(facts, key=lambda fact: fact.order)
        return in_order(facts)

    def _is_opening(self, first: Fact) -> bool:
        """Whether the escalation was opened by this very fact: then its pinned policy stays."""
        stored = self._facts()
        return self._escalation.status != WAITING and bool(stored) and in_order(stored)[0] == first

    def _settle_duplicate(self, earlier: Fact, fact: Fact) -> Refusal | None:
        """The same again changes nothing; of two contents the one recorded first stands."""
        if fact.kind in RELAYS and earlier.kind in RELAYS:
            return self._settle_versions(earlier, fact)
        if earlier.same_content(fact):
            if fact.recorded < earlier.recorded:
                self._record_earlier(earlier, fact)
            return Refusal("duplicate", f"{fact.source} {fact.id} is known", False)
        detail = f"{fact.source} {fact.id} came twice with different content; the one recorded first stands"
        if precedence(earlier) <= precedence(fact):
            return Refusal("conflicting_duplicate", detail, True)
        if self._is_folded_past(fact):
            return Refusal("conflicting_duplicate", detail, True)
        self._put_in_place(earlier, fact)
        return Refusal("conflicting_duplicate", detail, True, earlier)

    def _settle_versions(self, earlier: Fact, fact: Fact) -> Refusal | None:
        """Of a relay the highest version stands, in whatever order they come."""
        if version(fact) <= version(earlier):
            return Refusal("duplicate", f"{fact.source} {fact.id} is known", False)
        if self._is_folded_past(fact):
            return self._too_late(fact)
        self._put_in_place(earlier, fact)
        return None

    def _put_in_place(self, earlier: Fact, fact: Fact) -> None:
        """`fact` stands in the place of `earlier`."""
        facts = [fact if f is earlier or f == earlier else f for f in self._facts()]
        if self._history.shelf.folded or self._opens(facts):
            self._derive(facts, fact)
        else:
            self._wait_again(facts, fact)

    def _record_earlier(self, earlier: Fact, fact: Fact) -> None:
        """The same content, recorded sooner than was known: another content may come between the two."""
        self._touched = True
        self._history.rewrite([fact if item == earlier else item for item in self._history.items()])

    def _wait_again(self, facts: list[Fact], cause: Fact) -> None:
        """No opening is among the facts, or not any more: what was said of it is retracted."""
        self._touched = True
        was = self._escalation
        times = [fact.at for fact in facts]
        ledger, _, sent = self._ledger()
        if ledger:
            self._history.shelf.corrected_until = max(was.judged, *times)
        publisher, policy = self._publishing()
        for said in ledger:
            publisher.correct(Correction(said, None), policy, cause, self._history.holds)
        self._escalation = Escalation(self.subject, opened=min(times), judged=max(times))
        if was.status == WAITING:
            self._escalation.fired = was.fired
        self._history.rewrite([*in_order(facts), *self._pass_on([], sent)])

    def _is_folded_past(self, fact: Fact) -> bool:
        """Whether the facts of its time were folded into the base already."""
        base = self._history.base()
        return base is not None and fact.order <= state.decode_base(base).escalation.last

    def _opens_anew(self, fact: Fact) -> bool:
        """Whether it is the true opening of what another verb has opened for want of one."""
        return (
            fact.kind == "opened"
            and self._settings.open_on_first_event
            and not self._history.shelf.folded
            and opening(self._facts()) is None
        )

    def _opens(self, facts: list[Fact]) -> bool:
        """Whether one of them is an opening, or may stand in for it."""
        if opening(facts) is not None:
            return True
        if not self._settings.open_on_first_event or is_pattern(self.subject):
            return False
        return any(fact.kind not in OPENS_NOTHING for fact in facts)

    def _fold(self) -> None:
        """Keep the newer half of the facts; the older ones become the base that they came to.

        What waits for a reopening is in no state. It is folded with that; till then half as many stay facts.
        """
        facts, (ledger, notes, sent) = self._facts(), self._ledger()
        was = self._escalation
        half = len(facts) // 2
        ordered = self._ordered(facts)
        _, judge = self._replay(ordered[:half])
        later = (place for place in range(half, len(ordered)) if ordered[place].kind == "reopened")
        if judge.waiting and (reopened := next(later, None)):
            half = reopened + 1
            _, judge = self._replay(ordered[:half])
        twins = self._twins(ordered[:half], ordered[half:], was.pins)
        base = state.encode_base(state.Base(self._escalation, twins))
        self._escalation = was
        self._history.set_base(base)
        if self._history.shelf.recounted:  # what was given need not be what is derived: by time, then
            rest = [said for said in ledger if said.statement.at > ordered[half - 1].at]
        else:
            rest = ledger[len(judge.said) :]
        # What the folded facts have passed on is final, as what was said of them is; but an occurrence may
        # have to be withdrawn, or be sent again under its next version.
        final = {key_of(relay) for relay in judge.relays if relay.fact.kind != OCCURRENCE}
        sent = [relay for relay in sent if key_of(relay) not in final]
        waiting = judge.waiting[-half // 2 :]
        self._history.rewrite([*waiting, *ordered[half:], *notes, *rest, *sent])
        self._settings.counts["folded"] += half - len(waiting)

    # -- saying -------------------------------------------------------------------------------

    def _say(self, judge: Judge, *, is_tied: bool = False) -> None:
        """`is_tied`: by a fact of the very instant of the one before it."""
        said, past_updates, relays = judge.take()
        publisher, policy = self._publishing()
        is_held = self._history.holds if is_tied else None
        for statement in said:
            self._history.append(Said(publisher.publish(statement, policy, is_held=is_held), statement))
        if any(relay.fact.kind == OCCURRENCE for relay in relays) and self._history.shelf.facts > 1:
            relays = self._next_versions(relays)
        for relay in relays:  # of an event that is new, so none of its id was sent before
            self._history.append(relay)
            self._settings.relays.append(relay)
        if past_updates:
            self._settings.counts["past_next_update"] += past_updates

    def _next_versions(self, relays: list[Relay]) -> list[Relay]:
        """Of occurrences one of the id may have been sent before: it may have come back to its pattern."""
        changed = {key_of(relay) for relay in relays}
        return settle(relays, [one for one in self._ledger().sent if key_of(one) in changed]).to_send

    def _pass_on(self, wanted: list[Relay], sent: list[Relay]) -> list[Relay]:
        """Send the difference to what was sent; what was sent by now."""
        if not wanted and not sent:
            return sent
        settled = settle(wanted, sent)
        self._settings.relays.extend(settled.to_send)
        return settled.sent

    def _relay_again(self, fact: Fact) -> None:
        """Send what a fact that is known may have led to. A relay leads to later ones alone: in a circle of
        merges none goes round for ever."""
        sent = self._ledger().sent
        if fact.kind in RELAYS:
            sent = [relay for relay in sent if relay.fact.at > fact.at]
        self._settings.relays.extend(sent)

    def _publishing(self) -> tuple[Publisher, PolicyRef]:
        """To publish what is said of the escalation as it is now, and by which policy it was opened."""
        e, judge = self._escalation, self._kept
        self._publisher.fingerprint = e.fingerprint
        if judge is not None and judge.escalation is e and not e.pins:
            return self._publisher, judge.plan.ref
        name, _, content = e.opened_by
        return self._publisher, self._settings.rules.ref(name, content)

    # -- leaving the state --------------------------------------------------------------------

    def _forget(self) -> None:
        self._history.forget()
        self._gone = True
        self._settings.counts["forgotten"] += 1

    def _begin_again(self) -> None:
        """A fact after the escalation left the state, in the same round."""
        self._escalation = Escalation(self.subject)
        self._history.shelf = Shelf()  # as a later round would find it: its record is a tombstone
        self._gone = False


def _what(s: Statement) -> tuple[str, str, int, Instant | None]:
    """What a statement is about, and when it is due."""
    return s.metric, s.key, s.cycle, s.due


def _policy_of(occurrence: Fact) -> tuple[str, str, str]:
    """Name, version and hash of the policy that its escalation pins."""
    said = occurrence.data.get("policy")
    policy = said if isinstance(said, dict) else {}
    return str(policy.get("name", "")), str(policy.get("version", "")), str(policy.get("hash", ""))


def _states_the_past(fact: Fact) -> bool:
    stated = fact.instant("next_update_at")
    return fact.kind == "update_published" and stated is not None and stated <= fact.at


def _as_opening(fact: Fact) -> Fact:
    """The opening as such: another verb opens with nothing but its time."""
    return fact if fact.kind == "opened" else Fact(fact.source, fact.id, "opened", fact.at, fact.recorded)


def precedence(fact: Fact) -> tuple[Instant, bytes]:
    """Recorded first, then the smaller hash of the content."""
    content = msgspec.msgpack.encode((fact.kind, fact.at, fact.sequence, sorted(fact.data.items())))
    return fact.recorded, blake2b(content, digest_size=16).digest()
