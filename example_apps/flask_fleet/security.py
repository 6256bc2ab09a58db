"""What every application whose users are known by cookies needs besides authentication."""

from typing import Any

from flask import Flask, Response, request
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]

from clerk_middleware import ClerkConfig
from clerk_middleware_flask import get_state
from example_apps.fleet.headers import SECURITY_HEADERS


class FormProtection(CSRFProtect):  # type: ignore[misc]
    """Lets nothing be changed by a form or a script of another site.

    A browser sends cookies along with whatever request, also with a form that some other site holds (CSRF).
    So forms have a field that only our own pages know, and scripts a header. A request with a bearer token
    needs neither: no browser adds one by itself. (Nor does a webhook, which the extension leaves out.)
    """

    def protect(self, *args: Any, **kwargs: Any) -> None:
        if not get_state().is_beyond_forgery:
            super().protect(*args, **kwargs)


csrf = FormProtection()


def add_security(app: Flask, config: ClerkConfig) -> None:
    app.config.from_mapping(
        WTF_CSRF_TIME_LIMIT=None,  # a page may be open for longer than an hour
        SESSION_COOKIE_NAME="fleet_forms",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not config.is_development,
    )
    csrf.init_app(app)

    @app.after_request
    def add_headers(response: Response) -> Response:
        """What belongs on every answer. (The Content Security Policy is the extension's.)"""
        response.headers.update(SECURITY_HEADERS)
        if request.endpoint != "static":
            response.headers["cache-control"] = "no-store"  # after signing out, "back" shows nothing
        return response
