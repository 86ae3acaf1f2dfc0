"""The worker's own web server: /metrics for Prometheus, /ready and /live for the orchestrator.

Not Faust's: that one shows tables without authentication, and its / answers OK whatever happens.
"""

import structlog
from aiohttp import web

from engine.metrics import Metrics
from engine.metrics.metrics import SCRAPER
from engine.stream.listening import sockets_of
from engine.stream.readiness import Readiness

log = structlog.stdlib.get_logger("vigil.stream")


class HealthServer:
    """Serves until stopped. `port` is the one in use, also where any was asked for."""

    def __init__(self, host: str, port: int, metrics: Metrics, readiness: Readiness) -> None:
        self._host = host
        self.port = port
        self._metrics = metrics
        self._readiness = readiness
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """OSError where the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._scrape)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/live", self._live)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        both = sockets_of(self._host, self.port)
        for one in both:
            await web.SockSite(self._runner, one).start()
        if not both:
            await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]
        log.info("health_server", host=self._host, port=self.port)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _scrape(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.exposition(
            request.headers.get("Accept", ""), scraped=SCRAPER in request.headers
        )
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _ready(self, _: web.Request) -> web.Response:
        status, answer = self._readiness.answer()
        return web.json_response(answer, status=status)

    async def _live(self, _: web.Request) -> web.Response:
        # That the event loop answers is what it means: doubt and crashes end the process.
        return web.json_response({"live": True})
