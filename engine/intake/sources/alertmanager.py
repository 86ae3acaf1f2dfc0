"""Alertmanager as a source of incidents: its webhook receiver, version 4, a group of alerts a delivery.

`http_config: {authorization: {credentials: …}}` of the receiver sends the secret. An alert is an incident
from its start to its end; a group is sent again while it fires, and says the same with the same ids.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from engine.core.facts import Value
from engine.core.instants import SECOND
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import shared_secret
from engine.intake.mapping import Mapping
from engine.intake.payloads import Node, read
from engine.intake.source import MOST_BYTES, Source

VERSION = "4"
_NUMBER = r"(?<![\w.])[+-]?(?:\d(?:[\w.,:+-]*\w)?|Inf\b|NaN\b)%?"
"""With its unit, and not that of a name such as p99: 91, 1.2k, 97.3%, 1e+06."""
_NUMBERS = rf"{_NUMBER}(?:\s+{_NUMBER})*"
"""Of which there may be more or fewer the next time: 59m 3s, 1h 0m 2s."""


KEY_HEADERS = ("authorization",)


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    shared_secret(arrival, KEY_HEADERS, secrets)


class _Group(msgspec.Struct, rename="camel"):
    version: msgspec.Raw
    alerts: list[msgspec.Raw]
    group_key: msgspec.Raw = msgspec.Raw(b'""')
    truncated_alerts: msgspec.Raw = msgspec.Raw(b"0")
    """How many `max_alerts` left out."""


_group = msgspec.json.Decoder(_Group)


def apart(arrival: Arrival) -> list[Arrival]:
    """Each alert as a group of its own, byte for byte, and what says that some were left out as one without
    any; what is no such group stays as it came."""
    try:
        group = _group.decode(arrival.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return [arrival]
    is_whole = bytes(group.truncated_alerts) in (b"0", b"null")
    if len(group.alerts) < 2 and is_whole:
        return [arrival]
    body = b'{"version":%b,"alerts":[%b]}'
    parts = [body % (group.version, alert) for alert in group.alerts]
    if not is_whole:
        body = b'{"version":%b,"alerts":[],"groupKey":%b,"truncatedAlerts":%b}'
        parts.append(body % (group.version, group.group_key, group.truncated_alerts))
    return [replace(arrival, body=part) for part in parts]


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    payload = read(arrival.body)
    version = payload["version"].text()
    if version != VERSION:
        raise NotMapped("unknown_version", f"{version!r}; expected {VERSION!r}", "version")
    alerts, left_out = payload["alerts"].items(), payload.get("truncatedAlerts")
    if not alerts and left_out.value:
        group = payload.get("groupKey").text()
        why = f"max_alerts of the receiver left {left_out.number()} out of {group}: these come to nobody"
        raise NotMapped("bad_payload", why, left_out.path)
    return [said for alert in alerts for said in _of(alert, mapping)]


def _of(alert: Node, mapping: Mapping) -> Iterator[Said]:
    """Both ends of an alert that is over: its start may have come to nobody."""
    start = alert["startsAt"].moment()
    identity = f"{alert['fingerprint'].text()}-{start // SECOND}"
    subject = mapping.subject_of(identity)
    yield Said(subject, "opened", _opening(alert, mapping), start, f"{identity}:opened", mapping.family)
    if alert["status"].text() == "resolved":
        end = alert["endsAt"].moment()
        end_id = f"{identity}:resolved:{end // SECOND}"  # it may fire again with the start that is known
        yield Said(subject, "resolved", {}, max(start, end), end_id, mapping.family)


def _opening(alert: Node, mapping: Mapping) -> dict[str, Value]:
    labels, annotations = alert["labels"], alert.get("annotations")
    name = labels.get("alertname").text()
    data = mapping.opening(
        _lasting(annotations.get("summary").text(), labels) or name,
        "",
        severity=mapping.severity(labels.get("severity").text()),
        service=labels.get("service").text() or labels.get("job").text(),
        fingerprint=name,
    )
    return mapping.fill(data, labels.value)


def _lasting(summary: str, labels: Node) -> str:
    """A summary with … for its numbers, but those of labels: `{{ $value }}` is another at each repeat, and an
    opening that is told again must say the same."""
    found = (one for one in labels.value.values() if isinstance(one, str) and one in summary)
    texts = {one for one in found if not _is_number(one)}
    names = "|".join(re.escape(one) for one in sorted(texts, key=len, reverse=True)) or "(?!)"
    return re.sub(f"({names})|{_NUMBERS}", lambda match: match[1] or "…", summary)


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return not label
    return True


SOURCE = Source(
    name="alertmanager",
    authenticate=authenticate,
    translate=translate,
    states={},
    severities={"page": "P1", "critical": "P1", "error": "P2", "warning": "P2", "info": "P3"},
    family="incident",
    apart=apart,
    key_headers=KEY_HEADERS,
    most_bytes=8 * MOST_BYTES,
    takes_back=True,
    needs=("version", "alerts[].status", "alerts[].labels{}", "alerts[].startsAt", "alerts[].fingerprint"),
)
