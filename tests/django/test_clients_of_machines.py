"""`ClerkClient` and `AsyncClerkClient` as machines, as a project's tests use them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.test import SimpleTestCase
from django.urls import path

from clerk_middleware import ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware_django import get_auth, protect, require_auth, require_scope
from clerk_middleware_django.requests import state_of
from clerk_middleware_django.test import AsyncClerkClient, ClerkClient

Settings = Callable[..., None]
TYPES: list[Any] = ["api_key", "m2m_token", "oauth_token"]


def who(request: HttpRequest) -> HttpResponse:
    auth, state = get_auth(request), state_of(request)
    assert state is not None
    claims: Any = getattr(auth, "claims", None)
    return JsonResponse(
        {
            "type": auth.token_type if auth.is_authenticated else None,
            "subject": getattr(auth, "subject", None),
            "user": auth.user_id,
            "org": auth.org_id,
            "scopes": auth.scopes,
            "depot": claims and claims.get("depot"),
            "name": getattr(auth, "name", None),
            "client": getattr(auth, "client_id", None),
            "token": auth.get_token(),
            "reason": state.reason,
        }
    )


@require_scope("read:loads", accepts_token=["api_key", "oauth_token"])
def loads(request: HttpRequest) -> HttpResponse:
    return HttpResponse("loads")


@require_auth(accepts_token="m2m_token")
def sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse("synced")


@protect(token=["session_token", "api_key"], permission="org:loads:read", scope="read:loads")
def either(request: HttpRequest) -> HttpResponse:
    return HttpResponse("either")


@require_auth
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


urlpatterns = [
    path("", who),
    path("loads", loads),
    path("sync", sync),
    path("either", either),
    path("page", page),
    path("redirect", lambda request: HttpResponseRedirect("/loads")),
]


class Machine:
    """One of the clients, with requests that need not be awaited."""

    def __init__(self, client: ClerkClient | AsyncClerkClient) -> None:
        self.client = client
        self.login = client.clerk_login_machine

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
        return {
            name: value for name, value in response.json().items() if value is not None and name != "token"
        }

    def token(self) -> Any:
        return self.send().json()["token"]


@pytest.fixture(autouse=True)
def project(settings: Any, clerk_settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    clerk_settings(ACCEPTS_TOKEN="any")


@pytest.fixture(params=[ClerkClient, AsyncClerkClient])
def connect(request: pytest.FixtureRequest) -> Callable[..., Machine]:
    return lambda **options: Machine(request.param(**options))


@pytest.fixture
def machine(connect: Callable[..., Machine]) -> Machine:
    return connect()


def test_an_api_key_of_a_user(machine: Machine) -> None:
    machine.login(
        "api_key", subject="user_ann", scopes=["read:loads"], claims={"depot": 7}, name="Dispatch board"
    )
    for _ in range(2):
        assert machine.who() == {
            "type": "api_key",
            "subject": "user_ann",
            "user": "user_ann",
            "scopes": ["read:loads"],
            "depot": 7,
            "name": "Dispatch board",
        }


def test_an_api_key_of_an_organization(machine: Machine) -> None:
    machine.login("api_key", subject="org_acme")
    known = machine.who()
    assert (known["org"], known["scopes"], known.get("user")) == ("org_acme", [], None)


def test_a_machine(machine: Machine) -> None:
    machine.login("m2m_token", subject="mch_7", scopes=["mch_api"], claims={"depot": 7})
    known = {"type": "m2m_token", "subject": "mch_7", "scopes": ["mch_api"], "depot": 7}
    assert machine.who() == known


def test_an_oauth_client(machine: Machine) -> None:
    machine.login("oauth_token", subject="user_ann", scopes=["profile"], client_id="client_7")
    assert machine.who() == {
        "type": "oauth_token",
        "subject": "user_ann",
        "user": "user_ann",
        "scopes": ["profile"],
        "client": "client_7",
    }


@pytest.mark.parametrize("token_type", ["api_key", "oauth_token"])
def test_what_a_machine_may_do(machine: Machine, token_type: Any) -> None:
    assert machine.send("/loads").status_code == 401
    machine.login(token_type, scopes=["write:loads"])
    response = machine.send("/loads")
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    machine.login(token_type, scopes=iter(["read:loads"]))
    for _ in range(2):
        assert machine.send("/loads").content == b"loads"
    assert machine.send("/page").status_code == 401
    machine.client.clerk_logout()
    assert machine.send("/loads").status_code == 401


def test_a_route_of_the_instances_machines(machine: Machine) -> None:
    machine.login("api_key")
    assert machine.send("/sync").status_code == 401
    machine.login("m2m_token")
    assert machine.send("/sync").content == b"synced"
    assert machine.send("/loads").status_code == 401


def test_a_route_of_users_and_machines(machine: Machine) -> None:
    machine.login("api_key", scopes=["read:loads"])
    assert machine.send("/either").content == b"either"
    machine.client.clerk_login(permissions=["org:loads:read"])
    assert machine.send("/either").content == b"either"
    machine.login("oauth_token", scopes=["read:loads"])
    assert machine.send("/either").status_code == 401


@pytest.mark.parametrize("header", [False, True])
def test_a_machine_takes_the_place_of_a_user(machine: Machine, header: bool) -> None:
    machine.client.clerk_login("user_ann", header=header)
    machine.login("api_key", subject="user_bob")
    assert not machine.client.cookies
    assert machine.who()["user"] == "user_bob"
    machine.client.clerk_login("user_cat", header=header)
    known = machine.who()
    assert (known["type"], known["user"]) == ("session_token", "user_cat")


@pytest.mark.django_db
@pytest.mark.parametrize("token_type", TYPES)
def test_djangos_own_logout_ends_it(machine: Machine, token_type: Any) -> None:
    machine.login(token_type)
    assert machine.who()["type"] == token_type
    if isinstance(machine.client, ClerkClient):
        machine.client.logout()
    else:
        async_to_sync(machine.client.alogout)()
    assert "type" not in machine.who()


@pytest.mark.parametrize("token_type", TYPES)
def test_a_machine_outlives_its_first_token(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, token_type: Any
) -> None:
    machine.login(token_type)
    first = machine.token()
    later = time.time() + 3 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert machine.who()["type"] == token_type
    assert (machine.token() == first) is (token_type == "api_key")


@pytest.mark.parametrize("token_type", TYPES)
def test_a_header_of_ones_own_goes_before(connect: Callable[..., Machine], token_type: Any) -> None:
    own = {"authorization": "Bearer ak_unknown"}
    for machine in (connect(), connect(headers=own)):
        machine.login(token_type)
        # Django's asynchronous client has no headers for all requests.
        known = machine.who(headers=own) if machine.client.headers is None else machine.who()
        assert known == {"reason": "token-invalid", "scopes": []}
    machine = connect()
    machine.login(token_type)
    machine.send(headers=own)
    assert machine.who()["type"] == token_type


def test_a_key_of_another_client_is_unknown(connect: Callable[..., Machine]) -> None:
    one, other = connect(), connect()
    one.login("api_key")
    headers = {"authorization": f"Bearer {one.token()}"}
    assert other.who(headers=headers) == {"reason": "token-invalid", "scopes": []}


@pytest.mark.parametrize("token_type", TYPES)
def test_a_machine_cannot_be_forged(connect: Callable[..., Machine], token_type: Any) -> None:
    machine = connect(enforce_csrf_checks=True)
    machine.login(token_type)
    assert machine.send("/", "POST").status_code == 200


def test_a_project_that_accepts_no_machines(machine: Machine, clerk_settings: Settings) -> None:
    """It refuses them, as its test may want to see; a view that wants them says what to set."""
    clerk_settings()
    machine.login("api_key", scopes=["read:loads"])
    assert "type" not in machine.who()
    assert machine.send("/page").status_code == 401
    with pytest.raises(ConfigurationError, match=r"requires .*, which the application does not accept: set"):
        machine.send("/loads")


def test_a_project_without_keys(machine: Machine, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLERK_SECRET_KEY", raising=False)
    settings.CLERK = {"ACCEPTS_TOKEN": ["m2m_token"]}
    machine.login("m2m_token")
    assert machine.who()["subject"] == "mch_test"


def test_a_token_is_for_the_projects_own_machine_and_audience(
    machine: Machine, clerk_settings: Settings
) -> None:
    clerk_settings(ACCEPTS_TOKEN="any", MACHINE_ID="mch_api", AUDIENCE=["mch_api"])
    machine.login("m2m_token")
    assert machine.who()["scopes"] == ["mch_api"]
    machine.login("m2m_token", scopes=["mch_other"])
    assert machine.who() == {"reason": "token-verification-failed", "scopes": []}
    machine.login("oauth_token")
    assert machine.who()["type"] == "oauth_token"


def config_for(request: ClerkRequest) -> ClerkConfig:
    machine = f"mch_{request.url.hostname.partition('.')[0]}"
    return ClerkConfig(secret_key="sk_test_x", accepts_token="any", machine_id=machine, audience=[machine])


@pytest.mark.parametrize("token_type", TYPES)
def test_a_project_with_several_instances(machine: Machine, settings: Any, token_type: Any) -> None:
    settings.CLERK = {"CONFIG": config_for}
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    settings.USE_X_FORWARDED_HOST = True
    machine.login(token_type)
    for host in ("one.example", "two.example", "one.example"):
        known = machine.who(headers={"x-forwarded-host": host})
        assert known["type"] == token_type
        assert known["scopes"] == ([f"mch_{host[:3]}"] if token_type == "m2m_token" else [])
    assert machine.send(headers={"x-forwarded-host": "three.example"}).status_code == 400


def test_a_login_that_cannot_be_leaves_the_first(machine: Machine) -> None:
    machine.client.clerk_login("user_ann")
    with pytest.raises(ConfigurationError, match="subject: an M2M token is of a machine, mch_…; 'user_1' is"):
        machine.login("m2m_token", subject="user_1")
    unknown: Any = "apikey"
    with pytest.raises(ConfigurationError, match=r"token_type: must be one of .*, not 'apikey'"):
        machine.login(unknown)
    assert machine.who()["user"] == "user_ann"


def test_redirects_are_followed() -> None:
    client = ClerkClient()
    client.clerk_login_machine("api_key", scopes=["read:loads"])
    assert client.get("/redirect", follow=True).content == b"loads"


class MachineOfATestCase(SimpleTestCase):
    client_class = ClerkClient
    client: ClerkClient
    async_client_class = AsyncClerkClient
    async_client: AsyncClerkClient

    def test_the_client(self) -> None:
        self.client.clerk_login_machine("api_key", scopes=["read:loads"])
        self.assertContains(self.client.get("/loads"), "loads")

    async def test_the_asynchronous_client(self) -> None:
        self.async_client.clerk_login_machine("api_key", scopes=["read:loads"])
        self.assertContains(await self.async_client.get("/loads"), "loads")
