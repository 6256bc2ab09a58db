"""`ClerkClient` and `AsyncClerkClient`, as a project's tests use them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import SimpleTestCase, TestCase
from django.urls import path
from rest_framework.test import APIClient

from clerk_middleware import ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware_django import get_auth, require_permission, require_reverification
from clerk_middleware_django.requests import state_of
from clerk_middleware_django.test import AsyncClerkClient, ClerkClient

from .conftest import SITE

Settings = Callable[..., None]


def who(request: HttpRequest) -> HttpResponse:
    auth, state = get_auth(request), state_of(request)
    assert state is not None
    return JsonResponse(
        {
            "user_id": auth.user_id,
            "session_id": auth.session_id,
            "org": [auth.org_id, auth.org_slug, auth.org_role],
            "permissions": auth.org_permissions,
            "claims": auth.session_claims,
            "carrier": state.token_carrier if state.is_authenticated else None,
            "reason": state.reason,
        }
    )


def local_user(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    return JsonResponse({name: getattr(user, name, "") for name in ("email", "first_name", "last_name")})


def sign_out(request: HttpRequest) -> HttpResponse:
    response = HttpResponse()
    for name in request.COOKIES:
        response.delete_cookie(name)
    return response


def end_session(request: HttpRequest) -> HttpResponse:
    response = HttpResponse()
    for name in request.COOKIES:
        if name.startswith("__session"):
            response.delete_cookie(name)
    return response


@require_permission("org:teams:manage")
def teams(request: HttpRequest) -> HttpResponse:
    return HttpResponse("teams")


@require_reverification("strict")
def danger(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


urlpatterns = [
    path("", who),
    path("user", local_user),
    path("sign-out", sign_out),
    path("end-session", end_session),
    path("teams", teams),
    path("danger", danger),
]


class Browser:
    """One of the clients, with requests that need not be awaited."""

    def __init__(self, client: ClerkClient | AsyncClerkClient) -> None:
        self.client = client
        self.login = client.clerk_login

    def send(self, path: str = "/", method: str = "GET", **options: Any) -> Any:
        client = self.client
        if isinstance(client, ClerkClient):
            return client.generic(method, path, **options)

        async def ask() -> Any:
            return await client.generic(method, path, **options)

        return async_to_sync(ask)()

    def who(self, **options: Any) -> dict[str, Any]:
        response = self.send(**options)
        assert response.status_code == 200
        known: dict[str, Any] = response.json()
        return known


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture(params=[ClerkClient, AsyncClerkClient])
def open_browser(request: pytest.FixtureRequest) -> Callable[..., Browser]:
    return lambda **options: Browser(request.param(**options))


@pytest.fixture
def browser(open_browser: Callable[..., Browser]) -> Browser:
    return open_browser()


def test_nobody_is_signed_in_at_first(browser: Browser) -> None:
    assert browser.who()["user_id"] is None
    assert not browser.client.cookies


def test_a_user_is_signed_in_by_cookies(browser: Browser) -> None:
    browser.login("user_ann")
    assert {name.rpartition("_")[0] for name in browser.client.cookies} >= {"_", "__session", "__client_uat"}
    known = browser.who()
    assert (known["user_id"], known["session_id"], known["carrier"]) == ("user_ann", "sess_ann", "cookie")
    assert "email" not in known["claims"]


def test_a_user_is_signed_in_by_the_header(browser: Browser) -> None:
    browser.login(header=True)
    assert not browser.client.cookies
    assert (browser.who()["user_id"], browser.who()["carrier"]) == ("user_test", "header")


def test_what_the_user_may_do(browser: Browser) -> None:
    assert browser.send("/teams").status_code == 401
    browser.login(permissions=["org:teams:read"])
    assert browser.send("/teams").status_code == 403
    browser.login(
        org_id="org_acme",
        org_slug="acme",
        org_role="org:admin",
        permissions=iter(["org:teams:manage"]),
        features=["user:export"],
        plan="pro",
        actor="user_support",
        claims={"theme": "dark"},
    )
    for _ in range(2):
        assert browser.send("/teams").content == b"teams"
    known = browser.who()
    assert known["org"] == ["org_acme", "acme", "org:admin"]
    assert known["permissions"] == ["org:teams:manage"]
    assert known["claims"]["fea"] == "o:teams,u:export"
    assert known["claims"]["pla"] == "o:pro"
    assert known["claims"]["act"] == {"sub": "user_support"}
    assert known["claims"]["theme"] == "dark"


def test_how_long_ago_the_user_was_verified(browser: Browser) -> None:
    browser.login(fva=(11, -1))
    assert browser.send("/danger").status_code == 403
    browser.login()
    assert browser.send("/danger").status_code == 200


@pytest.mark.parametrize("given", [{}, {"PROTECTED_ROUTES": ["/teams"]}])
def test_a_project_without_keys_is_tested(
    browser: Browser, settings: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    monkeypatch.delenv("CLERK_SECRET_KEY", raising=False)
    settings.CLERK = given
    assert browser.who()["user_id"] is None
    browser.login("user_ann")
    assert browser.who()["claims"]["azp"] == "http://testserver"


def test_a_project_without_any_setting_is_tested(browser: Browser, settings: Any) -> None:
    del settings.CLERK
    browser.login("user_ann")
    assert browser.who()["user_id"] == "user_ann"


def test_the_real_keys_are_out_of_use(browser: Browser, clerk: LocalClerk) -> None:
    token = clerk.issue_session_token("user_dev", azp=SITE)
    assert browser.who(headers={"authorization": f"Bearer {token}"})["user_id"] is None


def test_all_else_is_as_the_settings_say(browser: Browser, clerk_settings: Settings) -> None:
    clerk_settings(AUTHORIZED_PARTIES=["https://one.example", "https://two.example"], SIGN_IN_URL="/sign-in")
    browser.login()
    assert browser.who()["claims"]["azp"] == "https://one.example"
    browser.client.clerk_logout()
    assert browser.send("/?x=1").status_code == 200
    clerk_settings(PROTECTED_ROUTES=["/"])  # seen by a client that is in use, too
    assert browser.send().status_code == 401
    browser.login()
    assert browser.send().status_code == 200


def test_who_is_signed_out_is_sent_to_sign_in(browser: Browser) -> None:
    response = browser.send("/teams", headers={"accept": "text/html"})
    assert response.status_code == 307
    assert response["location"] == (
        "https://accounts.example.test/sign-in?redirect_url=http%3A%2F%2Ftestserver%2Fteams"
    )


def config_for(request: ClerkRequest) -> ClerkConfig:
    host = request.url.hostname
    return ClerkConfig(secret_key=f"sk_test_{host.partition('.')[0]}", authorized_parties=[f"https://{host}"])


@pytest.mark.parametrize(
    "config",
    [config_for, f"{__name__}.config_for", ClerkConfig(secret_key="sk_test_real", audience="api")],
    ids=["function", "path", "config"],
)
@pytest.mark.parametrize("header", [False, True])
def test_a_project_with_several_instances_is_tested(
    browser: Browser, settings: Any, config: object, header: bool
) -> None:
    settings.CLERK = {"CONFIG": config}
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    settings.USE_X_FORWARDED_HOST = True  # Django's asynchronous client knows one host alone
    browser.login("user_ann", header=header)
    for host in settings.ALLOWED_HOSTS:
        known = browser.who(headers={"x-forwarded-host": host})
        origin = "http://testserver" if isinstance(config, ClerkConfig) else f"https://{host}"
        assert (known["user_id"], known["claims"]["azp"]) == ("user_ann", origin)
    assert browser.send(headers={"x-forwarded-host": "three.example"}).status_code == 400


@pytest.mark.parametrize("header", [False, True])
def test_a_login_outlives_its_first_token(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, header: bool
) -> None:
    browser.login("user_ann", header=header)
    first = browser.who()
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    second = browser.who()
    assert second["user_id"] == "user_ann"
    assert second["claims"]["iat"] > first["claims"]["iat"] + 3500
    assert second["session_id"] == first["session_id"]


@pytest.mark.parametrize("header", [False, True])
def test_signing_out(browser: Browser, header: bool) -> None:
    browser.client.clerk_logout()  # of nobody
    browser.client.cookies["theme"] = "dark"
    browser.login(header=header)
    browser.client.clerk_logout()
    assert browser.who()["user_id"] is None
    assert list(browser.client.cookies) == ["theme"]


@pytest.mark.django_db
@pytest.mark.parametrize("header", [False, True])
def test_djangos_own_logout_signs_out(browser: Browser, header: bool) -> None:
    browser.login(header=header)
    if isinstance(browser.client, ClerkClient):
        browser.client.logout()
    else:
        async_to_sync(browser.client.alogout)()
    assert browser.who()["user_id"] is None


@pytest.mark.parametrize("path", ["/sign-out", "/end-session"])
def test_an_application_signs_out(browser: Browser, path: str) -> None:
    browser.login()
    browser.send(path)
    assert browser.send(headers={"accept": "text/html"}).status_code == 200  # and no handshake
    assert browser.who()["user_id"] is None
    browser.login("user_bob")
    assert browser.who()["user_id"] == "user_bob"


def test_another_login_takes_the_place_of_the_first(browser: Browser) -> None:
    browser.login("user_ann")
    browser.login("user_bob", header=True)
    assert not browser.client.cookies
    assert browser.who()["user_id"] == "user_bob"
    browser.login("user_cat")
    assert (browser.who()["user_id"], browser.who()["carrier"]) == ("user_cat", "cookie")


def test_a_login_that_cannot_be_leaves_the_first(browser: Browser) -> None:
    browser.login("user_ann")
    with pytest.raises(ConfigurationError, match=r"permissions: .*called org:FEATURE:NAME"):
        browser.login("user_bob", permissions=["teams:manage"])
    with pytest.raises(ConfigurationError, match=r"must be a list: write \['org:teams:manage'\]"):
        browser.login("user_bob", permissions="org:teams:manage")
    assert browser.who()["user_id"] == "user_ann"


def test_a_header_of_ones_own_goes_before(open_browser: Callable[..., Browser]) -> None:
    own = {"authorization": "Bearer nonsense"}
    for browser in (open_browser(), open_browser(headers=own)):
        browser.login(header=True)
        known = browser.who(headers=own) if browser.client.headers is None else browser.who()
        assert (known["user_id"], known["reason"]) == (None, "token-invalid")


def test_csrf_is_checked_where_it_is_wanted(open_browser: Callable[..., Browser]) -> None:
    for enforced, header, status in (
        (False, False, 200),
        (True, False, 403),
        (True, True, 200),
    ):
        browser = open_browser(enforce_csrf_checks=enforced)
        browser.login(header=header)
        assert browser.send("/", "POST").status_code == status


@pytest.mark.django_db
def test_a_local_user_is_created(browser: Browser, clerk_settings: Settings) -> None:
    clerk_settings(CREATE_USERS=True)
    browser.login("user_ann", email="ann@example.com", first_name="Ann", last_name="Lee")
    created = browser.send("/user").json()
    assert created == {"email": "ann@example.com", "first_name": "Ann", "last_name": "Lee"}
    claims = browser.who()["claims"]
    assert (claims["email"], claims["email_verified"]) == ("ann@example.com", True)


@pytest.mark.django_db
def test_a_local_user_is_created_of_whom_little_is_known(browser: Browser, clerk_settings: Settings) -> None:
    clerk_settings(CREATE_USERS=True)
    browser.login("user_ann", first_name="Ann")
    assert browser.send("/user").json()["first_name"] == "Ann"
    browser.login("user_bob", email="bob@example.com", email_verified=False)
    assert browser.send("/user").json()["email"] == ""
    assert User.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("verified", [True, False])
def test_a_local_user_is_linked_by_a_verified_address(
    browser: Browser, clerk_settings: Settings, verified: bool
) -> None:
    clerk_settings(LINK_BY_VERIFIED_EMAIL=True)
    browser.login("user_ann", email="ann@example.com", email_verified=verified)
    assert browser.send("/user").json()["email"] == ""
    User.objects.create_user("ann", "ann@example.com")
    browser.login("user_ann", email="ann@example.com", email_verified=verified)
    assert browser.send("/user").json()["email"] == ("ann@example.com" if verified else "")


@pytest.mark.django_db
def test_djangos_own_login_goes_on_working(browser: Browser, settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("ClerkUserMiddleware")]
    user = User.objects.create_user("ann", "ann@example.com")
    backend = "django.contrib.auth.backends.ModelBackend"
    if isinstance(browser.client, ClerkClient):
        browser.client.force_login(user, backend)
    else:
        async_to_sync(browser.client.aforce_login)(user, backend)
    browser.login("user_bob")
    assert browser.send("/user").json()["email"] == "ann@example.com"
    browser.client.clerk_logout()
    assert browser.send("/user").json()["email"] == "ann@example.com"


def test_redirects_are_followed_signed_in() -> None:
    client = ClerkClient()
    client.clerk_login("user_ann")
    assert client.get("/", follow=True).json()["user_id"] == "user_ann"


def test_clients_of_several_threads(settings: Any) -> None:
    given = settings.CLERK

    def ask(number: int) -> str:
        client = ClerkClient()
        client.clerk_login(f"user_{number}", header=number % 2 == 0)
        return str(client.get("/").json()["user_id"])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(32))) == [f"user_{number}" for number in range(32)]
    assert settings.CLERK is given


def test_other_clients_of_djangos_are_extended() -> None:
    class ClerkAPIClient(ClerkClient, APIClient):  # type: ignore[misc]
        pass

    client = ClerkAPIClient()
    client.clerk_login("user_ann")
    assert client.post("/", {"a": 1}, format="json").json()["user_id"] == "user_ann"


class ClientOfATestCase(SimpleTestCase):
    client_class = ClerkClient
    client: ClerkClient
    async_client_class = AsyncClerkClient
    async_client: AsyncClerkClient

    def test_the_client(self) -> None:
        self.client.clerk_login("user_ann", permissions=["org:teams:manage"])
        self.assertContains(self.client.get("/teams"), "teams")

    async def test_the_asynchronous_client(self) -> None:
        self.async_client.clerk_login("user_ann", permissions=["org:teams:manage"])
        self.assertContains(await self.async_client.get("/teams"), "teams")


class ClientOfATestCaseWithADatabase(TestCase):
    client_class = ClerkClient
    client: ClerkClient

    def test_a_user_in_each_test(self) -> None:
        with self.settings(CLERK={"CREATE_USERS": True}):
            self.client.clerk_login("user_ann", email="ann@example.com")
            assert self.client.get("/user").json()["email"] == "ann@example.com"
