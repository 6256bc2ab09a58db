"""Machines in Flask: API keys, M2M tokens and OAuth clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, render_template_string, request
from flask.views import MethodView, View
from flask_login import LoginManager, current_user, login_required
from werkzeug.test import TestResponse

from clerk_middleware import ClerkConfig, ConfigurationError, NotAuthenticated
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.protect import Protection
from clerk_middleware.protection import InsufficientScope, Requirement
from clerk_middleware_flask import (
    Clerk,
    current_auth,
    get_auth,
    get_session,
    protect,
    require_auth,
    require_permission,
    require_scope,
)
from clerk_middleware_flask.login import use_clerk

from ..machine_callers import CALLERS, headers_of, machine_options
from .plain_wsgi import answer, what_matters

SITE = "https://app.example.com"
ASSIGN = "org:dispatcher:assign_drivers"
MACHINES = ["key", "weak key", "oauth", "weak oauth", "m2m"]

Ask = Callable[..., TestResponse]
Caller = Callable[[str], dict[str, str]]


def page() -> str:
    return type(get_auth()).__name__


@pytest.fixture
def options(clerk: LocalClerk, backend_api: LocalServer) -> Any:
    yield machine_options(clerk, backend_api.url)
    clerk.recover()


@pytest.fixture
def machines(app_of: Callable[..., Flask], options: dict[str, Any]) -> Callable[..., Flask]:
    """An application that machines call."""

    def make(**changed: Any) -> Flask:
        return app_of(**{f"CLERK_{name.upper()}": value for name, value in options.items()} | changed)

    return make


@pytest.fixture
def app(machines: Callable[..., Flask]) -> Flask:
    return machines()


@pytest.fixture
def caller(clerk: LocalClerk) -> Caller:
    return lambda name: headers_of(clerk, name, azp=SITE)


#: Decorators, what they require, and whom they let in or refuse with 403; others get 401.
WAYS: dict[str, tuple[Any, Requirement, set[str], set[str]]] = {
    "a scope": (
        require_scope("read:loads"),
        Requirement(accepts_token=["api_key", "m2m_token", "oauth_token"], scopes="read:loads"),
        {"key", "oauth"},
        {"weak key", "weak oauth", "m2m"},
    ),
    "a scope of keys": (
        require_scope("read:loads", accepts_token="api_key"),
        Requirement(accepts_token="api_key", scopes="read:loads"),
        {"key"},
        {"weak key"},
    ),
    "keys": (
        require_auth(accepts_token="api_key"),
        Requirement(accepts_token="api_key"),
        {"key", "weak key"},
        set(),
    ),
    "any": (
        require_auth(accepts_token="any"),
        Requirement(accepts_token="any"),
        set(CALLERS) - {"nobody"},
        set(),
    ),
    "either": (
        protect(token=["session_token", "oauth_token"], permission=ASSIGN, scope="read:loads"),
        Protection(token=["session_token", "oauth_token"], permission=ASSIGN, scope="read:loads"),
        {"session", "oauth"},
        {"driver", "weak oauth"},
    ),
    "sessions": (require_auth, Requirement(), {"session", "driver"}, set()),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_answers_are_those_of_other_frameworks(
    way: str,
    in_kind: Any,
    app: Flask,
    ask: Ask,
    caller: Caller,
    config: Callable[..., ClerkConfig],
    options: dict[str, Any],
) -> None:
    decorator, requirement, let_in, forbidden = WAYS[way]
    app.get("/page")(decorator(in_kind(page)))
    for person in CALLERS:
        headers = caller(person)
        response = ask(app, "/page", headers)
        expected = 200 if person in let_in else 403 if person in forbidden else 401
        assert response.status_code == expected, person
        assert what_matters(response) == answer(config(**options), requirement, headers, "/page"), person
        assert response.headers["vary"] == "Authorization, Cookie"


class TestClasses:
    def test_name_a_decorator_for_all_methods(self, app: Flask, ask: Ask, caller: Caller) -> None:
        class Loads(MethodView):
            decorators = [require_scope("read:loads")]

            def get(self) -> str:
                return page()

            async def post(self) -> str:
                return page()

        app.add_url_rule("/page", view_func=Loads.as_view("loads"))
        for method in ("GET", "POST"):
            assert ask(app, "/page", caller("key"), method).text == "APIKeyAuth"
            assert ask(app, "/page", caller("weak key"), method).status_code == 403
            assert ask(app, "/page", caller("session"), method).status_code == 401

    def test_may_have_one_for_each(self, app: Flask, ask: Ask, caller: Caller) -> None:
        class Loads(MethodView):
            @require_scope("read:loads")
            def get(self) -> str:
                return page()

            @require_scope("write:loads")
            def post(self) -> str:
                return page()

        app.add_url_rule("/page", view_func=Loads.as_view("loads"))
        assert ask(app, "/page", caller("key")).text == "APIKeyAuth"
        refused = ask(app, "/page", caller("key"), "POST")
        challenge = 'Bearer error="insufficient_scope", scope="write:loads"'
        assert (refused.status_code, refused.headers["www-authenticate"]) == (403, challenge)

    def test_may_be_one_view(self, app: Flask, ask: Ask, caller: Caller) -> None:
        class Loads(View):
            decorators = [require_auth(accepts_token="m2m_token")]

            def dispatch_request(self) -> str:
                return page()

        app.add_url_rule("/page", view_func=Loads.as_view("loads"))
        assert ask(app, "/page", caller("m2m")).text == "M2MAuth"
        assert ask(app, "/page", caller("key")).status_code == 401


class TestBlueprints:
    @pytest.fixture
    def loads(self) -> Blueprint:
        blueprint = Blueprint("loads", __name__, url_prefix="/loads")
        blueprint.get("/page")(lambda: page())
        return blueprint

    def test_let_machines_in(self, app: Flask, ask: Ask, caller: Caller, loads: Blueprint) -> None:
        Clerk().protect_blueprint(loads, token=["session_token", "api_key"], scope="read:loads")
        app.register_blueprint(loads)
        expected = {"nobody": 401, "session": 200, "key": 200, "weak key": 403, "m2m": 401}
        assert {name: ask(app, "/loads/page", caller(name)).status_code for name in expected} == expected
        assert ask(app, "/loads/page", method="OPTIONS").status_code == 200

    def test_may_ask_a_function(self, app: Flask, ask: Ask, caller: Caller, loads: Blueprint) -> None:
        Clerk().protect_blueprint(loads, lambda auth: auth.machine_id == "mch_billing", token="m2m_token")
        app.register_blueprint(loads)
        refused = ask(app, "/loads/page", caller("m2m"))
        assert refused.status_code == 403
        assert refused.json["clerk_error"]["reason"] == "not-authorized"

    def test_may_be_decorated(self, app: Flask, ask: Ask, caller: Caller, loads: Blueprint) -> None:
        @loads.before_request
        @require_scope("read:loads")
        def readers_only() -> None: ...

        app.register_blueprint(loads)
        assert ask(app, "/loads/page", caller("oauth")).text == "OAuthAuth"
        assert ask(app, "/loads/page", caller("weak oauth")).status_code == 403

    @pytest.mark.parametrize(
        "options",
        [
            {"token": "api_keys"},
            {"token": "api_key", "role": "org:admin"},
            {"scope": "read:loads"},
            {"token": "api_key", "scope": []},
        ],
    )
    def test_are_told_at_once_what_makes_no_sense(self, options: Any, loads: Blueprint) -> None:
        with pytest.raises(ConfigurationError):
            Clerk().protect_blueprint(loads, **options)


class TestATokenThatNobodyKnows:
    @pytest.mark.parametrize(("status", "retry_after", "seconds"), [(500, None, "5"), (429, 7, "7")])
    def test_is_not_thrown_away_while_clerk_is_busy(
        self,
        status: int,
        retry_after: int | None,
        seconds: str,
        app: Flask,
        ask: Ask,
        caller: Caller,
        clerk: LocalClerk,
        config: Any,
        options: Any,
    ) -> None:
        app.get("/page")(require_scope("read:loads")(page))
        clerk.fail("/api_keys/verify", status, None, retry_after)
        headers = caller("key")
        response = ask(app, "/page", headers)
        assert (response.status_code, response.headers["retry-after"]) == (503, seconds)
        requirement = WAYS["a scope"][1]
        assert what_matters(response) == answer(config(**options), requirement, headers, "/page")

    def test_is_known_to_a_handler_of_the_applications(
        self, app: Flask, ask: Ask, caller: Caller, clerk: LocalClerk
    ) -> None:
        app.get("/page")(require_scope("write:loads")(page))

        @app.errorhandler(NotAuthenticated)
        def unknown(error: NotAuthenticated) -> tuple[str, int]:
            return "who?", error.status_code

        @app.errorhandler(InsufficientScope)
        def weak(error: InsufficientScope) -> tuple[str, int]:
            return f"{error.auth.token_type}?", error.status_code

        refused = ask(app, "/page", caller("key"))
        assert (refused.status_code, refused.text) == (403, "api_key?")
        clerk.fail("/api_keys/verify", 500, None)
        assert ask(app, "/page", caller("key")).status_code == 503
        assert ask(app, "/page").status_code == 401

    @pytest.mark.parametrize(
        "header", ["Bearer xx_unknown", "Bearer ak_" + "a" * 1_000_000, "Basic ak_1", "Bearer", "Bearer ak_1"]
    )
    def test_is_refused(self, header: str, app: Flask, ask: Ask) -> None:
        app.get("/page")(require_auth(accepts_token="any")(page))
        assert ask(app, "/page", {"authorization": header}).status_code == 401

    @pytest.mark.parametrize("header", ["Bearer ak_unknown", "Bearer ak_!", "Bearer oat_unknown"])
    def test_has_no_scopes(self, header: str, app: Flask, ask: Ask) -> None:
        @app.get("/page")
        def scopes() -> list[bool]:
            asked: Any = request
            given: list[Any] = [get_auth(), current_auth, asked.auth]
            return ["read:loads" in auth.scopes for auth in given]

        assert ask(app, "/page", {"authorization": header}).json == [False, False, False]

    def test_is_in_a_cookie(self, app: Flask, ask: Ask, caller: Caller) -> None:
        app.get("/page")(require_auth(accepts_token="any")(page))
        key = caller("key")["authorization"].removeprefix("Bearer ")
        for cookie in (f"__session={key}; __client_uat=1", f"authorization={key}"):
            assert ask(app, "/page", {"cookie": cookie}).status_code == 401

    def test_is_beside_a_cookie(self, app: Flask, ask: Ask, caller: Caller, cookies: dict[str, str]) -> None:
        """The header's token is who it is: nobody, whatever the cookie says."""
        app.get("/page")(require_auth(accepts_token="any")(page))
        app.get("/people")(require_auth(lambda: page()))
        unknown = {"authorization": "Bearer ak_unknown"}
        assert ask(app, "/page", cookies | unknown).status_code == 401
        assert ask(app, "/page", cookies | caller("m2m")).text == "M2MAuth"
        assert ask(app, "/people", cookies | caller("m2m")).status_code == 401

    def test_is_revoked(self, machines: Any, ask: Ask, clerk: LocalClerk) -> None:
        app = machines(CLERK_OPAQUE_TOKEN_TTL_IN_MS=0)
        app.get("/page")(require_scope("read:loads")(page))
        key = clerk.create_api_key("user_dev", scopes=["read:loads"])
        headers = {"authorization": f"Bearer {key.secret}"}
        assert ask(app, "/page", headers).status_code == 200
        clerk.revoke_api_key(key.id)
        assert ask(app, "/page", headers).status_code == 401


