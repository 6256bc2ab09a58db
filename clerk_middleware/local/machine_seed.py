"""What a seed says of machines and API keys: records that never change, as those of `Seed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["APIKeySeed", "MachineSeed", "TokenFormat"]

#: Whether a token is verified by asking Clerk, or by its signature.
TokenFormat = Literal["opaque", "jwt"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineSeed:
    """A machine: a program that calls others, or is called, with M2M tokens."""

    id: str
    name: str
    #: A random one is made where the seed has none.
    secret_key: str | None = field(default=None, repr=False)
    #: The ids of the machines that this one may call.
    scopes: tuple[str, ...] = ()
    #: Seconds for which its tokens are good when their maker does not say.
    default_token_lifetime: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class APIKeySeed:
    """An API key of a user or of an organization."""

    #: Random ones are made where the seed has none.
    id: str | None = None
    secret: str | None = field(default=None, repr=False)
    name: str
    subject: str
    scopes: tuple[str, ...] = ()
    claims: Mapping[str, Any] | None = None
    description: str | None = None
