"""Who may ask the Backend API: the holder of the instance's secret key, or of a machine's."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..credentials import Machine
from ..errors import APIError, error_of
from ..instance import Instance
from ..rules import Refused

__all__ = ["BackendGuard", "Endpoint"]

Endpoint = Callable[[Request], Awaitable[Response]]


class BackendGuard:
    """Answers 401 to everybody else."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def route(self, path: str, **endpoints: Endpoint) -> Route:
        """The route of `path` with the endpoint of one verb, for the instance's secret key alone."""
        ((method, endpoint),) = endpoints.items()

        async def guarded(request: Request) -> Response:
            if not self._is_secret_key(bearer_of(request)):
                message = "The secret key is not this instance's: send it as 'Authorization: Bearer sk_...'."
                raise APIError(401, "clerk_key_invalid", message)
            try:
                return await endpoint(request)
            except Refused as refused:
                raise error_of(refused) from refused

        return Route(path, guarded, methods=[method])

    def machine(self, request: Request) -> Machine:
        """The machine whose secret key the request has."""
        machine = self._instance.machines.of_secret_key(bearer_of(request))
        if machine is None:
            message = "This takes a machine's secret key: send it as 'Authorization: Bearer ak_...'."
            raise APIError(401, "clerk_key_invalid", message)
        return machine

    def machine_or_instance(self, request: Request) -> Machine | None:
        """The machine whose secret key the request has; `None` for the instance's own."""
        if self._is_secret_key(bearer_of(request)):
            return None
        return self.machine(request)

    def _is_secret_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._instance.secret_key.encode())


def bearer_of(request: Request) -> str:
    """What the request has for a key or a token, empty where it has none."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""
