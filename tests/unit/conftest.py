"""What every unit test can ask for: an instance's issuer, a stranger's, the Backend API, and a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from clerk_middleware import Authenticator, ClerkConfig, ClerkRequest, RequestState
from clerk_middleware.backend import attempts

from .backend import CannedBackend
from .issuer import NOW, Issuer

DEVELOPMENT = {
    "publishable_key": "pk_test_YXBwYXJlbnQtd29sZi03LmNsZXJrLmFjY291bnRzLmRldiQ=",
    "secret_key": "sk_test_developmentsecret",
}
PRODUCTION = {
    "publishable_key": "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
    "secret_key": "sk_live_productionsecret",
}

Decide = Callable[..., RequestState]


@pytest.fixture(autouse=True)
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts at the Backend API, so that tests of failures take no time."""
    monkeypatch.setattr(attempts, "_BACKOFF", 0.001)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """The instance's own."""
    return Issuer("instance")


@pytest.fixture(scope="session")
def stranger() -> Issuer:
    """Another instance's, whose key happens to have the same `kid`."""
    return Issuer("stranger")


@pytest.fixture
def backend(issuer: Issuer) -> CannedBackend:
    return CannedBackend().on("GET /v1/jwks", issuer.jwks)


@pytest.fixture
def config(issuer: Issuer) -> Callable[..., ClerkConfig]:
    """Make a configuration that needs no network: of a production instance, or ``development=True``."""

    def make(*, development: bool = False, **options: Any) -> ClerkConfig:
        keys = DEVELOPMENT if development else PRODUCTION
        return ClerkConfig(**(keys | {"jwt_key": issuer.pem} | options))

    return make


@pytest.fixture
def decide(backend: CannedBackend) -> Decide:
    """Authenticate one GET of a document, with an authenticator of its own."""

    def authenticate(
        config: ClerkConfig,
        url: str = "https://app.example.com/",
        *,
        method: str = "GET",
        cookies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        now: float = NOW,
        accepts_token: Any = None,
    ) -> RequestState:
        sent = {"sec-fetch-dest": "document"} | dict(headers or {})
        if cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        with Authenticator(config, transport=backend.transport, clock=lambda: now) as authenticator:
            request = ClerkRequest(method, url, sent)
            return authenticator.authenticate_request(request, accepts_token=accepts_token)

    return authenticate


@pytest.fixture
def signed_in_cookies(issuer: Issuer) -> dict[str, str]:
    """The cookies of a browser that is signed in to the production instance."""
    return {"__session": issuer.token(), "__client_uat": str(NOW - 100)}
