"""The Clerk instance that a test client brings along, and who is signed in there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clerk_middleware.config import ClerkConfig

from .backend import MemoryBackend
from .machine_login import MachineToken, machine_token
from .signer import SessionSigner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

    from clerk_middleware.config_source import ConfigSource
    from clerk_middleware.tokens.classes import MachineTokenType

__all__ = ["Instance", "Login", "now"]


def now() -> float:
    """Unix time in seconds."""
    return time.time()  # looked up anew each time, for libraries that travel in time put another there


@dataclass(frozen=True)
class Login:
    """Who is signed in: what `SessionSigner.sign` is given."""

    claims: dict[str, Any]
    by_header: bool


class Instance:
    """Signs tokens, knows the users that signed in and the API keys, and is asked without the network."""

    def __init__(self) -> None:
        self._signer = SessionSigner(clock=now)
        self._backend = MemoryBackend()

    @property
    def keys(self) -> dict[str, Any]:
        """The options of a `ClerkConfig` that say which instance it is."""
        return self._signer.keys

    def transport(self) -> httpx.MockTransport:
        """For an authenticator of this instance."""
        return self._backend.transport()

    def own(self, config: ConfigSource) -> ConfigSource:
        """*config* with this instance's keys, and all else as it is."""
        if isinstance(config, ClerkConfig):
            return self._signer.config(config)
        return lambda request: self._signer.config(config(request))

    def sign_in(self, login: Login, user: dict[str, Any]) -> dict[str, str]:
        """The cookies of a browser in which that was just done."""
        cookies = self.renew(login)  # which checks the claims
        self._backend.users[login.claims["user_id"]] = user
        return cookies

    def connect(self, user_id: str, accounts: Mapping[str, Iterable[str]]) -> None:
        """Have a user have these accounts at other providers, with their scopes, and no more."""
        self._backend.disconnect_accounts(user_id)
        for provider, scopes in accounts.items():
            self._backend.connect_account(user_id, provider, scopes=scopes)

    def renew(self, login: Login, azp: str | None = None) -> dict[str, str]:
        """The same now, so that nothing expires in a long test.

        :param azp: where the user signed in, one of the origins that the application accepts.
        """
        return self._signer.cookies(self._signer.sign(**login.claims, azp=azp))

    def machine(self, token_type: MachineTokenType, **options: Any) -> MachineToken:
        """What a machine sends; *options* as in `machine_token`."""
        return machine_token(self._signer, self._backend, token_type, **options)
