"""What a command needs of the package's extras."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .failure import CommandFailed

__all__ = ["import_of_extra"]


def import_of_extra(module: str, extra: str) -> ModuleType:
    """Import what needs the packages of an extra. Raises `CommandFailed`."""
    try:
        return import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise CommandFailed(
            f"this needs {missing}, which is not installed: pip install 'clerk-middleware[{extra}]'"
        ) from error
