"""The trend report: how escalations went, period by period, from the archive (docs/trend.md)."""

from engine.documents.trend.periods import TrendRefused
from engine.documents.trend.report import Asked, Pattern, Trend, trend

__all__ = ["Asked", "Pattern", "Trend", "TrendRefused", "trend"]
