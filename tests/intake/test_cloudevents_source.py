"""CloudEvents over HTTP: the two modes say the same, whatever letters a name has."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from cli.running import vigil
from engine.intake.keys import hash_of
from intake.listening import app_of, listening

KEY = "x" * 20
DOORS = f'doors: {{direct: {{source: cloudevents, keys: [{{name: a, hash: "{hash_of(KEY)}"}}]}}}}'
SUBJECT = "shop:Jürgen 50% €"
EVENT = {
    "specversion": "1.0", "type": "ticket.opened.v1", "source": "urn:shop", "id": "1",
    "time": "2026-03-02T10:00:00Z",
}  # fmt: skip
DATA = {"title": "Checkout is down"}
ENCODED = "shop:J%C3%BCrgen%2050%25%20%E2%82%AC"


def post(url: str, body: Any, headers: dict[str, Any]) -> httpx.Response:
    known = {"x-api-key": KEY, "content-type": "application/json"}
    return httpx.post(f"{url}/in/direct", content=orjson.dumps(body), headers={**known, **headers})


def test_a_subject_is_the_same_in_both_modes(tmp_path: Path) -> None:
    app, sink = app_of(tmp_path, DOORS)
    binary: dict[str, Any] = {f"ce-{name}": value for name, value in EVENT.items()}
    with listening(app) as url:
        structured = {**EVENT, "subject": SUBJECT, "data": DATA}
        assert post(url, structured, {"content-type": "application/cloudevents+json"}).status_code == 200
        for told in (ENCODED, ENCODED.replace("%25", "%"), SUBJECT.encode()):
            assert post(url, DATA, {**binary, "ce-subject": told}).status_code == 200
        answer = post(url, DATA, {**binary, "ce-subject": "shop:%FF"})
    assert [one.subject for one in sink.events()] == [SUBJECT] * 4
    assert (answer.status_code, answer.json()["path"]) == (422, "subject")


@pytest.mark.parametrize("told", [ENCODED, SUBJECT])
def test_a_payload_is_tried_with_the_headers_that_a_server_hears(told: str, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(orjson.dumps(DATA))
    attributes = {**EVENT, "subject": told}
    headers = [part for name, value in attributes.items() for part in ("-H", f"ce-{name}: {value}")]
    done = vigil("intake", "test", "cloudevents", str(tmp_path / "body"), *headers)
    assert done.returncode == 0, done.stderr
    assert orjson.loads(done.stdout)["subject"] == SUBJECT


def test_a_key_may_come_with_any_spelling_of_bearer(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, DOORS)
    structured = {**EVENT, "subject": "shop:1", "data": DATA}
    with listening(app) as url:
        for scheme in ("Bearer", "bearer", "BEARER"):
            answer = httpx.post(
                f"{url}/in/direct", json=structured,
                headers={"authorization": f"{scheme} {KEY}", "content-type": "application/cloudevents+json"},
            )  # fmt: skip
            assert answer.status_code == 200, scheme


def test_a_subject_that_is_missing_is_told_as_the_field_that_it_is(tmp_path: Path) -> None:
    app, _ = app_of(tmp_path, DOORS)
    events = [{**EVENT, "subject": "shop:1", "data": DATA}, {**EVENT, "id": "2", "data": DATA}]
    with listening(app) as url:
        alone = post(url, events[1], {"content-type": "application/cloudevents+json"})
        among = post(url, events, {"content-type": "application/cloudevents-batch+json"})
    detail = "subject is missing; expected the escalation's id"
    assert alone.json() == {"accepted": 0, "reason": "bad_field", "detail": detail, "path": "subject"}
    assert (among.status_code, among.json()["path"]) == (422, "[1]subject")
