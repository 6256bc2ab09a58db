"""A session token in the header says the same to our applications and to Express, or nothing at all."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .stage import OURS, Stage


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "accept": "application/json"}


MEMBERSHIPS = [
    ("user_ada", "blue-ridge-freight"),
    ("user_carmen", "blue-ridge-freight"),
    ("user_dev", "blue-ridge-freight"),
    ("user_rosa", "blue-ridge-freight"),
    ("user_grace", "blue-ridge-freight"),
    ("user_grace", "harbor-lines"),
    ("user_grace", None),
    ("user_sam", None),
]


@pytest.mark.parametrize(("user_id", "organization"), MEMBERSHIPS)
def test_users_are_the_same_and_may_do_the_same(stage: Stage, user_id: str, organization: str | None) -> None:
    who = stage.who(bearer(stage.token(user_id, organization=organization)))
    assert who["express"]["userId"] == user_id
    assert who["express"]["orgSlug"] == organization
    for name in OURS:
        assert who[name] == who["express"]


@pytest.mark.parametrize(("user_id", "organization"), MEMBERSHIPS)
def test_claims_of_version_1_say_the_same(version_1: Stage, user_id: str, organization: str | None) -> None:
    who = version_1.who(bearer(version_1.token(user_id, organization=organization)))
    assert "v" not in who["express"]["sessionClaims"]
    assert who["express"]["orgSlug"] == organization
    for name in OURS:
        assert who[name] == who["express"]


AGES = [
    (0, -1),
    (0, 0),
    (9, -1),
    (10, -1),
    (11, -1),
    (59, 61),
    (61, 59),
    (5, 1439),
    (5, 1440),
    (-1, 5),
    (-1, -1),
]


@pytest.mark.parametrize("ages", AGES)
def test_what_was_verified_when_counts_the_same(development: Stage, ages: tuple[int, int]) -> None:
    who = development.who(bearer(development.token("user_grace", fva=ages)))
    assert who["express"]["factorVerificationAge"] == list(ages)
    for name in OURS:
        assert who[name] == who["express"]


ODD_CLAIMS: dict[str, dict[str, Any]] = {
    "impersonation": {"act": {"sub": "user_ada"}},
    "no word on factors": {"fva": None},
    "factors that are none": {"fva": ["now", 0]},
    "another status": {"sts": "active"},
    "a feature of both": {"fea": "uo:export,o:load_board"},
    "no feature": {"fea": "", "pla": ""},
    "a plan of the user": {"pla": "u:plus"},
    "claims of one's own with other names": {
        "role": "org:admin",
        "permissions": ["org:admin:view_audit_logs"],
    },
    "an organization in the form of version 1": {"org_id": "org_9", "org_role": "org:admin"},
    "a mask for nobody": {"o": {"id": "org_1", "slg": "one", "rol": "admin", "per": "read", "fpm": "0"}},
    "a mask that is none": {"o": {"id": "org_1", "slg": "one", "rol": "admin", "per": "read", "fpm": "x"}},
    "more masks than features": {
        "fea": "o:loads",
        "o": {"id": "org_1", "slg": "one", "rol": "driver", "per": "read,write", "fpm": "3,3,3"},
    },
    "not in English": {"name": "Sørensen 王", "emoji": "🚚"},
    "deep": {"metadata": {"a": [{"b": None}, 1.5, True]}},
    "an empty party": {"azp": ""},
}


@pytest.mark.parametrize("claims", ODD_CLAIMS.values(), ids=ODD_CLAIMS)
def test_odd_claims_say_the_same(development: Stage, claims: dict[str, Any]) -> None:
    token = development.token("user_dev", organization="blue-ridge-freight", claims=claims)
    who = development.who(bearer(token))
    for name in OURS:
        assert who[name] == who["express"]


def test_the_actor_is_known_to_all(development: Stage) -> None:
    session = development.clerk.sign_in("user_dev", "blue-ridge-freight", actor={"sub": "user_ada"})
    who = development.who(
        bearer(development.clerk.session_token(session, azp=development.origins["fastapi"]))
    )
    for described in who.values():
        assert (described["userId"], described["actor"]) == ("user_dev", {"sub": "user_ada"})


def test_a_pending_session_is_signed_out_unless_one_asks_for_it(development: Stage) -> None:
    headers = bearer(development.token("user_dev", claims={"sts": "pending"}))
    for described in development.who(headers).values():
        assert (described["isAuthenticated"], described["sessionStatus"]) == (False, "pending")
    who = development.who(headers, "/who/pending")
    assert who["express"]["userId"] == "user_dev"
    for name in OURS:
        assert who[name] == who["express"]


class TestRefused:
    """What is no token of this instance, for this application and this moment is refused by all."""

    def refused(self, stage: Stage, token: str) -> None:
        who = stage.who(bearer(token))
        assert not who["express"]["isAuthenticated"]
        for name in OURS:
            assert who[name] == who["express"]
        for response in stage.ask(bearer(token), "/of/session_token").values():
            assert response.status_code == 401

    def test_expired(self, stage: Stage) -> None:
        self.refused(stage, stage.token("user_dev", issued_at=time.time() - 300))

    def test_not_valid_yet(self, stage: Stage) -> None:
        self.refused(stage, stage.token("user_dev", issued_at=time.time() + 300))

    def test_for_another_origin(self, stage: Stage) -> None:
        self.refused(stage, stage.token("user_dev", azp="https://evil.example.com"))

    def test_of_another_instance(self, development: Stage, version_1: Stage) -> None:
        token = version_1.token("user_dev", organization="blue-ridge-freight")
        assert version_1.who(bearer(token))["express"]["userId"] == "user_dev"
        self.refused(development, token)

    def test_without_any_origin(self, stage: Stage) -> None:
        self.refused(stage, stage.token("user_dev", azp=None))

    def test_with_a_claim_changed(self, development: Stage) -> None:
        header, payload, signature = development.token("user_dev").split(".")
        _, other, _ = development.token("user_ada").split(".")
        assert payload != other
        self.refused(development, f"{header}.{other}.{signature}")

    @pytest.mark.parametrize("cut", [1, 2])
    def test_without_its_signature(self, development: Stage, cut: int) -> None:
        token = development.token("user_dev")
        self.refused(development, token.rsplit(".", 1)[0] + "." * (2 - cut))

    def test_of_a_template(self, development: Stage) -> None:
        # It names the user, but it is made for others: no session's token.
        session = development.clerk.sign_in("user_dev", "blue-ridge-freight")
        session.authorized_party = development.origins["express"]
        token = development.in_node("sessions", "getToken", session.id, "neon")["jwt"]
        self.refused(development, token)
