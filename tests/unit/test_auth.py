"""The Auth objects: what they say, that nothing can change them, and that they show no secret."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware import APIKeyAuth, Auth, ClerkConfig, M2MAuth, OAuthAuth, SessionAuth, SignedOut

from .conftest import Decide
from .issuer import NOW, Issuer, claims_of

MakeConfig = Callable[..., ClerkConfig]

ORGANIZATION = {"id": "org_1", "slg": "acme", "rol": "admin", "per": "read,manage", "fpm": "3,2"}
CUSTOM = {
    "o": ORGANIZATION,
    "fea": "o:teams,o:billing,u:export",
    "pla": "o:pro",
    "act": {"sub": "user_admin"},
    "metadata": {"roles": ["user"], "nested": {"deep": [{"x": 1}]}},
}


def pickled(thing: Any) -> Any:
    """As it arrives in another process."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301  # it is our own


@pytest.fixture
def auth(decide: Decide, config: MakeConfig, issuer: Issuer) -> Any:
    """Of a request."""
    return decide(config(), headers={"authorization": f"Bearer {issuer.token(**CUSTOM)}"}).to_auth()


def test_a_session_says_everything(auth: SessionAuth) -> None:
    assert auth.is_authenticated
    assert auth.token_type == "session_token"
    assert (auth.user_id, auth.session_id, auth.session_status) == ("user_1", "sess_1", "active")
    assert (auth.org_id, auth.org_slug, auth.org_role) == ("org_1", "acme", "org:admin")
    assert auth.org_permissions == ("org:teams:read", "org:teams:manage", "org:billing:manage")
    assert auth.actor == {"sub": "user_admin"}
    assert auth.factor_verification_age == (1, -1)
    assert auth.has(role="org:admin", permission="org:teams:read", feature="export", plan="pro")
    assert auth.reason is None
    assert repr(auth) == "<SessionAuth user_1 in org_1>"


def test_scopes_are_what_starlette_compares(auth: SessionAuth) -> None:
    assert "authenticated" in auth.scopes
    assert "org:teams:read" in auth.scopes
    assert SignedOut().scopes == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims.__setitem__("sub", "user_2"),
        lambda claims: claims.__delitem__("sub"),
        lambda claims: claims.update(sub="user_2"),
        lambda claims: claims.pop("sub"),
        lambda claims: claims.popitem(),
        lambda claims: claims.clear(),
        lambda claims: claims.setdefault("new", 1),
        lambda claims: claims.__ior__({"sub": "user_2"}),
        lambda claims: claims["metadata"].update(roles=["admin"]),
        lambda claims: claims["metadata"]["nested"]["deep"][0].update(x=2),
        lambda claims: claims["o"].__setitem__("rol", "owner"),
        lambda claims: claims["metadata"]["roles"].append("admin"),
    ],
)
def test_claims_cannot_be_changed(change: Callable[[Any], Any], auth: SessionAuth) -> None:
    before = json.dumps(auth.session_claims)
    with pytest.raises((TypeError, AttributeError)):
        change(auth.session_claims)
    assert json.dumps(auth.session_claims) == before


def test_what_cannot_be_changed_says_so(auth: SessionAuth) -> None:
    with pytest.raises(TypeError, match=r"read-only: change a copy, as in dict\(auth.session_claims\)"):
        auth.session_claims["sub"] = "user_2"  # type: ignore[index]


def test_claims_work_as_json_has_them(auth: SessionAuth) -> None:
    claims = json.loads(json.dumps(auth.session_claims))
    assert claims == claims_of(**CUSTOM)
    assert isinstance(auth.session_claims, dict)


def test_copies_of_claims_are_the_callers_own(auth: SessionAuth) -> None:
    for duplicate in (dict(auth.session_claims), copy.copy(auth.session_claims)):
        duplicate["sub"] = "user_2"
    deep = copy.deepcopy(auth.session_claims)
    assert deep == claims_of(**CUSTOM)
    deep["metadata"]["roles"].append("admin")
    deep["metadata"]["nested"]["deep"][0]["x"] = 2
    assert auth.session_claims["metadata"]["roles"] == ["user"]
    thawed = pickled(auth.session_claims)
    assert (type(thawed), thawed["sub"]) == (dict, "user_1")
    assert auth.user_id == "user_1"


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, pickled],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_and_pickles_without_the_authenticator(duplicate: Any, auth: SessionAuth) -> None:
    other = duplicate(auth)
    assert type(other) is SessionAuth
    assert (other.user_id, other.org_role, other.get_token()) == ("user_1", "org:admin", auth.get_token())
    assert other.session_claims == auth.session_claims
    assert other.has(permission="org:teams:read")


def test_a_pickle_holds_no_key_of_the_application(auth: SessionAuth) -> None:
    assert b"productionsecret" not in pickle.dumps(auth)


