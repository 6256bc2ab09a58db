"""A page of an application that asks the Frontend API as clerk-js does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

APP = "http://localhost:8000"


@dataclass
class Page:
    """Sends its origin, and in development the dev browser token, which it takes from the answers."""

    http: httpx.Client
    origin: str | None = APP
    token: str | None = None

    def ask(
        self,
        method: str,
        path: str,
        form: dict[str, Any] | None = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """clerk-js sends nothing but GET and POST; any other verb goes by the query."""
        sent = {**({"origin": self.origin} if self.origin else {}), **(headers or {})}
        parameters = {"_clerk_js_version": "6.40.0", **(query or {})}
        if self.token is not None:
            parameters.setdefault("__clerk_db_jwt", self.token)
        if method not in ("GET", "POST"):
            parameters["_method"] = method
        response = self.http.request(
            "GET" if method == "GET" else "POST",
            f"/v1{path}",
            params=parameters,
            data=None if method == "GET" else form or {},
            headers=sent,
        )
        self.token = response.headers.get("clerk-db-jwt", self.token)
        return response

    def get(self, path: str, **query: str) -> httpx.Response:
        """GET, as a page of another origin than the Frontend API's."""
        return self.ask("GET", path, query=query)

    def post(self, path: str, **form: Any) -> httpx.Response:
        """POST a form."""
        return self.ask("POST", path, form)

    def begin(self) -> Page:
        """Ask for a dev browser, as clerk-js does on its first page of a development instance."""
        self.token = self.post("/dev_browser").json()["id"]
        return self

    def sign_in(self, identifier: str, password: str = "fleet-demo") -> dict[str, Any]:
        """The CLIENT once the password was given."""
        answer = self.post("/client/sign_ins", identifier=identifier, password=password)
        assert answer.status_code == 200, answer.text
        client: dict[str, Any] = answer.json()["client"]
        return client

    def client(self) -> dict[str, Any]:
        """The CLIENT."""
        client: dict[str, Any] = self.get("/client").json()["response"]
        return client


def error_in(response: httpx.Response) -> tuple[int, str, str | None]:
    """The status, the code and the field of an error."""
    (error,) = response.json()["errors"]
    assert error["message"] == error["long_message"]
    assert error["message"]
    return response.status_code, error["code"], error["meta"].get("param_name")
