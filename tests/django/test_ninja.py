"""Django Ninja, under both of Django's handlers, its operations synchronous and asynchronous."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path
from django.views.decorators.cache import cache_page
from ninja import NinjaAPI, Router
from ninja.decorators import decorate_view
from ninja.errors import AuthenticationError, HttpError
from ninja.security import APIKeyHeader, HttpBearer
from ninja.testing import TestAsyncClient, TestClient

import clerk_middleware_django
from clerk_middleware import (
    AuthorizationError,
    ClerkError,
    ConfigurationError,
    NotAuthenticated,
    NotAuthorized,
    SessionAuth,
    SignedOut,
)
from clerk_middleware_django import get_session
from clerk_middleware_django.ninja import (
    Required,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
)

from .conftest import Browse

Headers = dict[str, str]

LOADS = "org:dispatcher:create_edit_loads"  # what a dispatcher has, and nobody else
REPORTS = "org:admin:access_all_reports"
CSRF_TOKEN = "a" * 32


class Key(APIKeyHeader):
    param_name = "X-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> str | None:
        return "the key's" if key == "right" else None


class Tokens(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        return "the token's" if token == "right" else None


def whose(request: Any) -> Any:
    return getattr(request.auth, "user_id", request.auth)


@pytest.fixture(autouse=True)
def _apis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ninja refuses two APIs of one name, as tests have them."""
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "yes")


@pytest.fixture
def ask(browse: Browse, routes: Callable[..., None], in_kind: Any) -> Callable[..., Any]:
    """The response of an API of one operation."""

    def get(
        auth: Any,
        headers: Headers | None = None,
        method: str = "GET",
        answer: Any = whose,
        prepare: Any = lambda api: None,
        **options: Any,
    ) -> Any:
        api = NinjaAPI()

        def page(request) -> Any:  # type: ignore[no-untyped-def]  # Ninja resolves annotations elsewhere
            return answer(request)

        api.api_operation(["GET", "HEAD", "OPTIONS", "POST", "DELETE"], "/page", auth=auth)(in_kind(page))
        prepare(api)
        routes(path("api/", api.urls))
        return browse("/api/page", method, headers, **options)

    return get


def from_our_page(cookies: Headers) -> Headers:
    """What a browser sends from a page of the project: with the CSRF token."""
    cookie = f"csrftoken={CSRF_TOKEN}; {cookies['cookie']}"
    return {"cookie": cookie, "x-csrftoken": CSRF_TOKEN, "referer": "https://testserver/"}


class TestWhoAsks:
    def test_is_the_clerk_user(self, ask: Any, dispatcher: Headers) -> None:
        assert ask(require_auth, dispatcher).json() == "user_dev"

    def test_is_known_by_a_cookie(self, ask: Any, cookies: Headers) -> None:
        assert ask(require_auth, cookies).json() == "user_dev"

    def test_is_the_session(self, ask: Any, dispatcher: Headers) -> None:
        def answer(request: Any) -> Any:
            return [isinstance(request.auth, SessionAuth), get_session(request).org_id]

        assert ask(require_auth, dispatcher, answer=answer).json() == [True, "org_blue_ridge"]

    def test_may_do_what_it_may(self, ask: Any, dispatcher: Headers) -> None:
        for required in (
            require_permission(LOADS),
            require_role("org:dispatcher"),
            require_feature("live_tracking"),
            require_plan("pro"),
            require_reverification(),
            protect(lambda auth: auth.org_id == "org_blue_ridge", permission=LOADS),
        ):
            assert ask(required, dispatcher).json() == "user_dev"

    def test_can_not_be_told_without_the_middleware(self, ask: Any, settings: Any) -> None:
        settings.MIDDLEWARE = []
        with pytest.raises(ConfigurationError, match="ClerkMiddleware did not see this request"):
            ask(require_auth)

    @pytest.mark.parametrize("debug", [False, True])
    def test_holds_for_routers_and_apis(
        self, debug: bool, browse: Any, routes: Any, dispatcher: Headers, settings: Any
    ) -> None:
        settings.DEBUG = debug
        inner, outer, api = Router(), Router(auth=require_permission(REPORTS)), NinjaAPI(auth=require_auth)
        for part in (inner, outer, api):
            part.get("/page")(whose)
        outer.add_router("/inner", inner)
        api.add_router("/outer", outer)
        v1 = path("<slug:tenant>/", include(([path("api/", api.urls)], "tenants"), namespace="v1"))
        routes(v1)
        for page, status in (("", 200), ("outer/", 403), ("outer/inner/", 403)):
            assert browse(f"/acme/api/{page}page", headers=dispatcher).status_code == status
            assert browse(f"/acme/api/{page}page").status_code == 401


