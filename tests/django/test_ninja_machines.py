"""Machines in Django Ninja: API keys, M2M tokens and OAuth clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import cache_page
from ninja import NinjaAPI
from ninja.decorators import decorate_view
from ninja.security import APIKeyHeader
from ninja.testing import TestClient

from clerk_middleware import (
    APIKeyAuth,
    ClerkConfig,
    ConfigurationError,
    MachineAuth,
    NotAuthenticated,
    SessionAuth,
)
from clerk_middleware.protect import Protection
from clerk_middleware.protection import InsufficientScope, Requirement
from clerk_middleware_django import get_auth
from clerk_middleware_django import require_scope as decorator
from clerk_middleware_django.ninja import Required, protect, require_auth, require_scope

from ..flask.plain_wsgi import answer, what_matters
from ..machine_callers import CALLERS, headers_of, machine_options
from .conftest import SITE, Asked, Browse

Headers = dict[str, str]
Caller = Callable[[str], Headers]

ASSIGN = "org:dispatcher:assign_drivers"


class Key(APIKeyHeader):
    param_name = "X-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> str | None:
        return "the key's" if key == "right" else None


def kind_of(request: Any) -> Any:
    return (
        type(request.auth).__name__ if isinstance(request.auth, MachineAuth | SessionAuth) else request.auth
    )


@pytest.fixture(autouse=True)
def _apis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninja refuses two APIs of one name, as tests have them."""
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "yes")


@pytest.fixture
def options(asked: Asked) -> dict[str, Any]:
    return machine_options(asked.clerk, asked.url)


@pytest.fixture(autouse=True)
def accepting(clerk_settings: Any, options: dict[str, Any]) -> Callable[..., None]:
    def change(**changed: Any) -> None:
        clerk_settings(**{name.upper(): value for name, value in options.items()} | changed)

    change()
    return change


@pytest.fixture
def caller(asked: Asked) -> Caller:
    return lambda name: headers_of(asked.clerk, name, azp=SITE)


@pytest.fixture
def ask(browse: Browse, routes: Callable[..., None]) -> Callable[..., Any]:
    """The response of an API of one operation."""

    def get(
        auth: Any,
        headers: Headers | None = None,
        method: str = "GET",
        prepare: Any = lambda api: None,
        asynchronous: bool = False,
        **how: Any,
    ) -> Any:
        api = NinjaAPI()

        def page(request) -> Any:  # type: ignore[no-untyped-def]  # Ninja resolves annotations elsewhere
            return kind_of(request)

        async def apage(request) -> Any:  # type: ignore[no-untyped-def]
            return kind_of(request)

        api.api_operation(["GET", "POST"], "/page", auth=auth)(apage if asynchronous else page)
        prepare(api)
        routes(path("api/", api.urls))
        return browse("/api/page", method, headers, **how)

    return get


#: What ``auth=`` takes, what that requires, and whom it lets in or refuses with 403; others get 401.
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
    "sessions in parentheses": (require_auth(), Requirement(), {"session", "driver"}, set()),
}


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_the_answers_are_those_of_other_frameworks(
    way: str,
    asynchronous: bool,
    ask: Any,
    caller: Caller,
    config: Callable[..., ClerkConfig],
    options: dict[str, Any],
) -> None:
    auth, requirement, let_in, forbidden = WAYS[way]
    for person in CALLERS:
        headers = caller(person)
        response = ask(auth, headers, asynchronous=asynchronous)
        expected = 200 if person in let_in else 403 if person in forbidden else 401
        assert response.status_code == expected, person
        assert what_matters(response) == answer(config(**options), requirement, headers, "/api/page"), person


@pytest.mark.parametrize(
    ("person", "kind"), [("key", "APIKeyAuth"), ("oauth", "OAuthAuth"), ("m2m", "M2MAuth")]
)
def test_the_machine_is_the_auth(person: str, kind: str, ask: Any, caller: Caller) -> None:
    assert ask(require_auth(accepts_token="any"), caller(person)).json() == kind


