"""The post-incident review holds what the log knows: what was late and by how much, and what is not known."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace
from told_accounts import POLICY, account, account_as_reported, book, fact

from engine.archive.account import Account
from engine.contract.examples import example_outcome
from engine.core.facts import Fact
from engine.core.policy import Book
from engine.documents.commitments import commitments
from engine.documents.pages import to_html
from engine.documents.rendering import Press
from engine.documents.review import Review, review
from engine.documents.review_form import fill_in
from engine.documents.time_spent import WHOLE
from engine.documents.timeline import MOST_ROWS
from engine.documents.told import tell_outcome


def outage() -> list[Fact]:
    """A P0 of six hours, two of them late."""
    return [
        fact("opened", "09:00", customer={"id": "acme", "tier": "gold"}, occurred_at="2026-03-02T08:40:00Z"),
        fact("acknowledged", "09:07", by="kim"),
        fact("assigned", "09:10", owner="kim", team="payments"),
        fact("update_published", "09:20", audience="customer", next_update_at="2026-03-02T09:40:00Z"),
        fact("paused", "10:00", reason="pending_customer"),
        fact("resumed", "11:00"),
        fact("assigned", "12:00", owner="jo", team="database"),
        fact("update_published", "12:20", audience="customer", by="lee"),
        fact("commitment_made", "12:30", commitment_id="c-1", text="A fix", due_at="2026-03-02T13:00:00Z"),
        fact("commitment_kept", "13:30", commitment_id="c-1"),
        fact("resolved", "16:00", resolution="Pool of 400", by="jo"),
        fact("update_published", "16:05", audience="customer", by="lee"),
    ]  # fmt: skip


def rows(of: Review) -> dict[str, list[tuple[str, str | None]]]:
    return {row.when[-5:]: [(late.owed, late.by) for late in row.late] for row in of.timeline if row.late}


def test_the_timeline_says_what_was_late_and_by_how_much(policies: Book) -> None:
    made = review(account(policies, outage(), "16:30"))
    assert rows(made) == {
        "09:07": [("Acknowledge", "2 min")],
        "09:20": [("First answer to customer", "5 min")],
        "12:20": [("Customer update", "2 h 40 min")],  # announced for 9:40
        "13:30": [("Promise", "30 min")],  # beside "Promise kept: A fix"
        "16:00": [("Resolution", "2 h")],  # 7 h less one of waiting, of 4
        "16:05": [("Customer update", "3 h 15 min")],
    }
    missed = [(row.when[-5:], row.what) for row in made.timeline if row.is_miss]
    assert ("14:00", "Resolution: not done within 4 h") in missed
    assert ("13:00", "Promise: A fix: not kept in time") in missed


def test_verdicts_have_their_proof_and_say_where_the_time_went(policies: Book) -> None:
    made = review(account(policies, outage(), "16:30"))
    resolution = next(one for one in made.verdicts if one.owed == "Resolution")
    assert (resolution.result, resolution.late, resolution.due, resolution.used) == (
        "late", "2 h", "2026-03-02 14:00", "6 h",
    )  # fmt: skip
    proof = next(one for one in made.proofs if one.hash == resolution.hash)
    assert proof.is_intact
    assert (proof.verdict, proof.policy) == ("stopped_late", "test")
    spent = [
        (one.where, one.state, one.time, one.share) for one in made.time_spent if one.owed == "Resolution"
    ]
    assert spent == [
        ("database / jo", "counted", "4 h", "100 %"),
        ("payments / kim", "counted", "1 h 50 min", "46 %"),
        ("", "paused: pending customer", "1 h", None),
        ("", "counted", "10 min", "4 %"),
    ]


def test_each_update_of_one_minute_has_its_own_verdict_in_the_order_of_the_cycles(policies: Book) -> None:
    facts = [
        fact("opened", "09:00"),
        *(fact("update_published", "09:00", audience="customer") for _ in "abcd"),
    ]
    made = review(account(policies, [*facts, fact("resolved", "09:20")], "10:00"))
    assert [(row.what, row.in_time) for row in made.timeline[:5]] == [
        ("Opened as P0", []),
        ("Update to the customer", ["Customer update", "First answer to customer"]),
        *[("Update to the customer", ["Customer update"])] * 3,
    ]  # fmt: skip
    assert [one.cycle for one in made.proofs if one.owed == "Customer update"] == [1, 2, 3, 4, 5]


def test_a_long_time_since_the_opening_is_told_in_days(policies: Book) -> None:
    made = review(account(policies, [fact("opened", "09:00"), fact("resolved", "12 20:30")], "13 00:00"))
    told = {line.label: line.value for line in made.summary}
    assert told["Resolved"] == "2026-03-12 20:30, 10 days 11 h after the opening"
    assert made.timeline[-1].since_opening == "+10 days 11 h"


def test_credits_rooms_and_stretches_of_a_minute_are_told_in_words(tmp_path: Path, press: Press) -> None:
    more = """war_room: {P0: {roles: [scribe], staffed_within: 1h, at_most: 1}}
