"""The other sources, a payload of each kind that they send.

Look-alikes, written after: PagerDuty "Webhook payloads" (V3); GitHub "Webhook events and payloads" (issues,
issue_comment); Atlassian "Webhooks" for Jira; Prometheus "Alertmanager webhook_config" (version 4).
"""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
import pytest
from msgspec.structs import replace

from engine.core.facts import Fact
from engine.core.instants import format_instant
from engine.intake.arrival import Arrival, NotAuthentic, NotMapped
from engine.intake.authenticity import hex_digest
from engine.intake.records import records_of
from intake.deliveries import SECRET, arrival, door_of, said_by, said_in_parts, verbs

PAGERDUTY, GITHUB, JIRA, ALERTS = (door_of(name) for name in ("pagerduty", "github", "jira", "alertmanager"))

# -- PagerDuty --------------------------------------------------------------------------------


def incident(**changes: Any) -> dict[str, Any]:
    return {
        "id": "PGR0VU2", "type": "incident", "number": 2, "status": "triggered", "incident_key": "d3640fbd",
        "created_at": "2026-03-02T09:59:00Z", "title": "A little bump in the road",
        "service": {"id": "PF9KMXH", "summary": "API Service", "type": "service_reference"},
        "assignees": [{"id": "PTUXL6G", "summary": "User 123", "type": "user_reference"}],
        "teams": [{"id": "PFCVPS0", "summary": "Engineering", "type": "team_reference"}],
        "priority": {"id": "PSO75BM", "summary": "P1", "type": "priority_reference"},
        "urgency": "high", "conference_bridge": None, "resolve_reason": None, **changes,
    }  # fmt: skip


def pagerduty(kind: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "event": {
            "id": "01BBYA40PSZUUCDSGFJU", "event_type": f"incident.{kind}", "resource_type": "incident",
            "occurred_at": "2026-03-02T10:00:00.000Z", "agent": {"id": "P1", "summary": "Tenex Engineer"},
            "client": None, "data": data or incident(),
        }
    }  # fmt: skip


def test_a_triggered_incident_opens_an_escalation() -> None:
    (opened,) = said_by(PAGERDUTY, arrival(pagerduty("triggered")))
    assert (opened.subject, opened.family) == ("pagerduty:PGR0VU2", "incident")
    assert format_instant(opened.at) == "2026-03-02T10:00:00Z"
    assert opened.data == {
        "title": "A little bump in the road", "priority": "P1", "severity": "P0", "service": "API Service",
        "owner": "User 123", "team": "Engineering",
    }  # fmt: skip


NOTE = {"id": "P2", "type": "incident_note", "incident": {"id": "PGR0VU2"}, "content": "looking"}
MERGED = incident(resolve_reason={"type": "merge_resolve_reason", "incident": {"id": "PSURVIVES"}})
WHO = {"by": "Tenex Engineer"}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("acknowledged", None, ("acknowledged", WHO)),
        ("escalated", None, ("assigned", {"owner": "User 123"})),
        ("reassigned", incident(assignees=[]), ("assigned", {"owner": None})),
        ("delegated", None, ("assigned", {"owner": "User 123", "team": "Engineering"})),
        ("delegated", incident(teams=[]), ("assigned", {"owner": "User 123", "team": None})),
        ("priority_updated", None, ("updated", {"priority": "P1", "severity": "P0"})),
        ("priority_updated", incident(priority=None), ("updated", {"priority": None, "severity": None})),
        ("priority_updated", incident(priority={"summary": "VIP"}), ("updated", {"priority": "VIP"})),
        ("reopened", None, ("reopened", {})),
        ("resolved", None, ("resolved", WHO)),
        ("resolved", MERGED, ("merged", {"into": "pagerduty:PSURVIVES", **WHO})),
        (
            "status_update_published",
            {**NOTE, "type": "x"},
            ("update_published", {"audience": "internal", **WHO}),
        ),
        ("annotated", NOTE, ("message_sent", {"public": False, **WHO})),
    ],
)
def test_each_event_of_pagerduty_says_its_verb(kind: str, data: Any, expected: Any) -> None:
    said = said_by(PAGERDUTY, arrival(pagerduty(kind, data)))
    assert verbs(said) == [expected]
    assert said[0].subject == "pagerduty:PGR0VU2"


def test_a_ping_is_ignored() -> None:
    ping = {"event": {**pagerduty("x")["event"], "event_type": "pagey.ping", "resource_type": "pagey"}}
    with pytest.raises(NotMapped) as caught:
        said_by(PAGERDUTY, arrival(ping))
    assert caught.value.ignored


