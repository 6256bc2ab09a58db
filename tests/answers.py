"""What refusals are answered with, in every framework alike."""

from __future__ import annotations

from typing import Any

UNAUTHORIZED = {
    "clerk_error": {
        "type": "unauthorized",
        "reason": "session-token-and-uat-missing",
        "message": "Sign in to do this.",
    }
}
#: Word for word what Clerk's frontend reads, where "strict" is required.
REVERIFICATION = {
    "clerk_error": {
        "type": "forbidden",
        "reason": "reverification-error",
        "metadata": {"reverification": {"level": "second_factor", "afterMinutes": 10}},
    }
}
NOT_FOUND = b'{"detail":"Not Found"}'


def forbidden(**required: str) -> Any:
    wanted = " and ".join(f"the {name} {value!r}" for name, value in required.items())
    return {
        "clerk_error": {
            "type": "forbidden",
            "reason": "not-authorized",
            "message": f"This needs {wanted}.",
            "metadata": {"required": required},
        }
    }


def every_word(words: Any) -> list[tuple[Any, Any]]:
    """The decorators of an integration, each with the refusal of a dispatcher on the plan *pro*, if any."""
    return [
        (words.require_auth, None),
        (words.require_auth(), None),
        (words.require_permission("org:dispatcher:assign_drivers"), None),
        (words.require_permission("org:teams:manage"), forbidden(permission="org:teams:manage")),
        (words.require_permission("org:dispatcher:assign"), forbidden(permission="org:dispatcher:assign")),
        (words.require_role("org:dispatcher"), None),
        (words.require_role("org:admin"), forbidden(role="org:admin")),
        (words.require_plan("org:pro"), None),
        (words.require_plan("plus"), forbidden(plan="plus")),
        (words.require_feature("org:dispatcher"), None),
        (words.require_feature("export"), forbidden(feature="export")),
        (words.require_reverification(), None),
        (words.require_reverification("lax"), None),
        (words.protect(), None),
        (words.protect(role="org:dispatcher", permission="org:dispatcher:assign_drivers"), None),
        (words.protect(lambda auth: auth.user_id == "user_dev"), None),
    ]
