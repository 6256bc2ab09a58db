"""Webhooks, whatever arrives (Hypothesis): nothing unsigned passes, and nothing but refusals is raised."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from clerk_middleware import WebhookVerificationError
from clerk_middleware.webhooks import WebhookReceiver, verify_webhook

from ..webhook_messages import SECRET, STRANGERS, a_secret, an_event, signed

NOW = 1_700_000_000
BODY = an_event()
GOOD = signed(BODY, "msg_good", at=NOW)
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))

some = settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

NAMES = st.sampled_from(
    [*GOOD, *(name.replace("svix", "webhook") for name in GOOD), "Svix-Id", "host", "svix_id"]
)
SIGNATURE_LIKE = st.text(st.sampled_from(string.ascii_letters + string.digits + "+/=, v1\t\n\0é"))
VALUES = st.one_of(
    st.text(),
    SIGNATURE_LIKE,
    st.sampled_from([*GOOD.values(), *signed(BODY, at=NOW, secrets=[STRANGERS]).values()]),
    st.integers(NOW - 1000, NOW + 1000).map(str),
)
#: The good headers with what may, or may not, make a difference.
NEARLY_GOOD = st.builds(
    lambda extra, name, value, upper: {
        **({key.upper(): text for key, text in GOOD.items()} if upper else GOOD),
        **extra,
        **({name: value} if name else {}),
    },
    st.dictionaries(st.sampled_from(["host", "accept", "x-svix-id", "svix-idx"]), st.text(), max_size=2),
    st.sampled_from(["", "", *GOOD]),
    VALUES,
    st.booleans(),
)
HEADERS = st.one_of(
    NEARLY_GOOD,
    NEARLY_GOOD.map(lambda headers: [*headers.items()]),
    st.dictionaries(NAMES, VALUES),
    st.lists(st.tuples(NAMES, VALUES)),
    st.lists(st.tuples(NAMES.map(str.encode), VALUES.map(lambda text: text.encode("utf-8", "replace")))),
)
BODIES = st.one_of(st.just(BODY), st.just(BODY.encode()), st.binary(), st.text())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def verify(body: Any, headers: Any, secret: Any = SECRET) -> Any:
    return verify_webhook(body, headers, signing_secret=secret, clock=lambda: float(NOW))


def correctly_signed(body: bytes, message_id: str = "msg_1") -> dict[str, str]:
    digest = hmac.digest(KEY, f"{message_id}.{NOW}.".encode() + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(digest).decode()
    return {"svix-id": message_id, "svix-timestamp": str(NOW), "svix-signature": signature}


def test_what_passes_was_signed() -> None:
    passed = []

    @some
    @given(st.one_of(st.just(BODY.encode()), BODIES), st.one_of(NEARLY_GOOD, HEADERS))
    @example(BODY, {})
    @example(BODY, {name.upper(): value for name, value in GOOD.items()})
    def check(body: Any, headers: Any) -> None:
        with suppress(WebhookVerificationError):
            event = verify(body, headers)
            # Only what is made of the one good message can have come this far.
            assert (event.id, body if isinstance(body, str) else body.decode()) == ("msg_good", BODY)
            passed.append(event)

    check()
    assert len(passed) > 20  # or nothing was looked at


@some
@given(st.sampled_from(list(GOOD)), st.data())
def test_a_message_passes_as_it_is_and_never_changed(name: str, data: Any) -> None:
    value = GOOD[name]
    place = data.draw(st.integers(0, len(value) - 1))
    char = data.draw(st.characters(codec="latin-1"))
    changed = value[:place] + char + value[place + 1 :]
    assume(changed.strip(" \t") != value)
    with suppress(WebhookVerificationError):
        verify(BODY, GOOD | {name: changed})
        raise AssertionError(f"passed with {name}: {changed!r}")
    assert verify(BODY, GOOD).id == "msg_good"


@some
@given(st.integers(0, len(BODY) - 1), st.binary(max_size=3))
def test_a_body_passes_as_it_is_and_never_changed(place: int, other: bytes) -> None:
    raw = BODY.encode()
    changed = raw[:place] + other + raw[place + len(other) :]
    assume(changed != raw)
    with suppress(WebhookVerificationError):
        verify(changed, GOOD)
        raise AssertionError(f"passed with {changed!r}")


@some
@given(st.lists(st.one_of(SIGNATURE_LIKE, st.just(GOOD["svix-signature"].removeprefix("v1,")))))
def test_no_header_of_other_versions_passes(signatures: list[str]) -> None:
    versions = ("v1a", "v2", "V1", "", "v01")
    value = " ".join(
        f"{versions[number % 5]},{''.join(signature.split())}" for number, signature in enumerate(signatures)
    )
    with suppress(WebhookVerificationError):
        verify(BODY, GOOD | {"svix-signature": value})
        raise AssertionError(f"passed with {value!r}")


NEARLY_EVENTS = st.fixed_dictionaries(
    {
        "type": st.one_of(st.text(), st.just("user.created"), JSON),
        "data": st.one_of(st.dictionaries(st.text(), JSON, max_size=2), JSON),
    },
    optional=dict.fromkeys(("event_attributes", "timestamp", "instance_id", "object"), JSON),
)


def test_what_clerk_signed_is_an_event_or_refused() -> None:
    passed = []

    @some
    @given(
        st.one_of(
            NEARLY_EVENTS.map(lambda value: json.dumps(value).encode()),
            JSON.map(lambda value: json.dumps(value).encode()),
            st.binary(),
        )
    )
    @example(b'{"type": "a", "data": {}, "event_attributes": 1, "timestamp": 1e400, "instance_id": {}}')
    @example(b'{"type": "a", "data": {"n": NaN}}')
    def check(body: bytes) -> None:
        with suppress(WebhookVerificationError):
            event: Any = verify(body, correctly_signed(body))
            assert isinstance(event.type, str)
            assert isinstance(event.data, dict)
            assert isinstance(event.event_attributes, dict)
            assert type(event.timestamp) in (int, type(None))
            assert isinstance(event.instance_id, str | None)
            passed.append(event)

    check()
    assert len(passed) > 20  # or nothing was looked at


@some
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.dictionaries(st.text(), JSON, max_size=3),
)
def test_any_event_of_clerks_comes_through(event_type: str, data: Any) -> None:
    body = json.dumps({"type": event_type, "data": data}).encode()
    event = verify(body, correctly_signed(body))
    assert event.type == event_type
    assert json.dumps(event.data) == json.dumps(data)


@some
@given(BODIES, HEADERS)
def test_a_receiver_answers_400_and_runs_nothing(body: Any, headers: Any) -> None:
    ran: list[Any] = []
    webhooks = WebhookReceiver(a_secret(b"a third endpoint"), clock=lambda: float(NOW))
    webhooks.on("*")(ran.append)
    assert (webhooks.handle(body, headers).status, ran) == (400, [])