@pytest.mark.parametrize("agent", [None, {"id": "PW1", "summary": "Runbook", "type": "service_reference"}])
def test_a_note_that_no_person_writes_is_no_work_on_the_incident(agent: Any) -> None:
    note = pagerduty("annotated", NOTE)
    with pytest.raises(NotMapped) as caught:
        said_by(PAGERDUTY, arrival({"event": {**note["event"], "agent": agent}}))
    assert caught.value.ignored
    person = {"id": "PLH1HKV", "summary": "Tenex Engineer", "type": "user_reference"}
    (said,) = said_by(PAGERDUTY, arrival({"event": {**note["event"], "agent": person}}))
    assert (said.verb, said.data) == ("message_sent", {"public": False, **WHO})


def roles(*people: tuple[str, str, str]) -> dict[str, Any]:
    """(role, who has it now, who had it) each."""
    listed = [
        {
            "id": "af64b84c", "incident": {"id": "PGR0VU2", "summary": None}, "status": "active",
            "role": {"id": "P8PQO4R", "summary": role, "type": "role_reference"},
            "assignee": {"summary": now} if now else None, "old_assignee": {"summary": old} if old else None,
        }
        for role, now, old in people
    ]  # fmt: skip
    return {"type": "incident_role_assignment", "incident_role_assignments": listed}


def test_roles_of_pagerduty_are_assigned_handed_over_and_released() -> None:
    told = roles(("Incident Commander", "Ann", ""), ("Communications", "Bo", "Cy"), ("Scribe", "", "Di"))
    said = said_by(PAGERDUTY, arrival(pagerduty("role.assigned", told)))
    assert verbs(said) == [
        ("role_assigned", {"role": "incident_commander", "person": "Ann", **WHO}),
        ("role_assigned", {"role": "communications", "person": "Bo", **WHO}),
        ("role_released", {"role": "scribe", "person": "Di", **WHO}),
    ]
    assert {one.subject for one in said} == {"pagerduty:PGR0VU2"}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("role.assigned", roles(("Scribe", "", ""))),
        ("responder.added", {"incident": {"id": "PGR0VU2"}, "user": {"id": "P1"}, "state": "pending"}),
        ("task.created", {"incident": {"id": "PGR0VU2"}, "id": "PT", "name": "Look"}),
        ("unacknowledged", None),
    ],
)
def test_what_pagerduty_tells_that_is_nothing_of_ours_is_ignored(kind: str, data: Any) -> None:
    with pytest.raises(NotMapped) as caught:
        said_by(PAGERDUTY, arrival(pagerduty(kind, data)))
    assert caught.value.ignored


# -- GitHub -----------------------------------------------------------------------------------


DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


def issue(**changes: Any) -> dict[str, Any]:
    return {
        "number": 1, "title": "Spelling error in the README file", "state": "open", "state_reason": None,
        "user": {"login": "Codertocat", "type": "User"}, "assignee": None,
        "labels": [{"name": "bug"}, {"name": "P1"}, {"name": "P2"}],
        "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T10:00:00Z",
        "closed_at": "2026-03-02T10:00:00Z", **changes,
    }  # fmt: skip


def github(action: str, kind: str = "issues", **more: Any) -> Arrival:
    body = {
        "action": action, "issue": issue(), "repository": {"full_name": "Codertocat/Hello-World"},
        "sender": {"login": "octocat", "type": "User"}, **more,
    }  # fmt: skip
    return arrival(body, {"x-github-event": kind, "x-github-delivery": DELIVERY})


def comment(association: str, kind: str = "User") -> dict[str, Any]:
    user = {"login": "octocat", "type": kind}
    return {"user": user, "author_association": association, "created_at": "2026-03-02T10:00:00Z"}


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (
            github("opened"),
            (
                "opened",
                {
                    "title": "Spelling error in the README file",
                    "reporter": "Codertocat",
                    "tags": ["bug", "P1", "P2"],
                    "severity": "P1",
                },
            ),
        ),
        (github("closed", issue=issue(state_reason="completed")), ("resolved", {"by": "octocat"})),
        (
            github("closed", issue=issue(state_reason="not_planned")),
            ("cancelled", {"reason": "not_planned", "by": "octocat"}),
        ),
        (github("reopened"), ("reopened", {"by": "octocat"})),
        (
            github("closed", issue=issue(user={"login": "octocat"}, author_association="NONE")),
            ("resolved", {}),
        ),
        (
            github("reopened", issue=issue(user={"login": "octocat"}, author_association="MEMBER")),
            ("reopened", {"by": "octocat"}),
        ),
        (github("assigned", issue=issue(assignee={"login": "mona"})), ("assigned", {"owner": "mona"})),
        (github("unassigned"), ("assigned", {"owner": None})),
        (github("labeled", issue=issue(labels=[{"name": "x"}])), ("updated", {"tags": ["x"]})),
        (
            github("unlabeled", label={"name": "x"}, issue=issue(labels=[])),
            ("updated", {"tags": []}),
        ),
        (
            github("unlabeled", label={"name": "P0"}, issue=issue(labels=[{"name": "bug"}])),
            ("updated", {"tags": ["bug"], "severity": None}),
        ),
        (
            github("unlabeled", label={"name": "P0"}, issue=issue(labels=[{"name": "P2"}])),
            ("updated", {"tags": ["P2"], "severity": "P2"}),
        ),
        (
            github("edited", changes={"title": {"from": "x"}}),
            ("updated", {"title": "Spelling error in the README file"}),
        ),
        (
            github("created", "issue_comment", comment=comment("MEMBER")),
            ("message_sent", {"public": True, "by": "octocat"}),
        ),
        (
            github("created", "issue_comment", comment=comment("NONE")),
            ("message_received", {"public": True}),
        ),
    ],
)
def test_each_event_of_github_says_its_verb(came: Arrival, expected: Any) -> None:
    (said,) = said_by(GITHUB, came)
    assert (said.verb, said.data) == expected
    assert said.subject == "github:Codertocat/Hello-World#1"
    assert said.id == f"{DELIVERY}:0"


