"""Slack: one thread an escalation by a bot's token, or plain messages by an incoming webhook's URL."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec
import orjson
from msgspec import Struct
from pydantic import Field, SecretStr, model_validator

from engine.answers import retry_after
from engine.notify.alert import CRITICAL, NOTE, RESOLVED, Alert, Memory, Notification, Refused, TryAgain
from engine.notify.outgoing import Answer, Pace, must_be_taken, post
from engine.notify.receivers.config import HttpConfig
from engine.notify.receivers.grouping import by_subject
from engine.notify.receivers.progress import Progress
from engine.notify.wording import Wording, Words

MOST_BLOCKS, MOST_CHARACTERS = 50, 12_000
"""Of a message. Slack documents no number of characters; from some 13,200 on it says msg_blocks_too_long."""
LONGEST_SECTION, LONGEST_VALUE, MOST_FIELDS = 3_000, 250, 10
_PACE = Pace(1.0)
"""Slack takes a message a second and channel."""
_PASSES = frozenset(
    ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
     "team_added_to_org")
)  # fmt: skip
"""Errors that go away by themselves (docs.slack.dev, chat.postMessage, Errors)."""
_THREAD_GONE = frozenset(("thread_not_found", "message_not_found", "cannot_reply_to_message"))
_NOT_EDITABLE = _THREAD_GONE | {"cant_update_message", "edit_window_closed", "update_failed"}
_FOR_CONTENT = frozenset(
    ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text")
)
_JSON = {"content-type": "application/json; charset=utf-8"}
_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}
"""Of links in a ticket's title; Slack shows the picture behind one unless it is told not to."""
_SIGNS = {CRITICAL: "🔴", NOTE: "🔵"}


class SlackConfig(HttpConfig):
    """type: slack."""

    urls_in: ClassVar[tuple[str, ...]] = ("url", "api_url")
    token: SecretStr | None = Field(None, description="a bot's token, xoxb-…, with the scope chat:write")
    token_file: str | None = None
    channel: str | None = Field(None, description="with token: the channel's id, such as C0123456789")
    url: SecretStr | None = Field(None, description="instead of both: of an incoming webhook; no threads")
    url_file: str | None = None
    api_url: str = Field("https://slack.com/api", description="https://slack-gov.com/api for GovSlack")

    @model_validator(mode="after")
    def _one_way(self) -> "SlackConfig":
        if (self.token is None) == (self.url is None):
            raise ValueError("token: expected either token and channel, or url")
        if (self.token is None) != (not self.channel):
            raise ValueError("channel: expected with token, and only with it")
        return self


class SlackRefused(Refused):
    """An answer with `ok: false`; `error` is Slack's name of it."""

    def __init__(self, who: str, error: str) -> None:
        super().__init__(f"{who}: {error}", is_for_content=error in _FOR_CONTENT)
        self.error = error


class _Thread(Struct):
    """What is remembered of an escalation."""

    channel: str
    """As Slack named it in its answer; `chat.update` takes nothing else."""
    ts: str
    """Of the first message."""
    title: str
    open: list[str] = []
    """Keys of the alerts that fire."""
    is_marked: bool = True
    """The first message says how it stands: that it is over, unless something fires."""


