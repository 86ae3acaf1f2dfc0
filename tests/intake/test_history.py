"""History against servers that behave as documented: every page, every limit, and what the webhooks told."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from engine.core.instants import SECOND, Instant, format_instant, from_datetime, parse_instant
from engine.intake.arrival import NotMapped
from engine.intake.configuration import Door
from engine.intake.history import asking
from engine.intake.history.access import Access, must_be_url
from engine.intake.history.asking import Api
from engine.intake.history.failures import HistoryAway, HistoryFailed, HistoryRefused, HistoryUnreadable
from engine.intake.history.jira import jql_time
from engine.intake.history.journal import Journal, Standing, begin
from engine.intake.history.loading import Load
from engine.intake.history.readers import READERS
from engine.intake.history.sinks import Letter, ToKafka
from engine.intake.mapping import Mapping
from engine.intake.records import ToSend, records_of, refused
from engine.intake.sending import LARGEST_REQUEST, NotSent, Sender
from engine.intake.sources import SOURCES
from engine.stream.delivery import size_of
from intake.counterparts import TOKEN, USER, Answer, Counterpart, Jira, Zendesk, running
from intake.deliveries import arrival, said_in_parts
from intake.tickets import AGENT, DELETED, START, JiraLife, ZendeskLife, jira_lives, rng_of, zendesk_lives

pytestmark = pytest.mark.slow

SINCE = from_datetime(START - timedelta(hours=1))
NOW = from_datetime(START + timedelta(days=30))


class Kept:
    """A sink that keeps what it was given."""

    name = ""

    def __init__(self) -> None:
        self.events: list[ToSend] = []
        self.letters: list[Letter] = []

    async def take(self, events: Sequence[ToSend], letters: Sequence[Letter]) -> tuple[int, int]:
        self.events += events
        self.letters += letters
        return 0, 0

    @property
    def ids(self) -> list[str]:
        return [one.read.fact.id for one in self.events]

    def said(self) -> list[tuple[str, str, str, Any]]:
        """Subject, time, verb, data."""
        return [
            (one.read.subject, format_instant(one.read.fact.at), one.read.fact.kind, one.read.fact.data)
            for one in self.events
        ]


def door_of(source: str, fields: dict[str, str] | None = None) -> Door:
    kind = SOURCES[source]
    mapping = Mapping("acme", "acme:{id}", "ticket", kind.states, kind.severities, fields or {})
    return Door("acme", kind, (), mapping)


class Loading:
    """Loads of one door's history, with their state."""

    def __init__(self, counterpart: Counterpart, folder: Path, fields: dict[str, str] | None = None) -> None:
        self.counterpart, self.file = counterpart, folder / "state.json"
        self.source = "jira" if isinstance(counterpart, Jira) else "zendesk"
        self.door = door_of(self.source, fields)
        self.kept = Kept()
        self.now = NOW

    def __call__(
        self,
        until: Instant | None = None,
        since: Instant = SINCE,
        token: str = TOKEN,
        heard: Callable[[Standing], None] = lambda _: None,
    ) -> Kept:
        """Load once more; what all loads have said so far."""
        jql = "project = SUP" if self.source == "jira" else ""
        with running(self.counterpart) as url:
            # The port is another each time: what the state remembers is the source.
            access = Access("https://source", token, USER, jql)
            reached = Access(url, token, USER, jql)

            async def load() -> None:
                with Journal(self.file) as journal:
                    standing = begin(journal.read(), "acme", access, since)
                    async with Api(reached, timeout=5) as api:
                        reader = READERS[self.source](api, self.door.mapping, jql)
                        one = Load(
                            self.door, reader, self.kept, journal, standing, now=lambda: self.now, heard=heard
                        )
                        await one.run(until, asyncio.Event())

            asyncio.run(load())
        return self.kept


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_BACK_OFF", 0.01)


def by_webhooks(door: Door, webhooks: list[dict[str, Any]]) -> list[ToSend]:
    """What the door sends of these deliveries, each two seconds after it happened."""
    found = []
    for number, body in enumerate(webhooks):
        headers = {"x-atlassian-webhook-identifier": f"d-{number}"}
        came = arrival(body, headers, NOW)
        try:
            said = said_in_parts(door, came)
            at = Instant(said[0].at + 2 * SECOND) if said else NOW
            found += records_of(said, door.name, arrival(body, headers, at))
        except NotMapped as why:
            if not why.ignored:
                raise
    return found