@pytest.mark.parametrize(
    "came",
    [
        github("opened", "ping"),
        github("pinned"),
        github("edited", changes={"body": {}}),
        github("opened", issue=issue(pull_request={"url": "x"})),
        github("created", "issue_comment", comment=comment("NONE", "Bot")),
        github("edited", "issue_comment", comment=comment("MEMBER")),
    ],
)
def test_what_github_sends_beside_is_ignored(came: Arrival) -> None:
    with pytest.raises(NotMapped) as caught:
        said_by(GITHUB, came)
    assert caught.value.ignored


def relabelled(first: tuple[str, list[str]], second: tuple[str, list[str]], *ids: str) -> Any:
    """The severity and the tags that two changes of labels in one second end with."""
    told = []
    for (action, labels), delivery in zip((first, second), ids, strict=True):
        came = github(action, issue=issue(labels=[{"name": one} for one in labels]))
        came = replace(came, headers={**came.headers, "x-github-delivery": delivery})
        assert said_by(GITHUB, came) == said_by(GITHUB, came), "a redelivery says the same"
        told += records_of(said_by(GITHUB, came), GITHUB.name, came)
    known: dict[str, Any] = {}
    for one in sorted(told, key=lambda one: one.read.fact.order):
        known |= one.read.fact.data
    return known["severity"], known["tags"]


@pytest.mark.parametrize("ids", [("1111", "2222"), ("eeee", "2222"), (str(UUID(int=9)), str(UUID(int=1)))])
def test_an_issue_that_is_relabelled_has_the_new_label_whatever_the_deliveries_ids_are(
    ids: tuple[str, str],
) -> None:
    both, left = ("labeled", ["P0", "P2"]), ("unlabeled", ["P2"])
    assert relabelled(both, left, *ids) == relabelled(left, both, *reversed(ids)) == ("P2", ["P2"])


def test_the_time_in_a_delivery_s_id_puts_changes_of_one_second_in_order() -> None:
    def made(milliseconds: int, rest: str) -> str:
        at = 0x1ED377EFFFFFFFF + milliseconds * 10_000  # the lower half, which stands in front, begins anew
        return str(UUID(f"{at & 0xFFFFFFFF:08x}{at >> 32 & 0xFFFF:04x}1{at >> 48:03x}{rest}"))

    taken_away, given = ("unlabeled", ["bug"]), ("labeled", ["bug", "P2"])
    assert UUID(made(0, "9c2e1ae286aab35f")).version == 1
    for earlier, later in (
        ("9c2e1ae286aab35f", "8335028c014112b7"),
        ("8335028c014112b7", "9c2e1ae286aab35f"),
    ):
        ids = made(0, earlier), made(1, later)
        assert ids[0] > ids[1]
        assert relabelled(taken_away, given, *ids) == ("P2", ["bug", "P2"])


def test_by_its_id_an_issue_stays_one_escalation_when_its_repository_is_renamed() -> None:
    by_id = replace(GITHUB, mapping=replace(GITHUB.mapping, subject="github:{issue_id}"))
    for name in ("Codertocat/Hello-World", "octo-org/Hello-World"):
        came = github("assigned", issue=issue(id=444500041), repository={"full_name": name})
        assert said_by(by_id, came)[0].subject == "github:444500041"


