"""API keys of doors, and how much may come: what the file has, who is let in, what a bucket holds."""

import hmac
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.running import vigil
from engine.core.instants import Instant
from engine.intake import keys
from engine.intake.arrival import Arrival, NotAuthentic
from engine.intake.buckets import Buckets
from engine.intake.configuration import Door, IntakeErrors, doors
from engine.intake.keys import PREFIX, Key, Rate, hash_of

OLD, NEW, OTHER = (f"{PREFIX}{letter * 43}" for letter in "abc")


def door(folder: Path, entries: str, source: str = "cloudevents", more: str = "") -> Door:
    file = folder / "intake.yaml"
    file.write_text(f"doors:\n  direct:\n    source: {source}\n    keys:\n{entries}\n{more}")
    return doors(file)["direct"]


def entry(name: str, key: str, more: str = "") -> str:
    return f'      - {{name: {name}, hash: "{hash_of(key)}"{more}}}\n'


def arriving(**headers: str) -> Arrival:
    return Arrival(b"{}", {name.replace("_", "-"): value for name, value in headers.items()}, Instant(0))


def test_while_a_key_is_changed_the_old_and_the_new_one_come_in_under_one_name(tmp_path: Path) -> None:
    made = door(tmp_path, entry("shop", OLD) + entry("shop", NEW) + entry("desk", OTHER))
    for key, name in ((OLD, "shop"), (NEW, "shop"), (OTHER, "desk")):
        found = made.authenticate(arriving(x_api_key=key))
        assert found is not None
        assert found.name == name
        assert made.authenticate(arriving(authorization=f"Bearer {key}")) == found


@pytest.mark.parametrize("name", ["shop", "42", "-x", "true"])
def test_the_line_of_a_new_key_is_one_that_a_door_takes(tmp_path: Path, name: str) -> None:
    done = vigil("intake", "key", "new", "--", name)
    key, _, _, line = done.stdout.splitlines()
    found = door(tmp_path, f"    {line}\n").authenticate(arriving(x_api_key=key))
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", ["", "a b", "x: y", "n" * 61])
def test_a_key_whose_name_no_door_takes_is_not_made(name: str) -> None:
    done = vigil("intake", "key", "new", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"vigil: {name!r}: expected letters, digits, dots, - and _, at most 60" in done.stderr


@pytest.mark.parametrize("given", ["", "vigil_guess", hash_of(OLD), "é\ud800"])
def test_nobody_comes_in_with_anything_else_not_with_the_hash_either(tmp_path: Path, given: str) -> None:
    made = door(tmp_path, entry("shop", OLD))
    with pytest.raises(NotAuthentic):
        made.authenticate(arriving(x_api_key=given))
    with pytest.raises(NotAuthentic):
        made.authenticate(arriving())


def test_every_key_is_compared_whatever_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []

    def counting(one: str, two: str) -> bool:
        compared.append(one)
        return hmac.compare_digest(one, two)

    known = [Key("a", hash_of(OLD)), Key("b", hash_of(NEW)), Key("c", hash_of(OTHER))]
    monkeypatch.setattr(keys, "hmac", type("Counting", (), {"compare_digest": staticmethod(counting)}))
    assert keys.owner(known, OLD).name == "a"
    assert len(compared) == 3


def test_a_door_may_have_a_secret_beside_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_WAY", "the-secret-of-before")
    made = door(tmp_path, entry("shop", NEW), more="    secrets: [{env: OLD_WAY}]\n")
    assert made.authenticate(arriving(x_api_key="the-secret-of-before")) is None
    assert made.authenticate(arriving(x_api_key=NEW)) is not None


@pytest.mark.parametrize(
    ("entries", "source", "problem"),
    [
        ('      - {name: shop, hash: "vigil_the-key-itself"}', "cloudevents", "never the key"),
        (entry("shop", OLD) + entry("shop", NEW) + entry("shop", OTHER), "cloudevents", "at most two keys"),
        (entry("shop", OLD), "zendesk", "zendesk signs what it sends"),
        (entry("two words", OLD), "cloudevents", "doors.direct.keys"),
        (entry("shop", OLD, ", scope: all"), "cloudevents", "doors.direct.keys"),
        (entry("shop", OLD, ", rate: {per_second: 0, burst: 1}"), "cloudevents", "greater than 0"),
        (entry("shop", OLD, ", rate: none"), "cloudevents", "doors.direct.keys"),
        ("      []", "cloudevents", "secrets of the door, or keys"),
        ("      - vigil_the-key-itself", "cloudevents", "doors.direct.keys"),
    ],
)
def test_each_mistake_is_named_and_no_key_is_in_the_message(
    tmp_path: Path, entries: str, source: str, problem: str
) -> None:
    with pytest.raises(IntakeErrors) as caught:
        door(tmp_path, entries, source)
    assert problem in str(caught.value)
    assert "the-key-itself" not in str(caught.value)


@pytest.mark.parametrize("secrets", ["[the-secret-itself]", "the-secret-itself", "[{it: the-secret-itself}]"])
def test_a_secret_that_was_written_into_the_file_is_not_shown(tmp_path: Path, secrets: str) -> None:
    file = tmp_path / "intake.yaml"
    file.write_text(f"doors:\n  acme:\n    source: zendesk\n    secrets: {secrets}\n")
    with pytest.raises(IntakeErrors) as caught:
        doors(file)
    assert "doors.acme.secrets" in str(caught.value)
    assert "the-secret-itself" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "source", "kind", "may"),
    [
        (Key("a", ""), "urn:any", "ticket.opened.v1", True),
        (Key("a", "", ("urn:shop",)), "urn:shop", "ticket.opened.v1", True),
        (Key("a", "", ("urn:shop",)), "urn:shop:2", "ticket.opened.v1", False),
        (Key("a", "", ("urn:shop*",)), "urn:shop:2", "ticket.opened.v1", True),
        (Key("a", "", (), ("incident.*",)), "urn:any", "incident.resolved.v1", True),
        (Key("a", "", (), ("incident.*",)), "urn:any", "ticket.opened.v1", False),
        (Key("a", "", ("urn:shop",), ("ticket.opened.v1",)), "urn:desk", "ticket.opened.v1", False),
    ],
)
def test_a_key_is_for_its_sources_and_types(key: Key, source: str, kind: str, may: bool) -> None:
    assert key.allows(source, kind) is may


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ("", Rate(100.0, 1_000)),
        (", rate: {per_second: 5, burst: 10}", Rate(5.0, 10)),
        (", rate: unlimited", None),
    ],
)
def test_a_key_has_a_limit_unless_it_is_said_to_have_none(
    said: str, rate: Rate | None, tmp_path: Path
) -> None:
    made = door(tmp_path, entry("shop", OLD, said))
    assert (made.keys[0].rate, made.rate) == (rate, None)


