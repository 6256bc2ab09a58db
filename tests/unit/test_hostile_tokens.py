"""Every token of the hostile corpus is refused, wherever it is presented, and never with a crash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clerk_middleware import Authenticator, ClerkConfig, ClerkRequest, TokenVerificationError

from .backend import CannedBackend
from .hostile_tokens import CORPUS, resigned, segment_not_aligned
from .issuer import NOW, ORIGIN, Issuer, claims_of

#: Signed by the instance, and good enough for `verify_token`, but no session's.
OTHER_CLASSES = {
    "template": {"cat": "cl_B7d4PD222AAA"},
    "unknown": {"cat": "cl_XXXXXXXXXXXX"},
    "empty": {"cat": ""},
    "session-and-a-space": {"cat": "cl_B7d4PD111AAA "},
}

#: What stands around a header's or a cookie's value is no part of it.
TRIMMED = {
    "header": {"space-before-the-header", "space-after-the-signature"},
    "cookie": {
        "space-before-the-header",
        "space-after-the-signature",
        "tab-before-the-header",
        "tab-after-the-signature",
        "semicolon-after-the-signature",
    },
}


def decided_by(key_source: str) -> list[str]:
    """A `jwt_key` verifies whatever the `kid` says, since there is only the one key."""
    return sorted(
        name for name in CORPUS if key_source == "jwks" or CORPUS[name].reason != "jwk-kid-mismatch"
    )


@pytest.fixture
def authenticator(config: Callable[..., ClerkConfig], backend: CannedBackend) -> Authenticator:
    """Fetches its key set."""
    strict = config(jwt_key=None, authorized_parties=[ORIGIN], audience="api")
    return Authenticator(strict, transport=backend.transport, clock=lambda: NOW)


@pytest.fixture
def authenticator_with_jwt_key(config: Callable[..., ClerkConfig]) -> Authenticator:
    return Authenticator(config(authorized_parties=[ORIGIN], audience="api"), clock=lambda: NOW)


def present(authenticator: Authenticator, carrier: str, token: str) -> str:
    """The status of a request that carries *token*; a browser's has the other cookies, too."""
    if carrier == "header":
        headers = [("authorization", f"Bearer {token}".encode("utf-8", "surrogatepass"))]
    else:
        cookie = f"__session={token}; __client_uat={NOW - 100}"
        headers = [("cookie", cookie.encode("utf-8", "surrogatepass")), ("sec-fetch-dest", "document")]
    state = authenticator.authenticate_request(ClerkRequest("GET", "https://app.example.com/", headers))
    assert state.to_auth().is_authenticated == state.is_authenticated
    return state.status


def test_the_corpus_is_large_and_distinct(issuer: Issuer) -> None:
    tokens = [hostile.make(issuer) for hostile in CORPUS.values()]
    assert len(CORPUS) >= 200
    assert len(set(tokens)) == len(tokens)


def test_what_is_shared_by_a_group_is_accepted_without_the_thing_itself(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    padded = resigned(issuer, segment_not_aligned(issuer.header_of()), segment_not_aligned(claims_of()))

    assert authenticator.verify_token(padded)["sub"] == "user_1"


def test_the_token_that_they_were_made_from_is_accepted(authenticator: Authenticator, issuer: Issuer) -> None:
    token = issuer.token()

    assert authenticator.verify_token(token)["sub"] == "user_1"
    assert present(authenticator, "header", token) == "signed-in"
    assert present(authenticator, "cookie", token) == "signed-in"


@pytest.mark.parametrize("name", decided_by("jwks"))
def test_is_refused_with_its_reason(name: str, authenticator: Authenticator, issuer: Issuer) -> None:
    with pytest.raises(TokenVerificationError) as refused:
        authenticator.verify_token(CORPUS[name].make(issuer))

    assert refused.value.reason == CORPUS[name].reason


@pytest.mark.parametrize("name", decided_by("jwt_key"))
def test_is_refused_with_its_reason_by_a_jwt_key(
    name: str, authenticator_with_jwt_key: Authenticator, issuer: Issuer
) -> None:
    with pytest.raises(TokenVerificationError) as refused:
        authenticator_with_jwt_key.verify_token(CORPUS[name].make(issuer))

    assert refused.value.reason == CORPUS[name].reason


@pytest.mark.parametrize("name", decided_by("jwks"))
def test_never_signs_in(name: str, authenticator: Authenticator, issuer: Issuer) -> None:
    token = CORPUS[name].make(issuer)

    for carrier in ("header", "cookie"):
        if name not in TRIMMED[carrier]:
            assert present(authenticator, carrier, token) != "signed-in", carrier


@pytest.mark.parametrize("header", OTHER_CLASSES.values(), ids=OTHER_CLASSES.keys())
@pytest.mark.parametrize("carrier", ["header", "cookie"])
def test_a_token_of_another_class_is_no_session_even_once_it_was_verified(
    header: dict[str, str], carrier: str, authenticator: Authenticator, issuer: Issuer
) -> None:
    token = issuer.token(header)
    assert authenticator.verify_token(token)["sub"] == "user_1"

    assert present(authenticator, carrier, token) == "signed-out"


@pytest.mark.parametrize("carrier", ["header", "cookie"])
def test_a_machines_subject_is_no_session(carrier: str, authenticator: Authenticator, issuer: Issuer) -> None:
    assert present(authenticator, carrier, issuer.token(sub="mch_1")) == "signed-out"
