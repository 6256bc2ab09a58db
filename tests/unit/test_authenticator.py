"""What authenticators do beside deciding: which configuration serves, and which words go to the log."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from clerk_middleware import (
    AsyncAuthenticator,
    Authenticator,
    ClerkConfig,
    ClerkError,
    ClerkRequest,
    ConfigurationError,
    RequestState,
)

from .backend import CannedBackend, error
from .conftest import PRODUCTION
from .issuer import NOW, Issuer
from .machines import Clock

MakeConfig = Callable[..., ClerkConfig]
REQUEST = ClerkRequest("GET", "https://app.example.com/")


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# --- The configuration -----------------------------------------------------------------------------------


def test_the_default_is_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_environment")
    monkeypatch.delenv("CLERK_PUBLISHABLE_KEY", raising=False)
    for kind in (Authenticator, AsyncAuthenticator):
        assert kind().config_for(REQUEST).secret_key == "sk_test_environment"


def test_a_wrong_environment_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLERK_SECRET_KEY", "CLERK_JWT_KEY"):
        monkeypatch.delenv(name, raising=False)
    for kind in (Authenticator, AsyncAuthenticator):
        with pytest.raises(ConfigurationError, match="CLERK_SECRET_KEY"):
            kind()


@pytest.mark.parametrize("config", ["sk_test_x", 7, {}, [PRODUCTION]], ids=str)
def test_what_is_no_configuration_fails_at_once(config: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Authenticator(config)
    assert refused.value.option == "config"
    assert "sk_test_x" not in str(refused.value)


@pytest.mark.parametrize("returned", [None, "sk_test_x", PRODUCTION], ids=str)
def test_a_function_that_returns_none_says_so(returned: Any) -> None:
    with pytest.raises(ConfigurationError, match="returned no ClerkConfig") as refused:
        Authenticator(lambda _: returned).authenticate_request(REQUEST)
    assert refused.value.option == "config"


def test_a_function_of_the_request_serves_several_instances(issuer: Issuer, stranger: Issuer) -> None:
    configs = {
        "one.example": ClerkConfig(jwt_key=issuer.pem, authorized_parties=["https://one.example"]),
        "two.example": ClerkConfig(jwt_key=stranger.pem),
    }
    authenticator = Authenticator(lambda request: configs[request.url.host], clock=lambda: NOW)

    def status(host: str, token: str) -> str:
        request = ClerkRequest("GET", f"https://{host}/", {"authorization": f"Bearer {token}"})
        state = authenticator.authenticate_request(request)
        assert state.config is configs[host]
        return state.reason or state.status

    for _ in range(2):
        assert status("one.example", issuer.token(azp="https://one.example")) == "signed-in"
        assert status("one.example", issuer.token()) == "token-invalid-authorized-parties"
        assert status("one.example", stranger.token()) == "token-invalid-signature"
        assert status("two.example", stranger.token()) == "signed-in"
        assert status("two.example", issuer.token()) == "token-invalid-signature"


def test_what_the_function_raises_is_the_applications() -> None:
    def fail(_: ClerkRequest) -> ClerkConfig:
        raise LookupError("no such tenant")

    with pytest.raises(LookupError):
        Authenticator(fail).authenticate_request(REQUEST)


def test_verify_token_needs_one_configuration(issuer: Issuer) -> None:
    config = ClerkConfig(jwt_key=issuer.pem)
    with pytest.raises(ConfigurationError, match="config is a function of the request") as refused:
        Authenticator(lambda _: config).verify_token(issuer.token())
    assert refused.value.option == "config"


def test_a_context_manager_returns_itself(config: MakeConfig) -> None:
    with Authenticator(config()) as authenticator:
        assert authenticator.authenticate_request(REQUEST).status == "signed-out"

    async def use() -> None:
        async with AsyncAuthenticator(config()) as authenticator:
            assert (await authenticator.authenticate_request(REQUEST)).status == "signed-out"

    asyncio.run(use())


# --- The log ---------------------------------------------------------------------------------------------


WARN_ONCE = """
import logging
from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkConfig

logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
strict = ClerkConfig(secret_key="sk_test_x", authorized_parties=["https://app.example.com"])
lax = ClerkConfig(secret_key="sk_test_x")
Authenticator(strict)
Authenticator(lambda request: strict)
logging.warning("so far")
Authenticator(lax)
AsyncAuthenticator(lax)
Authenticator(lax)
"""


def test_missing_authorized_parties_are_warned_of_once_in_a_process() -> None:
    process = subprocess.run(
        [sys.executable, "-c", WARN_ONCE], capture_output=True, text=True, check=True, env={}
    )
    so_far, warning = process.stderr.splitlines()
    assert so_far == "WARNING root so far"
    assert warning.startswith("WARNING clerk_middleware")
    assert "CLERK_AUTHORIZED_PARTIES" in warning


@pytest.mark.parametrize(
    ("options", "is_warned_of"),
    [
        ("accepts_token='any'", True),
        ("accepts_token='m2m_token'", True),
        ("accepts_token=['api_key', 'm2m_token']", True),
        ("accepts_token='any', machine_id='mch_9'", False),
        ("accepts_token=['session_token', 'api_key', 'oauth_token']", False),
        ("", False),
    ],
)
def test_m2m_tokens_that_are_anybodys_are_warned_of(options: str, is_warned_of: bool) -> None:
    code = (
        "from clerk_middleware import Authenticator, ClerkConfig\n"
        f"config = ClerkConfig(secret_key='sk_test_x', authorized_parties=['https://a.example'], {options})\n"
        "Authenticator(config), Authenticator(config)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert ("CLERK_MACHINE_ID" in process.stderr) is is_warned_of
    assert len(process.stderr.splitlines()) == is_warned_of


@pytest.mark.parametrize(
    ("accepts", "is_warned_of"),
    [
        ("'session_token'", True),
        ("['session_token', 'api_key']", True),
        ("'oauth_token'", False),
        ("'any'", False),
    ],
)
def test_resources_without_oauth_tokens_are_warned_of(accepts: str, is_warned_of: bool) -> None:
    code = (
        "from clerk_middleware import Authenticator, ClerkConfig\n"
        "config = ClerkConfig(secret_key='sk_test_x', authorized_parties=['https://a.example'],\n"
        "    publishable_key='pk_test_YXBwYXJlbnQtd29sZi03LmNsZXJrLmFjY291bnRzLmRldiQ=',\n"
        f"    machine_id='mch_9', oauth_resources=['/mcp'], accepts_token={accepts})\n"
        "Authenticator(config), Authenticator(config)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert ("add oauth_token to accepts_token (CLERK_ACCEPTS_TOKEN)" in process.stderr) is is_warned_of
    assert len(process.stderr.splitlines()) == is_warned_of


def test_authorized_parties_are_of_no_use_where_no_sessions_are_accepted() -> None:
    code = (
        "from clerk_middleware import Authenticator, ClerkConfig\n"
        "Authenticator(ClerkConfig(secret_key='sk_test_x', accepts_token=['api_key', 'oauth_token']))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert process.stderr == ""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(401, "clerk_key_invalid"), "secret-key-invalid"),
        (error(500, "internal"), "jwk-remote-failed-to-load"),
    ],
    ids=["secret key", "no answer"],
)
def test_an_operational_failure_is_warned_of_once_a_minute(
    answer: Any,
    reason: str,
    backend: CannedBackend,
    issuer: Issuer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(1000.0)
    # The module's own: every event loop of this process goes by the other.
    monkeypatch.setattr("clerk_middleware.logging.time", SimpleNamespace(monotonic=clock))
    backend.on("GET /v1/jwks", answer)
    config = ClerkConfig(**PRODUCTION, authorized_parties=["https://app.example.com"])
    authenticator = Authenticator(config, transport=backend.transport, clock=lambda: NOW)
    request = ClerkRequest("GET", "https://a.example/", {"authorization": f"Bearer {issuer.token()}"})

    for later in (0.0, 1.0, 59.0):
        clock.now = 1000.0 + later
        assert authenticator.authenticate_request(request).reason == reason
    assert len(warnings_in(caplog)) == 1
    assert reason in warnings_in(caplog)[0]

    clock.now = 1060.0
    authenticator.authenticate_request(request)
    assert len(warnings_in(caplog)) == 2


def test_who_is_merely_signed_out_is_logged_for_debugging_only(
    config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "clerk_middleware")
    Authenticator(config(authorized_parties=["https://a.example"])).authenticate_request(REQUEST)
    assert warnings_in(caplog) == []
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith("Clerk: signed-out (session-token-and-uat-missing)")


def test_who_is_signed_in_is_not_logged(
    config: MakeConfig, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "clerk_middleware")
    authenticator = Authenticator(config(authorized_parties=["https://app.example.com"]), clock=lambda: NOW)
    request = ClerkRequest("GET", "https://a.example/", {"authorization": f"Bearer {issuer.token()}"})
    assert authenticator.authenticate_request(request).is_authenticated
    assert caplog.records == []


def test_an_error_of_ours_signs_out_and_is_logged(
    config: MakeConfig, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken_clock() -> Any:
        return "noon"

    request = ClerkRequest("GET", "https://a.example/", {"authorization": f"Bearer {issuer.token()}"})
    state = Authenticator(config(), clock=broken_clock).authenticate_request(request)
    assert (state.status, state.reason) == ("signed-out", "unexpected-error")
    assert "authenticating failed unexpectedly" in caplog.text
    assert issuer.token() not in caplog.text


def test_a_state_that_no_authenticator_made_knows_no_request() -> None:
    state = RequestState("signed-out", token_type="session_token", reason="token-invalid")
    assert state.to_auth().reason == "token-invalid"
    with pytest.raises(ClerkError, match="knows no request"):
        _ = state.request
