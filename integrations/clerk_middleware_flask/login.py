"""Flask-Login's ``current_user`` and ``@login_required`` on Clerk's sessions::

    login_manager = LoginManager(app)
    use_clerk(login_manager, lambda auth: db.session.get(User, auth.user_id))

https://flask-login.readthedocs.io/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from flask_login import UserMixin  # type: ignore[import-untyped]

from clerk_middleware import NotAuthenticated, NotAuthorized, SessionAuth

from .identity import get_auth

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request
    from flask_login import LoginManager

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

    ``@login_required`` answers as `require_auth` does, or with 403 where there is a session but *find_user*
    knows nobody. An ``unauthorized_handler`` of your own goes before it. There must be no ``user_loader``,
    and nothing calls ``login_user()``: what that keeps in the browser outlives the Clerk session.

    :param find_user: finds the application's user of a session, `None` where there is none: an object with
        ``is_authenticated``, ``is_active`` and ``get_id()``, as Flask-Login wants it.
    """

    def load_user(request: Request) -> Any:
        auth = get_auth()
        user = find_user(auth) if isinstance(auth, SessionAuth) else None
        return user if user is not None and user.is_active else None

    login_manager.request_loader(load_user)
    if login_manager.unauthorized_callback is None:
        login_manager.unauthorized_handler(_unauthorized)


def _unauthorized() -> NoReturn:
    auth = get_auth()
    if isinstance(auth, SessionAuth):
        raise NotAuthorized("You have no account here.", auth=auth)
    raise NotAuthenticated("nobody is signed in", auth=auth)
