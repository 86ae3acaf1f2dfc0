"""What is kept of answers that take long, and that nothing is kept of those that cannot be made."""

import gc
import weakref

import pytest

from engine.console.kept import OLDEST_SECONDS, Kept


class Answer:
    """What was made."""


class Asked:
    """A key that says when nobody holds it any more."""


def refuse(_: Asked) -> str:
    raise ValueError("no such period")


def test_of_what_cannot_be_made_nothing_is_kept() -> None:
    kept: Kept[Asked, str] = Kept(refuse, 60.0)
    one = Asked()
    left = weakref.ref(one)
    with pytest.raises(ValueError, match="no such period"):
        kept.get(one)
    del one
    gc.collect()
    assert left() is None


def test_what_is_told_to_nobody_any_more_is_kept_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole archive may be in one answer, and what was erased since."""
    now = 0.0
    monkeypatch.setattr("engine.console.kept.time.monotonic", lambda: now)
    made: list[weakref.ref[Answer]] = []

    def make(_: str) -> Answer:
        answer = Answer()
        made.append(weakref.ref(answer))
        return answer

    kept: Kept[str, Answer] = Kept(make, 60.0)
    kept.get("before the erasure")
    now = OLDEST_SECONDS - 1
    kept.get("after it")
    gc.collect()
    assert [one() is None for one in made] == [False, False]
    now = OLDEST_SECONDS
    kept.get("later")
    gc.collect()
    assert [one() is None for one in made] == [True, False, False]


def test_what_failed_once_is_made_at_the_next_asking_and_then_kept() -> None:
    answers = iter((ValueError("not now"), "made"))

    def make(_: str) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(make, 60.0)
    with pytest.raises(ValueError, match="not now"):
        kept.get("key")
    assert [kept.get("key"), kept.get("key")] == ["made", "made"]
