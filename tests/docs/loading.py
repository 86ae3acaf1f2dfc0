"""What each file that the pages show is read by, and what stands around a part of one."""

import asyncio
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml
from jsonschema import Draft7Validator
from pages import ROOT, Block
from presumed import HASH, write_secrets

from deploy.test_helm import problems, values
from engine.console.api import Sent
from engine.console.keys import api_keys
from engine.console.problems import NAMES, Problem
from engine.contract.codec import Received, read_line
from engine.documents.fees import read_fees
from engine.intake.arrival import NotMapped
from engine.intake.configuration import doors
from engine.notify.configuration import configuration
from engine.policies.format import PolicyPart
from engine.policies.loading import load
from intake.deliveries import arrival, door_of, said_by
from metrics.prometheus_programs import program
from notify import test_webhook_receiver as webhook
from notify.alerting import alert
from notify.counterpart import running
from policies.files import CALENDAR, policy, write

KINDS = ("yaml", "json", "toml", "ini", "properties")
"""Of the blocks that are files, or parts of files."""
_DOCUMENTS = ("calendar", "policy", "severity")


class NotTaken(Exception):
    """What reads such a file does not take it."""


class Shown(NamedTuple):
    """A kind of file that pages show."""

    is_it: Callable[[Block, Any], bool]
    """By the block and what it holds, read as YAML or JSON."""
    read: Callable[[str, Path], object]
    """By what reads it, with an empty folder; raises for what it does not take."""


def shown_by(block: Block) -> str | None:
    """The name of what the block shows, of SHOWN."""
    try:
        tree = orjson.loads(block.text) if block.kind == "json" else next(yaml.safe_load_all(block.text))
    except (orjson.JSONDecodeError, yaml.YAMLError, StopIteration):
        return None
    return next(
        (name for name, kind in SHOWN.items() if isinstance(tree, dict) and kind.is_it(block, tree)), None
    )


def _file(text: str, folder: Path, name: str = "shown.yaml") -> Path:
    """With the secrets that it names, and a key's hash where the page leaves it out."""
    write_secrets(folder / "secrets")
    (folder / "chat.txt").write_text("{{ title }}\n")
    told = {"/run/secrets": f"{folder}/secrets", "/etc/vigil/wording": str(folder), "sha256:…": HASH}
    for there, here in told.items():
        text = text.replace(there, here)
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def _policy(text: str, folder: Path) -> object:
    """Sections stand in a policy, credits beside the clock that they speak of; `@support` is a calendar."""
    first = text.lstrip().partition(":")[0]
    document = text if first in _DOCUMENTS else policy(text)
    if "metric: resolve" in document and "clocks:" not in document:
        document += "clocks: {resolve: {budget: {P0: 4h, P1: 8h}}}\n"
    around = [] if "calendar: support" in text else [CALENDAR]
    return load(write(folder, *around, document))


def _notify(text: str, folder: Path) -> object:
    """A page of a receiver leaves out the routes: the first receiver takes all."""
    tree = yaml.safe_load(text)
    if "route" not in tree:
        text += f"\nroute: {{receiver: {next(iter(tree['receivers']))}}}\n"
    calendars = load(write(folder, CALENDAR)).calendars
    return configuration(_file(text, folder, "notify.yaml"), lambda: calendars)


def _doors(text: str, folder: Path) -> object:
    return doors(_file(text.replace("env: ZENDESK_ACME_OLD", "file: /run/secrets/desk"), folder))


def _helm(text: str, folder: Path) -> None:
    """By the chart's schema; the policies in it as the worker reads them."""
    given = yaml.safe_load(text)
    found = problems(given)
    if found:
        raise NotTaken("\n".join(found))
    for name, inner in given.get("policies", {}).get("files", {}).items():
        load(_file(inner, folder, name))


