"""What the archive was told comes out as events again, and they are what was told."""

from pathlib import Path

import orjson
from archived import fact
from msgspec.structs import replace

from cli.running import line, policies_in, vigil
from engine.archive.archive import Archive
from engine.archive.export import lines
from engine.contract.codec import Received, read_line
from engine.contract.events import MODELS
from engine.contract.examples import examples
from engine.core.instants import Instant

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  triage: {budget: {P1: 30m}}
  resolve: {budget: {P1: 4h}}
"""


def told(text: bytes) -> Received:
    received = read_line(text)
    assert isinstance(received, Received)
    return received


EVERY_VERB = [
    told(orjson.dumps(event)) for event in examples().values() if event["type"].startswith("ticket.")
]


def test_every_verb_comes_out_as_it_came_in() -> None:
    assert {one.fact.kind for one in EVERY_VERB} == set(MODELS)
    with Archive.open("sqlite://") as archive:
        archive.write(EVERY_VERB, [])
        again = [told(text) for text in lines(archive.accounts())]
    by_id = {one.fact.id: one for one in EVERY_VERB}
    assert len(again) == len(by_id)
    for one in again:
        assert one == by_id[one.fact.id]


def test_what_was_erased_can_be_read_and_has_nothing_of_it_again() -> None:
    with Archive.open("sqlite://") as archive:
        ours = [one for one in EVERY_VERB if one.fact.kind != "recurrence_flagged"]  # of a pattern
        archive.write([replace(one, subject="desk:1") for one in ours], [])
        archive.write([fact("paused", 3, reason="Jo asked us to", by="jo@acme.example")], [])
        archive.forget("acme", Instant(0))
        exported = list(lines(archive.accounts()))
    assert len({told(text).fact.id for text in exported}) == len(ours) + 1
    assert not [text for text in exported if b"Jo asked" in text or b"jo@acme" in text or b'"acme"' in text]


def test_an_archive_is_made_anew_of_what_another_exports(tmp_path: Path) -> None:
    policies = policies_in(tmp_path, POLICY)
    source = tmp_path / "events.jsonl"
    events = [
        line("desk:1", "opened", "02T09:00", title="Down", severity="P1", customer={"id": "acme"}),
        line("desk:2", "opened", "02T09:05", title="Slow"),
        line("desk:2", "resolved", "02T15:00"),
        line("desk:1", "triaged", "02T09:20"),
        line("desk:1", "resolved", "02T10:00", by="kim"),
    ]
    source.write_text("\n".join(events))
    verdicts = []
    for given, name in ((source, "a"), (tmp_path / "a.jsonl.gz", "b")):
        url = f"sqlite:///{tmp_path}/{name}.db"
        loaded = vigil("archive", "load", str(given), "-p", policies, "--archive", url)
        assert loaded.returncode == 0, loaded.stderr
        done = vigil("archive", "export", "--archive", url, "-o", str(tmp_path / f"{name}.jsonl.gz"))
        assert (done.returncode, done.stderr.startswith("written: ")) == (0, True), done.stderr
        judged = vigil("replay", str(tmp_path / f"{name}.jsonl.gz"), "-p", policies)
        assert judged.returncode == 0, judged.stderr
        verdicts.append(judged.stdout)
    assert verdicts[0] == verdicts[1] != ""
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert verdicts[0] == vigil("replay", str(source), "-p", policies).stdout
