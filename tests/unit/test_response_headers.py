"""What authenticating adds to an application's response."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clerk_middleware import ClerkConfig, RequestState
from clerk_middleware.response_headers import cookies_of, is_for_caches, latin_1, with_clerk_headers

from .backend import CannedBackend, error
from .conftest import Decide

MakeConfig = Callable[..., ClerkConfig]
Pairs = list[tuple[str, str]]

PLAIN = ("Content-Type", "text/plain")
VARY = ("vary", "Authorization, Cookie")


def state(status: Any = "signed-in", *headers: tuple[str, str]) -> RequestState:
    return RequestState(status, token_type="session_token", headers=list(headers))


REFRESHED = state(
    "signed-in",
    ("set-cookie", "__session=1"),
    ("access-control-allow-origin", "null"),
    ("cache-control", "no-store"),
    ("set-cookie", "__client_uat=2"),
)


def as_text(own: Iterable[tuple[str, str]], state: RequestState) -> Pairs:
    """As WSGI has headers."""
    return with_clerk_headers(200, own, state, str)


def as_bytes(own: Iterable[tuple[str, str]], state: RequestState) -> Pairs:
    """As ASGI has them."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in own]
    sent = with_clerk_headers(200, pairs, state, latin_1)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent]


Protocol = Callable[[Iterable[tuple[str, str]], RequestState], Pairs]


@pytest.fixture(params=[as_text, as_bytes])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    made: Protocol = request.param
    return made


@pytest.mark.parametrize("name", ["__clerk_handshake_nonce", "__clerk_handshake"])
def test_a_handshakes_result_that_was_of_no_use_is_forgotten(
    name: str, decide: Decide, config: MakeConfig, backend: CannedBackend
) -> None:
    """In production it is a cookie. One that stays would have each request signed out until it expires."""
    backend.on("GET /v1/clients/handshake_payload", error(404, "resource_not_found"))
    cookies = {"__clerk_handshake_nonce": "used", name: "used"}
    lines = cookies_of(decide(config(), cookies=cookies | {"x": "y"}))
    assert lines == [f"{each}=; Path=/; Max-Age=0" for each in cookies]
    assert cookies_of(decide(config(), cookies={"x": "y"})) == []


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        ([], "Authorization, Cookie"),
        ([""], "Authorization, Cookie"),
        ([" , ,"], "Authorization, Cookie"),
        (["Accept"], "Accept, Authorization, Cookie"),
        (["Accept , Origin", "Cookie"], "Accept, Origin, Cookie, Authorization"),
        (["authorization,COOKIE"], "authorization, COOKIE"),
        (["*"], "*"),
        (["Accept", "*"], "Accept, *"),
        (["Cookies, X-Authorization"], "Cookies, X-Authorization, Authorization, Cookie"),
    ],
)
def test_vary_is_merged(protocol: Protocol, values: list[str], merged: str) -> None:
    own = [("Vary", value) for value in values]
    assert protocol(own, state()) == [("vary", merged)]


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(st.text()))
def test_vary_loses_no_name_and_gets_both(values: list[str]) -> None:
    [(_, merged)] = as_text([("Vary", value) for value in values], state())
    names = [name.strip().lower() for name in merged.split(",")]
    assert {item.strip().lower() for value in values for item in value.split(",")} - {""} <= set(names)
    assert "*" in names or {"authorization", "cookie"} <= set(names)
    assert as_text([("Vary", merged)], state()) == [("vary", merged)]


def test_cookies_are_those_of_a_state_but_of_a_handshake() -> None:
    assert cookies_of(state()) == []
    assert cookies_of(REFRESHED) == ["__session=1", "__client_uat=2"]
    assert cookies_of(state("handshake", ("set-cookie", "__clerk_redirect_count=1"))) == []


def test_without_cookies_only_vary_is_added(protocol: Protocol) -> None:
    own = [PLAIN, ("vary", "Accept"), ("Cache-Control", "max-age=60"), ("X-A", "1"), ("VARY", "Origin")]
    kept = [PLAIN, ("Cache-Control", "max-age=60"), ("X-A", "1")]
    assert protocol(own, state()) == [*kept, ("vary", "Accept, Origin, Authorization, Cookie")]
    assert protocol(iter([PLAIN]), state("signed-out")) == [PLAIN, VARY]


def test_with_cookies_nothing_may_be_stored(protocol: Protocol) -> None:
    own = [PLAIN, ("cache-control", "public"), ("CACHE-CONTROL", "max-age=60"), ("set-cookie", "theme=dark")]
    assert protocol(own, REFRESHED) == [
        PLAIN,
        ("set-cookie", "theme=dark"),
        ("cache-control", "no-store"),
        ("set-cookie", "__session=1"),
        ("set-cookie", "__client_uat=2"),
        VARY,
    ]
    assert len(own) == 4


@pytest.mark.parametrize(
    "header",
    [
        ("Expires", "Thu, 31 Dec 2099 23:59:59 GMT"),
        ("CDN-Cache-Control", "max-age=600"),  # of any CDN: RFC 9213
        ("Cloudflare-CDN-Cache-Control", "max-age=600"),
        ("Vercel-CDN-Cache-Control", "max-age=600"),
        ("Surrogate-Control", "max-age=600"),
        ("X-Accel-Expires", "600"),
    ],
)
def test_what_goes_before_no_store_goes_with_cookies_and_only_then(
    header: tuple[str, str], protocol: Protocol
) -> None:
    name, value = header
    for written in (name, name.lower(), name.upper()):
        own = [(written, value), PLAIN]
        refreshed = protocol(own, REFRESHED)
        assert [sent for sent, _ in refreshed] == [
            PLAIN[0], "cache-control", "set-cookie", "set-cookie", "vary",
        ]  # fmt: skip
        assert refreshed[1] == ("cache-control", "no-store")
        assert protocol(own, state()) == [*own, VARY]
    assert is_for_caches(name.lower())
    assert is_for_caches(latin_1(name.lower()))


@pytest.mark.parametrize("name", ["content-type", "set-cookie", "etag", "x-expires", "cache", "age"])
def test_what_says_nothing_to_caches_stays(name: str, protocol: Protocol) -> None:
    assert (name, "1") in protocol([(name, "1")], REFRESHED)
    assert not is_for_caches(name)


@pytest.mark.parametrize("decided", [state(), REFRESHED])
def test_bytes_that_are_no_text_go_out_as_they_came(decided: RequestState) -> None:
    """What is wrong with them is the server's to say."""
    own = [(b"X-\xff", b"\xfe\x00"), (b"Vary", b"X-\xff")]
    sent = with_clerk_headers(200, own, decided, latin_1)
    assert sent[0] == (b"X-\xff", b"\xfe\x00")
    assert sent[-1] == (b"vary", b"X-\xff, Authorization, Cookie")
