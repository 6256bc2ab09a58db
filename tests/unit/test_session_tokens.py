"""Verifying a session token: time, audience, authorized parties, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware import (
    AsyncAuthenticator,
    Authenticator,
    ClerkConfig,
    ClerkRequest,
    TokenVerificationError,
)

from .backend import CannedBackend
from .conftest import PRODUCTION, Decide
from .issuer import NOW, ORIGIN, Issuer, base64url

MakeConfig = Callable[..., ClerkConfig]


class Clock:
    """The time, as a test sets it."""

    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def reason_of(authenticator: Authenticator, token: str) -> str | None:
    """Why it is refused, `None` where it is not."""
    try:
        authenticator.verify_token(token)
    except TokenVerificationError as error:
        return error.reason
    return None


# --- Claims --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, None),
        ({"exp": NOW - 4}, None),
        ({"exp": NOW - 5}, "token-expired"),
        ({"nbf": NOW + 5}, None),
        ({"nbf": NOW + 6}, "token-not-active-yet"),
        ({"iat": NOW + 5}, None),
        ({"iat": NOW + 6}, "token-iat-in-the-future"),
        ({"nbf": ..., "iat": ...}, None),
        ({"nbf": NOW - 0.5, "iat": NOW - 0.5, "exp": NOW + 0.5}, None),
        ({"azp": ...}, None),
        ({"azp": "https://any.example"}, None),
        ({"aud": "any"}, None),
        ({"sub": ...}, "token-verification-failed"),
    ],
    ids=str,
)
def test_claims(claims: dict[str, Any], reason: str | None, config: MakeConfig, issuer: Issuer) -> None:
    authenticator = Authenticator(config(), clock=lambda: NOW)
    assert reason_of(authenticator, issuer.token(**claims)) == reason


@pytest.mark.parametrize(("skew", "accepted"), [(0, False), (999, False), (1001, True), (86_400_000, True)])
def test_the_configured_skew_counts(skew: int, accepted: bool, config: MakeConfig, issuer: Issuer) -> None:
    authenticator = Authenticator(config(clock_skew_in_ms=skew), clock=lambda: NOW)
    for claims in ({"exp": NOW - 1}, {"nbf": NOW + 1}, {"iat": NOW + 1}):
        assert (reason_of(authenticator, issuer.token(**claims)) is None) is accepted


@pytest.mark.parametrize(
    ("aud", "accepted"),
    [
        ("api", True),
        (["other", "api"], True),
        (..., True),
        ([], True),
        ("", True),
        ("other", False),
        (["other"], False),
        (7, False),
    ],
    ids=str,
)
def test_an_audience_counts_where_both_sides_name_one(
    aud: Any, accepted: bool, config: MakeConfig, issuer: Issuer
) -> None:
    authenticator = Authenticator(config(audience=["api", "web"]), clock=lambda: NOW)
    for _ in range(2):  # remembered, or not
        reason = reason_of(authenticator, issuer.token(aud=aud))
        assert reason == (None if accepted else "token-verification-failed")


def test_claims_are_the_callers_own(config: MakeConfig, issuer: Issuer) -> None:
    authenticator = Authenticator(config(), clock=lambda: NOW)
    token = issuer.token(meta={"roles": ["user"]})
    authenticator.verify_token(token)["meta"]["roles"].append("admin")
    assert authenticator.verify_token(token)["meta"] == {"roles": ["user"]}


@pytest.mark.parametrize("token", [None, 7, b"a.b.c", [], {}], ids=str)
def test_what_is_no_text_is_no_token(token: Any, config: MakeConfig) -> None:
    assert reason_of(Authenticator(config()), token) == "token-invalid"


def test_a_message_shows_a_short_azp_only(config: MakeConfig, issuer: Issuer) -> None:
    authenticator = Authenticator(config(authorized_parties=[ORIGIN]), clock=lambda: NOW)
    with pytest.raises(TokenVerificationError, match=r"'azp' is 'https://other\.example'.*add it"):
        authenticator.verify_token(issuer.token(azp="https://other.example"))
    with pytest.raises(TokenVerificationError, match="'azp' is missing or malformed"):
        authenticator.verify_token(issuer.token(azp="x" * 101))
    with pytest.raises(TokenVerificationError, match="has no 'azp', so no page asked for it"):
        authenticator.verify_token(issuer.token(azp=...))


async def verify(authenticator: AsyncAuthenticator, token: str) -> dict[str, Any]:
    async with authenticator:
        return await authenticator.verify_token(token)


def test_asynchronously(config: MakeConfig, issuer: Issuer) -> None:
    import asyncio

    claims = asyncio.run(verify(AsyncAuthenticator(config(), clock=lambda: NOW), issuer.token()))
    assert claims["sub"] == "user_1"
    with pytest.raises(TokenVerificationError):
        asyncio.run(verify(AsyncAuthenticator(config(), clock=lambda: NOW), "x"))


# --- Which key -------------------------------------------------------------------------------------------


def test_a_jwt_key_needs_no_network_and_no_kid(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    authenticator = Authenticator(config(), transport=backend.transport, clock=lambda: NOW)
    for kid in ("ins_1", "ins_other", ...):
        assert reason_of(authenticator, issuer.token({"kid": kid})) is None
    assert backend.asked == []


def test_another_instances_token_is_refused_though_its_kid_is_the_same(
    config: MakeConfig, stranger: Issuer, issuer: Issuer
) -> None:
    assert stranger.kid == issuer.kid
    assert (
        reason_of(Authenticator(config(), clock=lambda: NOW), stranger.token()) == "token-invalid-signature"
    )


def test_a_machine_secret_key_alone_verifies_no_session(issuer: Issuer) -> None:
    authenticator = Authenticator(
        ClerkConfig(accepts_token="m2m_token", machine_secret_key="ak_x"), clock=lambda: NOW
    )
    assert reason_of(authenticator, issuer.token()) == "jwk-failed-to-resolve"


# --- What is remembered ------------------------------------------------------------------------------------


def broken(token: str) -> str:
    """The token with the signature of none."""
    return token.rpartition(".")[0] + "." + base64url(bytes(256))


@pytest.mark.parametrize("remembered_tokens", [0, 1, 2, 4096])
def test_a_remembered_token_is_the_whole_token(
    remembered_tokens: int, config: MakeConfig, issuer: Issuer
) -> None:
    authenticator = Authenticator(config(), clock=lambda: NOW, remembered_tokens=remembered_tokens)
    token = issuer.token()
    for _ in range(2):
        assert reason_of(authenticator, token) is None
        assert reason_of(authenticator, broken(token)) == "token-invalid-signature"


def test_time_is_checked_again_for_a_remembered_token(
    config: MakeConfig, issuer: Issuer, clock: Clock
) -> None:
    authenticator = Authenticator(config(), clock=clock)
    token = issuer.token(exp=NOW + 60, nbf=NOW - 20, iat=NOW - 10)
    for clock.now, reason in (
        (NOW, None),
        (NOW + 64, None),
        (NOW + 65, "token-expired"),
        (NOW, None),
        (NOW - 15, None),
        (NOW - 16, "token-iat-in-the-future"),
        (NOW - 26, "token-not-active-yet"),
        (NOW, None),
    ):
        assert reason_of(authenticator, token) == reason


def test_parties_and_audience_are_checked_again_for_a_remembered_token(
    issuer: Issuer, backend: CannedBackend
) -> None:
    """One authenticator serves several configurations of the same instance."""
    options: dict[str, dict[str, Any]] = {
        "/any": {},
        "/ours": {"authorized_parties": [ORIGIN]},
        "/theirs": {"authorized_parties": ["https://theirs.example"]},
        "/api": {"audience": "api"},
    }
    configs = {path: ClerkConfig(**PRODUCTION, **given) for path, given in options.items()}
    authenticator = Authenticator(
        lambda request: configs[request.url.path], transport=backend.transport, clock=lambda: NOW
    )
    token = issuer.token(aud="web")
    headers = {"authorization": f"Bearer {token}"}

    for _ in range(2):
        reasons = [
            authenticator.authenticate_request(
                ClerkRequest("GET", f"https://app.example.com{path}", headers)
            ).reason
            for path in options
        ]
        assert reasons == [None, None, "token-invalid-authorized-parties", "token-verification-failed"]
    assert backend.asked == ["GET /v1/jwks"]


def test_a_token_remembered_for_one_instance_is_not_for_another(issuer: Issuer, stranger: Issuer) -> None:
    """Both have a key of the same `kid`; neither ever verifies the other's token."""
    ours, theirs = "sk_live_ours", "sk_live_theirs"

    def jwks(request: Any) -> Any:
        import httpx

        owner = issuer if request.headers["authorization"] == f"Bearer {ours}" else stranger
        return httpx.Response(200, json=owner.jwks)

    configs = {"/ours": ClerkConfig(secret_key=ours), "/theirs": ClerkConfig(secret_key=theirs)}
    authenticator = Authenticator(
        lambda request: configs[request.url.path],
        transport=CannedBackend().on("GET /v1/jwks", jwks).transport,
        clock=lambda: NOW,
    )

    def reason(path: str, token: str) -> str | None:
        request = ClerkRequest("GET", f"https://a.example{path}", {"authorization": f"Bearer {token}"})
        return authenticator.authenticate_request(request).reason

    our_token, their_token = issuer.token(), stranger.token()
    for _ in range(3):
        assert reason("/ours", our_token) is None
        assert reason("/theirs", their_token) is None
        assert reason("/ours", their_token) == "token-invalid-signature"
        assert reason("/theirs", our_token) == "token-invalid-signature"


