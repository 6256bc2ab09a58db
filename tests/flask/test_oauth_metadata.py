"""The documents that OAuth clients read first, whatever else the application has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_flask import Clerk, current_auth, require_auth

SITE = "https://app.example.com"
RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"

Ask = Callable[..., TestResponse]


@pytest.fixture
def make(app_of: Callable[..., Flask], backend_api: LocalServer, clerk: LocalClerk) -> Any:
    """Make an application with a part for OAuth clients."""

    def of(**options: Any) -> Flask:
        given = {
            "CLERK_ACCEPTS_TOKEN": "session_token,oauth_token",
            "CLERK_OAUTH_RESOURCES": "/mcp",
            "CLERK_OAUTH_SCOPES": ["read:loads"],
            "CLERK_API_URL": backend_api.url,
            "CLERK_PROXY_URL": backend_api.url,
        }
        app = app_of(**given | options)
        app.get("/mcp", endpoint="mcp")(require_auth(accepts_token="oauth_token")(lambda: "page"))
        return app

    yield of
    clerk.recover()


@pytest.fixture
def app(make: Any) -> Flask:
    made: Flask = make()
    return made


@pytest.fixture
def document(backend_api: LocalServer) -> Callable[..., dict[str, Any]]:
    def of(resource: str = f"{SITE}/mcp") -> dict[str, Any]:
        return {
            "resource": resource,
            "authorization_servers": [backend_api.url],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["read:loads"],
        }

    return of


def test_the_challenge_leads_there(app: Flask, ask: Ask, document: Any) -> None:
    refused = ask(app, "/mcp")
    assert refused.status_code == 401
    challenge = f'Bearer resource_metadata="{SITE}{RESOURCE}/mcp"'
    assert refused.headers["www-authenticate"] == challenge
    found = ask(app, f"{RESOURCE}/mcp")
    assert (found.status_code, found.json) == (200, document())


def test_they_are_anybodys(app: Flask, ask: Ask) -> None:
    found = ask(app, f"{RESOURCE}/mcp", {"origin": "https://client.example"})
    assert found.headers["access-control-allow-origin"] == "*"
    assert found.headers["cache-control"] == "max-age=300"
    assert "vary" not in found.headers
    assert "set-cookie" not in found.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer oat_unknown"},
        {"authorization": "Bearer a.b.c"},
        {"cookie": "__session=a.b.c; __client_uat=1"},
        {"accept": "text/html", "sec-fetch-dest": "document"},
    ],
)
def test_they_are_the_same_for_who_is_refused(
    headers: dict[str, str], app: Flask, ask: Ask, document: Any, clerk: LocalClerk
) -> None:
    before = clerk.calls("/oauth_applications/access_tokens/verify")
    assert ask(app, f"{RESOURCE}/mcp", headers).json == document()
    assert clerk.calls("/oauth_applications/access_tokens/verify") == before


def test_the_authorization_servers_is_fetched_once(
    app: Flask, ask: Ask, clerk: LocalClerk, backend_api: LocalServer
) -> None:
    before = clerk.calls(SERVER)
    for _ in range(2):
        found: Any = ask(app, SERVER)
        assert found.json["token_endpoint"] == f"{backend_api.url}/oauth/token"
    assert clerk.calls(SERVER) == before + 1


def test_it_may_be_away(app: Flask, ask: Ask, clerk: LocalClerk) -> None:
    clerk.fail(SERVER, 500, None)
    found = ask(app, SERVER)
    assert (found.status_code, found.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("target", [f"{RESOURCE}/mcp", SERVER])
def test_other_methods(target: str, app: Flask, ask: Ask) -> None:
    head = ask(app, target, method="HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["content-type"] == "application/json"
    preflight = ask(app, target, {"origin": "https://client.example"}, "OPTIONS")
    assert (preflight.status_code, preflight.data) == (200, b"")
    assert preflight.headers["access-control-allow-methods"] == "GET"
    refused = ask(app, target, method="POST")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("target", [RESOURCE, f"{RESOURCE}/other", f"{RESOURCE}s", "/.well-known/oauth-x"])
def test_what_is_none_is_the_applications(target: str, make: Any, ask: Ask) -> None:
    assert ask(make(), target).status_code == 404
    app = make()
    app.get("/<path:any>", endpoint="any")(lambda any: "page")
    assert ask(app, target).text == "page"


def test_without_resources_all_is_the_applications(make: Any, ask: Ask) -> None:
    app = make(CLERK_OAUTH_RESOURCES=[])
    app.get("/<path:any>", endpoint="any")(lambda any: "page")
    assert ask(app, f"{RESOURCE}/mcp").text == ask(app, SERVER).text == "page"


def test_a_slash_is_neither_needed_nor_appended(app: Flask, ask: Ask, document: Any) -> None:
    app.get("/<path:any>/", endpoint="any")(lambda any: "page")
    for target in (f"{RESOURCE}/mcp", f"{RESOURCE}/mcp/"):
        assert ask(app, target).json == document()


@pytest.mark.parametrize(
    "options", [{"CLERK_PROTECTED_ROUTES": "/(.*)"}, {"CLERK_PUBLIC_ROUTES": ["/nothing"]}]
)
def test_no_route_is_closed_to_them(options: Any, make: Any, ask: Ask, document: Any) -> None:
    app = make(**options)
    assert ask(app, "/mcp").status_code == 401
    assert ask(app, f"{RESOURCE}/mcp").json == document()
    assert ask(app, SERVER).status_code == 200


def test_nor_is_a_blueprint(app: Flask, ask: Ask, document: Any) -> None:
    blueprint = Blueprint("all", __name__)
    blueprint.get("/<path:any>")(lambda any: "page")
    Clerk().protect_blueprint(blueprint)
    app.register_blueprint(blueprint)
    assert ask(app, "/other").status_code == 404
    assert ask(app, f"{RESOURCE}/mcp").json == document()


def test_only_of_a_host_of_the_applications(make: Any, ask: Ask, document: Any) -> None:
    app = make(TRUSTED_HOSTS=["app.example.com"])
    assert ask(app, f"{RESOURCE}/mcp").json == document()
    for target in (f"{RESOURCE}/mcp", SERVER):
        assert ask(app, target, base_url="https://evil.example").status_code == 400


def test_the_host_is_the_one_that_was_asked(app: Flask, ask: Ask, document: Any) -> None:
    found = ask(app, f"{RESOURCE}/mcp", base_url="https://api.example.com:8443")
    assert found.json == document("https://api.example.com:8443/mcp")


def test_in_a_mount_the_resource_is_the_path_that_clients_see(make: Any, document: Any) -> None:
    app = make(CLERK_OAUTH_RESOURCES=["/fleet/mcp"])
    mounted = Client(DispatcherMiddleware(app, {"/fleet": app}))
    refused = mounted.get("/fleet/mcp", base_url=SITE)
    challenge = f'Bearer resource_metadata="{SITE}{RESOURCE}/fleet/mcp"'
    assert refused.headers["www-authenticate"] == challenge
    found: Any = mounted.get(f"{RESOURCE}/fleet/mcp", base_url=SITE)
    assert found.json == document(f"{SITE}/fleet/mcp")


def test_functions_of_the_application_run_all_the_same(make: Any, ask: Ask, document: Any) -> None:
    app, seen = make(), []
    app.after_request(lambda response: seen.append(current_auth.is_authenticated) or response)
    assert ask(app, f"{RESOURCE}/mcp").json == document()
    assert seen == [False]