def test_a_cache_keeps_nothing_for_others(browse: Any, routes: Any, cookies: Headers) -> None:
    cache.clear()
    api = NinjaAPI(auth=require_auth)

    @api.get("/page")
    @decorate_view(cache_page(60))
    def page(request) -> Any:  # type: ignore[no-untyped-def]
        return whose(request)

    routes(path("api/", api.urls))
    assert browse("/api/page", headers=cookies).json() == "user_dev"
    assert browse("/api/page").status_code == 401


class TestForgery:
    """A request that a page of another site had a browser send."""

    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    @pytest.mark.parametrize("auth", [require_auth, require_permission(LOADS), protect(permission=LOADS)])
    def test_is_refused(self, auth: Any, method: str, ask: Any, cookies: Headers) -> None:
        response = ask(auth, cookies, method, enforce_csrf_checks=True)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["message"].startswith("CSRF Failed: ")

    def test_is_refused_where_other_methods_are_named(self, ask: Any, cookies: Headers) -> None:
        headers = {**cookies, "x-http-method-override": "GET"}
        assert ask(require_auth, headers, "POST", enforce_csrf_checks=True).status_code == 403

    def test_is_told_from_a_request_of_our_own_page(self, ask: Any, cookies: Headers) -> None:
        response = ask(require_auth, from_our_page(cookies), "POST", enforce_csrf_checks=True)
        assert response.json() == "user_dev"

    def test_can_not_be_with_a_token_in_the_header(self, ask: Any, dispatcher: Headers) -> None:
        assert ask(require_auth, dispatcher, "POST", enforce_csrf_checks=True).json() == "user_dev"

    def test_is_no_matter_with_a_key(self, ask: Any, cookies: Headers) -> None:
        headers = cookies | {"x-key": "right"}
        response = ask([require_auth, Key()], headers, "POST", enforce_csrf_checks=True)
        assert response.json() == "the key's"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_is_no_matter_where_nothing_is_changed(self, method: str, ask: Any, cookies: Headers) -> None:
        assert ask(require_auth, cookies, method, enforce_csrf_checks=True).status_code == 200

    def test_is_not_by_the_pages_of_the_documentation(
        self, browse: Any, routes: Any, cookies: Headers
    ) -> None:
        routes(path("api/", NinjaAPI(auth=require_auth).urls))
        assert b'data-api-csrf="true"' in browse("/api/docs", headers=cookies).content


@pytest.mark.parametrize("debug", [False, True])
class TestARefusal:
    @pytest.fixture(autouse=True)
    def _debugging(self, debug: bool, settings: Any) -> None:
        settings.DEBUG = debug

    def test_of_nobody_says_how_to_authenticate(self, ask: Any) -> None:
        response = ask(require_auth)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert response.json()["clerk_error"]["type"] == "unauthorized"

    @pytest.mark.parametrize("header", ["Bearer a.b.c", "Bearer", "Basic x"])
    def test_of_a_token_is_the_same(self, header: str, ask: Any) -> None:
        assert ask(require_auth, {"authorization": header}).status_code == 401

    def test_sends_a_navigation_to_sign_in(self, ask: Any, navigation: Headers) -> None:
        assert ask(require_auth, navigation).status_code == 307

    def test_names_what_is_required(self, ask: Any, dispatcher: Headers) -> None:
        response = ask(require_permission(REPORTS), dispatcher)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["metadata"] == {"required": {"permission": REPORTS}}
        for required in (require_role("org:admin"), require_feature("export"), require_plan("plus")):
            assert ask(required, dispatcher).status_code == 403

    def test_asks_for_reverification(self, ask: Any, signed_in: Callable[..., Headers]) -> None:
        response = ask(require_reverification("strict"), signed_in(fva=(20, -1)))
        assert response.json()["clerk_error"]["reason"] == "reverification-error"

    def test_tells_of_no_page(self, ask: Any, dispatcher: Headers) -> None:
        for headers in ({}, dispatcher):
            response = ask(protect(permission=REPORTS), headers)
            assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})

    def test_that_an_operation_raises_is_answered_as_everywhere(self, ask: Any, dispatcher: Headers) -> None:
        def answer(request: Any) -> Any:
            raise NotAuthorized("This load is another driver's.")

        response = ask(require_auth, dispatcher, answer=answer)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["message"] == "This load is another driver's."

    @pytest.mark.parametrize("kind", [NotAuthorized, AuthorizationError, ClerkError])
    def test_can_be_answered_by_the_api(self, kind: Any, ask: Any, dispatcher: Headers) -> None:
        def prepare(api: NinjaAPI) -> None:
            @api.exception_handler(kind)
            def answer(request: Any, error: Any) -> HttpResponse:
                return api.create_response(request, [type(error).__name__, error.auth.user_id], status=418)

        for auth in (require_permission(REPORTS), [Key(), require_permission(REPORTS)]):
            response = ask(auth, dispatcher, prepare=prepare)
            assert (response.status_code, response.json()) == (418, ["NotAuthorized", "user_dev"])

    def test_is_no_failure_to_a_handler_of_these(self, ask: Any) -> None:
        def prepare(api: NinjaAPI) -> None:
            @api.exception_handler(Exception)
            def answer(request: Any, error: Any) -> HttpResponse:
                return HttpResponse(status=500)

        assert ask(require_auth, prepare=prepare).status_code == 401

    def test_is_a_projects_view_to_answer(self, ask: Any, clerk_settings: Any) -> None:
        clerk_settings(AUTHORIZATION_FAILURE_VIEW=lambda request, error: HttpResponse(status=418))
        assert ask(require_auth).status_code == 418


