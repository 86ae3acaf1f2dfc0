"""`notify.yaml`: what it says, and what it may not say, by line and field."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.core.instants import HOUR, MINUTE, SECOND
from engine.core.policy import Calendar
from engine.notify.configuration import Configuration, NotifyErrors, configuration
from engine.notify.routing import Route, destinations
from engine.policies import load
from notify.notifying import SECRET

ROOT = Path(__file__).parents[2]
GOOD = f"""
receivers:
  desk: {{type: webhook, url: "https://desk.example/in", secret: {SECRET}}}
  pager: {{type: webhook, url: "https://pager.example/in", secret: {SECRET}}}
route:
  receiver: desk
  group_by: [customer]
  group_wait: 30s
  routes:
    - match: {{level: critical}}
      receiver: pager
      repeat_interval: 1h
      continue: true
    - match: {{severity: [P2, P3]}}
      group_by: []
      mutes: [{{outside: support}}]
"""


def calendars() -> Mapping[str, Calendar]:
    return load(ROOT / "deploy" / "policies").calendars


def read(tmp_path: Path, text: str) -> Configuration:
    file = tmp_path / "notify.yaml"
    file.write_text(text.lstrip("\n"))
    return configuration(file, calendars)


def test_a_route_has_from_the_one_above_what_it_does_not_say(tmp_path: Path) -> None:
    said = read(tmp_path, GOOD)
    assert set(said.receivers) == {"desk", "pager"}
    first, second = said.root.routes
    assert (first.receiver, first.group_by, first.group_wait) == ("pager", ("customer",), 30 * SECOND)
    assert (first.repeat_interval, second.repeat_interval) == (HOUR, 4 * HOUR)
    assert (second.receiver, second.group_by, len(second.mutes)) == ("desk", (), 1)


def test_an_alert_goes_by_the_deepest_routes_that_match(tmp_path: Path) -> None:
    root = read(tmp_path, GOOD).root

    def ways(**labels: str) -> list[Route]:
        return destinations(root, labels)

    assert ways(level="critical", severity="P2") == list(root.routes)
    assert ways(level="warning", severity="P3") == [root.routes[1]]
    assert ways(level="warning", severity="P1") == [root]


def test_the_policies_are_read_only_where_a_calendar_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notify.yaml"
    file.write_text(GOOD.replace("mutes: [{outside: support}]", "group_wait: 1m"))
    said = configuration(file, lambda: pytest.fail("asked for calendars"))
    assert said.root.routes[1].group_wait == MINUTE


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("receiver: pager", "receiver: pagr", "notify.yaml:10: route.routes[0].receiver: expected one of"),
        ("receiver: pager", "receiver: pagr", "did you mean pager?"),
        ("group_wait: 30s", "group_wait: 30", "notify.yaml:7: route.group_wait: expected a duration"),
        ("group_wait: 30s", "group_wiat: 30s", "did you mean group_wait?"),
        ("[customer]", "[custumer]", "notify.yaml:6: route.group_by: expected a list of labels"),
        ("level: critical", "levl: critical", "notify.yaml:9: route.routes[0].match: expected one of"),
        ("level: critical", "level: 1", "expected a text, or a list of them"),
        ("outside: support", "outside: suport", "mutes[0].outside: expected a calendar of the policies"),
        ("outside: support", "during: support, outside: support", "expected outside: CALENDAR or during"),
        ("  receiver: desk\n", "", "route.receiver: expected a receiver; found nothing"),
        ("level: critical", "level: criticl", "match: expected level: one of warning, critical, note; found"),
        ("[P2, P3]", "[P2, p3]", "notify.yaml:13: route.routes[1].match: expected severity: one of P0, P1,"),
        ("level: critical", "outcome: breeched", "match: expected outcome: one of clock_started, "),
        ("match: {level: critical}", "group_wait: 1s", "a route that takes everything"),
        ("desk: {type: webhook", "desk: {type: fax", "notify.yaml:2: receivers.desk.type: expected one of"),
        ("https://desk.example", "http://desk.example", "receivers.desk.url: expected a URL that begins"),
        ("repeat_interval: 1h", "repeat_interval: 0s", "expected a duration longer than nothing"),
        ("continue: true", "continue: 7", "expected true or false"),
        ("continue: true", "contniue: true", "did you mean continue?"),
        (GOOD, "route: {receiver: a}", "receivers: expected a value; found nothing"),
        (GOOD, "", "expected one document; found 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_line_and_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(NotifyErrors) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert says in str(caught.value)
    assert SECRET not in str(caught.value)


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("receiver: pager", "receiver: pagr").replace("outside: support", "outside: suport")
    with pytest.raises(NotifyErrors) as caught:
        read(tmp_path, text)
    assert len(caught.value.problems) == 2


def test_what_a_receiver_that_forgets_wants_again_sooner_is_repeated_sooner(tmp_path: Path) -> None:
    am = 'am: {type: alertmanager, urls: ["https://am.example"], resend_every: 120}'
    said = read(
        tmp_path,
        GOOD.replace("receivers:\n", f"receivers:\n  {am}\n").replace("receiver: pager", "receiver: am"),
    )
    assert said.root.routes[0].repeat_interval == 2 * MINUTE
    assert said.root.routes[0].resolved_for == 15 * MINUTE, "and what is over, as Prometheus does"
    assert (said.root.repeat_interval, said.root.resolved_for) == (4 * HOUR, 0)


def test_the_example_is_good(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "notify" / "notify.yaml").read_text()
    secrets = {"pagerduty": "k" * 32, "slack": "xoxb-1-2-abc", "smtp": "secret", "desk": SECRET}
    for name, secret in secrets.items():
        (tmp_path / name).write_text(secret)
    said = read(tmp_path, text.replace("/run/secrets", str(tmp_path)))
    assert set(said.receivers) == {"pager", "chat", "leads", "desk"}
    labels = {"level": "critical", "severity": "P1", "metric": "resolve"}
    assert [route.receiver for route in destinations(said.root, labels)] == ["desk", "pager"]
    assert [len(route.mutes) for route in destinations(said.root, {"severity": "P3"})] == [1]
