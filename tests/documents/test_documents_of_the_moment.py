"""Triage sheet, war-room guide, status updates and brief: nothing in them that the events do not say."""

from pathlib import Path
from typing import Any

import pytest

from engine.archive.account import Account
from engine.cli.status_update import Moment
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import Instant, parse_instant
from engine.core.policy import Book
from engine.documents.brief import executive_brief
from engine.documents.lateness import late_by
from engine.documents.moments import Zone
from engine.documents.rendering import SHIPPED, Press
from engine.documents.review import review
from engine.documents.situation import NotOpened, Situation
from engine.documents.status_update import NoUpdate, status_update
from engine.documents.triage import triage_sheet
from engine.documents.war_room import war_room_guide
from engine.documents.way import margin
from engine.documents.writing import Document, write
from engine.policies import load
from engine.replay.judging import Bench

POLICIES = Path(__file__).parents[2] / "docs" / "examples" / "p0-checkout" / "policies"
SUBJECT = "incidents:INC-1"


@pytest.fixture(scope="module")
def book() -> Book:
    return load(POLICIES)


def at(clock: str) -> Instant:
    """A time of the day of the story, in UTC."""
    return parse_instant(f"2026-11-12T{clock}:00+00:00")


def at_iso(clock: str) -> str:
    return f"2026-11-12T{clock}:00Z"


def situation(book: Book, now: str, *events: tuple[str, str, dict[str, Any]]) -> Situation:
    facts = [
        Fact("test", str(n), verb, at(clock), at(clock), "", data)
        for n, (clock, verb, data) in enumerate(events)
    ]
    said = Bench(book, Options(), lambda *_: None).judge(
        SUBJECT, [f for f in facts if f.at <= at(now)], at(now)
    )
    return Situation(Account(SUBJECT, facts, said), book, at(now))


OPENED = ("12:00", "opened", {"title": "Checkout fails"})
P0 = ("12:05", "triaged", {"severity": "P0", "impact": {"scope": "all", "workaround": False}, "by": "Ines"})


def data(document: Document) -> dict[str, Any]:
    return dict(document.data)


# -- times --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "Thu 12 Nov 2026, 23:20 UTC"),
        ("Europe/Oslo", "Fri 13 Nov 2026, 00:20 UTC+01:00 (Thu 12 Nov, 23:20 UTC)"),
        ("America/New_York", "Thu 12 Nov 2026, 18:20 UTC-05:00 (23:20 UTC)"),
        ("Asia/Kathmandu", "Fri 13 Nov 2026, 05:05 UTC+05:45 (Thu 12 Nov, 23:20 UTC)"),
    ],
)
def test_a_time_is_told_in_the_zone_with_its_offset_and_in_utc(zone: str, text: str) -> None:
    told = Zone(zone).moment(at("23:20"))
    assert told is not None
    assert told["text"] == text
    assert told["at"] == "2026-11-12T23:20:00Z"


def test_times_are_told_in_the_zone_of_the_policys_business_calendar(book: Book) -> None:
    assert situation(book, "12:01", OPENED).zone.name == "Europe/Stockholm"


# -- triage -------------------------------------------------------------------------------------------------


def test_rules_that_unknown_facts_leave_open_say_what_to_ask(book: Book) -> None:
    matrix = data(triage_sheet(situation(book, "12:01", OPENED)))["matrix"]
    assert matrix["by_rules"] is None
    assert matrix["ask_first"] == ["data loss", "reach", "workaround", "affected customers", "customer tier"]
    assert {rule["stands"] for rule in matrix["rules"]} == {"open"}


def test_the_bounds_of_a_rule_are_told_whole(tmp_path: Path) -> None:
    rules = "severity:\n  - {severity: P1, when: {revenue_at_risk: {at_least: 1234567}, priority: 1}}\n"
    begins = "---\npolicy: standard\neffective_from: 2026-01-01T00:00:00Z\n"
    (tmp_path / "policy.yaml").write_text(rules + begins, encoding="utf-8")
    (rule,) = data(triage_sheet(situation(load(tmp_path), "12:01", OPENED)))["matrix"]["rules"]
    assert rule["when"] == "priority: 1 and revenue at risk: at least 1,234,567"


