"""Machines in views: API keys, M2M tokens and OAuth clients, by decorators and by mixins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers

from clerk_middleware import ClerkConfig, ConfigurationError, MachineAuth
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement
from clerk_middleware_django import (
    ClerkAuthRequiredMixin,
    ClerkPermissionRequiredMixin,
    ClerkRoleRequiredMixin,
    ClerkScopeRequiredMixin,
    get_auth,
    get_session,
    protect,
    require_auth,
    require_permission,
    require_scope,
)
from clerk_middleware_django.models import ClerkIdentity

from ..flask.plain_wsgi import answer, what_matters
from ..machine_callers import CALLERS, headers_of, machine_options
from .conftest import SITE, Asked, Browse

Headers = dict[str, str]
Caller = Callable[[str], Headers]

ASSIGN = "org:dispatcher:assign_drivers"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
MACHINES = ["key", "weak key", "oauth", "weak oauth", "m2m"]


def page(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse(type(get_auth(request)).__name__)


class Page(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


class AsyncPage(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


@pytest.fixture
def options(asked: Asked) -> dict[str, Any]:
    return machine_options(asked.clerk, asked.url)


@pytest.fixture(autouse=True)
def accepting(clerk_settings: Any, options: dict[str, Any]) -> Callable[..., None]:
    """The settings of an application that machines call."""

    def change(**changed: Any) -> None:
        clerk_settings(**{name.upper(): value for name, value in options.items()} | changed)

    change()
    return change


@pytest.fixture
def caller(asked: Asked) -> Caller:
    return lambda name: headers_of(asked.clerk, name, azp=SITE)


@pytest.fixture
def ask(browse: Browse, routes: Any) -> Callable[..., Any]:
    def get(view: Any, headers: Headers | None = None, method: str = "GET", **how: Any) -> Any:
        routes(path("page", view))
        return browse("/page", method, headers, **how)

    return get


def mixed(*kinds: Any, **attributes: Any) -> Callable[[Any], Any]:
    """Makes the view that the mixins make of a class."""
    return lambda base: type("Loads", (*kinds, base), attributes).as_view()


#: What is required, by decorator and by mixin.
WAYS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Requirement]] = {
    "a scope": (
        require_scope("read:loads"),
        mixed(ClerkScopeRequiredMixin, clerk_scope="read:loads"),
        Requirement(accepts_token=["api_key", "m2m_token", "oauth_token"], scopes="read:loads"),
    ),
    "scopes": (
        require_scope("read:loads", "write:loads"),
        mixed(ClerkScopeRequiredMixin, clerk_scope=["read:loads", "write:loads"]),
        Requirement(
            accepts_token=["api_key", "m2m_token", "oauth_token"], scopes=["read:loads", "write:loads"]
        ),
    ),
    "a scope of keys": (
        require_scope("read:loads", accepts_token="api_key"),
        mixed(ClerkScopeRequiredMixin, clerk_scope="read:loads", clerk_accepts_token="api_key"),
        Requirement(accepts_token="api_key", scopes="read:loads"),
    ),
    "keys": (
        require_auth(accepts_token="api_key"),
        mixed(ClerkAuthRequiredMixin, clerk_accepts_token="api_key"),
        Requirement(accepts_token="api_key"),
    ),
    "any": (
        require_auth(accepts_token="any"),
        mixed(ClerkAuthRequiredMixin, clerk_accepts_token="any"),
        Requirement(accepts_token="any"),
    ),
    "either": (
        protect(token=["session_token", "oauth_token"], permission=ASSIGN, scope="read:loads"),
        mixed(
            ClerkPermissionRequiredMixin,
            clerk_permission=ASSIGN,
            clerk_scope="read:loads",
            clerk_accepts_token=["session_token", "oauth_token"],
        ),
        Protection(token=["session_token", "oauth_token"], permission=ASSIGN, scope="read:loads"),
    ),
    "sessions": (
        require_auth,
        mixed(ClerkAuthRequiredMixin),
        Requirement(),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["function", "class"])
def test_the_answers_are_those_of_other_frameworks(
    kind: str,
    way: str,
    in_kind: Any,
    handler: str,
    ask: Any,
    caller: Caller,
    config: Callable[..., ClerkConfig],
    options: dict[str, Any],
) -> None:
    decorator, mixin, requirement = WAYS[way]
    is_sync = in_kind(page) is page
    view = decorator(in_kind(page)) if kind == "function" else mixin(Page if is_sync else AsyncPage)
    statuses = {}
    for person in CALLERS:
        headers = caller(person)
        response = ask(view, headers)
        assert what_matters(response) == answer(config(**options), requirement, headers, "/page"), person
        statuses[person] = response.status_code
    assert statuses == EXPECTED[way]


def _statuses(nobody: int, session: int, driver: int, *machines: int) -> dict[str, int]:
    return dict(zip(CALLERS, (nobody, session, driver, *machines), strict=True))


EXPECTED = {
    "a scope": _statuses(401, 401, 401, 200, 403, 200, 403, 403),
    "scopes": _statuses(401, 401, 401, 403, 403, 403, 403, 403),
    "a scope of keys": _statuses(401, 401, 401, 200, 403, 401, 401, 401),
    "keys": _statuses(401, 401, 401, 200, 200, 401, 401, 401),
    "any": _statuses(401, 200, 200, 200, 200, 200, 200, 200),
    "either": _statuses(401, 200, 403, 401, 401, 200, 403, 401),
    "sessions": _statuses(401, 200, 200, 401, 401, 401, 401, 401),
}


def tenants(get_response: Any) -> Any:
    """A middleware of a project's own, which reads who asks before any cache is asked."""

    def middleware(request: Any) -> Any:
        request.tenant = request.auth.subject if request.auth else "nobody"
        return get_response(request)

    return middleware


