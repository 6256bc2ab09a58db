"""The Backend API's endpoints about what a user belongs to: organizations, and accounts elsewhere.

https://clerk.com/docs/reference/backend-api/tag/users
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..directory_objects import invitation_object
from ..instance import Instance
from ..listing import Paging, with_status
from ..social_objects import social_token_object
from ..user_access import UserAccess
from .guard import BackendGuard
from .users import requested_user

__all__ = ["UserRelationAPI"]


class UserRelationAPI:
    """Memberships and invitations of a user, and access tokens of other providers."""

    def __init__(self, instance: Instance, access: UserAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        user = "/v1/users/{user_id}"
        self.routes = [
            guard.route(f"{user}/organization_memberships", GET=self.memberships),
            guard.route(f"{user}/organization_invitations", GET=self.invitations),
            guard.route(f"{user}/oauth_access_tokens/{{provider}}", GET=self.oauth_access_tokens),
        ]

    async def memberships(self, request: Request) -> Response:
        """``GET /users/ID/organization_memberships``"""
        user = requested_user(self._instance, request)
        organizations = self._instance.organizations_of(user.id)
        return Paging(request).counted(organizations, lambda each: self._access.membership_object(each, user))

    async def invitations(self, request: Request) -> Response:
        """``GET /users/ID/organization_invitations``: those to the address of the user."""
        user = requested_user(self._instance, request)
        invitations = self._instance.invitations_of(user)
        return Paging(request).counted(
            with_status(request, invitations, self._instance.clock()),
            lambda each: invitation_object(self._instance, each),
        )

    async def oauth_access_tokens(self, request: Request) -> Response:
        """``GET /users/ID/oauth_access_tokens/PROVIDER``: none where the user has no account there.

        The provider may be written with or without ``oauth_`` before it.
        """
        user = requested_user(self._instance, request)
        provider = request.path_params["provider"].removeprefix("oauth_")
        providers = [provider] if provider in user.oauth_access_tokens else []
        return Paging(request).listed(providers, lambda each: social_token_object(user, each))
