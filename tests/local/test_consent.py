"""Authorization requests, and the page on which a user allows or denies them, as a browser sees it."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from clerk_middleware.local import LocalClerk, LocalServer, OAuthApplication
from clerk_middleware.local.server import serve

from .oauth_client import CALLBACK, CHALLENGE, asked, register, told

ALLOW = {"user_id": "user_dev", "decision": "allow"}


@pytest.fixture
def portal(clerk: LocalClerk) -> OAuthApplication:
    scopes = ("openid", "profile", "read:loads")
    return clerk.create_oauth_application(
        "Carrier <b>portal</b>", ["http://127.0.0.1/callback"], scopes=scopes
    )


@pytest.fixture
def trusted(clerk: LocalClerk) -> OAuthApplication:
    """One that asks for no consent."""
    uris = ["https://app.client.example/cb?from=clerk"]
    return clerk.create_oauth_application("Trusted", uris, public=False, consent_screen=False)


def sign_in(browser: httpx.Client, user_id: str = "user_dev") -> None:
    form = {"user_id": user_id, "password": "fleet-demo"}
    assert browser.post("/sign-in", data=form).status_code == 303


def form_actions(response: httpx.Response) -> list[str]:
    policy = response.headers["content-security-policy"]
    return str(policy.partition("form-action ")[2]).split(" ")


def test_the_page(browser: httpx.Client, portal: OAuthApplication) -> None:
    sign_in(browser)
    page = browser.get("/oauth/authorize", params=asked(portal, resource="https://mcp.example/mcp"))
    assert page.status_code == 200
    for text in (
        "Allow Carrier &lt;b&gt;portal&lt;/b&gt;?", "Dev Patel", "Know that it is you",
        "See your name and user name", "read:loads", "127.0.0.1:3333, on this device",
        "https://mcp.example/mcp",
    ):  # fmt: skip
        assert text in page.text
    assert "<b>portal" not in page.text
    assert "nobody has checked it" not in page.text
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_allowing_and_denying(browser: httpx.Client, portal: OAuthApplication, server: LocalServer) -> None:
    sign_in(browser)
    answer = told(browser.post("/oauth/authorize", params=asked(portal), data=ALLOW))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("the state", server.url)
    answer = told(browser.post("/oauth/authorize", params=asked(portal), data={**ALLOW, "decision": "deny"}))
    assert set(answer) == {"error", "error_description", "state", "iss"}
    assert answer["error"] == "access_denied"
    without = told(browser.post("/oauth/authorize", params=asked(portal, state=None), data=ALLOW))
    assert set(without) == {"code", "iss"}


@pytest.mark.parametrize(
    "form", [{}, {"decision": "allow"}, {"decision": "allow", "user_id": "user_ada"}, {"user_id": "user_dev"}]
)
def test_the_user_is_asked_who_is_to_allow(
    browser: httpx.Client, portal: OAuthApplication, form: dict[str, str]
) -> None:
    """Who was signed in when the page was made may be another one by now."""
    sign_in(browser)
    response = browser.post("/oauth/authorize", params=asked(portal), data=form)
    assert response.status_code == 200
    assert "Dev Patel" in response.text


def test_signing_in_on_the_way(browser: httpx.Client, portal: OAuthApplication, server: LocalServer) -> None:
    request = asked(portal, scope="openid read:loads", resource=["https://a.example/", "https://b.example/"])
    response = browser.get("/oauth/authorize", params=request)
    assert response.status_code == 303
    page = browser.get(response.headers["location"])
    assert "to continue to <strong>Carrier &lt;b&gt;portal" in page.text
    form = {"user_id": "user_grace", "password": "fleet-demo"}
    factor = browser.post(response.headers["location"], data=form).headers["location"]
    assert factor.startswith("/sign-in/factor-two?redirect_url=")
    back = browser.post(factor, data={"code": "424242"}).headers["location"]
    # As it was asked, and without a token of the session: the cookie is enough.
    # httpx has spelled spaces in both ways.
    assert back.replace("%20", "+") == f"{server.url}/oauth/authorize?{urlencode(request, doseq=True)}"
    consent = browser.get(back)
    assert "Grace Okafor" in consent.text
    other = consent.text.partition('href="/sign-in?')[2].partition('"')[0].replace("&amp;", "&")
    assert dict(parse_qsl(other))["redirect_url"] == back


def test_signing_in_on_the_way_in_production(
    production: LocalClerk, switchboard: Any, browser: httpx.Client
) -> None:
    board, _ = switchboard
    board.app = production.app
    application = production.create_oauth_application("x", ["http://127.0.0.1/callback"])
    response = browser.get("/oauth/authorize", params=asked(application))
    back = browser.post(response.headers["location"], data={"user_id": "user_1", "password": "one"})
    assert urlsplit(back.headers["location"]).path == "/oauth/authorize"
    assert "Allow x?" in browser.get(back.headers["location"]).text


def test_nobody_is_signed_in_when_the_answer_comes(browser: httpx.Client, portal: OAuthApplication) -> None:
    response = browser.post("/oauth/authorize", params=asked(portal), data=ALLOW)
    assert response.headers["location"].startswith("/sign-in?redirect_url=")


def test_a_link_does_not_choose_who_is_signed_in(
    clerk: LocalClerk, browser: httpx.Client, portal: OAuthApplication
) -> None:
    mallory = clerk.sign_in("user_sam")
    assert mallory.client is not None
    request = asked(portal, __clerk_db_jwt=mallory.client.token)
    assert browser.get("/oauth/authorize", params=request).headers["location"].startswith("/sign-in?")
    sign_in(browser)
    assert "Dev Patel" in browser.get("/oauth/authorize", params=request).text


FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://["},
    {"origin": "http://127.0.0.1:3333"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_no_other_page_allows_anything(
    browser: httpx.Client, portal: OAuthApplication, headers: dict[str, str]
) -> None:
    sign_in(browser)
    response = browser.post("/oauth/authorize", params=asked(portal), data=ALLOW, headers=headers)
    assert (response.status_code, "another origin" in response.text) == (403, True)
    assert "location" not in response.headers


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": None},
        {"client_id": "client_none"},
        {"client_id": ["client_carrier_portal", "client_none"]},
        {"redirect_uri": None},
        {"redirect_uri": ""},
        {"redirect_uri": [CALLBACK, "https://evil.example/"]},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CALLBACK + "#x"},
        {"redirect_uri": CALLBACK + "/../evil"},
        {"redirect_uri": "http://127.0.0.1:3333/callbackk"},
        {"redirect_uri": "http://127.0.0.1:3333/Callback"},
        {"redirect_uri": "http://127.0.0.1:x/callback"},
        {"redirect_uri": "http://127.0.0.1:3333@evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1:3333.evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1.evil.example/callback"},
        {"redirect_uri": "http://127.0.0.2/callback"},
        {"redirect_uri": "http://localhost/callback"},
        {"redirect_uri": "http://[::1]/callback"},
        {"redirect_uri": "https://127.0.0.1/callback"},
        {"redirect_uri": " http://127.0.0.1/callback"},
        {"redirect_uri": "http://127.0.0.1/callback\n"},
    ],
)
def test_nobody_is_sent_where_no_application_is(
    browser: httpx.Client, portal: OAuthApplication, change: dict[str, Any]
) -> None:
    sign_in(browser)
    # Wrong in another way, too: that is no reason to redirect.
    for request in (asked(portal, **change), asked(portal, **change, response_type="token")):
        for response in (
            browser.get("/oauth/authorize", params=request),
            browser.post("/oauth/authorize", params=request, data=ALLOW),
        ):
            assert response.status_code == 400
            assert response.headers["content-type"].startswith("text/html")
            assert "location" not in response.headers


@pytest.mark.parametrize(
    ("registered", "given", "does"),
    [
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:65000/cb", True),
        ("http://127.0.0.1/cb?x=1", "http://127.0.0.1:5/cb?x=1", True),
        ("http://127.0.0.1", "http://127.0.0.1:5", True),
        ("http://[::1]/cb", "http://[::1]:5/cb", True),
        ("http://localhost:1/cb", "http://localhost:2/cb", False),
        ("https://client.example/cb", "https://client.example:444/cb", False),
        ("https://client.example/cb", "https://client.example/cb/", False),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb2", False),
    ],
)
def test_which_redirect_uri_is_meant(
    clerk: LocalClerk, browser: httpx.Client, registered: str, given: str, does: bool
) -> None:
    sign_in(browser)
    application = clerk.create_oauth_application("x", ["https://other.example/", registered])
    response = browser.post("/oauth/authorize", params=asked(application, redirect_uri=given), data=ALLOW)
    assert response.status_code == (303 if does else 400)
    if does:
        assert response.headers["location"].startswith(f"{given}{'&' if '?' in given else '?'}code=")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "profile email"}, "invalid_scope"),  # which this application may not ask for
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"resource": "mcp.example"}, "invalid_target"),
        ({"resource": "https://mcp.example/#x"}, "invalid_target"),
        ({"resource": "https://[mcp"}, "invalid_target"),
        ({"resource": "https://mcp.example/" + "x" * 2000}, "invalid_target"),
        ({"resource": [f"https://{number}.example" for number in range(11)]}, "invalid_target"),
        ({"nonce": "x" * 2001}, "invalid_request"),
        ({"scope": ["profile", "openid"]}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
    ],
)
def test_a_request_that_is_wrong(
    browser: httpx.Client, portal: OAuthApplication, change: dict[str, Any], error: str
) -> None:
    sign_in(browser)
    answer = told(browser.get("/oauth/authorize", params=asked(portal, **change)))
    assert set(answer) == {"error", "error_description", "state", "iss"}
    assert (answer["error"], answer["state"]) == (error, "the state")
    if error != "consent_required":
        posted = told(browser.post("/oauth/authorize", params=asked(portal, **change), data=ALLOW))
        assert posted["error"] == error


def test_a_state_that_is_there_twice_is_not_repeated(browser: httpx.Client, portal: OAuthApplication) -> None:
    answer = told(browser.get("/oauth/authorize", params=asked(portal, state=["a", "b"])))
    assert answer["error"] == "invalid_request"
    assert "state" not in answer


def test_a_state_cannot_break_out(browser: httpx.Client, portal: OAuthApplication) -> None:
    sign_in(browser)
    state = "a&code=mine#x\r\nset-cookie: y=z"
    response = browser.post("/oauth/authorize", params=asked(portal, state=state), data=ALLOW)
    answer = told(response)
    assert answer["state"] == state
    assert answer["code"] != "mine"
    assert "set-cookie" not in response.headers


def test_nobody_is_asked(browser: httpx.Client, trusted: OAuthApplication, portal: OAuthApplication) -> None:
    callback = "https://app.client.example/cb"
    request = asked(trusted, redirect_uri=f"{callback}?from=clerk", code_challenge=None)
    silent = {**request, "prompt": "none"}
    assert told(browser.get("/oauth/authorize", params=silent), callback)["error"] == "login_required"
    answer = told(browser.get("/oauth/authorize", params=asked(portal, prompt="none")))
    assert answer["error"] == "login_required"
    # The form of the sign-in page ends at the application: Chromium looks at each redirect on the way.
    page = browser.get(browser.get("/oauth/authorize", params=request).headers["location"])
    assert "https://app.client.example" in form_actions(page)
    sign_in(browser)
    for parameters in (request, silent):
        answer = told(browser.get("/oauth/authorize", params=parameters), callback)
        assert {"code", "from"} <= set(answer)
    assert "Allow Trusted?" in browser.get("/oauth/authorize", params={**request, "prompt": "consent"}).text


def test_who_registered_itself_always_asks(browser: httpx.Client) -> None:
    body = {"redirect_uris": ["com.example.app:/cb"], "token_endpoint_auth_method": "none"}
    client_id = browser.post("/oauth/register", json=body).json()["client_id"]
    sign_in(browser)
    request = {
        "client_id": client_id, "redirect_uri": "com.example.app:/cb", "response_type": "code",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    page = browser.get("/oauth/authorize", params=request)
    assert "nobody has checked it" in page.text
    assert "an application on this device, by com.example.app:" in page.text
    assert "com.example.app:" in form_actions(page)


class TestWhoRegisteredItself:
    """Any page can register an application, and send a browser here."""

    URI = "https://evil.example/cb?x=1"

    @pytest.fixture
    def stranger(self, clerk: LocalClerk, browser: httpx.Client) -> OAuthApplication:
        answer = register(browser, client_name="<i>Stranger", redirect_uris=[self.URI])
        application = clerk._instance.oauth_applications.get(answer.json()["client_id"])
        assert application is not None
        return application

    def page(self, response: httpx.Response) -> dict[str, str]:
        """What the application would be told, if the user went there."""
        assert (response.status_code, response.headers["cache-control"]) == (400, "no-store")
        assert "location" not in response.headers
        assert "&lt;i&gt;Stranger did not get access" in response.text
        assert ">evil.example<" in response.text
        assert "nobody has checked it" in response.text
        link = html.unescape(response.text.partition('<a class="button" href="')[2].partition('"')[0])
        assert link.startswith(f"{self.URI}&")
        return dict(parse_qsl(urlsplit(link).query))

    @pytest.mark.parametrize(
        ("change", "error"),
        [({"prompt": "none"}, "login_required"), ({"scope": "admin"}, "invalid_scope"),
         ({"response_type": "token"}, "unsupported_response_type")],
    )  # fmt: skip
    def test_is_not_told_what_is_wrong_by_who_follows_a_link(
        self, browser: httpx.Client, stranger: OAuthApplication, server: LocalServer, change: Any, error: str
    ) -> None:
        request = asked(stranger, redirect_uri=self.URI, **change)
        told = self.page(browser.get("/oauth/authorize", params=request))
        assert told.pop("error_description")
        assert told == {"x": "1", "error": error, "state": "the state", "iss": server.url}

    def test_is_not_told_who_is_signed_in(self, browser: httpx.Client, stranger: OAuthApplication) -> None:
        sign_in(browser)
        request = asked(stranger, redirect_uri=self.URI, prompt="none")
        for response in (
            browser.get("/oauth/authorize", params=request),
            browser.get("/oauth/authorize", params=request, headers={"sec-fetch-site": "cross-site"}),
        ):
            assert self.page(response)["error"] == "consent_required"

    def test_is_told_of_a_denial_by_the_user(self, browser: httpx.Client, stranger: OAuthApplication) -> None:
        sign_in(browser)
        request = asked(stranger, redirect_uri=self.URI)
        denied = browser.post("/oauth/authorize", params=request, data={**ALLOW, "decision": "deny"})
        assert self.page(denied)["error"] == "access_denied"

    def test_is_told_all_once_a_user_let_it_in(
        self, browser: httpx.Client, stranger: OAuthApplication
    ) -> None:
        sign_in(browser)
        request = asked(stranger, redirect_uri=self.URI)
        assert "code" in told(browser.post("/oauth/authorize", params=request, data=ALLOW), self.URI)
        answer = told(browser.get("/oauth/authorize", params={**request, "prompt": "none"}), self.URI)
        assert answer["error"] == "consent_required"


@pytest.mark.parametrize(
    ("uri", "source", "shown"),
    [
        ("https://client.example:8443/cb", "https://client.example:8443", ">client.example:8443<"),
        ("http://[::1]:3000/cb", "http:", ">[::1]:3000, on this device<"),
        ("cursor://x/cb", "cursor:", "by cursor:<"),
    ],
)
def test_the_form_may_end_at_the_application(
    clerk: LocalClerk, browser: httpx.Client, uri: str, source: str, shown: str
) -> None:
    sign_in(browser)
    application = clerk.create_oauth_application("x", [uri])
    page = browser.get("/oauth/authorize", params=asked(application, redirect_uri=uri))
    assert form_actions(page)[-1] == source
    assert shown in page.text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/oauth/authorize?",
        "http://127.0.0.1:1/oauth/authorize?",
        "{url}.evil.example/oauth/authorize?",
        "{url}@evil.example/oauth/authorize?",
        "{url}/oauth/authorize",
        "{url}/oauth/authorize/x?",
        "{url}/oauth/authorize?client_id=client_none&",
        "{url}/oauth/authorize?client_id=client_carrier_portal&redirect_uri=https://evil.example&",
    ],
)
def test_the_sign_in_page_trusts_no_other_way_back(
    browser: httpx.Client, server: LocalServer, target: str
) -> None:
    query = urlencode({"client_id": "client_carrier_portal", "redirect_uri": "https://evil.example/cb"})
    url = target.format(url=server.url) + query
    response = browser.get("/sign-in", params={"redirect_url": url})
    if response.status_code == 200:
        assert not any("evil" in source for source in form_actions(response))
        assert "Carrier portal" not in response.text
    else:
        assert response.status_code == 400


def test_under_a_name_of_its_own(switchboard: Any) -> None:
    board, server = switchboard
    user = {"id": "user_1", "email": "a@b.c", "password": "x"}
    clerk = LocalClerk({"instance": {"hosts": ["clerk.internal"]}, "users": [user]})
    board.app = clerk.app
    application = clerk.create_oauth_application("x", ["http://127.0.0.1/callback"])
    with httpx.Client(base_url=server.url, headers={"host": "clerk.internal"}) as browser:
        page = browser.get("/oauth/authorize", params=asked(application)).headers["location"]
        assert "http%3A%2F%2Fclerk.internal%2Foauth%2Fauthorize" in page
        back = browser.post(page, data={"user_id": "user_1", "password": "x"}).headers["location"]
        assert back.startswith("http://clerk.internal/oauth/authorize?client_id=")


def test_mounted(clerk: LocalClerk) -> None:
    application = clerk.create_oauth_application("x", ["http://127.0.0.1/callback"])
    mounted = Starlette(routes=[Mount("/clerk", clerk.app)])
    with (
        serve(mounted, name="mounted", host="127.0.0.1", port=0, allow_remote=False) as server,
        httpx.Client(base_url=server.url) as browser,
    ):
        issuer = f"{server.url}/clerk"
        metadata = browser.get("/clerk/.well-known/oauth-authorization-server").json()
        assert metadata["issuer"] == issuer
        page = browser.get("/clerk/oauth/authorize", params=asked(application)).headers["location"]
        assert page.startswith("/clerk/sign-in?")
        back = browser.post(page, data={"user_id": "user_dev", "password": "fleet-demo"}).headers["location"]
        assert back.startswith(f"{issuer}/oauth/authorize?")
        assert 'action="/clerk/oauth/authorize?' in browser.get(back).text
        answer = told(browser.post(back, data=ALLOW))
        assert answer["iss"] == issuer
