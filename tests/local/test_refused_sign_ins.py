"""Users who may not sign in, on LocalClerk's own pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk

REFUSALS = [("banned", "You have been banned."), ("locked", "Your account is locked.")]


@pytest.mark.parametrize(("state", "text"), REFUSALS)
def test_are_told_so_when_they_begin(clerk: LocalClerk, browser: httpx.Client, state: Any, text: str) -> None:
    clerk.update_user("user_grace", **{state: True})
    response = browser.post("/sign-in", data={"user_id": "user_grace", "password": "fleet-demo"})
    assert (response.status_code, text in response.text) == (422, True)


@pytest.mark.parametrize(("state", "text"), REFUSALS)
def test_and_when_it_happens_meanwhile(
    clerk: LocalClerk, browser: httpx.Client, state: Any, text: str
) -> None:
    browser.post("/sign-in", data={"user_id": "user_grace", "password": "fleet-demo"})
    clerk.update_user("user_grace", **{state: True})
    response = browser.post("/sign-in/factor-two", data={"code": "424242"})
    assert (response.status_code, text in response.text) == (422, True)
