"""The JWT templates of an instance: those of the seed, and what the Backend API makes of them.

https://clerk.com/docs/guides/sessions/jwt-templates
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .seed import JWTTemplate

__all__ = ["MAXIMUM_TEMPLATES", "JWTTemplates", "StoredTemplate"]

#: Beyond those of a seed: nothing makes room, for each is there to stay.
MAXIMUM_TEMPLATES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTemplate:
    """A template and when it was made and last changed, in Unix seconds."""

    id: str
    template: JWTTemplate
    created_at: float
    updated_at: float


class JWTTemplates:
    """Templates by id and by name."""

    def __init__(self, templates: Iterable[JWTTemplate], clock: Callable[[], float]) -> None:
        self._clock = clock
        now = clock()
        self._stored: Mapping[str, StoredTemplate] = {
            id: StoredTemplate(id=id, template=template, created_at=now, updated_at=now)
            for id, template in ((_id_of(template.name), template) for template in templates)
        }

    def all(self) -> list[StoredTemplate]:
        """Every template, the oldest first."""
        return list(self._stored.values())

    def get(self, id: str) -> StoredTemplate | None:
        """The template of that id."""
        return self._stored.get(id)

    def named(self, name: str) -> JWTTemplate | None:
        """The template of that name."""
        return next((each.template for each in self._stored.values() if each.template.name == name), None)

    def put(self, template: JWTTemplate, id: str | None = None) -> StoredTemplate:
        """Keep a template, in the place of the one of that `id` if there is one."""
        now = self._clock()
        known = self._stored.get(id or "")
        stored = StoredTemplate(
            id=known.id if known else f"jtmp_{secrets.token_hex(12)}",
            template=template,
            created_at=known.created_at if known else now,
            updated_at=now,
        )
        # Never changed, but replaced: another thread may be going through it.
        self._stored = {**self._stored, stored.id: stored}
        return stored

    def remove(self, id: str) -> None:
        """Forget the template of that id: from now on nobody gets a token of it."""
        self._stored = {known: stored for known, stored in self._stored.items() if known != id}


def _id_of(name: str) -> str:
    """The id of a seed's template: the same one at each start."""
    return f"jtmp_{hashlib.sha256(name.encode()).hexdigest()[:24]}"
