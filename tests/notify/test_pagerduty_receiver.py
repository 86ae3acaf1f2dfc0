"""The PagerDuty receiver against a look-alike that checks each event as PagerDuty publishes it."""

import time

import pytest

from engine.notify.alert import Alert, Memory, Receiver, Refused, TryAgain
from engine.notify.receivers import BadReceiver, receiver_of
from notify.alerting import Remembered, alert, notification, resolved
from notify.counterpart import CUT, HALF, SLOW, Counterpart, Says
from notify.lookalikes import pagerduty

pytestmark = pytest.mark.slow

KEY, OLD_KEY = "e93facc04764012d7bfb002500d5d1a6", "0123456789abcdef0123456789abcdef"


@pytest.fixture
def there(other: Counterpart) -> Counterpart:
    """PagerDuty."""
    other.judge = pagerduty
    return other


def receiver(there: Counterpart, **more: object) -> Receiver:
    config = {"type": "pagerduty", "url": there.url, "routing_key": KEY, "timeout": 1}
    links = {"Ticket": "https://desk.example/{subject}"}
    return receiver_of("page", config | {"allow_http": True, "allow_private": True, "links": links} | more)


async def send(to: Receiver, *alerts: Alert, memory: Memory | None = None) -> None:
    await to.send(notification(*alerts), memory or Remembered())


async def test_an_alert_is_triggered_and_resolved_under_its_key(there: Counterpart) -> None:
    page, memory = receiver(there), Remembered()
    fired, over = alert(), resolved()
    await send(page, fired, memory=memory)
    await send(page, over, memory=memory)
    first, second = (sent.json for sent in there.requests)
    assert (first["event_action"], second["event_action"]) == ("trigger", "resolve")
    assert first["dedup_key"] == second["dedup_key"] == fired.key
    assert first["payload"]["summary"].startswith("P1 breached: Resolution")
    assert first["payload"]["source"] == "zendesk:acme:4711"
    assert first["links"][0]["href"] == first["client_url"] == "https://desk.example/zendesk%3Aacme%3A4711"


@pytest.mark.parametrize(
    ("name", "severity", "expected"),
    [
        ("breached", "P0", "critical"),
        ("breached", "P1", "critical"),
        ("breached", "P2", "error"),
        ("breached", "", "error"),
        ("cadence_missed", "P3", "info"),
        ("breach_risk", "P0", "warning"),
        ("source_behind", "P0", "info"),
    ],
)
async def test_severities_are_mapped(there: Counterpart, name: str, severity: str, expected: str) -> None:
    await send(receiver(there, severities={"P3": "info"}), alert(name, severity=severity))
    assert there.requests[0].json["payload"]["severity"] == expected


async def test_a_resolve_goes_where_the_trigger_went_though_the_key_was_rotated(there: Counterpart) -> None:
    memory = Remembered()
    await send(receiver(there, routing_key=OLD_KEY), alert(), memory=memory)
    await send(receiver(there, previous_routing_key=OLD_KEY), resolved(), memory=memory)
    assert [sent.json["routing_key"] for sent in there.requests] == [OLD_KEY, OLD_KEY]
    assert OLD_KEY not in str(memory.kept)
    with pytest.raises(Refused, match="expected it as previous_routing_key"):
        await send(receiver(there), resolved(), memory=memory)


async def test_the_longest_alert_is_taken(there: Counterpart) -> None:
    long = "😀" * 512
    fields = dict.fromkeys(("subject", "owner", "team", "service", "customer_id"), long)
    await send(receiver(there), alert(title="😀" * 10_000, notify=(long,) * 50, **fields))
    assert len(there.requests[0].json["payload"]["summary"]) <= 1024


async def test_one_that_is_refused_hides_no_other(there: Counterpart) -> None:
    there.judge = lambda s: Says(400, "no") if s.json["payload"]["source"] == "desk:1" else pagerduty(s)
    with pytest.raises(Refused, match="page answered 400: no") as caught:
        await send(receiver(there), alert(subject="desk:1"), alert(subject="desk:2"))
    assert caught.value.keys == {"desk:1/resolve/1"}
    assert [sent.json["payload"]["source"] for sent in there.requests] == ["desk:1", "desk:2"]


async def test_a_retry_goes_on_where_it_broke_and_a_reminder_says_all(there: Counterpart) -> None:
    page, memory, both = receiver(there), Remembered(), (alert(subject="desk:1"), alert(subject="desk:2"))
    there.answers = [Says(), Says(503), Says()]
    with pytest.raises(TryAgain):
        await page.send(notification(*both), memory)
    await page.send(notification(*both, attempt=1), memory)
    assert [sent.json["payload"]["source"] for sent in there.requests] == ["desk:1", "desk:2", "desk:2"]
    memory.end(notification(*both))
    await page.send(notification(*both), memory)
    assert len(there.requests) == 5


async def test_after_an_answer_that_holds_for_all_of_them_no_other_is_sent(there: Counterpart) -> None:
    there.answers = [Says(), Says(403, "no such account")]
    with pytest.raises(Refused, match="page answered 403") as caught:
        await send(receiver(there), *(alert(subject=f"desk:{n}") for n in range(4)))
    assert len(there.requests) == 2
    assert caught.value.keys == {f"desk:{n}/resolve/1" for n in (1, 2, 3)}


async def test_what_was_refused_at_an_earlier_try_is_not_sent_again_and_is_refused(
    there: Counterpart,
) -> None:
    page, memory, both = receiver(there), Remembered(), (alert(subject="desk:1"), alert(subject="desk:2"))
    there.answers = [Says(400), Says(503), Says()]
    with pytest.raises(TryAgain):
        await page.send(notification(*both), memory)
    with pytest.raises(Refused, match="refused at an earlier try") as caught:
        await page.send(notification(*both, attempt=1), memory)
    assert [sent.json["payload"]["source"] for sent in there.requests] == ["desk:1", "desk:2", "desk:2"]
    assert caught.value.keys == {"desk:1/resolve/1"}


@pytest.mark.parametrize("answer", [Says(429), Says(500), Says(503), CUT, HALF, SLOW])
async def test_what_passes_is_tried_again(there: Counterpart, answer: Says | str) -> None:
    there.answers = [answer]
    with pytest.raises(TryAgain) as caught:
        await send(receiver(there), alert())
    assert KEY not in str(caught.value)


async def test_events_of_one_key_are_less_than_two_a_second(there: Counterpart) -> None:
    start = time.monotonic()
    await send(receiver(there, routing_key="p" * 32), *(alert(subject=f"desk:{n}") for n in range(3)))
    assert time.monotonic() - start >= 1.0


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"routing_key": "short"}, "routing_key: expected the 32 letters and digits"),
        ({"severities": {"P9": "info"}}, "severities: expected P0, P1, P2 or P3, not P9"),
        ({"severities": {"P1": "red"}}, "severities.P1"),
    ],
)
def test_a_wrong_configuration_names_the_field(config: dict[str, object], says: str) -> None:
    with pytest.raises(BadReceiver) as caught:
        receiver_of("page", {"type": "pagerduty", "routing_key": KEY} | config)
    assert says in str(caught.value)


def test_the_key_is_not_shown() -> None:
    made = receiver_of("page", {"type": "pagerduty", "routing_key": KEY})
    assert KEY not in repr(vars(made))
