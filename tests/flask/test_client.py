"""`ClerkTestClient`, as an application's tests use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, Response, current_app, g, jsonify, redirect, render_template_string, request, session
from flask.testing import FlaskClient
from flask.views import MethodView
from flask_login import FlaskLoginClient  # type: ignore[import-untyped]
from werkzeug.middleware.proxy_fix import ProxyFix

from clerk_middleware import ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import (
    Clerk,
    current_auth,
    get_auth,
    get_state,
    require_auth,
    require_permission,
    require_reverification,
)
from clerk_middleware_flask.testing import ClerkTestClient

Open = Callable[..., ClerkTestClient]

PAGE = {"accept": "text/html", "sec-fetch-dest": "document"}
KEYS = {"TESTING": True, "SECRET_KEY": "of Flask's session", "CLERK_SECRET_KEY": "sk_test_anything"}


def create_app(config: Any = None, /, **options: Any) -> Flask:
    app = Flask(__name__)
    app.config.update({**KEYS, **options} if config is None else {**options, "TESTING": True})
    clerk = Clerk(app, config)

    @app.get("/")
    def who() -> Response:
        auth, state = get_auth(), get_state()
        return jsonify(
            user_id=auth.user_id,
            session_id=auth.session_id,
            org=[auth.org_id, auth.org_slug, auth.org_role],
            permissions=auth.org_permissions,
            claims=auth.session_claims,
            carrier=state.token_carrier if state.is_authenticated else None,
            reason=state.reason,
            theme=request.cookies.get("theme"),
        )

    @app.get("/teams")
    @require_permission("org:teams:manage")
    def teams() -> str:
        return "teams"

    @app.get("/danger")
    @require_reverification("strict")
    def danger() -> str:
        return "done"

    @app.get("/async")
    @require_auth
    async def asynchronous() -> str:
        return current_auth.user_id or ""

    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ current_auth.user_id }}")

    @app.post("/sign-out")
    def sign_out() -> Any:
        return clerk.sign_out("/signed-out")

    @app.get("/forget/<name>")
    def forget(name: str) -> Response:
        response = Response()
        response.delete_cookie(name)
        return response

    @app.get("/redirect")
    def redirects() -> Any:
        return redirect(request.args.get("to", "/"))

    return app


@pytest.fixture
def client() -> ClerkTestClient:
    return ClerkTestClient(create_app())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def travel(seconds: float) -> None:
        then = time.time() + seconds
        monkeypatch.setattr(time, "time", lambda: then)

    return travel


def who(client: FlaskClient, path: str = "/", **options: Any) -> dict[str, Any]:
    response = client.get(path, **options)
    assert response.status_code == 200
    known: dict[str, Any] = response.get_json()
    return known


def cookie_names(client: FlaskClient, domain: str = "localhost") -> set[str]:
    return {name for host, _, name in client._cookies or {} if host == domain}


def test_nobody_is_signed_in_at_first(client: ClerkTestClient) -> None:
    assert who(client)["user_id"] is None
    assert client.get("/teams").status_code == 401
    assert not cookie_names(client)


@pytest.mark.parametrize("header", [False, True])
def test_no_handshake_gets_into_the_way(client: ClerkTestClient, header: bool) -> None:
    assert client.get("/page", headers=PAGE).text == "None"
    client.clerk_login(header=header)
    assert client.get("/page", headers=PAGE).text == "user_test"
    client.clerk_logout()
    assert client.get("/page", headers=PAGE).text == "None"


def test_who_is_signed_out_is_sent_to_sign_in(client: ClerkTestClient) -> None:
    response = client.get("/teams", headers=PAGE)
    assert response.status_code == 307
    assert response.location == (
        "https://accounts.example.test/sign-in?redirect_url=http%3A%2F%2Flocalhost%2Fteams"
    )


def test_flask_makes_the_client() -> None:
    app = create_app()
    app.test_client_class = ClerkTestClient
    client = app.test_client()
    assert isinstance(client, ClerkTestClient)
    client.clerk_login("user_ann")
    assert who(client)["user_id"] == "user_ann"


@pytest.mark.parametrize("arguments", [{}, {"response_wrapper": Response}])
def test_responses_are_the_applications(arguments: dict[str, Any]) -> None:
    class OwnResponse(Response):
        @property
        def shouted(self) -> str:
            return self.get_data(as_text=True).upper()

    app = create_app()
    app.response_class = OwnResponse
    response = ClerkTestClient(app, **arguments).get("/page")
    assert getattr(response, "shouted", None) == (None if arguments else "NONE")


def test_other_clients_of_flasks_are_extended() -> None:
    class Client(ClerkTestClient, FlaskLoginClient):  # type: ignore[misc]
        pass

    app = create_app()
    app.test_client_class = Client
    client: Any = app.test_client(user=None, fresh_login=False)
    client.clerk_login("user_ann")
    assert who(client)["user_id"] == "user_ann"


def test_a_user_is_signed_in_by_cookies(client: ClerkTestClient) -> None:
    client.clerk_login("user_ann")
    assert cookie_names(client) > {"__session", "__client_uat"}
    known = who(client)
    assert (known["user_id"], known["session_id"], known["carrier"]) == ("user_ann", "sess_ann", "cookie")


def test_a_user_is_signed_in_by_the_header(client: ClerkTestClient) -> None:
    client.clerk_login(header=True)
    assert not cookie_names(client)
    for _ in range(2):
        assert (who(client)["user_id"], who(client)["carrier"]) == ("user_test", "header")


def test_what_the_user_may_do(client: ClerkTestClient) -> None:
    client.clerk_login(permissions=["org:teams:read"])
    assert client.get("/teams").status_code == 403
    client.clerk_login(
        org_id="org_acme",
        org_slug="acme",
        org_role="org:admin",
        permissions=iter(["org:teams:manage"]),
        features=["user:export"],
        plan="pro",
        email="ann@example.com",
        actor="user_support",
        claims={"theme": "dark"},
    )
    for _ in range(2):
        assert client.get("/teams").text == "teams"
    known = who(client)
    assert known["org"] == ["org_acme", "acme", "org:admin"]
    assert known["permissions"] == ["org:teams:manage"]
    expected = {
        "fea": "o:teams,u:export",
        "pla": "o:pro",
        "act": {"sub": "user_support"},
        "email": "ann@example.com",
        "email_verified": True,
        "theme": "dark",
    }
    assert expected.items() <= known["claims"].items()


def test_how_long_ago_the_user_was_verified(client: ClerkTestClient) -> None:
    client.clerk_login(fva=(11, -1))
    assert client.get("/danger").status_code == 403
    client.clerk_login()
    assert client.get("/danger").status_code == 200


def test_an_asynchronous_view(client: ClerkTestClient) -> None:
    assert client.get("/async").status_code == 401
    client.clerk_login("user_ann")
    assert client.get("/async").text == "user_ann"


def test_a_class_based_view() -> None:
    class View(MethodView):
        decorators = [require_auth]

        def post(self) -> str:
            return current_auth.user_id or ""

    app = create_app()
    app.add_url_rule("/view", view_func=View.as_view("view"))
    client = ClerkTestClient(app)
    assert client.post("/view").status_code == 401
    client.clerk_login()
    assert client.post("/view", json={"a": 1}).text == "user_test"


@pytest.mark.parametrize("header", [False, True])
def test_a_login_outlives_its_first_token(
    client: ClerkTestClient, later: Callable[[float], None], header: bool
) -> None:
    client.clerk_login("user_ann", header=header)
    first = who(client)
    later(3600)
    second = who(client)
    assert second["user_id"] == "user_ann"
    assert second["claims"]["iat"] > first["claims"]["iat"] + 3500
    assert second["session_id"] == first["session_id"]


@pytest.mark.parametrize("header", [False, True])
def test_signing_out(client: ClerkTestClient, header: bool) -> None:
    client.clerk_logout()  # of nobody
    client.set_cookie("theme", "dark")
    client.clerk_login(header=header)
    client.clerk_logout()
    assert (who(client)["user_id"], who(client)["theme"]) == (None, "dark")
    assert cookie_names(client) == {"theme"}


@pytest.mark.parametrize("host", ["localhost", "two.example"])
def test_an_application_signs_out(
    client: ClerkTestClient, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    client.clerk_login("user_ann")
    response = client.post("/sign-out", base_url=f"http://{host}")
    assert not caplog.records  # such as that Clerk could not be told
    assert (response.status_code, response.location) == (303, f"http://{host}/signed-out")
    for _ in range(2):
        response = client.get("/page", headers=PAGE)
        assert (response.status_code, response.text) == (200, "None")
    assert not cookie_names(client, host) | cookie_names(client)
    client.clerk_login("user_bob")
    assert who(client)["user_id"] == "user_bob"


def test_an_application_forgets_a_part(client: ClerkTestClient, later: Callable[[float], None]) -> None:
    """As a browser does, which keeps the other cookie: for its last minute here."""
    client.clerk_login("user_ann")
    client.get("/forget/__session")
    assert who(client)["user_id"] == "user_ann"
    later(3600)
    assert who(client)["user_id"] is None


def test_a_cookie_that_is_forgotten_in_part_is_gone_after_signing_out(client: ClerkTestClient) -> None:
    client.clerk_login("user_ann")
    client.get("/forget/__session")
    client.clerk_logout()
    assert not cookie_names(client)


def test_another_login_takes_the_place_of_the_first(client: ClerkTestClient) -> None:
    client.clerk_login("user_ann")
    client.clerk_login("user_bob", header=True)
    assert not cookie_names(client)
    assert who(client)["user_id"] == "user_bob"
    client.clerk_login("user_cat")
    assert (who(client)["user_id"], who(client)["carrier"]) == ("user_cat", "cookie")


def test_a_login_that_cannot_be_leaves_the_first(client: ClerkTestClient) -> None:
    client.clerk_login("user_ann")
    with pytest.raises(ConfigurationError, match=r"permissions: .*called org:FEATURE:NAME"):
        client.clerk_login("user_bob", permissions=["teams:manage"])
    assert who(client)["user_id"] == "user_ann"


@pytest.mark.parametrize("header", [False, True])
def test_a_header_of_the_tests_own_goes_before(client: ClerkTestClient, header: bool) -> None:
    client.clerk_login(header=header)
    known = who(client, headers={"authorization": "Bearer nonsense"})
    assert (known["user_id"], known["reason"]) == (None, "token-invalid")
    assert who(client)["user_id"] == "user_test"
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer nonsense"
    assert who(client)["user_id"] is None


def test_cookies_of_the_tests_own_stay(client: ClerkTestClient) -> None:
    other = ClerkTestClient(create_app())  # of another client of this process, whose tokens verify
    other.clerk_login("user_other")
    client.clerk_login("user_ann")
    for name in cookie_names(other):
        held = other.get_cookie(name)
        assert held is not None
        client.set_cookie(name, held.value)
    for _ in range(2):
        assert who(client)["user_id"] == "user_other"
    client.clerk_logout()
    assert who(client)["user_id"] == "user_other"


def test_clients_without_cookies() -> None:
    client = ClerkTestClient(create_app(), use_cookies=False)
    assert who(client)["user_id"] is None
    with pytest.raises(ConfigurationError, match=r"use_cookies=False.*clerk_login\(\.\.\., header=True\)"):
        client.clerk_login()
    client.clerk_login("user_ann", header=True)
    assert (who(client)["user_id"], who(client)["carrier"]) == ("user_ann", "header")
    with pytest.raises(ConfigurationError, match="use_cookies"):
        client.clerk_login("user_bob")
    assert who(client)["user_id"] == "user_ann"
    client.clerk_logout()
    assert who(client)["user_id"] is None


def test_an_application_without_clerk_is_told_so() -> None:
    client = ClerkTestClient(Flask("forgetful"))
    with pytest.raises(ConfigurationError, match=r"'forgetful' has no Clerk: write Clerk\(app\)"):
        client.clerk_login()
    with pytest.raises(ConfigurationError, match="has no Clerk"):
        client.get("/")
    Clerk(client.application, ClerkConfig(secret_key="sk_test_anything"))
    client.clerk_login()
    assert client.get("/").status_code == 404


def test_the_real_keys_are_out_of_use(client: ClerkTestClient, clerk: LocalClerk) -> None:
    token = clerk.issue_session_token("user_dev")
    real = create_app(ClerkConfig(jwt_key=clerk.jwt_key))
    bearer = {"authorization": f"Bearer {token}"}
    assert who(real.test_client(), headers=bearer)["user_id"] == "user_dev"
    assert who(ClerkTestClient(real), headers=bearer)["user_id"] is None


def test_all_else_is_as_the_application_says() -> None:
    app = create_app(
        CLERK_AUTHORIZED_PARTIES=["https://one.example", "https://two.example"],
        CLERK_SIGN_IN_URL="/sign-in",
        CLERK_PROTECTED_ROUTES=["/page"],
    )
    client = ClerkTestClient(app)
    assert client.get("/page").status_code == 401
    response = client.get("/page", headers=PAGE, base_url="https://two.example")
    assert response.location.startswith("https://two.example/sign-in?")
    client.clerk_login()
    assert client.get("/page").status_code == 200
    assert who(client)["claims"]["azp"] == "https://one.example"


def test_the_user_signed_in_here_where_any_origin_will_do(client: ClerkTestClient) -> None:
    client.clerk_login()
    assert who(client)["claims"]["azp"] == "http://localhost"
    assert who(client, base_url="https://one.example:8443")["claims"]["azp"] == "https://one.example:8443"


def config_for(request: ClerkRequest) -> ClerkConfig:
    host = request.url.hostname
    return ClerkConfig(secret_key=f"sk_test_{host.partition('.')[0]}", authorized_parties=[f"https://{host}"])


def config_that_asks_flask(seen: ClerkRequest) -> ClerkConfig:
    assert request.host == seen.url.hostname
    return ClerkConfig(jwt_key=current_app.config["KEY"], authorized_parties=[f"https://{request.host}"])


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("config", [config_for, config_that_asks_flask])
def test_an_application_with_several_instances(clerk: LocalClerk, config: Any, header: bool) -> None:
    client = ClerkTestClient(create_app(config, KEY=clerk.jwt_key))
    client.clerk_login("user_ann", header=header)
    for host in ("one.example", "two.example", "one.example"):
        known = who(client, base_url=f"http://{host}")
        assert (known["user_id"], known["claims"]["azp"]) == ("user_ann", f"https://{host}")


def test_what_an_applications_configuration_raises_is_the_applications_answer() -> None:
    def config(request: ClerkRequest) -> ClerkConfig:
        return {"one.example": ClerkConfig(secret_key="sk_test_one")}[request.url.hostname]

    app = create_app(config, TRUSTED_HOSTS=["one.example", "two.example"])
    app.errorhandler(KeyError)(lambda error: ("Which?", 421))
    client = ClerkTestClient(app)
    client.clerk_login()
    assert client.get("/", base_url="http://one.example").status_code == 200
    assert client.get("/", base_url="http://two.example").status_code == 421
    assert client.get("/", base_url="http://evil.example").status_code == 400


def test_a_teardown_that_misses_its_request_is_no_matter() -> None:
    app = create_app(config_for)
    app.before_request(lambda: setattr(g, "connection", "open"))
    app.teardown_request(lambda _: g.connection and None)
    client = ClerkTestClient(app)
    client.clerk_login()
    assert who(client)["claims"]["azp"] == "https://localhost"


@pytest.mark.parametrize("header", [False, True])
def test_subdomains(header: bool) -> None:
    app = create_app(SERVER_NAME="example.test:8000")
    client = ClerkTestClient(app)
    client.clerk_login("user_ann", header=header)
    assert bool(cookie_names(client, "example.test")) is not header
    for options in ({}, {"base_url": "https://[::1]:5000"}, {"base_url": "http://API.example.test"}, {}):
        assert who(client, **options)["user_id"] == "user_ann"
    client.clerk_logout()
    assert not client._cookies


@pytest.mark.parametrize("header", [False, True])
def test_redirects_are_followed_signed_in(header: bool) -> None:
    app = create_app(config_for)
    client = ClerkTestClient(app, allow_subdomain_redirects=True)
    client.clerk_login("user_ann", header=header)
    assert who(client, "/redirect", follow_redirects=True)["user_id"] == "user_ann"
    known = who(client, "/redirect?to=http://api.localhost/", follow_redirects=True)
    assert (known["user_id"], known["claims"]["azp"]) == ("user_ann", "https://api.localhost")


@pytest.mark.parametrize("header", [False, True])
def test_a_request_may_come_in_any_form_that_flask_takes(client: ClerkTestClient, header: bool) -> None:
    client.clerk_login("user_ann", header=header)
    first = client.get("/")
    for form in (first.request, first.request.environ):
        assert client.open(form).get_json()["user_id"] == "user_ann"
    client.clerk_login("user_bob", header=header)
    assert client.open(first.request).get_json()["user_id"] == "user_bob"


def test_the_identity_outlives_the_request_in_a_with_block() -> None:
    app = create_app()
    app.test_client_class = ClerkTestClient
    with ClerkTestClient(app) as client:
        client.clerk_login("user_ann")
        client.get("/redirect", follow_redirects=True)
        assert current_auth.user_id == "user_ann"
        client.clerk_login("user_bob", header=True)
        client.get("/teams")
        assert current_auth.user_id == "user_bob"
    with pytest.raises(RuntimeError, match="outside of request context"):
        _ = current_auth.user_id


def test_flasks_own_session_is_kept(client: ClerkTestClient) -> None:
    app = client.application
    app.add_url_rule("/count", view_func=lambda: str(session.get("count")), endpoint="count")
    with client.session_transaction() as before:
        before["count"] = 7
    client.clerk_login()
    assert client.get("/count").text == "7"
    with client.session_transaction() as after:
        assert after["count"] == 7
    client.clerk_logout()
    assert client.get("/count").text == "7"


def test_an_application_behind_a_proxy() -> None:
    app = create_app(CLERK_AUTHORIZED_PARTIES=["https://one.example"])
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_proto=1)  # type: ignore[method-assign]
    client = ClerkTestClient(app)
    client.clerk_login("user_ann")
    headers = {"x-forwarded-host": "one.example", "x-forwarded-proto": "https"}
    assert who(client, headers=headers)["user_id"] == "user_ann"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def test_several_users_at_once(threads: ThreadPoolExecutor) -> None:
    app = create_app()
    clients = [ClerkTestClient(app) for _ in range(16)]
    for number, client in enumerate(clients):
        client.clerk_login(f"user_{number}", header=number % 2 == 0)
    anonymous = app.test_client()
    for _ in range(3):
        known = list(threads.map(lambda client: str(who(client)["user_id"]), clients))
        assert known == [f"user_{number}" for number in range(16)]
    assert who(anonymous)["user_id"] is None
