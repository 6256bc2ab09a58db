"""Users, organizations and memberships as the Backend API shows them, and as events are about them.

https://clerk.com/docs/reference/backend/types/backend-organization-membership
"""

from __future__ import annotations

import hashlib
from typing import Any

from clerk_middleware.testing.user_object import user_object

from .instance import Instance
from .seed import Organization, User

__all__ = ["deleted_object", "membership_object", "organization_object", "user_data"]


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
        has_second_factor=user.second_factor_code is not None,
        public_metadata=user.public_metadata,
        private_metadata=user.private_metadata,
        unsafe_metadata=user.unsafe_metadata,
        created_at=created_at,
    )
    return {**shown, "updated_at": int(updated_at * 1000)}


def deleted_object(kind: str, id: str) -> dict[str, Any]:
    """What is left of something that was deleted."""
    return {"object": kind, "id": id, "deleted": True}


def organization_object(instance: Instance, organization: Organization) -> dict[str, Any]:
    """An organization of an instance."""
    milliseconds = int(instance.created_at * 1000)
    return {
        "object": "organization",
        "id": organization.id,
        "slug": organization.slug,
        "name": organization.name,
        "image_url": "https://img.clerk.com/preview.png",
        "has_image": False,
        "members_count": len(organization.members),
        "max_allowed_memberships": 5,
        "admin_delete_enabled": True,
        "public_metadata": dict(organization.public_metadata),
        "private_metadata": {},
        "created_by": next(iter(organization.members), None),
        "created_at": milliseconds,
        "updated_at": milliseconds,
    }


def membership_object(
    instance: Instance, organization: Organization, user: User, *, created_at: float
) -> dict[str, Any]:
    """The membership of a user, who is one of `organization`'s members since `created_at` (Unix seconds)."""
    role = instance.seed.roles[organization.members[user.id]]
    digest = hashlib.sha256(f"{organization.id} {user.id}".encode()).hexdigest()
    shown = user_data(instance, user)
    return {
        "object": "organization_membership",
        "id": f"orgmem_{digest[:24]}",
        "role": role.key,
        "role_name": role.name,
        "permissions": list(role.permissions),
        "public_metadata": {},
        "private_metadata": {},
        "organization": organization_object(instance, organization),
        "public_user_data": {
            "user_id": user.id,
            "identifier": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "image_url": shown["image_url"],
            "profile_image_url": shown["profile_image_url"],
            "has_image": False,
        },
        "created_at": int(created_at * 1000),
        "updated_at": int(instance.clock() * 1000),
    }
