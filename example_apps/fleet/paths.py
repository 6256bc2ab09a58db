"""Paths that say which organization is meant: the same in every framework."""

from typing import Final

#: A visit to one of these makes that organization the active one, if the user is a member.
ORGANIZATION_PATTERNS: Final = ("/orgs/:slug", "/orgs/:slug/(.*)", "/switch/:id")
#: A visit to one of these makes none active.
PERSONAL_ACCOUNT_PATTERNS: Final = ("/personal",)