def facts(events: Sequence[ToSend]) -> list[tuple[str, Instant, str, Any]]:
    """What is said, by whichever way: without what only a webhook knows (the channel)."""
    return sorted(
        (
            (
                one.read.subject,
                one.read.fact.at,
                one.read.fact.kind,
                str(sorted((k, str(v)) for k, v in one.read.fact.data.items() if k != "channel")),
            )
            for one in events
        ),
    )


# -- both ----------------------------------------------------------------------------------------


def test_zendesk_s_history_says_what_its_webhooks_said(tmp_path: Path) -> None:
    source = Zendesk(page=7)
    webhooks = zendesk_lives(source, 25)
    load = Loading(source, tmp_path)
    assert facts(load().events) == facts(by_webhooks(load.door, webhooks))
    assert load.kept.letters == []
    assert len(set(load.kept.ids)) == len(load.kept.ids), "a page begins with the end of the one before"
    assert len(source.asked) > 10


def test_jira_s_history_says_what_its_webhooks_said_with_the_same_ids(tmp_path: Path) -> None:
    source = Jira(page=3)
    webhooks = jira_lives(source, 10)
    load = Loading(source, tmp_path)
    told = by_webhooks(load.door, webhooks)
    assert facts(load().events) == facts(told)
    assert sorted(load.kept.ids) == sorted(one.read.fact.id for one in told), "a double is a known duplicate"


def test_a_window_says_what_happened_in_it_and_the_next_one_goes_on_there(tmp_path: Path) -> None:
    for number, source in enumerate((Zendesk(page=5), Jira(page=4))):
        folder = tmp_path / str(number)
        folder.mkdir()
        lives = zendesk_lives(source, 10) if isinstance(source, Zendesk) else jira_lives(source, 10)
        load = Loading(source, folder)
        middle = from_datetime(START + timedelta(hours=4))
        first = list(load(until=middle).events)
        assert first
        assert all(one.read.fact.at < middle for one in first)
        assert facts(load().events) == facts(by_webhooks(load.door, lives))
        assert len(load.kept.events) > len(first)
        before = len(load.kept.events)
        load.now = Instant(NOW + 10**12)
        assert len(load().events) == before, "nothing new has happened"


def test_what_the_source_may_still_add_to_is_not_asked_for(tmp_path: Path) -> None:
    source = Zendesk()
    source.now = lambda: START.timestamp() + 3_600
    ZendeskLife(source, 1, START + timedelta(minutes=58), rng_of(1))
    ZendeskLife(source, 2, START + timedelta(minutes=59, seconds=30), rng_of(2))
    load = Loading(source, tmp_path)
    load.now = from_datetime(START + timedelta(hours=1))
    assert [one[0] for one in load().said()] == ["acme:1"]
    source.now = lambda: START.timestamp() + 7_200
    load.now = from_datetime(START + timedelta(hours=2))
    assert [one[0] for one in load().said()] == ["acme:1", "acme:2"]


@pytest.mark.parametrize("kind", [Zendesk, Jira])
@pytest.mark.parametrize(
    "faults", [["500", "503:1", "cut"], ["half", "garbage"], ["429:1", "500"], ["502"] * 9]
)
def test_what_passes_is_asked_again_and_nothing_is_lost(
    kind: type[Counterpart], faults: list[str], tmp_path: Path
) -> None:
    source = kind(page=4)  # type: ignore[call-arg]
    lives = zendesk_lives(source, 6) if isinstance(source, Zendesk) else jira_lives(source, 6)  # type: ignore[arg-type]
    load = Loading(source, tmp_path)
    source.after = lambda number: source.faults.extend(faults if number == 3 else [])
    assert facts(load().events) == facts(by_webhooks(load.door, lives))
    assert not source.faults


