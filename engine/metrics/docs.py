"""Writes docs/metrics.md from the definitions: `python -m engine.metrics.docs` (`--check`: only compares)."""

import sys
from collections.abc import Iterable
from pathlib import Path

from engine.metrics.definitions import (
    ARCHIVE,
    BESIDE,
    CERTIFICATES,
    CONSOLE,
    ENGINE,
    INTAKE,
    NOTIFY,
    OBLIGATIONS,
    Definition,
)
from engine.metrics.labels import CUSTOM_CLOCKS_AT_MOST, TEAMS_AT_MOST
from engine.metrics.metrics import AT_ZERO_SECONDS, SCRAPER

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

_HEAD = f"""# Metrics

Generated from `engine/metrics/definitions.py` by `python -m engine.metrics.docs`; do not edit by hand.

Every worker answers `GET /metrics` for itself. Add workers up in PromQL: `sum by (severity) (…)` for counts,
`min by (severity) (…)` for deadlines, `histogram_quantile(0.9, sum by (le) (rate(…_bucket[1d])))` for times.
MTTR over thirty days, by severity:

```promql
sum by (severity) (increase(sla_time_to_resolve_seconds_sum{{mode="live"}}[30d]))
  / sum by (severity) (increase(sla_time_to_resolve_seconds_count{{mode="live"}}[30d]))
```

Every series of a worker has the label `mode`: `live`, or `drill` (`VIGIL_CLOCK=scaled`), `backfill`
(`events`) or `shadow` (`vigil worker --shadow`, which shows only its engine). Rules and alerts are about
live workers: put `mode="live"` into queries of your own where the others are scraped as well. Other processes
have no mode.

No subject and no customer is ever a label. Labels whose values come from outside are bounded: beyond the
built-in clocks and the first {CUSTOM_CLOCKS_AT_MOST} custom ones of the policies, `metric` is `other`;
beyond the first {TEAMS_AT_MOST} teams that a worker hears of, `team` is `other`; an absent severity or team
is `none`. So a worker that owns 48 partitions has at most 2,000 series, whatever comes in. For figures by
customer or by escalation ask the archive, which holds the outcomes themselves.

`deploy/prometheus/rules` records and alerts; [the runbook](runbook.md) has a section an alert, and
[dashboards](dashboards.md) shows what Grafana makes of it.

## What restart, replay and corrections do to counters and histograms

They live in the process and start at zero with it. `rate()` and `increase()` see through that, if they are
taken of each series and added up then, as the rules do. `increase()` misses the value with which a series
appears. So what rules and dashboards read is there from the start, at 0: clocks of the policies by severity,
updates and promises, corrections, outcomes, verbs, dead letters. A team is not: its first verdict by a worker
is in the counter, and in no `increase()`.

What fell due while no worker ran is said within seconds of the next one's start, mostly before its first
scrape. So the first scrape of a live worker, and those of the {AT_ZERO_SECONDS:.0f} s after it, find every
counter and histogram at 0, whatever has been counted by then; the next ones show it, and `increase()` has it.
That is for Prometheus alone: without its header (`{SCRAPER}`),
as by `curl`, `/metrics` shows what is. A second Prometheus that comes later than that, and a worker that ends
earlier, miss it still: the alerts look at the counters of a young process as they are, and the trend report
has all.

- **Counted once durable.** An outcome is counted by the worker that said it, after its transaction has
  committed (or its last acknowledgement came). A worker that is killed takes with it what it counted since
  the last scrape, and what it committed without counting: at most one transaction a partition.
- **Restart, rebalance, recovery** count nothing again: recovery reads state and says nothing.
- **Transactions** (the default): an outcome is counted by one worker, once. **Acknowledged** delivery: after
  a crash or a rebalance the same outcome (equal id) may be said, and so counted, a second time.
- **Replay.** `vigil replay` and `vigil backtest` export no metrics. A group that is set back to older offsets
  takes known events as duplicates: they count as ignored, and no outcome is said again.
- **Backfill** of history (`mode="backfill"`) counts years of outcomes in minutes, so `rate()` shows a peak;
  the lateness histograms are not observed then.
- **Corrections.** A counter never falls. A breach that a late event retracts stays in `sla_breaches_total`
  and is counted in `sla_corrections_total`, with `correction="retracted"` and `outcome="breached"`: subtract
  to get what stands. An amended outcome changes times, not counts; histograms keep what was first observed.

Gauges are set from the state, so they are right again a second after a worker has recovered, when those of a
partition that has gone to another worker vanish, too. What is open and what is due is counted every five
seconds, where that is much work once a minute.
"""


def page() -> str:
    """The whole page."""
    parts = [
        _HEAD,
        "## Obligations\n",
        *_table(OBLIGATIONS),
        "\n## The engine\n",
        *_table(ENGINE),
        "\n## Every process beside the workers\n",
        *_table(BESIDE),
        "\n## Certificates: every process, where Kafka is reached by TLS\n",
        *_table(CERTIFICATES),
        "\n## The intake\n",
        *_table(INTAKE),
        "\n## The archive\n",
        *_table(ARCHIVE),
        "\n## Notifications\n",
        *_table(NOTIFY),
        "\n## The console\n",
        *_table(CONSOLE),
        "\n## Buckets\n",
        *_buckets((*OBLIGATIONS, *ENGINE)),
    ]
    return "\n".join(parts) + "\n"


def _table(definitions: Iterable[Definition]) -> Iterable[str]:
    yield "| name | type | unit | labels | meaning |"
    yield "|---|---|---|---|---|"
    for name, kind, unit, meaning, labels, _ in definitions:
        yield f"| `{name}` | {kind.value} | {unit or '—'} | {', '.join(labels) or '—'} | {meaning} |"


def _buckets(definitions: Iterable[Definition]) -> Iterable[str]:
    names: dict[tuple[float, ...], list[str]] = {}
    for definition in definitions:
        if definition.buckets:
            names.setdefault(definition.buckets, []).append(f"`{definition.name}`")
    for bounds, users in names.items():
        yield f"- {', '.join(f'{bound:g}' for bound in bounds)}: {', '.join(users)}"


def main(arguments: list[str]) -> int:
    """0; 1 when `--check` finds another page than the definitions give."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write(f"{PAGE.name} differs from the definitions; run `python -m engine.metrics.docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
