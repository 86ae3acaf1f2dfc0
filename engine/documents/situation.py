"""How one escalation stands at an instant, as plain data: what documents of the moment have in common."""

from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from engine.archive.account import Account, happened
from engine.core import state
from engine.core.cadences import RUNNING, Cadence
from engine.core.deadlines import ACTION, COMMITMENT, Deadline
from engine.core.deadlines import OPEN as DEADLINE_OPEN
from engine.core.decide import Alarms, Options, Round
from engine.core.escalation import CANCELLED, CLOSED, GONE, MERGED, RESOLVED, WAITING, Escalation
from engine.core.facts import RELAYED_UPDATE, Fact, Value
from engine.core.instants import NEVER, Instant, Span
from engine.core.outcomes import Outcome
from engine.core.policy import AUDIENCES, Book, Target
from engine.core.recurrence import plan_of
from engine.core.relays import is_withdrawn
from engine.core.rules import CadencePlan, Plan, rules_of
from engine.core.verbs import course, ends_work
from engine.core.view import ClockView, clocks_of
from engine.documents.moments import Zone
from engine.documents.obligations import what_counts
from engine.documents.rendering import Plain
from engine.documents.words import lasted, length, owed

Data: TypeAlias = dict[str, Plain]

_STATUS = {
    WAITING: "not opened yet", RESOLVED: "resolved", CLOSED: "closed", CANCELLED: "cancelled",
    MERGED: "merged into another",
}  # fmt: skip
_FOR_EVER = Span(2**60)


class NotOpened(Exception):
    """There is nothing to write about: no event of it had happened by then."""


