"""Whatever a server puts into an environment, there is an answer, and nobody is signed in by it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk
from clerk_middleware.wsgi import ClerkMiddleware, get_session

few = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

TEXT = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.text(st.sampled_from("abc:/?#[]@!$&'()*+,;=%-._~\\ \t\r\n\0\xff\u20ac"), max_size=40),
)
NAMES = [
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_NAME",
    "SERVER_PORT",
    "wsgi.url_scheme",
    "HTTP_HOST",
    "HTTP_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_ACCEPT",
    "HTTP_ORIGIN",
    "HTTP_REFERER",
    "HTTP_SEC_FETCH_DEST",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
]
LIKELY = {
    "HTTP_AUTHORIZATION": st.builds("{}{}".format, st.sampled_from(["Bearer ", "bearer ", "Basic "]), TEXT),
    "HTTP_COOKIE": st.builds("__session={}; __client_uat={}; {}".format, TEXT, TEXT, TEXT),
    "QUERY_STRING": st.builds("__clerk_handshake={}&__clerk_db_jwt={}".format, TEXT, TEXT),
    "HTTP_SEC_FETCH_DEST": st.just("document"),
    "REQUEST_METHOD": st.sampled_from(["GET", "HEAD", "POST", ""]),
}
ENVIRONS = st.fixed_dictionaries(
    {}, optional={name: st.one_of(TEXT, LIKELY.get(name, TEXT)) for name in NAMES}
)


@cache
def applications() -> list[ClerkMiddleware]:
    """Of a development instance, of a production one behind a proxy, and of an API."""
    clerk = LocalClerk()
    keys: Any = {"jwt_key": clerk.jwt_key, "authorized_parties": ["https://app.example.com"]}
    development = ClerkConfig(publishable_key=clerk.publishable_key, secret_key=clerk.secret_key, **keys)
    behind_a_proxy = ClerkConfig(
        publishable_key="pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", trust_forwarded_headers=True, **keys
    )

    def app(environ: Any, start_response: Any) -> Any:
        session = get_session(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield session.user_id.encode()

    routes = [{"protected_routes": ["/admin", "/admin/(.*)"]}, {"public_routes": "/public/(.*)"}, {}]
    configs = [development, behind_a_proxy, ClerkConfig(**keys)]
    return [ClerkMiddleware(app, config, **options) for config, options in zip(configs, routes, strict=True)]  # type: ignore[arg-type]


@few
@given(environ=ENVIRONS)
@example(environ={})
@example(environ={"PATH_INFO": "/\u20ac", "HTTP_SEC_FETCH_DEST": "document"})
@example(environ={"SERVER_NAME": "", "HTTP_HOST": "", "wsgi.url_scheme": "x y"})
@example(environ={"PATH_INFO": "", "SCRIPT_NAME": "", "HTTP_SEC_FETCH_DEST": "document"})
def test_there_is_an_answer_to_every_environment(environ: dict[str, Any]) -> None:
    for app in applications():
        given: list[Any] = []
        body = b"".join(
            app(dict(environ), lambda *started, given=given: given.append(started) or given.append)
        )
        status, headers = given[0]
        assert len(given) == 1
        assert int(status[:3]) in (307, 400, 401)
        assert body or status.startswith("307") or environ.get("REQUEST_METHOD") == "HEAD"
        for name, value in headers:
            assert re.fullmatch(r"[A-Za-z-]+", name)
            assert value.encode("latin-1").isascii()
            assert value.isprintable()


@few
@given(path=TEXT, script_name=TEXT, query=TEXT)
def test_the_way_back_from_signing_in_is_the_requests_own_site(
    path: str, script_name: str, query: str
) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": script_name,
        "QUERY_STRING": query,
        "HTTP_HOST": "app.example.com",
        "HTTP_SEC_FETCH_DEST": "document",
        "wsgi.url_scheme": "https",
    }
    given: list[Any] = []
    applications()[1](environ, lambda *started: given.append(started) or given.append)
    location = dict(given[0][1])["location"]
    assert location.startswith("https://accounts.example.com/sign-in?")
    (back,) = parse_qs(urlsplit(location).query)["redirect_url"]
    assert back.startswith("https://app.example.com/")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer \xff"},
        {"authorization": "Bearer \u20ac"},
        {"authorization": "Bearer {token},Bearer {token}"},  # as servers join two of them
        {"authorization": "Bearer {token}, Bearer x"},
        {"cookie": "__client_uat=1,__session={token}"},
        {"cookie": "__session={token},__client_uat=1"},
        {"cookie": "x" * 65536},
        {"cookie": "; ".join(f"a{number}={number}" for number in range(8000))},
        {"cookie": "\u20ac=\u20ac"},
        {"x_authorization": "Bearer {token}"},
        {"authorization_": "Bearer {token}"},
    ],
)
def test_what_is_no_credential_signs_nobody_in(
    headers: dict[str, str], clerk: LocalClerk, config: Any, request_to: Any, responding: Any
) -> None:
    token = clerk.issue_session_token("user_dev", azp="https://app.example.com")
    sent = {name: value.replace("{token}", token) for name, value in headers.items()}
    app = ClerkMiddleware(responding(), config(), protected_routes="/admin")
    assert request_to(app, "/", sent).environ["clerk.auth"].user_id is None
    assert request_to(app, "/admin", sent).status == 401


def test_a_large_cookie_hides_no_other(config: Any, cookies: Any, request_to: Any, responding: Any) -> None:
    headers = {"cookie": f"big={'x' * 65536}; {cookies['cookie']}"}
    answer = request_to(ClerkMiddleware(responding(), config()), "/", headers)
    assert answer.environ["clerk.auth"].user_id == "user_dev"