def test_a_token_remembered_by_a_key_is_forgotten_with_it(
    backend: CannedBackend, issuer: Issuer, stranger: Issuer, clock: Clock
) -> None:
    """The key of a `kid` is replaced, as after it was stolen."""
    authenticator = Authenticator(ClerkConfig(**PRODUCTION), transport=backend.transport, clock=clock)
    token = issuer.token(exp=NOW + 3600)
    assert reason_of(authenticator, token) is None

    backend.on("GET /v1/jwks", stranger.jwks)
    clock.now = NOW + 300

    assert reason_of(authenticator, token) == "token-invalid-signature"


def test_the_memory_is_bounded(config: MakeConfig, issuer: Issuer) -> None:
    authenticator = Authenticator(config(), clock=lambda: NOW, remembered_tokens=8)
    for number in range(50):
        assert reason_of(authenticator, issuer.token(jti=str(number))) is None

    remembered = authenticator._memory.verified_tokens
    assert len(remembered._young) + len(remembered._old) <= 8


def test_a_verified_template_token_is_remembered_but_no_session(
    decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    authenticator = Authenticator(config(), clock=lambda: NOW)
    token = issuer.token({"cat": "cl_B7d4PD222AAA"})
    assert reason_of(authenticator, token) is None

    request = ClerkRequest("GET", "https://a.example/", {"authorization": f"Bearer {token}"})
    for _ in range(2):
        assert authenticator.authenticate_request(request).reason == "token-type-mismatch"
