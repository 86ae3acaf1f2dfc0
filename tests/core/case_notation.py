"""The notation of the case tables: a policy, facts by the minute, and everything that is said.

    clocks: {acknowledge: {budget: {P1: 10m}}}      a line of a policy, as in a policy file
    0 opened P1; 12 acknowledged                    what arrives, in this order; time moves to the highest
    60 now                                          time moves on; what is due is judged
    60 now behind=20 waits                          behind: what was recorded from 20 on is unread
    => 10 breached acknowledge due 10               everything that is said, in the order of saying
    => 12 stopped_late acknowledge due 10

A word after a verb fills its main field (severity, reason, audience, commitment id; messages are public
unless `internal`; a role is followed by its person, `rebased` by a policy and the minute at which its
version begins); `x=1` any other; `x=@30` is the instant of minute 30.
What other escalations pass on is a fact, too, with `v2` its version and `withdrawn`.
`:name` is the fact's id, `/3` its sequence, `^5` the minute of its recording. An outcome is: minute, name,
metric[/key], [#cycle, from 2], [due MINUTE], [threshold], [xN in a row], [severity by
the rules, `unless` what is unknown changes it, `but` what somebody gave], [of ITS MEMBERS], [(reason)],
[owes PERCENT], [-> whom it notifies], [who is in the room, N at most], [provisional]; of a correction
`amended NAME` or `retracted NAME` and `by` the fact's id. A refusal that is a dead letter is `!reason`, any
other `!reason dropped`; a count is `counted NAME`.

    begins: 2026-03-28T12:00+01:00                  when minute 0 is, if not on Monday at 10:00 UTC
    calendar shop: {zone: Europe/Berlin, hours: {}} a calendar beside `office` (Monday to Friday, 9 to 17 UTC)
    --- gold 30                                     another policy document: its name, the minute it begins
    reload:                                         what follows is the book after the step `30 reload`
    options: {say_movements: true}                  options; `encoded`: as the contract reads the facts
    pace: {resolve: {P1: {0%: 5 of 9, 40%: 5 of 8}}}   history: 5 of 9 breached, open past 40 % were 8 of them
    show: seq corrects elapsed target proof chance severity inputs policy   say these of each outcome, too
    severity: [{severity: P0, when: {}}]            the severity rules, a document of their own
    severity 30: [{severity: P0, when: {}}]         another version of them, and the minute at which it begins
    show: relays                                    show what is passed on: `20 relayed_update -> desk:2`
    picture: clock-5                                docs/images/rules/clock-5.svg shows this case

A book that is refused is `!refused FIELD`; an open escalation whose policy is gone `!policy_vanished`.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import yaml
from core_runs import START, SUBJECT, Engine, at, book_of, fact, minutes, policy
from msgspec.structs import replace

from engine.contract.codec import Unreadable, read_line
from engine.core.case import PolicyVanished
from engine.core.decide import Options
from engine.core.facts import CONTACT_INHERITED, OCCURRENCE, RELAYS, Fact, Value
from engine.core.instants import MINUTE, Instant, format_instant, parse_instant
from engine.core.outcomes import Classification, Outcome
from engine.core.pace import STAGES, Kind, Pace
from engine.core.policy import Book
from engine.core.relays import Relay, is_withdrawn, version
from engine.policies import PolicyErrors

_MAIN = {
    "opened": "severity",
    "triaged": "severity",
    "updated": "severity",
    "assigned": "owner",
    "paused": "reason",
    "resumed": "reason",
    "cancelled": "reason",
    "merged": "into",
    "update_published": "audience",
    "commitment_made": "commitment_id",
    "commitment_kept": "commitment_id",
    "commitment_withdrawn": "commitment_id",
    "commitment_renegotiated": "commitment_id",
    "rca_published": "stage",
    "action_opened": "action_id",
    "action_completed": "action_id",
    "action_cancelled": "action_id",
    "waived": "metric",
    "linked": "to",
    "unlinked": "to",
    CONTACT_INHERITED: "contact_at",
    OCCURRENCE: "from",
}
FIRST_VERSION = "2020-01-01T00:00:00Z"
_WORDS: dict[str, Value] = {"null": None, "true": True, "false": False}
_FACT = re.compile(r"^(-?[\d.]+) (\w+)")
_BEHIND = re.compile(r" behind=([\d.]+)( waits)?")


@dataclass
class Case:
    rule: str
    policy: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    """The book after the step `reload`."""
    options: dict[str, object] = field(default_factory=dict)
    pace: Pace | None = None
    steps: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    shift: int = 0
    """From Monday at 10:00 UTC to minute 0."""
    show: frozenset[str] = frozenset()
    picture: str = ""
    text: list[str] = field(default_factory=list)
    """The lines of the row as they stand in the table."""


def cases(table: str) -> list[Case]:
    """The cases of a table: each begins with `== name of the rule: behaviour`."""
    found: list[Case] = []
    for raw in table.splitlines():
        line = raw.split("  #")[0].strip()
        if line.startswith("== "):
            found.append(Case(line[3:]))
        if line:
            found[-1].text.append(raw.rstrip())
            _read(found[-1], line)
    return found


def _read(case: Case, line: str) -> None:
    word, _, rest = line.partition(": ")
    if line.startswith("=> "):
        case.expected += [part.strip() for part in line[3:].split(";") if part.strip() != "nothing"]
    elif word == "options":
        case.options = yaml.safe_load(rest)
    elif word == "pace":
        case.pace = read_pace(yaml.safe_load(rest))
    elif word == "begins":
        case.shift = parse_instant(rest) - START
    elif word == "show":
        case.show = frozenset(rest.split())
    elif word == "picture":
        case.picture = rest
    elif line == "reload:":
        case.later.append("")
    elif _FACT.match(line):
        case.steps += [part.strip() for part in line.split(";")]
    elif not line.startswith("== "):
        (case.later or case.policy).append(line)


def read_pace(told: dict[str, dict[str, dict[str, str]]]) -> Pace:
    """A table; what is said of a share holds of those after it, too. It stands on however few cases."""
    kinds = {}
    for metric, severities in told.items():
        for severity, shares in severities.items():
            counts = {int(share.rstrip("%")): text.split(" of ") for share, text in shares.items()}
            breached, opened = int(counts[0][0]), []
            for stage in STAGES:
                last = max(share for share in counts if share <= stage)
                opened.append(int(counts[last][1]))
            kinds[metric, severity] = Kind(opened[0], breached, 0, tuple(opened))
    return Pace(kinds, least_cases=1)


def book(lines: Iterable[str]) -> Book:
    """The book of a case: its calendars, and its policies in their order."""
    documents: list[str] = []
    bodies: list[list[str]] = [[]]
    heads = ["standard"]
    for line in lines:
        if line.startswith("calendar "):
            name, _, rest = line[9:].partition(": ")
            documents.append(yaml.safe_dump({"calendar": name, **yaml.safe_load(rest)}))
        elif line.startswith("severity: "):
            documents.append(f"{line}\n")
        elif line.startswith("severity "):
            minute, _, rules = line[9:].partition(": ")
            documents.append(f"severity: {rules}\neffective_from: {format_instant(at(float(minute)))}\n")
        elif line.startswith("---"):
            if bodies[-1]:
                heads.append("")
                bodies.append([])
            heads[-1] = line[3:].strip()
        elif line:
            bodies[-1].append(line)
    for head, body in zip(heads, bodies, strict=True):
        name, _, minute = head.partition(" ")
        begins = format_instant(at(float(minute))) if minute else FIRST_VERSION
        documents.append(policy("\n".join(body), name or "standard", begins))
    return book_of(*documents)


def begin(case: Case) -> Engine:
    """An engine that has taken nothing of the case yet. PolicyErrors where its book is refused."""
    options = {name: value for name, value in case.options.items() if name != "encoded"}
    if "correction_window" in options:
        options["correction_window"] = int(str(options["correction_window"])) * 60_000_000
    return Engine(book(case.policy), Options(pace=case.pace, **options))  # type: ignore[arg-type]


def play(case: Case) -> list[str]:
    """Everything that the core says and refuses, and counts where the case speaks of counts."""
    try:
        engine = begin(case)
    except PolicyErrors as error:
        return [f"!refused {problem.field}" for problem in error.problems]
    lines: list[str] = []
    now = at(-(10**9))
    for step in case.steps:
        said, refused, before = len(engine.said), len(engine.refusals), engine.counts.copy()
        passed_on = len(engine.relays)
        now = max(now, at(float(step.split()[0]), case.shift))
        try:
            unread = take_step(engine, case, step, now)
        except PolicyVanished:
            return [*lines, "!policy_vanished"]
        lines += [f"!{unread}"] if unread else []
        lines += [render(outcome, case, engine.said) for outcome in engine.said[said:]]
        if "relays" in case.show:
            lines += [render_relay(relay, case) for relay in engine.relays[passed_on:]]
        lines += [f"!{one.reason}" + " dropped" * (not one.dead) for one in engine.refusals[refused:]]
        if any(line.startswith("counted") for line in case.expected):
            lines += [f"counted {name}" for name in sorted((engine.counts - before).elements())]
    ids = [outcome.id for outcome in engine.said]
    assert len(ids) == len(set(ids)), "each is said under an id of its own"
    return lines


def take_step(engine: Engine, case: Case, step: str, now: Instant) -> str:
    """Take one step, time being `now` by then; why the contract refused its event, empty where it did not."""
    verb = step.split()[1]
    if verb == "reload":
        engine.tick_until(now)
        engine.restart(book(case.later))
        return ""
    behind = _BEHIND.search(step)
    if behind:
        step = _BEHIND.sub("", step)
        engine.tick_until(now, at(float(behind[1]), case.shift), behind[2] is not None)
    elif verb == "now" or not case.options.get("event_time"):
        engine.tick_until(now)
    if verb == "now":
        return ""
    given = read_for(engine, step, case.shift)
    if case.options.get("encoded"):
        read = _through_the_contract(given)
        if isinstance(read, Unreadable):
            return read.reason
        given = read
    engine.take(given)
    return ""


def read_for(engine: Engine, step: str, shift: int) -> Fact:
    """The fact of a step. An occurrence is of an escalation that pins the first policy."""
    given = read_fact(step, shift)
    if given.kind != OCCURRENCE:
        return given
    pinned = engine.book.policies[0]
    policy: Value = {"name": pinned.name, "version": pinned.version, "hash": pinned.hash}
    return replace(given, data={"severity": "P1", **given.data, "policy": policy})


def _through_the_contract(given: Fact) -> Fact | Unreadable:
    """The fact as the contract reads the event that says it."""
    event = {
        "specversion": "1.0",
        "type": f"ticket.{given.kind}.v1",
        "source": given.source,
        "id": given.id,
        "subject": SUBJECT,
        "time": format_instant(given.at),
        "recordedtime": format_instant(given.recorded),
        "data": {"title": "Mail is down", **given.data} if given.kind == "opened" else given.data,
    }
    read = read_line(json.dumps(event).encode())
    return read if isinstance(read, Unreadable) else read.fact


def read_fact(step: str, shift: int = 0) -> Fact:
    """The fact of a step; `shift` is from Monday at 10:00 UTC to minute 0."""
    minute, verb, *words = step.split()
    data: dict[str, Value] = {}
    marks: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            data[name] = _value(value, shift)
        elif verb in RELAYS and word == "withdrawn":
            data["withdrawn"] = True
        elif verb in RELAYS and word[0] == "v":
            data["version"] = int(word[1:])
        elif word[0] in ":/^":
            marks[word[0]] = word[1:]
        elif verb in _MAIN:
            data[_MAIN[verb]] = _value(word, shift)
    if verb in RELAYS:
        data.setdefault("version", 1)
    if verb.startswith("message"):
        data["public"] = "internal" not in words
    if verb == "rebased":
        name, *begins = [word for word in words if word[0] not in ":/^" and "=" not in word]
        data["policy"] = name
        data["version"] = format_instant(at(float(begins[0]))) if begins else FIRST_VERSION
    if verb.startswith("role"):
        data["role"], data["person"] = words[:2]
    return fact(
        verb,
        float(minute),
        shift=shift,
        id=marks.get(":", ""),
        sequence=marks.get("/", ""),
        recorded=float(marks["^"]) if "^" in marks else None,
        **data,  # type: ignore[arg-type]  # no field is called as the keywords are
    )


def _value(text: str, shift: int) -> Value:
    if text.startswith("@"):
        return int(at(float(text[1:]), shift))
    if text.startswith("{"):
        pairs = (pair.partition(":") for pair in text[1:-1].split(","))
        return {name: _value(value, shift) for name, _, value in pairs}
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if text.isdecimal() else text


def render_relay(relay: Relay, case: Case) -> str:
    """What is passed on: minute, kind, to whom, what it says, the version from 2 on."""
    given = relay.fact
    words = [f"{minutes(given.at, case.shift):g}", given.kind, "->", relay.target]
    for name in ("contact_at", "next_update_at"):
        if (said := given.instant(name)) is not None:
            words.append(f"{name}=@{minutes(said, case.shift):g}")
    if given.data.get("answered") is True:
        words.append("answered")
    if version(given) != 1:
        words.append(f"v{version(given)}")
    if is_withdrawn(given):
        words.append("withdrawn")
    return " ".join(words)


def _classified(o: Outcome, said: Classification, case: Case) -> list[str]:
    words = [said.severity or "undecided"]
    if said.unknown:
        words.append(f"unless {','.join(said.unknown)}")
    if said.disagrees:
        words.append(f"but {o.severity}")
    if "inputs" in case.show:
        words += [f"{name}={value}" for name, value in said.inputs]
    return words


def render(o: Outcome, case: Case, said: Iterable[Outcome] = ()) -> str:
    """An outcome in the notation, with what the case asks to show; `said`: all, for what is corrected."""
    words = [f"{minutes(o.effective_at, case.shift):g}", f"{o.name} {o.outcome}".strip(), o.metric]
    if o.key:
        words[-1] += f"/{o.key}"
    if o.cycle != 1:
        words.append(f"#{o.cycle}")
    if o.due_at is not None:
        words.append(f"due {minutes(o.due_at, case.shift):g}")
    if o.threshold:
        words.append(o.threshold)
    if o.in_a_row:
        words.append(f"x{o.in_a_row}")
    if o.classification is not None:
        words += _classified(o, o.classification, case)
    if o.members:
        words.append(f"of {','.join(o.members)}")
    if o.reason:
        words.append(f"({o.reason})")
    if o.credit_percent is not None:
        words.append(f"owes {o.credit_percent:g}%")
    if o.notify:
        words.append(f"-> {','.join(o.notify)}")
    if o.people:
        words.append(f"{','.join(o.people)}, {o.at_most} at most")
    if o.caused_by:
        words.append(f"by {o.caused_by}")
    if o.provisional:
        words.append("provisional")
    if "elapsed" in case.show:
        words.append(f"elapsed {o.elapsed / MINUTE:g}")
    if "target" in case.show and o.target is not None:
        words.append(f"target {o.target / MINUTE:g}")
    if "proof" in case.show and o.versions is not None:
        versions = (o.versions.calendar_version, o.versions.tzdata, o.versions.holidays)
        words.append(f"proof {o.versions.calendar or 'always'}{'+versions' if all(versions) else ''}")
    if "chance" in case.show and o.probability is not None:
        words.append(f"chance {o.probability:g} of {o.cases}")
    if "policy" in case.show:
        begins = o.policy.version
        words.append(o.policy.name if begins == FIRST_VERSION else f"{o.policy.name}@{begins[11:16]}")
    if "severity" in case.show:
        words.append(o.severity)
    if "seq" in case.show:
        words.append(f"seq {o.seq}")
    if "corrects" in case.show and o.corrects:
        words.append(f"corrects {next(other.seq for other in said if other.id == o.corrects)}")
    return " ".join(words)
