"""What recurs: replayed, backtested, as now known and as reported, and which patterns may be one."""

import random
from itertools import combinations
from pathlib import Path

import orjson
import pytest
from replay_builders import RECURRING, event, names, replayed
from replay_builders import book as make_book

from engine.contract.codec import read_line
from engine.core.decide import Options
from engine.core.instants import Instant, parse_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.replay.as_of import AsOf
from engine.replay.backtesting import Backtest
from engine.replay.gather import Counts, by_subject, receive
from engine.replay.patterns import Member, Pattern, Patterns, near_misses
from engine.replay.relaying import Relaying
from engine.replay.replaying import Hearing, Wish
from engine.replay.sorting import Sorter
from engine.replay.verdicts import read_outcome, verdicts

NOBODY = Hearing(lambda _: None, lambda *_: None, lambda _: None)
MAIL = {"service": "mail", "component": "smtp"}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return make_book(tmp_path, RECURRING)


def lines() -> list[bytes]:
    """A queue that is stuck three times, flagged after the second; and once under another title."""
    return [
        event("opened", "09:00", "desk:1", title="Queue of 93 mails is stuck", **MAIL),
        event("opened", "10:00", "desk:2", title="Queue of 7 mails is stuck!", **MAIL),
        event("opened", "10:30", "desk:4", title="Mails stuck in the queue", **MAIL),
        event("recurrence_flagged", "11:00", SUBJECT, pattern="x", to=["product"], identity="flag"),
        event("opened", "11:30", "desk:3", title="queue of 11 mails is stuck", **MAIL),
    ]


SUBJECT = "pattern:mail-smtp-queue-of-mails-is-stuck-b647dd243afc"
EXPECTED = [
    ("10:00", "flag_recurrence", "recurrence_detected"),
    ("11:00", "flag_recurrence", "met"),
    ("11:30", "flag_recurrence", "recurrence_detected"),
    ("13:30", "flag_recurrence", "breached"),
]


def of_pattern(outcomes: list[dict[str, object]]) -> list[dict[str, object]]:
    return [one for one in outcomes if one["subject"] == SUBJECT]


def standing(outcomes: list[dict[str, object]]) -> list[Outcome]:
    return verdicts(map(read_outcome, map(orjson.dumps, outcomes)))


@pytest.mark.parametrize("as_reported", [False, True])
def test_a_replay_judges_the_pattern_and_names_its_members(book: Book, as_reported: bool) -> None:
    outcomes, replay, heard = replayed(book, lines(), until="14:00", as_reported=as_reported)
    said = of_pattern(outcomes)
    assert names(said) == EXPECTED
    data = [one["data"] for one in said]
    assert [one.get("members") for one in data] == [  # type: ignore[attr-defined]
        ["desk:1", "desk:2"], None, ["desk:1", "desk:2", "desk:3"], None,
    ]  # fmt: skip
    assert data[0]["notify"] == ["product"]  # type: ignore[index]
    assert (heard.rejected, heard.refused, replay.judged) == ([], [], {})


def test_in_whatever_order_the_lines_come_the_verdicts_are_those_of_the_live_engine(book: Book) -> None:
    told = [
        *lines(),
        event("updated", "10:10", "desk:2", fingerprint="other"),
        event("updated", "10:20", "desk:2", fingerprint=None),
        event("cancelled", "12:00", "desk:1", reason="spam"),
    ]
    expected, _, _ = replayed(book, told, until="16:00")
    assert [one["data"]["members"] for one in of_pattern(expected) if "members" in one["data"]] == [  # type: ignore[index,operator]
        ["desk:2", "desk:3"]
    ]
    for seed in range(20):
        random.Random(seed).shuffle(told)  # noqa: S311  # a seed makes it repeatable
        assert replayed(book, told, until="16:00")[0] == expected
        reported, _, _ = replayed(book, told, until="16:00", as_reported=True)
        assert standing(reported) == standing(expected)


