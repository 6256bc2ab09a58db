"""The page on machines says what is so: its examples, called by machines of a LocalClerk."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

import clerk_middleware_flask
from clerk_middleware import (
    APIKeyAuth,
    AsyncAuthenticator,
    Authenticator,
    ClerkConfig,
    ClerkRequest,
    ConfigurationError,
    InsufficientScope,
    M2MAuth,
    OAuthAuth,
)
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.m2m import M2MBearer
from clerk_middleware.protection import Requirement
from clerk_middleware.testing import MemoryBackend, SessionSigner

from .examples import ROOT, example
from .serving import serving

with warnings.catch_warnings():  # older versions import a name that anyio deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from starlette.testclient import TestClient

PAGE = (ROOT / "docs/machines.md").read_text("utf-8")
CARRIED = "ak_local_dispatch_board"  # LocalClerk's own, which the page has its reader send

Environment = Callable[..., None]
ClientOf = Callable[[Any], TestClient]


@pytest.fixture
def defined(environment: Environment, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """What the page's example that holds a text defines."""
    return lambda holds, page="machines.md": example(page, holds).run(tmp_path)


@pytest.fixture
def client_of() -> Iterator[Callable[[Any], TestClient]]:
    """A client of an application, whose connections are closed in the end."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(TestClient(app))


def bearing(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def session_of(clerk: LocalClerk, user_id: str = "user_rosa") -> str:
    return clerk.issue_session_token(user_id, organization="blue-ridge-freight", azp="http://testserver")


def reason_of(response: Any) -> str:
    return str(response.json()["clerk_error"]["reason"])


# The first example


@pytest.mark.parametrize(("page", "holds"), [("machines.md", "# loads.py"), ("README.md", "APIKeyAuth")])
def test_a_route_takes_api_keys(
    defined: Any, client_of: ClientOf, instance: LocalClerk, page: str, holds: str
) -> None:
    client = client_of(defined(holds, page)["app"])
    good = client.get("/loads", headers=bearing(CARRIED))
    assert (good.status_code, good.text) == (200, '{"organization":"org_blue_ridge"}')
    for token in (None, "ak_made_up", session_of(instance)):
        assert client.get("/loads", headers=bearing(token)).status_code == 401, token
    without_scope = instance.create_api_key("user_rosa").secret
    assert client.get("/loads", headers=bearing(without_scope)).status_code == 403


def test_the_page_shows_what_curl_prints(defined: Any, client_of: ClientOf) -> None:
    [command, printed] = re.findall(r"^curl .*\n.*$", PAGE, re.MULTILINE)[0].split("\n")
    [token] = re.findall(r"Bearer (\S+?)'", command)
    answer = client_of(defined("# loads.py")["app"]).get("/loads", headers=bearing(token))
    assert answer.text == printed


# What there is


def test_each_auth_object_has_what_the_page_says(instance: LocalClerk, instance_server: LocalServer) -> None:
    environment = instance.environment(instance_server.url, machine="mch_fleet_api")
    config = ClerkConfig.from_env(environment, accepts_token="any", authorized_parties=["http://testserver"])
    tokens: dict[type, str] = {
        APIKeyAuth: instance.create_api_key("user_rosa", scopes=["read:loads"]).secret,
        M2MAuth: instance.create_m2m_token("mch_tracking").token,
        OAuthAuth: instance.create_oauth_access_token("user_rosa").token,
    }
    with Authenticator(config) as authenticator:
        for kind, token in tokens.items():
            auth: Any = authenticator.authenticate_request(_request(token)).to_auth()
            assert type(auth) is kind
            assert auth
            [row] = re.findall(rf"^\| `{auth.token_type}` \|.*$", PAGE, re.MULTILINE)
            for name in re.findall(r"`([a-z_]+)`", row.split("|")[-2]):
                assert hasattr(auth, name), name
            for name in ("id", "subject", "scopes", "claims", "get_token"):
                assert hasattr(auth, name), name
            assert auth.session_id is None
            assert auth.has(permission="org:teams:manage") is False
            assert auth.get_token() == token
            if kind is OAuthAuth:
                assert auth.claims is None
            if kind is M2MAuth:
                assert auth.scopes == ("mch_fleet_api",)


def _request(token: str) -> Any:
    from clerk_middleware import ClerkRequest

    return ClerkRequest("GET", "http://testserver/", bearing(token))


# What a route requires


def test_people_and_programs_share_a_route(defined: Any, instance: LocalClerk) -> None:
    app = defined("def teams()")["app"]
    client = app.test_client()
    key = instance.create_api_key("org_harbor_lines", name="Wall", scopes=["read:teams"]).secret
    assert client.get("/teams", headers=bearing(key)).json == {
        "organization": "org_harbor_lines",
        "key": "Wall",
    }
    assert client.get("/teams", headers=bearing(CARRIED)).status_code == 403  # another scope
    permitted = instance.issue_session_token(
        "user_rosa",
        azp="http://testserver",
        claims={"v": 1, "org_id": "org_1", "org_role": "org:x", "org_permissions": ["org:teams:manage"]},
    )
    assert client.get("/teams", headers=bearing(permitted)).json == {"organization": "org_1", "key": None}
    assert client.get("/teams", headers=bearing(session_of(instance))).status_code == 403
    app.extensions["clerk"].authenticator.close()


def test_what_the_page_says_to_write_can_be_written() -> None:
    section = PAGE[PAGE.index("## What a route requires") : PAGE.index("So a route for people")]
    written = re.findall(r"`((?:require_|protect)[^`…]*\))`", section)
    assert len(written) > 5
    for code in written:
        eval(code, vars(clerk_middleware_flask))(lambda: None)  # noqa: S307  # of the page


def test_scopes_are_asked_of_machines_and_permissions_of_sessions() -> None:
    with pytest.raises(ConfigurationError, match="permission can be asked of sessions alone"):
        Requirement(accepts_token=["session_token", "api_key"], permission="org:loads:read")
    Requirement(
        accepts_token=["session_token", "api_key"], permission="org:loads:read", scopes=["read:loads"]
    )


# What a client gets


@pytest.fixture
def answers(environment: Environment, instance: LocalClerk, client_of: ClientOf) -> dict[str, Any]:
    """Every answer of the page's table, by the beginning of its row."""
    from fastapi import Depends, FastAPI

    from clerk_middleware_fastapi import ClerkMiddleware, protect, require_scope

    app = FastAPI()
    app.add_middleware(
        ClerkMiddleware, config=ClerkConfig.from_env(accepts_token=["session_token", "api_key"])
    )
    app.get("/scope", dependencies=[Depends(require_scope("read:loads"))])(lambda: None)
    people = protect(token=["session_token", "api_key"], permission="org:a:b", scope="read:loads")
    app.get("/both", dependencies=[Depends(people)])(lambda: None)
    client = client_of(app)
    unable = instance.create_api_key("user_rosa").secret
    answers = {
        "no token": client.get("/scope"),
        "a token that is made up": client.get("/scope", headers=bearing("ak_made_up")),
        "a good token without": client.get("/scope", headers=bearing(unable)),
        "a session without": client.get("/both", headers=bearing(session_of(instance))),
    }
    instance.fail("/api_keys/verify", times=None)
    answers["Clerk could not tell"] = client.get("/scope", headers=bearing("ak_other"))
    return answers