def test_a_graver_rule_that_is_open_is_asked_for_though_another_applies(book: Book) -> None:
    told = ("12:02", "updated", {"impact": {"affected_customers": 30, "workaround": True}})
    matrix = data(triage_sheet(situation(book, "12:03", OPENED, told)))["matrix"]
    assert (matrix["by_rules"], matrix["because"]) == ("P1", "twenty customers or more")
    assert matrix["ask_first"] == ["data loss"]


def test_a_person_who_states_another_severity_than_the_rules_is_told_of_it(book: Book, press: Press) -> None:
    stated = ("12:02", "triaged", {"severity": "P2", "impact": {"data_loss": True}, "by": "Ines"})
    document = triage_sheet(situation(book, "12:03", OPENED, stated))
    matrix = data(document)["matrix"]
    assert (matrix["by_rules"], matrix["stated"], matrix["in_force"]) == ("P0", "P2", "P2")
    assert matrix["disagree"]
    assert "They disagree" in write(press, document, "md").text


def test_what_is_not_known_is_marked_and_listed(book: Book, press: Press) -> None:
    text = write(press, triage_sheet(situation(book, "12:01", OPENED)), "md").text
    assert "| Region | _not known yet_ |" in text
    assert "- How many customers are affected" in text.partition("## Still unknown")[2]


# -- war room -----------------------------------------------------------------------------------------------


def role(name: str, person: str, clock: str) -> tuple[str, str, dict[str, Any]]:
    return (clock, "role_assigned", {"role": name, "person": person})


def test_what_was_erased_or_left_empty_is_not_known(book: Book, press: Press) -> None:
    emptied = ("12:01", "updated", {"title": "", "service": "", "owner": ""})
    now = situation(book, "12:10", OPENED, P0, emptied)
    assert write(press, executive_brief(now), "md").text.startswith("# Brief: _not known yet_\n")
    letter = status_update(now, "customer")
    assert write(press, letter, "md").text.startswith("**Subject: P0 _not known yet_: ")
    assert "Which service is affected" in data(letter)["unknown"]


def test_a_handover_of_a_role_keeps_who_had_it_before(book: Book) -> None:
    roles = data(
        war_room_guide(
            situation(
                book, "12:40", OPENED, P0,
                role("incident_commander", "Jonas", "12:10"),
                role("incident_commander", "Petra", "12:20"),
                ("12:30", "role_released", {"role": "incident_commander", "person": "Petra"}),
            )
        )
    )["roles"]  # fmt: skip
    commander = roles[0]
    assert commander["person"] is None
    assert [
        (b["person"], b["since"]["short"][-5:], b["until"]["short"][-5:]) for b in commander["before"]
    ] == [
        ("Jonas", "13:10", "13:20"),
        ("Petra", "13:20", "13:30"),
    ]


def test_open_roles_have_their_due_time_and_say_when_it_has_passed(book: Book) -> None:
    known = [OPENED, P0, role("communications", "Maja", "12:07")]
    early = data(war_room_guide(situation(book, "12:10", *known)))["open_roles"]
    assert [one["role"] for one in early] == ["incident_commander", "subject_expert", "executive_sponsor"]
    assert all(one["due"]["at"] == "2026-11-12T12:20:00Z" and not one["is_overdue"] for one in early)
    late = data(war_room_guide(situation(book, "12:30", *known)))["open_roles"]
    assert all(one["is_overdue"] for one in late)


def test_a_room_with_more_people_than_the_policy_allows_is_flagged(book: Book, press: Press) -> None:
    crowd = [role(f"expert_{n}", f"Person {n}", "12:10") for n in range(6)]
    document = war_room_guide(situation(book, "12:15", OPENED, P0, *crowd))
    assert data(document)["too_large_by"] == 1
    assert "**The room is too large.** 6 people have roles, 5 at most" in write(press, document, "md").text


def test_one_person_with_two_roles_is_one_person_in_the_room(book: Book) -> None:
    both = [role("incident_commander", "Jonas", "12:10"), role("communications", "Jonas", "12:10")]
    assert data(war_room_guide(situation(book, "12:15", OPENED, P0, *both)))["people"] == ["Jonas"]


def test_what_a_role_of_ones_own_decides_is_not_made_up(book: Book) -> None:
    guide = data(war_room_guide(situation(book, "12:15", OPENED, P0, role("pilot", "Jonas", "12:10"))))
    assert next(one for one in guide["roles"] if one["role"] == "pilot")["rights"] == []
    assert "What the role pilot decides" in guide["unknown"]


