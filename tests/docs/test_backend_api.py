"""The page on Clerk's API says what is so: its examples ask a LocalClerk, and a Google of this test's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk, LocalServer

from .examples import ROOT, example
from .serving import serving

PAGE = (ROOT / "docs/backend-api.md").read_text("utf-8")
SITE = "http://testserver"
CALENDAR = "https://www.googleapis.com/auth/calendar.events"

Defined = Callable[[str], dict[str, Any]]
ClientOf = Callable[..., TestClient]


@pytest.fixture
def defined(environment: Callable[..., None], tmp_path: Path) -> Defined:
    """What the page's example that holds a text defines."""
    return lambda holds: example("backend-api.md", holds).run(tmp_path)


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """A client of an application, whose connections are closed in the end."""
    with ExitStack() as stack:
        yield lambda app, **options: stack.enter_context(TestClient(app, **options))


@pytest.fixture
def dev(instance: LocalClerk) -> dict[str, str]:
    return signed_in(instance, "user_dev")


def signed_in(instance: LocalClerk, user_id: str, azp: str = SITE) -> dict[str, str]:
    session = instance.sign_in(user_id, "blue-ridge-freight")
    return {"authorization": f"Bearer {instance.session_token(session, azp=azp)}"}


def test_the_current_user(
    defined: Defined, client_of: ClientOf, instance: LocalClerk, dev: dict[str, str]
) -> None:
    instance.update_user("user_dev", public_metadata={})
    client = client_of(defined('@app.get("/profile")')["app"])
    assert client.get("/profile", headers=dev).json() == {"name": "Dev", "plan": None}
    instance.update_user("user_dev", public_metadata={"plan": "pro"})
    assert client.get("/profile", headers=dev).json() == {"name": "Dev", "plan": "pro"}
    assert client.get("/profile").status_code == 401


@pytest.fixture
def google() -> Iterator[tuple[str, list[Any]]]:
    """Google's calendar: its URL, and what came there."""
    came: list[Any] = []

    async def events(request: Request) -> JSONResponse:
        came.append((request.headers["authorization"], await request.json()))
        return JSONResponse({"id": "event_1"})

    with serving(Starlette(routes=[Route("/events", events, methods=["POST"])])) as url:
        yield f"{url}/events", came


def test_a_meeting_in_the_users_calendar(
    defined: Defined,
    client_of: ClientOf,
    instance: LocalClerk,
    dev: dict[str, str],
    google: tuple[str, list[Any]],
) -> None:
    example = defined('@app.post("/meetings")')
    url, came = google
    example["book"].__globals__["EVENTS"] = url
    client = client_of(example["app"])

    def book() -> Any:
        return client.post("/meetings?start=2030-01-01T10:00:00Z&end=2030-01-01T11:00:00Z", headers=dev)

    wanted = {"connect": "google", "scopes": [CALENDAR]}
    assert (book().status_code, book().json()) == (409, {"detail": wanted})
    instance.set_oauth_access_token("user_dev", "google", "ya29.read", scopes=["openid"])
    assert book().status_code == 409
    assert came == []
    instance.set_oauth_access_token("user_dev", "google", "ya29.write", scopes=["openid", CALENDAR])
    assert book().json() == {"event": "event_1"}
    instance.set_oauth_access_token("user_dev", "google", None)
    [(sent, meeting)] = came
    assert sent == "Bearer ya29.write"
    assert meeting["start"] == {"dateTime": "2030-01-01T10:00:00Z"}


def test_the_members(
    defined: Defined, client_of: ClientOf, instance: LocalClerk, dev: dict[str, str]
) -> None:
    client = client_of(defined('@app.get("/members")')["app"])
    assert client.get("/members", headers=dev).status_code == 403
    members = client.get("/members", headers=signed_in(instance, "user_ada")).json()
    assert {"user_ada", "user_dev"} < set(members)


def test_a_module_of_ones_own(defined: Defined, instance: LocalClerk) -> None:
    instance.update_user("user_dev", public_metadata={"onboardingComplete": True})
    module = defined("def set_plan")
    module["set_plan"]("user_dev", "pro")
    metadata = module["clerk"].users.get(user_id="user_dev").public_metadata
    assert metadata == {"onboardingComplete": True, "plan": "pro"}
    # They are closed with the authenticator, which the example lets go.
    module["clerk"].sdk_configuration.client._connections.close()


def test_several_instances(
    defined: Defined, client_of: ClientOf, instance: LocalClerk, instance_server: LocalServer
) -> None:
    """Each is asked with its own key, and tells of its own organizations."""
    example, other = defined("TENANTS = {"), LocalClerk()
    other.create_organization("Only of B")
    with other.serve() as other_server:
        for host, clerk, server in (
            ("a.example.com", instance, instance_server),
            ("b.example.com", other, other_server),
        ):
            keys = clerk.environment(server.url)
            example["TENANTS"][host] = ClerkConfig.from_env(keys, authorized_parties=[f"https://{host}"])
        client = client_of(example["app"])
        of_a, of_b = (
            client.get("/organizations", headers={"host": f"{name}.example.com"}).json() for name in "ab"
        )
    assert of_b == of_a + 1


def test_an_account_that_is_gone(defined: Defined, client_of: ClientOf, instance: LocalClerk) -> None:
    user = instance.create_user("gone@example.com", first_name="Gone")
    headers = {"authorization": f"Bearer {instance.session_token(instance.sign_in(user.id), azp=SITE)}"}
    client = client_of(defined("def clerk_refused")["app"])
    assert client.get("/name", headers=headers).json() == {"name": "Gone"}
    instance.delete_user(user.id)
    answer = client.get("/name", headers=headers)
    assert (answer.status_code, answer.text) == (401, "This account is gone.")


def test_a_clerk_that_does_not_answer(
    environment: Callable[..., None],
    defined: Defined,
    client_of: ClientOf,
    instance: LocalClerk,
    dev: dict[str, str],
) -> None:
    environment(CLERK_API_URL="http://127.0.0.1:1", CLERK_JWT_KEY=instance.jwt_key)
    client = client_of(defined("def clerk_refused")["app"])
    assert client.get("/name", headers=dev).status_code == 503


def test_what_goes_wrong_is_named_as_it_is_raised() -> None:
    """The words of the table are those of the messages."""
    sources = "".join(
        (ROOT / "clerk_middleware" / path).read_text("utf-8")
        for path in (
            "auth_base.py",
            "clerk_access.py",
            "event_loops.py",
            "backend/resources.py",
            "backend/official.py",
            "backend/official_calls.py",
        )
    )
    told = re.sub(r'"\s*\n\s*f?"', "", sources)
    for words in (
        "pip install 'clerk-middleware[backend]'",
        "takes a secret key",
        "did not answer: ",
        "in any other thread use an",
        "would block the event loop",
        "only an authenticated request can ask Clerk",
        "that clerk-backend-api can read",
    ):
        assert words in told
        assert words.removeprefix("takes ") in PAGE