@pytest.mark.parametrize("action", ["deleted", "transferred"])
def test_an_issue_that_is_gone_is_gone_since_then_and_not_since_its_last_change(action: str) -> None:
    def said_of(delivery: str) -> Any:
        came = github(action, issue=issue(updated_at="2026-03-01T08:00:00Z"))
        (said,) = said_by(GITHUB, replace(came, headers={**came.headers, "x-github-delivery": delivery}))
        return said.verb, format_instant(said.at)

    # A UUID of version 1 says when the delivery was made, so that it says the same when it is sent again.
    assert said_of("6f758a00-161e-11f1-8000-9c2e1ae286aa") == ("cancelled", "2026-03-02T09:59:00Z")
    long_ago, by_chance = DELIVERY, "9d2a7c46-5a0c-4d63-9c57-0d54c1e6a7b1"
    for other in (long_ago, by_chance, "7"):
        assert said_of(other) == ("cancelled", "2026-03-02T10:00:05Z"), "when it came"


def test_a_member_whose_membership_is_private_is_of_ours_where_the_door_names_them() -> None:
    """GitHub says CONTRIBUTOR or NONE of them in webhooks (github.com/actions/github-script/issues/643)."""
    ours = replace(GITHUB, mapping=replace(GITHUB.mapping, staff=frozenset(["octocat"])))
    for association in ("CONTRIBUTOR", "NONE"):
        came = github("created", "issue_comment", comment=comment(association))
        assert verbs(said_by(GITHUB, came)) == [("message_received", {"public": True})]
        assert verbs(said_by(ours, came)) == [("message_sent", {"public": True, "by": "octocat"})]
    closed = github("closed", issue=issue(user={"login": "octocat"}, author_association="NONE"))
    assert verbs(said_by(ours, closed)) == [("resolved", {"by": "octocat"})]


def test_an_issue_that_comes_from_another_repository_opens_when_it_comes() -> None:
    moved = {"old_issue": issue(number=7), "old_repository": {"full_name": "Codertocat/Other"}}
    (opened,) = said_by(GITHUB, github("opened", changes=moved))
    assert (opened.verb, format_instant(opened.at)) == ("opened", "2026-03-02T10:00:05Z")
    assert opened.data["reported_at"] == "2026-03-02T09:00:00Z", "it is as old as it was"


@pytest.mark.parametrize("why", [None, "completed", "not_planned"])
def test_a_closed_issue_that_comes_from_another_repository_owes_nothing_there(why: str | None) -> None:
    moved = {"old_issue": issue(number=7), "old_repository": {"full_name": "Codertocat/Other"}}
    gone = issue(state="closed", state_reason=why)
    opened, ended = said_by(GITHUB, github("opened", issue=gone, changes=moved))
    assert (opened.verb, ended.verb, ended.data) == ("opened", "cancelled", {"reason": "transferred"})
    assert (ended.at, ended.sequence > opened.sequence) == (opened.at, True)
    assert "reported_at" not in opened.data, "by its age it would breach, of which it was judged already"


def test_a_webhook_whose_content_type_nobody_chose_sends_a_form() -> None:
    """docs.github.com, "Creating webhooks": the JSON is the parameter `payload`, and the body is signed."""
    came = github("edited", changes={"title": {"from": "x"}}, issue=issue(title="50 % + ä & x=y"))
    form = urlencode({"payload": came.body}).encode()
    as_form = {**came.headers, "content-type": "application/x-www-form-urlencoded"}
    as_form["x-hub-signature-256"] = f"sha256={hex_digest(SECRET, form)}"
    told = replace(came, body=form, headers=as_form)
    replace(GITHUB, secrets=(SECRET,)).authenticate(told)
    assert said_by(GITHUB, told) == said_by(GITHUB, came)
    assert said_by(GITHUB, told)[0].data == {"title": "50 % + ä & x=y"}


# -- Jira -------------------------------------------------------------------------------------


def jira(kind: str, status: str = "Waiting for support", category: str = "indeterminate", **more: Any) -> Any:
    fields = {
        "summary": "I feel the need for speed",
        "status": {"name": status, "statusCategory": {"key": category}},
        "priority": {"name": "Highest"}, "labels": ["UI"], "components": [{"name": "checkout"}],
        "assignee": {"displayName": "Mona"}, "reporter": {"displayName": "Bryan Rollins"},
        "created": "2026-03-02T10:59:00.000+0100", "customfield_10001": {"value": "gold"},
    }  # fmt: skip
    body = {
        "timestamp": 1772445600000, "webhookEvent": kind, "user": {"displayName": "Mona"},
        "issue": {"id": "99291", "key": "JRA-20002", "fields": fields}, **more,
    }  # fmt: skip
    return arrival(body, {"x-atlassian-webhook-identifier": "d-1"})


MONA = {"displayName": "Mona", "accountType": "atlassian"}
STAFF = {"type": "role", "value": "Service Desk Team"}


