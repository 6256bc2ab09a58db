"""The documents that OAuth clients read first: where they are, what they say, and where from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkRequest
from clerk_middleware.answers import Answer

from .backend import CannedBackend
from .conftest import DEVELOPMENT
from .issuer import NOW
from .machines import Clock, accepting

SITE = "https://app.example.com"
RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
FETCH = f"GET {SERVER}"
#: As Clerk's Frontend API answers, in part.
OF_CLERK = {
    "issuer": "https://clerk.example.com",
    "authorization_endpoint": "https://clerk.example.com/oauth/authorize",
    "token_endpoint": "https://clerk.example.com/oauth/token",
    "registration_endpoint": "https://clerk.example.com/oauth/register",
    "scopes_supported": ["openid", "profile"],
    "code_challenge_methods_supported": ["S256"],
}
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "*",
    "access-control-max-age": "86400",
}

Ask = Callable[..., Answer | None]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sync", "async"])
def asking_with(request: pytest.FixtureRequest, backend: CannedBackend, clock: Clock) -> Callable[..., Ask]:
    """Ask one authenticator, which remembers; the options are its configuration's."""
    backend.on(FETCH, OF_CLERK)

    def make(*resources: str, **options: Any) -> Ask:
        config = accepting(oauth_resources=resources, **options)
        if request.param == "sync":
            authenticator = Authenticator(config, transport=backend.transport, clock=clock)

            def ask(path: str, method: str = "GET", headers: Any = (), site: str = SITE) -> Answer | None:
                return authenticator.oauth_metadata(ClerkRequest(method, f"{site}{path}", headers))

            return ask
        asynchronous = AsyncAuthenticator(config, transport=backend.transport, clock=clock)

        async def ask_once(asked: ClerkRequest) -> Answer | None:
            try:
                return await asynchronous.oauth_metadata(asked)
            finally:
                await asynchronous.aclose()

        def aask(path: str, method: str = "GET", headers: Any = (), site: str = SITE) -> Answer | None:
            return asyncio.run(ask_once(ClerkRequest(method, f"{site}{path}", headers)))

        return aask

    return make


VARY = "X-Forwarded-Host, X-Forwarded-Proto"


def document(answer: Answer | None, vary: str | None = None) -> Any:
    assert answer is not None
    assert answer.status == 200
    headers = dict(answer.headers)
    assert len(headers) == len(answer.headers)
    assert headers.pop("vary", None) == vary
    assert headers == {"content-type": "application/json", "cache-control": "max-age=300", **CORS}
    return json.loads(answer.body)


# --- This application's ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "path", "resource"),
    [
        (["/mcp"], f"{RESOURCE}/mcp", f"{SITE}/mcp"),
        (["/mcp"], f"{RESOURCE}/mcp/", f"{SITE}/mcp"),
        (["/mcp"], f"{RESOURCE}/mcp?x=1", f"{SITE}/mcp"),
        (["/mcp/"], f"{RESOURCE}/mcp", f"{SITE}/mcp"),
        (["/"], RESOURCE, SITE),
        (["/"], f"{RESOURCE}/", SITE),
        (["/", "/mcp"], RESOURCE, SITE),
        (["/", "/mcp"], f"{RESOURCE}/mcp", f"{SITE}/mcp"),
        (["/a", "/a/b"], f"{RESOURCE}/a/b", f"{SITE}/a/b"),
        (["/a", "/a/b"], f"{RESOURCE}/a", f"{SITE}/a"),
    ],
)
def test_a_resources_metadata(
    resources: list[str], path: str, resource: str, asking_with: Any, backend: CannedBackend
) -> None:
    assert document(asking_with(*resources)(path)) == {
        "resource": resource,
        "authorization_servers": ["https://clerk.example.com"],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["profile", "email"],
    }
    assert backend.requests == []


def test_it_tells_the_scopes_if_there_are_any(asking_with: Any) -> None:
    ask = asking_with("/mcp", oauth_scopes=["read:loads", "profile"])
    assert document(ask(f"{RESOURCE}/mcp"))["scopes_supported"] == ["read:loads", "profile"]
    assert "scopes_supported" not in document(asking_with("/mcp", oauth_scopes=[])(f"{RESOURCE}/mcp"))


