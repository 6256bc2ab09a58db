"""What the Frontend API is sent: the client's headers and body, and what only the proxy may say."""

from __future__ import annotations

import io
import time
from typing import Any

import anyio
import pytest

from clerk_middleware import FrontendAPIProxy

from ..proxied import BOTH, HOST, PEER, SECRET_KEY, Answer, Ask, FrontendAPI, by_asgi, by_wsgi, configured

HOP_BY_HOP = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
]
FORGED = "6.6.6.6"
KILOBYTE = 1024


# --- Headers -------------------------------------------------------------------------------------------


@BOTH
def test_the_clients_headers_go_along(ask: Ask) -> None:
    api = FrontendAPI()
    own = [
        ("accept", "*/*"),
        ("accept-encoding", "br, zstd"),
        ("authorization", "Bearer ey"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", "__client=ey; a=b"),
        ("origin", "https://app.example.com"),
        ("user-agent", "Firefox \xe9"),
        ("x-anything", ""),
    ]
    ask(configured(), api, headers=[HOST, *own])
    assert [pair for pair in sorted(api.sent.headers) if pair in own] == own


@BOTH
def test_nothing_is_added_but_what_clerk_wants(ask: Ask) -> None:
    api = FrontendAPI()
    ask(configured(), api)
    assert sorted(api.sent.headers) == [
        ("clerk-proxy-url", "https://app.example.com/__clerk"),
        ("clerk-secret-key", SECRET_KEY),
        ("host", "frontend-api.clerk.dev"),
        ("x-forwarded-for", PEER),
        ("x-forwarded-host", "app.example.com"),
        ("x-forwarded-proto", "https"),
    ]


def test_several_headers_of_one_name_stay_several() -> None:
    api = FrontendAPI()
    by_asgi(configured(), api, headers=[HOST, ("cookie", "a=b"), ("accept", "x"), ("cookie", "c=d")])
    assert api.sent.all("cookie") == ["a=b", "c=d"]


@pytest.mark.parametrize("name", HOP_BY_HOP)
@BOTH
def test_headers_about_a_connection_end_here(ask: Ask, name: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, (name, "trailers"), ("x-after", "1")])
    assert api.sent.header(name) is None
    assert api.sent.header("x-after") == "1"


@pytest.mark.parametrize("name", ["expect", "http2-settings"])
@BOTH
def test_so_do_those_that_the_server_has_answered(ask: Ask, name: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, (name, "100-continue")])
    assert api.sent.header(name) is None


@BOTH
def test_so_do_those_that_the_client_names_in_connection(ask: Ask) -> None:
    api = FrontendAPI()
    named = "close, X-Named ,,x_under_score,host,clerk-secret-key, Clerk-Proxy-Url, x-forwarded-for, "
    named += "content-length"
    ask(
        configured(),
        api,
        method="POST",
        headers=[
            HOST,
            ("connection", named),
            ("x-named", "1"),
            ("x_under_score", "1"),
            ("x-unnamed", "1"),
            ("content-length", "2"),
        ],
        body=[b"ab"],
    )
    sent = api.sent
    assert (sent.header("x-named"), sent.header("x_under_score"), sent.header("x-under-score")) == (None,) * 3
    assert sent.header("x-unnamed") == "1"
    assert sent.header("host") == "frontend-api.clerk.dev"
    assert sent.header("clerk-secret-key") == SECRET_KEY
    assert sent.header("clerk-proxy-url") == "https://app.example.com/__clerk"
    assert sent.header("x-forwarded-for") == PEER
    assert sent.header("content-length") == "2"


@BOTH
def test_a_connection_header_with_very_many_names_takes_no_time(ask: Ask) -> None:
    api = FrontendAPI()
    named = ",".join(f"x{number}" for number in range(10_000))
    ask(configured(), api, headers=[HOST, ("connection", named), ("x9999", "1"), ("y", "1")])
    assert (api.sent.header("x9999"), api.sent.header("y")) == (None, "1")


