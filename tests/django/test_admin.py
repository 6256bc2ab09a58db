"""Django's admin, for local users who are signed in at Clerk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_django.models import ClerkIdentity

from .conftest import Browse

Headers = dict[str, str]
BROWSER = {"sec-fetch-dest": "document"}
IDENTITIES = "/admin/clerk_middleware_django/clerkidentity/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "django_project.clerk_urls"


@pytest.fixture
def person() -> Any:
    """The local user of ``user_dev``."""
    user = get_user_model().objects.create_user("dev", email="dev@example.com")
    ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
    return user


@pytest.fixture
def superuser(person: Any) -> Any:
    person.is_staff = person.is_superuser = True
    person.save()
    return person


@pytest.fixture
def browser(cookies: Headers) -> Client:
    client = Client(headers=BROWSER)
    client.cookies.load(cookies["cookie"])
    return client


def get(browser: Client, path: str) -> Any:
    return browser.get(path, secure=True)


def post(browser: Client, path: str, data: dict[str, Any]) -> Any:
    return browser.post(path, data, secure=True)


class TestEntering:
    def test_is_for_staff(self, browse: Browse, cookies: Headers, superuser: Any) -> None:
        response: Any = browse("/admin/", headers={**BROWSER, **cookies})
        assert response.status_code == 200
        assert b"Clerk identities" in response.content

    @pytest.mark.parametrize("is_known", [True, False])
    def test_is_for_nobody_else_and_goes_in_no_circle(
        self, is_known: bool, browse: Browse, cookies: Headers, request: pytest.FixtureRequest
    ) -> None:
        if is_known:
            request.getfixturevalue("person")
        response: Any = browse("/admin/", headers={**BROWSER, **cookies})
        assert response["Location"] == "/admin/login/?next=/admin/"
        if is_known:  # on, but once
            again: Any = browse(response["Location"], headers={**BROWSER, **cookies})
            assert again["Location"] == "/admin/"
            sent_on = f"clerk_sent_on={again.cookies['clerk_sent_on'].value}"
            cookies = {"cookie": f"{sent_on}; {cookies['cookie']}"}
        assert browse(response["Location"], headers={**BROWSER, **cookies}).status_code == 403

    def test_is_not_for_an_administrator_of_an_organization(
        self, browser: Client, signed_in: Callable[..., Headers], person: Any
    ) -> None:
        ClerkIdentity.objects.update(clerk_user_id="user_ada")
        response = Client(headers={**BROWSER, **signed_in("user_ada")}).get("/admin/", secure=True)
        assert response.status_code == 302

    def test_leads_to_clerk_and_back(self, browse: Browse) -> None:
        response: Any = browse("/admin/auth/user/", headers=BROWSER)
        assert response["Location"] == "/admin/login/?next=/admin/auth/user/"
        response = browse(response["Location"], headers=BROWSER)
        assert response["Location"] == (
            "https://accounts.example.com/sign-in?redirect_url=https%3A%2F%2Ftestserver%2Fadmin%2Fauth%2Fuser%2F"
        )

    def test_by_password_is_not_offered(self, browser: Client, superuser: Any) -> None:
        form = {"username": "dev", "password": "x"}
        assert post(Client(headers=BROWSER), "/admin/login/", form).status_code == 405

    def test_logging_out_signs_out_of_clerk(
        self, clerk: LocalClerk, backend_api: LocalServer, clerk_settings: Any, superuser: Any
    ) -> None:
        clerk_settings(API_URL=backend_api.url)
        session = clerk.sign_in("user_dev")
        token = clerk.session_token(session, azp="https://app.example.com")
        client = Client(headers={**BROWSER, "authorization": f"Bearer {token}"})
        assert b'action="/admin/logout/"' in get(client, "/admin/").content
        assert post(client, "/admin/logout/", {})["Location"] == "/"
        assert session.closed == "revoked"


class TestIdentities:
    def test_are_shown(self, browser: Client, superuser: Any) -> None:
        page = get(browser, IDENTITIES).content.decode()
        assert "user_dev" in page
        assert "Add Clerk identity" not in page
        assert "delete_selected" not in page
        identity = ClerkIdentity.objects.get()
        page = get(browser, f"{IDENTITIES}{identity.pk}/change/").content.decode()
        assert "View Clerk identity" in page
        assert 'name="clerk_user_id"' not in page
        assert 'name="_save"' not in page

    def test_are_found(self, browser: Client, superuser: Any) -> None:
        other = get_user_model().objects.create_user("rosa", email="rosa@example.com")
        ClerkIdentity.objects.create(user=other, clerk_user_id="user_rosa_of_clerk")
        for wanted in ("user_rosa", "rosa@EXAMPLE", "ROSA"):
            page = get(browser, f"{IDENTITIES}?q={wanted}").content.decode()
            assert "user_rosa_of_clerk" in page
            assert "user_dev" not in page

    def test_are_found_by_what_users_of_another_model_are_known_by(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = get_user_model()
        registered = site._registry[ClerkIdentity]
        request = RequestFactory().get("/")
        assert list(registered.get_search_fields(request)) == [
            "clerk_user_id",
            "user__username",
            "user__email",
        ]
        monkeypatch.setattr(model, "USERNAME_FIELD", "id")  # no text
        monkeypatch.setattr(model, "EMAIL_FIELD", "nothing")
        assert list(registered.get_search_fields(request)) == ["clerk_user_id"]

    def test_are_never_edited(self, browser: Client, superuser: Any) -> None:
        other = get_user_model().objects.create_user("rosa")
        identity = ClerkIdentity.objects.get()
        form = {"user": other.pk, "clerk_user_id": "user_mallory", "instance": ""}
        assert post(browser, f"{IDENTITIES}{identity.pk}/change/", form).status_code == 403
        assert post(browser, f"{IDENTITIES}add/", form).status_code == 403
        assert post(browser, f"{IDENTITIES}{identity.pk}/delete/", {"post": "yes"}).status_code == 403
        action = {"action": "delete_selected", "_selected_action": [identity.pk], "post": "yes"}
        post(browser, IDENTITIES, action)
        [left] = ClerkIdentity.objects.all()
        assert (left.user, left.clerk_user_id) == (superuser, "user_dev")

    def test_go_with_their_user(self, browser: Client, superuser: Any) -> None:
        users = [get_user_model().objects.create_user(name) for name in ("rosa", "sam", "grace")]
        for user in users:
            ClerkIdentity.objects.create(user=user, clerk_user_id=f"user_{user.username}")
        page = get(browser, f"/admin/auth/user/{users[0].pk}/delete/").content.decode()
        assert "user_rosa" in page
        assert post(browser, f"/admin/auth/user/{users[0].pk}/delete/", {"post": "yes"}).status_code == 302
        action = {"action": "delete_selected", "_selected_action": [users[1].pk, users[2].pk], "post": "yes"}
        assert post(browser, "/admin/auth/user/", action).status_code == 302
        assert list(ClerkIdentity.objects.values_list("clerk_user_id", flat=True)) == ["user_dev"]

    def test_go_only_where_their_deletion_is_permitted(self, browser: Client, person: Any) -> None:
        person.is_staff = True
        person.save()
        other = get_user_model().objects.create_user("rosa")
        ClerkIdentity.objects.create(user=other, clerk_user_id="user_rosa")
        person.user_permissions.set(Permission.objects.filter(codename__in=["delete_user", "view_user"]))
        path = f"/admin/auth/user/{other.pk}/delete/"
        assert b"doesn't have permission" in get(browser, path).content.replace(b"&#x27;", b"'").replace(
            b"\xe2\x80\x99", b"'"
        )
        assert post(browser, path, {"post": "yes"}).status_code == 403
        person.user_permissions.add(Permission.objects.get(codename="delete_clerkidentity"))
        assert post(browser, path, {"post": "yes"}).status_code == 302

    def test_are_seen_by_whom_django_lets(self, browser: Client, person: Any) -> None:
        person.is_staff = True
        person.save()
        assert get(browser, IDENTITIES).status_code == 403
        person.user_permissions.add(Permission.objects.get(codename="view_clerkidentity"))
        assert get(browser, IDENTITIES).status_code == 200
