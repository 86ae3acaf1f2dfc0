"""Budgets as written → targets on calendars, with their problems."""

from collections.abc import Mapping

from engine.core.calendars import BusinessCalendar
from engine.core.hours import Hours
from engine.core.instants import DAY, MINUTE, Span
from engine.core.policy import AROUND_THE_CLOCK, Calendar, Target
from engine.policies.documents import At, Document
from engine.policies.problems import Problem, found, one_of
from engine.policies.scalars import LONGEST, TargetText

_WEEK = Span(7 * DAY)


class Targets:
    """Makes targets of one policy document and gathers what is wrong with it."""

    def __init__(
        self, document: Document, calendars: Mapping[str, Calendar], unusable: frozenset[str]
    ) -> None:
        """`unusable` names the calendars that have problems of their own: these are said once only."""
        self._document, self._calendars, self._unusable = document, calendars, unusable
        self.names: set[str] = set()
        """The calendars that the targets stand on."""
        self.problems: list[Problem] = []
        self.contradictions: list[Problem] = []
        """Between parts of the document: they mean something only where all parts could be read."""

    def refuse(self, at: At, expected: str, value: str) -> None:
        self.contradictions.append(self._document.problem(at, expected, value))

    def _miss(self, at: At, expected: str, value: str) -> None:
        self.problems.append(self._document.problem(at, expected, value))

    def by_severity(self, at: At, texts: Mapping[str, TargetText]) -> dict[str, Target]:
        """The targets of a budget; one that is refused is left out."""
        made = {severity: self.target((*at, severity), text) for severity, text in texts.items()}
        return {severity: target for severity, target in made.items() if target is not None}

    def target(self, at: At, text: TargetText) -> Target | None:
        calendar = self._calendars.get(text.calendar)
        if calendar is None:
            if text.calendar not in self._unusable:
                names = sorted({*self._calendars, *self._unusable} - {AROUND_THE_CLOCK})
                there_are = f"a calendar after @, {one_of(names)}"
                expected = there_are if names else "no @: this folder has no calendar"
                self._miss(at, expected, found(text.calendar, names))
            return None
        self.names.add(text.calendar)
        budget = Span(text.amount.span + text.amount.business_days * calendar.business_day)
        if text.calendar != AROUND_THE_CLOCK and not _can_run(budget, calendar):
            self._miss(at, "a budget that can run out within ten years", text.text)
            return None
        return Target(budget, text.calendar, text.text)


def _can_run(budget: Span, calendar: Calendar) -> bool:
    # By rate and not by due(): a budget of years on a minute a week would index centuries to be refused.
    if not isinstance(calendar, BusinessCalendar):
        return True
    slowest = min(map(_open_minutes, calendar.versions)) * MINUTE
    return budget * _WEEK <= LONGEST * slowest


def _open_minutes(hours: Hours) -> int:
    return sum(interval.closes - interval.opens for day in hours.weekdays for interval in day)
