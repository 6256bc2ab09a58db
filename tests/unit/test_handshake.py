"""Resolving a handshake: its nonce or token, the cookies it sets, and what makes it unusable."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import ClerkConfig, HandshakeError, RequestState

from .backend import CannedBackend, error
from .conftest import Decide
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]

PAYLOAD = "GET /v1/clients/handshake_payload"
NONCE = {"__clerk_handshake_nonce": "nonce_1"}
UAT = str(NOW - 100)


def handshake_token(issuer: Issuer, *directives: Any, **header: Any) -> str:
    """As the Frontend API signs it: a list of Set-Cookie lines, and no claim of a session's."""
    sessions = dict.fromkeys(("azp", "exp", "fva", "iat", "jti", "nbf", "sid", "sts", "sub", "v"), ...)
    return issuer.token(header, **(sessions | {"handshake": list(directives)}))


def session_cookie(token: str) -> str:
    return f"__session={token}; Path=/; Secure; SameSite=Lax"


def set_cookies(state: RequestState) -> list[str]:
    return [value for name, value in state.headers if name == "set-cookie"]


# --- By nonce --------------------------------------------------------------------------------------------


def test_a_nonce_is_exchanged_in_production(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    token = issuer.token()
    lines = ["__client_uat=1; Path=/", session_cookie(token)]
    backend.on(PAYLOAD, {"directives": lines})

    state = decide(config(), cookies=NONCE)

    assert (state.status, state.token, state.token_carrier) == ("signed-in", token, "cookie")
    assert set_cookies(state) == lines
    assert state.location is None
    assert ("access-control-allow-origin", "null") in state.headers
    assert ("access-control-allow-credentials", "true") in state.headers
    assert backend.requests[0].url.params["nonce"] == "nonce_1"


def test_in_development_the_url_is_cleaned_by_a_redirect(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(PAYLOAD, {"directives": [session_cookie(issuer.token())]})
    url = "https://app.example.com/x?a=1&__clerk_handshake_nonce=nonce_1&__clerk_db_jwt=d&__clerk_help=h"

    state = decide(config(development=True), url)

    assert state.status == "signed-in"
    assert state.location == "https://app.example.com/x?a=1"
    assert ("cache-control", "no-store") in state.headers


def test_the_query_wins_over_the_cookie_and_the_nonce_over_the_token(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(PAYLOAD, {"directives": []})
    cookies = NONCE | {"__clerk_handshake": handshake_token(issuer, session_cookie(issuer.token()))}
    state = decide(config(), "https://app.example.com/?__clerk_handshake_nonce=nonce_2", cookies=cookies)
    assert state.reason == "session-token-missing"
    assert backend.requests[0].url.params["nonce"] == "nonce_2"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(401, "secret_key_invalid"), "https://api.clerk.com, answered 401."),
        (error(500, "internal"), "answered 500."),
        (httpx.ConnectError("connection refused"), "did not answer (ConnectError connection refused)."),
        (error(404, "resource_not_found"), ""),
    ],
)
def test_a_nonce_that_clerk_did_not_exchange_is_told_of(
    answer: Any,
    said: str,
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend.on(PAYLOAD, answer)
    with caplog.at_level("WARNING", "clerk_middleware"):
        assert not decide(config(), cookies=NONCE).is_authenticated
    assert said in caplog.text
    assert bool(caplog.records) == bool(said)


@pytest.mark.parametrize("nonce", ["%26x=1%23%2F..", "a b", "x" * 513])
def test_what_cannot_be_a_nonce_is_not_exchanged(
    nonce: str, decide: Decide, config: MakeConfig, backend: CannedBackend
) -> None:
    state = decide(config(), cookies={"__clerk_handshake_nonce": nonce})
    assert state.reason == "session-token-missing"
    assert backend.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        error(404, "resource_not_found"),
        error(500, "internal"),
        httpx.ConnectError("refused"),
        {"directives": []},
        {"directives": None},
        {"directives": "x"},
        {"directives": [7, None]},
        {"directives": ["__session=; Path=/"]},
        {},
        httpx.Response(200, json=[]),
        httpx.Response(200, text="x"),
    ],
    ids=repr,
)
def test_a_nonce_without_session_is_signed_out(
    answer: Any, decide: Decide, config: MakeConfig, backend: CannedBackend
) -> None:
    backend.on(PAYLOAD, answer)
    state = decide(config(), cookies=NONCE)
    assert (state.status, state.reason) == ("signed-out", "session-token-missing")