def changed(field: str, before: str | None, after: str | None) -> dict[str, Any]:
    item = {"field": field, "fieldId": field, "fromString": before, "toString": after}
    return {"id": "10124", "items": [item]}


def test_an_issue_that_is_created_opens_an_escalation() -> None:
    (opened,) = said_by(JIRA, jira("jira:issue_created"))
    assert opened.subject == "jira:JRA-20002"
    assert format_instant(opened.at) == "2026-03-02T09:59:00Z", "when it was created, as its history says too"
    assert opened.data == {
        "title": "I feel the need for speed", "priority": "Highest", "severity": "P0", "owner": "Mona",
        "reporter": "Bryan Rollins", "component": "checkout", "tags": ["UI"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (
            jira(
                "jira:issue_updated", "Waiting for customer",
                changelog=changed("status", "Open", "Waiting for customer"),
            ),
            [("paused", {"reason": "pending_customer"})],
        ),
        (
            jira("jira:issue_updated", "Shipped", "done", changelog=changed("status", "Open", "Shipped")),
            [("resolved", {})],
        ),
        (
            jira("jira:issue_updated", "Doing", changelog=changed("status", "Resolved", "Doing")),
            [("reopened", {})],
        ),
        (
            jira("jira:issue_updated", changelog=changed("priority", "Low", "High")),
            [("updated", {"priority": "High", "severity": "P1"})],
        ),
        (
            jira("jira:issue_updated", changelog=changed("components", "mail", None)),
            [("updated", {"component": "checkout"})],
        ),
        (
            jira("jira:issue_updated", changelog=changed("reporter", "Bryan Rollins", None)),
            [("updated", {"reporter": None})],
        ),
        (
            jira("jira:issue_updated", changelog=changed("priority", "High", "None")),
            [("updated", {"priority": "None", "severity": None})],
        ),
        (
            jira("jira:issue_updated", changelog=changed("priority", "VIP", "None")),
            [("updated", {"priority": "None"})],
        ),
        (
            jira("jira:issue_updated", changelog=changed("assignee", "Mona", None)),
            [("assigned", {"owner": None})],
        ),
        (jira("jira:issue_deleted"), [("cancelled", {"reason": "deleted"})]),
        (
            jira("comment_created", comment={"jsdPublic": True, "author": MONA}),
            [("message_sent", {"public": True, "by": "Mona"})],
        ),
        (
            jira("comment_created", comment={"jsdPublic": True, "visibility": STAFF, "author": MONA}),
            [("message_sent", {"public": False, "by": "Mona"})],
        ),
        (
            jira("comment_created", comment={"author": MONA}),
            [("message_sent", {"public": False, "by": "Mona"})],
        ),
        (
            jira("comment_created", comment={"jsdPublic": True, "author": {"accountType": "customer"}}),
            [("message_received", {"public": True})],
        ),
    ],
)  # fmt: skip
def test_each_event_of_jira_says_its_verbs(came: Arrival, expected: Any) -> None:
    assert verbs(said_by(JIRA, came)) == expected


@pytest.mark.parametrize(
    ("author", "reason"),
    [
        ({"accountType": "app"}, "unknown_type"),
        ({"displayName": "Former user", "accountType": "unknown"}, "unknown_author"),
        (None, "unknown_author"),
    ],
)
def test_a_comment_of_jira_s_automation_or_of_nobody_is_no_reply(author: Any, reason: str) -> None:
    with pytest.raises(NotMapped) as caught:
        said_by(JIRA, jira("comment_created", comment={"jsdPublic": True, "author": author}))
    assert (caught.value.reason, caught.value.ignored) == (reason, reason == "unknown_type")


def test_a_comment_of_jira_data_center_is_refused_with_what_to_do_about_it() -> None:
    self = "https://jira.example/rest/api/2/issue/89820/comment/456843"
    told = {"id": "456843", "self": self, "author": {"name": "ann", "displayName": "Ann"}, "body": "hm"}
    body = {"timestamp": 1605117321425, "webhookEvent": "comment_created", "comment": told}
    with pytest.raises(NotMapped, match="leave comments out") as caught:
        said_by(JIRA, arrival(body))
    assert (caught.value.reason, caught.value.path, caught.value.ignored) == ("bad_payload", "issue", False)


@pytest.mark.parametrize("kind", ["worklog_created", "jira:version_released", "issuelink_created"])
def test_what_jira_tells_of_no_issue_is_ignored(kind: str) -> None:
    with pytest.raises(NotMapped) as caught:
        said_by(JIRA, arrival({"timestamp": 1772445600000, "webhookEvent": kind, "worklog": {"id": "1"}}))
    assert caught.value.ignored


