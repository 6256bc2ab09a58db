"""Refreshing an expired session by the Backend API: what is sent, and every way in which it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import ClerkConfig, PublishableKey

from .backend import CannedBackend, error
from .conftest import PRODUCTION, Decide
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]

SUFFIX = PublishableKey.parse(PRODUCTION["publishable_key"]).cookie_suffix
REFRESH = "POST /v1/sessions/sess_1/refresh"
UAT = str(NOW - 1000)


@pytest.fixture
def expired(issuer: Issuer) -> str:
    return issuer.token(exp=NOW - 60, iat=NOW - 120, nbf=NOW - 120)


@pytest.fixture
def cookies(expired: str) -> dict[str, str]:
    """Of a browser whose token has expired."""
    return {"__session": expired, "__client_uat": UAT, f"__refresh_{SUFFIX}": "refresh_1"}


def fresh_cookies(issuer: Issuer, **claims: Any) -> dict[str, Any]:
    return {"cookies": [f"__session={issuer.token(**claims)}; Path=/", "__client_uat=1; Path=/"]}


def test_a_refreshed_session_is_signed_in(
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    issuer: Issuer,
    cookies: dict[str, str],
    expired: str,
) -> None:
    answer = fresh_cookies(issuer)
    backend.on(REFRESH, answer)

    state = decide(config(), "https://app.example.com:8443/x", cookies=cookies)

    assert (state.status, state.token_carrier) == ("signed-in", "cookie")
    assert state.token != expired
    assert state.headers == [("set-cookie", line) for line in answer["cookies"]]
    assert backend.asked == [REFRESH]
    assert backend.requests[0].url.query == b""
    assert backend.requests[0].headers["authorization"] == f"Bearer {PRODUCTION['secret_key']}"
    body = backend.body()
    assert body.pop("request_headers") is not None
    assert body == {
        "format": "cookie",
        "expired_token": expired,
        "refresh_token": "refresh_1",
        "request_origin": "https://app.example.com:8443",
    }


def test_suffixed_cookies_are_asked_for_where_they_are_in_use(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer, expired: str
) -> None:
    backend.on(REFRESH, fresh_cookies(issuer))
    suffixed = {
        f"__session_{SUFFIX}": expired,
        f"__client_uat_{SUFFIX}": UAT,
        f"__refresh_{SUFFIX}": "refresh_1",
    }
    assert decide(config(), cookies=suffixed).is_authenticated
    assert backend.requests[0].url.query == b"suffixed_cookies=true"


def test_credentials_of_others_are_not_sent_along(
    decide: Decide, config: MakeConfig, backend: CannedBackend, cookies: dict[str, str]
) -> None:
    headers = {
        "authorization": "Basic dXNlcjpwYXNz",
        "proxy-authorization": "Basic eHh4",
        "x-api-key": "theirs",
        "user-agent": "Browser/1",
        "accept-language": "de",
        "x-forwarded-for": "192.0.2.1",
    }
    decide(config(), cookies=cookies | {"other": "theirs"}, headers=headers)
    sent = {"accept-language": ["de"], "user-agent": ["Browser/1"]}
    assert backend.body()["request_headers"] == sent
    # An address that anybody can claim goes along only where the application's own proxy sets it.
    decide(config(trust_forwarded_headers=True), cookies=cookies, headers=headers)
    assert backend.body(-1)["request_headers"] == sent | {"x-forwarded-for": ["192.0.2.1"]}


def test_an_expired_header_token_is_refreshed_too(
    decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer, expired: str
) -> None:
    backend.on(REFRESH, fresh_cookies(issuer))
    state = decide(
        config(),
        cookies={f"__refresh_{SUFFIX}": "refresh_1"},
        headers={"authorization": f"Bearer {expired}"},
    )
    assert state.is_authenticated
    assert backend.body()["expired_token"] == expired


FAILURES: dict[str, tuple[Any, str]] = {
    "no-answer": (httpx.ConnectError("refused"), "fetch-error"),
    "unexpected-error": (error(500, "unexpected_error"), "fetch-error"),
    "server-error": (httpx.Response(500), "unexpected-bapi-error"),
    "error-code": (error(401, "session_revoked"), "session_revoked"),
    "odd-error-code": (error(400, 'x"\r\nset-cookie: evil=1'), "unexpected-bapi-error"),
    "long-error-code": (error(400, "x" * 101), "unexpected-bapi-error"),
    "redirect": (httpx.Response(302), "unexpected-bapi-error"),
    "no-json": (httpx.Response(200, text="x"), "unexpected-sdk-error"),
    "no-cookies": ({}, "unexpected-sdk-error"),
    "empty-cookies": ({"cookies": []}, "unexpected-sdk-error"),
    "odd-cookies": ({"cookies": {"a": 1}}, "unexpected-sdk-error"),
    "no-session": ({"cookies": ["__client_uat=1"]}, "invalid-session-token"),
    "garbled-session": ({"cookies": ["__session=x"]}, "invalid-session-token"),
}


@pytest.mark.parametrize(("answer", "tail"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_the_tail_of_the_reason(
    answer: Any,
    tail: str,
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    cookies: dict[str, str],
) -> None:
    backend.on(REFRESH, answer)
    state = decide(config(), cookies=cookies)
    assert (state.status, state.reason) == ("handshake", f"session-token-expired-refresh-{tail}")
    assert backend.asked == [REFRESH], "a refresh is not tried twice"


@pytest.mark.parametrize("token", ["expired", "forged", "template", "machine"])
def test_a_fresh_token_that_does_not_verify(
    token: str,
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    issuer: Issuer,
    cookies: dict[str, str],
) -> None:
    text = {
        "expired": issuer.token(exp=NOW - 10),
        "forged": Issuer("attacker").token(),
        "template": issuer.token({"cat": "cl_B7d4PD222AAA"}),
        "machine": issuer.token(sub="mch_1"),
    }[token]
    backend.on(REFRESH, {"cookies": [f"__session={text}"]})
    state = decide(config(), cookies=cookies)
    assert state.reason == "session-token-expired-refresh-invalid-session-token"


def test_only_a_get_is_refreshed(
    decide: Decide, config: MakeConfig, backend: CannedBackend, cookies: dict[str, str]
) -> None:
    state = decide(config(), cookies=cookies, method="POST")
    assert (state.status, state.reason) == (
        "signed-out",
        "session-token-expired-refresh-non-eligible-non-get",
    )
    assert backend.asked == []


def test_without_a_refresh_token_nothing_is_asked(
    decide: Decide, config: MakeConfig, backend: CannedBackend, cookies: dict[str, str]
) -> None:
    del cookies[f"__refresh_{SUFFIX}"]
    state = decide(config(), cookies=cookies | {"__refresh": "plain"})
    assert state.reason == "session-token-expired-refresh-non-eligible-no-refresh-cookie"
    assert backend.asked == []


@pytest.mark.parametrize("sid", [..., None, "", 7, ["sess_1"]], ids=str)
def test_a_token_without_session_id_is_not_refreshed(
    sid: Any,
    decide: Decide,
    config: MakeConfig,
    backend: CannedBackend,
    issuer: Issuer,
    cookies: dict[str, str],
) -> None:
    cookies["__session"] = issuer.token(exp=NOW - 60, sid=sid)
    state = decide(config(), cookies=cookies)
    assert state.reason == "session-token-expired-refresh-expired-session-token-missing-sid-claim"
    assert backend.asked == []


def test_a_cookie_that_does_not_decode_is_not_refreshed(
    decide: Decide, config: MakeConfig, backend: CannedBackend, cookies: dict[str, str], expired: str
) -> None:
    cookies["__session"] = "garbled"
    state = decide(config(), cookies=cookies, headers={"authorization": f"Bearer {expired}"})
    assert state.reason == "session-token-expired-refresh-expired-session-token-decode-failed"


@pytest.mark.parametrize(
    "sid", ["..", ".", "../users/user_1", "sess_1/../..", "sess_1?x=", "%2e%2e", "é", "a b"]
)
def test_a_session_id_never_leads_to_another_endpoint(
    sid: str, decide: Decide, config: MakeConfig, backend: CannedBackend, issuer: Issuer, expired: str
) -> None:
    cookies = {"__session": Issuer("attacker").token(sid=sid), f"__refresh_{SUFFIX}": "x"}
    decide(config(), cookies=cookies, headers={"authorization": f"Bearer {expired}"})
    for request in backend.requests:
        segments = request.url.raw_path.partition(b"?")[0].split(b"/")
        assert segments[:3] == [b"", b"v1", b"sessions"]
        assert segments[4:] == [b"refresh"]
