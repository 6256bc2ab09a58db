"""Where a request to the Frontend API proxy goes: to one host, by one path, whatever it says."""

from __future__ import annotations

import pytest

from ..proxied import BOTH, HOST, Ask, FrontendAPI, by_asgi, by_wsgi, configured, key_of

PRODUCTION = "https://frontend-api.clerk.dev"
STAGING = "https://frontend-api.clerkstage.dev"
LOCAL = "https://frontend-api.lclclerk.com"


@pytest.mark.parametrize(
    ("frontend_api", "prefix", "origin"),
    [
        ("clerk.example.com", "pk_live_", PRODUCTION),
        ("clerk.example.dev", "pk_live_", PRODUCTION),
        ("happy-cat-7.clerk.accounts.dev", "pk_test_", PRODUCTION),
        ("clerk.happy.cat-7.lcl.dev", "pk_test_", PRODUCTION),  # as keys were, long ago
        ("clerk.happy.cat-7.lclstage.dev", "pk_test_", PRODUCTION),
        ("clerk.happy.cat-7.lclclerk.com", "pk_test_", PRODUCTION),
        ("happy-cat-7.clerk.accountsstage.dev", "pk_test_", STAGING),
        ("happy-cat-7.accounts.lclclerk.com", "pk_test_", LOCAL),
        ("happy-cat-7.lcl.dev", "pk_test_", LOCAL),
        ("happy-cat-7.lclstage.dev", "pk_test_", LOCAL),
        ("clerk.accountsstage.dev.example.com", "pk_live_", PRODUCTION),
    ],
)
def test_the_key_tells_which_frontend_api(frontend_api: str, prefix: str, origin: str) -> None:
    api = FrontendAPI()
    config = configured(publishable_key=key_of(frontend_api, prefix), secret_key=f"s{prefix[1:]}secret")
    assert by_asgi(config, api).status == 200
    assert api.sent.origin == origin
    assert api.sent.all("host") == [origin.removeprefix("https://")]


@pytest.mark.parametrize(
    ("fapi_url", "origin", "host"),
    [
        ("https://fapi.example.com", "https://fapi.example.com", "fapi.example.com"),
        ("https://FAPI.example.com/", "https://fapi.example.com", "fapi.example.com"),
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700", "127.0.0.1:8700"),
        ("http://[::1]:8700", "http://[::1]:8700", "[::1]:8700"),
    ],
)
@BOTH
def test_fapi_url_says_otherwise(ask: Ask, fapi_url: str, origin: str, host: str) -> None:
    api = FrontendAPI()
    assert ask(configured(fapi_url=fapi_url), api, "/__clerk/v1/client?a=b").status == 200
    assert (api.sent.origin, api.sent.target, api.sent.header("host")) == (origin, "/v1/client?a=b", host)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/__clerk", "/"),
        ("/__clerk/", "/"),
        ("/__clerk/v1/client", "/v1/client"),
        ("/__clerk/v1/client/", "/v1/client/"),
        (
            "/__clerk/npm/@clerk/clerk-js@5/dist/clerk.browser.js",
            "/npm/@clerk/clerk-js@5/dist/clerk.browser.js",
        ),
        ("/__clerk/v1/me?_clerk_js_version=5.1.0&rotating_token_nonce=a%2Fb", None),
        ("/__clerk/v1/me?redirect_url=https://app.example.com/a?b=c&d[]=//e", None),
        ("/__clerk/v1/a;b=c,d!$&'()*+=:~_-.", None),
        ("/__clerk/v1/...", None),
        ("/__clerk/v1/.well-known/openid-configuration", None),
        ("/__clerk/v1/a?b=..%2f..%2f%2e%2e/../..//", None),
        ("/__clerk/v1/a?b?c?", None),
        ("/__clerk/__clerk/v1", "/__clerk/v1"),
    ],
)
@BOTH
def test_path_and_query_are_kept(ask: Ask, path: str, target: str | None) -> None:
    api = FrontendAPI()
    assert ask(configured(), api, path).status == 200
    assert api.sent.target == (target or path.removeprefix("/__clerk"))


def test_what_is_encoded_stays_so() -> None:
    api = FrontendAPI()
    by_asgi(configured(), api, "/__clerk/v1/%C3%A9%7e?a=%zz%2F")
    assert api.sent.target == "/v1/%C3%A9%7e?a=%zz%2F"


def test_wsgi_has_the_path_decoded_so_it_is_encoded_again() -> None:
    api = FrontendAPI()
    by_wsgi(configured(), api, "/__clerk/v1/%C3%A9%20%3F%23")
    assert api.sent.target == "/v1/%C3%A9%20%3F%23"


@BOTH
def test_what_no_query_has_is_encoded(ask: Ask) -> None:
    api = FrontendAPI()
    ask(configured(), api, b"/__clerk/v1/a?b=\xe9 <\"`|\\^{}#'\x7f")
    assert api.sent.target == "/v1/a?b=%E9%20%3C%22%60%7C%5C%5E%7B%7D%23'%7F"


