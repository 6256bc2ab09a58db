"""Clerk's JavaScript from npm, as it is: the one place that says which versions."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

#: What a page loads, and what LocalClerk serves of it.
PACKAGES: Final = {"@clerk/clerk-js": "6.40.0", "@clerk/ui": "1.36.0"}

_PATIENCE: Final = 180  # seconds for a download


def installed(folder: Path) -> Path:
    """The ``node_modules`` in *folder* with these packages: those that are not there yet are downloaded.

    ``npm pack``, not ``npm install``: nothing of them runs here, and what they depend on is in their bundles.
    """
    modules = folder / "node_modules"
    for name, version in PACKAGES.items():
        if not _is_there(modules / name, version):
            _unpack(name, version, modules)
    return modules


def _is_there(package: Path, version: str) -> bool:
    description = package / "package.json"
    return description.is_file() and json.loads(description.read_text())["version"] == version


def _unpack(name: str, version: str, modules: Path) -> None:
    npm = shutil.which("npm")
    assert npm, "these tests need npm: apt-get install npm"
    target = modules / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as scratch:
        subprocess.run(
            [npm, "pack", f"{name}@{version}", "--silent", f"--pack-destination={scratch}"],
            cwd=scratch,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=_PATIENCE,
        )
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as files:
            files.extractall(scratch, filter="data")  # nothing outside the folder, whatever the archive says
        unpacked = Path(scratch) / "package"
        assert _is_there(unpacked, version), f"npm did not give {name} {version}"
        if target.exists() and not _is_there(target, version):
            shutil.rmtree(target)
        with suppress(OSError):  # another worker was faster
            unpacked.rename(target)
    assert _is_there(target, version)
