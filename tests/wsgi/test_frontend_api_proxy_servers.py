"""The Frontend API proxy behind gunicorn, with an upstream that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..gunicorn_server import Server, gunicorn, needs_gunicorn
from ..misbehaving_upstream import Upstream, misbehaving
from ..proxy_on_servers import BROKEN_OFF, PROXYING, SETTINGS, ProxyOnServer

pytestmark = needs_gunicorn

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
