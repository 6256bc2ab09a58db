"""The state behind the endpoints, asked as the endpoints would never ask it."""

from __future__ import annotations

from clerk_middleware.local import LocalClerk


def test_a_second_factor_that_no_sign_in_awaits(clerk: LocalClerk) -> None:
    instance = clerk._instance
    assert not instance.attempt_second_factor(instance.new_client(), "424242")


def test_verifying_nothing_verifies_nothing(clerk: LocalClerk) -> None:
    session = clerk._instance.new_session("user_grace")
    assert not clerk._instance.verify_again(session, password=None, code=None)
    assert clerk._instance.verify_again(session, password="fleet-demo", code=None)


def test_a_user_without_a_second_factor_has_no_code_that_is_right(clerk: LocalClerk) -> None:
    session = clerk._instance.new_session("user_dev")
    assert not clerk._instance.verify_again(session, password=None, code="")
