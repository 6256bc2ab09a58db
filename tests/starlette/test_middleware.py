"""`ClerkMiddleware` in a Starlette application: what requests hold, and everything around it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.authentication import BaseUser, requires
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router

from clerk_middleware import (
    AuthorizationError,
    ClerkError,
    NotAuthenticated,
    NotAuthorized,
    SessionAuth,
)
from clerk_middleware_starlette import (
    ClerkMiddleware,
    ClerkUser,
    get_auth,
    get_session,
    require_auth,
    require_role,
)

SITE = "https://app.example.com"


async def whoami(request: Request) -> Response:
    assert isinstance(request.user, BaseUser)
    assert isinstance(request.user, ClerkUser)
    assert get_auth(request) is request.auth
    return JSONResponse(
        {
            "user": request.user.identity,
            "name": request.user.display_name,
            "is": request.user.is_authenticated,
            "session": isinstance(request.auth, SessionAuth),
        }
    )


@require_role("org:admin")
async def admins(request: Request) -> Response:
    return PlainTextResponse("welcome")


def application(config: Any, *routes: Any, **options: Any) -> Starlette:
    return Starlette(routes=routes, middleware=[Middleware(ClerkMiddleware, config=config)], **options)


class TestTheRequest:
    def test_has_the_auth_object_and_a_user(
        self, config: Any, client_of: Any, dispatcher: Any, cookies: Any
    ) -> None:
        client = client_of(application(config(), Route("/", whoami)))
        for headers in (dispatcher, cookies):
            assert client.get("/", headers=headers).json() == {
                "user": "user_dev",
                "name": "user_dev",
                "is": True,
                "session": True,
            }
        nobody = {"user": "", "name": "", "is": False, "session": False}
        assert client.get("/").json() == nobody

    def test_is_a_machines(self, config: Any, client_of: Any, machine: Any) -> None:
        app = application(config(accepts_token="any"), Route("/", whoami))
        assert client_of(app).get("/", headers=machine).json() == {
            "user": "user_dev",
            "name": "user_dev",
            "is": True,
            "session": False,
        }


@requires("authenticated")
async def authenticated(request: Request) -> Response:
    return PlainTextResponse("in")


@requires(["authenticated", "org:dispatcher:assign_drivers"])
def permitted(request: Request) -> Response:
    return PlainTextResponse("in")


@requires("loads:read", status_code=404)
async def scoped(request: Request) -> Response:
    return PlainTextResponse("in")


class TestStarlettesRequires:
    @pytest.fixture
    def client(self, config: Any, client_of: Any) -> Any:
        routes = Route("/a", authenticated), Route("/p", permitted), Route("/s", scoped)
        return client_of(application(config(accepts_token=["session_token", "oauth_token"]), *routes))

    def test_knows_who_is_signed_in_and_their_permissions(
        self, client: Any, dispatcher: Any, admin: Any
    ) -> None:
        assert client.get("/a", headers=dispatcher).text == "in"
        assert client.get("/p", headers=dispatcher).text == "in"
        assert client.get("/p", headers=admin).status_code == 403

    def test_knows_who_is_not(self, client: Any) -> None:
        assert client.get("/a").status_code == 403
        assert client.get("/p").status_code == 403

    def test_knows_a_machines_scopes(self, client: Any, machine: Any) -> None:
        assert client.get("/s", headers=machine).text == "in"
        assert client.get("/p", headers=machine).status_code == 403

    @pytest.mark.parametrize("accepted", ["api_key", "m2m_token", "oauth_token", ["api_key"], "any"])
    @pytest.mark.parametrize("token", [None, "x.y.z", "ak_secret", "mt_secret", "oat_secret"])
    def test_never_fails_whatever_is_presented(
        self, accepted: Any, token: str | None, config: Any, client_of: Any
    ) -> None:
        client = client_of(application(config(accepts_token=accepted), Route("/", authenticated)))
        headers = {"authorization": f"Bearer {token}"} if token else {}
        assert client.get("/", headers=headers).status_code == 403

    def test_knows_who_is_pending(self, client: Any, signed_in: Any) -> None:
        assert client.get("/a", headers=signed_in(claims={"sts": "pending"})).status_code == 403


class TestWithOtherMiddleware:
    def test_cors_headers_are_on_a_refusal_too(self, config: Any, client_of: Any) -> None:
        app = Starlette(
            routes=[Route("/", admins, methods=["GET", "POST"])],
            middleware=[
                Middleware(CORSMiddleware, allow_origins=["https://spa.example"], allow_credentials=True),
                Middleware(ClerkMiddleware, config=config(), protected_routes="/(.*)"),
            ],
        )
        client = client_of(app)
        refused = client.get("/", headers={"origin": "https://spa.example"})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "https://spa.example"
        assert "Cookie" in refused.headers["vary"]
        assert "Origin" in refused.headers["vary"]

    def test_a_preflight_is_answered_by_cors_outside(self, config: Any, client_of: Any) -> None:
        cors = Middleware(CORSMiddleware, allow_origins=["https://spa.example"], allow_methods=["POST"])
        clerk = Middleware(ClerkMiddleware, config=config(), protected_routes="/(.*)")
        preflight = {"origin": "https://spa.example", "access-control-request-method": "POST"}
        for middleware, status in (([cors, clerk], 200), ([clerk, cors], 401)):
            client = client_of(Starlette(routes=[Route("/", admins)], middleware=middleware))
            assert client.options("/", headers=preflight).status_code == status

    @pytest.mark.parametrize("order", ["inside", "outside"])
    def test_gzip(self, order: str, config: Any, client_of: Any, admin: Any) -> None:
        @require_role("org:admin")
        async def long(request: Request) -> Response:
            return PlainTextResponse("x" * 5000)

        middleware = [Middleware(ClerkMiddleware, config=config()), Middleware(GZipMiddleware)]
        middleware = middleware[::-1] if order == "outside" else middleware
        client = client_of(Starlette(routes=[Route("/", long)], middleware=middleware))
        response = client.get("/", headers=admin)
        assert response.text == "x" * 5000
        assert response.headers["content-encoding"] == "gzip"
        assert {"Accept-Encoding", "Authorization", "Cookie"} <= set(response.headers["vary"].split(", "))
        assert client.get("/").status_code == 401

    @pytest.mark.parametrize("order", ["inside", "outside"])
    def test_base_http_middleware(self, order: str, config: Any, client_of: Any, dispatcher: Any) -> None:
        class Tagging(BaseHTTPMiddleware):
            async def dispatch(self, request: Request, call_next: Any) -> Response:
                response: Response = await call_next(request)
                response.headers["x-tagged"] = "yes"
                return response

        middleware = [Middleware(ClerkMiddleware, config=config()), Middleware(Tagging)]
        middleware = middleware[::-1] if order == "outside" else middleware
        app = Starlette(routes=[Route("/", whoami), Route("/admins", admins)], middleware=middleware)
        client = client_of(app)
        assert client.get("/", headers=dispatcher).headers["x-tagged"] == "yes"
        refused = client.get("/admins", headers=dispatcher)
        assert refused.status_code == 403
        assert refused.json()["clerk_error"]["metadata"] == {"required": {"role": "org:admin"}}

    def test_what_a_base_http_middleware_itself_requires(
        self, config: Any, client_of: Any, dispatcher: Any, admin: Any
    ) -> None:
        class AdminsOnly(BaseHTTPMiddleware):
            @require_role("org:admin")
            async def dispatch(self, request: Request, call_next: Any) -> Response:
                response: Response = await call_next(request)
                return response

        middleware = [Middleware(ClerkMiddleware, config=config()), Middleware(AdminsOnly)]
        client = client_of(Starlette(routes=[Route("/", whoami)], middleware=middleware))
        assert client.get("/", headers=dispatcher).status_code == 403
        assert client.get("/").status_code == 401
        assert client.get("/", headers=admin).json()["user"] == "user_ada"


class TestResponses:
    def test_that_stream_pass_piece_by_piece(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        @require_auth
        async def stream(request: Request) -> Response:
            async def pieces() -> AsyncIterator[str]:
                for piece in ("a", "b", request.auth.user_id):
                    await asyncio.sleep(0)
                    yield piece

            return StreamingResponse(pieces())

        client = client_of(application(config(), Route("/", stream)))
        assert client.get("/", headers=dispatcher).text == "abuser_dev"

    def test_that_fail_while_they_stream_are_not_begun_again(
        self, config: Any, client_of: Any, dispatcher: Any
    ) -> None:
        async def stream(request: Request) -> Response:
            async def pieces() -> AsyncIterator[str]:
                yield "half"
                await admins(request)

            return StreamingResponse(pieces())

        client = client_of(application(config(), Route("/", stream)))
        with pytest.raises((NotAuthorized, RuntimeError)) as caught:
            client.get("/", headers=dispatcher)
        assert isinstance(caught.value, NotAuthorized) or isinstance(caught.value.__cause__, NotAuthorized)

    def test_with_background_tasks(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        done = []

        @require_auth
        async def endpoint(request: Request) -> Response:
            async def task() -> None:
                done.append(request.auth.user_id)

            return PlainTextResponse("later", background=BackgroundTask(task))

        client = client_of(application(config(), Route("/", endpoint)))
        assert client.get("/", headers=dispatcher).text == "later"
        assert done == ["user_dev"]

    def test_of_a_refresh(self, config: Any, client_of: Any, backend_api: Any, expired_cookies: Any) -> None:
        async def cacheable(request: Request) -> Response:
            return PlainTextResponse(request.auth.user_id, headers={"cache-control": "public"})

        client = client_of(application(config(api_url=backend_api.url), Route("/", cacheable)))
        response = client.get("/", headers=expired_cookies)
        assert response.text == "user_dev"
        assert response.headers["cache-control"] == "no-store"
        assert "__session=ey" in response.headers["set-cookie"]


async def refused(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"own: {type(error).__name__}", status_code=418)


class TestExceptionHandlers:
    @pytest.mark.parametrize("kind", [NotAuthorized, AuthorizationError, ClerkError])
    @pytest.mark.parametrize("mounted", [False, True])
    @pytest.mark.parametrize("warm", [False, True])
    def test_of_the_application_go_first(
        self, kind: Any, mounted: bool, warm: bool, config: Any, client_of: Any, dispatcher: Any, admin: Any
    ) -> None:
        inner = Starlette(routes=[Route("/admins", admins)], exception_handlers={kind: refused})
        app = Starlette(routes=[Mount("/", inner)]) if mounted else inner
        app.add_middleware(ClerkMiddleware, config=config())
        client = client_of(app)
        if warm:
            assert client.get("/admins", headers=admin).status_code == 200
        response = client.get("/admins", headers=dispatcher)
        assert (response.status_code, response.text) == (418, "own: NotAuthorized")

    def test_for_one_error_leave_the_others(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        handlers = {NotAuthenticated: refused}
        client = client_of(application(config(), Route("/", admins), exception_handlers=handlers))
        assert client.get("/").status_code == 418
        assert client.get("/", headers=dispatcher).status_code == 403

    @pytest.mark.parametrize("kind", [Exception, 500, 403, 404])
    def test_for_everything_are_not_asked(
        self, kind: Any, config: Any, client_of: Any, dispatcher: Any
    ) -> None:
        client = client_of(application(config(), Route("/", admins), exception_handlers={kind: refused}))
        assert client.get("/", headers=dispatcher).json()["clerk_error"]["reason"] == "not-authorized"


class TestMountedApplications:
    @pytest.fixture
    def client(self, config: Any, client_of: Any) -> Any:
        deepest = Starlette(routes=[Route("/admins", admins), Route("/whoami", whoami)])
        inner = Starlette(routes=[Mount("/deep", deepest), Route("/admins", admins)])
        return client_of(application(config(), Mount("/inner", inner)))

    @pytest.mark.parametrize("path", ["/inner/admins", "/inner/deep/admins"])
    def test_refuse_in_the_same_way(
        self, path: str, client: Any, dispatcher: Any, admin: Any, navigation: Any
    ) -> None:
        assert client.get(path).status_code == 401
        refused = client.get(path, headers=dispatcher)
        assert refused.status_code == 403
        assert refused.headers["vary"] == "Authorization, Cookie"
        assert client.get(path, headers=navigation).headers["location"].endswith(path.replace("/", "%2F"))
        assert client.get(path, headers=admin).text == "welcome"

    def test_know_who_it_is(self, client: Any, dispatcher: Any) -> None:
        assert client.get("/inner/deep/whoami", headers=dispatcher).json()["user"] == "user_dev"

    def test_may_be_the_only_ones_with_the_middleware(
        self, config: Any, client_of: Any, dispatcher: Any
    ) -> None:
        inner = Starlette(
            routes=[Route("/secret", whoami), Route("/open", whoami)],
            middleware=[Middleware(ClerkMiddleware, config=config(), protected_routes="/secret")],
        )
        client = client_of(Starlette(routes=[Mount("/inner", inner)]))
        assert client.get("/inner/secret").status_code == 401
        assert client.get("/inner/secret", headers=dispatcher).status_code == 200
        assert client.get("/inner/open").status_code == 200


STARTS = [
    "/",
    "/secret",
    "/items/",
    "/items/1/edit",
    "/caf\u00e9/",
    "/files/",
    "/inner/secret",
    "/rooted/secret",
]
PIECES = [
    *("/", "secret", "items", "edit", "open", "caf\u00e9", "a", "1", "//", "..", "."),
    *(
        "\n",
        "\r",
        "\x00",
        "\u2028",
        "\u017f",
        " ",
        "?",
        "#",
        ";",
        "%0a",
        "%2f",
        "%",
        "\\",
        "'",
        "|",
        "~",
        "+",
    ),
]


class Secret:
    """An endpoint that nobody may reach; Starlette calls an object as it is."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(f"{scope['path']!r} was reached")


