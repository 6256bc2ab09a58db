"""The OpenAPI document, and with it the Authorize button of ``/docs``."""

# No postponed annotations: FastAPI could not resolve those of functions within functions.
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import (
    ClerkMiddleware,
    CurrentAuth,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
)

EITHER = [{"ClerkSessionToken": []}, {"ClerkSessionCookie": []}]


@pytest.fixture(scope="module")
def document(config: Any) -> Any:
    app = FastAPI()
    app.add_middleware(ClerkMiddleware, config=config())

    @app.get("/open")
    async def everybody() -> None: ...

    @app.get("/current")
    async def current(auth: CurrentAuth) -> None: ...

    @app.post("/session")
    async def session(auth: Annotated[SessionAuth, Depends(require_auth)], weight: int) -> None: ...

    dependencies = {
        "permission": require_permission("org:dispatcher:assign_drivers"),
        "role": require_role("org:admin"),
        "feature": require_feature("export"),
        "plan": require_plan("pro"),
        "reverification": require_reverification("strict"),
        "protect": protect(role="org:admin"),
    }
    for name, dependency in dependencies.items():

        @app.get(f"/required/{name}", dependencies=[Depends(dependency)])
        async def endpoint() -> None: ...

    router = APIRouter(dependencies=[Depends(require_auth)])

    @router.get("/routed")
    async def routed() -> None: ...

    app.include_router(router)
    return app.openapi()


def test_defines_a_bearer_token_and_the_session_cookie(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == {"ClerkSessionToken", "ClerkSessionCookie"}
    assert schemes["ClerkSessionToken"] | {"description": ""} == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "",
    }
    assert schemes["ClerkSessionCookie"] | {"description": ""} == {
        "type": "apiKey",
        "in": "cookie",
        "name": "__session",
        "description": "",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/current",
        "/session",
        "/routed",
        *(
            f"/required/{name}"
            for name in ("permission", "role", "feature", "plan", "reverification", "protect")
        ),
    ],
)
def test_says_that_a_route_takes_either(path: str, document: Any) -> None:
    (operation,) = document["paths"][path].values()
    assert operation["security"] == EITHER


def test_says_nothing_of_other_routes(document: Any) -> None:
    assert "security" not in document["paths"]["/open"]["get"]


def test_shows_no_parameters_of_the_dependencies(document: Any) -> None:
    assert [parameter["name"] for parameter in document["paths"]["/session"]["post"]["parameters"]] == [
        "weight"
    ]
    assert "parameters" not in document["paths"]["/current"]["get"]


def test_the_authorize_button_sends_what_signs_in(config: Any, client_of: Any, dispatcher: Any) -> None:
    app = FastAPI()
    app.add_middleware(ClerkMiddleware, config=config())

    @app.get("/session")
    async def session(auth: Annotated[SessionAuth, Depends(require_auth)]) -> str:
        return auth.user_id

    client = client_of(app)
    page = client.get("/docs")
    assert page.status_code == 200
    assert "/openapi.json" in page.text
    schemes = client.get("/openapi.json").json()["components"]["securitySchemes"]
    assert schemes["ClerkSessionToken"]["scheme"] == "bearer"  # so it sends: Authorization: Bearer TOKEN
    assert client.get("/session", headers=dispatcher).json() == "user_dev"