def _alertmanager(text: str, folder: Path) -> None:
    """A part of a route stands in a route of the reader's, and the receivers that it names are there."""
    tree = yaml.safe_load(text)
    tree["route"].setdefault("receiver", "anybody")
    named = {"anybody", *re.findall(r"receiver: (\w+)", text)}
    tree.setdefault("receivers", [{"name": name} for name in sorted(named)])
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(tree))
    done = subprocess.run(
        [program("amtool", "prometheus-alertmanager"), "check-config", str(file)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise NotTaken(done.stdout + done.stderr)


def _event(text: str, folder: Path) -> None:
    """By the codec as a line of a file, and by the published schema of its data."""
    event = json.loads(text)
    read = read_line(text.encode())
    if not isinstance(read, Received):
        raise NotTaken(repr(read))
    schema = json.loads((ROOT / "schemas" / "events" / f"{event['type']}.json").read_text())
    found = [error.message for error in Draft7Validator(schema).iter_errors(event["data"])]
    unknown = sorted(set(event["data"]) - set(schema["properties"]))
    if found or unknown:
        raise NotTaken(f"{found} {unknown}")


def _freshdesk(text: str, folder: Path) -> None:
    """As Freshdesk fills it in, for each rule, with a status of the desk's own; no field says nothing."""
    ticket = {
        "triggered_event": "{status:{from:2,to:8},priority:{from:1,to:4}}", "ticket.id": "7",
        "ticket.subject": "Down", "ticket.status": "Waiting on Customer", "ticket.priority": "Urgent",
        "ticket.agent.name": "kim", "ticket.group.name": "Support", "ticket.requester.name": "ann",
        "ticket.company.name": "acme", "ticket.source": "Email",
    }  # fmt: skip
    body = json.loads(re.sub(r"{{(.*?)}}", lambda found: ticket[found[1]], text))

    def said(leaving_out: str = "") -> list[object]:
        return [_of_freshdesk({**body, "event": event}, leaving_out) for event in _FRESHDESK_EVENTS]

    whole = said()
    if "nothing" in whole:
        raise NotTaken(f"{whole}")
    for field in body:
        if said(field) == whole:
            raise NotTaken(f"{field} says nothing")


_FRESHDESK_EVENTS = (
    "created",
    "agent_replied",
    "customer_replied",
    "note_added",
    "assigned",
    "updated",
    "deleted",
)


def _of_freshdesk(body: dict[str, str], leaving_out: str) -> object:
    body = {name: value for name, value in body.items() if name != leaving_out}
    try:
        return said_by(door_of("freshdesk"), arrival(body))
    except NotMapped:
        return "nothing"


def _problem(text: str, folder: Path) -> None:
    told = Problem.model_validate_json(text)
    if told.name not in NAMES or told.type != f"urn:vigil:problem:{told.name}":
        raise NotTaken(f"no problem of ours: {told.name}")


def _delivery(text: str, folder: Path) -> None:
    """Nothing stands there that the receiver does not post of such an alert; a page may leave some out."""
    _within(json.loads(text), asyncio.run(_posted()), "$")


async def _posted() -> Any:
    async with running() as other:
        await webhook.send(webhook.receiver(other), alert())
        return other.requests[0].json


def _within(told: Any, posted: Any, at: str) -> None:
    if type(told) is not type(posted):
        raise NotTaken(f"{at}: {told!r}, where {posted!r} is posted")
    if isinstance(told, dict):
        for name, value in told.items():
            if name not in posted:
                raise NotTaken(f"{at}.{name}: there are {', '.join(posted)}")
            _within(value, posted[name], f"{at}.{name}")
    elif isinstance(told, list):
        for one in told:
            _within(one, posted[0], f"{at}[]")


def _of(*keys: str) -> Callable[[Block, Any], bool]:
    """A file in YAML with one of these at its top."""
    return lambda block, tree: block.kind == "yaml" and not tree.keys().isdisjoint(keys)


SHOWN: dict[str, Shown] = {
    "policy": Shown(_of(*_DOCUMENTS, *PolicyPart.model_fields), _policy),
    "alertmanager": Shown(
        lambda block, tree: (
            "route" in tree and ("matchers:" in block.text or "webhook_configs:" in block.text)
        ),
        _alertmanager,
    ),
    "notify": Shown(_of("receivers", "route"), _notify),
    "doors": Shown(_of("doors"), _doors),
    "api-keys": Shown(_of("keys"), lambda text, folder: api_keys(_file(text, folder))),
    "fees": Shown(
        lambda _, tree: any("fee" in one for one in tree.values() if isinstance(one, dict)),
        lambda text, folder: read_fees(_file(text, folder)),
    ),
    "helm": Shown(_of(*values()), _helm),
    "event": Shown(lambda _, tree: "specversion" in tree, _event),
    "freshdesk": Shown(lambda block, _: "{{ticket." in block.text, _freshdesk),
    "problem": Shown(lambda _, tree: str(tree.get("type")).startswith("urn:vigil:problem:"), _problem),
    "delivery": Shown(lambda _, tree: tree.get("type") == "vigil.alerts.v1", _delivery),
    "recorded": Shown(
        lambda block, tree: block.page == "docs/api.md" and "verb" in tree,
        lambda text, _: Sent.model_validate_json(text),
    ),
}
"""In this order: the first that it is."""

NOT_LOADED = {
    "docs/security.md: listeners=SASL_SSL": "Kafka's: tests/docs/test_security_page.py starts one by it",
    "docs/security.md: listeners=SSL": "Kafka's: tests/docs/test_security_page.py starts one by it",
}
"""Blocks that nothing loads here, by how they begin, each with its reason."""
