"""``request.user``: which local user a Clerk user is, and who is nobody here."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model, login
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError
from django.db.models import CharField
from django.db.models.lookups import IExact
from django.db.models.signals import pre_save
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test.utils import register_lookup
from django.urls import path

from clerk_middleware import SessionAuth
from clerk_middleware.local import LocalClerk
from clerk_middleware_django import get_auth, require_auth
from clerk_middleware_django.models import ClerkIdentity
from clerk_middleware_django.profiles import ClerkProfile
from clerk_middleware_django.turned_away import TurnedAway

from .conftest import SITE, Asked, Browse

pytestmark = pytest.mark.django_db

Headers = dict[str, str]
SignedIn = Callable[..., Headers]
Me = Callable[..., Any]

VERIFIED = {"email": "dev@blueridge.example", "email_verified": True}


def described(user: Any) -> HttpResponse:
    return JsonResponse(
        {
            "username": user.get_username(),
            "signed_in": user.is_authenticated,
            "anonymous": isinstance(user, AnonymousUser),
            "pk": user.pk,
        }
    )


def by_user(request: HttpRequest) -> HttpResponse:
    return described(request.user)


async def by_auser(request: HttpRequest) -> HttpResponse:
    return described(await request.auser())


@pytest.fixture(params=[by_user, by_auser])
def me(request: pytest.FixtureRequest, browse: Browse, routes: Any) -> Me:
    """Ask the project who the user is, by one of its ways to know."""
    routes(path("me", request.param))

    def ask(headers: Headers | None = None, **options: Any) -> Any:
        return browse("/me", headers=headers, **options)

    return ask


@pytest.fixture
def dev() -> User:
    """A local user who is known to be Clerk's ``user_dev``."""
    user = User.objects.create_user("dev", "dev@blueridge.example")
    ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
    return user


@pytest.fixture
def creating(asked: Asked, clerk_settings: Any) -> Callable[..., None]:
    """Settings with which users are created, and Clerk can be asked."""

    def change(**options: Any) -> None:
        clerk_settings(**{"CREATE_USERS": True, "API_URL": asked.url, **options})

    change()
    return change


@pytest.fixture
def linking(creating: Any) -> Callable[..., None]:
    """Settings with which users are linked, and not created."""

    def change(**options: Any) -> None:
        creating(**{"CREATE_USERS": False, "LINK_BY_VERIFIED_EMAIL": True, **options})

    change()
    return change


class TestTheUser:
    def test_is_the_one_of_the_identity(self, me: Me, dev: User, dispatcher: Headers) -> None:
        assert me(dispatcher).json() == {
            "username": "dev",
            "signed_in": True,
            "anonymous": False,
            "pk": dev.pk,
        }

    def test_is_anonymous_where_nobody_is_signed_in(self, me: Me, dev: User) -> None:
        assert me().json()["anonymous"]

    def test_is_anonymous_where_no_local_user_is_known(
        self, me: Me, dispatcher: Headers, asked: Asked
    ) -> None:
        assert me(dispatcher).json()["anonymous"]
        assert User.objects.count() == 0
        assert asked.paths == []

    def test_is_not_another_one_of_the_same_name(self, me: Me, dispatcher: Headers, creating: Any) -> None:
        User.objects.create_user("user_dev", "dev@blueridge.example")
        assert me(dispatcher).json()["anonymous"]
        assert ClerkIdentity.objects.count() == 0

    def test_is_anonymous_if_inactive(self, me: Me, dev: User, dispatcher: Headers, creating: Any) -> None:
        User.objects.update(is_active=False)
        assert me(dispatcher).json()["anonymous"]
        assert User.objects.count() == 1

    def test_is_anonymous_with_a_token_that_expired(self, me: Me, dev: User, signed_in: SignedIn) -> None:
        assert me(signed_in(issued_at=1_700_000_000, lifetime=60)).json()["anonymous"]

    def test_is_anonymous_while_the_session_has_tasks(self, me: Me, dev: User, signed_in: SignedIn) -> None:
        assert me(signed_in(claims={"sts": "pending"})).json()["anonymous"]

    def test_is_anonymous_to_a_machine(
        self, me: Me, dev: User, machine: Headers, clerk_settings: Any
    ) -> None:
        clerk_settings(ACCEPTS_TOKEN="any")
        assert me(machine).json()["anonymous"]

    @pytest.mark.parametrize("database", ["as it is", "without regard to case"])
    def test_is_told_by_case(self, database: str, me: Me, dev: User, clerk: LocalClerk) -> None:
        token = clerk.issue_session_token("user_dev", azp=SITE, claims={"sub": "USER_DEV"})
        headers = {"authorization": f"Bearer {token}"}
        if database == "as it is":
            assert me(headers).json()["anonymous"]
        else:  # as MySQL, for one, compares texts
            with register_lookup(CharField, IExact, lookup_name="exact"):
                assert me(headers).json()["anonymous"]

    @pytest.mark.parametrize(
        "sub", ["user_dev\x00", "\x00", "user_d\u00e9v", "user_dev\n", "user_\u212a", "\ud800", "\x7f"]
    )
    def test_is_anonymous_to_an_id_that_is_none(
        self, sub: str, me: Me, dev: User, clerk: LocalClerk, creating: Any
    ) -> None:
        token = clerk.issue_session_token("user_dev", azp=SITE, claims={**VERIFIED, "sub": sub})
        assert me({"authorization": f"Bearer {token}"}).json()["anonymous"]
        assert ClerkIdentity.objects.get().user == dev

    def test_does_not_exist_where_the_projects_manager_hides_them(
        self, me: Me, dev: User, dispatcher: Headers, creating: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everybody = User._default_manager.get_queryset
        monkeypatch.setattr(
            type(User._default_manager), "get_queryset", lambda self: everybody().exclude(username="dev")
        )
        assert me(dispatcher).json()["anonymous"]
        assert me(dispatcher).status_code == 200


class TestQueries:
    def test_are_none_where_a_view_asks_for_no_user(
        self, browse: Browse, dev: User, dispatcher: Headers, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            for view in ("/who", "/awho"):
                assert browse(view, headers=dispatcher).status_code == 200

    def test_are_none_where_a_view_is_only_protected(
        self, browse: Browse, dispatcher: Headers, django_assert_num_queries: Any, routes: Any, in_kind: Any
    ) -> None:
        routes(path("", require_auth(in_kind(lambda request: HttpResponse(get_auth(request).user_id)))))
        with django_assert_num_queries(0):
            assert browse("/", headers=dispatcher).status_code == 200

    def test_are_none_for_who_is_signed_out(self, me: Me, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert me().json()["anonymous"]

    def test_are_one_for_a_known_user(
        self, me: Me, dev: User, dispatcher: Headers, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            assert me(dispatcher).json()["signed_in"]

    def test_are_one_however_often_a_view_asks(
        self, browse: Browse, dev: User, dispatcher: Headers, django_assert_num_queries: Any, routes: Any
    ) -> None:
        def sync(request: HttpRequest) -> HttpResponse:
            names = {str(request.user), str(request.user), request.user.clerk_identity.clerk_user_id}  # type: ignore[union-attr]
            return HttpResponse(",".join(sorted(names)))

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            first, second = await request.auser(), await request.auser()
            assert first is second
            return HttpResponse(str(request.user))

        routes(path("sync", sync), path("async", asynchronous))
        for view, expected in (("/sync", b"dev,user_dev"), ("/async", b"dev")):
            with django_assert_num_queries(1):
                response: Any = browse(view, headers=dispatcher)
            assert response.content == expected

    def test_are_one_for_who_has_no_local_user(
        self, me: Me, dispatcher: Headers, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            assert me(dispatcher).json()["anonymous"]


class TestANewUser:
    def test_is_not_created_unless_the_project_asks_for_it(
        self, me: Me, dispatcher: Headers, creating: Any, asked: Asked
    ) -> None:
        creating(CREATE_USERS=False)
        assert me(dispatcher).json()["anonymous"]
        assert (User.objects.count(), ClerkIdentity.objects.count(), asked.users) == (0, 0, [])

    def test_is_created_from_what_clerk_says(
        self, me: Me, dispatcher: Headers, creating: Any, asked: Asked
    ) -> None:
        for _ in range(2):
            assert me(dispatcher).json()["username"] == "user_dev"
        user = User.objects.get()
        assert (user.username, user.email, user.first_name, user.last_name) == (
            "user_dev",
            "dev@blueridge.example",
            "Dev",
            "Patel",
        )
        assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
        assert not user.has_usable_password()
        assert user.password != ""
        identity = ClerkIdentity.objects.get()
        assert (identity.user, identity.clerk_user_id, identity.instance) == (user, "user_dev", "")
        assert asked.users == ["user_dev"]

    def test_is_created_from_the_claims_where_they_say_enough(
        self, me: Me, signed_in: SignedIn, creating: Any, asked: Asked
    ) -> None:
        claims = {**VERIFIED, "given_name": "Devi", "family_name": "P"}
        assert me(signed_in(claims=claims)).json()["username"] == "user_dev"
        user = User.objects.get()
        assert (user.email, user.first_name, user.last_name) == ("dev@blueridge.example", "Devi", "P")
        assert asked.paths == []

    def test_is_created_from_the_claims_where_clerk_can_not_be_asked(
        self, me: Me, signed_in: SignedIn, creating: Any, asked: Asked
    ) -> None:
        creating(SECRET_KEY=None)
        assert me(signed_in(claims={"first_name": "Devi"})).json()["username"] == "user_dev"
        user = User.objects.get()
        assert (user.email, user.first_name) == ("", "Devi")
        assert asked.paths == []

    @pytest.mark.parametrize(
        "claims",
        [
            {"email": "x@example.com"},
            {"email_verified": True},
            {**VERIFIED, "email": 7},
            {**VERIFIED, "email_verified": "true"},
        ],
    )
    def test_has_clerk_asked_where_the_claims_say_too_little(
        self, claims: dict[str, Any], me: Me, signed_in: SignedIn, creating: Any, asked: Asked
    ) -> None:
        me(signed_in(claims=claims))
        assert asked.users == ["user_dev"]
        assert User.objects.get().email == "dev@blueridge.example"

    def test_has_no_email_address_that_is_not_verified(
        self, me: Me, signed_in: SignedIn, creating: Any, asked: Asked, clerk: LocalClerk
    ) -> None:
        me(signed_in(claims={"email": "boss@example.com", "email_verified": False}))
        asked.add_user("user_new", email="boss@example.com", email_verified=False)
        token = clerk.issue_session_token("user_new", azp=SITE)
        me({"authorization": f"Bearer {token}"})
        assert [user.email for user in User.objects.all()] == ["", ""]

    @pytest.mark.parametrize("handler", ["wsgi"], indirect=True)
    @pytest.mark.parametrize(
        ("name", "stored"),
        [
            ("a\x00b", "ab"),
            ("\x00", ""),
            ("n" * 10_000, "n" * 150),
            ("   ", ""),
            ("Søren 🚚", "Søren 🚚"),
            (7, ""),
            (None, ""),
            (["x"], ""),
            ("<b>x</b>", "<b>x</b>"),
        ],
    )
    def test_may_have_any_name(
        self, name: Any, stored: str, me: Me, signed_in: SignedIn, creating: Any
    ) -> None:
        assert me(signed_in(claims={**VERIFIED, "first_name": name})).json()["signed_in"]
        assert User.objects.get().first_name == stored

    def test_with_a_name_that_is_no_text_is_no_failure(
        self, me: Me, signed_in: SignedIn, creating: Any
    ) -> None:
        assert me(signed_in(claims={**VERIFIED, "first_name": "\ud800"})).status_code == 200

    def test_has_a_name_that_databases_take(self, clerk: LocalClerk) -> None:
        auth = SessionAuth.from_claims(
            {
                "sub": "user_x",
                "sid": "sess_x",
                "iat": 0,
                "exp": 9,
                "v": 2,
                "iss": "https://clerk.example.com",
            },
            token="none",
        )
        profile = ClerkProfile.of_backend(auth, {"first_name": "\ud800x\x00", "last_name": ["no text"]})
        assert (profile.first_name, profile.last_name, profile.email) == ("?x", None, None)

    @pytest.mark.parametrize(
        "addresses",
        [
            None,
            {},
            ["a@example.com"],
            [{"id": None, "email_address": "a@example.com", "verification": {"status": "verified"}}],
            [{"id": "other", "email_address": "a@example.com", "verification": {"status": "verified"}}],
            [{"id": "first", "email_address": "a@example.com", "verification": {"status": "unverified"}}],
            [{"id": "first", "email_address": "a@example.com", "verification": "verified"}],
            [{"id": "first", "email_address": "a@example.com", "verification": None}],
            [{"id": "first", "email_address": 7, "verification": {"status": "verified"}}],
        ],
    )
    @pytest.mark.parametrize("primary", ["first", None])
    def test_has_no_address_but_the_primary_one_if_it_is_verified(
        self, addresses: Any, primary: str | None
    ) -> None:
        auth = SessionAuth.from_claims(
            {"sub": "user_x", "sid": "sess_x", "iat": 0, "exp": 9, "v": 2}, token="none"
        )
        user = {"primary_email_address_id": primary, "email_addresses": addresses}
        assert ClerkProfile.of_backend(auth, user).email is None

    def test_may_have_any_name_at_clerk(self, me: Me, clerk: LocalClerk, creating: Any, asked: Asked) -> None:
        asked.add_user(
            "user_x", email="e" * 300 + "@example.com", first_name="\x00" * 9, last_name="y" * 10_000
        )
        token = clerk.issue_session_token("user_x", azp=SITE)
        assert me({"authorization": f"Bearer {token}"}).json()["signed_in"]
        user = User.objects.get()
        assert (user.first_name, user.last_name, user.email) == ("", "y" * 150, "")

    @pytest.mark.parametrize("length", [100, 200, 1000])
    def test_with_an_id_that_does_not_fit_is_no_failure(
        self, length: int, me: Me, clerk: LocalClerk, creating: Any
    ) -> None:
        long = "user_" + "x" * length
        token = clerk.issue_session_token("user_dev", azp=SITE, claims={**VERIFIED, "sub": long})
        assert me({"authorization": f"Bearer {token}"}).status_code == 200

    def test_whose_name_is_taken_gets_no_user_and_no_failure(
        self, me: Me, dispatcher: Headers, creating: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        User.objects.create_user("user_dev")
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                assert me(dispatcher).json()["anonymous"]
        ours = [record for record in caplog.records if record.name.startswith("clerk_middleware")]
        assert len(ours) == 1
        assert "user_dev gets no local user" in ours[0].getMessage()
        assert "CLERK['USER_FIELDS']" in ours[0].getMessage()
        assert "blueridge" not in caplog.text
        assert User.objects.count() == 1

    def test_who_was_deleted_at_clerk_is_nobody(
        self, me: Me, dispatcher: Headers, creating: Any, asked: Asked
    ) -> None:
        asked.remove_user("user_dev")
        for _ in range(3):
            assert me(dispatcher).json()["anonymous"]
        assert User.objects.count() == 0
        assert asked.users == ["user_dev"]

    def test_who_was_turned_away_is_asked_about_again_only_later(
        self, me: Me, dispatcher: Headers, creating: Any, asked: Asked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from clerk_middleware_django import turned_away

        now = [1000.0]
        monkeypatch.setattr(
            turned_away, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now[0])})
        )
        creating(USER_FIELDS=lambda profile: None)
        for seconds, times in ((0, 1), (9, 1), (2, 2), (1, 2)):
            now[0] += seconds
            assert me(dispatcher).json()["anonymous"]
            assert asked.users == ["user_dev"] * times

    def test_who_was_turned_away_does_not_keep_others_out(
        self, me: Me, dispatcher: Headers, admin: Headers, creating: Any, asked: Asked
    ) -> None:
        creating(USER_FIELDS=lambda p: None if p.user_id == "user_dev" else {"username": p.user_id})
        assert me(dispatcher).json()["anonymous"]
        assert me(admin).json()["username"] == "user_ada"

    def test_those_who_were_turned_away_take_up_no_more_room_than_they_may(self) -> None:
        remembered = TurnedAway(size=2)
        for user in ("a", "b", "a", "c"):
            remembered.add(("", user))
        assert [("", user) in remembered for user in "abc"] == [True, False, True]
        assert ("other", "a") not in remembered

    def test_who_is_known_by_now_is_let_in_at_once(self, me: Me, dispatcher: Headers, creating: Any) -> None:
        creating(USER_FIELDS=lambda profile: None)
        assert me(dispatcher).json()["anonymous"]
        user = User.objects.create_user("by-hand")
        ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
        assert me(dispatcher).json()["username"] == "by-hand"


class TestUserFields:
    def test_decides_all_fields(self, me: Me, dispatcher: Headers, creating: Any) -> None:
        seen: list[ClerkProfile] = []

        def fields(profile: ClerkProfile) -> dict[str, Any]:
            seen.append(profile)
            return {"username": f"dev-{len(seen)}", "email": "own@example.com", "is_staff": True}

        creating(USER_FIELDS=fields)
        assert me(dispatcher).json()["username"] == "dev-1"
        user = User.objects.get()
        assert (user.email, user.is_staff, user.first_name) == ("own@example.com", True, "")
        assert not user.has_usable_password()
        (profile,) = seen
        assert (profile.user_id, profile.email, profile.username) == (
            "user_dev",
            "dev@blueridge.example",
            None,
        )
        assert (profile.first_name, profile.last_name) == ("Dev", "Patel")
        assert profile.image_url is not None
        assert profile.claims["sub"] == "user_dev"
        assert profile.backend_user is not None
        assert profile.backend_user["public_metadata"] == {"onboardingComplete": True}

    def test_may_give_a_password(self, me: Me, dispatcher: Headers, creating: Any) -> None:
        creating(USER_FIELDS=lambda profile: {"username": "dev", "password": make_password("given")})
        assert me(dispatcher).json()["username"] == "dev"
        assert User.objects.get().check_password("given")

    def test_may_be_named_by_its_path(
        self, me: Me, dispatcher: Headers, creating: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fields: Any = lambda profile: {"username": "by-path"}  # noqa: E731
        monkeypatch.setattr("django_project.fields", fields, raising=False)
        creating(USER_FIELDS="django_project.fields")
        assert me(dispatcher).json()["username"] == "by-path"

    def test_may_have_nobody_created(self, me: Me, dispatcher: Headers, creating: Any) -> None:
        creating(USER_FIELDS=lambda profile: None)
        assert me(dispatcher).json()["anonymous"]
        assert User.objects.count() == 0

    def test_that_clash_are_no_failure(
        self, me: Me, dispatcher: Headers, admin: Headers, creating: Any
    ) -> None:
        creating(USER_FIELDS=lambda profile: {"username": "everybody"})
        assert me(dispatcher).json()["username"] == "everybody"
        assert me(admin).json()["anonymous"]
        assert ClerkIdentity.objects.get().clerk_user_id == "user_dev"

    def test_that_fail_are_the_projects_own_failure(self, me: Me, dispatcher: Headers, creating: Any) -> None:
        creating(USER_FIELDS=lambda profile: {"no_such_field": 1})
        with pytest.raises(TypeError, match="no_such_field"):
            me(dispatcher)
        assert User.objects.count() == 0

    def test_do_not_show_the_claims_in_a_repr(self) -> None:
        assert "hidden" not in repr(ClerkProfile(user_id="u", claims={"secret": "hidden"}))


class Alike(IExact):
    """What a database may take for the same is its collation's affair: here it is everything."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "1 = 1", []


class TestLinking:
    """Whoever gets somebody else's account by it has taken it over: so nearly nobody is linked."""

    @pytest.fixture
    def local(self) -> User:
        return User.objects.create_user("old-dev", "dev@blueridge.example", "password")

    def linked(self) -> dict[str, str]:
        return {i.clerk_user_id: i.user.get_username() for i in ClerkIdentity.objects.select_related("user")}

    def test_needs_the_setting(
        self, me: Me, local: User, dispatcher: Headers, signed_in: SignedIn, creating: Any
    ) -> None:
        for headers in (dispatcher, signed_in(claims=VERIFIED)):
            assert me(headers).json()["username"] == "user_dev"
        assert self.linked() == {"user_dev": "user_dev"}
        assert User.objects.count() == 2

    def test_finds_the_only_user_with_the_verified_address(
        self, me: Me, local: User, dispatcher: Headers, linking: Any, asked: Asked
    ) -> None:
        for _ in range(2):
            assert me(dispatcher).json() == {
                "username": "old-dev",
                "signed_in": True,
                "anonymous": False,
                "pk": local.pk,
            }
        assert self.linked() == {"user_dev": "old-dev"}
        assert asked.users == ["user_dev"]
        local.refresh_from_db()
        assert local.check_password("password")

    def test_does_not_see_upper_and_lower_case(self, me: Me, dispatcher: Headers, linking: Any) -> None:
        User.objects.create_user("old-dev", "Dev@BlueRidge.example")
        assert me(dispatcher).json()["username"] == "old-dev"

    @pytest.mark.parametrize("claims", [VERIFIED, {**VERIFIED, "email": "boss@example.com"}])
    def test_takes_no_claims_word_for_it(
        self, claims: Any, me: Me, signed_in: SignedIn, linking: Any, asked: Asked
    ) -> None:
        User.objects.create_user("boss", "boss@example.com")
        assert me(signed_in(claims=claims)).json()["anonymous"]
        assert asked.users == ["user_dev"]
        assert self.linked() == {}

    def test_takes_no_claims_word_for_it_where_clerk_can_not_be_asked(
        self, me: Me, local: User, signed_in: SignedIn, linking: Any
    ) -> None:
        linking(SECRET_KEY=None)
        assert me(signed_in(claims=VERIFIED)).json()["anonymous"]
        linking(SECRET_KEY=None, CREATE_USERS=True)
        me(signed_in(claims=VERIFIED))
        assert "old-dev" not in self.linked().values()

    @pytest.mark.parametrize("power", ["is_staff", "is_superuser"])
    def test_spares_who_has_power_over_others(
        self, power: str, me: Me, local: User, dispatcher: Headers, linking: Any
    ) -> None:
        User.objects.update(**{power: True})
        assert me(dispatcher).json()["anonymous"]
        assert self.linked() == {}

    def test_spares_who_is_inactive(self, me: Me, local: User, dispatcher: Headers, linking: Any) -> None:
        User.objects.update(is_active=False)
        assert me(dispatcher).json()["anonymous"]
        assert self.linked() == {}

    @pytest.mark.parametrize("change", [{"is_staff": True}, {"is_active": False}, {"email": "x@y.example"}])
    def test_spares_who_becomes_another_at_this_very_moment(
        self, change: dict[str, Any], me: Me, local: User, dispatcher: Headers, linking: Any
    ) -> None:
        def become(**_: Any) -> None:
            User.objects.filter(pk=local.pk).update(**change)

        pre_save.connect(become, sender=ClerkIdentity)
        try:
            assert me(dispatcher).json()["anonymous"]
        finally:
            pre_save.disconnect(become, sender=ClerkIdentity)
        assert self.linked() == {}
        assert User.objects.count() == 1

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}, {"is_superuser": True}])
    @pytest.mark.parametrize("linked", [False, True])
    @pytest.mark.parametrize("others", [0, 2])
    def test_puts_nobody_into_the_place_of_one_who_is_not_given_away(
        self,
        change: dict[str, Any],
        linked: bool,
        others: int,
        me: Me,
        local: User,
        dispatcher: Headers,
        linking: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        linking(CREATE_USERS=True)
        User.objects.update(**change)
        if linked:
            ClerkIdentity.objects.create(user=local, clerk_user_id="user_earlier")
        for number in range(others):
            User.objects.create(username=f"a{number}", email="dev@blueridge.example")
        assert me(dispatcher).json()["anonymous"]
        assert User.objects.count() == 1 + others
        assert "user_dev" not in self.linked()
        assert "user_dev gets no local user: one who is inactive, staff or a superuser" in caplog.text

    def test_is_not_hindered_by_who_has_another_letter_in_the_address(
        self, me: Me, dispatcher: Headers, linking: Any
    ) -> None:
        linking(CREATE_USERS=True)
        User.objects.create_user("boss", "d\u00e9v@blueridge.example", is_staff=True)
        with register_lookup(CharField, Alike, lookup_name="iexact"):
            assert me(dispatcher).json()["username"] == "user_dev"

    def test_puts_others_beside_those_who_share_an_address(
        self, me: Me, local: User, dispatcher: Headers, linking: Any
    ) -> None:
        linking(CREATE_USERS=True)
        User.objects.create_user("second", "DEV@blueridge.example")
        assert me(dispatcher).json()["username"] == "user_dev"

    @pytest.mark.parametrize("instance", ["", "clerk.other.example"])
    def test_spares_who_is_linked_already(
        self, instance: str, me: Me, local: User, dispatcher: Headers, linking: Any
    ) -> None:
        ClerkIdentity.objects.create(user=local, clerk_user_id="user_other", instance=instance)
        assert me(dispatcher).json()["anonymous"]
        assert self.linked() == {"user_other": "old-dev"}

    def test_spares_all_who_share_an_address(
        self, me: Me, local: User, dispatcher: Headers, linking: Any
    ) -> None:
        User.objects.create_user("second", "DEV@blueridge.example")
        assert me(dispatcher).json()["anonymous"]
        assert self.linked() == {}

    def test_counts_who_may_not_be_linked_among_those_who_share_it(
        self, me: Me, local: User, dispatcher: Headers, linking: Any
    ) -> None:
        User.objects.create_user("inactive", "dev@blueridge.example", is_active=False)
        assert me(dispatcher).json()["anonymous"]

    def test_needs_an_address_that_is_verified_at_clerk(
        self, me: Me, clerk: LocalClerk, linking: Any, asked: Asked
    ) -> None:
        User.objects.create_user("boss", "boss@example.com")
        asked.add_user("user_mallory", email="boss@example.com", email_verified=False)
        token = clerk.issue_session_token(
            "user_mallory", azp=SITE, claims={"email": "boss@example.com", "email_verified": True}
        )
        assert me({"authorization": f"Bearer {token}"}).json()["anonymous"]
        assert self.linked() == {}

    @pytest.mark.parametrize("handler", ["wsgi"], indirect=True)
    @pytest.mark.parametrize(
        ("at_clerk", "here"),
        [
            ("\u212aim@example.com", "kim@example.com"),  # KELVIN SIGN
            ("kim@example.com", "\u212aim@example.com"),
            ("adm\u0131n@example.com", "admin@example.com"),  # dotless i
            ("admin@example.com", "ADM\u0130N@example.com"),
            ("stra\u00dfe@example.com", "strasse@example.com"),
            ("STRASSE@example.com", "stra\u00dfe@example.com"),
            ("\uff41@example.com", "a@example.com"),  # full width
            ("e\u0301@example.com", "\u00e9@example.com"),
            ("\u03c3@example.com", "\u03c2@example.com"),
            ("kim@example.com", "kim@example.com "),
            ("kim@example.com", "kim@example.co"),
            ("k%m@example.com", "kim@example.com"),
            ("k_m@example.com", "kim@example.com"),
        ],
    )
    @pytest.mark.parametrize("database", ["as it is", "that finds them all alike"])
    def test_does_not_take_another_letter_for_the_same(
        self, at_clerk: str, here: str, database: str, me: Me, clerk: LocalClerk, linking: Any, asked: Asked
    ) -> None:
        User.objects.create(username="kim", email=here)
        asked.add_user("user_mallory", email=at_clerk)
        token = clerk.issue_session_token("user_mallory", azp=SITE)
        alike = [] if database == "as it is" else [register_lookup(CharField, Alike, lookup_name="iexact")]
        with ExitStack() as stack:
            for lookup in alike:
                stack.enter_context(lookup)
            assert me({"authorization": f"Bearer {token}"}).json()["anonymous"]
        assert self.linked() == {}

    def test_takes_the_same_letters_beyond_ascii_for_the_same(
        self, me: Me, clerk: LocalClerk, linking: Any, asked: Asked
    ) -> None:
        User.objects.create(username="søren", email="søren@example.com")
        asked.add_user("user_soren", email="søren@example.com")
        token = clerk.issue_session_token("user_soren", azp=SITE)
        assert me({"authorization": f"Bearer {token}"}).json()["username"] == "søren"

    def test_needs_an_address_at_all(self, me: Me, clerk: LocalClerk, linking: Any, asked: Asked) -> None:
        User.objects.create_user("no-address", "")
        asked.add_user("user_none", email="")
        token = clerk.issue_session_token("user_none", azp=SITE)
        assert me({"authorization": f"Bearer {token}"}).json()["anonymous"]

    def test_goes_before_creating_and_leaves_the_rest_to_it(
        self, me: Me, local: User, dispatcher: Headers, admin: Headers, linking: Any
    ) -> None:
        linking(CREATE_USERS=True)
        User.objects.create_user("chief", "chief@blueridge.example", is_staff=True)
        assert me(dispatcher).json()["username"] == "old-dev"
        assert me(admin).json()["username"] == "user_ada"
        assert self.linked() == {"user_dev": "old-dev", "user_ada": "user_ada"}
        assert not User.objects.get(username="user_ada").is_staff

    def test_keeps_the_link_when_addresses_change(
        self, me: Me, local: User, dispatcher: Headers, linking: Any
    ) -> None:
        me(dispatcher)
        User.objects.update(email="new@example.com")
        User.objects.create_user("heir", "dev@blueridge.example")
        assert me(dispatcher).json()["username"] == "old-dev"


class TestWhenClerkIsDown:
    @pytest.fixture(autouse=True)
    def down(self, asked: Asked) -> None:
        asked.clerk.fail("/users/*", status=503, times=None)

    def test_a_new_user_is_asked_to_come_again(
        self, me: Me, dispatcher: Headers, creating: Any, asked: Asked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from clerk_middleware_django import turned_away

        now = [1000.0]
        monkeypatch.setattr(
            turned_away, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now[0])})
        )
        response = me(dispatcher)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Vary"] == "Authorization, Cookie"
        assert response.json() == {
            "clerk_error": {
                "type": "unavailable",
                "reason": "user-unavailable",
                "message": "Your account could not be set up at this moment. Try again.",
            }
        }
        assert User.objects.count() == 0
        asked.clerk.recover()
        asked_before = len(asked.users)
        assert me(dispatcher).status_code == 503  # for a moment, without that Clerk is asked
        assert len(asked.users) == asked_before
        now[0] += 2
        assert me(dispatcher).json()["username"] == "user_dev"

    def test_a_new_user_is_not_taken_for_nobody(
        self, browse: Browse, dispatcher: Headers, creating: Any, routes: Any
    ) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse("nobody" if request.user.is_anonymous else "somebody")

        async def aview(request: HttpRequest) -> HttpResponse:
            return HttpResponse("nobody" if (await request.auser()).is_anonymous else "somebody")

        routes(path("sync", view), path("async", aview))
        for target in ("/sync", "/async"):
            assert browse(target, headers=dispatcher).status_code == 503

    @pytest.mark.parametrize("status", [401, 403, 429, 500])
    def test_in_whatever_way(
        self, status: int, me: Me, dispatcher: Headers, creating: Any, asked: Asked
    ) -> None:
        asked.clerk.fail("/users/*", status=status, times=None)
        assert me(dispatcher).status_code == 503

    def test_nobody_is_linked(self, me: Me, dispatcher: Headers, linking: Any) -> None:
        User.objects.create_user("old-dev", "dev@blueridge.example")
        assert me(dispatcher).status_code == 503
        assert ClerkIdentity.objects.count() == 0

    def test_known_users_do_not_notice(self, me: Me, dev: User, dispatcher: Headers, creating: Any) -> None:
        assert me(dispatcher).json()["username"] == "dev"

    def test_who_is_described_by_their_claims_does_not_notice(
        self, me: Me, signed_in: SignedIn, creating: Any
    ) -> None:
        assert me(signed_in(claims=VERIFIED)).json()["username"] == "user_dev"

    def test_views_that_ask_for_no_user_do_not_notice(
        self, browse: Browse, dispatcher: Headers, creating: Any
    ) -> None:
        assert browse("/who", headers=dispatcher).status_code == 200

    def test_nothing_secret_is_told(
        self, me: Me, dispatcher: Headers, creating: Any, clerk: LocalClerk, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        response = me(dispatcher)
        for secret in (clerk.secret_key, dispatcher["authorization"][7:]):
            assert secret not in caplog.text
            assert secret not in response.content.decode()


class TestWhenTheDatabaseIsDown:
    def test_it_is_djangos_error_not_a_sign_out(
        self, me: Me, dev: User, dispatcher: Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise OperationalError("could not connect")

        monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", fail)
        with pytest.raises(OperationalError, match="could not connect"):
            me(dispatcher)
        assert me(dispatcher, raise_request_exception=False).status_code == 500

    def test_who_asks_for_no_user_does_not_notice(
        self, browse: Browse, dispatcher: Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise OperationalError("could not connect")

        monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", fail)
        assert browse("/who", headers=dispatcher).status_code == 200


class TestDjangosSession:
    """Is not used: nobody is signed in longer than their token lives."""

    @pytest.fixture
    def other(self, client: Any) -> str:
        """The session cookie of another local user, as Django's own login leaves it."""
        user = User.objects.create_user("other", is_superuser=True)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return f"sessionid={client.cookies['sessionid'].value}"

    def test_signs_nobody_in(self, me: Me, other: str) -> None:
        assert me({"cookie": other}).json()["anonymous"]

    def test_changes_nothing_for_who_is_signed_in(
        self, me: Me, dev: User, other: str, dispatcher: Headers
    ) -> None:
        assert me(dispatcher | {"cookie": other}).json()["username"] == "dev"

    def test_does_not_stand_in_for_a_token_that_expired(
        self, me: Me, dev: User, other: str, signed_in: SignedIn
    ) -> None:
        expired = signed_in(issued_at=1_700_000_000, lifetime=60)
        assert me(expired | {"cookie": other}).json()["anonymous"]

    def test_is_not_started_for_who_is_signed_in(self, me: Me, dev: User, dispatcher: Headers) -> None:
        response = me(dispatcher)
        assert "sessionid" not in response.cookies

    @pytest.mark.parametrize("backend", [None, "django.contrib.auth.backends.ModelBackend"])
    def test_keeps_nobody_in_whom_a_view_logs_in(
        self, backend: str | None, dev: User, dispatcher: Headers, routes: Any, client: Any
    ) -> None:
        def log_in(request: HttpRequest) -> HttpResponse:
            login(request, request.user, backend=backend)
            return HttpResponse()

        routes(path("log-in", log_in), path("me", by_user))
        client.get("/log-in", headers=dispatcher)
        assert "sessionid" in client.cookies
        assert client.get("/me").json()["anonymous"]

    def test_keeps_nobody_in_by_the_backend_itself_either(
        self, dev: User, dispatcher: Headers, routes: Any, client: Any, settings: Any
    ) -> None:
        def log_in(request: HttpRequest) -> HttpResponse:
            login(request, request.user)
            return HttpResponse()

        routes(path("log-in", log_in), path("me", by_user))
        client.get("/log-in", headers=dispatcher)
        settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if not m.endswith("ClerkUserMiddleware")]
        assert client.get("/me").json()["anonymous"]


class TestSeveralInstances:
    @pytest.fixture
    def two(self, config: Any, settings: Any, asked: Asked, development: LocalClerk) -> Any:
        own = config(api_url=asked.url)
        other = config(
            publishable_key=development.publishable_key,
            secret_key=development.secret_key,
            jwt_key=development.jwt_key,
        )
        settings.ALLOWED_HOSTS = ["*"]
        settings.CLERK = {
            "CONFIG": lambda request: own if request.url.host == "testserver" else other,
            "CREATE_USERS": True,
            "USER_FIELDS": lambda profile: {"username": f"{profile.user_id}-{User.objects.count()}"},
        }
        return {"own": own, "other": other}

    def test_have_users_of_their_own(
        self, two: Any, browse: Browse, routes: Any, clerk: LocalClerk, development: LocalClerk, settings: Any
    ) -> None:
        routes(path("me", by_user))
        claims = VERIFIED
        names = []
        for instance, key in ((clerk, "own"), (development, "other"), (clerk, "own"), (development, "other")):
            settings.CLERK = {**settings.CLERK, "CONFIG": lambda request, key=key: two[key]}
            token = instance.issue_session_token("user_dev", azp=SITE, claims=claims)
            response: Any = browse("/me", headers={"authorization": f"Bearer {token}"})
            names.append(response.json()["username"])
        assert names == ["user_dev-0", "user_dev-1"] * 2
        assert ClerkIdentity.objects.filter(clerk_user_id="user_dev").count() == 2
        assert len(set(ClerkIdentity.objects.values_list("instance", flat=True))) == 2

    def test_need_to_be_told_apart(
        self, browse: Browse, routes: Any, dispatcher: Headers, config: Any, settings: Any
    ) -> None:
        nameless = config(publishable_key=None)
        settings.CLERK = {"CONFIG": lambda request: nameless, "CREATE_USERS": True}
        routes(path("me", by_user))
        with pytest.raises(Exception, match="without publishable_key, which tells the users of several"):
            browse("/me", headers=dispatcher)


class TestTheIdentity:
    def test_goes_with_its_user(self, dev: User) -> None:
        dev.delete()
        assert ClerkIdentity.objects.count() == 0

    def test_is_one_of_each(self, dev: User) -> None:
        from django.db import IntegrityError, transaction

        other = User.objects.create_user("other")
        for user, user_id in ((other, "user_dev"), (dev, "user_other")):
            with pytest.raises(IntegrityError), transaction.atomic():
                ClerkIdentity.objects.create(user=user, clerk_user_id=user_id)

    def test_shows_as_its_id(self, dev: User) -> None:
        assert str(dev.clerk_identity) == "user_dev"  # type: ignore[attr-defined]

    def test_has_all_its_migrations(self) -> None:
        from django.core.management import call_command

        call_command("makemigrations", "clerk_middleware_django", check=True, dry_run=True, verbosity=0)


@pytest.mark.skipif(get_user_model() is not User, reason="is what runs them")
def test_other_user_models() -> None:
    """In a process of their own: there is one user model in each."""
    project = Path(__file__).parent / "django_project"
    tests = project / "people" / "scenarios.py"
    # -P: or else the checkout would be tested, and not what is installed.
    command = [sys.executable, "-P", "-m", "pytest", "-q", "--ds=django_project.people.settings", str(tests)]
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"]
    run = subprocess.run([*command, *options], capture_output=True, text=True, cwd=project.parents[2])
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout
