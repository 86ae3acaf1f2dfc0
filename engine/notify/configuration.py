"""Reads `notify.yaml`: receivers, and the tree of routes to them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.core.instants import SECOND, Span
from engine.core.outcomes import NAMES
from engine.core.policy import SEVERITIES, Calendar
from engine.notify.alert import CRITICAL, NOTE, WARNING, Receiver
from engine.notify.conditions import LABELS
from engine.notify.receivers import BadReceiver, receiver_of
from engine.notify.routing import Matchers, Mute, Route
from engine.policies.checking import problem_of
from engine.policies.documents import At, Document, read
from engine.policies.fields import Duration, Length, Name, checked, plain_text
from engine.policies.problems import FileRefused, Problem, Refused, found, one_of

_DEEPEST = 8
"""Routes within routes."""
_KNOWN = {"severity": SEVERITIES, "level": (WARNING, CRITICAL, NOTE), "outcome": NAMES}
"""Labels with no other values: a matcher that is misspelt would take nothing, and hold back nothing."""


class NotifyErrors(FileRefused):
    """A file of routes and receivers that is refused."""


class Configuration(NamedTuple):
    """Where alerts may go, and which of them go where."""

    receivers: dict[str, Receiver]
    root: Route


def matchers(value: object) -> Matchers:
    """`{severity: [P0, P1], level: critical}`. Refused says what was expected."""
    if not isinstance(value, dict) or not value:
        raise Refused("labels and their values, such as {severity: [P0, P1], level: critical}")
    made = []
    for label, values in value.items():
        if label not in LABELS:
            raise Refused(one_of(LABELS), LABELS)
        made.append((label, _values(values)))
        for one in made[-1][1]:
            if one and one not in (known := _KNOWN.get(label, (one,))):  # empty: the label is missing
                raise Refused(f"{label}: {one_of(known)}", known)
    return tuple(made)


def _values(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) for one in values):
        raise Refused("a text, or a list of them (numbers in quotes)")
    return tuple(values)


def _labels(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or any(one not in LABELS for one in value):
        raise Refused(f"a list of labels: {', '.join(LABELS)}", LABELS)
    return tuple(value)


_Matchers: TypeAlias = Annotated[Matchers, *checked(matchers, {"type": "object"})]
_Labels: TypeAlias = Annotated[tuple[str, ...], *checked(_labels, {"type": "array"})]
_Calendar: TypeAlias = Annotated[str, *checked(plain_text, {"type": "string"})]


class _Mute(BaseModel):
    model_config = ConfigDict(extra="forbid")

    outside: _Calendar | None = None
    during: _Calendar | None = None


class _Branch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    receiver: Name | None = None
    match: _Matchers = ()
    group_by: _Labels | None = None
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat_interval: Length | None = None
    mutes: list[_Mute] | None = None
    continue_: bool = Field(False, alias="continue", strict=True)
    routes: list["_Branch"] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    receivers: dict[Name, dict[str, Any]]
    route: _Branch


def configuration(file: Path, calendars: Callable[[], Mapping[str, Calendar]]) -> Configuration:
    """What the file says. NotifyErrors says file, line, field and what was expected, of all that is wrong.

    `calendars` is asked only if a route names one: those of the folder of policies, by name.
    """
    documents, problems = read(file, "a file of receivers and routes")
    if not problems and len(documents) != 1:
        problems = [Problem(file, 0, "", "one document", f"{len(documents)}")]
    if problems:
        raise NotifyErrors(problems)
    (document,) = documents
    try:
        said = _File.model_validate(document.tree)
    except ValidationError as error:
        raise NotifyErrors(problem_of(document, _File, one) for one in error.errors()) from None
    receivers = _receivers(document, said, problems)
    root = _Tree(document, said, receivers, calendars, problems).root()
    if problems:
        raise NotifyErrors(problems)
    return Configuration(receivers, root)


def _receivers(document: Document, said: _File, problems: list[Problem]) -> dict[str, Receiver]:
    made: dict[str, Receiver] = {}
    for name, config in said.receivers.items():
        try:
            made[name] = receiver_of(name, config)
        except BadReceiver as error:
            for field, message in error.problems:
                at = ("receivers", name, *field.split("."))
                # No value is shown: it may be a secret in the wrong place.
                there = "nothing" if at not in document.lines else "something else"
                what, _, expected = f"; {message}".rpartition("; expected ")
                found = what.removeprefix("; ") or there
                problems.append(document.problem(at, expected, found))
    return made


class _Tree:
    """Makes routes of branches, each with what it has from the one above."""

    def __init__(
        self,
        document: Document,
        said: _File,
        receivers: Mapping[str, Receiver],
        calendars: Callable[[], Mapping[str, Calendar]],
        problems: list[Problem],
    ) -> None:
        self._document, self._said, self._receivers = document, said, receivers
        self._calendars, self._problems = calendars, problems
        self._known: Mapping[str, Calendar] | None = None

    def root(self) -> Route:
        said, at = self._said.route, ("route",)
        if said.match:
            self._refuse((*at, "match"), "no matchers: the first route takes everything", "some")
        if said.receiver is None:
            self._refuse((*at, "receiver"), "a receiver", "nothing")
        return self._route(said, Route(receiver=""), at)

    def _route(self, said: _Branch, above: Route, at: At) -> Route:
        if said.receiver is not None and said.receiver not in self._said.receivers:
            names = tuple(self._said.receivers)
            self._refuse((*at, "receiver"), one_of(names), found(said.receiver, names))
        if len(at) > 2 and not said.match:
            self._refuse(at, "match: which alerts it takes", "a route that takes everything")
        if len(at) > 2 * _DEEPEST:
            self._refuse(at, f"at most {_DEEPEST} routes within each other", "more")
            return above
        made = Route(
            receiver=said.receiver or above.receiver,
            match=said.match,
            group_by=above.group_by if said.group_by is None else said.group_by,
            group_wait=above.group_wait if said.group_wait is None else said.group_wait,
            group_interval=above.group_interval if said.group_interval is None else said.group_interval,
            repeat_interval=said.repeat_interval or above.repeat_interval,
            mutes=above.mutes if said.mutes is None else self._mutes(said.mutes, (*at, "mutes")),
            continues=said.continue_,
        )
        routes = [self._route(one, made, (*at, "routes", n)) for n, one in enumerate(said.routes)]
        return self._repeated(replace(made, routes=tuple(routes)))

    def _repeated(self, route: Route) -> Route:
        """Sooner where the receiver forgets sooner; what is over there, too."""
        receiver = self._receivers.get(route.receiver)
        wanted = getattr(receiver, "resend_every", None)
        if wanted is None:
            return route
        return replace(
            route,
            repeat_interval=min(route.repeat_interval, Span(int(wanted * SECOND))),
            resolved_for=Span(int(getattr(receiver, "resolved_for", 0) * SECOND)),
        )

    def _mutes(self, said: list[_Mute], at: At) -> tuple[Mute, ...]:
        made = []
        for number, one in enumerate(said):
            name = one.outside or one.during
            if name is None or (one.outside and one.during):
                self._refuse((*at, number), "outside: CALENDAR or during: CALENDAR", "none, or both")
                continue
            calendars = self._all()
            if name not in calendars:
                field = "outside" if one.outside else "during"
                names = sorted(filter(None, calendars)) or ["(the policies have none)"]
                self._refuse(
                    (*at, number, field), f"a calendar of the policies, {one_of(names)}", found(name, names)
                )
                continue
            made.append(Mute(calendars[name], one.outside is not None))
        return tuple(made)

    def _all(self) -> Mapping[str, Calendar]:
        if self._known is None:
            self._known = self._calendars()
        return self._known

    def _refuse(self, at: At, expected: str, there: str) -> None:
        self._problems.append(self._document.problem(at, expected, there))
