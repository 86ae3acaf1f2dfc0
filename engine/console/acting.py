"""What people do on the page: forms that become events, like those of any other producer."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple, TypeAlias
from uuid import uuid4
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from pydantic import ValidationError

from engine.console.people import ADMIN, RESPONDER
from engine.contract import events
from engine.contract.codec import Record, Unreadable, decode
from engine.contract.envelope import headers_of
from engine.core.deadlines import ACTION, COMMITMENT, OPEN, Deadline
from engine.core.facts import REBASED
from engine.core.instants import MILLISECOND, Instant, format_instant, parse_instant, time_zone
from engine.core.state import decode_escalation

SOURCE = "urn:vigil:console"
FAMILY = "ticket"
"""Both families say the same; what is done here says nothing of where the escalation came from."""

TEXT, LINE, MOMENT, CHOICE = "text", "line", "moment", "choice"


class Field(NamedTuple):
    """One input of a form."""

    name: str
    label: str
    kind: str = LINE
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    of: str = ""
    """The metric of the promise or action item that it names; empty: it names none."""


class Form(NamedTuple):
    """What an event of a verb is asked for with."""

    verb: str
    title: str
    fields: tuple[Field, ...]
    done: str
    """What is said when Kafka has it."""
    fixed: tuple[tuple[str, bool], ...] = ()
    """Fields that are always the same."""
    role: str = RESPONDER
    """What it takes. What takes more than that is for pages alone: keys have no such scope."""
    note: str = ""
    """What must be known before it is sent."""


class BadInput(ValueError):
    """What was typed cannot be sent: the message by field; the key "" is of the whole."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {what}" if name else what for name, what in problems.items()))
        self.problems = dict(problems)


class AskedBack(BadInput):
    """What is to be sent once more, if it is meant."""

    def __init__(self, problems: Mapping[str, str], meant: str) -> None:
        super().__init__(problems)
        self.meant = meant
        """What `meant` says beside it when it is."""


class InThePast(AskedBack):
    """A moment that is behind us, which is mistyped more often than meant."""

    def __init__(self, past: Mapping[str, str]) -> None:
        again = dict.fromkeys(past, "this is in the past: send it again if it is meant")
        super().__init__(again, " ".join(past.values()))


Typed: TypeAlias = Mapping[str, str]

_AUDIENCES = (("customer", "the customer"), ("internal", "people inside"), ("executive", "executives"))
_STAGES = (("summary", "the summary"), ("final", "the final report"))
_REASON = Field("reason", "Why", TEXT)
_PROMISE = Field("commitment_id", "Promise", required=True, of=COMMITMENT)
_ITEM = Field("action_id", "Action item", required=True, of=ACTION)

