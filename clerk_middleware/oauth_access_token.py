"""A user's token of another provider, such as Google.

https://clerk.com/docs/reference/backend/types/backend-oauth-access-token
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["OAuthAccessToken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthAccessToken:
    """What a social connection lets the application do for its user; `Auth.get_oauth_access_token` has it.

    It is not Clerk's own: that of an `OAuthAuth` lets another program use this application.
    """

    #: The provider's access token, to send as ``Authorization: Bearer …``. Clerk renews it by itself.
    token: str = field(repr=False)
    #: ``oauth_google``.
    provider: str
    #: What the user consented to, as the provider names it. Ask for more by clerk-js's ``reauthorize()``.
    scopes: tuple[str, ...] = ()
    #: Which of the user's accounts it is, ``eac_…``: one of ``User.external_accounts``.
    external_account_id: str = ""
    #: The user's id at the provider.
    provider_user_id: str = ""
