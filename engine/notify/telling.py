"""What a receiver is to be told of a group, and when. Pure: the record stores it, the sender does it.

An alert that fires is told when its group has waited; one that is over is told to whoever was told that it
fires. What fired for as long as its group waits is told even where nobody could hear it at the time; what was
over sooner is told to nobody.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from engine.core.instants import NEVER, Instant
from engine.notify.alert import FIRING, NOTE, RESOLVED, Alert
from engine.notify.routing import Route

NO, MAYBE, YES = 0, 1, 2
SilencedUntil: TypeAlias = Callable[[Mapping[str, str], Instant], Instant | None]
"""Of labels, at an instant: until when a silence holds them back; None: none does."""


class Member(Struct):
    """An alert and what one receiver knows of it."""

    alert: Alert
    told: int = 0
    """Which of its changes was told last."""
    shown: int = NO
    """Whether the receiver shows it as firing: NO; MAYBE, an attempt may have arrived; YES."""
    fired: Alert | None = None
    """As it fired: to be told, though it is over."""
    again_until: Instant | None = None
    """That it is over was told, and is told again until then."""

    @property
    def over(self) -> bool:
        """There is nothing more to tell."""
        return not self.waits and self.alert.state == RESOLVED and self.again_until is None

    @property
    def quiet(self) -> bool:
        """It fires, and is never to be told unless it changes: said once and told, or noted and not shown."""
        is_reminded_of = self.alert.level != NOTE and self.shown != NO
        return self.alert.state == FIRING and not self.waits and not is_reminded_of

    @property
    def waits(self) -> bool:
        """Something is to be told that was not."""
        if self.alert.state == RESOLVED and self.fired is None and self.shown == NO:
            return False
        return self.fired is not None or self.alert.changed > self.told


class Group(Struct):
    """What one receiver is told at once."""

    due: Instant | None = None
    held: bool = False
    told_at: Instant | None = None
    attempt: int = 0
    since: Instant | None = None
    why: str = ""


class Step(NamedTuple):
    """What to do about a group now."""

    tell: list[Alert]
    due: Instant | None
    """If there is nothing to tell: when to look again."""
    held: bool
    dropped: list[str]
    """Keys of alerts that are told to nobody: over before they could be."""


def change(
    member: Member, alert: Alert, at: Instant, route: Route, silenced_until: SilencedUntil = lambda *_: None
) -> Member:
    """The member after its alert has changed by something found at `at`."""
    before = member.alert
    fired = None
    if alert.state == RESOLVED and member.shown != YES:
        untold = before.state == FIRING and before.changed > member.told
        if untold and (member.shown == MAYBE or _could_be_told(before, at, route, silenced_until)):
            fired = before
        elif member.fired is not None:
            fired = member.fired
    again_until = member.again_until if alert.state == RESOLVED else None
    return Member(alert, member.told, member.shown, fired, again_until)


def _could_be_told(alert: Alert, at: Instant, route: Route, silenced_until: SilencedUntil) -> bool:
    """Whether it fired, until `at`, at a moment when its group had waited and nothing held it back. That
    does not depend on when we read of it, nor on when we look."""
    moment = Instant(alert.outcome.detected_at + route.group_wait)
    while moment <= at:
        until = _held_until(alert, route, silenced_until, moment)
        if until is None:
            return True
        moment = until
    return False


def _held_until(alert: Alert, route: Route, silenced_until: SilencedUntil, moment: Instant) -> Instant | None:
    """By mutes of the route or by a silence; None: it is not."""
    ends = [mute.until(moment) for mute in route.mutes if mute.holds(moment)]
    silenced = silenced_until(alert.labels, moment)
    return max((*ends, *(() if silenced is None else (silenced,))), default=None)


def due_after_change(group: Group, route: Route, now: Instant) -> Instant:
    """When the group is looked at, after one of its alerts has changed."""
    if group.attempt and group.due is not None:
        return group.due  # it waits for its receiver
    if group.told_at is not None:
        at = Instant(max(now, group.told_at + route.group_interval))
    else:
        at = Instant(now + route.group_wait)
    return at if group.due is None else Instant(min(at, group.due))


def step(
    group: Group,
    members: Iterable[Member],
    route: Route,
    silenced_until: SilencedUntil,
    now: Instant,
) -> Step:
    """What is to be told now. Mutes and silences hold back what fires; what was shown and is over passes."""
    repeats = group.told_at is not None and group.told_at + route.repeat_interval <= now
    firing: list[Alert] = []
    over: list[Alert] = []
    dropped: list[str] = []
    hushed: list[Instant] = []
    left: list[Member] = []
    for member in members:
        alert = member.alert
        if member.over or (member.again_until is not None and member.again_until <= now):
            dropped.append(alert.key)
            continue
        if member.again_until is not None and not member.waits:
            if repeats:
                over.append(alert)
            else:
                left.append(member)
            continue
        until = _held_until(alert, route, silenced_until, now)
        if alert.state == RESOLVED and (member.fired is None or (until and member.shown == MAYBE)):
            over.append(alert)
        elif alert.state == RESOLVED and until:
            dropped.append(alert.key)
        elif not (member.waits or (repeats and member.shown and alert.level != NOTE)):
            left.append(member)
        elif until:
            hushed.append(until)
        else:
            firing.append(member.fired or alert)
    if firing or over:
        return Step([*firing, *over], None, False, dropped)
    times = [*hushed, *filter(None, [rest(group, left, route, now)])]
    return Step([], min(times, default=None), bool(hushed), dropped)


def rest(group: Group, members: Iterable[Member], route: Route, now: Instant) -> Instant | None:
    """When the group is due again once nothing is to be told at this moment."""
    at = NEVER
    told_at = now if group.told_at is None else group.told_at
    for member in members:
        if member.again_until is not None:
            at = min(at, Instant(told_at + route.repeat_interval), member.again_until)
        elif member.waits:
            at = min(at, Instant(told_at + route.group_interval))
        elif member.alert.state == FIRING and member.shown and member.alert.level != NOTE:
            at = min(at, Instant(told_at + route.repeat_interval))
    return None if at == NEVER else Instant(at)


def after_telling(member: Member, sent: Alert, again_until: Instant | None = None) -> Member:
    """The member once the receiver has what was sent. `again_until`: if that was that it is over, until when
    that is said again; what is being said again ends when it was to."""
    fired = None if member.fired is None or member.fired.changed <= sent.changed else member.fired
    shown = YES if sent.state == FIRING else NO
    if again_until is not None:
        is_over = sent.state == RESOLVED == member.alert.state
        again_until = (member.again_until or again_until) if is_over else None
    return Member(member.alert, max(member.told, sent.changed), shown, fired, again_until)
