"""Flask's test client, in which a Clerk user or machine can be signed in, by tokens that are real::

    def test_managers_see_the_teams() -> None:
        client = ClerkTestClient(create_app({"TESTING": True, "CLERK_SECRET_KEY": "sk_test_anything"}))
        client.clerk_login("user_ann", permissions=["org:teams:manage"])
        assert client.get("/teams").status_code == 200

Each client brings a Clerk instance of its own, so nothing is ever asked of Clerk, and any key will do. All
else is as the application has configured it. `clerk_middleware.local` is for tests in a browser.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.wsgi import get_current_url

from clerk_middleware import ClerkConfig, ConfigurationError
from clerk_middleware.testing.client import SignsIn
from clerk_middleware.testing.instance import Instance, Login, now

from .identity import RUNTIME, clerk_request
from .runtime import Runtime, runtime_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self
    from wsgiref.types import WSGIEnvironment

    import httpx
    from flask import Flask, Response
    from werkzeug.datastructures import Headers

    from clerk_middleware.testing.machine_login import MachineToken
    from clerk_middleware.tokens.classes import MachineTokenType

__all__ = ["ClerkTestClient"]

_HOST = "localhost"  # where there is no SERVER_NAME


class _Instance(Instance):
    """The Clerk instance of one client, as its application configures it."""

    def __init__(self, app: Flask, keeps_cookies: bool) -> None:
        super().__init__()
        self._app = app
        self._keeps_cookies = keeps_cookies
        self._made: Runtime | None = None

    def sign_in(self, login: Login, user: dict[str, Any]) -> dict[str, str]:
        self.clerk()  # an application without one is told so here
        if not login.by_header and not self._keeps_cookies:
            raise ConfigurationError(
                "this client keeps no cookies, as use_cookies=False says: sign in as API clients do, by "
                "clerk_login(..., header=True)",
                source="header",
            )
        return super().sign_in(login, user)

    def clerk(self) -> Runtime:
        """What the application has, with this instance's keys."""
        if self._made is None:
            given = runtime_of(self._app)
            self._made = Runtime.of(
                self.own(given.config),
                given.options,
                transport=self.transport(),
                proxy_transport=_no_frontend_api(),
                clock=now,
            )
        return self._made

    def machine(self, token_type: MachineTokenType, **options: Any) -> MachineToken:
        self.clerk()  # as above
        return super().machine(token_type, **options)

    def config(self, environ: WSGIEnvironment) -> ClerkConfig | None:
        """What serves the request of *environ*."""
        clerk = self.clerk()
        if isinstance(clerk.config, ClerkConfig):
            return clerk.config
        config = None
        # A function may ask Flask, too. Should it fail, it does so again in the application, which answers.
        with suppress(Exception), self._app.request_context(environ.copy()):
            config = clerk.authenticator.config_for(clerk_request())
        return config


def _no_frontend_api() -> httpx.MockTransport:
    """What the proxy of a test asks: nobody signs in there, for `clerk_login` does that."""
    import httpx

    text = b'{"errors":[{"code":"resource_not_found","message":"Tests have no Frontend API."}]}'

    def answer(_: httpx.Request) -> httpx.Response:
        headers = {"content-type": "application/json", "content-length": str(len(text))}
        return httpx.Response(404, headers=headers, stream=httpx.ByteStream(text))

    return httpx.MockTransport(answer)


class ClerkTestClient(SignsIn, FlaskClient):
    """`flask.testing.FlaskClient` with `clerk_login`, `clerk_login_machine` and `clerk_logout`.

    ``ClerkTestClient(app)``; or ``app.test_client_class = ClerkTestClient``, and then ``app.test_client()``.
    """

    def __init__(
        self,
        application: Flask,
        response_wrapper: type[Response] | None = None,
        use_cookies: bool = True,
        *args: Any,
        **options: Any,
    ) -> None:
        wrapper = application.response_class if response_wrapper is None else response_wrapper
        super().__init__(application, wrapper, use_cookies, *args, **options)
        instance = _Instance(application, use_cookies)
        self._clerk_instance: _Instance = instance  # pyright: ignore[reportIncompatibleVariableOverride]
        # Its cookies follow the user from host to host: nobody signs in anew in each subdomain of a test.
        self._clerk_host = urlsplit(f"//{application.config['SERVER_NAME'] or _HOST}").hostname or _HOST

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def run_wsgi_app(
        self, environ: WSGIEnvironment, buffered: bool = False
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Send one request; those that follow a redirect come through here, too."""
        clerk = self._clerk_instance.clerk()
        self._clerk_move(urlsplit(get_current_url(environ)).hostname or _HOST)
        here = get_current_url(environ, host_only=True).rstrip("/")
        token = self._clerk_renew(lambda: self._clerk_instance.config(environ), here)
        ours: dict[str, Any] = {RUNTIME: (self.application, clerk)}
        if token is not None and "HTTP_AUTHORIZATION" not in environ:  # one of the test's own goes before
            ours["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        environ |= ours
        try:
            return super().run_wsgi_app(environ, buffered)
        finally:  # what is made of this request, as where a redirect is followed, gets its own
            for name in ours:
                del environ[name]

    def _clerk_move(self, host: str) -> None:
        if host == self._clerk_host:
            return
        held = {name: value for name, value in self._clerk_cookies.items() if self._clerk_holds(name)}
        for name in held:
            self._clerk_drop_cookie(name)
        self._clerk_host = host
        for name, value in held.items():
            self._clerk_set_cookie(name, value)

    def _clerk_cookie(self, name: str) -> str | None:
        held = self.get_cookie(name, self._clerk_host)
        return held.value if held is not None else None

    def _clerk_set_cookie(self, name: str, value: str) -> None:
        self.set_cookie(name, value, domain=self._clerk_host)

    def _clerk_drop_cookie(self, name: str) -> None:
        self.delete_cookie(name, domain=self._clerk_host)
