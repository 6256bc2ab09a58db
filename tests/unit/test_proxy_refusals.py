"""What the Frontend API proxy answers itself, and that no secret is in it, in a log or in an error."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware import ClerkConfig, ConfigurationError, FrontendAPIProxy
from clerk_middleware.proxy.exchange import Incoming, outgoing
from clerk_middleware.proxy.refusals import Refusals, Refused
from clerk_middleware.request import ClerkRequest

from ..proxied import BOTH, HOST, SECRET_KEY, Ask, FrontendAPI, Reply, by_asgi, configured

TOKEN = "eyJhbGciOiJSUzI1NiJ9.secret-token"
#: As libraries put what they fail with into their errors.
REVEALING = f"Illegal header value b'{SECRET_KEY}'"

FAILURES: list[tuple[Exception, int]] = [
    (httpx.ConnectError(REVEALING), 502),
    (httpx.ReadError(REVEALING), 502),
    (httpx.WriteError(REVEALING), 502),
    (httpx.CloseError(REVEALING), 502),
    (httpx.RemoteProtocolError(REVEALING), 502),
    (httpx.LocalProtocolError(REVEALING), 502),
    (httpx.ProxyError(REVEALING), 502),
    (httpx.UnsupportedProtocol(REVEALING), 502),
    (httpx.DecodingError(REVEALING), 502),
    (httpx.InvalidURL(REVEALING), 502),
    (httpx.ConnectTimeout(REVEALING), 504),
    (httpx.ReadTimeout(REVEALING), 504),
    (httpx.WriteTimeout(REVEALING), 504),
    (httpx.PoolTimeout(REVEALING), 504),
]


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The lines of every logger, at every level, so far."""
    loggers = [logging.getLogger(name) for name in ("", "httpx", "httpcore", "clerk_middleware")]
    for logger in loggers:
        caplog.set_level(logging.DEBUG, logger.name or None)
    return lambda: [
        f"{record.name} {record.levelname} {record.getMessage()} {record.exc_text}"
        for record in caplog.records
        if record.name != "asyncio"
    ]


@pytest.mark.parametrize(("error", "status"), FAILURES, ids=[type(error).__name__ for error, _ in FAILURES])
@BOTH
def test_a_request_that_fails_is_answered(ask: Ask, error: Exception, status: int, logs: Any) -> None:
    answer = ask(configured(), FrontendAPI(error))
    assert (answer.status, answer.code, answer.error) == (status, "proxy_request_failed", None)
    (line,) = [line for line in logs() if line.startswith("clerk_middleware WARNING")]
    assert f"answered {status}" in line
    assert type(error).__name__ in line
    assert SECRET_KEY not in f"{answer} {logs()}"


def test_failures_are_logged_once_a_minute(logs: Any) -> None:
    refusals = Refusals()
    for _ in range(5):
        refusals.answer(Refused(502, "proxy_request_failed", "No answer."))
    refusals.answer(Refused(504, "proxy_request_failed", "Too late."))
    assert [line.partition("answered ")[2] for line in logs() if "WARNING" in line] == [
        "502: No answer. This is logged once a minute. None",
        "504: Too late. This is logged once a minute. None",
    ]


@BOTH
def test_refusing_a_request_is_no_warning(ask: Ask, logs: Any) -> None:
    """Anybody can cause it."""
    assert ask(configured(), FrontendAPI(), f"/__clerk//evil.example?token={TOKEN}").status == 400
    assert not [line for line in logs() if "WARNING" in line]
    assert [line for line in logs() if "refused a request (400)" in line]
    assert TOKEN not in str(logs())


@BOTH
def test_an_answer_to_head_says_what_one_to_get_would(ask: Ask) -> None:
    answer = ask(configured(), FrontendAPI(), "/__clerk//evil.example", method="HEAD")
    assert answer.status == 400
    assert int(answer.header("content-length") or 0) > 0


# --- Where it is not set up ----------------------------------------------------------------------------


@BOTH
def test_a_configuration_that_does_not_proxy_is_an_error(ask: Ask, logs: Any) -> None:
    answer = ask(configured(frontend_api_proxy=False), FrontendAPI())
    assert (answer.status, answer.code) == (500, "proxy_configuration_error")
    assert any("answered 500" in line for line in logs())


@BOTH
def test_so_is_a_function_that_finds_none(ask: Ask, logs: Any) -> None:
    def find(request: ClerkRequest) -> ClerkConfig:
        raise ConfigurationError("no such tenant", option="config")

    answer = ask(find, FrontendAPI())
    assert (answer.status, answer.code) == (500, "proxy_configuration_error")
    assert "tenant" not in answer.body.decode()
    assert any("no such tenant" in line for line in logs())


