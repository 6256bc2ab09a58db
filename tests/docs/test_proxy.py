"""The page on the Frontend API proxy says what is so: its examples, in front of a LocalClerk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from werkzeug.test import Client

from clerk_middleware import ClerkConfig, ConfigurationError, FrontendAPIProxy
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_flask.runtime import runtime_of

from .examples import ROOT, example, section_of

PAGE = (ROOT / "docs/proxy.md").read_text("utf-8")
section = partial(section_of, PAGE)
KEYS = "/__clerk/.well-known/jwks.json"
#: A public key's form, of a production instance.
LIVE = {"CLERK_PUBLISHABLE_KEY": "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", "CLERK_SECRET_KEY": "sk_live_abc"}


@pytest.fixture
def proxied(
    environment: Callable[..., None], instance_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment in which the Frontend API is the LocalClerk's, and `proxy_url` left to the option."""
    monkeypatch.delenv("CLERK_PROXY_URL")
    monkeypatch.setenv("CLERK_FAPI_URL", instance_server.url)


@pytest.fixture
def client(proxied: None, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(example("proxy.md", "# shop.py").run(tmp_path)["app"], "https://example.com") as client:
        yield client


@contextmanager
def client_of(config: ClerkConfig, origin: str = "http://testserver", **options: Any) -> Iterator[TestClient]:
    """A client of an application that has no pages, whose connections are closed in the end."""
    with TestClient(ClerkMiddleware(Starlette(), config, **options), origin) as client:
        yield client


# The first examples


def test_fastapi(client: TestClient, instance: LocalClerk) -> None:
    before = len(instance.proxied_requests)
    assert client.get(KEYS, headers={"Authorization": "Bearer ak_nobody"}).json()["keys"]
    [request] = instance.proxied_requests[before:]
    assert (request.proxy_url, request.path) == ("https://example.com/__clerk", "/.well-known/jwks.json")
    assert client.get("/").json() == {"user": None}


@pytest.mark.parametrize("holds", ["bottle = Bottle()", 'app.config["CLERK_FRONTEND_API_PROXY"] = True'])
def test_other_frameworks(proxied: None, tmp_path: Path, holds: str) -> None:
    names = example("proxy.md", holds).run(tmp_path)
    application = names.get("application") or names["app"]
    response = Client(application).get(KEYS)
    assert response.status_code == 200
    assert response.json["keys"]
    (application if "application" in names else runtime_of(application)).close()


def test_djangos_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from clerk_middleware_django.settings import read

    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)
    config, _ = read(example("proxy.md", "CLERK = {").run(tmp_path)["CLERK"])
    assert isinstance(config, ClerkConfig)
    assert config.proxy == FrontendAPIProxy(path="/__clerk")
    assert config.proxy_url == "https://example.com/__clerk"


def test_the_environment_alone() -> None:
    config = ClerkConfig.from_env({**LIVE, "CLERK_FRONTEND_API_PROXY": "true"})
    assert (config.proxy, config.proxy_url) == (FrontendAPIProxy(), "/__clerk")
    config = ClerkConfig.from_env({**LIVE, "CLERK_FRONTEND_API_PROXY": "/clerk"})
    assert config.proxy == FrontendAPIProxy(path="/clerk")


# What it does


def test_it_comes_before_authentication(
    environment: Callable[..., None], instance_server: LocalServer, instance: LocalClerk
) -> None:
    config = ClerkConfig.from_env(frontend_api_proxy=True, proxy_url="/__clerk", fapi_url=instance_server.url)
    with client_of(config, protected_routes=["/(.*)"]) as client:
        assert client.get("/account").status_code == 401
        answer = client.get(KEYS)
    assert answer.status_code == 200
    assert "vary" not in answer.headers


def test_a_path_that_could_be_read_in_two_ways_is_refused(client: TestClient, instance: LocalClerk) -> None:
    before = len(instance.proxied_requests)
    for path in ("//evil.example", "/%2e%2e/v1", "/v1%2fclient", "/v1%5cclient", "/.%2e"):
        refused = client.get(f"/__clerk{path}")
        assert refused.status_code == 400, path
        assert refused.json()["errors"][0]["code"] == "proxy_path_mismatch"
    assert len(instance.proxied_requests) == before


# Options


