"""What an attacker would try: on caches, on requests within requests, and on what runs beside a view."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, request, send_file
from flask.views import MethodView, View
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from clerk_middleware import ClerkConfig, ConfigurationError
from clerk_middleware_flask import Clerk, current_auth, get_auth, require_auth, require_role

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]


def cached(view: Any) -> Any:
    """As Flask-Caching marks what it caches."""
    kept: list[Any] = []

    @wraps(view)
    def show() -> Any:
        if not kept:
            kept.append(view())
        return kept[0]

    show.uncached = view  # type: ignore[attr-defined]
    return show


CACHES: dict[str, Any] = {
    "Flask-Caching's": cached,
    "functools.cache": cache,
    "functools.lru_cache(8)": lru_cache(8),
}


class TestCaches:
    @pytest.mark.parametrize("layers", [[], [require_role("org:admin")]])
    def test_above_a_requirement_are_refused(self, layers: list[Any], app: Flask, ask: Ask) -> None:
        view: Any = lambda: "one user's page"  # noqa: E731
        for layer in layers:
            view = layer(view)
        app.get("/", endpoint="page")(cached(require_auth(view)))
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
                ask(app)

    def test_between_two_requirements_are_refused(self, app: Flask, ask: Ask) -> None:
        app.get("/", endpoint="page")(require_auth(cached(require_role("org:admin")(lambda: "an admin's"))))
        with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
            ask(app)

    def test_that_something_else_is_around_are_refused(self, app: Flask, ask: Ask) -> None:
        def logged(view: Any) -> Any:
            return wraps(view)(lambda: view())

        app.get("/", endpoint="page")(logged(cached(logged(require_auth(lambda: "one user's")))))
        with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
            ask(app)

    def test_below_a_requirement_are_as_they_should_be(
        self, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        app.get("/", endpoint="page")(require_auth(cached(lambda: "the same for all")))
        assert ask(app, headers=dispatcher).text == "the same for all"
        assert ask(app).status_code == 401

    def test_below_two_requirements_are_as_they_should_be(
        self, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        page = require_auth(require_role("org:dispatcher")(cached(lambda: "the same for all")))
        app.get("/", endpoint="page")(page)
        assert ask(app, headers=dispatcher).text == "the same for all"
        assert ask(app).status_code == 401

    def test_of_what_is_open_are_as_they_should_be(self, app: Flask, ask: Ask) -> None:
        app.get("/", endpoint="page")(cached(lambda: "the same for all"))
        assert ask(app).text == "the same for all"

    @pytest.mark.parametrize("cache", ["Flask-Caching's", "functools.cache", "functools.lru_cache(8)"])
    @pytest.mark.parametrize("method", ["get", "post", "dispatch_request"])
    def test_above_a_requirement_on_a_classs_method_are_refused(
        self, method: str, cache: str, app: Flask, ask: Ask
    ) -> None:
        @CACHES[cache]
        @require_auth
        def secret(self: Any = None) -> str: ...

        base = View if method == "dispatch_request" else MethodView
        page: Any = type("Page", (base,), {method: secret, "decorators": [require_role("org:admin")]})
        app.add_url_rule("/", view_func=page.as_view("page"))
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
                ask(app)

    def test_above_a_requirement_on_an_inherited_method_are_refused(self, app: Flask, ask: Ask) -> None:
        class Base(MethodView):
            get = cached(require_auth(lambda self: ""))

        class Page(Base):
            pass

        app.add_url_rule("/", view_func=Page.as_view("page"))
        with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
            ask(app)

    def test_below_a_requirement_on_a_classs_method_are_as_they_should_be(
        self, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        class Page(MethodView):
            @require_auth
            @cache  # noqa: B019
            def get(self) -> str:
                return "the same for all"

        class ProtectedPage(MethodView):
            decorators = [require_auth]

            @cache  # noqa: B019
            def get(self) -> str:
                return "the same for all"

        app.add_url_rule("/", view_func=Page.as_view("page"))
        app.add_url_rule("/protected", view_func=ProtectedPage.as_view("protected"))
        for path in ("/", "/protected"):
            assert ask(app, path, dispatcher).text == "the same for all"
            assert ask(app, path).status_code == 401

    def test_above_the_decorators_of_a_class_are_refused(self, app: Flask, ask: Ask) -> None:
        class Page(MethodView):
            decorators = [require_auth, cached]

            def get(self) -> str: ...

        app.add_url_rule("/", view_func=Page.as_view("page"))
        with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
            ask(app)

    @pytest.mark.parametrize("cache", ["functools.cache", "functools.lru_cache(8)"])
    def test_of_pythons_own_are_refused_above_and_fine_below(
        self, cache: str, app_of: Apps, ask: Ask, dispatcher: Headers
    ) -> None:
        app = app_of()
        app.get("/", endpoint="page")(CACHES[cache](require_auth(lambda: "one user's page")))
        with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
            ask(app)
        app = app_of()
        app.get("/", endpoint="page")(require_auth(CACHES[cache](lambda: "the same for all")))
        assert ask(app, headers=dispatcher).text == "the same for all"
        assert ask(app).status_code == 401

    @pytest.mark.parametrize("has_hash", [True, False])
    def test_above_a_requirement_on_a_callable_of_any_kind_are_refused(
        self, has_hash: bool, app: Flask, ask: Ask
    ) -> None:
        class Slotted:
            __slots__ = ()

            def __call__(self) -> str: ...

            if not has_hash:
                __hash__ = None  # type: ignore[assignment]

                def __eq__(self, other: object) -> bool:
                    return True

        app.get("/", endpoint="page")(cached(require_auth(Slotted())))
        with pytest.raises(ConfigurationError, match="the view 'page' is cached above the decorator"):
            ask(app)

    def test_in_front_learn_that_a_file_depends_on_who_asks(
        self, app: Flask, ask: Ask, tmp_path: Path, dispatcher: Headers
    ) -> None:
        (tmp_path / "report.txt").write_text("figures")
        app.get("/report")(require_auth(lambda: send_file(tmp_path / "report.txt")))
        response = ask(app, "/report", dispatcher)
        assert response.headers["Vary"] == "Authorization, Cookie"
        again = ask(app, "/report", dispatcher | {"if-none-match": response.headers["ETag"]})
        assert (again.status_code, again.headers["Vary"]) == (304, "Authorization, Cookie")
        assert ask(app, "/report", {"if-none-match": response.headers["ETag"]}).status_code == 401


class TestARequestWithinARequest:
    """As an endpoint makes it that takes several requests in one (a "batch")."""

    @pytest.fixture
    def batch(self, app: Flask) -> Flask:
        app.get("/who")(lambda: str(current_auth.user_id))

        @app.get("/batch")
        def batch() -> str:
            environ = request.environ | {"PATH_INFO": "/who"}
            environ.pop("HTTP_AUTHORIZATION", None)
            if "as" in request.args:
                environ["HTTP_AUTHORIZATION"] = f"Bearer {request.args['as']}"
            started: list[Any] = []
            inner = b"".join(app.wsgi_app(environ, lambda *given: started.extend(given)))
            return f"{current_auth.user_id}: {inner.decode()}"

        return app

    def test_is_of_whom_its_own_headers_say(
        self, batch: Flask, ask: Ask, dispatcher: Headers, admin: Headers
    ) -> None:
        token = admin["authorization"].removeprefix("Bearer ")
        assert ask(batch, f"/batch?as={token}", dispatcher).text == "user_dev: user_ada"

    def test_is_of_nobody_without_any(self, batch: Flask, ask: Ask, dispatcher: Headers) -> None:
        assert ask(batch, "/batch", dispatcher).text == "user_dev: None"


class TestWhatRunsBesideAView:
    def test_knows_who_asks_in_tasks_and_threads_of_an_async_view(
        self, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        async def later() -> Any:
            await asyncio.sleep(0)
            return current_auth.user_id

        @app.get("/")
        async def view() -> Any:
            told = await asyncio.gather(later(), later())
            return [*told, await asyncio.to_thread(lambda: current_auth.user_id)]

        assert ask(app, headers=dispatcher).json == ["user_dev"] * 3
        assert ask(app).json == [None] * 3

    def test_may_take_the_identity_along(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        taken: list[Any] = []
        app.get("/")(lambda: taken.append(get_auth()) or "")
        ask(app, headers=dispatcher)
        assert taken[0].user_id == "user_dev"
        assert pickle.loads(pickle.dumps(taken[0])).user_id == "user_dev"  # noqa: S301

    def test_cannot_be_another_applications_protection(self, app_of: Apps, dispatcher: Headers) -> None:
        """What protects the outer application does not protect one that is mounted beside it."""
        outer, inner = app_of(CLERK_PROTECTED_ROUTES="/(.*)"), app_of()
        for app in (outer, inner):
            app.get("/")(lambda: "page")
        client = Client(DispatcherMiddleware(outer, {"/inner": inner}))
        assert client.get("/", base_url=SITE).status_code == 401
        assert client.get("/inner/", base_url=SITE).status_code == 200
        inner_protected = app_of(CLERK_PROTECTED_ROUTES="/inner/teams")
        inner_protected.get("/teams")(lambda: "teams")
        client = Client(DispatcherMiddleware(outer, {"/inner": inner_protected}))
        assert client.get("/inner/teams", base_url=SITE).status_code == 401


class TestAConfigurationThatFails:
    @pytest.fixture
    def app(self, bare_app: Apps) -> Flask:
        def config(request: Any) -> ClerkConfig:
            raise LookupError("no such tenant")

        app = bare_app(TESTING=False)
        Clerk(app, config)
        app.get("/")(lambda: "open")
        app.get("/closed", endpoint="closed")(require_auth(lambda: "closed"))
        return app

    def test_lets_nobody_in(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        for path in ("/", "/closed", "/nowhere"):
            assert ask(app, path, dispatcher).status_code == 500

    def test_has_an_error_page_that_shows_nobody(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        app.register_error_handler(500, lambda error: (f"sorry, {current_auth.user_id}", 500))
        assert ask(app, headers=dispatcher).text == "sorry, None"

    def test_fails_again_where_a_function_goes_on_regardless(
        self, bare_app: Apps, ask: Ask, dispatcher: Headers
    ) -> None:
        def config(request: Any) -> ClerkConfig:
            raise LookupError("no such tenant")

        app = bare_app(TESTING=False)

        @app.before_request
        def regardless() -> None:
            with pytest.raises(LookupError):
                str(current_auth)

        Clerk(app, config)
        app.get("/")(lambda: "open")
        assert ask(app, headers=dispatcher).status_code == 500


def test_a_blueprints_own_functions_come_after_the_applications_requirement(app_of: Apps, ask: Ask) -> None:
    ran: list[str] = []
    app = app_of(CLERK_PROTECTED_ROUTES="/admin/(.*)")
    blueprint = Blueprint("admin", __name__, url_prefix="/admin")
    blueprint.before_app_request(lambda: ran.append("app"))
    blueprint.before_request(lambda: ran.append("blueprint"))
    blueprint.get("/page")(lambda: ran.append("view") or "")
    app.register_blueprint(blueprint)
    assert ask(app, "/admin/page").status_code == 401
    assert ran == []
