"""What LocalClerk signs: session tokens of both versions, custom claims, templates, key rotation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import jwt
import pytest

from clerk_middleware.local import LocalClerk, load_seed
from clerk_middleware.local.shortcodes import resolve

Decode = Callable[[str], dict[str, Any]]


def permissions(claims: dict[str, Any]) -> set[str]:
    """A version 2 token's permissions, decoded as Clerk's page on session tokens says."""
    organization = claims["o"]
    if "fpm" not in organization:
        return set()
    features = [f.split(":")[1] for f in claims["fea"].split(",") if "o" in f.split(":")[0]]
    names = organization["per"].split(",")
    masks = [int(mask) for mask in organization["fpm"].split(",")]
    assert len(masks) == len(features)
    return {
        f"org:{feature}:{name}"
        for (feature, mask), (bit, name) in product(zip(features, masks, strict=True), enumerate(names))
        if mask >> bit & 1
    }


@pytest.mark.parametrize("member", ["user_ada", "user_carmen", "user_dev", "user_rosa", "user_grace"])
def test_a_token_grants_exactly_the_custom_permissions_of_the_role(
    clerk: LocalClerk, claims_of: Decode, member: str
) -> None:
    fleet = load_seed()
    organization = clerk.organizations["org_blue_ridge"]
    role = fleet.roles[organization.members[member]]
    claims = claims_of(clerk.issue_session_token(member, organization=organization.id))
    assert permissions(claims) == {p for p in role.permissions if not p.startswith("org:sys_")}
    assert claims["o"]["rol"] == role.key.removeprefix("org:")
    assert "sys_" not in claims["fea"]


def test_the_claims_of_a_session_token(clerk: LocalClerk, claims_of: Decode) -> None:
    token = clerk.issue_session_token(
        "user_grace", organization="harbor-lines", azp="http://localhost:8000", session_id="sess_9"
    )
    header, claims = jwt.get_unverified_header(token), claims_of(token)
    assert header == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": header["kid"],
        "cat": "cl_B7d4PD111AAA",
        "oiat": 1_750_000_000,
    }
    assert claims.pop("jti")
    organization = claims.pop("o")
    assert organization == {
        "id": "org_harbor_lines",
        "slg": "harbor-lines",
        "rol": "admin",
        "per": "access_all_reports,configure_company_settings,manage_users_and_roles,view_audit_logs,"
        "view_edit_all_loads",
        "fpm": "31,0,0,0,0",
    }
    expected_permissions = claims.pop("org_membership.permissions")
    assert set(expected_permissions) == permissions({**claims, "o": organization})
    assert claims == {
        "v": 2,
        "iss": "https://local-instance-1.clerk.accounts.dev",
        "sub": "user_grace",
        "sid": "sess_9",
        "azp": "http://localhost:8000",
        "iat": 1_750_000_000,
        "nbf": 1_749_999_990,
        "exp": 1_750_000_060,
        "fva": [0, -1],
        "sts": "active",
        "pla": "o:starter,u:plus",
        "fea": "o:admin,o:compliance,o:dispatcher,o:driver,o:load_board,u:export",
        "org.id": "org_harbor_lines",
        "user.id": "user_grace",
        "org.name": "Harbor Lines",
        "org.role": "org:admin",
        "publicMetadata": {"onboardingComplete": True},
        "user.organizations": {"org_blue_ridge": "org:dispatcher", "org_harbor_lines": "org:admin"},
    }


def test_a_personal_account_has_no_organization(clerk: LocalClerk, claims_of: Decode) -> None:
    claims = claims_of(clerk.issue_session_token("user_grace"))
    assert "o" not in claims
    assert claims["pla"] == "u:plus"
    assert claims["fea"] == "u:export"
    assert claims["org.id"] is None


def test_a_user_without_plans_or_features(clerk: LocalClerk, claims_of: Decode) -> None:
    claims = claims_of(clerk.issue_session_token("user_sam"))
    assert {"pla", "fea", "o", "azp"}.isdisjoint(claims)
    assert claims["publicMetadata"] == {"onboardingComplete": None}


def gated(**instance: Any) -> LocalClerk:
    return LocalClerk(
        {
            **instance,
            "features": {"organization": ["chat"], "user": ["chat"]},
            "plans": {"pro": {"features": ["loads"]}, "lite": {}},
            "roles": {
                "org:boss": {"permissions": ["org:loads:read", "org:chat:read", "org:chat:write"]},
                "org:guest": {"permissions": ["org:sys_profile:manage"]},
            },
            "users": [
                {"id": "user_1", "email": "1@example.com", "password": "x"},
                {"id": "user_2", "email": "2@example.com", "password": "x"},
            ],
            "organizations": [
                {
                    "id": "org_pro",
                    "slug": "pro",
                    "name": "P",
                    "plan": "pro",
                    "members": {"user_1": "org:boss", "user_2": "org:guest"},
                },
                {
                    "id": "org_lite",
                    "slug": "lite",
                    "name": "L",
                    "plan": "lite",
                    "members": {"user_1": "org:boss"},
                },
            ],
        }
    )


def test_a_permission_needs_its_feature_in_the_plan(claims_of: Decode) -> None:
    clerk = gated()
    decode = lambda token: jwt.decode(token, clerk.jwt_key, ["RS256"])  # noqa: E731
    pro, lite = (decode(clerk.issue_session_token("user_1", organization=slug)) for slug in ("pro", "lite"))
    assert pro["fea"] == "ou:chat,o:loads"
    assert permissions(pro) == {"org:loads:read", "org:chat:read", "org:chat:write"}
    assert lite["fea"] == "ou:chat"
    assert permissions(lite) == {"org:chat:read", "org:chat:write"}
    guest = decode(clerk.issue_session_token("user_2", organization="pro"))
    assert guest["o"] == {"id": "org_pro", "slg": "pro", "rol": "guest"}


def test_whether_the_email_address_is_verified() -> None:
    users = [
        {"id": f"user_{name}", "email": f"{name}@example.com", "password": "x", **given}
        for name, given in {
            "ann": {},
            "bob": {"email_verified": True},
            "eve": {"email_verified": False},
        }.items()
    ]
    clerk = LocalClerk(
        {"users": users, "sessions": {"claims": {"email_verified": "{{user.email_verified}}"}}}
    )
    claimed = {
        user_id: jwt.decode(clerk.issue_session_token(user_id), clerk.jwt_key, ["RS256"])["email_verified"]
        for user_id in clerk.users
    }
    assert claimed == {"user_ann": True, "user_bob": True, "user_eve": False}


def test_version_1_tokens() -> None:
    clerk = gated(sessions={"token_version": 1})
    claims = jwt.decode(clerk.issue_session_token("user_1", organization="lite"), clerk.jwt_key, ["RS256"])
    assert claims["org_id"] == "org_lite"
    assert claims["org_slug"] == "lite"
    assert claims["org_role"] == "org:boss"
    assert claims["org_permissions"] == ["org:chat:read", "org:chat:write"]
    assert {"v", "o", "fea", "pla"}.isdisjoint(claims)
    personal = jwt.decode(clerk.issue_session_token("user_1"), clerk.jwt_key, ["RS256"])
    assert "org_id" not in personal


def test_what_a_test_may_ask_for(clerk: LocalClerk, claims_of: Decode) -> None:
    claims = claims_of(
        clerk.issue_session_token(
            "user_ada",
            issued_at=1_000,
            lifetime=30,
            claims={"sts": "pending", "act": {"sub": "user_x"}},
            fva=(3, 4),
        )
    )
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (1_000, 990, 1_030)
    assert claims["sts"] == "pending"
    assert claims["act"] == {"sub": "user_x"}
    assert claims["fva"] == [3, 4]
    assert "fva" not in claims_of(clerk.issue_session_token("user_ada", fva=None))


def test_who_and_what_is_not_there(clerk: LocalClerk) -> None:
    with pytest.raises(LookupError, match="no user 'user_nobody' in the seed; there are: user_ada"):
        clerk.issue_session_token("user_nobody")
    for organization in ("harbor-lines", "org_nowhere"):
        with pytest.raises(LookupError, match="'user_ada' is no member of an organization"):
            clerk.sign_in("user_ada", organization)
    with pytest.raises(LookupError, match="no session 'sess_0'"):
        clerk.revoke_session("sess_0")


def test_the_age_of_the_factors_is_in_whole_minutes(clerk: LocalClerk, clock: Any, claims_of: Decode) -> None:
    session = clerk.sign_in("user_ada", "blue-ridge-freight")
    clock.now += 119
    assert claims_of(clerk.session_token(session))["fva"] == [1, -1]
    session.second_factor_at = clock.now
    clock.now += 60
    assert claims_of(clerk.session_token(session, azp="http://localhost"))["fva"] == [2, 1]


def test_a_rotated_key_has_a_new_kid_and_the_previous_one_still_verifies(clerk: LocalClerk) -> None:
    keys = clerk._instance.keys  # the key set as every endpoint serves it
    first, old = clerk.jwt_key, clerk.issue_session_token("user_ada")
    clerk.rotate_key()
    assert clerk.jwt_key != first
    kids = [key["kid"] for key in keys.jwks()["keys"]]
    assert len(kids) == 2
    assert jwt.get_unverified_header(clerk.issue_session_token("user_ada"))["kid"] == kids[0]
    assert jwt.get_unverified_header(old)["kid"] == kids[1]
    clerk.rotate_key()
    assert len(keys.jwks()["keys"]) == 2
    clerk.rotate_key(keep_previous=False)
    assert len(keys.jwks()["keys"]) == 1
    assert keys.claims_if_ours(old) is None


def test_the_keys_are_of_clerks_form(clerk: LocalClerk, production: LocalClerk) -> None:
    assert clerk.publishable_key == "pk_test_bG9jYWwtaW5zdGFuY2UtMS5jbGVyay5hY2NvdW50cy5kZXYk"
    assert clerk.secret_key.startswith("sk_test_")
    assert clerk.instance_type == "development"
    assert production.publishable_key == "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"
    assert production.secret_key.startswith("sk_live_")
    assert production.instance_type == "production"
    assert clerk.secret_key != LocalClerk().secret_key
    assert clerk.jwt_key.startswith("-----BEGIN PUBLIC KEY-----")


CONTEXT = {
    "user": {"first_name": "Ada", "last_name": None, "age": 36, "verified": False, "meta": {"Home": ["a"]}}
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("static", "static"),
        (1, 1),
        (["{{user.age}}", None], [36, None]),
        ({"a": {"b": "{{user.first_name}}"}}, {"a": {"b": "Ada"}}),
        ("{{user.meta}}", {"Home": ["a"]}),
        ("{{ user.meta.Home }}", ["a"]),
        ("{{user.nothing.at.all}}", None),
        ("{{user.first_name.more}}", None),
        ("{{user.last_name}} {{user.first_name}}", "null Ada"),
        ("{{user.age}}/{{user.verified}}/{{user.meta}}", '36/false/{"Home":["a"]}'),
        ("{{user.last_name || 'Nobody || at all'}}", "Nobody || at all"),
        ("{{user.last_name || user.verified || 30}}", 30),
        ("{{user.last_name || 1.5}}", 1.5),
        ("{{user.last_name || true}}", True),
        ("{{user.last_name || user.verified}}", False),
        ("{{user.first_name || 'x'}}", "Ada"),
        ("{{}}", None),
    ],
)
def test_shortcodes(template: Any, expected: Any) -> None:
    assert resolve(template, CONTEXT) == expected
