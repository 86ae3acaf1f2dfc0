"""Tells the metrics what became durable."""

from engine.core.instants import MILLISECOND, SECOND, Instant
from engine.core.outcomes import Outcome
from engine.core.pace import Pace
from engine.metrics import Metrics
from engine.stream.clock import Clock
from engine.stream.delivery import Decision


class Observer:
    """Counts decisions once they are durable: an outcome that nobody can read has not been said."""

    def __init__(self, metrics: Metrics, clock: Clock, pace: Pace | None = None) -> None:
        self._metrics = metrics
        self._pace = pace
        self._judges_by_clock = not clock.event_time

    def settled(self, decision: Decision, now: Instant) -> None:
        """One chunk, durable at `now` of the engine's clock."""
        metrics, chunk = self._metrics, decision.chunk
        metrics.chunk(len(chunk.records), decision.seconds)
        metrics.events_taken(decision.verbs)
        for reason, count in decision.ignored.items():
            metrics.ignored(reason, count)
        for reason, count in decision.dead.items():
            metrics.dead_lettered(reason, count)
        metrics.noted(decision.noted)
        metrics.relays_sent(len(decision.relays))
        if decision.watermark is not None:
            metrics.watermark(chunk.partition, decision.watermark / SECOND)
        for outcome in decision.said:
            self._said(outcome, now)
        facts = decision.verbs.total()
        if facts and self._judges_by_clock:
            # The oldest record of the chunk stands for all: the worst is what an alert should see.
            recorded = chunk.records[0].timestamp * MILLISECOND
            delay = (
                None if decision.newest is None else (decision.newest.recorded - decision.newest.at) / SECOND
            )
            metrics.event_lag((now - recorded) / SECOND, delay, facts)

    def _said(self, outcome: Outcome, now: Instant) -> None:
        by_clock = self._judges_by_clock
        self._metrics.outcome_said(
            outcome.name,
            outcome.metric,
            outcome.severity,
            elapsed_calendar_s=outcome.elapsed_calendar / SECOND,
            consumed_ratio=outcome.consumed_ratio,
            lateness_s=(outcome.detected_at - outcome.effective_at) / SECOND if by_clock else None,
            visible_lateness_s=(now - outcome.effective_at) / SECOND if by_clock else None,
            corrects=outcome.outcome,
            team=outcome.team,
        )
        if self._pace is not None:
            error, forecasts = self._pace.squared_error(outcome)
            if forecasts:
                self._metrics.pace_judged(outcome.metric, error, forecasts)
