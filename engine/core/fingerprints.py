"""Fingerprints: what makes two escalations occurrences of one pattern."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

import msgspec

from engine.core import attributes as attrs
from engine.core.facts import Value
from engine.core.policy import RecurrenceRule

_TITLE = 300
"""Characters of a title that are looked at."""
_SLUG = 40
_GIVEN = 480
"""Bytes of a fingerprint that is given: the pattern's subject has to fit into an event."""
_VARYING = re.compile(
    r"""
      (?:https?://|www\.) \S+                                               # addresses
    | (?<![\w.+-]) [\w.+-]{1,64} @ [\w-]{1,63} (?:\.[\w-]{1,63}){1,8}       # of mail
    | "[^"]*" | “[^”]*” | „[^“”]*[“”] | «[^»]*» | `[^`]*`                   # quoted names
    | (?<!\w) ['\u2018] [^'\u2019]* ['\u2019] (?!\w)
    | (?<!\w) (?: 0x[0-9a-f]+ | [0-9a-f]{8,} (?:-[0-9a-f]{4,12})* ) (?!\w)  # hexadecimal, UUIDs
    | (?<!\w) (?=\w*\d\w*\d\w*\d) \w{1,64} (?!\w)                           # ids: three digits or more
    | (?<!\w) [a-z]{1,12} [-_#:/] \d+ (?!\w)                                # ids: inc-47, node_3
    | (?<!\w) v?\d [\d.,:/-]* (?:[a-z%°]{1,3} (?!\w))?                      # numbers, times, amounts
    """,
    re.VERBOSE,
)
_MAY_VARY = re.compile(r"[\d\"'“„«`\u2018@]|://|www\.|[a-f]{8}")
"""Without any of these nothing varies: most titles are told so in a tenth of the time."""
_WORD = re.compile(r"#|\w+")


@lru_cache(maxsize=4_096)
def normalised(title: str) -> str:
    """The words of a title that tell what happened; one `#` for whatever differs from case to case.

    Numbers, times, ids, hexadecimal, addresses and quoted names go; case, punctuation and white space do not
    count. Empty where no word is left.
    """
    plain = unicodedata.normalize("NFKC", title[:_TITLE]).casefold()
    if _MAY_VARY.search(plain):
        plain = _VARYING.sub(" # ", plain)
    words: list[str] = []
    for word in _WORD.findall(plain):
        if word != "#" or words[-1:] != ["#"]:
            words.append(word)
    return " ".join(words) if any(word != "#" for word in words) else ""


def fingerprint(rule: RecurrenceRule, attributes: Mapping[str, Value]) -> str:
    """The one that is given, else made from the fields of the policy; empty where one of them is unknown.

    What is unknown equals nothing, as in conditions: two tickets are not alike because nobody has said yet
    which component failed.
    """
    given = attrs.text(attributes, "fingerprint").strip()
    if given:
        return given if len(given.encode()) <= _GIVEN else f"{given[:_SLUG]}-{_digest(given)}"
    return made_from(rule.fingerprint, tuple(attrs.text(attributes, name) for name in rule.fingerprint))


@lru_cache(maxsize=8_192)
def made_from(fields: tuple[str, ...], values: tuple[str, ...]) -> str:
    """`mail-smtp-mail-is-down-1f0c2a9b3d4e`: a few words for people, then a hash over all."""
    plain = tuple(
        normalised(value) if field == "title" else " ".join(value.casefold().split())
        for field, value in zip(fields, values, strict=True)
    )
    if not all(plain):
        return ""
    digest = _digest(fields, plain)
    slug = "-".join(re.findall(r"\w+", " ".join(plain)))[:_SLUG].strip("-_")
    return f"{slug}-{digest}" if slug else digest


def _digest(*content: object) -> str:
    return blake2b(msgspec.msgpack.encode(content), digest_size=6).hexdigest()
