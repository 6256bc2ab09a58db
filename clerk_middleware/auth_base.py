"""`Auth`, the base of the Auth objects: what all of them can be asked.

https://clerk.com/docs/reference/backend/types/auth-object
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import ClerkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clerk_backend_api.models import User

    from .authorization import Preset, Reverification
    from .clerk_access import RequestAccess
    from .oauth_access_token import OAuthAccessToken
    from .tokens.classes import TokenType


class Auth:
    """Base of all Auth objects: nobody is signed in, and nothing is allowed.

    Every property of a session is here, so that code which handles both sessions and signed-out
    visitors needs no `isinstance`.
    """

    __slots__ = ("_clerk", "_token_type")

    _clerk: RequestAccess | None
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

    def get_user(self) -> User | None:
        """The user, as Clerk describes them now; `None` where nobody is signed in, or it is no user's."""
        return self._expect_clerk("its user").get_user(self.user_id) if self.user_id is not None else None

    async def aget_user(self) -> User | None:
        """`get_user` for asynchronous code."""
        if self.user_id is None:
            return None
        return await self._expect_clerk("its user").aget_user(self.user_id)

    def get_oauth_access_token(
        self, provider: str, *, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """The user's token of another provider, such as ``google``; `None` where there is none."""
        return None

    async def aget_oauth_access_token(
        self, provider: str, *, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """`get_oauth_access_token` for asynchronous code."""
        return None

    def _expect_clerk(self, wanted: str) -> RequestAccess:
        if self._clerk is None:
            raise ClerkError(
                f"only an authenticated request can ask Clerk for {wanted}: this Auth object was made from "
                "what a token says alone, or was pickled"
            )
        return self._clerk
