"""Organizations named by the URL: activating the one that a path belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..claims import SessionClaims
    from ..config import ClerkConfig
    from ..urls import URL


class Target(NamedTuple):
    """An organization by its id or its slug, or with neither the personal account."""

    org_id: str | None = None
    slug: str | None = None

    @property
    def id_or_slug(self) -> str:
        return self.org_id or self.slug or ""

    def is_active_in(self, session: SessionClaims) -> bool:
        if self.org_id is not None:
            return session.org_id == self.org_id
        if self.slug is not None:
            return session.org_slug == self.slug
        return session.org_id is None


def organization_to_activate(config: ClerkConfig, url: URL) -> Target | None:
    """What the URL's path belongs to; organization patterns go before personal ones."""
    if (routes := config.organization_routes) is not None and (params := routes.match(url.path)) is not None:
        if org_id := params.get("id"):
            return Target(org_id=org_id)
        if slug := params.get("slug"):
            return Target(slug=slug)
    if (routes := config.personal_account_routes) is not None and routes.match(url.path) is not None:
        return Target()
    return None
