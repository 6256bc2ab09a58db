"""The handshake: what a browser carries between LocalClerk and an application, and what it must not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from clerk_middleware.local import LocalClerk, Session
from clerk_middleware.local.origins import with_query

Decode = Callable[[str], dict[str, Any]]
APP = "http://localhost:8000/loads?page=2&q=a%20b"


def handshake(browser: httpx.Client, **parameters: str) -> httpx.Response:
    return browser.get("/v1/client/handshake", params={"redirect_url": APP, "format": "nonce", **parameters})


def query_of(response: httpx.Response) -> dict[str, str]:
    return {
        name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()
    }


def directives_of(clerk: LocalClerk, response: httpx.Response) -> list[str]:
    return exchange(clerk, response, query_of(response)["__clerk_handshake_nonce"])


def exchange(clerk: LocalClerk, response: httpx.Response, nonce: str) -> list[str]:
    """What an application's server does with the nonce that came with the browser."""
    payload = httpx.get(
        response.request.url.join("/v1/clients/handshake_payload"),
        params={"nonce": nonce},
        headers={"authorization": f"Bearer {clerk.secret_key}"},
    )
    directives: list[str] = payload.json()["directives"]
    return directives


def cookies_in(lines: list[str]) -> dict[str, str]:
    return {line.partition("=")[0]: line.partition("=")[2].partition(";")[0] for line in lines}


def token_of(session: Session) -> str:
    assert session.client is not None
    return session.client.token


def test_a_browser_that_nobody_knows(clerk: LocalClerk, browser: httpx.Client) -> None:
    response = handshake(browser)
    assert response.status_code == 307
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["location"].startswith(f"{APP}&__clerk_handshake_nonce=")
    directives = directives_of(clerk, response)
    suffix = clerk._instance.cookie_suffix
    new = query_of(response)["__clerk_db_jwt"]
    assert directives == [
        "__client_uat=0; Path=/; Max-Age=31536000; SameSite=Lax",
        f"__client_uat_{suffix}=0; Path=/; Max-Age=31536000; SameSite=Lax",
        "__session=; Path=/; Max-Age=0; SameSite=Lax",
        f"__session_{suffix}=; Path=/; Max-Age=0; SameSite=Lax",
        f"__refresh_{suffix}=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly",
        f"__clerk_db_jwt={new}; Path=/; Max-Age=31536000; SameSite=Lax",
        f"__clerk_db_jwt_{suffix}={new}; Path=/; Max-Age=31536000; SameSite=Lax",
    ]


def test_a_browser_that_is_signed_in(clerk: LocalClerk, browser: httpx.Client, claims_of: Decode) -> None:
    session = clerk.sign_in("user_dev", "org_blue_ridge")
    response = handshake(browser, __clerk_db_jwt=token_of(session), suffixed_cookies="true")
    assert "__clerk_db_jwt" not in query_of(response)  # it is not new
    directives = directives_of(clerk, response)
    cookies, suffix = cookies_in(directives), clerk._instance.cookie_suffix
    assert cookies["__session"] == cookies[f"__session_{suffix}"]
    assert cookies["__client_uat"] == cookies[f"__client_uat_{suffix}"] == "1750000000"
    assert cookies["__clerk_db_jwt"] == token_of(session)
    assert cookies[f"__refresh_{suffix}"] == session.refresh_token
    assert [line for line in directives if "HttpOnly" in line] == [
        line for line in directives if "__refresh" in line
    ]
    assert not any("Secure" in line for line in directives)
    claims = claims_of(cookies["__session"])
    assert claims["azp"] == "http://localhost:8000"
    assert claims["iat"] >= int(cookies["__client_uat"])
    assert claims["o"]["slg"] == "blue-ridge-freight"


def test_the_result_as_a_token(clerk: LocalClerk, browser: httpx.Client, claims_of: Decode) -> None:
    session = clerk.sign_in("user_dev")
    response = handshake(browser, __clerk_db_jwt=token_of(session), format="token")
    token = query_of(response)["__clerk_handshake"]
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    payload = claims_of(token)
    assert set(payload) == {"handshake"}
    assert cookies_in(payload["handshake"])["__client_uat"] == "1750000000"


