"""The API under /api/v1: what the pages show as JSON, and their forms, for keys and for who is signed in."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import UTC
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Query, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field, create_model

from engine.console import audit, single
from engine.console.acting import CHOICE, FORMS, MOMENT, Form, choosing, event
from engine.console.answers import (
    ActionItem,
    ActionState,
    Answer,
    Credits,
    Flag,
    Listed,
    Patterns,
    Promise,
    PromiseState,
    Record,
    Review,
    ReviewState,
    Tally,
)
from engine.console.asked import MOST, SHOWN, Asked, moment, part
from engine.console.backtested import SideTold
from engine.console.backtests import Backtests, BacktestTold, side_told, wanted
from engine.console.board import Board, counts
from engine.console.escalations import FORMATS, Escalations
from engine.console.filters import BadFilter, Filter
from engine.console.keys import ACT, READ, SCOPES, ApiKey
from engine.console.lists import ACTION_STATES, PROMISE_STATES, REVIEW_STATES, Lists
from engine.console.live import NotRead
from engine.console.people import RESPONDER, SignIn, allowed, same_site, who
from engine.console.policies import InForce
from engine.console.problems import RESPONSES, OutOfScope, add_to
from engine.console.rows import STATES
from engine.console.sources import Sources
from engine.console.summaries import FLAGS, Summaries
from engine.core.instants import NEVER, Instant, seconds, time_zone
from engine.documents.trend import Trend
from engine.intake.keys import PREFIX, owner
from engine.intake.sending import Sender
from engine.metrics.console import ConsoleMetrics

BASE = "/api/v1"
_FORMS = [form for form in FORMS.values() if form.role == RESPONDER]
_OF_THE_BOARD = {"/escalations/{subject:path}", "/actions", "/rca", "/credits"}
"""What tells of running clocks without a field that says whether they are known."""
_WHEN = "A day, midnight in UTC, or a time with its offset."
_scheme = HTTPBearer(auto_error=False, description="A key of the console, or nothing for who is signed in.")


class Caller(NamedTuple):
    """Who asks: the owner of a key, or a person."""

    name: str
    scopes: frozenset[str]


class Parts(NamedTuple):
    """What the API stands on."""

    board: Board
    sources: Sources
    is_ready: Callable[[], bool]
    has_read: Callable[[], bool]
    """Whether the board has ever shown all of the state."""
    escalations: Escalations
    single: single.Single
    lists: Lists
    summaries: Summaries
    backtests: Backtests
    sender: Sender
    sign_in: SignIn
    keys: Sequence[ApiKey]
    now: Callable[[], Instant]
    metrics: ConsoleMetrics


class Input(Answer):
    """A field of a form."""

    name: str
    label: str
    kind: str = Field(description="line, text, moment or choice.")
    required: bool
    choices: list[str]
    hint: str


class FormTold(Answer):
    """What an event of a verb is asked for with."""

    verb: str
    title: str
    fields: list[Input]


class Sent(Answer):
    """Kafka has the event."""

    subject: str
    verb: str
    id: str = Field(description="Of the event; its source is `urn:vigil:console`.")
    by: str
    done: str


class ToBacktest(Answer):
    """What is asked of a backtest."""

    before: str = Field(max_length=400, description="A key of `sides`.")
    after: str = Field(max_length=400, description="Another one.")
    start: str = Field("", alias="from", max_length=64, description=f"30 days ago unless said. {_WHEN}")
    end: str = Field("", alias="to", max_length=64, description=f"Now unless said. {_WHEN}")


class Backtested(Answer):
    """What can be compared, and what has been."""

    sides: list[SideTold]
    candidate_problem: str = Field(description="Why the candidate cannot be read; empty: nothing is wrong.")
    items: list[BacktestTold] = Field(description="The latest first, each without what it found.")


def api(parts: Parts) -> FastAPI:
    """The application to mount at BASE."""
    app = FastAPI(
        title="Vigil", version="1", summary="What is due, why, and what to do about it.",
        servers=[{"url": BASE}], docs_url=None, redoc_url=None, responses=RESPONSES,
    )  # fmt: skip
    add_to(app)
    desk = _Desk(parts)
    reads = [Depends(_scheme), Depends(desk.reads)]
    for path, told in (
        ("/clocks", desk.clocks), ("/escalations", desk.escalations),
        ("/escalations/{subject:path}", desk.escalation), ("/outcomes/{subject:path}", desk.outcomes),
        ("/commitments", desk.commitments), ("/commitment-records", desk.records),
        ("/actions", desk.actions), ("/rca", desk.reviews), ("/patterns", desk.patterns),
        ("/credits", desk.credits), ("/policies", desk.policies), ("/forms", desk.forms),
        ("/backtests", desk.backtests), ("/backtests/{id}", desk.backtest),
    ):  # fmt: skip
        needs = [*reads, Depends(desk.knows)] if path in _OF_THE_BOARD else reads
        app.add_api_route(path, told, dependencies=needs, response_model_exclude_unset=told == desk.outcomes)
    app.add_api_route("/documents/{kind}/{subject:path}", desk.document, dependencies=reads, **_DOCUMENT)
    app.add_api_route("/report", desk.report, dependencies=reads, **_REPORT)
    runs = APIRouter(route_class=_told_of(parts, counts=False))
    for path, name, done in (
        ("/backtests", "backtest", desk.start_backtest),
        ("/backtests/{id}/cancel", "cancel_backtest", desk.cancel_backtest),
    ):
        runs.add_api_route(
            path, done, methods=["POST"], name=name, status_code=202,
            dependencies=[Depends(_scheme), Depends(desk.acts)],
        )  # fmt: skip
    app.include_router(runs)
    acts = APIRouter(route_class=_told_of(parts))
    for form in _FORMS:
        acts.add_api_route(
            f"/forms/{form.verb}/{{subject:path}}", desk.act(form), methods=["POST"], name=form.verb,
            operation_id=form.verb, summary=form.title, description=f"An event: {form.verb}.",
            dependencies=[Depends(_scheme)], response_model=Sent,
        )  # fmt: skip
    app.include_router(acts)
    app.openapi = _openapi(app.openapi)  # type: ignore[method-assign]
    return app


def _told_of(parts: Parts, *, counts: bool = True) -> type[APIRoute]:
    """A route whose acts are told, those too whose body is refused before anything of ours is called."""

    class Act(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            follow = super().get_route_handler()

            async def act(request: Request) -> Response:
                given, metrics = request.path_params, parts.metrics if counts else None
                subject = given.get("subject") or given.get("id", "policies")
                with audit.told(self.name, subject, "api", metrics) as line:
                    request.state.line = line
                    return await follow(request)

            return act

    return Act


def _openapi(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """With the schema of the report, which is no model of ours."""

    def made() -> dict[str, Any]:
        document = make()
        _, found = msgspec.json.schema_components([Trend], ref_template=_OF_REPORT + "{name}")
        prefix = _OF_REPORT.rpartition("/")[2]
        document["components"]["schemas"] |= {f"{prefix}{name}": one for name, one in found.items()}
        return document

    return made


class _Written(Response):
    """A document, in whatever form."""


_DOCUMENT: dict[str, Any] = {
    "response_class": _Written,
    "responses": {
        200: {
            "description": "The document",
            "content": {kind: {"schema": {"type": "string"}} for kind in ("text/html", "text/markdown")}
            | {"application/json": {"schema": {}}},
        }
    },
}
_OF_REPORT = "#/components/schemas/Report"
_REPORT: dict[str, Any] = {
    "response_class": Response,
    "responses": {
        200: {
            "description": "The report, as `vigil report trend --format json` writes it",
            "content": {"application/json": {"schema": {"$ref": f"{_OF_REPORT}Trend"}}},
        }
    },
}

Text: TypeAlias = Annotated[str, Query(max_length=200)]


def ranged(
    customer: Annotated[str, Query(max_length=200, description="Its id or name.")] = "",
    start: Annotated[str, Query(alias="from", max_length=64, description=f"At or after it. {_WHEN}")] = "",
    end: Annotated[str, Query(alias="to", max_length=64, description=f"Before it. {_WHEN}")] = "",
    cursor: Annotated[str, Query(max_length=4_000, description="`next` of the answer before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = SHOWN,
) -> dict[str, str]:
    """What all lists are narrowed by."""
    return {"customer": customer, "from": start, "to": end, "cursor": cursor, "limit": str(limit)}


Ranged: TypeAlias = Annotated[dict[str, str], Depends(ranged)]


def narrowed(ranged: Ranged, team: Text = "") -> dict[str, str]:
    """And those of escalations by their team."""
    return {**ranged, "team": team}


Once: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=255, pattern='^("[^"]+"|[^"]+)$',
        description="Drawn by you for what is sent; sent again with it and the same body, it counts once.",
    ),
]  # fmt: skip
Narrowed: TypeAlias = Annotated[dict[str, str], Depends(narrowed)]
Zone: TypeAlias = Annotated[str, Query(max_length=64, description="An IANA zone, such as Europe/Oslo.")]


def _asked(given: Mapping[str, str], states: Collection[str], state: str | None) -> Asked:
    return Asked.of({**given, "state": state or ""}, states, UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return time_zone(name)
    except ZoneInfoNotFoundError:
        raise BadFilter(f"zone: expected an IANA name such as Europe/Oslo, not {name[:40]!r}") from None


class _Desk:
    """One method a path. All but the sending of events run on threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # -- who ------------------------------------------------------------------------------------------

    def reads(self, request: Request) -> Caller:
        """Who may look."""
        return self._who(request, READ)

    def knows(self) -> None:
        """NotRead as long as it is not known what runs."""
        if not self._parts.has_read():
            raise NotRead("the engine's state has not been read to its end: what runs is not known yet")

    def acts(self, request: Request) -> Caller:
        """Who may send events; asked before what is sent is looked at."""
        caller = self._who(request, ACT)
        request.state.line["who"] = caller.name
        return caller

    def _who(self, request: Request, scope: str) -> Caller:
        given = request.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "bearer" and token.startswith(PREFIX):
            key = owner(self._parts.keys, token)
            caller = Caller(key.name, key.scopes)
            if scope not in caller.scopes:
                raise OutOfScope(f"the key {key.name} may {' and '.join(sorted(key.scopes))}, not {scope}")
            return caller
        person = who(self._parts.sign_in, request)
        if scope == ACT:
            same_site(request.headers)
            allowed(person, RESPONDER)
        return Caller(person.name, frozenset(SCOPES if person.may(RESPONDER) else {READ}))

    # -- the board ------------------------------------------------------------------------------------

    def clocks(
        self,
        request: Request,
        state: Text = "",
        due: Annotated[str, Query(max_length=200, description="15m: within 15 minutes.")] = "",
        owner: Annotated[str, Query(max_length=200, description="me, none, or a name.")] = "",
        sev: Annotated[str, Query(max_length=200, description="Severities, by commas.")] = "",
        metric: Annotated[
            str, Query(max_length=200, description="updates, promises, actions, rca, or a clock's name.")
        ] = "",
        team: Text = "",
        q: Annotated[
            str, Query(max_length=200, description="In the customer, title, subject or owner.")
        ] = "",
        cursor: Annotated[str, Query(max_length=4_000)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = SHOWN,
    ) -> single.Clocks:
        """The deadline board: every running clock, breached first, with the board's filters."""
        given = {
            "state": state,
            "due": due,
            "owner": owner,
            "sev": sev,
            "metric": metric,
            "team": team,
            "q": q,
        }
        wanted, now, me = Filter.of(given), self._parts.now(), self.reads(request).name
        order = self._parts.board.order
        matching = wanted.part_of(order, me, now)
        found, following = part(matching, lambda row: row.order, Asked(cursor=cursor, limit=limit))
        return single.Clocks(
            items=[single.clock_of(row, now) for row in found],
            matching=len(matching),
            next=following,
            tallies=[Tally(state=one, count=order.states[one]) for one in STATES],
            as_of=now,
            counts=single.Counts(**counts(order, now)._asdict()),
            behind=[single.behind_of(one) for one in self._parts.sources.late],
            behind_known=self._parts.sources.is_known,
            behind_bound_seconds=seconds(self._parts.sources.bounds.behind),
            wakes_at=order.wakes_at if order.wakes_at < NEVER else None,
            ready=self._parts.is_ready(),
        )

    # -- escalations ----------------------------------------------------------------------------------

    def escalations(
        self,
        narrowed: Narrowed,
        status: Literal["waiting", "open", "resolved", "closed", "cancelled", "merged"] | None = None,
        severity: Literal["P0", "P1", "P2", "P3"] | None = None,
    ) -> Listed[single.Escalation]:
        """Every escalation of the archive, the latest opened first; from and to are of the opening."""
        asked = _asked(narrowed, (), None)._replace(state=status or "")
        return self._parts.single.many(asked, severity or "", self._parts.now())

    def escalation(self, subject: str, zone: Zone = "UTC") -> single.Whole:
        """One with its events, its verdicts recomputed, its running clocks, and where its documents are."""
        board = self._parts.board
        late = self._parts.sources.holding(subject, board.partition_of(subject))
        rows = board.rows_of(subject)
        return self._parts.single.whole(subject, self._parts.now(), _zone(zone).key, rows, late)

    def outcomes(
        self,
        subject: str,
        standing: Annotated[bool, Query(description="Only what stands, corrections applied.")] = False,
        cursor: Annotated[str, Query(max_length=4_000)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = SHOWN,
    ) -> Listed[single.Outcome]:
        """All that was said of one, in the order of saying, as it is on the topic."""
        asked = Asked(cursor=cursor, limit=limit)
        return self._parts.single.outcomes(subject, asked, standing=standing, now=self._parts.now())

    def document(
        self, kind: str, subject: str, form: Literal["html", "md", "json"] = "html", zone: Zone = "UTC"
    ) -> Response:
        """A document of it as of now."""
        written = self._parts.escalations.document(kind, subject, self._parts.now(), _zone(zone).key, form)
        media = {"html": "text/html", "md": "text/markdown", "json": "application/json"}[FORMATS[form]]
        return Response(written, media_type=media, headers={"Content-Security-Policy": "sandbox"})

    # -- lists ----------------------------------------------------------------------------------------

    def commitments(self, narrowed: Narrowed, state: PromiseState | None = None) -> Listed[Promise]:
        """The commitment ledger: open first; from and to are of the last time promised."""
        return self._parts.lists.promises(_asked(narrowed, PROMISE_STATES, state), self._parts.now())

    def records(self, by: Literal["customer", "person"] = "customer") -> list[Record]:
        """How the promises of each customer or person came out."""
        return self._parts.lists.records(by)

    def actions(self, narrowed: Narrowed, state: ActionState | None = None) -> Listed[ActionItem]:
        """Action items: open first; from and to are of the due time."""
        return self._parts.lists.actions(_asked(narrowed, ACTION_STATES, state), self._parts.now())

    def reviews(self, narrowed: Narrowed, state: ReviewState | None = None) -> Listed[Review]:
        """RCA summaries, final reports and reviews that are owed, or were published."""
        return self._parts.lists.reviews(_asked(narrowed, REVIEW_STATES, state), self._parts.now())

    def patterns(self, ranged: Ranged, state: Flag | None = None) -> Patterns:
        """What recurs, as of at most a minute ago; from and to are of the last member's opening."""
        return self._parts.summaries.patterns(_asked(ranged, FLAGS, state))

    def credits(self, ranged: Ranged, zone: Zone = "UTC") -> Credits:
        """What breaches cost, by customer and month of a zone, and what is not known of it."""
        return self._parts.summaries.credits(_asked(ranged, (), None), _zone(zone))

    def policies(self) -> InForce:
        """The policies in force."""
        return self._parts.summaries.policies

    def backtests(self) -> Backtested:
        """Policies that can be compared, and the backtests that this console has run since it started."""
        sides, wrong = self._parts.backtests.sides()
        return Backtested(
            sides=list(map(side_told, sides)), candidate_problem=wrong,
            items=[one.model_copy(update={"found": None}) for one in self._parts.backtests.all()],
        )  # fmt: skip

    def backtest(self, id: str) -> BacktestTold:
        """One backtest: how far it is, or what it found."""
        return self._parts.backtests.get(id)

    def start_backtest(self, request: Request, body: ToBacktest) -> BacktestTold:
        """Judge the escalations of a period by two policies; ask `/backtests/{id}` how far it is."""
        start, end = (moment(name, text, UTC) for name, text in (("from", body.start), ("to", body.end)))
        asked = wanted(body.before, body.after, start, end, UTC, self._parts.now())
        line = request.state.line
        line |= asked.line
        return self._parts.backtests.start(asked, line["who"])

    def cancel_backtest(self, request: Request, id: str) -> BacktestTold:
        """End it, if it runs."""
        return self._parts.backtests.cancel(id, request.state.line["who"])

    def report(
        self,
        by: Literal["month", "week"] = "month",
        zone: Zone = "UTC",
        start: Annotated[str, Query(alias="from", max_length=64, description="A day of the first.")] = "",
        end: Annotated[str, Query(alias="to", max_length=64, description="The day after the last.")] = "",
    ) -> Response:
        """The trend report; without days the last twelve periods."""
        found: Trend = self._parts.summaries.trend(by, _zone(zone).key, start, end)
        return Response(found.json(), media_type="application/json")

    # -- doing something ------------------------------------------------------------------------------

    def forms(self) -> list[FormTold]:
        """What can be recorded: each is sent to the path of its verb."""
        return [
            FormTold(
                verb=form.verb, title=form.title,
                fields=[
                    Input(
                        name=one.name, label=one.label, kind=one.kind, required=one.required, hint=one.hint,
                        choices=[value for value, _ in one.choices if value],
                    )
                    for one in form.fields
                ],
            )
            for form in _FORMS
        ]  # fmt: skip

    def act(self, form: Form) -> Callable[..., Any]:
        """The path of a form: sends its event, and is answered when Kafka has it."""
        body = _body_of(form)

        async def send(
            subject: str,
            typed: Annotated[Any, Body()],
            caller: Annotated[Caller, Depends(self.acts)],
            key: Once = None,
        ) -> Sent:
            now = self._parts.now()
            given = {name: value for name, value in typed.model_dump().items() if value}
            record_of = self._parts.board.record_of
            known = record_of(subject) if self._parts.is_ready() else None
            over = choosing(form, known, given, lambda one: one.text)
            record = event(over, subject, given, caller.name, now, "" if key is None else key.strip('"'))
            await self._parts.sender.send([("ticket", record)], now)
            identity = dict(record.headers)["ce_id"].decode()
            return Sent(subject=subject, verb=form.verb, id=identity, by=caller.name, done=form.done)

        send.__annotations__["typed"] = body
        return send


def _body_of(form: Form) -> type[BaseModel]:
    """The body of its path: its fields as texts."""
    fields: dict[str, Any] = {}
    for one in form.fields:
        kind: Any = str
        told = one.label
        if one.kind == MOMENT:
            told += "; ISO 8601 with its offset, without one in UTC"
        if one.kind == CHOICE:
            kind = Literal[tuple(value for value, _ in one.choices if value or not one.required)]
        given = Field(..., description=told) if one.required else Field("", description=told)
        fields[one.name] = (kind, given)
    name = "".join(word.capitalize() for word in form.verb.split("_"))
    return create_model(name, __base__=Answer, __doc__=form.title, **fields)
