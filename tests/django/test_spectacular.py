"""What drf-spectacular's documents say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import path
from django_project.rest import view
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework import permissions as of_drf
from rest_framework.authentication import BasicAuthentication

from clerk_middleware_django.drf import (
    ClerkAuthentication,
    HasPermission,
    HasReverification,
    HasRole,
    HasScope,
    HasToken,
    IsSignedIn,
    Protect,
)
from clerk_middleware_django.spectacular import ClerkAutoSchema

EITHER = [{"ClerkSessionToken": []}, {"ClerkSessionCookie": []}]


@pytest.fixture
def document() -> Callable[..., Any]:
    """The document of an API of one view."""

    def make(*permissions: Any, **attributes: Any) -> Any:
        attributes.setdefault("schema", ClerkAutoSchema())
        asked = view(*permissions, **{"http_method_names": ["get"], **attributes})
        GENERATOR_STATS.reset()
        made = SchemaGenerator(patterns=[path("page", asked)]).get_schema(request=None, public=True)
        validate_schema(made)
        assert not any("authenticator" in text for text in GENERATOR_STATS._warn_cache)
        return made

    return make


def operation(document: Any) -> Any:
    return document["paths"]["/page"]["get"]


class Passes(of_drf.BasePermission):
    pass


def test_a_token_or_the_cookie_authenticates(document: Callable[..., Any]) -> None:
    made = document(IsSignedIn)
    assert operation(made)["security"] == EITHER
    assert made["components"]["securitySchemes"] == {
        "ClerkSessionToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A Clerk session token.",
        },
        "ClerkSessionCookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__session",
            "description": "Clerk's session cookie.",
        },
    }


def test_so_it_does_where_the_class_is_derived(document: Callable[..., Any]) -> None:
    class Named(ClerkAuthentication):
        pass

    made = document(authenticators=[Named, BasicAuthentication])
    assert operation(made)["security"] == [*EITHER, {"basicAuth": []}]


def test_nobody_need_be_signed_in_for_what_is_open(document: Callable[..., Any]) -> None:
    assert operation(document(of_drf.AllowAny))["security"] == [*EITHER, {}]


API_KEY = {"type": "http", "scheme": "bearer", "bearerFormat": "ak_…", "description": "A Clerk API key."}


@pytest.mark.parametrize(
    ("permission", "names"),
    [
        (HasToken("api_key"), ["ClerkAPIKey"]),
        (HasScope("read:loads"), ["ClerkAPIKey", "ClerkM2MToken", "ClerkOAuthToken"]),
        (
            HasToken(["oauth_token", "session_token"]),
            ["ClerkSessionToken", "ClerkSessionCookie", "ClerkOAuthToken"],
        ),
        (IsSignedIn | HasToken("api_key"), ["ClerkSessionToken", "ClerkSessionCookie", "ClerkAPIKey"]),
        (HasToken("api_key") & Passes, ["ClerkAPIKey"]),
        (~HasToken("m2m_token"), ["ClerkM2MToken"]),
        (
            HasToken("any"),
            ["ClerkSessionToken", "ClerkSessionCookie", "ClerkAPIKey", "ClerkM2MToken", "ClerkOAuthToken"],
        ),
    ],
)
def test_the_tokens_are_those_that_are_accepted(
    permission: Any, names: list[str], document: Callable[..., Any]
) -> None:
    made = document(permission)
    assert operation(made)["security"] == [{name: []} for name in names]
    schemes = made["components"]["securitySchemes"]
    assert sorted(schemes) == sorted(names)
    if "ClerkAPIKey" in names:
        assert schemes["ClerkAPIKey"] == API_KEY
    for name in names:
        assert schemes[name]["description"].startswith(("A Clerk ", "Clerk's ", "An OAuth access token"))


def test_views_do_not_mix_their_tokens(document: Callable[..., Any]) -> None:
    assert operation(document(HasToken("api_key")))["security"] == [{"ClerkAPIKey": []}]
    assert operation(document(IsSignedIn))["security"] == EITHER
    assert operation(document(Passes))["security"] == EITHER


@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        ([IsSignedIn], "a signed-in user"),
        ([HasPermission("org:teams:manage")], "the permission `org:teams:manage`"),
        ([HasRole("org:admin"), Protect(plan="pro")], "the role `org:admin` and the plan `pro`"),
        ([HasReverification()], "a verification (second factor) in the last 10 minutes"),
        (
            [HasReverification({"level": "first_factor", "after_minutes": 2.5})],
            "a verification (first factor) in the last 2.5 minutes",
        ),
        (
            [Protect(lambda auth: True, role="org:admin")],
            "the role `org:admin` and what the application decides by the session",
        ),
        ([HasToken("api_key")], "an API key"),
        ([HasToken(["session_token", "m2m_token"])], "a signed-in user, or an M2M token"),
        (
            [HasScope("a", "b", accepts_token=["api_key", "oauth_token"])],
            "an API key or an OAuth token with the scope `a` and the scope `b`",
        ),
        (
            [Protect(token=["api_key", "session_token"], role="r", scope="s", reverification="lax")],
            "a signed-in user with the role `r` and a verification (second factor) in the last 1440 minutes, "
            "or an API key with the scope `s`",
        ),
        (
            [Protect(lambda auth: True, token="m2m_token")],
            "an M2M token, and what the application decides by the token",
        ),
        (
            [Protect(lambda auth: True, role="a", reverification="lax")],
            "the role `a` and what the application decides by the session and a verification (second factor) "
            "in the last 1440 minutes",
        ),
        ([HasRole("a") & HasRole("b") & Passes], "the role `a` and the role `b`"),
        ([HasRole("a") | Passes], "(the role `a` or what Passes asks)"),
        ([Passes | HasRole("a")], "(what Passes asks or the role `a`)"),
        ([~HasRole("a"), Passes], "not (the role `a`)"),
        ([~(HasRole("a") | HasRole("b"))], "not ((the role `a` or the role `b`))"),
    ],
)
def test_what_is_required_is_told(permissions: Any, words: str, document: Callable[..., Any]) -> None:
    assert operation(document(*permissions))["description"] == f"Requires {words}."
    described = operation(document(*permissions, __doc__="The teams."))["description"]
    assert described == f"The teams.\n\nRequires {words}."


@pytest.mark.parametrize("permission", [Passes, Passes | Passes, ~Passes, Passes & Passes])
def test_nothing_is_told_of_other_permissions(permission: Any, document: Callable[..., Any]) -> None:
    assert "description" not in operation(document(permission))
    assert operation(document(permission, __doc__="The teams."))["description"] == "The teams."


def test_a_project_need_not_say_that_it_is_there() -> None:
    program = (
        "import django; django.setup();"
        "from drf_spectacular.extensions import OpenApiAuthenticationExtension as Extension;"
        "from clerk_middleware_django.drf import ClerkAuthentication;"
        "print(Extension.get_match(ClerkAuthentication()).name)"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "django_project.settings",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "['ClerkSessionToken', 'ClerkSessionCookie']"