class TestATokenThatNobodyKnows:
    """Refused, and with 503 where Clerk could not say."""

    @pytest.mark.parametrize("header", ["Bearer ak_unknown", "Bearer ak_!", "Bearer oat_unknown"])
    def test_has_no_scopes(self, header: str, ask: Any, in_kind: Any) -> None:
        for read in (get_auth, lambda request: request.auth):
            view = in_kind(lambda r, read=read: HttpResponse(str("read:loads" in read(r).scopes)))
            assert ask(view, {"authorization": header}).content == b"False"

    @pytest.mark.parametrize(
        ("status", "retry_after", "seconds"), [(500, None, "5"), (503, None, "5"), (429, 7, "7")]
    )
    def test_is_not_thrown_away_while_clerk_is_busy(
        self,
        status: int,
        retry_after: int | None,
        seconds: str,
        ask: Any,
        asked: Asked,
        caller: Caller,
        config: Callable[..., ClerkConfig],
        options: dict[str, Any],
    ) -> None:
        asked.clerk.fail("/api_keys/verify", status, None, retry_after)
        headers = caller("key")
        response = ask(require_scope("read:loads")(page), headers)
        assert (response.status_code, response.headers["retry-after"]) == (503, seconds)
        requirement = WAYS["a scope"][2]
        assert what_matters(response) == answer(config(**options), requirement, headers, "/page")

    @pytest.mark.parametrize("header", ["Bearer ak_unknown", "Bearer mt_unknown", "Bearer oat_unknown"])
    def test_is_invalid(self, header: str, ask: Any) -> None:
        response = ask(require_scope("read:loads")(page), {"authorization": header})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token", scope="read:loads"'

    @pytest.mark.parametrize(
        "header", ["Bearer xx_unknown", "Bearer ak_" + "a" * 1_000_000, "Basic ak_1", "Bearer", "Bearer ak_,"]
    )
    def test_is_one_of_no_kind(self, header: str, ask: Any, asked: Asked) -> None:
        assert ask(require_auth(accepts_token="any")(page), {"authorization": header}).status_code == 401
        assert "/v1/api_keys/verify" not in asked.paths

    def test_is_in_one_of_two_headers(self, receive: Any, routes: Any, caller: Caller) -> None:
        routes(path("page", require_auth(accepts_token="any")(page)))
        token = caller("key")["authorization"]
        headers = [("authorization", token), ("authorization", caller("oauth")["authorization"])]
        assert receive("/page", headers=headers).status == 401
        assert receive("/page", headers=headers[:1]).status == 200

    def test_is_in_a_cookie(self, ask: Any, caller: Caller) -> None:
        key = caller("key")["authorization"].removeprefix("Bearer ")
        for cookie in (f"__session={key}; __client_uat=1", f"authorization={key}", f"__session={key}"):
            response = ask(require_auth(accepts_token="any")(page), {"cookie": cookie})
            assert response.status_code == 401

    def test_is_revoked(self, ask: Any, asked: Asked, accepting: Any) -> None:
        accepting(OPAQUE_TOKEN_TTL_IN_MS=0)
        view, key = (
            require_scope("read:loads")(page),
            asked.clerk.create_api_key("user_dev", scopes=["read:loads"]),
        )
        headers = {"authorization": f"Bearer {key.secret}"}
        assert ask(view, headers).status_code == 200
        asked.clerk.revoke_api_key(key.id)
        assert ask(view, headers).status_code == 401


