"""A Django project as the demo runs it: configured by the environment, and with a database of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from clerk_middleware.asgi_scope import STATE
from clerk_middleware.errors import ConfigurationError

from .extras import import_of_extra
from .failure import CommandFailed

if TYPE_CHECKING:
    from django.http import HttpRequest

    from clerk_middleware.asgi_scope import ASGIApp

__all__ = ["django_application", "telling_who_it_is"]


@contextmanager
def django_application(package: str, extra: str, environment: Mapping[str, str]) -> Iterator[ASGIApp]:
    """The project in *package*, migrated: in a new SQLite database, unless DATABASE_URL names another.

    One a process, because Django's settings are global. Raises `CommandFailed`.
    """
    # Variables of another Clerk instance do not mix with these.
    for name in [name for name in os.environ if name.startswith("CLERK_")]:
        del os.environ[name]
    os.environ.update(environment, DJANGO_SETTINGS_MODULE=f"{package}.settings")
    with ExitStack() as stack:
        if "DATABASE_URL" not in os.environ:
            folder = stack.enter_context(TemporaryDirectory(prefix="clerk-middleware-demo-"))
            os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'fleet.sqlite3'}"
            stack.callback(os.environ.pop, "DATABASE_URL")
        import_of_extra("django", extra)
        from django.core.exceptions import ImproperlyConfigured
        from django.db import DatabaseError, connections

        try:
            application = _loaded(package, extra)
            stack.callback(connections.close_all)
            _migrate()
        except (DatabaseError, ImproperlyConfigured, ValueError) as error:
            if isinstance(error, ConfigurationError):  # not the database's
                raise
            raise CommandFailed(f"the database of DATABASE_URL cannot be used: {error}") from error
        yield application


def _loaded(package: str, extra: str) -> ASGIApp:
    import_of_extra(f"{package}.settings", extra)
    from django.conf import settings

    clerk = settings.MIDDLEWARE.index("clerk_middleware_django.middleware.ClerkMiddleware")
    settings.MIDDLEWARE.insert(clerk + 1, f"{__name__}.{telling_who_it_is.__name__}")
    application: ASGIApp = import_of_extra(f"{package}.asgi", extra).application
    return application


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection

    tables = connection.introspection.table_names()
    if tables and "freight_company" not in tables:
        raise CommandFailed(
            "the database of DATABASE_URL holds the tables of something else, such as "
            f"{tables[0]!r}: unset DATABASE_URL for a temporary one, or name one that is empty"
        )
    call_command("migrate", verbosity=0, interactive=False)


def telling_who_it_is(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """A middleware of Django's: leaves the identity where decisions.py looks for it."""

    from clerk_middleware_django.requests import state_of

    async def tell(request: HttpRequest) -> Any:
        request.scope[STATE] = state_of(request)  # type: ignore[attr-defined]
        return await get_response(request)

    return tell


telling_who_it_is.async_capable = True  # type: ignore[attr-defined]
telling_who_it_is.sync_capable = False  # type: ignore[attr-defined]
