"""E-mail by SMTP: text and HTML, a thread an escalation, the same Message-ID at every try."""

import asyncio
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from hashlib import blake2b
from html import escape
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from engine.core.instants import Instant, to_datetime
from engine.notify.alert import RESOLVED, Alert, Memory, Notification, Refused, TryAgain
from engine.notify.outgoing import Forbidden, Reach, connect, without
from engine.notify.receivers.config import Config
from engine.notify.receivers.grouping import by_subject
from engine.notify.wording import Words, cut

_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\x00-\x1f]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
LONGEST_SUBJECT = 150


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

    A message's id is that of what it says: a mailbox that got it twice may drop one. All messages of an
    escalation have one subject line and refer to one id that none of them has; that makes a thread.
    """

    at_once = 1

    def __init__(self, name: str, config: EmailConfig) -> None:
        self.name = name
        self._config = config
        self.wording = config.words(name)

    async def send(self, notification: Notification, memory: Memory) -> None:
        await self.wording.prepare(notification.alerts)
        messages = [self._message(subject, alerts) for subject, alerts in by_subject(notification.alerts)]
        await asyncio.to_thread(self._deliver, messages)

    def _message(self, subject: str, alerts: Sequence[Alert]) -> EmailMessage:
        told = [(alert, self.wording.of(alert)) for alert in alerts]
        title = next((alert.title for alert in alerts if alert.title), "")
        latest = max(alert.outcome.effective_at for alert in alerts)
        message = EmailMessage(policy=SMTP_POLICY)
        message["Subject"] = one_line(cut(f"[Vigil] {subject} {title}", LONGEST_SUBJECT))
        message["From"], message["To"] = self._config.sender, ", ".join(self._config.to)
        message["Date"] = format_datetime(to_datetime(Instant(latest)))
        message["Message-ID"] = self._id(*(f"{a.key} {a.state} {a.changed}" for a in alerts))
        message["References"] = message["In-Reply-To"] = self._id(subject)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(_text(told))
        message.add_alternative(_html(told), subtype="html")
        return message

    def _id(self, *parts: str) -> str:
        digest = blake2b("\n".join((self.name, *parts)).encode(), digest_size=16).hexdigest()
        return f"<vigil.{digest}@{self._config.sender.rpartition('@')[2]}>"

    def _deliver(self, messages: Sequence[EmailMessage]) -> None:
        """All in one session. TryAgain for 4xx and a broken connection, Refused for 5xx (RFC 5321, 4.2.1)."""
        host = self._config.host
        try:
            with self._session() as smtp:
                self._log_in(smtp)
                refused = [one for message in messages for one in _send(smtp, message).items()]
        except Forbidden as error:
            raise Refused(f"{host}: {error}") from None
        except smtplib.SMTPResponseException as error:
            raise _failure(
                error.smtp_code, f"{host} answered {error.smtp_code} {self._line(error.smtp_error)}"
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"{host}: {error}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise TryAgain(f"{host}: {self._line(str(error)) or type(error).__name__}") from None
        self._must_reach_all(refused)

    def _must_reach_all(self, refused: Sequence[tuple[str, tuple[int, bytes]]]) -> None:
        """Where some addresses were refused, say which; the others know a second copy by its id."""
        if refused:
            told = "; ".join(f"{who}: {code} {self._line(why)}" for who, (code, why) in refused)
            raise _failure(min(code for _, (code, _) in refused), told)

    def _line(self, text: bytes | str) -> str:
        """What the server said, without the password."""
        raw = text if isinstance(text, bytes) else text.encode(errors="replace")
        return cut(one_line(without(self._config.secrets, raw).decode(errors="replace")), 200)

    def _session(self) -> smtplib.SMTP:
        c = self._config
        if c.security == "tls":
            return _CheckedTls(c.host, c.port, c.timeout, c.allow_private, self._context())
        return _Checked(c.host, c.port, c.timeout, c.allow_private)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if self._config.security == "starttls":
            smtp.starttls(context=self._context())
        if self._config.username is not None and self._config.password is not None:
            smtp.login(self._config.username, self._config.password.get_secret_value())

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._config.ca_file)


class _Checked(smtplib.SMTP):
    """Connects only to an address that may be reached."""

    def __init__(self, host: str, port: int, timeout: float, allow_private: bool) -> None:
        self._reach = Reach(allow_private=allow_private, timeout=timeout)
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connect(host, port, self._reach)


class _CheckedTls(_Checked):
    """The same, with TLS from the first byte."""

    def __init__(
        self, host: str, port: int, timeout: float, allow_private: bool, context: ssl.SSLContext
    ) -> None:
        self._context = context
        super().__init__(host, port, timeout, allow_private)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


def _send(smtp: smtplib.SMTP, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
    """The addresses that were refused, and how."""
    try:
        return smtp.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        return error.recipients


def _failure(code: int, reason: str) -> TryAgain | Refused:
    return Refused(reason) if code >= 500 else TryAgain(reason)


def one_line(text: str) -> str:
    """Without line breaks and other control characters: a header ends where it ends."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(told: Sequence[tuple[Alert, Words]]) -> str:
    parts = []
    for _, words in told:
        lines = [words.title, "", words.text, ""]
        lines += [f"{name}: {value}" for name, value in (*words.fields, *words.links)]
        parts.append("\n".join(lines))
    return "\n\n---\n\n".join(parts) + "\n"


def _html(told: Sequence[tuple[Alert, Words]]) -> str:
    return "<!doctype html><html><body>" + "<hr>".join(_article(a, w) for a, w in told) + "</body></html>"


def _article(alert: Alert, words: Words) -> str:
    colour = "#2e7d32" if alert.state == RESOLVED else "#b3261e"
    rows = "".join(f"<tr><th align='left'>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in words.fields)
    links = " · ".join(f"<a href='{escape(url)}'>{escape(name)}</a>" for name, url in words.links)
    head = f"<h3 style='color:{colour}'>{escape(words.title)}</h3><p>{escape(words.text)}</p>"
    return f"{head}<table>{rows}</table><p>{links}</p>"
