"""Backend API calls as data, for a flow to yield, and their answers, for it to be sent.

https://clerk.com/docs/reference/backend-api
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ..config import ClerkConfig
    from ..tokens.classes import MachineTokenType

#: The version of the Backend API whose answers this library understands.
API_VERSION = "2026-05-12"

Result = TypeVar("Result")

#: What belongs to browsers' sessions, and tokens of machines that nobody has seen before: the latter cost
#: nothing to make up, and must not keep people from signing in or out.
Queue = Literal["browsers", "tokens"]

#: Milliseconds until far beyond any token's end, and within what a float can hold.
_FOREVER = 10.0**15


class BackendCall:
    """One call. Its repr shows neither the key nor the body, which hold secrets."""

    __slots__ = ("attempts", "bearer", "body", "is_settled", "method", "queue", "share", "url")

    def __init__(
        self,
        method: str,
        url: str,
        *,
        bearer: str | None,
        body: Mapping[str, Any] | None = None,
        attempts: int = 1,
        share: Hashable = None,
        queue: Queue | None = None,
        is_settled: Callable[[], bool] | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.bearer = bearer
        self.body = body
        #: How often it may be tried where Clerk does not answer, or answers 5xx or 429.
        self.attempts = attempts
        #: Concurrent calls of equal *share* are made once and get one answer; `None` for a call of its own.
        self.share = share
        #: Asked of a shared call before it is made: whether another's answer, kept since, makes it needless.
        self.is_settled = is_settled
        #: For what outsiders can cause at will: of each queue, only so many are made at once.
        self.queue: Queue | None = queue

    def __repr__(self) -> str:
        return f"<BackendCall {self.method} {self.url.partition('?')[0]}>"


class BackendAnswer:
    """What a call came to; `status` is `None` where there was no answer."""

    __slots__ = ("json", "problem", "retry_after", "status")

    def __init__(
        self,
        status: int | None,
        json: Any = None,
        problem: str = "it took too long",
        retry_after: int | None = None,
    ) -> None:
        self.status = status
        #: For how many seconds Clerk asks not to be called again.
        self.retry_after = retry_after
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


def unix_time(milliseconds: object) -> float:
    """A time of the Backend API's, in seconds.

    :raises TypeError: if it is none.
    """
    if type(milliseconds) not in (int, float) or not -_FOREVER < milliseconds < _FOREVER:  # type: ignore[operator]
        raise TypeError("a time must be a number of milliseconds")
    return milliseconds / 1000  # type: ignore[operator]


NO_ANSWER = BackendAnswer(None)
#: In the place of an answer to a call that was settled meanwhile: look again.
SETTLED = BackendAnswer(None)

Flow = Generator[BackendCall, BackendAnswer, Result]


def fetch_key_set(config: ClerkConfig) -> BackendCall:
    return BackendCall(
        "GET", _url(config, "/jwks"), bearer=config.secret_key, attempts=3, share=("jwks", *config.instance)
    )


def exchange_nonce(config: ClerkConfig, nonce: str) -> BackendCall:
    url = _url(config, "/clients/handshake_payload", nonce=nonce)
    return BackendCall("GET", url, bearer=config.secret_key, queue="browsers")


def refresh_session(
    config: ClerkConfig, session_id: str, body: Mapping[str, Any], *, suffixed_cookies: bool
) -> BackendCall:
    query = {"suffixed_cookies": "true"} if suffixed_cookies else {}
    url = _url(config, f"/sessions/{quote(session_id, safe='')}/refresh", **query)
    return BackendCall("POST", url, bearer=config.secret_key, body=body, queue="browsers")


def create_session_token(config: ClerkConfig, session_id: str, template: str) -> BackendCall:
    url = _url(config, f"/sessions/{quote(session_id, safe='')}/tokens/{quote(template, safe='')}")
    return BackendCall("POST", url, bearer=config.secret_key, body={})


def revoke_session(config: ClerkConfig, session_id: str) -> BackendCall:
    url = _url(config, f"/sessions/{quote(session_id, safe='')}/revoke")
    share = ("revoke", *config.instance, session_id)
    return BackendCall("POST", url, bearer=config.secret_key, share=share, queue="browsers")


def fetch_user(config: ClerkConfig, user_id: str) -> BackendCall:
    url = _url(config, f"/users/{quote(user_id, safe='')}")
    share = ("user", *config.instance, user_id)
    return BackendCall("GET", url, bearer=config.secret_key, attempts=2, share=share, queue="browsers")


def verify_opaque_token(
    config: ClerkConfig,
    token_type: MachineTokenType,
    token: str,
    *,
    share: Hashable,
    queue: Queue | None,
    is_settled: Callable[[], bool],
) -> BackendCall:
    """:param share: tells the token from others, and is no secret."""
    path, member = _VERIFIERS[token_type]
    bearer = config.m2m_key if token_type == "m2m_token" else config.secret_key
    return BackendCall(
        "POST",
        _url(config, path),
        bearer=bearer,
        body={member: token},
        attempts=2,
        share=share,
        queue=queue,
        is_settled=is_settled,
    )


_VERIFIERS: Mapping[MachineTokenType, tuple[str, str]] = {
    "api_key": ("/api_keys/verify", "secret"),
    "m2m_token": ("/m2m_tokens/verify", "token"),
    "oauth_token": ("/oauth_applications/access_tokens/verify", "access_token"),
}


def create_m2m_token(
    config: ClerkConfig,
    machine_secret_key: str,
    body: Mapping[str, Any],
    *,
    share: Hashable,
    is_settled: Callable[[], bool] | None,
) -> BackendCall:
    return BackendCall(
        "POST",
        _url(config, "/m2m_tokens"),
        bearer=machine_secret_key,
        body=body,
        share=share,
        is_settled=is_settled,
    )


def fetch_authorization_server(frontend_api: str) -> BackendCall:
    url = f"{frontend_api}/.well-known/oauth-authorization-server"
    return BackendCall("GET", url, bearer=None, attempts=2, share=url)


def _url(config: ClerkConfig, path: str, **query: str) -> str:
    url = f"{config.api_url}/{config.api_version}{path}"
    return f"{url}?{urlencode(query)}" if query else url
