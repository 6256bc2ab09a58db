"""Django REST framework, under both of Django's handlers."""

from __future__ import annotations

import base64
import pickle
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
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import exception_handler
from rest_framework.viewsets import ViewSet

from clerk_middleware import ConfigurationError, NotAuthorized, SessionAuth
from clerk_middleware_django import get_auth, get_session, require_permission
from clerk_middleware_django.drf import (
    ClerkAuthentication,
    ClerkRefused,
    ClerkUser,
    HasFeature,
    HasPermission,
    HasPlan,
    HasReverification,
    HasRole,
    IsSignedIn,
    Protect,
)
from clerk_middleware_django.models import ClerkIdentity

from .conftest import Browse

Headers = dict[str, str]
Routes = Callable[..., None]

LOADS = "org:dispatcher:create_edit_loads"  # what a dispatcher has, and nobody else
REPORTS = "org:admin:access_all_reports"
CLERK_USER = "clerk_middleware_django.middleware.ClerkUserMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
CSRF_TOKEN = "a" * 32


@pytest.fixture
def ask(browse: Browse, routes: Routes) -> Callable[..., Any]:
    """The response of a view, of this test only."""

    def get(asked: Any, headers: Headers | None = None, method: str = "GET", **options: Any) -> Any:
        routes(path("page", asked))
        return browse("/page", method, headers, **options)

    return get


@pytest.fixture
def without_users(settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != CLERK_USER]