ELSEWHERE = [
    "//evil.example",
    "//evil.example/v1",
    "/..//evil.example",
    "/../v1",
    "/v1/..",
    "/v1/../",
    "/./v1",
    "/v1/.",
    "/%2e%2e/v1",
    "/%2E%2e/v1",
    "/.%2e/v1",
    "/%252e%252e/v1",
    "/v1/..;/admin",
    "/v1/.;a=b",
    "/v1/..%3b/admin",
    "/v1//client",
    "/v1/client//",
    "//",
    "/\\evil.example",
    "/\\\\evil.example",
    "/%5Cevil.example",
    "/%5c%5cevil.example",
    "/v1%00",
    "/v1%0d%0aHost:%20evil.example",
    "/v1%0A",
    "/v1%09",
    "/v1%7F",
    "/http%3A%2F%2Fevil.example%00",
    "/v1/%c0%ae%c0%ae/",
    "/v1/%ff",
    "/v1/%25",
    "/v1/%2525",
]


@pytest.mark.parametrize("tail", ELSEWHERE)
@BOTH
def test_a_path_that_can_be_read_in_two_ways_is_refused(ask: Ask, tail: str) -> None:
    api = FrontendAPI()
    answer = ask(configured(), api, f"/__clerk{tail}")
    assert (answer.status, answer.code, api.asked) == (400, "proxy_path_mismatch", [])


@pytest.mark.parametrize(
    "path",
    [
        b"/__clerk/v1%2Fclient",  # WSGI's servers decode it
        b"/__clerk/a b",
        b"/__clerk/a\\b",
        b"/__clerk/\xc3\xa9",
        b"/__clerk/%",
        b"/__clerk/%2",
        b"/__clerk/%zz",
        b"/__clerk/a|b",
        b'/__clerk/a"b',
        b"/__clerk/a#b",
        b"/%5F_clerk/v1",
        b"/__clerk%2Fv1",
        b"/__clerkv1",
        b"/v1/__clerk/v1",
        b"/",
        b"http://evil.example/__clerk/v1",
        b"http:///__clerk/v1",
        b"@evil.example/__clerk/v1",
        b"//__clerk/v1",
        b"/x/../__clerk/v1",
        b"*",
        b"__clerk/v1",
    ],
)
def test_a_path_that_is_no_path_of_the_proxy_is_refused(path: bytes) -> None:
    api = FrontendAPI()
    answer = by_asgi(configured(), api, path)
    assert (answer.status, answer.code, api.asked) == (400, "proxy_path_mismatch", [])


@pytest.mark.parametrize(
    "target", ["/__clerk/@evil.example", "/__clerk/:80@evil.example/", "/__clerk/https:evil"]
)
@BOTH
def test_what_looks_like_an_authority_is_a_path(ask: Ask, target: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, target)
    assert (api.sent.origin, api.sent.target) == (PRODUCTION, target.removeprefix("/__clerk"))


@BOTH
def test_the_path_of_the_proxy_is_what_is_configured(ask: Ask) -> None:
    api = FrontendAPI()
    config = configured(frontend_api_proxy="/auth/clerk")
    assert ask(config, api, "/__clerk/v1").code == "proxy_path_mismatch"
    assert ask(config, api, "/auth/clerk/v1").status == 200
    assert api.sent.target == "/v1"
    assert api.sent.header("clerk-proxy-url") == "https://app.example.com/auth/clerk"


def test_a_scope_without_a_raw_path_has_its_path_encoded() -> None:
    api = FrontendAPI()
    by_asgi(configured(), api, path="/__clerk/v1/é?", raw_path=None)
    assert api.sent.target == "/v1/%C3%A9%3F"


def test_a_raw_path_may_have_the_query_with_it() -> None:
    api = FrontendAPI()
    by_asgi(configured(), api, raw_path=b"/__clerk/v1?a=b", query_string=b"a=b")
    assert api.sent.target == "/v1?a=b"


def test_an_application_that_is_mounted_has_its_path_in_two_parts() -> None:
    api = FrontendAPI()
    by_wsgi(configured(frontend_api_proxy="/app/__clerk"), api, SCRIPT_NAME="/app", PATH_INFO="/__clerk/v1")
    assert api.sent.target == "/v1"


@BOTH
def test_a_target_that_is_too_long_is_refused(ask: Ask) -> None:
    api = FrontendAPI()
    assert ask(configured(), api, b"/__clerk/v1?" + b"a" * 59_000).status == 200
    answer = ask(configured(), api, b"/__clerk/v1?" + b"\xff" * 30_000)
    assert (answer.status, answer.code) == (414, "proxy_request_refused")
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example:99999",
        "a b",
        "é.example",
        "evil.example/x",
        "user@evil.example",
        "a.example, b.example",
    ],
)
@BOTH
def test_a_host_that_is_none_is_refused(ask: Ask, host: str) -> None:
    api = FrontendAPI()
    answer = ask(configured(), api, headers=[("host", host)])
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])


@BOTH
def test_several_hosts_are_refused(ask: Ask) -> None:
    api = FrontendAPI()
    answer = ask(configured(), api, headers=[HOST, HOST])
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])


@BOTH
def test_without_a_host_the_server_says_who_it_is(ask: Ask) -> None:
    api = FrontendAPI()
    assert ask(configured(), api, headers=[], scheme="http").status == 200
    assert api.sent.header("clerk-proxy-url") == "http://127.0.0.1:8000/__clerk"
