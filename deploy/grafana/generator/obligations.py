"""The dashboards about what is owed: what breaches next, how the month went, and where it is heading."""

from panels import JOB, MODE, NONE_IS_GOOD, OF_WORKERS, SHARE, Board, Panel, Query, Row, from_labels, window

_SEVERITY = from_labels("severity", "sla_open_escalations")
_METRIC = from_labels("metric", "sla_breaches_total")
_TEAM = from_labels("team", "sla_team_verdicts_total")
_NOW = f"max(vigil_clock_timestamp_seconds{{{OF_WORKERS}}})"
"""The engine's time: due times are seen from it."""
_OF = f'{OF_WORKERS}, severity=~"$severity"'
_OF_BOTH = f'metric=~"$metric", {_OF}'
_UPDATES = "(customer|internal|executive)_update"
"""By their names: a clock of one's own may be called vendor_update."""
_NO_CLOCKS = f'metric!~"{_UPDATES}|commitment"'
"""Updates and promises are counted by metrics of their own when they are missed."""


def _met(by: str, over: str, of: str = _OF_BOTH) -> str:
    return f'sum{by} (increase(sla_clocks_settled_total{{verdict="met", {_NO_CLOCKS}, {of}}}[{over}]))'


def _breached(by: str, over: str, of: str = _OF_BOTH) -> str:
    return f"sum{by} (increase(sla_breaches_total{{{of}}}[{over}]))"


def _compliance(by: str, over: str) -> str:
    """Of what was judged, the share that was met; nothing where nothing was judged."""
    return f"{_met(by, over)} / (({_met(by, over)} + {_breached(by, over)}) > 0)"


def _kept(met: str, missed: str, by: str, over: str) -> str:
    """Of updates or promises, the share that was kept."""
    good = f'sum{by} (increase(sla_clocks_settled_total{{verdict="met", {met}, {_OF}}}[{over}]))'
    return f"{good} / (({good} + sum{by} (increase({missed}{{{_OF}}}[{over}]))) > 0)"


_CADENCE = (f'metric=~"{_UPDATES}"', "sla_cadence_missed_total")
_PROMISES = ('metric="commitment"', "sla_commitments_missed_total")


def _mean(metric: str, over: str, by: str = " by (severity)") -> str:
    """Mean time to something; nothing where it did not happen."""
    total = f"sum{by} (increase(sla_time_to_{metric}_seconds_sum{{{_OF}}}[{over}]))"
    return f"{total} / (sum{by} (increase(sla_time_to_{metric}_seconds_count{{{_OF}}}[{over}])) > 0)"


def _quantile(share: float, metric: str, over: str) -> str:
    return (
        f"histogram_quantile({share}, sum by (le) "
        f"(increase(sla_time_to_{metric}_seconds_bucket{{{_OF}}}[{over}])))"
    )


def _count(title: str, metric: str, about: str, alert: str) -> Panel:
    query = Query(f"sum(increase({metric}{{{_OF}}}[1h]))")
    return Panel("stat", title, about, (query,), "none", 4, NONE_IS_GOOD, (alert,))


_DUE = ((None, "red"), (0, "orange"), (1800, "green"))

