"""The environment: how clerk-js and its components are to behave, hence what they show.

https://clerk.com/docs/reference/frontend-api/tag/Environment
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from ..origins import own_url
from ..seed import Seed
from .display_config import display_config
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .user_settings import user_settings

__all__ = ["EnvironmentAPI"]


class EnvironmentAPI:
    """``/v1/environment``, which tells nothing of anybody."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self.routes = [frontend.guard.route("/v1/environment", GET=self.environment, PATCH=self.environment)]

    async def environment(self, asked: FrontendRequest) -> Response:
        """``GET /environment``, and ``PATCH``, with which clerk-js tells in development where it runs."""
        instance, seed, url = self._instance, self._instance.seed, own_url(asked.request)
        return JSONResponse(
            {
                "object": "environment",
                "id": f"env_{instance.id.removeprefix('ins_')}",
                "auth_config": _auth_config(is_multi_session=seed.multi_session),
                "display_config": display_config(instance, url=url, home=f"{asked.origin or url}/"),
                "user_settings": user_settings(instance),
                "organization_settings": _organization_settings(seed),
                "commerce_settings": {"billing": _BILLING},
                "api_keys_settings": {"user_api_keys_enabled": False, "orgs_api_keys_enabled": False},
                "protect_config": {"object": "protect_config", "id": "", "loaders": []},
                "maintenance_mode": False,
                "client_debug_mode": False,
                "partitioned_cookies": False,
            }
        )


_NO_PLANS = {"enabled": False, "has_paid_plans": False}
_BILLING = {"stripe_publishable_key": None, "organization": _NO_PLANS, "user": _NO_PLANS}


def _auth_config(*, is_multi_session: bool) -> dict[str, Any]:
    return {
        "object": "auth_config",
        "id": "aconf_local",
        "single_session_mode": not is_multi_session,
        "claimed_at": None,
        "reverification": True,
        "session_minter": False,
        "native_settings": None,
    }


def _organization_settings(seed: Seed) -> dict[str, Any]:
    return {
        "enabled": True,
        "max_allowed_memberships": 100,
        "force_organization_selection": seed.force_organization_selection,
        "creator_role": "org:admin",
        "actions": {"admin_delete": True},
        # What the form of invitations begins with is among the settings of domains.
        "domains": {
            "enabled": False,
            "enrollment_modes": [],
            "default_role": "org:member" if "org:member" in seed.roles else None,
        },
        "slug": {"disabled": False},
        "organization_creation_defaults": {"enabled": False},
    }
