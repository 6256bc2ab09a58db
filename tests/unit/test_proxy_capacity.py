"""How many requests the Frontend API proxy passes on at once, and whose."""

from __future__ import annotations

from typing import Any

import pytest

from clerk_middleware.proxy.capacity import (
    MOST,
    MOST_OF_CLIENT,
    MOST_UPLOADS,
    MOST_WAITING,
    UPLOADS_OF_CLIENT,
    WAITING_OF_CLIENT,
    Capacity,
    Place,
)
from clerk_middleware.proxy.refusals import Refused


class Requests:
    """What asks for places, and who of it was woken."""

    def __init__(self) -> None:
        self.capacity = Capacity()
        self.woken: list[Any] = []

    def ask(self, client: str | None = None, is_upload: bool = False, name: Any = None) -> Place:
        return self.capacity.ask(client, is_upload, lambda: self.woken.append(name))

    def several(self, count: int, client: str | None = None, is_upload: bool = False) -> list[Place]:
        return [self.ask(client, is_upload) for _ in range(count)]

    def from_everywhere(self, count: int, is_upload: bool = False) -> list[Place]:
        """From two by two other addresses."""
        return [self.ask(f"198.51.{number // 200}.{number % 200 // 2}", is_upload) for number in range(count)]


@pytest.fixture
def requests() -> Requests:
    return Requests()


def taken(places: list[Place]) -> int:
    return sum(place.is_taken for place in places)


def test_so_many_go_at_once(requests: Requests) -> None:
    places = requests.from_everywhere(MOST + 3)
    assert [place.is_taken for place in places] == [True] * MOST + [False] * 3


def test_who_leaves_lets_in_who_has_waited_longest(requests: Requests) -> None:
    first, *_ = requests.from_everywhere(MOST)
    waiting = [requests.ask(name=name) for name in "ab"]
    requests.capacity.leave(first)
    assert (requests.woken, taken(waiting)) == (["a"], 1)
    assert not first.is_taken


def test_leaving_twice_frees_one_place(requests: Requests) -> None:
    first, *_ = requests.from_everywhere(MOST)
    waiting = requests.several(2)
    requests.capacity.leave(first)
    requests.capacity.leave(first)
    assert taken(waiting) == 1


def test_who_stops_waiting_is_not_let_in(requests: Requests) -> None:
    first, *_ = requests.from_everywhere(MOST)
    gone, other = requests.ask(name="gone"), requests.ask(name="other")
    requests.capacity.leave(gone)
    requests.capacity.leave(first)
    assert (requests.woken, gone.is_taken, other.is_taken) == (["other"], False, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::2"),
        ("2001:db8::1", "2001:db8:0:0:ffff::1"),
    ],
)
def test_one_client_gets_a_part_of_them(requests: Requests, one: str, other: str) -> None:
    """With IPv6 a client has as many addresses as it likes."""
    places = requests.several(MOST_OF_CLIENT - 1, one) + requests.several(3, other)
    assert taken(places) == MOST_OF_CLIENT
    assert requests.ask("203.0.113.10").is_taken
    assert requests.ask("2001:db8:0:1::1").is_taken
    assert requests.ask(None).is_taken


def test_where_no_address_is_known_nobody_is_told_apart(requests: Requests) -> None:
    assert taken(requests.several(MOST, None)) == MOST


def test_who_has_too_many_does_not_hold_up_those_that_come_after(requests: Requests) -> None:
    greedy = requests.several(MOST_OF_CLIENT + 1, "203.0.113.9")
    others = requests.from_everywhere(MOST - MOST_OF_CLIENT)
    later = requests.ask(name="later")
    requests.capacity.leave(others[0])
    assert (requests.woken, later.is_taken, greedy[-1].is_taken) == (["later"], True, False)


def test_uploads_leave_places_to_others(requests: Requests) -> None:
    uploads = requests.from_everywhere(MOST, is_upload=True)
    assert taken(uploads) == MOST_UPLOADS
    assert taken(requests.from_everywhere(MOST)) == MOST - MOST_UPLOADS


def test_one_client_has_a_few_uploads(requests: Requests) -> None:
    uploads = requests.several(UPLOADS_OF_CLIENT + 1, "203.0.113.9", is_upload=True)
    assert taken(uploads) == UPLOADS_OF_CLIENT
    assert requests.ask("203.0.113.9").is_taken
    assert requests.ask("203.0.113.10", is_upload=True).is_taken
    requests.capacity.leave(uploads[0])
    assert uploads[-1].is_taken


def test_only_so_many_wait(requests: Requests) -> None:
    requests.from_everywhere(MOST)
    waiting = requests.from_everywhere(MOST_WAITING)
    with pytest.raises(Refused) as caught:
        requests.ask()
    assert (caught.value.status, caught.value.code) == (503, "proxy_request_failed")
    requests.capacity.leave(waiting[0])
    assert not requests.ask().is_taken


def test_and_of_one_client_fewer(requests: Requests) -> None:
    requests.several(MOST_OF_CLIENT + WAITING_OF_CLIENT, "203.0.113.9")
    with pytest.raises(Refused):
        requests.ask("203.0.113.9")
    assert requests.ask("203.0.113.10").is_taken


def test_nothing_is_remembered_of_who_left(requests: Requests) -> None:
    places = requests.from_everywhere(MOST + 20) + requests.several(2, is_upload=True)
    for place in places:
        requests.capacity.leave(place)
    assert (dict(requests.capacity._taken), requests.capacity._waiting) == ({}, {})
