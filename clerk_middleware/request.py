"""The request as the engine sees it: method, URL, headers and cookies.

Everything is read when it is asked for: most requests need two headers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_to_bytes

from .lazy import lazy
from .urls import URL, host_of, parse_url

if TYPE_CHECKING:
    from typing import Self

    from .config import ClerkConfig

HeaderPairs = Iterable[tuple[str | bytes, str | bytes]]

#: What a path holds as it is (RFC 3986, 3.3), where it has to be encoded again.
PATH_SAFE: Final = "/:@!$&'()*+,;=-._~"

_UNKNOWN = URL("http", "localhost", "/")


class ClerkRequest:
    """A request to authenticate.

    :param method: such as ``GET``.
    :param url: the absolute URL, as the client sees it.
    :param headers: a mapping, or pairs; names in any case, values as text or bytes.
    """

    _headers: dict[bytes, bytes] | _EnvironHeaders
    _find_url: Callable[[ClerkRequest], URL]
    #: Where the configuration that serves it is from, and what that is, as soon as it was asked for.
    config_found: tuple[object, ClerkConfig] | None = None

    def __init__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | HeaderPairs = (),
    ) -> None:
        self.method = method
        pairs: Any = headers.items() if isinstance(headers, Mapping) else headers
        self._headers = _joined((_name(name), _bytes(value)) for name, value in pairs)
        self._url: URL | None = parse_url(url) or _UNKNOWN
        self._query: bytes | None = None

    @classmethod
    def from_asgi(cls, scope: Mapping[str, Any]) -> Self:
        """From an ASGI ``http`` or ``websocket`` scope."""
        self = cls.__new__(cls)
        self.method = scope.get("method", "GET")
        pairs = scope["headers"]
        self._headers = dict(pairs)
        if len(self._headers) != len(pairs):
            self._headers = _joined(pairs)
        self._url = None
        self._query = scope.get("query_string", b"")
        self._find_url = partial(_url_of_scope, scope)
        return self

    @classmethod
    def from_wsgi(cls, environ: Mapping[str, Any], *, url: Callable[[], str] | None = None) -> Self:
        """From a WSGI environment (PEP 3333).

        :param url: tells the URL, where the framework knows better than *environ*; called if it is needed.
        """
        self = cls.__new__(cls)
        self.method = environ.get("REQUEST_METHOD", "GET")
        self._headers = _EnvironHeaders(environ)
        self._url = None
        self._query = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
        if url is not None:
            self._find_url = lambda _: parse_url(url()) or _UNKNOWN
        else:
            self._find_url = partial(_url_of_environ, environ)
        return self

    def __repr__(self) -> str:
        url = self.url  # its query may hold a handshake or a dev browser token
        return f"<ClerkRequest {self.method} {url.origin}{url.path}>"

    @property
    def url(self) -> URL:
        """The URL, as the server or the framework knows it; no forwarded header plays a part."""
        if self._url is None:
            self._url = self._find_url(self)  # kept in it, it would be a reference cycle
        return self._url

    def header(self, name: str) -> str | None:
        """A header's value; several of one name are joined as RFC 9110, 5.3 says."""
        value = self._headers.get(_name(name))
        return value.decode("latin-1") if value is not None else None

    def query_param(self, name: str) -> str | None:
        """The first value of a query parameter."""
        query = self._query
        if query is not None and b"__clerk" not in query and b"%" not in query:  # no need to parse the URL
            return None
        return self.url.param(name)

    @property
    def authorization(self) -> str | None:
        """The ``Authorization`` header."""
        value = self._headers.get(b"authorization")
        return value.decode("latin-1") if value is not None else None

    @lazy
    def cookies(self) -> dict[str, str]:
        """Cookies by name, decoded. The first of two equal names counts."""
        return _parse_cookies((self._headers.get(b"cookie") or b"").decode("latin-1"))

    @property
    def is_navigation(self) -> bool:
        """Whether a browser asks for a document, which a redirect can answer."""
        if self.method != "GET":
            return False
        destination = self.header("sec-fetch-dest")
        if destination:
            return destination == "document"
        return (self.header("accept") or "").startswith("text/html")

    def seen_through_proxy(self) -> ClerkRequest:
        """The request with the URL that ``X-Forwarded-Host`` and ``-Proto`` tell.

        Only for an application whose own proxy sets both: anybody can send them.
        """
        own = self.url
        forwarded = self.header("x-forwarded-host")
        host = _first(forwarded if forwarded is not None else self.header("host"))
        scheme = _first(self.header("x-forwarded-proto")) or own.scheme
        if not host or scheme not in ("http", "https") or f"{scheme}://{host}" == own.origin:
            return self
        tail = f"{own.path}?{own.query}" if own.query else own.path
        url = parse_url(f"{scheme}://{host}{tail}") if host_of(host) else None
        if url is None:
            return self
        other = ClerkRequest.__new__(ClerkRequest)
        other.method, other._headers = self.method, self._headers
        other._url, other._query = url, self._query
        return other


class _EnvironHeaders:
    """The headers of a WSGI environment, looked up when they are asked for."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def get(self, name: bytes) -> bytes | None:
        value = self._environ.get(f"HTTP_{name.decode('latin-1').replace('-', '_').upper()}")
        return _bytes(value) if value is not None else None


def _url_of_environ(environ: Mapping[str, Any], request: ClerkRequest) -> URL:
    # The path arrives decoded, its bytes read as Latin-1.
    root, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    if root and path and not path.startswith("/"):
        root += "/"
    raw_path = (root + path).encode("latin-1", "replace")
    scope = {
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "server": (environ.get("SERVER_NAME", "localhost"), environ.get("SERVER_PORT")),
        "raw_path": quote(raw_path or b"/", safe=PATH_SAFE).encode("ascii"),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
    }
    return _url_of_scope(scope, request)


def _url_of_scope(scope: Mapping[str, Any], request: ClerkRequest) -> URL:
    host_header = request.header("host")
    scheme = {"ws": "http", "wss": "https"}.get(scheme := scope.get("scheme", "http"), scheme)
    host = host_header if host_header and host_of(host_header) else None
    if host is None:
        name, port = scope.get("server") or ("localhost", None)
        host = f"{name}:{port}" if port and host_of(str(name)) else "localhost"
    raw_path = scope.get("raw_path")
    path = raw_path.decode("latin-1") if raw_path else quote(scope.get("path", "/"))
    query = scope.get("query_string", b"").decode("latin-1")
    if not path.startswith("/"):
        path = f"/{path}"
    return parse_url(f"{scheme}://{host}{path}?{query}") or _UNKNOWN


def _first(value: str | None) -> str | None:
    return value.partition(",")[0].strip() or None if value else None


def _name(name: str | bytes) -> bytes:
    return (name.encode("latin-1", "replace") if isinstance(name, str) else name).lower()


def _bytes(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name in headers:
            value = headers[name] + (b"; " if name == b"cookie" else b", ") + value
        headers[name] = value
    return headers


def _parse_cookies(header: str) -> dict[str, str]:
    """Split on ``;`` before anything is decoded, so that no broken cookie hides another."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        if equals and (name := name.strip(" \t")) not in cookies:
            value = value.strip(" \t")
            cookies[name] = _percent_decoded(value) if "%" in value else value
    return cookies


def _percent_decoded(value: str) -> str:
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        return value
