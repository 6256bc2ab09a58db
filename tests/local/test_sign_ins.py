"""The state behind signing in: factors, tickets, and sessions that are pending or one of several."""

from __future__ import annotations

import pyotp
import pytest

from clerk_middleware.local import LocalClerk, Session
from clerk_middleware.local.factors import EMAIL_CODE, first_factors, is_right, right_code, second_factors
from clerk_middleware.local.records import Client
from clerk_middleware.local.sign_ins import SignIns

from .conftest import Clock, fleet_seed

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def sign_ins(clerk: LocalClerk) -> SignIns:
    return SignIns(clerk._instance)


@pytest.fixture
def client(clerk: LocalClerk) -> Client:
    return clerk._instance.new_client()


def session_of(clerk: LocalClerk, client: Client) -> Session | None:
    return clerk._instance.session_of(client)


# Factors


def test_the_factors_of_a_user(clerk: LocalClerk, clock: Clock) -> None:
    dev, grace = clerk.users["user_dev"], clerk.users["user_grace"]
    assert first_factors(dev) == ("password", "email_code")
    assert (second_factors(dev), second_factors(grace)) == ((), ("totp",))
    assert is_right(dev, "password", "fleet-demo", now=clock())
    assert is_right(dev, "email_code", EMAIL_CODE, now=clock())
    assert is_right(grace, "totp", "424242", now=clock())
    for strategy, secret in (
        ("password", ""),
        ("password", "Fleet-demo"),
        ("password", "\ud800"),
        ("email_code", "424243"),
        ("totp", ""),
        ("totp", "424242"),
        ("phone_code", "424242"),
        ("", ""),
    ):
        assert not is_right(dev, strategy, secret, now=clock())


def test_the_code_of_an_authenticator_app_is_right_for_half_a_minute_more(
    clerk: LocalClerk, clock: Clock
) -> None:
    user = clerk.create_user("otto@example.com", totp_secret=TOTP_SECRET)
    app = pyotp.TOTP(TOTP_SECRET)
    assert second_factors(user) == ("totp",)
    for seconds, right in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        assert is_right(user, "totp", app.at(int(clock()) + seconds), now=clock()) is right
    assert not is_right(user, "totp", "", now=clock())
    assert not is_right(user, "totp", "424242", now=clock())
    assert right_code(user, now=clock()) == app.at(int(clock()))
    assert right_code(clerk.users["user_grace"], now=clock()) == "424242"
    assert right_code(clerk.users["user_dev"], now=clock()) is None
    assert TOTP_SECRET not in repr(user)


# Signing in


def test_signing_in_by_either_first_factor(clerk: LocalClerk, sign_ins: SignIns) -> None:
    for strategy, secret in (("password", "fleet-demo"), ("email_code", EMAIL_CODE)):
        client = clerk._instance.new_client()
        attempt = sign_ins.begin(client, clerk.users["user_dev"])
        assert (attempt.status, attempt.identifier) == ("needs_first_factor", "dev@blueridge.example")
        assert sign_ins.attempt_first_factor(client, strategy, secret)
        session = session_of(clerk, client)
        assert session is not None
        assert (attempt.status, attempt.session_id, client.sign_in) == ("complete", session.id, None)
        assert (session.user_id, session.organization_id) == ("user_dev", "org_blue_ridge")


def test_a_second_factor_is_due_before_anybody_is_signed_in(
    clerk: LocalClerk, sign_ins: SignIns, client: Client
) -> None:
    attempt = sign_ins.begin(client, clerk.users["user_grace"])
    assert not sign_ins.attempt_second_factor(client, "totp", "424242")
    assert sign_ins.awaiting_second_factor(client) is None
    assert sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    assert (attempt.status, session_of(clerk, client)) == ("needs_second_factor", None)
    assert sign_ins.awaiting_second_factor(client) == clerk.users["user_grace"]
    assert not sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    assert not sign_ins.attempt_second_factor(client, "email_code", EMAIL_CODE)
    assert not sign_ins.attempt_second_factor(client, "totp", "424243")
    assert sign_ins.attempt_second_factor(client, "totp", "424242")
    session = session_of(clerk, client)
    assert session is not None
    assert session.factor_verification_age(clerk._instance.clock()) == [0, 0]


def test_nothing_is_attempted_where_nothing_was_begun(
    sign_ins: SignIns, client: Client, clerk: LocalClerk
) -> None:
    assert not sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    assert not sign_ins.attempt_second_factor(client, "totp", "424242")
    sign_ins.begin(client, clerk.users["user_dev"])
    assert not sign_ins.attempt_first_factor(client, "totp", "424242")


