"""What goes back to the client of the Frontend API's answer."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest

from clerk_middleware import ClerkError

from ..proxied import BOTH, HOST, SECRET_KEY, Ask, FrontendAPI, Reply, by_asgi, configured, key_of

FAPI = "https://frontend-api.clerk.dev"


def answered(ask: Ask, *headers: tuple[str, str], status: int = 200, **options: Any) -> Any:
    return ask(configured(**options), FrontendAPI(Reply(status, headers)), "/__clerk/v1/client?a=b")


# --- Headers and body ----------------------------------------------------------------------------------


@BOTH
def test_status_headers_and_body_come_back(ask: Ask) -> None:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", "4"),
        ("Cache-Control", "no-store"),
        ("ETag", '"\xe9"'),
        ("Access-Control-Allow-Origin", "https://app.example.com"),
        ("Authorization", "ey"),
        ("X-Empty", ""),
    ]
    answer = answered(ask, *headers, status=422)
    assert (answer.status, answer.body, answer.is_complete) == (422, b"fine", True)
    assert answer.pairs == [(name.lower(), value) for name, value in headers]


@BOTH
def test_several_cookies_stay_several(ask: Ask) -> None:
    cookies = ["__client=ey; Path=/; HttpOnly, really", "__client_uat=1; Path=/", "__session=; Max-Age=0"]
    answer = answered(ask, *(("Set-Cookie", cookie) for cookie in cookies))
    assert answer.all("set-cookie") == cookies


@BOTH
def test_cookies_are_kept_for_nobody_else(ask: Ask) -> None:
    """The client of all connections has a jar, too."""
    api = FrontendAPI(Reply(200, [("Set-Cookie", "__client=somebody; Path=/")]))
    config = configured(fapi_url="https://app.example.com")
    for _ in range(2):
        ask(config, api)
    assert [sent.all("cookie") for sent in api.asked] == [[], []]


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Alt-Svc",
        "Date",
        "Server",
        "NEL",
        "Report-To",
        "Expect-CT",
        "Public-Key-Pins",
        "Strict-Transport-Security",
        "Clerk-Secret-Key",
        "clerk_secret_key",
    ],
)
@BOTH
def test_headers_about_a_connection_or_another_host_end_here(ask: Ask, name: str) -> None:
    answer = answered(ask, (name, "h3"), ("X-After", "1"))
    assert answer.pairs == [("x-after", "1")]


@BOTH
def test_so_do_those_that_connection_names(ask: Ask) -> None:
    answer = answered(
        ask,
        ("Connection", "close, X-Named, x_under"),
        ("X-Named", "1"),
        ("X_Under", "1"),
        ("X-Under", "1"),
        ("X-Other", "1"),
    )
    assert answer.pairs == [("x-other", "1")]


@pytest.mark.parametrize("value", ["a\0b", "a\x7fb", "a\x0bb", "a\rb", "a\nb: c"])
@BOTH
def test_a_header_that_is_none_ends_here(ask: Ask, value: str) -> None:
    assert answered(ask, ("X-Bad", value), ("X-After", "1")).pairs == [("x-after", "1")]


@pytest.mark.parametrize("coding", ["chunked", "CHUNKED"])
@BOTH
def test_a_length_that_is_not_what_counts_ends_here(ask: Ask, coding: str) -> None:
    """With both the coding counts, so the length may be any."""
    answer = answered(ask, ("Content-Length", "4000"), ("Transfer-Encoding", coding))
    assert (answer.pairs, answer.body) == ([], b"fine")


@BOTH
def test_compression_is_passed_through_as_it_is(ask: Ask) -> None:
    compressed = gzip.compress(b"fine" * 1000)
    headers = [("Content-Encoding", "gzip"), ("Content-Length", str(len(compressed)))]
    api = FrontendAPI(Reply(200, headers, [compressed[:10], compressed[10:]]))
    answer = ask(configured(), api, headers=[HOST, ("accept-encoding", "gzip")])
    assert answer.body == compressed
    assert answer.pairs == [(name.lower(), value) for name, value in headers]


@BOTH
def test_what_says_to_be_compressed_and_is_not_comes_back_too(ask: Ask) -> None:
    api = FrontendAPI(Reply(200, [("Content-Encoding", "br, nonsense")], [b"fine"]))
    assert ask(configured(), api).body == b"fine"


@BOTH
def test_an_answer_to_head_has_headers_alone(ask: Ask) -> None:
    reply = Reply(200, [("Content-Length", "4000")], [b"a body, by mistake"])
    answer = ask(configured(), FrontendAPI(reply), method="HEAD")
    assert (answer.body, answer.header("content-length"), answer.is_complete) == (b"", "4000", True)
    assert reply.is_closed


@pytest.mark.parametrize("status", [204, 304])
@BOTH
def test_an_answer_that_may_have_no_body_has_no_length(ask: Ask, status: int) -> None:
    reply = Reply(status, [("Content-Length", "4000"), ("ETag", '"1"')], [])
    answer = ask(configured(), FrontendAPI(reply))
    assert (answer.status, answer.pairs, answer.body) == (status, [("etag", '"1"')], b"")


@BOTH
def test_a_preflight_is_the_frontend_apis_to_answer(ask: Ask) -> None:
    allowed = [
        ("access-control-allow-origin", "https://app.example.com"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
    ]
    asked = [("origin", "https://app.example.com"), ("access-control-request-method", "POST")]
    api = FrontendAPI(Reply(204, allowed, []))
    answer = ask(configured(), api, method="OPTIONS", headers=[HOST, *asked])
    assert (answer.status, answer.pairs) == (204, allowed)
    assert [pair for pair in api.sent.headers if pair in asked] == asked


@pytest.mark.parametrize("status", [200, 201, 299, 400, 401, 404, 418, 429, 500, 503, 599])
@BOTH
def test_any_status_comes_back(ask: Ask, status: int) -> None:
    assert answered(ask, status=status).status == status


# --- Redirects -----------------------------------------------------------------------------------------

OF_THE_PROXY = [
    (f"{FAPI}/v1/verify?token=a%2Fb#c", "/__clerk/v1/verify?token=a%2Fb#c"),
    ("HTTPS://Frontend-API.clerk.dev:443/v1", "/__clerk/v1"),
    (FAPI, "/__clerk/"),
    (f"{FAPI}//evil.example", "/__clerk//evil.example"),
    ("https://user@frontend-api.clerk.dev/v1", "/__clerk/v1"),
    ("https://clerk.example.com/v1/oauth_callback?code=1", "/__clerk/v1/oauth_callback?code=1"),
    ("//clerk.example.com/v1", "/__clerk/v1"),
    ("/v1/environment", "/__clerk/v1/environment"),
    ("environment", "/__clerk/v1/environment"),
    ("../npm/@clerk/clerk-js@5.1.0/a.js", "/__clerk/npm/@clerk/clerk-js@5.1.0/a.js"),
    ("?c=d", "/__clerk/v1/client?c=d"),
    ("", "/__clerk/v1/client?a=b"),
    ("/v1/\xe9 b", "/__clerk/v1/%C3%A9%20b"),
    (f"{FAPI}\\@evil.example", "/__clerk/@evil.example"),  # as browsers read it
]
ELSEWHERE = [
    "https://accounts.google.com/o/oauth2/auth?client_id=1",
    "https://app.example.com/__clerk/v1/verify",
    "https://evil.example/",
    "//evil.example/v1",
    "/\\evil.example/v1",
    "\\\\evil.example",
    "http://clerk.example.com/v1",
    "https://clerk.example.com:8443/v1",
    "https://clerk.example.com.evil.example/v1",
    "https://clerk.example.com@evil.example/v1",
    "com.example.app:callback",
    "com.example.app://callback?code=1",
    "exp://127.0.0.1:8081/--/",
    "mailto:a@b.example",
    "http://[",
    "//[",
    "http://a:99999/",
    "http://\xe9\xff.example/",
    "https://evil.example/" + "x" * 70_000,
]


@pytest.mark.parametrize(("location", "seen"), OF_THE_PROXY)
@BOTH
def test_a_redirect_to_the_frontend_api_leads_to_the_proxy(ask: Ask, location: str, seen: str) -> None:
    """By its path alone: with the request's host a cache would keep what one sender of it says."""
    answer = answered(ask, ("Location", location), status=307)
    assert (answer.status, answer.all("location")) == (307, [seen])


