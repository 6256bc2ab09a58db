"""Signing up: a sign-up is gone on with until nothing is missing, and then it is a user.

https://clerk.com/docs/guides/configure/auth-strategies/sign-up-sign-in-options
"""

from __future__ import annotations

import secrets
from typing import Any, TypedDict

from .factors import is_email_code
from .instance import Instance
from .records import Client, SignUpAttempt
from .rules import Refused, incorrect, too_many_failures
from .user_access import UserAccess, UserChanges

__all__ = ["SignUpFields", "SignUps", "missing_fields", "unverified_fields"]

#: Seconds for which a sign-up may be gone on with.
_LIFETIME = 3600.0


class SignUpFields(TypedDict):
    """What a form has of a new user; `None` for what it has not."""

    email: str | None
    username: str | None
    password: str | None
    first_name: str | None
    last_name: str | None
    unsafe_metadata: dict[str, Any] | None


class SignUps:
    """The sign-ups of an instance; each is in the client of its browser until it is complete."""

    def __init__(self, instance: Instance, access: UserAccess) -> None:
        self._instance = instance
        self._access = access

    def begin(self, client: Client, fields: SignUpFields) -> SignUpAttempt:
        """Begin to sign up, in place of any other sign-up of the browser. Raises `Refused`."""
        attempt = SignUpAttempt(id=f"sua_{secrets.token_hex(12)}", created_at=self._instance.clock())
        self.fill(attempt, fields)
        client.sign_up = attempt
        return attempt

    def under_way(self, client: Client) -> SignUpAttempt | None:
        """The browser's sign-up, if it is not too old."""
        if client.sign_up and self._instance.clock() - client.sign_up.created_at > _LIFETIME:
            client.sign_up = None
        return client.sign_up

    def expect(self, client: Client, sign_up_id: str) -> SignUpAttempt:
        """The browser's sign-up of that id. Raises `Refused`."""
        attempt = self.under_way(client)
        if attempt is None or attempt.id != sign_up_id:
            raise Refused("resource_not_found", "There is no sign-up of that id.")
        return attempt

    def fill(self, attempt: SignUpAttempt, fields: SignUpFields) -> None:
        """Take what is given, all or, if a field is refused, none of it. Raises `Refused`."""
        given = UserChanges()
        if email := fields["email"]:
            given["email"] = email
        if password := fields["password"]:
            given["password"] = password
        for name in ("username", "first_name", "last_name"):
            if value := fields[name]:
                given[name] = value
        self._access.check_user(given)
        if email and email != attempt.email:
            attempt.email, attempt.email_verified, attempt.is_code_sent = email, False, False
        attempt.username = fields["username"] or attempt.username
        attempt.password = password or attempt.password
        attempt.first_name = fields["first_name"] or attempt.first_name
        attempt.last_name = fields["last_name"] or attempt.last_name
        if fields["unsafe_metadata"] is not None:
            attempt.unsafe_metadata = fields["unsafe_metadata"]

    def send_code(self, attempt: SignUpAttempt) -> None:
        """Send a code to the address, as it were. Raises `Refused`."""
        if attempt.email is None:
            raise _no_address()
        attempt.is_code_sent = True

    def verify_address(self, client: Client, attempt: SignUpAttempt, code: str) -> None:
        """Check the code that was sent, as it were. Raises `Refused`; some wrong codes end the sign-up."""
        if attempt.email is None:
            raise _no_address()
        if is_email_code(code):
            attempt.email_verified = True
            return
        if self._instance.failures.note(attempt.id):
            client.sign_up = None
            raise too_many_failures()
        raise incorrect("email_code")

    def complete_if_done(self, client: Client, attempt: SignUpAttempt, *, keep_token: bool) -> None:
        """Make the user and sign them in, if nothing is missing. Raises `Refused`.

        Who is invited accepts it so: the metadata of the invitation becomes the user's.
        """
        if missing_fields(attempt) or unverified_fields(attempt):
            return
        invitations = self._instance.sign_up_invitations
        invitation = invitations.pending_for(attempt.email or "")
        user = self._access.create_user(
            attempt.email or "",
            password=attempt.password or "",
            first_name=attempt.first_name,
            last_name=attempt.last_name,
            username=attempt.username,
            public_metadata=invitation.public_metadata if invitation else {},
            unsafe_metadata=attempt.unsafe_metadata,
        )
        if invitation:
            invitations.accept(invitation)
        session = self._instance.new_session(user.id)
        self._instance.begin_in_organization(session)
        attempt.user_id, attempt.session_id, client.sign_up = user.id, session.id, None
        self._instance.sign_in(client, session, keep_token=keep_token)


def missing_fields(attempt: SignUpAttempt) -> list[str]:
    """What has yet to be typed."""
    given = {"email_address": attempt.email, "password": attempt.password}
    return [name for name, value in given.items() if not value]


def unverified_fields(attempt: SignUpAttempt) -> list[str]:
    """What has yet to be proved."""
    return ["email_address"] if attempt.email and not attempt.email_verified else []


def _no_address() -> Refused:
    return Refused("verification_missing", "There is no e-mail address to verify yet.")
