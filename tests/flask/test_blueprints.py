"""``clerk.protect_blueprint``, and requirements on what runs before views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.exceptions import NotFound
from werkzeug.test import TestResponse

from clerk_middleware import ConfigurationError
from clerk_middleware_flask import Clerk, current_auth, require_auth, require_permission, require_role

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Kind = Callable[[Any], Any]
Make = Callable[..., Blueprint]


def is_hidden(response: TestResponse) -> bool:
    """Whether it is Flask's own page for what does not exist."""
    return response.status_code == 404 and response.data == NotFound().get_body().encode()


@pytest.fixture
def extension() -> Clerk:
    return Clerk()


@pytest.fixture
def app(bare_app: Callable[..., Flask], keys: Any, extension: Clerk) -> Flask:
    app = bare_app(**keys)
    extension.init_app(app)
    app.get("/")(lambda: "open")
    return app


@pytest.fixture
def admin_pages(in_kind: Kind) -> Make:
    def make(name: str = "admin", **options: Any) -> Blueprint:
        blueprint = Blueprint(name, __name__, url_prefix=f"/{name}", **options)
        blueprint.get("/page")(in_kind(lambda: f"{name} of {current_auth.user_id}"))
        return blueprint

    return make


class TestABlueprint:
    def test_is_protected_as_a_whole(
        self,
        app: Flask,
        extension: Clerk,
        admin_pages: Make,
        ask: Ask,
        dispatcher: Headers,
        admin: Headers,
    ) -> None:
        blueprint = admin_pages()
        extension.protect_blueprint(blueprint, role="org:admin")
        app.register_blueprint(blueprint)
        assert ask(app, "/admin/page", admin).text == "admin of user_ada"
        for headers in (dispatcher, {}):
            response = ask(app, "/admin/page", headers)
            assert is_hidden(response)
            assert response.headers["vary"] == "Authorization, Cookie"
        assert ask(app).text == "open"

    def test_sends_a_browser_to_sign_in(
        self, app: Flask, extension: Clerk, admin_pages: Make, ask: Ask, navigation: Headers
    ) -> None:
        blueprint = admin_pages()
        extension.protect_blueprint(blueprint)
        app.register_blueprint(blueprint)
        response = ask(app, "/admin/page", navigation)
        assert response.status_code == 307
        assert "/sign-in?redirect_url=https%3A%2F%2Fapp.example.com%2Fadmin%2Fpage" in response.location

    @pytest.mark.parametrize(
        ("options", "admitted"),
        [
            ({}, ["user_ada", "user_dev", "user_sam"]),
            ({"permission": "org:dispatcher:assign_drivers"}, ["user_dev"]),
            ({"plan": "org:pro"}, ["user_ada", "user_dev"]),
            ({"feature": "export"}, []),
            ({"condition": lambda auth: auth.user_id != "user_ada"}, ["user_dev", "user_sam"]),
            ({"reverification": "strict", "role": "org:admin"}, ["user_ada"]),
        ],
    )
    def test_takes_what_protect_takes(
        self,
        options: Any,
        admitted: list[str],
        app: Flask,
        extension: Clerk,
        admin_pages: Make,
        ask: Ask,
        signed_in: Any,
    ) -> None:
        blueprint = admin_pages()
        extension.protect_blueprint(blueprint, **options)
        app.register_blueprint(blueprint)
        users = ["user_ada", "user_dev", "user_sam"]
        assert [
            user for user in users if ask(app, "/admin/page", signed_in(user)).status_code == 200
        ] == admitted

    def test_may_send_elsewhere(
        self, app: Flask, extension: Clerk, admin_pages: Make, ask: Ask, dispatcher: Headers
    ) -> None:
        blueprint = admin_pages()
        extension.protect_blueprint(
            blueprint, role="org:admin", unauthorized_url="/no", unauthenticated_url="/who"
        )
        app.register_blueprint(blueprint)
        assert ask(app, "/admin/page", dispatcher).location == "/no"
        assert ask(app, "/admin/page").location == "/who"

    def test_may_be_protected_twice(
        self, app: Flask, extension: Clerk, admin_pages: Make, ask: Ask, dispatcher: Headers, admin: Headers
    ) -> None:
        blueprint = admin_pages()
        extension.protect_blueprint(blueprint)
        extension.protect_blueprint(blueprint, lambda auth: auth.user_id == "user_dev")
        app.register_blueprint(blueprint)
        assert ask(app, "/admin/page", dispatcher).status_code == 200
        assert ask(app, "/admin/page", admin).status_code == 404

    def test_protects_those_within_it(
        self, app: Flask, extension: Clerk, admin_pages: Make, ask: Ask, dispatcher: Headers, admin: Headers
    ) -> None:
        outer, inner, beside = admin_pages("outer"), admin_pages("inner"), admin_pages("beside")
        extension.protect_blueprint(outer)
        extension.protect_blueprint(inner, role="org:admin")
        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        app.register_blueprint(beside)
        for path, statuses in {
            "/outer/page": [404, 200, 200],
            "/outer/inner/page": [404, 404, 200],
            "/beside/page": [200, 200, 200],
        }.items():
            assert [ask(app, path, who).status_code for who in ({}, dispatcher, admin)] == statuses

    def test_is_protected_under_each_name(
        self, app: Flask, extension: Clerk, admin_pages: Make, ask: Ask
    ) -> None:
        blueprint = admin_pages()
        extension.protect_blueprint(blueprint)
        app.register_blueprint(blueprint)
        app.register_blueprint(blueprint, name="again", url_prefix="/again")
        assert ask(app, "/admin/page").status_code == 404
        assert ask(app, "/again/page").status_code == 404

    def test_protects_its_static_files(
        self, app: Flask, extension: Clerk, admin_pages: Make, ask: Ask, tmp_path: Any, dispatcher: Headers
    ) -> None:
        (tmp_path / "report.txt").write_text("figures")
        blueprint = admin_pages(static_folder=str(tmp_path), static_url_path="/files")
        extension.protect_blueprint(blueprint)
        app.register_blueprint(blueprint)
        assert is_hidden(ask(app, "/admin/files/report.txt"))
        assert ask(app, "/admin/files/report.txt", dispatcher).text == "figures"

    def test_is_protected_before_it_is_registered_and_not_after(
        self, app: Flask, extension: Clerk, admin_pages: Make
    ) -> None:
        blueprint = admin_pages()
        app.register_blueprint(blueprint)
        with pytest.raises(AssertionError, match="before_request"):
            extension.protect_blueprint(blueprint)

    @pytest.mark.parametrize(
        "options",
        [
            {"role": ""},
            {"role": None},
            {"unauthorized_url": "no url"},
            {"condition": "admin"},
            {"condition": require_auth},
            {"condition": require_role("org:admin")},
        ],
    )
    def test_with_a_wrong_requirement_is_told_where_it_is_written(
        self, options: Any, extension: Clerk, admin_pages: Make
    ) -> None:
        with pytest.raises(ConfigurationError):
            extension.protect_blueprint(admin_pages(), **options)

    def test_may_answer_as_the_other_words_do(
        self, app: Flask, admin_pages: Make, in_kind: Kind, ask: Ask, dispatcher: Headers, admin: Headers
    ) -> None:
        blueprint = admin_pages()
        blueprint.before_request(require_role("org:admin")(in_kind(lambda: None)))
        app.register_blueprint(blueprint)
        statuses = [ask(app, "/admin/page", who).status_code for who in ({}, dispatcher, admin)]
        assert statuses == [401, 403, 200]

    def test_of_the_whole_application_is_a_function_before_each_request(
        self, app: Flask, admin_pages: Make, in_kind: Kind, ask: Ask, dispatcher: Headers
    ) -> None:
        app.before_request(require_permission("org:dispatcher:assign_drivers")(in_kind(lambda: None)))
        app.register_blueprint(admin_pages())
        for path in ("/", "/admin/page", "/nowhere"):
            assert ask(app, path).status_code == 401
        assert ask(app, "/admin/page", dispatcher).status_code == 200


