"""The story through the core without Kafka: events in order of arrival, ticks in between."""

from collections.abc import Callable

from engine.core.decide import Alarms, Options, Round
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.demo.story import Story


class Offline:
    """What a worker of one partition does with the story."""

    def __init__(self, book: Book) -> None:
        self.outcomes: list[Outcome] = []
        self.state: dict[bytes, bytes] = {}
        self.refused: list[str] = []
        self._book = book
        self._alarms = Alarms()

    def play(self, story: Story, until: Instant) -> None:
        for step in story.steps:
            at = step.fact.recorded
            if at > until:
                break
            self._tick(at)

            def take(round_: Round, subject: str = step.subject, fact: object = step.fact) -> None:
                refusal = round_.fact(subject, fact)  # type: ignore[arg-type]
                if refusal is not None:
                    self.refused.append(f"{subject}: {refusal}")

            self._round(at, take)
        self._tick(until)

    def _tick(self, now: Instant) -> None:
        while due := self._alarms.pop_due(now, 100):

            def judge(round_: Round, due: list[tuple[Instant, str]] = due) -> None:
                for at, subject in due:
                    round_.tick(subject, at)

            self._round(now, judge)

    def _round(self, now: Instant, act: Callable[[Round], None]) -> None:
        round_ = Round(self._book, self.state.get, self._alarms, Options(), now)
        act(round_)
        changes = round_.close()
        self.outcomes += changes.outcomes
        changes.apply_to(self.state)
