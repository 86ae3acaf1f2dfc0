"""Promises, action items and RCAs: as the archive tells of them, and the board of those that run."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol, TypeVar, get_args

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Engine, Select, select

from engine.archive import tables
from engine.archive.account import Account
from engine.archive.tables import facts, outcomes
from engine.console.answers import (
    ActionItem,
    ActionState,
    Answer,
    Due,
    Head,
    Listed,
    Promise,
    PromiseState,
    Record,
    Review,
    ReviewState,
    Tally,
    proofs,
)
from engine.console.asked import Asked, Key, part
from engine.console.board import Board
from engine.console.filters import KINDS
from engine.console.ledgers import Ledger, customer_names, heads_of
from engine.console.rows import Row
from engine.core.deadlines import ACTION
from engine.core.instants import NEVER, Instant, parse_instant, seconds
from engine.core.outcomes import Outcome
from engine.documents import obligations
from engine.documents.commitments import KEPT, KEPT_LATE, MISSED, Commitment, commitments, records
from engine.documents.lateness import CANCELLED, LATE, MET, OPEN_LATE, WAIVED, ended

PROMISE_STATES: tuple[str, ...] = get_args(PromiseState)
ACTION_STATES: tuple[str, ...] = get_args(ActionState)
REVIEW_STATES: tuple[str, ...] = get_args(ReviewState)
REVIEWS = KINDS["rca"]
_OF_ACTION = {
    obligations.OPEN: "open", obligations.MISSED: "overdue", "cancelled": "cancelled", WAIVED: "waived",
}  # fmt: skip
_OF_REVIEW = {
    MET: "published", LATE: "published_late", OPEN_LATE: "overdue", CANCELLED: "cancelled", WAIVED: "waived",
}  # fmt: skip
_JUDGED = (KEPT, KEPT_LATE, MISSED)
_STAGE_OF = {"rca_summary": "summary", "rca_final": "final"}


class _Promised(NamedTuple):
    head: Head
    row: Commitment

    @property
    def state(self) -> str:
        return self.row.state

    @property
    def is_open(self) -> bool:
        return self.row.is_open

    @property
    def due(self) -> int | None:
        return self.row.dues[-1].due_at

    @property
    def which(self) -> Key:
        return (self.row.id,)


class _Acted(NamedTuple):
    head: Head
    row: obligations.Action
    due: int | None
    verdicts: tuple[Outcome, ...]

    @property
    def state(self) -> str:
        return _OF_ACTION.get(self.row.state) or ("done_late" if " late" in self.row.state else "done")

    @property
    def is_open(self) -> bool:
        return self.state in ("open", "overdue")

    @property
    def which(self) -> Key:
        return (self.row.id,)


class _Reviewed(NamedTuple):
    head: Head
    metric: str
    cycle: int
    state: str
    due: int | None
    published: int | None = None
    late: float | None = None
    url: str = ""
    reason: str = ""
    verdicts: tuple[Outcome, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state in ("open", "overdue")

    @property
    def which(self) -> Key:
        return (self.metric, self.cycle)


class _Row(Protocol):
    """What the three have in common."""

    @property
    def head(self) -> Head: ...
    @property
    def state(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def due(self) -> int | None: ...
    @property
    def which(self) -> Key: ...


_Known = TypeVar("_Known", bound=_Row)
_Item = TypeVar("_Item", bound=Answer)


class Lists:
    """Safe to share between threads. SQLAlchemy's errors come through where the database is away.

    Each list has what is open first, soonest due first, then the rest, the latest first. `from` and `to` are
    of the due time.
    """

    def __init__(self, archive: Engine, board: Board) -> None:
        self._archive, self._board = archive, board
        self._promised = Ledger(archive, _subjects_of(tables.PROMISES), _promised)
        self._acted = Ledger(archive, _subjects_of(tables.ACTIONS), _acted)
        judged = select(outcomes.c.subject).where(tables.REVIEWS).distinct()
        self._reviewed = Ledger(archive, judged, _reviewed, tables.REVIEWS)

    def promises(self, asked: Asked, now: Instant) -> Listed[Promise]:
        """The commitment ledger; the time is the last one promised."""
        return _listed(self._promised.rows(), asked, now, PROMISE_STATES, _promise)

    def records(self, by: str) -> list[Record]:
        """How the promises of each `customer` or `person` came out."""
        found = records((row.row for row in self._promised.rows()), by)
        names: dict[str, str] = {}
        if by == "customer":
            with self._archive.connect() as connection:
                names = customer_names(connection, (one.name for one in found))
        return [
            Record(
                **asdict(one),
                customer_name=names.get(one.name, ""),
                judged=sum(one.states[state] for state in _JUDGED),
            )
            for one in found
        ]

    def actions(self, asked: Asked, now: Instant) -> Listed[ActionItem]:
        """Every action item."""
        running = {(one.view.subject, one.view.key): one for one in self._running({ACTION})}
        rows = [
            row._replace(due=running[which].view.due_at)
            if (which := (row.head.subject, row.row.id)) in running
            else row
            for row in self._acted.rows()
        ]
        return _listed(rows, asked, now, ACTION_STATES, _action)

    def reviews(self, asked: Asked, now: Instant) -> Listed[Review]:
        """RCA summaries, final reports and reviews that are owed, or were published."""
        rows = self._reviewed.rows()
        judged = {(row.head.subject, *row.which) for row in rows}
        running = [
            view
            for one in self._running(REVIEWS)
            if ((view := one.view).subject, view.metric, view.cycle) not in judged
        ]
        with self._archive.connect() as connection:
            heads = heads_of(connection, {view.subject for view in running})
        rows += [
            _Reviewed(heads[view.subject], view.metric, view.cycle, "open", view.due_at)
            for view in running
            if view.subject in heads  # else the archive has not read of it yet
        ]
        return _listed(rows, asked, now, REVIEW_STATES, _review)

    def _running(self, metrics: Collection[str]) -> list[Row]:
        return [row for row in self._board.all() if row.view.metric in metrics]


def _listed(
    rows: Sequence[_Known],
    asked: Asked,
    now: Instant,
    states: Sequence[str],
    made: Callable[[_Known, Instant], _Item],
) -> Listed[_Item]:
    wanted = [
        row
        for row in rows
        if (not asked.state or row.state == asked.state)
        and asked.has((row.head.customer, row.head.customer_name), row.head.team, row.due)
    ]
    found, following = part(wanted, _order, asked)
    counts = Counter(row.state for row in rows)
    return Listed(
        items=[made(row, now) for row in found],
        matching=len(wanted),
        next=following,
        tallies=[Tally(state=state, count=counts[state]) for state in states],
        as_of=now,
    )


def _order(row: _Row) -> Key:
    due = row.due
    when = (NEVER if due is None else due) if row.is_open else -(due or 0)
    return (int(not row.is_open), when, row.head.subject, *row.which)


def _is_unknown(row: _Row, now: Instant) -> bool:
    """Due, and no verdict: it may be on its way, or its source behind."""
    return row.state in ("open", "at_risk") and row.due is not None and row.due < now


def _subjects_of(which: ColumnElement[bool]) -> Select[tuple[str]]:
    return select(facts.c.subject).where(which).distinct()


# -- of an account -----------------------------------------------------------------------------------------


def _promised(account: Account, head: Head) -> list[_Promised]:
    return [_Promised(head, row) for row in commitments(account)]


def _acted(account: Account, head: Head) -> list[_Acted]:
    ends = [one for one in ended(account.standing, account.facts) if one.which[0] == ACTION]
    by_policy = {one.which[1]: one.due for one in ends if one.due is not None}
    verdicts: dict[str, tuple[Outcome, ...]] = {}
    for one in ends:
        verdicts[one.which[1]] = verdicts.get(one.which[1], ()) + one.verdicts
    return [
        _Acted(
            head, row, by_policy.get(row.id) if row.due_at is None else parse_instant(row.due_at),
            verdicts.get(row.id, ()),
        )
        for row in obligations.actions(account, ends, {})
    ]  # fmt: skip


def _reviewed(account: Account, head: Head) -> list[_Reviewed]:
    urls = {
        "pir" if fact.kind == "pir_held" else fact.text("stage"): fact.text("url")
        for fact in account.facts
        if fact.kind in ("rca_published", "pir_held")
    }
    return [
        _Reviewed(
            head, metric := one.which[0], one.which[2], _OF_REVIEW[one.result], one.due,
            published=one.last.effective_at if one.result in (MET, LATE) else None,
            late=None if one.late is None else seconds(one.late),
            url=urls.get(_STAGE_OF.get(metric, metric), "") if one.result in (MET, LATE) else "",
            reason=one.last.reason if one.result in (CANCELLED, WAIVED) else "",
            verdicts=one.verdicts,
        )
        for one in ended(account.standing, account.facts)
        if one.which[0] in REVIEWS
    ]  # fmt: skip


# -- as they are told --------------------------------------------------------------------------------------


def _promise(one: _Promised, now: Instant) -> Promise:
    row = one.row
    return Promise.model_validate(
        {
            "escalation": one.head, "id": row.id, "text": row.text, "by": row.by, "to": row.to,
            "made_at": row.made_at, "due_at": one.due, "dues": [Due(**due._asdict()) for due in row.dues],
            "state": row.state, "open": row.is_open, "verdict_unknown": _is_unknown(one, now),
            "reason": row.reason, "verdicts": proofs(row.verdicts),
        }
    )  # fmt: skip


def _action(one: _Acted, now: Instant) -> ActionItem:
    row = one.row
    return ActionItem.model_validate(
        {
            "escalation": one.head, "id": row.id, "title": row.title, "owner": row.owner or "",
            "due_at": one.due, "state": one.state, "told": row.state, "open": one.is_open,
            "verdict_unknown": _is_unknown(one, now), "reason": row.reason, "verdicts": proofs(one.verdicts),
        }
    )  # fmt: skip


def _review(one: _Reviewed, now: Instant) -> Review:
    return Review.model_validate(
        {
            "escalation": one.head, "metric": one.metric, "cycle": one.cycle, "due_at": one.due,
            "published_at": one.published, "late_seconds": one.late, "state": one.state, "open": one.is_open,
            "verdict_unknown": _is_unknown(one, now), "url": one.url, "reason": one.reason,
            "verdicts": proofs(one.verdicts),
        }
    )  # fmt: skip
