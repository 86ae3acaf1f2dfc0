"""Every command of a page is typed, in the page's order, and ends and prints as the page says."""

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from elsewhere import LATER, TOOLS
from fastapi import FastAPI, Request, Response
from pages import ROOT, Command, blocks, commands, commands_of, pages
from presumed import BEFORE, FRESH, HASH, KEY, MEANWHILE, OF_PAGES, presume
from reader import Reader
from shell import calls
from shown import difference

import servers
from console.provider import provider
from engine.contract.codec import encode_outcome
from engine.demo.broker import KafkaBroker, free_port
from engine.replay.verdicts import read_outcome
from intake.counterparts import USER, Zendesk, running
from intake.tickets import zendesk_lives
from notify.counterpart import Says, Sent
from notify.lookalikes import Workspace, pagerduty
from postgres import Postgres
from servers import unique

_NEAR = "allow_http: true, allow_private: true"
_TOPICS = ("tickets", "incidents", "commands", "outcomes", "dlq")


def runs(command: Command) -> bool:
    """Not what is listed, with the reason, as run elsewhere."""
    foreign = any(call.program in TOOLS for call in calls(command.text))
    return not foreign and not any(re.search(form, f"{command.page}: {command.text}") for form in LATER)


PAGES = [page.relative_to(ROOT).as_posix() for page in pages() if any(runs(one) for one in commands_of(page))]


@pytest.fixture(scope="module")
def presumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("presumed")
    presume(folder)
    return folder


@contextmanager
def listening(judge: Callable[[Sent], Says | None]) -> Iterator[str]:
    """The URL of somebody who takes what is posted, and answers as `judge` says."""
    app, port = FastAPI(), free_port()

    @app.post("/{path:path}")
    async def answer(request: Request) -> Response:
        says = judge(Sent(request.url.path, request.headers, await request.body())) or Says()
        return Response(says.body, says.status, says.headers)

    with servers.listening(app, port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[dict[str, str]]:
    """What stands for other companies' servers: what the pages call them → here."""
    zendesk = Zendesk()
    zendesk_lives(zendesk, 2)
    with (
        running(zendesk) as source,
        provider() as people,
        listening(pagerduty) as pager,
        listening(Workspace().judge) as chat,
    ):
        yield {
            "https://acme.zendesk.com": source,
            "vigil@example.org/token": USER,
            "https://id.example.com/realms/ops": people.url,
            "routing_key_file: ": f"url: '{pager}', {_NEAR}, routing_key_file: ",
            "token_file: ": f"api_url: '{chat}', {_NEAR}, token_file: ",
        }


@pytest.fixture
def reader(
    page: str,
    presumed: Path,
    elsewhere: dict[str, str],
    tmp_path: Path,
    kafka: KafkaBroker,
    postgres: Postgres,
) -> Iterator[Reader]:
    """With topics of their own, which have the recorded events and what was said of them."""
    folder = tmp_path / "reader"
    shutil.copytree(presumed, folder, symlinks=True)
    OF_PAGES.get(page, lambda _: None)(folder)
    name = unique(Path(page).stem.lower())
    topics = {f"vigil.{topic}.v1": f"{name}.{topic}.v1" for topic in _TOPICS}
    variables = {
        "VIGIL_BOOTSTRAP_SERVERS": kafka.bootstrap, "VIGIL_APP_ID": name, "VIGIL_ENV": "dev",
        "VIGIL_PARTITIONS": "2", "VIGIL_REPLICATION_FACTOR": "1", "VIGIL_NOTIFY_NOT_OLDER": "1e10",
        "VIGIL_LOG_LEVEL": "debug", "VIGIL_METRICS_HOST": "127.0.0.1", "VIGIL_METRICS_PORT": "0",
        "KEY": KEY, "ZENDESK_ACME_OLD": KEY,
        **{f"VIGIL_{topic.upper()}_TOPIC": f"{name}.{topic}.v1" for topic in _TOPICS},
    }  # fmt: skip
    told = elsewhere | topics | {
        "broker:9092": kafka.bootstrap,
        "localhost:9092": kafka.bootstrap,
        "postgresql://vigil@db/vigil": postgres.new_database(),
        "console:8090": f"127.0.0.1:{free_port()}",
        "https://your-host": f"http://127.0.0.1:{free_port()}",
        "/run/secrets": f"{folder}/secrets",
        "10.0.0.7": "127.0.0.1",
        "10.0.0.8": "127.0.0.1",
        "0.0.0.0": "127.0.0.1",  # noqa: S104  # so that nobody else reaches it
        "=backfill": f"={name}-backfill",
        "sha256:…": HASH,
    }  # fmt: skip
    reader = Reader(folder, variables, told)
    begun = () if page in FRESH else ("vigil topics create", "vigil send events.jsonl")
    for line in (*begun, *BEFORE.get(page, ())):
        reader.type(Command(page, 0, line, ()))
    if begun:
        asyncio.run(
            _said(kafka.bootstrap, topics["vigil.outcomes.v1"], (folder / "outcomes.jsonl").read_bytes())
        )
    yield reader
    reader.stop()


async def _said(bootstrap: str, topic: str, outcomes: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for outcome in map(read_outcome, outcomes.splitlines()):
            record = encode_outcome(outcome)
            await producer.send(topic, record.value, record.key, headers=record.headers)
        await producer.flush()


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_can_be_typed(page: str, reader: Reader) -> None:
    for block in blocks(ROOT / page):
        if block.title:
            reader.write(block.title, block.text)
    for block in blocks(ROOT / page):
        if block.kind == "console":
            for command in filter(runs, commands(block)):
                for (name, line), act in MEANWHILE.items():
                    if name == page and command.text.startswith(line):
                        act(reader.folder)
                printed = reader.type(command)
                wrong = difference(command.shown, printed)
                assert wrong is None, f"{command.where}: {command.text}\n{wrong}"
