"""Counts what the engine does and says; takes plain values, so that any part may call it.

One `Metrics` a process, written by one thread (the event loop). All times and lengths are in seconds.
Counters start at zero with the process; see `docs` for what restart and replay mean to them.
"""

import platform
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from engine.metrics import labels
from engine.metrics.definitions import DEFINITIONS, TIMED_METRICS, Kind
from engine.metrics.from_zero import begin
from engine.metrics.instruments import Collector, Counter, Exposed, Family, Gauge, Histogram
from engine.metrics.labels import Vocabulary

_STOPPED = frozenset(("met", "stopped_late"))
_OF_A_TEAM = {
    "met": "met",
    "breached": "breached",
    "cadence_missed": "breached",
    "commitment_missed": "breached",
}
"""Outcome → the verdict on the team that had it."""
_TIMED_OUT = frozenset(("breach_risk", "breached", "cadence_missed", "commitment_missed", "overdue"))
_COUNTED_BY_CLOCK = {"breached": "sla_breaches_total", "breach_risk": "sla_breach_risks_total"}

_BOUND_AT_MOST = 2_000
"""Kinds of outcomes whose cells are remembered; with names from outside there could be any number."""

SCRAPER = "X-Prometheus-Scrape-Timeout-Seconds"
"""A header of Prometheus and of what scrapes as it does; people's tools do not send it."""
AT_ZERO_SECONDS = 15.0
"""From the first scrape on: so that a second Prometheus beside the first one begins at 0 as well."""


class _Said(NamedTuple):
    """The cells that one kind of outcome moves."""

    counters: tuple[Counter, ...]
    time_to: Histogram | None
    ratio: Histogram | None
    timed_out: bool


class _Partition(NamedTuple):
    open_by_severity: Mapping[str, int]
    next_due_by_severity: Mapping[str, float]
    patterns_by_severity: Mapping[str, int]
    oldest_by_severity: Mapping[str, float]


