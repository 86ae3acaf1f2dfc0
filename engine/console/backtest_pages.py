"""What would have happened: the pages that ask for a backtest, show how far it is, and what it found."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from engine.console.asked import moment
from engine.console.audit import told
from engine.console.backtested import Said
from engine.console.backtests import RUNNING, Backtests, BacktestTold, Busy, wanted
from engine.console.drawing import BACKTEST, backtest_url, local_day
from engine.console.filters import BadFilter
from engine.console.list_pages import Frame
from engine.console.people import RESPONDER, Forms, Person, StaleForm, allowed, same_site
from engine.console.sides import CANDIDATE, IN_FORCE, Side
from engine.core.instants import Instant
from engine.core.outcomes import VERDICTS
from engine.replay.changes import verdict_words

WAYS = {
    "worse": ("breach", "bad", "More missed"),
    "better": ("ok", "good", "Fewer missed"),
    "other": ("moved", "", "Otherwise"),
}
"""Sign, look and word of a direction: never colour alone."""
_FIELDS = ("before", "after", "from", "to")


class BacktestPages:
    """Whoever may look sees them all; starting and ending one takes a responder."""

    def __init__(self, frame: Frame, backtests: Backtests, forms: Forms) -> None:
        self._frame, self._backtests, self._forms = frame, backtests, forms

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route(BACKTEST, self.ask, response_class=HTMLResponse)
        app.add_api_route(BACKTEST, self.start, methods=["POST"])
        app.add_api_route(BACKTEST + "/{identity}", self.one, response_class=HTMLResponse)
        app.add_api_route(BACKTEST + "/{identity}/cancel", self.cancel, methods=["POST"])

    def ask(self, request: Request) -> HTMLResponse:
        """What to compare, and what has been compared; what the address gives is chosen already."""
        return self._asked(request, self._frame.who(request), request.query_params)

    async def start(self, request: Request) -> Response:
        """Begin it; answered with where it is."""
        typed: dict[str, str] = {}
        try:
            with told("backtest", "policies", "page", None) as line:
                person = await self._sent(request, line, typed)
                begun = await run_in_threadpool(self._start, request, typed, person, line)
        except (StaleForm, BadFilter, Busy) as error:
            status = 400 if isinstance(error, BadFilter) else 409
            person = self._frame.who(request)
            return await run_in_threadpool(self._asked, request, person, typed, str(error), status)
        return RedirectResponse(f"{BACKTEST}/{begun.id}", 303)

    def one(self, request: Request, identity: str) -> HTMLResponse:
        """How far it is, or what it found; of a page that asks again only that."""
        person, zone = self._frame.who(request), self._frame.zone(request)
        run = self._backtests.get(identity)
        end = "" if run.end > run.started_at else local_day(Instant(run.end), zone)
        template = "backtest_run.html" if "hx-request" in request.headers else "backtest_one.html"
        return self._frame.page(
            template, request, here="Policies", run=run, is_running=run.state == RUNNING, path=BACKTEST,
            again=backtest_url(run.before.key, run.after.key, local_day(Instant(run.start), zone), end),
            csrf=self._forms.token(person), words=verdict_words, ways=WAYS, warnings=_warnings(run),
        )  # fmt: skip

    async def cancel(self, request: Request, identity: str) -> Response:
        """End it."""
        with told("cancel_backtest", identity, "page", None) as line:
            person = await self._sent(request, line, {})
            self._backtests.cancel(identity, person.name)
        return RedirectResponse(f"{BACKTEST}/{identity}", 303)

    async def _sent(self, request: Request, line: dict[str, Any], typed: dict[str, str]) -> Person:
        """Who sent a form of ours; what is in it is put into `typed`. NotSignedIn, NotAllowed, StaleForm."""
        person = self._frame.who(request)
        line |= {"who": person.name, "role": person.role}
        allowed(person, RESPONDER)
        same_site(request.headers)
        typed |= {name: str(value) for name, value in (await request.form()).items()}
        self._forms.check(typed.get("csrf", ""), person)
        return person

    def _start(
        self, request: Request, typed: Mapping[str, str], person: Person, line: dict[str, Any]
    ) -> BacktestTold:
        zone = self._frame.zone(request)
        start, end = (moment(name, typed.get(name, ""), zone) for name in ("from", "to"))
        asked = wanted(typed.get("before", ""), typed.get("after", ""), start, end, zone, self._frame.now())
        line |= asked.line
        return self._backtests.start(asked, person.name)

    def _asked(
        self,
        request: Request,
        person: Person,
        typed: Mapping[str, str],
        problem: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        sides, wrong = self._backtests.sides()
        chosen = {name: typed.get(name, "") for name in _FIELDS}
        default = wanted("", "", None, None, self._frame.zone(request), self._frame.now())
        return self._frame.page(
            "backtest.html", request, status, here="Policies", sides=sides, candidate_problem=wrong,
            chosen=_chosen(chosen, sides), start=default.start, problem=problem, path=BACKTEST,
            runs=self._backtests.all(),  csrf=self._forms.token(person),
        )  # fmt: skip


def _warnings(run: BacktestTold) -> list[Said]:
    """What is said and settles nothing, where the sides say it differently often."""
    said = run.found.said if run.found is not None else []
    return [one for one in said if one.outcome not in VERDICTS and one.before != one.after]


def _chosen(given: dict[str, str], sides: list[Side]) -> dict[str, str]:
    """Where nothing is given: what is in force, and the candidate or else the last version."""
    keys = [side.key for side in sides]
    likely = CANDIDATE if CANDIDATE in keys else keys[-1]
    return {**given, "before": given["before"] or IN_FORCE, "after": given["after"] or likely}
