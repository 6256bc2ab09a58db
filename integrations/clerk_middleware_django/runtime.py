"""What ``settings.CLERK`` makes: the authenticators of this process, and their options.

There is one at a time. It lives until ``settings.CLERK`` changes, as in ``override_settings``; what
the authenticators remember is keyed by the Clerk instance, and dies with them.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.core.signals import setting_changed

from clerk_middleware import AsyncAuthenticator, Authenticator, ConfigurationError
from clerk_middleware.logging import OccasionalWarnings
from clerk_middleware.proxy.asgi import ASGIProxy
from clerk_middleware.proxy.wsgi import WSGIProxy
from clerk_middleware.route_protection import RouteProtection

from .settings import ClerkImproperlyConfigured, DjangoOptions, given_settings, read
from .turned_away import TurnedAway

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from django.http import HttpRequest

    from clerk_middleware.config_source import ConfigSource


@dataclass(frozen=True, kw_only=True, slots=True)
class Clerk:
    """The engine as one configuration has it, for both kinds of views."""

    config: ConfigSource
    authenticator: Authenticator
    async_authenticator: AsyncAuthenticator
    proxy: WSGIProxy
    async_proxy: ASGIProxy
    routes: RouteProtection
    options: DjangoOptions
    turned_away: TurnedAway = field(default_factory=TurnedAway)
    warnings: OccasionalWarnings = field(default_factory=OccasionalWarnings)
    unavailable: TurnedAway = field(default_factory=lambda: TurnedAway(seconds=2.0))

    @classmethod
    def of(
        cls,
        config: ConfigSource,
        options: DjangoOptions,
        *,
        transport: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """
        :param transport: an httpx transport for both kinds of calls; see `Authenticator`.
        :raises ClerkImproperlyConfigured: if they don't go together.
        """
        try:
            authenticator = Authenticator(config, transport=transport, clock=clock)
            return cls(
                config=config,
                authenticator=authenticator,
                async_authenticator=AsyncAuthenticator(
                    config, transport=transport, clock=clock, in_threads=authenticator
                ),
                proxy=WSGIProxy(config, transport=transport),
                async_proxy=ASGIProxy(config, transport=transport),
                routes=RouteProtection(options.protected_routes, options.public_routes),
                options=options,
            )
        except ConfigurationError as error:
            raise ClerkImproperlyConfigured(
                error.problem, option=error.option, source=error.source or "settings.CLERK"
            ) from None


_lock = threading.Lock()
_current: Clerk | None = None


def current() -> Clerk:
    """What the settings say now.

    :raises ClerkImproperlyConfigured: if they are wrong.
    """
    global _current
    clerk = _current
    if clerk is None:
        with _lock:
            clerk = _current = _current or Clerk.of(*read(given_settings()))
    return clerk


def configured() -> Clerk | None:
    """What a system check looks at; `None` where the settings are wrong, which is one check's to tell."""
    try:
        return Clerk.of(*read(given_settings()))
    except Exception:
        return None


def clerk_of(request: HttpRequest) -> Clerk:
    """What serves *request*: a test client may bring an instance of its own."""
    return cast("Clerk | None", getattr(request, "_clerk", None)) or current()


def _forget(*, setting: str, **_: Any) -> None:
    global _current
    if setting == "CLERK":
        with _lock:
            forgotten, _current = _current, None
        if forgotten is not None:
            forgotten.authenticator.close()
            forgotten.proxy.close()


setting_changed.connect(_forget, dispatch_uid="clerk_middleware_django")
