"""What stands after corrections is told the same however often and in whatever order it was read."""

import itertools
import random

import pytest
from core_runs import Engine, at, book_of, fact, policy
from msgspec.structs import replace

from comparing import canonical
from engine.core.facts import Fact
from engine.core.instants import HOUR, Instant, Span
from engine.core.outcomes import Outcome, PolicyRef, outcome_id
from engine.core.standing import CorrectionOfNothing, standing
from engine.core.taken_back import taken_back

DUE = Instant(10 * HOUR)


def said(
    name: str = "breached",
    seq: int = 1,
    *,
    due: Instant = DUE,
    threshold: str = "",
    subject: str = "t-1",
    corrects: Outcome | None = None,
    identity: str = "",
) -> Outcome:
    """An outcome of the resolve clock; a correction has an id of its own, as the engine gives it."""
    called = f"{name} {corrects.id} {seq}" if corrects else name
    return Outcome(
        name=name,
        id=identity or outcome_id(subject, "resolve", "", 1, called, threshold, due, due, ""),
        seq=seq,
        subject=subject,
        metric="resolve",
        cycle=1,
        policy=PolicyRef("standard", "1", "h"),
        severity="P1",
        started_at=Instant(0),
        due_at=due,
        effective_at=due,
        detected_at=Instant(due + seq),
        elapsed=Span(due),
        elapsed_calendar=Span(due),
        target=Span(due),
        threshold=threshold,
        caused_by="late-event" if corrects else "",
        corrects=corrects.id if corrects else "",
        outcome=(corrects.outcome or corrects.name) if corrects else "",
    )


def test_an_outcome_that_nothing_corrects_stands_without_what_depends_on_the_run() -> None:
    (one,) = standing([said(seq=4)])
    assert one == replace(said(), seq=0, detected_at=Instant(0))


def test_a_retraction_takes_its_outcome_away_and_does_not_stand_itself() -> None:
    breached, risk = said(seq=2), said("breach_risk", 1, threshold="75%")
    assert [one.name for one in standing([risk, breached, said("retracted", 3, corrects=breached)])] == [
        "breach_risk"
    ]


def test_an_amendment_stands_in_the_place_and_under_the_name_of_its_outcome() -> None:
    first = said()
    later = Instant(DUE + HOUR)
    assert standing([first, said("amended", 2, due=later, corrects=first)]) == standing([said(due=later)])


def test_a_correction_of_an_amendment_refers_to_the_amendment() -> None:
    first = said()
    amended = said("amended", 2, due=Instant(DUE + HOUR), corrects=first)
    again = said("amended", 3, corrects=amended)
    assert again.outcome == "breached"
    assert standing([first, amended, again]) == standing([said()])
    assert standing([first, amended, again, said("retracted", 4, corrects=again)]) == []


def test_what_is_said_again_after_its_retraction_stands_though_its_id_is_the_first_one() -> None:
    first, again = said(seq=1), said(seq=3)
    assert first.id == again.id
    assert standing([first, said("retracted", 2, corrects=first), again]) == standing([said()])


def test_an_outcome_read_twice_counts_once_retractions_and_amendments_too() -> None:
    first = said()
    amended = said("amended", 2, due=Instant(DUE + HOUR), corrects=first)
    retracted = said("retracted", 3, corrects=amended)
    other = said("met", 1, subject="t-2")
    assert standing([first, amended, retracted, other] * 2) == standing([other])


def test_the_order_of_reading_does_not_matter() -> None:
    first = said()
    amended = said("amended", 2, due=Instant(DUE + HOUR), corrects=first)
    everything = [
        first,
        amended,
        said("breach_risk", 3, threshold="75%"),
        said(subject="t-0"),
        said("met", 9),
    ]
    expected = list(map(canonical, standing(everything)))
    for order in itertools.permutations(everything):
        assert list(map(canonical, standing(order))) == expected


def test_standing_outcomes_are_in_order_of_time_then_subject_then_id() -> None:
    draw = random.Random(3)  # noqa: S311  # no secret
    many = [
        said(seq=n, due=Instant(DUE + draw.randrange(3)), subject=f"t-{draw.randrange(3)}", threshold=str(n))
        for n in range(1, 40)
    ]
    keys = [(one.effective_at, one.subject, one.id) for one in standing(many)]
    assert keys == sorted(keys)
    assert len(keys) == 39


