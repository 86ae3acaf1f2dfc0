"""The post-incident review as plain data: everything that the log knows, and nothing that it does not."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from engine.archive.account import Account
from engine.core import attributes as attrs
from engine.core.erasure import OF_BOTH_SIDES
from engine.core.facts import Fact, Value
from engine.core.instants import Instant, Span, format_instant, seconds
from engine.core.outcomes import Outcome
from engine.core.policy import SEVERITIES
from engine.core.proof import is_intact
from engine.core.verbs import course, ends_work
from engine.documents import blame
from engine.documents.communication import Record, communication, hears
from engine.documents.lateness import LATE, MET, OPEN_LATE, Ended, ended
from engine.documents.moments import UTC, Zone
from engine.documents.obligations import Action, Promise, actions, promises, texts_of
from engine.documents.time_spent import Spent, is_cadence, time_spent
from engine.documents.timeline import Row, timeline
from engine.documents.told import Say, hands, tell
from engine.documents.words import lasted, length, was_owed


class Line(Struct, frozen=True):
    label: str
    value: str | None
    """None: the log does not know."""


class Verdict(Struct, frozen=True):
    """What came of one obligation."""

    owed: str
    cycle: int
    result: str
    """As in `lateness`; what was missed before it was cancelled or waived says so."""
    reason: str
    severity: str
    due: str | None
    at: str
    target: str | None
    used: str
    late_seconds: float | None
    late: str | None
    hash: str


class Part(Struct, frozen=True):
    """One stretch of the way to a verdict."""

    start: str
    end: str
    state: str
    reason: str
    calendar: str
    counted_seconds: float
    counted: str
    team: str
    owner: str


class Proof(Struct, frozen=True):
    """What a verdict was computed from and with; `vigil explain` recomputes it."""

    owed: str
    cycle: int
    verdict: str
    effective: str
    id: str
    hash: str
    is_intact: bool
    policy: str
    policy_version: str
    policy_hash: str
    calendar: str | None
    calendar_version: str | None
    tzdata: str | None
    holidays: str | None
    parts: list[Part]


class Correction(Struct, frozen=True):
    """An answer that was given, and changed."""

    found: str
    was: str
    now: str
    because: str | None
    """What arrived late; None where the log does not hold it."""


class Wording(Struct, frozen=True):
    """Words that blame, in what people wrote into the log."""

    when: str
    words: str
    kind: str
    instead: str


class Review(Struct, frozen=True):
    """All parts. Times twice: as ISO 8601 in UTC, and for people in `zone` to the minute."""

    zone: str
    subject: str
    title: str | None
    known_until: str | None
    """The last that the log knows of; None: it knows nothing."""
    known_until_when: str | None
    events: int
    summary: list[Line]
    impact: list[Line]
    timeline: list[Row]
    verdicts: list[Verdict]
    kept: int
    """Obligations that were met in time, late ones, and those that are late and not done."""
    late: int
    missing: int
    lapsed: int
    """Missed, and cancelled or waived after that."""
    out_of_count: int
    """Cancelled or waived before they were missed."""
    time_spent: list[Spent]
    communication: list[Record]
    promises: list[Promise]
    actions: list[Action]
    corrections: list[Correction]
    proofs: list[Proof]
    people: list[str]
    """Everyone of ours whom the log names."""
    wording: list[Wording]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def review(
    account: Account, dues: Mapping[str, Instant] | None = None, *, full: bool = False, zone: Zone = UTC
) -> Review:
    """The review of an escalation; `full`: no row of the timeline is folded. `zone`: in which times are told.

    `dues`: when actions are due, by id, where that is known from the policy.
    """
    obligations = ended(account.standing, account.facts)
    texts = texts_of(account.facts)
    until = account.known_until
    named, say = _people(account), zone.minute
    return Review(
        zone=zone.name,
        subject=account.subject,
        title=attrs.text(account.attributes, "title") or None,
        known_until=None if until is None else format_instant(until),
        known_until_when=None if until is None else say(until),
        events=len(account.facts),
        summary=list(_summary(account, say)),
        impact=list(_impact(account)),
        timeline=timeline(account, obligations, texts, full=full, say=say),
        verdicts=[_verdict(one, texts, say) for one in obligations if _is_shown(one)],
        kept=sum(one.result == MET for one in obligations),
        late=sum(one.result == LATE for one in obligations),
        missing=sum(one.result == OPEN_LATE for one in obligations),
        lapsed=sum(one.is_out and bool(one.missed) for one in obligations),
        out_of_count=sum(one.is_out and not one.missed for one in obligations),
        time_spent=list(time_spent(account.facts, obligations, texts)),
        communication=communication(account, obligations, say),
        promises=promises(account.facts, obligations, say),
        actions=actions(account, obligations, dues or {}, say),
        corrections=list(_corrections(account, texts, say)),
        proofs=[_proof(verdict, texts) for one in obligations for verdict in one.verdicts if verdict.hash],
        people=named,
        wording=list(_wording(account.facts, named, say)),
    )


def _people(account: Account) -> list[str]:
    """Everyone of ours whom the facts name, each once: who had it or a role, and who did what only we do.

    Not the customer or its people, nor who or what reported it.
    """
    facts, names = account.facts, ("customer", "customer_name", "reporter")
    theirs = {fact.text("by") for fact in facts if fact.kind in ("message_received", "resolution_confirmed")}
    theirs |= {attrs.text(account.attributes, name) for name in names} | {""}
    serves = {fact.text(field) for fact in facts for field in ("owner", "person")}
    # Who paused or resolved is ours nearly always, and words that blame may be about them.
    did = {fact.text("by") for fact in facts if fact.kind not in OF_BOTH_SIDES - {"paused", "resolved"}}
    return sorted(serves - {""} | did - theirs)


# -- at a glance ----------------------------------------------------------------------------------


def _summary(account: Account, say: Say) -> Iterator[Line]:
    a = account.attributes
    yield Line("Severity, gravest ever", _gravest(account))
    yield Line("Customer", _customer(a))
    for label, name in (("Service", "service"), ("Component", "component"), ("Region", "region")):
        yield Line(label, attrs.text(a, name) or None)
    yield Line("In the hands of", hands(attrs.text(a, "team"), attrs.text(a, "owner")) or None)
    opening = account.facts[0] if account.facts else None
    for label, field in (("Began", "occurred_at"), ("Detected", "detected_at"), ("Reported", "reported_at")):
        yield Line(label, _stated(account.facts, field, say))
    yield Line("Opened", None if opening is None else say(opening.at))
    told = [fact for fact in account.facts if hears(fact, "customer")]
    yield Line("Customer first told", _after(told, opening, say, last=False))
    yield Line("Acknowledged", _after(_of(account.facts, "acknowledged"), opening, say, last=False))
    since = _since_reopened(account)
    yield Line("Resolved", _after(_resolution(since), opening, say, last=False))
    for label, kind in (("Confirmed by the customer", "resolution_confirmed"), ("Closed", "closed")):
        yield Line(label, _after(_of((fact for fact, _ in since), kind), opening, say, last=True))
    held = _of(account.facts, "pir_held")
    yield Line("Post-incident review held", _after(held, opening, say, last=False))
    for stage in ("summary", "final"):
        published = [f for f in account.facts if f.kind == "rca_published" and f.text("stage") == stage]
        yield Line(f"RCA published, {stage}", _after(published, opening, say, last=True))
    again = sum(fact.kind == "reopened" for fact, _ in course(account.facts))
    if again:
        yield Line("Reopened", f"{again} times" if again > 1 else "once")


def _of(facts: Iterable[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact.kind == kind]


def _since_reopened(account: Account) -> list[tuple[Fact, int]]:
    """What changed anything since it was last opened, each with the status before it."""
    moves = list(course(account.facts))
    reopened = [place for place, (fact, _) in enumerate(moves) if fact.kind == "reopened"]
    return moves[reopened[-1] :] if reopened else moves


def _resolution(since: Iterable[tuple[Fact, int]]) -> list[Fact]:
    """What resolved it, or closed it without a resolution; nothing while it is open."""
    return [fact for fact, before in since if ends_work(fact, before)]


def _gravest(account: Account) -> str | None:
    held = {one.severity for one in account.standing} | {fact.text("severity") for fact in account.facts}
    return next((severity for severity in SEVERITIES if severity in held), None)


def _customer(a: Mapping[str, Value]) -> str | None:
    name, tier = attrs.text(a, "customer_name") or attrs.text(a, "customer"), attrs.text(a, "tier")
    return f"{name} ({tier})" if name and tier else name or None


def _stated(facts: Iterable[Fact], field: str, say: Say) -> str | None:
    """As last said."""
    stated = [at for fact in facts if (at := fact.instant(field)) is not None]
    return say(stated[-1]) if stated else None


def _after(facts: list[Fact], opening: Fact | None, say: Say, *, last: bool) -> str | None:
    if not facts or opening is None:
        return None
    at = facts[-1 if last else 0].at
    side = "after" if at >= opening.at else "before"
    return f"{say(at)}, {lasted(Span(at - opening.at))} {side} the opening"


def _impact(account: Account) -> Iterator[Line]:
    a = account.attributes
    scope = attrs.text(a, "scope")
    yield Line("Scope", f"{scope} of the customers" if scope in ("all", "many", "some") else scope or None)
    affected, revenue = a.get("affected_customers"), a.get("revenue_at_risk")
    yield Line("Customers affected", f"{affected:,}" if isinstance(affected, int) else None)
    for label, name in (
        ("Data lost", "data_loss"),
        ("Security affected", "security"),
        ("Workaround", "workaround"),
    ):
        value = a.get(name)
        yield Line(label, ("yes" if value else "no") if isinstance(value, bool) else None)
    currency = attrs.text(a, "revenue_currency")
    is_known = isinstance(revenue, int | float)
    yield Line("Revenue at risk", f"{revenue:,.0f} {currency}" if is_known else None)
    yield Line("How long, from the beginning to the resolution", _lasted(account))


def _lasted(account: Account) -> str | None:
    began = [at for fact in account.facts if (at := fact.instant("occurred_at")) is not None]
    resolved = _resolution(_since_reopened(account))
    if not began or not resolved or resolved[0].at < began[-1]:
        return None
    return lasted(Span(resolved[0].at - began[-1]))


# -- verdicts -------------------------------------------------------------------------------------


def _is_shown(one: Ended) -> bool:
    """All but the updates in time: the communication record has those."""
    return one.is_late or not is_cadence(one)


def _owed(o: Outcome, texts: Mapping[str, str]) -> str:
    return was_owed(o.metric, o.key, texts.get(o.key, ""))


def _verdict(one: Ended, texts: Mapping[str, str], say: Say) -> Verdict:
    last, due = one.last, one.due
    target = (one.missed or one.verdicts)[0].target
    return Verdict(
        owed=_owed(last, texts),
        cycle=last.cycle,
        result=f"missed, then {one.result}" if one.missed and one.is_out else one.result,
        reason=last.reason.replace("_", " "),
        severity=last.severity,
        due=None if due is None else say(due),
        at=say(last.effective_at),
        target=None if target is None else length(target),
        used=length(last.elapsed),
        late_seconds=None if one.late is None else seconds(one.late),
        late=None if one.late is None else length(one.late),
        hash=last.hash,
    )


def _proof(o: Outcome, texts: Mapping[str, str]) -> Proof:
    versions = o.versions
    return Proof(
        owed=_owed(o, texts),
        cycle=o.cycle,
        verdict=o.name,
        effective=format_instant(o.effective_at),
        id=o.id,
        hash=o.hash,
        is_intact=is_intact(o),
        policy=o.policy.name,
        policy_version=o.policy.version,
        policy_hash=o.policy.hash,
        calendar=None if versions is None else versions.calendar,
        calendar_version=None if versions is None else versions.calendar_version,
        tzdata=None if versions is None else versions.tzdata,
        holidays=None if versions is None else versions.holidays,
        parts=[
            Part(
                format_instant(part.start), format_instant(part.end), part.state, part.reason, part.calendar,
                seconds(part.elapsed), length(part.elapsed), part.team, part.owner,
            )
            for part in o.segments
        ],
    )  # fmt: skip


# -- what changed, and how it is said ------------------------------------------------------------


def _corrections(account: Account, texts: Mapping[str, str], say: Say) -> Iterator[Correction]:
    said = {one.id: one for one in account.outcomes}
    facts = {fact.id: fact for fact in account.facts}
    for one in account.outcomes:
        if not one.corrects:
            continue
        before, cause = said.get(one.corrects), facts.get(one.caused_by)
        yield Correction(
            found=say(one.detected_at),
            was=_answer(one if before is None else before, texts, say),
            now="no more" if one.name == "retracted" else _answer(one, texts, say),
            because=None if cause is None else f"{tell(cause, say, texts).what} at {say(cause.at)}",
        )


def _answer(o: Outcome, texts: Mapping[str, str], say: Say) -> str:
    name = (o.outcome or o.name).replace("_", " ")
    return f"{_owed(o, texts)}: {name} at {say(o.effective_at)}"


def _wording(facts: Iterable[Fact], named: list[str], say: Say) -> Iterator[Wording]:
    for fact in facts:
        for one in blame.find(tell(fact).quote, named):
            yield Wording(say(fact.at), one.words, one.kind, one.instead)
