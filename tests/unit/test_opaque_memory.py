"""For how long, and for whom, Clerk's word on an opaque token is taken without asking again."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import Authenticator, ClerkConfig
from clerk_middleware.engine.context import Memory
from clerk_middleware.tokens.opaque import OpaqueTokens, RefusedOpaqueToken, VerifiedOpaqueToken, key_of

from .backend import CannedBackend, error
from .issuer import NOW
from .machines import OPAQUE, TYPES, Ask, Clock, accepting, asking, carrying, verified

ROUTE = OPAQUE["api_key"][1]
TOKEN = "ak_1secret"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asking_with(backend: CannedBackend, clock: Clock) -> Callable[..., Ask]:
    """Authenticate with one authenticator, which remembers; the options are its configuration's."""
    backend.on(ROUTE, verified("api_key"))
    return lambda **options: asking("sync", accepting(**options), backend, clock)


# --- Good ones -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("token_type", TYPES)
def test_one_call_serves_for_ten_seconds(
    token_type: str, kind: str, backend: CannedBackend, clock: Clock
) -> None:
    token, route, _ = OPAQUE[token_type]
    backend.on(route, verified(token_type))
    ask = asking(kind, accepting(), backend, clock)
    auths = []
    for later in (0, 0.5, 5, 9.999):
        clock.now = NOW + later
        auths.append(ask(token).to_auth())
    assert backend.asked == [route]
    assert len({(auth.id, auth.subject, auth.get_token()) for auth in auths}) == 1
    clock.now = NOW + 10
    assert ask(token).is_authenticated
    assert backend.asked == [route] * 2


