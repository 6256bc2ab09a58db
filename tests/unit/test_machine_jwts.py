"""JWTs of machines: for whom they are meant, what is remembered of them, and that none is a session's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import (
    Authenticator,
    ClerkConfig,
    ClerkRequest,
    M2MAuth,
    OAuthAuth,
    TokenVerificationError,
)
from clerk_middleware.tokens.jwt import JWT

from .backend import CannedBackend, error
from .issuer import NOW, Issuer
from .machines import Clock, accepting, asking, carrying


def m2m(issuer: Issuer, **changed: Any) -> str:
    own = {"sub": "mch_5", "scopes": "mch_8 mch_9", "aud": ["mch_8", "mch_9"], "azp": ..., "sid": ...}
    return issuer.token({"cat": "cl_B7d4PD333AAA"}, **(own | changed))


def oauth(issuer: Issuer, **changed: Any) -> str:
    own = {"scope": "read:loads write:loads", "client_id": "client_3", "azp": ..., "sid": ...}
    return issuer.token({"typ": "at+jwt", "cat": ...}, **(own | changed))


MAKERS = pytest.mark.parametrize("make", [m2m, oauth])


def with_key(issuer: Issuer, **options: Any) -> ClerkConfig:
    return accepting(jwt_key=issuer.pem, **options)


# --- For whom --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "is_meant"),
    [
        ({}, True),
        ({"scopes": "mch_9"}, True),
        ({"scopes": "mch_8"}, False),
        ({"scopes": "mch_99 xmch_9"}, False),
        ({"scopes": ""}, False),
        ({"scopes": ..., "aud": "mch_9"}, True),
        ({"scopes": ..., "aud": ["mch_8", "mch_9"]}, True),
        ({"scopes": ..., "aud": ["mch_8"]}, False),
        ({"scopes": ..., "aud": ...}, False),
        ({"scopes": 7, "aud": 7}, False),
    ],
    ids=str,
)
def test_an_m2m_jwt_is_for_the_machines_that_it_names(
    claims: dict[str, Any], is_meant: bool, issuer: Issuer, backend: CannedBackend
) -> None:
    ask = asking("sync", with_key(issuer, machine_id="mch_9"), backend, Clock())
    for _ in range(2):  # also where it was verified before
        state = ask(m2m(issuer, **claims))
        assert state.is_authenticated is is_meant
        if not is_meant:
            assert (state.reason, state.retry_after) == ("token-verification-failed", None)
            assert state.message == "the M2M token is not meant for this machine, mch_9"


def test_without_a_machine_id_it_is_anybodys(issuer: Issuer, backend: CannedBackend) -> None:
    ask = asking("sync", with_key(issuer), backend, Clock())
    assert ask(m2m(issuer, scopes="mch_other")).is_authenticated


def test_an_m2m_jwt_that_was_verified_for_one_machine_is_not_for_another(
    issuer: Issuer, backend: CannedBackend
) -> None:
    configs = {f"/{name}": with_key(issuer, machine_id=name) for name in ("mch_9", "mch_1")}
    authenticator = Authenticator(lambda request: configs[request.url.path], clock=Clock())
    let_in = [
        authenticator.authenticate_request(
            carrying(m2m(issuer), f"https://app.example.com{path}")
        ).is_authenticated
        for path in ("/mch_9", "/mch_1", "/mch_9")
    ]
    assert let_in == [True, False, True]


def test_a_machine_id_says_nothing_of_oauth_clients(issuer: Issuer, backend: CannedBackend) -> None:
    ask = asking("sync", with_key(issuer, machine_id="mch_9"), backend, Clock())
    assert ask(oauth(issuer)).is_authenticated


@pytest.mark.parametrize(
    ("aud", "is_meant"),
    [
        ("https://api.example", True),
        (["https://other.example", "https://api.example"], True),
        ("https://other.example", False),
        (["https://other.example"], False),
        ([], False),
        ("", False),
        (..., False),
        (None, False),
        (7, False),
        ([7], False),
    ],
)
def test_an_oauth_jwt_must_name_the_configured_audience(
    aud: Any, is_meant: bool, issuer: Issuer, backend: CannedBackend
) -> None:
    ask = asking("sync", with_key(issuer, audience="https://api.example"), backend, Clock())
    for _ in range(2):
        state = ask(oauth(issuer, aud=aud))
        assert state.is_authenticated is is_meant
        assert state.reason == (None if is_meant else "token-verification-failed")


@pytest.mark.parametrize(
    ("options", "aud", "is_meant"),
    [
        ({}, ["mch_9"], False),
        ({}, ["mch_9", "https://api.example"], True),
        ({}, ..., True),
        ({"machine_id": "mch_9"}, ["mch_9"], True),
        ({"machine_id": "mch_9"}, ..., True),
        ({"machine_id": "mch_9"}, ["https://other.example"], True),
        ({"machine_id": "mch_1"}, ["https://api.example"], False),
    ],
    ids=str,
)
def test_an_m2m_jwts_audience_is_machines_where_this_one_has_an_id(
    options: Any, aud: Any, is_meant: bool, issuer: Issuer, backend: CannedBackend
) -> None:
    config = with_key(issuer, audience="https://api.example", **options)
    assert asking("sync", config, backend, Clock())(m2m(issuer, aud=aud)).is_authenticated is is_meant


def test_no_configured_audience_takes_any(issuer: Issuer, backend: CannedBackend) -> None:
    ask = asking("sync", with_key(issuer), backend, Clock())
    assert ask(oauth(issuer, aud="https://other.example")).is_authenticated
    assert ask(oauth(issuer)).is_authenticated


# --- What is remembered ----------------------------------------------------------------------------------


@MAKERS
def test_a_machines_jwt_that_was_verified_is_no_session(make: Callable[..., str], issuer: Issuer) -> None:
    token = make(issuer)
    # Without authorized parties: it would be refused for its lack of one.
    authenticator = Authenticator(with_key(issuer, authorized_parties=()), clock=Clock())
    for _ in range(3):
        assert authenticator.authenticate_request(carrying(token)).is_authenticated
        state = authenticator.authenticate_request(carrying(token), accepts_token="session_token")
        assert (state.status, state.reason) == ("signed-out", "token-type-mismatch")
        for cookies in (f"__session={token}", f"__session={token}; __client_uat={NOW - 100}"):
            request = ClerkRequest("POST", "https://app.example.com/", {"cookie": cookies})
            for accepts in ("any", "session_token"):
                state = authenticator.authenticate_request(request, accepts_token=accepts)  # type: ignore[arg-type]
                assert not state.to_auth().is_authenticated
        with pytest.raises(TokenVerificationError):
            authenticator.verify_token(token)
    assert authenticator.authenticate_request(carrying(token)).is_authenticated


def test_a_session_that_was_verified_is_no_machine(issuer: Issuer) -> None:
    authenticator = Authenticator(with_key(issuer), clock=Clock())
    token = issuer.token()
    for _ in range(2):
        assert authenticator.authenticate_request(carrying(token)).to_auth().session_id == "sess_1"
        assert authenticator.verify_token(token)["sid"] == "sess_1"
        for accepts in ("m2m_token", "oauth_token", ["m2m_token", "oauth_token"]):
            state = authenticator.authenticate_request(carrying(token), accepts_token=accepts)  # type: ignore[arg-type]
            assert (state.status, state.reason) == ("signed-out", "token-type-mismatch")


@MAKERS
def test_its_signature_is_verified_once(
    make: Callable[..., str], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []
    verify = JWT.verify_signature
    monkeypatch.setattr(JWT, "verify_signature", lambda self, key: verified.append(1) or verify(self, key))
    clock = Clock()
    ask = asking("sync", with_key(issuer), CannedBackend(), clock)
    token = make(issuer, exp=NOW + 60)
    assert [ask(token).is_authenticated for _ in range(3)] == [True] * 3
    assert len(verified) == 1
    clock.now += 66  # the time is looked at each time
    assert ask(token).reason == "token-verification-failed"
    assert len(verified) == 1


@MAKERS
def test_it_is_remembered_under_the_newest_key(
    make: Callable[..., str], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the key set was fetched anew: the key is the same, and another object."""
    verified = []
    verify = JWT.verify_signature
    monkeypatch.setattr(JWT, "verify_signature", lambda self, key: verified.append(1) or verify(self, key))
    configs = {"/old": with_key(issuer), "/new": with_key(issuer)}
    authenticator = Authenticator(lambda request: configs[request.url.path], clock=Clock())
    for path in ("/old", "/new", "/new", "/new"):
        request = carrying(make(issuer), f"https://app.example.com{path}")
        assert authenticator.authenticate_request(request).is_authenticated
    assert len(verified) == 2


