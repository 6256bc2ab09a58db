"""Machines' opaque tokens, the Backend API's word on them, and a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkConfig, ClerkRequest, RequestState

from .conftest import PRODUCTION
from .issuer import NOW

SITE = "https://app.example.com/"

#: A token of each type, where Clerk is asked about it, and the member of the body that holds it.
OPAQUE = {
    "api_key": ("ak_1secret", "POST /v1/api_keys/verify", "secret"),
    "m2m_token": ("mt_1secret", "POST /v1/m2m_tokens/verify", "token"),
    "oauth_token": ("oat_1secret", "POST /v1/oauth_applications/access_tokens/verify", "access_token"),
}
TYPES = list(OPAQUE)

_OWN: dict[str, dict[str, Any]] = {
    "api_key": {"object": "api_key", "id": "ak_1", "type": "api_key", "name": "my key", "subject": "user_2b"},
    "m2m_token": {"object": "machine_to_machine_token", "id": "mt_1", "subject": "mch_5"},
    "oauth_token": {
        "object": "clerk_idp_oauth_access_token",
        "id": "oat_1",
        "client_id": "client_3",
        "type": "oauth:access_token",
        "name": "GitHub OAuth",
        "subject": "user_2b",
    },
}


def verified(token_type: str, **changed: Any) -> dict[str, Any]:
    """What the Backend API says of a token that is good; a member of `...` is left out."""
    answer = {
        **_OWN[token_type],
        "scopes": ["mch_9"] if token_type == "m2m_token" else ["read:loads", "write:loads"],
        "claims": None,
        "revoked": False,
        "revocation_reason": None,
        "expired": False,
        "expiration": None,
        "created_at": 1750000000000,
        "updated_at": 1750000000000,
    } | changed
    return {name: value for name, value in answer.items() if value is not ...}


def carrying(token: str, url: str = SITE) -> ClerkRequest:
    return ClerkRequest("GET", url, {"authorization": f"Bearer {token}"})


def accepting(accepts: Any = "any", **options: Any) -> ClerkConfig:
    """An application that machines call; its configuration warns of nothing."""
    own: dict[str, Any] = {"authorized_parties": [SITE[:-1]], "accepts_token": accepts}
    return ClerkConfig(**(PRODUCTION | own | options))


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


#: Authenticates one request with an authenticator that lasts for a test.
Ask = Callable[..., RequestState]


def asking(kind: str, config: Any, answer: Any, clock: Callable[[], float], **options: Any) -> Ask:
    """With an `Authenticator` or, in an event loop of its own for each request, an `AsyncAuthenticator`."""
    transport = httpx.MockTransport(answer)
    if kind == "sync":
        authenticator = Authenticator(config, transport=transport, clock=clock, **options)

        def ask(token: str, **request: Any) -> RequestState:
            return authenticator.authenticate_request(carrying(token), **request)

        return ask
    asynchronous = AsyncAuthenticator(config, transport=transport, clock=clock, **options)

    async def ask_once(token: str, request: dict[str, Any]) -> RequestState:
        try:
            return await asynchronous.authenticate_request(carrying(token), **request)
        finally:
            await asynchronous.aclose()

    return lambda token, **request: asyncio.run(ask_once(token, request))
