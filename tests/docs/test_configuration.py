"""The page on configuration knows every option, and its defaults are the real ones."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields

import pytest

from clerk_middleware import ClerkConfig, ConfigurationError

from .examples import ROOT

PAGE = (ROOT / "docs/configuration.md").read_text("utf-8")
OPTIONS = fields(ClerkConfig)
IN_CODE = ("content_security_policy",)  # which no text stands for


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_has_a_row(option: object) -> None:
    name = option.name  # type: ignore[attr-defined]
    where = "in code" if name in IN_CODE else f"`CLERK_{name.upper()}`"
    [row] = re.findall(rf"^\| `{name}`<br>{where} \|([^|]*)\|", PAGE, re.MULTILINE)
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


def test_what_is_set_in_code_is_refused_in_the_environment() -> None:
    for name in IN_CODE:
        with pytest.raises(ConfigurationError, match="It is set in code"):
            ClerkConfig.from_env({"CLERK_SECRET_KEY": "sk_test_x", f"CLERK_{name.upper()}": "default-src"})
