"""The origins at which a browser finds an application that is being developed."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["origins"]

#: Of the ports that uvicorn and Django, and Flask, have by default.
_USUAL = ("http://localhost:8000", "http://localhost:5000")
_NAMES = ("localhost", "127.0.0.1")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def origins(application: str | None = None) -> list[str]:
    """For ``CLERK_AUTHORIZED_PARTIES``: first that of a URL of the application's, then the usual ones."""
    known = [*([] if application is None else _both_names(_origin(application)))]
    for origin in _USUAL:
        known += _both_names(origin)
    return list(dict.fromkeys(known))


def _origin(url: str) -> str:
    """As browsers write it: in small letters, without the port of the scheme."""
    parts = urlsplit(url.lower())
    return f"{parts.scheme}://{parts.netloc.removesuffix(_DEFAULT_PORTS[parts.scheme])}"


def _both_names(origin: str) -> list[str]:
    """The same origin under the names of this machine that a browser may be given."""
    host = urlsplit(origin).hostname or ""
    return [origin.replace(host, name) for name in _NAMES] if host in _NAMES else [origin]
