"""`get_user` and `get_oauth_access_token` of the Auth objects."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import anyio
import httpx
import pytest
from anyio import to_thread
from clerk_backend_api.models import User

from clerk_middleware import (
    APIKeyAuth,
    AsyncAuthenticator,
    Auth,
    Authenticator,
    BackendAPIError,
    ClerkConfig,
    ClerkError,
    ClerkRequest,
    ConfigurationError,
    M2MAuth,
    OAuthAccessToken,
    OAuthAuth,
    RequestState,
    SessionAuth,
    SignedOut,
)
from clerk_middleware.backend import official
from clerk_middleware.testing.user_object import user_object

from .backend import CannedBackend, error
from .conftest import PRODUCTION
from .issuer import NOW, Issuer
from .machines import OPAQUE, verified

MakeConfig = Callable[..., ClerkConfig]
ANN = user_object("user_1", first_name="Ann", created_at=NOW)
USER = "GET /v1/users/user_1"
GOOGLE = "GET /v1/users/user_1/oauth_access_tokens/oauth_google"
CALENDAR = "https://www.googleapis.com/auth/calendar.events"
SECRET = "ya29.secret"


def connection(**changed: Any) -> dict[str, Any]:
    """A user's token at Google, as the Backend API tells of one."""
    return {
        "object": "oauth_access_token",
        "external_account_id": "eac_1",
        "provider_user_id": "1089",
        "token": SECRET,
        "expires_at": None,
        "provider": "oauth_google",
        "public_metadata": {},
        "label": None,
        "scopes": ["openid", CALENDAR],
    } | changed


def tokens(*connections: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json=list(connections))


def request_with(token: str) -> ClerkRequest:
    return ClerkRequest("GET", "https://app.example.com/", {"authorization": f"Bearer {token}"})


def state_of(config: ClerkConfig, backend: CannedBackend, token: str) -> RequestState:
    authenticator = Authenticator(config, transport=backend.transport, clock=lambda: NOW)
    return authenticator.authenticate_request(request_with(token))


