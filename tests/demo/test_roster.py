"""`Roster`: bounded, whatever comes, and for any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from example_apps.fleet.roster import Roster


def names(roster: Roster) -> list[str]:
    return [person["name"] for person in roster.people()]


def test_it_is_sorted_by_name() -> None:
    roster = Roster()
    roster.welcome("user_2", "Bob")
    roster.welcome("user_3", "Ann")
    roster.welcome("user_1", "Bob")
    assert roster.people() == [
        {"user_id": "user_3", "name": "Ann"},
        {"user_id": "user_1", "name": "Bob"},
        {"user_id": "user_2", "name": "Bob"},
    ]


def test_the_later_of_two_names_counts() -> None:
    roster = Roster()
    roster.rename("user_1", "Second", 20)
    roster.welcome("user_1", "First", 10)
    roster.rename("user_1", "Between", 15)
    assert names(roster) == ["Second"]
    roster.rename("user_1", "Third", 30)
    assert names(roster) == ["Third"]


def test_who_left_stays_away() -> None:
    roster = Roster()
    roster.leave("user_1")
    roster.welcome("user_1", "Ann")
    roster.rename("user_1", "Anne", 99)
    assert names(roster) == []


def test_the_oldest_are_forgotten_first() -> None:
    roster = Roster(size=2)
    for number in range(5):
        roster.welcome(f"user_{number}", str(number))
    assert names(roster) == ["3", "4"]
    for number in range(10, 20):
        roster.leave(f"user_{number}")
    assert len(roster._entries) == 2


def test_threads_may_share_it() -> None:
    roster = Roster(size=50)

    def work(number: int) -> None:
        user_id = f"user_{number % 70}"
        roster.welcome(user_id, user_id)
        roster.people()
        roster.rename(user_id, f"{user_id} again", number)
        if number % 3 == 0:
            roster.leave(user_id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(2000)))
    assert len(roster._entries) == 50
