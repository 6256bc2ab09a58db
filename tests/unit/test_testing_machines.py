"""Machine tokens for an application's own tests, as the engine reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt
import pytest

from clerk_middleware import (
    APIKeyAuth,
    AsyncAuthenticator,
    Auth,
    Authenticator,
    ClerkConfig,
    ClerkRequest,
    ConfigurationError,
    M2MAuth,
    OAuthAuth,
    RequestState,
)
from clerk_middleware.testing import MemoryBackend, SessionSigner
from clerk_middleware.testing.opaque_tokens import new_api_key

from .issuer import NOW

Decide = Callable[..., RequestState]


class Clock:
    """Unix time, which a test moves."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock: Clock) -> SessionSigner:
    return SessionSigner(clock=clock)


@pytest.fixture
def backend(clock: Clock) -> MemoryBackend:
    return MemoryBackend(clock=clock)


def asked_with(token: str) -> ClerkRequest:
    return ClerkRequest("GET", "http://testserver/", {"authorization": f"Bearer {token}"})


@pytest.fixture
def decide(signer: SessionSigner, clock: Clock) -> Decide:
    """What the engine makes of a token, by itself or with a Backend API in memory."""

    def find_out(token: str, backend: MemoryBackend | None = None, **options: Any) -> RequestState:
        config = signer.config(ClerkConfig(**{"secret_key": "sk_test_x", "accepts_token": "any"} | options))
        transport = backend.transport() if backend is not None else refusing()
        with Authenticator(config, transport=transport, clock=clock) as authenticator:
            return authenticator.authenticate_request(asked_with(token))

    return find_out


def refusing() -> httpx.MockTransport:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} was asked")

    return httpx.MockTransport(refuse)


def refused(state: RequestState) -> tuple[str, str | None, int | None]:
    assert not state.to_auth().is_authenticated
    return (state.status, state.reason, state.retry_after)


def describe(auth: Auth) -> dict[str, Any]:
    names = ("subject", "scopes", "claims", "user_id", "org_id", "machine_id", "client_id", "name")
    return {name: getattr(auth, name) for name in names if getattr(auth, name, None) is not None}


# JWTs


def test_an_m2m_token_is_as_clerk_signs_it(signer: SessionSigner) -> None:
    token = signer.m2m_token("mch_1", scopes=["mch_2", "mch_3"], claims={"depot": {"id": 7}})
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": "ins_test",
        "cat": "cl_B7d4PD333AAA",
    }
    payload = jwt.decode(token, options={"verify_signature": False})
    assert payload.pop("jti").startswith("mt_")
    assert payload == {
        "iss": "https://clerk.example.test",
        "sub": "mch_1",
        "aud": ["mch_2", "mch_3"],
        "scopes": "mch_2 mch_3",
        "iat": NOW,
        "nbf": NOW - 10,
        "exp": NOW + 3600,
        "depot": {"id": 7},
    }


def test_an_oauth_token_is_as_clerk_signs_it(signer: SessionSigner) -> None:
    token = signer.oauth_token("user_1", scopes=["profile", "read:loads"], client_id="client_1")
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "at+jwt", "kid": "ins_test"}
    payload = jwt.decode(token, options={"verify_signature": False})
    assert payload.pop("jti").startswith("oat_")
    assert payload == {
        "iss": "https://clerk.example.test",
        "sub": "user_1",
        "client_id": "client_1",
        "scope": "profile read:loads",
        "iat": NOW,
        "nbf": NOW - 10,
        "exp": NOW + 24 * 3600,
    }


def test_a_machine_is_known_without_the_network(signer: SessionSigner, decide: Decide) -> None:
    auth = decide(signer.m2m_token("mch_1", scopes=["mch_2"], claims={"depot": 7})).to_auth()
    assert isinstance(auth, M2MAuth)
    assert auth.id.startswith("mt_")
    assert (auth.machine_id, auth.scopes) == ("mch_1", ("mch_2",))
    assert (auth.claims or {})["depot"] == 7


def test_a_machine_that_may_do_nothing(signer: SessionSigner, decide: Decide) -> None:
    auth = decide(signer.m2m_token("mch_1")).to_auth()
    assert describe(auth) == {"subject": "mch_1", "machine_id": "mch_1", "scopes": ()}


