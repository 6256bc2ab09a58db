"""The decorators: on functions, on classes by `method_decorator`, and what they answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django_project.wire import Received

import clerk_middleware_django
from clerk_middleware import ConfigurationError
from clerk_middleware_django import (
    get_session,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
)
from clerk_middleware_django.middleware import ClerkMiddleware

from ..answers import NOT_FOUND, UNAUTHORIZED, every_word, forbidden
from .conftest import SITE

Headers = dict[str, str]
Receive = Callable[..., Received]
Kind = Callable[[Any], Any]
SignedIn = Callable[..., Headers]


def page(request: HttpRequest, name: str = "page") -> HttpResponse:
    return HttpResponse(f"{name} of {get_session(request).user_id}")


class Forms:
    """The ways in which a view may be decorated; each takes the decorator and makes a view."""

    @staticmethod
    def function(decorator: Any) -> Any:
        return decorator(page)

    @staticmethod
    def async_function(decorator: Any) -> Any:
        @decorator
        async def apage(request: HttpRequest, name: str = "page") -> HttpResponse:
            return page(request, name)

        return apage

    @staticmethod
    def class_(decorator: Any) -> Any:
        @method_decorator(decorator, name="dispatch")
        class Page(View):
            def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return Page.as_view()

    @staticmethod
    def async_class(decorator: Any) -> Any:
        @method_decorator(decorator, name="dispatch")
        class Page(View):
            async def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return Page.as_view()

    @staticmethod
    def method(decorator: Any) -> Any:
        class Page(View):
            @decorator
            def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return Page.as_view()

    @staticmethod
    def async_method(decorator: Any) -> Any:
        class Page(View):
            @decorator
            async def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return Page.as_view()

    @staticmethod
    def method_by_djangos_decorator(decorator: Any) -> Any:
        class Page(View):
            @method_decorator(decorator)
            def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return Page.as_view()

    @staticmethod
    def async_method_by_djangos_decorator(decorator: Any) -> Any:
        class Page(View):
            @method_decorator(decorator)
            async def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return Page.as_view()

    @staticmethod
    def around_as_view(decorator: Any) -> Any:
        class Page(View):
            def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return decorator(Page.as_view())

    @staticmethod
    def around_async_as_view(decorator: Any) -> Any:
        class Page(View):
            async def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
                return page(request, **kwargs)

        return decorator(Page.as_view())


@pytest.fixture(params=[name for name in vars(Forms) if not name.startswith("__")])
def view_with(request: pytest.FixtureRequest) -> Any:
    return getattr(Forms, request.param)


@pytest.fixture
def get(receive: Receive, routes: Any) -> Callable[..., Received]:
    def ask(view: Any, headers: Headers | None = None, target: str = "/", **options: Any) -> Received:
        routes(path("", view), path("named/<name>", view))
        return receive(target, headers=headers or {}, **options)

    return ask


class TestEveryForm:
    def test_lets_in_who_is_allowed(self, view_with: Any, get: Any, dispatcher: Headers) -> None:
        response = get(view_with(require_permission("org:dispatcher:assign_drivers")), dispatcher)
        assert (response.status, response.body) == (200, b"page of user_dev")

    def test_passes_the_urls_parameters_on(self, view_with: Any, get: Any, dispatcher: Headers) -> None:
        response = get(view_with(require_auth), dispatcher, "/named/loads")
        assert response.body == b"loads of user_dev"

    def test_refuses_who_is_not_allowed(self, view_with: Any, get: Any, dispatcher: Headers) -> None:
        response = get(view_with(require_role("org:admin")), dispatcher)
        assert (response.status, response.json()) == (403, forbidden(role="org:admin"))

    def test_refuses_who_is_not_signed_in(self, view_with: Any, get: Any) -> None:
        response = get(view_with(require_auth))
        assert (response.status, response.json()) == (401, UNAUTHORIZED)

    def test_makes_a_view_of_the_same_kind(self, view_with: Any) -> None:
        plain = view_with(lambda view: view)
        assert iscoroutinefunction(view_with(require_auth)) == iscoroutinefunction(plain)

    def test_may_be_several(
        self, view_with: Any, get: Any, dispatcher: Headers, admin: Headers, signed_in: SignedIn
    ) -> None:
        def both(view: Any) -> Any:
            return require_reverification("strict")(require_role("org:admin")(view))

        assert get(view_with(both), admin).status == 200
        assert get(view_with(both), dispatcher).status == 403
        assert get(view_with(both), signed_in("user_ada", fva=(30, -1))).status == 403


class TestEveryWord:
    """Dev is a dispatcher of a company on the plan *pro*."""

    @pytest.mark.parametrize(("decorator", "body"), every_word(clerk_middleware_django))
    def test_is_checked(
        self, decorator: Any, body: Any, in_kind: Kind, get: Any, dispatcher: Headers
    ) -> None:
        response = get(decorator(in_kind(page)), dispatcher)
        if body is None:
            assert response.status == 200
        else:
            assert (response.status, response.json()) == (403, body)
            assert response.header("content-type") == "application/json"
            assert response.header("cache-control") == "no-store"
        assert get(decorator(in_kind(page))).status in (401, 404)

    def test_is_about_the_active_organization(self, get: Any, in_kind: Kind, signed_in: SignedIn) -> None:
        view = require_role("org:admin")(in_kind(page))
        assert get(view, signed_in("user_grace", organization="harbor-lines")).status == 200
        assert get(view, signed_in("user_grace", organization="blue-ridge-freight")).status == 403
        assert get(view, signed_in("user_sam")).status == 403

    def test_comes_from_nothing_that_a_client_says(
        self, get: Any, in_kind: Kind, dispatcher: Headers
    ) -> None:
        forged = dispatcher | {"x-clerk-role": "org:admin", "cookie": "role=org:admin"}
        assert get(require_role("org:admin")(in_kind(page)), forged, query=b"role=org:admin").status == 403


class TestReverification:
    def test_is_asked_for_as_clerks_frontend_reads_it(
        self, get: Any, in_kind: Kind, signed_in: SignedIn
    ) -> None:
        response = get(require_reverification("strict")(in_kind(page)), signed_in(fva=(11, -1)))
        assert response.status == 403
        wanted = {"level": "second_factor", "afterMinutes": 10}
        assert response.json() == {
            "clerk_error": {
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": {"reverification": wanted},
            }
        }

    def test_may_be_a_level_and_an_age(self, get: Any, in_kind: Kind, signed_in: SignedIn) -> None:
        view = require_reverification({"level": "first_factor", "after_minutes": 5})(in_kind(page))
        assert get(view, signed_in(fva=(4, -1))).status == 200
        response = get(view, signed_in(fva=(5, -1)))
        assert response.json()["clerk_error"]["metadata"] == {
            "reverification": {"level": "first_factor", "afterMinutes": 5}
        }

    def test_is_not_met_by_a_token_that_does_not_say(
        self, get: Any, in_kind: Kind, signed_in: SignedIn
    ) -> None:
        assert get(require_reverification()(in_kind(page)), signed_in(fva=None)).status == 403


class TestWhoIsNotSignedIn:
    def test_is_challenged(self, get: Any, in_kind: Kind) -> None:
        response = get(require_auth(in_kind(page)))
        assert response.status == 401
        assert response.header("www-authenticate") == "Bearer"
        assert response.header("content-type") == "application/json"
        assert response.header("cache-control") == "no-store"
        assert response.header("vary") == "Authorization, Cookie"

    def test_is_sent_to_sign_in_if_it_is_a_browser(
        self, get: Any, in_kind: Kind, navigation: Headers
    ) -> None:
        response = get(require_auth(in_kind(page)), navigation, "/named/loads", query=b"page=2&x=%C3%A4")
        assert (response.status, response.body) == (307, b"")
        target = urlsplit(response.header("location"))
        assert target.hostname is not None
        assert target.hostname.endswith("example.com")
        assert target.hostname != "app.example.com"
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/named/loads?page=2&x=%C3%A4"]
        assert response.header("cache-control") == "no-store"

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    def test_is_not_redirected_from_what_is_no_get(
        self, method: str, get: Any, in_kind: Kind, navigation: Headers
    ) -> None:
        # Exempt, so that it is not Django's CSRF check that refuses.
        view = csrf_exempt(require_auth(in_kind(page)))
        assert get(view, navigation, method=method).status == 401

    @pytest.mark.parametrize(
        ("token", "reason"),
        [
            ("a.b.c", "token-invalid"),
            ("expired", "session-token-expired-refresh-non-eligible-no-refresh-cookie"),
        ],
    )
    def test_learns_why_a_token_does_not_count(
        self, token: str, reason: str, get: Any, in_kind: Kind, signed_in: SignedIn
    ) -> None:
        headers = signed_in(issued_at=1_700_000_000, lifetime=60)
        if token != "expired":
            headers = {"authorization": f"Bearer {token}"}
        response = get(require_auth(in_kind(page)), headers)
        assert response.status == 401
        assert response.json()["clerk_error"]["reason"] == reason

    def test_is_who_presents_a_machines_token(
        self, get: Any, in_kind: Kind, machine: Headers, clerk_settings: Any
    ) -> None:
        clerk_settings(ACCEPTS_TOKEN="any")
        response = get(require_auth(in_kind(page)), machine)
        assert response.status == 401
        assert response.json()["clerk_error"]["reason"] == "token-type-mismatch"
        assert response.header("www-authenticate") == 'Bearer error="invalid_token"'
        assert get(protect()(in_kind(page)), machine).status == 401

    def test_is_who_has_tasks_to_do_first(self, get: Any, in_kind: Kind, signed_in: SignedIn) -> None:
        assert get(require_auth(in_kind(page)), signed_in(claims={"sts": "pending"})).status == 401


class TestProtect:
    """As Clerk's ``auth.protect()``: no page that one may not see exists."""

    def test_hides_the_page_from_who_is_not_allowed(
        self, get: Any, in_kind: Kind, dispatcher: Headers
    ) -> None:
        for decorator in (protect(role="org:admin"), protect(lambda auth: False)):
            response = get(decorator(in_kind(page)), dispatcher)
            assert (response.status, response.body) == (404, NOT_FOUND)

    def test_hides_it_from_an_api_client_without_a_session(self, get: Any, in_kind: Kind) -> None:
        response = get(protect()(in_kind(page)))
        assert (response.status, response.body) == (404, NOT_FOUND)

    def test_sends_a_browser_to_sign_in(self, get: Any, in_kind: Kind, navigation: Headers) -> None:
        response = get(protect()(in_kind(page)), navigation)
        assert response.status == 307
        assert "redirect_url" in response.header("location")

    def test_redirects_where_it_is_told_to(self, get: Any, in_kind: Kind, dispatcher: Headers) -> None:
        view = protect(role="org:admin", unauthorized_url="/no", unauthenticated_url="/in")(in_kind(page))
        refused, nobody = get(view, dispatcher), get(view)
        assert (refused.status, refused.header("location")) == (307, "/no")
        assert (nobody.status, nobody.header("location")) == (307, "/in")

    def test_asks_for_reverification_as_others_do(self, get: Any, in_kind: Kind, signed_in: SignedIn) -> None:
        view = protect(role="org:dispatcher", reverification="strict")(in_kind(page))
        response = get(view, signed_in(fva=(30, -1)))
        assert response.status == 403
        assert response.json()["clerk_error"]["reason"] == "reverification-error"

    def test_fails_with_a_condition_that_says_neither_yes_nor_no(
        self, get: Any, in_kind: Kind, dispatcher: Headers
    ) -> None:
        assert get(protect(lambda auth: auth.has)(in_kind(page)), dispatcher).status == 500