@pytest.mark.parametrize("name", ["Clerk-Secret-Key", "clerk_secret_key", "CLERK-SECRET_KEY"])
@BOTH
def test_nobody_else_sets_the_secret_key(ask: Ask, name: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, (name, "sk_live_forged"), (name, "sk_live_again")])
    assert [value for _, value in api.sent.headers if value.startswith("sk_live")] == [SECRET_KEY]


@pytest.mark.parametrize("name", ["Clerk-Proxy-Url", "clerk_proxy_url"])
@BOTH
def test_nobody_else_sets_the_proxy_url(ask: Ask, name: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, (name, "https://evil.example/__clerk")])
    assert api.sent.header("clerk-proxy-url") == "https://app.example.com/__clerk"
    assert not any("evil" in value for _, value in api.sent.headers)


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for",
        "x_forwarded_for",
        "X-Forwarded_For",
        "x-forwarded",
        "x-forwarded-client-ip",
        "forwarded",
        "forwarded-for",
        "x-original-forwarded-for",
        "x-vercel-forwarded-for",
        "x-real-ip",
        "x_real_ip",
        "true-client-ip",
        "fastly-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-azure-clientip",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "x-remote-addr",
        "x-originating-ip",
        "x-envoy-external-address",
        "x-nf-client-connection-ip",
        "x-azure-socketip",
        "cf-pseudo-ipv4",
        "cdn-src-ip",
        "x-visitor-ip",
        "cf-ipcountry",
        "x-vercel-ip-country",
        "cloudfront-viewer-address",
        "CloudFront-Viewer-Country",
    ],
)
@BOTH
def test_nobody_says_who_they_are(ask: Ask, name: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, (name, FORGED)])
    assert not any(FORGED in value for _, value in api.sent.headers)
    assert api.sent.header("x-forwarded-for") == PEER


@pytest.mark.parametrize(
    "name",
    [
        "x-original-url",
        "X_Original_URL",
        "x-original-uri",
        "x-rewrite-url",
        "x-http-method-override",
        "x-method-override",
        "x-http-method",
        "x-host",
        "x-original-host",
        "x-backend-host",
        "x-http-host-override",
        "x-scheme",
        "x-url-scheme",
        "front-end-https",
        "proxy",
        "clerk-trusted",
        "clerk--secret-key",
        "clerk-secret-key.",
        "clerk.proxy-url",
    ],
)
@BOTH
def test_nobody_has_the_upstream_take_the_request_for_another(ask: Ask, name: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, (name, "TRACE")])
    assert not any("TRACE" in value for _, value in api.sent.headers)


@pytest.mark.parametrize(
    "name",
    [
        "clerk-api-version",
        "sec-ch-prefers-color-scheme",
        "user-agent",
        "x-mobile",
        "x-expo-sdk-version",
        "x-tooltip",
        "sec-fetch-user",
        "accept-ch-ua-platform",
        "x-hostile",
    ],
)
@BOTH
def test_what_only_looks_like_it_goes_along(ask: Ask, name: str) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, (name, "1")])
    assert api.sent.header(name) == "1"


@BOTH
def test_the_forwarded_host_and_scheme_are_the_requests(ask: Ask) -> None:
    api = FrontendAPI()
    forged = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-port", "1"),
    ]
    ask(configured(), api, headers=[("host", "app.example.com:8443"), *forged])
    assert api.sent.header("x-forwarded-host") == "app.example.com:8443"
    assert api.sent.header("x-forwarded-proto") == "https"
    assert api.sent.header("x-forwarded-port") is None
    assert api.sent.header("clerk-proxy-url") == "https://app.example.com:8443/__clerk"


