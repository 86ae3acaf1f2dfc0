"""Pages from templates: our own, compiled once, every value escaped."""

from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.console.asked import address
from engine.console.assets import Asset
from engine.console.filters import Filter
from engine.console.looks import outcome_look
from engine.console.rows import Row
from engine.console.saying import at_time, with_year
from engine.core.instants import (
    MILLISECOND,
    SECOND,
    Instant,
    Span,
    format_instant,
    parse_instant,
    to_datetime,
)
from engine.core.recurrence import is_pattern
from engine.documents.way import clock_length
from engine.documents.words import (
    away,
    clock_time,
    date_and_time,
    due_words,
    length,
    ordinal,
    owed,
    when,
)

_FOLDER = Path(__file__).with_name("templates")


class Pages:
    """Fills in the templates of the console."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        made = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        made.globals |= {
            "asset": assets.__getitem__,
            "icons": Markup((_FOLDER / "icons.svg").read_text("utf-8")),  # noqa: S704  # ours, not a reader's
            "escalation_url": escalation_url,
            "form_url": form_url,
            "document_url": document_url,
            "board_url": board_url,
            "outcome_look": outcome_look,
            "address": address,
            "milliseconds": lambda at: at // MILLISECOND,
        }
        made.filters |= {
            "clock_time": clock_time,
            "date_and_time": date_and_time,
            "due_words": due_words,
            "to_the_second": to_the_second,
            "from_iso": parse_instant,
            "clock_length": clock_length,
            "at_time": at_time,
            "with_year": with_year,
            "zone_of": zone_of,
            "when": when,
            "iso": format_instant,
            "local_day": local_day,
            "owed": owed,
            "seconds_long": lambda seconds: length(Span(round(seconds * SECOND))),
            "plain": lambda number: f"{number:g}",
            "share": share,
            "away": away,
            "ordinal": ordinal,
            "percent": lambda share: f"{share * 100:.1f}%",
        }
        self._templates = made
        self._row = made.get_template("row.html")

    def page(self, name: str, **data: Any) -> str:
        return self._templates.get_template(name).render(**data)

    def row(self, row: Row, zone: tzinfo, now: Instant, *, may_act: bool) -> str:
        """One row of the board; `may_act`: with the form for what is next."""
        return self._row.render(row=row, view=row.view, zone=zone, now=now, may_act=may_act)


def escalation_url(subject: str) -> str:
    return f"/escalations/{quote(subject, safe=':@')}"


def pattern_url(subject: str) -> str:
    """A pattern's place in their list: it has no page of its own."""
    return f"/patterns#{quote(subject, safe=':@')}"


def recorded_url(subject: str, verb: str) -> str:
    """Where somebody is led who has recorded something on a page of its own; the page says that it was."""
    page = pattern_url(subject) if is_pattern(subject) else escalation_url(subject)
    path, mark, place = page.partition("#")
    return f"{path}?{urlencode({'recorded': verb})}{mark}{place}"


def form_url(verb: str, subject: str, given: Mapping[str, str] | None = None) -> str:
    asked = f"?{urlencode(given)}" if given else ""
    return f"/forms/{verb}/{quote(subject, safe=':@')}{asked}"


def document_url(kind: str, subject: str, **more: str) -> str:
    asked = f"?{urlencode(more)}" if more else ""
    return f"/documents/{kind}/{quote(subject, safe=':@')}{asked}"


def board_url(wanted: Filter = Filter(), **changes: str) -> str:  # noqa: B008  # immutable
    """The board with these filters, changed."""
    asked = {name: value for name, value in wanted._replace(**changes)._asdict().items() if value}
    return f"/?{urlencode(asked, safe=',')}" if asked else "/"


BACKTEST = "/policies/backtest"


def backtest_url(before: str, after: str, start: str = "", end: str = "") -> str:
    """The page that asks what would have happened, with two sides and days chosen."""
    return address(BACKTEST, {}, **{"before": before, "after": after, "from": start, "to": end})


def zone_of(at: Instant, zone: tzinfo) -> str:
    """`CET`: what the zone is called then."""
    return to_datetime(at).astimezone(zone).tzname() or ""


def local_day(at: Instant, zone: tzinfo) -> str:
    """`2026-11-12`: as an input of days takes it."""
    return to_datetime(at).astimezone(zone).date().isoformat()


def to_the_second(at: Instant, zone: tzinfo) -> str:
    """`Thu 12 Nov 14:20:00`."""
    local = to_datetime(at).astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M:%S}"


def share(part: int, whole: int) -> str:
    """`7 of 12, 58 %`: never a share without its counts."""
    return f"{part:,} of {whole:,}, {round(100 * part / whole)} %" if whole else f"{part:,} of {whole:,}"
