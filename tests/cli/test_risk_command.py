"""`vigil risk` as a user runs it: what is open, how the rules grade it, what is at stake."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.running import vigil
from engine.cli.exits import ExitCode

POLICY = """
severity:
  - {severity: P0, when: {data_loss: true}, because: data lost}
  - {severity: P1, when: {affected_customers: {at_least: 20}}, because: twenty customers}
---
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks:
  resolve: {budget: {P0: 1h, P1: 2h, P2: 4h}}
credits:
  - {metric: resolve, severity: [P0, P1], overrun: {at_least: 0s}, credit: 10%}
"""


def line(subject: str, verb: str, minute: int, **data: Any) -> str:
    event = {
        "specversion": "1.0", "id": f"{subject} {verb} {minute}", "source": "urn:test",
        "type": f"ticket.{verb}.v1", "subject": subject, "time": f"2026-03-02T09:{minute:02}:00Z",
        "data": data,
    }  # fmt: skip
    return json.dumps(event)


def impact(currency: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"revenue_at_risk": {"amount": amount, "currency": currency}, **more}


LINES = [
    line("desk:1", "opened", 0, title="Down", customer={"id": "acme", "tier": "gold"}, affected_customers=25),
    line("desk:1", "triaged", 5, impact=impact("EUR", 25_000), by="kim"),
    line("desk:2", "opened", 1, title="Lost", severity="P2", customer={"id": "zen"},
         impact=impact("USD", 900, data_loss=True)),
    line("desk:3", "opened", 2, title="Slow", customer={"id": "acme", "tier": "gold"}),
    line("desk:3", "resolved", 3),
]  # fmt: skip


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "test.yaml").write_text(POLICY, "utf-8")
    (tmp_path / "events.jsonl").write_text("\n".join(LINES), "utf-8")
    return [str(tmp_path / "events.jsonl"), "-p", str(tmp_path / "policies")]


def test_it_lists_what_is_open_with_the_rules_answer_and_sums_with_their_inputs(given: list[str]) -> None:
    done = vigil("risk", *given, "--at", "2026-03-02T09:30:00Z", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    told = json.loads(done.stdout)
    first, second = told["escalations"]
    assert (first["subject"], first["severity"], first["by_rules"]) == ("desk:1", "P1", "P1")
    assert (first["because"], first["triaged"], first["disagrees"]) == ("twenty customers", True, False)
    assert (second["severity"], second["stated"], second["by_rules"]) == ("P2", "P2", "P0")
    assert second["disagrees"]
    assert second["unknown"] == [
        {"subject": "desk:2", "field": "tier"},
        {"subject": "desk:2", "field": "affected_customers"},
    ]
    figures = {(one["name"], one["of"]): one["amount"] for one in told["figures"]}
    assert figures == {
        ("revenue_at_risk", "EUR"): 25_000,
        ("revenue_at_risk", "USD"): 900,
        ("customers", ""): 1,
        ("customers", "gold"): 1,
        ("affected_customers", ""): 25,
        ("credit_percent", "acme"): 10,
    }
    assert told["figures"][0]["inputs"] == [
        {"subject": "desk:1", "field": "revenue_at_risk", "value": 25_000}
    ]


def test_people_see_a_row_an_escalation_and_the_figures_below(given: list[str]) -> None:
    shown = " ".join(vigil("risk", *given).stdout.split())
    assert "2 open escalations" in shown
    assert "P2 P0 differs data lost desk:2" in shown
    assert "P1 P1 twenty customers desk:1 acme gold 25 25,000 EUR" in shown
    assert "25,000 EUR" in shown
    assert "not known of desk:2: tier, affected customers" in shown
    assert "desk:3" not in shown


def test_without_policies_it_says_what_is_missing(given: list[str]) -> None:
    done = vigil("risk", given[0])
    assert done.returncode == ExitCode.USAGE
    assert "--policies" in done.stderr


def test_explain_says_what_the_rules_come_to_beside_the_severity_that_holds(given: list[str]) -> None:
    events, *policies = given
    shown = vigil("explain", "desk:2", "--events", events, *policies).stdout
    assert "by the rules P0, because: data lost; P2, which was stated, holds" in shown
