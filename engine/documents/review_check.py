"""A review that was filled in, read back: what a person says in it, and what is missing, wrong or changed."""

import re
from typing import NamedTuple

from engine.core.instants import MINUTE, Instant
from engine.documents import blame
from engine.documents.obligations import MISSED, OPEN
from engine.documents.outline import Outline, Section, Text, outline
from engine.documents.press import MISSING
from engine.documents.review_form import (
    ACTIONS,
    BY_HAND,
    CAUSE,
    FACTORS,
    IMPACT,
    LOGGED_ACTIONS,
    PUBLICATION,
    STORY,
    WELL,
    WHYS,
    changed,
    is_made,
    people_of,
    subject_of,
    zone_of,
)

SUMMARY, FINAL = "summary", "final"
_NEEDED = {SUMMARY: (STORY, CAUSE), FINAL: (STORY, IMPACT, CAUSE, WHYS, FACTORS, WELL)}
"""What must be filled in at a stage: the summary comes within days, before all is understood."""
_FUTURE = 5 * MINUTE
"""As the engine has it: an event from further ahead is refused."""
_LONE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOTHING = {"", "…", "...", "-", MISSING.strip("_")}


class Problem(NamedTuple):
    """One thing to look at."""

    line: int
    """0: of the file as a whole."""
    kind: str
    """missing, wrong, wording, changed, left."""
    text: str
    is_hint: bool = False
    """It keeps nobody from publishing."""


class Action(NamedTuple):
    """A row of the corrective actions."""

    line: int
    id: str
    title: str
    owner: str
    due: Instant | None
    is_new: bool
    """The log does not have it, or has another owner, title or date of it."""
    is_logged: bool


class _Logged(NamedTuple):
    """An action as the log has it."""

    title: str
    owner: str
    due: str
    state: str

    @property
    def is_settled(self) -> bool:
        return self.state not in (OPEN, MISSED)


class Answers(NamedTuple):
    """What the person says, as far as it can be read."""

    subject: str
    stage: str
    published_at: Instant | None
    published_by: str
    url: str
    held_at: Instant | None
    actions: list[Action]


class Checked(NamedTuple):
    answers: Answers
    problems: list[Problem]
    """By line; those of the whole file first."""

    @property
    def is_ready(self) -> bool:
        return all(one.is_hint for one in self.problems)


def check(markdown: str, now: Instant) -> Checked:
    """Read a review that was filled in. NoReview for what `vigil pir` did not make."""
    document = outline(markdown)
    subject = subject_of(document)
    return _Reading(document, subject, now).checked()