@BOTH
def test_so_is_a_function_that_returns_something_else(ask: Ask) -> None:
    answer = ask(lambda request: None, FrontendAPI())
    assert (answer.status, answer.code) == (500, "proxy_configuration_error")


@BOTH
def test_what_else_a_function_raises_is_the_servers_to_report(ask: Ask) -> None:
    def find(request: ClerkRequest) -> ClerkConfig:
        raise LookupError("tenant")

    api = FrontendAPI()
    answer = ask(find, api)
    assert isinstance(answer.error, LookupError)
    assert (answer.status, api.asked) == (0, [])


@BOTH
def test_a_function_is_asked_which_instance_it_is(ask: Ask) -> None:
    def find(request: ClerkRequest) -> ClerkConfig:
        return configured(secret_key="sk_live_two" if request.url.host == "two.example" else "sk_live_one")

    api = FrontendAPI()
    for host in ("one.example", "two.example"):
        ask(find, api, headers=[("host", host)])
    assert [sent.header("clerk-secret-key") for sent in api.asked] == ["sk_live_one", "sk_live_two"]
    assert [sent.header("clerk-proxy-url") for sent in api.asked] == [
        "https://one.example/__clerk",
        "https://two.example/__clerk",
    ]


# --- Secrets -------------------------------------------------------------------------------------------


def chain_of(error: BaseException | None) -> str:
    """Everything that could be printed of an error."""
    if error is None:
        return ""
    frames = "".join(traceback.format_exception(error))
    return (
        f"{error!r} {error} {error.args} {frames} {chain_of(error.__cause__)} {chain_of(error.__context__)}"
    )


REQUEST_HEADERS = [
    HOST,
    ("authorization", f"Bearer {TOKEN}"),
    ("cookie", f"__client={TOKEN}"),
    ("x-token", TOKEN),
]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(),
        Reply(302, [("Location", "https://evil.example/"), ("Set-Cookie", f"__client={TOKEN}")]),
        Reply(200, [], [b"half", httpx.ReadError(REVEALING)]),
        Reply(101, [("X-Token", TOKEN)]),
        httpx.ReadTimeout(REVEALING),
        httpx.RemoteProtocolError(REVEALING),
        ValueError("a transport's own error"),
    ],
    ids=lambda reply: type(reply).__name__,
)
@BOTH
def test_no_secret_is_in_an_answer_a_log_or_an_error(ask: Ask, reply: Any, logs: Any) -> None:
    answer = ask(
        configured(), FrontendAPI(reply), f"/__clerk/v1/client?__clerk_token={TOKEN}", headers=REQUEST_HEADERS
    )
    printed = f"{logs()} {chain_of(answer.error)}"
    assert SECRET_KEY not in f"{answer} {printed}"
    assert TOKEN not in printed


@BOTH
def test_httpx_logs_the_request_without_its_query(ask: Ask, logs: Any) -> None:
    ask(configured(), FrontendAPI(), f"/__clerk/v1/client?token={TOKEN}")
    (line,) = [line for line in logs() if line.startswith("httpx INFO")]
    assert line == (
        'httpx INFO HTTP Request: GET https://frontend-api.clerk.dev/v1/client "HTTP/1.1 200 OK" None'
    )


def test_no_repr_shows_what_is_in_headers() -> None:
    request = ClerkRequest(
        "GET", f"https://app.example.com/__clerk/v1?a={TOKEN}", {"host": "app.example.com"}
    )
    incoming = Incoming(
        "GET", b"/__clerk/v1", f"a={TOKEN}".encode(), [(b"authorization", TOKEN.encode())], "127.0.0.1"
    )
    wanted = outgoing(configured(), request, incoming)
    assert f"{incoming!r} {incoming}" == "<Incoming GET b'/__clerk/v1'> <Incoming GET b'/__clerk/v1'>"
    assert f"{wanted!r}" == f"{wanted}" == "<Outgoing GET https://frontend-api.clerk.dev/v1>"


def test_answers_name_no_host_and_no_version() -> None:
    """What an outsider sees of a failure is that there is one."""
    answer = by_asgi(configured(frontend_api_proxy=FrontendAPIProxy()), FrontendAPI(httpx.ConnectError("x")))
    assert json.loads(answer.body)["errors"][0]["message"] == "Clerk's Frontend API gave no valid answer."
    assert sorted(name for name, _ in answer.pairs) == ["cache-control", "content-length", "content-type"]
