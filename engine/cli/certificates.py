"""Examines until when the certificates are good by which a process and its brokers know each other."""

import contextlib
import socket
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cryptography.x509 import load_pem_x509_certificates

from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, fail, ok, warn
from engine.settings import Settings

WARN_DAYS = 30


def examine_own(settings: Settings) -> Iterator[Finding]:
    """Of the certificate that we show, and of what else is in its file. OSError where that is away."""
    if settings.tls_cert_file is None or not settings.security_protocol.endswith("SSL"):
        return
    try:
        chain = load_pem_x509_certificates(settings.tls_cert_file.read_bytes())
    except ValueError:
        return  # TLS itself says so
    until = min(one.not_valid_after_utc for one in chain)
    yield _finding(f"{settings.tls_cert_file}", until, "issue it anew, replace the file, and restart")


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
        yield _finding(f"broker {first}", found[first], advice)


def _shown_by(server: str, context: ssl.SSLContext, timeout: float) -> datetime:
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    with (
        socket.create_connection((host, int(port)), timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        shown = connection.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def _finding(whose: str, until: datetime, advice: str) -> Finding:
    days = (until - datetime.now(UTC)).total_seconds() / 86_400
    found = f"{whose}: its certificate is good until {until:%Y-%m-%d}"
    if days <= 0:
        return fail("certificates", found, advice, ExitCode.REFUSED)
    return warn("certificates", found, advice) if days < WARN_DAYS else ok("certificates", found)
