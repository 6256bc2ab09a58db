"""``settings.CLERK``: the Clerk instance, and what only Django has.

Its keys are the options of `ClerkConfig` in upper case, each with the environment variable ``CLERK_…``
as the fallback, and those of `DjangoOptions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from clerk_middleware import ClerkConfig, ConfigurationError
from clerk_middleware.config_source import without_forwarding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from clerk_middleware import AuthorizationError
    from clerk_middleware.config_source import ConfigSource

    from .profiles import ClerkProfile

_OF_DJANGO = {
    "TRUST_FORWARDED_HEADERS": "Django's SECURE_PROXY_SSL_HEADER and USE_X_FORWARDED_HOST decide which URL a "
    "request has; set those, and leave this out",
}


class ClerkImproperlyConfigured(ConfigurationError, ImproperlyConfigured):
    """``settings.CLERK`` is wrong."""


@dataclass(frozen=True, kw_only=True)
class DjangoOptions:
    """The keys of ``settings.CLERK`` that are not `ClerkConfig`'s, in lower case."""

    #: Patterns of paths that need a session; see `RouteMatcher`.
    protected_routes: str | Sequence[str] | None = None
    #: In their place, patterns of the only paths that need none.
    public_routes: str | Sequence[str] | None = None
    #: Whether a Clerk user who is here for the first time gets a local user.
    create_users: bool = False
    #: Whether the verified email address of a Clerk user who is here for the first time gives them the
    #: local user with that address: one who is neither staff, superuser nor linked.
    link_by_verified_email: bool = False
    #: Decides the fields of a local user; a function or its dotted path. `None` from it: no user.
    user_fields: Callable[[ClerkProfile], Mapping[str, Any] | None] | None = None
    #: Whether webhooks create, update and deactivate local users, by the same rules.
    sync_users: bool = False
    #: A view ``(request, error)`` for refusals, or its dotted path. `None` from it: the default answer.
    authorization_failure_view: Callable[[HttpRequest, AuthorizationError], HttpResponse | None] | None = None


_FUNCTIONS = ("USER_FIELDS", "AUTHORIZATION_FAILURE_VIEW")
_KEYS = ("sk_", "ak_", "whsec_")
_FLAGS = ("CREATE_USERS", "LINK_BY_VERIFIED_EMAIL", "SYNC_USERS")
_OPTIONS = {field.name.upper() for field in fields(DjangoOptions)}
_CONFIG = {field.name.upper() for field in fields(ClerkConfig)} - set(_OF_DJANGO)


def given_settings() -> object:
    """``settings.CLERK``, as it stands."""
    return getattr(settings, "CLERK", {})


def read(given: object) -> tuple[ConfigSource, DjangoOptions]:
    """What `given_settings` mean.

    :raises ClerkImproperlyConfigured: naming the setting that is wrong.
    """
    if not isinstance(given, Mapping):
        raise ClerkImproperlyConfigured(
            f"must be a dictionary such as {{'SECRET_KEY': ...}}, not a {type(given).__name__}",
            source="settings.CLERK",
        )
    for name in given:
        _expect_known(name)
    config = _config(given)
    options = {name: given[name] for name in _OPTIONS & given.keys()}
    for name in _FUNCTIONS:
        options[name] = _function(name, options.get(name))
    for name in _FLAGS:
        if not isinstance(options.get(name, False), bool):
            raise _wrong(name, f"must be True or False, not a {type(options[name]).__name__}")
    if options.get("LINK_BY_VERIFIED_EMAIL") and not isinstance(config, ClerkConfig):
        raise _wrong(
            "LINK_BY_VERIFIED_EMAIL",
            "excludes CONFIG as a function: whoever runs one of several Clerk instances says there which "
            "addresses are verified, and would be given the local users of all",
        )
    if options.get("SYNC_USERS"):
        _expect_synced(config)
    return config, DjangoOptions(**{name.lower(): value for name, value in options.items()})


def _expect_synced(config: ConfigSource) -> None:
    if not isinstance(config, ClerkConfig):
        raise _wrong(
            "SYNC_USERS",
            "excludes CONFIG as a function: whoever runs one of several Clerk instances would create and "
            "deactivate the local users of all",
        )
    if not apps.is_installed("clerk_middleware_django"):
        raise _wrong(
            "SYNC_USERS",
            "needs the tables of Clerk's users: add 'clerk_middleware_django' to INSTALLED_APPS, and run "
            "manage.py migrate",
        )


def _expect_known(name: object) -> None:
    if name in _OF_DJANGO:
        raise _wrong(name, _OF_DJANGO[str(name)])
    if name in _OPTIONS or name in _CONFIG or name == "CONFIG":
        return
    if str(name).startswith(_KEYS):
        raise ClerkImproperlyConfigured("a key is where a name should be", source="settings.CLERK")
    known = sorted(_OPTIONS | _CONFIG | {"CONFIG"})
    close = get_close_matches(str(name).upper(), known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
    raise _wrong(name, f"there is no such setting: {hint}")


def _config(given: Mapping[str, Any]) -> ConfigSource:
    options = {name.lower(): given[name] for name in given if name in _CONFIG}
    if given.get("CONFIG") is not None:
        if options:
            names = ", ".join(name.upper() for name in options)
            raise _wrong("CONFIG", f"excludes {names}: the ClerkConfig that it stands for has its own")
        return _source(given["CONFIG"])
    try:
        # Never by headers that anybody can send: Django has settings of its own for what is before it.
        return ClerkConfig.from_env(**options, trust_forwarded_headers=False)
    except ConfigurationError as error:
        if error.option in options:
            raise _wrong(error.option.upper(), error.problem) from None
        problem, source = error.problem, error.source
        if source is None:
            problem, source = f"{problem} (or the environment variables CLERK_...)", "settings.CLERK"
        raise ClerkImproperlyConfigured(problem, option=error.option, source=source) from None


def _source(given: object) -> ConfigSource:
    config: ConfigSource = given if isinstance(given, ClerkConfig) else _function("CONFIG", given)
    return without_forwarding(config, _config_with_forwarding)


def _config_with_forwarding() -> ClerkImproperlyConfigured:
    problem = f"gives a ClerkConfig with trust_forwarded_headers: {_OF_DJANGO['TRUST_FORWARDED_HEADERS']}"
    return _wrong("CONFIG", problem)


def _function(name: str, given: object) -> Any:
    function = given
    if isinstance(given, str):
        try:
            function = import_string(given)
        except ImportError as error:
            # A key that was put there by mistake is shown neither as the cause nor in words.
            cause = None if given.startswith(_KEYS) else error
            raise _wrong(name, f"cannot be imported: {cause or 'it is no dotted path'}") from cause
    if function is not None and not callable(function):
        raise _wrong(name, f"must be a function or its dotted path, not a {type(function).__name__}")
    return function


def _wrong(name: object, problem: str) -> ClerkImproperlyConfigured:
    return ClerkImproperlyConfigured(problem, option=str(name).lower(), source=f"settings.CLERK[{name!r}]")