@MAKERS
def test_one_verified_with_another_instances_key_is_verified_again(
    make: Callable[..., str], issuer: Issuer, stranger: Issuer
) -> None:
    configs = {"/own": with_key(issuer), "/strange": with_key(stranger)}
    authenticator = Authenticator(lambda request: configs[request.url.path], clock=Clock())
    token = make(issuer)
    for _ in range(2):
        assert [
            authenticator.authenticate_request(
                carrying(token, f"https://app.example.com{path}")
            ).is_authenticated
            for path in configs
        ] == [True, False]


@MAKERS
def test_a_forged_one_is_forged_each_time(make: Callable[..., str], issuer: Issuer, stranger: Issuer) -> None:
    ask = asking("sync", with_key(issuer), CannedBackend(), Clock())
    for _ in range(2):
        assert ask(make(stranger)).reason == "token-verification-failed"
        assert ask(make(issuer)).is_authenticated


# --- The key set -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
@MAKERS
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (error(500, "internal"), "answered 500 when asked for the key set"),
        (error(429, "too_many_requests"), "answered 429"),
        (error(401, "clerk_key_invalid"), "Clerk does not know secret_key"),
        (httpx.ReadTimeout("slow"), "did not answer"),
        (httpx.Response(200, text="<html>"), ""),
    ],
    ids=["500", "429", "401", "none", "no JSON"],
)
def test_where_the_key_can_not_be_had_its_client_is_told_to_come_back(
    answer: Any, problem: str, make: Callable[..., str], kind: str, issuer: Issuer, backend: CannedBackend
) -> None:
    backend.on("GET /v1/jwks", answer)
    ask = asking(kind, accepting(), backend, Clock())
    for _ in range(2):
        state = ask(make(issuer))
        assert (state.status, state.reason) == ("signed-out", "token-verification-failed")
        assert (state.retry_after, state.to_auth().retry_after) == (5, 5)
        assert problem in state.message


