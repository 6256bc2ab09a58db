"""Responses and the cookies of a refresh: each visitor gets their own, and no cache keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    after_this_request,
    make_response,
    request,
    send_file,
    session,
    stream_with_context,
)
from werkzeug.test import TestResponse

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_flask import Clerk, current_auth, require_auth

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]
Kind = Callable[[Any], Any]


@pytest.fixture
def refreshing(keys: Any, backend_api: LocalServer) -> dict[str, Any]:
    """The options of an application that refreshes tokens which have expired."""
    return {**keys, "CLERK_API_URL": backend_api.url}


@pytest.fixture
def app(refreshing: Any, bare_app: Apps) -> Flask:
    app = bare_app(**refreshing)
    Clerk(app)
    return app


def cookies_in(response: TestResponse) -> list[str]:
    return response.headers.getlist("Set-Cookie")


class TestAResponseThatIsReturnedAgain:
    """To everybody the same object, as Flask allows it."""

    @pytest.fixture(params=["constant", "functools.cache", "error handler", "before_request", "subclass"])
    def kept(self, request: pytest.FixtureRequest, app: Flask, in_kind: Kind) -> Response:
        class Own(Response):
            default_mimetype = "text/plain"

        made = Own if request.param == "subclass" else Response
        response = made("fine", headers={"X-Own": "1"})
        if request.param == "functools.cache":
            view: Any = in_kind(cache(lambda *error: response))
        else:
            view = in_kind(lambda *error: response)
        if request.param == "error handler":
            app.register_error_handler(404, view)
        elif request.param == "before_request":
            app.before_request(view)
        else:
            app.get("/")(view)
        return response

    def test_has_no_cookies_of_an_earlier_visitor(
        self, kept: Response, app: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        for _ in range(2):
            assert len(cookies_in(ask(app, headers=expired_cookies))) == 4
            anybody = ask(app)
            assert (anybody.text, anybody.headers["X-Own"]) == ("fine", "1")
            assert cookies_in(anybody) == []
            assert "eyJ" not in str(anybody.headers)
            assert "Cache-Control" not in anybody.headers
            assert anybody.headers.getlist("Vary") == ["Authorization, Cookie"]
        assert "Set-Cookie" not in kept.headers
        assert "Cache-Control" not in kept.headers

    def test_has_the_cookies_of_its_own_visitor_only(
        self, kept: Response, app: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        first, second = (ask(app, headers=expired_cookies) for _ in range(2))
        for response in (first, second):
            assert len(cookies_in(response)) == 4
            assert response.headers.getlist("Cache-Control") == ["no-store"]
        assert kept.get_data() == b"fine"

    def test_has_no_cookies_of_a_handshake_that_ended(
        self, kept: Response, app: Flask, ask: Ask, clerk: LocalClerk, navigation: Headers
    ) -> None:
        line = f"__session={clerk.issue_session_token('user_dev', azp=SITE)}; Path=/"
        result = clerk._instance.keys.sign({"handshake": [line]})
        response = ask(app, headers=navigation | {"cookie": f"__clerk_handshake={result}"})
        assert cookies_in(response) == [line]
        assert cookies_in(ask(app)) == []


class TestTheCopy:
    """What is sent where there are cookies, in place of the response that the view returned."""

    def test_has_the_responses_own_headers_and_status(
        self, app: Flask, ask: Ask, in_kind: Kind, expired_cookies: Headers
    ) -> None:
        def view() -> Response:
            response = Response("made", 201, {"X-Own": "1", "Location": "/made"}, mimetype="text/csv")
            response.headers.add("X-Own", "2")
            response.set_cookie("theme", "dark")
            response.set_etag("v1")
            return response

        app.get("/")(in_kind(view))
        response = ask(app, headers=expired_cookies)
        assert (response.status_code, response.text, response.location) == (201, "made", "/made")
        assert response.headers.getlist("X-Own") == ["1", "2"]
        assert response.headers.getlist("Content-Type") == ["text/csv; charset=utf-8"]
        assert response.headers.getlist("Content-Length") == ["4"]
        assert response.get_etag() == ("v1", False)
        assert len(cookies_in(response)) == 5

    def test_is_closed_once(self, app: Flask, ask: Ask, in_kind: Kind, expired_cookies: Headers) -> None:
        closed: list[str] = []

        def view() -> Response:
            response = Response("page")
            response.call_on_close(lambda: closed.append("page"))
            return response

        app.get("/")(in_kind(view))
        assert len(cookies_in(ask(app, headers=expired_cookies))) == 4
        assert closed == ["page"]

    def test_streams(self, app: Flask, ask: Ask, in_kind: Kind, expired_cookies: Headers) -> None:
        closed: list[str] = []

        class Rows:
            def __iter__(self) -> Iterator[str]:
                yield "a "
                yield f"{current_auth.user_id} "

            def close(self) -> None:
                closed.append("rows")

        def view() -> Response:
            return Response(stream_with_context(iter(Rows())))

        app.get("/")(in_kind(view))
        app.get("/closing", endpoint="closing")(in_kind(lambda: Response(Closing(closed))))
        response = ask(app, headers=expired_cookies)
        assert (response.text, len(cookies_in(response))) == ("a user_dev ", 4)
        assert "Content-Length" not in response.headers
        response = ask(app, "/closing", expired_cookies)
        assert (response.text, len(cookies_in(response)), closed) == ("rows", 4, ["closed"])

    def test_streams_one_chunk_at_a_time(self, app: Flask, expired_cookies: Headers) -> None:
        made: list[int] = []

        def rows() -> Iterator[bytes]:
            for number in range(3):
                made.append(number)
                yield b"row"

        app.get("/")(lambda: Response(rows()))
        response = app.test_client(use_cookies=False).get("/", base_url=SITE, headers=expired_cookies)
        chunks = response.iter_encoded()
        assert (next(chunks), made) == (b"row", [0])
        response.close()
        assert made == [0]

    @pytest.mark.parametrize("range_", [None, "bytes=0-2"])
    def test_is_a_file(
        self, range_: str | None, app: Flask, ask: Ask, tmp_path: Any, expired_cookies: Headers
    ) -> None:
        (tmp_path / "report.txt").write_text("figures")
        app.get("/")(require_auth(lambda: send_file(tmp_path / "report.txt", max_age=600)))
        headers = expired_cookies | ({"range": range_} if range_ else {})
        response = ask(app, headers=headers)
        assert (response.status_code, response.text) == ((206, "fig") if range_ else (200, "figures"))
        assert len(cookies_in(response)) == 4
        assert response.headers.getlist("Cache-Control") == ["no-store"]
        assert "Expires" not in response.headers

    def test_has_flasks_own_session_too(
        self, app: Flask, ask: Ask, in_kind: Kind, expired_cookies: Headers
    ) -> None:
        def view() -> Response:
            session["seen"] = True
            return make_response("page")

        app.get("/")(in_kind(view))
        names = [line.partition("=")[0] for line in cookies_in(ask(app, headers=expired_cookies))]
        assert names.count("session") == 1
        assert len(names) == 5


class Closing:
    """A body that has to be closed."""

    def __init__(self, closed: list[str]) -> None:
        self._closed = closed

    def __iter__(self) -> Iterator[str]:
        yield "rows"

    def close(self) -> None:
        self._closed.append("closed")


PUBLIC = {
    "Cache-Control": "public, max-age=300",
    "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
    "CDN-Cache-Control": "max-age=600",
    "Cloudflare-CDN-Cache-Control": "max-age=600",
    "Surrogate-Control": "max-age=600",
    "X-Accel-Expires": "600",
}


class TestTheCookiesOfARefresh:
    """They never go out in a response that a cache may keep, whoever says so and when."""

    @pytest.fixture(
        params=[
            "the view",
            "an error handler",
            "after_request before Clerk(app)",
            "after_request after Clerk(app)",
            "after_request of a blueprint",
            "after_this_request",
            "process_response of a subclass",
            "process_response of an extension before",
            "an early before_request",
        ]
    )
    def public(self, request: pytest.FixtureRequest, bare_app: Apps, refreshing: Any, in_kind: Kind) -> Flask:
        """An application in which something declares each response public, for all and for long."""
        way: str = request.param

        def declare(response: Response) -> Response:
            response.headers.update(PUBLIC)
            response.headers["Vary"] = "Accept-Encoding"
            return response

        class Own(Flask):
            def process_response(self, response: Response) -> Response:
                return declare(super().process_response(response))

        app: Flask = bare_app(**refreshing)
        if "subclass" in way:
            app.__class__ = Own
        if way == "after_request before Clerk(app)":
            app.after_request(declare)
        if way == "process_response of an extension before":
            process = app.process_response
            app.process_response = lambda response: declare(process(response))  # type: ignore[method-assign]
        if way == "an early before_request":
            app.before_request(lambda: declare(Response(f"early {current_auth.user_id}")))
        Clerk(app)
        if way == "after_request after Clerk(app)":
            app.after_request(declare)
        pages = Blueprint("pages", __name__)
        if way == "after_request of a blueprint":
            pages.after_request(declare)

        def view() -> Response:
            response = Response(str(current_auth.user_id))
            if way == "an error handler":
                raise LookupError
            if way == "after_this_request":
                after_this_request(declare)
            return declare(response) if way == "the view" else response

        app.register_error_handler(LookupError, lambda error: declare(Response("none")))
        pages.get("/")(in_kind(view))
        app.register_blueprint(pages)
        return app

    def test_are_in_no_response_that_a_cache_may_keep(
        self, public: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        response = ask(public, headers=expired_cookies)
        assert response.status_code == 200
        assert len(cookies_in(response)) == 4
        assert response.headers.getlist("Cache-Control") == ["no-store"]
        for name in PUBLIC:
            assert name == "Cache-Control" or name not in response.headers
        assert response.headers.getlist("Vary") == ["Accept-Encoding, Authorization, Cookie"]

    def test_leave_other_responses_as_the_application_wants_them(
        self, public: Flask, ask: Ask, cookies: Headers
    ) -> None:
        for headers in (None, cookies):
            response = ask(public, headers=headers)
            assert cookies_in(response) == []
            for name, value in PUBLIC.items():
                assert response.headers.getlist(name) == [value]
            assert response.headers.getlist("Vary") == ["Accept-Encoding, Authorization, Cookie"]

    def test_are_sent_where_what_runs_after_the_view_fails(
        self, app: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        """Flask answers 500 then; a page that goes on without cookies would do, one for all would not."""
        app.testing = False
        app.after_request(lambda response: 1 / 0)  # type: ignore[arg-type,return-value]
        app.get("/")(lambda: "page")
        response = ask(app, headers=expired_cookies)
        assert response.status_code == 500
        assert "eyJ" not in response.text

    def test_are_of_the_request_that_is_answered(
        self, app: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        """And not of one within it, to the same application."""
        app.get("/inner")(lambda: str(current_auth.user_id))

        @app.get("/outer")
        def outer() -> str:
            with app.test_request_context("/inner", base_url=SITE, headers=dict(expired_cookies)):
                inner = app.full_dispatch_request()
            assert len(inner.headers.getlist("Set-Cookie")) == 4
            return f"{current_auth.user_id} {inner.get_data(as_text=True)} {request.path}"

        response = ask(app, "/outer")
        assert response.text == "None user_dev /outer"
        assert cookies_in(response) == []