def test_a_severity_that_asks_for_no_room_says_so(book: Book, press: Press) -> None:
    text = write(press, war_room_guide(situation(book, "12:01", OPENED)), "md").text
    assert "asks for no war room at P2" in text


# -- status updates -----------------------------------------------------------------------------------------

TOLD = ("12:10", "update_published", {"audience": "customer"})


@pytest.mark.parametrize(
    ("moment", "events"),
    [
        ("first", []),
        ("first", [("12:10", "update_published", {"audience": "internal"})]),
        ("progress", [TOLD, ("12:15", "assigned", {"owner": "Ines"})]),
        ("no_news", [TOLD]),
        ("no_news", [TOLD, ("12:15", "role_assigned", {"role": "scribe", "person": "Tove"})]),
        ("workaround", [TOLD, ("12:15", "updated", {"impact": {"workaround": True}})]),
        ("resolved", [TOLD, ("12:15", "resolved", {})]),
        ("after_rca", [("12:15", "resolved", {}), ("12:20", "rca_published", {"stage": "summary"})]),
        (
            "resolved",
            [
                ("12:15", "resolved", {}),
                ("12:16", "rca_published", {"stage": "summary"}),
                ("12:18", "reopened", {}),
                ("12:20", "resolved", {}),
            ],
        ),
        (
            "after_rca",
            [
                ("12:15", "resolved", {}),
                ("12:20", "rca_published", {"stage": "summary"}),
                ("12:22", "closed", {}),
            ],
        ),
    ],
)
def test_the_moment_is_found_from_the_facts(book: Book, moment: str, events: list[Any]) -> None:
    assert data(status_update(situation(book, "12:25", OPENED, P0, *events), "customer"))["moment"] == moment


def test_news_in_ones_own_words_makes_it_progress(book: Book) -> None:
    assert data(status_update(situation(book, "12:25", OPENED, P0, TOLD), "customer", note="x"))[
        "moment"
    ] == ("progress")


def test_the_next_update_is_as_owed_or_as_stated(book: Book) -> None:
    now = situation(book, "12:25", OPENED, P0)
    assert data(status_update(now, "customer"))["next_update"]["due"]["at"] == "2026-11-12T12:55:00Z"
    stated = data(status_update(now, "customer", next_update=at("12:40")))["next_update"]
    assert (stated["due"]["at"], stated["because"]) == ("2026-11-12T12:40:00Z", "as stated")


@pytest.mark.parametrize("audience", ["customer", "internal", "executive"])
@pytest.mark.parametrize("moment", ["first", "progress", "no_news", "workaround"])
@pytest.mark.parametrize("severity", ["P0", "P1", "P2", "P3"])
def test_every_update_says_when_the_next_one_comes_or_that_it_must_be_set(
    book: Book, press: Press, severity: str, moment: str, audience: str
) -> None:
    opened = ("12:00", "opened", {"title": "x", "severity": severity})
    written = write(press, status_update(situation(book, "12:25", opened), audience, moment), "md")
    assert written.undefined == ()
    next_told = [
        line for line in written.text.splitlines() if "We write again by" in line or "Next update" in line
    ]
    is_owed = audience != "executive" or severity in ("P0", "P1")
    is_owed = is_owed and (audience != "internal" or severity != "P3")
    assert next_told
    assert ("_not known yet_" in next_told[0]) is not is_owed
    assert ("UTC+01:00" in next_told[0]) is is_owed


def test_an_audience_that_the_policy_owes_nothing_is_owed_no_update(book: Book, press: Press) -> None:
    opened = ("12:00", "opened", {"title": "x", "severity": "P2"})
    now = situation(book, "12:25", opened)
    owed = {audience: now.cadence(audience)["is_owed"] for audience in ("customer", "internal", "executive")}
    assert owed == {"customer": True, "internal": True, "executive": False}
    assert (
        "| executive | not asked for | never | nothing owed | 0 |"
        in write(press, war_room_guide(now), "md").text
    )
    stated = ("12:10", "update_published", {"audience": "executive", "next_update_at": at("12:40")})
    assert situation(book, "12:25", opened, stated).cadence("executive")["is_owed"], "somebody said when"


