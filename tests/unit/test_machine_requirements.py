"""What a route may require of machines, how it is answered, and how a mistake in it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import (
    APIKeyAuth,
    Authenticator,
    AuthorizationError,
    ClerkRequest,
    ConfigurationError,
    M2MAuth,
    NotAuthenticated,
    NotAuthorized,
    OAuthAuth,
    SessionAuth,
    SignedOut,
)
from clerk_middleware.decorators import Decorators
from clerk_middleware.protect import Protection
from clerk_middleware.protection import SIGNED_IN, InsufficientScope, Requirement, signed_in

from .backend import CannedBackend
from .conftest import DEVELOPMENT
from .issuer import NOW, Issuer
from .machines import Clock, accepting, carrying, verified

SESSION = SessionAuth.from_claims(
    {"sub": "user_1", "sid": "sess_1", "v": 2, "fva": [5, -1], "fea": "o:loads"}
    | {"o": {"id": "org_1", "slg": "acme", "rol": "dispatcher", "per": "read", "fpm": "1"}},
    token="",
)
SCOPES = ("read:loads", "write:loads")
API_KEY = APIKeyAuth(id="ak_1", subject="user_2b", scopes=SCOPES, claims=None, token="ak_1secret")
M2M = M2MAuth(id="mt_1", subject="mch_5", scopes=("mch_9",), claims=None, token="mt_1secret")
OAUTH = OAuthAuth(
    id="oat_1", subject="user_2b", scopes=SCOPES, claims=None, client_id="c", token="oat_1secret"
)
MACHINES: list[Any] = [API_KEY, M2M, OAUTH]
EVERYBODY: list[Any] = [SESSION, *MACHINES]

KINDS: list[Callable[..., Requirement]] = [
    Requirement,
    lambda accepts_token="session_token", scopes=None, **asked: Protection(
        token=accepts_token, **({"scope": scopes} if scopes is not None else {}), **asked
    ),
]
BOTH = pytest.mark.parametrize("kind", KINDS, ids=["Requirement", "Protection"])


def refusal(requirement: Requirement, auth: Any) -> AuthorizationError:
    with pytest.raises(AuthorizationError) as refused:
        requirement.check(auth)
    assert refused.value.auth is auth
    assert refused.value.requirement is requirement
    return refused.value


# --- Who may come in -------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("auth", MACHINES, ids=repr)
def test_a_route_lets_only_sessions_in_unless_it_says_otherwise(kind: Any, auth: Any) -> None:
    error = refusal(kind(), auth)
    assert type(error) is NotAuthenticated
    assert str(error) == f"this needs a session token, and the request has a token of type {auth.token_type}"
    assert error.status_code == 401
    assert kind().check(SESSION) is SESSION


@BOTH
@pytest.mark.parametrize(
    "accepts",
    [
        "session_token",
        "api_key",
        "m2m_token",
        "oauth_token",
        "any",
        ["api_key"],
        ("session_token", "api_key"),
        pytest.param({"m2m_token", "oauth_token"}, id="set"),
        pytest.param(frozenset({"session_token", "m2m_token"}), id="frozenset"),
    ],
    ids=str,
)
@pytest.mark.parametrize("auth", EVERYBODY, ids=repr)
def test_a_route_lets_those_in_that_it_names(kind: Any, accepts: Any, auth: Any) -> None:
    requirement = kind(accepts_token=accepts)
    if accepts == "any" or auth.token_type in ([accepts] if isinstance(accepts, str) else accepts):
        assert requirement.check(auth) is auth
    else:
        assert type(refusal(requirement, auth)) is NotAuthenticated


@BOTH
@pytest.mark.parametrize("accepts", ["any", "api_key", ["session_token", "api_key"]], ids=str)
def test_nobody_is_nobody_whatever_is_accepted(kind: Any, accepts: Any) -> None:
    for token_type in ("session_token", "api_key", None):
        error = refusal(kind(accepts_token=accepts), SignedOut(token_type=token_type))
        assert type(error) is NotAuthenticated
        assert str(error) == "nobody is signed in"


def test_get_session_is_of_sessions() -> None:
    assert signed_in(SESSION) is SESSION
    for auth in MACHINES:
        with pytest.raises(NotAuthenticated):
            signed_in(auth)


@pytest.mark.parametrize(
    ("accepts", "called"),
    [
        ("session_token", "a session token"),
        ("api_key", "an API key"),
        ("m2m_token", "an M2M token"),
        ("oauth_token", "an OAuth token"),
        (["api_key", "oauth_token"], "an API key or an OAuth token"),
    ],
    ids=str,
)
def test_who_comes_with_another_token_is_told_which_are_accepted(accepts: Any, called: str) -> None:
    auth = M2M if accepts != "m2m_token" else API_KEY
    error = refusal(Requirement(accepts_token=accepts), auth)
    assert str(error) == f"this needs {called}, and the request has a token of type {auth.token_type}"


# --- Scopes ----------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("scopes", "missing"),
    [
        ("read:loads", None),
        (["read:loads"], None),
        (("write:loads", "read:loads"), None),
        ("delete:loads", "'delete:loads'"),
        (["read:loads", "delete:loads"], "'delete:loads'"),
        (["a", "read:loads", "b"], "'a' and 'b'"),
        ("read", "'read'"),
        ("read:load", "'read:load'"),
        ("READ:LOADS", "'READ:LOADS'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("auth", [API_KEY, OAUTH], ids=repr)
def test_a_machine_needs_all_of_them(kind: Any, scopes: Any, missing: str | None, auth: Any) -> None:
    requirement = kind(accepts_token=["api_key", "oauth_token"], scopes=scopes)
    if missing is None:
        assert requirement.check(auth) is auth
        return
    error = refusal(requirement, auth)
    assert type(error) is InsufficientScope
    assert isinstance(error, NotAuthorized)
    assert str(error) == f"the token lacks the scope {missing}"
    assert error.status_code == 403


def test_of_an_m2m_token_it_is_said_what_its_scopes_are() -> None:
    """Else one looks in vain for where to give it the scope."""
    error = refusal(Requirement(accepts_token="any", scopes="read:loads"), M2M)
    assert str(error) == (
        "the token lacks the scope 'read:loads' (of an M2M token, scopes are the machines that it may call)"
    )


@BOTH
def test_a_session_needs_no_scope(kind: Any) -> None:
    assert kind(accepts_token="any", scopes="read:loads").check(SESSION) is SESSION


@BOTH
@pytest.mark.parametrize(
    ("asked", "session_may", "error"),
    [
        ({"role": "dispatcher"}, True, None),
        ({"permission": "org:loads:read"}, True, None),
        ({"role": "admin"}, False, NotAuthorized),
        ({"permission": "org:loads:delete"}, False, NotAuthorized),
        ({"feature": "export"}, False, NotAuthorized),
        ({"plan": "pro"}, False, NotAuthorized),
        ({"reverification": {"level": "first_factor", "after_minutes": 10}}, True, None),
        ({"reverification": {"level": "first_factor", "after_minutes": 5}}, False, AuthorizationError),
    ],
    ids=str,
)
def test_sessions_are_asked_for_permissions_and_machines_for_scopes(
    kind: Any, asked: Any, session_may: bool, error: Any
) -> None:
    requirement = kind(accepts_token=["session_token", "api_key"], scopes="read:loads", **asked)
    assert requirement.check(API_KEY) is API_KEY
    if session_may:
        assert requirement.check(SESSION) is SESSION
    else:
        assert isinstance(refusal(requirement, SESSION), error)
    lacking = APIKeyAuth(id="ak_2", subject="user_2b", scopes=(), claims=None, token="")
    assert type(refusal(requirement, lacking)) is InsufficientScope


@BOTH
def test_a_condition_is_asked_of_whoever_comes(kind: Any) -> None:
    seen: list[Any] = []

    def of_user_2b(auth: Any) -> bool:
        seen.append(auth)
        return bool(auth.user_id == "user_2b")

    requirement = (
        kind(condition=of_user_2b, accepts_token="any")
        if kind is Requirement
        else Protection(of_user_2b, token="any")
    )
    assert requirement.check(API_KEY) is API_KEY
    error = refusal(requirement, SESSION)
    assert (type(error), str(error)) == (NotAuthorized, "You are not allowed to do this.")
    assert type(refusal(requirement, M2M)) is NotAuthorized
    assert seen == [API_KEY, SESSION, M2M]


def test_it_is_not_asked_where_a_scope_is_missing() -> None:
    def fail(auth: Any) -> bool:
        raise AssertionError("asked")

    assert type(refusal(Requirement(fail, accepts_token="any", scopes="x"), API_KEY)) is InsufficientScope


ASKED_OF_SESSIONS = pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"role": "admin"}, "role"),
        ({"permission": "org:a:b", "plan": "pro"}, "permission and plan"),
        ({"reverification": "strict"}, "reverification"),
        ({"role": "admin", "reverification": "lax"}, "role and reverification"),
    ],
    ids=str,
)


# --- Mistakes --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "scope",
    ["", " ", "read loads", "read:loads,write:loads ", 'a"b', "a\\b", "é", "a\n", "\t", 7, None, b"a"],
)
def test_what_is_no_scope_is_told_where_it_is_written(kind: Any, scope: Any) -> None:
    message = "a required scope is one word, such as 'read:loads', and not"
    with pytest.raises(ConfigurationError, match=message):
        kind(accepts_token="any", scopes=[scope])
    if scope:
        with pytest.raises(ConfigurationError, match=message):
            kind(accepts_token="any", scopes=scope)


@pytest.mark.parametrize(("given", "ours"), [("accepts_token", "token"), ("scopes", "scope")])
def test_protect_has_shorter_names(given: str, ours: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^protect calls it {ours}: write protect\({ours}=\.\.\.\)"
    ):
        Protection(**{given: "api_key"})  # type: ignore[arg-type]


@BOTH
@pytest.mark.parametrize("accepts", ["session_token", ["session_token"], ("session_token",)], ids=str)
def test_a_scope_where_only_sessions_are_accepted(kind: Any, accepts: Any) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^the scope 'read:loads' is of a machine's token, and only sessions are accepted: say which "
        r"other tokens are, as in accepts_token='oauth_token', or require a permission$",
    ):
        kind(accepts_token=accepts, scopes=["read:loads"])


@BOTH
@pytest.mark.parametrize("accepts", ["any", ["session_token", "api_key"]], ids=str)
@ASKED_OF_SESSIONS
def test_a_permission_where_machines_are_accepted_without_a_scope(
    kind: Any, accepts: Any, asked: Any, named: str
) -> None:
    with pytest.raises(
        ConfigurationError,
        match=f"^{named} can be asked of sessions alone, and other tokens are accepted, too: say by a scope",
    ):
        kind(accepts_token=accepts, **asked)


@BOTH
@pytest.mark.parametrize("accepts", ["api_key", ["m2m_token", "oauth_token"]], ids=str)
@pytest.mark.parametrize("scopes", [None, ("read:loads",)], ids=str)
@ASKED_OF_SESSIONS
def test_a_permission_where_no_sessions_are_accepted(
    kind: Any, asked: Any, named: str, scopes: Any, accepts: Any
) -> None:
    """It would be asked of nobody."""
    with pytest.raises(
        ConfigurationError,
        match=f"^{named} can be asked of sessions alone, and none are accepted: require a scope, or accept "
        "'session_token', too$",
    ):
        kind(accepts_token=accepts, scopes=scopes, **asked)


@BOTH
@pytest.mark.parametrize("scope", ["authenticated", "org:teams:manage", "org:sys_billing:read"])
def test_a_scope_that_only_sessions_have(kind: Any, scope: str) -> None:
    with pytest.raises(
        ConfigurationError,
        match=f"^no machine's token has the scope '{scope}', which names what sessions have: require a "
        r"permission, as in require_permission\('org:teams:manage'\)$",
    ):
        kind(accepts_token="any", scopes=["read:loads", scope])


@pytest.mark.parametrize("scope", ["", (), [], None], ids=repr)
def test_a_scope_that_is_missing_requires_not_nothing(scope: Any) -> None:
    """As from a setting that is not there."""
    with pytest.raises(
        ConfigurationError, match=r"^scope is .*, so that none would be required: check where"
    ):
        Protection(token="any", scope=scope)


@pytest.mark.parametrize("scopes", [[], (), set(), frozenset()], ids=repr)
def test_an_empty_list_of_scopes_requires_not_nothing(scopes: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^the required scopes are .*, so that none would be required: check where"
    ):
        Requirement(accepts_token="any", scopes=scopes)
    assert Requirement(accepts_token="any", scopes=None).scopes == ()


def test_scopes_that_the_route_names_besides() -> None:
    """A permission's name, too: of sessions, they are checked elsewhere."""
    own = Requirement(accepts_token="any", scopes="read:loads")
    both = own.with_scopes(["write:loads", "org:loads:read"])
    assert both.scopes == ("read:loads", "write:loads", "org:loads:read")
    assert own.scopes == ("read:loads",)
    assert both.accepts_token == "any"


