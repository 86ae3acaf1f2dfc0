"""What who reads the pages has: policies, recorded events, logs of other systems, an archive, secrets.

The pages speak of desk:4711, desk:48213, desk:1, incidents:INC-1 and the customer acme; so do these files.
"""

import contextlib
import gzip
import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from pages import ROOT

from cli.running import vigil
from cli.test_pir import filled
from cli.test_risk_command import LINES, POLICY
from console.provider import SECRET as OIDC_SECRET
from engine.intake.keys import hash_of
from intake.counterparts import TOKEN as SOURCE_TOKEN
from intake.deliveries import SECRET
from intake.test_zendesk import event
from notify.lookalikes import TOKEN
from notify.test_webhook_receiver import SECRET as WEBHOOK_SECRET
from replay.test_import_github import incident
from replay.test_import_uci import HEADER, row

_STORY = ROOT / "docs" / "examples" / "p0-checkout"
_CALENDAR = 'calendar: support\nzone: Europe/Berlin\nhours: {mon-fri: ["09:00-18:00"]}\n'
_FOUR_HOURS = """
policy: four-hours
effective_from: 2020-01-01T00:00:00Z
clocks: {resolve: {budget: {P1: 4h}, risk: []}}
"""
KEY, HASH = "vigil_" + "k" * 43, hash_of("vigil_" + "k" * 43)
"""What `vigil intake key new` made, and its hash."""
_SECRETS = {
    "pagerduty": "0123456789abcdef" * 2, "slack": TOKEN,
    "slack-hook": "https://hooks.slack.com/services/T0/B0/x",
    "teams": "https://prod-1.westeurope.logic.azure.com/workflows/1",
    "smtp": SECRET, "desk": WEBHOOK_SECRET,
    "zendesk-acme": SECRET, "zendesk-api-token": SOURCE_TOKEN, "jira-webhook": SECRET,
    "jira-api-token": SOURCE_TOKEN,
    "console": SECRET * 2, "oidc-client": OIDC_SECRET,
}  # fmt: skip
_FIRST = datetime.fromisoformat("2026-11-12T12:06:00+00:00")
_DATES = ("time", "next_update_at", "due_at", "occurred_at", "detected_at", "reported_at", "decided_at")


def presume(folder: Path) -> None:
    """Fill an empty folder."""
    for name in ("deploy", "docs"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(_STORY / "policies", folder / "policies")
    (folder / "policies" / "support.yaml").write_text(_CALENDAR)
    shutil.copytree(_STORY / "policies", folder / "proposed")
    proposed = folder / "proposed" / "checkout.yaml"
    proposed.write_text(
        proposed.read_text("utf-8").replace("first: {P0: 15m, P1: 30m}", "first: {P0: 5m, P1: 10m}")
    )
    _lines(folder / "events.jsonl", *events())
    _lines(folder / "incidents.jsonl", *map(json.dumps, _status_page()))
    shutil.copy(folder / "incidents.jsonl.gz", folder / "github_status_incidents.jsonl.gz")
    _lines(
        folder / "log.csv",
        HEADER,
        row(),
        row("Active", "29/2/2016 02:10", 1, person="9"),
        row("Resolved", "1/3/2016 01:23", 2),
    )
    shutil.copy(folder / "log.csv.gz", folder / "uci_incident_event_log_dev.csv.gz")
    write_secrets(folder / "secrets")
    (folder / "payload.json").write_text(json.dumps(event("created")))
    _ours("replay", "events.jsonl", "-p", "policies", "--as-reported", "-o", "outcomes.jsonl", inside=folder)
    _zip(folder / "outcomes.jsonl")
    _ours(
        "archive", "load", "events.jsonl", "-p", "policies", "--archive", "sqlite:///vigil.db", inside=folder
    )
    shutil.copy(folder / "vigil.db", folder / "archive.db")
    (folder / "fees.yaml").write_text("acme: {fee: 1000, currency: EUR}\n")


def write_secrets(folder: Path) -> None:
    """The files that the pages have in /run/secrets."""
    folder.mkdir()
    for name, secret in _SECRETS.items():
        (folder / name).write_text(f"{secret}\n")


def of_readme(folder: Path) -> None:
    """Its first policy is the only one."""
    shutil.rmtree(folder / "policies")


def of_risk(folder: Path) -> None:
    (folder / "policies" / "checkout.yaml").write_text(POLICY, "utf-8")
    (folder / "events.jsonl").write_text("\n".join(LINES), "utf-8")


def of_policies(folder: Path) -> None:
    """GitHub's incidents, by a policy for them, and by one that asks for more."""
    for name in ("policies", "proposed"):
        shutil.rmtree(folder / name)
        shutil.copytree(ROOT / "deploy" / "policies-github", folder / name)
    proposed = folder / "proposed" / "status-page.yaml"
    proposed.write_text(proposed.read_text("utf-8").replace("P1: 1h, P2: 2h", "P1: 30m, P2: 1h"), "utf-8")
    _ours("import", "github-status", "incidents.jsonl.gz", "-o", "events.jsonl.gz", inside=folder)


def of_operations(folder: Path) -> None:
    """A breach of March that an event of April takes back, and one that was never a breach."""
    (folder / "policies" / "checkout.yaml").write_text(_FOUR_HOURS, "utf-8")
    data = {"title": "Down", "severity": "P1", "customer": {"id": "acme"}, "team": "Payments"}
    told = [
        _event(977, "desk:4711", "opened", "03-30T09:00", **data),
        _event(978, "desk:4712", "opened", "03-30T09:00", **data),
        _event(979, "desk:4712", "resolved", "03-30T10:00"),
        _event(980, "desk:4712", "closed", "03-31T10:00"),
        _event(981, "desk:4711", "resolved", "03-30T12:30", recordedtime="2026-04-02T08:15:00Z"),
    ]
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, told)), "utf-8")
    _ours("replay", "events.jsonl", "-p", "policies", "--as-reported", "-o", "outcomes.jsonl", inside=folder)


