"""Any system that takes Standard Webhooks: JSON, signed, with an id by which a second copy is known."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from pydantic import Field, SecretStr, field_validator

from engine.answers import beginning
from engine.core.instants import SECOND, format_instant
from engine.core.outcomes import Outcome
from engine.notify.alert import Alert, Memory, Notification, Refused
from engine.notify.conditions import name_of
from engine.notify.outgoing import must_be_taken, post
from engine.notify.receivers.config import HttpConfig
from engine.notify.receivers.progress import Progress
from engine.notify.wording import Wording, cut

LARGEST_BODY = 20_000
"""Bytes, by the specification; what does not fit goes in deliveries of its own."""
_GONE = 410
_SHORT = 120
"""Characters that are left of each text of an alert that does not fit even alone."""
_PREFIX = "whsec_"
_LONGEST_STAMP = "2026-11-28T20:12:00.000000Z"


class WebhookConfig(HttpConfig):
    """type: webhook."""

    url: str
    secret: SecretStr = Field(description="whsec_ and 24 to 64 bytes in base64")
    secret_file: str | None = None
    previous_secret: SecretStr | None = Field(None, description="signs too, while the other side has it")
    previous_secret_file: str | None = None
    at_once: int = Field(8, ge=1, le=64, description="deliveries under way; 1: one after the other")

    @field_validator("secret", "previous_secret")
    @classmethod
    def _secrets(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_of(value)
        return value


class Webhook:
    """Posts the alerts of a notification; more than one delivery only where they are too long for one.

    The id is that of the alerts' keys and of how often they have changed: a redelivery has it again, and so
    has a reminder of what has not changed.
    """

    def __init__(self, name: str, config: WebhookConfig) -> None:
        self.name, self.at_once = name, config.at_once
        self._config = config
        self._keys = [key_of(s) for s in (config.secret, config.previous_secret) if s is not None]
        self.wording = config.words(name)

    async def send(self, notification: Notification, memory: Memory) -> None:
        progress = await Progress.of(notification, memory)
        left = progress.left
        wording = await self.wording.prepare(left)
        for alerts, body in _deliveries(notification, left, wording):
            async with progress.telling(alerts):
                await self._deliver(_id(notification, alerts), body)
        progress.end()

    async def _deliver(self, message: str, body: bytes) -> None:
        stamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(sign(key, message, stamp, body) for key in self._keys),
        }
        answer = await post(self._config.url, body, headers, self._config.reach)
        if answer.status == _GONE:
            raise Refused(
                f"{self.name} is disabled on the other side: it answered 410{beginning(answer.body)}"
            )
        must_be_taken(answer, self.name)


def key_of(secret: SecretStr) -> bytes:
    """The key of a `whsec_…` secret. ValueError says what was expected."""
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"expected {_PREFIX} and 24 to 64 bytes in base64")
    return key


def sign(key: bytes, message: str, stamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks, Signature scheme)."""
    content = b".".join((message.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _id(notification: Notification, alerts: Sequence[Alert]) -> str:
    parts = [notification.receiver, *(f"{alert.key}\n{alert.state}\n{alert.changed}" for alert in alerts)]
    return "msg_" + hashlib.blake2b("\n\n".join(parts).encode(), digest_size=16).hexdigest()


def _deliveries(
    notification: Notification, alerts: Iterable[Alert], wording: Wording
) -> Iterator[tuple[list[Alert], bytes]]:
    """The alerts in their order, in as few bodies as fit; one that is too long alone is alone, and cut.

    Of what is left after some of them, the same: a delivery that failed has its id again.
    """
    room = LARGEST_BODY - len(_encoded(notification, [], _LONGEST_STAMP))
    taken: list[Alert] = []
    told: list[bytes] = []
    size = 0
    for alert in alerts:
        words = _told(alert, wording)
        one = orjson.dumps(words)
        if len(one) > room:
            one = orjson.dumps(_shortened(words))
        if taken and size + len(one) > room:
            yield taken, _body(notification, taken, told)
            taken, told, size = [], [], 0
        taken.append(alert)
        told.append(one)
        size += len(one) + 1
    if taken:
        yield taken, _body(notification, taken, told)


def _body(notification: Notification, alerts: Sequence[Alert], told: Sequence[bytes]) -> bytes:
    """`timestamp` is when the latest of them came about: the same body at every try."""
    latest = max(alert.outcome.effective_at for alert in alerts)
    return _encoded(notification, told, format_instant(latest))


def _encoded(notification: Notification, told: Sequence[bytes], stamp: str) -> bytes:
    alerts = [orjson.Fragment(one) for one in told]
    data = {"receiver": notification.receiver, "group": notification.group, "alerts": alerts}
    return orjson.dumps({"type": "vigil.alerts.v1", "timestamp": stamp, "data": data})


def _told(alert: Alert, wording: Wording) -> dict[str, Any]:
    words = wording.of(alert)
    return {
        "key": alert.key,
        "state": alert.state,
        "level": alert.level,
        "changed": alert.changed,
        "title": words.title,
        "text": words.text,
        "fields": dict(words.fields),
        "links": dict(words.links),
        "labels": alert.labels,
        "outcome": _outcome(alert.outcome),
    }


def _outcome(o: Outcome) -> dict[str, Any]:
    """What a program needs of it; all of it is on the outcomes topic, under this id."""
    due, target = o.due_at, o.target
    return {
        "id": o.id,
        "name": name_of(o),
        "subject": o.subject,
        "metric": o.metric,
        "key": o.key,
        "cycle": o.cycle,
        "effective_at": format_instant(o.effective_at),
        "due_at": None if due is None else format_instant(due),
        "elapsed_seconds": o.elapsed / SECOND,
        "target_seconds": None if target is None else target / SECOND,
        "corrects": o.corrects or None,
    }


def _shortened(value: Any) -> Any:
    """Every text cut, but for keys and ids, which are no use in part."""
    if isinstance(value, dict):
        whole = ("key", "id", "subject", "corrects")
        return {name: one if name in whole else _shortened(one) for name, one in value.items()}
    return cut(value, _SHORT) if isinstance(value, str) else value