class TestAMistake:
    def test_is_to_decorate_a_class(self) -> None:
        with pytest.raises(
            ConfigurationError,
            match=r"put this very decorator into @method_decorator\(..., name='dispatch'\)",
        ):

            @require_auth
            class Page(View):
                pass

    @pytest.mark.parametrize("thing", ["org:admin", None, 7])
    def test_is_to_decorate_no_function(self, thing: Any) -> None:
        with pytest.raises(ConfigurationError, match="decorate functions"):
            require_role("org:admin")(thing)

    def test_is_to_decorate_a_view_of_rest_framework_from_outside(self) -> None:
        from rest_framework.decorators import api_view
        from rest_framework.views import APIView

        class Page(APIView):
            pass

        for view in (Page.as_view(), api_view(["GET"])(page)):
            with pytest.raises(ConfigurationError, match="REST framework: set permission_classes"):
                require_auth(view)

    def test_is_to_decorate_the_dispatch_of_one(self, get: Any, dispatcher: Headers) -> None:
        from rest_framework.views import APIView

        @method_decorator(require_auth, name="dispatch")
        class Page(APIView):
            def get(self, request: Any) -> HttpResponse:
                return HttpResponse("let in")

        with_cookie = get(Page.as_view(), dispatcher)
        assert with_cookie.status == 500
        assert b"let in" not in with_cookie.body

    def test_is_a_view_that_takes_no_request(self) -> None:
        @require_auth
        def view(number: int) -> None:
            raise AssertionError("must not run")

        with pytest.raises(ConfigurationError, match="must take the request as an argument"):
            view(7)

    @pytest.mark.parametrize(
        ("word", "value"),
        [
            (require_permission, None),
            (require_permission, ""),
            (require_permission, 7),
            (require_role, None),
            (require_feature, " "),
            (require_plan, ["pro"]),
            (require_reverification, "very strict"),
            (require_reverification, None),
        ],
    )
    def test_in_what_is_required_fails_where_it_is_written(self, word: Any, value: Any) -> None:
        with pytest.raises(ConfigurationError):
            word(value)

    def test_is_no_middleware(self, settings: Any, get: Any, dispatcher: Headers, in_kind: Kind) -> None:
        settings.MIDDLEWARE = []
        response = get(require_auth(in_kind(page)), dispatcher)
        assert response.status == 500
        assert b"page of" not in response.body


