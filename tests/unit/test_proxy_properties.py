"""Properties of the Frontend API proxy that hold whatever a client sends (Hypothesis)."""

from __future__ import annotations

import logging
import re
import traceback
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

import h11
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clerk_middleware import ClerkConfig, FrontendAPIProxy

from ..proxied import (
    HOST,
    PEER,
    SECRET_KEY,
    Answer,
    Ask,
    FrontendAPI,
    Reply,
    Sent,
    by_asgi,
    by_wsgi,
    configured,
)

many = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

PROXIES = {PEER, "198.51.100.1"}
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
}
FORGEABLE = {"x-real-ip", "x-original-url"}


@cache
def configurations() -> list[Any]:
    """As applications have them: with a path, a URL, proxies before them, as a satellite, or by request."""
    trusting = FrontendAPIProxy(trusted_proxies=1)
    satellite = {"is_satellite": True, "domain": "satellite.example"}

    def by_request(request: Any) -> ClerkConfig:
        return configured()

    return [
        configured(),
        configured(proxy_url="https://www.example.com/__clerk"),
        configured(frontend_api_proxy=trusting, trust_forwarded_headers=True),
        configured(**satellite, fapi_url="http://127.0.0.1:8700"),
        by_request,
    ]


SPELLED = st.lists(
    st.sampled_from(
        [
            *"/\\.;:@?#%&=a~é \0\r\n\t",
            "..",
            "//",
            "%2e",
            "%2E%2e",
            "%2f",
            "%5c",
            "%252e",
            "%25",
            "%00",
            "%0d%0a",
            "%c0%ae",
            "%ff",
            "/__clerk",
            "/v1",
            "evil.example",
            "http://evil.example",
            "@evil.example:80",
            "[::1]",
        ]
    ),
    max_size=8,
).map(lambda parts: "".join(parts).encode())
TARGETS = st.one_of(
    st.binary(max_size=20).map(lambda tail: b"/__clerk/" + tail),
    SPELLED.map(lambda tail: b"/__clerk" + tail),
    SPELLED.map(lambda tail: b"/__clerk/v1/client?" + tail),
    SPELLED,
)

NAMES = st.sampled_from(
    [
        "Connection",
        "te",
        "upgrade",
        "Keep-Alive",
        "proxy-authorization",
        "Clerk-Secret-Key",
        "clerk_secret_key",
        "Clerk-Proxy-Url",
        "clerk_proxy_url",
        "X-Forwarded-For",
        "x_forwarded_for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "X_Original_Url",
        "cookie",
        "x-named",
        "x_named",
        "x-other",
    ]
).map(str.encode)
VALUES = st.sampled_from(
    [
        "close, x-named, clerk-secret-key, host",
        "x_named",
        "trailers",
        "6.6.6.6",
        "6.6.6.6, 198.51.100.1",
        "fe80::1%\xe9",
        "sk_live_forged",
        "",
    ]
).map(lambda text: text.encode("latin-1"))
SOUND = st.lists(st.tuples(NAMES, VALUES), max_size=5)
#: What says where a body ends, and for whom the request is; one may be fine, some are together, most are not.
FRAMING = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([b"content-length", b"Content_Length"]),
            st.sampled_from([b"0", b"2", b"3", b"+2", b"2, 2"]),
        ),
        st.tuples(
            st.sampled_from([b"transfer-encoding", b"Transfer_Encoding"]),
            st.sampled_from([b"chunked", b"Chunked", b"gzip, chunked"]),
        ),
        st.tuples(st.just(b"Host"), st.sampled_from([b"app.example.com", b"evil.example", b"a@b", b""])),
    ),
    min_size=1,
    max_size=2,
)
WILD = st.lists(
    st.tuples(
        st.one_of(NAMES, st.binary(min_size=1, max_size=8)),
        st.one_of(VALUES, st.just(b"x\r\nclerk-proxy-url: y"), st.just(b"\0"), st.binary(max_size=20)),
    ),
    max_size=3,
)
HEADERS = st.one_of(SOUND, SOUND, st.builds(list.__add__, SOUND, FRAMING), WILD)
METHODS = st.one_of(
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "DELETE"]),
    st.sampled_from(["TRACE", "CONNECT"]),
    st.text(st.characters(max_codepoint=255), max_size=5),
)
PLAIN_TARGETS = st.sampled_from(
    [b"/__clerk", b"/__clerk/v1/client?a=b", b"/__clerk/npm/@clerk/clerk-js@5/a.js"]
)


