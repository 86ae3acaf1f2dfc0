"""The clocks of who has it and whether anybody works on it, minute by minute: cycle after cycle.

`stall` runs from the opening, a reopening and each piece of work to the next; `handover` from one pair of
hands to the next until somebody works on it. What a cycle does between its start and its end is told by
`ClockOracle`.
"""

from collections.abc import Callable, Mapping

from clock_oracle import ClockOracle, Event, Life, Said, Terms, as_heard

WORK = ("acknowledged", "message_sent", "role_assigned", "triaged", "update_published")
_PLACE = {
    **dict.fromkeys([*WORK, "assigned", "resolved", "closed", "cancelled", "merged", "waived"], 0),
    "paused": 1,
    "resumed": 2,
    "reopened": 3,
    "updated": 4,
}
"""Of what happens at one instant: what stops, what pauses, what resumes, what starts, all else."""


class HandsOracle(ClockOracle):
    def __init__(
        self, metric: str, terms: Terms, life: Life, calendars: Mapping[str, Callable[[int], bool]]
    ) -> None:
        super().__init__(terms, life._replace(events=[]), calendars)
        self.events = as_heard(sorted(life.events, key=lambda e: (e.minute, _PLACE[e.verb], e)))
        self.metric = metric
        self.state = "idle"
        """Beside those of its parent: idle (no cycle runs) and halted (by a cancellation)."""
        self.cycle = 0
        self.begins = self.ends = False
        """Whether it does so with the reopening, by what came before that."""
        self.graded = self.severity
        """By what came before that, too."""
        self.hands = {"owner": "", "team": ""}
        self.told: list[Said] = []

    def run(self, until: int) -> list[Said]:
        if self.metric == "stall":
            self._begin(self.opened)
        events = iter(self.events)
        event = next(events, None)
        for minute in range(self.opened, until):
            while event is not None and event.minute == minute:
                if self.status != "merged":
                    self._happens(event)
                event = next(events, None)
            if self.state == "live":
                if not self.held:
                    self.reached.setdefault(self.consumed, minute)
                self._judge(minute, not self.held)
                self._tell()
                self.consumed += not self.held and self.is_open(minute)
        return self.told

    def _happens(self, event: Event) -> None:
        minute, verb, value = event
        if verb in WORK:
            self._end(minute)
            if verb == "triaged" and value:
                self._grade(minute, value)
            if self.metric == "stall":
                self._begin(minute)
        elif verb == "assigned":
            self._hand_on(minute, *value.split("="))
        elif verb in ("resolved", "closed"):
            if self.status == "open":
                self._end(minute, "resolved")
            if verb == "closed" or self.status == "open":
                self.status = verb
        elif verb in ("cancelled", "merged"):
            self.status = verb
            was_live = self.state == "live"
            self._cancel(minute, value)
            if was_live:
                self.state = "halted"
        elif verb == "waived":
            if value == self.metric:
                self._waive(minute)
        elif verb == "paused":
            self.reasons.add(value)
        elif verb == "resumed":
            self.reasons -= {value} if value else set(self.reasons)
        elif verb == "updated":
            self._grade(minute, value)
        elif verb == "reopened" and self.status != "open":
            self.status = "open"
            if self.state == "halted":
                self.state = "stopped"
                self._reopen(minute)
            if self.ends:
                self._end(minute)
            if self.graded != self.severity:
                self._grade(minute, self.graded)
            if self.metric == "stall" or self.begins:
                self._begin(minute)
            self.begins = self.ends = False
        self.held = bool(self.reasons & self.terms.pausing)
        self._tell()

    def _grade(self, minute: int, severity: str) -> None:
        self.graded = severity
        if self.status != "cancelled":
            self.severity = severity
            self._owe(minute)

    def _hand_on(self, minute: int, whose: str, who: str) -> None:
        """From nobody it is not handed over, nor to nobody."""
        was, self.hands[whose] = self.hands[whose], who
        if self.metric == "handover" and was and who and was != who:
            self._begin(minute)

    def _begin(self, minute: int) -> None:
        """Where a cycle runs, or waits for a budget that it had, it goes on."""
        self.begins = self.status == "cancelled"
        if self.status == "open" and self.state not in ("live", "suspended", "waived"):
            self.state = "not started"
            self._owe(minute)

    def _end(self, minute: int, reason: str = "") -> None:
        """The time that was used is told with the verdict, and the next cycle begins with none."""
        if self.status == "cancelled":
            self.begins, self.ends = False, self.ends or self.state == "halted"
        self._stop(minute)
        if self.state in ("stopped", "over"):
            self.state = "idle"
        self._tell(reason)

    def _owe(self, minute: int) -> None:
        if self.state == "not started" and self.severity in self.terms.targets:
            self.cycle += 1
            self.consumed, self.reached, self.breached = 0, {}, False
        super()._owe(minute)

    def _tell(self, reason: str = "") -> None:
        """What was just said is of the cycle of now; one that never began is waived as the first."""
        for one in self.said:
            detail = f"{self.metric} #{max(1, self.cycle)} {one.detail or reason}"
            self.told.append(one._replace(detail=detail.strip()))
        self.said.clear()
