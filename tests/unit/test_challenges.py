"""`WWW-Authenticate`: what it says, and that no request can put anything into it (RFC 6750, RFC 9728)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clerk_middleware import Authenticator, ClerkRequest
from clerk_middleware.challenges import bearer_challenge

from .machines import Clock, accepting

few = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

SITE = "https://app.example.com"
WELL_KNOWN = f"{SITE}/.well-known/oauth-protected-resource"


def state_of(url: str, resources: list[str], headers: dict[str, str] | None = None, **options: Any) -> Any:
    with Authenticator(accepting(oauth_resources=resources, **options), clock=Clock()) as authenticator:
        return authenticator.authenticate_request(ClerkRequest("POST", url, headers or {}))


def metadata_of(challenge: str) -> str | None:
    found = re.search(r'resource_metadata="([^"]*)"', challenge)
    return found[1] if found else None


@pytest.mark.parametrize(
    ("error", "scopes", "expected"),
    [
        (None, (), "Bearer"),
        ("invalid_token", (), 'Bearer error="invalid_token"'),
        (None, ("a",), 'Bearer scope="a"'),
        ("insufficient_scope", ("a", "b:c"), 'Bearer error="insufficient_scope", scope="a b:c"'),
    ],
)
def test_without_a_middleware(error: Any, scopes: Any, expected: str) -> None:
    assert bearer_challenge(None, "any", error, scopes) == expected


def test_in_which_order() -> None:
    state = state_of(f"{SITE}/mcp", ["/mcp"])
    assert bearer_challenge(state, "oauth_token", "invalid_token", ["a", "b"]) == (
        f'Bearer error="invalid_token", scope="a b", resource_metadata="{WELL_KNOWN}/mcp"'
    )


@pytest.mark.parametrize(
    ("resources", "path", "metadata"),
    [
        ([], "/mcp", None),
        (["/mcp"], "/mcp", "/mcp"),
        (["/mcp"], "/mcp/", "/mcp"),
        (["/mcp"], "/mcp/tools/1", "/mcp"),
        (["/mcp"], "/mcp?x=/", "/mcp"),
        (["/mcp"], "/mcpx", None),
        (["/mcp"], "/mc", None),
        (["/mcp"], "/x/mcp", None),
        (["/mcp"], "/", None),
        (["/"], "/", ""),
        (["/"], "/anything/at/all", ""),
        (["/", "/mcp"], "/mcp/x", "/mcp"),
        (["/mcp", "/"], "/other", ""),
        (["/a", "/a/b"], "/a/b/c", "/a/b"),
        (["/a/b", "/a"], "/a/b/c", "/a/b"),
        (["/a", "/a/b"], "/a/bc", "/a"),
        (["/mcp"], "/MCP", None),
        (["/mcp"], "/%6dcp", None),
        (["/mcp/"], "/mcp", "/mcp"),
    ],
)
def test_the_metadata_is_that_of_the_nearest_resource(
    resources: list[str], path: str, metadata: str | None
) -> None:
    challenge = bearer_challenge(state_of(f"{SITE}{path}", resources), "oauth_token", None)
    assert metadata_of(challenge) == (None if metadata is None else f"{WELL_KNOWN}{metadata}")


@pytest.mark.parametrize(
    ("accepts", "is_named"),
    [
        ("oauth_token", True),
        ("any", True),
        (["session_token", "oauth_token"], True),
        ("api_key", False),
        ("session_token", False),
        (["session_token", "m2m_token", "api_key"], False),
    ],
    ids=str,
)
def test_only_who_may_come_with_an_oauth_token_is_pointed_to_it(accepts: Any, is_named: bool) -> None:
    challenge = bearer_challenge(state_of(f"{SITE}/mcp", ["/mcp"]), accepts, None)
    assert (metadata_of(challenge) is not None) is is_named


def test_its_origin_is_the_one_that_the_client_sees() -> None:
    headers = {"x-forwarded-host": "public.example", "x-forwarded-proto": "https"}
    behind = state_of("http://127.0.0.1:8000/mcp", ["/mcp"], headers, trust_forwarded_headers=True)
    assert metadata_of(bearer_challenge(behind, "any", None)) == (
        "https://public.example/.well-known/oauth-protected-resource/mcp"
    )
    untrusted = state_of("http://127.0.0.1:8000/mcp", ["/mcp"], headers)
    assert metadata_of(bearer_challenge(untrusted, "any", None)) == (
        "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"
    )


@few
@given(host=st.text(max_size=30), path=st.text(max_size=30))
def test_nothing_of_a_request_gets_out_of_its_quotes(host: str, path: str) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": f"/mcp/{path}",
        "raw_path": f"/mcp/{path}".encode("utf-8", "replace"),
        "query_string": b"",
        "headers": [(b"host", host.encode("utf-8", "replace"))],
        "server": ("127.0.0.1", 8000),
    }
    with Authenticator(accepting(oauth_resources=["/mcp"]), clock=Clock()) as authenticator:
        state = authenticator.authenticate_request(ClerkRequest.from_asgi(scope))
    challenge = bearer_challenge(state, "any", "invalid_token", ["a"])
    assert re.fullmatch(
        r'Bearer error="invalid_token", scope="a", resource_metadata="https?://[A-Za-z0-9.:_~\[\]-]+'
        r'/\.well-known/oauth-protected-resource/mcp"',
        challenge,
    )
