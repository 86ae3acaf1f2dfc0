"""The real application over a real archive of the example's events and a few of our own, without Kafka."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
from fastapi import FastAPI

from console.boards import told_sources
from engine.archive.archive import Archive
from engine.cli.accounts import Asked
from engine.cli.replayed_archive import fill
from engine.console.app import Clock, House, application
from engine.console.audit import Audit
from engine.console.backtests import Backtests
from engine.console.board import Board
from engine.console.escalations import Escalations
from engine.console.keys import ApiKey
from engine.console.lists import Lists
from engine.console.live import Live
from engine.console.people import AtThisMachine, Forms, SignIn
from engine.console.single import Single
from engine.console.summaries import Summaries
from engine.contract.codec import Record
from engine.core.decide import Options
from engine.core.instants import Instant, Span, parse_instant
from engine.documents.fees import Fee
from engine.documents.rendering import Press
from engine.intake.keys import hash_of
from engine.intake.sending import NotSent, Sender
from engine.metrics.console import ConsoleMetrics
from engine.policies import load

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "p0-checkout"
POLICIES = EXAMPLE / "policies"
INCIDENT = "incidents:INC-2194"
FEES = {"novo": Fee(Decimal("12000.50"), "SEK")}
READER, ACTOR = "vigil_reads", "vigil_acts"
KEYS = (
    ApiKey("grafana", hash_of(READER), frozenset({"read"})),
    ApiKey("bot", hash_of(ACTOR), frozenset({"read", "act"})),
)
NOW = "2026-11-20T12:00:00Z"

LATER = "2026-11-20T06:00:00Z"
_LATER = {
    "    budget: {P0: 4h, P1: 8h, P2: 3bd @office": "    budget: {P0: 4h, P1: 8h, P2: 5h @office",
    "  confirm:        {budget: {P0: 24h, P1: 24h, P2: 3bd @office}}\n": "",
}
"""Less time to resolve, and nothing to confirm."""


def two_versions(folder: Path) -> Path:
    """The example's policies, and a later version of theirs."""
    folder.mkdir()
    said = (POLICIES / "checkout.yaml").read_text()
    later = said.partition("---\npolicy:")[2].replace("2026-01-01T00:00:00Z", LATER)
    for before, after in _LATER.items():
        assert before in later
        later = later.replace(before, after)
    (folder / "two.yaml").write_text(f"{said}\n---\npolicy:{later}")
    return folder


class Kept(Sender):
    """A sender that keeps what it is given, and can be told that Kafka does not answer."""

    def __init__(self) -> None:
        super().__init__({}, {"ticket": "tickets"}, 1)
        self.records: list[Record] = []
        self.is_away = False

    async def send(self, records: list[tuple[str, Record]], at: Instant | None = None) -> None:
        if self.is_away:
            raise NotSent("no answer")
        self.records += [record for _, record in records]


class Served(NamedTuple):
    app: FastAPI
    house: House
    archive: Archive
    sent: Kept

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://console.test")


def event(number: int, verb: str, subject: str, time: str, **data: Any) -> dict[str, Any]:
    """A line of events."""
    return {
        "specversion": "1.0", "id": f"own-{number}", "source": "urn:test", "type": f"ticket.{verb}.v1",
        "subject": subject, "time": time, "datacontenttype": "application/json", "data": data,
    }  # fmt: skip


