"""Who asks: ``current_auth`` wherever a request is served, ``request.auth`` and the functions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    copy_current_request_context,
    g,
    render_template,
    render_template_string,
    request,
    stream_template_string,
    stream_with_context,
)
from werkzeug.test import TestResponse

from clerk_middleware import NotAuthenticated, SessionAuth, SignedOut, wsgi
from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import Clerk, current_auth, get_auth, get_session, get_state

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]
Kind = Callable[[Any], Any]


def who() -> str:
    return str(current_auth.user_id)


class TestWhoAsks:
    def test_is_told_by_the_authorization_header(
        self, app: Flask, ask: Ask, in_kind: Kind, dispatcher: Headers
    ) -> None:
        app.get("/")(in_kind(lambda: {"user": current_auth.user_id, "org": current_auth.org_id}))
        assert ask(app, headers=dispatcher).json == {"user": "user_dev", "org": "org_blue_ridge"}

    def test_is_told_by_a_browsers_cookies(
        self, app: Flask, ask: Ask, in_kind: Kind, cookies: Headers
    ) -> None:
        app.get("/")(in_kind(who))
        assert ask(app, headers=cookies).text == "user_dev"

    def test_may_be_nobody(self, app: Flask, ask: Ask, in_kind: Kind) -> None:
        app.get("/")(in_kind(lambda: [bool(current_auth), current_auth.user_id, current_auth.has(role="x")]))
        assert ask(app).json == [False, None, False]

    def test_is_the_same_by_every_name(
        self, app: Flask, ask: Ask, in_kind: Kind, dispatcher: Headers
    ) -> None:
        seen: list[Any] = []

        def view() -> str:
            seen.extend((get_auth(), request.auth, get_session(), current_auth._get_current_object()))  # type: ignore[attr-defined]
            return ""

        app.get("/")(in_kind(view))
        ask(app, headers=dispatcher)
        assert all(auth is seen[0] for auth in seen)
        assert type(seen[0]) is SessionAuth

    def test_is_in_the_environment_for_what_knows_wsgi_alone(
        self, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        app.get("/")(
            lambda: [
                wsgi.get_auth(request.environ) is get_auth(),
                request.environ["clerk.state"] is get_state(),
            ]
        )
        assert ask(app, headers=dispatcher).json == [True, True]

    def test_is_refused_where_it_is_nobody_and_must_be_somebody(
        self, app: Flask, ask: Ask, in_kind: Kind
    ) -> None:
        app.get("/")(in_kind(lambda: get_session().user_id))
        assert ask(app).status_code == 401

    @pytest.mark.parametrize(
        "options",
        [{"claims": {"sts": "pending"}}, {"issued_at": 1_700_000_000, "lifetime": 60}],
        ids=["unfinished", "expired"],
    )
    def test_with_a_token_that_does_not_count_is_nobody(
        self, options: Any, app: Flask, ask: Ask, signed_in: Callable[..., Headers]
    ) -> None:
        app.get("/")(who)
        assert ask(app, headers=signed_in(**options)).text == "None"

    def test_must_be_of_this_application(self, app: Flask, ask: Ask, clerk: LocalClerk) -> None:
        app.get("/")(who)
        token = clerk.issue_session_token("user_dev", azp="https://blog.example.com")
        assert ask(app, headers={"authorization": f"Bearer {token}"}).text == "None"

    def test_leaves_g_to_the_application(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        app.get("/")(lambda: [who(), *g])
        assert ask(app, headers=dispatcher).json == ["user_dev"]

    def test_has_a_state_for_who_needs_more(
        self, app: Flask, ask: Ask, dispatcher: Headers, cookies: Headers
    ) -> None:
        app.get("/")(lambda: [get_state().token_carrier, get_state().is_beyond_forgery])
        assert ask(app, headers=dispatcher).json == ["header", True]
        assert ask(app, headers=cookies).json == ["cookie", False]

    def test_is_found_out_once(
        self, app: Flask, ask: Ask, dispatcher: Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authenticator = app.extensions["clerk"].authenticator
        real, calls = authenticator.authenticate_request, []
        monkeypatch.setattr(
            authenticator, "authenticate_request", lambda request: calls.append(request) or real(request)
        )
        app.before_request(lambda: get_state() and None)
        app.get("/")(lambda: f"{current_auth} {get_auth()} {get_state()}")
        ask(app, headers=dispatcher)
        assert len(calls) == 1


class TestTheProxy:
    def test_passes_for_what_it_stands_for(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        app.get("/")(
            lambda: [
                isinstance(current_auth, SessionAuth),
                isinstance(current_auth, SignedOut),
                bool(current_auth),
                repr(current_auth),
            ]
        )
        *answers, text = ask(app, headers=dispatcher).json or []
        assert answers == [True, False, True]
        assert "user_dev" in text
        assert dispatcher["authorization"].split()[1] not in text
        *answers, text = ask(app).json or []
        assert answers == [False, True, False]

    @pytest.mark.parametrize("name", ["user_id", "is_authenticated"])
    def test_needs_a_request(self, app: Flask, name: str) -> None:
        with pytest.raises(RuntimeError):
            getattr(current_auth, name)
        with app.app_context(), pytest.raises(RuntimeError):
            getattr(current_auth, name)
        with pytest.raises(RuntimeError):
            get_auth()

    def test_works_in_a_test_request_context(self, app: Flask, dispatcher: Headers, admin: Headers) -> None:
        with app.test_request_context(base_url=SITE, headers=dispatcher):
            assert current_auth.user_id == "user_dev"
            with app.test_request_context(base_url=SITE, headers=admin):
                assert get_session().user_id == "user_ada"
            assert current_auth.user_id == "user_dev"
        with app.test_request_context(base_url=SITE):
            assert not current_auth
            with pytest.raises(NotAuthenticated):
                get_session()


class TestWherever:
    """Each place in which code of an application runs during a request."""

    def test_functions_that_run_before_the_extensions_own(
        self, bare_app: Apps, keys: Any, ask: Ask, dispatcher: Headers
    ) -> None:
        seen: list[Any] = []
        app = bare_app(**keys)

        @app.url_value_preprocessor
        def earliest(endpoint: Any, values: Any) -> None:
            seen.append(current_auth.user_id)

        @app.before_request
        def early() -> None:
            seen.append(current_auth.user_id)

        Clerk(app)
        app.before_request(lambda: seen.append(current_auth.user_id))
        app.get("/")(who)
        assert ask(app, headers=dispatcher).text == "user_dev"
        assert ask(app).text == "None"
        assert seen == ["user_dev"] * 3 + [None] * 3

    def test_templates(self, app: Flask, ask: Ask, dispatcher: Headers, tmp_path: Path) -> None:
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / "who.html").write_text(
            "{% macro name() %}{{ current_auth.user_id }}{% endmacro %}"
        )
        (tmp_path / "templates" / "page.html").write_text(
            "{% from 'who.html' import name %}{% if current_auth %}{{ name() }}{% else %}nobody{% endif %}"
            "{% if current_auth.has(permission='org:dispatcher:assign_drivers') %} assigns{% endif %}"
        )
        app.get("/")(lambda: render_template("page.html"))
        assert ask(app, headers=dispatcher).text == "user_dev assigns"
        assert ask(app).text == "nobody"

    def test_a_template_that_gets_another_auth(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        app.get("/")(lambda: render_template_string("{{ current_auth }}", current_auth="the view's own"))
        assert ask(app, headers=dispatcher).text == "the view&#39;s own"

    def test_what_is_streamed(self, app: Flask, ask: Ask, dispatcher: Headers, admin: Headers) -> None:
        @app.get("/rows")
        def rows() -> Response:
            def generate() -> Iterator[str]:
                for _ in range(2):
                    yield f"{current_auth.user_id} "

            return Response(stream_with_context(generate()))

        app.get("/template")(lambda: stream_template_string("{{ current_auth.user_id }} " * 2))
        for path in ("/rows", "/template"):
            assert ask(app, path, dispatcher).text == "user_dev user_dev "
            assert ask(app, path, admin).text == "user_ada user_ada "

    def test_what_runs_after_the_view(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        seen: list[Any] = []
        app.teardown_request(lambda error: seen.append(current_auth.user_id))

        @app.after_request
        def tell(response: Response) -> Response:
            response.headers["X-User"] = str(current_auth.user_id)
            return response

        app.get("/")(lambda: "")
        assert ask(app, headers=dispatcher).headers["X-User"] == "user_dev"
        assert ask(app).headers["X-User"] == "None"
        assert seen == ["user_dev", None]

    def test_error_handlers(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        app.register_error_handler(404, lambda error: (f"no page for {who()}", 404))
        app.register_error_handler(500, lambda error: (f"sorry, {who()}", 500))
        app.register_error_handler(KeyError, lambda error: f"not found by {who()}")
        app.get("/broken")(lambda: 1 / 0)
        app.get("/key", endpoint="key")(lambda: {}["a"])
        assert ask(app, "/nowhere", dispatcher).text == "no page for user_dev"
        assert ask(app, "/broken", dispatcher).text == "sorry, user_dev"
        assert ask(app, "/key", dispatcher).text == "not found by user_dev"

    def test_threads_that_get_the_request(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        seen: list[Any] = []

        @app.get("/")
        def view() -> str:
            @copy_current_request_context
            def work() -> None:
                seen.append(current_auth.user_id)

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return ""

        ask(app, headers=dispatcher)
        ask(app)
        assert seen == ["user_dev", None]

    def test_requests_at_the_same_time(
        self, app: Flask, ask: Ask, dispatcher: Headers, admin: Headers
    ) -> None:
        both = threading.Barrier(3, timeout=10)

        @app.get("/")
        def view() -> str:
            before = who()
            both.wait()
            return f"{before} {who()}"

        told: dict[int, str] = {}
        threads = [
            threading.Thread(
                target=lambda i=i, headers=headers: told.update({i: ask(app, headers=headers).text})
            )
            for i, headers in enumerate((dispatcher, admin, {}))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == {0: "user_dev user_dev", 1: "user_ada user_ada", 2: "None None"}
