"""Every conformance vector: what Clerk's own JavaScript packages decided, and so what this library decides.

A vector of `authenticate.json` is a configuration, a request, a moment and canned Backend API answers;
one of `units.json` is a question to a single part. Header order, the order of a query and of a list of
names, and how often an endpoint is asked are not compared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from clerk_middleware import (
    AsyncAuthenticator,
    Authenticator,
    AuthRedirects,
    ClerkConfig,
    ClerkError,
    ClerkRequest,
    PublishableKey,
    RequestState,
    RouteMatcher,
    SessionAuth,
)
from clerk_middleware.backend import attempts

FOLDER = Path(__file__).parent
CASES = json.loads((FOLDER / "authenticate.json").read_text("utf-8"))["cases"]
UNITS = json.loads((FOLDER / "units.json").read_text("utf-8"))

COMPARED_HEADERS = {
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "cache-control",
    "location",
    "set-cookie",
}


@pytest.fixture(autouse=True)
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts at the Backend API."""
    monkeypatch.setattr(attempts, "_BACKOFF", 0.001)


class Backend:
    """The case's Backend API. An unknown endpoint is 404, as at Clerk."""

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self.answers = {(answer["method"], answer["path"]): answer for answer in reversed(answers)}
        self.calls: dict[tuple[str, str], dict[str, Any]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        endpoint = request.method, request.url.path.removeprefix("/v1")
        query = request.url.query.decode()
        self.calls[endpoint] = {
            "query": f"?{query}" if query else None,
            "authorization": request.headers.get("authorization"),
            "body": json.loads(request.content) if request.content else None,
        }
        answer = self.answers.get(endpoint)
        if answer is None:
            return httpx.Response(404, json={"errors": [{"code": "resource_not_found"}]})
        if answer.get("network_error"):
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(answer.get("status", 200), json=answer["json"])


def authenticate(case: dict[str, Any], backend: Backend) -> RequestState:
    config, request = setup(case)
    transport = httpx.MockTransport(backend)
    with Authenticator(config, transport=transport, clock=lambda: case["now"]) as authenticator:
        return authenticator.authenticate_request(request)


def aauthenticate(case: dict[str, Any], backend: Backend) -> RequestState:
    config, request = setup(case)
    transport = httpx.MockTransport(backend)

    async def decide() -> RequestState:
        async with AsyncAuthenticator(
            config, transport=transport, clock=lambda: case["now"]
        ) as authenticator:
            return await authenticator.authenticate_request(request)

    return asyncio.run(decide())


def setup(case: dict[str, Any]) -> tuple[ClerkConfig, ClerkRequest]:
    asked = case["request"]
    config = ClerkConfig(**case["config"], trust_forwarded_headers=True)
    return config, ClerkRequest(asked["method"], asked["url"], asked["headers"])


def by_id(cases: Iterable[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in cases]


@pytest.mark.parametrize("drive", [authenticate, aauthenticate], ids=["sync", "async"])
@pytest.mark.parametrize("case", by_id(case for case in CASES if "error" not in case["expect"]))
def test_decides_as_clerk_does(case: dict[str, Any], drive: Any) -> None:
    expected, backend = case["expect"], Backend(case["backend"])

    state = drive(case, backend)

    assert (state.status, state.reason, state.token_type) == tuple(
        expected[name] for name in ("status", "reason", "token_type")
    )
    assert compared(state.headers) == compared(expected["headers"])
    assert_asked(backend, expected["backend_calls"])
    if state.status == "handshake":
        return
    auth = state.to_auth()
    assert_holds(auth, expected.get("auth"))
    assert_holds(state.to_auth(treat_pending_as_signed_out=False), expected.get("auth_pending_ok"))
    for query, answer in zip(case.get("has", []), expected.get("has", []), strict=False):
        assert auth.has(**query) is answer, query


@pytest.mark.parametrize("drive", [authenticate, aauthenticate], ids=["sync", "async"])
@pytest.mark.parametrize("case", by_id(case for case in CASES if "error" in case["expect"]))
def test_names_what_is_configured_wrongly(case: dict[str, Any], drive: Any) -> None:
    with pytest.raises(ClerkError):
        drive(case, Backend(case["backend"]))


def test_no_case_is_left_out() -> None:
    assert len(CASES) + sum(len(UNITS[kind]) for kind in ("has", "routes", "keys", "redirects")) == 2182


@pytest.mark.parametrize("case", UNITS["has"])
def test_claims_and_has(case: dict[str, Any]) -> None:
    auth = SessionAuth.from_claims(case["claims"], token="t")
    if case["error"]:  # Clerk's SDK throws on such a claim; here it grants nothing
        assert not auth.org_permissions
        return
    assert_holds(auth, case["expect"])
    for query, answer in case["queries"]:
        assert auth.has(**query) is answer, query


@pytest.mark.parametrize("case", UNITS["routes"])
def test_route_patterns(case: dict[str, Any]) -> None:
    named = RouteMatcher(case["patterns"]).match(case["path"])

    if case["matched"]:
        assert named == {name: value for name, value in case["params"].items() if not name.isdigit()}
    else:
        assert named is None


@pytest.mark.parametrize("case", UNITS["keys"])
def test_publishable_keys(case: dict[str, Any]) -> None:
    if case["expect"] is None:
        with pytest.raises(ClerkError):
            PublishableKey.parse(case["publishable_key"])
        return
    key = PublishableKey.parse(case["publishable_key"])
    assert key.instance_type == case["expect"]["instance_type"]
    assert key.cookie_suffix == case["cookie_suffix"]
    frontend_api = key.frontend_api_for(
        domain=case["domain"], is_satellite=case["is_satellite"], proxy_url=case["proxy_url"]
    )
    assert frontend_api == case["expect"]["frontend_api"]


@pytest.mark.parametrize("case", UNITS["redirects"])
def test_sign_in_and_sign_up_urls(case: dict[str, Any]) -> None:
    def redirect() -> str:
        kind = "test" if case["publishable_key"].startswith("pk_test_") else "live"
        config = ClerkConfig(
            publishable_key=case["publishable_key"],
            secret_key=f"sk_{kind}_{'x' * 42}",
            sign_in_url=case["sign_in_url"],
            sign_up_url=case["sign_up_url"],
            is_satellite=case["is_satellite"],
            domain="sat.example.org" if case["is_satellite"] else None,
        )
        redirects = AuthRedirects(
            config,
            base_url=case["base_url"],
            dev_browser_token=case["dev_browser_token"],
            session_status=case["session_status"],
        )
        to = redirects.to_sign_in if case["kind"] == "sign_in" else redirects.to_sign_up
        return to(return_back_url=case["return_back_url"])

    try:
        got = redirect()
    except ClerkError:
        # A development satellite has to name its sign_in_url, which Clerk checks elsewhere.
        assert case["error"] or (case["is_satellite"] and not case["sign_in_url"])
    else:
        assert not case["error"]
        assert comparable(got) == comparable(case["expect"])


def comparable(url: str) -> tuple[object, ...]:
    """A URL in which neither the order of the query matters nor which API version a client asks for."""
    parts = urlsplit(url)
    query = [
        (name, comparable(value) if name in ("redirect_url", "__clerk_redirect_url") else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name != "__clerk_api_version"
    ]
    return parts.scheme, parts.netloc, parts.path or "/", sorted(query, key=repr), parts.fragment


def compared(headers: Iterable[tuple[str, str]]) -> list[tuple[str, object]]:
    pairs = [
        (name.lower(), comparable(value) if name.lower() == "location" else value)
        for name, value in headers
        if name.lower() in COMPARED_HEADERS
    ]
    return sorted(pairs, key=repr)


def assert_holds(auth: object, expected: Mapping[str, Any] | None) -> None:
    for name, value in (expected or {}).items():
        assert in_any_order(plain(getattr(auth, name, None))) == in_any_order(value), name


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def in_any_order(value: Any) -> Any:
    """A list of names, such as permissions, whose order means nothing."""
    is_names = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return sorted(value) if is_names else value


def assert_asked(backend: Backend, expected: list[dict[str, Any]]) -> None:
    wanted = {(call["method"], call["path"]): call for call in expected}
    assert backend.calls.keys() == wanted.keys()
    for endpoint, made in backend.calls.items():
        for part in ("query", "authorization", "body"):
            assert without_request_headers(made[part]) == without_request_headers(wanted[endpoint].get(part))


def without_request_headers(value: Any) -> Any:
    """Which of the request's headers a refresh sends on is a matter of taste."""
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if name != "request_headers"}
    return value
