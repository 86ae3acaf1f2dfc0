"""Whoever speaks HTTP badly, slowly or not to the end is answered or counted; no log is filled by it."""

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine.intake import app as module
from engine.intake.keys import hash_of
from intake.listening import app_of, listening

DOORS = f'doors: {{direct: {{source: cloudevents, keys: [{{name: a, hash: "{hash_of("x" * 20)}"}}]}}}}'
HEAD = b"POST /in/direct HTTP/1.1\r\nHost: intake\r\n"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(module, "BODY_WITHIN", 0.5)
    with listening(app_of(tmp_path, DOORS)[0]) as found:
        yield found


def said(url: str, *parts: bytes, wait: bool = True) -> bytes:
    """The answer to these bytes; empty where the connection is closed before it comes."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(4_096) if wait else b""


def test_a_body_that_does_not_come_is_not_waited_for(url: str) -> None:
    assert said(url, HEAD + b"Content-Length: 100\r\n\r\n", b"some").startswith(b"HTTP/1.1 408 ")
    assert 'result="too_slow"} 1.0' in httpx.get(f"{url}/metrics").text


def test_who_hangs_up_in_the_middle_is_counted_and_fills_no_log(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        said(url, HEAD + b"Content-Length: 100\r\n\r\n", b"some", wait=False)
        until = time.monotonic() + 10
        while 'result="cut_off"} 1.0' not in httpx.get(f"{url}/metrics").text:
            assert time.monotonic() < until
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", 400),
        (HEAD + b"X-Api-Key: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}", 401),
        (HEAD + b"X-Forwarded-For: \xff, ,,\r\nContent-Length: 2\r\n\r\n{}", 401),
        (b"POST /in/%ff%fe HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    ],
)
def test_what_is_no_good_http_is_refused_and_the_next_one_is_served(
    url: str, raw: bytes, status: int
) -> None:
    assert said(url, raw).startswith(b"HTTP/1.1 %d " % status)
    assert httpx.get(f"{url}/live").json() == {"live": True}


@pytest.mark.parametrize("path", ["/live", "/ready"])
def test_a_load_balancer_that_probes_by_head_is_answered_without_a_body(url: str, path: str) -> None:
    told = said(url, f"HEAD {path} HTTP/1.1\r\nHost: intake\r\nConnection: close\r\n\r\n".encode())
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.endswith(b"\r\n\r\n")
