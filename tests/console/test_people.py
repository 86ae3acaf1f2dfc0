"""Who may do what, and forms that nobody else can send for them."""

import time
from pathlib import Path

import pytest
from itsdangerous import TimestampSigner

from console.console_house import served
from engine.cli.console import sign_in
from engine.console import people
from engine.console.people import (
    ADMIN,
    RESPONDER,
    VIEWER,
    AtThisMachine,
    BadSignIn,
    BehindProxy,
    Forms,
    NotSignedIn,
    Person,
    StaleForm,
)
from engine.settings import Settings

PROXY = BehindProxy(
    "X-Forwarded-User",
    "X-Forwarded-Groups",
    ["10.0.0.7", "fd00::/8"],
    {"support", "josé", "équipe"},
    {"sre", "ines"},
)


@pytest.mark.parametrize(
    ("headers", "person"),
    [
        ({"x-forwarded-user": "olek"}, Person("olek", VIEWER)),
        ({"x-forwarded-user": "olek", "x-forwarded-groups": "sales, support"}, Person("olek", RESPONDER)),
        ({"x-forwarded-user": "olek", "x-forwarded-groups": "support,sre"}, Person("olek", ADMIN)),
        ({"x-forwarded-user": "ines"}, Person("ines", ADMIN)),
        ({"x-forwarded-user": "josé"}, Person("josé", RESPONDER)),
        ({"x-forwarded-user": "josÃ©"}, Person("josé", RESPONDER)),
        ({"x-forwarded-user": "é", "x-forwarded-groups": "sales,équipe"}, Person("é", RESPONDER)),
        ({"x-forwarded-user": "é", "x-forwarded-groups": "Ã©quipe"}, Person("é", RESPONDER)),
    ],
)
def test_a_proxy_says_who_it_is(headers: dict[str, str], person: Person) -> None:
    assert PROXY.who(headers, "10.0.0.7") == person
    assert PROXY.who(headers, "fd00::12") == person


@pytest.mark.parametrize(
    ("headers", "address", "why"),
    [
        ({"x-forwarded-user": "ines"}, "10.0.0.8", "through its proxy"),
        ({"x-forwarded-user": "ines"}, "", "through its proxy"),
        ({}, "10.0.0.7", "must set x-forwarded-user"),
        ({"x-forwarded-user": " "}, "10.0.0.7", "must set x-forwarded-user"),
        ({"x-forwarded-user": "x" * 201}, "10.0.0.7", "at most 200 printable"),
        ({"x-forwarded-user": "i\u202enes"}, "10.0.0.7", "at most 200 printable"),
    ],
)
def test_nobody_else_is_believed(headers: dict[str, str], address: str, why: str) -> None:
    with pytest.raises(NotSignedIn, match=why):
        PROXY.who(headers, address)


@pytest.mark.parametrize("proxies", [[], ["proxy.example"], ["10.0.0.0/33"]])
def test_a_proxy_that_is_no_address_is_refused(proxies: list[str]) -> None:
    with pytest.raises(BadSignIn, match="VIGIL_CONSOLE_PROXIES"):
        BehindProxy("a", "b", proxies, set(), set())


def test_roles_include_those_before_them() -> None:
    assert Person("a", ADMIN).may(RESPONDER)
    assert Person("a", RESPONDER).may(RESPONDER)
    assert not Person("a", VIEWER).may(RESPONDER)
    assert AtThisMachine("me").who({}, "").may(RESPONDER)


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "LOCALHOST:8090", "[::1]:8090", "vigil.here"])
def test_where_nobody_signs_in_this_machine_is_asked_for_by_its_own_names(host: str) -> None:
    by = sign_in(Settings(console_url="http://vigil.here:8090"), "127.0.0.1", "kim", "secret")
    assert by.who({"host": host}, "127.0.0.1").name == "kim"


@pytest.mark.parametrize("host", ["evil.example:8090", "127.0.0.1.evil.example", "[", "", "vigil.here.evil"])
def test_a_site_whose_name_leads_to_this_machine_is_not_the_console(host: str) -> None:
    by = sign_in(Settings(console_url="http://vigil.here:8090"), "127.0.0.1", "kim", "secret")
    with pytest.raises(NotSignedIn, match="must not be asked for as"):
        by.who({"host": host}, "127.0.0.1")


async def test_nothing_is_told_to_such_a_site_and_nothing_recorded_for_it(tmp_path: Path) -> None:
    by = sign_in(Settings(), "localhost", "kim", "secret")
    with served(tmp_path, by, events=False) as house:
        async with house.client() as client:
            for path in ("/", "/stream", "/promises", "/api/v1/clocks", "/forms/resolved/desk:1"):
                answer = await client.get(path)
                assert answer.status_code == 401, path
                assert "csrf" not in answer.text
            own = {"origin": "http://console.test", "sec-fetch-site": "same-origin"}
            refused = await client.post("/api/v1/forms/resolved/desk:1", json={}, headers=own)
            assert refused.status_code == 401
            assert (await client.get("/", headers={"host": "localhost:8090"})).status_code == 200
    assert house.sent.records == []


def test_a_form_is_of_one_person_and_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = Forms("secret")
    token = forms.token(Person("ines"))
    forms.check(token, Person("ines"))
    for wrong, who in (
        (token, "olek"),
        ("", "ines"),
        (token + "x", "ines"),
        (Forms("other").token(Person("ines")), "ines"),
    ):
        with pytest.raises(StaleForm):
            forms.check(wrong, Person(who))
    monkeypatch.setattr(people, "FORM_HOURS", -1)
    with pytest.raises(StaleForm, match="older"):
        forms.check(token, Person("ines"))


def test_a_form_of_a_console_whose_clock_is_a_little_ahead_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    ines, forms, here = Person("ines"), Forms("secret"), int(time.time())
    tokens = {}
    for ahead in (1, 50, 120):
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _, at=here + ahead: at)
        tokens[ahead] = forms.token(ines)
    monkeypatch.undo()
    forms.check(tokens[1], ines)
    forms.check(tokens[50], ines)
    with pytest.raises(StaleForm):
        forms.check(tokens[120], ines)
