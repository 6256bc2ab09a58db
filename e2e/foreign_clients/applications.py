"""Our applications: they say who a request is, as the Express application beside them does."""

# FastAPI reads the annotations of dependencies at run time: they must not be strings.
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from wsgiref.types import StartResponse, WSGIEnvironment

from fastapi import Depends, FastAPI, Request

from clerk_middleware import Auth, ClerkConfig, MachineAuth
from clerk_middleware.asgi_scope import get_state
from clerk_middleware.protection import Requirement
from clerk_middleware.wsgi import ClerkMiddleware as WSGIMiddleware
from clerk_middleware.wsgi_environ import get_auth as auth_in
from clerk_middleware.wsgi_environ import get_state as state_in
from clerk_middleware_fastapi import ClerkMiddleware, CurrentAuth, require_auth

CONDITIONS = json.loads(Path(__file__).with_name("conditions.json").read_text("utf-8"))


def described(auth: Auth) -> dict[str, Any]:
    """Everything that *auth* says, by the names that Clerk's clients for JavaScript give it."""
    session = {
        "isAuthenticated": auth.is_authenticated,
        "tokenType": auth.token_type,
        "userId": auth.user_id,
        "sessionId": auth.session_id,
        "sessionStatus": auth.session_status,
        "sessionClaims": auth.session_claims,
        "actor": auth.actor,
        "orgId": auth.org_id,
        "orgRole": auth.org_role,
        "orgSlug": auth.org_slug,
        "orgPermissions": auth.org_permissions,
        "factorVerificationAge": auth.factor_verification_age,
    }
    of_machine = ("id", "subject", "scopes", "claims", "name", "machine_id", "client_id")
    is_machine = isinstance(auth, MachineAuth)
    machine = {_camel_case(name): getattr(auth, name, None) if is_machine else None for name in of_machine}
    return {**session, **machine, "has": [auth.has(**condition) for condition in CONDITIONS]}


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def fastapi_application(config: ClerkConfig) -> FastAPI:
    app = FastAPI()
    app.add_middleware(ClerkMiddleware, config=config)

    @app.get("/who")
    @app.get("/orgs/{slug}")
    async def who(auth: CurrentAuth) -> dict[str, Any]:
        return described(auth)

    @app.get("/who/pending")
    async def pending(request: Request) -> dict[str, Any]:
        return described(get_state(request.scope).to_auth(treat_pending_as_signed_out=False))

    @app.get("/private")
    async def private(auth: Annotated[Auth, Depends(require_auth)]) -> dict[str, Any]:
        return described(auth)

    @app.get("/of/{types}")
    async def of(types: str, request: Request, auth: CurrentAuth) -> dict[str, Any]:
        return described(Requirement(accepts_token=_accepted(types)).check(auth))

    @app.get("/token/{template}")
    async def token(template: str, auth: CurrentAuth) -> str | None:
        return await auth.aget_token(template)

    return app


def wsgi_application(config: ClerkConfig) -> WSGIMiddleware:
    return WSGIMiddleware(_application, config=config)


def _application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    auth = auth_in(environ)
    answer: Any
    match environ["PATH_INFO"].split("/")[1:]:
        case ["who"] | ["orgs", _]:
            answer = described(auth)
        case ["who", "pending"]:
            answer = described(state_in(environ).to_auth(treat_pending_as_signed_out=False))
        case ["private"]:
            answer = described(Requirement().check(auth))
        case ["of", types]:
            answer = described(Requirement(accepts_token=_accepted(types)).check(auth))
        case ["token", template]:
            answer = auth.get_token(template)
        case _:
            start_response("404 Not Found", [("content-type", "text/plain")])
            return [b"There is no such page."]
    start_response("200 OK", [("content-type", "application/json")])
    return [json.dumps(answer).encode()]


def _accepted(types: str) -> Any:
    names = types.split(",")
    return names if len(names) > 1 else names[0]


__all__ = ["CONDITIONS", "described", "fastapi_application", "wsgi_application"]
