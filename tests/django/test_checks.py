"""The system checks: each with what it is about, its hint, and its silence in a right project."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.checks import CheckMessage, run_checks
from django.http import HttpResponse
from django.test import Client
from django.urls import path, reverse_lazy

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk
from clerk_middleware_django.middleware import ClerkMiddleware, ClerkUserMiddleware

from .conftest import Browse

Change = Callable[..., None]
Headers = dict[str, str]

CLERK = "clerk_middleware_django.middleware.ClerkMiddleware"
CLERK_USER = "clerk_middleware_django.middleware.ClerkUserMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
UPDATE_CACHE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH_FROM_CACHE = "django.middleware.cache.FetchFromCacheMiddleware"
CLERK_PROCESSOR = "clerk_middleware_django.context_processors.clerk"
REQUEST_PROCESSOR = "django.template.context_processors.request"
LIVE = "sk_live_only_for_tests"


class OwnClerkMiddleware(ClerkMiddleware):
    """A project's own."""


class OwnClerkUserMiddleware(ClerkUserMiddleware):
    """A project's own."""


def middleware_function(get_response: Any) -> Any:
    return get_response


def config_for(request: Any) -> ClerkConfig:
    raise AssertionError("there is no request when a project is checked")


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "django_project.clerk_urls"


@pytest.fixture
def stack(settings: Any) -> Callable[..., None]:
    def change(*middlewares: str) -> None:
        settings.MIDDLEWARE = list(middlewares)

    return change


@pytest.fixture
def template(settings: Any, tmp_path: Path) -> Callable[..., Path]:
    """Write a template, for an engine without our context processors."""

    def write(text: str, *processors: str, name: str = "base.html", **options: Any) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        settings.TEMPLATES = [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [tmp_path],
                "OPTIONS": {"context_processors": list(processors), **options},
            }
        ]
        return file

    return write


def found() -> dict[str, CheckMessage]:
    return {message.id: message for message in run_checks() if message.id and message.id.startswith("clerk.")}


def hint_of(number: str) -> str:
    message = found()[f"clerk.{number}"]
    assert message.is_serious() == (number.startswith("E"))
    assert message.hint
    return message.hint


def test_a_right_project_hears_nothing() -> None:
    assert found() == {}


