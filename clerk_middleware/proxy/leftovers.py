"""What follows an answer on its connection would be taken for the answer to somebody else's next request."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

#: Where httpx and httpcore 1 have, one within the other, what leads to the state of the connection.
_WITHIN: Final = ("_stream", "_httpcore_stream", "_connection")
_DEEPEST: Final = 8


def is_to_be_read(method: str, status: int) -> bool:
    """Whether an answer may have a body.

    One that may not is closed unread, and its connection with it: servers that send a body with 204 or 304
    by mistake are not rare.
    """
    return method != "HEAD" and status not in (204, 304)


def discard(response: httpx.Response) -> None:
    """Look at what follows *response*, which was read to its end and is about to be closed.

    httpcore closes connections that can be read from while they wait for their next request. What it has
    read by then together with an answer it doesn't look at, and there is no public way to. If it can't be
    told whether there is anything, the connection is not used again, either.
    """
    connection = response.extensions.get("network_stream")
    if connection is None:  # a transport of another kind
        return
    state = _state_of(response.stream)
    if state is None:
        from socket import SHUT_RDWR

        with suppress(OSError):  # it is at its end already
            connection.get_extra_info("socket").shutdown(SHUT_RDWR)
    elif state.trailing_data[0]:
        state.send_failed()  # which has httpcore close it


def _state_of(stream: Any) -> Any | None:
    """The `h11.Connection` that *stream* is read from, if httpcore has it where it used to be."""
    for _ in range(_DEEPEST):
        state = getattr(stream, "_h11_state", None)
        if state is not None:
            return state
        stream = next((getattr(stream, name) for name in _WITHIN if hasattr(stream, name)), None)
    return None
