"""What can be held against what: the policies in force, each of several versions, and a candidate."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

from engine.console.answers import PolicyOf
from engine.console.filters import BadFilter
from engine.core.instants import Instant
from engine.core.policy import Book, Policy
from engine.policies import load
from engine.policies.describing import describe
from engine.policies.problems import PolicyErrors
from engine.replay.backtesting import in_force, newest

IN_FORCE, CANDIDATE = "in-force", "candidate"


class Side(NamedTuple):
    """Policies to judge by, as if they had always been in force."""

    key: str
    """in-force, candidate, or NAME@VERSION: that version, all else as in force."""
    label: str
    book: Book

    @property
    def policies(self) -> list[PolicyOf]:
        return [PolicyOf(name=one.name, version=one.version, hash=one.hash) for one in self.book.policies]

    @property
    def mark(self) -> str:
        return mark_of(self.book)


def mark_of(book: Book) -> str:
    """Another one: it judges otherwise, by policies, hours or severity rules."""
    described = orjson.dumps(describe(book), option=orjson.OPT_SORT_KEYS)
    return sha256(described).hexdigest()[:16]


class Candidate(NamedTuple):
    """A folder of policies that somebody thinks of; read again each time, for it changes."""

    folder: Path | None

    def read(self) -> tuple[Book | None, str]:
        """Its book, and what is wrong with the folder; neither where there is no candidate."""
        if self.folder is None:
            return None, ""
        try:
            return load(self.folder), ""
        except PolicyErrors as error:
            return None, str(error)
        except OSError as error:
            return None, f"{self.folder}: {error.strerror}"


def sides(book: Book, candidate: Book | None, at: Instant) -> list[Side]:
    """All that can be chosen at a time."""
    found = [Side(IN_FORCE, "In force today", in_force(book, at))]
    found += (
        Side(key_of(one), f"{one.name} from {one.version}", in_force(book, at, one))
        for one in several_versions(book)
    )
    if candidate is not None:
        found.append(Side(CANDIDATE, "The candidate", newest(candidate)))
    return found


def several_versions(book: Book) -> Iterator[Policy]:
    """Of each policy that has more than one version all of them, from the first to the last."""
    by_name: dict[str, list[Policy]] = {}
    for one in book.policies:
        by_name.setdefault(one.name, []).append(one)
    for versions in by_name.values():
        if len(versions) > 1:
            yield from sorted(versions, key=lambda one: one.effective_from)


def course(book: Book, at: Instant) -> dict[str, tuple[str, str]]:
    """By its key what has become of each version by then (in force, replaced, not yet), and the key of the
    version before it; empty where there is none."""
    last: dict[str, Policy] = {}
    found: dict[str, tuple[str, str]] = {}
    for one in sorted(book.policies, key=lambda one: one.effective_from):
        before = last.get(one.name)
        if before is not None and one.effective_from <= at:
            found[key_of(before)] = ("replaced", found[key_of(before)][1])
        word = "in force" if one.effective_from <= at else "not yet in force"
        found[key_of(one)] = (word, "" if before is None else key_of(before))
        last[one.name] = one
    return found


def key_of(policy: Policy | PolicyOf) -> str:
    return f"{policy.name}@{policy.version}"


def chosen(before: str, after: str, book: Book, candidate: Candidate, at: Instant) -> tuple[Side, Side]:
    """The two of these keys. BadFilter where one is none, or the candidate and cannot be read."""
    read, wrong = candidate.read()
    if wrong and CANDIDATE in (before, after):
        raise BadFilter(f"the candidate cannot be read: {wrong}")
    among = sides(book, read, at)
    return _of("before", before, among), _of("after", after, among)


def _of(field: str, key: str, among: list[Side]) -> Side:
    for one in among:
        if one.key == key:
            return one
    raise BadFilter(f"{field}: expected one of {', '.join(one.key for one in among)}, not {key[:80]!r}")
