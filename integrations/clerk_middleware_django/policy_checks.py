"""System checks: whose Content Security Policy goes out, and whether templates have its nonce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Warning

from clerk_middleware import CSP, ClerkConfig

from .middleware_setting import CLERK, position
from .runtime import configured

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

_DJANGOS = "django.middleware.csp.ContentSecurityPolicyMiddleware"


def check_policy(**_: Any) -> list[CheckMessage]:
    """Django's own policy, where it has no effect."""
    above, below = position(_DJANGOS), position(CLERK)
    if above is None or below is None or above > below or _policy() is None:
        return []
    return [
        Warning(
            "ContentSecurityPolicyMiddleware is above ClerkMiddleware, whose policy is there first: "
            "SECURE_CSP has no effect.",
            hint=f"In MIDDLEWARE, move {settings.MIDDLEWARE[below]!r} above it: then SECURE_CSP is the "
            "policy, and what Clerk needs is added.",
            id="clerk.W014",
        )
    ]


def is_strict() -> bool:
    """Whether scripts need a nonce, as far as that can be told without a request."""
    policy = _policy()
    return policy is not None and policy.strict


def _policy() -> CSP | None:
    clerk = configured()
    config = clerk.config if clerk is not None else None
    return config.content_security_policy if isinstance(config, ClerkConfig) else None
