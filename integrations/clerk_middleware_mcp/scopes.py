"""Scopes that a single tool, resource or prompt needs, and whether the check is where it protects."""

from __future__ import annotations

import functools
from importlib.metadata import version
from inspect import iscoroutinefunction, isfunction
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from mcp import MCPError

from clerk_middleware import ConfigurationError
from clerk_middleware.scopes import is_scope, required_scopes

from .caller import get_auth
from .middleware import current_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp.server import MCPServer

P = ParamSpec("P")
R = TypeVar("R")

#: The JSON-RPC error code, of those that MCP leaves to implementations.
INSUFFICIENT_SCOPE: Final = -32003

# What the decorator made, and the scopes that it checks.
_checks: WeakKeyDictionary[Callable[..., Any], tuple[str, ...]] = WeakKeyDictionary()
# What it made that of, and what other decorators had: a server must not call one of them by itself.
_bare: WeakSet[Callable[..., Any]] = WeakSet()


class ScopeRequired(MCPError):
    """The caller's token lacks scopes: the MCP error that the client gets, which names them."""

    #: What the token lacks.
    missing: tuple[str, ...]
    #: What a token for this should have, with spaces between: all that this one has, and what it lacks.
    scope: str

    def __init__(self, missing: tuple[str, ...], granted: tuple[str, ...]) -> None:
        self.missing = missing
        # What the token has is asked for, too: a client that asked for the rest alone would lose it.
        self.scope = " ".join(dict.fromkeys(filter(is_scope, (*granted, *missing))))
        noun = "scope" if len(missing) == 1 else "scopes"
        super().__init__(
            INSUFFICIENT_SCOPE,
            f"This needs the {noun} {' and '.join(missing)}, which the access token does not have.",
            {"error": "insufficient_scope", "scope": self.scope},
        )


def require_scope(*scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require OAuth scopes for a tool, a resource or a prompt: all that are given.

    Write it below ``@mcp.tool()``. Behind `http_app` or `ClerkMCPMiddleware` the request is answered with 403
    and a challenge, upon which clients ask the user for the scopes and try again (MCP's step-up
    authorization); where an answer has begun, and elsewhere, with the MCP error `ScopeRequired`. Clerk
    has to know the scopes: its own are ``profile``, ``email``, ``public_metadata`` and ``private_metadata``.

    https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization#scope-challenge-handling

    :raises ConfigurationError: where it is written, if that is no scope.
    """
    if not scopes or not all(isinstance(scope, str) for scope in scopes):
        raise ConfigurationError(
            "say which scope is required: @require_scope('read:loads'), or several one by one: "
            "@require_scope('read:loads', 'write:loads')"
        )
    required = tuple(dict.fromkeys(required_scopes(scopes)))

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if not isfunction(function):
            raise ConfigurationError(
                f"require_scope() decorates functions, not {function!r}: write it right above the 'def'"
            )

        @functools.wraps(function)
        async def checked_async(*args: Any, **kwargs: Any) -> Any:
            _check(required)
            return await function(*args, **kwargs)

        @functools.wraps(function)
        def checked_sync(*args: Any, **kwargs: Any) -> Any:
            _check(required)
            return function(*args, **kwargs)

        checked = checked_async if iscoroutinefunction(function) else checked_sync
        _checks[checked] = required
        _bare.update(_layers(function))
        return checked

    return decorate


def _check(required: tuple[str, ...]) -> None:
    granted = get_auth().scopes
    missing = tuple(scope for scope in required if scope not in granted)
    if not missing:
        return
    refusal = ScopeRequired(missing, granted)
    if (exchange := current_exchange.get()) is not None:
        exchange.forbid(refusal.error, refusal.scope)
    raise refusal


def scopes_of(server: MCPServer[Any]) -> tuple[str, ...]:
    """The scopes that ``@require_scope`` names on the server's tools, resources and prompts.

    :raises ConfigurationError: naming a function that is registered without the check written for it.
    """
    scopes: dict[str, None] = {}
    for function in _functions(server):
        is_checked = False
        for layer in _layers(function):
            if layer in _bare and not is_checked:
                raise ConfigurationError(
                    f"{layer.__qualname__}() is registered without its @require_scope: write that below "
                    "@….tool(), @….resource() or @….prompt(), next to the function. (To register one both "
                    "ways, give the open one a function of its own, which calls it.)"
                )
            if layer in _checks:
                is_checked = True
                scopes.update(dict.fromkeys(_checks[layer]))
    return tuple(scopes)


def _layers(function: Any) -> Iterator[Callable[..., Any]]:
    """A function, and what decorators made it of, the outermost first."""
    while isfunction(function):
        yield function
        function = getattr(function, "__wrapped__", None)


def _functions(server: MCPServer[Any]) -> Iterator[Any]:
    """What *server* calls, which only private attributes of the SDK's tell.

    :raises ConfigurationError: where this release of the SDK does not have them.
    """
    try:
        resources = server._resource_manager
        items = [
            *server._tool_manager.list_tools(),
            *server._prompt_manager.list_prompts(),
            *resources.list_resources(),
            *resources.list_templates(),
        ]
    except AttributeError as error:
        raise ConfigurationError(
            f"mcp {version('mcp')}, which is installed, does not tell which functions a server calls, so it "
            f"is unknown whether each @require_scope protects one ({error}): install an earlier one (2.0 to "
            "2.3 tell it), and report this"
        ) from error
    for item in items:
        function = getattr(item, "fn", None)  # a file has none
        yield getattr(function, "__func__", function)
