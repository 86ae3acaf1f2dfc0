"""What is said of many escalations at once: patterns, credits and the trend report, of the archive."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from engine.archive.account import Account
from engine.archive.tables import CREDITS, outcomes
from engine.console.answers import (
    CreditMonth,
    Credits,
    Flag,
    Head,
    NearMiss,
    Pattern,
    Patterns,
    Tally,
    Total,
)
from engine.console.asked import Asked, Key, part
from engine.console.board import Board
from engine.console.kept import Kept, NotYet
from engine.console.ledgers import Ledger, Mark, customer_names, removed
from engine.console.policies import InForce, in_force
from engine.console.recurring import Found, Recurring
from engine.console.rows import UNKNOWN
from engine.core import attributes as attrs
from engine.core.credits import Credit, credits, exposures, in_order
from engine.core.decide import Options
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.documents.credits import Owed, month_of, owed, plain, totals
from engine.documents.fees import Fee
from engine.documents.trend import Asked as Periods
from engine.documents.trend import Trend
from engine.documents.trend import trend as counted
from engine.documents.trend.periods import parse_day
from engine.replay import patterns

FLAGS: tuple[str, ...] = get_args(Flag)
_FRESH = 60.0
"""Seconds after which they are made anew."""
_PATIENCE = 5.0
"""Seconds for which a request waits for the patterns: of a large archive they take minutes at first."""


class Summaries:
    """Safe to share between threads. SQLAlchemy's errors come through where the database is away."""

    def __init__(
        self,
        archive: Engine,
        board: Board,
        book: Book,
        policies: Path,
        options: Options,
        fees: Mapping[str, Fee],
        now: Callable[[], Instant],
    ) -> None:
        """`policies`: the folder that `book` was read from. `fees`: by customer, what each pays a month."""
        self._archive, self._board, self._book = archive, board, book
        self._fees, self._now = fees, now
        self._credited = Ledger(archive, select(outcomes.c.subject).where(CREDITS).distinct(), _credited)
        self._recurring = Recurring(archive, book, policies, options)
        self._patterns: Kept[Mark, Found] = Kept(lambda _: self._recurring.find(now()), _FRESH, _PATIENCE)
        self._trends: Kept[tuple[Mark, Periods], Trend] = Kept(lambda key: self._count(key[1]), _FRESH)
        self.policies: InForce = in_force(book)

    # -- patterns ---------------------------------------------------------------------------------------

    def patterns(self, asked: Asked) -> Patterns:
        """What recurs, most urgent first. From and to are of the last member's opening. NotYet."""
        known = self._known()
        wanted = [
            one
            for one in known.patterns
            if (not asked.state or one.state == asked.state)
            and asked.has([member.customer for member in one.members], "", one.members[-1].opened)
        ]
        found, following = part(wanted, _urgency, asked)
        counts = Counter(one.state for one in known.patterns)
        return Patterns(
            items=[Pattern.model_validate(patterns.as_plain(one)) for one in found],
            matching=len(wanted),
            next=following,
            tallies=[Tally(state=state, count=counts[state]) for state in FLAGS],
            as_of=known.at,
            escalations=known.escalations,
            in_no_pattern=known.without,
            near_misses=[
                NearMiss(
                    similarity=round(one.similarity, 3), into=one.into.fingerprint,
                    other=one.other.fingerprint, titles=[one.into.title, one.other.title],
                )
                for one in known.near
            ],
        )  # fmt: skip

    def _known(self) -> Found:
        try:
            return self._patterns.get(self._mark())
        except NotYet:
            raise NotYet(f"The patterns are being found: {self._recurring.said}.") from None

    # -- credits ----------------------------------------------------------------------------------------

    def credits(self, asked: Asked, zone: ZoneInfo) -> Credits:
        """By month and customer, the latest month first. From and to are of the month."""
        now = self._now()
        rows = owed(
            in_order(self._credited.rows()),
            [one for record in self._board.records() for one in exposures(record, self._book)],
            zone, now, self._fees,
        )  # fmt: skip
        first = month_of(asked.start, zone) if asked.start is not None else ""
        last = month_of(Instant(asked.end - 1), zone) if asked.end is not None else ""
        wanted = [
            row
            for row in rows
            if (not asked.customer or asked.customer.casefold() == row.customer.casefold())
            and (not first or row.month >= first)
            and (not last or row.month <= last)
        ]
        found, following = part(wanted, _latest, asked)
        with self._archive.connect() as connection:
            names = customer_names(connection, (row.customer for row in found))
        return Credits(
            items=[
                CreditMonth.model_validate(
                    {**plain(row, in_full=True), "customer_name": names.get(row.customer, "")}
                )
                for row in found
            ],
            matching=len(wanted),
            next=following,
            tallies=[],
            as_of=now,
            zone=zone.key,
            totals=[Total(currency=one.currency, amount=str(one.amount)) for one in totals(rows)],
            without_fee=sorted({row.customer for row in rows if row.fee is None}),
            verdicts_unknown=sum(row.state == UNKNOWN for row in self._board.all()),
            policies_without=sorted(
                {one.name for one in self.policies.policies}
                - {one.name for one in self.policies.policies if one.credits}
            ),
        )

    # -- the trend report -------------------------------------------------------------------------------

    def trend(self, by: str, zone: str, start: str, end: str) -> Trend:
        """The report of these periods; without days the last twelve. TrendRefused where that makes no sense,
        or the archive has nothing."""
        days = [parse_day(day) if day else None for day in (start, end)]
        return self._trends.get((self._mark(), Periods(by, zone, *days)))

    def _count(self, asked: Periods) -> Trend:
        with self._archive.connect() as connection:
            return counted(connection, asked)

    def _mark(self) -> Mark:
        """Another one: what is kept holds what was erased."""
        with self._archive.connect() as connection:
            return removed(connection)


def _urgency(one: patterns.Pattern) -> Key:
    return (*patterns.urgency(one), one.fingerprint)


def _credited(account: Account, _: Head) -> list[Credit]:
    return credits(account.in_force, {account.subject: attrs.text(account.attributes, "customer")})


def _latest(row: Owed) -> Key:
    year, month = row.month.split("-")
    return (-(int(year) * 12 + int(month)), row.customer)