def test_after_the_end_the_customer_hears_what_comes_next(book: Book, press: Press) -> None:
    ended = [OPENED, P0, ("12:15", "resolved", {"resolution": "Rolled back"})]
    text = write(press, status_update(situation(book, "12:20", *ended), "customer"), "md").text
    assert (
        "We write again by Sat 14 Nov 2026, 13:15 UTC+01:00 (12:15 UTC)**, with a summary of the cause"
        in text
    )


def test_what_is_closed_after_its_resolution_was_restored_then(book: Book) -> None:
    resolved = [OPENED, P0, ("12:15", "resolved", {"resolution": "Rolled back"})]
    closed = [*resolved, ("12:20", "resolved", {}), ("13:00", "closed", {})]
    told = data(status_update(situation(book, "14:00", *closed), "customer"))
    assert (told["moment"], told["resolved"]["at"], told["lasted"]) == ("resolved", at_iso("12:15"), "15 min")
    assert told["resolution"] == "Rolled back"
    assert "What resolved it" not in told["unknown"]
    brief = data(executive_brief(situation(book, "14:00", *closed)))
    assert (brief["status"], brief["resolved"]["at"], brief["lasted"]) == (
        "closed", at_iso("12:15"), "15 min",
    )  # fmt: skip


def test_what_was_closed_without_a_resolution_ended_with_that(book: Book) -> None:
    again = [("12:10", "resolved", {"resolution": "No"}), ("12:12", "resolution_confirmed", {}),
             ("12:20", "reopened", {}), ("12:40", "closed", {})]  # fmt: skip
    told = data(status_update(situation(book, "14:00", OPENED, P0, *again), "customer"))
    assert (told["resolved"]["at"], told["lasted"], told["resolution"]) == (at_iso("12:40"), "40 min", None)
    assert told["confirmed"] is None, "that was of the resolution before"


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (("12:00", "resolved", {"resolution": "Rolled back"}), "resolved"),
        (("12:00", "closed", {}), "closed"),
        (("12:00", "cancelled", {"reason": "spam"}), "cancelled"),
        (("12:00", "merged", {"into": "incidents:INC-2"}), "merged into another"),
    ],
)
def test_what_is_first_heard_of_at_its_end_has_documents_too(
    book: Book, press: Press, first: Any, status: str
) -> None:
    now = situation(book, "13:00", first)
    brief = executive_brief(now)
    assert (data(brief)["status"], data(brief)["ended"]["at"]) == (status, at_iso("12:00"))
    write(press, brief, "md")
    if not now.is_gone:
        assert data(status_update(now, "customer"))["moment"] == "resolved"


@pytest.mark.parametrize("audience", ["customer", "internal", "executive"])
@pytest.mark.parametrize(
    ("end", "why"),
    [
        (("12:30", "merged", {"into": "incidents:INC-2"}), "was merged into incidents:INC-2"),
        (("12:30", "cancelled", {"reason": "spam"}), r"was cancelled \(spam\)"),
    ],
)
def test_of_what_was_merged_or_cancelled_nobody_is_told_that_it_was_restored(
    book: Book, press: Press, audience: str, end: Any, why: str
) -> None:
    now = situation(book, "14:00", OPENED, P0, ("12:10", "resolved", {}), ("12:20", "reopened", {}), end)
    for moment in (None, "resolved"):
        with pytest.raises(NoUpdate, match=why):
            status_update(now, audience, moment)
    brief = write(press, executive_brief(now), "md").text
    assert "It was open for 30 min, until Thu 12 Nov 2026, 13:30 UTC+01:00" in brief
    assert "esolved" not in brief.partition("##")[0]


RESOLVED = ("12:15", "resolved", {"resolution": "Rolled back"})


@pytest.mark.parametrize("audience", ["customer", "internal", "executive"])
@pytest.mark.parametrize(
    ("moment", "events", "why"),
    [
        ("resolved", [], "is open: there is no update 'resolved' before its resolution"),
        ("after_rca", [], "is open"),
        ("resolved", [RESOLVED, ("12:18", "reopened", {})], "is open"),
        ("after_rca", [RESOLVED], "no root cause analysis of incidents:INC-1 was published"),
        ("first", [RESOLVED], "is resolved: the update 'first' says that it is not solved"),
        ("no_news", [RESOLVED, ("12:18", "closed", {})], "is closed"),
        ("workaround", [RESOLVED], "is resolved"),
    ],
)
def test_no_moment_is_told_that_is_not_so(
    book: Book, audience: str, moment: str, events: list[Any], why: str
) -> None:
    with pytest.raises(NoUpdate, match=why):
        status_update(situation(book, "12:25", OPENED, P0, *events), audience, moment)


