"""`ClerkConfig`: what it takes, what it refuses and how it says so, and what it never shows."""

from __future__ import annotations

import pickle
import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from clerk_middleware import Authenticator, ClerkConfig, ConfigurationError

from .conftest import DEVELOPMENT, PRODUCTION
from .issuer import Issuer, rsa_key

SECRET = "sk_test_4ea5f6c7d8"

#: Options that are wrong, the option that is named, and words that the message must have.
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "secret-key-empty": ({"secret_key": ""}, "secret_key", "is empty.*Dashboard.*None"),
    "secret-key-blank": ({"secret_key": "  "}, "secret_key", "is empty"),
    "secret-key-with-newline": ({"secret_key": f"{SECRET}\n"}, "secret_key", "white space.*Dashboard"),
    "secret-key-not-ascii": ({"secret_key": f"{SECRET}é"}, "secret_key", "no key has"),
    "secret-key-with-nul": ({"secret_key": f"{SECRET}\0"}, "secret_key", "no key has"),
    "secret-key-of-another-kind": ({"secret_key": "abc4ea5f6"}, "secret_key", "'sk_test_' nor 'sk_live_'"),
    "secret-key-is-the-publishable": (
        {"secret_key": DEVELOPMENT["publishable_key"]},
        "secret_key",
        "looks like the publishable key",
    ),
    "secret-key-is-bytes": ({"secret_key": SECRET.encode()}, "secret_key", "must be text.*bytes"),
    "secret-key-is-a-number": ({"secret_key": 7}, "secret_key", "must be text.*int"),
    "machine-secret-key-empty": ({"machine_secret_key": ""}, "machine_secret_key", "is empty"),
    "machine-secret-key-with-space": ({"machine_secret_key": "ak x"}, "machine_secret_key", "white space"),
    "publishable-key-empty": ({"publishable_key": ""}, "publishable_key", "is empty"),
    "publishable-key-is-the-secret": (
        {"publishable_key": SECRET},
        "publishable_key",
        "looks like the secret",
    ),
    "publishable-key-cut-off": (
        {"publishable_key": "pk_test_YXBw"},
        "publishable_key",
        "part of it is missing",
    ),
    "publishable-key-no-base64": ({"publishable_key": "pk_test_???"}, "publishable_key", "not base64"),
    "publishable-key-of-production": (
        {"publishable_key": PRODUCTION["publishable_key"]},
        "secret_key",
        "development instance, but publishable_key is of a production",
    ),
    "jwt-key-empty": ({"jwt_key": " "}, "jwt_key", "is empty"),
    "api-url-with-a-version": ({"api_url": "https://api.clerk.com/v1"}, "api_url", "leave it out"),
    "jwt-key-is-another-key": ({"jwt_key": "sk_test_x"}, "jwt_key", "is another key"),
    "jwt-key-no-pem": ({"jwt_key": "certainly no key"}, "jwt_key", "BEGIN PUBLIC KEY.*JWKS Public Key"),
    "jwt-key-not-ascii": ({"jwt_key": "ключ"}, "jwt_key", "no public key in PEM"),
    "skew-negative": ({"clock_skew_in_ms": -1}, "clock_skew_in_ms", "milliseconds from 0"),
    "skew-over-a-day": ({"clock_skew_in_ms": 86_400_001}, "clock_skew_in_ms", "one day"),
    "skew-nan": ({"clock_skew_in_ms": float("nan")}, "clock_skew_in_ms", "number of milliseconds"),
    "skew-bool": ({"clock_skew_in_ms": True}, "clock_skew_in_ms", "is True"),
    "skew-text": ({"clock_skew_in_ms": "5000"}, "clock_skew_in_ms", "is '5000'"),
    "parties-is-a-text": (
        {"authorized_parties": "https://a.example"},
        "authorized_parties",
        r"write \[\.\.\.\]",
    ),
    "parties-is-a-number": ({"authorized_parties": 7}, "authorized_parties", "list of texts.*int"),
    "parties-holds-a-number": ({"authorized_parties": [7]}, "authorized_parties", "texts only.*int"),
    "parties-holds-a-host": ({"authorized_parties": ["a.example"]}, "authorized_parties", "Write an origin"),
    "parties-holds-a-url": (
        {"authorized_parties": ["https://a.example/"]},
        "authorized_parties",
        "Write it as browsers send it: 'https://a.example'",
    ),
    "parties-holds-a-wildcard": (
        {"authorized_parties": ["https://*.a.example"]},
        "authorized_parties",
        "no origin",
    ),
    "parties-holds-an-empty-text": ({"authorized_parties": [""]}, "authorized_parties", "no origin"),
    "audience-is-a-number": ({"audience": 7}, "audience", "list of texts"),
    "accepts-token-unknown": ({"accepts_token": "jwt"}, "accepts_token", "'session_token', 'api_key'.*'jwt'"),
    "accepts-token-empty-list": ({"accepts_token": []}, "accepts_token", "must be one of"),
    "accepts-token-list-with-any": ({"accepts_token": ["any"]}, "accepts_token", "must be one of"),
    "accepts-token-list-of-lists": ({"accepts_token": [["api_key"]]}, "accepts_token", "must be one of"),
    "accepts-token-none": ({"accepts_token": None}, "accepts_token", "must be one of"),
    "flag-is-a-text": ({"is_satellite": "true"}, "is_satellite", "True or False, but is 'true'"),
    "flag-is-none": ({"trust_forwarded_headers": None}, "trust_forwarded_headers", "True or False"),
    "flag-is-a-number": ({"satellite_auto_sync": 1}, "satellite_auto_sync", "True or False"),
    "domain-is-a-url": ({"domain": "https://a.example"}, "domain", "Leave out 'https://'"),
    "domain-empty": ({"domain": ""}, "domain", "host name"),
    "domain-is-a-number": ({"domain": 7}, "domain", "host name"),
    "sign-in-url-relative": ({"sign_in_url": "sign-in"}, "sign_in_url", "a path such as '/path'"),
    "sign-in-url-javascript": ({"sign_in_url": "javascript:alert(1)"}, "sign_in_url", "must be a URL"),
    "sign-in-url-other-host": ({"sign_in_url": "//evil.example"}, "sign_in_url", "must be a URL"),
    "sign-in-url-backslash": ({"sign_in_url": "/\\evil.example"}, "sign_in_url", "must be a URL"),
    "sign-up-url-is-a-number": ({"sign_up_url": 7}, "sign_up_url", "must be a URL"),
    "proxy-url-relative": ({"proxy_url": "__clerk"}, "proxy_url", "must be a URL"),
    "api-url-no-url": ({"api_url": "api.clerk.com"}, "api_url", "such as 'https://api.clerk.com'"),
    "api-url-with-query": ({"api_url": "https://api.clerk.com?x=1"}, "api_url", "must be a URL"),
    "api-url-none": ({"api_url": None}, "api_url", "must be a URL"),
    "organization-pattern-no-organization": (
        {"organization_patterns": ["/orgs/(.*)"]},
        "organization_patterns",
        "use ':id' or ':slug'",
    ),
    "organization-pattern-invalid": (
        {"organization_patterns": ["/:id("]},
        "organization_patterns",
        "never closed",
    ),
    "organization-patterns-is-a-text": ({"organization_patterns": "/:id"}, "organization_patterns", "a list"),
    "personal-pattern-relative": (
        {"personal_account_patterns": ["me"]},
        "personal_account_patterns",
        "starts with '/'",
    ),
    "satellite-without-domain": ({"is_satellite": True}, "is_satellite", "needs domain.*or proxy_url"),
    "development-satellite-without-sign-in-url": (
        {"is_satellite": True, "domain": "sat.example"},
        "sign_in_url",
        "primary application's",
    ),
    "development-satellite-signs-in-on-itself": (
        {"is_satellite": True, "domain": "sat.example", "sign_in_url": "https://SAT.example/sign-in"},
        "sign_in_url",
        "on this satellite itself",
    ),
    "api-version-none": ({"api_version": None}, "api_version", "api_version"),
    "api-version-list": ({"api_version": []}, "api_version", "api_version"),
    "api-version-traversal": ({"api_version": ".."}, "api_version", "api_version"),
    "ttl-negative": ({"opaque_token_ttl_in_ms": -1}, "opaque_token_ttl_in_ms", "milliseconds from 0"),
    "ttl-over-a-day": ({"opaque_token_ttl_in_ms": 86_400_001}, "opaque_token_ttl_in_ms", "to one day"),
    "ttl-bool": ({"opaque_token_ttl_in_ms": True}, "opaque_token_ttl_in_ms", "is True"),
    "ttl-nan": ({"opaque_token_ttl_in_ms": float("nan")}, "opaque_token_ttl_in_ms", "number of milliseconds"),
    "ttl-text": ({"opaque_token_ttl_in_ms": "10000"}, "opaque_token_ttl_in_ms", "is '10000'"),
    "ttl-none": ({"opaque_token_ttl_in_ms": None}, "opaque_token_ttl_in_ms", "is None"),
    "machine-id-is-a-name": (
        {"machine_id": "tracking"},
        "machine_id",
        "starts with 'mch_'.*'tracking'.*Machines",
    ),
    "machine-id-empty": ({"machine_id": ""}, "machine_id", "starts with 'mch_'"),
    "machine-id-bare": ({"machine_id": "mch_"}, "machine_id", "starts with 'mch_'"),
    "machine-id-with-space": ({"machine_id": "mch_1 "}, "machine_id", "starts with 'mch_'"),
    "machine-id-with-newline": ({"machine_id": "mch_1\n"}, "machine_id", "starts with 'mch_'"),
    "machine-id-with-more": ({"machine_id": "mch_1 mch_2"}, "machine_id", "starts with 'mch_'"),
    "machine-id-too-long": ({"machine_id": "mch_" + "x" * 251}, "machine_id", "starts with 'mch_'"),
    "machine-id-is-a-number": ({"machine_id": 7}, "machine_id", "starts with 'mch_'.*7"),
    "machine-id-is-a-list": ({"machine_id": ["mch_1"]}, "machine_id", "starts with 'mch_'"),
    "machine-id-is-the-secret-key": ({"machine_id": "ak_4ea5f6c7d8"}, "machine_id", "is a secret key"),
    "resources-is-a-text": ({"oauth_resources": "/mcp"}, "oauth_resources", "write"),
    "resources-holds-a-number": ({"oauth_resources": [7]}, "oauth_resources", "texts only.*int"),
    **{
        f"resources-{path}": (
            {"oauth_resources": [path]},
            "oauth_resources",
            "no path of this application: write '/mcp'",
        )
        for path in (
            "",
            "mcp",
            "//mcp",
            "/mcp//x",
            "/../mcp",
            "/mcp/..",
            "/./mcp",
            "/mcp?x",
            "/mcp#x",
            "/%6dcp",
            "/mcp/:id",
            "/mcp/(.*)",
            "/caf\u00e9",
            "/my files",
            "/mcp\n",
            '/"',
            "https://app.example.com/mcp",
        )
    },
    "scopes-is-a-text": ({"oauth_scopes": "read:loads"}, "oauth_scopes", "write"),
    **{
        f"scopes-{scope}": ({"oauth_scopes": [scope]}, "oauth_scopes", "is no scope: .*'read:loads'")
        for scope in ("", " ", "a b", 'a"', "a\\b", "\u00e9", "a\n", "\x7f")
    },
    "pattern-overflow": (
        {"personal_account_patterns": ["/(a{99999999999999999999})"]},
        "personal_account_patterns",
        "not valid",
    ),
}


