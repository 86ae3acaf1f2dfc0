"""Zendesk's event webhooks. The shapes are those of "Ticket events" on developer.zendesk.com: common fields
(account_id, id, time, subject, type, detail, event), capitals for enums, ids as text, nanoseconds."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.instants import format_instant
from engine.intake.arrival import NotAuthentic, NotMapped
from engine.intake.records import records_of
from engine.intake.states import State
from intake.deliveries import SECRET, arrival, door_of, said_by, verbs, zendesk

ZENDESK = door_of("zendesk")
OWN = replace(ZENDESK, mapping=replace(ZENDESK.mapping, states={
    **ZENDESK.mapping.states, "11688538967068": State("paused", "pending_engineering"),
}))  # fmt: skip


def event(kind: str, change: dict[str, Any] | None = None, **detail: Any) -> dict[str, Any]:
    return {
        "account_id": 22129848,
        "id": "f3f8fd26-3b04-4b0e-a2ac-53dd45d9b3b3",
        "time": "2026-03-02T10:00:01.123456789Z",
        "subject": "zen:ticket:4711",
        "type": f"zen:event-type:ticket.{kind}",
        "zendesk_event_version": "2022-11-06",
        "event": change or {},
        "detail": {
            "id": "4711",
            "subject": "Checkout is down",
            "status": "OPEN",
            "priority": "URGENT",
            "requester_id": "8447388090494",
            "organization_id": "8447346621310",
            "assignee_id": None,
            "group_id": "8447320465790",
            "tags": ["checkout"],
            "via": {"channel": "web"},
            **detail,
        },
    }


def test_a_ticket_that_is_created_opens_an_escalation() -> None:
    (opened,) = said_by(ZENDESK, zendesk(event("created")))
    assert opened.subject == "zendesk:4711"
    assert opened.verb == "opened"
    assert opened.data == {
        "title": "Checkout is down",
        "priority": "URGENT",
        "severity": "P0",
        "customer": {"id": "8447346621310"},
        "team": "8447320465790",
        "reporter": "8447388090494",
        "channel": "web",
        "tags": ["checkout"],
    }
    assert format_instant(opened.at) == "2026-03-02T10:00:01Z", "whole seconds, as Zendesk's history has them"


def test_changes_of_one_second_keep_their_order() -> None:
    def change(before: str, after: str, time: str) -> Any:
        body = event("status_changed", {"previous": before, "current": after})
        (said,) = said_by(ZENDESK, zendesk({**body, "time": time, "id": f"id of {time}"}))
        return said

    first = change("PENDING", "OPEN", "2026-03-02T10:00:01.2Z")
    second = change("OPEN", "PENDING", "2026-03-02T10:00:01.123456789Z")
    assert first.at == second.at
    assert first.sequence > second.sequence
    assert first.id != second.id


@pytest.mark.parametrize("ids", [("a", "b", "c"), ("c", "b", "a")])
def test_what_is_merged_away_is_merged_before_zendesk_closes_it(ids: tuple[str, str, str]) -> None:
    closed = event("status_changed", {"previous": "OPEN", "current": "CLOSED"})
    agent = {"id": "17", "is_staff": True}
    comment = event("comment_added", {"comment": {"id": ids[1], "is_public": True, "author": agent}})
    merged = event("merged", {"target_ticket_id": "4700"})
    told = []
    for body, identity in zip((closed, comment, merged), ids, strict=True):
        came = zendesk({**body, "id": identity})
        told += records_of(said_by(ZENDESK, came), ZENDESK.name, came)
    kinds = [one.read.fact.kind for one in sorted(told, key=lambda one: one.read.fact.order)]
    assert kinds == ["merged", "message_sent", "closed"]


@pytest.mark.parametrize("times", [("1.2", "1.2"), ("1.1", "1.3"), ("1.3", "1.1")])
@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a"), ("7.1", "9")])
def test_a_solution_is_judged_by_the_priority_that_was_saved_with_it(
    ids: tuple[str, str], times: tuple[str, str]
) -> None:
    """Zendesk ("Ticket events", meta.sequence) does not say in which order one action's events happened."""
    graver = event("priority_changed", {"previous": "LOW", "current": "URGENT"})
    solved = event("status_changed", {"previous": "OPEN", "current": "SOLVED"})
    told = []
    for body, identity, time in zip((solved, graver), ids, times, strict=True):
        came = zendesk({**body, "id": identity, "time": f"2026-03-02T10:00:0{time}Z"})
        told += records_of(said_by(ZENDESK, came), ZENDESK.name, came)
    kinds = [one.read.fact.kind for one in sorted(told, key=lambda one: one.read.fact.order)]
    assert kinds == ["updated", "resolved"]


