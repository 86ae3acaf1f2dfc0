"""Writes docs/github-status.md and docs/images/github-cadence.svg: did GitHub's status page keep a cadence?

    python docs/scripts/github_status.py github_status_incidents.jsonl.gz [--policies deploy/policies-github]

The log is that of github.com/mrshu/github-statuses (MIT). Updates are events, and a policy says how often
they should come; what was missed is what the engine says, nothing is counted here but its outcomes.
"""

import argparse
import math
from collections import Counter
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import orjson

from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import MINUTE, NEVER, Instant, to_datetime
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.recurrence import is_pattern
from engine.policies import load
from engine.replay.files import read_lines
from engine.replay.gather import Counts, by_subject, receive
from engine.replay.importers.github_status import convert
from engine.replay.judging import Bench
from engine.replay.relaying import Relaying
from engine.replay.sorting import Sorter

DOCS = Path(__file__).parents[1]
NAMES = {"P0": "critical", "P1": "major", "P2": "minor"}


class Silence(NamedTuple):
    """The time between two updates, and how many promised ones did not come in it."""

    subject: str
    severity: str
    start: Instant
    minutes: float
    missed: int


class Judged(NamedTuple):
    incidents: Counter[str]
    """By severity."""
    silences: list[Silence]
    met: Counter[str]
    """Intervals that were kept, by severity."""


def judge(path: str, book: Book) -> Judged:
    """Replay the log, and pair each silence with the misses that the engine says of it."""
    notes: list[object] = []
    events = list(convert(read_lines(path), notes.append))
    counts = Counts()
    lines = ((event.id, event.line()) for event in events)
    judged = Judged(Counter(), [], Counter())
    bench = Bench(book, Options(), lambda *_: None)
    relaying = Relaying(book, Options(), lambda: counts.newest or NEVER)
    with Sorter(tuple[str, int]) as sorter:
        for subject, facts, _ in by_subject(receive(lines, counts, lambda _: None), sorter, relaying):
            if is_pattern(subject):
                continue
            said = bench.judge(subject, facts, counts.newest or NEVER)
            _pair(subject, facts, [one for one in said if one.metric == "customer_update"], judged)
    return judged


def _pair(subject: str, facts: list[Fact], outcomes: list[Outcome], judged: Judged) -> None:
    severity = next(fact.text("severity") for fact in facts if fact.kind == "opened")
    judged.incidents[severity] += 1
    judged.met[severity] += sum(one.name == "met" for one in outcomes)
    misses = [one.effective_at for one in outcomes if one.name == "cadence_missed"]
    updates = sorted({fact.at for fact in facts if fact.kind == "update_published"})
    for start, end in pairwise(updates):
        missed = sum(start < at < end for at in misses)
        judged.silences.append(Silence(subject, severity, start, (end - start) / MINUTE, missed))


def promises(book: Book) -> dict[str, float]:
    """Minutes between updates, by severity."""
    [cadence] = [c for c in book.policies[0].cadences if c.audience == "customer"]
    return {severity: target.budget / MINUTE for severity, target in cadence.every.items()}


# -- the page -------------------------------------------------------------------------------------


def page(judged: Judged, promised: dict[str, float], about: dict[str, tuple[str, str]], policy: str) -> str:
    worst = sorted((s for s in judged.silences if s.missed), key=lambda s: (-s.missed, -s.minutes, s.start))
    rows = [_row(severity, judged, promised) for severity in NAMES]
    top = [
        f"| {to_datetime(s.start):%Y-%m-%d %H:%M} | {NAMES[s.severity]} | {_span(s.minutes)} | {s.missed} "
        f"| [{_cell(about[s.subject][0])}]({about[s.subject][1]}) |"
        for s in worst[:20]
    ]
    total = sum(s.missed for s in worst)
    return f"""# How often did GitHub's status page speak?

{sum(judged.incidents.values())} incidents of GitHub's public status page, 2022-03 to 2025-06
([mrshu/github-statuses](https://github.com/mrshu/github-statuses), MIT), played through Vigil with the
cadence of [`{policy}`](../{policy}).
The intervals are that file's, not GitHub's: nobody promised them. Change them and look again:

```console
$ vigil import github-status github_status_incidents.jsonl.gz -o github.jsonl
$ vigil replay github.jsonl --policies {policy} -o outcomes.jsonl
$ python docs/scripts/github_status.py github_status_incidents.jsonl.gz
```

![Every silence between two updates; those longer than the interval are marked](images/github-cadence.svg)

A dot is the silence between two updates of an incident. Where it is longer than the interval, Vigil says one
`cadence_missed` for each interval that passed: {total} in {len(worst)} silences.

| impact | severity | incidents | interval | updates in time | long silences | intervals missed | longest |
|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

## The longest

| silent from (UTC) | impact | silence | intervals missed | incident |
|---|---|---|---|---|
{chr(10).join(top)}

The log's times are whole minutes. Maintenance and incidents without impact are P3, which owes no updates.
"""


def _row(severity: str, judged: Judged, promised: dict[str, float]) -> str:
    silences = [s for s in judged.silences if s.severity == severity]
    late = [s for s in silences if s.missed]
    longest = max((s.minutes for s in silences), default=0)
    return (
        f"| {NAMES[severity]} | {severity} | {judged.incidents[severity]} | {_span(promised[severity])} "
        f"| {judged.met[severity]} | {len(late)} | {sum(s.missed for s in late)} | {_span(longest)} |"
    )


