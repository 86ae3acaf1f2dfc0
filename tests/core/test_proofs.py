"""What a verdict proves: its segments tell all of its time, and its hash all of what it says."""

import random
from itertools import pairwise

import pytest
from core_runs import Engine, at, book_of, fact, minutes, policy
from generated_facts import BOOK, facts
from msgspec.structs import replace

from engine.core.decide import Options
from engine.core.instants import DAY, MINUTE, Instant, Span
from engine.core.outcomes import VERDICTS, Outcome
from engine.core.proof import hash_of, is_intact
from engine.core.segments import MOST_SEGMENTS, Segment, where_it_went
from engine.core.standing import standing


def told(book_text: str, *given: tuple[str, float, dict[str, object]]) -> list[Outcome]:
    engine = Engine(book_of(policy(book_text)))
    for kind, minute, data in given:
        engine.tick_until(at(minute))
        engine.take(fact(kind, minute, **data))  # type: ignore[arg-type]
    return [outcome for outcome in engine.said if outcome.name in VERDICTS]


def drawn(outcome: Outcome) -> list[tuple[float, float, str, float, str]]:
    """(from, to, why, counted, hands), times in minutes."""
    return [
        (minutes(s.start), minutes(s.end), s.why, s.elapsed / MINUTE, f"{s.team} {s.owner}".strip())
        for s in outcome.segments
    ]


RESOLVE = "clocks: {resolve: {budget: {P1: 60m, P2: 2h @office}, pause: [pending_customer, pending_vendor]}}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            [("opened", 0, {"severity": "P1"}), ("resolved", 30, {})],
            [(0, 30, "", 30, "")],
            id="one run is one segment",
        ),
        pytest.param(
            [
                ("opened", 0, {"severity": "P1"}),
                ("paused", 10, {"reason": "pending_customer"}),
                ("paused", 15, {"reason": "pending_vendor"}),
                ("resumed", 25, {"reason": "pending_customer"}),
                ("resumed", 40, {"reason": "pending_vendor"}),
                ("resolved", 50, {}),
            ],
            [(0, 10, "", 10, ""), (10, 40, "paused:pending_customer", 0, ""), (40, 50, "", 10, "")],
            id="a pause is the reason's that began it",
        ),
        pytest.param(
            [
                ("opened", 0, {"severity": "P1"}),
                ("paused", 10, {"reason": "pending_vendor"}),
                ("resolved", 30, {}),
            ],
            [(0, 10, "", 10, ""), (10, 30, "paused:pending_vendor", 0, "")],
            id="stopped while paused, the pause is the last segment",
        ),
        pytest.param(
            [
                ("opened", 0, {"severity": "P1", "team": "blue"}),
                ("assigned", 10, {"owner": "ann"}),
                ("assigned", 30, {"team": "red", "owner": "bo"}),
                ("resolved", 40, {}),
            ],
            [(0, 10, "", 10, "blue"), (10, 30, "", 20, "blue ann"), (30, 40, "", 10, "red bo")],
            id="in whose hands it was",
        ),
        pytest.param(
            [
                ("opened", 0, {"severity": "P1"}),
                ("updated", 10, {"severity": "P3"}),
                ("updated", 40, {"severity": "P1"}),
                ("resolved", 50, {}),
            ],
            [(0, 10, "", 10, ""), (10, 40, "no_target", 0, ""), (40, 50, "", 10, "")],
            id="while nothing is owed nothing counts",
        ),
        pytest.param(
            [
                ("opened", 0, {"severity": "P1"}),
                ("updated", 10, {"severity": "P2"}),
                ("resolved", 50, {}),
            ],
            [(0, 10, "", 10, ""), (10, 50, "", 40, "")],
            id="another calendar is another segment",
        ),
        pytest.param(
            [
                ("opened", 0, {"severity": "P1"}),
                ("paused", 0, {"reason": "pending_vendor"}),
                ("assigned", 10, {"owner": "ann"}),
                ("resolved", 30, {}),
            ],
            [(0, 10, "paused:pending_vendor", 0, ""), (10, 30, "paused:pending_vendor", 0, "ann")],
            id="who has it in a pause has nothing of the budget",
        ),
        pytest.param(
            [
                ("opened", 400, {"severity": "P2"}),
                ("assigned", 900, {"owner": "ann"}),
                ("resolved", 1400, {}),
            ],
            [(400, 900, "", 20, ""), (900, 1400, "", 20, "ann")],
            id="handed over at night each has the open time of the own part",
        ),
        pytest.param(
            [
                ("opened", 0, {"severity": "P1"}),
                ("assigned", 10, {"owner": "ann"}),
                ("paused", 10, {"reason": "pending_vendor"}),
                ("assigned", 20, {"owner": "bo"}),
                ("resumed", 30, {}),
                ("resolved", 40, {}),
            ],
            [
                (0, 10, "", 10, ""),
                (10, 20, "paused:pending_vendor", 0, "ann"),
                (20, 30, "paused:pending_vendor", 0, "bo"),
                (30, 40, "", 10, "bo"),
            ],
            id="handed over with the pause and within it",
        ),
    ],
)
def test_the_segments_of_a_verdict(
    given: list[tuple[str, float, dict[str, object]]], expected: list[tuple[float, float, str, float, str]]
) -> None:
    verdict = told(RESOLVE, *given)[-1]
    assert drawn(verdict) == expected


