"""The lines of "What Vigil said": from the record on the topic to the words."""

from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from engine.contract.codec import encode_outcome
from engine.core.instants import HOUR, MINUTE, Instant, Span, parse_instant
from engine.core.outcomes import Classification, Outcome, PolicyRef
from engine.core.severity import SEVERITY
from engine.demo.board import Look
from engine.demo.glyphs import ASCII, UNICODE
from engine.demo.said import Names, Said, line, read_said

NOW = parse_instant("2026-11-12T14:20:00+01:00")
DUE = parse_instant("2026-11-12T14:16:00+01:00")
OSLO = ZoneInfo("Europe/Oslo")
NAMES = Names({"kestrel": "Kestrel Rail"}, {("helpdesk:1", "fix"): "fix deployed"})


def said(name: str, metric: str, **fields: object) -> Said:
    """What a reader of the topic gets for an outcome."""
    given: dict[str, object] = {
        "id": "a" * 32,
        "seq": 1,
        "subject": "helpdesk:1",
        "cycle": 1,
        "policy": PolicyRef("demo", "2020-01-01T00:00:00Z", "0" * 16),
        "severity": "P1",
        "customer_id": "kestrel",
        "started_at": Instant(DUE - HOUR),
        "due_at": DUE,
        "effective_at": DUE,
        "detected_at": NOW,
        "elapsed": Span(HOUR),
        "elapsed_calendar": Span(HOUR),
        "target": Span(HOUR),
    }
    outcome = Outcome(name=name, metric=metric, **(given | fields))  # type: ignore[arg-type]
    record = encode_outcome(outcome)
    return read_said(record.headers, record.value)


def classified(severity: str, *, disagrees: bool) -> Said:
    rules = Classification(severity, disagrees, (("data_loss", True),), ())
    reason = "data lost" if severity else ""
    return said("classified", SEVERITY, due_at=None, target=None, reason=reason, classification=rules)


def look(width: int = 100, ascii_only: bool = False) -> Look:
    return Look(NOW, OSLO, width, ASCII if ascii_only else UNICODE)


EARLY = Instant(DUE - 46 * MINUTE)


@pytest.mark.parametrize(
    ("outcome", "parts"),
    [
        (said("breached", "resolve"), ["14:16  ! breached ", " P1 ", " Resolution ", " Kestrel Rail"]),
        (said("breached", "contact", reason="retarget"), ["! breached", "severity raised"]),
        (classified("P1", disagrees=False), [". classified", " P1 ", "Severity: P1", "data lost"]),
        (classified("P0", disagrees=True), ["Severity: the rules say P0", "data lost"]),
        (classified("", disagrees=False), ["Severity: not decided"]),
        (said("met", "acknowledge", effective_at=EARLY), ["13:30  + met ", "Acknowledge, 46 min early"]),
        (
            said("met", "commitment", key="fix", effective_at=EARLY),
            ["+ kept ", "Promise: fix deployed, 46 min early"],
        ),
        (said("commitment_missed", "commitment", key="fix"), ["! missed ", "Promise: fix deployed "]),
        (
            said("cadence_missed", "customer_update", in_a_row=2),
            ["! missed ", "Next customer update, 2nd in a row"],
        ),
        (
            said("breach_risk", "resolve", threshold="90%", target=Span(8 * HOUR)),
            ["^ at risk ", "Resolution, 90 % of 8 h used", "due 14:16"],
        ),
        (said("breach_risk", "commitment", threshold="15m before due", key="fix"), ["15m before due"]),
        (
            said("stopped_late", "resolve", elapsed=Span(72 * MINUTE)),
            ["! late ", "Resolution, 12 min late"],
        ),
        (
            said("escalated", "resolve", threshold="100%", notify=("team_lead", "manager")),
            ["> escalated", "Resolution: tell team lead, manager", "at 100%"],
        ),
        (
            said("retracted", "first_response", outcome="breached", corrects="b" * 32, caused_by="e-1"),
            ["- retracted", "First answer to customer: breached", "late event"],
        ),
        (said("cancelled", "resolve", reason="merged"), ["- cancelled", "merged"]),
    ],
)
def test_a_line_says_when_what_for_whom_and_why(outcome: Said, parts: list[str]) -> None:
    text = line(outcome, NAMES, look()).plain
    for part in parts:
        assert part in text + " "


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_line_is_never_wider_than_the_terminal(width: int) -> None:
    names = Names({"kestrel": "The Worshipful Company of Very Long Names" * 3}, {})
    assert (
        cell_len(line(said("breached", "vendor_reply_of_the_long_kind" * 3), names, look(width)).plain)
        <= width
    )


def test_in_a_log_nothing_is_cut_and_ascii_stays_ascii() -> None:
    names = Names({"kestrel": "The Worshipful Company of Very Long Names"}, {})
    missed = said("cadence_missed", "customer_update_of_the_wholesale_department", in_a_row=12)
    text = line(missed, names, look(60, ascii_only=True), cut=False).plain
    assert (
        "Customer update of the wholesale department, 12th in a row The Worshipful Company of Very Long Names"
        in text
    )
    assert text.isascii()


def test_dated_lines_begin_with_the_day() -> None:
    assert line(said("breached", "resolve"), NAMES, look(), dated=True).plain.startswith(
        " 12 Nov 14:16  ! breached"
    )


def test_a_customer_without_a_name_is_called_by_its_id() -> None:
    assert "kestrel" in line(said("breached", "resolve"), Names({}, {}), look()).plain


def test_the_envelope_for_programs_is_a_structured_cloudevent() -> None:
    envelope = said("breached", "resolve").envelope
    assert envelope["specversion"] == "1.0"
    assert envelope["type"] == "sla.breached.v1"
    assert envelope["subject"] == "helpdesk:1"
    assert isinstance(envelope["data"], dict)
