"""The ``Set-Cookie`` lines that Clerk sends for an application to pass on as they are."""

from __future__ import annotations

_MAX_DIRECTIVES = 100


def set_cookie_headers(directives: object) -> list[tuple[str, str]]:
    """Clerk's list of lines as response headers; a line that would break a header is left out."""
    if not isinstance(directives, list):
        return []
    return [
        ("set-cookie", line)
        for line in directives[:_MAX_DIRECTIVES]
        if isinstance(line, str) and _is_safe(line)
    ]


def session_token_of(headers: list[tuple[str, str]]) -> str:
    """The session token that they set last, empty where they set none."""
    token = ""
    for _, line in headers:
        name, _, value = line.partition(";")[0].partition("=")
        if name.startswith("__session"):
            token = value.partition("=")[0]
    return token


def _is_safe(line: str) -> bool:
    return line.isascii() and line.isprintable()
