"""What only the Django application has: migrations, local users, the admin."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
LOAD = {"origin": "Macon", "destination": "Tampa", "cargo": "Peaches", "tons": "8"}
PAGE = {"accept": "text/html"}
JSON = {"accept": "application/json"}


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "example_apps/django_fleet/manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def database(served_django: tuple[httpx.Client, Any]) -> Any:
    return served_django[1]


@pytest.fixture
def environment(django_environment: dict[str, str], database: Any) -> dict[str, str]:
    return {**django_environment, "DATABASE_URL": database.url}


def signed_in(fleet: Any, user_id: str) -> dict[str, str]:
    return {**PAGE, "authorization": f"Bearer {fleet.token(user_id, 'blue-ridge-freight')}"}


@pytest.mark.parametrize("arguments", [["check"], ["makemigrations", "--check", "--dry-run"]])
def test_nothing_is_left_to_do(environment: dict[str, str], arguments: list[str]) -> None:
    done = manage(environment, *arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_form_is_shown_again_with_what_is_wrong(django_fleet: Any) -> None:
    dispatcher = signed_in(django_fleet, "user_dev")
    answer = django_fleet.ask("POST", "/loads", dispatcher, data={**LOAD, "tons": "61"})
    assert answer.status_code == 422
    assert '<span class="error">Ensure this value is less than or equal to 60' in answer.text
    assert 'value="Macon"' in answer.text


def test_who_did_it_is_in_the_log_by_name(django_fleet: Any) -> None:
    django_fleet.ask("POST", "/loads", signed_in(django_fleet, "user_dev"), data=LOAD)
    events = django_fleet.ask("GET", "/api/audit", {**signed_in(django_fleet, "user_carmen"), **JSON}).json()
    assert (events[0]["who"], events[0]["what"]) == ("Dev Patel", "created load 1045")
    page = django_fleet.ask("GET", "/audit", signed_in(django_fleet, "user_carmen")).text
    assert re.search(r'<time datetime="[^"]+\+00:00">[^<]+ UTC</time>', page)


def test_who_was_made_inactive_gets_nowhere(django_fleet: Any, database: Any) -> None:
    driver = signed_in(django_fleet, "user_rosa")
    assert django_fleet.ask("GET", "/my-loads", driver).status_code == 200
    database.execute("UPDATE accounts_user SET is_active = false WHERE username = 'user_rosa'")
    for path in ("/my-loads", "/dashboard", "/personal", "/admin/"):
        answer = django_fleet.ask("GET", path, driver)
        answer = django_fleet.ask("GET", answer.headers.get("location", path), driver)
        assert (path, answer.status_code) == (path, 403)
        assert "no active account here" in answer.text
        assert "Blue Ridge Freight" not in answer.text
    assert django_fleet.ask("GET", "/api/me", driver).status_code in (401, 403)


def test_the_first_staff(django_fleet: Any, environment: dict[str, str]) -> None:
    environment = {name: value for name, value in environment.items() if not name.startswith("CLERK_")}
    admin = signed_in(django_fleet, "user_ada")
    done = manage(environment, "make_staff", "user_ada")
    assert "sign in to the application first" in done.stderr
    assert django_fleet.ask("GET", "/admin/", admin).status_code == 302
    assert "Administration" not in django_fleet.ask("GET", "/dashboard", admin).text

    done = manage(environment, "make_staff", "user_ada")
    assert (done.returncode, done.stdout) == (0, "Ada Sørensen may use the admin now.\n")
    assert django_fleet.ask("GET", "/admin/", admin).status_code == 200
    assert "Administration" in django_fleet.ask("GET", "/dashboard", admin).text
    for model in ("accounts/user", "freight/company", "freight/load", "freight/driver", "freight/auditevent"):
        assert django_fleet.ask("GET", f"/admin/{model}/", admin).status_code == 200


def test_a_long_name_pays_and_is_in_the_log(django_fleet: Any, database: Any) -> None:
    """A name may be longer than a line of the log: 150 letters, and 150 more."""
    admin = signed_in(django_fleet, "user_ada")
    django_fleet.ask("GET", "/dashboard", admin)
    database.execute("UPDATE accounts_user SET first_name = replace('----------', '-', 'fifteen letters')")
    database.execute("UPDATE accounts_user SET last_name = first_name")
    for path in ("/company/drivers/user_rosa/pay", "/company/profile/delete"):
        assert django_fleet.ask("POST", path, admin).status_code == 302
    events = django_fleet.ask("GET", "/api/audit", {**admin, **JSON}).json()
    assert [event["what"] for event in events[:2]] == [
        "deleted the company's public profile",
        "paid $1,840 to Rosa Lindqvist",
    ]
    assert len(events[0]["who"]) == 255


def test_nothing_is_done_without_an_entry_in_the_log(django_fleet: Any, environment: dict[str, str]) -> None:
    django_fleet.ask("GET", "/dashboard", signed_in(django_fleet, "user_ada"))
    program = """
