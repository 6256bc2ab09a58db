"""M2M tokens that are made and verified: ``authenticator.m2m``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import httpx
import pytest

from clerk_middleware import (
    AsyncAuthenticator,
    Authenticator,
    BackendAPIError,
    ClerkConfig,
    ConfigurationError,
    M2MAuth,
    TokenVerificationError,
)

from .backend import CannedBackend, error
from .issuer import NOW, Issuer
from .machines import OPAQUE, Clock, accepting, verified
from .test_machine_jwts import m2m as m2m_jwt

CREATE = "POST /v1/m2m_tokens"


def created(**changed: Any) -> dict[str, Any]:
    """A token as the Backend API makes it; a member of `...` is left out."""
    answer = (
        verified("m2m_token", token="mt_1secret", expiration=(NOW + 3600) * 1000, claims={"a": 1}) | changed
    )
    return {name: value for name, value in answer.items() if value is not ...}


def of_machine(**options: Any) -> ClerkConfig:
    return accepting("m2m_token", **({"machine_secret_key": "ak_machine", "machine_id": "mch_9"} | options))


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, backend: CannedBackend) -> Callable[..., Any]:
    """Call a method of ``authenticator.m2m``."""

    def sync(method: str, config: Any = None, /, **given: Any) -> Any:
        with Authenticator(
            config or of_machine(), transport=backend.transport, clock=Clock()
        ) as authenticator:
            return getattr(authenticator.m2m, method)(**given)

    def asynchronous(method: str, config: Any = None, /, **given: Any) -> Any:
        async def main() -> Any:
            async with AsyncAuthenticator(
                config or of_machine(), transport=backend.transport, clock=Clock()
            ) as authenticator:
                return await getattr(authenticator.m2m, method)(**given)

        return asyncio.run(main())

    return sync if request.param == "sync" else asynchronous


class TestCreating:
    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ({}, {"token_format": "opaque"}),
            ({"token_format": "jwt"}, {"token_format": "jwt"}),
            (
                {"seconds_until_expiration": 60, "claims": {"team": "night"}},
                {"token_format": "opaque", "seconds_until_expiration": 60, "claims": {"team": "night"}},
            ),
            ({"claims": {}}, {"token_format": "opaque", "claims": {}}),
        ],
        ids=str,
    )
    def test_what_is_sent(self, given: Any, sent: Any, call: Any, backend: CannedBackend) -> None:
        backend.on(CREATE, created())
        call("create_token", **given)
        assert backend.asked == [CREATE]
        assert backend.body() == sent
        assert backend.requests[0].headers["authorization"] == "Bearer ak_machine"

    def test_what_comes_back(self, call: Any, backend: CannedBackend) -> None:
        backend.on(CREATE, created())
        token = call("create_token")
        assert (token.token, token.id, token.subject) == ("mt_1secret", "mt_1", "mch_5")
        assert (token.scopes, token.claims, token.expires_at) == (("mch_9",), {"a": 1}, NOW + 3600)
        assert "1secret" not in repr(token)
        with pytest.raises(FrozenInstanceError):
            token.token = "mt_other"

    @pytest.mark.parametrize(
        ("name", "value", "found"),
        [
            ("expiration", None, None),
            ("expiration", ..., None),
            ("expiration", 1500, 1.5),
            ("scopes", ..., ()),
            ("scopes", "mch_9", ()),
            ("scopes", ["mch_9", 7], ("mch_9",)),
            ("claims", None, None),
            ("claims", [], None),
            ("claims", ..., None),
        ],
    )
    def test_what_is_odd_is_left_out(
        self, name: str, value: Any, found: Any, call: Any, backend: CannedBackend
    ) -> None:
        backend.on(CREATE, lambda request: httpx.Response(200, content=json.dumps(created(**{name: value}))))
        token = call("create_token")
        assert getattr(token, {"expiration": "expires_at"}.get(name, name)) == found

    @pytest.mark.parametrize(
        "expiration",
        ["soon", True, [], 10**400, float("nan"), float("inf")],
        ids=lambda value: str(value)[:9],
    )
    def test_one_that_does_not_say_when_it_ends_is_none(
        self, expiration: Any, call: Any, backend: CannedBackend
    ) -> None:
        content = json.dumps(created(expiration=expiration))
        backend.on(CREATE, lambda request: httpx.Response(200, content=content))
        with pytest.raises(
            BackendAPIError, match="made an M2M token, but does not say when it ends"
        ) as refused:
            call("create_token")
        assert "1secret" not in str(refused.value)

    def test_each_call_makes_one(self, backend: CannedBackend) -> None:
        backend.on(CREATE, created())
        with Authenticator(of_machine(), transport=backend.transport) as authenticator:
            assert authenticator.m2m is authenticator.m2m
            authenticator.m2m.create_token()
            authenticator.m2m.create_token()
        assert backend.asked == [CREATE] * 2

    def test_another_machines_key_may_be_given(self, call: Any, backend: CannedBackend) -> None:
        backend.on(CREATE, created())
        call("create_token", machine_secret_key="ak_other")
        call("create_token", of_machine(machine_secret_key=None), machine_secret_key="ak_other")
        assert [request.headers["authorization"] for request in backend.requests] == ["Bearer ak_other"] * 2

    def test_without_any_key(self, call: Any, backend: CannedBackend) -> None:
        with pytest.raises(
            ConfigurationError, match=r"machine_secret_key \(CLERK_MACHINE_SECRET_KEY\).*Dash"
        ) as told:
            call("create_token", of_machine(machine_secret_key=None))
        assert told.value.option == "machine_secret_key"
        assert backend.requests == []

    def test_with_several_instances(self, call: Any, backend: CannedBackend) -> None:
        with pytest.raises(ConfigurationError, match=r"m2m.create_token\(\) needs one ClerkConfig"):
            call("create_token", lambda request: of_machine())

    @pytest.mark.parametrize(
        ("answer", "status", "code", "message"),
        [
            (
                error(401, "clerk_key_invalid"),
                401,
                "clerk_key_invalid",
                "made no M2M token (401, clerk_key_invalid): is machine_secret_key that of a machine of this "
                "instance?",
            ),
            (error(422, "form_param_invalid"), 422, "form_param_invalid", "(422, form_param_invalid)"),
            (httpx.Response(500, text="<html>"), 500, None, "made no M2M token (500)"),
            (httpx.Response(429, headers={"retry-after": "9"}), 429, None, "made no M2M token (429)"),
            (httpx.Response(200, text="<html>"), 200, None, "made no M2M token (200)"),
            (httpx.Response(200, json=[]), 200, None, "made no M2M token (200)"),
            *((created(**{name: ...}), 200, None, "made no") for name in ("token", "id", "subject")),
            *((created(**{name: ""}), 200, None, "made no") for name in ("token", "id", "subject")),
            *((created(**{name: 7}), 200, None, "made no") for name in ("token", "id", "subject")),
            (httpx.ReadTimeout("slow"), None, None, "did not answer (ReadTimeout slow)"),
            (httpx.ConnectError("refused"), None, None, "did not answer (ConnectError refused)"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_what_clerk_does_not_make(
        self, answer: Any, status: Any, code: Any, message: str, call: Any, backend: CannedBackend
    ) -> None:
        backend.on(CREATE, answer)
        with pytest.raises(BackendAPIError) as refused:
            call("create_token")
        assert message in str(refused.value)
        assert ("machine_secret_key" in str(refused.value)) is (status == 401)
        assert (refused.value.status, refused.value.code) == (status, code)
        assert "ak_machine" not in f"{refused.value!s}{refused.value!r}"
        assert len(backend.requests) == 1, "no second token is made where the first may have been"


class TestVerifying:
    def test_an_opaque_one(self, call: Any, backend: CannedBackend) -> None:
        backend.on(OPAQUE["m2m_token"][1], verified("m2m_token"))
        auth = call("verify_token", token="mt_1secret")
        assert isinstance(auth, M2MAuth)
        assert auth.machine_id == "mch_5"

    def test_a_jwt(self, call: Any, backend: CannedBackend, issuer: Issuer) -> None:
        auth = call("verify_token", of_machine(jwt_key=issuer.pem), token=m2m_jwt(issuer))
        assert auth.machine_id == "mch_5"
        assert backend.requests == []

    @pytest.mark.parametrize("accepts", ["session_token", ["session_token", "api_key"]], ids=str)
    def test_whatever_requests_may_have(
        self, accepts: Any, call: Any, backend: CannedBackend, issuer: Issuer
    ) -> None:
        config = of_machine(jwt_key=issuer.pem, accepts_token=accepts)
        assert call("verify_token", config, token=m2m_jwt(issuer)).machine_id == "mch_5"

    @pytest.mark.parametrize(
        ("token", "reason"),
        [
            ("mt_unknown", "token-invalid"),
            ("mt_é", "token-invalid"),
            ("ak_1secret", "token-type-mismatch"),
            ("x", "token-type-mismatch"),
            ("", "No token in header"),
        ],
    )
    def test_what_is_none(self, token: str, reason: str, call: Any) -> None:
        with pytest.raises(TokenVerificationError) as refused:
            call("verify_token", token=token)
        assert refused.value.reason == reason

    def test_a_sessions(self, call: Any, issuer: Issuer) -> None:
        with pytest.raises(TokenVerificationError) as refused:
            call("verify_token", of_machine(jwt_key=issuer.pem), token=issuer.token())
        assert refused.value.reason == "token-type-mismatch"

    def test_one_for_another_machine(self, call: Any, backend: CannedBackend) -> None:
        backend.on(OPAQUE["m2m_token"][1], verified("m2m_token", scopes=["mch_8"]))
        with pytest.raises(TokenVerificationError, match="not meant for this machine, mch_9") as refused:
            call("verify_token", token="mt_1secret")
        assert refused.value.reason == "token-verification-failed"

    def test_where_clerk_can_not_say(self, call: Any, backend: CannedBackend) -> None:
        backend.on(OPAQUE["m2m_token"][1], error(500, "internal"))
        with pytest.raises(BackendAPIError, match="answered 500 when asked about an M2M token") as refused:
            call("verify_token", token="mt_1secret")
        assert "1secret" not in str(refused.value)

    def test_nor_where_a_jwts_key_can_not_be_had(
        self, call: Any, backend: CannedBackend, issuer: Issuer
    ) -> None:
        backend.on("GET /v1/jwks", error(500, "internal"))
        with pytest.raises(BackendAPIError):
            call("verify_token", token=m2m_jwt(issuer))

    def test_with_several_instances(self, call: Any, backend: CannedBackend) -> None:
        with pytest.raises(ConfigurationError, match=r"m2m.verify_token\(\) needs one ClerkConfig") as told:
            call("verify_token", lambda request: of_machine(), token="mt_1secret")
        assert told.value.option == "config"
        assert backend.requests == []