def test_an_oauth_client_is_known_without_the_network(signer: SessionSigner, decide: Decide) -> None:
    auth = decide(signer.oauth_token("user_1", scopes=iter(["read:loads", "profile"]))).to_auth()
    assert isinstance(auth, OAuthAuth)
    assert auth.id.startswith("oat_")
    assert (auth.user_id, auth.client_id) == ("user_1", "client_test")
    assert auth.scopes == ("read:loads", "profile")
    assert decide(signer.oauth_token("user_1")).to_auth().scopes == ()


def test_a_machine_calls_the_machines_that_its_token_names(signer: SessionSigner, decide: Decide) -> None:
    token = signer.m2m_token("mch_1", scopes=["mch_2"])
    assert decide(token, machine_id="mch_2").is_authenticated
    assert refused(decide(token, machine_id="mch_3"))[1] == "token-verification-failed"


def test_an_oauth_token_for_an_audience(signer: SessionSigner, decide: Decide) -> None:
    api = "https://example.com/mcp"
    token = signer.oauth_token("user_1", claims={"aud": api})
    assert decide(token, audience=api).is_authenticated
    for other in (token, signer.oauth_token("user_1")):
        assert refused(decide(other, audience="https://other.example"))[1] == "token-verification-failed"


def test_further_claims_of_an_oauth_token_win(signer: SessionSigner, decide: Decide) -> None:
    token = signer.oauth_token("user_1", scopes=["profile"], claims={"scope": "email", "client_id": "c"})
    auth = decide(token).to_auth()
    assert isinstance(auth, OAuthAuth)
    assert (auth.scopes, auth.client_id) == (("email",), "c")


@pytest.mark.parametrize(
    ("make", "hours"), [(SessionSigner.m2m_token, 1), (SessionSigner.oauth_token, 24)], ids=["m2m", "oauth"]
)
def test_a_machines_token_expires(
    signer: SessionSigner, decide: Decide, clock: Clock, make: Callable[..., str], hours: int
) -> None:
    subject = "mch_1" if make is SessionSigner.m2m_token else "user_1"
    default, short = make(signer, subject), make(signer, subject, lifetime=30)
    assert refused(decide(make(signer, subject, issued_at=NOW - 7200, lifetime=7190)))
    clock.now += 29
    assert decide(short).is_authenticated
    clock.now += 10
    assert refused(decide(short))[1] == "token-verification-failed"
    clock.now = NOW + hours * 3600 - 1
    assert decide(default).is_authenticated
    clock.now += 10
    assert refused(decide(default))


def test_machines_tokens_are_no_sessions(signer: SessionSigner, decide: Decide) -> None:
    for token in (signer.m2m_token("mch_1"), signer.oauth_token("user_1")):
        assert refused(decide(token, accepts_token="session_token"))[1] == "token-type-mismatch"


def test_each_machines_token_is_another(signer: SessionSigner) -> None:
    assert signer.m2m_token("mch_1") != signer.m2m_token("mch_1")
    assert signer.oauth_token("user_1") != signer.oauth_token("user_1")


# Opaque tokens


def verify(backend: MemoryBackend, path: str, body: Mapping[str, str]) -> httpx.Response:
    with httpx.Client(transport=backend.transport(), base_url="http://127.0.0.1:9/v1") as client:
        return client.post(path, json=body)


def shown(backend: MemoryBackend, path: str, body: Mapping[str, str]) -> dict[str, Any]:
    response = verify(backend, path, body)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    known: dict[str, Any] = response.json()
    return known


STATE: dict[str, Any] = {
    "revoked": False,
    "revocation_reason": None,
    "expired": False,
    "created_at": NOW * 1000,
    "updated_at": NOW * 1000,
}