@BOTH
def test_forwarded_headers_are_believed_where_a_proxy_is_said_to_set_them(ask: Ask) -> None:
    api = FrontendAPI()
    forwarded = [("x-forwarded-host", "www.example.com"), ("x-forwarded-proto", "https")]
    ask(configured(trust_forwarded_headers=True), api, headers=[HOST, *forwarded], scheme="http")
    assert api.sent.header("clerk-proxy-url") == "https://www.example.com/__clerk"
    assert api.sent.header("x-forwarded-host") == "www.example.com"
    assert api.sent.header("x-forwarded-proto") == "https"


@BOTH
def test_a_proxy_url_that_is_one_is_sent_as_it_is(ask: Ask) -> None:
    api = FrontendAPI()
    config = configured(proxy_url="https://www.example.com/__clerk/")
    ask(config, api, headers=[("host", "evil.example")])
    assert api.sent.header("clerk-proxy-url") == "https://www.example.com/__clerk"


BAD_HEADERS = [
    ("x-a\r\nclerk-secret-key", "1"),
    ("x-a: b\nx-c", "1"),
    ("x a", "1"),
    ("", "1"),
    ("x-\xb5", "1"),
    ("x-\xff", "1"),
    ("x-a", "1\r\nclerk-proxy-url: https://evil.example"),
    ("x-a", "1\n x"),
    ("x-a", "1\0"),
    ("x-a", "\x0b1"),
    ("x-a", "\x7f"),
]


@pytest.mark.parametrize(("name", "value"), BAD_HEADERS)
@BOTH
def test_a_header_that_is_none_is_refused(ask: Ask, name: str, value: str) -> None:
    api = FrontendAPI()
    answer = ask(configured(), api, headers=[HOST, (name, value)])
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])


def test_white_space_around_a_header_is_none_of_it() -> None:
    api = FrontendAPI()
    by_asgi(configured(), api, headers=[HOST, ("x-a", " \tb c\t ")])
    assert api.sent.header("x-a") == "b c"


# --- The client's address ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (PEER, PEER),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", PEER),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%\xe9\r\nx: y", "fe80::1"),
        ("unix:", None),
        ("/run/app.sock", None),
        ("", None),
        (None, None),
    ],
)
@BOTH
def test_the_other_end_of_the_connection_is_the_client(
    ask: Ask, peer: str | None, address: str | None
) -> None:
    api = FrontendAPI()
    ask(configured(), api, peer=peer)
    assert api.sent.header("x-forwarded-for") == address


NEAR, FAR = "198.51.100.1", "198.51.100.2"


@pytest.mark.parametrize(
    ("trusted", "chain", "address"),
    [
        (0, [NEAR], PEER),
        (1, [], PEER),
        (1, [""], PEER),
        (1, [NEAR], NEAR),
        (1, [f"{FORGED}, {NEAR}"], NEAR),
        (1, [FORGED, NEAR], NEAR),
        (1, [f"{FORGED},,, {NEAR}"], NEAR),
        (1, [f"{NEAR}, unknown"], PEER),
        (1, [f"{NEAR}:50000"], NEAR),
        (1, ["[2001:db8::1]:50000"], "2001:db8::1"),
        (1, ["[2001:db8::1"], "2001:db8::1"),
        (1, ["2001:db8::1%evil"], "2001:db8::1"),
        (1, ["1.2.3.4.5"], PEER),
        (1, ["010.0.0.1"], PEER),
        (1, ["1" * 5000], PEER),
        (2, [NEAR], PEER),
        (2, [f"{FAR}, {NEAR}"], FAR),
        (2, [f"{FORGED}, {FAR}, {NEAR}"], FAR),
        (2, [f"{FORGED}, {FAR}", NEAR], FAR),
        (2, [f"{FORGED}; x, {NEAR}"], PEER),
        (9, [f"{FAR}, {NEAR}"], PEER),
    ],
)
@BOTH
def test_trusted_proxies_say_who_the_client_is(
    ask: Ask, trusted: int, chain: list[str], address: str
) -> None:
    api = FrontendAPI()
    config = configured(frontend_api_proxy=FrontendAPIProxy(trusted_proxies=trusted))
    ask(config, api, headers=[HOST, *(("x-forwarded-for", value) for value in chain)])
    assert api.sent.header("x-forwarded-for") == address


