"""The README's commands and examples belong together."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from clerk_middleware.cli.local import add_command
from clerk_middleware.local import LocalClerk

from .examples import ROOT, example, section_of
from .serving import serving

PAGE = (ROOT / "README.md").read_text("utf-8")


def options(command: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers())
    return parser.parse_args(shlex.split(command)[1:])


def test_the_application_runs_with_the_local_clerk_of_the_next_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, whole, components = re.findall(
        r"^(clerk-middleware local.*)$", section_of(PAGE, "While you develop"), re.MULTILINE
    )
    assert options(plain).webhook is None
    assert options(components).node_modules == Path("node_modules")
    arguments = options(whole)
    clerk = LocalClerk(webhook_retries=())
    with clerk.serve() as server:
        endpoint = clerk.add_webhook_endpoint(arguments.webhook)
        variables = clerk.environment(server.url, proxy=arguments.proxy, webhooks=endpoint)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        app = example("README.md", "WebhookReceiver").run(tmp_path)["app"]
        with TestClient(app) as client:
            keys = client.get(f"{arguments.proxy}/.well-known/jwks.json")
        assert keys.json()["keys"]
        assert "content-security-policy-report-only" in client.get("/docs").headers
        clerk.remove_webhook_endpoint(endpoint)
        with serving(app) as url:
            path = urlsplit(arguments.webhook).path
            clerk.add_webhook_endpoint(url + path, signing_secret=endpoint.signing_secret)
            clerk.create_user("ann@example.com", id="user_ann")
            clerk.wait_for_webhooks(20)
    assert "welcome user_ann" in capsys.readouterr().out


def test_without_these_options_it_starts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = LocalClerk()
    for name, value in clerk.environment("http://127.0.0.1:5400").items():
        monkeypatch.setenv(name, value)
    assert example("README.md", "WebhookReceiver").run(tmp_path)["config"].proxy is None
