"""Reading a seed: what it becomes, and what its author reads when it is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from clerk_middleware.errors import ConfigurationError
from clerk_middleware.local import LocalClerk, Seed, SeedError, load_seed

USER = {"id": "user_1", "email": "one@example.com", "password": "secret-of-one"}


def seed(**tables: Any) -> dict[str, Any]:
    return {"users": [USER], **tables}


def test_the_fleet_is_the_default() -> None:
    fleet = load_seed()
    assert fleet.name == "Fleet"
    assert set(fleet.roles) == {"org:admin", "org:compliance", "org:dispatcher", "org:driver", "org:member"}
    assert fleet.organizations["org_blue_ridge"].members["user_dev"] == "org:dispatcher"
    assert {o.slug for o in fleet.organizations.values() if "user_grace" in o.members} == {
        "blue-ridge-freight",
        "harbor-lines",
    }
    assert fleet.users["user_grace"].second_factor_code
    assert fleet.jwt_templates["neon"].lifetime == 60


def test_the_smallest_seed_is_one_user() -> None:
    smallest = load_seed(seed())
    assert smallest.instance_type == "development"
    assert smallest.host == "local-instance-1.clerk.accounts.dev"
    assert smallest.token_version == 2
    assert smallest.users["user_1"].display_name == "one@example.com"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"first_name": "Ada", "last_name": "Byron", "username": "countess"}, "Ada Byron"),
        ({"last_name": "Byron", "username": "countess"}, "Byron"),
        ({"username": "countess"}, "countess"),
    ],
)
def test_users_are_called_by_the_best_name_they_have(names: dict[str, str], expected: str) -> None:
    assert load_seed({"users": [{**USER, **names}]}).users["user_1"].display_name == expected


def test_a_seed_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text('[[users]]\nid = "user_1"\nemail = "a@b.c"\npassword = "x"\n')
    for source in (path, str(path)):
        assert list(LocalClerk(source).users) == ["user_1"]
        assert load_seed(source).source == path
    assert load_seed(seed()).source is None


def test_a_seed_object_is_taken_as_it_is() -> None:
    built = load_seed(seed())
    assert isinstance(built, Seed)
    assert list(LocalClerk(built).users) == ["user_1"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"nowhere\.toml: cannot be read: No such file"):
        load_seed(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text("users = [,]")
    with pytest.raises(SeedError, match=r"seed\.toml: is not TOML: .*line 1"):
        load_seed(path)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SeedError, match=r"seed\.toml: is not UTF-8"):
        load_seed(path)


def test_an_error_names_file_table_and_key(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(
        '[roles."org:boss"]\npermisions = []\n[[users]]\nid = "user_1"\nemail = "a@b.c"\npassword = "x"\n'
    )
    with pytest.raises(SeedError) as caught:
        load_seed(path)
    assert str(caught.value) == (
        f"{path}: [roles.\"org:boss\"] permisions: is no key of a seed; did you mean 'permissions'?"
    )
    assert isinstance(caught.value, ConfigurationError)


ORGANIZATION = {"id": "org_1", "slug": "one", "name": "One"}
MACHINE = {"id": "mch_1", "name": "One"}
API_KEY = {"name": "One", "subject": "user_1"}
APPLICATION = {"id": "oa_1", "client_id": "client_1", "name": "One", "redirect_uris": ["http://127.0.0.1/"]}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, r"users: is empty, so nobody could sign in"),
        (
            {"users": {"id": "user_1"}},
            r"users: must be a list of tables, each begun by \[\[users\]\], not a table",
        ),
        ({"users": ["user_1"]}, r"\[users 1\]: must be a table, not a string"),
        ({"users": [{**USER, "id": "1"}]}, r"\[users 1\] id: '1' must be letters.*begin with user_"),
        ({"users": [{**USER, "id": "user_<"}]}, r"\[users 1\] id: 'user_<' must be letters"),
        ({"users": [USER, USER]}, r"\[users 2\] id: 'user_1' is taken already"),
        (
            {"users": [USER, {**USER, "id": "user_2"}]},
            r"\[users 2\] email: 'one@example.com' is taken already",
        ),
        (
            {"users": [{"id": "user_1", "email": "a@b.c"}]},
            r"\[users 1\] password: is missing; write it as a string",
        ),
        ({"users": [{**USER, "password": 1234}]}, r"\[users 1\] password: must be a string, not a int"),
        (
            {"users": [{**USER, "email_verified": "no"}]},
            r"\[users 1\] email_verified: must be true or false, not 'no'",
        ),
        (
            {"users": [{**USER, "password": ""}]},
            r"\[users 1\] password: must be printable text that is not empty",
        ),
        ({"users": [{**USER, "first_name": "A\r\nB"}]}, r"\[users 1\] first_name: must be printable text"),
        ({"users": [{**USER, "public_metadata": []}]}, r"public_metadata: must be a table, not a list"),
        (
            {"users": [{**USER, "plan": "gold"}]},
            r"\[users 1\] plan: 'gold' is no plan of scope 'user'; there are: none",
        ),
        (seed(userz=[]), r"userz: is no key of a seed; did you mean 'users'\?"),
        (seed(zzz={}), r"zzz: is no key of a seed; known here: api_keys, features, instance"),
        (seed(instance="x"), r"instance: must be a table, not a string"),
        (
            seed(instance={"type": "staging"}),
            r"\[instance\] type: must be 'development' or 'production', not 'staging'",
        ),
        (seed(instance={"host": "localhost"}), r"\[instance\] host: must be a host name with a dot"),
        (seed(instance={"host": "a.b$c"}), r"\[instance\] host: must be a host name"),
        (
            seed(instance={"secret_key": "sk_live_abc"}),
            r"\[instance\] secret_key: must be sk_test_ and letters",
        ),
        (
            seed(instance={"type": "production", "secret_key": "sk_test_abc"}),
            r"secret_key: must be sk_live_ and .* a production one",
        ),
        (
            seed(instance={"allowed_origins": ["https://a.example/path"]}),
            r"allowed_origins: must hold origins, such as",
        ),
        (
            seed(instance={"allowed_origins": ["https://a.example; script-src *"]}),
            r"allowed_origins: must hold origins",
        ),
        (
            seed(instance={"allowed_origins": "https://a.example"}),
            r"allowed_origins: must be a list of strings",
        ),
        (seed(instance={"hosts": ["clerk:80"]}), r"\[instance\] hosts: must hold host names without a port"),
        (
            seed(sessions={"maximum_lifetime": 0}),
            r"maximum_lifetime: must be a whole number of seconds, 1 or more, not 0",
        ),
        (seed(sessions={"maximum_lifetime": True}), r"maximum_lifetime: must be a whole number of seconds"),
        (seed(sessions={"token_version": 3}), r"\[sessions\] token_version: must be 1 or 2, not 3"),
        (seed(sessions={"token_version": True}), r"\[sessions\] token_version: must be 1 or 2, not True"),
        (
            seed(sessions={"claims": {"sub": "x"}}),
            r"\[sessions\] claims\.sub: is a claim that Clerk sets itself",
        ),
        (
            seed(sessions={"claims": {"org_role": "x"}}),
            r"claims\.org_role: is a claim that Clerk sets itself",
        ),
        (
            seed(features={"organization": ["a:b"]}),
            r"\[features\] organization: feature 'a:b' may hold letters",
        ),
        (
            seed(features={"user": ["sys_x"]}),
            r"\[features\] user: feature 'sys_x': sys_ is for Clerk's system",
        ),
        (seed(plans={"a,b": {}}), r"\[plans\.\"a,b\"\]: the name of a plan may hold letters"),
        (seed(plans={"pro": {"scope": "org"}}), r"scope: must be 'organization' or 'user', not 'org'"),
        (seed(roles={"boss": {}}), r"\[roles\.\"boss\"\]: a role is called org:NAME"),
        (seed(roles={"org:boss": {"permissions": ["loads:read"]}}), r"'loads:read' must be org:FEATURE:NAME"),
        (
            seed(roles={"org:boss": {"permissions": ["org:loads:read"]}}),
            r"'org:loads:read' belongs to the feature 'loads', which no organization can have; add it to",
        ),
        (
            seed(
                plans={"p": {"scope": "user", "features": ["l"]}},
                roles={"org:b": {"permissions": ["org:l:read"]}},
            ),
            r"belongs to the feature 'l', which no organization can have",
        ),
        (
            seed(organizations=[{**ORGANIZATION, "id": "one"}]),
            r"\[organizations 1\] id: 'one' must be .* org_",
        ),
        (
            seed(organizations=[ORGANIZATION, {**ORGANIZATION, "id": "org_2"}]),
            r"\[organizations 2\] slug: 'one' is taken already",
        ),
        (
            seed(organizations=[{**ORGANIZATION, "members": {"user_9": "org:boss"}}]),
            r"members\.user_9: is no user of this seed",
        ),
        (
            seed(organizations=[{**ORGANIZATION, "members": {"user_1": "org:boss"}}]),
            r"members\.user_1: 'org:boss' is no role; there are: none",
        ),
        (seed(jwt_templates={"a/b": {}}), r"\[jwt_templates\.\"a/b\"\]: the name of a template may hold"),
        (
            seed(jwt_templates={"neon": {"claims": {"sid": "x"}}}),
            r"claims\.sid: is a claim that Clerk sets itself",
        ),
        (
            seed(jwt_templates={"neon": {"allowed_clock_skew": -1}}),
            r"a whole number of seconds, 0 or more, not -1",
        ),
        (seed(machines=[{"id": "m_1", "name": "x"}]), r"\[machines 1\] id: 'm_1' must be .* begin with mch_"),
        (
            seed(machines=[{**MACHINE, "scopes": ["mch_2"]}]),
            r"\[machines 1\] scopes: 'mch_2' is no machine; there are: mch_1",
        ),
        (
            seed(machines=[{**MACHINE, "secret_key": "sk_test_x"}]),
            r"secret_key: 'sk_test_x' must be .* begin with ak_",
        ),
        (
            seed(
                machines=[
                    {**MACHINE, "secret_key": "ak_x"},
                    {**MACHINE, "id": "mch_2", "secret_key": "ak_x"},
                ]
            ),
            r"\[machines 2\] secret_key: 'ak_x' is taken already",
        ),
        (seed(machines=[{**MACHINE, "scope": []}]), r"\[machines 1\] scope: is no key .* 'scopes'"),
        (
            seed(machines=[{**MACHINE, "default_token_lifetime": -1}]),
            r"default_token_lifetime: must be a whole number",
        ),
        (
            seed(api_keys=[{**API_KEY, "subject": "user_9"}]),
            r"\[api_keys 1\] subject: 'user_9' is neither a user nor an organization",
        ),
        (seed(api_keys=[{**API_KEY, "secret": "x"}]), r"secret: 'x' must be .* begin with ak_"),
        (
            seed(api_keys=[{**API_KEY, "claims": {"on": date(2025, 1, 1)}}]),
            r"claims: must be what JSON can say",
        ),
        (seed(api_keys=[{**API_KEY, "claims": {"on": float("nan")}}]), r"claims: must be what JSON can say"),
        (seed(oauth={"scopes": ["read loads"]}), r"\[oauth\] scopes: 'read loads' must be ASCII"),
        (seed(oauth={"token_format": "JWT"}), r"token_format: must be 'jwt' or 'opaque', not 'JWT'"),
        (seed(oauth={"custom": 1}), r"\[oauth\] custom: is no key of a seed"),
        (
            seed(oauth_applications=[{**APPLICATION, "redirect_uris": []}]),
            r"\[oauth_applications 1\] redirect_uris: is missing",
        ),
        (
            seed(oauth_applications=[{**APPLICATION, "redirect_uris": ["http://a.example/"]}]),
            r"redirect_uris: 'http://a\.example/' is refused: http is for loopback alone",
        ),
        (
            seed(oauth_applications=[{**APPLICATION, "scopes": ["read:loads"]}]),
            r"scopes: 'read:loads' is unknown; add it to scopes in \[oauth\]",
        ),
        (
            seed(oauth_applications=[{**APPLICATION, "public": True, "client_secret": "x"}]),
            r"client_secret: is for applications that can keep it",
        ),
        (
            seed(oauth_applications=[APPLICATION, {**APPLICATION, "id": "oa_2"}]),
            r"\[oauth_applications 2\] client_id: 'client_1' is taken already",
        ),
    ],
)
def test_a_mistake_is_named_and_explained(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(SeedError, match=message):
        load_seed(tables)


def test_a_role_may_use_a_feature_of_a_plan() -> None:
    built = load_seed(
        seed(
            plans={"pro": {"features": ["loads"]}},
            roles={"org:boss": {"permissions": ["org:loads:read", "org:sys_profile:manage"]}},
        )
    )
    assert built.roles["org:boss"].permissions == ("org:loads:read", "org:sys_profile:manage")


def test_nothing_secret_is_in_a_repr() -> None:
    clerk = LocalClerk(seed(instance={"secret_key": "sk_test_topsecret"}))
    session = clerk.sign_in("user_1")
    assert session.client is not None
    shown = repr(
        [
            clerk,
            load_seed(seed(instance={"secret_key": "sk_test_topsecret"})),
            session,
            session.client,
            clerk.users,
            clerk._instance,
        ]
    )
    for secret in ("topsecret", "secret-of-one", session.refresh_token, session.client.token):
        assert secret not in shown


def test_machines_keys_and_applications_of_a_seed() -> None:
    clerk = LocalClerk(
        seed(
            machines=[
                {**MACHINE, "secret_key": "ak_one", "scopes": ["mch_2"], "default_token_lifetime": 60},
                {"id": "mch_2", "name": "Two"},
            ],
            api_keys=[{**API_KEY, "secret": "ak_key", "claims": {"a": 1}, "description": "mine"}],
            oauth={"scopes": ["read:loads"]},
            oauth_applications=[{**APPLICATION, "client_secret": "topsecret", "scopes": ["read:loads"]}],
        )
    )
    one, two = clerk.machines.values()
    assert (one.secret_key, one.scopes, one.default_token_lifetime) == ("ak_one", ("mch_2",), 60)
    assert two.secret_key.startswith("ak_")
    assert two.default_token_lifetime is None
    (api_key,) = clerk._instance.api_keys.all()
    assert (api_key.secret, api_key.claims, api_key.description) == ("ak_key", {"a": 1}, "mine")
    application = clerk._instance.oauth_applications.get("client_1")
    assert application is not None
    assert (application.client_secret, application.scopes) == ("topsecret", ("read:loads",))
    assert (application.public, application.consent_screen) == (False, True)
    for secret in ("ak_one", "ak_key", "topsecret"):
        assert secret not in repr(clerk._instance.seed)