NOW = Board(
    "vigil-now",
    "Vigil: Now",
    "What is open, and what breaches next.",
    "now-3h",
    "10s",
    (JOB, MODE, _SEVERITY),
    (
        Row(
            "Now",
            4,
            (
                Panel(
                    "stat",
                    "Open escalations",
                    "Under watch; without those that wait for their opening.",
                    (Query(f'sum(sla_open_escalations{{{_OF}, severity!="none"}})'),),
                    "none",
                    4,
                ),
                Panel(
                    "stat",
                    "Next due in",
                    "Until the soonest running clock runs out; below zero it is being judged.",
                    (Query(f"min(sla_next_deadline_timestamp_seconds{{{_OF}}}) - {_NOW}"),),
                    "s",
                    4,
                    _DUE,
                    ("VigilDeadlineOverdue",),
                ),
                Panel(
                    "stat",
                    "Oldest open",
                    "How long the escalation that was opened first has been open.",
                    (Query(f"{_NOW} - min(sla_oldest_open_timestamp_seconds{{{_OF}}})"),),
                    "s",
                    4,
                    ((None, "green"), (86400, "orange"), (3 * 86400, "red")),
                    ("SlaOpenTooLong",),
                ),
                _count(
                    "Breaches, 1 h", "sla_breaches_total", "Clocks that passed their due time.", "SlaBreached"
                ),
                _count(
                    "Updates missed, 1 h",
                    "sla_cadence_missed_total",
                    "Intervals that passed without an update.",
                    "SlaUpdateMissed",
                ),
                _count(
                    "Promises missed, 1 h",
                    "sla_commitments_missed_total",
                    "Promises that passed their time in silence.",
                    "SlaPromiseMissed",
                ),
            ),
        ),
        Row(
            "What breaches next",
            8,
            (
                Panel(
                    "bargauge",
                    "Due in, by severity",
                    "Until the soonest running clock of each severity runs out.",
                    (
                        Query(
                            f"min by (severity) (sla_next_deadline_timestamp_seconds{{{_OF}}})"
                            f" - on () group_left () {_NOW}",
                            "{{severity}}",
                        ),
                    ),
                    "s",
                    8,
                    _DUE,
                    ("SlaBreached",),
                ),
                Panel(
                    "timeseries",
                    "Warnings by what is owed",
                    "Thresholds passed before the due time: each a clock that breaches unless somebody acts.",
                    (
                        Query(
                            f"sum by (metric) (increase(sla_breach_risks_total{{{_OF}}}[10m]))", "{{metric}}"
                        ),
                    ),
                    "none",
                    8,
                ),
                Panel(
                    "timeseries",
                    "Breaches by what was owed",
                    "Clocks that passed their due time, in the hour before.",
                    (Query(f"sum by (metric) (increase(sla_breaches_total{{{_OF}}}[1h]))", "{{metric}}"),),
                    "none",
                    8,
                    alerts=("SlaBreached",),
                ),
            ),
        ),
        Row(
            "What is open",
            8,
            (
                Panel(
                    "timeseries",
                    "Open by severity",
                    "Escalations; none: facts that wait for their opening.",
                    (Query(f"sum by (severity) (sla_open_escalations{{{_OF}}})", "{{severity}}"),),
                    "none",
                    8,
                ),
                Panel(
                    "timeseries",
                    "Updates missed, by audience",
                    "Intervals that passed without an update, in the hour before.",
                    (
                        Query(
                            f"sum by (metric) (increase(sla_cadence_missed_total{{{_OF}}}[1h]))", "{{metric}}"
                        ),
                    ),
                    "none",
                    8,
                    alerts=("SlaUpdateMissed",),
                ),
                Panel(
                    "table",
                    "Alerts that fire",
                    "Of Vigil's rules; the watchdog always does.",
                    (Query('ALERTS{alertstate="firing", alertname=~"(Sla|Vigil).+"}'),),
                    "none",
                    8,
                    alerts=("VigilWatchdog",),
                ),
            ),
        ),
    ),
)

_RANGE = "$__range"

