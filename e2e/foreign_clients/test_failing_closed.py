"""What is configured wrongly, or comes from elsewhere, signs nobody in, and redirects nobody in circles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from .conftest import DEVELOPMENT, PRODUCTION
from .stage import NAMES, Name, Stage
from .visitor import Visitor, new_visitor

by_each = pytest.mark.parametrize("name", NAMES)


def wrong_key(name: Name, origins: Mapping[Name, str]) -> dict[str, str]:
    return {"CLERK_SECRET_KEY": "sk_test_" + "0" * 40}


def wrong_live_key(name: Name, origins: Mapping[Name, str]) -> dict[str, str]:
    return {"CLERK_SECRET_KEY": "sk_live_" + "0" * 40}


@pytest.fixture(scope="module")
def misconfigured(set_up: Callable[..., Stage]) -> Stage:
    """Applications with a secret key that LocalClerk does not know."""
    return set_up(DEVELOPMENT, variables=wrong_key)


@pytest.fixture(scope="module")
def misconfigured_in_production(set_up: Callable[..., Stage]) -> Stage:
    return set_up(PRODUCTION, variables=wrong_live_key)


def test_a_wrong_secret_key_verifies_no_token(misconfigured: Stage) -> None:
    tokens = [
        misconfigured.token("user_dev"),
        misconfigured.clerk.create_api_key("user_dev").secret,
        misconfigured.clerk.create_oauth_access_token("user_dev", token_format="opaque").token,
    ]
    for token in tokens:
        who = misconfigured.who({"authorization": f"Bearer {token}"})
        for name in NAMES:
            assert not who[name]["isAuthenticated"]
            assert who[name] == who["express"]


@by_each
def test_a_wrong_secret_key_signs_no_browser_in(misconfigured: Stage, visitor: Visitor, name: Name) -> None:
    back_to = f"{misconfigured.origins[name]}/who"
    page = visitor.sign_in(misconfigured.clerk_url, "user_dev", back_to=back_to)
    assert not page.who["isAuthenticated"]
    # The result of a handshake can't be read, and so no cookie be set but one, which counts them.
    assert page.handshakes == 3


@by_each
def test_a_wrong_secret_key_signs_no_browser_in_in_production(
    misconfigured_in_production: Stage, visitor: Visitor, name: Name
) -> None:
    back_to = f"{misconfigured_in_production.origins[name]}/who"
    page = visitor.sign_in(misconfigured_in_production.clerk_url, "user_dev", back_to=back_to)
    assert not page.who["isAuthenticated"]
    assert page.handshakes <= 3


@by_each
@pytest.mark.parametrize(
    "cookie", ["__session", "__clerk_handshake_nonce", "__clerk_handshake", "__client_uat"]
)
@pytest.mark.parametrize("value", ["rubbish", "a.b.c", "1"])
def test_cookies_that_are_rubbish_sign_nobody_in(
    production: Stage, visitor: Visitor, name: Name, cookie: str, value: str
) -> None:
    visitor.set_cookie(cookie, value)
    visitor.set_cookie(f"{cookie}_{production.cookie_suffix}", value)
    assert not visitor.open(f"{production.origins[name]}/who").who["isAuthenticated"]


@by_each
def test_a_dev_browser_that_clerk_does_not_know_is_replaced(
    development: Stage, visitor: Visitor, name: Name
) -> None:
    stale = "dvb_of_another_start"
    visitor.set_cookie("__clerk_db_jwt", stale)
    page = visitor.open(f"{development.origins[name]}/who?__clerk_db_jwt={stale}")
    assert not page.who["isAuthenticated"]
    assert page.handshakes == 1
    assert visitor.cookie("__clerk_db_jwt") not in (None, stale)


@by_each
def test_a_nonce_is_good_once(development: Stage, visitor: Visitor, name: Name) -> None:
    used = nonce_of(development, visitor, name)
    assert visitor.open(used).who["userId"] == "user_dev"
    with new_visitor() as thief:
        page = thief.open(used)
        assert not page.who["isAuthenticated"]
        assert page.handshakes <= 1


@by_each
def test_a_nonce_of_another_instance_is_good_for_nothing(
    development: Stage, version_1: Stage, visitor: Visitor, name: Name
) -> None:
    url = nonce_of(version_1, visitor, name)
    query = url.partition("?")[2]
    with new_visitor() as other:
        page = other.open(f"{development.origins[name]}/who?{query}")
        assert not page.who["isAuthenticated"]
        assert page.handshakes <= 1


def test_a_cookie_of_another_instance_with_our_names_signs_nobody_in(
    production: Stage, development: Stage, visitor: Visitor
) -> None:
    token = development.token("user_ada", azp=production.origins["express"])
    for name in ("__session", f"__session_{production.cookie_suffix}"):
        visitor.set_cookie(name, token)
    for name in ("__client_uat", f"__client_uat_{production.cookie_suffix}"):
        visitor.set_cookie(name, "1")
    described = [visitor.open(f"{production.origins[name]}/who").who for name in NAMES]
    for who in described:
        assert not who["isAuthenticated"]
        assert who == described[NAMES.index("express")]


def nonce_of(stage: Stage, visitor: Visitor, name: Name) -> str:
    """The URL to which LocalClerk sends the browser at the end of a handshake."""
    visitor.sign_in(stage.clerk_url, "user_dev", back_to=f"{stage.clerk_url}/")
    where = f"{stage.origins[name]}/who"
    response = visitor.get(f"{stage.clerk_url}/v1/client/handshake?format=nonce&redirect_url={where}")
    location: str = response.headers["location"]
    assert location.startswith(where)
    assert "__clerk_handshake_nonce=" in location
    return location
