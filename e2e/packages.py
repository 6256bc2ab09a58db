"""Clerk's JavaScript from npm, as it is: which versions, and that it is these very files.

Nothing of it is committed, and no script of a package runs while it is installed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

_PATIENCE: Final = 300  # seconds for a download


@dataclass(frozen=True)
class _Package:
    version: str
    #: SHA-512 of the archive, as npm itself writes it: ``npm view NAME@VERSION dist.integrity``.
    integrity: str


#: What a page loads, and what LocalClerk serves of it.
_OF_BROWSERS: Final = {
    "@clerk/clerk-js": _Package(
        "6.40.0",
        "sha512-2MnZ/ygvuCmeuqfXQmsxfQaLN/SSJvQbtT2cLXbgr5VKr3KmZFZBVvX977fG3eZ6pprl4J9pO+I2bbe6BvColg==",
    ),
    "@clerk/ui": _Package(
        "1.36.0",
        "sha512-uI96zYCh5jISLOt1mdpIPy/Y31P0kwFxjUFOxLUwFfTHFmGUcRjbqN6bbb+75tdI2Bz6ARGws3rhspDer+xIfQ==",
    ),
}
#: What servers for Node import: package.json has the versions, package-lock.json the checksums.
_OF_SERVERS: Final = Path(__file__).parent / "foreign_clients"


def for_browsers(folder: Path) -> Path:
    """The ``node_modules`` in *folder* with Clerk's script and components, without what these depend on.

    That is in their bundles; so they are unpacked, and not installed.
    """
    modules = folder / "node_modules"
    for name, package in _OF_BROWSERS.items():
        if _version(modules / name) != package.version:
            _put(modules / name, partial(_unpack, name, package))
        assert _version(modules / name) == package.version, f"npm did not give {name} {package.version}"
    return modules


def for_servers(folder: Path) -> Path:
    """The ``node_modules`` in *folder* with what package-lock.json of the foreign clients says."""
    modules = folder / "node_modules"
    if not _has_server_packages(modules):
        _put(modules, _install)
    assert _has_server_packages(modules), "npm did not give the versions of package.json"
    return modules


def _put(target: Path, make: Callable[[Path], Path]) -> None:
    """Have *target* be what is made in a folder beside it: at once, for several workers may want it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
        made = make(Path(scratch))
        if target.exists():  # of another version
            shutil.rmtree(target)
        with suppress(OSError):  # another worker was faster
            made.rename(target)


def _unpack(name: str, package: _Package, scratch: Path) -> Path:
    _npm("pack", f"{name}@{package.version}", "--silent", cwd=scratch)
    (archive,) = scratch.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == package.integrity, f"{name} {package.version} is not the file that it was"
    with tarfile.open(archive) as files:
        files.extractall(scratch, filter="data")  # nothing outside the folder, whatever the archive says
    return scratch / "package"


def _install(scratch: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_OF_SERVERS / name, scratch)
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=scratch)
    return scratch / "node_modules"


def _npm(*arguments: str, cwd: Path) -> None:
    npm = shutil.which("npm")
    assert npm, "these tests need npm: apt-get install npm"
    subprocess.run([npm, *arguments], cwd=cwd, check=True, stdout=subprocess.DEVNULL, timeout=_PATIENCE)


def _has_server_packages(modules: Path) -> bool:
    wanted = json.loads((_OF_SERVERS / "package.json").read_text("utf-8"))["dependencies"]
    return all(_version(modules / name) == version for name, version in wanted.items())


def _version(package: Path) -> str | None:
    description = package / "package.json"
    if not description.is_file():
        return None
    version: str = json.loads(description.read_text("utf-8"))["version"]
    return version
