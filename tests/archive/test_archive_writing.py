"""What is written: losslessly, once, and the same in whatever order and however often it comes."""

import random

import psycopg
import pytest
from archived import account, at, fact, opened, outcome, row, rows, subjects

from engine.archive.archive import Archive
from engine.archive.tables import offsets
from engine.archive.writing import derive
from engine.contract.codec import Received
from engine.core.outcomes import Outcome, Versions
from engine.core.segments import Segment
from engine.sql.database import writing
from engine.sql.following import AWAY
from engine.sql.offsets import Advance, Overtaken
from postgres import Postgres

pytestmark = pytest.mark.slow

LIFE: list[Received] = [
    opened(0, service="web", affected_customers=5_000_000_000, tags=["a", "é", "\U0001f4a5"]),
    fact("message_sent", 5, public=True),
    fact("triaged", 6, severity="P0", impact={"revenue_at_risk": {"amount": 1.5, "currency": "EUR"}}),
    fact("resolved", 40, by="ann", resolution="restarted"),
    fact("reopened", 50),
    fact("updated", 51, owner=None, next=1),
    fact("resolved", 70),
    fact("closed", 80),
    opened(3, "desk:2", customer="other"),
    fact("updated", 4, "waits", title="no opening yet"),
]
SAID: list[Outcome] = [
    outcome("met", 1, 5, metric="first_response"),
    outcome("breached", 2, 60),
    outcome("retracted", 3, 60, corrects=outcome("breached", 2, 60).id, outcome="breached", id="r"),
    outcome("breached", 4, 60),
    outcome("met", 1, 9, "desk:2", severity="P3"),
    outcome("met", 1, 9, "only-said"),
]


def test_a_server_that_is_read_only_is_away_and_is_waited_for(postgres: Postgres) -> None:
    url = postgres.new_database()
    with Archive.open(url) as archive, psycopg.connect(url, autocommit=True) as owner:
        name = url.rpartition("/")[2]
        owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        archive.engine.dispose()
        with pytest.raises(AWAY):
            archive.write([opened(0)], [])


def test_an_account_is_what_was_written(archive: Archive) -> None:
    segments = (
        Segment(at(0), at(3), "", "office", at(3) - at(0), "web", "ann"),  # type: ignore[arg-type]
        Segment(at(3), at(7), "paused:pending_customer", "", 0, "", ""),  # type: ignore[arg-type]
    )
    full = outcome(
        "met", 5, 70, owner="ann", team="web", service="s", customer_tier="gold", key="k", hash="h",
        threshold="75%", notify=("lead",), reason="r", versions=Versions("c", "1", "2", "3"),
        segments=segments, probability=0.25, cases=7, provisional=True,
    )  # fmt: skip
    archive.write(LIFE, [*SAID, full])
    whole = account(archive)
    assert list(whole.facts) == [one.fact for one in LIFE if one.subject == "desk:1"]
    assert list(whole.outcomes) == [*SAID[:4], full]
    assert not account(archive, "nobody").facts
    assert subjects(archive) == ["desk:1", "desk:2", "only-said", "waits"]


def test_an_escalation_follows_from_its_facts(archive: Archive) -> None:
    archive.write(LIFE, SAID)
    found = row(archive)
    assert found == {
        "subject": "desk:1", "status": "closed", "title": "Down", "severity": "P0", "gravest": "P0",
        "customer": "acme", "customer_name": "", "tier": "", "service": "web", "component": "", "region": "",
        "team": "", "owner": "", "fingerprint": "", "affected_customers": 5_000_000_000,
        "revenue_at_risk": 1.5, "revenue_currency": "EUR", "opened": at(0), "acknowledged": None,
        "answered": at(5), "resolved": at(70), "first_resolved": at(40), "reopened": 1, "closed": at(80),
        "last": at(80),
    }  # fmt: skip
    assert row(archive, "waits")["status"] == "waiting"
    assert row(archive, "desk:2")["severity"] == "P1"


def test_a_resolution_of_what_is_closed_or_cancelled_moves_nothing(archive: Archive) -> None:
    archive.write([opened(0), fact("closed", 1), fact("resolved", 2)], [])
    archive.write([opened(0, "b"), fact("cancelled", 1, "b", reason="spam"), fact("closed", 2, "b")], [])
    archive.write([opened(0, "c"), fact("cancelled", 1, "c", reason="spam"), fact("reopened", 2, "c")], [])
    archive.write([opened(0, "d"), fact("merged", 1, "d", into="a"), fact("reopened", 2, "d")], [])
    assert (row(archive)["status"], row(archive)["resolved"]) == ("closed", at(1))
    assert (row(archive, "b")["status"], row(archive, "b")["closed"]) == ("cancelled", None)
    assert (row(archive, "c")["status"], row(archive, "c")["reopened"]) == ("open", 1)
    assert (row(archive, "d")["status"], row(archive, "d")["reopened"]) == ("merged", 0)


