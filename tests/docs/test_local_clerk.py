"""The page on testing says what LocalClerk has for programs: its methods, and the tables of a seed."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from clerk_middleware.local import (
    APIKeySeed,
    LocalClerk,
    MachineSeed,
    OAuthApplicationSeed,
    OAuthSettings,
)
from clerk_middleware.local.webhooks.seed import WebhookSeed

from .examples import ROOT

PAGE = (ROOT / "docs/testing.md").read_text("utf-8")
TABLES = {
    "[[api_keys]]": APIKeySeed,
    "[[machines]]": MachineSeed,
    "[oauth]": OAuthSettings,
    "[[oauth_applications]]": OAuthApplicationSeed,
    "[[webhooks]]": WebhookSeed,
}
#: Keys of a table that are no part of what is made of it.
OF_THE_FILE = {"[[webhooks]]": {"allow_remote"}}


@pytest.mark.parametrize(
    ("method", "written"),
    re.findall(r"^\| `clerk\.(create_\w+)(\([^`]*\))` \|", PAGE, re.MULTILINE),
)
def test_a_program_gets_what_the_page_says(instance: LocalClerk, method: str, written: str) -> None:
    [row] = re.findall(rf"^\| `clerk\.{method}\(.*$", PAGE, re.MULTILINE)
    made = eval(f"instance.{method}{written}", {"instance": instance})  # noqa: S307  # of the page
    for attribute in re.findall(r"`\.(\w+)`", row):
        assert getattr(made, attribute)
    for name in re.findall(r"`clerk\.(\w+)", row):
        assert hasattr(instance, name)
    if (revoke := re.search(r"`clerk\.(revoke_\w+)\(id\)`", row)) is not None:
        getattr(instance, revoke[1])(made.id)


def test_the_page_has_each_way_to_make_something() -> None:
    known = {name for name in dir(LocalClerk) if name.startswith("create_")}
    assert known == set(re.findall(r"\bclerk\.(create_\w+)", PAGE))


@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_the_seed_has_these_keys(table: str) -> None:
    [keys] = re.findall(rf"^\| `{re.escape(table)}` \| (.*) \|$", PAGE, re.MULTILINE)
    without_remarks = re.sub(r"\([^)]*\)", "", keys)
    known = {field.name for field in fields(TABLES[table])} | OF_THE_FILE.get(table, set())
    assert set(re.findall(r"`(\w+)`", without_remarks)) == known


def test_the_seed_that_comes_along_has_an_example_of_each() -> None:
    seed = (ROOT / "clerk_middleware/local/fleet.toml").read_text("utf-8")
    # That of webhooks is a comment: where the application is, the seed can't know.
    assert [
        table for table in TABLES if not re.search(rf"^(# )?{re.escape(table)}$", seed, re.MULTILINE)
    ] == []
