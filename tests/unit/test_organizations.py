"""Activating the organization that a path belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from clerk_middleware import ClerkConfig

from .conftest import Decide
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]

ACME = {"o": {"id": "org_1", "slg": "acme", "rol": "admin"}}
MISMATCH = "active-organization-mismatch"


@pytest.fixture
def visit(decide: Decide, config: MakeConfig, issuer: Issuer) -> Callable[..., Any]:
    """A signed-in GET of a path."""

    def get(path: str, claims: dict[str, Any], cookies: dict[str, str] | None = None, **request: Any) -> Any:
        routes = config(
            organization_patterns=["/orgs/:slug?", "/orgs/:slug/(.*)", "/o/:id", "/both/:id"],
            personal_account_patterns=["/me", "/both/(.*)", "/orgs"],
        )
        own = {"__session": issuer.token(**claims), "__client_uat": str(NOW - 100)}
        return decide(routes, f"https://app.example.com{path}", cookies=own | (cookies or {}), **request)

    return get


@pytest.mark.parametrize(
    ("path", "claims", "asked"),
    [
        ("/orgs/acme", ACME, None),
        ("/orgs/acme/settings", ACME, None),
        ("/o/org_1", ACME, None),
        ("/me", {}, None),
        ("/elsewhere", ACME, None),
        ("/orgs/other", ACME, "other"),
        ("/orgs/acme", {}, "acme"),
        ("/o/org_2", ACME, "org_2"),
        ("/both/org_2", ACME, "org_2"),
        ("/me", ACME, ""),
        ("/orgs", ACME, ""),
    ],
)
def test_the_path_decides(path: str, claims: dict[str, Any], asked: str | None, visit: Any) -> None:
    state = visit(path, claims)
    if asked is None:
        assert state.is_authenticated
    else:
        assert (state.status, state.reason) == ("handshake", MISMATCH)
        query = parse_qs(urlsplit(state.location).query, keep_blank_values=True)
        assert query["organization_id"] == [asked]


def test_every_handshake_of_such_a_path_names_the_organization(visit: Any) -> None:
    state = visit("/orgs/acme", {"exp": NOW - 60})
    assert state.reason.startswith("session-token-expired")
    assert parse_qs(urlsplit(state.location).query)["organization_id"] == ["acme"]


def test_a_pending_session_is_left_alone(visit: Any) -> None:
    assert visit("/orgs/other", ACME | {"sts": "pending"}).is_authenticated


@pytest.mark.parametrize("request_", [{"method": "POST"}, {"headers": {"sec-fetch-dest": "empty"}}], ids=str)
def test_what_cannot_be_redirected_goes_on(request_: dict[str, Any], visit: Any) -> None:
    assert visit("/orgs/other", ACME, **request_).is_authenticated


def test_what_cannot_be_activated_goes_on_with_a_word_in_the_log(
    visit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert visit("/orgs/other", ACME, {"__clerk_redirect_count": "3"}).is_authenticated
    assert [record for record in caplog.records if "could not be activated" in record.getMessage()]
