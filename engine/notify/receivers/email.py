"""E-mail by SMTP: text and HTML, a thread an escalation, the same Message-ID at every try."""

import asyncio
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from hashlib import blake2b
from html import escape
from typing import Annotated, Literal, TypeAlias

import structlog
from pydantic import AfterValidator, Field, SecretStr, model_validator

from engine.core.instants import Instant
from engine.notify.alert import RESOLVED, Alert, Memory, Notification, Refused, TryAgain
from engine.notify.outgoing import Forbidden, Reach, connect, without
from engine.notify.receivers.config import Config
from engine.notify.receivers.grouping import by_subject
from engine.notify.receivers.progress import Progress
from engine.notify.wording import Wording, Words, cut

log = structlog.stdlib.get_logger("vigil.notify")

_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\x00-\x1f]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
LONGEST_SUBJECT = 150
Answer: TypeAlias = tuple[int, bytes | str]
Told: TypeAlias = tuple[Alert, Words]
"""Code and text."""
_READY, _TAKEN, _PASSES, _STAYS = 220, 250, 400, 500
"""Replies of SMTP; from the last two on: for now, and for good."""


def _must_be_address(value: str) -> str:
    if len(value) > 254 or not value.isascii() or not _ADDRESS.fullmatch(value):
        raise ValueError("expected an address such as oncall@example.com")
    return value


Address = Annotated[str, AfterValidator(_must_be_address)]


class EmailConfig(Config):
    """type: email."""

    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")
    port: int = Field(587, ge=1, le=65_535, description="587 for starttls, 465 for tls")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none: readable on the way")
    username: str | None = None
    password: SecretStr | None = None
    password_file: str | None = None
    sender: Address
    to: list[Address] = Field(min_length=1, max_length=50)
    ca_file: str | None = Field(None, description="PEM; absent: the system's authorities")
    allow_private: bool = Field(False, description="a host whose address is not public")
    timeout: float = Field(30.0, ge=0.1, le=120, description="seconds a step")

    @model_validator(mode="after")
    def _logs_in_safely(self) -> "EmailConfig":
        if (self.username is None) != (self.password is None):
            raise ValueError("username: expected with password, and only with it")
        if self.password is not None and self.security == "none":
            raise ValueError("security: expected starttls or tls where there is a password")
        if self.ca_file is not None:
            try:
                ssl.create_default_context(cafile=self.ca_file)
            except OSError as error:
                raise ValueError(f"ca_file: expected a file with certificates; {error.strerror}") from None
        return self


