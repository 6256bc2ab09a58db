"""An MCP client's user: a browser that signs in at LocalClerk, consents, and is sent back to the client."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

CALLBACK = "http://127.0.0.1:3030/callback"


@dataclass
class Memory:
    """A client's storage."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class Person:
    """Somebody in front of a browser, which keeps its cookies."""

    user_id: str
    decision: str = "allow"
    #: The scopes that each consent page was for.
    asked: list[set[str]] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    _browser: httpx.AsyncClient = field(default_factory=httpx.AsyncClient, repr=False)
    _answer: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def client(self, url: str) -> OAuthClientProvider:
        """What the SDK's client gets its tokens with, at the server with this URL."""
        metadata = OAuthClientMetadata(
            client_name="Assistant", redirect_uris=[AnyUrl(CALLBACK)], token_endpoint_auth_method="none"
        )
        return OAuthClientProvider(url, metadata, self.memory, self.open, self.come_back)

    async def open(self, url: str) -> None:
        """Click through the pages, as a user would."""
        scope = parse_qs(urlsplit(url).query).get("scope", [""])[0]
        self.asked.append(set(scope.split()))
        response = await self._follow(await self._browser.get(url))
        if "/sign-in" in str(response.url):
            response = await self._submit(response, user_id=self.user_id, password="fleet-demo")
        if response.next_request is None:
            assert response.status_code == 200, response.text
            assert all(word in response.text for word in scope.split() if ":" in word)
            response = await self._submit(response, user_id=self.user_id, decision=self.decision)
        location = response.headers.get("location")
        if location is None:  # where an unknown application is refused, users go back to it by themselves
            link = re.search(r'<a class="button" href="([^"]*)"', response.text)
            assert link is not None, response.text
            location = html.unescape(link[1])
        assert location.startswith(f"{CALLBACK}?")
        self._answer = parse_qs(urlsplit(location).query)

    async def come_back(self) -> AuthorizationCodeResult:
        answer = {name: values[0] for name, values in self._answer.items()}
        return AuthorizationCodeResult(
            code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss")
        )

    async def aclose(self) -> None:
        await self._browser.aclose()

    async def _submit(self, page: httpx.Response, **fields: Any) -> httpx.Response:
        action = re.search(r'<form method="post" action="([^"]*)"', page.text)
        assert action is not None, page.text
        target = urljoin(str(page.url), html.unescape(action[1]))
        return await self._follow(await self._browser.post(target, data=fields))

    async def _follow(self, response: httpx.Response) -> httpx.Response:
        """Redirects, but for the one that leads back to the client."""
        while response.next_request is not None and response.next_request.url.port != 3030:
            response = await self._browser.send(response.next_request)
        return response
