"""The stored form of an escalation: a head that tells what is pending without decoding, then its state."""

import struct

import msgspec
from msgspec import Struct

from engine.core.cadences import RUNNING as CADENCE_RUNNING
from engine.core.clocks import RUNNING
from engine.core.deadlines import OPEN as DEADLINE_OPEN
from engine.core.escalation import OPEN, WAITING, Escalation
from engine.core.instants import NEVER, Instant
from engine.core.policy import SEVERITIES
from engine.core.shelf import Shelf
from engine.core.unpacking import DamagedState, unpack

FORMAT = 1
"""Of the record. A worker reads every format up to its own and refuses later ones by name: a release that
stores a field more has a higher one, else the one before would read its records and store them without."""

AT_ONCE, BEFORE_ALL = Instant(0), Instant(-1)

_HEAD = struct.Struct(">BqqBBqQ")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Escalation, Shelf])
_decoder_of_first = msgspec.msgpack.Decoder(tuple[Escalation, msgspec.Raw])
_NO_SEVERITY = 255


class UnknownStateFormat(Exception):
    """A stored escalation has a format that this release does not know: written by a later one."""

    def __init__(self, found: int) -> None:
        super().__init__(
            f"stored state has format {found}; this release reads up to {FORMAT}: "
            "run the release that wrote it"
        )


class Head(Struct, frozen=True, gc=False):
    """What is known of a stored escalation without decoding it."""

    alarm: Instant
    """The next instant at which something must be judged; NEVER when nothing is pending."""
    deadline: Instant
    """The soonest due time of its running clocks; NEVER when there is none."""
    is_open: bool
    severity: str
    """Empty while it waits for its opening."""
    opened: Instant
    almanac: int
    """Of the calendars by which it was judged (`Rules.almanac`)."""


def encode(escalation: Escalation, shelf: Shelf, alarm: Instant, almanac: int) -> bytes:
    """The main record of an escalation, judged by the calendars of `almanac`."""
    severity = escalation.severity
    grade = SEVERITIES.index(severity) if severity in SEVERITIES else _NO_SEVERITY
    head = _HEAD.pack(
        FORMAT, alarm, deadline(escalation), escalation.status, grade, escalation.opened, almanac
    )
    return head + _encoder.encode((escalation, shelf))


def decode(record: bytes) -> tuple[Escalation, Shelf]:
    """UnknownStateFormat for a record of a later release, DamagedState for what is no state."""
    head(record)
    return unpack(_decoder, record, _HEAD.size)


def decode_escalation(record: bytes) -> Escalation:
    """The same without what lies on its shelf, which is most of the record."""
    head(record)
    return unpack(_decoder_of_first, record, _HEAD.size)[0]


def alarm_of(record: bytes) -> Instant:
    """The alarm in the head of a record that was decoded."""
    return Instant(int.from_bytes(record[1:9], "big", signed=True))


def almanac_of(record: bytes) -> int:
    """The almanac in the head of a record that was decoded."""
    return int.from_bytes(record[_HEAD.size - 8 : _HEAD.size], "big")


def head(record: bytes) -> Head:
    """Of an escalation's main record, whatever its length, in under a microsecond."""
    try:
        version, alarm, due, status, grade, opened, almanac = _HEAD.unpack_from(record)
    except struct.error as error:
        raise DamagedState(record, str(error)) from None
    if not 1 <= version <= FORMAT:
        raise UnknownStateFormat(version)
    severity = SEVERITIES[grade] if grade < len(SEVERITIES) else ""
    return Head(alarm, due, status == OPEN, severity, opened, almanac)


def next_look(record: bytes, almanac: int) -> Instant:
    """When a stored escalation must be looked at next: at its alarm, and at once where its clocks run by
    other calendars than those of now."""
    found = head(record)
    if found.almanac != almanac and (found.is_open or found.deadline < NEVER):
        return AT_ONCE
    return found.alarm


class Base(Struct, array_like=True):
    """What folded facts came to."""

    escalation: Escalation
    twins: dict[str, Escalation] = {}
    """What they would have come to by the versions that later facts move it to, by their hash."""


_decoder_of_base = msgspec.msgpack.Decoder(Base)


def encode_base(base: Base) -> bytes:
    return _encoder.encode(base)


def decode_base(record: bytes) -> Base:
    """DamagedState for what is none."""
    return unpack(_decoder_of_base, record)


def deadline(escalation: Escalation, after: Instant = BEFORE_ALL) -> Instant:
    """The soonest due time later than `after` of what runs and is not breached; NEVER where there is none."""
    soonest = NEVER
    for clock in escalation.clocks:
        if clock.phase == RUNNING and not clock.breached and after < clock.due < soonest:
            soonest = clock.due
    for cadence in escalation.cadences:
        if cadence.phase == CADENCE_RUNNING and after < cadence.due < soonest:
            soonest = cadence.due
    for deadlines in (escalation.commitments, escalation.actions):
        for one in deadlines:
            if one.phase == DEADLINE_OPEN and not one.missed and after < one.due < soonest:
                soonest = one.due
    return soonest


def pinned_policies(record: bytes) -> list[tuple[str, str, str]]:
    """(name, version, hash) of each policy that a stored escalation pins, in the order in which they applied:
    a late fact is judged by what was in force at its time."""
    escalation = decode_escalation(record)
    if escalation.status == WAITING:
        return []
    in_force = escalation.policy, escalation.policy_version, escalation.policy_hash
    pins = [pin[1:] for pin in escalation.pins] or [in_force]
    return [pin for pin in pins if pin[0]]
