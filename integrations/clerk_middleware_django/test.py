"""Django's test clients, in which a Clerk user or machine can be signed in, by tokens that are real::

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.exceptions import DisallowedHost
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory
from django.test.client import AsyncClientHandler, ClientHandler, ClientMixin
from django.test.utils import override_settings

from clerk_middleware.testing.client import SignsIn
from clerk_middleware.testing.instance import Instance, Login, now

from .requests import clerk_request
from .runtime import Clerk
from .settings import given_settings, read

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clerk_middleware import ClerkConfig

__all__ = ["AsyncClerkClient", "ClerkClient"]

_ORIGIN = "http://testserver"
_settings_lock = threading.RLock()


class _Instance(Instance):
    """The Clerk instance of one client, as Django's settings configure it."""

    def __init__(self) -> None:
        super().__init__()
        self._made: tuple[object, Clerk] | None = None

    def sign_in(self, login: Login, user: dict[str, Any]) -> dict[str, str]:
        cookies = super().sign_in(login, user)
        self._made = None  # which may remember that the user was turned away
        return cookies

    def config(self, request: HttpRequest) -> ClerkConfig | None:
        """What serves *request*."""
        try:
            return self.clerk().authenticator.config_for(clerk_request(request))
        except DisallowedHost:  # by a function that asks for the host; Django answers 400
            return None

    def clerk(self) -> Clerk:
        """What the settings say now, with this instance's keys."""
        with _settings_lock:
            given = given_settings()
            if self._made is None or self._made[0] is not given:
                config, options = read(self._with_keys(given))
                self._made = given, Clerk.of(self.own(config), options, transport=self.transport(), clock=now)
            return self._made[1]

    @contextmanager
    def keys_in_settings(self) -> Iterator[None]:
        """``settings.CLERK``, complete also where there are no keys, as where tests are run."""
        with _settings_lock, override_settings(CLERK=self._with_keys(given_settings())):
            yield

    def _with_keys(self, given: object) -> object:
        if not isinstance(given, Mapping) or given.get("CONFIG") is not None:
            return given
        return {**given, **{name.upper(): value for name, value in self.keys.items()}}


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


class _SignsIn(SignsIn, ClientMixin):
    """What the two clients have in common."""

    cookies: SimpleCookie
    _clerk_instance: _Instance  # pyright: ignore[reportIncompatibleVariableOverride]

    def logout(self) -> None:
        super().logout()
        self.clerk_logout()

    async def alogout(self) -> None:
        await super().alogout()
        self.clerk_logout()

    def _renew(self, request: HttpRequest) -> str | None:
        """Renew what is sent with *request*; return the token, if it is to be sent by the header."""
        return self._clerk_renew(lambda: self._clerk_instance.config(request), _ORIGIN)

    def _clerk_cookie(self, name: str) -> str | None:
        held = self.cookies.get(name)
        return held.value if held is not None else None

    def _clerk_set_cookie(self, name: str, value: str) -> None:
        self.cookies[name] = value

    def _clerk_drop_cookie(self, name: str) -> None:
        del self.cookies[name]


class ClerkClient(_SignsIn, Client):
    """`django.test.Client` with `clerk_login`, `clerk_login_machine` and `clerk_logout`."""

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
    """`django.test.AsyncClient` with the same methods, none of which is awaited."""

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
