"""A browser that Clerk calls signed in, and this application does not: it is not sent to sign in for ever."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest

from clerk_middleware import ClerkConfig, RequestState, sign_in_loops
from clerk_middleware.answers import Answer, redirect_to_sign_in
from clerk_middleware.logging import OccasionalWarnings

from .conftest import Decide
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]
COUNT = "__clerk_sign_in_count"


@pytest.fixture(autouse=True)
def fresh_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_loops, "_warnings", OccasionalWarnings())


@pytest.fixture
def refused(issuer: Issuer) -> dict[str, str]:
    """Cookies with a token of another origin's, which Clerk gives again and again."""
    return {"__session": issuer.token(azp="https://other.example"), "__client_uat": str(NOW - 100)}


@pytest.fixture
def visit(decide: Decide, config: MakeConfig) -> Callable[..., Answer]:
    def answer(cookies: dict[str, str], **options: Any) -> Answer:
        state = decide(
            config(**{"authorized_parties": ["https://app.example.com"], **options}), cookies=cookies
        )
        return answer_to(state)

    return answer


def answer_to(state: RequestState) -> Answer:
    answer = redirect_to_sign_in(state.to_auth(), state)
    assert answer is not None
    return answer


def count_in(answer: Answer) -> str | None:
    """What the browser's cookie is from now on, `None` where it stays as it is."""
    jar: SimpleCookie = SimpleCookie()
    for name, value in answer.headers:
        if name == "set-cookie":
            jar.load(value)
    return jar[COUNT].value if COUNT in jar else None


def test_after_three_times_it_is_told_why(
    visit: Callable[..., Answer], refused: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    counts = []
    cookies = dict(refused)
    for _ in range(3):
        answer = visit(cookies)
        assert answer.status == 307
        cookies[COUNT] = count_in(answer) or ""
        counts.append(cookies[COUNT])
    assert counts == ["1", "2", "3"]
    assert caplog.records == []

    answer = visit(cookies)
    assert answer.status == 401
    assert ("www-authenticate", "Bearer") in answer.headers
    assert ("cache-control", "no-store") in answer.headers
    assert ("content-type", "text/plain; charset=utf-8") in answer.headers
    assert b"token-invalid-authorized-parties" in answer.body
    assert count_in(answer) is None  # it ends half a minute after the last redirect
    assert "again and again" in caplog.text
    assert "authorized_parties" in caplog.text
    for secret in refused.values():
        assert secret.encode() not in answer.body
        assert secret not in caplog.text


def test_the_counter_is_nothing_for_scripts_and_short_lived(
    visit: Callable[..., Answer], refused: dict[str, str]
) -> None:
    (line,) = (value for name, value in visit(refused).headers if name == "set-cookie")
    assert line == f"{COUNT}=1; Path=/; SameSite=Lax; HttpOnly; Max-Age=30"


@pytest.mark.parametrize("development", [True, False])
def test_what_to_check_is_told_in_development_alone(
    development: bool, visit: Callable[..., Answer], issuer: Issuer
) -> None:
    host = "apparent-wolf-7.clerk.accounts.dev" if development else "clerk.example.com"
    token = issuer.token(iss=f"https://{host}", azp="https://other.example")
    cookies = {"__session": token, "__client_uat": str(NOW - 100), "__clerk_db_jwt": "dvb_1", COUNT: "3"}
    answer = visit(cookies, development=development)
    assert (answer.status, b"clock is right" in answer.body) == (401, development)


def test_who_has_no_token_may_open_as_many_pages_as_they_like(visit: Callable[..., Answer]) -> None:
    answer = visit({COUNT: "99"})
    assert (answer.status, count_in(answer)) == (307, None)


@pytest.mark.parametrize("count", ["", "x", "-7", "1e9", "9" * 4, "³", "0"])
def test_a_counter_that_is_none_counts_from_the_start(
    count: str, visit: Callable[..., Answer], refused: dict[str, str]
) -> None:
    answer = visit(refused | {COUNT: count})
    assert (answer.status, count_in(answer)) == (307, "1")


def test_a_pending_session_is_sent_to_its_tasks_as_often_as_it_comes(
    visit: Callable[..., Answer], issuer: Issuer
) -> None:
    token = issuer.token(azp="https://app.example.com", sts="pending")
    answer = visit({"__session": token, "__client_uat": str(NOW - 100), COUNT: "99"})
    assert (answer.status, count_in(answer)) == (307, None)
    assert "/tasks" in dict(answer.headers)["location"]


def test_without_a_publishable_key_there_is_no_browser_to_count_for(decide: Decide, issuer: Issuer) -> None:
    config = ClerkConfig(jwt_key=issuer.pem, sign_in_url="https://accounts.example.com/sign-in")
    answer = answer_to(decide(config, cookies={"__session": "abc", COUNT: "99"}))
    assert (answer.status, count_in(answer)) == (307, None)