def test_a_clock_of_ours_that_is_ahead_loses_nothing(tmp_path: Path) -> None:
    source = Zendesk()
    ZendeskLife(source, 1, START + timedelta(minutes=58, seconds=40), rng_of(1))
    source.now = lambda: (START + timedelta(minutes=59, seconds=15)).timestamp()
    load = Loading(source, tmp_path)
    load.now = from_datetime(START + timedelta(hours=1))
    assert load().said() == [], "by its own clock it is too young"
    source.now = lambda: START.timestamp() + 7_200
    load.now = from_datetime(START + timedelta(hours=1, minutes=2))
    assert [one[0] for one in load().said()] == ["acme:1"]
    load.now = from_datetime(START + timedelta(hours=1, minutes=4))
    assert [one[0] for one in load().said()] == ["acme:1"], "asked again, said once"


def test_the_limit_of_zendesk_is_kept_to(tmp_path: Path) -> None:
    source = Zendesk(page=8)
    source.limit = 10
    webhooks = zendesk_lives(source, 20)
    load = Loading(source, tmp_path)
    assert facts(load().events) == facts(by_webhooks(load.door, webhooks))
    assert len(source.asked) > 10, "it takes more than one second's questions"


@pytest.mark.parametrize(
    ("faults", "token", "kind", "reason", "message"),
    [
        ([], "a guess", HistoryRefused, "wrong_credentials", "answered 401.*expected the user's token"),
        (["403"], TOKEN, HistoryRefused, "not_allowed", "answered 403.*may read all of it"),
        (["404"], TOKEN, HistoryRefused, "not_found", "is the url that of the source"),
        (["302"], TOKEN, HistoryRefused, "not_allowed", "answered 302"),
        (["400"], TOKEN, HistoryRefused, "bad_query", "ticket_events.json.*answered 400"),
        (["garbage"] * 12, TOKEN, HistoryUnreadable, "bad_page", "no JSON .*12 times"),
        (["500"] * 12, TOKEN, HistoryAway, "unreachable", "answered 500, 12 times"),
        (["429"] * 12, TOKEN, HistoryAway, "rate_limited", "answered 429, 12 times"),
        (["cut"] * 12, TOKEN, HistoryAway, "unreachable", "the connection failed"),
    ],
)
def test_what_does_not_pass_has_a_name_and_the_load_goes_on_where_it_was(
    faults: list[str], token: str, kind: type[HistoryFailed], reason: str, message: str, tmp_path: Path
) -> None:
    source = Zendesk(page=5)
    webhooks = zendesk_lives(source, 6)
    load = Loading(source, tmp_path)
    source.after = lambda number: source.faults.extend(faults if number == 2 else [])
    with pytest.raises(kind, match=message) as caught:
        load(token=token)
    assert caught.value.reason == reason
    assert TOKEN not in str(caught.value)
    source.faults.clear()
    source.after = lambda number: None
    assert facts(load().events) == facts(by_webhooks(load.door, webhooks))


def test_an_answer_that_is_no_page_is_named(tmp_path: Path) -> None:
    source = Zendesk()
    source.found = lambda path, query: Answer(200, {"tickets": []})  # type: ignore[method-assign]
    with pytest.raises(HistoryUnreadable, match=r"bad_page: .*ticket_events: missing"):
        Loading(source, tmp_path)()


def test_an_item_that_cannot_be_read_is_a_dead_letter_and_the_page_goes_on(tmp_path: Path) -> None:
    source = Zendesk()
    webhooks = zendesk_lives(source, 3)
    source.audits.insert(2, {"id": 1, "timestamp": source.audits[2]["timestamp"], "created_at": "soon"})
    load = Loading(source, tmp_path)
    assert facts(load().events) == facts(by_webhooks(load.door, webhooks))
    (letter,) = load.kept.letters
    assert (letter.why.reason, letter.why.path) == ("bad_payload", "ticket_events[2].created_at")
    assert b'"soon"' in letter.arrival.body


def test_what_the_mapping_does_not_know_is_a_dead_letter_as_at_the_door(tmp_path: Path) -> None:
    source = Zendesk()
    life = ZendeskLife(source, 1, START, rng_of(1))
    life.status(START + timedelta(hours=1), "escalated")
    life.comment(START + timedelta(hours=2), DELETED)
    load = Loading(source, tmp_path)
    assert [one[2] for one in load().said()] == ["opened"]
    assert [one.why.reason for one in load.kept.letters] == ["unknown_status", "unknown_author"]
    assert load.door.source.name == "zendesk"


# -- Zendesk -------------------------------------------------------------------------------------


