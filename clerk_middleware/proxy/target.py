"""Where a request to the proxy goes: always the one host, whatever its path says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from ..urls import parse_url
from .refusals import Refused, path_mismatch

if TYPE_CHECKING:
    from ..config import ClerkConfig
    from .options import FrontendAPIProxy

_PRODUCTION: Final = "https://frontend-api.clerk.dev"
_STAGING: Final = "https://frontend-api.clerkstage.dev"
_LOCAL: Final = "https://frontend-api.lclclerk.com"
# Which deployment of Clerk an instance belongs to shows in the host that its publishable key holds. These are
# the lists of Clerk's own SDKs, down to the dot that one of them lacks.
_OF_STAGING: Final = (".accountsstage.dev",)
_OF_LOCAL: Final = (".lcl.dev", "lclstage.dev", ".lclclerk.com")
_LEGACY: Final = (".lcl.dev", ".lclstage.dev", ".lclclerk.com")

# RFC 3986, 3.3. What is no such segment is refused rather than repaired.
_SEGMENT: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
#: What would mean something else to whoever decodes the path, decodes it twice, or cuts parameters off.
_AMBIGUOUS: Final = re.compile(r".*[/\\%\x00-\x1f\x7f]|\.{1,2}(?:;.*)?\Z", re.DOTALL)
_KEPT_IN_QUERY: Final = "/%:@!$&'()*+,;=-._~?[]"
#: Bytes of path and query; httpx takes no more than 64 KB of either.
_MAX_TARGET: Final = 60_000


def frontend_api_origin(config: ClerkConfig) -> str:
    """The origin of the Frontend API that *config*'s instance is served by, without a slash at its end."""
    if config.fapi_url is not None:
        return config.fapi_url
    key = config.parsed_publishable_key
    host = key.frontend_api if key is not None else ""
    if host.startswith("clerk.") and host.endswith(_LEGACY):
        return _PRODUCTION
    if host.endswith(_OF_LOCAL):
        return _LOCAL
    return _STAGING if host.endswith(_OF_STAGING) else _PRODUCTION


def proxied_origins(config: ClerkConfig) -> frozenset[str]:
    """The origins that the Frontend API of *config*'s instance may call itself by."""
    key = config.parsed_publishable_key
    hosts = (
        {key.frontend_api, key.frontend_api_for(config.domain, config.is_satellite)}
        if key is not None
        else ()
    )
    urls = map(parse_url, (frontend_api_origin(config), *(f"https://{host}" for host in hosts)))
    return frozenset(url.origin for url in urls if url is not None)


def target_of(raw_path: bytes, query: bytes, proxy: FrontendAPIProxy) -> bytes:
    """The path and query to ask the Frontend API for.

    :param raw_path: as it was sent, percent-encoded.
    :raises Refused: if it is not under the proxy's path, or could be read in more than one way.
    """
    prefix = proxy.prefix.encode("ascii")
    if raw_path + b"/" == prefix:
        path = b"/"
    elif raw_path.startswith(prefix):
        path = raw_path[len(prefix) - 1 :]
    else:
        raise path_mismatch(f"The path of the request does not begin with {proxy.path!r}.")
    for segment in path[1:].removesuffix(b"/").split(b"/") if path != b"/" else ():
        if not _SEGMENT.fullmatch(segment):
            raise path_mismatch("The path has an empty segment or a character that no path has.")
        if not _is_plain(unquote_to_bytes(segment)):
            raise path_mismatch("The path has a dot segment, or a slash or backslash in disguise.")
    target = path + b"?" + quote_from_bytes(query, safe=_KEPT_IN_QUERY).encode("ascii") if query else path
    if len(target) > _MAX_TARGET:
        raise Refused(414, "proxy_request_refused", "The URL is too long.")
    return target


def _is_plain(decoded: bytes) -> bool:
    try:
        return _AMBIGUOUS.match(decoded.decode()) is None
    except UnicodeDecodeError:  # an overlong form of a dot or a slash, say
        return False
