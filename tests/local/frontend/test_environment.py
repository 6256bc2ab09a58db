"""The environment that clerk-js and its components go by."""

from __future__ import annotations

from typing import Any

import pytest

from clerk_middleware.local import LocalClerk

from .conftest import seed_with
from .page import APP, Page


@pytest.fixture
def environment(page: Page) -> dict[str, Any]:
    response = page.get("/environment")
    shown: dict[str, Any] = response.json()
    assert page.ask("PATCH", "/environment").json() == shown  # which clerk-js prefers in development
    return shown


def test_it_has_every_part_without_an_envelope(environment: dict[str, Any]) -> None:
    assert environment["object"] == "environment"
    for part in ("auth_config", "display_config", "user_settings", "organization_settings"):
        assert isinstance(environment[part], dict)
    assert environment["commerce_settings"]["billing"]["organization"]["enabled"] is False
    assert environment["maintenance_mode"] is False


def test_invitations_are_to_the_role_that_every_instance_has(environment: dict[str, Any]) -> None:
    assert environment["organization_settings"]["domains"] == {
        "enabled": False,
        "enrollment_modes": [],
        "default_role": "org:member",
    }


def test_by_what_users_sign_in(environment: dict[str, Any]) -> None:
    attributes = environment["user_settings"]["attributes"]
    assert attributes["email_address"]["first_factors"] == ["email_code"]
    assert attributes["email_address"]["verify_at_sign_up"] is True
    assert attributes["password"]["required"] is True
    assert attributes["authenticator_app"]["second_factors"] == ["totp"]
    assert attributes["username"]["enabled"] is attributes["phone_number"]["enabled"] is False
    assert environment["auth_config"]["single_session_mode"] is True
    assert environment["auth_config"]["reverification"] is True
    assert environment["user_settings"]["sign_up"]["captcha_enabled"] is False
    assert environment["user_settings"]["password_settings"]["min_length"] == 8


def test_what_components_show(clerk: LocalClerk, page: Page, environment: dict[str, Any]) -> None:
    shown = environment["display_config"]
    assert shown["application_name"] == "Fleet"
    assert shown["instance_environment_type"] == "development"
    assert shown["show_devmode_warning"] is True
    assert shown["sign_in_url"] == f"{str(page.http.base_url).rstrip('/')}/sign-in"
    assert shown["after_switch_session_url"] == f"{APP}/"


class TestAnotherSeed:
    @pytest.fixture
    def clerk(self, clock: Any) -> LocalClerk:
        sessions = {"multi_session": True, "force_organization_selection": True}
        return LocalClerk(seed_with(sessions=sessions), clock=clock)

    def test_what_it_decides(self, environment: dict[str, Any]) -> None:
        assert environment["auth_config"]["single_session_mode"] is False
        assert environment["organization_settings"]["force_organization_selection"] is True
        username = environment["user_settings"]["attributes"]["username"]
        assert username["enabled"] is username["used_for_first_factor"] is True
