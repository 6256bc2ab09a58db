"""An OAuth client and a user's browser, as the tests of the authorization server need them."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from clerk_middleware.local import OAuthApplication

CALLBACK = "http://127.0.0.1:3333/callback"
VERIFIER = "verifier-" * 6
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Tab:
    """A browser in which a user of the seed is signed in."""

    http: httpx.Client
    user_id: str = "user_dev"

    def allow(self, application: OAuthApplication, **parameters: Any) -> str:
        """The code that the application gets."""
        answer = self.decide(application, "allow", **parameters)
        assert "error" not in answer, answer
        return answer["code"]

    def decide(self, application: OAuthApplication, decision: str, **parameters: Any) -> dict[str, str]:
        """What the application is told."""
        form = {"user_id": self.user_id, "decision": decision}
        response = self.http.post("/oauth/authorize", params=asked(application, **parameters), data=form)
        return told(response)


def asked(application: OAuthApplication, **changes: Any) -> dict[str, Any]:
    parameters = {
        "client_id": application.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "state": "the state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def told(response: httpx.Response, redirect_uri: str = CALLBACK) -> dict[str, str]:
    """The answer in the redirect to the application."""
    assert response.status_code == 303, response.text
    assert response.headers["cache-control"] == "no-store"
    location = response.headers["location"]
    assert location.startswith(redirect_uri)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def exchange(
    client: httpx.Client, application: OAuthApplication, code: str, **changes: Any
) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    return client.post(
        "/oauth/token", data={name: value for name, value in form.items() if value is not None}
    )


def refresh(
    client: httpx.Client, application: OAuthApplication, token: str, **changes: Any
) -> httpx.Response:
    form = {
        "grant_type": "refresh_token",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "refresh_token": token,
        **changes,
    }
    return client.post(
        "/oauth/token", data={name: value for name, value in form.items() if value is not None}
    )


def error_of(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"error", "error_description"}
    assert body["error_description"]
    return str(body["error"])


def verified(backend: httpx.Client, token: str) -> dict[str, Any]:
    response = backend.post("/oauth_applications/access_tokens/verify", json={"access_token": token})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    answer: dict[str, Any] = response.json()
    return answer


def is_good(backend: httpx.Client, token: str) -> bool:
    """Whether the token is verified: it is unknown, and nothing else, where it is not."""
    response = backend.post("/oauth_applications/access_tokens/verify", json={"access_token": token})
    if response.status_code == 200:
        return True
    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert response.json()["errors"][0]["code"] == "resource_not_found"
    return False


def register(client: httpx.Client, **changes: Any) -> httpx.Response:
    metadata = {
        "client_name": "Planner",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
        **changes,
    }
    given = {name: value for name, value in metadata.items() if value is not None}
    return client.post("/oauth/register", content=json.dumps(given))
