"""API keys, M2M tokens and OAuth access tokens: the types that a route accepts, the scopes that it asks."""

# No postponed annotations: FastAPI could not resolve those of functions within functions.
from typing import Annotated, Any

import anyio
import anyio.to_thread
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Security, WebSocket
from starlette.testclient import WebSocketDenialResponse

from clerk_middleware import APIKeyAuth, Auth, ConfigurationError, M2MAuth, OAuthAuth, SessionAuth
from clerk_middleware_fastapi import (
    ClerkMiddleware,
    ClerkOAuth2,
    CurrentAuth,
    current_auth,
    protect,
    require_auth,
    require_permission,
    require_scope,
)

from ..machine_callers import CALLERS, headers_of, machine_options

SITE = "https://app.example.com"
ASSIGN = "org:dispatcher:assign_drivers"


@pytest.fixture(scope="session")
def machines(config: Any, backend_api: Any, clerk: Any) -> Any:
    """Makes the configuration of an application that machines call."""
    return lambda **options: config(**machine_options(clerk, backend_api.url) | options)


@pytest.fixture
def caller(clerk: Any) -> Any:
    """Makes the headers of somebody; who is weak has no scope."""
    return lambda name: headers_of(clerk, name, azp=SITE)


def routed(dependencies: Any, config: Any, prefix: str = "") -> FastAPI:
    """An application with a route for each dependency, which says who asks."""
    app = FastAPI()
    if config is not None:
        app.add_middleware(ClerkMiddleware, config=config)

    def route(path: str, dependency: Any) -> None:
        @app.get(path)
        async def endpoint(auth: Annotated[Auth, dependency]) -> str:
            return type(auth).__name__

    for name, dependency in dependencies.items():
        route(f"/{name}", dependency)
    return app


class TestTypes:
    def test_an_api_key_is_its_owners(self, machines: Any, client_of: Any, caller: Any) -> None:
        app = FastAPI()
        app.add_middleware(ClerkMiddleware, config=machines())

        @app.get("/")
        async def endpoint(
            auth: Annotated[APIKeyAuth, Depends(require_auth(accepts_token="api_key"))],
        ) -> Any:
            return [auth.name, auth.org_id, auth.user_id, auth.scopes]

        client = client_of(app)
        assert client.get("/", headers=caller("key")).json() == [
            "board",
            "org_blue_ridge",
            None,
            ["read:loads"],
        ]
        refused = client.get("/", headers=caller("oauth"))
        assert refused.status_code == 401
        assert refused.json()["clerk_error"]["reason"] == "token-type-mismatch"
        assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'

    @pytest.mark.parametrize(
        ("accepts_token", "let_in"),
        [
            (None, {"session": SessionAuth, "driver": SessionAuth}),
            ("session_token", {"session": SessionAuth, "driver": SessionAuth}),
            ("api_key", {"key": APIKeyAuth, "weak key": APIKeyAuth}),
            ("oauth_token", {"oauth": OAuthAuth, "weak oauth": OAuthAuth}),
            ("m2m_token", {"m2m": M2MAuth}),
            (["session_token", "m2m_token"], {"session": SessionAuth, "driver": SessionAuth, "m2m": M2MAuth}),
            (
                "any",
                {
                    "session": SessionAuth,
                    "driver": SessionAuth,
                    "key": APIKeyAuth,
                    "weak key": APIKeyAuth,
                    "oauth": OAuthAuth,
                    "weak oauth": OAuthAuth,
                    "m2m": M2MAuth,
                },
            ),
        ],
    )
    def test_that_a_route_accepts(
        self, accepts_token: Any, let_in: Any, machines: Any, client_of: Any, caller: Any
    ) -> None:
        dependency = require_auth if accepts_token is None else require_auth(accepts_token=accepts_token)
        client = client_of(routed({"": Depends(dependency)}, machines()))
        for name in CALLERS:
            answer = client.get("/", headers=caller(name))
            expected = (200, let_in[name].__name__) if name in let_in else (401, None)
            assert (answer.status_code, answer.json() if answer.is_success else None) == expected, name

    def test_that_the_application_does_not_accept_are_an_error_of_its_own(
        self, config: Any, client_of: Any, caller: Any
    ) -> None:
        client = client_of(routed({"": Depends(require_auth(accepts_token="api_key"))}, config()))
        with pytest.raises(ConfigurationError, match=r"CLERK_ACCEPTS_TOKEN=session_token,api_key"):
            client.get("/", headers=caller("key"))

    @pytest.mark.parametrize("header", ["Bearer ak_unknown", "Bearer ak_!", "Bearer oat_unknown"])
    def test_one_that_is_refused_has_no_scopes(self, header: str, machines: Any, client_of: Any) -> None:
        app = FastAPI()
        app.add_middleware(ClerkMiddleware, config=machines())

        @app.get("/")
        async def endpoint(auth: CurrentAuth) -> list[bool]:
            given: Any = auth
            return [auth.is_authenticated, "read:loads" in given.scopes]

        @app.get("/request")
        async def of_request(request: Request) -> bool:
            return "read:loads" in request.auth.scopes

        client = client_of(app)
        assert client.get("/", headers={"authorization": header}).json() == [False, False]
        assert client.get("/request", headers={"authorization": header}).json() is False

    def test_a_revoked_key_is_refused(self, machines: Any, client_of: Any, clerk: Any) -> None:
        config = machines(opaque_token_ttl_in_ms=0)
        client = client_of(routed({"": Depends(require_auth(accepts_token="api_key"))}, config))
        key = clerk.create_api_key("user_dev")
        headers = {"authorization": f"Bearer {key.secret}"}
        assert client.get("/", headers=headers).status_code == 200
        clerk.revoke_api_key(key.id)
        assert client.get("/", headers=headers).status_code == 401

    @pytest.mark.parametrize("kind", ["required", "current"])
    def test_of_which_clerk_does_not_say_anything_are_asked_to_come_again(
        self, kind: str, machines: Any, client_of: Any, clerk: Any, caller: Any
    ) -> None:
        routes = {
            "required": Depends(require_auth(accepts_token="api_key")),
            "current": Security(current_auth, scopes=["read:loads"]),
        }
        client = client_of(routed(routes, machines()))
        clerk.fail("/api_keys/verify", status=429, times=None, retry_after=7)
        try:
            answer = client.get(f"/{kind}", headers=caller("key"))
        finally:
            clerk.recover()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


