"""``Clerk(app)`` and ``init_app``: one application, a factory, several applications in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from clerk_middleware import ClerkConfig, ConfigurationError
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.wsgi import ClerkMiddleware
from clerk_middleware_flask import Clerk, current_auth, get_auth, require_auth

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]


def who() -> str:
    return str(current_auth.user_id)


def called(app: Flask, environ: Any) -> Response:
    """The response of another application to this very environment, which it may write to."""
    started: list[Any] = []
    body = app.wsgi_app(environ, lambda *given: started.extend(given))
    return Response(b"".join(body), *started)


@pytest.fixture
def of_development(development: LocalClerk) -> Headers:
    """Somebody who is signed in at the other instance."""
    return {"authorization": f"Bearer {development.issue_session_token('user_sam', azp=SITE)}"}


class TestOneApplication:
    def test_is_set_up_in_one_line(
        self, bare_app: Apps, keys: Any, ask: Ask, dispatcher: Headers, cookies: Headers
    ) -> None:
        app = bare_app(**keys)
        Clerk(app)
        app.get("/")(who)
        assert ask(app, headers=dispatcher).text == "user_dev"
        assert ask(app, headers=cookies).text == "user_dev"
        assert ask(app).text == "None"

    def test_may_come_out_of_a_factory(
        self, bare_app: Apps, keys: Any, ask: Ask, dispatcher: Headers
    ) -> None:
        clerk = Clerk()

        def create_app() -> Flask:
            app = bare_app(**keys)
            clerk.init_app(app)
            app.get("/")(who)
            return app

        for app in (create_app(), create_app()):
            assert ask(app, headers=dispatcher).text == "user_dev"

    def test_may_not_be_set_up_twice(self, app: Flask) -> None:
        with pytest.raises(ConfigurationError, match=r"'fleet' has a Clerk already: write Clerk\(app\), or"):
            Clerk(app)
        with pytest.raises(ConfigurationError, match="once"):
            Clerk().init_app(app)

    @pytest.mark.parametrize("given", ["fleet", {}, ClerkConfig(secret_key="sk_test_hidden"), Flask])
    @pytest.mark.parametrize("set_up", [Clerk, Clerk().init_app])
    def test_is_one_of_flasks(self, set_up: Any, given: Any) -> None:
        with pytest.raises(ConfigurationError) as raised:
            set_up(given)
        assert f"not a {type(given).__name__}" in str(raised.value)
        assert "write Clerk(app, config=...), or Clerk(config=...) and clerk.init_app(app)" in str(
            raised.value
        )
        assert "hidden" not in str(raised.value)

    def test_may_be_set_up_later_and_not_at_all(self) -> None:
        with pytest.raises(ConfigurationError, match="not a NoneType"):
            Clerk().init_app(None)  # type: ignore[arg-type]

    def test_may_have_a_configuration_of_its_own(
        self, bare_app: Apps, config: Any, development: LocalClerk, ask: Ask, dispatcher: Headers
    ) -> None:
        """In place of the one that the `Clerk` was made with."""
        clerk = Clerk(config=ClerkConfig(jwt_key=development.jwt_key))
        first, second = bare_app(), bare_app()
        clerk.init_app(first, config=config())
        clerk.init_app(second)
        for app in (first, second):
            app.get("/")(who)
        assert ask(first, headers=dispatcher).text == "user_dev"
        assert ask(second, headers=dispatcher).text == "None"

    def test_without_a_clerk_is_told_what_to_write(self, bare_app: Apps, ask: Ask) -> None:
        app = bare_app()
        app.get("/")(who)
        with pytest.raises(ConfigurationError, match=r"'fleet' has no Clerk: write Clerk\(app\), or"):
            ask(app)
        app.extensions["clerk"] = "another extension's"
        with pytest.raises(ConfigurationError, match="'fleet' has no Clerk"):
            ask(app)

    def test_keeps_what_it_was_set_up_with(
        self, app: Flask, ask: Ask, dispatcher: Headers, development: LocalClerk
    ) -> None:
        """Once it serves; until then, a change is told: see test_settings."""
        app.get("/")(who)
        assert ask(app, headers=dispatcher).text == "user_dev"
        app.config.update(CLERK_JWT_KEY=development.jwt_key, CLERK_PROTECTED_ROUTES="/")
        assert ask(app, headers=dispatcher).text == "user_dev"
        assert ask(app).status_code == 200

    def test_of_a_subclass_is_one(self, keys: Any, ask: Ask, dispatcher: Headers) -> None:
        class Fleet(Flask):
            pass

        app = Fleet("fleet")
        app.config.update(keys)
        Clerk(app)
        app.get("/")(who)
        assert ask(app, headers=dispatcher).text == "user_dev"


class TestSeveralApplications:
    """Each of an instance of its own: nothing of one reaches the other."""

    @pytest.fixture
    def pair(self, bare_app: Apps, clerk: LocalClerk, development: LocalClerk) -> tuple[Flask, Flask]:
        extension = Clerk()
        apps = []
        for instance in (clerk, development):
            app = bare_app(
                CLERK_SECRET_KEY=instance.secret_key,
                CLERK_JWT_KEY=instance.jwt_key,
                CLERK_AUTHORIZED_PARTIES=SITE,
            )
            extension.init_app(app)
            app.get("/")(who)
            apps.append(app)
        return apps[0], apps[1]

    def test_share_one_clerk(
        self, pair: tuple[Flask, Flask], ask: Ask, dispatcher: Headers, of_development: Headers
    ) -> None:
        first, second = pair
        for _ in range(2):
            assert ask(first, headers=dispatcher).text == "user_dev"
            assert ask(first, headers=of_development).text == "None"
            assert ask(second, headers=dispatcher).text == "None"
            assert ask(second, headers=of_development).text == "user_sam"

    def test_may_be_mounted_in_one_server(
        self, pair: tuple[Flask, Flask], dispatcher: Headers, of_development: Headers
    ) -> None:
        first, second = pair
        client = Client(DispatcherMiddleware(first, {"/second": second}))
        told = {
            (path, who): client.get(path, base_url=SITE, headers=headers).text
            for path in ("/", "/second/")
            for who, headers in (("first", dispatcher), ("second", of_development))
        }
        assert told == {
            ("/", "first"): "user_dev",
            ("/", "second"): "None",
            ("/second/", "first"): "None",
            ("/second/", "second"): "user_sam",
        }

    def test_are_looked_at_each_for_itself(self, pair: tuple[Flask, Flask], ask: Ask) -> None:
        first, second = pair
        assert ask(first).text == "None"
        require_auth(second.get("/secret", endpoint="secret")(lambda: "the secret"))
        with pytest.raises(ConfigurationError, match="the view 'secret' is registered without"):
            ask(second, "/secret")
        assert ask(first).text == "None"

    @pytest.mark.parametrize("copied", [False, True])
    def test_may_call_one_another_within_a_request(
        self,
        copied: bool,
        pair: tuple[Flask, Flask],
        ask: Ask,
        dispatcher: Headers,
        of_development: Headers,
    ) -> None:
        first, second = pair
        after: list[Any] = []

        @first.get("/outer")
        def outer() -> str:
            before = get_auth().user_id
            environ = request.environ.copy() if copied else request.environ
            environ |= {"PATH_INFO": "/"}
            there = called(second, environ).get_data(as_text=True)
            return f"{before} {there} {current_auth.user_id} {request.auth.user_id}"  # type: ignore[attr-defined]

        @first.teardown_request
        def teardown(error: Any) -> None:
            after.append(current_auth.user_id)

        assert ask(first, "/outer", dispatcher).text == "user_dev None user_dev user_dev"
        assert ask(first, "/outer", of_development).text == "None user_sam None None"
        assert after == ["user_dev", None]

    def test_each_send_their_own_cookies(
        self, bare_app: Apps, keys: Any, ask: Ask, expired_cookies: Headers, backend_api: LocalServer
    ) -> None:
        """One calls the other with its own environment, and answers by itself."""
        outer, inner = bare_app(**keys, CLERK_API_URL=backend_api.url), bare_app(**keys)
        for app in (outer, inner):
            Clerk(app)
        inner.get("/")(who)

        @outer.get("/")
        def view() -> Response:
            return Response(called(inner, request.environ).data)

        response = ask(outer, headers=expired_cookies)
        assert response.text == "None"  # the inner one can't refresh
        assert len(response.headers.getlist("Set-Cookie")) == 4
        assert response.headers["Cache-Control"] == "no-store"

    def test_do_not_send_the_cookies_of_one_that_they_called(
        self, bare_app: Apps, keys: Any, ask: Ask, expired_cookies: Headers, backend_api: LocalServer
    ) -> None:
        outer, inner = bare_app(**keys), bare_app(**keys, CLERK_API_URL=backend_api.url)
        for app in (outer, inner):
            Clerk(app)
        inner.get("/")(who)

        @outer.get("/")
        def view() -> str:
            response = called(inner, request.environ)
            assert response.headers.getlist("Set-Cookie")
            return response.get_data(as_text=True)

        response = ask(outer, headers=expired_cookies)
        assert response.text == "user_dev"
        assert "Set-Cookie" not in response.headers

    def test_may_be_within_the_middleware_of_another_instance(
        self, pair: tuple[Flask, Flask], development: LocalClerk, dispatcher: Headers, of_development: Headers
    ) -> None:
        around = ClerkMiddleware(pair[0], ClerkConfig(jwt_key=development.jwt_key, authorized_parties=[SITE]))
        client = Client(around)
        for headers, expected in ((dispatcher, "user_dev"), (of_development, "None")):
            response = client.get("/", base_url=SITE, headers=headers)
            assert response.text == expected
            assert response.headers.getlist("Vary") == ["Authorization, Cookie"]
