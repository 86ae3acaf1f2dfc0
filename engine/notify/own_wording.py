"""Alerts in words of one's own: templates of a receiver, filled in by a sandbox; ours where that fails."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import orjson
import structlog

from engine.contract.outcomes import encode_outcome
from engine.core.instants import parse_instant
from engine.documents.rendering import Limits, Plain, TemplateError, TextPress
from engine.notify import sample
from engine.notify.alert import Alert
from engine.notify.wording import LONGEST_FIELD, LONGEST_TEXT, LONGEST_TITLE, Wording, Words, cut

log = structlog.stdlib.get_logger("vigil.notify")

LIMITS = Limits(seconds=1.0, size=20_000)
"""Of one template."""
LONGEST_SECONDS = 5.0
"""Of one notification; what is not done by then is told in our words."""
_checks = TextPress(LIMITS._replace(seconds=5.0))
"""More patient: a machine that is busy when we start refuses no file."""
_SAMPLES = sample.alerts(parse_instant("2026-01-02T12:00:00Z"))
_Id: TypeAlias = tuple[str, str, int]


class Templates(NamedTuple):
    """Jinja; None: in our words."""

    title: str | None
    text: str | None
    fields: Mapping[str, str] | None


def must_be_wording(template: str) -> str:
    """The template. ValueError where it cannot be filled in for a breach and for its end."""
    plain = Wording("UTC", {})
    try:
        for alert in _SAMPLES:
            _checks.check("template", template, data_of(alert, plain.of(alert)))
    except TemplateError as error:
        where = f"line {error.line}: " if error.line else ""
        why = str(error).removeprefix("template:").removeprefix(f"{error.line}:").strip()
        raise ValueError(f"expected a template that can be filled in; {where}{why}") from None
    return template


def data_of(alert: Alert, words: Words) -> dict[str, Plain]:
    """What a template may use: ours to begin with, the alert, and its outcome as it is on the topic."""
    return {
        "title": words.title,
        "text": words.text,
        "fields": dict(words.fields),
        "links": dict(words.links),
        "key": alert.key,
        "state": alert.state,
        "level": alert.level,
        "changed": alert.changed,
        "labels": alert.labels,
        "outcome": orjson.loads(encode_outcome(alert.outcome).value or b"{}"),
    }


class OwnWording(Wording):
    """Of one receiver, with a process of its own: a template that is slow delays no other receiver."""

    def __init__(self, receiver: str, zone: str, links: Mapping[str, str], templates: Templates) -> None:
        super().__init__(zone, links)
        self._receiver, self._templates = receiver, templates
        self._press = TextPress(LIMITS)

    async def prepare(self, alerts: Sequence[Alert]) -> Wording:
        """What fails is logged and counted, and told in our words."""
        made, failed = await asyncio.to_thread(self._make, alerts)
        self.failures += len(failed)
        self.why = failed[-1] if failed else self.why
        return _Made(self, made)

    def _make(self, alerts: Sequence[Alert]) -> tuple[dict[_Id, Words], list[str]]:
        """The words, and why others could not be made."""
        made: dict[_Id, Words] = {}
        failed: list[str] = []
        until = time.monotonic() + LONGEST_SECONDS
        for alert in alerts:
            try:
                if time.monotonic() > until:
                    raise TimeoutError(f"the notification's {LONGEST_SECONDS:g} s are over")
                made[_id(alert)] = self._words(alert)
            except Exception as error:  # whatever it is: no alert waits for its wording
                failed.append(str(error) or type(error).__name__)
                log.error("wording_failed", receiver=self._receiver, alert=alert.key, why=failed[-1])
        return made, failed

    def _words(self, alert: Alert) -> Words:
        ours, own = self.of(alert), self._templates
        data = data_of(alert, ours)

        def filled(name: str, template: str | None, otherwise: str) -> str:
            return otherwise if template is None else self._press.render(name, template, data)

        title = cut(" ".join(filled("title", own.title, ours.title).split()), LONGEST_TITLE)
        text = cut(filled("text", own.text, ours.text).strip(), LONGEST_TEXT)
        if not title or not text:
            raise ValueError(f"{'text' if title else 'title'}: it says nothing")
        fields = ours.fields
        if own.fields is not None:
            said = ((name, filled(f"fields.{name}", one, "")) for name, one in own.fields.items())
            lines = ((name, cut(" ".join(value.split()), LONGEST_FIELD)) for name, value in said)
            fields = tuple((name, line) for name, line in lines if line)
        return Words(title, text, fields, ours.links)


class _Made(Wording):
    """Of one notification: what was made for it, else ours."""

    def __init__(self, ours: Wording, made: Mapping[_Id, Words]) -> None:
        self._ours, self._made = ours, made

    def of(self, alert: Alert) -> Words:
        return self._made.get(_id(alert)) or self._ours.of(alert)


def _id(alert: Alert) -> _Id:
    return alert.key, alert.state, alert.changed