@pytest.mark.parametrize("moment", ["resolved", "after_rca", "progress"])
def test_what_is_over_says_nothing_of_a_fix_to_come(book: Book, press: Press, moment: str) -> None:
    over = [OPENED, P0, TOLD, RESOLVED, ("12:20", "rca_published", {"stage": "summary"})]
    text = write(press, status_update(situation(book, "12:25", *over), "customer", moment), "md").text
    assert "no time for the fix" not in text


def test_a_reopening_or_a_resumption_of_nothing_is_told_nobody(book: Book) -> None:
    ruled_out = [("12:15", "reopened", {}), ("12:15", "resumed", {})]
    waiting = ("12:12", "paused", {"reason": "pending_customer"})

    def changes(audience: str, *events: Any) -> list[str]:
        now = situation(book, "12:25", OPENED, P0, TOLD, *events)
        return [one["text"] for one in data(status_update(now, audience))["changes"]]

    assert changes("customer", *ruled_out) == []
    assert changes("customer", waiting, *ruled_out)[1:] == ["What we were waiting for has come."]
    assert changes("customer", waiting, ("12:15", "resumed", {"reason": "pending_vendor"}))[1:] == []
    internal = changes("internal", ("12:12", "resolved", {}), *ruled_out)
    assert internal[-2:] == ["Resolved.", "Reopened."]
    assert "Reopened." not in changes("internal", *ruled_out)
    undeleted = changes("customer", ("12:12", "cancelled", {"reason": "deleted"}), *ruled_out)
    assert undeleted == ["It came back, and is open again."]


def test_customers_are_told_no_names_of_roles_and_no_promise_that_was_settled_before(
    book: Book, press: Press
) -> None:
    events = [
        OPENED, P0, role("incident_commander", "Jonas", "12:06"),
        ("12:07", "commitment_made", {"commitment_id": "c", "text": "A call", "due_at": at("12:30")}),
        ("12:08", "commitment_kept", {"commitment_id": "c"}), TOLD,
    ]  # fmt: skip
    text = write(press, status_update(situation(book, "12:25", *events), "customer"), "md").text
    assert "Jonas" not in text
    assert "A call" not in text


@pytest.mark.parametrize(
    ("audience", "said"), [("customer", "We have kept"), ("internal", "Promise kept: A call.")]
)
def test_nobody_is_told_that_a_promise_was_kept_which_had_been_withdrawn(
    book: Book, press: Press, audience: str, said: str
) -> None:
    made = ("12:06", "commitment_made", {"commitment_id": "c", "text": "A call", "due_at": at("12:50")})
    kept, withdrawn = (f"commitment_{verb}" for verb in ("kept", "withdrawn"))

    def letter(*verbs: str) -> str:
        first = ("12:09", "update_published", {"audience": audience})
        events = [(f"12:1{n}", verb, {"commitment_id": "c"}) for n, verb in enumerate(verbs)]
        now = situation(book, "12:25", OPENED, P0, made, first, *events)
        return write(press, status_update(now, audience), "md").text

    assert said in letter(kept)
    assert said in letter(kept, withdrawn)
    assert said not in letter(withdrawn, kept)


def test_people_inside_are_told_of_promises_and_action_items_by_their_words(book: Book) -> None:
    promised = (
        "12:06",
        "commitment_made",
        {"commitment_id": "c1", "text": "A call_back.", "due_at": at("14:00")},
    )
    item = ("12:06", "action_opened", {"action_id": "a1", "title": "An alarm", "owner": "Bo"})
    said = [
        ("12:10", "commitment_renegotiated", {"commitment_id": "c1", "due_at": at("15:00")}),
        ("12:11", "action_completed", {"action_id": "a1"}),
        ("12:12", "commitment_withdrawn", {"commitment_id": "c1"}),
    ]
    first = ("12:09", "update_published", {"audience": "internal"})
    now = situation(book, "12:25", OPENED, P0, promised, item, first, *said)
    assert [one["text"] for one in data(status_update(now, "internal"))["changes"]] == [
        "Another date for the promise: A call_back.",
        "Action item completed: An alarm.",
        "Promise withdrawn: A call_back.",
    ]


