"""Backend API calls as data, for a flow to yield, and their answers, for it to be sent.

https://clerk.com/docs/reference/backend-api
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ..config import ClerkConfig

#: The version of the Backend API whose answers this library understands.
API_VERSION = "2026-05-12"

Result = TypeVar("Result")


class BackendCall:
    """One call. Its repr shows neither the key nor the body, which hold secrets."""

    __slots__ = ("attempts", "bearer", "body", "is_anybodys", "method", "share", "url")

    def __init__(
        self,
        method: str,
        url: str,
        *,
        bearer: str | None,
        body: Mapping[str, Any] | None = None,
        attempts: int = 1,
        share: Hashable = None,
        is_anybodys: bool = False,
    ) -> None:
        self.method = method
        self.url = url
        self.bearer = bearer
        self.body = body
        #: How often it may be tried where Clerk does not answer, or answers 5xx or 429.
        self.attempts = attempts
        #: Concurrent calls of equal *share* are made once and get one answer; `None` for a call of its own.
        self.share = share
        #: Whether an outsider can cause it at will. Only so many of these are made at once.
        self.is_anybodys = is_anybodys

    def __repr__(self) -> str:
        return f"<BackendCall {self.method} {self.url.partition('?')[0]}>"


class BackendAnswer:
    """What a call came to; `status` is `None` where there was no answer."""

    __slots__ = ("json", "problem", "status")

    def __init__(self, status: int | None, json: Any = None, problem: str = "it took too long") -> None:
        self.status = status
        #: Why there was no answer.
        self.problem = problem
        #: The decoded body, `None` where it was no JSON.
        self.json = json

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def error_code(self) -> str | None:
        """The first error's code, as in ``{"errors": [{"code": …}]}``."""
        errors = self.json.get("errors") if isinstance(self.json, dict) else None
        if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
            return None
        code = errors[0].get("code")
        return code if isinstance(code, str) else None

    def field(self, name: str) -> Any:
        """A member of the answer, `None` where it has none."""
        return self.json.get(name) if self.is_success and isinstance(self.json, dict) else None

    def __repr__(self) -> str:
        return f"<BackendAnswer {self.status}>"


NO_ANSWER = BackendAnswer(None)

Flow = Generator[BackendCall, BackendAnswer, Result]


def fetch_key_set(config: ClerkConfig) -> BackendCall:
    return BackendCall(
        "GET", _url(config, "/jwks"), bearer=config.secret_key, attempts=3, share=("jwks", *config.instance)
    )


def exchange_nonce(config: ClerkConfig, nonce: str) -> BackendCall:
    url = _url(config, "/clients/handshake_payload", nonce=nonce)
    return BackendCall("GET", url, bearer=config.secret_key, is_anybodys=True)


def refresh_session(
    config: ClerkConfig, session_id: str, body: Mapping[str, Any], *, suffixed_cookies: bool
) -> BackendCall:
    query = {"suffixed_cookies": "true"} if suffixed_cookies else {}
    url = _url(config, f"/sessions/{quote(session_id, safe='')}/refresh", **query)
    return BackendCall("POST", url, bearer=config.secret_key, body=body, is_anybodys=True)


def create_session_token(config: ClerkConfig, session_id: str, template: str) -> BackendCall:
    url = _url(config, f"/sessions/{quote(session_id, safe='')}/tokens/{quote(template, safe='')}")
    return BackendCall("POST", url, bearer=config.secret_key, body={})


def revoke_session(config: ClerkConfig, session_id: str) -> BackendCall:
    url = _url(config, f"/sessions/{quote(session_id, safe='')}/revoke")
    share = ("revoke", *config.instance, session_id)
    return BackendCall("POST", url, bearer=config.secret_key, share=share, is_anybodys=True)


def fetch_user(config: ClerkConfig, user_id: str) -> BackendCall:
    url = _url(config, f"/users/{quote(user_id, safe='')}")
    share = ("user", *config.instance, user_id)
    return BackendCall("GET", url, bearer=config.secret_key, attempts=2, share=share, is_anybodys=True)


def _url(config: ClerkConfig, path: str, **query: str) -> str:
    url = f"{config.api_url}/{config.api_version}{path}"
    return f"{url}?{urlencode(query)}" if query else url
