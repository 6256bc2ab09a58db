"""A LocalClerk, and three applications beside each other that sign in with it: two of ours, and Express."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import httpx

from clerk_middleware import ClerkConfig, PublishableKey
from clerk_middleware.local import LocalClerk

from .applications import fastapi_application, wsgi_application
from .serving import listening, served_by_node, served_by_uvicorn, served_by_wsgiref
from .visitor import TLS

Name = Literal["fastapi", "wsgi", "express"]
#: What LocalClerk signs webhooks with that are for Express.
WEBHOOK_SECRET = f"whsec_{b64encode(b'for the tests of foreign clients').decode()}"
OURS: tuple[Name, ...] = ("fastapi", "wsgi")
NAMES: tuple[Name, ...] = (*OURS, "express")


@dataclass(frozen=True, eq=False)
class Stage:
    """What a test finds."""

    clerk: LocalClerk
    #: Where browsers find LocalClerk.
    clerk_url: str
    #: Where the three are.
    origins: Mapping[Name, str]
    #: The same by number, for clients that know no names under ``localhost``.
    addresses: Mapping[Name, str]

    def token(self, user_id: str, **options: Any) -> str:
        """A session token of that user; the options are those of `LocalClerk.issue_session_token`."""
        return self.clerk.issue_session_token(user_id, **{"azp": self.origins["express"], **options})

    def who(self, headers: Mapping[str, str], path: str = "/who") -> dict[Name, Any]:
        """What each says of a client that is no browser."""
        return {name: response.json() for name, response in self.ask(headers, path).items()}

    def ask(self, headers: Mapping[str, str], path: str) -> dict[Name, httpx.Response]:
        """What each answers to a client that is no browser."""
        with httpx.Client(trust_env=False, verify=TLS, timeout=20) as client:
            return {name: client.get(url + path, headers=headers) for name, url in self.addresses.items()}

    def in_node(self, resource: str, method: str, *arguments: Any) -> Any:
        """What ``clerkClient.RESOURCE.METHOD(...)`` of `@clerk/backend` returns.

        Raises `NodeError` for what it throws.
        """
        url = f"{self.addresses['express']}/clerk-client/{resource}/{method}"
        answer = (
            httpx.post(url, json=arguments, trust_env=False, verify=TLS, timeout=20).raise_for_status().json()
        )
        if "errors" in answer:
            raise NodeError(answer["status"], answer["errors"])
        return answer["result"]

    @property
    def cookie_suffix(self) -> str:
        return PublishableKey.parse(self.clerk.publishable_key).cookie_suffix


class NodeError(Exception):
    """What Clerk's client for Node threw."""

    def __init__(self, status: int | None, errors: list[dict[str, Any]]) -> None:
        super().__init__(status, json.dumps(errors))
        self.status = status
        self.codes = [error["code"] for error in errors]


@contextmanager
def staged(
    clerk: LocalClerk,
    script: Path,
    log: Path,
    *,
    hosts: Mapping[Name, str] = MappingProxyType({}),
    variables: Callable[[Name, Mapping[Name, str]], Mapping[str, str]] = lambda name, origins: {},
) -> Iterator[Stage]:
    """Serve LocalClerk and the applications until the block ends.

    :param script: the Express application.
    :param log: where Express writes to.
    :param hosts: of those that are not on ``localhost``.
    :param variables: more of an application's environment, by its name and the origins of all.
    """
    with ExitStack() as stack:
        server = stack.enter_context(clerk.serve())
        # In development LocalClerk is on another host than the applications, as Clerk is. In production it
        # is on a subdomain of theirs, whose cookies they share.
        clerk_url = server.url
        if clerk.instance_type == "production":
            clerk_url = f"http://localhost:{server.port}"
        sockets = {name: stack.enter_context(closing(listening())) for name in NAMES}
        origins: dict[Name, str] = {
            name: f"http://{hosts.get(name, 'localhost')}:{sockets[name].getsockname()[1]}" for name in NAMES
        }
        common = {
            **clerk.environment(server.url, machine="mch_fleet_api"),
            "CLERK_FAPI_URL": server.url,
            "CLERK_PROXY_URL": clerk_url,
            "CLERK_SIGN_IN_URL": f"{clerk_url}/sign-in",
            "CLERK_AUTHORIZED_PARTIES": ",".join(origins.values()),
            "CLERK_ORGANIZATION_PATTERNS": "/orgs/:slug",
            "CLERK_WEBHOOK_SIGNING_SECRET": WEBHOOK_SECRET,
            "CLERK_TELEMETRY_DISABLED": "1",
        }
        environments = {name: {**common, **variables(name, origins)} for name in NAMES}
        configs = {
            name: ClerkConfig.from_env(environments[name], accepts_token="any", opaque_token_ttl_in_ms=0)
            for name in OURS
        }
        fastapi = fastapi_application(configs["fastapi"])
        stack.enter_context(served_by_uvicorn(fastapi, sockets["fastapi"]))
        wsgi = stack.enter_context(closing(wsgi_application(configs["wsgi"])))
        stack.enter_context(served_by_wsgiref(wsgi, sockets["wsgi"]))
        stack.enter_context(
            served_by_node(script, sockets["express"], environment=environments["express"], log=log)
        )
        addresses: dict[Name, str] = {
            name: f"http://127.0.0.1:{sockets[name].getsockname()[1]}" for name in NAMES
        }
        yield Stage(clerk, clerk_url, origins, addresses)