def test_the_table_of_answers(answers: dict[str, Any]) -> None:
    for beginning, answer in answers.items():
        [row] = re.findall(rf"^\| {beginning}.*$", PAGE, re.MULTILINE)
        [status] = re.findall(r"\| (\d{3}) \|", row)
        assert answer.status_code == int(status), beginning
        said = re.findall(r"`([^`]*)`", row.split("|")[-2])
        challenge = answer.headers.get("www-authenticate")
        if beginning in ("no token", "a token that is made up"):
            separator = " " if said[0] == "Bearer" else ", "
            assert challenge == f'{said[0]}{separator}scope="read:loads"'
        elif beginning == "Clerk could not tell":
            assert (challenge, f"Retry-After: {answer.headers['retry-after']}") == (None, said[0])
        else:
            assert challenge == (said[0] if said else None)


# When it does not work


def _said_of_what_was_good() -> Iterator[str]:
    """Where Clerk answers of a key that it is good no longer; LocalClerk answers that there is none."""
    backend = MemoryBackend()
    revoked, ended = backend.add_api_key("user_1"), backend.add_api_key("user_1", lifetime=-1)
    backend.revoke(revoked)
    config = ClerkConfig(**SessionSigner().keys, accepts_token="api_key")
    with Authenticator(config, transport=backend.transport()) as authenticator:
        for key in (revoked, ended):
            request = ClerkRequest("GET", "http://testserver/", {"Authorization": f"Bearer {key}"})
            yield str(authenticator.authenticate_request(request).message)


