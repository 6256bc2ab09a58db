"""Whatever arrives in an environment, there is an answer, and it is nobody's; and nothing of it stays."""

from __future__ import annotations

import gc
import json
import logging
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from clerk_middleware import SessionAuth
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.wsgi_environ import AUTH, STATE
from clerk_middleware_flask import current_auth, get_auth, get_session, get_state, require_auth
from clerk_middleware_flask.identity import RUNTIME

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]


@pytest.fixture(params=["production", "development"])
def app(
    request: pytest.FixtureRequest, app_of: Apps, development: LocalClerk, backend_api: LocalServer
) -> Flask:
    if request.param == "development":
        app = app_of(development, CLERK_API_URL=backend_api.url)
    else:
        app = app_of(CLERK_API_URL=backend_api.url)
    app.get("/who")(lambda: {"user": current_auth.user_id})
    return app


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_AUTHORIZATION": ""},
        {"HTTP_AUTHORIZATION": "Bearer"},
        {"HTTP_AUTHORIZATION": "Bearer "},
        {"HTTP_AUTHORIZATION": "Bearer \x00"},
        {"HTTP_AUTHORIZATION": "Bearer a.b.c"},
        {"HTTP_AUTHORIZATION": "Bearer \xff\xfe\x80"},
        {"HTTP_AUTHORIZATION": "Bearer ü.ü.ü,Bearer d.e.f"},
        {"HTTP_AUTHORIZATION": "Bearer \u20ac"},  # of a server that decodes otherwise
        {"HTTP_AUTHORIZATION": "Bearer " + "." * 65536},
        {"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz"},
        {"HTTP_COOKIE": ""},
        {"HTTP_COOKIE": ";;;=;=; =x"},
        {"HTTP_COOKIE": "__session="},
        {"HTTP_COOKIE": "__session=\x00; __client_uat=\x00"},
        {"HTTP_COOKIE": "__session=\xff\xfe; __client_uat=\xff"},
        {"HTTP_COOKIE": "__session=a.b.c; __client_uat=99999999999999999999999999"},
        {"HTTP_COOKIE": "__session=a.b.c; __client_uat=-1"},
        {"HTTP_COOKIE": "__session=" + "x" * 65536},
        {"HTTP_COOKIE": "__session=%FF%FE%00; __client_uat=1"},
        {"HTTP_COOKIE": "__clerk_handshake=a.b.c"},
        {"HTTP_COOKIE": "__clerk_db_jwt=\x00\x01; __client_uat=\u20ac"},
        {"HTTP_HOST": ""},
        {"HTTP_HOST": "\xff"},
        {"HTTP_HOST": "[::1"},
        {"HTTP_HOST": "evil.example/x"},
        {"HTTP_HOST": "a b"},
        {"HTTP_ORIGIN": "null", "HTTP_REFERER": "http://[::1", "HTTP_X_FORWARDED_HOST": "a\x00b"},
        {"HTTP_SEC_FETCH_DEST": "\xff", "HTTP_ACCEPT": "\xff", "HTTP_USER_AGENT": "\x00"},
        {"QUERY_STRING": "\xff\xfe"},
        {"QUERY_STRING": "__clerk_handshake=%FF"},
        {"QUERY_STRING": "__clerk_handshake_nonce=%00"},
        {"QUERY_STRING": "__clerk_db_jwt=\xff"},
        {"QUERY_STRING": "%"},
        {"QUERY_STRING": "a=" + "b" * 65536},
        {"PATH_INFO": "/\xff\xfe"},
        {"PATH_INFO": "/\x00"},
        {"PATH_INFO": ""},
        {"PATH_INFO": "*"},
        {"PATH_INFO": "http://evil.example/who"},
        {"SCRIPT_NAME": "\xff", "PATH_INFO": "/who"},
        {"SERVER_NAME": "", "HTTP_HOST": ""},
        {"REQUEST_METHOD": "PRI"},
    ],
    ids=lambda changes: repr(changes)[:60],
)
@pytest.mark.parametrize("is_navigation", [False, True])
def test_whatever_arrives_is_answered(
    changes: dict[str, str],
    is_navigation: bool,
    app: Flask,
    navigation: Headers,
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = navigation if is_navigation else {}
    environ = EnvironBuilder("/who", base_url=SITE, headers=headers).get_environ() | changes
    if "HTTP_HOST" in changes and not changes["HTTP_HOST"]:
        del environ["HTTP_HOST"]
    with caplog.at_level(logging.ERROR):
        body, status, _ = run_wsgi_app(app, environ, buffered=True)
    assert status.split()[0] in ("200", "307", "400", "404", "405")
    if status.startswith("200"):
        assert json.loads(b"".join(body)) == {"user": None}
    assert caplog.records == []


def test_a_second_authorization_does_not_sign_in(
    app_of: Apps, ask: Ask, dispatcher: Headers, admin: Headers
) -> None:
    app = app_of()
    app.get("/")(lambda: str(current_auth.user_id))
    both = {"authorization": f"{dispatcher['authorization']},{admin['authorization']}"}
    assert ask(app, headers=both).text == "None"


KEYS = [AUTH, STATE, RUNTIME]


class TestAnIdentity:
    """It comes from tokens alone."""

    @pytest.fixture
    def app(self, app_of: Apps) -> Flask:
        app = app_of()
        app.get("/")(require_auth(lambda: "in"))
        app.get("/who", endpoint="who")(lambda: str(current_auth.user_id))
        return app

    @pytest.mark.parametrize("key", [*KEYS, *(key.replace(".", "-") for key in KEYS), "x-clerk-user-id"])
    def test_is_not_made_by_a_header(self, key: str, app: Flask, ask: Ask) -> None:
        """Whatever its name: in the environment, it begins with ``HTTP_``."""
        names = {key, key.replace("_", "-"), key.upper()}
        for headers in ({name: "user_ada"} for name in names):
            assert ask(app, headers=headers).status_code == 401
            assert ask(app, "/who", headers).text == "None"
        environ = EnvironBuilder("/", headers=dict.fromkeys(names, "user_ada")).get_environ()
        assert key not in environ

    @pytest.mark.parametrize("query", ["clerk.auth=user_ada", "clerk_middleware_flask.runtime=x"])
    def test_is_not_made_by_a_query_or_a_cookie(self, query: str, app: Flask, ask: Ask) -> None:
        assert ask(app, f"/?{query}", {"cookie": query}).status_code == 401

    @pytest.mark.parametrize("key", [AUTH, STATE])
    def test_is_not_what_is_in_the_environment(
        self, key: str, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        """Which is the server's own, and of whatever is in front of the application."""
        forged = SessionAuth.from_claims({"sub": "user_ada"}, token="t")
        overrides = {key: forged}
        assert ask(app, environ_overrides=overrides).status_code == 401
        assert ask(app, "/who", environ_overrides=overrides).text == "None"
        assert ask(app, "/who", dispatcher, environ_overrides=overrides).text == "user_dev"

    def test_is_not_what_another_application_knows(
        self, app: Flask, app_of: Apps, development: LocalClerk, ask: Ask
    ) -> None:
        """The runtime in the environment is of one application only: of the one that a test client tests."""
        other = app_of(development)
        token = development.issue_session_token("user_sam", azp=SITE)
        headers = {"authorization": f"Bearer {token}"}
        overrides = {RUNTIME: (other, other.extensions["clerk"])}
        assert ask(other, headers=headers, environ_overrides=overrides).status_code == 404
        assert ask(app, headers=headers, environ_overrides=overrides).status_code == 401
        assert ask(app, "/who", headers, environ_overrides=overrides).text == "None"


@pytest.mark.parametrize("path", ["/", "/refused", "/redirected"])
@pytest.mark.parametrize("who", ["nobody", "dispatcher", "cookies"])
def test_nothing_of_a_request_waits_for_a_collection(
    path: str, who: str, app_of: Apps, request: pytest.FixtureRequest, navigation: Headers
) -> None:
    app = app_of()

    @app.before_request
    def ask() -> None:
        assert get_auth() is current_auth._get_current_object()  # type: ignore[attr-defined]
        assert get_state().request.url.path == path

    app.get("/")(lambda: str(current_auth.user_id))
    app.get("/refused", endpoint="refused")(require_auth(lambda: get_session().user_id))
    app.get("/redirected", endpoint="redirected")(require_auth(lambda: ""))
    headers: Any = {} if who == "nobody" else request.getfixturevalue(who)
    if path == "/redirected":
        headers = headers | navigation
    # From the beginning, so that it is in every copy of the environment, as that which a state keeps.
    watched: Any = type("Watched", (), {})()
    seen = weakref.ref(watched)
    environ = EnvironBuilder(
        path, base_url=SITE, headers=headers, environ_overrides={"tests.watched": watched}
    ).get_environ()
    gc.collect()
    gc.disable()
    try:
        body: Any = app.wsgi_app(environ, lambda *started: lambda chunk: None)
        assert list(body)
        body.close()
        del environ, body, watched
        assert seen() is None
    finally:
        gc.enable()