class Tally:
    """How many requests got through, so that a property can say that it was tested."""

    def __init__(self) -> None:
        self.asked = self.passed = 0

    def ask_all(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: list[bytes]
    ) -> None:
        """Ask every configuration by ASGI and WSGI, and see that what comes of it is right."""
        lines = _Lines()
        loggers = [logging.getLogger(name) for name in ("", "httpx", "httpcore", "clerk_middleware")]
        levels = [logger.level for logger in loggers]
        loggers[0].addHandler(lines)
        for each in loggers:
            each.setLevel(logging.DEBUG)
        try:
            for config in configurations():
                for ask in (by_asgi, by_wsgi):
                    answer, api = Answer(), FrontendAPI(Reply())
                    answer = ask(config, api, target, method=method, headers=headers, body=body)
                    check(answer, api, config, headers, body)
                    self.asked += 1
                    self.passed += answer.status == 200
        finally:
            loggers[0].removeHandler(lines)
            for each, level in zip(loggers, levels, strict=True):
                each.setLevel(level)
        assert SECRET_KEY not in str(lines.seen)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


def check(answer: Answer, api: FrontendAPI, config: Any, headers: Any, body: list[bytes]) -> None:
    assert answer.error is None, "".join(traceback.format_exception(answer.error))
    assert answer.is_complete
    assert SECRET_KEY not in f"{answer.pairs} {answer.body!r}"
    if answer.status != 200:
        assert 400 <= answer.status < 500
        if answer.body:  # which HEAD has none of
            assert answer.code in ("proxy_path_mismatch", "proxy_request_refused")
        assert api.asked == []
        return
    assert not is_ambiguous(headers)
    sent = api.sent
    fapi_url = getattr(config, "fapi_url", None) or "https://frontend-api.clerk.dev"
    assert sent.origin == fapi_url
    assert sent.all("host") == [fapi_url.partition("://")[2]]
    check_target(sent.target)
    check_headers(sent, config, headers)
    assert b"".join(body).startswith(sent.body)
    if not any(plain(name) in ("content-length", "transfer-encoding") for name, _ in headers):
        assert sent.body == b""


def plain(name: bytes) -> str:
    return name.decode("latin-1").lower().replace("_", "-")


def is_ambiguous(headers: Any) -> bool:
    """Whether two servers may disagree on what these headers say of the request."""
    values = {
        kind: [value.strip(b" \t").lower() for name, value in headers if plain(name) == kind]
        for kind in ("content-length", "transfer-encoding", "host")
    }
    lengths, codings, hosts = values.values()
    return (
        bool(lengths and codings)
        or codings not in ([], [b"chunked"])
        or len(set(lengths)) > 1
        or not all(length.isdigit() for length in lengths)
        or len(hosts) > 1
        or any(host in (b"", b"a@b") for host in hosts)
    )


def check_target(target: str) -> None:
    path = target.partition("?")[0].encode("ascii")
    assert target.isprintable()
    assert "#" not in target
    assert " " not in target
    assert path.startswith(b"/")
    for text in (path, unquote_to_bytes(path), unquote_to_bytes(unquote_to_bytes(path))):
        assert not text.startswith(b"//")
        assert b"\\" not in text
        assert text.count(b"/") == path.count(b"/")
        assert not re.search(rb"[\x00-\x1f\x7f]|\xc0[\xae\xaf]", text)
        assert not {b".", b".."} & {segment.partition(b";")[0] for segment in text.split(b"/")}


