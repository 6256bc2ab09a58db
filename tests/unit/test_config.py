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
