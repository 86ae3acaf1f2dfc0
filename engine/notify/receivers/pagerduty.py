"""PagerDuty, by its Events API v2: an alert a key, triggered and resolved."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, TypeAlias

import orjson
from pydantic import Field, SecretStr, field_validator

from engine.core.instants import format_instant
from engine.notify.alert import CRITICAL, NOTE, RESOLVED, Alert, Memory, Notification, Refused
from engine.notify.outgoing import Pace, must_be_taken, post
from engine.notify.receivers.config import HttpConfig
from engine.notify.receivers.progress import Progress
from engine.notify.wording import Words

Severity: TypeAlias = Literal["critical", "error", "warning", "info"]
_SEVERITIES: dict[str, Severity] = {"P0": "critical", "P1": "critical", "P2": "error", "P3": "error"}
"""Of what is breached, by the escalation's severity."""
_PACE = Pace(0.6)
"""PagerDuty takes some 120 events a minute and integration key; we stay below."""
_MARK = 16
"""Characters of a key's mark."""


class PagerDutyConfig(HttpConfig):
    """type: pagerduty."""

    url: str = Field("https://events.pagerduty.com", description="https://events.eu.pagerduty.com for the EU")
    routing_key: SecretStr = Field(description="the integration key of an Events API v2 integration")
    routing_key_file: str | None = None
    previous_routing_key: SecretStr | None = Field(
        None, description="where what it has triggered is resolved still"
    )
    previous_routing_key_file: str | None = None
    severities: dict[str, Severity] = Field({}, description="P0 to P3 → PagerDuty's, of what is breached")

    @field_validator("routing_key", "previous_routing_key")
    @classmethod
    def _keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            text = value.get_secret_value()
            if len(text) != 32 or not text.isascii() or not text.isalnum():
                raise ValueError("expected the 32 letters and digits of an integration key")
        return value

    @field_validator("severities")
    @classmethod
    def _known(cls, value: dict[str, Severity]) -> dict[str, Severity]:
        if unknown := set(value) - set(_SEVERITIES):
            raise ValueError(f"expected P0, P1, P2 or P3, not {', '.join(sorted(unknown))}")
        return value


class PagerDuty:
    """One event an alert, with the alert's key as the dedup_key: a second copy joins the first.

    `acknowledge` is never sent. That a person has acknowledged an escalation settles the clock
    `acknowledge`, whose alert is resolved with it; the other clocks' alerts stay unacknowledged, rightly.
    Nor are notes ever resolved: route them elsewhere if every alert here must end.
    """

    at_once = 1

    def __init__(self, name: str, config: PagerDutyConfig) -> None:
        self.name = name
        self._config = config
        keys = [key for key in (config.routing_key, config.previous_routing_key) if key is not None]
        self._keys = {_mark(key): key for key in reversed(keys)}
        self._severities = {**_SEVERITIES, **config.severities}
        self.wording = config.words(name)

    async def send(self, notification: Notification, memory: Memory) -> None:
        progress = await Progress.of(notification, memory)
        wording = await self.wording.prepare(progress.left)
        for alert in progress.left:
            async with progress.telling([alert]):
                await self._send(alert, wording.of(alert), memory)
        progress.end()

    async def _send(self, alert: Alert, words: Words, memory: Memory) -> None:
        place = f"{self.name}/{alert.key}"
        mark = (await memory.get(place) or "")[:_MARK]
        key = self._key_for(alert, mark)
        await _PACE.turn(_mark(key))
        headers = {"content-type": "application/json"}
        url = self._config.url.rstrip("/") + "/v2/enqueue"
        must_be_taken(await post(url, self._event(alert, words, key), headers, self._config.reach), self.name)
        await memory.put(place, _mark(key))

    def _key_for(self, alert: Alert, mark: str) -> SecretStr:
        """The one that triggered it: PagerDuty drops a resolve that comes by another."""
        if alert.state != RESOLVED or not mark:
            return self._config.routing_key
        if mark not in self._keys:
            raise Refused(
                "triggered with a routing key that is gone; expected it as previous_routing_key",
                is_for_content=True,
            )
        return self._keys[mark]

    def _event(self, alert: Alert, words: Words, key: SecretStr) -> bytes:
        event: dict[str, Any] = {
            "routing_key": key.get_secret_value(),
            "event_action": "resolve" if alert.state == RESOLVED else "trigger",
            "dedup_key": alert.key,
            "payload": self._payload(alert, words),
            "client": "Vigil",
            "links": [{"href": url, "text": name} for name, url in words.links],
        }
        if words.links:
            event["client_url"] = words.links[0][1]
        return orjson.dumps(event)

    def _payload(self, alert: Alert, words: Words) -> Mapping[str, Any]:
        """Within PagerDuty's limits (summary 1,024 characters, event 512 KB) by the wording's own."""
        o = alert.outcome
        parts = {"component": o.service, "group": o.customer_id, "class": o.metric}
        return {
            "summary": words.title,
            "source": o.subject,
            "severity": self._severity(alert),
            "timestamp": format_instant(o.effective_at),
            "custom_details": {"What": words.text, **dict(words.fields)},
            **{name: value for name, value in parts.items() if value},
        }

    def _severity(self, alert: Alert) -> Severity:
        if alert.level == CRITICAL:
            return self._severities.get(alert.outcome.severity, "error")
        return "info" if alert.level == NOTE else "warning"


def _mark(key: SecretStr) -> str:
    """By which a key is known again and not told: what is remembered is no place for secrets."""
    return sha256(key.get_secret_value().encode()).hexdigest()[:_MARK]
