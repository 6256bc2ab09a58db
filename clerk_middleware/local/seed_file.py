"""Reading a seed from a TOML file, from a mapping of the same form, or from the package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .seed import Seed
from .seed_builder import build_seed
from .seed_reader import SeedError, SeedReader

__all__ = ["BUILT_IN_SEED", "load_seed"]

#: A road freight company, which a LocalClerk starts from by default.
BUILT_IN_SEED = Path(__file__).with_name("fleet.toml")


def load_seed(source: str | Path | Mapping[str, Any] | None = None) -> Seed:
    """The seed in a TOML file, or in a mapping of the same form.

    Without a source it is the fleet company that comes with the package. The form is described in
    `clerk_middleware.local.seed`. Raises `SeedError`, which names the file, the table, the key and
    what is wrong.
    """
    if isinstance(source, Mapping):
        return build_seed(SeedReader(source, source="seed"))
    path = BUILT_IN_SEED if source is None else Path(source)
    try:
        document = path.read_text("utf-8")
    except OSError as error:
        raise SeedError(f"cannot be read: {error.strerror}", source=str(path)) from error
    except UnicodeDecodeError as error:
        raise SeedError("is not UTF-8, as TOML has to be", source=str(path)) from error
    try:
        values = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise SeedError(f"is not TOML: {error}", source=str(path)) from error
    return replace(build_seed(SeedReader(values, source=str(path))), source=path.absolute())
