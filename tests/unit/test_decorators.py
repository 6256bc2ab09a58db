"""The decorators of integrations whose routes are functions: what each requires, and mistakes with them."""

from __future__ import annotations

from typing import Any

import pytest

from clerk_middleware import ConfigurationError
from clerk_middleware.decorators import Decorators
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement


def decorate(view: Any, requirement: Requirement) -> Any:
    """A framework's way of it, which checks nothing and tells what it was given."""

    def decorated(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    decorated.requirement = requirement  # type: ignore[attr-defined]
    return decorated


DECORATE = Decorators(decorate)


def is_vip(auth: Any) -> bool:
    return bool(auth.user_id)


@pytest.mark.parametrize(
    ("decorator", "requirement"),
    [
        (DECORATE.require_auth(), Requirement()),
        (DECORATE.require_auth, Requirement()),
        (DECORATE.require_permission("org:loads:edit"), Requirement(permission="org:loads:edit")),
        (DECORATE.require_role("org:admin"), Requirement(role="org:admin")),
        (DECORATE.require_feature("export"), Requirement(feature="export")),
        (DECORATE.require_plan("org:pro"), Requirement(plan="org:pro")),
        (DECORATE.require_reverification(), Requirement(reverification="strict")),
        (DECORATE.require_reverification("lax"), Requirement(reverification="lax")),
        (DECORATE.protect(), Protection()),
        (DECORATE.protect(is_vip, role="org:admin"), Protection(is_vip, role="org:admin")),
        (DECORATE.protect(unauthenticated_url="/in"), Protection(unauthenticated_url="/in")),
    ],
)
def test_each_requires_what_it_says(decorator: Any, requirement: Requirement) -> None:
    decorated = decorator(lambda number: number + 1)
    assert repr(decorated.requirement) == repr(requirement)
    assert type(decorated.requirement) is type(requirement)
    assert decorated(number=1) == 2


class TestBareProtect:
    """``@protect`` in the place of ``@protect()`` would let everybody in, so it is an error."""

    def test_on_a_view_that_takes_a_request_or_nothing(self) -> None:
        def with_request(request: Any) -> None: ...
        def with_nothing() -> None: ...
        async def asynchronous() -> None: ...

        for view in (with_request, with_nothing, asynchronous):
            with pytest.raises(ConfigurationError, match=r"write @protect\(\), with parentheses"):
                DECORATE.protect(view)  # type: ignore[arg-type]

    def test_on_a_view_that_takes_parts_of_the_path_is_noticed_when_it_is_called(self) -> None:
        def view(load_id: str) -> str:
            return load_id

        decorated: Any = DECORATE.protect(view)  # type: ignore[arg-type]
        for call in (
            lambda: decorated(),
            lambda: decorated(load_id="ld_1"),
            lambda: decorated("ld_1", "two"),
            lambda: decorated(view, load_id="ld_1"),
        ):
            with pytest.raises(ConfigurationError, match=r"was registered in the place of .* parentheses"):
                call()

    def test_a_condition_is_none(self) -> None:
        def of_acme(auth: Any) -> bool:
            return bool(auth.org_slug == "acme")

        class Condition:
            def __call__(self, auth: Any) -> bool:
                return True

        for condition in (None, of_acme, lambda auth: True, Condition(), bool):
            assert DECORATE.protect(condition)(lambda: "seen")() == "seen"

    def test_nor_is_another_decorator(self) -> None:
        """It is truthy for everybody, so a condition made of it would let everybody in."""
        others: list[Any] = [DECORATE.require_role("org:admin"), DECORATE.require_role, DECORATE.require_auth]
        for condition in others:
            with pytest.raises(ConfigurationError, match=r"no decorators: .*protect\(role='org:admin'\)"):
                DECORATE.protect(condition)


@pytest.mark.parametrize(
    "decorator",
    [
        DECORATE.require_auth(),
        DECORATE.require_role("org:admin"),
        DECORATE.protect(),
        DECORATE.protect(is_vip),
    ],
)
def test_one_in_the_place_of_a_view_lets_nobody_in(decorator: Any) -> None:
    for call in (lambda: decorator(), lambda: decorator(load_id="ld_1"), lambda: decorator("one", "two")):
        with pytest.raises(ConfigurationError, match="was registered in the place of a function"):
            call()
