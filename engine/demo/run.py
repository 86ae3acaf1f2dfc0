"""Runs the demo from the finding of a broker to the last trace of it."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple, NoReturn

from rich.console import Console

from engine.core.instants import SECOND, Instant
from engine.demo.broker import Broker, find_broker
from engine.demo.feed import real_now
from engine.demo.house import House
from engine.demo.jars import Report
from engine.demo.picture import save_picture
from engine.demo.playing import LEAD, Pace, Play
from engine.demo.stage import QUIET_SECONDS, Stage
from engine.demo.summary import Summary, summary_of
from engine.demo.views import JsonLines, LiveScreen, PlainLines, View
from engine.policies import load


class Wishes(NamedTuple):
    """How the reader wants to see it."""

    json: bool = False
    plain: bool = False
    keep: bool = False
    console: bool = True
    picture: Path | None = None


class Ended(Exception):
    """A signal asks the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def run(play: Play, wishes: Wishes, console: Console, say: Report) -> Summary:
    """Play it and return what came of it. Whatever happens, nothing of it is left behind.

    DemoFailed, WorkerEnded, NoBroker: why it could not go on. Ended: a signal came.
    """
    began = real_now()
    book = load(play.policies)
    with _signals_end(), ExitStack() as leaving:
        broker = find_broker(say)
        leaving.callback(broker.stop)
        house = leaving.enter_context(House(broker, play.policies, say))
        say(f"topics: {house.settings.app_id}.…, {house.settings.partitions} partitions each")
        pace = Pace(play.start, Instant(real_now() + LEAD), play.speed)
        stage = Stage(play, pace, broker, house, book, began)
        leaving.callback(stage.stop)
        house.start_worker(pace)
        page = house.start_console(pace, getattr(play.zone, "key", "UTC")) if wishes.console else ""
        say(f"worker: delivery {house.settings.delivery}, {play.speed:,.0f} times as fast as life")
        if page:
            say(f"the deadline board: {page}")
        say(f"plays about {play.seconds + QUIET_SECONDS:.0f} s from {LEAD / SECOND:.0f} s on")
        stage.start()
        _watch(stage, wishes, console)
        if wishes.keep:
            _keep(stage, broker, say)
        return summary_of(stage)
    raise AssertionError("the stack hands every exception on")


def _watch(stage: Stage, wishes: Wishes, console: Console) -> None:
    picture = wishes.picture
    with _view(stage, wishes, console) as view:
        while True:
            view.show(stage.take())
            stage.look_around()
            if picture is not None and stage.now() >= (stage.play.picture or stage.play.end):
                save_picture(stage, picture)
                picture = None
            if not view.turn() or (stage.over() and not view.held):
                break
        view.show(stage.take())


def _view(stage: Stage, wishes: Wishes, console: Console) -> View:
    if wishes.json:
        return JsonLines()
    if wishes.plain or not console.is_terminal:
        return PlainLines(stage, console)
    return LiveScreen(stage, console)


def _keep(stage: Stage, broker: Broker, say: Report) -> None:
    """Leave everything up until Ctrl-C."""
    say(f"kept: broker {broker.bootstrap}, topics {stage.house.name}.…; Ctrl-C ends and removes them")
    try:
        while True:
            time.sleep(0.5)
            stage.look_around()
    except Ended:
        return


@contextmanager
def _signals_end() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise Ended, once: a second one must not cut short the cleaning up."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for each in before:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