_ALL = (
    Form("acknowledged", "Acknowledge", (), "Acknowledged."),
    Form(
        "triaged",
        "Triage",
        (
            Field(
                "severity",
                "Severity",
                CHOICE,
                choices=(("", "leave as it is"), ("P0", "P0"), ("P1", "P1"), ("P2", "P2"), ("P3", "P3")),
            ),
        ),
        "Triaged.",
    ),
    Form(
        "assigned",
        "Name owner and contact",
        (
            Field("owner", "Owner, who is the single contact", required=True),
            Field("team", "Team"),
        ),
        "The owner is named.",
    ),
    Form(
        "update_published",
        "Record an update that was sent",
        (
            Field("audience", "To whom", CHOICE, True, _AUDIENCES),
            Field(
                "next_update_at",
                "When they hear from us next",
                MOMENT,
                hint="a promise: it binds, whatever the policy says",
            ),
        ),
        "The update is recorded.",
    ),
    Form(
        "message_sent", "Record an answer to the customer", (), "The answer is recorded.", (("public", True),)
    ),
    Form(
        "commitment_made",
        "Record a promise",
        (
            Field("text", "What was promised", TEXT, True),
            Field("due_at", "By when", MOMENT, True),
            Field("to", "To whom"),
        ),
        "The promise is recorded, and its clock runs.",
    ),
    Form(
        "commitment_kept", "Record that the promise was kept", (_PROMISE,), "The promise is recorded as kept."
    ),
    Form(
        "commitment_renegotiated",
        "Move a promise",
        (
            _PROMISE,
            Field("due_at", "By when now", MOMENT, True),
            _REASON,
        ),
        "The promise is moved.",
    ),
    Form(
        "commitment_withdrawn",
        "Withdraw a promise",
        (_PROMISE, _REASON),
        "The promise is withdrawn.",
    ),
    Form(
        "role_assigned",
        "Fill a role",
        (
            Field("role", "Role", required=True),
            Field("person", "Person", required=True),
        ),
        "The role is filled.",
    ),
    Form(
        "resumed",
        "Wake what is paused",
        (),
        "Awake again.",
        note="Its paused clocks run on from now: record this when the wait is over, not when you ask again.",
    ),
    Form("resolved", "Record the fix", (Field("resolution", "What fixed it", TEXT, True),), "Resolved."),
    Form("resolution_confirmed", "Record that the customer confirms the fix", (), "The fix is confirmed."),
    Form(
        "action_opened",
        "Record an action item",
        (
            Field("title", "What is to be done", TEXT, True),
            Field("owner", "Who does it", required=True),
            Field("due_at", "By when", MOMENT, True),
        ),
        "The action item is recorded.",
    ),
    Form(
        "action_completed",
        "Record that the action item is done",
        (_ITEM,),
        "The action item is recorded as done.",
    ),
    Form(
        "rca_published",
        "Record that the RCA is published",
        (
            Field("stage", "Which", CHOICE, True, _STAGES),
            Field("url", "Where it is"),
        ),
        "The RCA is recorded.",
    ),
    Form(
        "pir_held",
        "Record that the review was held",
        (Field("url", "Where its record is"),),
        "The review is recorded.",
    ),
    Form(
        "recurrence_flagged",
        "Record that the pattern was flagged",
        (
            Field("pattern", "Pattern", required=True),
            Field("to", "To whom, separated by commas", required=True),
        ),
        "The pattern is flagged.",
    ),
    Form(
        REBASED,
        "Move it to another policy version",
        (
            Field("version", "Goes on by", CHOICE, True),
            Field("reason", "Why", TEXT, True),
        ),
        "The move is recorded: from now on it goes by that version.",
        role=ADMIN,
    ),
)
FORMS = {form.verb: form for form in _ALL}
_MADE = {"commitment_made": "commitment_id", "action_opened": "action_id"}
"""What begins here gets an id of ours."""


def choosing(form: Form, record: bytes | None, typed: Typed, say: Callable[[Deadline], str]) -> Form:
    """The form over an escalation's state: a promise or an action item is one that is open, told in words.

    What is typed already may be over, or what is sent again would be refused. Without a state it stays as it
    is: anything may be named.
    """
    if record is None or not any(field.of for field in form.fields):
        return form
    known = decode_escalation(record)
    deadlines = {COMMITMENT: known.commitments, ACTION: known.actions}

    def over(field: Field) -> Field:
        if not field.of:
            return field
        found = sorted(deadlines[field.of], key=lambda one: one.due)
        shown = [one for one in found if one.phase == OPEN or one.id == typed.get(field.name, "").strip()]
        choices = (("", "choose one" if shown else "none is open"), *((one.id, say(one)) for one in shown))
        return field._replace(kind=CHOICE, choices=choices)

    return form._replace(fields=tuple(map(over, form.fields)))


def asking_which(form: Form, typed: Typed) -> Form:
    """The form, and below each time that the reader's clocks show twice the question which of the two is
    meant: a browser's field for a time has no offset."""
    fields: list[Field] = []
    for field in form.fields:
        fields.append(field)
        if field.kind == MOMENT and (hours := _hours(typed.get(field.name, "").strip(), typed)):
            choices = (("", "choose one"), *((name, f"the {name}, {at:%H:%M %Z}") for name, at in hours))
            fields.append(Field(field.name + _WHICH, "Which of the two", CHOICE, True, choices))
    return form._replace(fields=tuple(fields))


_WHICH = "_which"


def _hours(text: str, typed: Typed) -> list[tuple[str, datetime]]:
    """Both times that are meant by one that clocks show twice; nothing for any other."""
    try:
        local = _local(text, typed)
    except ValueError:
        return []
    return [("first", local), ("second", local.replace(fold=1))] if _turn(local) < timedelta(0) else []


def _turn(local: datetime) -> timedelta:
    """By how much its clocks are turned over a time: forward where they skip it, back where they show it
    twice."""
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return timedelta(0) if first is None or second is None else second - first


