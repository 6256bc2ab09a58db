"""``AUTHENTICATION_BACKENDS``: permissions from the Clerk session.

https://docs.djangoproject.com/en/stable/topics/auth/customizing/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.backends import BaseBackend

from .requests import state_of
from .user_session import session_of

if TYPE_CHECKING:
    from django.http import HttpRequest


class ClerkBackend(BaseBackend):
    """``user.has_perm("org:teams:manage")`` answers from the session, for its request only.

    Django's own permissions go on coming from its `ModelBackend`, listed beside this one.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """The local user of the request's Clerk session: ``authenticate(request)``, without credentials."""
        from .users import get_user

        if request is None or credentials or state_of(request) is None:
            return None
        user = get_user(request)
        return user if user.is_authenticated else None

    async def aauthenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        from .users import aget_user

        if request is None or credentials or state_of(request) is None:
            return None
        user = await aget_user(request)
        return user if user.is_authenticated else None

    def get_user(self, user_id: Any) -> None:
        """Nobody: Django's session is not used, so that no one is signed in longer than their token lives."""
        return None

    async def aget_user(self, user_id: Any) -> None:
        return None

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The session's permissions in the active organization; of a single object there are none."""
        auth = session_of(user_obj)
        if auth is None or obj is not None or not user_obj.is_active:
            return set()
        return set(auth.org_permissions or ())

    async def aget_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return self.get_user_permissions(user_obj, obj)

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether the session has *perm*, such as ``org:teams:manage``."""
        auth = session_of(user_obj)
        return auth is not None and obj is None and user_obj.is_active and auth.has(permission=perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """For templates: ``{% if "org:teams:manage" in perms %}``. A name without a dot is a module there."""
        return self.has_perm(user_obj, app_label)

    async def ahas_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return self.has_perm(user_obj, app_label)

    async def ahas_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return self.has_perm(user_obj, perm, obj)
