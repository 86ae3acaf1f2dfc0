"""What breaches cost: a row a breach with its proofs, and what open clocks would add."""

import pytest
from core_runs import SUBJECT, Engine, at, book_of, fact, minutes, policy
from msgspec.structs import replace

from engine.core.credits import Credit, Exposure, credits, exposures
from engine.core.facts import Fact
from engine.core.instants import MINUTE
from engine.core.outcomes import CREDIT
from engine.core.proof import is_intact
from engine.core.standing import standing

RULES = """\
clocks:
  resolve: {budget: {P0: 1h, P1: 2h}, pause: [pending_vendor]}
  vendor_reply: {start: {paused: pending_vendor}, stop: {resumed: pending_vendor}, budget: {P0: 30m}}
cadence: {customer: {every: {P0: 30m}}}
credits:
  - {metric: resolve, severity: [P0, P1], overrun: {at_least: 0s}, credit: 10%}
  - {metric: resolve, severity: [P0], overrun: {at_least: 2h}, credit: 12.5%}
  - {metric: vendor_reply, severity: [P0], overrun: {at_least: 0s}, credit: 1%}
  - {metric: customer_update, severity: [P0], overrun: {at_least: 45m}, credit: 2%}
"""


def lived(*facts: Fact, until: float, rules: str = RULES) -> Engine:
    engine = Engine(book_of(policy(rules)))
    for one in facts:
        engine.tick_until(one.at)
        engine.take(one)
    engine.tick_until(at(until))
    return engine


def owed(engine: Engine, metric: str = "resolve") -> list[Credit]:
    return [row for row in credits(standing(engine.said)) if row.metric == metric]


def ahead(engine: Engine, until: float) -> dict[str, Exposure]:
    found = exposures(engine.store[SUBJECT.encode()], engine.book)
    return {one.metric: one for one in found}


def opened(severity: str = "P0") -> Fact:
    return fact("opened", 0, severity=severity, customer={"id": "acme"})


def test_of_one_breach_the_highest_tier_counts_with_its_verdicts_and_their_hashes() -> None:
    (row,) = owed(lived(opened(), fact("resolved", 200), until=300))
    assert row[:4] == (SUBJECT, "resolve", "", 1)
    assert (row.percent, row.threshold, row.customer, row.severity) == (12.5, "100% + 2h", "acme", "P0")
    assert (minutes(row.breached_at), row.overrun / MINUTE, row.ended) == (60, 140, "stopped_late")
    assert [proof.name for proof in row.proofs] == ["breached", "stopped_late"]
    assert all(proof.hash and is_intact(proof) for proof in row.proofs)
    assert row.policy.hash == row.proofs[0].policy.hash


def test_while_it_is_open_a_breach_has_no_end_and_one_proof() -> None:
    (row,) = owed(lived(opened(), until=100))
    assert (row.percent, row.overrun, row.ended, row.reason) == (10, 0, "", "")
    assert [proof.name for proof in row.proofs] == ["breached"]


def test_of_several_ends_the_last_one_counts() -> None:
    (row,) = owed(
        lived(opened(), fact("resolved", 90), fact("reopened", 100), fact("closed", 130), until=600)
    )
    assert (row.ended, row.overrun / MINUTE) == ("stopped_late", 60)
    assert [minutes(proof.effective_at) for proof in row.proofs] == [60, 130]


def test_ended_at_the_very_instant_of_its_breach_it_is_over() -> None:
    graver = fact("updated", 100, severity="P0", sequence="1")
    (row,) = owed(lived(opened("P1"), graver, fact("resolved", 100, sequence="2"), until=600))
    assert (row.percent, minutes(row.breached_at), row.ended) == (10, 100, "stopped_late")


def test_the_overrun_is_that_beyond_the_target_of_the_end() -> None:
    (row,) = owed(lived(opened(), fact("updated", 90, severity="P1"), fact("resolved", 200), until=300))
    assert (row.severity, row.overrun / MINUTE) == ("P0", 80)


def test_of_a_silence_it_is_that_beyond_the_first_update_that_was_missed() -> None:
    waived = fact("waived", 100, metric="customer_update", reason="agreed")
    (row,) = owed(lived(opened(), waived, until=600), "customer_update")
    assert (row.percent, row.ended, row.overrun / MINUTE) == (0, "waived", 70)