def unknown(form: Form, typed: Typed) -> dict[str, str]:
    """By field, what was typed that an escalation does not have; of a form that is not over one nothing."""
    return {
        field.name: f"this escalation has no such {field.label.lower()}"
        for field in form.fields
        if field.of
        and field.kind == CHOICE
        and typed.get(field.name, "").strip() not in ("", *dict(field.choices))
    }


def ask_back(form: Form, typed: Typed, now: Instant) -> None:
    """InThePast, unless `meant` says what is. `typed`: what `event` has taken."""
    past = {
        field.name: text
        for field in form.fields
        if field.kind == MOMENT
        and (text := typed.get(field.name, "").strip())
        and parse_instant(_moment(field, text, typed)) < now
    }
    if past and (asked := InThePast(past)).meant != typed.get("meant"):
        raise asked


def new_key() -> str:
    """The key of what is sent once."""
    return uuid4().hex


def event(form: Form, subject: str, typed: Typed, by: str, now: Instant, key: str = "") -> Record:
    """The record of what was typed, as of now. BadInput.

    `key`: what its sender has drawn for it: sent again, it counts once. Another content under the same key
    is another event: nobody remembers keys here, and it would be lost as a duplicate.
    """
    data = _data(form, typed)
    data["by"] = by
    identity = _identity_of(key or new_key(), form, subject, data)
    if form.verb == REBASED:
        data["policy"], data["version"], data["hash"] = str(data["version"]).rsplit("@", 2)
    if form.verb in _MADE:
        data[_MADE[form.verb]] = f"console-{identity[:12]}"
    value = msgspec.json.encode(data)
    try:
        events.read(form.verb, value)
    except ValidationError as error:
        raise BadInput(_problems(error)) from None
    kind = f"{FAMILY}.{form.verb}.{events.VERSION}"
    headers = headers_of(kind, SOURCE, identity, subject, format_instant(now))
    record = Record(subject.encode(errors="replace"), value, headers)
    read = decode(record.key, record.value, record.headers, now // MILLISECOND)
    if isinstance(read, Unreadable):  # of this subject it cannot be said
        raise BadInput({"": read.detail})
    return record


def _identity_of(key: str, form: Form, subject: str, data: Mapping[str, object]) -> str:
    content = msgspec.json.encode([key, form.verb, subject, data], order="deterministic")
    return blake2b(content, digest_size=16).hexdigest()


def _data(form: Form, typed: Typed) -> dict[str, object]:
    data: dict[str, object] = dict(form.fixed)
    problems = unknown(form, typed)
    for field in form.fields:
        if field.name in problems or field.name.endswith(_WHICH):
            continue
        text = typed.get(field.name, "").strip()
        if not text:
            if field.required:
                problems[field.name] = "this is needed"
            continue
        try:
            data[field.name] = _value(field, form, text, typed)
        except ValueError as error:
            problems[field.name] = str(error)
    if problems:
        raise BadInput(problems)
    return data


def _value(field: Field, form: Form, text: str, typed: Typed) -> object:
    if field.kind == MOMENT:
        return _moment(field, text, typed)
    if field.kind == CHOICE and text not in dict(field.choices):
        raise ValueError(f"expected one of {', '.join(value for value, _ in field.choices if value)}")
    if form.verb == "recurrence_flagged" and field.name == "to":
        return [one.strip() for one in text.split(",") if one.strip()]
    return text


def _moment(field: Field, text: str, typed: Typed) -> str:
    """What a browser's date and time field says, in the reader's zone. ValueError where the zone has no such
    time, or two, and none is chosen."""
    local = _local(text, typed)
    turn = _turn(local)
    if turn > timedelta(0):
        raise ValueError(f"the clocks of {local.tzinfo} skip this time on that day")
    which = typed.get(field.name + _WHICH)
    if turn < timedelta(0) and which not in ("first", "second"):
        raise ValueError(f"the clocks of {local.tzinfo} show this time twice: choose which of the two")
    return local.replace(fold=int(which == "second")).isoformat()


def _local(text: str, typed: Typed) -> datetime:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a date and a time, such as 2026-11-12T14:30") from None
    if local.tzinfo is not None:
        return local
    zone = typed.get("zone", "") or "UTC"
    try:
        return local.replace(tzinfo=time_zone(zone))
    except ZoneInfoNotFoundError:
        raise ValueError(f"there is no time zone {zone[:60]!r}") from None


def _problems(error: ValidationError) -> dict[str, str]:
    return {str(one["loc"][0]) if one["loc"] else "": one["msg"] for one in error.errors()}
