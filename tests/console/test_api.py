"""The API: the same as the pages, for keys and for people, every error with a name."""

import re
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from console_house import ACTOR, INCIDENT, POLICIES, READER, Served, served
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from engine.cli.exits import ExitCode, known_failure
from engine.cli.main import app as vigil
from engine.console.filters import Filter
from engine.console.keys import KeysRefused, api_keys
from engine.console.people import BehindProxy
from engine.console.problems import NAMES
from engine.console.rows import Row
from engine.contract.codec import Received, decode
from engine.contract.outcomes import decode_outcome
from engine.core.instants import MILLISECOND
from engine.intake.keys import hash_of

ROOT = Path(__file__).resolve().parents[2]
API = "/api/v1"
AS_READER, AS_ACTOR = ({"Authorization": f"Bearer {key}"} for key in (READER, ACTOR))
LISTS = [
    "clocks",
    "escalations",
    "commitments",
    "actions",
    "rca",
    "patterns",
    "credits",
    f"outcomes/{INCIDENT}",
]
PROXY = BehindProxy("X-User", "X-Groups", ["10.0.0.7"], ["responders"], [])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Nobody at the tests' address is signed in: the keys alone let in."""
    with served(tmp_path_factory.mktemp("console"), PROXY) as one:
        yield one


@pytest.fixture
async def client(house: Served) -> AsyncIterator[httpx.AsyncClient]:
    house.sent.records.clear()
    house.sent.is_away = False
    async with house.client() as one:
        yield one


