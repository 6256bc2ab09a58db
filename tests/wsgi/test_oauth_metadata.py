"""An OAuth resource server over WSGI: its metadata is there before authentication, and for any page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from clerk_middleware import Authenticator, ClerkConfig, ClerkRequest
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.wsgi import ClerkMiddleware
from clerk_middleware.wsgi_environ import send_answer

RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def clerk() -> LocalClerk:
    """One of this module's own: what it is asked is counted."""
    return LocalClerk()


@pytest.fixture(scope="module")
def server(clerk: LocalClerk) -> Iterator[LocalServer]:
    with clerk.serve() as server:
        yield server


@pytest.fixture
def app_of(
    clerk: LocalClerk, server: LocalServer, responding: Any
) -> Iterator[Callable[..., ClerkMiddleware]]:
    """Make an application that answers 200 to all that reaches it, and protects all of its paths."""
    authenticators: list[Authenticator] = []

    def make(*resources: str, **options: Any) -> ClerkMiddleware:
        config = ClerkConfig.from_env(
            clerk.environment(server.url),
            jwt_key=clerk.jwt_key,
            authorized_parties=["https://app.example.com"],
            accepts_token="any",
            oauth_resources=resources,
            **options,
        )
        authenticators.append(Authenticator(config))
        return ClerkMiddleware(responding(), authenticator=authenticators[-1], protected_routes=["/(.*)"])

    yield make
    for authenticator in authenticators:
        authenticator.close()


def test_both_documents_need_no_token(
    app_of: Any, request_to: Any, clerk: LocalClerk, server: LocalServer
) -> None:
    app, before = app_of("/mcp", oauth_scopes=["read:loads"]), clerk.calls(SERVER)
    answer = request_to(app, f"{RESOURCE}/mcp")
    assert (answer.status, answer.header("access-control-allow-origin")) == (200, "*")
    assert answer.json == {
        "resource": "https://app.example.com/mcp",
        "authorization_servers": [server.url],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["read:loads"],
    }
    for _ in range(3):
        answer = request_to(app, SERVER)
        assert (answer.status, answer.json["issuer"]) == (200, server.url)
    assert clerk.calls(SERVER) - before == 1


def test_they_have_the_headers_of_no_session(app_of: Any, request_to: Any, cookies: Any) -> None:
    answer = request_to(app_of("/"), RESOURCE, cookies)
    assert (answer.status, answer.headers("set-cookie"), answer.header("vary")) == (200, [], None)


def test_any_other_path_is_the_applications(app_of: Any, request_to: Any) -> None:
    app = app_of("/mcp")
    for path in (RESOURCE, f"{RESOURCE}/x", "/.well-known/oauth-other", "/mcp"):
        assert request_to(app, path).status == 401


def test_without_resources_all_is_the_applications(app_of: Any, request_to: Any) -> None:
    app = app_of()
    for path in (RESOURCE, f"{RESOURCE}/mcp", SERVER):
        assert request_to(app, path).status == 401


def test_head_has_no_body(app_of: Any, request_to: Any) -> None:
    app = app_of("/")
    head, get = request_to(app, RESOURCE, method="HEAD"), request_to(app, RESOURCE)
    assert (head.status, head.body, head.pairs) == (200, b"", get.pairs)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "a b"], ids=str)
def test_no_host_decides_where_it_is_fetched_from(
    host: str, app_of: Any, request_to: Any, server: LocalServer
) -> None:
    app = app_of("/")
    headers = {"host": host, "x-forwarded-host": "evil.example"}
    assert request_to(app, SERVER, headers).json["issuer"] == server.url
    assert request_to(app, RESOURCE, headers).json["authorization_servers"] == [server.url]


def test_a_failing_clerk_is_not_asked_for_each_request(
    app_of: Any, request_to: Any, clerk: LocalClerk
) -> None:
    app, before = app_of("/"), clerk.calls(SERVER)
    clerk.fail(SERVER, 404, times=None)
    try:
        for _ in range(5):
            answer = request_to(app, SERVER)
            assert (answer.status, answer.header("retry-after")) == (503, "5")
    finally:
        clerk.recover()
    assert clerk.calls(SERVER) - before == 1


def test_mounted_it_serves_what_is_at_the_root_of_its_host_only(app_of: Any, request_to: Any) -> None:
    app = app_of("/api/mcp")
    assert request_to(app, f"{RESOURCE}/api/mcp").json["resource"] == "https://app.example.com/api/mcp"
    assert request_to(app, f"{RESOURCE}/api/mcp", SCRIPT_NAME="/api").status == 401


def test_over_http(app_of: Any, serve: Any) -> None:
    with serve(app_of("/")) as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as client:
        found, preflight = client.get(RESOURCE), client.options(RESOURCE)
        refused = client.post(SERVER)
    assert found.json()["resource"] == f"http://{host}:{port}"
    assert (preflight.status_code, preflight.content) == (200, b"")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_route_of_ones_own_may_serve_them(
    clerk: LocalClerk, server: LocalServer, responding: Any, request_to: Any
) -> None:
    config = ClerkConfig.from_env(
        clerk.environment(server.url), jwt_key=clerk.jwt_key, oauth_resources=["/mcp"]
    )
    with Authenticator(config) as authenticator:

        def app(environ: Any, start_response: Any) -> Any:
            answer = authenticator.oauth_metadata(ClerkRequest.from_wsgi(environ))
            if answer is None:
                return responding("404 Not Found")(environ, start_response)
            return send_answer(environ, start_response, answer)

        assert request_to(app, f"{RESOURCE}/mcp").json["resource"].endswith("/mcp")
        assert request_to(app, "/").status == 404


def test_caches_behind_a_trusted_proxy_tell_its_hosts_apart(app_of: Any, request_to: Any) -> None:
    app = app_of("/", trust_forwarded_headers=True)
    for host in ("app.example.com", "other.example"):
        answer = request_to(app, RESOURCE, {"x-forwarded-host": host, "x-forwarded-proto": "https"})
        assert answer.json["resource"] == f"https://{host}"
        assert answer.header("vary") == "X-Forwarded-Host, X-Forwarded-Proto"
    assert request_to(app, SERVER).header("vary") is None  # the same for all of them


def test_a_failing_clerk_is_asked_again_after_seconds_and_a_good_answer_kept_for_minutes(
    clerk: LocalClerk, server: LocalServer, responding: Any, request_to: Any
) -> None:
    config = ClerkConfig.from_env(clerk.environment(server.url), jwt_key=clerk.jwt_key, oauth_resources=["/"])
    start, passed, before = time.time(), 0.0, clerk.calls(SERVER)
    with Authenticator(config, clock=lambda: start + passed) as authenticator:
        app = ClerkMiddleware(responding(), authenticator=authenticator)
        clerk.fail(SERVER, 404)
        seen = []
        for seconds in (0.0, 4.9, 5.1, 304.9, 305.2, -1.0):  # the last: the clock was set back
            passed = seconds
            status = request_to(app, SERVER).status
            seen.append((status, clerk.calls(SERVER) - before))
    assert seen == [(503, 1), (503, 1), (200, 2), (200, 2), (200, 3), (200, 4)]