@pytest.mark.parametrize(("options", "named", "words"), WRONG.values(), ids=WRONG.keys())
def test_says_what_is_wrong_and_names_the_option(options: dict[str, Any], named: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        ClerkConfig(**(DEVELOPMENT | options))

    assert refused.value.option == named
    assert str(refused.value).startswith(refused.value.source or "")


@pytest.mark.parametrize(("options", "_named", "_words"), WRONG.values(), ids=WRONG.keys())
def test_no_message_shows_a_secret(options: dict[str, Any], _named: str, _words: str) -> None:
    secrets = {"secret_key": "sk_test_4ea5f6c7d8", "machine_secret_key": "ak_4ea5f6c7d8"}
    with pytest.raises(ConfigurationError) as refused:
        ClerkConfig(**(DEVELOPMENT | secrets | options))

    error = refused.value
    assert "4ea5f6" not in f"{error!s}{error!r}{error.problem}{error.source}{vars(error)}"


def test_needs_a_key_to_verify_with() -> None:
    with pytest.raises(ConfigurationError, match=r"CLERK_SECRET_KEY.*CLERK_JWT_KEY.*Dashboard") as refused:
        ClerkConfig()
    assert (refused.value.option, refused.value.source) == ("secret_key", None)


def test_m2m_tokens_need_a_key_of_their_own() -> None:
    with pytest.raises(ConfigurationError, match=r"CLERK_MACHINE_SECRET_KEY.*CLERK_SECRET_KEY"):
        ClerkConfig(accepts_token="m2m_token")
    assert ClerkConfig(accepts_token="m2m_token", machine_secret_key="ak_machine").secret_key is None


@pytest.mark.parametrize("accepts", ["m2m_token", ["m2m_token"], ("m2m_token",)], ids=str)
def test_a_machines_own_key_is_enough_for_them(accepts: Any) -> None:
    assert ClerkConfig(machine_secret_key="ak_machine", accepts_token=accepts).m2m_key == "ak_machine"


@pytest.mark.parametrize("accepts", ["session_token", "any", ["m2m_token", "oauth_token"]], ids=str)
def test_but_not_for_others(accepts: Any) -> None:
    with pytest.raises(ConfigurationError, match="If M2M tokens alone are, set accepts_token='m2m_token'"):
        ClerkConfig(machine_secret_key="ak_machine", accepts_token=accepts)


def test_resources_of_an_application_without_oauth_tokens_are_allowed() -> None:
    """It is warned of: test_authenticator."""
    Authenticator(ClerkConfig(**PRODUCTION, oauth_resources=["/mcp"], accepts_token="api_key")).close()


@pytest.mark.parametrize("key", ["sk_test_mine", "sk_live_mine", "pk_test_mine"])
def test_the_instances_key_is_no_machines(key: str) -> None:
    with pytest.raises(ConfigurationError, match="is a key of the instance: a machine's starts with") as told:
        ClerkConfig(secret_key="sk_test_x", machine_secret_key=key)
    assert told.value.option == "machine_secret_key"
    assert "mine" not in str(told.value)


def test_a_private_key_as_jwt_key_is_refused_and_not_shown() -> None:
    pem = rsa_key("instance").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ConfigurationError, match="is a private key") as refused:
        ClerkConfig(jwt_key=pem)
    assert pem.splitlines()[1] not in str(refused.value)


