"""The application: who gets in, what a browser may load, forms without scripts, what is not there."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.boards import Desk
from core.core_runs import at
from engine.archive.archive import Archive
from engine.console.app import Clock, House, application
from engine.console.escalations import Escalations
from engine.console.lists import Lists
from engine.console.live import Live
from engine.console.people import BehindProxy, Forms, Person
from engine.contract.codec import Received, Record
from engine.core.decide import Options
from engine.documents.rendering import Press
from engine.intake.sending import NotSent

INES = {"x-forwarded-user": "Ines", "x-forwarded-groups": "support"}
OLEK = {"x-forwarded-user": "Olek"}
FORMS = Forms("secret")


class Sent:
    """In the place of the producer: what it was given, or that Kafka did not answer."""

    def __init__(self) -> None:
        self.records: list[tuple[str, Record]] = []
        self.is_away = False

    async def send(self, records: list[tuple[str, Record]], at: Any = None) -> None:
        if self.is_away:
            raise NotSent("timed out")
        self.records += records


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.take("opened", 0, severity="P1", title="Down & <out>")
    desk.see(31)
    return desk


@pytest.fixture
def archive(tmp_path: Path, desk: Desk) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path / 'archive.db'}") as archive:
        archive.write([Received("desk:1", desk.facts[0])], desk.engine.said, ())
        yield archive


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
async def browser(desk: Desk, archive: Archive, sent: Sent) -> AsyncIterator[httpx.AsyncClient]:
    """A client behind the proxy that is believed."""
    with Press() as press:
        house = House(
            live=Live(desk.board, "changelog", lambda: None, lambda: at(31)),  # type: ignore[arg-type, return-value]
            escalations=Escalations(archive.engine, desk.engine.book, Options(), press),
            lists=Lists(archive.engine, desk.board),
            sender=sent,  # type: ignore[arg-type]
            sign_in=BehindProxy(
                "X-Forwarded-User", "X-Forwarded-Groups", ["127.0.0.1"], {"support"}, {"sre"}
            ),
            forms=FORMS,
            clock=Clock(lambda: at(31)),
            zone="Europe/Oslo",
        )
        transport = httpx.ASGITransport(application(house), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://vigil.example") as client:
            yield client


@pytest.mark.parametrize(
    "path", ["/", "/stream", "/escalations/desk:1", "/documents/brief/desk:1", "/forms/resolved/desk:1"]
)
async def test_nobody_gets_in_unknown(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 401


async def test_the_board_is_drawn_without_scripts_and_every_text_is_escaped(
    browser: httpx.AsyncClient,
) -> None:
    page = (await browser.get("/", headers=OLEK)).text
    assert "Down &amp; &lt;out&gt;" in page
    assert "<out>" not in page
    assert 'data-count="breached">1</b>' in page
    assert "Next customer update" in page


async def test_a_browser_is_told_to_load_nothing_but_ours(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/escalations/desk:1", "/nowhere"):
        answer = await browser.get(path, headers=OLEK)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "style=" not in answer.text
        assert " onclick" not in answer.text


async def test_assets_are_known_by_their_content_and_kept(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/", headers=OLEK)).text
    url = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = await browser.get(url)
    assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get(url.replace("/static/", "/static/0"))).status_code == 404


async def test_a_viewer_looks_and_does_nothing(browser: httpx.AsyncClient, sent: Sent) -> None:
    assert (await browser.get("/forms/acknowledged/desk:1", headers=OLEK)).status_code == 403
    typed = {"csrf": FORMS.token(Person("Olek"))}
    assert (await browser.post("/forms/acknowledged/desk:1", data=typed, headers=OLEK)).status_code == 403
    assert sent.records == []


async def test_what_somebody_records_is_an_event_with_their_name(
    browser: httpx.AsyncClient, sent: Sent
) -> None:
    typed = {"csrf": FORMS.token(Person("Ines")), "audience": "customer"}
    answer = await browser.post("/forms/update_published/desk:1", data=typed, headers=INES)
    assert (answer.status_code, answer.headers["location"]) == (303, "/escalations/desk:1")
    ((family, record),) = sent.records
    assert (family, record.key) == ("ticket", b"desk:1")
    assert b'"by":"Ines"' in record.value


@pytest.mark.parametrize(
    ("headers", "csrf", "status"),
    [
        ({}, "", 409),
        ({}, FORMS.token(Person("Olek")), 409),
        ({"origin": "https://evil.example"}, FORMS.token(Person("Ines")), 403),
        ({"sec-fetch-site": "cross-site"}, FORMS.token(Person("Ines")), 403),
    ],
)
async def test_no_other_site_sends_a_form(
    browser: httpx.AsyncClient, sent: Sent, headers: dict[str, str], csrf: str, status: int
) -> None:
    typed = {"csrf": csrf, "resolution": "rolled back"}
    answer = await browser.post("/forms/resolved/desk:1", data=typed, headers=INES | headers)
    assert answer.status_code == status
    assert sent.records == []
    if status == 409:
        assert "rolled back" in answer.text, "what was typed is kept"


async def test_where_kafka_does_not_answer_nothing_typed_is_lost(
    browser: httpx.AsyncClient, sent: Sent
) -> None:
    sent.is_away = True
    typed = {"csrf": FORMS.token(Person("Ines")), "resolution": "rolled back"}
    answer = await browser.post("/forms/resolved/desk:1", data=typed, headers=INES)
    assert answer.status_code == 503
    assert "rolled back" in answer.text
    assert "send it again" in answer.text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/?state=late", 400, "expected breached, at-risk"),
        ("/escalations/desk:9", 404, "the archive knows nothing of desk:9"),
        ("/documents/novel/desk:1", 404, "expected one of triage"),
        ("/documents/brief/desk:1?form=pdf", 404, "as html, md, json"),
        ("/forms/celebrated/desk:1", 404, "there is no form for celebrated"),
        ("/nowhere", 404, "There is no such page"),
    ],
)
async def test_what_is_not_there_is_named(
    browser: httpx.AsyncClient, path: str, status: int, said: str
) -> None:
    answer = await browser.get(path, headers=INES)
    assert answer.status_code == status
    assert said in answer.text


async def test_an_escalation_tells_its_verdicts_and_its_documents_stand_alone(
    browser: httpx.AsyncClient,
) -> None:
    page = (await browser.get("/escalations/desk:1", headers=OLEK)).text
    assert "recomputed now, equal" in page
    assert "Customer update" in page
    document = await browser.get("/documents/war-room/desk:1", headers=OLEK)
    assert document.headers["content-security-policy"].startswith("sandbox;")
    data = await browser.get("/documents/brief/desk:1?form=json", headers=OLEK)
    assert data.json()["subject"] == "desk:1"


async def test_times_are_told_in_the_readers_zone(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/", headers=OLEK)).text
    assert "due 11:30 CET" in page
    page = (await browser.get("/", headers=OLEK | {"cookie": "zone=America%2FNew_York"})).text
    assert "due 05:30 EST" in page
    page = (await browser.get("/", headers=OLEK | {"cookie": "zone=..%2F..%2Fetc"})).text
    assert "due 11:30 CET" in page
