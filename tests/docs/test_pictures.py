"""The pictures of the documentation: each is taken by a test, shown on a page, described and small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .examples import PAGES, ROOT

FOLDER = ROOT / "docs/images"
#: Bytes. A palette, which e2e/test_pictures.py gives them if Pillow is installed, makes them half as large.
_LARGEST = 60_000

PICTURES = sorted(FOLDER.iterdir())
SHOWN = [
    (page, alternative, (page.parent / path).resolve())
    for page in PAGES
    for alternative, path in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", page.read_text("utf-8"))
]


def test_each_picture_is_taken_by_a_test() -> None:
    taken = re.findall(r"\bpicture\(page, \"([^\"]+)\"", (ROOT / "e2e/test_pictures.py").read_text("utf-8"))
    assert sorted(taken) == [picture.stem for picture in PICTURES]
    assert {picture.suffix for picture in PICTURES} == {".png"}


def test_each_picture_is_on_a_page() -> None:
    assert {picture for _, _, picture in SHOWN} == set(PICTURES)


@pytest.mark.parametrize(("page", "alternative", "picture"), SHOWN, ids=lambda of: getattr(of, "stem", ""))
def test_a_picture_has_a_description(page: Path, alternative: str, picture: Path) -> None:
    assert len(alternative) > 20, f"{picture.name} on {page.name}: what does it show?"


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_a_picture_is_small(picture: Path) -> None:
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < _LARGEST