@pytest.mark.parametrize("location", ELSEWHERE)
@pytest.mark.parametrize("status", [201, 302])
@BOTH
def test_one_to_elsewhere_is_left_alone(ask: Ask, status: int, location: str) -> None:
    answer = answered(ask, ("Location", location), status=status)
    assert (answer.status, answer.all("location")) == (status, [location])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@BOTH
def test_redirects_are_not_followed(ask: Ask, status: int) -> None:
    api = FrontendAPI(Reply(status, [("Location", "https://evil.example/")]))
    assert ask(configured(), api).status == status
    assert len(api.asked) == 1


@pytest.mark.parametrize("proxy_url", ["https://www.example.com/__clerk", "https://www.example.com/__clerk/"])
@BOTH
def test_a_redirect_leads_to_the_proxys_url_where_that_is_known(ask: Ask, proxy_url: str) -> None:
    answer = answered(ask, ("Location", f"{FAPI}/v1?a"), status=302, proxy_url=proxy_url)
    assert answer.header("location") == "https://www.example.com/__clerk/v1?a"


@BOTH
def test_a_redirect_does_not_repeat_what_the_request_says_its_host_is(ask: Ask) -> None:
    api = FrontendAPI(Reply(307, [("Location", "/npm/a.js"), ("Cache-Control", "public, max-age=9999")]))
    forged = [("host", "evil.example"), ("x-forwarded-host", "evil.example")]
    answer = ask(configured(trust_forwarded_headers=True), api, headers=forged)
    assert "evil" not in str(answer.pairs)


