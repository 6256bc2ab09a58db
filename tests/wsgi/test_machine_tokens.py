"""Machines that call a WSGI application: LocalClerk says over HTTP whether their tokens are good."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clerk_middleware import Authenticator, ClerkConfig
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement
from clerk_middleware.wsgi import ClerkMiddleware
from clerk_middleware.wsgi_environ import get_auth, require

SITE = "https://app.example.com"
VERIFY = "/api_keys/verify"
METADATA = f'resource_metadata="{SITE}/.well-known/oauth-protected-resource/mcp"'


@pytest.fixture(scope="module")
def clerk() -> LocalClerk:
    """One of this module's own: what it is asked is counted."""
    return LocalClerk()


@pytest.fixture(scope="module")
def server(clerk: LocalClerk) -> Iterator[LocalServer]:
    with clerk.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def well_again(clerk: LocalClerk) -> Iterator[None]:
    yield
    clerk.recover()


@pytest.fixture
def app_of(clerk: LocalClerk, server: LocalServer) -> Iterator[Callable[..., ClerkMiddleware]]:
    """Make an application that requires this, and accepts any token unless it says otherwise."""
    authenticators: list[Authenticator] = []

    def make(
        requirement: Requirement, app: Any = None, routes: Any = None, **options: Any
    ) -> ClerkMiddleware:
        own: dict[str, Any] = {
            "jwt_key": clerk.jwt_key,
            "accepts_token": "any",
            "authorized_parties": [SITE],
            "oauth_resources": ["/mcp"],
        }
        environment = clerk.environment(server.url, machine="mch_fleet_api")
        authenticators.append(Authenticator(ClerkConfig.from_env(environment, **(own | options))))
        return ClerkMiddleware(
            app or requiring(requirement), authenticator=authenticators[-1], protected_routes=routes
        )

    yield make
    for authenticator in authenticators:
        authenticator.close()


def requiring(requirement: Requirement) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        auth = require(environ, requirement)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(auth.user_id).encode()]

    return app


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


# --- A burst ---------------------------------------------------------------------------------------------

