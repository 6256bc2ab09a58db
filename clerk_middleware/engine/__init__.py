"""The decision who a request is, with no I/O: see `authenticate_request`."""

from .authenticate import authenticate_request

__all__ = ["authenticate_request"]
