"""What an audit found: each of these was possible once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View
from django.views.debug import ExceptionReporter

from clerk_middleware import ConfigurationError, NotAuthorized
from clerk_middleware.local import LocalClerk
from clerk_middleware_django import (
    ClerkAuthRequiredMixin,
    ClerkPermissionRequiredMixin,
    get_auth,
    require_auth,
)
from clerk_middleware_django.middleware import ClerkUserMiddleware
from clerk_middleware_django.models import ClerkIdentity
from clerk_middleware_django.profiles import ClerkProfile

from .conftest import SITE, Asked, Browse

Headers = dict[str, str]


@pytest.mark.parametrize("sid", ["sess_VICTIM", "..", "x was ended.\nCRITICAL:root:yours"])
def test_signing_out_ends_no_session_but_ones_own(
    sid: str, browse: Browse, routes: Any, clerk: LocalClerk, asked: Asked, clerk_settings: Any
) -> None:
    routes(path("clerk/", include("clerk_middleware_django.urls")))
    clerk_settings(API_URL=asked.url)
    old = clerk.issue_session_token("user_rosa", azp=SITE, issued_at=time.time() - 86400)
    forged = jwt.encode({"sid": sid, "iat": 1}, "no key of Clerk's, 32 bytes long!!", "HS256")
    headers = {"authorization": f"Bearer {old}", "cookie": f"__session={forged}; __client_uat=1"}
    browse("/clerk/sign-out/", "POST", headers)
    assert asked.paths == []


@pytest.mark.parametrize("prefix", ["/app/", "/app", "/assets/", "/"])
@pytest.mark.parametrize("option", ["PROTECTED_ROUTES", "PUBLIC_ROUTES"])
def test_routes_are_protected_wherever_the_project_is_mounted(
    option: str, prefix: str, receive: Any, routes: Any, clerk_settings: Any
) -> None:
    routes(path("admin/secret", lambda request: HttpResponse("secret")))
    clerk_settings(**{option: ["/admin(.*)"] if option == "PROTECTED_ROUTES" else ["/assets/(.*)"]})
    for target in ("/admin/secret", "//admin/secret"):
        answer = receive(target, root=prefix)
        assert answer.status in (401, 404)


class CanRead(ClerkPermissionRequiredMixin):
    clerk_permission = "org:admin:read"


class CanPay(ClerkPermissionRequiredMixin):
    clerk_permission = "org:admin:pay"


def test_two_mixins_of_a_kind_do_not_make_one_requirement() -> None:
    with pytest.raises(ConfigurationError, match="Pay would not require what CanPay does: CanRead sets"):
        type("Pay", (CanRead, CanPay, View), {})
    assert type("Pay", (CanRead, View), {"clerk_permission": "org:admin:pay"})
    assert type("Pay", (CanRead, CanPay, View), {"clerk_permission": "org:admin:pay"})


def test_a_dispatch_of_ones_own_leaves_the_view_to_djangos_middleware() -> None:
    class Own(ClerkAuthRequiredMixin, View):
        def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return HttpResponse("not checked by the mixin")

    assert getattr(Own.as_view(), "login_required", True)


def wrapped(get_response: Any) -> Any:
    return ClerkUserMiddleware(get_response)


@pytest.mark.django_db
def test_an_inactive_user_stays_out_whoever_made_the_middleware(
    browse: Browse, routes: Any, settings: Any, dispatcher: Headers
) -> None:
    user = User.objects.create_user("dev", is_active=False)
    ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
    named = "clerk_middleware_django.middleware.ClerkUserMiddleware"
    settings.MIDDLEWARE = [
        f"{__name__}.wrapped" if middleware == named else middleware for middleware in settings.MIDDLEWARE
    ] + ["django.contrib.auth.middleware.LoginRequiredMiddleware"]
    routes(path("", require_auth(lambda request: HttpResponse("in"))))
    assert browse("/", headers=dispatcher).status_code == 403


def test_error_reports_show_no_cookie_of_clerks(browse: Browse, routes: Any, cookies: Headers) -> None:
    reports: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        try:
            raise ValueError("broken")
        except ValueError as error:
            reporter = ExceptionReporter(request, ValueError, error, None, is_email=True)
            reports.extend((reporter.get_traceback_text(), reporter.get_traceback_html()))
        return HttpResponse()

    routes(path("", view))
    held = "__session=hunter1; __refresh_abc=hunter2; __clerk_db_jwt=hunter3; theme=dark"
    browse("/", headers={"cookie": held})
    assert len(reports) == 2
    for report in reports:
        assert "hunter" not in report
        assert "dark" in report


def test_a_projects_own_filter_of_error_reports_stays(
    browse: Browse, routes: Any, settings: Any, cookies: Headers
) -> None:
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = f"{__name__}.Own"
    routes(path("", lambda request: HttpResponse(str(hasattr(request, "exception_reporter_filter")))))
    response: Any = browse("/", headers=cookies)
    assert response.content == b"False"


@pytest.mark.parametrize("address", ["ann@example.com\x00", " ann@example.com", "ann@example.com\u200b"])
def test_an_address_is_never_repaired(address: str, clerk: LocalClerk) -> None:
    from clerk_middleware import SessionAuth

    auth = SessionAuth.from_claims({"sub": "user_1", "email": address, "email_verified": True}, token="t")
    assert ClerkProfile.of_claims(auth).email is None
    described = {
        "primary_email_address_id": "idn_1",
        "email_addresses": [
            {"id": "idn_1", "email_address": address, "verification": {"status": "verified"}}
        ],
    }
    assert ClerkProfile.of_backend(auth, described).email is None


@pytest.mark.parametrize("name", ["CREATE_USERS", "sk_live_abc"])
def test_a_key_in_the_wrong_place_is_not_shown(name: str, clerk_settings: Any, browse: Browse) -> None:
    clerk_settings(**{name: "sk_live_abc"})
    with pytest.raises(ConfigurationError) as raised:
        browse("/who")
    assert "sk_live_abc" not in str(raised.value)


@pytest.mark.django_db
def test_an_error_page_that_names_the_user_does_not_fail_where_clerk_is_down(
    browse: Browse,
    routes: Any,
    settings: Any,
    tmp_path: Any,
    asked: Asked,
    clerk_settings: Any,
    dispatcher: Headers,
) -> None:
    clerk_settings(CREATE_USERS=True, API_URL=asked.url)
    asked.clerk.fail("/users/*", 503, times=None)
    (tmp_path / "403.html").write_text("{{ user.username }} {{ user.is_authenticated }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    routes(path("", lambda request: HttpResponse(str(request.user.pk))))
    try:
        response: Any = browse("/", headers=dispatcher)
    finally:
        asked.clerk.recover()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_protect_without_its_call_fails_where_it_is_written() -> None:
    from clerk_middleware_django import protect

    with pytest.raises(ConfigurationError, match=r"write @protect\(\), with parentheses"):

        @protect
        def view(request: HttpRequest) -> HttpResponse:
            raise NotAuthorized(str(get_auth(request)))


def test_a_condition_may_be_any_callable() -> None:
    from clerk_middleware_django import protect

    allowed: Callable[..., bool] = bool
    assert protect(allowed)(lambda request: HttpResponse())
