"""API keys, M2M tokens and OAuth access tokens that are no JWTs: what Clerk says of them decides."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import APIKeyAuth, Authenticator, ClerkConfig, ClerkRequest, M2MAuth, OAuthAuth
from clerk_middleware.backend import attempts

from .backend import CannedBackend, error
from .issuer import NOW, Issuer
from .machines import OPAQUE, TYPES, Ask, Clock, accepting, asking, carrying, verified

UNKNOWN = ("signed-out", "unexpected-error")


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, backend: CannedBackend) -> Ask:
    """Authenticate by a token, as an application that accepts any."""
    return asking(request.param, accepting(), backend, Clock())


def says(backend: CannedBackend, token_type: str, answer: Any) -> str:
    """Have the Backend API say this of a token; gives the token."""
    token, route, _ = OPAQUE[token_type]
    backend.on(route, answer)
    return token


# --- Good ones -------------------------------------------------------------------------------------------


def test_an_api_key_of_a_user(ask: Ask, backend: CannedBackend) -> None:
    state = ask(says(backend, "api_key", verified("api_key", claims={"team": "night"})))
    auth = state.to_auth()
    assert isinstance(auth, APIKeyAuth)
    assert (state.status, state.reason, state.retry_after, state.message) == ("signed-in", None, None, "")
    assert (auth.token_type, auth.id, auth.name, auth.subject) == ("api_key", "ak_1", "my key", "user_2b")
    assert (auth.user_id, auth.org_id, auth.session_id) == ("user_2b", None, None)
    assert (auth.scopes, auth.claims) == (("read:loads", "write:loads"), {"team": "night"})
    assert (auth.get_token(), state.token, state.token_carrier) == ("ak_1secret", "ak_1secret", "header")
    assert auth.is_authenticated
    assert auth.retry_after is None


def test_an_api_key_of_an_organization(ask: Ask, backend: CannedBackend) -> None:
    auth = ask(says(backend, "api_key", verified("api_key", subject="org_7"))).to_auth()
    assert (auth.user_id, auth.org_id) == (None, "org_7")


def test_an_m2m_token(ask: Ask, backend: CannedBackend) -> None:
    auth = ask(says(backend, "m2m_token", verified("m2m_token", claims={"a": 1}))).to_auth()
    assert isinstance(auth, M2MAuth)
    assert (auth.id, auth.subject, auth.machine_id) == ("mt_1", "mch_5", "mch_5")
    assert (auth.scopes, auth.claims, auth.user_id) == (("mch_9",), {"a": 1}, None)
    assert auth.get_token() == "mt_1secret"


def test_an_oauth_access_token(ask: Ask, backend: CannedBackend) -> None:
    auth = ask(says(backend, "oauth_token", verified("oauth_token", claims={"ignored": True}))).to_auth()
    assert isinstance(auth, OAuthAuth)
    assert (auth.id, auth.subject, auth.user_id, auth.client_id) == (
        "oat_1",
        "user_2b",
        "user_2b",
        "client_3",
    )
    assert (auth.scopes, auth.claims) == (("read:loads", "write:loads"), None)
    assert auth.get_token() == "oat_1secret"


@pytest.mark.parametrize("token_type", TYPES)
def test_clerk_is_asked_by_post_with_the_secret_key(
    token_type: str, ask: Ask, backend: CannedBackend
) -> None:
    token, route, member = OPAQUE[token_type]
    assert ask(says(backend, token_type, verified(token_type))).is_authenticated
    assert backend.asked == [route]
    assert backend.body() == {member: token}
    assert backend.requests[0].headers["authorization"] == "Bearer sk_live_productionsecret"
    assert backend.requests[0].headers["content-type"] == "application/json"


def test_m2m_tokens_are_verified_as_this_machine_if_it_has_a_key(backend: CannedBackend) -> None:
    token = says(backend, "m2m_token", verified("m2m_token"))
    says(backend, "api_key", verified("api_key"))
    ask = asking("sync", accepting(machine_secret_key="ak_machine"), backend, Clock())
    assert ask(token).is_authenticated
    assert ask("ak_1secret").is_authenticated
    assert [request.headers["authorization"] for request in backend.requests] == [
        "Bearer ak_machine",
        "Bearer sk_live_productionsecret",
    ]


@pytest.mark.parametrize(
    ("machine_id", "scopes", "is_meant"),
    [
        ("mch_9", ["mch_9"], True),
        ("mch_9", ["mch_1", "mch_9"], True),
        ("mch_9", ["mch_1"], False),
        ("mch_9", [], False),
        ("mch_9", ["mch_99", "ch_9", "mch_9 "], False),
        (None, [], True),
    ],
)
def test_an_m2m_token_is_for_the_machines_among_its_scopes(
    machine_id: Any, scopes: list[str], is_meant: bool, backend: CannedBackend
) -> None:
    token = says(backend, "m2m_token", verified("m2m_token", scopes=scopes))
    ask = asking("sync", accepting(machine_id=machine_id), backend, Clock())
    for _ in range(2):  # also of what is remembered
        state = ask(token)
        assert state.is_authenticated is is_meant
        assert state.to_auth().is_authenticated is is_meant
    if not is_meant:
        assert (state.reason, state.retry_after) == ("token-verification-failed", None)
        assert state.message == "the M2M token is not meant for this machine, mch_9"
    assert len(backend.requests) == 1


def test_a_machine_id_says_nothing_of_other_tokens(backend: CannedBackend) -> None:
    for token_type in ("api_key", "oauth_token"):
        says(backend, token_type, verified(token_type))
    ask = asking("sync", accepting(machine_id="mch_9"), backend, Clock())
    assert ask("ak_1secret").is_authenticated
    assert ask("oat_1secret").is_authenticated


@pytest.mark.parametrize("token_type", TYPES)
def test_what_is_not_needed_may_be_missing(token_type: str, ask: Ask, backend: CannedBackend) -> None:
    bare = {
        name: verified(token_type)[name]
        for name in ("id", "subject", "scopes", "revoked", "expired", "expiration")
    }
    auth: Any = ask(says(backend, token_type, bare)).to_auth()
    assert auth.is_authenticated
    assert auth.claims is None
    if token_type == "api_key":
        assert auth.name is None
    if token_type == "oauth_token":
        assert auth.client_id is None


@pytest.mark.parametrize("scope", ["authenticated", "org:teams:manage", "org:sys_billing:read"])
def test_no_scope_passes_for_a_word_of_a_session(scope: str, ask: Ask, backend: CannedBackend) -> None:
    auth = ask(says(backend, "api_key", verified("api_key", scopes=[scope, "read:loads"]))).to_auth()
    assert auth.scopes == ("read:loads",)


# --- Refused ones ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize(
    ("changed", "says_why"),
    [
        ({"revoked": True}, "it was revoked"),
        ({"revoked": True, "expired": True}, "it was revoked"),
        ({"expired": True}, "it has expired"),
        ({"expired": True, "expiration": (NOW + 60) * 1000}, "it has expired"),
        ({"expiration": NOW * 1000 - 1}, "it has expired"),
        ({"expiration": NOW * 1000}, "it has expired"),
        ({"expiration": 0}, "it has expired"),
        ({"expiration": -1}, "it has expired"),
    ],
    ids=str,
)
def test_good_no_longer_although_clerk_answers_200(
    changed: Any, says_why: str, token_type: str, ask: Ask, backend: CannedBackend
) -> None:
    state = ask(says(backend, token_type, verified(token_type, **changed)))
    assert (state.status, state.reason, state.token_type) == ("signed-out", "token-invalid", token_type)
    assert state.message.endswith(f"is refused: {says_why}")
    auth = state.to_auth()
    assert (auth.is_authenticated, auth.retry_after, auth.scopes) == (False, None, None)


@pytest.mark.parametrize("expiration", [NOW * 1000 + 1, NOW * 1000 + 0.5, (NOW + 60) * 1000])
def test_good_to_the_last_millisecond(expiration: float, ask: Ask, backend: CannedBackend) -> None:
    assert ask(says(backend, "api_key", verified("api_key", expiration=expiration))).is_authenticated


@pytest.mark.parametrize("token_type", TYPES)
def test_one_that_clerk_does_not_know(token_type: str, ask: Ask) -> None:
    state = ask(OPAQUE[token_type][0])
    assert (state.status, state.reason, state.token_type) == ("signed-out", "token-invalid", token_type)
    assert state.message.endswith("is refused: Clerk does not know it")
    assert state.retry_after is None


@pytest.mark.parametrize(
    ("token_type", "called"),
    [("api_key", "the API key"), ("m2m_token", "the M2M token"), ("oauth_token", "the OAuth token")],
)
def test_a_message_calls_it_by_its_name(token_type: str, called: str, ask: Ask) -> None:
    assert ask(OPAQUE[token_type][0]).message.startswith(f"{called} is refused: ")


@pytest.mark.parametrize(
    "token",
    [
        "ak_" + "x" * 1024 * 1024,
        "ak_" + "x" * 1022,
        "ak_" + "=" * 9,
        "ak_=x",
        "ak_é",
        "ak_\x00",
        "ak_x,Bearer",
        'ak_"x"',
        "ak_x\ny",
        "ak_x\n",
        "mt_%20",
        "oat_{}",
        "ak_x;y",
    ],
    ids=lambda token: token[:12],
)
def test_what_is_spelled_as_no_token_is_costs_no_call(token: str, backend: CannedBackend, ask: Ask) -> None:
    state = ask(token)
    assert (state.status, state.reason, backend.requests) == ("signed-out", "token-invalid", [])
    assert state.message.endswith("it is spelled as no token is")


@pytest.mark.parametrize("token", ["ak_" + "x" * 1021, "ak_x" + "=" * 8, "ak_a.b_c~d+e/f-g", "ak_"])
def test_what_may_be_one_does(token: str, backend: CannedBackend, ask: Ask) -> None:
    says(backend, "api_key", verified("api_key"))
    assert ask(token).is_authenticated
    assert backend.body() == {"secret": token}


# --- Nobody knows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize("status", [301, 429, 500, 502, 503, 504])
def test_a_clerk_in_trouble_is_no_reason_to_throw_a_token_away(
    status: int, token_type: str, ask: Ask, backend: CannedBackend
) -> None:
    state = ask(says(backend, token_type, error(status, "trouble")))
    assert (state.status, state.reason, state.token_type) == (*UNKNOWN, token_type)
    assert (state.retry_after, state.to_auth().retry_after) == (5, 5)
    assert f"https://api.clerk.com, answered {status} when asked about an " in state.message
    assert len(backend.requests) == (1 if status == 301 else 2)


@pytest.mark.parametrize(
    "problem", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("odd")]
)
def test_nor_is_one_that_does_not_answer(problem: Exception, ask: Ask, backend: CannedBackend) -> None:
    state = ask(says(backend, "api_key", problem))
    assert (state.status, state.reason, state.retry_after) == (*UNKNOWN, 5)
    assert f"did not answer ({type(problem).__name__} {problem})" in state.message
    assert len(backend.requests) == 2


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize("status", [400, 422])
def test_another_refusal_is_final(status: int, token_type: str, ask: Ask, backend: CannedBackend) -> None:
    state = ask(says(backend, token_type, error(status, "form_invalid")))
    assert (state.status, state.reason, state.retry_after) == (*UNKNOWN, None)
    assert f"answered {status} when asked about an " in state.message
    assert len(backend.requests) == 1


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize("status", [402, 403, 405, 410, 451])
def test_what_clerk_refuses_of_us_says_nothing_of_the_token(
    status: int, token_type: str, ask: Ask, backend: CannedBackend
) -> None:
    state = ask(says(backend, token_type, error(status, "forbidden")))
    assert (state.status, state.reason, state.retry_after) == (*UNKNOWN, 5)
    assert f"https://api.clerk.com, answered {status} when asked about an " in state.message
    assert len(backend.requests) == 1


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize("body", ["<html>", "{}", "[]", '{"errors": []}', '{"errors": [{}]}'])
def test_only_clerk_can_refuse_it_and_no_proxy_on_the_way(
    body: str, status: int, token_type: str, ask: Ask, backend: CannedBackend
) -> None:
    """Clerk's errors have a code. What has none is not remembered, either."""
    token = says(backend, token_type, httpx.Response(status, text=body))
    state = ask(token)
    assert (state.status, state.reason, state.retry_after) == (*UNKNOWN, 5)
    assert f"answered {status} when asked about an " in state.message
    says(backend, token_type, verified(token_type))
    assert ask(token).is_authenticated


