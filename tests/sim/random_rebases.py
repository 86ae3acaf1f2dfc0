"""Second versions of policies, and the rebases that move escalations there, back, elsewhere, or nowhere.

Drawn from a generator of its own: the lives and books of a seed are those that they would be without.
"""

from collections.abc import Callable
from random import Random

from engine.core.facts import REBASED, Fact, Value
from engine.core.instants import MINUTE, Instant, format_instant
from engine.core.policy import Book

FIRST = "effective_from: 2020-01-01T00:00:00Z"
UNKNOWN = "2019-01-01T00:00:00Z"
"""A version that no policy has."""
_BEGINS = [-100_000, 5, 300]
"""Minutes. What opens later has the second version from its opening."""


def with_second_versions(
    rng: Random, start: Instant, policies: list[str], another: Callable[[Random, str, str], str]
) -> list[str]:
    """The policies, mostly each with a second version: drawn as `another` draws one of a name and
    its match, or the same with its clocks in another order. What it says of patterns stays."""
    if rng.random() < 0.3:
        return policies
    made: list[str] = []
    for text in policies:
        name = text.splitlines()[0].removeprefix("policy: ")
        match = next((line + "\n" for line in text.splitlines() if line.startswith("match: ")), "")
        recurring = next((line + "\n" for line in text.splitlines() if line.startswith("recurrence: ")), "")
        second = text if rng.random() < 0.1 else another(rng, name, match) + recurring
        begins = format_instant(Instant(start + rng.choice(_BEGINS) * MINUTE))
        made += [text, second.replace(FIRST, f"effective_from: {begins}")]
    return made


def random_rebases(rng: Random, start: Instant, book: Book, subjects: list[str]) -> list[tuple[str, Fact]]:
    """Of some subjects a rebase or two, where there is anything to move to."""
    versions = sorted((policy.name, policy.version) for policy in (*book.policies, *book.withdrawn))
    if len(versions) == len({name for name, _ in versions}):
        return []
    told: list[tuple[str, Fact]] = []
    for subject in subjects:
        for number in range(rng.choice([0, 1, 1, 2])):
            name, version = rng.choice(versions)
            version = UNKNOWN if rng.random() < 0.05 else version
            minute = rng.choice([-10, 0, 5, 15, 30, 60, 120, 240, 300, 480, rng.randrange(0, 2_000)])
            at = Instant(start + minute * MINUTE)
            data: dict[str, Value] = {"policy": name, "version": version, "reason": "a new contract"}
            told.append(
                (subject, Fact("rebases", f"r{number}", REBASED, at, at, rng.choice(["", "", "1"]), data))
            )
    return told


def is_nowhere(fact: Fact, book: Book) -> bool:
    """Whether it names a version that no policy has, or none that is in force."""
    there = {(policy.name, policy.version) for policy in book.policies}
    return fact.kind == REBASED and (fact.text("policy"), fact.text("version")) not in there
