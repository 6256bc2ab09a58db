"""Which paths need a session, as the application's router sees them and not as somebody spells them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.route_protection import RouteProtection

from ..spellings import ADMIN, ANSWERED, NOT_OF_ADMIN, OF_ADMIN, PUBLIC, TO_BE_ENCODED

pytestmark = pytest.mark.anyio


class TestProtected:
    @pytest.mark.parametrize("target", OF_ADMIN)
    async def test_however_the_path_is_spelled(
        self, target: str, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        assert (await request_to(app, target)).status == 401

    async def test_with_a_newline_that_routers_do_not_see(
        self, config: Any, request_to: Any, responding: Any
    ) -> None:
        """`$`, with which Starlette's routes end, matches before one."""
        app = ClerkMiddleware(responding(), config(), protected_routes="/admin")
        assert (await request_to(app, "/admin%0A")).status == 401

    @pytest.mark.parametrize("target", NOT_OF_ADMIN)
    async def test_nothing_else(self, target: str, config: Any, request_to: Any, responding: Any) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        assert (await request_to(app, target)).status == 200

    async def test_lets_who_is_signed_in_pass(
        self, config: Any, request_to: Any, responding: Any, bearer: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        assert (await request_to(app, "/admin/users", bearer)).status == 200

    async def test_is_answered_like_require_auth(
        self, config: Any, request_to: Any, responding: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes="/admin")
        refused = await request_to(app, "/admin")
        assert (refused.status, refused.header("www-authenticate")) == (401, "Bearer")
        location = (await request_to(app, "/admin?tab=2", navigation)).header("location")
        assert location.endswith("/sign-in?redirect_url=https%3A%2F%2Fapp.example.com%2Fadmin%3Ftab%3D2")

    async def test_refuses_a_machine(self, machine: Any, request_to: Any, responding: Any) -> None:
        app = ClerkMiddleware(responding(), machine.config, protected_routes="/admin")
        assert (await request_to(app, "/admin", machine.headers)).status == 401

    @pytest.mark.parametrize("pattern", TO_BE_ENCODED)
    async def test_by_a_pattern_with_characters_that_urls_encode(
        self, pattern: str, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=pattern)
        assert (await request_to(app, quote(pattern))).status == 401

    async def test_websockets_too(self, config: Any, request_to: Any, bearer: Any) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})

        guarded = ClerkMiddleware(app, config(), protected_routes="/live/:room")
        refused = await request_to(guarded, "/live/a%2Db", websocket=True)
        assert refused.messages == [{"type": "websocket.close", "code": 1008}]
        assert (await request_to(guarded, "/live/a", bearer, websocket=True)).kinds == ["websocket.accept"]
        assert (await request_to(guarded, "/public", websocket=True)).kinds == ["websocket.accept"]

    async def test_by_no_pattern_at_all_is_nothing(
        self, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=[])
        assert (await request_to(app, "/admin")).status == 200


class TestPublic:
    @pytest.mark.parametrize(("target", "status"), ANSWERED)
    async def test_are_the_only_ones_that_need_no_session(
        self, target: str, status: int, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), public_routes=PUBLIC)
        assert (await request_to(app, target)).status == status

    async def test_and_whoever_is_signed_in_may_go_everywhere(
        self, config: Any, request_to: Any, responding: Any, cookies: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), public_routes="/")
        assert (await request_to(app, "/anywhere", cookies)).status == 200

    async def test_none_of_them_protects_everything(
        self, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), public_routes=[])
        assert (await request_to(app, "/")).status == 401

    async def test_the_server_wide_options_are_no_public_path(
        self, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), public_routes="/(.*)")
        assert (await request_to(app, "*", method="OPTIONS")).status == 401


class TestPreflight:
    """Anybody can send one, and many an application runs the same view for every method."""

    async def test_opens_nothing(self, config: Any, request_to: Any, responding: Any) -> None:
        asking = {"origin": "https://other.example", "access-control-request-method": "POST"}
        app = ClerkMiddleware(responding(), config(), protected_routes="/(.*)")
        assert (await request_to(app, "/admin", asking, method="OPTIONS")).status == 401


class TestDotSegments:
    """File servers and proxies resolve them, and so they are resolved before a pattern is asked."""

    PATHS = ("/private/x", "/assets/../private/x", "/./private/x", "//private/x", "/a/b/../../private/x")

    @pytest.mark.parametrize("path", [*PATHS, "/assets/..\\private/x"])
    async def test_do_not_lead_around_a_pattern(
        self, path: str, config: Any, request_to: Any, responding: Any
    ) -> None:
        for routes in ({"protected_routes": "/private/(.*)"}, {"public_routes": "/assets/(.*)"}):
            app = ClerkMiddleware(responding(), config(), **routes)
            assert (await request_to(app, path)).status == 401

    async def test_are_no_obstacle_where_they_lead_nowhere_else(
        self, config: Any, request_to: Any, responding: Any
    ) -> None:
        public = ["/", "/assets/(.*)", "/.well-known/(.*)"]
        app = ClerkMiddleware(responding(), config(), public_routes=public)
        for path in ("/", "/assets/", "/assets/a/../b.css", "/assets/a//b", "/.well-known/x", "/assets/.x"):
            assert (await request_to(app, path)).status == 200, path


class TestUnderARootPath:
    @pytest.mark.parametrize(
        ("root_path", "path", "status"),
        [
            ("/api", "/api/admin", 401),  # as ASGI has it: the path includes the root
            ("/api", "/admin", 401),  # as behind a proxy that strips it
            ("/api", "/api/administrators", 200),
            ("/api", "/apiadmin", 200),
            ("/api", "/api", 200),
            ("/api", "/api/api/admin", 200),
            ("/admin", "/admin/other", 401),  # as the URL has it: either reading protects
            ("/admin", "/admin/admin", 401),
        ],
    )
    async def test_patterns_are_of_what_the_application_routes(
        self, root_path: str, path: str, status: int, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        assert (await request_to(app, path, root_path=root_path)).status == status

    @pytest.mark.parametrize("absent", ["root_path", "raw_path"])
    async def test_servers_need_not_tell_it(
        self, absent: str, config: Any, responding: Any, request_to: Any
    ) -> None:
        async def without(scope: Any, receive: Any, send: Any) -> None:
            del scope[absent]
            await app(scope, receive, send)

        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        assert (await request_to(without, "/%61dmin")).status == 401


@pytest.mark.parametrize("root", ["/app", "/app/"])
def test_a_mount_may_be_written_with_a_slash(root: str) -> None:
    assert RouteProtection("/admin(.*)", None).cover("/app/admin/secret", root)
    assert RouteProtection(None, "/about").cover("/app/admin", root)
    assert not RouteProtection(None, "/about").cover("/app/about", root)
