"""What the core says of clocks, cadences and promises against oracles that step through the minutes of lives.

`make soak` leads five thousand lives of each. VIGIL_ORACLE_ONLY='clock 7 12' leads the twelfth of world 7.
"""

import inspect
import os
import textwrap
from collections import Counter
from collections.abc import Callable

import pytest
from cadence_lives import CadenceWorld
from calendar_comparison import Mismatch
from clock_lives import ClockWorld
from hands_lives import HandsWorld
from oracle_worlds import A_WORLD, World, lead
from promise_lives import PromiseWorld

from engine.core.cadencer import Cadencer
from engine.core.judge import Judge
from engine.core.keeper import Keeper
from engine.core.runner import Runner

pytestmark = pytest.mark.slow

LIVES = max(60, int(os.environ.get("VIGIL_ORACLE_COMPARISONS", "0")) // 200)
ONLY = os.environ.get("VIGIL_ORACLE_ONLY", "")
WORLDS: dict[str, type[World]] = {
    "clock": ClockWorld,
    "cadence": CadenceWorld,
    "promise": PromiseWorld,
    "hands": HandsWorld,
}
SAID = {
    "clock": {
        *("breached", "met", "stopped_late", "cancelled", "waived"),
        *("breach_risk", "escalated", "credit_exposed"),
    },
    "cadence": {"cadence_missed", "met", "stopped_late", "cancelled", "credit_exposed"},
    "promise": {
        *("commitment_missed", "breached", "overdue", "breach_risk"),
        *("met", "stopped_late", "cancelled", "waived"),
    },
    "hands": {"breached", "met", "stopped_late", "cancelled", "waived", "breach_risk"},
}


@pytest.mark.skipif(not ONLY, reason="VIGIL_ORACLE_ONLY names no life")
def test_the_life_that_was_asked_for_is_told_as_stepping_through_the_minutes_tells_it() -> None:
    kind, world, life = ONLY.split()
    print(WORLDS[kind](int(world)).compare(int(life)))


@pytest.mark.skipif(bool(ONLY), reason="VIGIL_ORACLE_ONLY names a life")
@pytest.mark.parametrize("kind", WORLDS)
def test_random_lives_are_told_as_stepping_through_the_minutes_tells_them(kind: str) -> None:
    lives = lead(WORLDS[kind], LIVES)
    facts = sum(1 + len(life.events) for life, _ in lives)
    at_due = sum(any(one.due in {e.minute for e in life.events} for one in told) for life, told in lives)
    said = Counter(one.name for _, told in lives for one in told)
    print(
        f"{len(lives):,} lives of {facts:,} facts, {at_due:,} of them with a fact at a due time; said:", said
    )
    assert set(said) == SAID[kind]
    assert at_due > len(lives) / 20


# -- that the comparison bites: each row changes one piece of the core's source -------------------

MISTAKES = [
    ("clock", Judge, "advance", "e.alarm < now", "e.alarm <= now", "due judged at its very instant"),
    ("clock", Runner, "_reached", "at < end", "at <= end", "paused exactly at due is over"),
    ("clock", Runner, "_aim_anew", "overrun < at", "overrun <= at", "a change at the new due is late"),
    ("clock", Runner, "_aim_anew", "target.calendar != clock.calendar", "False", "the past counts anew"),
    ("clock", Runner, "retarget", "if clock.breached:", "if False:", "a change brings no credit"),
    ("clock", Runner, "start", "clock.owed = 0", "clock.owed = 1", "the first credit is not said"),
    (
        "clock",
        Runner,
        "_tier_at",
        "clock.budget + tier.overrun",
        "tier.overrun",
        "no budget before the overrun",
    ),
    ("clock", Runner, "_count", "clock.phase == RUNNING", "clock.phase in LIVE", "a pause counts"),
    ("clock", Runner, "_count", "clock.phase == RUNNING", "True", "the resolved time counts"),
    ("clock", Runner, "_mark_at", "at > clock.floor", "True", "warnings before the opening"),
    ("clock", Runner, "_climb", "mark.level > clock.levels", "True", "a level is said twice"),
    (
        "clock",
        Runner,
        "_climb",
        "clock.asked = at if",
        "clock.asked = clock.asked or at if",
        "one wait",
    ),
    ("clock", Runner, "acknowledge", "clock.asked = NOT_ASKED", "pass", "an acknowledgement answers nothing"),
    ("clock", Runner, "release", "clock.asked = at", "pass", "a pause counts as waiting"),
    ("clock", Runner, "stop", "clock.asked = NOT_ASKED", "pass", "a resolution ends no waiting"),
    ("clock", Runner, "cancel", "self._count(clock, at)", "pass", "a cancellation forgets what was used"),
    ("clock", Runner, "waive", "clock.phase = ENDED", "pass", "a budget that comes back ends a waiver"),
    ("cadence", Judge, "advance", "e.alarm < now", "e.alarm <= now", "an update at its due time is late"),
    ("cadence", Cadencer, "_ends_after", "due > at", "due >= at", "what is due at the change counts"),
    ("cadence", Cadencer, "retarget", "min(cadence.due, ", "max(0, ", "graver loosens"),
    ("cadence", Cadencer, "update", "cadence.misses = 0", "pass", "an update leaves what was missed"),
    ("cadence", Cadencer, "update", "min(stated, self", "max(stated, self", "a stated time loosens"),
    ("cadence", Cadencer, "reopen", "cadence.since = at", "pass", "a reopen goes on from the last update"),
    ("cadence", Cadencer, "update", "cadence.owed = 0", "pass", "an update leaves what was owed"),
    ("cadence", Cadencer, "close", "cadence.overdue", "False", "what was missed is closed in silence"),
    ("cadence", Cadencer, "_miss", "cadence.misses == 1", "True", "each miss begins the overrun anew"),
    ("cadence", Cadencer, "retarget", "self._expose(", "(lambda *_: 0)(", "a change brings no credit"),
    ("promise", Judge, "advance", "e.alarm < now", "e.alarm <= now", "kept at its very time is missed"),
    ("promise", Keeper, "renegotiate", "if deadline.missed:", "if False:", "a new time is no new cycle"),
    ("promise", Keeper, "renegotiate", "due == deadline.due", "False", "the same time moves it"),
    ("promise", Keeper, "make", "if deadline.phase == OPEN:", "if False:", "made again it is another"),
    ("promise", Keeper, "fire", "at == deadline.floor", "False", "what is overtaken is all said"),
    ("promise", Keeper, "_mark_at", "deadline.floor)", "0)", "warned before it was moved"),
    ("promise", Keeper, "_aim", "deadline.passed = 0", "pass", "another time warns no more"),
    ("promise", Keeper, "_next_cycle", "deadline.made = at", "pass", "another cycle counts from the first"),
    ("promise", Keeper, "_next_cycle", "deadline.reminded = 0", "pass", "days of before count on"),
    ("hands", Judge, "_in_hands", "owner and was_owner and", "owner and", "taken by one is handed over"),
    ("hands", Judge, "start", "clock.phase in LIVE or", "", "what bounces begins anew"),
    ("hands", Judge, "start", "e.status != OPEN", "False", "it stalls once it is resolved"),
    ("hands", Judge, "end_with_resolution", "if plan.ends_with_resolution:", "if False:", "so it does"),
    ("hands", Runner, "start", "clock.elapsed = Span(0)", "pass", "the next cycle has less time"),
    ("hands", Runner, "halt", "clock.phase = HALTED", "pass", "taken back, a cancellation ends it"),
]

LAST = {
    "clock: a resolution ends no waiting": (11, 5),
    "clock: paused exactly at due is over": (6, 11),
    "cadence: what is due at the change counts": (5, 14),
    "clock: the past counts anew": (4, 1),
    "clock: a change at the new due is late": (3, 17),
    "clock: due judged at its very instant": (2, 12),
    "clock: an acknowledgement answers nothing": (2, 7),
    "clock: a change brings no credit": (2, 5),
    "clock: the first credit is not said": (2, 3),
    "clock: no budget before the overrun": (2, 0),
    "clock: one wait": (2, 0),
}
"""World and life that showed it last, of those that take long to find: it is led first."""


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("name", "owner", "method", "right", "wrong"),
    [pytest.param(f"{row[0]}: {row[5]}", *row[1:5], id=f"{row[0]}: {row[5]}") for row in MISTAKES],
)
def test_the_oracle_finds_a_planted_mistake(
    name: str, owner: type, method: str, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, method, changed(getattr(owner, method), right, wrong))
    kind = name.partition(":")[0]
    with pytest.raises(Mismatch, match=f"VIGIL_ORACLE_ONLY='{kind}"):
        search(WORLDS[kind], LAST.get(name))


def search(world: type[World], last: tuple[int, int] | None) -> None:
    if last is not None:
        world(last[0]).compare(last[1])
    lead(world, 20 * A_WORLD)


def changed(method: Callable[..., object], right: str, wrong: str) -> Callable[..., object]:
    """The method with one piece of its source changed."""
    source = textwrap.dedent(inspect.getsource(method))
    assert right in source, f"{method.__qualname__} has no {right}: plant another mistake"
    made: dict[str, Callable[..., object]] = {}
    exec(source.replace(right, wrong), inspect.unwrap(method).__globals__, made)  # noqa: S102
    return made[method.__name__]