def test_a_redelivery_has_the_same_ids() -> None:
    first, again = (said_by(ZENDESK, zendesk(event("created"), at=at)) for at in (
        "2026-03-02T10:00:03Z", "2026-03-02T10:02:03Z"
    ))  # fmt: skip
    assert first == again


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("NEW", "OPEN", []),
        ("OPEN", "PENDING", [("paused", {"reason": "pending_customer"})]),
        ("PENDING", "OPEN", [("resumed", {"reason": "pending_customer"})]),
        (
            "PENDING",
            "HOLD",
            [("resumed", {"reason": "pending_customer"}), ("paused", {"reason": "pending_vendor"})],
        ),
        ("OPEN", "SOLVED", [("resolved", {})]),
        ("SOLVED", "OPEN", [("reopened", {})]),
        ("SOLVED", "PENDING", [("reopened", {}), ("paused", {"reason": "pending_customer"})]),
        ("SOLVED", "CLOSED", [("closed", {})]),
        ("PENDING", "SOLVED", [("resumed", {"reason": "pending_customer"}), ("resolved", {})]),
    ],
)
def test_a_change_of_status_says_what_happened(before: str, after: str, expected: list[Any]) -> None:
    change = {"previous": before, "current": after}
    assert verbs(said_by(ZENDESK, zendesk(event("status_changed", change)))) == expected


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ({"id": "17", "name": "Kim", "type": "agent"}, ("message_sent", {"public": True, "by": "17"})),
        ({"id": "3", "name": "Web User", "type": "end_user"}, ("message_received", {"public": True})),
        ({"id": "zd:answerBot", "name": "Bot", "type": "system"}, None),
        ({"id": "", "name": "Welcome", "type": "trigger"}, None),
    ],
)
def test_a_message_of_a_conversation_is_of_who_wrote_it(actor: dict[str, str], expected: Any) -> None:
    body = {
        "type": "zen:event-type:messaging_ticket.message_added",
        "id": "01JQMQH83YNAKWSWJ8B1QH2NSC",
        "time": "2026-03-02T10:00:01.254571515Z",
        "detail": {"id": "4711"},
        "event": {"actor": actor, "conversation_id": "67ab", "message": {"id": "67ab5f", "body": "Hi"}},
    }
    if expected is None:
        with pytest.raises(NotMapped) as caught:
            said_by(ZENDESK, zendesk(body))
        assert caught.value.ignored
        return
    (said,) = said_by(ZENDESK, zendesk(body))
    assert (said.subject, said.verb, said.data) == ("zendesk:4711", *expected)


ENGINEERING, DEFAULT = "11688538967068", "8475923145214"
CUSTOMER = ("resumed", {"reason": "pending_customer"}), ("paused", {"reason": "pending_customer"})
HELD = ("resumed", {"reason": "pending_engineering"}), ("paused", {"reason": "pending_engineering"})


def of_its_own(before: str, after: str, status: str) -> Any:
    return event(
        "custom_status_changed", {"previous": before, "current": after}, status=status, custom_status=after
    )


@pytest.mark.parametrize(
    ("before", "after", "status", "expected"),
    [
        (DEFAULT, ENGINEERING, "OPEN", [HELD[1]]),
        (ENGINEERING, DEFAULT, "OPEN", [HELD[0]]),
        (ENGINEERING, "9", "PENDING", [HELD[0], CUSTOMER[1]]),
        (ENGINEERING, "9", "SOLVED", [HELD[0], ("resolved", {})]),
        (DEFAULT, ENGINEERING, "PENDING", [CUSTOMER[0], HELD[1]]),
    ],
)
def test_a_status_of_the_desk_s_own_is_what_the_door_says_of_its_id(
    before: str, after: str, status: str, expected: list[Any]
) -> None:
    assert verbs(said_by(OWN, zendesk(of_its_own(before, after, status)))) == expected
    with pytest.raises(NotMapped) as caught:
        said_by(ZENDESK, zendesk(of_its_own(before, after, status)))
    assert caught.value.ignored, "it goes by its category, which another event tells"