def oauth2(config: Any, **options: Any) -> ClerkOAuth2[Any]:
    return ClerkOAuth2(config, scopes={"read:loads": "See loads", "write:loads": "Create loads"}, **options)


#: Of a configuration, a dependency, and who is let in; everybody else is refused with 401, or, with a token
#: of a type that is accepted, with 403.
SCOPED: dict[str, tuple[Any, set[str], set[str]]] = {
    "any machine": (
        lambda _: Depends(require_scope("read:loads")),
        {"key", "oauth"},
        {"weak key", "weak oauth", "m2m"},
    ),
    "keys": (
        lambda _: Depends(require_scope("read:loads", accepts_token="api_key")),
        {"key"},
        {"weak key"},
    ),
    "keys and sessions": (
        lambda _: Depends(require_scope("read:loads", accepts_token=["session_token", "api_key"])),
        {"session", "driver", "key"},
        {"weak key"},
    ),
    "protect": (
        lambda _: Depends(
            protect(token=["session_token", "api_key"], permission=ASSIGN, scope="read:loads"),
        ),
        {"session", "key"},
        {"driver", "weak key"},
    ),
    "security of OAuth": (
        lambda config: Security(oauth2(config), scopes=["read:loads"]),
        {"oauth"},
        {"weak oauth"},
    ),
    "security of OAuth and sessions": (
        lambda config: Security(
            oauth2(config, accepts_token=["session_token", "oauth_token"]), scopes=["read:loads"]
        ),
        {"session", "driver", "oauth"},
        {"weak oauth"},
    ),
    "security of permissions": (
        lambda _: Security(require_auth, scopes=[ASSIGN]),
        {"session"},
        {"driver"},
    ),
    "security of permissions, for keys, too": (
        lambda _: Security(require_auth(accepts_token=["session_token", "api_key"]), scopes=[ASSIGN]),
        {"session"},
        {"driver", "key", "weak key"},
    ),
    "security of a scope and a requirement of another": (
        lambda _: Security(require_scope("write:loads"), scopes=["read:loads"]),
        set(),
        {"key", "weak key", "oauth", "weak oauth", "m2m"},
    ),
    "security of whoever it is": (
        lambda _: Security(current_auth, scopes=["read:loads"]),
        {"key", "oauth"},
        {"session", "driver", "weak key", "weak oauth", "m2m"},
    ),
}