@pytest.mark.parametrize(
    ("token_type", "options", "named"),
    [
        ("api_key", {}, "secret_key"),
        ("m2m_token", {}, "secret_key"),
        ("m2m_token", {"machine_secret_key": "ak_m"}, "machine_secret_key"),
        ("oauth_token", {"machine_secret_key": "ak_m"}, "secret_key"),
    ],
)
def test_a_wrong_key_of_the_applications_own(
    token_type: str, options: Any, named: str, backend: CannedBackend
) -> None:
    token = says(backend, token_type, error(401, "clerk_key_invalid"))
    state = asking("sync", accepting(**options), backend, Clock())(token)
    assert (state.status, state.reason, state.retry_after) == ("signed-out", "secret-key-invalid", 5)
    assert state.message == f"Clerk does not know {named}: copy it from the Clerk Dashboard"


@pytest.mark.parametrize("token_type", TYPES)
def test_without_a_secret_key_none_is_good(token_type: str, backend: CannedBackend, issuer: Issuer) -> None:
    """And no client is told to come back: it would, for ever."""
    token = says(backend, token_type, verified(token_type))
    config = ClerkConfig(jwt_key=issuer.pem, accepts_token="any", authorized_parties=["https://a.example"])
    state = asking("sync", config, backend, Clock())(token)
    assert (state.status, state.reason, state.retry_after) == ("signed-out", "token-invalid", None)
    assert state.message.endswith("only Clerk can tell whether it is good, and secret_key is not set")
    assert backend.requests == []


