"""The intake answers as its OpenAPI document says, whatever schemathesis sends to its doors."""

import copy
import os
from collections.abc import Mapping
from pathlib import Path

import httpx
import jsonschema
import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from msgspec.structs import replace
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.case import Case
from schemathesis.specs.openapi import checks

from cli.running import vigil
from engine.core.instants import SECOND, format_instant
from engine.intake.app import _now, application
from engine.intake.authenticity import base64_digest, hex_digest
from engine.intake.configuration import shipped
from engine.intake.keys import Key, Rate, hash_of, new_key
from engine.intake.openapi import document
from engine.intake.source import MOST_BYTES
from engine.intake.sources import SOURCES
from engine.metrics.intake import IntakeMetrics
from intake.listening import Sink
from intake.test_payloads import EXAMPLES

pytestmark = pytest.mark.slow

NUMBER = int(os.environ.get("VIGIL_OPENAPI_EXAMPLES", "10"))
"""Of random deliveries a door, good and bad, each sent with what lets it in and without."""
SECRET, KEY, NARROW = "the-secret-of-every-door", new_key(), new_key()
DOORS = {name: replace(shipped(source), secrets=(SECRET,)) for name, source in SOURCES.items()}
DOORS["keyed"] = replace(
    shipped(SOURCES["cloudevents"]),
    name="keyed",
    keys=(Key("wide", hash_of(KEY)), Key("narrow", hash_of(NARROW), types=("ticket.*",))),
)
DOORS["slow"] = replace(DOORS["keyed"], name="slow", rate=Rate(0.01, 1))
DOCUMENT, SINK = document(DOORS), Sink()
CONFORM = [
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.app = application(DOORS, SINK, IntakeMetrics(tuple(DOORS)))


def signed(door: str, body: bytes, key: str = KEY) -> dict[str, str]:
    """The headers by which this body comes in at the door."""
    now = _now()
    match door:
        case "zendesk":
            at = format_instant(now)
            names = SOURCES[door].signed_headers
            return dict(zip(names, (base64_digest(SECRET, at.encode() + body), at), strict=True))
        case "servicenow":
            at = str(now // SECOND)
            signature = f"sha256={hex_digest(SECRET, at.encode() + b'.' + body)}"
            return dict(zip(SOURCES[door].signed_headers, (signature, at), strict=True))
        case "github" | "jira":
            return {SOURCES[door].signed_headers[0]: f"sha256={hex_digest(SECRET, body)}"}
        case "pagerduty":
            return {SOURCES[door].signed_headers[0]: f"v1={hex_digest(SECRET, body)}"}
        case "keyed" | "slow":
            return {"x-api-key": key}
    name = SOURCES[door].key_headers[-1]
    # Capitalised, as schemathesis takes it away.
    return {"Authorization": f"Bearer {SECRET}"} if name == "authorization" else {name: SECRET}


def as_sent(case: Case) -> bytes:
    """The body, byte for byte."""
    said = case.as_transport_kwargs("http://testserver")
    kept = {name: said[name] for name in ("method", "url", "json", "data", "headers") if name in said}
    body = requests.Request(**kept).prepare().body or b""
    return body.encode() if isinstance(body, str) else body


@schema.exclude(path="/in/slow").parametrize()
@settings(max_examples=NUMBER, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_of_the_document_and_nobody_comes_in_unsigned(case: Case) -> None:
    door = case.path.removeprefix("/in/")
    secrets = signed(door, as_sent(case)) if door != case.path else {}
    # What is wrong in a webhook is 202, and what the schema of the envelope lets through may be 422.
    excluded = [checks.negative_data_rejection, checks.positive_data_acceptance]
    case.call_and_validate(headers=secrets, excluded_checks=excluded)
    if secrets and case.method == "POST":
        taken_away = {name.lower() for name in secrets}
        case.headers = {name: v for name, v in case.headers.items() if name.lower() not in taken_away}
        unsigned = case.call()
        case.validate_response(unsigned, excluded_checks=excluded)
        assert unsigned.status_code == 401


def sent(door: str, body: bytes, headers: Mapping[str, str], media_type: str = "application/json") -> int:
    """The status of an answer that is as the document says."""
    case = schema[f"/in/{door}"]["POST"].Case(body=body, headers=dict(headers), media_type=media_type)
    answer = case.call()
    case.validate_response(answer, checks=CONFORM)
    return int(answer.status_code)


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_real_deliveries_are_as_the_document_describes_them(source: str) -> None:
    described = DOCUMENT["paths"][f"/in/{source}"]["post"]["requestBody"]["content"]
    for one in EXAMPLES[source]:
        media = one.headers.get("content-type", "application/json")
        resolved = {**described[media]["schema"], "components": DOCUMENT["components"]}
        jsonschema.validate(orjson.loads(one.body), resolved)
        status = sent(source, one.body, {**one.headers, **signed(source, one.body)}, media)
        assert status in (200, 202), "202: a change that changes nothing of ours"


def test_each_code_of_the_document_is_answered_as_it_says() -> None:
    (event, _) = (one.body for one in EXAMPLES["cloudevents"])
    kind = "application/cloudevents+json"
    incident = event.replace(b"ticket.", b"incident.")
    assert sent("keyed", event, signed("keyed", b""), kind) == 200
    assert sent("zendesk", b"{}", signed("zendesk", b"{}")) == 202
    assert sent("keyed", event, {}, kind) == 401
    assert sent("keyed", incident, signed("keyed", b"", NARROW), kind) == 403
    assert sent("keyed", b" " * (MOST_BYTES + 1), signed("keyed", b""), kind) == 413
    assert sent("keyed", b"{}", signed("keyed", b""), kind) == 422
    assert [sent("slow", event, signed("slow", b""), kind) for _ in range(2)] == [200, 429]
    ready = schema["/ready"]["GET"].Case()
    assert ready.call_and_validate(checks=CONFORM).status_code == 200
    SINK.away = 1
    assert ready.call_and_validate(checks=CONFORM).status_code == 503
    assert sent("keyed", event, signed("keyed", b""), kind) == 503


def test_an_answer_that_the_document_does_not_have_is_found() -> None:
    changed = copy.deepcopy(DOCUMENT)
    del changed["paths"]["/in/zendesk"]["post"]["responses"]["202"]
    case = schemathesis.openapi.from_dict(changed)["/in/zendesk"]["POST"].Case(body=b"{}")
    answer = case.call(app=schema.app, headers=signed("zendesk", b"{}"))
    with pytest.raises(FailureGroup):
        case.validate_response(answer, checks=CONFORM)


def test_the_command_prints_the_document_of_a_file_or_of_every_source(tmp_path: Path) -> None:
    file = tmp_path / "intake.yaml"
    file.write_text(
        f'doors: {{desk: {{source: freshdesk, keys: [{{name: desk, hash: "{hash_of(KEY)}"}}]}}}}\n'
    )
    of_file = orjson.loads(vigil("intake", "openapi", "--doors", str(file)).stdout)
    assert set(of_file["paths"]) == {"/in/desk", "/live", "/ready", "/metrics"}
    assert of_file["components"]["securitySchemes"] == {
        "x-vigil-key": {"type": "apiKey", "in": "header", "name": "x-vigil-key"}
    }
    of_all = orjson.loads(vigil("intake", "openapi").stdout)
    assert {f"/in/{name}" for name in SOURCES} < set(of_all["paths"])


@pytest.mark.parametrize("path", ["/in/zendesk/", "/in/" + "x" * 300, "/openapi.json", "/docs", "/in/"])
async def test_other_paths_are_404_without_a_redirect(path: str) -> None:
    transport = httpx.ASGITransport(schema.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        assert (await client.post(path)).status_code == 404
