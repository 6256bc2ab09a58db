"""Whoever of the applications does the handshake, the others take the cookies that it sets."""

from __future__ import annotations

import time

import pytest

from clerk_middleware.local.records import Session

from .stage import NAMES, Name, Stage
from .visitor import Visitor

by_each = pytest.mark.parametrize("name", NAMES)


def hold(
    visitor: Visitor, stage: Stage, session: Session, *, token: str, refresh_token: str | None = None
) -> None:
    """Give the browser the cookies of a session that began a while ago."""
    cookies = {
        "__session": token,
        "__client_uat": str(int(time.time()) - 1000),
    }
    for cookie, value in cookies.items():
        visitor.set_cookie(cookie, value)
        visitor.set_cookie(f"{cookie}_{stage.cookie_suffix}", value)
    if refresh_token:
        visitor.set_cookie(f"__refresh_{stage.cookie_suffix}", refresh_token)
    assert session.client is not None
    if stage.clerk.instance_type == "development":
        visitor.set_cookie("__clerk_db_jwt", session.client.token)
        visitor.set_cookie(f"__clerk_db_jwt_{stage.cookie_suffix}", session.client.token)
    else:
        visitor.set_cookie("__client", session.client.token)


def expired(stage: Stage, session: Session) -> str:
    return stage.clerk.session_token(
        session, azp=stage.origins["express"], issued_at=time.time() - 300, lifetime=60
    )


def everywhere(visitor: Visitor, stage: Stage) -> set[str | None]:
    """Who the browser is at each application."""
    return {visitor.open(f"{url}/who").who["userId"] for url in stage.origins.values()}


@by_each
def test_a_new_browser_is_signed_out_after_at_most_one_handshake(
    stage: Stage, visitor: Visitor, name: Name
) -> None:
    page = visitor.open(f"{stage.origins[name]}/who?load=7")
    assert not page.who["isAuthenticated"]
    if stage.clerk.instance_type == "production":
        assert len(page.steps) == 1
    else:
        there, handshake = f"{stage.origins[name]}/who", f"{stage.clerk_url}/v1/client/handshake"
        assert page.steps == [there, handshake, there, there]
        assert str(page.response.url).endswith("/who?load=7"), "nothing of the handshake is left in the URL"
    for other in NAMES:  # the dev browser is one and the same
        assert len(visitor.open(f"{stage.origins[other]}/who").steps) == 1


@by_each
def test_who_signed_in_elsewhere_is_known_by_a_handshake(stage: Stage, visitor: Visitor, name: Name) -> None:
    # LocalClerk knows the browser, and the application does not yet: only its cookie of Clerk's is there.
    visitor.sign_in(stage.clerk_url, "user_dev", back_to=f"{stage.clerk_url}/")
    page = visitor.open(f"{stage.origins[name]}/who")
    assert page.who["userId"] == "user_dev"
    assert page.handshakes == 1
    assert everywhere(visitor, stage) == {"user_dev"}


@by_each
def test_an_expired_token_is_renewed_by_a_handshake(stage: Stage, visitor: Visitor, name: Name) -> None:
    session = stage.clerk.sign_in("user_dev", "blue-ridge-freight")
    hold(visitor, stage, session, token=expired(stage, session))
    before = visitor.cookie("__session")
    page = visitor.open(f"{stage.origins[name]}/who")
    assert page.handshakes == 1
    assert (page.who["sessionId"], page.who["orgRole"]) == (session.id, "org:dispatcher")
    assert visitor.cookie("__session") != before
    for other in NAMES:
        again = visitor.open(f"{stage.origins[other]}/who")
        assert len(again.steps) == 1
        assert again.who == page.who


@by_each
def test_an_expired_token_is_renewed_without_a_redirect_by_the_refresh_token(
    stage: Stage, visitor: Visitor, name: Name
) -> None:
    session = stage.clerk.sign_in("user_dev", "blue-ridge-freight")
    hold(visitor, stage, session, token=expired(stage, session), refresh_token=session.refresh_token)
    page = visitor.open(f"{stage.origins[name]}/who")
    assert len(page.steps) == 1
    assert page.who["sessionId"] == session.id
    for other in NAMES:
        again = visitor.open(f"{stage.origins[other]}/who")
        assert len(again.steps) == 1
        assert again.who == page.who


