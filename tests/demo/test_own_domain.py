"""The example applications behind a domain of their own: policy, Frontend API, and webhooks."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from example_apps.fleet.roster import READ_ROSTER

from ..webhook_messages import SECRET, STRANGERS, an_event, signed

PAGE = {"accept": "text/html", "cookie": "__clerk_db_jwt=dvb_1"}
WEBHOOKS = "/webhooks/clerk"
ADMIN, DISPATCHER, DRIVER = "user_ada", "user_dev", "user_rosa"

_SCRIPT = re.compile(r"<script\b[^>]*>")


def bearer(fleet: Any, user_id: str) -> dict[str, str]:
    return {"authorization": f"Bearer {fleet.token(user_id, 'blue-ridge-freight')}"}


def user(user_id: str, first: str | None, last: str | None = None, updated_at: int = 1) -> dict[str, Any]:
    return {"id": user_id, "first_name": first, "last_name": last, "updated_at": updated_at}


def deliver(fleet: Any, event_type: str, data: dict[str, Any], secret: str = SECRET) -> httpx.Response:
    body = an_event(event_type, data=data)
    headers = {"content-type": "application/json", **signed(body, secrets=[secret])}
    answer: httpx.Response = fleet.ask("POST", WEBHOOKS, headers, content=body)
    return answer


def roster(fleet: Any) -> dict[str, str]:
    answer = fleet.ask("GET", "/api/roster", bearer(fleet, ADMIN))
    assert answer.status_code == 200
    return {person["user_id"]: person["name"] for person in answer.json()}


class TestThePolicy:
    @pytest.mark.parametrize(
        ("user_id", "path", "status"),
        [
            (None, "/", 200),
            (None, "/no-such-page", 404),
            (DISPATCHER, "/dashboard", 200),
            (DISPATCHER, "/loads", 200),
            (DISPATCHER, "/tracking", 200),
            (DISPATCHER, "/compliance", 403),
            (DISPATCHER, "/audit", 404),
            (DRIVER, "/my-loads", 200),
            (ADMIN, "/company", 200),
            (ADMIN, "/reports", 200),
            (ADMIN, "/audit", 200),
        ],
    )
    def test_lets_the_scripts_of_each_page_run(
        self, fleet: Any, user_id: str | None, path: str, status: int
    ) -> None:
        headers = {"accept": "text/html", **bearer(fleet, user_id)} if user_id else PAGE
        answer = fleet.ask("GET", path, headers)
        assert answer.status_code == status
        nonce = answer.headers["x-nonce"]
        (policy,) = answer.headers.get_list("content-security-policy")
        assert f"'nonce-{nonce}' 'strict-dynamic'" in policy
        scripts = _SCRIPT.findall(answer.text)
        assert scripts
        assert all(f'nonce="{nonce}"' in script for script in scripts)
        assert not re.search(r"""\son[a-z]+=|javascript:|<style|\sstyle=""", answer.text)

    def test_has_another_nonce_for_each_answer(self, fleet: Any) -> None:
        assert len({fleet.ask("GET", "/", PAGE).headers["x-nonce"] for _ in range(3)}) == 3

    def test_lets_forms_lead_to_sign_in_and_nobody_frame_a_page(self, fleet: Any) -> None:
        policy = fleet.ask("GET", "/", PAGE).headers["content-security-policy"]
        directives = {words[0]: words[1:] for words in map(str.split, policy.split(";"))}
        assert "https://local-instance-1.accounts.dev" in directives["form-action"]
        assert directives["frame-ancestors"] == directives["base-uri"] == ["'none'"]


class TestTheFrontendAPI:
    def test_is_at_a_path_of_the_application(self, fleet: Any) -> None:
        before = len(fleet.clerk.proxied_requests)
        answer = fleet.ask("GET", "/__clerk/.well-known/jwks.json", {"accept": "application/json"})
        assert answer.status_code == 200
        assert answer.json()["keys"]
        (request,) = fleet.clerk.proxied_requests[before:]
        assert (request.path, request.proxy_url) == ("/.well-known/jwks.json", "http://fleet.example/__clerk")

    def test_answers_for_itself(self, fleet: Any) -> None:
        headers = fleet.ask("GET", "/__clerk/.well-known/jwks.json").headers
        assert "content-security-policy" not in headers
        assert "no-store" not in headers.get("cache-control", "")

    def test_is_where_handshakes_are(self, fleet: Any) -> None:
        document = {"accept": "text/html", "sec-fetch-dest": "document"}
        answer = fleet.ask("GET", "/", document)
        assert answer.status_code == 307
        assert answer.headers["location"].startswith("http://fleet.example/__clerk/v1/client/handshake?")


class TestTheRoster:
    def test_follows_the_users(self, fleet: Any) -> None:
        assert deliver(fleet, "user.created", user("user_1", "Ines", "Moreau")).status_code == 204
        assert deliver(fleet, "user.created", user("user_2", None)).status_code == 204
        assert roster(fleet) == {"user_1": "Ines Moreau", "user_2": "user_2"}
        assert deliver(fleet, "user.updated", user("user_1", "Ines", None, 2)).status_code == 204
        assert roster(fleet)["user_1"] == "Ines"
        gone = {"id": "user_1", "object": "user", "deleted": True}
        assert deliver(fleet, "user.deleted", gone).status_code == 204
        assert roster(fleet) == {"user_2": "user_2"}

    def test_takes_what_comes_in_another_order(self, fleet: Any) -> None:
        deliver(fleet, "user.updated", user("user_1", "Second", None, 20))
        deliver(fleet, "user.created", user("user_1", "First", None, 10))
        deliver(fleet, "user.deleted", {"id": "user_2", "object": "user", "deleted": True})
        deliver(fleet, "user.created", user("user_2", "Late"))
        assert roster(fleet) == {"user_1": "Second"}

    def test_takes_each_message_once(self, fleet: Any) -> None:
        body = an_event("user.created", data=user("user_1", "Ines"))
        headers = {"content-type": "application/json", **signed(body)}
        statuses = [fleet.ask("POST", WEBHOOKS, headers, content=body).status_code for _ in range(2)]
        assert statuses == [204, 200]

    def test_believes_nobody_else(self, fleet: Any) -> None:
        answer = deliver(fleet, "user.created", user("user_mallory", "Mallory"), STRANGERS)
        assert answer.status_code == 400
        assert answer.json()["clerk_error"]["reason"] == "invalid-signature"
        unsigned = json.dumps({"type": "user.created", "data": user("user_mallory", "Mallory")})
        json_body = {"content-type": "application/json"}
        assert fleet.ask("POST", WEBHOOKS, json_body, content=unsigned).status_code == 400
        assert roster(fleet) == {}

    def test_shortens_names_and_passes_over_deletions_of_nobody(self, fleet: Any) -> None:
        assert deliver(fleet, "user.created", user("user_1", "\0" + "x" * 5000)).status_code == 204
        assert deliver(fleet, "user.deleted", {"object": "user", "deleted": True}).status_code == 204
        assert roster(fleet) == {"user_1": "x" * 100}

    def test_is_for_who_manages_users(self, fleet: Any) -> None:
        assert fleet.ask("GET", "/api/roster", {"accept": "application/json"}).status_code == 401
        answer = fleet.ask("GET", "/api/roster", bearer(fleet, DISPATCHER))
        assert answer.status_code == 403
        assert answer.json()["clerk_error"]["metadata"]["required"] == {"permission": READ_ROSTER}
