"""Each application proxies the Frontend API under a path of its own: no browser sees LocalClerk itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from .conftest import DEVELOPMENT, PRODUCTION
from .stage import NAMES, OURS, Name, Stage
from .visitor import Visitor

PATH = "/__clerk"


def proxied(name: Name, origins: Mapping[Name, str]) -> dict[str, str]:
    return {
        "CLERK_FRONTEND_API_PROXY": PATH,
        "CLERK_PROXY_URL": "",  # it is the path
        "CLERK_SIGN_IN_URL": f"{PATH}/sign-in",
    }


@pytest.fixture(scope="module")
def in_development(set_up: Callable[..., Stage]) -> Stage:
    return set_up(DEVELOPMENT, variables=proxied)


@pytest.fixture(scope="module")
def in_production(set_up: Callable[..., Stage]) -> Stage:
    return set_up(PRODUCTION, variables=proxied)


# Express in production is missing: its proxy loses cookies there, as the last test shows.
PLACES = [*(("in_development", name) for name in NAMES), *(("in_production", name) for name in OURS)]


@pytest.fixture(params=PLACES, ids="-".join)
def place(request: pytest.FixtureRequest) -> tuple[Stage, Name]:
    stage, name = request.param
    return request.getfixturevalue(stage), name


@pytest.fixture
def behind(place: tuple[Stage, Name]) -> Stage:
    return place[0]


@pytest.fixture
def name(place: tuple[Stage, Name]) -> Name:
    return place[1]


def test_a_browser_signs_in_through_the_proxy_and_is_known_everywhere(
    behind: Stage, visitor: Visitor, name: Name
) -> None:
    origin = behind.origins[name]
    page = visitor.sign_in(f"{origin}{PATH}", "user_dev", back_to=f"{origin}/who")
    assert page.who["userId"] == "user_dev"
    for other in NAMES:
        again = visitor.open(f"{behind.origins[other]}/who")
        assert again.who == page.who
        assert len(again.steps) == 1


def test_a_second_factor_is_asked_for_through_the_proxy(behind: Stage, visitor: Visitor, name: Name) -> None:
    origin = behind.origins[name]
    page = visitor.sign_in(f"{origin}{PATH}", "user_grace", back_to=f"{origin}/who")
    assert page.who["factorVerificationAge"] == [0, 0]


def test_a_handshake_goes_through_the_proxy(behind: Stage, visitor: Visitor, name: Name) -> None:
    origin = behind.origins[name]
    visitor.sign_in(f"{origin}{PATH}", "user_dev", back_to=f"{origin}/who")
    for cookie in ("__session", f"__session_{behind.cookie_suffix}"):
        visitor.set_cookie(cookie, "")
    page = visitor.open(f"{origin}/who?load=7")
    assert page.who["userId"] == "user_dev"
    assert f"{origin}{PATH}/v1/client/handshake" in page.steps
    assert all(step.startswith(origin) for step in page.steps)
    assert page.handshakes == 1


def test_private_pages_lead_to_the_sign_in_page_behind_the_proxy(
    behind: Stage, visitor: Visitor, name: Name
) -> None:
    page = visitor.open(f"{behind.origins[name]}/private")
    assert page.response.status_code == 200
    assert page.steps[-1] == f"{behind.origins[name]}{PATH}/sign-in"


def test_localclerk_knows_who_asked_through_whom(behind: Stage, visitor: Visitor, name: Name) -> None:
    proxy_url = f"{behind.origins[name]}{PATH}"
    visitor.fetch(f"{proxy_url}/v1/environment?_clerk_js_version=6").raise_for_status()
    (request,) = [
        request
        for request in behind.clerk.proxied_requests
        if request.proxy_url == proxy_url and request.path == "/v1/environment"
    ]
    assert request.method == "GET"
    # Ours says the address of the connection, Express what the client says of itself: here nothing.
    assert request.forwarded_for == ("" if name == "express" else "127.0.0.1")


def test_the_proxy_of_express_passes_on_one_cookie_of_many(in_production: Stage, visitor: Visitor) -> None:
    # @clerk/express sets each header of the answer anew, so that the last Set-Cookie is the only one: the
    # result of a handshake is lost in production, where it is a cookie. Ours passes on all of them.
    names = {}
    for name, origin in in_production.origins.items():
        query = f"format=nonce&redirect_url={origin}/who"
        answer = visitor.get(f"{origin}{PATH}/v1/client/handshake?{query}")
        assert answer.status_code == 307
        names[name] = {cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")}
    for name in OURS:
        assert {"__clerk_handshake_nonce", "__client", "__client_uat"} < names[name]
    assert len(names["express"]) == 1
