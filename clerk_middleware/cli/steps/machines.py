"""What programs call by themselves: a partner's with an API key or OAuth, and a service of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from clerk_middleware import Authenticator, ClerkConfig
from clerk_middleware.m2m import M2MBearer, TokenFormat

from ..tour import Tour, expect
from .parts import trucks_of

_FORMATS: Final[tuple[TokenFormat, TokenFormat]] = ("opaque", "jwt")
_POSITION = {"company": "org_blue_ridge", "load": 1041, "percent": 62.5}


def api_key(tour: Tour) -> None:
    """A partner's API key lists the company's loads; one without the scope is told what it lacks: 403"""
    key = tour.clerk.create_api_key("org_blue_ridge", name="Carrier portal", scopes=["read:loads"])
    answer = _read(tour, key.secret)
    expect("status", answer.status_code, 200)
    expect("the first loads", [load["number"] for load in answer.json()][:2], [1041, 1042])
    _expect_lack_of_scope(_read(tour, tour.clerk.create_api_key("org_blue_ridge").secret))
    answer = tour.browser("program").fetch(tour.url("/api/me"), token=key.secret)
    expect("its status where sessions alone are accepted", answer.status_code, 401)


def revoked_api_key(tour: Tour) -> None:
    """An API key that was revoked is refused"""
    key = tour.clerk.create_api_key("org_blue_ridge", scopes=["read:loads"])
    tour.clerk.revoke_api_key(key.id)
    answer = _read(tour, key.secret)
    expect("status", answer.status_code, 401)
    challenge = answer.headers["www-authenticate"]
    expect(
        "WWW-Authenticate", challenge, lambda text: 'error="invalid_token"' in text, as_text="invalid_token"
    )


def own_machine(tour: Tour) -> None:
    """The tracking service reports where a truck is, by M2M tokens that it fetches itself; a user may not"""
    for percent, token_format in zip((12.5, 62.5), _FORMATS, strict=True):
        with _machine(tour, "mch_tracking", token_format) as service:
            answer = service.post(tour.url("/api/positions"), json={**_POSITION, "percent": percent})
        expect("status", answer.status_code, 200)
        expect("answer", answer.json(), {"load": 1041, "percent": percent})
        shown = [truck["percent"] for truck in trucks_of(tour, "dev") if truck["load"] == 1041]
        expect("what the dispatcher sees", shown, [percent])
    answer = tour.browser("dev").fetch(tour.url("/api/positions"), _POSITION)
    expect("the dispatcher's status", answer.status_code, 401)


def foreign_machine(tour: Tour) -> None:
    """A machine of the same Clerk instance that may not call this one is refused"""
    for token_format in _FORMATS:
        with _machine(tour, "mch_billing", token_format) as service:
            answer = service.post(tour.url("/api/positions"), json=_POSITION)
        expect(f"status of its {token_format} token", answer.status_code, 401)


def oauth_token(tour: Tour) -> None:
    """An OAuth application reads the loads of the driver that it acts for, with the scope alone"""
    for token_format in _FORMATS:
        token = tour.clerk.create_oauth_access_token(
            "user_rosa", scopes=["read:loads"], token_format=token_format
        )
        answer = _read(tour, token.token)
        expect("status", answer.status_code, 200)
        expect("drivers", {load["driver_id"] for load in answer.json()}, {"user_rosa"})
    _expect_lack_of_scope(_read(tour, tour.clerk.create_oauth_access_token("user_rosa").token))


def oauth_discovery(tour: Tour) -> None:
    """An OAuth client that has no token finds out where to get one: the challenge, and two documents"""
    challenge = tour.browser("program").fetch(tour.url("/api/loads"), anonymous=True)
    expect("status", challenge.status_code, 401)
    url = tour.url("/.well-known/oauth-protected-resource/api")
    wanted = f'Bearer scope="read:loads", resource_metadata="{url}"'
    expect("WWW-Authenticate", challenge.headers["www-authenticate"], wanted)
    resource = httpx.get(url, trust_env=False).json()
    expect("resource", resource["resource"], tour.url("/api"))
    expect("authorization servers", resource["authorization_servers"], [tour.demo.clerk_url])
    expect("scopes", resource["scopes_supported"], ["read:loads"])
    server = httpx.get(tour.url("/.well-known/oauth-authorization-server"), trust_env=False).json()
    expect("where tokens are issued", server["token_endpoint"], tour.clerk_page("/oauth/token"))


def _read(tour: Tour, token: str) -> httpx.Response:
    return tour.browser("program").fetch(tour.url("/api/loads"), token=token)


def _expect_lack_of_scope(answer: httpx.Response) -> None:
    expect("status", answer.status_code, 403)
    expect("reason", answer.json()["clerk_error"]["reason"], "insufficient-scope")
    challenge = answer.headers["www-authenticate"]
    wanted = 'error="insufficient_scope", scope="read:loads"'
    expect("WWW-Authenticate", challenge, lambda text: wanted in text, as_text=wanted)


@contextmanager
def _machine(tour: Tour, machine: str, token_format: TokenFormat) -> Iterator[httpx.Client]:
    """An HTTP client of a service that is that machine."""
    environment = tour.clerk.environment(tour.demo.clerk_url, machine=machine)
    config = ClerkConfig.from_env(environment, accepts_token="m2m_token")
    with Authenticator(config) as authenticator:
        bearer = M2MBearer(authenticator, token_format=token_format)
        with httpx.Client(auth=bearer, trust_env=False, timeout=10) as client:
            yield client
