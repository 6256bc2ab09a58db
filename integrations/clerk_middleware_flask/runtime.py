"""What `Clerk` makes for one application, and keeps with it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clerk_middleware import Authenticator, ConfigurationError
from clerk_middleware.proxy.wsgi import WSGIProxy
from clerk_middleware.route_protection import RouteProtection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from flask import Flask

    from clerk_middleware.config_source import ConfigSource

    from .settings import RouteOptions

#: The key in ``app.extensions``.
EXTENSION = "clerk"


@dataclass(kw_only=True, slots=True, eq=False)
class Runtime:
    """The engine as one application has configured it: ``app.extensions["clerk"]``."""

    config: ConfigSource
    authenticator: Authenticator
    proxy: WSGIProxy
    options: RouteOptions
    routes: RouteProtection
    #: The options in ``app.config`` when it was made.
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Whether the application was looked at, once all of it is there.
    is_setup_checked: bool = False

    @classmethod
    def of(
        cls,
        config: ConfigSource,
        options: RouteOptions,
        *,
        transport: Any = None,
        proxy_transport: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """
        :param transport: an httpx transport; see `Authenticator`.
        :param proxy_transport: likewise, for the Frontend API.
        :raises ConfigurationError: if they don't go together.
        """
        return cls(
            config=config,
            authenticator=Authenticator(config, transport=transport, clock=clock),
            proxy=WSGIProxy(config, transport=proxy_transport),
            options=options,
            routes=RouteProtection(options.protected_routes, options.public_routes),
        )

    def close(self) -> None:
        """Close the connections to Clerk; a later request opens new ones."""
        self.authenticator.close()
        self.proxy.close()


def runtime_of(app: Flask) -> Runtime:
    """That of *app*.

    :raises ConfigurationError: if it has no `Clerk`.
    """
    runtime = app.extensions.get(EXTENSION)
    if isinstance(runtime, Runtime):
        return runtime
    raise ConfigurationError(
        f"the application {app.name!r} has no Clerk: write Clerk(app), or clerk.init_app(app) in its factory"
    )