@pytest.mark.parametrize(
    "line", ["x=1\r\nset-cookie: evil=1", "x=1\n", "x=\0", "x=é", "x=\x7f", "x=\ud800", ["x=1"], None]
)
def test_a_line_that_would_break_a_header_is_left_out(
    line: Any, decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    good = session_cookie(issuer.token())
    backend.on(PAYLOAD, httpx.Response(200, content=json.dumps({"directives": [line, good]})))
    assert set_cookies(decide(config(), cookies=NONCE)) == [good]


def test_lines_are_bounded(decide: Decide, config: MakeConfig, backend: CannedBackend) -> None:
    backend.on(PAYLOAD, {"directives": [f"c{number}=1" for number in range(1000)]})
    assert len(set_cookies(decide(config(), cookies=NONCE))) == 100


def test_the_last_session_cookie_counts(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    first, last = issuer.token(sub="user_1"), issuer.token(sub="user_2")
    backend.on(PAYLOAD, {"directives": [session_cookie(first), f"__session_jcS9Tl_C={last}; Path=/"]})
    assert decide(config(), cookies=NONCE).to_auth().user_id == "user_2"


@pytest.mark.parametrize("bad", ["forged", "expired", "garbled", "template", "m2m", "machine", "oauth"])
def test_a_bad_session_token_in_it_lets_the_flow_go_on(
    bad: str, decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    token = {
        "forged": Issuer("attacker").token(),
        "expired": issuer.token(exp=NOW - 60),
        "garbled": "x.y.z",
        "template": issuer.token({"cat": "cl_B7d4PD222AAA"}),
        "m2m": issuer.token({"cat": "cl_B7d4PD333AAA"}, sub="mch_1"),
        "machine": issuer.token({"cat": ...}, sub="mch_1"),
        "oauth": issuer.token({"typ": "at+jwt"}),
    }[bad]
    backend.on(PAYLOAD, {"directives": [session_cookie(token)]})
    state = decide(config(), cookies=NONCE | {"__client_uat": UAT})
    assert (state.status, state.reason) == ("handshake", "client-uat-but-no-session-token")


# --- By token --------------------------------------------------------------------------------------------


def test_a_token_signs_in(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    line = session_cookie(issuer.token())
    state = decide(config(), cookies={"__clerk_handshake": handshake_token(issuer, line)})
    assert (state.status, set_cookies(state)) == ("signed-in", [line])


def test_a_token_is_verified_by_the_key_set(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    cookies = {"__clerk_handshake": handshake_token(issuer, session_cookie(issuer.token()))}
    assert decide(config(jwt_key=None), cookies=cookies).is_authenticated
    assert backend.asked == ["GET /v1/jwks"]


BAD_TOKENS: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "forged": (lambda issuer: handshake_token(Issuer("attacker")), "token-invalid-signature"),
    "garbled": (lambda _: "x", "token-invalid"),
    "of-a-template": (lambda issuer: handshake_token(issuer, cat="cl_B7d4PD222AAA"), "token-type-mismatch"),
    "of-a-machine": (lambda issuer: handshake_token(issuer, cat="cl_B7d4PD333AAA"), "token-type-mismatch"),
    "of-another-typ": (lambda issuer: handshake_token(issuer, typ="logout+jwt"), "token-invalid"),
    "unsigned": (
        lambda issuer: handshake_token(issuer, alg="none").rpartition(".")[0] + ".",
        "token-invalid-algorithm",
    ),
}


@pytest.mark.parametrize(("make", "reason"), BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_bad_token_raises_in_development(
    make: Callable[[Issuer], str], reason: str, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    url = f"https://app.example.com/?__clerk_handshake={make(issuer)}"
    with pytest.raises(HandshakeError) as refused:
        decide(config(development=True), url)
    assert refused.value.reason == reason
    assert make(issuer) == "x" or make(issuer) not in str(refused.value)
    if reason == "token-invalid-signature":
        assert "publishable_key are of the same instance" in str(refused.value)


@pytest.mark.parametrize(("make", "_reason"), BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_bad_token_is_a_neighbours_in_production(
    make: Callable[[Issuer], str],
    _reason: str,
    decide: Decide,
    config: MakeConfig,
    issuer: Issuer,
    signed_in_cookies: dict[str, str],
) -> None:
    cookies = signed_in_cookies | {"__clerk_handshake": make(issuer)}
    state = decide(config(), cookies=cookies)
    assert (state.status, state.headers) == ("signed-in", [])


def test_a_session_token_is_no_handshake(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    state = decide(config(), cookies={"__clerk_handshake": issuer.token()})
    assert (state.status, state.reason) == ("signed-out", "session-token-missing")


# --- A cookie in development, where results are in the URL: it is of a neighbour at another port -----------


@pytest.fixture
def own_cookies(issuer: Issuer) -> dict[str, str]:
    """Those of a browser that is signed in to the development instance."""
    token = issuer.token(iss="https://apparent-wolf-7.clerk.accounts.dev")
    return {"__session": token, "__client_uat": UAT, "__clerk_db_jwt": "dvb_1"}


@pytest.mark.parametrize(
    "stray",
    [
        {"__clerk_handshake_nonce": "nonce_1"},
        {"__clerk_handshake_nonce": "not a nonce"},
        {"__clerk_handshake": "garbage"},
        {"__clerk_handshake": "a.b.c", "__clerk_handshake_nonce": "nonce_1"},
    ],
    ids=str,
)
def test_a_stray_handshake_cookie_is_no_endless_redirect(
    stray: dict[str, str],
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    own_cookies: dict[str, str],
) -> None:
    backend.on(PAYLOAD, error(404, "resource_not_found"))
    state = decide(config(development=True), cookies=own_cookies | stray)
    assert (state.status, state.location) == ("signed-in", None)
    state = decide(config(development=True), cookies={"__clerk_db_jwt": "dvb_1"} | stray)
    assert (state.reason, state.location) == ("session-token-and-uat-missing", None)


def test_a_handshake_token_that_is_genuine_is_no_endless_redirect_as_a_cookie(
    decide: Decide, config: MakeConfig, issuer: Issuer, own_cookies: dict[str, str]
) -> None:
    stray = {"__clerk_handshake": handshake_token(issuer, session_cookie(issuer.token()))}
    state = decide(config(development=True), cookies=own_cookies | stray)
    assert (state.status, state.location) == ("signed-in", None)


def test_a_stray_handshake_cookie_does_not_keep_a_token_in_the_url(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(PAYLOAD, error(404, "resource_not_found"))
    token = handshake_token(issuer, session_cookie(issuer.token()))
    url = f"https://app.example.com/x?__clerk_handshake={token}"
    assert decide(config(development=True), url, cookies=NONCE).location == "https://app.example.com/x"


# --- The clock -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 3600}, {"nbf": NOW + 3600}, {"iat": NOW + 3600}], ids=["exp", "nbf", "iat"]
)
def test_a_wrong_clock_is_forgiven_in_development_with_a_word_in_the_log(
    claims: dict[str, Any],
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    issuer: Issuer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend.on(PAYLOAD, {"directives": [session_cookie(issuer.token(**claims))]})
    url = "https://app.example.com/?__clerk_handshake_nonce=nonce_1"

    assert decide(config(development=True), url).is_authenticated
    assert [record for record in caplog.records if "clock seems to be wrong" in record.getMessage()]

    assert not decide(config(), url).is_authenticated


def test_a_token_that_is_refused_all_the_same_is_not_logged_as_accepted(
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    issuer: Issuer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    two_days_ago = NOW - 2 * 86_400
    backend.on(PAYLOAD, {"directives": [session_cookie(issuer.token(exp=two_days_ago))]})
    url = "https://app.example.com/?__clerk_handshake_nonce=nonce_1"
    assert not decide(config(development=True), url).is_authenticated
    assert "accepted" not in caplog.text


def test_a_forged_token_is_not_blamed_on_the_clock(
    decide: Decide, config: MakeConfig, backend: CannedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.on(PAYLOAD, {"directives": [session_cookie(Issuer("attacker").token())]})
    url = "https://app.example.com/?__clerk_handshake_nonce=nonce_1"
    assert not decide(config(development=True), url).is_authenticated
    assert "clock" not in caplog.text


@pytest.mark.parametrize("claims", [{"exp": NOW - 90_000}, {"nbf": NOW + 90_000}, {"sub": ...}], ids=str)
def test_more_than_a_day_is_not_forgiven(
    claims: dict[str, Any], decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(PAYLOAD, {"directives": [session_cookie(issuer.token(**claims))]})
    url = "https://app.example.com/?__clerk_handshake_nonce=nonce_1"
    assert not decide(config(development=True), url).is_authenticated


def test_a_forgiven_token_is_not_forgiven_the_next_time(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    """Its signature is remembered; what the clock says is not."""
    from clerk_middleware import Authenticator, ClerkRequest

    token = issuer.token(exp=NOW - 3600)
    backend.on(PAYLOAD, {"directives": [session_cookie(token)]})
    authenticator = Authenticator(config(development=True), transport=backend.transport, clock=lambda: NOW)
    arriving = ClerkRequest("GET", "https://app.example.com/?__clerk_handshake_nonce=nonce_1")
    assert authenticator.authenticate_request(arriving).is_authenticated
    later = ClerkRequest("GET", "https://app.example.com/", {"authorization": f"Bearer {token}"})
    assert not authenticator.authenticate_request(later).is_authenticated