@MAKERS
def test_a_key_that_does_not_exist_is_no_trouble(make: Callable[..., str], backend: CannedBackend) -> None:
    """Else who made it up would be told to come back, for ever."""
    state = asking("sync", accepting(), backend, Clock())(make(Issuer("attacker", "ins_made_up")))
    assert (state.status, state.retry_after) == ("signed-out", None)


def test_nor_is_a_key_that_is_not_configured(issuer: Issuer, backend: CannedBackend) -> None:
    """A machine's own key verifies opaque tokens only: its client would come back for ever."""
    config = ClerkConfig(machine_secret_key="ak_m", machine_id="mch_9", accepts_token="m2m_token")
    state = asking("sync", config, backend, Clock())(m2m(issuer))
    assert (state.status, state.reason, state.retry_after) == (
        "signed-out",
        "token-verification-failed",
        None,
    )
    assert "neither jwt_key nor secret_key is set" in state.message


@MAKERS
@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 60}, {"nbf": NOW + 60}, {"iat": NOW + 60}, {"sub": ""}], ids=str
)
def test_nor_is_a_token_that_is_no_good(make: Callable[..., str], claims: Any, issuer: Issuer) -> None:
    state = asking("sync", with_key(issuer), CannedBackend(), Clock())(make(issuer, **claims))
    assert (state.status, state.retry_after) == ("signed-out", None)


# --- The log ---------------------------------------------------------------------------------------------


def test_a_key_set_that_can_not_be_had_is_warned_of(
    issuer: Issuer, backend: CannedBackend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.on("GET /v1/jwks", error(500, "internal"))
    ask = asking("sync", accepting(["oauth_token"]), backend, Clock())
    for _ in range(5):
        ask(oauth(issuer))
    (record,) = caplog.records
    assert "answered 500 when asked for the key set" in record.getMessage()


# --- Fields ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scopes", [("", ("",)), ("mch_8", ("mch_8",)), ("mch_8 mch_9", ("mch_8", "mch_9"))])
def test_scopes_of_an_m2m_jwt(scopes: tuple[str, tuple[str, ...]], issuer: Issuer) -> None:
    auth = asking("sync", with_key(issuer), CannedBackend(), Clock())(m2m(issuer, scopes=scopes[0])).to_auth()
    assert isinstance(auth, M2MAuth)
    assert auth.scopes == scopes[1]


def test_no_scope_of_an_oauth_jwt_is_a_word_of_sessions(issuer: Issuer) -> None:
    token = oauth(issuer, scope="authenticated org:teams:manage read:loads org:read org:a:b:c")
    auth = asking("sync", with_key(issuer), CannedBackend(), Clock())(token).to_auth()
    assert isinstance(auth, OAuthAuth)
    assert auth.scopes == ("read:loads", "org:read")
