"""``clerk-middleware local``: what it prints is all that an application needs to sign in."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI

from clerk_middleware import ClerkConfig
from clerk_middleware.cli import main
from clerk_middleware.cli.browser import Browser
from clerk_middleware.cli.origins import origins
from clerk_middleware.cli.serving import listen, serve, url_of
from clerk_middleware.local import LocalClerk
from clerk_middleware_fastapi import ClerkMiddleware, CurrentAuth, require_auth
from tests.local.webhook_receiver import receiving, verifies

from .conftest import lines_until

SEED = """
[instance]
secret_key = "sk_test_ofmyseed"
[[users]]
id = "user_1"
email = "one@example.com"
password = "secret-of-one"
"""


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """The command in a process of its own; yields what it says, and sees to it that it stops in order."""
    program = "import sys; from clerk_middleware.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "local", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = lines_until("Ctrl-C stops", process)
            with httpx.Client(trust_env=False) as client:  # it answers once uvicorn awaits a Ctrl-C
                assert client.get(exported(said)["CLERK_API_URL"]).status_code == 200
            yield said
            process.send_signal(signal.SIGINT)
            rest, error = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, rest.strip(), error) == (0, "Stopped.", "")


def exported(said: str) -> dict[str, str]:
    """The environment after the lines were pasted into a shell."""
    lines = [line for line in said.splitlines() if line.startswith("export ")]
    pairs = [shlex.split(line)[1].partition("=") for line in lines]
    assert all(len(shlex.split(line)) == 2 for line in lines)
    return {name: value for name, _, value in pairs}


def application(config: ClerkConfig) -> FastAPI:
    app = FastAPI()
    app.add_middleware(ClerkMiddleware, config=config)

    @app.get("/", dependencies=[Depends(require_auth)])
    async def home(auth: CurrentAuth) -> dict[str, str | None]:
        return {"user": auth.user_id}

    return app


def test_an_application_signs_in_with_what_it_prints() -> None:
    with running() as said, listen("127.0.0.1", 0, option="--port") as listening:
        environment, url = exported(said), url_of("127.0.0.1", listening)
        origins = environment.pop("CLERK_AUTHORIZED_PARTIES").split(",")
        assert origins[:2] == ["http://localhost:8000", "http://127.0.0.1:8000"]
        assert origins[2:] == ["http://localhost:5000", "http://127.0.0.1:5000"]  # as `flask run` has it
        app = application(ClerkConfig.from_env(environment, authorized_parties=[url]))
        with serve(app, listening), closing(Browser()) as browser:
            page = browser.visit(url)
            assert str(page.url).startswith(environment["CLERK_SIGN_IN_URL"])
            answer = browser.submit(str(page.url), {"user_id": "user_ada", "password": "fleet-demo"})
            assert answer.json() == {"user": "user_ada"}


def test_it_says_who_there_is_and_what_it_is_not() -> None:
    with running() as said:
        assert "no production identity provider" in said
        assert re.search(r"Grace Okafor +grace@harborlines\.example +fleet-demo, then code 424242", said)
        assert "fleet.toml" in said
        assert "--secret-key sk_test_ANYTHING" in said
        first = exported(said)
    with running() as said:
        assert exported(said)["CLERK_SECRET_KEY"] != first["CLERK_SECRET_KEY"]
        assert exported(said)["CLERK_PUBLISHABLE_KEY"] == first["CLERK_PUBLISHABLE_KEY"]


def test_what_programs_prove_themselves_with() -> None:
    with running("--machine", "mch_fleet_api", "--oauth-token", "user_dev") as said:
        assert re.search(r"ak_local_dispatch_board +Dispatch board \(id ak_\w+\), of org_blue_ridge", said)
        assert re.search(r"client_carrier_portal +Carrier portal, openid profile email read:loads", said)
        assert "The machine's secret key is another one at each start." in said
        accepted = "# export CLERK_ACCEPTS_TOKEN=session_token,api_key,oauth_token,m2m_token"
        assert accepted in said
        environment = exported(said)
        token = said.partition("OAuth access token of user_dev for ")[2].splitlines()[1].strip()
        headers = {"authorization": f"Bearer {environment['CLERK_SECRET_KEY']}"}
        with httpx.Client(trust_env=False, headers=headers) as client:
            url = f"{environment['CLERK_API_URL']}/v1/oauth_applications/access_tokens/verify"
            answer = client.post(url, json={"access_token": token}).json()
        assert answer["subject"] == "user_dev"
        assert answer["scopes"] == ["profile", "email", "read:loads", "write:loads"]
    config = ClerkConfig.from_env({**environment, **exported(accepted.removeprefix("# "))})
    assert config.accepts_token == ("session_token", "api_key", "oauth_token", "m2m_token")


def test_programs_that_the_seed_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(SEED)
    for option, problem in (
        ("--machine", "--machine: the seed has no machine 'x'; there are: none"),
        ("--oauth-token", "--oauth-token: the seed has no user 'x'; there are: user_1"),
    ):
        assert main(["local", "--seed", str(path), option, "x"]) == 1
        assert problem in capsys.readouterr().err


def test_webhooks_are_signed_with_the_secret_that_it_prints() -> None:
    with receiving() as receiver, running("--webhook", receiver.url) as said:
        environment = exported(said)
        assert f"Webhooks are sent to\n  {receiver.url}, *, signed with whsec_" in said
        assert "The signing secret of webhooks is another one at each start." in said
        with httpx.Client(trust_env=False, base_url=environment["CLERK_API_URL"]) as client:
            client.post("/sign-in", data={"user_id": "user_dev", "password": "fleet-demo"})
        give_up = time.monotonic() + 10
        while not receiver.requests and time.monotonic() < give_up:
            time.sleep(0.01)
        (request,) = receiver.requests
        assert verifies(request, environment["CLERK_WEBHOOK_SIGNING_SECRET"])
        assert b'"type":"session.created"' in request.body


def test_a_signing_secret_that_stays(tmp_path: Path) -> None:
    path, secret = tmp_path / "seed.toml", "whsec_" + "b" * 32
    path.write_text(
        f'{SEED}[[webhooks]]\nurl = "http://localhost:9/hooks"\n'
        f'events = ["user.*"]\nsigning_secret = "whsec_{"a" * 32}"\n'
    )
    for url, events in (("http://localhost:9/hooks", "user.*"), ("http://localhost:9/others", "*")):
        with running("--seed", str(path), "--webhook", url, "--webhook-secret", secret) as said:
            assert exported(said)["CLERK_WEBHOOK_SIGNING_SECRET"] == secret
            assert f"{url}, {events}, signed with {secret}" in said
            assert said.count("http://localhost:9/hooks") == 1
            assert "The signing secret of webhooks" not in said


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("http://localhost:8011/hooks?a=b", ["http://localhost:8011", "http://127.0.0.1:8011"]),
        ("http://127.0.0.1:8000/hooks", []),
        ("https://App.localhost:443/hooks", ["https://app.localhost"]),
        ("http://[::1]:80/hooks", ["http://[::1]"]),
    ],
)
def test_where_webhooks_go_a_browser_may_come_from(url: str, first: list[str]) -> None:
    usual = [f"http://{host}:{port}" for port in (8000, 5000) for host in ("localhost", "127.0.0.1")]
    assert origins(url) == first + usual
    assert origins() == usual


def test_the_origin_of_the_application_is_among_those_that_it_prints() -> None:
    with running("--webhook", "http://localhost:8011/webhooks/clerk") as said:
        first = exported(said)["CLERK_AUTHORIZED_PARTIES"].split(",")[:3]
    assert first == ["http://localhost:8011", "http://127.0.0.1:8011", "http://localhost:8000"]


def test_the_only_endpoint_of_the_seed_is_the_applications(tmp_path: Path) -> None:
    path, secret = tmp_path / "seed.toml", "whsec_" + "a" * 32
    table = f'[[webhooks]]\nurl = "http://localhost:9/hooks"\nsigning_secret = "{secret}"\n'
    path.write_text(SEED + table)
    for options in ((), ("--webhook", "http://localhost:9/hooks")):
        with running("--seed", str(path), *options) as said:
            assert exported(said)["CLERK_WEBHOOK_SIGNING_SECRET"] == secret
            assert said.count("http://localhost:9/hooks") == 1
            assert "The signing secret of webhooks" not in said
    path.write_text(SEED + table + table.replace('hooks"', 'others"'))
    with running("--seed", str(path)) as said:
        assert "CLERK_WEBHOOK_SIGNING_SECRET" not in exported(said)
        assert f"http://localhost:9/others, *, signed with {secret}" in said


@pytest.mark.parametrize(("options", "path"), [(("--proxy",), "/__clerk"), (("--proxy", "/auth"), "/auth")])
def test_an_application_that_proxies_the_frontend_api(options: tuple[str, ...], path: str) -> None:
    with running(*options) as said:
        environment = exported(said)
        assert environment["CLERK_FRONTEND_API_PROXY"] == path
        assert environment["CLERK_FAPI_URL"] == environment["CLERK_API_URL"]
        assert "CLERK_PROXY_URL" not in environment


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--webhook", "https://example.com/", "--webhook: url of a webhook endpoint is at 'example.com'"),
        ("--webhook", "localhost:8000", "--webhook: url of a webhook endpoint must be a full http or https"),
        ("--proxy", "__clerk", "--proxy: proxy must be a path of the application, such as /__clerk"),
    ],
)
def test_what_is_no_url_or_path(
    capsys: pytest.CaptureFixture[str], option: str, value: str, problem: str
) -> None:
    assert main(["local", "--port", "0", option, value]) == 1
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "--webhook-secret is that of --webhook URL, which is missing"),
        (
            ("--webhook", "http://localhost:9/"),
            "--webhook-secret must be whsec_ and 24 to 64 bytes in base64",
        ),
    ],
)
def test_a_signing_secret_that_is_none(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], problem: str
) -> None:
    assert main(["local", "--port", "0", "--webhook-secret", "whsec_tooshort", *options]) == 1
    said = capsys.readouterr().err
    assert problem in said
    assert "tooshort" not in said


def test_a_secret_key_that_stays() -> None:
    with running("--secret-key", "sk_test_mine") as said:
        environment = exported(said)
        assert environment["CLERK_SECRET_KEY"] == "sk_test_mine"
        assert "another one at each start" not in said
        headers = {"authorization": "Bearer sk_test_mine"}
        with httpx.Client(trust_env=False) as client:
            keys = client.get(f"{environment['CLERK_API_URL']}/v1/jwks", headers=headers)
        assert keys.status_code == 200


def test_a_seed_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(SEED)
    with running("--seed", str(path)) as said:
        assert exported(said)["CLERK_SECRET_KEY"] == "sk_test_ofmyseed"
        assert re.search(r"one@example\.com +secret-of-one", said)
        assert str(path) in said
        assert "Ada" not in said


@pytest.mark.parametrize("key", ["sk_live_abc", "sk_test_", "sk_test_a b", "abc", "", "sk_test_é"])
def test_a_key_that_is_none(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "--secret-key", key]) == 1
    assert "--secret-key must be sk_test_ and letters and digits" in capsys.readouterr().err


def test_clerks_components_come_from_the_packages_that_npm_installed(tmp_path: Path) -> None:
    for package, file in (("clerk-js", "clerk.browser.js"), ("ui", "ui.browser.js")):
        folder = tmp_path / "@clerk" / package
        (folder / "dist").mkdir(parents=True)
        (folder / "dist" / file).write_text(f"/* {package} */")
        (folder / "package.json").write_text('{"version": "6.1.2"}')
    with running("--node-modules", str(tmp_path)) as said:
        assert "# export CLERK_SIGN_IN_URL=/sign-in CLERK_SIGN_UP_URL=/sign-up" in said
        url = exported(said)["CLERK_API_URL"]
        answer = httpx.get(f"{url}/npm/@clerk/clerk-js@6/dist/clerk.browser.js", follow_redirects=True)
        assert (answer.status_code, answer.text) == (200, "/* clerk-js */")


@pytest.mark.parametrize("command", ["local", "demo"])
@pytest.mark.parametrize(
    ("installed", "missing"),
    [
        ((), "there is no @clerk/clerk-js and no @clerk/ui in"),
        (("@clerk/clerk-js",), "there is no @clerk/ui in"),
        (("node_modules/@clerk/clerk-js", "node_modules/@clerk/ui"), "there is no @clerk/clerk-js and no"),
    ],
)
def test_packages_that_are_not_installed(
    command: str,
    installed: tuple[str, ...],
    missing: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for package in installed:
        (tmp_path / package / "dist").mkdir(parents=True)
    assert main([command, "--node-modules", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"--node-modules: {missing}" in said
    nested = tmp_path / "node_modules"
    hint = f"do you mean {nested}?" if nested.is_dir() else "npm install @clerk/clerk-js@6 @clerk/ui@1 makes"
    assert hint in said


@pytest.mark.parametrize("command", ["local", "demo"])
def test_a_seed_that_is_wrong(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "seed.toml"
    path.write_text('[[user]]\nid = "user_1"\n')
    assert main([command, "--seed", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"clerk-middleware: {path}: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_loopback_alone(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "--host", host]) == 1
    assert "whoever reaches it can sign in as anyone" in capsys.readouterr().err


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["local", "--port", str(port)]) == 1
    assert f"port {port} on 127.0.0.1 is taken" in capsys.readouterr().err


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for module in [name for name in sys.modules if name.startswith("clerk_middleware.local")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["local"]) == 1
    assert capsys.readouterr().err == (
        "clerk-middleware: this needs uvicorn, which is not installed: "
        "pip install 'clerk-middleware[local]'\n"
    )


def test_a_production_instance_has_a_production_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seed.toml"
    path.write_text('[instance]\ntype = "production"\n' + SEED[SEED.index("[[") :])
    keys: list[str] = []
    monkeypatch.setattr(LocalClerk, "run", lambda self, *_, **__: keys.append(self.secret_key))
    assert main(["local", "--port", "0", "--seed", str(path), "--secret-key", "sk_live_mine"]) == 0
    assert keys == ["sk_live_mine"]
