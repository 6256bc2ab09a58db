"""``app.config["CLERK_…"]``: the Clerk instance, and what only Flask has.

The keys are the options of `ClerkConfig` in upper case after ``CLERK_``, each with the environment variable
of the same name as the fallback; and ``CLERK_PROTECTED_ROUTES`` and ``CLERK_PUBLIC_ROUTES``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from clerk_middleware import ClerkConfig, ConfigurationError, RouteMatcher
from clerk_middleware.logging import logger
from clerk_middleware.validation import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clerk_middleware.authenticator import ConfigSource

_PREFIX = "CLERK_"


@dataclass(frozen=True, kw_only=True)
class RouteOptions:
    """Which paths need a session."""

    #: Patterns of the paths that do; see `RouteMatcher`.
    protected_routes: str | Sequence[str] | None = None
    #: In their place, patterns of the only paths that do not.
    public_routes: str | Sequence[str] | None = None


_CONFIG = {field.name for field in fields(ClerkConfig)}
_ROUTES = {field.name for field in fields(RouteOptions)}


def read(app_config: Mapping[str, Any], config: ConfigSource | None) -> tuple[ConfigSource, RouteOptions]:
    """What an application's configuration means, with *config* in place of the options, if it is given.

    :raises ConfigurationError: naming the key that is wrong.
    """
    given = dict(_given(app_config))
    routes = RouteOptions(**{name: _patterns(name, given.pop(name)) for name in _ROUTES & given.keys()})
    if config is None:
        return _config(given), routes
    if given:
        keys = " and ".join(map(source_of, given))
        raise ConfigurationError(
            f"config excludes {keys}: the ClerkConfig that it stands for has its own", option="config"
        )
    return config, routes


def source_of(option: str) -> str:
    """How a message names where an option was set."""
    return f"app.config['{_PREFIX}{option.upper()}']"


def _patterns(option: str, value: Any) -> Any:
    patterns = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
    try:
        RouteMatcher(patterns)
    except ConfigurationError as error:
        raise ConfigurationError(error.problem, option=option, source=source_of(option)) from None
    return patterns


def _given(app_config: Mapping[str, Any]) -> Mapping[str, Any]:
    given: dict[str, Any] = {}
    for key, value in app_config.items():
        if not key.startswith(_PREFIX):
            continue
        name = key.removeprefix(_PREFIX).lower()
        if name not in _CONFIG | _ROUTES:
            _not_an_option(key)
        elif isinstance(value, str) and name in _CONFIG:
            # Often from the environment or a file, as in app.config.from_mapping(os.environ).
            if value.strip():
                given[name] = from_text(name, value.strip(), source_of(name))
        elif value is not None:
            given[name] = value
    return given


def _not_an_option(key: str) -> None:
    """An application may keep settings of its own under the prefix, but no misspelt one of ours."""
    known = sorted(f"{_PREFIX}{name.upper()}" for name in _CONFIG | _ROUTES)
    close = get_close_matches(key, known, 1, cutoff=0.85)
    if close:
        raise ConfigurationError(
            f"there is no such option: did you mean {close[0]!r}?", source=f"app.config[{key!r}]"
        )
    logger.debug("Clerk: app.config[%r] is no option of clerk-middleware, and is left alone.", key)


def _config(options: Mapping[str, Any]) -> ClerkConfig:
    try:
        return ClerkConfig.from_env(**options)
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