@pytest.mark.parametrize("bits", [1024, 1536])
def test_a_weak_jwt_key_is_refused(bits: int) -> None:
    key = rsa_key(f"weak {bits}", bits).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ConfigurationError, match="at least 2048 bits"):
        ClerkConfig(jwt_key=pem)


def test_an_elliptic_jwt_key_is_refused() -> None:
    key = generate_private_key(SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ConfigurationError, match="no RSA public key"):
        ClerkConfig(jwt_key=pem)


@pytest.mark.parametrize(
    "mangle",
    [
        lambda pem: pem,
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", ""),
        lambda pem: pem.replace("\n", " "),
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: f"\n  {pem}  \n",
        lambda pem: "".join(pem.splitlines()[1:-1]),
    ],
    ids=["as it is", "escaped", "one line", "spaces", "CRLF", "indented", "bare"],
)
def test_a_jwt_key_survives_what_env_files_do_to_it(mangle: Any, issuer: Issuer) -> None:
    key = ClerkConfig(jwt_key=mangle(issuer.pem)).verification_key
    assert key == issuer.private.public_key()


def test_is_frozen_keyword_only_and_comparable() -> None:
    config = ClerkConfig(**DEVELOPMENT, authorized_parties=["https://a.example"])
    with pytest.raises(FrozenInstanceError):
        config.secret_key = "sk_test_other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        ClerkConfig("sk_test_x")  # type: ignore[misc]
    same = ClerkConfig(**DEVELOPMENT, authorized_parties=("https://a.example",))
    assert config == same
    assert hash(config) == hash(same)
    assert config != ClerkConfig(**DEVELOPMENT)


