"""What `vigil notify` makes of records of the outcomes topic."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.contract.outcomes import encode_outcome
from engine.core.instants import HOUR, Span
from engine.metrics.notify import NotifyMetrics
from engine.notify.record import Record
from engine.notify.taking import IntoRecord
from engine.sql.offsets import Advance
from notify.alerting import outcome
from notify.keeping import NOW, ROOT, after, states, tell

_LONG = "".join(map(chr, range(0x21, 0x1000)))


def said(offset: int, **changed: object) -> Any:
    """A record of a breach, with other values in its JSON."""
    one = encode_outcome(outcome(id=f"o{offset}"))
    value = json.loads(one.value or b"") | changed
    return SimpleNamespace(
        topic="o", partition=0, offset=offset, value=json.dumps(value).encode(), headers=list(one.headers)
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"cycle": 2**70},
        {"seq": 2**40},
        {"elapsed_seconds": 1e30},
        {"occurrences": 2**70},
        {"in_a_row": -(2**70)},
        {"subject": _LONG},
        {"threshold": "a\0"},
        {"notify": ["a\0"]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_outcome_that_no_database_takes_is_skipped_and_what_follows_is_told(
    record: Record, changed: dict[str, object]
) -> None:
    metrics = NotifyMetrics(["desk"])
    into = IntoRecord(record, ROOT, Span(HOUR), metrics, lambda: NOW, lambda: None)
    into.take([said(0, **changed), said(1)], [Advance("o", 0, 0, 2)])
    assert metrics.registry.get_sample_value("vigil_notify_outcomes_total", {"result": "skipped"}) == 1
    assert states(tell(record)) == ["firing"]
    assert into.offsets() == {("o", 0): 2}


def test_a_clock_that_was_ahead_at_the_first_start_hushes_nothing_once_it_is_set(tmp_path: Path) -> None:
    with Record.open(f"sqlite:///{tmp_path}/r.db", after(24 * 60)) as record:
        into = IntoRecord(record, ROOT, Span(HOUR), NotifyMetrics(["desk"]), lambda: NOW, lambda: None)
        into.take([said(0)], [Advance("o", 0, 0, 1)])
        assert states(tell(record)) == ["firing"]
