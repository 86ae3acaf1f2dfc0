"""TLS towards brokers by files that are renewed while we run."""

import logging
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

log = logging.getLogger("vigil.tls")
"""Not structlog's: commands set up none, and it would write between their answers."""


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: the authorities that are believed (None: the system's), the certificate that we show and its
    key (None: none is shown)."""

    authorities: Path | None
    certificate: Path | None
    key: Path | None
    key_password: str | None = field(repr=False)

    def context(self) -> ssl.SSLContext:
        """By what they hold now. OSError (ssl.SSLError is one) for files that do not do."""
        for file in self.named:
            file.open("rb").close()  # of one that is not there ssl does not say which
        context = ssl.create_default_context(cafile=str(self.authorities) if self.authorities else None)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key, self.key_password)
        return context

    def times(self) -> dict[str, tuple[float, float]]:
        """From when on and until when they are good, in Unix time: `client` is what we show, with all that is
        in its file, `authority` the last of those that we believe, for while one is replaced both are there.
        Without those whose file is none, or is away: TLS itself says so."""
        from cryptography.x509 import load_pem_x509_certificates  # not at each start: it takes a while

        found = {}
        for name, file, which in (("client", self.certificate, min), ("authority", self.authorities, max)):
            if file is not None:
                with suppress(OSError, ValueError):
                    read = load_pem_x509_certificates(file.read_bytes())
                    last = which(read, key=lambda one: one.not_valid_after_utc)
                    times = last.not_valid_before_utc, last.not_valid_after_utc
                    found[name] = times[0].timestamp(), times[1].timestamp()
        return found

    @property
    def named(self) -> Sequence[Path]:
        """Those that there are."""
        return [file for file in (self.authorities, self.certificate, self.key) if file is not None]


class FollowedContext(ssl.SSLContext):
    """TLS by what files hold when a connection is made. Certificates are renewed under running processes:
    one that kept those of its start would be let in nowhere once they had ended. Files that do not do, as one
    of a pair that is being replaced, change nothing."""

    def __new__(cls, *_: object) -> "FollowedContext":
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, files: TlsFiles) -> None:
        """OSError where there is none to begin with."""
        self.files = files
        self._read = self._on_disk()
        self._now = files.context()

    def wrap_socket(self, *given: Any, **more: Any) -> ssl.SSLSocket:
        return self._followed().wrap_socket(*given, **more)

    def wrap_bio(self, *given: Any, **more: Any) -> ssl.SSLObject:
        return self._followed().wrap_bio(*given, **more)

    def _followed(self) -> ssl.SSLContext:
        on_disk = self._on_disk()
        if on_disk != self._read:
            self._read = on_disk
            try:
                self._now = self.files.context()
            except OSError as error:
                log.warning("tls_files: %s; those of before stay in use until they change again", error)
        return self._now

    def _on_disk(self) -> list[tuple[int, ...]]:
        """What is another as soon as a file is, also one behind links, as Kubernetes has them."""
        found: list[tuple[int, ...]] = []
        for file in self.files.named:
            with suppress(OSError):  # away for a moment, while it is replaced
                one = file.stat()
                found.append((one.st_ino, one.st_size, one.st_mtime_ns))
        return found
