"""Where npm installed Clerk's JavaScript: ``--node-modules`` of the commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .failure import CommandFailed

if TYPE_CHECKING:
    import argparse

__all__ = ["add_node_modules", "node_modules_of"]

_PACKAGES = ("@clerk/clerk-js", "@clerk/ui")


def add_node_modules(parser: argparse.ArgumentParser, *, purpose: str) -> None:
    """Add ``--node-modules`` to the arguments of a command; `purpose` says what comes of it."""
    parser.add_argument(
        "--node-modules",
        metavar="FOLDER",
        type=Path,
        help=f"the folder in which npm installed {' and '.join(_PACKAGES)}: {purpose}",
    )


def node_modules_of(arguments: argparse.Namespace) -> Path | None:
    """The folder of ``--node-modules``. Raises `CommandFailed` where a package is missing in it."""
    folder: Path | None = arguments.node_modules
    if folder is None:
        return None
    missing = [package for package in _PACKAGES if not (folder / package / "dist").is_dir()]
    if missing:
        hint = "npm install @clerk/clerk-js@6 @clerk/ui@1 makes such a folder, node_modules"
        if (folder / "node_modules").is_dir():
            hint = f"do you mean {folder / 'node_modules'}?"
        raise CommandFailed(f"--node-modules: there is no {' and no '.join(missing)} in {folder}; {hint}")
    return folder