def test_a_second_longer_than_a_page_is_read_whole_and_once(tmp_path: Path) -> None:
    source = Zendesk(page=3)
    for number in range(1, 9):
        ZendeskLife(source, number, START, rng_of(number))
    ZendeskLife(source, 9, START + timedelta(seconds=1), rng_of(9))
    assert sorted(one[0] for one in Loading(source, tmp_path)().said()) == [f"acme:{n}" for n in range(1, 10)]


def test_a_custom_field_comes_by_the_door_s_mapping(tmp_path: Path) -> None:
    source = Zendesk()
    life = ZendeskLife(source, 1, START, rng_of(1), custom_ticket_fields={"360001": "shop"})
    life.custom(START + timedelta(hours=1), "360001", "checkout")
    load = Loading(source, tmp_path, fields={"360001": "service"})
    opened, updated = load().said()
    assert opened[3]["service"] == "shop"
    assert (updated[2], updated[3]) == ("updated", {"service": "checkout"})
    assert facts(load.kept.events[1:]) == facts(by_webhooks(load.door, life.webhooks[1:]))


def test_a_priority_that_is_taken_away_is_told_as_its_webhook_tells_it(tmp_path: Path) -> None:
    source = Zendesk()
    life = ZendeskLife(source, 1, START, rng_of(1))
    life.field(START + timedelta(hours=1), "priority_changed", "priority", None)
    load = Loading(source, tmp_path)
    assert load().said()[1][3] == {"priority": None, "severity": None}
    assert facts(load.kept.events) == facts(by_webhooks(load.door, life.webhooks))


def test_whether_an_author_is_staff_is_asked_once(tmp_path: Path) -> None:
    source = Zendesk(page=2)
    life = ZendeskLife(source, 1, START, rng_of(1))
    for hour in range(1, 8):
        life.comment(START + timedelta(hours=hour), AGENT)
    assert [one[2] for one in Loading(source, tmp_path)().said()] == ["opened", *["message_sent"] * 7]
    assert len([1 for path, _ in source.asked if path.endswith("show_many.json")]) == 1


def test_what_a_window_asks_again_is_told_once_however_many_pages_it_has(tmp_path: Path) -> None:
    source = Zendesk(page=2)
    life = ZendeskLife(source, 1, START, rng_of(1))
    for minute in range(1, 9):
        life.comment(START + timedelta(minutes=minute), AGENT)
    load = Loading(source, tmp_path)
    load.now = from_datetime(START + timedelta(minutes=10))
    told = list(load().ids)
    load.now = from_datetime(START + timedelta(hours=5))  # the next window is longer than what is asked again
    life.comment(START + timedelta(hours=4), AGENT)
    assert load().ids == [*told, load.kept.ids[-1]]


class Away(Sender):
    """Kafka is away; somebody ends the load meanwhile."""

    def __init__(self, stopping: asyncio.Event) -> None:
        super().__init__({}, {}, 1.0)
        self.stopping, self.tries = stopping, 0

    async def send(self, records: Any, at: Instant | None = None) -> None:
        self.tries += 1
        self.stopping.set()
        raise NotSent("away")


def test_who_ends_a_load_while_kafka_is_away_does_not_wait_for_it(tmp_path: Path) -> None:
    source = Zendesk()
    ZendeskLife(source, 1, START, rng_of(1))
    door = door_of("zendesk")

    async def load(url: str) -> tuple[Standing, int]:
        stopping = asyncio.Event()
        sender, access = Away(stopping), Access(url, TOKEN, USER)
        with Journal(tmp_path / "state.json") as journal:
            async with Api(access, timeout=5) as api:
                standing = begin(None, "acme", access, SINCE)
                one = Load(
                    door, READERS["zendesk"](api, door.mapping, ""), ToKafka(sender, "acme", stopping),
                    journal, standing, now=lambda: NOW, heard=lambda _: None,
                )  # fmt: skip
                await asyncio.wait_for(one.run(None, stopping), 60)
        return one.standing, sender.tries

    with running(source) as url:
        standing, tries = asyncio.run(load(url))
    assert (tries, standing.pages, standing.until) == (1, 0, NOW - 60 * SECOND), "the page is asked for again"


# -- Jira ----------------------------------------------------------------------------------------


