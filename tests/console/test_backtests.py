"""What would have happened: backtests of the archive, in a process of their own, as pages and as an API."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from html import unescape
from itertools import groupby
from pathlib import Path

import httpx
import pytest
from console_house import ACTOR, EXAMPLE, POLICIES, READER, Served, event, served, text
from structlog.testing import capture_logs
from typer.testing import CliRunner

from engine.cli.main import app as vigil
from engine.console import backtests
from engine.console.backtests import BacktestTold, Busy, NoSuchBacktest, Wanted
from engine.console.filters import BadFilter
from engine.console.people import BehindProxy, Forms, Person
from engine.contract.codec import Received, read_line
from engine.core.instants import Instant, format_instant, parse_instant
from unbounded import NO_BOUND_OF_MEMORY

pytestmark = pytest.mark.slow

PAGE = "/policies/backtest"
OCTOBER = parse_instant("2026-10-01T00:00:00Z")
TRIED = Wanted("in-force", "candidate", OCTOBER, None)
FORMS = Forms("secret")
INES, OLEK = {"x-user": "Ines", "x-groups": "support"}, {"x-user": "Olek"}
AS_ACTOR, AS_READER = ({"Authorization": f"Bearer {key}"} for key in (ACTOR, READER))


def shorter(folder: Path) -> Path:
    """The example's policies with less time to update the customer and for the summary of an RCA."""
    folder.mkdir()
    said = (POLICIES / "checkout.yaml").read_text()
    for text_, instead in (
        (
            "customer:  {every: {P0: 30m, P1: 1h, P2: 4h @office",
            "customer:  {every: {P0: 10m, P1: 20m, P2: 1h @office",
        ),
        ("P0: 48h, P1: 48h", "P0: 6h, P1: 6h"),
    ):
        assert text_ in said
        said = said.replace(text_, instead)
    (folder / "tried.yaml").write_text(said)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[Served]:
    proxy = BehindProxy("X-User", "X-Groups", ["127.0.0.1"], {"support"}, set())
    with served(folder, proxy, candidate=shorter(folder / "candidate"), forms=FORMS) as one:
        yield one
        one.house.backtests.stop()


@pytest.fixture(scope="module")
def done(house: Served) -> BacktestTold:
    return ended(house, house.house.backtests.start(TRIED, "Ines").id)


def ended(house: Served, identity: str) -> BacktestTold:
    house.house.backtests._runs[identity].follower.join(120)
    return house.house.backtests.get(identity)


async def begun(client: httpx.AsyncClient, **typed: str) -> httpx.Response:
    given = {"csrf": FORMS.token(Person("Ines")), "before": "in-force", "after": "candidate", **typed}
    return await client.post(PAGE, data=given, headers=INES)


def stopped(house: Served, wanted: Wanted = TRIED) -> tuple[str, int]:
    """One that stands still, and its process."""
    identity = house.house.backtests.start(wanted, "Ines").id
    pid = house.house.backtests._runs[identity].process.pid
    os.kill(pid, signal.SIGSTOP)
    return identity, pid


# -- what is found ---------------------------------------------------------------------------------------


def test_it_finds_what_the_command_finds(done: BacktestTold, folder: Path) -> None:
    assert (done.state, done.why) == ("done", "")
    found = done.found
    assert found is not None
    files = [str(EXAMPLE / "events.jsonl"), str(folder / "own.jsonl")]
    words = ["-p", str(folder / "candidate"), "-a", str(POLICIES), "--newest", "--json", "--top", "1000"]
    words += ["--until", format_instant(Instant(found.until))]
    told = json.loads(CliRunner().invoke(vigil, ["backtest", *files, *words]).stdout)
    assert (found.events, found.differ) == (told["events"] - told["after_until"], told["verdicts_differ"])
    assert found.differ == found.better + found.worse + sum(one.other for one in found.changed) > 5
    assert [one.model_dump() for one in found.said] == told["said"]
    assert sum(one.clocks for one in found.kinds) == found.differ
    clocks: Counter[tuple[str, ...]] = Counter()
    for one in told["kinds"]:
        sides = (" ".join(name for name, _ in groupby(one[side])) for side in ("before", "after"))
        clocks[one["metric"], one["severity"], *sides] += one["clocks"]
    assert clocks == Counter(
        {
            (one.metric, one.severity, " ".join(one.before), " ".join(one.after)): one.clocks
            for one in found.kinds
        }
    )
    assert [(one.customer, one.clocks) for one in found.customers] == (
        [(one["customer"], one["clocks"]) for one in told["customers"]]
    )


