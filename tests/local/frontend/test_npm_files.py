"""clerk-js and its components, served from where npm installed them, and nothing else from there."""

from __future__ import annotations

import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk, LocalServer


@pytest.fixture
def clerk(clock: Any, node_modules: Path) -> LocalClerk:
    return LocalClerk(clock=clock, node_modules=node_modules)


@pytest.mark.parametrize("version", ["6", "6.40.0", "6.1.2", "6.41.0-canary.1"])
def test_the_installed_version_stands_for_its_major(browser: httpx.Client, version: str) -> None:
    response = browser.get(f"/npm/@clerk/clerk-js@{version}/dist/clerk.browser.js")
    assert (response.status_code, response.text) == (200, "/* clerk-js */")
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_files_below_dist(browser: httpx.Client) -> None:
    response = browser.get("/npm/@clerk/ui@1/dist/deep/style.css")
    assert response.headers["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("version", ["5", "7.0.0", "latest", "6.40", "6x", "06", "", "6.40.0/.."])
def test_another_version_is_missing_and_said_so(browser: httpx.Client, version: str) -> None:
    response = browser.get(f"/npm/@clerk/clerk-js@{version}/dist/clerk.browser.js")
    assert response.status_code == 404
    if "/" not in version and version:
        assert "@clerk/clerk-js@6.40.0 is" in response.text


def test_another_package_is_missing_and_said_so(browser: httpx.Client) -> None:
    response = browser.get("/npm/@clerk/backend@1/dist/index.js")
    assert response.status_code == 404
    assert "@clerk/clerk-js and @clerk/ui" in response.text


OUTSIDE = [
    "../secret.js",
    "..%2fsecret.js",
    "%2e%2e/secret.js",
    "deep/../../secret.js",
    "..%5csecret.js",
    "./../secret.js",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "nothing.js",
    "deep",
    ".hidden.js",
    "index.d.ts",
    "a%00.js",
    "a/" * 9 + "b.js",
    "x" * 300 + ".js",
    "",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_no_file_of_dist(node_modules: Path, server: LocalServer, name: str) -> None:
    dist = node_modules / "@clerk" / "ui" / "dist"
    (dist / ".hidden.js").write_text("secret")
    (dist / "index.d.ts").write_text("secret")
    # Not by httpx, which does away with dots in a path before it sends it.
    with closing(HTTPConnection(server.host, server.port, timeout=10)) as connection:
        connection.request("GET", f"/npm/@clerk/ui@1/dist/{name}")
        response = connection.getresponse()
        assert response.status == 404
        assert b"There is no such file in dist/ of @clerk/ui@1.36.0." in response.read()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there that not everybody has")
class TestLinks:
    def test_a_package_may_be_one(self, node_modules: Path, browser: httpx.Client) -> None:
        package = node_modules / "@clerk" / "ui"
        package.rename(node_modules / "elsewhere")
        package.symlink_to(node_modules / "elsewhere")
        assert browser.get("/npm/@clerk/ui@1/dist/deep/style.css").status_code == 200

    def test_but_none_leads_out_of_dist(self, node_modules: Path, browser: httpx.Client) -> None:
        dist = node_modules / "@clerk" / "ui" / "dist"
        (dist / "linked.js").symlink_to(dist.parent / "secret.js")
        (dist / "loop.js").symlink_to("loop.js")
        (dist / "inner.css").symlink_to("deep/style.css")
        (dist / "out").symlink_to(dist.parent)
        statuses = [
            browser.get(f"/npm/@clerk/ui@1/dist/{name}").status_code
            for name in ("linked.js", "loop.js", "out/secret.js", "inner.css")
        ]
        assert statuses == [404, 404, 404, 200]


def test_browsers_keep_exact_versions_and_ask_again_for_others(browser: httpx.Client) -> None:
    exact = browser.get("/npm/@clerk/clerk-js@6.40.0/dist/clerk.browser.js")
    major = browser.get("/npm/@clerk/clerk-js@6/dist/clerk.browser.js")
    assert exact.headers["cache-control"] == "public, max-age=86400"
    assert major.headers["cache-control"] == "no-cache"
    tag = f'"other", W/{major.headers["etag"]}'
    again = browser.get(major.request.url, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert browser.get(major.request.url, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize("package", ["{", "[]", '{"version": 6}', '{"version": "six"}', None])
def test_a_package_that_is_not_installed(
    node_modules: Path, browser: httpx.Client, package: str | None
) -> None:
    description = node_modules / "@clerk" / "ui" / "package.json"
    description.unlink() if package is None else description.write_text(package)
    response = browser.get("/npm/@clerk/ui@1/dist/deep/style.css")
    assert response.status_code == 404
    assert "npm install @clerk/ui" in response.text


class TestWithoutNodeModules:
    @pytest.fixture
    def clerk(self, clock: Any) -> LocalClerk:
        return LocalClerk(clock=clock)

    def test_what_to_do_about_it(self, browser: httpx.Client) -> None:
        response = browser.get("/npm/@clerk/clerk-js@6/dist/clerk.browser.js")
        assert response.status_code == 404
        assert "--node-modules" in response.text
        assert response.headers["cache-control"] == "no-store"
