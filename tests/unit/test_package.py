"""The package as a whole: its public names, and what importing it costs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import clerk_middleware

#: Every name that an application may import from `clerk_middleware` itself.
PUBLIC = {
    "APIKeyAuth",
    "AcceptsToken",
    "Answer",
    "AsyncAuthenticator",
    "Auth",
    "AuthRedirects",
    "Authenticator",
    "AuthorizationError",
    "BackendAPIError",
    "CSP",
    "ClerkConfig",
    "ClerkError",
    "ClerkRequest",
    "ConfigurationError",
    "FrontendAPIProxy",
    "HandshakeError",
    "InsufficientScope",
    "M2MAuth",
    "MachineAuth",
    "MemoryWebhookStore",
    "NotAuthenticated",
    "NotAuthorized",
    "OAuthAccessToken",
    "OAuthAuth",
    "PublishableKey",
    "RequestState",
    "ReverificationRequired",
    "RouteMatcher",
    "SessionAuth",
    "SignedOut",
    "TokenType",
    "TokenVerificationError",
    "WebhookEvent",
    "WebhookReceiver",
    "WebhookStore",
    "WebhookVerificationError",
    "__version__",
    "verify_webhook",
}


def test_the_public_names_are_these() -> None:
    assert set(clerk_middleware.__all__) == PUBLIC
    assert len(clerk_middleware.__all__) == len(PUBLIC)


def test_every_public_name_is_there_and_documented() -> None:
    for name in PUBLIC - {"AcceptsToken", "TokenType", "__version__"}:
        assert getattr(clerk_middleware, name).__doc__, name


def test_nothing_else_looks_public() -> None:
    modules = {path.stem for path in Path(clerk_middleware.__file__).parent.iterdir()}
    names = {name for name in vars(clerk_middleware) if not name.startswith("_")}
    assert names - modules - {"annotations", "TYPE_CHECKING"} <= PUBLIC


def test_what_webhooks_need_is_imported_with_the_first_of_their_names() -> None:
    from clerk_middleware import WebhookReceiver, verify_webhook

    assert WebhookReceiver is clerk_middleware.webhooks.WebhookReceiver
    assert verify_webhook is clerk_middleware.webhooks.verify_webhook
    with pytest.raises(AttributeError, match="'clerk_middleware' has no attribute 'WebhookReciever'"):
        _ = clerk_middleware.WebhookReciever  # type: ignore[attr-defined]


def test_the_version_is_the_distributions() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", clerk_middleware.__version__)
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    declared = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    assert declared.get("version", clerk_middleware.__version__) == clerk_middleware.__version__


@pytest.mark.parametrize(
    "module",
    [
        "httpx",
        "jwt",
        "starlette",
        "fastapi",
        "anyio",
        "asyncio",
        "urllib.request",
        "clerk_backend_api",
        "pydantic",
        "clerk_middleware.proxy.asgi",
        "clerk_middleware.webhooks",
    ],
)
def test_importing_it_imports_no(module: str, imported: set[str]) -> None:
    assert module not in imported


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules that a fresh process has, once it has imported the package."""
    script = "import sys, clerk_middleware; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    modules = set(result.stdout.split())
    assert "clerk_middleware" in modules
    return modules


def test_it_is_typed() -> None:
    assert (Path(clerk_middleware.__file__).parent / "py.typed").exists()
