"""The web application: pages, the live stream, forms. It holds no truth: Kafka and the archive do."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from markupsafe import Markup
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from engine.console.acting import (
    FORMS,
    AskedBack,
    BadInput,
    Form,
    Typed,
    ask_back,
    asking_which,
    choosing,
    event,
    new_key,
    unknown,
)
from engine.console.api import BASE, Parts, api
from engine.console.assets import load
from engine.console.audit import Audit, AuditPage, told
from engine.console.backtest_pages import BacktestPages
from engine.console.backtests import Backtests, Busy, NoSuchBacktest
from engine.console.board import GROUPS, Counts
from engine.console.bodies import AtMost
from engine.console.drawing import Pages, board_url, escalation_url, form_url, pattern_url, recorded_url
from engine.console.escalations import Escalations, NoSuchDocument, NoSuchEscalation
from engine.console.filters import BadFilter, Filter
from engine.console.keeping import Keeper
from engine.console.kept import NotYet
from engine.console.keys import ApiKey
from engine.console.list_pages import PAGES, Frame, ListPages
from engine.console.lists import Lists
from engine.console.live import Live
from engine.console.moving import Change, ToBeSeen, over
from engine.console.oidc import OpenIdConnect
from engine.console.people import (
    ADMIN,
    RESPONDER,
    Forms,
    NotAllowed,
    NotSignedIn,
    Person,
    SignIn,
    StaleForm,
    allowed,
    same_site,
    who,
)
from engine.console.problems import RETRY_AFTER
from engine.console.saying import at_time, held, idle, notice
from engine.console.signing_in import SIGN_OUT, SigningIn
from engine.console.single import Single
from engine.console.sources import Sources
from engine.console.stream import Stream, View
from engine.console.summaries import Summaries
from engine.core.deadlines import OPEN, Deadline
from engine.core.facts import REBASED
from engine.core.instants import Instant, time_zone
from engine.core.recurrence import is_pattern
from engine.documents.rendering import TemplateError
from engine.documents.situation import NotOpened
from engine.intake.sending import NotSent, Sender
from engine.metrics.console import ConsoleMetrics
from engine.sql.following import AWAY

log = structlog.stdlib.get_logger("vigil.console")

ROWS, MOST_ROWS = 200, 10_000
MOST_STREAMED = 1_000
"""Rows of a stream: they are drawn where everybody is served, and a page asks for others as one scrolls."""
MOST_BYTES = 1024 * 1024
"""Of what somebody sends."""
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"
SECURE = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every answer that has no others."""
_DOCUMENT = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Of a document, which brings its own style sheet and needs nothing else."""
_PAGES = (("Board", "/"), *PAGES)
_BOARDS_AT_ONCE = 8
_OUT = "You are signed out. What you typed is kept: sign in in another tab, and send it again."
_PROBED = ["GET", "HEAD"]
"""Load balancers ask by HEAD: the same answer without its body."""
_AUDIT = ("Audit", "/audit")
"""In the navigation of who may see it."""


class Clock(NamedTuple):
    """The engine's time, and how many times as fast as life it runs."""

    now: Callable[[], Instant]
    speed: float = 1.0


class House(NamedTuple):
    """Everything that the pages stand on."""

    live: Live
    sources: Sources
    keeper: Keeper | None
    """Of the archive; None where another process keeps it."""
    escalations: Escalations
    single: Single
    lists: Lists
    summaries: Summaries
    backtests: Backtests
    sender: Sender
    sign_in: SignIn
    forms: Forms
    clock: Clock
    metrics: ConsoleMetrics
    keys: Sequence[ApiKey]
    """Of the API."""
    zone: str
    """In which times are told to whom we do not know better."""
    audit: Audit