class TestScopes:
    @pytest.mark.parametrize("name", SCOPED)
    def test_that_are_asked(self, name: str, machines: Any, client_of: Any, caller: Any) -> None:
        make, let_in, forbidden = SCOPED[name]
        config = machines()
        client = client_of(routed({"": make(config)}, config))
        for person in CALLERS:
            answer = client.get("/", headers=caller(person))
            expected = 200 if person in let_in else 403 if person in forbidden else 401
            assert answer.status_code == expected, person

    @pytest.mark.parametrize("kind", ["word", "security"])
    def test_that_are_lacking_are_named(self, kind: str, machines: Any, client_of: Any, caller: Any) -> None:
        config = machines(oauth_resources=["/"])
        routes = {
            "word": Depends(require_scope("read:loads", "write:loads")),
            "security": Security(oauth2(config), scopes=["read:loads", "write:loads"]),
        }
        answer = client_of(routed(routes, config)).get(f"/{kind}", headers=caller("oauth"))
        assert answer.status_code == 403
        assert answer.json()["clerk_error"] == {
            "type": "forbidden",
            "reason": "insufficient-scope",
            "message": "The token lacks the scope 'write:loads'.",
            "metadata": {"required": {"scopes": ["read:loads", "write:loads"]}},
        }
        assert answer.headers["www-authenticate"] == (
            'Bearer error="insufficient_scope", scope="read:loads write:loads", '
            'resource_metadata="https://app.example.com/.well-known/oauth-protected-resource"'
        )

    def test_of_one_route_are_not_asked_by_another(self, machines: Any, client_of: Any, caller: Any) -> None:
        config = machines()
        shared = oauth2(config)
        routes = {"scoped": Security(shared, scopes=["read:loads"]), "plain": Depends(shared)}
        client = client_of(routed(routes, config))
        assert client.get("/scoped", headers=caller("weak oauth")).status_code == 403
        assert client.get("/plain", headers=caller("weak oauth")).status_code == 200

    def test_are_told_to_who_has_no_token(self, machines: Any, client_of: Any) -> None:
        config = machines()
        client = client_of(routed({"": Security(oauth2(config), scopes=["read:loads"])}, config))
        assert client.get("/").headers["www-authenticate"] == 'Bearer scope="read:loads"'

    def test_are_asked_of_dependencies_within(self, machines: Any, client_of: Any, caller: Any) -> None:
        config = machines()

        async def company(auth: Annotated[OAuthAuth, Depends(oauth2(config))]) -> str:
            return auth.user_id

        client = client_of(routed({"": Security(company, scopes=["read:loads"])}, config))
        assert client.get("/", headers=caller("oauth")).status_code == 200
        assert client.get("/", headers=caller("weak oauth")).status_code == 403

    @pytest.mark.parametrize("order", [1, -1])
    def test_are_asked_by_each_of_several(
        self, order: int, machines: Any, client_of: Any, caller: Any
    ) -> None:
        """A session needs none for the first; to FastAPI both are the same Auth object of the same scopes."""
        config = machines()
        lenient = oauth2(config, accepts_token=["session_token", "oauth_token"])
        both = [Security(lenient, scopes=["read:loads"]), Security(current_auth, scopes=["read:loads"])]
        app = FastAPI(dependencies=both[::order])
        app.add_middleware(ClerkMiddleware, config=config)

        @app.get("/")
        async def endpoint() -> None: ...

        client = client_of(app)
        assert client.get("/", headers=caller("oauth")).status_code == 200
        assert client.get("/", headers=caller("session")).status_code == 403

    @pytest.mark.parametrize("dependency", [Security(current_auth, scopes=["read:loads"]), SCOPED["keys"][0]])
    def test_that_are_lacking_in_a_mounted_application(
        self, dependency: Any, machines: Any, client_of: Any, caller: Any
    ) -> None:
        app = FastAPI()
        app.add_middleware(ClerkMiddleware, config=machines())
        app.mount("/api", routed({"": dependency if not callable(dependency) else dependency(None)}, None))
        client = client_of(app)
        assert client.get("/api/", headers=caller("weak key")).status_code == 403
        assert client.get("/api/").status_code == 401

    def test_of_a_whole_router(self, machines: Any, client_of: Any, caller: Any) -> None:
        router = APIRouter(dependencies=[Depends(require_scope("read:loads"))])

        @router.get("/loads")
        async def loads(auth: CurrentAuth) -> str:
            return type(auth).__name__

        app = FastAPI()
        app.add_middleware(ClerkMiddleware, config=machines())
        app.include_router(router)
        client = client_of(app)
        assert client.get("/loads", headers=caller("key")).json() == "APIKeyAuth"
        assert client.get("/loads", headers=caller("session")).status_code == 401

    def test_of_a_websocket(self, machines: Any, client_of: Any, caller: Any) -> None:
        app = FastAPI()
        app.add_middleware(ClerkMiddleware, config=machines())

        @app.websocket("/live")
        async def live(
            socket: WebSocket, auth: Annotated[OAuthAuth, Depends(require_scope("read:loads"))]
        ) -> None:
            await socket.accept()
            await socket.send_text(auth.user_id)

        client = client_of(app)
        with client.websocket_connect("/live", headers=caller("oauth")) as socket:
            assert socket.receive_text() == "user_dev"
        for name, status in (("weak oauth", 403), ("session", 401), ("nobody", 401)):
            with (
                pytest.raises(WebSocketDenialResponse) as refused,
                client.websocket_connect("/live", headers=caller(name)),
            ):
                pass
            assert refused.value.status_code == status, name


