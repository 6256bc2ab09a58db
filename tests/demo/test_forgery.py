"""Forms that another site sends, where a token of the page says which are the application's own."""

from __future__ import annotations

import re
from typing import Any

import pytest

LOAD = {"origin": "Macon", "destination": "Tampa", "cargo": "Peaches", "tons": "8"}


def signed_in(fleet: Any, user_id: str, *others: str) -> dict[str, str]:
    """As a browser is: by cookies, which it sends along with whatever request."""
    token = fleet.token(user_id, "blue-ridge-freight")
    cookies = ["__clerk_db_jwt=dvb_1", "__client_uat=1", f"__session={token}", *others]
    return {"accept": "text/html", "cookie": "; ".join(cookies)}


def shown(fleet: Any, user_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """A page was shown: the headers that the browser sends from now on, and the form's hidden field."""
    page = fleet.ask("GET", "/loads", signed_in(fleet, user_id))
    cookies = [f"{name}={value}" for name, value in page.cookies.items()]
    fields = dict(re.findall(r'name="(csrf\w+)" value="([\w.-]+)"', page.text))
    return signed_in(fleet, user_id, *cookies), fields


@pytest.fixture(params=["django_fleet", "flask_fleet"])
def fleet(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_a_form_needs_the_token_of_its_page(fleet: Any) -> None:
    headers, field = shown(fleet, "user_dev")
    answer = fleet.ask("POST", "/loads", headers, data=LOAD)
    assert answer.status_code == 403
    assert "not sent by a page of ours" in answer.text
    assert fleet.ask("POST", "/api/loads", headers, json=LOAD).status_code == 403

    assert fleet.ask("POST", "/loads", headers, data={**LOAD, **field}).status_code == fleet.redirected
    (headers["x-csrftoken"],) = field.values()
    assert fleet.ask("POST", "/api/loads", headers, json=LOAD).status_code == 201


def test_the_token_of_another_browser(fleet: Any) -> None:
    _, field = shown(fleet, "user_grace")
    headers, _ = shown(fleet, "user_dev")
    assert fleet.ask("POST", "/loads", headers, data={**LOAD, **field}).status_code == 403
    assert fleet.ask("POST", "/loads", headers, data={**LOAD, **field}).status_code == 403


def test_a_program_needs_none(fleet: Any) -> None:
    token = fleet.token("user_dev", "blue-ridge-freight")
    for scheme in ("Bearer", "bearer"):
        headers = {"authorization": f"{scheme} {token}"}
        assert fleet.ask("POST", "/api/loads", headers, json=LOAD).status_code == 201


def test_what_browsers_add_by_themselves_is_no_bearer_token(fleet: Any) -> None:
    headers = {**signed_in(fleet, "user_dev"), "authorization": "Basic dXNlcjpwYXNz"}
    assert fleet.ask("POST", "/loads", headers, data=LOAD).status_code in (401, 403)
    assert fleet.ask("POST", "/api/loads", headers, json=LOAD).status_code in (401, 403)
