"""The Frontend API proxy, as Django's requests and responses have it.

`ClerkMiddleware` answers what is under ``CLERK["FRONTEND_API_PROXY"]``; `frontend_api_proxy` is the same as a
view. https://clerk.com/docs/guides/dashboard/dns-domains/proxy-fapi
"""

from __future__ import annotations

import weakref
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.handlers.wsgi import WSGIRequest
from django.http import StreamingHttpResponse
from django.http.response import ResponseHeaders
from django.views.decorators.csrf import csrf_exempt

from .asgi_exchange import Exchange
from .requests import clerk_request
from .runtime import clerk_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clerk_middleware import ClerkRequest
    from clerk_middleware.proxy.options import FrontendAPIProxy

    from .runtime import Clerk

#: Where there is no URL of the project's.
_NO_URLS = ()


@csrf_exempt
@login_not_required
def frontend_api_proxy(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """A view for ``path("__clerk/<path:path>", frontend_api_proxy)``, which other middleware runs before.

    It is at the path that ``CLERK["FRONTEND_API_PROXY"]`` names; `ClerkMiddleware` answers there by itself.
    """
    return forward(request, clerk_of(request), clerk_request(request))


def proxy_for(request: HttpRequest, clerk: Clerk, seen: ClerkRequest) -> bool:
    """Whether *request* is for the Frontend API; its URLs are then none of the project's."""
    proxy = clerk.authenticator.config_for(seen).proxy
    if proxy is None or not (proxy.covers(request.path) or _is_at_root(proxy, request)):
        return False
    given: Any = request
    given.urlconf = _NO_URLS  # or a 404 of Clerk's might become a redirect of APPEND_SLASH
    return True


def forward(request: HttpRequest, clerk: Clerk, seen: ClerkRequest) -> HttpResponseBase:
    """Pass *request* on; its body and the answer's are streamed.

    Under ASGI the connections are the event loop's, and this thread only waits for the answer to begin.
    """
    if not isinstance(request, WSGIRequest):
        return async_to_sync(_ask)(request, clerk, seen)
    started: list[Any] = []

    def start_response(status: str, headers: Any, _: Any = None, /) -> Callable[[bytes], object]:
        started[:] = int(status[:3]), headers
        return started.append

    body = clerk.proxy.forward(_environ(request, clerk, seen), start_response, seen)
    return _response(request, body, *started)


async def aforward(request: HttpRequest, clerk: Clerk, seen: ClerkRequest) -> HttpResponseBase:
    """`forward`, for asynchronous code."""
    if isinstance(request, WSGIRequest):  # its event loop ends with the response, and connections would stay
        return await sync_to_async(forward)(request, clerk, seen)
    return await _ask(request, clerk, seen)


async def _ask(request: Any, clerk: Clerk, seen: ClerkRequest) -> HttpResponseBase:
    answer = await Exchange(clerk.async_proxy, request, seen).start()
    return _response(request, answer, answer.status, answer.headers)


def _environ(request: WSGIRequest, clerk: Clerk, seen: ClerkRequest) -> dict[str, Any]:
    """What the server sent, with the path as browsers have it, and with a body that was read before."""
    environ = dict(request.environ)
    proxy = clerk.authenticator.config_for(seen).proxy
    if proxy is not None and _is_at_root(proxy, request):
        environ["SCRIPT_NAME"] = ""
    if hasattr(request, "_body"):
        environ["wsgi.input"] = BytesIO(request.body)
    return environ


def _is_at_root(proxy: FrontendAPIProxy, request: HttpRequest) -> bool:
    """Whether the path is the proxy's but for ``FORCE_SCRIPT_NAME``, which Django puts before each."""
    return settings.FORCE_SCRIPT_NAME is not None and proxy.covers(request.path_info)


class _Response(StreamingHttpResponse):
    """The Frontend API's answer, with all of its headers, also where there are several of one name."""

    def __init__(self, body: Any, status: int, headers: Iterable[tuple[str, str]]) -> None:
        super().__init__(body)
        self.status_code = status  # which Django would refuse above 599
        self.headers = ResponseHeaders({})
        self._repeated: list[tuple[str, str]] = []
        for name, value in headers:
            if name.lower() == "set-cookie" or name in self.headers:
                self._repeated.append((name, value))
            else:
                self.headers[name] = value

    def items(self) -> list[tuple[str, str]]:
        """What servers are given."""
        return [*self.headers.items(), *self._repeated]


def _response(
    request: HttpRequest, body: Any, status: int, headers: Iterable[tuple[str, str]]
) -> StreamingHttpResponse:
    response = _Response(body, status, headers)
    # Clerk compresses what the client takes compressed. GZipMiddleware would hold back events.
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
    # Django closes the request along with whatever it answers, such as an error of a middleware outside.
    if hasattr(body, "close"):
        given: Any = request
        given.close = partial(_close, weakref.ref(request), body.close)
    return response


def _close(request: Callable[[], HttpRequest | None], close: Callable[[], object]) -> None:
    known = request()
    if known is not None:
        type(known).close(known)
    close()
