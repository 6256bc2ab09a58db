"""Serving: loopback alone, a clean stop, a clear start, and nothing secret in the log."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import sys
import threading
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send

from clerk_middleware import ClerkConfig
from clerk_middleware.errors import ConfigurationError
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.local.bounded import BoundedStore
from clerk_middleware.local.cookies import set_cookie
from clerk_middleware.local.server import serve


def test_it_answers_in_the_block_and_not_after(clerk: LocalClerk) -> None:
    before = threading.active_count()
    with clerk.serve() as server:
        assert server.port
        assert httpx.get(server.url).status_code == 200
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_it_says_so_where_it_does_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than have everybody wait."""
    busy, release = threading.Event(), threading.Event()

    async def never_done(scope: Scope, receive: Receive, send: Send) -> None:
        busy.set()
        release.wait(20)  # with its event loop

    monkeypatch.setattr("clerk_middleware.local.server._PATIENCE", 0.1)

    def ask() -> None:
        with (
            serve(never_done, name="busy", host="127.0.0.1", port=0, allow_remote=False) as server,
            socket.create_connection((server.host, server.port)) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert busy.wait(20)

    with pytest.raises(RuntimeError, match=r"LocalClerk at http://127.* did not stop within 0\.1 seconds"):
        ask()
    release.set()
    for thread in threading.enumerate():
        if thread.name == "LocalClerk busy":
            thread.join(20)
            assert not thread.is_alive()


def test_it_stops_when_the_block_fails_and_can_be_served_again(clerk: LocalClerk) -> None:
    with pytest.raises(KeyError), clerk.serve() as server:
        raise KeyError
    with clerk.serve(port=server.port) as again:
        assert again.url == server.url
        assert httpx.get(again.url).status_code == 200


def test_it_stops_although_a_request_is_under_way(clerk: LocalClerk) -> None:
    clerk.delay("/", 60)
    with clerk.serve() as server, pytest.raises(httpx.ReadTimeout):
        httpx.get(server.url, timeout=0.05)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.0.2.1", "::", "example.com", "localhost.example.com"])
def test_it_listens_on_loopback_alone(clerk: LocalClerk, host: str) -> None:
    message = "whoever reaches it can sign in as any user of the seed.*allow_remote=True"
    with pytest.raises(ConfigurationError, match=message), clerk.serve(host):
        pass
    with pytest.raises(ConfigurationError, match=message):
        clerk.run(host)


def test_it_listens_elsewhere_when_told_to(clerk: LocalClerk) -> None:
    with clerk.serve("0.0.0.0", allow_remote=True) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert httpx.get(url, headers={"host": "devbox.example:80"}).status_code == 200


def test_permission_to_listen_elsewhere_does_not_widen_loopback(clerk: LocalClerk) -> None:
    with clerk.serve(allow_remote=True) as server:
        assert httpx.get(server.url, headers={"host": "evil.example"}).status_code == 421


def test_the_url_of_an_ipv6_address() -> None:
    assert LocalServer("::1", 80).url == "http://[::1]:80"
    assert LocalServer("localhost", 80).url == "http://localhost:80"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5400", "localhost.evil.example", "[::2]:80", ""]
)
def test_a_name_that_was_rebound_to_loopback_gets_no_answer(
    server: LocalServer, clerk: LocalClerk, host: str
) -> None:
    headers = {"host": host, "authorization": f"Bearer {clerk.secret_key}"}
    for path in ("/sign-in", "/v1/jwks"):
        response = httpx.get(f"{server.url}{path}", headers=headers)
        assert response.status_code == 421
        assert "add the name to hosts" in response.text


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:5400", "clerk.localhost:1", "127.0.0.1", "[::1]:5400", "clerk.internal:80"],
)
def test_names_that_are_answered(host: str) -> None:
    users = [{"id": "user_1", "email": "a@b.c", "password": "x"}]
    with LocalClerk({"instance": {"hosts": ["clerk.internal"]}, "users": users}).serve() as server:
        assert httpx.get(server.url, headers={"host": host}).status_code == 200


def test_the_start_says_what_it_is_not_and_nothing_logs_a_secret(
    clerk: LocalClerk, caplog: pytest.LogCaptureFixture
) -> None:
    session = clerk.sign_in("user_ada")
    assert session.client is not None
    with caplog.at_level(logging.DEBUG), clerk.serve() as server:
        httpx.get(f"{server.url}/v1/jwks", headers={"authorization": f"Bearer {clerk.secret_key}"})
        query = {"redirect_url": "http://localhost/", "__clerk_db_jwt": session.client.token}
        httpx.post(f"{server.url}/verify", params=query, data={"password": "fleet-demo"})
    ours = [record for record in caplog.records if record.name.startswith(("clerk_middleware", "uvicorn"))]
    text = "\n".join(record.getMessage() for record in ours)
    assert "It is no production identity provider" in text
    for secret in (clerk.secret_key, session.client.token, session.refresh_token, "fleet-demo"):
        assert secret not in text


