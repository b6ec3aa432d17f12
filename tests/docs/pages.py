"""The pages people read, and what is in them."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGES = (TOP / "README.md", *sorted((TOP / "docs").glob("*.md")))

FENCE = re.compile(r"^```(\w*) ?([\w-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> dict[str, str]:
    """Name → commands of the blocks that open with ```` ```bash NAME ````: those are run by a test."""
    return {name: body for kind, name, body in FENCE.findall(page.read_text("utf-8")) if kind == "bash" and name}
