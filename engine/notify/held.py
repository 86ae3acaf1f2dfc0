"""What stands of a cycle in the record: near, what its alerts hang on; behind, what makes a difference only
once something is taken back.

A cycle that nobody ends says more and more: what one more costs must not grow with what was said before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.notify import tables as t
from engine.notify.conditions import Order, Standing, is_warning, order_of, part_of
from engine.notify.rows import behind_row, chunks, insert_all, pack, read_outcome, read_outcomes, replace

_TOGETHER = 8
"""So many stay in one row, whatever they say: most cycles never say more."""


class _Placed(NamedTuple):
    part: str
    order: Order
    outcome: Outcome


class Held:
    """Of one cycle. What is near alone means the same alerts as all that stands."""

    def __init__(self, near: Iterable[Outcome], behind: Iterable[Outcome]) -> None:
        """`behind`: all, where anything may be corrected; else what may be said again is enough."""
        self._behind = {one.id: _placed(one) for one in behind}
        self._stored = set(self._behind)
        self._keep(Standing({one.id: one for one in near}))

    @property
    def all(self) -> Standing:
        return Standing({id_: one.outcome for id_, one in self._behind.items()} | self._near.said)

    @property
    def near(self) -> list[Outcome]:
        return list(self._near.said.values())

    @property
    def new_behind(self) -> list[Outcome]:
        """To be stored there."""
        return [one.outcome for id_, one in self._behind.items() if id_ not in self._stored]

    @property
    def gone_behind(self) -> set[str]:
        """Ids of what is stored there and is to be no more."""
        return self._stored - self._behind.keys()

    def take(self, outcome: Outcome) -> tuple[Standing, Standing]:
        """What stands before and after one more, as far as alerts differ by it."""
        if outcome.id in self._behind:
            return self._near, self._near
        before = self._before(outcome.corrects) if outcome.corrects else self._near
        now = before.with_(outcome)
        self._keep(now)
        return before, now

    def become(self, now: Standing) -> None:
        """This is all that stands."""
        self._behind.clear()
        self._keep(now)

    def _before(self, corrected: str) -> Standing:
        """With what is to be taken back, or with what leads once that is gone; not behind any more."""
        back = {corrected} & self._behind.keys()
        gone = self._near.said.get(corrected)
        if gone is not None and (part := part_of(gone)):
            back = _leading(one for one in self._behind.values() if one.part == part)
        return Standing({id_: self._behind.pop(id_).outcome for id_ in back} | self._near.said)

    def _keep(self, now: Standing) -> None:
        self._near = now
        if len(now.said) > _TOGETHER:
            placed = {id_: _placed(one) for id_, one in now.said.items()}
            leading = _leading(placed.values())
            self._near = Standing({id_: one for id_, one in now.said.items() if id_ in leading})
            self._behind |= {id_: one for id_, one in placed.items() if id_ not in leading}


def _placed(outcome: Outcome) -> _Placed:
    return _Placed(part_of(outcome), order_of(outcome), outcome)


def _leading(said: Iterable[_Placed]) -> set[str]:
    """Ids of those that all the others of their part make no difference to: the last, and the last that is no
    mere warning, which keeps what comes after it critical. What has no part changes no other's alert."""
    last: dict[tuple[str, bool], _Placed] = {}
    for one in said:
        for place in ((one.part, False), (one.part, not is_warning(one.outcome))):
            if one.part and (place not in last or one.order >= last[place].order):
                last[place] = one
    return {one.outcome.id for one in last.values()}


def load(connection: Connection, said: Mapping[str, Sequence[Outcome]]) -> dict[str, Held]:
    """By cycle, to take up what is said of each."""
    whole = {cycle for cycle, outcomes in said.items() if any(one.corrects for one in outcomes)}
    again = [one.id for cycle in said.keys() - whole for one in said[cycle]]
    return _load(connection, said.keys(), whole, again)


def load_whole(connection: Connection, cycles: Collection[str]) -> dict[str, Held]:
    """By cycle, with all that stands."""
    return _load(connection, cycles, cycles, ())


def _load(
    connection: Connection, cycles: Collection[str], whole: Collection[str], again: Sequence[str]
) -> dict[str, Held]:
    """Of what is behind, all in the `whole` ones, and what in others may be said `again`: ids."""
    b, c = t.behind.c, t.cycles.c
    behind: dict[str, list[Outcome]] = {cycle: [] for cycle in cycles}
    for column, values in ((b.cycle, sorted(whole)), (b.id, again)):
        for some in chunks(values):
            for row in connection.execute(select(b.cycle, b.said).where(column.in_(some))):
                if row.cycle in behind:
                    behind[row.cycle].append(read_outcome(row.said))
    near: dict[str, list[Outcome]] = {}
    for some in chunks(sorted(behind)):
        for row in connection.execute(select(c.id, c.said).where(c.id.in_(some))):
            near[row.id] = read_outcomes(row.said)
    return {cycle: Held(near.get(cycle, ()), outcomes) for cycle, outcomes in behind.items()}


def store(
    connection: Connection, held: Mapping[str, Held], subjects: Mapping[str, str], now: Instant
) -> None:
    rows = [
        {"id": cycle, "said": pack(one.near), "changed": now, "subject": subjects[cycle]}
        for cycle, one in held.items()
    ]
    replace(connection, t.cycles, rows)
    b = t.behind.c
    for cycle, one in held.items():
        for ids in chunks(sorted(one.gone_behind)):
            connection.execute(delete(t.behind).where(b.cycle == cycle, b.id.in_(ids)))
    new = [(cycle, outcome) for cycle, one in held.items() for outcome in one.new_behind]
    insert_all(connection, t.behind, [behind_row(*one) for one in new])
