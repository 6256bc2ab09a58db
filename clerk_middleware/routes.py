"""Route patterns in the style of Clerk's SDKs: ``/orgs/:slug``, ``/dashboard(.*)``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from .errors import ConfigurationError

#: What stands in a path as it is, besides letters and digits (RFC 3986, 3.3).
PATH_CHARACTERS = "/:@!$&'()*+,;=-._~"
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_NAME = re.compile(r":([A-Za-z_][A-Za-z0-9_]*)")


class RouteMatcher:
    """Tells whether a path matches one of some patterns.

    ``:name`` is one path segment, ``(.*)`` the rest, any other group is as in a regular
    expression. The comparison ignores case and a trailing slash, and sees the raw path, in which
    ``%2F`` is not a slash.

        >>> RouteMatcher(["/orgs/:slug", "/orgs/:slug/(.*)"]).match("/orgs/acme/settings")
        {'slug': 'acme'}

    :param patterns: one pattern or several; the first that matches counts.
    :raises ConfigurationError: if a pattern is none.
    """

    __slots__ = ("_compiled", "patterns")

    def __init__(self, patterns: str | Iterable[str]) -> None:
        if not isinstance(patterns, (str, Iterable)):
            raise ConfigurationError(f"route patterns are texts, or a list of them, not {patterns!r}")
        self.patterns: tuple[str, ...] = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        self._compiled = [_compile(pattern) for pattern in self.patterns]

    def __repr__(self) -> str:
        return f"RouteMatcher({list(self.patterns)!r})"

    def match(self, path: str) -> dict[str, str] | None:
        """Return the named parameters of *path*, `None` if no pattern matches it."""
        for expression in self._compiled:
            if found := expression.fullmatch(path):
                return {name: value for name, value in found.groupdict().items() if value is not None}
        return None


def _compile(pattern: str) -> re.Pattern[str]:
    if not isinstance(pattern, str) or not pattern.startswith(("/", "(", ":")):
        raise ConfigurationError(f"a route pattern starts with '/', but got {pattern!r}")
    source, position = "", 0
    while position < len(pattern):
        name = _NAME.match(pattern, position)
        start = name.end() if name else position
        end = _end_of_group(pattern, start) if pattern[start : start + 1] == "(" else start
        if end > position:
            own = pattern[start:end][1:-1] if end > start else "[^/#?]+?"
            group = f"(?P<{name[1]}>{own})" if name else pattern[start:end]
            if pattern[end : end + 1] == "?":  # optional, together with the slash before it
                slash = "/" if source.endswith("/") else ""
                source, group, end = source.removesuffix("/"), f"(?:{slash}{group})?", end + 1
            source += group
            position = end
        elif pattern[position] in "*+?{}:)<>":
            raise ConfigurationError(
                f"the route pattern {pattern!r} has a {pattern[position]!r} that means nothing there: write "
                "':name' for a segment and '(.*)' for the rest of a path"
            )
        else:
            position += pattern[position] == "\\"  # takes the next character as it is
            source += _literal(pattern, position)
            position += 1
    try:
        # ASCII: as in JavaScript, "ſ" is not another case of "s".
        return re.compile(source + r"[/#?]?", re.IGNORECASE | re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"the route pattern {pattern!r} is not valid: {error}") from None


def _literal(pattern: str, position: int) -> str:
    """A character as it is, and as URLs encode it where they do."""
    character = pattern[position : position + 1]
    if character in PATH_CHARACTERS or (character.isalnum() and character.isascii()):
        return re.escape(character)
    if character == "%" and _ESCAPE.match(pattern, position):
        return character
    return f"(?:{re.escape(character)}|{quote(character, safe='')})"


def _end_of_group(pattern: str, start: int) -> int:
    depth, position = 0, start
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            position += 1
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    raise ConfigurationError(f"the route pattern {pattern!r} has a '(' that is never closed")
