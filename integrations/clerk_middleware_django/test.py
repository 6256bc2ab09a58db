"""Django's test clients, in which a Clerk user can be signed in, by tokens that are real::

    class TeamsTests(TestCase):
        client_class = ClerkClient

        def test_managers_see_the_teams(self):
            self.client.clerk_login("user_ann", permissions=["org:teams:manage"])
            self.assertContains(self.client.get("/teams/"), "ann")

Each client brings a Clerk instance of its own, so a project needs no keys to be tested, and nothing is
ever asked of Clerk. All else is as ``settings.CLERK`` says. `clerk_middleware.local` is for tests in a
browser.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import DisallowedHost
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory
from django.test.client import AsyncClientHandler, ClientHandler, ClientMixin
from django.test.utils import override_settings

from clerk_middleware import ClerkConfig
from clerk_middleware.testing import SessionSigner
from clerk_middleware.testing.backend import MemoryBackend
from clerk_middleware.testing.user_object import user_object

from .requests import clerk_request
from .runtime import Clerk
from .settings import given_settings, read

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clerk_middleware.authenticator import ConfigSource

__all__ = ["AsyncClerkClient", "ClerkClient"]

_ORIGIN = "http://testserver"
_settings_lock = threading.RLock()


def _now() -> float:
    return time.time()  # looked up anew each time, for libraries that travel in time put another there


class _Instance:
    """The Clerk instance of one client."""

    def __init__(self) -> None:
        self._signer = SessionSigner(clock=_now)
        self._backend = MemoryBackend()
        self._made: tuple[object, Clerk] | None = None

    def sign_in(self, login: _Login, user: dict[str, Any]) -> dict[str, str]:
        """The cookies of a browser in which that was just done."""
        token = self._signer.sign(**login.claims)  # which checks them
        self._backend.users[login.claims["user_id"]] = user
        self._made = None  # which may remember that the user was turned away
        return self._signer.cookies(token)

    def renew(self, login: _Login, request: HttpRequest) -> dict[str, str]:
        """The same at the time of *request*, so that nothing expires in a long test."""
        return self._signer.cookies(self._signer.sign(**login.claims, azp=self._origin(request)))

    def _origin(self, request: HttpRequest) -> str:
        """Where the user signed in: one of the origins that the application accepts."""
        try:
            config = self.clerk().authenticator.config_for(clerk_request(request))
        except DisallowedHost:  # by a function that asks for the host; Django answers 400
            return _ORIGIN
        return next(iter(config.authorized_parties), _ORIGIN)

    def clerk(self) -> Clerk:
        """What the settings say now, with this instance's keys."""
        with _settings_lock:
            given = given_settings()
            if self._made is None or self._made[0] is not given:
                config, options = read(self._with_keys(given))
                transport = self._backend.transport()
                self._made = given, Clerk.of(self._own(config), options, transport=transport, clock=_now)
            return self._made[1]

    @contextmanager
    def keys_in_settings(self) -> Iterator[None]:
        """``settings.CLERK``, complete also where there are no keys, as where tests are run."""
        with _settings_lock, override_settings(CLERK=self._with_keys(given_settings())):
            yield

    def _with_keys(self, given: object) -> object:
        if not isinstance(given, Mapping) or given.get("CONFIG") is not None:
            return given
        return {**given, **{name.upper(): value for name, value in self._signer.keys.items()}}

    def _own(self, config: ConfigSource) -> ConfigSource:
        if isinstance(config, ClerkConfig):
            return self._signer.config(config)
        return lambda request: self._signer.config(config(request))


@dataclass(frozen=True)
class _Login:
    """Who is signed in: what `SessionSigner.sign` is given."""

    claims: dict[str, Any]
    by_header: bool


def _kept(values: Iterable[str]) -> Iterable[str]:
    """To be read at each request; a text, which is a mistake, as it is."""
    return values if isinstance(values, str) else tuple(values)


