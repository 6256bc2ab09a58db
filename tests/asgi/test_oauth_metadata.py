"""An OAuth resource server over ASGI: its metadata is there before authentication, and for any page."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, ClerkConfig, ClerkRequest
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import require, send_answer
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.protection import Requirement

pytestmark = pytest.mark.anyio

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
async def app_of(
    clerk: LocalClerk, server: LocalServer, responding: Any
) -> AsyncIterator[Callable[..., ClerkMiddleware]]:
    """Make an application that answers 200 to all that reaches it, and protects all of its paths."""
    authenticators: list[AsyncAuthenticator] = []

    def make(*resources: str, app: Any = None, protected: Any = "/(.*)", **options: Any) -> ClerkMiddleware:
        config = ClerkConfig.from_env(
            clerk.environment(server.url),
            jwt_key=clerk.jwt_key,
            authorized_parties=["https://app.example.com"],
            accepts_token="any",
            oauth_resources=resources,
            **options,
        )
        authenticators.append(AsyncAuthenticator(config))
        return ClerkMiddleware(
            app or responding(), authenticator=authenticators[-1], protected_routes=protected
        )

    yield make
    for authenticator in authenticators:
        await authenticator.aclose()


async def test_both_documents_need_no_token(
    app_of: Any, request_to: Any, clerk: LocalClerk, server: LocalServer
) -> None:
    app, before = app_of("/mcp", oauth_scopes=["read:loads"]), clerk.calls(SERVER)
    answer = await request_to(app, f"{RESOURCE}/mcp")
    assert (answer.status, answer.header("access-control-allow-origin")) == (200, "*")
    assert answer.json == {
        "resource": "https://app.example.com/mcp",
        "authorization_servers": [server.url],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["read:loads"],
    }
    for _ in range(3):
        answer = await request_to(app, SERVER)
        assert (answer.status, answer.json["issuer"]) == (200, server.url)
    assert clerk.calls(SERVER) - before == 1


async def test_they_have_the_headers_of_no_session(app_of: Any, request_to: Any, cookies: Any) -> None:
    answer = await request_to(app_of("/"), RESOURCE, cookies)
    assert (answer.status, answer.headers("set-cookie"), answer.header("vary")) == (200, [], None)
    assert answer.header("content-length") == str(len(answer.body))


async def test_a_refused_request_leads_to_them(app_of: Any, request_to: Any) -> None:
    """As a client finds its way: the challenge, the resource's metadata, the server's."""

    async def tools(scope: Any, receive: Any, send: Any) -> None:
        require(scope, Requirement(accepts_token="oauth_token", scopes="read:loads"))

    guarded = app_of("/mcp", app=tools, protected=None)
    refused = await request_to(guarded, "/mcp/tools")
    assert refused.status == 401
    assert refused.header("www-authenticate") == (
        f'Bearer scope="read:loads", resource_metadata="https://app.example.com{RESOURCE}/mcp"'
    )
    found = await request_to(guarded, f"{RESOURCE}/mcp")
    assert found.json["resource"] == "https://app.example.com/mcp"


async def test_any_other_path_is_the_applications(app_of: Any, request_to: Any) -> None:
    app = app_of("/mcp")
    for path in (RESOURCE, f"{RESOURCE}/x", "/.well-known/oauth-other", "/mcp"):
        assert (await request_to(app, path)).status == 401


async def test_without_resources_all_is_the_applications(app_of: Any, request_to: Any) -> None:
    app = app_of()
    for path in (RESOURCE, f"{RESOURCE}/mcp", SERVER):
        assert (await request_to(app, path)).status == 401


async def test_a_preflight(app_of: Any, request_to: Any) -> None:
    headers = {"origin": "https://any.example", "access-control-request-method": "GET"}
    answer = await request_to(app_of("/mcp"), f"{RESOURCE}/mcp", headers, method="OPTIONS")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("access-control-allow-headers") == "*"


async def test_another_method(app_of: Any, request_to: Any) -> None:
    answer = await request_to(app_of("/mcp"), f"{RESOURCE}/mcp", method="POST")
    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "a b", "x" * 300], ids=str)
async def test_no_host_decides_where_it_is_fetched_from(
    host: str, app_of: Any, request_to: Any, server: LocalServer
) -> None:
    app = app_of("/")
    headers = {"host": host, "x-forwarded-host": "evil.example"}
    assert (await request_to(app, SERVER, headers)).json["issuer"] == server.url
    answer = await request_to(app, RESOURCE, headers)
    assert answer.json["authorization_servers"] == [server.url]


async def test_a_failing_clerk_is_not_asked_for_each_request(
    app_of: Any, request_to: Any, clerk: LocalClerk
) -> None:
    app, before = app_of("/"), clerk.calls(SERVER)
    clerk.fail(SERVER, 404, times=None)
    try:
        for _ in range(5):
            answer = await request_to(app, SERVER)
            assert (answer.status, answer.header("retry-after")) == (503, "5")
    finally:
        clerk.recover()
    assert clerk.calls(SERVER) - before == 1


async def test_behind_a_proxy_that_strips_a_prefix(app_of: Any, request_to: Any) -> None:
    """`root_path` is in the path as servers give it (ASGI); what is asked for is the whole path."""
    app = app_of("/api/mcp")
    answer = await request_to(app, f"{RESOURCE}/api/mcp", root_path="/api")
    assert answer.json["resource"] == "https://app.example.com/api/mcp"


async def test_mounted_in_another_application_it_serves_its_own_routes_only(
    app_of: Any, request_to: Any
) -> None:
    """The documents are at the root of a host, which is the outer application's."""
    answer = await request_to(app_of("/api/mcp"), f"/api{RESOURCE}/api/mcp", root_path="/api")
    assert answer.status == 401


