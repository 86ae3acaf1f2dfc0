"""The page is one file that needs nothing else, says what it shows, and carries what is written as text."""

import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from small_archives import archive, escalation, outcome, row_of, segment

from engine.core.instants import DAY, HOUR, Span, parse_instant
from engine.core.outcomes import Outcome, Versions
from engine.documents.trend import Asked, Trend, charts, trend
from engine.documents.trend.page import page
from engine.documents.trend.table import table
from engine.documents.trend.wording import longer, points

START = parse_instant("2026-03-02T00:00:00Z")
HOSTILE = '<script>alert("1")</script>&amp; Group 1'
_VOID = {"meta", "br", "hr", "img", "link", "input"}


class Elements(HTMLParser):
    """All elements, in order; every end belongs to the last start that is open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]


def busy(team: str = "Group 1") -> Trend:
    """Two weeks and a bit of everything."""
    opened, said = [], []
    for number in range(40):
        subject, at, severity = f"desk:{number}", START + number * DAY // 3, f"P{number % 4}"
        opened.append(escalation(subject, at, gravest=severity, fingerprint="disk", title=team, service=team))
        said += _verdicts(number, subject, at, severity, team)
    with archive(opened, map(row_of, said)) as connection:
        return trend(connection, Asked("week", "UTC", date(2026, 3, 9), date(2026, 3, 16)))


def _verdicts(number: int, subject: str, at: int, severity: str, team: str) -> Iterator[Outcome]:
    parts = (
        segment(at, at + HOUR, "", HOUR, team, team),
        segment(at + HOUR, at + 2 * HOUR, "paused:pending_customer"),
    )
    late, missed = number % 3 == 0, number % 5 == 0
    yield outcome(
        subject, 1, "stopped_late" if late else "met", at + 2 * HOUR, severity=severity, segments=parts,
        hash="0", versions=Versions("", "1", "1", "1"), elapsed=Span(HOUR),
        elapsed_calendar=Span((number % 7 + 1) * HOUR),
    )  # fmt: skip
    yield outcome(subject, 2, "breached" if late else "met", at + HOUR)
    yield outcome(subject, 3, "cadence_missed" if missed else "met", at, metric="customer_update")
    yield outcome(subject, 4, "commitment_missed" if missed else "met", at, metric="commitment")
    yield outcome(subject, 5, "met", at, metric="acknowledge")


def empty() -> Trend:
    with archive([escalation("desk:1", START)]) as connection:
        return trend(connection, Asked())


@pytest.mark.parametrize("report", [busy(), empty()], ids=["busy", "empty"])
def test_the_file_needs_nothing_else_and_runs_nothing(report: Trend) -> None:
    text = page(report)
    icon = "link", {"rel": "icon", "href": "data:,"}  # none, so that no browser asks for one
    found = [one for one in Elements(text).found if one != icon]
    assert not {"script", "link", "img", "iframe", "a", "use"} & {tag for tag, _ in found}
    for _, attrs in found:
        assert not any(name.startswith("on") or name in ("style", "src", "href") for name in attrs)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_every_chart_has_a_title_and_a_description_of_its_own() -> None:
    elements = Elements(page(busy()))
    drawn = elements.named("svg")
    ids = [attrs["id"] for tag, attrs in elements.found if tag in ("title", "desc") and "id" in attrs]
    named = [name for attrs in drawn for name in str(attrs["aria-labelledby"]).split()]
    assert len(drawn) >= 8
    assert all(attrs["role"] == "img" for attrs in drawn)
    assert named == ids
    assert len(set(ids)) == len(ids)


def test_every_chart_has_a_table_in_its_section() -> None:
    sections = page(busy()).split('<section class="part">')[1:]
    drawn = [section for section in sections if "<svg" in section]
    assert len(drawn) >= 7
    assert all("<table>" in section for section in drawn)


def test_headings_are_in_order_and_tables_name_their_columns_and_rows() -> None:
    elements = Elements(page(busy()))
    headings = [tag for tag, _ in elements.found if re.fullmatch(r"h\d", tag)]
    assert headings == ["h1"] + ["h2"] * 8
    assert all(attrs.get("scope") in ("col", "row") for attrs in elements.named("th"))


def test_what_is_written_in_a_ticket_stays_text() -> None:
    elements = Elements(page(busy(HOSTILE)))
    assert not elements.named("script")
    assert HOSTILE in elements.text  # as a table's cell, whole


def test_what_nobody_knows_is_said_to_be_unknown() -> None:
    words = " ".join(Elements(page(empty())).text)
    for told in (
        "No clock was judged.", "No clock was stopped.", "No update, promise, RCA or action item was due.",
        "Unknown: of no escalation a fingerprint is known.", "Unknown: no fingerprint is known.",
        "Unknown: no resolution with a proof.", "none was due", "unknown: no fingerprint is known",
    ):  # fmt: skip
        assert told in words
    assert "0.0" not in words
    assert "100.0" not in words


def test_light_dark_and_paper_have_a_colour_for_everything_that_is_drawn() -> None:
    text = page(busy())
    style = text[text.index("<style>") : text.index("</style>")]
    used = set(re.findall(r"var\(--([\w-]+)\)", style)) - {"font", "mono"}

    def given(where: str) -> set[str]:
        blocks = re.findall(where + r"\s*:root \{([^}]*)\}", style)
        return {name for block in blocks for name in re.findall(r"--([\w-]+):", block)}

    light = given(r"(?:/|\})")
    dark, paper = given(r"prefers-color-scheme: dark\) \{"), given(r"@media print \{")
    assert used <= light
    assert used <= dark
    assert used <= paper


def test_the_same_report_gives_the_same_bytes() -> None:
    assert (page(busy()), busy().json(), table(busy())) == (page(busy()), busy().json(), table(busy()))


@pytest.mark.parametrize(
    ("severities", "said"), [("P0", "P0:"), ("P0 P2", "P0 and P2:"), ("P0 P1 P2", "P0, P1 and P2:")]
)
def test_severities_of_few_cases_are_listed_as_people_list_them(severities: str, said: str) -> None:
    rows = [escalation(one, START, gravest=one) for one in severities.split()]
    with archive(rows) as connection:
        made = page(trend(connection, Asked()))
    assert f" {said} too few to call a trend." in made


def test_lengths_are_longer_and_shares_are_higher() -> None:
    assert [longer(2 * 3600, 3600), longer(3600, 2 * 3600)] == ["1 h longer", "1 h shorter"]
    assert [points(0.05, 0.01), points(0.01, 0.05)] == ["4.0 points higher", "4.0 points lower"]


def test_bars_and_ticks_are_as_long_as_their_numbers() -> None:
    rows = [charts.Bar("a", 10, "10", 5), charts.Bar("b", 5, "5", None), charts.Bar("c", 0, "0", 0)]
    drawn = charts.bars(charts.Said("k", "t", "d"), rows, "before")
    widths = [float(width) for width in re.findall(r'width="([\d.]+)"', drawn)]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert widths[2] == 0
    [left] = re.findall(r'd="M([\d.]+) 12V', drawn)
    [first, _] = [float(x) - float(left) for x in re.findall(r'd="M([\d.]+) \d+v20"', drawn)]
    assert first == pytest.approx(widths[1], abs=0.2)


def test_equal_steps_of_the_time_axis_are_equal_multiples() -> None:
    rows = [charts.Range(str(hours), hours, None, f"{hours} h", [hours]) for hours in (1, 4, 16)]
    drawn = charts.ranges(charts.Said("k", "t", "d"), rows, "before")
    one, four, sixteen = (float(x) for x in re.findall(r'cx="([\d.]+)" cy="[\d.]+" r="3.5"', drawn))
    assert four - one == pytest.approx(sixteen - four, abs=0.2)


@pytest.mark.parametrize("periods", [1, 3, 12, 36, 80])
def test_labels_of_many_columns_do_not_touch(periods: int) -> None:
    given = [charts.Column(f"{n} Mar", n / 100, f"{n / 100:.1f} %", current=True) for n in range(periods)]
    drawn = charts.columns(charts.Said("k", "t", "d"), given)
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="146"', drawn)]
    assert all(after - before >= 6 * 6 for before, after in pairwise(places))
    assert all(-1 <= float(x) <= charts.WIDTH for x in re.findall(r'<text x="([-\d.]+)"', drawn))
