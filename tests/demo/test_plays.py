"""What is played and how fast: the story, or a file of recorded events."""

import gzip
from pathlib import Path

import orjson
import pytest

from cli.running import vigil
from demo.test_summary import SUMMARY
from engine.contract.codec import Received, decode
from engine.core.instants import DAY, SECOND, Instant, Span, parse_instant
from engine.demo.playing import Pace
from engine.demo.plays import FASTEST, STORY_SPEED, NothingToPlay, data_play, story_play
from engine.policies import load


def event(number: int, time: str, verb: str, data: dict[str, object], **attributes: object) -> bytes:
    structured = {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/test",
        "type": f"ticket.{verb}.v1",
        "subject": "helpdesk:1",
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }
    return orjson.dumps(structured | attributes)


OPENED = {"title": "t", "severity": "P1", "customer": {"id": "k", "name": "Kestrel Rail"}}
LINES = [
    event(1, "2020-03-01T08:00:00Z", "opened", OPENED),
    event(3, "2020-03-11T08:00:00Z", "resolved", {}),
    event(2, "2020-03-02T08:00:00Z", "message_sent", {"public": True}, recordedtime="2020-03-12T08:00:00Z"),
]


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join([*LINES, b"not json", b""])))
    return path


def test_the_story_takes_about_75_seconds_at_120_times_the_speed_of_life() -> None:
    play = story_play()
    assert play.speed == STORY_SPEED
    assert play.seconds == 75
    assert play.ahead == 0
    assert load(play.policies).policies[0].name == "demo"


@pytest.mark.parametrize(
    ("speed", "seconds", "is_speed", "is_seconds"),
    [
        (None, 30.0, 300.0, 30.0),
        (60.0, None, 60.0, 150.0),
        (60.0, 30.0, 60.0, 30.0),
        (600.0, 600.0, 600.0, 15.0),
    ],
)
def test_speed_gives_the_length_and_length_the_speed_and_both_a_part(
    speed: float | None, seconds: float | None, is_speed: float, is_seconds: float
) -> None:
    play = story_play(None, speed, seconds)
    assert (play.speed, play.seconds) == (is_speed, is_seconds)


def test_a_file_is_played_in_order_of_recording_in_a_minute(recorded: Path) -> None:
    play = data_play(recorded, None, None, None)
    assert play.start == parse_instant("2020-03-01T08:00:00Z")
    assert play.end - play.start == 11 * DAY
    assert play.seconds == pytest.approx(60)
    assert [arrival.at for arrival in play.arrivals] == [
        parse_instant(f"2020-03-{day}T08:00:00Z") for day in ("01", "11", "12")
    ]
    assert play.ahead > 0, "at this speed the way through Kafka takes hours"


def test_a_recorded_event_is_sent_as_it_is_and_decodes(recorded: Path) -> None:
    play = data_play(recorded, None, None, None)
    first = next(iter(play.arrivals))
    assert first.record.value == LINES[0]
    received = decode(first.record.key, first.record.value, first.record.headers, first.at // 1000)
    assert isinstance(received, Received)
    assert received.subject == "helpdesk:1"
    assert first.names == (("k", "Kestrel Rail"),)


def test_no_file_is_played_faster_than_the_clock_can_run(tmp_path: Path) -> None:
    path = tmp_path / "years.jsonl"
    path.write_bytes(LINES[0] + b"\n" + event(9, "2035-01-01T00:00:00Z", "resolved", {}))
    assert data_play(path, None, None, 5).speed == FASTEST


def test_a_file_without_one_readable_event_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing\n")
    with pytest.raises(NothingToPlay, match=r"notes\.txt: no line of it can be read"):
        data_play(path, None, None, None)


def test_the_policies_that_ship_judge_a_file_where_none_are_given(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_bytes(LINES[0])
    assert load(data_play(path, None, None, None).policies).policies[-1].name == "standard"


def test_the_pace_runs_both_ways() -> None:
    pace = Pace(Instant(1_000 * SECOND), Instant(5_000_000 * SECOND), 120.0)
    assert pace.now(pace.anchor) == pace.start
    assert pace.now(Instant(pace.anchor + 2 * SECOND)) == pace.start + 240 * SECOND
    assert pace.real(Instant(pace.start + 240 * SECOND)) == pace.anchor + Span(2 * SECOND)
    assert pace.now(Instant(pace.anchor - SECOND)) == pace.start - 120 * SECOND


@pytest.mark.parametrize(("seconds", "is_told"), [("5", True), ("600", False)])
def test_where_the_fastest_is_longer_than_was_asked_for_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: str, is_told: bool
) -> None:
    file = tmp_path / "years.jsonl"
    said = (event(year, f"{year}-01-01T00:00:00Z", "opened", OPENED) for year in (2016, 2026))
    file.write_bytes(b"\n".join(said))
    monkeypatch.setattr("engine.demo.run.run", lambda *_: SUMMARY)
    done = vigil("demo", "--data", str(file), "--policies", "deploy/policies", "--seconds", seconds)
    assert done.returncode == 0, done.stderr
    line = "--seconds 5: it needs 316 s at the fastest\n"
    assert (line in done.stderr, "at the fastest" in done.stderr) == (is_told, is_told)
