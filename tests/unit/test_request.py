"""`ClerkRequest`: URL, headers and cookies, as given or from an ASGI scope."""

from __future__ import annotations

from typing import Any

import pytest

from clerk_middleware import ClerkRequest


def with_cookie(header: str | bytes) -> ClerkRequest:
    return ClerkRequest("GET", "https://app.example.com/", [("Cookie", header)])


def scope_of(**changed: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"x=1&y=%20",
        "headers": [(b"host", b"app.example.com")],
        "server": ("10.0.0.1", 8000),
    } | changed


# --- Cookies -------------------------------------------------------------------------------------------


def test_a_cookie_is_percent_decoded() -> None:
    assert with_cookie("a=%41%3B%20%C3%A9").cookies.get("a") == "A; é"


def test_the_first_of_two_equal_names_wins() -> None:
    assert with_cookie("a=1; a=2").cookies.get("a") == "1"


def test_an_encoded_semicolon_does_not_split() -> None:
    request = with_cookie("a=1%3B b=2; b=3")
    assert request.cookies.get("b") == "3"


@pytest.mark.parametrize(
    "broken", ["%", "%zz", "%ff", "%E2%82", '"', "=", "x", " ", "a\xffb=1", "é=ü", ";;", "$"]
)
def test_a_broken_cookie_hides_no_other(broken: str) -> None:
    for header in (f"{broken}; good=1", f"good=1; {broken}", f"bad={broken}; good=1"):
        assert with_cookie(header.encode("latin-1")).cookies.get("good") == "1"


def test_what_does_not_decode_stays_as_it_is() -> None:
    assert with_cookie("a=%ff").cookies.get("a") == "%ff"


@pytest.mark.parametrize("header", ["", "a", "a=", "b=1", "=1"])
def test_a_missing_or_empty_cookie_is_none(header: str) -> None:
    assert with_cookie(header).cookies.get("a") in (None, "")


def test_white_space_around_a_cookie_is_no_part_of_it() -> None:
    assert with_cookie("a = 1 ;\tb\t=\t2").cookies.get("b") == "2"


def test_several_cookie_headers_are_one() -> None:
    request = ClerkRequest("GET", "https://a.example/", [("cookie", "a=1"), (b"Cookie", b"b=2; a=3")])
    assert (request.cookies.get("a"), request.cookies.get("b")) == ("1", "2")


# --- Headers -------------------------------------------------------------------------------------------


def test_header_names_are_compared_without_case() -> None:
    request = ClerkRequest("GET", "https://a.example/", {"X-Thing": "1"})
    assert request.header("x-thing") == "1"
    assert request.header("x-other") is None


def test_headers_of_one_name_are_joined() -> None:
    assert ClerkRequest("GET", "https://a.example/", [("a", "1"), ("A", "2")]).header("a") == "1, 2"


def test_a_header_that_is_not_latin_is_taken_as_utf_8() -> None:
    assert ClerkRequest("GET", "https://a.example/", {"a": "€"}).header("a") == "€".encode().decode("latin-1")


# --- URL -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://a.example/", "https://", "//a.example", "https://a b/"]
)
def test_what_is_no_url_is_taken_for_none(url: str) -> None:
    assert str(ClerkRequest("GET", url).url) == "http://localhost/"


def test_repr_shows_neither_query_nor_headers() -> None:
    request = ClerkRequest(
        "GET", "https://a.example/x?__clerk_handshake=secret", {"authorization": "Bearer secret"}
    )
    assert repr(request) == "<ClerkRequest GET https://a.example/x>"


def test_reads_an_asgi_scope() -> None:
    request = ClerkRequest.from_asgi(
        scope_of(headers=[(b"host", b"app.example.com:8443"), (b"cookie", b"a=1")])
    )
    assert str(request.url) == "https://app.example.com:8443/a%20b?x=1&y=%20"
    assert (request.method, request.cookies.get("a")) == ("GET", "1")


@pytest.mark.parametrize(
    ("changed", "url"),
    [
        ({"raw_path": None}, "https://app.example.com/a%20b?x=1&y=%20"),
        ({"raw_path": b""}, "https://app.example.com/a%20b?x=1&y=%20"),
        ({"raw_path": b"*", "query_string": b""}, "https://app.example.com/*"),
        ({"scheme": "wss"}, "https://app.example.com/a%20b?x=1&y=%20"),
        ({"scheme": "ws"}, "http://app.example.com/a%20b?x=1&y=%20"),
        ({"headers": []}, "https://10.0.0.1:8000/a%20b?x=1&y=%20"),
        ({"headers": [(b"host", b"evil.example/path")]}, "https://10.0.0.1:8000/a%20b?x=1&y=%20"),
        ({"headers": [(b"host", b"user@evil.example")]}, "https://10.0.0.1:8000/a%20b?x=1&y=%20"),
        ({"headers": [], "server": None}, "https://localhost/a%20b?x=1&y=%20"),
        ({"headers": [], "server": ("/run/app.sock", None)}, "https://localhost/a%20b?x=1&y=%20"),
        ({"headers": [], "server": ("::1", 80)}, "https://localhost/a%20b?x=1&y=%20"),
        ({"scheme": "gopher"}, "http://localhost/"),
    ],
    ids=str,
)
def test_the_url_of_an_odd_scope(changed: dict[str, Any], url: str) -> None:
    assert str(ClerkRequest.from_asgi(scope_of(**changed)).url) == url


def test_a_websocket_scope_has_no_method() -> None:
    scope = scope_of(type="websocket", scheme="wss")
    del scope["method"]
    assert ClerkRequest.from_asgi(scope).method == "GET"