def test_rows_are_in_order_of_customers_then_of_their_breaches() -> None:
    said = lived(opened(), fact("resolved", 200), until=300).said
    others = [replace(one, subject="desk:2", customer_id="abc") for one in said]
    rows = credits(standing([*said, *others]))
    assert [(row.customer, row.metric, row.subject) for row in rows] == [
        ("abc", "customer_update", "desk:2"),
        ("abc", "resolve", "desk:2"),
        ("acme", "customer_update", SUBJECT),
        ("acme", "resolve", SUBJECT),
    ]


def test_what_was_said_before_anybody_knew_whose_it_is_is_owed_to_whose_it_is_now() -> None:
    said = standing(lived(fact("opened", 0, severity="P0"), until=100).said)
    known, unknown = credits(said, {SUBJECT: "acme"}), credits(said, {"desk:7": "acme"})
    assert {row.metric: row.customer for row in known} == {"resolve": "acme", "customer_update": "acme"}
    assert {row.customer for row in unknown} == {""}


def test_the_hash_of_a_row_bites() -> None:
    (row,) = owed(lived(opened(), fact("resolved", 200), until=300))
    assert not is_intact(replace(row.proofs[1], elapsed=row.proofs[1].elapsed - 1))


@pytest.mark.parametrize(
    ("end", "ended"),
    [
        (fact("waived", 90, metric="resolve", reason="agreed"), "waived"),
        (fact("cancelled", 90, reason="duplicate"), "cancelled"),
        (fact("merged", 90, into="desk:2"), "cancelled"),
    ],
)
def test_waived_or_cancelled_it_is_listed_and_costs_nothing(end: Fact, ended: str) -> None:
    (row,) = owed(lived(opened(), end, until=600))
    assert (row.percent, row.ended) == (0, ended)
    assert row.reason


def test_a_severity_that_owes_nothing_takes_no_credit_back() -> None:
    (row,) = owed(lived(opened(), fact("updated", 90, severity="P3"), until=600))
    assert (row.percent, row.ended, row.reason) == (10, "cancelled", "no_target")


def test_a_silence_that_is_closed_without_a_word_costs_what_it_costs() -> None:
    (row,) = owed(lived(opened(), fact("closed", 90), until=600), "customer_update")
    assert (row.percent, row.ended, row.reason) == (2, "cancelled", "closed")


def test_two_severities_of_one_instant_that_owe_differently_are_two_outcomes() -> None:
    rules = """\
clocks: {resolve: {budget: {P0: 1h, P1: 1h, P2: 1h}}}
credits:
  - {metric: resolve, severity: [P1], overrun: {at_least: 2h}, credit: 12.5%}
  - {metric: resolve, severity: [P0], overrun: {at_least: 2h}, credit: 25%}
"""
    graver = [
        fact("updated", 200, severity=to, sequence=place, id=to) for place, to in (("1", "P1"), ("2", "P0"))
    ]
    engine = lived(opened("P2"), *graver, until=300, rules=rules)
    said = [one for one in engine.said if one.name == CREDIT]
    assert [(one.credit_percent, one.threshold, minutes(one.effective_at)) for one in said] == [
        (12.5, "100% + 2h", 200),
        (25, "100% + 2h", 200),
    ]
    assert len({one.id for one in said}) == 2
    (row,) = owed(engine)
    assert row.percent == 25


def test_reopened_and_over_again_the_breach_is_open() -> None:
    (row,) = owed(lived(opened(), fact("resolved", 90), fact("reopened", 100), until=600))
    assert (row.percent, row.ended) == (12.5, "")


def test_each_cycle_and_each_silence_is_a_breach_of_its_own() -> None:
    updates = [fact("update_published", minute, audience="customer", id=f"u{minute}") for minute in (90, 220)]
    verbs = (("paused", 0), ("resumed", 40), ("paused", 50), ("resumed", 100))
    pauses = [fact(verb, minute, reason="pending_vendor", id=f"{verb}{minute}") for verb, minute in verbs]
    facts = sorted([*updates, *pauses], key=lambda one: one.at)
    engine = lived(opened(), *facts, until=221)
    assert [(row.cycle, row.percent) for row in owed(engine, "vendor_reply")] == [(1, 1), (2, 1)]
    silences = owed(engine, "customer_update")
    assert [(minutes(row.breached_at), row.overrun / MINUTE) for row in silences] == [(30, 60), (120, 100)]
    assert all(proof.hash for row in silences for proof in row.proofs)


def test_of_a_breach_that_was_said_before_what_is_read_the_time_of_its_tier_is_known() -> None:
    engine = lived(opened(), until=300)
    tiers = [one for one in standing(engine.said) if one.metric == "resolve" and one.name == CREDIT]
    (row,) = credits(tiers)
    assert (row.percent, minutes(row.breached_at), row.overrun / MINUTE) == (12.5, 180, 120)
    assert (row.ended, row.reason, row.proofs) == ("", "", ())


