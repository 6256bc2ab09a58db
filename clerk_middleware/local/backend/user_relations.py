"""The Backend API's endpoints about what a user belongs to: organizations, and accounts elsewhere.

https://clerk.com/docs/reference/backend-api/tag/users
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..directory_objects import invitation_object
from ..instance import Instance
from ..social_objects import oauth_access_token_object
from ..user_access import UserAccess
from .guard import BackendGuard
from .organization_invitations import with_status
from .paging import Paging
from .users import requested_user

__all__ = ["UserRelationAPI"]


class UserRelationAPI:
    """Memberships and invitations of a user, and access tokens of other providers."""

    def __init__(self, instance: Instance, access: UserAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        guarded, user = guard.guarded, "/v1/users/{user_id}"
        self.routes = [
            Route(f"{user}/organization_memberships", guarded(self.memberships), methods=["GET"]),
            Route(f"{user}/organization_invitations", guarded(self.invitations), methods=["GET"]),
            Route(
                f"{user}/oauth_access_tokens/{{provider}}", guarded(self.oauth_access_tokens), methods=["GET"]
            ),
        ]

    async def memberships(self, request: Request) -> Response:
        """``GET /users/ID/organization_memberships``"""
        user = requested_user(self._instance, request)
        organizations = self._instance.organizations_of(user.id)
        return Paging(request).counted(organizations, lambda each: self._access.membership_object(each, user))

    async def invitations(self, request: Request) -> Response:
        """``GET /users/ID/organization_invitations``: those to the address of the user."""
        user = requested_user(self._instance, request)
        invitations = [
            each for each in self._instance.invitations.values() if each.email.lower() == user.email.lower()
        ]
        return Paging(request).counted(
            with_status(self._instance, request, invitations),
            lambda each: invitation_object(self._instance, each),
        )

    async def oauth_access_tokens(self, request: Request) -> Response:
        """``GET /users/ID/oauth_access_tokens/PROVIDER``: none where the user has no account there.

        The provider may be written with or without ``oauth_`` before it.
        """
        user = requested_user(self._instance, request)
        provider = request.path_params["provider"].removeprefix("oauth_")
        providers = [provider] if provider in user.oauth_access_tokens else []
        return Paging(request).listed(providers, lambda each: oauth_access_token_object(user, each))