def test_a_backtest_judges_each_side_with_the_patterns_of_its_own_policy(book: Book, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    coarser = make_book(other, RECURRING.replace("component, title]", "component]"))
    backtest = Backtest(book, coarser, Wish(until=parse_instant("2026-03-02T14:00:00Z")), NOBODY)
    read = ((str(place), read_line(line)) for place, line in enumerate(lines()))
    found = {(change.clock[0], change.clock[3], change.says) for change in backtest.run(read)}
    (by_service,) = {subject for subject, _, _ in found} - {SUBJECT}
    assert by_service.startswith("pattern:mail-smtp-")
    assert (SUBJECT, 1, (("met",), ())) in found
    assert (by_service, 1, ((), ("breached",))) in found


def test_what_a_late_event_changed_of_a_pattern_is_named_by_the_occurrence(book: Book) -> None:
    told = lines()
    told[1] = event("opened", "10:00", "desk:2", recorded="15:00", title="Queue of 7 mails is stuck!", **MAIL)
    day = AsOf(book, parse_instant("2026-03-02T14:00:00Z"), Options(), NOBODY)
    changes = list(day.run((str(place), read_line(line)) for place, line in enumerate(told)))
    (first, second) = [one for one in changes if one.clock[0] == SUBJECT]
    assert (first.clock[3], first.says) == (1, (("breached",), ("met",)))
    assert (second.clock[3], second.says) == (2, ((), ("breached",)))
    assert first.cause is not None
    assert first.cause[0].startswith("desk:2 ")


def test_a_pattern_that_was_said_and_is_known_to_be_none_is_a_change(book: Book) -> None:
    told = [
        *lines()[:2],
        event("cancelled", "10:30", "desk:2", recorded="20:00", reason="duplicate"),
        event("cancelled", "10:31", "desk:1", recorded="20:01", reason="spam"),
    ]
    day = AsOf(book, parse_instant("2026-03-02T14:00:00Z"), Options(), NOBODY)
    changes = list(day.run((str(place), read_line(line)) for place, line in enumerate(told)))
    assert [one.says for one in changes if one.clock[0] == SUBJECT] == [(("breached",), ())]
    assert {one.clock[0] for one in changes} == {SUBJECT, "desk:1", "desk:2"}


def found(book: Book, told: list[bytes], until: str) -> tuple[dict[str, Pattern], Patterns]:
    end = parse_instant(f"2026-03-02T{until}:00Z")
    read = Patterns(book, Options())
    relaying = Relaying(book, Options(), lambda: end)
    placed = ((f"events:{number}", line) for number, line in enumerate(told))
    with Sorter(tuple[str, int]) as sorter:
        known = by_subject(receive(placed, Counts(), lambda _: None), sorter, relaying)
        return {one.subject: one for one in read.read(known, end)}, read


def test_patterns_are_listed_with_their_members_and_the_state_of_their_flag(book: Book) -> None:
    told = [*lines(), event("opened", "09:00", "desk:9", title="Down")]
    patterns, read = found(book, told[:2], "10:01")
    assert (patterns[SUBJECT].state, patterns[SUBJECT].notify) == ("owed", ("product",))
    patterns, read = found(book, told, "11:10")
    assert (patterns[SUBJECT].state, patterns[SUBJECT].cycle) == ("owed", 2)
    assert [member.subject for member in patterns[SUBJECT].members] == ["desk:1", "desk:2", "desk:3"]
    patterns, read = found(book, told, "14:00")
    assert (patterns[SUBJECT].state, patterns[SUBJECT].at) == (
        "overdue",
        parse_instant("2026-03-02T13:30:00Z"),
    )
    assert (read.escalations, read.without) == (5, 1)
    patterns, _ = found(book, told[:4], "14:00")
    assert (patterns[SUBJECT].state, patterns[SUBJECT].at) == (
        "flagged",
        parse_instant("2026-03-02T11:00:00Z"),
    )


def test_an_action_item_of_a_pattern_that_is_done_flags_nothing(book: Book) -> None:
    item = {"action_id": "a", "title": "A guard", "owner": "kim", "due_at": "2026-03-02T15:00:00Z"}
    told = [
        *lines()[:1],
        event("action_opened", "09:30", SUBJECT, **item),
        event("action_completed", "09:40", SUBJECT, action_id="a"),
    ]
    patterns, _ = found(book, told, "14:00")
    (once,) = patterns.values()
    assert (once.state, once.at, once.cycle) == ("once", None, 0)
    waived = event("waived", "10:10", SUBJECT, metric="flag_recurrence", reason="known")
    late = event("action_completed", "10:20", SUBJECT, action_id="a")
    patterns, _ = found(book, [*lines()[:2], told[1], waived, late], "14:00")
    (recurred,) = patterns.values()
    assert (recurred.state, recurred.at, recurred.cycle) == ("waived", None, 1)


def test_near_misses_share_words_service_and_component(book: Book) -> None:
    elsewhere = event(
        "opened", "10:31", "desk:5", title="Mails stuck in the queue", service="mail", component="imap"
    )
    quite_other = event("opened", "10:32", "desk:6", title="Certificate expires", **MAIL)
    patterns, _ = found(book, [*lines(), elsewhere, quite_other], "12:00")
    (near,) = near_misses(patterns.values(), 0.5)
    assert (near.into.subject, [one.subject for one in near.other.members]) == (SUBJECT, ["desk:4"])
    assert near.similarity == pytest.approx(0.6)
    assert near_misses(patterns.values(), 0.7) == []


def test_a_person_makes_one_of_two_by_the_fingerprint(book: Book) -> None:
    one = event("updated", "10:40", "desk:4", fingerprint=SUBJECT.removeprefix("pattern:"))
    patterns, _ = found(book, [*lines(), one], "12:00")
    assert [member.subject for member in patterns[SUBJECT].members] == [
        "desk:1",
        "desk:2",
        "desk:4",
        "desk:3",
    ]
    assert near_misses(patterns.values(), 0.5) == []


def test_near_misses_are_those_of_all_pairs_compared() -> None:
    draw = random.Random(3)  # noqa: S311  # a seed makes it repeatable
    words = [f"w{chr(97 + number)}" for number in range(12)]
    group = [
        Pattern(
            f"p{number:02}",
            "mail",
            "smtp",
            [Member("s", Instant(number), "P1", title, "")],
            "once",
            None,
            0,
            (),
        )
        for number, title in enumerate(" ".join(draw.sample(words, draw.randrange(1, 6))) for _ in range(40))
    ]
    expected = {
        (left.fingerprint, right.fingerprint): 2 * len(both) / (len(one) + len(other))
        for left, right in combinations(group, 2)
        if (both := (one := {*left.title.split()}) & (other := {*right.title.split()}))
        and 2 * len(both) >= 0.5 * (len(one) + len(other))
    }
    found = near_misses(group, 0.5)
    assert {(one.into.fingerprint, one.other.fingerprint): one.similarity for one in found} == expected
    assert len(found) == len(expected) > 50
