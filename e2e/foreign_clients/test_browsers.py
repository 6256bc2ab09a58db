"""A browser that is signed in at one application is signed in at the one beside it, as the same."""

from __future__ import annotations

import pytest

from .applications import CONDITIONS
from .stage import NAMES, OURS, Name, Stage
from .visitor import Visitor

USERS = ["user_ada", "user_carmen", "user_dev", "user_rosa", "user_grace", "user_sam"]


@pytest.mark.parametrize("user_id", USERS)
@pytest.mark.parametrize("first", OURS)
def test_who_signed_in_at_ours_is_the_same_at_express(
    stage: Stage, visitor: Visitor, first: Name, user_id: str
) -> None:
    ours = visitor.sign_in(stage.clerk_url, user_id, back_to=f"{stage.origins[first]}/who")
    assert ours.who["userId"] == user_id
    for name in NAMES:
        page = visitor.open(f"{stage.origins[name]}/who")
        assert page.steps == [f"{stage.origins[name]}/who"], "the cookies are good as they are"
        assert page.who == ours.who


@pytest.mark.parametrize("user_id", USERS)
def test_who_signed_in_at_express_is_the_same_at_ours(stage: Stage, visitor: Visitor, user_id: str) -> None:
    express = visitor.sign_in(stage.clerk_url, user_id, back_to=f"{stage.origins['express']}/who")
    assert express.who["userId"] == user_id
    for name in OURS:
        page = visitor.open(f"{stage.origins[name]}/who")
        assert page.steps == [f"{stage.origins[name]}/who"]
        assert page.who == express.who


def test_what_is_allowed_is_what_the_seed_says(stage: Stage, visitor: Visitor) -> None:
    who = visitor.sign_in(stage.clerk_url, "user_dev", back_to=f"{stage.origins['express']}/who").who
    allowed = [condition for condition, has in zip(CONDITIONS, who["has"], strict=True) if has]
    assert who["orgRole"] == "org:dispatcher"
    assert {"permission": "org:dispatcher:assign_drivers"} in allowed
    assert {"permission": "org:sys_memberships:read"} not in allowed
    assert {"plan": "org:pro"} in allowed
    assert {"reverification": "strict"} in allowed
    assert {"role": "admin"} not in allowed
