"""The webhook receiver against a server that verifies as Standard Webhooks says, and misbehaves on order."""

import base64
import hashlib
import hmac
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from engine.notify.alert import Alert, Receiver, Refused, TryAgain
from engine.notify.receivers import BadReceiver, receiver_of
from engine.notify.receivers.webhook import WebhookConfig, key_of, sign
from notify.alerting import Remembered, alert, notification, resolved
from notify.counterpart import CUT, HALF, SLOW, Counterpart, Says, Sent
from notify.notifying import webhook

KEY, OLD_KEY = b"k" * 32, b"o" * 32
SECRET, OLD_SECRET = (f"whsec_{base64.b64encode(key).decode()}" for key in (KEY, OLD_KEY))


def receiver(other: Counterpart, **more: object) -> Receiver:
    config = {"type": "webhook", "url": f"{other.url}/in", "secret": SECRET, "timeout": 1}
    return receiver_of("desk", config | {"allow_http": True, "allow_private": True} | more)


async def send(to: Receiver, *alerts: Alert) -> None:
    await to.send(notification(*alerts), Remembered())


def verifies(sent: Sent, key: bytes) -> bool:
    """As the specification says it (standard-webhooks.md, Verifying webhook authenticity)."""
    stamp = sent.headers["webhook-timestamp"]
    content = f"{sent.headers['webhook-id']}.{stamp}.".encode() + sent.body
    good = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    signatures = sent.headers["webhook-signature"].split(" ")
    return f"v1,{good}" in signatures and abs(int(stamp) - time.time()) < 60


async def test_a_delivery_verifies_with_the_secret_and_says_what_is_due(other: Counterpart) -> None:
    await send(receiver(other), alert())
    (sent,) = other.requests
    assert sent.path == "/in"
    assert verifies(sent, KEY)
    assert not verifies(sent, OLD_KEY)
    assert sent.json["type"] == "vigil.alerts.v1"
    (told,) = sent.json["data"]["alerts"]
    assert (told["state"], told["level"]) == ("firing", "critical")
    assert told["title"].startswith("P1 breached: Resolution")
    assert told["labels"]["subject"] == told["outcome"]["subject"] == "zendesk:acme:4711"


async def test_while_secrets_rotate_either_verifies(other: Counterpart) -> None:
    await send(receiver(other, previous_secret=OLD_SECRET), alert())
    (sent,) = other.requests
    assert verifies(sent, KEY)
    assert verifies(sent, OLD_KEY)


def test_the_signature_is_that_of_the_vector_that_the_libraries_of_the_standard_share() -> None:
    key = key_of(SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    signed = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_redelivery_has_the_same_id_and_body_and_a_change_another(other: Counterpart) -> None:
    there = receiver(other)
    for one in (alert(), alert(), alert(changed=2), resolved()):
        await send(there, one)
    first, again, changed, over = (sent.headers["webhook-id"] for sent in other.requests)
    assert first == again
    assert other.requests[0].body == other.requests[1].body
    assert len({first, changed, over}) == 3


async def test_410_is_refused_as_disabled(other: Counterpart) -> None:
    other.answers = [Says(410, "unsubscribed")]
    with pytest.raises(Refused, match="disabled on the other side: it answered 410: unsubscribed"):
        await send(receiver(other), alert())


@pytest.mark.parametrize("status", [400, 401, 404, 422, 301, 307])
async def test_what_asks_for_another_request_is_refused(other: Counterpart, status: int) -> None:
    other.answers = [Says(status, headers={"Location": f"{other.url}/elsewhere"})]
    with pytest.raises(Refused, match=str(status)):
        await send(receiver(other), alert())
    assert [sent.path for sent in other.requests] == ["/in"], "a redirect was followed"


def date_in(seconds: int) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({}, None, None),
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": 600}, 400, 600),
        ({"Retry-After": -600}, 0, 0),
        ({"Retry-After": "999999"}, 3_600, 3_600),
        ({"Retry-After": "soon"}, None, None),
    ],
)
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_passes_is_tried_again_when_it_was_asked_to_be(
    other: Counterpart, status: int, headers: dict[str, str | int], least: float | None, most: float | None
) -> None:
    """A number is so many seconds from now, as a date."""
    said = {name: value if isinstance(value, str) else date_in(value) for name, value in headers.items()}
    other.answers = [Says(status, headers=said)]
    with pytest.raises(TryAgain, match=str(status)) as caught:
        await send(receiver(other), alert())
    after = caught.value.after
    assert after is None if least is None or most is None else after is not None and least <= after <= most