@BOTH
def test_a_satellites_own_frontend_api_is_proxied_too(ask: Ask) -> None:
    satellite = {"is_satellite": True, "domain": "satellite.example", "frontend_api_proxy": "/clerk"}
    api = FrontendAPI(Reply(302, [("Location", "https://clerk.satellite.example/v1")]))
    assert ask(configured(**satellite), api, "/clerk/v1").header("location") == "/clerk/v1"


@BOTH
def test_a_frontend_api_of_another_url_is_known_by_it(ask: Ask) -> None:
    location = ("Location", "http://127.0.0.1:8700/v1")
    answer = answered(ask, location, status=302, fapi_url="http://127.0.0.1:8700")
    assert answer.header("location") == "/__clerk/v1"


def test_several_locations_are_all_rewritten() -> None:
    locations = [("Location", f"{FAPI}/a"), ("location", "/b")]
    answer = answered(by_asgi, *locations, status=302, publishable_key=key_of("clerk.example.com"))
    assert answer.all("location") == ["/__clerk/a", "/__clerk/b"]


# --- Answers that can't go back ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [100, 101, 199, 600, 999])
@BOTH
def test_a_status_that_is_no_answers_is_none(ask: Ask, status: int) -> None:
    reply = Reply(status)
    answer = ask(configured(), FrontendAPI(reply))
    assert (answer.status, answer.code) == (502, "proxy_request_failed")
    assert reply.is_closed


ECHOES = [
    SECRET_KEY,
    f"https://a.example/?key={SECRET_KEY}&b",
    f"https://a.example/?key={SECRET_KEY.replace('_', '%5F')}",
    f"https://a.example/?key={''.join(f'%{byte:02x}' for byte in SECRET_KEY.encode())}",
]


@pytest.mark.parametrize("value", ECHOES)
@pytest.mark.parametrize("name", ["Location", "X-Echo", "Set-Cookie"])
@BOTH
def test_an_answer_that_repeats_the_secret_key_is_none(ask: Ask, name: str, value: str) -> None:
    reply = Reply(302, [(name, value)])
    answer = ask(configured(), FrontendAPI(reply))
    assert (answer.status, answer.code) == (502, "proxy_request_failed")
    assert SECRET_KEY not in f"{answer}"
    assert reply.is_closed


@pytest.mark.parametrize(
    "error", [httpx.ReadError("reset"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("bad chunk")]
)
@BOTH
def test_an_answer_that_is_broken_off_is_never_completed(ask: Ask, error: Exception) -> None:
    reply = Reply(200, [("Content-Length", "8")], [b"half", error])
    answer = ask(configured(), FrontendAPI(reply))
    assert (answer.status, answer.body, answer.is_complete) == (200, b"half", False)
    assert type(answer.error) is ClerkError
    kind = type(error).__name__
    assert str(answer.error) == f"Clerk's Frontend API broke off its answer ({kind})"
    assert (answer.error.__cause__, answer.error.__context__) == (None, None)
    assert reply.is_closed


@BOTH
def test_an_answer_that_is_complete_is_closed(ask: Ask) -> None:
    reply = Reply()
    assert ask(configured(), FrontendAPI(reply)).is_complete
    assert reply.is_closed
