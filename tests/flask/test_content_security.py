"""The Content Security Policy of an application's responses, and the nonce of its scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort, redirect, render_template_string, request
from werkzeug.test import TestResponse

from clerk_middleware import CSP, ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import Clerk, csp_nonce, get_state, require_auth
from clerk_middleware_flask.testing import ClerkTestClient

SITE = "https://app.example.com"
FRONTEND_API = "https://clerk.example.com"
PAGE = '<script nonce="{{ csp_nonce() }}"></script>'

Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]


@pytest.fixture
def policed(app_of: Apps) -> Apps:
    """Make an application with a strict policy, unless the options have another."""
    return lambda **options: app_of(**{"CLERK_CONTENT_SECURITY_POLICY": CSP(strict=True)} | options)


def policy_of(response: TestResponse) -> dict[str, list[str]]:
    """The sources of each directive; there is one policy."""
    [policy] = response.headers.getlist("Content-Security-Policy")
    directives = [directive.split() for directive in policy.split(";")]
    return {name: sources for name, *sources in directives}


def nonce_of(response: TestResponse) -> str:
    """That of the header, which the policy and the page have as well."""
    nonce = response.headers["X-Nonce"]
    assert f"'nonce-{nonce}'" in policy_of(response)["script-src"]
    found = re.findall(r'nonce="([^"]*)"', response.text)
    assert found == [nonce] * len(found)
    return nonce


class TestThePolicy:
    def test_lets_clerk_work(self, policed: Apps, ask: Ask) -> None:
        app = policed(CLERK_CONTENT_SECURITY_POLICY=CSP(directives={"font-src": "https://fonts.example"}))
        app.get("/")(lambda: "page")
        policy = policy_of(ask(app))
        assert FRONTEND_API in policy["connect-src"]
        assert "https://challenges.cloudflare.com" in policy["frame-src"]
        assert policy["font-src"] == ["https://fonts.example"]

    def test_is_not_there_unless_it_is_asked_for(self, app: Flask, ask: Ask) -> None:
        app.get("/")(lambda: f"[{csp_nonce()}] {request.headers.get('x-nonce')}")
        response = ask(app)
        assert response.text == "[] None"
        assert "Content-Security-Policy" not in response.headers
        assert "X-Nonce" not in response.headers

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/page", 200),
            ("/away", 302),
            ("/gone", 410),
            ("/broken", 500),
            ("/nowhere", 404),
            ("/protected", 401),
            ("/static/style.css", 200),
            ("/private/room", 401),
        ],
    )
    @pytest.mark.parametrize("has_pages", [True, False])
    def test_is_in_each_response(
        self, path: str, status: int, has_pages: bool, policed: Apps, ask: Ask, tmp_path: Path
    ) -> None:
        (tmp_path / "static").mkdir()
        (tmp_path / "static/style.css").write_text("p {}")
        app = policed(TESTING=False, CLERK_PROTECTED_ROUTES="/private/(.*)")
        if has_pages:
            for code in (404, 410, 500):
                app.register_error_handler(code, lambda error: (render_template_string(PAGE), error.code))
        app.get("/page", endpoint="page")(lambda: render_template_string(PAGE))
        app.get("/away", endpoint="away")(lambda: redirect("/page"))
        app.get("/gone", endpoint="gone")(lambda: abort(410))
        app.get("/broken", endpoint="broken")(lambda: str(1 / 0))
        app.get("/protected", endpoint="protected")(require_auth(lambda: "nobody sees it"))
        response = ask(app, path)
        assert response.status_code == status
        assert nonce_of(response)

    def test_is_not_in_the_redirect_of_a_handshake(
        self, policed: Apps, development: LocalClerk, ask: Ask, navigation: dict[str, str]
    ) -> None:
        response = ask(policed(instance=development), "/", navigation)
        assert response.status_code == 307
        assert "Content-Security-Policy" not in response.headers

    def test_is_not_in_a_304(self, policed: Apps, ask: Ask, tmp_path: Path) -> None:
        """The page that the browser has kept has its nonce in it."""
        (tmp_path / "static").mkdir()
        (tmp_path / "static/style.css").write_text("p {}")
        app = policed()
        tag = ask(app, "/static/style.css").headers["ETag"]
        response = ask(app, "/static/style.css", {"if-none-match": tag})
        assert response.status_code == 304
        assert "Content-Security-Policy" not in response.headers
        assert "X-Nonce" not in response.headers

    def test_is_merged_with_the_applications_own(self, policed: Apps, ask: Ask) -> None:
        app = policed()

        @app.after_request
        def harden(response: Response) -> Response:
            response.headers["Content-Security-Policy"] = "default-src 'none'; script-src 'self' 'nonce-own'"
            return response

        app.get("/")(lambda: render_template_string(PAGE))
        response = ask(app)
        policy = policy_of(response)
        assert policy["default-src"] == ["'none'"]
        assert policy["script-src"][:2] == ["'self'", "'nonce-own'"]
        assert FRONTEND_API in policy["connect-src"]
        assert nonce_of(response)

    def test_may_only_report(self, policed: Apps, ask: Ask) -> None:
        app = policed(CLERK_CONTENT_SECURITY_POLICY=CSP(report_only=True, report_to="/csp"))
        app.get("/")(lambda: "page")
        headers = ask(app).headers
        assert "report-uri /csp" in headers["Content-Security-Policy-Report-Only"]
        assert headers["Reporting-Endpoints"] == 'csp-endpoint="/csp"'
        assert "Content-Security-Policy" not in headers

    def test_has_the_applications_own_origin_where_it_proxies(self, policed: Apps, ask: Ask) -> None:
        app = policed(CLERK_FRONTEND_API_PROXY=True)
        app.get("/")(lambda: "page")
        policy = policy_of(ask(app))
        assert "'self'" in policy["connect-src"]
        assert FRONTEND_API not in policy["connect-src"]


class TestTheNonce:
    def test_is_the_same_everywhere_in_a_request(self, policed: Apps, ask: Ask) -> None:
        app = policed()
        app.get("/")(
            lambda: {
                "function": csp_nonce(),
                "template": render_template_string("{{ csp_nonce() }}"),
                "header": request.headers["x-nonce"],
                "environ": request.environ["clerk.csp_nonce"],
                "state": getattr(get_state().policy, "nonce", None),
            }
        )
        response = ask(app, headers={"x-nonce": "forged"})
        assert response.json is not None
        assert set(response.json.values()) == {nonce_of(response)}

    def test_is_another_in_each_request(self, policed: Apps, ask: Ask) -> None:
        app = policed()
        app.get("/")(lambda: render_template_string(PAGE))
        assert len({nonce_of(ask(app)) for _ in range(5)}) == 5

    def test_is_another_where_a_view_returns_the_same_response_again(self, policed: Apps, ask: Ask) -> None:
        app = policed()
        kept = Response("kept", headers={"Content-Security-Policy": "script-src 'self'"})
        app.get("/")(lambda: kept)
        nonces = {nonce_of(ask(app)) for _ in range(3)}
        assert len(nonces) == 3
        assert kept.headers["Content-Security-Policy"] == "script-src 'self'"
        assert "X-Nonce" not in kept.headers

    def test_is_empty_unless_the_policy_is_strict(self, policed: Apps, ask: Ask) -> None:
        app = policed(CLERK_CONTENT_SECURITY_POLICY=CSP())
        app.get("/")(lambda: render_template_string(PAGE))
        response = ask(app)
        assert response.text == '<script nonce=""></script>'
        assert "X-Nonce" not in response.headers

    @pytest.mark.parametrize("is_strict", [True, False])
    def test_goes_before_that_of_another_extension(
        self, is_strict: bool, bare_app: Apps, keys: Any, ask: Ask
    ) -> None:
        app = bare_app(**keys, CLERK_CONTENT_SECURITY_POLICY=CSP(strict=is_strict))
        app.jinja_env.globals["csp_nonce"] = lambda: "of Talisman"
        Clerk(app)
        app.get("/")(lambda: render_template_string("{{ csp_nonce() }}"))
        response = ask(app)
        assert response.text == (response.headers["X-Nonce"] if is_strict else "of Talisman")

    @pytest.mark.parametrize(
        "page", ["{{ csp_nonce }}", "{{ csp_nonce() }}", "{{ csp_nonce|string }}", "{{ '' ~ csp_nonce }}"]
    )
    @pytest.mark.parametrize("escapes", [True, False])
    def test_is_a_text_and_a_function_in_templates(
        self, page: str, escapes: bool, policed: Apps, ask: Ask
    ) -> None:
        app = policed()
        text = f"{{% autoescape {str(escapes).lower()} %}}{page}{{% endautoescape %}}"
        app.get("/")(lambda: render_template_string(text))
        response = ask(app)
        assert response.text == response.headers["X-Nonce"]

    @pytest.mark.parametrize("is_strict", [True, False])
    def test_is_true_where_there_is_one(self, is_strict: bool, bare_app: Apps, keys: Any, ask: Ask) -> None:
        app = bare_app(**keys, CLERK_CONTENT_SECURITY_POLICY=CSP(strict=is_strict))
        Clerk(app)
        app.get("/")(lambda: render_template_string("{% if csp_nonce %}there{% endif %}[{{ csp_nonce }}]"))
        response = ask(app)
        assert response.text == (f"there[{response.headers['X-Nonce']}]" if is_strict else "[]")

    def test_is_escaped_whoever_made_it(self, bare_app: Apps, keys: Any, ask: Ask) -> None:
        app = bare_app(**keys)
        app.jinja_env.globals["csp_nonce"] = lambda: '">'
        Clerk(app)
        app.get("/")(lambda: render_template_string("{{ csp_nonce }}"))
        assert ask(app).text == "&#34;&gt;"

    def test_leaves_alone_what_else_is_called_so(self, bare_app: Apps, keys: Any, ask: Ask) -> None:
        app = bare_app(**keys, CLERK_CONTENT_SECURITY_POLICY=CSP(strict=True))
        app.jinja_env.globals["csp_nonce"] = "a value"
        Clerk(app)
        app.get("/")(lambda: render_template_string("{{ csp_nonce }}"))
        assert ask(app).text == "a value"

    def test_needs_a_clerk(self, bare_app: Apps, ask: Ask) -> None:
        app = bare_app()
        app.get("/")(lambda: csp_nonce())
        with pytest.raises(ConfigurationError, match="has no Clerk"):
            ask(app)

    def test_is_in_the_pages_of_the_test_client(self, policed: Apps) -> None:
        app = policed()
        app.get("/")(lambda: render_template_string(PAGE))
        assert nonce_of(ClerkTestClient(app).get("/"))


class TestAPageOfARequestThatIsNotAuthenticated:
    def test_for_a_host_that_is_not_trusted(self, policed: Apps, ask: Ask) -> None:
        app = policed(TRUSTED_HOSTS=["app.example.com"])
        app.errorhandler(400)(lambda error: (render_template_string(PAGE), 400))
        response = ask(app, base_url="https://evil.example")
        assert response.status_code == 400
        assert nonce_of(response)
        assert FRONTEND_API in policy_of(response)["connect-src"]
        assert "evil" not in str(response.headers)

    def test_from_a_function_before(self, bare_app: Apps, keys: Any, ask: Ask) -> None:
        """Such as: the site is being repaired."""
        app = bare_app(**keys, CLERK_CONTENT_SECURITY_POLICY=CSP())
        app.before_request(lambda: "<h1>Back soon</h1>")
        Clerk(app)
        assert FRONTEND_API in policy_of(ask(app))["connect-src"]

    def test_from_a_function_before_with_a_nonce(self, bare_app: Apps, keys: Any, ask: Ask) -> None:
        app = bare_app(**keys, CLERK_CONTENT_SECURITY_POLICY=CSP(strict=True))
        app.before_request(lambda: render_template_string(PAGE + "{{ current_auth.user_id }}"))
        Clerk(app)
        assert nonce_of(ask(app))

    def test_that_is_kept_and_returned_again(self, bare_app: Apps, keys: Any, ask: Ask) -> None:
        app = bare_app(**keys, CLERK_CONTENT_SECURITY_POLICY=CSP(strict=True))
        kept = Response("<h1>Back soon</h1>", mimetype="text/html")
        app.before_request(lambda: kept)
        Clerk(app)
        assert len({nonce_of(ask(app)) for _ in range(3)}) == 3
        assert "X-Nonce" not in kept.headers

    def test_of_an_application_that_proxies(self, bare_app: Apps, keys: Any, ask: Ask) -> None:
        app = bare_app(**keys, CLERK_CONTENT_SECURITY_POLICY=CSP(), CLERK_FRONTEND_API_PROXY=True)
        app.before_request(lambda: "<h1>Back soon</h1>")
        Clerk(app)
        policy = policy_of(ask(app))
        assert "'self'" in policy["connect-src"]
        assert FRONTEND_API not in policy["connect-src"]

    def test_without_a_publishable_key(self, bare_app: Apps, clerk: LocalClerk, ask: Ask) -> None:
        app = bare_app(CLERK_SECRET_KEY=clerk.secret_key, CLERK_CONTENT_SECURITY_POLICY=CSP())
        app.before_request(lambda: "<h1>Back soon</h1>")
        Clerk(app)
        assert "https://challenges.cloudflare.com" in policy_of(ask(app))["script-src"]

    def test_of_an_application_without_any_policy(self, bare_app: Apps, keys: Any, ask: Ask) -> None:
        app = bare_app(**keys)
        app.before_request(lambda: "<h1>Back soon</h1>")
        Clerk(app)
        assert "Content-Security-Policy" not in ask(app).headers

    def test_whose_configuration_fails(self, bare_app: Apps, ask: Ask) -> None:
        """The page is shown all the same; nothing is known of a policy."""

        def config_of(seen: ClerkRequest) -> ClerkConfig:
            raise LookupError("no such tenant")

        app = bare_app()
        Clerk(app, config_of)
        app.errorhandler(LookupError)(lambda error: (render_template_string(PAGE), 421))
        response = ask(app)
        assert (response.status_code, response.text) == (421, '<script nonce=""></script>')
        assert "Content-Security-Policy" not in response.headers

    def test_is_no_metadata(self, policed: Apps, ask: Ask) -> None:
        """Which programs read, and caches keep."""
        app = policed(CLERK_ACCEPTS_TOKEN="any", CLERK_OAUTH_RESOURCES=["/api"])
        response = ask(app, "/.well-known/oauth-protected-resource/api")
        assert response.status_code == 200
        assert "X-Nonce" not in response.headers


class TestWhoIsSignedIn:
    def test_makes_no_difference(self, policed: Apps, ask: Ask, cookies: dict[str, str]) -> None:
        app = policed()
        app.get("/")(lambda: render_template_string(PAGE + "{{ current_auth.user_id }}"))
        response = ask(app, headers=cookies)
        assert "user_dev" in response.text
        assert nonce_of(response)
