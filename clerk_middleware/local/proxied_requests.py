"""Requests that come by an application's Frontend API proxy.

https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi

To everything behind it such a request looks as if LocalClerk were mounted in the application, at the
proxy URL: so cookies, redirects and URLs of its own are those of the application's origin.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections import deque
from dataclasses import dataclass
from threading import Lock
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import error_response
from .requested_paths import requested_path

__all__ = ["ProxiedRequest", "ProxiedRequests", "ProxiedRequestsMiddleware", "is_proxied"]

#: Requests that are kept, and characters of a header.
_MAXIMUM_REQUESTS = 1000
_MAXIMUM_TEXT = 500

_SCOPE_KEY = "clerk_middleware.local.proxied"
_SECRET_KEY, _PROXY_URL, _FORWARDED_FOR = "clerk-secret-key", "clerk-proxy-url", "x-forwarded-for"
_HOST = re.compile(r"([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxiedRequest:
    """A request that came by a proxy which knows the secret key."""

    method: str
    #: As LocalClerk saw it: without the proxy's path, and without the query, which may hold tokens.
    path: str
    #: The ``Clerk-Proxy-Url``, without a slash at the end.
    proxy_url: str
    #: The whole ``X-Forwarded-For``, empty where there was none.
    forwarded_for: str

    @property
    def client_address(self) -> str:
        """The address of the browser: the first in ``X-Forwarded-For``."""
        return self.forwarded_for.partition(",")[0].strip()


class ProxiedRequests:
    """The last requests that came by a proxy."""

    def __init__(self) -> None:
        self._requests: deque[ProxiedRequest] = deque(maxlen=_MAXIMUM_REQUESTS)
        self._lock = Lock()

    def add(self, request: ProxiedRequest) -> None:
        """One request more."""
        with self._lock:
            self._requests.append(request)

    def all(self) -> tuple[ProxiedRequest, ...]:
        """Those that are kept, the newest last."""
        with self._lock:
            return tuple(self._requests)


def is_proxied(scope: Scope) -> bool:
    """Whether a request came by a proxy that knows the secret key."""
    return _SCOPE_KEY in scope


class ProxiedRequestsMiddleware:
    """ASGI middleware that checks what a proxy adds, and mounts LocalClerk at the proxy URL.

    401 for a secret key that is not this instance's, 400 for a proxy URL that is none, and for either
    of them twice: then a client's own got past the proxy.
    """

    def __init__(self, app: ASGIApp, secret_key: str, requests: ProxiedRequests) -> None:
        self._app = app
        self._secret_key = secret_key.encode()
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app = self._app
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if _PROXY_URL in headers:
                refusal = self._refusal(headers)
                if refusal is None:
                    scope = self._mounted(scope, headers)
                    send = _with_whole_location(send, urlsplit(headers[_PROXY_URL]))
                else:
                    app = refusal
        await app(scope, receive, send)

    def _refusal(self, headers: Headers) -> ASGIApp | None:
        for name in (_PROXY_URL, _SECRET_KEY):
            if len(headers.getlist(name)) > 1:
                message = f"There is more than one {name.title()} header: the proxy lets its clients' pass."
                return error_response(400, "proxy_header_repeated", message)
        given = headers.get(_SECRET_KEY, "").encode(errors="replace")
        if not hmac.compare_digest(given, self._secret_key):
            message = (
                "The proxy's secret key (Clerk-Secret-Key) is not this instance's: set the application's "
                "CLERK_SECRET_KEY to the one that LocalClerk has now, which it makes anew at each start "
                "unless the seed has one."
            )
            return error_response(401, "secret_key_invalid", message)
        if not _is_proxy_url(headers[_PROXY_URL]):
            message = (
                "The Clerk-Proxy-Url header must be the full URL of the proxy, such as "
                "https://example.com/__clerk."
            )
            return error_response(400, "proxy_url_invalid", message)
        return None

    def _mounted(self, scope: Scope, headers: Headers) -> Scope:
        url = urlsplit(headers[_PROXY_URL])
        root = url.path.rstrip("/")
        path = requested_path(scope, maximum=None)
        request = ProxiedRequest(
            method=scope["method"],
            path=path[:_MAXIMUM_TEXT],
            proxy_url=f"{url.scheme}://{url.netloc}{root}",
            forwarded_for=", ".join(headers.getlist(_FORWARDED_FOR))[:_MAXIMUM_TEXT],
        )
        self._requests.add(request)
        kept = [
            (name, value) for name, value in scope["headers"] if name not in (b"host", _SECRET_KEY.encode())
        ]
        return {
            **scope,
            _SCOPE_KEY: request,
            "scheme": url.scheme,
            "headers": [(b"host", url.netloc.encode()), *kept],
            "client": _address(request.client_address),
            "root_path": root,
            "path": root + path,
            "raw_path": None,  # which nothing here reads, and is not the path of this URL
        }


def _with_whole_location(send: Send, url: SplitResult) -> Send:
    """Redirects as whole URLs: the proxy would put its path before a path that has it already."""

    async def send_whole(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("location", "").startswith("/"):
                headers["location"] = f"{url.scheme}://{url.netloc}{headers['location']}"
        await send(message)

    return send_whole


def _is_proxy_url(text: str) -> bool:
    # Read by a pattern, not by urlsplit() alone, which drops control characters.
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return (
        scheme in ("http", "https")
        and _HOST.fullmatch(host) is not None
        and _PATH.fullmatch((slash + path).rstrip("/")) is not None
        and _has_port(text)
    )


def _has_port(url: str) -> bool:
    """Whether the port, if there is any, is a number that a port can be."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


def _address(text: str) -> tuple[str, int] | None:
    """The browser's end of the connection; `None` where the proxy doesn't say it."""
    try:
        return str(ipaddress.ip_address(text)), 0
    except ValueError:
        return None
