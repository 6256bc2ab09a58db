"""What the test clients of all frameworks have in common: users sign in and out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .instance import Instance, Login, now
from .user_object import user_object

__all__ = ["SignsIn"]


def _kept(values: Iterable[str]) -> Iterable[str]:
    """To be read at each request; a text, which is a mistake, as it is."""
    return values if isinstance(values, str) else tuple(values)


class SignsIn(ABC):
    """`clerk_login` and `clerk_logout`, for a client whose framework's part says where its cookies are."""

    _clerk_instance: Instance
    _clerk_session: Login | None = None
    #: Those that the browser was given last.
    _clerk_cookies: Mapping[str, str] = {}

    def clerk_login(
        self,
        user_id: str = "user_test",
        *,
        org_id: str | None = None,
        org_slug: str | None = None,
        org_role: str | None = None,
        permissions: Iterable[str] = (),
        features: Iterable[str] = (),
        plan: str | None = None,
        email: str | None = None,
        email_verified: bool = True,
        first_name: str | None = None,
        last_name: str | None = None,
        actor: str | Mapping[str, Any] | None = None,
        fva: tuple[int, int] | None = (0, -1),
        claims: Mapping[str, Any] | None = None,
        header: bool = False,
    ) -> None:
        """Sign a Clerk user in, in place of any other, until `clerk_logout`.

        Whatever there is only in an organization makes ``org_test`` the active one, unless *org_id* names
        another. Email address and names are claims of the same names, if given.

        :param permissions: ``org:teams:manage``.
        :param features: ``export``, of the organization or, without one, of the user; or with a scope,
            ``org:export``, ``user:export``.
        :param plan: ``pro``, likewise.
        :param actor: who impersonates the user: a user id, or the claim ``act``.
        :param fva: minutes since the first and the second factor were verified, -1 for never.
        :param claims: further claims, which win over all others.
        :param header: send ``Authorization: Bearer ...``, as API clients do, and no cookies.
        :raises ConfigurationError: if Clerk would never put that into a token.
        """
        known = {"email": email, "first_name": first_name, "last_name": last_name}
        own: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
        if email is not None:
            own["email_verified"] = email_verified
        login = Login(
            {
                "user_id": user_id,
                "org_id": org_id,
                "org_slug": org_slug,
                "org_role": org_role,
                "permissions": _kept(permissions),
                "features": _kept(features),
                "plan": plan,
                "actor": actor,
                "fva": fva,
                "claims": {**own, **(claims or {})},
            },
            header,
        )
        cookies = self._clerk_instance.sign_in(login, user_object(user_id, **own, created_at=now()))
        self.clerk_logout()
        self._clerk_session = login
        if not header:
            self._clerk_hold(cookies)

    def clerk_logout(self) -> None:
        """Sign the Clerk user out, if there is one. The framework's own session stays."""
        given = self._clerk_cookies
        held = {name: self._clerk_cookie(name) for name in given}
        # A session that a test put in its place stays, with the cookies that belong to it.
        if all(held[name] in (None, "", given[name]) for name in given if name.startswith("__session")):
            for name in given:
                if held[name] in ("", given[name]):  # Django's clients send those that are deleted
                    self._clerk_drop_cookie(name)
        self._clerk_session, self._clerk_cookies = None, {}

    def _clerk_renew(self, azp: Callable[[], str]) -> str | None:
        """Renew what the next request sends; return the token, if it is to be sent by the header."""
        login = self._clerk_session
        if login is None:
            return None
        if login.by_header:
            return self._clerk_instance.renew(login, azp())["__session"]
        if self._clerk_holds("__session"):
            self._clerk_hold(self._clerk_instance.renew(login, azp()))
        elif not any(
            self._clerk_cookie(name) for name in self._clerk_cookies if name.startswith("__session")
        ):
            # The application signed the user out. What is left would ask Clerk, who says so as well.
            self.clerk_logout()
        return None

    def _clerk_hold(self, cookies: Mapping[str, str]) -> None:
        self._clerk_cookies = cookies
        for name, value in cookies.items():
            self._clerk_set_cookie(name, value)

    def _clerk_holds(self, name: str) -> bool:
        """Whether the browser still has the cookie that it was given."""
        return self._clerk_cookie(name) == self._clerk_cookies[name]

    @abstractmethod
    def _clerk_cookie(self, name: str) -> str | None:
        """The value that the browser has."""

    @abstractmethod
    def _clerk_set_cookie(self, name: str, value: str) -> None:
        """Have the browser hold a cookie."""

    @abstractmethod
    def _clerk_drop_cookie(self, name: str) -> None:
        """Have it forget one that it holds."""
