"""The example applications under the servers that their README.md names, over real HTTP."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from clerk_middleware.cli.browser import Browser
from clerk_middleware.local import LocalClerk

from ..gunicorn_server import needs_gunicorn
from .conftest import stop

ROOT = Path(__file__).parents[2]
LOAD = {"origin": "Macon", "destination": "Tampa", "cargo": "Peaches", "tons": "8"}

MANAGE = "example_apps/django_fleet/manage.py"
FLASK = ["-m", "flask", "--app", "example_apps.flask_fleet", "run"]
GUNICORN = ["-m", "gunicorn", "example_apps.flask_fleet:create_app()", "--workers=2"]


@pytest.fixture
def address() -> str:
    """A free one, below the ports that a system gives to who asks for any: no other test takes it."""
    for port in random.sample(range(10_000, 32_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return f"127.0.0.1:{port}"
    raise OSError("no free port among a hundred")


@pytest.mark.parametrize(
    "server",
    [
        pytest.param([MANAGE, "runserver", "--noreload", "{address}"], id="runserver"),
        pytest.param([*FLASK, "--port={port}"], id="flask run"),
        pytest.param([*GUNICORN, "--bind={address}"], marks=needs_gunicorn, id="gunicorn"),
        pytest.param([*GUNICORN, "--bind={address}", "--threads=4"], marks=needs_gunicorn, id="gthread"),
    ],
)
def test_somebody_signs_in_and_works(
    server: list[str], address: str, clerk: LocalClerk, tmp_path: Path
) -> None:
    """With the variables of ``clerk-middleware local``."""
    with clerk.serve() as local, closing(Browser()) as browser:
        webhooks = clerk.add_webhook_endpoint(f"http://{address}/webhooks/clerk", ["user.*"])
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLERK_")},
            **clerk.environment(local.url, proxy="/__clerk", webhooks=webhooks),
            "CLERK_AUTHORIZED_PARTIES": f"http://{address}",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'fleet.sqlite3'}",
            "DJANGO_DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "example_apps.django_fleet.settings",
            "FLASK_SECRET_KEY": "one for all workers",
        }
        if server[0] == MANAGE:
            migrate = [sys.executable, MANAGE, "migrate", "-v0"]
            subprocess.run(migrate, cwd=ROOT, env=environment, check=True, timeout=120)
        port = address.rpartition(":")[2]
        command = [sys.executable, *(word.format(address=address, port=port) for word in server)]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet) as process:
            try:
                answers(address, process)
                page = browser.visit(f"http://{address}/loads")
                page = browser.submit(str(page.url), {"user_id": "user_dev", "password": "fleet-demo"})
                assert (page.status_code, str(page.url)) == (200, f"http://{address}/loads")
                handshakes = [hop.url for hop in page.history if "handshake?" in str(hop.url)]
                assert {f"{url.scheme}://{url.netloc.decode()}" for url in handshakes} == {
                    f"http://{address}"
                }
                user = clerk.create_user("ines@example.com", first_name="Ines")
                clerk.delete_user(user.id)
                clerk.wait_for_webhooks(20)
                statuses = [message.attempts[-1].status_code for message in clerk.webhook_messages[-2:]]
                assert statuses == [204, 204]
                page = browser.submit(f"http://{address}/loads", LOAD)
                assert (page.status_code, str(page.url)) == (200, f"http://{address}/loads")
                if "gunicorn" not in server:  # whose other worker has a memory of its own
                    assert "Macon → Tampa" in page.text
                assert browser.fetch(f"http://{address}/live").json()[0]["driver"] == "Rosa Lindqvist"
                assert browser.fetch(f"http://{address}/static/fleet.css").status_code == 200
            finally:
                stop(process)
                clerk.remove_webhook_endpoint(webhooks)


def answers(address: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens there."""
    host, _, port = address.partition(":")
    give_up = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < give_up:
        try:
            socket.create_connection((host, int(port))).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    pytest.fail(f"the server did not come up; exit code {process.poll()}")
