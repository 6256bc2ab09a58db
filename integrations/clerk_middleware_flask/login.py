"""Flask-Login's ``current_user`` and ``@login_required`` on Clerk's sessions::

    login_manager = LoginManager(app)
    use_clerk(login_manager, lambda auth: db.session.get(User, auth.user_id))

https://flask-login.readthedocs.io/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from flask_login import LoginManager, UserMixin  # type: ignore[import-untyped]

from clerk_middleware import ConfigurationError, NotAuthenticated, NotAuthorized, SessionAuth

from .identity import get_auth

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request

__all__ = ["ClerkUser", "use_clerk"]


class ClerkUser(UserMixin):  # type: ignore[misc]
    """``current_user`` of an application without users of its own."""

    def __init__(self, auth: SessionAuth) -> None:
        self.auth = auth
        #: The Clerk user's id.
        self.id = auth.user_id

    def __repr__(self) -> str:
        return f"<ClerkUser {self.id}>"


def use_clerk(login_manager: LoginManager, find_user: Callable[[SessionAuth], Any] = ClerkUser) -> None:
    """Have *login_manager* take the user from the Clerk session.

    ``@login_required`` answers as `require_auth` does, and with 403 where there is a session but *find_user*
    knows nobody. An ``unauthorized_handler`` of your own is called instead. There is no ``user_loader``, and
    what ``login_user()`` keeps in the browser counts for nothing: it outlives the Clerk session.

    :param find_user: finds the application's user of a session, `None` where there is none: an object with
        ``is_authenticated``, ``is_active`` and ``get_id()``, as Flask-Login wants it.
    :raises ConfigurationError: if *login_manager* has a ``user_loader``; also where one is registered later.
    """
    if not isinstance(login_manager, LoginManager):
        raise ConfigurationError(f"use_clerk takes the LoginManager, not a {type(login_manager).__name__}")
    if login_manager._user_callback is not None:
        _refuse_user_loader(login_manager._user_callback)

    def load_user(_: Request | None = None) -> Any:
        auth = get_auth()
        user = find_user(auth) if isinstance(auth, SessionAuth) else None
        return user if user is not None and user.is_active else None

    login_manager.request_loader(load_user)
    login_manager.user_loader = _refuse_user_loader
    # Nobody else is asked: whoever Flask's session or an old "remember me" cookie names is not signed in.
    login_manager._load_user = lambda: login_manager._update_request_context_with_user(load_user())
    if login_manager.unauthorized_callback is None:
        login_manager.unauthorized_handler(_unauthorized)


def _refuse_user_loader(callback: object) -> NoReturn:
    raise ConfigurationError(
        "the LoginManager has a user_loader, which would let in whoever once signed in by login_user(), also "
        "without a Clerk session: remove it, and find the user in the function given to use_clerk()"
    )


def _unauthorized() -> NoReturn:
    auth = get_auth()
    if isinstance(auth, SessionAuth):
        raise NotAuthorized("You have no account here.", auth=auth)
    raise NotAuthenticated("nobody is signed in", auth=auth)
