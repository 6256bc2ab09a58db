"""Sessions that are not quite anybody's: pending ones, and those in which somebody else acts."""

from __future__ import annotations

import pytest

from .stage import NAMES, Name, Stage
from .visitor import Visitor

by_each = pytest.mark.parametrize("name", NAMES)


@by_each
def test_a_pending_session_is_signed_out_everywhere_until_its_task_is_done(
    with_tasks: Stage, visitor: Visitor, name: Name
) -> None:
    back_to = f"{with_tasks.origins[name]}/who"
    page = visitor.sign_in(with_tasks.clerk_url, "user_grace", back_to=back_to)
    assert page.response.url.path == "/switch-organization", "LocalClerk sends people to the task"
    for origin in with_tasks.origins.values():
        pending = visitor.open(f"{origin}/who").who
        assert (pending["isAuthenticated"], pending["userId"]) == (False, None)
        assert pending["sessionStatus"] == "pending"
        assert not any(pending["has"])
        assert visitor.open(f"{origin}/who/pending").who["userId"] == "user_grace"
    page = visitor.submit(str(page.response.url), organization_id="org_harbor_lines")
    assert (page.who["sessionStatus"], page.who["orgRole"]) == ("active", "org:admin")
    for origin in with_tasks.origins.values():
        assert visitor.open(f"{origin}/who").who == page.who


@by_each
def test_who_acts_as_a_user_is_known_everywhere(development: Stage, visitor: Visitor, name: Name) -> None:
    acting = {"sub": "user_ada", "iss": "https://support.example.com"}
    session = development.clerk.sign_in("user_dev", "blue-ridge-freight", actor=acting)
    assert session.client
    # As Clerk's own pages hand a browser over to an application in development.
    page = visitor.open(f"{development.origins[name]}/who?__clerk_db_jwt={session.client.token}")
    assert (page.who["userId"], page.who["actor"]) == ("user_dev", acting)
    for origin in development.origins.values():
        assert visitor.open(f"{origin}/who").who == page.who


@by_each
def test_who_verified_again_is_fresh_everywhere(development: Stage, visitor: Visitor, name: Name) -> None:
    back_to = f"{development.origins[name]}/who"
    who = visitor.sign_in(development.clerk_url, "user_grace", back_to=back_to).who
    assert who["factorVerificationAge"] == [0, 0]
    session = development.clerk._instance.session(who["sessionId"])
    assert session
    session.first_factor_at -= 30 * 60
    session.second_factor_at = session.first_factor_at
    # LocalClerk's page is where people verify again, and every application reads of it in the next token.
    verify = f"{development.clerk_url}/verify?redirect_url={back_to}"
    page = visitor.submit(verify, password="fleet-demo", code="424242")
    assert page.who["factorVerificationAge"] == [0, 0]
    for origin in development.origins.values():
        assert visitor.open(f"{origin}/who").who == page.who


class TestPrivatePages:
    """Where nobody is signed in, both send a browser to sign in; each in its own way."""

    def test_ours_bring_people_back_after_signing_in(self, development: Stage, visitor: Visitor) -> None:
        for name in ("fastapi", "wsgi"):
            page = visitor.open(f"{development.origins[name]}/private")
            assert page.steps[-1] == f"{development.clerk_url}/sign-in"
            assert page.response.url.params["redirect_url"] == f"{development.origins[name]}/private"

    def test_requireauth_of_express_leaves_them_there(self, development: Stage, visitor: Visitor) -> None:
        # Its requireAuth() redirects to the sign-in URL as it is configured, without a way back.
        page = visitor.open(f"{development.origins['express']}/private")
        assert page.steps[-1] == f"{development.clerk_url}/sign-in"
        assert "redirect_url" not in page.response.url.params

    def test_who_is_signed_in_comes_in(self, stage: Stage, visitor: Visitor) -> None:
        page = visitor.sign_in(stage.clerk_url, "user_dev", back_to=f"{stage.origins['express']}/private")
        assert page.who["userId"] == "user_dev"
        for origin in stage.origins.values():
            assert visitor.open(f"{origin}/private").who == page.who
