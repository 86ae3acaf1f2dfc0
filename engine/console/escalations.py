"""One escalation for its page: from the archive, judged again by the policies in force."""

from collections.abc import Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import Engine

from engine.archive.account import Account
from engine.archive.accounts import account_with
from engine.console import moving
from engine.console.acting import Typed
from engine.console.looks import CHECKS
from engine.console.picture import picture
from engine.console.rows import Row
from engine.console.sources import Late
from engine.contract.codec import Received, Record, decode
from engine.core.deadlines import ACTION, COMMITMENT
from engine.core.decide import Options
from engine.core.instants import MILLISECOND, Instant, parse_instant, to_datetime
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.recurrence import is_pattern
from engine.documents import way
from engine.documents.brief import executive_brief
from engine.documents.communication import Record as Told
from engine.documents.communication import communication
from engine.documents.lateness import ended
from engine.documents.obligations import texts_of
from engine.documents.rendering import Press
from engine.documents.situation import Data, Situation
from engine.documents.status_update import NoUpdate, status_update
from engine.documents.timeline import Row as TimelineRow
from engine.documents.timeline import timeline
from engine.documents.triage import triage_sheet
from engine.documents.war_room import war_room_guide
from engine.documents.words import was_owed
from engine.documents.writing import Document, Format, write
from engine.replay.explaining import NO_VERSION, NOT_SAID, Checked, IncompleteOutcomes, explain, latest
from engine.replay.relaying import Relaying

DOCUMENTS = {
    "triage": "Triage sheet",
    "war-room": "War-room guide",
    "customer-update": "Update to the customer",
    "internal-update": "Update to people inside",
    "executive-update": "Update to executives",
    "brief": "Executive brief",
}
FORMATS: dict[str, Format] = {"html": "html", "md": "md", "json": "json"}
_HEADLINES = 4


class NoSuchEscalation(LookupError):
    """The archive knows nothing of it."""


class NoSuchDocument(LookupError):
    """There is no document of that name, or not in that form."""


class Why(NamedTuple):
    """One verdict, with the way to it."""

    id: str
    checked: Checked
    name: str
    """`Customer update`."""
    how: str
    """`2 h of 2 h, 27 min over`."""
    hours: str
    """Whose hours counted; empty around the clock."""
    rows: list[way.Row]
    hands: list[str]
    said_at: Instant | None
    """When it was said, of what stands; None where it was not."""
    is_provisional: bool
    """Its source has not been read so far."""
    was_provisional: bool
    """It was said while its source had not been read so far."""

    @property
    def outcome(self) -> Outcome:
        return self.checked.verdict

    @property
    def is_wrong(self) -> bool:
        """Whether it is another one than was said."""
        return self.said_in_words[1] == "bad"

    @property
    def said_in_words(self) -> tuple[str, str]:
        """What holding it against what was said came to, and its look."""
        if self.is_provisional and self.checked.check == NOT_SAID:
            return "follows from the events; not said yet, its source is behind", "off"
        return CHECKS[self.checked.check]


class Shown(NamedTuple):
    """All that the page of an escalation shows."""

    subject: str
    head: Data
    headline: list[Row]
    running: list[Row]
    lanes: Markup
    whys: list[Why]
    """The latest first."""
    is_complete: bool
    """Whether what was said could be held against the events."""
    corrections: list[Outcome]
    promises: Any
    actions: Any
    cadences: Any
    room: Data
    told: list[Told]
    days: list[tuple[str, list[TimelineRow]]]
    """The timeline, the latest day first."""
    documents: dict[str, str]
    situation: Situation

    @property
    def may_be_moved(self) -> bool:
        """Whether it is not over for good, and there is a version of a policy to move it to."""
        return not self.situation.is_gone and len(self.situation.book.policies) > 1

    @property
    def recomputed(self) -> str:
        """How many of the verdicts are, to be said behind their number."""
        left_out = sum(why.checked.check == NO_VERSION for why in self.whys)
        return f", {left_out:,} not recomputed" if left_out else ", each recomputed now"

    @property
    def open(self) -> set[str]:
        """The ids of promises and action items whose clock runs."""
        return {row.view.key for row in self.running if row.view.metric in (COMMITMENT, ACTION)}


