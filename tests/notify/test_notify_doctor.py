"""What `vigil doctor` says of the delivery record: who sends from it, how far it has read, what waits."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from engine.cli.findings import Finding, Sign
from engine.cli.storage import examine_notify
from engine.demo.broker import KafkaBroker, free_port
from engine.notify.record import Record
from engine.settings import Settings
from engine.sql.offsets import Advance
from notify.alerting import outcome
from notify.keeping import NOW, ROOT, after, begin, failed, refused, take
from notify.notifying import Notifying, webhook
from notify.test_record_schema import restore

pytestmark = pytest.mark.slow

PATIENCE = 1.0
"""Seconds, for a broker of which most tests here have none."""


def config(folder: Path, **receivers: object) -> Path:
    file = folder / "notify.yaml"
    file.write_text(json.dumps({"receivers": receivers, "route": {"receiver": next(iter(receivers))}}))
    return file


def examined(folder: Path, url: str, **more: Any) -> dict[str, Finding]:
    given: dict[str, Any] = {"notify_url": url, "notify_config": folder / "notify.yaml"}
    given |= {"bootstrap_servers": f"127.0.0.1:{free_port()}"} | more
    return {finding.check: finding for finding in examine_notify(Settings(**given), PATIENCE)}


def test_a_record_that_is_not_there_or_older_is_said(tmp_path: Path, url: str) -> None:
    config(tmp_path, desk=webhook("http://127.0.0.1:1"))
    assert "none" in examined(tmp_path, url)["notify"].found or url.startswith("sqlite")
    restore(url, "0001")
    found = examined(tmp_path, url)["notify"]
    assert (found.sign, "schema 0001" in found.found) == (Sign.WARN, True)
    assert "`vigil notify upgrade` makes it 0005" in found.advice


def test_a_receiver_that_is_down_one_that_is_gone_and_dead_letters_are_named(
    tmp_path: Path, url: str
) -> None:
    config(tmp_path, other=webhook("http://127.0.0.1:1"))
    with Record.open(url, NOW) as record:
        take(record, outcome("breached"), outcome("breached", subject="desk:2", id="b2"))
        for minute in range(5):
            failed(record, begin_first(record, minute), "answered 503", after(minute + 1), after(minute))
        refused(record, begin_first(record, 0), at=after(5))
        began = time.monotonic()
        found = examined(tmp_path, url)
        took = time.monotonic() - began
        assert found["notify"].sign is Sign.OK
        down, gone, dead = (found[f"notify {what}"] for what in ("circuit", "receivers", "dead"))
        assert (down.sign, "desk: 5 failures since" in down.found) == (Sign.FAIL, True)
        assert "the last: answered 503" in down.found
        assert "desk is no more in the file and shows 1 alert that" in gone.found
        assert (dead.sign, "1 dead letter waits" in dead.found) == (Sign.FAIL, True)
        assert all(one.advice for one in (down, gone, dead))
        assert found["notify lag"].sign is Sign.SKIP, "there is no broker"
        assert took < PATIENCE + 5, "and nobody waits for it longer than was asked"


def begin_first(record: Record, minute: int) -> Any:
    group = record.due("desk", after(minute), 9).groups[-1 if minute else 0]
    return begin(record, after(minute), group=group)


def test_whether_a_process_tells_from_the_record_is_seen(tmp_path: Path, url: str) -> None:
    config(tmp_path, desk=webhook("http://127.0.0.1:1"))
    with Record.open(url, NOW) as record:
        found = examined(tmp_path, url)["notify process"]
        assert (found.sign, found.advice) == (Sign.WARN, "start `vigil notify run`")
        with record.alone() as held:
            assert held is not None
            assert examined(tmp_path, url)["notify process"].sign is Sign.OK
        assert examined(tmp_path, url)["notify process"].sign is Sign.WARN, "and it let go"


@pytest.mark.kafka
def test_how_far_the_topic_is_read_is_said(kafka: KafkaBroker, tmp_path: Path) -> None:
    notifying = Notifying(kafka, tmp_path)
    config(tmp_path, desk=webhook("http://127.0.0.1:1"))
    notifying.send([outcome("breached", subject=f"desk:{n}", id=f"b{n}") for n in range(12)])

    def lag(**more: Any) -> Finding:
        given = {"bootstrap_servers": notifying.bootstrap, "outcomes_topic": notifying.topic} | more
        return examined(tmp_path, notifying.url, **given)["notify lag"]

    with Record.open(notifying.url, NOW) as record:
        assert (lag().sign, lag(ready_lag=5).sign) == (Sign.OK, Sign.WARN)
        assert "12 outcomes" in lag().found
        record.take((), [Advance(notifying.topic, 0, 0, 1_000)], ROOT, NOW, NOW)
        assert (lag().sign, "ends before what the record has read" in lag().found) == (Sign.FAIL, True)
        record.take((), [Advance(notifying.topic, 0, 1_000, 10, "of another")], ROOT, NOW, NOW)
        assert (lag().sign, "was made anew since it was read" in lag().found) == (Sign.FAIL, True)
        missing = lag(outcomes_topic="none.such")
        assert (missing.sign, "does not exist" in missing.found) == (Sign.SKIP, True)
