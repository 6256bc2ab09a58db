"""The address of the client, by its connection or by the word of proxies that are trusted."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def client_address(peer: str | None, forwarded_for: Iterable[str], trusted_proxies: int) -> str | None:
    """The address that goes into ``X-Forwarded-For``; `None` where none is known.

    :param peer: the other end of the connection.
    :param forwarded_for: the values of ``X-Forwarded-For``. Each trusted proxy adds one at the end, so all
        that is before these may be of the client's making.
    """
    if trusted_proxies:
        addresses = [address for value in forwarded_for for address in value.split(",")]
        if len(addresses) >= trusted_proxies:
            return _address(addresses[-trusted_proxies].strip()) or _address(peer)
    return _address(peer)


def _address(text: str | None) -> str | None:
    """*text* in its usual form if it is an IP address, with or without a port."""
    if not text:
        return None
    bare = text
    if text.startswith("["):
        bare = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        bare = text.partition(":")[0]
    try:
        # A zone means something on one machine only, and `ip_address` takes any text for one.
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