class TestForgery:
    """What a page of another site can have a browser send: never a bearer token."""

    @pytest.mark.parametrize("person", ["key", "oauth", "m2m"])
    def test_can_not_be_with_a_machines_token(self, person: str, ask: Any, caller: Caller) -> None:
        view = require_auth(accepts_token="any")(page)
        assert ask(view, caller(person), "POST", enforce_csrf_checks=True).status_code == 200

    def test_is_checked_of_a_session_in_a_cookie_all_the_same(self, ask: Any, cookies: Headers) -> None:
        view = require_auth(accepts_token="any")(page)
        assert ask(view, cookies, "POST", enforce_csrf_checks=True).status_code == 403

    def test_is_not_made_good_by_a_token_that_is_refused(self, ask: Any, cookies: Headers) -> None:
        """The header's token is who it is: nobody, whatever the cookie says."""
        view = require_auth(accepts_token="any")(page)
        headers = {**cookies, "authorization": "Bearer ak_unknown"}
        assert ask(view, headers, "POST", enforce_csrf_checks=True).status_code == 401

    def test_a_machines_token_counts_beside_a_cookie(
        self, ask: Any, caller: Caller, cookies: Headers
    ) -> None:
        view = require_auth(accepts_token="any")(page)
        assert ask(view, cookies | caller("m2m")).content == b"M2MAuth"
        assert ask(require_auth(page), cookies | caller("m2m")).status_code == 401


class TestTheUser:
    """A machine is nobody's `request.user`."""

    @pytest.mark.parametrize("person", MACHINES)
    def test_is_none_whomever_a_token_acts_for(self, person: str, ask: Any, caller: Caller, db: None) -> None:
        user = get_user_model().objects.create_superuser("dev")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")

        def view(request: Any) -> HttpResponse:
            assert isinstance(request.auth, MachineAuth)
            found = [request.user, authenticate(request)]
            return JsonResponse(
                [str(found), request.user.is_staff, request.user.has_perm(ASSIGN)], safe=False
            )

        answered = ask(view, caller(person)).json()
        assert answered[1:] == [False, False]
        assert "dev" not in answered[0]

    def test_costs_no_query(self, ask: Any, caller: Caller) -> None:
        # Without the mark django_db any query is an error.
        view = require_scope("read:loads")(lambda request: HttpResponse(str(request.user)))
        assert ask(view, caller("oauth")).content == b"AnonymousUser"

    def test_of_the_admin_is_no_machine(self, browse: Browse, caller: Caller, db: None) -> None:
        user = get_user_model().objects.create_superuser("dev")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
        assert browse("/admin/", headers=caller("session")).status_code == 200
        assert browse("/admin/", headers=caller("oauth")).status_code == 302

    def test_of_templates_has_no_permission_by_a_scope(self, ask: Any, asked: Asked) -> None:
        key = asked.clerk.create_api_key("user_dev", scopes=[ASSIGN])

        def view(request: HttpRequest) -> HttpResponse:
            template = engines["django"].from_string(
                "{% load clerk %}{{ clerk_auth.user_id }} {{ clerk_auth|has_permission:'" + ASSIGN + "' }}"
            )
            return HttpResponse(template.render({}, request))

        response = ask(view, {"authorization": f"Bearer {key.secret}"})
        assert response.content == b"user_dev False"

    def test_is_not_what_get_session_returns(self, ask: Any, caller: Caller) -> None:
        response = ask(require_auth(accepts_token="any")(lambda r: get_session(r)), caller("key"))
        assert response.status_code == 401
        assert response.json()["clerk_error"]["reason"] == "token-type-mismatch"

    def test_of_a_protected_route_is_a_session(self, ask: Any, caller: Caller, accepting: Any) -> None:
        accepting(PROTECTED_ROUTES="/page")
        view = require_auth(accepts_token="any")(page)
        assert ask(view, caller("key")).status_code == 401
        assert ask(view, caller("session")).status_code == 200


