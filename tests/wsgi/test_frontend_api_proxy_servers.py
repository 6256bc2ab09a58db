"""The Frontend API proxy behind gunicorn, with an upstream that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pytest

from ..gunicorn_server import Server, gunicorn, needs_gunicorn
from ..misbehaving_upstream import Upstream, misbehaving
from ..proxy_on_servers import BROKEN_OFF, PROXYING, SETTINGS, ProxyOnServer

pytestmark = needs_gunicorn

GUNICORN_VERSION = int(version("gunicorn").partition(".")[0]) if find_spec("gunicorn") else 0

APPLICATION = (
    PROXYING
    + """
from clerk_middleware.wsgi import ClerkMiddleware


def respond(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [memory() if environ["PATH_INFO"] == "/memory" else b"the application"]


application = ClerkMiddleware(respond, config)
"""
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with misbehaving() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=["sync", "gthread"])
def server(request: Any, upstream: Upstream, tmp_path_factory: Any) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "application.py").write_text(APPLICATION)
    options = [f"--worker-class={request.param}", *(["--threads=8"] if request.param == "gthread" else [])]
    with gunicorn(
        "application",
        *options,
        folder=folder,
        environment=SETTINGS | {"CLERK_FAPI_URL": upstream.url},
        may_raise=BROKEN_OFF,
    ) as server:
        yield server


class TestGunicorn(ProxyOnServer):
    notices_clients_that_leave = False
    concurrency = 12
    # Before version 26 it takes "\x0bchunked" for "chunked", and goes on with what follows.
    forms_of_the_server = frozenset({"vertical-tab"} if GUNICORN_VERSION < 26 else ())
