"""What others passed on to an escalation is in no archive: whoever reads one derives it, and in one way."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.running import vigil
from console.console_house import event
from engine.archive.archive import Archive
from engine.cli.one_escalation import Where
from engine.console.escalations import Escalations
from engine.core.decide import Options
from engine.core.instants import parse_instant
from engine.documents.rendering import Press
from engine.policies import load

POLICY = """\
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks:
  first_response: {budget: {P2: 4h}}
"""
NOW = "2026-11-03T00:00:00Z"


def events_of(ticket: str) -> list[dict[str, Any]]:
    """The ticket's first response is the incident's update."""
    return [
        event(1, "opened", ticket, "2026-11-02T08:10:00Z", title="Mail is slow", severity="P2"),
        event(2, "opened", "incident:1", "2026-11-02T08:00:00Z", title="Mail is down", severity="P2"),
        event(3, "linked", "incident:1", "2026-11-02T08:20:00Z", to=ticket),
        event(4, "update_published", "incident:1", "2026-11-02T09:00:00Z", audience="customer"),
    ]


@pytest.mark.parametrize("subject", ["desk:1", 'desk:a "quoted" \\ one', "desk:50%_é"])
def test_the_page_and_the_commands_know_of_the_update_of_a_linked_incident(
    subject: str, tmp_path: Path
) -> None:
    policies, events = tmp_path / "policies", tmp_path / "events.jsonl"
    policies.mkdir()
    (policies / "test.yaml").write_text(POLICY)
    events.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in events_of(subject)))
    url = f"sqlite:///{tmp_path}/archive.db"
    loaded = vigil("archive", "load", str(events), "-p", str(policies), "--archive", url, "--until", NOW)
    assert loaded.returncode == 0, loaded.stderr

    book, options = load(policies), Options()
    facts, _ = Where(archive=url).read(book, subject, options)
    assert "relayed_update" in [fact.kind for fact in facts]
    with Archive.open(url) as archive, Press() as press:
        shown = Escalations(archive.engine, book, options, press).page(
            subject, parse_instant(NOW), "UTC", [], None
        )
    assert [(why.outcome.name, why.checked.check) for why in shown.whys] == [("met", "equal")]
    assert list(shown.situation.facts) == facts
