"""The Frontend API behind an application's proxy: at the application's origin, for who has the secret key."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.local.proxied_requests import ProxiedRequest
from clerk_middleware.local.server import serve

from .conftest import Clock, production_seed

PROXY = "http://app.example:8000/__clerk"
APP = "http://app.example:8000/loads"


def added(clerk: LocalClerk, proxy_url: str = PROXY, **changes: str | None) -> dict[str, str]:
    """What a proxy adds to a request."""
    headers = {
        "clerk-proxy-url": proxy_url,
        "clerk-secret-key": clerk.secret_key,
        "x-forwarded-for": "192.0.2.7",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return {name: value for name, value in headers.items() if value is not None}


def handshake(
    browser: httpx.Client, headers: dict[str, str], redirect_url: str = APP, **parameters: str
) -> httpx.Response:
    query = {"redirect_url": redirect_url, "format": "nonce", **parameters}
    return browser.get("/v1/client/handshake", params=query, headers=headers)


def error_of(response: httpx.Response) -> tuple[int, str]:
    (error,) = response.json()["errors"]
    assert error["message"]
    return response.status_code, error["code"]


# Who may


@pytest.mark.parametrize(
    "secret_key", [None, "", "sk_test_other", "the key and more", "half of the key", "the key in capitals"]
)
def test_a_proxy_has_the_secret_key(clerk: LocalClerk, browser: httpx.Client, secret_key: str | None) -> None:
    keys = {
        "the key and more": f"{clerk.secret_key}x",
        "half of the key": clerk.secret_key[:20],
        "the key in capitals": clerk.secret_key.upper(),
    }
    given = keys.get(secret_key, secret_key) if secret_key else secret_key
    response = handshake(browser, added(clerk, clerk_secret_key=given))
    assert error_of(response) == (401, "secret_key_invalid")
    assert clerk.secret_key not in response.text
    assert clerk.proxied_requests == ()


def test_a_key_beyond_ascii_is_wrong_and_no_error(clerk: LocalClerk, browser: httpx.Client) -> None:
    headers = httpx.Headers({**added(clerk), "clerk-secret-key": "sk_test_ü"}, encoding="latin-1")
    response = browser.get("/v1/client/handshake", params={"redirect_url": APP}, headers=headers)
    assert error_of(response) == (401, "secret_key_invalid")


@pytest.mark.parametrize(
    "proxy_url",
    [
        "",
        "/__clerk",
        "app.example/__clerk",
        "ftp://app.example/__clerk",
        "http://",
        "http:///__clerk",
        "http://app.example:x/__clerk",
        "http://app.example:99999/__clerk",
        "http://me@app.example/__clerk",
        "http://app.example/__clerk?x=1",
        "http://app.example/__clerk#x",
        "http://app.example#/__clerk",
        "http://app.example/a b",
        "http://app.example\\@evil.example/__clerk",
        "http://app.example//evil.example",
        "http://app.example/%2e%2e",
        "http://app..example/__clerk",
        "http://[::1/__clerk",
        "http://app.example/__clerk\x1f",
        "http://äpp.example/__clerk",
    ],
)
def test_a_proxy_url_is_a_full_url(clerk: LocalClerk, browser: httpx.Client, proxy_url: str) -> None:
    headers = httpx.Headers(added(clerk, proxy_url), encoding="latin-1")
    response = browser.get("/v1/client/handshake", params={"redirect_url": APP}, headers=headers)
    assert error_of(response) == (400, "proxy_url_invalid")
    assert clerk.proxied_requests == ()


@pytest.mark.parametrize("name", ["clerk-proxy-url", "Clerk-Secret-Key"])
def test_what_a_client_adds_must_not_get_past_the_proxy(
    clerk: LocalClerk, browser: httpx.Client, name: str
) -> None:
    ours = added(clerk)
    headers = [*ours.items(), (name, ours[name.lower()])]
    response = browser.get("/v1/client/handshake", params={"redirect_url": APP}, headers=headers)
    assert error_of(response) == (400, "proxy_header_repeated")
    assert clerk.secret_key not in response.text


def test_without_a_proxy_url_it_is_no_proxy(clerk: LocalClerk, browser: httpx.Client) -> None:
    response = handshake(browser, added(clerk, clerk_proxy_url=None))
    assert error_of(response) == (400, "form_param_value_invalid")  # app.example is not loopback
    response = handshake(browser, added(clerk, clerk_proxy_url=None, host="app.example"))
    assert response.status_code == 421
    assert clerk.proxied_requests == ()


# What is known


def test_tests_see_what_came(clerk: LocalClerk, browser: httpx.Client) -> None:
    handshake(browser, added(clerk, f"{PROXY}/"), __clerk_db_jwt="dvb_secret")
    browser.post("/v1/nothing", headers=added(clerk, x_forwarded_for="203.0.113.9, 192.0.2.7"))
    browser.get("/v1/client/handshake", params={"redirect_url": "http://localhost/"})
    assert clerk.proxied_requests == (
        ProxiedRequest(method="GET", path="/v1/client/handshake", proxy_url=PROXY, forwarded_for="192.0.2.7"),
        ProxiedRequest(
            method="POST", path="/v1/nothing", proxy_url=PROXY, forwarded_for="203.0.113.9, 192.0.2.7"
        ),
    )
    assert [request.client_address for request in clerk.proxied_requests] == ["192.0.2.7", "203.0.113.9"]
    for secret in (clerk.secret_key, "dvb_secret"):
        assert secret not in repr(clerk.proxied_requests)


def test_every_header_for_the_address_is_seen(clerk: LocalClerk, browser: httpx.Client) -> None:
    headers = [*added(clerk).items(), ("x-forwarded-for", "203.0.113.9")]
    browser.get("/v1/nothing", headers=headers)
    browser.get("/v1/nothing", headers=added(clerk, x_forwarded_for=None))
    assert [request.forwarded_for for request in clerk.proxied_requests] == ["192.0.2.7, 203.0.113.9", ""]


def test_so_many_are_kept(clerk: LocalClerk, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clerk_middleware.local.proxied_requests._MAXIMUM_REQUESTS", 2)
    clerk = LocalClerk()
    with clerk.serve() as server, httpx.Client(base_url=server.url) as client:
        for path in ("/a", "/b", f"/{'c' * 1000}"):
            client.get(path, headers=added(clerk, x_forwarded_for="x" * 1000))
    assert [request.path for request in clerk.proxied_requests] == ["/b", f"/{'c' * 499}"]
    assert {len(request.forwarded_for) for request in clerk.proxied_requests} == {500}


def test_paths_mean_the_same_for_faults_and_counts(clerk: LocalClerk, browser: httpx.Client) -> None:
    clerk.fail("/client/handshake", status=503)
    assert handshake(browser, added(clerk)).status_code == 503
    assert clerk.calls("/client/handshake") == 1


def test_events_name_the_browsers_address(clerk: LocalClerk, browser: httpx.Client) -> None:
    form = {"user_id": "user_dev", "password": "fleet-demo"}
    for forwarded_for in ("2001:db8::7, 192.0.2.7", "unknown"):
        browser.post("/sign-in", data=form, headers=added(clerk, x_forwarded_for=forwarded_for))
    first, *_, last = clerk.webhook_messages
    assert first.payload["event_attributes"]["http_request"]["client_ip"] == "2001:db8::7"
    assert last.payload["event_attributes"]["http_request"]["client_ip"] == ""


# At the application's origin


def test_a_handshake_goes_back_to_the_application(clerk: LocalClerk, browser: httpx.Client) -> None:
    """Which is not on loopback, but has the secret key."""
    session = clerk.sign_in("user_dev", "org_blue_ridge")
    assert session.client is not None
    response = handshake(browser, added(clerk), __clerk_db_jwt=session.client.token)
    assert response.status_code == 307
    assert response.headers["location"].startswith(f"{APP}?__clerk_handshake_nonce=")
    assert session.authorized_party == "http://app.example:8000"


@pytest.mark.parametrize(
    "redirect_url",
    [
        "http://evil.example/",
        "https://app.example:8000/loads",
        "http://app.example/loads",
        "http://app.example:8000@evil.example/",
        "//evil.example/",
    ],
)
def test_a_handshake_goes_nowhere_else(clerk: LocalClerk, browser: httpx.Client, redirect_url: str) -> None:
    response = handshake(browser, added(clerk), redirect_url)
    assert error_of(response) == (400, "form_param_value_invalid")


@pytest.mark.parametrize(("proxy_url", "secure"), [(PROXY, False), ("https://app.example/__clerk", True)])
def test_cookies_are_of_the_applications_origin(
    clerk: LocalClerk, browser: httpx.Client, proxy_url: str, secure: bool
) -> None:
    origin = proxy_url.removesuffix("/__clerk")
    response = handshake(browser, added(clerk, proxy_url), f"{origin}/")
    (line,) = response.headers.get_list("set-cookie")
    name, *attributes = line.split("; ")
    assert name.startswith("__local_clerk_client_")
    assert attributes[:1] == ["Path=/"]
    assert "HttpOnly" in attributes
    assert ("Secure" in attributes) is secure
    assert "domain" not in line.lower()


@pytest.mark.parametrize("proxy_url", [PROXY, f"{PROXY}/", "https://app.example", "http://[::1]:8000/a/b.c"])
def test_its_urls_are_by_the_proxy(clerk: LocalClerk, browser: httpx.Client, proxy_url: str) -> None:
    path = "/.well-known/oauth-authorization-server"
    metadata: dict[str, Any] = browser.get(path, headers=added(clerk, proxy_url)).json()
    base = proxy_url.rstrip("/")
    assert metadata["issuer"] == base
    assert metadata["token_endpoint"] == f"{base}/oauth/token"
    assert metadata["jwks_uri"] == f"{base}/.well-known/jwks.json"


def test_pages_work_there(clerk: LocalClerk, browser: httpx.Client) -> None:
    """Their links and forms stay with the proxy, and a form of another origin is refused."""
    page = browser.get("/sign-in", params={"redirect_url": APP}, headers=added(clerk))
    assert 'action="/__clerk/sign-in?redirect_url=' in page.text
    assert "fleet-demo" not in page.text  # the browser may be anybody's
    form = {"user_id": "user_dev", "password": "fleet-demo"}
    for origin, status in (("http://evil.example", 403), ("http://app.example:8000", 303)):
        response = browser.post("/sign-in", data=form, headers=added(clerk, origin=origin))
        assert response.status_code == status
    assert response.headers["location"] == f"{PROXY}/"  # a path would get the proxy's before it


def test_no_page_shows_a_password_by_a_proxy_that_names_no_address(
    clerk: LocalClerk, browser: httpx.Client
) -> None:
    headers = added(clerk, "http://localhost:8000/__clerk", x_forwarded_for=None)
    assert "fleet-demo" in browser.get("/sign-in").text
    assert "fleet-demo" not in browser.get("/sign-in", headers=headers).text


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8000", 200),
        ("http://testserver", 200),
        ("https://app.example.com", 200),
        ("http://clerk.internal:8000", 200),
        ("https://fleet.dev", 200),
        ("http://fleet.dev", 421),
        ("http://evil.com:8000", 421),
        ("http://notexample.com", 421),
        ("http://app.example.com.evil.net", 421),
        ("http://93.184.215.14", 421),
    ],
)
def test_a_name_that_anybody_may_point_here_is_not_served(clock: Clock, origin: str, status: int) -> None:
    """The page of that name would be of the proxy's own origin, and sign in as anybody."""
    users = [{"id": "user_1", "email": "one@example.com", "password": "one"}]
    instance = {"hosts": ["clerk.internal"], "allowed_origins": ["https://fleet.dev"]}
    clerk = LocalClerk({"instance": instance, "users": users}, clock=clock)
    with clerk.serve() as server:
        response = httpx.get(f"{server.url}/v1/environment", headers=added(clerk, f"{origin}/__clerk"))
    assert response.status_code == status
    assert ("hosts in [instance]" in response.text) == (status == 421)