@pytest.mark.parametrize("auth", [require_scope("read:loads"), [Key(), require_scope("read:loads")]])
def test_a_token_is_not_thrown_away_while_clerk_is_busy(
    auth: Any, ask: Any, caller: Caller, asked: Asked
) -> None:
    asked.clerk.fail("/api_keys/verify", 429, None, 7)
    response = ask(auth, caller("key"))
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")


def test_forgery_is_no_matter_with_a_machines_token(ask: Any, caller: Caller, cookies: Headers) -> None:
    auth = require_auth(accepts_token="any")
    assert ask(auth, caller("key"), "POST", enforce_csrf_checks=True).json() == "APIKeyAuth"
    assert ask(auth, cookies | caller("m2m"), "POST", enforce_csrf_checks=True).json() == "M2MAuth"
    assert ask(auth, cookies, "POST", enforce_csrf_checks=True).status_code == 403


class TestAmongOthers:
    @pytest.mark.parametrize(
        "auth", [[require_scope("read:loads"), Key()], [Key(), require_scope("read:loads")]]
    )
    def test_either_lets_in(self, auth: Any, ask: Any, caller: Caller) -> None:
        assert ask(auth, caller("key")).json() == "APIKeyAuth"
        assert ask(auth, {"x-key": "right"}).json() == "the key's"
        assert ask(auth, caller("weak key")).status_code == 403

    def test_sessions_and_machines_may_have_one_each(self, ask: Any, caller: Caller) -> None:
        auth = [require_auth, require_scope("read:loads")]
        expected = {"session": 200, "key": 200, "nobody": 401, "m2m": 401}
        assert {name: ask(auth, caller(name)).status_code for name in expected} == expected


def test_the_refusal_can_be_answered_by_the_api(ask: Any, caller: Caller) -> None:
    def prepare(api: NinjaAPI) -> None:
        @api.exception_handler(InsufficientScope)
        def own(request: Any, error: Any) -> HttpResponse:
            return api.create_response(request, error.auth.token_type, status=418)

    response = ask(require_scope("write:loads"), caller("key"), prepare=prepare)
    assert (response.status_code, response.json()) == (418, "api_key")


def test_a_decorator_below_the_operation_holds(browse: Any, routes: Any, caller: Caller) -> None:
    api = NinjaAPI()

    @api.get("/page")
    @decorator("read:loads")
    def page(request) -> Any:  # type: ignore[no-untyped-def]
        return type(get_auth(request)).__name__

    routes(path("api/", api.urls))
    assert browse("/api/page", headers=caller("key")).json() == "APIKeyAuth"
    assert browse("/api/page", headers=caller("weak key")).status_code == 403


def test_a_cache_keeps_nothing_for_a_revoked_token(
    browse: Any, routes: Any, asked: Asked, accepting: Any
) -> None:
    cache.clear()
    accepting(OPAQUE_TOKEN_TTL_IN_MS=0)
    api = NinjaAPI(auth=require_scope("read:loads"))

    @api.get("/page")
    @decorate_view(cache_page(60))
    def page(request) -> Any:  # type: ignore[no-untyped-def]
        return kind_of(request)

    routes(path("api/", api.urls))
    key = asked.clerk.create_api_key("user_dev", scopes=["read:loads"])
    headers = {"authorization": f"Bearer {key.secret}"}
    assert browse("/api/page", headers=headers).json() == "APIKeyAuth"
    asked.clerk.revoke_api_key(key.id)
    assert browse("/api/page", headers=headers).status_code == 401


