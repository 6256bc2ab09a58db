"""API keys, M2M tokens and OAuth access tokens get the same verdict of all, for whatever a route accepts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware.local import LocalClerk

from .stage import OURS, Stage

Issue = Callable[[LocalClerk], str]

ROUTES = [
    "session_token",
    "api_key",
    "m2m_token",
    "oauth_token",
    "api_key,oauth_token",
    "session_token,m2m_token",
]


def revoked_api_key(clerk: LocalClerk) -> str:
    api_key = clerk.create_api_key("user_dev")
    clerk.revoke_api_key(api_key.id)
    return api_key.secret


def revoked_m2m_token(clerk: LocalClerk) -> str:
    token = clerk.create_m2m_token("mch_tracking")
    clerk.revoke_m2m_token(token.id)
    return token.token


def revoked_oauth_token(clerk: LocalClerk) -> str:
    token = clerk.create_oauth_access_token("user_dev", token_format="opaque")
    clerk.revoke_oauth_access_token(token.id)
    return token.token


GOOD: dict[str, tuple[str, Issue]] = {
    "API key of a user": (
        "api_key",
        lambda clerk: clerk.create_api_key("user_dev", scopes=["read:loads"], claims={"team": 7}).secret,
    ),
    "API key of an organization": ("api_key", lambda clerk: clerk.create_api_key("org_blue_ridge").secret),
    "API key with an end": ("api_key", lambda clerk: clerk.create_api_key("user_ada", lifetime=60).secret),
    "M2M token": (
        "m2m_token",
        lambda clerk: clerk.create_m2m_token("mch_tracking", claims={"truck": "T-7"}).token,
    ),
    "M2M token without an end": (
        "m2m_token",
        lambda clerk: clerk.create_m2m_token("mch_tracking", lifetime=None).token,
    ),
    "M2M JWT": (
        "m2m_token",
        lambda clerk: clerk.create_m2m_token("mch_tracking", token_format="jwt").token,
    ),
    "OAuth token": (
        "oauth_token",
        lambda clerk: (
            clerk.create_oauth_access_token(
                "user_dev", scopes=["profile", "read:loads"], token_format="opaque"
            ).token
        ),
    ),
    "OAuth JWT": (
        "oauth_token",
        lambda clerk: (
            clerk.create_oauth_access_token(
                "user_dev", scopes=["profile", "read:loads"], token_format="jwt"
            ).token
        ),
    ),
}

BAD: dict[str, Issue] = {
    "API key that is unknown": lambda clerk: "ak_" + "x" * 30,
    "API key that is revoked": revoked_api_key,
    "API key that has expired": lambda clerk: clerk.create_api_key("user_dev", lifetime=-1).secret,
    "M2M token that is unknown": lambda clerk: "mt_" + "x" * 30,
    "M2M token that is revoked": revoked_m2m_token,
    "M2M token for other machines": lambda clerk: clerk.create_m2m_token("mch_billing").token,
    "M2M JWT that has expired": lambda clerk: (
        clerk.create_m2m_token("mch_tracking", token_format="jwt", lifetime=-60).token
    ),
    "OAuth token that is unknown": lambda clerk: "oat_" + "x" * 30,
    "OAuth token that is revoked": revoked_oauth_token,
    "OAuth JWT that has expired": lambda clerk: (
        clerk.create_oauth_access_token("user_dev", token_format="jwt", lifetime=-60).token
    ),
    "OAuth JWT with another signature": lambda clerk: (
        clerk.create_oauth_access_token("user_dev", token_format="jwt").token.rpartition(".")[0]
        + "."
        + clerk.create_oauth_access_token("user_ada", token_format="jwt").token.rpartition(".")[2]
    ),
}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("token_type", "issue"), GOOD.values(), ids=GOOD)
def test_a_good_token_says_the_same_to_all(development: Stage, token_type: str, issue: Issue) -> None:
    who = development.who(bearer(issue(development.clerk)))
    assert who["express"]["isAuthenticated"]
    assert who["express"]["tokenType"] == token_type
    for name in OURS:
        assert who[name] == who["express"]
    # None of them may do what people are asked for.
    assert not any(who["express"]["has"])


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("token_type", "issue"), GOOD.values(), ids=GOOD)
def test_a_good_token_opens_the_routes_that_accept_its_type(
    development: Stage, token_type: str, issue: Issue, route: str
) -> None:
    expected = 200 if token_type in route.split(",") else 401
    answers = development.ask(bearer(issue(development.clerk)), f"/of/{route}")
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, expected)


@pytest.mark.parametrize("issue", BAD.values(), ids=BAD)
def test_a_bad_token_opens_nothing(development: Stage, issue: Issue) -> None:
    token = issue(development.clerk)
    who = development.who(bearer(token))
    assert not who["express"]["isAuthenticated"]
    for name in OURS:
        assert who[name] == who["express"]
    for route in ROUTES:
        for answer in development.ask(bearer(token), f"/of/{route}").values():
            assert answer.status_code == 401


@pytest.mark.parametrize(("token_type", "issue"), GOOD.values(), ids=GOOD)
def test_a_token_of_another_instance_opens_nothing(
    development: Stage, version_1: Stage, token_type: str, issue: Issue
) -> None:
    token = issue(version_1.clerk)
    assert version_1.who(bearer(token))["express"]["isAuthenticated"]
    for described in development.who(bearer(token)).values():
        assert not described["isAuthenticated"]
    for answer in development.ask(bearer(token), f"/of/{token_type}").values():
        assert answer.status_code == 401


def test_a_session_opens_the_routes_for_sessions_alone(development: Stage) -> None:
    for route in ROUTES:
        expected = 200 if "session_token" in route else 401
        answers = development.ask(bearer(development.token("user_dev")), f"/of/{route}")
        assert {answer.status_code for answer in answers.values()} == {expected}


def test_express_takes_a_machines_jwt_that_is_for_other_machines_and_ours_does_not(
    development: Stage,
) -> None:
    # mch_billing may call nobody. Clerk's client leaves it to the application to compare the scopes of a
    # JWT; ours, which knows what machine it is, refuses as the Backend API does for a token that is opaque.
    token = development.clerk.create_m2m_token("mch_billing", token_format="jwt").token
    who = development.who(bearer(token))
    assert who["express"]["isAuthenticated"]
    for name in OURS:
        assert not who[name]["isAuthenticated"]


class TestByNode:
    """`@clerk/backend` makes, verifies and revokes them; what it did holds for all."""

    def test_api_keys(self, development: Stage) -> None:
        made = development.in_node(
            "apiKeys",
            "create",
            {"name": "Board", "subject": "user_rosa", "scopes": ["read:loads"], "claims": {"team": 7}},
        )
        headers = bearer(made["secret"])
        for described in development.who(headers).values():
            assert (described["userId"], described["scopes"]) == ("user_rosa", ["read:loads"])
            assert described["claims"] == {"team": 7}
        assert development.in_node("apiKeys", "verify", made["secret"])["id"] == made["id"]
        listed = development.in_node("apiKeys", "list", {"subject": "user_rosa"})
        assert made["id"] in [api_key["id"] for api_key in listed["data"]]
        revoked = development.in_node(
            "apiKeys", "revoke", {"apiKeyId": made["id"], "revocationReason": "lost"}
        )
        assert (revoked["revoked"], revoked["revocationReason"]) == (True, "lost")
        for described in development.who(headers).values():
            assert not described["isAuthenticated"]

    @pytest.mark.parametrize("token_format", ["opaque", "jwt"])
    def test_m2m_tokens(self, development: Stage, token_format: str) -> None:
        own = {"machineSecretKey": development.clerk.machines["mch_tracking"].secret_key}
        made: dict[str, Any] = development.in_node(
            "m2m",
            "createToken",
            {
                **own,
                "secondsUntilExpiration": 60,
                "claims": {"truck": "T-7"},
                "tokenFormat": token_format,
            },
        )
        assert made["expiration"] / 1000 == pytest.approx(time.time() + 60, abs=5)
        for described in development.who(bearer(made["token"])).values():
            assert described["machineId"] == "mch_tracking"
            assert described["claims"]["truck"] == "T-7"
        assert development.in_node("m2m", "verify", {"token": made["token"]})["id"] == made["id"]
        development.in_node("m2m", "revokeToken", {**own, "m2mTokenId": made["id"]})
        who = development.who(bearer(made["token"]))
        # A JWT is good until it expires: nobody asks Clerk about it.
        for described in who.values():
            assert described["isAuthenticated"] is (token_format == "jwt")

    def test_oauth_tokens(self, development: Stage) -> None:
        token = development.clerk.create_oauth_access_token("user_dev", token_format="opaque")
        verified = development.in_node("idPOAuthAccessToken", "verify", token.token)
        assert (verified["subject"], verified["revoked"]) == ("user_dev", False)
