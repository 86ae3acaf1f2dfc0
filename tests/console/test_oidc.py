"""Sign-in by OpenID Connect: the whole way through real HTTP, and every way in that is none."""

import json
import logging
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any, NamedTuple

import httpx
import pytest
import structlog
from itsdangerous import TimestampSigner
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr

from console.console_house import READER, Kept, served
from console.provider import ID, SECRET, Provider, listening, provider
from engine.console.oidc import Client, OpenIdConnect, ProviderAway, discover, local_path
from engine.console.people import BadSignIn
from engine.demo.broker import free_port
from engine.stream.logs import configure

pytestmark = pytest.mark.slow

COOKIE_SECRET = "planted-Zk9-cookie-secret-of-the-console"
HOURS = 8.0


class Console(NamedTuple):
    url: str
    provider: Provider
    sent: Kept
    later: list[float]
    """Seconds that the console's clock is ahead."""

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, follow_redirects=True, timeout=20)

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        with self.browser() as browser:
            assert browser.get("/").status_code == 200
            yield browser

    def callback(self, browser: httpx.Client, page: str = "/") -> str:
        """The address with which the provider sends somebody back, not yet followed."""
        gone = browser.get("/sign-in", params={"to": page}, follow_redirects=False)
        return str(httpx.get(gone.headers["location"]).headers["location"])


@pytest.fixture(scope="module")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    later = [0.0]
    with provider() as by:
        port = free_port()
        client = Client(by.url, ID, SecretStr(SECRET), f"http://127.0.0.1:{port}", hours=HOURS)
        sign_in = OpenIdConnect(
            client, discover(by.url), COOKIE_SECRET, {"support"}, {"sre"}, lambda: time.time() + later[0]
        )
        with (
            served(tmp_path_factory.mktemp("oidc"), sign_in) as made,
            listening(made.app, port),
        ):
            yield Console(client.url, by, made.sent, later)


@pytest.fixture
def console(served_once: Console) -> Iterator[Console]:
    by = served_once.provider
    kept = dict(vars(by))
    served_once.sent.records.clear()
    served_once.later[0] = 0.0
    yield served_once
    vars(by).update(kept)


# -- the way in, and what is behind it -----------------------------------------------------------------------


def test_somebody_unsigned_is_sent_to_the_provider_and_back_to_the_page_asked_for(console: Console) -> None:
    with console.browser() as browser:
        page = browser.get("/promises?state=open")
        assert (page.status_code, page.url.raw_path) == (200, b"/promises?state=open")
        asked = console.provider.asked[-1]
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["nonce"]) >= 20
        assert len(asked["state"]) >= 20
        assert asked["redirect_uri"] == f"{console.url}/sign-in/callback"


def test_so_is_somebody_who_asks_for_a_form_in_a_tab_of_its_own(console: Console) -> None:
    with console.browser() as browser:
        asked = browser.get("/forms/resolved/desk:3", follow_redirects=False)
        assert (asked.status_code, asked.headers["location"]) == (
            303, "/sign-in?to=%2Fforms%2Fresolved%2Fdesk%3A3",
        )  # fmt: skip


def test_the_cookie_says_who_and_until_when_and_nothing_else(console: Console) -> None:
    with console.browser() as browser:
        answer = browser.get("/")
        told = [one for step in answer.history for one in step.headers.get_list("set-cookie")]
        held = json.loads(b64decode(browser.cookies["vigil"].split(".")[0]))
    assert len(told) == 2, "one to come back with, one to stay with"
    assert all("httponly" in one and "samesite=lax" in one and "Max-Age=28800" in one for one in told)
    assert held.keys() == {"who"}
    assert held["who"].keys() == {"name", "groups", "until"}
    assert (held["who"]["name"], held["who"]["groups"]) == ("Ines", ["support"])
    assert held["who"]["until"] <= time.time() + HOURS * 3600


@pytest.mark.parametrize(
    ("groups", "form", "audit"),
    [(["support"], 200, 403), (["sre", "x"], 200, 200), ("support", 200, 403), (["staff"], 403, 403),
     (None, 403, 403)],
)  # fmt: skip
def test_groups_give_the_role(console: Console, groups: Any, form: int, audit: int) -> None:
    console.provider.person = {"sub": "u-2", "preferred_username": "Olek", "groups": groups}
    with console.signed_in() as browser:
        assert browser.get("/forms/resolved/desk:3").status_code == form
        assert browser.get("/audit").status_code == audit
        assert ('href="/audit"' in browser.get("/").text) == (audit == 200)