def test_a_machines_own_key_suffices_for_m2m_tokens(backend: CannedBackend, issuer: Issuer) -> None:
    token = says(backend, "m2m_token", verified("m2m_token"))
    config = ClerkConfig(machine_secret_key="ak_machine", machine_id="mch_9", accepts_token="m2m_token")
    assert asking("sync", config, backend, Clock())(token).is_authenticated
    assert backend.requests[0].headers["authorization"] == "Bearer ak_machine"


@pytest.mark.parametrize("token_type", TYPES)
def test_an_error_of_our_own_is_no_reason_either(
    token_type: str, ask: Ask, backend: CannedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    state = ask(says(backend, token_type, RuntimeError("odd")))
    assert (state.status, state.reason, state.token_type, state.retry_after) == (*UNKNOWN, token_type, 5)
    (record,) = (record for record in caplog.records if record.exc_info)
    assert record.getMessage() == "Clerk: authenticating failed unexpectedly; the request is signed out"
    assert "1secret" not in caplog.text


def test_of_a_sessions_token_it_is_one(backend: CannedBackend, issuer: Issuer) -> None:
    """A browser or its application gets a new one at any time."""
    backend.on("GET /v1/jwks", RuntimeError("odd"))
    state = asking("sync", accepting(), backend, Clock())(issuer.token())
    assert (state.status, state.reason, state.token_type, state.retry_after) == (
        *UNKNOWN,
        "session_token",
        None,
    )


# --- Retry-After -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("007", 7),
        ("0", 1),
        ("60", 60),
        ("61", 60),
        ("9" * 30, 60),
        ("1.5", 5),
        ("-1", 5),
        ("", 5),
        ("soon", 5),
        ("٧", 5),
        ("Sat, 22 Nov 2031 06:00:00 GMT", 5),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_passed_on(
    header: str, seconds: int, status: int, ask: Ask, backend: CannedBackend
) -> None:
    headers = [(b"retry-after", header.encode())]
    state = ask(says(backend, "api_key", httpx.Response(status, headers=headers)))
    assert (state.status, state.reason, state.retry_after) == (*UNKNOWN, seconds)


def test_retry_after_of_another_answer_means_nothing(ask: Ask, backend: CannedBackend) -> None:
    answer = httpx.Response(500, headers={"retry-after": "30"})
    assert ask(says(backend, "api_key", answer)).retry_after == 5


@pytest.mark.parametrize("status", [429, 503])
def test_who_says_when_to_come_back_is_not_asked_again_before(
    status: int, ask: Ask, backend: CannedBackend
) -> None:
    """Without the header, it is: after a moment, once."""
    ask(says(backend, "api_key", httpx.Response(status, headers={"retry-after": "1"})))
    assert len(backend.requests) == 1


class TestBusy:
    """429 with `Retry-After` stops all calls to verify tokens of that instance, for so long."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture(params=["sync", "async"])
    def ask(self, request: pytest.FixtureRequest, backend: CannedBackend, clock: Clock) -> Ask:
        says(backend, "api_key", httpx.Response(429, headers={"retry-after": "30"}))
        return asking(request.param, accepting(), backend, clock)

    def test_503_stops_none(self, ask: Ask, backend: CannedBackend) -> None:
        """It is not about how often one asks: the next one may be answered."""
        says(backend, "api_key", httpx.Response(503, headers={"retry-after": "30"}))
        assert ask("ak_1secret").retry_after == 30
        says(backend, "api_key", verified("api_key"))
        assert ask("ak_1secret").is_authenticated

    def test_also_for_other_tokens(self, ask: Ask, backend: CannedBackend, clock: Clock) -> None:
        says(backend, "oauth_token", verified("oauth_token"))
        ask("ak_1secret")
        for token in ("ak_1secret", "ak_2", "oat_1secret"):
            state = ask(token)
            assert (state.status, state.reason, state.retry_after) == (*UNKNOWN, 30)
            assert "asked not to be called for a while (429)" in state.message
        assert len(backend.requests) == 1

    def test_until_it_is_over(self, ask: Ask, backend: CannedBackend, clock: Clock) -> None:
        ask("ak_1secret")
        says(backend, "api_key", verified("api_key"))
        for later, seconds in ((0.5, 30), (1, 29), (28.9, 2), (29.5, 1), (29.999, 1)):
            clock.now = NOW + later
            assert ask("ak_1secret").retry_after == seconds
        clock.now = NOW + 30
        assert ask("ak_1secret").is_authenticated
        assert len(backend.requests) == 2

    def test_what_was_verified_before_is_good_meanwhile(
        self, ask: Ask, backend: CannedBackend, clock: Clock
    ) -> None:
        says(backend, "oauth_token", verified("oauth_token"))
        assert ask("oat_1secret").is_authenticated
        assert not ask("ak_1secret").is_authenticated
        clock.now += 9
        assert ask("oat_1secret").is_authenticated
        clock.now += 1
        assert ask("oat_1secret").retry_after == 20

    def test_a_clock_that_was_set_back_does_not_make_it_last(
        self, ask: Ask, backend: CannedBackend, clock: Clock
    ) -> None:
        ask("ak_1secret")
        says(backend, "api_key", verified("api_key"))
        clock.now -= 3600
        assert ask("ak_1secret").is_authenticated

    def test_m2m_tokens_with_a_key_of_their_own_go_on(self, backend: CannedBackend, clock: Clock) -> None:
        says(backend, "api_key", httpx.Response(429, headers={"retry-after": "30"}))
        says(backend, "m2m_token", verified("m2m_token"))
        ask = asking("sync", accepting(machine_secret_key="ak_m"), backend, clock)
        assert ask("ak_1secret").retry_after == 30
        assert ask("mt_1secret").is_authenticated

    def test_other_instances_go_on(self, backend: CannedBackend, clock: Clock) -> None:
        configs = {name: accepting(secret_key=f"sk_live_{name}") for name in ("one", "two")}

        def answer(request: httpx.Request) -> httpx.Response:
            if request.headers["authorization"] == "Bearer sk_live_one":
                return httpx.Response(429, headers={"retry-after": "30"})
            return httpx.Response(200, json=verified("api_key"))

        authenticator = Authenticator(
            lambda request: configs[request.url.path[1:]], transport=httpx.MockTransport(answer), clock=clock
        )

        def retry_after(name: str) -> int | None:
            request = carrying("ak_1secret", f"https://app.example.com/{name}")
            return authenticator.authenticate_request(request).retry_after

        assert [retry_after(name) for name in ("one", "two", "one")] == [30, None, 30]


# --- The log ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "internal"),
        error(401, "clerk_key_invalid"),
        httpx.Response(429, headers={"retry-after": "1"}),
        httpx.Response(200, text="<html>"),
        httpx.ReadTimeout("slow"),
    ],
    ids=["500", "401", "429", "200", "none"],
)
@pytest.mark.parametrize("token_type", TYPES)
def test_trouble_is_one_line_a_minute_and_shows_no_token(
    answer: Any, token_type: str, backend: CannedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "clerk_middleware")
    token = says(backend, token_type, answer)
    ask = asking("sync", accepting(machine_id="mch_9"), backend, Clock())
    for number in range(20):
        ask(f"{token}{number}")
    (record,) = (record for record in caplog.records if record.levelno > logging.DEBUG)
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    assert record.getMessage().startswith("Clerk: requests are answered with 503 (")
    assert "1secret" not in caplog.text
    assert "productionsecret" not in caplog.text


def test_a_refused_token_is_for_debugging_only(
    ask: Ask, backend: CannedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "clerk_middleware")
    caplog.clear()  # of what making the configuration warned of
    ask(says(backend, "api_key", verified("api_key", revoked=True)))
    ask("ak_2secret")
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    assert "secret" not in caplog.text


# --- Which tokens are looked at --------------------------------------------------------------------------


@pytest.mark.parametrize("token", [OPAQUE[token_type][0] for token_type in TYPES])
def test_one_that_is_not_accepted_costs_no_call(
    token: str, backend: CannedBackend, config: Callable[..., ClerkConfig]
) -> None:
    own = next(token_type for token_type in TYPES if OPAQUE[token_type][0] == token)
    others = [token_type for token_type in TYPES if token_type != own]
    for accepts in ("session_token", *others, others, ["session_token", *others]):
        state = asking("sync", config(accepts_token=accepts), backend, Clock())(token)
        assert not state.is_authenticated
        assert state.reason == "token-type-mismatch" or accepts == "session_token"
    assert backend.requests == []


@pytest.mark.parametrize(
    "token", ["AK_1secret", "xak_1", "ak-1secret", "sk_1", "apikey_1", "oa_1", "ak", "k_1"]
)
def test_an_unknown_prefix_costs_no_call(token: str, backend: CannedBackend, ask: Ask) -> None:
    assert not ask(token).is_authenticated
    assert backend.requests == []


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize("options", [{}, {"publishable_key": None}], ids=["browsers", "API"])
def test_none_counts_in_a_cookie(token_type: str, options: Any, backend: CannedBackend) -> None:
    token = says(backend, token_type, verified(token_type))
    cookie = f"__session={token}; __client_uat=1"
    with Authenticator(accepting(**options), transport=backend.transport, clock=Clock()) as authenticator:
        request = ClerkRequest("POST", "https://app.example.com/", {"cookie": cookie})
        for accepts in ("any", token_type, ["session_token", token_type]):
            state = authenticator.authenticate_request(request, accepts_token=accepts)  # type: ignore[arg-type]
            assert not state.is_authenticated
    assert backend.requests == []


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize("header", ["bearer {}", "BEARER  {}", "{}", "Bearer {} ", "Bearer {} more"], ids=str)
def test_the_header_may_be_spelled_as_for_sessions(
    header: str, token_type: str, backend: CannedBackend
) -> None:
    token = says(backend, token_type, verified(token_type))
    with Authenticator(accepting(), transport=backend.transport, clock=Clock()) as authenticator:
        request = ClerkRequest("GET", "https://a.example/", {"authorization": header.format(token)})
        assert authenticator.authenticate_request(request).is_authenticated


def test_two_headers_are_none(backend: CannedBackend) -> None:
    says(backend, "api_key", verified("api_key"))
    pairs = [("authorization", "Bearer ak_1secret"), ("authorization", "Bearer ak_2secret")]
    with Authenticator(accepting(), transport=backend.transport, clock=Clock()) as authenticator:
        state = authenticator.authenticate_request(ClerkRequest("GET", "https://a.example/", pairs))
    assert (state.status, backend.requests) == ("signed-out", [])


# --- Time ------------------------------------------------------------------------------------------------


def test_a_token_that_ends_while_clerk_is_asked_is_refused(backend: CannedBackend) -> None:
    clock = Clock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 2
        return httpx.Response(200, json=verified("api_key", expiration=(NOW + 1) * 1000))

    assert asking("sync", accepting(), slow, clock)("ak_1secret").reason == "token-invalid"


def test_an_answer_that_is_too_long_is_none(ask: Ask, backend: CannedBackend) -> None:
    huge = verified("api_key", description="x" * attempts.MAX_ANSWER_BYTES)
    state = ask(says(backend, "api_key", huge))
    assert (state.status, state.reason, state.retry_after) == (*UNKNOWN, 5)
    assert "did not answer (" in state.message