def test_repeated_headers_of_a_scope_are_joined() -> None:
    scope = scope_of(headers=[(b"host", b"a.example"), (b"cookie", b"a=1"), (b"cookie", b"b=2")])
    request = ClerkRequest.from_asgi(scope)
    assert (request.cookies.get("a"), request.cookies.get("b")) == ("1", "2")


@pytest.mark.parametrize("query", [b"__clerk_synced=true", b"x=1&__clerk_synced=true&__clerk_synced=false"])
def test_a_query_parameter_of_a_scope(query: bytes) -> None:
    assert ClerkRequest.from_asgi(scope_of(query_string=query)).query_param("__clerk_synced") == "true"


def test_an_encoded_query_parameter_of_a_scope() -> None:
    request = ClerkRequest.from_asgi(scope_of(query_string=b"%5F%5Fclerk%5Fsynced=true"))
    assert request.query_param("__clerk_synced") == "true"


@pytest.mark.parametrize("query", [b"", b"x=1", b"__clerk_other=1"])
def test_a_query_parameter_that_a_scope_has_not(query: bytes) -> None:
    assert ClerkRequest.from_asgi(scope_of(query_string=query)).query_param("__clerk_synced") is None


@pytest.mark.parametrize(
    ("method", "headers", "is_navigation"),
    [
        ("GET", {"sec-fetch-dest": "document"}, True),
        ("GET", {"accept": "text/html,*/*"}, True),
        ("GET", {"sec-fetch-dest": "iframe", "accept": "text/html"}, False),
        ("GET", {"sec-fetch-dest": "empty", "accept": "text/html"}, False),
        ("GET", {"accept": "application/json"}, False),
        ("GET", {}, False),
        ("POST", {"sec-fetch-dest": "document"}, False),
    ],
    ids=str,
)
def test_a_navigation_asks_for_a_document(method: str, headers: dict[str, str], is_navigation: bool) -> None:
    assert ClerkRequest(method, "https://a.example/", headers).is_navigation is is_navigation


# --- Behind a proxy --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({}, "http://10.0.0.1/x?y=1"),
        ({"host": "app.example.com"}, "http://app.example.com/x?y=1"),
        ({"x-forwarded-host": "app.example.com"}, "http://app.example.com/x?y=1"),
        ({"x-forwarded-proto": "https"}, "http://10.0.0.1/x?y=1"),
        ({"host": "10.0.0.1", "x-forwarded-proto": "https"}, "https://10.0.0.1/x?y=1"),
        (
            {"x-forwarded-host": "app.example.com, proxy.internal", "x-forwarded-proto": "https, http"},
            "https://app.example.com/x?y=1",
        ),
        ({"x-forwarded-host": "app.example.com:8443"}, "http://app.example.com:8443/x?y=1"),
        ({"x-forwarded-host": "evil.example/path"}, "http://10.0.0.1/x?y=1"),
        ({"x-forwarded-host": "user@evil.example"}, "http://10.0.0.1/x?y=1"),
        ({"x-forwarded-host": "a.example", "x-forwarded-proto": "javascript"}, "http://10.0.0.1/x?y=1"),
        ({"x-forwarded-host": "a.example:99999"}, "http://10.0.0.1/x?y=1"),
        ({"x-forwarded-host": "", "host": "a.example"}, "http://10.0.0.1/x?y=1"),
        ({"x-forwarded-host": "10.0.0.1"}, "http://10.0.0.1/x?y=1"),
    ],
    ids=str,
)
def test_the_url_that_a_trusted_proxy_tells(headers: dict[str, str], url: str) -> None:
    assert str(ClerkRequest("GET", "http://10.0.0.1/x?y=1", headers).seen_through_proxy().url) == url


def test_a_proxied_request_keeps_its_headers_and_loses_a_fragment() -> None:
    request = ClerkRequest("PUT", "http://10.0.0.1/x#y", {"host": "a.example", "cookie": "a=1"})
    seen = request.seen_through_proxy()
    assert (seen.method, str(seen.url), seen.cookies.get("a")) == ("PUT", "http://a.example/x", "1")


def test_a_header_is_found_whatever_the_case_of_its_name() -> None:
    request = ClerkRequest("GET", "https://a.example/", {"X-Tenant": "acme"})
    assert request.header("X-Tenant") == request.header("x-tenant") == "acme"


def test_a_forwarded_scheme_names_no_host() -> None:
    headers = {"x-forwarded-host": "app.example.com", "x-forwarded-proto": "https://evil.example"}
    request = ClerkRequest("GET", "http://app.example.com/x", headers)
    assert str(request.seen_through_proxy().url) == "http://app.example.com/x"


def test_a_wsgi_environment_is_read_as_a_scope_is() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "wsgi.url_scheme": "https",
        "HTTP_HOST": "app.example.com",
        "HTTP_SEC_FETCH_DEST": "document",
        "HTTP_COOKIE": "a=1; b=%32",
        "SCRIPT_NAME": "/mount",
        "PATH_INFO": "/caf\u00c3\u00a9 x",
        "QUERY_STRING": "q=1",
        "CONTENT_TYPE": "text/plain",
    }
    request = ClerkRequest.from_wsgi(environ)
    assert request.method == "POST"
    assert str(request.url) == "https://app.example.com/mount/caf%C3%A9%20x?q=1"
    assert request.header("Sec-Fetch-Dest") == "document"
    assert request.cookies == {"a": "1", "b": "2"}


def test_a_wsgi_environment_without_a_host_has_its_server() -> None:
    environ = {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "PATH_INFO": ""}
    assert str(ClerkRequest.from_wsgi(environ).url) == "http://127.0.0.1:8000/"
