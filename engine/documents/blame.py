"""Words that blame a person, and a neutral wording for each: for reviews that ask how, and not who.

After the PagerDuty postmortem guide (blame awareness: attribution, hindsight), Etsy's Debriefing Facilitation
Guide (descriptions, no counterfactuals) and chapter 15 of Google's SRE book. English alone. It looks for
phrases that speak of people: systems fail, forget and ignore too, and may be said to.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple


class Finding(NamedTuple):
    """One place that blames."""

    start: int
    """Where in the text, in characters."""
    words: str
    kind: str
    instead: str
    """What to write instead."""


class _Rule(NamedTuple):
    kind: str
    instead: str
    patterns: tuple[str, ...]
    """WHO stands for a person: a pronoun, a role, or a name that is known."""


_PRONOUNS = "he|she|we|i|you|someone|somebody|anyone|nobody|everyone|no one"
_ROLES = (
    "engineers?|developers?|programmers?|administrators?|admins?|sysadmins?|dbas?|sres?|responders?|technicians?"
    "|(?:support|service|human) agents?|(?:machine|shift|human) operators?|incident commanders?"
    "|(?:account|incident|duty|shift|project|product|engineering) managers?|reviewers?|author|deployer"
    "|colleagues?|employees?|contractors?|interns?|juniors?|staff|people|persons?|team|teams|support|on-?call"
)
"""Agents, operators and managers alone are software as often."""
_BETWEEN = r"(?:(?:had|has|have|also|simply|just|clearly|obviously|again|repeatedly) )*"
_SEEN = "know|known|notice|noticed|realise|realised|realize|realized|foresee|foreseen|thought|anticipated"
_DONE = (
    "checked|tested|verified|reviewed|asked|told|read|seen|caught|followed|escalated|informed|communicated"
    "|waited|looked|paged|called|spotted|prevented|avoided|reacted|responded|acted|done"
)
_HARM = (
    "outage|incident|failure|breach|problem|mistake|error|downtime|data loss|disruption|delay|mess|damage|bug"
)

_RULES = (
    _Rule(
        "human error as a cause",
        "what made the action look right then: what was shown, what was missing, what the tool allowed",
        (r"(?:human|operator|pilot|manual) errors?(?! (?:message|rate|code|page|report|log)s?)",),
    ),
    _Rule(
        "fault",
        "what contributed: name the condition, the check or the tool, and no one's fault",
        (
            r"(?:his|her|their|my|your|our|whose) (?:own )?fault(?! (?:tolerance|domain|line)s?)",
            r"NAME['\u2019]s (?:own )?(?:fault|mistake|blunder|failure)",
            r"the (?:ROLE)['\u2019]s? (?:own )?(?:fault|mistake|blunder|negligence)",
            r"WHO (?:\w+ )?(?:was|were|is|are) (?:\w+ )?(?:at fault|to blame|guilty|the culprit|the problem)",
            r"(?:blamed?|blames) (?:it )?(?:on )?(?:the )?(?:WHO|him|her|them)",
            r"guilty part(?:y|ies)|bad apples?|finger[- ]pointing at",
        ),
    ),
    _Rule(
        "a judgement of character",
        "what the person saw and knew at the time, and what the work asked of them",
        (
            r"careless(?:ly|ness)?|negligen(?:t|tly|ce)|reckless(?:ly|ness)?|sloppy|sloppiness",
            r"incompeten(?:t|ce)|stupid(?:ly|ity)?|foolish(?:ly)?|idiot(?:ic|s)?|irresponsibl[ey]|clumsy",
            r"unprofessional(?:ly)?|laziness|inattenti(?:on|ve)",
            r"WHO (?:was|were) (?:too |just |being )?(?:lazy|inexperienced|ignorant|distracted|confused)",
            r"lack of (?:care|attention|diligence|discipline|common sense|competence)",
            r"(?:rookie|silly|dumb|avoidable|stupid|obvious|embarrassing) (?:mistake|error|blunder)s?",
        ),
    ),
    _Rule(
        "hindsight",
        "what was known at that moment, and what would have shown it: no should have",
        (
            rf"should(?: not|n['\u2019]t)?(?: have|['\u2019]ve| of) (?:{_SEEN}|been more careful"
            r"|paid (?:more )?attention|known better|double[- ]checked)",
            rf"(?:WHO|they) should(?: not|n['\u2019]t)?(?: have|['\u2019]ve| of) (?:\w+ )?(?:{_DONE}|\w+ed)",
            rf"(?:WHO|they) (?:could|ought to) (?:easily )?have (?:easily )?(?:{_SEEN}|{_DONE})",
            r"could (?:easily )?have (?:easily )?been (?:avoided|prevented)",
            r"(?:if|had) only (?:WHO|they)|(?:if|had) (?:WHO|they) (?:only |just )?(?:checked|tested|read)",
            r"(?:WHO|they) (?:knew|must have known) better",
        ),
    ),
    _Rule(
        "a verb of guilt",
        "what did not happen, without the who: \u201c\u2026 was not checked; nothing asked for it\u201d",
        (
            rf"WHO {_BETWEEN}(?:failed|neglected|forgot|forgotten|omitted|refused) to",
            rf"WHO {_BETWEEN}(?:forgot|ignored|overlooked|disregarded|botched|bungled)",
            rf"WHO {_BETWEEN}(?:did not|didn['\u2019]t) (?:even )?(?:bother|care|think|pay attention)",
            rf"(?:WHO|they) {_BETWEEN}(?:messed|screwed|fucked) (?:\w+ )?up",
            rf"WHO {_BETWEEN}ma[dk]e an? (?:\w+ )?(?:mistake|error)",
            rf"WHO {_BETWEEN}(?:broke|caused|is responsible for|was responsible for|were responsible for)"
            rf" (?:the |this |our |a |an )?(?:\w+ )?(?:production|prod|the build|{_HARM})",
            rf"who (?:broke|caused) (?:it|this|that|the (?:\w+ )?(?:{_HARM}))",
            r"neglected to|(?:couldn['\u2019]t|could not) be bothered|did(?:n['\u2019]t| not) bother to",
            rf"(?:{_HARM}) (?:was )?caused by (?:the |an? )?(?:\w+ )?WHO(?= |[.,;:!?)]|$)"
            r"(?! (?:account|tool|portal|session|script|console|service|interface)s?)",
        ),
    ),
    _Rule(
        "an action that changes people, and not the work",
        "an action that makes the right way the easy one: a check, a guard, an alert, a limit",
        (
            r"(?:be|being) more (?:careful|attentive|diligent|vigilant)|(?:pay|paying) more attention",
            r"(?:try|work) harder|(?:do|does) better next time",
            r"(?:re-?train|punish|scold)(?:ed|ing)? (?:the |our |all |every )?(?:WHO|him|her|them)",
            r"disciplinary (?:action|measure)s?|reprimand(?:ed|s|ing)?",
            r"remind(?:ed|ing)? (?:the |our |all |every )?(?:WHO|them) (?:\w+ )?(?:to|of|that|about)",
        ),
    ),
)


@lru_cache(maxsize=64)
def _compiled(names: tuple[str, ...]) -> tuple[tuple[_Rule, re.Pattern[str]], ...]:
    name = f"(?:{'|'.join(re.escape(name) for name in names)})" if names else "(?!)"  # (?!) is nothing's
    who = f"(?:{_PRONOUNS}|{_ROLES}|{name})"
    found = []
    for rule in _RULES:
        whole = "|".join(rule.patterns).replace("WHO", who).replace("ROLE", _ROLES).replace("NAME", name)
        found.append((rule, re.compile(rf"(?<![\w-])(?:{whole})(?![\w-])", re.IGNORECASE)))
    return tuple(found)


def find(text: str, people: Iterable[str] = ()) -> list[Finding]:
    """The places that blame, in order; of two that overlap the longer. `people`: names of those involved."""
    names = tuple(sorted({name for name in people if len(name) > 1}))
    found = sorted(_all(text.replace("\n", " "), names), key=lambda one: (one.start, -len(one.words)))
    kept: list[Finding] = []
    for one in found:
        if not kept or one.start >= kept[-1].start + len(kept[-1].words):
            kept.append(one)
    return kept


def _all(text: str, names: tuple[str, ...]) -> Iterator[Finding]:
    for rule, pattern in _compiled(names):
        for match in pattern.finditer(text):
            yield Finding(match.start(), match[0], rule.kind, rule.instead)
