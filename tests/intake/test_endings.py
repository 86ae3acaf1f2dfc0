"""Of endings that a source takes back by telling the opening once more."""

from engine.core.instants import MINUTE, SECOND, Instant
from engine.intake.arrival import Said
from engine.intake.endings import BELIEVED_AFTER, Endings

END = Instant(1_000 * SECOND)
LATER = Instant(END + BELIEVED_AFTER)


def opened(subject: str = "alerts:1") -> Said:
    return Said(subject, "opened", {}, Instant(0), f"{subject}:opened", "incident")


def resolved(at: Instant = END, subject: str = "alerts:1") -> Said:
    return Said(subject, "resolved", {}, at, f"{subject}:resolved:{at // SECOND}", "incident")


def after(*said: Said, most: int = 10) -> Endings:
    endings = Endings(most=most)
    endings.remember("alerts", list(said), END)
    return endings


def test_an_opening_of_what_was_never_over_is_an_opening() -> None:
    assert not after(opened()).taken_back("alerts", [opened()], LATER)


def test_an_opening_after_the_end_is_a_reopening_the_same_at_each_repeat() -> None:
    endings = after(opened(), resolved())
    (first,) = endings.taken_back("alerts", [opened()], LATER)
    assert (first.subject, first.verb, first.at, first.family) == ("alerts:1", "reopened", LATER, "incident")
    assert endings.taken_back("alerts", [opened()], Instant(LATER + MINUTE)) == [first]


def test_one_that_comes_right_behind_the_end_may_be_a_late_one_of_another_replica() -> None:
    endings = after(resolved())
    assert not endings.taken_back("alerts", [opened()], Instant(LATER - 1))
    assert endings.taken_back("alerts", [opened()], LATER)


def test_one_that_comes_with_its_end_is_over() -> None:
    assert not after(resolved()).taken_back("alerts", [opened(), resolved()], LATER)


def test_an_end_that_is_told_again_forgets_no_reopening_and_another_end_awaits_its_own() -> None:
    endings = after(resolved())
    first = endings.taken_back("alerts", [opened()], LATER)
    endings.remember("alerts", [resolved()], LATER)
    assert endings.taken_back("alerts", [opened()], Instant(LATER + 1)) == first
    second_end = Instant(LATER + MINUTE)
    endings.remember("alerts", [resolved(second_end)], second_end)
    (second,) = endings.taken_back("alerts", [opened()], Instant(second_end + BELIEVED_AFTER))
    assert second.id != first[0].id


def test_a_reopening_never_lies_before_what_it_takes_back() -> None:
    """By the clock of the source, which may be ahead of ours."""
    ahead = Instant(LATER + MINUTE)
    (back,) = after(resolved(ahead)).taken_back("alerts", [opened()], LATER)
    assert back.at == ahead


def test_endings_of_another_door_are_another_s() -> None:
    assert not after(resolved()).taken_back("pages", [opened()], LATER)


def test_so_many_are_remembered_the_last_ones() -> None:
    three = [f"alerts:{n}" for n in (1, 2, 3)]
    endings = after(*(resolved(subject=one) for one in three), most=2)
    back = endings.taken_back("alerts", [opened(one) for one in three], LATER)
    assert [one.subject for one in back] == three[1:]