@pytest.mark.parametrize(("trust", "address"), [(True, NEAR), (False, PEER)])
@BOTH
def test_where_forwarded_headers_are_believed_one_proxy_is(ask: Ask, trust: bool, address: str) -> None:
    api = FrontendAPI()
    chain = [("x-forwarded-for", f"{FORGED}, {NEAR}")]
    ask(configured(trust_forwarded_headers=trust), api, headers=[HOST, *chain])
    assert api.sent.header("x-forwarded-for") == address


# --- Method and body -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@BOTH
def test_the_method_is_kept(ask: Ask, method: str) -> None:
    api = FrontendAPI()
    assert ask(configured(), api, method=method).status == 200
    assert api.sent.method == method


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "get", "PROPFIND", "PRI", ""])
@BOTH
def test_other_methods_are_refused(ask: Ask, method: str) -> None:
    """TRACE would have the secret key come back."""
    api = FrontendAPI()
    answer = ask(configured(), api, method=method)
    assert (answer.status, answer.code, api.asked) == (405, "proxy_request_refused", [])
    assert answer.header("allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def posted(*body: bytes, **headers: Any) -> dict[str, Any]:
    """A request with a body that says how long it is, unless *headers* says otherwise."""
    named = {"content_length": str(sum(map(len, body)))} | headers
    pairs = [(name.replace("_", "-"), value) for name, value in named.items() if value is not None]
    return {"method": "POST", "headers": [HOST, *pairs], "body": list(body)}


@pytest.mark.parametrize("size", [1, 64 * KILOBYTE - 1, 64 * KILOBYTE, 64 * KILOBYTE + 1, 300 * KILOBYTE])
@BOTH
def test_a_body_goes_along_with_its_length(ask: Ask, size: int) -> None:
    api = FrontendAPI()
    body = bytes(range(256)) * (size // 256 + 1)
    parts = [body[at : min(at + 10_000, size)] for at in range(0, size, 10_000)]
    assert ask(configured(), api, **posted(*parts)).status == 200
    assert api.sent.body == body[:size]
    assert api.sent.header("content-length") == str(size)
    assert api.sent.header("transfer-encoding") is None


def test_a_chunk_may_be_empty() -> None:
    api = FrontendAPI()
    large = bytes(100 * KILOBYTE)
    by_asgi(configured(), api, **posted(b"", large, b"", b"x", b""))
    assert api.sent.body == large + b"x"


@BOTH
def test_a_post_without_a_body_says_so(ask: Ask) -> None:
    api = FrontendAPI()
    ask(configured(), api, method="POST")
    assert (api.sent.body, api.sent.header("content-length")) == (b"", "0")
    assert api.sent.header("transfer-encoding") is None


@BOTH
def test_a_get_without_a_body_says_nothing(ask: Ask) -> None:
    api = FrontendAPI()
    ask(configured(), api, headers=[HOST, ("content-length", "0")])
    assert (api.sent.header("content-length"), api.sent.header("transfer-encoding")) == (None, None)


CHUNKED = {"content_length": None, "transfer_encoding": "chunked"}


@pytest.mark.parametrize("coding", ["chunked", "Chunked", " CHUNKED\t"])
@pytest.mark.parametrize("size", [0, 5, 64 * KILOBYTE, 200 * KILOBYTE])
@BOTH
def test_a_body_may_come_in_chunks(ask: Ask, size: int, coding: str) -> None:
    api = FrontendAPI()
    terminated = {"wsgi.input_terminated": True} if ask is by_wsgi else {}
    body = bytes(size)
    request = posted(*([body[: size // 2], body[size // 2 :]] if size else []), **CHUNKED)
    request["headers"][-1] = ("transfer-encoding", coding)
    assert ask(configured(), api, **request, **terminated).status == 200
    assert api.sent.body == body
    assert len(api.sent.all("content-length") + api.sent.all("transfer-encoding")) == 1
    if size < 64 * KILOBYTE:
        assert api.sent.header("content-length") == str(size)


def test_wsgi_takes_no_chunks_from_a_server_that_does_not_say_where_they_end() -> None:
    api = FrontendAPI()
    answer = by_wsgi(configured(), api, **posted(b"body", **CHUNKED))
    assert (answer.status, answer.code, api.asked) == (411, "proxy_request_refused", [])


def test_in_http_2_a_body_needs_no_word_on_its_length() -> None:
    api = FrontendAPI()
    for body in ([], [b"a", b"b"], [bytes(40 * KILOBYTE)] * 4):
        request = posted(*body, content_length=None)
        assert by_asgi(configured(), api, **request, http_version="2").status == 200
        assert api.asked[-1].body == b"".join(body)
    assert api.asked[0].header("content-length") == "0"


AMBIGUOUS = [
    {"content_length": "5", "transfer_encoding": "chunked"},
    {"content_length": None, "transfer_encoding": "gzip, chunked"},
    {"content_length": None, "transfer_encoding": "chunked, chunked"},
    {"content_length": None, "transfer_encoding": "identity"},
    {"content_length": None, "transfer_encoding": "xchunked"},
    {"content_length": None, "transfer_encoding": ""},
    {"content_length": "+5"},
    {"content_length": "-5"},
    {"content_length": "5, 5"},
    {"content_length": "5,6"},
    {"content_length": "0x5"},
    {"content_length": "5 5"},
    {"content_length": "5_0"},
    {"content_length": "5.0"},
    {"content_length": "\xb2"},
    {"content_length": "9" * 19},
]


@pytest.mark.parametrize("headers", AMBIGUOUS, ids=str)
@BOTH
def test_a_length_that_can_be_read_in_two_ways_is_refused(ask: Ask, headers: dict[str, Any]) -> None:
    api = FrontendAPI()
    terminated = {"wsgi.input_terminated": True} if ask is by_wsgi else {}
    answer = ask(configured(), api, **posted(b"hello", **headers), **terminated)
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])


@pytest.mark.parametrize(
    "headers",
    [
        [("content-length", "5"), ("content-length", "6")],
        [("content-length", "5"), ("content_length", "6")],
        [("content-length", "5"), ("transfer_encoding", "chunked")],
        [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        [("transfer-encoding", "chunked"), ("transfer-encoding", "identity")],
    ],
)
def test_two_lengths_are_refused(headers: Any) -> None:
    api = FrontendAPI()
    answer = by_asgi(configured(), api, method="POST", headers=[HOST, *headers], body=[b"hello"])
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])
    assert answer.header("connection") == "close"


def test_http_2_has_no_connection_to_close() -> None:
    headers = [HOST, ("content-length", "+5")]
    assert (
        by_asgi(configured(), FrontendAPI(), headers=headers, http_version="2").header("connection") is None
    )


def test_the_same_length_twice_is_one() -> None:
    api = FrontendAPI()
    headers = [HOST, ("content-length", "5"), ("content-length", "5")]
    by_asgi(configured(), api, method="POST", headers=headers, body=[b"hello"])
    assert (api.sent.header("content-length"), api.sent.body) == ("5", b"hello")


LARGE = 100 * KILOBYTE


@pytest.mark.parametrize(("length", "size"), [(6, 5), (LARGE, LARGE - 1), (LARGE, 5)])
@BOTH
def test_a_body_shorter_than_it_says_is_refused(ask: Ask, length: int, size: int) -> None:
    api = FrontendAPI()
    answer = ask(configured(), api, **posted(bytes(size), content_length=str(length)))
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])


@pytest.mark.parametrize(("length", "size"), [(4, 5), (LARGE, LARGE + 1)])
def test_a_body_longer_than_it_says_is_refused(length: int, size: int) -> None:
    api = FrontendAPI()
    answer = by_asgi(configured(), api, **posted(bytes(size), content_length=str(length)))
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])