class Email:
    """One message an escalation of the notification, to all addresses at once.

    A message's id is that of what it says and of what it comes after: a mailbox that got it twice may drop
    one, and drops no reminder. All messages of an escalation have one subject line and refer to one id that
    none of them has; that makes a thread.
    """

    at_once = 1

    def __init__(self, name: str, config: EmailConfig) -> None:
        self.name = name
        self._config = config
        self.wording = config.words(name)

    async def send(self, notification: Notification, memory: Memory) -> None:
        progress = await Progress.of(notification, memory)
        wording = await self.wording.prepare(progress.left)
        if progress.left:
            await self._deliver(progress, wording, _Waits(is_late=notification.is_late))
        progress.end()

    async def _deliver(self, progress: Progress, wording: Wording, waits: "_Waits") -> None:
        """All in one session, whatever becomes of any of them. TryAgain for 4xx and a broken connection, and
        5xx is a refusal (RFC 5321, 4.2.1)."""
        smtp = self._session()
        try:
            with self._named():
                await asyncio.to_thread(self._log_in, smtp)
                for subject, alerts in by_subject(progress.left):
                    told = [(alert, wording.of(alert)) for alert in alerts]
                    await self._tell(smtp, subject, told, progress, waits)
                await asyncio.to_thread(_leave, smtp)
        except Refused as error:  # of the session: whoever gets none gets no mail
            progress.add(progress.left, why=error.reason)
        finally:
            smtp.hang_up()
        waits.end()

    async def _tell(
        self, smtp: smtplib.SMTP, subject: str, told: Sequence[Told], progress: Progress, waits: "_Waits"
    ) -> None:
        """One message, to all addresses that have not answered it yet."""
        alerts = [alert for alert, _ in told]
        to = [one for one in self._config.to if not progress.knows(alerts, one)]
        answers = await asyncio.to_thread(_send, smtp, self._message(subject, told, progress.after), to)
        for one, (code, _) in answers.items():
            if code < _PASSES or code >= _STAYS:
                progress.add(alerts, one, why=str(code) if code >= _STAYS else "")
        is_with = any(progress.has_taken(alerts, one) for one in self._config.to)
        if waits.is_late and is_with:
            for one, (code, _) in answers.items():
                progress.add(alerts, one, why=str(code) if code >= _PASSES else "")
        says = self._says(answers)
        if not all(progress.knows(alerts, one) for one in self._config.to):
            await progress.keep()
            has_hung_up = smtp.sock is None  # with 421
            waits.add(says, is_up=is_with and not has_hung_up)
            if has_hung_up:
                waits.end()
            return
        if is_with and says:
            log.warning("address_refused", receiver=self.name, why=says)
        async with progress.telling(alerts):
            if not is_with:
                raise Refused(says, is_for_content=True)

    def _says(self, answers: Mapping[str, Answer]) -> str:
        """Who did not take it, by what was answered."""
        by: dict[str, list[str]] = {}
        for one, (code, why) in answers.items():
            if code >= _PASSES:
                by.setdefault(f"{code} {self._line(why)}", []).append(one)
        return "; ".join(f"{', '.join(who)}: {answer}" for answer, who in by.items())

    def _message(self, subject: str, told: Sequence[Told], after: Instant | None) -> EmailMessage:
        alerts = [alert for alert, _ in told]
        title = next((alert.title for alert in alerts if alert.title), "")
        message = EmailMessage(policy=SMTP_POLICY)
        message["Subject"] = one_line(cut(f"[Vigil] {subject} {title}", LONGEST_SUBJECT))
        message["From"], message["To"] = self._config.sender, ", ".join(self._config.to)
        message["Date"] = formatdate(usegmt=True)  # that of a breach of last week is taken for spam
        says = [f"{a.key} {a.state} {a.changed}" for a in alerts]
        message["Message-ID"] = self._id(*says, str(after or ""))
        message["References"] = message["In-Reply-To"] = self._id(subject)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(_text(told))
        message.add_alternative(_html(told), subtype="html")
        return message

    def _id(self, *parts: str) -> str:
        digest = blake2b("\n".join((self.name, *parts)).encode(), digest_size=16).hexdigest()
        return f"<vigil.{digest}@{self._config.sender.rpartition('@')[2]}>"

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What goes wrong in the block, as what `send` raises."""
        host = self._config.host
        try:
            yield
        except Forbidden as error:
            raise Refused(f"{host}: {error}") from None
        except smtplib.SMTPResponseException as error:
            reason = f"{host} answered {error.smtp_code} {self._line(error.smtp_error)}"
            raise (Refused if error.smtp_code >= _STAYS else TryAgain)(reason) from None
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"{host}: {error}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise TryAgain(f"{host}: {self._line(str(error)) or type(error).__name__}") from None

    def _line(self, text: bytes | str) -> str:
        """What the server said, without the password."""
        raw = text if isinstance(text, bytes) else text.encode(errors="replace")
        return cut(one_line(without(self._config.secrets, raw).decode(errors="replace")), 200)

    def _session(self) -> "_Checked":
        """Not connected yet."""
        c = self._config
        return _Checked(c.host, Reach(allow_private=c.allow_private, timeout=c.timeout))

    def _log_in(self, smtp: "_Checked") -> None:
        if self._config.security == "tls":
            smtp.tls = self._context()
        code, said = smtp.connect(self._config.host, self._config.port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, said)
        if self._config.security == "starttls":
            smtp.starttls(context=self._context())
        if self._config.username is not None and self._config.password is not None:
            smtp.login(self._config.username, self._config.password.get_secret_value())

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._config.ca_file)


class _Checked(smtplib.SMTP):
    """Connects only to an address that may be reached."""

    tls: ssl.SSLContext | None = None
    """For TLS from the first byte."""

    def __init__(self, host: str, reach: Reach) -> None:
        super().__init__(timeout=reach.timeout)
        self._host = host  # whom STARTTLS expects
        self._reach = reach

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = connect(host, port, self._reach)
        return made if self.tls is None else self.tls.wrap_socket(made, server_hostname=host)

    def hang_up(self) -> None:
        """From whatever thread: one that waits for the other side is told at once that it is gone."""
        if self.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        self.close()


class _Waits:
    """What is to be sent again, and why."""

    def __init__(self, *, is_late: bool) -> None:
        self.is_late = is_late
        """An address waits no more, where another has the message."""
        self._reasons: dict[str, None] = {}
        self._is_up = True

    def add(self, why: str, *, is_up: bool) -> None:
        """`is_up`: somebody has that message."""
        self._reasons[why] = None
        self._is_up = self._is_up and is_up

    def end(self) -> None:
        """TryAgain, if anything is."""
        if self._reasons:
            raise TryAgain("; ".join(self._reasons), is_up=self._is_up)


def _send(smtp: smtplib.SMTP, message: EmailMessage, to: Sequence[str]) -> dict[str, Answer]:
    """By address, how it was answered; who is not in it was not asked."""
    try:
        return {**dict.fromkeys(to, (_TAKEN, b"")), **smtp.send_message(message, to_addrs=to)}
    except smtplib.SMTPRecipientsRefused as error:
        return {**error.recipients}
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        return dict.fromkeys(to, (error.smtp_code, error.smtp_error))


def _leave(smtp: smtplib.SMTP) -> None:
    with suppress(smtplib.SMTPException, OSError):  # all is sent
        smtp.quit()


def one_line(text: str) -> str:
    """Without line breaks and other control characters: a header ends where it ends."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(told: Sequence[Told]) -> str:
    parts = []
    for _, words in told:
        lines = [words.title, "", words.text, ""]
        lines += [f"{name}: {value}" for name, value in (*words.fields, *words.links)]
        parts.append("\n".join(lines))
    return "\n\n---\n\n".join(parts) + "\n"


def _html(told: Sequence[Told]) -> str:
    return "<!doctype html><html><body>" + "<hr>".join(_article(a, w) for a, w in told) + "</body></html>"


def _article(alert: Alert, words: Words) -> str:
    colour = "#2e7d32" if alert.state == RESOLVED else "#b3261e"
    rows = "".join(f"<tr><th align='left'>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in words.fields)
    links = " · ".join(f"<a href='{escape(url)}'>{escape(name)}</a>" for name, url in words.links)
    head = f"<h3 style='color:{colour}'>{escape(words.title)}</h3><p>{escape(words.text)}</p>"
    return f"{head}<table>{rows}</table><p>{links}</p>"