class _Reading:
    def __init__(self, document: Outline, subject: str, now: Instant) -> None:
        self._document, self._subject, self._now = document, subject, now
        self._zone = zone_of(document)
        self._problems: list[Problem] = []

    def checked(self) -> Checked:
        answers = self._answers()
        self._sections(answers.stage)
        self._wording()
        for line, name, is_gone in changed(self._document):
            what = "was taken out" if is_gone else "is not as it was made from the log"
            self._hint(line, "changed", f"{name}: {what}; `vigil pir … --filled FILE` makes it anew")
        order = sorted(self._problems, key=lambda one: (one.line, one.is_hint))
        return Checked(answers, order)

    # -- publication ------------------------------------------------------------------------------

    def _answers(self) -> Answers:
        cells = self._publication()
        stage = cells["stage"].text.lower()
        if stage not in _NEEDED:
            found = f", found {stage!r}" if stage not in _NOTHING else ""
            self._problem(
                cells["stage"].line, "wrong" if found else "missing", f"Stage: summary or final{found}"
            )
            stage = ""
        published_at = self._time(cells["published at"], "Published at", is_needed=True)
        return Answers(
            self._subject,
            stage,
            published_at,
            _said(cells["published by"]),
            cells["where it lies"].link or _said(cells["where it lies"]),
            self._time(cells["review held at"], "Review held at", is_needed=stage == FINAL),
            self._actions(published_at),
        )

    def _publication(self) -> dict[str, Text]:
        section = self._document.section(PUBLICATION)
        line = 0 if section is None else section.line
        found = dict.fromkeys(
            ("stage", "published at", "published by", "where it lies", "review held at"), Text(line, "")
        )
        for row in [] if section is None else section.rows:
            if len(row) >= 2 and row[0].text.lower() in found:
                found[row[0].text.lower()] = row[1]
        return found

    def _time(self, cell: Text, name: str, *, is_needed: bool) -> Instant | None:
        said = _said(cell)
        if not said:
            if is_needed:
                self._problem(cell.line, "missing", f"{name}: such as 2026-11-04 15:00")
            return None
        at = None if _LONE_DATE.fullmatch(said) else self._moment(said)
        if at is None:
            expected = f"expected a date and a time, such as 2026-11-04 15:00 ({self._zone.name})"
            self._problem(cell.line, "wrong", f"{name}: {said!r}; {expected}, or with its offset")
            return None
        if at > self._now + _FUTURE:
            self._problem(cell.line, "wrong", f"{name}: {said} lies ahead; give it when it has happened")
        return at

    # -- actions ----------------------------------------------------------------------------------

    def _actions(self, published_at: Instant | None) -> list[Action]:
        section = self._document.section(ACTIONS)
        if section is None:
            return []
        logged = self._logged()
        found: dict[str, Action] = {}
        for row in section.rows:
            cells = [_said(cell) for cell in row]
            if not any(cells):
                continue
            action = self._action([*cells, "", "", ""][:4], row[0].line, logged, published_at)
            if action.id in found:
                self._problem(
                    action.line, "wrong", f"Action {action.id}: line {found[action.id].line} has that id"
                )
            found[action.id or f"line {action.line}"] = action
        if not found and not logged:
            self._hint(section.line, "missing", f"{ACTIONS}: none; will nothing be changed?")
        return list(found.values())

    def _logged(self) -> dict[str, _Logged]:
        section = self._document.section(LOGGED_ACTIONS)
        rows = [] if section is None else [[_said(cell) for cell in row] for row in section.rows]
        return {row[0]: _Logged(*row[1:5]) for row in rows if len(row) >= 5}

    def _action(
        self, cells: list[str], line: int, logged: dict[str, _Logged], published_at: Instant | None
    ) -> Action:
        identity, title, owner, due = cells
        name = f"Action {identity}" if identity else f"Action {title!r}"
        needed = {"an id of its own": identity, "what is to be done": title, "an owner": owner}
        for what in (what for what, said in needed.items() if not said):
            self._problem(line, "missing", f"{name}: {what}")
        known = logged.get(identity)
        is_due_then = (
            known is not None
            and bool(due) == bool(known.due)
            and self._moment(due) == self._moment(known.due)
        )
        is_new = known is None or not is_due_then or (title, owner) != (known.title, known.owner)
        if known is not None and known.is_settled:
            if is_new:
                self._hint(line, "changed", f"{name} is {known.state} in the log; the change is not sent")
            return Action(line, identity, title, owner, None, False, True)
        at = self._moment(due) if is_due_then else self._due(due, line, name, published_at)
        return Action(line, identity, title, owner, at, is_new, known is not None)

    def _due(self, said: str, line: int, name: str, published_at: Instant | None) -> Instant | None:
        if not said:
            self._problem(line, "missing", f"{name}: a date by which it is done")
            return None
        at = self._moment(said)
        if at is None:
            expected = f"expected a date, such as 2026-12-01 or 2026-12-01 17:00 ({self._zone.name})"
            self._problem(line, "wrong", f"{name}: {said!r}; {expected}, or with its offset")
        elif at <= (self._now if published_at is None else published_at):
            self._problem(line, "wrong", f"{name}: {said} is past; actions begin with the review")
        return at

    def _moment(self, said: str) -> Instant | None:
        """None for what cannot be read."""
        try:
            return self._zone.read(said)
        except (ValueError, OverflowError):
            return None

    # -- sections ---------------------------------------------------------------------------------

    def _sections(self, stage: str) -> None:
        for name in BY_HAND:
            section = self._document.section(name)
            if section is None:
                self._problem(0, "missing", f"the section {name!r}: its heading is `## {name}`")
            elif name not in (PUBLICATION, ACTIONS):
                self._section(section, is_needed=name in _NEEDED.get(stage, _NEEDED[FINAL]))

    def _section(self, section: Section, *, is_needed: bool) -> None:
        is_filled = any(_said(text) for text in section.texts)
        if not is_filled:
            where = section.mark_line or section.line
            later = "" if is_needed else "; the final stage needs it"
            self._add(
                Problem(where, "missing", f"{section.name}: nothing is filled in{later}", not is_needed)
            )
            return
        what = "this why has no answer" if section.name == WHYS else "this item is empty"
        for item in section.items:
            if not _said(item):
                text = f"{section.name}: {what}; fill it in, or take it away"
                self._add(Problem(item.line, "missing", text, is_hint=not is_needed))
        if section.mark_line:
            self._hint(
                section.mark_line, "left", f"{section.name}: the mark still stands above what is filled in"
            )

    def _wording(self) -> None:
        people = people_of(self._document)
        by_hand = (one for one in self._document.sections if not is_made(self._document, one))
        for text in (text for section in by_hand for text in section.texts):
            for one in blame.find(text.text, people):
                line = text.line + text.text.count("\n", 0, one.start)
                self._hint(line, "wording", f"“{one.words}”: {one.kind}; instead: {one.instead}")

    # -- what was found ---------------------------------------------------------------------------

    def _problem(self, line: int, kind: str, text: str) -> None:
        self._add(Problem(line, kind, text))

    def _hint(self, line: int, kind: str, text: str) -> None:
        self._add(Problem(line, kind, text, is_hint=True))

    def _add(self, problem: Problem) -> None:
        self._problems.append(problem)


def _said(text: Text) -> str:
    """What a cell or an item holds; empty where that is only a placeholder."""
    said = " ".join(text.text.split())
    return "" if said in _NOTHING else said
