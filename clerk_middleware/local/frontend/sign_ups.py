"""Signing up: a sign-up is gone on with until nothing is missing, and then it is a user.

https://clerk.com/docs/guides/configure/auth-strategies/sign-up-sign-in-options
"""

from __future__ import annotations

import hmac
import re
import secrets

from ..errors import APIError
from ..factors import EMAIL_CODE
from ..instance import Instance
from ..records import Client, SignUpAttempt
from ..user_access import UserAccess
from .form import Form
from .password_rules import check_password
from .refusals import incorrect, not_found, too_many_failures
from .sign_up_resources import missing_fields, unverified_fields

__all__ = ["SignUps"]

#: Beyond those of a seed: nobody makes room, for each is there to stay.
_MAXIMUM_USERS = 1000
_MAXIMUM_FAILURES = 5
#: Seconds for which a sign-up may be gone on with.
_LIFETIME = 3600.0

_ADDRESS = re.compile(r"[^@\s,;:<>()\[\]\\\"]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_USERNAME = re.compile(r"[A-Za-z0-9_-]{4,64}")


class SignUps:
    """The sign-ups of an instance; each is in the client of its browser until it is complete."""

    def __init__(self, instance: Instance, directory: UserAccess) -> None:
        self._instance = instance
        self._directory = directory

    def begin(self, client: Client, form: Form) -> SignUpAttempt:
        """Begin to sign up, in place of any other sign-up of the browser. Raises `APIError`."""
        self._expect_room()
        attempt = SignUpAttempt(id=f"sua_{secrets.token_hex(12)}", created_at=self._instance.clock())
        self.fill(attempt, form)
        client.sign_up = attempt
        return attempt

    def under_way(self, client: Client) -> SignUpAttempt | None:
        """The browser's sign-up, if it is not too old."""
        if client.sign_up and self._instance.clock() - client.sign_up.created_at > _LIFETIME:
            client.sign_up = None
        return client.sign_up

    def expect(self, client: Client, sign_up_id: str) -> SignUpAttempt:
        """The browser's sign-up of that id. Raises `APIError`."""
        attempt = self.under_way(client)
        if attempt is None or attempt.id != sign_up_id:
            raise not_found("sign-up")
        return attempt

    def fill(self, attempt: SignUpAttempt, form: Form) -> None:
        """Take the fields that the form has, all or, if one of them is refused, none. Raises `APIError`."""
        email, username = form.optional_text("email_address"), form.optional_text("username")
        password, metadata = form.get("password"), form.table("unsafe_metadata")
        names = {name: form.optional_text(name) for name in ("first_name", "last_name")}
        if email is not None:
            self._check_identifier("email_address", email, _ADDRESS, "must be a valid e-mail address.")
        if username is not None:
            problem = "must be 4 to 64 letters, digits, _ and -."
            self._check_identifier("username", username, _USERNAME, problem)
        if password:
            check_password(password)
        if email is not None and email != attempt.email:
            attempt.email, attempt.email_verified, attempt.is_code_sent = email, False, False
        attempt.username = username or attempt.username
        attempt.password = password or attempt.password
        attempt.first_name = names["first_name"] or attempt.first_name
        attempt.last_name = names["last_name"] or attempt.last_name
        attempt.unsafe_metadata = attempt.unsafe_metadata if metadata is None else metadata

    def send_code(self, attempt: SignUpAttempt) -> None:
        """Send a code to the address, as it were. Raises `APIError`."""
        if attempt.email is None:
            raise _no_address()
        attempt.is_code_sent = True

    def verify_address(self, client: Client, attempt: SignUpAttempt, code: str) -> None:
        """Check the code that was sent, as it were. Raises `APIError`; some wrong codes end the sign-up."""
        if attempt.email is None:
            raise _no_address()
        if hmac.compare_digest(code.encode(), EMAIL_CODE.encode()):
            attempt.email_verified = True
            return
        attempt.failures += 1
        if attempt.failures >= _MAXIMUM_FAILURES:
            client.sign_up = None
            raise too_many_failures()
        raise incorrect("email_code")

    def complete_if_done(self, client: Client, attempt: SignUpAttempt, *, keep_token: bool) -> None:
        """Make the user and sign them in, if nothing is missing. Raises `APIError`."""
        if missing_fields(attempt) or unverified_fields(attempt):
            return
        # Others may have been faster since the fields were filled in.
        self._expect_room()
        self._expect_free("email_address", attempt.email)
        self._expect_free("username", attempt.username)
        user = self._directory.create_user(
            attempt.email or "",
            password=attempt.password or "",
            first_name=attempt.first_name,
            last_name=attempt.last_name,
            username=attempt.username,
            unsafe_metadata=attempt.unsafe_metadata,
        )
        session = self._instance.new_session(user.id)
        self._instance.begin_in_organization(session)
        attempt.user_id, attempt.session_id, client.sign_up = user.id, session.id, None
        self._instance.sign_in(client, session, keep_token=keep_token)

    def _check_identifier(self, name: str, value: str, form: re.Pattern[str], problem: str) -> None:
        if not form.fullmatch(value):
            raise APIError(422, "form_param_format_invalid", f"{name} {problem}", parameter=name)
        self._expect_free(name, value)

    def _expect_free(self, name: str, value: str | None) -> None:
        if value is not None and self._instance.user_by_identifier(value) is not None:
            what = "e-mail address" if name == "email_address" else name
            message = f"That {what} is taken. Try another."
            raise APIError(422, "form_identifier_exists", message, parameter=name)

    def _expect_room(self) -> None:
        if len(self._instance.users) >= _MAXIMUM_USERS:
            raise APIError(403, "user_quota_exceeded", f"There are {_MAXIMUM_USERS} users already.")


def _no_address() -> APIError:
    return APIError(400, "verification_missing", "There is no e-mail address to verify yet.")
