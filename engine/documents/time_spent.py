"""Where the time went: from the opening to the resolution, and of the budget of what was late."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from engine.core.escalation import OPEN
from engine.core.facts import Fact
from engine.core.instants import Instant, Span, seconds
from engine.core.policy import AUDIENCES
from engine.core.segments import where_it_went
from engine.core.verbs import course, ends_work
from engine.documents.lateness import Ended
from engine.documents.told import hands
from engine.documents.words import length, percent, was_owed

WHOLE = "From the opening to the resolution"
UNSEEN, IN_WORK, COUNTED = "not acknowledged", "in work", "counted"

_UPDATES = frozenset(f"{audience}_update" for audience in AUDIENCES)
_PAUSED = "paused: {}"


class Spent(Struct, frozen=True):
    """A part of the whole way, or of one obligation's budget."""

    owed: str
    """WHOLE, or what was owed."""
    where: str
    """In whose hands; empty: nobody's."""
    state: str
    """Of the whole: not acknowledged, in work, paused and why. Of an obligation: counted, paused and why."""
    seconds: float
    time: str
    share: str | None
    """Of the whole; of the obligation's target."""


def is_cadence(one: Ended) -> bool:
    """Whether it is an interval of a cadence."""
    return one.which[0] in _UPDATES


def time_spent(
    facts: Sequence[Fact], obligations: Iterable[Ended], texts: Mapping[str, str]
) -> Iterator[Spent]:
    """The whole way by hands and status; then the resolution's budget and that of all else that was late."""
    yield from _whole(facts)
    for one in obligations:
        if one.which[0] == "resolve" or (one.is_late and not is_cadence(one)):
            yield from _of_budget(one, texts)


def _whole(facts: Sequence[Fact]) -> Iterator[Spent]:
    """Calendar time while it was open, to its last resolution; of one that is not resolved, nothing."""
    spent: dict[tuple[str, str], Span] = {}
    total = Span(0)
    for start, end, where, state in _stretches(facts):
        spent[where, state] = Span(spent.get((where, state), 0) + end - start)
        total = Span(total + end - start)
    for (where, state), time in sorted(spent.items(), key=lambda one: -one[1]):
        yield Spent(WHOLE, where, state, seconds(time), length(time), percent(time / total))


def _stretches(facts: Sequence[Fact]) -> Iterator[tuple[Instant, Instant, str, str]]:
    moves = list(course(facts))
    ends = [place for place, (fact, before) in enumerate(moves) if ends_work(fact, before)]
    if not ends:
        return
    since, is_seen = facts[0].at, False
    team = owner = ""
    reasons: list[str] = []
    for fact, before in moves[: ends[-1] + 1]:
        if before == OPEN and fact.at > since:
            state = _PAUSED.format(", ".join(reasons)) if reasons else IN_WORK if is_seen else UNSEEN
            yield since, fact.at, hands(team, owner), state
        since = max(since, fact.at)
        if fact.kind in ("opened", "updated", "assigned"):
            team = fact.text("team") if "team" in fact.data else team
            owner = fact.text("owner") if "owner" in fact.data else owner
        is_seen = is_seen or fact.kind == "acknowledged"
        reasons = _reasons(reasons, fact)


def _reasons(in_force: list[str], fact: Fact) -> list[str]:
    """The pause reasons in force behind the fact."""
    reason = fact.text("reason").replace("_", " ")
    if fact.kind == "paused" and reason not in in_force:
        return [*in_force, reason]
    if fact.kind == "resumed":
        return [one for one in in_force if reason and one != reason]
    return in_force


def _of_budget(one: Ended, texts: Mapping[str, str]) -> Iterator[Spent]:
    last, target = one.last, (one.missed or one.verdicts)[0].target
    spent = where_it_went(last.segments)
    rows = [(hands(*whose), COUNTED, time) for whose, time in spent.counted.items()]
    rows += [("", _PAUSED.format(reason.replace("_", " ")), time) for reason, time in spent.paused.items()]
    name = was_owed(last.metric, last.key, texts.get(last.key, ""))
    for where, state, time in sorted(rows, key=lambda row: -row[2]):
        share = percent(time / target) if target and state == COUNTED else None
        yield Spent(name, where, state, seconds(time), length(time), share)
