"""A decorator above the one that registers a function protects nothing, and is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.test import TestResponse

from clerk_middleware import ConfigurationError
from clerk_middleware_flask import protect, require_auth, require_role
from clerk_middleware_flask.testing import ClerkTestClient

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Kind = Callable[[Any], Any]


class Slotted:
    """Can't be referred to weakly."""

    __slots__ = ("__name__",)

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self) -> str:
        return self.__name__


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __eq__(self, other: object) -> bool:
        return True

    def __call__(self) -> str:
        return self.__name__


class Both(Slotted):
    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


CALLABLES: dict[str, Any] = {kind.__name__: kind for kind in (Slotted, Unhashable, Both)}
EVERY = [require_auth, require_auth(), require_role("org:admin"), protect(), protect(role="org:admin")]


class TestAboveARoute:
    @pytest.mark.parametrize("decorator", EVERY)
    def test_is_refused_at_the_first_request(
        self, decorator: Any, app: Flask, ask: Ask, in_kind: Kind
    ) -> None:
        decorator(app.get("/secret", endpoint="secret")(in_kind(lambda: "the secret")))
        for path in ("/secret", "/secret", "/nowhere"):
            with pytest.raises(ConfigurationError) as raised:
                ask(app, path)
            assert str(raised.value) == (
                "the view 'secret' is registered without the decorator that protects it: write the decorator "
                "below @….route, next to the function. (To register one function both ways, give the open "
                "one a function of its own, which calls it.)"
            )

    def test_is_refused_in_production_too(self, app: Flask, ask: Ask) -> None:
        app.testing = False
        require_auth(app.get("/secret", endpoint="secret")(lambda: "the secret"))
        for _ in range(2):
            response = ask(app, "/secret")
            assert response.status_code == 500
            assert b"the secret" not in response.data

    def test_is_refused_in_a_blueprint(self, app: Flask, ask: Ask, in_kind: Kind) -> None:
        inner, outer = Blueprint("inner", __name__), Blueprint("outer", __name__)
        require_auth(inner.get("/secret", endpoint="secret")(in_kind(lambda: "the secret")))
        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        with pytest.raises(ConfigurationError, match=r"the view 'outer\.inner\.secret' is registered"):
            ask(app, "/secret")

    def test_is_refused_where_another_is_below(self, app: Flask, ask: Ask) -> None:
        @require_role("org:admin")
        @app.get("/secret")
        @require_auth
        def secret() -> str: ...

        with pytest.raises(ConfigurationError, match="the view 'secret'"):
            ask(app, "/secret")

    def test_is_refused_where_the_function_has_a_decorator_of_another_kind(
        self, app: Flask, ask: Ask
    ) -> None:
        def logged(view: Any) -> Any:
            return lambda: view()

        require_auth(app.get("/secret", endpoint="secret")(logged(lambda: "the secret")))
        with pytest.raises(ConfigurationError, match="the view 'secret'"):
            ask(app, "/secret")

    def test_is_refused_where_one_of_another_kind_is_between(
        self, app: Flask, ask: Ask, in_kind: Kind
    ) -> None:
        def logged(view: Any) -> Any:
            return wraps(view)(lambda: view())

        require_auth(logged(logged(app.get("/secret", endpoint="secret")(in_kind(lambda: "the secret")))))
        with pytest.raises(ConfigurationError, match="the view 'secret'"):
            ask(app, "/secret")

    @pytest.mark.parametrize("kind", ["Slotted", "Unhashable", "Both"])
    def test_is_refused_of_callables_of_any_kind(self, kind: str, app: Flask, ask: Ask) -> None:
        view = CALLABLES[kind]("the secret")
        app.add_url_rule("/open", "open", CALLABLES[kind]("open"))
        app.add_url_rule("/secret", "secret", view)
        require_auth(view)
        with pytest.raises(ConfigurationError, match="the view 'secret' is registered without"):
            ask(app, "/secret")

    def test_is_refused_of_a_function_that_is_registered_both_ways(self, app: Flask, ask: Ask) -> None:
        def view() -> str: ...

        app.get("/open", endpoint="open")(view)
        app.get("/closed", endpoint="closed")(require_auth(view))
        with pytest.raises(ConfigurationError, match="the view 'open'"):
            ask(app, "/closed")

    def test_is_refused_above_an_endpoint(self, app: Flask, ask: Ask) -> None:
        app.add_url_rule("/secret", endpoint="secret")

        @require_auth
        @app.endpoint("secret")
        def view() -> str: ...

        with pytest.raises(ConfigurationError, match="the view 'secret'"):
            ask(app, "/secret")

    def test_is_refused_of_a_class(self, app: Flask, ask: Ask) -> None:
        class Page(MethodView):
            def get(self) -> str: ...

        view = Page.as_view("page")
        app.add_url_rule("/", view_func=view)
        require_auth(view)
        with pytest.raises(ConfigurationError, match="the view 'page'"):
            ask(app)


