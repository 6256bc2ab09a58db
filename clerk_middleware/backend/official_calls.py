"""What Auth objects ask of Clerk's official client, with this library's errors in place of its own.

Those hold the whole answer, which may be tokens, and the request, with the secret key.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from json import loads
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ..errors import BackendAPIError, ClerkError
from ..oauth_access_token import OAuthAccessToken
from . import attempts
from .attempts import no_answer
from .calls import BackendAnswer
from .resources import NO_USER, expect_id, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clerk_backend_api import Clerk
    from clerk_backend_api.models import OAuthAccessToken as GivenToken
    from clerk_backend_api.models import User

T = TypeVar("T")

_PROVIDER: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
#: That a user has at one provider; more are none that a person has.
_MAX_ACCOUNTS: Final = 100


@dataclass(frozen=True, slots=True)
class OfficialCall(Generic[T]):
    """A call, whoever waits for it: `call_official` or `acall_official` makes it."""

    #: Of ``clerk.users``. With ``_async`` behind it, it is the asynchronous one.
    method: str
    arguments: dict[str, Any]
    #: What the application is told that Clerk did, where it did not answer as it should.
    problem: str
    #: Makes of the answer what the application gets.
    read: Callable[[Any], T]


def user(user_id: str) -> OfficialCall[User]:
    """A user of the instance.

    :raises BackendAPIError: if *user_id* can't be one's.
    """

    def read(found: User) -> User:
        if found.id != user_id:
            raise BackendAPIError("Clerk's Backend API gave no such user, but another one", status=200)
        return found

    return OfficialCall("get", _user_arguments(user_id), "gave no such user", read)


def oauth_access_token(
    user_id: str, provider: str, external_account_id: str | None
) -> OfficialCall[OAuthAccessToken | None]:
    """The token of a user's account at *provider*.

    :raises ClerkError: if *provider* can't be one, or *user_id* can't be one's.
    """
    name = provider.removeprefix("oauth_") if isinstance(provider, str) else ""
    if not _PROVIDER.fullmatch(name):
        raise ClerkError(
            f"{provider!r:.80} is no provider: write 'google', or 'custom_NAME' for one of yours"
        )
    return OfficialCall(
        "get_o_auth_access_token",
        {**_user_arguments(user_id), "provider": f"oauth_{name}", "limit": _MAX_ACCOUNTS},
        f"gave no token of {provider!r}",
        lambda given: _token_of_account(given, external_account_id),
    )


def _user_arguments(user_id: str) -> dict[str, Any]:
    expect_id(user_id)
    # A request waits for it, as for what the engine asks.
    return {"user_id": user_id, "timeout_ms": round(attempts.DEADLINE * 1000)}


def _token_of_account(
    given: Sequence[GivenToken], external_account_id: str | None
) -> OAuthAccessToken | None:
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


def call_official(clerk: Clerk, call: OfficialCall[T]) -> T:
    """Make *call*, waiting in this thread.

    :raises BackendAPIError: if Clerk refuses, or does not answer.
    """
    try:
        answer = getattr(clerk.users, call.method)(**call.arguments)
    except _failures() as error:
        raised = _translated(error, call.problem)
    else:
        return call.read(answer)
    raise raised  # here, and not where the error is: that would hold the request with the secret key


async def acall_official(clerk: Clerk, call: OfficialCall[T]) -> T:
    """The same on asyncio's event loop."""
    try:
        answer = await getattr(clerk.users, f"{call.method}_async")(**call.arguments)
    except _failures() as error:
        raised = _translated(error, call.problem)
    else:
        return call.read(answer)
    raise raised


def _failures() -> tuple[type[Exception], ...]:
    """What the official client raises, or the transport that it is given."""
    import httpx
    from clerk_backend_api.models import ClerkBaseError

    return ClerkBaseError, httpx.HTTPError, OSError


def _translated(error: Exception, problem: str) -> BackendAPIError:
    import httpx
    from clerk_backend_api.models import ClerkBaseError, ResponseValidationError

    if isinstance(error, httpx.DecodingError):
        return BackendAPIError(f"Clerk's Backend API {problem} that can be read: {error}")
    if not isinstance(error, ClerkBaseError):
        return refused(no_answer(error), problem)
    if isinstance(error, ResponseValidationError) and error.status_code < 300:
        return BackendAPIError(
            f"Clerk's Backend API {problem} that clerk-backend-api can read"
            f" ({_unreadable(error.cause)}): is there a newer version of it?",
            status=error.status_code,
        )
    answer = BackendAnswer(error.status_code)
    with suppress(ValueError, RecursionError):
        answer.json = loads(error.body)
    return refused(answer, problem, NO_USER)


def _unreadable(cause: BaseException | None) -> str:
    """Which members, and nothing of what is in them."""
    from pydantic import ValidationError

    if not isinstance(cause, ValidationError):
        return "it is no JSON"
    problems = cause.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in problems[:3])
