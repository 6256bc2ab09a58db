"""`get_token` and `aget_token`: the session's own token, and those made from JWT templates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from anyio import to_thread

from clerk_middleware import (
    AsyncAuthenticator,
    Auth,
    Authenticator,
    BackendAPIError,
    ClerkConfig,
    ClerkError,
    ClerkRequest,
    M2MAuth,
    SessionAuth,
    SignedOut,
)

from .backend import CannedBackend, error
from .conftest import PRODUCTION
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]
SUPABASE = "POST /v1/sessions/sess_1/tokens/supabase"


def request_with(token: str) -> ClerkRequest:
    return ClerkRequest("GET", "https://app.example.com/", {"authorization": f"Bearer {token}"})


@pytest.fixture
def auth(config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> Auth:
    authenticator = Authenticator(config(), transport=backend.transport, clock=lambda: NOW)
    return authenticator.authenticate_request(request_with(issuer.token())).to_auth()


def test_the_sessions_own_token_needs_no_network(auth: Auth, backend: CannedBackend, issuer: Issuer) -> None:
    assert auth.get_token() == issuer.token()
    assert asyncio.run(auth.aget_token()) == issuer.token()
    assert backend.asked == []


def test_a_template_is_asked_for(auth: Auth, backend: CannedBackend) -> None:
    backend.on(SUPABASE, {"jwt": "made"})
    assert auth.get_token(template="supabase") == "made"
    assert backend.asked == [SUPABASE]
    assert backend.requests[0].headers["authorization"] == f"Bearer {PRODUCTION['secret_key']}"


@pytest.mark.parametrize(
    ("answer", "status", "code", "words"),
    [
        (
            error(404, "resource_not_found"),
            404,
            "resource_not_found",
            "template 'supabase' in the Clerk Dashboard",
        ),
        (error(500, "internal"), 500, "internal", "500, internal"),
        (httpx.Response(500), 500, None, r"issued no token \(500\)"),
        ({}, 200, None, r"issued no token \(200\)"),
        ({"jwt": 7}, 200, None, "issued no token"),
        (httpx.ReadTimeout("slow"), None, None, "did not answer: ReadTimeout slow"),
    ],
    ids=repr,
)
def test_what_is_not_issued_raises(
    answer: Any, status: int | None, code: str | None, words: str, auth: Auth, backend: CannedBackend
) -> None:
    backend.on(SUPABASE, answer)
    with pytest.raises(BackendAPIError, match=words) as refused:
        auth.get_token(template="supabase")
    assert (refused.value.status, refused.value.code) == (status, code)


@pytest.mark.parametrize("template", ["", ".", "..", "../x", "a/b", "a?b", "é", "\ud800", "x" * 1000, "a\n"])
def test_a_template_never_leads_to_another_endpoint(
    template: str, auth: Auth, backend: CannedBackend
) -> None:
    with pytest.raises(ClerkError):
        auth.get_token(template=template)
    assert backend.asked == []


def test_asynchronously(config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> None:
    backend.on(SUPABASE, {"jwt": "made"})

    async def ask() -> list[str | None]:
        async with AsyncAuthenticator(
            config(), transport=backend.transport, clock=lambda: NOW
        ) as authenticator:
            auth = (await authenticator.authenticate_request(request_with(issuer.token()))).to_auth()
            with pytest.raises(ClerkError, match=r"would block the event loop: use 'await auth\.aget_token"):
                auth.get_token(template="supabase")
            return [
                await auth.aget_token(template="supabase"),
                await to_thread.run_sync(lambda: auth.get_token(template="supabase")),
                auth.get_token(),
            ]

    assert asyncio.run(ask()) == ["made", "made", issuer.token()]


def test_of_a_synchronous_request_asynchronously(auth: Auth, backend: CannedBackend) -> None:
    """As in an asynchronous view of a WSGI application: the loop goes on meanwhile."""
    backend.on(SUPABASE, {"jwt": "made"})
    assert asyncio.run(auth.aget_token(template="supabase")) == "made"


@pytest.mark.parametrize("claims", [{"sub": "user_1", "sid": "sess_1"}, {"sub": "user_1"}], ids=str)
def test_claims_alone_have_no_templates(claims: dict[str, Any]) -> None:
    auth = SessionAuth.from_claims(claims, token="t")
    with pytest.raises(ClerkError, match="only an authenticated request"):
        auth.get_token(template="supabase")
    with pytest.raises(ClerkError, match="only an authenticated request"):
        asyncio.run(auth.aget_token(template="supabase"))


def test_a_session_without_id_has_no_templates(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    authenticator = Authenticator(config(), transport=backend.transport, clock=lambda: NOW)
    auth = authenticator.authenticate_request(request_with(issuer.token(sid=...))).to_auth()
    with pytest.raises(ClerkError, match="without a session id"):
        auth.get_token(template="supabase")


def test_who_is_signed_out_has_no_token() -> None:
    assert SignedOut().get_token() is None
    assert SignedOut().get_token(template="supabase") is None
    assert asyncio.run(SignedOut().aget_token(template="supabase")) is None


def test_a_machine_has_no_templates() -> None:
    machine = M2MAuth(id="i", subject="mch_1", scopes=(), claims=None, token="t")
    assert machine.get_token() == "t"
    assert asyncio.run(machine.aget_token()) == "t"
    with pytest.raises(ClerkError, match="no JWT templates"):
        machine.get_token(template="supabase")