def several(status: str, category: str = "indeterminate", **change: Any) -> Arrival:
    """An issue comes back in that status, has another owner and is graver."""
    items = [
        one
        for field, before, after in (
            ("status", "Resolved", status), ("assignee", "a", "b"), ("priority", "Low", "High"),
        )
        for one in changed(field, before, after)["items"]
    ]  # fmt: skip
    return jira("jira:issue_updated", status, category, changelog={**change, "items": items})


@pytest.mark.parametrize("change", [{"id": "1"}, {}])
def test_one_delivery_of_jira_may_say_several_things_in_their_order(change: dict[str, str]) -> None:
    said = said_in_parts(JIRA, several("Waiting for customer", **change))
    assert [one.verb for one in said] == ["assigned", "updated", "reopened", "paused"]
    assert len({one.id for one in said}) == 4
    assert sorted(said, key=lambda one: one.sequence) == said
    if change:
        (after,) = said_by(
            JIRA, jira("jira:issue_updated", changelog={**changed("summary", "", "b"), "id": "2"})
        )
        assert after.sequence > said[-1].sequence


def test_a_status_of_jira_that_nobody_mapped_keeps_out_nothing_beside_it() -> None:
    assert told_in_parts(JIRA, several("Being brewed", "undefined", id="1")) == [
        ("jira:JRA-20002", "assigned"), ("jira:JRA-20002", "updated"), UNKNOWN
    ]  # fmt: skip


UNKNOWN = ("unknown_status", "issue.fields.status.name: 'Being brewed'; t")


def told_in_parts(door: Any, came: Arrival) -> list[tuple[str, str]]:
    """What its parts say, and why not: subject and verb, or the reason and the beginning of its words."""
    told = []
    for part in door.source.apart(came):
        try:
            told += [(one.subject, one.verb) for one in said_by(door, part)]
        except NotMapped as why:
            told.append((why.reason, str(why)[:43]))
    return told


@pytest.mark.parametrize("category", ["undefined", ""])
def test_an_issue_of_jira_in_a_status_that_nobody_mapped_is_opened(category: str) -> None:
    """Atlassian's "No category"; of a status that was deleted since, history has none."""
    created = jira("jira:issue_created", "Being brewed", category)
    assert told_in_parts(JIRA, created) == [("jira:JRA-20002", "opened"), UNKNOWN]
    came = jira("jira:issue_updated", "Being brewed", category, changelog=moved())
    assert told_in_parts(JIRA, came) == [
        ("jira:SUP-1", "cancelled"), ("jira:JRA-20002", "opened"), UNKNOWN
    ]  # fmt: skip


def test_the_status_that_an_issue_is_created_in_is_before_its_changes() -> None:
    first = said_in_parts(JIRA, jira("jira:issue_created", "Pending", "undefined"))
    change = {**changed("status", "Pending", "Open"), "id": "1"}
    then = said_in_parts(JIRA, jira("jira:issue_updated", "Open", changelog=change))
    assert [one.verb for one in first + then] == ["opened", "paused", "resumed"]
    assert len({one.id for one in first + then}) == 3
    assert first[-1].sequence < then[0].sequence


def test_an_issue_that_is_moved_to_a_status_without_a_category_says_each_thing_once() -> None:
    lines = [*changed("status", "Open", "Pending")["items"], *changed("assignee", "a", "b")["items"]]
    came = jira("jira:issue_updated", "Pending", "undefined", changelog=moved(*lines))
    (gone, *opened) = told_in_parts(JIRA, came)
    assert gone == ("jira:SUP-1", "cancelled")
    assert [verb for _, verb in opened] == ["opened", "reopened", "resumed", "paused"], "again, perhaps"
    by_id = replace(JIRA, mapping=replace(JIRA.mapping, subject="jira:{issue_id}"))
    assert told_in_parts(by_id, came) == [("jira:99291", "assigned"), ("jira:99291", "paused")]


def moved(*more: dict[str, Any]) -> dict[str, Any]:
    key = {"field": "Key", "from": None, "fromString": "SUP-1", "to": None, "toString": "JRA-20002"}
    return {"id": "501", "items": [key, *changed("project", "Support", "Engineering")["items"], *more]}


