"""Clerk's clients for Node, as they are: package.json says which versions."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

_FOLDER = Path(__file__).parent
_PATIENCE = 300  # seconds for the downloads


def installed(folder: Path) -> Path:
    """The ``node_modules`` in *folder*, with what package.json asks for: made if it is not there yet."""
    modules = folder / "node_modules"
    if not _is_complete(modules):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".installing-") as scratch:
            _install(Path(scratch))
            if modules.exists() and not _is_complete(modules):
                shutil.rmtree(modules)
            with suppress(OSError):  # another worker was faster
                (Path(scratch) / "node_modules").rename(modules)
        assert _is_complete(modules), "npm did not give the versions of package.json"
    return modules


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    assert npm, "these tests need npm: apt-get install npm"
    shutil.copy(_FOLDER / "package.json", folder)
    # Nothing of them runs here but what the tests start.
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
    subprocess.run([npm, "install", *options], cwd=folder, check=True, timeout=_PATIENCE)


def _is_complete(modules: Path) -> bool:
    wanted = json.loads((_FOLDER / "package.json").read_text("utf-8"))["dependencies"]
    return all(_version(modules / name) == version for name, version in wanted.items())


def _version(package: Path) -> str | None:
    description = package / "package.json"
    if not description.is_file():
        return None
    version: str = json.loads(description.read_text("utf-8"))["version"]
    return version
