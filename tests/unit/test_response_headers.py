"""What authenticating adds to an application's response."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clerk_middleware import RequestState
from clerk_middleware.response_headers import completed, cookies_of, varied

PLAIN = ("Content-Type", "text/plain")
VARY = ("Vary", "Authorization, Cookie")


def state(status: Any = "signed-in", *headers: tuple[str, str]) -> RequestState:
    return RequestState(status, token_type="session_token", headers=list(headers))


REFRESHED = state(
    "signed-in",
    ("set-cookie", "__session=1"),
    ("access-control-allow-origin", "null"),
    ("cache-control", "no-store"),
    ("set-cookie", "__client_uat=2"),
)


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
def test_vary_is_merged(values: list[str], merged: str) -> None:
    assert varied(values) == merged


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(st.text()))
def test_vary_loses_no_name_and_gets_both(values: list[str]) -> None:
    names = [name.strip().lower() for name in varied(values).split(",")]
    assert {item.strip().lower() for value in values for item in value.split(",")} - {""} <= set(names)
    assert "*" in names or {"authorization", "cookie"} <= set(names)
    assert varied([varied(values)]) == varied(values)


def test_cookies_are_those_of_a_state_but_of_a_handshake() -> None:
    assert cookies_of(state()) == []
    assert cookies_of(REFRESHED) == ["__session=1", "__client_uat=2"]
    assert cookies_of(state("handshake", ("set-cookie", "__clerk_redirect_count=1"))) == []


def test_without_cookies_only_vary_is_added() -> None:
    own = [PLAIN, ("vary", "Accept"), ("Cache-Control", "max-age=60"), ("X-A", "1"), ("VARY", "Origin")]
    kept = [PLAIN, ("Cache-Control", "max-age=60"), ("X-A", "1")]
    assert completed(own, state()) == [*kept, ("Vary", "Accept, Origin, Authorization, Cookie")]
    assert completed(iter([PLAIN]), state("signed-out")) == [PLAIN, VARY]


def test_with_cookies_nothing_may_be_stored() -> None:
    own = [PLAIN, ("cache-control", "public"), ("CACHE-CONTROL", "max-age=60"), ("set-cookie", "theme=dark")]
    assert completed(own, REFRESHED) == [
        PLAIN,
        ("set-cookie", "theme=dark"),
        ("Cache-Control", "no-store"),
        ("Set-Cookie", "__session=1"),
        ("Set-Cookie", "__client_uat=2"),
        VARY,
    ]
    assert len(own) == 4