class TestProtectedRoutes:
    """What Starlette routes to a protected endpoint needs a session, however it is spelled."""

    @pytest.mark.parametrize(
        "path",
        [
            "/secret",
            "/%73ecret",
            "/secret%0A",
            "/secret/",
            "/secret%2F",
            "/inner/secret",
            "/inner/secret%0A",
            "/inner%2Fsecret",
            "/items/1",
            "/items/1%0A",
            "/items/%3F",
            "/items/%0A",
            "/items/%0A%0A",
            "/items/a%0Ab",
            "/items/a%2Fb",
            "/files/a/b",
            "/files/%0A",
            "/files/%0Aa",
        ],
    )
    @pytest.mark.parametrize("root_path", ["", "/rooted"])
    @pytest.mark.parametrize("option", ["protected_routes", "public_routes"])
    def test_are_never_reached_by_nobody(
        self, path: str, root_path: str, option: str, config: Any, client_of: Any
    ) -> None:
        async def secret(request: Request) -> Response:
            return PlainTextResponse("secret")

        patterns = ["/secret", "/inner/secret", "/items/:id", "/files/(.*)"]
        middleware = Middleware(
            ClerkMiddleware,
            config=config(),
            **{option: patterns if option == "protected_routes" else "/open"},
        )
        routes = [
            Route("/secret", secret),
            Mount("/inner", Starlette(routes=[Route("/secret", secret)])),
            Route("/items/{id}", secret),
            Route("/files/{rest:path}", secret),
        ]
        client = client_of(Starlette(routes=routes, middleware=[middleware]), root_path=root_path)
        response = client.get(root_path + path)
        assert response.status_code in (307, 401, 404)
        assert "secret" not in response.text
        if response.status_code == 307:  # to the path without its trailing slash, which is protected
            assert response.headers["location"].removesuffix("\n").endswith("/secret")

    @settings(max_examples=400, deadline=None)
    @given(
        start=st.sampled_from(STARTS),
        pieces=st.lists(st.sampled_from(PIECES), max_size=3),
        root_path=st.sampled_from(["", "/rooted", "/items"]),
    )
    def test_are_never_reached_by_any_path(
        self, start: str, pieces: list[str], root_path: str, config: Any
    ) -> None:
        routes = [
            Route("/secret", Secret()),
            Route("/items/{id}", Secret()),
            Route("/items/{id}/edit", Secret()),
            Route("/caf\u00e9/{name}", Secret()),
            Route("/files/{rest:path}", Secret()),
            Mount("/inner", Router([Route("/secret", Secret())])),
        ]
        patterns = [
            "/secret",
            "/items/:id",
            "/items/:id/edit",
            "/caf\u00e9/:name",
            "/files/(.*)",
            "/inner/secret",
        ]
        path = start + "".join(pieces)
        scope = {"type": "http", "method": "GET", "path": path, "root_path": root_path, "headers": []}
        answers = []

        async def send(message: Any) -> None:
            answers.append(message)

        for options in ({"protected_routes": patterns}, {"public_routes": "/open"}):
            app = ClerkMiddleware(Router(routes), config(), **options)
            asyncio.run(app(dict(scope), None, send))  # type: ignore[arg-type]
        assert {answer["status"] for answer in answers[::2]} <= {307, 401, 404}


def test_the_client_is_closed_with_the_application(
    config: Any, client_of: Any, backend_api: Any, expired_cookies: Any
) -> None:
    closed = []

    class Watching(ClerkMiddleware):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            close = self.authenticator.aclose

            async def aclose() -> None:
                closed.append(True)
                await close()

            self.authenticator.aclose = aclose  # type: ignore[method-assign]

    started = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        started.append(True)
        yield
        assert not closed  # the application may still need it

    from starlette.testclient import TestClient

    app = Starlette(routes=[Route("/", whoami)], lifespan=lifespan)
    app.add_middleware(Watching, config=config(api_url=backend_api.url))
    with TestClient(app, base_url=SITE) as client:
        assert client.get("/", headers=expired_cookies).json()["user"] == "user_dev"
        assert (started, closed) == ([True], [])
    assert closed == [True]


def test_get_session_is_the_session_or_a_refusal(config: Any, client_of: Any, admin: Any) -> None:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(get_session(request).user_id)

    clerk = Middleware(ClerkMiddleware, config=config())
    client = client_of(Starlette(routes=[Route("/", endpoint)], middleware=[clerk]))
    assert client.get("/", headers=admin).text == "user_ada"
    assert client.get("/").status_code == 401
