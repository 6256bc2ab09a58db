"""Flask-Login on Clerk's sessions: ``current_user`` and ``@login_required``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    encode_cookie,
    login_required,
    login_user,
)
from werkzeug.test import TestResponse

from clerk_middleware import ConfigurationError, SessionAuth
from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import current_auth
from clerk_middleware_flask.login import ClerkUser, use_clerk

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]


class Person(UserMixin):
    def __init__(self, id: str, is_allowed: bool = True) -> None:
        self.id = id
        self.is_allowed = is_allowed

    @property
    def is_active(self) -> bool:
        return self.is_allowed


@pytest.fixture
def make(app_of: Apps) -> Callable[..., Flask]:
    def of(*find_user: Any, handler: Any = None, later: Any = None, **options: Any) -> Flask:
        app = app_of(**options)
        manager = LoginManager(app)
        if handler is not None:
            manager.unauthorized_handler(handler)
        use_clerk(manager, *find_user)
        if later is not None:
            manager.unauthorized_handler(later)
        app.get("/open")(lambda: f"{current_user.is_authenticated} {current_user.get_id()}")
        app.get("/closed", endpoint="closed")(login_required(lambda: f"in, {current_user.id}"))

        @app.get("/async")
        @login_required
        async def asynchronous() -> str:
            return f"in, {current_user.id}"

        return app

    return of


class TestWithoutUsersOfItsOwn:
    def test_whoever_is_signed_in_is_the_user(self, make: Any, ask: Ask, dispatcher: Headers) -> None:
        app = make()
        for path in ("/closed", "/async"):
            assert ask(app, path, dispatcher).text == "in, user_dev"
        assert ask(app, "/open", dispatcher).text == "True user_dev"
        assert ask(app, "/open").text == "False None"

    def test_the_user_has_the_session(self, make: Any, ask: Ask, dispatcher: Headers) -> None:
        app = make()
        app.get("/user", endpoint="user")(
            lambda: [current_user.auth is current_auth._get_current_object(), repr(current_user)]
        )
        assert ask(app, "/user", dispatcher).json == [True, "<ClerkUser user_dev>"]
        auth = SessionAuth.from_claims({"sub": "user_1"}, token="t")
        assert ClerkUser(auth) == ClerkUser(auth)
        assert ClerkUser(auth).is_active

    def test_templates_have_both(self, make: Any, ask: Ask, dispatcher: Headers) -> None:
        app = make()
        app.get("/page", endpoint="page")(
            lambda: render_template_string("{{ current_user.id }} {{ current_auth.user_id }}")
        )
        assert ask(app, "/page", dispatcher).text == "user_dev user_dev"

    @pytest.mark.parametrize("path", ["/closed", "/async"])
    def test_nobody_is_refused_as_require_auth_does(
        self, path: str, make: Any, ask: Ask, navigation: Headers
    ) -> None:
        app = make()
        response = ask(app, path)
        assert response.status_code == 401
        assert response.json["clerk_error"]["type"] == "unauthorized"
        response = ask(app, path, navigation)
        assert response.status_code == 307
        assert "/sign-in?redirect_url=" in response.location

    def test_a_machine_is_nobody(self, make: Any, ask: Ask, machine: Headers) -> None:
        app = make(CLERK_ACCEPTS_TOKEN="any")
        assert ask(app, "/open", machine).text == "False None"
        assert ask(app, "/closed", machine).status_code == 401

    def test_users_in_turn_are_each_themselves(self, make: Any, clerk: LocalClerk) -> None:
        """In one browser, and with cookies of Flask's."""
        client = make().test_client()
        for user in ("user_dev", "user_ada", "user_dev", None, "user_sam"):
            client.delete_cookie("__session", domain="app.example.com")
            if user is not None:
                client.set_cookie(
                    "__session", clerk.issue_session_token(user, azp=SITE), domain="app.example.com"
                )
            client.set_cookie("__client_uat", "1" if user else "0", domain="app.example.com")
            response = client.get("/open", base_url=SITE)
            assert response.text == (f"True {user}" if user else "False None")
            assert "remember_token" not in response.headers.get("Set-Cookie", "")

    def test_signing_out_at_clerk_is_signing_out(self, make: Any, ask: Ask, signed_in: Any) -> None:
        app = make()
        assert ask(app, "/open", signed_in()).text == "True user_dev"
        assert ask(app, "/open").text == "False None"
        assert ask(app, "/open", signed_in(issued_at=1_700_000_000, lifetime=60)).text == "False None"