@pytest.fixture
def auth(config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> Auth:
    return state_of(config(), backend, issuer.token()).to_auth()


@pytest.fixture(params=["sync", "sync-awaited", "async", "async-in-thread"])
def ask(request: pytest.FixtureRequest, config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> Any:
    """Authenticate a request, and call a method of its Auth object in each way that there is."""
    way = request.param

    def call(method: str, *args: Any, **options: Any) -> Any:
        if way == "sync":
            return getattr(state_of(config(), backend, issuer.token()).to_auth(), method)(*args, **options)

        async def main() -> Any:
            if way == "sync-awaited":  # an asynchronous view of a WSGI application
                auth = state_of(config(), backend, issuer.token()).to_auth()
                return await getattr(auth, f"a{method}")(*args, **options)
            async with AsyncAuthenticator(
                config(), transport=backend.transport, clock=lambda: NOW
            ) as authenticator:
                state = await authenticator.authenticate_request(request_with(issuer.token()))
                auth = state.to_auth()
                if way == "async":
                    return await getattr(auth, f"a{method}")(*args, **options)
                return await to_thread.run_sync(lambda: getattr(auth, method)(*args, **options))

        return asyncio.run(main())

    return call


Ask = Callable[..., Any]


# --- The user -------------------------------------------------------------------------------------------


def test_the_user_is_the_official_clients(ask: Ask, backend: CannedBackend) -> None:
    backend.on(USER, ANN)
    user = ask("get_user")
    assert isinstance(user, User)
    assert (user.id, user.first_name) == ("user_1", "Ann")
    assert backend.asked == [USER]
    assert backend.requests[0].headers["authorization"] == f"Bearer {PRODUCTION['secret_key']}"


UNREADABLE = {name: value for name, value in ANN.items() if name != "banned"} | {"locked": "s3cret"}


@pytest.mark.parametrize(
    ("answer", "status", "code", "words"),
    [
        (error(404, "resource_not_found"), 404, "resource_not_found", "was the user deleted, or"),
        (
            error(401, "authentication_invalid"),
            401,
            "authentication_invalid",
            r"\(401, authentication_invalid\): is the secret key \(CLERK_SECRET_KEY\) this instance's",
        ),
        (error(422, "odd"), 422, "odd", r"gave no such user \(422, odd\)"),
        (error(500, "internal"), 500, "internal", r"\(500, internal\)"),
        (httpx.Response(502, text="<html>"), 502, None, r"gave no such user \(502\)"),
        (httpx.Response(200, text="<html>"), 200, None, r"gave no such user \(200\)"),
        (httpx.Response(200, text="{", headers={"content-type": "application/json"}), 200, None, "no JSON"),
        (ANN | {"id": "user_2"}, 200, None, "another one"),
        (UNREADABLE, 200, None, r"body\.banned: missing, body\.locked: bool_parsing\).*newer version"),
        (httpx.ReadTimeout("slow"), None, None, "did not answer: ReadTimeout slow"),
        (httpx.ConnectError("refused"), None, None, "did not answer: ConnectError refused"),
        (ConnectionResetError("of a transport"), None, None, "did not answer: ConnectionResetError"),
        (httpx.DecodingError("too large"), None, None, "gave no such user that can be read: too large"),
    ],
    ids=repr,
)
def test_what_fails_raises_this_librarys_error(
    answer: Any, status: int | None, code: str | None, words: str, ask: Ask, backend: CannedBackend
) -> None:
    backend.on(USER, answer)
    with pytest.raises(BackendAPIError, match=words) as refused:
        ask("get_user")
    assert (refused.value.status, refused.value.code) == (status, code)
    assert "s3cret" not in str(refused.value)


def test_the_error_holds_neither_the_request_nor_the_answer(auth: Auth, backend: CannedBackend) -> None:
    """Error trackers look into what an error holds, and into its frames."""
    backend.on(USER, UNREADABLE)
    with pytest.raises(BackendAPIError) as refused:
        auth.get_user()
    assert refused.value.__cause__ is refused.value.__context__ is None
    shown = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    assert "s3cret" not in shown
    assert PRODUCTION["secret_key"] not in shown


def test_it_is_asked_for_once_a_request(config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> None:
    backend.on(USER, ANN)
    state = state_of(config(), backend, issuer.token())
    user = state.to_auth().get_user()
    assert state.to_auth().get_user() is user
    assert copy.deepcopy(state.to_request_auth()).get_user() is user
    assert asyncio.run(state.to_auth().aget_user()) is user
    assert backend.asked == [USER]


def test_the_next_request_asks_again(config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> None:
    backend.on(USER, ANN)
    authenticator = Authenticator(config(), transport=backend.transport, clock=lambda: NOW)
    for _ in range(2):  # with the same token, which is not verified twice
        user = authenticator.authenticate_request(request_with(issuer.token())).to_auth().get_user()
        assert user is not None
        user.first_name = "changed by the application"
    assert backend.asked == [USER] * 2
    fresh = authenticator.authenticate_request(request_with(issuer.token())).to_auth().get_user()
    assert fresh is not None
    assert fresh.first_name == "Ann"


def test_each_request_gets_its_own_user(config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=ANN | {"id": request.url.path.rpartition("/")[2]})

    for number in range(8):
        backend.on(f"GET /v1/users/user_{number}", answer)
    authenticator = Authenticator(config(), transport=backend.transport, clock=lambda: NOW)

    def user_id(number: int) -> str | None:
        state = authenticator.authenticate_request(request_with(issuer.token(sub=f"user_{number % 8}")))
        user = state.to_auth().get_user()
        return user.id if user is not None else None

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(user_id, range(64))) == [f"user_{number % 8}" for number in range(64)]


def test_threads_of_a_request_ask_once(auth: Auth, backend: CannedBackend) -> None:
    backend.on(USER, ANN)
    with ThreadPoolExecutor(8) as threads:
        users = list(threads.map(lambda _: auth.get_user(), range(8)))
    assert len(set(map(id, users))) == 1
    assert backend.asked == [USER]


def test_tasks_and_worker_threads_of_a_request_ask_once(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(USER, ANN)

    async def main() -> list[Any]:
        async with AsyncAuthenticator(
            config(), transport=backend.transport, clock=lambda: NOW
        ) as authenticator:
            auth = (await authenticator.authenticate_request(request_with(issuer.token()))).to_auth()
            threads = [to_thread.run_sync(auth.get_user) for _ in range(5)]
            return await asyncio.gather(*threads, *(auth.aget_user() for _ in range(20)))

    users = asyncio.run(main())
    assert len(set(map(id, users))) == 1
    assert backend.asked == [USER]


def test_tasks_of_a_synchronous_request_ask_once(auth: Auth, backend: CannedBackend) -> None:
    """Also where one of them does not await: it is that view's own event loop, and goes on in the end."""
    backend.on(USER, ANN)

    async def blocking() -> User | None:
        await asyncio.sleep(0)
        return auth.get_user()

    async def main() -> list[User | None]:
        asked = [auth.aget_user(), blocking(), *(auth.aget_user() for _ in range(60))]
        return await asyncio.wait_for(asyncio.gather(*asked), 10)

    assert len(set(map(id, asyncio.run(main())))) == 1
    assert backend.asked == [USER]


@pytest.mark.skipif(find_spec("trio") is None, reason="needs trio")
def test_on_trio(config: MakeConfig, backend: CannedBackend, issuer: Issuer) -> None:
    backend.on(USER, ANN).on(GOOGLE, tokens(connection()))

    async def main() -> tuple[str | None, str]:
        async with AsyncAuthenticator(
            config(), transport=backend.transport, clock=lambda: NOW
        ) as authenticator:
            auth = (await authenticator.authenticate_request(request_with(issuer.token()))).to_auth()
            user, token = await auth.aget_user(), await auth.aget_oauth_access_token("google")
            assert user is not None
            assert token is not None
            return user.first_name, token.token

    assert anyio.run(main, backend="trio") == ("Ann", SECRET)


@pytest.mark.parametrize("method", ["get_user", "get_oauth_access_token"])
def test_on_the_event_loop_it_is_told_what_to_write(
    method: str, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    arguments = ("google",) if method == "get_oauth_access_token" else ()

    async def main() -> None:
        async with AsyncAuthenticator(
            config(), transport=backend.transport, clock=lambda: NOW
        ) as authenticator:
            auth = (await authenticator.authenticate_request(request_with(issuer.token()))).to_auth()
            with pytest.raises(ClerkError, match=rf"would block the event loop: use 'await auth\.a{method}"):
                getattr(auth, method)(*arguments)

    asyncio.run(main())
    assert backend.asked == []


def test_an_event_loop_that_waits_for_its_own_thread_is_never_stopped_by_it(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    """The teaching error comes before any waiting."""
    backend.on(USER, ANN)

    async def main() -> None:
        async with AsyncAuthenticator(
            config(), transport=backend.transport, clock=lambda: NOW
        ) as authenticator:
            auth = (await authenticator.authenticate_request(request_with(issuer.token()))).to_auth()
            asking = asyncio.create_task(auth.aget_user())
            await asyncio.sleep(0)
            with pytest.raises(ClerkError, match="would block"):
                auth.get_user()
            await asyncio.wait_for(asking, 10)

    asyncio.run(main())


def test_nobody_signed_in_is_nobody(backend: CannedBackend) -> None:
    assert SignedOut().get_user() is None
    assert asyncio.run(SignedOut().aget_user()) is None
    assert SignedOut().get_oauth_access_token("google") is None
    assert asyncio.run(SignedOut().aget_oauth_access_token("google")) is None


def test_a_pending_session_is_nobody_unless_it_is_asked_for(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(USER, ANN)
    state = state_of(config(), backend, issuer.token(sts="pending"))
    assert state.to_auth().get_user() is None
    user = state.to_auth(treat_pending_as_signed_out=False).get_user()
    assert user is not None


@pytest.mark.parametrize("method", ["get_user", "get_oauth_access_token"])
@pytest.mark.parametrize("made", ["claims", "pickle"])
def test_claims_alone_can_ask_nobody(method: str, made: str, auth: Auth) -> None:
    given = (
        SessionAuth.from_claims({"sub": "user_1"}, token="t")
        if made == "claims"
        else pickle.loads(pickle.dumps(auth))  # noqa: S301
    )
    arguments = ("google",) if method == "get_oauth_access_token" else ()
    with pytest.raises(ClerkError, match="only an authenticated request can ask Clerk"):
        getattr(given, method)(*arguments)
    with pytest.raises(ClerkError, match="only an authenticated request can ask Clerk"):
        asyncio.run(getattr(given, f"a{method}")(*arguments))


def test_a_token_without_session_id_has_a_user_all_the_same(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(USER, ANN)
    user = state_of(config(), backend, issuer.token(sid=...)).to_auth().get_user()
    assert user is not None


@pytest.mark.parametrize("user_id", ["..", "user_1/../../jwks", "user_1?a=b", "é"])
def test_what_is_no_id_gets_into_no_path(
    user_id: str, config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    auth = state_of(config(), backend, issuer.token(sub=user_id)).to_auth()
    with pytest.raises(BackendAPIError, match="is no id of Clerk's"):
        auth.get_user()
    with pytest.raises(BackendAPIError, match="is no id of Clerk's"):
        auth.get_oauth_access_token("google")
    assert backend.asked == []


def test_of_tenants_each_is_asked_with_its_own_key(
    config: MakeConfig, backend: CannedBackend, issuer: Issuer
) -> None:
    backend.on(USER, ANN)
    tenants = {name: config(secret_key=f"sk_live_{name}") for name in ("a", "b")}
    authenticator = Authenticator(
        lambda request: tenants[request.url.path[1:]], transport=backend.transport, clock=lambda: NOW
    )
    for name in ("a", "b", "a"):
        request = ClerkRequest(
            "GET", f"https://app.example.com/{name}", {"authorization": f"Bearer {issuer.token()}"}
        )
        authenticator.authenticate_request(request).to_auth().get_user()
        assert backend.requests[-1].headers["authorization"] == f"Bearer sk_live_{name}"


def test_without_the_extra_it_is_told_what_to_install(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "clerk_backend_api", None)
    official._client_class.cache_clear()
    with pytest.raises(ConfigurationError, match=r"pip install 'clerk-middleware\[backend\]'"):
        ask("get_user")


# --- Machines -------------------------------------------------------------------------------------------


def machine_of(config: ClerkConfig, backend: CannedBackend, token_type: str, **changed: Any) -> Auth:
    token, route, _ = OPAQUE[token_type]
    backend.on(route, verified(token_type, **changed))
    return state_of(config, backend, token).to_auth()


@pytest.mark.parametrize("token_type", ["api_key", "oauth_token"])
def test_the_user_of_a_machines_token(token_type: str, config: MakeConfig, backend: CannedBackend) -> None:
    backend.on(USER, ANN)
    auth = machine_of(config(accepts_token="any"), backend, token_type, subject="user_1")
    user = auth.get_user()
    assert isinstance(user, User)
    assert asyncio.run(auth.aget_user()) is user
    assert backend.asked.count(USER) == 1


@pytest.mark.parametrize(("token_type", "subject"), [("api_key", "org_1"), ("m2m_token", "mch_5")])
def test_what_is_no_users_has_none(
    token_type: str, subject: str, config: MakeConfig, backend: CannedBackend
) -> None:
    auth = machine_of(config(accepts_token="any"), backend, token_type, subject=subject)
    assert auth.get_user() is None
    assert asyncio.run(auth.aget_user()) is None


def test_what_is_remembered_of_a_machines_token_is_no_requests(
    config: MakeConfig, backend: CannedBackend
) -> None:
    """Many requests share it; the user that one asked for must not be another's."""
    token, route, _ = OPAQUE["api_key"]
    backend.on(route, verified("api_key", subject="user_1", claims={"deep": [1]})).on(USER, ANN)
    authenticator = Authenticator(config(accepts_token="any"), transport=backend.transport, clock=lambda: NOW)
    first, second = (authenticator.authenticate_request(request_with(token)).to_auth() for _ in range(2))
    assert backend.asked == [route]
    assert first.get_user() is not second.get_user()
    assert backend.asked == [route, USER, USER]
    assert isinstance(second, APIKeyAuth)
    assert (second.id, second.name, second.get_token()) == ("ak_1", "my key", token)
    assert second.claims == {"deep": (1,)} or second.claims == {"deep": [1]}


@pytest.mark.parametrize(
    "machine",
    [
        APIKeyAuth(id="ak_1", subject="user_1"),
        OAuthAuth(id="oat_1", subject="user_1"),
        M2MAuth(id="mt_1", subject="mch_1"),
    ],
    ids=repr,
)
def test_a_machines_token_opens_no_account_elsewhere(machine: Auth) -> None:
    with pytest.raises(ClerkError, match="a session does"):
        machine.get_oauth_access_token("google")
    with pytest.raises(ClerkError, match="a session does"):
        asyncio.run(machine.aget_oauth_access_token("google"))


def test_a_machine_made_by_hand_can_ask_nobody() -> None:
    machine = APIKeyAuth(id="ak_1", subject="user_1")
    with pytest.raises(ClerkError, match="only an authenticated request can ask Clerk for its user"):
        machine.get_user()
    with pytest.raises(ClerkError, match="only an authenticated request can ask Clerk for its user"):
        asyncio.run(machine.aget_user())


# --- Accounts at other providers ------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["google", "oauth_google"])
def test_the_token_of_an_account_elsewhere(provider: str, ask: Ask, backend: CannedBackend) -> None:
    backend.on(GOOGLE, tokens(connection()))
    token = ask("get_oauth_access_token", provider)
    assert token == OAuthAccessToken(
        token=SECRET,
        provider="oauth_google",
        scopes=("openid", CALENDAR),
        external_account_id="eac_1",
        provider_user_id="1089",
    )
    assert CALENDAR in token.scopes
    assert backend.asked == [GOOGLE]


def test_a_provider_of_ones_own(ask: Ask, backend: CannedBackend) -> None:
    route = "GET /v1/users/user_1/oauth_access_tokens/oauth_custom_acme"
    backend.on(route, tokens(connection(provider="oauth_custom_acme")))
    assert ask("get_oauth_access_token", "custom_acme").provider == "oauth_custom_acme"


def test_a_provider_of_oauth_1_has_no_scopes(ask: Ask, backend: CannedBackend) -> None:
    given = connection(token_secret="s")
    del given["scopes"]
    backend.on(GOOGLE, tokens(given))
    assert ask("get_oauth_access_token", "google").scopes == ()


def test_one_of_several_accounts(ask: Ask, backend: CannedBackend) -> None:
    backend.on(GOOGLE, tokens(connection(), connection(external_account_id="eac_2", token="second")))
    assert ask("get_oauth_access_token", "google").token == SECRET
    assert ask("get_oauth_access_token", "google", external_account_id="eac_2").token == "second"
    assert ask("get_oauth_access_token", "google", external_account_id="eac_3") is None


def test_no_account_is_no_token(ask: Ask, backend: CannedBackend) -> None:
    backend.on(GOOGLE, tokens())
    assert ask("get_oauth_access_token", "google") is None


def test_it_is_asked_for_each_time(auth: Auth, backend: CannedBackend) -> None:
    """Clerk renews it where it has expired; this library does not know when that is."""
    backend.on(GOOGLE, tokens(connection()))
    auth.get_oauth_access_token("google")
    backend.on(GOOGLE, tokens(connection(token="renewed")))
    renewed = auth.get_oauth_access_token("google")
    assert renewed is not None
    assert renewed.token == "renewed"


@pytest.mark.parametrize(
    ("answer", "status", "code", "words"),
    [
        (
            error(422, "oauth_missing_refresh_token"),
            422,
            "oauth_missing_refresh_token",
            "no token of 'google'",
        ),
        (error(404, "resource_not_found"), 404, "resource_not_found", "was the user deleted, or"),
        (tokens(connection(provider=None)), 200, None, r"body\.0\.provider: string_type"),
        (httpx.ReadTimeout("slow"), None, None, "did not answer: ReadTimeout slow"),
    ],
    ids=repr,
)
def test_a_token_that_is_not_given_raises(
    answer: Any, status: int | None, code: str | None, words: str, ask: Ask, backend: CannedBackend
) -> None:
    backend.on(GOOGLE, answer)
    with pytest.raises(BackendAPIError, match=words) as refused:
        ask("get_oauth_access_token", "google")
    assert (refused.value.status, refused.value.code) == (status, code)
    shown = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    assert SECRET not in shown


@pytest.mark.parametrize(
    "provider", ["", "..", "google/../..", "Google", "a?b", "google\n", "é", "x" * 200, "oauth_", "_", None]
)
def test_a_provider_never_leads_to_another_endpoint(provider: Any, ask: Ask, backend: CannedBackend) -> None:
    with pytest.raises(ClerkError, match="is no provider"):
        ask("get_oauth_access_token", provider)
    assert [route for route in backend.asked if "oauth" in route] == []


def test_a_token_is_not_shown() -> None:
    token = OAuthAccessToken(token=SECRET, provider="oauth_google", scopes=("openid",))
    assert SECRET not in repr(token)
    assert "openid" in repr(token)