SERVICE_LEVELS = Board(
    "vigil-service-levels",
    "Vigil: Service levels",
    "What was kept of what was owed, over the span shown: a month.",
    "now-30d",
    "5m",
    (JOB, MODE, _SEVERITY, _METRIC, _TEAM, window("1h", "1d", "7d", usual="1d")),
    (
        Row(
            "The span shown",
            4,
            (
                Panel(
                    "stat",
                    "Clocks met",
                    "Of the clocks that were judged, the share that was met.",
                    (Query(_compliance("", _RANGE)),),
                    "percentunit",
                    5,
                    SHARE,
                    ("SlaComplianceLow",),
                ),
                Panel(
                    "stat",
                    "Cadence kept",
                    "Of the intervals in which an update was due, the share with one.",
                    (Query(_kept(*_CADENCE, "", _RANGE)),),
                    "percentunit",
                    5,
                    SHARE,
                    ("SlaUpdateMissed",),
                ),
                Panel(
                    "stat",
                    "Promises kept",
                    "Of the promises that came due, the share that was kept.",
                    (Query(_kept(*_PROMISES, "", _RANGE)),),
                    "percentunit",
                    5,
                    SHARE,
                    ("SlaPromiseMissed",),
                ),
                Panel(
                    "stat",
                    "Clocks judged",
                    "Met or breached. Of few, one breach is a large share.",
                    (Query(f"{_met('', _RANGE)} + {_breached('', _RANGE)}"),),
                    "none",
                    5,
                ),
                Panel(
                    "stat",
                    "Corrected",
                    "Outcomes that late or corrected events amended or retracted.",
                    (Query(f"sum(increase(sla_corrections_total{{{_OF}}}[{_RANGE}]))"),),
                    "none",
                    4,
                ),
            ),
        ),
        Row(
            "Met, by",
            9,
            (
                Panel(
                    "bargauge",
                    "Clocks met, by what was owed",
                    "Share of the judged clocks.",
                    (Query(_compliance(" by (metric)", _RANGE), "{{metric}}"),),
                    "percentunit",
                    8,
                    SHARE,
                    ("SlaComplianceLow",),
                    1,
                ),
                Panel(
                    "bargauge",
                    "Clocks met, by severity",
                    "Share of the judged clocks.",
                    (Query(_compliance(" by (severity)", _RANGE), "{{severity}}"),),
                    "percentunit",
                    8,
                    SHARE,
                    ("SlaComplianceLow",),
                    1,
                ),
                Panel(
                    "bargauge",
                    "Kept, by team",
                    "Share of the verdicts on clocks, updates and promises, by who had them; all severities.",
                    (
                        Query(
                            "sum by (team) (increase(sla_team_verdicts_total"
                            f'{{verdict="met", {OF_WORKERS}, team=~"$team"}}[{_RANGE}]))'
                            " / (sum by (team) (increase(sla_team_verdicts_total"
                            f'{{{OF_WORKERS}, team=~"$team"}}[{_RANGE}])) > 0)',
                            "{{team}}",
                        ),
                    ),
                    "percentunit",
                    8,
                    SHARE,
                    most=1,
                ),
            ),
        ),
        Row(
            "Over time",
            9,
            (
                Panel(
                    "timeseries",
                    "Clocks met, by severity",
                    "Each point over the window chosen above.",
                    (Query(_compliance(" by (severity)", "$window"), "{{severity}}"),),
                    "percentunit",
                    8,
                    SHARE,
                    ("SlaComplianceLow",),
                    1,
                ),
                Panel(
                    "timeseries",
                    "Cadence kept, by audience",
                    "Each point over the window chosen above.",
                    (Query(_kept(*_CADENCE, " by (metric)", "$window"), "{{metric}}"),),
                    "percentunit",
                    8,
                    SHARE,
                    ("SlaUpdateMissed",),
                    1,
                ),
                Panel(
                    "timeseries",
                    "Promises kept, by severity",
                    "Each point over the window chosen above.",
                    (Query(_kept(*_PROMISES, " by (severity)", "$window"), "{{severity}}"),),
                    "percentunit",
                    8,
                    SHARE,
                    ("SlaPromiseMissed",),
                    1,
                ),
            ),
        ),
        Row(
            "Beside",
            9,
            (
                Panel(
                    "table",
                    "Breached, by what was owed and severity",
                    "In the span shown.",
                    (
                        Query(
                            f"sum by (metric, severity) (round(increase(sla_breaches_total{{{_OF_BOTH}}}"
                            f"[{_RANGE}]))) > 0"
                        ),
                    ),
                    "none",
                    8,
                    alerts=("SlaBreached",),
                ),
                Panel(
                    "bargauge",
                    "Budget used, nine in ten",
                    "Nine in ten clocks used at most this share of their budget.",
                    (
                        Query(
                            "histogram_quantile(0.9, sum by (le, metric) "
                            f'(increase(sla_budget_consumed_ratio_bucket{{{OF_WORKERS}, metric=~"$metric"}}'
                            f"[{_RANGE}]))) >= 0",
                            "{{metric}}",
                        ),
                    ),
                    "percentunit",
                    8,
                    ((None, "green"), (0.9, "orange"), (1, "red")),
                ),
                Panel(
                    "table",
                    "Ended without a verdict",
                    "Cancelled or waived: in no share.",
                    (
                        Query(
                            "sum by (verdict, metric) "
                            f'(round(increase(sla_clocks_released_total{{{OF_WORKERS}, metric=~"$metric"}}'
                            f"[{_RANGE}]))) > 0"
                        ),
                    ),
                    "none",
                    8,
                ),
            ),
        ),
    ),
)

_TIMES = (
    ("triage", "triage"),
    ("acknowledge", "acknowledge (MTTA)"),
    ("first_response", "first response"),
    ("next_response", "next response"),
    ("contact", "owner"),
    ("resolve", "resolve (MTTR)"),
    ("confirm", "confirmation"),
    ("rca_final", "final RCA"),
)

