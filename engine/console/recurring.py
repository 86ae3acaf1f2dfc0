"""The patterns of an archive, kept: only what has changed is read and judged again."""

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Protocol, TypeVar

import msgspec
import structlog
from sqlalchemy import Connection, Engine, func, select

from engine.archive.tables import erased, facts
from engine.console.recurring_process import Begin, Read, Request, ToJudge, ToRead, Work
from engine.console.sides import mark_of
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.core.recurrence import is_pattern
from engine.replay.gather import Known
from engine.replay.patterns import (
    OWED,
    NearMiss,
    Pattern,
    most_alike,
    near_misses_of_one,
    place_of,
)

log = structlog.stdlib.get_logger("vigil.console")

One = TypeVar("One")
Place = tuple[str, str]

SIMILARITY = 0.5
"""As the command has it."""
FEW = 500
"""Escalations and patterns that are looked at in the console's own process: a quarter of a second's work.
More would hold up the board, and are looked at in another one, which takes a second to begin."""
ANEW_SECONDS = 3_600.0
"""After so long everything is read again: a fact may be replaced by another of its identity and time, which
no mark shows."""
_LOOKING = "the archive is asked what has changed"
_AT_ONCE = 100
"""Of one request."""
_PRIME = 2**31 - 1

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Fact).decode


class Found(NamedTuple):
    """What recurs."""

    at: Instant
    patterns: list[Pattern]
    near: list[NearMiss]
    """The most alike first."""
    escalations: int
    without: int
    """Escalations of no pattern."""


class _Does(Protocol):
    """`Work`, wherever it is done."""

    def read(self, subjects: Sequence[str], until: Instant) -> list[Read]: ...
    def judge(self, patterns: Sequence[Known], until: Instant) -> list[Pattern]: ...


class Recurring:
    """Safe to share between threads. SQLAlchemy's errors come through where the database is away; what was
    read until then is not read again."""

    def __init__(self, archive: Engine, book: Book, policies: Path, options: Options) -> None:
        """`policies`: the folder that `book` was read from."""
        self._archive = archive
        self._begin = Begin(
            archive.url.render_as_string(hide_password=False), str(policies), mark_of(book),
            options.open_on_first_event,
        )  # fmt: skip
        self._here = Work(archive, book, options)
        self._marks: dict[str, int] = {}
        """Of every subject that was read."""
        self._begun = 0.0
        self._passed: dict[str, tuple[str, ...]] = {}
        """Escalation -> its pattern."""
        self._members: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        """Pattern -> escalation -> its occurrence."""
        self._said: dict[str, list[Fact]] = {}
        """Pattern -> what was said of it."""
        self._patterns: dict[str, Pattern] = {}
        self._places: defaultdict[Place, set[str]] = defaultdict(set)
        self._near: dict[Place, list[NearMiss]] = {}
        self._to_judge: set[str] = set()
        """Patterns that have changed since they were judged."""
        self._to_compare: set[Place] = set()
        self._turn = Lock()
        self.said = _LOOKING
        """How far it is, in words."""

    def find(self, until: Instant) -> Found:
        """What `vigil patterns` says of the archive as of then."""
        with self._turn:
            self.said = _LOOKING
            with self._archive.connect() as connection:
                marks = _marks(connection, until)
            changed = self._changed(marks)
            self._to_judge.update(subject for subject, one in self._patterns.items() if _is_due(one, until))
            with ExitStack() as stack:
                does: _Does = self._here
                if len(changed) + len(self._to_judge) > FEW:
                    does = stack.enter_context(_Behind(self._begin, self._here))
                self._read(does, changed, marks, until)
                self._judge(does, until)
            self._compare()
            return self._found(until)

    # -- reading ----------------------------------------------------------------------------------------

    def _changed(self, marks: dict[str, int]) -> list[str]:
        """What is to be read; of what is gone nothing is left."""
        moment = time.monotonic()
        if moment - self._begun >= ANEW_SECONDS:
            self._begun, self._marks = moment, dict.fromkeys(self._marks, -1)
        for subject in self._marks.keys() - marks.keys():
            self._take(Read(subject, [], []))
            del self._marks[subject]
        return [subject for subject, mark in marks.items() if self._marks.get(subject) != mark]

    def _read(self, does: _Does, changed: list[str], marks: dict[str, int], until: Instant) -> None:
        for done, some in _parts(changed):
            self.said = f"{done:,} of {len(changed):,} escalations are read"
            for one in does.read(some, until):
                self._take(one)
                self._marks[one.subject] = marks[one.subject]

    def _take(self, one: Read) -> None:
        if is_pattern(one.subject):
            if self._said.pop(one.subject, []) != one.said:
                self._to_judge.add(one.subject)
            if one.said:
                self._said[one.subject] = one.said
            return
        passed = {relay.target: _encode(relay.fact) for relay in one.passed}
        for pattern in {*self._passed.pop(one.subject, ()), *passed}:
            if self._members[pattern].pop(one.subject, None) != passed.get(pattern):
                self._to_judge.add(pattern)
            if pattern in passed:
                self._members[pattern][one.subject] = passed[pattern]
        if passed:
            self._passed[one.subject] = tuple(passed)

    # -- judging ----------------------------------------------------------------------------------------

    def _judge(self, does: _Does, until: Instant) -> None:
        changed = sorted(self._to_judge)
        for done, some in _parts(changed):
            self.said = f"{done:,} of {len(changed):,} patterns are judged"
            known = [self._known(pattern) for pattern in some if self._members.get(pattern)]
            judged = {one.subject: one for one in does.judge(known, until)}
            for pattern in some:
                self._put(pattern, judged.get(pattern))
            self._to_judge.difference_update(some)

    def _known(self, pattern: str) -> Known:
        members = self._members[pattern]
        return Known(
            pattern, self._said.get(pattern, []), [_decode(members[subject]) for subject in sorted(members)]
        )

    def _put(self, pattern: str, judged: Pattern | None) -> None:
        before = self._patterns.pop(pattern, None)
        if before is not None and before != judged:
            self._to_compare.add(place_of(before))
            self._places[place_of(before)].discard(pattern)
        if judged is None:
            self._members.pop(pattern, None)
            return
        self._patterns[pattern] = judged
        if before != judged:
            self._to_compare.add(place_of(judged))
            self._places[place_of(judged)].add(pattern)

    def _compare(self) -> None:
        while self._to_compare:
            place = self._to_compare.pop()
            found = near_misses_of_one((self._patterns[one] for one in self._places[place]), SIMILARITY)
            self._near.pop(place, None)
            if found:
                self._near[place] = found
            if not self._places[place]:
                del self._places[place]

    def _found(self, until: Instant) -> Found:
        escalations = len(self._marks) - len(self._said)
        near = most_alike(miss for found in self._near.values() for miss in found)
        in_one = sum(map(len, self._passed.values()))
        return Found(until, list(self._patterns.values()), near, escalations, escalations - in_one)