def test_the_table_has_each_option_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (`?[^|]*?) \|", section("Options"), re.MULTILINE))
    assert set(rows) == {option.name for option in fields(FrontendAPIProxy)}
    for option in fields(FrontendAPIProxy):
        if option.default is not None:
            assert rows[option.name].strip('`"') == str(option.default)


def test_options_are_set_in_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)
    config = example("proxy.md", "FrontendAPIProxy(path=").run(tmp_path)["config"]
    assert config.proxy == FrontendAPIProxy(path="/clerk", trusted_proxies=1)


# What stands before the application


@pytest.mark.parametrize(
    ("options", "forwarded", "address"),
    [
        ({}, "203.0.113.1", ""),  # the test client has no address
        ({"trust_forwarded_headers": True}, "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        ({"frontend_api_proxy": FrontendAPIProxy(trusted_proxies=1)}, "203.0.113.1", "203.0.113.1"),
        (
            {"frontend_api_proxy": FrontendAPIProxy(trusted_proxies=2)},
            "6.6.6.6, 203.0.113.1, 10.0.0.1",
            "203.0.113.1",
        ),
    ],
)
def test_which_address_clerk_is_told(
    proxied: None, instance: LocalClerk, options: dict[str, Any], forwarded: str, address: str
) -> None:
    config = ClerkConfig.from_env(**{"frontend_api_proxy": True, **options})
    with client_of(config) as client:
        assert client.get(KEYS, headers={"X-Forwarded-For": forwarded}).status_code == 200
    assert instance.proxied_requests[-1].forwarded_for == address


def test_a_proxy_url_that_is_written_is_what_clerk_is_told(proxied: None, instance: LocalClerk) -> None:
    url = "https://example.com/__clerk"
    config = ClerkConfig.from_env(frontend_api_proxy=True, proxy_url=url)
    with client_of(config, "http://10.0.0.7:8000") as client:
        assert client.get(KEYS).status_code == 200
    assert instance.proxied_requests[-1].proxy_url == url


# What a client gets


def test_the_table_has_these_codes(client: TestClient, instance: LocalClerk) -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", section("What a client gets"), re.MULTILINE)
    assert len(set(rows)) == len(rows) == 10
    from typing import get_args

    from clerk_middleware.proxy import capacity
    from clerk_middleware.proxy.refusals import Code

    for bound in (
        f"at most {capacity.MOST} in each process",
        f"{capacity.MOST_OF_CLIENT} of one client's address",
        f"{capacity.MOST_UPLOADS} with bodies",
        f"({capacity.UPLOADS_OF_CLIENT} of one address)",
        f"at most {capacity.MOST_WAITING} wait, {capacity.WAITING_OF_CLIENT} of one address",
    ):
        assert bound in PAGE

    assert {code for _, code in rows} == set(get_args(Code))
    refused = client.request("TRACE", KEYS)
    assert (str(refused.status_code), refused.json()["errors"][0]["code"]) in rows


# When it does not work


def test_the_messages_are_real(caplog: pytest.LogCaptureFixture) -> None:
    said = ""
    for options in (
        {"secret_key": "sk_test_abc"},
        {"publishable_key": LIVE["CLERK_PUBLISHABLE_KEY"], "jwt_key": LocalClerk().jwt_key},
        {
            "publishable_key": LIVE["CLERK_PUBLISHABLE_KEY"],
            "secret_key": "sk_live_abc",
            "proxy_url": "https://example.com/other",
        },
    ):
        with pytest.raises(ConfigurationError) as caught:
            ClerkConfig(frontend_api_proxy=True, **options)
        said += str(caught.value)
    table = section("When it does not work")
    for message in re.findall(r"^\| `ConfigurationError`: (`.*?) \|", table, re.MULTILINE):
        for part in re.findall(r"[^`…]+", message.replace("` or `", "…")):
            assert part.strip() in said
    development = ClerkConfig(
        publishable_key="pk_test_bG9jYWwtaW5zdGFuY2UtMS5jbGVyay5hY2NvdW50cy5kZXYk",
        secret_key="sk_test_documentation",
        frontend_api_proxy=True,
    )
    caplog.clear()
    ClerkMiddleware(Starlette(), development)
    assert "Clerk lets no development instance be proxied" in caplog.text
    assert "Clerk lets no development instance be proxied" in table
