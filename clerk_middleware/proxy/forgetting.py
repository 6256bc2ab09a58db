"""Errors and answers that hold on to nothing of a request."""

from __future__ import annotations

from traceback import clear_frames
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


def forget_locals(error: BaseException) -> None:
    """Clear the local variables of all functions that *error* has ended.

    Error trackers collect these, of httpx's functions, too, and look into lists and objects: there are the
    secret key, passwords and cookies. Where one of them is *error* itself, it would keep all others until
    the next garbage collection.
    """
    for each in _chain(error):
        clear_frames(each.__traceback__)


def forget_request(response: httpx.Response) -> None:
    """Let go of a *response* that is closed: it and its stream hold each other, and the secret key."""
    import httpx

    response.stream = httpx.ByteStream(b"")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__context__  # Python lets no circle come about
