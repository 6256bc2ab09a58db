"""What Auth objects ask of Clerk's official client, with this library's errors in place of its own.

Those hold the whole answer, which may be tokens, and the request, with the secret key.
"""

from __future__ import annotations

import re
from contextlib import suppress
from json import loads
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import BackendAPIError, ClerkError
from ..oauth_access_token import OAuthAccessToken
from . import attempts
from .calls import BackendAnswer
from .resources import expect_id, refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from clerk_backend_api import Clerk
    from clerk_backend_api.models import OAuthAccessToken as GivenToken
    from clerk_backend_api.models import User

T = TypeVar("T")

_PROVIDER: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
#: That a user has at one provider; more are none that a person has.
_MAX_ACCOUNTS: Final = 100


def user(clerk: Clerk, user_id: str) -> User:
    """A user of the instance.

    :raises BackendAPIError: if there is none, or Clerk does not answer.
    """
    return _expect_user(user_id, _made(lambda: clerk.users.get(**_of_user(user_id)), _NO_USER, _WHOSE))


async def auser(clerk: Clerk, user_id: str) -> User:
    """The same, asynchronously."""
    asked = _of_user(user_id)
    return _expect_user(user_id, await _amade(lambda: clerk.users.get_async(**asked), _NO_USER, _WHOSE))


def oauth_access_token(
    clerk: Clerk, user_id: str, provider: str, external_account_id: str | None
) -> OAuthAccessToken | None:
    """The token of a user's account at *provider*.

    :raises BackendAPIError: if Clerk has none that is still good, or does not answer.
    :raises ClerkError: if *provider* can't be one.
    """
    asked = {**_of_user(user_id), **_at(provider)}
    given = _made(lambda: clerk.users.get_o_auth_access_token(**asked), _no_token(provider), _WHOSE)
    return _chosen(given, external_account_id)


async def aoauth_access_token(
    clerk: Clerk, user_id: str, provider: str, external_account_id: str | None
) -> OAuthAccessToken | None:
    """The same, asynchronously."""
    asked = {**_of_user(user_id), **_at(provider)}
    given = await _amade(
        lambda: clerk.users.get_o_auth_access_token_async(**asked), _no_token(provider), _WHOSE
    )
    return _chosen(given, external_account_id)


_NO_USER: Final = "gave no such user"
_WHOSE: Final = "do the keys belong to the user's instance?"


def _no_token(provider: str) -> str:
    return f"gave no token of {provider!r}"


def _of_user(user_id: str) -> dict[str, Any]:
    expect_id(user_id)
    # A request waits for it, as for what the engine asks.
    return {"user_id": user_id, "timeout_ms": round(attempts.DEADLINE * 1000)}


def _at(provider: str) -> dict[str, Any]:
    name = provider.removeprefix("oauth_")
    if not _PROVIDER.fullmatch(name):
        raise ClerkError(
            f"{provider!r:.80} is no provider: write 'google', or 'custom_NAME' for one of yours"
        )
    return {"provider": f"oauth_{name}", "limit": _MAX_ACCOUNTS}


def _expect_user(user_id: str, found: User) -> User:
    if found.id != user_id:
        raise BackendAPIError(f"Clerk's Backend API {_NO_USER}, but another one", status=200)
    return found


def _chosen(given: Sequence[GivenToken], external_account_id: str | None) -> OAuthAccessToken | None:
    for token in given:
        if external_account_id in (None, token.external_account_id):
            return OAuthAccessToken(
                token=token.token,
                provider=token.provider,
                scopes=tuple(token.scopes or ()),
                external_account_id=token.external_account_id,
                provider_user_id=token.provider_user_id,
            )
    return None


def _made(call: Callable[[], T], problem: str, not_found: str) -> T:
    import httpx
    from clerk_backend_api.models import ClerkBaseError

    try:
        return call()
    except (ClerkBaseError, httpx.HTTPError) as error:
        raised = _translated(error, problem, not_found)
    raise raised  # here, and not where the error is: that would hold the request with the secret key


async def _amade(call: Callable[[], Awaitable[T]], problem: str, not_found: str) -> T:
    import httpx
    from clerk_backend_api.models import ClerkBaseError

    try:
        return await call()
    except (ClerkBaseError, httpx.HTTPError) as error:
        raised = _translated(error, problem, not_found)
    raise raised


def _translated(error: Exception, problem: str, not_found: str) -> BackendAPIError:
    from clerk_backend_api.models import ClerkBaseError, ResponseValidationError

    if isinstance(error, ResponseValidationError) and error.status_code < 300:
        return BackendAPIError(
            f"Clerk's Backend API {problem} that clerk-backend-api can read"
            f" ({_unreadable(error.cause)}): is there a newer version of it?",
            status=error.status_code,
        )
    if not isinstance(error, ClerkBaseError):
        return refused(BackendAnswer(None), problem)
    answer = BackendAnswer(error.status_code)
    with suppress(ValueError, RecursionError):
        answer.json = loads(error.body)
    return refused(answer, problem, not_found)


def _unreadable(cause: BaseException | None) -> str:
    """Which members, and nothing of what is in them."""
    from pydantic import ValidationError

    if not isinstance(cause, ValidationError):
        return "it is no JSON"
    problems = cause.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in problems[:3])
