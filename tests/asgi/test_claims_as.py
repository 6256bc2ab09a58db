"""`SessionAuth.claims_as`: claims as a dataclass or a TypedDict, checked."""

# No `from __future__ import annotations` here: one of the tests is about what it does to a TypedDict.
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Optional, Required, TypedDict, Union

import pytest
import typing_extensions

from clerk_middleware import ClerkError, SessionAuth
from clerk_middleware.local import LocalClerk


def session(**claims: Any) -> SessionAuth:
    return SessionAuth.from_claims({"sub": "user_1", "sid": "sess_1"} | claims, token="")


@dataclasses.dataclass(frozen=True)
class Address:
    city: str
    zip_code: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    sub: str
    address: Address
    tags: list[str] = dataclasses.field(default_factory=list)
    limits: dict[str, int] = dataclasses.field(default_factory=dict)
    kind: ClassVar[str] = "session"


class Metadata(TypedDict, total=False):
    plan: Required[Literal["free", "pro"]]
    seats: int


class Profile(TypedDict):
    metadata: Metadata
    nickname: NotRequired[str]


Fleet = TypedDict(
    "Fleet",
    {
        "org.id": str,
        "org.role": Literal["org:dispatcher", "org:admin"],
        "publicMetadata": dict[str, bool],
        "user.organizations": Mapping[str, str],
        "org_membership.permissions": Sequence[str],
        "fva": tuple[int, int],
    },
)


class TestADataclass:
    def test_is_made_of_the_claims_it_names(self) -> None:
        auth = session(address={"city": "Oslo", "street": "x"}, tags=["a", "b"], limits={"seats": 3}, other=1)
        assert auth.claims_as(Claims) == Claims(
            sub="user_1", address=Address("Oslo"), tags=["a", "b"], limits={"seats": 3}
        )

    def test_has_its_defaults_for_what_is_absent(self) -> None:
        assert session(address={"city": "Oslo"}).claims_as(Claims).tags == []

    def test_of_its_own_containers_may_be_changed(self) -> None:
        auth = session(address={"city": "Oslo"}, tags=["a"], limits={"seats": 3})
        claims = auth.claims_as(Claims)
        claims.tags.append("b")
        claims.limits["seats"] = 4
        assert auth.claims_as(Claims).tags == ["a"]
        assert auth.claims_as(Claims).limits == {"seats": 3}

    def test_may_keep_a_field_to_itself(self) -> None:
        @dataclasses.dataclass
        class Counted:
            sub: str
            count: int = dataclasses.field(default=0, init=False)

        assert session(count=5).claims_as(Counted) == Counted("user_1")


class TestATypedDict:
    def test_is_made_of_the_claims_it_names(self) -> None:
        auth = session(metadata={"plan": "pro", "seats": 3, "other": 1}, other=1)
        assert auth.claims_as(Profile) == {"metadata": {"plan": "pro", "seats": 3}}
        assert session(metadata={"plan": "free"}, nickname="Al").claims_as(Profile)["nickname"] == "Al"

    def test_names_claims_that_python_cannot_spell(self) -> None:
        clerk = LocalClerk()
        token = clerk.issue_session_token("user_dev", organization="blue-ridge-freight")
        import jwt

        claims = jwt.decode(token, clerk.jwt_key, ["RS256"])
        fleet = SessionAuth.from_claims(claims, token=token).claims_as(Fleet)
        assert fleet["org.id"] == "org_blue_ridge"
        assert fleet["org.role"] == "org:dispatcher"
        assert fleet["publicMetadata"] == {"onboardingComplete": True}
        assert fleet["user.organizations"] == {"org_blue_ridge": "org:dispatcher"}
        assert "org:dispatcher:assign_drivers" in fleet["org_membership.permissions"]
        assert fleet["fva"] == (0, -1)

    def test_of_typing_extensions_is_one_too(self) -> None:
        """Pydantic asks for it on older Pythons, so applications have them."""

        class Extended(typing_extensions.TypedDict):
            sub: str
            nickname: typing_extensions.NotRequired[str]

        assert session().claims_as(Extended) == {"sub": "user_1"}

    def test_under_postponed_annotations_still_knows_what_is_required(self) -> None:
        module: dict[str, Any] = {"__name__": "an_application"}
        source = (
            "from __future__ import annotations\n"
            "from typing import NotRequired, Required, TypedDict\n"
            "class Some(TypedDict):\n    sub: str\n    nickname: NotRequired[str]\n"
            "class Few(TypedDict, total=False):\n    plan: Required[str]\n    seats: int\n"
        )
        exec(compile(source, "an_application.py", "exec"), module)  # noqa: S102
        import sys
        import types

        sys.modules["an_application"] = application = types.ModuleType("an_application")
        try:
            vars(application).update(module)
            assert session().claims_as(module["Some"]) == {"sub": "user_1"}
            with pytest.raises(ClerkError, match="'plan'"):
                session().claims_as(module["Few"])
        finally:
            del sys.modules["an_application"]


