"""What the core says of a clock against an independent oracle that steps through the minutes of its life.

`make soak` leads ten thousand lives. VIGIL_ORACLE_ONLY='7 12' leads the twelfth of world 7.
"""

import inspect
import os
import textwrap
from collections import Counter
from collections.abc import Callable

import pytest
from calendar_comparison import Mismatch
from clock_lives import World
from clock_oracle import Life, Said

from engine.core.clocks import Runner
from engine.core.escalation import Judge

LIVES = max(60, int(os.environ.get("VIGIL_ORACLE_COMPARISONS", "0")) // 100)
A_WORLD = 20
ONLY = os.environ.get("VIGIL_ORACLE_ONLY", "")


def lead(lives: int) -> list[tuple[Life, list[Said]]]:
    """So many lives, and what was said of each. Mismatch at the first that the core tells otherwise."""
    worlds = map(World, range(lives // A_WORLD))
    return [world.compare(seed) for world in worlds for seed in range(A_WORLD)]


@pytest.mark.skipif(not ONLY, reason="VIGIL_ORACLE_ONLY names no life")
def test_the_life_that_was_asked_for_is_told_as_stepping_through_the_minutes_tells_it() -> None:
    world, life = map(int, ONLY.split())
    print(World(world).compare(life))


@pytest.mark.skipif(bool(ONLY), reason="VIGIL_ORACLE_ONLY names a life")
def test_random_lives_of_a_clock_are_told_as_stepping_through_the_minutes_tells_them() -> None:
    lives = lead(LIVES)
    facts = sum(1 + len(life.events) for life, _ in lives)
    at_due = sum(any(one.due in {e.minute for e in life.events} for one in told) for life, told in lives)
    said = Counter(one.name for _, told in lives for one in told)
    print(
        f"{len(lives):,} lives of {facts:,} facts, {at_due:,} of them with a fact at a due time; said: {said}"
    )
    assert set(said) == {"breached", "met", "stopped_late", "cancelled", "breach_risk", "escalated"}
    assert at_due > len(lives) / 20


# -- that the comparison bites: each row changes one piece of the core's source -------------------

MISTAKES = [
    (Judge.advance, "e.alarm < now", "e.alarm <= now", "due judged at its very instant"),
    (Runner._reached, "at < end", "at <= end", "paused exactly at due is over"),
    (Runner.retarget, "overrun < at", "overrun <= at", "a change at the new due is late"),
    (Runner.retarget, "target.calendar != clock.calendar", "False", "the past counts anew"),
    (Runner.release, "max(at, clock.started)", "clock.started", "a pause counts"),
    (Runner.reopen, "max(at, clock.started)", "clock.mark", "the resolved time counts"),
    (Runner._mark_at, "at > clock.floor", "True", "warnings before the opening"),
]


@pytest.mark.parametrize(
    ("method", "right", "wrong"), [pytest.param(*row[:3], id=row[3]) for row in MISTAKES]
)
def test_the_oracle_finds_a_planted_mistake(
    method: Callable[..., object], right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = {"Judge": Judge, "Runner": Runner}[method.__qualname__.split(".")[0]]
    monkeypatch.setattr(owner, method.__name__, changed(method, right, wrong))
    with pytest.raises(Mismatch, match="VIGIL_ORACLE_ONLY"):
        lead(400)


def changed(method: Callable[..., object], right: str, wrong: str) -> Callable[..., object]:
    """The method with one piece of its source changed."""
    source = textwrap.dedent(inspect.getsource(method))
    assert right in source, f"{method.__qualname__} has no {right}: plant another mistake"
    made: dict[str, Callable[..., object]] = {}
    exec(source.replace(right, wrong), inspect.unwrap(method).__globals__, made)  # noqa: S102
    return made[method.__name__]