@pytest.mark.parametrize("seconds", [0.001, 1, 60, 86_400])
def test_or_for_as_long_as_is_configured(
    seconds: float, asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    ask = asking_with(opaque_token_ttl_in_ms=seconds * 1000)
    clock.now = 0.0  # where a thousandth of a second counts
    ask(TOKEN)
    clock.now = seconds * 0.99
    ask(TOKEN)
    assert len(backend.requests) == 1
    clock.now = seconds
    ask(TOKEN)
    assert len(backend.requests) == 2


def test_0_asks_for_each_request(asking_with: Callable[..., Ask], backend: CannedBackend) -> None:
    ask = asking_with(opaque_token_ttl_in_ms=0)
    for _ in range(3):
        assert ask(TOKEN).is_authenticated
    assert len(backend.requests) == 3


@pytest.mark.parametrize("in_ms", [1, 999, 4000])
def test_never_past_the_tokens_end(
    in_ms: int, asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    backend.on(ROUTE, verified("api_key", expiration=NOW * 1000 + in_ms))
    ask = asking_with()
    assert ask(TOKEN).is_authenticated
    clock.now = NOW + (in_ms - 0.5) / 1000
    assert ask(TOKEN).is_authenticated
    assert len(backend.requests) == 1
    clock.now = NOW + in_ms / 1000
    assert ask(TOKEN).reason == "token-invalid"
    assert len(backend.requests) == 2


def test_a_clock_that_was_set_back_makes_nothing_last(
    asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    ask = asking_with()
    ask(TOKEN)
    clock.now -= 1
    ask(TOKEN)
    assert len(backend.requests) == 2
    ask(TOKEN)
    assert len(backend.requests) == 2


def test_the_time_starts_when_clerk_has_answered(clock: Clock) -> None:
    calls = 0

    def slow(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        clock.now += 3
        return httpx.Response(200, json=verified("api_key"))

    ask = asking("sync", accepting(), slow, clock)
    ask(TOKEN)
    clock.now = NOW + 12.9
    ask(TOKEN)
    assert calls == 1
    clock.now = NOW + 13
    ask(TOKEN)
    assert calls == 2


def test_a_revoked_one_is_found_out_within_the_time(
    asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    ask = asking_with()
    ask(TOKEN)
    backend.on(ROUTE, verified("api_key", revoked=True))
    clock.now += 9.9
    assert ask(TOKEN).is_authenticated
    clock.now += 0.1
    assert not ask(TOKEN).is_authenticated
    clock.now -= 5  # the word that it was good is not taken any more, whatever the clock says
    assert not ask(TOKEN).is_authenticated


@pytest.mark.parametrize("answer", [verified("api_key", expired=True), error(404, "resource_not_found")])
def test_refused_wins_over_good(
    answer: Any, asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    ask = asking_with(opaque_token_ttl_in_ms=1000)
    ask(TOKEN)
    clock.now += 1
    backend.on(ROUTE, answer)
    assert not ask(TOKEN).is_authenticated
    clock.now -= 0.5
    assert not ask(TOKEN).is_authenticated


# --- Refused ones ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        error(404, "resource_not_found"),
        verified("api_key", revoked=True),
        verified("api_key", expired=True),
        verified("api_key", expiration=NOW * 1000),
    ],
    ids=["unknown", "revoked", "expired", "past its end"],
)
@pytest.mark.parametrize("ttl", [0, 10_000, 86_400_000])
def test_a_refused_one_is_asked_about_every_five_seconds(
    answer: Any, ttl: int, asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    backend.on(ROUTE, answer)
    ask = asking_with(opaque_token_ttl_in_ms=ttl)
    first = ask(TOKEN)
    clock.now = NOW + 4.999
    again = ask(TOKEN)
    assert len(backend.requests) == 1
    assert (again.reason, again.message) == (first.reason, first.message) == ("token-invalid", again.message)
    clock.now = NOW + 5
    backend.on(ROUTE, verified("api_key"))
    assert ask(TOKEN).is_authenticated
    assert len(backend.requests) == 2


def test_a_refusal_does_not_outlive_a_clock_that_was_set_back(
    asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    backend.on(ROUTE, error(404, "resource_not_found"))
    ask = asking_with()
    ask(TOKEN)
    backend.on(ROUTE, verified("api_key"))
    clock.now -= 1
    assert ask(TOKEN).is_authenticated


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "internal"),
        error(503, "unavailable"),
        error(429, "too_many_requests"),
        error(400, "form_invalid"),
        error(401, "clerk_key_invalid"),
        httpx.Response(200, text="<html>"),
        verified("api_key", id=None),
        httpx.ReadTimeout("slow"),
    ],
    ids=["500", "503", "429", "400", "401", "no JSON", "unreadable", "none"],
)
def test_nothing_is_kept_where_clerk_said_nothing_of_the_token(
    answer: Any, asking_with: Callable[..., Ask], backend: CannedBackend, clock: Clock
) -> None:
    backend.on(ROUTE, answer)
    ask = asking_with()
    assert ask(TOKEN).reason in ("unexpected-error", "secret-key-invalid")
    backend.on(ROUTE, verified("api_key"))
    assert ask(TOKEN).is_authenticated
    backend.on(ROUTE, answer)
    clock.now += 10
    assert not ask(TOKEN).is_authenticated, "Clerk's old word is not taken in place of a new one"
    backend.on(ROUTE, verified("api_key"))
    assert ask(TOKEN).is_authenticated


# --- For whom --------------------------------------------------------------------------------------------


def test_each_token_has_its_own_entry(asking_with: Callable[..., Ask], backend: CannedBackend) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        is_good = b'"ak_1secret"' in request.content
        return httpx.Response(200, json=verified("api_key", revoked=not is_good))

    backend.on(ROUTE, answer)
    ask = asking_with()
    for _ in range(2):
        assert ask("ak_1secret").is_authenticated
        assert not ask("ak_1secreT").is_authenticated
        assert not ask("ak_1secret2").is_authenticated
        assert not ask("ak_1secret=").is_authenticated
    assert len(backend.requests) == 4


@pytest.mark.parametrize(
    ("token_type", "one", "other"),
    [
        ("api_key", {}, {"secret_key": "sk_live_other"}),
        ("api_key", {}, {"api_url": "https://api.other.example"}),
        ("api_key", {}, {"api_version": "v2"}),
        ("m2m_token", {}, {"machine_secret_key": "ak_other"}),
        ("m2m_token", {"machine_secret_key": "ak_one"}, {"machine_secret_key": "ak_other"}),
    ],
)
def test_each_instance_is_asked_by_itself(token_type: str, one: Any, other: Any, clock: Clock) -> None:
    token = OPAQUE[token_type][0]
    configs = {"/one": accepting(**one), "/other": accepting(**other)}
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=verified(token_type, revoked=len(asked) > 1))

    authenticator = Authenticator(
        lambda request: configs[request.url.path], transport=httpx.MockTransport(answer), clock=clock
    )
    for _ in range(2):
        states = [
            authenticator.authenticate_request(carrying(token, f"https://app.example.com{path}"))
            for path in configs
        ]
        assert [state.is_authenticated for state in states] == [True, False]
    assert len(asked) == 2


def test_what_depends_on_the_configuration_is_looked_at_again(clock: Clock) -> None:
    """Two applications of one instance, each of which is a machine of its own."""
    configs = {f"/{name}": accepting(machine_id=name) for name in ("mch_9", "mch_8")}
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, json=verified("m2m_token"))

    authenticator = Authenticator(
        lambda request: configs[request.url.path], transport=httpx.MockTransport(answer), clock=clock
    )

    def is_let_in(path: str) -> bool:
        request = carrying("mt_1secret", f"https://app.example.com{path}")
        return authenticator.authenticate_request(request).is_authenticated

    assert [is_let_in(path) for path in ("/mch_9", "/mch_8", "/mch_9")] == [True, False, True]
    assert len(calls) == 1


def test_accepting_other_types_takes_effect_at_once(
    asking_with: Callable[..., Ask], backend: CannedBackend
) -> None:
    ask = asking_with()
    assert ask(TOKEN).is_authenticated
    for accepts in ("session_token", "oauth_token", ["session_token", "m2m_token"]):
        assert not ask(TOKEN, accepts_token=accepts).is_authenticated
    assert ask(TOKEN, accepts_token="api_key").is_authenticated


def test_one_type_does_not_pass_for_another(clock: Clock) -> None:
    """Were there a text that is a token of two types, as there is none: its entries would be two."""
    config = accepting()
    keys = {key_of(config, token_type, "ak_x") for token_type in TYPES}  # type: ignore[arg-type]
    assert len(keys) == 3


def test_no_other_division_of_the_same_texts_has_the_same_key() -> None:
    one = key_of(accepting(machine_secret_key="ak_a"), "m2m_token", "mt_m2m_tokenmt_x")
    other = key_of(accepting(machine_secret_key="ak_am2m_tokenmt_"), "m2m_token", "mt_x")
    assert one != other


def test_its_keys_hold_no_secret(asking_with: Callable[..., Ask], monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[object] = []
    store, refuse = OpaqueTokens.store, OpaqueTokens.refuse
    monkeypatch.setattr(
        OpaqueTokens, "store", lambda self, key, *of: keys.append(key) or store(self, key, *of)
    )
    monkeypatch.setattr(
        OpaqueTokens, "refuse", lambda self, key, *of: keys.append(key) or refuse(self, key, *of)
    )
    ask = asking_with()
    ask(TOKEN)
    ask("mt_1secret")
    assert [type(key) for key in keys] == [bytes, bytes]
    assert [len(key) for key in keys] == [32, 32]  # type: ignore[arg-type]
    assert "secret" not in repr(keys)


def test_nor_does_what_is_shown_of_it(asking_with: Callable[..., Ask]) -> None:
    state = asking_with()(TOKEN)
    token = VerifiedOpaqueToken(state.to_auth(), NOW, NOW)  # type: ignore[arg-type]
    assert "1secret" not in f"{state!r}{state.to_auth()!r}{token!r}"


# --- How much --------------------------------------------------------------------------------------------


def answering(good: Callable[[str], bool]) -> tuple[list[str], Callable[[httpx.Request], httpx.Response]]:
    """A Backend API that knows tokens by their text, and a list of those that it was asked about."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        token = json.loads(request.content)["secret"]
        asked.append(token)
        if not good(token):
            return httpx.Response(404, json={"errors": []})
        return httpx.Response(200, json=verified("api_key"))

    return asked, answer


def test_made_up_tokens_push_no_good_one_out(clock: Clock) -> None:
    asked, answer = answering(lambda token: token.startswith("ak_good"))
    ask = asking("sync", accepting(), answer, clock, remembered_tokens=8)
    for number in range(3):
        ask(f"ak_good{number}")
    for number in range(200):
        ask(f"ak_junk{number}")
    del asked[:]
    for number in range(3):
        assert ask(f"ak_good{number}").is_authenticated
    assert asked == []


def test_the_oldest_good_ones_go_first(clock: Clock) -> None:
    asked, answer = answering(lambda token: True)
    ask = asking("sync", accepting(), answer, clock, remembered_tokens=10)
    for number in range(30):
        ask(f"ak_{number}")
    del asked[:]
    for number in reversed(range(25, 30)):
        ask(f"ak_{number}")
    assert asked == []
    ask("ak_0")
    assert asked == ["ak_0"]


def test_an_authenticator_may_remember_nothing(clock: Clock) -> None:
    asked, answer = answering(lambda token: True)
    ask = asking("sync", accepting(), answer, clock, remembered_tokens=0)
    assert ask(TOKEN).is_authenticated
    assert ask(TOKEN).is_authenticated
    assert len(asked) == 2


def size_of(tokens: OpaqueTokens) -> int:
    """How many entries are alive, wherever they are kept."""
    gc.collect()
    return sum(
        type(thing) in (VerifiedOpaqueToken, RefusedOpaqueToken)
        and thing[-1] == -1.0  # no lazy object wakes up
        for thing in gc.get_objects()
    )


def test_refused_ones_are_bounded() -> None:
    tokens = OpaqueTokens(16)
    for number in range(10_000):
        tokens.refuse(str(number).encode(), RefusedOpaqueToken("no", -1.0))
    assert 2048 <= size_of(tokens) <= 4096
    assert tokens.refused(b"9999", -1.0)
    assert tokens.refused(b"0", -1.0) is None


def test_good_ones_are_bounded() -> None:
    tokens = Memory(16).opaque_tokens
    for number in range(100):
        tokens.store(str(number).encode(), VerifiedOpaqueToken(None, NOW, -1.0))  # type: ignore[arg-type]
    assert 8 <= size_of(tokens) <= 16


def test_who_asked_for_a_pause_is_bounded() -> None:
    tokens = OpaqueTokens(16)
    for number in range(5000):
        tokens.store_wait(("https://api.clerk.com", "v1", str(number)), NOW + 30.0)
    waiting = sum(
        tokens.wait(("https://api.clerk.com", "v1", str(number)), NOW) is not None for number in range(5000)
    )
    assert 512 <= waiting <= 1024


def test_a_configuration_may_differ_in_nothing_that_counts(clock: Clock) -> None:
    """The entry is the instance's: configurations that are made anew for each request share it."""
    asked, answer = answering(lambda token: True)

    def config(request: Any) -> ClerkConfig:
        return accepting()

    authenticator = Authenticator(config, transport=httpx.MockTransport(answer), clock=clock)
    for _ in range(3):
        assert authenticator.authenticate_request(carrying(TOKEN)).is_authenticated
    assert len(asked) == 1
