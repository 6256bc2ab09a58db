"""Fail unless the lower bounds of pyproject.toml are those of oldest.txt, and are what is installed."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

TESTS = Path(__file__).parent


def lower_bounds() -> dict[str, str]:
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(item for extra in project["optional-dependencies"].values() for item in extra),
    ]
    parsed = [
        re.match(r"([A-Za-z0-9-]+)(?:\[[^]]*\])?(?:>=([0-9.]+)(?:,<[0-9.]+)?)?(?:;.*)?$", item)
        for item in wanted
    ]
    return {found[1]: found[2] for found in parsed if found and found[1] != "clerk-middleware"}


def pinned() -> dict[str, str]:
    lines = (TESTS / "oldest.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def main() -> int:
    bounds, pins = lower_bounds(), pinned()
    problems = [
        f"{name}: pyproject.toml says {bounds.get(name)}, oldest.txt {pins.get(name)}"
        for name in sorted(bounds.keys() | pins.keys())
        if bounds.get(name) != pins.get(name)
    ]
    problems += [
        f"{name}: {pin} wanted, {version(name)} installed"
        for name, pin in pins.items()
        if version(name) != pin
    ]
    print("\n".join(problems) or f"all {len(pins)} lower bounds are installed")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
