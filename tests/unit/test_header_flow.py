"""A token in the `Authorization` header, and which token types are accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware import Authenticator, ClerkConfig, ClerkRequest, ConfigurationError, M2MAuth, OAuthAuth

from .backend import CannedBackend
from .conftest import PRODUCTION, Decide
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]


@pytest.mark.parametrize(
    "header",
    ["Bearer {}", "bearer {}", "BEARER {}", "bEaReR   {}", "{}", "  {}", "Bearer {} ", "Bearer {} more"],
)
def test_a_bearer_token_signs_in(header: str, decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    token = issuer.token()
    state = decide(config(), headers={"authorization": header.format(token)})
    assert (state.status, state.token, state.token_carrier) == ("signed-in", token, "header")
    assert state.to_auth().user_id == "user_1"
    assert state.headers == []


@pytest.mark.parametrize("header", ["Basic {}", "Token {}", "Digest {}", "Bearer{} x", "DPoP {}", "", " "])
def test_another_scheme_leaves_the_cookies_to_decide(
    header: str, decide: Decide, config: MakeConfig, issuer: Issuer, signed_in_cookies: dict[str, str]
) -> None:
    headers = {"authorization": header.format(issuer.token(sub="user_2"))}
    state = decide(config(), headers=headers, cookies=signed_in_cookies)
    assert (state.to_auth().user_id, state.token_carrier) == ("user_1", "cookie")


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "x", "Bearer ,", "Bearer\tx", "Bearer é"])
def test_a_garbled_token_is_not_replaced_by_a_cookie(
    header: str, decide: Decide, config: MakeConfig, signed_in_cookies: dict[str, str]
) -> None:
    state = decide(config(), headers={"authorization": header}, cookies=signed_in_cookies)
    assert (state.status, state.reason) == ("signed-out", "token-invalid")


# --- Without a publishable key ---------------------------------------------------------------------------


@pytest.fixture
def api_only(issuer: Issuer) -> ClerkConfig:
    return ClerkConfig(jwt_key=issuer.pem)


def test_without_publishable_key_a_header_signs_in(
    decide: Decide, api_only: ClerkConfig, issuer: Issuer
) -> None:
    assert decide(api_only, headers={"authorization": f"Bearer {issuer.token()}"}).is_authenticated


def test_without_publishable_key_a_cookie_signs_in(
    decide: Decide, api_only: ClerkConfig, issuer: Issuer
) -> None:
    state = decide(api_only, cookies={"__session": issuer.token()})
    assert (state.status, state.token_carrier) == ("signed-in", "cookie")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW - 60}, "token-expired"),
        ({"nbf": NOW + 60}, "token-not-active-yet"),
        ({"iat": NOW + 60}, "token-iat-in-the-future"),
        ({"sub": "mch_1"}, "token-type-mismatch"),
    ],
    ids=str,
)
@pytest.mark.parametrize("carrier", ["header", "cookie"])
def test_without_publishable_key_there_is_no_browser_flow(
    carrier: str, claims: dict[str, Any], reason: str, decide: Decide, api_only: ClerkConfig, issuer: Issuer
) -> None:
    token = issuer.token(**claims)
    if carrier == "header":
        state = decide(api_only, headers={"authorization": f"Bearer {token}"})
    else:
        state = decide(api_only, cookies={"__session": token})
    assert (state.status, state.reason, state.headers) == ("signed-out", reason, [])


def test_without_publishable_key_nothing_presented_is_signed_out(
    decide: Decide, api_only: ClerkConfig
) -> None:
    state = decide(api_only, cookies={"__client_uat": "1", "__clerk_handshake_nonce": "n"})
    assert (state.status, state.reason) == ("signed-out", "session-token-and-uat-missing")


# --- Token types -----------------------------------------------------------------------------------------


def m2m(issuer: Issuer, **changed: Any) -> str:
    machine = {"sub": "mch_1", "scopes": "mch_2 mch_3", "custom": 1, "azp": ...}
    return issuer.token({"cat": "cl_B7d4PD333AAA"}, **(machine | changed))


def oauth(issuer: Issuer, **changed: Any) -> str:
    client = {"scope": "email  profile", "client_id": "client_1", "azp": ...}
    return issuer.token({"typ": "at+jwt", "cat": ...}, **(client | changed))


@pytest.mark.parametrize(
    "accepts", ["m2m_token", ["session_token", "m2m_token"], ("m2m_token",), "any"], ids=str
)
def test_an_m2m_token(accepts: Any, decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    headers = {"authorization": f"Bearer {m2m(issuer)}"}
    for state in (
        decide(config(accepts_token=accepts), headers=headers),
        decide(config(), headers=headers, accepts_token=accepts),
    ):
        auth = state.to_auth()
        assert isinstance(auth, M2MAuth)
        assert (state.token_type, auth.token_type) == ("m2m_token", "m2m_token")
        assert (auth.id, auth.subject, auth.machine_id) == ("jti_1", "mch_1", "mch_1")
        assert auth.scopes == ("mch_2", "mch_3")
        assert auth.claims is not None
        assert auth.claims["custom"] == 1
        assert not {"iss", "sub", "exp", "nbf", "iat", "jti"} & set(auth.claims)
        assert auth.get_token() == m2m(issuer)
        assert not auth.has(role="org:admin")
        assert (auth.user_id, auth.org_id, auth.session_id) == (None, None, None)


def test_an_m2m_tokens_scopes_may_be_its_audience(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    for aud, scopes in (("mch_2", ("mch_2",)), (["mch_2", "mch_3"], ("mch_2", "mch_3")), (..., ())):
        headers = {"authorization": f"Bearer {m2m(issuer, scopes=..., aud=aud)}"}
        assert decide(config(accepts_token="any"), headers=headers).to_auth().scopes == scopes


def test_an_m2m_token_without_custom_claims(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    left_out = dict.fromkeys(("azp", "fva", "sid", "sts", "v", "scopes", "custom"), ...)
    headers = {"authorization": f"Bearer {m2m(issuer, **left_out)}"}
    assert decide(config(accepts_token="any"), headers=headers).to_auth().claims is None


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({}, ("email", "profile")),
        ({"scp": ["a", "b", 7]}, ("a", "b")),
        ({"scp": []}, ()),
        ({"scp": "a"}, ("a",)),
        ({"scope": ...}, ()),
        ({"scope": 7}, ()),
    ],
    ids=str,
)
def test_an_oauth_token(
    claims: dict[str, Any], scopes: Any, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    headers = {"authorization": f"Bearer {oauth(issuer, **claims)}"}
    state = decide(config(accepts_token="oauth_token"), headers=headers)
    auth = state.to_auth()
    assert isinstance(auth, OAuthAuth)
    assert (auth.token_type, auth.user_id, auth.client_id, auth.scopes, auth.claims) == (
        "oauth_token",
        "user_1",
        "client_1",
        scopes,
        None,
    )


def test_an_oauth_token_without_client_or_id(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    headers = {"authorization": f"Bearer {oauth(issuer, client_id=7, jti=...)}"}
    auth = decide(config(accepts_token="any"), headers=headers).to_auth()
    assert (auth.client_id, auth.id) == (None, "")


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [({"aud": "api"}, True), ({"aud": ["api"]}, True), ({}, False), ({"aud": "x"}, False)],
)
def test_an_oauth_token_must_name_a_configured_audience(
    claims: dict[str, Any], accepted: bool, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    headers = {"authorization": f"Bearer {oauth(issuer, **claims)}"}
    state = decide(config(accepts_token="oauth_token", audience="api"), headers=headers)
    assert state.is_authenticated is accepted


MACHINE_FAILURES: dict[str, tuple[Callable[[Issuer], str], str, str]] = {
    "m2m-expired": (lambda issuer: m2m(issuer, exp=NOW - 60), "m2m_token", "token-verification-failed"),
    "m2m-early": (lambda issuer: m2m(issuer, nbf=NOW + 60), "m2m_token", "token-verification-failed"),
    "m2m-forged": (lambda _: m2m(Issuer("attacker")), "m2m_token", "token-verification-failed"),
    "m2m-of-the-session-class": (lambda issuer: issuer.token(sub="mch_1"), "m2m_token", "token-invalid"),
    "m2m-typed-as-oauth": (
        lambda issuer: issuer.token({"typ": "at+jwt", "cat": ...}, sub="mch_1"),
        "m2m_token",
        "token-invalid",
    ),
    "oauth-expired": (lambda issuer: oauth(issuer, exp=NOW - 60), "oauth_token", "token-verification-failed"),
    "oauth-forged": (lambda _: oauth(Issuer("attacker")), "oauth_token", "token-verification-failed"),
    "session": (lambda issuer: issuer.token(), "m2m_token", "token-type-mismatch"),
    "m2m-for-oauth": (m2m, "oauth_token", "token-type-mismatch"),
    "oauth-for-m2m": (oauth, "m2m_token", "token-type-mismatch"),
    "oauth-for-session": (oauth, "session_token", "token-type-mismatch"),
    "m2m-for-session": (m2m, "session_token", "token-type-mismatch"),
    "garbled": (lambda _: "x", "m2m_token", "token-type-mismatch"),
    "opaque-api-key-unknown-to-clerk": (lambda _: "ak_x", "api_key", "token-invalid"),
    "opaque-m2m-unknown-to-clerk": (lambda _: "mt_x", "m2m_token", "token-invalid"),
    "opaque-oauth-unknown-to-clerk": (lambda _: "oat_x", "oauth_token", "token-invalid"),
}


@pytest.mark.parametrize(
    ("make", "accepts", "reason"), MACHINE_FAILURES.values(), ids=MACHINE_FAILURES.keys()
)
def test_a_machine_token_that_is_refused(
    make: Callable[[Issuer], str],
    accepts: Any,
    reason: str,
    decide: Decide,
    config: MakeConfig,
    issuer: Issuer,
) -> None:
    headers = {"authorization": f"Bearer {make(issuer)}"}
    state = decide(config(), headers=headers, accepts_token=accepts)
    assert (state.status, state.reason, state.token_type) == ("signed-out", reason, accepts)
    assert not state.to_auth().is_authenticated


def test_a_machine_token_fetches_its_key(backend: CannedBackend, decide: Decide, issuer: Issuer) -> None:
    config = ClerkConfig(**PRODUCTION)
    headers = {"authorization": f"Bearer {m2m(issuer)}"}
    assert decide(config, headers=headers, accepts_token="m2m_token").is_authenticated
    assert backend.asked == ["GET /v1/jwks"]


def test_an_m2m_token_of_another_class_is_refused_before_a_key_is_fetched(
    backend: CannedBackend, decide: Decide, issuer: Issuer
) -> None:
    headers = {"authorization": f"Bearer {issuer.token({'cat': 'cl_B7d4PD222AAA'}, sub='mch_1')}"}
    state = decide(ClerkConfig(**PRODUCTION), headers=headers, accepts_token="m2m_token")
    assert (state.reason, backend.asked) == ("token-invalid", [])


@pytest.mark.parametrize("accepts", ["m2m_token", "api_key", "oauth_token"])
def test_a_single_machine_type_needs_a_header(
    accepts: Any, decide: Decide, config: MakeConfig, signed_in_cookies: dict[str, str]
) -> None:
    state = decide(config(), cookies=signed_in_cookies, accepts_token=accepts)
    assert (state.status, state.reason, state.token_type) == ("signed-out", "No token in header", accepts)


def test_no_token_counts_as_a_sessions(
    decide: Decide, config: MakeConfig, signed_in_cookies: dict[str, str]
) -> None:
    state = decide(config(), cookies=signed_in_cookies, accepts_token=["api_key", "session_token"])
    assert (state.status, state.token_type) == ("signed-in", "session_token")
    assert decide(config(), cookies=signed_in_cookies, accepts_token="any").is_authenticated

    state = decide(config(), cookies=signed_in_cookies, accepts_token=["api_key", "m2m_token"])
    assert (state.status, state.reason, state.token_type) == ("signed-out", "token-type-mismatch", None)


def test_a_session_token_among_several_types(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    headers = {"authorization": f"Bearer {issuer.token()}"}
    assert decide(config(), headers=headers, accepts_token=["session_token", "api_key"]).is_authenticated
    assert decide(config(), headers=headers, accepts_token="any").is_authenticated


@pytest.mark.parametrize("accepts", ["jwt", [], ["session_token", "jwt"], 7], ids=str)
def test_an_unknown_type_is_an_error_of_the_application(
    accepts: Any, decide: Decide, config: MakeConfig
) -> None:
    with pytest.raises(ConfigurationError, match="accepts_token"):
        decide(config(), accepts_token=accepts)


def test_a_type_whose_key_is_not_configured_is_an_error(issuer: Issuer) -> None:
    authenticator = Authenticator(ClerkConfig(jwt_key=issuer.pem))
    with pytest.raises(ConfigurationError, match="CLERK_MACHINE_SECRET_KEY"):
        authenticator.authenticate_request(
            ClerkRequest("GET", "https://a.example/"), accepts_token="m2m_token"
        )
