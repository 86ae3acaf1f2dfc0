"""An admin moves an escalation to another version of its policy, and has seen what that changes."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from console import console_house
from console.console_house import LATER, Served, served, two_versions
from engine.console.people import ADMIN, AtThisMachine, BehindProxy, Forms, Person
from engine.contract.codec import Received, decode
from engine.core.instants import MILLISECOND, parse_instant

ADA = {"x-forwarded-user": "Ada", "x-forwarded-groups": "sre"}
INES = {"x-forwarded-user": "Ines", "x-forwarded-groups": "support"}
FORMS = Forms("secret")
NOW = parse_instant(console_house.NOW)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Served]:
    proxy = BehindProxy("X-Forwarded-User", "X-Forwarded-Groups", ["127.0.0.1"], {"support"}, {"sre"})
    with served(tmp_path, proxy, forms=FORMS, policies=two_versions(tmp_path / "policies")) as one:
        yield one


@pytest.fixture
async def browser(house: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        client.headers.update(ADA | {"cookie": "zone=UTC"})
        yield client


def versions(page: str) -> dict[str, str]:
    return dict(re.findall(r'<option value="([^"]*)"[^>]*>([^<]+)</option>', page))


def changes(page: str) -> list[tuple[str, ...]]:
    """What it says that would change."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', page)
    return [tuple(map(unescape, row)) for row in rows]


async def test_who_moves_it_has_seen_what_that_changes(browser: httpx.AsyncClient, house: Served) -> None:
    address = "/forms/rebased/desk:2"
    typed = await filled_in(browser, "desk:2")
    assert typed["version"].startswith(f"shops@{LATER}@")
    assert versions((await browser.get(address)).text)[typed["version"]] == f"shops from {LATER}, in force"
    asked = await browser.post(address, data=typed)
    assert asked.status_code == 409
    assert "look over what it changes, and send it again" in asked.text
    assert "the new contract" in asked.text
    assert house.sent.records == []
    assert changes(asked.text) == [
        (
            "Resolution",
            "due Mon 08:00 UTC, of 27 h in office hours",
            "breached, due Wed 13:00 UTC, of 5 h in office hours",
        ),
        ("Resolution", "", "at once: breached, a notification to team_lead and manager"),
    ]
    typed["meant"] = re.findall(r'name="meant" value="([^"]*)"', asked.text)[0]
    sent = await browser.post(address, data=typed | {"reason": "it is signed"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/escalations/desk:2?recorded=rebased")
    (record,) = house.sent.records
    policy = next(one for one in house.house.escalations.book.policies if one.version == LATER)
    assert json.loads(record.value) == {
        "policy": "shops", "version": LATER, "hash": policy.hash, "reason": "it is signed", "by": "Ada",
    }  # fmt: skip
    read = decode(record.key, record.value, record.headers, NOW // MILLISECOND)
    assert isinstance(read, Received)
    assert (read.fact.kind, read.fact.at) == ("rebased", NOW)


async def test_what_a_version_leaves_out_is_told_to_be_owed_no_more(browser: httpx.AsyncClient) -> None:
    typed = await filled_in(browser, "desk:1")
    asked = await browser.post("/forms/rebased/desk:1", data=typed)
    told = {what: (before, after) for what, before, after in changes(asked.text)}
    assert told == {"Customer confirms the fix": ("breached, due 10:00 UTC, of 24 h", "not owed")}


async def test_another_version_than_the_one_that_was_seen_is_asked_back_again(
    browser: httpx.AsyncClient, house: Served
) -> None:
    typed = await filled_in(browser, "desk:2")
    asked = await browser.post("/forms/rebased/desk:1", data=typed)
    typed["meant"] = re.findall(r'name="meant" value="([^"]*)"', asked.text)[0]
    assert (await browser.post("/forms/rebased/desk:2", data=typed)).status_code == 409
    assert house.sent.records == []


async def test_nothing_is_moved_to_where_it_is_and_nothing_that_nobody_knows(
    browser: httpx.AsyncClient, house: Served
) -> None:
    first = house.house.escalations.book.policies[0]
    typed = await filled_in(browser, "desk:2")
    stays = f"{first.name}@{first.version}@{first.hash}"
    assert stays not in versions((await browser.get("/forms/rebased/desk:2")).text)
    house.house.live.has_read = False  # whatever judges it, nobody knows
    assert stays in versions((await browser.get("/forms/rebased/desk:2")).text)
    answer = await browser.post("/forms/rebased/desk:2", data=typed | {"version": stays})
    assert (answer.status_code, "it goes by that one already" in answer.text) == (422, True)
    answer = await browser.post("/forms/rebased/desk:77", data=typed)
    assert answer.status_code == 404
    answer = await browser.post("/forms/rebased/desk:2", data=typed | {"version": "shops@2030"})
    assert answer.status_code == 422
    assert house.sent.records == []


async def test_moving_is_for_admins_and_for_pages_alone(browser: httpx.AsyncClient, house: Served) -> None:
    page = "/escalations/desk:2"
    assert "/forms/rebased/desk:2" in (await browser.get(page)).text
    assert "/forms/rebased/" not in (await browser.get(page, headers=INES)).text
    assert (await browser.get("/forms/rebased/desk:2", headers=INES)).status_code == 403
    typed = await filled_in(browser, "desk:2") | {"csrf": FORMS.token(Person("Ines"))}
    assert (await browser.post("/forms/rebased/desk:2", data=typed, headers=INES)).status_code == 403
    assert "rebased" not in {one["verb"] for one in (await browser.get("/api/v1/forms")).json()}
    body = {"version": typed["version"], "reason": "because"}
    assert (await browser.post("/api/v1/forms/rebased/desk:2", json=body)).status_code == 404
    assert house.sent.records == []


async def test_without_another_version_there_is_nothing_to_choose(tmp_path: Path) -> None:
    with served(tmp_path, AtThisMachine("Ada", ADMIN)) as house:
        async with house.client() as client:
            assert "/forms/rebased/" not in (await client.get("/escalations/desk:2")).text
            form = (await client.get("/forms/rebased/desk:2")).text
            assert versions(form) == {"": "there is no other one"}


async def filled_in(browser: httpx.AsyncClient, subject: str) -> dict[str, str]:
    """The form, without what says that the changes were seen."""
    form = (await browser.get(f"/forms/rebased/{subject}")).text
    (to,) = [value for value in versions(form) if value]
    return {"csrf": FORMS.token(Person("Ada")), "version": to, "reason": "the new contract"}