@pytest.mark.parametrize("host", ["app.example:8000", "frontend-api.example"])
def test_the_host_that_the_proxy_sends_does_not_matter(
    clerk: LocalClerk, browser: httpx.Client, host: str
) -> None:
    assert handshake(browser, added(clerk, host=host)).status_code == 307


def test_a_forwarded_scheme_does_not_matter(clerk: LocalClerk, browser: httpx.Client) -> None:
    """The proxy URL says it, and uvicorn believes such headers of loopback."""
    response = handshake(browser, added(clerk, x_forwarded_proto="https"))
    assert "Secure" not in response.headers["set-cookie"]


def test_behind_a_mount(clerk: LocalClerk) -> None:
    mounted = Starlette(routes=[Mount("/clerk", clerk.app)])
    with (
        serve(mounted, name="mounted", host="127.0.0.1", port=0, allow_remote=False) as server,
        httpx.Client(base_url=f"{server.url}/clerk") as browser,
    ):
        assert handshake(browser, added(clerk)).status_code == 307
        page = browser.get("/sign-in", headers=added(clerk))
    assert 'action="/__clerk/sign-in"' in page.text
    assert [request.path for request in clerk.proxied_requests] == ["/v1/client/handshake", "/sign-in"]


def test_a_browser_signs_in_at_localclerk_and_comes_back_by_the_proxy(
    clerk: LocalClerk, server: LocalServer
) -> None:
    """It has no cookie of LocalClerk's in common: what identifies it is in the URLs."""
    with (
        httpx.Client(base_url=server.url) as at_application,
        httpx.Client(base_url=server.url) as at_localclerk,
    ):
        headers, app = added(clerk, "http://localhost:8000/__clerk"), "http://localhost:8000/loads"
        first = parse_qs(urlsplit(handshake(at_application, headers, app).headers["location"]).query)
        (unknown,) = first["__clerk_db_jwt"]
        response = at_localclerk.post(
            "/sign-in",
            params={"redirect_url": app, "__clerk_db_jwt": unknown},
            data={"user_id": "user_dev", "password": "fleet-demo"},
        )
        back = urlsplit(response.headers["location"])
        assert back._replace(query="").geturl() == app
        (token,) = parse_qs(back.query)["__clerk_db_jwt"]
        assert token != unknown
        second = handshake(at_application, headers, app, __clerk_db_jwt=token)
        (nonce,) = parse_qs(urlsplit(second.headers["location"]).query)["__clerk_handshake_nonce"]
        directives = at_application.get(
            "/v1/clients/handshake_payload",
            params={"nonce": nonce},
            headers={"authorization": f"Bearer {clerk.secret_key}"},
        ).json()["directives"]
    assert any(line.startswith("__session=ey") for line in directives)