@pytest.mark.django_db
class TestLoginRequired:
    """A project that lets in none but active local users, and machines where a view says so."""

    @pytest.fixture(autouse=True)
    def _required(self, settings: Any) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
        settings.LOGIN_URL = "/login"

    @pytest.fixture(params=["decorator", "mixin"])
    def view(self, request: pytest.FixtureRequest, in_kind: Any) -> Any:
        if request.param == "decorator":
            return require_auth(accepts_token="any")(in_kind(page))
        kind = Page if in_kind(page) is page else AsyncPage
        return mixed(ClerkAuthRequiredMixin, clerk_accepts_token="any")(kind)

    @pytest.fixture
    def dev(self) -> User:
        user = User.objects.create_user("dev")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
        return user

    @pytest.mark.parametrize("person", ["m2m", "key"])
    def test_a_token_that_acts_for_no_user_needs_none(
        self, person: str, view: Any, ask: Any, caller: Caller
    ) -> None:
        assert ask(view, caller(person)).status_code == 200

    @pytest.mark.parametrize("person", ["oauth", "weak key"])
    def test_one_of_a_user_needs_an_active_local_one(
        self, person: str, view: Any, ask: Any, caller: Caller, dev: User
    ) -> None:
        assert ask(view, caller(person)).status_code == 200
        User.objects.update(is_active=False)
        response = ask(view, caller(person))
        assert response.status_code == 403
        assert response.json()["clerk_error"]["message"] == "You have no active account here."

    @pytest.mark.parametrize("person", ["oauth", "weak key"])
    def test_nobody_is_created_for_it(
        self, person: str, view: Any, ask: Any, caller: Caller, accepting: Any
    ) -> None:
        accepting(CREATE_USERS=True)
        assert ask(view, caller(person)).status_code == 403
        assert User.objects.count() == 0

    def test_a_name_that_is_none_is_nobodys(self, view: Any, ask: Any, clerk: Any) -> None:
        ClerkIdentity.objects.create(user=User.objects.create_user("d"), clerk_user_id="user_dév")
        for subject in ("user_dév", "user_\x00"):
            claims = {"sub": subject, "client_id": "c", "scope": "x", "iat": 1, "exp": 9_999_999_999}
            token = clerk._instance.keys.sign(claims, {"typ": "at+jwt"})
            assert ask(view, {"authorization": f"Bearer {token}"}).status_code == 403

    def test_the_user_is_of_the_same_instance(
        self, view: Any, ask: Any, caller: Caller, dev: User, config: Any, options: Any, settings: Any
    ) -> None:
        settings.CLERK = {"CONFIG": lambda request: config(**options)}
        assert ask(view, caller("oauth")).status_code == 403
        ClerkIdentity.objects.update(instance="clerk.example.com")
        assert ask(view, caller("oauth")).status_code == 200

    def test_it_needs_none_where_users_are_not_mapped(
        self, view: Any, ask: Any, caller: Caller, settings: Any
    ) -> None:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "ClerkUser" not in name]
        assert ask(view, caller("oauth")).status_code == 200

    def test_a_view_that_says_nothing_is_closed(self, ask: Any, caller: Caller, dev: User) -> None:
        for person in MACHINES:
            assert ask(page, caller(person)).status_code == 302