def test_customers_are_not_told_that_we_have_kept_what_was_late(book: Book) -> None:
    made = ("12:06", "commitment_made", {"commitment_id": "c", "text": "A call", "due_at": at("12:15")})
    kept = ("12:20", "commitment_kept", {"commitment_id": "c"})
    told = data(status_update(situation(book, "12:25", OPENED, P0, made, TOLD, kept), "customer"))["changes"]
    assert [one["text"] for one in told] == [
        "What we had promised you is done, later than we had said; see below."
    ]


def test_customers_are_told_once_what_happened_again_and_again(book: Book) -> None:
    hands = [(f"12:{minute}", "assigned", {"owner": f"owner {minute}"}) for minute in range(10, 20)]
    told = data(status_update(situation(book, "12:25", OPENED, P0, TOLD, *hands), "customer"))["changes"]
    assert [(one["at"]["at"], one["text"]) for one in told] == [
        (at_iso("12:19"), "It has an owner who stays with it to the end."),
    ]  # fmt: skip
    ours = data(status_update(situation(book, "12:25", OPENED, P0, *hands), "internal"))["changes"]
    assert sum(one["text"].startswith("Assigned to") for one in ours) == 10


def test_a_letter_of_a_workaround_tells_of_it_once(book: Book) -> None:
    told = ("12:10", "update_published", {"audience": "customer"})
    found = ("12:20", "updated", {"impact": {"workaround": True}})
    kept = ("12:21", "acknowledged", {})
    letter = data(status_update(situation(book, "12:25", OPENED, P0, told, found, kept), "customer"))
    assert letter["moment"] == "workaround"
    assert [change["text"] for change in letter["changes"]] == ["Our team took it up."]


def test_days_and_names_stand_in_whole_sentences(book: Book, press: Press) -> None:
    def text(document: Document) -> str:
        return write(press, document, "md").text

    resolved = ("12:30", "resolved", {"resolution": "Rolled back."})
    confirmed = ("12:40", "resolution_confirmed", {})
    opened, over = (
        situation(book, "12:06", OPENED, P0),
        situation(book, "12:50", OPENED, P0, resolved, confirmed),
    )
    assert "It reached us on Thu 12 Nov 2026" in text(status_update(opened, "customer"))
    letter = text(status_update(over, "customer"))
    assert "restored on Thu 12 Nov 2026, 13:30 UTC+01:00 (12:30 UTC), 30 min after it was opened" in letter
    assert "You confirmed on Thu 12 Nov 2026, 13:40" in letter
    assert "open, for 6 min." in text(war_room_guide(opened))
    assert "resolved after 30 min." in text(war_room_guide(over))
    for document in (
        executive_brief(opened),
        status_update(opened, "executive"),
        status_update(opened, "internal"),
    ):
        assert "Customer: _not known yet_" in text(document)


def test_a_promise_that_ends_with_a_full_stop_is_a_part_of_our_sentence(book: Book, press: Press) -> None:
    promised = {"commitment_id": "c", "text": "A workaround.", "due_at": at("12:20"), "to": "Acme"}
    situated = situation(book, "12:30", OPENED, P0, ("12:10", "commitment_made", promised))
    letter = write(press, status_update(situated, "customer"), "md").text
    assert "- A workaround, by Thu 12 Nov 2026" in letter
    assert "Promised: A workaround.\n" in write(press, status_update(situated, "internal"), "md").text
    assert "was missed: A workaround.\n" in write(press, executive_brief(situated), "md").text
    assert "**missed: A workaround**.\n" in write(press, status_update(situated, "executive"), "md").text


def test_customers_are_not_told_that_we_change_what_was_cancelled(book: Book, press: Press) -> None:
    events = [
        ("12:30", "resolved", {}), ("13:00", "rca_published", {"stage": "summary", "url": "https://x.example"}),
        ("13:01", "action_opened", {"action_id": "a", "title": "An alarm"}),
        ("13:02", "action_opened", {"action_id": "b", "title": "A page"}),
        ("13:03", "action_cancelled", {"action_id": "b"}),
    ]  # fmt: skip
    letter = write(press, status_update(situation(book, "13:10", OPENED, P0, *events), "customer"), "md").text
    assert "- An alarm, by" in letter
    assert "A page" not in letter