async def test_a_route_of_ones_own_may_serve_them(
    clerk: LocalClerk, server: LocalServer, responding: Any, request_to: Any
) -> None:
    config = ClerkConfig.from_env(
        clerk.environment(server.url), jwt_key=clerk.jwt_key, oauth_resources=["/mcp"]
    )
    async with AsyncAuthenticator(config) as authenticator:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            answer = await authenticator.oauth_metadata(ClerkRequest.from_asgi(scope))
            if answer is None:
                await responding(404)(scope, receive, send)
            else:
                await send_answer(send, answer)

        assert (await request_to(app, f"{RESOURCE}/mcp")).json["resource"].endswith("/mcp")
        assert (await request_to(app, "/")).status == 404


async def test_over_http(app_of: Any, serve: Any) -> None:
    with serve(app_of("/")) as address:
        async with httpx.AsyncClient(base_url=f"http://{address}") as client:
            found = await client.get(RESOURCE)
            head = await client.head(RESOURCE)
    assert found.json()["resource"] == f"http://{address}"
    assert (head.status_code, head.content, head.headers["content-length"]) == (
        200,
        b"",
        found.headers["content-length"],
    )


async def test_caches_behind_a_trusted_proxy_tell_its_hosts_apart(app_of: Any, request_to: Any) -> None:
    app = app_of("/", trust_forwarded_headers=True)
    for host in ("app.example.com", "other.example"):
        answer = await request_to(app, RESOURCE, {"x-forwarded-host": host, "x-forwarded-proto": "https"})
        assert answer.json["resource"] == f"https://{host}"
        assert answer.header("vary") == "X-Forwarded-Host, X-Forwarded-Proto"
    assert (await request_to(app, SERVER)).header("vary") is None  # the same for all of them


async def test_a_failing_clerk_is_asked_again_after_seconds_and_a_good_answer_kept_for_minutes(
    clerk: LocalClerk, server: LocalServer, responding: Any, request_to: Any
) -> None:
    config = ClerkConfig.from_env(clerk.environment(server.url), jwt_key=clerk.jwt_key, oauth_resources=["/"])
    start, passed, before = time.time(), 0.0, clerk.calls(SERVER)
    async with AsyncAuthenticator(config, clock=lambda: start + passed) as authenticator:
        app = ClerkMiddleware(responding(), authenticator=authenticator)
        clerk.fail(SERVER, 404)
        seen = []
        for seconds in (0.0, 4.9, 5.1, 304.9, 305.2, -1.0):  # the last: the clock was set back
            passed = seconds
            status = (await request_to(app, SERVER)).status
            seen.append((status, clerk.calls(SERVER) - before))
    assert seen == [(503, 1), (503, 1), (200, 2), (200, 2), (200, 3), (200, 4)]
