"""What recurs: escalations that name a pattern, leave it or turn out to be none of it, and its flags.

Drawn from a generator of its own: the lives and books of a seed are those that they would be without.
"""

from random import Random

from engine.core.facts import Fact, Value
from engine.core.instants import MINUTE, Instant

FINGERPRINTS = ["disk", "disk", "net"]


def recurrence(rng: Random) -> str:
    """The section of a policy."""
    window, within = rng.choice(["1h", "10h", "30d"]), rng.choice(["30m", "5h", "20h", "2h @office"])
    return f"recurrence: {{fingerprint: [service], window: {window}, flag_within: {within}, notify: [ops]}}\n"


def random_patterns(rng: Random, start: Instant, subjects: list[str]) -> list[tuple[str, Fact]]:
    """Events of the subjects, of some more escalations, and of patterns."""
    told: list[tuple[str, Fact]] = []
    for subject in subjects:
        told += [(subject, _naming(rng, start, number)) for number in range(rng.choice([0, 1, 1, 2]))]
    for number in range(rng.choice([0, 1, 2, 3])):
        told += [(f"case:{number}", fact) for fact in _life(rng, start)]
    for fingerprint in dict.fromkeys(FINGERPRINTS):
        for number in range(rng.choice([0, 1, 1, 2])):
            said: dict[str, Value] = {"pattern": fingerprint, "to": ["ops"]}
            flag = _fact(
                rng, start, "recurrence_flagged", rng.choice([-5, 30, 60, 300, 900]), f"f{number}", said
            )
            told.append((f"pattern:{fingerprint}", flag))
    return told


def _life(rng: Random, start: Instant) -> list[Fact]:
    named: dict[str, Value] = {"title": "x", "severity": rng.choice(["P0", "P1", "P2", "P3"])}
    if rng.random() < 0.8:
        named["fingerprint"] = rng.choice(FINGERPRINTS)
    facts = [_fact(rng, start, "opened", rng.choice([0, 10, 60, 600, 601]), "o", named)]
    facts += [_naming(rng, start, number) for number in range(rng.choice([0, 0, 1, 2]))]
    if rng.random() < 0.2:
        facts.append(_fact(rng, start, "cancelled", rng.choice([5, 700, 900]), "c", {"reason": "spam"}))
    return facts


def _naming(rng: Random, start: Instant, number: int) -> Fact:
    """It is found to be of another pattern, or of none."""
    said: dict[str, Value] = {"fingerprint": rng.choice([*FINGERPRINTS, None])}
    return _fact(rng, start, "updated", rng.choice([-5, 5, 20, 90, 650]), f"p{number}", said)


def _fact(rng: Random, start: Instant, verb: str, minute: int, identity: str, data: dict[str, Value]) -> Fact:
    at = Instant(start + minute * MINUTE)
    return Fact("patterns", identity, verb, at, at, rng.choice(["", "", "1"]), data)
