"""The mixins for class-based views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView
from django_project.wire import Received

from clerk_middleware import ConfigurationError
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement
from clerk_middleware_django import (
    ClerkAuthRequiredMixin,
    ClerkFeatureRequiredMixin,
    ClerkPermissionRequiredMixin,
    ClerkPlanRequiredMixin,
    ClerkReverificationRequiredMixin,
    ClerkRoleRequiredMixin,
    get_session,
)

Headers = dict[str, str]


class Page(View):
    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return HttpResponse(f"{kwargs.get('name', 'page')} of {get_session(request).user_id}")


class AsyncPage(View):
    async def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return HttpResponse(f"{kwargs.get('name', 'page')} of {get_session(request).user_id}")


@pytest.fixture(params=[Page, AsyncPage])
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def get(receive: Callable[..., Received], routes: Any) -> Callable[..., Received]:
    def ask(view: Any, headers: Headers | None = None, target: str = "/", **options: Any) -> Received:
        as_view = view.as_view() if isinstance(view, type) else view
        routes(path("", as_view), path("named/<name>", as_view))
        return receive(target, headers=headers or {}, **options)

    return ask


class TestTheView:
    def test_is_for_who_is_signed_in(self, base: Any, get: Any, dispatcher: Headers) -> None:
        view = type("Loads", (ClerkAuthRequiredMixin, base), {})
        assert get(view, dispatcher, "/named/loads").body == b"loads of user_dev"
        nobody = get(view)
        assert nobody.status == 401
        assert nobody.header("www-authenticate") == "Bearer"
        assert nobody.header("vary") == "Authorization, Cookie"

    @pytest.mark.parametrize(
        ("mixin", "name", "held", "lacked"),
        [
            (ClerkPermissionRequiredMixin, "permission", "org:dispatcher:assign_drivers", "org:teams:manage"),
            (ClerkRoleRequiredMixin, "role", "org:dispatcher", "org:admin"),
            (ClerkFeatureRequiredMixin, "feature", "org:dispatcher", "export"),
            (ClerkPlanRequiredMixin, "plan", "org:pro", "plus"),
        ],
    )
    def test_is_for_who_has_what_it_requires(
        self, mixin: Any, name: str, held: str, lacked: str, base: Any, get: Any, dispatcher: Headers
    ) -> None:
        assert get(type("A", (mixin, base), {f"clerk_{name}": held}), dispatcher).status == 200
        refused = get(type("B", (mixin, base), {f"clerk_{name}": lacked}), dispatcher)
        assert refused.status == 403
        assert refused.json()["clerk_error"] == {
            "type": "forbidden",
            "reason": "not-authorized",
            "message": f"This needs the {name} {lacked!r}.",
            "metadata": {"required": {name: lacked}},
        }

    def test_is_for_who_verified_lately(self, base: Any, get: Any, signed_in: Any) -> None:
        strict = type("A", (ClerkReverificationRequiredMixin, base), {})
        lax = type("B", (ClerkReverificationRequiredMixin, base), {"clerk_reverification": "lax"})
        own = {"level": "first_factor", "after_minutes": 3}
        exact = type("C", (ClerkReverificationRequiredMixin, base), {"clerk_reverification": own})
        assert [get(v, signed_in(fva=(0, -1))).status for v in (strict, lax, exact)] == [200, 200, 200]
        assert [get(v, signed_in(fva=(11, -1))).status for v in (strict, lax, exact)] == [403, 200, 403]
        answer = get(exact, signed_in(fva=(11, -1))).json()
        assert answer == {
            "clerk_error": {
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": {"reverification": {"level": "first_factor", "afterMinutes": 3}},
            }
        }

    def test_may_require_several_things(self, base: Any, get: Any, signed_in: Any) -> None:
        class Both(ClerkRoleRequiredMixin, ClerkReverificationRequiredMixin, base):
            clerk_role = "org:dispatcher"

        assert get(Both, signed_in(fva=(0, -1))).status == 200
        assert get(Both, signed_in(fva=(11, -1))).status == 403
        assert get(Both, signed_in("user_ada", fva=(0, -1))).json()["clerk_error"]["metadata"] == {
            "required": {"role": "org:dispatcher"}
        }

    def test_requires_what_a_parent_requires(self, base: Any, get: Any, dispatcher: Headers) -> None:
        class Admins(ClerkRoleRequiredMixin, base):
            clerk_role = "org:admin"

        class Reports(ClerkPermissionRequiredMixin, Admins):
            clerk_permission = "org:dispatcher:assign_drivers"

        assert (
            get(Reports, dispatcher).json()["clerk_error"]["metadata"] == {"required": {"role": "org:admin"}}
            or get(Reports, dispatcher).status == 403
        )

    def test_may_be_told_in_the_urls(self, base: Any, get: Any, dispatcher: Headers) -> None:
        view = type("A", (ClerkPermissionRequiredMixin, base), {})
        assert get(view.as_view(clerk_permission="org:dispatcher:assign_drivers"), dispatcher).status == 200
        assert get(view.as_view(clerk_permission="org:teams:manage"), dispatcher).status == 403

    def test_may_decide_by_the_request(self, base: Any, get: Any, dispatcher: Headers) -> None:
        class Named(ClerkAuthRequiredMixin, base):
            def get_clerk_requirement(self) -> Requirement:
                return Requirement(role=f"org:{self.kwargs.get('name', 'admin')}")

        assert get(Named, dispatcher, "/named/dispatcher").status == 200
        assert get(Named, dispatcher, "/named/driver").status == 403
        assert get(Named, dispatcher).status == 403

    def test_may_hide_itself(self, base: Any, get: Any, dispatcher: Headers) -> None:
        class Hidden(ClerkAuthRequiredMixin, base):
            def get_clerk_requirement(self) -> Requirement:
                return Protection(role="org:admin")

        assert get(Hidden, dispatcher).status == 404

    @pytest.mark.parametrize("method", ["POST", "OPTIONS", "TRACE", "BREW"])
    def test_is_protected_whatever_the_method(self, method: str, base: Any, get: Any) -> None:
        # Exempt, so that it is not Django's CSRF check that refuses.
        view = csrf_exempt(type("A", (ClerkAuthRequiredMixin, base), {}).as_view())
        assert get(view, method=method).status == 401

    def test_does_not_run_for_who_is_refused(self, base: Any, get: Any) -> None:
        ran: list[str] = []

        class Counting(ClerkAuthRequiredMixin, base):
            def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                ran.append(str(request.method))
                return super().http_method_not_allowed(request, *args, **kwargs)

        assert get(Counting, method="TRACE").status == 401
        assert ran == []

    def test_may_be_a_generic_one(self, get: Any, dispatcher: Headers) -> None:
        class Generic(ClerkAuthRequiredMixin, TemplateView):
            def render_to_response(self, context: Any, **options: Any) -> HttpResponse:
                return HttpResponse(context["name"])

        assert get(Generic, dispatcher, "/named/loads").body == b"loads"
        assert get(Generic, target="/named/loads").status == 401

    def test_says_that_it_depends_on_who_asks_for_caches_inside(
        self, base: Any, get: Any, dispatcher: Headers
    ) -> None:
        from django.views.decorators.cache import cache_page

        view = cache_page(60)(type("A", (ClerkAuthRequiredMixin, base), {}).as_view())
        assert get(view, dispatcher).header("vary").startswith("Authorization, Cookie")


class TestAMistake:
    """Fails where the class is written, or where the URLs are: never by letting everybody in."""

    def test_is_the_order_of_the_bases(self, base: Any) -> None:
        with pytest.raises(ConfigurationError) as raised:
            type("Loads", (base, ClerkAuthRequiredMixin), {})
        assert str(raised.value) == (
            "Loads would not be protected: name the mixin before the view's class, as in class "
            "Loads(ClerkAuthRequiredMixin, View)"
        )

    @pytest.mark.parametrize(
        ("mixin", "name"),
        [
            (ClerkPermissionRequiredMixin, "clerk_permission"),
            (ClerkRoleRequiredMixin, "clerk_role"),
            (ClerkFeatureRequiredMixin, "clerk_feature"),
            (ClerkPlanRequiredMixin, "clerk_plan"),
        ],
    )
    def test_is_to_leave_out_what_is_required(self, mixin: Any, name: str, base: Any) -> None:
        view = type("Loads", (mixin, base), {})
        with pytest.raises(ConfigurationError) as raised:
            view.as_view()
        assert str(raised.value) == (
            f"Loads is a {mixin.__name__}, but does not say what it requires: set {name}"
        )

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("clerk_permision", "clerk_permission"),
            ("clerk_permissions", "clerk_permission"),
            ("clerk_roles", "clerk_role"),
            ("clerk_perm", "clerk_permission"),
            ("clerk_required_scope", "clerk_scope"),
            ("clerk_required_scopes", "clerk_scope"),
            ("clerk_needs_scope", "clerk_scope"),
            ("clerk_tokens", "clerk_role"),
        ],
    )
    def test_in_an_attributes_name(self, name: str, nearest: str, base: Any) -> None:
        message = (
            f"{name} would require nothing: did you mean {nearest}? What begins with clerk_ is this mixin's, "
            "so choose another name for an attribute of your own"
        )
        with pytest.raises(ConfigurationError) as raised:
            type("Loads", (ClerkAuthRequiredMixin, base), {name: "org:teams:manage"})
        assert str(raised.value) == f"Loads.{message}"
        plain = type("Plain", (), {name: "org:teams:manage"})
        with pytest.raises(ConfigurationError) as raised:
            type("Loads", (ClerkAuthRequiredMixin, plain, base), {})
        assert str(raised.value) == f"Plain.{message}"

    def test_is_no_name_of_the_projects_own(self, base: Any) -> None:
        assert type("Loads", (ClerkAuthRequiredMixin, base), {"clerks": None, "_clerk_client": None})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("clerk_permission", ""),
            ("clerk_role", 7),
            ("clerk_plan", ["pro"]),
            ("clerk_reverification", "now"),
        ],
    )
    def test_in_what_is_required(self, name: str, value: Any, base: Any) -> None:
        view = type("Loads", (ClerkAuthRequiredMixin, base), {name: value})
        with pytest.raises(ConfigurationError):
            view.as_view()

    def test_is_to_set_reverification_to_none(self, base: Any) -> None:
        view = type("Loads", (ClerkReverificationRequiredMixin, base), {"clerk_reverification": None})
        with pytest.raises(ConfigurationError, match="set clerk_reverification"):
            view.as_view()

    def test_is_a_name_in_the_urls_that_there_is_none_of(self, base: Any) -> None:
        view = type("Loads", (ClerkAuthRequiredMixin, base), {})
        with pytest.raises(TypeError, match="clerk_rol"):
            view.as_view(clerk_rol="org:admin")

    def test_is_a_view_of_rest_framework(self) -> None:
        from rest_framework.views import APIView

        with pytest.raises(ConfigurationError, match="REST framework: set permission_classes"):
            type("Loads", (ClerkAuthRequiredMixin, APIView), {})

    def test_in_a_requirement_of_ones_own_lets_nobody_in(
        self, base: Any, get: Any, dispatcher: Headers
    ) -> None:
        class Forgotten(ClerkAuthRequiredMixin, base):
            def get_clerk_requirement(self) -> Any:
                return None

        response = get(Forgotten, dispatcher)
        assert response.status == 500
        assert b"user_dev" not in response.body
