"""JWTs that Clerk signs for somebody else: an OAuth client's ID token signs nobody in here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkConfig, TokenVerificationError

from .backend import CannedBackend
from .conftest import Decide
from .issuer import NOW, Issuer
from .machines import Clock, accepting, asking, carrying

MakeConfig = Callable[..., ClerkConfig]

SITE = "https://app.example.com"


def id_token(issuer: Issuer, **changed: Any) -> str:
    return issuer.token(**({"aud": "client_3", "sid": ..., "azp": ...} | changed))


# --- Sessions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepts", ["session_token", "any", ["session_token", "api_key"]], ids=str)
@pytest.mark.parametrize("changed", [{}, {"azp": SITE}, {"aud": ["client_3"]}, {"aud": ""}], ids=str)
def test_none_in_the_header(
    changed: Any, accepts: Any, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    headers = {"authorization": f"Bearer {id_token(issuer, **changed)}"}
    for audience in ((), ("client_3",)):
        own = config(accepts_token=accepts, audience=audience)
        state = decide(own, method="POST", headers=headers)
        assert (state.status, state.reason) == ("signed-out", "token-type-mismatch")


def test_none_in_a_cookie(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    cookies = {"__session": id_token(issuer), "__client_uat": str(NOW - 100)}
    assert not decide(config(), method="POST", cookies=cookies).is_authenticated
    assert not decide(config(publishable_key=None), cookies=cookies).is_authenticated


def test_none_in_a_handshake(
    decide: Decide, config: MakeConfig, issuer: Issuer, backend: CannedBackend
) -> None:
    directive = f"__session={id_token(issuer)}; Path=/"
    backend.on("GET /v1/clients/handshake_payload", {"directives": [directive]})
    assert not decide(config(), cookies={"__clerk_handshake_nonce": "nonce_1"}).is_authenticated


def test_a_session_may_have_an_audience(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    headers = {"authorization": f"Bearer {issuer.token(aud='mine')}"}
    assert decide(config(), method="POST", headers=headers).is_authenticated


# --- verify_token ----------------------------------------------------------------------------------------


@pytest.fixture(params=["sync", "async"])
def verify(request: pytest.FixtureRequest) -> Callable[[ClerkConfig, str], dict[str, Any]]:
    def sync(config: ClerkConfig, token: str) -> dict[str, Any]:
        with Authenticator(config, clock=Clock()) as authenticator:
            return authenticator.verify_token(token)

    def asynchronous(config: ClerkConfig, token: str) -> dict[str, Any]:
        async def main() -> dict[str, Any]:
            async with AsyncAuthenticator(config, clock=Clock()) as authenticator:
                return await authenticator.verify_token(token)

        return asyncio.run(main())

    return sync if request.param == "sync" else asynchronous


def test_one_for_somebody_is_refused(verify: Any, config: MakeConfig, issuer: Issuer) -> None:
    with pytest.raises(TokenVerificationError, match="name its 'aud' in audience") as refused:
        verify(config(), id_token(issuer))
    assert refused.value.reason == "token-type-mismatch"


@pytest.mark.parametrize(
    "claims", [{"sid": "sess_1"}, {"azp": SITE}, {"aud": ...}], ids=["session", "party", "no audience"]
)
def test_these_are_not(claims: Any, verify: Any, config: MakeConfig, issuer: Issuer) -> None:
    assert verify(config(), id_token(issuer, **claims))["sub"]


def test_nor_one_for_the_configured_audience(verify: Any, config: MakeConfig, issuer: Issuer) -> None:
    assert verify(config(audience="client_3"), id_token(issuer))["aud"] == "client_3"
    with pytest.raises(TokenVerificationError):
        verify(config(audience="other"), id_token(issuer))


# --- Resources -------------------------------------------------------------------------------------------


def oauth(issuer: Issuer, **changed: Any) -> str:
    own = {"scope": "read:loads", "client_id": "client_3", "azp": ..., "sid": ...}
    return issuer.token({"typ": "at+jwt", "cat": ...}, **(own | changed))


@pytest.mark.parametrize(
    ("audience", "path", "is_meant"),
    [
        (f"{SITE}/mcp", "/mcp", True),
        (f"{SITE}/mcp/", "/mcp", True),
        (f"{SITE}/mcp", "/mcp/tools?x=1", True),
        (["https://other.example", f"{SITE}/mcp"], "/mcp", True),
        (..., "/mcp", True),
        ([], "/mcp", True),
        ("https://other.example/mcp", "/mcp", False),
        (SITE, "/mcp", False),
        (f"{SITE}/mcp2", "/mcp", False),
        (f"{SITE}/mcp", "/reports", False),
        ("https://other.example/mcp", "/elsewhere", True),
    ],
    ids=str,
)
def test_an_oauth_jwt_for_another_resource_is_refused(
    audience: Any, path: str, is_meant: bool, issuer: Issuer, backend: CannedBackend
) -> None:
    config = accepting(jwt_key=issuer.pem, oauth_resources=["/mcp", "/reports"])
    with Authenticator(config, transport=backend.transport, clock=Clock()) as authenticator:
        request = carrying(oauth(issuer, aud=audience), f"{SITE}{path}")
        for _ in range(2):  # also where its signature was verified before
            state = authenticator.authenticate_request(request)
            assert state.is_authenticated is is_meant
    if not is_meant:
        assert state.reason == "token-verification-failed"
        assert "set audience to what the tokens name" in state.message


def test_the_configured_audience_says_it_in_place_of_the_path(issuer: Issuer, backend: CannedBackend) -> None:
    config = accepting(jwt_key=issuer.pem, oauth_resources=["/"], audience="https://other.example")
    ask = asking("sync", config, backend, Clock())
    assert ask(oauth(issuer, aud="https://other.example")).is_authenticated
    assert not ask(oauth(issuer, aud=SITE)).is_authenticated


def test_without_resources_any_is_taken(issuer: Issuer, backend: CannedBackend) -> None:
    ask = asking("sync", accepting(jwt_key=issuer.pem), backend, Clock())
    assert ask(oauth(issuer, aud="https://other.example")).is_authenticated
