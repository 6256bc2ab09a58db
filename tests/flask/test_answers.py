"""What a refusal becomes: the default answers, and an application's own handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Blueprint, Flask, render_template_string
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from clerk_middleware import (
    AuthorizationError,
    ClerkError,
    NotAuthenticated,
    NotAuthorized,
    ReverificationRequired,
)
from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import (
    Clerk,
    current_auth,
    protect,
    require_auth,
    require_reverification,
    require_role,
)

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]
Kind = Callable[[Any], Any]


def with_pages(app: Flask, in_kind: Kind = lambda view: view) -> Flask:
    def raising() -> str:
        raise NotAuthorized("This load is another driver's.")

    for path, view in {
        "auth": require_auth(in_kind(lambda: "auth")),
        "role": require_role("org:admin")(in_kind(lambda: "role")),
        "fresh": require_reverification()(in_kind(lambda: "fresh")),
        "hidden": protect(role="org:admin")(in_kind(lambda: "hidden")),
        "raising": in_kind(raising),
        "template": lambda: render_template_string("{{ refuse() }}", refuse=raising),
    }.items():
        app.add_url_rule(f"/{path}", path, view)
    return app


class TestTheDefaultAnswer:
    def test_challenges_who_is_not_signed_in(self, app: Flask, ask: Ask, in_kind: Kind) -> None:
        response = ask(with_pages(app, in_kind), "/auth")
        assert response.status_code == 401
        assert response.json["clerk_error"]["reason"] == "session-token-and-uat-missing"
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.headers.getlist("Content-Type") == ["application/json"]
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers.getlist("Vary") == ["Authorization, Cookie"]
        assert int(response.headers["Content-Length"]) == len(response.data)

    def test_sends_a_browser_to_sign_in(
        self, app: Flask, ask: Ask, in_kind: Kind, navigation: Headers
    ) -> None:
        response = ask(with_pages(app, in_kind), "/auth?page=2&x=%C3%A4", navigation)
        assert (response.status_code, response.data) == (307, b"")
        assert parse_qs(urlsplit(response.location).query)["redirect_url"] == [f"{SITE}/auth?page=2&x=%C3%A4"]

    def test_of_a_head_has_no_body(self, app: Flask, ask: Ask, navigation: Headers) -> None:
        response = ask(with_pages(app), "/auth", navigation, "HEAD")
        assert (response.status_code, response.data) == (401, b"")
        assert int(response.headers["Content-Length"]) > 0

    @pytest.mark.parametrize("path", ["/raising", "/template"])
    def test_has_the_message_of_a_refusal_that_is_raised(
        self, path: str, app: Flask, ask: Ask, in_kind: Kind, dispatcher: Headers
    ) -> None:
        response = ask(with_pages(app, in_kind), path, dispatcher)
        assert response.status_code == 403
        assert response.json["clerk_error"]["message"] == "This load is another driver's."
        assert response.headers["Vary"] == "Authorization, Cookie"

    @pytest.mark.parametrize("option", ["TESTING", "DEBUG", "PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS"])
    @pytest.mark.parametrize("value", [True, False])
    def test_is_given_whatever_flask_does_with_exceptions(
        self, option: str, value: bool, app_of: Apps, ask: Ask, dispatcher: Headers
    ) -> None:
        app = with_pages(app_of(**{"TESTING": False, option: value}))
        statuses = [
            ask(app, path, dispatcher).status_code for path in ("/auth", "/role", "/hidden", "/raising")
        ]
        assert statuses == [200, 403, 404, 403]
        assert ask(app, "/auth").status_code == 401

    def test_leaves_every_other_exception_to_flask(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        app.get("/")(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ask(app, headers=dispatcher)


class TestAHandlerOfTheApplications:
    @pytest.mark.parametrize("is_first", [True, False])
    @pytest.mark.parametrize("kinds", ["each", "all"])
    def test_answers_in_place_of_the_default(
        self,
        is_first: bool,
        kinds: str,
        bare_app: Apps,
        keys: Any,
        ask: Ask,
        in_kind: Kind,
        signed_in: Any,
    ) -> None:
        app = bare_app(**keys)
        handled = [AuthorizationError]
        if kinds == "each":
            handled = [NotAuthenticated, NotAuthorized, ReverificationRequired]

        def register() -> None:
            for kind in handled:
                app.register_error_handler(
                    kind,
                    in_kind(
                        lambda error: (f"{type(error).__name__} {current_auth.user_id}", error.status_code)
                    ),
                )

        if is_first:
            register()
        Clerk(app)
        if not is_first:
            register()
        with_pages(app)
        old = signed_in("user_dev", fva=(30, -1))
        for path, headers, text, status in (
            ("/auth", {}, "NotAuthenticated None", 401),
            ("/role", old, "NotAuthorized user_dev", 403),
            ("/fresh", old, "ReverificationRequired user_dev", 403),
            ("/hidden", old, "NotAuthorized user_dev", 404),
            ("/hidden", {}, "NotAuthenticated None", 404),
            ("/raising", old, "NotAuthorized user_dev", 403),
        ):
            response = ask(app, path, headers)
            assert (response.text, response.status_code) == (text, status)
            assert response.headers["Vary"] == "Authorization, Cookie"

    def test_for_one_kind_leaves_the_others_to_the_default(
        self, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        app.register_error_handler(NotAuthorized, lambda error: ("own", 418))
        with_pages(app)
        assert ask(app, "/role", dispatcher).text == "own"
        assert ask(app, "/auth").json["clerk_error"]["type"] == "unauthorized"

    def test_may_leave_some_to_the_default(
        self, bare_app: Apps, keys: Any, ask: Ask, dispatcher: Headers, navigation: Headers
    ) -> None:
        clerk = Clerk()
        app = with_pages(bare_app(**keys))
        clerk.init_app(app)

        @app.errorhandler(AuthorizationError)
        def refused(error: AuthorizationError) -> Any:
            return ("own", 403) if isinstance(error, NotAuthorized) else clerk.answer(error)

        assert ask(app, "/role", dispatcher).text == "own"
        assert ask(app, "/auth").json["clerk_error"]["type"] == "unauthorized"
        assert "/sign-in" in ask(app, "/auth", navigation).location

    def test_of_a_blueprint_is_for_its_own_views(
        self, app: Flask, ask: Ask, in_kind: Kind, dispatcher: Headers
    ) -> None:
        blueprint = Blueprint("pages", __name__, url_prefix="/pages")
        blueprint.get("/role")(require_role("org:admin")(in_kind(lambda: "")))
        blueprint.register_error_handler(NotAuthorized, in_kind(lambda error: ("the blueprint's", 403)))
        app.register_blueprint(blueprint)
        with_pages(app)
        assert ask(app, "/pages/role", dispatcher).text == "the blueprint's"
        assert ask(app, "/role", dispatcher).json["clerk_error"]["type"] == "forbidden"

    @pytest.mark.parametrize("kind", [Exception, ClerkError, HTTPException, 401, 403, 404, 500])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_for_something_wider_does_not_swallow_refusals(
        self, kind: Any, is_first: bool, bare_app: Apps, keys: Any, ask: Ask, dispatcher: Headers
    ) -> None:
        app = with_pages(bare_app(**keys, TESTING=False))
        if is_first:
            app.register_error_handler(kind, lambda error: ("swallowed", 500))
        Clerk(app)
        if not is_first:
            app.register_error_handler(kind, lambda error: ("swallowed", 500))
        assert [ask(app, path, dispatcher).status_code for path in ("/role", "/raising")] == [403, 403]
        assert ask(app, "/auth").status_code == 401
        # What is hidden is as what does not exist, which some of these handlers answer.
        assert ask(app, "/hidden", dispatcher).status_code == ask(app, "/nowhere", dispatcher).status_code

    def test_of_the_application_is_for_those_of_its_routes_and_blueprints_too(
        self, bare_app: Apps, keys: Any, ask: Ask
    ) -> None:
        app = bare_app(**keys, CLERK_PROTECTED_ROUTES="/secret")
        clerk = Clerk(app)
        blueprint = Blueprint("pages", __name__)
        blueprint.get("/page")(lambda: "page")
        clerk.protect_blueprint(blueprint)
        app.register_blueprint(blueprint)
        app.register_error_handler(NotAuthenticated, lambda error: (f"own {error.status_code}", 418))
        assert ask(app, "/secret").text == "own 401"
        assert ask(app, "/page").text == "own 404"

    def test_with_a_mistake_is_told_as_flask_tells_it(self, app: Flask, ask: Ask) -> None:
        app.register_error_handler(NotAuthenticated, lambda error: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ask(with_pages(app), "/auth")


class TestAHiddenPage:
    """What ``protect`` answers with 404 can't be told from what does not exist."""

    @pytest.fixture
    def extension(self) -> Clerk:
        return Clerk()

    @pytest.fixture
    def app(self, bare_app: Apps, keys: Any, extension: Clerk, in_kind: Kind) -> Flask:
        app = bare_app(**keys, TESTING=False)
        extension.init_app(app)
        blueprint = Blueprint("admin", __name__)
        blueprint.get("/admin")(in_kind(lambda: "the secret"))
        extension.protect_blueprint(blueprint, role="org:admin")
        app.register_blueprint(blueprint)
        return with_pages(app, in_kind)

    @pytest.mark.parametrize("page", [None, 404, HTTPException, Exception], ids=str)
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("who", ["nobody", "dispatcher"])
    def test_is_as_one_that_does_not_exist(
        self,
        who: str,
        method: str,
        page: Any,
        app: Flask,
        ask: Ask,
        in_kind: Kind,
        request: pytest.FixtureRequest,
    ) -> None:
        headers = {} if who == "nobody" else request.getfixturevalue(who)
        if page is not None:
            app.register_error_handler(
                page, in_kind(lambda error: (f"no page, {current_auth.user_id}", 404, {"X-Own": "1"}))
            )
        missing = ask(app, "/nowhere", headers, method)
        assert missing.status_code == 404
        assert ("X-Own" in missing.headers) == (page is not None)
        for path in ("/hidden", "/admin"):
            hidden = ask(app, path, headers, method)
            assert (hidden.status_code, hidden.data) == (404, missing.data)
            assert sorted(hidden.headers) == sorted(missing.headers)

    def test_is_so_too_where_an_applications_handler_leaves_it_to_the_default(
        self, app: Flask, extension: Clerk, ask: Ask, dispatcher: Headers
    ) -> None:
        app.register_error_handler(404, lambda error: (f"no {type(error).__name__}", 404))
        app.register_error_handler(AuthorizationError, extension.answer)
        assert ask(app, "/hidden", dispatcher).text == ask(app, "/nowhere").text == "no NotFound"

    def test_is_shown_to_who_may_see_it(self, app: Flask, ask: Ask, admin: Headers) -> None:
        assert ask(app, "/hidden", admin).text == "hidden"
        assert ask(app, "/admin", admin).text == "the secret"


