"""Counts standing verdicts by metric, severity and name while outcomes go by."""

from collections import Counter
from typing import TypeAlias

from engine.core.outcomes import VERDICTS, Outcome

Cell: TypeAlias = tuple[str, str, str]
"""(metric, severity, verdict)."""


class Tally:
    """What stands after corrections."""

    def __init__(self, corrections: bool) -> None:
        """`corrections`: remember each verdict, for a later outcome may amend or retract it."""
        self.outcomes = 0
        self.verdicts: Counter[Cell] = Counter()
        self._standing: dict[str, Cell] | None = {} if corrections else None

    def add(self, outcome: Outcome) -> None:
        """Outcomes come in the order in which they were said."""
        self.outcomes += 1
        corrected = outcome.name in ("amended", "retracted")
        if corrected and self._standing is not None:
            before = self._standing.pop(outcome.corrects, None)
            if before is not None:
                self.verdicts[before] -= 1
        name = outcome.outcome if outcome.name == "amended" else outcome.name
        if name in VERDICTS:
            cell = (outcome.metric, outcome.severity, name)
            self.verdicts[cell] += 1
            if self._standing is not None:
                self._standing[outcome.id] = cell

    def rows(self) -> tuple[list[str], list[list[object]]]:
        """A table: its columns, and a row for each metric and severity."""
        return rows_of(self.verdicts)


def rows_of(counted: Counter[Cell]) -> tuple[list[str], list[list[object]]]:
    """A table: its columns, and a row for each metric and severity."""
    found = {cell: number for cell, number in counted.items() if number}
    names = sorted({name for _, _, name in found})
    kinds = sorted({(metric, severity) for metric, severity, _ in found})
    rows: list[list[object]] = [
        [metric, severity, *(found.get((metric, severity, name), 0) for name in names)]
        for metric, severity in kinds
    ]
    return ["metric", "severity", *names], rows
