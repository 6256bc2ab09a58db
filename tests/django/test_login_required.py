"""With Django's `LoginRequiredMiddleware`: views need an active local user, unless they say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from clerk_middleware_django import ClerkAuthRequiredMixin, protect, require_auth, require_role
from clerk_middleware_django.middleware import ClerkUserMiddleware
from clerk_middleware_django.models import ClerkIdentity

from .conftest import Asked, Browse

pytestmark = pytest.mark.django_db

Headers = dict[str, str]
Kind = Callable[[Any], Any]

LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


class Page(ClerkAuthRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


class AsyncPage(ClerkAuthRequiredMixin, View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


@method_decorator(require_auth, name="dispatch")
class DecoratedPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


@pytest.fixture(autouse=True)
def project(settings: Any, routes: Any, in_kind: Kind) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    settings.LOGIN_URL = "/login"
    view = in_kind(page)
    routes(
        path("plain", view),
        path("open", login_not_required(in_kind(lambda request: HttpResponse("open")))),
        path("decorated", require_auth(view)),
        path("role", require_role("org:dispatcher")(view)),
        path("protect", protect()(view)),
        path("mixin", Page.as_view()),
        path("async-mixin", AsyncPage.as_view()),
        path("class", DecoratedPage.as_view()),
        path("both", login_required(require_auth(page))),
    )


PROTECTED = ["/decorated", "/role", "/protect", "/mixin", "/async-mixin", "/class"]


@pytest.fixture
def dev() -> User:
    user = User.objects.create_user("dev")
    ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
    return user


@pytest.mark.parametrize("target", ["/plain", "/open", "/both", *PROTECTED])
def test_an_active_local_user_is_let_in(target: str, browse: Browse, dev: User, dispatcher: Headers) -> None:
    assert browse(target, headers=dispatcher).status_code == 200


def test_a_view_that_needs_no_login_is_open(browse: Browse) -> None:
    assert browse("/open").status_code == 200


def test_a_view_without_a_requirement_sends_to_djangos_login(browse: Browse) -> None:
    response: Any = browse("/plain")
    assert response.status_code == 302
    assert urlsplit(response.headers["Location"]).path == "/login"


@pytest.mark.parametrize("target", PROTECTED)
def test_an_api_client_gets_the_answer_of_the_requirement(target: str, browse: Browse) -> None:
    response: Any = browse(target)
    assert response.status_code == (404 if target == "/protect" else 401)
    if target != "/protect":
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("target", PROTECTED)
def test_a_browser_is_sent_to_clerks_sign_in(target: str, browse: Browse, navigation: Headers) -> None:
    response: Any = browse(target, headers=navigation)
    assert response.status_code == 307
    assert "redirect_url" in response.headers["Location"]


@pytest.mark.parametrize("who", ["unmapped", "inactive"])
@pytest.mark.parametrize("target", PROTECTED)
def test_who_has_no_active_account_here_is_turned_away(
    who: str, target: str, browse: Browse, dispatcher: Headers, request: pytest.FixtureRequest
) -> None:
    if who == "inactive":
        request.getfixturevalue("dev")
        User.objects.update(is_active=False)
    response: Any = browse(target, headers=dispatcher)
    assert response.status_code == 403
    assert b"page" not in response.content
    assert response.json()["clerk_error"]["message"] == "You have no active account here."


@pytest.mark.parametrize("target", ["/plain", "/both"])
def test_who_has_no_active_account_is_sent_to_djangos_login_elsewhere(
    target: str, browse: Browse, dispatcher: Headers
) -> None:
    assert browse(target, headers=dispatcher).status_code == 302


class OwnLoginRequired(LoginRequiredMiddleware):
    pass


class OwnUsers(ClerkUserMiddleware):
    pass


@pytest.mark.parametrize("target", PROTECTED)
def test_middleware_that_derives_from_both_counts_as_they_do(
    target: str, browse: Browse, dispatcher: Headers, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {
        LOGIN_REQUIRED: OwnLoginRequired,
        f"{ClerkUserMiddleware.__module__}.ClerkUserMiddleware": OwnUsers,
    }
    for name, middleware in own.items():
        monkeypatch.setattr(f"django_project.{middleware.__name__}", middleware, raising=False)
        settings.MIDDLEWARE = [
            f"django_project.{middleware.__name__}" if m == name else m for m in settings.MIDDLEWARE
        ]
    assert browse(target, headers=dispatcher).status_code == 403


@pytest.mark.parametrize("target", PROTECTED)
def test_without_it_a_clerk_user_needs_no_local_one(
    target: str, browse: Browse, dispatcher: Headers, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if m != LOGIN_REQUIRED]
    with django_assert_num_queries(0):
        assert browse(target, headers=dispatcher).status_code == 200


@pytest.mark.parametrize("target", ["/plain", *PROTECTED])
def test_a_user_whom_clerk_can_not_describe_now_is_not_let_in(
    target: str, browse: Browse, dispatcher: Headers, asked: Asked, clerk_settings: Any
) -> None:
    asked.clerk.fail("/users/*", status=500, times=None)
    clerk_settings(CREATE_USERS=True, API_URL=asked.url)
    response: Any = browse(target, headers=dispatcher)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