TRENDS = Board(
    "vigil-trends",
    "Vigil: Trends",
    "The trend report's figures as they move: times, breaches, recurrence, lapses of communication.",
    "now-90d",
    "5m",
    (JOB, MODE, _SEVERITY, window("1h", "1d", "7d", "30d", usual="7d")),
    (
        Row(
            "Volume and times",
            9,
            (
                Panel(
                    "timeseries",
                    "Opened, resolved, reopened",
                    "Events of each kind in the window.",
                    (
                        Query(
                            "sum by (verb) (increase(sla_events_total"
                            f'{{{OF_WORKERS}, verb=~"opened|resolved|reopened"}}[$window]))',
                            "{{verb}}",
                        ),
                    ),
                    "none",
                    8,
                ),
                Panel(
                    "timeseries",
                    "Time to resolve (MTTR)",
                    "Mean, by severity, nothing subtracted.",
                    (Query(_mean("resolve", "$window"), "{{severity}}"),),
                    "s",
                    8,
                    alerts=("SlaOpenTooLong",),
                ),
                Panel(
                    "timeseries",
                    "Time to acknowledge (MTTA)",
                    "Mean, by severity, nothing subtracted.",
                    (Query(_mean("acknowledge", "$window"), "{{severity}}"),),
                    "s",
                    8,
                ),
            ),
        ),
        Row(
            "All times, over the span shown",
            9,
            (
                Panel(
                    "bargauge",
                    "Mean time to …",
                    "MTT*: from the start of the clock to its stop, met or late.",
                    tuple(Query(_mean(metric, _RANGE, ""), name) for metric, name in _TIMES),
                    "s",
                    12,
                ),
                Panel(
                    "timeseries",
                    "Time to resolve, half and nine in ten",
                    "Estimated from the histogram's buckets.",
                    (
                        Query(_quantile(0.5, "resolve", "$window"), "half"),
                        Query(_quantile(0.9, "resolve", "$window"), "nine in ten"),
                    ),
                    "s",
                    12,
                ),
            ),
        ),
        Row(
            "Breach frequency",
            9,
            (
                Panel(
                    "timeseries",
                    "Breached, by what was owed",
                    "Share of the judged clocks in the window.",
                    (
                        Query(
                            f"1 - ({_compliance(' by (metric)', '$window')})".replace(
                                'metric=~"$metric", ', ""
                            ),
                            "{{metric}}",
                        ),
                    ),
                    "percentunit",
                    12,
                    alerts=("SlaComplianceLow",),
                    most=1,
                ),
                Panel(
                    "timeseries",
                    "Breaches, by severity",
                    "Clocks that passed their due time in the window.",
                    (Query(_breached(" by (severity)", "$window", _OF), "{{severity}}"),),
                    "none",
                    12,
                    alerts=("SlaBreached",),
                ),
            ),
        ),
        Row(
            "Recurrence",
            9,
            (
                Panel(
                    "timeseries",
                    "Recurrences among what was opened",
                    "Patterns found again in the window, a share of the escalations opened in it.",
                    (
                        Query(
                            "sum(increase(sla_outcomes_total"
                            f'{{{OF_WORKERS}, outcome="recurrence_detected"}}[$window]))'
                            " / (sum(increase(sla_events_total"
                            f'{{{OF_WORKERS}, verb="opened"}}[$window])) > 0)',
                            "recurrences",
                        ),
                    ),
                    "percentunit",
                    12,
                ),
                Panel(
                    "timeseries",
                    "Patterns that owe their flag",
                    "Recurring, and not yet told to product and operations.",
                    (Query(f"sum by (severity) (sla_open_patterns{{{_OF}}})", "{{severity}}"),),
                    "none",
                    12,
                ),
            ),
        ),
        Row(
            "Communication lapses",
            9,
            (
                Panel(
                    "timeseries",
                    "Updates missed, by audience",
                    "Intervals that passed without an update in the window.",
                    (
                        Query(
                            f"sum by (metric) (increase(sla_cadence_missed_total{{{_OF}}}[$window]))",
                            "{{metric}}",
                        ),
                    ),
                    "none",
                    8,
                    alerts=("SlaUpdateMissed",),
                ),
                Panel(
                    "timeseries",
                    "Promises missed, by severity",
                    "Promises that passed their time in silence in the window.",
                    (
                        Query(
                            f"sum by (severity) (increase(sla_commitments_missed_total{{{_OF}}}[$window]))",
                            "{{severity}}",
                        ),
                    ),
                    "none",
                    8,
                    alerts=("SlaPromiseMissed",),
                ),
                Panel(
                    "timeseries",
                    "Answers late",
                    "First and next responses that passed their due time in the window.",
                    (
                        Query(
                            'sum by (metric) (increase(sla_breaches_total{metric=~"(first|next)_response", '
                            f"{_OF}}}[$window]))",
                            "{{metric}}",
                        ),
                    ),
                    "none",
                    8,
                ),
            ),
        ),
    ),
)
