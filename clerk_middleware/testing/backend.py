"""A Backend API in this process: what an application that is tested asks of Clerk, without the network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from clerk_middleware.errors import ConfigurationError

from .opaque_tokens import OpaqueToken, new_api_key, new_m2m_token, new_oauth_token

if TYPE_CHECKING:
    import httpx

    from clerk_middleware.tokens.classes import MachineTokenType

__all__ = ["MemoryBackend"]


class MemoryBackend:
    """Knows the users and the opaque tokens that a test says there are. Sessions can be revoked, no more::

        signer, backend = SessionSigner(), MemoryBackend()
        config = signer.config(ClerkConfig(jwt_key=signer.jwt_key, accepts_token="any"))
        authenticator = AsyncAuthenticator(config, transport=backend.transport())
        app.add_middleware(ClerkMiddleware, authenticator=authenticator)
        secret = backend.add_api_key("user_1", scopes=["read:loads"])
        client.get("/loads", headers={"Authorization": f"Bearer {secret}"})

    :param clock: Unix time in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        #: Users by id, as `user_object` makes them.
        self.users: dict[str, dict[str, Any]] = {}
        self._clock = clock
        self._tokens: dict[str, OpaqueToken] = {}
        self._accounts: dict[tuple[str, str], dict[str, Any]] = {}

    def transport(self) -> httpx.MockTransport:
        """For `Authenticator` as well as `AsyncAuthenticator`."""
        import httpx

        return httpx.MockTransport(self._answer)

    def add_api_key(
        self,
        subject: str = "user_test",
        *,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        name: str = "test",
        lifetime: float | None = None,
    ) -> str:
        """The secret of a new API key, ``ak_…``.

        :param subject: whose it is: ``user_…`` or ``org_…``.
        :param lifetime: seconds; `None` is for ever.
        :raises ConfigurationError: if Clerk would never make that one; so do the methods below.
        """
        now = self._clock()
        return self._added(
            new_api_key(subject, name=name, scopes=scopes, claims=claims, now=now, lifetime=lifetime)
        )

    def add_m2m_token(
        self,
        machine_id: str = "mch_test",
        *,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        lifetime: float | None = None,
    ) -> str:
        """A new opaque M2M token, ``mt_…``; `SessionSigner.m2m_token` makes a JWT.

        :param scopes: the machines that it is for, ``mch_…``.
        """
        now = self._clock()
        return self._added(
            new_m2m_token(machine_id, scopes=scopes, claims=claims, now=now, lifetime=lifetime)
        )

    def add_oauth_token(
        self,
        user_id: str = "user_test",
        *,
        scopes: Iterable[str] = (),
        client_id: str = "client_test",
        lifetime: float | None = 24 * 60 * 60,
    ) -> str:
        """A new opaque OAuth access token, ``oat_…``; `SessionSigner.oauth_token` makes a JWT."""
        now = self._clock()
        return self._added(
            new_oauth_token(user_id, scopes=scopes, client_id=client_id, now=now, lifetime=lifetime)
        )

    def connect_account(
        self, user_id: str, provider: str, *, scopes: Iterable[str] = (), token: str | None = None
    ) -> str:
        """Give a user an account at another provider; returns what `Auth.get_oauth_access_token` gets of it.

        :param provider: ``google``.
        :param scopes: what the user consented to there.
        """
        name = provider.removeprefix("oauth_")
        given = f"token_of_{user_id}_at_{name}" if token is None else token
        self._accounts[user_id, name] = {
            "object": "oauth_access_token",
            "external_account_id": f"eac_{user_id}_{name}",
            "provider_user_id": f"{user_id}_at_{name}",
            "token": given,
            "expires_at": None,
            "provider": f"oauth_{name}",
            "public_metadata": {},
            "label": None,
            "scopes": list(scopes),
        }
        return given

    def disconnect_accounts(self, user_id: str) -> None:
        """Take all of them away."""
        self._accounts = {key: account for key, account in self._accounts.items() if key[0] != user_id}

    def revoke(self, token: str) -> None:
        """Revoke an opaque token.

        An authenticator that has just seen it takes it for good a little longer, as
        `ClerkConfig.opaque_token_ttl_in_ms` says: 0 has it ask each time.
        """
        if token not in self._tokens:
            raise ConfigurationError("is none that this backend's add_… methods returned", source="token")
        self._tokens[token].is_revoked = True

    def _added(self, token: OpaqueToken) -> str:
        self._tokens[token.token] = token
        return token.token

    def _answer(self, request: httpx.Request) -> httpx.Response:
        import httpx

        match request.method, request.url.path.split("/")[2:]:
            case "GET", ["users", user_id] if user_id in self.users:
                return httpx.Response(200, json=self.users[user_id])
            case "GET", ["users", user_id, "oauth_access_tokens", provider] if user_id in self.users:
                account = self._accounts.get((user_id, provider.removeprefix("oauth_")))
                return httpx.Response(200, json=[account] if account is not None else [])
            case "POST", ["sessions", session_id, "revoke"]:
                return httpx.Response(200, json={"object": "session", "id": session_id, "status": "revoked"})
            case "POST", ["api_keys", "verify"]:
                return self._verified(request, "api_key", "secret")
            case "POST", ["m2m_tokens", "verify"]:
                return self._verified(request, "m2m_token", "token")
            case "POST", ["oauth_applications", "access_tokens", "verify"]:
                return self._verified(request, "oauth_token", "access_token")
        return self._not_found()

    def _verified(self, request: httpx.Request, token_type: MachineTokenType, member: str) -> httpx.Response:
        import httpx

        token = self._tokens.get(json.loads(request.content)[member])
        if token is None or token.token_type != token_type:
            return self._not_found()
        return httpx.Response(200, json=token.shown(self._clock()))

    @staticmethod
    def _not_found() -> httpx.Response:
        import httpx

        message = "There is no such thing in this test."
        error = {"code": "resource_not_found", "message": message, "long_message": message}
        return httpx.Response(404, json={"errors": [error]})
