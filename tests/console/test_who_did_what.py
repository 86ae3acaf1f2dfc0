"""Who did what: a line of log for every act and every refusal, and the page that lists the acts."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from structlog.testing import capture_logs

from console.console_house import ACTOR, READER, Served, served
from engine.archive.archive import Archive
from engine.console.acting import FORMS, event
from engine.console.people import BehindProxy, Forms, Person
from engine.contract.codec import Received, Record, decode
from engine.core.instants import MILLISECOND, Instant, parse_instant

ADA = {"x-forwarded-user": "Ada", "x-forwarded-groups": "sre"}
INES = {"x-forwarded-user": "Ines", "x-forwarded-groups": "support"}
OLEK = {"x-forwarded-user": "Olek"}
FORMS_OF = Forms("secret")
ACTS = [
    ("acknowledged", "desk:1", {}, "Ines", "2026-11-12T08:00:00Z"),
    ("acknowledged", "desk:2", {}, "Olek <b>", "2026-11-12T09:00:00Z"),
    ("resolved", "desk:1", {"resolution": "restarted"}, "Ines", "2026-11-13T09:00:00Z"),
    ("assigned", "desk:2", {"owner": "kim"}, "bot", "2026-11-14T09:00:00Z"),
]
"""Beside events of other sources, which the archive of the example has."""


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    proxy = BehindProxy("X-Forwarded-User", "X-Forwarded-Groups", ["127.0.0.1"], {"support"}, {"sre"})
    with served(tmp_path_factory.mktemp("audit"), proxy, forms=FORMS_OF) as made:
        put(made.archive, [
            (event(FORMS[verb], subject, typed, by, parse_instant(at)), parse_instant(at))
            for verb, subject, typed, by, at in ACTS
        ])  # fmt: skip
        yield made


def put(archive: Archive, records: list[tuple[Record, Instant]]) -> None:
    """As the archive takes them from Kafka."""
    read = [decode(one.key, one.value, one.headers, at // MILLISECOND) for one, at in records]
    facts = [one for one in read if isinstance(one, Received)]
    assert len(facts) == len(records)
    archive.write(facts, [])


@pytest.fixture
async def browser(console: Served) -> AsyncIterator[httpx.AsyncClient]:
    console.sent.records.clear()
    console.sent.is_away = False
    async with console.client() as client:
        yield client


# -- the page ------------------------------------------------------------------------------------------------


def rows(page: str) -> list[tuple[str, str, str]]:
    """Who, what, of what; of each row."""
    found = []
    for row in page.partition("<tbody")[2].split("<tr ")[1:]:
        who, what, subject = (
            row.partition(start)[2].partition(end)[0]
            for start, end in (('data-label="Who">', "</td>"), ('">', "</span></th>"), ('href="/esc', "</a>"))
        )
        found.append((who, what.rpartition(">")[2], subject.rpartition(">")[2]))
    return found


ALL = [
    ("bot", "assigned", "desk:2"), ("Ines", "resolved", "desk:1"),
    ("Olek &lt;b&gt;", "acknowledged", "desk:2"), ("Ines", "acknowledged", "desk:1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", ALL),
        ("?by=ines", [ALL[1], ALL[3]]),
        ("?by=Olek+%3Cb%3E", [ALL[2]]),
        ("?verb=acknowledged", ALL[2:]),
        ("?subject=desk:2&verb=acknowledged", [ALL[2]]),
        ("?from=2026-11-13&to=2026-11-14", [ALL[1]]),
        ("?by=nobody", []),
    ],
)
async def test_the_page_lists_what_the_console_recorded_latest_first(
    browser: httpx.AsyncClient, asked: str, shown: list[tuple[str, str, str]]
) -> None:
    page = await browser.get(f"/audit{asked}", headers=ADA)
    assert page.status_code == 200
    assert rows(page.text) == shown
    assert ("Nothing matches" in page.text) == (not shown)


async def test_pages_of_it_follow_each_other_and_keep_the_filters(browser: httpx.AsyncClient) -> None:
    found, url = [], "/audit?limit=1&by=Ines"
    while url:
        page = (await browser.get(url, headers=ADA)).text
        found += rows(page)
        url = page.partition('<p class="rest">')[2].partition('href="')[2].partition('"')[0]
        url = url.replace("&amp;", "&")
    assert found == [ALL[1], ALL[3]]


@pytest.mark.parametrize("asked", ["?verb=celebrated", "?from=x", "?cursor=WzFd", "?cursor=x", "?limit=0"])
async def test_an_address_that_cannot_be_read_is_named(browser: httpx.AsyncClient, asked: str) -> None:
    assert (await browser.get(f"/audit{asked}", headers=ADA)).status_code == 400


async def test_it_is_for_admins_alone(browser: httpx.AsyncClient) -> None:
    for headers, status in ((ADA, 200), (INES, 403), (OLEK, 403), ({}, 401)):
        with capture_logs() as logs:
            assert (await browser.get("/audit", headers=headers)).status_code == status
        assert [one["path"] for one in logs if one["event"] == "page_refused"] == (
            ["/audit"] if status == 403 else []
        )
    assert 'href="/audit"' in (await browser.get("/", headers=ADA)).text
    assert 'href="/audit"' not in (await browser.get("/", headers=INES)).text


async def test_who_may_only_look_sees_no_form(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/escalations/desk:1", "/promises", "/actions", "/rca", "/patterns"):
        for headers, has_forms in ((INES, True), (OLEK, False)):
            page = (await browser.get(path, headers=headers)).text
            assert ('href="/forms/' in page) == has_forms, path


# -- the log -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "typed", "line"),
    [
        (INES, {}, {"event": "acted", "who": "Ines", "role": "responder"}),
        (OLEK, {}, {"event": "act_refused", "who": "Olek", "role": "viewer", "reason": "NotAllowed"}),
        ({}, {}, {"event": "act_refused", "reason": "NotSignedIn"}),
        (INES, {"csrf": "x"}, {"event": "act_refused", "who": "Ines", "reason": "StaleForm"}),
        (INES, {"resolution": ""}, {"event": "act_refused", "who": "Ines", "reason": "BadInput"}),
        (INES | {"origin": "https://evil.example"}, {}, {"event": "act_refused", "reason": "NotAllowed"}),
        (INES, {"away": "1"}, {"event": "not_sent", "who": "Ines", "error": "no answer"}),
    ],
)
async def test_every_act_and_every_refusal_has_one_line_without_what_was_typed(
    console: Served,
    browser: httpx.AsyncClient,
    headers: dict[str, str],
    typed: dict[str, str],
    line: dict[str, str],
) -> None:
    console.sent.is_away = "away" in typed
    good = {"csrf": FORMS_OF.token(Person("Ines")), "resolution": "the customer's words"}
    with capture_logs() as logs:
        await browser.post("/forms/resolved/desk:3", data=good | typed, headers=headers)
    (told,) = [one for one in logs if one.get("verb")]
    assert told.items() >= (line | {"verb": "resolved", "subject": "desk:3"}).items()
    assert "customer's words" not in str(logs)
    assert bool(console.sent.records) == (line["event"] == "acted")


async def test_keys_of_the_api_have_their_lines_too(browser: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        for key in (ACTOR, READER):
            headers = {"authorization": f"Bearer {key}"}
            await browser.post("/api/v1/forms/acknowledged/desk:3", json={}, headers=headers)
    lines = [one for one in logs if one.get("verb")]
    assert [(one["event"], one.get("who")) for one in lines] == [("acted", "bot"), ("act_refused", None)]
    assert lines[1]["reason"] == "OutOfScope"
    assert ACTOR not in str(logs)


async def test_acts_are_counted_alike_on_pages_and_by_the_api(
    console: Served, browser: httpx.AsyncClient
) -> None:
    def counted() -> dict[tuple[str, str], float]:
        sample = console.house.metrics.registry.get_sample_value
        return {
            (via, result): sample(
                "vigil_console_actions_total", {"verb": "resolved", "result": result, "via": via}
            ) or 0.0
            for via in ("page", "api") for result in ("sent", "refused", "not_sent")
        }  # fmt: skip

    before = counted()
    token = {"csrf": FORMS_OF.token(Person("Ines"))}
    keyed = {"authorization": f"Bearer {ACTOR}"}
    page, by_api = "/forms/resolved/desk:3", "/api/v1/forms/resolved/desk:3"
    await browser.post(page, data=token, headers=INES)  # without what fixed it
    await browser.post(by_api, json={}, headers=keyed)
    fixed = {"resolution": "restarted"}
    for is_away in (False, True):
        console.sent.is_away = is_away
        await browser.post(page, data=token | fixed, headers=INES)
        await browser.post(by_api, json=fixed, headers=keyed)
    await browser.post(page, data=token | fixed, headers=OLEK)  # who may not: nothing to count
    await browser.post(by_api, json=fixed)
    assert {one: after - before[one] for one, after in counted().items()} == dict.fromkeys(before, 1.0)