async def told(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(f"{API}/{path}", params=query, headers=AS_READER)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    said: dict[str, Any] = answer.json()
    assert (said["name"], said["status"], said["type"]) == (name, status, f"urn:vigil:problem:{name}")
    assert name in NAMES
    return said


# -- who -------------------------------------------------------------------------------------------------


async def test_without_a_key_and_without_a_sign_in_nothing_is_told(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/clocks")
    problem(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_that_is_none_of_ours_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/clocks", headers={"Authorization": "Bearer vigil_other"})
    problem(answer, 401, "unknown_key")


async def test_a_key_does_what_its_scopes_say_and_no_more(client: httpx.AsyncClient, house: Served) -> None:
    path = f"{API}/forms/acknowledged/desk:3"
    said = problem(await client.post(path, json={}, headers=AS_READER), 403, "out_of_scope")
    assert said["detail"] == "the key grafana may read, not act"
    assert not house.sent.records
    assert (await client.post(path, json={}, headers=AS_ACTOR)).status_code == 200


async def test_somebody_signed_in_uses_it_by_their_role_and_from_our_site_alone(tmp_path: Path) -> None:
    with served(tmp_path, BehindProxy("X-User", "X-Groups", ["127.0.0.1"], ["responders"], [])) as house:
        viewer, responder = {"X-User": "vera"}, {"X-User": "rita", "X-Groups": "responders"}
        path = f"{API}/forms/acknowledged/desk:3"
        async with house.client() as client:
            assert (await client.get(f"{API}/clocks", headers=viewer)).status_code == 200
            problem(await client.post(path, json={}, headers=viewer), 403, "not_allowed")
            away = {**responder, "Sec-Fetch-Site": "cross-site"}
            problem(await client.post(path, json={}, headers=away), 403, "not_allowed")
            answer = await client.post(path, json={}, headers=responder)
            assert answer.json()["by"] == "rita"


async def test_what_stands_on_the_board_is_not_told_before_the_state_is_read(tmp_path: Path) -> None:
    with served(tmp_path, PROXY) as house:
        house.house.live.has_read = False
        async with house.client() as client:
            for path in ("rca", "actions", "credits", "escalations/desk:3"):
                answer = await client.get(f"{API}/{path}", headers=AS_READER)
                problem(answer, 503, "not_read")
                assert answer.headers["retry-after"]
            assert (await told(client, "clocks"))["ready"] is False
            assert (await told(client, "commitments"))["matching"] > 0, "the archive knows them"


# -- what is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*LISTS, f"outcomes/{INCIDENT}"])
async def test_a_list_is_told_whole_by_its_cursors(client: httpx.AsyncClient, path: str) -> None:
    whole = await told(client, path, limit=1_000)
    assert whole["next"] is None
    assert len(whole["items"]) == whole["matching"] > 0
    found, cursor = [], ""
    for _ in range(400):
        one = await told(client, path, limit=max(1, whole["matching"] // 3), cursor=cursor)
        found += one["items"]
        cursor = one["next"]
        if cursor is None:
            break
    assert found == whole["items"]


async def test_clocks_are_the_boards_with_its_filters(client: httpx.AsyncClient, house: Served) -> None:
    whole = await told(client, "clocks")
    assert whole["matching"] == len(house.house.live.board.all()) == whole["counts"]["open"]
    rca = await told(client, "clocks", metric="rca", sev="P1", team="claims")
    assert {one["subject"] for one in rca["items"]} == {"desk:1"}
    assert rca["counts"] == whole["counts"], "a count never changes its meaning"
    (summary,) = [one for one in rca["items"] if one["metric"] == "rca_summary"]
    assert (summary["owed"], summary["due_at"], summary["left_seconds"], summary["state"]) == (
        "RCA summary", "2026-11-21T10:00:00Z", 22 * 3600, "running",
    )  # fmt: skip
    assert summary["next"] == {
        "say": "Publish the summary",
        "form": "rca_published",
        "given": {"stage": "summary"},
    }


async def test_clocks_of_one_filter_are_chosen_once_however_often_they_are_asked(
    client: httpx.AsyncClient, house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    among = Filter.among

    def counted(wanted: Filter, rows: Collection[Row], *who: Any) -> list[Row]:
        looked_at.append(len(rows))
        return among(wanted, rows, *who)

    monkeypatch.setattr(Filter, "among", counted)
    first, again = [await told(client, "clocks", q="no other test asks for it") for _ in range(2)]
    assert first == again
    assert looked_at == [len(house.house.live.board.all())]


async def test_escalations_are_found_by_customer_status_and_time(client: httpx.AsyncClient) -> None:
    newest = await told(client, "escalations")
    opened = [one["subject"] for one in newest["items"] if one["opened_at"]]
    assert opened == ["desk:3", "incidents:INC-2217", "desk:2", INCIDENT, "desk:1"]
    (one,) = (await told(client, "escalations", customer="novo", status="resolved"))["items"]
    assert (one["subject"], one["resolved_at"], one["owner"]) == ("desk:1", "2026-11-19T10:00:00Z", "kim")
    assert (await told(client, "escalations", customer="Novo <b>Bank</b>"))["matching"] == 1
    assert (await told(client, "escalations", **{"from": "2026-11-19", "severity": "P1"}))["matching"] == 1
    assert {one["state"]: one["count"] for one in newest["tallies"]}["resolved"] >= 1


async def test_one_escalation_is_told_as_its_page_shows_it(client: httpx.AsyncClient) -> None:
    whole = await told(client, f"escalations/{INCIDENT}", zone="Europe/Stockholm")
    assert whole["complete"] is True
    assert {one["check"] for one in whole["verdicts"]} == {"equal"}
    assert whole["facts"][0]["verb"] == "opened"
    assert whole["facts"][0]["data"]["occurred_at"] == "2026-11-12T12:02:00Z"
    assert sorted(one["state"] for one in whole["promises"]) == ["kept", "kept late"]
    for document in whole["documents"]:
        for form, kind in (("html", "text/html"), ("md", "text/markdown"), ("json", "application/json")):
            answer = await client.get(document["url"], params={"form": form}, headers=AS_READER)
            assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)


async def test_outcomes_are_those_of_the_topic(client: httpx.AsyncClient, house: Served) -> None:
    said = await told(client, f"outcomes/{INCIDENT}", limit=1_000)
    account = next(one for one in house.archive.accounts() if one.subject == INCIDENT)
    assert [one["id"] for one in said["items"]] == [one.id for one in account.outcomes]
    for one, outcome in zip(said["items"], account.outcomes, strict=True):
        value = httpx.Response(200, json=one["data"]).content
        headers = [("ce_type", one["type"].encode()), ("ce_id", one["id"].encode())]
        assert decode_outcome(value, headers) == outcome
    standing = await told(client, f"outcomes/{INCIDENT}", standing=True, limit=1_000)
    assert all(one["stands"] for one in standing["items"])


async def test_lists_are_those_of_the_pages(client: httpx.AsyncClient, house: Served) -> None:
    kept = await told(client, "commitments", state="kept_late", customer="novo")
    assert [(one["id"], one["state"], one["open"]) for one in kept["items"]] == [("c1", "kept_late", False)]
    assert kept["items"][0]["verdicts"][-1]["outcome"] == "stopped_late"
    records = await told(client, "commitment-records", by="person")
    assert {one["name"]: one["kept_rate"] for one in records} == {"Maja Ek": 0.5, "kim": 0.5, "jo": None}
    overdue = await told(client, "actions", state="overdue")
    assert [one["id"] for one in overdue["items"]] == ["a1"]
    rca = await told(client, "rca", state="overdue")
    assert [one["metric"] for one in rca["items"]] == ["rca_summary"]
    policies = await told(client, "policies")
    assert policies["policies"][0]["owed"][0]["targets"]["P0"]["budget_seconds"] == 900
    report = await told(client, "report", **{"from": "2026-11"})
    assert report["whole"]["day"] == "2026-11-01"


# -- what is done ------------------------------------------------------------------------------------------


async def test_a_form_becomes_the_event_that_the_page_would_send(
    client: httpx.AsyncClient, house: Served
) -> None:
    body = {"text": "a fix", "due_at": "2026-11-21T12:00:00+01:00", "to": "sundry"}
    answer = await client.post(f"{API}/forms/commitment_made/desk:3", json=body, headers=AS_ACTOR)
    assert answer.status_code == 200, answer.text
    (record,) = house.sent.records
    read = decode(record.key, record.value, record.headers, house.house.clock.now() // MILLISECOND)
    assert isinstance(read, Received)
    assert (read.subject, read.fact.kind, read.fact.text("by")) == ("desk:3", "commitment_made", "bot")
    assert read.fact.text("text") == "a fix"
    assert answer.json() == {
        "subject": "desk:3", "verb": "commitment_made", "id": read.fact.id, "by": "bot",
        "done": "The promise is recorded, and its clock runs.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("commitment_made/desk:3", {"text": "a fix"}, "due_at"),
        ("commitment_made/desk:3", {"text": "a fix", "due_at": "soon"}, "due_at"),
        ("rca_published/desk:3", {"stage": "third"}, "stage"),
        ("acknowledged/desk:3", {"more": "x"}, "more"),
        ("acknowledged/pattern:x", {}, ""),
        ("acknowledged/a%00b", {}, ""),
        ("acknowledged/" + "x" * 600, {}, ""),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_its_field(
    client: httpx.AsyncClient, house: Served, path: str, body: dict[str, str], field: str
) -> None:
    said = problem(await client.post(f"{API}/forms/{path}", json=body, headers=AS_ACTOR), 422, "bad_input")
    assert list(said["fields"]) == [field]
    assert not house.sent.records


async def test_a_promise_that_the_escalation_does_not_have_is_refused(
    client: httpx.AsyncClient, house: Served
) -> None:
    for name, status in (("nothing", 422), ("c3", 200), ("c1", 200)):
        address = f"{API}/forms/commitment_kept/desk:1"
        answer = await client.post(address, json={"commitment_id": name}, headers=AS_ACTOR)
        assert answer.status_code == status, name
        if status == 422:
            fields = problem(answer, 422, "bad_input")["fields"]
            assert fields == {"commitment_id": "this escalation has no such promise"}


async def test_what_kafka_does_not_confirm_is_told_so(client: httpx.AsyncClient, house: Served) -> None:
    house.sent.is_away = True
    answer = await client.post(f"{API}/forms/acknowledged/desk:3", json={}, headers=AS_ACTOR)
    problem(answer, 503, "not_sent")
    assert answer.headers["retry-after"] == "5"


async def test_what_is_sent_again_under_its_key_counts_once_and_another_body_is_another_event(
    client: httpx.AsyncClient, house: Served
) -> None:
    house.sent.is_away = True
    keyed = AS_ACTOR | {"Idempotency-Key": '"8e03978e"'}
    promise = {"text": "a fix", "due_at": "2026-11-30T12:00:00Z"}
    address = f"{API}/forms/commitment_made/desk:3"
    problem(await client.post(address, json=promise, headers=keyed), 503, "not_sent")
    house.sent.is_away = False
    for key in ('"8e03978e"', "8e03978e"):
        again = await client.post(address, json=promise, headers=keyed | {"Idempotency-Key": key})
        assert again.json()["by"] == "bot"
    first, second = house.sent.records
    assert (dict(first.headers)["ce_id"], first.value) == (dict(second.headers)["ce_id"], second.value)
    others = [
        (address, promise | {"text": "a call"}, keyed),
        (f"{API}/forms/commitment_made/desk:2", promise, keyed),
        (address, promise, keyed | {"Idempotency-Key": "other"}),
        (address, promise, AS_ACTOR),
        (address, promise, AS_ACTOR),
    ]
    for where, body, headers in others:
        await client.post(where, json=body, headers=headers)
    assert len({dict(one.headers)["ce_id"] for one in house.sent.records}) == 1 + len(others)


@pytest.mark.parametrize("key", ["", '""', "x" * 256])
async def test_a_key_that_is_none_is_refused_and_nothing_is_sent(
    client: httpx.AsyncClient, house: Served, key: str
) -> None:
    headers = AS_ACTOR | {"Idempotency-Key": key}
    answer = await client.post(f"{API}/forms/acknowledged/desk:3", json={}, headers=headers)
    assert "Idempotency-Key" in problem(answer, 422, "bad_input")["fields"]
    assert not house.sent.records


async def test_who_may_not_is_told_so_before_what_they_send_is_looked_at(client: httpx.AsyncClient) -> None:
    address = f"{API}/forms/resolved/desk:3"
    problem(await client.post(address, json={}), 401, "not_signed_in")
    problem(await client.post(address, json={}, headers=AS_READER), 403, "out_of_scope")
    problem(await client.post(address, json={}, headers=AS_ACTOR), 422, "bad_input")


async def test_what_is_wrong_with_a_body_is_told_without_the_body_and_without_files_of_ours(
    client: httpx.AsyncClient,
) -> None:
    body = {"text": "between us", "due_at": 7}
    answer = await client.post(f"{API}/forms/commitment_made/desk:1", json=body, headers=AS_ACTOR)
    said = problem(answer, 422, "bad_input")
    assert said["detail"] == "due_at: Input should be a valid string"
    assert said["fields"] == {"due_at": "Input should be a valid string"}


async def test_the_name_of_the_scheme_is_read_whatever_its_case(client: httpx.AsyncClient) -> None:
    for scheme in ("bearer", "BEARER"):
        answer = await client.get(f"{API}/policies", headers={"Authorization": f"{scheme} {READER}"})
        assert answer.status_code == 200


async def test_forms_are_listed_with_their_fields(client: httpx.AsyncClient) -> None:
    forms = {one["verb"]: one for one in await told(client, "forms")}
    assert [(one["name"], one["required"]) for one in forms["commitment_made"]["fields"]] == [
        ("text", True), ("due_at", True), ("to", False),
    ]  # fmt: skip
    assert forms["rca_published"]["fields"][0]["choices"] == ["summary", "final"]


# -- what is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("clocks?state=lost", 400, "bad_filter"),
        ("clocks?cursor=bm9uZQ", 400, "bad_filter"),
        ("commitments?from=2026-11-02&to=2026-11-01", 400, "bad_filter"),
        ("commitments?state=lost", 422, "bad_input"),
        ("escalations?limit=0", 422, "bad_input"),
        ("escalations?customer=%00", 400, "bad_filter"),
        ("escalations?cursor=WyJhIiwgImIiXQ", 400, "bad_filter"),
        ("credits?zone=Moon", 400, "bad_filter"),
        ("report?from=2026-13", 400, "no_report"),
        ("escalations/desk:99", 404, "no_such_escalation"),
        ("escalations/a%00b", 404, "no_such_escalation"),
        ("outcomes/desk:99", 404, "no_such_escalation"),
        ("documents/poem/desk:1", 404, "no_such_document"),
        ("nothing", 404, "no_such_page"),
    ],
)
async def test_every_error_is_a_problem_with_a_name(
    client: httpx.AsyncClient, path: str, status: int, name: str
) -> None:
    problem(await client.get(f"{API}/{path}", headers=AS_READER), status, name)


async def test_a_method_that_a_path_has_not_is_named_with_those_that_it_has(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.delete(f"{API}/clocks", headers=AS_READER)
    problem(answer, 405, "wrong_method")
    assert answer.headers["allow"] == "GET"


async def test_an_archive_that_is_away_is_said_to_be_and_nothing_of_it(
    client: httpx.AsyncClient, house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("select secret", {}, Exception("no route to db.internal"))

    monkeypatch.setattr(type(house.house.single), "many", away)
    answer = await client.get(f"{API}/escalations", headers=AS_READER)
    assert problem(answer, 503, "archive_away")["detail"] == ""
    assert "secret" not in answer.text


async def test_nothing_is_read_further_than_any_form_is_long(
    client: httpx.AsyncClient, house: Served
) -> None:
    body = {"resolution": "x" * 1_100_000}
    problem(await client.post(f"{API}/forms/resolved/desk:3", json=body, headers=AS_ACTOR), 413, "too_large")
    assert not house.sent.records


# -- what is written of it ---------------------------------------------------------------------------------


def test_the_page_of_paths_is_that_of_the_openapi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "scripts"))
    from api_paths import PAGE, page

    assert page(PAGE.read_text("utf-8")) == PAGE.read_text("utf-8"), "python docs/scripts/api_paths.py"


def test_the_console_does_not_start_with_keys_or_fees_that_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("acme: 12")
    for name, says in (("VIGIL_CONSOLE_KEYS", "acme: expected keys"), ("VIGIL_CONSOLE_FEES", "fee: 1000")):
        with monkeypatch.context() as patched:
            patched.setenv(name, str(file))
            result = CliRunner().invoke(vigil, ["console", "-p", str(POLICIES)])
        assert result.exception is not None
        failure = known_failure(result.exception)
        assert failure is not None
        assert (failure.code, says in failure.message) == (ExitCode.REFUSED, True)


# -- the file of keys --------------------------------------------------------------------------------------


def test_keys_are_read_from_yaml_and_two_of_one_name_may_be_in_use(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    both = [{"name": "bot", "hash": hash_of(key), "scopes": ["read", "act"]} for key in ("old", "new")]
    file.write_text(yaml.safe_dump({"keys": both}))
    assert [(one.name, one.scopes) for one in api_keys(file)] == [("bot", {"read", "act"})] * 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("keys: [{name: a, hash: vigil_secret, scopes: [read]}]", r":1: keys\[0\]\.hash: .*sha256"),
        (
            f"keys:\n- {{name: a, hash: '{hash_of('x')}', scopes: [write]}}",
            r":2: keys\[0\]\.scopes: .*read, act",
        ),
        (f"keys: [{{name: a, hash: '{hash_of('x')}', scopes: []}}]", r"keys\[0\]\.scopes"),
        ("doors: {}", "doors: expected keys"),
        ("keys: {}", "keys: expected a list of keys"),
        ("", "keys: expected at least one key"),
    ],
)
def test_a_file_of_keys_that_is_wrong_is_refused_with_line_and_field_and_without_the_key(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "keys.yaml"
    file.write_text(text)
    with pytest.raises(KeysRefused) as refused:
        api_keys(file)
    assert re.search(says, str(refused.value))
    assert "vigil_secret" not in str(refused.value)
