"""Of a group of alerts each stands for itself: one that the contract does not take keeps no other out."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.running import vigil
from engine.intake.keys import hash_of, new_key
from engine.intake.sending import DLQ
from engine.intake.source import MOST_BYTES
from intake.deliveries import arrival, door_of
from intake.listening import Sink, app_of, listening
from intake.test_sources import group

KEY = new_key()
DOORS = f'doors: {{alerts: {{source: alertmanager, keys: [{{name: am, hash: "{hash_of(KEY)}"}}]}}}}'
REASON = "__connect.errors.exception.class.name"


def alert(fingerprint: str, **changes: Any) -> dict[str, Any]:
    (one,) = group()["alerts"]
    return {**one, "fingerprint": fingerprint, **changes}


BAD = {
    "a job of two lines": alert("bad", labels={"alertname": "ImportFailed", "job": "batch\nimport"}),
    "a summary without an end": alert("bad", annotations={"summary": "x" * 10_001}),
    "no start": alert("bad", startsAt=None),
    "no object": "bad",
}


def posted(folder: Path, *alerts: Any, **more: Any) -> tuple[httpx.Response, Sink, dict[str, float]]:
    """The answer, what was sent, and the deliveries by result."""
    app, sink = app_of(folder, DOORS)
    with listening(app) as url:
        body = {**group(), "alerts": alerts, **more}
        answer = httpx.post(f"{url}/in/alerts", json=body, headers={"authorization": f"Bearer {KEY}"})
        shown = httpx.get(f"{url}/metrics").text
    counted = {
        sample.labels["result"]: sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
        if sample.name == "vigil_intake_deliveries_total" and sample.value
    }
    return answer, sink, counted


@pytest.mark.parametrize("bad", list(BAD))
def test_an_alert_that_cannot_be_taken_is_a_dead_letter_and_those_beside_it_are_sent(
    bad: str, tmp_path: Path
) -> None:
    answer, sink, counted = posted(tmp_path, alert("one"), BAD[bad], alert("two"))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2})
    assert [one.subject.partition(":")[2].partition("-")[0] for one in sink.events()] == ["one", "two"]
    (letter,) = [record for family, record in sink.taken if family == DLQ]
    assert orjson.loads(letter.value or b"")["alerts"] == [BAD[bad]], "the alert alone, to be sent again"
    assert sink.sendings == 1, "one answer for all: Kafka has each of them, or it comes again"
    reason = dict(letter.headers)[REASON].decode()
    assert counted == {"accepted": 1, reason: 1}


def test_a_group_of_which_nothing_can_be_taken_is_202_with_the_first_reason(tmp_path: Path) -> None:
    answer, sink, _ = posted(tmp_path, BAD["no start"], BAD["a job of two lines"])
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 0, "reason": "bad_payload", "ignored": False}
    assert [family for family, _ in sink.taken] == [DLQ, DLQ]


@pytest.mark.parametrize("came", [("one",), ("one", "two")])
def test_alerts_that_max_alerts_left_out_are_told_and_those_that_came_are_sent(
    came: tuple[str, ...], tmp_path: Path
) -> None:
    """prometheus.io, "Configuration", webhook_config: how many it left out is `truncatedAlerts`."""
    key = '{}:{alertname="HighLatency"}'
    answer, sink, counted = posted(tmp_path, *map(alert, came), groupKey=key, truncatedAlerts=3)
    assert (answer.status_code, answer.json()) == (200, {"accepted": len(came)})
    (letter,) = [record for family, record in sink.taken if family == DLQ]
    assert orjson.loads(letter.value or b"")["truncatedAlerts"] == 3
    detail = dict(letter.headers)["__connect.errors.exception.message"].decode()
    assert f"left 3 out of {key}" in detail, "by how much, and which group is to be made smaller"
    assert counted == {"accepted": 1, "bad_payload": 1}


@pytest.mark.parametrize("more", [{}, {"truncatedAlerts": 0}, {"truncatedAlerts": None}])
def test_a_group_that_is_whole_has_no_part_but_its_alerts(more: dict[str, Any]) -> None:
    apart = door_of("alertmanager").source.apart
    alone = arrival({**group(), **more})
    assert apart(alone) == [alone]
    both = apart(arrival({**group(), "alerts": [alert("one"), alert("two")], **more}))
    assert [orjson.loads(one.body)["alerts"][0]["fingerprint"] for one in both] == ["one", "two"]


def test_a_storm_of_alerts_in_one_group_is_taken_whole_from_who_has_the_key(tmp_path: Path) -> None:
    rule = "Look at the host, then at the network. " * 10
    alerts = [alert(f"{n:016x}", annotations={"description": rule}) for n in range(2_500)]
    body = orjson.dumps({**group(), "alerts": alerts})
    assert len(body) > MOST_BYTES, "Alertmanager sends a group whole, and would send it so again"
    app, sink = app_of(tmp_path, DOORS)

    def sent(key: str, content: bytes) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.post(f"{url}/in/alerts", content=content, headers=headers, timeout=60)

    with listening(app) as url:
        answers = [sent(KEY, body), sent(new_key(), body), sent(KEY, b" " * (8 * MOST_BYTES + 1))]
    assert [one.status_code for one in answers] == [200, 413, 413]
    assert answers[0].json() == {"accepted": 2_500}
    assert len({one.subject for one in sink.events()}) == 2_500
    assert sink.sendings == 3, "each within the time in which Kafka acknowledges"


def test_what_is_no_group_is_one_dead_letter_as_it_came(tmp_path: Path) -> None:
    for body in (b"[]", b"{", b'{"alerts": [1, 2]}', b'{"version": "4", "alerts": 1}', b"[" * 5_000):
        (one,) = door_of("alertmanager").source.apart(arrival(body))
        assert one.body == body


def test_a_payload_that_is_tried_shows_the_alerts_that_would_be_sent_and_says_what_is_wrong(
    tmp_path: Path,
) -> None:
    payload = tmp_path / "group.json"
    payload.write_bytes(orjson.dumps({**group(), "alerts": [BAD["no start"], alert("one")]}))
    done = vigil("intake", "test", "alertmanager", str(payload))
    assert done.returncode == 1
    assert "bad_payload" in done.stderr
    (line,) = done.stdout.splitlines()
    assert orjson.loads(line)["subject"].startswith("alertmanager:one-")