def _event(
    number: int, subject: str, verb: str, at: str, recordedtime: str = "", **data: Any
) -> dict[str, Any]:
    said = {"specversion": "1.0", "id": f"e-{number}", "source": "desk", "type": f"ticket.{verb}.v1"}
    time = f"2026-{at}:00Z"
    return said | {"subject": subject, "time": time, "recordedtime": recordedtime or time, "data": data}


def fill_in(folder: Path) -> None:
    review = folder / "review.md"
    review.write_text(filled(review.read_text("utf-8")), "utf-8")


OF_PAGES = {
    "README.md": of_readme,
    "docs/operations.md": of_operations,
    "docs/risk.md": of_risk,
    "docs/policies.md": of_policies,
}
"""Pages that speak of other policies and events."""

BEFORE = {
    "docs/documents.md": ["vigil archive load events.jsonl -p policies --archive postgresql://vigil@db/vigil"]
}
"""What was typed before a page begins."""

FRESH = {"README.md"}
"""Pages that begin with nothing on Kafka."""

MEANWHILE = {("docs/pir.md", "vigil pir check review.md --send"): fill_in}
"""What a person does before a command of a page."""


def events() -> list[str]:
    """The story of docs/examples, for each subject of the pages, and two months later; in order."""
    march = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
    subjects = {
        "desk:4711": 0,
        "desk:48213": 1,
        "incidents:INC-1": 2,
        "desk:1": 3,
        "desk:9001": 63,
        "desk:9002": 64,
    }
    told = [event for subject, days in subjects.items() for event in _story(subject, march + timedelta(days))]
    return [json.dumps(event) for event in sorted(told, key=itemgetter("time"))]


def _story(subject: str, begins: datetime) -> Iterator[dict[str, Any]]:
    family = "incident" if subject.startswith("incidents:") else "ticket"
    for line in (_STORY / "events.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        if event["subject"] != "incidents:INC-2194":
            continue
        event["type"] = event["type"].replace("incident.", f"{family}.")
        event |= {"subject": subject, "id": f"{subject}-{event['id']}"}
        moved = _moved(event, begins - _FIRST)
        if "customer" in moved["data"]:
            moved["data"]["customer"]["id"] = "acme"
        yield moved


def _moved(value: Any, by: timedelta, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _moved(one, by, key) for key, one in value.items()}
    if name in _DATES:
        return (datetime.fromisoformat(value) + by).isoformat().replace("+00:00", "Z")
    return value


def _status_page() -> Iterator[dict[str, Any]]:
    """Major incidents that spoke every 58 minutes, minor ones that were silent for longer."""
    for number in range(3):
        major = [("01:00", "Investigating"), ("01:58", "Update"), ("02:56", "Update"), ("03:20", "Resolved")]
        yield incident(*major, id=f"1{number}", impact="major")
        minor = [("01:00", "Investigating"), ("03:30", "Update"), ("04:00", "Resolved")]
        yield incident(*minor, id=f"2{number}", impact="minor")


def _lines(file: Path, *lines: str) -> None:
    file.write_text("\n".join(lines) + "\n", "utf-8")
    _zip(file)


def _zip(file: Path) -> None:
    file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))


def _ours(*arguments: str, inside: Path) -> None:
    with contextlib.chdir(inside):
        done = vigil(*arguments)
    assert done.returncode == 0, done.stderr
