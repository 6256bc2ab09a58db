"""What the events of organizations, of who is in them, and of their roles and permissions carry.

Times are Unix milliseconds. What is required, and what is not, as in `clerk_middleware.webhooks.users`.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class OrganizationData(TypedDict):
    """``organization.created`` and ``organization.updated``."""

    id: str
    object: Literal["organization"]
    name: str
    slug: str
    public_metadata: dict[str, Any] | None
    created_at: int
    updated_at: int
    image_url: NotRequired[str]
    has_image: NotRequired[bool]
    created_by: NotRequired[str]
    members_count: NotRequired[int]
    pending_invitations_count: NotRequired[int]
    max_allowed_memberships: NotRequired[int]
    admin_delete_enabled: NotRequired[bool]
    private_metadata: NotRequired[dict[str, Any]]


class OrganizationDomainVerificationData(TypedDict):
    status: str
    strategy: str
    attempts: int
    expires_at: int


class OrganizationDomainData(TypedDict):
    """``organizationDomain.created`` and ``organizationDomain.updated``."""

    id: str
    object: Literal["organization_domain"]
    name: str
    organization_id: str
    #: ``manual_invitation``, ``automatic_invitation``, ``automatic_suggestion``, …
    enrollment_mode: str
    verification: OrganizationDomainVerificationData | None
    affiliation_email_address: str | None
    total_pending_invitations: int
    total_pending_suggestions: int
    created_at: int
    updated_at: int


class PublicOrganizationData(TypedDict):
    id: str
    name: str
    slug: str
    has_image: bool
    image_url: NotRequired[str]


class OrganizationInvitationData(TypedDict):
    """``organizationInvitation.created`` and ``organizationInvitation.revoked``."""

    id: str
    email_address: str
    #: Such as ``org:member``.
    role: str
    organization_id: str
    created_at: int
    updated_at: int
    #: ``pending``, ``accepted``, ``revoked``, …
    status: NotRequired[str]
    role_name: NotRequired[str]
    public_organization_data: NotRequired[PublicOrganizationData | None]
    public_metadata: NotRequired[dict[str, Any]]
    private_metadata: NotRequired[dict[str, Any]]
    url: NotRequired[str | None]
    expires_at: NotRequired[int]
    object: NotRequired[Literal["organization_invitation"]]


class OrganizationInvitationAcceptedData(OrganizationInvitationData):
    """``organizationInvitation.accepted``."""

    user_id: NotRequired[str]


class PublicUserData(TypedDict):
    user_id: str
    first_name: str | None
    last_name: str | None
    identifier: NotRequired[str]
    image_url: NotRequired[str]
    has_image: NotRequired[bool]


class OrganizationMembershipData(TypedDict):
    """``organizationMembership.created``, ``.updated`` and ``.deleted``."""

    id: str
    object: Literal["organization_membership"]
    #: Such as ``org:admin``.
    role: str
    organization: OrganizationData
    public_user_data: PublicUserData
    created_at: int
    updated_at: int
    permissions: NotRequired[list[str]]
    public_metadata: NotRequired[dict[str, Any]]
    private_metadata: NotRequired[dict[str, Any]]


class PermissionData(TypedDict):
    """``permission.created``, ``.updated`` and ``.deleted``."""

    id: str
    object: Literal["permission"]
    #: Such as ``org:teams:manage``.
    key: str
    name: str
    description: str
    created_at: int
    updated_at: int


class RoleData(TypedDict):
    """``role.created``, ``.updated`` and ``.deleted``."""

    id: str
    object: Literal["role"]
    #: Such as ``org:dispatcher``.
    key: str
    name: str
    description: str
    permissions: list[PermissionData]
    is_creator_eligible: bool
    created_at: int
    updated_at: int