class TestCaches:
    @pytest.fixture(autouse=True)
    def _empty(self) -> None:
        cache.clear()

    @pytest.fixture
    def count(self) -> Any:
        """A view that counts how often it was asked."""
        seen: list[HttpRequest] = []

        def view(request: HttpRequest) -> HttpResponse:
            seen.append(request)
            return HttpResponse(str(len(seen)))

        return view

    def test_around_a_view_keep_nothing_that_a_revoked_token_would_get(
        self, ask: Any, asked: Asked, accepting: Any, count: Any
    ) -> None:
        accepting(OPAQUE_TOKEN_TTL_IN_MS=0)
        view = cache_page(60)(require_scope("read:loads")(count))
        key = asked.clerk.create_api_key("user_dev", scopes=["read:loads"])
        headers = {"authorization": f"Bearer {key.secret}"}
        assert [ask(view, headers).content for _ in range(2)] == [b"1", b"2"]
        asked.clerk.revoke_api_key(key.id)
        assert ask(view, headers).status_code == 401

    def test_around_it_keep_a_sessions_page_as_ever(self, ask: Any, caller: Caller, count: Any) -> None:
        view = cache_page(60)(require_auth(accepts_token="any")(count))
        headers = caller("session")
        assert [ask(view, headers).content for _ in range(2)] == [b"1", b"1"]
        assert ask(view, caller("key")).content == b"2"

    def test_of_the_whole_site_keep_nothing_either(
        self, ask: Any, caller: Caller, count: Any, settings: Any
    ) -> None:
        settings.MIDDLEWARE = [
            "django.middleware.cache.UpdateCacheMiddleware",
            *settings.MIDDLEWARE,
            "django.middleware.cache.FetchFromCacheMiddleware",
        ]
        view, headers = require_scope("read:loads")(count), caller("key")
        assert [ask(view, headers).content for _ in range(2)] == [b"1", b"2"]

    @pytest.mark.parametrize("reads", [get_auth, lambda r: r.auth])
    def test_around_a_view_that_reads_who_asks_keep_nothing(
        self, reads: Any, in_kind: Any, ask: Any, asked: Asked, accepting: Any
    ) -> None:
        """They are asked before the view is, and would go on opening it to a revoked key, and to none."""
        accepting(OPAQUE_TOKEN_TTL_IN_MS=0)
        required = Requirement(accepts_token="api_key", scopes="read:loads")
        view = cache_page(60)(in_kind(lambda r: HttpResponse(required.check(reads(r)).subject)))
        key = asked.clerk.create_api_key("user_dev", scopes=["read:loads"])
        headers = {"authorization": f"Bearer {key.secret}"}
        assert ask(view, headers).content == b"user_dev"
        assert ask(view).status_code == 401
        asked.clerk.revoke_api_key(key.id)
        assert ask(view, headers).status_code == 401

    def test_around_one_that_does_not_keep_it_as_ever(self, ask: Any, caller: Caller, count: Any) -> None:
        view, headers = cache_page(60)(count), caller("key")
        assert [ask(view, headers).content for _ in range(2)] == [b"1", b"1"]

    @pytest.mark.parametrize("where", ["around", "inside"])
    def test_of_the_whole_site_keep_nothing_that_a_view_reads(
        self, where: str, in_kind: Any, ask: Any, asked: Asked, accepting: Any, settings: Any
    ) -> None:
        update, fetch = (f"django.middleware.cache.{name}CacheMiddleware" for name in ("Update", "FetchFrom"))
        rest = settings.MIDDLEWARE
        settings.MIDDLEWARE = [update, *rest, fetch] if where == "around" else [*rest, update, fetch]
        accepting(OPAQUE_TOKEN_TTL_IN_MS=0)
        required = Requirement(accepts_token="api_key")
        view = in_kind(lambda r: HttpResponse(required.check(r.auth).subject))
        key = asked.clerk.create_api_key("user_dev")
        headers = {"authorization": f"Bearer {key.secret}"}
        assert ask(view, headers).content == b"user_dev"
        asked.clerk.revoke_api_key(key.id)
        assert ask(view, headers).status_code == 401

    def test_of_the_whole_site_keep_nothing_that_a_middleware_read(
        self, ask: Any, asked: Asked, accepting: Any, settings: Any
    ) -> None:
        settings.MIDDLEWARE = [
            "django.middleware.cache.UpdateCacheMiddleware",
            *settings.MIDDLEWARE,
            f"{__name__}.tenants",
            "django.middleware.cache.FetchFromCacheMiddleware",
        ]
        accepting(OPAQUE_TOKEN_TTL_IN_MS=0)
        key = asked.clerk.create_api_key("user_dev")
        headers = {"authorization": f"Bearer {key.secret}"}
        assert ask(lambda r: HttpResponse(r.tenant), headers).content == b"user_dev"
        asked.clerk.revoke_api_key(key.id)
        assert ask(lambda r: HttpResponse(r.tenant), headers).content == b"nobody"

    def test_keep_no_stranger_page_for_a_token_that_clerk_could_not_judge(
        self, ask: Any, asked: Asked, caller: Caller
    ) -> None:
        view, headers = cache_page(60)(lambda r: HttpResponse(str(bool(r.auth)))), caller("key")
        asked.clerk.fail("/api_keys/verify", 500, None)
        assert ask(view, headers).content == b"False"
        asked.clerk.recover()
        assert ask(view, headers).content == b"True"

    def test_within_it_keep_what_a_view_reads(self, ask: Any, caller: Caller) -> None:
        """Whether the token is still good is asked before the cache is."""
        seen: list[Any] = []

        @require_scope("read:loads")
        @cache_page(60)
        @vary_on_headers("Authorization", "Cookie")
        def view(request: HttpRequest) -> HttpResponse:
            seen.append(get_auth(request))
            return HttpResponse(str(len(seen)))

        headers = caller("key")
        assert [ask(view, headers).content for _ in range(2)] == [b"1", b"1"]
        assert ask(view, caller("weak key")).status_code == 403

    def test_within_it_are_told_who_asks(self, ask: Any, caller: Caller, count: Any) -> None:
        with pytest.raises(ConfigurationError, match="vary_on_headers"):
            ask(require_scope("read:loads")(cache_page(60)(count)), caller("key"))
        cache.clear()  # before Django 5.2.9 what was kept there does not tell callers apart
        view = require_scope("read:loads")(cache_page(60)(vary_on_headers("Authorization", "Cookie")(count)))
        key, other = caller("key"), caller("key")
        assert len({ask(view, headers).content for headers in (key, other)}) == 2
        assert ask(view, caller("weak key")).status_code == 403

    def test_elsewhere_are_told_who_asks(self, ask: Any, caller: Caller) -> None:
        for person in MACHINES:
            response = ask(require_scope("read:loads")(page), caller(person))
            assert response.headers["vary"].startswith("Authorization, Cookie")


