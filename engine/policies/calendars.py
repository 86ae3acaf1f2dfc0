"""Calendar documents → business calendars; the versions of one name become one calendar."""

from collections.abc import Iterable, Sequence
from datetime import date

from engine.core.calendars import AlwaysOpen, BusinessCalendar
from engine.core.hours import WEEKDAYS, Hours, Interval, overlap, parse_days, usual_day
from engine.core.policy import AROUND_THE_CLOCK, Calendar
from engine.policies.almanac import countries, holidays_of, zone
from engine.policies.checking import Checked
from engine.policies.documents import Document
from engine.policies.format import CalendarPart
from engine.policies.problems import Problem, found, one_of


def calendars(checked: Iterable[Checked]) -> tuple[dict[str, Calendar], list[Problem]]:
    """The calendars by name, the one that is always open included."""
    versions: dict[str, list[tuple[Document, CalendarPart]]] = {}
    for item in checked:
        if item.whole and (part := item.of(CalendarPart)) is not None:
            versions.setdefault(part.calendar, []).append((item.document, part))
    made: dict[str, Calendar] = {AROUND_THE_CLOCK: AlwaysOpen()}
    problems: list[Problem] = []
    for name, parts in versions.items():
        wrong = [problem for document, part in parts for problem in _check(document, part)]
        wrong = wrong or _disagreements(parts)
        if wrong:
            problems += wrong
        else:
            made[name] = _calendar(name, [part for _, part in parts])
    return made, problems


def _calendar(name: str, parts: Sequence[CalendarPart]) -> BusinessCalendar:
    return BusinessCalendar(
        name, zone(parts[0].zone), [_hours(part) for part in parts], parts[0].business_day
    )


def _hours(part: CalendarPart) -> Hours:
    country, subdivision = part.holidays.country, part.holidays.subdivision
    return Hours(
        weekdays=_weekdays(part),
        dates=dict(part.holidays.dates),
        holidays=holidays_of(country, subdivision) if country else None,
        holidays_key="-".join(filter(None, (country, subdivision))),
        effective_from=part.effective_from or date.min,
    )


def _weekdays(part: CalendarPart) -> tuple[tuple[Interval, ...], ...]:
    days = {day: hours for several, hours in part.hours.items() for day in several}
    return tuple(days.get(day, ()) for day in range(7))


def _check(document: Document, part: CalendarPart) -> Iterable[Problem]:
    seen: dict[int, str] = {}
    for text in document.tree["hours"]:
        for day in parse_days(text):
            if day in seen:
                yield document.problem(
                    ("hours", text), "each weekday once", f"{WEEKDAYS[day]} in {seen[day]}, too"
                )
            seen.setdefault(day, text)
    week = _weekdays(part)
    if not any(week):
        yield document.problem(("hours",), "hours on some weekday", "a calendar that never opens")
    elif (days := overlap(week)) is not None:
        first, second = (WEEKDAYS[day] for day in days)
        yield document.problem(
            ("hours",), "hours that do not overlap", f"hours of {first} that run into those of {second}"
        )
    yield from _check_holidays(document, part)


def _check_holidays(document: Document, part: CalendarPart) -> Iterable[Problem]:
    country, subdivision = part.holidays.country, part.holidays.subdivision
    if country is None:
        if subdivision is not None:
            yield document.problem(("holidays", "subdivision"), "a country beside it", "none")
    elif country not in countries():
        yield document.problem(
            ("holidays", "country"), "the code of a country, such as DE or US", found(country, countries())
        )
    elif subdivision is not None and subdivision not in countries()[country]:
        parts = countries()[country]
        expected = one_of(parts) if parts else f"none: {country} has no subdivisions"
        yield document.problem(("holidays", "subdivision"), expected, found(subdivision, parts))


def _disagreements(parts: Sequence[tuple[Document, CalendarPart]]) -> list[Problem]:
    """What versions of one calendar must have in common, and what tells them apart."""
    problems = []
    first_document, first = parts[0]
    begins: dict[date, Document] = {}
    for document, part in parts:
        place = begins.setdefault(part.effective_from or date.min, document)
        if place is not document:
            problems.append(
                document.problem(
                    ("effective_from",) if part.effective_from else ("calendar",),
                    f"another effective_from than the {part.calendar} of {place.file}:{place.lines[()]}",
                    str(part.effective_from or "none"),
                )
            )
        if part.zone != first.zone:
            problems.append(
                document.problem(("zone",), f"{first.zone}, as in its other version", found(part.zone))
            )
        if _business_day(part) != _business_day(first) or part.business_day != first.business_day:
            problems.append(
                document.problem(
                    ("business_day",),
                    f"the business day of {first_document.file}:{first_document.lines[()]}",
                    "another one; state business_day in each",
                )
            )
    return problems


def _business_day(part: CalendarPart) -> int:
    return part.business_day or usual_day(_weekdays(part))
