"""``request.user``: the local user that is the request's Clerk user.

That is a session's user. A machine is nobody's ``request.user``, not even with the API key of a user or an
OAuth token that acts for one: it would have all that the user may, as to use the admin, where its scopes say
less. `ClerkIdentity` tells whose ``request.auth.user_id`` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest
from django.views.decorators.debug import sensitive_variables

from clerk_middleware import BackendAPIError, SessionAuth

from .newcomers import find_user, is_user_id
from .requests import get_auth, require_state, state_of
from .runtime import clerk_of
from .user_mapping import UserUnavailable, Visitor, instance_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest

    from clerk_middleware import ClerkConfig

    LocalUser = AbstractBaseUser | AnonymousUser

_ATTRIBUTE = "_clerk_user"


@sensitive_variables("answer")
def get_user(request: HttpRequest) -> LocalUser:
    """The active local user of the request's session, else `AnonymousUser`. Looked for once a request.

    :raises UserUnavailable: if Clerk has to be asked who a new user is, and does not answer.
    """
    visitor, user = _arrive(request)
    if visitor is None:
        return user
    steps, answer = visitor.steps(), None
    try:
        while True:
            step = steps.send(answer)
            answer = step() if callable(step) else _describe(request, visitor.config, step)
    except StopIteration as end:
        return _remember(request, end.value)
    except UserUnavailable as error:
        _remember_failure(request, error)
        raise


@sensitive_variables("answer")
async def aget_user(request: HttpRequest) -> LocalUser:
    """`get_user`, for asynchronous code. Only the database is asked in a thread, as by Django itself."""
    if isinstance(request, WSGIRequest):  # its event loop ends with the view, and connections would stay
        return await sync_to_async(get_user)(request)
    visitor, user = _arrive(request)
    if visitor is None:
        return user
    steps, answer = visitor.steps(), None
    try:
        while True:
            step = steps.send(answer)
            if callable(step):
                answer = await sync_to_async(step)()
            else:
                answer = await _adescribe(request, visitor.config, step)
    except StopIteration as end:
        return _remember(request, end.value)
    except UserUnavailable as error:
        _remember_failure(request, error)
        raise


def is_active_user(request: HttpRequest, user_id: str) -> bool:
    """Whether a Clerk user is an active local one. Nobody is created or linked."""
    instance = instance_of(clerk_of(request), require_state(request).config)
    user = find_user(user_id, instance) if is_user_id(user_id) else None
    return user is not None and user.is_active


def _describe(request: HttpRequest, config: ClerkConfig, user_id: str) -> dict[str, Any] | BackendAPIError:
    try:
        return clerk_of(request).authenticator.describe_user(config, user_id)
    except BackendAPIError as error:
        return error


async def _adescribe(
    request: HttpRequest, config: ClerkConfig, user_id: str
) -> dict[str, Any] | BackendAPIError:
    try:
        return await clerk_of(request).async_authenticator.describe_user(config, user_id)
    except BackendAPIError as error:
        return error


def _arrive(request: HttpRequest) -> tuple[Visitor | None, LocalUser]:
    """Who is to be looked for; nobody where that was done before, or where nobody is signed in."""
    known: LocalUser | None = getattr(request, _ATTRIBUTE, None)
    if known is not None:
        return None, known
    state = state_of(request)
    auth = get_auth(request) if state is None else state.to_request_auth()
    if state is None or not isinstance(auth, SessionAuth):
        return None, AnonymousUser()
    return Visitor(auth, state.config, clerk_of(request)), AnonymousUser()


def _remember(request: HttpRequest, user: AbstractBaseUser | None) -> LocalUser:
    found: LocalUser = user if user is not None else AnonymousUser()
    setattr(request, _ATTRIBUTE, found)
    return found


def _remember_failure(request: Any, error: UserUnavailable) -> None:
    _remember(request, None)  # a page about the failure may name the user, too
    request._clerk_user_unavailable = error
