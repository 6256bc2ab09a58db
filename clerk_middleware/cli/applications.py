"""The example applications that the demo can run, and what it takes to import them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

from .failure import CommandFailed

if TYPE_CHECKING:
    from clerk_middleware.asgi_scope import ASGIApp
    from clerk_middleware.config import ClerkConfig

__all__ = ["APPLICATIONS", "ExampleApplication", "import_of_extra"]

_REPOSITORY = "the repository of clerk-middleware"


@dataclass(frozen=True, slots=True)
class ExampleApplication:
    """An application in ``example_apps``."""

    module: str
    description: str

    def create(self, config: ClerkConfig, *, verify_url: str) -> ASGIApp:
        """Raises `CommandFailed` where the example or what it needs is not installed."""
        if not _is_there(self.module):
            raise CommandFailed(
                f"{self.module} is not here: the example applications are not part of the package. Clone "
                f"{_REPOSITORY}, and there: pip install -e '.[demo]'"
            )
        application: ASGIApp = import_of_extra(self.module, "demo").create_app(config, verify_url=verify_url)
        return application


#: By the name that ``--app`` takes.
APPLICATIONS: Mapping[str, ExampleApplication] = {
    "fastapi": ExampleApplication("example_apps.fastapi_fleet", "a road freight company, with FastAPI"),
}


def import_of_extra(module: str, extra: str) -> ModuleType:
    """Import what needs the packages of an extra. Raises `CommandFailed`."""
    try:
        return import_module(module)
    except ImportError as error:
        raise CommandFailed(
            f"this needs {error.name or module}, which is not installed: "
            f"pip install 'clerk-middleware[{extra}]'"
        ) from error


def _is_there(module: str) -> bool:
    try:
        return find_spec(module.partition(".")[0]) is not None and find_spec(module) is not None
    except ModuleNotFoundError as error:
        # Finding a submodule imports its parents, which may lack a package themselves.
        return not module.startswith(error.name or module)
