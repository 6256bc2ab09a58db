"""Frameworks that know nothing of this library: the examples of the documentation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from clerk_middleware import NotAuthorized
from clerk_middleware.wsgi import ClerkMiddleware, get_auth, get_session

with warnings.catch_warnings():  # they import what newer Pythons deprecate
    warnings.simplefilter("ignore")
    bottle = pytest.importorskip("bottle")
    pytest.importorskip("pyramid")
    from pyramid.config import Configurator

SITE = "https://app.example.com"


def bottle_app() -> Any:
    app = bottle.Bottle()
    app.catchall = False  # exceptions go on to the middleware, which answers a refusal

    @app.get("/")  # type: ignore[untyped-decorator]
    def index() -> Any:
        return {"user": get_auth(bottle.request.environ).user_id}

    @app.get("/loads")  # type: ignore[untyped-decorator]
    def loads() -> Any:
        return {"user": get_session(bottle.request.environ).user_id}

    @app.get("/audit")  # type: ignore[untyped-decorator]
    def audit() -> Any:
        session = get_session(bottle.request.environ)
        if not session.has(role="org:admin"):
            raise NotAuthorized("Only an admin may see this.", auth=session)
        return {"entries": []}

    @app.get("/stream")  # type: ignore[untyped-decorator]
    def stream() -> Any:
        yield get_session(bottle.request.environ).user_id

    @app.get("/admin")  # type: ignore[untyped-decorator]
    def admin() -> Any:
        return {"secret": True}

    return app


def pyramid_app() -> Any:
    def index(request: Any) -> Any:
        return {"user": get_auth(request.environ).user_id}

    def loads(request: Any) -> Any:
        return {"user": get_session(request.environ).user_id}

    def audit(request: Any) -> Any:
        session = get_session(request.environ)
        if not session.has(role="org:admin"):
            raise NotAuthorized("Only an admin may see this.", auth=session)
        return {"entries": []}

    def stream(request: Any) -> Any:
        def chunks() -> Any:
            yield get_session(request.environ).user_id.encode()

        request.response.app_iter = chunks()
        return request.response

    def admin(request: Any) -> Any:
        return {"secret": True}

    with Configurator() as configurator:
        for view in (index, loads, audit, stream, admin):
            name = view.__name__
            configurator.add_route(name, "/" if name == "index" else f"/{name}")
            configurator.add_view(view, route_name=name, **({} if name == "stream" else {"renderer": "json"}))
        return configurator.make_wsgi_app()


@pytest.fixture(params=[bottle_app, pyramid_app])
def app(request: pytest.FixtureRequest, config: Any) -> ClerkMiddleware:
    make: Callable[[], Any] = request.param
    return ClerkMiddleware(make(), config=config(), protected_routes="/admin(.*)")


@pytest.fixture
def client(app: ClerkMiddleware) -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.WSGITransport(app), base_url=SITE) as client:
        yield client


def test_a_view_knows_who_is_there(client: httpx.Client, dispatcher: Any, cookies: Any) -> None:
    assert client.get("/").json() == {"user": None}
    for headers in (dispatcher, cookies):
        assert client.get("/", headers=headers).json() == {"user": "user_dev"}
        assert client.get("/loads", headers=headers).json() == {"user": "user_dev"}
    assert client.get("/").headers["vary"] == "Authorization, Cookie"


def test_a_refusal_is_answered(client: httpx.Client, dispatcher: Any, admin: Any, navigation: Any) -> None:
    refused = client.get("/loads")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    to_sign_in = client.get("/loads", headers=navigation)
    assert to_sign_in.status_code == 307
    assert to_sign_in.headers["location"].startswith("https://accounts.example.com/sign-in?")
    forbidden = client.get("/audit", headers=dispatcher)
    assert forbidden.status_code == 403
    assert forbidden.json()["clerk_error"]["message"] == "Only an admin may see this."
    assert client.get("/audit", headers=admin).json() == {"entries": []}


@pytest.mark.parametrize("path", ["/admin", "/%61dmin", "//admin", "/adm%FFin", "/admin/", "/admin%C3"])
def test_a_protected_route_cannot_be_reached_by_another_spelling(
    path: str, app: ClerkMiddleware, environ_of: Any, serve_once: Any
) -> None:
    assert serve_once(app, environ_of(path)).status == 401


def test_a_protected_route_lets_in_who_is_signed_in(client: httpx.Client, dispatcher: Any) -> None:
    assert client.get("/admin", headers=dispatcher).json() == {"secret": True}


def test_bottle_leaves_out_bytes_that_are_no_text(environ_of: Any, serve_once: Any) -> None:
    """Otherwise there would be no need to read a path in that way."""
    assert serve_once(bottle_app(), environ_of("/adm%FFin")).json == {"secret": True}


def test_a_stream_is_refused_before_it_begins(client: httpx.Client, dispatcher: Any) -> None:
    assert client.get("/stream", headers=dispatcher).text == "user_dev"
    refused = client.get("/stream")
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/json")