def test_an_api_key_is_shown_as_clerk_does(backend: MemoryBackend) -> None:
    secret = backend.add_api_key("user_1", name="my key", scopes=["read:loads"], claims={"depot": 7})
    assert secret.startswith("ak_")
    known = shown(backend, "/api_keys/verify", {"secret": secret})
    assert known.pop("id") != secret
    assert known == {
        "object": "api_key",
        "type": "api_key",
        "name": "my key",
        "subject": "user_1",
        "scopes": ["read:loads"],
        "claims": {"depot": 7},
        "expiration": None,
        "created_by": "user_1",
        "description": None,
        "last_used_at": None,
        **STATE,
    }
    of_organization = backend.add_api_key("org_1", lifetime=60)
    known = shown(backend, "/api_keys/verify", {"secret": of_organization})
    assert known["id"].startswith("ak_")
    assert (known["subject"], known["created_by"], known["name"]) == ("org_1", None, "test")
    assert (known["scopes"], known["claims"], known["expiration"]) == ([], None, (NOW + 60) * 1000)


def test_an_opaque_m2m_token_is_shown_as_clerk_does(backend: MemoryBackend) -> None:
    token = backend.add_m2m_token("mch_5", scopes=["mch_9"], claims={"a": 1}, lifetime=3600)
    assert token.startswith("mt_")
    known = shown(backend, "/m2m_tokens/verify", {"token": token})
    assert known.pop("id").startswith("mt_")
    assert known == {
        "object": "machine_to_machine_token",
        "subject": "mch_5",
        "scopes": ["mch_9"],
        "claims": {"a": 1},
        "expiration": (NOW + 3600) * 1000,
        **STATE,
    }
    known = shown(backend, "/m2m_tokens/verify", {"token": backend.add_m2m_token()})
    assert (known["subject"], known["scopes"], known["claims"]) == ("mch_test", [], None)
    assert known["expiration"] is None


def test_an_opaque_oauth_token_is_shown_as_clerk_does(backend: MemoryBackend) -> None:
    path = "/oauth_applications/access_tokens/verify"
    token = backend.add_oauth_token("user_1", scopes=["read", "write"], client_id="client_3")
    assert token.startswith("oat_")
    known = shown(backend, path, {"access_token": token})
    assert known.pop("id").startswith("oat_")
    assert known == {
        "object": "clerk_idp_oauth_access_token",
        "client_id": "client_3",
        "type": "oauth:access_token",
        "name": "test",
        "subject": "user_1",
        "scopes": ["read", "write"],
        "expiration": (NOW + 24 * 3600) * 1000,
        **STATE,
    }
    known = shown(backend, path, {"access_token": backend.add_oauth_token(lifetime=None)})
    assert (known["subject"], known["client_id"], known["expiration"]) == ("user_test", "client_test", None)


def test_a_key_that_has_ended_is_shown_as_such(backend: MemoryBackend, clock: Clock) -> None:
    secret, other = backend.add_api_key(lifetime=30), backend.add_api_key()
    clock.now += 29.9
    assert shown(backend, "/api_keys/verify", {"secret": secret})["expired"] is False
    clock.now = NOW + 30
    known = shown(backend, "/api_keys/verify", {"secret": secret})
    assert (known["expired"], known["revoked"], known["created_at"]) == (True, False, NOW * 1000)
    backend.revoke(other)
    known = shown(backend, "/api_keys/verify", {"secret": other})
    assert (known["expired"], known["revoked"], known["revocation_reason"]) == (False, True, None)


def test_a_key_is_known_where_it_belongs_alone(backend: MemoryBackend) -> None:
    questions = {
        "/api_keys/verify": ("secret", backend.add_api_key()),
        "/m2m_tokens/verify": ("token", backend.add_m2m_token()),
        "/oauth_applications/access_tokens/verify": ("access_token", backend.add_oauth_token()),
    }
    for path, (member, own) in questions.items():
        for _, token in questions.values():
            assert verify(backend, path, {member: token}).status_code == (200 if token == own else 404)
        unknown = verify(backend, path, {member: f"{own}x"})
        assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (404, "resource_not_found")
    assert verify(backend, "/api_keys", {"name": "x"}).status_code == 404


def test_an_api_key_of_a_test_is_good(backend: MemoryBackend, decide: Decide) -> None:
    claims: dict[str, Any] = {"depots": [7]}
    secret = backend.add_api_key("user_1", scopes=iter(["read:loads"]), claims=claims, name="Board")
    claims["depots"].append(8)
    auth = decide(secret, backend).to_auth()
    assert isinstance(auth, APIKeyAuth)
    assert describe(auth) == {
        "subject": "user_1",
        "user_id": "user_1",
        "scopes": ("read:loads",),
        "claims": {"depots": [7]},
        "name": "Board",
    }
    of_organization = decide(backend.add_api_key("org_1"), backend).to_auth()
    assert (of_organization.user_id, of_organization.org_id) == (None, "org_1")


