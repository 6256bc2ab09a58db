"""Scopes: what an application may ask for, and how the consent page says it.

https://clerk.com/docs/guides/configure/auth-strategies/oauth/how-clerk-implements-oauth#scopes
"""

from __future__ import annotations

import re

__all__ = ["CLERK_SCOPES", "is_scope", "scopes_in"]

#: What Clerk itself knows, and what a user reads of it.
CLERK_SCOPES = {
    "openid": "Know that it is you",
    "profile": "See your name and user name",
    "email": "See your e-mail address",
    "public_metadata": "See your public and unsafe metadata",
    "private_metadata": "See your private metadata",
    "offline_access": "Keep this access while you are away",
}

# RFC 6749, section 3.3; the length is ours.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")


def is_scope(text: str) -> bool:
    """Whether `text` can be a scope."""
    return _SCOPE.fullmatch(text) is not None


def scopes_in(text: str) -> tuple[str, ...]:
    """The scopes in a ``scope`` parameter, each once and in their order."""
    return tuple(dict.fromkeys(text.split(" "))) if text.strip(" ") else ()
