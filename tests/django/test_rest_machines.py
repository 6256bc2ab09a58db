"""Machines in Django REST framework: API keys, M2M tokens and OAuth clients."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from django_project.rest import Who, view
from rest_framework import permissions as of_drf
from rest_framework.authentication import BaseAuthentication, BasicAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import exception_handler

from clerk_middleware import APIKeyAuth, ClerkConfig, ConfigurationError, MachineAuth
from clerk_middleware.protect import Protection
from clerk_middleware.protection import InsufficientScope, Requirement
from clerk_middleware_django import get_auth, require_scope
from clerk_middleware_django.drf import (
    ClerkAuthentication,
    ClerkRateThrottle,
    ClerkRefused,
    HasPermission,
    HasRole,
    HasScope,
    HasToken,
    IsSignedIn,
    Protect,
)
from clerk_middleware_django.models import ClerkIdentity

from ..flask.plain_wsgi import answer
from ..machine_callers import CALLERS, headers_of, machine_options
from .conftest import SITE, Asked, Browse

Headers = dict[str, str]
Caller = Callable[[str], Headers]

ASSIGN = "org:dispatcher:assign_drivers"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
CLERK_USER = "clerk_middleware_django.middleware.ClerkUserMiddleware"
MACHINES = ["key", "weak key", "oauth", "weak oauth", "m2m"]


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
    def get(asked: Any, headers: Headers | None = None, method: str = "GET", **how: Any) -> Any:
        routes(path("page", asked))
        return browse("/page", method, headers, **how)

    return get


def kind_of(request: Any) -> str:
    return type(request.auth).__name__


class Passes(of_drf.BasePermission):
    """Somebody else's permission."""


