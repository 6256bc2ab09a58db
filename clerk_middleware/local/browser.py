"""Which client a request is of: how a browser proves itself to the Frontend API and to the pages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from .cookies import set_cookie, uat_cookies
from .instance import Instance
from .records import Client

__all__ = ["Browsers"]


class Browsers:
    """Finds the client of a request, and makes the browser remember it.

    In development that is the dev browser token: in the query, which wins, else in LocalClerk's own
    cookie, else in the application's, which reaches LocalClerk where both are on one host, for
    cookies know no ports. In production it is the ``__client`` cookie alone.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        suffix = instance.cookie_suffix
        self._cookie = f"__local_clerk_client_{suffix}" if instance.is_development else "__client"
        self._application_cookies = (f"__clerk_db_jwt_{suffix}", "__clerk_db_jwt")

    def find(self, request: Request, *, in_query: bool = True) -> Client | None:
        """The client of this request's browser, if LocalClerk knows it.

        Without `in_query` it has to be in a cookie: a link of somebody else's can't choose it then.
        """
        tokens = [request.cookies.get(self._cookie)]
        if self._instance.is_development:
            if in_query:
                tokens.insert(0, request.query_params.get("__clerk_db_jwt"))
            tokens += [request.cookies.get(name) for name in self._application_cookies]
        found = (self._instance.client_of(token) for token in tokens)
        return next((client for client in found if client), None)

    def find_or_create(self, request: Request) -> Client:
        """The client of this request's browser; a new one for a browser that is not known."""
        return self.find(request) or self._instance.new_client()

    def remember(self, request: Request, response: Response, client: Client) -> None:
        """Have the browser send the client's token from now on."""
        for line in self._lines(request, client):
            response.headers.append("set-cookie", line)

    def remembers(self, request: Request, client: Client) -> bool:
        """Whether the browser sends already what `remember` would have it send."""
        pairs = (line.partition(";")[0].partition("=") for line in self._lines(request, client))
        return all(request.cookies.get(name) == value for name, _, value in pairs)

    def _lines(self, request: Request, client: Client) -> list[str]:
        secure = request.url.scheme == "https"
        lines = [set_cookie(self._cookie, client.token, http_only=True, secure=secure)]
        if not self._instance.is_development:
            lines += uat_cookies(self._instance, client, secure=secure)
        return lines