@BOTH
@pytest.mark.parametrize(
    "accepts", ["jwt", [], "", None, 7, ["any"], ["api_key", "jwt"], ["api_key", 7]], ids=str
)
def test_a_type_of_token_that_is_none(kind: Any, accepts: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be one of 'session_token', 'api_key'"):
        kind(accepts_token=accepts)


def test_a_repr_says_what_is_required() -> None:
    assert repr(Requirement(accepts_token="api_key")) == "Requirement(accepts_token='api_key')"
    assert repr(Protection(token=["session_token", "api_key"], scope="read:loads", role="admin")) == (
        "Protection(role='admin', accepts_token=('session_token', 'api_key'), scopes=('read:loads',))"
    )


class TestDecorators:
    @pytest.fixture
    def made(self) -> tuple[Decorators, list[Requirement]]:
        requirements: list[Requirement] = []
        return Decorators(lambda view, requirement: requirements.append(requirement) or view), requirements

    def test_require_auth(self, made: Any) -> None:
        decorators, requirements = made
        decorators.require_auth(lambda: None)
        decorators.require_auth()(lambda: None)
        decorators.require_auth(accepts_token="api_key")(lambda: None)
        decorators.require_auth(accepts_token=["session_token", "api_key"])(lambda: None)
        assert [requirement.accepts_token for requirement in requirements] == [
            "session_token",
            "session_token",
            "api_key",
            ("session_token", "api_key"),
        ]
        assert [requirement.scopes for requirement in requirements] == [()] * 4

    def test_require_scope_is_of_every_machine(self, made: Any) -> None:
        decorators, requirements = made
        decorators.require_scope("read:loads", "write:loads")(lambda: None)
        decorators.require_scope("read:loads", accepts_token="oauth_token")(lambda: None)
        assert requirements[0].accepts_token == ("api_key", "m2m_token", "oauth_token")
        assert requirements[0].scopes == ("read:loads", "write:loads")
        assert requirements[1].accepts_token == "oauth_token"
        assert type(refusal(requirements[0], SESSION)) is NotAuthenticated

    def test_require_scope_may_let_sessions_in(self, made: Any) -> None:
        decorators, requirements = made
        decorators.require_scope("x", accepts_token=["session_token", "api_key"])(lambda: None)
        assert requirements[0].check(SESSION) is SESSION

    @pytest.mark.parametrize("accepts", [{}, {"accepts_token": "any"}], ids=str)
    def test_require_scope_without_a_scope(self, accepts: Any, made: Any) -> None:
        with pytest.raises(
            ConfigurationError,
            match=r"names no scope: .*require_auth\(accepts_token='api_key'\) where any will do",
        ):
            made[0].require_scope(**accepts)

    @pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
    def test_require_scope_with_a_list_of_them(self, kind: Any, made: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"write require_scope\('read:loads', 'write:loads'\)"):
            made[0].require_scope(kind(["read:loads", "write:loads"]))

    def test_require_scope_of_sessions_alone(self, made: Any) -> None:
        with pytest.raises(ConfigurationError, match="only sessions are accepted"):
            made[0].require_scope("read:loads", accepts_token="session_token")

    def test_require_scope_without_parentheses(self, made: Any) -> None:
        with pytest.raises(
            ConfigurationError, match=r"names no scope: write which, as in require_scope\('read"
        ):
            made[0].require_scope(lambda: None)

    def test_protect(self, made: Any) -> None:
        decorators, requirements = made
        decorators.protect(token=["session_token", "api_key"], permission="org:a:b", scope="read:loads")(
            lambda: None
        )
        assert repr(requirements[0]) == (
            "Protection(permission='org:a:b', accepts_token=('session_token', 'api_key'), "
            "scopes=('read:loads',))"
        )


# --- What the application accepts ------------------------------------------------------------------------


def nobody(accepts: Any, accepts_token: Any = None, **headers: str) -> Any:
    """The Auth object of a request without a token that counts."""
    with Authenticator(accepting(accepts), clock=Clock()) as authenticator:
        request = ClerkRequest("POST", "https://app.example.com/", headers)
        return authenticator.authenticate_request(request, accepts_token=accepts_token).to_auth()


@BOTH
@pytest.mark.parametrize(
    ("accepted", "required", "missing", "to_set"),
    [
        ("session_token", "api_key", "api_key", "['session_token', 'api_key']"),
        (
            ["session_token"],
            ["api_key", "m2m_token"],
            "api_key or m2m_token",
            "['session_token', 'api_key', 'm2m_token']",
        ),
        (
            ["session_token", "api_key"],
            ["session_token", "oauth_token"],
            "oauth_token",
            "['session_token', 'api_key', 'oauth_token']",
        ),
        ("api_key", "session_token", "session_token", "['session_token', 'api_key']"),
        (["api_key"], "session_token", "session_token", "['session_token', 'api_key']"),
    ],
    ids=str,
)
def test_a_route_that_can_let_nobody_in_says_so(
    kind: Any, accepted: Any, required: Any, missing: str, to_set: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        kind(accepts_token=required).check(nobody(accepted))
    in_environment = to_set.strip("[]").replace("'", "").replace(", ", ",")
    assert str(told.value).endswith(
        f"this route requires a token of type {missing}, which the application does not accept: set "
        f"accepts_token={to_set}, in the environment CLERK_ACCEPTS_TOKEN={in_environment}"
    )
    assert told.value.option == "accepts_token"


@BOTH
@pytest.mark.parametrize(
    ("accepted", "required"),
    [
        ("any", "api_key"),
        ("any", ["session_token", "api_key", "m2m_token", "oauth_token"]),
        ("any", "any"),
        ("session_token", "any"),
        ("session_token", "session_token"),
        (["session_token", "api_key"], "api_key"),
        (["session_token", "api_key"], ["api_key", "session_token"]),
    ],
    ids=str,
)
def test_one_that_can_refuses(kind: Any, accepted: Any, required: Any) -> None:
    assert type(refusal(kind(accepts_token=required), nobody(accepted))) is NotAuthenticated


def test_any_machine_will_do_where_it_is_not_said_which() -> None:
    """`require_scope` names all types of machines' tokens, and an application may accept one of them."""
    requirement = Requirement.of_scopes(["read:loads"], ("api_key", "m2m_token", "oauth_token"))
    assert type(refusal(requirement, nobody(["session_token", "oauth_token"]))) is NotAuthenticated
    with pytest.raises(
        ConfigurationError,
        match="requires an API key or an M2M token or an OAuth token, and the application accepts none",
    ):
        requirement.check(nobody("session_token"))


def test_it_is_what_counts_for_the_request() -> None:
    """`authenticate_request(accepts_token=…)` says otherwise than the configuration."""
    auth = nobody("session_token", "any")
    assert type(refusal(Requirement(accepts_token="api_key"), auth)) is NotAuthenticated
    with pytest.raises(ConfigurationError):
        Requirement(accepts_token="api_key").check(nobody("any", "session_token"))


def test_a_pending_session_is_told_too() -> None:
    issuer = Issuer("instance")
    authenticator = Authenticator(accepting("session_token", jwt_key=issuer.pem), clock=Clock())
    auth = authenticator.authenticate_request(carrying(issuer.token(sts="pending"))).to_auth()
    assert auth.session_status == "pending"
    with pytest.raises(ConfigurationError):
        Requirement(accepts_token="api_key").check(auth)


def test_an_auth_object_of_unknown_origin_is_refused() -> None:
    assert type(refusal(Requirement(accepts_token="api_key"), SignedOut())) is NotAuthenticated


# --- Answers ---------------------------------------------------------------------------------------------

OPTIONS: dict[str, Any] = {"oauth_resources": ["/mcp"], "machine_id": "mch_9"}
NAVIGATION = {"sec-fetch-dest": "document", "accept": "text/html"}
REVOKED, GOOD = {"revoked": True}, {}
DEVELOPING: dict[str, Any] = DEVELOPMENT


def answer_to(
    requirement: Requirement,
    token: str | None,
    says: Any = GOOD,
    *,
    accepts: Any = "any",
    headers: dict[str, str] | None = None,
    path: str = "/mcp",
    status: int = 200,
    **options: Any,
) -> Any:
    """The answer to a request with an opaque token of which Clerk says this; `None` where it is let in."""
    backend = CannedBackend()
    for token_type, route in (
        ("api_key", "POST /v1/api_keys/verify"),
        ("m2m_token", "POST /v1/m2m_tokens/verify"),
        ("oauth_token", "POST /v1/oauth_applications/access_tokens/verify"),
    ):
        backend.on(route, httpx.Response(status, json=verified(token_type, **says)))
    issuer = Issuer("instance")
    sent = dict(headers or {})
    if token is not None:
        text = issuer.token(exp=NOW + 60) if token == "session" else token
        sent["authorization"] = f"Bearer {text}"
    with Authenticator(
        accepting(accepts, jwt_key=issuer.pem, **OPTIONS, **options),
        transport=backend.transport,
        clock=Clock(),
    ) as authenticator:
        request = ClerkRequest("GET", f"https://app.example.com{path}", sent)
        state = authenticator.authenticate_request(request)
        try:
            requirement.check(state.to_auth())
        except AuthorizationError as refused:
            error = refused
        else:
            return None
    answer = requirement.answer(error, state)
    assert answer.status in (307, error.status_code)
    return answer


def challenge(answer: Any) -> str:
    (value,) = (value for name, value in answer.headers if name == "www-authenticate")
    return str(value)


def body(answer: Any) -> Any:
    return json.loads(answer.body)["clerk_error"]


METADATA = 'resource_metadata="https://app.example.com/.well-known/oauth-protected-resource/mcp"'


@BOTH
@pytest.mark.parametrize(
    ("accepts", "token", "says", "expected"),
    [
        ("api_key", "ak_1", GOOD, None),
        ("api_key", "ak_1", REVOKED, (401, 'Bearer error="invalid_token"', "token-invalid")),
        ("api_key", None, GOOD, (401, "Bearer", "No token in header")),
        ("api_key", "oat_1", GOOD, (401, 'Bearer error="invalid_token"', "token-type-mismatch")),
        ("api_key", "session", GOOD, (401, 'Bearer error="invalid_token"', "token-type-mismatch")),
        ("oauth_token", "oat_1", GOOD, None),
        (
            "oauth_token",
            "oat_1",
            REVOKED,
            (401, f'Bearer error="invalid_token", {METADATA}', "token-invalid"),
        ),
        ("oauth_token", None, GOOD, (401, f"Bearer {METADATA}", "No token in header")),
        (
            "oauth_token",
            "ak_1",
            GOOD,
            (401, f'Bearer error="invalid_token", {METADATA}', "token-type-mismatch"),
        ),
        (
            "any",
            "mt_1",
            {"scopes": []},
            (401, f'Bearer error="invalid_token", {METADATA}', "token-verification-failed"),
        ),
        ("any", None, GOOD, (401, f"Bearer {METADATA}", "session-token-and-uat-missing")),
        (["session_token", "m2m_token"], "mt_1", GOOD, None),
        (["session_token", "m2m_token"], "session", GOOD, None),
        (
            ["session_token", "m2m_token"],
            "ak_1",
            GOOD,
            (401, 'Bearer error="invalid_token"', "token-type-mismatch"),
        ),
        ("session_token", "ak_1", GOOD, (401, 'Bearer error="invalid_token"', "token-type-mismatch")),
    ],
    ids=str,
)
def test_401(kind: Any, accepts: Any, token: str | None, says: Any, expected: Any) -> None:
    answer = answer_to(kind(accepts_token=accepts), token, says)
    if expected is None:
        assert answer is None
        return
    status, header, reason = expected
    assert (answer.status, challenge(answer), body(answer)["reason"]) == (status, header, reason)
    assert body(answer)["type"] == "unauthorized"
    assert ("content-type", "application/json") in answer.headers
    assert ("cache-control", "no-store") in answer.headers


HEADER = 'the header "Authorization: Bearer ..."'


@pytest.mark.parametrize(
    ("accepts", "message"),
    [
        ("session_token", "Sign in to do this."),
        ("api_key", f"Send an API key in {HEADER}."),
        (["api_key", "m2m_token"], f"Send an API key or an M2M token in {HEADER}."),
        (["session_token", "oauth_token"], f"Sign in, or send an OAuth token in {HEADER}."),
        ("any", f"Sign in, or send an API key or an M2M token or an OAuth token in {HEADER}."),
    ],
    ids=str,
)
def test_401_says_what_to_do(accepts: Any, message: str) -> None:
    assert body(answer_to(Requirement(accepts_token=accepts), None))["message"] == message


def test_401_says_in_development_what_is_wrong_with_the_token() -> None:
    refused = answer_to(Requirement(accepts_token="api_key"), "ak_1", REVOKED, **DEVELOPING)
    assert body(refused)["message"] == (
        f"The API key is refused: it was revoked. Send an API key in {HEADER}."
    )
    of_production = answer_to(Requirement(accepts_token="api_key"), "ak_1", REVOKED)
    assert body(of_production)["message"] == f"Send an API key in {HEADER}."


@BOTH
def test_401_tells_the_scopes_that_are_needed(kind: Any) -> None:
    requirement = kind(accepts_token="oauth_token", scopes=["read:loads", "write:loads"])
    assert challenge(answer_to(requirement, None)) == f'Bearer scope="read:loads write:loads", {METADATA}'
    assert challenge(answer_to(requirement, "oat_1", REVOKED)) == (
        f'Bearer error="invalid_token", scope="read:loads write:loads", {METADATA}'
    )


@BOTH
@pytest.mark.parametrize(
    ("accepts", "token", "metadata"),
    [("oauth_token", "oat_1", f", {METADATA}"), ("any", "ak_1", f", {METADATA}"), ("api_key", "ak_1", "")],
)
def test_403_for_a_scope(kind: Any, accepts: Any, token: str, metadata: str) -> None:
    requirement = kind(accepts_token=accepts, scopes=["read:loads", "delete:loads"])
    answer = answer_to(requirement, token)
    assert answer.status == 403
    assert (
        challenge(answer) == f'Bearer error="insufficient_scope", scope="read:loads delete:loads"{metadata}'
    )
    assert body(answer) == {
        "type": "forbidden",
        "reason": "insufficient-scope",
        "message": "The token lacks the scope 'delete:loads'.",
        "metadata": {"required": {"scopes": ["read:loads", "delete:loads"]}},
    }


@BOTH
@pytest.mark.parametrize("accepts", ["api_key", "any", ["session_token", "api_key"]], ids=str)
@pytest.mark.parametrize("status", [429, 500])
def test_503_where_clerk_can_not_say(kind: Any, accepts: Any, status: int) -> None:
    answer = answer_to(kind(accepts_token=accepts), "ak_1", status=status)
    assert (answer.status, dict(answer.headers)["retry-after"]) == (503, "5")
    assert "www-authenticate" not in dict(answer.headers)
    assert body(answer) == {
        "type": "unavailable",
        "reason": "unexpected-error",
        "message": "It could not be found out whether the token is good: try again.",
    }


def test_503_says_in_development_what_is_wrong() -> None:
    answer = answer_to(Requirement(accepts_token="api_key"), "ak_1", status=500, **DEVELOPING)
    assert body(answer)["message"] == (
        "It could not be found out whether the token is good: try again. Clerk's Backend API, "
        "https://api.clerk.com, answered 500 when asked about an API key."
    )


@BOTH
@pytest.mark.parametrize("accepts", ["session_token", "oauth_token"])
def test_401_where_its_type_would_not_do_anyway(kind: Any, accepts: Any) -> None:
    answer = answer_to(kind(accepts_token=accepts), "ak_1", status=500)
    assert (answer.status, dict(answer.headers).get("retry-after")) == (401, None)


@BOTH
def test_503_also_for_a_navigation(kind: Any) -> None:
    answer = answer_to(kind(accepts_token="any"), "ak_1", status=500, headers=NAVIGATION)
    assert answer.status == 503


@BOTH
def test_403_for_a_condition(kind: Any) -> None:
    requirement = (
        Requirement(lambda auth: False, accepts_token="any")
        if kind is Requirement
        else Protection(lambda auth: False, token="any")
    )
    for token in ("ak_1", "session"):
        answer = answer_to(requirement, token)
        assert answer.status == 403
        assert body(answer)["reason"] == "not-authorized"


class TestNavigation:
    """A browser that opens a page; only sessions are signed in by sending it elsewhere."""

    @BOTH
    @pytest.mark.parametrize("accepts", ["session_token", "any", ["session_token", "api_key"]], ids=str)
    def test_is_sent_to_sign_in_where_a_session_would_do(self, kind: Any, accepts: Any) -> None:
        answer = answer_to(kind(accepts_token=accepts), None, headers=NAVIGATION, path="/")
        assert answer.status == 307
        assert dict(answer.headers)["location"].startswith("https://accounts.example.com/sign-in")

    @BOTH
    @pytest.mark.parametrize("accepts", ["api_key", ["m2m_token", "oauth_token"]], ids=str)
    def test_is_not_where_none_would(self, kind: Any, accepts: Any) -> None:
        assert answer_to(kind(accepts_token=accepts), None, headers=NAVIGATION).status == 401


class TestProtection:
    """404 hides a page from who may not see it; a machine looks for no pages."""

    def test_404_where_only_sessions_are_accepted(self) -> None:
        assert answer_to(Protection(), None).status == 404
        assert answer_to(Protection(role="admin"), "session").status == 404

    @pytest.mark.parametrize("token", ["ak_1", "mt_1", "oat_1"])
    def test_but_401_to_a_machine(self, token: str) -> None:
        assert answer_to(Protection(), token).status == 401
        assert answer_to(Protection(), token, REVOKED).status == 401

    def test_nor_is_a_page_hidden_from_one_that_the_application_refuses_itself(self) -> None:
        protection = Protection()
        for auth, status in ((API_KEY, 403), (SESSION, 404)):
            error = NotAuthorized("This load is another's.", auth=auth, requirement=protection)
            assert error.status_code == protection.answer(error, None).status == status

    def test_401_and_403_where_machines_are_accepted(self) -> None:
        protection = Protection(token="any", scope="x", role="admin")
        assert answer_to(protection, None).status == 401
        assert answer_to(protection, "session").status == 403
        assert answer_to(protection, "ak_1").status == 403

    def test_urls_of_its_own_count_for_pages_only(self) -> None:
        urls = {"unauthenticated_url": "/in", "unauthorized_url": "/no"}
        hidden = Protection(role="admin", **urls)  # type: ignore[arg-type]
        assert dict(answer_to(hidden, None).headers)["location"] == "/in"
        assert dict(answer_to(hidden, "session").headers)["location"] == "/no"
        assert answer_to(hidden, "ak_1").status == 401
        shared = Protection(token="any", scope="x", role="admin", **urls)  # type: ignore[arg-type]
        assert [answer_to(shared, token).status for token in (None, "session", "ak_1")] == [401, 403, 403]


def test_signed_in_is_of_sessions() -> None:
    answer = answer_to(SIGNED_IN, "ak_1")
    assert (answer.status, body(answer)["reason"]) == (401, "token-type-mismatch")
    assert body(answer)["message"] == (
        "This needs a session token, and the request has a token of type api_key."
    )
