"""How outcomes and checks look on a page: a sign, a word, a hue that says state and nothing else."""

from typing import NamedTuple

from engine.replay.explaining import CHECK_WORDS, EQUAL, NO_VERSION, SAME, UNCHECKED


class Look(NamedTuple):
    """An outcome's sign and word; `look` is its class: bad, good, hot, off, or nothing."""

    icon: str
    word: str
    look: str = ""


_OUTCOMES = {
    "met": Look("ok", "met", "good"),
    "stopped_late": Look("breach", "late", "bad"),
    "breached": Look("breach", "breached", "bad"),
    "cadence_missed": Look("breach", "missed", "bad"),
    "commitment_missed": Look("breach", "missed", "bad"),
    "cancelled": Look("off", "cancelled", "off"),
    "waived": Look("off", "waived", "off"),
}
_CHECK_LOOKS = {EQUAL: "good", SAME: "good", NO_VERSION: "off", UNCHECKED: "off"}
CHECKS = {check: (words, _CHECK_LOOKS.get(check, "bad")) for check, words in CHECK_WORDS.items()}
"""What holding a verdict against what was said came to, in words, and its class."""


def outcome_look(name: str, metric: str) -> Look:
    """One that this release does not know shows its own name."""
    if name == "met" and metric == "commitment":
        return Look("ok", "kept", "good")
    return _OUTCOMES.get(name) or Look("out", name.replace("_", " "))
