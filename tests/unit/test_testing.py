"""Session tokens for an application's own tests, as the engine reads them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from clerk_middleware import (
    AsyncAuthenticator,
    Auth,
    Authenticator,
    BackendAPIError,
    ClerkConfig,
    ClerkRequest,
    ConfigurationError,
    PublishableKey,
    RequestState,
    SessionAuth,
)
from clerk_middleware.testing import SessionSigner
from clerk_middleware.testing.backend import MemoryBackend
from clerk_middleware.testing.user_object import user_object

from .issuer import NOW

SITE = "http://testserver"


@pytest.fixture
def signer() -> SessionSigner:
    return SessionSigner(clock=lambda: NOW)


def decide(
    config: ClerkConfig, headers: Mapping[str, str], *, now: float = NOW, url: str = f"{SITE}/"
) -> RequestState:
    with Authenticator(config, clock=lambda: now) as authenticator:
        return authenticator.authenticate_request(ClerkRequest("GET", url, headers))


def signed_in(config: ClerkConfig, token: str, **options: Any) -> SessionAuth:
    auth = decide(config, {"authorization": f"Bearer {token}"}, **options).to_auth()
    assert isinstance(auth, SessionAuth)
    return auth


def cookie(cookies: Mapping[str, str]) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def test_a_user_is_signed_in_by_the_header(signer: SessionSigner) -> None:
    auth = signed_in(signer.config(), signer.sign("user_1"))
    assert (auth.user_id, auth.session_id, auth.session_status) == ("user_1", "sess_1", "active")
    assert (auth.org_id, auth.org_role, auth.actor) == (None, None, None)
    assert auth.factor_verification_age == (0, -1)
    assert auth.has(reverification="strict")


def test_a_user_is_signed_in_by_cookies(signer: SessionSigner) -> None:
    cookies = signer.cookies(signer.sign("user_1"))
    suffix = PublishableKey.parse(signer.publishable_key).cookie_suffix
    assert set(cookies) == {"__session", "__client_uat", f"__session_{suffix}", f"__client_uat_{suffix}"}
    state = decide(signer.config(), cookie(cookies))
    assert state.is_authenticated
    assert state.token_carrier == "cookie"
    plain = {name: value for name, value in cookies.items() if not name.endswith(suffix)}
    assert decide(signer.config(), cookie(plain)).is_authenticated


def test_cookies_of_a_token_from_any_time(signer: SessionSigner) -> None:
    cookies = signer.cookies(signer.sign("user_1", issued_at=1_000))
    assert decide(signer.config(), cookie(cookies), now=1_010).is_authenticated


@pytest.mark.parametrize("destination", ["document", "empty"])
def test_a_browser_without_cookies_is_signed_out_without_a_handshake(
    signer: SessionSigner, destination: str
) -> None:
    state = decide(signer.config(), {"sec-fetch-dest": destination})
    assert (state.status, state.location) == ("signed-out", None)


def test_what_the_session_may_do(signer: SessionSigner) -> None:
    token = signer.sign(
        "user_1",
        session_id="sess_9",
        org_id="org_acme",
        org_slug="acme",
        org_role="org:admin",
        permissions=["org:teams:manage", "org:loads:read", "org:loads:create", "org:loads:create"],
        features=["export", "user:export", "user:beta", "u:dark-mode", "organization:audit"],
        plan="pro",
        actor="user_support",
        fva=(5, 5),
        azp=SITE,
    )
    auth = signed_in(signer.config(ClerkConfig(jwt_key=signer.jwt_key, authorized_parties=[SITE])), token)
    assert (auth.org_id, auth.org_slug, auth.org_role) == ("org_acme", "acme", "org:admin")
    assert auth.org_permissions == ("org:loads:create", "org:loads:read", "org:teams:manage")
    assert auth.session_claims["v"] == 2
    assert auth.session_claims["fea"] == "o:audit,ou:export,o:loads,o:teams,u:beta,u:dark-mode"
    assert auth.has(role="org:admin", permission="org:loads:create", feature="org:export", plan="org:pro")
    assert auth.has(feature="user:export")
    assert not auth.has(feature="org:beta")
    assert not auth.has(plan="user:pro")
    assert auth.session_id == "sess_9"
    assert auth.actor == {"sub": "user_support"}
    assert auth.has(reverification={"level": "multi_factor", "after_minutes": 6})
    assert not auth.has(reverification={"level": "first_factor", "after_minutes": 5})


@pytest.mark.parametrize(
    "given",
    [
        {"permissions": ["org:teams:manage"]},
        {"org_role": "org:member"},
        {"org_slug": "acme"},
        {"features": ["org:export"]},
        {"plan": "org:pro"},
    ],
)
def test_what_there_is_only_in_an_organization_activates_one(
    signer: SessionSigner, given: dict[str, Any]
) -> None:
    auth = signed_in(signer.config(), signer.sign("user_1", **given))
    assert (auth.org_id, auth.org_role) == ("org_test", "org:member")
    assert auth.org_slug == given.get("org_slug")


def test_without_an_organization_features_and_plan_are_the_users(signer: SessionSigner) -> None:
    auth = signed_in(signer.config(), signer.sign("user_1", features=["export"], plan="plus"))
    assert auth.org_id is None
    assert auth.has(feature="user:export", plan="user:plus")
    both = signed_in(
        signer.config(), signer.sign("user_1", org_id="org_1", features=["export"], plan="user:plus")
    )
    assert both.has(feature="org:export", plan="user:plus")
    assert not both.has(feature="user:export")


def test_claims_of_ones_own_win(signer: SessionSigner) -> None:
    token = signer.sign(
        "user_1",
        actor={"sub": "user_support", "iss": "https://dashboard.example.test"},
        fva=None,
        claims={"email": "ann@example.com", "sts": "pending", "sid": "sess_other"},
    )
    state = decide(signer.config(), {"authorization": f"Bearer {token}"})
    auth = state.to_auth(treat_pending_as_signed_out=False)
    assert auth.session_claims is not None
    assert auth.session_claims["email"] == "ann@example.com"
    assert (auth.session_id, auth.session_status) == ("sess_other", "pending")
    assert auth.actor == {"sub": "user_support", "iss": "https://dashboard.example.test"}
    assert auth.factor_verification_age is None
    assert not state.to_auth().is_authenticated


def test_a_token_expires(signer: SessionSigner) -> None:
    config, token = signer.config(), signer.sign("user_1", lifetime=30)
    assert signed_in(config, token, now=NOW + 29)
    late = decide(config, {"authorization": f"Bearer {token}"}, now=NOW + 60)
    assert (late.status, late.location) == ("signed-out", None)
    assert (late.reason or "").startswith("session-token-expired")
    old = signer.sign("user_1", issued_at=NOW - 300)
    assert not decide(config, cookie(signer.cookies(old))).is_authenticated


def test_azp_is_checked_as_in_production(signer: SessionSigner) -> None:
    config = signer.config(ClerkConfig(jwt_key=signer.jwt_key, authorized_parties=["https://example.com"]))
    for token in (signer.sign("user_1"), signer.sign("user_1", azp=SITE)):
        state = decide(config, {"authorization": f"Bearer {token}"})
        assert state.reason == "token-invalid-authorized-parties"
    assert signed_in(config, signer.sign("user_1", azp="https://example.com"))


def test_each_token_is_another(signer: SessionSigner) -> None:
    first, second = signer.sign("user_1"), signer.sign("user_1")
    assert first != second
    assert jwt.get_unverified_header(first) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": "ins_test",
        "cat": "cl_B7d4PD111AAA",
    }


def test_signers_of_a_process_are_one_instance(signer: SessionSigner) -> None:
    other = SessionSigner()
    assert other.keys == signer.keys
    assert signed_in(other.config(), signer.sign("user_1"))


def test_threads_make_one_key_pair() -> None:
    script = (
        "from concurrent.futures import ThreadPoolExecutor; import jwt\n"
        "from clerk_middleware.testing import SessionSigner\n"
        "with ThreadPoolExecutor(4) as threads:\n"
        "    tokens = list(threads.map(lambda n: SessionSigner().sign(f'user_{n}'), range(4)))\n"
        "print(*[jwt.decode(t, SessionSigner().jwt_key, ['RS256'])['sub'] for t in tokens])"
    )
    result = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["user_0", "user_1", "user_2", "user_3"]


def test_keys_take_the_place_of_those_that_are_not_there(signer: SessionSigner) -> None:
    config = ClerkConfig.from_env({"CLERK_AUTHORIZED_PARTIES": SITE}, **signer.keys)
    assert signed_in(config, signer.sign("user_1", azp=SITE))


def test_the_rest_of_a_configuration_stays(signer: SessionSigner) -> None:
    base = ClerkConfig(
        secret_key="sk_test_real",
        publishable_key="pk_test_YXBwYXJlbnQtd29sZi03LmNsZXJrLmFjY291bnRzLmRldiQ=",
        machine_secret_key="ak_real",
        authorized_parties=[SITE],
        audience="api",
        sign_in_url="/sign-in",
        organization_patterns=["/orgs/:slug"],
        clock_skew_in_ms=1,
    )
    config = signer.config(base)
    assert (config.publishable_key, config.jwt_key) == (signer.publishable_key, signer.jwt_key)
    assert "real" not in f"{config.secret_key} {config.machine_secret_key}"
    assert config.api_url == "http://127.0.0.1:9"
    for name in (
        "authorized_parties",
        "audience",
        "sign_in_url",
        "organization_patterns",
        "clock_skew_in_ms",
    ):
        assert getattr(config, name) == getattr(base, name)
    token = signer.sign("user_1", azp=SITE)
    assert signed_in(config, token)


@pytest.mark.parametrize(
    "options",
    [
        {"secret_key": "sk_live_real", "publishable_key": "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"},
        {"secret_key": "sk_test_real", "sign_in_url": "https://primary.example.com/sign-in"},
        {"jwt_key": SessionSigner().jwt_key, "proxy_url": "/__clerk", "domain": None},
    ],
)
def test_a_satellite_is_signed_in_too(signer: SessionSigner, options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"is_satellite": True, "domain": "satellite.example.org"}
    base = ClerkConfig(**(given | options))
    headers = cookie(signer.cookies(signer.sign("user_1"))) | {"sec-fetch-dest": "document"}
    state = decide(signer.config(base), headers, url="https://satellite.example.org/")
    assert state.is_authenticated
    signed_out = decide(signer.config(base), {"sec-fetch-dest": "document"})
    assert signed_out.status == "signed-out"


@pytest.mark.parametrize("accepted", ["m2m_token", "oauth_token", "any", ["session_token", "api_key"]])
def test_a_configuration_for_machines_is_one_with_a_signers_keys(
    signer: SessionSigner, accepted: Any
) -> None:
    base = ClerkConfig(secret_key="sk_test_real", machine_secret_key="ak_real", accepts_token=accepted)
    state = decide(signer.config(base), {"authorization": f"Bearer {signer.sign('user_1')}"})
    assert state.is_authenticated == (accepted not in ("m2m_token", "oauth_token"))


def test_a_backend_in_memory(signer: SessionSigner) -> None:
    backend, config = MemoryBackend(), signer.config()
    ann = user_object("user_ann", email="ann@example.com", first_name="Ann", created_at=NOW)
    backend.users["user_ann"] = ann
    backend.users["user_bob"] = user_object("user_bob", created_at=NOW)
    with Authenticator(config, transport=backend.transport()) as authenticator:
        assert authenticator.describe_user(config, "user_ann") == ann
        assert authenticator.describe_user(config, "user_bob")["email_addresses"] == []
        authenticator.revoke_session(config, "sess_1")
        with pytest.raises(BackendAPIError) as caught:
            authenticator.describe_user(config, "user_cat")
    assert (caught.value.status, caught.value.code) == (404, "resource_not_found")


def test_a_backend_in_memory_is_good_enough_for_the_official_client(signer: SessionSigner) -> None:
    backend, config = MemoryBackend(), signer.config()
    backend.users["user_ann"] = user_object("user_ann", email="ann@example.com", created_at=NOW)
    given = backend.connect_account("user_ann", "google", scopes=["openid"])
    assert backend.connect_account("user_ann", "oauth_github", token="ghu_ann") == "ghu_ann"
    with Authenticator(config, transport=backend.transport(), clock=lambda: NOW) as authenticator:

        def auth_of(user_id: str) -> Auth:
            headers = {"authorization": f"Bearer {signer.sign(user_id)}"}
            request = ClerkRequest("GET", "http://testserver/", headers)
            return authenticator.authenticate_request(request).to_auth()

        ann, cat = auth_of("user_ann"), auth_of("user_cat")
        user = ann.get_user()
        assert user is not None
        assert user.email_addresses[0].email_address == "ann@example.com"
        google, github = ann.get_oauth_access_token("google"), ann.get_oauth_access_token("github")
        assert google is not None
        assert github is not None
        assert (google.token, google.scopes, github.token) == (given, ("openid",), "ghu_ann")
        assert ann.get_oauth_access_token("apple") is None
        for ask in (cat.get_user, lambda: cat.get_oauth_access_token("google")):
            with pytest.raises(BackendAPIError) as caught:
                ask()
            assert (caught.value.status, caught.value.code) == (404, "resource_not_found")
        backend.disconnect_accounts("user_ann")
        assert ann.get_oauth_access_token("google") is None


@pytest.mark.anyio
async def test_a_backend_in_memory_is_asked_asynchronously(signer: SessionSigner) -> None:
    backend, config = MemoryBackend(), signer.config()
    backend.users["user_ann"] = user_object("user_ann", created_at=NOW)
    async with AsyncAuthenticator(config, transport=backend.transport()) as authenticator:
        assert (await authenticator.describe_user(config, "user_ann"))["id"] == "user_ann"
        await authenticator.revoke_session(config, "sess_1")


def test_nothing_is_warned_of(signer: SessionSigner, caplog: pytest.LogCaptureFixture) -> None:
    base = ClerkConfig(jwt_key=signer.jwt_key, authorized_parties=[SITE], sign_in_url="/sign-in")
    assert signed_in(signer.config(base), signer.sign("user_1", azp=SITE))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"permissions": ["teams:manage"]},
            r"permissions: .*called org:FEATURE:NAME.*'teams:manage' is none",
        ),
        ({"permissions": ["org:teams"]}, "org:FEATURE:NAME"),
        ({"permissions": [None]}, "None is none"),
        ({"permissions": "org:teams:manage"}, r"permissions: must be a list: write \['org:teams:manage'\]"),
        ({"permissions": ["org:sys_memberships:read"]}, "system permissions, which no session token holds"),
        ({"org_role": "admin"}, "org_role: .*called org:NAME, such as 'org:admin'; 'admin' is none"),
        ({"org_role": ""}, "org_role: "),
        ({"org_id": ""}, "org_id: must be a text such as 'org_acme', not ''"),
        ({"org_slug": 1}, "org_slug: must be a text such as 'acme', not 1"),
        ({"features": ["team:export"]}, "features: 'team:export' must be .*'org:export' or 'user:export'"),
        ({"features": "export"}, "features: must be a list"),
        ({"plan": "org:"}, "plan: 'org:' must be a name such as 'pro'"),
        ({"plan": ["pro"]}, "plan: "),
        ({"user_id": ""}, "user_id: must be a text such as 'user_test', not ''"),
        ({"user_id": 7}, "user_id: .*, not 7"),
    ],
)
def test_a_mistake_is_named_and_explained(signer: SessionSigner, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        signer.sign(**({"user_id": "user_1"} | given))


def test_it_needs_no_web_framework() -> None:
    script = "import sys, clerk_middleware.testing; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert {"starlette", "fastapi", "django", "httpx", "clerk_middleware.local"}.isdisjoint(
        result.stdout.split()
    )