class TestMixins:
    def test_may_be_a_decorator_of_the_class(self, ask: Any, caller: Caller) -> None:
        view = method_decorator(require_scope("read:loads"), name="dispatch")(type("A", (Page,), {}))
        assert ask(view.as_view(), caller("key")).content == b"APIKeyAuth"
        assert ask(view.as_view(), caller("session")).status_code == 401

    def test_may_be_told_in_the_urls(self, ask: Any, caller: Caller) -> None:
        view = type("A", (ClerkScopeRequiredMixin, Page), {})
        asked = view.as_view(clerk_scope="read:loads", clerk_accepts_token="oauth_token")
        assert ask(asked, caller("oauth")).status_code == 200
        assert ask(asked, caller("key")).status_code == 401

    def test_may_let_sessions_in_besides(self, ask: Any, caller: Caller) -> None:
        view = mixed(
            ClerkScopeRequiredMixin,
            ClerkPermissionRequiredMixin,
            clerk_scope="read:loads",
            clerk_permission=ASSIGN,
            clerk_accepts_token=["session_token", "api_key"],
        )(Page)
        expected = {"session": 200, "driver": 403, "key": 200, "weak key": 403, "oauth": 401}
        assert {name: ask(view, caller(name)).status_code for name in expected} == expected

    @pytest.mark.parametrize("scope", [None, "", [], (), 7, "read loads", ["read:loads", 7]])
    def test_without_a_scope_open_nothing(self, scope: Any) -> None:
        view = type("Loads", (ClerkScopeRequiredMixin, Page), {"clerk_scope": scope})
        with pytest.raises(ConfigurationError):
            view.as_view()

    def test_say_which_attribute_is_left_out(self) -> None:
        with pytest.raises(ConfigurationError) as raised:
            mixed(ClerkScopeRequiredMixin)(Page)
        assert str(raised.value) == (
            "Loads is a ClerkScopeRequiredMixin, but does not say what it requires: set clerk_scope"
        )
        with pytest.raises(ConfigurationError) as raised:
            mixed(ClerkAuthRequiredMixin, clerk_scope=[], clerk_accepts_token="api_key")(Page)
        assert str(raised.value) == (
            "Loads.clerk_scope names no scope: write one, such as 'read:loads', or leave it out"
        )

    @pytest.mark.parametrize(
        ("name", "meant"),
        [("clerk_scopes", "clerk_scope"), ("clerk_accept_token", "clerk_accepts_token")],
    )
    def test_know_their_attributes(self, name: str, meant: str) -> None:
        with pytest.raises(ConfigurationError, match=f"did you mean {meant}?"):
            type("Loads", (ClerkAuthRequiredMixin, Page), {name: "api_key"})

    @pytest.mark.parametrize(
        "attributes",
        [
            {"clerk_scope": "read:loads"},
            {"clerk_accepts_token": "api_keys"},
            {"clerk_accepts_token": []},
            {"clerk_accepts_token": "api_key", "clerk_role": "org:admin"},
        ],
    )
    def test_that_make_no_sense_are_told_where_they_are_written(self, attributes: Any) -> None:
        with pytest.raises(ConfigurationError):
            mixed(ClerkAuthRequiredMixin, **attributes)(Page)

    def test_let_no_machine_past_what_a_parent_asks_of_sessions(self) -> None:
        class Admins(ClerkRoleRequiredMixin, Page):
            clerk_role = "org:admin"

        with pytest.raises(ConfigurationError):
            type("Loads", (ClerkScopeRequiredMixin, Admins), {"clerk_scope": "read:loads"}).as_view()

    def test_of_a_parent_are_not_forgotten(self) -> None:
        class Keys(ClerkAuthRequiredMixin):
            clerk_accepts_token = "api_key"

        with pytest.raises(ConfigurationError, match="would not require what Keys does"):
            type("Loads", (ClerkScopeRequiredMixin, Keys, Page), {"clerk_scope": "read:loads"})


