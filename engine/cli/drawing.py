"""Two sides of verdicts side by side, for people: sums, kinds of change, who is affected, examples."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from engine.cli.comparison import DAY, Labels
from engine.cli.output import table
from engine.core.instants import Instant, format_instant, words
from engine.core.outcomes import Outcome
from engine.replay.backtesting import Owed
from engine.replay.changes import TIMES, Cause, Change, verdict_words
from engine.replay.summing import Sums
from engine.replay.tally import Cell, rows_of


def many(number: int, one: str, several: str) -> str:
    """`1 clock`, `1,200 clocks`."""
    return f"{number:,} {one if number == 1 else several}"


def draw_sums(console: Console, title: str, sums: Sums, labels: Labels) -> None:
    """What each side says, where the numbers differ."""
    said = sums.said()
    rows = [
        (metric, severity, name.replace("_", " "), left, right, f"{right - left:+,}")
        for metric, severity, name, left, right in said
        if left != right
    ]
    same = len(said) - len(rows)
    if rows:
        columns = ("metric", "severity", "outcome", labels.left, labels.right, "change")
        console.print(table(title, columns, rows))
    if same:
        line = "line is" if same == 1 else "lines are"
        left_out = (
            f"{same} {line} left out: equal on both sides" if rows else f"{title}: the same on both sides"
        )
        console.print(left_out, style="dim")
    console.print()


def draw_kinds(console: Console, sums: Sums, labels: Labels, owed: Owed, at_most: int) -> None:
    """From which verdict to which, and how often."""
    kinds = sorted(sums.kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = [
        (
            metric,
            severity,
            verdict_words(left, owed=metric not in owed.only_right),
            verdict_words(right, owed=metric not in owed.only_left),
            number,
        )
        for (metric, severity, left, right), number in kinds[:at_most]
    ]
    if rows:
        title = many(sums.changed, "clock has another verdict", "clocks have another verdict")
        console.print(table(title, ("metric", "severity", labels.left, labels.right, "clocks"), rows))
        _more(console, len(kinds) - at_most, "kind", "kinds")
        console.print()
    draw_moved(console, sums)


def draw_moved(console: Console, sums: Sums) -> None:
    """How many clocks differ in their figures alone."""
    fields: Counter[str] = Counter()
    for (_, _, field), number in sums.moved.items():
        fields[field] += number
    if fields:
        named = ", ".join(f"{field.replace('_', ' ')} {number:,}" for field, number in fields.most_common())
        text = many(fields.total(), "clock keeps its verdict", "clocks keep their verdict")
        console.print(f"{text} with other figures ({named})\n")


def draw_affected(console: Console, sums: Sums, labels: Labels, at_most: int) -> None:
    """For whom: the most affected customers and teams."""
    for what, affected in (("customer", sums.customers), ("team", sums.teams)):
        if affected:
            columns = (what, "clocks", f"missed {labels.left}", f"missed {labels.right}")
            shown = f"{min(at_most, len(affected))} of {len(affected):,}"
            title = f"{what.capitalize()}s with most of these clocks ({shown})"
            console.print(table(title, columns, affected[:at_most]))
            console.print()


def draw_examples(console: Console, sums: Sums, labels: Labels, at_most: int) -> None:
    """Of each kind of change the first clock, both sides."""
    kinds = sorted(sums.kinds, key=lambda kind: (-sums.kinds[kind], kind))[:at_most]
    if kinds:
        console.print(Text("An example of each", style="bold"))
        for kind in kinds:
            draw_change(console, sums.examples[kind], labels)
        console.print()


def draw_change(console: Console, change: Change, labels: Labels) -> None:
    """One clock: who and what, then a line for each verdict of each side, then the cause."""
    subject, metric, key, cycle = change.clock
    who = change.who
    told = ", ".join(filter(None, (who.customer_id, who.team)))
    which = f" {key}" if key else ""
    again = f", cycle {cycle}" if cycle > 1 else ""
    named = f"  {subject}  {metric}{which} {who.severity}{again}"
    console.print(Text.assemble(named, (f"  {told}" if told else "", "dim")))
    width = max(map(len, labels))
    for label, side in zip(labels, (change.left, change.right), strict=True):
        for number, line in enumerate(_lines(side)):
            console.print(Text(f"    {label if number == 0 else '':<{width}}  {line}"))
    for text in _others(change):
        console.print(Text(f"    {'also':<{width}}  {text}"))
    if change.cause is not None:
        console.print(Text(f"    {'because of':<{width}}  {_because(change.cause)}"))


def _others(change: Change) -> Iterator[str]:
    """What else than the times differs where the verdict is the same."""
    if change.is_verdict:
        return
    for name in change.figures:
        if name not in TIMES:
            pairs = zip(change.left, change.right, strict=True)
            values = ((getattr(left, name), getattr(right, name)) for left, right in pairs)
            left, right = next((left, right) for left, right in values if left != right)
            yield f"{name.replace('_', ' ')}: {left or '—'} → {right or '—'}"


def _because(cause: Cause) -> str:
    if not cause.event:
        return f"what became known {_stamp(cause.known_at)}; no correction names the event"
    happened = f" of {_stamp(cause.at)}" if cause.at is not None else ""
    return f"{cause.kind} {cause.event}{happened}, known {_stamp(cause.known_at)}".lstrip()


def draw_said(console: Console, title: str, said: Counter[Cell]) -> None:
    """What one side says, by metric and severity."""
    columns, rows = rows_of(said)
    console.print(table(title, columns, rows) if rows else f"{title}: nothing")


def draw_answers(console: Console, sums: Sums, first: list[Change], day: Instant) -> None:
    """The verdicts of both answers, then the first of their differences with what caused each."""
    rows = [
        (metric, severity, name.replace("_", " "), left, right, f"{right - left:+,}" if left != right else "")
        for metric, severity, name, left, right in sums.said()
    ]
    title = f"Verdicts up to {format_instant(day)}"
    columns = ("metric", "severity", "verdict", *DAY, "change")
    console.print(table(title, columns, rows) if rows else f"{title}: none")
    console.print()
    total = sums.changed + sums.moved.total()
    if total == 0:
        console.print("both answers are the same")
        return
    told = many(sums.changed, "clock has another verdict", "clocks have another verdict")
    if moved := sums.moved.total():
        told += f", {many(moved, 'keeps its verdict', 'keep their verdict')} with other figures"
    console.print(Text(told, style="bold"))
    for change in first:
        draw_change(console, change, DAY)
    if total > len(first):
        text = f"… and {total - len(first):,} more: --top shows them, --differences FILE writes all"
        console.print(text, style="dim")


def _lines(side: tuple[Outcome, ...]) -> Iterator[str]:
    if not side:
        yield "—"
    shown = side if len(side) <= 4 else (*side[:2], side[-1])
    for one in shown:
        if len(side) > 4 and one is side[-1]:
            yield f"… {len(side) - 3} more"
        target = f" of {words(one.target, days=False)}" if one.target is not None else ""
        due = f"  due {_stamp(one.due_at)}" if one.due_at is not None else ""
        name = one.name.replace("_", " ")
        elapsed = words(one.elapsed, days=False)
        reason = f"  ({one.reason})" if one.reason else ""
        yield f"{name:<14} {_stamp(one.effective_at)}{due}  after {elapsed}{target}{reason}"


def _stamp(at: Instant) -> str:
    """`2026-03-02 09:00Z`, with seconds only where there are some."""
    text = format_instant(at).replace("T", " ")
    return text.replace(":00Z", "Z") if text.endswith(":00Z") else text


def _more(console: Console, number: int, one: str, several: str) -> None:
    if number > 0:
        text = f"… and {many(number, one, several)} more: --top shows them, --json lists all"
        console.print(text, style="dim")
