"""The Auth objects of machines: API keys, M2M tokens and OAuth access tokens.

https://clerk.com/docs/reference/backend/types/auth-object
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from .auth_base import Auth
from .claims import frozen
from .errors import ClerkError
from .scopes import is_of_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from .clerk_access import RequestAccess
    from .oauth_access_token import OAuthAccessToken


class MachineAuth(Auth):
    """Base of the Auth objects of machines: a verified token that is no session.

    Of an API key and an OAuth token of a user's, `get_user` tells the user. What its bearer may learn of
    them is for you to decide, by the scopes.
    """

    __slots__ = ("_claims", "_id", "_scopes", "_subject", "_token")

    def __init__(
        self,
        *,
        id: str,
        subject: str,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> None:
        self._id = id
        self._subject = subject
        given = (scopes,) if isinstance(scopes, str) else scopes
        self._scopes = tuple(scope for scope in given if not is_of_sessions(scope))
        # Many requests share them: what one writes, the others must not read.
        self._claims = frozen(claims) if claims is not None else None
        self._token = token
        self._clerk = None

    def of_request(self, clerk: RequestAccess) -> Self:
        """The same for one request: what is remembered of its token is for many, and of no request."""
        parts = self._parts()
        del parts["claims"]
        other = type(self)(**parts, token=self._token)
        other._claims = self._claims  # as they are: copying them would take its time
        other._clerk = clerk
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id or self._subject}>"

    def __copy__(self) -> Self:
        return self  # it never changes

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it says, and leave out the token: an API key is a secret for years."""
        return partial(type(self), **self._parts()), ()

    def _parts(self) -> dict[str, Any]:
        return {"id": self._id, "subject": self._subject, "scopes": self._scopes, "claims": self._claims}

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
        """What the token may be used for.

        Never ``authenticated`` or the name of a permission (``org:teams:manage``): those are a session's,
        which frameworks look for in the same place.
        """
        return self._scopes

    @property
    def claims(self) -> Mapping[str, Any] | None:
        """Custom claims, `None` where there are none."""
        return self._claims

    def get_token(self, template: str | None = None) -> str:
        """The token itself; a machine has no templates.

        :raises ClerkError: for a template; and if the object was pickled, which leaves the token out.
        """
        if template is not None:
            raise ClerkError("a machine's token has no JWT templates: they are a session's")
        if not self._token:
            raise ClerkError("this Auth object does not hold its token: it is left out where one is pickled")
        return self._token

    async def aget_token(self, template: str | None = None) -> str:
        """`get_token` for asynchronous code."""
        return self.get_token(template)

    def get_oauth_access_token(
        self, provider: str, *, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """:raises ClerkError: always: a user's accounts elsewhere are for the user's sessions."""
        raise ClerkError(
            "a machine's token does not give access to its user's accounts at other providers: a session does"
        )

    async def aget_oauth_access_token(
        self, provider: str, *, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """:raises ClerkError: always, too."""
        return self.get_oauth_access_token(provider, external_account_id=external_account_id)


class APIKeyAuth(MachineAuth):
    """An API key, of a user or an organization."""

    __slots__ = ("_name",)

    def __init__(
        self,
        *,
        id: str,
        subject: str,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        token: str = "",
        name: str | None = None,
    ) -> None:
        super().__init__(id=id, subject=subject, scopes=scopes, claims=claims, token=token)
        self._name = name

    def _parts(self) -> dict[str, Any]:
        return {**super()._parts(), "name": self._name}

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

    def __init__(
        self,
        *,
        id: str,
        subject: str,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        token: str = "",
        client_id: str | None = None,
    ) -> None:
        super().__init__(id=id, subject=subject, scopes=scopes, claims=claims, token=token)
        self._client_id = client_id

    def _parts(self) -> dict[str, Any]:
        return {**super()._parts(), "client_id": self._client_id}

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
