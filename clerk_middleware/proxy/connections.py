"""How the Frontend API is asked, by httpx, and what its failures mean to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..backend.cookie_jar import no_cookies
from ..logging import hide_secrets
from .refusals import Refused, failed, timed_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import httpx

    from .exchange import Outgoing
    from .headers import Pair

#: Connections that wait for their next request. How many there are at once is for `Capacity` to say.
_MAX_IDLE: Final = 20
#: Bytes of a body that are read at once. One that is not larger is read before a connection is taken up.
CHUNK: Final = 64 * 1024
_RAW_HEADERS: Final = "clerk_middleware.raw_headers"


def client_options(
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None, on_response: Callable[..., Any]
) -> dict[str, Any]:
    """For `httpx.Client` and `httpx.AsyncClient`.

    :param on_response: `set_location_aside`, of the client's kind.
    """
    import httpx

    hide_secrets()
    return {
        "transport": transport,
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=_MAX_IDLE),
        "cookies": no_cookies(),
        "follow_redirects": False,
        "event_hooks": {"response": [on_response]},
    }


def set_location_aside(response: httpx.Response) -> None:
    """Keep httpx from looking where a redirect leads, which it does without following it, too.

    It fails then with what is no URL to it, as native applications have them: ``com.example.app:callback``.
    """
    response.extensions[_RAW_HEADERS] = response.headers.raw
    response.headers.pop("location", None)


def raw_headers(response: httpx.Response) -> list[Pair]:
    """The headers as they were sent."""
    raw: list[Pair] = response.extensions[_RAW_HEADERS]
    return raw


def request_of(outgoing: Outgoing, content: bytes | None, stream: Any = None) -> httpx.Request:
    """The request itself, with the secret key; a client that sends it adds nothing.

    :param outgoing: what forgets its headers by this.
    :param content: the body, if it is whole.
    :param stream: in its place, a body in chunks, as httpx's transports take it.
    """
    import httpx

    url = httpx.URL(outgoing.origin).copy_with(raw_path=outgoing.target)  # the host stays as it is
    headers = outgoing.take_headers()
    extensions = {"timeout": outgoing.timeout}
    if stream is None:
        body = content or None  # for which httpx says that the length is 0 where it has to
        return httpx.Request(outgoing.method, url, headers=headers, content=body, extensions=extensions)
    length = outgoing.length
    framing = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", b"%d" % length)
    return httpx.Request(
        outgoing.method, url, headers=[*headers, framing], stream=stream, extensions=extensions
    )


def refusal_of(error: Exception, outgoing: Outgoing) -> Refused:
    """What the client, and the log, are told of a request that httpx failed with *error*."""
    import httpx

    cause = f"{type(error).__name__}, asking {outgoing.origin}"
    return timed_out(cause) if isinstance(error, httpx.TimeoutException) else failed(cause)