HANDED = [
    # to whom and when, what the clock from 20 to 40 says
    ({}, [(20, 40, "")]),
    ({10: "ann"}, [(20, 40, "ann")]),
    ({10: "ann", 15: "bo"}, [(20, 40, "bo")]),
    ({20: "ann"}, [(20, 40, "ann")]),
    ({25: "ann"}, [(20, 25, ""), (25, 40, "ann")]),
    ({10: "ann", 30: "bo"}, [(20, 30, "ann"), (30, 40, "bo")]),
    ({10: "ann", 20: "bo", 30: "cy"}, [(20, 30, "bo"), (30, 40, "cy")]),
    ({25: "ann", 30: "bo"}, [(20, 25, ""), (25, 30, "ann"), (30, 40, "bo")]),
    ({20: "ann", 25: "bo", 30: "cy"}, [(20, 25, "ann"), (25, 30, "bo"), (30, 40, "cy")]),
    ({40: "ann"}, [(20, 40, "")]),
    ({10: "ann", 40: "bo"}, [(20, 40, "ann")]),
    ({10: "ann", 30: "bo", 40: "cy"}, [(20, 30, "ann"), (30, 40, "bo")]),
]


@pytest.mark.parametrize(("handed", "expected"), HANDED, ids=str)
def test_each_part_of_a_run_is_of_who_had_it_then(
    handed: dict[int, str], expected: list[tuple[float, float, str]]
) -> None:
    owners = [("assigned", minute, {"owner": owner}) for minute, owner in handed.items()]
    public: dict[str, object] = {"public": True}
    given = [("message_sent", 5, public), ("message_received", 20, public), *owners]
    verdict = told(
        "clocks: {next_response: {budget: {P1: 60m @office}}}",
        ("opened", 0, {"severity": "P1"}),
        *sorted(given, key=lambda one: one[1]),
        ("message_sent", 40, public),
    )[-1]
    assert [(start, end, hands) for start, end, _, _, hands in drawn(verdict)] == expected
    assert {part.calendar for part in verdict.segments} == {"office"}
    check(verdict)


def test_after_a_reopening_the_resolved_time_is_a_segment() -> None:
    first, second = told(
        RESOLVE,
        ("opened", 0, {"severity": "P1"}),
        ("resolved", 30, {}),
        ("reopened", 50, {}),
        ("resolved", 55, {}),
    )
    assert drawn(first) == [(0, 30, "", 30, "")]
    assert drawn(second) == [(0, 30, "", 30, ""), (30, 50, "resolved", 0, ""), (50, 55, "", 5, "")]