def test_what_the_token_lacks_is_asked_beside_it(console: Console) -> None:
    console.provider.person = {"sub": "u-3"}
    console.provider.beside = {"preferred_username": "Kim", "groups": ["sre"]}
    with console.signed_in() as browser:
        assert browser.get("/audit").status_code == 200
    console.provider.beside["sub"] = "u-4"
    with console.browser() as browser:
        assert "two people" in browser.get("/").text


def test_an_act_names_who_signed_in(console: Console) -> None:
    with console.signed_in() as browser:
        form = browser.get("/forms/acknowledged/desk:3").text
        typed = {name: _value(form, name) for name in ("csrf", "event")}
        done = browser.post("/forms/acknowledged/desk:3", data=typed)
        assert done.status_code == 200
        api = browser.post("/api/v1/forms/acknowledged/desk:3", json={})
        assert api.json()["by"] == "Ines"
    assert [b'"by":"Ines"' in record.value for record in console.sent.records] == [True, True]


def _value(page: str, name: str) -> str:
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/stream"), ("HX", "/forms/resolved/desk:3"), ("POST", "/forms/resolved/desk:3"),
     ("GET", "/api/v1/clocks"), ("POST", "/api/v1/forms/acknowledged/desk:3"), ("POST", "/sign-out")],
)  # fmt: skip
def test_streams_forms_and_the_api_are_answered_by_401(console: Console, method: str, path: str) -> None:
    with console.browser() as browser:
        headers = {"hx-request": "true"} if method == "HX" else {}
        body = {} if path.startswith("/api") else None
        asked = browser.request("GET" if headers else method, path, json=body, headers=headers)
        assert asked.status_code == 401
        assert not asked.history


def test_a_key_of_the_api_needs_no_session(console: Console) -> None:
    with console.browser() as browser:
        told = browser.get("/api/v1/clocks", headers={"authorization": f"Bearer {READER}"})
        assert told.status_code == 200


def test_signing_out_takes_the_form_of_this_page_and_ends_the_session(console: Console) -> None:
    with console.signed_in() as browser:
        for typed, headers in (({}, {}), ({"csrf": "x"}, {}), ({}, {"origin": "https://evil.example"})):
            assert browser.post("/sign-out", data=typed, headers=headers).status_code in (403, 409)
        assert browser.get("/stream-not", follow_redirects=False).status_code == 404
        csrf = _value(browser.get("/").text, "csrf")
        out = browser.post("/sign-out", data={"csrf": csrf})
        assert (out.status_code, out.url.path) == (200, "/signed-out")
        assert browser.get("/", follow_redirects=False).headers["location"] == "/sign-in?to=%2F"


def test_a_session_ends_and_so_does_one_that_was_tampered_with(console: Console) -> None:
    with console.signed_in() as browser:
        held = browser.cookies["vigil"]
        data, rest = held.split(".", 1)
        grown = json.loads(b64decode(data))
        grown["who"]["groups"] = ["sre"]
        browser.cookies.set("vigil", f"{b64encode(json.dumps(grown).encode()).decode()}.{rest}", "127.0.0.1")
        for cookie in list(browser.cookies.jar):
            if cookie.value == held:
                browser.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
        assert browser.get("/", follow_redirects=False).status_code == 303
        assert browser.get("/audit", follow_redirects=False).status_code == 303
    with console.signed_in() as browser:
        console.later[0] = HOURS * 3600 + 1
        assert browser.get("/api/v1/clocks").status_code == 401
        assert browser.get("/", follow_redirects=False).status_code == 303


def test_who_signed_in_at_a_console_whose_clock_is_ahead_is_signed_in_at_the_others(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) + 30)
    with console.signed_in() as browser:
        monkeypatch.undo()
        assert browser.get("/", follow_redirects=False).status_code == 200


def test_a_stream_ends_with_its_session(console: Console) -> None:
    with console.signed_in() as browser, browser.stream("GET", "/stream") as stream:
        parts = stream.iter_raw()
        assert b"event:" in next(parts)
        console.later[0] = HOURS * 3600 + 1
        began = time.monotonic()
        for _ in parts:
            assert time.monotonic() - began < 20
        assert stream.status_code == 200


def test_the_policy_of_pages_stays_strict(console: Console) -> None:
    with console.signed_in() as browser:
        policy = browser.get("/").headers["content-security-policy"]
        assert "form-action 'self'" in policy
        assert console.provider.url not in policy


def test_each_of_several_tabs_comes_back_to_its_own_page(console: Console) -> None:
    """As when a browser opens those of the day before: the last one's cookie is the only one that is kept."""
    with console.browser() as browser:
        pages = ["/promises?state=open", "/rca", "/actions"]
        ways = [console.callback(browser, page) for page in pages]
        early = browser.get(ways[0], follow_redirects=False)
        assert early.status_code == 401
        again = unescape(re.findall(r'href="([^"]+)">Sign in again<', early.text)[0])
        assert again == "/sign-in?to=%2Fpromises%3Fstate%3Dopen"
        for way, page in [(ways[2], pages[2]), (ways[1], pages[1]), (again, pages[0])]:
            assert browser.get(way, follow_redirects=False).headers["location"] == page


