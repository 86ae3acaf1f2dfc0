"""Prometheus Alertmanager, by its API v2: who has alerts there already routes and silences ours there too."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
import structlog
from pydantic import Field, SecretStr, model_validator

from engine.core.instants import SECOND, Instant, format_instant
from engine.notify.alert import CRITICAL, NOTE, RESOLVED, Alert, Memory, Notification, Refused, TryAgain
from engine.notify.outgoing import must_be_taken, post
from engine.notify.receivers.config import HttpConfig
from engine.notify.wording import Wording, Words

log = structlog.stdlib.get_logger("vigil.notify")

_CHANGING = ("customer", "tier", "service", "team", "policy")
_LASTING = ("subject", "metric", "key")
FEWEST_SENDINGS = 3
"""That must fail in a row before an alert ends there by itself."""


class AlertmanagerConfig(HttpConfig):
    """type: alertmanager."""

    urls_in: ClassVar[tuple[str, ...]] = ("urls",)
    urls: list[str] = Field(min_length=1, max_length=10, description="of each replica, not of a balancer")
    token: SecretStr | None = Field(None, description="sent as a bearer token")
    token_file: str | None = None
    resend_every: float = Field(60.0, ge=1, le=3_600, description="seconds between what fires and again")
    resolved_for: float = Field(
        900.0, ge=0, le=86_400, description="seconds in which what is resolved is sent again, as often"
    )
    at_once: int = Field(8, ge=1, le=64, description="requests under way; 1: one after the other")
    hold: float = Field(
        86_400.0, ge=60, le=31_536_000, description="seconds until what is not said again ends there"
    )

    @model_validator(mode="after")
    def _holds_long_enough(self) -> "AlertmanagerConfig":
        if self.hold < FEWEST_SENDINGS * self.resend_every:
            raise ValueError(f"hold: expected at least {FEWEST_SENDINGS} times resend_every")
        return self


class Alertmanager:
    """Sends each alert as it is now, to every URL; one that takes them is enough.

    Alertmanager keeps alerts in memory only, and wants what fires again every `resend_every` seconds until it
    is resolved. Whoever calls `send` does that, with the same notification. What is resolved is sent again
    for `resolved_for`, as Prometheus does (rules/alerting.go, resolvedRetention): one replica may have missed
    it, or Alertmanager has restarted before it told anybody.

    `endsAt` of what fires is `hold` from now (a day): a breach does not resolve by itself because we were
    restarted, Kafka was away or a sending was missed, as it would after Alertmanager's own five minutes.

    There labels are an alert's identity. Where one that changes has changed (its level, the team), the alert
    under its old labels is ended with the one that says the new begins; which they were is remembered.
    """

    def __init__(self, name: str, config: AlertmanagerConfig) -> None:
        self.name, self.at_once = name, config.at_once
        self.resend_every, self.resolved_for = config.resend_every, config.resolved_for
        self._config = config
        self._alone_until: dict[str, float] = {}
        """Replicas that did not answer, by the monotonic clock."""
        self.wording = config.words(name)

    async def send(self, notification: Notification, memory: Memory) -> None:
        wording, now = await self.wording.prepare(notification.alerts), time.time()
        alerts = [
            one for alert in notification.alerts for one in await self._posted(alert, wording, memory, now)
        ]
        await self._post_to_all(orjson.dumps(alerts))
        for alert in notification.alerts:
            if alert.state != RESOLVED:
                await self._remember(alert, memory)

    async def _post_to_all(self, body: bytes) -> None:
        """Each replica is told by us: they share silences and what was notified, but no alerts. One that does
        not answer is asked again with the next repetition, as long as another takes them."""
        urls, failures = self._config.urls, list[Refused | TryAgain]()
        now = time.monotonic()
        alone = [url for url in urls if now < self._alone_until.get(url, 0.0)]
        for some in ([url for url in urls if url not in alone], alone):
            answers = await asyncio.gather(*(self._post(url, body) for url in some))
            failed = {url: why for url, why in zip(some, answers, strict=True) if why is not None}
            failures += failed.values()
            if len(failed) < len(some):
                self._leave_alone(failed)
                return
        raise next((one for one in failures if isinstance(one, TryAgain)), failures[0])

    async def _post(self, url: str, body: bytes) -> Refused | TryAgain | None:
        """Why it did not take them, if it did not."""
        headers = {"content-type": "application/json"}
        if self._config.token is not None:
            headers["authorization"] = f"Bearer {self._config.token.get_secret_value()}"
        try:
            answer = await post(url.rstrip("/") + "/api/v2/alerts", body, headers, self._config.reach)
            must_be_taken(answer, self.name)
        except (Refused, TryAgain) as error:
            return error
        return None

    def _leave_alone(self, failed: Mapping[str, Refused | TryAgain]) -> None:
        """Those that did not answer; one that refuses is there."""
        wait = self.resend_every
        for url, why in failed.items():
            if isinstance(why, TryAgain):
                self._alone_until[url] = time.monotonic() + wait
                log.warning("replica_is_down", receiver=self.name, why=why.reason, again_in_seconds=wait)

    async def _posted(
        self, alert: Alert, wording: Wording, memory: Memory, now: float
    ) -> list[dict[str, Any]]:
        """The alert, and before it what it was under other labels, ended."""
        labels, before = labels_of(alert), await memory.get(self._place(alert))
        known: Mapping[str, str] = orjson.loads(before) if before else labels
        if known == labels or alert.state == RESOLVED:
            return [self._alert(alert, wording.of(alert), known, now)]
        return [{"labels": known, "endsAt": _stamp(now)}, self._alert(alert, wording.of(alert), labels, now)]

    def _alert(self, alert: Alert, words: Words, labels: Mapping[str, str], now: float) -> dict[str, Any]:
        """Of what is resolved without `startsAt`: Alertmanager has it."""
        came = min(alert.outcome.effective_at, int(now * SECOND))
        posted: dict[str, Any] = {
            "labels": labels,
            "annotations": {
                "summary": words.title,
                "description": words.text,
                "outcome": alert.labels.get("outcome", ""),
                **{_annotation(name): value for name, value in (*words.fields, *words.links)},
            },
            "endsAt": format_instant(Instant(came)),
        }
        if alert.state != RESOLVED:
            posted |= {"startsAt": format_instant(Instant(came)), "endsAt": _stamp(now + self._config.hold)}
        if words.links:
            posted["generatorURL"] = words.links[0][1]
        return posted

    async def _remember(self, alert: Alert, memory: Memory) -> None:
        """Only what is new: most sendings are repetitions."""
        place, labels = self._place(alert), orjson.dumps(labels_of(alert)).decode()
        if await memory.get(place) != labels:
            await memory.put(place, labels)

    def _place(self, alert: Alert) -> str:
        return f"{self.name}/{alert.key}"


def labels_of(alert: Alert) -> dict[str, str]:
    """`severity` is critical, warning or info, as alerting rules have it; the escalation's is `sla_severity`.

    What says no more than how it stands (owner, threshold, who is told) is in the annotations.
    """
    level = {CRITICAL: "critical", NOTE: "info"}.get(alert.level, "warning")
    labels = {"alertname": "VigilSLA", "vigil_key": alert.key, "severity": level}
    labels |= {name: alert.labels.get(name, "") for name in (*_LASTING, *_CHANGING)}
    labels["sla_severity"] = alert.outcome.severity
    return {name: value for name, value in labels.items() if value}


def _annotation(name: str) -> str:
    """`To be told` → `to_be_told`: names of annotations are those of labels."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())
    return plain if plain[:1].isalpha() else f"_{plain}"


def _stamp(seconds: float) -> str:
    return format_instant(Instant(int(seconds * SECOND)))
