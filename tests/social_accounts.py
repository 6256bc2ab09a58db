"""Somebody with an account at Google, whom tests of every framework ask Clerk about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clerk_middleware import Auth, ClerkError
from clerk_middleware.local import LocalClerk

CALENDAR = "https://www.googleapis.com/auth/calendar.events"
SITE = "https://app.example.com"

#: What the applications of these tests answer about them, having asked for the user twice.
KNOWN = {
    "email": "dev@blueridge.example",
    "same": True,
    "google": "ya29.dev",
    "calendar": True,
    "github": None,
}


class Asked:
    """How often Clerk was asked for the user, and for the token, since it was made."""

    def __init__(self, clerk: LocalClerk, headers: dict[str, str]) -> None:
        self._clerk = clerk
        #: Of a request of theirs.
        self.headers = headers
        self._before = self._counts()

    @property
    def times(self) -> tuple[int, int]:
        (users, tokens), (users_before, tokens_before) = self._counts(), self._before
        return users - users_before, tokens - tokens_before

    def _counts(self) -> tuple[int, int]:
        user = "/users/user_dev"
        return self._clerk.calls(user), self._clerk.calls(f"{user}/oauth_access_tokens/oauth_google")


@contextmanager
def signed_in(clerk: LocalClerk) -> Iterator[Asked]:
    """They are signed in, and have an account at Google, while the context lasts."""
    clerk.set_oauth_access_token("user_dev", "google", "ya29.dev", scopes=["openid", CALENDAR])
    try:
        token = clerk.session_token(clerk.sign_in("user_dev", "blue-ridge-freight"), azp=SITE)
        yield Asked(clerk, {"authorization": f"Bearer {token}"})
    finally:
        clerk.set_oauth_access_token("user_dev", "google", None)


def described(auth: Auth) -> dict[str, Any]:
    """What a synchronous view answers."""
    user, google = auth.get_user(), auth.get_oauth_access_token("google")
    if user is None or google is None:
        return {"nobody": user is None and google is None}
    return {
        "email": user.email_addresses[0].email_address,
        "same": auth.get_user() is user,
        "google": google.token,
        "calendar": CALENDAR in google.scopes,
        "github": auth.get_oauth_access_token("github"),
    }


async def adescribed(auth: Auth) -> dict[str, Any]:
    """What an asynchronous view answers."""
    user, google = await auth.aget_user(), await auth.aget_oauth_access_token("google")
    if user is None or google is None:
        return {"nobody": user is None and google is None}
    return {
        "email": user.email_addresses[0].email_address,
        "same": await auth.aget_user() is user,
        "google": google.token,
        "calendar": CALENDAR in google.scopes,
        "github": await auth.aget_oauth_access_token("github"),
    }


def refused(auth: Auth) -> str:
    """What a view is told that would block its event loop."""
    try:
        auth.get_user()
    except ClerkError as error:
        return str(error)
    return "not refused"