def test_it_says_which_way_the_clocks_went(done: BacktestTold) -> None:
    assert done.found is not None
    ways = {(one.metric, one.severity): (one.worse, one.better) for one in done.found.changed}
    assert ways["customer_update", "P1"][0] > 0
    assert all(better == 0 for _, better in ways.values()), "less time is kinder to nobody"
    novo = next(one for one in done.found.customers if one.customer == "novo")
    assert (novo.clocks, novo.worse) == (2, 2)
    assert novo.missed_after > 2 * novo.missed_before, "updates are owed three times as often"
    silence = next(one for one in done.found.kinds if one.before == one.after == ["cadence_missed"])
    assert silence.missed_after > silence.missed_before > silence.clocks, "as many in a row as there were"
    assert len(silence.example.after) == 10


def test_escalations_of_other_periods_are_not_judged_and_are_counted(house: Served) -> None:
    wanted = Wanted(
        "in-force",
        "candidate",
        parse_instant("2026-11-18T00:00:00Z"),
        parse_instant("2026-11-18T08:00:00.000001Z"),
    )
    run = ended(house, house.house.backtests.start(wanted, "Ines").id)
    assert run.found is not None
    assert (run.found.escalations, run.found.events) == (1, 2), "desk:2, and a pattern that was flagged"
    assert run.found.limits.before_period >= 1
    assert (run.found.limits.still_open, run.found.limits.unused_facts) == (1, {"never_opened": 1})


def test_the_same_question_is_answered_once_and_a_new_event_makes_it_another(
    house: Served, done: BacktestTold
) -> None:
    backtests = house.house.backtests
    assert backtests.start(TRIED, "Olek").id == done.id
    said = read_line(json.dumps(event(99, "updated", "desk:2", "2026-11-20T11:59:00Z")).encode())
    assert isinstance(said, Received)
    version = {"policy": "shops", "version": "2026-11-20T00:00:00Z", "hash": "5d41402abc4b2a76"}
    moved = event(98, "rebased", "desk:2", "2026-11-20T11:58:00Z", reason="agreed", **version)
    rebased = read_line(json.dumps(moved).encode())
    assert isinstance(rebased, Received)
    house.archive.write([said, rebased], [])
    again = backtests.start(TRIED, "Olek")
    assert again.id != done.id
    found = ended(house, again.id).found
    assert found is not None
    assert done.found is not None
    assert found.events == done.found.events + 1, "what moves it to a version moves nothing here"
    assert backtests.all()[0].id == again.id


# -- how it runs -----------------------------------------------------------------------------------------


def test_one_runs_at_a_time_behind_everything_else_and_can_be_cancelled(house: Served) -> None:
    other = Wanted("candidate", "in-force", OCTOBER, None)
    identity, pid = stopped(house, other)
    backtests = house.house.backtests
    with pytest.raises(Busy, match="Ines has started one"):
        backtests.start(Wanted("in-force", "candidate", OCTOBER + 1, None), "Olek")
    assert backtests.start(other, "Olek").id == identity, "whoever asks the same waits for the same"
    told = backtests.cancel(identity, "Olek")
    assert (told.state, told.why) == ("cancelled", "cancelled by Olek")
    assert gone(pid)
    assert ended(house, backtests.start(other, "Ines").id).state == "done", "asked again, it runs again"


def gone(pid: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("number", "says"), [(signal.SIGALRM, "more than 10 minutes"), (signal.SIGKILL, "ended before its time")]
)
def test_what_does_not_come_to_an_end_says_why(house: Served, number: signal.Signals, says: str) -> None:
    identity, pid = stopped(house, Wanted("in-force", "candidate", OCTOBER + number, None))
    os.kill(pid, number)
    os.kill(pid, signal.SIGCONT)
    told = ended(house, identity)
    assert (told.state, says in told.why) == ("failed", True), told.why


