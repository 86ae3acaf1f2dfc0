"""From what was said of a clock's cycle to the alerts that it means now. Pure.

A cycle has one alert, at risk or breached, and one a level of escalation that was reached; all of them
resolve when the clock is settled. What says something once is an alert of its own that never resolves.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.notify.alert import CRITICAL, FIRING, NOTE, RESOLVED, WARNING, Alert

LONGEST_KEY = 255
"""PagerDuty's limit of a dedup key."""
_FIRES = {
    "breach_risk": WARNING,
    "breached": CRITICAL,
    "cadence_missed": CRITICAL,
    "commitment_missed": CRITICAL,
    "overdue": CRITICAL,
}
SETTLES = frozenset(("met", "stopped_late", "cancelled", "waived"))
_SILENT = frozenset(("clock_started", "paused", "resumed"))
"""Movements: nobody is woken by them."""

LABELS = (
    "subject", "outcome", "metric", "key", "severity", "customer", "tier", "service", "team", "owner",
    "policy", "level", "threshold", "notify", "fingerprint",
)  # fmt: skip
"""What an alert may be matched and grouped by."""

Cycle: TypeAlias = tuple[str, str, str, int]
"""Subject, metric, key, cycle."""
Order: TypeAlias = tuple[Instant, int]
"""When it took effect, and its count among all that was said."""


class Standing(NamedTuple):
    """What stands of the outcomes of a cycle, by id."""

    said: dict[str, Outcome]

    def with_(self, outcome: Outcome) -> "Standing":
        """After one more, in the order of the topic. A correction of what is not there adds what it says.
        What stands and is said again, as by a worker that has begun anew, changes nothing."""
        if outcome.id in self.said:
            return self
        said = dict(self.said)
        _take_up(said, outcome)
        return Standing(said)


class Retold(NamedTuple):
    """What a whole topic says of a cycle, to be laid upon what stands already."""

    said: Standing
    corrected: set[str]

    def add(self, outcome: Outcome) -> None:
        """One more, in the order of the topic. In place: there may be thousands."""
        if outcome.corrects:
            self.corrected.add(outcome.corrects)
        if outcome.id not in self.said.said:
            _take_up(self.said.said, outcome)

    def upon(self, before: Standing) -> Standing:
        """What stands in the end: as if all had been taken up after `before`, without the steps between."""
        kept = {id_: one for id_, one in before.said.items() if id_ not in self.corrected}
        return Standing(self.said.said | kept)


def _take_up(said: dict[str, Outcome], outcome: Outcome) -> None:
    if outcome.corrects:
        said.pop(outcome.corrects, None)
    if outcome.name != "retracted":
        said[outcome.id] = outcome


def cycle_of(outcome: Outcome) -> Cycle:
    return outcome.subject, outcome.metric, outcome.key, outcome.cycle


def concerns(outcome: Outcome) -> bool:
    """Whether anybody is to hear of it. Of a classification, where somebody gave another severity than the
    rules: else what it gives is on every alert."""
    if outcome.classification is not None and not outcome.classification.disagrees:
        return False
    return name_of(outcome) not in _SILENT


def name_of(outcome: Outcome) -> str:
    """What it says: of a correction what is corrected."""
    return outcome.outcome or outcome.name


def order_of(outcome: Outcome) -> Order:
    return outcome.effective_at, outcome.seq


def part_of(outcome: Outcome) -> str:
    """What of its cycle a later outcome says anew: that it is settled, or the alert that it fires. Empty
    where none does: a note is an alert of its own."""
    name = name_of(outcome)
    if name in SETTLES:
        return "settled"
    return _key(outcome, name) if name in _FIRES or name == "escalated" else ""


def is_warning(outcome: Outcome) -> bool:
    return _FIRES.get(name_of(outcome)) == WARNING


def key_of(outcome: Outcome) -> str:
    """Of the alert that it makes, if it makes one."""
    return _key(outcome, name_of(outcome))


def alerts_of(before: Standing, now: Standing, known: dict[str, int]) -> list[Alert]:
    """The alerts that the change touches, as they are now; `known`: how often each of them has changed."""
    was, is_ = _views(before), _views(now)
    changed: list[Alert] = []
    for key in {**was, **is_}:
        old, new = was.get(key), is_.get(key)
        if new is None and old is not None and old.state == FIRING:
            new = old._replace(state=RESOLVED)  # it was taken back
        if new is not None and new != old:
            changed.append(_alert(key, new, known.get(key, 0) + 1))
    return changed


def by_now(refused: Alert, held: Alert | None) -> Alert:
    """How an alert that was refused is now. `held`: in the record, which has forgotten what has been over, or
    said once, for long; and counts the changes of what it has forgotten from the start."""
    if refused.state == RESOLVED or (held is None and refused.level == NOTE):
        return held or refused
    now = held or replace(refused, state=RESOLVED)
    return now if now.state == FIRING else replace(now, changed=max(now.changed, refused.changed + 1))


class _View(NamedTuple):
    state: str
    level: str
    outcome: Outcome


def _views(standing: Standing) -> dict[str, _View]:
    said = sorted(standing.said.values(), key=order_of)
    settled = max((o.effective_at for o in said if name_of(o) in SETTLES), default=None)
    last = next((o for o in reversed(said) if name_of(o) in SETTLES), None)
    found: dict[str, _View] = {}
    for outcome in said:
        name = name_of(outcome)
        if name in SETTLES or not concerns(outcome):
            continue
        level = _FIRES.get(name, CRITICAL if name == "escalated" else NOTE)
        key = _key(outcome, name)
        if level != NOTE and last is not None and settled is not None and outcome.effective_at <= settled:
            found[key] = _View(RESOLVED, _graver(found.get(key), level), last)
        else:
            found[key] = _View(FIRING, level if level == NOTE else _graver(found.get(key), level), outcome)
    return found


def _graver(before: _View | None, level: str) -> str:
    """A warning that comes after the breach (of another target) makes it no less."""
    return CRITICAL if before is not None and before.level == CRITICAL and before.state == FIRING else level


def _key(outcome: Outcome, name: str) -> str:
    if name in _FIRES:
        parts: Iterable[object] = cycle_of(outcome)
    elif name == "escalated":
        parts = (*cycle_of(outcome), outcome.threshold)
    else:
        parts = (outcome.subject, name, outcome.id)
    return fitting("/".join(str(part) for part in parts if part != ""))


def fitting(text: str) -> str:
    """The text itself, or as much of it as a key may be long, and a hash of it."""
    if len(text) <= LONGEST_KEY:
        return text
    digest = blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[: LONGEST_KEY - 33]}/{digest}"


def _alert(key: str, view: _View, changed: int) -> Alert:
    o = view.outcome
    labels = {
        "subject": o.subject, "outcome": name_of(o), "metric": o.metric, "key": o.key, "severity": o.severity,
        "customer": o.customer_id, "tier": o.customer_tier, "service": o.service, "team": o.team,
        "owner": o.owner, "policy": o.policy.name, "level": view.level, "threshold": o.threshold,
        "notify": ",".join(o.notify), "fingerprint": o.fingerprint,
    }  # fmt: skip
    return Alert(key, view.state, view.level, o, {n: v for n, v in labels.items() if v}, changed=changed)
