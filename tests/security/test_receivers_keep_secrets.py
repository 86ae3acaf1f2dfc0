"""What a receiver answers may hold what it was sent; nothing that we say of it does."""

import contextlib
import io
import logging
import ssl
import traceback
from pathlib import Path
from typing import Literal

import orjson
import pytest

from engine.notify.alert import Refused, TryAgain
from engine.notify.configuration import NotifyErrors, configuration
from engine.notify.receivers import receiver_of
from engine.stream.logs import configure
from notify.alerting import Remembered, alert, notification
from notify.counterpart import Counterpart
from notify.mailbox import mailbox
from security.planted import PLANTED, assert_nothing_of_it, echo, receivers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", list(receivers("")))
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_a_receiver_that_answers_with_what_it_was_sent(
    kind: str, status: int, other: Counterpart
) -> None:
    made = receiver_of(kind, receivers(other.url)[kind])
    other.judge = lambda sent: echo(sent, status)
    reason = ""
    try:
        await made.send(notification(alert()), Remembered())
    except (Refused, TryAgain) as error:
        reason = error.reason
        assert_nothing_of_it(reason, str(error), "".join(traceback.format_exception(error)))
    if status != 200:
        assert reason
    if status in (400, 401):
        assert "no such thing" in reason, "what it says is told"
    assert other.requests
    assert_nothing_of_it(repr(made))


async def test_a_mail_server_that_answers_with_the_password(tls: ssl.SSLContext, certificate: Path) -> None:
    account = {"username": "vigil", "password": PLANTED, "ca_file": str(certificate)}
    async with mailbox(tls) as box:
        there = {"type": "email", "host": "localhost", "port": box.port, "allow_private": True, "timeout": 2}
        made = receiver_of("mail", there | account | {"sender": "a@example.com", "to": ["b@example.com"]})
        for code in (535, 454):
            box.says["AUTH"] = f"{code} {PLANTED} is no password of vigil"
            with pytest.raises((Refused, TryAgain)) as caught:
                await made.send(notification(alert()), Remembered())
            assert "is no password" in str(caught.value)
            assert_nothing_of_it(caught.value.reason, "".join(traceback.format_exception(caught.value)))
        assert_nothing_of_it(repr(made))


@pytest.mark.parametrize("kind", list(receivers("http://127.0.0.1:9")))
def test_a_file_that_is_refused_shows_no_secret(kind: str, tmp_path: Path) -> None:
    """Each value in turn where another belongs."""
    good = receivers("http://127.0.0.1:9")[kind]
    file = tmp_path / "notify.yaml"
    for name, value in good.items():
        for wrong in ({name: [value]}, {f"{name}s": value}, {name: f"{value}\n"}, {"timeout": str(value)}):
            given = {"receivers": {kind: {**good, **wrong}}, "route": {"receiver": kind}}
            file.write_bytes(orjson.dumps(given))
            with contextlib.suppress(NotifyErrors):
                configuration(file, dict)
                continue
            with pytest.raises(NotifyErrors) as caught:
                configuration(file, dict)
            assert_nothing_of_it(str(caught.value), "".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_in_a_log_shows_no_values(form: Literal["json", "console"]) -> None:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        configure(form)
        try:
            headers = {"authorization": f"Bearer {PLANTED}"}
            raise RuntimeError(f"{len(headers)} headers")
        except RuntimeError:
            logging.getLogger("vigil").exception("receiver_broke")
    assert "1 headers" in said.getvalue()
    assert_nothing_of_it(said.getvalue())
