"""``CLERK["SYNC_USERS"]``: local users follow what webhooks say of Clerk's.

Messages come late, again, and in any order. `ClerkUserVersion` has each user's come one after the other, and
older data never replace newer ones. A database error has the message answered with 500, and delivered again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import DataError, IntegrityError, transaction

from clerk_middleware.logging import logger

from .models import ClerkUserVersion
from .newcomers import Newcomer, is_user_id, moment_of
from .profiles import ClerkProfile, default_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clerk_middleware.webhooks import ClerkEvent

    from .runtime import Clerk
    from .settings import DjangoOptions

_MAX_LENGTH = 255
#: What the project has decided on a known user. Updates are users' own doing, for one a change of their name:
#: they must not undo it.
_RIGHTS = {"is_staff", "is_superuser", "password"}


def sync_user(event: ClerkEvent, clerk: Clerk) -> None:
    """Bring the local user up to date that a ``user.*`` event is about.

    Who has none gets one by the rules of a first request, also when they are updated: that message may come
    first. Who was deleted at Clerk is deactivated for good, and not created any more.
    """
    data: Mapping[str, Any] = event.data
    user_id = data.get("id")
    if not (isinstance(user_id, str) and is_user_id(user_id) and len(user_id) <= _MAX_LENGTH):
        return
    newcomer = Newcomer(user_id, "", clerk.options)
    with transaction.atomic(using=newcomer.database):
        version = ClerkUserVersion.locked(user_id, newcomer.database)
        if version is None or version.is_deleted:
            return
        if event.type == "user.deleted":
            version.is_deleted = True
            _deactivate(newcomer)
        elif event.type in ("user.created", "user.updated"):
            moment = moment_of(data)
            if moment < version.updated_at:
                logger.debug("Clerk: the webhook %s tells of %s as they were before", event.id, user_id)
                return
            version.updated_at = moment
            _follow(newcomer, ClerkProfile.of_event(data), clerk.options)
        version.save(using=newcomer.database, update_fields=["updated_at", "is_deleted"])


def _follow(newcomer: Newcomer, profile: ClerkProfile, options: DjangoOptions) -> None:
    user = _locked(newcomer)
    if user is None:
        newcomer.take_in(profile)
        return
    decided = (options.user_fields or default_changes)(profile)
    names = _changed(user, decided or {})
    if not names:
        return
    columns = {field.name for field in user._meta.concrete_fields}
    only = {"update_fields": names} if columns.issuperset(names) else {}
    try:
        with transaction.atomic(using=newcomer.database):
            user.save(using=newcomer.database, **only)
    except (IntegrityError, DataError):
        logger.warning(
            "Clerk: the local user of %s stays as it is: one of %s must be unique, and is another user's, or "
            "is too long or missing. CLERK['USER_FIELDS'] decides the fields.",
            newcomer.user_id,
            ", ".join(names),
        )


def _changed(user: Any, fields: Mapping[str, Any]) -> list[str]:
    """Put *fields* onto *user*, and tell which of them were others.

    Who the row belongs to never changes, nor what that user may do; but they may be deactivated.
    """
    fixed = {"pk", user._meta.pk.name, user._meta.pk.attname, *_RIGHTS}
    if not user.is_active:
        fixed.add("is_active")
    changed = [name for name in fields if name not in fixed and getattr(user, name) != fields[name]]
    for name in changed:
        setattr(user, name, fields[name])
    return changed


def _deactivate(newcomer: Newcomer) -> None:
    user = _locked(newcomer)
    if user is not None and has_activity(type(user)) and user.is_active:
        user.is_active = False
        user.save(using=newcomer.database, update_fields=["is_active"])


def _locked(newcomer: Newcomer) -> Any:
    """The local user, whom nobody changes meanwhile."""
    found = newcomer.find(newcomer.database)
    if found is None:
        return None
    users = get_user_model()._default_manager.using(newcomer.database)
    return users.select_for_update().filter(pk=found.pk).first()


def has_activity(model: Any) -> bool:
    """Whether a user model has the column by which its users are deactivated."""
    return any(field.name == "is_active" for field in model._meta.concrete_fields)
