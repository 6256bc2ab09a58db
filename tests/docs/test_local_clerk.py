"""The page on LocalClerk says what is so: its methods, the tables of a seed, and what it serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import product

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from clerk_middleware.local import (
    APIKeySeed,
    LocalClerk,
    MachineSeed,
    OAuthApplicationSeed,
    OAuthSettings,
    Organization,
    User,
)
from clerk_middleware.local.webhooks.seed import WebhookSeed

from .examples import ROOT

PAGE = (ROOT / "docs/local-clerk.md").read_text("utf-8")
TABLES = {
    "[[users]]": User,
    "[[organizations]]": Organization,
    "[[api_keys]]": APIKeySeed,
    "[[machines]]": MachineSeed,
    "[oauth]": OAuthSettings,
    "[[oauth_applications]]": OAuthApplicationSeed,
    "[[webhooks]]": WebhookSeed,
}
#: Keys of a table that are no part of what is made of it.
OF_THE_FILE = {"[[webhooks]]": {"allow_remote"}}
#: What is only known while it runs.
NOT_OF_THE_FILE = {"[[organizations]]": {"created_by", "max_allowed_memberships"}}


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
    known -= NOT_OF_THE_FILE.get(table, set())
    assert set(re.findall(r"`(\w+)`", without_remarks)) == known


def test_the_seed_that_comes_along_has_an_example_of_each() -> None:
    seed = (ROOT / "clerk_middleware/local/fleet.toml").read_text("utf-8")
    # That of webhooks is a comment: where the application is, the seed can't know.
    assert [
        table for table in TABLES if not re.search(rf"^(# )?{re.escape(table)}$", seed, re.MULTILINE)
    ] == []


def served(instance: LocalClerk, package: str) -> Iterator[str]:
    """``GET /users/ID`` for each endpoint, without ``/v1``, and with the same word for each parameter."""
    app = instance.app
    assert isinstance(app, Starlette)
    for route in app.routes:
        assert isinstance(route, Route)
        if f".{package}." not in route.endpoint.__module__ or "{rest" in route.path or "/npm/" in route.path:
            continue
        path = re.sub("{[^}]+}", "ID", route.path.removeprefix("/v1").rstrip("/"))
        yield from (f"{method} {path}" for method in route.methods or ())


def written(title: str) -> Iterator[str]:
    """The same, of a section of the page. Without methods it is the path."""
    section = PAGE.partition(f"\n### {title}\n")[2].partition("\n##")[0]
    for methods, path in re.findall(r"`((?:[A-Z]+ )*)(/[^`]+)`", section):
        of_any_word = re.sub(r"(?<=/)[A-Z]+", "ID", path)
        for method, each in product(methods.split() or [""], expanded(of_any_word)):
            yield f"{method} {each}".lstrip()


def expanded(path: str) -> Iterator[str]:
    """As a shell does it: ``/{a,b}/c`` is ``/a/c`` and ``/b/c``."""
    parts = [part.split(",") for part in re.split("[{}]", path)]
    return ("".join(chosen) for chosen in product(*parts))


def test_the_page_has_the_endpoints_of_the_backend_api(instance: LocalClerk) -> None:
    known = {each for each in served(instance, "backend") if not each.startswith("HEAD ")}
    # What has no method is said of paths that were named before.
    assert {each for each in written("Backend API") if " " in each} == known


def test_the_page_has_the_endpoints_of_the_frontend_api(instance: LocalClerk) -> None:
    known = {each.partition(" ")[2] for each in served(instance, "frontend")}
    assert set(written("Frontend API")) - {"/v1"} == known


def test_the_page_has_the_endpoints_of_oauth(instance: LocalClerk) -> None:
    known = {each.partition(" ")[2] for each in served(instance, "oauth")}
    assert set(written("OAuth")) == known