class _HasInstance:
    """A handler that needs no keys in the settings."""

    def __init__(self, instance: _Instance, enforce_csrf_checks: bool) -> None:
        super().__init__(enforce_csrf_checks)  # type: ignore[call-arg]
        self._instance = instance

    def load_middleware(self, is_async: bool = False) -> None:
        with self._instance.keys_in_settings():
            super().load_middleware(is_async)  # type: ignore[misc]


class _Handler(_HasInstance, ClientHandler):
    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        request._clerk = self._instance.clerk()  # type: ignore[attr-defined]
        return super().get_response(request)


class _AsyncHandler(_HasInstance, AsyncClientHandler):
    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        request._clerk = self._instance.clerk()  # type: ignore[attr-defined]
        return await super().get_response_async(request)


class _SignsIn(ClientMixin):
    """What the two clients have in common."""

    cookies: SimpleCookie
    _clerk_instance: _Instance
    _clerk_session: _Login | None = None
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
        """Sign a Clerk user in, in place of any other, until `clerk_logout` or ``logout``.

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
        login = _Login(
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
        user = user_object(user_id, **own, created_at=_now())
        cookies = self._clerk_instance.sign_in(login, user)
        self.clerk_logout()
        self._clerk_session = login
        if not header:
            self._hold(cookies)

    def clerk_logout(self) -> None:
        """Sign the Clerk user out, if there is one. Django's own session stays."""
        if self._holds_cookies():
            for name in self._clerk_cookies:
                self.cookies.pop(name, None)
        self._clerk_session, self._clerk_cookies = None, {}

    def logout(self) -> None:
        super().logout()
        self.clerk_logout()

    async def alogout(self) -> None:
        await super().alogout()
        self.clerk_logout()

    def _renew(self, request: HttpRequest) -> str | None:
        """Renew what is sent with *request*; return the token, if it is to be sent by the header."""
        login = self._clerk_session
        if login is None:
            return None
        if login.by_header:
            return self._clerk_instance.renew(login, request)["__session"]
        if self._holds_cookies():
            self._hold(self._clerk_instance.renew(login, request))
        return None

    def _hold(self, cookies: Mapping[str, str]) -> None:
        self._clerk_cookies = cookies
        for name, value in cookies.items():
            self.cookies[name] = value

    def _holds_cookies(self) -> bool:
        """Whether the browser still has what it was given: an application may have signed it out."""
        held = self.cookies.get("__session")
        return held is not None and held.value == self._clerk_cookies.get("__session")


class ClerkClient(_SignsIn, Client):
    """`django.test.Client` with `clerk_login` and `clerk_logout`."""

    def __init__(self, enforce_csrf_checks: bool = False, *args: Any, **kwargs: Any) -> None:
        super().__init__(enforce_csrf_checks, *args, **kwargs)
        self._clerk_instance = _Instance()
        self.handler = _Handler(self._clerk_instance, enforce_csrf_checks)

    def request(self, **request: Any) -> Any:
        environ = {**self.defaults, **request}
        token = self._renew(RequestFactory().request(**environ))
        if token is not None and "HTTP_AUTHORIZATION" not in environ:
            request["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return super().request(**request)


class AsyncClerkClient(_SignsIn, AsyncClient):
    """`django.test.AsyncClient` with `clerk_login` and `clerk_logout`, neither of which is awaited."""

    def __init__(self, enforce_csrf_checks: bool = False, *args: Any, **kwargs: Any) -> None:
        super().__init__(enforce_csrf_checks, *args, **kwargs)
        self._clerk_instance = _Instance()
        self.handler = _AsyncHandler(self._clerk_instance, enforce_csrf_checks)

    async def request(self, **request: Any) -> Any:
        headers = request["headers"] = list(request.get("headers", ()))
        # A copy of the list, for a factory adds to it.
        token = self._renew(AsyncRequestFactory().request(**{**request, "headers": list(headers)}))
        if token is not None and b"authorization" not in dict(headers):
            headers.append((b"authorization", f"Bearer {token}".encode()))
        return await super().request(**request)
