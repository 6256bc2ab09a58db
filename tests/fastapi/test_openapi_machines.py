"""The OpenAPI document of routes that machines call: so generated clients know how to sign in."""

# No postponed annotations: FastAPI could not resolve those of functions within functions.
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security

from clerk_middleware import OAuthAuth
from clerk_middleware_fastapi import (
    ClerkMiddleware,
    ClerkOAuth2,
    CurrentAuth,
    current_auth,
    protect,
    require_auth,
    require_scope,
)

SESSION = {"ClerkSessionToken", "ClerkSessionCookie"}
MACHINES = {"ClerkAPIKey", "ClerkM2MToken", "ClerkOAuthToken"}
SCOPES = {"read:loads": "See the loads", "write:loads": "Create loads"}

#: Of a ClerkOAuth2, what a route depends on, and the schemes that the document names then.
ROUTES: dict[str, tuple[Any, set[str]]] = {
    "key": (lambda _: require_auth(accepts_token="api_key"), {"ClerkAPIKey"}),
    "m2m": (lambda _: require_auth(accepts_token="m2m_token"), {"ClerkM2MToken"}),
    "oauth": (lambda _: require_auth(accepts_token="oauth_token"), {"ClerkOAuthToken"}),
    "scope": (lambda _: require_scope("read:loads"), MACHINES),
    "session": (lambda _: require_auth(), SESSION),
    "either": (lambda _: require_auth(accepts_token=["session_token", "api_key"]), SESSION | {"ClerkAPIKey"}),
    "any": (lambda _: require_auth(accepts_token="any"), SESSION | MACHINES),
    "scoped": (
        lambda _: require_scope("read:loads", accepts_token=["session_token", "api_key"]),
        SESSION | {"ClerkAPIKey"},
    ),
    "protect": (lambda _: protect(token="api_key", scope="read:loads"), {"ClerkAPIKey"}),
    "oauth2": (lambda oauth2: oauth2(), {"ClerkOAuth2"}),
    "oauth2 or key": (
        lambda oauth2: oauth2(accepts_token=["oauth_token", "api_key"]),
        {"ClerkOAuth2", "ClerkAPIKey"},
    ),
    "oauth2 or session": (
        lambda oauth2: oauth2(accepts_token=["session_token", "oauth_token"]),
        SESSION | {"ClerkOAuth2"},
    ),
}


@pytest.fixture(scope="module")
def document(config: Any) -> Any:
    configured = config(accepts_token="any")
    app = FastAPI()
    app.add_middleware(ClerkMiddleware, config=configured)

    def oauth2(**options: Any) -> ClerkOAuth2[Any]:
        return ClerkOAuth2(configured, scopes=SCOPES, **options)

    async def endpoint() -> None: ...

    for name, (make, _) in ROUTES.items():
        app.get(f"/{name}", dependencies=[Depends(make(oauth2))])(endpoint)

    @app.get("/loads")
    async def loads(auth: Annotated[OAuthAuth, Security(oauth2(), scopes=["read:loads"])]) -> None: ...

    @app.get("/current")
    async def current(auth: Annotated[Any, Security(current_auth, scopes=["org:teams:manage"])]) -> None: ...

    router = APIRouter(dependencies=[Depends(require_scope("read:loads", accepts_token="api_key"))])

    @router.get("/routed")
    async def routed(auth: CurrentAuth) -> None: ...

    app.include_router(router)
    return app.openapi()


def operations(document: Any) -> Iterator[Any]:
    for path in document["paths"].values():
        yield from path.values()


def named(document: Any, path: str) -> list[str]:
    return [name for each in document["paths"][path]["get"]["security"] for name in each]


@pytest.mark.parametrize("name", ROUTES)
def test_says_which_tokens_a_route_takes(name: str, document: Any) -> None:
    schemes = named(document, f"/{name}")
    assert set(schemes) == ROUTES[name][1]
    assert len(schemes) == len(set(schemes))


def test_says_so_of_a_router_whose_routes_ask_who_it_is(document: Any) -> None:
    assert named(document, "/routed") == ["ClerkAPIKey"]


def test_shows_no_parameters(document: Any) -> None:
    assert all("parameters" not in each and "requestBody" not in each for each in operations(document))


def test_names_only_schemes_that_it_defines(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == SESSION | MACHINES | {"ClerkOAuth2"}
    for each in operations(document):
        assert {name for scheme in each["security"] for name in scheme} <= set(schemes)


def test_tells_oauth_clients_where_to_sign_in_and_for_what(document: Any) -> None:
    scheme = document["components"]["securitySchemes"]["ClerkOAuth2"]
    assert scheme.pop("description")
    assert scheme == {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "https://clerk.example.com/oauth/authorize",
                "tokenUrl": "https://clerk.example.com/oauth/token",
                "refreshUrl": "https://clerk.example.com/oauth/token",
                "scopes": SCOPES,
            }
        },
    }
    assert document["paths"]["/loads"]["get"]["security"] == [{"ClerkOAuth2": ["read:loads"]}]


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_sends_every_machines_token_in_the_header(name: str, document: Any) -> None:
    scheme = document["components"]["securitySchemes"][name]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert scheme["description"]


def test_shows_a_session_where_whoever_it_is_needs_a_permission(document: Any) -> None:
    assert set(named(document, "/current")) == SESSION


def test_of_a_proxied_instance_names_the_proxy(config: Any) -> None:
    oauth2 = ClerkOAuth2(config(proxy_url="https://app.example.com/__clerk/", accepts_token="any"))
    app = FastAPI()

    @app.get("/", dependencies=[Depends(oauth2)])
    async def endpoint() -> None: ...

    scheme = app.openapi()["components"]["securitySchemes"]["ClerkOAuth2"]
    flow = scheme["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == "https://app.example.com/__clerk/oauth/authorize"
    assert flow["tokenUrl"] == "https://app.example.com/__clerk/oauth/token"
