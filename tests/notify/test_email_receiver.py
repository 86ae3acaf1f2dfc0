"""The e-mail receiver against a real SMTP server, with real TLS, that refuses and breaks off on order."""

import ssl
import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from engine.notify.alert import Alert, Receiver, Refused, TryAgain
from engine.notify.receivers import BadReceiver, receiver_of
from notify.alerting import Remembered, alert, notification, resolved
from notify.mailbox import CUT, SILENT, Mailbox, mailbox

GOOD: dict[str, object] = {
    "type": "email",
    "host": "localhost",
    "sender": "vigil@example.com",
    "to": ["kim@example.com", "lee@example.com"],
}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for localhost, with its key, that signs itself."""
    folder = tmp_path_factory.mktemp("tls")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*command, *more], cwd=folder, check=True, capture_output=True, timeout=60)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def receiver(box: Mailbox, **more: object) -> Receiver:
    plain: dict[str, object] = {"port": box.port, "allow_private": True, "security": "none", "timeout": 1}
    return receiver_of("mail", GOOD | plain | more)


async def send(to: Receiver, *alerts: Alert) -> None:
    await to.send(notification(*alerts), Remembered())


async def test_an_alert_is_one_message_in_text_and_html_to_all() -> None:
    async with mailbox() as box:
        links = {"Ticket": "https://desk.example/{subject}"}
        await send(receiver(box, links=links), alert(title="<b>Down</b>"))
    (message,) = box.messages
    assert [line for line in box.commands if line.startswith("RCPT")] == [
        "RCPT TO:<kim@example.com>",
        "RCPT TO:<lee@example.com>",
    ]
    assert message["Subject"] == "[Vigil] zendesk:acme:4711 <b>Down</b>"
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().startswith("P1 breached: Resolution")
    assert "https://desk.example/zendesk%3Aacme%3A4711" in text.get_content()
    assert "&lt;b&gt;Down&lt;/b&gt;" in html.get_content()
    assert "<b>" not in html.get_content()


async def test_nothing_that_others_wrote_is_html() -> None:
    async with mailbox() as box:
        await send(receiver(box), alert("room_too_large", people=("<img src=x>",), customer_id="<i>"))
    html = box.messages[0].get_body(("html",))
    assert html is not None
    assert "&lt;img src=x&gt;" in html.get_content()
    assert "<img" not in html.get_content()
    assert "<i>" not in html.get_content()


async def test_an_escalation_is_one_thread_and_a_second_copy_has_the_same_id() -> None:
    async with mailbox() as box:
        mail = receiver(box)
        for one in (alert(), alert(), resolved(), alert(subject="desk:2")):
            await send(mail, one)
    first, again, over, other = box.messages
    assert first["Message-ID"] == again["Message-ID"] != over["Message-ID"]
    assert first["References"] == over["References"] == over["In-Reply-To"] != other["References"]
    assert first["Subject"] == over["Subject"]


async def test_a_message_is_dated_when_it_is_sent_and_not_when_the_clock_was_breached() -> None:
    began = int(time.time())
    async with mailbox() as box:
        await send(receiver(box), alert())
    (message,) = box.messages
    assert parsedate_to_datetime(message["Date"]).timestamp() >= began


async def test_escalations_of_one_group_are_messages_of_their_own() -> None:
    async with mailbox() as box:
        await send(
            receiver(box),
            alert(subject="desk:1"),
            alert(subject="desk:2"),
            alert("overdue", subject="desk:1"),
        )
    assert [message["Subject"].split()[1] for message in box.messages] == ["desk:1", "desk:2"]


async def test_a_title_adds_no_header() -> None:
    async with mailbox() as box:
        await send(receiver(box), alert(title="Down\r\nBcc: all@evil.example\r\n\r\nHello\x00\u2028there"))
    (message,) = box.messages
    assert message["Bcc"] is None
    assert message["Subject"].endswith("Down Bcc: all@evil.example Hello there")
    assert len([line for line in box.commands if line.startswith("RCPT")]) == 2


@pytest.mark.parametrize("from_the_start", [False, True])
async def test_it_is_sent_through_tls_and_logs_in_there(
    tls: ssl.SSLContext, certificate: Path, tmp_path: Path, from_the_start: bool
) -> None:
    (tmp_path / "password").write_text("hunter22\n")
    account = {"username": "vigil", "password_file": str(tmp_path / "password"), "ca_file": str(certificate)}
    async with mailbox(tls, from_the_start=from_the_start) as box:
        await send(receiver(box, security="tls" if from_the_start else "starttls", **account), alert())
    assert len(box.messages) == 1
    login = next(line for line in box.commands if line.startswith("AUTH"))
    assert from_the_start or box.commands.index("STARTTLS") < box.commands.index(login)


async def test_a_server_that_nobody_vouches_for_gets_nothing(tls: ssl.SSLContext) -> None:
    async with mailbox(tls) as box:
        with pytest.raises(TryAgain, match="certificate"):
            await send(receiver(box, security="starttls"), alert())
    assert not box.taken


async def test_a_server_without_starttls_gets_nothing() -> None:
    async with mailbox() as box:
        with pytest.raises(Refused, match="STARTTLS"):
            await send(receiver(box, security="starttls"), alert())
    assert not box.taken


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("hello", "421 busy", TryAgain),
        ("hello", "554 go away", Refused),
        ("MAIL", "451 later", TryAgain),
        ("MAIL", "550 not you", Refused),
        ("DATA", "452 full", TryAgain),
        ("content", "554 spam", Refused),
        ("content", "451 later", TryAgain),
        ("content", CUT, TryAgain),
        ("RCPT", "450 greylisted", TryAgain),
        ("RCPT", "550 no such user", Refused),
        ("EHLO", CUT, TryAgain),
        ("MAIL", SILENT, TryAgain),
    ],
)
async def test_4xx_and_a_broken_connection_are_tried_again_and_5xx_is_refused(
    command: str, answer: str, error: type[Exception]
) -> None:
    async with mailbox() as box:
        box.says[command] = answer
        with pytest.raises(error, match=r"localhost|example\.com"):
            await send(receiver(box), alert())


async def test_one_address_that_is_refused_is_logged_and_the_others_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged: list[dict[str, Any]] = []
    log = SimpleNamespace(warning=lambda event, **keys: logged.append({"event": event, **keys}))
    monkeypatch.setattr("engine.notify.receivers.email.log", log)
    async with mailbox() as box:
        box.says["RCPT TO:<lee@example.com>"] = "550 no such user"
        await send(receiver(box), alert(subject="desk:1"), alert(subject="desk:2"))
    assert len(box.taken) == 2
    why = "lee@example.com: 550 no such user"
    assert logged == [{"event": "address_refused", "receiver": "mail", "why": why}] * 2


async def test_a_message_that_is_refused_keeps_no_other_from_being_sent() -> None:
    three = [alert(subject=f"desk:{n}") for n in range(3)]
    async with mailbox() as box:
        box.contents = ["554 looks like spam"]
        with pytest.raises(Refused, match="554 looks like spam") as caught:
            await send(receiver(box), *three)
    assert [message["Subject"].split()[1] for message in box.messages] == ["desk:1", "desk:2"]
    assert caught.value.keys == {three[0].key}


async def test_a_retry_sends_what_was_not_taken_and_only_to_those_who_have_it_not() -> None:
    two, memory = notification(alert(subject="desk:1"), alert(subject="desk:2")), Remembered()
    async with mailbox() as box:
        mail = receiver(box)
        box.says["RCPT TO:<lee@example.com>"] = "452 mailbox full"
        box.contents = ["250 taken", "451 later"]
        with pytest.raises(
            TryAgain, match=r"lee@example\.com: 452 mailbox full; kim@example\.com, .*: 451 later"
        ) as caught:
            await mail.send(two, memory)
        assert not caught.value.is_up, "of the second message nobody has anything"
        box.commands.clear()
        with pytest.raises(TryAgain, match=r"^lee@example\.com: 452 mailbox full$") as caught:
            await mail.send(replace(two, attempt=1), memory)
        assert caught.value.is_up
        assert box.commands.count("RCPT TO:<kim@example.com>") == 1
        box.commands.clear()
        del box.says["RCPT TO:<lee@example.com>"]
        await mail.send(replace(two, attempt=2), memory)
        assert "RCPT TO:<kim@example.com>" not in box.commands
    ids = [message["Message-ID"] for message in box.messages]
    assert ids[:2] == ids[2:], "kim's, then lee's"


async def test_when_the_server_hangs_up_nobody_is_taken_to_have_it() -> None:
    memory = Remembered()
    async with mailbox() as box:
        box.says["RCPT TO:<lee@example.com>"] = "421 bye"
        with pytest.raises(TryAgain, match="421 bye") as caught:
            await receiver(box).send(notification(alert()), memory)
        assert not caught.value.is_up
        del box.says["RCPT TO:<lee@example.com>"]
        await receiver(box).send(notification(alert(), attempt=1), memory)
    assert len(box.taken) == 1
    assert box.commands.count("RCPT TO:<kim@example.com>") == 2


async def test_a_wrong_password_is_refused_and_not_told(tls: ssl.SSLContext, certificate: Path) -> None:
    account = {"username": "vigil", "password": "hunter22", "ca_file": str(certificate)}
    async with mailbox(tls) as box:
        box.says["AUTH"] = "535 wrong"
        with pytest.raises(Refused, match="535 wrong") as caught:
            await send(receiver(box, security="starttls", **account), alert())
    assert "hunter22" not in str(caught.value)


async def test_a_private_server_must_be_allowed() -> None:
    async with mailbox() as box:
        with pytest.raises(Refused, match="expected allow_private: true"):
            await send(receiver(box, allow_private=False), alert())
    assert not box.commands


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"to": ["kim@example.com\r\nBcc: a@b.example"]}, "to.0: expected an address"),
        ({"to": []}, "to"),
        ({"sender": "Vigil"}, "sender: expected an address"),
        ({"username": "vigil"}, "username: expected with password"),
        ({"username": "v", "password": "hunter22", "security": "none"}, "security: expected starttls or tls"),
        ({"ca_file": "/nowhere"}, "ca_file: expected a file with certificates"),
    ],
)
def test_a_wrong_configuration_names_the_field_and_no_secret(config: dict[str, object], says: str) -> None:
    with pytest.raises(BadReceiver) as caught:
        receiver_of("mail", GOOD | config)
    assert says in str(caught.value)
    assert "hunter22" not in str(caught.value)
