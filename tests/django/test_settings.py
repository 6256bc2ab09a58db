"""``settings.CLERK``: what it may hold, and what it says of what it may not."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from clerk_middleware import ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware_django.runtime import current

from .conftest import SITE, Browse

Headers = dict[str, str]
Problem = Callable[[Any], ConfigurationError]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "PUBLISHABLE_KEY", "JWT_KEY", "AUTHORIZED_PARTIES", "CLOCK_SKEW_IN_MS"):
        monkeypatch.delenv(f"CLERK_{name}", raising=False)


@pytest.fixture
def problem(settings: Any, handler: str) -> Problem:
    """What Django says, and does not start, with ``settings.CLERK`` as given."""

    def of(given: Any) -> ConfigurationError:
        settings.CLERK = given
        start = WSGIHandler if handler == "wsgi" else ASGIHandler
        with pytest.raises(ImproperlyConfigured) as raised:
            start()
        assert isinstance(raised.value, ConfigurationError)
        return raised.value

    return of


class TestAMistake:
    def test_that_leaves_no_key(self, problem: Problem) -> None:
        message = str(problem({}))
        assert message.startswith("settings.CLERK: ")
        assert "secret_key" in message.lower()
        assert "CLERK_" in message

    def test_is_no_dictionary(self, problem: Problem) -> None:
        assert str(problem(["SECRET_KEY"])) == (
            "settings.CLERK: must be a dictionary such as {'SECRET_KEY': ...}, not a list"
        )
        assert str(problem(None)).endswith("not a NoneType")

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("SECRET_KY", "SECRET_KEY"),
            ("secret_key", "SECRET_KEY"),
            ("AUTHORISED_PARTIES", "AUTHORIZED_PARTIES"),
            ("CREATE_USER", "CREATE_USERS"),
            ("ACCEPTS_TOKENS", "ACCEPTS_TOKEN"),
            ("PROTECTED_ROUTE", "PROTECTED_ROUTES"),
        ],
    )
    def test_in_a_name_is_told_with_the_one_that_was_meant(
        self, name: str, meant: str, problem: Problem
    ) -> None:
        assert str(problem({name: "x"})) == (
            f"settings.CLERK[{name!r}]: there is no such setting: did you mean {meant!r}?"
        )

    @pytest.mark.parametrize("name", ["QUUX", 7, ("a",)])
    def test_in_a_name_that_is_like_none_lists_all(self, name: Any, problem: Problem) -> None:
        message = str(problem({name: "x"}))
        assert f"settings.CLERK[{name!r}]: there is no such setting: there are " in message
        assert "ACCEPTS_TOKEN, API_URL" in message
        assert "CONFIG, CONTENT_SECURITY_POLICY, CREATE_USERS" in message
        assert "TRUST_FORWARDED_HEADERS" not in message

    def test_of_trusting_headers_names_djangos_settings(self, problem: Problem, clerk: LocalClerk) -> None:
        error = problem({"SECRET_KEY": clerk.secret_key, "TRUST_FORWARDED_HEADERS": True})
        assert str(error) == (
            "settings.CLERK['TRUST_FORWARDED_HEADERS']: Django's SECURE_PROXY_SSL_HEADER and "
            "USE_X_FORWARDED_HOST decide which URL a request has; set those, and leave this out"
        )

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("SECRET_KEY", 7, "must be text"),
            ("SECRET_KEY", "pk_test_no", "looks like the publishable key"),
            ("AUTHORIZED_PARTIES", "app.example.com", "must be a list"),
            ("CLOCK_SKEW_IN_MS", "5", "must be a number of milliseconds"),
            ("IS_SATELLITE", "true", "must be True or False"),
            ("API_URL", "nowhere", "must be a URL"),
            ("ACCEPTS_TOKEN", "cookie", "must be one of"),
            ("MACHINE_ID", "fleet", "which starts with 'mch_'"),
            ("OPAQUE_TOKEN_TTL_IN_MS", "5", "must be a number of milliseconds"),
            ("OAUTH_RESOURCES", ["mcp"], "is no path of this application"),
            ("OAUTH_SCOPES", ["read loads"], "is no scope"),
            ("SIGN_IN_URL", "sign in", "must be a URL"),
            ("CREATE_USERS", "yes", "must be True or False"),
            ("CREATE_USERS", None, "must be True or False"),
            ("LINK_BY_VERIFIED_EMAIL", 1, "must be True or False"),
            ("USER_FIELDS", 7, "must be a function or its dotted path"),
            ("USER_FIELDS", "no.such.function", "cannot be imported: No module named 'no'"),
            ("USER_FIELDS", "function", "cannot be imported"),
            ("AUTHORIZATION_FAILURE_VIEW", "django_project.views.missing", "cannot be imported"),
            ("AUTHORIZATION_FAILURE_VIEW", "django_project.settings.DEBUG", "must be a function or its"),
            ("CONFIG", {"SECRET_KEY": "x"}, "excludes"),
        ],
    )  # fmt: skip
    def test_in_a_value_names_the_setting(
        self, name: str, value: Any, says: str, problem: Problem, clerk: LocalClerk
    ) -> None:
        error = problem({"SECRET_KEY": clerk.secret_key, name: value})
        assert str(error).startswith(f"settings.CLERK[{name!r}]: ")
        assert says in str(error)
        assert (error.option, error.source) == (name.lower(), f"settings.CLERK[{name!r}]")

    @pytest.mark.parametrize(
        "routes",
        [
            {"PROTECTED_ROUTES": ["/a"], "PUBLIC_ROUTES": ["/b"]},
            {"PROTECTED_ROUTES": ["a"]},
            {"PUBLIC_ROUTES": "/a*"},
            {"PROTECTED_ROUTES": 7},
        ],
    )
    def test_in_routes(self, routes: dict[str, Any], problem: Problem, clerk: LocalClerk) -> None:
        message = str(problem({"SECRET_KEY": clerk.secret_key, **routes}))
        assert message.startswith("settings.CLERK")
        assert "route" in message

    def test_in_the_environment_names_the_variable(
        self, problem: Problem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_SECRET_KEY", "sk_live_x")
        monkeypatch.setenv("CLERK_CLOCK_SKEW_IN_MS", "soon")
        assert str(problem({})).startswith("the environment variable CLERK_CLOCK_SKEW_IN_MS: ")

    def test_of_keys_of_two_instances(
        self, problem: Problem, clerk: LocalClerk, development: LocalClerk
    ) -> None:
        keys = {"SECRET_KEY": development.secret_key, "PUBLISHABLE_KEY": clerk.publishable_key}
        assert str(problem(keys)).startswith("settings.CLERK")

    @pytest.mark.parametrize(
        "given",
        [
            {"SECRET_KEY": "sk_live_{}"},
            {"SECRET_KEY": "pk_live_{}"},
            {"SECRET_KEY": ["sk_live_{}"]},
            {"SECRET_KEY": "sk_live_{} "},
            {"MACHINE_SECRET_KEY": "ak_{}"},
            {"MACHINE_SECRET_KEY": ["ak_{}"]},
            {"JWT_KEY": "-----BEGIN {}-----"},
            {"CONFIG": "sk_live_{}"},
            {"CONFIG": "sk_live_{}.x"},
            {"CONFIG": {"SECRET_KEY": "sk_live_{}"}},
            {"CONFIG": ["sk_live_{}"]},
            {"SECRET_KEY": "sk_live_{}", "CONFIG": "clerk.config"},
            {"SECRET_KEY": "sk_live_{}", "USER_FIELDS": {"key": "sk_live_{}"}},
            {"SECRET_KEY": "sk_live_{}", "CREATE_USERS": "sk_live_{}"},
            {"SECRET_KEY": "sk_live_{}", "QUUX": "sk_live_{}"},
            {"SECRET_KEY": "sk_live_{}", "API_URL": "https://sk_live_{}@api.clerk.com"},
        ],
        ids=str,
    )
    def test_never_shows_a_secret(self, given: Any, problem: Problem) -> None:
        def filled(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: filled(item) for key, item in value.items()}
            return [filled(v) for v in value] if isinstance(value, list) else str(value).format("kEpTsEcReT")

        settings_ = filled(given)
        settings_.setdefault("PUBLISHABLE_KEY", "pk_test_broken") if "CONFIG" not in settings_ else None
        error = problem(settings_)
        shown: BaseException | None = error
        while shown is not None:
            assert "kEpTsEcReT" not in f"{shown} {shown!r} {vars(shown)}"
            shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)

    def test_can_be_pickled_as_test_runners_do(self, problem: Problem) -> None:
        error = problem({"CREATE_USERS": "yes", "SECRET_KEY": "sk_live_x"})
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (type(copy), str(copy), copy.option) == (type(error), str(error), error.option)


class TestTheEnvironment:
    def test_is_the_fallback_for_each_option(
        self,
        settings: Any,
        browse: Browse,
        dispatcher: Headers,
        clerk: LocalClerk,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CLERK_SECRET_KEY", clerk.secret_key)
        monkeypatch.setenv("CLERK_JWT_KEY", clerk.jwt_key)
        monkeypatch.setenv("CLERK_AUTHORIZED_PARTIES", f"https://other.example.com,{SITE}")
        settings.CLERK = {}
        response: Any = browse("/who", headers=dispatcher)
        assert response.json()["user_id"] == "user_dev"

    def test_is_enough_where_there_is_no_setting_at_all(
        self, settings: Any, browse: Browse, clerk: LocalClerk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_JWT_KEY", clerk.jwt_key)
        monkeypatch.setenv("CLERK_AUTHORIZED_PARTIES", SITE)
        del settings.CLERK
        assert browse("/who").status_code == 200

    def test_gives_way_to_the_setting(
        self,
        settings: Any,
        browse: Browse,
        dispatcher: Headers,
        clerk: LocalClerk,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CLERK_AUTHORIZED_PARTIES", SITE)
        settings.CLERK = {"JWT_KEY": clerk.jwt_key, "AUTHORIZED_PARTIES": ["https://other.example.com"]}
        response: Any = browse("/who", headers=dispatcher)
        assert response.json()["user_id"] is None

    def test_can_not_have_headers_trusted(
        self, browse: Browse, in_development: Any, navigation: Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_TRUST_FORWARDED_HEADERS", "true")
        in_development(SIGN_IN_URL="https://accounts.example.com")
        response: Any = browse("/who", headers=navigation | {"x-forwarded-host": "evil.example"})
        assert response.status_code == 307
        assert "evil.example" not in response.headers["Location"]


class TestAChange:
    """`override_settings` counts at once, for handlers that were loaded before, too."""

    def test_is_respected_by_a_handler_that_runs(
        self, dispatcher: Headers, clerk: LocalClerk, development: LocalClerk, settings: Any
    ) -> None:
        client = Client(headers=dispatcher)
        assert client.get("/who").json()["user_id"] == "user_dev"
        other = {"JWT_KEY": development.jwt_key, "AUTHORIZED_PARTIES": [SITE]}
        with override_settings(CLERK=other):
            assert client.get("/who").json()["user_id"] is None
        assert client.get("/who").json()["user_id"] == "user_dev"
        settings.CLERK = {**settings.CLERK, "PROTECTED_ROUTES": "/who"}
        assert Client().get("/who").status_code == 401
        assert client.get("/who").json()["user_id"] == "user_dev"

    def test_keeps_nothing_that_was_cached_for_the_other_instance(
        self, dispatcher: Headers, development: LocalClerk, settings: Any
    ) -> None:
        client = Client(headers=dispatcher)
        for _ in range(2):
            assert client.get("/who").json()["user_id"] == "user_dev"
            with override_settings(CLERK={**settings.CLERK, "JWT_KEY": development.jwt_key}):
                assert client.get("/who").json()["user_id"] is None

    def test_of_another_setting_keeps_what_is_known(self, settings: Any) -> None:
        before = current()
        settings.TIME_ZONE = "Europe/Oslo"
        assert current() is before

    def test_into_a_mistake_is_an_error_not_a_sign_out(self, dispatcher: Headers, settings: Any) -> None:
        client = Client(headers=dispatcher)
        client.get("/who")
        settings.CLERK = {"SECRET_KY": "x"}
        with pytest.raises(ImproperlyConfigured, match="did you mean 'SECRET_KEY'"):
            client.get("/who")


def fixed(request: ClerkRequest) -> ClerkConfig:
    raise NotImplementedError


class TestAConfig:
    """CONFIG, in place of the options."""

    @pytest.mark.parametrize("form", ["object", "function", "path"])
    def test_may_be(
        self,
        form: str,
        browse: Browse,
        dispatcher: Headers,
        config: Any,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        given = config()
        find: Any = lambda request: given  # noqa: E731
        monkeypatch.setattr("django_project.clerk_of", find, raising=False)
        settings.CLERK = {
            "CONFIG": {"object": given, "function": find, "path": "django_project.clerk_of"}[form]
        }
        response: Any = browse("/who", headers=dispatcher)
        assert response.json()["user_id"] == "user_dev"

    def test_is_chosen_by_the_request_for_several_instances(
        self, receive: Any, dispatcher: Headers, config: Any, development: LocalClerk, settings: Any
    ) -> None:
        own = config()
        other = config(
            publishable_key=development.publishable_key,
            secret_key=development.secret_key,
            jwt_key=development.jwt_key,
        )
        settings.ALLOWED_HOSTS = ["*"]
        settings.CLERK = {"CONFIG": lambda request: own if request.url.host == "a.example.com" else other}
        token = development.issue_session_token("user_ada", azp=SITE)

        def user_at(host: str, headers: Headers) -> Any:
            return receive("/who", headers=headers, host=host).json()["user_id"]

        for _ in range(2):
            assert user_at("a.example.com", dispatcher) == "user_dev"
            assert user_at("b.example.com", dispatcher) is None
            assert user_at("a.example.com", {"authorization": f"Bearer {token}"}) is None
            assert user_at("b.example.com", {"authorization": f"Bearer {token}"}) == "user_ada"

    def test_excludes_the_options(self, problem: Problem, config: Any) -> None:
        error = problem({"CONFIG": config(), "SECRET_KEY": "sk_live_x", "AUDIENCE": "a"})
        assert str(error) == (
            "settings.CLERK['CONFIG']: excludes SECRET_KEY, AUDIENCE: the ClerkConfig that it stands for has "
            "its own"
        )

    def test_goes_with_djangos_own_options(self, browse: Browse, config: Any, settings: Any) -> None:
        settings.CLERK = {"CONFIG": config(), "PROTECTED_ROUTES": "/who"}
        assert browse("/who").status_code == 401

    @pytest.mark.parametrize("form", ["object", "function"])
    def test_may_not_trust_headers(
        self, form: str, browse: Browse, config: Any, settings: Any, problem: Problem
    ) -> None:
        trusting = config(trust_forwarded_headers=True)
        if form == "object":
            assert "trust_forwarded_headers: Django's SECURE" in str(problem({"CONFIG": trusting}))
        else:
            settings.CLERK = {"CONFIG": lambda request: trusting}
            with pytest.raises(ImproperlyConfigured, match="trust_forwarded_headers: Django's SECURE"):
                browse("/who")

    def test_may_not_be_anything_else(self, browse: Browse, settings: Any) -> None:
        settings.CLERK = {"CONFIG": lambda request: {"SECRET_KEY": "sk_live_hidden"}}
        with pytest.raises(ConfigurationError, match="returned no ClerkConfig, but a dict") as raised:
            browse("/who")
        assert "hidden" not in str(raised.value)

    def test_that_is_not_called_is_told(self, problem: Problem) -> None:
        assert "with parentheses" in str(problem({"CONFIG": ClerkConfig.from_env}))
        assert "with parentheses" in str(problem({"CONFIG": ClerkConfig}))


class TestWhereTheHandlerIsMade:
    def test_it_starts_with_settings_that_are_right(self, handler: str) -> None:
        (WSGIHandler if handler == "wsgi" else ASGIHandler)()

    def test_the_users_middleware_needs_its_application(self, problem: Problem, settings: Any) -> None:
        settings.INSTALLED_APPS = [
            app for app in settings.INSTALLED_APPS if app not in ("clerk_middleware_django", "django_project")
        ]
        message = str(problem(settings.CLERK))
        assert message.startswith("settings.MIDDLEWARE: ClerkUserMiddleware needs the table")
        assert "add 'clerk_middleware_django' to INSTALLED_APPS, and run manage.py migrate" in message

    def test_the_users_middleware_needs_clerks_before_it(
        self, browse: Browse, settings: Any, routes: Any
    ) -> None:
        settings.MIDDLEWARE = ["clerk_middleware_django.middleware.ClerkUserMiddleware"]
        routes(path("", lambda request: HttpResponse()))
        with pytest.raises(ImproperlyConfigured, match=r"add '.*\.ClerkMiddleware' above it"):
            browse("/")


def test_what_the_settings_make_shows_no_secret(clerk: LocalClerk) -> None:
    made = current()
    assert clerk.secret_key not in repr(made)
    assert clerk.secret_key not in repr(vars(made.authenticator))


def test_async_code_and_sync_code_read_the_same(clerk_settings: Any) -> None:
    async def read() -> Any:
        return current()

    assert async_to_sync(read)() is current()
