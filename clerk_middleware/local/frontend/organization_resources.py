"""Organizations, their roles and who is invited to them, as the Frontend API shows them to members."""

from __future__ import annotations

import hashlib
from typing import Any

from ..directory_objects import invitation_object, organization_object
from ..instance import Instance
from ..organization_invitations import OrganizationInvitation
from ..seed import Organization, Role
from .user_resources import without_private

__all__ = ["invitation_resource", "organization_resource", "role_resource"]


def organization_resource(instance: Instance, organization: Organization) -> dict[str, Any]:
    """An ORGANIZATION."""
    shown: dict[str, Any] = without_private(organization_object(instance, organization))
    return {**shown, "pending_invitations_count": instance.pending_invitations_count(organization.id)}


def invitation_resource(instance: Instance, invitation: OrganizationInvitation) -> dict[str, Any]:
    """An ORGANIZATION_INVITATION, for those who invite and for who is invited."""
    shown: dict[str, Any] = without_private(invitation_object(instance, invitation))
    return shown


def role_resource(instance: Instance, role: Role) -> dict[str, Any]:
    """A ROLE, which a member may have."""
    times = dict.fromkeys(("created_at", "updated_at"), int(instance.created_at * 1000))
    permissions = [
        {
            "object": "permission",
            "id": _id("perm", key),
            "key": key,
            "name": key,
            "description": "",
            "type": "system" if key.startswith("org:sys_") else "user",
            **times,
        }
        for key in role.permissions
    ]
    return {
        "object": "role",
        "id": _id("role", role.key),
        "key": role.key,
        "name": role.name,
        "description": "",
        "permissions": permissions,
        **times,
    }


def _id(prefix: str, key: str) -> str:
    """The same one at each start."""
    return f"{prefix}_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