def test_an_issue_that_is_moved_is_cancelled_under_its_old_key_and_opened_under_the_new_one() -> None:
    done = changed("status", "Open", "Shipped")["items"]
    came = jira("jira:issue_updated", "Shipped", "done", changelog=moved(*done))
    said = said_by(JIRA, came)
    assert [(one.subject, one.verb) for one in said] == [
        ("jira:SUP-1", "cancelled"), ("jira:JRA-20002", "opened"), ("jira:JRA-20002", "resolved"),
    ]  # fmt: skip
    assert said[0].data == {"reason": "moved"}
    assert said[1].data["reported_at"] == "2026-03-02T09:59:00Z", "when it was created"
    assert len({one.id for one in said}) == 3
    without_id = jira("jira:issue_updated", changelog={"items": moved()["items"]})
    verbs_said = [one.verb for one in said_by(JIRA, without_id)]
    assert verbs_said == ["cancelled", "opened", "reopened", "resumed"], "it may have had the key before"
    assert len({one.id for one in said_by(JIRA, without_id)}) == 4


@pytest.mark.parametrize(
    ("status", "lines", "is_reported", "then"),
    [
        ("Shipped", [], False, ["cancelled"]),
        ("Closed", [], False, ["cancelled"]),
        ("Canceled", [], False, ["cancelled"]),
        ("Shipped", changed("status", "Resolved", "Shipped")["items"], False, ["cancelled"]),
        ("Open", changed("status", "Resolved", "Open")["items"], False, ["reopened", "resumed"]),
        ("Shipped", changed("status", "Open", "Shipped")["items"], True, ["resolved"]),
        ("Open", [], True, ["reopened", "resumed"]),
    ],
)
def test_an_issue_that_was_over_when_it_was_moved_owes_nothing_under_its_new_key(
    status: str, lines: list[dict[str, Any]], is_reported: bool, then: list[str]
) -> None:
    category = "new" if status == "Open" else "done"
    came = jira("jira:issue_updated", status, category, changelog=moved(*lines))
    gone, opened, *after = said_by(JIRA, came)
    assert (gone.verb, opened.verb, [one.verb for one in after]) == ("cancelled", "opened", then)
    assert ("reported_at" in opened.data) == is_reported, "by its age it would breach"
    assert all(one.data == {"reason": "moved"} for one in after if one.verb == "cancelled")


@pytest.mark.parametrize(
    ("now", "line", "then"),
    [
        ({"name": "Done"}, [], "cancelled"),
        (None, [], "resolved"),
        ({"name": "Done"}, changed("resolution", None, "Done")["items"], "resolved"),
        (None, changed("resolution", "Done", None)["items"], "cancelled"),
    ],
)
def test_a_status_of_the_workflow_s_own_was_over_where_the_issue_had_a_resolution(
    now: Any, line: list[dict[str, Any]], then: str
) -> None:
    lines = [*changed("status", "Brewed", "Shipped")["items"], *line]
    came = jira("jira:issue_updated", "Shipped", "done", changelog=moved(*lines))
    body = orjson.loads(came.body)
    body["issue"]["fields"]["resolution"] = now
    assert said_by(JIRA, replace(came, body=orjson.dumps(body)))[-1].verb == then


def test_by_its_id_an_issue_stays_one_escalation_when_it_is_moved() -> None:
    by_id = replace(JIRA, mapping=replace(JIRA.mapping, subject="jira:{issue_id}"))
    (opened,) = said_by(by_id, jira("jira:issue_created"))
    came = jira("jira:issue_updated", changelog=moved(*changed("priority", "Low", "High")["items"]))
    (updated,) = said_by(by_id, came)
    assert (opened.subject, updated.subject, updated.verb) == ("jira:99291", "jira:99291", "updated")


def test_an_update_that_is_no_concern_of_ours_is_ignored() -> None:
    for more in ({"changelog": changed("Sprint", "1", "2")}, {"changelog": None}, {}):
        with pytest.raises(NotMapped) as caught:
            said_by(JIRA, jira("jira:issue_updated", **more))
        assert caught.value.ignored


# -- Alertmanager -----------------------------------------------------------------------------


def group(status: str = "firing") -> dict[str, Any]:
    alert = {
        "status": status, "labels": {"alertname": "HighLatency", "severity": "critical", "service": "shop"},
        "annotations": {"summary": "Checkout is slow"}, "startsAt": "2026-03-02T09:58:11.5Z",
        "endsAt": "2026-03-02T10:00:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.org/graph", "fingerprint": "5ef77f1f8a3ecfcc",
    }  # fmt: skip
    return {"version": "4", "groupKey": "{}", "status": status, "receiver": "vigil", "alerts": [alert]}


def test_an_alert_is_an_incident_from_its_start_to_its_end() -> None:
    (opened,) = said_by(ALERTS, arrival(group()))
    assert opened.subject == "alertmanager:5ef77f1f8a3ecfcc-1772445491"
    assert opened.data == {
        "title": "Checkout is slow", "fingerprint": "HighLatency", "severity": "P1", "service": "shop",
    }  # fmt: skip
    again, resolved = said_by(ALERTS, arrival(group("resolved")))
    assert again == opened, "the start is known, and changes nothing the second time"
    assert (resolved.verb, format_instant(resolved.at)) == ("resolved", "2026-03-02T10:00:00Z")


