"""The extension, which an application sets up with: ``Clerk(app)``.

https://flask.palletsprojects.com/en/stable/extensiondev/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from flask import Flask, redirect, request, session

from clerk_middleware import AuthorizationError, ConfigurationError, HandshakeError
from clerk_middleware.answers import handshake_failed, redirect_of
from clerk_middleware.logging import logger
from clerk_middleware.protection import Protection, Requirement
from clerk_middleware.sign_out import cookies_to_forget
from clerk_middleware.wsgi_environ import paths_of

from .decorators import expect_order
from .identity import Identity, current_auth, get_auth
from .installed import EXTENSION, Installed
from .redirects import own_url, sign_in_url, sign_up_url
from .responses import add_headers, response_of
from .settings import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Response
    from werkzeug.wrappers import Response as WerkzeugResponse

    from clerk_middleware import SessionAuth
    from clerk_middleware.authenticator import ConfigSource
    from clerk_middleware.protection import ProtectionOptions

_SIGNED_IN = Requirement()


class Clerk:
    """Authenticates each request of an application, answers handshakes, and turns refusals into responses.

    Views and templates find the Auth object in `current_auth` and in ``request.auth``. The configuration is
    ``app.config["CLERK_…"]``, then the environment.

    :param app: the application; `None` where a factory calls `init_app`. One `Clerk` serves any number.
    :param config: a `ClerkConfig`, or a function of the request that returns one, in place of the options.
    :raises ConfigurationError: if the configuration is wrong.
    """

    def __init__(self, app: Flask | None = None, config: ConfigSource | None = None) -> None:
        if app is not None and not isinstance(app, Flask):
            raise ConfigurationError(
                f"the first parameter of Clerk is the application, not a {type(app).__name__}: write "
                "Clerk(app, config=...), or Clerk(config=...) and clerk.init_app(app)"
            )
        self._config = config
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set *app* up, whose configuration has to be complete.

        :raises ConfigurationError: if it is wrong, or *app* has a `Clerk` already.
        """
        if EXTENSION in app.extensions:
            raise ConfigurationError(
                f"the application {app.name!r} has a Clerk already: write Clerk(app), or "
                "clerk.init_app(app), once"
            )
        app.extensions[EXTENSION] = Installed.of(*read(app.config, self._config))
        app.before_request(_Entrance(app))
        app.after_request(_add_headers)
        own = app.error_handler_spec[None][None]  # what the application registered itself, and earlier
        if AuthorizationError not in own:
            app.register_error_handler(AuthorizationError, self.answer)
        if HandshakeError not in own:
            app.register_error_handler(HandshakeError, _answer_failed_handshake)
        app.jinja_env.globals.update(
            current_auth=current_auth, clerk_sign_in_url=sign_in_url, clerk_sign_up_url=sign_up_url
        )

    def protect_blueprint(
        self,
        blueprint: Blueprint,
        condition: Callable[[SessionAuth], bool] | None = None,
        **options: Unpack[ProtectionOptions],
    ) -> None:
        """Require all that is given of each request to *blueprint*, and to those within it: `protect`.

        To be called before the blueprint is registered. For the answers of ``require_permission`` and the
        others (401 and 403), decorate a function that does nothing::

            @blueprint.before_request
            @require_permission("org:teams:manage")
            def managers_only() -> None: ...

        :raises ConfigurationError: if a requirement is malformed.
        """
        requirement = Protection(condition, **options)

        @blueprint.before_request
        def check() -> None:
            if not _is_preflight():
                requirement.check(get_auth())

    def answer(self, error: AuthorizationError) -> Response:
        """The response that a refusal gets by default, for an error handler that leaves some to it."""
        logger.debug("Clerk: refused, %s", error)
        return response_of(error.requirement.answer(error, Identity.of_request().state))

    def sign_out(self, next_page: str | None = None) -> WerkzeugResponse:
        """End the session at Clerk, and forget it in the browser, with Flask's own; returns a redirect.

        For a view of your own, which has to be a ``POST`` and checked for forgery, as all that changes
        something. An application that loads Clerk's JavaScript calls ``Clerk.signOut()`` in place of it.

        :param next_page: where to: a path or URL of this site, and not one that leads elsewhere. Default:
            the application's first page.
        """
        identity = Identity.of_request()
        state = identity.settled()
        identity.clerk.authenticator.sign_out(state)
        if session:
            session.clear()  # whoever comes next must not find what is in it
        response = redirect(own_url(next_page) or f"{request.root_path.rstrip('/')}/", 303)
        for name in cookies_to_forget(state.config):
            if name in request.cookies:
                response.delete_cookie(name, samesite="Lax")
        return response


class _Entrance:
    """Finds out who a request is, before anything else is done with it."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._is_in_order = False

    def __call__(self) -> Response | None:
        if not self._is_in_order:  # once, when everything is registered
            expect_order(self._app)
            self._is_in_order = True
        identity = Identity.of_request()
        answer = redirect_of(identity.settled())
        request.auth = identity.auth  # type: ignore[attr-defined]
        if answer is not None:
            identity.is_redirected = True
            return response_of(answer)
        routes = identity.clerk.routes
        if any(routes.cover(path, root) for path, root in paths_of(request.environ)) and not _is_preflight():
            _SIGNED_IN.check(identity.auth)
        return None


def _answer_failed_handshake(error: HandshakeError) -> Response:
    return response_of(handshake_failed(error))


def _add_headers(response: Response) -> Response:
    identity = Identity.found()
    if identity is not None and identity.state is not None and not identity.is_redirected:
        add_headers(response, identity.state)
    return response


def _is_preflight() -> bool:
    """Whether Flask answers by itself, with the methods of a route: CORS asks without credentials."""
    return request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False)