def test_a_page_that_a_state_of_anothers_names_is_not_shown(console: Console) -> None:
    with console.signed_in() as browser:
        for state in ("", "x", "WyIvL2V2aWwuZXhhbXBsZSIsMV0.x.y"):
            answer = browser.get(f"/sign-in/callback?code=c&state={state}", follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")


# -- refused -------------------------------------------------------------------------------------------------


def _with(**claims: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda made: {**made, **claims}


def _without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda made: {key: value for key, value in made.items() if key != name}


@pytest.mark.parametrize(
    "change",
    [
        _with(nonce="another"), _without("nonce"),
        _with(exp=1), _with(exp=int(time.time()) - 3600), _without("exp"),
        _with(aud="somebody-else"), _with(aud=["somebody-else"], azp=ID), _without("aud"),
        _with(iss="https://evil.example"), _without("iss"),
        _with(iat=int(time.time()) + 3600), _without("sub"),
        _with(preferred_username=""), _with(preferred_username=["Ines"]), _with(preferred_username="a\nb"),
    ],
)  # fmt: skip
def test_a_token_that_says_something_wrong_is_refused(
    console: Console, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    console.provider.change = change
    with console.browser() as browser:
        answer = browser.get("/")
        assert answer.status_code == 401
        assert answer.url.path == "/sign-in/callback"
        assert browser.get("/", follow_redirects=False).status_code == 303, "and nobody is signed in"


def _by_stranger(made: Provider) -> Callable[[dict[str, Any]], str]:
    return lambda claims: made.signed(claims, RSAKey.generate_key(2048, {"kid": "stranger"}))


def _by_stranger_under_our_name(made: Provider) -> Callable[[dict[str, Any]], str]:
    return lambda claims: made.signed(claims, RSAKey.generate_key(2048, {"kid": made.keys[0].kid}))


def _by_nobody(made: Provider) -> Callable[[dict[str, Any]], str]:
    def sign(claims: dict[str, Any]) -> str:
        head, body = (
            b64encode(json.dumps(one).encode()).decode().rstrip("=").replace("+", "-").replace("/", "_")
            for one in ({"alg": "none"}, claims)
        )
        return f"{head}.{body}."

    return sign


def _by_the_client_secret(made: Provider) -> Callable[[dict[str, Any]], str]:
    key = OctKey.import_key(SECRET)
    return lambda claims: jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"])


def _by_no_token(made: Provider) -> Callable[[dict[str, Any]], str]:
    return lambda claims: "x.y"


@pytest.mark.parametrize(
    "signed", [_by_stranger, _by_stranger_under_our_name, _by_nobody, _by_the_client_secret, _by_no_token]
)
def test_a_token_that_the_provider_has_not_signed_is_refused(
    console: Console, signed: Callable[[Provider], Callable[[dict[str, Any]], str]]
) -> None:
    console.provider.sign = signed(console.provider)
    with console.browser() as browser:
        assert browser.get("/").status_code == 401


def test_keys_that_the_provider_changes_are_known_at_once_the_old_ones_no_longer(
    console: Console,
) -> None:
    with console.signed_in():
        old = console.provider.keys[0]
    console.provider.rotate()
    with console.signed_in():
        console.provider.sign = lambda claims: console.provider.signed(claims, old)
    with console.browser() as browser:
        assert browser.get("/").status_code == 401


def test_a_state_that_is_not_this_browsers_is_refused(console: Console) -> None:
    with console.browser() as browser, console.browser() as other:
        back = console.callback(browser)
        assert "not begun in this browser" in other.get(back).text
        wrong = browser.get(httpx.URL(back).copy_set_param("state", "another"))
        assert wrong.status_code == 401
        assert browser.get("/sign-in/callback").status_code == 401
        assert browser.get(back).status_code == 200, "the right one still works"


def test_a_code_works_once(console: Console) -> None:
    with console.browser() as browser:
        back = console.callback(browser)
        before = {cookie.name: cookie.value for cookie in browser.cookies.jar}
        assert browser.get(back).status_code == 200
    with console.browser() as thief:
        assert thief.get(back).status_code == 401, "without the state of the browser"
        thief.cookies.update(before)
        answer = thief.get(back)
        assert answer.status_code == 401
        assert "invalid_grant" in answer.text, "and with it: the provider remembers"


def test_a_way_that_takes_too_long_is_begun_again(console: Console) -> None:
    with console.browser() as browser:
        back = console.callback(browser)
        console.later[0] = 601.0
        assert "took too long" in browser.get(back).text


def test_a_provider_that_refuses_is_not_quoted(console: Console) -> None:
    console.provider.refuses = "access_denied"
    with console.browser() as browser:
        answer = browser.get("/")
        assert answer.status_code == 401
        assert "access_denied" in answer.text
        assert "pay here" not in answer.text


def test_of_several_tabs_the_later_ones_find_somebody_signed_in(console: Console) -> None:
    with console.browser() as browser:
        first = console.callback(browser)
        second = console.callback(browser)
        assert browser.get(second).status_code == 200
        late = browser.get(first)
        assert (late.status_code, late.url.path) == (200, "/")


@pytest.mark.parametrize(
    "to",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:alert(1)", "evil.example", "", "/sign-in", "/" + "a" * 2_000],
)  # fmt: skip
def test_nobody_is_sent_to_another_site(console: Console, to: str) -> None:
    assert local_path(to) == "/"
    with console.browser() as browser:
        answer = browser.get("/sign-in", params={"to": to})
        assert str(answer.url) == f"{console.url}/"
        again = browser.get("/sign-in", params={"to": to}, follow_redirects=False)
        assert again.headers["location"] == "/", "and nobody who is in already"


@pytest.fixture
def _logging_is_put_back() -> Iterator[None]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging_is_put_back")
def test_nothing_secret_is_in_the_logs(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "debug")
    with console.signed_in() as browser:
        csrf = _value(browser.get("/").text, "csrf")
        held = browser.cookies["vigil"]
        browser.post("/sign-out", data={"csrf": csrf})
    console.provider.sign = _by_stranger(console.provider)
    with console.browser() as browser:
        back = console.callback(browser)
        begun = browser.cookies["vigil"]
        browser.get(back)
    told = capsys.readouterr().err
    lines = [json.loads(line) for line in told.splitlines()]
    events = {line["event"]: line for line in lines}
    assert {"signed_in", "signed_out", "sign_in_refused"} <= events.keys()
    assert (events["signed_in"]["who"], events["signed_in"]["role"]) == ("Ines", "responder")
    assert events["sign_in_refused"]["reason"].startswith("token:")
    for secret in [*console.provider.said, COOKIE_SECRET, held, begun, csrf]:
        assert secret not in told


# -- settings ------------------------------------------------------------------------------------------------

GOOD = Client("https://id.example", ID, SecretStr(SECRET), "https://vigil.example")


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (GOOD._replace(issuer=""), "VIGIL_CONSOLE_OIDC_ISSUER is needed"),
        (GOOD._replace(issuer="http://id.example"), "VIGIL_CONSOLE_OIDC_ISSUER: expected https://"),
        (GOOD._replace(issuer="https://[x"), "VIGIL_CONSOLE_OIDC_ISSUER: expected https://"),
        (GOOD._replace(id=""), "VIGIL_CONSOLE_OIDC_CLIENT_ID is needed"),
        (GOOD._replace(secret=SecretStr("")), "VIGIL_CONSOLE_OIDC_CLIENT_SECRET is needed"),
        (GOOD._replace(url=""), "VIGIL_CONSOLE_URL is needed"),
        (GOOD._replace(url="http://vigil.example"), "VIGIL_CONSOLE_URL: expected https://"),
        (GOOD._replace(url="https://vigil.example/board"), "expected no path"),
        (GOOD._replace(scopes="profile"), "openid must be among them"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(client: Client, said: str) -> None:
    GOOD.check()
    with pytest.raises(BadSignIn, match=said) as refused:
        client.check()
    assert SECRET not in str(refused.value) + repr(client)


def test_a_provider_that_is_away_or_none_is_named_at_start(console: Console) -> None:
    by = console.provider
    with pytest.raises(ProviderAway, match="does not answer"):
        discover(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ProviderAway, match="answers 404"):
        discover(f"{by.url}/realms/none")
    for metadata, said in (
        ({"issuer": "https://other.example"}, "to the letter"),
        ({"jwks_uri": None}, "names no jwks_uri"),
        ({"token_endpoint": "http://id.example/token"}, "expected https://"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "expected some of RS256"),
    ):
        by.metadata = metadata
        with pytest.raises(BadSignIn, match=said):
            discover(by.url)


def test_browsers_that_come_by_tls_keep_a_cookie_for_it_alone(console: Console) -> None:
    found = discover(console.provider.url)
    assert OpenIdConnect(GOOD, found, COOKIE_SECRET, (), ()).cookie == "__Host-vigil"
    with pytest.raises(BadSignIn, match="at least 32 characters"):
        OpenIdConnect(GOOD, found, "short", (), ())
