"""CLERK_PROTECTED_ROUTES and CLERK_PUBLIC_ROUTES, however Flask reads a path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]

SITE = "https://app.example.com"


@pytest.fixture
def with_routes(app_of: Apps, in_kind: Any) -> Callable[..., Flask]:
    """An application that answers any path."""

    def make(**options: Any) -> Flask:
        app = app_of(**{f"CLERK_{name.upper()}": value for name, value in options.items()})
        view = in_kind(lambda path="": "the page")
        app.add_url_rule("/", "index", view)
        app.add_url_rule("/<path:path>", "page", view)
        app.url_map.merge_slashes = False
        return app

    return make


@pytest.mark.parametrize(
    ("path", "is_protected"),
    [
        ("/teams", True),
        ("/teams/", True),
        ("/teams/7", True),
        ("/TEAMS", True),
        ("/%74eams", True),
        ("/teams%2F7", True),
        ("//teams", True),
        ("///teams", True),
        ("/x/../teams", True),
        ("/./teams", True),
        ("/%5Cteams", True),
        ("/teams%0A", True),
        ("/teams%00", False),
        ("/about", False),
        ("/teamster", False),
        ("/", False),
    ],
)
def test_routes_that_are_protected_are_so_however_they_are_spelt(
    path: str, is_protected: bool, with_routes: Any, ask: Ask, dispatcher: Headers
) -> None:
    app = with_routes(protected_routes=["/teams", "/teams/(.*)"])
    # As a server decodes it: the client would take the first segment of "//teams" for a host.
    overrides = {"PATH_INFO": unquote(path)}
    assert ask(app, environ_overrides=overrides).status_code == (401 if is_protected else 200)
    assert ask(app, headers=dispatcher, environ_overrides=overrides).status_code != 401


@pytest.mark.parametrize(
    ("path", "is_public"),
    [
        ("/", True),
        ("/about", True),
        ("/about/", True),
        ("/about/us", False),
        ("/x/../about", False),
        ("/about/../teams", False),
        ("/gr\xc3\xb6\xc3\x9fe", False),
        ("/\xff", False),
        ("/nowhere", False),
    ],
)
def test_routes_that_are_public_open_nothing_else(
    path: str, is_public: bool, with_routes: Any, ask: Ask, dispatcher: Headers
) -> None:
    app = with_routes(public_routes=["/", "/about"])
    overrides = {"PATH_INFO": path}
    assert ask(app, environ_overrides=overrides).status_code == (200 if is_public else 401)
    assert ask(app, headers=dispatcher, environ_overrides=overrides).text == "the page"


def test_routes_may_be_a_text_with_commas(with_routes: Any, ask: Ask) -> None:
    """As in an environment variable, and as the other lists."""
    app = with_routes(protected_routes="/teams, /teams/(.*),/loads")
    assert [ask(app, path).status_code for path in ("/teams", "/teams/7", "/loads")] == [401] * 3
    assert ask(app, "/about").status_code == 200


@pytest.mark.parametrize("pattern", ["/größe", "/gr%C3%B6%C3%9Fe"])
def test_routes_of_other_letters_are_protected(pattern: str, with_routes: Any, ask: Ask) -> None:
    app = with_routes(protected_routes=pattern)
    assert ask(app, "/größe").status_code == 401
    assert ask(app, "/gross").status_code == 200


@pytest.mark.parametrize("broken", ["/\xff/teams", "/te\xffams"])
def test_routes_whose_bytes_are_no_text_are_read_as_flask_reads_them(
    broken: str, with_routes: Any, ask: Ask
) -> None:
    app = with_routes(protected_routes="/�/teams")
    response = ask(app, environ_overrides={"PATH_INFO": broken})
    assert response.status_code == (401 if "/teams" in broken else 200)


@pytest.mark.parametrize("script", ["/app", "/app/", "/assets"])
@pytest.mark.parametrize("path", ["/teams", "teams", "//teams"])
def test_routes_below_a_prefix_are_written_with_it_or_without(
    path: str, script: str, with_routes: Any, ask: Ask
) -> None:
    overrides = {"SCRIPT_NAME": script, "PATH_INFO": path}
    for options in (
        {"protected_routes": "/teams"},
        {"protected_routes": f"{script.rstrip('/')}/teams"},
        {"public_routes": "/assets/(.*)"},
    ):
        app = with_routes(**options)
        assert ask(app, environ_overrides=overrides).status_code == 401


def test_routes_with_a_slash_and_without_are_one(app_of: Apps, ask: Ask, dispatcher: Headers) -> None:
    app = app_of(CLERK_PROTECTED_ROUTES="/teams")
    app.get("/teams/")(lambda: "teams")
    app.get("/loads/", endpoint="loads", strict_slashes=False)(lambda: "loads")
    for path in ("/teams", "/teams/", "//teams/"):
        assert ask(app, environ_overrides={"PATH_INFO": path}).status_code == 401
    response = ask(app, "/teams", dispatcher)
    assert (response.status_code, response.headers["vary"]) == (308, "Authorization, Cookie")
    assert ask(app, "/loads").text == "loads"


def test_routes_cover_static_files(app_of: Apps, ask: Ask, tmp_path: Path, dispatcher: Headers) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "report.txt").write_text("figures")
    app = app_of(CLERK_PUBLIC_ROUTES="/")
    assert ask(app, "/static/report.txt").status_code == 401
    response = ask(app, "/static/report.txt", dispatcher)
    assert response.text == "figures"
    assert response.headers["vary"] == "Authorization, Cookie"


def test_routes_cover_what_does_not_exist(app_of: Apps, ask: Ask, dispatcher: Headers) -> None:
    app = app_of(CLERK_PROTECTED_ROUTES="/teams/(.*)")
    assert ask(app, "/teams/nowhere").status_code == 401
    assert ask(app, "/teams/nowhere", dispatcher).status_code == 404
    assert ask(app, "/nowhere").status_code == 404


def test_routes_that_are_refused_never_reach_a_view_nor_what_runs_before_it(app_of: Apps, ask: Ask) -> None:
    ran: list[str] = []
    app = app_of(CLERK_PROTECTED_ROUTES="/")
    app.before_request(lambda: ran.append("before"))
    app.get("/")(lambda: ran.append("view") or "")
    assert ask(app).status_code == 401
    assert ran == []


def test_routes_send_a_browser_to_sign_in(app_of: Apps, ask: Ask, navigation: Headers) -> None:
    app = app_of(CLERK_PROTECTED_ROUTES="/teams", CLERK_SIGN_IN_URL="https://accounts.example.com/in")
    response = ask(app, "/teams?page=2", navigation)
    assert response.status_code == 307
    target = urlsplit(response.location)
    assert (target.netloc, target.path) == ("accounts.example.com", "/in")
    assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/teams?page=2"]


def test_routes_are_refused_by_the_applications_own_handlers(app_of: Apps, ask: Ask) -> None:
    from clerk_middleware import NotAuthenticated

    app = app_of(CLERK_PROTECTED_ROUTES="/teams")
    app.register_error_handler(NotAuthenticated, lambda error: ("own", 418))
    assert ask(app, "/teams").status_code == 418


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "TRACE", "PROPFIND"])
def test_routes_cover_every_method(method: str, with_routes: Any, ask: Ask, dispatcher: Headers) -> None:
    app = with_routes(protected_routes="/teams")
    response = ask(app, "/teams", method=method)
    assert response.status_code == 401
    assert (response.data == b"") == (method == "HEAD")


def test_routes_let_a_preflight_through_that_flask_answers(with_routes: Any, app_of: Apps, ask: Ask) -> None:
    assert ask(with_routes(protected_routes="/teams"), "/teams", method="OPTIONS").status_code == 200
    own = app_of(CLERK_PROTECTED_ROUTES="/teams")
    own.route("/teams", methods=["OPTIONS"])(lambda: "the view's own")
    assert ask(own, "/teams", method="OPTIONS").status_code == 401
