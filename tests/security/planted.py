"""Secrets that are easy to find, in every place where one may be, and receivers that give them back."""

import orjson

from notify.counterpart import Says, Sent

PLANTED = "planted-Zk9-secret"
"""Nothing that we say may contain it, or its half."""
ROUTING_KEY = "plantedZk9plantedZk9plantedZk9ab"
TOKEN = f"xoxb-{PLANTED}"
WHSEC = "whsec_plantedZk9plantedZk9plantedZk9ab"
PATH = "/services/T0001/B0001/plantedZk9plantedZk9"


def receivers(url: str) -> dict[str, dict[str, object]]:
    """One of each kind that speaks HTTP, by what it is."""
    here: dict[str, object] = {"allow_http": True, "allow_private": True, "timeout": 2}
    return {
        "webhook": {**here, "type": "webhook", "url": f"{url}/in", "secret": WHSEC, "previous_secret": WHSEC},
        "pagerduty": {**here, "type": "pagerduty", "url": url, "routing_key": ROUTING_KEY},
        "alertmanager": {**here, "type": "alertmanager", "urls": [url], "token": TOKEN},
        "slack": {**here, "type": "slack", "api_url": f"{url}/api", "token": TOKEN, "channel": "C1"},
        "slack-url": {**here, "type": "slack", "url": url + PATH},
        "teams": {**here, "type": "teams", "url": f"{url}/workflows/1?sig=plantedZk9plantedZk9"},
    }


def echo(sent: Sent, status: int) -> Says:
    """An answer with all that came, what is secret first."""
    authorization, body = sent.headers.get("authorization", ""), sent.body.decode()
    said = f"no such thing: {authorization} {sent.path}?{sent.query} {body[body.find('routing_key') :]}"
    if status == 200:  # as Slack refuses
        return Says(200, orjson.dumps({"ok": False, "error": said}).decode())
    return Says(status, said)


MAIL: dict[str, object] = {
    "type": "email", "host": "127.0.0.1", "port": 9, "allow_private": True, "timeout": 2,
    "username": "vigil", "password": PLANTED, "sender": "a@example.com", "to": ["b@example.com"],
}  # fmt: skip
"""Nobody listens there."""


def assert_nothing_of_it(*said: str) -> None:
    for text in said:
        assert "planted" not in text, text
        assert "Zk9" not in text, text
