"""Who signed in at the primary domain is signed in at its satellites, whichever of the two is Express."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from .conftest import DEVELOPMENT
from .stage import NAMES, Name, Stage
from .visitor import Visitor


def satellites_of(primary: Name) -> Callable[[Name, Mapping[Name, str]], dict[str, str]]:
    def variables(name: Name, origins: Mapping[Name, str]) -> dict[str, str]:
        if name == primary:
            return {}
        return {
            "CLERK_IS_SATELLITE": "true",
            "CLERK_DOMAIN": origins[name].removeprefix("http://"),
            "CLERK_SIGN_IN_URL": f"{origins[primary]}/who",
            "CLERK_SATELLITE_AUTO_SYNC": "true",
        }

    return variables


@pytest.fixture(scope="module", params=["fastapi", "express"])
def primary(request: pytest.FixtureRequest) -> Name:
    name: Name = request.param
    return name


@pytest.fixture(scope="module")
def apart(set_up: Callable[..., Stage], primary: Name) -> Stage:
    """One application on the primary domain, the others each on a domain of its own."""
    hosts = {name: f"{name}.localhost" for name in NAMES if name != primary}
    return set_up(DEVELOPMENT, hosts=hosts, variables=satellites_of(primary))


def satellites(stage: Stage, primary: Name) -> list[str]:
    return [origin for name, origin in stage.origins.items() if name != primary]


def test_who_is_signed_in_at_the_primary_domain_is_at_each_satellite(
    apart: Stage, primary: Name, visitor: Visitor
) -> None:
    at_home = visitor.sign_in(apart.clerk_url, "user_dev", back_to=f"{apart.origins[primary]}/who").who
    assert at_home["userId"] == "user_dev"
    for origin in satellites(apart, primary):
        page = visitor.open(f"{origin}/who?load=7")
        assert f"{apart.origins[primary]}/who" in page.steps, "it asks the primary domain"
        assert (page.who["userId"], page.who["sessionId"]) == ("user_dev", at_home["sessionId"])
        assert page.who["sessionClaims"]["azp"] == origin
        assert page.who["has"] == at_home["has"]
        assert visitor.open(f"{origin}/who").who == page.who
        assert len(visitor.open(f"{origin}/who").steps) == 1


def test_who_is_signed_in_nowhere_is_signed_out_at_each_satellite(
    apart: Stage, primary: Name, visitor: Visitor
) -> None:
    for origin in satellites(apart, primary):
        page = visitor.open(f"{origin}/who?load=7")
        assert not page.who["isAuthenticated"]
        assert page.handshakes <= 2


def test_a_revoked_session_ends_at_the_satellites_too(apart: Stage, primary: Name, visitor: Visitor) -> None:
    who = visitor.sign_in(apart.clerk_url, "user_dev", back_to=f"{apart.origins[primary]}/who").who
    for origin in satellites(apart, primary):
        assert visitor.open(f"{origin}/who").who["userId"] == "user_dev"
    apart.clerk.revoke_session(who["sessionId"])
    for name, origin in apart.origins.items():
        host = "localhost" if name == primary else f"{name}.localhost"
        for cookie in ("__session", f"__session_{apart.cookie_suffix}"):
            visitor.set_cookie(cookie, "", host=host)
        assert not visitor.open(f"{origin}/who").who["isAuthenticated"]
