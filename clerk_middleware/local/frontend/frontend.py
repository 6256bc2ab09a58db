"""What every group of endpoints of the Frontend API is given."""

from __future__ import annotations

from dataclasses import dataclass

from ..instance import Instance
from ..sign_ins import SignIns
from ..sign_ups import SignUps
from ..tokens import TokenIssuer
from ..user_access import UserAccess
from .guard import FrontendGuard
from .organization_members import OrganizationMembers
from .resources import Resources

__all__ = ["Frontend"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Frontend:
    """The instance, by what it is changed, who may ask, and how it is shown."""

    instance: Instance
    access: UserAccess
    issuer: TokenIssuer
    sign_ins: SignIns
    sign_ups: SignUps
    guard: FrontendGuard
    members: OrganizationMembers
    resources: Resources
