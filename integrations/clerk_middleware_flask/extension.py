"""The Flask extension: ``Clerk(app)``.

https://flask.palletsprojects.com/en/stable/extensiondev/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, overload
from urllib.parse import quote

from flask import Flask, after_this_request, current_app, redirect, request, session
from werkzeug.exceptions import NotFound

from clerk_middleware import AuthorizationError, ConfigurationError, HandshakeError
from clerk_middleware.answers import NOT_FOUND, handshake_failed, redirect_of
from clerk_middleware.decorators import check_condition
from clerk_middleware.logging import logger
from clerk_middleware.oauth_metadata import METADATA
from clerk_middleware.protect import Protection
from clerk_middleware.protection import SIGNED_IN
from clerk_middleware.sign_out import cookies_to_forget
from clerk_middleware.wsgi_environ import paths_of

from .content_security import add_nonce, policy_of_unknown
from .decorator_order import check_decorator_order
from .deliveries import is_delivery
from .frontend_api import serve_frontend_api
from .identity import Identity, clerk_request, current_auth, get_auth, runtime_in_use
from .preflight import is_preflight
from .redirects import own_url, sign_in_url, sign_up_url
from .responses import own, response_of, with_headers, with_policy
from .runtime import EXTENSION, Runtime, runtime_of
from .settings import expect_unchanged, options_in, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Response
    from werkzeug.wrappers import Response as WerkzeugResponse

    from clerk_middleware import SessionAuth
    from clerk_middleware.conditions import Condition
    from clerk_middleware.config_source import ConfigSource
    from clerk_middleware.protect import ProtectionOptions, SessionProtectionOptions, TokenProtectionOptions


class Clerk:
    """Authenticates each request of an application, answers handshakes, and turns refusals into responses.

    Before that come requests to the Frontend API, where the configuration has ``frontend_api_proxy``.

    Views and templates find the Auth object in `current_auth` and in ``request.auth``. The configuration is
    ``app.config["CLERK_…"]``, then the environment.

    Nothing of an application is kept here: one `Clerk` serves any number, and its methods work in each.

    :param app: the application; `None` where a factory calls `init_app`.
    :param config: a `ClerkConfig`, or a function of the request that returns one, in place of the options.
    :raises ConfigurationError: if the configuration is wrong.
    """

    def __init__(self, app: Flask | None = None, config: ConfigSource | None = None) -> None:
        self._config = config
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, config: ConfigSource | None = None) -> None:
        """Set *app* up, whose configuration has to be complete.

        :param config: in place of the one that this `Clerk` was made with.
        :raises ConfigurationError: if it is wrong, or *app* has a `Clerk` already.
        """
        if not isinstance(app, Flask):
            raise ConfigurationError(
                f"a Flask application is what Clerk is for, not a {type(app).__name__}: write "
                "Clerk(app, config=...), or Clerk(config=...) and clerk.init_app(app)"
            )
        if EXTENSION in app.extensions:
            raise ConfigurationError(
                f"the application {app.name!r} has a Clerk already: write Clerk(app), or "
                "clerk.init_app(app), once"
            )
        runtime = Runtime.of(*read(app.config, config if config is not None else self._config))
        runtime.given = options_in(app.config)
        app.extensions[EXTENSION] = runtime
        serve_frontend_api(app)
        app.before_request(_expect_finished_setup)
        app.before_request(_authenticate)
        # After every after_request function, whichever was registered first, and the session's cookie.
        process_response = app.process_response
        app.process_response = lambda *given: _with_headers(process_response(*given))  # type: ignore[method-assign]
        handlers = app.error_handler_spec[None][None]  # those that the application registered itself, earlier
        if AuthorizationError not in handlers:
            app.register_error_handler(AuthorizationError, self.answer)
        if HandshakeError not in handlers:
            app.register_error_handler(HandshakeError, _answer_failed_handshake)
        app.jinja_env.globals.update(
            current_auth=current_auth, clerk_sign_in_url=sign_in_url, clerk_sign_up_url=sign_up_url
        )
        add_nonce(app.jinja_env.globals)

    @overload
    def protect_blueprint(
        self,
        blueprint: Blueprint,
        condition: Callable[[SessionAuth], bool] | None = None,
        **options: Unpack[SessionProtectionOptions],
    ) -> None: ...
    @overload
    def protect_blueprint(
        self,
        blueprint: Blueprint,
        condition: Condition | None = None,
        **options: Unpack[TokenProtectionOptions],
    ) -> None: ...
    def protect_blueprint(
        self,
        blueprint: Blueprint,
        condition: Condition | None = None,
        **options: Unpack[ProtectionOptions],
    ) -> None:
        """Protect each view of *blueprint*, and of the blueprints within it, as `protect` does one.

        Call it before the blueprint is registered. `protect` answers 404, unless machines are let in, as by
        ``token="api_key"``; for the answers of ``require_permission`` and the others (401 and 403), decorate
        a function that does nothing::

            @blueprint.before_request
            @require_permission("org:teams:manage")
            def managers_only() -> None: ...

        :raises ConfigurationError: if a requirement is malformed.
        """
        check_condition(condition)
        requirement = Protection(condition, **options)

        @blueprint.before_request
        def check() -> None:
            if not is_preflight():
                requirement.check(get_auth())

    def answer(self, error: AuthorizationError) -> Response:
        """The response that a refusal gets by default, for an error handler that leaves some to it.

        Where that is 404, as of `protect`, it is the application's own: nobody can tell that there is a page.
        """
        logger.debug("Clerk: refused, %s", error)
        answer = error.requirement.answer(error, Identity.of_request().state)
        if answer is NOT_FOUND:
            return current_app.make_response(current_app.handle_http_exception(NotFound()))
        return response_of(answer)

    def sign_out(self, next_page: str | None = None) -> WerkzeugResponse:
        """End the session at Clerk, clear Flask's session, have the browser forget the cookies, and redirect.

        Call it in a view that takes ``POST`` alone and is protected from forgery. An application that loads
        Clerk's JavaScript calls ``Clerk.signOut()`` instead.

        :param next_page: where to go: a path or URL of this site; one that leads elsewhere is ignored.
            Default: the application's first page.
        """
        identity = Identity.of_request()
        state = identity.require_state()
        identity.runtime.authenticator.sign_out(state)
        state.headers.clear()  # a token that was refreshed just now must not come after
        if session:
            session.clear()  # whoever comes next must not find what is in it

        @after_this_request  # whichever response the view returns
        def forget(response: Response) -> Response:
            response = own(response)
            for name in cookies_to_forget(state.config):
                if name in request.cookies:
                    response.delete_cookie(name, samesite="Lax")
            return response

        return redirect(own_url(next_page) or _first_page(), 303)


def _expect_finished_setup() -> None:
    """Find mistakes that show when everything is set up, at the first request.

    :raises ConfigurationError: naming the mistake.
    """
    runtime = runtime_of(current_app)
    if not runtime.is_setup_checked:
        check_decorator_order(current_app)
        expect_unchanged(current_app.config, runtime.given)
        runtime.is_setup_checked = True


def _authenticate() -> Response | None:
    """Find out who a request is, before a view runs."""
    if METADATA in request.path:
        metadata = runtime_in_use().authenticator.oauth_metadata(clerk_request())
        if metadata is not None:
            return response_of(metadata)
    identity = Identity.of_request()
    answer = redirect_of(identity.require_state())
    request.auth = identity.auth  # type: ignore[attr-defined]
    if answer is not None:
        identity.is_redirected = True
        return response_of(answer)
    routes = identity.runtime.routes
    if any(routes.cover(path, root) for path, root in paths_of(request.environ)) and not (
        is_preflight() or is_delivery()
    ):
        SIGNED_IN.check(identity.auth)
    return None


def _first_page() -> str:
    # Two slashes would lead to another host, and so would what a browser leaves out between them.
    root = quote(request.root_path.strip("/"))
    return f"/{root}/" if root else "/"


def _answer_failed_handshake(error: HandshakeError) -> Response:
    return response_of(handshake_failed(error))


def _with_headers(response: Response) -> Response:
    identity = Identity.found()
    if identity is not None and identity.state is not None:
        return response if identity.is_redirected else with_headers(response, identity.state)
    policy = policy_of_unknown(identity) if response.mimetype == "text/html" else None
    return response if policy is None else with_policy(response, policy)
