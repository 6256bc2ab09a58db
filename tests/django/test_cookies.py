"""``Set-Cookie`` lines go out as Clerk wrote them: Python's own module does not know all that they say."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from clerk_middleware.answers import Answer
from clerk_middleware_django.responses import response_of

LINES = [
    "__session=eyJ.a-b_c; Path=/; Domain=example.com; Max-Age=315360000; Secure; SameSite=Lax",
    "__client_uat=1700000000; Path=/; Partitioned; Priority=High",
    "__client_uat=0; Path=/; Domain=app.example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "__client_uat=; Path=/elsewhere; Unheard-Of=1",
    "__clerk_db_jwt=dvb_1; HttpOnly",
    "plain=1",
    "empty=",
    'quoted="a b"; Path=/',
    "with=equals=signs==; Path=/",
    "odd=1;Path=/ ;  Secure",
]


def sent(response: HttpResponse) -> list[str]:
    """As both of Django's handlers write them."""
    return [cookie.output(header="").strip() for cookie in response.cookies.values()]


@pytest.fixture
def response() -> HttpResponse:
    return response_of(Answer(307, [("location", "/"), *(("set-cookie", line) for line in LINES)], b""))


def test_they_are_unchanged_and_in_order(response: HttpResponse) -> None:
    assert sent(response) == LINES


def test_several_of_one_name_are_several(response: HttpResponse) -> None:
    assert len([line for line in sent(response) if line.startswith("__client_uat=")]) == 3


@pytest.mark.parametrize("carried", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])  # noqa: S301
def test_they_survive_what_caches_do_to_responses(carried: Any, response: HttpResponse) -> None:
    assert sent(carried(response)) == LINES


def test_a_view_may_still_set_and_delete_its_own(response: HttpResponse) -> None:
    response.set_cookie("theme", "dark")
    response.delete_cookie("old")
    assert sent(response)[: len(LINES)] == LINES
    assert sent(response)[len(LINES)] == "theme=dark; Path=/"
    assert sent(response)[-1].startswith('old=""; expires=Thu, 01 Jan 1970')


def test_a_test_client_keeps_them(response: HttpResponse) -> None:
    client = Client()
    client.cookies.update(response.cookies)
    assert client.cookies["__session"].value == "eyJ.a-b_c"
    assert client.cookies["__session"]["domain"] == "example.com"
    assert client.cookies["__session"]["secure"] is True
    assert client.cookies["__client_uat"]["path"] == "/"


@pytest.mark.parametrize(
    "line", ["=nameless", ";", "", "no equals sign", "path=/; Path=/", "na me=1", "ünïcode=1; Path=/"]
)
def test_one_that_is_none_is_no_failure(line: str) -> None:
    answered = response_of(Answer(307, [("set-cookie", line), ("set-cookie", LINES[0])], b""))
    assert LINES[0] in sent(answered)
