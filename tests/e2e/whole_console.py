"""A console with all that it stands on, for a browser: a broker, a worker, an archive, a provider to sign
in by, and the example's events beside some of our own."""

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from backfill import Backfill, environment, vigil

from console.console_house import EXAMPLE, NOW, OWN, POLICIES, event
from console.provider import ID, SECRET, Provider, provider
from engine.core.instants import format_instant
from engine.demo.broker import KafkaBroker, free_port
from engine.demo.child import Child
from engine.demo.feed import real_now

START_SECONDS = 60
MORE = [
    event(20 + number, "commitment_made", "desk:2", "2026-11-19T09:00:00Z", commitment_id=f"c{number}",
          text=text, due_at="2026-11-27T12:00:00Z", by="kim", to="sundry")
    for number, text in enumerate(("a patch", "a plan", "a visit"))
]  # fmt: skip
"""Promises to keep, to move and to withdraw."""


class WholeConsole:
    """At NOW when it begins, and from there on as fast as life."""

    def __init__(self, engine: Backfill, by: Provider, folder: Path) -> None:
        self._port, self._folder, self._by = free_port(), folder, by
        base = f"http://127.0.0.1:{self._port}"
        self.url = f"{base}/"
        self._variables = engine.variables | {
            "ARCHIVE_URL": f"sqlite:///{folder}/archive.db", "CONSOLE_SIGN_IN": "oidc", "CONSOLE_URL": base,
            "CONSOLE_OIDC_ISSUER": by.url, "CONSOLE_OIDC_CLIENT_ID": ID, "CONSOLE_OIDC_CLIENT_SECRET": SECRET,
            "CONSOLE_RESPONDERS": "support", "CONSOLE_ADMINS": "sre",
        }  # fmt: skip
        self._process = self._started()

    def sign_in_as(self, name: str, *groups: str) -> None:
        """Whoever signs in next. `support` may record things, `sre` everything."""
        self._by.person = {"sub": name, "preferred_username": name, "groups": list(groups)}

    def restart(self) -> None:
        """At the same address, with a secret that is drawn anew: no session is one of its own any more."""
        self.stop()
        self._process = self._started()

    def stop(self) -> None:
        self._process.stop()

    def _started(self) -> Child:
        """Ready: the board has read the state to its end."""
        command = [
            sys.executable, "-m", "engine.cli.main", "console", "--port", str(self._port),
            "--zone", "Europe/Stockholm",
        ]  # fmt: skip
        child = Child(command, log=self._folder / "console.log", env=environment(self._variables))
        try:
            child.wait_until(self._is_ready, seconds=START_SECONDS, what="the console")
        except BaseException:
            child.stop()
            raise
        return child

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}ready", timeout=5) as answer:  # noqa: S310  # ours
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def whole_console(kafka: KafkaBroker, folder: Path) -> Iterator[WholeConsole]:
    """It is ready; what was sent is judged and archived soon."""
    events = folder / "events.jsonl"
    own = b"".join(orjson.dumps(one) + b"\n" for one in OWN + MORE)
    events.write_bytes((EXAMPLE / "events.jsonl").read_bytes() + own)
    fees = folder / "fees.yaml"
    fees.write_text("novo: {fee: 12000.50, currency: SEK}\n")
    engine = Backfill(
        kafka.bootstrap, folder, policies=str(POLICIES), console_fees=str(fees), clock="scaled",
        clock_start=NOW, clock_anchor=format_instant(real_now()),
    )  # fmt: skip
    try:
        engine.start()
        vigil("send", events, **engine.variables)
        with provider() as by:
            console = WholeConsole(engine, by, folder)
            try:
                yield console
            finally:
                console.stop()
    finally:
        engine.kill()