class Values(TypedDict, total=False):
    anything: Any
    thing: object
    text: str
    number: int
    real: float
    flag: bool
    nothing: None
    optional: Optional[int]  # noqa: UP045
    union: Union[int, list[str]]  # noqa: UP007
    modern: int | str | None
    annotated: Annotated[int, "cents"]
    literal: Literal["a", 1, True, None]
    items: list[int]
    anyitems: list  # type: ignore[type-arg]
    many: tuple[int, ...]
    bare_tuple: tuple  # type: ignore[type-arg]
    pair: tuple[int, str]
    sequence: Sequence[str]
    table: dict[str, int]
    anytable: dict  # type: ignore[type-arg]
    mapping: Mapping[str, list[int]]
    nested: list[Address]
    choice: Address | str


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("anything", {"a": [1]}, {"a": [1]}),  # as `session_claims` has it: read-only
        ("thing", 1, 1),
        ("text", "", ""),
        ("number", 3, 3),
        ("real", 3, 3),
        ("real", 2.5, 2.5),
        ("flag", False, False),
        ("nothing", None, None),
        ("optional", None, None),
        ("optional", 3, 3),
        ("union", 3, 3),
        ("union", ["x"], ["x"]),
        ("modern", None, None),
        ("annotated", 5, 5),
        ("literal", "a", "a"),
        ("literal", True, True),
        ("literal", 1, 1),
        ("literal", None, None),
        ("items", [], []),
        ("items", [1, 2], [1, 2]),
        ("anyitems", [1, "a"], [1, "a"]),
        ("many", [1, 2, 3], (1, 2, 3)),
        ("bare_tuple", [1, "a"], (1, "a")),
        ("pair", [1, "a"], (1, "a")),
        ("sequence", ["a"], ["a"]),
        ("table", {"a": 1}, {"a": 1}),
        ("anytable", {"a": "b"}, {"a": "b"}),
        ("mapping", {"a": [1]}, {"a": [1]}),
        ("nested", [{"city": "Oslo"}], [Address("Oslo")]),
        ("choice", {"city": "Oslo", "zip_code": None}, Address("Oslo")),
        ("choice", "Oslo", "Oslo"),
    ],
)
def test_a_value_of_the_right_type(name: str, value: Any, expected: Any) -> None:
    found = session(**{name: value}).claims_as(Values)[name]  # type: ignore[literal-required]
    assert found == expected
    assert type(found) is type(expected) or name in ("anything", "thing")


@pytest.mark.parametrize(
    ("name", "value", "at"),
    [
        ("text", 1, "text"),
        ("text", None, "text"),
        ("number", "3", "number"),
        ("number", True, "number"),
        ("number", 1.5, "number"),
        ("real", "2.5", "real"),
        ("real", True, "real"),
        ("flag", 1, "flag"),
        ("flag", "true", "flag"),
        ("nothing", 0, "nothing"),
        ("optional", "3", "optional"),
        ("union", ["x", 1], "union"),
        ("modern", 1.5, "modern"),
        ("annotated", "5", "annotated"),
        ("literal", "b", "literal"),
        ("literal", 1.0, "literal"),
        ("items", "abc", "items"),
        ("items", {"a": 1}, "items"),
        ("items", [1, "2"], r"items\[1\]"),
        ("anyitems", "abc", "anyitems"),
        ("many", [1, "2"], r"many\[1\]"),
        ("pair", [1, 2], r"pair\[1\]"),
        ("pair", [1], "pair"),
        ("pair", [1, "a", "b"], "pair"),
        ("sequence", "abc", "sequence"),
        ("table", {"a": "1"}, r"table\.a"),
        ("table", ["a"], "table"),
        ("anytable", ["a"], "anytable"),
        ("mapping", {"a": [1, None]}, r"mapping\.a\[1\]"),
        ("nested", [{"city": "Oslo"}, {"city": 1}], r"nested\[1\]\.city"),
        ("nested", [{"zip_code": "1"}], r"nested\[0\]\.city"),
        ("nested", ["Oslo"], r"nested\[0\]"),
        ("choice", 5, "choice"),
    ],
)
def test_a_value_of_another_type_is_named(name: str, value: Any, at: str) -> None:
    with pytest.raises(ClerkError, match=rf"claim '{at}'"):
        session(**{name: value}).claims_as(Values)


def test_an_error_holds_the_types_and_not_the_value() -> None:
    with pytest.raises(ClerkError) as caught:
        session(number="confidential").claims_as(Values)
    assert str(caught.value) == "the claim 'number' is of type str, not int"


def test_a_missing_claim_is_named_and_where_to_add_it() -> None:
    with pytest.raises(ClerkError, match=r"no claim 'address', which Claims requires: add it .* Dashboard"):
        session().claims_as(Claims)
    with pytest.raises(ClerkError, match=r"no claim 'address\.city'"):
        session(address={}).claims_as(Claims)


@pytest.mark.parametrize("shape", [int, dict, "Claims", None, list[str], Address("Oslo"), SessionAuth])
def test_anything_else_is_no_shape(shape: Any) -> None:
    with pytest.raises(TypeError, match="dataclass or a TypedDict"):
        session().claims_as(shape)