def test_production_signs_in_by_the_proxy(clock: Clock) -> None:
    """There the browser's cookie is all, so that it has to be of the application's origin."""
    clerk = LocalClerk(production_seed(), clock=clock)
    proxy, app = "https://app.example.com/__clerk", "https://app.example.com/loads"
    with clerk.serve() as server, httpx.Client(base_url=server.url) as http:
        cookies: dict[str, str] = {}

        def ask(method: str, path: str, **options: Any) -> httpx.Response:
            cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
            response = http.request(
                method, path, headers={**added(clerk, proxy), "cookie": cookie}, **options
            )
            for line in response.headers.get_list("set-cookie"):
                assert "; Secure" in line
                name, _, value = line.partition(";")[0].partition("=")
                cookies[name] = value
            return response

        signed_in = ask(
            "POST", "/sign-in", params={"redirect_url": app}, data={"user_id": "user_1", "password": "one"}
        )
        assert signed_in.headers["location"].startswith(f"{proxy}/v1/client/handshake?")
        response = ask("GET", signed_in.headers["location"].removeprefix(proxy))
    assert (response.status_code, response.headers["location"]) == (307, app)
    assert {"__client", "__client_uat", "__clerk_handshake_nonce"} <= set(cookies)
    assert cookies["__client_uat"] != "0"


# The application's side


def test_the_environment_of_an_application_that_proxies(clerk: LocalClerk) -> None:
    url = "http://127.0.0.1:5400"
    environment = clerk.environment(url, proxy="/__clerk")
    assert environment["CLERK_FAPI_URL"] == url
    assert environment["CLERK_FRONTEND_API_PROXY"] == "/__clerk"
    assert environment["CLERK_SIGN_IN_URL"] == f"{url}/sign-in"
    assert "CLERK_PROXY_URL" not in environment
    assert clerk.environment(url, proxy="/auth/clerk/")["CLERK_FRONTEND_API_PROXY"] == "/auth/clerk/"


@pytest.mark.parametrize(
    "proxy", ["", "/", "__clerk", "//evil.example", "/a b", "https://app.example/__clerk"]
)
def test_paths_that_are_none(clerk: LocalClerk, proxy: str) -> None:
    with pytest.raises(ValueError, match="proxy must be a path of the application, such as /__clerk"):
        clerk.environment("http://127.0.0.1:5400", proxy=proxy)