def test_nothing_of_it_can_be_set(auth: SessionAuth) -> None:
    for name in ("user_id", "org_id", "org_permissions", "is_authenticated", "anything"):
        with pytest.raises(AttributeError):
            setattr(auth, name, "x")


def test_requests_of_one_token_share_nothing_that_changes(
    decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    headers = {"authorization": f"Bearer {issuer.token(**CUSTOM)}"}
    one, other = (decide(config(), headers=headers).to_auth() for _ in range(2))
    assert one.session_claims == other.session_claims
    assert one is not other


def test_from_claims_of_a_version_1_token() -> None:
    claims = {
        "sub": "user_1",
        "org_id": "org_1",
        "org_role": "org:admin",
        "org_slug": "acme",
        "org_permissions": ["org:teams:read", 7],
    }
    auth = SessionAuth.from_claims(claims, token="t")
    claims["sub"] = "user_2"
    assert (auth.user_id, auth.org_id, auth.org_role, auth.org_slug) == (
        "user_1",
        "org_1",
        "org:admin",
        "acme",
    )
    assert auth.org_permissions == ("org:teams:read",)
    assert auth.get_token() == "t"


def test_a_version_2_tokens_org_claims_grant_nothing() -> None:
    custom = {"org_id": "org_1", "org_role": "org:admin", "org_permissions": ["org:x:y"], "org_slug": "a"}
    auth = SessionAuth.from_claims({"sub": "user_1", "v": 2} | custom, token="t")
    assert (auth.org_id, auth.org_role, auth.org_slug, auth.org_permissions) == (None, None, None, None)
    assert not auth.has(role="org:admin")
    assert not auth.has(permission="org:x:y")


@pytest.mark.parametrize(
    ("fpm", "granted"),
    [
        ("1", ("org:teams:read",)),
        (" 3 ,1", ("org:teams:read", "org:teams:manage", "org:billing:read")),
        ("x,1", ("org:billing:read",)),
        ("-1,1", ("org:billing:read",)),
        ("١,1", ("org:billing:read",)),
        ("0x3,1", ("org:billing:read",)),
        (f"{'9' * 301},1", ("org:billing:read",)),
        ("1,1,1,1", ("org:teams:read", "org:billing:read")),
        ("", ()),
    ],
)
def test_permission_masks(fpm: str, granted: tuple[str, ...]) -> None:
    claims = {"sub": "user_1", "v": 2, "fea": "o:teams,u:export,o:billing", "o": ORGANIZATION | {"fpm": fpm}}
    assert SessionAuth.from_claims(claims, token="t").org_permissions == granted


@pytest.mark.parametrize(
    "organization", [None, {}, [], "org_1", {"id": 7}, {"per": "read"}, {"fpm": "1"}], ids=str
)
def test_a_malformed_organization_grants_nothing(organization: Any) -> None:
    claims = {"sub": "user_1", "v": 2, "fea": "o:teams", "o": organization}
    auth = SessionAuth.from_claims(claims, token="t")
    assert not auth.org_permissions
    assert not auth.has(permission="org:teams:read")


@pytest.mark.parametrize(
    "ages", [None, [], [1], [1, 2, 3], ["1", 2], [True, 1], [-2, 1], [None, 1], {}, "1"], ids=str
)
def test_malformed_factor_ages_are_not_fresh(ages: Any) -> None:
    auth = SessionAuth.from_claims({"sub": "user_1", "fva": ages}, token="t")
    for wanted in ("strict_mfa", "strict", "moderate", "lax"):
        assert not auth.has(reverification=wanted)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"role": None},
        {"role": ""},
        {"role": 7},
        {"permission": ""},
        {"permission": ["org:teams:read"]},
        {"feature": 7},
        {"feature": "x:teams"},
        {"plan": {}},
        {"reverification": "unknown"},
        {"reverification": 7},
        {"reverification": {}},
        {"reverification": {"level": "first_factor"}},
        {"reverification": {"level": "first_factor", "after_minutes": 0}},
        {"reverification": {"level": "first_factor", "after_minutes": True}},
        {"reverification": {"level": "first_factor", "after_minutes": "10"}},
        {"reverification": {"level": "first_factor", "after_minutes": float("nan")}},
        {"reverification": {"level": "no_factor", "after_minutes": 10}},
        {"reverification": {"level": ["first_factor"], "after_minutes": 10}},
    ],
    ids=str,
)
def test_nothing_or_nonsense_asked_is_not_allowed(asked: dict[str, Any], auth: SessionAuth) -> None:
    assert auth.has(**asked) is False


def test_reverification(auth: SessionAuth) -> None:
    assert auth.has(reverification={"level": "first_factor", "after_minutes": 2})
    assert not auth.has(reverification={"level": "first_factor", "after_minutes": 1})
    assert auth.has(reverification="strict")  # no second factor: the first decides