@pytest.mark.parametrize("is_own_first", [False, True])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (("OPEN", ENGINEERING), ("PENDING", "9"), {"pending_customer"}),
        (("PENDING", "9"), ("OPEN", ENGINEERING), {"pending_engineering"}),
        (("PENDING", "9"), ("OPEN", DEFAULT), set()),
        (("OPEN", ENGINEERING), ("SOLVED", "8"), set()),
        (("SOLVED", "8"), ("OPEN", ENGINEERING), {"pending_engineering"}),
    ],
)
def test_both_events_of_one_change_come_to_the_same_in_either_order(
    before: tuple[str, str], after: tuple[str, str], expected: set[str], is_own_first: bool
) -> None:
    held = {ENGINEERING: {"pending_engineering"}, "9": {"pending_customer"}}.get(before[1], set())
    now = {"status": after[0], "custom_status": after[1]}
    of_categories = event("status_changed", {"previous": before[0], "current": after[0]}, **now)
    of_own = event("custom_status_changed", {"previous": before[1], "current": after[1]}, **now)
    for body in (of_own, of_categories) if is_own_first else (of_categories, of_own):
        if body is of_own and ENGINEERING not in (before[1], after[1]):
            continue  # it is of nobody's concern
        for verb, data in verbs(said_by(OWN, zendesk(body))):
            if verb == "paused":
                held = held | {data["reason"]}
            elif verb == "resumed":
                held = held - {data["reason"]}
    assert held == expected


def test_a_category_that_is_entered_by_a_status_of_the_desk_s_own_is_that_status() -> None:
    change = event("status_changed", {"previous": "PENDING", "current": "OPEN"}, custom_status=ENGINEERING)
    assert verbs(said_by(OWN, zendesk(change))) == [CUSTOMER[0], HELD[1]]
    assert verbs(said_by(ZENDESK, zendesk(change))) == [CUSTOMER[0]]
    created = verbs(said_by(OWN, zendesk(event("created", custom_status=ENGINEERING))))
    assert created[1:] == [HELD[1]]


def test_a_change_whose_start_is_not_known_ends_whatever_was_before() -> None:
    said = said_by(ZENDESK, zendesk(event("status_changed", {"current": "OPEN"})))
    assert verbs(said) == [("reopened", {}), ("resumed", {})]


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("priority_changed", {"current": "HIGH"}, ("updated", {"priority": "HIGH", "severity": "P1"})),
        (
            "priority_changed",
            {"previous": "URGENT", "current": None},
            ("updated", {"priority": None, "severity": None}),
        ),
        ("agent_assignment_changed", {"current": "17"}, ("assigned", {"owner": "17"})),
        ("agent_assignment_changed", {"current": None}, ("assigned", {"owner": None})),
        ("group_assignment_changed", {"current": "9"}, ("assigned", {"team": "9"})),
        ("subject_changed", {"current": "Checkout is slow"}, ("updated", {"title": "Checkout is slow"})),
        ("marked_as_spam", {}, ("cancelled", {"reason": "spam"})),
        ("soft_deleted", {}, ("cancelled", {"reason": "deleted"})),
        ("merged", {"target_ticket_id": "4700"}, ("merged", {"into": "zendesk:4700"})),
        (
            "comment_added",
            {"comment": {"id": "1", "is_public": True, "author": {"id": "17", "is_staff": True}}},
            ("message_sent", {"public": True, "by": "17"}),
        ),
        (
            "comment_added",
            {"comment": {"id": "2", "is_public": False, "author": {"id": "17", "is_staff": True}}},
            ("message_sent", {"public": False, "by": "17"}),
        ),
        (
            "comment_added",
            {"comment": {"id": "3", "is_public": True, "author": {"id": "3", "is_staff": False}}},
            ("message_received", {"public": True}),
        ),
    ],
)
def test_each_kind_of_event_says_its_verb(kind: str, change: dict[str, Any], expected: Any) -> None:
    assert verbs(said_by(ZENDESK, zendesk(event(kind, change)))) == [expected]


@pytest.mark.parametrize(
    ("status", "after"), [("SOLVED", ["resolved"]), ("CLOSED", ["closed"]), ("OPEN", []), ("DELETED", [])]
)
def test_a_ticket_that_comes_back_is_as_it_was_when_it_was_deleted(status: str, after: list[str]) -> None:
    back, *then = said_by(ZENDESK, zendesk(event("undeleted", status=status)))
    assert (back.verb, back.data) == ("reopened", {"reason": "undeleted"})
    assert [one.verb for one in then] == after