def test_opaque_tokens_of_a_test_are_good(backend: MemoryBackend, decide: Decide) -> None:
    machine = decide(backend.add_m2m_token("mch_1", scopes=["mch_2"]), backend, machine_id="mch_2").to_auth()
    assert describe(machine) == {"subject": "mch_1", "machine_id": "mch_1", "scopes": ("mch_2",)}
    client = decide(backend.add_oauth_token("user_1", scopes=["profile"]), backend).to_auth()
    assert describe(client) == {
        "subject": "user_1",
        "user_id": "user_1",
        "scopes": ("profile",),
        "client_id": "client_test",
    }


@pytest.mark.anyio
async def test_an_api_key_is_asked_about_asynchronously(signer: SessionSigner) -> None:
    backend = MemoryBackend()
    config = signer.config(ClerkConfig(secret_key="sk_test_x", accepts_token="api_key"))
    async with AsyncAuthenticator(config, transport=backend.transport()) as authenticator:
        state = await authenticator.authenticate_request(asked_with(backend.add_api_key("user_1")))
        assert state.to_auth().user_id == "user_1"
        state = await authenticator.authenticate_request(asked_with("ak_unknown"))
        assert refused(state) == ("signed-out", "token-invalid", None)


ADD = [MemoryBackend.add_api_key, MemoryBackend.add_m2m_token, MemoryBackend.add_oauth_token]


@pytest.mark.parametrize("add", ADD, ids=["api_key", "m2m", "oauth"])
def test_an_opaque_token_ends(
    backend: MemoryBackend, decide: Decide, clock: Clock, add: Callable[..., str]
) -> None:
    short, revoked, other = add(backend, lifetime=30), add(backend), add(backend)
    assert decide(short, backend).is_authenticated
    assert decide(revoked, backend).is_authenticated
    backend.revoke(revoked)
    state = decide(revoked, backend)
    assert refused(state) == ("signed-out", "token-invalid", None)
    assert "revoked" in (state.message or "")
    clock.now += 30
    state = decide(short, backend)
    assert refused(state) == ("signed-out", "token-invalid", None)
    assert "expired" in (state.message or "")
    assert decide(other, backend).is_authenticated


def test_a_revoked_key_is_good_for_as_long_as_the_configuration_says(
    signer: SessionSigner, backend: MemoryBackend
) -> None:
    for ttl, is_good in ((0, False), (10_000, True)):
        config = signer.config(
            ClerkConfig(secret_key="sk_test_x", accepts_token="api_key", opaque_token_ttl_in_ms=ttl)
        )
        secret = backend.add_api_key()
        with Authenticator(config, transport=backend.transport(), clock=lambda: NOW) as authenticator:
            assert authenticator.authenticate_request(asked_with(secret)).is_authenticated
            backend.revoke(secret)
            assert authenticator.authenticate_request(asked_with(secret)).is_authenticated == is_good


def test_without_a_backend_nobody_knows_an_api_key(signer: SessionSigner, backend: MemoryBackend) -> None:
    """Of a signer's configuration alone, which has none: it is asked at once, and has no answer."""
    config = signer.config(ClerkConfig(secret_key="sk_test_x", accepts_token="api_key"))
    with Authenticator(config) as authenticator:
        state = authenticator.authenticate_request(asked_with(backend.add_api_key()))
    assert refused(state)[1] == "unexpected-error"


def test_revoking_what_is_none_of_ones_own(backend: MemoryBackend) -> None:
    with pytest.raises(ConfigurationError, match=r"^token: is none that this backend's add_… methods") as e:
        backend.revoke("ak_secret")
    assert "ak_secret" not in str(e.value)


def test_secrets_are_hidden() -> None:
    key = new_api_key("user_1", name="test", scopes=[], claims=None, now=NOW, lifetime=None)
    assert key.token not in repr(key)


