"""No token, cookie or key is ever logged, or shown by a `repr`: every flow at the most talkative level."""

from __future__ import annotations

import logging
from itertools import product
from typing import Any

import pytest

from clerk_middleware import (
    Auth,
    Authenticator,
    ClerkConfig,
    ClerkError,
    ClerkRequest,
    PublishableKey,
)
from clerk_middleware.backend.calls import BackendAnswer, BackendCall
from clerk_middleware.config_source import _warn_once

from .backend import CannedBackend, error
from .conftest import DEVELOPMENT, PRODUCTION
from .issuer import NOW, Issuer
from .server import serving

UAT = str(NOW - 1000)
REFRESH = "refresh_c0ffee"
NONCE = "nonce_c0ffee"
DEV_BROWSER = "dvb_c0ffee"


def suffix_of(keys: dict[str, str]) -> str:
    return PublishableKey.parse(keys["publishable_key"]).cookie_suffix


class Flows:
    """Requests that take every way, and the secrets that they carry."""

    def __init__(self, issuer: Issuer) -> None:
        self.good = issuer.token()
        self.expired = issuer.token(exp=NOW - 60, iat=NOW - 900)
        self.forged = Issuer("attacker").token()
        self.foreign = issuer.token(azp="https://evil.example")
        self.template = issuer.token({"cat": "cl_B7d4PD222AAA"})
        self.machine = issuer.token({"cat": "cl_B7d4PD333AAA"}, sub="mch_1")
        self.unknown_kid = issuer.token({"kid": "ins_2"})
        self.garbled = self.good[:-5] + "=====" + "c0ffee"
        self.handshake = issuer.token(handshake=[f"__session={self.expired}"])
        self.tokens = [value for value in vars(self).values() if isinstance(value, str)]
        self.opaque = ["ak_c0ffee", "mt_c0ffee", "oat_c0ffee"]

    @property
    def secrets(self) -> list[str]:
        parts = [part for token in self.tokens for part in token.split(".")[1:] if len(part) > 20]
        keys = [DEVELOPMENT["secret_key"], PRODUCTION["secret_key"], "ak_machinesecret"]
        return [*self.tokens, *parts, *self.opaque, *keys, REFRESH, NONCE, DEV_BROWSER]

    def requests(self, keys: dict[str, str]) -> list[ClerkRequest]:
        suffix = suffix_of(keys)
        carriers: list[tuple[str, dict[str, str]]] = []
        for token in [*self.tokens, *self.opaque]:
            carriers.append(("", {"authorization": f"Bearer {token}"}))
            for extra in ("", f"; __clerk_redirect_count=3; __refresh_{suffix}={REFRESH}"):
                cookie = f"__session={token}; __client_uat={UAT}; __clerk_db_jwt={DEV_BROWSER}{extra}"
                carriers.append(("", {"cookie": cookie}))
            carriers.append((f"?__clerk_handshake={token}", {}))
            carriers.append((f"?__clerk_db_jwt={DEV_BROWSER}", {"cookie": f"__clerk_handshake={token}"}))
        carriers.append((f"?__clerk_handshake_nonce={NONCE}", {}))
        carriers.append(("", {"cookie": f"__clerk_handshake_nonce={NONCE}"}))
        return [
            ClerkRequest("GET", f"https://app.example.com/{query}", {"sec-fetch-dest": "document"} | headers)
            for query, headers in carriers
        ]


@pytest.fixture
def flows(issuer: Issuer) -> Flows:
    return Flows(issuer)


def run(flows: Flows, keys: dict[str, str], backend: CannedBackend | None, **options: Any) -> list[Any]:
    """Take every way, and return all objects that a programmer may print."""
    config = ClerkConfig(**keys, machine_secret_key="ak_machinesecret", **options)
    shown: list[Any] = [config]
    transport = None if backend is None else backend.transport
    with Authenticator(config, transport=transport, clock=lambda: NOW) as authenticator:
        for request, accepts in product(flows.requests(keys), (None, "any", "m2m_token")):
            try:
                state = authenticator.authenticate_request(request, accepts_token=accepts)
            except ClerkError as raised:
                shown.append(raised)
            else:
                shown += [request, state, state.to_auth(), state.reason, state.message]
                shown += refused_templates(state.to_auth())
    return shown