def application(house: House) -> FastAPI:
    """The application; `live` and `sender` are started and stopped with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await house.sender.start()
        house.live.start()
        house.sources.start(house.live.board.doubt)
        log.info("console_ready")
        yield
        house.sources.stop()
        house.live.stop()
        site.threads.shutdown(wait=False)
        house.backtests.stop()
        await house.sender.stop()

    app = FastAPI(
        title="Vigil console", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    site = _Site(house)

    app.add_middleware(AtMost, most=MOST_BYTES)

    @app.middleware("http")
    async def secure(request: Request, follow: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await follow(request)
        for name, value in SECURE.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    for error, answer in site.answers.items():
        app.add_exception_handler(error, answer)

    app.mount(BASE, api(parts_of(house)))
    app.add_api_route("/", site.board, response_class=HTMLResponse)
    app.add_api_route("/stream", site.stream)
    app.add_api_route("/escalations/{subject:path}", site.escalation, response_class=HTMLResponse)
    app.add_api_route("/documents/{kind}/{subject:path}", site.document)
    app.add_api_route("/forms/{verb}/{subject:path}", site.form, response_class=HTMLResponse)
    app.add_api_route("/forms/{verb}/{subject:path}", site.act, methods=["POST"])
    site.lists.add_to(app)
    site.backtests.add_to(app)
    site.audit.add_to(app)
    if site.signing_in is not None:
        site.signing_in.add_to(app)
    app.add_api_route("/static/{digest}/{name:path}", site.asset)
    app.add_api_route("/live", site.alive, methods=_PROBED)
    app.add_api_route("/metrics", site.scrape)
    app.add_api_route("/ready", site.ready, methods=_PROBED)
    return app


def parts_of(house: House) -> Parts:
    """What of it the API stands on."""
    return Parts(
        house.live.board, house.sources, lambda: house.live.is_ready, lambda: house.live.has_read,
        house.escalations, house.single, house.lists, house.summaries, house.backtests, house.sender,
        house.sign_in, house.keys, house.clock.now, house.metrics,
    )  # fmt: skip


class _Site:
    """One method a page."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._assets = load()
        self._pages = Pages(self._assets)
        clock = house.clock
        self._stream = Stream(
            house.live,
            house.sources,
            self._archive_failed,
            clock.now,
            clock.speed,
            lambda row, view: self._pages.row(row, view.zone, clock.now(), may_act=view.may_act),
            house.metrics,
        )
        frame = Frame(self._who, self._zone, clock.now, self._page)
        self.lists = ListPages(frame, house.lists, house.summaries, house.backtests)
        self.backtests = BacktestPages(frame, house.backtests, house.forms)
        self.audit = AuditPage(house.audit, self._may, self._zone, self._page)
        self.signing_in = (
            SigningIn(house.sign_in, house.forms, self._problem)
            if isinstance(house.sign_in, OpenIdConnect)
            else None
        )
        self.threads = ThreadPoolExecutor(_BOARDS_AT_ONCE, "console-board")
        self.answers: dict[Any, Any] = {
            NotSignedIn: self._not_signed_in,
            StaleForm: self._says(409, "That did not work"),
            NotAllowed: self._says(403, "You may not do that"),
            BadFilter: self._says(400, "The address cannot be read"),
            RequestValidationError: self._unreadable,
            NoSuchEscalation: self._no_escalation,
            NoSuchDocument: self._says(404, "There is no such document"),
            NoSuchBacktest: self._says(404, "There is no such backtest here"),
            Busy: self._says(409, "Another one is running"),
            TemplateError: self._says(500, "The document's template cannot be filled in"),
            NotOpened: self._says(404, "It is not open yet"),
            NotYet: self._not_yet,
            HTTPException: self._http,
            **{error: self._says(503, "The archive does not answer") for error in AWAY},
        }

    # -- the board ------------------------------------------------------------------------------------

    async def board(self, request: Request, rows: int = ROWS) -> HTMLResponse:
        """The deadline board; its filters are in the address. On a thread, for many rows take seconds, and on
        one of its own: an archive that says nothing holds all others for a while."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._board, request, rows)

    def _board(self, request: Request, rows: int) -> HTMLResponse:
        view = self._view(request, rows)
        is_read = self._house.live.has_read
        look, wanted = self._stream.look(view), view.wanted
        if not is_read:
            look = look._replace(counts=Counts(), groups=[], shown=0, matching=0)
        asked = board_url(wanted)[1:]
        more = f"{asked}{'&' if asked else '?'}rows={min(MOST_ROWS, view.size * 2)}"
        return self._page(
            "board.html", request, here="Board", look=look, wanted=wanted, groups=GROUPS,
            idle=idle(look, view.zone) if is_read and not any(wanted) else "",
            notice=notice(self._house.sources, look.counts, look.at, view.zone),
            chips=_chips(wanted), more=f"/{more}",
            stream=f"/stream{asked}{'&' if asked else '?'}rows={view.size}",
            draw=lambda row: Markup(  # noqa: S704  # it escapes
                self._pages.row(row, view.zone, look.at, may_act=view.may_act)
            ),
        )  # fmt: skip

    async def stream(self, request: Request, rows: int = ROWS, start: int = 0) -> EventSourceResponse:
        """Server-sent events of the board: `board` when anything has changed, `ping` when nothing has."""
        view = self._view(request, min(rows, MOST_STREAMED))._replace(start=max(0, start))
        messages = self._stream.messages(view)
        return EventSourceResponse(self._while_in(request, messages), ping=3600)

    async def _while_in(
        self, request: Request, messages: AsyncGenerator[bytes, None]
    ) -> AsyncIterator[bytes]:
        """A session that ends takes its stream with it."""
        async with aclosing(messages):
            async for message in messages:
                try:
                    self._who(request)
                except NotSignedIn:
                    return
                yield message

    def _view(self, request: Request, rows: int) -> View:
        person = self._who(request)
        wanted = Filter.of(request.query_params)
        size = max(1, min(MOST_ROWS, rows))
        return View(wanted, person.name, self._zone(request), size, person.may(RESPONDER))

    # -- one escalation ---------------------------------------------------------------------------------

    def escalation(self, request: Request, subject: str) -> Response:
        """What is due, what happened, every verdict with its why; of a pattern its place in their list."""
        self._who(request)
        if is_pattern(subject):
            return RedirectResponse(pattern_url(subject), 303)
        now, board, sources = self._house.clock.now(), self._house.live.board, self._house.sources
        late = sources.holding(subject, board.partition_of(subject))
        shown = self._house.escalations.page(
            subject, now, self._zone_name(request), board.rows_of(subject), late
        )
        notice = held(late, sources.bounds, now, self._zone(request))
        return self._page("escalation.html", request, here="", shown=shown, notice=notice)

    def document(self, request: Request, kind: str, subject: str, form: str = "html") -> Response:
        """A document of it as of now: a page, Markdown, or the data behind it."""
        self._who(request)
        written = self._house.escalations.document(
            kind, subject, self._house.clock.now(), self._zone_name(request), form
        )
        if form == "html":
            return HTMLResponse(written, headers={"Content-Security-Policy": _DOCUMENT})
        plain = "application/json" if form == "json" else "text/markdown; charset=utf-8"
        name = "".join(c if c.isalnum() else "-" for c in f"{kind}-{subject}")
        return Response(
            written,
            media_type=plain,
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.{form}"},
        )

    # -- doing something -------------------------------------------------------------------------------

    def form(self, request: Request, verb: str, subject: str) -> HTMLResponse:
        """What an event is asked for with; what the address gives is in it from the beginning."""
        person = self._may(request, _known(verb).role)
        asked = {
            name: text
            for field in _known(verb).fields
            if (text := request.query_params.get(name := field.name))
        }
        form = self._over(request, verb, subject, asked)
        wrong = unknown(form, asked)
        return self._form(request, person, form, subject, asked, problems=wrong, status=422 if wrong else 200)

    async def act(self, request: Request, verb: str, subject: str) -> Response:
        """Send the event; answered when Kafka has it."""
        try:
            with told(verb, subject, "page", self._house.metrics) as line:
                person = self._who(request)
                line |= {"who": person.name, "role": person.role}
                allowed(person, _known(verb).role)
                same_site(request.headers)
                typed = await _typed(request)
                form = self._over(request, verb, subject, typed)
                self._house.forms.check(typed.get("csrf", ""), person)
                now = self._house.clock.now()
                record = event(form, subject, typed, person.name, now, typed.get("event", ""))
                ask_back(form, typed, now)
                if form.verb == REBASED:
                    zone = self._zone(request)
                    await run_in_threadpool(self._house.escalations.ask_back, record, typed, now, zone)
                await self._house.sender.send([("ticket", record)], now)
        except NotSignedIn:
            if "hx-request" in request.headers:
                raise
            same_site(request.headers)
            return self._form(
                request, Person(""), _known(verb), subject, await _typed(request), _OUT, status=401
            )
        except StaleForm as error:
            return self._form(request, person, form, subject, typed, str(error), status=409)
        except AskedBack as error:
            typed["meant"] = error.meant
            changes = error.changes if isinstance(error, ToBeSeen) else None
            return self._form(
                request, person, form, subject, typed, problems=error.problems, status=409, changes=changes
            )
        except BadInput as error:
            return self._form(request, person, form, subject, typed, problems=error.problems, status=422)
        except NotSent:
            why = (
                "Kafka did not confirm it in time. What you typed is kept: send it again, it counts once. "
                "What you change first is recorded beside it, if it has arrived after all."
            )
            return self._form(request, person, form, subject, typed, why, status=503)
        except AWAY:
            why = "The archive does not answer, so nobody can say what it changes. What you typed is kept."
            return self._form(request, person, form, subject, typed, why, status=503)
        if "hx-request" in request.headers:
            return HTMLResponse(
                self._pages.page(
                    "done.html", form=form, back=escalation_url(subject), is_pattern=is_pattern(subject)
                )
            )
        return RedirectResponse(recorded_url(subject, verb), 303)

    def _form(
        self,
        request: Request,
        person: Person,
        form: Form,
        subject: str,
        typed: dict[str, str],
        problem: str = "",
        problems: dict[str, str] | None = None,
        status: int = 200,
        changes: Sequence[Change] | None = None,
    ) -> HTMLResponse:
        is_fragment = "hx-request" in request.headers
        wrong = problems or {}
        about: dict[str, Any] = {
            "form": form,
            "subject": subject,
            "title": self._title(subject) if person.name else "",
            "typed": typed,
            "problems": wrong,
            "problem": problem or wrong.get("", ""),
            "changes": changes,
            "csrf": self._house.forms.token(person),
            "event": typed.get("event") or new_key(),
            "url": form_url(form.verb, subject),
            "back": escalation_url(subject),
            "is_fragment": is_fragment,
        }
        if is_fragment:  # a browser logs what is 4xx as an error of the page, and there is none
            shown = status if status >= 500 else 200
            return HTMLResponse(self._pages.page("form.html", zone=self._zone_name(request), **about), shown)
        return self._page("form_page.html", request, status, here="", **about)

    def _over(self, request: Request, verb: str, subject: str, typed: Typed) -> Form:
        """The form over what the board knows of the escalation."""
        now, zone, live = self._house.clock.now(), self._zone(request), self._house.live
        record = live.board.record_of(subject) if live.is_ready else None
        if verb == REBASED:
            return over(_known(verb), self._house.escalations.book, record, now)

        def say(one: Deadline) -> str:
            text = one.text or one.id
            due = f"due {at_time(one.due, now, zone)}" if one.phase == OPEN else "not open any more"
            return f"{text if len(text) <= 120 else f'{text[:119]}…'}, {due}"

        return asking_which(choosing(_known(verb), record, typed, say), typed)

    def _title(self, subject: str) -> str:
        return next((row.view.title for row in self._house.live.board.rows_of(subject)), "")

    # -- the rest ----------------------------------------------------------------------------------------

    async def asset(self, digest: str, name: str) -> Response:
        """A file of ours, which never changes under its address."""
        asset = self._assets.get(name)
        if asset is None or asset.url.split("/")[2] != digest:
            return Response("there is no such file\n", 404, media_type="text/plain")
        return Response(asset.content, media_type=asset.type, headers={"Cache-Control": _KEPT_FOR_EVER})

    async def scrape(self) -> Response:
        """For Prometheus."""
        return Response(generate_latest(self._house.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def alive(self) -> JSONResponse:
        """That the process answers, and its board has not stopped for good: then only a new start helps."""
        is_live = not self._house.live.failed
        return JSONResponse({"live": is_live}, 200 if is_live else 503)

    async def ready(self) -> JSONResponse:
        """That the board has read the engine's state to its end. An archive that cannot go on is told: the
        board is of use without it, and a page that is taken away says nothing to anybody."""
        why = self._house.live.why_not_ready
        told = {"failed": self._house.live.failed, "archive_failed": self._archive_failed()}
        return JSONResponse({"ready": not why, "why_not": why or None, **told}, 503 if why else 200)

    def _archive_failed(self) -> str:
        """Why the archive is kept no more; empty: it is, or not by us."""
        return "" if self._house.keeper is None else self._house.keeper.failed

    # -- who, where, how ---------------------------------------------------------------------------------

    def _who(self, request: Request) -> Person:
        return who(self._house.sign_in, request)

    def _may(self, request: Request, role: str) -> Person:
        return allowed(self._who(request), role)

    def _zone_name(self, request: Request) -> str:
        """The reader's, as the page found it out; else the console's own."""
        name = unquote(request.cookies.get("zone", ""))
        try:
            return time_zone(name).key if name else self._house.zone
        except ZoneInfoNotFoundError:
            return self._house.zone

    def _zone(self, request: Request) -> ZoneInfo:
        return ZoneInfo(self._zone_name(request))

    def _page(self, name: str, request: Request, status: int = 200, **data: Any) -> HTMLResponse:
        clock, zone = self._house.clock, self._zone(request)
        try:
            person = self._who(request)
        except NotSignedIn:
            person = Person("")
        about = {
            "now": clock.now(), "speed": clock.speed, "zone": zone, "pages": _PAGES,
            "may_act": person.may(RESPONDER), "may_move": person.may(ADMIN),
            "archive_failed": self._archive_failed(), "is_read": self._house.live.has_read,
            "recorded": FORMS.get(request.query_params.get("recorded", "")),
        }  # fmt: skip
        if person.may(ADMIN):
            about["pages"] = (*_PAGES, _AUDIT)
        if person.name and self.signing_in is not None:
            about["sign_out"] = {
                "url": SIGN_OUT, "name": person.name, "csrf": self._house.forms.token(person),
            }  # fmt: skip
        return HTMLResponse(self._pages.page(name, **about, **data), status)

    async def _not_signed_in(self, request: Request, error: Exception) -> Response:
        way = self.signing_in and self.signing_in.redirect(request)
        return way or self._problem(request, 401, "You are not signed in", str(error))

    def _problem(
        self, request: Request, status: int, heading: str, what: str, again: str = ""
    ) -> HTMLResponse:
        """`again`: where to sign in."""
        return self._page("problem.html", request, status, here="", heading=heading, what=what, again=again)

    def _says(self, status: int, heading: str) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def answer(request: Request, error: Exception) -> Response:
            what = (
                str(error)
                if status != 503
                else "Load this page again in a moment. The board goes on without it."
            )
            if status == 503:
                log.warning("archive_away", error=str(error).splitlines()[0])
            if status == 403 and request.method == "GET":
                log.warning("page_refused", path=request.url.path, why=str(error))
            return self._problem(request, status, heading, what)

        return answer

    async def _not_yet(self, request: Request, error: Exception) -> Response:
        what = f"{error} This page asks again by itself; the board goes on without it."
        answer = self._problem(request, 503, "A moment, please", what)
        answer.headers.update({"Retry-After": RETRY_AFTER, "Refresh": RETRY_AFTER})
        return answer

    async def _no_escalation(self, request: Request, error: Exception) -> Response:
        """The archive is behind the board, which names what has just been opened at once."""
        if not self._house.live.board.rows_of(request.path_params.get("subject", "")):
            return self._problem(request, 404, "There is no such escalation", str(error))
        what = (
            "The board knows this escalation, and the archive does not yet. Load this page again in a moment."
        )
        return self._problem(request, 404, "It is not in the archive yet", what)

    async def _unreadable(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # what this is registered for
        what = "; ".join(f"{one['loc'][-1]}: {one['msg'].lower()}" for one in error.errors())
        return self._problem(request, 400, "The address cannot be read", what)

    async def _http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # what this is registered for
        if error.status_code == 404:
            what = f"Nothing is at {request.url.path}." if error.detail == "Not Found" else str(error.detail)
            return self._problem(request, 404, "There is no such page", what)
        return self._problem(request, error.status_code, "That did not work", str(error.detail))


async def _typed(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


def _known(verb: str) -> Form:
    form = FORMS.get(verb)
    if form is None:
        raise HTTPException(404, f"there is no form for {verb}; there are {', '.join(FORMS)}")
    return form


def _chips(wanted: Filter) -> list[tuple[str, str, bool]]:
    """Label, address, whether it is on: a chip that is on leads to without it."""
    found = [("Everything", "/", wanted == Filter())]
    for label, changes in (
        ("Mine", {"owner": "me"}), ("Nobody's", {"owner": "none"}), ("P0 and P1", {"sev": "P0,P1"}),
        ("Updates", {"metric": "updates"}), ("Promises", {"metric": "promises"}),
    ):  # fmt: skip
        is_on = all(getattr(wanted, name) == value for name, value in changes.items())
        target = {name: "" if is_on else value for name, value in changes.items()}
        found.append((label, board_url(wanted, **target), is_on))
    return found
