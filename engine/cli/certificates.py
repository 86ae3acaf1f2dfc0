"""Examines until when the certificates are good by which a process and its brokers know each other."""

import contextlib
import socket
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, fail, ok, warn
from engine.settings import Settings

WARN_DAYS = 30


def examine_own(settings: Settings) -> Iterator[Finding]:
    """Of the certificate that we show, with what else is in its file, and of the authorities."""
    whats = {
        "client": (
            f"{settings.tls_cert_file}: its certificate",
            "issue it anew and replace the file: what runs shows the new one from its next connection on",
        ),
        "authority": (
            f"{settings.tls_ca_file}: the last of its authorities",
            "put the new authority beside it, and issue anew what it signed",
        ),
    }
    for name, (_, until) in settings.certificates().items():
        what, advice = whats[name]
        yield _finding(what, datetime.fromtimestamp(until, UTC), advice)


def examine_brokers(settings: Settings, servers: Iterable[str], timeout: float) -> Iterator[Finding]:
    """Of those that brokers show; of one that does not answer now nothing is said."""
    context = settings.tls_context()
    if context is None:
        return
    found: dict[str, datetime] = {}
    for server in servers:
        with contextlib.suppress(OSError):
            found[server] = _shown_by(server, context, timeout)
    if found:
        first = min(found, key=lambda server: found[server])
        advice = "renew it at the broker; a new authority goes into VIGIL_TLS_CA_FILE before"
        yield _finding(f"broker {first}: its certificate", found[first], advice)


def _shown_by(server: str, context: ssl.SSLContext, timeout: float) -> datetime:
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    with (
        socket.create_connection((host, int(port)), timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        shown = connection.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def _finding(what: str, until: datetime, advice: str) -> Finding:
    days = (until - datetime.now(UTC)).total_seconds() / 86_400
    if days <= 0:
        return fail("certificates", f"{what} ended on {until:%Y-%m-%d}", advice, ExitCode.REFUSED)
    found = f"{what} is good until {until:%Y-%m-%d}, {days:.0f} days"
    return warn("certificates", found, advice) if days < WARN_DAYS else ok("certificates", found)
