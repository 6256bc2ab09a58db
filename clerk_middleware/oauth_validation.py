"""The checks of `ClerkConfig` that concern machines and OAuth clients."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .scopes import is_scope
from .validation import is_plain_path, shown, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .config import ClerkConfig


def machine_id(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not re.fullmatch(r"mch_[A-Za-z0-9_-]{1,250}", value):
        looks = "a secret key" if str(value).startswith("ak_") else shown(value)
        raise wrong(
            "machine_id",
            f"must be the id of a machine, which starts with 'mch_', but is {looks}. Copy it from 'Machines' "
            "in the Clerk Dashboard.",
        )


def scopes(values: Iterable[str]) -> None:
    for value in values:
        if not is_scope(value):
            raise wrong(
                "oauth_scopes",
                f"holds {shown(value)}, which is no scope: one is a word without spaces, as 'read:loads'.",
            )


def resources(config: ClerkConfig) -> tuple[str, ...]:
    """The paths, each once and without a slash at its end."""
    paths: dict[str, None] = {}
    for value in config.oauth_resources:
        path = value.rstrip("/") or "/"
        if not value or not is_plain_path(path):
            raise wrong(
                "oauth_resources",
                f"holds {shown(value)}, which is no path of this application: write '/mcp', or '/' for all.",
            )
        paths[path] = None
    if paths and config.publishable_key is None:
        raise wrong(
            "oauth_resources",
            "needs publishable_key (CLERK_PUBLISHABLE_KEY), which tells where OAuth clients get tokens.",
        )
    return tuple(paths)