class TestSettings:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"SECRET_KEY": None, "JWT_KEY": None}, "secret_key"),
            ({"SECRET_KEY": "pk_test_x"}, "settings.CLERK['SECRET_KEY']"),
            ({"SECRETKEY": "sk_test_x"}, "did you mean 'SECRET_KEY'?"),
            ({"PROTECTED_ROUTES": ["/a"], "PUBLIC_ROUTES": ["/b"]}, "exclude each other"),
            ({"CREATE_USERS": "yes"}, "must be True or False"),
            ({"CONFIG": "nowhere.at_all"}, "excludes"),
        ],
    )
    def test_that_are_wrong_are_named(
        self, options: dict[str, Any], message: str, clerk_settings: Change
    ) -> None:
        clerk_settings(**options)
        error = found()["clerk.E001"]
        assert message in error.msg
        assert "Dashboard" in str(error.hint)

    def test_that_are_no_dictionary(self, settings: Any) -> None:
        settings.CLERK = ["SECRET_KEY"]
        assert "must be a dictionary" in found()["clerk.E001"].msg

    def test_whose_function_cannot_be_imported(self, settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
        (tmp_path / "clerk_broken_module.py").write_text("1 / 0")
        monkeypatch.syspath_prepend(tmp_path)
        settings.CLERK = {"CONFIG": "clerk_broken_module.config"}
        error = found()["clerk.E001"]
        assert "ZeroDivisionError" in error.msg
        assert "dotted path" in str(error.hint)

    def test_that_are_a_function_are_taken_on_trust(self, settings: Any) -> None:
        settings.CLERK = {"CONFIG": config_for, "CREATE_USERS": True}
        assert found() == {}

    def test_that_are_a_function_link_nobody(self, settings: Any) -> None:
        settings.CLERK = {"CONFIG": config_for, "LINK_BY_VERIFIED_EMAIL": True}
        assert "excludes CONFIG as a function" in found()["clerk.E001"].msg

    def test_that_are_a_config(self, settings: Any, config: Callable[..., ClerkConfig]) -> None:
        settings.CLERK = {"CONFIG": config(authorized_parties=[])}
        assert "origins" in hint_of("W001")

    def test_that_link_without_a_secret_key(self, clerk_settings: Change, clerk: LocalClerk) -> None:
        clerk_settings(LINK_BY_VERIFIED_EMAIL=True, SECRET_KEY=None)
        assert "SECRET_KEY" in hint_of("E002")
        clerk_settings(LINK_BY_VERIFIED_EMAIL=True)
        assert found() == {}

    def test_without_authorized_parties_in_production(self, clerk_settings: Change, settings: Any) -> None:
        clerk_settings(AUTHORIZED_PARTIES=[])
        assert "origins" in hint_of("W001")
        settings.DEBUG = True  # the keys are of a production instance all the same
        assert "clerk.W001" in found()

    def test_without_authorized_parties_in_development(self, settings: Any) -> None:
        settings.DEBUG = True
        settings.CLERK = {"SECRET_KEY": "sk_test_unused"}
        assert found() == {}

    @pytest.mark.parametrize("options", [{}, {"PUBLISHABLE_KEY": None}, {"SECRET_KEY": None}])
    def test_debug_with_a_live_key(
        self, options: dict[str, Any], clerk_settings: Change, settings: Any
    ) -> None:
        settings.DEBUG = True
        clerk_settings(**options)
        assert "sk_test_" in hint_of("W002")

    def test_debug_with_no_key_of_any_instance(self, clerk_settings: Change, settings: Any) -> None:
        settings.DEBUG = True
        clerk_settings(SECRET_KEY=None, PUBLISHABLE_KEY=None, AUTHORIZED_PARTIES=[])
        assert found() == {}

    def test_without_authorized_parties_where_no_session_comes_in(self, clerk_settings: Change) -> None:
        clerk_settings(AUTHORIZED_PARTIES=[], ACCEPTS_TOKEN="api_key")
        assert "clerk.W001" not in found()

    @pytest.mark.parametrize("accepts", ["m2m_token", ["session_token", "m2m_token"], "any"])
    def test_that_accept_what_was_made_for_other_machines(self, accepts: Any, clerk_settings: Change) -> None:
        clerk_settings(ACCEPTS_TOKEN=accepts)
        assert found()["clerk.W011"].msg == (
            "CLERK['ACCEPTS_TOKEN'] lets in M2M tokens, and CLERK['MACHINE_ID'] is not set, so one that was "
            "made for another machine of the same Clerk instance can be used here."
        )
        assert hint_of("W011").startswith("Set it to this machine's id (mch_...)")
        clerk_settings(ACCEPTS_TOKEN=accepts, MACHINE_ID="mch_fleet_api")
        assert "clerk.W011" not in found()
        clerk_settings(ACCEPTS_TOKEN="api_key")
        assert "clerk.W011" not in found()

    def test_that_send_oauth_clients_for_a_token_in_vain(self, clerk_settings: Change) -> None:
        clerk_settings(OAUTH_RESOURCES=["/mcp"])
        assert found()["clerk.W012"].msg == (
            "CLERK['OAUTH_RESOURCES'] tells OAuth clients where to get a token, and CLERK['ACCEPTS_TOKEN'] "
            "lets none of theirs in."
        )
        assert hint_of("W012").startswith("Add 'oauth_token' to CLERK['ACCEPTS_TOKEN']")
        clerk_settings(OAUTH_RESOURCES=["/mcp"], ACCEPTS_TOKEN=["session_token", "oauth_token"])
        assert "clerk.W012" not in found()

    def test_no_message_shows_a_key(self, clerk_settings: Change, settings: Any) -> None:
        settings.DEBUG = True
        clerk_settings(SECRET_KEY=f"{LIVE} ", AUTHORIZED_PARTIES=[])
        assert LIVE not in str(found())


class TestMiddleware:
    def test_clerk_is_missing(self, stack: Callable[..., None]) -> None:
        stack(SECURITY, SESSION, AUTHENTICATION)
        assert CLERK in hint_of("E003")

    def test_users_above_clerk(self, stack: Callable[..., None]) -> None:
        stack(SECURITY, SESSION, AUTHENTICATION, CLERK_USER, CLERK)
        assert hint_of("E004") == f"In MIDDLEWARE, move {CLERK!r} above {CLERK_USER!r}."

    def test_users_without_clerk(self, stack: Callable[..., None]) -> None:
        stack(SECURITY, SESSION, AUTHENTICATION, CLERK_USER)
        assert CLERK in hint_of("E003")

    def test_users_above_django_authentication(self, stack: Callable[..., None]) -> None:
        stack(SECURITY, SESSION, CLERK, CLERK_USER, AUTHENTICATION)
        assert hint_of("E005") == f"In MIDDLEWARE, move {AUTHENTICATION!r} above {CLERK_USER!r}."

    def test_users_without_django_authentication(self, stack: Callable[..., None]) -> None:
        stack(SECURITY, CLERK, CLERK_USER)
        assert found() == {}

    def test_pages_stored_before_they_are_marked_for_one_user(self, stack: Callable[..., None]) -> None:
        stack(CLERK, UPDATE_CACHE, FETCH_FROM_CACHE)
        assert hint_of("E006") == f"In MIDDLEWARE, move {UPDATE_CACHE!r} above {CLERK!r}."

    def test_pages_from_the_cache_before_the_session_is_checked(self, stack: Callable[..., None]) -> None:
        stack(UPDATE_CACHE, FETCH_FROM_CACHE, CLERK)
        assert hint_of("E007") == f"In MIDDLEWARE, move {CLERK!r} above {FETCH_FROM_CACHE!r}."

    def test_the_cache_as_django_documents_it(self, stack: Callable[..., None]) -> None:
        stack(UPDATE_CACHE, CLERK, FETCH_FROM_CACHE)
        assert found() == {}

    def test_cors_headers(self, stack: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
        cors: Any = types.ModuleType("corsheaders.middleware")
        cors.CorsMiddleware = type("CorsMiddleware", (), {"__module__": cors.__name__})
        monkeypatch.setitem(sys.modules, "corsheaders", types.ModuleType("corsheaders"))
        monkeypatch.setitem(sys.modules, cors.__name__, cors)
        stack(CLERK, "corsheaders.middleware.CorsMiddleware")
        assert f"above {CLERK!r}" in hint_of("W006")
        stack("corsheaders.middleware.CorsMiddleware", CLERK)
        assert found() == {}

    def test_security_below(self, stack: Callable[..., None]) -> None:
        stack(CLERK, SECURITY)
        assert f"above {CLERK!r}" in hint_of("W007")

    @pytest.mark.parametrize("option", ["CREATE_USERS", "LINK_BY_VERIFIED_EMAIL"])
    def test_options_of_users_without_their_middleware(
        self, option: str, clerk_settings: Change, stack: Callable[..., None]
    ) -> None:
        clerk_settings(**{option: True})
        assert found() == {}
        stack(CLERK)
        assert CLERK_USER in hint_of("W003")
        assert option in found()["clerk.W003"].msg

    @pytest.mark.parametrize("option", ["CREATE_USERS", "LINK_BY_VERIFIED_EMAIL"])
    def test_webhooks_create_users_without_it(
        self, option: str, clerk_settings: Change, stack: Callable[..., None]
    ) -> None:
        clerk_settings(SYNC_USERS=True, **{option: True})
        stack(CLERK)
        assert "clerk.W003" not in found()

    def test_both_options_of_users(self, clerk_settings: Change, stack: Callable[..., None]) -> None:
        clerk_settings(CREATE_USERS=True, LINK_BY_VERIFIED_EMAIL=True)
        stack(CLERK)
        assert [message.id for message in run_checks() if message.id == "clerk.W003"] == ["clerk.W003"] * 2

    def test_wrong_settings_are_told_once(self, clerk_settings: Change, stack: Callable[..., None]) -> None:
        clerk_settings(CREATE_USERS="yes")
        stack(CLERK)
        assert list(found()) == ["clerk.E001"]

    def test_the_backend_is_missing(self, settings: Any) -> None:
        settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
        assert "AUTHENTICATION_BACKENDS" in hint_of("W004")

    def test_the_backend_is_not_needed_without_users(self, settings: Any, stack: Callable[..., None]) -> None:
        settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
        stack(CLERK)
        assert found() == {}

    def test_login_required_where_nobody_is_mapped(self, stack: Callable[..., None]) -> None:
        stack(SESSION, CLERK, AUTHENTICATION, LOGIN_REQUIRED)
        assert CLERK_USER in hint_of("W005")

    def test_subclasses_count(self, stack: Callable[..., None]) -> None:
        own, users = (f"{__name__}.{name}" for name in ("OwnClerkMiddleware", "OwnClerkUserMiddleware"))
        stack(f"{__name__}.middleware_function", own, SESSION, AUTHENTICATION, users)
        assert found() == {}
        stack(users, own)
        assert hint_of("E004") == f"In MIDDLEWARE, move {own!r} above {users!r}."

    def test_what_cannot_be_imported_is_left_to_django(self, stack: Callable[..., None]) -> None:
        stack("nowhere.Middleware", "no dots", CLERK)
        assert found() == {}

    def test_an_empty_list(self, stack: Callable[..., None]) -> None:
        stack()
        assert list(found()) == ["clerk.E003"]


def say_who(request: Any) -> HttpResponse:
    return HttpResponse(str(request.auth.user_id))


urlpatterns = [path("cached", say_who)]


class TestWhyTheOrderMatters:
    """What the errors about caches say is what happens."""

    @pytest.fixture(autouse=True)
    def cached(self, settings: Any) -> Any:
        settings.ROOT_URLCONF = __name__
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        cache.clear()
        yield
        cache.clear()

    def ask(self, headers: Headers) -> str:
        return Client().get("/cached", secure=True, headers=headers).content.decode()

    def test_one_users_page_is_shown_to_another(self, stack: Callable[..., None], cookies: Headers) -> None:
        stack(CLERK, UPDATE_CACHE, FETCH_FROM_CACHE)
        assert self.ask(cookies) == "user_dev"
        assert self.ask({}) == "user_dev"

    def test_a_page_outlives_the_session(
        self, stack: Callable[..., None], cookies: Headers, clerk_settings: Change
    ) -> None:
        stack(UPDATE_CACHE, FETCH_FROM_CACHE, CLERK)
        assert self.ask(cookies) == "user_dev"
        clerk_settings(AUTHORIZED_PARTIES=["https://other.example.com"])  # which refuses the token now
        assert self.ask(cookies) == "user_dev"

    def test_as_documented_neither_happens(self, stack: Callable[..., None], cookies: Headers) -> None:
        stack(UPDATE_CACHE, CLERK, FETCH_FROM_CACHE)
        assert self.ask(cookies) == "user_dev"
        assert self.ask({}) == "None"


@pytest.mark.django_db
def test_login_required_may_stand_above_users(
    stack: Callable[..., None], browse: Browse, dispatcher: Headers, clerk_settings: Change
) -> None:
    """It asks for request.user only when every middleware has been entered: no reason to complain."""
    clerk_settings(CREATE_USERS=True, SECRET_KEY=None)
    stack(SECURITY, SESSION, CLERK, AUTHENTICATION, LOGIN_REQUIRED, CLERK_USER)
    assert found() == {}
    response: Any = browse("/plain", headers=dispatcher)
    assert response.content == b"plain"


class TestURLs:
    def test_a_login_url_that_is_not_included(self, settings: Any) -> None:
        settings.ROOT_URLCONF = "django_project.urls"
        assert "include('clerk_middleware_django.urls')" in hint_of("E008")

    def test_a_login_url_with_a_slip(self, settings: Any) -> None:
        settings.LOGIN_URL = "clerk:signin"
        assert hint_of("E008") == "Write 'clerk:sign-in', as the view is called."

    def test_a_login_url_of_the_projects_own(self, settings: Any) -> None:
        settings.ROOT_URLCONF = "django_project.urls"
        for settings.LOGIN_URL in ("/login", reverse_lazy("nowhere")):
            assert found() == {}

    def test_urls_that_are_broken_are_left_to_django(
        self, settings: Any, template: Callable[..., Path]
    ) -> None:
        from clerk_middleware_django.checks import check_templates, check_urls

        settings.ROOT_URLCONF = "nowhere.at_all"
        template("{% load clerk %}{% clerk_sign_out_url %}")
        assert [*check_urls(), *check_templates()] == []


class TestTemplates:
    @pytest.mark.parametrize(
        "text",
        [
            '{% load clerk %}{% if clerk_auth|has_permission:"org:teams:manage" %}x{% endif %}',
            "{{ clerk_auth.user_id }}",
            "{% comment %}a note{% endcomment %}{{clerk_auth}}",
        ],
    )
    def test_without_the_context_processor(self, text: str, template: Callable[..., Path]) -> None:
        file = template(text, REQUEST_PROCESSOR)
        assert CLERK_PROCESSOR in hint_of("W008")
        assert str(file) in found()["clerk.W008"].msg

    @pytest.mark.parametrize("tag", ["clerk_sign_in_url", "clerk_sign_up_url"])
    def test_without_the_request(self, tag: str, template: Callable[..., Path]) -> None:
        template(f"{{% load clerk %}}{{% {tag} as url %}}", CLERK_PROCESSOR)
        assert REQUEST_PROCESSOR in hint_of("W009")
        template(f"{{% load clerk %}}{{% {tag} as url %}}", CLERK_PROCESSOR, REQUEST_PROCESSOR)
        assert found() == {}

    def test_signing_out_without_its_view(self, settings: Any, template: Callable[..., Path]) -> None:
        text = "{% load clerk %}{% clerk_sign_out_url %}"
        template(text, CLERK_PROCESSOR, REQUEST_PROCESSOR)
        assert found() == {}
        settings.ROOT_URLCONF, settings.LOGIN_URL = "django_project.urls", "/login"
        assert "include('clerk_middleware_django.urls')" in hint_of("W010")

    @pytest.mark.parametrize(
        "text",
        [
            "nothing of ours",
            "{% load clerk %}{{ request.auth|has_permission:'a:b' }}",
            "{# {{ clerk_auth }} #}",
            "{% comment %}{{ clerk_auth }}{% clerk_sign_in_url %}{% endcomment %}",
            "{% verbatim %}{{ clerk_auth }}{% endverbatim %}",
            "clerk_auth is text here, and clerk_sign_in_url",
            "{{ my_clerk_auth_url }}",
        ],
    )
    def test_that_need_nothing(self, text: str, template: Callable[..., Path]) -> None:
        template(text)
        assert found() == {}

    def test_in_folders_and_of_several_engines(self, settings: Any, template: Callable[..., Path]) -> None:
        template("{{ clerk_auth }}", REQUEST_PROCESSOR, name="deep/down/page.txt")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "NAME": name} for name in ("one", "two")]
        hints = [message.hint for message in run_checks() if message.id == "clerk.W008"]
        assert ["'one'" in str(hint) for hint in hints] == [True, False]

    def test_of_applications(self, settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
        application = tmp_path / "clerk_checks_app"
        (application / "templates").mkdir(parents=True)
        (application / "__init__.py").write_text("")
        (application / "templates" / "page.html").write_text("{{ clerk_auth }}")
        monkeypatch.syspath_prepend(tmp_path)
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "clerk_checks_app"]
        settings.TEMPLATES = [
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ]
        from django.template.utils import get_app_template_dirs

        get_app_template_dirs.cache_clear()
        assert "page.html" in found()["clerk.W008"].msg
        get_app_template_dirs.cache_clear()

    def test_where_nothing_is_missing_are_not_read(
        self, template: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        template("{{ clerk_auth }}", CLERK_PROCESSOR, REQUEST_PROCESSOR)
        monkeypatch.setattr("os.walk", lambda *_: pytest.fail("a directory was read"))
        assert found() == {}

    def test_that_cannot_be_read_are_skipped(self, template: Callable[..., Path]) -> None:
        file = template("{{ clerk_auth }}", name="z.html")
        os.mkfifo(file.parent / "a.html")  # reading it would wait for ever
        (file.parent / "b.html").symlink_to("nowhere")
        (file.parent / "c.html").symlink_to(file)
        (file.parent / "d.html").write_bytes(b"\xff\xfe clerk_ \x00")
        (file.parent / ".git").mkdir()
        (file.parent / ".git" / "a.html").write_text("{% clerk_sign_in_url %}")
        assert list(found()) == ["clerk.W008"]

    def test_are_read_no_further_than_templates_are_long(self, template: Callable[..., Path]) -> None:
        template("x" * 600_000 + "{{ clerk_auth }}")
        assert found() == {}

    def test_of_another_engine(self, settings: Any) -> None:
        settings.TEMPLATES = [{"BACKEND": "django.template.backends.dummy.TemplateStrings", "DIRS": []}]
        from clerk_middleware_django.checks import check_templates

        assert check_templates() == []

    @pytest.mark.parametrize("options", [{"loaders": ["nowhere.Loader"]}, {"libraries": {"x": "nowhere"}}])
    def test_settings_that_are_broken_are_left_to_django(
        self, options: dict[str, Any], template: Callable[..., Path]
    ) -> None:
        from clerk_middleware_django.checks import check_templates

        template("{{ clerk_auth }}", **options)
        assert check_templates() == []


def test_no_check_asks_the_network_or_the_database(
    clerk_settings: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    clerk_settings(JWT_KEY=None, CREATE_USERS=True)
    assert found() == {}  # and pytest-django refuses the database


def test_checks_are_of_the_tags_that_they_belong_to() -> None:
    from clerk_middleware_django import checks

    assert checks.check_settings.tags == checks.check_middleware.tags == ("security",)  # type: ignore[attr-defined]
    assert checks.check_templates.tags == ("templates",)  # type: ignore[attr-defined]
    checks.register()
    assert [message.id for message in run_checks(tags=["security"]) if "clerk" in str(message.id)] == []