def test_a_sign_in_ends_after_some_wrong_secrets_or_some_time(
    clerk: LocalClerk, clock: Clock, sign_ins: SignIns, client: Client
) -> None:
    sign_ins.begin(client, clerk.users["user_dev"])
    for _ in range(5):
        assert not sign_ins.attempt_first_factor(client, "password", "wrong")
    assert client.sign_in is None
    assert not sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    sign_ins.begin(client, clerk.users["user_dev"])
    clock.now += 601
    assert not sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    assert client.sign_in is None


def test_a_user_who_is_deleted_meanwhile_does_not_sign_in(
    clerk: LocalClerk, sign_ins: SignIns, client: Client
) -> None:
    user = clerk.create_user("gone@example.com", password="fleet-demo")
    sign_ins.begin(client, user)
    clerk.delete_user(user.id)
    assert not sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    assert session_of(clerk, client) is None


def test_a_browser_gets_a_new_token_unless_it_is_to_keep_its_own(
    clerk: LocalClerk, sign_ins: SignIns, client: Client
) -> None:
    before = client.token
    sign_ins.begin(client, clerk.users["user_dev"], keep_token=True)
    assert sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    assert client.token == before
    sign_ins.begin(client, clerk.users["user_dev"])
    assert sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    assert client.token != before
    assert clerk._instance.client_of(before) is None
    assert clerk._instance.client_of(client.token) is client


# Tickets


def test_a_ticket_signs_in_once(clerk: LocalClerk, sign_ins: SignIns, client: Client) -> None:
    ticket = clerk.create_sign_in_token("user_grace")
    assert ticket.token not in repr(ticket)
    attempt = sign_ins.by_ticket(client, ticket.token)
    assert attempt is not None
    assert attempt.status == "complete"
    session = session_of(clerk, client)
    assert session is not None
    assert (session.user_id, session.actor, ticket.closed) == ("user_grace", None, "accepted")
    assert sign_ins.by_ticket(clerk._instance.new_client(), ticket.token) is None


def test_an_actor_token_says_who_acts(clerk: LocalClerk, sign_ins: SignIns, client: Client) -> None:
    ticket = clerk.create_actor_token("user_dev", {"sub": "user_ada"})
    assert sign_ins.by_ticket(client, ticket.token)
    session = session_of(clerk, client)
    assert session is not None
    claims = clerk._instance.keys.claims_if_ours(clerk.session_token(session))
    assert claims is not None
    assert (claims["sub"], claims["act"]) == ("user_dev", {"sub": "user_ada"})
    with pytest.raises(ValueError, match="must have sub"):
        clerk.create_actor_token("user_dev", {"id": "user_ada"})


def test_a_ticket_that_is_no_good(clerk: LocalClerk, clock: Clock, sign_ins: SignIns, client: Client) -> None:
    tickets = clerk._instance.tickets
    revoked = clerk.create_sign_in_token("user_dev")
    assert tickets.revoke(revoked)
    assert not tickets.revoke(revoked)
    late = clerk.create_sign_in_token("user_dev", lifetime=60)
    gone = clerk.create_sign_in_token(clerk.create_user("gone@example.com").id)
    clerk.delete_user(gone.user_id)
    clock.now += 60
    assert [tickets.get(ticket.id).status_at(clock()) for ticket in (revoked, late, gone)] == [  # type: ignore[union-attr]
        "revoked",
        "expired",
        "revoked",
    ]
    for token in (revoked.token, late.token, gone.token, "", "other"):
        assert sign_ins.by_ticket(client, token) is None
    assert session_of(clerk, client) is None
    for create in (clerk.create_sign_in_token, lambda id: clerk.create_actor_token(id, {"sub": "user_ada"})):
        with pytest.raises(LookupError, match="no user 'user_nobody'"):
            create("user_nobody")


def test_a_ticket_may_say_how_long_its_session_lives(
    clerk: LocalClerk, clock: Clock, sign_ins: SignIns, client: Client
) -> None:
    ticket = clerk._instance.tickets.create(
        "user_dev", kind="actor_token", lifetime=60, actor={"sub": "user_ada"}, session_lifetime=600
    )
    sign_ins.by_ticket(client, ticket.token)
    session = session_of(clerk, client)
    assert session is not None
    assert session.expires_at == clock() + 600


def test_a_ticket_of_a_user_who_is_deleted_between_is_worthless(
    clerk: LocalClerk, sign_ins: SignIns, client: Client
) -> None:
    user = clerk.create_user("gone@example.com")
    ticket = clerk.create_sign_in_token(user.id)
    clerk._instance.users = {id: kept for id, kept in clerk.users.items() if id != user.id}
    assert sign_ins.by_ticket(client, ticket.token) is None


# Several sessions in one browser


def sign_in(sign_ins: SignIns, clerk: LocalClerk, client: Client, user_id: str) -> Session:
    sign_ins.begin(client, clerk.users[user_id])
    assert sign_ins.attempt_first_factor(client, "password", "fleet-demo")
    session = session_of(clerk, client)
    assert session is not None
    return session


