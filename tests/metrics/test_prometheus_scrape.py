"""A real Prometheus reads what we export: promtool's lint, a scrape, queries and the rules' own tests."""

import asyncio
import json
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_programs import program

from engine.metrics import Metrics
from engine.stream.health import HealthServer
from engine.stream.readiness import Readiness

pytestmark = pytest.mark.slow

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


def busy_worker() -> Metrics:
    metrics = Metrics(clocks=["page_ack"])
    metrics.build_info(version="0.1.0", faust="0.15.3", delivery="transactions", clock="real")
    for hours in (1, 2, 3, 30):
        metrics.outcome_said(
            "met", "resolve", "P0", elapsed_calendar_s=hours * 3600, consumed_ratio=hours / 4
        )
    metrics.outcome_said("breached", "page_ack", "P0", lateness_s=0.3, visible_lateness_s=0.5)
    metrics.outcome_said("cadence_missed", "customer_update", "P1", lateness_s=0.2, visible_lateness_s=0.4)
    metrics.outcome_said("retracted", "resolve", "P2", corrects="breached")
    metrics.partition_state(0, {"P0": 3, "P3": 9}, {"P0": 1_800_000_000.0}, {}, {"P0": 1_700_000_000.0})
    metrics.consumer_lag("vigil.tickets.v1", 0, 42)
    metrics.watermark(0, 1_799_999_000.0)
    metrics.calendars({"support": 1_900_000_000.0}, {"support": 1_800_000_000.0})
    metrics.dead_lettered("bad_field")
    return metrics


def test_promtool_finds_nothing_to_say_about_the_exposition() -> None:
    promtool = program("promtool")
    body, _ = busy_worker().exposition()
    checked = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, timeout=60)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_promtool_does_complain_about_a_metric_that_is_named_badly() -> None:
    promtool = program("promtool")
    bad = b"# HELP breaches Breaches.\n# TYPE breaches counter\nbreaches 1\n"
    checked = subprocess.run([promtool, "check", "metrics"], input=bad, capture_output=True, timeout=60)
    assert checked.returncode != 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", "rules/vigil.yaml"],
        *(["test", "rules", file.name] for file in sorted(RULES.glob("*.test.yaml"))),
    ],
)
def test_the_rules_are_valid_and_fire_when_their_cases_say(arguments: list[str]) -> None:
    promtool = program("promtool")
    checked = subprocess.run([promtool, *arguments], cwd=RULES, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def exported() -> Iterator[int]:
    """The port on which a busy worker's metrics are served."""
    metrics = busy_worker()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, content_type = metrics.exposition(self.headers.get("Accept", ""))
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture
def prometheus(exported: int, tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that scrapes the worker every second, with the rules that we ship."""
    with scraping(exported, tmp_path) as address:
        yield address


@contextmanager
def scraping(exported: int, tmp_path: Path) -> Iterator[str]:
    binary = program("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [{RULES}/rules/vigil.yaml]\n"
        "scrape_configs:\n"
        "  - job_name: vigil\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{exported}']}}]\n"
    )
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                binary,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


@contextmanager
def answering(metrics: Metrics) -> Iterator[int]:
    """The port on which a worker's own server answers, in a thread."""
    server = HealthServer("127.0.0.1", 0, metrics, Readiness(100, lambda: ""))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.port
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def ask(address: str, query: str, *, within: float = 40.0) -> list[dict[str, Any]]:
    """The result of an instant query, once there is one."""
    url = f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
                result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            result = []
        if result:
            return result
        time.sleep(0.3)
    pytest.fail(f"no answer to {query} within {within} s")


def test_prometheus_scrapes_a_worker_and_answers_what_the_docs_ask(prometheus: str) -> None:
    assert ask(prometheus, "up == 1")
    mttr = ask(prometheus, "sla_time_to_resolve_seconds_sum / sla_time_to_resolve_seconds_count")
    assert [(row["metric"]["severity"], float(row["value"][1])) for row in mttr] == [("P0", 32_400.0)]
    median = ask(prometheus, "histogram_quantile(0.5, sla_time_to_resolve_seconds_bucket)")
    assert float(median[0]["value"][1]) == pytest.approx(9000.0), "two of four lie between 1 h and 4 h"
    soonest = ask(prometheus, "min by (severity) (sla_next_deadline_timestamp_seconds)")
    assert float(soonest[0]["value"][1]) == 1_800_000_000
    breaches = ask(prometheus, 'sla_breaches_total{metric="page_ack"}')
    assert breaches[0]["metric"]["severity"] == "P0"
    assert ask(prometheus, "job_severity:sla_open_escalations:sum"), "a recording rule of ours"


def test_every_rule_is_evaluated_without_an_error(prometheus: str) -> None:
    ask(prometheus, "job_severity:sla_open_escalations:sum")  # the group has been evaluated
    ask(prometheus, "ALERTS")
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules", timeout=5) as answer:  # noqa: S310
        (group,) = json.load(answer)["data"]["groups"]
    assert [(rule["name"], rule["lastError"]) for rule in group["rules"] if rule.get("lastError")] == []
    assert {rule["health"] for rule in group["rules"]} == {"ok"}


def test_what_a_worker_says_before_its_first_scrape_is_in_what_increase_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.metrics.metrics.AT_ZERO_SECONDS", 2.0)
    metrics = Metrics(clocks=["resolve"])
    metrics.started(time.time() - 3600)  # no young process, of which alerts know
    for _ in range(3):
        metrics.outcome_said("breached", "resolve", "P0", lateness_s=0.3, visible_lateness_s=0.5)
    with answering(metrics) as port, scraping(port, tmp_path) as address:
        ask(address, 'round(sum(increase(sla_breaches_total{metric="resolve",severity="P0"}[5m]))) >= 3')
        ask(address, "ALERTS{alertname='SlaBreached'}")
