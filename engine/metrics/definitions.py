"""Every metric that Vigil exports, as data: collectors, docs and dashboards are made from this list.

`sla_…` tells about the obligations that are watched, `vigil_…` about the engine itself.
"""

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Definition(NamedTuple):
    """One metric: its name as Prometheus sees it, and what its value means."""

    name: str
    kind: Kind
    unit: str
    """Base unit; empty for a plain count."""
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, without +Inf."""


MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

OBLIGATION_BUCKETS = (
    5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 5 * DAY, 14 * DAY,
)  # fmt: skip
"""Five minutes to a fortnight, by the budgets that policies use; few, for eight metrics by severity."""

LATENESS_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, MINUTE, 5 * MINUTE, HOUR, DAY)
"""1 s is the target; behind it, how bad it was."""

WORK_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, MINUTE)
RATIO_BUCKETS = (0.5, 0.75, 0.9, 1.0, 1.5)
RECORD_BUCKETS = (1.0, 10.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
REBALANCE_BUCKETS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, MINUTE, 5 * MINUTE)

TIMED_METRICS = (
    "triage", "acknowledge", "first_response", "next_response", "contact", "resolve", "confirm", "rca_final",
)  # fmt: skip
"""The clocks with a histogram of their own: MTTA, MTTR and their relatives."""

_TIME_TO = {
    "triage": "from the start of the clock to the triage",
    "acknowledge": "from the start of the clock to the acknowledgement (MTTA)",
    "first_response": "from the start of the clock to the first public answer",
    "next_response": "from the oldest unanswered customer message to the next public answer",
    "contact": "from the start of the clock to an owner",
    "resolve": "from the start of the clock to the resolution (MTTR)",
    "confirm": "from the resolution to the customer's confirmation",
    "rca_final": "from the resolution to the final root cause analysis",
}

_BY_CLOCK = ("metric", "severity")


def _counter(name: str, meaning: str, *labels: str) -> Definition:
    return Definition(name, Kind.COUNTER, "", meaning, labels)


def _gauge(name: str, unit: str, meaning: str, *labels: str) -> Definition:
    return Definition(name, Kind.GAUGE, unit, meaning, labels)


def _histogram(name: str, unit: str, buckets: tuple[float, ...], meaning: str, *labels: str) -> Definition:
    return Definition(name, Kind.HISTOGRAM, unit, meaning, labels, buckets)


def _time_to(metric: str) -> Definition:
    return _histogram(
        f"sla_time_to_{metric}_seconds",
        "seconds",
        OBLIGATION_BUCKETS,
        f"Calendar time {_TIME_TO[metric]}, nothing subtracted; observed when the clock is met or stopped "
        "late.",
        "severity",
    )


OBLIGATIONS = (
    *(_time_to(metric) for metric in TIMED_METRICS),
    _histogram(
        "sla_budget_consumed_ratio", "ratio", RATIO_BUCKETS,
        "Share of its budget that a clock had used, on its own calendar, when it was met or stopped late: "
        "comparable across policies.", "metric",
    ),
    _counter("sla_breaches_total", "Clocks that passed their due time.", *_BY_CLOCK),
    _counter("sla_breach_risks_total", "Warnings: thresholds passed before the due time.", *_BY_CLOCK),
    _counter("sla_cadence_missed_total", "Intervals that passed without an update.", *_BY_CLOCK),
    _counter("sla_commitments_missed_total", "Promises that passed their time in silence.", "severity"),
    _counter(
        "sla_clocks_settled_total",
        "Clocks, updates and promises that were stopped: met, or stopped_late (after the breach). Compliance "
        "is met / (met + sla_breaches_total); cadence kept is met / (met + sla_cadence_missed_total), "
        "promises kept are met / (met + sla_commitments_missed_total), of metric commitment.",
        "verdict", *_BY_CLOCK,
    ),
    _counter(
        "sla_clocks_released_total", "Clocks that ended without a verdict: cancelled or waived.",
        "verdict", "metric",
    ),
    _counter(
        "sla_team_verdicts_total",
        "Verdicts on clocks, updates and promises by the team that had them: met, or breached (or missed).",
        "team", "verdict",
    ),
    _counter(
        "sla_pace_squared_error_total",
        "How wrong the forecasts of VIGIL_PACE were, squared and added up when a clock is met or breached: "
        "one a share of its budget (0, 5 … 95 %) at which it was open; again when it goes on after a "
        "reopening. Through the next row it is the Brier score (docs/pace.md): 0 is best.", "metric",
    ),
    _counter("sla_pace_forecasts_total", "How many forecasts these are.", "metric"),
    _counter(
        "sla_corrections_total",
        "Outcomes that a late or corrected event amended or retracted, by the name of the outcome corrected: "
        "what settles something, breach_risk, or other.",
        "correction", "outcome", "severity",
    ),
    _counter(
        "sla_outcomes_total", "Everything said, by the name of the outcome: the rows above and the rest.",
        "outcome",
    ),
    _gauge(
        "sla_open_escalations", "",
        "Open escalations of the partitions that this worker owns; severity none: facts that wait for their "
        "opening.", "severity",
    ),
    _gauge(
        "sla_oldest_open_timestamp_seconds", "seconds",
        "Unix time at which the open escalation of these partitions that was opened first was opened; absent "
        "where none is open.", "severity",
    ),
    _gauge(
        "sla_open_patterns", "",
        "Patterns of recurring escalations of these partitions that owe their recurrence flag.", "severity",
    ),
    _gauge(
        "sla_next_deadline_timestamp_seconds", "seconds",
        "Unix time of the soonest due time among running clocks of this worker; absent where nothing is due.",
        "severity",
    ),
    _histogram(
        "sla_outcome_lateness_seconds", "seconds", LATENESS_BUCKETS,
        "From the instant at which a breach, risk or miss took effect to its detection. Not observed under "
        "the events' own clock.",
    ),
    _histogram(
        "sla_outcome_visible_lateness_seconds", "seconds", LATENESS_BUCKETS,
        "From the same instant to durable: committed and visible to readers of committed data.",
    ),
    _histogram(
        "sla_timer_lateness_seconds", "seconds", LATENESS_BUCKETS,
        "From the instant of an alarm to the tick that asks for its judgement.",
    ),
    _histogram(
        "sla_event_lag_seconds", "seconds", LATENESS_BUCKETS,
        "From an event's record timestamp to its being taken.",
    ),
    _histogram(
        "sla_source_delay_seconds", "seconds", LATENESS_BUCKETS,
        "From the time that an event says it happened to its record timestamp: how late the sources are.",
    ),
    _gauge("sla_consumer_lag_records", "records", "Records not yet taken.", "topic", "partition"),
    _gauge(
        "sla_watermark_timestamp_seconds", "seconds",
        "Unix time up to which a partition's events are taken to be complete.", "partition",
    ),
    _counter("sla_events_total", "Events that became part of the state.", "verb"),
    _counter("sla_events_ignored_total", "Events that changed nothing and are no error.", "reason"),
    _counter(
        "sla_noted_total",
        "What happened to facts and escalations beside the usual: late (derived again), never_opened, "
        "unclassified (no policy matches), past_next_update, folded (past the cap), forgotten (past the "
        "correction window), unknown_field (left out of an event that was taken), ahead (more than five "
        "seconds after the worker's time: its producer's clock is wrong).",
        "what",
    ),
    _counter("sla_dlq_total", "Records that could not be taken and went to the dead letters.", "reason"),
    _gauge(
        "sla_calendar_horizon_timestamp_seconds", "seconds",
        "Unix time up to which a business calendar is indexed; a clock that asks for more moves it.",
        "calendar",
    ),
    _gauge(
        "sla_calendar_dates_end_timestamp_seconds", "seconds",
        "Unix time at which the last year ends for which a business calendar has dates of its own.",
        "calendar",
    ),
)  # fmt: skip

STARTED = _gauge(
    "vigil_start_timestamp_seconds", "seconds",
    "Unix time at which the process started; of every process, not of workers alone.",
)  # fmt: skip

BESIDE = (
    _gauge(
        "vigil_machine_clock_timestamp_seconds", "seconds",
        "Unix time that the machine's clock shows: the intake and the console date by it what comes without "
        "a time of its own.",
    ),
)  # fmt: skip
"""Those of every process but the workers."""

CERTIFICATES = (
    _gauge(
        "vigil_certificate_not_before_timestamp_seconds", "seconds",
        "Unix time from which on it is good.", "of",
    ),
    _gauge(
        "vigil_certificate_not_after_timestamp_seconds", "seconds",
        "Unix time at which it ends, as its file has it now: `client` is what the process shows to Kafka,"
        " `authority` the last of those that it believes.", "of",
    ),
)  # fmt: skip
"""Those of every process, without a mode."""

ENGINE = (
    _gauge(
        "vigil_build_info", "",
        "1; the versions are in the labels, clock (real, scaled, events), shadow and whether the core is"
        " compiled (true, false) as well.",
        "version", "python", "faust", "aiokafka", "tzdata", "holidays", "delivery", "clock", "shadow",
        "compiled",
    ),
    STARTED,
    _gauge("vigil_ready", "", "1 when brokers answer and partitions are recovered and kept up with, else 0."),
    _gauge("vigil_partitions_owned", "", "Partition numbers that this worker owns."),
    _histogram("vigil_chunk_records", "records", RECORD_BUCKETS, "Records of a chunk."),
    _histogram(
        "vigil_chunk_seconds", "seconds", WORK_BUCKETS,
        "Decoding and deciding a chunk; the event loop waits.",
    ),
    _histogram(
        "vigil_transaction_seconds", "seconds", WORK_BUCKETS,
        "Making a stage durable: from its first send to its commit, or its last acknowledgement.",
    ),
    _histogram(
        "vigil_changelog_acknowledgement_seconds", "seconds", WORK_BUCKETS,
        "From the first send of a stage's state to the broker's acknowledgement of its last record; the "
        "commit comes later.",
    ),
    _gauge(
        "vigil_heartbeat_timestamp_seconds", "seconds",
        "Unix time up to which the worker has looked for what is due and sent the ticks of all its "
        "partitions; absent under the events' own clock, which needs none.",
    ),
    _gauge(
        "vigil_clock_timestamp_seconds", "seconds",
        "Unix time that the engine's clock shows: the machine's, or that of a drill (VIGIL_CLOCK=scaled).",
    ),
    _gauge("vigil_recovering", "", "1 while the state of an assignment is read back, else 0."),
    _gauge(
        "vigil_topics_refused", "",
        "1 while a topic is as no worker would start on it (the log's topics_refused says which), else 0;"
        " looked at each minute.",
    ),
    _counter("vigil_holes_total", "Chunks that did not start where the last one ended; read again."),
    _counter(
        "vigil_records_gone_total",
        "Offsets between where a worker was to read on and where the topic has records: deleted by its "
        "retention and lost, or the topic was made anew.",
    ),
    _counter(
        "vigil_stale_chunks_total",
        "Chunks of an assignment that is over; dropped: another owner has them.",
    ),
    _counter(
        "vigil_overlaps_total",
        "Records that had been taken before, dropped from the start of a chunk.",
    ),
    _counter("vigil_relays_total", "Commands sent to other escalations: updates and contacts passed on."),
    _counter("vigil_ticks_total", "Ticks sent to the commands topic."),
    _counter("vigil_rebalances_total", "Assignments of partitions to this worker."),
    _histogram(
        "vigil_rebalance_seconds", "seconds", REBALANCE_BUCKETS,
        "From the revocation of the old assignment to work on the new one, recovery included.",
    ),
    _histogram("vigil_recovery_seconds", "seconds", REBALANCE_BUCKETS, "Reading the state back."),
    _counter("vigil_recovered_records_total", "Changelog records read back."),
    _counter(
        "vigil_retries_total", "Attempts to make a stage durable that failed in a way that may pass.",
        "reason",
    ),
)  # fmt: skip

DEFINITIONS = (*OBLIGATIONS, *ENGINE)
"""Those of the worker."""

INTAKE = (
    _counter(
        "vigil_intake_deliveries_total",
        "Deliveries to a door: accepted (Kafka has their events), or why not: not authentic "
        "(missing_signature, malformed_signature, wrong_signature, stale), out_of_scope (of its key), "
        "rate_limited, no whole body (too_large, too_slow, cut_off), not mapped (a dead letter; of "
        "a group each alert that is wrong, beside accepted), ignored (of a kind that is no event of ours), "
        "not_sent (Kafka was away: the source sends again).",
        "door", "result",
    ),
    _counter("vigil_intake_events_total", "Events that the accepted deliveries became.", "door"),
)  # fmt: skip
"""Those of `vigil intake`."""

ARCHIVE = (
    _counter("vigil_archive_rows_total", "Rows that are new or changed; what was known is none.", "table"),
    _counter(
        "vigil_archive_skipped_total",
        "Records that are no fact and no outcome; the worker makes dead letters of those events.",
        "topic", "reason",
    ),
    _counter(
        "vigil_archive_retries_total",
        "Beginnings anew: broker_away, database_away, overtaken (another process writes the archive).",
        "reason",
    ),
    _counter(
        "vigil_archive_records_gone_total",
        "Offsets that were passed over: a topic's retention had deleted what lay there before it was read.",
    ),
    _gauge(
        "vigil_archive_lag_records", "records",
        "Offsets that the archive has not read yet; absent while that is not known.", "topic",
    ),
    _gauge(
        "vigil_archive_stalled_seconds", "seconds",
        "Since topics and database were last both there; absent until they were for the first time.",
    ),
)  # fmt: skip
"""Those of `vigil archive run`."""

NOTIFY = (
    _counter(
        "vigil_notify_notifications_total",
        "Attempts to tell a receiver: delivered, failed (it is tried again), dead (a dead letter).",
        "receiver", "result",
    ),
    _counter(
        "vigil_notify_outcomes_total", "Records of the outcomes topic: taken, or skipped as unreadable.",
        "result",
    ),
    _counter(
        "vigil_notify_retries_total",
        "Beginnings anew: broker_away, database_away, overtaken (another process writes the record).",
        "reason",
    ),
    _counter(
        "vigil_notify_records_gone_total",
        "Offsets that were passed over: the topic's retention had deleted what lay there before it was read, "
        "and nobody was told of it.",
    ),
    _counter(
        "vigil_notify_wording_failures_total",
        "Alerts that were told in the built-in words, for the receiver's own could not be made.", "receiver",
    ),
    _gauge(
        "vigil_notify_circuit", "",
        "Of a receiver: 0 closed; 1 half open: the next notification decides; 2 open: it is left alone.",
        "receiver",
    ),
    _gauge(
        "vigil_notify_oldest_undelivered_seconds", "seconds",
        "How long the oldest notification waits that is due or has failed; 0: none does.", "receiver",
    ),
    _gauge(
        "vigil_notify_lag_records", "records",
        "Offsets that have not been read yet; absent while that is not known.", "topic",
    ),
    _gauge(
        "vigil_notify_stalled_seconds", "seconds",
        "Since topic and database were last both there; absent until they were for the first time.",
    ),
)  # fmt: skip
"""Those of `vigil notify run`."""

CONSOLE = (
    _counter(
        "vigil_console_actions_total",
        "What was recorded, on pages (page) and by the API (api): sent, refused (what was typed is wrong), "
        "not_sent (Kafka did not confirm).",
        "verb", "result", "via",
    ),
    _gauge("vigil_console_readers", "", "Pages that follow the board."),
    _gauge("vigil_console_clocks", "", "Running clocks on the board."),
    _gauge(
        "vigil_console_stopped", "",
        "1: what keeps the board, or the archive beside it, cannot go on until the console is started again.",
        "part",
    ),
    _gauge("vigil_console_lag_records", "records", "Records of the state that the board has not read yet."),
)  # fmt: skip
"""Those of `vigil console`."""
