"""The Auth objects: who a request is, as an application sees it.

https://clerk.com/docs/reference/backend/types/auth-object
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from . import authorization
from .auth_base import Auth
from .claims import SessionClaims
from .errors import ClerkError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from clerk_backend_api.models import User

    from .authorization import Preset, Reverification
    from .clerk_access import RequestAccess
    from .oauth_access_token import OAuthAccessToken
    from .tokens.classes import AcceptsToken, TokenType

__all__ = ["Auth", "SessionAuth", "SignedOut"]

T = TypeVar("T")


class SignedOut(Auth):
    """Nobody is signed in."""

    __slots__ = ("_reason", "_retry_after", "_scopes", "_session_status", "accepted")

    def __init__(
        self,
        *,
        token_type: TokenType | None = "session_token",
        session_status: str | None = None,
        reason: str | None = None,
        scopes: tuple[str, ...] | None = None,
        retry_after: int | None = None,
        accepted: AcceptsToken | None = None,
    ) -> None:
        #: Which types of token would have counted, where that is known.
        self.accepted: AcceptsToken | None = accepted
        self._retry_after = retry_after
        self._token_type = token_type
        self._session_status = session_status
        self._scopes = () if token_type in ("session_token", None) else scopes
        self._reason = reason

    def __repr__(self) -> str:
        return f"<SignedOut {self._reason or self._session_status or ''}".rstrip() + ">"

    @property
    def reason(self) -> str | None:
        return self._reason

    def with_scopes(self, scopes: tuple[str, ...]) -> SignedOut:
        """The same for a framework that looks into the scopes, whoever it is."""
        other = copy(self)
        other._scopes = scopes
        return other

    @property
    def retry_after(self) -> int | None:
        return self._retry_after

    @property
    def scopes(self) -> tuple[str, ...]:
        """Nothing. `RequestState.to_auth` alone has `None` here of a machine's token, as Clerk's SDKs do."""
        return self._scopes  # type: ignore[return-value]

    @property
    def session_status(self) -> str | None:
        """``pending`` where there is a session, but with tasks that its user has to finish first."""
        return self._session_status


class SessionAuth(Auth):
    """A user is signed in."""

    __slots__ = ("_claims", "_token")

    def __init__(self, claims: SessionClaims, token: str, clerk: RequestAccess | None = None) -> None:
        self._claims = claims
        self._token = token
        self._clerk = clerk

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any], token: str) -> Self:
        """From the claims of a token that was verified elsewhere."""
        return cls(SessionClaims(dict(claims)), token)

    def __repr__(self) -> str:
        organization = f" in {self.org_id}" if self.org_id else ""
        return f"<SessionAuth {self.user_id}{organization}>"

    def __copy__(self) -> Self:
        return self  # it never changes

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it says, and leave out what it was authenticated with: that holds secrets."""
        return SessionAuth.from_claims, (self._claims.read_only, self._token)

    @property
    def is_authenticated(self) -> bool:
        return self._claims.user_id is not None

    @property
    def token_type(self) -> Literal["session_token"]:
        return "session_token"

    @property
    def scopes(self) -> tuple[str, ...]:
        return ("authenticated", *(self.org_permissions or ()))

    @property
    def user_id(self) -> str:
        # A verified token always names its user; only claims given by hand may not.
        return self._claims.user_id  # type: ignore[return-value]

    @property
    def session_id(self) -> str | None:
        return self._claims.session_id

    @property
    def session_claims(self) -> Mapping[str, Any]:
        """Every claim of the token, custom ones as they came. Read-only; `dict()` makes a copy."""
        return self._claims.read_only

    @property
    def session_status(self) -> str | None:
        return self._claims.session_status

    @property
    def actor(self) -> Mapping[str, Any] | None:
        """Who impersonates the user: ``{"sub": "user_…"}``."""
        return self._claims.actor

    @property
    def org_id(self) -> str | None:
        """The active organization's id."""
        return self._claims.org_id

    @property
    def org_role(self) -> str | None:
        """The user's role in it, such as ``org:admin``."""
        return self._claims.org_role

    @property
    def org_slug(self) -> str | None:
        return self._claims.org_slug

    @property
    def org_permissions(self) -> tuple[str, ...] | None:
        """The user's permissions in it, such as ``org:teams:manage``."""
        return self._claims.org_permissions

    @property
    def factor_verification_age(self) -> tuple[float, float] | None:
        """Minutes since the first and the second factor were verified, -1 for never."""
        return self._claims.factor_verification_age

    def has(
        self,
        *,
        role: str | None = None,
        permission: str | None = None,
        feature: str | None = None,
        plan: str | None = None,
        reverification: Preset | Reverification | Mapping[str, object] | None = None,
    ) -> bool:
        """Tell whether everything asked is allowed; `False` where nothing is asked. Never raises.

        :param role: ``org:admin``, in the active organization.
        :param permission: ``org:teams:manage``, in the active organization.
        :param feature: ``export``, or with a scope ``org:export`` or ``user:export``.
        :param plan: likewise.
        :param reverification: ``strict_mfa``, ``strict``, ``moderate``, ``lax``, or a level
            and an age in minutes: ``{"level": "first_factor", "after_minutes": 10}``.
        """
        return authorization.has(self._claims, role, permission, feature, plan, reverification)

    def claims_as(self, shape: type[T]) -> T:
        """The claims as a dataclass or a `TypedDict` of yours, checked.

        A field that a Python name cannot spell (``org.id``) belongs in a functional `TypedDict`.

        :raises ClerkError: naming the claim that is missing or of another type.
        """
        from .claims_shape import shape_claims

        return shape_claims(self._claims.read_only, shape)

    def get_token(self, template: str | None = None) -> str:
        """The session token of this request, or a new one made from a JWT template.

        Without *template* no network is needed.

        :raises BackendAPIError: if Clerk does not issue one.
        """
        if template is None:
            return self._token
        return self._expect_clerk("a token").get_session_token(self._expect_session_id(), template)

    async def aget_token(self, template: str | None = None) -> str:
        """`get_token` for asynchronous code."""
        if template is None:
            return self._token
        return await self._expect_clerk("a token").aget_session_token(self._expect_session_id(), template)

    def get_user(self) -> User:
        """The user, as Clerk describes them now: asked once a request (or WebSocket).

        Needs the extra ``backend``. https://clerk.com/docs/reference/backend/types/backend-user

        :raises BackendAPIError: if the user was deleted (404), or Clerk does not answer.
        """
        return self._expect_clerk("its user").get_user(self.user_id)

    async def aget_user(self) -> User:
        """`get_user` for asynchronous code."""
        return await self._expect_clerk("its user").aget_user(self.user_id)

    def get_oauth_access_token(
        self, provider: str, *, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """The user's token of another provider; `None` where the user has not connected an account there.

        Clerk is asked each time, and renews it where it has expired. Needs the extra ``backend``.

        :param provider: ``google``, ``custom_NAME``; with ``oauth_`` in front, too.
        :param external_account_id: which account, of several there. Default: the first one.
        :raises BackendAPIError: if Clerk can't renew the token (its `code` says why), or does not answer.
        """
        clerk = self._expect_clerk("a token")
        return clerk.get_oauth_access_token(self.user_id, provider, external_account_id)

    async def aget_oauth_access_token(
        self, provider: str, *, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """`get_oauth_access_token` for asynchronous code."""
        clerk = self._expect_clerk("a token")
        return await clerk.aget_oauth_access_token(self.user_id, provider, external_account_id)

    def _expect_session_id(self) -> str:
        if self.session_id is None:
            raise ClerkError(
                "Clerk issues tokens for sessions, and this one's token came without a session id"
            )
        return self.session_id