@pytest.mark.parametrize(
    ("fault", "why"), [(CUT, "broke"), (HALF, "broke"), (SLOW, "did not answer within 1 s")]
)
async def test_when_nobody_knows_whether_it_arrived_it_is_tried_again(
    other: Counterpart, fault: str, why: str
) -> None:
    other.answers = [fault]
    with pytest.raises(TryAgain, match=rf"127\.0\.0\.1.*{why}") as caught:
        await send(receiver(other), alert())
    assert "/in" not in str(caught.value)


async def test_many_alerts_go_in_deliveries_below_the_limit_and_none_is_lost(other: Counterpart) -> None:
    many = [alert(subject=f"desk:{n}", title="é" * 10_000) for n in range(60)]
    await send(receiver(other), *many)
    assert len(other.requests) > 1
    assert all(len(sent.body) < 20_000 for sent in other.requests)
    told = [one["key"] for sent in other.requests for one in sent.json["data"]["alerts"]]
    assert told == [one.key for one in many]
    assert len({sent.headers["webhook-id"] for sent in other.requests}) == len(other.requests)


async def test_an_alert_that_is_too_long_alone_is_shortened_but_for_its_key(other: Counterpart) -> None:
    long = alert(owner="😀" * 512, team="😀" * 512, service="😀" * 512, customer_id="😀" * 512)
    long.labels.update({f"label{n}": "😀" * 512 for n in range(14)})
    await send(receiver(other), long)
    (sent,) = other.requests
    assert len(sent.body) < 20_000
    assert sent.json["data"]["alerts"][0]["key"] == long.key


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"type": "fax"}, "type: expected one of"),
        ({"secret": None}, "secret"),
        ({"secret": "whsec_short"}, "secret: expected whsec_ and 24 to 64 bytes in base64"),
        ({"uRl": "https://a.example"}, "uRl: expected one of allow_http"),
        ({"url": "http://desk.example/in"}, "url: expected a URL that begins with https"),
        ({"url": "https://user:" + "topsecret@desk.example/in"}, "url: expected no user and password"),
        ({"url": "https://10.0.0.1/in"}, "url: 10.0.0.1 is not public; expected allow_private: true"),
        ({"zone": "Mars/Olympus"}, "zone: expected an IANA time zone"),
        ({"links": {"Desk": "https://desk.example/{ticket}"}}, "links: expected only {subject}"),
        (
            {"secret": None, "secret_file": "/nowhere"},
            "secret_file: expected a file that can be read",
        ),
        ({"secret_file": "/nowhere"}, "secret: expected secret or secret_file, not both"),
        ({"timeout": 0}, "timeout: expected greater than or equal to 0.1"),
    ],
)
def test_a_wrong_configuration_names_the_field_and_what_was_expected(
    config: dict[str, object], says: str
) -> None:
    good = {"type": "webhook", "url": "https://desk.example/in", "secret": SECRET}
    with pytest.raises(BadReceiver) as caught:
        receiver_of("desk", good | config)
    assert says in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_a_missing_secret_may_be_given_by_either_name() -> None:
    with pytest.raises(BadReceiver, match="secret: expected secret or secret_file"):
        receiver_of("desk", {"type": "webhook", "url": "https://desk.example/in"})


def test_a_secret_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    good = {"type": "webhook", "url": "https://desk.example/in"}
    made = receiver_of("desk", good | {"secret_file": str(file)})
    assert SECRET not in repr(vars(made)["_config"])
    with pytest.raises(BadReceiver) as caught:
        receiver_of("desk", good | {"secret": SECRET, "zone": SECRET})
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    with pytest.raises(ValidationError) as raw:
        WebhookConfig.model_validate(good | {"secret": SECRET, "zone": SECRET})
    assert "input_value" not in str(raw.value)


async def test_a_retry_of_many_deliveries_goes_on_where_the_last_one_failed(other: Counterpart) -> None:
    there, memory = receiver_of("desk", webhook(other.url)), Remembered()
    many = [alert(subject=f"desk:{n}") for n in range(40)]
    other.answers = [Says(), Says(503), Says()]
    with pytest.raises(TryAgain):
        await there.send(notification(*many), memory)
    await there.send(notification(*many, attempt=1), memory)
    ids = [sent.headers["webhook-id"] for sent in other.requests]
    assert ids.count(ids[0]) == 1, "taken at the first try"
    assert ids.count(ids[1]) == 2, "refused at the first try"
    keys = [one["key"] for sent in other.requests for one in sent.json["data"]["alerts"]]
    assert set(keys) == {one.key for one in many}