def test_an_issue_opens_as_it_was_and_not_as_it_is(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START, customfield_1="gold")
    life.change(
        START + timedelta(hours=1), ("priority", "High", "Highest"), ("customfield_1", "gold", "iron")
    )
    life.change(START + timedelta(hours=2), ("summary", "Checkout is down (1)", "Checkout is slow"))
    life.change(START + timedelta(hours=3), ("status", "Open", "Being looked at"), ("assignee", None, "Mona"))
    load = Loading(source, tmp_path, fields={"customfield_1": "service"})
    opened = load().said()[0]
    assert opened[3]["title"] == "Checkout is down (1)"
    assert (opened[3]["severity"], opened[3]["service"]) == ("P1", "gold")
    assert "owner" not in opened[3]
    assert facts(load.kept.events) == facts(by_webhooks(load.door, life.webhooks))


def test_an_issue_whose_first_status_was_deleted_since_is_opened(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START)
    life.change(START + timedelta(hours=1), ("status", "Open", "Shipped"))
    life.issue["changes"][0]["items"][0] |= {"from": "9", "fromString": "Being triaged"}
    load = Loading(source, tmp_path)
    assert [one[2] for one in load().said()] == ["opened", "resolved"]
    assert [(one.why.reason, one.why.path) for one in load.kept.letters] == [
        ("unknown_status", "issue.fields.status.name")
    ]


def test_an_issue_that_was_done_when_it_was_moved_is_told_as_its_webhook_tells_it(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START, resolution=None)
    life.change(START + timedelta(hours=1), ("status", "Open", "Shipped"), ("resolution", None, "Done"))
    life.move(START + timedelta(hours=2), "ENG-9")
    life.move(START + timedelta(hours=3), "OPS-3", ("status", "Shipped", "Open"))  # it keeps its resolution
    load = Loading(source, tmp_path)
    told = by_webhooks(load.door, life.webhooks)
    assert facts(load().events) == facts(told)
    assert sorted(load.kept.ids) == sorted(one.read.fact.id for one in told)
    lives = [(one.read.subject.partition(":")[2], one.read.fact.kind) for one in load.kept.events]
    assert lives[2:5] == [("SUP-1", "cancelled"), ("ENG-9", "opened"), ("ENG-9", "cancelled")]
    assert [kind for key, kind in lives if key == "OPS-3"] == ["opened", "reopened", "resumed"]


def test_another_component_or_reporter_is_told_as_its_webhook_tells_it(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START)
    life.change(START + timedelta(hours=1), ("components", "checkout", None), ("components", None, "mail"))
    life.change(START + timedelta(hours=2), ("reporter", "Bryan", "Mona"))
    life.change(START + timedelta(hours=3), ("components", "mail", None))
    load = Loading(source, tmp_path)
    told = [one[3] for one in load().said()]
    assert told[0]["component"] == "checkout"
    expected: list[Any] = [
        {"component": "mail"}, {"component": "mail"}, {"reporter": "Mona"}, {"component": None},
    ]  # fmt: skip
    assert told[1:] == expected
    assert facts(load.kept.events) == facts(by_webhooks(load.door, life.webhooks))


@pytest.mark.parametrize("subject", ["acme:{id}", "acme:{issue_id}"])
def test_an_issue_that_is_moved_has_one_life_a_key_or_one_in_all_by_its_id(
    subject: str, tmp_path: Path
) -> None:
    source = Jira()
    life = JiraLife(source, 1, START)
    hours = [START + timedelta(hours=n) for n in range(9)]
    life.change(hours[1], ("priority", "High", "Medium"))
    life.comment(hours[2], customer=True)
    life.move(hours[3], "ENG-9", ("status", "Open", "Waiting for customer"))
    life.comment(hours[4], customer=False)
    life.change(hours[5], ("status", "Waiting for customer", "Being looked at"), ("assignee", None, "Mona"))
    life.move(hours[6], "OPS-3")
    life.change(
        hours[7], ("status", "Being looked at", "Shipped"), ("summary", life.issue["fields"]["summary"], "x")
    )
    load = Loading(source, tmp_path)
    load.door = replace(load.door, mapping=replace(load.door.mapping, subject=subject))
    told = by_webhooks(load.door, life.webhooks)
    assert facts(load().events) == facts(told)
    assert sorted(load.kept.ids) == sorted(one.read.fact.id for one in told), "a double is a known duplicate"
    lives: dict[str, list[str]] = {}
    for one in load.kept.events:
        lives.setdefault(one.read.subject.partition(":")[2], []).append(one.read.fact.kind)
    if subject == "acme:{issue_id}":
        after = ["paused", "message_sent", "assigned", "resumed", "updated", "resolved"]
        assert lives == {life.issue["id"]: ["opened", "updated", "message_received", *after]}
        return
    moved = ["opened", "reopened", "resumed"]
    assert lives == {
        "SUP-1": ["opened", "updated", "message_received", "cancelled"],
        "ENG-9": [*moved, "paused", "message_sent", "assigned", "resumed", "cancelled"],
        "OPS-3": [*moved, "updated", "resolved"],
    }
    first, second, third = [one.read.fact for one in load.kept.events if one.read.fact.kind == "opened"]
    known = {"title": "Checkout is down (1)", "priority": "Medium", "severity": "P2", "reported_at": first.at}
    assert {name: second.data.get(name) for name in known} == known
    assert (second.at, third.data["owner"]) == (from_datetime(hours[3]), "Mona")
    assert {one[3]["reason"] for one in load.kept.said() if one[2] == "cancelled"} == {"moved"}


