"""LocalClerk's webhooks, as `verifyWebhook` of `@clerk/express` takes them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import httpx
import pytest

from .stage import WEBHOOK_SECRET, Stage


@pytest.fixture
def webhooks(development: Stage) -> Iterator[str]:
    """Where Express takes webhooks, and tells of those that it took."""
    url = f"{development.addresses['express']}/webhooks"
    endpoint = development.clerk.add_webhook_endpoint(url, ["user.*"], signing_secret=WEBHOOK_SECRET)
    yield url
    development.clerk.remove_webhook_endpoint(endpoint)


def test_it_verifies_them(development: Stage, webhooks: str) -> None:
    user = development.clerk.create_user(f"{secrets.token_hex(4)}@example.com", last_name="Ångström")
    development.clerk.update_user(user.id, first_name="Åse")
    development.clerk.wait_for_webhooks()
    taken = httpx.get(webhooks, trust_env=False).json()
    assert [each for each in taken if each[1] == user.id] == [
        ["user.created", user.id, None],
        ["user.updated", user.id, "Åse"],
    ]


def test_it_refuses_what_was_changed_on_the_way(development: Stage, webhooks: str) -> None:
    headers = {
        "content-type": "application/json",
        "svix-id": "msg_1",
        "svix-timestamp": str(int(time.time())),
        "svix-signature": "v1,bm9ib2R5IHNpZ25lZCB0aGlz",
    }
    answer = httpx.post(webhooks, content=b'{"type": "user.deleted"}', headers=headers, trust_env=False)
    assert answer.status_code == 400
