"""What all endpoints of the Backend API have in common: the key, the form of answers, and pages of lists."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from clerk_middleware.local import LocalClerk

from .answers import error_of, ids


def backend_routes(clerk: LocalClerk) -> list[tuple[str, str]]:
    """Method and path of each endpoint."""
    app: Any = clerk.app
    return [
        (method, re.sub(r"\{.*?\}", "x_none", route.path))
        for route in app.routes
        if isinstance(route, Route)
        if route.endpoint.__module__.startswith("clerk_middleware.local.backend.")
        for method in sorted(route.methods or ())
    ]


def test_no_endpoint_answers_without_the_key(clerk: LocalClerk, browser: httpx.Client) -> None:
    routes = backend_routes(clerk)
    assert len(routes) > 120
    machine_key = clerk.machines["mch_tracking"].secret_key
    for method, path in routes:
        given = ["Bearer sk_test_wrong"] + ([f"Bearer {machine_key}"] if "m2m_tokens" not in path else [])
        for value in given:
            answer = browser.request(method, path, headers={"authorization": value})
            assert answer.status_code == 401, (method, path)
            if method != "HEAD":
                assert error_of(answer) == (401, "clerk_key_invalid")


def test_every_answer_is_exactly_json(clerk: LocalClerk, browser: httpx.Client) -> None:
    """``@clerk/backend`` compares the whole header."""
    headers = {"authorization": f"Bearer {clerk.secret_key}"}
    for method, path in backend_routes(clerk):
        answer = browser.request(method, path, headers=headers, json={})
        assert answer.headers["content-type"] == "application/json", (method, path)
        assert answer.status_code < 500
        if answer.is_error and method != "HEAD":
            error_of(answer)


def test_what_is_not_there(backend: httpx.Client, browser: httpx.Client) -> None:
    assert error_of(backend.get("/nothing")) == (404, "resource_not_found")
    assert error_of(backend.put("/users")) == (405, "method_not_allowed")
    assert error_of(browser.get("/api_keys/ak_1/nothing")) == (404, "resource_not_found")
    assert error_of(browser.put("/m2m_tokens")) == (405, "method_not_allowed")
    assert error_of(backend.post("/users", content=b"x" * 300_000)) == (413, "request_invalid")
    assert error_of(backend.post("/users", content=b"{")) == (400, "request_body_invalid")


def test_paths_without_a_version(clerk: LocalClerk, browser: httpx.Client) -> None:
    """``@clerk/backend`` asks so for what a newer part of Clerk serves."""
    headers = {"authorization": f"Bearer {clerk.secret_key}"}
    answer = browser.post("/api_keys", json={"name": "CI", "subject": "user_dev"}, headers=headers)
    assert answer.status_code == 201
    for prefix in ("", "/v1"):
        body = {"secret": answer.json()["secret"]}
        verified = browser.post(f"{prefix}/api_keys/verify", json=body, headers=headers)
        assert verified.json()["id"] == answer.json()["id"]
    token = clerk.create_m2m_token("mch_tracking").token
    assert browser.post("/m2m_tokens/verify", json={"token": token}, headers=headers).status_code == 200
    oauth_token = clerk.create_oauth_access_token("user_dev").token
    path = "/oauth_applications/access_tokens/verify"
    assert browser.post(path, json={"access_token": oauth_token}, headers=headers).status_code == 200
    assert browser.get("/users", headers=headers).status_code == 404


class TestPaging:
    @pytest.fixture(autouse=True)
    def users(self, clerk: LocalClerk) -> list[str]:
        for number in range(12):
            clerk.create_user(f"{number}@example.com")
        return list(reversed(clerk.users))

    def test_the_first_ten_unless_asked_otherwise(self, backend: httpx.Client, users: list[str]) -> None:
        assert ids(backend.get("/users").json()) == users[:10]
        assert ids(backend.get("/users?limit=3").json()) == users[:3]
        assert ids(backend.get("/users?limit=3&offset=2").json()) == users[2:5]
        assert ids(backend.get("/users?limit=500&offset=11").json()) == users[11:]
        assert backend.get("/users?offset=1000").json() == []

    def test_a_limit_that_is_too_high_is_not_obeyed(self, backend: httpx.Client, users: list[str]) -> None:
        assert len(backend.get("/users?limit=500").json()) == len(users)
        assert ids(backend.get("/users?limit=501").json()) == users[:10]

    def test_counted_where_it_is_asked_for(self, backend: httpx.Client, users: list[str]) -> None:
        answer = backend.get("/users?limit=2&paginated=true").json()
        assert (ids(answer["data"]), answer["total_count"]) == (users[:2], len(users))
        assert isinstance(backend.get("/users?paginated=false").json(), list)

    @pytest.mark.parametrize(
        "query",
        ["limit=0", "limit=-1", "limit=ten", "limit=", "limit=1.5", "limit=²", "offset=-1", "offset=1000001"],
    )
    def test_what_is_no_number(self, backend: httpx.Client, query: str) -> None:
        answer = backend.get(f"/users?{query}")
        assert error_of(answer) == (422, "form_param_value_invalid")
        assert answer.json()["errors"][0]["meta"] == {"param_name": query.split("=")[0]}

    def test_numbers_with_a_decimal_point(self, backend: httpx.Client, users: list[str]) -> None:
        assert ids(backend.get("/users?limit=2.0&offset=1.0").json()) == users[1:3]
