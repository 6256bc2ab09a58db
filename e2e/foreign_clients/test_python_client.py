"""Clerk's client for Python verifies tokens, too: it says the same of them as ours and Express do."""

from __future__ import annotations

import time

import httpx
import pytest
from clerk_backend_api.security import authenticate_request
from clerk_backend_api.security.types import AuthenticateRequestOptions, RequestState

from .stage import Stage


def verdict(stage: Stage, token: str, *, as_cookie: bool = False) -> RequestState:
    headers = {"cookie": f"__session={token}"} if as_cookie else {"authorization": f"Bearer {token}"}
    request = httpx.Request("GET", stage.origins["express"], headers=headers)
    options = AuthenticateRequestOptions(
        jwt_key=stage.clerk.jwt_key, authorized_parties=list(stage.origins.values())
    )
    return authenticate_request(request, options)


@pytest.mark.parametrize("user_id", ["user_ada", "user_dev", "user_grace"])
def test_a_good_token_names_the_same_user(stage: Stage, user_id: str) -> None:
    token = stage.token(user_id, organization="blue-ridge-freight")
    state = verdict(stage, token)
    assert state.is_signed_in
    assert state.payload
    for who in stage.who({"authorization": f"Bearer {token}"}).values():
        assert (who["userId"], who["sessionId"]) == (state.payload["sub"], state.payload["sid"])
        assert (who["orgId"], who["orgSlug"]) == (state.payload["org_id"], state.payload["org_slug"])
        # It leaves the prefix out of the role; the others write it, as it is in Clerk's Dashboard.
        assert who["orgRole"] == f"org:{state.payload['org_role']}"
        assert who["orgPermissions"] == state.payload["org_permissions"]


@pytest.mark.parametrize(
    "options",
    [{"issued_at": time.time() - 300}, {"azp": "https://evil.example.com"}, {"azp": None}],
    ids=["expired", "for another origin", "for no origin"],
)
def test_a_bad_token_is_refused_alike(stage: Stage, options: dict[str, object]) -> None:
    token = stage.token("user_dev", **options)
    assert not verdict(stage, token).is_signed_in
    for who in stage.who({"authorization": f"Bearer {token}"}).values():
        assert not who["isAuthenticated"]