class TestBuckets:
    def test_a_burst_comes_at_once_and_then_as_much_as_flows_in(self) -> None:
        now = [0.0]
        buckets, rate = Buckets(lambda: now[0]), Rate(2.0, 3)
        assert [buckets.take("a", rate) for _ in range(3)] == [0, 0, 0]
        assert buckets.take("a", rate) == 0.5
        assert buckets.take("b", rate) == 0, "each has its own"
        now[0] = 0.5
        assert buckets.take("a", rate) == 0
        assert buckets.take("a", rate) == 0.5

    def test_who_is_refused_does_not_wait_longer_for_asking(self) -> None:
        now = [0.0]
        buckets, rate = Buckets(lambda: now[0]), Rate(1.0, 1)
        buckets.take("a", rate)
        for _ in range(100):
            assert buckets.take("a", rate) > 0
        now[0] = 1.0
        assert buckets.take("a", rate) == 0

    def test_an_hours_rest_fills_it_to_the_burst_and_no_further(self) -> None:
        now = [0.0]
        buckets, rate = Buckets(lambda: now[0]), Rate(10.0, 2)
        buckets.take("a", rate)
        now[0] = 3600.0
        assert [buckets.take("a", rate) > 0 for _ in range(3)] == [False, False, True]

    def test_a_million_addresses_take_no_more_room_than_the_bound(self) -> None:
        buckets, rate = Buckets(lambda: 0.0, most=50), Rate(1.0, 1)
        for number in range(1_000):
            buckets.take(number, rate)
        assert len(buckets) == 50


def test_the_command_shows_a_key_once_with_the_line_that_lets_it_in(tmp_path: Path) -> None:
    made = vigil("intake", "key", "new", "shop")
    key, _, line = made.stdout.partition("\n\nkeys:\n")
    assert (made.returncode, made.stderr) == (0, "")
    found = door(tmp_path, line.replace("  - {", "      - {")).authenticate(arriving(x_api_key=key))
    assert found is not None
    assert found.name == "shop"
    as_json = orjson.loads(vigil("intake", "key", "new", "shop", "--json").stdout)
    assert hash_of(as_json["key"]) == as_json["hash"]
    assert as_json["key"] != key