_NOVO = {"id": "novo", "name": "Novo <b>Bank</b>"}
_EXPORT = {"service": "billing", "component": "export"}
OWN = [
    event(1, "opened", "desk:1", "2026-11-10T08:00:00Z", title="Export stops at row 10", severity="P1",
          customer=_NOVO, team="claims", **_EXPORT),
    event(2, "assigned", "desk:1", "2026-11-10T08:10:00Z", owner="kim", team="claims"),
    event(3, "commitment_made", "desk:1", "2026-11-10T09:00:00Z", commitment_id="c1", text="a fix",
          due_at="2026-11-10T12:00:00Z", by="kim", to="novo"),
    event(4, "commitment_kept", "desk:1", "2026-11-10T13:00:00Z", commitment_id="c1"),
    event(5, "commitment_made", "desk:1", "2026-11-10T09:05:00Z", commitment_id="c2", text="an answer",
          due_at="2026-11-11T12:00:00Z", by="kim", to="novo"),
    event(6, "commitment_kept", "desk:1", "2026-11-10T14:00:00Z", commitment_id="c2"),
    event(7, "commitment_made", "desk:1", "2026-11-19T09:05:00Z", commitment_id="c3", text="a call",
          due_at="2026-11-30T12:00:00Z", by="jo", to="novo"),
    event(8, "resolved", "desk:1", "2026-11-19T10:00:00Z", resolution="paged"),
    event(9, "action_opened", "desk:1", "2026-11-19T11:00:00Z", action_id="a1", title="Page the export",
          owner="kim", due_at="2026-11-20T09:00:00Z"),
    event(10, "action_opened", "desk:1", "2026-11-19T11:00:00Z", action_id="a2", title="Alert on size",
          owner="jo"),
    event(11, "opened", "desk:2", "2026-11-18T08:00:00Z", title="Export stops at row 99", severity="P2",
          customer={"id": "sundry", "name": "Sundry"}, team="claims", **_EXPORT),
    event(12, "opened", "desk:3", "2026-11-19T20:00:00Z", title="Login loops", severity="P1",
          customer={"id": "sundry", "name": "Sundry"}, service="accounts"),
]  # fmt: skip
"""One escalation with promises kept, kept late and open, an RCA owed, actions; one that recurs."""


@contextmanager
def served(
    folder: Path,
    sign_in: SignIn | None = None,
    *,
    events: bool = True,
    policies: Path = POLICIES,
    candidate: Path | None = None,
    **more: Any,
) -> Iterator[Served]:
    """At NOW; `more`: other parts of the house."""
    own = folder / "own.jsonl"
    own.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in OWN))
    book, options = load(policies), Options()
    now = parse_instant(NOW)
    sources = told_sources()
    board = Board(book, Span(0), sources.of)
    with Archive.open(f"sqlite:///{folder}/archive.db") as archive, Press() as press:
        if events:
            asked = Asked([str(EXAMPLE / "events.jsonl"), str(own)], policies, None, NOW)
            fill(archive, asked)
            for judged in asked.read():
                if judged.record is not None:
                    board.put(judged.account.subject, judged.record)
            board.turn(now)
        sent, metrics = Kept(), ConsoleMetrics()
        live = Live(board, "changelog", _no_broker, lambda: now, metrics)
        live.has_read = True
        pages = Escalations(archive.engine, book, options, press)
        house = House(
            sources=sources,
            keeper=None,
            live=live,
            escalations=pages,
            single=Single(archive.engine, pages),
            lists=Lists(archive.engine, board),
            summaries=Summaries(archive.engine, board, book, policies, options, FEES, lambda: now),
            backtests=Backtests(archive.engine, book, policies, candidate, options, lambda: now),
            sender=sent,
            sign_in=sign_in or AtThisMachine("kim"),
            forms=Forms("secret"),
            clock=Clock(lambda: now),
            metrics=metrics,
            keys=KEYS,
            zone="Europe/Stockholm",
            audit=Audit(archive.engine),
        )._replace(**more)
        yield Served(application(house), house, archive, sent)


async def text(client: httpx.AsyncClient, address: str, status: int = 200) -> str:
    """What a reader sees, without marks."""
    answer = await client.get(address)
    assert answer.status_code == status, answer.text
    seen = re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2].partition("</main>")[0])
    return " ".join(unescape(seen).split())


def _no_broker() -> Any:
    raise AssertionError("the application was not started")