def basic(name: str = "ann", password: str = "pass") -> Headers:
    return {"authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def from_our_page(cookies: Headers) -> Headers:
    """What a browser sends from a page of the project: with the CSRF token."""
    cookie = f"csrftoken={CSRF_TOKEN}; {cookies['cookie']}"
    return {"cookie": cookie, "x-csrftoken": CSRF_TOKEN, "referer": "https://testserver/"}


class Passes(of_drf.BasePermission):
    """Somebody else's permission."""


class Fails(of_drf.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return False


class TestWhoAsks:
    @pytest.mark.usefixtures("without_users")
    def test_is_the_clerk_user(self, ask: Any, dispatcher: Headers) -> None:
        assert ask(view(), dispatcher).json() == {"user": "user_dev", "auth": "user_dev"}

    @pytest.mark.usefixtures("without_users")
    def test_is_known_by_a_cookie(self, ask: Any, cookies: Headers) -> None:
        assert ask(view(of_drf.IsAuthenticated), cookies).json()["user"] == "user_dev"

    @pytest.mark.django_db
    def test_is_the_local_user_where_these_are_mapped(self, ask: Any, dispatcher: Headers) -> None:
        ClerkIdentity.objects.create(
            user=get_user_model().objects.create_user("ann"), clerk_user_id="user_dev"
        )
        response = ask(view(of_drf.IsAuthenticated), dispatcher)
        assert response.json() == {"user": "ann", "auth": "user_dev"}

    @pytest.mark.django_db
    def test_is_nobody_to_is_authenticated_without_a_local_user(self, ask: Any, dispatcher: Headers) -> None:
        assert ask(view(of_drf.IsAuthenticated), dispatcher).status_code == 403

    def test_costs_no_query_unless_it_is_looked_at(self, ask: Any, dispatcher: Headers) -> None:
        # Without the mark django_db any query is an error.
        assert ask(view(HasPermission(LOADS), answer=lambda _: "fine"), dispatcher).json() == "fine"

    def test_may_be_nobody(self, ask: Any) -> None:
        assert ask(view()).json() == {"user": "AnonymousUser", "auth": None}

    @pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer a.b.c", "Bearer", "Basic x", "\x7f"])
    def test_is_nobody_with_a_token_that_is_refused(self, header: str, ask: Any) -> None:
        response = ask(view(of_drf.AllowAny), {"authorization": header})
        assert (response.status_code, response.json()["auth"]) == (200, None)

    def test_is_nobody_by_a_cookie_beside_a_token_that_is_refused(self, ask: Any, cookies: Headers) -> None:
        headers = {**cookies, "authorization": "Bearer a.b.c"}
        response = ask(view(IsSignedIn), headers, "POST", enforce_csrf_checks=True)
        assert response.status_code == 401

    def test_is_asked_of_the_other_classes_then(self, ask: Any, db: None) -> None:
        get_user_model().objects.create_user("ann", password="pass")
        asked = view(of_drf.IsAuthenticated, authenticators=[ClerkAuthentication, BasicAuthentication])
        assert ask(asked, basic()).json() == {"user": "ann", "auth": None}

    def test_is_a_machine_to_none(self, ask: Any, machine: Headers, clerk_settings: Any) -> None:
        clerk_settings(ACCEPTS_TOKEN=["session_token", "oauth_token"])
        assert ask(view(), machine).json()["auth"] is None
        response = ask(view(IsSignedIn), machine)
        assert response.status_code == 401
        assert response.json()["clerk_error"]["reason"] == "token-type-mismatch"

    def test_is_known_in_function_views(self, ask: Any, dispatcher: Headers, admin: Headers) -> None:
        @api_view(["GET"])
        @permission_classes([HasPermission(LOADS)])
        def page(request: Any) -> Response:
            return Response([get_session(request).user_id, get_auth(request).user_id, request.auth.user_id])

        assert ask(page, dispatcher).json() == ["user_dev"] * 3
        assert ask(page, admin).status_code == 403

    def test_is_known_in_viewsets(self, ask: Any, dispatcher: Headers) -> None:
        class Loads(ViewSet):
            def get_permissions(self) -> Any:
                needed = {"list": LOADS, "create": REPORTS}
                return [HasPermission(needed[self.action])()]

            def list(self, request: Any) -> Response:
                return Response("listed")

            def create(self, request: Any) -> Response:
                return Response("created")

        loads = Loads.as_view({"get": "list", "post": "create"})
        assert ask(loads, dispatcher).json() == "listed"
        refused = ask(loads, dispatcher, "POST").json()
        assert refused["clerk_error"]["message"] == f"This needs the permission '{REPORTS}'."

    def test_is_known_to_a_view_that_another_one_asks(self, ask: Any, dispatcher: Headers) -> None:
        inner = view(HasPermission(LOADS), answer=lambda request: request.auth.user_id)

        @api_view(["GET"])
        def outer(request: Any) -> Any:
            return inner(request._request)

        assert ask(outer, dispatcher).json() == "user_dev"
        outer.cls.authentication_classes = []
        assert ask(outer, dispatcher).json() == "user_dev"

    def test_can_not_be_told_without_the_middleware(self, ask: Any, settings: Any) -> None:
        settings.MIDDLEWARE = []
        with pytest.raises(ConfigurationError, match="ClerkMiddleware did not see this request"):
            ask(view())


class TestForgery:
    """A request that a page of another site had a browser send."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PURGE"])
    @pytest.mark.parametrize("permission", [IsSignedIn, of_drf.AllowAny])
    def test_is_refused(self, permission: Any, method: str, ask: Any, cookies: Headers) -> None:
        response = ask(view(permission), cookies, method, enforce_csrf_checks=True)
        assert response.status_code == 403
        assert response.json()["detail"].startswith("CSRF Failed: ")

    def test_is_refused_with_credentials_of_another_kind(self, ask: Any, cookies: Headers) -> None:
        asked = view(authenticators=[ClerkAuthentication, BasicAuthentication])
        headers = cookies | basic()
        assert ask(asked, headers, "POST", enforce_csrf_checks=True).status_code == 403

    def test_is_refused_from_another_origin_whatever_its_token(self, ask: Any, cookies: Headers) -> None:
        headers = from_our_page(cookies) | {"origin": "https://evil.example"}
        response = ask(view(IsSignedIn), headers, "POST", enforce_csrf_checks=True)
        assert "Origin checking failed" in response.json()["detail"]

    @pytest.mark.parametrize("header", ["x-http-method-override", "x-method-override", "x-http-method"])
    def test_does_not_get_through_as_another_method(self, header: str, ask: Any, cookies: Headers) -> None:
        response = ask(view(IsSignedIn, answer=lambda request: request.method), {**cookies, header: "POST"})
        assert response.json() == "GET"
        response = ask(view(IsSignedIn), {**cookies, header: "GET"}, "POST", enforce_csrf_checks=True)
        assert response.status_code == 403

    def test_is_told_from_a_request_of_our_own_page(self, ask: Any, cookies: Headers) -> None:
        asked = view(IsSignedIn, answer=lambda request: request.auth.user_id)
        response = ask(asked, from_our_page(cookies), "POST", enforce_csrf_checks=True)
        assert response.json() == "user_dev"

    def test_can_not_be_with_a_token_in_the_header(self, ask: Any, dispatcher: Headers) -> None:
        asked = view(IsSignedIn, answer=lambda request: request.auth.user_id)
        assert ask(asked, dispatcher, "POST", enforce_csrf_checks=True).json() == "user_dev"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_is_no_matter_where_nothing_is_changed(self, method: str, ask: Any, cookies: Headers) -> None:
        asked = view(IsSignedIn, answer=lambda _: "fine")
        assert ask(asked, cookies, method, enforce_csrf_checks=True).status_code == 200

    def test_goes_unnoticed_by_no_view_that_asks_for_a_permission(self, ask: Any, cookies: Headers) -> None:
        for authenticators in ([], [BasicAuthentication]):
            asked = view(HasPermission(LOADS), authenticators=authenticators)
            with pytest.raises(ConfigurationError, match="add ClerkAuthentication to its authentication_cl"):
                ask(asked, cookies, "POST", enforce_csrf_checks=True)

    def test_gives_no_identity_to_a_view_that_does_not_authenticate(self, ask: Any, cookies: Headers) -> None:
        asked = view(authenticators=[], answer=lambda request: repr(get_auth(request)))
        assert ask(asked, cookies, "POST", enforce_csrf_checks=True).json() == "<SignedOut>"

    def test_is_refused_by_a_decorator_below_api_view(self, ask: Any, cookies: Headers) -> None:
        @api_view(["POST"])
        @require_permission(LOADS)
        def page(request: Any) -> Response:
            return Response("fine")

        page.cls.authentication_classes = []
        assert ask(page, cookies, "POST", enforce_csrf_checks=True).status_code == 403
        assert ask(page, from_our_page(cookies), "POST", enforce_csrf_checks=True).json() == "fine"


class TestARefusal:
    def test_of_nobody_says_how_to_authenticate(self, ask: Any) -> None:
        response = ask(view(IsSignedIn))
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["clerk_error"]["type"] == "unauthorized"

    def test_of_a_token_says_that_it_was_refused(self, ask: Any) -> None:
        response = ask(view(IsSignedIn), {"authorization": "Bearer a.b.c"})
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.json()["clerk_error"]["reason"] not in ("not-signed-in", None)

    def test_by_a_class_of_rest_frameworks_has_the_header_as_well(self, ask: Any) -> None:
        response = ask(view(of_drf.IsAuthenticated))
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")

    def test_is_no_redirect_for_a_navigation(self, ask: Any, navigation: Headers) -> None:
        for permission in (IsSignedIn, Protect(unauthenticated_url="/in")):
            assert ask(view(permission), navigation).status_code in (401, 404)

    @pytest.mark.parametrize(
        ("permission", "kind"),
        [
            (HasPermission(REPORTS), "permission"),
            (HasRole("org:admin"), "role"),
            (HasFeature("export"), "feature"),
            (HasPlan("platinum"), "plan"),
        ],
    )
    def test_names_what_is_required(self, permission: Any, kind: str, ask: Any, dispatcher: Headers) -> None:
        response = ask(view(permission), dispatcher)
        assert response.status_code == 403
        assert list(response.json()["clerk_error"]["metadata"]["required"]) == [kind]

    def test_can_be_had_for_each_method(self, ask: Any, dispatcher: Headers) -> None:
        for method in ("GET", "HEAD", "OPTIONS", "POST", "TRACE"):
            assert ask(view(HasPermission(REPORTS)), dispatcher, method).status_code == 403

    def test_asks_for_reverification_as_clerks_frontend_reads_it(
        self, ask: Any, signed_in: Callable[..., Headers]
    ) -> None:
        response = ask(view(HasReverification("strict")), signed_in(fva=(20, -1)))
        assert response.status_code == 403
        assert response.json() == {
            "clerk_error": {
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": {"reverification": {"level": "second_factor", "afterMinutes": 10}},
            }
        }

    def test_tells_of_no_page(self, ask: Any, dispatcher: Headers) -> None:
        for headers in ({}, dispatcher):
            response = ask(view(Protect(permission=REPORTS)), headers)
            assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})

    def test_can_be_a_condition(self, ask: Any, dispatcher: Headers, admin: Headers) -> None:
        asked = view(Protect(lambda auth: auth.org_role == "org:dispatcher"), answer=lambda _: "fine")
        assert ask(asked, dispatcher).json() == "fine"
        assert ask(asked, admin).status_code == 404

    @pytest.mark.usefixtures("without_users")
    def test_is_rendered_for_browsers(self, ask: Any, dispatcher: Headers) -> None:
        asked = view(HasPermission(REPORTS), renderer_classes=[BrowsableAPIRenderer, JSONRenderer])
        response = ask(asked, dispatcher)
        assert (response.status_code, b"not-authorized" in response.content) == (403, True)

    def test_can_be_answered_by_the_project(
        self, ask: Any, dispatcher: Headers, signed_in: Callable[..., Headers], settings: Any
    ) -> None:
        seen: list[Any] = []

        def answer(error: Exception, context: Any) -> Response | None:
            if isinstance(error, ClerkRefused):
                seen.append(error)
                return Response({"error": error.get_full_details()}, status=error.status_code)
            return exception_handler(error, context)

        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": answer}
        refused = ask(view(HasPermission(REPORTS)), dispatcher)
        message = f"This needs the permission '{REPORTS}'."
        assert refused.json() == {"error": {"message": message, "code": "not-authorized"}}
        assert isinstance(seen[0].error, NotAuthorized)
        assert seen[0].error.auth.user_id == "user_dev"
        hidden = ask(view(Protect(permission=REPORTS)), dispatcher)
        assert hidden.json() == {"error": {"message": "Not Found", "code": "not_found"}}
        stale = ask(view(HasReverification("lax")), signed_in(fva=(2000, -1)))
        assert stale.json()["error"]["code"] == "reverification-error"

    def test_that_a_view_raises_is_answered_as_everywhere(self, ask: Any, dispatcher: Headers) -> None:
        def answer(request: Any) -> Any:
            raise NotAuthorized("This load is another driver's.")

        response = ask(view(answer=answer), dispatcher)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["message"] == "This load is another driver's."


@pytest.mark.usefixtures("without_users")
class TestComposing:
    @pytest.mark.parametrize(
        "permission",
        [
            HasPermission(LOADS) | Fails,
            Fails | HasPermission(LOADS),
            HasPermission(REPORTS) | Passes,
            Passes | HasPermission(REPORTS),
            HasPermission(REPORTS) | HasPermission(LOADS),
            (HasPermission(REPORTS) & Passes) | Passes,
            (Passes & Passes) | HasPermission(REPORTS),
            HasPermission(LOADS) & HasRole("org:dispatcher") & Passes,
            Passes & Passes & HasPermission(LOADS),
            ~HasPermission(REPORTS),
            ~(HasPermission(REPORTS) | Fails),
            ~(HasPermission(LOADS) & Fails),
            ~~HasPermission(LOADS),
            HasPermission(REPORTS) | ~HasRole("org:admin"),
        ],
    )
    def test_lets_in_who_one_side_lets_in(self, permission: Any, ask: Any, dispatcher: Headers) -> None:
        response = ask(view(permission, answer=_of_an_object), dispatcher)
        assert (response.status_code, response.json()) == (200, "fine")

    @pytest.mark.parametrize(
        "permission",
        [
            HasPermission(REPORTS) & Passes,
            Passes & HasPermission(REPORTS),
            HasPermission(LOADS) & HasPermission(REPORTS),
            HasPermission(LOADS) & Passes & HasPermission(REPORTS),
            (HasPermission(LOADS) | Passes) & HasPermission(REPORTS),
            ~HasRole("org:admin") & HasPermission(REPORTS),
        ],
    )
    def test_refuses_as_its_side_does_where_both_must_hold(
        self, permission: Any, ask: Any, dispatcher: Headers
    ) -> None:
        response = ask(view(permission), dispatcher)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["message"] == f"This needs the permission '{REPORTS}'."
        assert ask(view(permission)).status_code in (401, 403)

    @pytest.mark.parametrize(
        "permission",
        [
            HasPermission(REPORTS) | Fails,
            Fails | HasPermission(REPORTS),
            HasPermission(REPORTS) | HasRole("org:admin"),
            ~HasPermission(LOADS),
            HasPermission(LOADS) & Fails,
            (HasPermission(REPORTS) | Passes) & Fails,
            (Passes & Passes) & ~HasPermission(LOADS),
        ],
    )
    def test_refuses_as_rest_framework_does_elsewhere(
        self, permission: Any, ask: Any, dispatcher: Headers
    ) -> None:
        response = ask(view(permission), dispatcher)
        assert response.status_code == 403
        assert list(response.json()) == ["detail"]

    def test_refuses_nobody_with_a_401(self, ask: Any) -> None:
        response = ask(view(HasPermission(LOADS) | HasRole("org:admin")))
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")

    def test_holds_for_objects(self, ask: Any, dispatcher: Headers) -> None:
        class OnlyInTheObject(Passes):
            def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
                return False

        asked = view(OnlyInTheObject | HasPermission(REPORTS), answer=_of_an_object)
        assert ask(asked, dispatcher).status_code == 403
        asked = view(HasPermission(LOADS) & OnlyInTheObject, answer=_of_an_object)
        assert ask(asked, dispatcher).status_code == 403

    def test_compares_as_rest_frameworks_own(self) -> None:
        one, other = HasPermission(LOADS), HasRole("org:admin")
        assert one | other == one | other
        assert len({one & other, one & other, one | other}) == 2


def _of_an_object(request: Any) -> str:
    request.parser_context["view"].check_object_permissions(request, object())
    return "fine"


class TestWriting:
    def test_gives_a_class_a_name_that_tells(self) -> None:
        made = HasPermission("org:teams:manage")
        assert issubclass(made, of_drf.BasePermission)
        assert made.__name__ == "HasPermission('org:teams:manage')"
        assert Protect(role="org:admin").__name__ == "Protect(role='org:admin')"

    @pytest.mark.parametrize("permission", [HasPermission, HasRole, HasFeature, HasPlan])
    def test_without_what_is_required_opens_nothing(
        self, permission: Any, ask: Any, dispatcher: Headers
    ) -> None:
        for wanted in (permission, permission | IsSignedIn, Passes | permission):
            with pytest.raises(ConfigurationError, match=rf"write {permission.__name__}\('"):
                ask(view(wanted), dispatcher)

    @pytest.mark.parametrize("permission", [HasReverification(), HasReverification("strict")])
    def test_may_leave_out_what_is_said_anyway(
        self, permission: Any, ask: Any, signed_in: Callable[..., Headers]
    ) -> None:
        asked = view(permission, answer=lambda _: "fine")
        assert ask(asked, signed_in()).json() == "fine"
        assert ask(asked, signed_in(fva=(20, -1))).status_code == 403
        assert ask(asked).status_code == 401

    @pytest.mark.parametrize("permission", [HasReverification, Protect])
    def test_without_a_call_opens_nothing(self, permission: Any, ask: Any, dispatcher: Headers) -> None:
        with pytest.raises(ConfigurationError, match="with parentheses"):
            ask(view(permission), dispatcher)

    @pytest.mark.parametrize(
        "write",
        [
            lambda: HasPermission(None),  # type: ignore[arg-type]
            lambda: HasPermission(""),
            lambda: HasRole(1),  # type: ignore[arg-type]
            lambda: HasReverification("often"),  # type: ignore[arg-type]
            lambda: Protect("org:admin"),  # type: ignore[arg-type]
            lambda: Protect(role=None),
        ],
    )
    def test_what_is_malformed_fails_there(self, write: Callable[[], Any]) -> None:
        with pytest.raises(ConfigurationError):
            write()

    def test_can_go_into_the_settings(self, ask: Any, settings: Any) -> None:
        settings.REST_FRAMEWORK = {
            **settings.REST_FRAMEWORK,
            "DEFAULT_PERMISSION_CLASSES": ["clerk_middleware_django.drf.IsSignedIn"],
        }
        from rest_framework.settings import api_settings

        assert list(api_settings.DEFAULT_PERMISSION_CLASSES) == [IsSignedIn]

    def test_can_be_refined_in_a_class_of_ones_own(
        self, ask: Any, dispatcher: Headers, admin: Headers
    ) -> None:
        class MayWrite(HasPermission(LOADS)):  # type: ignore[misc]
            message = "Dispatchers write here."

            def has_permission(self, request: Any, view: Any) -> bool:
                return request.method == "GET" or super().has_permission(request, view)

        asked = view(MayWrite, answer=lambda _: "fine")
        assert ask(asked, admin).json() == "fine"
        assert ask(asked, dispatcher, "POST").json() == "fine"
        assert ask(asked, admin, "POST").json() == {"detail": "Dispatchers write here."}


class TestOtherWaysToAuthenticate:
    def test_meet_no_requirement_of_clerks(self, ask: Any, db: None) -> None:
        get_user_model().objects.create_superuser("ann", password="pass")
        asked = view(IsSignedIn, authenticators=[ClerkAuthentication, BasicAuthentication])
        response = ask(asked, basic())
        assert response.status_code == 401
        asked = view(
            IsSignedIn | of_drf.IsAdminUser,
            authenticators=[ClerkAuthentication, BasicAuthentication],
            answer=lambda request: str(request.user),
        )
        assert ask(asked, basic()).json() == "ann"

    def test_that_come_first_decide_who_it_is(self, ask: Any, cookies: Headers, db: None) -> None:
        get_user_model().objects.create_user("ann", password="pass")
        asked = view(IsSignedIn, authenticators=[BasicAuthentication, ClerkAuthentication])
        assert ask(asked, cookies | basic()).status_code == 401
        assert ask(asked, cookies).status_code == 200

    def test_must_not_take_the_user_that_clerk_found(self, ask: Any, dispatcher: Headers, db: None) -> None:
        ClerkIdentity.objects.create(
            user=get_user_model().objects.create_user("ann"), clerk_user_id="user_dev"
        )
        asked = view(IsSignedIn, authenticators=[SessionAuthentication, ClerkAuthentication])
        with pytest.raises(
            ConfigurationError, match="SessionAuthentication comes before ClerkAuthentication"
        ):
            ask(asked, dispatcher)

    def test_may_be_derived(self, ask: Any, dispatcher: Headers) -> None:
        class Named(ClerkAuthentication):
            def authenticate(self, request: Any) -> Any:
                found = super().authenticate(request)
                return ("somebody", found[1]) if found is not None else None

        assert (
            ask(view(HasPermission(LOADS), authenticators=[Named]), dispatcher).json()["user"] == "somebody"
        )

    @pytest.mark.parametrize("user", [None, ClerkUser(SessionAuth.from_claims({"sub": "user_1"}, "t"))])
    def test_may_be_a_tests_own(self, user: Any) -> None:
        auth = SessionAuth.from_claims({"sub": "user_1", "org_permissions": [LOADS], "org_id": "org_1"}, "t")
        request = APIRequestFactory().get("/")
        force_authenticate(request, user, token=auth)  # type: ignore[arg-type]
        assert view(HasPermission(LOADS), answer=lambda _: "fine")(request).data == "fine"
        assert view(HasPermission(REPORTS))(request).status_code == 403

    @pytest.mark.parametrize("token", [None, "a token", object()])
    def test_of_a_test_may_tell_of_no_session(self, token: Any) -> None:
        request = APIRequestFactory().get("/")
        force_authenticate(request, get_user_model()(username="ann"), token=token)
        assert view(HasPermission(LOADS))(request).status_code == 401


class TestLoginRequired:
    """A project that lets in none but active local users."""

    @pytest.fixture(autouse=True)
    def _required(self, settings: Any) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]

    def test_refuses_who_is_none(self, ask: Any, dispatcher: Headers, db: None) -> None:
        response = ask(view(HasPermission(LOADS)), dispatcher)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["message"] == "You have no active account here."

    def test_refuses_nobody_as_elsewhere(self, ask: Any) -> None:
        assert ask(view(HasPermission(LOADS))).status_code == 401

    def test_lets_in_who_is_one(self, ask: Any, dispatcher: Headers, db: None) -> None:
        user = get_user_model().objects.create_user("ann")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
        assert ask(view(HasPermission(LOADS)), dispatcher).json()["user"] == "ann"


class TestAroundIt:
    @pytest.mark.usefixtures("without_users")
    def test_the_browsable_api_shows_who_is_signed_in(self, ask: Any, dispatcher: Headers) -> None:
        asked = view(HasPermission(LOADS) & ~HasPermission(REPORTS), renderer_classes=[BrowsableAPIRenderer])
        response = ask(asked, dispatcher)
        assert response.status_code == 200
        assert b"user_dev" in response.content

    @pytest.mark.usefixtures("without_users")
    def test_users_are_throttled_each(self, ask: Any, dispatcher: Headers, admin: Headers) -> None:
        class Once(UserRateThrottle):
            rate = "1/day"

        cache.clear()
        asked = view(IsSignedIn, throttle_classes=[Once])
        assert [ask(asked, headers).status_code for headers in (dispatcher, admin, dispatcher)] == [
            200,
            200,
            429,
        ]

    def test_a_cache_keeps_no_page_for_others(self, ask: Any, cookies: Headers, admin: Headers) -> None:
        cache.clear()

        @method_decorator(cache_page(60), name="dispatch")
        class Cached(Who):
            permission_classes = [HasPermission(LOADS)]

            def answer(self, request: Any) -> Any:
                return request.auth.user_id

        assert ask(Cached.as_view(), cookies).json() == "user_dev"
        assert ask(Cached.as_view(), admin).status_code == 403
        assert ask(Cached.as_view()).status_code == 401
        response = ask(Cached.as_view(), cookies)
        assert response.json() == "user_dev"
        assert {"Authorization", "Cookie"} <= {name.strip() for name in response.headers["vary"].split(",")}

    def test_a_cache_works_without_other_headers_too(self, ask: Any, dispatcher: Headers) -> None:
        asked = view(default_response_headers={}, answer=lambda _: "fine")
        assert "Authorization" in ask(asked, dispatcher).headers["vary"]

    def test_authenticating_needs_no_view(self, dispatcher: Headers, ask: Any, clerk_settings: Any) -> None:
        from django.http import HttpResponse
        from rest_framework.request import Request

        def page(request: Any) -> HttpResponse:
            return HttpResponse(Request(request, authenticators=[ClerkAuthentication()]).auth.user_id)

        assert ask(page, dispatcher).content == b"user_dev"


class TestClerkUser:
    @pytest.fixture
    def user(self) -> ClerkUser:
        claims = {"sub": "user_1", "org_id": "org_1", "org_permissions": [LOADS]}
        return ClerkUser(SessionAuth.from_claims(claims, "token"))

    def test_is_signed_in_and_no_more(self, user: ClerkUser) -> None:
        assert (user.is_authenticated, user.is_active, user.is_anonymous) == (True, True, False)
        assert [user.is_staff, user.is_superuser, user.has_module_perms("auth")] == [False] * 3
        assert [user.id, user.pk, user.username, user.get_username(), str(user)] == ["user_1"] * 5
        assert repr(user) == "<ClerkUser user_1>"

    def test_has_the_permissions_of_the_session(self, user: ClerkUser) -> None:
        assert user.has_perm(LOADS)
        assert user.has_perms([LOADS])
        assert not user.has_perm(LOADS, object())
        assert not user.has_perms([LOADS, REPORTS])

    def test_leaves_them_behind_with_the_request(self, user: ClerkUser) -> None:
        kept = pickle.loads(pickle.dumps(user))  # noqa: S301
        assert kept == user
        assert not kept.has_perm(LOADS)
        assert b"token" not in pickle.dumps(user)

    def test_is_the_same_by_its_id(self, user: ClerkUser) -> None:
        again = ClerkUser(SessionAuth.from_claims({"sub": "user_1"}, "t"))
        other = ClerkUser(SessionAuth.from_claims({"sub": "user_2"}, "t"))
        assert {user, again, other} == {user, other}
        assert user != "user_1"