@pytest.mark.parametrize(
    ("resources", "path"),
    [
        ([], RESOURCE),
        ([], f"{RESOURCE}/mcp"),
        ([], SERVER),
        (["/mcp"], RESOURCE),
        (["/mcp"], f"{RESOURCE}/"),
        (["/mcp"], f"{RESOURCE}/mcp/x"),
        (["/mcp"], f"{RESOURCE}/mc"),
        (["/mcp"], f"{RESOURCE}/MCP"),
        (["/mcp"], f"{RESOURCE}mcp"),
        (["/mcp"], f"{RESOURCE}//mcp"),
        (["/mcp"], f"{RESOURCE}/x/mcp"),
        (["/mcp"], f"/x{RESOURCE}/mcp"),
        (["/mcp"], "/.well-known/OAUTH-protected-resource/mcp"),
        (["/"], f"{RESOURCE}/mcp"),
        (["/"], f"{RESOURCE}x"),
        (["/mcp"], "/mcp"),
        (["/"], "/"),
        (["/mcp"], f"{SERVER}/mcp"),
        (["/mcp"], f"{SERVER}/"),
        (["/mcp"], f"{SERVER}x"),
        (["/mcp"], "/.well-known/openid-configuration"),
    ],
)
def test_any_other_path_is_the_applications(
    resources: list[str], path: str, asking_with: Any, backend: CannedBackend
) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        assert asking_with(*resources)(path, method) is None
    assert backend.requests == []


def test_its_origin_is_the_clients(asking_with: Any) -> None:
    """As RFC 9728, 3.3 has it: the client compares it with where it asked."""
    ask = asking_with("/mcp")
    found = document(ask(f"{RESOURCE}/mcp", site="http://other.example:8000"))
    assert found["resource"] == "http://other.example:8000/mcp"
    assert found["authorization_servers"] == ["https://clerk.example.com"]


def test_behind_a_proxy_that_is_trusted_it_is_the_forwarded_one(asking_with: Any) -> None:
    headers = {"x-forwarded-host": "public.example", "x-forwarded-proto": "https"}
    site = "http://127.0.0.1:8000"
    trusting = asking_with("/mcp", trust_forwarded_headers=True)
    found = document(trusting(f"{RESOURCE}/mcp", headers=headers, site=site), VARY)
    assert found["resource"] == "https://public.example/mcp"
    assert document(asking_with("/mcp")(f"{RESOURCE}/mcp", headers=headers, site=site))["resource"] == (
        f"{site}/mcp"
    )


@pytest.mark.parametrize(
    ("options", "server"),
    [
        ({}, "https://clerk.example.com"),
        (DEVELOPMENT, "https://apparent-wolf-7.clerk.accounts.dev"),
        ({"proxy_url": "https://app.example.com/__clerk"}, "https://app.example.com/__clerk"),
        ({"proxy_url": "https://app.example.com/__clerk/"}, "https://app.example.com/__clerk"),
        ({"proxy_url": "http://127.0.0.1:5400"}, "http://127.0.0.1:5400"),
        ({"proxy_url": "/__clerk"}, "https://clerk.example.com"),
        ({"is_satellite": True, "domain": "sat.example.org"}, "https://clerk.sat.example.org"),
    ],
    ids=str,
)
def test_the_authorization_server_is_the_configured_instance(
    options: Any, server: str, asking_with: Any
) -> None:
    assert document(asking_with("/", **options)(RESOURCE))["authorization_servers"] == [server]


# --- The authorization server's --------------------------------------------------------------------------


def test_it_is_fetched_from_clerk_and_passed_on(asking_with: Any, backend: CannedBackend) -> None:
    assert document(asking_with("/mcp")(SERVER)) == OF_CLERK
    (request,) = backend.requests
    assert str(request.url) == f"https://clerk.example.com{SERVER}"
    assert "authorization" not in request.headers
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"},
        {"forwarded": "host=evil.example"},
        {"origin": "https://evil.example"},
    ],
    ids=str,
)
@pytest.mark.parametrize("proxy_url", [None, "/__clerk"])
def test_nothing_that_a_request_says_decides_where_from(
    headers: dict[str, str], proxy_url: str | None, asking_with: Any, backend: CannedBackend
) -> None:
    ask = asking_with("/", proxy_url=proxy_url, trust_forwarded_headers=True)
    for site in (SITE, "https://evil.example", "http://169.254.169.254"):
        assert document(ask(SERVER, headers=headers, site=site)) == OF_CLERK
        found = document(ask(RESOURCE, headers=headers, site=site), VARY)
        assert found["authorization_servers"] == ["https://clerk.example.com"]
    assert {request.url.host for request in backend.requests} == {"clerk.example.com"}


