"""The command line: the tour that passes, and that notices; what it says where it can't start."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware import ClerkConfig, authorization
from clerk_middleware.cli import main
from clerk_middleware.cli.applications import APPLICATIONS
from clerk_middleware.cli.browser import Browser
from clerk_middleware.cli.serving import origins_of, serve
from clerk_middleware.cli.stage import set_up
from clerk_middleware.cli.tour import Unexpected, expect
from clerk_middleware.csp import response as policy
from clerk_middleware.local import LocalClerk
from clerk_middleware.local.seed_file import load_seed
from clerk_middleware.protection import Requirement
from clerk_middleware.webhooks import stores, verification

from .conftest import lines_until

ROOT = Path(__file__).parents[2]
_LOAD = {"origin": "Macon", "destination": "Tampa", "cargo": "Peaches", "tons": "8"}

PROGRAM = "import sys; from clerk_middleware.cli import main; sys.exit(main())"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("app", ["fastapi", "flask"])
def test_the_check_passes(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["demo", "--check", "--app", app])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert status == 0
    assert len([line for line in lines if line.startswith("ok  ")]) > 25


def test_the_check_passes_with_django() -> None:
    """In a process of its own: Django's settings are global."""
    done = run("demo", "--check", "--app", "django")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert (done.returncode, done.stderr) == (0, "")
    assert len([line for line in lines if line.startswith("ok  ")]) > 25


def test_the_check_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--check"]) == 0
    out = capsys.readouterr().out
    assert "skip  The admin is for staff" in out
    assert "example_apps.fastapi_fleet does not have local users and an admin" in out
    assert "; 2 skipped." in out


def test_the_check_takes_no_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--check", "--seed", "mine.toml"]) == 1
    assert "leave out --seed" in capsys.readouterr().err


def test_the_check_takes_no_packages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--check", "--node-modules", str(tmp_path)]) == 1
    assert "leave out --seed and --node-modules" in capsys.readouterr().err


@pytest.mark.parametrize("app", ["fastapi", "flask"])
def test_with_packages_its_pages_have_clerks_components(app: str, tmp_path: Path) -> None:
    for package in ("clerk-js", "ui"):
        (tmp_path / "@clerk" / package / "dist").mkdir(parents=True)
    with (
        set_up(APPLICATIONS[app], node_modules=tmp_path) as demo,
        serve(demo.app, demo.listening),
        closing(Browser()) as browser,
    ):
        page = browser.visit(f"{demo.app_url}/dashboard")
        assert str(page.url).startswith(f"{demo.app_url}/sign-in")
        assert 'data-clerk="sign-in"' in page.text
        assert 'src="/__clerk/npm/@clerk/clerk-js@' in page.text
    assert "FLEET_COMPONENTS" not in os.environ


def test_components_without_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLEET_COMPONENTS", "1")
    assert main(["demo", "--port", "0", "--clerk-port", "0"]) == 1
    assert "--node-modules node_modules in place of the variable" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_every_name_of_this_machine_signs_in(name: str) -> None:
    """http://localhost:8000 is another origin than http://127.0.0.1:8000, and would sign in for ever."""
    with (
        set_up(APPLICATIONS["fastapi"]) as demo,
        serve(demo.app, demo.listening),
        closing(Browser()) as browser,
    ):
        app = demo.app_url.replace("127.0.0.1", name)
        page = browser.visit(f"{app}/loads")
        assert "/sign-in" in str(page.url)
        page = browser.submit(str(page.url), {"user_id": "user_dev", "password": "fleet-demo"})
        assert (page.status_code, str(page.url)) == (200, f"{app}/loads")
        assert browser.submit(f"{app}/loads", _LOAD).status_code == 200


