"""Signing out: which session ends, what is forgotten, from where it may be asked, and where it leads."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clerk_middleware import (
    AsyncAuthenticator,
    Authenticator,
    ClerkConfig,
    PublishableKey,
)
from clerk_middleware.redirects import own_page
from clerk_middleware.sign_out import cookies_to_forget, session_to_end
from clerk_middleware.urls import parse_url

from .backend import CannedBackend, error
from .conftest import PRODUCTION
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]
REVOKE = "POST /v1/sessions/sess_1/revoke"


def browser(token: str, uat: int = NOW - 100) -> dict[str, str]:
    return {"__session": token, "__client_uat": str(uat)}


class TestTheSession:
    def test_is_whose_token_it_is(self, decide: Any, config: MakeConfig, issuer: Issuer) -> None:
        token = issuer.token(sid="sess_1")
        assert session_to_end(decide(config(), cookies=browser(token))) == "sess_1"
        assert session_to_end(decide(config(), headers={"authorization": f"Bearer {token}"})) == "sess_1"

    def test_is_one_with_unfinished_tasks_too(self, decide: Any, config: MakeConfig, issuer: Issuer) -> None:
        state = decide(config(), cookies=browser(issuer.token(sid="sess_1", sts="pending")))
        assert state.to_auth().session_id is None
        assert session_to_end(state) == "sess_1"

    def test_is_one_whose_token_expired_meanwhile(
        self, decide: Any, config: MakeConfig, issuer: Issuer
    ) -> None:
        token = issuer.token(sid="sess_1", iat=NOW - 300, nbf=NOW - 300, exp=NOW - 200)
        state = decide(config(), method="POST", cookies=browser(token, NOW - 900))
        assert state.to_auth().session_id is None
        assert session_to_end(state) == "sess_1"

    def test_is_nobodys_without_a_genuine_token(
        self, decide: Any, config: MakeConfig, stranger: Issuer
    ) -> None:
        assert session_to_end(decide(config())) is None
        forged = stranger.token(sid="sess_1", iat=NOW - 300, nbf=NOW - 300, exp=NOW - 200)
        for method in ("GET", "POST"):
            assert session_to_end(decide(config(), method=method, cookies=browser(forged))) is None


class TestSigningOut:
    @pytest.fixture(params=["sync", "async"])
    def sign_out(self, request: Any, config: MakeConfig, backend: CannedBackend) -> Any:
        options: Any = {"config": config(), "transport": backend.transport, "clock": lambda: NOW}

        async def sign_out(state: Any) -> None:
            async with AsyncAuthenticator(**options) as authenticator:
                await authenticator.sign_out(state)

        if request.param == "async":
            return lambda state: asyncio.run(sign_out(state))
        return Authenticator(**options).sign_out

    def test_ends_the_session_at_clerk(
        self, sign_out: Any, decide: Any, config: MakeConfig, backend: CannedBackend,
        issuer: Issuer, caplog: Any,
    ) -> None:  # fmt: skip
        backend.on(REVOKE, {})
        sign_out(decide(config(), cookies=browser(issuer.token(sid="sess_1"))))
        assert backend.asked == [REVOKE]
        assert caplog.text == ""

    def test_asks_nothing_for_nobody(
        self, sign_out: Any, decide: Any, config: MakeConfig, backend: CannedBackend
    ) -> None:
        sign_out(decide(config()))
        assert backend.asked == []

    @pytest.mark.parametrize("answer", [error(500, "internal"), httpx.ConnectError("refused")], ids=repr)
    def test_that_clerk_does_not_do_is_told_in_the_log(
        self, answer: Any, sign_out: Any, decide: Any, config: MakeConfig,
        backend: CannedBackend, issuer: Issuer, caplog: Any,
    ) -> None:  # fmt: skip
        backend.on(REVOKE, answer)
        token = issuer.token(sid="sess_1")
        sign_out(decide(config(), cookies=browser(token)))
        assert "session sess_1 was signed out here only, and goes on at Clerk" in caplog.text
        assert token not in caplog.text

    def test_without_a_secret_key_says_what_is_missing(
        self, sign_out: Any, decide: Any, config: MakeConfig, backend: CannedBackend,
        issuer: Issuer, caplog: Any,
    ) -> None:  # fmt: skip
        state = decide(config(secret_key=None), cookies=browser(issuer.token(sid="sess_1")))
        sign_out(state)
        assert backend.asked == []
        assert "CLERK_SECRET_KEY is not set" in caplog.text


def test_the_cookies_to_forget_are_the_instances_own() -> None:
    suffix = PublishableKey.parse(PRODUCTION["publishable_key"]).cookie_suffix
    assert list(cookies_to_forget(ClerkConfig(**PRODUCTION))) == [
        "__session",
        f"__session_{suffix}",
        f"__refresh_{suffix}",
    ]
    assert list(cookies_to_forget(ClerkConfig(secret_key="sk_live_x"))) == ["__session"]


class TestBeyondForgery:
    """Whether a page of another site can have had the browser send the request."""

    def test_is_a_token_in_the_header(
        self, decide: Any, config: MakeConfig, issuer: Issuer, stranger: Issuer
    ) -> None:
        def asked(authorization: str, cookies: Any = None) -> bool:
            state = decide(config(), cookies=cookies, headers={"authorization": authorization})
            return bool(state.is_beyond_forgery)

        assert asked(f"Bearer {issuer.token()}")
        assert asked(f"bearer {issuer.token()}")
        assert asked(f"Bearer {stranger.token()}")  # refused: nobody, whatever the cookies say
        assert asked(f"bEARER {stranger.token()}")
        assert asked("Bearer x", browser(issuer.token()))
        assert not asked("Basic dXNlcjpwYXNz")
        assert not asked("Basic dXNlcjpwYXNz", browser(issuer.token()))
        assert not asked("Bearer")
        assert not asked("")
        assert not asked(f"Bearer{issuer.token()}")

    def test_is_no_cookie(self, decide: Any, config: MakeConfig, issuer: Issuer) -> None:
        assert not decide(config(), cookies=browser(issuer.token())).is_beyond_forgery
        assert not decide(config()).is_beyond_forgery

    def test_is_never_what_the_cookie_decides(self, decide: Any, config: MakeConfig, issuer: Issuer) -> None:
        """Where the header is no token's, the cookies decide, and a browser sends those on its own."""
        for header in ("Basic x", "Bearer", "Bearer ", "bearer  ", "Token x", "Bearer\tx", ""):
            state = decide(config(), cookies=browser(issuer.token()), headers={"authorization": header})
            assert not (state.is_beyond_forgery and state.is_authenticated)