credits: [{metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}]
"""
    due = "2026-03-02T10:00:00Z"
    facts = [
        fact("opened", "09:00"),
        *(fact("role_assigned", "09:01", role=role, person=role) for role in ("scribe", "owner")),
        fact("commitment_made", "09:02", commitment_id="c", text="A fix.", due_at=due),
        *(fact("updated", "09:03", tags=[str(n)]) for n in range(200)),
        fact("resolved", "15:00"),
    ]
    made = review(account(book(tmp_path, POLICY + more), facts, "16:00"))
    told = {row.what for row in made.timeline}
    assert "War room: 2 people, the policy allows 1" in told
    assert "Resolution: 100% reached, a credit of 10 % of the monthly fee is owed" in told
    assert "Promise: A fix: not kept in time" in told
    text = fill_in(made, press).text
    assert "| 2026-03-02 09:03 | \\+3 min | 200 changes of attributes" in text


def test_where_the_time_went_is_told_by_hands_and_status(policies: Book) -> None:
    def whole(facts: list[Fact]) -> list[tuple[str, str, str, str | None]]:
        spent = review(account(policies, facts, "23:00")).time_spent
        return [(one.where, one.state, one.time, one.share) for one in spent if one.owed == WHOLE]

    assert whole(outage()) == [
        ("database / jo", "in work", "4 h", "57 %"),
        ("payments / kim", "in work", "1 h 50 min", "26 %"),
        ("payments / kim", "paused: pending customer", "1 h", "14 %"),
        ("", "not acknowledged", "7 min", "2 %"),
        ("", "in work", "3 min", "1 %"),
    ]
    again = [fact("reopened", "20:00"), fact("resolved", "21:00")]
    assert whole(outage() + again)[0] == ("database / jo", "in work", "5 h", "62 %")
    assert whole(outage()[:-2]) == []  # not resolved


def test_the_review_tells_of_a_reopening_only_where_one_was(policies: Book) -> None:
    ruled_out = [fact("reopened", "10:00"), fact("resumed", "10:00")]
    ends = [fact("resolved", "16:30"), fact("closed", "17:00"), fact("reopened", "18:00")]
    made = review(account(policies, [*outage()[:4], *ruled_out, *outage()[6:], *ends], "20:00"))
    told = {line.label: line.value for line in made.summary}
    assert told["Reopened"] == "once"
    assert (told["Resolved"], told["Closed"]) == (None, None), "it is open again"
    assert [row.when[-5:] for row in made.timeline if row.what == "Reopened"] == ["18:00"]
    assert [row.when for row in made.timeline if row.what == "Resumed"] == []
    assert made.events == len(outage()) + 3


def test_what_was_missed_stays_a_miss_though_it_is_owed_no_more(policies: Book, press: Press) -> None:
    facts = [
        fact("opened", "09:00"), fact("acknowledged", "09:02"), fact("message_sent", "09:03", public=True),
        fact("commitment_made", "09:10", commitment_id="a", text="A fix", due_at="2026-03-02T10:00:00Z"),
        fact("commitment_made", "09:10", commitment_id="b", text="A call", due_at="2026-03-02T20:00:00Z"),
        fact("waived", "12:30", metric="resolve", reason="agreed"), fact("resolved", "15:00"),
        fact("cancelled", "15:10", reason="duplicate"),
    ]  # fmt: skip
    made = review(account(policies, facts, "15:30"))
    lapsed = [one.owed for one in made.verdicts if one.result == "missed, then cancelled"]
    assert "Promise: A fix" in lapsed
    out = {one.owed for one in made.verdicts if one.result in ("cancelled", "waived")}
    assert {"Promise: A call", "Resolution"} <= out
    assert (made.lapsed, made.out_of_count) == (len(lapsed), len(out))
    text = fill_in(made, press).text
    assert f"Of {made.kept + made.late + made.lapsed} obligations that came due" in text
    assert f"**{made.lapsed}** were missed and are no longer owed. {made.out_of_count} were" in text


def test_the_communication_record_has_every_silence(policies: Book) -> None:
    customer, internal, executive = review(account(policies, outage(), "16:30")).communication
    assert [(one.when[-5:], one.gap, one.late) for one in customer.entries] == [
        ("09:20", "20 min", "5 min"), ("12:20", "3 h", "2 h 40 min"), ("16:05", "3 h 45 min", "3 h 15 min"),
    ]  # fmt: skip
    assert customer.longest_gap == "3 h 45 min"
    assert (internal.told, internal.intervals) == (0, 0)
    assert (executive.told, executive.missed, executive.intervals) == (0, 7, 7)


def test_of_an_escalation_of_which_nothing_is_known_nothing_is_invented(press: Press) -> None:
    made = review(Account("desk:1", [], []))
    assert made.known_until is None
    assert all(line.value is None for line in made.summary + made.impact)
    text = fill_in(made, press).text
    assert text.count("_not known yet_") >= 20
    assert "None was made." in text
    assert "Never told." in text


def test_what_people_wrote_stays_text(policies: Book, press: Press) -> None:
    hostile = (
        "<script>alert(1)</script> | **bold** [x](javascript:alert(1)) `a` \n# h\n\n[vigil review of]: #other"
    )
    facts = [
        fact("opened", "09:00", title=hostile),
        fact("resolved", "10:00", resolution=hostile, by="<b>kim</b>"),
        fact("action_opened", "10:10", action_id="a|1", title=hostile),
    ]
    text = fill_in(review(account(policies, facts, "11:00")), press).text
    page = to_html(text)
    for bad in ("<script", "<strong>bold", 'href="javascript', "<b>"):
        assert bad not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | **bold** [x](javascript:alert(1)) `a` # h" in page
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    in_row, cells = 0, []
    for token in tokens:
        if token.type == "tr_open":
            in_row = 0
        in_row += token.type in ("td_open", "th_open")
        if token.type == "tr_close":
            cells.append(in_row)
    assert set(cells) <= {2, 4, 5, 6, 8}


def test_a_huge_timeline_is_folded_and_says_what_it_left_out(policies: Book, press: Press) -> None:
    facts = [fact("opened", "09:00"), fact("acknowledged", "09:02")]
    facts += [
        fact("message_sent", f"{2 + n // 1440} {n // 60 % 24:02}:{n % 60:02}", public=n % 9 == 0)
        for n in range(601, 5400)
    ]
    facts += [fact("assigned", f"4 {n // 60:02}:{n % 60:02}", owner=f"p{n}") for n in range(198)]
    facts.append(fact("resolved", "6 12:00"))
    known = account(policies, facts, "6 13:00")
    made = review(known)
    assert len(facts) == 5_000
    assert len(made.timeline) <= MOST_ROWS
    whats = [row.what for row in made.timeline]
    assert whats[:2] == ["Opened as P0", "Acknowledged"]
    assert "Resolved" in whats
    assert sum(row.count for row in made.timeline if "message" in row.what) >= 4_799
    assert len(fill_in(made, press).text) < 200_000
    in_full = review(known, full=True)
    assert len(in_full.timeline) > 5_000
    assert all(row.count == 1 for row in in_full.timeline)


def test_a_warning_by_pace_says_what_history_says() -> None:
    risk = replace(example_outcome("breach_risk"), metric="resolve", threshold="75%")
    risk = replace(risk, probability=None, cases=0)
    assert tell_outcome(risk) == "Resolution: at risk, 75% reached"
    by_pace = replace(risk, threshold="pace", probability=0.8, cases=1_200)
    assert tell_outcome(by_pace) == "Resolution: at risk, 80 % of 1,200 such clocks were breached"


def test_what_was_corrected_is_shown_as_now_known_with_a_note(policies: Book) -> None:
    facts = [
        fact("opened", "09:00"),
        fact("acknowledged", "09:04", recorded="09:30", by="kim"),
        fact("update_published", "09:10", audience="customer"),
        fact("resolved", "12:30", recorded="13:30", by="kim"),
    ]
    made = review(account_as_reported(policies, facts, "14:00"))
    assert next(o for o in made.verdicts if o.owed == "Acknowledge").result == "met"
    retracted = next(one for one in made.corrections if one.was.startswith("Acknowledge: breached"))
    assert (retracted.found, retracted.was, retracted.now, retracted.because) == (
        "2026-03-02 09:30", "Acknowledge: breached at 2026-03-02 09:05", "no more",
        "Acknowledged at 2026-03-02 09:04",
    )  # fmt: skip


def test_words_in_the_log_that_blame_are_pointed_out(policies: Book) -> None:
    facts = [fact("opened", "09:00"), fact("resolved", "10:00", resolution="Kim forgot the index", by="Kim")]
    found = review(account(policies, facts, "11:00")).wording
    assert [(one.when, one.words) for one in found] == [("2026-03-02 10:00", "Kim forgot")]


def test_the_people_of_a_review_are_ours(policies: Book) -> None:
    facts = [
        fact("opened", "09:00", reporter="ann@acme", customer={"id": "acme"}),
        fact("updated", "09:01", tags=["shop"], by="ann@acme"),
        fact("message_received", "09:02", public=True, by="ben@acme"),
        fact("updated", "09:03", tags=["shop", "till"], by="ben@acme"),
        fact("acknowledged", "09:04", by="kim"),
        fact("assigned", "09:05", owner="jo"),
        fact("resolved", "10:00", by="jo"),
        fact("reopened", "11:00", by="cat@acme"),
        fact("role_assigned", "11:10", role="scribe", person="lee"),
        fact("resolved", "12:00", by="jo"),
        fact("resolution_confirmed", "12:10", by="dan@acme"),
        fact("closed", "12:20", by="kim"),
    ]  # fmt: skip
    assert review(account(policies, facts, "13:00")).people == ["jo", "kim", "lee"]


def test_the_data_is_plain(policies: Book) -> None:
    plain = review(account(policies, outage(), "16:30")).plain()
    assert plain["timeline"][0]["at"] == "2026-03-02T09:00:00Z"


def test_what_a_cancellation_ended_goes_on_where_that_is_taken_back(policies: Book, press: Press) -> None:
    lived = [
        fact("opened", "09:00"), fact("acknowledged", "09:07"),
        fact("commitment_made", "09:10", commitment_id="a", text="A call", due_at="2026-03-02T20:00:00Z"),
        fact("cancelled", "10:00", reason="not_planned"),
    ]  # fmt: skip
    told = {one.owed: one.result for one in review(account(policies, lived, "10:30")).verdicts}
    assert told["First answer to customer"] == "missed, then cancelled"
    assert told["Resolution"] == "cancelled"
    back = [*lived, fact("reopened", "11:00")]
    made = review(account(policies, back, "11:30"))
    told = {one.owed: one.result for one in made.verdicts}
    assert told["First answer to customer"] == "still missing"
    assert told["Resolution"] == "cancelled, then open again"
    assert told["Promise: A call"] == "cancelled"
    assert (made.late, made.missing, made.lapsed) == (1, 1, 1)  # the update of 9:30: a cadence begins anew
    at = {row.when[-5:] for row in made.timeline if "cancelled" in row.what.lower()}
    assert at == {"10:00"}
    assert "**cancelled, then open again** (not planned)" in fill_in(made, press).text
    gone = review(account(policies, [*back, fact("cancelled", "12:00", reason="spam")], "12:30"))
    told = {one.owed: one.result for one in gone.verdicts}
    assert told["First answer to customer"] == "missed, then cancelled"
    assert told["Resolution"] == "cancelled"


def test_what_a_resolution_began_stays_cancelled_though_the_cancellation_is_taken_back(
    policies: Book,
) -> None:
    facts = [
        fact("opened", "09:00"), fact("resolved", "09:10"), fact("cancelled", "10:00", reason="spam"),
        fact("reopened", "11:00"),
    ]  # fmt: skip
    told = {one.owed: one.result for one in review(account(policies, facts, "11:30")).verdicts}
    assert told["RCA final report"] == "cancelled"


def test_a_promise_and_an_action_that_ended_with_their_escalation_are_not_open(policies: Book) -> None:
    facts = [
        fact("opened", "09:00"),
        fact("commitment_made", "09:10", commitment_id="a", text="A call", due_at="2026-03-02T20:00:00Z"),
        fact("action_opened", "09:10", action_id="x", title="A test", due_at="2026-03-05T20:00:00Z"),
        fact("cancelled", "10:00", reason="not_planned"),
    ]  # fmt: skip
    made = review(account(policies, facts, "10:30"))
    assert [one.state for one in (*made.promises, *made.actions)] == ["withdrawn", "cancelled"]
    again = fact("commitment_made", "11:10", commitment_id="a", text="A call", due_at="2026-03-02T20:00:00Z")
    made = review(account(policies, [*facts, fact("reopened", "11:00"), again], "11:30"))
    assert [one.state for one in (*made.promises, *made.actions)] == ["open", "cancelled"]


KEPT_LATE = fact("commitment_kept", "10:10", commitment_id="a")
MADE_AGAIN = fact("commitment_made", "10:20", commitment_id="a", due_at="2026-03-02T20:00:00Z", text="A fix")


@pytest.mark.parametrize(
    ("then", "state"),
    [
        ([fact("commitment_withdrawn", "10:10", commitment_id="a")], "missed, then withdrawn"),
        ([fact("cancelled", "10:10", reason="spam")], "missed, then withdrawn"),
        ([KEPT_LATE, MADE_AGAIN], "missed, still open"),
    ],
    ids=["withdrawn", "gone", "made again"],
)
def test_a_promise_that_was_missed_stays_missed_as_in_the_ledger(
    policies: Book, then: list[Fact], state: str
) -> None:
    made = fact("commitment_made", "09:10", commitment_id="a", text="A fix", due_at="2026-03-02T10:00:00Z")
    judged = account(policies, [fact("opened", "09:00"), made, *then], "10:30")
    assert [one.state for one in review(judged).promises] == [state]
    assert [one.state for one in commitments(judged)] == ["missed"]


def test_the_timeline_tells_of_promises_and_action_items_by_their_words(policies: Book) -> None:
    facts = [
        fact("opened", "09:00"),
        fact("commitment_made", "09:10", commitment_id="web-1", text="A fix.", due_at="2026-03-02T12:30:00Z"),
        fact("commitment_renegotiated", "09:20", commitment_id="web-1", due_at="2026-03-02T13:00:00Z"),
        fact("commitment_kept", "09:35", commitment_id="web-1"),
        fact("action_opened", "09:40", action_id="web-2", title="An alarm", owner="Bo"),
        fact("action_completed", "09:50", action_id="web-2"),
    ]  # fmt: skip
    rows = {row.when[-5:]: row.what for row in review(account(policies, facts, "10:00")).timeline}
    assert [rows[when] for when in ("09:20", "09:35", "09:40", "09:50")] == [
        "Promise renegotiated, now by 2026-03-02 13:00: A fix", "Promise kept: A fix",
        "Action item opened, owner Bo", "Action item completed: An alarm",
    ]  # fmt: skip


def test_what_was_reopened_is_resolved_when_it_ended_for_good(policies: Book) -> None:
    facts = [
        fact("opened", "09:00", occurred_at="2026-03-02T08:00:00Z"), fact("acknowledged", "09:00"),
        fact("resolved", "10:00"), fact("resolution_confirmed", "10:10"), fact("closed", "10:20"),
        fact("reopened", "10:30"), fact("closed", "12:00"), fact("resolved", "12:30"),
    ]  # fmt: skip
    made = review(account(policies, facts, "13:00"))
    told = {line.label: line.value for line in [*made.summary, *made.impact]}
    assert told["Resolved"] == told["Closed"] == "2026-03-02 12:00, 3 h after the opening"
    assert told["Confirmed by the customer"] is None
    assert told["How long, from the beginning to the resolution"] == "4 h"


def test_what_was_merged_and_closed_after_that_was_not_resolved(policies: Book) -> None:
    facts = [fact("opened", "09:00"), fact("merged", "10:00", into="desk:2"), fact("closed", "12:00")]
    made = review(account(policies, facts, "13:00"))
    assert {line.label: line.value for line in made.summary}["Resolved"] is None
    assert [one.owed for one in made.time_spent if one.owed == WHOLE] == []


def test_the_silence_after_the_last_update_counts_until_it_is_over(policies: Book, press: Press) -> None:
    told = [fact("opened", "09:00"), fact("update_published", "09:20", audience="customer")]
    made = review(account(policies, told, "12:00"))
    assert made.communication[0].longest_gap == "2 h 30 min"  # to the last update that was missed
    over = [*told, fact("resolved", "13:00"), fact("closed", "20:00")]
    made = review(account(policies, over, "21:00"))
    assert made.communication[0].longest_gap == "3 h 40 min"
    assert "Told once; the longest silence was 3 h 40 min." in fill_in(made, press).text
    told_in_time = [*over, fact("update_published", "13:05", audience="customer")]
    made = review(account(policies, sorted(told_in_time, key=lambda one: one.at), "21:00"))
    assert made.communication[0].longest_gap == "3 h 45 min"
