"""One request to the proxy as data: what came, what is sent on, and what goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from ..config_source import config_for
from ..errors import ConfigurationError
from ..urls import host_of, parse_url
from .client_address import client_address
from .headers import body_length, forwarded_headers, returned_headers
from .redirects import through_proxy
from .refusals import METHODS, Refused, failed, malformed
from .target import frontend_api_origin, proxied_origins, target_of

if TYPE_CHECKING:
    from ..config import ClerkConfig
    from ..config_source import ConfigSource
    from ..request import ClerkRequest
    from .headers import Pair
    from .options import FrontendAPIProxy


class Incoming:
    """A request to the proxy, as its server tells it. Its headers hold tokens, so no repr shows them.

    :param raw_path: percent-encoded, as it was sent.
    :param peer: the other end of the connection.
    :param may_omit_length: whether a body may come without a word on its length, as in HTTP/2.
    """

    # Error trackers look into tuples and dataclasses, and never ask these for their repr.
    __slots__ = ("headers", "may_omit_length", "method", "peer", "query", "raw_path")

    def __init__(
        self,
        method: str,
        raw_path: bytes,
        query: bytes,
        headers: list[Pair],
        peer: str | None,
        may_omit_length: bool = False,
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.may_omit_length = may_omit_length

    def __repr__(self) -> str:
        return f"<Incoming {self.method} {self.raw_path!r}>"

    def header(self, name: bytes) -> list[str]:
        """The values of a header."""
        return [value.decode("latin-1") for key, value in self.headers if key.lower() == name]


class Outgoing:
    """The same request, for the Frontend API. Its headers hold tokens, so no repr shows them.

    :param origin: the origin, without a slash at its end.
    :param target: path and query.
    :param length: of the body, in bytes; `None` where only its end tells.
    :param client: the address of the client, if it is known.
    :param redirect_base: where redirects to the Frontend API lead in place of it.
    """

    __slots__ = (
        "_config",
        "_headers",
        "client",
        "length",
        "method",
        "origin",
        "proxy",
        "redirect_base",
        "target",
    )

    def __init__(
        self,
        method: str,
        origin: str,
        target: bytes,
        headers: list[Pair],
        *,
        length: int | None,
        client: str | None,
        redirect_base: str,
        config: ClerkConfig,
        proxy: FrontendAPIProxy,
    ) -> None:
        self.method = method
        self.origin = origin
        self.target = target
        self.length = length
        self.client = client
        self.redirect_base = redirect_base
        self.proxy = proxy
        self._headers = headers
        self._config = config

    def __repr__(self) -> str:
        path = self.target.partition(b"?")[0].decode("ascii")
        return f"<Outgoing {self.method} {self.origin}{path}>"

    def take_headers(self) -> list[Pair]:
        """The headers, and the secret key with them. They are not kept, and the key never was."""
        headers, self._headers = [*self._headers, (b"clerk-secret-key", self._secret_key)], []
        return headers

    @property
    def timeout(self) -> dict[str, float]:
        """In seconds, as httpx's transports take it."""
        read, connect = self.proxy.read_timeout_in_ms / 1000, self.proxy.connect_timeout_in_ms / 1000
        return {"connect": connect, "pool": connect, "read": read, "write": read}

    def answer_headers(self, status: int, headers: list[Pair]) -> list[Pair]:
        """What of the Frontend API's *headers* goes back to the client.

        :raises Refused: if the answer must not go back.
        """
        if not 200 <= status < 600:  # another protocol, which nobody asked for, or none
            raise failed(f"status {status}")
        if any(self._secret_key in text for _, value in headers for text in (value, unquote_to_bytes(value))):
            raise failed("an answer that repeats the secret key")
        return [
            (name, self._redirected(value) if name == b"location" else value)
            for name, value in returned_headers(headers, has_body=status not in (204, 304))
        ]

    @property
    def _secret_key(self) -> bytes:
        return (self._config.secret_key or "").encode("ascii")

    def _redirected(self, location: bytes) -> bytes:
        url = self.origin + self.target.decode("ascii")
        return through_proxy(location, url, proxied_origins(self._config), self.redirect_base)


_NOT_ON: Final = "The Frontend API proxy is not set up in this application."


def outgoing(source: ConfigSource, request: ClerkRequest, incoming: Incoming) -> Outgoing:
    """What to ask the Frontend API for.

    :param source: where the configuration is from.
    :param request: the same request, as the framework sees its URL.
    :raises Refused: if it is not to be passed on.
    """
    try:
        config = config_for(source, request)
    except ConfigurationError as error:
        raise Refused(500, "proxy_configuration_error", _NOT_ON, str(error)) from None
    if config.trust_forwarded_headers:
        request = request.seen_through_proxy()
    proxy, key = config.proxy, config.parsed_publishable_key
    if proxy is None or key is None or config.secret_key is None:
        raise Refused(500, "proxy_configuration_error", _NOT_ON)
    if incoming.method not in METHODS:
        raise Refused(405, "proxy_request_refused", "The Frontend API has no such method.")
    origin = frontend_api_origin(config)
    target = target_of(incoming.raw_path, incoming.query, proxy)
    length = body_length(incoming.headers, incoming.may_omit_length)
    _check_host(incoming)
    headers = [(b"host", origin.partition("://")[2].encode("ascii"))]
    headers += forwarded_headers(incoming.headers)
    address = _client_address(config, proxy, incoming)
    if address is not None:
        headers.append((b"x-forwarded-for", address.encode("ascii")))
    # A path alone where that is what is configured: a cache may keep a redirect, and the request's host is
    # what its sender says. Clerk compares the URL with the one that the instance is set to.
    base = (config.proxy_url or proxy.path).rstrip("/")
    proxy_url = request.url.origin + base if base.startswith("/") else base
    headers += [
        (b"x-forwarded-host", request.url.host.encode("ascii")),
        (b"x-forwarded-proto", request.url.scheme.encode("ascii")),
        (b"clerk-proxy-url", proxy_url.encode("ascii")),
    ]
    return Outgoing(
        incoming.method,
        origin,
        target,
        headers,
        length=length,
        client=address,
        redirect_base=base,
        config=config,
        proxy=proxy,
    )


def _check_host(incoming: Incoming) -> None:
    """
    :raises Refused: if the request's ``Host`` could be read in more than one way (RFC 9112, 3.2).
    """
    hosts = incoming.header(b"host")
    if len(hosts) > 1 or any(not host_of(host) or parse_url(f"http://{host}/") is None for host in hosts):
        raise malformed("The request has no valid Host, or several.")


def _client_address(config: ClerkConfig, proxy: FrontendAPIProxy, incoming: Incoming) -> str | None:
    count = proxy.trusted_proxies
    if count is None:
        count = int(config.trust_forwarded_headers)
    return client_address(incoming.peer, incoming.header(b"x-forwarded-for"), count)
