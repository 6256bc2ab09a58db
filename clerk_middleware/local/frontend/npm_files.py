"""clerk-js and its components, from the folder where npm installed them: ``/npm/@clerk/...``.

Clerk's Frontend API serves them at the same paths, so a page's script URLs are the same with both.
"""

from __future__ import annotations

import json
import re
from email.utils import formatdate
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

__all__ = ["NpmFileAPI"]

_VERSION = re.compile(r"(?P<major>[0-9]+)(\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?)?")
_NAME = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*")
#: By their names' ends. Not the platform's own types, which on Windows anybody may have changed.
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
_MAXIMUM_PARTS = 8


class NpmFileAPI:
    """Serves ``dist/`` of `@clerk/clerk-js` and of `@clerk/ui` below `node_modules`, and nothing else."""

    def __init__(self, node_modules: Path | None) -> None:
        self._node_modules = node_modules
        self.routes = [
            Route("/npm/@clerk/{package:str}@{version:str}/dist/{file:path}", self.file, methods=["GET"])
        ]

    # No coroutine: it waits for the disk, so it runs in a thread.
    def file(self, request: Request) -> Response:
        """``GET /npm/@clerk/PACKAGE@VERSION/dist/FILE``; the version is a major one or an exact one."""
        package, wanted = request.path_params["package"], request.path_params["version"]
        if package not in ("clerk-js", "ui"):
            return _missing(
                f"There is no package @clerk/{package} here: there are @clerk/clerk-js and @clerk/ui."
            )
        if self._node_modules is None:
            return _missing(
                "LocalClerk has no clerk-js of its own. Install it: npm install @clerk/clerk-js @clerk/ui\n"
                "Then say where it is: clerk-middleware local --node-modules node_modules, or "
                "LocalClerk(node_modules=...)."
            )
        folder = self._node_modules / "@clerk" / package
        installed = _version_in(folder)
        if installed is None:
            return _missing(
                f"@clerk/{package} is not installed in the node_modules that LocalClerk was given: "
                f"npm install @clerk/{package}"
            )
        match = _VERSION.fullmatch(wanted)
        if match is None or match["major"] != installed.partition(".")[0]:
            return _missing(
                f"@clerk/{package}@{wanted[:40]} is not installed; @clerk/{package}@{installed} is."
            )
        path = _file_in(folder / "dist", request.path_params["file"])
        if path is None:
            return _missing(f"There is no such file in dist/ of @clerk/{package}@{installed}.")
        return _sent(request, path, is_exact=wanted == installed)


def _version_in(folder: Path) -> str | None:
    """The version of the package that is in `folder`."""
    try:
        version = json.loads((folder / "package.json").read_bytes()).get("version")
    except (OSError, ValueError, AttributeError):
        return None
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else None


def _file_in(dist: Path, name: str) -> Path | None:
    """The file of that name, unless it is, by its name or by a link, none of those in `dist`."""
    parts = name.split("/")
    if len(parts) > _MAXIMUM_PARTS or not all(_NAME.fullmatch(part) for part in parts):
        return None
    try:
        # The package itself may be a link to wherever a package manager keeps it; nothing in it may lead out.
        root = dist.resolve(strict=True)
        path = root.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    return path if path.is_relative_to(root) and path.is_file() and path.suffix in _TYPES else None


def _sent(request: Request, path: Path, *, is_exact: bool) -> Response:
    """The file, or that what the browser has is still it."""
    status = path.stat()
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    headers = {
        "access-control-allow-origin": "*",
        "cache-control": "public, max-age=86400" if is_exact else "no-cache",
        "cross-origin-resource-policy": "cross-origin",
        "etag": etag,
        "last-modified": formatdate(status.st_mtime, usegmt=True),
        "x-content-type-options": "nosniff",
    }
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=_TYPES[path.suffix], stat_result=status)


def _missing(text: str) -> Response:
    return PlainTextResponse(
        f"{text}\n", 404, {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    )
