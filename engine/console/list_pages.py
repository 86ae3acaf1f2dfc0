"""The pages that list: one method each, with filters in the address."""

from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from engine.console.answers import Listed
from engine.console.asked import MOST, Asked, address
from engine.console.backtests import Backtests
from engine.console.drawing import BACKTEST, backtest_url
from engine.console.filters import BadFilter
from engine.console.lists import ACTION_STATES, PROMISE_STATES, REVIEW_STATES, Lists
from engine.console.people import Person
from engine.console.rows import next_step
from engine.console.summaries import FLAGS, Summaries
from engine.core.instants import Instant
from engine.core.policy import SEVERITIES
from engine.documents.trend import Trend, TrendRefused
from engine.documents.trend import page as trend_page
from engine.documents.trend.table import table as trend_table
from engine.documents.trend.wording import Names
from engine.policies.describing import in_short, in_words, notes

PAGES = (
    ("Patterns", "/patterns"), ("Promises", "/promises"), ("Action items", "/actions"), ("RCA due", "/rca"),
    ("Report", "/report"), ("Credits", "/credits"), ("Policies", "/policies"),
)  # fmt: skip
"""In the order of the navigation."""

_CHOICES = 13
"""Periods that the report links to: a year and the same one of the year before."""

STATES = {
    "open": ("run", "", "Open"),
    "at_risk": ("risk", "hot", "At risk"),
    "unknown": ("unknown", "unknown", "Due, verdict unknown"),
    "overdue": ("breach", "bad", "Overdue"),
    "missed": ("breach", "bad", "Missed"),
    "kept": ("ok", "good", "Kept"),
    "kept_late": ("breach", "bad", "Kept late"),
    "done": ("ok", "good", "Done"),
    "done_late": ("breach", "bad", "Done late"),
    "published": ("ok", "good", "Published"),
    "published_late": ("breach", "bad", "Published late"),
    "withdrawn": ("off", "off", "Withdrawn"),
    "waived": ("off", "off", "Waived"),
    "cancelled": ("off", "off", "No longer owed"),
    "owed": ("run", "", "To be flagged"),
    "flagged": ("ok", "good", "Flagged"),
    "once": ("off", "off", "Not recurred"),
}
"""Sign, look and word of a state: never colour alone."""


REPORT_FILES: dict[str, tuple[str, Callable[[Trend], str | bytes]]] = {
    "html": ("text/html; charset=utf-8", trend_page.page),
    "csv": ("text/csv; charset=utf-8", trend_table),
    "json": ("application/json", Trend.json),
}
"""By the end of the file's name."""


class Frame(NamedTuple):
    """What the application does around every page."""

    who: Callable[[Request], Person]
    """NotSignedIn."""
    zone: Callable[[Request], ZoneInfo]
    now: Callable[[], Instant]
    page: Callable[..., HTMLResponse]


