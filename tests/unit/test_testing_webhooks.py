"""Signed webhooks for test clients: Svix's own package takes them."""

from __future__ import annotations

import json
import time

import pytest
from svix.webhooks import Webhook, WebhookVerificationError

from clerk_middleware.errors import ConfigurationError
from clerk_middleware.testing import signed_webhook
from tests.webhook_messages import SECRET, STRANGERS

VARIABLE = "CLERK_WEBHOOK_SIGNING_SECRET"


def test_a_webhook_that_svix_takes() -> None:
    body, headers = signed_webhook("user.created", {"id": "user_1", "name": "Zoë"}, signing_secret=SECRET)
    Webhook(SECRET).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(STRANGERS).verify(body, headers)
    event = json.loads(body)
    assert abs(event.pop("timestamp") / 1000 - time.time()) < 60
    assert event == {
        "data": {"id": "user_1", "name": "Zoë"},
        "event_attributes": {"http_request": {"client_ip": "127.0.0.1", "user_agent": "clerk-middleware"}},
        "instance_id": "ins_test",
        "object": "event",
        "type": "user.created",
    }
    assert headers["content-type"] == "application/json"


def test_each_is_a_message_of_its_own_unless_it_is_said() -> None:
    first, second = (signed_webhook("user.created", {}, signing_secret=SECRET).headers for _ in range(2))
    assert first["svix-id"] != second["svix-id"]
    again = signed_webhook("user.created", {}, signing_secret=SECRET, message_id=first["svix-id"])
    assert again.headers["svix-id"] == first["svix-id"]
    Webhook(SECRET).verify(again.body, again.headers)


def test_one_of_long_ago() -> None:
    body, headers = signed_webhook("user.created", {}, signing_secret=SECRET, timestamp=1_750_000_000.5)
    assert headers["svix-timestamp"] == "1750000000"
    assert json.loads(body)["timestamp"] == 1_750_000_000_500
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(body, headers)


def test_attributes() -> None:
    attributes = {"http_request": {"client_ip": "192.0.2.7", "user_agent": "curl"}}
    body, _ = signed_webhook("user.created", {}, signing_secret=SECRET, attributes=attributes)
    assert json.loads(body)["event_attributes"] == attributes


@pytest.mark.parametrize("value", [SECRET, f"{SECRET},{STRANGERS}", f" {SECRET} , {STRANGERS}"])
def test_the_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)
    body, headers = signed_webhook("user.created", {})
    Webhook(SECRET).verify(body, headers)


@pytest.mark.parametrize("secret", [None, "", SECRET[6:], "whsec_not-base64!"])
def test_without_a_secret(monkeypatch: pytest.MonkeyPatch, secret: str | None) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigurationError) as caught:
        signed_webhook("user.created", {}, signing_secret=secret)
    assert VARIABLE in str(caught.value)
    assert "whsec_ and 24 to 64 bytes" in str(caught.value)
    assert not secret or secret not in str(caught.value)