def test_a_route_says_what_the_application_does_not_accept(ask: Any, caller: Caller, accepting: Any) -> None:
    accepting(ACCEPTS_TOKEN=["session_token", "m2m_token"])
    with pytest.raises(ConfigurationError, match="set accepts_token="):
        ask(require_scope("read:loads", accepts_token="api_key")(page), caller("key"))


def test_a_permission_is_no_machines(ask: Any, asked: Asked) -> None:
    key = asked.clerk.create_api_key("org_blue_ridge", scopes=[ASSIGN, "authenticated"])
    response = ask(require_permission(ASSIGN)(page), {"authorization": f"Bearer {key.secret}"})
    assert response.status_code == 401


def test_the_environment_is_enough(
    ask: Any,
    caller: Caller,
    options: dict[str, Any],
    settings: Any,
    clerk: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in options.items():
        monkeypatch.setenv(f"CLERK_{name.upper()}", value)
    monkeypatch.setenv("CLERK_ACCEPTS_TOKEN", "session_token,m2m_token")
    settings.CLERK = {"SECRET_KEY": clerk.secret_key, "AUTHORIZED_PARTIES": [SITE]}
    view = require_auth(accepts_token="any")(page)
    expected = {"session": 200, "m2m": 200, "key": 401, "oauth": 401}
    assert {name: ask(view, caller(name)).status_code for name in expected} == expected