def test_a_verdict_tells_the_time_of_its_clock_and_all_of_it() -> None:
    paused, before = ("paused", 10, {"reason": "pending_vendor"}), ("resumed", 40, {})
    (met,) = told(RESOLVE, ("opened", 0, {"severity": "P1"}), paused, before, ("resolved", 50, {}))
    assert (met.elapsed, met.elapsed_calendar) == (20 * MINUTE, 50 * MINUTE)
    early = told(
        "clocks: {acknowledge: {budget: {P1: 15m}}}",
        ("opened", 0, {"severity": "P1"}),
        ("acknowledged", -5, {}),
    )
    assert [(one.name, one.elapsed, one.elapsed_calendar) for one in early] == [("met", 0, 0)]


def test_a_promise_and_a_cadence_prove_their_time_too() -> None:
    kept, updated = told(
        "cadence: {customer: {every: {P1: 60m}}}",
        ("opened", 0, {"severity": "P1", "owner": "ann"}),
        ("commitment_made", 5, {"commitment_id": "c", "due_at": int(at(60))}),
        ("assigned", 10, {"owner": "bo"}),
        ("commitment_kept", 20, {"commitment_id": "c"}),
        ("update_published", 30, {"audience": "customer"}),
    )
    assert drawn(kept) == [(5, 10, "", 5, "ann"), (10, 20, "", 10, "bo")]
    assert drawn(updated) == [(0, 10, "", 10, "ann"), (10, 30, "", 20, "bo")]


@pytest.mark.parametrize(
    ("pauses", "handed", "segments"), [(49, False, 99), (49, True, 100), (50, False, 101), (80, True, 162)]
)
def test_of_very_many_segments_the_oldest_are_one(pauses: int, handed: bool, segments: int) -> None:
    given: list[tuple[str, float, dict[str, object]]] = [("opened", 0, {"severity": "P1"})]
    given += [("assigned", 1 / 2, {"owner": "ann"})] * handed
    for number in range(pauses):
        given.append(("paused", 1 + number / 4, {"reason": "pending_customer"}))
        given.append(("resumed", 1 + number / 4 + 1 / 8, {"reason": "pending_customer"}))
    verdict = told(RESOLVE, *given, ("resolved", 22, {}))[-1]
    check(verdict)
    assert len(verdict.segments) == min(segments, MOST_SEGMENTS)
    oldest = verdict.segments[0]
    assert oldest.state == ("running" if segments <= MOST_SEGMENTS else "several")
    assert (oldest.calendar, oldest.team, oldest.owner) == ("", "", ""), "of several, none is said"


@pytest.mark.parametrize(
    ("why", "state", "reason"),
    [
        ("", "running", ""),
        ("paused:pending_vendor", "paused", "pending_vendor"),
        ("paused:", "paused", ""),
        ("resolved", "resolved", ""),
        ("no_target", "no_target", ""),
        ("several", "several", ""),
    ],
)
def test_only_of_a_pause_a_segment_has_a_reason(why: str, state: str, reason: str) -> None:
    part = Segment(at(0), at(1), why, "", Span(0), "", "")
    assert (part.state, part.reason) == (state, reason)


def check(verdict: Outcome) -> None:
    """What holds of every verdict: no time is missing, none counts twice, and the hash is over it."""
    assert is_intact(verdict)
    parts = verdict.segments
    assert all(part.start < part.end for part in parts)
    assert all(left.end == right.start for left, right in pairwise(parts))
    if parts:
        assert verdict.started_at == parts[0].start
        assert verdict.effective_at == parts[-1].end
        assert sum(part.elapsed for part in parts) == verdict.elapsed, verdict
    assert all(part.state in ("running", "several") or not part.elapsed for part in parts)


