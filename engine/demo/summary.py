"""What came of the demo, in a few lines: how much was said of what, and how to go on."""

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rich.text import Text

from engine.demo.stage import Stage
from engine.demo.words import outcome_sign

_ROWS = (
    ("!", "red", ("breached", "cadence_missed", "commitment_missed", "stopped_late", "overdue")),
    ("^", "yellow", ("breach_risk", "escalated")),
    ("+", "green", ("met",)),
)
_COUNTED = tuple(name for _, _, names in _ROWS for name in names)


class Summary(NamedTuple):
    events: int
    escalations: int
    counts: Mapping[tuple[str, str], int]
    """(outcome, metric) → how many."""
    seconds: float
    first_after: float | None
    dead_letters: list[str]
    transactions: bool

    @property
    def outcomes(self) -> int:
        return sum(self.counts.values())


def summary_of(stage: Stage) -> Summary:
    """The stage's figures at this moment."""
    return Summary(
        events=stage.feed.sent,
        escalations=len(stage.listener.subjects),
        counts=dict(stage.counts),
        seconds=stage.seconds(),
        first_after=stage.first_after,
        dead_letters=list(stage.listener.dead_letters),
        transactions=stage.broker.transactions,
    )


def lines(summary: Summary) -> list[Text]:
    """The whole summary; its last lines say how to go on."""
    after = "" if summary.first_after is None else f"; the first {summary.first_after:.0f} s after the start"
    told = [
        Text(
            f" Vigil said {summary.outcomes:,} things about {summary.escalations:,} escalations "
            f"({_events(summary.events)}) in {summary.seconds:.0f} s{after}.",
            "bold",
        )
    ]
    others = tuple(sorted({name for name, _ in summary.counts} - set(_COUNTED)))
    for sign, style, names in (*_ROWS, ("-", "", others)):
        parts = _parts(summary.counts, names)
        if parts:
            told.append(Text(f"   {sign} ", style).append("   ".join(parts), "default"))
    if summary.dead_letters:
        told.append(
            Text(
                f"   {_events(len(summary.dead_letters))} could not be taken: {summary.dead_letters[0]}",
                "red",
            )
        )
    if not summary.transactions:
        told.append(
            Text("   This broker has no transactions: an outcome may have come twice, with the same id.")
        )
    return [*told, Text(), *_how_to_go_on()]


def _parts(counts: Mapping[tuple[str, str], int], names: tuple[str, ...]) -> list[str]:
    """`7 breached`, `3 updates missed`, `1 promise missed`, in the order of `names`."""
    by_words: Counter[tuple[str, str]] = Counter()
    for (name, metric), count in sorted(counts.items(), key=lambda item: _place(item[0], names)):
        if name in names:
            by_words[_words(name, metric)] += count
    return [f"{count:,} {one if count == 1 else more}" for (one, more), count in by_words.items()]


def _place(counted: tuple[str, str], names: tuple[str, ...]) -> tuple[int, bool]:
    name, metric = counted
    return names.index(name) if name in names else len(names), metric == "commitment"


def _words(name: str, metric: str) -> tuple[str, str]:
    """For one, and for more."""
    if name == "cadence_missed":
        return "update missed", "updates missed"
    if name == "commitment_missed":
        return "promise missed", "promises missed"
    if name == "met" and metric == "commitment":
        return "promise kept", "promises kept"
    word = outcome_sign(name, metric).word
    return word, word


def _how_to_go_on() -> list[Text]:
    activate = Path(sys.prefix, "bin", "activate")
    is_found = shutil.which("vigil") is not None or not activate.is_file()  # `make demo` puts it into .venv
    return [
        Text(" How to go on", "bold"),
        *([] if is_found else [Text(f"   source {_from_here(activate)}")]),
        Text("   vigil demo --keep                            the page of the board stays up"),
        Text("   vigil demo --data events.jsonl               your own events, played in a minute"),
        Text("   vigil replay events.jsonl --policies DIR     the same verdicts without Kafka"),
        Text("   vigil policy lint DIR                        what you owe, as files"),
        Text("   vigil topics create; vigil worker            on your own broker"),
    ]


def _from_here(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number:,} events"