class TestAHandshakeThatFails:
    """In development only: a correct set-up does not see it."""

    @pytest.fixture
    def query(self, clerk: LocalClerk) -> str:
        token = clerk._instance.keys.sign({"handshake": []})  # another instance's
        return f"?__clerk_handshake={token}"

    @pytest.mark.parametrize("token", ["x.y.z", None])
    @pytest.mark.parametrize("testing", [True, False])
    def test_is_a_bad_request(
        self, token: str | None, testing: bool, query: str, app_of: Apps, development: LocalClerk, ask: Ask,
        navigation: Headers,
    ) -> None:  # fmt: skip
        app = app_of(development, TESTING=testing)
        app.get("/")(lambda: "page")
        sent = f"?__clerk_handshake={token}" if token else query
        response = ask(app, f"/{sent}", navigation)
        assert response.status_code == 400
        assert response.json["clerk_error"]["type"] == "handshake-failed"
        assert response.headers["Cache-Control"] == "no-store"
        assert sent.partition("=")[2] not in response.text

    @pytest.mark.parametrize("is_first", [True, False])
    def test_has_an_error_page_that_shows_nobody_and_the_way_to_sign_in(
        self, is_first: bool, bare_app: Apps, development: LocalClerk, ask: Ask, navigation: Headers,
        query: str,
    ) -> None:  # fmt: skip
        from clerk_middleware import HandshakeError

        def page(error: Any) -> Any:
            text = "{{ current_auth.user_id }} {{ clerk_sign_in_url() }} {{ clerk_sign_up_url('/welcome') }}"
            return render_template_string(text), 400

        app = bare_app(
            CLERK_SECRET_KEY=development.secret_key, CLERK_PUBLISHABLE_KEY=development.publishable_key,
            CLERK_JWT_KEY=development.jwt_key, CLERK_AUTHORIZED_PARTIES=[SITE],
        )  # fmt: skip
        if is_first:
            app.register_error_handler(HandshakeError, page)
        Clerk(app)
        if not is_first:
            app.register_error_handler(HandshakeError, page)
        response = ask(app, f"/teams{query}&a=b", navigation)
        assert response.status_code == 400
        nobody, sign_in, sign_up = response.text.replace("&amp;", "&").split()
        assert nobody == "None"
        assert parse_qs(urlsplit(sign_in).query)["redirect_url"] == [f"{SITE}/teams?a=b"]
        assert parse_qs(urlsplit(sign_up).query)["redirect_url"] == [f"{SITE}/welcome"]

    def test_is_told_to_functions_that_come_before_the_extensions_own(
        self, bare_app: Apps, development: LocalClerk, ask: Ask, navigation: Headers, query: str
    ) -> None:
        app = bare_app(
            CLERK_SECRET_KEY=development.secret_key, CLERK_PUBLISHABLE_KEY=development.publishable_key,
            CLERK_JWT_KEY=development.jwt_key,
        )  # fmt: skip
        app.before_request(lambda: str(current_auth.user_id) and None)
        Clerk(app)
        assert ask(app, f"/{query}", navigation).status_code == 400

    def test_does_not_let_a_function_on_that_goes_on_regardless(
        self, bare_app: Apps, development: LocalClerk, ask: Ask, navigation: Headers, query: str
    ) -> None:
        from clerk_middleware import HandshakeError

        app = bare_app(
            CLERK_SECRET_KEY=development.secret_key, CLERK_PUBLISHABLE_KEY=development.publishable_key,
            CLERK_JWT_KEY=development.jwt_key,
        )  # fmt: skip

        @app.before_request
        def early() -> None:
            with pytest.raises(HandshakeError):
                str(current_auth.user_id)

        Clerk(app)
        app.get("/")(lambda: "the page")
        assert ask(app, f"/{query}", navigation).status_code == 400