def test_lists_become_immutable() -> None:
    parties = ["https://a.example"]
    config = ClerkConfig(
        **DEVELOPMENT, authorized_parties=parties, accepts_token=["session_token", "api_key"]
    )
    parties.append("https://evil.example")
    assert config.authorized_parties == ("https://a.example",)
    assert config.accepts_token == ("session_token", "api_key")


@pytest.mark.parametrize(
    "party", ["https://a.example", "http://localhost:3000", "http://[::1]:3000", "chrome-extension://abcdef"]
)
def test_accepts_every_kind_of_origin(party: str) -> None:
    assert ClerkConfig(**DEVELOPMENT, authorized_parties=[party]).parties == {party}


def test_an_audience_may_be_one_text() -> None:
    assert ClerkConfig(**DEVELOPMENT, audience="api").audiences == {"api"}
    assert ClerkConfig(**DEVELOPMENT, audience=["api", "web"]).audiences == {"api", "web"}
    assert ClerkConfig(**DEVELOPMENT).audiences == frozenset()


def test_an_api_url_loses_its_slash() -> None:
    assert ClerkConfig(**DEVELOPMENT, api_url="http://localhost:8080/").api_url == "http://localhost:8080"


def test_repr_shows_no_secret(issuer: Issuer) -> None:
    config = ClerkConfig(
        **DEVELOPMENT, machine_secret_key="ak_machinesecret", jwt_key=issuer.pem, domain="sat.example"
    )
    assert "sat.example" in repr(config)
    assert not re.search("developmentsecret|machinesecret|PUBLIC KEY", repr(config))


