"""`require_auth` and its siblings, on everything that Starlette calls an endpoint."""

from __future__ import annotations

import functools
import inspect
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from clerk_middleware import ConfigurationError
from clerk_middleware_starlette import (
    ClerkMiddleware,
    get_auth,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
)

SITE = "https://app.example.com"


@require_auth
async def bare(request: Request) -> Response:
    return PlainTextResponse(request.auth.user_id)


@require_auth()
async def called(request: Request) -> Response:
    return PlainTextResponse(request.auth.user_id)


@require_auth
def synchronous(request: Request) -> Response:
    return PlainTextResponse(request.auth.user_id)


@require_auth()
def synchronous_called(request: Request) -> Response:
    return PlainTextResponse(get_auth(request).user_id or "")


async def suffixed(request: Request, suffix: str) -> Response:
    return PlainTextResponse(request.auth.user_id + suffix)


class Endpoint(HTTPEndpoint):
    @require_auth
    async def get(self, request: Request) -> Response:
        return PlainTextResponse(request.auth.user_id)

    @require_role("org:admin")
    def post(self, request: Request) -> Response:
        return PlainTextResponse("posted")

    async def put(self, request: Request) -> Response:
        return PlainTextResponse("anybody's")


class Controller:
    @require_auth
    async def show(self, request: Request) -> Response:
        return PlainTextResponse(request.auth.user_id)


async def fine(request: Request) -> Response:
    return JSONResponse({"user": request.auth.user_id})


ROUTES = {
    "bare": bare,
    "called": called,
    "synchronous": synchronous,
    "synchronous-called": synchronous_called,
    "partial": require_auth(functools.partial(suffixed, suffix="")),
    "method": Controller().show,
    "endpoint": Endpoint,
}
REQUIREMENTS = {
    "permission": require_permission("org:dispatcher:assign_drivers")(fine),
    "role": require_role("org:dispatcher")(fine),
    "feature": require_feature("live_tracking")(fine),
    "plan": require_plan("org:pro")(fine),
    "reverification": require_reverification({"level": "first_factor", "after_minutes": 10})(fine),
    "protect": protect(lambda auth: auth.org_slug == "blue-ridge-freight", role="dispatcher")(fine),
    "several": require_role("org:dispatcher")(require_plan("pro")(fine)),
}
UNMET = {
    "permission": require_permission("org:admin:view_audit_logs")(fine),
    "role": require_role("org:admin")(fine),
    "feature": require_feature("time_travel")(fine),
    "plan": require_plan("user:pro")(fine),
    "several": require_role("org:dispatcher")(require_plan("starter")(fine)),
}