def test_a_status_that_nobody_mapped_is_named_with_its_place() -> None:
    with pytest.raises(NotMapped, match=r"event\.current: 'ESCALATED'; the mapping") as caught:
        said_by(ZENDESK, zendesk(event("status_changed", {"previous": "OPEN", "current": "ESCALATED"})))
    assert caught.value.reason == "unknown_status"
    after = event("status_changed", {"previous": "ESCALATED", "current": "SOLVED"})
    assert verbs(said_by(ZENDESK, zendesk(after))) == [("resolved", {})], "and what comes after it is taken"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not JSON"),
        ({"type": "zen:event-type:ticket.created"}, "detail: missing"),
        ({**event("created"), "time": "yesterday"}, "time: 'yesterday' is no ISO 8601 time"),
        ({**event("created"), "time": "0001-01-01T00:00:00+01:00"}, "time: .* is out of range"),
        ({**event("created"), "time": "9999-12-31T23:59:59-01:00"}, "time: .* is out of range"),
        ({**event("created"), "detail": []}, "detail: expected an object, found a list"),
        (event("comment_added"), r"event\.comment: missing"),
    ],
)
def test_what_is_no_payload_is_refused_with_its_place(body: object, message: str) -> None:
    with pytest.raises(NotMapped, match=message):
        said_by(ZENDESK, zendesk(body))


def test_events_that_are_no_concern_of_ours_are_ignored() -> None:
    for kind in ("brand_changed", "csat_received"):
        with pytest.raises(NotMapped) as caught:
            said_by(ZENDESK, zendesk(event(kind)))
        assert caught.value.ignored


def test_either_of_two_secrets_opens_the_door() -> None:
    for secret in ("the-new-secret-of-today", SECRET):
        ZENDESK.source.authenticate(
            zendesk(event("created"), secret=secret), ("the-new-secret-of-today", SECRET)
        )


@pytest.mark.parametrize(
    ("came", "reason"),
    [
        (arrival(event("created")), "missing_signature"),
        (zendesk(event("created"), secret="a secret of somebody else"), "wrong_signature"),
        (zendesk(event("created"), at="2026-03-02T09:50:00Z"), "stale"),
        (zendesk(event("created"), at="2026-03-02T10:20:00Z"), "stale"),
        (zendesk(event("created"), at="yesterday"), "malformed_signature"),
    ],
)
def test_what_is_not_signed_in_time_is_not_authentic(came: Any, reason: str) -> None:
    with pytest.raises(NotAuthentic) as caught:
        ZENDESK.source.authenticate(came, (SECRET,))
    assert caught.value.reason == reason


def test_one_changed_byte_is_not_authentic() -> None:
    came = zendesk(event("created"))
    forged = arrival(came.body.replace(b"4711", b"4712"), came.headers)
    with pytest.raises(NotAuthentic, match="wrong_signature"):
        ZENDESK.source.authenticate(forged, (SECRET,))


ALONE: dict[str, Any] = {"organization_id": None, "requester_id": "7"}


@pytest.mark.parametrize(
    ("kind", "change", "detail", "expected"),
    [
        ("organization_changed", {"current": "5"}, {}, [{"customer": {"id": "5"}}]),
        ("organization_changed", {"current": None}, ALONE, [{"customer": {"id": "7"}}]),
        ("requester_changed", {"current": "7"}, {}, [{"reporter": "7"}]),
        ("requester_changed", {"current": "7"}, ALONE, [{"reporter": "7"}, {"customer": {"id": "7"}}]),
    ],
)
def test_a_ticket_of_no_organization_is_its_requester_s_also_when_that_changes(
    kind: str, change: dict[str, Any], detail: dict[str, Any], expected: list[Any]
) -> None:
    said = said_by(ZENDESK, zendesk(event(kind, change, **detail)))
    assert verbs(said) == [("updated", data) for data in expected]


def test_a_customer_that_a_field_names_is_not_the_organization_s_when_that_changes() -> None:
    mapped = replace(ZENDESK, mapping=replace(ZENDESK.mapping, fields={"360001": "customer.id"}))
    assert said_by(mapped, zendesk(event("organization_changed", {"current": "5"}))) == []
    (said,) = said_by(mapped, zendesk(event("requester_changed", {"current": "7"}, **ALONE)))
    assert said.data == {"reporter": "7"}


@pytest.mark.parametrize("is_staff", [True, False])
def test_the_comment_that_a_ticket_is_created_with_is_no_reply_and_no_other_message(is_staff: bool) -> None:
    """ "An agent creates a ticket. Timing … ends at the agent's next public comment" (support.zendesk.com,
    "Understanding ticket reply time")."""
    said = {"comment": {"id": "1", "is_public": True, "author": {"id": "17", "is_staff": is_staff}}}
    for created in ("2026-03-02T10:00:01Z", "2026-03-02T10:00:00.9Z"):
        with pytest.raises(NotMapped) as caught:
            said_by(ZENDESK, zendesk(event("comment_added", said, created_at=created)))
        assert caught.value.ignored
    (later,) = said_by(ZENDESK, zendesk(event("comment_added", said, created_at="2026-03-02T09:59:59Z")))
    assert later.verb == ("message_sent" if is_staff else "message_received")
