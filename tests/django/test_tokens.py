"""Tokens for other services, from JWT templates, in views of either kind under either handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from clerk_middleware import ClerkError
from clerk_middleware.local import LocalClerk
from clerk_middleware_django import get_session
from clerk_middleware_django.runtime import current

from .conftest import SITE, Asked, Browse


def by_get_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_session(request).get_token(template="neon"))


async def by_aget_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await get_session(request).aget_token(template="neon"))


async def by_get_token_on_the_event_loop(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_session(request).get_token(template="neon"))


@pytest.fixture
def signed_in_for_long(
    clerk: LocalClerk, asked: Asked, clerk_settings: Callable[..., None]
) -> dict[str, str]:
    """A session that LocalClerk knows, so that it issues tokens for it."""
    clerk_settings(API_URL=asked.url)
    session = clerk.sign_in("user_dev", "blue-ridge-freight")
    return {"authorization": f"Bearer {clerk.session_token(session, azp=SITE)}"}


@pytest.mark.parametrize("view", [by_get_token, by_aget_token])
def test_are_issued(view: Any, browse: Browse, routes: Any, signed_in_for_long: dict[str, str]) -> None:
    routes(path("", view))
    response: Any = browse("/", headers=signed_in_for_long)
    claims = jwt.decode(response.content.decode(), options={"verify_signature": False})
    assert claims["user.id"] == "user_dev"


@pytest.mark.parametrize("handler", ["asgi"], indirect=True)
def test_are_not_waited_for_on_the_event_loop(
    browse: Browse, routes: Any, signed_in_for_long: dict[str, str]
) -> None:
    routes(path("", by_get_token_on_the_event_loop))
    with pytest.raises(ClerkError, match=r"await auth\.aget_token\(template="):
        browse("/", headers=signed_in_for_long)


def test_settings_may_change_before_any_request(settings: Any, dispatcher: dict[str, str]) -> None:
    current()
    for parties in (["https://elsewhere.example.com"], [SITE]):  # the second time there is nothing to forget
        settings.CLERK = {**settings.CLERK, "AUTHORIZED_PARTIES": parties}
    assert Client().get("/who", headers=dispatcher).json()["user_id"] == "user_dev"


def test_a_project_needs_no_drf_spectacular(settings: Any) -> None:
    from django.apps import apps

    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "drf_spectacular"]
    apps.get_app_config("clerk_middleware_django").ready()
