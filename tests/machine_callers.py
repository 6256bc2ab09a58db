"""Callers of an application by name, each with the token that it sends; who is weak has no scope."""

from __future__ import annotations

from typing import Any

CALLERS = ("nobody", "session", "driver", "key", "weak key", "oauth", "weak oauth", "m2m")


def machine_options(clerk: Any, api_url: str) -> dict[str, Any]:
    """The options of an application that machines call."""
    itself = clerk.machines["mch_fleet_api"]
    return {
        "api_url": api_url,
        "accepts_token": "any",
        "machine_id": itself.id,
        "machine_secret_key": itself.secret_key,
    }


def headers_of(clerk: Any, name: str, *, azp: str) -> dict[str, str]:
    """The headers of a new token; sessions are of the origin *azp*."""
    if name == "nobody":
        return {}
    return {"authorization": f"Bearer {_token(clerk, name, azp)}"}


def _token(clerk: Any, name: str, azp: str) -> str:
    token: str
    match name:
        case "session" | "driver":
            user = "user_dev" if name == "session" else "user_rosa"
            token = clerk.issue_session_token(user, organization="blue-ridge-freight", azp=azp)
        case "key":
            token = clerk.create_api_key("org_blue_ridge", name="board", scopes=["read:loads"]).secret
        case "weak key":
            token = clerk.create_api_key("user_dev").secret
        case "oauth":
            token = clerk.create_oauth_access_token("user_dev", scopes=["read:loads"]).token
        case "weak oauth":
            token = clerk.create_oauth_access_token("user_dev").token
        case "m2m":
            token = clerk.create_m2m_token("mch_tracking").token
        case _:
            raise LookupError(name)
    return token