BURST = 200


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make all calls at the same moment, each in a thread of its own."""
    start = threading.Barrier(len(calls))

    def wait_and_call(call: Callable[[], Any]) -> Any:
        start.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(wait_and_call, calls))


@pytest.mark.parametrize("seconds", [0, 0.5], ids=["at once", "slowly"])
def test_a_burst_of_requests_with_one_key_is_one_call(
    seconds: float, clerk: LocalClerk, app_of: Any, request_to: Any
) -> None:
    key, before = clerk.create_api_key("user_dev").secret, clerk.calls(VERIFY)
    if seconds:
        clerk.delay(VERIFY, seconds)
    app = app_of(Requirement(accepts_token="api_key"))
    answers = at_once([lambda: request_to(app, "/", bearing(key))] * BURST)
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"user_dev")] * BURST
    assert clerk.calls(VERIFY) - before == 1


def test_a_burst_with_two_keys_is_two_and_mixes_nobody_up(
    clerk: LocalClerk, app_of: Any, request_to: Any
) -> None:
    keys = {name: clerk.create_api_key(name).secret for name in ("user_dev", "user_ada")}
    before, names = clerk.calls(VERIFY), [*keys] * (BURST // 2)
    app = app_of(Requirement(accepts_token="api_key"))
    answers = at_once([lambda name=name: request_to(app, "/", bearing(keys[name])) for name in names])
    assert [answer.body.decode() for answer in answers] == names
    assert clerk.calls(VERIFY) - before == 2


# --- Who may come in -------------------------------------------------------------------------------------

TYPES = {
    "api_key": "api_key",
    "m2m opaque": "m2m_token",
    "m2m jwt": "m2m_token",
    "oauth opaque": "oauth_token",
    "oauth jwt": "oauth_token",
    "session": "session_token",
}


@pytest.fixture
def credentials(clerk: LocalClerk) -> dict[str, str]:
    """A fresh one of each kind, which no memory knows."""
    return {
        "api_key": clerk.create_api_key("user_dev", scopes=["read:loads"]).secret,
        "m2m opaque": clerk.create_m2m_token("mch_tracking").token,
        "m2m jwt": clerk.create_m2m_token("mch_tracking", token_format="jwt").token,
        "oauth opaque": clerk.create_oauth_access_token(
            "user_dev", scopes=["read:loads"], token_format="opaque"
        ).token,
        "oauth jwt": clerk.create_oauth_access_token(
            "user_dev", scopes=["read:loads"], token_format="jwt"
        ).token,
        "session": clerk.issue_session_token("user_dev", organization="blue-ridge-freight", azp=SITE),
    }


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("accepted", [*dict.fromkeys(TYPES.values()), "any"])
@pytest.mark.parametrize("made", [Requirement, Protection])
def test_each_credential_at_each_door(
    kind: str, accepted: Any, made: Any, credentials: dict[str, str], app_of: Any, request_to: Any
) -> None:
    requirement = Requirement(accepts_token=accepted) if made is Requirement else Protection(token=accepted)
    answer = request_to(app_of(requirement), "/", bearing(credentials[kind]))
    if accepted in ("any", TYPES[kind]):
        assert (answer.status, answer.header("www-authenticate")) == (200, None)
    else:
        assert answer.status == 401
        assert answer.header("www-authenticate").startswith("Bearer error=")
        assert answer.json["clerk_error"]["reason"] == "token-type-mismatch"


@pytest.mark.parametrize("kind", ["api_key", "oauth opaque", "oauth jwt"])
def test_a_scope_is_asked_of_a_machine(
    kind: str, credentials: dict[str, str], app_of: Any, request_to: Any
) -> None:
    for scope, status in (("read:loads", 200), ("write:loads", 403)):
        app = app_of(Requirement(accepts_token="any", scopes=scope))
        answer = request_to(app, "/mcp/x", bearing(credentials[kind]))
        assert answer.status == status
    assert answer.header("www-authenticate") == (
        f'Bearer error="insufficient_scope", scope="write:loads", {METADATA}'
    )


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_machine_that_is_not_meant_to_call_here_is_refused(
    token_format: Any, clerk: LocalClerk, app_of: Any, request_to: Any
) -> None:
    token = clerk.create_m2m_token("mch_billing", token_format=token_format).token
    answer = request_to(app_of(Requirement(accepts_token="m2m_token")), "/", bearing(token))
    assert (answer.status, answer.header("www-authenticate")) == (401, 'Bearer error="invalid_token"')


def test_a_revoked_one_is_refused(clerk: LocalClerk, app_of: Any, request_to: Any) -> None:
    key = clerk.create_api_key("user_dev")
    app = app_of(Requirement(accepts_token="any"), opaque_token_ttl_in_ms=0)
    assert request_to(app, "/mcp", bearing(key.secret)).status == 200
    clerk.revoke_api_key(key.id)
    answer = request_to(app, "/mcp", bearing(key.secret))
    assert (answer.status, answer.header("www-authenticate")) == (
        401,
        f'Bearer error="invalid_token", {METADATA}',
    )


def test_while_clerk_is_busy_a_client_is_told_to_come_back(
    clerk: LocalClerk, app_of: Any, request_to: Any
) -> None:
    key, before = clerk.create_api_key("user_dev").secret, clerk.calls(VERIFY)
    clerk.fail(VERIFY, 429, times=None, retry_after=7)
    app = app_of(Requirement(accepts_token="any"))
    for _ in range(3):
        answer = request_to(app, "/", bearing(key))
        assert (answer.status_line, answer.header("www-authenticate")) == ("503 Service Unavailable", None)
        assert int(answer.header("retry-after")) in (6, 7)
    assert clerk.calls(VERIFY) - before == 1


def test_protected_routes_are_of_sessions(
    credentials: dict[str, str], app_of: Any, request_to: Any, responding: Any
) -> None:
    app = app_of(Requirement(), responding(), "/admin")
    statuses = {kind: request_to(app, "/admin", bearing(token)).status for kind, token in credentials.items()}
    assert statuses == dict.fromkeys(credentials, 401) | {"session": 200}


# --- Bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer unknown_prefix"},
        {"authorization": "Bearer sk_test_x"},
        {"authorization": "Bearer {key},Bearer {key}"},  # as servers join two of them
        {"authorization": "Bearer {key}, Bearer {key}"},
        {"authorization": "{key}, {key}"},
        {"authorization": "Basic {key}"},
        {"authorization": "Bearer {key}" + "x" * 1024 * 1024},
        {"authorization": "Bearer ak_\xff"},
        {"authorization": "Bearer ak_\u20ac"},
        {"authorization": "Bearer ak_\x00"},
        {"cookie": "__session={key}"},
        {"cookie": "__session={key}; __client_uat=1"},
        {"x-api-key": "{key}"},
    ],
    ids=lambda headers: next(iter(headers.values()))[:30],
)
def test_what_is_no_credential_is_refused_without_a_call(
    headers: dict[str, str], clerk: LocalClerk, app_of: Any, serve_once: Any, environ_of: Any
) -> None:
    key, before = clerk.create_api_key("user_dev").secret, clerk.calls("*/verify")
    sent = {name: value.replace("{key}", key) for name, value in headers.items()}
    app = app_of(Requirement(accepts_token="any"))
    assert serve_once(app, environ_of("/", sent, method="POST")).status == 401
    assert clerk.calls("*/verify") == before


# --- Made-up keys ----------------------------------------------------------------------------------------

#: So many unknown tokens are verified at the same time.
AT_ONCE = 32


def test_a_flood_of_made_up_keys_leaves_a_good_one_alone(
    clerk: LocalClerk, app_of: Any, request_to: Any
) -> None:
    key = clerk.create_api_key("user_dev").secret
    app = app_of(Requirement(accepts_token="api_key"), opaque_token_ttl_in_ms=0)
    assert request_to(app, "/", bearing(key)).status == 200
    clerk.delay(VERIFY, 0.7)
    before = clerk.calls(VERIFY)
    with ThreadPoolExecutor(100) as threads:
        junk = [
            threads.submit(request_to, app, "/", bearing(f"ak_made_up_{number}")) for number in range(100)
        ]
        until = time.monotonic() + 10
        while clerk.calls(VERIFY) - before < AT_ONCE:
            assert time.monotonic() < until
            time.sleep(0.005)
        assert request_to(app, "/", bearing(key)).status == 200
        statuses = [future.result().status for future in junk]
    assert set(statuses) <= {401, 503}
    assert statuses.count(401) >= AT_ONCE


@pytest.mark.parametrize("token", ["ak_made_up", "mt_made_up", "oat_made_up"])
def test_the_scopes_of_a_refused_token_are_none(
    token: str, app_of: Any, request_to: Any, responding: Any
) -> None:
    """Code that looks for a scope in them asks nobody first."""
    app = app_of(Requirement(), responding(), accepts_token=["api_key", "m2m_token", "oauth_token"])
    auth = get_auth(request_to(app, "/", bearing(token)).environ)
    assert not auth
    assert auth.scopes == ()
    assert "read:loads" not in auth.scopes
