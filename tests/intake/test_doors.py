"""The file of doors: what it may say, and how each mistake in it is named."""

import json
from pathlib import Path

import pytest

from cli.running import vigil
from engine.cli.exits import ExitCode
from engine.intake.arrival import NotAuthentic
from engine.intake.configuration import Door, IntakeErrors, doors
from engine.intake.states import State
from intake.deliveries import said_by, verbs, zendesk
from intake.test_zendesk import event

GOOD = """\
doors:
  acme:
    source: zendesk
    secrets:
      - env: ACME_SECRET
      - file: {file}
    subject: "zendesk:acme:{{id}}"
    states: {{"11688538967068": "paused: pending_engineering", Solved: open}}
    severities: {{urgent: P1}}
    fields: {{"360001": service, "360002": customer.tier}}
    zone: Europe/Berlin
"""
CHANGE = {"previous": "8475923145214", "current": "11688538967068"}


def written(folder: Path, text: str) -> Path:
    file = folder / "intake.yaml"
    file.write_text(text)
    return file


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("ACME_SECRET", "the-new-secret-of-today")
    (tmp_path / "old").write_text("the-old-secret-of-today\n")
    return doors(written(tmp_path, GOOD.format(file=tmp_path / "old")))["acme"]


def test_a_door_has_two_secrets_and_its_own_words(acme: Door) -> None:
    assert acme.secrets == ("the-new-secret-of-today", "the-old-secret-of-today")
    assert acme.mapping.states["11688538967068"] == State("paused", "pending_engineering")
    assert acme.mapping.states["solved"] == State("open")
    assert acme.mapping.states["pending"] == State("paused", "pending_customer"), "shipped ones stay"
    (paused,) = said_by(acme, zendesk(event("custom_status_changed", CHANGE)))
    assert paused.subject == "zendesk:acme:4711"
    assert paused.data == {"reason": "pending_engineering"}


def test_a_door_of_github_names_its_staff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "the-secret-of-the-hook")
    text = "doors: {issues: {source: github, secrets: [{env: HOOK}], staff: [Mona, octocat]}}"
    assert doors(written(tmp_path, text))["issues"].mapping.staff == {"mona", "octocat"}


def test_a_payload_is_tried_where_no_secret_is(tmp_path: Path) -> None:
    """As on the machine of who writes the mapping; what runs wants them all."""
    file = str(written(tmp_path, GOOD.format(file="/none/old")))
    payload = tmp_path / "payload.json"
    payload.write_bytes(zendesk(event("custom_status_changed", CHANGE)).body)
    tried = vigil("intake", "test", "acme", str(payload), "--doors", file)
    assert json.loads(tried.stdout)["data"] == {"reason": "pending_engineering"}
    assert "/in/acme" in vigil("intake", "openapi", "--doors", file).stdout
    refused = vigil("intake", "run", "--doors", file)
    assert (refused.returncode, "characters in ACME_SECRET" in refused.stderr) == (ExitCode.REFUSED, True)


def test_a_door_without_its_secrets_lets_nobody_in(tmp_path: Path) -> None:
    (unread,) = doors(written(tmp_path, GOOD.format(file="/none/old")), secrets=False).values()
    with pytest.raises(NotAuthentic):
        unread.authenticate(zendesk(event("created")))


def test_a_custom_field_becomes_an_attribute(acme: Door) -> None:
    own = [{"id": 360001, "value": "checkout"}, {"id": 360002, "value": "gold"}, {"id": 1, "value": "x"}]
    (opened,) = said_by(acme, zendesk(event("created", custom_fields=own)))
    assert opened.data["service"] == "checkout"
    assert opened.data["customer"] == {"id": "8447346621310", "tier": "gold"}
    change = {"field": {"id": "360001"}, "current": None}
    assert verbs(said_by(acme, zendesk(event("custom_field_changed", change)))) == [
        ("updated", {"service": None})
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("zendesk", "zendeks"), "intake.yaml:3: doors.acme.source"),
        (("P1}", "P9}"), "intake.yaml:9: doors.acme.severities"),
        (("paused: pending_engineering", "asleep"), "intake.yaml:8: doors.acme.states"),
        (('360001": service', '360001": nonsense'), "intake.yaml:10: doors.acme.fields"),
        (("{id}", "id"), "intake.yaml:7: doors.acme.subject"),
        (("{id}", "{id}:{issue_id}"), "intake.yaml:7: doors.acme.subject"),
        (("{id}", "{issue_id}"), "{issue_id} is of Jira and GitHub"),
        (("Europe/Berlin", "Europe/Berlino"), "intake.yaml:11: doors.acme.zone: expected an IANA time zone"),
        (("Europe/Berlin", "Europe"), "intake.yaml:11: doors.acme.zone: expected an IANA time zone"),
        (("Europe/Berlin", "x" * 300), "intake.yaml:11: doors.acme.zone: expected an IANA time zone"),
        (("ACME_SECRET", "NOT_SET"), "a secret of at least 8 characters in NOT_SET"),
        (("    subject", "    staff: [mona]\n    subject"), "staff is of GitHub"),
        (("    zone", "    updates_for: customer\n    zone"), "no updates_for of zendesk"),
        (("    subject", "    subjekt"), "intake.yaml:7: doors.acme.subjekt"),
        (("  acme:", "  acme/eu:"), "intake.yaml:2: doors.acme/eu: expected a name that fits a path"),
        (("  acme:", '  "..":'), "a name that fits a path of a URL; found '..'"),
        (("  acme:", '  "":'), "a name that fits a path of a URL; found ''"),
        (("doors:", "windows:"), "intake.yaml:1: windows: expected doors"),
        (("  acme:\n", "  acme:\n    source: zendesk\n"), "each key once"),
    ],
)
def test_every_mistake_is_named_with_its_line(
    change: tuple[str, str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_SECRET", "the-new-secret-of-today")
    (tmp_path / "old").write_text("the-old-secret-of-today\n")
    text = GOOD.format(file=tmp_path / "old")
    assert change[0] in text
    with pytest.raises(IntakeErrors) as caught:
        doors(written(tmp_path, text.replace(*change, 1)))
    assert problem in str(caught.value)
    assert "secret-of-today" not in str(caught.value), "a secret is in no message"


@pytest.mark.parametrize(
    ("source", "more"),
    [
        ("pagerduty", "fields: {environment: region}"),
        ("github", "fields: {environment: region}"),
        ("pagerduty", "states: {acknowledged: open}"),
        ("alertmanager", "states: {firing: open}"),
        ("cloudevents", "fields: {customer: customer.id}"),
    ],
)
def test_a_mapping_that_its_source_has_no_use_for_is_refused(
    source: str, more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_SECRET", "the-new-secret-of-today")
    text = f"doors: {{acme: {{source: {source}, secrets: [{{env: ACME_SECRET}}]MORE}}}}"
    assert doors(written(tmp_path, text.replace("MORE", "")))
    with pytest.raises(IntakeErrors, match=f"no {more.partition(':')[0]} of {source}: it is of zendesk, "):
        doors(written(tmp_path, text.replace("MORE", f", {more}")))