def check_headers(sent: Sent, config: Any, headers: Any) -> None:
    assert sent.header("clerk-secret-key") == SECRET_KEY
    url = sent.header("clerk-proxy-url")
    assert url is not None
    assert re.fullmatch(r"https://[A-Za-z0-9.:~_-]+/__clerk", url)
    assert sent.header("x-forwarded-for") is not None
    assert set(sent.all("x-forwarded-for")) <= PROXIES | {
        "6.6.6.6",
        "fe80::1",
    }
    if not getattr(config, "trust_forwarded_headers", False):
        assert sent.header("x-forwarded-for") == PEER
    named = {
        item.strip().lower().replace(b"_", b"-").decode("latin-1")
        for name, value in headers
        if name.lower() == b"connection"
        for item in value.split(b",")
    }
    own = {"host", "clerk-secret-key", "clerk-proxy-url", "content-length", "transfer-encoding"}
    own |= {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
    names = [name.replace("_", "-") for name, _ in sent.headers]
    assert not set(names) & (HOP_BY_HOP | FORGEABLE)
    assert not set(names) & (named - own)
    for name in own:
        assert names.count(name) <= 1
    assert names.count("content-length") + names.count("transfer-encoding") <= 1
    parsed = h11.Connection(h11.SERVER)
    parsed.receive_data(_on_the_wire(sent))
    request = parsed.next_event()
    assert isinstance(request, h11.Request)
    assert len(request.headers) == len(sent.headers)


def _on_the_wire(sent: Sent) -> bytes:
    lines = [f"{sent.method} {sent.target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def test_any_target() -> None:
    tally = Tally()

    @many
    @given(TARGETS)
    @example(b"/__clerk//evil.example")
    @example(b"/__clerk/%2e%2e%2f")
    @example(b"/__clerk/\\evil.example")
    def holds(target: bytes) -> None:
        tally.ask_all("GET", target, [(b"host", b"app.example.com")], [])

    holds()
    assert tally.passed > tally.asked / 10


def test_any_headers() -> None:
    tally = Tally()

    @many
    @given(HEADERS)
    @example([(b"connection", b"x_named"), (b"x-named", b"1")])
    @example([(b"X_FORWARDED_FOR", b"6.6.6.6")])
    @example([(b"x-\xb5", b"1")])
    @example([(b"x-real-ip", b"6.6.6.6")])
    @example([(b"Clerk-Secret-Key", b"sk_live_forged"), (b"clerk_proxy_url", b"https://evil.example")])
    @example([(b"te", b"trailers"), (b"upgrade", b"h2c")])
    @example([(b"Host", b"evil.example")])
    @example([(b"content-length", b"0"), (b"transfer-encoding", b"chunked")])
    @example([(b"content-length", b"0"), (b"Content_Length", b"2")])
    def holds(headers: list[tuple[bytes, bytes]]) -> None:
        tally.ask_all("GET", b"/__clerk/v1/client", [(b"host", b"app.example.com"), *headers], [])

    holds()
    assert tally.passed > tally.asked / 10


def test_any_request() -> None:
    tally = Tally()

    @many
    @given(
        HEADERS,
        METHODS,
        st.one_of(PLAIN_TARGETS, PLAIN_TARGETS, TARGETS),
        st.lists(st.binary(max_size=4), max_size=3),
    )
    @example([(b"transfer-encoding", b"chunked")], "POST", b"/__clerk/v1", [b"ab", b"c"])
    @example([(b"content-length", b"3")], "POST", b"/__clerk/v1", [b"ab", b"c"])
    @example([(b"host", b"a@b")], "GET", b"/__clerk/v1", [])
    @example([(b"host", b"a"), (b"host", b"b")], "GET", b"/__clerk/v1", [])
    def holds(headers: list[tuple[bytes, bytes]], method: str, target: bytes, body: list[bytes]) -> None:
        tally.ask_all(method, target, headers, body)

    holds()
    assert tally.passed > tally.asked / 10


@many
@given(HEADERS, st.integers(200, 599))
@example([(b"location", b"//[")], 302)
@example([(b"location", b"http://a:99999/")], 302)
def test_any_answer(headers: list[tuple[bytes, bytes]], status: int) -> None:
    headers = [*headers, *((b"location", value) for _, value in headers)]
    asks: list[Ask] = [by_asgi, by_wsgi]
    for ask in asks:
        answer = ask(configured(), FrontendAPI(Reply(status, headers, [])), headers=[HOST])
        assert (answer.status, answer.error, answer.is_complete) == (status, None, True)
        assert not {name for name, _ in answer.pairs} & (
            HOP_BY_HOP | {"transfer-encoding", "clerk-secret-key"}
        )
        for name, value in answer.pairs:
            assert re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)
            assert not re.search(r"[\r\n\0]", value)
