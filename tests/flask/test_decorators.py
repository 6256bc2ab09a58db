"""The decorators: on functions, methods and classes, and what they answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.views import MethodView, View
from werkzeug.exceptions import NotFound
from werkzeug.test import TestResponse

import clerk_middleware_flask
from clerk_middleware import ConfigurationError
from clerk_middleware_flask import (
    get_session,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
)

from ..answers import UNAUTHORIZED, every_word, forbidden

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]
Kind = Callable[[Any], Any]
SignedIn = Callable[..., Headers]


def page(name: str = "page") -> str:
    return f"{name} of {get_session().user_id}"


class Forms:
    """The ways in which a view may be decorated; each takes the decorator and makes a view."""

    @staticmethod
    def function(decorator: Any) -> Any:
        return decorator(page)

    @staticmethod
    def async_function(decorator: Any) -> Any:
        @decorator
        async def apage(name: str = "page") -> str:
            return page(name)

        return apage

    @staticmethod
    def class_of_methods(decorator: Any) -> Any:
        class Page(MethodView):
            decorators = [decorator]

            def get(self, name: str = "page") -> str:
                return page(name)

        return Page.as_view("page")

    @staticmethod
    def async_class_of_methods(decorator: Any) -> Any:
        class Page(MethodView):
            decorators = [decorator]

            async def get(self, name: str = "page") -> str:
                return page(name)

        return Page.as_view("page")

    @staticmethod
    def class_(decorator: Any) -> Any:
        class Page(View):
            init_every_request = False
            decorators = [decorator]

            def dispatch_request(self, name: str = "page") -> str:
                return page(name)

        return Page.as_view("page")

    @staticmethod
    def async_class(decorator: Any) -> Any:
        class Page(View):
            decorators = [decorator]

            async def dispatch_request(self, name: str = "page") -> str:
                return page(name)

        return Page.as_view("page")

    @staticmethod
    def method(decorator: Any) -> Any:
        class Page(MethodView):
            @decorator
            def get(self, name: str = "page") -> str:
                return page(name)

        return Page.as_view("page")

    @staticmethod
    def async_method(decorator: Any) -> Any:
        class Page(MethodView):
            @decorator
            async def get(self, name: str = "page") -> str:
                return page(name)

        return Page.as_view("page")

    @staticmethod
    def around_as_view(decorator: Any) -> Any:
        class Page(MethodView):
            def get(self, name: str = "page") -> str:
                return page(name)

        return decorator(Page.as_view("page"))


@pytest.fixture(params=[name for name in vars(Forms) if not name.startswith("__")])
def view_with(request: pytest.FixtureRequest) -> Any:
    return getattr(Forms, request.param)


@pytest.fixture
def get(app_of: Apps, ask: Ask) -> Callable[..., TestResponse]:
    def send(view: Any, headers: Any = None, path: str = "/", method: str = "GET") -> TestResponse:
        app = app_of()
        for rule in ("/", "/named/<name>"):
            app.add_url_rule(rule, "page", view, methods=None if hasattr(view, "view_class") else [method])
        return ask(app, path, headers, method)

    return send


class TestEveryForm:
    def test_lets_in_who_is_allowed(self, view_with: Any, get: Any, dispatcher: Headers) -> None:
        response = get(view_with(require_permission("org:dispatcher:assign_drivers")), dispatcher)
        assert (response.status_code, response.text) == (200, "page of user_dev")

    def test_passes_the_urls_values_on(self, view_with: Any, get: Any, dispatcher: Headers) -> None:
        assert get(view_with(require_auth), dispatcher, "/named/loads").text == "loads of user_dev"

    def test_refuses_who_is_not_allowed(self, view_with: Any, get: Any, dispatcher: Headers) -> None:
        response = get(view_with(require_role("org:admin")), dispatcher)
        assert (response.status_code, response.json) == (403, forbidden(role="org:admin"))

    def test_refuses_who_is_not_signed_in(self, view_with: Any, get: Any) -> None:
        response = get(view_with(require_auth))
        assert (response.status_code, response.json) == (401, UNAUTHORIZED)

    def test_may_be_several(
        self, view_with: Any, get: Any, dispatcher: Headers, admin: Headers, signed_in: SignedIn
    ) -> None:
        def both(view: Any) -> Any:
            return require_reverification("strict")(require_role("org:admin")(view))

        assert get(view_with(both), admin).status_code == 200
        assert get(view_with(both), dispatcher).status_code == 403
        assert get(view_with(both), signed_in("user_ada", fva=(30, -1))).status_code == 403

    def test_does_not_run_the_view_first(self, get: Any, in_kind: Kind) -> None:
        ran: list[int] = []
        assert get(require_auth(in_kind(lambda: ran.append(1) or ""))).status_code == 401
        assert ran == []

    def test_keeps_what_flask_reads_from_a_function(self, view_with: Any) -> None:
        plain, decorated = view_with(lambda view: view), view_with(require_auth)
        assert decorated.__name__ == plain.__name__
        assert inspect.iscoroutinefunction(decorated) == inspect.iscoroutinefunction(plain)

    def test_leaves_the_methods_of_a_class_alone(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        class Page(MethodView):
            decorators = [require_role("org:admin"), require_auth]

            def get(self) -> str:
                return "got"

            def post(self) -> str:
                return "posted"

        app.add_url_rule("/", view_func=Page.as_view("page"))
        assert ask(app, method="POST").status_code == 401
        assert ask(app, method="POST", headers=dispatcher).status_code == 403
        assert ask(app, method="PUT").status_code == 405


class TestEveryWord:
    """Dev is a dispatcher of a company on the plan *pro*."""

    @pytest.mark.parametrize(("decorator", "body"), every_word(clerk_middleware_flask))
    def test_is_checked(
        self, decorator: Any, body: Any, in_kind: Kind, get: Any, dispatcher: Headers
    ) -> None:
        response = get(decorator(in_kind(page)), dispatcher)
        if body is None:
            assert response.status_code == 200
        else:
            assert (response.status_code, response.json) == (403, body)
            assert response.headers["content-type"] == "application/json"
            assert response.headers["cache-control"] == "no-store"
        assert get(decorator(in_kind(page))).status_code in (401, 404)

    @pytest.mark.parametrize(
        "protection",
        [
            {"role": "org:admin"},
            {"permission": "org:teams:manage"},
            {"plan": "plus"},
            {"feature": "export"},
            {"condition": lambda auth: auth.user_id == "user_ada"},
            {"role": "org:dispatcher", "permission": "org:teams:manage"},
        ],
    )
    def test_of_protect_hides_that_there_is_a_page(
        self, protection: Any, in_kind: Kind, get: Any, dispatcher: Headers
    ) -> None:
        for headers in (dispatcher, {}):
            response = get(protect(**protection)(in_kind(page)), headers)
            assert (response.status_code, response.data) == (404, NotFound().get_body().encode())

    def test_of_protect_may_send_elsewhere(self, in_kind: Kind, get: Any, dispatcher: Headers) -> None:
        view = protect(role="org:admin", unauthorized_url="/no", unauthenticated_url="/who")(in_kind(page))
        for headers, location in ((dispatcher, "/no"), ({}, "/who")):
            response = get(view, headers)
            assert (response.status_code, response.headers["location"]) == (307, location)
            assert response.headers["cache-control"] == "no-store"

    def test_of_reverification_is_as_clerks_frontend_reads_it(
        self, get: Any, in_kind: Kind, signed_in: SignedIn
    ) -> None:
        view = require_reverification({"level": "first_factor", "after_minutes": 5})(in_kind(page))
        assert get(view, signed_in(fva=(4, -1))).status_code == 200
        response = get(view, signed_in(fva=(5, -1)))
        assert (response.status_code, response.json) == (
            403,
            {
                "clerk_error": {
                    "type": "forbidden",
                    "reason": "reverification-error",
                    "metadata": {"reverification": {"level": "first_factor", "afterMinutes": 5}},
                }
            },
        )

    def test_wants_a_session_and_no_machine(
        self, app_of: Apps, ask: Ask, in_kind: Kind, machine: Headers
    ) -> None:
        app = app_of(CLERK_ACCEPTS_TOKEN="any")
        app.get("/auth")(require_auth(in_kind(page)))
        app.get("/protect", endpoint="protect")(protect()(in_kind(page)))
        for path in ("/auth", "/protect"):
            response = ask(app, path, machine)
            assert response.status_code == 401
            assert response.json["clerk_error"]["reason"] == "token-type-mismatch"
            assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


class TestAMistake:
    @pytest.mark.parametrize("word", [require_permission, require_role, require_feature, require_plan])
    @pytest.mark.parametrize("value", ["", " ", None, 7, ["org:admin"], page])
    def test_in_a_value_is_told_where_it_is_written(self, word: Any, value: Any) -> None:
        with pytest.raises(ConfigurationError):
            word(value)

    @pytest.mark.parametrize("value", ["strictest", 7, {}, {"level": "first_factor"}, page])
    def test_in_a_reverification_is_told(self, value: Any) -> None:
        with pytest.raises(ConfigurationError, match="reverification must be one of"):
            require_reverification(value)

    def test_in_a_protection_is_told(self) -> None:
        with pytest.raises(ConfigurationError):
            protect(role="")
        with pytest.raises(ConfigurationError):
            protect(unauthorized_url="no url")
        with pytest.raises(TypeError, match="nothing that can be required"):
            protect(rule="org:admin")  # type: ignore[call-arg]

    def test_of_forgetting_to_call_protect_is_told(self, app: Flask, ask: Ask) -> None:
        with pytest.raises(ConfigurationError, match=r"write @protect\(\), with parentheses"):

            @app.get("/")
            @protect
            def page() -> str: ...

        with pytest.raises(ConfigurationError, match=r"write @protect\(\), with parentheses"):

            @app.get("/")
            @protect
            async def apage() -> str: ...

    @pytest.mark.parametrize("endpoint", [None, "load"])
    def test_of_taking_a_view_for_a_condition_is_told(
        self, endpoint: str | None, app: Flask, ask: Ask
    ) -> None:
        """Without ``request`` in front, Python can't tell the one from the other until it is called."""

        def register() -> None:
            @app.get("/loads/<load_id>", endpoint=endpoint)
            @protect
            def load(load_id: str) -> Any: ...

            ask(app, "/loads/7")

        with pytest.raises(ConfigurationError, match="write it as a decorator, above one, and with paren"):
            register()

    @pytest.mark.parametrize("decorator", [require_permission("org:teams:manage"), protect(), require_auth()])
    @pytest.mark.parametrize("endpoint", [None, "page"])
    @pytest.mark.parametrize("path", ["/page", "/page/<load_id>"])
    def test_of_registering_a_decorator_as_a_view_is_told(
        self, path: str, endpoint: str | None, decorator: Any, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        def register() -> None:
            app.add_url_rule(path, endpoint, decorator)
            ask(app, path.replace("<load_id>", "7"), dispatcher)

        with pytest.raises(ConfigurationError, match="registered in the place of a function: write it as"):
            register()

    @pytest.mark.parametrize("decorator", [require_permission("org:teams:manage"), protect(), require_auth()])
    def test_of_registering_a_decorator_before_requests_is_told(
        self, decorator: Any, app: Flask, ask: Ask
    ) -> None:
        app.before_request(decorator)
        app.get("/")(lambda: "the secret")
        with pytest.raises(ConfigurationError, match="was registered in the place of a function"):
            ask(app)

    @pytest.mark.parametrize("word", [require_auth, require_role("org:admin"), protect, protect()])
    def test_of_protecting_by_a_decorator_is_told(self, word: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"no decorators: .* as in protect\(role='org:admin'\)"):
            protect(word)

    @pytest.mark.parametrize("what", [type("Page", (MethodView,), {}), "page", None])
    def test_of_decorating_what_is_no_function_is_told(self, what: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"decorate functions, not .*this very decorator"):
            require_role("org:admin")(what)

    def test_of_a_condition_that_says_neither_yes_nor_no_is_told(self, get: Any, dispatcher: Headers) -> None:
        with pytest.raises(ConfigurationError, match="a condition must return True or False"):
            get(protect(lambda auth: auth.has)(page), dispatcher)  # type: ignore[arg-type,return-value]