def fact(*alerts: dict[str, Any]) -> Fact:
    """Of a group the first event, as the worker reads it."""
    came = arrival({**group(), "alerts": alerts})
    return records_of(ALERTS.source.translate(came, ALERTS.mapping), ALERTS.name, came)[0].read.fact


def summed_up(summary: str, status: str = "firing", **labels: str) -> dict[str, Any]:
    (alert,) = group(status)["alerts"]
    return {**alert, "annotations": {"summary": summary}, "labels": {**alert["labels"], **labels}}


@pytest.mark.parametrize(
    ("told", "title"),
    [
        (["CPU is 91 %", "CPU is 93.25 %", "CPU is NaN %"], "CPU is … %"),
        (["5.2% of 1.2k", "1e+06% of -3"], "… of …"),
        (["down for 59m 3s now", "down for 1h 0m 2s now", "down for 1d now"], "down for … now"),
        (["p99 of k8s is 1.2s", "p99 of k8s is 900ms"], "p99 of k8s is …"),
        (["10.0.0.5:9100 has 500", "10.0.0.5:9100 has 9"], "10.0.0.5:9100 has …"),
        (["host-12 of host-12:9100, 12", "host-12 of host-12:9100, 13"], "host-… of host-12:9100, …"),
    ],
)
def test_a_value_in_a_summary_makes_no_other_opening_of_an_alert_that_is_told_again(
    told: list[str], title: str
) -> None:
    labels = {"instance": "10.0.0.5:9100", "node": "host-12:9100", "code": "500", "shard": "12", "zone": ""}
    first, *others = [fact(summed_up(one, **labels)) for one in told]
    assert first.data["title"] == title
    for other in others:
        assert (other.id, other.same_content(first)) == (first.id, True)


def test_an_opening_is_the_same_alone_beside_others_and_with_its_end() -> None:
    firing, over = summed_up("at 91"), summed_up("at 97", "resolved")
    other = {**firing, "fingerprint": "another"}
    alone = fact(firing)
    for again in (fact(firing, other), fact(over), fact(over, other)):
        assert (again.id, again.same_content(alone)) == (alone.id, True)


# -- signatures -------------------------------------------------------------------------------

BODY = b'{"a": 1}'


@pytest.mark.parametrize(
    ("door", "name", "value"),
    [
        (PAGERDUTY, "x-pagerduty-signature", f"v1=00,v1={hex_digest(SECRET, BODY)}"),
        (GITHUB, "x-hub-signature-256", f"sha256={hex_digest(SECRET, BODY)}"),
        (JIRA, "x-hub-signature", f"sha256={hex_digest(SECRET, BODY)}"),
        (ALERTS, "authorization", f"Bearer {SECRET}"),
        (door_of("cloudevents"), "x-api-key", SECRET),
    ],
)
def test_each_source_is_known_by_its_signature_and_by_nothing_else(door: Any, name: str, value: str) -> None:
    door.source.authenticate(arrival(BODY, {name: value}), ("another secret", SECRET))
    for headers, body in (
        ({}, BODY),
        ({name: ""}, BODY),
        ({name: value[:-1]}, BODY),
        ({name: f"{value[:-1]}é"}, BODY),
        ({name: "sha1=abc"}, BODY),
        *([({name: value}, BODY + b" ")] if "signature" in name else []),
    ):
        with pytest.raises(NotAuthentic):
            door.source.authenticate(arrival(body, headers), ("another secret", SECRET))


# -- CloudEvents ------------------------------------------------------------------------------


def test_an_event_is_the_same_in_any_batch_and_those_of_one_moment_stay_in_their_order() -> None:
    def sequences(*events: tuple[str, str, str]) -> list[str]:
        batch = [
            {
                "specversion": "1.0", "type": "ticket.updated.v1", "source": "urn:own", "id": "1",
                "subject": subject, "time": f"2026-03-02T10:00:0{second}Z", "data": {},
                **({"sequence": own} if own else {}),
            }
            for subject, second, own in events
        ]  # fmt: skip
        headers = {"content-type": "application/cloudevents-batch+json"}
        return [one.sequence for one in said_by(door_of("cloudevents"), arrival(batch, headers))]

    assert sequences(("own:1", "0", ""), ("own:2", "0", ""), ("own:1", "1", "")) == ["", "", ""]
    pair = [("own:1", "0", ""), ("own:1", "0", "")]
    assert sequences(*pair) == sequences(("own:2", "0", ""), *pair)[1:] == ["0001", "0002"]
    assert sequences(("own:1", "0", "7"), ("own:1", "0", "")) == ["7", "0002"]
