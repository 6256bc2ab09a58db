"""Users, organizations and memberships as the Backend API shows them, and as events are about them.

https://clerk.com/docs/reference/backend/types/backend-organization-membership
"""

from __future__ import annotations

import hashlib
from typing import Any

from clerk_middleware.testing.user_object import user_object

from .instance import Instance
from .organization_invitations import OrganizationInvitation
from .seed import Organization, User
from .social_objects import external_account_object

__all__ = [
    "deleted_object",
    "invitation_object",
    "last_seen",
    "membership_object",
    "organization_object",
    "public_user_object",
    "user_data",
]

#: What stands for whoever has no picture.
IMAGE_URL = "https://img.clerk.com/preview.png"


def user_data(instance: Instance, user: User) -> dict[str, Any]:
    """A user of an instance."""
    created_at, updated_at = instance.times_of(user.id)
    shown = user_object(
        user.id,
        email=user.email,
        email_verified=user.email_verified,
        first_name=user.first_name,
        last_name=user.last_name,
        username=user.username,
        has_second_factor=user.has_second_factor,
        external_id=user.external_id,
        banned=user.banned,
        locked=user.locked,
        public_metadata=user.public_metadata,
        private_metadata=user.private_metadata,
        unsafe_metadata=user.unsafe_metadata,
        created_at=created_at,
    )
    connected = [external_account_object(user, provider, created_at) for provider in user.oauth_access_tokens]
    signed_in_at, active_at = last_seen(instance, user)
    return {
        **shown,
        "external_accounts": connected,
        "last_sign_in_at": _milliseconds(signed_in_at),
        "last_active_at": _milliseconds(active_at),
        "updated_at": _milliseconds(updated_at),
    }


def last_seen(instance: Instance, user: User) -> tuple[float | None, float | None]:
    """When a user last signed in and was last active, in Unix seconds, as far as sessions are kept."""
    sessions = [session for session in instance.all_sessions() if session.user_id == user.id]
    return (
        max((session.created_at for session in sessions), default=None),
        max((session.last_active_at for session in sessions), default=None),
    )


def deleted_object(kind: str, id: str) -> dict[str, Any]:
    """What is left of something that was deleted."""
    return {"object": kind, "id": id, "deleted": True}


def organization_object(instance: Instance, organization: Organization) -> dict[str, Any]:
    """An organization of an instance."""
    created_at, updated_at = instance.times_of(organization.id)
    return {
        "object": "organization",
        "id": organization.id,
        "slug": organization.slug,
        "name": organization.name,
        "image_url": IMAGE_URL,
        "has_image": False,
        "members_count": len(organization.members),
        "max_allowed_memberships": organization.max_allowed_memberships,
        "admin_delete_enabled": True,
        "public_metadata": dict(organization.public_metadata),
        "private_metadata": dict(organization.private_metadata),
        "created_by": organization.created_by or next(iter(organization.members), None),
        "created_at": int(created_at * 1000),
        "updated_at": int(updated_at * 1000),
    }


def membership_object(
    instance: Instance, organization: Organization, user: User, *, created_at: float
) -> dict[str, Any]:
    """The membership of a user, who is one of `organization`'s members since `created_at` (Unix seconds)."""
    role = instance.seed.roles[organization.members[user.id]]
    digest = hashlib.sha256(f"{organization.id} {user.id}".encode()).hexdigest()
    return {
        "object": "organization_membership",
        "id": f"orgmem_{digest[:24]}",
        "role": role.key,
        "role_name": role.name,
        "permissions": list(role.permissions),
        "public_metadata": {},
        "private_metadata": {},
        "organization": organization_object(instance, organization),
        "public_user_data": public_user_object(user),
        "created_at": int(created_at * 1000),
        "updated_at": int(instance.clock() * 1000),
    }


def invitation_object(instance: Instance, invitation: OrganizationInvitation) -> dict[str, Any]:
    """An invitation to an organization.

    https://clerk.com/docs/reference/backend/types/backend-organization-invitation
    """
    roles, organization = instance.seed.roles, instance.organizations.get(invitation.organization_id)
    inviter = instance.users.get(invitation.inviter or "")
    return {
        "object": "organization_invitation",
        "id": invitation.id,
        "email_address": invitation.email,
        "role": invitation.role,
        "role_name": roles[invitation.role].name,
        "organization_id": invitation.organization_id,
        "public_organization_data": None
        if organization is None
        else {
            "id": organization.id,
            "name": organization.name,
            "slug": organization.slug,
            "image_url": IMAGE_URL,
            "has_image": False,
        },
        "inviter_id": invitation.inviter,
        "public_inviter_data": None if inviter is None else public_user_object(inviter),
        "status": invitation.status_at(instance.clock()),
        "public_metadata": dict(invitation.public_metadata),
        "private_metadata": dict(invitation.private_metadata),
        "url": None,
        "expires_at": int(invitation.expires_at * 1000),
        "created_at": int(invitation.created_at * 1000),
        "updated_at": int(invitation.updated_at * 1000),
    }


def public_user_object(user: User) -> dict[str, Any]:
    """What others may know of a user."""
    return {
        "user_id": user.id,
        "identifier": user.email,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "image_url": IMAGE_URL,
        "profile_image_url": IMAGE_URL,
        "has_image": False,
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