class Situation:
    """One escalation at `at`: its state, derived from the facts up to then, and what stands of its outcomes.

    Times are told in `zone`; without one, in that of the policy's first business calendar, else in UTC.
    NotOpened where no fact is that old.
    """

    def __init__(self, account: Account, book: Book, at: Instant, zone: str = "") -> None:
        self.subject = account.subject
        self.at = at
        self.book = book
        self.facts = tuple(fact for fact in account.facts if fact.at <= at)
        self.outcomes = [outcome for outcome in account.standing if outcome.effective_at <= at]
        record = _record(book, account.subject, self.facts, at)
        self.escalation: Escalation = state.decode(record)[0]
        if self.escalation.status == WAITING:
            raise NotOpened(f"{account.subject}: it was not opened yet by then")
        self.clocks: list[ClockView] = clocks_of(record, book, at)
        plan = plan_of(rules_of(book), self.escalation)
        assert plan is not None  # noqa: S101  # judged by this very book
        self.plan: Plan = plan
        self.zone = Zone(zone or self._own_zone())

    # -- what is known ------------------------------------------------------------------------------

    def attribute(self, name: str) -> Value:
        """What the facts say last; None where it is not known."""
        value = self.escalation.attributes.get(name)
        return None if value == "" else value  # emptied, or erased

    @cached_property
    def is_over(self) -> bool:
        return self.escalation.status in _STATUS

    @cached_property
    def end(self) -> Fact | None:
        """What cancelled or merged it; else its resolution, whenever it was closed after that, or its closing
        without one. None while it is open."""
        if not self.is_over:
            return None
        known = list(course(self.facts))
        if self.is_gone:
            return known[-1][0]
        return [fact for fact, before in known if ends_work(fact, before)][-1]

    @property
    def is_gone(self) -> bool:
        """Cancelled, or merged into another."""
        return self.escalation.status in GONE

    def last(self, *kinds: str) -> Fact | None:
        """The latest fact of these kinds."""
        return next((fact for fact in reversed(self.facts) if fact.kind in kinds), None)

    def last_told(self, audience: str) -> Fact | None:
        """The latest fact that told an audience something."""
        return next((fact for fact in reversed(self.facts) if is_update(fact, audience)), None)

    def since(self, told: Fact | None) -> tuple[Fact, ...]:
        """What has happened after a fact; all, where there was none."""
        known = happened(self.facts)
        return known if told is None else known[known.index(told) + 1 :]

    def verdicts(self, *names: str) -> list[Outcome]:
        """What stands under these names, in the order of effect."""
        return [outcome for outcome in self.outcomes if outcome.name in names]

    def text_of(self, metric: str, key: str) -> str:
        """What was promised, or an action's title; empty for any other clock."""
        e = self.escalation
        deadlines = {COMMITMENT: e.commitments, "action": e.actions}.get(metric, [])
        return next((one.text for one in deadlines if one.id == key), "")

    # -- as plain data --------------------------------------------------------------------------------

    def head(self) -> Data:
        """What every document begins with."""
        e, a = self.escalation, self.attribute
        end = self.end
        resolved = None if self.is_gone else end
        return {
            "written": self.moment(self.at),
            "zone": self.zone.name,
            "subject": self.subject,
            "title": a("title"),
            "status": _STATUS.get(e.status, "open"),
            "status_reason": (end.text("reason") or end.text("into") or None)
            if end and self.is_gone
            else None,
            "is_open": not self.is_over,
            "severity": e.severity or None,
            "severity_word": _SEVERITY.get(e.severity),
            "gravest": e.gravest or None,
            "priority": a("priority"),
            "customer": {"id": a("customer"), "name": a("customer_name") or a("customer"), "tier": a("tier")},
            "service": a("service"),
            "component": a("component"),
            "region": a("region"),
            "channel": a("channel"),
            "reporter": a("reporter"),
            "team": a("team"),
            "owner": a("owner"),
            "opened": self.moment(e.opened),
            "reported": self.moment(min(e.contact, e.opened)),
            "occurred": self.moment(self.facts[0].instant("occurred_at")),
            "lasted": lasted(Span((end.at if end else self.at) - e.opened)),
            "ended": self.moment(end.at if end else None),
            "resolved": self.moment(resolved.at if resolved else None),
            "resolution": self._resolution(),
            "waits_for": [_WAITS.get(reason, reason.replace("_", " ")) for reason in e.reasons],
            "impact": self._impact(),
            "policy": {"name": e.policy, "since": e.policy_version} if e.policy else None,
        }

    def _resolution(self) -> str | None:
        """As last told: who resolves it once more may say it better."""
        if self.end is None or self.is_gone:
            return None
        told = [fact.text("resolution") for fact in (self.end, *self.since(self.end))]
        return next((text for text in reversed(told) if text), None)

    def _impact(self) -> Data:
        a = self.attribute
        amount, currency = a("revenue_at_risk"), a("revenue_currency")
        money = f"{amount:,.0f} {currency or ''}".strip() if isinstance(amount, int | float) else None
        return {
            "scope": _SCOPE.get(str(a("scope"))),
            "affected_customers": a("affected_customers"),
            "data_loss": a("data_loss"),
            "security": a("security"),
            "workaround": a("workaround"),
            "revenue_at_risk": money,
        }

    def moment(self, at: Instant | None) -> Plain:
        return self.zone.moment(None if at is None or at >= NEVER else at)

    def due_next(self) -> list[Plain]:
        """Every obligation that is open, soonest first."""
        return [
            {
                "owed": owed(view.metric, view.key, view.text),
                "metric": view.metric,
                "state": view.state.replace("_", " "),
                "due": self.moment(view.due_at),
                "left": f"{length(view.left)} left" if view.left >= 0 else f"over by {length(view.left)}",
                "owner": view.owner or None,
            }
            for view in self.clocks
        ]

    def due(self, metric: str) -> Plain:
        """When an open clock is due; None where there is none, or it is paused."""
        return self.moment(next((view.due_at for view in self.clocks if view.metric == metric), None))

    def target(self, metric: str) -> str | None:
        """The budget of a clock at this severity, in words."""
        e = self.escalation
        for plan in self.plan.clocks:
            if plan.metric == metric:
                target = plan.targets.get(e.gravest if plan.by_gravest else e.severity)
                return None if target is None else in_words(target)
        return None

    def promises(self) -> list[Plain]:
        """The ledger of commitments: all that were ever made. A miss stays one though another time was agreed
        after it; `is_overdue` says whether the time as it is now has passed, too."""
        missed = {o.key for o in self.verdicts("commitment_missed")}
        told = what_counts(self.facts, COMMITMENT)
        return [self._promise(one, told[one.id], missed) for one in self.escalation.commitments]

    def _promise(self, one: Deadline, told: list[Fact], missed: set[str]) -> Plain:
        verb = told[-1].kind.removeprefix("commitment_")
        was_late = one.id in missed
        is_overdue = one.phase == DEADLINE_OPEN and (one.missed or one.due < self.at)
        if one.phase == DEADLINE_OPEN:
            shown = "missed, still owed" if was_late or is_overdue else "open"
        elif verb == "kept":
            shown = "kept late" if was_late else "kept"  # also by a time that was agreed after the miss
        else:
            gone = "withdrawn" if verb == "withdrawn" else "no longer owed"
            shown = f"missed, then {gone}" if was_late else gone
        return {
            "id": one.id, "text": one.text, "to": one.to or None, "by": one.by or None, "state": shown,
            "was_missed": was_late, "is_overdue": is_overdue, "due": self.moment(_last_due(told)),
            "reason": told[-1].text("reason") or None,
        }  # fmt: skip

    def actions(self) -> list[Plain]:
        """The action items: all that were ever opened."""
        told = what_counts(self.facts, ACTION)
        return [
            {
                "id": one.id,
                "title": one.text,
                "owner": one.by or None,
                "due": self.moment(one.due),
                "state": ("overdue" if one.due < self.at else "open")
                if one.phase == DEADLINE_OPEN
                else told[one.id][-1].kind.removeprefix("action_").replace("opened", "no longer owed"),
            }
            for one in self.escalation.actions
        ]

    # -- updates ----------------------------------------------------------------------------------------

    def cadence(self, audience: str) -> Data:
        """What an audience is owed, when it was told last, and how often it waited in vain."""
        plan, cadence = self._cadence(audience)
        terms = plan.terms(self.escalation.severity) if plan else None
        told = self.last_told(audience)
        missed = [o for o in self.verdicts("cadence_missed") if o.metric == f"{audience}_update"]
        is_running = cadence is not None and cadence.phase == RUNNING
        due = cadence.due if cadence is not None and is_running and cadence.due < NEVER else None
        return {
            "audience": audience,
            "every": in_words(terms.every) if terms and terms.every else None,
            "last": self.moment(told.at if told else None),
            "ago": length(Span(self.at - told.at)) if told else None,
            "due": self.moment(due),
            "is_overdue": due is not None and (due < self.at or (cadence is not None and cadence.misses > 0)),
            "missed": len(missed),
            "is_owed": due is not None or (is_running and terms is not None and terms.every is not None),
        }

    def cadences(self) -> list[Plain]:
        return [self.cadence(audience) for audience in AUDIENCES]

    def next_update(self, audience: str, stated: Instant | None = None) -> Data:
        """When an audience that is told something now hears from us next, and why then.

        `due` None with `is_over`: nothing more is owed. `due` None without: somebody must set a time.
        """
        plan, _ = self._cadence(audience)
        every = plan.terms(self.escalation.severity).every if plan else None
        is_over = self.is_over and stated is None
        because, due = None, stated
        if stated is not None:
            because = "as stated"
        elif every is not None and not is_over:
            due = self.plan.calendars[every.calendar].due(self.at, every.budget)
            because = f"every {in_words(every)} at {self.escalation.severity}, by the policy"
        return {"due": self.moment(due), "because": because, "is_over": is_over}

    def _cadence(self, audience: str) -> tuple[CadencePlan | None, Cadence | None]:
        for plan, cadence in zip(self.plan.cadences, self.escalation.cadences, strict=True):
            if plan.audience == audience:
                return plan, cadence
        return None, None

    # -- what is missing --------------------------------------------------------------------------------

    def unknown(self, *names: str) -> list[Plain]:
        """Of what a document needs, what nobody has told yet, as a person would ask for it."""
        return [_ASKED[name] for name in names if self._is_unknown(name)]

    def _is_unknown(self, name: str) -> bool:
        if name == "cause":
            return self.last("rca_published") is None
        if name == "resolution":
            return self.is_over and not self.is_gone and not self._resolution()
        return self.attribute(name) is None

    # -- inside -------------------------------------------------------------------------------------------

    def _own_zone(self) -> str:
        for target in _targets(self.plan):
            if target.calendar:
                return self.plan.calendars[target.calendar].zone
        return "UTC"


