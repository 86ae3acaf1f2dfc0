"""An explanation in the terminal: each verdict, the way to it, and whether it was recomputed."""

from collections.abc import Mapping
from datetime import tzinfo
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from engine.cli.rows import Rows
from engine.core import attributes as attrs
from engine.core import state
from engine.core.instants import NEVER, SECOND, Instant, Span, format_instant, to_datetime
from engine.core.outcomes import Outcome
from engine.core.policy import Book, Calendar
from engine.core.view import ClockView
from engine.demo.words import STATES, outcome_sign
from engine.documents.obligations import texts_of
from engine.documents.way import clock_length, hands_of, margin, rows_of
from engine.documents.words import length, owed, was_owed
from engine.replay.explaining import (
    CHECK_WORDS,
    DIFFERS,
    EQUAL,
    RIGHT,
    SAME,
    UNCHECKED,
    WRONG,
    Checked,
    Explanation,
)

_WIDTH = 60
_ROWS_AT_MOST = 14
_CHECK_SIGNS = {EQUAL: ("+ ", "green"), SAME: ("+ ", "green"), UNCHECKED: ("", "dim")}
_WRONG_SIGN = ("! ", "red")


def draw(console: Console, explained: Explanation, book: Book, *, in_full: bool) -> None:
    """What runs, then the verdicts: a line each, or each with the way to it."""
    _draw_head(console, explained)
    for clock in explained.running:
        console.print(_running(clock, explained.seen))
    if in_full:
        texts = texts_of(explained.facts)
        for one in explained.verdicts:
            console.print()
            _draw_verdict(console, one, book, texts)
    elif explained.verdicts:
        console.print()
        console.print(_overview(explained, book))
    _draw_corrections(console, explained)
    console.print()
    _draw_sum(console, explained)


def _overview(explained: Explanation, book: Book) -> Rows:
    drawn = Rows(("Effective", "Verdict", "What was owed", "Sev", "How", "Check"))
    texts = texts_of(explained.facts)
    for one in explained.verdicts:
        o = one.verdict
        sign = outcome_sign(o.name, o.metric)
        calendar = book.calendars.get(o.versions.calendar if o.versions else "")
        check = one.check.replace("_", " ")
        drawn.add(
            _with_zone(o.effective_at, _zone(calendar)),
            Text(f"{sign.sign} {sign.word}", style=sign.style),
            _named(o, texts),
            o.severity,
            margin(o, calendar).rpartition(", ")[2],
            Text(check, style=_CHECK_SIGNS.get(one.check, _WRONG_SIGN)[1]),
        )
    return drawn


def _named(o: Outcome, texts: Mapping[str, str]) -> str:
    cycle = f" #{o.cycle}" if o.cycle > 1 else ""
    return f"{was_owed(o.metric, o.key, texts.get(o.key, ''))}{cycle}"


def _draw_head(console: Console, explained: Explanation) -> None:
    if explained.record is None:
        console.print(Text(f"{explained.subject}: not opened", style="bold"))
        return
    escalation, _ = state.decode(explained.record)
    a = escalation.attributes
    title = attrs.text(a, "title") or "(no title)"
    console.print(Text(f"{escalation.severity or '-'}  {title}", style="bold"), end="")
    console.print(f"   {explained.subject}")
    customer = attrs.text(a, "customer_name") or attrs.text(a, "customer")
    tier = attrs.text(a, "tier")
    parts = [
        f"{customer}, {tier} tier" if customer and tier else customer,
        f"owner {attrs.text(a, 'owner')}" if attrs.text(a, "owner") else "",
        f"opened {_second(escalation.opened)}",
        f"policy {escalation.policy} of {escalation.policy_version} ({escalation.policy_hash})"
        if escalation.policy
        else "no policy applies",
    ]
    console.print("   ".join(part for part in parts if part), style="dim")
    severity, because, disagrees = escalation.classified
    if severity:
        held = f"; {escalation.severity}, which was stated, holds" if disagrees else ""
        console.print(
            f"by the rules {severity}{f', because: {because}' if because else ''}{held}", style="dim"
        )


def _running(clock: ClockView, seen: Instant) -> Text:
    sign = STATES[clock.state]
    when = "paused" if clock.due_at is None else f"due {_second(clock.due_at)}"
    is_over = clock.left < 0
    left = clock.left if clock.state in ("paused", "closed") else Span(clock.left + seen % SECOND)
    told = f"over by {length(left)}" if is_over else f"{length(left)} left"
    name = owed(clock.metric, clock.key, clock.text)
    return Text.assemble(
        (f"{sign.sign} {sign.word}", sign.style), f"  {name}: {told} at {_second(seen)}, {when}"
    )


# -- one verdict ----------------------------------------------------------------------------------


def _draw_verdict(console: Console, one: Checked, book: Book, texts: Mapping[str, str]) -> None:
    o = one.verdict
    calendar = book.calendars.get(o.versions.calendar if o.versions else "")
    zone = _zone(calendar)
    sign = outcome_sign(o.name, o.metric)
    console.print(
        Text.assemble(
            (f"{sign.sign} {sign.word}", sign.style), (f"  {_named(o, texts)}", "bold"),
            f"  {o.severity}  {margin(o, calendar)}".rstrip(),
        )
    )  # fmt: skip
    if o.segments:
        console.print(f"   {_strip(o, book)}")
        console.print(_table(o, book, zone))
        for line in hands_of(o):
            console.print(f"   {line}", style="dim")
    _draw_proof(console, o, zone)
    mark, style = _CHECK_SIGNS.get(one.check, _WRONG_SIGN)
    console.print(f"   {mark}{CHECK_WORDS[one.check]}", style=style)
    if one.check == DIFFERS and one.said is not None:
        for name in one.fields:
            console.print(
                f"     {name}: said {_plain(one.said, name)}, follows {_plain(o, name)}", style="red"
            )


