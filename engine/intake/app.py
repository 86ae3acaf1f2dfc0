"""The web application: a path a door, answered when Kafka has what came, never before."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from engine.contract.records import Record
from engine.core.instants import Instant
from engine.intake.arrival import Arrival, NotAuthentic, NotMapped, OutOfScope, Said
from engine.intake.buckets import Buckets
from engine.intake.configuration import Door
from engine.intake.endings import Endings
from engine.intake.keys import Key, Rate
from engine.intake.records import kind_of, records_of, refused
from engine.intake.sending import DLQ, NotSent, Sender
from engine.intake.source import MOST_BYTES
from engine.metrics.intake import IGNORED, IntakeMetrics

BODY_WITHIN = 10.0
"""Seconds in which a whole body must have come: PagerDuty gives up after five."""
RETRY_AFTER = "5"
"""Seconds."""
PROBED = ["GET", "HEAD"]
"""Load balancers ask by HEAD: the same answer without its body."""
AT_ONCE = 1_000
"""Records that Kafka acknowledges in one go; a storm of alerts has thousands."""

log = structlog.stdlib.get_logger("vigil.intake")


class NoBody(Exception):
    """It did not come as a whole: longer than anybody's payload, too slowly, or whoever sent it has gone."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def application(
    doors: Mapping[str, Door],
    sender: Sender,
    metrics: IntakeMetrics,
    now: Callable[[], Instant] | None = None,
    endings: Endings | None = None,
) -> FastAPI:
    """The application of these doors. `sender` is started and stopped with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await sender.start()
        log.info("intake_ready", doors=sorted(doors))
        yield
        await sender.stop()

    # The OpenAPI document is exported (`vigil intake openapi`), not served: who may post to one door need not
    # know of the others. A slash too many is 404, and no redirect to what the Host header says.
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    porter = Porter(doors, sender, metrics, now or _now, endings or Endings())

    @app.post("/in/{door}", response_model=None)
    async def post(door: str, request: Request) -> Response:
        """A webhook of the source that the door belongs to."""
        return await porter.take(door, request)

    @app.api_route("/live", methods=PROBED)
    async def live() -> dict[str, bool]:
        """That the process answers."""
        return {"live": True}

    @app.api_route("/ready", methods=PROBED)
    async def ready() -> JSONResponse:
        """That Kafka answers, too: else deliveries are better taken by another."""
        is_there = await sender.is_there()
        told = {"ready": is_there, "why_not": None if is_there else "broker_away"}
        return JSONResponse(told, 200 if is_there else 503)

    @app.get("/metrics", response_class=Response)
    async def scrape() -> Response:
        """For Prometheus."""
        body, kind = metrics.exposition()
        return Response(body, media_type=kind)

    return app


class Porter:
    """Lets in what is authentic, and answers for it."""

    def __init__(
        self,
        doors: Mapping[str, Door],
        sender: Sender,
        metrics: IntakeMetrics,
        now: Callable[[], Instant],
        endings: Endings,
    ) -> None:
        self._doors, self._sender, self._metrics, self._now = doors, sender, metrics, now
        self._buckets = Buckets()
        self._endings = endings

    async def take(self, name: str, request: Request) -> Response:
        door = self._doors.get(name)
        if door is None:
            return self._answer("", 404, "unknown_door")
        if wait := self._wait(door.rate, name, "address", request.client.host if request.client else ""):
            return self._too_many(name, wait)
        headers = {k.lower(): v for k, v in request.headers.items()}
        try:
            body = await _body(request, _most_bytes(door, Arrival(b"", headers, self._now())))
        except NoBody as error:
            return self._answer(name, error.status, error.reason)
        arrival = Arrival(body, headers, self._now())
        try:
            key = door.authenticate(arrival)
        except NotAuthentic as error:
            return self._answer(name, 401, error.reason)
        if key is not None and (wait := self._wait(key.rate, name, "key", key.name)):
            return self._too_many(name, wait)
        try:
            return await self._let_in(door, arrival, key)
        except OutOfScope as error:
            log.warning("out_of_scope", door=name, key=key.name if key else "", detail=str(error))
            return self._answer(name, 403, "out_of_scope", detail=str(error))
        except NotSent as error:
            log.error("not_sent", door=name, error=str(error))
            return self._answer(name, 503, "not_sent", retry_after=RETRY_AFTER)

    def _wait(self, rate: Rate | None, *who: str) -> float:
        return 0.0 if rate is None else self._buckets.take(who, rate)

    def _too_many(self, door: str, wait: float) -> Response:
        return self._answer(door, 429, "rate_limited", retry_after=str(ceil(wait)))

    async def _let_in(self, door: Door, arrival: Arrival, key: Key | None) -> Response:
        events: list[tuple[str, Record]] = []
        told: list[Said] = []
        wrong: list[tuple[Arrival, NotMapped]] = []
        for part in door.source.apart(arrival):
            await asyncio.sleep(0)  # of thousands of alerts nobody else waits for the last
            try:
                said = door.source.translate(part, door.mapping)
                if key is not None:
                    _must_be_in_scope(key, said, door.name)
                if door.source.takes_back:
                    back = self._endings.taken_back(door.name, said, arrival.at)
                    said += [one for one in back if key is None or _is_in_scope(key, one, door.name)]
                    told += said
                events += [(one.family, one.record) for one in records_of(said, door.name, part)]
            except NotMapped as why:
                wrong.append((part, why))
        if wrong and door.source.tells_mistakes:
            first = wrong[0][1]
            return self._answer(door.name, 422, first.reason, detail=first.detail, path=first.path)
        letters = [(DLQ, refused(part, door.name, why)) for part, why in wrong if not why.ignored]
        records = [*events, *letters]
        for place in range(0, len(records), AT_ONCE):  # what was sent before one fails has the same ids again
            await self._sender.send(records[place : place + AT_ONCE])
        self._endings.remember(door.name, told, arrival.at)
        return self._answer_for(door.name, len(events), [why for _, why in wrong])

    def _answer_for(self, door: str, events: int, wrong: list[NotMapped]) -> Response:
        """Kafka has it: so many events, and the dead letters of what was wrong."""
        for why in wrong:
            self._metrics.refused(door, IGNORED if why.ignored else why.reason)
            if not why.ignored:
                log.warning("not_mapped", door=door, reason=why.reason, detail=why.detail, path=why.path)
        if wrong and not events:
            all_ignored = all(why.ignored for why in wrong)
            return JSONResponse({"accepted": 0, "reason": wrong[0].reason, "ignored": all_ignored}, 202)
        self._metrics.taken(door, events)
        return JSONResponse({"accepted": events})

    def _answer(self, door: str, status: int, reason: str, *, retry_after: str = "", **more: Any) -> Response:
        self._metrics.refused(door, reason)
        headers = {"Retry-After": retry_after} if retry_after else None
        return JSONResponse({"accepted": 0, "reason": reason, **more}, status, headers)


def _must_be_in_scope(key: Key, said: list[Said], door: str) -> None:
    """All of a delivery or nothing of it."""
    for one in said:
        if not _is_in_scope(key, one, door):
            source, kind = kind_of(one, door)
            raise OutOfScope(f"the key {key.name} may not send {kind} of {source}")


def _is_in_scope(key: Key, said: Said, door: str) -> bool:
    return key.allows(*kind_of(said, door))


def _most_bytes(door: Door, without_body: Arrival) -> int:
    """Of its body. Who has no key is not read further than anybody's one event goes."""
    if door.source.most_bytes == MOST_BYTES:
        return MOST_BYTES
    try:
        door.authenticate(without_body)
    except NotAuthentic:
        return MOST_BYTES
    return door.source.most_bytes


async def _body(request: Request, most: int) -> bytes:
    """The whole body; NoBody as soon as it is longer than `most`."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise NoBody(413, "too_large")
                parts.append(part)
    except TimeoutError:
        raise NoBody(408, "too_slow") from None
    except ClientDisconnect:  # nobody hears the answer; it is counted
        raise NoBody(408, "cut_off") from None
    return b"".join(parts)


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000)
