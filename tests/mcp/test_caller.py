"""`get_auth`: who calls."""

from __future__ import annotations

import pytest
from mcp.server.auth.provider import AccessToken

from clerk_middleware import ConfigurationError
from clerk_middleware_mcp import get_auth

from .callers import calling, token_with


def test_it_is_the_callers() -> None:
    with calling(token_with("profile")):
        assert get_auth().user_id == "user_rosa"
        assert get_auth().scopes == ("profile",)


def test_outside_of_a_request_nobody_is_known() -> None:
    with pytest.raises(ConfigurationError, match="get_auth\\(\\) is for tools"):
        get_auth()


def test_another_verifiers_token_is_nobody() -> None:
    token = AccessToken(token="secret-of-another", client_id="client_1", scopes=["profile"])
    with calling(token), pytest.raises(ConfigurationError, match="another token verifier") as caught:
        get_auth()
    assert "secret-of-another" not in str(caught.value)
