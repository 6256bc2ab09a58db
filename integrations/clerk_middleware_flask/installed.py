"""What `Clerk` makes for one application, and keeps in ``app.extensions["clerk"]``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clerk_middleware import Authenticator, ConfigurationError
from clerk_middleware.route_protection import RouteProtection

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from flask.sansio.app import App

    from clerk_middleware.authenticator import ConfigSource

    from .settings import RouteOptions

#: The key in ``app.extensions``.
EXTENSION = "clerk"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Installed:
    """The engine as one application has configured it."""

    config: ConfigSource
    authenticator: Authenticator
    options: RouteOptions
    routes: RouteProtection

    @classmethod
    def of(
        cls,
        config: ConfigSource,
        options: RouteOptions,
        *,
        transport: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """
        :param transport: an httpx transport; see `Authenticator`.
        :raises ConfigurationError: if they don't go together.
        """
        return cls(
            config=config,
            authenticator=Authenticator(config, transport=transport, clock=clock),
            options=options,
            routes=RouteProtection(options.protected_routes, options.public_routes),
        )


def installed_in(app: App) -> Installed:
    """
    :raises ConfigurationError: if *app* has none.
    """
    installed = app.extensions.get(EXTENSION)
    if isinstance(installed, Installed):
        return installed
    raise ConfigurationError(
        f"the application {app.name!r} has no Clerk: write Clerk(app), or clerk.init_app(app) in its factory"
    )
