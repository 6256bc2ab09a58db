"""``app.config["CLERK_…"]``: the Clerk instance, and what only Flask has.

The keys are the options of `ClerkConfig` in upper case after ``CLERK_``, and ``CLERK_PROTECTED_ROUTES`` and
``CLERK_PUBLIC_ROUTES``; each with the environment variable of the same name as the fallback.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from clerk_middleware import ClerkConfig, ConfigurationError, RouteMatcher
from clerk_middleware.config_source import without_forwarding
from clerk_middleware.logging import logger
from clerk_middleware.validation import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clerk_middleware.config_source import ConfigSource

_PREFIX = "CLERK_"


@dataclass(frozen=True, kw_only=True)
class RouteOptions:
    """Which paths need a session."""

    #: Patterns of the paths that do; see `RouteMatcher`.
    protected_routes: str | Sequence[str] | None = None
    #: In their place, patterns of the only paths that do not.
    public_routes: str | Sequence[str] | None = None


_PROXIES = (
    "Werkzeug's ProxyFix decides which URL a request has behind a proxy: wrap app.wsgi_app in it, and leave "
    "this out"
)
_CONFIG = {field.name for field in fields(ClerkConfig)}
_ROUTES = {field.name for field in fields(RouteOptions)}


def read(app_config: Mapping[str, Any], config: ConfigSource | None) -> tuple[ConfigSource, RouteOptions]:
    """What an application's configuration means, with *config* in place of the options, if it is given.

    :raises ConfigurationError: naming the key that is wrong.
    """
    if "CLERK" in app_config:
        raise ConfigurationError(
            "there is no such option: write each under a key of its own, such as CLERK_SECRET_KEY",
            source="app.config['CLERK']",
        )
    for key in app_config:
        if key.startswith(_PREFIX):
            _expect_known(key)
    given = _values(options_in(app_config))
    routes = _routes(given)
    if given.get("trust_forwarded_headers"):
        raise ConfigurationError(
            _PROXIES, option="trust_forwarded_headers", source=source_of("trust_forwarded_headers")
        )
    if config is None:
        return _config(given), routes
    if given:
        keys = " and ".join(map(source_of, given))
        raise ConfigurationError(
            f"config excludes {keys}: the ClerkConfig that it stands for has its own", option="config"
        )
    return without_forwarding(config, _config_with_forwarding), routes


def options_in(app_config: Mapping[str, Any]) -> dict[str, Any]:
    """The options in ``app.config``, as they stand there."""
    keys = {name: f"{_PREFIX}{name.upper()}" for name in sorted(_CONFIG | _ROUTES)}
    return {name: app_config[key] for name, key in keys.items() if key in app_config}


def expect_unchanged(app_config: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """
    :raises ConfigurationError: if ``app.config`` has other options than those that were read.
    """
    now = options_in(app_config)
    for name in now.keys() | given.keys():
        if now.get(name) != given.get(name):
            raise ConfigurationError(
                "was set after Clerk(app) or init_app(app), which reads it once: set it before",
                option=name,
                source=source_of(name),
            )


def source_of(option: str) -> str:
    """How a message names where an option was set."""
    return f"app.config['{_PREFIX}{option.upper()}']"


def _values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without those that are left to the environment, and with texts read as there."""
    values: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, str) and name in _CONFIG:
            if value.strip():
                values[name] = from_text(name, value.strip(), source_of(name))
        elif value is not None:
            values[name] = value
    return values


def _routes(given: dict[str, Any]) -> RouteOptions:
    """Those of *given*, which are taken out of it, or else of the environment."""
    options: dict[str, Any] = {}
    for name in sorted(_ROUTES):
        variable = f"{_PREFIX}{name.upper()}"
        source, value = source_of(name), given.pop(name, None)
        if value is None and os.environ.get(variable, "").strip():
            source, value = f"the environment variable {variable}", os.environ[variable]
        if value is not None:
            options[name] = _patterns(name, value, source)
    return RouteOptions(**options)


def _patterns(option: str, value: Any, source: str) -> Any:
    patterns = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
    try:
        RouteMatcher(patterns)
    except ConfigurationError as error:
        raise ConfigurationError(error.problem, option=option, source=source) from None
    return patterns


def _expect_known(key: str) -> None:
    """An application may keep settings of its own under the prefix, but no misspelt one of ours."""
    known = sorted(f"{_PREFIX}{name.upper()}" for name in _CONFIG | _ROUTES)
    if key in known:
        return
    close = get_close_matches(key, known, 1, cutoff=0.85)
    if close:
        raise ConfigurationError(
            f"there is no such option: did you mean {close[0]!r}?", source=f"app.config[{key!r}]"
        )
    logger.debug("Clerk: app.config[%r] is no option of clerk-middleware, and is left alone.", key)


def _config_with_forwarding() -> ConfigurationError:
    return ConfigurationError(f"trust_forwarded_headers: {_PROXIES}", option="config")


def _config(options: Mapping[str, Any]) -> ClerkConfig:
    try:
        # Never by headers that anybody can send: Flask has a way of its own for what is before it.
        return ClerkConfig.from_env(**{**options, "trust_forwarded_headers": False})
    except ConfigurationError as error:
        problem, source = error.problem, error.source
        if error.option is not None and error.option in options:
            source = source_of(error.option)
        elif source is None:
            problem += (
                " Set app.config['CLERK_...'] before Clerk(app) or init_app(app), or the environment "
                "variables CLERK_... (For tests any will do: sk_test_anything.)"
            )
        raise ConfigurationError(problem, option=error.option, source=source) from None
