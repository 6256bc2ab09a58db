"""How the Backend API writes machines, API keys, M2M tokens and what belongs to OAuth; times are in ms."""

from __future__ import annotations

from typing import Any

from ..credentials import APIKey, Credential, M2MToken, Machine
from ..machines import Machines
from ..oauth.applications import OAuthApplication
from ..oauth.grants import OAuthAccessToken

__all__ = [
    "api_key_object",
    "m2m_token_object",
    "machine_object",
    "oauth_access_token_object",
    "oauth_application_object",
]


def api_key_object(api_key: APIKey, now: float) -> dict[str, Any]:
    """An API key, without its secret."""
    return {
        "object": "api_key",
        "id": api_key.id,
        "type": "api_key",
        "name": api_key.name,
        "subject": api_key.subject,
        "scopes": list(api_key.scopes),
        "claims": api_key.claims,
        **_state(api_key, now),
        "created_by": api_key.created_by,
        "description": api_key.description,
        "last_used_at": _milliseconds(api_key.last_used_at),
        **_times(api_key),
    }


def m2m_token_object(token: M2MToken, now: float) -> dict[str, Any]:
    """An M2M token, without the token itself."""
    return {
        "object": "machine_to_machine_token",
        "id": token.id,
        "subject": token.subject,
        "scopes": list(token.scopes),
        "claims": token.claims,
        **_state(token, now),
        "last_used_at": None,
        **_times(token),
    }


def oauth_access_token_object(token: OAuthAccessToken, now: float) -> dict[str, Any]:
    """An OAuth access token, without the token itself."""
    return {
        "object": "clerk_idp_oauth_access_token",
        "id": token.id,
        "client_id": token.client_id,
        "type": "oauth:access_token",
        "name": token.name,
        "subject": token.subject,
        "scopes": list(token.scopes),
        **_state(token, now),
        **_times(token),
    }


def machine_object(machine: Machine, machines: Machines, instance_id: str) -> dict[str, Any]:
    """A machine and those that it may call, without secret keys."""
    callable_machines = [machines[id] for id in machine.scopes if id in machines]
    return {
        **_machine(machine, instance_id),
        "scoped_machines": [_machine(other, instance_id) for other in callable_machines],
    }


def oauth_application_object(application: OAuthApplication, url: str, instance_id: str) -> dict[str, Any]:
    """An OAuth application, without its secret; `url` is LocalClerk's."""
    return {
        "object": "oauth_application",
        "id": application.id,
        "instance_id": instance_id,
        "name": application.name,
        "client_id": application.client_id,
        "public": application.public,
        "dynamically_registered": application.is_dynamic,
        "consent_screen_enabled": application.consent_screen,
        "pkce_required": application.public,
        "scopes": " ".join(application.scopes),
        "client_uri": None,
        "client_image_url": None,
        "redirect_uris": list(application.redirect_uris),
        "callback_url": next(iter(application.redirect_uris), ""),
        "authorize_url": f"{url}/oauth/authorize",
        "token_fetch_url": f"{url}/oauth/token",
        "user_info_url": f"{url}/oauth/userinfo",
        "discovery_url": f"{url}/.well-known/openid-configuration",
        # Clerk names one; LocalClerk has none, so that who asks there is told so.
        "token_introspection_url": f"{url}/oauth/token_info",
        **_times(application),
    }


def _machine(machine: Machine, instance_id: str) -> dict[str, Any]:
    return {
        "object": "machine",
        "id": machine.id,
        "instance_id": instance_id,
        "name": machine.name,
        "default_token_ttl": machine.default_token_lifetime,
        **_times(machine),
    }


def _state(credential: Credential, now: float) -> dict[str, Any]:
    return {
        "revoked": credential.is_revoked,
        "revocation_reason": credential.revocation_reason,
        "expired": credential.is_expired(now),
        "expiration": _milliseconds(credential.expires_at),
    }


def _times(record: Credential | Machine | OAuthApplication) -> dict[str, int | None]:
    return {
        "created_at": _milliseconds(record.created_at),
        "updated_at": _milliseconds(record.updated_at),
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
