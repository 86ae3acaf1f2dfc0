"""Doctor tells of certificates before they end: ours, and those that brokers show."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.cli.certificates import examine_brokers, examine_own
from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, Sign
from engine.settings import Settings
from servers import missing


def pair(folder: Path, name: str, days: int) -> Path:
    """A key and a certificate of its own authority, good for so many days; below 0: it has ended."""
    if shutil.which("openssl") is None:
        missing("no openssl here, which makes the certificates")
    key, certificate, both = (folder / f"{name}.{end}" for end in ("key", "crt", "pem"))
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made += ["-days", str(days), "-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={name}"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(made, capture_output=True, timeout=30, check=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both


@contextmanager
def broker(certificate: Path) -> Iterator[str]:
    """What shows that certificate to whoever connects; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                with listening.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as one:
                    one.recv(1)
            except OSError:
                return  # who connected has gone, or the test is over

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"security_protocol": "SSL", **given})


@pytest.mark.parametrize(("days", "sign"), [(400, Sign.OK), (10, Sign.WARN)])
def test_a_brokers_certificate_is_told_of_a_month_before_it_ends(
    tmp_path: Path, days: int, sign: Sign
) -> None:
    shown = pair(tmp_path, "broker", days)
    with broker(shown) as server:
        (found,) = examine_brokers(settings(tls_ca_file=shown), [server], 10.0)
    assert (found.check, found.sign) == ("certificates", sign)
    assert server in found.found


def test_of_several_brokers_the_one_that_ends_first_is_told(tmp_path: Path) -> None:
    soon, late = pair(tmp_path, "soon", 10), pair(tmp_path, "late", 400)
    both = tmp_path / "both.pem"
    both.write_text(soon.read_text() + late.read_text())
    with broker(late) as one, broker(soon) as other:
        (found,) = examine_brokers(settings(tls_ca_file=both), [one, other, "127.0.0.1:1"], 10.0)
    assert (other in found.found, found.sign) == (True, Sign.WARN)


@pytest.mark.parametrize(("days", "sign"), [(400, Sign.OK), (10, Sign.WARN), (-1, Sign.FAIL)])
def test_our_own_certificate_is_told_of_too_and_one_that_has_ended_fails(
    tmp_path: Path, days: int, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = pair(tmp_path, "worker", max(days, 1))
    if days < 0:
        monkeypatch.setattr("engine.cli.certificates.datetime", _InTwoDays)
    (found,) = examine_own(settings(tls_cert_file=ours, tls_key_file=ours))
    assert (found.sign, str(ours) in found.found) == (sign, True)
    assert found.found.endswith(f", {days} days") is (days > 0)
    assert ("ended on" in found.found) is (days < 0)
    assert found.code is (ExitCode.REFUSED if days < 0 else ExitCode.FOUND)


def test_of_the_authorities_the_last_to_end_counts(tmp_path: Path) -> None:
    """While one is replaced the old one is there too, and ends."""
    old, new = pair(tmp_path, "old", 10), pair(tmp_path, "new", 400)
    (found,) = examine_own(settings(tls_ca_file=old))
    assert (found.sign, str(old) in found.found) == (Sign.WARN, True)
    old.write_text(old.read_text() + new.read_text())
    (found,) = examine_own(settings(tls_ca_file=old))
    assert found.sign is Sign.OK


class _InTwoDays(datetime):
    """The clock two days on: openssl's request makes no certificate of the past."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + timedelta(days=2)


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_without_tls_nothing_is_said_of_certificates(tmp_path: Path, protocol: str) -> None:
    found: list[Finding] = []
    plain = settings(security_protocol=protocol, sasl_username="u", sasl_password="p")
    found += examine_brokers(plain, ["127.0.0.1:1"], 1.0)
    found += examine_own(plain)
    assert found == []