# Mistakes


NO_SCOPES = [
    ({"scopes": "read:loads"}, r"^scopes: must be a list: write \['read:loads'\]$"),
    ({"scopes": ["read loads"]}, r"^scopes: a scope is a word such as 'read:loads'; 'read loads' is none$"),
    ({"scopes": [None]}, "^scopes: .* None is none$"),
]
NO_MACHINES = [
    ({"scopes": "mch_2"}, r"^scopes: must be a list: write \['mch_2'\]$"),
    (
        {"scopes": ["read:loads"]},
        "^scopes: an M2M token's are the machines that it is for, such as 'mch_test'; 'read:loads' is "
        "none. What its own machine may do, claims can say$",
    ),
    ({"scopes": ["mch_2 mch_3"]}, "^scopes: .* 'mch_2 mch_3' is none"),
    ({"scopes": [None]}, "^scopes: .* None is none"),
]
NO_CLAIMS = [
    ({"claims": ["depot"]}, r"^claims: must be a dictionary, not \['depot'\]$"),
    ({"claims": {"at": object()}}, "^claims: must be what JSON can say: .*object is not JSON serializable$"),
    ({"claims": {"weight": float("nan")}}, "^claims: must be what JSON can say: .*not JSON compliant"),
]
NO_CLIENT = [({"client_id": ""}, "^client_id: must be a text such as 'client_test', not ''$")]
NO_MACHINE = [
    ({"machine_id": "user_1"}, "^machine_id: an M2M token is of a machine, mch_…; 'user_1' is none$"),
    ({"machine_id": "mch_"}, "^machine_id: .* 'mch_' is none$"),
    ({"machine_id": None}, "^machine_id: .* None is none$"),
]
NO_USER = [
    (
        {"user_id": "mch_1"},
        "^user_id: an OAuth token is of a user, who let an application act for them, user_…; 'mch_1' is",
    ),
    ({"user_id": "org_1"}, "^user_id: .* 'org_1' is none$"),
]
NO_OWNER = [
    (
        {"subject": "mch_1"},
        "^subject: an API key is of a user or an organization, user_… or org_…; 'mch_1' is none$",
    ),
    ({"subject": "org_"}, "^subject: .* 'org_' is none$"),
]
RESERVED = [
    ({"claims": {"sub": "mch_2"}}, "^claims: Clerk sets 'sub' itself in an M2M token: choose another name$"),
    ({"claims": {"scopes": "a", "aud": "b", "depot": 7}}, "^claims: Clerk sets 'aud' and 'scopes' itself"),
]


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (make, options, message)
        for make, rows in {
            "m2m_token": NO_MACHINES + NO_CLAIMS + NO_MACHINE + RESERVED,
            "oauth_token": NO_SCOPES + NO_CLAIMS + NO_USER + NO_CLIENT,
            "add_api_key": [
                *(NO_SCOPES + NO_CLAIMS + NO_OWNER),
                ({"name": ""}, "^name: must be a text such as 'Dispatch board', not ''$"),
            ],
            "add_m2m_token": NO_MACHINES + NO_CLAIMS + NO_MACHINE,
            "add_oauth_token": NO_SCOPES + NO_USER + NO_CLIENT,
        }.items()
        for options, message in rows
    ],
)
def test_a_mistake_is_named_and_explained(
    signer: SessionSigner, backend: MemoryBackend, make: str, options: dict[str, Any], message: str
) -> None:
    subjects = {"m2m_token": {"machine_id": "mch_1"}, "oauth_token": {"user_id": "user_1"}}
    maker = getattr(backend if make.startswith("add_") else signer, make)
    with pytest.raises(ConfigurationError, match=message):
        maker(**{**subjects.get(make, {}), **options})


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scopes"])
def test_claims_that_clerk_sets(signer: SessionSigner, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"sets '{name}' itself"):
        signer.m2m_token("mch_1", claims={name: "x"})


def test_an_api_keys_claims_have_any_name(backend: MemoryBackend) -> None:
    secret = backend.add_api_key(claims={"sub": "x"})
    assert json.loads(verify(backend, "/api_keys/verify", {"secret": secret}).text)["claims"] == {"sub": "x"}
