"""What an outsider can cause has bounds: calls to Clerk, waiting, memory and log lines."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkConfig, ClerkRequest
from clerk_middleware.backend import drivers
from clerk_middleware.tokens import jwt

from .backend import error
from .conftest import PRODUCTION, Decide
from .issuer import NOW, Issuer, base64url

MakeConfig = Callable[..., ClerkConfig]

SITE = "https://app.example.com/"


def with_token(token: str) -> ClerkRequest:
    return ClerkRequest("GET", SITE, {"authorization": f"Bearer {token}"})


def test_a_clerk_that_hangs_is_not_waited_for_again_at_once(issuer: Issuer) -> None:
    """The pause after a failure begins when the fetch ended, which may have taken as long as the pause."""
    now, calls = NOW, 0

    def hang(request: httpx.Request) -> httpx.Response:
        nonlocal now, calls
        now, calls = now + 6, calls + 1
        raise httpx.ReadTimeout("slow", request=request)

    authenticator = Authenticator(
        ClerkConfig(**PRODUCTION), transport=httpx.MockTransport(hang), clock=lambda: now
    )
    first = authenticator.authenticate_request(with_token(issuer.token(exp=NOW + 600)))
    made = calls
    second = authenticator.authenticate_request(with_token(issuer.token(exp=NOW + 600)))
    assert (first.reason, second.reason) == ("jwk-remote-failed-to-load",) * 2
    assert calls == made


def test_a_failure_that_is_remembered_keeps_no_request_alive(issuer: Issuer) -> None:
    refused = httpx.MockTransport(lambda request: error(401, "clerk_key_invalid"))
    authenticator = Authenticator(ClerkConfig(**PRODUCTION), transport=refused, clock=lambda: NOW)
    requests = []
    for _ in range(5):
        request = with_token(issuer.token())
        assert authenticator.authenticate_request(request).reason == "secret-key-invalid"
        requests.append(weakref.ref(request))
    del request
    gc.collect()
    assert [alive() for alive in requests] == [None] * 5


def test_only_so_many_calls_that_anybody_can_cause_are_made_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(drivers._MAX_IN_QUEUE, "browsers", 2)  # type: ignore[arg-type]
    entered, leave = threading.Semaphore(0), threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        entered.release()
        leave.wait(10)
        return httpx.Response(200, json={"directives": []})

    authenticator = Authenticator(ClerkConfig(**PRODUCTION), transport=httpx.MockTransport(slow))

    def visit(number: int) -> None:
        authenticator.authenticate_request(
            ClerkRequest("GET", f"{SITE}?__clerk_handshake_nonce=n{number}", {})
        )

    threads = [threading.Thread(target=visit, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert entered.acquire(timeout=10)
    visit(3)  # answered at once, and not by Clerk
    assert not entered.acquire(blocking=False)
    leave.set()
    for thread in threads:
        thread.join(10)
    visit(4)
    assert entered.acquire(timeout=10)


def test_the_same_for_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(drivers._MAX_IN_QUEUE, "browsers", 2)  # type: ignore[arg-type]
    calls = 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        return httpx.Response(200, json={"directives": []})

    async def main() -> None:
        async with AsyncAuthenticator(
            ClerkConfig(**PRODUCTION), transport=httpx.MockTransport(slow)
        ) as authenticator:
            requests = [
                ClerkRequest("GET", f"{SITE}?__clerk_handshake_nonce=n{number}", {}) for number in range(9)
            ]
            await asyncio.gather(*map(authenticator.authenticate_request, requests))
            assert calls == 2
            await authenticator.authenticate_request(requests[0])
            assert calls == 3

    asyncio.run(main())


def test_a_redirect_loop_is_logged_once_a_minute(
    config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"cookie": "__client_uat=1; __clerk_redirect_count=3", "sec-fetch-dest": "document"}
    with Authenticator(config()) as authenticator, caplog.at_level(logging.WARNING):
        for _ in range(20):
            authenticator.authenticate_request(ClerkRequest("GET", SITE, headers))
    assert [record.message.count("goes in circles") for record in caplog.records] == [1]


def test_a_handshake_with_a_party_that_is_not_configured_is_a_warning(
    decide: Decide, config: MakeConfig, issuer: Issuer, backend: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Clerk has just signed the browser in: at debug level, its endless sign-in would be a riddle."""
    directive = f"__session={issuer.token(azp='https://other.example')}; Path=/"
    backend.on("GET /v1/clients/handshake_payload", {"directives": [directive]})
    with caplog.at_level(logging.WARNING):
        decide(config(authorized_parties=[SITE[:-1]]), cookies={"__clerk_handshake_nonce": "nonce_1"})
    assert "'azp' is 'https://other.example'" in caplog.text


def test_a_url_that_is_too_long_for_a_redirect_gets_none(decide: Decide, config: MakeConfig) -> None:
    cookies = {"__client_uat": "1"}
    assert decide(config(), f"{SITE}?{'a' * 8000}", cookies=cookies).status == "handshake"
    state = decide(config(), f"{SITE}?{'a' * 9000}", cookies=cookies)
    assert (state.status, state.reason) == ("signed-out", "client-uat-but-no-session-token")


def test_long_headers_of_tokens_are_not_kept() -> None:
    header = base64url(json.dumps({"alg": "RS256", "x": "x" * 2000}).encode())
    before = jwt._header.cache_info().currsize
    assert jwt.decode(f"{header}.{base64url(b'{}')}.").header["alg"] == "RS256"
    assert jwt._header.cache_info().currsize == before
