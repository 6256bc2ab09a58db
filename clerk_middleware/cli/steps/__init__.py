"""The steps of the tour. A step's docstring is the line that is printed; steps build on earlier ones."""

from __future__ import annotations

from ..tour import Step
from . import expiry, machines, organizations, own_domain, parts, permissions, signing_in, webhooks

__all__ = ["STEPS"]

STEPS: tuple[Step, ...] = (
    signing_in.public_page,
    signing_in.redirect_to_sign_in,
    signing_in.unauthorized_api,
    signing_in.sign_in,
    signing_in.no_further_handshake,
    own_domain.handshake_by_proxy,
    own_domain.proxy_for_clerk_alone,
    own_domain.content_security_policy,
    permissions.form,
    permissions.form_of_another_site,
    permissions.other_role,
    permissions.forbidden,
    permissions.token_in_header,
    permissions.reverification,
    organizations.organization_by_url,
    organizations.organization_of_others,
    permissions.plans,
    organizations.organization_by_page,
    expiry.refresh,
    expiry.form_too_late,
    expiry.handshake_for_expired,
    expiry.revoked,
    parts.websocket,
    parts.positions,
    machines.api_key,
    machines.revoked_api_key,
    machines.own_machine,
    machines.foreign_machine,
    machines.oauth_token,
    machines.oauth_discovery,
    webhooks.roster,
    webhooks.redelivered_webhook,
    webhooks.forged_webhook,
    parts.described,
    parts.local_user,
    signing_in.sign_out,
)