class TestFlaskLogin:
    @pytest.mark.parametrize("person", MACHINES)
    def test_knows_no_machine(self, person: str, app: Flask, ask: Ask, caller: Caller) -> None:
        found: list[Any] = []
        use_clerk(LoginManager(app), lambda auth: found.append(auth))
        app.get("/open")(lambda: f"{current_user.is_authenticated} {page()}")
        app.get("/closed", endpoint="closed")(login_required(page))
        app.get("/both", endpoint="both")(require_auth(accepts_token="any")(login_required(page)))
        assert ask(app, "/open", caller(person)).text.startswith("False ")
        for path in ("/closed", "/both"):
            assert ask(app, path, caller(person)).status_code == 401
        assert found == []

    def test_answers_as_everywhere_while_clerk_is_busy(
        self, app: Flask, ask: Ask, caller: Caller, clerk: LocalClerk
    ) -> None:
        use_clerk(LoginManager(app))
        app.get("/closed")(login_required(page))
        app.get("/plain", endpoint="plain")(require_auth(page))
        clerk.fail("/api_keys/verify", 500, None)
        closed, plain = (ask(app, path, caller("key")) for path in ("/closed", "/plain"))
        assert what_matters(closed) == what_matters(plain)


class TestTheAuth:
    def test_is_a_machines_in_views_and_templates(self, app: Flask, ask: Ask, caller: Caller) -> None:
        template = "{{ current_auth.token_type }} {{ current_auth.has(permission='" + ASSIGN + "') }}"
        app.get("/page")(
            require_scope("read:loads")(lambda: render_template_string(template) + f" {current_auth.org_id}")
        )
        assert ask(app, "/page", caller("key")).text == "api_key False org_blue_ridge"

    def test_is_no_session(self, app: Flask, ask: Ask, caller: Caller) -> None:
        app.get("/page")(lambda: str(get_session()))
        response = ask(app, "/page", caller("key"))
        assert response.status_code == 401
        assert response.json["clerk_error"]["reason"] == "token-type-mismatch"

    def test_has_no_permission_by_a_scope(self, app: Flask, ask: Ask, clerk: LocalClerk) -> None:
        app.get("/page")(require_permission(ASSIGN)(page))
        key = clerk.create_api_key("org_blue_ridge", scopes=[ASSIGN, "authenticated"])
        assert ask(app, "/page", {"authorization": f"Bearer {key.secret}"}).status_code == 401

    def test_of_a_protected_route_is_a_sessions(self, machines: Any, ask: Ask, caller: Caller) -> None:
        app = machines(CLERK_PROTECTED_ROUTES="/page")
        app.get("/page")(require_auth(accepts_token="any")(page))
        assert ask(app, "/page", caller("key")).status_code == 401
        assert ask(app, "/page", caller("session")).status_code == 200

    def test_signing_out_is_no_machines(
        self, app: Flask, ask: Ask, caller: Caller, clerk: LocalClerk
    ) -> None:
        clerk_of_app = Clerk()
        app.post("/out")(lambda: clerk_of_app.sign_out())
        before = clerk.calls("/sessions/*/revoke")
        assert ask(app, "/out", caller("key"), "POST").status_code == 303
        assert clerk.calls("/sessions/*/revoke") == before


