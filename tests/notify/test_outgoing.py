"""The way out: what must not be reached is not, by whatever name; what is reached cannot lead us on."""

import asyncio
import socket
import time
from ipaddress import ip_address
from typing import Any

import pytest

from engine.notify.alert import Refused, TryAgain
from engine.notify.outgoing import LONGEST_ANSWER, Forbidden, Pace, Reach, connect, must_be_allowed, post
from notify.counterpart import Counterpart, Says, running

HERE = Reach(allow_http=True, allow_private=True, timeout=2)
OUTSIDE = Reach(allow_http=True, timeout=2)

NEVER = [
    "169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254", "168.63.129.16", "100.100.100.200",
    "0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",  # noqa: S104
    "2002:a9fe:a9fe::1",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "192.0.2.1", "198.18.0.1",
    "240.0.0.1", "255.255.255.255", "fec0::1", "::127.0.0.1", "2001:db8::1", "64:ff9b:1::1",
]  # fmt: skip
PUBLIC = ["9.9.9.9", "93.184.216.34", "2606:4700::1111", "64:ff9b::909:909"]


@pytest.mark.parametrize("address", NEVER)
def test_metadata_link_local_and_multicast_are_never_reached(address: str) -> None:
    for reach in (OUTSIDE, HERE):
        with pytest.raises(Forbidden):
            must_be_allowed(ip_address(address), reach)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_needs_to_be_allowed(address: str) -> None:
    with pytest.raises(Forbidden, match="expected allow_private: true"):
        must_be_allowed(ip_address(address), OUTSIDE)
    must_be_allowed(ip_address(address), HERE)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_reached(address: str) -> None:
    must_be_allowed(ip_address(address), OUTSIDE)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"]
)
async def test_loopback_is_not_reached_however_it_is_written(other: Counterpart, host: str) -> None:
    port = other.url.rpartition(":")[2]
    with pytest.raises(Refused, match=r"not public|in full"):
        await post(f"http://{host}:{port}/", b"{}", {}, OUTSIDE)
    assert not other.requests


async def test_a_name_that_leads_inside_is_refused_after_it_is_resolved(
    other: Counterpart, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves(monkeypatch, ["127.0.0.1", "10.0.0.1"])
    port = other.url.rpartition(":")[2]
    with pytest.raises(Refused, match=r"desk\.example: [0-9.]+ is not public"):
        await post(f"http://desk.example:{port}/", b"{}", {}, OUTSIDE)
    with pytest.raises(Forbidden):
        connect("desk.example", int(port), OUTSIDE)
    assert not other.requests


async def test_a_name_that_changes_its_mind_is_dialled_where_it_was_checked(
    other: Counterpart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: a public answer for whoever checks, then ours for whoever connects."""
    asked = resolves(monkeypatch, ["9.9.9.9"], ["127.0.0.1"])
    dialled: list[Any] = []

    async def dial(_: object, __: socket.socket, address: Any) -> None:
        dialled.append(address[0])
        raise ConnectionRefusedError(111, "refused by the test")

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "sock_connect", dial)
    port = other.url.rpartition(":")[2]
    with pytest.raises(TryAgain):
        await post(f"http://desk.example:{port}/", b"{}", {}, OUTSIDE)
    assert dialled == ["9.9.9.9"]
    assert len(asked) == 1, "asked again between the check and the connection"
    with pytest.raises(Refused):
        await post(f"http://desk.example:{port}/", b"{}", {}, OUTSIDE)
    assert dialled == ["9.9.9.9"]


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let desk.example resolve to each of these in turn, the last for ever; what was asked, in a list."""
    real, asked = socket.getaddrinfo, []

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
        if host != "desk.example":
            return real(host, port, *arguments, **named)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


async def test_a_redirect_leads_nowhere(other: Counterpart) -> None:
    async with running() as inside:
        other.answers = [Says(307, headers={"Location": f"{inside.url}/secret"})]
        answer = await post(other.url, b"{}", {}, HERE)
        assert answer.status == 307
        assert not inside.requests


async def test_no_more_of_an_answer_is_read_than_anybody_needs(other: Counterpart) -> None:
    other.answers = [Says(200, "x" * 5_000_000)]
    assert len((await post(other.url, b"{}", {}, HERE)).body) == LONGEST_ANSWER


async def test_proxies_of_the_environment_are_not_used_and_a_configured_one_is(
    other: Counterpart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await post(f"{other.url}/in", b"{}", {}, HERE)
        assert (len(other.requests), len(proxy.requests)) == (1, 0)
        await post("http://desk.example/in", b"{}", {}, OUTSIDE._replace(proxy=proxy.url))
        assert (len(other.requests), len(proxy.requests)) == (1, 1)
        assert proxy.requests[0].headers["Host"] == "desk.example"


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "http://a.example/", "https:///in", "https://a b/", "a.example"]
)
async def test_what_is_no_https_url_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(Refused, match="expected") as caught:
        await post(url, b"{}", {}, Reach())
    assert url not in str(caught.value)


async def test_nobody_there_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(TryAgain, match=r"127\.0\.0\.1") as caught:
            await post(f"http://127.0.0.1:{port}/token-in-path", b"{}", {}, HERE)
    assert "token-in-path" not in str(caught.value)


async def test_turns_of_one_key_are_apart_and_keys_do_not_wait_for_each_other() -> None:
    pace, start = Pace(0.2), time.monotonic()
    await asyncio.gather(*(pace.turn(key) for key in ("a", "a", "a", "b")))
    assert 0.35 < time.monotonic() - start < 2
