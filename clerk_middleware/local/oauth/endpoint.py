"""What the endpoints that programs ask have in common: errors, CORS, no caching, and forms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

__all__ = ["OAuthError", "OAuthForm", "endpoint"]


class OAuthError(Exception):
    """A request that is answered with an error. `code` is what clients read."""

    def __init__(
        self, code: str, description: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status
        self.headers = headers

    @property
    def response(self) -> JSONResponse:
        """The error as an answer."""
        body = {"error": self.code, "error_description": self.description}
        return JSONResponse(body, status_code=self.status, headers=self.headers)


def endpoint(path: str, answer: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
    """A route that any page may ask, as a client that is a page has to: no cookie is looked at there."""

    async def answered(request: Request) -> Response:
        try:
            response = Response(status_code=204) if request.method == "OPTIONS" else await answer(request)
        except OAuthError as error:
            response = error.response
        except HTTPException as error:
            response = OAuthError("invalid_request", error.detail, status=error.status_code).response
        response.headers["access-control-allow-origin"] = "*"
        if request.method == "OPTIONS":
            response.headers["access-control-allow-methods"] = ", ".join(methods)
            response.headers["access-control-allow-headers"] = (
                "authorization, content-type, mcp-protocol-version"
            )
        response.headers["cache-control"] = "no-store"
        return response

    return Route(path, answered, methods=["OPTIONS", *methods])


class OAuthForm:
    """The parameters of a request to the token endpoint and its like."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        self.resources: tuple[str, ...] = tuple(value for name, value in pairs if name == "resource")
        for name, value in pairs:
            if name in self._values and name != "resource":
                raise OAuthError("invalid_request", "A parameter is there more than once.")
            self._values[name] = value

    @classmethod
    async def of(cls, request: Request) -> OAuthForm:
        """The form that is the body of `request`. Raises `OAuthError`."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise OAuthError("invalid_request", "Send the parameters as application/x-www-form-urlencoded.")
        try:
            pairs = parse_qsl((await request.body()).decode(), max_num_fields=50, errors="strict")
        except ValueError as error:
            raise OAuthError(
                "invalid_request", "The body is no form in UTF-8 of 50 fields or fewer."
            ) from error
        return cls(pairs)

    def get(self, name: str) -> str | None:
        """A parameter; one without a value is as good as none."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """A parameter that must be there. Raises `OAuthError`."""
        value = self.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"{name} is missing.")
        return value
