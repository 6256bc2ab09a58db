"""The Backend API, ``/v1`` with the secret key: what an application's server asks Clerk.

https://clerk.com/docs/reference/backend-api
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from starlette.routing import Route

from ..instance import Instance
from ..issuing import CredentialIssuer
from ..tokens import TokenIssuer
from ..user_access import UserAccess
from .api_keys import APIKeyAPI
from .clients import ClientAPI
from .guard import BackendGuard
from .jwt_templates import JWTTemplateAPI
from .m2m_tokens import M2MTokenAPI
from .machines import MachineAPI
from .memberships import MembershipAPI
from .oauth_applications import OAuthApplicationAPI
from .organization_invitations import OrganizationInvitationAPI
from .organizations import OrganizationAPI
from .session_tokens import SessionTokenAPI
from .sessions import SessionAPI
from .sign_up_invitations import SignUpInvitationAPI
from .tickets import TicketAPI
from .user_relations import UserRelationAPI
from .user_security import UserSecurityAPI
from .users import UserAPI

__all__ = ["UNVERSIONED_PATHS", "BackendAPI"]

#: What Clerk's client for JavaScript asks for without ``/v1``, and its others with it.
UNVERSIONED_PATHS = ("/api_keys", "/m2m_tokens", "/oauth_applications/access_tokens")


class BackendAPI:
    """Every group of its endpoints."""

    def __init__(
        self, instance: Instance, issuer: TokenIssuer, credentials: CredentialIssuer, access: UserAccess
    ) -> None:
        guard = BackendGuard(instance)
        routes = [
            *ClientAPI(instance, guard).routes,
            *SessionAPI(instance, guard).routes,
            *SessionTokenAPI(instance, issuer, guard).routes,
            *UserSecurityAPI(instance, access, guard).routes,
            *UserRelationAPI(instance, access, guard).routes,
            *UserAPI(instance, access, guard).routes,
            *OrganizationAPI(instance, access, guard).routes,
            *MembershipAPI(instance, access, guard).routes,
            *OrganizationInvitationAPI(instance, access, guard).routes,
            *SignUpInvitationAPI(instance, guard).routes,
            *TicketAPI(instance, guard).routes,
            *JWTTemplateAPI(instance, guard).routes,
            *MachineAPI(instance, guard).routes,
            *M2MTokenAPI(instance, credentials, guard).routes,
            *APIKeyAPI(instance, credentials, guard).routes,
            *OAuthApplicationAPI(instance, guard).routes,
        ]
        self.routes = [*routes, *_unversioned(routes)]


def _unversioned(routes: Iterable[Route]) -> Iterator[Route]:
    for route in routes:
        path = route.path.removeprefix("/v1")
        if path.startswith(UNVERSIONED_PATHS):
            yield Route(path, route.endpoint, methods=list(route.methods or ()))