@pytest.mark.parametrize("break_it", ["id", "component"])
def test_an_issue_in_no_shape_that_we_know_is_a_dead_letter_and_the_others_are_read(
    break_it: str, tmp_path: Path
) -> None:
    source = Jira()
    bad, good = (JiraLife(source, number, START) for number in (1, 2))
    bad.change(START + timedelta(hours=1), ("components", "checkout", None))
    if break_it == "id":
        bad.issue["changes"][0]["id"] = "the first"
    else:
        bad.issue["fields"]["components"] = ["checkout"]
    load = Loading(source, tmp_path)
    load()
    assert {letter.why.reason for letter in load.kept.letters} == {"bad_payload"}
    assert "SUP-2" in [one.read.subject.rpartition(":")[2] for one in load.kept.events]
    assert good.webhooks


def test_a_change_of_a_very_long_text_says_what_else_it_changed(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START)
    life.change(START + timedelta(hours=1), ("status", "Open", "Shipped"), ("description", "x" * 600_000, ""))
    load = Loading(source, tmp_path)
    assert facts(load().events) == facts(by_webhooks(load.door, life.webhooks))
    assert [one[2] for one in load.kept.said()] == ["opened", "resolved"]


def test_a_dead_letter_of_any_length_fits_a_request() -> None:
    came = arrival(b"x" * 5_000_000, {"content-type": "application/json"})
    letter = refused(came, "acme", NotMapped("bad_payload", "y" * 5_000))
    assert size_of(letter) < LARGEST_REQUEST
    assert ("vigil-omitted-bytes", b"4100000") in letter.headers


def test_a_long_life_is_read_whole(tmp_path: Path) -> None:
    source = Jira()
    life = JiraLife(source, 1, START)
    for number in range(1, 251):
        at = START + timedelta(minutes=number)
        life.change(at, ("priority", "High", "Highest") if number % 2 else ("priority", "Highest", "High"))
        if number <= 130:
            life.comment(at + timedelta(seconds=5), customer=True)
    load = Loading(source, tmp_path)
    assert facts(load().events) == facts(by_webhooks(load.door, life.webhooks))


def test_a_token_that_expired_begins_the_window_again_with_the_same_ids(tmp_path: Path) -> None:
    source = Jira(page=2)
    webhooks = jira_lives(source, 8)
    source.after = lambda number: source.expire() if number == 4 else None
    load = Loading(source, tmp_path)
    load()
    assert set(load.kept.ids) == {one.read.fact.id for one in by_webhooks(load.door, webhooks)}
    source.after = lambda number: source.expire()
    other = Loading(source, tmp_path / "..")
    other.file = tmp_path / "other.json"
    with pytest.raises(HistoryRefused, match=r"cursor_expired: 4 times: .*invalid or expired"):
        other()


