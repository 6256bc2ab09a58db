"""The memory in two generations: bounded, and the newest half is always there."""

from __future__ import annotations

import pytest

from clerk_middleware.generations import Generations


def kept(memory: Generations[int, str], of: range) -> list[int]:
    return [number for number in of if memory.get(number) is not None]


def filled(size: int, count: int) -> Generations[int, str]:
    memory: Generations[int, str] = Generations(size)
    for number in range(count):
        memory.add(number, str(number))
    return memory


def test_what_was_added_is_there() -> None:
    memory = filled(10, 5)
    assert [memory.get(number) for number in range(5)] == ["0", "1", "2", "3", "4"]
    assert memory.get(5) is None


@pytest.mark.parametrize("size", [2, 3, 10, 11])
def test_it_holds_at_most_its_size_and_at_least_the_newest_half(size: int) -> None:
    for count in range(1, 5 * size):
        left = kept(filled(size, count), range(count))
        assert len(left) <= size
        assert left[-1] == count - 1
        assert left == list(range(left[0], count)), "the oldest go first"
        assert len(left) >= min(count, size // 2)


def test_a_full_generation_makes_place_for_the_next() -> None:
    memory = filled(4, 4)
    assert kept(memory, range(4)) == [0, 1, 2, 3]
    memory.add(4, "4")
    assert kept(memory, range(5)) == [2, 3, 4]


def test_0_remembers_nothing() -> None:
    assert kept(filled(0, 3), range(3)) == []


def test_a_later_value_wins_also_over_one_of_the_old_generation() -> None:
    memory = filled(4, 3)
    memory.add(0, "new")
    assert memory.get(0) == "new"
    memory.add(0, "newer")
    assert memory.get(0) == "newer"


def test_what_is_removed_is_gone_from_both_generations() -> None:
    memory = filled(4, 3)
    memory.add(0, "again, in the young one")
    memory.remove(0)
    assert memory.get(0) is None
    memory.remove(1)
    assert kept(memory, range(3)) == [2]


def test_what_is_not_there_may_be_removed() -> None:
    memory = filled(4, 1)
    memory.remove(7)
    assert kept(memory, range(8)) == [0]
