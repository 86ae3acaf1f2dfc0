"""Every metric once: `definitions` says what there is, `Metrics` counts, `docs` writes the table."""

from engine.metrics.metrics import Metrics

__all__ = ["Metrics"]
