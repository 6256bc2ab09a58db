"""A browser without JavaScript: cookies, navigations, forms."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

#: What browsers send where a link was followed, and where a script asks.
NAVIGATION = {"accept": "text/html,*/*;q=0.8", "sec-fetch-dest": "document", "sec-fetch-mode": "navigate"}
SCRIPT = {"accept": "*/*", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}
#: Redirects in a row. A handshake needs three, and there are never more than three handshakes.
PATIENCE = 12
#: Nobody speaks TLS here, but a client wants a context, and each of its own takes a while to make.
TLS = ssl.create_default_context()


class _ToLoopback(httpx.HTTPTransport):
    """Finds every name under ``localhost`` on this machine, as browsers do (RFC 6761, 6.3)."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host != "localhost" and not host.endswith(".localhost"):
            return super().handle_request(request)
        own = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,  # the Host header among them
            stream=request.stream,
            extensions=request.extensions,
        )
        return super().handle_request(own)


@dataclass
class Page:
    """What a navigation ended with."""

    response: httpx.Response
    #: The URLs on the way, without their queries; the last is that of the page.
    steps: list[str] = field(default_factory=list)

    @property
    def handshakes(self) -> int:
        """How often the browser was sent to Clerk on the way."""
        return sum(step.endswith("/v1/client/handshake") for step in self.steps)

    @property
    def who(self) -> dict[str, Any]:
        """What a page that describes an Auth object says."""
        assert self.response.status_code == 200, (self.response.status_code, self.response.text[:500])
        described: dict[str, Any] = self.response.json()
        return described


class Visitor:
    """Keeps cookies, which know no ports, and follows redirects as far as is reasonable."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def open(self, url: str) -> Page:
        """Follow a link."""
        return self._followed(self._http.get(url, headers=NAVIGATION))

    def get(self, url: str) -> httpx.Response:
        """Follow a link no further than to the first answer."""
        return self._http.get(url, headers=NAVIGATION)

    def submit(self, url: str, **form: str) -> Page:
        """Send a form of the page at *url*, to that page."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        headers = {**NAVIGATION, "origin": origin, "sec-fetch-site": "same-origin"}
        return self._followed(self._http.post(url, data=form, headers=headers))

    def fetch(self, url: str) -> httpx.Response:
        """Have a script of the same origin ask."""
        return self._http.get(url, headers=SCRIPT)

    def sign_in(self, clerk_url: str, user_id: str, *, back_to: str, password: str = "fleet-demo") -> Page:
        """Sign in on LocalClerk's page, with the second factor where it asks for that."""
        query = urlencode({"redirect_url": back_to})
        page = self.open(f"{clerk_url}/sign-in?{query}")
        assert page.response.status_code == 200, page.response.text
        page = self.submit(f"{clerk_url}/sign-in?{query}", user_id=user_id, password=password)
        if page.response.url.path.endswith("/factor-two"):
            page = self.submit(str(page.response.url), code="424242")
        return page

    def cookie(self, name: str) -> str | None:
        """The value of a cookie; an expired one is none."""
        return next((cookie.value for cookie in self._http.cookies.jar if cookie.name == name), None)

    def set_cookie(self, name: str, value: str, *, host: str = "localhost") -> None:
        """Have a cookie for the whole of a host."""
        # The jar, as the standard says, takes a name without a dot for one of a local domain.
        self._http.cookies.set(name, value, domain=f"{host}.local" if "." not in host else host)

    def _followed(self, response: httpx.Response) -> Page:
        steps = [_without_query(response)]
        while response.is_redirect:
            assert len(steps) < PATIENCE, f"a redirect loop: {json.dumps(steps, indent=1)}"
            target = urljoin(str(response.url), response.headers["location"])
            response = self._http.get(target, headers=NAVIGATION)
            steps.append(_without_query(response))
        return Page(response, steps)


@contextmanager
def new_visitor() -> Iterator[Visitor]:
    """One without any cookie."""
    with httpx.Client(transport=_ToLoopback(verify=TLS), trust_env=False, timeout=20) as http:
        yield Visitor(http)


def _without_query(response: httpx.Response) -> str:
    return str(response.url.copy_with(query=None))