class Fails(of_drf.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class HasAuth(of_drf.BasePermission):
    """A project's own, which takes ``request.auth`` for a proof."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return request.auth is not None


#: Permission classes, what they require, and whom they let in or refuse with 403; others get 401.
PERMISSIONS: dict[str, tuple[Any, Requirement, set[str], set[str]]] = {
    "a scope": (
        HasScope("read:loads"),
        Requirement(accepts_token=["api_key", "m2m_token", "oauth_token"], scopes="read:loads"),
        {"key", "oauth"},
        {"weak key", "weak oauth", "m2m"},
    ),
    "a scope of keys": (
        HasScope("read:loads", accepts_token="api_key"),
        Requirement(accepts_token="api_key", scopes="read:loads"),
        {"key"},
        {"weak key"},
    ),
    "keys": (HasToken("api_key"), Requirement(accepts_token="api_key"), {"key", "weak key"}, set()),
    "sessions and machines": (
        HasToken(["session_token", "m2m_token"]),
        Requirement(accepts_token=["session_token", "m2m_token"]),
        {"session", "driver", "m2m"},
        set(),
    ),
    "any": (HasToken("any"), Requirement(accepts_token="any"), set(CALLERS) - {"nobody"}, set()),
    "either": (
        Protect(token=["session_token", "oauth_token"], permission=ASSIGN, scope="read:loads"),
        Protection(token=["session_token", "oauth_token"], permission=ASSIGN, scope="read:loads"),
        {"session", "oauth"},
        {"driver", "weak oauth"},
    ),
    "sessions": (IsSignedIn, Requirement(), {"session", "driver"}, set()),
}


@pytest.mark.parametrize("name", PERMISSIONS)
def test_the_answers_are_those_of_other_frameworks(
    name: str, ask: Any, caller: Caller, config: Callable[..., ClerkConfig], options: dict[str, Any]
) -> None:
    permission, requirement, let_in, forbidden = PERMISSIONS[name]
    asked = view(permission, answer=kind_of)
    for person in CALLERS:
        headers = caller(person)
        response = ask(asked, headers)
        expected = 200 if person in let_in else 403 if person in forbidden else 401
        assert response.status_code == expected, person
        if expected != 200:
            status, (challenge, *_), body = answer(config(**options), requirement, headers, "/page")
            assert (status, challenge) == (response.status_code, response.headers.get("www-authenticate"))
            assert response.content.decode() == body


class TestTheMachine:
    @pytest.mark.parametrize(
        ("person", "kind"), [("key", "APIKeyAuth"), ("oauth", "OAuthAuth"), ("m2m", "M2MAuth")]
    )
    def test_is_the_auth_and_no_user(
        self, person: str, kind: str, ask: Any, caller: Caller, db: None
    ) -> None:
        """Also where the user that its token acts for is one here, and may do everything."""
        user = get_user_model().objects.create_superuser("dev")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")

        def told(request: Any) -> Any:
            assert get_auth(request) is get_auth(request._request) is request.auth
            return [kind_of(request), str(request.user), request.user.is_staff, str(request._request.user)]

        answered = ask(view(HasToken("any"), answer=told), caller(person)).json()
        assert answered == [kind, "AnonymousUser", False, "AnonymousUser"]

    @pytest.mark.parametrize("person", MACHINES)
    @pytest.mark.parametrize(
        "permission",
        [
            of_drf.IsAuthenticated,
            of_drf.IsAdminUser,
            of_drf.IsAuthenticated | IsSignedIn,
            HasAuth,
            HasRole("org:dispatcher"),
            HasScope("write:loads") | HasAuth,
            HasScope("write:loads") | of_drf.IsAuthenticated,
            (HasScope("read:loads") & Fails) | of_drf.IsAuthenticated,
            HasScope("read:loads") & of_drf.IsAuthenticated,
            ~HasToken("any"),
        ],
    )
    def test_is_nobody_to_other_permissions(
        self, permission: Any, person: str, ask: Any, caller: Caller, db: None
    ) -> None:
        user = get_user_model().objects.create_superuser("dev")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
        assert ask(view(permission), caller(person)).status_code in (401, 403)

    def test_is_nobody_where_no_permission_lets_it_in(self, ask: Any, caller: Caller) -> None:
        def told(request: Any) -> Any:
            return [kind_of(request), str(request.user), repr(get_auth(request))]

        for permission in (of_drf.AllowAny, of_drf.IsAuthenticatedOrReadOnly):
            answered = ask(view(permission, answer=told), caller("key")).json()
            assert answered == ["NoneType", "AnonymousUser", "<SignedOut>"]

    def test_is_known_to_a_refined_class(self, ask: Any, caller: Caller) -> None:
        class IsTracking(HasToken("m2m_token")):  # type: ignore[misc]
            def has_permission(self, request: Any, view: Any) -> bool:
                known: bool = super().has_permission(request, view)
                return known and request.auth.machine_id == "mch_tracking"

        assert ask(view(IsTracking, answer=kind_of), caller("m2m")).json() == "M2MAuth"
        assert ask(view(IsTracking), caller("key")).status_code == 401

    def test_is_known_in_function_views(self, ask: Any, caller: Caller) -> None:
        @api_view(["GET"])
        @permission_classes([HasScope("read:loads")])
        def page(request: Any) -> Response:
            return Response(kind_of(request))

        assert ask(page, caller("key")).json() == "APIKeyAuth"
        assert ask(page, caller("weak key")).status_code == 403

    def test_is_known_below_a_decorator(self, ask: Any, caller: Caller) -> None:
        @api_view(["GET"])
        @require_scope("read:loads")
        def page(request: Any) -> Response:
            return Response([kind_of(request), type(get_auth(request)).__name__, str(request.user)])

        assert ask(page, caller("key")).json() == ["APIKeyAuth", "APIKeyAuth", "AnonymousUser"]
        assert ask(page, caller("weak key")).status_code == 403

    def test_may_be_a_tests_own(self) -> None:
        auth = APIKeyAuth(id="ak_1", subject="user_1", scopes=("read:loads",), claims=None, token="ak_x")
        request = APIRequestFactory().get("/")
        force_authenticate(request, None, token=auth)  # type: ignore[arg-type]
        assert view(HasScope("read:loads"), answer=kind_of)(request).data == "APIKeyAuth"
        assert view(HasScope("write:loads"))(request).status_code == 403
        assert view(HasPermission(ASSIGN))(request).status_code == 401

    def test_can_not_be_forged(self, ask: Any, caller: Caller, cookies: Headers) -> None:
        asked = view(HasToken("any"), answer=kind_of)
        assert ask(asked, caller("key"), "POST", enforce_csrf_checks=True).json() == "APIKeyAuth"
        assert ask(asked, cookies | caller("key"), "POST", enforce_csrf_checks=True).json() == "APIKeyAuth"
        assert ask(asked, cookies, "POST", enforce_csrf_checks=True).status_code == 403
        key = caller("key")["authorization"].removeprefix("Bearer ")
        assert ask(asked, {"cookie": f"__session={key}; __client_uat=1"}).status_code == 401


class TestWithOtherCredentials:
    class Key(BaseAuthentication):
        """Credentials beside the ``Authorization`` header."""

        def authenticate(self, request: Any) -> Any:
            name = request.headers.get("x-key")
            return (get_user_model()(username=name), "key") if name else None

        def authenticate_header(self, request: Any) -> str:
            return "Key"

    @pytest.mark.parametrize("is_first", [True, False])
    def test_a_machine_is_not_mixed_with_their_user(self, is_first: bool, ask: Any, caller: Caller) -> None:
        authenticators = [ClerkAuthentication, self.Key][:: 1 if is_first else -1]
        asked = view(HasScope("read:loads"), authenticators=authenticators, answer=kind_of)
        assert ask(asked, caller("key")).json() == "APIKeyAuth"
        assert ask(asked, {"x-key": "ann"}).status_code == 401
        assert ask(asked, caller("key") | {"x-key": "ann"}).status_code == 401

    def test_a_machine_is_not_mixed_with_djangos_session(
        self, ask: Any, caller: Caller, settings: Any, db: None, client: Any
    ) -> None:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != CLERK_USER]
        user = get_user_model().objects.create_superuser("ann")
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        cookie = {"cookie": f"sessionid={client.cookies['sessionid'].value}"}
        asked = view(
            HasToken("any"), authenticators=[ClerkAuthentication, SessionAuthentication], answer=kind_of
        )
        assert ask(asked, caller("key")).json() == "APIKeyAuth"
        assert ask(asked, caller("key") | cookie).status_code == 401

    def test_alone_they_do_not_do(self, ask: Any, db: None) -> None:
        get_user_model().objects.create_superuser("ann", password="pass")
        basic = {"authorization": f"Basic {base64.b64encode(b'ann:pass').decode()}"}
        asked = view(HasScope("read:loads"), authenticators=[ClerkAuthentication, BasicAuthentication])
        assert ask(asked, basic).status_code == 401

    def test_something_has_to_tell_who_asks(self, ask: Any, caller: Caller) -> None:
        with pytest.raises(ConfigurationError, match="add ClerkAuthentication to its authentication_cl"):
            ask(view(HasScope("read:loads"), authenticators=[]), caller("key"))


class TestARefusal:
    def test_challenges_as_rfc_6750_has_it(self, ask: Any, caller: Caller) -> None:
        asked = view(HasScope("read:loads", "write:loads"))
        scope = 'scope="read:loads write:loads"'
        expected = {
            "nobody": (401, f"Bearer {scope}"),
            "session": (401, f'Bearer error="invalid_token", {scope}'),
            "key": (403, f'Bearer error="insufficient_scope", {scope}'),
        }
        for person, (status, challenge) in expected.items():
            response = ask(asked, caller(person))
            assert (response.status_code, response.headers["www-authenticate"]) == (status, challenge), person
        unknown = ask(asked, {"authorization": "Bearer ak_unknown"})
        assert unknown.headers["www-authenticate"] == f'Bearer error="invalid_token", {scope}'

    def test_points_oauth_clients_to_the_metadata(self, ask: Any, accepting: Any, caller: Caller) -> None:
        accepting(OAUTH_RESOURCES=["/page"])
        metadata = 'resource_metadata="https://testserver/.well-known/oauth-protected-resource/page"'
        response = ask(view(HasToken("oauth_token")))
        assert response.headers["www-authenticate"] == f"Bearer {metadata}"
        response = ask(view(HasScope("write:loads", accepts_token="oauth_token")), caller("oauth"))
        assert response.status_code == 403
        assert response.headers["www-authenticate"].endswith(metadata)
        # REST framework's own answer, too: a permission of its own or of the project may let in such clients.
        response = ask(view(HasToken("oauth_token") | Fails))
        assert (response.status_code, response.headers["www-authenticate"]) == (401, f"Bearer {metadata}")
        assert "metadata" not in ask(view(HasToken("api_key"))).headers["www-authenticate"]

    @pytest.mark.parametrize(
        "permission",
        [
            HasScope("write:loads") | Fails,
            Fails | HasScope("write:loads"),
            HasScope("write:loads") | IsSignedIn,
            IsSignedIn | HasScope("write:loads"),
            HasScope("write:loads") | HasScope("delete:loads"),
            (HasScope("write:loads") | Fails) & Passes,
            (Fails | HasScope("write:loads")) | Fails,
            Protect(lambda auth: False, token="api_key") | of_drf.IsAdminUser,
        ],
    )
    def test_of_a_good_token_does_not_call_it_invalid(
        self, permission: Any, ask: Any, caller: Caller
    ) -> None:
        for asked in (view(permission), view(permission, answer=_of_an_object)):
            response = ask(asked, caller("key"))
            assert response.status_code == 403
            assert "clerk_error" in response.json()
            assert "invalid_token" not in response.headers.get("www-authenticate", "")

    @pytest.mark.parametrize(
        "permission",
        [
            of_drf.IsAuthenticated,
            HasToken("m2m_token") | Fails,
            (HasScope("write:loads") | HasToken("api_key")) & Fails,
        ],
    )
    def test_of_a_good_token_by_rest_frameworks_own_does_not_either(
        self, permission: Any, ask: Any, caller: Caller
    ) -> None:
        response = ask(view(permission), caller("key"))
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        response = ask(view(permission), {"authorization": "Bearer ak_unknown"})
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'

    def test_of_objects_is_the_same(self, ask: Any, caller: Caller) -> None:
        class OnlyObjects(of_drf.BasePermission):
            def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
                return False

        asked = view(OnlyObjects | HasScope("write:loads"), answer=_of_an_object)
        response = ask(asked, caller("key"))
        assert (
            response.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="write:loads"'
        )

    @pytest.mark.parametrize(
        "permission",
        [
            HasScope("read:loads"),
            HasScope("read:loads") & Passes,
            HasScope("read:loads") | of_drf.IsAuthenticated,
            of_drf.IsAuthenticated | HasToken("api_key"),
        ],
    )
    def test_is_503_while_clerk_can_not_say(
        self, permission: Any, ask: Any, caller: Caller, asked: Asked
    ) -> None:
        asked.clerk.fail("/api_keys/verify", 429, None, 7)
        response = ask(view(permission), caller("key"))
        assert (response.status_code, response.headers["retry-after"]) == (503, "7")
        assert "www-authenticate" not in response.headers
        assert response.json()["clerk_error"]["type"] == "unavailable"

    def test_by_rest_frameworks_own_does_not_call_it_invalid_then(
        self, ask: Any, caller: Caller, asked: Asked
    ) -> None:
        asked.clerk.fail("/api_keys/verify", 500, None)
        response = ask(view(of_drf.IsAuthenticated), caller("key"))
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert ask(view(of_drf.AllowAny, answer=kind_of), caller("key")).json() == "NoneType"

    def test_can_be_answered_by_the_project(self, ask: Any, caller: Caller, settings: Any) -> None:
        seen: list[Any] = []

        def handle(error: Exception, context: Any) -> Response | None:
            seen.append(error)
            response = exception_handler(error, context)
            assert response is not None
            response.data = {"error": getattr(error, "get_codes", str)()}
            return response

        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": handle}
        response = ask(view(HasScope("write:loads")), caller("key"))
        assert (response.status_code, response.json()) == (403, {"error": "insufficient-scope"})
        assert isinstance(seen[0], ClerkRefused)
        assert isinstance(seen[0].error, InsufficientScope)
        assert isinstance(seen[0].error.auth, MachineAuth)


def _of_an_object(request: Any) -> str:
    request.parser_context["view"].check_object_permissions(request, object())
    return "fine"


@pytest.mark.django_db
class TestLoginRequired:
    @pytest.fixture(autouse=True)
    def _required(self, settings: Any) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]

    def test_a_token_that_acts_for_no_user_needs_none(self, ask: Any, caller: Caller) -> None:
        for person in ("m2m", "key"):
            assert ask(view(HasToken("any")), caller(person)).status_code == 200

    def test_one_of_a_user_needs_an_active_local_one(self, ask: Any, caller: Caller) -> None:
        user = get_user_model().objects.create_user("dev")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
        assert ask(view(HasToken("any")), caller("oauth")).status_code == 200
        get_user_model().objects.update(is_active=False)
        response = ask(view(HasToken("any")), caller("oauth"))
        assert response.status_code == 403
        assert response.json()["clerk_error"]["message"] == "You have no active account here."

    def test_it_needs_none_where_users_are_not_mapped(self, ask: Any, caller: Caller, settings: Any) -> None:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != CLERK_USER]
        assert ask(view(HasToken("any")), caller("oauth")).status_code == 200


class TestThrottling:
    @pytest.fixture(autouse=True)
    def _empty(self) -> None:
        cache.clear()

    @pytest.fixture
    def once(self) -> Any:
        class Once(ClerkRateThrottle):
            rate = "1/day"

        return view(HasToken("any"), throttle_classes=[Once], answer=lambda _: "fine")

    def test_counts_whom_tokens_are_of(
        self, once: Any, ask: Any, asked: Asked, caller: Caller, db: None
    ) -> None:
        for person in ("key", "weak key", "oauth", "m2m"):
            assert ask(once, caller(person)).status_code == 200, person
        for person in ("key", "weak key", "oauth", "weak oauth", "m2m"):  # each with a new token
            assert ask(once, caller(person)).status_code == 429, person

    def test_counts_people_as_ever(self, once: Any, ask: Any, caller: Caller, settings: Any) -> None:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != CLERK_USER]
        statuses = [
            ask(once, caller(person)).status_code for person in ("session", "driver", "session", "oauth")
        ]
        assert statuses == [200, 200, 429, 200]

    def test_by_rest_frameworks_own_counts_machines_by_their_address(self, ask: Any, caller: Caller) -> None:
        class Once(AnonRateThrottle):
            rate = "1/day"

        asked = view(HasToken("any"), throttle_classes=[Once])
        assert [ask(asked, caller(person)).status_code for person in ("key", "m2m")] == [200, 429]


def test_a_cache_keeps_nothing_that_a_revoked_token_would_get(ask: Any, asked: Asked, accepting: Any) -> None:
    cache.clear()
    accepting(OPAQUE_TOKEN_TTL_IN_MS=0)
    seen: list[Any] = []

    @method_decorator(cache_page(60), name="dispatch")
    class Cached(Who):
        permission_classes = [HasScope("read:loads")]

        def answer(self, request: Any) -> Any:
            seen.append(request)
            return len(seen)

    key = asked.clerk.create_api_key("user_dev", scopes=["read:loads"])
    headers = {"authorization": f"Bearer {key.secret}"}
    assert [ask(Cached.as_view(), headers).json() for _ in range(2)] == [1, 2]
    asked.clerk.revoke_api_key(key.id)
    assert ask(Cached.as_view(), headers).status_code == 401


class TestWriting:
    def test_gives_a_class_a_name_that_tells(self) -> None:
        assert HasToken("api_key").__name__ == "HasToken('api_key')"
        made = HasScope("read:loads", accepts_token="api_key")
        assert made.__name__ == "HasScope('read:loads', accepts_token='api_key')"

    @pytest.mark.parametrize("permission", [HasScope, HasToken])
    def test_without_what_is_required_opens_nothing(self, permission: Any, ask: Any, caller: Caller) -> None:
        for wanted in (permission, permission | IsSignedIn):
            with pytest.raises(ConfigurationError, match=rf"write {permission.__name__}\('"):
                ask(view(wanted), caller("key"))

    @pytest.mark.parametrize(
        "write",
        [
            lambda: HasScope(accepts_token="api_key"),
            lambda: HasScope("read loads"),
            lambda: HasScope("read:loads", accepts_token="session_token"),
            lambda: HasScope("read:loads", accepts_token="api_keys"),  # type: ignore[arg-type]
            lambda: HasToken([]),
            lambda: HasToken("api_keys"),  # type: ignore[arg-type]
            lambda: Protect(token="api_key", permission=ASSIGN),
        ],
    )
    def test_what_is_malformed_fails_there(self, write: Callable[[], Any]) -> None:
        with pytest.raises(ConfigurationError):
            write()

    def test_what_the_application_does_not_accept_is_told(
        self, ask: Any, caller: Caller, accepting: Any
    ) -> None:
        accepting(ACCEPTS_TOKEN=["session_token", "m2m_token"])
        with pytest.raises(ConfigurationError, match="set accepts_token="):
            ask(view(HasToken("api_key")), caller("key"))
