"""Users and their memberships as the Frontend API shows them to the users themselves.

They are those of the Backend API, less what is for servers only.
"""

from __future__ import annotations

from typing import Any

from ..claims import Subject
from ..directory_objects import public_user_object, user_data
from ..instance import Instance
from ..organization_access import OrganizationAccess
from ..seed import Organization, User

__all__ = ["membership_resource", "public_user_data", "user_resource", "without_private"]

#: Nothing for a browser: metadata of servers, and who made an organization.
_PRIVATE = frozenset({"private_metadata", "created_by"})
#: Pictures are nowhere to be had without a network; components show initials in their place.
_IMAGES = frozenset({"image_url", "profile_image_url"})
#: The application's own, whatever is in it.
_METADATA = frozenset({"public_metadata", "unsafe_metadata"})


def user_resource(instance: Instance, access: OrganizationAccess, user: User) -> dict[str, Any]:
    """A USER: who is signed in."""
    memberships = [
        membership_resource(instance, access, organization, user)
        for organization in instance.organizations_of(user.id)
    ]
    return {
        **without_private(user_data(instance, user)),
        "profile_image_id": "",
        "organization_memberships": memberships,
        "password_enabled": bool(user.password),
        "delete_self_enabled": True,
        "timezone": None,
    }


def public_user_data(user: User) -> dict[str, Any]:
    """What others may see of a user."""
    shown: dict[str, Any] = without_private(public_user_object(user))
    return shown


def membership_resource(
    instance: Instance, access: OrganizationAccess, organization: Organization, user: User
) -> dict[str, Any]:
    """The membership of a user in an organization, with the permissions that it gives."""
    shown = without_private(access.membership_object(organization, user))
    pending = instance.pending_invitations_count(organization.id)
    organization_shown = {**shown["organization"], "pending_invitations_count": pending}
    permissions = _permissions(instance, organization, user)
    # The browser keeps what it has, unless this is newer: the time must not be that of the request.
    updated_at = int(instance.times_of(organization.id)[1] * 1000)
    return {**shown, "organization": organization_shown, "permissions": permissions, "updated_at": updated_at}


def without_private(value: Any) -> Any:
    """`value`, an object of the Backend API, without what is for servers only, however deep."""
    if isinstance(value, dict):
        return {
            name: "" if name in _IMAGES else kept if name in _METADATA else without_private(kept)
            for name, kept in value.items()
            if name not in _PRIVATE
        }
    return [without_private(item) for item in value] if isinstance(value, list) else value


def _permissions(instance: Instance, organization: Organization, user: User) -> list[str]:
    """System permissions, which components ask for, and the custom ones that a token would have."""
    role = instance.seed.roles[organization.members[user.id]]
    subject = Subject(
        seed=instance.seed,
        user=user,
        organization=organization,
        role=role,
        organizations=instance.organizations_of(user.id),
    )
    system = [permission for permission in role.permissions if permission.startswith("org:sys_")]
    return [*system, *subject.permissions]