class Slack:
    """By token: an escalation's first message stands in the channel, all else goes into its thread, what is
    critical to the channel too. When the last of its alerts is resolved, the first message says so. What
    fires after that begins anew.

    By URL: each notification is a message of its own, and nothing is changed afterwards.

    Slack knows no idempotency: where its answer is lost, a message may come twice.
    """

    at_once = 1

    def __init__(self, name: str, config: SlackConfig) -> None:
        self.name = name
        self._config = config
        self._token = config.token.get_secret_value() if config.token is not None else ""
        self.wording = config.words(name)

    async def send(self, notification: Notification, memory: Memory) -> None:
        progress = await Progress.of(notification, memory)
        wording = await self.wording.prepare(notification.alerts)
        if self._config.url is not None:
            await self._post_plainly(progress, wording, self._config.url.get_secret_value())
        else:
            for subject, alerts in by_subject(notification.alerts):
                await self._tell(subject, alerts, wording, memory, progress)
        progress.end()

    async def _post_plainly(self, progress: Progress, wording: Wording, url: str) -> None:
        for alerts, message in messages(progress.left, wording):
            async with progress.telling(alerts):
                await _PACE.turn(url)
                body = orjson.dumps(message | _NO_PREVIEWS)
                must_be_taken(await post(url, body, _JSON, self._config.reach), self.name)

    async def _tell(
        self, subject: str, alerts: Sequence[Alert], wording: Wording, memory: Memory, progress: Progress
    ) -> None:
        place = f"{self.name}/{subject}"
        kept = await memory.get(place)
        thread = msgspec.json.decode(kept, type=_Thread) if kept else None
        for alert in alerts:
            if progress.knows([alert]):
                continue
            async with progress.telling([alert], is_all=False):  # the mark may fail, and is made without it
                thread = await self._post(thread, alert, wording)
                _note(thread, alert)
                await memory.put(place, msgspec.json.encode(thread).decode())
        last = next((alert for alert in reversed(alerts) if alert.state == RESOLVED), None)
        if thread is not None and last is not None and not thread.open and not thread.is_marked:
            async with progress.telling([last]):
                await self._mark(thread, last, wording)
                thread.is_marked = True
                await memory.put(place, msgspec.json.encode(thread).decode())

    async def _post(self, thread: _Thread | None, alert: Alert, wording: Wording) -> _Thread:
        """The alert's thread, after it has been told there; a new one where there is none to go on with."""
        ((_, message),) = messages([alert], wording)
        fires = alert.state != RESOLVED and alert.level != NOTE
        if thread is not None and (thread.open or not fires):
            reply = {"thread_ts": thread.ts, "reply_broadcast": fires and alert.level == CRITICAL}
            try:
                await self._call("chat.postMessage", thread.channel, message | reply)
                return thread
            except SlackRefused as error:
                if error.error not in _THREAD_GONE:
                    raise
        said = await self._call("chat.postMessage", self._config.channel or "", message)
        made = _Thread(str(said["channel"]), str(said["ts"]), wording.of(alert).title)
        if thread is not None and thread.open:  # its messages are gone, what fires is not
            made.open, made.is_marked = thread.open, False
        return made

    async def _mark(self, thread: _Thread, last: Alert, wording: Wording) -> None:
        """Let the first message say that it is over. Where it cannot be changed the thread has said it."""
        ((_, message),) = messages([last], wording, above=f"✅ Over: {thread.title}")
        try:
            await self._call("chat.update", thread.channel, message | {"ts": thread.ts})
        except SlackRefused as error:
            if error.error not in _NOT_EDITABLE:
                raise

    async def _call(self, method: str, channel: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What Slack answers. SlackRefused, or what else `send` raises."""
        await _PACE.turn(channel)
        headers = _JSON | {"authorization": f"Bearer {self._token}"}
        url = f"{self._config.api_url.rstrip('/')}/{method}"
        body = orjson.dumps({"channel": channel, **_NO_PREVIEWS, **arguments})
        answer = await post(url, body, headers, self._config.reach)
        must_be_taken(answer, self.name)
        return _said(answer, f"Slack's {method}")


def _said(answer: Answer, who: str) -> dict[str, Any]:
    """The answer's object where it says ok. Slack refuses with status 200."""
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise TryAgain(f"{who} answered no JSON") from None
    if not isinstance(found, dict) or found.get("ok") is not True:
        error = str(found.get("error", "unknown")) if isinstance(found, dict) else "unknown"
        if error in _PASSES:
            raise TryAgain(f"{who}: {error}", retry_after(answer.headers))
        raise SlackRefused(who, error)
    return found


def _note(thread: _Thread, alert: Alert) -> None:
    """What has been told: what fires, of what."""
    if alert.key in thread.open:
        thread.open.remove(alert.key)
    if alert.state != RESOLVED and alert.level != NOTE:
        thread.open.append(alert.key)
        thread.is_marked = False


def messages(
    alerts: Sequence[Alert], wording: Wording, above: str = ""
) -> Iterator[tuple[list[Alert], dict[str, Any]]]:
    """`text` and `blocks`, as many messages as the limits ask for; no alert is parted or left out."""
    head = [_section(escaped(above, LONGEST_SECTION))] if above else []
    told: list[Alert] = []
    text, blocks = escaped(above, LONGEST_SECTION), head
    for alert in alerts:
        words = wording.of(alert)
        more = _blocks(alert, words)
        if told and not _fits([*blocks, *more]):
            yield told, {"text": text, "blocks": blocks}
            told, text, blocks = [], "", []
        text = text or escaped(f"{_sign(alert)} {words.title}", LONGEST_SECTION)
        told, blocks = [*told, alert], [*blocks, *more]
    if told:
        yield told, {"text": text, "blocks": blocks}


def _fits(blocks: list[dict[str, Any]]) -> bool:
    return len(blocks) <= MOST_BLOCKS and len(orjson.dumps(blocks).decode()) <= MOST_CHARACTERS


def _blocks(alert: Alert, words: Words) -> list[dict[str, Any]]:
    title, text = (escaped(part, LONGEST_SECTION // 2 - 20) for part in (words.title, words.text))
    fields = [
        {"type": "mrkdwn", "text": f"*{escaped(name, 50)}*\n{escaped(value, LONGEST_VALUE)}"}
        for name, value in words.fields
    ]
    blocks: list[dict[str, Any]] = [_section(f"{_sign(alert)} *{title}*\n{text}")]
    for first in range(0, len(fields), MOST_FIELDS):
        blocks.append({"type": "section", "fields": fields[first : first + MOST_FIELDS]})
    if links := "  ·  ".join(linked(name, url) for name, url in words.links):
        blocks.append(_section(links))
    return blocks


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _sign(alert: Alert) -> str:
    return "✅" if alert.state == RESOLVED else _SIGNS.get(alert.level, "🟠")


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
"""All that Slack wants escaped; so no `<!channel>` of a ticket's title calls everybody."""


def escaped(text: str, longest: int) -> str:
    """For mrkdwn, at most so many characters after escaping, and no escape cut in two."""
    parts = [_ESCAPES.get(character, character) for character in text]
    if sum(map(len, parts)) <= longest:
        return "".join(parts)
    size = 1
    for count, part in enumerate(parts):
        size += len(part)
        if size > longest:
            return "".join(parts[:count]) + "…"
    return "".join(parts)


def linked(name: str, url: str) -> str:
    """`<url|name>`."""
    plain = url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E").replace("&", "&amp;")
    return f"<{plain}|{escaped(name, 50).replace('|', '¦')}>"
