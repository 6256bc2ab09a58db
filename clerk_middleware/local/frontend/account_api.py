"""What a signed-in user does about themselves and their organizations, put together."""

from __future__ import annotations

from starlette.routing import Route

from ..instance import Instance
from ..user_access import UserAccess
from .guard import FrontendGuard
from .invitations import Invitations
from .me import Me
from .memberships import Memberships
from .my_addresses import MyAddresses
from .my_organizations import MyOrganizations
from .my_sessions import MySessions
from .my_totp import MyTOTP
from .organization_members import OrganizationMembers
from .organizations import Organizations
from .resources import Resources
from .unserved import Unserved
from .verification_endpoints import VerificationEndpoints
from .verifications import Verifications

__all__ = ["AccountAPI"]


class AccountAPI:
    """Each request is one of a session of the browser's, and may do what its user may."""

    def __init__(
        self, instance: Instance, directory: UserAccess, guard: FrontendGuard, resources: Resources
    ) -> None:
        members = OrganizationMembers(instance)
        self.routes: list[Route] = [
            *VerificationEndpoints(instance, Verifications(instance), guard, resources).routes,
            *Me(instance, directory, guard, resources).routes,
            *MyAddresses(instance, directory, guard, resources).routes,
            *MySessions(instance, guard, resources).routes,
            *MyTOTP(instance, directory, guard, resources).routes,
            *MyOrganizations(instance, directory, members, guard, resources).routes,
            *Organizations(instance, directory, members, guard, resources).routes,
            *Memberships(instance, directory, members, guard, resources).routes,
            *Invitations(instance, directory, members, guard, resources).routes,
            *Unserved(guard).routes,
        ]