@pytest.mark.parametrize(
    ("keys", "is_development"),
    [
        (DEVELOPMENT, True),
        (PRODUCTION, False),
        ({"secret_key": "sk_test_x"}, True),
        ({"secret_key": "test_x"}, True),
        ({"secret_key": "sk_live_x"}, False),
        ({"secret_key": "live_x"}, False),
    ],
)
def test_knows_its_instance_type(keys: dict[str, str], is_development: bool) -> None:
    assert ClerkConfig(**keys).is_development is is_development


def test_what_is_computed_is_documented_and_computed_once() -> None:
    config = ClerkConfig(**DEVELOPMENT)
    assert config.parties is config.parties
    assert config.clock_skew == 5.0
    assert ClerkConfig.clock_skew.__doc__


def test_a_jwt_key_alone_tells_no_instance_type(issuer: Issuer) -> None:
    assert ClerkConfig(jwt_key=issuer.pem).is_development is False


# --- Machines and OAuth clients --------------------------------------------------------------------------


def test_what_machines_need_has_defaults() -> None:
    config = ClerkConfig(**DEVELOPMENT)
    assert (config.machine_id, config.machine_secret_key, config.opaque_token_ttl) == (None, None, 10.0)
    assert (config.oauth_resources, config.oauth_scopes) == ((), ("profile", "email"))


@pytest.mark.parametrize(
    ("in_ms", "seconds"), [(0, 0.0), (1, 0.001), (2500.5, 2.5005), (86_400_000, 86_400.0)]
)
def test_a_ttl_in_milliseconds(in_ms: float, seconds: float) -> None:
    assert ClerkConfig(**DEVELOPMENT, opaque_token_ttl_in_ms=in_ms).opaque_token_ttl == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize("machine_id", ["mch_1", "mch_2bXAeP_-", "mch_" + "x" * 250])
def test_a_machines_id(machine_id: str) -> None:
    assert ClerkConfig(**DEVELOPMENT, machine_id=machine_id).machine_id == machine_id


def test_resources_are_paths_each_once() -> None:
    given = ["/mcp/", "/mcp", "/", "/a/b-c.d_e~f/", "/.hidden", "/...", "/mcp///", "//"]
    config = ClerkConfig(**DEVELOPMENT, oauth_resources=given)
    assert config.oauth_resources == ("/mcp", "/", "/a/b-c.d_e~f", "/.hidden", "/...")


def test_resources_need_to_know_where_clients_get_their_tokens() -> None:
    with pytest.raises(
        ConfigurationError, match=r"needs publishable_key \(CLERK_PUBLISHABLE_KEY\)"
    ) as refused:
        ClerkConfig(secret_key="sk_test_x", oauth_resources=["/mcp"])
    assert refused.value.option == "oauth_resources"


def test_a_scope_may_be_any_word() -> None:
    scopes = ["a", "read:loads", "https://example.com/scope", "!#[]~", "org:a:b"]
    assert ClerkConfig(**DEVELOPMENT, oauth_scopes=scopes).oauth_scopes == tuple(scopes)


@pytest.mark.parametrize("accepts", ["api_key", ["api_key"], ["session_token", "api_key"]], ids=str)
def test_api_keys_need_a_secret_key(accepts: Any, issuer: Issuer) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"only Clerk can verify API keys.*secret_key \(CLERK_SECRET_KEY\).*Dashboard",
    ) as refused:
        ClerkConfig(jwt_key=issuer.pem, accepts_token=accepts)
    assert refused.value.option == "secret_key"
    ClerkConfig(secret_key="sk_test_x", accepts_token=accepts)


