"""What the test clients of all frameworks have in common: users sign in and out, and machines call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .instance import Instance, Login, now
from .machine_login import MachineToken
from .user_object import user_object

if TYPE_CHECKING:
    from clerk_middleware.config import ClerkConfig
    from clerk_middleware.tokens.classes import MachineTokenType

__all__ = ["SignsIn"]


def _kept(values: Iterable[str]) -> Iterable[str]:
    """To be read at each request; a text, which is a mistake, as it is."""
    return values if isinstance(values, str) else tuple(values)


def _origin(config: ClerkConfig | None, here: str) -> str:
    """One of the origins that *config* accepts; *here* where it accepts any."""
    return here if config is None else next(iter(config.authorized_parties), here)


class SignsIn(ABC):
    """`clerk_login`, `clerk_login_machine` and `clerk_logout`.

    For a client whose framework's part says where its cookies are.
    """

    _clerk_instance: Instance
    _clerk_session: Login | None = None
    _clerk_machine: MachineToken | None = None
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
        user: Mapping[str, Any] | None = None,
        accounts: Mapping[str, Iterable[str]] | None = None,
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
        :param user: what else `Auth.get_user` finds, such as ``{"public_metadata": {"plan": "pro"}}``.
        :param accounts: the user's accounts at other providers, for `Auth.get_oauth_access_token`, with what
            the user consented to: ``{"google": ["openid", "https://www.googleapis.com/auth/calendar"]}``.
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
        shown = user_object(user_id, **own, created_at=now()) | dict(user or {})
        cookies = self._clerk_instance.sign_in(login, shown)
        self._clerk_instance.connect(user_id, accounts or {})
        self.clerk_logout()
        self._clerk_session = login
        if not header:
            self._clerk_hold(cookies)

    def clerk_login_machine(
        self,
        token_type: MachineTokenType,
        *,
        subject: str | None = None,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        name: str | None = None,
        client_id: str | None = None,
    ) -> None:
        """Call as a machine, by ``Authorization: Bearer ...``, in place of any user, until `clerk_logout`.

        As in production, the application has to accept such tokens (``accepts_token``), and so has the route.

        :param token_type: ``api_key``, ``m2m_token`` or ``oauth_token``.
        :param subject: whose it is: a user or an organization (``api_key``, ``user_test`` by default), a
            machine (``m2m_token``, ``mch_test``), or a user (``oauth_token``, ``user_test``).
        :param scopes: ``read:loads``; of an ``m2m_token`` the machines that it is for, ``mch_…``: by default
            the application's own, its ``machine_id``.
        :param claims: custom claims; of an ``oauth_token`` such as ``aud``, which otherwise is what the
            application's ``audience`` asks for.
        :param name: what the owner called an ``api_key``.
        :param client_id: the application that has an ``oauth_token``.
        :raises ConfigurationError: if Clerk would never issue such a token.
        """
        machine = self._clerk_instance.machine(
            token_type, subject=subject, scopes=scopes, claims=claims, name=name, client_id=client_id
        )
        self.clerk_logout()
        self._clerk_machine = machine

    def clerk_logout(self) -> None:
        """Sign the Clerk user or machine out, if there is one. The framework's own session stays."""
        given = self._clerk_cookies
        held = {name: self._clerk_cookie(name) for name in given}
        # A session that a test put in its place stays, with the cookies that belong to it.
        if all(held[name] in (None, "", given[name]) for name in given if name.startswith("__session")):
            for name in given:
                if held[name] in ("", given[name]):  # Django's clients send those that are deleted
                    self._clerk_drop_cookie(name)
        self._clerk_session, self._clerk_machine, self._clerk_cookies = None, None, {}

    def _clerk_renew(self, config: Callable[[], ClerkConfig | None], here: str) -> str | None:
        """Renew what the next request sends; return the token, if it is to be sent by the header.

        :param config: finds what the application has for that request, if it has anything.
        :param here: the origin that the request is sent to.
        """
        if self._clerk_machine is not None:
            return self._clerk_machine(config())
        login = self._clerk_session
        if login is None:
            return None
        if login.by_header:
            return self._clerk_instance.renew(login, _origin(config(), here))["__session"]
        if self._clerk_holds("__session"):
            self._clerk_hold(self._clerk_instance.renew(login, _origin(config(), here)))
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