def in_words(target: Target) -> str:
    """`30 min`, `4 h on calendar support`."""
    return (
        f"{length(target.budget)} on calendar {target.calendar}" if target.calendar else length(target.budget)
    )


def is_update(fact: Fact, audience: str) -> bool:
    """Whether a fact is an update to the audience."""
    if fact.kind == RELAYED_UPDATE:
        return audience == "customer" and not is_withdrawn(fact)
    return fact.kind == "update_published" and fact.text("audience") == audience


def _record(book: Book, subject: str, facts: tuple[Fact, ...], at: Instant) -> bytes:
    """What a worker would have stored of it, kept however long ago it ended."""
    options = Options(open_on_first_event=True, correction_window=_FOR_EVER)
    this = Round(book, lambda _: None, Alarms(), options, at)
    for fact in facts:
        this.fact(subject, fact)
    this.tick(subject, at)
    stored = dict(this.close().records).get(subject.encode())
    if stored is None:
        raise NotOpened(f"{subject}: no event of it had happened by then")
    return stored


def _targets(plan: Plan) -> Iterator[Target]:
    for clock in plan.clocks:
        yield from clock.targets.values()
    for cadence in plan.cadences:
        yield from cadence.rule.every.values()


def _last_due(told: list[Fact]) -> Instant | None:
    return next((due for fact in reversed(told) if (due := fact.instant("due_at")) is not None), None)


_SEVERITY = {"P0": "critical", "P1": "high", "P2": "medium", "P3": "low"}
_SCOPE = {
    "one": "one customer", "some": "some customers", "many": "many customers", "all": "all customers",
}  # fmt: skip
_WAITS = {
    "pending_customer": "the customer", "pending_vendor": "a vendor", "pending_change": "a change window",
}  # fmt: skip
_ASKED = {
    "title": "What is it about, in one line",
    "customer": "Which customer it concerns",
    "tier": "The customer's tier",
    "service": "Which service is affected",
    "component": "Which component is affected",
    "region": "Where it happens: which region",
    "scope": "How far it reaches: one, some, many or all customers",
    "affected_customers": "How many customers are affected",
    "data_loss": "Whether data is lost",
    "security": "Whether security is concerned",
    "workaround": "Whether there is a workaround",
    "revenue_at_risk": "How much revenue is at risk",
    "owner": "Who owns it",
    "cause": "The cause",
    "resolution": "What resolved it",
    "tags_any": "Its tags",
}
"""What is asked, by attribute."""