HERE = parse_url("https://app.example.com/loads?page=2")
assert HERE is not None
PARTY = "https://admin.example.com"
URL_LIKE = st.text(
    st.sampled_from(string.ascii_letters + string.digits + ":/?#[]@!$&'()*+,;=%-._~\\ \t\n\0é．。／")
)
HOSTILE = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(
        ["", "/", "//", "\\", "/\\", "https:", "http:/", "https://", "HTTPS:\\\\", "javascript:", "\t/"]
    ),
    st.sampled_from(
        ["", "app.example.com", "evil.example", "app.example.com@", "@", "app.example.com.", "[", ":"]
    ),
    st.sampled_from(["", "/", "\\", "@", ":", "?", "#", ".", "%2F", "\t", "．", "。"]),
    URL_LIKE,
)


class TestAPageOfOnesOwn:
    @pytest.mark.parametrize(
        ("wanted", "page"),
        [
            ("/teams", "https://app.example.com/teams"),
            ("teams?x=1#y", "https://app.example.com/teams?x=1#y"),
            ("?page=3", "https://app.example.com/loads?page=3"),
            ("https://APP.example.com:443/x", "https://app.example.com/x"),
            ("//app.example.com/x", "https://app.example.com/x"),
            (f"{PARTY}/x", f"{PARTY}/x"),
        ],
    )
    def test_is_of_this_site_or_of_an_authorized_party(self, wanted: str, page: str) -> None:
        assert HERE is not None
        assert str(own_page(wanted, HERE, ClerkConfig(**PRODUCTION, authorized_parties=[PARTY]))) == page

    @pytest.mark.parametrize(
        "wanted",
        [
            None,
            "",
            "https://evil.example/",
            "//evil.example/",
            "\\\\evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "http://app.example.com/",  # another origin: not encrypted
            "https://app.example.com:8443/",
            "https://app.example.com@evil.example/",
            "https://app.example.com.evil.example/",
            "https://evil.example\\@app.example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
            "/x\nSet-Cookie: a=b",
            "/x\u202e",
            "https://[",
        ],
    )
    def test_is_none_of_a_stranger(self, wanted: str | None) -> None:
        assert HERE is not None
        assert own_page(wanted, HERE, ClerkConfig(**PRODUCTION, authorized_parties=[PARTY])) is None

    def test_is_what_a_browser_would_read_otherwise_only_in_this_sites_own_words(self) -> None:
        """To a browser ``https:///evil.example`` is another site; it is sent the URL that is returned."""
        assert HERE is not None
        config = ClerkConfig(**PRODUCTION)
        assert str(own_page("https:///evil.example", HERE, config)) == "https://app.example.com/evil.example"

    @settings(max_examples=500, derandomize=True, database=None, deadline=None)
    @given(st.one_of(st.text(), URL_LIKE, HOSTILE))
    @example("https://evil.example\\@app.example.com/")
    @example("///evil.example")
    @example("/%0D%0ALocation:https://evil.example")
    def test_no_text_leads_to_another_origin(self, wanted: str) -> None:
        assert HERE is not None
        page = own_page(wanted, HERE, ClerkConfig(**PRODUCTION, authorized_parties=[PARTY]))
        if page is None:
            return
        text = str(page)
        parts = urlsplit(text)
        assert f"{parts.scheme}://{parts.netloc}" in (HERE.origin, PARTY)
        assert text.startswith((f"{HERE.origin}/", f"{PARTY}/"))
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text
