"""The pictures of the documentation, each taken of the page that it shows.

They are in ``docs/images``. To take them anew, in a small format if Pillow is installed::

    E2E_PICTURES=1 tox -e e2e -- -k pictures

Without that variable the tests see that each page can still be reached as it is shown, and that its
picture is there; pixels are not compared, which differ with every font. ``tests/docs/test_pictures.py``
knows which page has which picture.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from .fleet import Fleet, Person
from .people import (
    clerk_loaded,
    expect_at,
    expect_dashboard,
    give_code,
    give_credentials,
    open_switcher,
    renew_token,
    sign_in,
)
from .servers import ROOT
from .watcher import Watcher

FOLDER = ROOT / "docs/images"
#: CSS pixels, of which each is one in the picture.
WIDE = ViewportSize(width=1000, height=640)

# People of the seed, who are called the same in each picture.
ADA = Person("user_ada", "ada@blueridge.example", "Ada", "fleet-demo")
GRACE = Person("user_grace", "grace@harborlines.example", "Grace", "fleet-demo")
CODE = "424242"

#: The three applications have the same pages.
pytestmark = [
    pytest.mark.parametrize("framework", ["fastapi"], indirect=True),
    # With a LocalClerk of their own: its pages show every user, and other tests make some.
    pytest.mark.fleet(environment={"FLEET_PICTURES": "1"}),
]


@pytest.fixture
def page(new_browser: Callable[..., BrowserContext]) -> Page:
    return new_browser(viewport=WIDE, device_scale_factor=1, locale="en-GB").new_page()


class Take(Protocol):
    def __call__(self, page: Page, name: str, size: ViewportSize = WIDE) -> None: ...


@pytest.fixture
def picture() -> Take:
    """Takes a picture of what a tab shows; or, unless that was asked for, finds the one that there is."""

    def take(page: Page, name: str, size: ViewportSize = WIDE) -> None:
        file = FOLDER / f"{name}.png"
        if os.environ.get("E2E_PICTURES"):
            page.set_viewport_size(size)
            page.mouse.move(0, 0)  # nothing is pointed at
            page.wait_for_function("[...document.images].every((image) => image.complete)")
            page.evaluate("document.fonts.ready")
            page.screenshot(path=file, animations="disabled")
            make_small(file)
        assert size_of(file) == (size["width"], size["height"])

    return take


def make_small(file: Path) -> None:
    """With a palette, a picture takes half as many bytes."""
    if util.find_spec("PIL"):
        image = import_module("PIL.Image").open(file).convert("RGB")
        image.quantize(256, dither=0).save(file, optimize=True)


def size_of(file: Path) -> tuple[int, int]:
    """Width and height, by the header of a PNG: https://www.w3.org/TR/png/#11IHDR"""
    signature, width, height = struct.unpack(">8s8x2I", file.read_bytes()[:24])
    assert signature == b"\x89PNG\r\n\x1a\n"
    return width, height


# The example application, with Clerk's components


def test_the_page_to_sign_in(page: Page, picture: Take) -> None:
    page.goto("/sign-in")
    expect(page.get_by_label("Email address")).to_be_visible()
    picture(page, "sign-in")


def test_a_page_for_who_is_signed_in(page: Page, picture: Take) -> None:
    sign_in(page, ADA)
    expect_dashboard(page, ADA)
    clerk_loaded(page)
    picture(page, "dashboard")


def test_the_user_button(page: Page, picture: Take) -> None:
    sign_in(page, ADA)
    page.get_by_role("button", name="Open user menu").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    picture(page, "user-button")


def test_the_organization_switcher(page: Page, picture: Take) -> None:
    sign_in(page, GRACE, code=CODE)
    open_switcher(page)
    expect(page.get_by_role("button", name="Harbor Lines")).to_be_visible()
    picture(page, "organization-switcher")


def test_reverification(fleet: Fleet, page: Page, picture: Take, watch: Watcher) -> None:
    sign_in(page, ADA, "/company")
    fleet.prove_earlier(ADA, minutes=60)
    renew_token(page)
    watch.expect("403 POST .*/profile/delete")
    page.get_by_role("button", name="Delete the profile").click()
    expect(page.get_by_role("dialog").get_by_label("Password", exact=True)).to_be_visible()
    picture(page, "reverification")


@pytest.mark.fleet(seed={"force_organization_selection": True})
def test_the_task_of_a_pending_session(page: Page, picture: Take) -> None:
    page.goto("/dashboard")
    give_credentials(page, GRACE)
    give_code(page, CODE)
    expect_at(page, "/sign-in/tasks/choose-organization")
    expect(page.get_by_role("button", name="Harbor Lines")).to_be_visible()
    picture(page, "session-task")


def test_impersonation(fleet: Fleet, page: Page, picture: Take) -> None:
    ticket = fleet.clerk.create_actor_token("user_dev", {"sub": ADA.id})
    page.goto(f"/sign-in?__clerk_ticket={ticket.token}")
    expect_at(page, "/dashboard")
    expect(page.get_by_text(f"{ADA.id} acts here as")).to_be_visible()
    clerk_loaded(page)
    picture(page, "impersonation")


# LocalClerk's own pages


def narrow(height: int) -> ViewportSize:
    return ViewportSize(width=560, height=height)


def returning(path: str) -> str:
    """That page, on the way to an application that, for a picture, has an address of its own."""
    return f"{path}?{urlencode({'redirect_url': 'http://localhost:8000/dashboard'})}"


def sign_in_at_local_clerk(fleet: Fleet, page: Page, path: str) -> None:
    """Have LocalClerk ask Grace who she is before *path* of its pages."""
    page.goto(f"{fleet.clerk_url}/sign-in?{urlencode({'redirect_url': fleet.clerk_url + path})}")
    page.get_by_text("Grace Okafor").click()
    page.get_by_label("Password").fill(GRACE.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code of the second factor").fill(CODE)
    page.get_by_role("button", name="Continue").click()


def expect_title(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_local_clerks_page_to_sign_in(fleet: Fleet, page: Page, picture: Take) -> None:
    page.goto(f"{fleet.clerk_url}{returning('/sign-in')}")
    page.get_by_text("Dev Patel").click()
    expect_title(page, "Sign in")
    picture(page, "local-sign-in", narrow(900))


def test_local_clerks_page_to_switch_organization(fleet: Fleet, page: Page, picture: Take) -> None:
    sign_in_at_local_clerk(fleet, page, returning("/switch-organization"))
    expect_title(page, "Switch organization")
    picture(page, "local-switch-organization", narrow(560))


def test_local_clerks_page_to_verify(fleet: Fleet, page: Page, picture: Take) -> None:
    sign_in_at_local_clerk(fleet, page, returning("/verify"))
    expect_title(page, "Verify it is you")
    picture(page, "local-verify", narrow(680))


def test_local_clerks_page_that_asks_for_consent(fleet: Fleet, page: Page, picture: Take) -> None:
    asked = {
        "client_id": "client_carrier_portal",
        "redirect_uri": "http://127.0.0.1:8081/callback",
        "response_type": "code",
        "scope": "profile email read:loads",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # that of RFC 7636, appendix B
        "code_challenge_method": "S256",
    }
    sign_in_at_local_clerk(fleet, page, f"/oauth/authorize?{urlencode(asked)}")
    expect_title(page, "Allow Carrier portal?")
    picture(page, "local-consent", narrow(780))
