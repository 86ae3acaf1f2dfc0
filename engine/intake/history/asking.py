"""Asks a source's API: again after what passes, as late as it wants, and with a name for all else."""

import asyncio
from collections.abc import Mapping
from random import SystemRandom
from typing import Any, NamedTuple

import httpx
import orjson
import structlog

from engine.answers import beginning, retry_after
from engine.intake.arrival import NotMapped
from engine.intake.history.access import Access
from engine.intake.history.failures import HistoryAway, HistoryRefused, HistoryUnreadable, Stopped
from engine.intake.payloads import Node

LARGEST_PAGE = 64 * 1024 * 1024
"""Bytes; a page of a thousand long comments has a few of them."""
ATTEMPTS = 12
"""Of one question, before it is given up: some ten minutes where the source names no wait."""
_BACK_OFF = 60.0
"""Seconds between two attempts at most, where the source does not say."""
_PASSES = (408, 425, 429)

log = structlog.stdlib.get_logger("vigil.intake.history")


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Stopped raises the name for it: what was under way is so again at the next start."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
    raise Stopped


class BadQuery(Exception):
    """400 or 422: what was asked is not answered; `said` is what the source says of it."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class _Failure(NamedTuple):
    """An attempt that may be made again."""

    reason: str
    detail: str
    wait: float | None = None


class Api:
    """One source's API. Use it as a context. Once `stopping` is set nothing is waited for any more."""

    def __init__(
        self, access: Access, *, stopping: asyncio.Event | None = None, timeout: float = 60.0
    ) -> None:
        auth = httpx.BasicAuth(access.user, access.token) if access.user else None
        headers = {"User-Agent": "Vigil", "Accept": "application/json"}
        if auth is None:
            headers["Authorization"] = f"Bearer {access.token}"
        self._client = httpx.AsyncClient(
            base_url=access.url,
            auth=auth,
            headers=headers,
            timeout=timeout,
            follow_redirects=False,  # whoever redirects us would get the token
            trust_env=False,
            proxy=access.proxy or None,
        )
        self._url, self._random = access.url, SystemRandom()
        self._stopping = stopping or asyncio.Event()

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Node:
        """The JSON of an answer. BadQuery; HistoryFailed where it is none, however often it is asked."""
        failure = _Failure("unreachable", "")
        for attempt in range(ATTEMPTS):
            found = await self._once(path, parameters or {})
            if isinstance(found, Node):
                return found
            failure = found
            if attempt + 1 < ATTEMPTS:
                wait = max(found.wait or 0.0, self._wait(attempt))
                log.warning("asked_again", url=self._url + path, why=str(failure.detail), wait_seconds=wait)
                await pause(self._stopping, wait)
        kind = HistoryUnreadable if failure.reason == "bad_page" else HistoryAway
        raise kind(failure.reason, f"{self._url}{path}: {failure.detail}, {ATTEMPTS} times")

    def _wait(self, attempt: int) -> float:
        most: float = min(_BACK_OFF, 0.5 * 2**attempt)
        return round(most * self._random.uniform(0.5, 1.0), 3)

    async def _once(self, path: str, parameters: Mapping[str, Any]) -> Node | _Failure:
        try:
            async with self._client.stream("GET", path, params=dict(parameters)) as answer:
                body = await self._body(path, answer)
        except httpx.HTTPError as error:
            return _Failure("unreachable", f"the connection failed ({type(error).__name__})")
        status = answer.status_code
        if status == 200:
            try:
                return Node(orjson.loads(body))
            except orjson.JSONDecodeError as error:
                return _Failure("bad_page", f"answered 200 and what is no JSON ({error})")
        if status in _PASSES or status >= 500:
            reason = "rate_limited" if status == 429 else "unreachable"
            return _Failure(reason, f"answered {status}", retry_after(answer.headers))
        raise self._refusal(path, status, beginning(body))

    async def _body(self, path: str, answer: httpx.Response) -> bytes:
        parts, size = [], 0
        async for part in answer.aiter_bytes():
            size += len(part)
            if size > LARGEST_PAGE:
                raise HistoryUnreadable("too_large", f"{self._url}{path}: more than {LARGEST_PAGE} bytes")
            parts.append(part)
        return b"".join(parts)

    def _refusal(self, path: str, status: int, said: str) -> Exception:
        where = f"{self._url}{path} answered {status}{said}"
        match status:
            case 400 | 422:
                return BadQuery(f"{status}{said}")
            case 401:
                return HistoryRefused("wrong_credentials", f"{where}; expected the user's token")
            case 403:
                return HistoryRefused("not_allowed", f"{where}; expected a token that may read all of it")
            case 404 | 410:
                return HistoryRefused("not_found", f"{where}; is the url that of the source itself?")
        return HistoryRefused("not_allowed", where)


def as_page(error: NotMapped, where: str) -> HistoryUnreadable:
    """What to say of an answer that is JSON and not in the shape of a page."""
    return HistoryUnreadable("bad_page", f"{where}: {error}")