def test_signed_out_says_why(decide: Decide, config: MakeConfig) -> None:
    auth = decide(config()).to_auth()
    assert isinstance(auth, SignedOut)
    assert repr(auth) == "<SignedOut session-token-and-uat-missing>"
    assert auth.reason == "session-token-and-uat-missing"
    assert repr(SignedOut()) == "<SignedOut>"
    assert not auth.is_authenticated
    assert auth.token_type == "session_token"
    assert auth.has(role="org:admin") is False
    for name in ("user_id", "session_id", "session_claims", "session_status", "actor", "org_id", "org_role"):
        assert getattr(auth, name) is None
    for name in ("org_slug", "org_permissions", "factor_verification_age"):
        assert getattr(auth, name) is None


def test_a_pending_session_is_signed_out_unless_asked_otherwise(
    decide: Decide, config: MakeConfig, issuer: Issuer
) -> None:
    state = decide(config(), headers={"authorization": f"Bearer {issuer.token(sts='pending')}"})
    auth = state.to_auth()
    assert (auth.is_authenticated, auth.session_status, auth.user_id) == (False, "pending", None)
    assert repr(auth) == "<SignedOut pending>"
    assert state.to_auth(treat_pending_as_signed_out=False).user_id == "user_1"


MACHINE: dict[str, Any] = {
    "id": "id_1",
    "subject": "user_1",
    "scopes": ("a",),
    "claims": None,
    "token": "secret",
}


def test_an_api_key_is_a_users_or_an_organizations() -> None:
    key = APIKeyAuth(**MACHINE, name="CI")
    assert (key.token_type, key.name, key.user_id, key.org_id) == ("api_key", "CI", "user_1", None)
    key = APIKeyAuth(**(MACHINE | {"subject": "org_1"}))
    assert (key.name, key.user_id, key.org_id) == (None, None, "org_1")


@pytest.mark.parametrize("kind", [APIKeyAuth, M2MAuth, OAuthAuth])
def test_a_machine_shows_its_id_and_not_its_token(kind: Any) -> None:
    machine = kind(**MACHINE)
    assert repr(machine) == f"<{kind.__name__} id_1>"
    assert repr(kind(**(MACHINE | {"id": ""}))) == f"<{kind.__name__} user_1>"
    assert machine.is_authenticated
    assert (machine.subject, machine.scopes, machine.claims) == ("user_1", ("a",), None)
    assert machine.session_status is None


def test_the_state_shows_no_token(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    token = issuer.token()
    state = decide(config(), headers={"authorization": f"Bearer {token}"})
    assert repr(state) == "<RequestState signed-in, token_type='session_token'>"
    assert token not in repr(state)
    assert repr(decide(config())) == (
        "<RequestState signed-out (session-token-and-uat-missing), token_type='session_token'>"
    )
    assert state.config.publishable_key
    assert state.request.method == "GET"


def test_an_odd_actor_is_none(decide: Decide, config: MakeConfig, issuer: Issuer) -> None:
    for actor in (None, "user_admin", ["user_admin"]):
        state = decide(config(), headers={"authorization": f"Bearer {issuer.token(act=actor)}"}, now=NOW)
        assert state.to_auth().actor is None


def test_its_truth_is_whether_somebody_is_signed_in(auth: SessionAuth) -> None:
    assert auth
    assert not SignedOut()


def test_pickling_loses_no_rights() -> None:
    claims = {"sub": "u", "org_id": "o", "org_permissions": ["org:teams:manage"], "fva": [1, -1], "n": [[1]]}
    for copied in (
        pickled(SessionAuth.from_claims(claims, token="t")),
        SessionAuth.from_claims(SessionAuth.from_claims(claims, token="t").session_claims, token="t"),
    ):
        assert copied.has(permission="org:teams:manage", reverification="lax")
        assert copied.session_claims == claims


@pytest.mark.parametrize(
    "change", ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"]
)
def test_lists_in_claims_are_read_only(change: str) -> None:
    listed = SessionAuth.from_claims({"sub": "u", "n": [[1]]}, token="t").session_claims["n"]
    with pytest.raises(TypeError, match="read-only"):
        getattr(listed, change)()
    with pytest.raises(TypeError, match="read-only"):
        listed[0] = 2
    assert copy.copy(listed) == copy.deepcopy(listed) == pickled(listed) == [[1]]
    copy.deepcopy(listed)[0].append(2)
    assert listed == [[1]]


def test_an_auth_object_of_ones_own_has_no_scopes() -> None:
    class Nobody(Auth):
        pass

    assert Nobody().scopes == ()


def test_claims_that_name_nobody_are_nobodys() -> None:
    assert not SessionAuth.from_claims({"sid": "sess_1"}, token="t").is_authenticated