def api_key(*scopes: str) -> APIKeyAuth:
    return APIKeyAuth(id="ak_1", subject="user_1", scopes=scopes, claims=None, token="ak_secret")


class TestOverrides:
    """As in a test of an application: with no Clerk at all."""

    @pytest.mark.parametrize("name", [name for name, (_, let_in, _) in SCOPED.items() if "key" in let_in])
    def test_of_current_auth_satisfy_what_machines_must_have(
        self, name: str, client_of: Any, config: Any
    ) -> None:
        app = routed({"": SCOPED[name][0](config())}, None)
        app.dependency_overrides[current_auth] = lambda: api_key("read:loads")
        assert client_of(app).get("/").json() == "APIKeyAuth"

    def test_of_current_auth_lack_what_they_lack(self, client_of: Any, config: Any) -> None:
        others = ["api_key", "oauth_token"]
        routes = {
            "word": Depends(require_scope("read:loads")),
            "security": Security(oauth2(config(), accepts_token=others), scopes=["read:loads"]),
        }
        app = routed(routes, None)
        app.dependency_overrides[current_auth] = lambda: api_key("write:loads")
        client = client_of(app)
        assert [client.get(f"/{name}").status_code for name in routes] == [403, 403]


class TestWhereTheyRun:
    @pytest.mark.anyio
    @pytest.mark.parametrize(
        "dependency",
        [
            Depends(current_auth),
            Security(current_auth, scopes=[ASSIGN]),
            Depends(require_auth),
            Security(require_auth, scopes=[ASSIGN]),
            Depends(require_auth(accepts_token="any")),
            Depends(require_scope("read:loads", accepts_token=["session_token", "api_key"])),
            Depends(require_permission(ASSIGN)),
            Depends(protect()),
        ],
    )
    async def test_is_the_event_loop(self, dependency: Any, machines: Any, caller: Any) -> None:
        """No thread is free, so that whatever needs one waits in vain."""
        threads = anyio.to_thread.current_default_thread_limiter()
        for _ in range(int(threads.total_tokens)):
            threads.acquire_on_behalf_of_nowait(object())
        transport = httpx.ASGITransport(routed({"": dependency}, machines()))
        async with httpx.AsyncClient(transport=transport, base_url=SITE) as client:
            with anyio.fail_after(5):
                assert (await client.get("/", headers=caller("session"))).json() == "SessionAuth"


