"""What the application learns of users by webhooks: https://clerk.com/docs/guides/development/webhooks/overview"""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from ..stage import WEBHOOKS
from ..tour import Tour, expect

_USER = "user_ines"


def roster(tour: Tour) -> None:
    """A user who is created, renamed and deleted at Clerk is so in the roster, by signed webhooks"""
    tour.clerk.create_user("ines@example.com", id=_USER, first_name="Ines", last_name="Moreau")
    expect("status that LocalClerk got", _last_delivery(tour), 204)
    expect("her name", _name(tour), "Ines Moreau")
    tour.clerk.update_user(_USER, last_name="Moreau-Diallo")
    expect("status that LocalClerk got", _last_delivery(tour), 204)
    expect("her new name", _name(tour), "Ines Moreau-Diallo")
    tour.clerk.delete_user(_USER)
    expect("status that LocalClerk got", _last_delivery(tour), 204)
    expect("her name, once she has left", _name(tour), None)
    answer = tour.browser("dev").fetch(tour.url("/api/roster"))
    expect("status for a dispatcher", answer.status_code, 403)


def redelivered_webhook(tour: Tour) -> None:
    """A webhook that is delivered again is taken (200), and not handled again"""
    tour.clerk.create_user("omar@example.com", id="user_omar", first_name="Omar")
    expect("status that LocalClerk got", _last_delivery(tour), 204)
    message = tour.clerk.webhook_messages[-1]
    tour.clerk.redeliver(message)
    tour.clerk.wait_for_webhooks(5)
    expect("statuses", [attempt.status_code for attempt in message.attempts], [204, 200])


def forged_webhook(tour: Tour) -> None:
    """A webhook that somebody else has signed, or nobody, is refused: 400"""
    event = {"type": "user.created", "data": {"id": "user_mallory", "first_name": "Mallory"}}
    signed = {
        "svix-id": "msg_forged",
        "svix-timestamp": str(int(time.time())),
        "svix-signature": "v1,Zm9yZ2Vk",
    }
    for headers, reason in (signed, "invalid-signature"), ({}, "missing-headers"):
        answer = httpx.post(
            tour.url(WEBHOOKS),
            content=json.dumps(event),
            headers={"content-type": "application/json", **headers},
            trust_env=False,
        )
        expect("status", answer.status_code, 400)
        expect("reason", answer.json()["clerk_error"]["reason"], reason)
    expect("a forged user in the roster", "user_mallory" in _roster(tour), False)


def _last_delivery(tour: Tour) -> int | None:
    """The status with which the application took the last message."""
    tour.clerk.wait_for_webhooks(5)
    return tour.clerk.webhook_messages[-1].attempts[-1].status_code


def _name(tour: Tour) -> str | None:
    return _roster(tour).get(_USER)


def _roster(tour: Tour) -> dict[str, str]:
    """The names by user id, as an administrator's program gets them."""
    token = tour.clerk.issue_session_token("user_ada", organization="blue-ridge-freight", azp=tour.url(""))
    answer = tour.browser("program").fetch(tour.url("/api/roster"), token=token)
    expect("status", answer.status_code, 200)
    people: list[dict[str, Any]] = answer.json()
    return {person["user_id"]: person["name"] for person in people}
