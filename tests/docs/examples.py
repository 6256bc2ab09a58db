"""The examples of the documentation: its blocks of Python, as they stand there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    page: str
    number: int
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}-{self.number}"

    def run(self, folder: Path) -> dict[str, Any]:
        """What it defines, once it ran. It reads the environment, as it would in production."""
        program = folder / f"{self.page}_{self.number}.py"
        program.write_text(self.text, encoding="utf-8")
        return runpy.run_path(str(program), run_name="example")


EXAMPLES = [
    Example(page.name, number, block[1])
    for page in PAGES
    for number, block in enumerate(_BLOCK.finditer(page.read_text(encoding="utf-8")), 1)
]


def example(page: str, holds: str) -> Example:
    """The one example of *page* that holds this text."""
    [found] = [one for one in EXAMPLES if one.page == page and holds in one.text]
    return found


def section_of(page: str, title: str) -> str:
    """The text of *page* below a heading of the second level."""
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
