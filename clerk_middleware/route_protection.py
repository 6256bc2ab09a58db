"""``protected_routes`` and ``public_routes``: which paths need a session, whatever the protocol."""

from __future__ import annotations

from posixpath import normpath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlparse

from .errors import ConfigurationError
from .routes import PATH_CHARACTERS, RouteMatcher

if TYPE_CHECKING:
    from collections.abc import Sequence


class RouteProtection:
    """Tells which paths need a session; without patterns, none does.

    :param protected_routes: patterns of the paths that do; see `RouteMatcher`.
    :param public_routes: in their place, patterns of the only paths that do not.
    :param app_root: a prefix that the application itself takes off paths.
    :raises ConfigurationError: if both are given, or a pattern is none.
    """

    def __init__(
        self,
        protected_routes: str | Sequence[str] | None,
        public_routes: str | Sequence[str] | None,
        *,
        app_root: str = "",
    ) -> None:
        if protected_routes is not None and public_routes is not None:
            raise ConfigurationError(
                "protected_routes and public_routes exclude each other: name either the paths that need a "
                "session or the only ones that need none"
            )
        self._protected = _protecting(protected_routes) if protected_routes is not None else None
        self._public = RouteMatcher(public_routes) if public_routes is not None else None
        self._app_root = app_root

    def cover(self, path: str, root_path: str) -> bool:
        """Whether *path*, decoded and with the *root_path* of a mount, needs a session."""
        if self._covers(path, root_path):
            return True
        # A request target in absolute form, which Quart takes apart.
        return bool(path) and not path.startswith("/") and self._covers(_path_of(path), root_path)

    def _covers(self, path: str, root_path: str) -> bool:
        routed = _without_root(path, root_path)
        if self._public is not None:
            return not all(self._public.match(reading) is not None for reading in _readings(routed))
        if self._protected is None:
            return False
        # A pattern may have been written with the mount's path or without it.
        paths = {path, routed, _without_root(path, self._app_root)}
        return any(
            self._protected.match(reading) is not None for path in paths for reading in _readings(path)
        )


def _protecting(patterns: str | Sequence[str]) -> RouteMatcher:
    """Patterns with a slash at their end cover the path without it, too: to many applications it is one."""
    given = RouteMatcher(patterns).patterns
    return RouteMatcher([pattern.rstrip("/") or "/" for pattern in given])


def _without_root(path: str, root: str) -> str:
    root = root.rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :]
    return path


def _readings(path: str) -> set[str]:
    """The ways in which an application may read a path, encoded in one way only; the strictest counts.

    Matched against the path as it was sent, ``/%61dmin`` would slip past a pattern for ``/admin``. A line
    feed at the end: Starlette's routes end in ``$``, which matches before it. Dot segments and doubled
    slashes: file servers and proxies resolve them.
    """
    slashed = path.replace("\\", "/")
    resolved = "/" + normpath(f"/{slashed}").lstrip("/")
    if slashed.endswith("/") and resolved != "/":
        resolved += "/"
    readings = {path, path.removesuffix("\n"), slashed, resolved}
    return {quote(reading or "/", safe=PATH_CHARACTERS) for reading in readings}


def _path_of(url: str) -> str:
    try:
        return urlparse(url).path or "/"
    except ValueError:  # as the application will find
        return "/"