def _span(minutes: float) -> str:
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d} min" if rest else f"{hours} h"


def _incidents(number: int) -> str:
    return "1 incident" if number == 1 else f"{number} incidents"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("[", "(").replace("]", ")")


# -- the picture ----------------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, TOP, BAND, GAP = 920, 160, 30, 64, 96, 34
LONGEST = 24 * 60
TICKS = (1, 2, 5, 10, 30, 60, 120, 240, 480, 1440)

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.soft { fill: #59636e } .grid { stroke: #d1d9e0 } .band { fill: #f6f8fa }
.kept { fill: #0969da; fill-opacity: .38 } .late { fill: #cf222e }
.promise { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .soft { fill: #9198a1 } .grid { stroke: #3d444d } .band { fill: #151b23 }
.page { fill: #0d1117 } .kept { fill: #4493f8; fill-opacity: .45 } .late { fill: #ff7b72 }
.promise { stroke: #f0f6fc } }
"""


def picture(judged: Judged, promised: dict[str, float]) -> str:
    """Plain SVG: a band a severity, a dot a silence, on a logarithmic scale of minutes."""
    height = TOP + len(NAMES) * (BAND + GAP) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="Silences between updates of GitHub status incidents, by severity">',
        f"<style>.page {{ fill: #ffffff }}{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
        '<text class="title" x="20" y="30">Silences between two updates of an incident</text>',
        f'<circle class="kept" cx="{WIDTH - 262}" cy="25" r="4"/>',
        f'<text class="soft" x="{WIDTH - 252}" y="30">in time</text>',
        f'<circle class="late" cx="{WIDTH - 182}" cy="25" r="4.5"/>',
        f'<text class="soft" x="{WIDTH - 172}" y="30">longer than the interval</text>',
    ]
    bottom = height - 34
    for row, severity in enumerate(NAMES):
        parts += _band(severity, TOP + row * (BAND + GAP), judged, promised[severity])
    parts += _axis(bottom)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(minutes: float) -> float:
    share = math.log(max(minutes, 1)) / math.log(LONGEST)
    return round(LEFT + min(share, 1) * (WIDTH - LEFT - RIGHT), 1)


def _axis(bottom: int) -> list[str]:
    parts = []
    for minutes in TICKS:
        label = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"
        parts.append(
            f'<line class="grid" x1="{_x(minutes)}" x2="{_x(minutes)}" y1="{bottom - 6}" y2="{bottom}"/>'
        )
        anchor = "end" if minutes == LONGEST else "middle"
        parts.append(
            f'<text class="soft" x="{_x(minutes)}" y="{bottom + 20}" text-anchor="{anchor}">{label}</text>'
        )
    return parts


def _band(severity: str, y: int, judged: Judged, promise: float) -> list[str]:
    silences = [s for s in judged.silences if s.severity == severity]
    late = [s for s in silences if s.missed]
    missed = sum(s.missed for s in late)
    x = _x(promise)
    parts = [
        f'<rect class="band" x="{LEFT}" y="{y}" width="{WIDTH - LEFT - RIGHT}" height="{BAND}"/>',
        f'<text x="20" y="{y + 36}" font-weight="600">{escape(NAMES[severity])} ({severity})</text>',
        f'<text class="soft" x="20" y="{y + 56}">{_incidents(judged.incidents[severity])}</text>',
        f'<text class="soft" x="20" y="{y + 74}">{missed} intervals missed</text>',
    ]
    for index, silence in enumerate(sorted(silences, key=lambda s: (s.missed > 0, s.start))):
        # A golden-ratio spread is even, and the same in every run.
        place = y + 8 + (index * 0.618034 % 1) * (BAND - 16)
        kind, size = ("late", 3.6) if silence.missed else ("kept", 2.6)
        parts.append(f'<circle class="{kind}" cx="{_x(silence.minutes)}" cy="{place:.1f}" r="{size}"/>')
    parts += [
        f'<line class="promise" x1="{x}" x2="{x}" y1="{y - 6}" y2="{y + BAND}"/>',
        f'<text x="{x + 6}" y="{y - 4}">an update every {_span(promise)}</text>',
    ]
    return parts


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("log", help="JSON Lines, plain or .gz")
    parser.add_argument("--policies", default="deploy/policies-github")
    parser.add_argument("--docs", type=Path, default=DOCS)
    wanted = parser.parse_args()
    book = load(Path(wanted.policies))
    judged, promised = judge(wanted.log, book), promises(book)
    about: dict[str, tuple[str, str]] = {}
    for _, line in read_lines(wanted.log):
        incident = orjson.loads(line)
        about[f"github-status:{incident['id']}"] = (incident["title"], incident["url"])
    (wanted.docs / "images").mkdir(parents=True, exist_ok=True)
    (wanted.docs / "images" / "github-cadence.svg").write_text(picture(judged, promised))
    (wanted.docs / "github-status.md").write_text(page(judged, promised, about, wanted.policies))


if __name__ == "__main__":
    main()