class TestWithUsersOfItsOwn:
    @pytest.fixture
    def people(self) -> dict[str, Person]:
        return {"user_dev": Person("7"), "user_ada": Person("8", is_allowed=False)}

    @pytest.fixture
    def app(self, make: Any, people: dict[str, Person]) -> Flask:
        app: Flask = make(lambda auth: people.get(auth.user_id))
        return app

    def test_the_session_finds_them(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        assert ask(app, "/open", dispatcher).text == "True 7"
        assert ask(app, "/closed", dispatcher).text == "in, 7"

    @pytest.mark.parametrize("user", ["user_ada", "user_rosa"], ids=["inactive", "unknown"])
    def test_who_has_no_account_is_not_authorized(
        self, user: str, app: Flask, ask: Ask, signed_in: Any, navigation: Headers
    ) -> None:
        for extra in ({}, navigation):  # no redirect: signing in again would change nothing
            headers = signed_in(user) | extra
            assert ask(app, "/open", headers).text == "False None"
            response = ask(app, "/closed", headers)
            assert response.status_code == 403
            assert response.json["clerk_error"]["message"] == "You have no account here."

    def test_nobody_is_not_looked_for(self, make: Any, ask: Ask) -> None:
        def find(auth: SessionAuth) -> Any:
            raise AssertionError("asked for nobody")

        app = make(find)
        assert ask(app, "/open").text == "False None"
        assert ask(app, "/closed").status_code == 401

    def test_are_looked_for_once_in_a_request(self, make: Any, ask: Ask, dispatcher: Headers) -> None:
        asked: list[Any] = []
        app = make(lambda auth: asked.append(auth) or Person("7"))
        app.before_request(lambda: str(current_user.id) and None)
        ask(app, "/closed", dispatcher)
        assert [type(auth) for auth in asked] == [SessionAuth]


@pytest.mark.parametrize("when", ["handler", "later"])
def test_an_unauthorized_handler_of_the_applications_goes_before(
    when: str, make: Any, ask: Ask, navigation: Headers
) -> None:
    app = make(**{when: lambda: ("own", 418)})
    for headers in ({}, navigation):
        assert ask(app, "/closed", headers).status_code == 418


def test_one_manager_may_serve_several_applications(
    bare_app: Apps, keys: Any, ask: Ask, dispatcher: Headers
) -> None:
    from clerk_middleware_flask import Clerk

    manager, clerk = LoginManager(), Clerk()
    use_clerk(manager)
    for _ in range(2):
        app = bare_app(**keys)
        clerk.init_app(app)
        manager.init_app(app)
        app.get("/")(login_required(lambda: current_user.id))
        assert ask(app, headers=dispatcher).text == "user_dev"
        assert ask(app).status_code == 401


class TestWhomFlaskLoginRemembers:
    """Its own session and "remember me" cookie, of times before Clerk, outlive whatever ends at Clerk."""

    @pytest.fixture
    def remember_token(self, app_of: Apps) -> str:
        with app_of().app_context():
            token: str = encode_cookie("user_admin_of_old")
            return token

    @pytest.fixture(
        params=["a session", "a cookie", "both", "another application's cookie", "a broken cookie"]
    )
    def stale(self, request: pytest.FixtureRequest, remember_token: str) -> Callable[[Flask], FlaskClient]:
        """Makes a browser that Flask-Login signed in before there was Clerk."""

        def of(app: Flask) -> FlaskClient:
            client = app.test_client()
            if request.param in ("a session", "both"):
                with client.session_transaction(base_url=SITE) as session:
                    session.update(_user_id="user_admin_of_old", _fresh=True, _id="another browser")
            cookie = {
                "another application's cookie": f"user_admin_of_old|{'0' * 128}",
                "a broken cookie": "x",
            }.get(request.param, remember_token)
            if request.param != "a session":
                client.set_cookie("remember_token", cookie, domain="app.example.com")
            return client

        return of

    @pytest.mark.parametrize("protection", [None, "basic", "strong"])
    def test_is_not_let_in_without_a_clerk_session(self, protection: Any, make: Any, stale: Any) -> None:
        client = stale(make(SESSION_PROTECTION=protection))
        for _ in range(2):
            assert client.get("/open", base_url=SITE).text == "False None"
            for path in ("/closed", "/async"):
                assert client.get(path, base_url=SITE).status_code == 401

    @pytest.mark.parametrize("protection", [None, "basic", "strong"])
    def test_is_whom_the_clerk_session_says(
        self, protection: Any, make: Any, stale: Any, dispatcher: Headers, admin: Headers
    ) -> None:
        client = stale(make(SESSION_PROTECTION=protection))
        for headers, user in ((dispatcher, "user_dev"), (admin, "user_ada"), (dispatcher, "user_dev")):
            assert client.get("/closed", base_url=SITE, headers=headers).text == f"in, {user}"
            assert client.get("/open", base_url=SITE, headers=headers).text == f"True {user}"
        assert client.get("/open", base_url=SITE).text == "False None"

    def test_is_nobody_who_has_no_account(self, make: Any, stale: Any, dispatcher: Headers) -> None:
        client = stale(make(lambda auth: None))
        assert client.get("/closed", base_url=SITE, headers=dispatcher).status_code == 403

    @pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # Flask-Login's
    def test_does_not_come_back_by_login_user(self, make: Any, dispatcher: Headers) -> None:
        app = make()
        app.post("/login", endpoint="login")(
            lambda: str(login_user(Person("user_admin_of_old"), remember=True))
        )
        client = app.test_client()
        assert client.post("/login", base_url=SITE).text == "True"
        assert client.get("/open", base_url=SITE).text == "False None"
        assert client.get("/closed", base_url=SITE, headers=dispatcher).text == "in, user_dev"


class TestAUserLoader:
    """It lets in whom Flask-Login remembers."""

    def test_before_use_clerk_is_refused(self, app: Flask) -> None:
        manager = LoginManager(app)
        manager.user_loader(Person)
        with pytest.raises(ConfigurationError, match="the LoginManager has a user_loader, which would let"):
            use_clerk(manager)

    @pytest.mark.parametrize("is_stale", [True, False])
    def test_after_use_clerk_is_refused_or_lets_nobody_in(
        self, is_stale: bool, app: Flask, ask: Ask, dispatcher: Headers
    ) -> None:
        """Where it is written, or at the latest where a request asks for the user."""
        manager = LoginManager(app)
        use_clerk(manager)
        app.get("/")(login_required(lambda: f"in, {current_user.id}"))
        client = app.test_client()
        if is_stale:
            with client.session_transaction(base_url=SITE) as session:
                session["_user_id"] = "user_admin_of_old"

        def asked() -> None:
            manager.user_loader(Person)
            client.get("/", base_url=SITE)

        with pytest.raises(ConfigurationError, match="the LoginManager has a user_loader, which would let"):
            asked()


def test_a_request_loader_that_is_registered_later_signs_nobody_in(
    app: Flask, ask: Ask, dispatcher: Headers
) -> None:
    manager = LoginManager(app)
    use_clerk(manager)
    manager.request_loader(lambda request: Person("anybody"))
    app.get("/")(login_required(lambda: f"in, {current_user.id}"))
    assert ask(app).status_code == 401
    assert ask(app, headers=dispatcher).text == "in, user_dev"


@pytest.mark.parametrize("given", ["app", LoginManager, None])
def test_only_a_login_manager_is_taken(given: Any, app: Flask) -> None:
    with pytest.raises(ConfigurationError, match="use_clerk takes the LoginManager, not a"):
        use_clerk(app if given == "app" else given)
