"""Every parser of what others write: its name, what may leave it as an error, and examples to begin with."""

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import orjson

from engine.contract.codec import decode, read_line
from engine.contract.envelope import headers_of
from engine.contract.outcomes import decode_outcome, unstorable
from engine.core import state
from engine.core.instants import Instant, parse_instant
from engine.core.policy import Calendar
from engine.core.state import UnknownStateFormat
from engine.core.unpacking import DamagedState
from engine.documents import review_events
from engine.documents.fees import FeesRefused, read_fees
from engine.documents.review_check import check
from engine.documents.review_form import NoReview
from engine.intake.arrival import Arrival, NotAuthentic, NotMapped
from engine.intake.configuration import IntakeErrors, doors, shipped
from engine.intake.history.asking import Api
from engine.intake.history.failures import CursorExpired, HistoryAway, HistoryFailed
from engine.intake.history.jira import JiraHistory
from engine.intake.history.reader import Window
from engine.intake.history.zendesk import ZendeskHistory
from engine.intake.payloads import Node
from engine.intake.records import records_of
from engine.intake.sources import SOURCES
from engine.notify.alert import Refused, TryAgain
from engine.notify.configuration import NotifyErrors, configuration
from engine.notify.outgoing import Answer, must_be_taken
from engine.notify.receivers.slack import _said as slack_said
from engine.notify.receivers.teams import _must_be_relayed as teams_relayed
from engine.policies import PolicyErrors, load
from engine.replay import pace_file
from engine.replay.files import read_lines
from engine.replay.importers import WrongFormat, github_status, uci_servicenow
from engine.replay.pace_file import PaceFileRefused
from engine.replay.verdicts import read_outcome

ROOT = Path(__file__).parents[2]
NOW = parse_instant("2026-03-02T10:00:05Z")
_MEMORY = Path("/dev/shm")  # noqa: S108  # a few bytes, ours, and gone at once
_PLACE = _MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir())
"""Of the files that are read."""


class Target(NamedTuple):
    """A parser that takes any bytes."""

    parse: Callable[[bytes], object]
    allowed: tuple[type[Exception], ...]
    """Its named errors; none: it never raises."""
    seeds: Callable[[], Iterator[bytes]]


# -- what is parsed ---------------------------------------------------------------------------


def of_file(read: Callable[[Path], object], suffix: str) -> Callable[[bytes], object]:
    """A parser of files as one of bytes."""

    def parse(content: bytes) -> object:
        file = _PLACE / f"vigil-fuzz-{os.getpid()}{suffix}"
        try:
            file.write_bytes(content)
            return read(file)
        finally:
            file.unlink()

    return parse