def test_running_in_the_foreground(clerk: LocalClerk, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[str] = []

    def run(self: uvicorn.Server, sockets: list[Any]) -> None:
        served.append(sockets[0].getsockname()[0])
        raise KeyboardInterrupt  # as uvicorn does, once Ctrl-C has stopped it

    monkeypatch.setattr(uvicorn.Server, "run", run)
    clerk.run(port=0)
    assert served == ["127.0.0.1"]


def test_running_in_the_foreground_with_an_announcement_of_ones_own(
    clerk: LocalClerk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    announced: list[LocalServer] = []
    clerk.run(port=0, announce=announced.append)
    assert announced[0].port > 0
    assert "production" not in caplog.text


def test_a_connection_that_httpx_would_use_again_is_still_open(
    clerk: LocalClerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else a request could meet its end: it got no answer, and the Frontend API proxy's client a 502."""
    served: list[uvicorn.Config] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: served.append(self.config))
    clerk.run(port=0)
    used_again = httpx.Limits().keepalive_expiry
    assert used_again is not None
    assert served[0].timeout_keep_alive > 2 * used_again


def test_the_environment_of_an_application(clerk: LocalClerk) -> None:
    config = ClerkConfig.from_env(
        clerk.environment("http://127.0.0.1:5400"), authorized_parties=["http://localhost:8000"]
    )
    assert (config.publishable_key, config.secret_key) == (clerk.publishable_key, clerk.secret_key)
    assert config.api_url == config.proxy_url == "http://127.0.0.1:5400"
    assert config.sign_in_url == "http://127.0.0.1:5400/sign-in"


def test_it_takes_part_in_an_applications_lifespan(clerk: LocalClerk) -> None:
    sent: list[str] = []

    async def live() -> None:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> dict[str, str]:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await clerk.app({"type": "lifespan", "app": clerk.app}, receive, send)

    asyncio.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("path", ["/v1/api_keys/verify", "/oauth/token", "/oauth/register", "/sign-in"])
def test_a_client_that_hangs_up_is_no_error(clerk: LocalClerk, path: str) -> None:
    """uvicorn would log a traceback for each."""
    kind, secret = b"application/x-www-form-urlencoded", f"Bearer {clerk.secret_key}".encode()
    headers = [(b"host", b"localhost"), (b"content-type", kind), (b"authorization", secret)]
    if path.startswith("/v1"):
        headers[1] = (b"content-type", b"application/json")
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "scheme": "http",
             "headers": headers, "http_version": "1.1", "root_path": ""}  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert message.get("status", 400) == 400

    asyncio.run(clerk.app(scope, receive, send))


def test_it_can_be_mounted(clerk: LocalClerk) -> None:
    mounted = Starlette(routes=[Mount("/clerk", clerk.app)])
    with (
        serve(mounted, name="mounted", host="127.0.0.1", port=0, allow_remote=False) as server,
        httpx.Client(base_url=server.url) as browser,
    ):
        assert 'action="/clerk/sign-in"' in browser.get("/clerk/sign-in").text
        response = browser.post("/clerk/sign-in", data={"user_id": "user_ada", "password": "fleet-demo"})
        assert response.headers["location"] == "/clerk/"
        assert browser.get("/clerk/v1/jwks").json()["errors"][0]["code"] == "clerk_key_invalid"
        assert browser.get("/clerk/v1/nothing").json()["errors"][0]["code"] == "resource_not_found"
        clerk.fail("/v1/jwks", status=503)
        assert browser.get("/clerk/v1/jwks").status_code == 503


def test_a_store_never_grows_beyond_its_bound() -> None:
    store: BoundedStore[int] = BoundedStore(2)
    store.put("a", 1)
    store.put("b", 2)
    assert store.get("a") == 1
    store.put("c", 3)
    assert len(store) == 2
    assert (store.get("a"), store.get("b"), store.get("c")) == (1, None, 3)
    assert (store.pop("a"), store.pop("a"), len(store)) == (1, None, 1)


@pytest.mark.parametrize("value", ["a;b", "a b", "a\r\nset-cookie: b", 'a"b', "a,b", "\u00e9"])
def test_no_cookie_line_can_be_broken_out_of(value: str) -> None:
    with pytest.raises(ValueError, match="the cookie 'name' has characters"):
        set_cookie("name", value)


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [module for module in sys.modules if module.startswith("clerk_middleware.local")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError) as caught:
        importlib.import_module("clerk_middleware.local")
    assert (
        str(caught.value)
        == "clerk_middleware.local needs jinja2, of its extra: pip install 'clerk-middleware[local]'"
    )


def test_the_public_names() -> None:
    import clerk_middleware.local as local

    assert all(hasattr(local, name) for name in local.__all__)
    assert sorted(local.__all__) == local.__all__


def test_browsers_that_nobody_knows_push_out_nobody_who_is_signed_in() -> None:
    """As images on a page of another site can send them, ten thousand at a time."""
    store: BoundedStore[str] = BoundedStore(2, goes_first=lambda value: value == "unknown")
    store.put("developer", "signed in")
    for number in range(5):
        store.put(str(number), "unknown")
    assert store.get("developer") == "signed in"
    assert store.get("4") == "unknown"
    store.put("4", "signed in")
    store.put("5", "signed in")  # where all are needed, the oldest makes room
    assert (store.get("developer"), store.get("4"), len(store)) == (None, "signed in", 2)
