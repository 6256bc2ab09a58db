"""What can be required, said where it is written: a mistake shows when the application starts."""

from __future__ import annotations

from typing import Any

import pytest

from clerk_middleware import (
    AuthorizationError,
    ConfigurationError,
    NotAuthenticated,
    NotAuthorized,
    ReverificationRequired,
    SessionAuth,
    SignedOut,
)
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement


def dispatcher(**claims: Any) -> SessionAuth:
    own = {"sub": "user_1", "sid": "sess_1", "v": 2, "fva": [5, -1], "pla": "o:pro,u:plus", "fea": "o:export"}
    organization = {"id": "org_1", "slg": "acme", "rol": "dispatcher", "per": "read,edit", "fpm": "3"}
    return SessionAuth.from_claims(own | {"o": organization} | claims, token="")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"role": "org:dispatcher"},
        {"role": "dispatcher"},
        {"permission": "org:export:edit"},
        {"feature": "export"},
        {"feature": "org:export"},
        {"plan": "pro"},
        {"plan": "user:plus"},
        {"role": "dispatcher", "permission": None, "plan": "pro"},
        {"reverification": "strict"},
        {"reverification": {"level": "first_factor", "after_minutes": 10}},
        {"condition": lambda auth: auth.org_slug == "acme"},
    ],
)
def test_what_is_met_gives_the_session(asked: dict[str, Any]) -> None:
    auth = dispatcher()
    assert Requirement(**asked).check(auth) is auth


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"role": "org:admin"}, NotAuthorized, "user_1 lacks the role 'org:admin'"),
        ({"permission": "org:export:delete"}, NotAuthorized, "lacks the permission"),
        ({"feature": "user:export"}, NotAuthorized, "lacks the feature"),
        ({"plan": "org:plus"}, NotAuthorized, "lacks the plan"),
        ({"role": "dispatcher", "plan": "enterprise"}, NotAuthorized, "lacks the plan"),
        ({"condition": lambda auth: False}, NotAuthorized, "You are not allowed"),
        ({"reverification": {"level": "first_factor", "after_minutes": 5}}, ReverificationRequired, "again"),
        # Who is not allowed is not sent to verify again first, for nothing.
        ({"role": "org:admin", "reverification": "strict_mfa"}, NotAuthorized, "lacks the role"),
    ],
)
def test_what_is_not_met_raises(asked: dict[str, Any], error: Any, says: str) -> None:
    auth, requirement = dispatcher(), Requirement(**asked)
    if "reverification" in asked and error is NotAuthorized:
        auth = dispatcher(fva=[99, 99])
    with pytest.raises(error, match=says) as caught:
        requirement.check(auth)
    assert isinstance(caught.value, AuthorizationError)
    assert caught.value.auth is auth
    assert caught.value.requirement is requirement


@pytest.mark.parametrize("asked", [{}, {"role": "org:admin"}, {"reverification": "lax"}])
def test_nobody_is_asked_to_sign_in_whatever_is_required(asked: Any) -> None:
    with pytest.raises(NotAuthenticated):
        Requirement(**asked).check(SignedOut())


@pytest.mark.parametrize("name", ["role", "permission", "feature", "plan"])
@pytest.mark.parametrize("value", ["", " ", 5, [], ["org:admin"], b"org:admin", True])
def test_a_malformed_one_is_told_where_it_is_written(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"a required {name} must be a text such as '"):
        Requirement(**{name: value})


@pytest.mark.parametrize(
    "value",
    [
        "strictest",
        "",
        5,
        {},
        {"level": "strict", "after_minutes": 10},
        {"level": "first_factor"},
        {"level": "first_factor", "after_minutes": 0},
        {"level": "first_factor", "after_minutes": "10"},
    ],
)
def test_a_malformed_reverification_too(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="reverification must be one of 'strict_mfa', 'strict'"):
        Requirement(reverification=value)


def test_a_misspelt_name_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="'permissions' is nothing that can be required"):
        Requirement(permissions="org:teams:manage")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'unauthorised_url'"):
        Protection(unauthorised_url="/x")  # type: ignore[call-arg]


async def never(auth: SessionAuth) -> bool:
    return False


class Never:
    async def __call__(self, auth: SessionAuth) -> bool:
        return False


@pytest.mark.parametrize("condition", ["org:admin", 5, {}, never])
def test_a_condition_that_is_no_plain_function_is_told_where_it_is_written(condition: Any) -> None:
    """What an async function returns is true, whatever it will say."""
    for kind in (Requirement, Protection):
        with pytest.raises(ConfigurationError, match="condition"):
            kind(condition)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("condition", [lambda auth: never(auth), Never()])
def test_a_condition_that_turns_out_to_be_async_holds_for_nobody(condition: Any) -> None:
    with pytest.raises((ConfigurationError, NotAuthorized)):
        Requirement(condition).check(dispatcher())


def test_a_repr_says_what_is_required() -> None:
    assert repr(Requirement()) == "Requirement()"
    assert repr(Requirement(role="org:admin", plan="pro")) == "Requirement(role='org:admin', plan='pro')"
    assert "second_factor" in repr(Protection(reverification="strict"))


def test_the_answer_needs_no_middleware() -> None:
    requirement = Requirement()
    error = NotAuthenticated("no", auth=SignedOut(), requirement=requirement)
    answer = requirement.answer(error, None)
    assert answer.status == 401
    assert b"not-signed-in" in answer.body


@pytest.mark.parametrize("name", ["role", "permission", "feature", "plan", "reverification"])
def test_none_is_no_requirement(name: str) -> None:
    """As from a setting that is missing: it would require nothing but to be signed in."""
    for kind in (Requirement, Protection):
        with pytest.raises(ConfigurationError, match=f"{name} is None"):
            kind(**{name: None})


@pytest.mark.parametrize("outcome", ["yes", (False,), [], None, 1, print])
def test_a_condition_that_returns_no_truth_value_holds_for_nobody(outcome: object) -> None:
    with pytest.raises(ConfigurationError, match="must return True or False"):
        Requirement(lambda auth: outcome).check(dispatcher())
