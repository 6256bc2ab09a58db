"""System checks of the Content Security Policy: whose it is, and whether pages have its nonce."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from clerk_middleware import CSP
from clerk_middleware_django import policy_checks
from clerk_middleware_django.policy_checks import check_policy

DJANGOS = f"{__name__}.ContentSecurityPolicyMiddleware"
CLERK_PROCESSOR = "clerk_middleware_django.context_processors.clerk"
STRICT = CSP(strict=True)


class ContentSecurityPolicyMiddleware:
    """In the place of Django's, which Django 5.2 does not have."""


@pytest.fixture(autouse=True)
def djangos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_checks, "_DJANGOS", DJANGOS)


class TestDjangosOwn:
    @pytest.fixture(autouse=True)
    def _policy(self, clerk_settings: Any) -> None:
        clerk_settings(CONTENT_SECURITY_POLICY=CSP())

    def test_belongs_below(self, settings: Any) -> None:
        ours = settings.MIDDLEWARE
        settings.MIDDLEWARE = [*ours, DJANGOS]
        assert check_policy() == []
        settings.MIDDLEWARE = [DJANGOS, *ours]
        (message,) = check_policy()
        assert message.id == "clerk.W014"
        assert "move 'clerk_middleware_django.middleware.ClerkMiddleware' above it" in str(message.hint)
        assert message in run_checks()

    def test_may_be_anywhere_without_another(self, settings: Any, clerk_settings: Any) -> None:
        settings.MIDDLEWARE = [DJANGOS, *settings.MIDDLEWARE]
        clerk_settings()
        assert check_policy() == []

    def test_may_be_the_only_one(self, settings: Any) -> None:
        settings.MIDDLEWARE = [DJANGOS]
        assert check_policy() == []

    def test_settings_that_are_wrong_are_another_checks(self, settings: Any) -> None:
        settings.MIDDLEWARE = [DJANGOS, *settings.MIDDLEWARE]
        settings.CLERK = {"SECRET_KEY": 7}
        assert check_policy() == []

    def test_a_function_decides_at_each_request(self, settings: Any, config: Any) -> None:
        settings.MIDDLEWARE = [DJANGOS, *settings.MIDDLEWARE]
        settings.CLERK = {"CONFIG": lambda request: config(content_security_policy=CSP())}
        assert check_policy() == []


class TestNonces:
    @pytest.fixture
    def page(self, settings: Any, tmp_path: Path) -> Path:
        """A template of an engine that has no context processor."""
        settings.TEMPLATES = [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [str(tmp_path)],
                "OPTIONS": {"context_processors": []},
            }
        ]
        page = tmp_path / "page.html"
        page.write_text('<script nonce="{{ csp_nonce }}"></script>')
        return page

    def said(self) -> list[Any]:
        return [message for message in run_checks() if message.id == "clerk.W017"]

    def test_have_to_come_from_somewhere(self, page: Path, clerk_settings: Any) -> None:
        clerk_settings(CONTENT_SECURITY_POLICY=STRICT)
        (message,) = self.said()
        assert f"{page} uses csp_nonce, which is not defined there" in message.msg
        assert f"Add {CLERK_PROCESSOR!r}" in str(message.hint)

    @pytest.mark.parametrize("processor", [CLERK_PROCESSOR, "django.template.context_processors.csp"])
    def test_come_from_a_context_processor(
        self, page: Path, clerk_settings: Any, settings: Any, processor: str
    ) -> None:
        clerk_settings(CONTENT_SECURITY_POLICY=STRICT)
        (engine,) = settings.TEMPLATES
        settings.TEMPLATES = [{**engine, "OPTIONS": {"context_processors": [processor]}}]
        assert self.said() == []

    def test_are_needed_in_a_strict_policy_alone(self, page: Path, clerk_settings: Any) -> None:
        assert self.said() == []
        clerk_settings(CONTENT_SECURITY_POLICY=CSP())
        assert self.said() == []

    def test_are_not_missed_where_they_are_not_used(self, page: Path, clerk_settings: Any) -> None:
        clerk_settings(CONTENT_SECURITY_POLICY=STRICT)
        page.write_text("csp_nonce {# {{ csp_nonce }} #} {{ my_csp_nonce }} {{ csp_nonces }}")
        assert self.said() == []
