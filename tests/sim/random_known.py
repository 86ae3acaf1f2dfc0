"""What is known of escalations, and what hangs on it: conditions in CEL, fingerprints that are made from
fields; and what people say of patterns.

Drawn from a generator of its own, of two seeds in five: the lives and books of the rest are what they would
be without.
"""

from collections.abc import Callable, Mapping
from random import Random

from msgspec.structs import replace

from engine.core.facts import Fact, Value
from engine.core.fingerprints import made_from
from engine.core.instants import MINUTE, Instant
from engine.core.policy import Book

Known = Mapping[str, Value]
CONDITIONS: dict[str, Callable[[Known], bool]] = {
    "service == 'mail'": lambda known: known.get("service") == "mail",
    "!('vip' in tags)": lambda known: "vip" not in _tags(known),
    "'vip' in tags || service == 'web'": lambda k: "vip" in _tags(k) or k.get("service") == "web",
    "service != 'mail' && !('vip' in tags)": lambda k: (
        k.get("service") not in (None, "mail") and "vip" not in _tags(k)
    ),
    "title.startsWith('Disk') || component == 'smtp'": lambda k: (
        str(k.get("title", "")).startswith("Disk") or k.get("component") == "smtp"
    ),
}
"""As a policy says it, and what it comes to by the data of an opening: what is unknown meets no condition."""
TITLES = {
    "Disk 93% full on db-07": "Disk 1% full on db-01",
    "disk 94 % full, on db-12!": "Disk 1% full on db-01",
    "Mail is down": "Mail is down",
}
"""Each with one that tells the same."""
_VALUES: dict[str, list[Value]] = {
    "service": ["mail", "Mail ", "web", None],
    "component": ["smtp", "disk", None],
    "title": [*TITLES, "x"],
    "tags": [["vip"], ["vip", "muted"], [], None],
}
_MADE_FROM = [["service"], ["service", "component"], ["title"], ["service", "title"]]
_OF_PATTERNS = [
    *["waived", "recurrence_flagged", "assigned", "updated", "commitment_made", "action_opened"] * 2,
    *["commitment_kept", "commitment_renegotiated", "commitment_withdrawn", "action_completed"],
    "action_cancelled",
]
_MINUTES = [-7, 3, 23, 63, 93, 333, 603, 703, 1_003]
"""None at which an escalation opens: which of two at one instant comes first, their ids decide."""


def _tags(known: Known) -> list[Value]:
    tags = known.get("tags")
    return tags if isinstance(tags, list) else []


def is_known(rng: Random) -> bool:
    """Whether a seed has any of it; the first that is drawn."""
    return rng.random() < 0.4


def conditioned(rng: Random, text: str) -> str:
    """The policy, perhaps for some escalations only, or with other fields of which patterns are made."""
    name, begins, rest = text.split("\n", 2)
    if rng.random() < (0.7 if "match: " in rest else 0.2):
        rest = f'when: "{rng.choice(list(CONDITIONS))}"\n{rest}'
    fields = rng.choice(_MADE_FROM)
    return "\n".join(
        [name, begins, rest.replace("fingerprint: [service]", f"fingerprint: [{', '.join(fields)}]")]
    )


def told(rng: Random, opened: Fact) -> Fact:
    """The opening, with what is known of it."""
    return replace(opened, data={**opened.data, **_some(rng, 0.6)})


def random_known(rng: Random, start: Instant, book: Book, subjects: list[str]) -> list[tuple[str, Fact]]:
    """Events of the subjects and of some more escalations, and of the patterns that they may be of."""
    facts: list[tuple[str, Fact]] = []
    for subject in subjects:
        for number in range(rng.choice([0, 1, 2])):
            facts.append(
                (subject, _fact(rng, start, "updated", rng.choice(_MINUTES), f"k{number}", _some(rng, 0.4)))
            )
    for number in range(rng.choice([0, 1, 2])):
        opened: dict[str, Value] = {"severity": rng.choice(["P0", "P1", "P2", "P3"])} | _some(rng, 0.8)
        opened |= rng.choice([{}, {"customer": {"id": "c", "tier": "gold"}}])
        minute = rng.choice([0, 10, 600, 601, 1_400])
        facts.append((f"known:{number}", _fact(rng, start, "opened", minute, "o", {"title": "x"} | opened)))
    patterns = ["disk", "net", *_made(book)]
    for pattern in rng.sample(patterns, min(len(patterns), 3)):
        for number in range(rng.choice([0, 0, 1, 3])):
            verb = rng.choice(_OF_PATTERNS)
            minute = rng.choice(_MINUTES)
            facts.append((f"pattern:{pattern}", _of_pattern(rng, start, pattern, verb, minute, f"q{number}")))
    return facts


def _made(book: Book) -> list[str]:
    """Fingerprints that the policies make of some of the values."""
    known = {"service": "mail", "component": "smtp", "title": "Disk 93% full on db-07"}
    rules = [policy.recurrence.fingerprint for policy in book.policies if policy.recurrence is not None]
    return sorted({made_from(fields, tuple(known[name] for name in fields)) for fields in rules})


def _some(rng: Random, chance: float) -> dict[str, Value]:
    return {name: rng.choice(values) for name, values in _VALUES.items() if rng.random() < chance}


def _of_pattern(rng: Random, start: Instant, pattern: str, verb: str, minute: int, identity: str) -> Fact:
    due = int(start + (minute + rng.choice([-5, 15, 60, 400])) * MINUTE)
    data: dict[str, dict[str, Value]] = {
        "waived": {
            "metric": rng.choice(["flag_recurrence", "flag_recurrence", "commitment", "action"]),
            "reason": "x",
        },
        "recurrence_flagged": {"pattern": pattern, "to": ["ops"]},
        "assigned": {rng.choice(["team", "owner"]): rng.choice(["blue", "red", None])},
        "updated": {"title": "it recurs", "severity": rng.choice(["P0", "P3", None])},
        "commitment_made": {"commitment_id": "a", "text": "by then", "due_at": due},
        "commitment_renegotiated": {"commitment_id": "a", "due_at": due},
        "action_opened": {"action_id": "a", "title": "x"} | rng.choice([{}, {"due_at": due}]),
    }
    name = "action_id" if verb.startswith("action") else "commitment_id"
    return _fact(rng, start, verb, minute, identity, data.get(verb, {name: "a"}))


def _fact(rng: Random, start: Instant, verb: str, minute: int, identity: str, data: dict[str, Value]) -> Fact:
    at = Instant(start + minute * MINUTE)
    return Fact("known", identity, verb, at, at, rng.choice(["", "", "1"]), data)
