"""What the API says when something is wrong: problem+json (RFC 9457), with a name for programs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException

from engine.console.acting import BadInput
from engine.console.answers import Answer
from engine.console.backtests import Busy, NoSuchBacktest
from engine.console.escalations import NoSuchDocument, NoSuchEscalation
from engine.console.filters import BadFilter
from engine.console.kept import NotYet
from engine.console.live import NotRead
from engine.console.people import NotAllowed, NotSignedIn
from engine.documents.rendering import TemplateError
from engine.documents.situation import NotOpened
from engine.documents.trend import TrendRefused
from engine.intake.arrival import NotAuthentic
from engine.intake.sending import NotSent
from engine.sql.following import AWAY

log = structlog.stdlib.get_logger("vigil.console")

MEDIA = "application/problem+json"
RETRY_AFTER = "5"
"""Seconds."""


class OutOfScope(Exception):
    """The key is good, and not for this."""


class Problem(Answer):
    """Why a request was not answered."""

    type: str = Field(description="`urn:vigil:problem:` and the name.")
    name: str = Field(description="What happened, for programs: it does not change.")
    title: str
    status: int
    detail: str
    fields: dict[str, str] = Field({}, description="bad_input: what is wrong, by field.")


_ERRORS: Mapping[type[Exception], tuple[int, str, str]] = {
    BadFilter: (400, "bad_filter", "The query cannot be read"),
    TrendRefused: (400, "no_report", "There is no such report"),
    NotAuthentic: (401, "unknown_key", "No key of ours"),
    NotSignedIn: (401, "not_signed_in", "Neither a key nor somebody signed in"),
    NotAllowed: (403, "not_allowed", "You may not do that"),
    OutOfScope: (403, "out_of_scope", "The key may not do that"),
    NoSuchEscalation: (404, "no_such_escalation", "There is no such escalation"),
    NotOpened: (404, "not_open_yet", "It is not open yet"),
    NoSuchDocument: (404, "no_such_document", "There is no such document"),
    NoSuchBacktest: (404, "no_such_backtest", "There is no such backtest here"),
    Busy: (409, "busy", "Another one is running"),
    BadInput: (422, "bad_input", "What was sent cannot be taken"),
    RequestValidationError: (422, "bad_input", "What was sent cannot be taken"),
    TemplateError: (500, "bad_template", "A template cannot be filled in"),
    NotSent: (503, "not_sent", "Kafka did not confirm it in time"),
    NotRead: (503, "not_read", "What runs is not known yet"),
    NotYet: (503, "not_yet", "It is being made"),
    **dict.fromkeys(AWAY, (503, "archive_away", "The archive does not answer")),
}
_OF_STATUS = {404: "no_such_page", 405: "wrong_method", 400: "bad_request", 413: "too_large"}
NAMES = tuple(dict.fromkeys([name for _, name, _ in _ERRORS.values()] + [*_OF_STATUS.values(), "internal"]))

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": ", ".join(names), "content": {MEDIA: {"schema": Problem.model_json_schema()}}}
    for status in (400, 401, 403, 404, 405, 409, 413, 422, 500, 503)
    if (
        names := dict.fromkeys(
            [name for known, name, _ in _ERRORS.values() if known == status]
            + [name for known, name in _OF_STATUS.items() if known == status]
            + (["internal"] if status == 500 else [])
        )
    )
}
"""For the OpenAPI of every path."""


def add_to(app: FastAPI) -> None:
    """Every error of the application is told so."""
    for error, told in _ERRORS.items():
        app.add_exception_handler(error, _teller(*told))
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)


def _teller(status: int, name: str, title: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def tell(_: Request, error: Exception) -> Response:
        if status >= 500:
            log.warning(name, error=str(error).splitlines()[0])
        fields = _fields(error)
        detail = "" if name == "archive_away" else getattr(error, "detail", str(error))
        if isinstance(error, RequestValidationError):  # its own words hold our paths, and all that was sent
            detail = "; ".join(f"{field}: {what}" for field, what in fields.items())
        return problem(status, name, title, detail, fields)

    return tell


def _fields(error: Exception) -> dict[str, str]:
    if isinstance(error, BadInput):
        return error.problems
    if isinstance(error, RequestValidationError):
        return {".".join(map(str, one["loc"][1:])): one["msg"] for one in error.errors()}
    return {}


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # what this is registered for
    name = _OF_STATUS.get(error.status_code, "bad_request")
    told = problem(error.status_code, name, str(error.detail), "", {})
    told.headers.update(error.headers or {})
    return told


async def _internal(_: Request, error: Exception) -> Response:
    log.error("internal", error=repr(error))
    return problem(500, "internal", "Something of ours is wrong", "The console's log says what.", {})


def problem(status: int, name: str, title: str, detail: str, fields: Mapping[str, str]) -> Response:
    told = Problem(
        type=f"urn:vigil:problem:{name}", name=name, title=title, status=status, detail=detail,
        fields=dict(fields),
    )  # fmt: skip
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER
    return Response(told.model_dump_json(), status, headers, MEDIA)
