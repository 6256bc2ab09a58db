"""Passwords on the pages: for who runs LocalClerk on this machine, and for nobody else."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk
from clerk_middleware.local.seed_file import BUILT_IN_SEED

SEED = """
[[users]]
id = "user_1"
email = "one@example.com"
password = "secret-of-one"
second_factor_code = "111111"

[[users]]
id = "user_2"
email = "two@example.com"
password = "secret-of-<two>"
"""


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    path = tmp_path / "seed.toml"
    path.write_text(SEED)
    return path


def page(clerk: LocalClerk, path: str, *, headers: dict[str, str] | None = None, **scope: Any) -> str:
    """A page as a client gets it whose connection has these ends."""

    async def app(given: Any, receive: Any, send: Any) -> None:
        ends = {"server": ("127.0.0.1", 5400), "client": ("127.0.0.1", 1)}
        await clerk.app({**given, **ends, **scope}, receive, send)

    async def get() -> str:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5400") as client:
            return (await client.get(path, headers=headers)).text

    return asyncio.run(get())


def test_the_password_that_everybody_has(browser: httpx.Client) -> None:
    text = browser.get("/sign-in").text
    assert text.count("fleet-demo") == 1
    assert "Everybody’s password" in text


def test_passwords_that_differ(seed_file: Path) -> None:
    text = page(LocalClerk(seed_file), "/sign-in")
    assert "secret-of-one" in text
    assert "secret-of-&lt;two&gt;" in text
    assert "Everybody" not in text
    assert "111111" not in text


def test_the_second_factor(browser: httpx.Client) -> None:
    answer = browser.post("/sign-in", data={"user_id": "user_grace", "password": "fleet-demo"})
    assert "424242" in browser.get(answer.headers["location"]).text


def test_the_code_of_an_authenticator_app(clerk: LocalClerk, browser: httpx.Client) -> None:
    user = clerk.create_user("otto@example.com", password="fleet-demo", totp_secret="JBSWY3DP" * 4)
    answer = browser.post("/sign-in", data={"user_id": user.id, "password": "fleet-demo"})
    text = browser.get(answer.headers["location"]).text
    (code,) = re.findall(r"[0-9]{6}</code> for now", text)
    assert browser.post("/sign-in/factor-two", data={"code": code[:6]}).status_code == 303


@pytest.mark.parametrize(
    ("level", "shown"),
    [("", {"fleet-demo", "424242"}), ("first_factor", {"fleet-demo"}), ("second_factor", {"424242"})],
)
def test_verifying_again(clerk: LocalClerk, browser: httpx.Client, level: str, shown: set[str]) -> None:
    session = clerk.sign_in("user_grace")
    assert session.client is not None
    query = {"__clerk_db_jwt": session.client.token, "level": level}
    text = browser.get("/verify", params=query).text
    assert {secret for secret in ("fleet-demo", "424242") if secret in text} == shown


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"server": ("192.0.2.1", 5400)},
        {"client": ("192.0.2.2", 1)},
        {"client": None},
        {"server": None},
        {"headers": {"host": "clerk.internal"}},
        {"headers": {"x-forwarded-for": "127.0.0.1"}},
        {"headers": {"x-real-ip": "192.0.2.2"}},
        {"headers": {"forwarded": "for=192.0.2.2"}},
    ],
)
def test_nothing_leaves_this_machine(elsewhere: dict[str, Any]) -> None:
    users = [{"id": "user_1", "email": "a@b.c", "password": "for-me-alone"}]
    clerk = LocalClerk({"instance": {"hosts": ["clerk.internal"]}, "users": users})
    assert "for-me-alone" in page(clerk, "/sign-in")
    text = page(clerk, "/sign-in", **elsewhere)
    assert "Who are you?" in text
    assert "for-me-alone" not in text


def test_nothing_is_shown_where_others_may_come() -> None:
    clerk = LocalClerk()
    with clerk.serve("0.0.0.0", allow_remote=True) as server, httpx.Client() as browser:
        url = f"http://127.0.0.1:{server.port}/sign-in"
        assert "fleet-demo" not in browser.get(url).text
        answer = browser.post(url, data={"user_id": "user_grace", "password": "fleet-demo"})
        code = browser.get(f"http://127.0.0.1:{server.port}{answer.headers['location']}").text
        assert "424242" not in code
        assert "second_factor_code" in code
        assert "fleet.toml" not in browser.get(f"http://127.0.0.1:{server.port}/sign-up").text


def test_which_file_a_user_is_added_to(seed_file: Path, browser: httpx.Client) -> None:
    built_in = browser.get("/sign-up").text
    assert str(BUILT_IN_SEED) in built_in
    assert "--seed COPY.toml" in built_in
    own = page(LocalClerk(seed_file), "/sign-up")
    assert str(seed_file) in own
    assert "--seed" not in own
    mapping = page(LocalClerk({"users": [{"id": "user_1", "email": "a@b.c", "password": "x"}]}), "/sign-up")
    assert "write this there" in mapping