def test_a_first_letter_tells_as_known_only_what_is(book: Book, press: Press) -> None:
    """What is not stands once, where it is asked for."""
    heading = "What we know so far:"
    text = write(press, status_update(situation(book, "12:03", OPENED), "customer"), "md").text
    assert heading not in text
    assert "Service:" not in text
    assert "- Which service is affected.\n" in text
    text = write(press, status_update(situation(book, "12:10", OPENED, P0), "customer"), "md").text
    assert f"{heading}\n\n- How far it reaches: all customers\n- Workaround: no\n" in text


def test_a_missed_promise_is_owned_up_to(book: Book, press: Press) -> None:
    promise = ("12:06", "commitment_made", {"commitment_id": "c", "text": "A call", "due_at": at("12:20")})
    text = write(press, status_update(situation(book, "12:25", OPENED, P0, promise), "customer"), "md").text
    assert "A call, by Thu 12 Nov 2026, 13:20 UTC+01:00 (12:20 UTC): **we did not keep this time" in text


def test_a_promise_that_was_moved_after_its_miss_was_missed_and_has_its_time_still_ahead(
    book: Book, press: Press
) -> None:
    events = [
        OPENED, P0,
        ("12:06", "commitment_made", {"commitment_id": "c", "text": "A call.", "due_at": at("12:20")}),
        ("12:22", "commitment_renegotiated", {"commitment_id": "c", "due_at": at("12:50")}),
    ]  # fmt: skip
    asked = "Decide on the promise that was missed: A call."
    for clock, is_overdue, said in (
        ("12:30", False, "not keep the time we gave you before, and are sorry**; it is still to come."),
        ("12:55", True, "not keep this time, and are sorry**; we still owe it."),
    ):
        now = situation(book, clock, *events)
        brief = data(executive_brief(now))
        assert [one["state"] for one in brief["promises"]] == ["missed, still owed"]
        assert (asked in brief["asks"]) is is_overdue, "somebody has decided on it already"
        letter = write(press, status_update(now, "customer"), "md").text
        assert f"- A call, by Thu 12 Nov 2026, 13:50 UTC+01:00 (12:50 UTC): **we did {said}" in letter


def test_a_promise_that_was_withdrawn_after_its_miss_was_missed(book: Book, press: Press) -> None:
    events = [
        OPENED, P0,
        ("12:06", "commitment_made", {"commitment_id": "c", "text": "A call", "due_at": at("12:20")}),
        ("12:22", "commitment_withdrawn", {"commitment_id": "c", "reason": "the fix is out"}),
    ]  # fmt: skip
    now = situation(book, "12:25", *events)
    (promise,) = data(executive_brief(now))["promises"]
    assert promise["state"] == "missed, then withdrawn"
    letter = write(press, status_update(now, "customer"), "md").text
    assert "**we did not keep it, and are sorry**; it is no longer owed" in letter


def test_a_role_that_was_filled_late_once_is_not_late_again(book: Book) -> None:
    late = role("incident_commander", "Jonas", "13:00")
    released = ("13:10", "role_released", {"role": "incident_commander", "person": "Jonas"})
    in_time = role("incident_commander", "Ines", "13:11")

    def told(*events: Any) -> Any:
        rows = data(war_room_guide(situation(book, "13:15", OPENED, P0, *events)))["roles"]
        return next(row["late_by"] for row in rows if row["role"] == "incident_commander")

    assert told(late) is not None
    assert told(late, released, in_time) is None


# -- brief --------------------------------------------------------------------------------------------------


