"""How far behind one is who follows topics, and since when it comes no further."""

from engine.metrics.archive import ArchiveMetrics
from engine.metrics.definitions import ARCHIVE
from engine.metrics.following import KNOWN_SECONDS, Following
from engine.metrics.instruments import Family, Gauge


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
