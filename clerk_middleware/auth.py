"""The Auth objects: who a request is, as an application sees it.

https://clerk.com/docs/reference/backend/types/auth-object
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from . import authorization
from .claims import SessionClaims
from .errors import ClerkError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from .authorization import Preset, Reverification
    from .config import ClerkConfig
    from .tokens.classes import AcceptsToken, TokenType

T = TypeVar("T")


class TokenSource(Protocol):
    """What issues further tokens for a session: an authenticator."""

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str: ...

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str: ...


class Auth:
    """Base of all Auth objects: nobody is signed in, and nothing is allowed.

    Every property of a session is here, so that code which handles both sessions and signed-out
    visitors needs no `isinstance`.
    """

    __slots__ = ("_token_type",)

    _token_type: TokenType | None

    def __bool__(self) -> bool:
        """``if not auth`` asks what it seems to."""
        return self.is_authenticated

    @property
    def is_authenticated(self) -> bool:
        return False

    @property
    def token_type(self) -> TokenType | None:
        """Which type of token was presented, or was asked for."""
        return self._token_type

    @property
    def reason(self) -> str | None:
        """Why nobody is signed in (`clerk_middleware.reasons`), for a log line."""
        return None

    @property
    def retry_after(self) -> int | None:
        """Seconds after which to ask again, where Clerk could not tell whether a machine's token is good."""
        return None

    @property
    def scopes(self) -> tuple[str, ...]:
        """What Starlette's ``@requires`` and the like compare: ``authenticated``, and permissions."""
        return ()

    @property
    def user_id(self) -> str | None:
        return None

    @property
    def session_id(self) -> str | None:
        return None

    @property
    def session_claims(self) -> Mapping[str, Any] | None:
        return None

    @property
    def session_status(self) -> str | None:
        return None

    @property
    def actor(self) -> Mapping[str, Any] | None:
        return None

    @property
    def org_id(self) -> str | None:
        return None

    @property
    def org_role(self) -> str | None:
        return None

    @property
    def org_slug(self) -> str | None:
        return None

    @property
    def org_permissions(self) -> tuple[str, ...] | None:
        return None

    @property
    def factor_verification_age(self) -> tuple[float, float] | None:
        return None

    def has(
        self,
        *,
        role: str | None = None,
        permission: str | None = None,
        feature: str | None = None,
        plan: str | None = None,
        reverification: Preset | Reverification | Mapping[str, object] | None = None,
    ) -> bool:
        """Tell whether everything asked is allowed; `False` where nothing is asked. Never raises."""
        return False

    def get_token(self, template: str | None = None) -> str | None:
        """The session token, or one made from a JWT template; `None` for who is signed out."""
        return None

    async def aget_token(self, template: str | None = None) -> str | None:
        """`get_token` for asynchronous code."""
        return None


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

    __slots__ = ("_claims", "_config", "_source", "_token")

    def __init__(
        self,
        claims: SessionClaims,
        token: str,
        source: TokenSource | None = None,
        config: ClerkConfig | None = None,
    ) -> None:
        self._claims = claims
        self._token = token
        self._source = source
        self._config = config

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
        source, config, session_id = self._issuer()
        return source.get_session_token(config, session_id, template)

    async def aget_token(self, template: str | None = None) -> str:
        """`get_token` for asynchronous code."""
        if template is None:
            return self._token
        source, config, session_id = self._issuer()
        return await source.aget_session_token(config, session_id, template)

    def _issuer(self) -> tuple[TokenSource, ClerkConfig, str]:
        session_id = self.session_id
        if self._source is None or self._config is None or session_id is None:
            raise ClerkError(
                "only an authenticated request can ask Clerk for a token: this Auth object was made from "
                "claims alone, or from a token without a session id"
            )
        return self._source, self._config, session_id