def parts(message: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and body: `name: value` lines, an empty line, and the rest."""
    head, _, body = (b"\n" + message).partition(b"\n\n")
    pairs = (line.partition(b": ") for line in head.split(b"\n")[1:])
    return [(name.decode("latin-1"), value) for name, _, value in pairs], body


def message(headers: Mapping[str, str] | list[tuple[str, bytes]], body: bytes) -> bytes:
    pairs = headers.items() if isinstance(headers, Mapping) else [(n, v.decode()) for n, v in headers]
    return "".join(f"{name}: {value}\n" for name, value in pairs).encode() + b"\n" + body


def event(data: bytes) -> None:
    """A record: its key is the subject that it names, so that the check of keys ends nothing."""
    headers, value = parts(data)
    key = dict(headers).get("ce_subject") or dict(headers).get("key") or b"desk:1"
    decode(key, value, headers, NOW // 1_000)


def outcome(data: bytes) -> None:
    headers, value = parts(data)
    unstorable(decode_outcome(value, headers))


def delivery(source: str, data: bytes) -> None:
    """What stands at a door: the signature first, which nobody has made, and then the payload."""
    headers, body = parts(data)
    texts = {name.lower(): value.decode("latin-1") for name, value in headers}
    arrival, door = Arrival(body, texts, NOW), shipped(SOURCES[source])
    try:
        door.source.authenticate(arrival, ("nobody-has-this-secret",))
    except NotAuthentic:
        for part in door.source.apart(arrival):
            records_of(door.source.translate(part, door.mapping), door.name, part)


def stored(data: bytes) -> None:
    state.head(data)
    state.decode(data)


def review(data: bytes) -> None:
    """As `vigil pir check` does."""
    found = check(data.decode(errors="replace"), NOW)
    review_events.refused(review_events.events_of(found.answers, "incident"))


def answer(data: bytes) -> None:
    """Of a receiver: the status in a header of its own."""
    headers, body = parts(data)
    texts = {name: value.decode("latin-1") for name, value in headers}
    status = texts.get(":status", "200")
    came = Answer(
        int(status) if status.isascii() and status.isdecimal() and len(status) == 3 else 200, body, texts
    )
    for read in (must_be_taken, slack_said, teams_relayed):
        try:
            read(came, "there")
        except (Refused, TryAgain):
            continue


def lines(file: Path) -> None:
    """As `vigil replay` and `vigil import` read their files."""
    for _, line in read_lines(str(file)):
        read_line(line)


def imported(convert: Callable[..., Iterator[object]], data: bytes) -> None:
    for _ in convert(enumerate(data.split(b"\n"), 1), str):
        pass


class Answers:
    """An API whose answers are the input: a JSON object of them by the last word of the path."""

    def __init__(self, data: bytes) -> None:
        found = orjson.loads(data)
        self._found = found if isinstance(found, dict) else {}
        self._left = 50

    async def get(self, path: str, parameters: object = None) -> Node:
        self._left -= 1
        if not self._left:
            raise HistoryAway("unreachable", "asked often enough")
        return Node(self._found.get(path.rpartition("/")[2], {}))


def history(source: str, data: bytes) -> None:
    """A page of it, and each of its deliveries as the door takes it."""
    api = cast("Api", Answers(data))
    reader = ZendeskHistory(api) if source == "zendesk" else JiraHistory(api, "", ())
    step = reader.page(Window(Instant(0), NOW), "")
    try:
        step.send(None)
    except StopIteration as done:
        for one in done.value.deliveries:
            if one.why is None:
                with contextlib.suppress(NotMapped):
                    delivery(source, b"\n" + orjson.dumps(one.body))


def calendars() -> Mapping[str, Calendar]:
    return {}


# -- where it begins --------------------------------------------------------------------------


def files(*patterns: str) -> Iterator[bytes]:
    """Of the repository."""
    for pattern in patterns:
        found = sorted(ROOT.glob(pattern))
        assert found, pattern
        yield from (file.read_bytes() for file in found)


def blocks(page: str, kind: str, holding: str) -> Iterator[bytes]:
    """The code blocks of a page that hold a word."""
    text = (ROOT / page).read_text()
    blocks = re.findall(rf"```{kind}[^\n]*\n(.*?)```", text, re.DOTALL)
    found = [block for block in blocks if holding in block]
    assert found, page
    return (block.encode() for block in found)


def examples(pattern: str) -> Iterator[bytes]:
    """Of the contract, in binary mode."""
    for text in files(f"schemas/examples/{pattern}.json"):
        e = orjson.loads(text)
        headers = headers_of(e["type"], e["source"], e["id"], e["subject"], e["time"])
        yield message(headers, orjson.dumps(e["data"]))


def example_events() -> Iterator[bytes]:
    kind = {"content-type": "application/cloudevents+json"}
    for text in files("schemas/examples/incident.*.json"):
        yield message({**kind, "key": orjson.loads(text)["subject"]}, text)
    yield from chain(examples("ticket.*"), examples("vigil.*"))


def example_lines(pattern: str) -> Iterator[bytes]:
    return (orjson.dumps(orjson.loads(text)) for text in files(f"schemas/examples/{pattern}.json"))


def deliveries(source: str) -> Iterator[bytes]:
    from intake.test_payloads import EXAMPLES

    return (message(one.headers, one.body) for one in EXAMPLES[source])


def example_histories(source: str) -> Iterator[bytes]:
    """A ticket's life as the source's stand-in tells it."""
    from intake import counterparts, tickets

    at = tickets.START
    if source == "zendesk":
        zendesk = counterparts.Zendesk()
        life = tickets.ZendeskLife(zendesk, 1, at, tickets.rng_of(1))
        life.status(at, "pending")
        life.tags(at, ["vip"])
        life.comment(at, tickets.AGENT)
        users = zendesk.found("/api/v2/users/show_many.json", {"ids": "17,3"}).body
        query = {"start_time": "0", "include": "comment_events"}
        export = zendesk.found("/api/v2/incremental/ticket_events.json", query).body
        yield orjson.dumps({"ticket_events.json": export, "show_many.json": users})
        return
    jira = counterparts.Jira()
    issue = tickets.JiraLife(jira, 1, at)
    issue.change(at, ("status", "Open", "Shipped"), ("priority", "High", "Low"), ("labels", "UI", "UI vip"))
    issue.comment(at, customer=True)
    query = {
        "jql": '(project = SUP) AND updated >= "2020/01/01 00:00" ORDER BY updated ASC', "maxResults": "50",
        "fields": "summary,priority,status,assignee,reporter,components,labels,created,comment",
        "expand": "changelog",
    }  # fmt: skip
    search = jira.found("/rest/api/3/search/jql", query).body
    yield orjson.dumps({"jql": search, "myself": {"timeZone": "UTC"}, "status": counterparts.STATUSES})


def example_doors() -> Iterator[bytes]:
    """Keys instead of secrets: those would be asked of the environment."""
    key = 'keys: [{name: shop, hash: "sha256:' + "0" * 64 + '", sources: ["urn:*"], types: ["ticket.*"]}]'
    yield f"doors:\n  direct:\n    source: cloudevents\n    {key}\n".encode()
    yield f"doors:\n  desk: {{source: freshdesk, {key}, states: {{Asleep: 'paused: asleep'}}}}\n".encode()
    yield from blocks("docs/intake.md", "yaml", "doors:")


def example_routes() -> Iterator[bytes]:
    from notify.test_configuration import GOOD

    return chain(
        [GOOD.replace("      mutes: [{outside: support}]", "").encode()], files("deploy/notify/*.yaml")
    )


def example_states() -> Iterator[bytes]:
    (file,) = files("tests/core/states/v1.bin")
    return iter(msgspec.msgpack.decode(file, type=dict[bytes, bytes]).values())


def example_reviews() -> Iterator[bytes]:
    """A section at a time: a whole review takes a thousand times as long as most inputs."""
    for text in files("docs/examples/*/pir*.md"):
        sections, _, notes = text.partition(b"\n[vigil review of]")
        head, *rest = sections.split(b"\n## ")
        for section in rest:
            if len(section) < 2_000:
                yield head + b"\n## " + section + b"\n[vigil review of]" + notes


def example_pace() -> Iterator[bytes]:
    from replay.test_pace_file import LEARNED

    return iter([pace_file.write(LEARNED)[0]])


def example_answers() -> Iterator[bytes]:
    yield message({":status": "429", "Retry-After": "Mon, 02 Mar 2026 10:00:00 GMT"}, b"")
    yield message({":status": "200"}, b'{"ok": false, "error": "ratelimited"}')
    yield message(
        {":status": "200"},
        b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413",
    )
    yield message({":status": "200"}, b'{"ok": true, "ts": "1.2", "channel": "C1"}')


def example_files() -> Iterator[bytes]:
    import gzip

    some = b"\n".join([*example_lines("ticket.opened.v1"), *example_lines("incident.resolved.v1")])
    return iter([gzip.compress(some, mtime=0), gzip.compress(b"", mtime=0)])


def example_uci() -> Iterator[bytes]:
    from replay.test_import_uci import HEADER, row

    told = [
        HEADER,
        row(),
        row("Awaiting Vendor", mod=1),
        row("Resolved", mod=2),
        row("Active", mod=3, reopened=1),
    ]
    return iter(["\n".join(told).encode()])


def example_status() -> Iterator[bytes]:
    from replay.test_import_github import incident

    return iter([orjson.dumps(incident(("01:43", "Investigating"), ("02:20", "Resolved")))])


TARGETS: dict[str, Target] = {
    "event": Target(event, (), example_events),
    "event-line": Target(read_line, (), partial(example_lines, "*.v1")),
    "event-file": Target(of_file(lines, ".gz"), (OSError,), example_files),
    "outcome": Target(outcome, (ValueError,), partial(examples, "sla.*")),
    "outcome-line": Target(read_outcome, (ValueError,), partial(example_lines, "sla.*")),
    "state": Target(stored, (UnknownStateFormat, DamagedState), example_states),
    **{
        f"intake-{source}": Target(partial(delivery, source), (NotMapped,), partial(deliveries, source))
        for source in SOURCES
    },
    **{
        f"history-{source}": Target(
            partial(history, source),
            (HistoryFailed, CursorExpired, orjson.JSONDecodeError),
            partial(example_histories, source),
        )
        for source in ("zendesk", "jira")
    },
    "intake-doors": Target(of_file(doors, ".yaml"), (IntakeErrors,), example_doors),
    "policies": Target(
        of_file(load, ".yaml"),
        (PolicyErrors,),
        partial(
            files, "deploy/policies*/*.yaml", "docs/examples/*/policies/*.yaml", "engine/demo/policies/*.yaml"
        ),
    ),
    "calendars": Target(
        of_file(load, ".yaml"), (PolicyErrors,), partial(blocks, "docs/policies.md", "yaml", "calendar:")
    ),
    "notify": Target(
        of_file(partial(configuration, calendars=calendars), ".yaml"), (NotifyErrors,), example_routes
    ),
    "notify-answer": Target(answer, (), example_answers),
    "review": Target(review, (NoReview,), example_reviews),
    "fees-yaml": Target(
        of_file(read_fees, ".yaml"), (FeesRefused,), partial(blocks, "docs/credits.md", "yaml", "fee:")
    ),
    "fees-csv": Target(
        of_file(read_fees, ".csv"),
        (FeesRefused,),
        lambda: iter([b"customer,fee,currency\nacme,1000.10,EUR\nzen,5,USD\n"]),
    ),
    "pace": Target(of_file(pace_file.read, ".json"), (PaceFileRefused,), example_pace),
    "import-uci": Target(partial(imported, uci_servicenow.convert), (WrongFormat,), example_uci),
    "import-github": Target(partial(imported, github_status.convert), (), example_status),
}
