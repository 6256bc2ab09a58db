"""What every application whose users are known by cookies needs besides authentication."""

from flask import Flask, Response, current_app, request

from clerk_middleware import ClerkConfig
from clerk_middleware_flask import get_state
from example_apps.fleet.headers import security_headers

from .extensions import csrf


def add_security(app: Flask, config: ClerkConfig) -> None:
    app.config.from_mapping(
        WTF_CSRF_CHECK_DEFAULT=False,  # not_forged() does
        WTF_CSRF_TIME_LIMIT=None,  # a page may be open for longer than an hour
        SESSION_COOKIE_NAME="fleet_forms",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not config.is_development,
    )
    csrf.init_app(app)
    app.before_request(not_forged)
    headers = security_headers(config)

    @app.after_request
    def add_headers(response: Response) -> Response:
        """A Content-Security-Policy and its companions, on every answer."""
        response.headers.update(headers)
        if request.endpoint != "static":
            response.headers["cache-control"] = "no-store"  # after signing out, "back" shows nothing
        return response


def not_forged() -> None:
    """Let nothing be changed by a form or a script of another site.

    A browser sends cookies along with whatever request, also with a form that some other site holds (CSRF).
    So forms have a field that only our own pages know, and scripts a header. A request with a bearer token
    needs neither: no browser adds one by itself. Tests turn this off, as Flask-WTF has it.
    """
    if current_app.config["WTF_CSRF_ENABLED"] and not get_state().is_beyond_forgery:
        csrf.protect()