class TestAmongOthers:
    """In a list, any lets the request in."""

    @pytest.mark.parametrize("auth", [[require_auth, Key()], [Key(), require_auth]])
    def test_either_lets_in(self, auth: Any, ask: Any, dispatcher: Headers) -> None:
        assert ask(auth, dispatcher).json() == "user_dev"
        assert ask(auth, {"x-key": "right"}).json() == "the key's"

    @pytest.mark.parametrize(
        "auth",
        [
            [require_permission(REPORTS), Key()],
            [Key(), require_permission(REPORTS)],
            [require_permission(REPORTS), require_role("org:admin"), Key()],
        ],
    )
    def test_the_answer_is_that_of_the_first_here(self, auth: Any, ask: Any, dispatcher: Headers) -> None:
        response = ask(auth, dispatcher)
        assert response.json()["clerk_error"]["metadata"] == {"required": {"permission": REPORTS}}
        assert ask(auth, {"x-key": "wrong"}).status_code == 401

    def test_either_of_these_does(self, ask: Any, dispatcher: Headers, admin: Headers) -> None:
        auth = [require_role("org:admin"), require_permission(LOADS)]
        assert ask(auth, dispatcher).json() == "user_dev"
        assert ask(auth, admin).json() == "user_ada"

    def test_a_token_of_another_kind_is_theirs(self, ask: Any) -> None:
        auth = [require_auth, Tokens()]
        assert ask(auth, {"authorization": "Bearer right"}).json() == "the token's"
        assert ask(auth, {"authorization": "Bearer wrong"}).status_code == 401

    @pytest.mark.parametrize(
        ("auth", "headers"),
        [
            ([require_auth, Key()], {"x-key": "right"}),
            ([Key()], {"x-key": "right"}),
            ([require_role("org:admin"), require_auth], None),
        ],
    )
    def test_what_an_operation_says_later_is_its_own(
        self, auth: Any, headers: Any, ask: Any, dispatcher: Headers
    ) -> None:
        def answer(request: Any) -> Any:
            raise AuthenticationError()

        response = ask(auth, headers or dispatcher, answer=answer)
        assert (response.status_code, response.json()) == (401, {"detail": "Unauthorized"})

    def test_what_the_api_says_of_others_stays(self, ask: Any) -> None:
        def prepare(api: NinjaAPI) -> None:
            @api.exception_handler(HttpError)
            def answer(request: Any, error: Any) -> HttpResponse:
                return HttpResponse(status=418)

            @api.get("/key", auth=Key())
            def key(request) -> str:  # type: ignore[no-untyped-def]
                return "unreachable"

        assert ask(require_auth, prepare=prepare).status_code == 401
        assert ask(Key(), prepare=prepare).status_code == 418


