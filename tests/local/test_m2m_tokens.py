"""Machines and their tokens: the Backend API's endpoints, and what a test makes of them in code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from clerk_middleware.local import LocalClerk, LocalServer, Machine

NOT_FOUND = (404, "resource_not_found")


def error_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json()["errors"]
    return response.status_code, error["code"]


@pytest.fixture
def asked_by(clerk: LocalClerk, server: LocalServer) -> Callable[..., httpx.Response]:
    """A POST to the Backend API with the secret key of a machine."""

    def post(machine: str, path: str, **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {clerk.machines[machine].secret_key}"}
        return httpx.post(f"{server.url}/v1{path}", json=body, headers=headers)

    return post


Ask = Callable[..., httpx.Response]


def test_an_opaque_token(asked_by: Ask, backend: httpx.Client, clock: Any) -> None:
    response = asked_by("mch_tracking", "/m2m_tokens", seconds_until_expiration=3600, claims={"a": 1})
    made = response.json()
    token = made.pop("token")
    assert token.startswith("mt_")
    assert len(token) >= 35
    assert made == {
        "object": "machine_to_machine_token",
        "id": made["id"],
        "subject": "mch_tracking",
        "scopes": ["mch_fleet_api"],
        "claims": {"a": 1},
        "revoked": False,
        "revocation_reason": None,
        "expired": False,
        "expiration": 1_750_003_600_000,
        "last_used_at": None,
        "created_at": 1_750_000_000_000,
        "updated_at": 1_750_000_000_000,
    }
    for response in (
        backend.post("/m2m_tokens/verify", json={"token": token}),
        asked_by("mch_fleet_api", "/m2m_tokens/verify", token=token),
    ):
        assert (response.status_code, response.json()) == (200, made)
    clock.now += 3600
    assert error_of(backend.post("/m2m_tokens/verify", json={"token": token})) == NOT_FOUND


def test_a_machine_learns_only_of_tokens_that_are_for_it(asked_by: Ask, clerk: LocalClerk) -> None:
    token = clerk.create_m2m_token("mch_tracking").token
    for other in ("mch_billing", "mch_tracking"):
        assert error_of(asked_by(other, "/m2m_tokens/verify", token=token)) == NOT_FOUND
    assert error_of(asked_by("mch_fleet_api", "/m2m_tokens/verify", token="mt_unknown")) == NOT_FOUND


def test_a_jwt(asked_by: Ask, backend: httpx.Client, clerk: LocalClerk) -> None:
    made = asked_by("mch_tracking", "/m2m_tokens", token_format="jwt", claims={"fleet": "north"}).json()
    header = jwt.get_unverified_header(made["token"])
    assert (header["cat"], header["typ"]) == ("cl_B7d4PD333AAA", "JWT")
    assert header["kid"] == backend.get("/jwks").json()["keys"][0]["kid"]
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    payload = jwt.decode(made["token"], clerk.jwt_key, ["RS256"], audience="mch_fleet_api", options=options)
    assert payload == {
        "iss": "https://local-instance-1.clerk.accounts.dev",
        "sub": "mch_tracking",
        "aud": ["mch_fleet_api"],
        "scopes": "mch_fleet_api",
        "iat": 1_750_000_000,
        "nbf": 1_750_000_000,
        "exp": 1_750_003_600,
        "jti": made["id"],
        "fleet": "north",
    }
    verified = backend.post("/m2m_tokens/verify", json={"token": made.pop("token")})
    assert verified.json() == made


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scopes"])
def test_a_claim_that_clerk_sets_itself(asked_by: Ask, clerk: LocalClerk, claim: str) -> None:
    response = asked_by("mch_tracking", "/m2m_tokens", token_format="jwt", claims={claim: "mch_billing"})
    assert error_of(response) == (422, "form_param_value_invalid")
    assert claim in response.json()["errors"][0]["message"]
    with pytest.raises(ValueError, match=f"claims must not hold {claim}"):
        clerk.create_m2m_token("mch_tracking", token_format="jwt", claims={claim: 1})


@pytest.mark.parametrize(
    "change",
    [
        {"token_format": "JWT"},
        {"token_format": ["jwt"]},
        {"seconds_until_expiration": -1},
        {"seconds_until_expiration": "60"},
        {"claims": "x"},
    ],
)
def test_a_token_that_is_not_made(asked_by: Ask, change: dict[str, Any]) -> None:
    assert error_of(asked_by("mch_tracking", "/m2m_tokens", **change)) == (422, "form_param_value_invalid")


def test_a_token_without_an_end(asked_by: Ask, backend: httpx.Client, clock: Any) -> None:
    made = asked_by("mch_tracking", "/m2m_tokens", seconds_until_expiration=None, token_format=None).json()
    assert (made["expiration"], made["claims"]) == (None, None)
    clock.now += 10**9
    assert backend.post("/m2m_tokens/verify", json={"token": made["token"]}).json()["expired"] is False


def test_only_a_machine_makes_tokens(clerk: LocalClerk, server: LocalServer) -> None:
    for key in (clerk.secret_key, "ak_local_dispatch_board", "", "ak_\u00e9"):
        headers = {"authorization": f"Bearer {key}".strip().encode()}
        for path in ("/m2m_tokens", "/m2m_tokens/verify", "/m2m_tokens/mt_1/revoke"):
            if key == clerk.secret_key and path != "/m2m_tokens":
                continue
            response = httpx.post(f"{server.url}/v1{path}", json={"token": "x"}, headers=headers)
            assert error_of(response) == (401, "clerk_key_invalid")


def test_a_token_is_revoked_by_its_machine_or_the_instance(
    asked_by: Ask, backend: httpx.Client, clerk: LocalClerk
) -> None:
    token, other = clerk.create_m2m_token("mch_tracking"), clerk.create_m2m_token("mch_tracking")
    for stranger in ("mch_billing", "mch_fleet_api"):
        assert error_of(asked_by(stranger, f"/m2m_tokens/{token.id}/revoke")) == NOT_FOUND
    assert not token.revoked
    answer = asked_by("mch_tracking", f"/m2m_tokens/{token.id}/revoke", revocation_reason="done").json()
    assert (answer["revoked"], answer["revocation_reason"]) == (True, "done")
    assert backend.post(f"/m2m_tokens/{other.id}/revoke").json()["revoked"] is True
    assert error_of(asked_by("mch_fleet_api", "/m2m_tokens/verify", token=token.token)) == NOT_FOUND
    assert error_of(backend.post("/m2m_tokens/mt_none/revoke")) == NOT_FOUND


def test_in_code(clerk: LocalClerk, backend: httpx.Client) -> None:
    token = clerk.create_m2m_token("mch_tracking", lifetime=60, claims={"a": 1}, token_format="jwt")
    assert token.expires_at == 1_750_000_060
    clerk.revoke_m2m_token(token.id)
    assert error_of(backend.post("/m2m_tokens/verify", json={"token": token.token})) == NOT_FOUND
    assert clerk.create_m2m_token("mch_tracking", lifetime=None).expires_at is None
    with pytest.raises(LookupError, match=r"no machine 'mch_none'; there are: mch_fleet_api"):
        clerk.create_m2m_token("mch_none")
    with pytest.raises(LookupError, match="no token of id"):
        clerk.revoke_m2m_token("mt_none")
    bare = LocalClerk({"users": [{"id": "user_1", "email": "a@b.c", "password": "x"}]})
    with pytest.raises(LookupError, match="there are: none"):
        bare.environment("http://localhost", machine="mch_1")


def test_the_environment_of_a_machine(clerk: LocalClerk) -> None:
    variables = clerk.environment("http://localhost:1", machine="mch_fleet_api")
    assert variables["CLERK_MACHINE_ID"] == "mch_fleet_api"
    assert variables["CLERK_MACHINE_SECRET_KEY"] == clerk.machines["mch_fleet_api"].secret_key
    assert "CLERK_MACHINE_ID" not in clerk.environment("http://localhost:1")


class TestMachines:
    def test_made(self, clerk: LocalClerk, backend: httpx.Client) -> None:
        body = {"name": "Yard", "scoped_machines": ["mch_fleet_api"], "default_token_ttl": 30}
        made = backend.post("/machines", json=body).json()
        secret = made.pop("secret_key")
        assert secret.startswith("ak_")
        assert made["object"] == "machine"
        assert (made["name"], made["default_token_ttl"]) == ("Yard", 30)
        assert [other["id"] for other in made["scoped_machines"]] == ["mch_fleet_api"]
        assert backend.get(f"/machines/{made['id']}").json() == made
        assert backend.get(f"/machines/{made['id']}/secret_key").json() == {
            "object": "machine_secret_key", "secret": secret,
        }  # fmt: skip
        assert isinstance(clerk.machines[made["id"]], Machine)
        headers = {"authorization": f"Bearer {secret}"}
        token = backend.post("/m2m_tokens", headers=headers).json()
        assert token["expiration"] == 1_750_000_030_000

    def test_listed(self, clerk: LocalClerk, backend: httpx.Client) -> None:
        answer = backend.get("/machines")
        assert [machine["id"] for machine in answer.json()["data"]] == list(reversed(clerk.machines))
        assert answer.json()["total_count"] == len(clerk._instance.machines) == 3
        assert "secret" not in answer.text
        for machine in clerk.machines.values():
            assert machine.secret_key not in answer.text

    def test_scopes(self, asked_by: Ask, backend: httpx.Client, clock: Any) -> None:
        clock.now += 1
        path = "/machines/mch_billing/scopes"
        for _ in range(2):
            assert backend.post(path, json={"to_machine_id": "mch_tracking"}).json() == {
                "object": "machine_scope",
                "from_machine_id": "mch_billing",
                "to_machine_id": "mch_tracking",
                "created_at": 1_750_000_001_000,
            }
        assert asked_by("mch_billing", "/m2m_tokens").json()["scopes"] == ["mch_tracking"]
        assert backend.delete(f"{path}/mch_tracking").json() == {
            "object": "machine_scope",
            "from_machine_id": "mch_billing",
            "to_machine_id": "mch_tracking",
            "deleted": True,
        }
        assert asked_by("mch_billing", "/m2m_tokens").json()["scopes"] == []
        assert error_of(backend.delete(f"{path}/mch_tracking")) == NOT_FOUND

    def test_not_there(self, backend: httpx.Client) -> None:
        for response in (
            backend.get("/machines/mch_none"),
            backend.get("/machines/mch_none/secret_key"),
            backend.post("/machines/mch_none/scopes", json={"to_machine_id": "mch_billing"}),
            backend.post("/machines/mch_billing/scopes", json={"to_machine_id": "mch_none"}),
            backend.delete("/machines/mch_none/scopes/mch_billing"),
        ):
            assert error_of(response) == NOT_FOUND

    def test_wrong(self, backend: httpx.Client) -> None:
        assert error_of(backend.post("/machines", json={})) == (422, "form_param_missing")
        body = {"name": "x", "scoped_machines": ["mch_none"]}
        assert error_of(backend.post("/machines", json=body)) == (422, "form_param_value_invalid")

    def test_too_many(self, clerk: LocalClerk, backend: httpx.Client) -> None:
        machines = clerk._instance.machines
        while len(machines) < 1000:
            machines.create(name="x")
        assert error_of(backend.post("/machines", json={"name": "x"})) == (403, "quota_exceeded")

    def test_a_machine_does_not_manage_machines(self, asked_by: Ask) -> None:
        for path in ("/machines", "/machines/mch_billing/scopes"):
            response = asked_by("mch_billing", path, name="x", to_machine_id="mch_fleet_api")
            assert error_of(response) == (401, "clerk_key_invalid")


def test_nothing_secret_is_in_a_repr(clerk: LocalClerk) -> None:
    application = clerk.create_oauth_application("x", ["https://a.example/cb"], public=False)
    key, machine = clerk.create_api_key("user_dev"), clerk.machines["mch_tracking"]
    m2m, oauth = clerk.create_m2m_token(machine.id), clerk.create_oauth_access_token("user_dev")
    shown = repr([application, key, machine, m2m, oauth, clerk.machines, clerk._instance.seed])
    assert application.client_secret is not None
    for secret in (
        application.client_secret, key.secret, machine.secret_key, m2m.token, oauth.token,
        "ak_local_dispatch_board",
    ):  # fmt: skip
        assert secret not in shown
