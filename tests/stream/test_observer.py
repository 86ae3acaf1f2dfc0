"""What the observer tells the metrics of forecasts, once their clock's verdict is durable."""

from faust.types import TP
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from engine.contract.examples import example_outcome
from engine.core.instants import MINUTE, Span
from engine.core.outcomes import Outcome
from engine.core.pace import STAGES, Kind, Pace
from engine.metrics import Metrics
from engine.stream.chunks import Chunk, PositionedRecords
from engine.stream.clock import RealClock
from engine.stream.delivery import Decision
from engine.stream.observer import Observer

PACE = Pace({("resolve", "P1"): Kind(100, 50, 0, (100,) * len(STAGES))})


def verdict(name: str, minutes: int, severity: str = "P1") -> Outcome:
    return replace(
        example_outcome(name), metric="resolve", severity=severity,
        elapsed=Span(minutes * MINUTE), target=Span(100 * MINUTE),
    )  # fmt: skip


def counted(pace: Pace | None, *said: Outcome) -> dict[str, list[tuple[str, str, float]]]:
    """The series of the forecasts' counters: metric, severity, value."""
    metrics, clock = Metrics(), RealClock()
    decision = Decision(Chunk(TP("tickets", 0), PositionedRecords(), 1))
    decision.said = list(said)
    Observer(metrics, clock, pace).settled(decision, clock.now())
    return {
        sample.name: [(s.labels["metric"], s.value) for s in family.samples]
        for family in text_string_to_metric_families(metrics.exposition()[0].decode())
        if family.name.startswith("sla_pace")
        for sample in family.samples
    }


def test_the_errors_of_all_forecasts_of_a_verdict_are_added_up() -> None:
    said = (
        verdict("met", 12),
        verdict("breached", 100),
        verdict("stopped_late", 130),
        verdict("met", 12, "P2"),
    )
    assert counted(PACE, *said) == {
        "sla_pace_forecasts_total": [("resolve", 3 + 20)],
        "sla_pace_squared_error_total": [("resolve", 23 * 0.25)],
    }


def test_without_a_pace_nothing_is_forecast() -> None:
    assert counted(None, verdict("met", 12), verdict("breached", 100)) == {}
