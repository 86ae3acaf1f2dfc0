"""Two books over the same events: cases small enough to be counted by hand."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from replay_builders import event

from engine.contract.codec import Tick, read_line
from engine.core.decide import Options
from engine.core.instants import Instant, format_instant, parse_instant
from engine.core.policy import Book
from engine.policies import load
from engine.replay.backtesting import Backtest, newest
from engine.replay.changes import Change, in_json
from engine.replay.gather import Counts, Rejected, take
from engine.replay.replaying import Hearing, Wish

HEAD = "policy: {name}\neffective_from: {since}\ndefault_severity: P1\nrisk: [50%]\n"


def policy(clocks: str, *, name: str = "test", since: str = "2020-01-01T00:00:00Z", more: str = "") -> str:
    return HEAD.format(name=name, since=since) + f"clocks:\n{clocks}\n{more}"


FOUR = policy("  resolve: {budget: {P0: 1h, P1: 4h}}")
TWO = policy("  resolve: {budget: {P0: 1h, P1: 2h}}")


def opened(at: str, subject: str, customer: str, team: str = "blue") -> bytes:
    return event("opened", at, subject, customer={"id": customer}, team=team)


def resolved(at: str, subject: str) -> bytes:
    return event("resolved", at, subject, by="x")


LINES = [
    opened("09:00", "desk:1", "acme"),
    resolved("10:00", "desk:1"),  # met by both
    opened("09:00", "desk:2", "acme", "red"),
    resolved("12:00", "desk:2"),  # met in four hours, not in two
    opened("09:00", "desk:3", "bolt"),
    resolved("12:30", "desk:3"),  # the same
    opened("09:00", "desk:4", "acme"),
    resolved("14:00", "desk:4"),  # met by neither: breached at another time
    opened("13:00", "desk:5", "core"),  # open at 16:00: over two hours, not over four
    event("updated", "16:00", "desk:5"),
]


def book(folder: Path, *policies: str) -> Book:
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(policies):
        (folder / f"{number}.yaml").write_text(text)
    return load(folder)


def tried(
    before: Book, after: Book, lines: Iterable[bytes] = LINES, until: str | None = None
) -> tuple[list[Change], Backtest, list[Rejected]]:
    rejected: list[Rejected] = []
    end = None if until is None else parse_instant(f"2026-03-02T{until}:00Z")
    hearing = Hearing(rejected.append, lambda *_: None, lambda _: None)
    backtest = Backtest(before, after, Wish(end, options=Options()), hearing)
    read = ((f"events:{number}", read_line(line)) for number, line in enumerate(lines, 1))
    return list(backtest.run(read)), backtest, rejected


@pytest.fixture
def shorter(tmp_path: Path) -> tuple[list[Change], Backtest]:
    """Four hours against two."""
    found, backtest, _ = tried(book(tmp_path / "before", FOUR), book(tmp_path / "after", TWO))
    return found, backtest


def test_each_clock_with_another_verdict_is_found_with_both_sides(
    shorter: tuple[list[Change], Backtest],
) -> None:
    found, backtest = shorter
    verdicts = {change.clock[0]: change.says for change in found if change.is_verdict}
    assert verdicts == {
        "desk:2": (("met",), ("breached", "stopped_late")),
        "desk:3": (("met",), ("breached", "stopped_late")),
        "desk:5": ((), ("breached",)),
    }
    assert backtest.sums.changed == 3


def test_clocks_that_keep_their_verdict_are_counted_apart(shorter: tuple[list[Change], Backtest]) -> None:
    found, backtest = shorter
    same = {change.clock[0]: change.figures[:1] for change in found if not change.is_verdict}
    assert same == {"desk:1": ["due_at"], "desk:4": ["due_at"]}
    assert dict(backtest.sums.moved) == {("resolve", "P1", "due_at"): 2}


def test_sums_tell_what_each_side_says_by_metric_and_severity(
    shorter: tuple[list[Change], Backtest],
) -> None:
    _, backtest = shorter
    assert backtest.sums.said() == [
        ("resolve", "P1", "breach_risk", 4, 4),  # half of four hours: 2, 3, 4, 5; of two: not 1, at 10:00
        ("resolve", "P1", "breached", 1, 4),
        ("resolve", "P1", "met", 3, 1),
        ("resolve", "P1", "stopped_late", 1, 3),
    ]


def test_kinds_of_change_are_counted_with_the_first_of_each_as_its_example(
    shorter: tuple[list[Change], Backtest],
) -> None:
    _, backtest = shorter
    late = ("resolve", "P1", ("met",), ("breached", "stopped_late"))
    assert backtest.sums.ranked() == [(late, 2), (("resolve", "P1", (), ("breached",)), 1)]
    shown = in_json(backtest.sums.examples[late], "before", "after")
    assert shown == {
        "subject": "desk:2", "metric": "resolve", "cycle": 1, "severity": "P1",
        "customer": "acme", "team": "red",
        "before": [{
            "outcome": "met", "effective_at": "2026-03-02T12:00:00Z", "due_at": "2026-03-02T13:00:00Z",
            "elapsed_seconds": 10_800.0, "target_seconds": 14_400.0,
        }],
        "after": [{
            "outcome": "breached", "effective_at": "2026-03-02T11:00:00Z", "due_at": "2026-03-02T11:00:00Z",
            "elapsed_seconds": 7_200.0, "target_seconds": 7_200.0,
        }, {
            "outcome": "stopped_late", "effective_at": "2026-03-02T12:00:00Z",
            "due_at": "2026-03-02T11:00:00Z", "elapsed_seconds": 10_800.0, "target_seconds": 7_200.0,
        }],
    }  # fmt: skip


def test_customers_and_teams_are_ranked_by_their_clocks_that_differ(
    shorter: tuple[list[Change], Backtest],
) -> None:
    _, backtest = shorter
    assert backtest.sums.customers == [("acme", 1, 0, 1), ("bolt", 1, 0, 1), ("core", 1, 0, 1)]
    assert backtest.sums.teams == [("blue", 2, 0, 2), ("red", 1, 0, 1)]


def test_the_same_policies_written_otherwise_differ_in_nothing(tmp_path: Path) -> None:
    otherwise = FOUR.replace("4h", "240m").replace("policy: test", "# the same\npolicy: other")
    found, backtest, _ = tried(book(tmp_path / "before", FOUR), book(tmp_path / "after", otherwise))
    assert (found, backtest.sums.changed, backtest.sums.moved.total()) == ([], 0, 0)


def test_lines_in_any_order_and_twice_give_the_same_changes(tmp_path: Path) -> None:
    before, after = book(tmp_path / "before", FOUR), book(tmp_path / "after", TWO)
    shuffled = [*reversed(LINES), *LINES[:4]]
    assert tried(before, after, shuffled)[0] == tried(before, after)[0]


def test_until_judges_both_as_of_that_time(tmp_path: Path) -> None:
    found, backtest, _ = tried(book(tmp_path / "before", FOUR), book(tmp_path / "after", TWO), until="11:30")
    assert [change.clock[0] for change in found if change.is_verdict] == ["desk:2", "desk:3", "desk:4"]
    assert backtest.counts.after_until == 5


def test_a_metric_that_only_one_folder_owes_is_told_and_its_verdicts_differ(tmp_path: Path) -> None:
    more = policy("  resolve: {budget: {P1: 4h}}\n  contact: {budget: {P1: 1h}}")
    told = policy("  resolve: {budget: {P1: 4h}}", more="cadence: {internal: {every: {P1: 8h}}}")
    found, backtest, _ = tried(book(tmp_path / "before", told), book(tmp_path / "after", more), LINES[:2])
    assert backtest.owed == (["internal_update"], ["contact"])
    assert [(change.clock[1], change.says) for change in found] == [("contact", ((), ("met",)))]


def test_a_version_that_begins_after_the_events_judged_nothing_and_says_so(tmp_path: Path) -> None:
    later = policy("  resolve: {budget: {P0: 1h, P1: 2h}}", since="2027-01-01T00:00:00Z")
    before, after = book(tmp_path / "before", FOUR), book(tmp_path / "after", FOUR, later)
    found, backtest, _ = tried(before, after)
    assert found == []
    assert [[one.version for one in side] for side in backtest.unused] == [[], ["2027-01-01T00:00:00Z"]]
    found, backtest, _ = tried(newest(before), newest(after))
    assert (backtest.sums.changed, backtest.unused) == (3, ([], []))


def test_a_version_whose_clocks_run_without_a_word_so_far_is_not_said_to_judge_nothing(
    tmp_path: Path,
) -> None:
    lines = [opened("09:00", "desk:1", "acme")]
    _, backtest, _ = tried(book(tmp_path / "before", FOUR), book(tmp_path / "after", TWO), lines)
    assert backtest.unused == ([], [])


def test_severity_rules_that_begin_after_the_events_judged_nothing_and_say_so(tmp_path: Path) -> None:
    rules = "severity: [{severity: P0, when: {workaround: false}}]\n"
    later = f"{rules}effective_from: 2027-01-01T00:00:00Z\n"
    events = [
        event("opened", "09:00", severity=None, impact={"workaround": False}),
        event("resolved", "11:00"),
    ]
    before, after = book(tmp_path / "before", FOUR), book(tmp_path / "after", FOUR, later)
    found, backtest, _ = tried(before, after, events)
    assert found == []
    assert [[format_instant(one.effective_from) for one in side] for side in backtest.to_come] == [
        [],
        ["2027-01-01T00:00:00Z"],
    ]
    found, backtest, _ = tried(newest(before), newest(after), events)
    assert [change.says for change in found] == [(("met",), ("breached", "stopped_late"))]
    assert backtest.to_come == ([], [])


def test_escalations_that_no_policy_takes_are_counted_a_side(tmp_path: Path) -> None:
    only = policy("  resolve: {budget: {P1: 4h}}", more="match: {customer: acme}")
    _, backtest, _ = tried(book(tmp_path / "before", FOUR), book(tmp_path / "after", only))
    assert backtest.unclassified == (0, 2)


def test_what_cannot_be_read_is_named_and_the_rest_is_judged(tmp_path: Path) -> None:
    before, after = book(tmp_path / "before", FOUR), book(tmp_path / "after", TWO)
    lines = [b"{", event("opened", "09:00", colour="red"), event("frozen", "09:00"), *LINES]
    _, backtest, rejected = tried(before, after, lines)
    assert [one.place for one in rejected] == ["events:1"]
    assert (backtest.counts.rejected, backtest.counts.ignored.total()) == (1, 1)
    assert backtest.sums.changed == 3


def test_a_tick_of_the_commands_topic_is_counted_and_left_out() -> None:
    counts = Counts()
    assert list(take([("commands/0/1", Tick("desk:1", Instant(0)))], counts, lambda _: None)) == []
    assert counts.ignored == {"tick": 1}


def test_nothing_at_all_is_a_backtest_too(tmp_path: Path) -> None:
    found, backtest, _ = tried(book(tmp_path / "before", FOUR), book(tmp_path / "after", TWO), [])
    assert (found, backtest.counts.events, backtest.until) == ([], 0, Instant(0))
