"""The web application: a path a door, answered when Kafka has what came, never before."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse

from engine.core.instants import Instant
from engine.intake.arrival import Arrival, NotAuthentic, NotMapped
from engine.intake.configuration import Door
from engine.intake.records import records_of, refused
from engine.intake.sending import DLQ, NotSent, Sender
from engine.metrics.intake import IntakeMetrics

MAX_BODY_BYTES = 1024 * 1024
RETRY_AFTER = "5"
"""Seconds."""

log = structlog.stdlib.get_logger("vigil.intake")

_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
    "responses": {
        "200": {"description": "Kafka has its events"},
        "202": {"description": "Authentic, and no event of ours: kept as a dead letter, or counted"},
        "401": {"description": "Not signed with the door's secret"},
        "404": {"description": "No such door"},
        "413": {"description": "More than 1 MiB"},
        "422": {"description": "An event that the contract does not take (doors of CloudEvents only)"},
        "503": {"description": "Kafka did not acknowledge in time: send it again"},
    },
}


class TooLarge(Exception):
    """The body is longer than anybody's payload."""


def application(
    doors: Mapping[str, Door],
    sender: Sender,
    metrics: IntakeMetrics,
    now: Callable[[], Instant] | None = None,
) -> FastAPI:
    """The application of these doors. `sender` is started and stopped with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await sender.start()
        log.info("intake_ready", doors=sorted(doors))
        yield
        await sender.stop()

    app = FastAPI(title="Vigil intake", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    porter = Porter(doors, sender, metrics, now or _now)

    @app.post("/in/{door}", openapi_extra=_BODY, response_model=None)
    async def post(door: Annotated[str, Path(max_length=200)], request: Request) -> Response:
        """A webhook of the source that the door belongs to."""
        return await porter.take(door, request)

    @app.get("/live")
    async def live() -> dict[str, bool]:
        """That the process answers."""
        return {"live": True}

    @app.get("/metrics", response_class=Response)
    async def scrape() -> Response:
        """For Prometheus."""
        body, kind = metrics.exposition()
        return Response(body, media_type=kind)

    return app


class Porter:
    """Lets in what is authentic, and answers for it."""

    def __init__(
        self, doors: Mapping[str, Door], sender: Sender, metrics: IntakeMetrics, now: Callable[[], Instant]
    ) -> None:
        self._doors, self._sender, self._metrics, self._now = doors, sender, metrics, now

    async def take(self, name: str, request: Request) -> Response:
        door = self._doors.get(name)
        if door is None:
            return self._answer("", 404, "unknown_door")
        try:
            body = await _body(request)
        except TooLarge:
            return self._answer(name, 413, "too_large")
        arrival = Arrival(body, {k.lower(): v for k, v in request.headers.items()}, self._now())
        try:
            door.source.authenticate(arrival, door.secrets)
        except NotAuthentic as error:
            return self._answer(name, 401, error.reason)
        try:
            return await self._let_in(door, arrival)
        except NotSent as error:
            log.error("not_sent", door=name, error=str(error))
            return self._answer(name, 503, "not_sent")

    async def _let_in(self, door: Door, arrival: Arrival) -> Response:
        try:
            to_send = records_of(door.source.translate(arrival, door.mapping), door.name, arrival)
        except NotMapped as why:
            return await self._refuse(door, arrival, why)
        await self._sender.send([(one.family, one.record) for one in to_send])
        self._metrics.taken(door.name, len(to_send))
        return JSONResponse({"accepted": len(to_send)})

    async def _refuse(self, door: Door, arrival: Arrival, why: NotMapped) -> Response:
        if door.source.tells_mistakes:
            return self._answer(door.name, 422, why.reason, detail=why.detail, path=why.path)
        if not why.ignored:
            log.warning("not_mapped", door=door.name, reason=why.reason, detail=why.detail, path=why.path)
            await self._sender.send([(DLQ, refused(arrival, door.name, why))])
        return self._answer(door.name, 202, why.reason, ignored=why.ignored)

    def _answer(self, door: str, status: int, reason: str, **more: Any) -> Response:
        self._metrics.refused(door, reason)
        headers = {"Retry-After": RETRY_AFTER} if status == 503 else None
        return JSONResponse({"accepted": 0, "reason": reason, **more}, status, headers)


async def _body(request: Request) -> bytes:
    """The whole body; TooLarge as soon as it is longer than anybody's payload."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000)
