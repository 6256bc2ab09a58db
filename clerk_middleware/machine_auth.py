"""The Auth objects of machines: API keys, M2M tokens and OAuth access tokens.

https://clerk.com/docs/reference/backend/types/auth-object
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from .auth import Auth
from .errors import ClerkError

if TYPE_CHECKING:
    from collections.abc import Mapping


class MachineAuth(Auth):
    """Base of the Auth objects of machines: a verified token that is no session."""

    __slots__ = ("_claims", "_id", "_scopes", "_subject", "_token")

    def __init__(
        self,
        *,
        id: str,
        subject: str,
        scopes: tuple[str, ...],
        claims: Mapping[str, Any] | None,
        token: str,
    ) -> None:
        self._id = id
        self._subject = subject
        self._scopes = scopes
        self._claims = claims
        self._token = token

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id or self._subject}>"

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def id(self) -> str:
        """The token's own id."""
        return self._id

    @property
    def subject(self) -> str:
        """Whom or what the token was issued for."""
        return self._subject

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the token may be used for."""
        return self._scopes

    @property
    def claims(self) -> Mapping[str, Any] | None:
        """Custom claims, `None` where there are none."""
        return self._claims

    def get_token(self, template: str | None = None) -> str:
        """The token itself; a machine has no templates."""
        if template is not None:
            raise ClerkError("a machine's token has no JWT templates: they are a session's")
        return self._token

    async def aget_token(self, template: str | None = None) -> str:
        """`get_token` for asynchronous code."""
        return self.get_token(template)


class APIKeyAuth(MachineAuth):
    """An API key, of a user or an organization."""

    __slots__ = ("_name",)

    def __init__(self, *, name: str | None = None, **token: Any) -> None:
        super().__init__(**token)
        self._name = name

    @property
    def token_type(self) -> Literal["api_key"]:
        return "api_key"

    @property
    def name(self) -> str | None:
        """What its owner called it."""
        return self._name

    @property
    def user_id(self) -> str | None:
        return self._subject if self._subject.startswith("user_") else None

    @property
    def org_id(self) -> str | None:
        return self._subject if self._subject.startswith("org_") else None


class M2MAuth(MachineAuth):
    """A machine of the same Clerk instance."""

    __slots__ = ()

    @property
    def token_type(self) -> Literal["m2m_token"]:
        return "m2m_token"

    @property
    def machine_id(self) -> str:
        """The machine that calls."""
        return self._subject


class OAuthAuth(MachineAuth):
    """An OAuth client that acts for a user."""

    __slots__ = ("_client_id",)

    def __init__(self, *, client_id: str | None = None, **token: Any) -> None:
        super().__init__(**token)
        self._client_id = client_id

    @property
    def token_type(self) -> Literal["oauth_token"]:
        return "oauth_token"

    @property
    def client_id(self) -> str | None:
        """The OAuth application."""
        return self._client_id

    @property
    def user_id(self) -> str:
        """The user who consented."""
        return self._subject