@pytest.mark.parametrize(
    "then",
    [
        pytest.param([("updated", 40, {"severity": "P2"})], id="owed by no severity"),
        pytest.param([("resolved", 10, {}), ("update_published", 20, {"audience": "internal"})], id="over"),
    ],
)
def test_a_cadence_that_is_waived_while_nothing_is_owed_counts_nothing(
    then: list[tuple[str, float, dict[str, object]]],
) -> None:
    said = told(
        "cadence: {internal: {every: {P1: 1h}}}",
        ("opened", 0, {"severity": "P1", "team": "blue"}),
        *then,
        ("assigned", 45, {"team": "red"}),
        ("waived", 50, {"metric": "internal_update", "reason": "agreed"}),
    )
    (verdict,) = [outcome for outcome in said if outcome.name == "waived"]
    check(verdict)
    assert verdict.elapsed == 0
    assert {why for _, _, why, _, _ in drawn(verdict)} == {"no_target"}


@pytest.mark.parametrize("movements", [False, True])
def test_the_segments_of_every_verdict_of_any_life_are_whole_and_add_up(movements: bool) -> None:
    seen = 0
    for seed in range(60):
        rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        life = facts(rng.choice, rng.randrange(1, 25))
        rng.shuffle(life)
        engine = Engine(BOOK, Options(say_movements=movements))
        for one in life:
            engine.take(one)
        engine.tick_until(Instant(at(5000) + 4 * DAY))
        for outcome in standing(engine.said):
            if outcome.name in VERDICTS:
                check(outcome)
                seen += 1
            else:
                assert (outcome.segments, outcome.hash) == ((), "")
    assert seen > 500


@pytest.mark.parametrize(
    "tampered",
    [
        {"effective_at": Instant(at(29))},
        {"elapsed": Span(29 * MINUTE)},
        {"due_at": Instant(at(61))},
        {"name": "stopped_late"},
        {"severity": "P2"},
        {"reason": "resolved"},
        {"segments": ()},
        {"hash": ""},
        {"subject": "desk:2"},
    ],
    ids=str,
)
def test_a_verdict_that_says_something_else_than_its_hash_is_recognised(tampered: dict[str, object]) -> None:
    (verdict,) = told(RESOLVE, ("opened", 0, {"severity": "P1"}), ("resolved", 30, {}))
    assert is_intact(verdict)
    assert not is_intact(replace(verdict, **tampered))


def test_what_needs_no_hash_is_intact_without_one() -> None:
    (verdict,) = told(RESOLVE, ("opened", 0, {"severity": "P1"}), ("resolved", 40, {}))
    assert is_intact(replace(verdict, name="breach_risk", hash=""))
    assert is_intact(replace(verdict, name="retracted", outcome=verdict.name, hash=""))
    assert not is_intact(replace(verdict, name="amended", outcome=verdict.name, hash=""))


def test_a_correction_carries_the_hash_of_the_verdict_as_corrected() -> None:
    engine = Engine(book_of(policy(RESOLVE)))
    engine.take(fact("opened", 0, severity="P1"))
    engine.take(fact("resolved", 30))
    engine.take(fact("assigned", 10, id="late", owner="ann"))
    amended = engine.said[-1]
    assert (amended.name, amended.outcome, amended.caused_by) == ("amended", "met", "late")
    assert drawn(amended) == [(0, 10, "", 10, ""), (10, 30, "", 20, "ann")]
    assert amended.hash == hash_of(amended) != engine.said[0].hash


def test_the_time_of_verdicts_is_added_up_by_hands_and_by_reason() -> None:
    ann, bo = ("ops", "ann"), ("ops", "bo")

    def part(start: float, end: float, why: str, counted: float, hands: tuple[str, str]) -> Segment:
        return Segment(at(start), at(end), why, "office", Span(int(counted * MINUTE)), *hands)

    spent = where_it_went(
        [
            part(0, 10, "", 10, ann),
            part(10, 14, "paused:pending_vendor", 0, ann),
            part(14, 20, "", 6, bo),
            part(20, 21, "paused:pending_vendor", 0, bo),
            part(21, 30, "paused:", 0, bo),
            part(30, 35, "resolved", 0, bo),
            part(35, 40, "", 5, ann),
        ]
    )
    assert {hands: span / MINUTE for hands, span in spent.counted.items()} == {ann: 15, bo: 6}
    assert {reason: span / MINUTE for reason, span in spent.paused.items()} == {"pending_vendor": 5, "": 9}