def test_over_https_the_cookies_are_secure(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = clerk.sign_in("user_dev")
    response = handshake(browser, __clerk_db_jwt=token_of(session), redirect_url="https://app.localhost/")
    assert all(line.endswith("; Secure") for line in directives_of(clerk, response))


def test_the_token_in_the_query_wins_over_the_cookies(
    clerk: LocalClerk, browser: httpx.Client, claims_of: Decode
) -> None:
    dev, ada = clerk.sign_in("user_dev"), clerk.sign_in("user_ada")
    suffix = clerk._instance.cookie_suffix

    def who(**parameters: str) -> str:
        subject = claims_of(cookies_in(directives_of(clerk, handshake(browser, **parameters)))["__session"])[
            "sub"
        ]
        browser.cookies.clear()
        return str(subject)

    for name in ("__clerk_db_jwt", f"__clerk_db_jwt_{suffix}", f"__local_clerk_client_{suffix}"):
        browser.cookies.set(name, token_of(dev))
        assert who() == "user_dev"
        browser.cookies.set(name, token_of(dev))
        assert who(__clerk_db_jwt=token_of(ada)) == "user_ada"
        browser.cookies.set(name, token_of(dev))
        assert who(__clerk_db_jwt="dvb_from_before_a_restart") == "user_dev"


def test_the_browser_is_remembered_by_a_cookie_that_is_not_the_applications(
    clerk: LocalClerk, browser: httpx.Client
) -> None:
    session = clerk.sign_in("user_dev")
    response = handshake(browser, __clerk_db_jwt=token_of(session))
    (line,) = response.headers.get_list("set-cookie")
    name = f"__local_clerk_client_{clerk._instance.cookie_suffix}"
    assert line == f"{name}={token_of(session)}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
    assert cookies_in(directives_of(clerk, handshake(browser)))["__client_uat"] == "1750000000"


def test_an_organization_is_activated(
    clerk: LocalClerk, browser: httpx.Client, clock: Any, claims_of: Decode
) -> None:
    session = clerk.sign_in("user_grace", "blue-ridge-freight")

    def active(**parameters: str) -> str | None:
        response = handshake(browser, __clerk_db_jwt=token_of(session), **parameters)
        claims = claims_of(cookies_in(directives_of(clerk, response))["__session"])
        return claims["o"]["slg"] if "o" in claims else None

    assert active() == "blue-ridge-freight"
    clock.now += 5
    assert active(organization_id="harbor-lines") == "harbor-lines"
    assert session.client is not None
    assert session.client.updated_at == clock.now
    assert active(organization_id="org_blue_ridge") == "blue-ridge-freight"
    assert active(organization_id="org_nowhere") == "blue-ridge-freight"
    assert active(organization_id="") is None
    assert active(organization_id="harbor-lines") == "harbor-lines"


def test_an_organization_of_others_is_not(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = clerk.sign_in("user_ada", "blue-ridge-freight")
    handshake(browser, __clerk_db_jwt=token_of(session), organization_id="harbor-lines")
    assert session.organization_id == "org_blue_ridge"


@pytest.mark.parametrize("end", ["revoke", "expire"])
def test_a_session_that_ended(clerk: LocalClerk, browser: httpx.Client, clock: Any, end: str) -> None:
    session = clerk.sign_in("user_ada")
    if end == "revoke":
        clerk.revoke_session(session.id)
    else:
        clock.now = session.expires_at
    cookies = cookies_in(directives_of(clerk, handshake(browser, __clerk_db_jwt=token_of(session))))
    assert cookies["__session"] == ""
    assert cookies["__client_uat"] == "0"


def test_the_public_keys_are_public(clerk: LocalClerk, browser: httpx.Client) -> None:
    response = browser.get("/.well-known/jwks.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == clerk._instance.keys.jwks()


class TestProduction:
    @pytest.fixture
    def clerk(self, production: LocalClerk) -> LocalClerk:
        return production

    def test_the_result_is_a_cookie_and_the_url_unchanged(
        self, clerk: LocalClerk, browser: httpx.Client
    ) -> None:
        session = clerk.sign_in("user_1")
        browser.cookies.set("__client", token_of(session))
        for result, name in (("nonce", "__clerk_handshake_nonce"), ("token", "__clerk_handshake")):
            response = handshake(browser, format=result)
            assert response.headers["location"] == APP
            lines = response.headers.get_list("set-cookie")
            cookies = cookies_in(lines)
            suffix = clerk._instance.cookie_suffix
            assert set(cookies) == {name, "__client", "__client_uat", f"__client_uat_{suffix}"}
            assert cookies["__client_uat"] == "1750000000"
            assert f"{name}={cookies[name]}; Path=/; Max-Age=60; SameSite=Lax; HttpOnly" in lines
            assert f"__client={token_of(session)}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly" in lines
            if result == "nonce":
                directives = exchange(clerk, response, cookies[name])
            else:
                directives = jwt.decode(cookies[name], clerk.jwt_key, ["RS256"])["handshake"]
            assert directives[-1] == f"{name}=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly"
            assert "__clerk_db_jwt" not in cookies_in(directives)

    def test_a_dev_browser_token_means_nothing(self, clerk: LocalClerk, browser: httpx.Client) -> None:
        session = clerk.sign_in("user_1")
        browser.cookies.set("__clerk_db_jwt", token_of(session))
        response = handshake(browser, __clerk_db_jwt=token_of(session))
        assert cookies_in(response.headers.get_list("set-cookie"))["__client_uat"] == "0"

    def test_a_listed_origin_is_returned_to(self, browser: httpx.Client) -> None:
        response = handshake(browser, redirect_url="https://app.example.com/x")
        assert response.headers["location"] == "https://app.example.com/x"
        assert handshake(browser, redirect_url="https://app.example.com:444/x").status_code == 400
        assert handshake(browser, redirect_url="http://app.example.com/x").status_code == 400


REFUSED = [
    "/loads",
    "//localhost/",
    "localhost:8000",
    "javascript:alert(1)//localhost",
    "ftp://localhost/",
    "http:/localhost",
    "http:///evil.example/",
    "https://evil.example/",
    "http://localhost.evil.example/",
    "http://evil.example/?localhost",
    "http://evil.example#@localhost/",
    "http://localhost@evil.example/",
    "http://evil.example@localhost/",
    "http://evil.example\\@localhost/",
    "http://localhost\\.evil.example/",
    "http://127.0.0.1.evil.example/",
    "http://127.0.0.1%2eevil.example/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://[::ffff:a00:1]/",
    "http://[::1/",
    "http://localhost:99999/",
    "http://localhost:x/",
    "http://l\u2024ocalhost/",
    "http://\uff4cocalhost/",
    "http://localhost/\r\nset-cookie: a=b",
    "http://localhost/\t",
    " http://localhost/",
    "http://local\nhost/",
    "http://localhost/\x00",
]
ACCEPTED = [
    "http://localhost",
    "http://localhost:8000/a?b=c#d",
    "https://LOCALHOST/",
    "http://app.localhost:3000/",
    "http://127.0.0.1:5000/",
    "http://127.8.9.10/",
    "http://[::1]:8000/",
]


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[httpx.Client]:
    with LocalClerk().serve() as server, httpx.Client(base_url=server.url) as client:
        yield client


@pytest.mark.parametrize("url", REFUSED)
def test_no_open_redirect(shared_browser: httpx.Client, url: str) -> None:
    for path in (
        "/sign-in",
        "/sign-up",
        "/sign-out",
        "/switch-organization",
        "/verify",
        "/sign-in/factor-two",
    ):
        response = shared_browser.get(path, params={"redirect_url": url})
        assert response.status_code == 400
        assert "redirect_url is refused" in response.text
    response = handshake(shared_browser, redirect_url=url)
    assert response.status_code == 400
    assert {"location", "set-cookie"}.isdisjoint(response.headers)
    (error,) = response.json()["errors"]
    assert error["code"] == "form_param_value_invalid"
    assert error["meta"] == {"param_name": "redirect_url"}


@pytest.mark.parametrize("url", ACCEPTED)
def test_back_to_loopback(shared_browser: httpx.Client, url: str) -> None:
    response = handshake(shared_browser, redirect_url=url)
    assert response.status_code == 307
    assert urlsplit(response.headers["location"]).netloc == urlsplit(url).netloc


def test_what_is_no_ascii_is_escaped(shared_browser: httpx.Client) -> None:
    response = handshake(shared_browser, redirect_url="http://localhost/caf\u00e9?\u00fc=%C3%BC")
    assert response.headers["location"].startswith(
        "http://localhost/caf%C3%A9?%C3%BC=%C3%BC&__clerk_handshake_nonce="
    )


def test_a_handshake_to_nowhere(shared_browser: httpx.Client) -> None:
    for parameters in ({}, {"redirect_url": ""}):
        response = shared_browser.get("/v1/client/handshake", params=parameters)
        assert response.status_code == 400
        assert response.json()["errors"][0]["code"] == "form_param_missing"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost", "http://localhost?t=1"),
        ("http://localhost/#x", "http://localhost/?t=1#x"),
        ("http://localhost/?a=%20&t=0&b", "http://localhost/?a=%20&b&t=1"),
        ("http://localhost/?%74=0&&t", "http://localhost/?t=1"),
    ],
)
def test_a_parameter_replaces_its_namesakes(url: str, expected: str) -> None:
    assert with_query(url, t="1") == expected
