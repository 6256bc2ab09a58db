"""What applications ask the Backend API for: users, and the end of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, BackendAPIError, ClerkConfig

from .backend import CannedBackend, error

MakeConfig = Callable[..., ClerkConfig]
Ask = Callable[..., Any]

USER = "GET /v1/users/user_1"
REVOKE = "POST /v1/sessions/sess_1/revoke"


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, config: MakeConfig, backend: CannedBackend) -> Ask:
    def call(method: str, id: str) -> Any:
        if request.param == "sync":
            authenticator = Authenticator(config(), transport=backend.transport)
            return getattr(authenticator, method)(config(), id)

        async def acall() -> Any:
            async with AsyncAuthenticator(config(), transport=backend.transport) as authenticator:
                return await getattr(authenticator, method)(config(), id)

        return asyncio.run(acall())

    return call


def test_a_user_is_described(ask: Ask, backend: CannedBackend) -> None:
    backend.on(USER, {"id": "user_1", "first_name": "Ann"})
    assert ask("describe_user", "user_1")["first_name"] == "Ann"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (error(404, "resource_not_found"), 404, "was the user deleted, or do the keys belong"),
        (error(401, "authentication_invalid"), 401, "401, authentication_invalid"),
        ({"id": "user_2"}, 200, "gave no user 'user_1'"),
        (httpx.ConnectError("refused"), None, "did not answer: ConnectError refused"),
    ],
    ids=repr,
)
def test_who_is_not_described_raises(
    answer: Any, status: int | None, words: str, ask: Ask, backend: CannedBackend
) -> None:
    backend.on(USER, answer)
    with pytest.raises(BackendAPIError, match=words) as refused:
        ask("describe_user", "user_1")
    assert refused.value.status == status


@pytest.mark.parametrize("answer", [{}, error(404, "resource_not_found"), error(410, "gone")], ids=repr)
def test_a_session_is_over(answer: Any, ask: Ask, backend: CannedBackend) -> None:
    backend.on(REVOKE, answer)
    ask("revoke_session", "sess_1")
    assert backend.asked == [REVOKE]


def test_a_session_that_goes_on_raises(ask: Ask, backend: CannedBackend) -> None:
    backend.on(REVOKE, error(500, "internal"))
    with pytest.raises(BackendAPIError, match="did not revoke the session"):
        ask("revoke_session", "sess_1")


@pytest.mark.parametrize("id", ["", "..", "a/b", "sess_1?x", "sess_1\n", "é", "x" * 256])
@pytest.mark.parametrize("method", ["describe_user", "revoke_session"])
def test_what_is_no_id_gets_into_no_path(method: str, id: str, ask: Ask, backend: CannedBackend) -> None:
    with pytest.raises(BackendAPIError, match="is no id of Clerk's"):
        ask(method, id)
    assert backend.asked == []
