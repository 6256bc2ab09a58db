"""Clerk's own client for Python, asking a LocalClerk over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import pytest
from clerk_backend_api import Clerk

from clerk_middleware.local import LocalClerk, LocalServer

#: Older ones call some of it otherwise.
collect_ignore_glob = ["test_*.py"] if int(version("clerk-backend-api").split(".")[0]) < 7 else []


@pytest.fixture
def sdk(clerk: LocalClerk, server: LocalServer) -> Iterator[Clerk]:
    with Clerk(bearer_auth=clerk.secret_key, server_url=f"{server.url}/v1") as sdk:
        yield sdk
