"""HTTP requests: the identity in the environment, and what is added to the application's response."""

from __future__ import annotations

import gc
import re
import time
import weakref
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clerk_middleware import Authenticator, ConfigurationError, NotAuthenticated, SessionAuth, SignedOut
from clerk_middleware.local import LocalClerk
from clerk_middleware.wsgi import ClerkMiddleware, get_auth, get_session, get_state

SITE = "https://app.example.com"


class TestTheEnvironment:
    @pytest.mark.parametrize("credentials", ["dispatcher", "cookies"])
    def test_holds_the_auth_object_and_the_state(
        self, credentials: str, request: Any, config: Any, request_to: Any, responding: Any
    ) -> None:
        headers = request.getfixturevalue(credentials)
        answer = request_to(ClerkMiddleware(responding(), config()), "/", headers)
        auth, state = answer.environ["clerk.auth"], answer.environ["clerk.state"]
        assert isinstance(auth, SessionAuth)
        assert (auth.user_id, auth.org_slug) == ("user_dev", "blue-ridge-freight")
        assert auth.has(permission="org:dispatcher:assign_drivers")
        assert get_auth(answer.environ) is get_session(answer.environ) is auth
        assert get_state(answer.environ) is state
        assert state.is_beyond_forgery == (credentials == "dispatcher")
        assert state.token_carrier == ("cookie" if credentials == "cookies" else "header")
        assert state.request.url.origin == SITE
        assert (answer.status, answer.body) == (200, b"fine")

    def test_holds_nobody_for_who_is_signed_out(self, config: Any, request_to: Any, responding: Any) -> None:
        environ = request_to(ClerkMiddleware(responding(), config())).environ
        assert isinstance(get_auth(environ), SignedOut)
        assert get_state(environ).reason == "session-token-and-uat-missing"
        with pytest.raises(NotAuthenticated):
            get_session(environ)

    def test_holds_nobody_for_a_session_with_unfinished_tasks(
        self, clerk: LocalClerk, config: Any, request_to: Any, responding: Any
    ) -> None:
        pending = clerk.issue_session_token("user_dev", azp=SITE, claims={"sts": "pending"})
        headers = {"authorization": f"Bearer {pending}"}
        environ = request_to(ClerkMiddleware(responding(), config()), "/", headers).environ
        assert (get_auth(environ).user_id, get_auth(environ).session_status) == (None, "pending")

    def test_what_a_client_says_of_itself_counts_for_nothing(
        self, config: Any, request_to: Any, responding: Any, stranger_token: str
    ) -> None:
        headers = {"authorization": f"Bearer {stranger_token}", "clerk.auth": "x"}
        answer = request_to(ClerkMiddleware(responding(), config()), "/", headers, **{"clerk.auth": "x"})
        assert get_auth(answer.environ).user_id is None

    def test_other_requests_in_one_application_keep_their_own(
        self, config: Any, request_to: Any, responding: Any, dispatcher: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config())
        signed_in, signed_out = request_to(app, "/", dispatcher), request_to(app)
        assert get_auth(signed_in.environ).user_id == "user_dev"
        assert get_auth(signed_out.environ).user_id is None

    def test_is_the_one_that_the_application_gets(
        self, config: Any, environ_of: Any, serve_once: Any
    ) -> None:
        """What a server or an outer middleware looks for in it later on is there."""
        seen: list[Any] = []

        def app(environ: Any, start_response: Any) -> Any:
            seen.append(environ)
            start_response("204 No Content", [])
            return []

        environ = environ_of()
        serve_once(ClerkMiddleware(app, config()), environ)
        assert seen[0] is environ

    @pytest.mark.parametrize("function", [get_auth, get_session, get_state])
    @pytest.mark.parametrize("environ", [{}, {"clerk.auth": "somebody"}, {"clerk.auth": None}])
    def test_without_the_middleware_the_error_says_what_to_do(self, function: Any, environ: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"did not see this request: wrap the application in it"):
            function(environ)

    def test_and_what_authenticating_made_are_freed_with_the_request(
        self, config: Any, request_to: Any, responding: Any, cookies: Any, dispatcher: Any
    ) -> None:
        """No cycle has them wait for the garbage collector."""

        def app(environ: Any, start_response: Any) -> Any:
            get_session(environ)
            start_response("200 OK", [("Content-Type", "text/plain")])
            yield b"fine"

        class Upload:
            pass

        refusable = ClerkMiddleware(app, config())
        gc.collect()
        gc.disable()
        try:
            for made in (ClerkMiddleware(responding(), config()), refusable):
                for headers in (dispatcher, cookies, {}):
                    upload = Upload()
                    answer = request_to(made, "/?page=2", headers, **{"an.upload": upload})
                    assert answer.environ["clerk.state"].request.url.query == "page=2"
                    left = weakref.ref(upload)
                    del answer, upload
                    assert left() is None
        finally:
            gc.enable()