def test_a_retracted_breach_has_no_row() -> None:
    engine = lived(opened(), until=100)
    assert owed(engine)
    engine.take(fact("resolved", 50))
    assert not owed(engine)


def test_open_clocks_say_what_they_would_cost_and_when() -> None:
    engine = lived(opened(), until=10)
    one = ahead(engine, 10)["resolve"]
    assert one[:6] == (SUBJECT, "resolve", "", 1, "P0", "acme")
    assert one.policy.hash == engine.book.policies[0].hash
    assert (one.is_breached, one.percent, one.due_at) == (False, 0, at(60))
    assert [(step.percent, step.threshold, step.at) for step in one.ahead] == [
        (10, "100%", at(60)),
        (12.5, "100% + 2h", at(180)),
    ]
    update = ahead(engine, 10)["customer_update"]
    assert (update.is_breached, update.percent, update.due_at) == (False, 0, at(30))
    assert [(step.percent, step.at) for step in update.ahead] == [(2, at(75))]


def test_a_silence_has_its_tiers_ahead_from_the_first_update_that_was_missed() -> None:
    one = ahead(lived(opened(), until=40), 40)["customer_update"]
    assert one[:6] == (SUBJECT, "customer_update", "", 1, "P0", "acme")
    assert (one.is_breached, one.percent, one.due_at) == (True, 0, at(30))
    assert [(step.percent, step.threshold, step.at) for step in one.ahead] == [(2, "100% + 45m", at(75))]
    assert "customer_update" not in ahead(lived(opened(), until=80), 80)
    more = "  - {metric: customer_update, severity: [P0], overrun: {at_least: 2h}, credit: 6%}\n"
    further = ahead(lived(opened(), until=80, rules=RULES + more), 80)["customer_update"]
    assert (further.percent, [step.at for step in further.ahead]) == (2, [at(150)])


def test_the_tiers_ahead_are_those_of_the_severity_of_now_and_of_a_review_those_of_the_gravest() -> None:
    review = "  - {metric: rca_summary, severity: [P0], overrun: {at_least: 0s}, credit: 3%}\n"
    rules = RULES.replace("clocks:\n", "clocks:\n  rca_summary: {budget: {P0: 1h}}\n") + review
    lesser = lived(opened(), fact("updated", 10, severity="P1"), until=20, rules=rules)
    assert [step.percent for step in ahead(lesser, 20)["resolve"].ahead] == [10]
    over = lived(opened(), fact("updated", 10, severity="P1"), fact("resolved", 20), until=30, rules=rules)
    found = ahead(over, 30)["rca_summary"]
    assert (found.severity, [(step.percent, step.at) for step in found.ahead]) == ("P1", [(3, at(80))])


def test_of_a_policy_that_the_book_does_not_hold_nothing_is_ahead() -> None:
    record = lived(opened(), until=10).store[SUBJECT.encode()]
    assert exposures(record, book_of(policy(RULES.replace("2h", "3h")))) == []


def test_breached_it_has_the_higher_tiers_ahead_and_at_the_last_none() -> None:
    one = ahead(lived(opened(), until=100), 100)["resolve"]
    assert (one.is_breached, one.percent, [step.percent for step in one.ahead]) == (True, 10, [12.5])
    assert "resolve" not in ahead(lived(opened(), until=600), 600)


def test_what_its_room_would_need_at_a_graver_severity_is_no_matter() -> None:
    room = "war_room: {P0: {roles: [commander], staffed_within: 15m, at_most: 4}}\n"
    engine = Engine(book_of(policy(RULES + room)))
    engine.take(opened("P1"))
    assert list(ahead(engine, 1)) == ["resolve"]


def test_paused_nobody_knows_when() -> None:
    engine = lived(opened(), fact("paused", 20, reason="pending_vendor"), until=25)
    one = ahead(engine, 25)["resolve"]
    assert (one.due_at, [step.at for step in one.ahead]) == (None, [None, None])


def test_stopped_waived_and_without_tiers_nothing_is_ahead() -> None:
    assert not ahead(lived(opened(), fact("closed", 10), until=30), 30)
    waived = fact("waived", 10, metric="resolve", reason="agreed")
    assert "resolve" not in ahead(lived(opened(), waived, until=30), 30)
    assert not ahead(lived(opened("P3"), until=30), 30)
