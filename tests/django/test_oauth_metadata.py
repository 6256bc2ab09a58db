"""The documents that OAuth clients read first, whatever else the project has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

from clerk_middleware_django import require_auth
from clerk_middleware_django.middleware import ClerkMiddleware

from .conftest import Asked, Browse

RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"

Change = Callable[..., None]


def page(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("page")


@pytest.fixture(autouse=True)
def resource(clerk_settings: Change, asked: Asked) -> Change:
    """The settings of an application with a part for OAuth clients."""

    def change(**options: Any) -> None:
        given = {
            "ACCEPTS_TOKEN": ["session_token", "oauth_token"],
            "OAUTH_RESOURCES": ["/mcp"],
            "OAUTH_SCOPES": ["read:loads"],
            "API_URL": asked.url,
            "PROXY_URL": asked.url,
        }
        clerk_settings(**given | options)

    change()
    return change


@pytest.fixture(autouse=True)
def _urls(routes: Any) -> None:
    routes(path("mcp", require_auth(accepts_token="oauth_token")(page)))


def document(asked: Asked, resource: str = "https://app.example.com/mcp") -> dict[str, Any]:
    return {
        "resource": resource,
        "authorization_servers": [asked.url],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["read:loads"],
    }


def test_the_challenge_leads_there(receive: Any, asked: Asked) -> None:
    refused = receive("/mcp")
    assert refused.status == 401
    challenge = refused.header("www-authenticate")
    assert challenge == f'Bearer resource_metadata="https://app.example.com{RESOURCE}/mcp"'
    found = receive(f"{RESOURCE}/mcp")
    assert (found.status, found.json()) == (200, document(asked))


def test_they_are_anybodys(receive: Any) -> None:
    found = receive(f"{RESOURCE}/mcp", headers={"origin": "https://client.example"})
    assert found.header("access-control-allow-origin") == "*"
    assert found.header("cache-control") == "max-age=300"
    assert found.header("content-type") == "application/json"
    assert "authorization" not in " ".join(found.headers("vary")).lower()
    assert found.headers("set-cookie") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer oat_unknown"},
        {"authorization": "Bearer a.b.c"},
        {"cookie": "__session=a.b.c; __client_uat=1"},
        {"accept": "text/html", "sec-fetch-dest": "document"},
    ],
)
def test_they_are_the_same_for_who_is_refused(headers: dict[str, str], receive: Any, asked: Asked) -> None:
    assert receive(f"{RESOURCE}/mcp", headers=headers).json() == document(asked)
    assert not [called for called in asked.paths if "verify" in called]


def test_the_authorization_servers_is_fetched_once(receive: Any, asked: Asked, handler: str) -> None:
    for _ in range(2):
        found = receive(SERVER)
        assert found.status == 200
        assert found.json()["token_endpoint"] == f"{asked.url}/oauth/token"
    assert asked.paths.count(SERVER) == 1


def test_it_may_be_away(receive: Any, asked: Asked) -> None:
    asked.clerk.fail(SERVER, 500, None)
    found = receive(SERVER)
    assert (found.status, found.header("retry-after")) == (503, "5")
    assert found.header("access-control-allow-origin") == "*"


@pytest.mark.parametrize("target", [f"{RESOURCE}/mcp", SERVER])
def test_other_methods(target: str, receive: Any) -> None:
    preflight = receive(target, "OPTIONS", {"origin": "https://client.example"})
    assert (preflight.status, preflight.body) == (200, b"")
    assert preflight.header("access-control-allow-methods") == "GET"
    refused = receive(target, "POST")
    assert (refused.status, refused.header("allow")) == (405, "GET, HEAD, OPTIONS")


def test_of_a_head_there_is_no_body(browse: Browse) -> None:
    response: Any = browse(f"{RESOURCE}/mcp", "HEAD")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    "target", [RESOURCE, f"{RESOURCE}/other", f"{RESOURCE}/mcp/x", f"{RESOURCE}s", "/.well-known/oauth-x"]
)
def test_what_is_none_is_the_projects(target: str, receive: Any, routes: Any) -> None:
    assert receive(target).status == 404
    routes(re_path("", page))
    assert receive(target).body == b"page"


def test_without_resources_all_is_the_projects(receive: Any, routes: Any, resource: Change) -> None:
    resource(OAUTH_RESOURCES=[])
    routes(re_path("", page))
    assert receive(f"{RESOURCE}/mcp").body == receive(SERVER).body == b"page"


@pytest.mark.parametrize("is_first", [True, False])
def test_a_slash_is_neither_needed_nor_appended(
    is_first: bool, receive: Any, asked: Asked, routes: Any, settings: Any
) -> None:
    """`CommonMiddleware` redirects to a path with a slash, if there is one."""
    common, clerk = (
        "django.middleware.common.CommonMiddleware",
        ClerkMiddleware.__module__ + ".ClerkMiddleware",
    )
    order = [common, clerk] if is_first else [clerk, common]
    settings.MIDDLEWARE = [*order, *[name for name in settings.MIDDLEWARE if name not in order]]
    settings.APPEND_SLASH = True
    routes(re_path(".*/$", page))
    for target in (f"{RESOURCE}/mcp", f"{RESOURCE}/mcp/"):
        assert receive(target).json() == document(asked)


@pytest.mark.parametrize("options", [{"PROTECTED_ROUTES": "/(.*)"}, {"PUBLIC_ROUTES": ["/nothing"]}])
def test_no_route_is_closed_to_them(options: Any, receive: Any, asked: Asked, resource: Change) -> None:
    resource(**options)
    assert receive("/mcp").status == 401
    assert receive(f"{RESOURCE}/mcp").json() == document(asked)
    assert receive(SERVER).status == 200


def test_who_is_not_signed_in_may_read_them(receive: Any, asked: Asked, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    settings.LOGIN_URL = "/login"
    assert receive(f"{RESOURCE}/mcp").json() == document(asked)


def test_only_of_a_host_of_the_projects(receive: Any) -> None:
    for target in (f"{RESOURCE}/mcp", SERVER):
        assert receive(target, host="evil.example").status == 400
        assert receive(target, host="app.example.com, evil.example").status == 400


def test_the_host_is_the_one_that_was_asked(receive: Any, asked: Asked, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    found = receive(f"{RESOURCE}/mcp", host="api.example.com:8443")
    assert found.json() == document(asked, "https://api.example.com:8443/mcp")


def test_in_a_mount_the_resource_is_the_path_that_clients_see(
    receive: Any, resource: Change, asked: Asked
) -> None:
    resource(OAUTH_RESOURCES=["/fleet/mcp"])
    refused = receive("/mcp", root="/fleet")
    url = f"https://app.example.com{RESOURCE}/fleet/mcp"
    assert refused.header("www-authenticate") == f'Bearer resource_metadata="{url}"'
    # Which is of the host's root: what serves that hands it on, and no mount is in it.
    found = receive(f"{RESOURCE}/fleet/mcp")
    assert found.json() == document(asked, "https://app.example.com/fleet/mcp")


def test_a_forced_script_name_is_not_what_was_sent(
    receive: Any, resource: Change, asked: Asked, settings: Any, handler: str
) -> None:
    resource(OAUTH_RESOURCES=["/fleet/mcp"])
    settings.FORCE_SCRIPT_NAME = "/fleet"
    refused = receive("/mcp" if handler == "wsgi" else "/fleet/mcp")  # ASGI has the whole path
    url = f"https://app.example.com{RESOURCE}/fleet/mcp"
    assert refused.header("www-authenticate") == f'Bearer resource_metadata="{url}"'
    found = receive(f"{RESOURCE}/fleet/mcp")
    assert found.json() == document(asked, "https://app.example.com/fleet/mcp")


def test_a_cache_may_keep_them_for_each_host(receive: Any, asked: Asked, settings: Any) -> None:
    cache.clear()
    settings.ALLOWED_HOSTS = ["*"]
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    for host in ("one.example.com", "two.example.com", "one.example.com"):
        assert receive(f"{RESOURCE}/mcp", host=host).json() == document(asked, f"https://{host}/mcp")
