"""Machines that a test client calls as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from clerk_middleware.errors import ConfigurationError

from .grants import items
from .machine_grants import DEFAULT_SUBJECTS, TOKENS, custom_claims, known_type, subject_of

if TYPE_CHECKING:
    from clerk_middleware.config import ClerkConfig
    from clerk_middleware.tokens.classes import MachineTokenType

    from .backend import MemoryBackend
    from .signer import SessionSigner

__all__ = ["MachineToken", "machine_token"]

#: What the next request sends, to an application of this configuration, if it has one.
MachineToken = Callable[["ClerkConfig | None"], str]


def machine_token(
    signer: SessionSigner,
    backend: MemoryBackend,
    token_type: MachineTokenType,
    *,
    subject: str | None,
    scopes: Iterable[str],
    claims: Mapping[str, Any] | None,
    name: str | None,
    client_id: str | None,
) -> MachineToken:
    """An API key that *backend* knows, or JWTs of *signer*, anew for each request.

    :raises ConfigurationError: if Clerk would never issue that.
    """
    token_type = known_type(token_type)
    _expect_of("api_key", token_type, "name", name)
    _expect_of("oauth_token", token_type, "client_id", client_id)
    owner = DEFAULT_SUBJECTS[token_type] if subject is None else subject
    owner = subject_of(token_type, owner, source="subject")
    granted, own = items("scopes", scopes), custom_claims(claims)
    if token_type == "api_key":
        called = "test" if name is None else name
        secret = backend.add_api_key(owner, scopes=granted, claims=own, name=called)
        return lambda _: secret
    if token_type == "m2m_token":

        def token(config: ClerkConfig | None) -> str:
            return signer.m2m_token(owner, scopes=granted or _own_machine(config), claims=own)

    else:
        client = "client_test" if client_id is None else client_id

        def token(config: ClerkConfig | None) -> str:
            all_claims = {**_audience(config), **(own or {})}
            return signer.oauth_token(owner, scopes=granted, client_id=client, claims=all_claims)

    token(None)  # which checks the rest
    return token


def _expect_of(owner: MachineTokenType, token_type: MachineTokenType, option: str, value: object) -> None:
    """Find out that *option* was given for a token that can't have it."""
    if value is not None and token_type != owner:
        raise ConfigurationError(
            f"only {TOKENS[owner]} has one, and {TOKENS[token_type]} does not: leave it out", source=option
        )


def _own_machine(config: ClerkConfig | None) -> list[str]:
    """The scope of a token for the application's own machine, if it says which that is."""
    return [] if config is None or config.machine_id is None else [config.machine_id]


def _audience(config: ClerkConfig | None) -> dict[str, Any]:
    """The claim ``aud`` that the application asks for, if it does."""
    audience = None if config is None else min(config.audiences, default=None)
    return {} if audience is None else {"aud": audience}
