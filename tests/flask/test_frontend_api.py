"""The Frontend API proxy: before all that an application has of its own, and wherever the application is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from flask import Flask, current_app, g, request, session
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client, TestResponse

from clerk_middleware import CSP, ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.local.proxied_requests import ProxiedRequest
from clerk_middleware_flask import Clerk, current_auth
from clerk_middleware_flask.runtime import runtime_of
from clerk_middleware_flask.testing import ClerkTestClient

SITE = "https://app.example.com"
JWKS = "/__clerk/.well-known/jwks.json"

Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]
PassedOn = Callable[[], list[ProxiedRequest]]


@pytest.fixture
def proxying(app_of: Apps, backend_api: LocalServer) -> Apps:
    """Make an application that proxies the Frontend API of LocalClerk."""

    def make(**options: Any) -> Flask:
        return app_of(**{"CLERK_FRONTEND_API_PROXY": True, "CLERK_FAPI_URL": backend_api.url} | options)

    return make


@pytest.fixture
def passed_on(clerk: LocalClerk) -> PassedOn:
    """What LocalClerk got by a proxy since the test began."""
    before = len(clerk.proxied_requests)
    return lambda: list(clerk.proxied_requests[before:])


@pytest.fixture
def development_api(development: LocalClerk) -> Any:
    with development.serve() as server:
        yield server


def is_of_clerk(response: TestResponse) -> bool:
    return response.status_code == 200 and response.json is not None and "keys" in response.json


def fail(*_: Any) -> NoReturn:
    raise AssertionError("a function of the application was called")


class TestTheFrontendAPI:
    def test_is_at_its_path(self, proxying: Apps, passed_on: PassedOn, ask: Ask) -> None:
        response = ask(proxying(), f"{JWKS}?x=1", environ_base={"REMOTE_ADDR": "203.0.113.7"})
        assert is_of_clerk(response)
        [seen] = passed_on()
        assert (seen.method, seen.path) == ("GET", "/.well-known/jwks.json")
        assert (seen.proxy_url, seen.forwarded_for) == (f"{SITE}/__clerk", "203.0.113.7")

    @pytest.mark.parametrize("path", ["/frontend", "/clerk/api"])
    def test_is_at_a_path_of_the_applications_choice(self, path: str, proxying: Apps, ask: Ask) -> None:
        app = proxying(CLERK_FRONTEND_API_PROXY=path)
        assert is_of_clerk(ask(app, f"{path}/.well-known/jwks.json"))
        assert ask(app, JWKS).status_code == 404

    def test_is_nowhere_else(self, proxying: Apps, passed_on: PassedOn, ask: Ask) -> None:
        app = proxying()
        app.get("/<path:page>")(lambda page: f"the application's {page}")
        for path in ("/__clerker", "/__CLERK/v1", "/who", "//__clerk/v1", "/x/__clerk/v1"):
            assert "the application's" in ask(app, path, follow_redirects=True).text
        assert passed_on() == []

    def test_is_off_unless_it_is_turned_on(self, app: Flask, passed_on: PassedOn, ask: Ask) -> None:
        assert ask(app, JWKS).status_code == 404
        assert passed_on() == []

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
    def test_is_asked_by_each_of_its_methods(
        self, method: str, proxying: Apps, passed_on: PassedOn, ask: Ask
    ) -> None:
        ask(proxying(), "/__clerk/v1/client", method=method)
        assert [seen.method for seen in passed_on()] == [method]

    def test_gets_no_trace(self, proxying: Apps, passed_on: PassedOn, ask: Ask) -> None:
        response = ask(proxying(), "/__clerk/v1/client", method="TRACE")
        assert response.status_code == 405
        assert passed_on() == []

    def test_that_does_not_answer_is_an_error_that_says_so(
        self, proxying: Apps, ask: Ask, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "clerk_middleware"):
            response = ask(proxying(CLERK_FAPI_URL="http://127.0.0.1:9"), JWKS)
        assert response.status_code == 502
        assert response.json is not None
        assert response.json["errors"][0]["code"] == "proxy_request_failed"
        assert "Frontend API proxy answered 502" in caplog.text
        assert "sk_" not in caplog.text + response.text


class TestTheApplication:
    def test_is_not_called(self, bare_app: Apps, keys: Any, backend_api: LocalServer, ask: Ask) -> None:
        """Whichever of its functions was registered before `Clerk`, or after."""
        app = bare_app(
            **keys,
            CLERK_FRONTEND_API_PROXY=True,
            CLERK_FAPI_URL=backend_api.url,
            CLERK_PROTECTED_ROUTES="/(.*)",
        )
        for _ in range(2):
            app.before_request(fail)
            app.url_value_preprocessor(fail)
            app.after_request(fail)
            app.teardown_request(fail)
            if "clerk" not in app.extensions:
                Clerk(app)
        app.errorhandler(404)(fail)
        assert is_of_clerk(ask(app, JWKS))
        assert ask(app, "/__clerk/v1/nothing").status_code == 404  # Clerk's own, to which no page is added

    def test_is_called_for_all_else(self, proxying: Apps, ask: Ask) -> None:
        app, called = proxying(), []
        app.before_request(lambda: called.append("before"))
        app.teardown_request(lambda error: called.append("after"))
        assert ask(app, "/who").status_code == 404
        assert called == ["before", "after"]

    @pytest.mark.parametrize("is_first", [True, False])
    def test_checks_neither_forgery_nor_length(
        self,
        is_first: bool,
        bare_app: Apps,
        keys: Any,
        backend_api: LocalServer,
        passed_on: PassedOn,
        ask: Ask,
    ) -> None:
        app = bare_app(
            **keys, CLERK_FRONTEND_API_PROXY=True, CLERK_FAPI_URL=backend_api.url, MAX_CONTENT_LENGTH=10
        )
        for set_up in (CSRFProtect, Clerk) if is_first else (Clerk, CSRFProtect):
            set_up(app)
        response = ask(app, "/__clerk/v1/client/sign_ins", method="POST", data={"identifier": "x" * 1000})
        assert response.status_code == 422  # LocalClerk knows nobody of that name
        assert [seen.path for seen in passed_on()] == ["/v1/client/sign_ins"]

    def test_adds_nothing_to_the_answer(self, proxying: Apps, ask: Ask) -> None:
        app = proxying(CLERK_CONTENT_SECURITY_POLICY=CSP(strict=True), SESSION_REFRESH_EACH_REQUEST=True)

        @app.get("/who")
        def who() -> str:
            session.permanent = True
            return str(current_auth.user_id)

        browser = app.test_client()
        assert "Set-Cookie" in browser.get("/who", base_url=SITE).headers
        headers = browser.get(JWKS, base_url=SITE).headers
        for name in ("Set-Cookie", "Vary", "Content-Security-Policy", "X-Nonce"):
            assert name not in headers

    def test_keeps_its_context_in_a_test(self, proxying: Apps) -> None:
        with proxying().test_client() as client:
            assert is_of_clerk(client.get(JWKS))
            assert request.path == JWKS


class TestWhereItIs:
    @pytest.mark.parametrize("is_first", [True, False])
    def test_is_what_proxyfix_finds_out(
        self,
        is_first: bool,
        bare_app: Apps,
        keys: Any,
        backend_api: LocalServer,
        passed_on: PassedOn,
        ask: Ask,
    ) -> None:
        app = bare_app(**keys, CLERK_FRONTEND_API_PROXY="/app/__clerk", CLERK_FAPI_URL=backend_api.url)
        if not is_first:
            Clerk(app)
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1
        )
        if is_first:
            Clerk(app)
        forwarded = {
            "X-Forwarded-For": "198.51.100.1, 203.0.113.9",
            "X-Forwarded-Host": "www.example.com",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Prefix": "/app",
        }
        assert is_of_clerk(ask(app, JWKS, forwarded, base_url="http://10.0.0.1:8000"))
        [seen] = passed_on()
        assert (seen.proxy_url, seen.forwarded_for) == ("https://www.example.com/app/__clerk", "203.0.113.9")

    def test_is_below_the_mount(self, proxying: Apps, bare_app: Apps, passed_on: PassedOn) -> None:
        outer, shop = bare_app(), proxying(CLERK_FRONTEND_API_PROXY="/shop/__clerk")
        client = Client(DispatcherMiddleware(outer, {"/shop": shop}), TestResponse)
        assert client.get(JWKS, base_url=SITE).status_code == 404
        assert is_of_clerk(client.get(f"/shop{JWKS}", base_url=SITE))
        assert [seen.proxy_url for seen in passed_on()] == [f"{SITE}/shop/__clerk"]

    def test_is_at_no_other_host_than_those_that_are_trusted(
        self, proxying: Apps, passed_on: PassedOn, ask: Ask
    ) -> None:
        app = proxying(TRUSTED_HOSTS=["app.example.com"])
        assert ask(app, JWKS, base_url="https://evil.example").status_code == 400
        assert passed_on() == []
        assert is_of_clerk(ask(app, JWKS))


class TestSeveralApplications:
    def test_of_one_clerk_have_each_its_own(
        self,
        bare_app: Apps,
        keys: Any,
        development: LocalClerk,
        backend_api: LocalServer,
        development_api: LocalServer,
        passed_on: PassedOn,
        ask: Ask,
    ) -> None:
        extension = Clerk()
        first = bare_app(**keys, CLERK_FRONTEND_API_PROXY=True, CLERK_FAPI_URL=backend_api.url)
        second = bare_app(
            CLERK_SECRET_KEY=development.secret_key,
            CLERK_PUBLISHABLE_KEY=development.publishable_key,
            CLERK_FRONTEND_API_PROXY="/clerk",
            CLERK_FAPI_URL=development_api.url,
        )
        third = bare_app(**keys)
        for app in (first, second, third):
            extension.init_app(app)
        before = len(development.proxied_requests)
        assert (
            ask(first, "/__clerk/.well-known/jwks.json").json
            != ask(second, "/clerk/.well-known/jwks.json").json
        )
        assert len(passed_on()) == len(development.proxied_requests) - before == 1
        assert ask(third, JWKS).status_code == 404

    def test_open_new_connections_after_they_are_closed(self, proxying: Apps, ask: Ask) -> None:
        app = proxying()
        for _ in range(2):
            assert is_of_clerk(ask(app, JWKS))
            runtime_of(app).close()


class TestAConfigurationOfTheRequest:
    @pytest.fixture
    def tenants(self, config: Any, backend_api: LocalServer) -> Callable[[ClerkRequest], ClerkConfig]:
        with_proxy = config(frontend_api_proxy=True, fapi_url=backend_api.url)

        def of(seen: ClerkRequest) -> ClerkConfig:
            g.asked = [*g.get("asked", []), current_app.name, request.path]
            if seen.url.host == "broken.example.com":
                raise LookupError("no such tenant")
            return with_proxy if seen.url.host == "app.example.com" else config()  # type: ignore[no-any-return]

        return of

    def test_says_whether_there_is_a_proxy(
        self, bare_app: Apps, tenants: Any, passed_on: PassedOn, ask: Ask
    ) -> None:
        app = bare_app()
        Clerk(app, tenants)
        assert is_of_clerk(ask(app, JWKS))
        assert ask(app, JWKS, base_url="https://plain.example.com").status_code == 404
        assert len(passed_on()) == 1

    def test_may_ask_flask_and_is_asked_once(
        self, bare_app: Apps, tenants: Any, ask: Ask, dispatcher: dict[str, str]
    ) -> None:
        app = bare_app()
        Clerk(app, tenants)
        app.get("/who")(lambda: {"user": current_auth.user_id, "asked": g.asked})
        response = ask(app, "/who", dispatcher)
        assert response.json == {"user": "user_dev", "asked": ["fleet", "/who"]}

    def test_that_fails_fails_in_the_application(
        self, bare_app: Apps, tenants: Any, passed_on: PassedOn, ask: Ask
    ) -> None:
        """Where it handles its errors."""
        app = bare_app()
        Clerk(app, tenants)
        app.errorhandler(LookupError)(lambda error: (str(error), 421))
        response = ask(app, JWKS, base_url="https://broken.example.com")
        assert (response.status_code, response.text) == (421, "no such tenant")
        assert passed_on() == []


class TestTheTestClient:
    def test_asks_nobody(self, proxying: Apps, passed_on: PassedOn) -> None:
        """It has an instance of its own, whose Frontend API has nothing."""
        client = ClerkTestClient(proxying())
        client.clerk_login("user_ann")
        for response in (client.get(JWKS), client.post("/__clerk/v1/client", data=b"a body")):
            assert response.status_code == 404
            assert response.json is not None
            assert response.json["errors"][0]["message"] == "Tests have no Frontend API."
        assert passed_on() == []


class TestAMistake:
    def test_names_the_setting(self, app_of: Apps) -> None:
        with pytest.raises(
            ConfigurationError, match=r"app\.config\['CLERK_FRONTEND_API_PROXY'\]: must be True or"
        ):
            app_of(CLERK_FRONTEND_API_PROXY="clerk")