class TestAboveBeforeRequest:
    @pytest.mark.parametrize("decorator", EVERY)
    @pytest.mark.parametrize(
        ("owner", "registrar"),
        [
            ("of the blueprint 'admin',", "before_request"),
            ("of the application,", "before_app_request"),
            ("of the application,", "app"),
        ],
    )
    def test_is_refused_at_the_first_request(
        self, owner: str, registrar: str, decorator: Any, app: Flask, ask: Ask
    ) -> None:
        blueprint = Blueprint("admin", __name__)
        register = app.before_request if registrar == "app" else getattr(blueprint, registrar)

        @decorator
        @register
        def managers_only() -> None: ...

        app.register_blueprint(blueprint)
        with pytest.raises(ConfigurationError) as raised:
            ask(app)
        assert str(raised.value).startswith(
            f"managers_only(), {owner} is registered without the decorator that protects it: write the "
            "decorator below @….before_request, next to the function."
        )

    def test_is_refused_of_a_callable_without_a_name(self, app: Flask, ask: Ask) -> None:
        check: Any = partial(print, end="")
        app.before_request(check)
        require_auth(check)
        with pytest.raises(ConfigurationError, match=r"@….before_request"):
            ask(app)


class TestBelow:
    def test_is_as_it_should_be(self, app: Flask, ask: Ask, in_kind: Kind, dispatcher: Headers) -> None:
        blueprint = Blueprint("admin", __name__, url_prefix="/admin")
        blueprint.before_request(require_role("org:dispatcher")(in_kind(lambda: None)))
        blueprint.get("/")(require_auth(in_kind(lambda: "admin")))
        app.register_blueprint(blueprint)
        app.before_request(require_auth(in_kind(lambda: None)))
        assert ask(app, "/admin/").status_code == 401
        assert ask(app, "/admin/", dispatcher).text == "admin"

    def test_checks_before_a_generator_begins(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        @app.get("/")
        @require_auth
        def view() -> Iterator[str]:
            yield "page"

        assert ask(app).status_code == 401
        assert ask(app, headers=dispatcher).text == "page"

    def test_is_looked_at_once_and_not_in_each_request(
        self, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        view = app.get("/")(lambda: "page")
        assert ask(app).text == "page"
        require_auth(view)  # for another use of it, after everything was registered
        assert ask(app).text == "page"

    @pytest.mark.parametrize("kind", ["Slotted", "Unhashable", "Both"])
    def test_may_be_on_callables_of_any_kind(
        self, kind: str, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        app.add_url_rule("/closed", "closed", require_auth(CALLABLES[kind]("closed")))
        app.add_url_rule("/open", "open", CALLABLES[kind]("open"))  # equal to the other, and not it
        assert ask(app, "/closed").status_code == 401
        assert ask(app, "/closed", dispatcher).text == "closed"
        assert ask(app, "/open").text == "open"

    def test_may_have_others_between(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        def logged(view: Any) -> Any:
            return wraps(view)(lambda: view())

        app.get("/")(logged(require_auth(logged(require_role("org:dispatcher")(lambda: "page")))))
        assert ask(app).status_code == 401
        assert ask(app, headers=dispatcher).text == "page"


class TestATestClient:
    """It brings a Clerk instance of its own, and the application's mistakes are the application's."""

    def test_is_told_of_a_wrong_order(self, app: Flask) -> None:
        require_auth(app.get("/secret", endpoint="secret")(lambda: "the secret"))
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="the view 'secret' is registered without"):
                ClerkTestClient(app).get("/secret")

    def test_looks_once_for_all_clients(self, app: Flask, ask: Ask) -> None:
        view = app.get("/")(lambda: "page")
        assert ClerkTestClient(app).get("/").text == "page"
        require_auth(view)
        assert ClerkTestClient(app).get("/").text == ask(app).text == "page"

    def test_is_told_of_an_option_that_came_too_late(self, app: Flask) -> None:
        app.config["CLERK_SIGN_IN_URL"] = "/in"
        with pytest.raises(ConfigurationError, match=r"was set after Clerk\(app\)"):
            ClerkTestClient(app).get("/")