class TestMistakes:
    @pytest.mark.parametrize("thing", [require_scope, ClerkOAuth2], ids=lambda thing: thing.__name__)
    def test_a_call_that_is_forgotten(self, thing: Any) -> None:
        app = FastAPI()

        async def endpoint() -> None: ...

        with pytest.raises(ConfigurationError, match=rf"write Depends\({thing.__name__}\("):
            app.get("/", dependencies=[Depends(thing)])(endpoint)

    @pytest.mark.parametrize(
        "make",
        [
            lambda config: require_auth(accepts_token="api_key"),
            lambda config: require_scope("read:loads"),
            lambda config: ClerkOAuth2(config),
        ],
    )
    def test_depends_that_is_forgotten(self, make: Any, machines: Any) -> None:
        config = machines()
        requirement = make(config)

        async def endpoint(auth=requirement) -> None: ...  # type: ignore[no-untyped-def]

        async def annotated(request: Annotated[Request, requirement]) -> None: ...

        with pytest.raises(ConfigurationError, match=r"wrap it in Depends\(\.\.\.\)"):
            FastAPI().get("/forgotten")(endpoint)
        # Older versions of FastAPI say so themselves.
        with pytest.raises((ConfigurationError, AssertionError), match="Depends"):
            FastAPI().get("/forgotten")(annotated)

    @pytest.mark.parametrize(
        ("options", "instead"),
        [
            ({"scope": "read:loads"}, "require_scope('read:loads', accepts_token='api_key')"),
            (
                {"accepts_token": "api_key", "scopes": ["a"]},
                "require_scope('read:loads', accepts_token='api_key')",
            ),
            ({"permission": "org:teams:manage"}, "require_permission('org:teams:manage')"),
            ({"role": "org:admin"}, "require_role('org:admin')"),
            ({"reverification": "strict"}, "require_reverification('strict')"),
            ({"token": "api_key"}, "require_auth(accepts_token='api_key')"),
            ({"accept_token": "api_key"}, "require_auth(accepts_token='api_key')"),
            ({"foo": None}, "require_auth(accepts_token='api_key')"),
        ],
    )
    def test_what_require_auth_does_not_take(self, options: Any, instead: str) -> None:
        """It would be open to every key, or to every user."""
        name = [*options][-1]
        with pytest.raises(ConfigurationError) as raised:
            require_auth(**options)
        assert str(raised.value) == (
            f"require_auth takes accepts_token alone, and not {name}: write {instead}"
        )

    @pytest.mark.parametrize("accepts_token", ["api_key", ["session_token", "m2m_token"]])
    def test_oauth_clients_that_are_left_out(self, accepts_token: Any, config: Any) -> None:
        with pytest.raises(ConfigurationError) as raised:
            ClerkOAuth2(config(), accepts_token=accepts_token)
        assert str(raised.value) == (
            f"ClerkOAuth2 is for OAuth access tokens, and accepts_token={accepts_token!r} leaves them out: "
            "add 'oauth_token', or write require_auth(accepts_token=...)"
        )

    def test_a_scope_that_is_none_of_the_documents(self, machines: Any, client_of: Any, caller: Any) -> None:
        config = machines()
        known = ClerkOAuth2(config, scopes={"read:loads": "See", "write:loads": "Create"})
        routes = {
            "misspelt": Security(known, scopes=["raed:loads"]),
            "undocumented": Security(ClerkOAuth2(config), scopes=["raed:loads"]),
            "permission": Security(known, scopes=[ASSIGN]),
        }
        client = client_of(routed(routes, config))
        with pytest.raises(ConfigurationError) as raised:
            client.get("/misspelt", headers=caller("oauth"))
        assert str(raised.value) == (
            "the scope 'raed:loads' is none of those of this ClerkOAuth2: add it there, or did you mean "
            "'read:loads'?"
        )
        assert client.get("/undocumented", headers=caller("oauth")).status_code == 403
        assert client.get("/permission", headers=caller("oauth")).status_code == 403

    def test_the_name_of_the_parameter_that_is_forgotten(self) -> None:
        """It would require a session."""
        with pytest.raises(ConfigurationError, match=r"write require_auth\(accepts_token='api_key'\)"):
            require_auth("api_key")  # type: ignore[call-overload]
        with pytest.raises(ConfigurationError, match=r"write require_auth\(accepts_token=\['api_key'\]\)"):
            require_auth(["api_key"])  # type: ignore[call-overload]

    @pytest.mark.parametrize(
        ("make", "problem"),
        [
            (lambda: require_scope(), r"names no scope: write which, as in require_scope\('read:loads'\)"),
            (lambda: require_scope("read:loads write:loads"), "read:loads write:loads"),
            (
                lambda: require_scope("read:loads", accepts_token="session_token"),
                "only sessions are accepted",
            ),
            (lambda: require_auth(accepts_token="ak_123"), "accepts_token"),
            (lambda: require_auth(accepts_token=[]), "accepts_token"),
        ],
    )
    def test_are_told_where_they_are_written(self, make: Any, problem: str) -> None:
        with pytest.raises(ConfigurationError, match=problem):
            make()

    def test_oauth_clients_sign_in_somewhere(self, config: Any) -> None:
        with pytest.raises(ConfigurationError, match="set CLERK_PUBLISHABLE_KEY"):
            ClerkOAuth2(config(publishable_key=None))
