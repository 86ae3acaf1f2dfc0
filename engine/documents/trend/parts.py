"""The questions that the report answers, one after the other."""

from collections.abc import Iterator

from engine.documents.trend.by_period import by_period
from engine.documents.trend.duties import kept_word, missed
from engine.documents.trend.markup import Part
from engine.documents.trend.places import time_went
from engine.documents.trend.report import Trend
from engine.documents.trend.returns import comes_back, patterns
from engine.documents.trend.wording import Names
from engine.documents.trend.workload import came_in, took


def parts(trend: Trend, names: Names) -> Iterator[Part]:
    """All of them, also those that have nothing to show: they say so."""
    yield came_in(trend, names)
    yield took(trend, names)
    yield missed(trend, names)
    yield kept_word(trend, names)
    yield comes_back(trend, names)
    yield time_went(trend, names)
    yield patterns(trend)
    yield by_period(trend, names)
