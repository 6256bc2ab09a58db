"""The Frontend API proxy within Flask: behind the application's WSGI middlewares, and before all else.

A wrapper of ``app.wsgi_app`` would not know what a ``ProxyFix`` within it finds out, and a configuration that
is a function may ask Flask. So it starts where Flask begins to call the application's functions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import request

from clerk_middleware import ClerkConfig

from .identity import clerk_request, remember_config, runtime_in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flask import Flask

_IS_PROXIED = "_clerk_is_proxied"


def serve_frontend_api(app: Flask) -> None:
    """Have *app* pass on what ``frontend_api_proxy`` covers, without a call of its own functions."""
    dispatch, tear_down = app.full_dispatch_request, app.do_teardown_request

    def full_dispatch_request(*given: Any) -> Any:
        passage = _passage()
        return dispatch(*given) if passage is None else passage

    def do_teardown_request(*given: Any, **named: Any) -> None:
        if _IS_PROXIED not in request.__dict__:  # it would put away what nothing has set up
            tear_down(*given, **named)

    app.full_dispatch_request = full_dispatch_request  # type: ignore[method-assign]
    app.do_teardown_request = do_teardown_request  # type: ignore[method-assign]


def _passage() -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]] | None:
    """What answers the request in the place of a response; `None` where the application does."""
    runtime, environ = runtime_in_use(), request.environ
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    config = runtime.config
    if isinstance(config, ClerkConfig) and (config.proxy is None or not config.proxy.covers(path)):
        return None
    try:
        seen = clerk_request()
        proxy = runtime.authenticator.config_for(seen).proxy
    except Exception:  # it is raised again where Flask's error handlers get it
        return None
    remember_config(seen)
    if proxy is None or not proxy.covers(path):
        return None
    request.__dict__[_IS_PROXIED] = True
    return partial(runtime.proxy.forward, request=seen)