def test_one_that_is_ended_while_it_speaks_is_over_and_another_can_run(
    house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = "import os, sys; os.write(1, b'{\"type\"'); os.kill(os.getpid(), 9)"
    command = [sys.executable, "-c", half]
    monkeypatch.setattr(backtests, "_process", lambda job: subprocess.Popen(command, stdout=subprocess.PIPE))
    told = ended(house, house.house.backtests.start(TRIED._replace(start=Instant(OCTOBER + 1)), "Ines").id)
    assert (told.state, told.why) == ("failed", "it ended before its time; the console's log says more")


def test_it_has_a_low_priority_bounded_memory_and_an_end(house: Served) -> None:
    identity, pid = stopped(house, Wanted("in-force", "candidate", OCTOBER + 77, None))
    try:
        os.kill(pid, signal.SIGCONT)
        until = time.monotonic() + 20
        while (
            "700000000" not in (limits := Path(f"/proc/{pid}/limits").read_text())
            and time.monotonic() < until
        ):
            time.sleep(0.005)
        os.kill(pid, signal.SIGSTOP)
        assert re.search(r"Max address space\s+700000000", limits)
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16] == "19"
        assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "1000\n"
    finally:
        house.house.backtests.cancel(identity, "the test")


def test_where_the_kernel_takes_no_bound_of_memory_it_runs_all_the_same(
    house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    like_macos = NO_BOUND_OF_MEMORY + "from engine.console.backtest_process import main\nmain()"

    def process(job: backtests.Job) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", like_macos]
        begun = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        backtests._give(begun.stdin, job)
        return begun

    monkeypatch.setattr(backtests, "_process", process)
    told = ended(house, house.house.backtests.start(TRIED._replace(start=Instant(OCTOBER + 2)), "Ines").id)
    assert (told.state, told.why) == ("done", "")


def test_files_that_changed_since_the_console_read_them_are_not_judged_by(tmp_path: Path) -> None:
    policies = shorter(tmp_path / "policies")
    (tmp_path / "candidate").mkdir()
    (tmp_path / "candidate" / "a.yaml").write_text((POLICIES / "checkout.yaml").read_text())
    with served(tmp_path, policies=policies, candidate=tmp_path / "candidate") as house:
        (policies / "tried.yaml").write_text(
            (POLICIES / "checkout.yaml").read_text().replace("P2: 1h", "P2: 2h")
        )
        told = ended(house, house.house.backtests.start(TRIED, "Ines").id)
        assert told.state == "failed"
        assert "the files of «In force today» have changed since the console read them" in told.why


def test_what_it_found_is_forgotten_when_something_is_erased_from_the_archive(tmp_path: Path) -> None:
    with served(tmp_path, candidate=shorter(tmp_path / "candidate")) as house:
        backtests = house.house.backtests
        told = ended(house, backtests.start(TRIED, "Ines").id)
        assert "novo" in told.model_dump_json()
        house.archive.forget("novo", Instant(0))
        assert backtests.all() == []
        with pytest.raises(NoSuchBacktest, match="erased from the archive"):
            backtests.get(told.id)
        again = ended(house, backtests.start(TRIED, "Ines").id)
        assert again.found is not None
        assert again.found.differ > 0
        assert "novo" not in again.model_dump_json()


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (TRIED._replace(after="in-force"), "nothing can differ"),
        (TRIED._replace(after="gold@2026"), "after: expected one of in-force, candidate"),
        (TRIED._replace(end=OCTOBER), "expected a time before to"),
        (TRIED._replace(start=parse_instant("2020-01-01T00:00:00Z")), "at most 366 days"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(house: Served, wanted: Wanted, says: str) -> None:
    with pytest.raises(BadFilter, match=re.escape(says)):
        house.house.backtests.start(wanted, "Ines")


def test_what_it_has_not_run_it_does_not_know(house: Served) -> None:
    with pytest.raises(NoSuchBacktest):
        house.house.backtests.get("0" * 16)


# -- the pages -------------------------------------------------------------------------------------------


async def test_a_page_asks_shows_how_far_it_is_and_what_it_found(house: Served) -> None:
    async with house.client() as client:
        client.headers.update(INES)
        asked = await text(client, PAGE)
        assert "In force today The candidate" in asked
        began = await begun(client, **{"from": "2026-10-01"})
        assert began.status_code == 303, began.text
        where = began.headers["location"]
        ended(house, where.rpartition("/")[2])
        seen = await text(client, where)
        assert "would have another verdict" in seen
        assert "What this does not say" in seen
        page = (await client.get(where)).text
        assert 'href="/escalations/desk:1"' in page
        assert "hx-trigger" not in page, "it is over"
        part = await client.get(where, headers={"HX-Request": "true"})
        assert part.text.lstrip().startswith('<div id="run" data-state="done"')
        assert "In force today → The candidate" in await text(client, PAGE)


async def test_how_many_were_missed_is_said_on_both_sides_or_on_none(
    house: Served, done: BacktestTold
) -> None:
    async with house.client() as client:
        page = (await client.get(f"{PAGE}/{done.id}", headers=INES)).text
    cells = re.findall(r'<td role="cell" data-label="(?:Before|After)">(.*?)</td>', page)
    assert done.found is not None
    one_alone = 0
    for kind, before, after in zip(done.found.kinds, cells[::2], cells[1::2], strict=True):
        plain = (0, kind.clocks)
        told = kind.missed_before not in plain or kind.missed_after not in plain
        one_alone += (kind.missed_before in plain) != (kind.missed_after in plain)
        for cell, number in ((before, kind.missed_before), (after, kind.missed_after)):
            assert (f">{number:,} missed<" in cell) == told, f"{kind.metric}: {cell}"
    assert one_alone, "one side by itself would be understood without a number"


async def test_a_running_one_is_asked_for_again_and_can_be_cancelled_on_the_page(house: Served) -> None:
    identity, _ = stopped(house, Wanted("candidate", "in-force", OCTOBER + 5, None))
    async with house.client() as client:
        page = (await client.get(f"{PAGE}/{identity}", headers=INES)).text
        assert f'hx-get="{PAGE}/{identity}" hx-trigger="every 1s"' in page
        assert "<noscript><meta http-equiv" in page
        busy = await begun(client, **{"from": "2026-10-07"})
        assert (busy.status_code, "one runs at a time" in busy.text) == (409, True)
        assert 'value="2026-10-07"' in busy.text, "what was typed is kept"
        token = {"csrf": FORMS.token(Person("Ines"))}
        answer = await client.post(f"{PAGE}/{identity}/cancel", data=token, headers=INES)
        assert answer.status_code == 303
        client.headers.update(OLEK)
        seen = await text(client, f"{PAGE}/{identity}")
        assert "It was cancelled. cancelled by Ines" in seen


@pytest.mark.parametrize(
    ("headers", "typed", "status", "line"),
    [
        (INES, {"from": "soon"}, 400, {"event": "act_refused", "who": "Ines", "reason": "BadFilter"}),
        (INES, {"csrf": "x"}, 409, {"event": "act_refused", "who": "Ines", "reason": "StaleForm"}),
        (OLEK, {}, 403, {"event": "act_refused", "who": "Olek", "reason": "NotAllowed"}),
        ({}, {}, 401, {"event": "act_refused", "reason": "NotSignedIn"}),
        (
            INES | {"origin": "https://evil.example"},
            {},
            403,
            {"event": "act_refused", "reason": "NotAllowed"},
        ),
    ],
)
async def test_who_may_not_start_one_starts_none_and_is_in_the_log(
    house: Served, headers: dict[str, str], typed: dict[str, str], status: int, line: dict[str, str]
) -> None:
    before = house.house.backtests.all()
    given = {"csrf": FORMS.token(Person("Ines")), "before": "in-force", "after": "candidate", **typed}
    async with house.client() as client:
        with capture_logs() as logs:
            answer = await client.post(PAGE, data=given, headers=headers)
    assert answer.status_code == status
    (told,) = [one for one in logs if one["event"] == "act_refused"]
    assert told.items() >= {"verb": "backtest", **line}.items()
    assert house.house.backtests.all() == before


async def test_who_started_and_who_ended_what_is_in_the_log(house: Served) -> None:
    async with house.client() as client:
        with capture_logs() as logs:
            began = await begun(client, **{"from": "2026-11-01", "to": "2026-11-15"})
            token = {"csrf": FORMS.token(Person("Ines"))}
            await client.post(f"{began.headers['location']}/cancel", data=token, headers=INES)
    told = [one for one in logs if one["event"] == "acted"]
    assert [(one["verb"], one["who"], one["role"]) for one in told] == [
        ("backtest", "Ines", "responder"), ("cancel_backtest", "Ines", "responder"),
    ]  # fmt: skip
    assert (told[0]["before"], told[0]["after"]) == ("in-force", "candidate")
    assert told[0]["from"] == "2026-10-31T23:00:00Z", "midnight in Stockholm"


async def test_a_viewer_looks_and_is_offered_nothing_that_starts(house: Served, done: BacktestTold) -> None:
    async with house.client() as client:
        client.headers.update(OLEK)
        assert "Starting one takes a responder" in await text(client, PAGE)
        assert '<form class="form wide"' not in (await client.get(PAGE)).text
        assert "would have another verdict" in await text(client, f"{PAGE}/{done.id}")
        assert "This console has not run it" in await text(client, f"{PAGE}/none", 404)


async def test_a_candidate_that_cannot_be_read_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    candidate = shorter(tmp_path / "candidate")
    with served(tmp_path, candidate=candidate) as house:
        async with house.client() as client:
            (candidate / "tried.yaml").write_text("policy: shops\n")
            seen = await text(client, PAGE)
            assert "The candidate cannot be read." in seen
            assert "effective_from" in seen
            assert "nothing to compare" in seen
            with pytest.raises(BadFilter, match="the candidate cannot be read"):
                house.house.backtests.start(TRIED, "kim")


async def test_each_two_versions_of_a_policy_lead_to_what_would_have_happened_between_them(
    tmp_path: Path,
) -> None:
    policies = shorter(tmp_path / "policies")
    first = (POLICIES / "checkout.yaml").read_text()
    later = (policies / "tried.yaml").read_text().partition("---\npolicy:")[2]
    later = later.replace("effective_from: 2026-01-01", "effective_from: 2026-11-15")
    (policies / "tried.yaml").write_text(f"{first}\n---\npolicy:{later}")
    with served(tmp_path, policies=policies) as house:
        async with house.client() as client:
            page = (await client.get("/policies")).text
            seen = await text(client, "/policies")
            assert "shops replaced · from 2026-01-01T00:00:00Z" in seen
            assert "shops in force · from 2026-11-15T00:00:00Z" in seen
            (where,) = re.findall(r'href="([^"]*before=[^"]*)"', page)
            asked = await client.get(unescape(where))
            chosen = re.findall(r'<option value="([^"]*)" selected', asked.text)
            assert chosen == ["shops@2026-01-01T00:00:00Z", "shops@2026-11-15T00:00:00Z"]
            run = house.house.backtests.start(Wanted(*chosen, OCTOBER, None), "kim")
            found = ended(house, run.id).found
            assert found is not None
            assert found.worse == found.differ - sum(one.other for one in found.changed) > 0
            with pytest.raises(BadFilter, match="nothing can differ"):
                house.house.backtests.start(Wanted("in-force", chosen[1], OCTOBER, None), "kim")


# -- the API ---------------------------------------------------------------------------------------------


async def test_the_api_says_and_does_the_same(house: Served, done: BacktestTold) -> None:
    path = "/api/v1/backtests"
    async with house.client() as client:
        listed = (await client.get(path, headers=AS_READER)).json()
        assert [one["key"] for one in listed["sides"]] == ["in-force", "candidate"]
        assert done.id in [one["id"] for one in listed["items"]]
        one = (await client.get(f"{path}/{done.id}", headers=AS_READER)).json()
        assert one == json.loads(done.model_dump_json(by_alias=True))
        body = {"before": "in-force", "after": "candidate", "from": "2026-10-02"}
        assert (await client.post(path, json=body, headers=AS_READER)).status_code == 403
        began = await client.post(path, json=body, headers=AS_ACTOR)
        assert (began.status_code, began.json()["by"]) == (202, "bot")
        ended(house, began.json()["id"])
        assert (await client.post(path, json={**body, "after": "x"}, headers=AS_ACTOR)).json()[
            "name"
        ] == "bad_filter"
        missing = await client.post(f"{path}/none/cancel", headers=AS_ACTOR)
        assert (missing.status_code, missing.json()["name"]) == (404, "no_such_backtest")
        identity, _ = stopped(house, Wanted("candidate", "in-force", OCTOBER + 9, None))
        busy = await client.post(path, json={**body, "from": "2026-10-09"}, headers=AS_ACTOR)
        assert (busy.status_code, busy.json()["name"]) == (409, "busy")
        ending = await client.post(f"{path}/{identity}/cancel", headers=AS_ACTOR)
        assert (ending.status_code, ending.json()["state"]) == (202, "cancelled")
