"""What every application whose users are known by cookies needs besides authentication."""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clerk_middleware import ClerkConfig
from example_apps.fleet.headers import SECURITY_HEADERS


async def same_origin(request: Request) -> None:
    """Let nothing be changed by a form or a script of another site: ``Depends(same_origin)``.

    A browser sends the session cookie along with whatever request, also with a form that some other
    site holds (CSRF). But it says truthfully where a request comes from: in Sec-Fetch-Site, and to an
    http:// site that is not on this machine in Origin. What says neither is no browser that is in use,
    and is turned away as well. A request with a bearer token needs no check: no form has one, and a
    script of another site may not add one (CORS). Basic credentials are another matter: browsers add them
    by themselves.
    """
    bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
    if request.method in ("GET", "HEAD", "OPTIONS") or bearer:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    is_own = site == "same-origin" if site else urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise HTTPException(403, "This was not sent by a page of ours.")


class SecurityHeaders:
    """Adds what belongs on every answer. (The Content Security Policy is the middleware's.)"""

    def __init__(self, app: ASGIApp, config: ClerkConfig) -> None:
        self.app = app
        self.proxy = config.proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                if not scope["path"].startswith("/static/"):
                    headers["cache-control"] = "no-store"  # after signing out, "back" shows nothing
            await send(message)

        is_clerks = self.proxy is not None and self.proxy.covers(scope.get("path", ""))
        await self.app(scope, receive, send if is_clerks else send_with_headers)