class _Behind:
    """Work in a process of its own, behind everything else; the rest of it here, where that ends."""

    def __init__(self, begin: Begin, here: Work) -> None:
        self._here = here
        command = [sys.executable, "-m", "engine.console.recurring_process"]
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  # ours
        except OSError:
            self._failed()
        self._write(begin)

    def __enter__(self) -> "_Behind":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, subjects: Sequence[str], until: Instant) -> list[Read]:
        told = self._ask(ToRead(subjects, until), list[Read])
        return self._here.read(subjects, until) if told is None else told

    def judge(self, patterns: Sequence[Known], until: Instant) -> list[Pattern]:
        told = self._ask(ToJudge(patterns, until), list[Pattern])
        return self._here.judge(patterns, until) if told is None else told

    def _ask(self, request: Request, kind: type[list[One]]) -> list[One] | None:
        self._write(request)
        process = self._process
        if process is None:
            return None
        assert process.stdout is not None  # noqa: S101  # a pipe
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            self._failed()
            return None
        return msgspec.json.decode(line, type=kind)

    def _write(self, said: Begin | Request) -> None:
        process = self._process
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101  # a pipe
        try:
            process.stdin.write(msgspec.json.encode(said) + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            self._failed()

    def _failed(self) -> None:
        """The folder's policies have changed since the console read them, or the kernel has ended it."""
        log.warning("patterns_found_here", code=self._end(), hint="the board may turn late meanwhile")

    def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        process.communicate()
        return process.returncode


def _marks(connection: Connection, until: Instant) -> dict[str, int]:
    """A number of each subject that has a fact by then. Another one: something may have happened to it, or it
    was erased. The index on subject and time has all that it is made of."""
    times = func.sum(1 + facts.c.at % _PRIME)  # each fact makes it more, and another time another
    happened = select(facts.c.subject, times).where(facts.c.at <= until).group_by(facts.c.subject)
    found = {subject: int(number) for subject, number in connection.execute(happened)}
    for subject, number in connection.execute(
        select(erased.c.subject, func.count()).group_by(erased.c.subject)
    ):
        if subject in found:
            found[subject] += number << 63
    return found


def _is_due(one: Pattern, until: Instant) -> bool:
    return one.state == OWED and (one.at is None or one.at <= until)


def _parts(whole: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Some at a time, each with how many came before."""
    return ((begin, whole[begin : begin + _AT_ONCE]) for begin in range(0, len(whole), _AT_ONCE))
