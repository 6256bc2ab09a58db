"""What holds connections is one process's and one event loop's."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec

import anyio.lowlevel
import pytest

from clerk_middleware.backend import lifetimes
from clerk_middleware.backend.lifetimes import PerEventLoop, PerProcess

BACKENDS = [
    "asyncio",
    pytest.param("trio", marks=pytest.mark.skipif(find_spec("trio") is None, reason="needs trio")),
]


class Thing:
    """Whatever holds connections."""


def as_in_a_child(owner: PerProcess[Thing] | PerEventLoop[Thing]) -> None:
    """As if another process had made what is there."""
    owner._process = -1


class TestPerProcess:
    def test_keeps_the_one_thing(self) -> None:
        things = PerProcess(Thing)
        assert things.current() is things.current()

    def test_a_child_gets_one_of_its_own_and_keeps_it(self) -> None:
        things = PerProcess(Thing)
        of_parent = things.current()
        as_in_a_child(things)
        of_child = things.current()
        assert of_child is not of_parent
        assert things.current() is of_child

    def test_hands_over_the_old_one_to_be_closed(self) -> None:
        things = PerProcess(Thing)
        old = things.current()
        assert things.renew() is old
        assert things.current() is not old

    def test_a_child_is_not_handed_its_parents(self) -> None:
        things = PerProcess(Thing)
        of_parent = things.current()
        as_in_a_child(things)
        assert things.renew() is not of_parent


class TestPerEventLoop:
    @pytest.mark.parametrize("backend", BACKENDS)
    def test_keeps_one_thing_for_an_event_loop(self, backend: str) -> None:
        things = PerEventLoop(Thing)

        async def current() -> Thing:
            return things.current()

        async def both() -> bool:
            first = await current()
            await anyio.lowlevel.checkpoint()
            return first is await current()

        assert anyio.run(both, backend=backend)
        first = anyio.run(current, backend=backend)
        assert anyio.run(current, backend=backend) is not first

    def test_a_child_gets_one_of_its_own(self) -> None:
        things = PerEventLoop(Thing)

        async def main() -> None:
            of_parent = things.current()
            as_in_a_child(things)
            of_child = things.current()
            assert of_child is not of_parent
            assert things.current() is of_child

        asyncio.run(main())

    def test_keeps_those_of_a_few_event_loops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lifetimes, "_MAX_EVENT_LOOPS", 2)
        things = PerEventLoop(Thing)

        async def current() -> Thing:
            return things.current()

        loops = [asyncio.new_event_loop() for _ in range(4)]
        try:
            first, second, third = (loop.run_until_complete(current()) for loop in loops[:3])
            assert len(things._made) == 2
            assert loops[1].run_until_complete(current()) is second
            assert loops[2].run_until_complete(current()) is third
            assert loops[0].run_until_complete(current()) is not first  # the oldest went
        finally:
            for loop in loops:
                loop.close()
