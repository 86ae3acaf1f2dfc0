"""A review that was filled in is read back: what is missing is named by line, and events follow from it."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from told_accounts import SUBJECT, account, at, fact

from engine.contract.codec import Received, read_line
from engine.contract.moments import read_moment
from engine.core.facts import Fact
from engine.core.policy import Book
from engine.documents.moments import Zone
from engine.documents.rendering import Press
from engine.documents.review import review
from engine.documents.review_check import Checked, check
from engine.documents.review_events import events_of, refused
from engine.documents.review_form import BY_HAND, NoReview, fill_in

pytestmark = pytest.mark.slow

NOW = at("5 12:00")


def outage() -> list[Fact]:
    return [
        fact("opened", "09:00"),
        fact("acknowledged", "09:04", by="kim"),
        fact(
            "action_opened",
            "12:00",
            action_id="a-1",
            title="Alert on it",
            due_at="2026-04-01T10:00:00Z",
        ),
        fact("resolved", "16:00", resolution="Pool of 400", by="jo"),
    ]


@pytest.fixture(scope="module")
def skeleton(policies: Book, press: Press) -> str:
    return fill_in(review(account(policies, outage(), "16:30")), press).text


FILLED = {
    "| Stage | |": "| Stage | Final |",
    "| Published at | |": "| Published at | 2026-03-05 11:00 |",
    "| Published by | |": "| Published by | Kim |",
    "| Where it lies | |": "| Where it lies | <https://wiki.example/pir/1> |",
    "| Review held at | |": "| Review held at | 2026-03-04T15:00:00+01:00 |",
    "## What happened\n": "## What happened\n\nThe pool was full, so that\ncheckouts waited.\n",
    "## Impact in words\n": "## Impact in words\n\nNobody could pay for 7 hours.\n",
    "## Root cause\n": "## Root cause\n\nA pool of 20, and *no alert* on it.\n",
    "1. …\n2. …\n3. …\n4. …\n5. …": "1. Checkouts waited.\n2. The pool is 20: the default.",
    "| | | | |": "| a-2 | 400 \\| on | lee | 2026-03-20 |",
}


def filled(skeleton: str, **other: str) -> str:
    """With everything filled in; `other` are replaced by what they begin with."""
    text = skeleton
    for before, after in FILLED.items():
        text = text.replace(before, other.get(before, after))
    for name in ("Contributing factors", "What went well"):
        head, rest = text.split(f"## {name}\n", 1)
        text = f"{head}## {name}\n{rest.replace('- …', f'- One of {name}', 1)}"
    text = text.replace("| a-1 | Alert on it |  |", "| a-1 | Alert on it | jo |", 1)
    return "\n".join(line for line in text.split("\n") if not line.startswith("> **To fill in.**"))


def said(found: Checked, *, hints: bool = False) -> list[tuple[int, str]]:
    return [(one.line, one.text) for one in found.problems if one.is_hint == hints]


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_filled_review_is_ready_and_its_events_end_and_begin_clocks(skeleton: str, policies: Book) -> None:
    found = check(filled(skeleton), NOW)
    assert found.problems == []
    events = events_of(found.answers, "incident")
    assert [(event["time"], event["type"], event["data"]) for event in events] == [
        ("2026-03-04T14:00:00Z", "incident.pir_held.v1", {"url": "https://wiki.example/pir/1"}),
        (
            "2026-03-04T14:00:00Z", "incident.action_opened.v1",
            {"action_id": "a-2", "title": "400 | on", "owner": "lee", "due_at": "2026-03-20T23:59:59Z"},
        ),
        (
            "2026-03-05T11:00:00Z", "incident.rca_published.v1",
            {"stage": "final", "url": "https://wiki.example/pir/1", "by": "Kim"},
        ),
        (
            "2026-03-05T11:00:00Z", "incident.action_opened.v1",
            {"action_id": "a-1", "title": "Alert on it", "owner": "jo", "due_at": "2026-04-01T10:00:00Z"},
        ),
    ]  # fmt: skip
    told = [read_line(orjson.dumps(event)) for event in events]
    facts = [one.fact for one in told if isinstance(one, Received)]
    known = account(policies, outage() + facts + facts, "21 12:00")  # sent twice
    verdicts = {(o.metric, o.key): (o.name, o.effective_at) for o in known.standing if o.hash}
    assert verdicts["pir", ""] == ("met", at("4 14:00"))
    assert verdicts["rca_final", ""] == ("met", at("5 11:00"))
    assert verdicts["rca_summary", ""] == ("stopped_late", at("5 11:00"))
    assert verdicts["action", "a-2"][0] == "breached"
    assert [(one.id, one.owner, one.state) for one in review(known).actions] == [
        ("a-1", "jo", "open"), ("a-2", "lee", "missed, still open"),
    ]  # fmt: skip


def test_the_same_file_gives_the_same_events(skeleton: str) -> None:
    first, second = (
        events_of(check(filled(skeleton), now).answers, "ticket") for now in (NOW, at("9 12:00"))
    )
    assert first == second
    assert len({event["id"] for event in first}) == len(first)


def test_what_is_not_filled_in_is_named_with_its_line(skeleton: str) -> None:
    found = check(skeleton, NOW)
    assert not found.is_ready
    problems = dict(said(found))
    assert problems[line_of(skeleton, "| Stage |")] == "Stage: summary or final"
    assert problems[line_of(skeleton, "The conditions that together")] == "Root cause: nothing is filled in"
    assert problems[line_of(skeleton, "| a-1 | Alert")] == "Action a-1: an owner"
    assert len(problems) == 9


def test_the_summary_needs_less_than_the_final_report(skeleton: str) -> None:
    text = filled(
        skeleton, **{"| Stage | |": "| Stage | summary |", "| Review held at | |": "| Review held at | |"}
    )
    text = text.replace("- One of What went well", "- …").replace("1. Checkouts waited.", "1.")
    found = check(text, NOW)
    assert found.is_ready
    assert said(found, hints=True) == [
        (line_of(text, "1."), "Five whys: this why has no answer; fill it in, or take it away"),
        (
            line_of(text, "## What went well"),
            "What went well: nothing is filled in; the final stage needs it",
        ),
    ]
    assert [event["type"] for event in events_of(found.answers, "ticket")] == [
        "ticket.rca_published.v1", "ticket.action_opened.v1", "ticket.action_opened.v1",
    ]  # fmt: skip


WRONG = [
    ("| Stage | |", "| Stage | done |", "Stage: summary or final, found 'done'"),
    (
        "| Published at | |", "| Published at | on Friday |",
        "Published at: 'on Friday'; expected a date and a time, "
        "such as 2026-11-04 15:00 (UTC), or with its offset",
    ),
    (
        "| Published at | |", "| Published at | 2026-03-05 |",
        "Published at: '2026-03-05'; expected a date and a time, "
        "such as 2026-11-04 15:00 (UTC), or with its offset",
    ),
    (
        "| Review held at | |", "| Review held at | 2026-03-05 12:06 |",
        "Review held at: 2026-03-05 12:06 lies ahead; give it when it has happened",
    ),
    (
        "| | | | |", "| a-2 | More | lee | soon |",
        "Action a-2: 'soon'; expected a date, "
        "such as 2026-12-01 or 2026-12-01 17:00 (UTC), or with its offset",
    ),
    ("| | | | |", "| a-2 | More | lee | |", "Action a-2: a date by which it is done"),
    ("| | | | |", "| a-2 | More | | 2026-04-01 |", "Action a-2: an owner"),
    ("| | | | |", "| | More | lee | 2026-04-01 |", "Action 'More': an id of its own"),
    (
        "| | | | |", "| a-2 | More | lee | 2026-03-04 |",
        "Action a-2: 2026-03-04 is past; actions begin with the review",
    ),
    (
        "1. …\n2. …\n3. …\n4. …\n5. …", "1. So\n2. …",
        "Five whys: this why has no answer; fill it in, or take it away",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("place", "written", "problem"), WRONG)
def test_what_is_wrong_is_named_with_its_line(skeleton: str, place: str, written: str, problem: str) -> None:
    text = filled(skeleton, **{place: written})
    assert said(check(text, NOW)) == [(line_of(text, written.splitlines()[-1]), problem)]


def test_what_is_written_right_below_a_mark_counts(skeleton: str) -> None:
    lines = skeleton.splitlines()
    mark = line_of(skeleton, "The conditions that together")
    text = "\n".join([*lines[:mark], "A pool of 20. Kim forgot it.", *lines[mark:]]) + "\n"
    found = check(text, NOW)
    assert "Root cause: nothing is filled in" not in dict(said(found)).values()
    assert (mark + 1, "Kim forgot") in [(line, what[1:11]) for line, what in said(found, hints=True)]


def test_an_action_twice_is_named(skeleton: str) -> None:
    text = filled(skeleton, **{"| | | | |": "| a-1 | Another | lee | 2026-04-01 |"})
    first = line_of(text, "| a-1 | Alert on it | jo |")
    assert said(check(text, NOW)) == [(first + 1, f"Action a-1: line {first} has that id")]


def test_a_section_that_is_gone_is_named(skeleton: str) -> None:
    text = filled(skeleton).replace("## Root cause", "## Cause of the root")
    assert said(check(text, NOW)) == [(0, "the section 'Root cause': its heading is `## Root cause`")]


def test_blame_is_pointed_out_with_its_line_and_a_neutral_wording(skeleton: str) -> None:
    text = filled(
        skeleton,
        **{
            "## Root cause\n": "## Root cause\n\nA pool of 20.\nKim should have\nseen it; jo failed to act.\n"
        },
    )
    (first, second) = said(check(text, NOW), hints=True)
    assert first[0] == line_of(text, "Kim should have")
    assert first[1].startswith("“Kim should have seen”: hindsight; instead: what was known at that moment")
    assert second[0] == line_of(text, "jo failed to")
    assert second[1].startswith("“jo failed to”: a verb of guilt; instead: what did not happen")


def test_a_changed_timeline_is_warned_of_and_a_table_aligned_anew_is_not(skeleton: str) -> None:
    text = filled(skeleton)
    assert "| 2026-03-02 09:04 | \\+4 min | Acknowledged |" in text
    aligned = text.replace(
        "| 2026-03-02 09:04 | \\+4 min | Acknowledged |", "|2026-03-02 09:04 |  +4 min|Acknowledged  |"
    )
    assert check(aligned, NOW).problems == []
    edited = text.replace("\\+4 min", "\\+3 min")
    (hint,) = said(check(edited, NOW), hints=True)
    assert hint[0] == line_of(text, "## Timeline")
    assert hint[1].startswith("Timeline: is not as it was made from the log")
    gone = text[: text.index("## Timeline")] + text[text.index("## Root cause") :]
    ((_, hinted),) = said(check(gone, NOW), hints=True)
    assert hinted.startswith("Timeline: was taken out")


def test_the_rest_is_made_anew_around_what_was_filled_in(skeleton: str, policies: Book, press: Press) -> None:
    own = "## Thanks\n\nTo the night shift.\n\n[vigil review of]: "
    before = filled(skeleton).replace("[vigil review of]: ", own, 1).replace("\\+4 min", "\\+3 min")
    later = [*outage(), fact("resolution_confirmed", "17:00")]
    made = fill_in(review(account(policies, later, "17:30")), press, before).text
    assert "The customer confirmed the resolution" in made
    assert "\\+3 min" not in made
    assert made.count("## Thanks\n\nTo the night shift.") == 1
    found = check(made, NOW)
    assert found.problems == []
    assert found.answers == check(before, NOW).answers._replace(actions=found.answers.actions)
    assert fill_in(review(account(policies, later, "17:30")), press, made).text == made


def test_what_the_log_has_by_now_is_not_sent_again(skeleton: str, policies: Book, press: Press) -> None:
    summary = filled(skeleton, **{"| Stage | |": "| Stage | summary |"})
    sent = [read_line(orjson.dumps(event)) for event in events_of(check(summary, NOW).answers, "incident")]
    facts = outage() + [one.fact for one in sent if isinstance(one, Received)]
    facts.append(fact("action_completed", "8 10:00", action_id="a-1"))
    made = fill_in(review(account(policies, facts, "9 12:00")), press, summary).text
    assert "| a-1 | Alert on it | jo | 2026-04-01 10:00 | completed in time |" in made
    final = made.replace("| Stage | summary |", "| Stage | final |").replace("05 11:00 |", "09 11:00 |", 1)
    found = check(final, at("9 12:00"))
    assert found.problems == []
    assert [event["type"] for event in events_of(found.answers, "incident")] == [
        "incident.pir_held.v1", "incident.rca_published.v1",
    ]  # fmt: skip
    changed = check(
        final.replace("| a-1 | Alert on it | jo | 2026-04-01", "| a-1 | Other | jo | 2026-05-01", 1), NOW
    )
    assert [text for _, text in said(changed, hints=True)] == [
        "Action a-1 is completed in time in the log; the change is not sent"
    ]
    moved = check(final.replace("| lee | 2026-03-20 |", "| lee | 2026-05-01 |", 1), at("9 12:00"))
    assert [event["time"] for event in events_of(moved.answers, "incident")][-1] == "2026-03-09T11:00:00Z"


def test_a_file_that_is_no_review_or_another_ones_is_refused(
    skeleton: str, policies: Book, press: Press
) -> None:
    with pytest.raises(NoReview, match="no review that `vigil pir` made"):
        check("# Notes\n", NOW)
    known = account(policies, outage(), "16:30")
    known.subject = "desk:2"
    with pytest.raises(NoReview, match="is the review of desk:1, and not of desk:2"):
        fill_in(review(known), press, skeleton)


def test_what_the_engine_would_refuse_is_no_event(skeleton: str) -> None:
    text = filled(skeleton, **{"| | | | |": f"| a-2 | {'x' * 10_001} | lee | 2026-04-01 |"})
    (problem,) = refused(events_of(check(text, NOW).answers, "ticket"))
    assert "data.title" in problem.text


def test_html_in_what_is_filled_in_stays_text(skeleton: str) -> None:
    text = filled(skeleton, **{"| | | | |": "| a-2 | <b>`x`</b> | lee | 2026-04-01 |"})
    assert check(text, NOW).answers.actions[1].title == "<b>x</b>"


_TEXT = st.text(st.sampled_from("ab1 \n\t*_`#>-+=~|<>&;[]()!\\./:…x\u2028\u00a0"), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=st.lists(_TEXT, min_size=1, max_size=3), resolution=_TEXT)
def test_whatever_the_log_says_is_read_back_as_it_was_made(
    policies: Book, press: Press, titles: list[str], resolution: str
) -> None:
    facts = [fact("opened", "09:00", title=resolution), fact("resolved", "10:00", resolution=resolution)]
    facts += [
        fact("action_opened", "11:00", action_id=f"a{number}", title=title, owner="jo")
        for number, title in enumerate(titles)
    ]
    made = fill_in(review(account(policies, facts, "12:00")), press).text
    found = check(made, NOW)
    assert [one.text for one in found.problems if one.kind == "changed"] == []
    assert sorted((one.id, one.is_new) for one in found.answers.actions) == [
        (f"a{number}", False) for number in range(len(titles))
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab1. \n\t*_`#>-+=~|<>&;[]()!\\/:…To fill in\r\x0c\u2028"), max_size=80))
def test_whatever_a_person_writes_can_be_read(skeleton_text: str) -> None:
    head = "[vigil review of]: #desk%3A1\n\n## Five whys\n\n"
    assert check(f"{head}{skeleton_text}\n\n## Root cause\n\nx\n", NOW).answers.subject == SUBJECT


def test_the_skeleton_has_every_section_that_is_filled_in(skeleton: str) -> None:
    assert [
        line[3:] for line in skeleton.splitlines() if line.startswith("## ") and line[3:] in BY_HAND
    ] == list(BY_HAND)
    assert check(skeleton, NOW).answers.subject == SUBJECT


def test_lines_are_counted_as_markdown_counts_them(skeleton: str, policies: Book, press: Press) -> None:
    odd = "## What happened\n\nA form\x0cfeed, a\u2028separator.\n"
    text = filled(skeleton, **{"## What happened\n": odd}).replace(
        "A pool of 20", "Kim forgot the pool of 20"
    )
    assert said(check(text, NOW), hints=True)[0][0] == text[: text.index("Kim forgot")].count("\n") + 1
    made = fill_in(review(account(policies, outage(), "16:30")), press, text).text
    assert "A form\x0cfeed, a\u2028separator." in made
    assert check(made, NOW).answers.actions[1].title == "400 | on"


def test_times_are_told_and_read_in_the_zone_that_the_review_names(policies: Book, press: Press) -> None:
    oslo = Zone("Europe/Oslo")
    made = review(account(policies, outage(), "16:30"), zone=oslo)
    text = fill_in(made, press).text
    assert "All times are Europe/Oslo" in text
    assert "| Opened | 2026-03-02 10:00 |" in text
    assert "| a-1 | Alert on it |  | 2026-04-01 12:00 |" in text  # summer by then
    done = filled(text, **{"| Published at | |": "| Published at | 2026-03-05 12:30 |"})
    found = check(done.replace("| Alert on it |  |", "| Alert on it | lee |"), NOW)
    assert [one.text for one in found.problems if not one.is_hint] == []
    assert found.answers.published_at == at("5 11:30")
    assert {one.id: one.due for one in found.answers.actions if one.due} == {
        "a-1": read_moment("2026-04-01T10:00:00Z"), "a-2": read_moment("2026-03-20T22:59:59Z"),
    }  # fmt: skip
    again = fill_in(made, press, done).text
    assert check(again, NOW).answers.published_at == at("5 11:30")
    with pytest.raises(NoReview, match="tells times in Europe/Oslo, and not in UTC"):
        fill_in(review(account(policies, outage(), "16:30")), press, done)


@pytest.mark.parametrize(
    ("utc", "told"),
    [
        ("2026-10-24T23:30:00Z", "2026-10-25 01:30"),
        ("2026-10-25T00:30:00Z", "2026-10-25 02:30+02:00"),
        ("2026-10-25T01:30:00Z", "2026-10-25 02:30+01:00"),
        ("2026-10-25T02:30:05Z", "2026-10-25 03:30:05"),
        ("2026-03-29T01:00:00Z", "2026-03-29 03:00"),
    ],
)
def test_a_time_is_read_back_as_it_is_told(utc: str, told: str) -> None:
    zone = Zone("Europe/Oslo")
    assert (zone.minute(read_moment(utc)), zone.read(told)) == (told, read_moment(utc))


@pytest.mark.parametrize(
    "never_or_twice", ["2026-03-29 02:30", "2026-10-25 02:30", "2026-02-30", "9999-12-31"]
)
def test_a_time_that_a_zone_has_twice_or_never_is_not_guessed(never_or_twice: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Zone("Europe/Oslo").read(never_or_twice)