class Metrics:
    """Every metric of this process. `registry` is its own: nothing else is exported by it."""

    def __init__(self, clocks: Iterable[str] = (), *, mode: str = labels.LIVE) -> None:
        """`clocks`: what the policies define beside the built-in ones; past the bound they are `other`.

        `mode`, of labels.MODES, is on every series. What a shadow finds concerns nobody, so only the engine's
        own metrics are shown of it.
        """
        self.registry = CollectorRegistry()
        always = (("mode", mode),)
        self._counters = {d.name: Family(d, Counter, always) for d in DEFINITIONS if d.kind is Kind.COUNTER}
        self._gauges = {d.name: Family(d, Gauge, always) for d in DEFINITIONS if d.kind is Kind.GAUGE}
        self._histograms = {
            d.name: Family(d, Histogram, always) for d in DEFINITIONS if d.kind is Kind.HISTOGRAM
        }
        families: dict[str, Exposed] = {**self._counters, **self._gauges, **self._histograms}
        shown = (d for d in DEFINITIONS if not (mode == labels.SHADOW and d.name.startswith("sla_")))
        self._collector = Collector((families[d.name] for d in shown), self.registry, self._sum_partitions)
        self._is_live = mode == labels.LIVE
        self._first_scrape: float | None = None
        self._said: dict[tuple[str, str, str], _Said] = {}
        self._team_verdicts: dict[tuple[str, str], Counter] = {}
        self._partitions: dict[int, _Partition] = {}
        self._clocks = Vocabulary(labels.CLOCKS, more=labels.CUSTOM_CLOCKS_AT_MOST, none=labels.OTHER)
        self._cadences = Vocabulary(labels.CADENCES, none=labels.OTHER)
        self._teams = Vocabulary((), more=labels.TEAMS_AT_MOST)
        self._corrected = Vocabulary(labels.CORRECTED, none=labels.OTHER)
        self._severities = Vocabulary(labels.SEVERITIES, other=labels.NONE)
        self._outcomes = Vocabulary(labels.OUTCOMES)
        self._verbs = Vocabulary(labels.VERBS)
        self._calendars = Vocabulary((), more=labels.CALENDARS_AT_MOST)
        self._topics = Vocabulary((), more=labels.TOPICS_AT_MOST)
        self._dead_reasons = Vocabulary(labels.DEAD_LETTER_REASONS, more=labels.MORE_REASONS_AT_MOST)
        self._ignored_reasons = Vocabulary(labels.IGNORED_REASONS, more=labels.MORE_REASONS_AT_MOST)
        self._notes = Vocabulary(labels.NOTES, more=labels.MORE_REASONS_AT_MOST)
        self._retry_reasons = Vocabulary(labels.RETRIES, more=labels.MORE_REASONS_AT_MOST)
        watched = [self._clocks.admit(clock) for clock in clocks]
        begin(self._counters, self._gauges, self._histograms, dict.fromkeys(watched))
        self._bind()

    def _bind(self) -> None:
        """Keep at hand the cells that have no labels."""
        bare: tuple[str, ...] = ()
        self._lateness = self._histograms["sla_outcome_lateness_seconds"][bare]
        self._visible = self._histograms["sla_outcome_visible_lateness_seconds"][bare]
        self._timer = self._histograms["sla_timer_lateness_seconds"][bare]
        self._ticks = self._counters["vigil_ticks_total"][bare]
        self._relays = self._counters["vigil_relays_total"][bare]
        self._event_lag = self._histograms["sla_event_lag_seconds"][bare]
        self._source_delay = self._histograms["sla_source_delay_seconds"][bare]
        self._chunk_records = self._histograms["vigil_chunk_records"][bare]
        self._chunk_seconds = self._histograms["vigil_chunk_seconds"][bare]
        self._transaction = self._histograms["vigil_transaction_seconds"][bare]
        self._changelog = self._histograms["vigil_changelog_acknowledgement_seconds"][bare]

    # What was said. Call these once the outcome is durable (after the commit, or the last acknowledgement).

    def outcome_said(
        self,
        name: str,
        metric: str,
        severity: str,
        *,
        elapsed_calendar_s: float = 0.0,
        consumed_ratio: float | None = None,
        lateness_s: float | None = None,
        visible_lateness_s: float | None = None,
        corrects: str = "",
        team: str = "",
    ) -> None:
        """One outcome. `elapsed_calendar_s`, `consumed_ratio`: as it states them.

        `lateness_s` = detected - effective and `visible_lateness_s` = durable - effective, by the engine's
        clock; leave them out under the events' own clock, where they mean nothing. Pass them for every
        outcome: they are observed only for what time alone brings about (breaches, risks, misses).
        `corrects`: for `amended` and `retracted`, the name of the outcome corrected. `team`: who had it.
        """
        if name in labels.CORRECTIONS:
            self._correction(name, corrects, self._severities[severity])
            return
        said = self._said.get((name, metric, severity)) or self._bind_outcome(name, metric, severity)
        for counter in said.counters:
            counter.value += 1
        if said.time_to is not None:
            said.time_to.observe(elapsed_calendar_s)
        if said.ratio is not None and consumed_ratio is not None:
            said.ratio.observe(consumed_ratio)
        if name in _OF_A_TEAM:
            self._team(team, _OF_A_TEAM[name])
        if said.timed_out:
            if lateness_s is not None:
                self._lateness.observe(max(lateness_s, 0.0))
            if visible_lateness_s is not None:
                self._visible.observe(max(visible_lateness_s, 0.0))

    def _bind_outcome(self, name: str, metric: str, severity: str) -> _Said:
        clock, grade = self._clocks[metric], self._severities[severity]
        counters = [self._counters["sla_outcomes_total"][(self._outcomes[name],)]]
        if name in _COUNTED_BY_CLOCK:
            counters.append(self._counters[_COUNTED_BY_CLOCK[name]][(clock, grade)])
        elif name == "commitment_missed":
            counters.append(self._counters["sla_commitments_missed_total"][(grade,)])
        elif name == "cadence_missed":
            counters.append(self._counters["sla_cadence_missed_total"][(self._cadences[metric], grade)])
        elif name in labels.RELEASED:
            counters.append(self._counters["sla_clocks_released_total"][(name, clock)])
        elif name in _STOPPED:
            counters.append(self._counters["sla_clocks_settled_total"][(name, clock, grade)])
        stopped = name in _STOPPED
        timed = stopped and clock in TIMED_METRICS
        said = _Said(
            tuple(counters),
            self._histograms[f"sla_time_to_{clock}_seconds"][(grade,)] if timed else None,
            self._histograms["sla_budget_consumed_ratio"][(clock,)] if stopped else None,
            name in _TIMED_OUT,
        )
        if len(self._said) < _BOUND_AT_MOST:
            self._said[name, metric, severity] = said
        return said

    def _team(self, team: str, verdict: str) -> None:
        counter = self._team_verdicts.get((team, verdict))
        if counter is None:
            label = self._teams.admit(team)
            for each in ("met", "breached"):  # a share needs both
                self._counters["sla_team_verdicts_total"][(label, each)]
            counter = self._counters["sla_team_verdicts_total"][(label, verdict)]
            if len(self._team_verdicts) < _BOUND_AT_MOST:
                self._team_verdicts[team, verdict] = counter
        counter.value += 1

    def _correction(self, name: str, corrects: str, grade: str) -> None:
        self._counters["sla_outcomes_total"][(name,)].add()
        self._counters["sla_corrections_total"][(name, self._corrected[corrects], grade)].add()

    def pace_judged(self, metric: str, squared_error: float, forecasts: int) -> None:
        """The forecasts that stood while a clock was open, now that its verdict is known."""
        kind = (self._clocks[metric],)
        self._counters["sla_pace_squared_error_total"][kind].add(squared_error)
        self._counters["sla_pace_forecasts_total"][kind].add(forecasts)

    # What came in.

    def events_taken(self, by_verb: Mapping[str, int]) -> None:
        """Events that became part of the state, by verb; once a chunk."""
        for verb, count in by_verb.items():
            self._counters["sla_events_total"][(self._verbs[verb],)].add(count)

    def event_lag(self, lag_s: float, source_delay_s: float | None = None, events: int = 1) -> None:
        """Taken - recorded, and recorded - happened, of one event or of `events` of about the same age."""
        self._event_lag.observe(max(lag_s, 0.0), events)
        if source_delay_s is not None:
            self._source_delay.observe(max(source_delay_s, 0.0), events)

    def dead_lettered(self, reason: str, records: int = 1) -> None:
        self._counters["sla_dlq_total"][(self._dead_reasons.admit(reason),)].add(records)

    def ignored(self, reason: str, records: int = 1) -> None:
        self._counters["sla_events_ignored_total"][(self._ignored_reasons.admit(reason),)].add(records)

    def noted(self, counts: Mapping[str, int]) -> None:
        """The counts of `engine.core.decide.Changes`; once a chunk."""
        for what, count in counts.items():
            self._counters["sla_noted_total"][(self._notes.admit(what),)].add(count)

    # What is owned. Everything said of a partition goes with `forget_partition`.

    def partition_state(
        self,
        partition: int,
        open_by_severity: Mapping[str, int],
        next_due_by_severity: Mapping[str, float],
        patterns_by_severity: Mapping[str, int],
        oldest_by_severity: Mapping[str, float],
    ) -> None:
        """By severity: open escalations, the soonest due time in Unix seconds, patterns that owe their flag,
        the opening of the oldest open escalation in Unix seconds.

        "": waits for its opening.

        The mappings are kept and read at each scrape, so one that the caller goes on updating is enough.
        """
        self._partitions[partition] = _Partition(
            open_by_severity, next_due_by_severity, patterns_by_severity, oldest_by_severity
        )

    def watermark(self, partition: int, unix_s: float) -> None:
        self._gauges["sla_watermark_timestamp_seconds"][(str(partition),)].set(unix_s)

    def consumer_lag(self, topic: str, partition: int, records: int) -> None:
        """Records of a topic's partition between the position taken and the end."""
        self._gauges["sla_consumer_lag_records"][(self._topics.admit(topic), str(partition))].set(
            max(records, 0)
        )

    def forget_partition(self, partition: int) -> None:
        """The partition has another owner now: none of its gauges may linger."""
        self._partitions.pop(partition, None)
        number = str(partition)
        self._gauges["sla_watermark_timestamp_seconds"].remove((number,))
        lags = self._gauges["sla_consumer_lag_records"]
        for key in [key for key in lags.cells if key[1] == number]:
            lags.remove(key)

    def _sum_partitions(self) -> None:
        """Over the partitions owned, at each scrape: a partition that went has left nothing behind."""
        states = list(self._partitions.values())
        none = [dict.fromkeys(labels.SEVERITIES, 0)]
        for name, how, each in (
            ("sla_open_escalations", sum, none + [dict(state.open_by_severity) for state in states]),
            ("sla_open_patterns", sum, none + [dict(state.patterns_by_severity) for state in states]),
            (
                "sla_next_deadline_timestamp_seconds",
                min,
                [dict(state.next_due_by_severity) for state in states],
            ),
            ("sla_oldest_open_timestamp_seconds", min, [dict(state.oldest_by_severity) for state in states]),
        ):
            found: dict[tuple[str], list[float]] = {}
            for by_severity in each:
                for severity, value in by_severity.items():
                    found.setdefault((self._severities[severity],), []).append(value)
            self._gauges[name].replace({grade: float(how(values)) for grade, values in found.items()})
        self._gauges["vigil_partitions_owned"][()].set(len(self._partitions))

    # How the work goes.

    def chunk(self, records: int, seconds: float) -> None:
        """A chunk was decoded and decided."""
        self._chunk_records.observe(records)
        self._chunk_seconds.observe(seconds)

    def transaction(self, seconds: float) -> None:
        """A stage became durable, by either kind of delivery."""
        self._transaction.observe(seconds)

    def changelog_acknowledged(self, seconds: float) -> None:
        """The broker has the state of a stage."""
        self._changelog.observe(seconds)

    def retried(self, reason: str) -> None:
        self._counters["vigil_retries_total"][(self._retry_reasons.admit(reason),)].add()

    def tick_sent(self, lateness_s: float) -> None:
        self._ticks.value += 1
        self._timer.observe(max(lateness_s, 0.0))

    def relays_sent(self, count: int) -> None:
        self._relays.value += count

    def started(self, unix_s: float) -> None:
        self._gauges["vigil_start_timestamp_seconds"][()].set(unix_s)

    def heartbeat(self, seconds_ago: float = 0.0) -> None:
        """Up to then what was due has been looked for, and its ticks are sent."""
        self._gauges["vigil_heartbeat_timestamp_seconds"][()].set(time.time() - seconds_ago)

    def clock(self, unix_s: float) -> None:
        """What the engine's clock shows."""
        self._gauges["vigil_clock_timestamp_seconds"][()].set(unix_s)

    def recovering(self, is_recovering: bool) -> None:
        self._gauges["vigil_recovering"][()].set(float(is_recovering))

    def topics_refused(self, are_refused: bool) -> None:
        self._gauges["vigil_topics_refused"][()].set(float(are_refused))

    def hole(self) -> None:
        self._counters["vigil_holes_total"][()].add()

    def gone(self, offsets: int) -> None:
        """Deleted by retention before they were read, or beyond the end of a topic that was made anew."""
        self._counters["vigil_records_gone_total"][()].add(offsets)

    def stale_chunk(self) -> None:
        self._counters["vigil_stale_chunks_total"][()].add()

    def overlap(self, records: int) -> None:
        self._counters["vigil_overlaps_total"][()].add(records)

    def rebalanced(self, seconds: float) -> None:
        """From the revocation (or the start) to work on the new assignment."""
        self._counters["vigil_rebalances_total"][()].add()
        self._histograms["vigil_rebalance_seconds"][()].observe(seconds)

    def recovered(self, seconds: float, records: int) -> None:
        self._histograms["vigil_recovery_seconds"][()].observe(seconds)
        self._counters["vigil_recovered_records_total"][()].add(records)

    def ready(self, is_ready: bool) -> None:
        self._gauges["vigil_ready"][()].set(float(is_ready))

    # What it runs with.

    def calendars(self, horizons: Mapping[str, float], dates_end: Mapping[str, float]) -> None:
        """How far each business calendar is indexed, and when its own dates end; of those that are `other`
        the nearest counts.

        The calendar that is always open has no horizon, and most have no dates of their own.
        """
        self._soonest("sla_calendar_horizon_timestamp_seconds", horizons)
        self._soonest("sla_calendar_dates_end_timestamp_seconds", dates_end)

    def _soonest(self, name: str, by_calendar: Mapping[str, float]) -> None:
        found: dict[tuple[str, ...], float] = {}
        for calendar, unix_s in by_calendar.items():
            label = (self._calendars.admit(calendar),)
            found[label] = min(unix_s, found.get(label, unix_s))
        self._gauges[name].replace(found)

    def build_info(self, **versions: str) -> None:
        """version, faust, aiokafka, tzdata, holidays, delivery, clock, shadow and compiled (true or false).

        A label that is not given is empty.
        """
        family = self._gauges["vigil_build_info"]
        versions.setdefault("python", platform.python_version())
        unknown = versions.keys() - set(family.definition.labels)
        if unknown:
            raise ValueError(f"vigil_build_info has no labels {sorted(unknown)}")
        family.clear()
        family[tuple(versions.get(label, "") for label in family.definition.labels)].set(1)

    def exposition(self, accept: str = "", *, scraped: bool = False) -> tuple[bytes, str]:
        """What `/metrics` answers: the body, and its content type, in the format that `accept` asks for.

        `scraped`: Prometheus asks. It finds the counters of a live worker at 0 at first, whatever has been
        said by then: `increase()` misses the value with which a series appears.
        """
        encode, content_type = choose_encoder(accept)
        self._collector.at_zero = scraped and self._is_live and self._is_new_to_scrapers()
        return encode(self.registry), content_type

    def _is_new_to_scrapers(self) -> bool:
        now = time.monotonic()
        if self._first_scrape is None:
            self._first_scrape = now
        return now - self._first_scrape < AT_ZERO_SECONDS
