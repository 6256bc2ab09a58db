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
        "metadata": {"reverification": {"level": "second_factor", "after_minutes": 10}},
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