@pytest.fixture
def client(config: Any, client_of: Any) -> Any:
    routes = [Route(f"/{name}", endpoint) for name, endpoint in ROUTES.items()]
    routes += [Route(f"/met/{name}", endpoint) for name, endpoint in REQUIREMENTS.items()]
    routes += [Route(f"/unmet/{name}", endpoint) for name, endpoint in UNMET.items()]
    routes += [
        Route("/strict", require_reverification()(fine)),
        Route("/hidden", protect(role="org:admin")(fine)),
        Route("/upgrade", protect(plan="enterprise", unauthorized_url="/pricing")(fine)),
        Route("/welcome", protect(unauthenticated_url="/hello")(fine)),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(ClerkMiddleware, config=config())
    return client_of(app)


class TestRequireAuth:
    @pytest.mark.parametrize("name", ROUTES)
    def test_lets_who_is_signed_in_pass(self, name: str, client: Any, dispatcher: Any) -> None:
        response = client.get(f"/{name}", headers=dispatcher)
        assert (response.status_code, response.text) == (200, "user_dev")

    @pytest.mark.parametrize("name", ROUTES)
    def test_refuses_an_api_request_of_nobodys(self, name: str, client: Any) -> None:
        response = client.get(f"/{name}")
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["clerk_error"]["type"] == "unauthorized"

    @pytest.mark.parametrize("name", ROUTES)
    def test_sends_a_navigation_to_sign_in_and_back(self, name: str, client: Any, navigation: Any) -> None:
        response = client.get(f"/{name}?x=1", headers=navigation)
        assert response.status_code == 307
        target = urlsplit(response.headers["location"])
        assert (target.netloc, target.path) == ("accounts.example.com", "/sign-in")
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/{name}?x=1"]

    def test_refuses_a_forgery(self, client: Any, dispatcher: Any) -> None:
        forged = {"authorization": dispatcher["authorization"][:-6] + "AAAAAA"}
        assert client.get("/bare", headers=forged).status_code == 401


class TestEndpointClasses:
    def test_each_method_requires_its_own(self, client: Any, dispatcher: Any, admin: Any) -> None:
        assert client.post("/endpoint", headers=dispatcher).status_code == 403
        assert client.post("/endpoint", headers=admin).text == "posted"
        assert client.put("/endpoint").text == "anybody's"
        assert client.delete("/endpoint").status_code == 405


class TestRequirements:
    @pytest.mark.parametrize("name", REQUIREMENTS)
    def test_that_are_met(self, name: str, client: Any, dispatcher: Any) -> None:
        response = client.get(f"/met/{name}", headers=dispatcher)
        assert (response.status_code, response.json()) == (200, {"user": "user_dev"})

    @pytest.mark.parametrize(
        ("name", "required"),
        [
            ("permission", {"permission": "org:admin:view_audit_logs"}),
            ("role", {"role": "org:admin"}),
            ("feature", {"feature": "time_travel"}),
            ("plan", {"plan": "user:pro"}),
            ("several", {"plan": "starter"}),
        ],
    )
    def test_that_are_not_met_are_named(self, name: str, required: Any, client: Any, dispatcher: Any) -> None:
        response = client.get(f"/unmet/{name}", headers=dispatcher)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["metadata"] == {"required": required}

    @pytest.mark.parametrize("name", UNMET)
    def test_ask_nobody_to_sign_in_first(self, name: str, client: Any, navigation: Any) -> None:
        assert client.get(f"/unmet/{name}").status_code == 401
        assert client.get(f"/unmet/{name}", headers=navigation).status_code == 307

    def test_do_not_hold_in_another_organization(self, client: Any, signed_in: Any) -> None:
        grace = signed_in("user_grace", organization="harbor-lines")
        assert client.get("/met/role", headers=grace).status_code == 403
        assert client.get("/unmet/role", headers=grace).status_code == 200
        sam = signed_in("user_sam")
        assert client.get("/met/role", headers=sam).status_code == 403

    def test_of_reverification(self, client: Any, signed_in: Any) -> None:
        assert client.get("/strict", headers=signed_in(fva=(0, 0))).status_code == 200
        response = client.get("/strict", headers=signed_in(fva=(0, 10)))
        assert response.status_code == 403
        assert response.json() == {
            "clerk_error": {
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": {"reverification": {"level": "second_factor", "afterMinutes": 10}},
            }
        }
        assert client.get("/strict", headers=signed_in(fva=None)).status_code == 403


class TestProtect:
    def test_shows_no_difference_to_a_page_that_is_not_there(self, client: Any, dispatcher: Any) -> None:
        assert client.get("/hidden", headers=dispatcher).status_code == 404
        assert client.get("/hidden").status_code == 404

    def test_lets_who_is_allowed_pass(self, client: Any, admin: Any) -> None:
        assert client.get("/hidden", headers=admin).status_code == 200

    def test_sends_navigations_to_sign_in(self, client: Any, navigation: Any) -> None:
        location = client.get("/hidden", headers=navigation).headers["location"]
        assert location.startswith("https://accounts.example.com/sign-in?redirect_url=")

    def test_sends_elsewhere_if_told_to(self, client: Any, dispatcher: Any, navigation: Any) -> None:
        response = client.get("/upgrade", headers=dispatcher)
        assert (response.status_code, response.headers["location"]) == (307, "/pricing")
        for headers in ({}, navigation):
            assert client.get("/welcome", headers=headers).headers["location"] == "/hello"


class TestWhatIsDecorated:
    def test_keeps_its_name_signature_and_kind(self) -> None:
        assert bare.__name__ == "bare"
        assert list(inspect.signature(bare).parameters) == ["request"]
        assert inspect.iscoroutinefunction(bare)
        assert not inspect.iscoroutinefunction(synchronous)

    @pytest.mark.parametrize("thing", [Endpoint, "bare", None, 5])
    def test_is_a_function_or_the_mistake_is_told_at_once(self, thing: Any) -> None:
        with pytest.raises(ConfigurationError, match="decorate functions and methods"):
            require_role("org:admin")(thing)

    @pytest.mark.parametrize("thing", [Endpoint, "org:admin"])
    def test_by_require_auth_too(self, thing: Any) -> None:
        with pytest.raises(ConfigurationError, match="decorate functions and methods"):
            require_auth(thing)

    def test_must_be_given_the_request(self) -> None:
        @require_auth
        def endpoint(user_id: str) -> None: ...

        with pytest.raises(ConfigurationError, match=r"must take the request \(or the websocket\)"):
            endpoint("user_1")

    @pytest.mark.parametrize("passed", ["positional", "keyword", "after others"])
    def test_finds_the_request_wherever_it_is(self, passed: str, config: Any, dispatcher: Any) -> None:
        @require_auth
        def endpoint(request: Request, more: int = 0) -> str:
            return "reached"

        @require_auth
        def other(more: int, request: Request) -> str:
            return "reached"

        from clerk_middleware import SessionAuth

        auth = SessionAuth.from_claims({"sub": "user_1"}, token="")
        request = Request({"type": "http", "auth": auth, "headers": []})
        calls = {
            "positional": lambda: endpoint(request),
            "keyword": lambda: endpoint(request=request, more=1),
            "after others": lambda: other(1, request),
        }
        assert calls[passed]() == "reached"

    def test_is_told_of_a_wrong_requirement_at_once(self) -> None:
        with pytest.raises(ConfigurationError, match="a required permission must be a text"):
            require_permission("")
        with pytest.raises(ConfigurationError, match="reverification must be one of"):
            require_reverification("strictest")  # type: ignore[arg-type]

    def test_without_the_middleware_says_what_to_do(self, client_of: Any) -> None:
        client = client_of(Starlette(routes=[Route("/", bare)]))
        with pytest.raises(ConfigurationError, match="did not see this request: add it with"):
            client.get("/")
