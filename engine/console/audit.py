"""Who did what: one line of log an act, and the list of acts that the archive has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine, Select, select, tuple_

from engine.archive.tables import OF_CONSOLE, facts
from engine.console.acting import FORMS, BadInput
from engine.console.asked import Asked, address, cursor, read_cursor, word
from engine.console.filters import BadFilter
from engine.console.people import ADMIN, Person
from engine.core.instants import Instant
from engine.intake.sending import NotSent
from engine.metrics.console import ConsoleMetrics

log = structlog.stdlib.get_logger("vigil.console")

_AT_ONCE = 500


@contextmanager
def told(
    verb: str, subject: str, via: Literal["page", "api"], metrics: ConsoleMetrics | None
) -> Iterator[dict[str, Any]]:
    """Around an act: `acted` when Kafka has its event, else `not_sent`, or `act_refused` with the reason.

    What is put into the dictionary is in the line: who, role. What was typed is in none. It is counted, but
    for who may not: that says nothing of what was typed. None: it is no event, and not counted.
    """
    line: dict[str, Any] = {"verb": verb, "subject": subject, "via": via}

    def count(result: str) -> None:
        if metrics is not None:
            metrics.acted(verb, result, via)

    try:
        yield line
    except NotSent as error:
        log.error("not_sent", **line, error=str(error))
        count("not_sent")
        raise
    except Exception as error:
        log.warning("act_refused", **line, reason=type(error).__name__)
        if isinstance(error, BadInput | RequestValidationError):
            count("refused")
        raise
    log.info("acted", **line)
    count("sent")


class Act(NamedTuple):
    """An event of the console's."""

    at: Instant
    """When Kafka was given it."""
    by: str
    verb: str
    title: str
    subject: str
    id: str


class Acts(NamedTuple):
    """A part of them, the latest first."""

    items: list[Act]
    next: str | None
    """The cursor of what follows; None: nothing does."""


class Wanted(NamedTuple):
    """Every field narrows; an empty one does not."""

    asked: Asked
    """Of it the times, the cursor and the limit."""
    by: str = ""
    verb: str = ""
    subject: str = ""

    @classmethod
    def of(cls, query: Any, zone: tzinfo) -> "Wanted":
        """Of an address: by, verb, subject, from, to, cursor, limit. BadFilter."""
        by, verb, subject = (word(name, query.get(name, "")) for name in ("by", "verb", "subject"))
        if verb and verb not in FORMS:
            raise BadFilter(f"verb: expected {', '.join(FORMS)}, not {verb!r}")
        return cls(Asked.of(query, (), zone), by, verb, subject)


class Audit:
    """Safe to share between threads. SQLAlchemy's errors come through where the database is away."""

    def __init__(self, archive: Engine) -> None:
        self._archive = archive

    def acts(self, wanted: Wanted) -> Acts:
        """What of the archive is the console's: forms and API, with whom each names."""
        limit = wanted.asked.limit
        found: list[Act] = []
        with self._archive.connect().execution_options(yield_per=_AT_ONCE) as connection:
            for row in connection.execute(_query(wanted)):
                by = str(orjson.loads(row.data).get("by", ""))
                if wanted.by and wanted.by.casefold() != by.casefold():
                    continue  # who it was lies in the data, which no database can search alike
                if len(found) == limit:
                    last = found[-1]
                    return Acts(found, cursor((last.at, last.subject, last.id)))
                form = FORMS.get(row.kind)
                title = form.title if form else row.kind
                found.append(Act(Instant(row.recorded), by, row.kind, title, row.subject, row.id))
        return Acts(found, None)


def _query(wanted: Wanted) -> Select[Any]:
    asked, place = wanted.asked, (facts.c.recorded, facts.c.subject, facts.c.id)
    query = select(facts).where(OF_CONSOLE)
    if wanted.verb:
        query = query.where(facts.c.kind == wanted.verb)
    if wanted.subject:
        query = query.where(facts.c.subject == wanted.subject)
    if asked.start is not None:
        query = query.where(facts.c.recorded >= asked.start)
    if asked.end is not None:
        query = query.where(facts.c.recorded < asked.end)
    if asked.cursor:
        after = read_cursor(asked.cursor)
        if [type(one) for one in after] != [int, str, str]:
            raise BadFilter("cursor: expected one that this list has given")
        query = query.where(tuple_(*place) < after)
    return query.order_by(*(column.desc() for column in place))


class AuditPage:
    """For admins alone. Reads on a thread of its own, as the lists do."""

    def __init__(
        self,
        audit: Audit,
        may: Callable[[Request, str], Person],
        zone: Callable[[Request], ZoneInfo],
        page: Callable[..., HTMLResponse],
    ) -> None:
        self._audit, self._may, self._zone, self._page = audit, may, zone, page

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route("/audit", self.acts, response_class=HTMLResponse)

    def acts(self, request: Request) -> HTMLResponse:
        """When, who, what, of which escalation; filters are in the address."""
        self._may(request, ADMIN)
        query, path = dict(request.query_params), request.url.path
        wanted = Wanted.of(query, self._zone(request))
        found, asked = self._audit.acts(wanted), wanted.asked
        return self._page(
            "audit.html", request, here="Audit", acts=found.items, query=query, path=path, forms=FORMS,
            is_filtered=bool(any(wanted[1:]) or asked.start or asked.end or asked.cursor),
            next=found.next and f"{address(path, query, limit=asked.limit)}&cursor={found.next}",
        )  # fmt: skip
