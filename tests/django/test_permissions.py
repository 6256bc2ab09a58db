"""``user.has_perm("org:teams:manage")``: from the session, and for its request only."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import authenticate, get_user
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.context_processors import PermWrapper
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path
from django.views import View

from clerk_middleware_django.backends import ClerkBackend
from clerk_middleware_django.models import ClerkIdentity

from .conftest import Browse

pytestmark = pytest.mark.django_db

Headers = dict[str, str]

HELD = "org:dispatcher:assign_drivers"
LACKED = "org:teams:manage"


@pytest.fixture(autouse=True)
def dev() -> User:
    user = User.objects.create_user("dev")
    ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
    return user


@pytest.fixture
def answer(browse: Browse, routes: Any, dispatcher: Headers) -> Callable[..., Any]:
    """What a view finds of the user, asked once synchronously and once asynchronously."""

    def of(ask: Callable[[Any], Any], headers: Headers | None = None) -> Any:
        def sync(request: HttpRequest) -> HttpResponse:
            return JsonResponse({"found": ask(request.user)})

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            return JsonResponse({"found": await sync_to_async(ask)(await request.auser())})

        routes(path("sync", sync), path("async", asynchronous))
        given = dispatcher if headers is None else headers
        first, second = (browse(f"/{kind}", headers=given).json()["found"] for kind in ("sync", "async"))  # type: ignore[attr-defined]
        assert first == second
        return first

    return of


def loaded(user: Any) -> Any:
    """The user itself: ``request.user`` stands for one who is loaded when first needed."""
    assert user.pk
    return getattr(user, "_wrapped", user)


class TestAUser:
    def test_has_the_permissions_of_the_session(self, answer: Any) -> None:
        assert answer(lambda user: [user.has_perm(HELD), user.has_perm(LACKED)]) == [True, False]

    def test_has_several_or_not(self, answer: Any) -> None:
        both = [HELD, "org:dispatcher:create_edit_loads"]
        assert answer(lambda user: [user.has_perms(both), user.has_perms([HELD, LACKED])]) == [True, False]

    def test_has_them_asked_asynchronously(self, browse: Browse, routes: Any, dispatcher: Headers) -> None:
        async def view(request: HttpRequest) -> HttpResponse:
            user: Any = await request.auser()
            return JsonResponse(
                {
                    "one": [await user.ahas_perm(HELD), await user.ahas_perm(LACKED)],
                    "several": [await user.ahas_perms([HELD]), await user.ahas_perms([HELD, LACKED])],
                    "all": sorted(await user.aget_all_permissions()),
                    "own": sorted(await user.aget_user_permissions()),
                    "module": [await user.ahas_module_perms(HELD), await user.ahas_module_perms(LACKED)],
                }
            )

        routes(path("", view))
        response: Any = browse("/", headers=dispatcher)
        found = response.json()
        assert found["one"] == found["several"] == found["module"] == [True, False]
        assert found["all"] == found["own"]
        assert HELD in found["all"]

    def test_has_all_of_them_listed(self, answer: Any) -> None:
        every = answer(lambda user: [sorted(user.get_all_permissions()), sorted(user.get_user_permissions())])
        assert every[0] == every[1]
        assert HELD in every[0]
        assert all(name.startswith("org:dispatcher:") for name in every[0])

    def test_has_them_in_the_active_organization_only(self, answer: Any, signed_in: Any) -> None:
        assert answer(lambda user: user.has_perm(HELD), signed_in("user_dev"))
        assert not answer(lambda user: user.has_perm(HELD), signed_in("user_dev", organization=None))

    def test_has_django_permissions_as_ever(self, answer: Any, dev: User) -> None:
        dev.user_permissions.add(Permission.objects.get(codename="add_user"))
        found = answer(
            lambda u: [u.has_perm("auth.add_user"), u.has_perm("auth.view_user"), u.has_perm(HELD)]
        )
        assert found == [True, False, True]

    def test_has_none_for_a_single_object(self, answer: Any, dev: User) -> None:
        found = answer(
            lambda u: [u.has_perm(HELD, dev), u.has_perms([HELD], dev), sorted(u.get_all_permissions(dev))]
        )
        assert found == [False, False, []]

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "org:",
            ":",
            "dispatcher",
            "org:dispatcher",
            HELD.upper(),
            "org:dispatcher:*",
            "\x00",
            "auth.add_user",
        ],
    )
    def test_has_none_of_any_other_name(self, name: str, answer: Any) -> None:
        assert not answer(lambda user: user.has_perm(name))

    def test_is_let_in_by_djangos_own_decorator_and_mixin(
        self, browse: Browse, routes: Any, dispatcher: Headers, admin: Headers
    ) -> None:
        class Page(PermissionRequiredMixin, View):
            permission_required = HELD
            raise_exception = True

            def get(self, request: HttpRequest) -> HttpResponse:
                return HttpResponse()

        ada = User.objects.create_user("ada")
        ClerkIdentity.objects.create(user=ada, clerk_user_id="user_ada")
        view = permission_required(HELD, raise_exception=True)(lambda request: HttpResponse())
        routes(path("view", view), path("page", Page.as_view()))
        for target in ("/view", "/page"):
            assert [browse(target, headers=h).status_code for h in (dispatcher, admin)] == [200, 403]

    def test_has_them_in_templates(self, answer: Any) -> None:
        template = engines["django"].from_string(
            f'{{% if "{HELD}" in perms %}}held{{% endif %}} {{% if "{LACKED}" in perms %}}lacked{{% endif %}}'
        )

        def rendered(user: Any) -> str:
            return template.render({"perms": PermWrapper(user)})

        assert answer(rendered) == "held "

    def test_has_nothing_when_inactive(
        self, dev: User, browse: Browse, routes: Any, dispatcher: Headers
    ) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            user: Any = request.user
            before = user.has_perm(HELD)
            user.is_active = False
            every = user.get_all_permissions()
            return JsonResponse(
                {"found": [before, user.has_perm(HELD), user.has_module_perms("org"), sorted(every)]}
            )

        routes(path("", view))
        response: Any = browse("/", headers=dispatcher)
        assert response.json()["found"] == [True, False, False, []]

    def test_may_all_as_a_superuser_and_lists_what_the_session_has(self, dev: User, answer: Any) -> None:
        User.objects.update(is_superuser=True)
        found = answer(
            lambda u: [u.has_perm(LACKED), u.has_perm("auth.add_user"), LACKED in u.get_all_permissions()]
        )
        assert found == [True, True, False]


class TestThisRequestOnly:
    def test_another_requests_user_has_their_own(
        self, routes: Any, client: Any, dispatcher: Headers, signed_in: Any
    ) -> None:
        kept: list[Any] = []

        def view(request: HttpRequest) -> HttpResponse:
            request.user.is_active  # noqa: B018  # loads it
            kept.append(request.user)
            return HttpResponse()

        routes(path("", view))
        client.get("/", headers=dispatcher)
        client.get("/", headers=signed_in("user_dev", organization=None))
        first, second = kept
        assert first == second
        assert (first.has_perm(HELD), second.has_perm(HELD)) == (True, False)

    @pytest.mark.parametrize(
        "carried",
        [
            lambda user: pickle.loads(pickle.dumps(user)),  # noqa: S301
            copy.deepcopy,
            lambda user: (cache.set("user", user), cache.get("user"))[1],
        ],
        ids=["pickled", "deeply copied", "cached"],
    )
    def test_a_copy_has_none(self, carried: Any, answer: Any) -> None:
        def of(user: Any) -> Any:
            other = carried(loaded(user))
            return [
                other == user,
                other.has_perm(HELD),
                sorted(other.get_all_permissions()),
                user.has_perm(HELD),
            ]

        assert answer(of) == [True, False, [], True]

    def test_a_pickle_holds_no_token(self, answer: Any, dispatcher: Headers) -> None:
        token = dispatcher["authorization"][7:]
        assert answer(lambda user: token.encode() in pickle.dumps(loaded(user))) is False

    def test_the_user_from_the_database_has_none(self, dev: User, answer: Any) -> None:
        assert answer(lambda user: user.has_perm(HELD))
        fresh = User.objects.get(pk=dev.pk)
        assert not fresh.has_perm(HELD)
        assert fresh.get_all_permissions() == set()

    def test_a_user_of_no_kind_has_none(self) -> None:
        from django.contrib.auth.models import AnonymousUser

        assert not AnonymousUser().has_perm(HELD)
        assert not ClerkBackend().has_perm(object(), HELD)


class TestTheBackend:
    def test_authenticates_the_requests_own_user_and_nothing_else(
        self, browse: Browse, routes: Any, dispatcher: Headers, dev: User
    ) -> None:
        dev.set_password("right")
        dev.save()

        def view(request: HttpRequest) -> HttpResponse:
            given: list[Any] = [
                authenticate(request),
                authenticate(request, username="dev", password="wrong"),
                authenticate(request, token="anything"),
                authenticate(None),
                ClerkBackend().authenticate(request, username="dev", password="right"),
            ]
            return JsonResponse({"found": [user and user.username for user in given]})

        routes(path("", view))
        response: Any = browse("/", headers=dispatcher)
        assert response.json()["found"] == ["dev", None, None, None, None]
        response = browse("/")
        assert response.json()["found"] == [None] * 5

    def test_does_so_asynchronously(self, browse: Browse, routes: Any, dispatcher: Headers) -> None:
        from django.contrib.auth import aauthenticate

        async def view(request: HttpRequest) -> HttpResponse:
            given = [await aauthenticate(request), await aauthenticate(request, username="dev", password="x"),
                     await ClerkBackend().aauthenticate(None)]  # fmt: skip
            return JsonResponse({"found": [getattr(user, "username", None) for user in given]})

        routes(path("", view))
        response: Any = browse("/", headers=dispatcher)
        assert response.json()["found"] == ["dev", None, None]
        response = browse("/")
        assert response.json()["found"] == [None] * 3

    def test_authenticates_nobody_where_the_middleware_did_not_run(
        self, rf: Any, dispatcher: Headers
    ) -> None:
        assert ClerkBackend().authenticate(rf.get("/", headers=dispatcher)) is None

    def test_gives_djangos_session_nobody(self, dev: User, client: Any, rf: Any) -> None:
        assert ClerkBackend().get_user(dev.pk) is None
        assert async_to_sync(ClerkBackend().aget_user)(dev.pk) is None
        client.force_login(dev, backend="clerk_middleware_django.backends.ClerkBackend")
        request = rf.get("/")
        request.session = client.session
        assert get_user(request).is_anonymous

    def test_is_one_of_djangos(self) -> None:
        assert isinstance(ClerkBackend(), BaseBackend)