def test_wsgi_leaves_what_is_beyond_the_body_unread() -> None:
    api = FrontendAPI()
    stream = io.BytesIO(b"helloGET / HTTP/1.1")
    by_wsgi(configured(), api, **posted(b"hello"), **{"wsgi.input": stream})
    assert (api.sent.body, stream.read()) == (b"hello", b"GET / HTTP/1.1")


class Broken(io.RawIOBase):
    """As servers raise errors of their own for a client that is gone or sends bad chunks."""

    def read(self, size: int = -1) -> bytes:
        raise OSError("request data read error")


def test_wsgi_refuses_a_body_that_cannot_be_read() -> None:
    api = FrontendAPI()
    answer = by_wsgi(configured(), api, **posted(b"hello"), **{"wsgi.input": Broken()})
    assert (answer.status, answer.code, api.asked) == (400, "proxy_request_refused", [])


class InDrops(io.RawIOBase):
    """Gives less than it is asked for, as raw streams do."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        count = min(size, 1000, self._left)
        self._left -= count
        return bytes(count)


def test_wsgi_reads_on_where_there_is_less_than_it_asks_for() -> None:
    api = FrontendAPI()
    request = posted(bytes(150_000))
    assert by_wsgi(configured(), api, **request, **{"wsgi.input": InDrops(150_000)}).status == 200
    assert len(api.sent.body) == 150_000


@BOTH
def test_time_outs_are_those_of_the_configuration(ask: Ask) -> None:
    api = FrontendAPI()
    proxy = FrontendAPIProxy(connect_timeout_in_ms=1500, read_timeout_in_ms=2500)
    ask(configured(frontend_api_proxy=proxy), api)
    assert api.sent.timeout == {"connect": 1.5, "pool": 1.5, "read": 2.5, "write": 2.5}


# --- A client that goes away, or is slow ---------------------------------------------------------------


def asked_with(
    messages: list[dict[str, Any]], api: FrontendAPI, *, length: int, pause: float = 0, **options: Any
) -> Answer:
    """Ask by ASGI, the server having *messages* for the proxy, and then nothing."""
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        await anyio.sleep(pause)
        message = next(left, None)
        return message if message is not None else await anyio.sleep_forever()

    config = configured(frontend_api_proxy=FrontendAPIProxy(**options))
    headers = [HOST, ("content-length", str(length))]
    return by_asgi(config, api, method="POST", headers=headers, receive=receive)


@pytest.mark.parametrize("sent", [0, 10, LARGE])
def test_a_client_that_is_gone_is_not_answered(sent: int) -> None:
    api = FrontendAPI()
    messages = [{"type": "http.request", "body": bytes(sent), "more_body": True}, {"type": "http.disconnect"}]
    answer = asked_with(messages, api, length=LARGE * 2)
    assert (answer.status, answer.error, api.asked) == (0, None, [])


def test_a_client_that_stops_sending_is_refused() -> None:
    api = FrontendAPI()
    messages = [{"type": "http.request", "body": b"x", "more_body": True}]
    answer = asked_with(messages, api, length=10, read_timeout_in_ms=50)
    assert (answer.status, answer.code, api.asked) == (408, "proxy_request_refused", [])
    assert answer.header("connection") == "close"


@pytest.mark.parametrize("length", [10_000, LARGE])
def test_a_client_that_drips_is_refused_though_no_pause_is_long(length: int) -> None:
    api = FrontendAPI()
    messages = [{"type": "http.request", "body": bytes(length - 1000), "more_body": True}]
    messages += [{"type": "http.request", "body": b"x", "more_body": True}] * 1000
    began = time.monotonic()
    answer = asked_with(messages, api, length=length, read_timeout_in_ms=300, pause=0.02)
    assert (answer.status, answer.code, api.asked) == (408, "proxy_request_refused", [])
    assert time.monotonic() - began < 10  # and not 20