def test_the_severity_that_a_policy_decided_is_that_of_its_outcomes(archive: Archive) -> None:
    archive.write([fact("opened", 0, title="Down")], [outcome("met", 1, 5, severity="P2")])
    assert (row(archive)["severity"], row(archive)["gravest"]) == ("P2", "P2")


def test_the_fingerprint_that_a_policy_made_is_that_of_its_outcomes_and_a_given_one_comes_first(
    archive: Archive,
) -> None:
    said = [outcome("met", seq, 5 + seq, fingerprint=f"made-{seq}") for seq in (1, 2)]
    archive.write([opened(0)], said[::-1])
    assert row(archive)["fingerprint"] == "made-2"
    archive.write([fact("updated", 9, fingerprint="disk")], [outcome("cancelled", 3, 9)])
    assert row(archive)["fingerprint"] == "disk"


def test_what_was_retracted_stands_again_when_it_is_said_again(archive: Archive) -> None:
    archive.write(LIFE, SAID)
    stand = {one["seq"]: one["stands"] for one in rows(archive)["outcomes"] if one["subject"] == "desk:1"}
    assert stand == {1: True, 2: False, 3: False, 4: True}


def test_what_a_worker_that_began_anew_says_again_stands_once_and_its_correction_counts(
    archive: Archive,
) -> None:
    """A late event had the first worker take a breach back; the one that reads all events again says no such
    breach, and so gives the same verdict another id, and a lower count."""
    late = outcome("breached", 1, 60)
    first = [
        late,
        outcome("retracted", 2, 60, corrects=late.id, outcome="breached", id="r", detected_at=at(65)),
        outcome("met", 3, 50, id="counted", detected_at=at(65)),
    ]
    again = outcome("met", 1, 50, detected_at=at(200))
    over = outcome("retracted", 2, 50, corrects=again.id, outcome="met", id="r2", detected_at=at(300))
    archive.write([opened(0)], [again, *first])
    assert stands(archive) == [again.id]
    archive.write([], [over])
    assert stands(archive) == []
    archive.write([], [outcome("breached", 3, 60, detected_at=at(300), id="b3")])
    assert stands(archive) == ["b3"]
    with writing(archive.engine) as connection:
        derive(connection)
    assert stands(archive) == ["b3"]


def stands(archive: Archive) -> list[str]:
    return [one["id"] for one in rows(archive)["outcomes"] if one["stands"]]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_repetition_give_the_same_rows(archive: Archive, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    twice = fact("assigned", 20, identity="twice", team="first")
    other = fact("assigned", 21, identity="twice", recorded=22, team="second")
    seen_later = fact("assigned", 20, identity="twice", recorded=30, team="first")
    facts = [*LIFE, twice, other, seen_later]
    with Archive.open("sqlite://") as in_order:
        in_order.write(facts, SAID)
        expected = rows(in_order)
        assert row(in_order)["team"] == "first"
    mixed: list[Received | Outcome] = [*facts, *SAID, *dice.sample(facts, 5), *dice.sample(SAID, 3)]
    dice.shuffle(mixed)
    while mixed:
        size = dice.randint(1, 6)
        some, mixed = mixed[:size], mixed[size:]
        archive.write(
            [one for one in some if isinstance(one, Received)],
            [one for one in some if isinstance(one, Outcome)],
        )
    assert rows(archive) == expected


def test_the_same_again_changes_no_row(archive: Archive) -> None:
    assert archive.write(LIFE, SAID) == (len(LIFE), len(SAID))
    assert archive.write(LIFE, SAID) == (0, 0)


def test_offsets_move_with_the_rows_or_not_at_all(archive: Archive) -> None:
    archive.write(LIFE[:2], [], [Advance("tickets", 0, 0, 2), Advance("tickets", 1, 5, 7)])
    assert archive.offsets() == {("tickets", 0): 2, ("tickets", 1): 7}
    before = rows(archive)
    with pytest.raises(Overtaken, match="tickets/0"):
        archive.write(LIFE[2:], SAID, [Advance("tickets", 1, 7, 8), Advance("tickets", 0, 0, 4)])
    assert rows(archive) == before
    assert archive.offsets() == {("tickets", 0): 2, ("tickets", 1): 7}
    assert len(rows(archive, offsets)["offsets"]) == 2