def test_two_runs_that_found_the_same_at_other_times_have_the_same_bytes() -> None:
    quick, slow = said(seq=1), replace(said(seq=7), detected_at=Instant(DUE + 5 * HOUR))
    assert [*map(canonical, standing([quick]))] == [*map(canonical, standing([slow]))]


def test_what_was_never_corrected_stands_under_the_id_that_it_was_said_with() -> None:
    """So whoever replays the facts finds what was said live."""
    engine = Engine(
        book_of(
            policy(
                "risk: [50%]\nclocks: {resolve: {budget: {P1: 60m}}, confirm: {budget: {P1: 60m}}}\n"
                "cadence: {customer: {every: {P1: 20m}}}"
            )
        )
    )
    engine.take(fact("opened", 0, severity="P1"))
    engine.take(fact("commitment_made", 5, commitment_id="c1", due_at=int(at(55))))
    for minute, kind in ((40, "resolved"), (45, "reopened"), (50, "resolved"), (60, "cancelled")):
        engine.tick_until(at(minute))
        engine.take(fact(kind, minute))
    names = {(one.metric, one.name) for one in engine.said}
    assert {
        ("resolve", "breach_risk"),
        ("confirm", "cancelled"),
        ("commitment", "commitment_missed"),
    } <= names
    assert {one.cycle for one in engine.said if one.metric == "confirm"} == {1, 2}
    assert {one.id for one in standing(engine.said)} == {one.id for one in engine.said}
    assert len({one.id for one in engine.said}) == len(engine.said)


@pytest.mark.parametrize("name", ["retracted", "amended"])
def test_a_correction_of_what_was_never_said_is_refused_because_outcomes_are_missing(name: str) -> None:
    with pytest.raises(CorrectionOfNothing, match="outcomes are missing"):
        standing([said(name, 2, corrects=said())])


def test_outcomes_are_compared_by_all_that_they_say() -> None:
    assert canonical(said()) == canonical(said())
    others = [said(due=Instant(DUE + 1)), said(subject="t-2"), said("met"), said(threshold="75%")]
    assert len({canonical(one) for one in (said(), *others)}) == 1 + len(others)


def at_one_instant(*kinds: str) -> tuple[Engine, list[Fact]]:
    """Opened, and at minute 30 what came of it within one second."""
    engine = Engine(book_of(policy("clocks: {resolve: {budget: {P1: 4h, P2: 8h}}}")))
    told = [
        fact("opened", 0, severity="P1"),
        *(fact(kind, 30, id=str(n), sequence=str(n), reason="spam") for n, kind in enumerate(kinds, 1)),
    ]
    for one in told:
        engine.take(one)
    return engine, told


def test_what_is_said_twice_at_one_instant_has_two_ids_and_a_late_event_corrects_both() -> None:
    engine, _ = at_one_instant("resolved", "reopened", "resolved")
    assert [one.name for one in engine.said] == ["met", "met"]
    engine.take(fact("updated", 10, severity="P2"))
    twice, corrections = engine.said[:2], engine.said[2:]
    assert len({one.id for one in engine.said}) == 4
    assert [(one.name, one.corrects) for one in corrections] == [("amended", one.id) for one in twice]
    in_order = [one for one in standing(engine.said) if one.name == "met"]
    assert [one.severity for one in in_order] == ["P2"], "word for word the same counts once"


def test_what_a_late_event_says_at_the_instant_of_what_stands_has_another_id() -> None:
    engine, _ = at_one_instant("resolved", "reopened")
    engine.take(fact("acknowledged", 40))
    engine.take(fact("resolved", 30, id="3", sequence="3"))
    assert [(one.name, one.corrects) for one in engine.said] == [("met", ""), ("met", "")]
    assert engine.said[0].id != engine.said[1].id


def test_a_cancellation_that_was_taken_back_and_came_again_at_one_instant_stands() -> None:
    engine, told = at_one_instant("cancelled", "reopened")
    assert [one.name for one in engine.said if one.id in taken_back(standing(engine.said), told)] == [
        "cancelled"
    ]
    engine, told = at_one_instant("cancelled", "reopened", "cancelled")
    assert taken_back(standing(engine.said), told) == set()


def test_what_was_said_at_one_instant_of_changing_hands_stands_in_one_order() -> None:
    hands = [replace(said(seq=n, identity=owner), owner=owner) for n, owner in enumerate("hgfedcba")]
    for of in (hands, hands[::-1]):
        assert [one.owner for one in standing(of)] == list("abcdefgh")
