"""From a name and what a file says of it to a receiver."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from engine.notify.alert import Receiver
from engine.notify.receivers.alertmanager import Alertmanager, AlertmanagerConfig
from engine.notify.receivers.config import Config, FromFiles, WordingConfig
from engine.notify.receivers.email import Email, EmailConfig
from engine.notify.receivers.pagerduty import PagerDuty, PagerDutyConfig
from engine.notify.receivers.slack import Slack, SlackConfig
from engine.notify.receivers.teams import Teams, TeamsConfig
from engine.notify.receivers.webhook import Webhook, WebhookConfig

TYPES: dict[str, tuple[type[Config], Callable[[str, Any], Receiver]]] = {
    "alertmanager": (AlertmanagerConfig, Alertmanager),
    "email": (EmailConfig, Email),
    "pagerduty": (PagerDutyConfig, PagerDuty),
    "slack": (SlackConfig, Slack),
    "teams": (TeamsConfig, Teams),
    "webhook": (WebhookConfig, Webhook),
}


_SHOULD = re.compile(r"\w+ should (?:be |have |match )?(.*?)(?: after validation.*)?$")
"""How pydantic says what it expects."""


class BadReceiver(ValueError):
    """A receiver's configuration that cannot be; `problems` has (field, what was expected), all of them.

    No value of the configuration is in it: it may be a secret in the wrong place.
    """

    def __init__(self, name: str, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"receiver {name}, {field}: {expected}" for field, expected in problems))


def receiver_of(name: str, config: Mapping[str, object]) -> Receiver:
    """The receiver of a configuration with `type` and that type's fields. BadReceiver for any other."""
    given = dict(config)
    kind = given.pop("type", None)
    if not isinstance(kind, str) or kind not in TYPES:
        raise BadReceiver(name, [("type", f"expected one of {', '.join(sorted(TYPES))}")])
    model, build = TYPES[kind]
    try:
        return build(name, model.model_validate(given))
    except ValidationError as error:
        raise BadReceiver(name, [_problem(model, given, one) for one in _errors(error)]) from None


def _errors(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_context=False, include_input=False))


def _problem(model: type[FromFiles], given: Any, one: Mapping[str, Any]) -> tuple[str, str]:
    field = ".".join(map(str, one["loc"]))
    if one["loc"][:1] == ("wording",):
        model, given = WordingConfig, given["wording"]
    if one["loc"] and isinstance(given, dict) and f"{one['loc'][-1]}_file" in given:
        field = f"{field}_file"  # what is wrong is in the file
    message = str(one["msg"]).removeprefix("Value error, ")
    if one["type"] == "missing":
        message = f"expected {field} or {field}_file" if f"{field}_file" in model.model_fields else "expected"
    elif one["type"] == "extra_forbidden":
        message = f"expected one of {', '.join(sorted(model.model_fields))}"
    elif found := _SHOULD.match(message):
        message = f"expected {found[1]}"
    if not field and ": " in message:
        field, message = message.split(": ", 1)  # of a check over several fields, which names its own
    return field or "receiver", message
