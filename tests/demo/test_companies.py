"""The companies in memory, which several threads use at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from example_apps.fleet.companies import Company, Fleet
from example_apps.fleet.tracking import positions

THREADS, TIMES = 8, 200


@pytest.fixture(autouse=True)
def _many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_a_time(work: Callable[[], object]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work) for _ in range(THREADS)]:
            done.result()


def blue_ridge(fleet: Fleet) -> Company:
    return fleet.company("org_blue_ridge", "blue-ridge-freight", "Blue Ridge Freight")


def test_each_load_has_a_number_of_its_own() -> None:
    company = blue_ridge(Fleet())

    def create() -> None:
        for _ in range(TIMES):
            company.create_load("user_dev", "Macon", "Tampa", "Peaches", 8)
            positions(company)
            assert sum(load.tons for load in company.loads.values()) > 8

    at_a_time(create)
    numbers = [load.number for load in company.loads.values()]
    assert numbers == list(range(1041, 1041 + 4 + THREADS * TIMES))
    assert len(company.events) == 1 + THREADS * TIMES


def test_nobody_is_paid_twice() -> None:
    company, paid = blue_ridge(Fleet()), list[int]()
    at_a_time(lambda: paid.append(company.pay("user_ada", company.drivers["user_rosa"])))
    assert sorted(paid) == [0] * (THREADS - 1) + [1840]


def test_a_company_is_founded_once() -> None:
    fleet, seen = Fleet(), set[int]()
    at_a_time(lambda: seen.add(id(blue_ridge(fleet))))
    assert len(seen) == 1
    assert len(blue_ridge(fleet).loads) == 4