class TestWhatItIsGiven:
    def test_an_authenticator_of_ones_own(
        self, config: Any, request_to: Any, responding: Any, dispatcher: Any
    ) -> None:
        authenticator = Authenticator(config(), clock=lambda: time.time() + 3600)
        app = ClerkMiddleware(responding(), authenticator=authenticator)
        assert app.authenticator is authenticator
        assert get_auth(request_to(app, "/", dispatcher).environ).user_id is None  # expired, in an hour

    def test_it_closes_the_authenticator_that_it_made(
        self, config: Any, responding: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = []

        class Client(Authenticator):
            def close(self) -> None:
                closed.append(self)

        monkeypatch.setattr("clerk_middleware.wsgi.Authenticator", Client)
        ClerkMiddleware(responding(), authenticator=Client(config())).close()
        assert closed == []
        app = ClerkMiddleware(responding(), config())
        app.close()
        assert closed == [app.authenticator]

    def test_the_configuration_may_depend_on_the_request(
        self, config: Any, development_config: Any, request_to: Any, responding: Any, dispatcher: Any
    ) -> None:
        def of(request: Any) -> Any:
            return config() if request.url.host == "app.example.com" else development_config

        app = ClerkMiddleware(responding(), of)
        assert get_auth(request_to(app, "/", dispatcher).environ).user_id == "user_dev"
        other = request_to(app, "/", dispatcher | {"host": "other.example.com"})
        assert get_auth(other.environ).user_id is None


class TestVary:
    def test_is_merged_with_the_applications_own(self, config: Any, request_to: Any, responding: Any) -> None:
        own = [("vary", "Accept"), ("X-Other", "1"), ("Vary", "Origin")]
        answer = request_to(ClerkMiddleware(responding(headers=own), config()))
        assert answer.header("vary") == "Accept, Origin, Authorization, Cookie"
        assert (answer.header("content-type"), answer.header("x-other")) == ("text/plain", "1")


class TestARefresh:
    def test_signs_in_and_sets_the_cookies(
        self, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any, navigation: Any
    ) -> None:
        answer = request_to(refreshing(responding()), "/", expired_cookies | navigation)
        assert (answer.status, get_auth(answer.environ).user_id) == (200, "user_dev")
        assert any(re.match(r"__session=ey", line) for line in answer.headers("set-cookie"))
        assert answer.header("cache-control") == "no-store"
        assert answer.headers("location") == answer.headers("access-control-allow-origin") == []

    @pytest.mark.parametrize("own", ["public, max-age=3600", "private", "no-cache"])
    def test_is_never_cacheable_whatever_the_application_says(
        self, own: str, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any
    ) -> None:
        app = refreshing(responding(headers=[("Cache-Control", own), ("cache-control", own)]))
        answer = request_to(app, "/", expired_cookies)
        assert answer.headers("set-cookie")
        assert answer.header("cache-control") == "no-store"

    def test_leaves_the_applications_own_cookies(
        self, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any
    ) -> None:
        app = refreshing(responding(headers=[("set-cookie", "theme=dark")]))
        lines = request_to(app, "/", expired_cookies).headers("set-cookie")
        assert "theme=dark" in lines
        assert len(lines) > 1

    def test_goes_with_a_refusal(self, refreshing: Any, expired_cookies: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            raise NotAuthenticated("no")

        answer = request_to(refreshing(app), "/", expired_cookies)
        assert answer.status == 401
        assert answer.headers("set-cookie")
        assert answer.header("cache-control") == "no-store"

    def test_is_none_where_the_token_is_fresh(
        self, config: Any, cookies: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(headers=[("Cache-Control", "max-age=60")]), config())
        answer = request_to(app, "/", cookies)
        assert answer.headers("set-cookie") == []
        assert answer.header("cache-control") == "max-age=60"

    def test_that_clerk_refuses_is_a_handshake_or_signed_out(
        self, refreshing: Any, expired_cookies: Any, request_to: Any, responding: Any, navigation: Any
    ) -> None:
        broken = {"cookie": re.sub(r"(__refresh_[^=]*)=[^;]*", r"\1=rt_stolen", expired_cookies["cookie"])}
        app = refreshing(responding())
        assert get_auth(request_to(app, "/", broken).environ).user_id is None
        assert request_to(app, "/", broken | navigation).status == 307


class TestAHandshake:
    def test_is_answered_without_the_application(
        self, development_config: Any, request_to: Any, navigation: Any
    ) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            raise AssertionError("the application must not see it")

        answer = request_to(ClerkMiddleware(app, development_config), "/loads?page=2", navigation)
        assert answer.status_line == "307 Temporary Redirect"
        assert answer.header("cache-control") == "no-store"
        target = urlsplit(answer.header("location"))
        assert target.path == "/v1/client/handshake"
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/loads?page=2"]
        assert (answer.body, answer.header("content-length")) == (b"", "0")
        assert "clerk.auth" not in answer.environ

    def test_is_not_made_of_what_is_no_navigation(
        self, development_config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), development_config)
        answer = request_to(app, "/", {"accept": "application/json", "sec-fetch-dest": "empty"})
        assert (answer.status, get_auth(answer.environ).user_id) == (200, None)

    def test_result_in_development_redirects_to_the_clean_url_with_the_cookies(
        self, development: LocalClerk, development_config: Any, request_to: Any, responding: Any,
        navigation: Any,
    ) -> None:  # fmt: skip
        session = development.sign_in("user_dev")
        token = development.session_token(session, azp=SITE)
        result = development._instance.keys.sign({"handshake": [f"__session={token}; Path=/"]})
        app = ClerkMiddleware(responding(), development_config)
        target = f"/loads?page=2&__clerk_handshake={result}"
        answer = request_to(app, target, navigation, SCRIPT_NAME="/app")
        assert answer.status == 307
        assert answer.header("location") == f"{SITE}/app/loads?page=2"
        assert answer.header("cache-control") == "no-store"
        assert answer.headers("set-cookie") == [f"__session={token}; Path=/"]

    def test_result_in_production_signs_in_and_goes_on(
        self, clerk: LocalClerk, config: Any, request_to: Any, responding: Any, navigation: Any
    ) -> None:
        token = clerk.issue_session_token("user_dev", azp=SITE)
        result = clerk._instance.keys.sign({"handshake": [f"__session={token}; Path=/"]})
        headers = navigation | {"cookie": f"__clerk_handshake={result}"}
        answer = request_to(ClerkMiddleware(responding(), config()), "/", headers)
        assert (answer.status, get_auth(answer.environ).user_id) == (200, "user_dev")
        assert answer.headers("set-cookie") == [f"__session={token}; Path=/"]
        assert answer.header("cache-control") == "no-store"
        # They are for the redirect of a handshake: on a page they would switch CORS off.
        assert answer.headers("access-control-allow-origin") == []

    @pytest.mark.parametrize("kind", ["garbage", "stranger"])
    def test_token_that_does_not_verify_is_a_bad_request_not_a_failure(
        self, kind: str, development_config: Any, request_to: Any, responding: Any, navigation: Any,
        stranger_token: str,
    ) -> None:  # fmt: skip
        result = stranger_token if kind == "stranger" else "x.y.z"
        app = ClerkMiddleware(responding(), development_config)
        answer = request_to(app, f"/?__clerk_handshake={result}", navigation)
        assert answer.status_line == "400 Bad Request"
        assert answer.json["clerk_error"]["type"] == "handshake-failed"
        assert answer.json["clerk_error"]["reason"].startswith("token-")
        assert (answer.header("cache-control"), answer.header("content-type")) == (
            "no-store",
            "application/json",
        )
        assert result not in answer.body.decode()


class TestHEAD:
    """No body, and the headers of a GET (RFC 9110, 9.3.2)."""

    def test_of_a_refusal(self, config: Any, request_to: Any, responding: Any) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes="/")
        full, head = request_to(app), request_to(app, method="HEAD")
        assert (head.status, head.body) == (401, b"")
        assert head.pairs == full.pairs
        assert head.header("content-length") == str(len(full.body))

    def test_of_a_bad_handshake(self, development_config: Any, request_to: Any, responding: Any) -> None:
        app = ClerkMiddleware(responding(), development_config)
        head = request_to(app, "/?__clerk_handshake=x.y.z", method="HEAD")
        assert (head.status, head.body) == (400, b"")
        assert int(head.header("content-length")) > 0

    def test_of_a_refusal_by_a_generator(self, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            get_session(environ)
            yield b""

        head = request_to(ClerkMiddleware(app, config()), method="HEAD")
        assert (head.status, head.body) == (401, b"")
        assert int(head.header("content-length")) > 0


def test_everything_fits_a_real_client(config: Any, responding: Any, dispatcher: Any) -> None:
    app = ClerkMiddleware(responding(), config(), protected_routes="/private")
    with httpx.Client(transport=httpx.WSGITransport(app), base_url=SITE) as client:
        assert client.get("/private", headers=dispatcher).text == "fine"
        refused = client.get("/private")
    assert refused.status_code == 401
    assert refused.headers["vary"] == "Authorization, Cookie"
