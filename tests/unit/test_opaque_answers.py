"""Whatever the Backend API answers about a token: a decision, never a traceback, and nobody let in by it."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .issuer import NOW
from .machines import OPAQUE, TYPES, Clock, accepting, asking, verified

many = settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.integers(10**300, 10**400),
    st.text(max_size=5),
    st.sampled_from(["", " ", "false", "user_2b", "\ud800", "authenticated"]),
    st.lists(st.one_of(st.text(max_size=3), st.integers(), st.none()), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
#: What decides: without it, or of another type, the answer can't be read.
DECIDING = ["id", "subject", "scopes", "revoked", "expired", "expiration"]
UNREADABLE = ("signed-out", "unexpected-error", 5)


class Lines(logging.Handler):
    """What is logged, for a test whose body runs many times."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def __enter__(self) -> list[logging.LogRecord]:
        logging.getLogger("clerk_middleware").addHandler(self)
        return self.records

    def __exit__(self, *_: object) -> None:
        logging.getLogger("clerk_middleware").removeHandler(self)


def outcome(token_type: str, content: str | bytes, kind: str = "sync") -> Any:
    """The state that an answer of 200 makes, at first and where it is asked for again."""
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(200, content=content)

    ask = asking(kind, accepting(machine_id="mch_9"), answer, Clock())
    with Lines() as logged:
        state = ask(OPAQUE[token_type][0])
        again = ask(OPAQUE[token_type][0])
    assert (again.status, again.reason) == (state.status, state.reason)
    assert len(calls) == (2 if state.retry_after else 1), "nothing is kept of what can't be read"
    assert not any(record.exc_info for record in logged), "no traceback"
    assert len([record for record in logged if record.levelno >= logging.WARNING]) <= 1
    assert all("1secret" not in record.getMessage() for record in logged)
    assert state.token_type == token_type
    return state


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"<html>",
        b"{",
        b"null",
        b"true",
        b"7",
        b'"revoked"',
        b"[]",
        b"{}",
        b'[{"revoked": false}]',
        b'{"data": {"id": "ak_1"}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"1" * 5000,
    ],
    ids=lambda content: content[:12].decode("latin-1"),
)
def test_what_is_no_answer(content: bytes, token_type: str, kind: str) -> None:
    state = outcome(token_type, content, kind)
    assert (state.status, state.reason, state.retry_after) == UNREADABLE
    assert "https://api.clerk.com, gave an answer that can't be read when asked about an " in state.message


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize("name", DECIDING)
def test_one_that_lacks_what_decides(name: str, token_type: str) -> None:
    state = outcome(token_type, json.dumps(verified(token_type, **{name: ...})))
    assert (state.status, state.reason, state.retry_after) == UNREADABLE


WRONG: dict[str, list[Any]] = {
    "id": [None, "", 7, True, [], {}],
    "subject": [None, "", 7, True, [], {}],
    "scopes": [None, "read:loads", 7, {}, ["a", None], ["a", 7], [["a"]], [{}]],
    "revoked": [None, 0, 1, "false", "true", "", [], {}, 0.0],
    "expired": [None, 0, 1, "false", "true", "", [], {}, 0.0],
    "expiration": [
        True,
        False,
        "1750003600000",
        "",
        [],
        {},
        [1750003600000],
        float("nan"),
        10**400,
        -(10**400),
    ],
    "claims": [7, "x", [], True, [["a", 1]]],
}


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WRONG.items() for value in values],
    ids=lambda value: repr(value)[:20],
)
def test_one_in_which_what_decides_is_of_another_type(name: str, value: Any, token_type: str) -> None:
    state = outcome(token_type, json.dumps(verified(token_type, **{name: value})))
    assert (state.status, state.reason, state.retry_after) == UNREADABLE


@pytest.mark.parametrize(("token_type", "name"), [("api_key", "name"), ("oauth_token", "client_id")])
@pytest.mark.parametrize("value", [7, None, True, [], {}])
def test_what_is_only_told_is_left_out_where_it_is_no_text(token_type: str, name: str, value: Any) -> None:
    auth = outcome(token_type, json.dumps(verified(token_type, **{name: value}))).to_auth()
    assert auth.is_authenticated
    assert getattr(auth, name) is None


@many
@given(token_type=st.sampled_from(TYPES), name=st.sampled_from(DECIDING), value=ODD)
@example(token_type="api_key", name="expiration", value=10**400)
@example(token_type="api_key", name="expiration", value=float("nan"))
@example(token_type="api_key", name="expiration", value=float("-inf"))
@example(token_type="oauth_token", name="subject", value="\ud800")
def test_one_member_is_odd(token_type: str, name: str, value: Any) -> None:
    state = outcome(token_type, json.dumps(verified(token_type, scopes=["mch_9"]) | {name: value}))
    if not state.is_authenticated:
        return
    # Whoever is let in is let in by an answer that says so.
    if name in ("revoked", "expired"):
        assert value is False
    elif name == "expiration":
        assert value is None or (type(value) in (int, float) and value > NOW * 1000)
    elif name == "scopes":
        assert type(value) is list
    else:
        assert type(value) is str
        assert value


@many
@given(
    token_type=st.sampled_from(TYPES),
    answer=st.one_of(
        ODD,
        st.dictionaries(st.sampled_from([*DECIDING, "claims", "name", "client_id"]), ODD),
        st.fixed_dictionaries(dict.fromkeys(DECIDING, ODD)),
    ),
)
def test_all_of_it_is_odd(token_type: str, answer: Any) -> None:
    state = outcome(token_type, json.dumps(answer))
    assert not state.is_authenticated or (answer["revoked"], answer["expired"]) == (False, False)


@many
@given(token_type=st.sampled_from(TYPES), content=st.binary(max_size=40))
def test_it_is_any_bytes(token_type: str, content: bytes) -> None:
    assert not outcome(token_type, content).is_authenticated
