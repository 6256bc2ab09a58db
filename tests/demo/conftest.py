"""The example application in this process, its requests signed in by tokens that LocalClerk issues."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk

# The example applications are not part of the wheel, which the core is to be taken from: so last.
sys.path.append(str(Path(__file__).parents[2]))

from example_apps.fastapi_fleet import create_app

APP = "http://fleet.example"


class Fleet:
    """The application, asked without a network: with the public key at hand it needs none."""

    def __init__(self, clerk: LocalClerk) -> None:
        self.clerk = clerk
        config = ClerkConfig(
            publishable_key=self.clerk.publishable_key,
            secret_key=self.clerk.secret_key,
            jwt_key=self.clerk.jwt_key,
            authorized_parties=[APP],
        )
        self.app = create_app(config)

    def token(self, user_id: str, organization: str | None, **options: Any) -> str:
        return self.clerk.issue_session_token(user_id, organization=organization, azp=APP, **options)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=APP) as client:
                return await client.request(method, path, headers=headers, **body)

        return asyncio.run(request())


@pytest.fixture(scope="session")
def clerk() -> LocalClerk:
    return LocalClerk()


@pytest.fixture
def fleet(clerk: LocalClerk) -> Fleet:
    return Fleet(clerk)