from unittest.mock import patch
from example_apps.django_fleet.accounts.models import User
from example_apps.django_fleet.freight.models import Company, Load

def company():
    return Company.objects.get(org_id="org_blue_ridge")

def as_it_is():
    return list(company().loads.values()), list(company().drivers.values()), company().profile

before, user = as_it_is(), User.objects.get()
driver = company().drivers.get(user_id="user_mei")
deeds = [
    lambda: company().pay(user, "user_rosa"),
    lambda: company().delete_profile(user),
    lambda: company().create_load(user, Load(origin="Macon", destination="Tampa", cargo="Peaches", tons=8)),
    lambda: company().loads.get(number=1044).assign(user, driver),
    lambda: company().loads.get(number=1041).report(user, "delivered"),
]
for deed in deeds:
    with patch.object(Company, "log", side_effect=OSError):
        try:
            deed()
        except OSError:
            print(as_it_is() == before)
"""
    done = manage(environment, "shell", "-c", program)
    assert [line for line in done.stdout.splitlines() if line in ("True", "False")] == ["True"] * 5, (
        done.stderr
    )


def test_no_driver_has_a_nul(django_fleet: Any) -> None:
    admin = signed_in(django_fleet, "user_ada")
    assert django_fleet.ask("POST", "/company/drivers/%00/pay", admin).status_code == 404


def test_error_pages_where_clerk_does_not_answer(django_fleet: Any, environment: dict[str, str]) -> None:
    """Nobody can say who a new user is: a reason for 503, but a page that is not there is still 404."""
    token = django_fleet.token("user_sam", None)
    program = f"""
from django.test import Client
headers = {{"host": "fleet.example", "accept": "text/html"}}
client = Client(enforce_csrf_checks=True, raise_request_exception=False, headers=headers)
client.cookies.load("__clerk_db_jwt=dvb_1; __client_uat=1; __session={token}")
for path in ("/", "/no-such-page", "/dashboard", "/personal"):
    print(path, client.get(path).status_code)
print("/loads", client.post("/loads").status_code)
"""
    with socket.socket() as closed:  # taken, so that nobody else listens there, either
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = manage({**environment, "CLERK_API_URL": nobody}, "shell", "-c", program)
    came = [line for line in done.stdout.splitlines() if line.startswith("/")]
    # LoginRequiredMiddleware reads the user of a public page, too, up to some Django before 6.1.
    assert came[0] in ("/ 200", "/ 503"), done.stderr
    assert came[1:] == ["/no-such-page 404", "/dashboard 503", "/personal 503", "/loads 503"], done.stderr


def test_what_is_lacking_is_named_alone(django_fleet: Any) -> None:
    """The page requires a role and a feature, which the driver's company has."""
    page = django_fleet.ask("GET", "/fuel", signed_in(django_fleet, "user_rosa")).text
    assert "It needs the role <code>org:admin</code>." in page
    assert "has not booked this" not in page


def test_the_admin_refuses_in_a_page_of_ours(django_fleet: Any) -> None:
    admin = signed_in(django_fleet, "user_ada")
    sent = django_fleet.ask("GET", "/admin/", admin)
    back = django_fleet.ask("GET", sent.headers["location"], admin)
    cookies = "; ".join(f"{name}={value}" for name, value in back.cookies.items())
    page = django_fleet.ask("GET", sent.headers["location"], {**admin, "cookie": cookies})
    assert page.status_code == 403
    assert "may not open" in page.text
    assert "fleet.css" in page.text
    assert '<form method="post" action="/accounts/sign-out/">' in page.text


def test_a_driver_of_another_company_takes_no_load(django_fleet: Any, environment: dict[str, str]) -> None:
    """Also where the admin is used, which knows no active organization."""
    django_fleet.ask("GET", "/dashboard", signed_in(django_fleet, "user_ada"))
    token = django_fleet.token("user_grace", "harbor-lines")
    django_fleet.ask("GET", "/dashboard", {**PAGE, "authorization": f"Bearer {token}"})
    program = """
from example_apps.django_fleet.freight.models import Driver, Load
load = Load.objects.get(company__org_id="org_harbor_lines")
load.driver = Driver.objects.get(user_id="user_mei")
load.full_clean()
"""
    done = manage(environment, "shell", "-c", program)
    assert "This driver works for another company." in done.stderr


def test_the_api_in_words(django_fleet: Any) -> None:
    page = django_fleet.ask("GET", "/api/docs", signed_in(django_fleet, "user_dev"))
    assert page.status_code == 200
    assert "Pay a driver what is owed." in page.text
