"""Many first requests of one new user at the same moment: one of them creates the row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django_project.wire import Received, by_asgi, by_wsgi

from clerk_middleware.local import LocalClerk
from clerk_middleware_django.models import ClerkIdentity
from clerk_middleware_django.runtime import current

from .conftest import SITE, Asked

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 20


def by_user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.user.pk}")


async def by_auser(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{(await request.auser()).pk}")


@pytest.fixture
def at_once(handler: str, routes: Any, clerk: LocalClerk) -> Callable[..., list[Received]]:
    """Send requests at once: to WSGI in a thread each, to ASGI in a task each."""
    routes(path("sync", by_user), path("async", by_auser))

    def send(users: list[str], view: str, claims: dict[str, Any]) -> list[Received]:
        headers = []
        for user in users:
            token = clerk.issue_session_token(user, azp=SITE, claims=claims)
            headers.append([(b"host", b"app.example.com"), (b"authorization", f"Bearer {token}".encode())])
        if handler == "wsgi":
            wsgi, ready = WSGIHandler(), Barrier(len(users))

            def ask(pairs: Any) -> Received:
                ready.wait()
                return by_wsgi(wsgi, "GET", view.encode(), b"", pairs, b"", "")

            with ThreadPoolExecutor(len(users)) as threads:
                return list(threads.map(ask, headers))

        async def ask_all() -> list[Received]:
            asgi = ASGIHandler()
            requests = [by_asgi(asgi, "GET", view.encode(), b"", pairs, b"", "") for pairs in headers]
            answers = await asyncio.gather(*requests)
            await current().async_authenticator.aclose()
            await asyncio.sleep(0)
            return answers

        return asyncio.run(ask_all())

    return send


VERIFIED = {"email": "dev@blueridge.example", "email_verified": True}


@pytest.mark.parametrize("source", ["claims", "Backend API"])
@pytest.mark.parametrize(
    ("handler", "view"), [("wsgi", "/sync"), ("wsgi", "/async"), ("asgi", "/async")], indirect=["handler"]
)
def test_first_requests_of_one_user_make_one_row(
    source: str, view: str, at_once: Any, asked: Asked, clerk_settings: Any
) -> None:
    clerk_settings(CREATE_USERS=True, API_URL=asked.url)
    answers = at_once(["user_dev"] * REQUESTS, view, VERIFIED if source == "claims" else {})
    user = User.objects.get()
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {str(user.pk).encode()}
    assert ClerkIdentity.objects.get().user == user
    assert bool(asked.users) == (source == "Backend API")


def test_first_requests_of_one_user_link_once(
    handler: str, at_once: Any, asked: Asked, clerk_settings: Any
) -> None:
    clerk_settings(CREATE_USERS=True, LINK_BY_VERIFIED_EMAIL=True, API_URL=asked.url)
    local = User.objects.create_user("old-dev", "dev@blueridge.example")
    answers = at_once(["user_dev"] * REQUESTS, "/async" if handler == "asgi" else "/sync", {})
    assert {answer.body for answer in answers} == {str(local.pk).encode()}
    assert (User.objects.count(), ClerkIdentity.objects.count()) == (1, 1)


def test_one_local_user_is_never_linked_to_two(
    handler: str, at_once: Any, asked: Asked, clerk_settings: Any
) -> None:
    clerk_settings(LINK_BY_VERIFIED_EMAIL=True, API_URL=asked.url)
    local = User.objects.create_user("old-dev", "shared@example.com")
    users = [asked.add_user(f"user_{n}", email="shared@example.com") for n in range(8)]
    answers = at_once(users, "/async" if handler == "asgi" else "/sync", {})
    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.body for answer in answers) == sorted([str(local.pk).encode()] + [b"None"] * 7)
    assert ClerkIdentity.objects.get().user == local


def test_users_who_come_at_once_get_a_row_each(
    handler: str, at_once: Any, asked: Asked, clerk_settings: Any
) -> None:
    clerk_settings(CREATE_USERS=True, API_URL=asked.url)
    users = [asked.add_user(f"user_{n}", email=f"{n}@example.com") for n in range(10)]
    answers = at_once(users * 2, "/async" if handler == "asgi" else "/sync", {})
    assert {answer.status for answer in answers} == {200}
    assert User.objects.count() == ClerkIdentity.objects.count() == 10
    assert [answer.body for answer in answers[:10]] == [answer.body for answer in answers[10:]]
