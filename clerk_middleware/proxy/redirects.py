"""Where the Frontend API's redirects lead, seen from a browser that knows it as the proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Collection


def through_proxy(location: bytes, asked: str, own: Collection[str], proxy_url: str) -> bytes:
    """*location*, with the Frontend API at the proxy; as it is where it leads elsewhere.

    :param asked: the URL that answered with it, which it may be relative to.
    :param own: the origins that are proxied.
    :param proxy_url: the proxy's URL, or its path alone.
    """
    url = parse_url(location.decode("latin-1"), parse_url(asked))
    if url is None or url.origin not in own:
        return location
    return (proxy_url + str(url).removeprefix(url.origin)).encode("ascii")
