"""Every Python block of the documentation runs, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENVIRONMENT = {
    "CLERK_SECRET_KEY": "sk_test_documentation",
    "CLERK_PUBLISHABLE_KEY": "pk_test_bG9jYWwtaW5zdGFuY2UtMS5jbGVyay5hY2NvdW50cy5kZXYk",
    "CLERK_AUTHORIZED_PARTIES": "http://testserver",
    "DJANGO_SETTINGS_MODULE": "django_settings",
}

EXAMPLES = [
    pytest.param(block[1], id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), 1)
]

DJANGO_SETTINGS = next(str(example.values[0]) for example in EXAMPLES if example.id == "django.md-1")
DJANGO_SETTINGS += """
INSTALLED_APPS += ["django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"]
"""


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(example, encoding="utf-8")
    # The page on Django begins with the settings that its other examples are run with.
    (tmp_path / "django_settings.py").write_text(DJANGO_SETTINGS, encoding="utf-8")
    if "django" in example:
        program.write_text(f"import django\ndjango.setup()\n{example}", encoding="utf-8")
    # The README's first example is what its test imports, and a script of its takes a token.
    (tmp_path / "teams.py").write_text(str(EXAMPLES[0].values[0]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program.name, "not-a-token"],
        cwd=tmp_path,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 or done.stderr.startswith("refused: "), done.stderr[-2000:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
