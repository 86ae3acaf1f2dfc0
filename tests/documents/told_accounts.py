"""Accounts for documents: events in a few words, judged by a small policy."""

from itertools import count
from pathlib import Path
from typing import Any

import orjson

from engine.archive.account import Account
from engine.contract.codec import Received, read_line
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import Instant, format_instant, parse_instant
from engine.core.policy import Book
from engine.policies import load
from engine.replay.gather import Arrival
from engine.replay.judging import Bench

SUBJECT = "desk:1"

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  acknowledge:    {budget: {P0: 5m, P1: 15m}}
  first_response: {budget: {P0: 15m, P1: 30m}}
  resolve:        {budget: {P0: 4h, P1: 8h}, pause: [pending_customer]}
  rca_summary:    {budget: {P0: 48h, P1: 48h}}
  rca_final:      {budget: {P0: 14d, P1: 14d}}
  pir:            {start: resolved, stop: pir_held, budget: {P0: 7d, P1: 7d}}
cadence:
  customer:  {every: {P0: 30m, P1: 1h}}
  executive: {every: {P0: 1h}}
actions: {budget: {P0: 28d, P1: 56d}}
"""

_ids = count(1)


def at(text: str) -> Instant:
    """`09:30` of 2026-03-02; `5 09:30` of 2026-03-05; UTC."""
    day, _, clock = text.rpartition(" ")
    return parse_instant(f"2026-03-{int(day or 2):02}T{clock}:00Z")


def fact(verb: str, when: str, *, recorded: str | None = None, **data: Any) -> Fact:
    """As the contract reads it."""
    event = {
        "specversion": "1.0",
        "id": f"e{next(_ids)}",
        "source": "urn:test",
        "type": f"incident.{verb}.v1",
        "subject": SUBJECT,
        "time": format_instant(at(when)),
        "recordedtime": format_instant(at(recorded or when)),
        "datacontenttype": "application/json",
        "data": {"title": "Checkout is down", "severity": "P0", **data} if verb == "opened" else data,
    }
    read = read_line(orjson.dumps(event))
    assert isinstance(read, Received), read
    return read.fact


def book(folder: Path, policy: str = POLICY) -> Book:
    (folder / "test.yaml").write_text(policy)
    return load(folder)


def account(policies: Book, facts: list[Fact], until: str) -> Account:
    """With everything known."""
    outcomes = Bench(policies, Options(), lambda *_: None).judge(SUBJECT, facts, at(until))
    return Account(SUBJECT, facts, outcomes)


def account_as_reported(policies: Book, facts: list[Fact], until: str) -> Account:
    """As a live engine said it, corrections included: facts arrive when they are recorded."""
    arrivals = [Arrival(one.recorded, SUBJECT, one) for one in sorted(facts, key=lambda one: one.recorded)]
    outcomes = Bench(policies, Options(), lambda *_: None).play(arrivals, lambda: at(until))
    return Account(SUBJECT, facts, outcomes)
