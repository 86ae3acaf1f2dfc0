"""Two books over the same recorded events: which verdicts would differ."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from engine.contract.codec import Decoded, Received
from engine.core.deadlines import COMMITMENT
from engine.core.facts import REBASED
from engine.core.instants import Instant
from engine.core.outcomes import VERDICTS, Outcome, PolicyRef
from engine.core.policy import Book, Policy, SeverityRules
from engine.replay.changes import Change, changes
from engine.replay.gather import Counts, by_subject_of_each, take
from engine.replay.judging import Bench
from engine.replay.relaying import Relaying
from engine.replay.replaying import Hearing, Wish
from engine.replay.sorting import Sorter
from engine.replay.summing import Sums
from engine.replay.verdicts import verdicts

_ANY = PolicyRef("", "", "")


class Owed(NamedTuple):
    """The metrics that only one of two books knows."""

    only_left: list[str]
    only_right: list[str]


class Backtest:
    """Judges everything twice, escalation by escalation; `counts` and `sums` are complete when `run` ended.

    What is held in memory is what `Replay` holds: events are sorted with the help of files, and of the
    escalations only one is looked at at a time.
    """

    def __init__(self, left: Book, right: Book, wish: Wish, hearing: Hearing) -> None:
        self.counts = Counts()
        self.sums = Sums()
        self._wish = wish
        self._hearing = hearing
        self._books = (left, right)
        self._used: tuple[set[PolicyRef], set[PolicyRef]] = (set(), set())
        self._left = Bench(left, wish.options, hearing.refused)
        self._right = Bench(right, wish.options, lambda *_: None)  # the left one has told
        self.owed = _owed(left, right)

    @property
    def until(self) -> Instant:
        """When the last judgement is made."""
        return self._wish.end(self.counts)

    @property
    def judged(self) -> dict[str, int]:
        """What the core counted of the events: duplicates, subjects never opened …"""
        return dict(sorted(self._left.counts.items()))

    @property
    def unclassified(self) -> tuple[int, int]:
        """Escalations that no policy of a book takes, left and right."""
        return self._left.counts["unclassified"], self._right.counts["unclassified"]

    @property
    def unused(self) -> tuple[list[Policy], list[Policy]]:
        """Of each book the newest versions of policies by which nothing was judged. Where nothing was said at
        all, only what begins later is known to be one."""
        left, right = (
            [
                policy
                for policy in _newest(book).values()
                if _ref(policy) not in used and (used or policy.effective_from > self.until)
            ]
            for book, used in zip(self._books, self._used, strict=True)
        )
        return left, right

    @property
    def to_come(self) -> tuple[list[SeverityRules], list[SeverityRules]]:
        """Of each book the versions of the severity rules that begin after the last judgement."""
        left, right = (
            [rules for rules in book.severity_rules if rules.effective_from > self.until]
            for book in self._books
        )
        return left, right

    def run(self, read: Iterable[tuple[str, Decoded]]) -> Iterator[Change]:
        """Every clock that differs, in the order of subjects, patterns last; the same for the same events."""
        until = self._wish.until
        taken = take(read, self.counts, self._hearing.rejected)
        received = (one for one in taken if self.counts.is_in_time(one.subject, one.fact.at, until))
        relayings = [Relaying(book, self._wish.options, lambda: self.until) for book in self._books]
        with Sorter(tuple[str, int]) as sorter:
            for subject, facts, relayed in by_subject_of_each(received, sorter, relayings):
                left = self._left.judge(subject, facts + relayed[0], self.until)
                right = self._right.judge(subject, facts + relayed[1], self.until)
                self.sums.count(left, right)
                for used, outcomes in zip(self._used, (left, right), strict=True):
                    used.update(one.policy for one in outcomes)
                for change in changes(_comparable(left), _comparable(right)):
                    self.sums.add(change)
                    yield change
                self._hearing.judged(len(facts))


def _comparable(outcomes: list[Outcome]) -> list[Outcome]:
    """The verdicts, without the names of what they were computed with: those differ in any two books."""
    settled = verdicts(one for one in outcomes if one.name in VERDICTS)
    return [replace(one, policy=_ANY, versions=None, segments=(), hash="") for one in settled]


def metrics(book: Book) -> set[str]:
    """What the policies of a book owe, a commitment among it."""
    named = {clock.metric for policy in book.policies for clock in policy.clocks}
    return named | {f"{each.audience}_update" for p in book.policies for each in p.cadences} | {COMMITMENT}


def _ref(policy: Policy) -> PolicyRef:
    return PolicyRef(policy.name, policy.version, policy.hash)


def _owed(left: Book, right: Book) -> Owed:
    lefts, rights = metrics(left), metrics(right)
    return Owed(sorted(lefts - rights), sorted(rights - lefts))


def newest(book: Book) -> Book:
    """The book with only the newest version of each policy, and of the severity rules, as if it had been in
    force from the beginning."""
    return _always(book, _newest(book).values())


def without_rebases(read: Iterable[tuple[str, Decoded]]) -> Iterator[tuple[str, Decoded]]:
    """What is left to judge by `newest`: there is no other version to move to."""
    return (one for one in read if not (isinstance(one[1], Received) and one[1].fact.kind == REBASED))


def in_force(book: Book, at: Instant, instead: Policy | None = None) -> Book:
    """The book with only the version of each policy that is in force at a time, as if it had been from the
    beginning. `instead`: a version that counts instead of that of its name."""
    begun = replace(
        book,
        policies=tuple(one for one in book.policies if one.effective_from <= at),
        severity_rules=tuple(one for one in book.severity_rules if one.effective_from <= at),
    )
    chosen = _newest(begun)
    if instead is not None:
        chosen[instead.name] = instead
    return _always(begun, (chosen[name] for name in _newest(book) if name in chosen))


def _always(book: Book, policies: Iterable[Policy]) -> Book:
    return replace(
        book,
        policies=tuple(replace(one, effective_from=Instant(0)) for one in policies),
        severity_rules=tuple(replace(one, effective_from=Instant(0)) for one in book.severity_rules[-1:]),
    )


def _newest(book: Book) -> dict[str, Policy]:
    """By name, in the order in which they are tried."""
    versions: dict[str, Policy] = {}
    for policy in book.policies:
        other = versions.setdefault(policy.name, policy)
        if policy.effective_from > other.effective_from:
            versions[policy.name] = policy
    return versions
