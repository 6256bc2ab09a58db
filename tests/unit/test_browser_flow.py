"""The cookie flow: what a browser's cookies decide, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from clerk_middleware import ClerkConfig, PublishableKey, RequestState

from .conftest import DEVELOPMENT, PRODUCTION, Decide
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]

SUFFIX = PublishableKey.parse(PRODUCTION["publishable_key"]).cookie_suffix
DEVELOPMENT_HOST = "apparent-wolf-7.clerk.accounts.dev"


def query_of(state: RequestState) -> dict[str, str]:
    """The parameters of the redirect."""
    assert state.location is not None
    parameters = parse_qs(urlsplit(state.location).query, keep_blank_values=True)
    return {name: values[0] for name, values in parameters.items()}


def decision(state: RequestState) -> tuple[str, str | None]:
    return state.status, state.reason


UAT = str(NOW - 100)


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ({}, ("signed-out", "session-token-and-uat-missing")),
        ({"__client_uat": "0"}, ("signed-out", "session-token-and-uat-missing")),
        ({"__client_uat": "nonsense"}, ("signed-out", "session-token-and-uat-missing")),
        ({"__client_uat": UAT}, ("handshake", "client-uat-but-no-session-token")),
        ({"__session": "TOKEN"}, ("handshake", "session-token-but-no-client-uat")),
        ({"__session": "TOKEN", "__client_uat": "0"}, ("handshake", "session-token-but-no-client-uat")),
        (
            {"__session": "TOKEN", "__client_uat": str(NOW)},
            ("handshake", "session-token-iat-before-client-uat"),
        ),
        ({"__session": "TOKEN", "__client_uat": UAT}, ("signed-in", None)),
        ({"__session": "x", "__client_uat": UAT}, ("signed-out", "token-invalid")),
    ],
    ids=str,
)
def test_in_production(
    cookies: dict[str, str], expected: Any, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    token = issuer.token()
    given = {name: value.replace("TOKEN", token) for name, value in cookies.items()}
    assert decision(decide(config(), cookies=given)) == expected


@pytest.mark.parametrize(
    ("url", "cookies", "expected"),
    [
        ("https://app.example.com/", {}, ("handshake", "dev-browser-missing")),
        (
            "https://app.example.com/?__clerk_db_jwt=dvb_1",
            {"__clerk_db_jwt": "dvb_0"},
            ("handshake", "dev-browser-sync"),
        ),
        (
            "https://app.example.com/",
            {"__clerk_db_jwt": "dvb_1"},
            ("signed-out", "session-token-and-uat-missing"),
        ),
    ],
)
def test_in_development(
    url: str, cookies: dict[str, str], expected: Any, decide: Decide, config: MakeConfig
) -> None:
    assert decision(decide(config(development=True), url, cookies=cookies)) == expected


def test_a_failure_that_is_not_of_time_is_signed_out_and_says_why(
    decide: Decide, config: MakeConfig, stranger: Issuer
) -> None:
    state = decide(config(), cookies={"__session": stranger.token(), "__client_uat": UAT})
    assert decision(state) == ("signed-out", "token-invalid-signature")
    assert "signature" in state.message


@pytest.mark.parametrize(
    ("claims", "reason"),
    [({"nbf": NOW + 60}, "session-token-nbf"), ({"iat": NOW + 60}, "session-token-iat-in-the-future")],
    ids=str,
)
def test_a_token_from_the_future_is_a_handshake(
    claims: dict[str, Any], reason: str, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    state = decide(config(), cookies={"__session": issuer.token(**claims), "__client_uat": UAT})
    assert decision(state) == ("handshake", reason)


def test_the_state_knows_the_dev_browser(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    cookies = {"__clerk_db_jwt": "dvb_1"}
    assert decide(config(development=True), cookies=cookies).dev_browser_token == "dvb_1"
    assert decide(ClerkConfig(jwt_key=issuer.pem), cookies=cookies).dev_browser_token is None


# --- Plain or suffixed ---------------------------------------------------------------------------------


def test_a_neighbours_plain_cookies_do_not_matter(
    decide: Decide, config: MakeConfig, issuer: Issuer, stranger: Issuer
) -> None:
    cookies = {
        "__session": stranger.token(iss="https://clerk.neighbour.example", sub="user_2"),
        "__client_uat": str(NOW),
        f"__session_{SUFFIX}": issuer.token(),
        f"__client_uat_{SUFFIX}": UAT,
    }
    assert decide(config(), cookies=cookies).to_auth().user_id == "user_1"


@pytest.mark.parametrize("issuer_claim", [7, ["https://clerk.example.com"], "https://clerk.example.com:444"])
def test_an_odd_issuer_is_a_neighbour(
    issuer_claim: Any, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    cookies = {"__session": issuer.token(iss=issuer_claim), "__client_uat": UAT}
    assert decision(decide(config(), cookies=cookies)) == ("signed-out", "session-token-and-uat-missing")


@pytest.mark.parametrize("expires", [NOW - 1, None, "x"])
def test_an_expired_suffixed_token_in_development_means_plain(
    expires: Any, decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    suffix = PublishableKey.parse(DEVELOPMENT["publishable_key"]).cookie_suffix
    cookies = {
        "__client_uat": "0",
        f"__client_uat_{suffix}": UAT,
        f"__session_{suffix}": issuer.token(exp=expires),
        "__clerk_db_jwt": "dvb_1",
        f"__clerk_db_jwt_{suffix}": "dvb_2",
    }
    status, _ = decision(decide(config(development=True), cookies=cookies))
    assert (status == "signed-out") == (expires == NOW - 1 or expires in (None, "x"))


# --- Redirects -----------------------------------------------------------------------------------------


def test_a_handshake_says_what_the_frontend_api_needs(
    decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    token = issuer.token(iss=f"https://{DEVELOPMENT_HOST}")
    state = decide(
        config(development=True),
        "https://app.example.com/x?a=1&__clerk_db_jwt=dvb_1&__dev_session=y",
        cookies={"__session": token, "__client_uat": UAT},
    )
    assert (
        urlsplit(state.location)._replace(query="").geturl()
        == f"https://{DEVELOPMENT_HOST}/v1/client/handshake"
    )
    query = query_of(state)
    assert query.pop("__clerk_api_version")
    assert query == {
        "redirect_url": "https://app.example.com/x?a=1",
        "suffixed_cookies": "false",
        "__clerk_hs_reason": "dev-browser-sync",
        "format": "nonce",
        "__session": token,
        "__clerk_db_jwt": "dvb_1",
    }
    assert ("cache-control", "no-store") in state.headers
    assert ("set-cookie", "__clerk_redirect_count=1; SameSite=Lax; HttpOnly; Max-Age=2") in state.headers
    assert not state.to_auth().is_authenticated


def test_in_production_no_dev_browser_is_sent_along(decide: Decide, config: MakeConfig) -> None:
    state = decide(
        config(),
        "https://app.example.com/?__clerk_db_jwt=dvb_1",
        cookies={"__client_uat": UAT, "__clerk_db_jwt": "dvb_1"},
    )
    assert "dvb_1" not in str(state.headers)


def test_the_refused_header_token_is_sent_along(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    token = issuer.token(exp=NOW - 60)
    state = decide(config(), headers={"authorization": f"Bearer {token}"})
    assert decision(state) == ("handshake", "session-token-expired-refresh-non-eligible-no-refresh-cookie")
    assert query_of(state)["__session"] == token


@pytest.mark.parametrize(
    ("proxy_url", "frontend_api"),
    [
        (None, "https://clerk.example.com"),
        ("/__clerk", "https://app.example.com/__clerk"),
        ("/__clerk/", "https://app.example.com/__clerk"),
        ("https://proxy.example/clerk/", "https://proxy.example/clerk"),
    ],
)
def test_the_frontend_api_may_be_proxied(
    proxy_url: str | None, frontend_api: str, decide: Decide, config: MakeConfig
) -> None:
    state = decide(config(proxy_url=proxy_url), cookies={"__client_uat": UAT})
    assert (state.location or "").startswith(f"{frontend_api}/v1/client/handshake?")


@pytest.mark.parametrize(
    ("method", "headers", "eligible"),
    [
        ("GET", {"sec-fetch-dest": "document"}, True),
        ("GET", {"sec-fetch-dest": "iframe"}, True),
        ("GET", {"sec-fetch-dest": "empty", "accept": "text/html"}, False),
        ("GET", {"sec-fetch-dest": "image"}, False),
        ("GET", {"sec-fetch-dest": "", "accept": "text/html,*/*"}, True),
        ("GET", {"sec-fetch-dest": "", "accept": "application/json, text/html"}, False),
        ("GET", {"sec-fetch-dest": ""}, False),
        ("HEAD", {}, False),
        ("POST", {}, False),
        ("OPTIONS", {}, False),
    ],
    ids=str,
)
def test_only_a_navigation_is_redirected(
    method: str, headers: dict[str, str], eligible: bool, decide: Decide, config: MakeConfig
) -> None:
    state = decide(config(), cookies={"__client_uat": UAT}, method=method, headers=headers)
    assert decision(state) == ("handshake" if eligible else "signed-out", "client-uat-but-no-session-token")
    assert (state.location is not None) is eligible


@pytest.mark.parametrize(
    ("count", "next_count"),
    [("0", 1), ("1", 2), ("2", 3), ("x", 1), ("-1", 1), ("²", 1), ("1000", 1), ("", 1)],
)
def test_the_loop_counter_counts(count: str, next_count: int, decide: Decide, config: MakeConfig) -> None:
    cookies = {"__client_uat": UAT, "__clerk_redirect_count": count}
    state = decide(config(), cookies=cookies)
    assert f"__clerk_redirect_count={next_count};" in dict(state.headers)["set-cookie"]


@pytest.mark.parametrize("count", ["3", "4", "999"])
def test_a_loop_is_broken_with_a_word_in_the_log(
    count: str, decide: Decide, config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    state = decide(config(), cookies={"__client_uat": UAT, "__clerk_redirect_count": count})
    assert decision(state) == ("signed-out", "client-uat-but-no-session-token")
    assert state.headers == []
    assert [record for record in caplog.records if "goes in circles" in record.getMessage()]


# --- Forwarded headers -----------------------------------------------------------------------------------

FORWARDED = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}


def test_forwarded_headers_are_nobodys_by_default(decide: Decide, config: MakeConfig) -> None:
    state = decide(config(), cookies={"__client_uat": UAT}, headers=FORWARDED)
    assert query_of(state)["redirect_url"] == "https://app.example.com/"
    assert str(state.request.url) == "https://app.example.com/"


def test_forwarded_headers_count_where_they_are_trusted(decide: Decide, config: MakeConfig) -> None:
    state = decide(config(trust_forwarded_headers=True), cookies={"__client_uat": UAT}, headers=FORWARDED)
    assert query_of(state)["redirect_url"] == "http://evil.example/"
    assert str(state.request.url) == "http://evil.example/"


# --- From another origin -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("referrer", "syncs"),
    [
        ("https://other.example/", True),
        ("https://accounts.other.example/", True),
        ("http://app.example.com/", True),
        ("about:blank", True),
        ("android-app://com.example", True),
        ("https://app.example.com/x", False),
        ("https://clerk.example.com/", False),
        ("https://accounts.example.com/sign-in", False),
        ("", False),
        ("nonsense", False),
        ("https://", False),
    ],
)
def test_a_visitor_from_another_origin_is_looked_at_again(
    referrer: str, syncs: bool, decide: Decide, config: MakeConfig, signed_in_cookies: dict[str, str]
) -> None:
    state = decide(config(), cookies=signed_in_cookies, headers={"referer": referrer})
    expected = ("handshake", "primary-domain-cross-origin-sync") if syncs else ("signed-in", None)
    assert decision(state) == expected


@pytest.mark.parametrize(
    ("referrer", "syncs"),
    [
        ("https://apparent-wolf-7.accounts.dev/sign-in", False),
        ("https://other.accounts.dev/", False),
        ("https://evil.clerk.accounts.dev/", True),
        ("https://accounts.x.lclclerk.com/", False),
        ("https://x.lclclerk.com/", True),
        ("https://accounts.dev.evil.example/", True),
    ],
)
def test_clerks_own_pages_in_development(
    referrer: str,
    syncs: bool,
    decide: Decide,
    config: MakeConfig,
    signed_in_cookies: dict[str, str],
    issuer: Issuer,
) -> None:
    cookies = {
        "__session": issuer.token(iss=f"https://{DEVELOPMENT_HOST}"),
        "__client_uat": UAT,
        "__clerk_db_jwt": "dvb_1",
    }
    state = decide(config(development=True), cookies=cookies, headers={"referer": referrer})
    assert (state.status == "handshake") is syncs


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-dest": "iframe"}, {"sec-fetch-dest": "empty"}, {"sec-fetch-dest": ""}]
)
def test_only_a_document_is_looked_at_again(
    headers: dict[str, str], decide: Decide, config: MakeConfig, signed_in_cookies: dict[str, str]
) -> None:
    state = decide(
        config(), cookies=signed_in_cookies, headers=headers | {"referer": "https://other.example/"}
    )
    assert state.is_authenticated


def test_a_visitor_is_looked_at_again_once(
    decide: Decide, config: MakeConfig, signed_in_cookies: dict[str, str]
) -> None:
    cookies = signed_in_cookies | {"__clerk_redirect_count": "1"}
    state = decide(config(), cookies=cookies, headers={"referer": "https://other.example/"})
    assert state.is_authenticated
