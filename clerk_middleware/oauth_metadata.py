"""The documents that OAuth clients read first: this application's, and its authorization server's.

RFC 9728 (protected resources), and RFC 8414 (authorization servers) for older clients, which look for it
here. They are public, and nothing that a request says decides where the second one is fetched from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .answers import Answer
from .backend.calls import fetch_authorization_server
from .oauth_resources import RESOURCE_METADATA, authorization_server, protected_resource_metadata
from .oauth_servers import FAILURE_LIFETIME

if TYPE_CHECKING:
    from .backend.calls import BackendAnswer, Flow
    from .engine.context import Context

SERVER_METADATA: Final = "/.well-known/oauth-authorization-server"
#: In the path of every request for metadata, for a middleware to look for.
METADATA: Final = "/.well-known/oauth-"

# Clients in browsers read it, too, from pages of any origin.
_FOR_ANYBODY: Final = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET"),
    ("access-control-allow-headers", "*"),
    ("access-control-max-age", "86400"),
]
_REQUIRED: Final = ("issuer", "authorization_endpoint", "token_endpoint")


def metadata_answer(context: Context) -> Flow[Answer | None]:
    """The answer to a request for metadata, `None` to any other."""
    config, request = context.config, context.request
    path = request.url.path
    if not config.oauth_resources:
        return None
    is_of_server = path == SERVER_METADATA
    resource = path.removeprefix(RESOURCE_METADATA).rstrip("/") or "/"
    if not is_of_server and not (path.startswith(RESOURCE_METADATA) and resource in config.oauth_resources):
        return None
    if request.method == "OPTIONS":
        return Answer(200, list(_FOR_ANYBODY), b"")
    if request.method not in ("GET", "HEAD"):
        return Answer.json(405, {"detail": "Method Not Allowed"}, [("allow", "GET, HEAD, OPTIONS")])
    if not is_of_server:
        answer = _document(protected_resource_metadata(config, request.url.origin, resource))
        if config.trust_forwarded_headers:  # no cache has these in its key
            answer.headers.append(("vary", "X-Forwarded-Host, X-Forwarded-Proto"))
        return answer
    return _server_answer((yield from _server_metadata(context)))


def _server_metadata(context: Context) -> Flow[dict[str, Any] | None]:
    server, memory = authorization_server(context.config), context.memory.server_metadata
    known = memory.find(server, context.now)
    if known is not None:
        return known[0]
    document = _readable((yield fetch_authorization_server(server)))
    memory.store(server, document, context.clock())
    return document


def _readable(answer: BackendAnswer) -> dict[str, Any] | None:
    if not all(isinstance(answer.field(name), str) for name in _REQUIRED):
        return None
    document: dict[str, Any] = answer.json
    return document


def _server_answer(document: dict[str, Any] | None) -> Answer:
    if document is not None:
        return _document(document)
    error = {"type": "unavailable", "message": "Clerk's authorization server did not answer: try again."}
    headers = [*_FOR_ANYBODY, ("retry-after", str(int(FAILURE_LIFETIME)))]
    return Answer.json(503, {"clerk_error": error}, headers)


def _document(document: dict[str, Any]) -> Answer:
    answer = Answer.json(200, document, list(_FOR_ANYBODY))
    # In place of Answer.json's no-store: it is the same for everybody, by the host in its URL.
    headers = [
        ("cache-control", "max-age=300") if name == "cache-control" else (name, value)
        for name, value in answer.headers
    ]
    return answer._replace(headers=headers)