class Escalations:
    """Reads the archive; safe to share between threads."""

    def __init__(self, archive: Engine, book: Book, options: Options, press: Press) -> None:
        self._archive, self.book, self._options, self._press = archive, book, options, press

    def page(self, subject: str, now: Instant, zone: str, rows: list[Row], late: Late | None) -> Shown:
        """`rows`: its clocks on the board; `late`: what holds back its verdicts.

        NoSuchEscalation, NotOpened; SQLAlchemy's errors.
        """
        found = self._account(subject, now)
        situation = Situation(found, self.book, now, zone)
        obligations = ended(situation.outcomes, situation.facts)
        texts = texts_of(situation.facts)
        whys, corrections, is_complete = self._whys(found, late)
        told = timeline(found, obligations, texts, say=_say(now, ZoneInfo(zone)))
        running = sorted(rows, key=lambda row: row.order)
        return Shown(
            subject=subject,
            head=situation.head(),
            headline=running[:_HEADLINES],
            running=running,
            lanes=picture(situation, obligations, running, texts, now),
            whys=whys,
            is_complete=is_complete,
            corrections=corrections,
            promises=situation.promises(),
            actions=situation.actions(),
            cadences=situation.cadences(),
            room=war_room_guide(situation).data,
            told=communication(found, obligations),
            days=_days(told, ZoneInfo(zone)),
            documents={
                kind: name
                for kind, name in DOCUMENTS.items()
                if not (situation.is_gone and kind.endswith("-update"))
            },
            situation=situation,
        )

    def document(self, kind: str, subject: str, now: Instant, zone: str, form: str) -> str:
        """A document as of now. NoSuchDocument beside what `page` raises; TemplateError."""
        written_as = FORMATS.get(form)
        if kind not in DOCUMENTS or written_as is None:
            expected = f"expected one of {', '.join(DOCUMENTS)} as {', '.join(FORMATS)}"
            raise NoSuchDocument(f"{kind} as {form}: {expected}")
        found = self._account(subject, now)
        situation = Situation(found, self.book, now, zone)
        try:
            return write(self._press, _document(kind, situation), written_as).text
        except NoUpdate as error:
            raise NoSuchDocument(str(error)) from None

    def ask_back(self, sent: Record, typed: Typed, now: Instant, zone: ZoneInfo) -> None:
        """Of a record that moves one to another version of its policy, from now on: ToBeSeen, unless what it
        changes was seen; BadInput; NoSuchEscalation."""
        read = decode(sent.key, sent.value, sent.headers, now // MILLISECOND)
        assert isinstance(read, Received)  # noqa: S101  # of ours
        found = self._account(read.subject, read.fact.at)
        moving.ask_back(self.book, self._options, read.subject, list(found.facts), read.fact, typed, zone)

    def _account(self, subject: str, now: Instant) -> Account:
        """What is known of it, with what others have passed on to it."""
        if "\0" in subject:  # no database takes it
            raise NoSuchEscalation("no escalation has a NUL in its name")
        relaying = Relaying(self.book, self._options, lambda: now)
        with self._archive.connect() as connection:
            found = account_with(connection, subject, relaying.passed_on)
        if not found.facts:
            raise NoSuchEscalation(f"the archive knows nothing of {subject}, or nothing yet")
        return found

    def _whys(self, found: Account, late: Late | None) -> tuple[list[Why], list[Outcome], bool]:
        known = list(found.facts)
        said = None if is_pattern(found.subject) else found.outcomes  # its members are not at hand here
        until = latest(known, found.outcomes)
        try:
            explained = explain(self.book, found.subject, known, said, until, self._options)
        except IncompleteOutcomes:  # the archive began after the escalation
            said = None
            explained = explain(self.book, found.subject, known, said, until, self._options)
        texts = texts_of(found.facts)
        said_at = {one.id: one.detected_at for one in reversed(found.outcomes)}
        whys = [self._why(one, texts, said_at, late) for one in reversed(explained.verdicts)]
        return whys, explained.corrections, said is not None

    def _why(
        self, checked: Checked, texts: dict[str, str], said_at: dict[str, Instant], late: Late | None
    ) -> Why:
        o = checked.verdict
        calendar = self.book.calendars.get(o.versions.calendar if o.versions else "")
        return Why(
            id=f"why-{o.id[:12]}",
            checked=checked,
            name=was_owed(o.metric, o.key, texts.get(o.key, "")),
            how=way.margin(o, calendar),
            hours="" if calendar is None else calendar.name,
            rows=list(way.rows_of(o, self.book)),
            hands=list(way.hands_of(o)),
            said_at=None if checked.said is None else said_at.get(checked.said.id),
            is_provisional=late is not None and o.effective_at > late.until,
            was_provisional=checked.said is not None and checked.said.provisional,
        )


def _document(kind: str, situation: Situation) -> Document:
    if kind.endswith("-update"):
        return status_update(situation, kind.removesuffix("-update"))
    return {"triage": triage_sheet, "war-room": war_room_guide, "brief": executive_brief}[kind](situation)


def _say(now: Instant, zone: ZoneInfo) -> Callable[[Instant], str]:
    """Whole, for they stand under other days than their own: `Thu 12 Nov 14:35 CET`."""

    def say(at: Instant) -> str:
        local = to_datetime(at).astimezone(zone)
        year = "" if local.year == to_datetime(now).astimezone(zone).year else f" {local.year}"
        return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M %Z}"

    return say


def _days(rows: list[TimelineRow], zone: ZoneInfo) -> list[tuple[str, list[TimelineRow]]]:
    """By local day, the latest first, and so within a day."""
    found: dict[str, list[TimelineRow]] = {}
    for row in reversed(rows):
        local = to_datetime(parse_instant(row.at)).astimezone(zone)
        found.setdefault(f"{local:%A} {local.day} {local:%B}", []).append(row)
    return list(found.items())