def test_the_messages_that_the_page_explains_are_real(
    environment: Environment, client_of: ClientOf, instance: LocalClerk
) -> None:
    from fastapi import Depends, FastAPI

    from clerk_middleware_fastapi import ClerkMiddleware, require_auth

    def answer(route: Any, token: str | None, accepts: Any, **options: Any) -> str:
        app = FastAPI()
        app.add_middleware(ClerkMiddleware, config=ClerkConfig.from_env(accepts_token=accepts, **options))
        app.get("/", dependencies=[Depends(require_auth(accepts_token=route))])(lambda: None)
        try:
            return client_of(app).get("/", headers=bearing(token)).text
        except ConfigurationError as error:
            return str(error)

    not_for_us = instance.create_m2m_token("mch_billing", token_format="jwt").token
    said = " ".join(
        [
            answer("api_key", None, ["session_token", "api_key"]),
            answer(["session_token", "api_key"], None, ["session_token", "api_key"]),
            answer("session_token", CARRIED, "session_token"),
            answer("session_token", CARRIED, ["session_token", "oauth_token"]),
            answer("api_key", session_of(instance), ["session_token", "api_key"]),
            *_said_of_what_was_good(),
            answer(["api_key", "m2m_token", "oauth_token"], None, "session_token"),
            answer("api_key", instance.create_m2m_token("mch_tracking").token, ["session_token", "api_key"]),
            answer("session_token", CARRIED, ["session_token", "api_key"]),
            answer("api_key", "ak_made_up", "any"),
            answer("m2m_token", not_for_us, "any", machine_id="mch_fleet_api"),
            answer("m2m_token", None, "session_token"),
            answer("api_key", "ak_other", "any", secret_key=None, jwt_key=instance.jwt_key),
        ]
    )
    with pytest.raises(ConfigurationError) as keyless:
        ClerkConfig(jwt_key=instance.jwt_key, accepts_token="api_key")
    said += str(keyless.value)
    with pytest.raises(ConfigurationError) as caught:
        Requirement(accepts_token="any", permission="org:a:b")
    said += str(caught.value)
    meant_for_us = M2MAuth(id="mt_1", subject="mch_2", scopes=("mch_fleet_api",), claims=None, token="mt_x")
    with pytest.raises(InsufficientScope) as lacking:
        Requirement(accepts_token="any", scopes=["read:loads"]).check(meant_for_us)
    said += str(lacking.value)
    said = said.replace('\\"', '"')
    table = PAGE[PAGE.index("## When it does not work") : PAGE.index("## Revoking")]
    messages = [
        message
        for seen in re.findall(r"^\| ((?:401|403|`ConfigurationError`|the same)[^|]*)", table, re.MULTILINE)
        for message in re.findall(r"`([^`]*)`", seen)
        if message != "ConfigurationError"
    ]
    assert len(messages) > 12
    for message in messages:
        for part in message.split(" … "):
            assert part in said, message


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {CARRIED}"}, 200),
        ({"Authorization": CARRIED}, 200),
        ({"Authorization": f"ApiKey {CARRIED}"}, 401),
        ({"X-API-Key": CARRIED}, 401),
        ({"Cookie": f"__session={CARRIED}"}, 401),
    ],
)
def test_where_a_key_is_looked_for(
    defined: Any, client_of: ClientOf, headers: dict[str, str], status: int
) -> None:
    answer = client_of(defined("# loads.py")["app"]).get("/loads", headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert (
            'Send an API key in the header "Authorization: Bearer ..."'
            in answer.json()["clerk_error"]["message"]
        )


def test_keys_are_made_and_revoked_as_the_page_says(
    defined: Any, client_of: ClientOf, instance: LocalClerk, instance_server: LocalServer
) -> None:
    api = f"{instance_server.url}/v1"
    [create, revoke] = re.findall(r"^curl -X POST \$CLERK_API_URL/v1/(\S+) .*$", PAGE, re.MULTILINE)
    [body] = re.findall("-d '([^']*)'", PAGE)
    bearer = bearing(instance.environment(instance_server.url)["CLERK_SECRET_KEY"])
    made = httpx.post(f"{api}/{create}", json=json.loads(body), headers=bearer).json()
    client = client_of(defined("# loads.py")["app"])
    assert client.get("/loads", headers=bearing(made["secret"])).status_code == 403  # another scope
    assert revoke == "api_keys/ak_dispatch_board/revoke"
    assert instance.api_keys["ak_dispatch_board"].secret == CARRIED
    mine = httpx.post(f"{api}/{revoke.replace('ak_dispatch_board', made['id'])}", headers=bearer)
    assert mine.json()["revoked"] is True


# Revoking


def test_a_revoked_key_goes_on_for_ten_seconds(instance: LocalClerk, instance_server: LocalServer) -> None:
    config = ClerkConfig.from_env(instance.environment(instance_server.url), accepts_token="api_key")
    key, now = instance.create_api_key("user_rosa"), time.time()
    times = [now]
    with Authenticator(config, clock=lambda: times[-1]) as authenticator:
        before = instance.calls("/api_keys/verify")
        states = []
        for later in (0, 9.9, 10.1):
            times.append(now + later)
            states.append(authenticator.authenticate_request(_request(key.secret)).is_authenticated)
            instance.revoke_api_key(key.id)
        assert states == [True, True, False]
        assert instance.calls("/api_keys/verify") - before == 2


# M2M


@pytest.mark.parametrize(("machine", "status"), [("mch_tracking", 200), ("mch_billing", 401)])
def test_one_service_calls_another(environment: Environment, defined: Any, machine: str, status: int) -> None:
    environment(machine="mch_fleet_api")
    called = defined("async def positions")["app"]
    environment(machine=machine)
    calling = defined("def report")
    with serving(called) as url, httpx.Client(base_url=url, auth=calling["fleet"].auth) as client:
        calling["report"].__globals__["fleet"] = client  # at a URL that is there
        if status == 200:
            calling["report"]("35.6, -82.5")
        else:
            with pytest.raises(httpx.HTTPStatusError, match="401"):
                calling["report"]("35.6, -82.5")
    calling["authenticator"].close()


@pytest.mark.anyio
async def test_a_client_that_is_asynchronous(environment: Environment, defined: Any) -> None:
    environment(machine="mch_fleet_api")
    called = defined("async def positions")["app"]
    environment(machine="mch_tracking")
    transport = httpx.ASGITransport(called)
    async with (
        AsyncAuthenticator(ClerkConfig.from_env()) as authenticator,
        httpx.AsyncClient(
            transport=transport, base_url="http://fleet.internal", auth=M2MBearer(authenticator)
        ) as client,
    ):
        assert (await client.post("/positions")).json() == {"from": "mch_tracking"}
        token = (await authenticator.m2m.create_token(seconds_until_expiration=600)).token
        environment(machine="mch_fleet_api")
        async with AsyncAuthenticator(ClerkConfig.from_env()) as other:
            assert (await other.m2m.verify_token(token)).machine_id == "mch_tracking"


def test_an_audience_is_for_m2m_tokens_where_no_machine_is_configured(
    instance: LocalClerk, instance_server: LocalServer
) -> None:
    token = instance.create_m2m_token("mch_tracking", token_format="jwt").token
    for machine, audience, is_let_in in (
        ("mch_fleet_api", ["https://api"], True),
        (None, ["https://api"], False),
        (None, ["https://api", "mch_fleet_api"], True),
    ):
        environment = instance.environment(instance_server.url, machine=machine)
        with Authenticator(ClerkConfig.from_env(environment, audience=audience)) as authenticator:
            state = authenticator.authenticate_request(_request(token), accepts_token="m2m_token")
        assert state.is_authenticated is is_let_in


# OAuth


def test_programs_find_out_where_to_get_a_token(
    defined: Any, client_of: ClientOf, instance: LocalClerk, instance_server: LocalServer
) -> None:
    client = client_of(defined("oauth_scopes=")["app"])
    refused = client.get("/api/me")
    assert refused.status_code == 401
    where = "http://testserver/.well-known/oauth-protected-resource/api"
    assert refused.headers["www-authenticate"] == f'Bearer scope="profile", resource_metadata="{where}"'
    metadata = client.get(where)
    assert metadata.json() == {
        "resource": "http://testserver/api",
        "authorization_servers": [instance_server.url],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["profile", "email"],
    }
    assert metadata.headers["access-control-allow-origin"] == "*"
    server = client.get("/.well-known/oauth-authorization-server")
    assert server.json()["token_endpoint"] == f"{instance_server.url}/oauth/token"
    token = instance.create_oauth_access_token("user_rosa", scopes=["profile"]).token
    me = client.get("/api/me", headers=bearing(token))
    assert me.json() == {"user": "user_rosa", "program": "client_test"}


def test_localclerk_prints_a_token_to_try(
    defined: Any, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    [options] = re.findall("`clerk-middleware local (--oauth-token [^`]*)`", PAGE)
    [(path, printed)] = re.findall(
        r'^curl .*"Authorization: Bearer \$TOKEN" \S+8000(\S+)\n(.*)$', PAGE, re.MULTILINE
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    program = "from clerk_middleware.cli import main; main()"
    command = [sys.executable, "-c", program, "local", "--port", port, *options.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            said = ""
            while "\nCtrl-C stops." not in said:
                line = running.stdout.readline()
                assert line, said
                said += line
            for name, value in re.findall(r"^export (\w+)=(.*)$", said, re.MULTILINE):
                monkeypatch.setenv(name, value)
            [token] = re.findall(r"^OAuth access token of user_rosa.*\n *(\S+)$", said, re.MULTILINE)
            client = client_of(defined("oauth_scopes=")["app"])
            assert client.get(path, headers=bearing(token)).text == printed
        finally:
            running.terminate()


def test_the_root_answers_for_what_is_mounted(
    defined: Any, client_of: ClientOf, instance: LocalClerk
) -> None:
    names = defined("Mount(")
    client = client_of(names["app"])
    [url] = re.findall('resource_metadata="([^"]*)"', client.get("/api/me").headers["www-authenticate"])
    assert client.get(url).json()["resource"] == "http://testserver/api"
    assert client.options(url).status_code == 200
    assert client.get("/.well-known/oauth-authorization-server").json()["authorization_endpoint"]
    assert client.get("/.well-known/other").status_code == 404
    token = instance.create_oauth_access_token("user_rosa").token
    assert client.get("/api/me", headers=bearing(token)).json() == {"user": "user_rosa"}
    assert client.portal is not None
    client.portal.call(names["authenticator"].aclose)


def test_flask_answers_for_what_is_mounted(defined: Any) -> None:
    client = defined("ClerkRequest.from_wsgi")["app"].test_client()
    answer = client.get("/.well-known/oauth-protected-resource/api")
    assert answer.json["resource"] == "http://localhost/api"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert client.options("/.well-known/oauth-protected-resource/api").status_code == 200
    assert client.get("/.well-known/other").status_code == 404


# FastAPI and Starlette


def test_security_and_openapi(
    defined: Any, client_of: ClientOf, instance: LocalClerk, instance_server: LocalServer
) -> None:
    app = defined("ClerkOAuth2(config, scopes=")["app"]
    client = client_of(app)
    for scopes, status in ((["profile"], 200), (["email"], 403)):
        token = instance.create_oauth_access_token("user_rosa", scopes=scopes).token
        assert client.get("/me", headers=bearing(token)).status_code == status
    flow = app.openapi()["components"]["securitySchemes"]["ClerkOAuth2"]["flows"]["authorizationCode"]
    assert flow["tokenUrl"] == f"{instance_server.url}/oauth/token"
    for who in (session_of(instance), instance.create_api_key("user_rosa", scopes=["profile"]).secret):
        assert client.get("/me", headers=bearing(who)).status_code == 401
    assert app.openapi()["paths"]["/me"]["get"]["security"] == [{"ClerkOAuth2": ["profile"]}]


def test_starlettes_requires(defined: Any, client_of: ClientOf, instance: LocalClerk) -> None:
    client = client_of(defined("@requires(")["app"])
    assert client.get("/loads", headers=bearing(CARRIED)).json() == {"organization": "org_blue_ridge"}
    for token in (None, "ak_made_up", session_of(instance)):
        assert client.get("/loads", headers=bearing(token)).status_code == 403
    instance.fail("/api_keys/verify", times=None)
    assert client.get("/loads", headers=bearing("ak_other")).status_code == 403


def test_outside_of_a_request(defined: Any, instance: LocalClerk) -> None:
    names = defined("def owner_of")
    with names["authenticator"] as authenticator:
        assert names["owner_of"](CARRIED, authenticator) == "org_blue_ridge"
        with pytest.raises(PermissionError, match="Clerk does not know it"):
            names["owner_of"]("ak_made_up", authenticator)
        instance.fail("/api_keys/verify", times=None)
        with pytest.raises(TimeoutError, match="try again in 5 seconds"):
            names["owner_of"]("ak_other", authenticator)