class TestTheDocument:
    @pytest.fixture(autouse=True)
    def _urls(self, routes: Any) -> None:
        routes(path("api/", NinjaAPI().urls))

    def test_has_schemes_named_for_the_tokens(self) -> None:
        wanted: dict[str, tuple[Required, dict[str, str]]] = {
            "ClerkAPIKey": (
                require_auth(accepts_token="api_key"),
                {"bearerFormat": "ak_…", "description": "A Clerk API key. Requires an API key."},
            ),
            "ClerkOAuthToken_scope.read.loads": (
                require_scope("read:loads", accepts_token="oauth_token"),
                {
                    "description": "An OAuth access token that Clerk issued. Requires an OAuth token "
                    "with the scope `read:loads`."
                },
            ),
            "ClerkSessionToken_ClerkAPIKey_role.org.admin_scope.a_scope.b": (
                protect(token=["session_token", "api_key"], role="org:admin", scope=["a", "b"]),
                {
                    "description": "A Clerk session token, or the cookie `__session`, or a Clerk API key. "
                    "Requires a signed-in user with the role `org:admin`, or an API key with the scope `a` "
                    "and the scope `b`."
                },
            ),
            "ClerkM2MToken_ClerkSessionToken": (
                require_auth(accepts_token=["m2m_token", "session_token"]),
                {
                    "description": "A Clerk machine-to-machine token, of another service, or a Clerk session "
                    "token, or the cookie `__session`. Requires a signed-in user, or an M2M token."
                },
            ),
        }
        api = NinjaAPI()
        for index, (auth, _) in enumerate(wanted.values()):
            api.get(f"/{index}", auth=auth)(kind_of)
        document: Any = api.get_openapi_schema()
        assert document["components"]["securitySchemes"] == {
            name: {"type": "http", "scheme": "bearer", **scheme} for name, (_, scheme) in wanted.items()
        }
        for index, name in enumerate(wanted):
            assert document["paths"][f"/api/{index}"]["get"]["security"] == [{name: []}]

    @pytest.mark.parametrize(
        ("auth", "expected"),
        [(require_auth(accepts_token="any"), True), (require_auth(accepts_token="api_key"), False)],
    )
    def test_sends_the_csrf_token_where_a_cookie_can_be_used(
        self, auth: Any, expected: bool, browse: Any, routes: Any
    ) -> None:
        routes(path("api/", NinjaAPI(auth=auth).urls))
        assert (b'data-api-csrf="true"' in browse("/api/docs").content) is expected


class TestWriting:
    def test_without_a_call_opens_nothing(self, ask: Any, caller: Caller) -> None:
        with pytest.raises(ConfigurationError, match=r"write auth=require_scope\('read:loads'\)"):
            ask(require_scope, caller("key"))

    def test_as_a_decorator_fails_there(self) -> None:
        for auth in (require_auth, require_auth(accepts_token="api_key"), require_scope("read:loads")):
            with pytest.raises(ConfigurationError, match="is no decorator: write auth="):
                auth(kind_of)  # type: ignore[call-overload]

    @pytest.mark.parametrize(
        "write",
        [
            lambda: require_scope(accepts_token="api_key"),
            lambda: require_scope("read loads"),
            lambda: require_auth(accepts_token="api_keys"),  # type: ignore[call-overload]
            lambda: protect(token="api_key", permission=ASSIGN),
        ],
    )
    def test_what_is_malformed_fails_there(self, write: Callable[[], Any]) -> None:
        with pytest.raises(ConfigurationError):
            write()


def test_ninjas_test_client_says_which_machine_calls() -> None:
    api = NinjaAPI(auth=require_scope("read:loads"))
    api.get("/page")(kind_of)
    client = TestClient(api)

    def key(*scopes: str) -> APIKeyAuth:
        return APIKeyAuth(id="ak_1", subject="user_1", scopes=scopes, claims=None, token="ak_x")

    assert client.get("/page", auth=key("read:loads")).json() == "APIKeyAuth"
    with pytest.raises(InsufficientScope):
        client.get("/page", auth=key("write:loads"))
    with pytest.raises(NotAuthenticated):
        client.get("/page", auth=SessionAuth.from_claims({"sub": "user_1"}, "t"))
