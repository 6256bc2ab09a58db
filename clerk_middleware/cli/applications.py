"""The example applications that the demo can run, and what it takes to import them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from clerk_middleware.config import ClerkConfig

from .django_project import django_application
from .extras import import_of_extra
from .failure import CommandFailed
from .wsgi_application import as_asgi

if TYPE_CHECKING:
    from clerk_middleware.asgi_scope import ASGIApp

__all__ = ["APPLICATIONS", "ExampleApplication", "Part"]

_REPOSITORY = "the repository of clerk-middleware"

#: What not every example application has, so that a step of the tour may have to be left out.
Part = Literal["a WebSocket", "positions by polling", "an OpenAPI document", "local users and an admin"]


@dataclass(frozen=True, slots=True)
class ExampleApplication:
    """An application in ``example_apps``."""

    #: The package that it is.
    module: str
    description: str
    #: What of clerk-middleware's extras it needs.
    extra: str
    parts: frozenset[Part]
    start: Callable[[ExampleApplication, Mapping[str, str]], AbstractContextManager[ASGIApp]]
    #: The path of its OpenAPI document, if it has one.
    schema: str = ""
    #: What to try in this one alone, with {app} and {database} to be filled in.
    to_try: str = ""

    def started(self, environment: Mapping[str, str]) -> AbstractContextManager[ASGIApp]:
        """The application as these variables configure it.

        Raises `CommandFailed` where the example or what it needs is not installed.
        """
        if not _is_there(self.module):
            raise CommandFailed(
                f"{self.module} is not here: the example applications are not part of the package. Clone "
                f"{_REPOSITORY}, and there: pip install -e '.[{self.extra}]'"
            )
        return self.start(self, environment)


@contextmanager
def _fastapi(application: ExampleApplication, environment: Mapping[str, str]) -> Iterator[ASGIApp]:
    # Without it uvicorn serves no WebSocket, and only says so when asked.
    import_of_extra("websockets", application.extra)
    yield _created(application, environment)


@contextmanager
def _django(application: ExampleApplication, environment: Mapping[str, str]) -> Iterator[ASGIApp]:
    with django_application(application.module, application.extra, environment) as app:
        yield app


@contextmanager
def _flask(application: ExampleApplication, environment: Mapping[str, str]) -> Iterator[ASGIApp]:
    import_of_extra("asgiref", application.extra)
    app = _created(application, environment)
    with closing(app.extensions["clerk"]):  # which keeps connections to LocalClerk
        yield as_asgi(app)


def _created(application: ExampleApplication, environment: Mapping[str, str]) -> Any:
    module = import_of_extra(application.module, application.extra)
    config = ClerkConfig.from_env(environment)
    return module.create_app(config, verify_url=environment["FLEET_VERIFY_URL"])


#: By the name that ``--app`` takes.
APPLICATIONS: Mapping[str, ExampleApplication] = {
    "fastapi": ExampleApplication(
        "example_apps.fastapi_fleet",
        "a road freight company, with FastAPI",
        extra="demo",
        parts=frozenset({"a WebSocket", "an OpenAPI document"}),
        start=_fastapi,
        schema="/openapi.json",
    ),
    "django": ExampleApplication(
        "example_apps.django_fleet",
        "a road freight company, with Django and Django REST framework",
        extra="demo-django",
        parts=frozenset({"positions by polling", "an OpenAPI document", "local users and an admin"}),
        start=_django,
        schema="/api/schema",
        to_try="""
  as Ada     {app}/admin/ is for Django's own staff (403), which this makes her:
             DATABASE_URL={database} python example_apps/django_fleet/manage.py make_staff user_ada""",
    ),
    "flask": ExampleApplication(
        "example_apps.flask_fleet",
        "a road freight company, with Flask",
        extra="demo-flask",
        parts=frozenset({"positions by polling"}),
        start=_flask,
    ),
}


def _is_there(module: str) -> bool:
    try:
        return find_spec(module.partition(".")[0]) is not None and find_spec(module) is not None
    except ModuleNotFoundError as error:
        # Finding a submodule imports its parents, which may lack a package themselves.
        return not module.startswith(error.name or module)
