"""The verdicts that stand at the end of a run, and how those of two runs differ."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import orjson
from msgspec.structs import asdict

from engine.contract.codec import decode_outcome
from engine.core.outcomes import BEHIND, VERDICTS, Outcome
from engine.core.standing import standing

Slot: TypeAlias = tuple[str, str, str, int, str, int]
"""What a verdict is about: subject, metric, key, cycle, name, and which of its kind it is."""


def read_outcome(line: bytes) -> Outcome:
    """The outcome of a line that `vigil replay` wrote. ValueError for a line that is none."""
    event = orjson.loads(line)
    if not isinstance(event, dict):
        raise ValueError(f"expected a JSON object; found {line[:60].decode(errors='replace')}")
    said = ((name, value) for name, value in event.items() if name != "data")
    headers = [(f"ce_{name}", str(value).encode()) for name, value in said]
    return decode_outcome(orjson.dumps(event.get("data")), headers)


def verdicts(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """What stands and settles something, in (effective time, subject, id) order, made comparable."""
    return [one for one in standing(outcomes) if one.name in VERDICTS]


def answer(one: Outcome) -> str:
    """A verdict as reports name it: `unknown` where none could be given yet."""
    return "unknown" if one.name == BEHIND else one.name


class Difference(NamedTuple):
    """One verdict that the runs do not share."""

    slot: Slot
    left: Outcome | None
    right: Outcome | None

    def __str__(self) -> str:
        subject, metric, *rest = self.slot
        where = f"{subject} {metric} {' '.join(str(part) for part in rest if part != '')}"
        if self.left is None or self.right is None:
            return f"{where}: only {'right' if self.left is None else 'left'}"
        pairs = zip(asdict(self.left).items(), asdict(self.right).values(), strict=True)
        changed = [f"{name} {left!r} / {right!r}" for (name, left), right in pairs if left != right]
        return f"{where}: {'; '.join(changed)}"


def differences(left: Iterable[Outcome], right: Iterable[Outcome]) -> list[Difference]:
    """Verdicts (as `verdicts` gives them) of which one run has no equal, by subject and metric."""
    lefts, rights = by_slot(left), by_slot(right)
    return [
        Difference(slot, lefts.get(slot), rights.get(slot))
        for slot in sorted(lefts.keys() | rights.keys())
        if lefts.get(slot) != rights.get(slot)
    ]


def by_slot(outcomes: Iterable[Outcome]) -> dict[Slot, Outcome]:
    """Each under what it is about; two of one kind are told apart by their order."""
    found: dict[Slot, Outcome] = {}
    for one in outcomes:
        nth = 0
        while (slot := (one.subject, one.metric, one.key, one.cycle, one.name, nth)) in found:
            nth += 1
        found[slot] = one
    return found
