"""Fetching the key set: when, how often, for whom, and which of its keys are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import Authenticator, ClerkConfig, TokenVerificationError
from clerk_middleware.tokens.jwks import KeySets

from .backend import CannedBackend, error
from .conftest import PRODUCTION
from .issuer import NOW, Issuer, base64url, rsa_key, unsigned_bytes

LIFETIME = 300
REFETCH_INTERVAL = 5


class Service:
    """An authenticator without a `jwt_key`, its clock, and the Backend API that it asks."""

    def __init__(self, backend: CannedBackend) -> None:
        self.backend = backend
        self.now: float = NOW
        self.authenticator = Authenticator(
            ClerkConfig(**PRODUCTION, clock_skew_in_ms=86_400_000),
            transport=backend.transport,
            clock=lambda: self.now,
        )

    def reason(self, token: str) -> str | None:
        try:
            self.authenticator.verify_token(token)
        except TokenVerificationError as refused:
            return refused.reason
        return None

    @property
    def fetches(self) -> int:
        return self.backend.asked.count("GET /v1/jwks")


@pytest.fixture
def service(backend: CannedBackend) -> Service:
    return Service(backend)


def test_the_secret_key_is_the_bearer(service: Service, issuer: Issuer) -> None:
    service.reason(issuer.token())
    assert service.backend.requests[0].headers["authorization"] == f"Bearer {PRODUCTION['secret_key']}"


def test_is_fetched_once_in_five_minutes(service: Service, issuer: Issuer) -> None:
    for service.now in (NOW, NOW + 1, NOW + 299):
        assert service.reason(issuer.token()) is None
    assert service.fetches == 1

    service.now = NOW + LIFETIME
    assert service.reason(issuer.token()) is None
    assert service.fetches == 2


def test_an_unknown_kid_asks_again_at_most_every_five_seconds(service: Service, issuer: Issuer) -> None:
    service.reason(issuer.token())
    for service.now in (NOW, NOW + 1, NOW + 4.9):
        assert service.reason(issuer.token({"kid": f"ins_{service.now}"})) == "jwk-kid-mismatch"
    assert service.fetches == 1

    service.now = NOW + REFETCH_INTERVAL
    for number in range(10):
        assert service.reason(issuer.token({"kid": f"ins_new_{number}"})) == "jwk-kid-mismatch"
    assert service.fetches == 2


def test_a_key_that_was_added_is_found(service: Service, issuer: Issuer, stranger: Issuer) -> None:
    service.reason(issuer.token())
    added = stranger.jwk | {"kid": "ins_2"}
    service.backend.on("GET /v1/jwks", {"keys": [issuer.jwk, added]})

    service.now = NOW + REFETCH_INTERVAL
    assert service.reason(stranger.token({"kid": "ins_2"})) is None
    assert service.reason(stranger.token()) == "token-invalid-signature"


def test_a_token_without_kid_never_asks_twice(service: Service, issuer: Issuer) -> None:
    for service.now in (NOW, NOW + 1, NOW + 100):
        assert service.reason(issuer.token({"kid": ...})) == "jwk-kid-mismatch"
    assert service.fetches == 1


def test_two_authenticators_share_nothing(backend: CannedBackend, issuer: Issuer) -> None:
    for service in (Service(backend), Service(backend)):
        service.reason(issuer.token())
    assert len(backend.requests) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.ConnectError("refused"), "jwk-remote-failed-to-load"),
        (httpx.ReadTimeout("slow"), "jwk-remote-failed-to-load"),
        (error(500, "internal"), "jwk-remote-failed-to-load"),
        (error(401, "clerk_key_invalid"), "secret-key-invalid"),
        (error(401, "authentication_invalid"), "jwk-remote-failed-to-load"),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), "jwk-remote-failed-to-load"),
        (httpx.Response(200, text="<html>"), "jwk-remote-failed-to-load"),
        (httpx.Response(200, text="[" * 100_000), "jwk-remote-failed-to-load"),
        (httpx.Response(200, json=[]), "jwk-remote-failed-to-load"),
        (httpx.Response(200, json={}), "jwk-remote-failed-to-load"),
        (httpx.Response(200, json={"keys": {}}), "jwk-remote-failed-to-load"),
        (httpx.Response(200, json={"keys": []}), "jwk-remote-failed-to-load"),
        (httpx.Response(200, json={"keys": [None, "x", {}]}), "jwk-remote-failed-to-load"),
        (httpx.Response(401, json={"errors": []}), "jwk-remote-failed-to-load"),
        (httpx.Response(401, json={"errors": ["x"]}), "jwk-remote-failed-to-load"),
        (httpx.Response(401, json={"errors": [{"code": 7}]}), "jwk-remote-failed-to-load"),
    ],
    ids=repr,
)
def test_a_failure_has_its_reason_and_is_remembered_briefly(
    answer: Any, reason: str, service: Service, issuer: Issuer
) -> None:
    service.backend.on("GET /v1/jwks", answer)
    assert service.reason(issuer.token()) == reason
    asked = service.fetches
    for service.now in (NOW, NOW + 4.9):
        assert service.reason(issuer.token()) == reason
    assert service.fetches == asked

    service.backend.on("GET /v1/jwks", issuer.jwks)
    service.now = NOW + REFETCH_INTERVAL
    assert service.reason(issuer.token()) is None


def test_keys_still_alive_survive_a_failed_refetch(service: Service, issuer: Issuer) -> None:
    assert service.reason(issuer.token()) is None
    service.backend.on("GET /v1/jwks", error(500, "internal"))

    service.now = NOW + 10
    assert service.reason(issuer.token({"kid": "ins_2"})) == "jwk-remote-failed-to-load"
    assert service.reason(issuer.token()) is None
    asked = service.fetches
    assert service.reason(issuer.token({"kid": "ins_2"})) == "jwk-remote-failed-to-load"
    assert service.fetches == asked

    service.now = NOW + LIFETIME  # the keys' time is not prolonged
    assert service.reason(issuer.token()) == "jwk-remote-failed-to-load"


def test_a_clock_that_was_set_back_asks_again(service: Service, issuer: Issuer) -> None:
    service.reason(issuer.token())
    service.now = NOW - 3600
    assert service.reason(issuer.token()) is None
    assert service.fetches == 2


def test_keys_do_not_outlive_five_minutes_by_a_clock_set_back(service: Service, issuer: Issuer) -> None:
    token = issuer.token()
    service.reason(token)
    service.backend.on("GET /v1/jwks", error(500, "internal"))

    service.now = NOW - 3600
    service.reason(issuer.token({"kid": "ins_2"}))
    service.now = NOW - 3600 + LIFETIME + 1

    assert service.reason(token) == "jwk-remote-failed-to-load"


def weak_jwk(issuer: Issuer) -> dict[str, str]:
    modulus = rsa_key("weak 1024", 1024).public_key().public_numbers().n
    return issuer.jwk | {"n": base64url(unsigned_bytes(modulus))}


UNUSABLE: dict[str, Callable[[Issuer], Any]] = {
    "weak": weak_jwk,
    "enormous": lambda issuer: issuer.jwk | {"n": base64url(b"\xff" * 1200)},
    "modulus-empty": lambda issuer: issuer.jwk | {"n": ""},
    "modulus-no-base64": lambda issuer: issuer.jwk | {"n": "!"},
    "modulus-not-ascii": lambda issuer: issuer.jwk | {"n": "é"},
    "modulus-missing": lambda issuer: {k: v for k, v in issuer.jwk.items() if k != "n"},
    "modulus-a-number": lambda issuer: issuer.jwk | {"n": 7},
    "modulus-a-list": lambda issuer: issuer.jwk | {"n": []},
    "exponent-missing": lambda issuer: {k: v for k, v in issuer.jwk.items() if k != "e"},
    "exponent-one": lambda issuer: issuer.jwk | {"e": base64url(b"\x01")},
    "exponent-even": lambda issuer: issuer.jwk | {"e": base64url(b"\x04")},
    "exponent-null": lambda issuer: issuer.jwk | {"e": None},
    "for-encryption": lambda issuer: issuer.jwk | {"use": "enc"},
    "of-another-algorithm": lambda issuer: issuer.jwk | {"alg": "RS512"},
    "symmetric": lambda issuer: {"kty": "oct", "kid": issuer.kid, "k": base64url(b"secret"), "alg": "HS256"},
    "elliptic": lambda issuer: {"kty": "EC", "kid": issuer.kid, "crv": "P-256", "x": "AA", "y": "AA"},
    "kty-missing": lambda issuer: {k: v for k, v in issuer.jwk.items() if k != "kty"},
    "kid-missing": lambda issuer: {k: v for k, v in issuer.jwk.items() if k != "kid"},
    "kid-empty": lambda issuer: issuer.jwk | {"kid": ""},
    "kid-a-list": lambda issuer: issuer.jwk | {"kid": ["ins_1"]},
    "a-list": lambda issuer: [issuer.jwk],
}


@pytest.mark.parametrize("make", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_key_is_ignored_and_hides_no_other(
    make: Callable[[Issuer], Any], service: Service, issuer: Issuer, stranger: Issuer
) -> None:
    good = stranger.jwk | {"kid": "ins_good"}
    service.backend.on("GET /v1/jwks", {"keys": [make(issuer), good]})

    assert service.reason(issuer.token()) == "jwk-kid-mismatch"
    assert service.reason(stranger.token({"kid": "ins_good"})) is None


def test_a_private_key_in_the_set_serves_as_its_public_half(service: Service, issuer: Issuer) -> None:
    service.backend.on("GET /v1/jwks", {"keys": [issuer.jwk | {"d": "AQAB", "p": "x"}]})
    assert service.reason(issuer.token()) is None


def test_an_unchanged_key_stays_the_same_object(issuer: Issuer, stranger: Issuer) -> None:
    """So that tokens which it verified stay remembered; a changed one verifies them anew."""
    key_sets = KeySets()
    keys = []
    for now, jwks in ((NOW, issuer.jwks), (NOW + 300, issuer.jwks), (NOW + 600, stranger.jwks)):
        key_sets.store("instance", jwks, now)
        keys.append(key_sets.find("instance", issuer.kid, now))
    assert keys[0] is keys[1]
    assert keys[1] is not keys[2]
    assert keys[2] == stranger.private.public_key()


@pytest.mark.parametrize("leave_out", [("use",), ("alg",), ("use", "alg")])
def test_use_and_alg_may_be_absent(leave_out: tuple[str, ...], service: Service, issuer: Issuer) -> None:
    jwk = {name: value for name, value in issuer.jwk.items() if name not in leave_out}
    service.backend.on("GET /v1/jwks", {"keys": [jwk]})
    assert service.reason(issuer.token()) is None


def test_the_first_of_two_keys_of_a_kid_counts(service: Service, issuer: Issuer, stranger: Issuer) -> None:
    service.backend.on("GET /v1/jwks", {"keys": [issuer.jwk, stranger.jwk]})
    assert service.reason(issuer.token()) is None
    assert service.reason(stranger.token()) == "token-invalid-signature"


def test_a_key_set_is_bounded(service: Service, issuer: Issuer) -> None:
    others = [issuer.jwk | {"kid": f"ins_x{number}"} for number in range(64)]
    service.backend.on("GET /v1/jwks", {"keys": [*others, issuer.jwk]})
    assert service.reason(issuer.token()) == "jwk-kid-mismatch"


def test_the_number_of_instances_is_bounded(backend: CannedBackend, issuer: Issuer) -> None:
    from clerk_middleware import ClerkRequest

    authenticator = Authenticator(
        lambda request: ClerkConfig(secret_key=f"sk_test_{request.url.path[1:]}"),
        transport=backend.transport,
        clock=lambda: NOW,
    )
    headers = {"authorization": f"Bearer {issuer.token()}"}

    def visit(number: int) -> None:
        request = ClerkRequest("GET", f"https://a.example/{number}", headers)
        assert authenticator.authenticate_request(request).status == "signed-in"

    for number in range(1025):
        visit(number)
    assert len(backend.requests) == 1025
    visit(1024)
    assert len(backend.requests) == 1025
    visit(0)  # had to make room for the last one
    assert len(backend.requests) == 1026