def test_it_is_kept_for_five_minutes(asking_with: Any, backend: CannedBackend, clock: Clock) -> None:
    ask = asking_with("/mcp")
    for later in (0, 1, 299.9):
        clock.now = NOW + later
        assert document(ask(SERVER)) == OF_CLERK
    assert len(backend.requests) == 1
    clock.now = NOW + 300
    backend.on(FETCH, OF_CLERK | {"issuer": "https://new.example"})
    assert document(ask(SERVER))["issuer"] == "https://new.example"
    assert len(backend.requests) == 2


def test_a_clock_that_was_set_back_does_not_make_it_last(
    asking_with: Any, backend: CannedBackend, clock: Clock
) -> None:
    ask = asking_with("/mcp")
    ask(SERVER)
    clock.now -= 1
    ask(SERVER)
    assert len(backend.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={}),
        httpx.Response(404, json=OF_CLERK),
        httpx.Response(302, headers={"location": "https://evil.example/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[OF_CLERK]),
        httpx.Response(200, json={}),
        httpx.ReadTimeout("slow"),
        *(OF_CLERK | {name: 7} for name in ("issuer", "authorization_endpoint", "token_endpoint")),
        *(
            {key: value for key, value in OF_CLERK.items() if key != name}
            for name in ("issuer", "authorization_endpoint", "token_endpoint")
        ),
    ],
    ids=lambda answer: str(answer)[:30],
)
def test_where_it_can_not_be_had_the_client_is_told_to_come_back(
    answer: Any, asking_with: Any, backend: CannedBackend, clock: Clock
) -> None:
    backend.on(FETCH, answer)
    ask = asking_with("/mcp")
    refused = ask(SERVER)
    assert refused.status == 503
    assert {"retry-after": "5", "cache-control": "no-store", **CORS}.items() <= dict(refused.headers).items()
    assert json.loads(refused.body)["clerk_error"] == {
        "type": "unavailable",
        "message": "Clerk's authorization server did not answer: try again.",
    }
    made = len(backend.requests)
    clock.now += 4.9
    assert ask(SERVER).status == 503
    assert len(backend.requests) == made, "a failure is not asked again at once"
    backend.on(FETCH, OF_CLERK)
    clock.now += 0.1
    assert document(ask(SERVER)) == OF_CLERK


def test_a_failure_is_tried_once_more(asking_with: Any, backend: CannedBackend) -> None:
    answers = iter([httpx.Response(502), httpx.Response(200, json=OF_CLERK)])
    backend.on(FETCH, lambda request: next(answers))
    assert document(asking_with("/mcp")(SERVER)) == OF_CLERK


def test_each_instance_has_its_own(backend: CannedBackend, clock: Clock) -> None:
    configs = {
        "one.example": accepting(oauth_resources=["/"]),
        "two.example": accepting(oauth_resources=["/"], **DEVELOPMENT),
    }
    backend.on(FETCH, lambda request: httpx.Response(200, json=OF_CLERK | {"issuer": request.url.host}))
    authenticator = Authenticator(
        lambda request: configs[request.url.host], transport=backend.transport, clock=clock
    )
    for _ in range(2):
        for host, issuer in (
            ("one.example", "clerk.example.com"),
            ("two.example", "apparent-wolf-7.clerk.accounts.dev"),
        ):
            answer = authenticator.oauth_metadata(ClerkRequest("GET", f"https://{host}{SERVER}"))
            assert document(answer)["issuer"] == issuer
    assert len(backend.requests) == 2


# --- Methods ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{RESOURCE}/mcp", SERVER])
class TestMethods:
    def test_head_is_answered_as_get(self, path: str, asking_with: Any) -> None:
        ask = asking_with("/mcp")
        assert ask(path, "HEAD") == ask(path, "GET")

    def test_a_preflight_is_answered_with_what_any_page_may_do(
        self, path: str, asking_with: Any, backend: CannedBackend
    ) -> None:
        answer = asking_with("/mcp")(path, "OPTIONS", {"origin": "https://any.example"})
        assert (answer.status, answer.body, dict(answer.headers)) == (200, b"", CORS)
        assert backend.requests == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "get", ""])
    def test_no_other_is_allowed(
        self, path: str, method: str, asking_with: Any, backend: CannedBackend
    ) -> None:
        answer = asking_with("/mcp")(path, method)
        assert (answer.status, dict(answer.headers)["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert json.loads(answer.body) == {"detail": "Method Not Allowed"}
        assert backend.requests == []