class TestSettings:
    def test_may_be_texts(self, machines: Any, ask: Ask, caller: Caller) -> None:
        app = machines(CLERK_ACCEPTS_TOKEN="session_token, api_key", CLERK_OPAQUE_TOKEN_TTL_IN_MS="0")
        app.get("/page")(require_auth(accepts_token="any")(page))
        expected = {"session": 200, "key": 200, "oauth": 401, "m2m": 401}
        assert {name: ask(app, "/page", caller(name)).status_code for name in expected} == expected

    def test_may_be_in_the_environment(
        self, app_of: Any, options: Any, ask: Ask, caller: Caller, monkeypatch: Any
    ) -> None:
        for name, value in options.items():
            monkeypatch.setenv(f"CLERK_{name.upper()}", value)
        app = app_of()
        app.get("/page")(require_auth(accepts_token="m2m_token")(page))
        assert ask(app, "/page", caller("m2m")).text == "M2MAuth"

    def test_tell_what_a_route_needs(self, machines: Any, ask: Ask, caller: Caller) -> None:
        app = machines(CLERK_ACCEPTS_TOKEN="session_token")
        app.get("/page")(require_scope("read:loads", accepts_token="api_key")(page))
        with pytest.raises(ConfigurationError, match="CLERK_ACCEPTS_TOKEN=session_token,api_key"):
            ask(app, "/page", caller("key"))

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("CLERK_MACHINE_ID", "ak_not_shown"),
            ("CLERK_ACCEPTS_TOKEN", "api_keys"),
            ("CLERK_OPAQUE_TOKEN_TTL_IN_MS", -1),
            ("CLERK_OAUTH_RESOURCES", ["mcp"]),
            ("CLERK_OAUTH_SCOPES", ["read loads"]),
        ],
    )
    def test_that_are_wrong_are_named(self, option: str, value: Any, machines: Any) -> None:
        with pytest.raises(ConfigurationError) as raised:
            machines(**{option: value})
        assert str(raised.value).startswith(f"app.config['{option}']: ")
        assert "not_shown" not in str(raised.value)

    def test_that_are_misspelt_are_told(self, machines: Any) -> None:
        with pytest.raises(ConfigurationError, match="did you mean 'CLERK_ACCEPTS_TOKEN'"):
            machines(CLERK_ACCEPTS_TOKENS="any")


def test_a_machine_that_is_not_meant_is_refused(app: Flask, ask: Ask, clerk: LocalClerk) -> None:
    app.get("/page")(require_auth(accepts_token="m2m_token")(page))
    for token_format in ("jwt", "opaque"):
        token = clerk.create_m2m_token("mch_billing", token_format=token_format).token  # type: ignore[arg-type]
        assert ask(app, "/page", {"authorization": f"Bearer {token}"}).status_code == 401
