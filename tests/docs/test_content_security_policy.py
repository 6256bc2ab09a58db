"""The page on Content Security Policy says what is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from clerk_middleware import CSP, ClerkConfig
from clerk_middleware.csp import ResponsePolicy

from .examples import ROOT, example, section_of

PAGE = (ROOT / "docs/content-security-policy.md").read_text("utf-8")
section = partial(section_of, PAGE)
POLICY = "content-security-policy"
FRONTEND_API = "clerk.example.com"


def sent(csp: CSP, *headers: tuple[str, str], status: int = 200) -> dict[str, str]:
    policy = ResponsePolicy(csp, FRONTEND_API, "https://example.com", "https://accounts.example.com")
    return dict(policy.headers(status, list(headers), str))


def directives(text: str) -> dict[str, str]:
    return {
        words[0]: " ".join(sorted(words[1:]))
        for part in text.split(";")
        if (words := re.sub("nonce-[^']*", "nonce-…", part).split())
    }


def test_the_policies_are_those_that_are_printed() -> None:
    default, strict = re.findall(r"^```\n(.*?)^```", section("Which of the two"), re.MULTILINE | re.DOTALL)
    assert directives(default) == directives(sent(CSP())[POLICY])
    changed = directives(sent(CSP(strict=True))[POLICY])
    assert directives(strict)["script-src"] == changed["script-src"]
    assert (
        directives(default)
        | directives(strict)
        | {
            "base-uri": "'none'",
            "object-src": "'none'",
        }
        == changed
    )


@pytest.mark.parametrize("holds", ["nonce: CSPNonce", "context_processors=[clerk_context]"])
def test_a_page_has_the_nonce_of_its_header(
    holds: str, environment: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = example("content-security-policy.md", holds).run(tmp_path)["app"]
    with TestClient(app) as client:
        pages = [client.get("/", headers={"x-nonce": "forged"}) for _ in range(2)]
    nonces = []
    for page in pages:
        [nonce] = re.findall('nonce="([^"]+)"', page.text)
        assert f"'nonce-{nonce}'" in page.headers[POLICY]
        assert page.headers["x-nonce"] == nonce
        nonces.append(nonce)
    assert nonces[0] != nonces[1]
    assert "forged" not in nonces


def test_flask(environment: Callable[..., None]) -> None:
    from flask import Flask, render_template_string

    from clerk_middleware_flask import Clerk

    app = Flask(__name__)
    app.config["CLERK_CONTENT_SECURITY_POLICY"] = CSP(strict=True)
    Clerk(app)
    app.add_url_rule("/", view_func=lambda: render_template_string('<script nonce="{{ csp_nonce() }}">'))
    page = app.test_client().get("/")
    [nonce] = re.findall('nonce="([^"]+)"', page.text)
    assert f"'nonce-{nonce}'" in page.headers[POLICY]


def test_django(settings: Any) -> None:
    from django.http import HttpResponse
    from django.template import engines
    from django.test import Client
    from django.urls import path

    urls = ModuleType("urls_with_nonce")
    page = engines["django"].from_string('<script nonce="{{ csp_nonce }}">')
    urls.urlpatterns = [path("", lambda request: HttpResponse(page.render({}, request)))]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    settings.CLERK = {**settings.CLERK, "CONTENT_SECURITY_POLICY": CSP(strict=True)}
    settings.MIDDLEWARE = ["clerk_middleware_django.middleware.ClerkMiddleware"]
    answer = Client().get("/")
    [nonce] = re.findall('nonce="([^"]+)"', answer.content.decode())
    assert f"'nonce-{nonce}'" in answer[POLICY]


def test_what_is_added_is_added(environment: Callable[..., None], tmp_path: Path) -> None:
    csp = example("content-security-policy.md", '"frame-ancestors": "none"').run(tmp_path)["config"]
    policy = directives(sent(csp.content_security_policy)[POLICY])
    assert policy["font-src"] == "'self' https://fonts.gstatic.com"
    assert policy["style-src"] == "'self' 'unsafe-inline' https://fonts.googleapis.com"
    assert policy["img-src"] == "'self' data: https://images.example.com https://img.clerk.com"
    assert policy["frame-ancestors"] == "'none'"
    alone = directives(sent(CSP(directives={"frame-src": "none"}))[POLICY])
    assert alone["frame-src"] == "https://challenges.cloudflare.com"


def test_reports_arrive_and_are_bounded(
    environment: Callable[..., None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = example("content-security-policy.md", "async def reports").run(tmp_path)["app"]
    caplog.set_level("INFO", "csp")
    with TestClient(app) as client:
        answer = client.post("/csp-reports", json={"csp-report": {"blocked-uri": "inline"}})
        assert answer.status_code == 204
        assert client.post("/csp-reports", content=b"x" * 20_000).status_code == 204
    assert [record.args for record in caplog.records if record.name == "csp"] == [
        {"csp-report": {"blocked-uri": "inline"}}
    ]
    header = answer.headers[f"{POLICY}-report-only"]
    assert "report-uri /csp-reports" in header
    assert "report-to csp-endpoint" in header
    assert answer.headers["reporting-endpoints"] == 'csp-endpoint="/csp-reports"'
    assert POLICY not in answer.headers


def test_a_header_that_is_there_gets_only_what_clerk_requires() -> None:
    own = ("Content-Security-Policy", "default-src 'self'; script-src 'self'")
    policy = sent(CSP(directives={"font-src": "https://fonts.gstatic.com"}), own)
    assert set(policy) == {"Content-Security-Policy"}
    amended = directives(policy["Content-Security-Policy"])
    assert amended["script-src"] == "'self' https://challenges.cloudflare.com https://clerk.example.com"
    assert amended["img-src"] == "'self' https://img.clerk.com"
    assert amended["worker-src"] == "'self' blob:"
    assert amended["style-src"] == "'self' 'unsafe-inline'"
    assert "font-src" not in amended
    assert "stripe" not in str(amended)
    strict = sent(CSP(strict=True), own)["Content-Security-Policy"]
    assert "'nonce-" in strict
    # What restricts nothing gets all; another header is left alone; a 304 gets none.
    framing = sent(CSP(), ("Content-Security-Policy", "frame-ancestors 'none'"))
    assert "default-src 'self'" in framing["Content-Security-Policy"]
    assert sent(CSP(report_only=True), own)["Content-Security-Policy"] == own[1]
    assert sent(CSP(strict=True), status=304) == {}


def test_pages_of_others_have_a_policy_of_their_own(environment: Callable[..., None], tmp_path: Path) -> None:
    with TestClient(example("content-security-policy.md", "policy_of_docs").run(tmp_path)["app"]) as client:
        docs, own = client.get("/docs"), client.get("/openapi.json")
    policy = directives(docs.headers[POLICY])
    loaded = {url.partition("/npm")[0] for url in re.findall(r'(?:src|href)="(https://[^"]+)"', docs.text)}
    assert "https://cdn.jsdelivr.net" in loaded
    allowed = " ".join(policy[name] for name in ("script-src", "style-src", "img-src"))
    assert all(re.sub(r"(\w)/.*", r"\1", url) in allowed for url in loaded)
    assert "'unsafe-inline'" in policy["script-src"]  # which a nonce would make browsers pass over
    assert "nonce" not in policy["script-src"]
    assert "'strict-dynamic'" in own.headers[POLICY]


def test_scripts_of_ones_own_host_are_let_in_by_the_policy_for_them() -> None:
    [own] = re.findall("For pages whose .*?`/static`, `(.*?)` does", PAGE)
    policy = directives(sent(CSP(strict=True), ("Content-Security-Policy", own))["Content-Security-Policy"])
    assert policy["script-src"].startswith("'nonce-…' 'self' ")
    assert "'strict-dynamic'" not in policy["script-src"]


def test_what_is_proxied_gets_no_policy(environment: Callable[..., None], instance_server: Any) -> None:
    from clerk_middleware.asgi import ClerkMiddleware

    config = ClerkConfig.from_env(
        frontend_api_proxy=True,
        proxy_url="/__clerk",
        fapi_url=instance_server.url,
        content_security_policy=CSP(),
    )
    with TestClient(ClerkMiddleware(Starlette(), config)) as client:  # which closes the proxy's connections
        proxied, own = client.get("/__clerk/.well-known/jwks.json"), client.get("/")
    assert proxied.json()["keys"]
    assert POLICY not in proxied.headers
    # With the proxy, the Frontend API is this origin.
    assert "connect-src 'self' " in own.headers[POLICY]
    assert FRONTEND_API not in own.headers[POLICY]
