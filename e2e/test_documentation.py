"""The example of the documentation that needs a browser, as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .servers import ROOT


def test_the_example_passes(tmp_path: Path) -> None:
    page = (ROOT / "docs/local-clerk.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    [example] = [block for block in blocks if "playwright" in block]
    (tmp_path / "test_site.py").write_text(example, encoding="utf-8")
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:django"]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_site.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout
