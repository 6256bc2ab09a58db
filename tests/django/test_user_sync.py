"""``CLERK["SYNC_USERS"]``: local users follow what webhooks say, in whatever order that comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError, connection, connections
from django.db.models import CharField
from django.db.models.lookups import IExact
from django.http import HttpRequest, HttpResponse
from django.test.utils import register_lookup
from django.urls import path
from django_project.wire import by_wsgi

from clerk_middleware.local import LocalClerk
from clerk_middleware_django.models import ClerkIdentity, ClerkUserVersion
from clerk_middleware_django.settings import ClerkImproperlyConfigured
from clerk_middleware_django.webhooks import WebhookReceiver

from ..webhook_messages import SECRET, STRANGERS, an_event, signed
from .conftest import SITE, Browse

pytestmark = pytest.mark.django_db

Tell = Callable[..., int]


def someone(
    user_id: str = "user_ann", at: int = 1_000, email: str | None = "", **fields: Any
) -> dict[str, Any]:
    """A user as webhooks describe one; by default with a verified address."""
    address = f"{user_id.removeprefix('user_')}@example.com" if email == "" else email
    addresses = [
        {"id": "idn_1", "email_address": address, "verification": {"status": "verified", "strategy": "x"}}
    ]
    return {
        "id": user_id,
        "first_name": "Ann",
        "last_name": "Lee",
        "username": None,
        "email_addresses": addresses if address else [],
        "primary_email_address_id": "idn_1" if address else None,
        "public_metadata": {},
        "updated_at": at,
        **fields,
    }


def me(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


@pytest.fixture
def change(clerk_settings: Any) -> Callable[..., None]:
    def change(**options: Any) -> None:
        clerk_settings(
            **{"WEBHOOK_SIGNING_SECRET": SECRET, "SYNC_USERS": True, "CREATE_USERS": True, **options}
        )

    return change


@pytest.fixture
def tell(change: Any, routes: Any, browse: Browse) -> Tell:
    """Deliver ``user.created`` and the like; gives the answer's status."""
    change()
    routes(path("webhooks/clerk", WebhookReceiver().view), path("me", me))

    def tell(what: str, data: dict[str, Any] | None = None, **fields: Any) -> int:
        user = someone(**fields) if data is None else data
        body = an_event(f"user.{what}", data=user)
        answer = browse("/webhooks/clerk", "POST", headers=signed(body), data=body)
        return answer.status_code

    return tell


def gone(user_id: str = "user_ann") -> dict[str, Any]:
    return {"id": user_id, "object": "user", "deleted": True}


def known() -> User:
    return User.objects.get()


class TestCreated:
    def test_the_local_user_is_as_after_a_first_request(self, tell: Tell) -> None:
        assert tell("created") == 204
        user = known()
        assert (user.username, user.email) == ("user_ann", "ann@example.com")
        assert (user.first_name, user.last_name) == ("Ann", "Lee")
        assert (user.has_usable_password(), user.is_staff, user.is_active) == (False, False, True)
        assert user.clerk_identity.clerk_user_id == "user_ann"

    def test_who_comes_afterwards_is_that_user(self, tell: Tell, browse: Browse, clerk: LocalClerk) -> None:
        tell("created", user_id="user_dev")
        token = clerk.issue_session_token("user_dev", azp=SITE)
        assert browse("/me", headers={"authorization": f"Bearer {token}"}).content == b"user_dev"
        assert ClerkIdentity.objects.count() == 1

    def test_nobody_is_created_without_create_users(self, tell: Tell, change: Any) -> None:
        change(CREATE_USERS=False)
        assert tell("created") == 204
        assert not User.objects.exists()

    def test_nothing_happens_without_sync_users(self, tell: Tell, change: Any) -> None:
        change(SYNC_USERS=False)
        assert tell("created") == 204
        assert not User.objects.exists()

    def test_an_existing_user_is_linked_by_the_rule_for_that(self, tell: Tell, change: Any) -> None:
        change(LINK_BY_VERIFIED_EMAIL=True)
        ours = User.objects.create(username="ann", email="Ann@example.com")
        staff = User.objects.create(username="boss", email="boss@example.com", is_staff=True)
        assert tell("created") == 204
        assert tell("created", user_id="user_boss") == 204
        assert ours.clerk_identity.clerk_user_id == "user_ann"
        assert not ClerkIdentity.objects.filter(user=staff).exists()

    def test_user_fields_decides(self, tell: Tell, change: Any) -> None:
        def decide(profile: Any) -> dict[str, Any] | None:
            role = profile.backend_user["public_metadata"].get("role")
            return {"username": profile.first_name, "is_staff": role == "boss"} if role else None

        change(USER_FIELDS=decide)
        assert tell("created") == 204
        assert not User.objects.exists()
        assert tell("updated", at=2_000, public_metadata={"role": "boss"}) == 204
        assert (known().username, known().is_staff) == ("Ann", True)

    def test_a_name_that_is_taken_is_a_word_in_the_log(
        self, tell: Tell, caplog: pytest.LogCaptureFixture
    ) -> None:
        User.objects.create(username="user_ann")
        assert tell("created") == 204
        assert not ClerkIdentity.objects.exists()
        assert "user_ann gets no local user" in caplog.text

    @pytest.mark.parametrize("user_id", [None, 7, "user_\x00", "üser", "user_" + "x" * 300])
    def test_what_is_no_user_is_nobody(self, tell: Tell, user_id: Any) -> None:
        assert tell("created", {**someone(), "id": user_id}) == 204
        assert not User.objects.exists()

    def test_other_events_change_nothing(self, tell: Tell) -> None:
        assert tell("invented") == 204
        assert not User.objects.exists()


class TestUpdated:
    @pytest.fixture(autouse=True)
    def _ann(self, tell: Tell) -> None:
        tell("created")

    def test_the_fields_follow(self, tell: Tell) -> None:
        assert tell("updated", at=2_000, email="new@example.com", first_name="Anna") == 204
        assert (known().email, known().first_name, known().last_name) == ("new@example.com", "Anna", "Lee")

    def test_an_address_that_is_not_verified_any_more_goes(self, tell: Tell) -> None:
        assert tell("updated", at=2_000, email=None) == 204
        assert known().email == ""

    def test_what_is_the_projects_stays(self, tell: Tell) -> None:
        user = known()
        user.username, user.is_staff, user.is_superuser, user.is_active = "ann", True, True, False
        user.set_password("own")
        user.save()
        assert tell("updated", at=2_000, first_name="Anna", banned=True) == 204
        changed = known()
        assert (changed.first_name, changed.username, changed.pk) == ("Anna", "ann", user.pk)
        assert (changed.is_staff, changed.is_superuser, changed.is_active) == (True, True, False)
        assert changed.check_password("own")

    def test_only_the_linked_user_changes(self, tell: Tell) -> None:
        other = User.objects.create(username="other", email="ann@example.com", first_name="Other")
        assert tell("updated", at=2_000, first_name="Anna") == 204
        other.refresh_from_db()
        assert other.first_name == "Other"

    def test_user_fields_decides(self, tell: Tell, change: Any) -> None:
        pk = known().pk
        decided: list[Any] = [{"id": pk + 1, "pk": 0, "first_name": "Own"}, None]
        change(USER_FIELDS=lambda profile: decided.pop(0))
        assert tell("updated", at=2_000) == 204
        assert tell("updated", at=3_000) == 204
        assert (known().pk, known().first_name) == (pk, "Own")

    @pytest.mark.parametrize("has", [True, False])
    def test_user_fields_gives_a_known_user_no_power_and_takes_none(
        self, tell: Tell, change: Any, has: bool
    ) -> None:
        User.objects.update(is_staff=has, is_superuser=has, password="own")
        fields = {"is_staff": not has, "is_superuser": not has, "password": "other", "first_name": "Own"}
        change(USER_FIELDS=lambda profile: fields)
        assert tell("updated", at=2_000) == 204
        user = known()
        assert (user.first_name, user.is_staff, user.is_superuser, user.password) == ("Own", has, has, "own")

    def test_user_fields_may_deactivate_and_not_activate(self, tell: Tell, change: Any) -> None:
        change(USER_FIELDS=lambda profile: {"is_active": not profile.backend_user["banned"]})
        assert tell("updated", at=2_000, banned=True) == 204
        assert known().is_active is False
        assert tell("updated", at=3_000, banned=False) == 204
        assert known().is_active is False

    def test_what_is_no_column_is_set_as_well(self, tell: Tell, change: Any, monkeypatch: Any) -> None:
        def set_name(user: Any, name: str) -> None:
            user.first_name, _, user.last_name = name.partition(" ")

        full_name = property(lambda user: user.get_full_name(), set_name)
        monkeypatch.setattr(User, "full_name", full_name, raising=False)
        change(USER_FIELDS=lambda profile: {"full_name": "Anna Lind"})
        assert tell("updated", at=2_000) == 204
        assert known().last_name == "Lind"

    def test_a_name_that_is_taken_leaves_the_user_as_it_is(
        self, tell: Tell, change: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        User.objects.create(username="taken")
        change(USER_FIELDS=lambda profile: {"username": "taken", "first_name": "Anna"})
        assert tell("updated", at=2_000) == 204
        assert User.objects.get(clerk_identity__clerk_user_id="user_ann").first_name == "Ann"
        assert "the local user of user_ann stays as it is: one of username, first_name" in caplog.text

    def test_a_function_that_fails_gets_the_message_again(self, tell: Tell, change: Any) -> None:
        change(USER_FIELDS=lambda profile: 1 / 0)
        assert tell("updated", at=2_000) == 500
        change()
        assert tell("updated", at=2_000, first_name="Anna") == 204
        assert known().first_name == "Anna"


class TestOrder:
    def test_older_data_do_not_replace_newer_ones(self, tell: Tell) -> None:
        tell("created")
        tell("updated", at=3_000, first_name="Newest")
        assert tell("updated", at=2_000, first_name="Older") == 204
        assert tell("created", first_name="Oldest") == 204
        assert known().first_name == "Newest"

    def test_who_is_updated_first_is_there(self, tell: Tell) -> None:
        assert tell("updated", at=2_000, first_name="Newer") == 204
        assert tell("created", first_name="Older") == 204
        assert known().first_name == "Newer"

    @pytest.mark.parametrize("moment", [None, "soon", -1, 2**63, True])
    def test_what_has_no_moment_is_older_than_what_has(self, tell: Tell, moment: Any) -> None:
        tell("created", at=5)
        assert tell("updated", {**someone(first_name="Anna"), "updated_at": moment}) == 204
        assert known().first_name == "Ann"

    def test_what_clerk_said_at_the_first_request_counts(
        self, tell: Tell, change: Any, browse: Browse, clerk: LocalClerk, asked: Any
    ) -> None:
        change(API_URL=asked.url)
        token = clerk.issue_session_token("user_dev", azp=SITE)
        assert browse("/me", headers={"authorization": f"Bearer {token}"}).content == b"user_dev"
        assert ClerkUserVersion.objects.get().updated_at > 5_000
        tell("updated", user_id="user_dev", at=5_000, first_name="Older")
        assert known().first_name == "Dev"


class TestDeleted:
    def test_the_local_user_is_deactivated(self, tell: Tell) -> None:
        tell("created")
        assert tell("deleted", gone()) == 204
        assert known().is_active is False

    def test_nothing_brings_them_back(
        self, tell: Tell, browse: Browse, clerk: LocalClerk, change: Any, asked: Any
    ) -> None:
        change(API_URL=asked.url)
        tell("deleted", gone("user_dev"))
        assert tell("created", user_id="user_dev") == 204
        assert tell("updated", user_id="user_dev", at=9_000) == 204
        assert [str(version) for version in ClerkUserVersion.objects.all()] == ["user_dev"]
        token = clerk.issue_session_token("user_dev", azp=SITE)  # which lives for another minute
        assert browse("/me", headers={"authorization": f"Bearer {token}"}).content == b""
        assert not User.objects.exists()

    def test_a_later_update_does_not_activate_them(self, tell: Tell) -> None:
        tell("created")
        tell("deleted", gone())
        assert tell("updated", at=9_000, first_name="Late") == 204
        assert (known().is_active, known().first_name) == (False, "Ann")

    def test_again_it_undoes_nothing_of_the_projects(self, tell: Tell) -> None:
        tell("created")
        tell("deleted", gone())
        User.objects.update(is_active=True)
        assert tell("deleted", gone()) == 204
        assert known().is_active is True

    def test_nobody_elses_user_is(self, tell: Tell) -> None:
        User.objects.create(username="user_ann")
        assert tell("deleted", gone()) == 204
        assert known().is_active is True


class TestOtherReceivers:
    """One that is given a secret may be another Clerk instance's, which must not decide on users here."""

    @pytest.fixture
    def tell_partner(self, tell: Tell, routes: Any, browse: Browse) -> Callable[[str, dict[str, Any]], int]:
        routes(
            path("webhooks/clerk", WebhookReceiver().view),
            path("partner", WebhookReceiver(STRANGERS).view),
        )

        def tell_partner(what: str, data: dict[str, Any]) -> int:
            body = an_event(f"user.{what}", data=data)
            headers = signed(body, secrets=[STRANGERS])
            return browse("/partner", "POST", headers=headers, data=body).status_code

        return tell_partner

    def test_change_nobody(self, tell: Tell, tell_partner: Any) -> None:
        assert tell("created") == 204
        assert tell_partner("updated", someone(at=9_000, email="evil@partner.example")) == 204
        assert tell_partner("deleted", gone()) == 204
        assert tell_partner("created", someone("user_eve")) == 204
        assert (known().email, known().is_active) == ("ann@example.com", True)
        assert tell("updated", at=2_000, first_name="Anna") == 204
        assert known().first_name == "Anna"


class TestADatabaseThatTakesLettersForTheSame:
    """MySQL, for one, compares text without regard to case."""

    @pytest.fixture(autouse=True)
    def _alike(self, tell: Tell) -> Iterator[None]:
        table = ClerkUserVersion._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE UNIQUE INDEX alike ON {table} (lower(clerk_user_id))")
        with register_lookup(CharField, IExact, lookup_name="exact"):
            yield

    def test_nobody_decides_on_another(self, tell: Tell, caplog: pytest.LogCaptureFixture) -> None:
        assert tell("created") == 204
        assert tell("deleted", gone("user_ANN")) == 204
        assert tell("created", user_id="user_ANN", at=9_000) == 204
        assert tell("updated", at=2_000, first_name="Anna") == 204
        assert (known().first_name, known().is_active) == ("Anna", True)
        assert [str(version) for version in ClerkUserVersion.objects.all()] == ["user_ann"]
        assert "user_ANN gets no local user, and no webhook changes one" in caplog.text

    def test_nobody_is_taken_in_for_another(
        self, tell: Tell, browse: Browse, clerk: LocalClerk, change: Any, asked: Any
    ) -> None:
        change(API_URL=asked.url)
        assert tell("created", user_id="user_DEV") == 204
        token = clerk.issue_session_token("user_dev", azp=SITE)
        assert browse("/me", headers={"authorization": f"Bearer {token}"}).content == b""
        assert known().username == "user_DEV"


class TestSettings:
    def test_several_instances_are_refused(self, settings: Any, config: Any, browse: Browse) -> None:
        settings.CLERK = {"CONFIG": lambda request: config(), "SYNC_USERS": True}
        with pytest.raises(ClerkImproperlyConfigured, match="excludes CONFIG as a function"):
            browse("/who")

    def test_the_tables_have_to_be_there(self, settings: Any, browse: Browse, change: Any) -> None:
        change()
        settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if "clerk" not in name]
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "ClerkUser" not in name]
        with pytest.raises(ClerkImproperlyConfigured, match=r"SYNC_USERS.*add 'clerk_middleware_django'"):
            browse("/who")


def test_a_database_that_fails_gets_the_message_again(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(User, "save", fail)
        assert tell("created") == 500
    assert tell("created") == 204
    assert known().first_name == "Ann"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("handler", ["wsgi"])
def test_messages_at_once_come_one_after_the_other(tell: Tell) -> None:
    moments = [*range(1_000, 1_008)]
    bodies = [an_event("user.updated", data=someone(at=at, first_name=f"at {at}")) for at in moments]
    bodies += [
        an_event("user.created", data=someone(at=900)),
        an_event("user.deleted", data=gone("user_bob")),
    ]
    bodies += [an_event("user.created", data=someone("user_bob"))] * 2
    application, ready = WSGIHandler(), Barrier(len(bodies))

    def deliver(body: str) -> int:
        pairs = [(name.encode(), value.encode()) for name, value in signed(body).items()]
        pairs.append((b"host", b"app.example.com"))
        ready.wait(20)
        try:
            return by_wsgi(application, "POST", b"/webhooks/clerk", b"", pairs, body.encode(), "").status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(bodies)) as threads:
        statuses = list(threads.map(deliver, bodies))
    assert set(statuses) == {204}
    assert User.objects.get(username="user_ann").first_name == "at 1007"
    assert not User.objects.filter(username="user_bob", is_active=True).exists()


@pytest.mark.django_db(transaction=True)
def test_the_migration_goes_back() -> None:
    from django.core.management import call_command
    from django.db import connection

    tables = connection.introspection.table_names
    assert "clerk_middleware_django_clerkuserversion" in tables()
    call_command("migrate", "clerk_middleware_django", "0001", verbosity=0)
    try:
        assert "clerk_middleware_django_clerkuserversion" not in tables()
    finally:
        call_command("migrate", "clerk_middleware_django", verbosity=0)
    call_command("makemigrations", "clerk_middleware_django", check=True, dry_run=True, verbosity=0)
