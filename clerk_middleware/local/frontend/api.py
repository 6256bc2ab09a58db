"""The Frontend API, put together."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Route

from ..browser import Browsers
from ..instance import Instance
from ..origins import OriginPolicy
from ..sign_ins import SignIns
from ..sign_ups import SignUps
from ..tokens import TokenIssuer
from ..user_access import UserAccess
from .clients import ClientAPI
from .environment import EnvironmentAPI
from .frontend import Frontend
from .guard import FrontendGuard
from .handshake import HandshakeAPI
from .me import MeAPI
from .memberships import MembershipAPI
from .my_addresses import MyAddressAPI
from .my_organizations import MyOrganizationAPI
from .my_sessions import MySessionAPI
from .my_totp import MyTOTPAPI
from .npm_files import NpmFileAPI
from .organization_invitations import OrganizationInvitationAPI
from .organization_members import OrganizationMembers
from .organizations import OrganizationAPI
from .resources import Resources
from .sessions import SessionAPI
from .sign_ins import SignInAPI
from .sign_ups import SignUpAPI
from .unserved import UnservedAPI
from .verifications import VerificationAPI

__all__ = ["FrontendAPI"]


class FrontendAPI:
    """What browsers ask LocalClerk, by clerk-js or on their way to an application."""

    def __init__(
        self,
        instance: Instance,
        issuer: TokenIssuer,
        browsers: Browsers,
        origins: OriginPolicy,
        access: UserAccess,
        node_modules: Path | None,
    ) -> None:
        sign_ins, sign_ups = SignIns(instance), SignUps(instance, access)
        resources = Resources(instance, issuer, access, sign_ins, sign_ups)
        frontend = Frontend(
            instance=instance,
            access=access,
            issuer=issuer,
            sign_ins=sign_ins,
            sign_ups=sign_ups,
            guard=FrontendGuard(instance, browsers, origins, resources),
            members=OrganizationMembers(instance),
            resources=resources,
        )
        self.routes: list[Route] = [
            *HandshakeAPI(instance, issuer, browsers, origins).routes,
            *EnvironmentAPI(frontend).routes,
            *ClientAPI(frontend).routes,
            *SignInAPI(frontend).routes,
            *SignUpAPI(frontend).routes,
            *SessionAPI(frontend).routes,
            # What a signed-in user does about themselves and their organizations.
            *VerificationAPI(frontend).routes,
            *MeAPI(frontend).routes,
            *MyAddressAPI(frontend).routes,
            *MySessionAPI(frontend).routes,
            *MyTOTPAPI(frontend).routes,
            *MyOrganizationAPI(frontend).routes,
            *OrganizationAPI(frontend).routes,
            *MembershipAPI(frontend).routes,
            *OrganizationInvitationAPI(frontend).routes,
            *UnservedAPI(frontend).routes,
            *NpmFileAPI(node_modules).routes,
        ]
