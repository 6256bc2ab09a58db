"""``app.config["CLERK_…"]``: what it may hold, and what is said of what it may not."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from clerk_middleware import ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import Clerk, current_auth, get_state

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]
Problem = Callable[..., ConfigurationError]


@pytest.fixture
def effective(bare_app: Apps) -> Callable[..., ClerkConfig]:
    """The configuration that an application with these options has in a request."""

    def of(config: Any = None, **options: Any) -> ClerkConfig:
        app = bare_app(**options)
        Clerk(app, config)
        with app.test_request_context():
            return get_state().config

    return of


@pytest.fixture
def problem(bare_app: Apps) -> Problem:
    """What is said of an application with these options."""

    def of(config: Any = None, **options: Any) -> ConfigurationError:
        with pytest.raises(ConfigurationError) as raised:
            Clerk(bare_app(**options), config)
        return raised.value

    return of


class TestOptions:
    def test_are_every_one_of_the_configuration(self, effective: Any, keys: Any, clerk: LocalClerk) -> None:
        config = effective(
            **keys,
            CLERK_CLOCK_SKEW_IN_MS=1000,
            CLERK_SIGN_IN_URL="/sign-in",
            CLERK_ACCEPTS_TOKEN=["session_token", "oauth_token"],
            CLERK_TRUST_FORWARDED_HEADERS=False,
        )
        assert config.secret_key == clerk.secret_key
        assert config.authorized_parties == ("https://app.example.com",)
        assert (config.clock_skew_in_ms, config.sign_in_url) == (1000, "/sign-in")
        assert config.accepts_token == ("session_token", "oauth_token")
        assert config.trust_forwarded_headers is False

    def test_may_be_texts_as_in_the_environment(self, effective: Any, clerk: LocalClerk) -> None:
        config = effective(
            CLERK_SECRET_KEY=f"  {clerk.secret_key}\n",
            CLERK_JWT_KEY=clerk.jwt_key.replace("\n", "\\n"),
            CLERK_AUTHORIZED_PARTIES=" https://a.example.com, https://b.example.com,",
            CLERK_CLOCK_SKEW_IN_MS="1000",
            CLERK_TRUST_FORWARDED_HEADERS="no",
            CLERK_SATELLITE_AUTO_SYNC="off",
            CLERK_ACCEPTS_TOKEN="session_token, oauth_token",
        )
        assert config.secret_key == clerk.secret_key
        assert config.authorized_parties == ("https://a.example.com", "https://b.example.com")
        assert config.clock_skew_in_ms == 1000
        assert (config.trust_forwarded_headers, config.satellite_auto_sync) == (False, False)
        assert config.accepts_token == ("session_token", "oauth_token")

    def test_may_come_from_a_file(self, bare_app: Apps, tmp_path: Path, keys: Any) -> None:
        (tmp_path / "config.json").write_text(json.dumps(keys))
        app = bare_app()
        app.config.from_file("config.json", json.load)
        Clerk(app)
        with app.test_request_context():
            assert get_state().config.secret_key == keys["CLERK_SECRET_KEY"]

    def test_go_before_the_environment(
        self, effective: Any, keys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in keys.items():
            if isinstance(value, str):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("CLERK_CLOCK_SKEW_IN_MS", "7")
        monkeypatch.setenv("CLERK_SIGN_IN_URL", "/from-the-environment")
        config = effective(CLERK_SIGN_IN_URL="/sign-in")
        assert config.secret_key == keys["CLERK_SECRET_KEY"]
        assert (config.clock_skew_in_ms, config.sign_in_url) == (7, "/sign-in")

    @pytest.mark.parametrize("nothing", [None, "", "  "])
    def test_without_a_value_are_left_to_the_environment(
        self, nothing: Any, effective: Any, keys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_SIGN_IN_URL", "/from-the-environment")
        assert effective(**keys, CLERK_SIGN_IN_URL=nothing).sign_in_url == "/from-the-environment"

    @pytest.mark.parametrize(
        ("option", "statuses"), [("PROTECTED_ROUTES", [200, 401, 401]), ("PUBLIC_ROUTES", [401, 200, 200])]
    )
    @pytest.mark.parametrize("nothing", [{}, {"given": None}])
    def test_of_routes_may_be_in_the_environment(
        self,
        nothing: Any,
        option: str,
        statuses: list[int],
        app_of: Apps,
        ask: Ask,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv(f"CLERK_{option}", " /teams, /teams/(.*)")
        app = app_of(**{f"CLERK_{option}": None for _ in nothing})
        for path in ("/", "/teams", "/teams/7"):
            app.add_url_rule(path, path, lambda: "open")
        assert [ask(app, path).status_code for path in ("/", "/teams", "/teams/7")] == statuses

    def test_of_routes_go_before_the_environment(
        self, app_of: Apps, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_PROTECTED_ROUTES", "/teams")
        app = app_of(CLERK_PROTECTED_ROUTES="/loads")
        for path in ("/teams", "/loads"):
            app.add_url_rule(path, path, lambda: "open")
        assert [ask(app, path).status_code for path in ("/teams", "/loads")] == [200, 401]

    @pytest.mark.parametrize("empty", ["", "  "])
    def test_of_routes_may_be_empty_in_the_environment(
        self, empty: str, app_of: Apps, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_PROTECTED_ROUTES", empty)
        monkeypatch.setenv("CLERK_PUBLIC_ROUTES", empty)
        app = app_of()
        app.get("/")(lambda: "open")
        assert ask(app).status_code == 200

    @pytest.mark.parametrize("option", ["CLERK_PROTECTED_ROUTES", "CLERK_PUBLIC_ROUTES"])
    def test_of_routes_may_be_none(self, option: str, app_of: Apps, ask: Ask) -> None:
        app = app_of(**{option: None})
        app.get("/")(lambda: "open")
        assert ask(app).status_code == 200

    def test_of_an_applications_own_under_the_prefix_are_left_alone(
        self, effective: Any, keys: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG, "clerk_middleware"):
            effective(**keys, CLERK_FLEET_TOKEN="hidden", CLERKS_NAME="Ann")
        assert "app.config['CLERK_FLEET_TOKEN'] is no option" in caplog.text
        assert "hidden" not in caplog.text
        assert "CLERKS_NAME" not in caplog.text


class TestAMistake:
    def test_that_leaves_no_key_says_where_to_set_it_and_when(self, problem: Problem) -> None:
        message = str(problem())
        assert "secret_key (CLERK_SECRET_KEY)" in message
        assert (
            "Set app.config['CLERK_...'] before Clerk(app) or init_app(app), or the environment variables "
            "CLERK_..."
        ) in message

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("CLERK_SECRET_KY", "CLERK_SECRET_KEY"),
            ("CLERK_AUTHORISED_PARTIES", "CLERK_AUTHORIZED_PARTIES"),
            ("CLERK_PROTECTED_ROUTE", "CLERK_PROTECTED_ROUTES"),
            ("CLERK_PUBLIC_ROUTE", "CLERK_PUBLIC_ROUTES"),
        ],
    )
    def test_in_a_name_is_told_with_the_one_that_was_meant(
        self, name: str, meant: str, problem: Problem, keys: Any
    ) -> None:
        assert str(problem(**keys, **{name: "sk_live_hidden"})) == (
            f"app.config[{name!r}]: there is no such option: did you mean {meant!r}?"
        )

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("SECRET_KEY", 7, "must be text"),
            ("SECRET_KEY", "pk_test_no", "looks like the publishable key"),
            ("AUTHORIZED_PARTIES", "app.example.com", "is no origin"),
            ("AUTHORIZED_PARTIES", 7, "must be a list"),
            ("CLOCK_SKEW_IN_MS", "soon", "must be a whole number of milliseconds"),
            ("CLOCK_SKEW_IN_MS", -1, "must be a number of milliseconds"),
            ("IS_SATELLITE", "perhaps", "must be true or false"),
            ("IS_SATELLITE", 1, "must be True or False"),
            ("API_URL", "nowhere", "must be a URL"),
            ("ACCEPTS_TOKEN", "cookie", "must be one of"),
            ("SIGN_IN_URL", "sign in", "must be a URL"),
        ],
    )
    def test_in_a_value_names_where_it_was_set(
        self, name: str, value: Any, says: str, problem: Problem, keys: Any
    ) -> None:
        error = problem(**(keys | {f"CLERK_{name}": value}))
        source = f"app.config['CLERK_{name}']"
        assert str(error).startswith(f"{source}: ")
        assert says in str(error)
        assert (error.option, error.source) == (name.lower(), source)

    def test_in_the_environment_names_the_variable(
        self, problem: Problem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_SECRET_KEY", "sk_live_x")
        monkeypatch.setenv("CLERK_CLOCK_SKEW_IN_MS", "soon")
        assert str(problem()).startswith("the environment variable CLERK_CLOCK_SKEW_IN_MS: ")

    @pytest.mark.parametrize("option", ["CLERK_PROTECTED_ROUTES", "CLERK_PUBLIC_ROUTES"])
    def test_in_a_route_of_the_environment_names_the_variable(
        self, option: str, problem: Problem, keys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(option, "/teams, loads")
        assert str(problem(**keys)).startswith(f"the environment variable {option}: ")

    @pytest.mark.parametrize("pattern", ["/loads/<int:load_id>", "/loads/<load_id>", "/a>"])
    def test_of_writing_flasks_routes_in_place_of_patterns_is_told(
        self, pattern: str, problem: Problem, keys: Any
    ) -> None:
        assert "app.config['CLERK_PROTECTED_ROUTES']" in str(problem(**keys, CLERK_PROTECTED_ROUTES=pattern))

    def test_of_one_key_for_all_is_told(self, problem: Problem) -> None:
        error = problem(CLERK={"SECRET_KEY": "sk_live_hidden"})
        assert str(error).startswith("app.config['CLERK']: there is no such option")
        assert "hidden" not in str(error)

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("CLERK_PROTECTED_ROUTES", "/(.*)"),
            ("CLERK_SIGN_IN_URL", "/in"),
            ("CLERK_SECRET_KEY", "sk_live_hidden"),
            ("CLERK_SECRET_KEY", None),
        ],
    )
    def test_of_setting_an_option_too_late_is_told_at_the_first_request(
        self, option: str, value: Any, app: Flask, ask: Ask
    ) -> None:
        app.get("/")(lambda: "open")
        app.config[option] = value
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"was set after Clerk\(app\)") as raised:
                ask(app)
        assert str(raised.value).startswith(f"app.config[{option!r}]: ")
        assert "hidden" not in str(raised.value)

    def test_of_taking_an_option_away_too_late_is_told(self, app: Flask, ask: Ask) -> None:
        del app.config["CLERK_JWT_KEY"]
        with pytest.raises(ConfigurationError, match=r"app\.config\['CLERK_JWT_KEY'\]: was set after"):
            ask(app)

    def test_is_none_where_something_else_is_set_later(self, app: Flask, ask: Ask) -> None:
        app.get("/")(lambda: "open")
        app.config.update(CLERK_SIGN_UP_URL=None, CLERK_FLEET_TOKEN="x", DEBUG=True)
        assert ask(app).text == "open"

    def test_that_is_repaired_leaves_nothing_behind(self, bare_app: Apps, keys: Any) -> None:
        app = bare_app(CLERK_SECRET_KY="x")
        with pytest.raises(ConfigurationError):
            Clerk(app)
        del app.config["CLERK_SECRET_KY"]
        app.config.update(keys)
        Clerk(app)

    def test_of_keys_of_two_instances_names_one(
        self, problem: Problem, clerk: LocalClerk, development: LocalClerk
    ) -> None:
        message = str(
            problem(CLERK_SECRET_KEY=development.secret_key, CLERK_PUBLISHABLE_KEY=clerk.publishable_key)
        )
        assert message.startswith("app.config['CLERK_SECRET_KEY']: ")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("CLERK_PROTECTED_ROUTES", ["teams"]),
            ("CLERK_PROTECTED_ROUTES", 7),
            ("CLERK_PUBLIC_ROUTES", "/a*"),
            ("CLERK_PUBLIC_ROUTES", ["/(a"]),
            ("CLERK_PUBLIC_ROUTES", ""),  # ignored, it would leave everything open
        ],
    )
    def test_in_a_route_names_where_it_was_set(
        self, option: str, value: Any, problem: Problem, keys: Any
    ) -> None:
        message = str(problem(**keys, **{option: value}))
        assert f"app.config[{option!r}]" in message
        assert "route" in message

    def test_routes_of_both_kinds_exclude_each_other(self, problem: Problem, keys: Any) -> None:
        error = problem(**keys, CLERK_PROTECTED_ROUTES="/a", CLERK_PUBLIC_ROUTES="/b")
        assert "protected_routes and public_routes exclude each other" in str(error)

    @pytest.mark.parametrize(
        "given",
        [
            {"CLERK_SECRET_KEY": "sk_live_{}\n x"},
            {"CLERK_SECRET_KEY": "pk_live_{}"},
            {"CLERK_SECRET_KEY": ["sk_live_{}"]},
            {"CLERK_PUBLISHABLE_KEY": "sk_live_{}"},
            {"CLERK_JWT_KEY": "sk_live_{}"},
            {"CLERK_JWT_KEY": "-----BEGIN {}-----"},
            {"CLERK_MACHINE_SECRET_KEY": ["ak_{}"]},
            {"CLERK_SECRET_KEY": "sk_live_{}", "CLERK_API_URL": "https://sk_live_{}@api.clerk.com"},
            {"CLERK_SECRET_KEY": "sk_live_{}", "CLERK_AUTHORIZED_PARTIES": "sk_live_{}"},
            {"CLERK_SECRET_KEY": "sk_live_{}", "CLERK_SECRET_KEYS": "sk_live_{}"},
        ],
        ids=str,
    )
    def test_never_shows_a_key(self, given: Any, problem: Problem) -> None:
        def filled(value: Any) -> Any:
            return (
                [item.format("hidden") for item in value]
                if isinstance(value, list)
                else value.format("hidden")
            )

        error = problem(**{name: filled(value) for name, value in given.items()})
        assert "hidden" not in str(error)
        assert "hidden" not in repr(error.__dict__)


class TestConfig:
    """``Clerk(app, config=...)``: in place of the options."""

    def test_is_used(self, effective: Any, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLERK_CLOCK_SKEW_IN_MS", "soon")  # not read at all
        given = config()
        assert effective(given) is given

    def test_may_be_a_function_of_the_request(
        self, bare_app: Apps, ask: Ask, config: Any, development: LocalClerk, clerk: LocalClerk
    ) -> None:
        asked: list[ClerkRequest] = []

        def of(request: ClerkRequest) -> ClerkConfig:
            asked.append(request)
            other = {"publishable_key": None, "secret_key": None, "jwt_key": development.jwt_key}
            made: ClerkConfig = config(**(other if request.url.host == "dev.example.com" else {}))
            return made

        app = bare_app()
        Clerk(app, config=of)
        app.get("/")(lambda: str(current_auth.user_id))
        for instance, site in ((clerk, "https://app.example.com"), (development, "https://dev.example.com")):
            token = instance.issue_session_token("user_ada", azp="https://app.example.com")
            headers = {"authorization": f"Bearer {token}"}
            assert ask(app, headers=headers, base_url=site).text == "user_ada"
        assert ask(app, headers=headers).text == "None"
        assert [request.url.host for request in asked] == [
            "app.example.com", "dev.example.com", "app.example.com"
        ]  # fmt: skip

    def test_goes_with_no_option(self, problem: Problem, keys: Any, config: Any) -> None:
        error = problem(config(), CLERK_SECRET_KEY=keys["CLERK_SECRET_KEY"], CLERK_SIGN_IN_URL="/in")
        assert "config excludes app.config['CLERK_SECRET_KEY'] and app.config['CLERK_SIGN_IN_URL']" in str(
            error
        )
        assert keys["CLERK_SECRET_KEY"] not in str(error)
        assert error.option == "config"

    def test_goes_with_routes(self, bare_app: Apps, config: Any, ask: Ask) -> None:
        app = bare_app(CLERK_PROTECTED_ROUTES=["/teams"])
        Clerk(config=config()).init_app(app)
        app.get("/teams")(lambda: "teams")
        assert ask(app, "/teams").status_code == 401

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            (ClerkConfig.from_env, "with parentheses"),
            (ClerkConfig, "with parentheses"),
            ({"secret_key": "sk_live_hidden"}, "must be a ClerkConfig"),
            ("sk_live_hidden", "must be a ClerkConfig"),
        ],
    )
    def test_that_is_none_is_told(self, given: Any, says: str, problem: Problem) -> None:
        assert says in str(problem(given))
        assert "hidden" not in str(problem(given))

    def test_shows_no_secret_where_it_is_kept(self, app: Flask, clerk: LocalClerk) -> None:
        assert clerk.secret_key not in repr(app.extensions["clerk"])


class TestForwardedHeaders:
    """Werkzeug's ProxyFix decides what is believed of them: for Flask and for Clerk the same."""

    @pytest.mark.parametrize("value", [True, "yes", "true", "1"])
    def test_are_not_trusted_by_an_option(self, value: Any, problem: Problem, keys: Any) -> None:
        error = problem(**keys, CLERK_TRUST_FORWARDED_HEADERS=value)
        assert str(error).startswith("app.config['CLERK_TRUST_FORWARDED_HEADERS']: ")
        assert "ProxyFix" in str(error)
        assert error.option == "trust_forwarded_headers"

    @pytest.mark.parametrize("value", [True, "yes"])
    def test_are_not_trusted_by_an_option_beside_a_config(
        self, value: Any, problem: Problem, config: Any
    ) -> None:
        assert "ProxyFix" in str(problem(config(), CLERK_TRUST_FORWARDED_HEADERS=value))

    def test_are_not_trusted_by_a_config(self, problem: Problem, config: Any) -> None:
        error = problem(config(trust_forwarded_headers=True))
        assert str(error).startswith("trust_forwarded_headers: Werkzeug's ProxyFix")
        assert error.option == "config"

    @pytest.mark.parametrize("value", [False, "no", "", None])
    def test_may_be_said_not_to_be_trusted(self, value: Any, effective: Any, keys: Any) -> None:
        assert effective(**keys, CLERK_TRUST_FORWARDED_HEADERS=value).trust_forwarded_headers is False

    @pytest.mark.parametrize("way", ["environment", "function"])
    def test_are_never_believed(
        self,
        way: str,
        bare_app: Apps,
        keys: Any,
        config: Any,
        ask: Ask,
        navigation: Headers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The variable may be there for another application, and a function is not asked before a request."""
        if way == "environment":
            monkeypatch.setenv("CLERK_TRUST_FORWARDED_HEADERS", "true")
            app = bare_app(**keys)
            Clerk(app)
        else:
            app = bare_app(TESTING=False)
            Clerk(app, lambda request: config(trust_forwarded_headers=True))
        app.get("/")(lambda: str(get_state().request.url))
        app.get("/who", endpoint="who")(lambda: str(current_auth.user_id))
        forwarded = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}
        assert "evil.example" not in ask(app, headers=forwarded).text
        response = ask(app, "/who", navigation | forwarded | {"cookie": "__client_uat=9"})
        assert "evil.example" not in response.headers.get("Location", "")
