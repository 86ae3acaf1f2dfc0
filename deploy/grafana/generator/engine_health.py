"""The dashboard about Vigil itself: the workers, and the processes beside them."""

from panels import JOB, MODE, NONE_IS_GOOD, OF_WORKERS, Board, Panel, Query, Row

_RATE = "$__rate_interval"
_OF = f"{{{OF_WORKERS}}}"
"""Of a worker's series; the other processes have no mode."""


def _quantiles(metric: str, *shares: float) -> tuple[Query, ...]:
    return tuple(
        Query(
            f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{_OF}[{_RATE}])))",
            "half" if share == 0.5 else f"{share:.0%} below",
        )
        for share in shares
    )


def _took(title: str, about: str, metric: str, *alerts: str, width: int = 6) -> Panel:
    """How long something took."""
    return Panel("timeseries", title, about, _quantiles(metric, 0.5, 0.99), "s", width, alerts=alerts)


def _of(metric: str) -> str:
    beside = metric.startswith(("vigil_intake_", "vigil_archive_"))
    return metric if beside else metric + _OF


def _rate(title: str, about: str, metric: str, by: str, *alerts: str, width: int = 6) -> Panel:
    query = Query(f"sum by ({by}) (rate({_of(metric)}[{_RATE}]))", f"{{{{{by}}}}}")
    return Panel("timeseries", title, about, (query,), "cps", width, alerts=alerts)


def _hourly(title: str, about: str, metric: str, by: str, *alerts: str, width: int = 6) -> Panel:
    query = Query(f"sum by ({by}) (increase({_of(metric)}[1h]))", f"{{{{{by}}}}}")
    return Panel("timeseries", title, about, (query,), "none", width, alerts=alerts)


