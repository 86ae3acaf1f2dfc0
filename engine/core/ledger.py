"""What has been said, compared with what the facts as now known want said (Saying 2)."""

from collections import defaultdict, deque
from typing import NamedTuple, TypeAlias

from engine.core.shelf import Said
from engine.core.statements import Statement

Kind: TypeAlias = tuple[str, str, str, int, str]
"""What a statement is about: name, metric, key, cycle, threshold."""


class Correction(NamedTuple):
    """One difference: `said` alone is retracted, `statement` alone is new, both together amended."""

    said: Said | None
    statement: Statement | None


class Difference(NamedTuple):
    corrections: list[Correction]
    """Retractions first, then the rest in the order in which it is wanted."""
    kept: list[Said | None]
    """For each wanted statement the entry that stands as it is; None where a correction is needed."""


def difference(wanted: list[Statement], ledger: list[Said], may_keep: bool = True) -> Difference:
    """What must be said so that the ledger stands for exactly the wanted statements.

    What stands word for word is kept; the rest is paired, in order, with what was said of the same thing.
    `may_keep`: False where another policy applies, which outcomes name beside what their statements say.
    """
    standing: defaultdict[Statement, deque[Said]] = defaultdict(deque)
    for entry in ledger:
        standing[entry.statement].append(entry)
    kept = [
        standing[statement].popleft() if may_keep and standing.get(statement) else None
        for statement in wanted
    ]
    outdated: dict[str, Said] = {entry.id: entry for entries in standing.values() for entry in entries}
    rows: defaultdict[Kind, deque[Said]] = defaultdict(deque)
    for entry in ledger:
        if entry.id in outdated:
            rows[_kind(entry.statement)].append(entry)
    changed: list[Correction] = []
    for statement, same in zip(wanted, kept, strict=True):
        if same is None:
            row = rows.get(_kind(statement))
            old = row.popleft() if row else None
            changed.append(Correction(old, statement))
    gone = {entry.id for row in rows.values() for entry in row}
    return Difference([*(Correction(entry, None) for entry in ledger if entry.id in gone), *changed], kept)


def _kind(s: Statement) -> Kind:
    return (s.name, s.metric, s.key, s.cycle, s.threshold)