class ListPages:
    """Reads on threads of its own (no route is async): an archive that is slow holds up no board."""

    def __init__(self, frame: Frame, lists: Lists, summaries: Summaries, backtests: Backtests) -> None:
        self._frame, self._lists, self._summaries = frame, lists, summaries
        self._backtests = backtests

    def add_to(self, app: FastAPI) -> None:
        for path, page in (
            ("/patterns", self.patterns), ("/promises", self.promises), ("/actions", self.actions),
            ("/rca", self.reviews), ("/report", self.report), ("/credits", self.credits),
            ("/policies", self.policies),
        ):  # fmt: skip
            app.add_api_route(path, page, response_class=HTMLResponse)

    def promises(self, request: Request) -> HTMLResponse:
        """What was promised, by whom and to whom, and how it came out."""
        by = request.query_params.get("by", "customer")
        if by not in ("customer", "person"):
            raise BadFilter(f"by: expected customer or person, not {by[:40]!r}")
        return self._list(
            request, "promises.html", "Promises", PROMISE_STATES, self._lists.promises,
            lambda: {"by": by, "records": self._lists.records(by)},
        )  # fmt: skip

    def actions(self, request: Request) -> HTMLResponse:
        """Action items: open, overdue, done."""
        return self._list(request, "actions.html", "Action items", ACTION_STATES, self._lists.actions)

    def reviews(self, request: Request) -> HTMLResponse:
        """RCA summaries, final reports and reviews that are owed, or were published."""
        return self._list(
            request,
            "rca.html",
            "RCA due",
            REVIEW_STATES,
            self._lists.reviews,
            lambda: {"next_step": next_step},
        )

    def patterns(self, request: Request) -> HTMLResponse:
        """What recurs, what of it was flagged in time, and which two may be one."""
        return self._list(
            request, "patterns.html", "Patterns", FLAGS, lambda asked, _: self._summaries.patterns(asked)
        )

    def credits(self, request: Request) -> HTMLResponse:
        """What breaches cost by the contract; months begin in the reader's zone."""
        zone = self._frame.zone(request)
        return self._list(
            request, "credits.html", "Credits", (), lambda asked, _: self._summaries.credits(asked, zone)
        )

    def policies(self, request: Request) -> HTMLResponse:
        """The policies in force: what is owed by severity, on which hours, under which version and hash."""
        self._frame.who(request)
        described = self._summaries.policies
        told = {one.hash: list(notes(one.model_dump(exclude_unset=True))) for one in described.policies}
        return self._frame.page(
            "policies.html", request, here="Policies", book=described, notes=told, severities=SEVERITIES,
            course=self._backtests.course(), compare=backtest_url, backtest=BACKTEST,
            in_short=lambda target: in_short(target and target.model_dump()), in_words=in_words,
        )  # fmt: skip

    def report(self, request: Request, form: str = "page") -> Response:
        """The trend report: in a page of ours, or as a file (html, csv, json)."""
        self._frame.who(request)
        query = {name: request.query_params.get(name, "") for name in ("by", "from", "to")}
        by, zone = query["by"] or "month", self._frame.zone(request).key
        try:
            found = self._summaries.trend(by, zone, query["from"], query["to"])
        except TrendRefused as error:
            status = 400 if any(query.values()) else 200
            return self._frame.page(
                "report.html", request, status, here="Report", by=by, query=query, refused=str(error)
            )
        if form in REPORT_FILES:
            kind, written = REPORT_FILES[form]
            name = f'attachment; filename="trend-{found.whole.day}.{form}"'
            return Response(written(found), media_type=kind, headers={"Content-Disposition": name})
        return self._frame.page(
            "report.html", request, here="Report", by=by, query=query, refused="", periods=_periods(found),
            body=Markup(trend_page.body(found)),  # noqa: S704  # the documents' own, which escapes
        )  # fmt: skip

    def _list(
        self,
        request: Request,
        template: str,
        here: str,
        states: Collection[str],
        listed: Callable[[Asked, Instant], Listed[Any]],
        more: Callable[[], dict[str, Any]] = dict,
    ) -> HTMLResponse:
        self._frame.who(request)
        asked = Asked.of(request.query_params, states, self._frame.zone(request))
        found = listed(asked, self._frame.now())
        return self._frame.page(
            template, request, here=here, listed=found, **self._around(request, asked, found), **more()
        )

    def _around(self, request: Request, asked: Asked, found: Listed[Any]) -> dict[str, Any]:
        """What every list has above and below it."""
        query, path = dict(request.query_params), request.url.path
        chips = [("Everything", sum(one.count for one in found.tallies), "", not asked.state)]
        chips += [
            (STATES[one.state][2], one.count, one.state, one.state == asked.state) for one in found.tallies
        ]
        return {
            "path": path,
            "query": query,
            "is_filtered": any((asked.customer, asked.team, asked.state, asked.start, asked.end)),
            "chips": [
                (word, count, address(path, query, state=state), is_on) for word, count, state, is_on in chips
            ],
            "states": STATES,
            "more": address(path, query, limit=min(MOST, 2 * asked.limit)) if asked.limit < MOST else "",
            "next": found.next and address(path, query, limit=asked.limit) + f"&cursor={found.next}",
        }


def _periods(found: Trend) -> list[tuple[str, str, str, bool]]:
    """Of each period that the report knows, the last ones: name, first day, the day after its last, and
    whether it is the whole of the report."""
    names, shown = Names(found), found.whole
    told = [*found.earlier, *found.periods][-_CHOICES:]
    return [
        (
            names.full(one),
            one.day,
            (date.fromisoformat(one.last_day) + timedelta(days=1)).isoformat(),
            (one.day, one.last_day) == (shown.day, shown.last_day),
        )
        for one in told
    ]
