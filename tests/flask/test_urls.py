"""The URL of a request, behind proxies and below prefixes, and the ways to sign in and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Blueprint, Flask, redirect, render_template_string, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from clerk_middleware import ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import Clerk, current_auth, require_auth, sign_in_url, sign_up_url

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]

FORWARDED = {
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "www.example.com",
    "x-forwarded-prefix": "/app",
}


def back_of(location: str) -> str:
    return "".join(parse_qs(urlsplit(location).query).get("redirect_url", []))


@pytest.fixture
def way_back(ask: Ask, navigation: Headers) -> Callable[..., str]:
    """Where the handshake of a browser without cookies comes back to."""

    def of(app: Flask, path: str = "/who", headers: Any = None, **options: Any) -> str:
        response = ask(app, path, navigation | (headers or {}), **options)
        assert response.status_code == 307
        return back_of(response.location)

    return of


class TestTheUrl:
    def test_is_the_hosts_own(self, app_of: Apps, development: LocalClerk, way_back: Any) -> None:
        app = app_of(development)
        assert way_back(app) == f"{SITE}/who"
        assert way_back(app, base_url="http://localhost:5000") == "http://localhost:5000/who"

    def test_is_not_what_forwarded_headers_claim(
        self, app_of: Apps, development: LocalClerk, way_back: Any
    ) -> None:
        assert way_back(app_of(development), headers=FORWARDED) == f"{SITE}/who"

    @pytest.mark.parametrize("is_first", [True, False])
    def test_is_what_proxyfix_finds_out(
        self, is_first: bool, bare_app: Apps, development: LocalClerk, way_back: Any
    ) -> None:
        app = bare_app(
            CLERK_SECRET_KEY=development.secret_key, CLERK_PUBLISHABLE_KEY=development.publishable_key
        )
        if not is_first:
            Clerk(app)
        app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
        if is_first:
            Clerk(app)
        back = way_back(app, headers=FORWARDED, base_url="http://10.0.0.1:8000")
        assert back == "https://www.example.com/app/who"

    @pytest.mark.parametrize(
        ("script", "path"), [("/app", "/who"), ("/app/", "/who"), ("/app/", "who"), ("/app", "who")]
    )
    def test_is_below_the_prefix_that_the_server_names(
        self, script: str, path: str, app_of: Apps, development: LocalClerk, way_back: Any
    ) -> None:
        overrides = {"SCRIPT_NAME": script, "PATH_INFO": path}
        back = way_back(app_of(development), environ_overrides=overrides)
        assert back.replace("//who", "/who") == f"{SITE}/app/who"

    @pytest.mark.parametrize(
        "options",
        [
            {"SERVER_NAME": "fleet.example.com"},
            {"APPLICATION_ROOT": "/fleet"},
            {"SERVER_NAME": "fleet.example.com:8000", "PREFERRED_URL_SCHEME": "http"},
        ],
    )
    def test_is_that_of_the_request_whatever_is_for_urls_outside_of_one(
        self, options: Any, app_of: Apps, development: LocalClerk, way_back: Any
    ) -> None:
        assert way_back(app_of(development, **options)) == f"{SITE}/who"

    def test_is_followed_for_subdomains(
        self, bare_app: Apps, keys: Any, ask: Ask, navigation: Headers
    ) -> None:
        app = Flask("fleet", subdomain_matching=True)
        app.config.update(keys, SERVER_NAME="example.com")
        Clerk(app)
        blueprint = Blueprint("tenant", __name__, subdomain="<tenant>")
        blueprint.get("/who")(require_auth(lambda tenant: f"{tenant} {current_auth.user_id}"))
        app.register_blueprint(blueprint)
        response = ask(app, "/who", navigation, base_url="https://acme.example.com")
        assert back_of(response.location) == "https://acme.example.com/who"

    def test_is_followed_for_hosts(self, keys: Any, ask: Ask, navigation: Headers) -> None:
        app = Flask("fleet", host_matching=True, static_host="static.example.com")
        app.config.update(keys)
        Clerk(app)
        app.get("/who", host="b.example.com")(require_auth(lambda: "who"))
        response = ask(app, "/who", navigation, base_url="https://b.example.com")
        assert back_of(response.location) == "https://b.example.com/who"
        assert ask(app, "/who", navigation, base_url="https://a.example.com").status_code == 404


class TestAHostThatIsNotTrusted:
    @pytest.fixture
    def app(self, app_of: Apps, development: LocalClerk) -> Flask:
        app = app_of(development, TRUSTED_HOSTS=["app.example.com", ".example.org"])
        app.get("/who")(lambda: str(current_auth.user_id))
        return app

    @pytest.mark.parametrize("host", ["evil.example", "app.example.com.evil.example", "example.com"])
    def test_gets_no_handshake(self, host: str, app: Flask, ask: Ask, navigation: Headers) -> None:
        response = ask(app, "/who", navigation, base_url=f"https://{host}")
        assert response.status_code == 400
        assert "location" not in response.headers

    def test_gets_no_identity(self, app: Flask, ask: Ask, development: LocalClerk) -> None:
        token = development.issue_session_token("user_dev", azp=SITE)
        headers = {"authorization": f"Bearer {token}"}
        assert ask(app, "/who", headers).text == "user_dev"
        assert ask(app, "/who", headers, base_url="https://evil.example").status_code == 400

    def test_is_told_from_those_that_are(self, app: Flask, way_back: Any) -> None:
        assert way_back(app) == f"{SITE}/who"
        assert way_back(app, base_url="https://a.example.org") == "https://a.example.org/who"

    def test_gets_the_error_page(self, app: Flask, ask: Ask, navigation: Headers) -> None:
        app.register_error_handler(
            400, lambda error: (render_template_string("sorry, {{ current_auth.user_id }}"), 400)
        )
        response = ask(app, "/who", navigation, base_url="https://evil.example")
        assert (response.status_code, response.text) == (400, "sorry, None")

    def test_gets_an_error_page_with_a_way_to_sign_in_that_does_not_lead_back_to_it(
        self, app: Flask, ask: Ask, navigation: Headers
    ) -> None:
        app.register_error_handler(
            400,
            lambda error: (
                render_template_string(
                    "{{ clerk_sign_in_url() }} {{ clerk_sign_up_url('https://a.example/x') }}"
                ),
                400,
            ),
        )
        response = ask(app, "/who", navigation, base_url="https://evil.example")
        assert response.status_code == 400
        assert response.text.count("https://") == 2
        assert "evil.example" not in response.text


class TestTheWayToSignIn:
    @pytest.fixture
    def link(self, app: Flask, ask: Ask) -> Callable[..., str]:
        app.get("/link/<which>")(
            lambda which: render_template_string(
                "{{ (clerk_sign_in_url if which == 'in' else clerk_sign_up_url)(request.args.get('next')) }}",
                which=which,
            )
        )

        def of(next_page: str | None = None, which: str = "in", **options: Any) -> str:
            query = {"next": next_page} if next_page is not None else {}
            return ask(app, f"/link/{which}", query_string=query, **options).text.replace("&amp;", "&")

        return of

    def test_leads_back_to_this_page(self, link: Any) -> None:
        target = urlsplit(link())
        assert (target.netloc, target.path) == ("accounts.example.com", "/sign-in")
        assert back_of(link()) == f"{SITE}/link/in"
        assert urlsplit(link(which="up")).path == "/sign-up"
        assert back_of(link(which="up")) == f"{SITE}/link/up"

    @pytest.mark.parametrize(
        ("wanted", "back"),
        [
            ("/teams?page=2", "/teams?page=2"),
            ("teams", "/link/teams"),
            (f"{SITE}/teams", "/teams"),
            ("?a=b", "/link/in?a=b"),
            ("/teams?__clerk_handshake=x&a=b", "/teams?a=b"),
        ],
    )
    def test_leads_back_to_a_page_of_this_site(self, wanted: str, back: str, link: Any) -> None:
        assert back_of(link(wanted)) == f"{SITE}{back}"

    @pytest.mark.parametrize(
        "wanted",
        [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example/",
            "https:evil.example",
            "https://app.example.com@evil.example/",
            "https://app.example.com.evil.example/",
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "javascript:alert(1)",
            "\t//evil.example/",
            "/\t/evil.example/",
            "ht\ntps://evil.example/",
            "data:text/html,x",
        ],
    )
    def test_leads_back_to_no_stranger(self, wanted: str, link: Any) -> None:
        for which in ("in", "up"):
            back = urlsplit(back_of(link(wanted, which)))
            assert f"{back.scheme}://{back.netloc}" == SITE
            assert urlsplit(link(wanted, which)).netloc == "accounts.example.com"

    def test_is_the_same_in_a_view_and_in_a_template(
        self, app: Flask, ask: Ask, link: Any, in_kind: Any
    ) -> None:
        made = {"in": sign_in_url, "up": sign_up_url}
        app.get("/view/<which>", endpoint="view")(in_kind(lambda which: made[which]()))
        app.get("/next/<which>", endpoint="next")(in_kind(lambda which: made[which](request.args["next"])))
        app.get("/go", endpoint="go")(in_kind(lambda: redirect(sign_in_url())))
        for which in ("in", "up"):
            assert ask(app, f"/view/{which}").text == link(which=which).replace("link", "view")
            for wanted, back in (("/teams?page=2", "/teams?page=2"), ("//evil.example", f"/link/{which}")):
                seen = ask(app, f"/next/{which}", query_string={"next": wanted}).text
                assert urlsplit(seen).netloc == "accounts.example.com"
                assert back_of(seen).partition("?next=")[0].replace("/next/", "/link/") == f"{SITE}{back}"
        response = ask(app, "/go")
        assert (response.status_code, back_of(response.location)) == (302, f"{SITE}/go")

    def test_needs_a_request(self) -> None:
        for made in (sign_in_url, sign_up_url):
            with pytest.raises(RuntimeError):
                made()

    def test_may_lead_back_to_an_authorized_party(self, app_of: Apps, ask: Ask) -> None:
        app = app_of(CLERK_AUTHORIZED_PARTIES=[SITE, "https://other.example.com"])
        app.get("/")(lambda: render_template_string("{{ clerk_sign_in_url('https://other.example.com/a') }}"))
        assert back_of(ask(app).text) == "https://other.example.com/a"

    def test_is_where_the_configuration_says(self, app_of: Apps, ask: Ask) -> None:
        app = app_of(CLERK_SIGN_IN_URL="/sign-in", CLERK_SIGN_UP_URL="/join")
        app.get("/")(lambda: render_template_string("{{ clerk_sign_in_url() }} {{ clerk_sign_up_url() }}"))
        sign_in, sign_up = ask(app).text.split()
        assert sign_in.startswith(f"{SITE}/sign-in?redirect_url=")
        assert sign_up.startswith(f"{SITE}/join?redirect_url=")

    def test_is_not_known_without_a_publishable_key(self, app_of: Apps, ask: Ask) -> None:
        app = app_of(CLERK_PUBLISHABLE_KEY=None)
        app.get("/")(lambda: render_template_string("{{ clerk_sign_in_url() }}"))
        with pytest.raises(ConfigurationError, match="sign_in_url"):
            ask(app)

    def test_leads_who_has_not_finished_to_what_is_left(self, link: Any, signed_in: Any) -> None:
        assert urlsplit(link(headers=signed_in(claims={"sts": "pending"}))).path == "/sign-in/tasks"

    def test_carries_the_development_browser_along(
        self, app_of: Apps, development: LocalClerk, ask: Ask
    ) -> None:
        app = app_of(development)
        app.get("/")(lambda: render_template_string("{{ clerk_sign_in_url() }}"))
        headers = {"cookie": "__clerk_db_jwt=dvb_1; __client_uat=0"}
        assert "__clerk_db_jwt=dvb_1" in ask(app, headers=headers).text