class TestTheView:
    def test_keeps_its_name_and_documentation(self) -> None:
        def teams(request: HttpRequest) -> HttpResponse:
            """All teams."""
            raise NotImplementedError

        decorated = require_auth(teams)
        assert (decorated.__name__, decorated.__doc__) == ("teams", "All teams.")
        assert inspect.signature(decorated) == inspect.signature(teams)

    def test_keeps_what_other_decorators_say_of_it(self) -> None:
        view: Any = require_auth(csrf_exempt(page))
        assert view.csrf_exempt
        assert not hasattr(require_auth(page), "csrf_exempt")

    def test_may_be_called_with_the_request_by_its_name(self, rf: Any, dispatcher: Headers) -> None:
        request = rf.get("/", headers=dispatcher)
        answer = ClerkMiddleware(lambda r: require_auth(page)(request=r, name="x"))(request)
        assert answer.content == b"x of user_dev"  # type: ignore[union-attr]

    def test_may_answer_in_a_frameworks_own_way(self, rf: Any, dispatcher: Headers) -> None:
        request = rf.get("/", headers=dispatcher)
        answered: list[Any] = []

        def outside(request: HttpRequest) -> HttpResponse:
            answered.append(require_auth(lambda request: {"what": "is rendered later"})(request))
            return HttpResponse()

        ClerkMiddleware(outside)(request)
        assert answered == [{"what": "is rendered later"}]

    def test_sees_a_refusal_of_its_inner_decorator_only_where_it_is_let_through(
        self, get: Any, dispatcher: Headers, in_kind: Kind
    ) -> None:
        seen: list[str] = []

        def noting(view: Any) -> Any:
            def noted(request: HttpRequest) -> Any:
                seen.append("inside")
                return view(request)

            return noted

        assert get(require_role("org:admin")(noting(page)), dispatcher).status == 403
        assert seen == []