class TestAPreflight:
    """Browsers ask with OPTIONS, and without credentials, what another origin's script may send."""

    @pytest.fixture(params=["protect_blueprint", "before_request", "before_app_request", "routes"])
    def closed(
        self, request: pytest.FixtureRequest, bare_app: Any, keys: Any, extension: Clerk, in_kind: Kind
    ) -> Callable[[Blueprint], Flask]:
        """An application in which all of a blueprint is closed, in one of the ways that there are."""

        def make(blueprint: Blueprint) -> Flask:
            way = request.param
            app: Flask = bare_app(**keys, **({"CLERK_PROTECTED_ROUTES": "/(.*)"} if way == "routes" else {}))
            extension.init_app(app)
            if way == "protect_blueprint":
                extension.protect_blueprint(blueprint)
            elif way != "routes":
                getattr(blueprint, way)(require_permission("org:dispatcher:assign_drivers")(in_kind(told)))
            app.register_blueprint(blueprint)
            return app

        def told() -> str | None:
            assert current_auth.user_id == "user_dev"
            return None

        return make

    def test_that_flask_answers_gets_through(self, closed: Any, admin_pages: Make, ask: Ask) -> None:
        app = closed(admin_pages())
        response = ask(app, "/admin/page", method="OPTIONS")
        assert (response.status_code, response.data) == (200, b"")
        assert set(response.allow) == {"GET", "HEAD", "OPTIONS"}
        assert response.headers["vary"] == "Authorization, Cookie"
        assert ask(app, "/admin/page").status_code in (401, 404)

    def test_that_flask_answers_does_not_run_what_is_decorated(
        self, app: Flask, admin_pages: Make, in_kind: Kind, ask: Ask, dispatcher: Headers
    ) -> None:
        ran: list[Any] = []
        blueprint = admin_pages()
        blueprint.before_request(require_auth(in_kind(lambda: ran.append(current_auth.user_id))))
        app.register_blueprint(blueprint)
        for headers in ({}, dispatcher):
            assert ask(app, "/admin/page", headers, "OPTIONS").status_code == 200
        assert ran == []
        assert ask(app, "/admin/page", dispatcher).status_code == 200
        assert ran == ["user_dev"]

    def test_that_a_view_answers_does_not(
        self, closed: Any, in_kind: Kind, ask: Ask, dispatcher: Headers
    ) -> None:
        blueprint = Blueprint("api", __name__)
        blueprint.route("/api", methods=["GET", "OPTIONS"])(in_kind(lambda: "the secret"))
        app = closed(blueprint)
        response = ask(app, "/api", method="OPTIONS")
        assert response.status_code in (401, 404)
        assert b"the secret" not in response.data
        assert ask(app, "/api", dispatcher, "OPTIONS").text == "the secret"

    def test_that_a_decorated_view_answers_does_not(
        self, app: Flask, in_kind: Kind, ask: Ask, dispatcher: Headers
    ) -> None:
        app.route("/api", endpoint="api", methods=["OPTIONS"])(require_auth(in_kind(lambda: "the secret")))
        app.get("/open", endpoint="open", provide_automatic_options=False)(
            require_auth(in_kind(lambda: "open"))
        )
        assert ask(app, "/api", method="OPTIONS").status_code == 401
        assert ask(app, "/api", dispatcher, "OPTIONS").text == "the secret"
        assert ask(app, "/open", method="OPTIONS").status_code == 405

    def test_of_a_class_that_has_options_does_not(self, closed: Any, ask: Ask, dispatcher: Headers) -> None:
        class Page(MethodView):
            def get(self) -> str: ...

            def options(self) -> str:
                return "the secret"

        blueprint = Blueprint("api", __name__)
        blueprint.add_url_rule("/api", view_func=Page.as_view("page"))
        app = closed(blueprint)
        assert ask(app, "/api", method="OPTIONS").status_code in (401, 404)
        assert ask(app, "/api", dispatcher, "OPTIONS").text == "the secret"

    @pytest.mark.parametrize("way", ["routes", "before_request"])
    def test_that_nothing_answers_does_not(
        self, way: str, bare_app: Any, keys: Any, extension: Clerk, ask: Ask, in_kind: Kind
    ) -> None:
        app = bare_app(**keys, **({"CLERK_PROTECTED_ROUTES": "/(.*)"} if way == "routes" else {}))
        extension.init_app(app)
        if way == "before_request":
            app.before_request(require_auth(in_kind(lambda: None)))
        app.get("/page", provide_automatic_options=False)(lambda: "page")
        assert ask(app, "/page", method="OPTIONS").status_code == 401
        assert ask(app, "/nowhere", method="OPTIONS").status_code == 401

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "TRACE", "PROPFIND"])
    def test_is_no_other_method(self, method: str, closed: Any, in_kind: Kind, ask: Ask) -> None:
        blueprint = Blueprint("api", __name__)
        blueprint.route("/api", methods=["GET", method])(in_kind(lambda: "the secret"))
        headers = {"access-control-request-method": "POST", "x-http-method-override": "OPTIONS"}
        assert ask(closed(blueprint), "/api", headers, method).status_code in (401, 404)
