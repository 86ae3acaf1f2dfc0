"""The Slack receiver against a look-alike that keeps threads and checks messages as Slack documents them."""

import time
from collections.abc import Callable

import pytest

from engine.notify.alert import Alert, Memory, Receiver, Refused, TryAgain
from engine.notify.outgoing import Pace
from engine.notify.receivers import BadReceiver, receiver_of, slack
from engine.notify.receivers.slack import escaped
from notify.alerting import Remembered, alert, notification, resolved
from notify.counterpart import CUT, HALF, SLOW, Counterpart, Says
from notify.lookalikes import CHANNEL, TOKEN, Workspace, refusal, texts


@pytest.fixture
def workspace(other: Counterpart, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    found = Workspace()
    other.judge = found.judge
    monkeypatch.setattr(slack, "_PACE", Pace(0.0))
    return found


def receiver(there: Counterpart, **more: object) -> Receiver:
    config: dict[str, object] = {"type": "slack", "token": TOKEN, "channel": CHANNEL, "api_url": there.url}
    return receiver_of("chat", config | {"allow_http": True, "allow_private": True, "timeout": 1} | more)


def by_url(there: Counterpart, **more: object) -> Receiver:
    config = {"type": "slack", "url": f"{there.url}/hook", "allow_http": True, "allow_private": True}
    return receiver_of("chat", config | {"timeout": 1} | more)


async def send(to: Receiver, *alerts: Alert, memory: Memory | None = None, attempt: int = 0) -> None:
    await to.send(notification(*alerts, attempt=attempt), memory or Remembered())


async def test_an_escalation_is_one_thread_and_its_first_message_says_when_it_is_over(
    other: Counterpart, workspace: Workspace
) -> None:
    chat, memory = receiver(other), Remembered()
    await send(chat, alert("breach_risk"), memory=memory)
    await send(chat, alert("breached", metric="triage"), memory=memory)
    first, second = workspace.messages
    assert "thread_ts" not in workspace.messages[first]
    assert workspace.messages[second]["thread_ts"] == first
    assert workspace.messages[second]["reply_broadcast"] is True
    await send(chat, resolved("met", "breach_risk"), memory=memory)
    assert "Over" not in workspace.messages[first]["text"], "something fires still"
    await send(chat, resolved("stopped_late", metric="triage"), memory=memory)
    assert workspace.messages[first]["text"].startswith("✅ Over: P1 at risk: Resolution")
    assert len(workspace.messages) == 4


async def test_what_fires_after_all_was_over_begins_anew(other: Counterpart, workspace: Workspace) -> None:
    chat, memory = receiver(other), Remembered()
    await send(chat, alert(), memory=memory)
    await send(chat, resolved(), memory=memory)
    await send(chat, alert(cycle=2), memory=memory)
    roots = [one for one in workspace.messages.values() if "thread_ts" not in one]
    assert len(roots) == 2


@pytest.mark.parametrize("way", [receiver, by_url])
async def test_a_link_in_a_title_shows_no_picture(
    other: Counterpart, workspace: Workspace, way: Callable[[Counterpart], Receiver]
) -> None:
    await send(way(other), alert(title="https://evil.example/picture.png"))
    (sent,) = other.requests
    assert (sent.json["unfurl_links"], sent.json["unfurl_media"]) == (False, False)


async def test_threads_are_by_escalation(other: Counterpart, workspace: Workspace) -> None:
    await send(
        receiver(other), alert(subject="desk:1"), alert(subject="desk:2"), alert("overdue", subject="desk:1")
    )
    first, reply, second = workspace.messages.values()
    assert "thread_ts" not in first
    assert "thread_ts" in reply
    assert "thread_ts" not in second


async def test_a_retry_repeats_nothing_that_stands_and_a_reminder_does(
    other: Counterpart, workspace: Workspace
) -> None:
    chat, memory, both = receiver(other), Remembered(), (alert(subject="desk:1"), alert(subject="desk:2"))
    other.answers = [Says(), Says(503), Says()]
    with pytest.raises(TryAgain):
        await send(chat, *both, memory=memory)
    await send(chat, *both, memory=memory, attempt=1)
    assert len(workspace.messages) == 2
    memory.end(notification(*both))
    await send(chat, *both, memory=memory)
    assert len(workspace.messages) == 4


async def test_a_mark_that_failed_is_made_by_the_retry(other: Counterpart, workspace: Workspace) -> None:
    chat, memory = receiver(other), Remembered()
    await send(chat, alert(), memory=memory)
    other.answers = [Says(), Says(500), Says()]
    with pytest.raises(TryAgain):
        await send(chat, resolved(), memory=memory)
    await send(chat, resolved(), memory=memory, attempt=1)
    assert len(workspace.messages) == 2
    assert next(iter(workspace.messages.values()))["text"].startswith("✅ Over")


async def test_a_thread_that_somebody_deleted_begins_anew(other: Counterpart, workspace: Workspace) -> None:
    chat, memory = receiver(other), Remembered()
    await send(chat, alert(), memory=memory)
    workspace.messages.clear()
    await send(chat, alert(metric="triage"), memory=memory)
    ((ts, only),) = workspace.messages.items()
    assert "thread_ts" not in only
    await send(chat, resolved(metric="triage"), memory=memory)
    assert "Over" not in workspace.messages[ts]["text"], "the first alert fires still"
    await send(chat, resolved(), memory=memory)
    assert workspace.messages[ts]["text"].startswith("✅ Over")


async def test_a_first_message_that_cannot_be_changed_is_no_failure(
    other: Counterpart, workspace: Workspace
) -> None:
    chat, memory = receiver(other), Remembered()
    await send(chat, alert(), memory=memory)
    other.answers = [Says(), refusal("edit_window_closed")]
    await send(chat, resolved(), memory=memory)


@pytest.mark.parametrize("error", ["ratelimited", "internal_error", "fatal_error", "service_unavailable"])
async def test_errors_that_pass_are_tried_again(other: Counterpart, workspace: Workspace, error: str) -> None:
    other.answers = [refusal(error)]
    with pytest.raises(TryAgain, match=error):
        await send(receiver(other), alert())


@pytest.mark.parametrize("error", ["invalid_auth", "channel_not_found", "is_archived", "something_new"])
async def test_errors_that_stay_are_refused(other: Counterpart, workspace: Workspace, error: str) -> None:
    other.answers = [refusal(error)]
    with pytest.raises(Refused, match=error) as caught:
        await send(receiver(other), alert())
    assert TOKEN not in str(caught.value)


async def test_429_says_how_long_to_wait(other: Counterpart, workspace: Workspace) -> None:
    other.answers = [Says(429, headers={"Retry-After": "30"})]
    with pytest.raises(TryAgain) as caught:
        await send(receiver(other), alert())
    assert caught.value.after == 30


@pytest.mark.parametrize("answer", [Says(500), Says(200, "<html>"), CUT, HALF, SLOW])
async def test_when_nobody_knows_it_is_tried_again(
    other: Counterpart, workspace: Workspace, answer: Says | str
) -> None:
    other.answers = [answer]
    with pytest.raises(TryAgain):
        await send(receiver(other), alert())


async def test_by_url_a_notification_is_a_message_and_a_long_one_several(
    other: Counterpart, workspace: Workspace
) -> None:
    await send(by_url(other), alert(subject="desk:1"), alert(subject="desk:2"))
    assert len(other.requests) == 1
    many = [alert(subject=f"desk:{n}", title="<&>" * 3_000) for n in range(60)]
    await send(by_url(other), *many)
    told = "".join(text for sent in other.requests[1:] for text in texts(sent.json["blocks"]))
    assert all(f"desk:{n}" in told for n in range(60))
    assert len(other.requests) > 3


@pytest.mark.parametrize(
    ("status", "error"), [(403, Refused), (404, Refused), (410, Refused), (500, TryAgain)]
)
async def test_by_url_the_status_decides(
    other: Counterpart, workspace: Workspace, status: int, error: type[Exception]
) -> None:
    other.answers = [Says(status, "no_service")]
    with pytest.raises(error) as caught:
        await send(by_url(other), alert())
    assert "/hook" not in str(caught.value)


async def test_a_title_calls_nobody_and_makes_no_links(other: Counterpart, workspace: Workspace) -> None:
    hostile = alert(title="<!channel> & <https://evil.example|click>", subject="<@U1>")
    await send(receiver(other, links={"A|<b>": "https://desk.example/?a=1&s={subject}"}), hostile)
    (message,) = workspace.messages.values()
    told = [message["text"], *texts(message["blocks"])]
    assert not any("<!" in text or "<@" in text or "<https://evil" in text for text in told)
    assert "<https://desk.example/?a=1&amp;s=%3C%40U1%3E|A¦&lt;b&gt;>" in told


def test_an_escape_is_never_cut_in_two() -> None:
    for longest in range(1, 40):
        text = escaped("a<&>" * 10, longest)
        assert len(text) <= longest
        assert "&" not in text.replace("&lt;", "").replace("&amp;", "").replace("&gt;", "")


async def test_messages_to_one_channel_are_a_second_apart(other: Counterpart) -> None:
    other.judge = Workspace().judge
    start = time.monotonic()
    await send(receiver(other), alert(), alert(metric="triage"))
    assert time.monotonic() - start >= 0.9


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"token": TOKEN}, "channel: expected with token"),
        ({}, "token: expected either token and channel, or url"),
        ({"token": TOKEN, "channel": "C1", "url": "https://a.example"}, "token: expected either"),
        ({"url": "http://hooks.slack.example/services/T0/B0/topsecret"}, "url: expected a URL that begins"),
    ],
)
def test_a_wrong_configuration_names_the_field_and_no_secret(config: dict[str, object], says: str) -> None:
    with pytest.raises(BadReceiver) as caught:
        receiver_of("chat", {"type": "slack"} | config)
    assert says in str(caught.value)
    assert "topsecret" not in str(caught.value)
    assert TOKEN not in str(caught.value)
