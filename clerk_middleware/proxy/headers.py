"""Which headers a proxy passes on (RFC 9110, 7.6), and which it had better not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .refusals import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Pair = tuple[bytes, bytes]

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
#: Set by the proxy, or about the connection to it.
_OWN: Final = frozenset(
    {b"host", b"content-length", b"expect", b"http2-settings", b"clerk-proxy-url", b"clerk-secret-key"}
)
_NOT_SENT: Final = _HOP_BY_HOP | _OWN
#: What anybody can write, and Clerk, or a server in front of it, may take for the word of a proxy: where a
#: client is (X-Forwarded-For, X-Real-IP, CF-Connecting-IP, True-Client-IP and whatever else they are called),
#: which URL, host, scheme or method is meant, and the proxy's own names, spelled alike. Others that begin
#: with "clerk-" may be meant for Clerk.
_FORGEABLE: Final = re.compile(
    rb"forwarded"
    rb"|(?:client|connect(?:ing|ion)|external|originating|peer|pseudo|real|remote|socket)-?(?:ip|addr)"
    rb"|(?:source|src|user|visitor)-?(?:ip|addr)"
    rb"|(?:\A|-)ip-?(?:city|continent|country|latitude|longitude|region)|viewer-(?:address|city|country)"
    rb"|method-?override|\Ax-http-method|(?:original|rewrite)-?(?:path|ur[il])"
    rb"|\Ax-(?:[a-z]+-)*(?:host|scheme)(?:-override)?\Z|\Afront-end-https|\Aproxy\Z"
    rb"|\Aclerk[^a-z]*(?:proxy|secret|trust)"
)
#: What speaks for the host that sent it, and would bind this application's.
_OF_ANOTHER_HOST: Final = frozenset(
    {
        b"alt-svc",
        b"clerk-secret-key",
        b"date",
        b"expect-ct",
        b"nel",
        b"public-key-pins",
        b"report-to",
        b"server",
        b"strict-transport-security",
    }
)
_NOT_RETURNED: Final = _HOP_BY_HOP | _OF_ANOTHER_HOST

# RFC 9110, 5.1 and 5.5. What is neither could end a header early in whatever reads it less strictly.
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


def forwarded_headers(headers: Sequence[Pair]) -> list[Pair]:
    """A client's headers without those that end here.

    :raises Refused: if one of them is none.
    """
    dropped = _NOT_SENT | _named_by_connection(headers)
    kept = []
    for name, value in headers:
        if not _is_valid(name, value):
            raise malformed("The request has a header with characters that no header has.")
        known = _plain(name)
        if known not in dropped and not _FORGEABLE.search(known):
            kept.append((name.lower(), value.strip(b" \t")))
    return kept


def returned_headers(headers: Sequence[Pair], has_body: bool) -> list[Pair]:
    """The Frontend API's headers, for the client.

    :param has_body: whether the answer's status lets it have one.
    """
    dropped = _NOT_RETURNED | _named_by_connection(headers)
    if not has_body or any(name.lower() == b"transfer-encoding" for name, _ in headers):
        dropped |= {b"content-length"}  # which is not counted then, and might be another
    return [
        (name.lower(), value)
        for name, value in headers
        if _plain(name) not in dropped and _is_valid(name, value)
    ]


def body_length(headers: Iterable[Pair], may_omit_length: bool) -> int | None:
    """How many bytes a request's body has; `None` where only its end will tell.

    :param may_omit_length: whether there may be a body if no header says so.
    :raises Refused: if that can be read in more than one way (RFC 9112, 6.3).
    """
    lengths, codings = set(), []
    for name, value in headers:
        known = _plain(name)
        if known == b"content-length":
            lengths.add(value.strip(b" \t"))
        elif known == b"transfer-encoding":
            codings.append(value.strip(b" \t").lower())
    if codings and (lengths or codings != [b"chunked"]):
        raise malformed("The request says in two ways, or in a way not known here, where its body ends.")
    if not lengths:
        return None if codings or may_omit_length else 0
    length = lengths.pop()
    if lengths or not (length.isdigit() and len(length) <= 18):
        raise malformed("The request has no valid Content-Length, or several.")
    return int(length)


def _is_valid(name: bytes, value: bytes) -> bool:
    return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value))


def _named_by_connection(headers: Iterable[Pair]) -> frozenset[bytes]:
    return frozenset(
        _plain(item.strip(b" \t"))
        for name, value in headers
        if _plain(name) == b"connection"
        for item in value.split(b",")
    )


def _plain(name: bytes) -> bytes:
    """*name* for comparison. What is written with underscores is the same header to some servers."""
    return name.lower().replace(b"_", b"-")
