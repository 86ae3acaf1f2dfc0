"""Nobody is paged for ever: once all that a life owes is done, no alert of it fires any more."""

import pytest
from core_runs import Engine, at, fact
from generated_facts import first_recorded
from wider_facts import wider_book, wider_life

from engine.core.facts import Fact, in_order
from engine.core.instants import DAY, Instant
from engine.core.outcomes import Outcome
from engine.notify.alert import FIRING, NOTE
from engine.notify.conditions import Cycle, Standing, alerts_of, concerns, cycle_of

pytestmark = pytest.mark.slow

SEEDS = 100
END = 10_000
BOOK = wider_book()


def _all_done(facts: list[Fact]) -> list[Fact]:
    """Reopened, so that no cancellation is in the way; then everything that anybody may wait for."""
    done = [fact("reopened", END), fact("resumed", END + 1), fact("resolved", END + 2)]
    for metric, verb in (("commitment", "kept"), ("action", "completed")):
        for key in sorted({one.text(f"{metric}_id") for one in facts} - {""}):
            done.append(fact(f"{metric}_{verb}", END + 3, id=f"{metric} {key}", **{f"{metric}_id": key}))  # type: ignore[arg-type]
    for audience in ("customer", "internal", "executive"):
        done.append(fact("update_published", END + 4, id=audience, audience=audience))
    done += [fact("rca_published", END + 5, stage="final"), fact("pir_held", END + 5)]
    done += [fact("unlinked", END + 6, to="desk:7"), fact("closed", END + 7)]
    return [*done, fact("acknowledged", END + 8), fact("resolution_confirmed", END + 8)]


def _firing(said: list[Outcome]) -> set[str]:
    """The keys of the alerts that fire in the end, but for those that never resolve."""
    stands: dict[Cycle, Standing] = {}
    firing: set[str] = set()
    for outcome in filter(concerns, said):
        before = stands.get(cycle_of(outcome), Standing({}))
        after = stands[cycle_of(outcome)] = before.with_(outcome)
        for alert in alerts_of(before, after, {}):
            (firing.add if alert.state == FIRING and alert.level != NOTE else firing.discard)(alert.key)
    return firing


def test_what_fires_of_any_life_is_over_when_all_of_it_is_done() -> None:
    for seed in range(SEEDS):
        facts = in_order(first_recorded(wider_life(seed)))
        engine = Engine(BOOK)
        for one in [*facts, *_all_done(facts)]:
            engine.take(one)
        engine.tick_until(Instant(at(END) + 2 * DAY))
        assert not _firing(engine.said), seed
