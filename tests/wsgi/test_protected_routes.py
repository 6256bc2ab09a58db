"""Which paths need a session, as applications read a WSGI environment and not as somebody spells them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from clerk_middleware.wsgi import ClerkMiddleware

from ..spellings import ADMIN, ANSWERED, NOT_OF_ADMIN, OF_ADMIN, PUBLIC, TO_BE_ENCODED


class TestProtected:
    @pytest.mark.parametrize(
        "target",
        [
            *OF_ADMIN,
            "/adm%FFin",  # Bottle leaves out what is no UTF-8
            "/%FFadmin",
            "/admin%C3",
            "/admin/%FF",  # Werkzeug and Django put a mark in its place
            "/adm%C3in/users",
        ],
    )
    def test_however_the_path_is_spelled(
        self, target: str, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        assert request_to(app, target).status == 401

    @pytest.mark.parametrize("target", NOT_OF_ADMIN)
    def test_nothing_else(self, target: str, config: Any, request_to: Any, responding: Any) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        assert request_to(app, target).status == 200

    @pytest.mark.parametrize("pattern", TO_BE_ENCODED)
    def test_by_a_pattern_with_characters_that_urls_encode(
        self, pattern: str, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes=pattern)
        assert request_to(app, quote(pattern)).status == 401

    @pytest.mark.parametrize("target", ["/admin", "/adm%C3%A9"])
    def test_lets_who_is_signed_in_pass(
        self, target: str, config: Any, request_to: Any, responding: Any, dispatcher: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes="/adm(.*)")
        assert request_to(app, target, dispatcher).status == 200
        assert request_to(app, target).status == 401

    def test_is_answered_like_get_session(
        self, config: Any, request_to: Any, responding: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes="/admin")
        refused = request_to(app, "/admin")
        assert (refused.status, refused.header("www-authenticate")) == (401, "Bearer")
        assert refused.header("vary") == "Authorization, Cookie"
        location = request_to(app, "/admin?tab=2", navigation, SCRIPT_NAME="/app").header("location")
        assert location.endswith(
            "/sign-in?redirect_url=https%3A%2F%2Fapp.example.com%2Fapp%2Fadmin%3Ftab%3D2"
        )

    def test_refuses_a_machine(self, config: Any, machine: Any, request_to: Any, responding: Any) -> None:
        accepting = config(accepts_token=["session_token", "oauth_token"])
        app = ClerkMiddleware(responding(), accepting, protected_routes="/admin")
        assert request_to(app, "/admin", machine).status == 401
        assert request_to(app, "/other", machine).environ["clerk.auth"].token_type == "oauth_token"

    def test_without_the_application_seeing_the_request(self, config: Any, request_to: Any) -> None:
        def app(environ: Any, start_response: Any) -> Any:
            raise AssertionError("the application must not see it")

        answer = request_to(ClerkMiddleware(app, config(), protected_routes="/"))
        assert (answer.status, answer.starts) == (401, 1)

    def test_opens_nothing_to_a_preflight(self, config: Any, request_to: Any, responding: Any) -> None:
        asking = {"origin": "https://other.example", "access-control-request-method": "POST"}
        app = ClerkMiddleware(responding(), config(), protected_routes="/(.*)")
        assert request_to(app, "/admin", asking, method="OPTIONS").status == 401


class TestPublic:
    @pytest.mark.parametrize(
        ("target", "status"),
        [*ANSWERED, ("/sign%FF-in", 401)],  # to Bottle the page, to Werkzeug another one
    )
    def test_are_the_only_ones_that_need_no_session(
        self, target: str, status: int, config: Any, request_to: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), public_routes=PUBLIC)
        assert request_to(app, target).status == status

    def test_none_of_them_protects_everything(self, config: Any, request_to: Any, responding: Any) -> None:
        app = ClerkMiddleware(responding(), config(), public_routes=[])
        assert request_to(app, "/").status == 401


class TestUnderAMount:
    """``SCRIPT_NAME`` is the mount's path, and ``PATH_INFO`` what the application routes."""

    @pytest.mark.parametrize(
        ("script_name", "path", "status"),
        [
            ("/api", "/admin", 401),
            ("/api/", "/admin", 401),  # as some servers are configured
            ("/api", "admin", 401),  # as gunicorn makes it of "/apiadmin"
            ("/caf\xc3\xa9", "admin", 401),
            ("/api", "/administrators", 200),
            ("/api", "/api", 200),
            ("/api", "/api/admin", 200),
            ("/admin", "/other", 401),  # as the URL has it: either reading protects
            ("/admin", "", 401),
            ("/adm\xffin", "/other", 401),
            ("/caf\xc3\xa9", "/admin", 401),
            ("/caf\xc3\xa9", "/adm\xffin", 401),
            ("/caf\xc3\xa9", "/other", 200),
            ("/api", "", 200),
        ],
    )
    def test_patterns_are_of_what_the_application_routes(
        self, script_name: str, path: str, status: int, config: Any, environ_of: Any, serve_once: Any,
        responding: Any,
    ) -> None:  # fmt: skip
        app = ClerkMiddleware(responding(), config(), protected_routes=ADMIN)
        environ = environ_of(SCRIPT_NAME=script_name, PATH_INFO=path)
        assert serve_once(app, environ).status == status

    @pytest.mark.parametrize(
        ("script_name", "path", "status"),
        [
            ("/app", "/about", 200),
            ("/app/", "/about", 200),
            ("/app", "about", 401),  # to some applications another page
            ("/caf\xc3\xa9", "/about", 200),
            ("/app", "/app/about", 401),
            ("/app", "", 200),
            ("/about", "/other", 401),
            ("/about", "/about", 200),
        ],
    )
    def test_public_ones_too(
        self, script_name: str, path: str, status: int, config: Any, environ_of: Any, serve_once: Any,
        responding: Any,
    ) -> None:  # fmt: skip
        app = ClerkMiddleware(responding(), config(), public_routes=["/", "/about"])
        assert serve_once(app, environ_of(SCRIPT_NAME=script_name, PATH_INFO=path)).status == status

    def test_servers_need_not_tell_an_empty_one(
        self, config: Any, environ_of: Any, serve_once: Any, responding: Any
    ) -> None:
        app = ClerkMiddleware(responding(), config(), protected_routes="/")
        environ = environ_of()
        del environ["SCRIPT_NAME"]
        assert serve_once(app, environ).status == 401
        environ = environ_of(SCRIPT_NAME="")
        del environ["PATH_INFO"]
        assert serve_once(app, environ).status == 401
