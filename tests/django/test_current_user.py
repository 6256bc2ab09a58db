"""`get_user` and `get_oauth_access_token` in views of either kind under either handler: over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_django import get_auth
from clerk_middleware_django.test import AsyncClerkClient, ClerkClient

from ..social_accounts import CALENDAR, KNOWN, Asked, adescribed, described, refused, signed_in
from .conftest import Browse


def synchronous(request: HttpRequest) -> HttpResponse:
    return JsonResponse(described(get_auth(request)))


async def asynchronous(request: HttpRequest) -> HttpResponse:
    return JsonResponse(await adescribed(get_auth(request)))


async def blocking(request: HttpRequest) -> HttpResponse:
    return HttpResponse(refused(get_auth(request)))


@pytest.fixture
def asked(
    clerk: LocalClerk, backend_api: LocalServer, clerk_settings: Callable[..., None]
) -> Iterator[Asked]:
    clerk_settings(API_URL=backend_api.url)
    with signed_in(clerk) as asked:
        yield asked


@pytest.mark.parametrize("view", [synchronous, asynchronous])
def test_the_user_is_known_and_asked_for_once(view: Any, browse: Browse, routes: Any, asked: Asked) -> None:
    routes(path("", view))
    for number in (1, 2):
        response: Any = browse("/", headers=asked.headers)
        assert response.json() == KNOWN
        assert asked.times == (number, number)


@pytest.mark.parametrize("handler", ["asgi"], indirect=True)
def test_what_would_block_the_event_loop_is_refused(browse: Browse, routes: Any, asked: Asked) -> None:
    routes(path("", blocking))
    response: Any = browse("/", headers=asked.headers)
    assert "await auth.aget_user()" in response.content.decode()
    assert asked.times == (0, 0)


def test_the_test_client_says_who_it_is(routes: Any) -> None:
    """With neither Clerk nor the network."""
    routes(path("", synchronous), path("async", asynchronous))
    client = ClerkClient()
    client.clerk_login("user_ann", email="dev@blueridge.example", accounts={"google": ["openid", CALENDAR]})
    for page in ("/", "/async"):
        answer = client.get(page, secure=True).json()
        assert answer == KNOWN | {"google": "token_of_user_ann_at_google"}


def test_so_does_the_asynchronous_one(routes: Any) -> None:
    routes(path("", synchronous), path("async", asynchronous))
    client = AsyncClerkClient()
    client.clerk_login("user_ann", email="dev@blueridge.example", accounts={"google": ["openid", CALENDAR]})

    async def answer(page: str) -> Any:
        return (await client.get(page, secure=True)).json()

    for page in ("/", "/async"):
        assert async_to_sync(answer)(page) == KNOWN | {"google": "token_of_user_ann_at_google"}
