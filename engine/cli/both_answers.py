"""`vigil replay --as-of TIME --compare`: as reported on a day, beside what is now known of that time."""

from pathlib import Path

from engine.cli.comparison import DAY, Shown, answers_in_json
from engine.cli.drawing import draw_answers, many
from engine.cli.inputs import file_lines, hearing
from engine.cli.output import page, progress, say, say_json
from engine.contract.codec import read_line
from engine.core.decide import Options
from engine.core.instants import Instant, format_instant
from engine.policies import load
from engine.replay.as_of import AsOf


def show_both(
    events: list[str],
    policies: Path,
    day: Instant,
    options: Options,
    differences: str | None,
    top: int,
    json: bool,
) -> tuple[bool, int]:
    """Whether the answers differ, and how many lines could not be read."""
    book = load(policies)
    shown = Shown(DAY, top, differences)
    with progress("judging", lambda: both.counts.to_judge) as judged:
        both = AsOf(book, day, options, hearing(judged))
        shown.take(both.run((place, read_line(line)) for place, line in file_lines(events)))
    if both.counts.events and not both.counts.recorded_apart:
        say("no event has a recordedtime: the order of lines is taken as the order of arrival")
    if json:
        say_json({**_summary(both, day), **answers_in_json(both.sums, shown.first)})
    else:
        _draw(both, day, shown)
    return bool(both.sums.changed or both.sums.moved), both.counts.rejected


def _summary(both: AsOf, day: Instant) -> dict[str, object]:
    counts = both.counts
    return {
        "as_of": format_instant(day),
        "events": counts.events,
        "escalations": len(counts.subjects),
        "recorded_later": both.late,
        "after_as_of": counts.after_until,
        "ignored": dict(sorted(counts.ignored.items())),
        "unknown_fields": dict(sorted(counts.unknown_fields.items())),
        "unreadable": counts.rejected,
    }


def _draw(both: AsOf, day: Instant, shown: Shown) -> None:
    counts = both.counts
    for reason, number in {**counts.ignored, "unreadable": counts.rejected}.items():
        if number:
            say(f"{reason.replace('_', ' ')}: {number:,}")
    console = page()
    escalations = many(len(counts.subjects), "escalation", "escalations")
    console.print(
        f"{many(counts.events, 'event', 'events')} of {escalations}; {both.late:,} happened by then "
        f"and were recorded later, {counts.after_until:,} happened later"
    )
    console.print()
    draw_answers(console, both.sums, shown.first, day)
