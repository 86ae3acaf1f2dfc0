"""What the intake counts of deliveries that become no events: noise apart from what is missing."""

import json
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.intake.authenticity import hex_digest
from engine.metrics.intake import IntakeMetrics
from intake.listening import app_of, listening

INTAKE = Path(__file__).resolve().parents[2] / "engine" / "intake"
SECRET = "a-secret-that-is-long-enough"
DOORS = "doors: {desk: {source: github, secrets: [{env: DESK_SECRET}]}}"
RAISED = re.compile(r'(?:NotAuthentic|NotMapped|NoBody|_too_many|Unreadable)\((?:\d+, |\s*)"([a-z_]+)"')


def counted(shown: str) -> dict[str, float]:
    """By result, of the one door."""
    return {
        sample.labels["result"]: sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
        if sample.name == "vigil_intake_deliveries_total"
    }


def test_what_nobody_asked_for_is_ignored_and_what_is_not_understood_has_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_SECRET", SECRET)
    app, sink = app_of(tmp_path, DOORS)
    with listening(app) as url:

        def post(kind: str, body: object) -> httpx.Response:
            text = json.dumps(body).encode()
            signed = {"x-hub-signature-256": f"sha256={hex_digest(SECRET, text)}", "x-github-event": kind}
            return httpx.post(f"{url}/in/desk", content=text, headers={**signed, "x-github-delivery": "1"})

        for _ in range(3):
            assert post("push", {"ref": "main"}).json()["ignored"] is True
        assert post("issues", {"action": "opened"}).json() == {
            "accepted": 0,
            "reason": "bad_payload",
            "ignored": False,
        }
        found = counted(httpx.get(f"{url}/metrics").text)
    assert {result: count for result, count in found.items() if count} == {"ignored": 3, "bad_payload": 1}
    assert len(sink.taken) == 1, "the dead letter"


def test_every_reason_is_there_from_the_start_so_that_the_first_is_seen_to_come() -> None:
    raised = {
        reason
        for file in [*INTAKE.rglob("*.py"), INTAKE.parent / "contract" / "codec.py"]
        for reason in RAISED.findall(file.read_text("utf-8"))
        if "history" not in file.parts
    }
    never = {"no_key", "empty", "key_mismatch"}  # of records, which the intake makes itself
    never |= {"unmapped_field"}  # ignored
    assert {"wrong_signature", "too_slow", "bad_payload", "unknown_status", "bad_field"} <= raised
    started = counted(IntakeMetrics(("desk",)).exposition()[0].decode())
    assert raised - never <= set(started)
    assert set(started.values()) == {0}