def test_a_promise_that_was_kept_by_a_time_agreed_after_its_miss_was_kept_late(
    book: Book, press: Press
) -> None:
    promise = {"commitment_id": "c", "text": "A callback"}
    events = [
        OPENED, P0, ("12:06", "commitment_made", {**promise, "due_at": at("12:20")}),
        ("12:30", "commitment_renegotiated", {"commitment_id": "c", "due_at": at("12:50")}),
        ("12:40", "commitment_kept", {"commitment_id": "c"}),
    ]  # fmt: skip
    now = situation(book, "12:45", *events)
    letter = write(press, status_update(now, "customer"), "md").text
    assert "A callback, by Thu 12 Nov 2026, 13:50" in letter
    assert "done, later than we had said, and we are sorry" in letter
    missed = data(executive_brief(now))["missed"]
    assert [row["since"] for row in missed if row["owed"] == "Promise: A callback"] == [
        "kept by a later time"
    ]
    facts = [
        Fact("test", str(n), verb, at(clock), at(clock), "", told)
        for n, (clock, verb, told) in enumerate(events)
    ]
    said = Bench(book, Options(), lambda *_: None).judge(SUBJECT, facts, at("12:45"))
    assert [one.state for one in review(Account(SUBJECT, facts, said)).promises] == ["kept late"]


def test_what_was_late_by_a_shorter_target_is_late_by_no_length(book: Book) -> None:
    lesser, fixed = ("16:30", "triaged", {"severity": "P1"}), ("17:00", "resolved", {})
    now = situation(book, "17:10", OPENED, P0, lesser, fixed)
    (resolution,) = [o for o in now.verdicts("stopped_late") if o.metric == "resolve"]
    assert resolution.target is not None
    assert resolution.elapsed < resolution.target, "it was breached as a P0, and is a P1 since"
    rows = {row["owed"]: row["since"] for row in data(executive_brief(now))["missed"]}
    assert rows["Resolution"] == "done late"
    assert margin(resolution, None) == "5 h of 8 h"
    assert late_by(resolution, now.verdicts("breached")) is None


def test_the_brief_asks_for_what_nobody_does(book: Book) -> None:
    promise = ("12:06", "commitment_made", {"commitment_id": "c", "text": "A call", "due_at": at("12:20")})
    asks = data(executive_brief(situation(book, "12:30", OPENED, P0, promise)))["asks"]
    assert "Name an owner: nobody has it." in asks
    assert "Name who has the role executive sponsor. It is overdue." in asks
    assert "Decide on the promise that was missed: A call." in asks


def test_the_brief_tells_what_came_of_a_miss_at_last(book: Book) -> None:
    late, again = ("17:00", "resolved", {}), ("17:10", "reopened", {})
    for events, told in (
        ([late], "done 1 h late"),
        ([late, again], "still owed"),
        ([late, again, ("19:10", "resolved", {})], "done 3 h late"),
    ):
        missed = data(executive_brief(situation(book, "20:00", OPENED, P0, *events)))["missed"]
        assert [row["since"] for row in missed if row["owed"] == "Resolution"] == [told]


def test_the_brief_tells_credits_as_reached_only_when_the_overrun_is(book: Book) -> None:
    def reached(now: str) -> list[bool]:
        return [
            one["is_reached"] for one in data(executive_brief(situation(book, now, OPENED, P0)))["credits"]
        ]

    assert (reached("15:59"), reached("16:01"), reached("20:01")) == ([False] * 2, [True, False], [True] * 2)


def test_a_silent_cadence_is_one_line_with_its_count(book: Book) -> None:
    missed = data(executive_brief(situation(book, "12:51", OPENED, P0)))["missed"]
    assert next(row["since"] for row in missed if row["owed"] == "Internal update").startswith("3 times")


# -- all ----------------------------------------------------------------------------------------------------


def test_before_the_opening_there_is_nothing_to_write_about(book: Book) -> None:
    with pytest.raises(NotOpened, match=SUBJECT):
        situation(book, "11:00", OPENED)


def test_a_title_made_to_break_out_stays_text(book: Book, press: Press) -> None:
    nasty = "a | b\n\n# <script>alert(1)</script> [x](javascript:alert(1))"
    now = situation(book, "12:10", ("12:00", "opened", {"title": nasty}), P0)
    documents = [triage_sheet(now), war_room_guide(now), executive_brief(now), status_update(now, "customer")]
    for document in documents:
        made = write(press, document, "html").text
        assert "<script" not in made
        assert made.count("href=") == 1, "the icon's, of every page"
        assert made.count("<h1>") <= 1


def test_every_template_is_some_documents(press: Press) -> None:
    shipped = {name for name, _, _ in press.all() if name.startswith("status-update/customer-")}
    assert shipped - {"status-update/customer-parts.md"} == {f"status-update/customer-{m}.md" for m in Moment}
    assert all(file.is_relative_to(SHIPPED) for _, _, file in press.all())