@pytest.mark.parametrize(
    ("host", "port", "origins"),
    [
        ("127.0.0.1", 8000, ["http://127.0.0.1:8000", "http://localhost:8000"]),
        ("localhost", 8000, ["http://localhost:8000", "http://127.0.0.1:8000"]),
        ("::1", 8000, ["http://[::1]:8000", "http://localhost:8000"]),
        ("127.0.0.1", 80, ["http://127.0.0.1", "http://localhost"]),
    ],
)
def test_origins_are_written_as_browsers_write_them(host: str, port: int, origins: list[str]) -> None:
    class Listening:
        def getsockname(self) -> tuple[str, int]:
            return host, port

    assert origins_of(host, Listening()) == origins  # type: ignore[arg-type]
    ClerkConfig(secret_key="sk_test_abc", authorized_parties=origins)


def test_the_check_notices(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(authorization, "_holds_permission", lambda session, permission: True)
    assert main(["demo", "--check"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  A driver gets 403 for what a dispatcher may do" in out
    assert "expected status: 403" in out


@pytest.mark.parametrize("app", ["fastapi", "flask"])
def test_the_check_notices_machines_without_a_scope(
    app: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Requirement, "_check_machine", lambda *_: None)
    assert main(["demo", "--check", "--app", app]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 2
    assert failed[0].startswith("FAIL  A partner's API key lists the company's loads")
    assert failed[1].startswith("FAIL  An OAuth application reads the loads of the driver")


def test_the_check_notices_machines_that_are_meant_for_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An application that was not told which machine it is."""
    environment = LocalClerk.environment

    def without_id(self: LocalClerk, url: str, **options: Any) -> dict[str, str]:
        variables = environment(self, url, **options)
        return {name: value for name, value in variables.items() if name != "CLERK_MACHINE_ID"}

    monkeypatch.setattr(LocalClerk, "environment", without_id)
    assert main(["demo", "--check"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert failed == ["FAIL  A machine of the same Clerk instance that may not call this one is refused"]


@pytest.mark.parametrize("app", ["fastapi", "flask"])
@pytest.mark.parametrize(
    ("module", "name", "stand_in", "steps"),
    [
        (policy, "token_urlsafe", lambda size: "a-nonce-that-never-changes", ["A page's policy lets only"]),
        (verification, "_is_signed", lambda *_: True, ["A webhook that somebody else has signed"]),
        (
            stores.MemoryWebhookStore,
            "finish",
            stores.MemoryWebhookStore.abandon,
            ["A webhook that is delivered again"],
        ),
    ],
    ids=["one nonce for all", "no signature", "no memory"],
)
def test_the_check_notices_what_is_not_safe(
    app: str,
    module: Any,
    name: str,
    stand_in: Any,
    steps: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, name, stand_in)
    assert main(["demo", "--check", "--app", app]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert len(failed) == len(steps)
    assert all(line.startswith(f"FAIL  {step}") for line, step in zip(failed, steps, strict=True))


def test_a_seed_without_machines() -> None:
    """The application takes no M2M tokens then, and signs in as it does."""
    seed = load_seed({"users": [{"id": "user_1", "email": "one@example.com", "password": "x"}]})
    with (
        set_up(APPLICATIONS["fastapi"], seed=seed) as demo,
        serve(demo.app, demo.listening),
        closing(Browser()) as browser,
    ):
        assert browser.fetch(f"{demo.app_url}/api/me", anonymous=True).status_code == 401
        assert browser.fetch(f"{demo.app_url}/api/loads", token="ak_nobodys").status_code == 401


def test_what_a_failed_step_says() -> None:
    with pytest.raises(Unexpected, match=r"expected status: 403\nbut got        : 200"):
        expect("status", 200, 403)
    assert expect("status", 403, 403) == 403


@pytest.mark.parametrize("option", ["--port", "--clerk-port"])
def test_a_port_that_is_taken(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = {"--port": "--clerk-port", "--clerk-port": "--port"}[option]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["demo", option, str(port), other, "0"]) == 1
    error = capsys.readouterr().err
    assert f"port {port} on 127.0.0.1 is taken" in error
    assert error.rstrip().endswith(f"choose another port with {option}")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_loopback_alone(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--host", host]) == 1
    assert "whoever reaches it can sign in as anyone" in capsys.readouterr().err


def test_a_host_that_cannot_be_listened_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(socket, "create_server", refuse)
    assert main(["demo", "--host", "::1"]) == 1
    assert "cannot listen on ::1, port 8000: Cannot assign requested address" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("app", "extra", "missing"),
    [
        ("fastapi", "demo", "uvicorn"),
        ("fastapi", "demo", "fastapi"),
        ("fastapi", "demo", "websockets"),
        ("django", "demo-django", "django"),
        ("django", "demo-django", "dj_database_url"),
        ("django", "demo-django", "rest_framework"),
        ("django", "demo-django", "drf_spectacular"),
        ("flask", "demo-flask", "uvicorn"),
        ("flask", "demo-flask", "asgiref"),
        ("flask", "demo-flask", "flask"),
        ("flask", "demo-flask", "flask_wtf"),
    ],
)
def test_without_the_extra(app: str, extra: str, missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; {PROGRAM}"
    command = [sys.executable, "-c", program, "demo", "--app", app, "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"clerk-middleware: this needs {missing}, which is not installed: "
        f"pip install 'clerk-middleware[{extra}]'\n"
    )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite:////no/such/folder/fleet.sqlite3", "unable to open database file"),
        ("postgres://fleet@127.0.0.1:1/fleet", "Connection refused"),
        ("freight://fleet", "freight"),
    ],
)
def test_a_database_that_cannot_be_used(url: str, problem: str) -> None:
    done = run("demo", "--check", "--app", "django", DATABASE_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("clerk-middleware: the database of DATABASE_URL cannot be used: ")
    assert problem in done.stderr


def test_a_database_of_somebody_else(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.sqlite3")) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    done = run("demo", "--check", "--app", "django", DATABASE_URL=f"sqlite:///{tmp_path / 'theirs.sqlite3'}")
    assert done.returncode == 1
    assert "holds the tables of something else, such as 'customers': unset DATABASE_URL" in done.stderr


def test_without_the_checkout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "example_apps", None)
    assert main(["demo", "--port", "0", "--clerk-port", "0"]) == 1
    assert "Clone the repository of clerk-middleware" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["demo", "--port", "http"], ["demo", "--port", "65536"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: clerk-middleware" in capsys.readouterr().err


@pytest.mark.parametrize("app", APPLICATIONS)
def test_it_starts_says_where_and_stops_without_a_traceback(app: str) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "demo", "--app", app, "--port", "0", "--clerk-port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with demo:
        try:
            banner, secret = _look_around(demo)
            demo.send_signal(signal.SIGINT)
            out, error = demo.communicate(timeout=10)
        finally:
            demo.kill()
    assert demo.returncode == 0
    assert error == ""
    assert "no production\n" in banner
    assert "identity provider" in banner
    for name in ("Ada Sørensen", "rosa@blueridge.example", "dispatcher at Blue Ridge Freight", "code 424242"):
        assert name in banner
    assert re.search(r"GET  /reports +307 → 127\.0\.0\.1:\d+/sign-in  nobody", out)
    assert re.search(r"GET  / +Clerk: handshake \(dev-browser-missing\)", out)
    assert "static" not in out
    assert secret not in out
    assert "x=y" not in out
    assert out.endswith("Stopped.\n")


def _look_around(demo: subprocess.Popen[str]) -> tuple[str, str]:
    """Ask the demo for some pages; returns its banner, and a secret that it gave the browser."""
    banner = lines_until("Ctrl-C stops", demo)
    url = re.findall(r"http://127\.0\.0\.1:\d+", banner)[0]
    with httpx.Client(trust_env=False) as browser:
        headers = {"accept": "text/html"}
        assert browser.get(f"{url}/", headers=headers, follow_redirects=True).status_code == 200
        secret = browser.cookies["__clerk_db_jwt"]
        assert browser.get(f"{url}/reports?x=y", headers=headers).status_code == 307
        assert browser.get(f"{url}/static/fleet.css").status_code == 200
    return banner, secret
