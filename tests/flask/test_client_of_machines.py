"""`ClerkTestClient` as a machine, as an application's tests use it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, jsonify, redirect

from clerk_middleware import ClerkConfig, ClerkRequest, ConfigurationError
from clerk_middleware_flask import Clerk, get_auth, get_state, protect, require_auth, require_scope
from clerk_middleware_flask.testing import ClerkTestClient

KEYS = {"CLERK_SECRET_KEY": "sk_test_anything"}
TYPES: list[Any] = ["api_key", "m2m_token", "oauth_token"]


def create_app(config: Any = None, /, **options: Any) -> Flask:
    app = Flask(__name__)
    if config is None:
        app.config.update(KEYS, CLERK_ACCEPTS_TOKEN=["session_token", *TYPES])
    app.config.update({"TESTING": True, **options})
    Clerk(app, config)

    @app.get("/")
    def who() -> Response:
        auth, state = get_auth(), get_state()
        claims: Any = getattr(auth, "claims", None)
        return jsonify(
            type=auth.token_type if auth.is_authenticated else None,
            subject=getattr(auth, "subject", None),
            user=auth.user_id,
            org=auth.org_id,
            scopes=auth.scopes,
            depot=claims and claims.get("depot"),
            name=getattr(auth, "name", None),
            client=getattr(auth, "client_id", None),
            token=auth.get_token(),
            reason=state.reason,
        )

    @app.route("/loads", methods=["GET", "POST"])
    @require_scope("read:loads", accepts_token=["api_key", "oauth_token"])
    def loads() -> str:
        return "loads"

    @app.get("/sync")
    @require_auth(accepts_token="m2m_token")
    def sync() -> str:
        return "synced"

    @app.get("/either")
    @protect(token=["session_token", "api_key"], permission="org:loads:read", scope="read:loads")
    def either() -> str:
        return "either"

    @app.get("/page")
    @require_auth
    def page() -> str:
        return "page"

    @app.get("/redirect")
    def redirects() -> Any:
        return redirect("/loads")

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


def who(client: ClerkTestClient, **options: Any) -> dict[str, Any]:
    response = client.get("/", **options)
    assert response.status_code == 200
    return {
        name: value for name, value in response.get_json().items() if value is not None and name != "token"
    }


def test_an_api_key_of_a_user(client: ClerkTestClient) -> None:
    client.clerk_login_machine(
        "api_key", subject="user_ann", scopes=["read:loads"], claims={"depot": 7}, name="Dispatch board"
    )
    for _ in range(2):
        assert who(client) == {
            "type": "api_key",
            "subject": "user_ann",
            "user": "user_ann",
            "scopes": ["read:loads"],
            "depot": 7,
            "name": "Dispatch board",
        }


def test_an_api_key_of_an_organization(client: ClerkTestClient) -> None:
    client.clerk_login_machine("api_key", subject="org_acme")
    assert who(client) == {
        "type": "api_key",
        "subject": "org_acme",
        "org": "org_acme",
        "scopes": [],
        "name": "test",
    }


def test_a_machine(client: ClerkTestClient) -> None:
    client.clerk_login_machine("m2m_token", subject="mch_7", scopes=["mch_api"], claims={"depot": 7})
    known = {"type": "m2m_token", "subject": "mch_7", "scopes": ["mch_api"], "depot": 7}
    assert who(client) == known


def test_an_oauth_client(client: ClerkTestClient) -> None:
    client.clerk_login_machine("oauth_token", subject="user_ann", scopes=["profile"], client_id="client_7")
    assert who(client) == {
        "type": "oauth_token",
        "subject": "user_ann",
        "user": "user_ann",
        "scopes": ["profile"],
        "client": "client_7",
    }


@pytest.mark.parametrize(
    ("token_type", "subject"),
    [("api_key", "user_test"), ("m2m_token", "mch_test"), ("oauth_token", "user_test")],
)
def test_what_a_machine_is_called_unless_the_test_says(
    client: ClerkTestClient, token_type: Any, subject: str
) -> None:
    client.clerk_login_machine(token_type)
    known = who(client)
    assert (known["type"], known["subject"], known["scopes"]) == (token_type, subject, [])
    assert known.get("client") == ("client_test" if token_type == "oauth_token" else None)


@pytest.mark.parametrize("token_type", ["api_key", "oauth_token"])
def test_what_a_machine_may_do(client: ClerkTestClient, token_type: Any) -> None:
    assert client.get("/loads").status_code == 401
    client.clerk_login_machine(token_type, scopes=["write:loads"])
    response = client.get("/loads")
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    client.clerk_login_machine(token_type, scopes=iter(["read:loads"]))
    for _ in range(2):
        assert client.get("/loads").text == "loads"
    assert client.post("/loads").text == "loads"
    assert client.get("/redirect", follow_redirects=True).text == "loads"
    assert client.get("/page").status_code == 401
    client.clerk_logout()
    assert client.get("/loads").status_code == 401


def test_a_route_of_the_instances_machines(client: ClerkTestClient) -> None:
    client.clerk_login_machine("api_key")
    assert client.get("/sync").status_code == 401
    client.clerk_login_machine("m2m_token")
    assert client.get("/sync").text == "synced"
    assert client.get("/loads").status_code == 401


def test_a_route_of_users_and_machines(client: ClerkTestClient) -> None:
    client.clerk_login_machine("api_key", scopes=["read:loads"])
    assert client.get("/either").text == "either"
    client.clerk_login(permissions=["org:loads:read"])
    assert client.get("/either").text == "either"
    client.clerk_login_machine("oauth_token", scopes=["read:loads"])
    assert client.get("/either").status_code == 401


@pytest.mark.parametrize("header", [False, True])
def test_a_machine_takes_the_place_of_a_user(client: ClerkTestClient, header: bool) -> None:
    client.clerk_login("user_ann", header=header)
    client.clerk_login_machine("api_key", subject="user_bob")
    assert not client._cookies
    assert who(client)["user"] == "user_bob"
    client.clerk_login("user_cat", header=header)
    known = who(client)
    assert (known["type"], known["user"]) == ("session_token", "user_cat")
    client.clerk_logout()
    assert "type" not in who(client)


def test_a_machine_takes_the_place_of_another(client: ClerkTestClient) -> None:
    client.clerk_login_machine("api_key", subject="user_ann")
    client.clerk_login_machine("m2m_token")
    assert who(client)["subject"] == "mch_test"
    client.clerk_login_machine("api_key", subject="user_bob")
    assert who(client)["subject"] == "user_bob"


@pytest.mark.parametrize("token_type", TYPES)
def test_a_machine_outlives_its_first_token(
    client: ClerkTestClient, later: Callable[[float], None], token_type: Any
) -> None:
    client.clerk_login_machine(token_type)
    first = client.get("/").get_json()["token"]
    later(3 * 24 * 3600)
    assert who(client)["type"] == token_type
    assert (client.get("/").get_json()["token"] == first) is (token_type == "api_key")


@pytest.mark.parametrize("token_type", TYPES)
def test_a_header_of_the_tests_own_goes_before(client: ClerkTestClient, token_type: Any) -> None:
    client.clerk_login_machine(token_type)
    known = who(client, headers={"authorization": "Bearer ak_unknown"})
    assert known == {"reason": "token-invalid", "scopes": []}
    assert who(client)["type"] == token_type


def test_a_key_of_another_client_is_unknown(client: ClerkTestClient) -> None:
    client.clerk_login_machine("api_key")
    token = client.get("/").get_json()["token"]
    other = ClerkTestClient(client.application)
    assert who(other, headers={"authorization": f"Bearer {token}"}) == {
        "reason": "token-invalid",
        "scopes": [],
    }


def test_a_client_without_cookies() -> None:
    client = ClerkTestClient(create_app(), use_cookies=False)
    client.clerk_login_machine("api_key", subject="user_ann")
    assert who(client)["user"] == "user_ann"


def test_an_application_that_accepts_no_machines() -> None:
    """It refuses them, as its test may want to see; a route that wants them says what to set."""
    client = ClerkTestClient(create_app(CLERK_ACCEPTS_TOKEN="session_token"))
    client.clerk_login_machine("api_key", scopes=["read:loads"])
    assert "type" not in who(client)
    assert client.get("/page").status_code == 401
    with pytest.raises(ConfigurationError, match="CLERK_ACCEPTS_TOKEN=session_token,api_key,oauth_token"):
        client.get("/loads")


def test_a_token_is_for_the_applications_own_machine_and_audience() -> None:
    app = create_app(CLERK_MACHINE_ID="mch_api", CLERK_AUDIENCE=["https://b.example", "mch_api"])
    client = ClerkTestClient(app)
    client.clerk_login_machine("m2m_token")
    assert who(client)["scopes"] == ["mch_api"]
    client.clerk_login_machine("m2m_token", scopes=["mch_other"])
    assert who(client) == {"reason": "token-verification-failed", "scopes": []}
    client.clerk_login_machine("m2m_token", scopes=["mch_other", "mch_api"])
    assert who(client)["scopes"] == ["mch_other", "mch_api"]
    client.clerk_login_machine("oauth_token")
    assert who(client)["type"] == "oauth_token"
    client.clerk_login_machine("oauth_token", claims={"aud": "https://c.example"})
    assert who(client) == {"reason": "token-verification-failed", "scopes": []}
    client.clerk_login_machine("api_key")
    assert who(client)["type"] == "api_key"


def config_for(request: ClerkRequest) -> ClerkConfig:
    host = request.url.hostname
    machine = f"mch_{host.partition('.')[0]}"
    return ClerkConfig(secret_key="sk_test_x", accepts_token="any", machine_id=machine, audience=[machine])


@pytest.mark.parametrize("token_type", TYPES)
def test_an_application_with_several_instances(token_type: Any) -> None:
    client = ClerkTestClient(create_app(config_for))
    client.clerk_login_machine(token_type)
    for host in ("one.example", "two.example", "one.example"):
        known = who(client, base_url=f"http://{host}")
        assert known["type"] == token_type
        assert known["scopes"] == ([f"mch_{host[:3]}"] if token_type == "m2m_token" else [])


def test_what_an_applications_configuration_raises_is_the_applications_answer() -> None:
    def config(request: ClerkRequest) -> ClerkConfig:
        return {"one.example": ClerkConfig(secret_key="sk_test_x", accepts_token="any")}[request.url.hostname]

    app = create_app(config)
    app.errorhandler(KeyError)(lambda error: ("Which?", 421))
    client = ClerkTestClient(app)
    client.clerk_login_machine("m2m_token")
    assert client.get("/", base_url="http://one.example").status_code == 200
    assert client.get("/", base_url="http://two.example").status_code == 421


@pytest.mark.parametrize("token_type", TYPES)
def test_an_application_without_clerk_is_told_so(token_type: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"'forgetful' has no Clerk: write Clerk\(app\)"):
        ClerkTestClient(Flask("forgetful")).clerk_login_machine(token_type)


@pytest.mark.parametrize(
    ("token_type", "options", "message"),
    [
        ("apikey", {}, "^token_type: must be one of 'api_key', 'm2m_token', 'oauth_token', not 'apikey'$"),
        ("any", {}, "^token_type: must be one of .*, not 'any'$"),
        ("session_token", {}, r"^token_type: 'session_token' is what users have: .* by clerk_login\(\)$"),
        (None, {}, "^token_type: .* not None$"),
        ([], {}, r"^token_type: .* not \[\]$"),
        ("m2m_token", {"subject": "user_ann"}, "^subject: an M2M token is of a machine, mch_…; 'user_ann'"),
        ("oauth_token", {"subject": "mch_7"}, "^subject: an OAuth token is of a user, .* user_…; 'mch_7'"),
        ("oauth_token", {"subject": "org_acme"}, "^subject: an OAuth token is of a user, .*; 'org_acme'"),
        ("api_key", {"subject": "mch_7"}, "^subject: .* user_… or org_…; 'mch_7' is none$"),
        ("api_key", {"subject": ""}, "^subject: .*; '' is none$"),
        (
            "m2m_token",
            {"name": "Board"},
            "^name: only an API key has one, and an M2M token does not: leave it",
        ),
        ("oauth_token", {"name": ""}, "^name: only an API key has one, and an OAuth token does not"),
        ("api_key", {"client_id": "c"}, "^client_id: only an OAuth token has one, and an API key does not"),
        ("m2m_token", {"client_id": "c"}, "^client_id: only an OAuth token has one, and an M2M token does"),
        ("api_key", {"name": ""}, "^name: must be a text such as"),
        ("oauth_token", {"client_id": ""}, "^client_id: must be a text such as"),
        ("api_key", {"scopes": "read:loads"}, r"^scopes: must be a list: write \['read:loads'\]"),
        ("oauth_token", {"scopes": ["read loads"]}, "^scopes: a scope is a word .*'read loads' is none"),
        (
            "m2m_token",
            {"scopes": ["read:loads"]},
            "^scopes: an M2M token's are the machines that it is",
        ),
        ("api_key", {"claims": ["depot"]}, "^claims: must be a dictionary"),
        ("m2m_token", {"claims": {"sub": "mch_8"}}, "^claims: Clerk sets 'sub' itself"),
        ("oauth_token", {"claims": {"x": object()}}, "^claims: must be what JSON can say"),
    ],
)
def test_a_login_that_cannot_be_leaves_the_first(
    client: ClerkTestClient, token_type: Any, options: dict[str, Any], message: str
) -> None:
    client.clerk_login("user_ann")
    with pytest.raises(ConfigurationError, match=message):
        client.clerk_login_machine(token_type, **options)
    assert who(client)["user"] == "user_ann"


def test_what_a_test_changes_after_is_no_matter(client: ClerkTestClient) -> None:
    claims: dict[str, Any] = {"depot": {"id": 7}}
    client.clerk_login_machine("m2m_token", claims=claims)
    claims["depot"]["id"] = 8
    assert who(client)["depot"] == {"id": 7}
