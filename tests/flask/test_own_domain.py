"""Under gunicorn, over real HTTP: the Frontend API at a path of the site, and the webhooks of LocalClerk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from clerk_middleware.local import LocalClerk

from ..frontend_api import FrontendAPI, served_frontend_api
from ..gunicorn_server import Server, gunicorn, needs_gunicorn
from ..webhook_messages import SECRET

pytestmark = needs_gunicorn

APPLICATION = """
import time
from flask import Flask, current_app, jsonify, render_template_string
from flask_wtf import CSRFProtect
from clerk_middleware import CSP
from clerk_middleware_flask import Clerk, WebhookReceiver

webhooks = WebhookReceiver()

@webhooks.on("user.created", "user.updated")
def save(event):
    if event.data["id"] == "user_slow":
        time.sleep(0.3)
    handled.append(f"{event.data['id']} in {current_app.name}")
    if event.data["id"] == "user_late" and handled.count(handled[-1]) == 1:
        raise LookupError("the database is down")

@webhooks.on("user.deleted")
async def forget(event):
    handled.append(f"no {event.data['id']}")

handled = []
app = Flask(__name__)
app.config.update(
    SECRET_KEY="of forms",
    MAX_CONTENT_LENGTH=1000,
    CLERK_FRONTEND_API_PROXY=True,
    CLERK_CONTENT_SECURITY_POLICY=CSP(strict=True),
    CLERK_PROTECTED_ROUTES="/(.*)",
)
CSRFProtect(app)
Clerk(app)
app.register_blueprint(webhooks.blueprint("/webhooks/clerk"))

@app.get("/handled")
def list_handled():
    return jsonify(handled)

@app.get("/page")
def page():
    return render_template_string('<script nonce="{{ csp_nonce() }}"></script>')
"""


@pytest.fixture(scope="module")
def frontend_api() -> Iterator[FrontendAPI]:
    with served_frontend_api() as api:
        yield api


@pytest.fixture(scope="module")
def own_clerk() -> Iterator[LocalClerk]:
    """An instance of this module's own, because it sends webhooks."""
    clerk = LocalClerk(webhook_retries=(0.1, 0.2))
    yield clerk
    clerk.close()


@pytest.fixture(scope="module")
def server(
    frontend_api: FrontendAPI, own_clerk: LocalClerk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("own_domain")
    (folder / "own_domain.py").write_text(APPLICATION)
    environment = {
        "CLERK_SECRET_KEY": own_clerk.secret_key,
        "CLERK_PUBLISHABLE_KEY": own_clerk.publishable_key,
        "CLERK_JWT_KEY": own_clerk.jwt_key,
        "CLERK_AUTHORIZED_PARTIES": "https://app.example.com",
        "CLERK_FAPI_URL": frontend_api.url,
        "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
    }
    options = ["--worker-class=gthread", "--threads=8"]
    with gunicorn(
        "own_domain:app", *options, folder=folder, environment=environment, may_raise="the database is down"
    ) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def signed_in(own_clerk: LocalClerk) -> dict[str, str]:
    token = own_clerk.issue_session_token("user_dev", azp="https://app.example.com")
    return {"authorization": f"Bearer {token}"}


class TestTheFrontendAPI:
    def test_gets_a_large_upload_and_answers(self, client: httpx.Client, frontend_api: FrontendAPI) -> None:
        def chunks() -> Iterator[bytes]:
            for _ in range(64):
                yield b"x" * 65536

        response = client.post("/__clerk/v1/asked?a=%2F", content=chunks())
        told = response.json()
        assert (told["method"], told["query"], told["size"]) == ("POST", "a=%2F", 64 * 65536)
        assert frontend_api.headers["clerk-proxy-url"] == f"{str(client.base_url).rstrip('/')}/__clerk"
        assert response.headers["x-clerk"] == "yes"
        assert "content-security-policy" not in response.headers

    def test_sends_events_as_they_come(self, client: httpx.Client, frontend_api: FrontendAPI) -> None:
        frontend_api.forget()
        with client.stream("GET", "/__clerk/v1/events") as response:
            lines = response.iter_lines()
            assert next(lines) == "data: first"
            frontend_api.first_event_was_taken.set()
            assert [line for line in lines if line] == ["data: second"]

    def test_sets_its_cookies_and_redirects_to_the_proxy(self, client: httpx.Client) -> None:
        response = client.get("/__clerk/v1/client/handshake")
        assert response.status_code == 307
        assert response.headers["location"].endswith("/__clerk/v1/client/verify")
        assert len(response.headers.get_list("set-cookie")) == 2

    def test_is_no_way_to_another_host(self, server: Server) -> None:
        for target in (b"/__clerk//evil.example", b"/__clerk/%2e%2e/x", b"/__clerk/..%5cx"):
            answer = server.send(
                b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
            )
            assert answer.split()[1] == b"400"
            assert b"proxy_path_mismatch" in answer


class TestWebhooks:
    @pytest.fixture
    def handled(self, client: httpx.Client, signed_in: dict[str, str]) -> Callable[[str], int]:
        """How often a handler ran with this text."""

        def count(text: str) -> int:
            texts: list[str] = client.get("/handled", headers=signed_in).json()
            return texts.count(text)

        return count

    @pytest.fixture(autouse=True)
    def endpoint(self, own_clerk: LocalClerk, server: Server) -> Iterator[None]:
        endpoint = own_clerk.add_webhook_endpoint(f"{server.url}/webhooks/clerk", signing_secret=SECRET)
        yield
        own_clerk.remove_webhook_endpoint(endpoint)

    def test_are_handled(self, own_clerk: LocalClerk, handled: Callable[[str], int]) -> None:
        own_clerk.send_webhook("user.created", {"id": "user_new"})
        own_clerk.send_webhook("user.deleted", {"id": "user_new", "object": "user", "deleted": True})
        own_clerk.wait_for_webhooks()
        assert handled("user_new in own_domain") == 1
        assert handled("no user_new") == 1

    def test_are_handled_again_where_the_handler_failed(
        self, own_clerk: LocalClerk, handled: Callable[[str], int]
    ) -> None:
        message = own_clerk.send_webhook("user.created", {"id": "user_late"})
        own_clerk.wait_for_webhooks()
        assert [attempt.status_code for attempt in message.attempts] == [500, 204]
        assert handled("user_late in own_domain") == 2

    def test_are_handled_once_where_two_come_at_once(
        self, own_clerk: LocalClerk, handled: Callable[[str], int]
    ) -> None:
        message = own_clerk.send_webhook("user.updated", {"id": "user_slow"})
        own_clerk.redeliver(message)
        own_clerk.wait_for_webhooks()
        assert sorted(attempt.status_code or 0 for attempt in message.attempts) == [200, 204]
        assert handled("user_slow in own_domain") == 1


class TestPages:
    def test_have_each_a_nonce_of_its_own(self, client: httpx.Client, signed_in: dict[str, str]) -> None:
        def nonce(_: int) -> str:
            response = client.get("/page", headers=signed_in)
            found: str = response.headers["x-nonce"]
            assert response.text == f'<script nonce="{found}"></script>'
            assert f"'nonce-{found}'" in response.headers["content-security-policy"]
            return found

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(nonce, range(20)))) == 20
