"""The page on configuration knows every option, and its defaults are the real ones."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields

import pytest

from clerk_middleware import ClerkConfig

from .examples import ROOT

PAGE = (ROOT / "docs/configuration.md").read_text("utf-8")
OPTIONS = fields(ClerkConfig)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_has_a_row(option: object) -> None:
    name = option.name  # type: ignore[attr-defined]
    [row] = re.findall(rf"^\| `{name}`<br>`CLERK_{name.upper()}` \|([^|]*)\|", PAGE, re.MULTILINE)
    default = option.default  # type: ignore[attr-defined]
    assert default is not MISSING
    said = re.match(r" `([^`]*)`", row)
    if default is None or default == ():
        # Some are made of other options, which the page names in words.
        assert said is None or said[1] == "()" or name in ("sign_up_url",)
    else:
        assert said is not None
        written = ",".join(default) if isinstance(default, tuple) else str(default)
        assert said[1].strip('"') == written
