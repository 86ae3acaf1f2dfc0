"""An escalation told in minutes, judged by the policy that ships, and the commands asked about it."""

import json
from pathlib import Path
from typing import Any

from cli.running import vigil
from engine.core.instants import MINUTE, Instant, format_instant, parse_instant

STANDARD = Path(__file__).parents[2] / "deploy" / "policies"
START = parse_instant("2026-11-02T09:00:00Z")
"""Minute 0: a Monday, ten o'clock in the hours of the standard calendar."""
HOUR, DAY = 60, 24 * 60
"""In minutes, as every time here."""


def at(minute: float) -> str:
    return format_instant(Instant(START + int(minute * MINUTE)))


class Days:
    """Events of some escalations, and what Vigil says of them."""

    def __init__(self, folder: Path, policy: str = "") -> None:
        """`policy`: the text of one of one's own, instead of the standard one."""
        self.policies = STANDARD
        if policy:
            self.policies = folder / "policies"
            self.policies.mkdir()
            (self.policies / "own.yaml").write_text(policy, "utf-8")
        self._folder = folder
        self._events: list[dict[str, Any]] = []

    def tell(self, minute: float, verb: str, subject: str = "desk:1", **data: Any) -> None:
        event = {"specversion": "1.0", "id": f"e{len(self._events) + 1}", "source": "urn:desk"}
        event |= {"type": f"ticket.{verb}.v1", "subject": subject, "time": at(minute)}
        self._events.append({**event, "data": data})

    def open(self, minute: float = 0, subject: str = "desk:1", **data: Any) -> None:
        customer = {"id": "acme", "name": "Acme", "tier": "gold"}
        self.tell(minute, "opened", subject, **{"title": "Payments fail", "customer": customer, **data})

    def outcomes(self, until: float, subject: str = "desk:1") -> list[dict[str, Any]]:
        """The data of what is said of an escalation up to a minute, with its `name` and its `minute`."""
        out = self._folder / "outcomes.jsonl"
        arguments = (self.events, "-p", self.policies, "--until", at(until), "-o", out, "--json")
        summary = json.loads(self.run("replay", *arguments))
        assert (summary["ignored"], summary["unknown_fields"]) == ({}, {})
        told = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        return [
            {**one["data"], "name": one["type"].split(".")[1], "minute": minute_of(one["time"])}
            for one in told
            if one["subject"] == subject
        ]

    def said(self, metric: str, until: float, subject: str = "desk:1") -> list[tuple[float, str]]:
        """(minute, outcome) of what is said of a metric, a promise, an action or a role up to a minute."""
        return [
            (one["minute"], one["name"])
            for one in self.outcomes(until, subject)
            if metric in (one["metric"], one.get("key"))
        ]

    def ask(self, command: str, minute: float, *options: str) -> Any:
        """The JSON that a command gives of all escalations as of a minute."""
        return json.loads(self.run(command, self.events, "-p", self.policies, "--at", at(minute), *options))

    def write(self, document: str, minute: float, *options: str, subject: str = "desk:1") -> str:
        """A document of one escalation as of a minute."""
        return self.run(
            document, subject, "-p", self.policies, "-e", self.events, "--at", at(minute), *options
        )

    def refused(self) -> list[str]:
        """What is said of the events that could not be read."""
        arguments = ("replay", self.events, "-p", self.policies, "-o", self._folder / "none", "--json")
        done = vigil(*map(str, arguments))
        assert done.returncode == 1, done.stdout
        return [line for line in done.stderr.splitlines() if "events.jsonl:" in line]

    @property
    def events(self) -> Path:
        file = self._folder / "events.jsonl"
        file.write_text("".join(json.dumps(event) + "\n" for event in self._events), "utf-8")
        return file

    def run(self, command: str, *arguments: object, code: int = 0) -> str:
        """What a command prints."""
        done = vigil(command, *map(str, arguments))
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout


def minute_of(time: str) -> float:
    return (parse_instant(time) - START) / MINUTE