@pytest.mark.parametrize("accepts", ["any", "session_token", ["m2m_token", "oauth_token"]], ids=str)
def test_what_may_be_a_jwt_needs_none(accepts: Any, issuer: Issuer) -> None:
    assert ClerkConfig(jwt_key=issuer.pem, accepts_token=accepts).secret_key is None


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"secret_key": "sk_test_x"}, "sk_test_x"),
        ({"secret_key": "sk_test_x", "machine_secret_key": "ak_m"}, "ak_m"),
        ({"accepts_token": "m2m_token", "machine_secret_key": "ak_m"}, "ak_m"),
    ],
)
def test_which_key_verifies_m2m_tokens(options: Any, key: str) -> None:
    assert ClerkConfig(**options).m2m_key == key


# --- The environment -----------------------------------------------------------------------------------


def test_from_env_reads_every_option() -> None:
    config = ClerkConfig.from_env(
        {
            "CLERK_SECRET_KEY": " sk_test_developmentsecret ",
            "CLERK_PUBLISHABLE_KEY": DEVELOPMENT["publishable_key"],
            "CLERK_AUTHORIZED_PARTIES": "https://a.example, http://localhost:3000,",
            "CLERK_AUDIENCE": "api",
            "CLERK_CLOCK_SKEW_IN_MS": "2500",
            "CLERK_ACCEPTS_TOKEN": "session_token, m2m_token",
            "CLERK_IS_SATELLITE": "True",
            "CLERK_SATELLITE_AUTO_SYNC": "on",
            "CLERK_TRUST_FORWARDED_HEADERS": "0",
            "CLERK_DOMAIN": "sat.example",
            "CLERK_SIGN_IN_URL": "https://primary.example/sign-in",
            "CLERK_ORGANIZATION_PATTERNS": "/orgs/:slug,/orgs/:slug/(.*)",
            "CLERK_API_URL": "http://localhost:8080",
            "CLERK_MACHINE_SECRET_KEY": "ak_machine",
            "CLERK_MACHINE_ID": "mch_9",
            "CLERK_OPAQUE_TOKEN_TTL_IN_MS": "0",
            "CLERK_OAUTH_RESOURCES": "/mcp, /api/,/",
            "CLERK_OAUTH_SCOPES": "read:loads,write:loads",
            "CLERK_JWT_KEY": "",
            "OTHER": "x",
        }
    )
    assert config == ClerkConfig(
        **DEVELOPMENT,
        authorized_parties=["https://a.example", "http://localhost:3000"],
        audience=["api"],
        clock_skew_in_ms=2500,
        accepts_token=["session_token", "m2m_token"],
        is_satellite=True,
        satellite_auto_sync=True,
        domain="sat.example",
        sign_in_url="https://primary.example/sign-in",
        organization_patterns=["/orgs/:slug", "/orgs/:slug/(.*)"],
        api_url="http://localhost:8080",
        machine_secret_key="ak_machine",
        machine_id="mch_9",
        opaque_token_ttl_in_ms=0,
        oauth_resources=["/mcp", "/api", "/"],
        oauth_scopes=["read:loads", "write:loads"],
    )


def test_from_env_reads_the_process_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_ofthisprocess")
    monkeypatch.delenv("CLERK_PUBLISHABLE_KEY", raising=False)
    assert ClerkConfig.from_env().secret_key == "sk_test_ofthisprocess"