def refused_templates(auth: Auth) -> list[ClerkError]:
    if auth.session_id is None:
        return []
    with pytest.raises(ClerkError) as raised:
        auth.get_token(template="x")
    return [raised.value]


@pytest.mark.parametrize("keys", [DEVELOPMENT, PRODUCTION], ids=["development", "production"])
@pytest.mark.parametrize(
    "options",
    [{}, {"authorized_parties": ["https://app.example.com"], "audience": "api"}],
    ids=["lax", "strict"],
)
@pytest.mark.parametrize("works", [True, False], ids=["works", "fails"])
def test_no_secret_is_logged_or_shown(
    works: bool,
    options: dict[str, Any],
    keys: dict[str, str],
    flows: Flows,
    backend: CannedBackend,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)  # of every library
    cookies = [f"__session={flows.good}; Path=/"]
    backend.on("GET /v1/clients/handshake_payload", {"directives": cookies})
    backend.on("POST /v1/sessions/sess_1/refresh", {"cookies": cookies})
    if not works:
        refused = error(401, "clerk_key_invalid")
        for route in list(backend.answers):
            backend.on(route, refused)

    shown = run(flows, keys, backend, **options)

    text = caplog.text + "".join(f"{record.__dict__}" for record in caplog.records)
    text += "".join(f"{thing!r}{thing!s}" for thing in shown)
    text += "".join(str(vars(thing)) for thing in shown if isinstance(thing, ClerkError))
    assert "Clerk: " in text
    leaked = {secret for secret in flows.secrets if secret in text}
    assert not leaked


def test_a_nonce_is_hidden_from_httpxs_log(backend: CannedBackend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Authenticator(ClerkConfig(**PRODUCTION), transport=backend.transport) as authenticator:
        authenticator.authenticate_request(
            ClerkRequest("GET", "https://app.example.com/", {"cookie": f"__clerk_handshake_nonce={NONCE}"})
        )
    lines = [record.getMessage() for record in caplog.records if record.name == "httpx"]
    assert len(lines) == 1
    assert "/clients/handshake_payload" in lines[0]
    assert NONCE not in lines[0]


def test_other_lines_of_httpx_stay_as_they_are(
    backend: CannedBackend, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Authenticator(
        ClerkConfig(**PRODUCTION), transport=backend.transport, clock=lambda: NOW
    ) as authenticator:
        authenticator.verify_token(issuer.token())
    logging.getLogger("httpx").info("a line without arguments")
    logging.getLogger("httpx").info("a line with %(named)s", {"named": "arguments"})
    lines = [record.getMessage() for record in caplog.records if record.name == "httpx"]
    assert lines == [
        'HTTP Request: GET https://api.clerk.com/v1/jwks "HTTP/1.1 200 OK"',
        "a line without arguments",
        "a line with arguments",
    ]


def test_over_a_real_connection_nothing_is_logged_either(
    flows: Flows, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever httpx and httpcore log of their connections."""
    caplog.set_level(logging.DEBUG)
    cookies = [f"__session={flows.good}"]
    answer = issuer.jwks | {"directives": cookies, "cookies": cookies}
    with serving(lambda exchange: exchange.send_json(answer)) as api:
        run(flows, PRODUCTION, None, api_url=api.url, authorized_parties=["https://app.example.com"])
        assert {"GET /v1/jwks", "POST /v1/sessions/sess_1/refresh"} <= set(api.asked)
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    assert not {secret for secret in flows.secrets if secret in caplog.text}


def test_calls_and_answers_show_no_secret() -> None:
    call = BackendCall("POST", "https://a.example/x?nonce=c0ffee", bearer="c0ffee", body={"secret": "c0ffee"})
    assert repr(call) == "<BackendCall POST https://a.example/x>"
    assert repr(BackendAnswer(200, {"jwt": "c0ffee"})) == "<BackendAnswer 200>"


def test_a_sign_in_page_without_an_instance_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Who comes back from it is not known, and is sent there again, for ever."""
    _warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        Authenticator(ClerkConfig(secret_key="sk_test_x", sign_in_url="/sign-in"))
    assert "Set it (CLERK_PUBLISHABLE_KEY)" in caplog.text
