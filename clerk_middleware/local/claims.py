"""The claims of session tokens, versions 1 and 2, and of JWT templates.

Follows https://clerk.com/docs/guides/sessions/session-tokens
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clerk_middleware.testing.packing import Entitlements, Membership, version_2_claims

from .seed import Organization, Role, Seed, User
from .shortcodes import resolve

__all__ = [
    "RESERVED_SESSION_CLAIMS",
    "RESERVED_TEMPLATE_CLAIMS",
    "Subject",
    "custom_claims",
    "subject_claims",
]

#: What Clerk sets in every token, or keeps for session tokens, so that no template may.
RESERVED_TEMPLATE_CLAIMS = frozenset(
    ("iss", "sub", "sid", "iat", "nbf", "exp", "jti", "azp", "v", "fva", "sts", "fea", "pla", "o")
)
#: What Clerk sets in a session token.
RESERVED_SESSION_CLAIMS = RESERVED_TEMPLATE_CLAIMS | {
    "act",
    "org_id",
    "org_role",
    "org_slug",
    "org_permissions",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Whom a token is about: a user, the active organization if any, and the seed they are of."""

    seed: Seed
    user: User
    organization: Organization | None
    role: Role | None
    #: Every organization of the user.
    organizations: tuple[Organization, ...]

    @property
    def organization_features(self) -> tuple[str, ...]:
        """The features that the active organization has, from its plan and without one."""
        if self.organization is None:
            return ()
        return _ordered((*self.seed.organization_features, *self._plan_features(self.organization.plan)))

    @property
    def user_features(self) -> tuple[str, ...]:
        """The features that the user has personally."""
        return _ordered((*self.seed.user_features, *self._plan_features(self.user.plan)))

    @property
    def permissions(self) -> tuple[str, ...]:
        """The custom permissions in the active organization.

        System permissions are never in a token, nor are those of a feature that the organization's
        plan lacks: https://clerk.com/docs/guides/billing/for-b2b
        """
        features = self.organization_features
        held = self.role.permissions if self.role else ()
        return _ordered(permission for permission in held if permission.split(":")[1] in features)

    def _plan_features(self, key: str | None) -> tuple[str, ...]:
        return self.seed.plans[key].features if key else ()


def subject_claims(subject: Subject, *, version: int) -> dict[str, Any]:
    """The claims about plan, features and organization, as version 1 or 2 writes them."""
    organization, role = subject.organization, subject.role
    if version == 1:
        if organization is None or role is None:
            return {}
        return {
            "org_id": organization.id,
            "org_slug": organization.slug,
            "org_role": role.key,
            "org_permissions": list(subject.permissions),
        }
    membership, plan = None, None
    if organization is not None and role is not None:
        membership = Membership(organization.id, organization.slug, role.key, subject.permissions)
        plan = organization.plan
    return version_2_claims(
        membership,
        organization=Entitlements(subject.organization_features, plan),
        user=Entitlements(subject.user_features, subject.user.plan),
    )


def custom_claims(template: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """The seed's own claims, shortcodes resolved."""
    user, organization, role = subject.user, subject.organization, subject.role
    context: dict[str, Any] = {
        "user": {
            "id": user.id,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "full_name": user.full_name,
            "username": user.username,
            "primary_email_address": user.email,
            "email_verified": user.email_verified,
            "two_factor_enabled": user.has_second_factor,
            "public_metadata": user.public_metadata,
            "unsafe_metadata": user.unsafe_metadata,
            "organizations": {
                membership.id: membership.members[user.id] for membership in subject.organizations
            },
        }
    }
    if organization is not None and role is not None:
        context["org"] = {
            "id": organization.id,
            "name": organization.name,
            "slug": organization.slug,
            "role": role.key,
            "public_metadata": organization.public_metadata,
        }
        context["org_membership"] = {"permissions": list(subject.permissions)}
    claims: dict[str, Any] = resolve(template, context)
    return claims


def _ordered(values: Iterable[str]) -> tuple[str, ...]:
    """`values` sorted, each once."""
    return tuple(sorted(set(values)))