def test_an_issue_that_changes_while_pages_are_read_is_read_as_well(tmp_path: Path) -> None:
    source = Jira(page=2)
    webhooks = jira_lives(source, 8)
    life = JiraLife(source, 50, START - timedelta(minutes=30))
    late = START + timedelta(days=29)

    def change(number: int) -> None:
        if number == 4:  # it was on the first page, and is now on the last
            life.change(late, ("status", "Open", "Shipped"))

    source.after = change
    load = Loading(source, tmp_path)
    load()
    told = by_webhooks(load.door, webhooks + life.webhooks)
    assert set(load.kept.ids) == {one.read.fact.id for one in told}
    assert [one[2] for one in load.kept.said() if one[1] == format_instant(from_datetime(late))] == [
        "resolved"
    ]


def test_an_issue_that_is_deleted_while_it_is_read_is_a_dead_letter(tmp_path: Path) -> None:
    source = Jira()
    source.comments_told = 0  # all are asked for
    JiraLife(source, 1, START)
    lost = JiraLife(source, 2, START + timedelta(seconds=1))
    lost.comment(START + timedelta(minutes=1), customer=True)
    source.after = lambda number: source.faults.extend(["404"] if number == 3 else [])
    load = Loading(source, tmp_path)
    assert [one[0] for one in load().said()] == ["acme:SUP-1"]
    assert [one.why.reason for one in load.kept.letters] == ["not_found"]


def test_what_jira_s_index_shows_late_is_said_once_by_a_later_window(tmp_path: Path) -> None:
    source = Jira()
    JiraLife(source, 1, START)
    load = Loading(source, tmp_path)
    load.now = from_datetime(START + timedelta(minutes=5))
    assert [one[0] for one in load().said()] == ["acme:SUP-1"]
    JiraLife(source, 2, START + timedelta(minutes=3))  # inside the window that was read
    load.now = from_datetime(START + timedelta(minutes=6))
    assert [one[0] for one in load().said()] == ["acme:SUP-1", "acme:SUP-2"]
    load.now = from_datetime(START + timedelta(minutes=7))
    assert len(load().events) == 2


@pytest.mark.parametrize(
    ("zone", "since", "asked"),
    [
        ("America/New_York", "2026-03-02T10:00:59Z", "2026/03/02 05:00"),
        ("Asia/Kathmandu", "2026-03-02T10:00:00Z", "2026/03/02 15:45"),
        ("Europe/Berlin", "2026-10-25T00:30:00Z", "2026/10/25 01:30"),  # 02:30 comes twice that night
        ("Europe/Berlin", "2026-10-25T01:30:00Z", "2026/10/25 02:30"),
    ],
)
def test_a_time_is_asked_in_the_asker_s_zone_and_never_after_it(zone: str, since: str, asked: str) -> None:
    assert jql_time(parse_instant(since), ZoneInfo(zone)) == asked


# -- the state, and where it may go ------------------------------------------------------------------


def test_a_state_is_of_one_load_and_held_by_one_process(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    access = Access("https://acme.zendesk.com", "secret")
    with Journal(file) as journal:
        with pytest.raises(HistoryRefused, match=r"no_beginning: .*--since"):
            begin(journal.read(), "acme", access, None)
        standing = begin(journal.read(), "acme", access, SINCE)
        journal.write(standing)
        assert begin(journal.read(), "acme", access, None) == standing
        for door, other, since in (
            ("other", access, None),
            ("acme", Access("https://b.zendesk.com", "secret"), None),
            ("acme", access, NOW),
        ):
            with pytest.raises(HistoryRefused, match="state_of_another"):
                begin(journal.read(), door, other, since)
        with pytest.raises(HistoryRefused, match="in_use"), Journal(file):
            pass
    file.write_bytes(b'{"door": 1}')
    with Journal(file) as journal, pytest.raises(HistoryRefused, match=r"state_unreadable: .*state\.json"):
        journal.read()


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.zendesk.com", "ftp://x", "acme.zendesk.com", "https://", f"https://{USER}:{TOKEN}@acme.zendesk.com",
        "https://acme.zendesk.com/api/v2", "https://acme.zendesk.com?x=1", "https://acme:port", "http://10.0.0.1",
    ],
)  # fmt: skip
def test_a_token_goes_nowhere_without_tls(url: str) -> None:
    with pytest.raises(ValueError, match="a URL"):
        must_be_url(url)


def test_a_token_is_in_no_text_of_its_own() -> None:
    assert TOKEN not in repr(Access("https://acme.zendesk.com", TOKEN, USER))