def test_overrides_win_over_the_environment() -> None:
    environ = {"CLERK_SECRET_KEY": "sk_test_x", "CLERK_CLOCK_SKEW_IN_MS": "nonsense"}
    config = ClerkConfig.from_env(environ, clock_skew_in_ms=0, accepts_token="any")
    assert (config.secret_key, config.clock_skew_in_ms, config.accepts_token) == ("sk_test_x", 0, "any")


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("CLERK_SECRET_KEY", "oops", "'sk_test_' nor 'sk_live_'"),
        ("CLERK_PUBLISHABLE_KEY", "oops", "no publishable key"),
        ("CLERK_JWT_KEY", "oops", "no public key"),
        ("CLERK_CLOCK_SKEW_IN_MS", "5s", "whole number of milliseconds, but is '5s'"),
        ("CLERK_CLOCK_SKEW_IN_MS", "99999999999", "one day"),
        ("CLERK_CLOCK_SKEW_IN_MS", "9" * 5000, "milliseconds"),
        ("CLERK_IS_SATELLITE", "maybe", "true or false, but is 'maybe'"),
        ("CLERK_AUTHORIZED_PARTIES", "a.example", "no origin"),
        ("CLERK_ACCEPTS_TOKEN", "jwt", "must be one of"),
        ("CLERK_DOMAIN", "https://a.example", "host name"),
        ("CLERK_ACCEPTS_TOKEN", "session_token, jwt", "must be one of"),
        ("CLERK_MACHINE_ID", "tracking", "starts with 'mch_'"),
        ("CLERK_MACHINE_SECRET_KEY", "ak x", "white space"),
        ("CLERK_OPAQUE_TOKEN_TTL_IN_MS", "10s", "whole number of milliseconds, but is '10s'"),
        ("CLERK_OPAQUE_TOKEN_TTL_IN_MS", "86400001", "one day"),
        ("CLERK_OAUTH_RESOURCES", "mcp", "no path of this application"),
        ("CLERK_OAUTH_RESOURCES", "/mcp", "needs publishable_key"),
        ("CLERK_OAUTH_SCOPES", "read:loads write:loads", "no scope"),
    ],
    ids=str,
)
def test_an_error_names_the_variable(variable: str, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        ClerkConfig.from_env({"CLERK_SECRET_KEY": "sk_test_x", variable: text})

    assert refused.value.source == f"the environment variable {variable}"
    assert str(refused.value).startswith(f"the environment variable {variable}: ")


def test_an_error_of_an_override_names_no_variable() -> None:
    with pytest.raises(ConfigurationError) as refused:
        ClerkConfig.from_env({"CLERK_SECRET_KEY": "sk_test_x"}, domain="https://a.example")
    assert refused.value.source == "domain"


def test_an_empty_environment_says_which_variables_to_set() -> None:
    with pytest.raises(ConfigurationError, match="CLERK_SECRET_KEY"):
        ClerkConfig.from_env({})


def test_a_live_secret_key_is_not_sent_in_plain_text() -> None:
    live = {"secret_key": "sk_live_" + "x" * 42}
    with pytest.raises(ConfigurationError, match="use https://") as refused:
        ClerkConfig(**live, api_url="http://clerk.internal:5400")
    assert refused.value.option == "api_url"
    for url in (
        "http://localhost:5400",
        "http://127.0.0.1:5400/clerk",
        "http://[::1]",
        "https://clerk.internal",
    ):
        assert ClerkConfig(**live, api_url=url).api_url == url
    with pytest.raises(ConfigurationError):
        ClerkConfig(**live, api_url="http://localhost.evil.example")
    assert ClerkConfig(secret_key="sk_test_x", api_url="http://clerk:5400").api_url == "http://clerk:5400"


def test_a_configuration_can_be_pickled() -> None:
    public = rsa_key("instance").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    config = ClerkConfig(secret_key="sk_test_x", jwt_key=pem, authorized_parties=["https://a.example"])
    copied = pickle.loads(pickle.dumps(config))  # noqa: S301
    assert copied == config
    assert copied.verification_key == config.verification_key


@pytest.mark.parametrize(
    ("party", "remedy"),
    [
        ("https://A.example", "'https://a.example'"),
        ("https://a.example:443", "'https://a.example'"),
        ("http://localhost:*", "no wildcards"),
        ("https://bücher.example", "ASCII form"),
        ("http://a.example https://b.example", "separated by commas"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(party: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=remedy):
        ClerkConfig(secret_key="sk_test_x", authorized_parties=[party])


@pytest.mark.parametrize("option", ["domain", "sign_in_url", "api_url", "api_version", "accepts_token"])
def test_a_secret_in_the_wrong_place_is_not_shown(option: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ClerkConfig(secret_key="sk_test_x", **{option: "sk_live_secret and more"})
    assert "sk_live" not in str(refused.value)


@pytest.mark.parametrize("uncalled", [ClerkConfig, ClerkConfig.from_env])
def test_a_configuration_that_is_not_called_is_told(uncalled: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"write config=ClerkConfig\.from_env\(\)"):
        Authenticator(uncalled)