class TestTheDocument:
    def test_shows_a_scheme_that_names_what_is_required(self) -> None:
        api = NinjaAPI(auth=require_auth)
        lately = require_reverification({"level": "first_factor", "after_minutes": 2.5})
        wanted = {
            "ClerkSessionToken": (require_auth, "a signed-in user"),
            "ClerkSessionToken_permission.org.teams.manage": (
                require_permission("org:teams:manage"),
                "the permission `org:teams:manage`",
            ),
            "ClerkSessionToken_role.org.admin": (require_role("org:admin"), "the role `org:admin`"),
            "ClerkSessionToken_feature.user.export": (
                require_feature("user:export"),
                "the feature `user:export`",
            ),
            "ClerkSessionToken_plan.pro": (require_plan("pro"), "the plan `pro`"),
            "ClerkSessionToken_first_factor.2.5": (
                lately,
                "a verification (first factor) in the last 2.5 minutes",
            ),
            "ClerkSessionToken_role.org.caf._condition": (
                protect(lambda auth: True, role="org:café"),
                "the role `org:café` and what the application decides by the session",
            ),
        }
        for index, (auth, _) in enumerate(wanted.values()):
            api.get(f"/{index}", auth=auth)(whose)
        document: Any = api.get_openapi_schema()
        schemes = document["components"]["securitySchemes"]
        assert set(schemes) == set(wanted)
        for index, (name, (_, words)) in enumerate(wanted.items()):
            assert re.fullmatch("[a-zA-Z0-9._-]+", name)
            assert document["paths"][f"/api/{index}"]["get"]["security"] == [{name: []}]
            assert schemes[name] == {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": f"A Clerk session token, or the cookie `__session`. Requires {words}.",
            }

    @pytest.fixture(autouse=True)
    def _urls(self, routes: Any) -> None:
        routes(path("api/", NinjaAPI().urls))


class TestWriting:
    @pytest.mark.parametrize(
        "auth",
        [require_permission, require_role, require_feature, require_plan, require_reverification, protect],
    )
    def test_without_a_call_opens_nothing(self, auth: Any, ask: Any, dispatcher: Headers) -> None:
        with pytest.raises(ConfigurationError, match=rf"call it, .*write auth={auth.__name__}\('?"):
            ask(auth, dispatcher)

    @pytest.mark.parametrize("auth", [require_auth, require_permission(LOADS)])
    def test_as_a_decorator_fails_there(self, auth: Any) -> None:
        with pytest.raises(ConfigurationError, match="is no decorator: write auth="):
            auth(whose)

    @pytest.mark.parametrize(
        "auth",
        [
            clerk_middleware_django.require_auth,
            clerk_middleware_django.require_permission(LOADS),
            clerk_middleware_django.require_permission,
            clerk_middleware_django.protect(),
        ],
    )
    def test_with_a_decorator_in_its_place_opens_nothing(
        self, auth: Any, ask: Any, dispatcher: Headers
    ) -> None:
        with pytest.raises((ConfigurationError, TypeError)):
            ask(auth, dispatcher)

    @pytest.mark.parametrize(
        "write",
        [
            lambda: require_permission(None),  # type: ignore[arg-type]
            lambda: require_role(""),
            lambda: require_reverification("often"),  # type: ignore[arg-type]
            lambda: protect("org:admin"),  # type: ignore[arg-type]
        ],
    )
    def test_what_is_malformed_fails_there(self, write: Callable[[], Any]) -> None:
        with pytest.raises(ConfigurationError):
            write()


class TestNinjasTestClient:
    """It has no middleware, and no URLs of the project's."""

    @pytest.fixture
    def client(self) -> TestClient:
        api = NinjaAPI(auth=require_permission(LOADS))
        api.get("/page")(whose)
        api.post("/page")(whose)
        api.get("/uncalled", auth=protect)(whose)
        return TestClient(api)

    def test_says_who_is_signed_in(self, client: TestClient) -> None:
        claims = {"sub": "user_1", "org_id": "org_1", "org_permissions": [LOADS]}
        auth = SessionAuth.from_claims(claims, "token")
        for method in ("get", "post"):
            assert getattr(client, method)("/page", auth=auth).json() == "user_1"

    async def _asked(self, auth: Any) -> Any:
        api = NinjaAPI(auth=require_auth)

        @api.get("/page")
        async def page(request) -> Any:  # type: ignore[no-untyped-def]
            return whose(request)

        return (await TestAsyncClient(api).get("/page", auth=auth)).json()

    @pytest.mark.anyio
    async def test_says_so_asynchronously(self) -> None:
        assert await self._asked(SessionAuth.from_claims({"sub": "user_1"}, "t")) == "user_1"

    def test_sees_the_refusal(self, client: TestClient) -> None:
        with pytest.raises(NotAuthorized):
            client.get("/page", auth=SessionAuth.from_claims({"sub": "user_1"}, "token"))
        with pytest.raises(NotAuthenticated):
            client.get("/page", auth=SignedOut())

    def test_learns_what_it_left_out(self, client: TestClient) -> None:
        with pytest.raises(ConfigurationError):
            client.get("/page")
        with pytest.raises(ConfigurationError, match="call it"):
            client.get("/uncalled")


def test_a_requirement_alone_raises_its_refusal(clerk_settings: Any) -> None:
    request: Any = RequestFactory().get("/")
    request.auth = SignedOut()
    assert isinstance(require_auth, Required)
    with pytest.raises(NotAuthenticated):
        require_auth(request)
