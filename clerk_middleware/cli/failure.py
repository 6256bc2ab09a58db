"""`CommandFailed`: what ends a command with one line rather than a traceback."""

from __future__ import annotations

__all__ = ["CommandFailed"]


class CommandFailed(Exception):
    """A command can't do what it is asked; the message says why, and what to do."""