def test_signing_in_again_ends_the_session_before(
    clerk: LocalClerk, clock: Clock, sign_ins: SignIns, client: Client
) -> None:
    first = sign_in(sign_ins, clerk, client, "user_dev")
    second = sign_in(sign_ins, clerk, client, "user_ada")
    assert (first.status_at(clock()), second.status_at(clock())) == ("ended", "active")
    assert clerk._instance.sessions_of(client) == [second]


def test_several_sessions_live_side_by_side_where_the_seed_says_so(clock: Clock) -> None:
    clerk = LocalClerk(fleet_seed(multi_session=True), clock=clock)
    instance, sign_ins = clerk._instance, SignIns(clerk._instance)
    client = instance.new_client()
    first, second = (sign_in(sign_ins, clerk, client, user_id) for user_id in ("user_dev", "user_ada"))
    assert instance.sessions_of(client) == [first, second]
    assert instance.session_of(client) is second
    clock.now += 10
    instance.set_active(client, first)
    assert (instance.session_of(client), client.updated_at) == (first, clock())
    instance.set_active(client, first)
    instance.sign_out(client, first)
    assert (instance.sessions_of(client), instance.session_of(client)) == ([second], second)
    third = sign_in(sign_ins, clerk, client, "user_rosa")
    instance.sign_out(client, second)
    assert instance.session_of(client) is third
    instance.sign_out(client)
    assert (instance.sessions_of(client), instance.session_of(client), client.session_ids) == ([], None, [])
    assert instance.client_with_id(client.id) is client
    assert instance.client_with_id("client_nobody") is None
    assert first in instance.all_sessions()


def test_activating_what_is_active_makes_no_token_old(
    clerk: LocalClerk, clock: Clock, sign_ins: SignIns, client: Client
) -> None:
    session = sign_in(sign_ins, clerk, client, "user_dev")
    before = client.updated_at
    clock.now += 10
    assert clerk._instance.activate(session, "blue-ridge-freight")
    assert client.updated_at == before
    assert clerk._instance.activate(session, "")
    assert client.updated_at == clock()


# Sessions that are pending


def test_a_session_is_pending_until_an_organization_is_chosen(clock: Clock) -> None:
    clerk = LocalClerk(fleet_seed(force_organization_selection=True), clock=clock)
    instance, sign_ins = clerk._instance, SignIns(clerk._instance)
    client = instance.new_client()
    session = sign_in(sign_ins, clerk, client, "user_dev")
    assert (session.status_at(clock()), session.tasks) == ("pending", ("choose-organization",))
    claims = instance.keys.claims_if_ours(clerk.session_token(session))
    assert claims is not None
    assert claims["sts"] == "pending"
    assert "o" not in claims
    assert not instance.activate(session, "harbor-lines")
    assert not instance.activate(session, "")
    assert session.status_at(clock()) == "pending"
    assert instance.activate(session, "blue-ridge-freight")
    assert session.status_at(clock()) == "active"
    assert not instance.activate(session, "")
    assert session.organization_id == "org_blue_ridge"
    clerk.delete_organization_membership("blue-ridge-freight", "user_dev")
    assert (session.organization_id, session.status_at(clock())) == (None, "pending")
    clerk.create_organization_membership("blue-ridge-freight", "user_dev", "org:driver")
    assert clerk.sign_in("user_dev").tasks == ("choose-organization",)
    assert clerk.sign_in("user_dev", "blue-ridge-freight").tasks == ()


def test_sessions_of_a_user_and_an_earlier_proof(clerk: LocalClerk, clock: Clock) -> None:
    first = clerk.sign_in("user_dev", first_factor_at=clock() - 600, second_factor_at=clock() - 60)
    clock.now += 1
    second = clerk.sign_in("user_dev")
    clerk.sign_in("user_ada")
    assert clerk.sessions("user_dev") == [first, second]
    assert first.factor_verification_age(clock()) == [10, 1]
    for session, age in ((first, [15, 6]), (second, [5, -1])):
        clerk.prove_earlier(session, minutes=5)
        assert session.factor_verification_age(clock()) == age
    clerk.revoke_session(first.id)
    assert clerk.sessions("user_dev") == [second]


def test_what_a_browser_has_no_room_for_is_signed_out(clock: Clock) -> None:
    """Else it would go on where the browser knows nothing of it, and never end."""
    users = [
        {"id": f"user_{number}", "email": f"{number}@example.com", "password": "one"} for number in range(22)
    ]
    clerk = LocalClerk({"users": users, "sessions": {"multi_session": True}}, clock=clock)
    client = clerk._instance.new_client()
    sessions = [clerk._instance.new_session(user["id"]) for user in users]
    for session in sessions:
        clerk._instance.sign_in(client, session)
    assert [session.closed for session in sessions] == ["ended"] * 2 + [None] * 20
    clerk._instance.sign_out(client)
    assert {session.closed for session in sessions} == {"ended"}
