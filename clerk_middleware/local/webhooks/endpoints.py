"""Where an application receives webhooks, and the secrets with which they are signed for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from clerk_middleware.testing.webhook_signing import is_signing_secret, new_signing_secret

from ..origins import is_loopback

__all__ = ["ALL_EVENTS", "WebhookEndpoint", "check_endpoint", "new_endpoint"]

ALL_EVENTS = ("*",)

#: Seconds for which webhooks are signed with the previous secret as well, as Svix does it.
_OVERLAP = 24 * 60 * 60


@dataclass(eq=False, kw_only=True, slots=True)
class WebhookEndpoint:
    """A URL of an application to which LocalClerk sends webhooks."""

    id: str
    url: str
    #: The events that it subscribes to; ``*`` stands for anything, as in ``user.*``.
    events: tuple[str, ...]
    #: What the application verifies them with: its ``CLERK_WEBHOOK_SIGNING_SECRET``.
    signing_secret: str = field(repr=False)
    _previous_secret: tuple[str, float] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """The URL without its query, which may hold what nobody else should read."""
        return self.url.partition("?")[0]

    def subscribes_to(self, event: str) -> bool:
        """Whether events of this type are sent there."""
        return any(fnmatchcase(event, pattern) for pattern in self.events)

    def rotate_secret(self, now: float, *, keep_previous: bool) -> None:
        """Take a new signing secret, and sign with the previous one, too, for 24 hours."""
        self._previous_secret = (self.signing_secret, now + _OVERLAP) if keep_previous else None
        self.signing_secret = new_signing_secret()

    def signing_secrets(self, now: float) -> list[str]:
        """The secrets to sign with, the newest first."""
        previous = self._previous_secret
        return [self.signing_secret, *([previous[0]] if previous and now < previous[1] else [])]


def new_endpoint(url: str, events: Iterable[str], signing_secret: str | None) -> WebhookEndpoint:
    """An endpoint, once `check_endpoint` has found nothing wrong with it."""
    return WebhookEndpoint(
        id=f"ep_{secrets.token_hex(12)}",
        url=url,
        events=tuple(events),
        signing_secret=signing_secret or new_signing_secret(),
    )


def check_endpoint(
    url: str, events: Iterable[str], signing_secret: str | None, *, allow_remote: bool
) -> tuple[str, str] | None:
    """Which of the three is wrong (``url``, ``events``, ``signing_secret``) and why; `None`: nothing."""
    if problem := _problem_of_url(url, allow_remote):
        return "url", problem
    if isinstance(events, str):
        return "events", 'must be a list of event types, such as ["user.created"] or ["*"], not a string'
    if not list(events):
        return "events", 'is empty, so nothing would be sent; leave it out for all events, or use ["user.*"]'
    if signing_secret is not None and not is_signing_secret(signing_secret):
        return "signing_secret", (
            "must be whsec_ and 24 to 64 bytes in base64; leave it out, and LocalClerk makes one"
        )
    return None


def _problem_of_url(url: str, allow_remote: bool) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or any(character <= " " or character in "\\\x7f" for character in url)
    ):
        return "must be a full http or https URL, such as http://localhost:8000/webhooks/clerk"
    if "@" in parts.netloc:
        return "must not hold a user name or password: webhooks are signed instead"
    if not allow_remote and not is_loopback(host):
        return (
            f"is at {host!r}, and LocalClerk sends webhooks to loopback alone, so that test data goes to "
            "nobody by accident. Use a host such as localhost, or allow_remote where the network is yours"
        )
    return None
