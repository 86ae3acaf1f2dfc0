"""A real Alertmanager as a source: its webhook at a door, with the configuration of docs/intake.md."""

import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertmanager import running_alertmanager
from engine.contract.codec import Received
from engine.core.instants import SECOND
from engine.intake.endings import Endings
from engine.intake.keys import hash_of, new_key
from engine.intake.sending import DLQ
from intake.listening import Sink, app_of, listening

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "intake.md"
KEY = new_key()
DOORS = f"""
doors:
  alerts:
    source: alertmanager
    keys: [{{name: alertmanager, hash: "{hash_of(KEY)}"}}]
    fields: {{region: region}}
"""


def configuration(url: str, key_file: Path, **more: str) -> str:
    """That of the page, with seconds for its minutes, and `more` in its place."""
    (text,) = re.findall(r"```yaml\n(route:\n  receiver: vigil\n.*?)```", PAGE.read_text(), re.DOTALL)
    changes = {
        "https://your-host/in/alerts": f"{url}/in/alerts",
        "/etc/alertmanager/vigil.key": str(key_file),
        "group_wait: 10s": "group_wait: 1s",
        "group_interval: 1m": "group_interval: 1s",
        "repeat_interval: 1h": "repeat_interval: 2s",
        **more,
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


class Alerting:
    def __init__(self, url: str, sink: Sink, folder: Path) -> None:
        self.url, self.sink, self.folder = url, sink, folder
        self.started = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)

    def post(self, *instances: str, over: bool = False) -> None:
        """As Prometheus does: what fires, or has ended just now."""
        end = {"endsAt": datetime.now(UTC).isoformat()} if over else {}
        alerts = [
            {
                "labels": {
                    "alertname": "CheckoutDown", "severity": "critical", "service": "checkout",
                    "instance": instance, "region": "eu",
                },
                "annotations": {"summary": f"Checkout is down on {instance}"},
                "startsAt": self.started.isoformat(),
                **end,
            }
            for instance in instances
        ]  # fmt: skip
        request = urllib.request.Request(  # noqa: S310  # ours
            f"{self.url}/api/v2/alerts", json.dumps(alerts).encode(), {"content-type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310

    def events(self) -> list[Received]:
        return self.sink.events()

    def kinds(self) -> Counter[str]:
        """Of the events, each once, however often it came."""
        return Counter(kind for kind, _ in {(one.fact.kind, one.fact.id) for one in self.events()})

    def until(self, true: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, (self.events(), (self.folder / "log").read_text()[-3000:])
            time.sleep(0.05)


@contextmanager
def alerting(folder: Path, key: str = KEY, **more: str) -> Iterator[Alerting]:
    app, sink = app_of(folder, DOORS, Endings(believed_after=SECOND // 2))  # beside intervals of seconds
    (folder / "vigil.key").write_text(key)
    with listening(app) as door:
        text = configuration(door, folder / "vigil.key", **more)
        with running_alertmanager(folder, text) as url:
            yield Alerting(url, sink, folder)


def test_alerts_of_a_group_open_incidents_that_repeats_do_not_change_and_that_end_one_by_one(
    tmp_path: Path,
) -> None:
    with alerting(tmp_path) as am:
        am.post("a", "b")
        am.until(lambda: am.kinds() == {"opened": 2})
        first = am.events()[:2]
        assert am.sink.sendings == 1, "a group is one delivery"
        one = first[0]
        assert one.subject.startswith("alerts:")
        assert one.subject != first[1].subject
        assert one.fact.source == "urn:vigil:intake:alerts"
        assert one.fact.at == int(am.started.timestamp()) * 1_000_000
        told = {
            name: one.fact.data.get(name)
            for name in ("title", "severity", "service", "region", "fingerprint")
        }
        assert told["title"] in ("Checkout is down on a", "Checkout is down on b")
        assert told == {
            **told,
            "severity": "P1",
            "service": "checkout",
            "region": "eu",
            "fingerprint": "CheckoutDown",
        }

        am.until(lambda: am.sink.sendings >= 3)
        assert am.kinds() == {"opened": 2}, "repeat_interval: the same ids"
        known = {fact.id: fact.data for _, fact in ((r.subject, r.fact) for r in first)}
        assert all(known[again.fact.id] == again.fact.data for again in am.events())

        am.post("a", over=True)
        am.until(lambda: am.kinds() == {"opened": 2, "resolved": 1})
        am.post("b", over=True)
        am.until(lambda: am.kinds() == {"opened": 2, "resolved": 2})
        ends = [r for r in am.events() if r.fact.kind == "resolved"]
        assert {r.subject for r in ends} == {r.subject for r in first}
        assert all(one.fact.at > int(am.started.timestamp()) * 1_000_000 for one in ends)


def test_what_fires_on_after_its_end_was_told_is_reopened_once_and_ends_again(tmp_path: Path) -> None:
    """Alertmanager tells an end where Prometheus could not reach it for a while, and then the start that is
    known, again and again."""
    with alerting(tmp_path) as am:
        am.post("a")
        am.until(lambda: am.kinds() == {"opened": 1})
        am.post("a", over=True)
        am.until(lambda: am.kinds() == {"opened": 1, "resolved": 1})
        am.post("a")
        am.until(lambda: am.kinds() == {"opened": 1, "resolved": 1, "reopened": 1})
        known = am.sink.sendings
        am.until(lambda: am.sink.sendings >= known + 2)
        assert am.kinds()["reopened"] == 1, "each repeat says the same"
        am.post("a", over=True)
        am.until(lambda: am.kinds() == {"opened": 1, "resolved": 2, "reopened": 1})
        facts = {fact.id: fact for _, fact in ((r.subject, r.fact) for r in am.events())}
        in_order = sorted(facts.values(), key=lambda fact: fact.at)
        assert [fact.kind for fact in in_order] == ["opened", "resolved", "reopened", "resolved"]
        assert len({r.subject for r in am.events()}) == 1


def test_what_kafka_did_not_acknowledge_alertmanager_sends_again(tmp_path: Path) -> None:
    with alerting(tmp_path) as am:
        am.sink.away = 2
        am.post("a")
        am.until(lambda: am.kinds() == {"opened": 1})
        assert am.sink.away == 0


def test_one_with_another_key_is_not_let_in(tmp_path: Path) -> None:
    with alerting(tmp_path, key=new_key()) as am:
        am.post("a")
        am.until(lambda: "status code 401" in (tmp_path / "log").read_text())
        assert not am.sink.taken


def test_what_max_alerts_leaves_out_is_a_dead_letter_at_each_repeat(tmp_path: Path) -> None:
    one_alone = "send_resolved: true\n        max_alerts: 1"

    def letters() -> int:
        return sum(family == DLQ for family, _ in am.sink.taken)

    with alerting(tmp_path, **{"send_resolved: true": one_alone}) as am:
        am.post("a", "b")
        am.until(lambda: letters() >= 2)
        assert am.kinds() == {"opened": 1}
