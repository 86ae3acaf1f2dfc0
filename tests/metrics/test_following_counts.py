"""How far behind one is who follows topics, and since when it comes no further."""

from pathlib import Path

from engine.archive.archive import Archive
from engine.archive.following import IntoArchive
from engine.archive.reading import NOT_AN_OUTCOME, Topics
from engine.metrics.archive import ArchiveMetrics
from engine.metrics.definitions import ARCHIVE
from engine.metrics.following import KNOWN_SECONDS, Following
from engine.metrics.instruments import Family, Gauge
from engine.metrics.notify import NotifyMetrics
from engine.sql.following import _STALLED_SECONDS


def test_a_lag_that_is_not_known_any_more_is_told_no_more_but_since_when_it_is_not() -> None:
    families = {d.name: Family(d, Gauge) for d in ARCHIVE if d.name.startswith("vigil_archive_")}
    stalled, lag = families["vigil_archive_stalled_seconds"], families["vigil_archive_lag_records"]
    now = 100.0
    one = Following(stalled, lag, lambda: now)
    one.refresh()
    assert (stalled.cells, lag.cells) == ({}, {}), "it has never been at work"
    one.lag("outcomes", 7)
    now += KNOWN_SECONDS
    one.refresh()
    assert (stalled[()].value, lag[("outcomes",)].value) == (KNOWN_SECONDS, 7)
    now += 1
    one.refresh()
    assert (stalled[()].value, lag.cells) == (KNOWN_SECONDS + 1, {})
    one.lag("outcomes", 3)
    one.refresh()
    assert (stalled[()].value, lag[("outcomes",)].value) == (0, 3)


def test_it_is_brought_up_to_date_by_a_scrape() -> None:
    metrics = ArchiveMetrics()
    assert metrics.registry.get_sample_value("vigil_archive_stalled_seconds") is None
    metrics.lag("outcomes", 3)
    assert metrics.registry.get_sample_value("vigil_archive_stalled_seconds") is not None
    assert metrics.registry.get_sample_value("vigil_archive_lag_records", {"topic": "outcomes"}) == 3


def test_outcomes_that_cannot_be_read_are_counted_from_zero_so_that_the_first_is_seen_to_come(
    tmp_path: Path,
) -> None:
    archived, told = ArchiveMetrics(), NotifyMetrics(["desk"])
    with Archive.open(f"sqlite:///{tmp_path}/archive.db") as archive:
        IntoArchive(archive, Topics(("tickets",), "outcomes"), archived)
    for reason in NOT_AN_OUTCOME:
        of = {"topic": "outcomes", "reason": reason}
        assert archived.registry.get_sample_value("vigil_archive_skipped_total", of) == 0
    assert told.registry.get_sample_value("vigil_notify_outcomes_total", {"result": "skipped"}) == 0


def test_the_alert_asks_for_the_reasons_that_an_outcome_is_skipped_for() -> None:
    rules = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules" / "vigil.yaml"
    assert f'{{reason=~"{"|".join(NOT_AN_OUTCOME)}"}}' in rules.read_text("utf-8")


def test_a_lag_is_told_for_as_long_as_its_follower_is_not_stalled() -> None:
    """Two rooms, of which neither may import the other."""
    assert KNOWN_SECONDS == _STALLED_SECONDS
