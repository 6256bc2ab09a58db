"""Where LocalClerk may send a browser back to, and under which host names it answers.

A development tool needs loopback and what its seed lists, and nothing else: so it is no open
redirect, and a page that rebinds its DNS name to 127.0.0.1 gets no answer.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit

from starlette.requests import Request

__all__ = ["OriginPolicy", "RedirectRefused", "host_of", "is_loopback", "origin_of", "own_url", "with_query"]

#: For the ``form-action`` of a page: a browser holds a form also to where its answer redirects.
LOOPBACK_SOURCES = tuple(
    f"{scheme}://{host}:*"
    for scheme in ("http", "https")
    for host in ("localhost", "*.localhost", "127.0.0.1")
)

_NOBODYS = re.compile(r"^\.[^.]+$|\.(test|example|invalid|example\.(com|net|org))$")


class RedirectRefused(ValueError):
    """A URL that a browser is not sent to; the message says why and what would be."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without port) is this machine, whatever DNS says."""
    host = host.lower().removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_nobodys(host: str) -> bool:
    """Whether no public DNS name is this one: a name without a dot, or one for examples (RFC 2606, 6761)."""
    return _NOBODYS.search(f".{host.lower().removesuffix('.')}") is not None


def host_of(header: str) -> str:
    """The host in a ``Host`` header, without its port."""
    return (header.rpartition("]")[0] + "]" if header.startswith("[") else header.partition(":")[0]).lower()


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL that was accepted, or of one that an application sends."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def own_url(request: Request) -> str:
    """The URL by which `request` reaches LocalClerk, without a slash at the end: the OAuth issuer."""
    # Not request.base_url, which leaves out where another application mounts this one.
    return f"{request.scope['scheme']}://{request.headers['host']}{request.scope.get('root_path', '')}"


@dataclass(slots=True)
class OriginPolicy:
    """What the seed allows besides loopback."""

    allowed_origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    #: Set once someone listens on more than loopback on purpose: then any name may be this machine's.
    any_host: bool = False

    def serves(self, host_header: str) -> bool:
        """Whether a request with this ``Host`` header is answered."""
        host = host_of(host_header)
        return self.any_host or is_loopback(host) or host in self.hosts

    def serves_proxy(self, url: str) -> bool:
        """Whether a request that a proxy took at `url` is answered; the host is what the browser said."""
        host = urlsplit(url).netloc
        return self.serves(host) or is_nobodys(host_of(host)) or origin_of(url) in self.allowed_origins

    def allows(self, origin: str) -> bool:
        """Whether an origin is loopback's or the seed lists it."""
        try:
            self.redirect_url(origin)
        except RedirectRefused:
            return False
        return True

    def redirect_url(self, url: str, *, own: str = "") -> str:
        """`url`, ready for a ``Location`` header; `own` is LocalClerk's. Raises `RedirectRefused`."""
        # urlsplit() drops control characters and browsers read a backslash as a slash, so that what
        # is checked here would not be where the browser goes.
        if any(character <= " " or character in "\\\x7f" for character in url):
            raise RedirectRefused("it holds a control character, a space or a backslash")
        parts = _split(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RedirectRefused("it must be a full http or https URL, such as http://localhost:8000/")
        if "@" in parts.netloc or not parts.netloc.isascii():
            raise RedirectRefused("its host must be plain: no user name, no other alphabet")
        allowed = (*self.allowed_origins, origin_of(own))
        if not is_loopback(parts.hostname) and origin_of(url) not in allowed:
            raise RedirectRefused(
                f"LocalClerk sends browsers to loopback alone, and {origin_of(url)} is not; "
                "add it to allowed_origins in [instance] of the seed"
            )
        return quote(url, safe=":/?#[]@!$&'()*+,;=%")

    def form_action(self) -> str:
        """The ``form-action`` sources that cover every URL to which a form's answer may redirect."""
        return " ".join(("'self'", *LOOPBACK_SOURCES, *self.allowed_origins))


def with_query(url: str, **parameters: str) -> str:
    """`url` with these query parameters in place of any of the same name; the rest stays as written."""
    parts = urlsplit(url)
    kept = [
        pair
        for pair in parts.query.split("&")
        if pair and unquote_plus(pair.partition("=")[0]) not in parameters
    ]
    added = [f"{name}={quote(value, safe='')}" for name, value in parameters.items()]
    return parts._replace(query="&".join(kept + added)).geturl()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read, because it is checked only then
    except ValueError as error:
        raise RedirectRefused(f"it is no URL: {error}") from error
    return parts
