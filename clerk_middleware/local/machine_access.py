"""What `LocalClerk` does with machines, API keys and OAuth from code, without a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from .credentials import APIKey, Credential, M2MToken, Machine
from .instance import Instance
from .issued_tokens import IssuedTokens
from .issuing import CredentialIssuer
from .machine_seed import TokenFormat
from .oauth.applications import OAuthApplication
from .oauth.grants import OAuthAccessToken
from .oauth.issuing import OAuthTokenIssuer

__all__ = ["MachineAccess"]


class MachineAccess:
    """Makes and revokes what machines and programs prove themselves with."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._credentials = CredentialIssuer(instance)
        self._oauth = OAuthTokenIssuer(instance)

    @property
    def machines(self) -> Mapping[str, Machine]:
        """The machines by id, with their secret keys."""
        return MappingProxyType(dict(self._instance.machines))

    @property
    def api_keys(self) -> Mapping[str, APIKey]:
        """The API keys by id, with their secrets."""
        return MappingProxyType({api_key.id: api_key for api_key in self._instance.api_keys.all()})

    def create_api_key(
        self,
        subject: str,
        *,
        name: str = "test",
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        lifetime: float | None = None,
    ) -> APIKey:
        """A new API key of a user or an organization, good for `lifetime` seconds or, without, for ever.

        Its `secret` is what a program sends. Raises `LookupError` for a subject that is not.
        """
        if subject not in self._instance.users and subject not in self._instance.organizations:
            raise LookupError(f"{subject!r} is neither a user nor an organization of the seed")
        return self._credentials.api_key(subject, name=name, scopes=scopes, claims=claims, lifetime=lifetime)

    def create_m2m_token(
        self,
        machine: str,
        *,
        lifetime: float | None = 3600,
        claims: Mapping[str, Any] | None = None,
        token_format: TokenFormat = "opaque",
    ) -> M2MToken:
        """A new token of the machine of that id, for the machines that it may call.

        `lifetime` in seconds may be `None` for an opaque token that never expires. Raises `LookupError`
        for a machine that is not, `ValueError` for a claim of a JWT that Clerk sets itself.
        """
        return self._credentials.m2m_token(
            self._machine(machine), lifetime=lifetime, claims=claims, token_format=token_format
        )

    def create_oauth_access_token(
        self,
        user_id: str,
        *,
        scopes: Iterable[str] = ("profile",),
        resources: Iterable[str] = (),
        client_id: str | None = None,
        token_format: TokenFormat | None = None,
        lifetime: float | None = None,
    ) -> OAuthAccessToken:
        """A new access token with which an application acts for a user, without asking the user.

        `resources` are the URLs of the resource servers that it is for, the ``aud`` of a JWT: none are
        all. Without `client_id` it is of an application that exists for this alone. Format and lifetime
        (seconds) are by default those of the seed. Raises `LookupError` for who is not there.
        """
        if user_id not in self._instance.users:
            raise LookupError(
                f"no user {user_id!r} in the seed; there are: {', '.join(self._instance.users)}"
            )
        name = "test"
        if client_id is not None:
            application = self._instance.oauth_applications.get(client_id)
            if application is None:
                raise LookupError(f"no OAuth application of client id {client_id!r}")
            name = application.name
        return self._oauth.access_token(
            user_id,
            client_id=client_id or "client_test",
            name=name,
            scopes=scopes,
            resources=resources,
            token_format=token_format,
            lifetime=lifetime,
        )

    def create_oauth_application(
        self,
        name: str,
        redirect_uris: Iterable[str],
        *,
        scopes: Iterable[str] = ("profile", "email"),
        public: bool = True,
        consent_screen: bool = True,
    ) -> OAuthApplication:
        """A new OAuth application; one that is not public has a `client_secret`.

        Raises `ValueError` for a redirect URI that no application may have.
        """
        return self._instance.oauth_applications.create(
            name=name,
            redirect_uris=redirect_uris,
            scopes=scopes,
            public=public,
            consent_screen=consent_screen,
        )

    def revoke_api_key(self, id: str) -> None:
        """Make an API key worthless. Raises `LookupError`."""
        self._revoke(self._instance.api_keys, id)

    def revoke_m2m_token(self, id: str) -> None:
        """Make an M2M token worthless, as far as anybody asks. Raises `LookupError`."""
        self._revoke(self._instance.m2m_tokens, id)

    def revoke_oauth_access_token(self, id: str) -> None:
        """Make an OAuth access token worthless, as far as anybody asks. Raises `LookupError`."""
        self._revoke(self._instance.oauth_tokens, id)

    def _machine(self, id: str) -> Machine:
        machine = self._instance.machines.get(id)
        if machine is None:
            raise LookupError(f"no machine {id!r}; there are: {', '.join(self._instance.machines) or 'none'}")
        return machine

    def _revoke(self, tokens: IssuedTokens[Any], id: str) -> None:
        token: Credential | None = tokens.get(id)
        if token is None:
            raise LookupError(f"no token of id {id!r}")
        token.revoke(self._instance.clock())