VIGIL = Board(
    "vigil",
    "Vigil: the engine",
    "Is it on time, and does it do all its work?",
    "now-1h",
    "10s",
    (JOB, MODE),
    (
        Row(
            "Is it on time?",
            4,
            (
                Panel(
                    "stat",
                    "Ready workers",
                    "Assigned, recovered and keeping up.",
                    (Query(f"sum(vigil_ready{_OF})"),),
                    "none",
                    4,
                    ((None, "red"), (1, "green")),
                    ("VigilNoWorkerReady", "VigilPartitionsUnwatched", "VigilCertificateEnds"),
                ),
                Panel(
                    "stat",
                    "Heartbeat",
                    "Since the slowest worker last had sent the ticks of all its partitions.",
                    (Query(f"max(time() - vigil_heartbeat_timestamp_seconds{_OF})"),),
                    "s",
                    4,
                    ((None, "green"), (30, "orange"), (60, "red")),
                    ("VigilNoHeartbeat", "VigilClockWrong"),
                ),
                Panel(
                    "stat",
                    "Recovering",
                    "Workers that read their state back.",
                    (Query(f"sum(vigil_recovering{_OF})"),),
                    "none",
                    4,
                    ((None, "green"), (1, "orange")),
                    ("VigilRecoveryStuck",),
                ),
                Panel(
                    "stat",
                    "Records not yet taken",
                    "Over all topics.",
                    (Query(f"sum(sla_consumer_lag_records{_OF})"),),
                    "none",
                    4,
                    ((None, "green"), (1000, "orange"), (10000, "red")),
                    ("VigilFallingBehind",),
                ),
                Panel(
                    "stat",
                    "Dead letters, 1 h",
                    "Records that could not be taken.",
                    (Query(f"sum(increase(sla_dlq_total{_OF}[1h]))"),),
                    "none",
                    4,
                    NONE_IS_GOOD,
                    ("VigilDeadLetters",),
                ),
                Panel(
                    "stat",
                    "Calendars reach",
                    "Until the first business calendar's index ends.",
                    (Query(f"min(sla_calendar_horizon_timestamp_seconds{_OF}) - time()"),),
                    "s",
                    4,
                    ((None, "red"), (90 * 86400, "green")),
                    ("VigilCalendarRunsOut", "VigilCalendarDatesEnd"),
                ),
            ),
        ),
        Row(
            "Lateness",
            8,
            (
                _took(
                    "Outcomes behind their due time",
                    "From the due time to readable; 1 s is the target.",
                    "sla_outcome_visible_lateness_seconds",
                    "VigilOutcomesLate",
                ),
                _took(
                    "Found behind their due time",
                    "From the due time to its detection.",
                    "sla_outcome_lateness_seconds",
                    "VigilOutcomesLate",
                ),
                _took(
                    "Ticks behind their alarm",
                    "From an alarm to the tick that asks for its judgement.",
                    "sla_timer_lateness_seconds",
                    "VigilOutcomesLate",
                ),
                Panel(
                    "timeseries",
                    "Known up to",
                    "How far behind the engine's clock the slowest partition is known.",
                    (
                        Query(
                            f"clamp_min(max(vigil_clock_timestamp_seconds{_OF})"
                            f" - min(sla_watermark_timestamp_seconds{_OF}), 0)",
                            "behind",
                        ),
                    ),
                    "s",
                    6,
                    alerts=("VigilSourceBehind",),
                ),
            ),
        ),
        Row(
            "What comes in",
            8,
            (
                _rate(
                    "Events taken",
                    "That became part of the state, by verb.",
                    "sla_events_total",
                    "verb",
                    "VigilSourceSilent",
                ),
                Panel(
                    "timeseries",
                    "Records not yet taken, by topic",
                    "What waits.",
                    (Query(f"sum by (topic) (sla_consumer_lag_records{_OF})", "{{topic}}"),),
                    "none",
                    6,
                    alerts=("VigilFallingBehind",),
                ),
                _took(
                    "Events behind their record",
                    "From a record's timestamp to its being taken.",
                    "sla_event_lag_seconds",
                    "VigilFallingBehind",
                ),
                _took(
                    "Sources behind the events",
                    "From when it happened to its record: how late the sources tell.",
                    "sla_source_delay_seconds",
                ),
                _hourly(
                    "Dead letters, by reason",
                    "In the hour before.",
                    "sla_dlq_total",
                    "reason",
                    "VigilDeadLetters",
                ),
                _hourly(
                    "Ignored, by reason",
                    "Events that changed nothing and are no error.",
                    "sla_events_ignored_total",
                    "reason",
                ),
                _hourly(
                    "Noted",
                    "What happened to facts beside the usual, in the hour before.",
                    "sla_noted_total",
                    "what",
                    "VigilProducerAhead",
                ),
                _rate("Outcomes said", "What is durable, by name.", "sla_outcomes_total", "outcome"),
            ),
        ),
        Row(
            "How the work goes",
            8,
            (
                Panel(
                    "timeseries",
                    "Records a chunk",
                    "Mean; more under load.",
                    (
                        Query(
                            f"sum(rate(vigil_chunk_records_sum{_OF}[{_RATE}]))"
                            f" / (sum(rate(vigil_chunk_records_count{_OF}[{_RATE}])) > 0)",
                            "records",
                        ),
                    ),
                    "short",
                    6,
                ),
                _took("Chunks", "Decoding and deciding one.", "vigil_chunk_seconds", "VigilOutcomesLate"),
                _took(
                    "Transactions",
                    "From the first send to the commit.",
                    "vigil_transaction_seconds",
                    "VigilOutcomesLate",
                ),
                _took(
                    "Changelog acknowledged",
                    "From the first send of the state to the broker's acknowledgement.",
                    "vigil_changelog_acknowledgement_seconds",
                    "VigilOutcomesLate",
                ),
                Panel(
                    "timeseries",
                    "Ticks and relays",
                    "Commands that the workers send.",
                    (
                        Query(f"sum(rate(vigil_ticks_total{_OF}[{_RATE}]))", "ticks"),
                        Query(f"sum(rate(vigil_relays_total{_OF}[{_RATE}]))", "relays"),
                    ),
                    "cps",
                    6,
                    alerts=("VigilDeadlineOverdue",),
                ),
                _hourly(
                    "Send errors, by reason",
                    "Attempts that failed and are made again.",
                    "vigil_retries_total",
                    "reason",
                    "VigilSendErrors",
                ),
                Panel(
                    "timeseries",
                    "Read again, dropped",
                    "Chunks and records around rebalances, in the hour before. No loss, unless deleted.",
                    (
                        Query(f"sum(increase(vigil_holes_total{_OF}[1h]))", "holes"),
                        Query(f"sum(increase(vigil_stale_chunks_total{_OF}[1h]))", "stale chunks"),
                        Query(f"sum(increase(vigil_overlaps_total{_OF}[1h]))", "records known"),
                        Query(f"sum(increase(vigil_records_gone_total{_OF}[1h]))", "gone"),
                    ),
                    "none",
                    6,
                    alerts=("VigilRecordsGone",),
                ),
                Panel(
                    "timeseries",
                    "Partitions owned",
                    "Partition numbers of each worker; all together, as many as the topics have. And how many"
                    " workers hold on to topics that none would start on.",
                    (
                        Query(f"vigil_partitions_owned{_OF}", "{{instance}}"),
                        Query(f"sum(vigil_topics_refused{_OF})", "topics refused by"),
                    ),
                    "none",
                    6,
                    alerts=("VigilTopicsRefused",),
                ),
            ),
        ),
        Row(
            "Starts and rebalances",
            8,
            (
                Panel(
                    "timeseries",
                    "Rebalances, starts",
                    "In the hour before.",
                    (
                        Query(f"sum(increase(vigil_rebalances_total{_OF}[1h]))", "rebalances"),
                        Query(
                            'sum(changes(vigil_start_timestamp_seconds{mode=~"$mode|"}[1h]))', "starts again"
                        ),
                    ),
                    "none",
                    6,
                    alerts=("VigilRebalancing", "VigilRestarting"),
                ),
                Panel(
                    "stat",
                    "Recovery takes",
                    "Mean of those since the start.",
                    (
                        Query(
                            f"sum(vigil_recovery_seconds_sum{_OF})"
                            f" / (sum(vigil_recovery_seconds_count{_OF}) > 0)",
                            "seconds",
                        ),
                    ),
                    "s",
                    6,
                    alerts=("VigilRecoveryStuck",),
                ),
                Panel(
                    "stat",
                    "Away for",
                    "Mean from the revocation to work again.",
                    (
                        Query(
                            f"sum(vigil_rebalance_seconds_sum{_OF})"
                            f" / (sum(vigil_rebalance_seconds_count{_OF}) > 0)",
                            "seconds",
                        ),
                    ),
                    "s",
                    6,
                    alerts=("VigilRebalancing",),
                ),
                Panel(
                    "table",
                    "Versions",
                    "What runs, with which delivery and clock.",
                    (Query("vigil_build_info"),),
                    "none",
                    6,
                ),
            ),
        ),
        Row(
            "Beside the workers",
            8,
            (
                _hourly(
                    "Deliveries to the intake",
                    "By how they were answered, in the hour before.",
                    "vigil_intake_deliveries_total",
                    "result",
                    "VigilIntakeCannotSend",
                    "VigilIntakeRefuses",
                ),
                Panel(
                    "timeseries",
                    "Before the archive",
                    "Offsets that it has not read yet.",
                    (Query("sum by (topic) (vigil_archive_lag_records)", "{{topic}}"),),
                    "none",
                    6,
                    alerts=("VigilArchiveBehind",),
                ),
                _rate(
                    "Rows archived",
                    "New or changed.",
                    "vigil_archive_rows_total",
                    "table",
                    "VigilArchiveBeginsAnew",
                ),
                Panel(
                    "timeseries",
                    "Before the notifications",
                    "Outcomes that they have not read yet.",
                    (Query("sum by (topic) (vigil_notify_lag_records)", "{{topic}}"),),
                    "none",
                    6,
                    alerts=("VigilNotifyBehind",),
                ),
                Panel(
                    "timeseries",
                    "Archive and notifications stand still",
                    "How long ago they last came further, with topics and database there.",
                    (
                        Query("max by (instance) (vigil_archive_stalled_seconds)", "archive {{instance}}"),
                        Query("max by (instance) (vigil_notify_stalled_seconds)", "notify {{instance}}"),
                    ),
                    "s",
                    6,
                    alerts=("VigilStalled",),
                ),
                Panel(
                    "timeseries",
                    "Notifications",
                    "Attempts by how they ended, in the hour before.",
                    (
                        Query(
                            "sum by (result) (increase(vigil_notify_notifications_total[1h]))", "{{result}}"
                        ),
                    ),
                    "none",
                    6,
                    alerts=("VigilNotificationsDead",),
                ),
                Panel(
                    "timeseries",
                    "Oldest not delivered",
                    "How long what is due or has failed waits, by receiver.",
                    (Query("max by (receiver) (vigil_notify_oldest_undelivered_seconds)", "{{receiver}}"),),
                    "s",
                    6,
                    alerts=("VigilUndelivered",),
                ),
                Panel(
                    "stat",
                    "Receivers left alone",
                    "Whose circuit is open or half open.",
                    (Query("sum(vigil_notify_circuit > bool 0)"),),
                    "none",
                    6,
                    NONE_IS_GOOD,
                    ("VigilUndelivered",),
                ),
                Panel(
                    "timeseries",
                    "Beside the usual",
                    "Beginnings anew, records gone, alerts told in the built-in words, and outcomes that "
                    "cannot be read, in the hour before; what of the consoles stands still.",
                    (
                        Query("sum(increase(vigil_archive_retries_total[1h]))", "archive anew"),
                        Query("sum(increase(vigil_notify_retries_total[1h]))", "notify anew"),
                        Query("sum(increase(vigil_archive_records_gone_total[1h]))", "archive: gone"),
                        Query("sum(increase(vigil_notify_records_gone_total[1h]))", "notify: gone"),
                        Query("sum(increase(vigil_notify_wording_failures_total[1h]))", "wording failed"),
                        Query(
                            'sum(increase(vigil_notify_outcomes_total{result="skipped"}[1h]))',
                            "notify unread",
                        ),
                        Query(
                            'sum(increase(vigil_archive_skipped_total{reason=~"no_outcome|unstorable"}[1h]))',
                            "archive unread",
                        ),
                        Query("sum(vigil_console_stopped)", "console stopped"),
                    ),
                    "none",
                    6,
                    alerts=(
                        "VigilArchiveBeginsAnew",
                        "VigilArchiveRecordsGone",
                        "VigilNotifyCutOff",
                        "VigilNotifyBeginsAnew",
                        "VigilNotifyRecordsGone",
                        "VigilWordingFails",
                        "VigilOutcomesUnread",
                        "VigilProcessGone",
                        "VigilConsoleStopped",
                    ),
                ),
            ),
        ),
    ),
)