def _strip(o: Outcome, book: Book) -> Text:
    """The way to the verdict as a line of signs: what ran, stood still, was closed, and was over."""
    first, last = o.segments[0].start, o.segments[-1].end
    due = o.due_at if o.due_at is not None else NEVER
    rows = list(rows_of(o, book))
    line = Text()
    place = 0
    for column in range(_WIDTH):
        at = Instant(first + (last - first) * (2 * column + 1) // (2 * _WIDTH))
        while place + 1 < len(rows) and rows[place].end <= at:
            place += 1
        shown = rows[place].state
        if shown == "running":
            line.append("█", style="red" if at >= due else "green")
        else:
            line.append("·" if shown == "closed" else "░", style="dim")
    return line


def _table(o: Outcome, book: Book, zone: tzinfo) -> Rows:
    drawn = Rows(("   From", "To", "State", "Because", "Counted", "Total"), right=(4, 5))
    total = Span(0)
    rows = list(rows_of(o, book))
    left_out = rows[_ROWS_AT_MOST // 2 : -(_ROWS_AT_MOST // 2)] if len(rows) > _ROWS_AT_MOST else []
    for row in rows:
        total = Span(total + row.counted)
        if left_out and row is left_out[-1]:
            counted = clock_length(Span(sum(one.counted for one in left_out)))
            drawn.add("   …", "", "", f"{len(left_out)} more", counted, clock_length(total), style="dim")
        if row in left_out:
            continue
        drawn.add(
            f"   {_time(row.start, zone)}", _time(row.end, zone), row.state, row.because,
            clock_length(row.counted), clock_length(total), style="" if row.state == "running" else "dim",
        )  # fmt: skip
    if o.target is not None:
        drawn.add("", "", "", "", "allowed", clock_length(o.target))
    return drawn


def _draw_proof(console: Console, o: Outcome, zone: tzinfo) -> None:
    due = "" if o.due_at is None else f"due {_time(o.due_at, zone)}   "
    told = f"   {due}effective {_with_zone(o.effective_at, zone)}"
    console.print(told)
    versions = o.versions
    if versions is not None and versions.calendar:
        holidays = f"   holidays {versions.holidays}" if versions.holidays else ""
        calendar = f"calendar {versions.calendar} ({versions.calendar_version})"
        console.print(f"   {calendar}   time zones {versions.tzdata}{holidays}", style="dim")
    if o.hash:
        console.print(f"   hash {o.hash}", style="dim")


def _draw_corrections(console: Console, explained: Explanation) -> None:
    if not explained.corrections:
        return
    console.print()
    console.print("Corrections", style="bold")
    for one in explained.corrections:
        console.print(
            f"   {one.name} {was_owed(one.metric, one.key)}, {one.outcome.replace('_', ' ')} at "
            f"{_second(one.effective_at)}: found at {_second(one.detected_at)}, "
            f"because of event {one.caused_by}"
        )


def _draw_sum(console: Console, explained: Explanation) -> None:
    count = len(explained.verdicts)
    verdicts = "1 verdict" if count == 1 else f"{count:,} verdicts"
    wrong = sum(one.check in WRONG for one in explained.verdicts)
    equal = sum(one.check in RIGHT for one in explained.verdicts)
    events = "1 event" if len(explained.facts) == 1 else f"{len(explained.facts):,} events"
    facts = f"{events} up to {_second(explained.until)}"
    if not count:
        console.print(f"No verdict yet, of {facts}.")
    elif not wrong and not equal:
        console.print(f"{verdicts} computed from {facts}.")
    else:
        style = "red" if wrong else "green"
        console.print(f"{verdicts} recomputed from {facts}: {equal} equal, {wrong} not.", style=style)


# -- words ----------------------------------------------------------------------------------------


def _zone(calendar: Calendar | None) -> tzinfo:
    """Times are told as the calendar's clocks show them; around the clock, in UTC."""
    return ZoneInfo(calendar.zone if calendar else "UTC")


def _with_zone(at: Instant, zone: tzinfo) -> str:
    """`Thu 12 Nov 14:20:00 CET`."""
    return f"{_time(at, zone)} {to_datetime(at).astimezone(zone).tzname() or ''}".rstrip()


def _time(at: Instant, zone: tzinfo) -> str:
    """`Thu 12 Nov 14:20:00`: the year stands where the escalation was opened."""
    moment = to_datetime(at).astimezone(zone)
    return f"{moment:%a} {moment.day} {moment:%b %H:%M:%S}"


def _second(at: Instant) -> str:
    """In UTC, as `2026-11-02T09:00:00Z`: what is shorter than a second is in the JSON."""
    return format_instant(Instant(at - at % SECOND))


def _plain(o: Outcome, name: str) -> str:
    value = getattr(o, name)
    if name.endswith("_at"):
        return "nothing" if value is None else format_instant(value)
    if name in ("elapsed", "elapsed_calendar", "target"):
        return "nothing" if value is None else clock_length(value)
    if name == "segments":
        return f"{len(value)} segments"
    return repr(value)