@by_each
def test_a_script_that_asks_with_an_expired_token_is_not_redirected(
    stage: Stage, visitor: Visitor, name: Name
) -> None:
    session = stage.clerk.sign_in("user_dev", "blue-ridge-freight")
    hold(visitor, stage, session, token=expired(stage, session))
    response = visitor.fetch(f"{stage.origins[name]}/who")
    assert response.status_code == 200
    assert not response.json()["isAuthenticated"]


@by_each
@pytest.mark.parametrize("refresh", [False, True], ids=["handshake", "refresh"])
def test_a_revoked_session_ends_everywhere_once_its_token_expires(
    stage: Stage, visitor: Visitor, name: Name, refresh: bool
) -> None:
    session = stage.clerk.sign_in("user_dev", "blue-ridge-freight")
    good = stage.clerk.session_token(session, azp=stage.origins["express"])
    hold(visitor, stage, session, token=good)
    stage.in_node("sessions", "revokeSession", session.id)
    assert everywhere(visitor, stage) == {"user_dev"}, "a token is good for as long as it says"
    token = session.refresh_token if refresh else None
    hold(visitor, stage, session, token=expired(stage, session), refresh_token=token)
    page = visitor.open(f"{stage.origins[name]}/who")
    assert not page.who["isAuthenticated"]
    assert page.handshakes == 1
    assert everywhere(visitor, stage) == {None}


@by_each
def test_signing_out_at_clerk_signs_out_everywhere(stage: Stage, visitor: Visitor, name: Name) -> None:
    back_to = f"{stage.origins[name]}/who"
    assert visitor.sign_in(stage.clerk_url, "user_dev", back_to=back_to).who["userId"] == "user_dev"
    page = visitor.submit(f"{stage.clerk_url}/sign-out?redirect_url={back_to}")
    assert not page.who["isAuthenticated"]
    assert everywhere(visitor, stage) == {None}


@by_each
def test_a_token_from_before_the_last_change_is_renewed(stage: Stage, visitor: Visitor, name: Name) -> None:
    session = stage.clerk.sign_in("user_grace", "blue-ridge-freight")
    token = stage.clerk.session_token(session, azp=stage.origins["express"], issued_at=time.time() - 30)
    hold(visitor, stage, session, token=token)
    now = str(int(time.time()))
    visitor.set_cookie("__client_uat", now)
    visitor.set_cookie(f"__client_uat_{stage.cookie_suffix}", now)
    stage.clerk._instance.activate(session, "harbor-lines")
    page = visitor.open(f"{stage.origins[name]}/who")
    assert page.handshakes == 1
    assert page.who["orgSlug"] == "harbor-lines"


@by_each
def test_the_organization_in_the_url_becomes_the_active_one(
    stage: Stage, visitor: Visitor, name: Name
) -> None:
    back_to = f"{stage.origins[name]}/who"
    visitor.sign_in(stage.clerk_url, "user_grace", back_to=back_to)
    page = visitor.open(f"{stage.origins[name]}/orgs/harbor-lines")
    assert (page.who["orgSlug"], page.who["orgRole"]) == ("harbor-lines", "org:admin")
    assert page.handshakes == 1
    for other in NAMES:
        assert visitor.open(f"{stage.origins[other]}/orgs/harbor-lines").steps == [
            f"{stage.origins[other]}/orgs/harbor-lines"
        ]
    page = visitor.open(f"{stage.origins[name]}/orgs/blue-ridge-freight")
    assert page.who["orgRole"] == "org:dispatcher"


@by_each
def test_two_instances_on_one_host_keep_out_of_each_others_way(
    development: Stage, version_1: Stage, visitor: Visitor, name: Name
) -> None:
    users = {development: "user_dev", version_1: "user_ada"}
    for stage, user_id in users.items():
        visitor.sign_in(stage.clerk_url, user_id, back_to=f"{stage.origins[name]}/who")
    for _ in range(2):
        for stage, user_id in users.items():
            assert everywhere(visitor, stage) == {user_id}
