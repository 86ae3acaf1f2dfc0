"""The pages that list: one method each, with filters in the address."""

from collections.abc import Callable, Collection
from datetime import tzinfo
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from engine.console.answers import Listed
from engine.console.asked import MOST, Asked, address
from engine.console.filters import BadFilter
from engine.console.lists import ACTION_STATES, PROMISE_STATES, REVIEW_STATES, Lists
from engine.core.instants import Instant

PAGES = (("Promises", "/promises"), ("Action items", "/actions"), ("RCA due", "/rca"))
"""In the order of the navigation."""

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
}
"""Sign, look and word of a state: never colour alone."""


class Frame(NamedTuple):
    """What the application does around every page."""

    who: Callable[[Request], object]
    """NotSignedIn."""
    zone: Callable[[Request], tzinfo]
    now: Callable[[], Instant]
    page: Callable[..., HTMLResponse]


class ListPages:
    """Reads on threads of its own (no route is async): an archive that is slow holds up no board."""

    def __init__(self, frame: Frame, lists: Lists) -> None:
        self._frame, self._lists = frame, lists

    def add_to(self, app: FastAPI) -> None:
        for path, page in (
            ("/promises", self.promises), ("/actions", self.actions), ("/rca", self.reviews),
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
        return self._list(request, "rca.html", "RCA due", REVIEW_STATES, self._lists.reviews)

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
