"""The review as Markdown that a person fills in: made, sealed, and made anew around what was filled in."""

from hashlib import blake2b
from zoneinfo import ZoneInfoNotFoundError

from engine.documents.moments import UTC, Zone
from engine.documents.outline import Outline, Section, lines_of, note, outline
from engine.documents.rendering import Press, Rendered
from engine.documents.review import Review

TEMPLATE = "pir.md"

PUBLICATION, STORY, IMPACT, CAUSE = "Publication", "What happened", "Impact in words", "Root cause"
WHYS, FACTORS, WELL, ACTIONS = "Five whys", "Contributing factors", "What went well", "Corrective actions"
BY_HAND = (PUBLICATION, STORY, IMPACT, CAUSE, WHYS, FACTORS, WELL, ACTIONS)
"""The sections that a person fills in; every other one is made from the log, or is the person's own."""
LOGGED_ACTIONS = "Action items in the log"

_SUBJECT, _ZONE, _PEOPLE, _SEAL = "vigil review of", "vigil times in", "vigil people", "vigil seal of"
_HEAD = "the head"


class NoReview(ValueError):
    """A file that `vigil pir` did not make, or that is of another escalation."""


def fill_in(review: Review, press: Press, filled: str | None = None) -> Rendered:
    """The document, with what was filled in to an earlier one, and the person's own sections behind it.

    NoReview where that is one of another escalation or time zone; TemplateError where the template cannot be
    filled in.
    """
    text, undefined = press.render(TEMPLATE, review.plain())
    made = text.rstrip("\n") + "\n"
    sealed = [section for section in outline(made).sections if section.name not in BY_HAND]
    notes = [note(f"{_SEAL} {section.name or _HEAD}", seal(section)) for section in sealed]
    if filled is not None:
        made = _around(made, filled, review)
    about = [
        note(_SUBJECT, review.subject),
        note(_ZONE, review.zone),
        note(_PEOPLE, "\n".join(review.people)),
    ]
    return Rendered("\n".join([made, *about, *notes, ""]), undefined)


def subject_of(document: Outline) -> str:
    """Whose review it is. NoReview where it does not say."""
    subject = document.note(_SUBJECT)
    if subject is None:
        raise NoReview("this is no review that `vigil pir` made: the notes at its end are missing")
    return subject


def zone_of(document: Outline) -> Zone:
    """In which its times are told, and what a person writes is read. NoReview where it is not known here."""
    name = document.note(_ZONE) or UTC.name
    try:
        return Zone(name)
    except ZoneInfoNotFoundError:
        raise NoReview(f"its times are in the zone {name}, which is not known here") from None


def people_of(document: Outline) -> list[str]:
    """Whom the log names."""
    return (document.note(_PEOPLE) or "").split("\n")


def is_made(document: Outline, section: Section) -> bool:
    """Whether the section was made from the log, and not by a person."""
    return document.note(f"{_SEAL} {section.name or _HEAD}") is not None


def changed(document: Outline) -> list[tuple[int, str, bool]]:
    """The sections made from the log that are not as they were made: line, name, whether they are gone."""
    found = []
    prefix = _SEAL.upper()
    by_name = {(section.name or _HEAD).upper(): section for section in document.sections}
    for label, sealed in document.references.items():
        if not label.startswith(prefix):
            continue
        name = label.removeprefix(prefix).strip()
        section = by_name.get(name)
        if section is None:
            found.append((0, name.capitalize(), True))
        elif seal(section) != sealed:
            found.append((section.line, section.name or _HEAD, False))
    return found


def seal(section: Section) -> str:
    """16 hex digits over what the section says, however its lines are broken and its tables aligned."""
    words = "\n".join(" ".join(text.text.split()) for text in section.texts)
    return blake2b(words.encode(), digest_size=8).hexdigest()


def _around(made: str, filled: str, review: Review) -> str:
    before, now = outline(filled), outline(made)
    if subject_of(before) != review.subject:
        raise NoReview(f"the file is the review of {subject_of(before)}, and not of {review.subject}")
    if (zone := zone_of(before).name) != review.zone:
        raise NoReview(f"what was filled in tells times in {zone}, and not in {review.zone}")
    old, lines = lines_of(filled), lines_of(made)
    for section in reversed(now.sections):
        known = before.section(section.name) if section.name in BY_HAND else None
        if known is not None:
            body = _without_notes(old[known.line : known.end - 1])
            lines[section.line : section.end - 1] = [*body, ""]
    for section in _own(before, now):
        lines += ["", *_without_notes(old[section.line - 1 : section.end - 1])]
    return "\n".join(lines).rstrip("\n") + "\n"


def _own(before: Outline, now: Outline) -> list[Section]:
    """The sections that the person added: neither of the form, nor sealed."""
    return [
        section
        for section in before.sections
        if section.name not in BY_HAND and now.section(section.name) is None and not is_made(before, section)
    ]


def _without_notes(lines: list[str]) -> list[str]:
    """The last section runs to the end of the file, where the notes are."""
    notes = tuple(f"[{label}" for label in (_SUBJECT, _ZONE, _PEOPLE, _SEAL))
    kept = [line for line in lines if not line.startswith(notes)]
    while kept and not kept[-1].strip():
        kept.pop()
    return kept
